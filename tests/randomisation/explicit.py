"""Designs written out as a list of allocations with their probabilities, for tests of what uses a design."""

from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np


@dataclass(frozen=True, eq=False)
class Explicit:
    """Every allocation and its probability, yielded in two blocks."""

    rows: np.ndarray
    chances: np.ndarray
    conditions: str = "the list"
    degenerate: str = ""

    @property
    def n(self):
        return self.rows.shape[1]

    @property
    def count(self):
        return len(self.rows)

    def admits(self, allocation):
        return bool((self.rows == allocation).all(axis=1).any())

    def allocations(self):
        half = max(1, self.count // 2)
        for part in (slice(None, half), slice(half, None)):
            if len(self.rows[part]):
                yield np.asfortranarray(self.rows[part]), self.chances[part]

    def draw(self, rng, size):
        return self.rows[rng.choice(self.count, size=size, p=self.chances)]

    def probability(self, allocations):
        return np.array([self.chances[(self.rows == row).all(axis=1)].sum() for row in allocations])


def sequential(n, chance):
    """Each subject joins the second arm with ``chance(past)``, a fraction of 1; impossible rows are left out."""
    rows, chances = [], []
    for row in product((0, 1), repeat=n):
        p = prod(chance(row[:i]) if row[i] else 1 - chance(row[:i]) for i in range(n))
        if p:
            rows.append(row)
            chances.append(float(p))
    return Explicit(np.array(rows, dtype=np.uint8), np.array(chances))


def coin(n, p=0.5):
    """Simple randomisation: arm sizes vary, an arm can be empty."""
    return sequential(n, lambda past: p)


def efron(n, p=2 / 3):
    """Efron's biased coin: towards the arm with fewer with chance p."""
    return sequential(n, lambda past: {0: 0.5, 1: p, -1: 1 - p}[int(np.sign(len(past) - 2 * sum(past)))])


def blocks(n, half):
    """Permuted blocks of 2 `half`; the last may be incomplete, so that its beginnings are not equally probable."""

    def chance(past):
        here = past[len(past) // (2 * half) * 2 * half :]
        return (half - sum(here)) / (2 * half - len(here))

    return sequential(n, chance)
