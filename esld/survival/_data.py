"""Checks of the arguments that every estimator of the package shares."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from esld.times import aligned

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


def checked_times(time: ArrayLike, event: ArrayLike) -> tuple[Floats, Bools]:
    """Follow-up times and event indicators as arrays; the caller's own are never changed.

    Times equal but for rounding are one time (`aligned`): whoever asks here need not think of it.

    Parameters
    ----------
    time : array_like of shape (n,)
        Elapsed time to the event or to censoring, in [0, inf), in one unit; NaN is refused.
    event : array_like of shape (n,)
        1 or True where `time` ends in the event, 0 or False where it is censored; NaN is refused.

    Raises
    ------
    ValueError
        Empty, of different lengths or indexes, missing, not numeric, negative, infinite, or an event
        that is neither 0 nor 1.
    """
    same_rows(time, "time", event, "event")
    times = vector(time, "time")
    events = vector(event, "event")
    if times.size == 0:
        raise ValueError("time must have at least one row, got 0")
    if times.size != events.size:
        raise ValueError(f"time and event must have the same length, got {times.size} and {events.size}")
    if (bad := int(np.count_nonzero(~np.isfinite(times)))) > 0:
        raise ValueError(f"time must be finite, got {bad} infinite of {times.size}")
    if (bad := int(np.count_nonzero(times < 0))) > 0:
        raise ValueError(
            f"time must be 0 or more, got {bad} negative of {times.size}, lowest {times.min():g}"
        )
    happened = events == 1
    if not np.all(happened | (events == 0)):
        other = np.unique(events[~happened & (events != 0)])[:5].tolist()
        raise ValueError(f"event must be 0 or 1, got {other}")
    return aligned(times)[0], happened


def vector(values: ArrayLike, name: str) -> Floats:
    raw: NDArray[Any]
    raw = values.to_numpy() if isinstance(values, pd.Series) else np.asarray(values)
    if raw.ndim != 1:
        raise ValueError(f"{name} must have one dimension, got shape {raw.shape}")
    if raw.dtype.kind not in "biufO":
        raise ValueError(f"{name} must be numeric, got dtype {raw.dtype}")
    if raw.dtype.kind == "O":
        if (absent := int(np.count_nonzero(pd.isna(raw)))) > 0:
            raise ValueError(f"{name} must not be missing, got {absent} missing of {raw.size}")
        if strange := [v for v in raw.tolist() if not isinstance(v, int | float | np.number | np.bool_)]:
            raise ValueError(f"{name} must be numeric, got {strange[0]!r}")
    vector = raw.astype(np.float64, copy=False)
    if (absent := int(np.count_nonzero(np.isnan(vector)))) > 0:
        raise ValueError(f"{name} must not be missing, got {absent} missing of {vector.size}")
    return vector


def same_rows(one: object, one_name: str, other: object, other_name: str) -> None:
    """Refuse two Series whose rows are not the same: by position they would be paired wrongly."""
    if isinstance(one, pd.Series) and isinstance(other, pd.Series) and not one.index.equals(other.index):
        raise ValueError(f"{one_name} and {other_name} must have the same index, got two that differ")


def group_codes(
    group: ArrayLike, *, time: ArrayLike, groups: Sequence[Hashable] | None = None, name: str = "group"
) -> tuple[Ints, tuple[str, ...]]:
    """Number the groups.

    Parameters
    ----------
    group : array_like of shape (n,)
        Label of each subject; missing is refused.
    time : array_like of shape (n,)
        The times that the labels belong to; only length and index are looked at.
    groups : sequence, optional
        The labels in the order wanted. Default: the order of the categories, else sorted.
    name : str
        What to call the argument in a message.

    Returns
    -------
    codes : ndarray of int, shape (n,)
        Position of each subject's label in `labels`.
    labels : tuple of str
        The labels found, in order.
    """
    same_rows(time, "time", group, name)
    values = group if isinstance(group, pd.Series) else pd.Series(cast(Any, group))
    if len(values) != (rows := np.shape(time)[0]):
        raise ValueError(f"time and {name} must have the same length, got {rows} and {len(values)}")
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.cat.remove_unused_categories()
        codes, found = values.cat.codes.to_numpy(np.int64), list(values.cat.categories)
    else:
        raw, uniques = pd.factorize(values, sort=True)
        codes, found = raw.astype(np.int64, copy=False), list(uniques)
    if (absent := int(np.count_nonzero(codes < 0))) > 0:
        raise ValueError(f"{name} must not be missing, got {absent} missing of {rows}")
    if groups is not None:
        wanted = list(groups)
        if len(set(wanted)) != len(wanted) or set(wanted) != set(found):
            raise ValueError(f"groups must list each label of {name} once, got {wanted} for {found}")
        codes = np.array([wanted.index(label) for label in found], dtype=np.int64).take(codes)
        found = wanted
    texts = tuple(label_text(label) for label in found)
    if len(set(texts)) != len(texts):
        raise ValueError(f"{name} must not hold a number and its text, got {found}")
    return codes.astype(np.int64, copy=False), texts


def label_text(label: Hashable) -> str:
    """A label as text: a whole number reads the same as int and as float, in which a table with gaps has it."""
    whole = isinstance(label, float | np.floating) and float(label).is_integer()
    return str(int(cast(float, label)) if whole else label)


def two_sided_z(conf_level: float) -> float:
    """Normal quantile of a two-sided interval; `conf_level` must lie in (0, 1)."""
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level must be between 0 and 1, got {conf_level!r}")
    return float(ndtri(0.5 + conf_level / 2))


def two_sided_p(z: float) -> float:
    """Normal two-sided p-value."""
    return 2 * float(ndtr(-abs(z)))


def checked_horizon(value: float, name: str) -> float:
    """A point in time: finite, 0 or more."""
    if not (np.isfinite(value) and value >= 0):
        raise ValueError(f"{name} must be finite and 0 or more, got {value!r}")
    return float(value)


def choice(value: str, name: str, allowed: Sequence[str]) -> str:
    """One of a set of words."""
    if value not in allowed:
        raise ValueError(f"{name} must be one of {list(allowed)}, got {value!r}")
    return value
