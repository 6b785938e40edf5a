"""Minimisation with an unequal ratio: of equal arms, as many as the ratio adds up to, that are then put together.

With a ratio of 1:2 there are three arms, treated alike; the first is the first arm, the others are the second.
By symmetry each has the same chance at every assignment, whatever the factors, and so each arm has its share
of the ratio at every assignment. Which of its equal arms a subject came to is not told: the probability of an
allocation is added up over them.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from esld.randomisation.designs import BLOCK, Allocations, Floats

Counts = NDArray[np.int32]  # of each level and equal arm, (levels, arms, m)

LISTED = 2**20  # sequences of equal arms that are followed to list the allocations
FOLLOWED = 2**15  # ways to the same allocation that are followed at a time


@dataclass(frozen=True)
class EqualArms:
    """The procedure: see `Minimisation`.

    ``levels`` (n, k), for each subject and factor the row of the counts that it reads and changes; ``ratio``,
    equal arms of the first and of the second arm.
    """

    levels: NDArray[np.intp]
    ratio: tuple[int, int]
    p: float
    weights: tuple[float, ...]
    by_range: bool

    @cached_property
    def _of(self) -> NDArray[np.uint8]:
        """The arm, 0 or 1, of each equal arm."""
        return np.repeat(np.array([0, 1], dtype=np.uint8), self.ratio)

    @property
    def listable(self) -> bool:
        """Whether the allocations can be listed."""
        return bool(self._of.size ** len(self.levels) <= LISTED)

    def _none(self, size: int) -> Counts:
        return np.zeros((int(self.levels.max()) + 1, self._of.size, size), dtype=np.int32)

    def _chance(self, counts: Counts, rows: NDArray[np.intp]) -> Floats:
        """Probability of each equal arm, shape (arms, m)."""
        weights, own, arms = np.array(self.weights), counts[rows], self._of.size
        left = np.empty((arms, counts.shape[2]))
        for arm in range(arms):
            if self.by_range:
                after = own.copy()
                after[:, arm] += 1
                left[arm] = weights @ (after.max(axis=1) - after.min(axis=1))
            else:  # the variance rises by twice the count, and by what is the same for every arm
                left[arm] = weights @ (2.0 * own[:, arm])
        best = left <= left.min(axis=0) + 1e-9 * weights.sum()  # sums such as 0.1 + 0.2 and 0.3 are ties
        others = (1 - self.p) / (arms - 1)
        chance: Floats = others + (self.p - others) * best / best.sum(axis=0)
        return chance

    def draw(self, rng: np.random.Generator, size: int) -> Allocations:
        """As `Minimisation.draw`."""
        drawn = np.empty((len(self.levels), size), dtype=np.uint8)
        counts, every = self._none(size), np.arange(size)
        for row, own in zip(drawn, self.levels, strict=True):
            ends = np.cumsum(self._chance(counts, own), axis=0)[:-1]
            arm = (rng.random(size) >= ends).sum(axis=0)
            row[:] = self._of[arm]
            counts[own[:, None], arm, every] += 1
        return drawn.T

    def listed(self) -> Floats:
        """Probability of every allocation in lexicographic order, shape (2^n,)."""
        n, arms = len(self.levels), self._of.size
        found = np.zeros(2**n)
        todo: list[tuple[int, NDArray[np.int64], Floats, Counts]] = [
            (0, np.zeros(1, dtype=np.int64), np.ones(1), self._none(1))
        ]
        while todo:
            i, codes, chances, counts = todo.pop()
            if i == n:
                np.add.at(found, codes, chances)
                continue
            if counts.size * arms > BLOCK and chances.size > 1:
                half = chances.size // 2
                todo += [
                    (i, codes[part], chances[part], counts[..., part])
                    for part in (slice(half), slice(half, None))
                ]
                continue
            ahead = self._chance(counts, self.levels[i]) * chances
            after = np.repeat(counts[:, :, None], arms, axis=2)
            for arm in range(arms):
                after[self.levels[i], arm, arm] += 1
            # of each arm in turn, the sequences so far
            todo.append(
                (
                    i + 1,
                    (2 * codes + self._of[:, None]).ravel(),
                    ahead.ravel(),
                    after.reshape(*counts.shape[:2], -1),
                )
            )
        return found

    def probability(self, codes: Allocations) -> Floats:
        """Of each of m allocations, shape (m, n); NaN where there are too many ways to one."""
        return np.array([self._of_one(row.tolist()) for row in codes])

    def _of_one(self, codes: list[int]) -> float:
        counts, chances = self._none(1), np.ones(1)
        for code, own in zip(codes, self.levels, strict=True):
            mine = np.flatnonzero(self._of == code)
            chances = (self._chance(counts, own)[mine] * chances).ravel()
            after = np.repeat(counts[:, :, None], mine.size, axis=2)
            for place, arm in enumerate(mine):
                after[own, arm, place] += 1
            counts, chances = self._alike(after.reshape(*counts.shape[:2], -1), chances)
            if chances.size > FOLLOWED:
                return float("nan")
        return float(chances.sum())

    def _alike(self, counts: Counts, chances: Floats) -> tuple[Counts, Floats]:
        """Ways that cannot be told apart from here on, put together: the equal arms of an arm may change places."""
        levels, arms, ways = counts.shape
        each: Any
        each, number = np.unique(counts.reshape(levels, -1), axis=1, return_inverse=True)
        number = number.reshape(arms, ways)
        first = self.ratio[0]
        places = np.concatenate((np.sort(number[:first], axis=0), np.sort(number[first:], axis=0)))
        kinds, kind = np.unique(places, axis=1, return_inverse=True)
        together = np.zeros(kinds.shape[1])
        np.add.at(together, kind.ravel(), chances)
        return each[:, kinds], together
