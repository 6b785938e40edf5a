"""Life tables: at each distinct time how many are at risk, have the event, are censored; sorted once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from esld.survival._data import Bools, Floats, Ints
from esld.times import before

Keys = NDArray[np.int64] | NDArray[np.uint64]


class LifeTable(NamedTuple):
    """One row per distinct time, ascending; all of shape (k,).

    Attributes
    ----------
    times : ndarray
        Distinct times.
    n_risk : ndarray of int
        At risk just before each time.
    n_event, n_censor : ndarray of int
        Events and censorings at each time.
    """

    times: Floats
    n_risk: Ints
    n_event: Ints
    n_censor: Ints

    def at_risk(self, points: Floats) -> Ints:
        """At risk just before each of the times `points`."""
        return np.append(self.n_risk, 0)[before(self.times, points)]


def tabulate(time: Floats, event: Bools) -> LifeTable:
    """The life table of one sample; `time` and `event` as `checked_times` gives them."""
    return _table(_packed(time, event))


def tabulate_by(time: Floats, event: Bools, codes: Ints, k: int) -> list[LifeTable]:
    """The life table of each of k groups, `codes` saying to which a row belongs."""
    key = _packed(time, event)
    return [_table(key.compress(codes == i)) for i in range(k)]


def _packed(time: Floats, event: Bools) -> Keys:
    """Time and event of each row in one whole number, in the order of the times.

    Signed: the times are whole and can be counted in a short table, the number is 2 time + event.
    Unsigned: any times; a double that is not negative sorts as its bits do, and its sign bit is free:
    shifted out (that of -0.0 too), it leaves room for the event flag, so one plain sort replaces an argsort
    and two gathers.
    """
    if time.max() <= 2 * time.size + 1000:
        days = time.astype(np.int64)
        if np.array_equal(days, time):
            days *= 2
            days += event
            return days
    key = time.copy().view(np.uint64)
    key <<= np.uint64(1)
    key |= event
    return key


def _table(key: Keys) -> LifeTable:
    """The life table of packed rows; `key` is used up."""
    size = key.size
    if key.dtype == np.int64:
        counts = np.bincount(key)
        counts = np.append(counts, 0)[: (counts.size + 1) // 2 * 2].reshape(-1, 2)
        here = counts.sum(axis=1)
        seen = np.flatnonzero(here)
        n_event, here = counts[seen, 1], here[seen]
        return LifeTable(seen.astype(np.float64), size - np.cumsum(here) + here, n_event, here - n_event)
    key.sort()
    happened = (key & np.uint64(1)).view(np.int64)
    key >>= np.uint64(1)
    ordered = key.view(np.float64)
    new = np.ones(size, dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    start = np.flatnonzero(new)
    n_event = np.add.reduceat(happened, start)
    n_here = np.diff(start, append=size)
    return LifeTable(ordered[start], size - start, n_event, n_here - n_event)


def checked_points(times: ArrayLike) -> Floats:
    """Points in time to look at, 0 or later, in any order, as an array."""
    points = np.atleast_1d(np.asarray(times, dtype=np.float64))
    if points.ndim != 1 or not np.all(points >= 0):
        raise ValueError(f"times must be 0 or more and not missing, got {points.tolist()}")
    return points


def greenwood(n_risk: Ints, n_event: Ints) -> Floats:
    """Cumulative Greenwood sum of d / (n (n - d)): the variance of log survival. 0 is added where n = d."""
    left = n_risk - n_event
    term = np.zeros(n_risk.size)
    np.divide(n_event, n_risk * left, out=term, where=left > 0)
    return np.cumsum(term)
