"""Shift tables: an ordered class before treatment against the class after, with missing as a class of its own."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from esld.longform import Shown
from esld.longitudinal._columns import group_codes, group_labels, require, require_one_row
from esld.longitudinal._covariance import Ints

MISSING = "Missing"


@dataclass(frozen=True, eq=False, kw_only=True)
class ShiftTable(Shown):
    """Subjects of each group by class before and after.

    Attributes
    ----------
    groups : tuple of k str
    categories : tuple of c + 1 labels
        From best to worst, then `MISSING`.
    counts : ndarray of int, shape (k, c + 1, c + 1)
        Group, class before, class after; every subject is in one cell.
    """

    groups: tuple[str, ...]
    categories: tuple[Any, ...]
    counts: Ints

    @property
    def subjects(self) -> dict[str, int]:
        """All subjects, by group."""
        return dict(zip(self.groups, self.counts.sum(axis=(1, 2)).tolist(), strict=True))

    def to_frame(self) -> pd.DataFrame:
        """Long form: a row a group and pair of classes, empty ones included: ``group baseline after n subjects``, the
        last being all of the group.
        """
        rows = [
            {
                "group": group,
                "baseline": before,
                "after": after,
                "n": int(n),
                "subjects": self.subjects[group],
            }
            for group, table in zip(self.groups, self.counts, strict=True)
            for before, row in zip(self.categories, table, strict=True)
            for after, n in zip(self.categories, row, strict=True)
        ]
        return pd.DataFrame(rows, columns=["group", "baseline", "after", "n", "subjects"])

    def matrix(self, group: str | None = None) -> pd.DataFrame:
        """Wide form: classes before down, classes after across; of one group, or of all together."""
        if group is not None and group not in self.groups:
            raise ValueError(f"group must be one of {list(self.groups)}, got {group!r}")
        counts = self.counts.sum(axis=0) if group is None else self.counts[self.groups.index(group)]
        names = [pd.Index(self.categories, name=name, dtype=object) for name in ("baseline", "after")]
        return pd.DataFrame(counts.copy(), index=names[0], columns=names[1])

    def directions(self) -> pd.DataFrame:
        """Subjects who went to a better class, stayed, went to a worse one, or have one of the two missing, by group:
        ``group better same worse unknown subjects``.
        """
        known = self.counts[:, :-1, :-1]
        columns = {
            "better": np.tril(known, -1).sum(axis=(1, 2)),
            "same": np.trace(known, axis1=1, axis2=2),
            "worse": np.triu(known, 1).sum(axis=(1, 2)),
        }
        everybody = self.counts.sum(axis=(1, 2))
        frame = pd.DataFrame({"group": list(self.groups), **columns})
        return frame.assign(unknown=everybody - sum(columns.values()), subjects=everybody)


def shift_table(
    frame: pd.DataFrame,
    *,
    subject: str,
    group: str,
    baseline: str,
    after: str,
    categories: Sequence[Hashable],
    groups: Sequence[Hashable] | None = None,
) -> ShiftTable:
    """Cross-tabulate the class before treatment with the class at a visit, or with the worst one (`worst_class`).

    Parameters
    ----------
    frame : DataFrame
        One row a subject, those without a class after included.
    subject, group : str
        Columns; never missing.
    baseline, after : str
        Columns of classes; a missing one is counted under `MISSING`.
    categories : sequence
        Every class from best to worst, seen or not: A, B, C; grade 0 to 4.
    groups : sequence, optional
        Labels in the order wanted. Default: the order of the categories of the column, else sorted.

    Returns
    -------
    ShiftTable

    Raises
    ------
    ValueError
        A column is absent; two rows of one subject; a missing subject or group; a class that is not among `categories`;
        `categories` empty, twice the same, missing, or `MISSING` itself.

    Examples
    --------
    >>> from esld.data.datasets import demo_by_week
    >>> from esld.longitudinal import shift_table
    >>> patients = demo_by_week("ascites_ica_grade")
    >>> columns = {"subject": "subject", "group": "arm", "baseline": "week_0", "after": "week_24"}
    >>> shift_table(patients, categories=[0, 1, 2, 3], **columns).matrix().to_numpy().tolist()
    [[3, 0, 0, 0, 1], [2, 5, 1, 0, 0], [1, 1, 6, 1, 1], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
    """
    places = _places(categories)
    require(frame, subject, group, baseline, after)
    require_one_row(frame, subject)
    labels = group_labels(frame, group, groups)
    codes = group_codes(frame, group, labels)
    if missing := int(np.count_nonzero(codes < 0)):
        raise ValueError(f"{group} must not be missing, got {missing} missing of {len(frame)}")
    size = len(places) + 1
    counts = np.zeros((len(labels), size, size), dtype=np.int64)
    np.add.at(counts, (codes, _coded(frame[baseline], places), _coded(frame[after], places)), 1)
    counts.setflags(write=False)
    return ShiftTable(
        groups=tuple(str(label) for label in labels), categories=(*places, MISSING), counts=counts
    )


def worst_class(
    frame: pd.DataFrame, *, subject: str, value: str, categories: Sequence[Hashable]
) -> "pd.Series[Any]":
    """The worst class of each subject.

    Parameters
    ----------
    frame : DataFrame
        Any number of rows a subject; only those that may count (after baseline, with one's own liver).
    subject : str
        Column; never missing.
    value : str
        Column of classes; missing ones count only for a subject who has no other.
    categories : sequence
        Every class from best to worst.

    Returns
    -------
    Series
        By subject, sorted; missing (None) where all are. A subject without rows is not there: to keep such a one in a
        shift table, map the subjects of the baseline with it.

    Raises
    ------
    ValueError
        As for `shift_table`.

    Examples
    --------
    >>> from esld.data.datasets import demo
    >>> from esld.longitudinal import worst_class
    >>> after = demo().query("week > 0")
    >>> worst = worst_class(after, subject="subject", value="ascites_ica_grade", categories=[0, 1, 2, 3])
    >>> worst.value_counts().sort_index().to_dict()
    {0: 4, 1: 6, 2: 8, 3: 4}
    """
    places = _places(categories)
    require(frame, subject, value)
    if missing := int(frame[subject].isna().sum()):
        raise ValueError(f"{subject} must not be missing, got {missing} missing of {len(frame)}")
    codes = pd.Series(_coded(frame[value], places), index=frame.index)
    worst = codes.where(codes < len(places), -1).groupby(frame[subject], observed=True).max()
    names = [*places, None]  # -1 is the last
    return pd.Series([names[place] for place in worst], index=worst.index, name=value, dtype=object)


def _places(categories: Sequence[Hashable]) -> dict[Hashable, int]:
    found = list(categories)
    if not found or len(set(found)) < len(found) or MISSING in found or any(map(_is_missing, found)):
        raise ValueError(f"categories must be classes, each once, none missing or {MISSING!r}, got {found}")
    return {category: place for place, category in enumerate(found)}


def _coded(column: "pd.Series[Any]", places: dict[Hashable, int]) -> Ints:
    """Place of each class; that after the last where missing."""
    values = column.tolist()
    if strange := [v for v in values if not _is_missing(v) and v not in places]:
        raise ValueError(f"{column.name} must be one of {list(places)}, got {strange[0]!r}")
    return np.array([len(places) if _is_missing(v) else places[v] for v in values], dtype=np.int64)


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or value != value  # NaN and NaT differ from themselves
