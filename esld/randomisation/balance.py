"""Balance of two arms in what was known before treatment: standardised differences, and who came when."""

from __future__ import annotations

from math import nan, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray


def standardised_difference(values: ArrayLike, allocation: ArrayLike) -> float:
    """Mean of the second arm minus that of the first, in standard deviations.

    Parameters
    ----------
    values : array_like of shape (n,)
        Numbers; NaN is left out.
    allocation : array_like of shape (n,)
        0 first arm, 1 second.

    Returns
    -------
    float
        Difference in means over the root of the mean of the two sample variances. NaN if an arm has fewer than two values,
        or neither has a spread. By chance alone its standard deviation is about ``sqrt(1 / n1 + 1 / n2)``.

    Raises
    ------
    ValueError
        Lengths that differ; allocations other than 0 and 1.

    References
    ----------
    Austin (2009), Stat Med 28:3083-3107.
    """
    found, codes = np.asarray(values, dtype=float), _codes(allocation)
    if found.shape != codes.shape:
        raise ValueError(f"values and allocation must have one length, got {found.size} and {codes.size}")
    known = ~np.isnan(found)
    first, second = found[known & (codes == 0)], found[known & (codes == 1)]
    if min(first.size, second.size) < 2:
        return nan
    spread = sqrt((first.var(ddof=1) + second.var(ddof=1)) / 2)
    return float((second.mean() - first.mean()) / spread) if spread > 0 else nan


def standardised_difference_of_levels(levels: ArrayLike, allocation: ArrayLike) -> float:
    """Distance between the distributions of a categorical variable in two arms, 0 or more.

    With two levels it is the absolute difference in proportions over the root of the mean of p (1 - p) in the arms; with
    more, the Mahalanobis distance of the proportions of all levels but one.

    Parameters
    ----------
    levels : array_like of shape (n,)
        Categories; None and NaN are left out.
    allocation : array_like of shape (n,)
        0 first arm, 1 second.

    Returns
    -------
    float
        NaN if an arm has no values, or everybody in each arm has one level and these differ; 0 if all have the same.

    Raises
    ------
    ValueError
        Lengths that differ; allocations other than 0 and 1.

    References
    ----------
    Yang and Dalton (2012), SAS Global Forum, paper 335.
    """
    found, codes = np.asarray(levels, dtype=object), _codes(allocation)
    if found.shape != codes.shape:
        raise ValueError(f"levels and allocation must have one length, got {found.size} and {codes.size}")
    known = np.array([x is not None and x == x for x in found], dtype=bool)
    kinds = sorted({str(x) for x in found[known]})
    arms = [[str(x) for x in found[known & (codes == arm)]] for arm in (0, 1)]
    if not all(arms):
        return nan
    share = np.array([[arm.count(kind) / len(arm) for kind in kinds[1:]] for arm in arms])
    apart = share[1] - share[0]
    if not np.any(apart):
        return 0.0
    pooled = sum(np.diag(p) - np.outer(p, p) for p in share) / 2
    inverse = np.linalg.pinv(pooled)
    if not np.allclose(pooled @ inverse @ apart, apart, atol=1e-9):
        return nan  # the arms differ in a direction in which neither has a spread
    return float(sqrt(apart @ inverse @ apart))


def mean_place(allocation: ArrayLike) -> tuple[float, float]:
    """Mean place of each arm in the order of entry, counted from 1; equal means leave no room for a drift in time.

    Parameters
    ----------
    allocation : array_like of shape (n,)
        0 first arm, 1 second, in the order of entry.

    Returns
    -------
    tuple of 2 float
        NaN for an arm without subjects.

    References
    ----------
    Tamm and Hilgers (2014), Methods Inf Med 53:501-510, for the bias of a drift in time.
    """
    codes = _codes(allocation)
    places = np.arange(1, codes.size + 1)
    first, second = (places[codes == arm] for arm in (0, 1))
    return (float(first.mean()) if first.size else nan, float(second.mean()) if second.size else nan)


def _codes(allocation: ArrayLike) -> NDArray[np.int64]:
    raw = np.asarray(allocation)
    if raw.ndim != 1 or not np.all((raw == 0) | (raw == 1)):
        raise ValueError(f"allocation must be a row of 0 and 1, got {np.unique(raw)[:5].tolist()}")
    return raw.astype(np.int64)
