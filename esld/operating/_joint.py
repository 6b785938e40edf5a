"""Two chances given a table of counts: what integrals over the first one need, with the second one integrated out exactly."""

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
        """Of each arm: mean, standard deviation and limits."""
        x1, n1, x2, n2 = self.table
        if isinstance(self.second, BetaMixture):
            level = 1 - 2 * tail
            return self.first.given(x1, n1).estimate(level), self.second.given(x2, n2).estimate(level)
        weight, a, b = self.parts(self.at)
        weight = weight / weight.sum()
        share = a / (a + b)

        def first_below(p: float) -> float:
            return float(self.parts(nodes(0.0, p, size=self.size))[0].sum()) / self.total

        def second_below(p: float) -> float:
            return float((weight * betainc(a, b, p)).sum())

        nothing = np.zeros_like(weight)
        return (
            _linked(weight, np.broadcast_to(self.at.x, weight.shape), nothing, first_below, tail),
            _linked(weight, share, share * (b / (a + b)) / (a + b + 1), second_below, tail),
        )

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


def _linked(
    weight: Floats, share: Floats, variance: Floats, below: Callable[[float], float], tail: float
) -> Estimate:
    """Of one chance from its mean and variance at each node."""
    mean = float((weight * share).sum())
    lower, upper = (root(lambda p: below(p) - q, 0.0, 1.0) for q in (tail, 1 - tail))  # noqa: B023
    return Estimate(
        value=mean, std_err=sqrt(float((weight * (variance + (share - mean) ** 2)).sum())), lower=lower, upper=upper,
        conf_level=1 - 2 * tail, method=f"{METHOD}, central",
    )  # fmt: skip


def _beta_density(x: float | Floats, rest: float | Floats, a: Floats, b: Floats) -> Floats:
    found: Floats = np.exp(xlogy(a - 1, x) + xlogy(b - 1, rest) - betaln(a, b))
    return found
