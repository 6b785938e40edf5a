"""The visits of a model for repeated measures: their order, their times, and the gaps that no outcome fills."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from math import gcd
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from esld.longitudinal._covariance import Bools, Floats, Ints

_OFF = 1e-9  # a time this close to a place of the grid, in steps of each step away, is on it


@dataclass(frozen=True, eq=False, kw_only=True)
class Schedule:
    """The m visits that have an outcome, among those that are known.

    Attributes
    ----------
    visits : tuple of m labels
        In the order of the categories, or sorted.
    times : ndarray of shape (m,)
        Time of each visit; its place among the known visits, from 0, where there are no times.
    timed : bool
        Whether the times are known.
    steps : ndarray of shape (m,), or None
        Whole steps from the first visit, on a grid whose step is the largest that all gaps are multiples of. Visits
        without an outcome keep their place on it. None if the times are on no grid.
    unclear : bool
        Whether the order of the visits is not known.
    """

    visits: tuple[Any, ...]
    times: Floats
    timed: bool
    steps: Ints | None
    unclear: bool


def schedule(
    column: pd.Series[Any], known: Bools, times: Mapping[Any, float] | ArrayLike | None
) -> tuple[Schedule, Ints]:
    """The schedule of a column of visits, and the number of the visit of each row that is `known` to have an outcome.

    The visits known are the categories declared, or the labels of all rows, with an outcome or without.
    """
    codes, labels, declared = _labels(column)
    own, seen = codes[known], np.zeros(len(labels), dtype=bool)
    seen[own] = True
    place, visits = np.flatnonzero(seen), tuple(v for v, s in zip(labels, seen.tolist(), strict=True) if s)
    if times is None:
        all_times = _own_times(labels)
        found = None if all_times is None else all_times[place]
    else:
        found, all_times = _given(visits, labels, times)
    unclear = not declared and found is None and _unclear(labels)
    made = Schedule(
        visits=visits, times=place.astype(float) if found is None else found, timed=found is not None,
        steps=_steps(place, found, all_times), unclear=unclear,
    )  # fmt: skip
    return made, (np.cumsum(seen) - 1)[own]


def _labels(column: pd.Series[Any]) -> tuple[Ints, list[Any], bool]:
    """Code of each row, the labels in order, and whether the data declare that order."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return np.asarray(column.cat.codes, dtype=np.int64), column.cat.categories.tolist(), True
    codes, found = pd.factorize(column)
    labels = found.tolist()
    try:
        order = sorted(range(len(labels)), key=labels.__getitem__)
    except TypeError as error:
        raise ValueError(
            f"visits must be of one kind to be sorted, got {labels}. Make them categorical"
        ) from error
    place: Ints = np.array(np.argsort(order), dtype=np.int64)
    return place.take(codes), [labels[i] for i in order], False


def _own_times(labels: Sequence[Any]) -> Floats | None:
    """Times of visits that are numbers, dates (in days) or durations (in days), if they rise or fall."""
    if all(isinstance(v, Real | Decimal) and not isinstance(v, bool) for v in labels):
        found = np.array([float(v) for v in labels])
    elif all(isinstance(v, date) for v in labels):
        found = np.array([(v - labels[0]) / timedelta(1) for v in labels])
    elif all(isinstance(v, timedelta) for v in labels):
        found = np.array([v / timedelta(1) for v in labels])
    elif all(isinstance(v, pd.Period) for v in labels):
        found = np.array([float(v.ordinal) for v in labels])
    else:
        return None
    if not np.isfinite(found).all():
        raise ValueError(f"visits that are numbers must be finite, got {list(labels)}")
    gaps = np.diff(found)
    return found if (gaps > 0).all() or (gaps < 0).all() else None


def _given(
    visits: tuple[Any, ...], labels: Sequence[Any], times: Mapping[Any, float] | ArrayLike
) -> tuple[Floats, Floats]:
    """The times of the visits with an outcome, and all that are given."""
    if isinstance(times, Mapping):
        if absent := [v for v in visits if v not in times]:
            raise ValueError(f"times must have every visit, got none for {absent}")
        found, given = (
            np.array([times[v] for v in chosen], dtype=float)
            for chosen in (visits, dict.fromkeys([*visits, *times]))
        )
    else:
        given = np.asarray(times, dtype=float)
        if given.shape == (len(labels),):
            found = given[[i for i, label in enumerate(labels) if label in visits]]
        elif given.shape == (len(visits),):
            found = given
        else:
            raise ValueError(f"times must have one time for each of {list(labels)}, got {given.tolist()}")
    if not np.isfinite(given).all() or np.any(np.diff(found) <= 0):
        raise ValueError(
            f"times must rise from visit to visit, got {found.tolist()} for {list(visits)}. Make the visits categorical"
        )
    return found, given


def _steps(place: Ints, found: Floats | None, given: Floats | None) -> Ints | None:
    if found is None or given is None:
        steps = place - place[0]
    elif len(found) < 3:  # one gap is one step
        steps = np.arange(len(found))
    else:
        ratio = np.abs(found - found[0]) / np.diff(np.unique(given)).min()
        steps = np.rint(ratio).astype(np.int64)
        if np.any(np.abs(ratio - steps) > _OFF * np.maximum(steps, 1)):
            return None
    on_grid: Ints = steps // max(gcd(*np.diff(steps).tolist()), 1)
    return on_grid


def _unclear(labels: Sequence[Any]) -> bool:
    """Text is sorted letter by letter: "V10" before "V2" is hardly what is meant."""
    if not all(isinstance(v, str) for v in labels):
        return False
    by_number = sorted(
        labels, key=lambda v: [(int(p), "") if p.isdecimal() else (-1, p) for p in re.split(r"(\d+)", v)]
    )
    return by_number != list(labels)
