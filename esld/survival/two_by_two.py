"""Exact tests of a two-by-two table: Fisher with its odds ratio, Boschloo, Barnard.

A table is x1 of n1 against x2 of n2. One-sided p-values: less, that the first group has the lower
proportion; greater, that it has the higher one. Each result names its two-sided rule.
"""

from dataclasses import dataclass
from math import inf, nan, pi
from operator import index

import numpy as np
import pandas as pd

from esld.longform import About, Estimate, estimate_rows, long_frame, row
from esld.survival._data import Bools, Floats, two_sided_z

# Tables whose statistics are this near, relatively, are tied: only rounding keeps them apart.
_TIE = 1e-10
# Points at which the common chance is tried; evenly spaced in its arcsine, where the spread is constant.
_GRID = 1001


@dataclass(frozen=True, kw_only=True)
class FisherExact:
    """Fisher's exact test of a two-by-two table.

    Attributes
    ----------
    p_value : float
        Two-sided: the probability of all tables no likelier than the one observed.
    p_less, p_greater : float
        One-sided, each with the whole probability of the table observed.
    mid_p : float
        Two-sided: the probability of all tables less likely than the one observed, and half of that of
        the tables as likely as it. 0.5 where the margins allow one table only.
    odds_ratio : Estimate
        Conditional maximum-likelihood odds ratio, in [0, inf], with exact limits from two one-sided
        tests, which may disagree with `p_value`. NaN with the reason where a margin is 0.
    n, events : int
        Subjects and those counted, both groups.
    """

    p_value: float
    p_less: float
    p_greater: float
    mid_p: float
    odds_ratio: Estimate
    n: int
    events: int
    method: str = "Fisher exact, point probability"

    def to_frame(self, *, group: str = "") -> pd.DataFrame:
        """Long form: p_value, p_less, p_greater, mid_p, and odds_ratio."""
        about: About = {"n": self.n, "events": self.events, "group": group, "method": self.method}
        rows = [row(name, getattr(self, name), **about) for name in ("p_value", "p_less", "p_greater")]
        rows.append(row("mid_p", self.mid_p, **(about | {"method": "Fisher mid-p, point probability"})))
        return long_frame(rows + estimate_rows("odds_ratio", self.odds_ratio, **about))


@dataclass(frozen=True, kw_only=True)
class UnconditionalTest:
    """An exact test whose p-value is the largest over the chance that both groups may share.

    Attributes
    ----------
    statistic : float
        What orders the tables: for Barnard z of the difference of proportions (infinite where the
        unpooled variance is 0), for Boschloo the smaller one-sided p-value of Fisher.
    p_value : float
        Two-sided, by the rule that `method` names.
    p_less, p_greater : float
        One-sided.
    n, events : int
        Subjects and those counted, both groups.
    method : str
        The test, its statistic and its two-sided rule.
    """

    statistic: float
    p_value: float
    p_less: float
    p_greater: float
    n: int
    events: int
    method: str

    def to_frame(self, *, group: str = "") -> pd.DataFrame:
        """Long form: statistic, p_value, p_less, p_greater."""
        about: About = {"n": self.n, "events": self.events, "group": group, "method": self.method}
        names = ("statistic", "p_value", "p_less", "p_greater")
        return long_frame(row(name, getattr(self, name), **about) for name in names)


def fisher(x1: int, n1: int, x2: int, n2: int, *, conf_level: float = 0.95) -> FisherExact:
    """Fisher's exact test that x1 of n1 and x2 of n2 have the same chance (``scipy.stats``).

    Parameters
    ----------
    x1, n1, x2, n2 : int
        Counted, and all, in the first and the second group.
    conf_level : float, default 0.95
        Level of the limits of the odds ratio.

    Returns
    -------
    FisherExact

    Raises
    ------
    ValueError
        Counts that are not integers with 0 <= x <= n and n >= 1.

    References
    ----------
    Fisher (1935), J R Stat Soc 98:39-82. Lancaster (1961), JASA 56:223-234, and Lydersen, Fagerland and
    Laake (2009), Stat Med 28:1159-1175, for the mid-p.
    """
    from scipy.stats import fisher_exact, hypergeom  # slow to import
    from scipy.stats.contingency import odds_ratio

    x1, n1 = checked_counts(x1, n1, "x1", "n1")
    x2, n2 = checked_counts(x2, n2, "x2", "n2")
    two_sided_z(conf_level)
    table = np.array([[x1, n1 - x1], [x2, n2 - x2]])
    value, lower, upper, reason = nan, 0.0, inf, ""
    if 0 < x1 + x2 < n1 + n2:
        found = odds_ratio(table, kind="conditional")
        limits = found.confidence_interval(confidence_level=conf_level)
        value, lower, upper = float(found.statistic), float(limits.low), float(limits.high)
    else:
        reason = "everybody in both groups has the same outcome: no odds ratio"
    ratio = Estimate(
        value=value, lower=lower, upper=upper, conf_level=conf_level, reason=reason,
        method="conditional maximum likelihood, exact limits",
    )  # fmt: skip
    given = hypergeom(n1 + n2, x1 + x2, n1)
    chance = given.pmf(np.arange(max(0, x1 - (n2 - x2)), min(n1, x1 + x2) + 1))
    tied = chance[np.isclose(chance, given.pmf(x1), rtol=_TIE, atol=0)].sum()
    p_value = float(fisher_exact(table).pvalue)
    return FisherExact(
        p_value=p_value, p_less=min(float(given.cdf(x1)), 1.0), p_greater=min(float(given.sf(x1 - 1)), 1.0),
        mid_p=p_value - float(tied) / 2, odds_ratio=ratio, n=n1 + n2, events=x1 + x2,
    )  # fmt: skip


def boschloo(x1: int, n1: int, x2: int, n2: int) -> UnconditionalTest:
    """Boschloo's test (``scipy.stats``): tables ordered by the one-sided p-value of Fisher.

    Two-sided: twice the smaller one-sided p-value, at most 1 (R's Exact orders by the two-sided p-value
    of Fisher instead, which is another test).

    Parameters
    ----------
    x1, n1, x2, n2 : int
        As for `fisher`.

    Returns
    -------
    UnconditionalTest

    References
    ----------
    Boschloo (1970), Statistica Neerlandica 24:1-35.
    """
    from scipy.stats import boschloo_exact  # slow to import

    x1, n1 = checked_counts(x1, n1, "x1", "n1")
    x2, n2 = checked_counts(x2, n2, "x2", "n2")
    table = np.array([[x1, x2], [n1 - x1, n2 - x2]])
    less, greater = (boschloo_exact(table, alternative=side) for side in ("less", "greater"))
    p_less, p_greater = float(less.pvalue), float(greater.pvalue)
    return UnconditionalTest(
        statistic=min(float(less.statistic), float(greater.statistic)),
        p_value=min(2 * min(p_less, p_greater), 1.0), p_less=p_less, p_greater=p_greater, n=n1 + n2,
        events=x1 + x2, method="Boschloo, twice the smaller one-sided",
    )  # fmt: skip


def barnard(x1: int, n1: int, x2: int, n2: int, *, pooled: bool = True) -> UnconditionalTest:
    """Barnard's test: tables ordered by the z of the difference; two-sided by its absolute value.

    Parameters
    ----------
    x1, n1, x2, n2 : int
        As for `fisher`.
    pooled : bool, default True
        Whether the variance in z is that of one common proportion (score), or of two (Wald).

    Returns
    -------
    UnconditionalTest

    Notes
    -----
    Own, because ``scipy.stats.barnard_exact`` (1.17.1) compares rounded statistics: tables tied with the
    one observed may be left out, and the p-value is then too small (9/11 v 3/11: 0.0132 for 0.0169).

    References
    ----------
    Barnard (1947), Biometrika 34:123-138. Suissa and Shuster (1985), J R Stat Soc A 148:317-327.
    """
    x1, n1 = checked_counts(x1, n1, "x1", "n1")
    x2, n2 = checked_counts(x2, n2, "x2", "n2")
    first, second = np.arange(n1 + 1.0)[:, None], np.arange(n2 + 1.0)[None, :]
    gap, total = first * n2 - second * n1, first + second
    # z squared, a ratio of two integers but for a constant that all tables share.
    if pooled:
        share, variance = (n1 + n2) / (n1 * n2), total * (n1 + n2 - total)
    else:
        share, variance = n1 * n2, first * (n1 - first) * n2**3 + second * (n2 - second) * n1**3
    squared = np.zeros(gap.shape)
    with np.errstate(divide="ignore"):  # no variance and yet a difference: infinite
        np.divide(gap**2, variance, out=squared, where=gap != 0)
    signed = np.sign(gap) * squared
    seen = signed[x1, x2]
    p_value, p_less, p_greater = _largest(
        [_at_most(-squared, -squared[x1, x2]), _at_most(signed, seen), _at_most(-signed, -seen)]
    )
    return UnconditionalTest(
        statistic=float(np.sign(seen) * np.sqrt(abs(seen) * share)), p_value=p_value, p_less=p_less,
        p_greater=p_greater, n=n1 + n2, events=x1 + x2,
        method=f"Barnard, {'pooled' if pooled else 'unpooled'} z, absolute value",
    )  # fmt: skip


def checked_counts(x: int, n: int, x_name: str, n_name: str) -> tuple[int, int]:
    """`x` of `n` as Python integers with 0 <= x <= n and n >= 1."""
    try:
        x, n = index(x), index(n)
    except TypeError:
        raise ValueError(f"{x_name} and {n_name} must be integers, got {x!r} and {n!r}") from None
    if n < 1 or not 0 <= x <= n:
        raise ValueError(f"{x_name} must be from 0 to {n_name} and {n_name} at least 1, got {x} of {n}")
    return x, n


def _at_most(values: Floats, seen: float) -> Bools:
    """The tables at or below the one observed, ties included."""
    return (values <= seen) | np.isclose(values, seen, rtol=_TIE, atol=0)


def _largest(tails: list[Bools]) -> list[float]:
    """For each tail, a mask over the tables, its largest probability over a common chance in [0, 1].

    Given the chance, the total is binomial and, given the total, the table hypergeometric: the
    probability is a mixture of binomials, smooth on the scale of their spread, which the grid resolves.
    """
    from scipy.optimize import minimize_scalar  # slow to import
    from scipy.stats import binom, hypergeom

    n1, n2 = tails[0].shape[0] - 1, tails[0].shape[1] - 1
    n = n1 + n2
    margin = np.add.outer(np.arange(n1 + 1), np.arange(n2 + 1))
    given = hypergeom.pmf(np.arange(n1 + 1)[:, None], n, margin, n1)
    weights = [np.bincount(margin.ravel(), (tail * given).ravel(), n + 1) for tail in tails]
    totals = np.arange(n + 1)
    angles = np.linspace(0, pi / 2, _GRID)
    heights = binom.pmf(totals, n, np.sin(angles)[:, None] ** 2) @ np.column_stack(weights)
    found = []
    for weight, height in zip(weights, heights.T, strict=True):
        best = float(height.max())
        inner = height[1:-1]
        peaks = 1 + np.flatnonzero((inner >= height[:-2]) & (inner >= height[2:]) & (inner > 0.99 * best))
        for peak in peaks if best < 1 else ():
            refined = minimize_scalar(
                lambda angle, weight=weight: -float(weight @ binom.pmf(totals, n, np.sin(angle) ** 2)),
                bounds=(angles[peak - 1], angles[peak + 1]), method="bounded", options={"xatol": 1e-10},
            )  # fmt: skip
            best = max(best, -float(refined.fun))
        found.append(min(best, 1.0))
    return found
