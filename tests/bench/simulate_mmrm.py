"""Type I error of the model for repeated measures at 22 patients, with its Monte Carlo error.

Two arms of 11 without any difference; the visits and the gaps of mmrm22: about a fifth of the patients leave for good.
The covariance is not of the structure that is fitted (standard deviations grow, the correlation falls with time), so
that the error of a wrong structure is seen as well. ``python -m tests.bench.simulate_mmrm adh 20000``.
"""

import sys
from math import sqrt

import numpy as np
import pandas as pd

from esld.longitudinal.mmrm import mmrm

WEEKS = np.array([1.0, 4.0, 8.0, 12.0, 24.0, 48.0])
NAMES = np.array([f"W{week:02.0f}" for week in WEEKS])
PATIENTS = 22
SD = 2.2 + WEEKS / 12
SIGMA = np.outer(SD, SD) * (0.35 + 0.65 * np.exp(-np.abs(WEEKS[:, None] - WEEKS) / 20))


def trial(rng: np.random.Generator) -> pd.DataFrame:
    """One trial without a difference between its arms; patients leave at random."""
    base = rng.normal(34, 8, PATIENTS)
    change = rng.multivariate_normal(np.zeros(6), SIGMA, PATIENTS) - 0.05 * base[:, None]
    leaves = np.where(rng.random(PATIENTS) < 0.2, rng.integers(2, 6, PATIENTS), 6)
    i, j = np.nonzero(np.arange(6) < leaves[:, None])
    arm = np.where(i < PATIENTS // 2, "a", "b")
    return pd.DataFrame({"id": i, "visit": NAMES[j], "arm": arm, "base": base[i], "chg": change[i, j]})


def simulate(
    covariance: str, trials: int, *, df: str = "kenward-roger", seed: str = "mmrm type I"
) -> pd.DataFrame:
    """p-values of the difference at week 48 and of arm by visit, and the structure that was fitted, a row a trial."""
    rng = np.random.default_rng(list(seed.encode()))
    rows = []
    for _ in range(trials):
        fit = mmrm(
            trial(rng), "chg ~ base + arm * visit", subject="id", visit="visit", covariance=covariance, df=df,
            times=dict(zip(NAMES, WEEKS, strict=True)),
        )  # fmt: skip
        last, joint = fit.differences("arm")[-1].p_value, fit.test("arm:visit").p_value
        rows.append((last, joint, fit.covariance))
    return pd.DataFrame(rows, columns=["week 48", "arm by visit", "covariance"])


def main(covariance: str = "adh", trials: int = 1000) -> None:
    """Print the share of p-values below 5 % with its standard error."""
    for df in ("kenward-roger", "satterthwaite"):
        found = simulate(covariance, trials, df=df)
        for what in ("week 48", "arm by visit"):
            share = float((found[what] < 0.05).mean())
            print(
                f"mmrm {covariance}, {df}, {what}: {share:.4f}, s.e. {sqrt(share * (1 - share) / trials):.4f}"
            )
        print(f"  fitted: {found['covariance'].value_counts().to_dict()} of {trials}")


if __name__ == "__main__":
    main(*sys.argv[1:2], *map(int, sys.argv[2:3]))
