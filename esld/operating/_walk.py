"""A score process that goes from look to look between boundaries: the recursion under every large-sample design."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from math import inf, pi, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr

Floats = NDArray[np.float64]

FAR = 8.0  # standard deviations beyond which nothing is left to add up
NOTHING = 1e-14  # a level that no boundary can be found for
_PANEL = 3.0  # width of a panel, in standard deviations of the shorter step before or after
_NODES = 10  # Gauss points in it
_PRECISION = 1e-13


@cache
def _gauss() -> tuple[Floats, Floats]:
    """Points and weights of a panel."""
    return np.polynomial.legendre.leggauss(_NODES)


class Walk:
    """A score process with unit variance at the fraction 1, on its way: mass at points between the boundaries."""

    def __init__(self, information: Sequence[float], drift: float, *, look: int = 0, z: float = 0.0) -> None:
        self.t, self.drift, self.k = (0.0, *information), drift, look
        self.at, self.mass = np.array([z * sqrt(self.t[look])]), np.ones(1)

    def above(self, z: float) -> float:
        """Chance of being in it still and having this z or more at the next look."""
        return self._beyond(z, 1.0)

    def below(self, z: float) -> float:
        """Chance of being in it still and having this z or less at the next look."""
        return self._beyond(z, -1.0)

    def _beyond(self, z: float, sign: float) -> float:
        now, to = self.t[self.k], self.t[self.k + 1]
        gap = (self.at + self.drift * (to - now) - z * sqrt(to)) / sqrt(to - now)
        return float(self.mass @ ndtr(sign * gap))

    def go_on(self, *intervals: tuple[float, float]) -> None:
        """To the next look, with what lies in these intervals of z."""
        self.k += 1
        before, now, to = self.t[self.k - 1 : self.k + 2]
        sd, widest = sqrt(now - before), _PANEL * sqrt(min(now - before, to - now))
        mean, reach = self.drift * now, FAR * sqrt(now)
        nodes, weights = _gauss()
        points, shares = [np.zeros(0)], [np.zeros(0)]
        for low, high in intervals:
            low, high = max(low * sqrt(now), mean - reach), min(high * sqrt(now), mean + reach)
            if low >= high:
                continue
            edges = np.linspace(low, high, int((high - low) / widest) + 2)
            half = (edges[1] - edges[0]) / 2
            points.append((edges[:-1, None] + half * (1 + nodes)).ravel())
            shares.append(np.tile(half * weights, edges.size - 1))
        there = np.concatenate(points)
        gaps = (there[:, None] - self.at - self.drift * (now - before)) / sd
        density = np.exp(-0.5 * gaps**2) @ self.mass / (sd * sqrt(2 * pi))
        self.at, self.mass = there, density * np.concatenate(shares)


def between(critical: float, futility: float, sided: int) -> list[tuple[float, float]]:
    """Where the trial goes on."""
    if sided == 1:
        return [(futility, critical)]
    return [(-critical, -futility), (futility, critical)] if futility > 0 else [(-critical, critical)]


def stages(
    t: Sequence[float], critical: Sequence[float], futility: Sequence[float], sided: int, drift: float
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    """Probability of stopping at each look above, below, and for futility."""
    walk, found = Walk(t, drift), []
    for k, (c, f) in enumerate(zip(critical, futility, strict=True)):
        found.append((walk.above(c), walk.below(-c) if sided == 2 else 0.0, stopped(walk, f, sided)))
        if k < len(t) - 1:
            walk.go_on(*between(c, f, sided))
    upper, lower, given_up = zip(*found, strict=True)
    return upper, lower, given_up


def stopped(walk: Walk, futility: float, sided: int) -> float:
    """Chance of stopping for futility at the next look."""
    if sided == 1:
        return walk.below(futility)
    return max(walk.below(futility) - walk.below(-futility), 0.0) if futility > 0 else 0.0


def spend(t: Sequence[float], spent: Sequence[float], sided: int) -> tuple[float, ...]:
    """Critical values that spend so much up to each look."""
    walk, found = Walk(t, 0.0), list[float]()
    for k, level in enumerate(np.diff(spent, prepend=0.0) / sided):
        if level <= NOTHING:
            found.append(inf)
        else:
            found.append(root(partial(excess, walk, float(level)), -FAR, FAR))
        if k < len(t) - 1:
            walk.go_on(*between(found[-1], -inf, sided))
    return tuple(found)


def excess(walk: Walk, level: float, z: float) -> float:
    return walk.above(z) - level


def root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function of opposite signs at both ends is 0."""
    return float(brentq(function, low, high, xtol=_PRECISION, rtol=1e-14))
