"""Changes at one visit once more: plain least squares on the arms and covariates, with HC3 standard errors."""

from collections.abc import Sequence
from math import nan

import numpy as np
import pandas as pd
from scipy import stats

COLUMNS = ["group", "statistic", "value", "lower", "upper"]
ROUNDING = 1e-10  # of a length of 1, of what a row has free of its own fit, and of the largest change


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
        limits by Student's t. All NaN where the model cannot be fitted; limits and p-values where it leaves no residuals, or goes
        through a row whatever its change.
    """
    covariates = [adlb["BASE"]]
    for level in sorted(set() if strata is None else set(strata))[1:]:
        covariates.append(strata.eq(level).astype(float))  # type: ignore[union-attr]
    # A column an arm and none of ones: with centred covariates a coefficient is then an arm's mean.
    x = np.column_stack(
        [*(adlb["ARMCD"].eq(arm).astype(float) for arm in arms), *(c - c.mean() for c in covariates)]
    )
    y = adlb["CHG"].to_numpy(dtype=float)
    n, p = x.shape
    beta, moved = np.full(p, nan), np.full((p, n), nan)
    rounding = ROUNDING * np.abs(y).max(initial=0.0)
    varied = all(np.ptp(c) > ROUNDING * np.abs(c).max() for c in covariates) if n else False
    length = np.sqrt((x**2).sum(axis=0))  # so that no unit decides what is determined
    if varied and n >= p and length.min() > 0 and np.linalg.matrix_rank(x / length, tol=ROUNDING) == p:
        back = np.linalg.pinv(x / length) / length[:, None]
        beta = back @ y
        left, residuals = 1 - np.sum(x * back.T, axis=1), y - x @ beta
        if left.min() > ROUNDING and np.abs(residuals).max() > rounding:
            moved = back * (residuals / left)  # by leaving out each row

    def contrast(what: np.ndarray) -> tuple[float, float, float, float]:
        """A combination of the coefficients, its 95 % limits and its p-value."""
        value, error = float(what @ beta), float(np.linalg.norm(what @ moved))
        if not error > rounding:
            return value, nan, nan, nan
        half = float(stats.t.ppf(0.975, n - p)) * error
        return value, value - half, value + half, float(2 * stats.t.sf(abs(value) / error, n - p))

    rows: list[tuple[str, str, float, float, float]] = []
    for place, arm in enumerate(arms):
        rows.append((arm, "ls_mean", *contrast(np.eye(p)[place])[:3]))
    for place, arm in enumerate(arms[1:], 1):
        between = f"{arm} - {arms[0]}"
        value, lower, upper, p_value = contrast(np.eye(p)[place] - np.eye(p)[0])
        rows.append((between, "ls_mean_difference", value, lower, upper))
        rows.append((between, "ls_mean_difference_p_value", p_value, nan, nan))
    return pd.DataFrame(rows, columns=COLUMNS)
