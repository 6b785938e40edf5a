"""Minimisation: each subject goes, with probability p, where the arms become most alike in their factors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import gcd
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from esld.methods import made_by, step
from esld.randomisation._equal_arms import LISTED, EqualArms
from esld.randomisation.designs import BLOCK, Allocations, Floats, codes_of, whole_number

Imbalance = Literal["range", "variance"]
Differences = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class Minimisation:
    """Pocock and Simon's minimisation for two arms, in any ratio.

    For each arm, G is the weighted sum over factors of the imbalance that the subject would leave, among
    those of its own level, by joining it: the range of the two counts (their absolute difference d), or
    their variance (d^2 / 2 with divisor 1; another divisor changes nothing). The arm with the smaller G is
    taken with probability `p`; equal G, as for the first subject, are a fair coin.

    With another ratio than 1:1 the same is done with as many equal arms as the ratio adds up to, which are then put
    together: 1:2 is minimisation of three arms, of which two are the second. The equal arm with the smallest G is
    taken with probability `p`, any other one with the rest shared out; tied ones share what the first would have.
    Each arm has then its share of the ratio at every assignment, not only in the long run. To weigh the counts of two
    arms by the ratio instead does not keep it: the mean of the randomisation distribution then moves with the order of
    entry.

    The factors and the order of entry are held fixed.

    Parameters
    ----------
    factors : array_like of shape (n, k)
        Levels of k factors, numbers or words, a row for each subject in the order of entry; none missing.
    p : float, default 0.8
        0.5 (simple randomisation) to 1, where chance is left to ties: see `degenerate`. With another ratio than
        1:1 from one over the number of equal arms (simple randomisation in the ratio) to below 1.
    weights : sequence of k float, optional
        Of the factors, finite and above 0; 1 each if not given.
    imbalance : {'range', 'variance'}
    ratio : tuple of 2 int, default (1, 1)
        Of the first to the second arm, in lowest terms: (2, 4) is (1, 2).

    Raises
    ------
    ValueError
        A parameter is anything else.

    References
    ----------
    Pocock and Simon (1975), Biometrics 31:103-115. Kuznetsova and Tymofyeyev (2012), Stat Med 31:701-723, for the
    equal arms; Proschan, Brittain and Kammerman (2011), Biometrics 67:1135-1141, for what becomes of a test without.

    Examples
    --------
    >>> from esld.randomisation import Minimisation
    >>> sex, site = [0, 0, 1, 0], [0, 1, 1, 0]
    >>> design = Minimisation(factors=list(zip(sex, site, strict=True)), p=0.8)
    >>> design.probability([[0, 1, 1, 0], [0, 0, 0, 0]]).round(4).tolist()
    [0.016, 0.004]
    """

    factors: ArrayLike
    p: float = 0.8
    weights: Sequence[float] | None = None
    imbalance: Imbalance = "range"
    ratio: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        raw = np.array(self.factors, dtype=object)
        if raw.ndim != 2 or 0 in raw.shape:
            raise ValueError(f"factors must have shape (subjects, factors), got {raw.shape}")
        if pd.isna(raw).any():
            raise ValueError("factors must have a level for each subject, got a missing one")
        object.__setattr__(self, "factors", tuple(map(tuple, raw.tolist())))
        ratio = tuple(whole_number("ratio", r) for r in self.ratio)
        if len(ratio) != 2:
            raise ValueError(f"ratio must be two whole numbers, got {self.ratio!r}")
        object.__setattr__(self, "ratio", tuple(r // gcd(*ratio) for r in ratio))
        if self.ratio == (1, 1) and not 0.5 <= self.p <= 1:
            raise ValueError(f"p must be 0.5 to 1, got {self.p}")
        if self.ratio != (1, 1) and not 1 / sum(self.ratio) <= self.p < 1:
            raise ValueError(
                f"p must be 1/{sum(self.ratio)} to below 1 with ratio {self._ratio}, got {self.p}"
            )
        weights = np.ones(raw.shape[1]) if self.weights is None else np.asarray(self.weights, dtype=float)
        if weights.shape != (raw.shape[1],) or not np.all(np.isfinite(weights) & (weights > 0)):
            raise ValueError(
                f"weights must be {raw.shape[1]} finite numbers above 0, got {np.asarray(self.weights).tolist()}"
            )
        object.__setattr__(self, "weights", tuple(weights.tolist()))
        if self.imbalance not in get_args(Imbalance):
            raise ValueError(f"imbalance must be one of {get_args(Imbalance)}, got {self.imbalance!r}")

    @property
    def n(self) -> int:
        """Subjects."""
        return len(self._levels)

    @property
    def degenerate(self) -> str:
        """Why a comparison with the reference set says little; empty if it does not."""
        return "minimisation with p = 1 leaves nothing but ties to chance" if self.p == 1 else ""

    @property
    def unlistable(self) -> str:
        """Why its allocations can be drawn and not listed; empty if they can be listed."""
        if self._equal is None or self._equal.listable:
            return ""
        return f"{self.n} subjects by {sum(self.ratio)} equal arms have more than {LISTED} sequences"

    @property
    def _ratio(self) -> str:
        return f"{self.ratio[0]}:{self.ratio[1]}"

    @cached_property
    def _equal(self) -> EqualArms | None:
        """The procedure with another ratio than 1:1."""
        if self.ratio == (1, 1):
            return None
        weights = tuple(np.asarray(self.weights).tolist())
        return EqualArms(self._levels, self.ratio, self.p, weights, self.imbalance == "range")

    @property
    def conditions(self) -> str:
        """The procedure, the factors and the order of entry."""
        k = self._levels.shape[1]
        ratio = "" if self.ratio == (1, 1) else step("ratio", *self.ratio)
        return made_by(step("minimisation", self.imbalance, f"{self.p:.6g}", k), ratio, "order-of-entry")

    @cached_property
    def _levels(self) -> NDArray[np.intp]:
        """For each subject and factor, the row of the differences that it reads and changes, shape (n, k)."""
        columns, before = [], 0
        for column in np.array(self.factors, dtype=object).T.tolist():
            codes: dict[Any, int] = {}
            columns.append([before + codes.setdefault(level, len(codes)) for level in column])
            before += len(codes)
        return np.array(columns, dtype=np.intp).T

    @property
    def count(self) -> int:
        """Sequences of positive probability: 2^n if p is below 1, a whole number of any size."""
        if self.p < 1:
            return int(2**self.n)
        # with p = 1 few differences are ever met, so that they are walked through
        found = {(0,) * (int(self._levels.max()) + 1): 1}
        for rows in self._levels:
            ahead: dict[tuple[int, ...], int] = {}
            before = np.array(list(found), dtype=np.int32).T
            chance = self._chance(before, rows)
            for code, possible in ((0, chance < 1), (1, chance > 0)):
                after = before.copy()
                after[rows] += 2 * code - 1
                for state, count, go in zip(after.T.tolist(), found.values(), possible, strict=True):
                    if go:
                        ahead[tuple(state)] = ahead.get(tuple(state), 0) + count
            found = ahead
        return sum(found.values())

    def _chance(self, differences: Differences, rows: NDArray[np.intp]) -> Floats:
        """Probability of the second arm, given second less first for each level (levels, m).

        G(second) - G(first) is the weighted sum of abs(d + 1) - abs(d - 1) = 2 sign(d) by the range, and
        of ((d + 1)^2 - (d - 1)^2) / 2 = 2 d by the variance.
        """
        weights = np.asarray(self.weights)
        own = differences[rows]
        excess = weights @ (np.sign(own) if self.imbalance == "range" else own)
        # sums such as 0.1 + 0.2 - 0.3 are ties
        tolerance = 1e-9 * weights.sum()
        return np.where(excess > tolerance, 1 - self.p, np.where(excess < -tolerance, self.p, 0.5))

    def admits(self, allocation: ArrayLike) -> bool:
        """Whether the design can yield this allocation of shape (n,)."""
        codes = np.asarray(allocation)
        if codes.shape != (self.n,) or not np.all((codes == 0) | (codes == 1)):
            return False
        return self.p < 1 or bool(self.probability(codes) > 0)

    def probability(self, allocations: ArrayLike) -> Floats:
        """Probability of each of these allocations.

        Parameters
        ----------
        allocations : array_like of 0 and 1, shape (..., n)

        Returns
        -------
        ndarray of shape (...)
            0 if not admitted, or below the least double (some 1,000 subjects). With another ratio than 1:1, NaN
            where an allocation can come about in too many ways to follow.

        Raises
        ------
        ValueError
            Another shape, or other codes.
        """
        codes = codes_of(allocations, self.n)
        rows, size = codes.reshape(-1, self.n), max(1, BLOCK // self.n)
        if self._equal is not None:
            return self._equal.probability(rows).reshape(codes.shape[:-1])
        found = np.ones(len(rows))
        for first in range(0, len(rows), size):
            part = rows[first : first + size].T
            differences = self._none(part.shape[1])
            for code, own in zip(part.astype(np.int32), self._levels, strict=True):
                chance = self._chance(differences, own)
                found[first : first + size] *= np.where(code, chance, 1 - chance)
                differences[own] += 2 * code - 1
        return found.reshape(codes.shape[:-1])

    def _none(self, size: int) -> Differences:
        """No difference yet."""
        return np.zeros((int(self._levels.max()) + 1, size), dtype=np.int32)

    def allocations(self) -> Iterator[tuple[Allocations, Floats]]:
        """Every allocation once, in lexicographic order: prefixes grow by a subject, halved when many.

        Yields
        ------
        allocations : ndarray of uint8, shape (m, n)
            Stored by columns, since statistics read a subject at a time.
        probabilities : ndarray of shape (m,)

        Raises
        ------
        ValueError
            The count does not fit in 64 bits: nobody could list them; or see `unlistable`.
        """
        if self.n >= 63 and (count := self.count) >= 2**63:
            raise ValueError(f"allocations can be listed up to 2^63, got {count}")
        size = max(2, BLOCK // self.n)
        if self._equal is not None:
            yield from self._listed(self._equal, size)
            return
        todo = [(0, np.empty((self.n, 1), dtype=np.uint8), np.ones(1), self._none(1))]
        while todo:
            i, codes, weights, differences = todo.pop()
            if i == self.n:
                yield codes.T, weights
                continue
            if 2 * weights.size > size:
                half = weights.size // 2
                for part in (slice(half, None), slice(half)):  # the first half is taken up first
                    todo.append((i, codes[:, part].copy(), weights[part], differences[:, part].copy()))
                continue
            chance = self._chance(differences, self._levels[i])
            weights = (weights[:, np.newaxis] * np.column_stack((1 - chance, chance))).ravel()
            codes, differences = codes.repeat(2, axis=1), differences.repeat(2, axis=1)
            codes[i, ::2], codes[i, 1::2] = 0, 1
            differences[self._levels[i]] += 2 * codes[i].astype(np.int32) - 1
            if np.any((chance == 0) | (chance == 1)):
                keep = np.flatnonzero(np.column_stack((chance < 1, chance > 0)).ravel())
                codes, weights, differences = codes[:, keep], weights[keep], differences[:, keep]
            todo.append((i + 1, codes, weights, differences))

    def _listed(self, equal: EqualArms, size: int) -> Iterator[tuple[Allocations, Floats]]:
        if self.unlistable:
            raise ValueError(f"allocations can be drawn and not listed, got {self.unlistable}")
        found = equal.listed()
        for first in range(0, found.size, size):
            numbers = np.arange(first, min(first + size, found.size))
            codes = (numbers >> np.arange(self.n - 1, -1, -1)[:, None] & 1).astype(np.uint8)
            yield codes.T, found[numbers]

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
        if self._equal is not None:
            return self._equal.draw(rng, size)
        drawn = np.empty((self.n, size), dtype=np.uint8)
        differences, uniform = self._none(size), np.empty(size)
        for row, own in zip(drawn, self._levels, strict=True):
            rng.random(out=uniform)
            np.less(uniform, self._chance(differences, own), out=row.view(np.bool_))
            differences[own] += 2 * row.astype(np.int32) - 1
        return drawn.T
