"""What happens at each look at a true effect: stops, power and what is expected by the end, by large samples and exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from esld.longform import Row, Shown, long_frame, row

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Stopping(Shown):
    """What happens at each look, at one true effect.

    Attributes
    ----------
    drift : float
        Expected z at the last look.
    information : tuple of float
        Fraction of the information at each look.
    upper, lower, futility : tuple of float
        Probability of stopping at each look across the upper boundary, the lower one (0 if one-sided), and for
        futility (0 at the last).
    """

    drift: float
    information: tuple[float, ...]
    upper: tuple[float, ...]
    lower: tuple[float, ...]
    futility: tuple[float, ...]

    @property
    def power(self) -> float:
        """Chance of crossing the upper boundary, at whatever look."""
        return sum(self.upper)

    @property
    def expected_information(self) -> float:
        """Expected fraction of the information at the end, in (0, 1]."""
        stops = [sum(each) for each in zip(self.upper, self.lower, self.futility, strict=True)][:-1]
        early = sum(stop * t for stop, t in zip(stops, self.information, strict=False))
        return early + (1 - sum(stops)) * self.information[-1]

    def to_frame(self) -> pd.DataFrame:
        """Long form: upper, lower and futility of each look (`group`), then power and expected_information."""
        rows = by_look(self.information, {n: getattr(self, n) for n in ("upper", "lower", "futility")})
        rows += [row(name, getattr(self, name), n=0, events=0) for name in ("power", "expected_information")]
        return long_frame(rows).assign(n=nan, events=nan)


@dataclass(frozen=True, kw_only=True, eq=False)
class Characteristics(Shown):
    """What happens at each look, at one or many pairs of true proportions.

    Attributes
    ----------
    p1, p2 : ndarray of shape (...)
        The proportions.
    n : tuple of int
        Subjects of both groups at each look.
    upper, lower, futility : ndarray of shape (looks, ...)
        Probability of stopping at each look because the first proportion is higher, because it is lower, and for
        futility.
    """

    p1: Floats
    p2: Floats
    n: tuple[int, ...]
    upper: Floats
    lower: Floats
    futility: Floats

    @property
    def power(self) -> Floats:
        """Probability, at whatever look, of finding the first proportion higher; shape (...)."""
        return self._total(self.upper)

    @property
    def power_lower(self) -> Floats:
        """Probability, at whatever look, of finding the first proportion lower; 0 if one-sided."""
        return self._total(self.lower)

    @property
    def stopped_early(self) -> Floats:
        """Probability of ending before the last look."""
        return self._total((self.upper + self.lower + self.futility)[:-1])

    @property
    def expected_n(self) -> Floats:
        """Expected number of subjects of both groups."""
        stops = (self.upper + self.lower + self.futility)[:-1]
        saved = np.array([self.n[-1] - n for n in self.n[:-1]], dtype=np.float64)
        return np.asarray(self.n[-1] - np.tensordot(saved, stops, axes=1), dtype=np.float64)

    @staticmethod
    def _total(stops: Floats) -> Floats:
        total: Floats = np.minimum(stops.sum(axis=0), 1.0)
        return total

    def to_frame(self) -> pd.DataFrame:
        """Long form: for each pair (`group` is 'p1:p2'), what stops at each look (`time`), power and expected_n."""
        rows: list[Row] = []
        for at in np.ndindex(self.p1.shape):
            pair = f"{self.p1[at]:g}:{self.p2[at]:g}"
            for name in ("upper", "lower", "futility"):
                each = zip(self.n, getattr(self, name)[(slice(None), *at)], strict=True)
                rows += [row(name, p, group=pair, time=k, n=n, events=0) for k, (n, p) in enumerate(each, 1)]
            for name in ("power", "power_lower", "expected_n"):
                rows.append(row(name, float(getattr(self, name)[at]), group=pair, n=self.n[-1], events=0))
        return long_frame(rows).assign(events=nan)


def by_look(
    information: Sequence[float], columns: Mapping[str, Sequence[float]], method: str = ""
) -> list[Row]:
    return [
        row(name, values[k], group=str(k + 1), time=t, n=0, events=0, method=method)
        for k, t in enumerate(information)
        for name, values in columns.items()
    ]
