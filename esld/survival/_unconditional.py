"""The largest probability of a set of two-by-two tables over the chance that is not known.

Tables are x1 of n1 and x2 of n2, independent binomials. Over an angle a, with the chance running through its
interval as the square of sin(a), the Fisher information is 4 (n1 + n2) at most: nothing varies faster than on
the scale of 1 / sqrt(n1 + n2), the square root of a probability by its arcsine least of all.
"""

from collections.abc import Callable, Sequence
from functools import cache
from math import ceil, log, pi, sqrt

import numpy as np

from esld.survival._data import Bools, Floats, Ints

# Tables whose statistics are this near, relatively, are tied: only rounding keeps them apart.
TIE = 1e-10
# The first grid, in standard deviations of the angle, 1 / (2 sqrt(n1 + n2)); what is within this share of the
# highest point of it is looked at again, ten times finer in each round.
_STEP = 0.1
_NEAR = 0.98
_ROUNDS = 5
_ROOM = 2**22  # numbers held at a time
_LEAST = 1e-300  # a chance of 0, whose logarithm is to be multiplied by 0

# Whether tables are in each of the sets: of x1, x2 and the probability of each given their total, shape (m, n1 + 1).
Tails = Callable[[Ints, Ints, Floats], Sequence[Bools]]


def largest(probability: Callable[[Floats], Floats], n: int) -> list[float]:
    """Largest value of each of k probabilities over an angle from 0 to pi / 2, to a relative 1e-9.

    Parameters
    ----------
    probability : callable
        Of angles of shape (m,); values in [0, 1] of shape (m, k).
    n : int
        Subjects of both groups, which say how fast it can vary.

    Notes
    -----
    Between two points of the first grid the arcsine of the square root of the probability changes by no more than
    0.05, by Cauchy and Schwarz, and in truth by far less: a probability is a mixture of bells of ten or more steps.
    """
    angles = np.linspace(0, pi / 2, ceil(pi / 2 / (_STEP / (2 * sqrt(n)))) + 1)
    return [_refined(probability, angles, k, heights) for k, heights in enumerate(probability(angles).T)]


def _refined(probability: Callable[[Floats], Floats], angles: Floats, k: int, heights: Floats) -> float:
    step, best = float(angles[1]), float(heights.max())
    if best >= 1 - 1e-12 or best == 0:
        return float(round(best))
    around = np.concatenate(([-1.0], heights, [-1.0]))
    peaks = angles[(heights > around[:-2]) & (heights >= around[2:]) & (heights > _NEAR * best)]
    for _ in range(_ROUNDS):
        near = np.clip(peaks[:, None] + step * np.linspace(-1, 1, 21), 0, pi / 2)
        heights = probability(near.ravel())[:, k].reshape(near.shape)
        best = max(best, float(heights.max()))
        peaks, step = near[np.arange(peaks.size), heights.argmax(axis=1)], step / 10
    return min(best, 1.0)


def binomial(n: int, chance: Floats, other: Floats) -> Floats:
    """Probability of 0 to n at each of m chances, given with their complements; shape (m, n + 1)."""
    counts = np.arange(n + 1.0)
    success, failure = (np.log(np.maximum(p, _LEAST)) for p in (chance, other))
    found: Floats = np.exp(log_choose(n) + np.outer(success, counts) + np.outer(failure, n - counts))
    return found


@cache
def log_choose(n: int) -> Floats:
    """Logarithms of the binomial coefficients, right to the last digits: shape (n + 1,)."""
    found, whole = [0.0], 1
    for k in range(1, n // 2 + 1):
        whole = whole * (n - k + 1) // k
        found.append(log(whole))
    whole_row = np.array(found + found[(n - 1) // 2 :: -1] if n else found)
    whole_row.setflags(write=False)
    return whole_row


def margin(n1: int, n2: int, totals: Ints) -> tuple[Ints, Ints, Floats]:
    """The tables of each total: x1 of shape (1, n1 + 1), x2 and their probabilities given it, (m, n1 + 1)."""
    x1 = np.arange(n1 + 1)[None, :]
    x2 = totals[:, None] - x1
    there = (x2 >= 0) & (x2 <= n2)
    logarithm = (
        log_choose(n1)[x1] + log_choose(n2)[np.where(there, x2, 0)] - log_choose(n1 + n2)[totals][:, None]
    )
    return x1, x2, np.where(there, np.exp(np.where(there, logarithm, -np.inf)), 0.0)


def largest_at_a_common_chance(n1: int, n2: int, tails: Tails) -> list[float]:
    """Largest probability of each set of tables, both groups having the same chance.

    Given the chance the total is binomial and, given the total, the table hypergeometric: what the tables of a
    total add up to is looked up once, and each probability is a mixture of n1 + n2 + 1 binomials.
    """
    n = n1 + n2
    weights: list[list[Floats]] = []
    for totals in _blocks(n + 1, n1 + 1):
        x1, x2, given = margin(n1, n2, totals)
        weights.append([np.where(tail, given, 0.0).sum(axis=1) for tail in tails(x1, x2, given)])
    mixture = np.concatenate(weights, axis=1).T

    def probability(angles: Floats) -> Floats:
        parts = (angles[block] for block in _blocks(angles.size, n + 1))
        return np.concatenate([binomial(n, np.sin(a) ** 2, np.cos(a) ** 2) @ mixture for a in parts])

    return largest(probability, n)


def _blocks(rows: int, columns: int) -> list[Ints]:
    size = max(1, _ROOM // columns)
    return [np.arange(first, min(first + size, rows)) for first in range(0, rows, size)]
