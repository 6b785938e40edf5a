"""Exact unconditional limits of a difference of two proportions: two one-sided score tests, each at its worst."""

from collections.abc import Callable
from functools import partial

import numpy as np

from esld.survival._data import Floats
from esld.survival._score_variance import score_variances
from esld.survival._unconditional import binomial, largest

# Score statistics this near are tied. Wider than rounding, which the root of a cubic magnifies: a table too many
# only makes p larger.
TIED = 1e-7
# The p-value need not fall steadily as the difference moves away: it is looked at in steps of this size first.
_SCAN = 0.01
_BEYOND = 20
PRECISION = 1e-9
_ROUNDING, _FAR = 1e-12, 1e9  # a gap of nothing; a statistic without a variance


def exact_limits(x1: int, n1: int, x2: int, n2: int, *, alpha: float) -> tuple[float, float, float]:
    """Limits of P1 - P2 and the p-value of no difference: see `risk_difference`.

    Parameters
    ----------
    x1, n1, x2, n2 : int
        Counted, and all, in the first and the second group; checked.
    alpha : float
        Error of both limits together.
    """
    upper = _upper(x1, n1, x2, n2, alpha / 2)
    lower = -_upper(x2, n2, x1, n1, alpha / 2)
    p_value = min(2 * min(_at_most(x1, n1, x2, n2, 0.0), _at_most(x2, n2, x1, n1, 0.0)), 1.0)
    return lower, upper, p_value


def _upper(x1: int, n1: int, x2: int, n2: int, alpha: float) -> float:
    """The largest difference that is not rejected."""
    estimate = x1 / n1 - x2 / n2
    if estimate == 1:
        return 1.0
    p_of = partial(_at_most, x1, n1, x2, n2)
    return largest_kept(estimate, lambda difference: p_of(difference) > alpha)


def largest_kept(estimate: float, kept_at: Callable[[float], bool], precision: float = PRECISION) -> float:
    """The largest difference above an estimate below 1 that a test keeps; it keeps the estimate, and need not fall steadily."""
    # Steps up from the estimate, where p is large. The last one kept is where p falls for good: found by halves,
    # then looked for in the steps beyond, since p need not fall all the way.
    steps = np.append(np.arange(estimate, 1, _SCAN), 1.0)
    kept, lost = 0, steps.size - 1
    while lost - kept > 1:
        middle = (kept + lost) // 2
        kept, lost = (middle, lost) if kept_at(steps[middle]) else (kept, middle)
    beyond = range(kept + 1, min(kept + _BEYOND, steps.size - 1))
    kept = max((i for i in beyond if kept_at(steps[i])), default=kept)
    inside, outside = float(steps[kept]), float(steps[kept + 1])
    while outside - inside > precision:
        middle_of = (inside + outside) / 2
        inside, outside = (middle_of, outside) if kept_at(middle_of) else (inside, middle_of)
    return outside


def _at_most(x1: int, n1: int, x2: int, n2: int, difference: float) -> float:
    """Largest probability, over P2, of a score statistic at or below the one seen, given P1 - P2; below 1 above -1."""
    first, second = np.arange(n1 + 1)[:, None] / n1, np.arange(n2 + 1)[None, :] / n2
    z = score(first, n1, second, n2, difference)
    tail = (z <= z[x1, x2] + TIED * max(1.0, abs(z[x1, x2]))).astype(np.float64)
    low, width = max(0.0, -difference), 1 - abs(difference)

    def probability(angles: Floats) -> Floats:
        # P2 from its lowest value; each chance and its complement without a difference of nearly equal numbers.
        rise, rest = width * np.sin(angles) ** 2, width * np.cos(angles) ** 2
        b2 = binomial(n2, low + rise, max(0.0, difference) + rest)
        b1 = binomial(n1, max(0.0, difference) + rise, low + rest)
        found: Floats = np.sum((b1 @ tail) * b2, axis=1, keepdims=True)
        return found

    return largest(probability, n1 + n2)[0]


def score(first: Floats, n1: int, second: Floats, n2: int, difference: float) -> Floats:
    """(p1 - p2 - difference) over its standard error at the likeliest (P1, P2) with that difference; 0 / 0 is 0."""
    gap = first - second - difference
    std_err = np.sqrt(score_variances(first, n1, second, n2, difference))
    with np.errstate(divide="ignore"):
        z = np.divide(gap, std_err, out=np.zeros_like(gap), where=np.abs(gap) > _ROUNDING)
    return np.clip(z, -_FAR, _FAR)
