"""Permuted blocks: fixed or random size, any ratio, the last block perhaps incomplete."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from math import comb, lcm
from typing import Self

import numpy as np
from numpy.typing import NDArray

from esld.methods import made_by, step
from esld.randomisation.designs import Allocations, Floats, whole_number
from esld.randomisation.paths import Paths, SequentialDesign

TABLE = 2**16  # block patterns that are drawn by looking them up

Left = tuple[int, int, int]  # block of `blocks` (0 if sizes are random), places left for either arm
Words = NDArray[np.uint64]


@dataclass(frozen=True, kw_only=True)
class PermutedBlocks(SequentialDesign):
    """Blocks in which the arms have the given ratio, each filled in random order, until there are n subjects.

    With several `sizes` each block's size is one of them, equally probable, independent of all before. The
    last block may stay incomplete: its first places are used. Hence sequences are not equally probable, even
    with one size: after blocks of 4, a last block of two begins AA, AB, BA or BB as 1:2:2:1.

    Two reference sets: with `sizes` alone the block sizes are unknown and a sequence has its probability over
    all of them; with `blocks` they are those that came about, and held fixed.

    Parameters
    ----------
    n : int
        Subjects, 1 or more.
    sizes : sequence of int, default (4,)
        Possible sizes of a block: different multiples of the sum of `ratio`.
    ratio : tuple of 2 int, default (1, 1)
        Places of the first and of the second arm, each 1 or more.
    blocks : sequence of int, optional
        Sizes that came about, of `sizes`, in order; the last one whole, even if it stayed incomplete.

    Raises
    ------
    ValueError
        A parameter is anything else.

    References
    ----------
    Rosenberger and Lachin (2015), Randomization in Clinical Trials, 2nd ed., chapter 3.

    Examples
    --------
    >>> from esld.randomisation import PermutedBlocks
    >>> design = PermutedBlocks(n=6, sizes=(4,))
    >>> [round(float(p), 4) for p in design.probability([[0, 1, 0, 1, 0, 0], [0, 1, 0, 1, 0, 1], [0, 0, 0, 1, 1, 1]])]
    [0.0278, 0.0556, 0.0]
    """

    n: int
    sizes: Sequence[int] = (4,)
    ratio: tuple[int, int] = (1, 1)
    blocks: Sequence[int] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", whole_number("n", self.n))
        ratio = tuple(whole_number("ratio", r) for r in self.ratio)
        if len(ratio) != 2:
            raise ValueError(f"ratio must be two whole numbers, got {self.ratio!r}")
        object.__setattr__(self, "ratio", ratio)
        sizes = tuple(sorted(whole_number("sizes", size) for size in self.sizes))
        if not sizes or len(set(sizes)) < len(sizes) or any(size % sum(ratio) for size in sizes):
            raise ValueError(f"sizes must be different multiples of {sum(ratio)}, got {self.sizes!r}")
        object.__setattr__(self, "sizes", sizes)
        if self.blocks is not None:
            blocks = tuple(whole_number("blocks", size) for size in self.blocks)
            if not set(blocks) <= set(sizes):
                raise ValueError(f"blocks must be of sizes {list(sizes)}, got {list(blocks)}")
            if not blocks or not sum(blocks[:-1]) < self.n <= sum(blocks):
                raise ValueError(f"blocks must hold {self.n} subjects with the last one begun, got {blocks}")
            object.__setattr__(self, "blocks", blocks)

    def given(self, blocks: Sequence[int]) -> Self:
        """The same design with the block sizes that came about held fixed."""
        return replace(self, blocks=blocks)

    @property
    def conditions(self) -> str:
        """The block sizes: possible, or those that came about."""
        in_order = self.blocks is not None
        several = "random-blocks" if len(self.sizes) > 1 else "permuted-blocks"
        blocks = step("blocks-in-order", *self.blocks or ()) if in_order else step(several, *self.sizes)
        return made_by(blocks, "" if self.ratio == (1, 1) else step("ratio", *self.ratio))

    def _arms(self, size: int) -> tuple[int, int]:
        """Places of either arm in a whole block."""
        times = size // sum(self.ratio)
        return times * self.ratio[0], times * self.ratio[1]

    def _begun(self, block: int) -> list[Left]:
        """What a new block may hold; `block` counts the blocks of `blocks`."""
        if self.blocks is None:
            return [(0, *self._arms(size)) for size in self.sizes]
        # one more after the last: it is begun by nobody
        return [(block, *self._arms(self.blocks[min(block, len(self.blocks) - 1)]))]

    @cached_property
    def _paths(self) -> Paths:
        """With random sizes the past does not tell the place in the block: a state is the set of what is
        possible (subset construction), so that a sequence counts once, whatever blocks it can be made of.
        """

        def after(states: frozenset[Left], code: int) -> frozenset[Left] | None:
            found: set[Left] = set()
            for block, first, second in states:
                if (first, second)[code]:
                    left = (block, first - 1, second) if code == 0 else (block, first, second - 1)
                    found.update([left] if any(left[1:]) else self._begun(block + 1))
            return frozenset(found) or None

        return Paths.of(
            self.n, frozenset(self._begun(0)), lambda states: (after(states, 0), after(states, 1))
        )

    def _steps(self) -> Iterator[tuple[int, int, float]]:
        """Every block that may be met: subjects before it, its size, the chance of the size once it begins."""
        if self.blocks is not None:
            before = 0
            for size in self.blocks:
                yield before, size, 1.0
                before += size
            return
        for before in range(0, self.n, sum(self.ratio)):
            for size in self.sizes:
                yield before, size, 1 / len(self.sizes)

    def _weigh(self, codes: Allocations) -> Floats:
        """A renewal argument: the probability of the subjects before a block, summed over where it begins."""
        ones = np.zeros((self.n + 1, len(codes)), dtype=np.min_scalar_type(self.n))
        np.cumsum(codes.T, axis=0, out=ones[1:])
        before: dict[int, Floats] = {0: np.ones(len(codes))}
        whole = np.zeros(len(codes))
        for begin, size, chance in self._steps():
            if begin not in before:
                continue
            met = min(size, self.n - begin)
            patterns = _patterns_left(*self._arms(size), met).take(ones[begin + met] - ones[begin])
            found = before[begin] * (patterns * (chance / comb(size, self._arms(size)[1])))
            if begin + met == self.n:
                whole += found
            else:
                before[begin + met] = before.get(begin + met, 0) + found
        return whole

    def by_size(self) -> tuple[list[int], Floats]:
        """How many allocations have k subjects in the second arm, k = 0 to n, and their probability."""
        begins, found = {0: 1.0}, np.zeros(self.n + 1)
        for begin, size, chance in self._steps():
            if not (weight := begins.get(begin, 0.0) * chance):
                continue
            first, second = self._arms(size)
            if (met := min(size, self.n - begin)) == size and begin + size < self.n:
                begins[begin + size] = begins.get(begin + size, 0.0) + weight
                continue
            so_far = self._arms(begin)[1]  # every block before was whole
            for k in range(max(0, met - first), min(met, second) + 1):
                found[so_far + k] += weight * comb(met, k) * comb(size - met, second - k) / comb(size, second)
        return self._paths.by_size(), found

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
        begins = self.sizes if self.blocks is None else self.blocks
        if max(begins) < 64 and _entries([self._arms(s) for s in self.sizes]) <= TABLE:
            return self._looked_up(rng, size)
        return self._counted_down(rng, size)

    def _looked_up(self, rng: np.random.Generator, size: int) -> Allocations:
        """Whole blocks at a time, as words: a bit a place, and a 1 above the last place."""
        drawn = np.empty((self.n, size), dtype=np.uint8)
        tables = {b: _words([arms[1:] for arms in self._begun(b)]) for b in range(len(self.blocks or "1"))}
        kind = np.min_scalar_type(max(int(table.max()) for table in tables.values()))
        tables = {block: table.astype(kind) for block, table in tables.items()}
        block, table = 0, tables[0]
        index = np.uint8 if len(table) <= 2**8 else np.uint32
        word = table.take(rng.integers(len(table), size=size, dtype=index))
        for i, row in enumerate(drawn):
            np.bitwise_and(word, 1, out=row, casting="unsafe")
            word >>= 1
            done = word == 1
            if i + 1 == self.n or not done.any():
                continue
            if self.blocks is not None:
                block += 1
                table = tables[block]
            if done.all():
                word = table.take(rng.integers(len(table), size=size, dtype=np.uint32))
            else:
                places = np.flatnonzero(done)
                word[places] = table.take(rng.integers(len(table), size=places.size, dtype=index))
        return drawn.T

    def _counted_down(self, rng: np.random.Generator, size: int) -> Allocations:
        """A subject at a time, from the places left: for blocks too large for a table."""
        drawn = np.empty((self.n, size), dtype=np.uint8)
        first, second = np.zeros((2, size), dtype=np.int64)
        block, uniform = 0, np.empty(size)
        for row in drawn:
            places = np.flatnonzero(first + second == 0)
            if places.size:
                begun = np.array([left[1:] for left in self._begun(block)])
                chosen = begun[rng.integers(len(begun), size=places.size)]
                first[places], second[places] = chosen.T
                block += 1
            rng.random(out=uniform)
            uniform *= first + second
            np.less(uniform, second, out=row.view(np.bool_))
            second -= row
            first -= 1 - row
        return drawn.T


def _patterns_left(first: int, second: int, met: int) -> Floats:
    """In how many ways a block goes on after `met` places, by how many of these were of the second arm."""
    rest = first + second - met
    return np.array([float(comb(rest, second - k)) if k <= second else 0.0 for k in range(met + 1)])


def _entries(blocks: list[tuple[int, int]]) -> int:
    """Rows of a table in which each size, and each pattern of a size, is equally probable."""
    return len(blocks) * lcm(*(comb(first + second, second) for first, second in blocks))


def _words(blocks: list[tuple[int, int]]) -> Words:
    """That table."""
    each = _entries(blocks) // len(blocks)
    table: list[int] = []
    for first, second in blocks:
        patterns = [
            sum(1 << place for place in places) + (1 << (first + second))
            for places in combinations(range(first + second), second)
        ]
        table += patterns * (each // len(patterns))
    return np.array(table, dtype=np.uint64)
