"""The model for repeated measures: formula, fit, degrees of freedom and LS means, in one run.

The first fit of a formula is not counted: what formulaic makes of it is kept for the next. R mmrm 0.3.18: 42 to 49 ms for
the small fits, 1.9 s for 1000 subjects by 10 visits unstructured with Satterthwaite.
Set OPENBLAS_NUM_THREADS=1 as the report's kernels do: the matrices are small, and threads only wait for each other.
"""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from esld.longitudinal.mmrm import mmrm
from tests.bench.measures import Measure, interleaved, table

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


def whole(frame: pd.DataFrame, formula: str, covariance: str, df: str) -> None:
    """From the formula to the differences."""
    fit = mmrm(frame, formula, subject="id", visit="visit", covariance=covariance, df=df)
    fit.coefficients()
    fit.ls_means("arm")
    fit.differences("arm")


def measures(repeats: int = 9) -> list[Measure]:
    """Each fit, the formula having been read once."""
    small, large = pd.read_csv(DATA / "mmrm22.csv"), pd.read_csv(DATA / "pbcseq_visits.csv")
    formula, other = "chg ~ base + arm * visit", "chg_logbili ~ base_logbili * visit + arm * visit"
    many, patterns = trial(1000), trial(1000, patterns=300)
    cases: list[tuple[str, float, tuple[pd.DataFrame, str, str, str]]] = [
        ("22 x 6, us, Kenward-Roger", 10, (small, formula, "us", "kenward-roger")),
        ("22 x 6, csh, Kenward-Roger", 12, (small, formula, "csh", "kenward-roger")),
        ("285 x 4, us, Kenward-Roger", 12, (large, other, "us", "kenward-roger")),
        ("1000 x 10, us, Satterthwaite, drop-out", 150, (many, formula, "us", "satterthwaite")),
        ("1000 x 10, us, Satterthwaite, 300 patterns", 400, (patterns, formula, "us", "satterthwaite")),
    ]
    found = {name: partial(whole, *about) for name, _, about in cases}
    for first in found.values():
        first()
    times = interleaved(found, repeats)
    return [
        Measure(f"mmrm {name}, formula to differences", 1000 * times[name], goal=goal, unit="ms")
        for name, goal, _ in cases
    ]


if __name__ == "__main__":
    print(table(measures()))
