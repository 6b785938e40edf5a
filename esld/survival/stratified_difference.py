"""A difference over strata: score limits after Miettinen and Nurminen, Newcombe's after Yan and Su, or MOVER."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, isnan, nan, sqrt
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from esld.longform import About, Estimate, Shown, estimate_rows, long_frame
from esld.methods import made_by, step
from esld.reasons import Why, because, together
from esld.survival._data import Floats, choice, two_sided_p, two_sided_z
from esld.survival._score_variance import score_variances
from esld.survival.two_by_two import checked_counts

StratifiedMethod = Literal["miettinen-nurminen", "newcombe"]
STRATIFIED_METHODS = {"miettinen-nurminen": "miettinen-nurminen", "newcombe": "newcombe-yan-su"}


@dataclass(frozen=True, kw_only=True)
class StratifiedDifference(Estimate, Shown):
    """A difference of proportions over strata.

    Attributes
    ----------
    weights : tuple of float
        Of each stratum, adding up to 1; 0 where a group has nobody.
    n, events : int
        Subjects and those counted, in the strata with a weight.
    """

    weights: tuple[float, ...]
    n: int
    events: int

    def to_frame(self, *, group: str = "") -> pd.DataFrame:
        """Long form: the difference and its p-value where it has one."""
        about: About = {"n": self.n, "events": self.events, "group": group}
        return long_frame(estimate_rows("risk_difference", self, **about))


def stratified_risk_difference(
    x1: ArrayLike,
    n1: ArrayLike,
    x2: ArrayLike,
    n2: ArrayLike,
    *,
    method: StratifiedMethod = "miettinen-nurminen",
    conf_level: float = 0.95,
) -> StratifiedDifference:
    """Weighted mean of the strata's differences x1/n1 - x2/n2, with limits in [-1, 1].

    Strata have Mantel and Haenszel's weights n1 n2 / (n1 + n2), which assume no common difference.

    Parameters
    ----------
    x1, n1, x2, n2 : array_like of int, shape (k,), 0 <= x <= n
        Counted, and all, in the first and the second group of each stratum; none missing. A stratum in which a group has
        nobody says nothing of a difference: its weight is 0, and `reason` names it by its number from 1.
    method : {'miettinen-nurminen', 'newcombe'}
        Limits by inverting the stratified score test, (d - D)^2 over the sum of w^2 V(D), with V the variance of
        `risk_difference` in each stratum; its p-value of no difference is that of Cochran, Mantel and Haenszel
        without correction. Or Newcombe's hybrid of the two groups' stratified Wilson intervals, no p-value.
    conf_level : float in (0, 1), default 0.95

    Returns
    -------
    StratifiedDifference
        With one stratum its numbers are those of `risk_difference`.

    Raises
    ------
    ValueError
        Counts of different lengths, or that are not integers with 0 <= x <= n; no stratum with both groups; an
        unknown method.

    Notes
    -----
    Miettinen and Nurminen weigh strata anew at each difference; here the weights are fixed, as with CL=MNMH of SAS
    (COMMONRISKDIFF; its CL=SCORE is another method). Newcombe's limits are those of SAS, CL=NEWCOMBE. The quantile
    of the strata's Wilson intervals is z times the root of the sum of w^2 p (1 - p) / n over the sum of the roots;
    where nobody or everybody is counted in every stratum of a group, p (1 - p) is left out of it, its limit.

    References
    ----------
    Miettinen and Nurminen (1985), Stat Med 4:213-226. Yan and Su (2010), Stat Biopharm Res 2:329-335. Mantel and
    Haenszel (1959), JNCI 22:719-748.

    Examples
    --------
    >>> from esld.survival import stratified_risk_difference
    >>> found = stratified_risk_difference([6, 4], [6, 5], [5, 2], [6, 5])
    >>> round(found.value, 3), round(found.lower, 3), round(found.upper, 3)
    (0.273, -0.085, 0.597)
    >>> found.weights
    (0.5454545454545454, 0.45454545454545453)
    """
    choice(method, "method", tuple(STRATIFIED_METHODS))
    z = two_sided_z(conf_level)
    strata, weights = _weighted(x1, n1, x2, n2)
    p_value, k, reason = nan, weights.size, None
    if method == "newcombe":
        lower, upper = _newcombe(strata, z)
    else:
        lower, upper = _limits(strata, z)
        variance = _variance(strata, 0.0)
        p_value = two_sided_p(strata.difference / sqrt(variance)) if variance > 0 else 1.0
    if np.any(weights == 0):
        empty = tuple(str(i) for i in 1 + np.flatnonzero(weights == 0))
        reason = because(Why.EMPTY_STRATUM, strata=empty)
    return StratifiedDifference(
        value=strata.difference, lower=lower, upper=upper, p_value=p_value, conf_level=conf_level, reason=reason,
        method=made_by(STRATIFIED_METHODS[method], step("strata", k), "mantel-haenszel" if k > 1 else ""),
        weights=tuple(weights.tolist()), n=int((strata.n1 + strata.n2).sum()),
        events=int((strata.x1 + strata.x2).sum()),
    )  # fmt: skip


def weighted_difference(
    differences: Sequence[Estimate], sizes: Sequence[tuple[int, int]], *, method: str
) -> Estimate:
    """Weighted mean of differences that each stratum has with its own limits.

    Parameters
    ----------
    differences : sequence of Estimate
        Of the strata that hold both groups, such as differences of Kaplan-Meier estimates or of restricted means.
    sizes : sequence of (int, int)
        Subjects of the two groups in each: the weights are Mantel and Haenszel's, n1 n2 / (n1 + n2).
    method : str
        How those differences were made.

    Returns
    -------
    Estimate
        Limits are as far from the value as the root of the weighted squares of the strata's own distances (MOVER, for sums
        of independent estimates); of one stratum they are its own. NaN with the reasons where a stratum has no difference.

    References
    ----------
    Zou and Donner (2008), Stat Med 27:1693-1702.

    Examples
    --------
    >>> from esld.survival import risk_difference, weighted_difference
    >>> strata = [risk_difference(6, 6, 5, 6), risk_difference(4, 5, 2, 5)]
    >>> found = weighted_difference(strata, [(6, 6), (5, 5)], method="miettinen-nurminen")
    >>> round(found.value, 3), round(found.lower, 3), round(found.upper, 3)
    (0.273, -0.104, 0.56)
    """
    products = [n1 * n2 / (n1 + n2) for n1, n2 in sizes]
    weights = [own / sum(products) for own in products]
    value = sum(w * d.value for w, d in zip(weights, differences, strict=True))
    below = hypot(*(w * (d.value - d.lower) for w, d in zip(weights, differences, strict=True)))
    above = hypot(*(w * (d.upper - d.value) for w, d in zip(weights, differences, strict=True)))
    k = len(weights)
    return Estimate(
        value=value, lower=value - below, upper=value + above, conf_level=differences[0].conf_level,
        method=made_by(method, step("strata", k), "mantel-haenszel" if k > 1 else ""),
        reason=together(d.reason for d in differences) if isnan(value) else None,
    )  # fmt: skip


class _Strata(NamedTuple):
    """The strata with both groups, each of shape (k,)."""

    x1: Floats
    n1: Floats
    x2: Floats
    n2: Floats
    weights: Floats

    @property
    def difference(self) -> float:
        return float(np.sum(self.weights * (self.x1 / self.n1 - self.x2 / self.n2)))


def _weighted(*counts: ArrayLike) -> tuple[_Strata, Floats]:
    """The strata that say something, and the weights of all."""
    columns = [np.atleast_1d(np.asarray(count)) for count in counts]
    if any(column.ndim != 1 or column.shape != columns[0].shape or not column.size for column in columns):
        shapes = ", ".join(str(column.shape) for column in columns)
        raise ValueError(f"x1, n1, x2 and n2 must have one number for each stratum, got shapes {shapes}")
    for place, own in enumerate(zip(*(column.tolist() for column in columns), strict=True), start=1):
        for group, (x, n) in enumerate((own[:2], own[2:]), start=1):
            if (x, n) != (0, 0):
                checked_counts(x, n, f"x{group} of stratum {place}", f"n{group} of stratum {place}")
    x1, n1, x2, n2 = (column.astype(np.float64) for column in columns)
    both = (n1 > 0) & (n2 > 0)
    if not both.any():
        raise ValueError("n1 and n2 must both be 1 or more in a stratum, got no such stratum")
    weights = np.where(both, n1 * n2 / np.maximum(n1 + n2, 1), 0.0)
    weights /= weights.sum()
    return _Strata(*(column[both] for column in (x1, n1, x2, n2, weights))), weights


def _variance(s: _Strata, d: float) -> float:
    """Of the weighted difference, at the likeliest chances of each stratum that differ by d."""
    total = s.n1 + s.n2
    own = score_variances(s.x1 / s.n1, s.n1, s.x2 / s.n2, s.n2, d) * total / (total - 1)
    return float(np.sum(s.weights**2 * own))


def _limits(s: _Strata, z: float) -> tuple[float, float]:
    from scipy.optimize import brentq  # slow to import

    value = s.difference

    def excess(d: float) -> float:
        # Squared score statistic against z^2, multiplied out, as for one stratum.
        return (value - d) ** 2 - z * z * _variance(s, d)

    def limit(outer: float) -> float:
        if abs(value - outer) < 1e-12:
            return outer
        start = value + (outer - value) * 1e-9
        return float(brentq(excess, start, outer, xtol=1e-15, rtol=1e-14))

    return limit(-1.0), limit(1.0)


def _newcombe(s: _Strata, z: float) -> tuple[float, float]:
    (l1, u1), (l2, u2) = _wilson(s.x1, s.n1, s.weights, z), _wilson(s.x2, s.n2, s.weights, z)
    v1, v2 = float(np.sum(s.weights**2 / s.n1)), float(np.sum(s.weights**2 / s.n2))
    lower = s.difference - z * sqrt(v1 * l1 * (1 - l1) + v2 * u2 * (1 - u2))
    upper = s.difference + z * sqrt(v1 * u1 * (1 - u1) + v2 * l2 * (1 - l2))
    return max(lower, -1.0), min(upper, 1.0)


def _wilson(x: Floats, n: Floats, weights: Floats, z: float) -> tuple[float, float]:
    """Yan and Su's stratified Wilson limits of the weighted proportion of a group."""
    p = x / n
    spread = p * (1 - p) / n if np.any((p > 0) & (p < 1)) else 1 / n
    quantile = z * sqrt(float(np.sum(weights**2 * spread))) / float(np.sum(weights * np.sqrt(spread)))
    half = quantile * np.sqrt(n * p * (1 - p) + quantile**2 / 4)
    lower, upper = ((x + quantile**2 / 2 + side * half) / (n + quantile**2) for side in (-1, 1))
    lower, upper = np.where(p == 0, 0.0, lower), np.where(p == 1, 1.0, upper)
    return max(float(np.sum(weights * lower)), 0.0), min(float(np.sum(weights * upper)), 1.0)
