"""Designs that assign one subject after the other: their sequences as paths, counted and listed without search.

A state is what the past leaves to know: the difference of the arms for a biased coin, the places left in the
block for permuted blocks. Two pasts in the same state can go on in the same ways, so that the sequences that
go on from it are counted once (Hopcroft and Ullman 1979, chapter 2: a deterministic automaton).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from esld.randomisation.designs import BLOCK, Allocations, Floats, codes_of

State = TypeVar("State", bound=Hashable)
Moves = Callable[[State], tuple[State | None, State | None]]


@dataclass(frozen=True, kw_only=True)
class Paths:
    """The admissible sequences of n codes.

    Attributes
    ----------
    following : tuple of n ndarrays of int, shape (states, 2)
        For each place, the state that follows each state with code 0 and with code 1; -1 if that code is
        impossible. The first place has one state.
    """

    following: tuple[NDArray[np.int64], ...]

    @classmethod
    def of(cls, n: int, start: State, moves: Moves[State]) -> Self:
        """From the first state, and a function that gives the states after codes 0 and 1 (None: impossible)."""
        layer, following = {start: 0}, []
        for _ in range(n):
            ahead: dict[State, int] = {}
            rows = [
                [-1 if state is None else ahead.setdefault(state, len(ahead)) for state in moves(now)]
                for now in layer
            ]
            following.append(np.array(rows, dtype=np.int64))
            layer = ahead
        return cls(following=tuple(following))

    @property
    def count(self) -> int:
        """Sequences, a whole number of any size."""
        return self._completions[0][0]

    @cached_property
    def _completions(self) -> list[list[int]]:
        """For each place and state, in how many ways a sequence can go on."""
        last = len(self.following) and int(self.following[-1].max()) + 1
        layers = [[1] * last]
        for rows in reversed(self.following):
            layers.append([sum(layers[-1][state] for state in row if state >= 0) for row in rows.tolist()])
        return layers[::-1]

    def by_size(self) -> list[int]:
        """Sequences with k codes of 1, for k = 0 to n."""
        found: Counter[tuple[int, int]] = Counter({(0, 0): 1})
        for rows in self.following:
            ahead: Counter[tuple[int, int]] = Counter()
            for (state, ones), count in found.items():
                for code, after in enumerate(rows[state].tolist()):
                    if after >= 0:
                        ahead[after, ones + code] += count
            found = ahead
        sizes: Counter[int] = Counter()
        for (_, ones), count in found.items():
            sizes[ones] += count
        return [sizes[k] for k in range(len(self.following) + 1)]

    def admits(self, codes: Allocations) -> bool:
        """Whether this sequence of shape (n,) is one of them."""
        state, steps = 0, zip(self.following, codes.tolist(), strict=True)
        return all((state := int(rows[state, code])) >= 0 for rows, code in steps)

    def listed(self) -> Iterator[Allocations]:
        """Every sequence once, in lexicographic order, in blocks of shape (m, n) stored by columns.

        Raises
        ------
        ValueError
            The count does not fit in 64 bits: nobody could list them.
        """
        if (count := self.count) >= 2**63:
            raise ValueError(f"allocations can be listed up to 2^63, got {count}")
        n, size = len(self.following), max(1, BLOCK // len(self.following))
        with_zero = [
            np.array([0 if zero < 0 else ahead[zero] for zero in rows[:, 0].tolist()], dtype=np.int64)
            for rows, ahead in zip(self.following, self._completions[1:], strict=True)
        ]
        for first in range(0, count, size):
            rank = np.arange(first, min(first + size, count), dtype=np.int64)
            state = np.zeros(rank.size, dtype=np.int64)
            block = np.empty((n, rank.size), dtype=np.uint8)
            for i, rows in enumerate(self.following):
                zeros = with_zero[i].take(state)  # sequences that go on with a 0 come first
                second = rank >= zeros
                block[i] = second
                rank -= np.where(second, zeros, 0)
                state = rows.ravel().take(2 * state + second)
            yield block.T


class SequentialDesign(ABC):
    """What designs of this kind share, given their paths and a way to weigh a block of sequences."""

    n: int

    @cached_property
    @abstractmethod
    def _paths(self) -> Paths:
        """The sequences that have a positive probability."""

    @abstractmethod
    def _weigh(self, codes: Allocations) -> Floats:
        """Probability of each row of an array of shape (m, n)."""

    @property
    def count(self) -> int:
        """Sequences of positive probability, a whole number of any size."""
        return self._paths.count

    def admits(self, allocation: ArrayLike) -> bool:
        """Whether the design can yield this allocation of shape (n,)."""
        codes = np.asarray(allocation)
        if codes.shape != (self.n,) or not np.all((codes == 0) | (codes == 1)):
            return False
        return self._paths.admits(codes.astype(np.uint8))

    def probability(self, allocations: ArrayLike) -> Floats:
        """Probability of each of these allocations.

        Parameters
        ----------
        allocations : array_like of 0 and 1, shape (..., n)

        Returns
        -------
        ndarray of shape (...)
            0 if not admitted, or below the least double (some 1,000 subjects).

        Raises
        ------
        ValueError
            Another shape, or other codes.
        """
        codes = codes_of(allocations, self.n)
        rows, size = codes.reshape(-1, self.n), max(1, BLOCK // self.n)
        found = np.empty(len(rows))
        for first in range(0, len(rows), size):
            found[first : first + size] = self._weigh(rows[first : first + size])
        return found.reshape(codes.shape[:-1])

    def allocations(self) -> Iterator[tuple[Allocations, Floats]]:
        """Every allocation once, in lexicographic order.

        Yields
        ------
        allocations : ndarray of uint8, shape (m, n)
            Stored by columns, since statistics read a subject at a time.
        probabilities : ndarray of shape (m,)

        Raises
        ------
        ValueError
            The count does not fit in 64 bits: nobody could list them.
        """
        for block in self._paths.listed():
            yield block, self._weigh(block)
