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

    Examples
    --------
    >>> from esld.data.datasets import demo
    >>> from esld.randomisation import standardised_difference
    >>> patients = demo().query("week == 0")
    >>> high = patients["arm"].eq("MEDHIGH")
    >>> round(standardised_difference(patients["age_years"], high), 3)
    -1.251
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


def standardised_differences(values: ArrayLike, allocations: ArrayLike) -> NDArray[np.float64]:
    """:func:`standardised_difference` of the same values under each of many allocations.

    Parameters
    ----------
    values : array_like of shape (n,)
        Numbers; NaN is left out.
    allocations : array_like of shape (m, n)
        0 first arm, 1 second.

    Returns
    -------
    ndarray of shape (m,)
        NaN where an arm has fewer than two values, or neither has a spread.

    Raises
    ------
    ValueError
        Rows of another length than `values`.

    References
    ----------
    Austin (2009), Stat Med 28:3083-3107.

    Examples
    --------
    >>> from esld.data.datasets import demo
    >>> from esld.randomisation import standardised_differences
    >>> patients = demo().query("week == 0")
    >>> high = patients["arm"].eq("MEDHIGH")
    >>> standardised_differences(patients["age_years"], [high, ~high]).round(3).tolist()
    [-1.251, 1.251]
    """
    found, codes = np.asarray(values, dtype=float), np.asarray(allocations)
    if codes.ndim != 2 or codes.shape[1:] != found.shape:
        raise ValueError(f"allocations must be rows of {found.size}, got shape {codes.shape}")
    known = ~np.isnan(found)
    # Less the common mean: sums of squares of values far from 0 would lose digits.
    x = found[known] - found[known].mean() if known.any() else found[known]
    second = codes[:, known].astype(float)
    sums = [(side.sum(axis=1), side @ x, side @ x**2) for side in (1 - second, second)]
    with np.errstate(divide="ignore", invalid="ignore"):
        means = [total / n for n, total, _ in sums]
        variances = [
            np.maximum(squares - n * mean**2, 0) / (n - 1)
            for (n, _, squares), mean in zip(sums, means, strict=True)
        ]
        spread = np.sqrt((variances[0] + variances[1]) / 2)
        enough = (np.minimum(sums[0][0], sums[1][0]) >= 2) & (spread > 1e-12 * (1 + np.abs(x).max(initial=0)))
        return np.where(enough, (means[1] - means[0]) / spread, nan)


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

    Raises
    ------
    ValueError
        Allocations other than 0 and 1.

    References
    ----------
    Tamm and Hilgers (2014), Methods Inf Med 53:501-510, for the bias of a drift in time.

    Examples
    --------
    >>> from esld.randomisation import mean_place
    >>> [round(place, 2) for place in mean_place([0, 1, 1, 0, 0, 1])]
    [3.33, 3.67]
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
