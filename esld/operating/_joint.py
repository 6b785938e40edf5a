"""Two chances given a table of counts: what integrals over the first one need, with the second one integrated out exactly.

Under a linked prior either chance may be the one about which the other lies, with the same probability: :class:`Mutual`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import numpy as np
from scipy.special import betainc, betaln, xlogy

from esld.longform import Estimate
from esld.operating.priors import (
    BetaMixture,
    Floats,
    Linked,
    Nodes,
    Second,
    binomial_at,
    foretold,
    nodes,
    nodes_apart,
)

METHOD = "beta-binomial, quadrature"
_PRECISION = 1e-10


def root(excess: Callable[[float], float], low: float, high: float) -> float:
    from scipy.optimize import brentq  # slow to import

    edge = 1e-12 * (high - low)
    first, last = excess(low + edge), excess(high - edge)
    if first * last > 0:  # a pole: the root lies between an end and its edge
        return low if abs(first) < abs(last) else high
    return float(brentq(excess, low + edge, high - edge, xtol=_PRECISION))


def joint(table: tuple[int, int, int, int], first: BetaMixture, second: Second) -> Joint | Mutual:
    """Both chances given a table, under a prior."""
    there = Joint(table, first, second)
    if not isinstance(second, Linked):
        return there
    return Mutual(there, Joint((*table[2:], *table[:2]), first, second.turned))


@dataclass(frozen=True, eq=False)
class Joint:
    """Both chances given a table: nodes of the first one, and at each of them the second one's beta mixture."""

    table: tuple[int, int, int, int]
    first: BetaMixture
    second: Second

    @cached_property
    def size(self) -> float:
        """Subjects that the sharpest of the two distributions is worth."""
        _, n1, _, n2 = self.table
        return max(self.first.sharpest + n1, self.second.sharpest + n2)

    @cached_property
    def at(self) -> Nodes:
        """Nodes of the first chance."""
        return nodes(size=self.size)

    def parts(self, at: Nodes) -> tuple[Floats, Floats, Floats]:
        """Joint weight of each node and component, and the component's parameters; shape (j, k)."""
        x1, n1, x2, n2 = self.table
        w, a, b = self.second.components(at)
        one = binomial_at(np.array([x1]), n1, at)[0] * at.weight * self.first.density_at(at.x, at.rest)
        weight: Floats = one * w * foretold(np.array(x2), n2, a, b)
        return weight, a + x2, b + (n2 - x2)

    @cached_property
    def total(self) -> float:
        """Probability of the table."""
        return float(self.parts(self.at)[0].sum())

    def coming(self, more: tuple[int, int]) -> Floats:
        """Probability of each table of so many more subjects, shape (more[0] + 1, more[1] + 1)."""
        weight, a, b = self.parts(self.at)
        seen = binomial_at(np.arange(more[0] + 1), more[0], self.at)
        found: Floats = np.zeros((more[0] + 1, more[1] + 1))
        a, b = np.broadcast_to(a, weight.shape), np.broadcast_to(b, weight.shape)
        for own, own_a, own_b in zip(weight, a[:, :, None], b[:, :, None], strict=True):
            found += (seen * own) @ foretold(np.arange(more[1] + 1), more[1], own_a, own_b)
        return found / float(weight.sum())

    def difference_moments(self) -> tuple[float, float]:
        weight, a, b = self.parts(self.at)
        weight = weight / weight.sum()
        share = a / (a + b)
        spread = share * (b / (a + b)) / (a + b + 1)
        mean = float((weight * (share - self.at.x)).sum())
        variance = float((weight * (spread + (share - self.at.x - mean) ** 2)).sum())
        return mean, sqrt(variance)

    def chances(self, tail: float) -> tuple[Estimate, Estimate]:
        """Of each arm: mean, standard deviation and limits; of independent ones."""
        x1, n1, x2, n2 = self.table
        assert isinstance(self.second, BetaMixture)
        level = 1 - 2 * tail
        return self.first.given(x1, n1).estimate(level), self.second.given(x2, n2).estimate(level)

    @cached_property
    def _given(self) -> tuple[Floats, Floats, Floats]:
        weight, a, b = self.parts(self.at)
        return weight / weight.sum(), a, b

    def moments(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Mean and variance of each chance."""
        weight, a, b = self._given
        share = a / (a + b)
        at, spread = np.broadcast_to(self.at.x, weight.shape), share * (b / (a + b)) / (a + b + 1)
        return _moments(weight, at, np.zeros_like(weight)), _moments(weight, share, spread)

    def first_below(self, p: float) -> float:
        return float(self.parts(nodes(0.0, p, size=self.size))[0].sum()) / self.total

    def second_below(self, p: float) -> float:
        weight, a, b = self._given
        return float((weight * betainc(a, b, p)).sum())

    def first_density(self, x: Floats) -> Floats:
        at = Nodes(x, 1 - x, np.ones(x.size))
        found: Floats = self.parts(at)[0].sum(axis=0) / self.total
        return np.broadcast_to(found, x.shape)

    def second_density(self, x: Floats) -> Floats:
        weight, a, b = self.parts(self.at)
        found = [float((weight * _beta_density(p, 1 - p, a, b)).sum()) for p in x]
        return np.array(found) / self.total

    def difference_density(self, d: Floats) -> Floats:
        found = []
        for gap in d:
            at, second = nodes_apart(gap, size=self.size)
            weight, a, b = self.parts(at)
            found.append(float((weight * _beta_density(second.x, second.rest, a, b)).sum()))
        return np.array(found) / self.total


@dataclass(frozen=True, eq=False)
class Mutual:
    """Both chances under a prior in which each lies about the other: a mixture of both ways, weighted by how well each foretold
    the table.

    Attributes
    ----------
    there, back : Joint
        The second chance about the first one; and with the arms exchanged.
    """

    there: Joint
    back: Joint

    @property
    def _weights(self) -> tuple[float, float]:
        one, two = self.there.total, self.back.total
        return one / (one + two), two / (one + two)

    def coming(self, more: tuple[int, int]) -> Floats:
        one, two = self._weights
        found: Floats = one * self.there.coming(more) + two * self.back.coming((more[1], more[0])).T
        return found

    def difference_moments(self) -> tuple[float, float]:
        (there, sd_there), (back, sd_back) = self.there.difference_moments(), self.back.difference_moments()
        mean, variance = _mixed(self._weights, (there, sd_there**2), (-back, sd_back**2))
        return mean, sqrt(variance)

    def chances(self, tail: float) -> tuple[Estimate, Estimate]:
        """Of each arm: mean, standard deviation and limits."""
        one, two = self._weights
        there, back = self.there.moments(), self.back.moments()

        def estimate(place: int, below: Callable[[float], float]) -> Estimate:
            mean, variance = _mixed(self._weights, there[place], back[1 - place])
            lower, upper = (root(lambda p: below(p) - q, 0.0, 1.0) for q in (tail, 1 - tail))  # noqa: B023
            return Estimate(
                value=mean,
                std_err=sqrt(variance),
                lower=lower,
                upper=upper,
                conf_level=1 - 2 * tail,
                method=f"{METHOD}, central",
            )

        return (
            estimate(0, lambda p: one * self.there.first_below(p) + two * self.back.second_below(p)),
            estimate(1, lambda p: one * self.there.second_below(p) + two * self.back.first_below(p)),
        )

    def first_density(self, x: Floats) -> Floats:
        one, two = self._weights
        return one * self.there.first_density(x) + two * self.back.second_density(x)

    def second_density(self, x: Floats) -> Floats:
        one, two = self._weights
        return one * self.there.second_density(x) + two * self.back.first_density(x)

    def difference_density(self, d: Floats) -> Floats:
        one, two = self._weights
        return one * self.there.difference_density(d) + two * self.back.difference_density(-d)


def _moments(weight: Floats, share: Floats, variance: Floats) -> tuple[float, float]:
    mean = float((weight * share).sum())
    return mean, float((weight * (variance + (share - mean) ** 2)).sum())


def _mixed(
    weights: tuple[float, float], one: tuple[float, float], two: tuple[float, float]
) -> tuple[float, float]:
    """Mean and variance of a mixture of two."""
    mean = weights[0] * one[0] + weights[1] * two[0]
    spread = (w * (own[1] + (own[0] - mean) ** 2) for w, own in zip(weights, (one, two), strict=True))
    return mean, sum(spread)


def _beta_density(x: float | Floats, rest: float | Floats, a: Floats, b: Floats) -> Floats:
    found: Floats = np.exp(xlogy(a - 1, x) + xlogy(b - 1, rest) - betaln(a, b))
    return found
