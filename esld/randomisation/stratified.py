"""Strata: an independent design in each, the allocations in the order of the data."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from esld.methods import made_by, step
from esld.randomisation.designs import BLOCK, Allocations, Design, Floats, by_size, codes_of


@dataclass(frozen=True, kw_only=True)
class Stratified:
    """Independent designs, one for each stratum.

    Parameters
    ----------
    designs : mapping of stratum to Design
        Each for as many subjects as the stratum has, in the order in which they appear in `strata`.
    strata : sequence of n labels
        The stratum of each subject, in the order of the data.

    Raises
    ------
    ValueError
        Nobody; a stratum without design or without subject; a design of another number of subjects.

    References
    ----------
    Rosenberger and Lachin (2015), Randomization in Clinical Trials, 2nd ed., chapter 7.

    Examples
    --------
    >>> from esld.randomisation import PermutedBlocks, Stratified
    >>> design = Stratified.of(["A", "B", "A", "B", "A", "A"], lambda n: PermutedBlocks(n=n, sizes=(2,)))
    >>> design.admits([0, 0, 1, 1, 1, 0]), design.admits([0, 0, 0, 1, 1, 1])
    (True, False)
    """

    designs: Mapping[Hashable, Design]
    strata: Sequence[Hashable]

    def __post_init__(self) -> None:
        strata = tuple(np.asarray(self.strata, dtype=object).tolist())
        if not strata:
            raise ValueError("strata must hold at least one subject, got none")
        object.__setattr__(self, "strata", strata)
        object.__setattr__(self, "designs", dict(self.designs))
        if set(self.designs) != set(strata):
            raise ValueError(
                f"designs must be those of the strata {_names(strata)}, got {_names(self.designs)}"
            )
        for stratum, design in self.designs.items():
            if design.n != (n := strata.count(stratum)):
                raise ValueError(f"the design of stratum {stratum} must have {n} subjects, got {design.n}")

    @classmethod
    def of(cls, strata: Sequence[Hashable], design: Callable[[int], Design]) -> Self:
        """The same kind of design in every stratum, made from its number of subjects."""
        labels = np.asarray(strata, dtype=object).tolist()
        return cls(designs={s: design(labels.count(s)) for s in dict.fromkeys(labels)}, strata=labels)

    @property
    def n(self) -> int:
        """Subjects."""
        return len(self.strata)

    @property
    def count(self) -> int:
        """The product over strata, a whole number of any size."""
        return prod(design.count for design in self.designs.values())

    @property
    def conditions(self) -> str:
        """Those of each stratum."""
        each = {design.conditions for design in self.designs.values()}
        if len(each) == 1:
            return made_by(each.pop(), step("within-strata", len(self.designs)))
        return made_by(
            *(made_by(step("in-stratum", s), design.conditions) for s, design in self.designs.items())
        )

    @cached_property
    def _parts(self) -> list[tuple[NDArray[np.intp], Design]]:
        """The places of each stratum, and its design."""
        return [
            (np.flatnonzero([label == stratum for label in self.strata]), design)
            for stratum, design in self.designs.items()
        ]

    def by_size(self) -> tuple[list[int], Floats]:
        """How many allocations have k subjects in the second arm, k = 0 to n, and their probability."""
        counts, probabilities = [1], np.ones(1)
        for _, design in self._parts:
            more, chances = by_size(design)
            counts = np.convolve(np.array(counts, dtype=object), np.array(more, dtype=object)).tolist()
            probabilities = np.convolve(probabilities, chances)
        return counts, probabilities

    def admits(self, allocation: ArrayLike) -> bool:
        """Whether every stratum's design can yield its part of this allocation of shape (n,)."""
        codes = np.asarray(allocation)
        if codes.shape != (self.n,) or not np.all((codes == 0) | (codes == 1)):
            return False
        return all(design.admits(codes[places].astype(np.uint8)) for places, design in self._parts)

    def probability(self, allocations: ArrayLike) -> Floats:
        """Probability of each of these allocations: the product over strata.

        Parameters
        ----------
        allocations : array_like of 0 and 1, shape (..., n)

        Returns
        -------
        ndarray of shape (...)
            0 if not admitted.

        Raises
        ------
        ValueError
            Another shape, or other codes.
        """
        codes = codes_of(allocations, self.n)
        found = np.ones(codes.shape[:-1])
        for places, design in self._parts:
            found = found * design.probability(codes[..., places])
        return found

    def allocations(self) -> Iterator[tuple[Allocations, Floats]]:
        """Every allocation once.

        Yields
        ------
        allocations : ndarray of uint8, shape (m, n)
            Stored by columns, since statistics read a subject at a time.
        probabilities : ndarray of shape (m,)

        Raises
        ------
        ValueError
            The count of a stratum does not fit in 64 bits: nobody could list them.
        """
        order = np.concatenate([places for places, _ in self._parts]).argsort()
        for block, weights in _product([design for _, design in self._parts]):
            yield block.T[order].T, weights

    def draw(self, rng: np.random.Generator, size: int) -> Allocations:
        """Independent draws with the design's probabilities.

        Parameters
        ----------
        rng : numpy.random.Generator
        size : int
            How many.

        Returns
        -------
        ndarray of uint8, shape (size, n)
            Stored by columns.
        """
        drawn = np.empty((self.n, size), dtype=np.uint8)
        for places, design in self._parts:
            drawn[places] = design.draw(rng, size).T
        return drawn.T


def _names(labels: Mapping[Hashable, object] | Sequence[Hashable]) -> list[str]:
    return sorted(map(str, set(labels)))


def _product(designs: list[Design]) -> Iterator[tuple[Allocations, Floats]]:
    """Every combination of allocations, side by side; later designs change fastest."""
    if len(designs) == 1:
        yield from designs[0].allocations()
        return
    size = max(1, BLOCK // sum(design.n for design in designs))
    for left, left_weights in designs[0].allocations():
        for right, right_weights in _product(designs[1:]):
            count = len(left) * len(right)
            for first in range(0, count, size):
                i, j = np.divmod(np.arange(first, min(first + size, count)), len(right))
                yield (
                    np.concatenate((left.T.take(i, axis=1), right.T.take(j, axis=1))).T,
                    left_weights.take(i) * right_weights.take(j),
                )
