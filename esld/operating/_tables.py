"""Exact boundaries for two proportions that are looked at again and again.

A state is x1 of n1 and x2 of n2 at a look. How many ways lead to it without a stop before does not depend on any
chance; with the chances p1 and p2 each way has the probability ``p1^x1 (1 - p1)^(n1 - x1) p2^x2 (1 - p2)^(n2 - x2)``.
On the line p1 - p2 = d the two chances rise with one u from 0 to 1, so the chance of having crossed is a polynomial in
u of degree n1 + n2, kept by its coefficients a[t] of ``u^t (1 - u)^(n - t)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb

import numpy as np
from numpy.typing import NDArray

from esld.survival.exact_difference import TIED, score

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Side:
    """What one side has crossed up to a look: its tables at this look, the polynomial, and its bound over all u."""

    rejected: Bools
    polynomial: Floats
    bound: float


@dataclass(frozen=True, eq=False)
class Look:
    """A look: the score z of every table, shape (n1 + 1, n2 + 1), the ways that lead to it, and both sides."""

    z: Floats
    ways: Floats
    upper: Side
    lower: Side


def binomials(n: int) -> Floats:
    """N over 0 to n."""
    return np.array([float(comb(n, k)) for k in range(n + 1)])


def onward(ways: Floats, more1: int, more2: int) -> Floats:
    """Ways to the states of the next look, with so many subjects more."""
    return _shifts(ways.shape[0], more1).T @ ways @ _shifts(ways.shape[1], more2)


def _shifts(states: int, more: int) -> Floats:
    found, row = np.zeros((states, states + more)), binomials(more)
    for x in range(states):
        found[x, x : x + more + 1] = row
    return found


def in_u(n: int, low: float, high: float) -> Floats:
    """Coefficients of ``p^x (1 - p)^(n - x)``, x = 0 to n, in a u through which p runs from low to high."""
    event, none = np.array([low, high]), np.array([1 - low, 1 - high])
    events, nones = [np.ones(1)], [np.ones(1)]
    for _ in range(n):
        events.append(np.convolve(events[-1], event))
        nones.append(np.convolve(nones[-1], none))
    return np.array([np.convolve(events[x], nones[n - x]) for x in range(n + 1)])


def powers(n: int, u: Floats) -> Floats:
    """``u^t (1 - u)^(n - t)`` for t = 0 to n, shape (n + 1, ...)."""
    t = np.arange(n + 1.0).reshape(-1, *(1,) * u.ndim)
    found: Floats = u**t * (1 - u) ** (n - t)
    return found


@lru_cache(maxsize=32)
def _on_grid(n: int, points: int) -> Floats:
    """`powers` on a grid from 0 to 1."""
    found = powers(n, np.linspace(0.0, 1.0, points))
    found.setflags(write=False)
    return found


def calibrated(
    n1: Sequence[int],
    n2: Sequence[int],
    spent: Sequence[float],
    *,
    both: bool,
    difference: float = 0.0,
    points: int = 1001,
) -> list[Look]:
    """The most tables, by descending score z of ``p1 - p2 = difference``, that spend no more than allowed at each look.

    Parameters
    ----------
    n1, n2 : sequence of int
        Subjects at each look.
    spent : sequence of float
        What a side may have spent up to each look, wherever the chances lie on the line.
    both : bool
        Whether the lower side is tested too, and ends the trial.
    difference : float in (-1, 1)
        p1 - p2 under the hypothesis.
    points : int
        Grid of u, evenly from 0 to 1.

    Notes
    -----
    A side keeps to its level at every u and not on the grid alone: between two points, h apart, a polynomial P exceeds
    the larger of its values at them by no more than the largest -P'' times h^2 / 8, and with coefficients
    ``b[t] = a[t] / (n over t)`` -P'' is at most n (n - 1) times the largest ``-(b[t] - 2 b[t + 1] + b[t + 2])``.
    """
    low, high = max(0.0, difference), min(1.0, 1.0 + difference)
    none = Side(np.zeros((1, 1), dtype=np.bool_), np.zeros(1), 0.0)
    upper, lower, ways, found = none, none, np.ones((1, 1)), list[Look]()
    before = (0, 0)
    for here, level in zip(zip(n1, n2, strict=True), spent, strict=True):
        more = here[0] - before[0], here[1] - before[1]
        ways = onward(ways, *more)
        share1, share2 = np.arange(here[0] + 1)[:, None] / here[0], np.arange(here[1] + 1)[None, :] / here[1]
        z = score(share1, here[0], share2, here[1], difference)
        each = _each_table(here, low, high, difference)
        basis = _on_grid(sum(here), points)
        upper = _largest(z, ways, each, basis, level, _elevated(upper, sum(more)))
        lower = _elevated(lower, sum(more))
        lower = _largest(-z, ways, each, basis, level if both else 0.0, lower)
        found.append(Look(z, ways, upper, lower))
        ways, before = np.where(upper.rejected | lower.rejected, 0.0, ways), here
    return found


def _each_table(n: tuple[int, int], low: float, high: float, difference: float) -> Floats:
    """Coefficients of the probability of one way to each table, shape (n1 + 1, n2 + 1, n1 + n2 + 1)."""
    first, second = in_u(n[0], low, high), in_u(n[1], low - difference, high - difference)
    found = np.zeros((n[0] + 1, n[1] + 1, sum(n) + 1))
    for i in range(n[0] + 1):
        found[:, :, i : i + n[1] + 1] += first[:, i, None, None] * second
    return found


def _elevated(side: Side, more: int) -> Side:
    return Side(side.rejected, np.convolve(side.polynomial, binomials(more)), side.bound)


def _largest(z: Floats, ways: Floats, each: Floats, basis: Floats, level: float, before: Side) -> Side:
    """The most tables of the highest z that can be added to what was crossed before."""
    flat = z.ravel()
    order = np.argsort(-flat, kind="stable")
    order = order[flat[order] > TIED]
    last = np.append(-np.diff(flat[order]) > TIED * np.maximum(1.0, np.abs(flat[order][:-1])), True)[
        : order.size
    ]
    added = np.cumsum(ways.ravel()[order, None] * each.reshape(flat.size, -1)[order], axis=0)[last]
    polynomials = before.polynomial + added
    bounds = _largest_of(polynomials, basis)
    kept = int(
        np.argmin(np.append(bounds <= level * (1 + _ROUNDING), False))
    )  # as many are kept before the first that is not
    rejected = np.zeros(flat.size, dtype=np.bool_)
    if kept == 0 or level <= 0:
        return Side(rejected.reshape(z.shape), before.polynomial, before.bound)
    rejected[order[: np.flatnonzero(last)[kept - 1] + 1]] = True
    return Side(rejected.reshape(z.shape), polynomials[kept - 1], float(bounds[kept - 1]))


def _largest_of(polynomials: Floats, basis: Floats) -> Floats:
    """What each polynomial does not exceed, between the points of the grid too; see the notes of `calibrated`."""
    n, h = basis.shape[0] - 1, 1 / (basis.shape[1] - 1)
    bent = polynomials / binomials(n)
    curved = np.maximum(-np.diff(bent, 2, axis=1), 0.0).max(axis=1, initial=0.0)
    found: Floats = (polynomials @ basis).max(axis=1, initial=0.0) + n * (n - 1) * h * h / 8 * curved
    return found


def followed(
    n1: Sequence[int],
    n2: Sequence[int],
    z: Sequence[Floats],
    critical: float,
    *,
    both: bool,
    points: int = 1001,
) -> tuple[list[Look], tuple[float, ...]]:
    """What a rule spends that rejects every table of this z or more: its looks, and a bound of both sides up to each."""
    upper, lower, ways, before = np.zeros(1), np.zeros(1), np.ones((1, 1)), (0, 0)
    looks, spent = list[Look](), list[float]()
    for here, own in zip(zip(n1, n2, strict=True), z, strict=True):
        more = here[0] - before[0], here[1] - before[1]
        ways = onward(ways, *more)
        each, basis = _each_table(here, 0.0, 1.0, 0.0), _on_grid(sum(here), points)
        high, low = own >= critical, (own <= -critical) & both
        upper, lower = (
            np.convolve(side, binomials(sum(more))) + np.tensordot(np.where(tables, ways, 0.0), each, axes=2)
            for side, tables in ((upper, high), (lower, low))
        )
        bounds = _largest_of(np.array([upper, lower, upper + lower]), basis)
        looks.append(Look(own, ways, Side(high, upper, float(bounds[0])), Side(low, lower, float(bounds[1]))))
        spent.append(float(bounds[2]))
        ways, before = np.where(high | low, 0.0, ways), here
    return looks, tuple(spent)
