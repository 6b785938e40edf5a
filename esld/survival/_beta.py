"""Beta distributions kept as their first two moments: products of them, quantiles, and the mid-p mixture of two."""

from typing import NamedTuple

import numpy as np
from scipy.special import betainc, betaincinv

from esld.survival._data import Floats

# Halvings of an interval inside [0, 1] until nothing is left between its ends.
_HALVINGS = 60


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

    With B(x, n - x + 1) and B(x + 1, n - x) it is a mid-p limit of x of n: half of the probability of what was observed
    counts (Lancaster 1961, JASA 56:223-234).
    """
    some_low, *low_ab = _inside(low)
    some_high, *high_ab = _inside(high)

    def reached(x: Floats) -> Floats:
        below = np.where(low.mean == 0, x >= 1, True).astype(np.float64)
        above = np.where(high.mean == 0, x >= 1, True).astype(np.float64)
        below[some_low] = betainc(*low_ab, x[some_low])
        above[some_high] = betainc(*high_ab, x[some_high])
        return (below + above) / 2

    # The mixture's lies between those of the two; at a jump, to which one end belongs, the halving ends there.
    left, right = quantile(low, p), quantile(high, p)
    at_left = reached(left) >= p
    for _ in range(_HALVINGS):
        middle = (left + right) / 2
        enough = reached(middle) >= p
        left, right = np.where(enough, left, middle), np.where(enough, middle, right)
    return np.where(at_left, quantile(low, p), right)
