"""The model for repeated measures: formula, fit, degrees of freedom and LS means, in one run.

The first fit of a formula is not counted: what formulaic makes of it is kept for the next. R mmrm 0.3.18: 42 to 49 ms for
the small fits, 1.9 s for 1000 subjects by 10 visits unstructured with Satterthwaite.
Set OPENBLAS_NUM_THREADS=1 as the report's kernels do: the matrices are small, and threads only wait for each other.
"""

from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import pandas as pd

from esld.longitudinal.mmrm import mmrm

DATA = Path(__file__).parents[1] / "reference" / "data"
VISITS = 10


def trial(subjects: int, *, patterns: int = 0) -> pd.DataFrame:
    """Two arms, ten visits; 30 % drop out, or each subject has one of so many random patterns."""
    rng = np.random.default_rng(list(b"esld bench mmrm"))
    visit = np.arange(VISITS)
    sigma = np.exp(-np.abs(visit[:, None] - visit) / 5) * np.outer(1 + 0.1 * visit, 1 + 0.1 * visit)
    arm, base = rng.integers(0, 2, subjects), rng.normal(30, 5, subjects)
    y = rng.multivariate_normal(np.zeros(VISITS), sigma, subjects) + 0.1 * base[:, None]
    if patterns:
        drawn = np.unique(rng.random((20 * patterns, VISITS)) < 0.6, axis=0)
        drawn = drawn[drawn.any(axis=1)]
        drawn = drawn[rng.permutation(len(drawn))[:patterns]]
        seen = drawn[np.concatenate((np.arange(patterns), rng.integers(0, patterns, subjects - patterns)))]
    else:
        last = np.where(rng.random(subjects) < 0.7, VISITS, rng.integers(1, VISITS, subjects))
        seen = visit < last[:, None]
    i, j = np.nonzero(seen)
    names = np.array([f"V{k:02d}" for k in visit])
    return pd.DataFrame(
        {"id": i, "visit": names[j], "arm": np.where(arm[i], "B", "A"), "base": base[i], "chg": y[i, j]}
    )


def main(repeats: int = 9) -> None:
    """Print the median of each fit."""
    small, large = pd.read_csv(DATA / "mmrm22.csv"), pd.read_csv(DATA / "pbcseq_visits.csv")
    formula, other = "chg ~ base + arm * visit", "chg_logbili ~ base_logbili * visit + arm * visit"
    cases = [
        ("22 x 6, us, Kenward-Roger", small, formula, "us", "kenward-roger"),
        ("22 x 6, csh, Kenward-Roger", small, formula, "csh", "kenward-roger"),
        ("285 x 4, us, Kenward-Roger", large, other, "us", "kenward-roger"),
        ("1000 x 10, us, Satterthwaite, drop-out", trial(1000), formula, "us", "satterthwaite"),
        (
            "1000 x 10, us, Satterthwaite, 300 patterns",
            trial(1000, patterns=300),
            formula,
            "us",
            "satterthwaite",
        ),
    ]
    for name, frame, model, covariance, df in cases:
        seconds = []
        for _ in range(repeats + 1):
            begun = perf_counter()
            fit = mmrm(frame, model, subject="id", visit="visit", covariance=covariance, df=df)
            fit.coefficients()
            fit.ls_means("arm")
            fit.differences("arm")
            seconds.append(perf_counter() - begun)
        print(
            f"mmrm {name}, formula to differences, median of {repeats}: {1000 * median(seconds[1:]):.1f} ms, "
            f"{fit.n_patterns} patterns, {fit.iterations} steps"
        )


if __name__ == "__main__":
    main()
