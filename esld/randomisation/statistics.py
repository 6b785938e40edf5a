"""What a randomisation test compares: functions of allocations, and how their values are weighed."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import comb
from typing import Protocol, Self, runtime_checkable

import numpy as np

from esld.randomisation.designs import Allocations, CompleteRandomisation, Design, Floats


class Statistic(Protocol):
    """What a test compares, as a function of the allocation alone; 0 stands for no difference."""

    @property
    def name(self) -> str:
        """The statistic in words."""

    @property
    def resolution(self) -> float:
        """Values no further apart than this are ties; 0 if equal values are equal to the bit."""

    def __call__(self, allocations: Allocations) -> Floats:
        """Values of shape (m,) for allocations of shape (m, n); NaN where it does not exist."""


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Weight of the allocations on either side of plus and minus the observed size of a statistic.

    Attributes
    ----------
    at_least, more : float
        T >= abs(t), T > abs(t).
    at_most, less : float
        T <= -abs(t), T < -abs(t).
    undefined : float
        T does not exist.
    total : float
        All allocations.
    """

    at_least: float
    more: float
    at_most: float
    less: float
    undefined: float
    total: float

    @classmethod
    def of(cls, values: Floats, observed: float, resolution: float, weights: Floats | None = None) -> Self:
        """Weigh the values of a statistic; without `weights` each counts 1."""

        def weight(chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
            return float(np.count_nonzero(chosen) if weights is None else weights[chosen].sum())

        size = abs(observed)
        return cls(
            at_least=weight(values >= size - resolution),
            more=weight(values > size + resolution),
            at_most=weight(values <= resolution - size),
            less=weight(values < -resolution - size),
            undefined=weight(np.isnan(values)),
            total=float(values.size if weights is None else weights.sum()),
        )

    @classmethod
    def sum(cls, parts: Iterable[Self]) -> Self:
        """Several tallies of one statistic in one."""
        columns = zip(
            *((p.at_least, p.more, p.at_most, p.less, p.undefined, p.total) for p in parts), strict=True
        )
        at_least, more, at_most, less, undefined, total = (float(sum(c)) for c in columns)
        return cls(
            at_least=at_least, more=more, at_most=at_most, less=less, undefined=undefined, total=total
        )  # fmt: skip


@runtime_checkable
class Countable(Statistic, Protocol):
    """A statistic that knows a shorter way than to list every allocation."""

    def tally(self, design: Design, observed: float) -> Tally | None:
        """The tally over the whole reference set, or None where there is no shorter way."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LinearStatistic:
    """Sum of the scores of the second arm, divided by `scale`.

    Attributes
    ----------
    name : str
    scores : ndarray of shape (n,)
        Score of each subject. Whole numbers make ties exact (`resolution` 0): their sums must stay below 2^51.
    scale : float, default 1
        What a score of 1 on the scale of the statistic was multiplied by.
    resolution : float, default 0
        On the scale of the statistic; above 0 if the scores are not whole numbers.
    """

    name: str
    scores: Floats
    scale: float = 1.0
    resolution: float = 0.0

    def __call__(self, allocations: Allocations) -> Floats:
        sums: Floats = np.einsum("mn,n->m", allocations, self.scores)  # no copy of the codes as doubles
        return sums / self.scale

    def tally(self, design: Design, observed: float) -> Tally | None:
        """Meet in the middle: sums of each half of the subjects, sorted, instead of sums of the whole.

        References
        ----------
        van de Wiel (2001), Comput Stat 16:519-538 (split-up algorithm).
        """
        n = self.scores.size
        if not isinstance(design, CompleteRandomisation) or 2 ** ((n + 1) // 2) > design.count:
            return None  # listing the allocations is less work
        ones, size, margin = design.sizes[1], abs(observed) * self.scale, self.resolution * self.scale
        if margin == 0:  # whole numbers: half a step
            size, margin = float(round(size)), 0.5
        bounds = np.array([-size - margin, -size + margin, size - margin, size + margin])
        early, late = _half_sums(self.scores[: n // 2]), _half_sums(self.scores[n // 2 :])
        below = np.zeros(4, dtype=np.int64)  # pairs whose sum is below each bound; none is on it
        for k in range(max(0, ones - len(early) + 1), min(len(late) - 1, ones) + 1):
            below += late[k].searchsorted(np.subtract.outer(bounds, early[ones - k])).sum(axis=1)
        less, at_most, short, upto = below.tolist()
        return Tally(
            at_least=design.count - short, more=design.count - upto, at_most=at_most, less=less,
            undefined=0, total=design.count,
        )  # fmt: skip


def _half_sums(scores: Floats) -> list[Floats]:
    """Sums of every subset of the scores, ascending, by the size of the subset."""
    sums, ones = np.zeros(1), np.zeros(1, dtype=np.int64)
    for score in scores:
        sums, ones = np.concatenate((sums, sums + score)), np.concatenate((ones, ones + 1))
    ordered = sums[np.lexsort((sums, ones))]
    edges = np.cumsum([comb(scores.size, k) for k in range(scores.size)])
    return np.split(ordered, edges)
