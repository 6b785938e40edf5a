"""When two times are one: differences that only the rounding of doubles has made are none, as in R survival."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TOLERANCE = float(np.sqrt(np.finfo(np.float64).eps))
"""Times no further apart than this, or than this share of their size, are one time: that of R's ``aeqSurv``."""


def aligned(*times: Floats) -> tuple[Floats, ...]:
    """Times as they are compared: those equal but for rounding are equal to the bit.

    Parameters
    ----------
    times : ndarray of shape (n,), one or more
        Finite, 0 or more, in one unit; NaN stays NaN. Several arrays are looked at together.

    Returns
    -------
    tuple of ndarray
        Of the distinct times in order, one that follows the one before by at most `TOLERANCE` (or that share of the
        mean of the distinct times) is the same time; each row gets the first of its run. The caller's arrays are
        never changed.

    References
    ----------
    R survival, ``aeqSurv``.
    """
    if len(times) == 1:
        return (_aligned(times[0]),)
    found = _aligned(np.concatenate(times))
    return tuple(np.split(found, np.cumsum([part.size for part in times[:-1]])))


def _aligned(times: Floats) -> Floats:
    # Whole numbers this small are further apart than any tolerance that they can have.
    if times.size == 0 or (times.max() * TOLERANCE < 1 and np.array_equal(np.floor(times), times)):
        return times
    ordered = np.sort(times)
    if np.isnan(ordered[-1]):
        ordered = ordered[~np.isnan(ordered)]
    if ordered.size < 2:
        return times
    distinct = ordered[np.append(True, np.diff(ordered) > 0)]
    near = np.diff(distinct) <= TOLERANCE * max(1.0, float(distinct.mean()))
    if not near.any():
        return times
    first, moved = distinct[np.append(True, ~near)], distinct[1:][near]
    onto = first[np.searchsorted(first, moved) - 1]
    rows = _maybe_among(moved, times)
    place = np.minimum(np.searchsorted(moved, times[rows]), moved.size - 1)
    hit = moved[place] == times[rows]
    found = times.copy()
    found[rows[hit]] = onto[place[hit]]
    return found


def _maybe_among(some: Floats, times: Floats) -> Ints:
    """Rows whose time can be one of `some`: those with the same coarse address. A search for every row is slow."""
    size = 2 * times.size
    flags = np.zeros(size + 2, dtype=np.bool_)
    flags[(some / some[-1] * size).astype(np.int64)] = True
    address = np.minimum(times, some[-1]) / some[-1] * size
    address[~(times <= some[-1])] = size + 1  # beyond the last of them, or missing
    return np.flatnonzero(flags.take(address.astype(np.int64)))


def until(times: Floats, points: Floats) -> Ints:
    """How many of the ascending `times` are no later than each point: before it, or equal but for rounding."""
    return np.searchsorted(times, points + _slack(points), side="right")


def before(times: Floats, points: Floats) -> Ints:
    """How many of the ascending `times` are earlier than each point, by more than rounding."""
    return np.searchsorted(times, points - _slack(points), side="left")


def with_horizon(times: Floats, horizon: float) -> Floats:
    """The times, with those equal to the horizon but for rounding on it: then they can be compared with it."""
    on = np.abs(times - horizon) <= float(_slack(np.float64(horizon)))
    return np.where(on, horizon, times) if on.any() else times


def _slack(points: Floats | np.float64) -> Floats | np.float64:
    """Of a point alone, so that it is the same in every arm."""
    return TOLERANCE * np.maximum(1.0, points)
