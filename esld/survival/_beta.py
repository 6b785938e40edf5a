"""Beta distributions kept as two moments: products, quantiles, and the mid-p mixture of two."""

from typing import NamedTuple

import numpy as np
from scipy.special import betainc, betaincinv

from esld.survival._data import Floats

_STEPS = 200  # of the search for a quantile, which needs about ten
_NEAR = 4 * np.finfo(float).eps  # relative width of the bracket at which it ends


class Beta(NamedTuple):
    """Beta distributions, any of which may be a point at 0 or at 1; all of one shape.

    Attributes
    ----------
    mean : ndarray
        Logarithm of the mean; 0 is a point at 1, minus infinity a point at 0.
    spread : ndarray
        Logarithm of the second moment over the squared mean. Both add up over independent factors.
    """

    mean: Floats
    spread: Floats


def beta(a: Floats, b: Floats) -> Beta:
    """B(a, b); B(0, b) is 0, B(a, 0) is 1."""
    with np.errstate(divide="ignore"):
        return Beta(np.log(a / (a + b)), np.log1p(b / (a * (a + b + 1))))


def _inside(law: Beta) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.bool_]], Floats, Floats]:
    """Which distributions are no point, and the a and b of those."""
    some = (law.mean < 0) & np.isfinite(law.mean)
    share, rest, excess = np.exp(law.mean[some]), -np.expm1(law.mean[some]), np.expm1(law.spread[some])
    size = rest / (share * excess) - 1
    return some, share * size, rest * size


def quantile(law: Beta, p: float) -> Floats:
    """Quantile of each distribution."""
    some, a, b = _inside(law)
    value = np.where(law.mean == 0, 1.0, 0.0)  # a point at 1, or at 0
    value[some] = betaincinv(a, b, p)
    return value


def mid_quantile(low: Beta, high: Beta, p: float) -> Floats:
    """Quantile of the even mixture of two distributions, `low` never above `high`.

    With B(x, n - x + 1) and B(x + 1, n - x) it is a mid-p limit of x of n: half of the probability of what
    was observed counts (Lancaster 1961, JASA 56:223-234).
    """
    nothing, everything = ~np.isfinite(low.mean), high.mean == 0
    # Where one of the two is a point, the other has what is left of the probability.
    rest = quantile(high, 2 * p - 1) if p > 0.5 else quantile(low, 2 * p)
    found = np.where(everything if p > 0.5 else nothing, float(p > 0.5), rest)
    some = ~(nothing | everything)
    if some.any():
        found[some] = _crossing(
            Beta(low.mean[some], low.spread[some]), Beta(high.mean[some], high.spread[some]), p
        )
    return found


def _crossing(low: Beta, high: Beta, p: float) -> Floats:
    """`mid_quantile` where neither is a point, by regula falsi that halves a value met twice (Illinois)."""
    (a, b), (c, d) = _inside(low)[1:], _inside(high)[1:]

    def excess(x: Floats) -> Floats:
        found: Floats = (betainc(a, b, x) + betainc(c, d, x)) / 2 - p
        return found

    # The mixture's lies between those of the two.
    left, right = quantile(low, p), quantile(high, p)
    below, above = excess(left), excess(right)
    side = np.zeros(left.shape)
    for _ in range(_STEPS):
        gap = above - below
        x = np.where(gap > 0, (left * above - right * below) / np.where(gap > 0, gap, 1.0), right)
        here = excess(x)
        up = here >= 0
        below = np.where(up, np.where(side > 0, below / 2, below), here)
        above = np.where(up, here, np.where(side < 0, above / 2, above))
        left, right, side = np.where(up, left, x), np.where(up, x, right), np.where(up, 1.0, -1.0)
        if np.all((right - left <= _NEAR * right) | (here == 0)):
            break
    return right
