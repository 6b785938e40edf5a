"""Any design, given the arm sizes that came about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from esld.methods import made_by, step
from esld.randomisation.designs import (
    Allocations,
    Design,
    Floats,
    Sized,
    by_size,
    codes_of,
    whole_number,
)

KEPT = 2**23  # codes of a listing that is kept, 8 MB
TRIES = 10_000  # draws for one accepted, at most, on average


@dataclass(frozen=True, kw_only=True)
class Conditioned:
    """A design restricted to the allocations with given arm sizes, in their proportions.

    A statistic that does not exist with an empty arm needs this with a design that can leave one empty.

    Parameters
    ----------
    design : Design
    sizes : tuple of 2 int
        Subjects in the first and in the second arm, 0 or more, together those of the design.

    Raises
    ------
    ValueError
        `sizes` is anything else, or sizes that the design cannot yield; where only listing tells this
        (minimisation), it is raised at first use.

    Notes
    -----
    Allocations of the design are listed or drawn, and others than with these sizes passed over.

    Examples
    --------
    >>> from esld.randomisation import BiasedCoin, Conditioned
    >>> design = Conditioned(design=BiasedCoin(n=4), sizes=(2, 2))
    >>> [(allocations.shape, chances.round(3).tolist()) for allocations, chances in design.allocations()]
    [((6, 4), [0.125, 0.188, 0.188, 0.188, 0.188, 0.125])]
    """

    design: Design
    sizes: tuple[int, int]

    def __post_init__(self) -> None:
        sizes = tuple(whole_number("sizes", size, least=0) for size in self.sizes)
        if len(sizes) != 2 or sum(sizes) != self.design.n:
            raise ValueError(f"sizes must be two whole numbers of sum {self.design.n}, got {self.sizes!r}")
        object.__setattr__(self, "sizes", sizes)
        if isinstance(self.design, Sized):
            self._refuse_none(self.design.by_size()[0][self.sizes[1]])

    @cached_property
    def _share(self) -> tuple[int, float]:
        """How many of the design's allocations have the sizes, and their probability together."""
        counts, probabilities = by_size(self.design)
        self._refuse_none(counts[self.sizes[1]])
        return counts[self.sizes[1]], float(probabilities[self.sizes[1]])

    def _refuse_none(self, count: int) -> None:
        if not count:
            raise ValueError(f"sizes must be arm sizes that the design can yield, got {self.sizes}")

    def _kept(self) -> Iterator[tuple[Allocations, Floats]]:
        """The design's blocks without allocations of other sizes."""
        for block, weights in self.design.allocations():
            keep = np.flatnonzero(block.T.sum(axis=0, dtype=np.int64) == self.sizes[1])
            if keep.size:
                yield block.T.take(keep, axis=1).T, weights.take(keep)

    def _weighed(self) -> Iterator[tuple[Allocations, Floats]]:
        for block, weights in self._kept():
            yield block, weights / self._share[1]

    @cached_property
    def _listed(self) -> list[tuple[Allocations, Floats]]:
        """All of them, kept for the next statistic: to find them costs more than to look at them."""
        return list(self._weighed())

    @property
    def n(self) -> int:
        """Subjects."""
        return self.design.n

    @property
    def count(self) -> int:
        """Allocations of the design with the sizes, a whole number of any size."""
        return self._share[0]

    @property
    def degenerate(self) -> str:
        """As the design says."""
        return str(getattr(self.design, "degenerate", ""))

    @property
    def conditions(self) -> str:
        """Those of the design, and the arm sizes."""
        return made_by(self.design.conditions, step("arm-sizes", *self.sizes))

    def admits(self, allocation: ArrayLike) -> bool:
        """Whether the design can yield this allocation of shape (n,), and the arm sizes are these."""
        codes = np.asarray(allocation)
        return self.design.admits(codes) and int(codes.sum(dtype=np.int64)) == self.sizes[1]

    def probability(self, allocations: ArrayLike) -> Floats:
        """Probability of each of these allocations, given the sizes.

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
            Another shape, or other codes; sizes that the design cannot yield.
        """
        codes = codes_of(allocations, self.n)
        mine = codes.sum(axis=-1, dtype=np.int64) == self.sizes[1]
        return np.where(mine, self.design.probability(codes) / self._share[1], 0.0)

    def allocations(self) -> Iterator[tuple[Allocations, Floats]]:
        """Every allocation once, in the order of the design.

        Yields
        ------
        allocations : ndarray of uint8, shape (m, n)
            Stored by columns, since statistics read a subject at a time.
        probabilities : ndarray of shape (m,)

        Raises
        ------
        ValueError
            Too many to be listed; sizes that the design cannot yield.
        """
        yield from self._listed if self.count * self.n <= KEPT else self._weighed()

    def draw(self, rng: np.random.Generator, size: int) -> Allocations:
        """Independent draws with these probabilities, by rejection.

        Parameters
        ----------
        rng : numpy.random.Generator
        size : int
            How many.

        Returns
        -------
        ndarray of uint8, shape (size, n)
            Stored by columns.

        Raises
        ------
        ValueError
            Fewer than one in 10,000 of the design's allocations has the sizes.
        """
        drawn = np.empty((self.n, size), dtype=np.uint8)
        have = tried = 0
        while have < size:
            if tried >= 10 * TRIES and have * TRIES < tried:
                raise ValueError(
                    f"sizes must be those of 1 in {TRIES} of the design's allocations or more, "
                    f"got {self.sizes}: {have} of {tried} drawn"
                )
            # as many as should do, a little more, and a block at most
            rate = max(have, 1) / tried if tried else 1.0
            wanted = int(min(max(1.1 * (size - have) / rate, 1000), 100_000))
            block = self.design.draw(rng, wanted).T
            keep = np.flatnonzero(block.sum(axis=0, dtype=np.int64) == self.sizes[1])[: size - have]
            drawn[:, have : have + keep.size] = block.take(keep, axis=1)
            have, tried = have + keep.size, tried + wanted
        return drawn.T
