"""Newton's method for a likelihood with one maximum, steps halved where they would gain too little.

The information may be that of another likelihood near by, as Fisher scoring has it: the steps are then too long by a
factor, and halving them is what makes them settle (two subjects with one event are enough to jump for ever between
two points as high as each other).
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

import numpy as np

from esld.survival._data import Floats

_MAX_STEPS = 200
_PRECISION = 1e-16  # of the likelihood: what the next step could still gain
_VISIBLE = 1e-9  # of the likelihood: what its rounding cannot hide
_ENOUGH = 0.1  # of what a step promises must be gained (Armijo 1966)


class Slope(Protocol):
    """A likelihood at one point: its logarithm, derivative, and minus the second derivative or what stands for it."""

    @property
    def loglik(self) -> float: ...
    @property
    def score(self) -> Floats: ...
    @property
    def information(self) -> Floats: ...


Point = TypeVar("Point", bound=Slope)


def maximise(at: Callable[[Floats], Point], start: Floats) -> tuple[Floats, Point] | None:
    """Where the likelihood is largest, and what it is there.

    Parameters
    ----------
    at : callable
        The likelihood at parameters of shape (p,). A log-likelihood that is not finite counts as too long a step.
    start : ndarray of shape (p,)

    Returns
    -------
    tuple or None
        None where the steps do not settle: no maximum, or too flat a one.
    """
    theta, here = start, at(start)
    for _ in range(_MAX_STEPS):
        if not (np.all(np.isfinite(here.information)) and np.all(np.isfinite(here.score))):
            return None
        step, gain = _step(here)
        size = max(abs(here.loglik), 1.0)
        if gain < _PRECISION * size:
            return theta + step, at(theta + step)  # half of the digits were right: this step doubles them
        for halved in 0.5 ** np.arange(60):
            there = at(theta + halved * step)
            if gain > _VISIBLE * size:
                better = there.loglik >= here.loglik + _ENOUGH * halved * gain
            else:  # the likelihood no longer tells: the slope does
                better = _step(there)[1] < gain * (1 - _ENOUGH * halved)
            if better:
                break
        else:
            return None
        theta, here = theta + halved * step, there
    return None


def _step(here: Slope) -> tuple[Floats, float]:
    """The step to where the quadratic through a point has its maximum, and twice what would be gained there."""
    step = np.asarray(np.linalg.lstsq(here.information, here.score)[0], dtype=np.float64)
    return step, float(here.score @ step)
