"""Columns of a tidy frame as arrays: what comparisons of groups at one visit share."""

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd

from esld.longitudinal._covariance import Floats, Ints


def require(frame: pd.DataFrame, *names: str) -> None:
    """Refuse a frame that lacks a column, or has it twice."""
    for name in names:
        if (found := list(frame.columns).count(name)) != 1:
            raise ValueError(f"frame must have one column {name!r}, got {found}")


def require_one_row(frame: pd.DataFrame, *keys: str) -> None:
    """Refuse two rows of one subject (and visit): they are not independent."""
    for name in keys:
        if missing := int(frame[name].isna().sum()):
            raise ValueError(f"{name} must not be missing, got {missing} missing of {len(frame)}")
    twice = frame.duplicated(list(keys))
    if twice.any():
        first = tuple(frame.loc[twice, name].tolist()[0] for name in keys)
        what = "a subject must have one row" + (" a visit" if len(keys) > 1 else "")
        raise ValueError(f"{what}, got {int(twice.sum())} more, the first at {first}")


def numbers(frame: pd.DataFrame, name: str) -> Floats:
    """A column as doubles, NaN where missing; anything but finite numbers is refused."""
    column = frame[name]
    known = column.dropna()
    if strange := [v for v in known.tolist() if not isinstance(v, int | float | np.number | np.bool_)]:
        raise ValueError(f"{name} must be numeric, got {strange[0]!r}")
    values = np.full(len(column), np.nan)
    values[column.notna().to_numpy()] = known.to_numpy(dtype=float)
    if endless := int(np.isinf(values).sum()):
        raise ValueError(f"{name} must be finite, got {endless} infinite of {len(values)}")
    return values


def group_labels(frame: pd.DataFrame, name: str, groups: Sequence[Hashable] | None = None) -> list[Hashable]:
    """`groups`, which may name a group without rows; else the labels found, in the order of the categories, or sorted."""
    column = frame[name]
    if isinstance(column.dtype, pd.CategoricalDtype):
        found = list(column.cat.remove_unused_categories().cat.categories)
    else:
        found = sorted(column.dropna().unique().tolist())
    labels: list[Hashable] = found if groups is None else list(groups)
    if len(set(labels)) < len(labels) or not set(found) <= set(labels):
        raise ValueError(f"groups must list each label of {name} once, got {labels} for {found}")
    return labels


def group_codes(frame: pd.DataFrame, name: str, labels: Sequence[Hashable]) -> Ints:
    """Place of each row's group among the labels, -1 where missing."""
    places = {label: place for place, label in enumerate(labels)}
    return np.array([places.get(label, -1) for label in frame[name].tolist()], dtype=np.int64)
