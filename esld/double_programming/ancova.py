"""Changes at one visit once more: plain least squares on the arms and covariates, with HC3 standard errors."""

from collections.abc import Sequence
from math import nan

import numpy as np
import pandas as pd
from scipy import stats

COLUMNS = ["group", "statistic", "value", "lower", "upper"]


def adjusted(
    adlb: pd.DataFrame, *, arms: Sequence[str], strata: "pd.Series[str] | None" = None
) -> pd.DataFrame:
    """Mean change of each arm at the average of every covariate, the difference of each other arm to the first, and its p-value.

    Parameters
    ----------
    adlb : DataFrame
        A row a patient: ``ARMCD BASE CHG``, none missing.
    arms : sequence of str
        Groups, the control first.
    strata : Series of str, optional
        The stratum of each row, by the index of ``adlb``; a covariate.

    Returns
    -------
    DataFrame
        ``group statistic value lower upper``: ``ls_mean``, ``ls_mean_difference`` and ``ls_mean_difference_p_value``, with 95 %
        limits by Student's t. NaN where the model cannot be fitted or has no residuals to go by.
    """
    covariates = [adlb["BASE"]]
    for level in sorted(set() if strata is None else set(strata))[1:]:
        covariates.append(strata.eq(level).astype(float))  # type: ignore[union-attr]
    # A column an arm and none of ones: with centred covariates a coefficient is then an arm's mean.
    x = np.column_stack(
        [*(adlb["ARMCD"].eq(arm).astype(float) for arm in arms), *(c - c.mean() for c in covariates)]
    )
    n, p = x.shape
    beta, covariance = np.full(p, nan), np.full((p, p), nan)
    if n > p and np.linalg.matrix_rank(x) == p:
        inverse = np.linalg.inv(x.T @ x)
        beta = inverse @ x.T @ adlb["CHG"].to_numpy(dtype=float)
        left = 1 - np.einsum("ij,jk,ik->i", x, inverse, x)
        if left.min() > 1e-10:
            weighted = x * ((adlb["CHG"].to_numpy(dtype=float) - x @ beta) / left)[:, None]
            covariance = inverse @ weighted.T @ weighted @ inverse
    rows: list[tuple[str, str, float, float, float]] = []
    for place, arm in enumerate(arms):
        what = np.eye(p)[place]
        rows.append((arm, "ls_mean", *_limits(what, beta, covariance, n - p)))
    for place, arm in enumerate(arms[1:], 1):
        what, between = np.eye(p)[place] - np.eye(p)[0], f"{arm} - {arms[0]}"
        rows.append((between, "ls_mean_difference", *_limits(what, beta, covariance, n - p)))
        error = np.sqrt(what @ covariance @ what)
        p_value = float(2 * stats.t.sf(abs(what @ beta) / error, n - p)) if error > 0 else nan
        rows.append((between, "ls_mean_difference_p_value", p_value, nan, nan))
    return pd.DataFrame(rows, columns=COLUMNS)


def _limits(
    what: np.ndarray, beta: np.ndarray, covariance: np.ndarray, df: int
) -> tuple[float, float, float]:
    """A contrast of the coefficients with its 95 % limits."""
    value, half = what @ beta, stats.t.ppf(0.975, df) * np.sqrt(what @ covariance @ what) if df > 0 else nan
    return float(value), float(value - half), float(value + half)
