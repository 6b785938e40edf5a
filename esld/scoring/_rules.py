"""What the values of an argument must be: a rule in words, and a test that finds those that break it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Rule:
    """What the values of a column must be.

    Attributes
    ----------
    text : str
        The rule in words, for messages.
    broken : callable
        Finds the values that are not what they must be; NaN never is.
    accepts_bool : bool
        Whether True and False are values.
    interval : bool
        Whether all values are right when the lowest and the highest are: then only these are looked at.
    ends : tuple of (float, float)
        The lowest and the highest value there can be; see :mod:`esld.scoring._missing`.
    """

    text: str
    broken: Callable[[Any], Any]
    ends: tuple[float, float]
    accepts_bool: bool = False
    interval: bool = False

    def broken_in(self, block: npt.NDArray[np.float64]) -> bool:
        """Whether any value of a block (of one element at least) breaks the rule."""
        if self.interval:  # fmin and fmax pass over NaN
            return bool(self.broken(np.fmin.reduce(block)) or self.broken(np.fmax.reduce(block)))
        return bool(np.any(self.broken(block)))


# As far out as products and ratios of three such numbers stay finite; no laboratory value is near them.
_TINY, _HUGE = 1e-100, 1e100

POSITIVE = Rule(
    "a positive finite number or missing", lambda x: (x <= 0) | (x == np.inf), (_TINY, _HUGE), interval=True
)
NOT_NEGATIVE = Rule(
    "a finite number >= 0 or missing", lambda x: (x < 0) | (x == np.inf), (0.0, _HUGE), interval=True
)
FINITE = Rule(
    "a finite number or missing", lambda x: (x == -np.inf) | (x == np.inf), (-_HUGE, _HUGE), interval=True
)
FLAG = Rule(
    "True, False (or 1, 0) or missing",
    lambda x: (x != 0) & (x != 1) & ~np.isnan(x),
    (0.0, 1.0),
    accepts_bool=True,
)


def whole(lowest: int, highest: int) -> Rule:
    """The rule of a grade: a whole number from `lowest` to `highest`, or missing."""
    return Rule(
        f"a whole number from {lowest} to {highest} or missing",
        lambda x: ((x < lowest) | (x > highest) | (x != np.floor(x))) & ~np.isnan(x),
        (lowest, highest),
    )


def one_of(*values: float) -> Rule:
    """The rule of an argument that can be a few numbers only."""
    return Rule(
        f"one of {list(values)} or missing",
        lambda x: ~np.isin(x, values) & ~np.isnan(x),
        (min(values), max(values)),
    )
