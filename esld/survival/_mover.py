"""MOVER: limits of a contrast from those of its two parts, which keeps them inside what is possible.

Zou and Donner (2008), Stat Med 27:1693-1702; Newcombe (1998), Stat Med 17:873-890, method 10, is the same
with Wilson's limits.
"""

from math import exp, hypot, inf, log
from typing import NamedTuple

_LARGEST = 700.0  # its exponential is still a double


class Limits(NamedTuple):
    """An estimate and its limits, lower <= value <= upper."""

    value: float
    lower: float
    upper: float


def difference_limits(first: Limits, second: Limits) -> tuple[float, float]:
    """Limits of second minus first; not outside those of the second less those of the first."""
    value = second.value - first.value
    lower = value - hypot(second.value - second.lower, first.upper - first.value)
    upper = value + hypot(second.upper - second.value, first.value - first.lower)
    # Never beyond these but by rounding.
    return max(lower, second.lower - first.upper), min(upper, second.upper - first.lower)


def ratio_limits(first: Limits, second: Limits) -> tuple[float, float]:
    """Limits of second over first, both above 0, on the log scale; 0 or infinite where a lower limit is 0."""

    def below(part: Limits) -> float:
        return log(part.value) - log(part.lower) if part.lower > 0 else inf

    def above(part: Limits) -> float:
        return log(part.upper) - log(part.value)

    ratio = second.value / first.value
    down, up = hypot(below(second), above(first)), hypot(above(second), below(first))
    return ratio * exp(-down), ratio * exp(up) if up < _LARGEST else inf
