"""Designs of a two-arm trial: which allocations could have come about, and with what probability.

An allocation is a row of n codes, 0 for the first arm and 1 for the second, one for each subject in the
order of the data.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import comb
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from esld.methods import step

Allocations = NDArray[np.uint8]
Floats = NDArray[np.float64]

BLOCK = 2**21  # codes handled at a time, 2 MB, whatever the size of the reference set
LISTED = 2**24  # allocations that are listed to count them by arm size


class Design(Protocol):
    """How subjects came to their arms: the reference set of a randomisation test."""

    @property
    def n(self) -> int:
        """Subjects."""

    @property
    def count(self) -> int:
        """Allocations in the reference set."""

    @property
    def conditions(self) -> str:
        """What is held fixed, as steps of a method."""

    def admits(self, allocation: Allocations) -> bool:
        """Whether the design can yield this allocation of shape (n,)."""

    def probability(self, allocations: ArrayLike) -> Floats:
        """Probability of each of these allocations of shape (..., n), shape (...); 0 if not admitted."""

    def allocations(self) -> Iterator[tuple[Allocations, Floats]]:
        """Every allocation once, in blocks of shape (m, n), each with its probabilities of shape (m,)."""

    def draw(self, rng: np.random.Generator, size: int) -> Allocations:
        """Independent draws with the design's probabilities, shape (size, n)."""


@runtime_checkable
class Sized(Protocol):
    """A design that knows its arm sizes without listing."""

    def by_size(self) -> tuple[list[int], Floats]:
        """How many allocations have k subjects in the second arm, k = 0 to n, and their probability."""


def by_size(design: Design) -> tuple[list[int], Floats]:
    """How many allocations have k subjects in the second arm, k = 0 to n, and their probability.

    Raises
    ------
    ValueError
        The design does not know, and has more than `LISTED` allocations.
    """
    if isinstance(design, Sized):
        return design.by_size()
    if (count := design.count) > LISTED:
        raise ValueError(f"allocations must be {LISTED} or fewer to be counted by arm size, got {count}")
    counts, probabilities = np.zeros(design.n + 1, dtype=np.int64), np.zeros(design.n + 1)
    for block, weights in design.allocations():
        ones = block.T.sum(axis=0, dtype=np.int64)
        counts += np.bincount(ones, minlength=design.n + 1)
        probabilities += np.bincount(ones, weights, minlength=design.n + 1)
    return counts.tolist(), probabilities


def codes_of(allocations: ArrayLike, n: int) -> Allocations:
    """Allocations of n subjects as codes of shape (..., n).

    Raises
    ------
    ValueError
        Another number of subjects, or codes other than 0 and 1.
    """
    raw = np.asarray(allocations)
    if raw.ndim == 0 or raw.shape[-1] != n:
        raise ValueError(f"allocations must have shape (..., {n}) as the design has, got {raw.shape}")
    if not np.all((raw == 0) | (raw == 1)):
        raise ValueError(f"allocations must be 0 or 1, got {np.unique(raw)[:5].tolist()}")
    return raw.astype(np.uint8)


def whole_number(name: str, value: object, *, least: int = 1) -> int:
    """The value as an int.

    Raises
    ------
    ValueError
        It is no whole number, or below `least`.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name} must be a whole number, {least} or more, got {value!r}")
    return int(value)


@dataclass(frozen=True, kw_only=True)
class CompleteRandomisation:
    """Every allocation with the given arm sizes, all equally probable.

    Parameters
    ----------
    sizes : tuple of 2 int
        Subjects in the first and in the second arm, 0 or more and not both 0.

    Raises
    ------
    ValueError
        `sizes` is anything else.

    References
    ----------
    Rosenberger and Lachin (2015), Randomization in Clinical Trials, 2nd ed., chapter 3,
    where it is called the random allocation rule.

    Examples
    --------
    >>> from esld.randomisation import CompleteRandomisation
    >>> design = CompleteRandomisation(sizes=(11, 11))
    >>> design.count
    705432
    >>> round(float(design.probability([0, 1] * 11)) * design.count, 6)
    1.0
    """

    sizes: tuple[int, int]

    def __post_init__(self) -> None:
        sizes = tuple(self.sizes)
        if len(sizes) != 2 or not all(isinstance(s, int | np.integer) and s >= 0 for s in sizes):
            raise ValueError(f"sizes must be two whole numbers, 0 or more, got {self.sizes!r}")
        if sum(sizes) == 0:
            raise ValueError(f"sizes must hold at least one subject, got {self.sizes!r}")
        object.__setattr__(self, "sizes", (int(sizes[0]), int(sizes[1])))

    @property
    def n(self) -> int:
        """Subjects."""
        return sum(self.sizes)

    @property
    def count(self) -> int:
        """Subjects choose second arm: n! / (n1! n2!), a whole number of any size."""
        return comb(self.n, self.sizes[1])

    @property
    def conditions(self) -> str:
        """The arm sizes."""
        return step("arm-sizes", *self.sizes)

    def admits(self, allocation: ArrayLike) -> bool:
        """Whether the arm sizes are those of the design."""
        codes = np.asarray(allocation)
        return codes.shape == (self.n,) and bool(np.count_nonzero(codes) == self.sizes[1])

    def probability(self, allocations: ArrayLike) -> Floats:
        """1 / count with the arm sizes of the design, else 0.

        Parameters
        ----------
        allocations : array_like of 0 and 1, shape (..., n)

        Returns
        -------
        ndarray of shape (...)

        Raises
        ------
        ValueError
            Another shape, or other codes.
        """
        codes = codes_of(allocations, self.n)
        return np.where(codes.sum(axis=-1, dtype=np.int64) == self.sizes[1], 1 / self.count, 0.0)

    def by_size(self) -> tuple[list[int], Floats]:
        """How many allocations have k subjects in the second arm, k = 0 to n, and their probability."""
        only = [int(k == self.sizes[1]) for k in range(self.n + 1)]
        return [k * self.count for k in only], np.array(only, dtype=float)

    def allocations(self) -> Iterator[tuple[Allocations, Floats]]:
        """Every allocation once, in lexicographic order.

        Yields
        ------
        allocations : ndarray of uint8, shape (m, n)
            Stored by columns, since statistics read a subject at a time.
        probabilities : ndarray of shape (m,)
            1 / count each.

        Raises
        ------
        ValueError
            The count does not fit in 64 bits: nobody could list them.
        """
        if (count := self.count) >= 2**63:
            raise ValueError(f"allocations can be listed up to 2^63, got {count}")
        n, ones = self.n, self.sizes[1]
        # beginning[rest, k]: allocations of `rest` subjects with k in the second arm. States with more than
        # `count` of them are never reached.
        beginning = np.array(
            [[min(comb(rest, k), count) for k in range(ones + 1)] for rest in range(n)], dtype=np.int64
        )
        size = max(1, BLOCK // n)
        for first in range(0, count, size):
            rank = np.arange(first, min(first + size, count), dtype=np.int64)
            left = np.full(rank.size, ones)
            block = np.empty((n, rank.size), dtype=np.uint8)
            for i in range(n):
                with_zero = beginning[n - 1 - i].take(left)  # allocations that go on with a 0 come first
                second = rank >= with_zero
                block[i] = second
                rank -= np.where(second, with_zero, 0)
                left -= second
            yield block.T, np.full(rank.size, 1 / count)

    def draw(self, rng: np.random.Generator, size: int) -> Allocations:
        """Independent allocations, all equally probable.

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
        left, uniform = np.full(size, float(self.sizes[1])), np.empty(size)
        for i in range(self.n):  # the next subject joins the second arm with chance left / subjects to come
            rng.random(out=uniform)
            uniform *= self.n - i
            np.less(uniform, left, out=drawn[i].view(np.bool_))
            left -= drawn[i]
        return drawn.T
