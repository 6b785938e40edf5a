"""Two sides of a randomisation test that is made again and again: which allocations each look rejects."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isnan, nan

import numpy as np

from esld.operating._tables import Bools, Floats
from esld.randomisation.designs import BLOCK, Design
from esld.randomisation.inference import generator
from esld.randomisation.statistics import Statistic

_ROUNDING = 1e-9  # of sums of up to millions of probabilities, relatively


class Tail:
    """One side, look after look: what it has rejected, and the p-value of what was observed.

    `reserve` is the share of the allocation that came about where others are drawn: it counts as rejected with any.
    """

    def __init__(self, sign: float, tested: bool, reserve: float) -> None:
        self.sign, self.tested, self.reserve = sign, tested, reserve
        self.critical, self.spent, self.p = list[float](), list[float](), list[float]()
        self.rejected, self.reached = 0.0, False

    def look(
        self, values: Floats, weights: Floats, alive: Bools, level: float, resolution: float, observed: float
    ) -> Bools:
        """The allocations that this look rejects."""
        mine, own, before = self.sign * values[alive], weights[alive], self.rejected + self.reserve
        beyond = float(own[mine >= self.sign * observed - resolution].sum())
        self.p.append(nan if isnan(observed) else min(before + beyond, 1.0))
        critical = inf
        if self.tested:
            order = np.argsort(-mine, kind="stable")
            ranked = mine[order]
            last = np.append(-np.diff(ranked) > resolution, True)[: ranked.size]  # of its ties
            sums = np.cumsum(own[order])[last]
            kept = int(np.searchsorted(before + sums, level * (1 + _ROUNDING), side="right"))
            if kept:
                critical = float(ranked[last][kept - 1])
                self.rejected += float(sums[kept - 1])
        self.critical.append(self.sign * critical)
        self.spent.append(self.rejected + self.reserve if self.rejected else 0.0)
        self.reached = self.reached or self.sign * observed >= critical - resolution
        return self.sign * values >= critical - resolution


def listed(statistics: Sequence[Statistic], design: Design) -> tuple[Floats, Floats]:
    """Values of each statistic for every allocation, and the probability of each allocation."""
    blocks = [
        (np.array([each(block) for each in statistics]), weights) for block, weights in design.allocations()
    ]
    return np.concatenate([values for values, _ in blocks], axis=1), np.concatenate([w for _, w in blocks])


def drawn(
    statistics: Sequence[Statistic], design: Design, draws: int, seed: str | int
) -> tuple[Floats, Floats]:
    """The same for allocations that are drawn, each with its share beside the one that came about."""
    rng, size = generator(seed), max(1, BLOCK // design.n)
    blocks = (design.draw(rng, min(size, draws - done)) for done in range(0, draws, size))
    values = [np.array([each(block) for each in statistics]) for block in blocks]
    return np.concatenate(values, axis=1), np.full(draws, 1 / (draws + 1))
