"""Rows of a counting process, (start, stop] with a number of events at stop: made, and checked."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from esld.survival._data import Bools, Floats, Ints, vector
from esld.times import aligned


@dataclass(frozen=True, eq=False, kw_only=True)
class CountingRows:
    """Arrays of shape (rows,): position of the subject, stretch, events at stop, death at stop."""

    who: Ints
    start: Floats
    stop: Floats
    count: Ints
    death: Bools
    subjects: int


def counting_process(
    events: pd.DataFrame,
    follow_up: pd.DataFrame,
    *,
    subject: str,
    time: str,
    end: str,
    death: str | None = None,
) -> pd.DataFrame:
    """Rows for `mean_cumulative_function` and `andersen_gill` from a table of events and one of subjects.

    Parameters
    ----------
    events : DataFrame
        One row per event: `subject` and `time`, elapsed, in (0, end of the subject's follow-up].
    follow_up : DataFrame
        One row per subject, those without events too: `subject`, `end` in [0, inf), and other columns
        (arm, covariates), which every row of the subject gets.
    subject, time, end : str
        Names of the columns.
    death : str, optional
        Column of `follow_up`: 1 or True where `end` is the death. Rows before the last get 0.

    Returns
    -------
    DataFrame
        The columns of `follow_up` without `end`, then start, stop and event, the number of events at stop.
        Subjects in the order of `follow_up`, each by time.

    Raises
    ------
    ValueError
        A column absent or missing values in it; a subject twice in `follow_up`, or in `events` alone; a
        time that is not above 0 or that is after the end.

    Examples
    --------
    >>> from esld.data.datasets import demo, demo_events
    >>> from esld.survival import counting_process
    >>> patients = demo().query("week == 0")
    >>> rows = counting_process(demo_events(), patients, subject="subject", time="day", end="days", death="died")
    >>> rows[["start", "stop", "event", "died"]].iloc[2:5].to_numpy().tolist()
    [[0.0, 17.0, 1.0, 0.0], [17.0, 78.0, 1.0, 0.0], [78.0, 376.0, 0.0, 0.0]]
    """
    flag = [] if death is None else [death]
    for frame, name, columns in (
        (events, "events", [subject, time]),
        (follow_up, "follow_up", [subject, end, *flag]),
    ):
        if absent := [column for column in columns if column not in frame.columns]:
            raise ValueError(f"{name} must have the columns {absent}, got {list(frame.columns)}")
        if (missing := int(frame[columns].isna().any(axis=1).sum())) > 0:
            raise ValueError(
                f"{name} must have {columns} in every row, got {missing} of {len(frame)} without"
            )
    if taken := sorted({"start", "stop", "event"} & set(follow_up.columns) - {end}):
        raise ValueError(f"follow_up must not have the columns {taken}, which are made here")
    if (twice := int(follow_up[subject].duplicated().sum())) > 0:
        raise ValueError(f"follow_up must have one row per {subject}, got {twice} more")
    ends, when = vector(follow_up[end], end), vector(events[time], time)
    for given, name in ((ends, end), (when, time)):
        if (bad := int(np.count_nonzero(~(np.isfinite(given) & (given >= 0))))) > 0:
            raise ValueError(f"{name} must be finite and 0 or more, got {bad} of {given.size} that are not")
    ends, when, _ = aligned(ends, when, np.zeros(1))  # what is 0 but for rounding is 0
    who = pd.Index(follow_up[subject]).get_indexer(pd.Index(events[subject]))
    if (unknown := int(np.count_nonzero(who < 0))) > 0:
        raise ValueError(f"events must be of subjects in follow_up, got {unknown} that are not")
    if (outside := int(np.count_nonzero(~((when > 0) & (when <= ends[who]))))) > 0:
        raise ValueError(
            f"{time} must be above 0 and at most {end}, got {outside} of {when.size} that are not"
        )
    # The end of follow-up is a stop of 0 events, unless an event falls on it.
    stops = pd.DataFrame(
        {
            "who": np.concatenate((who, np.arange(ends.size))),
            "stop": np.concatenate((when, ends)),
            "event": np.repeat([1, 0], [when.size, ends.size]),
        }
    )
    made = stops.groupby(["who", "stop"], as_index=False)["event"].sum()
    made.insert(1, "start", made.groupby("who")["stop"].shift(fill_value=0.0))
    found: pd.DataFrame = follow_up.drop(columns=end).iloc[made["who"]].reset_index(drop=True)
    if death is not None:
        last = ~made["who"].duplicated(keep="last")
        found[death] = found[death].where(last, 0).astype(follow_up[death].dtype)
    for name in ("start", "stop", "event"):
        found[name] = made[name]
    return found


def counting_rows(
    rows: pd.DataFrame, *, subject: str, start: str, stop: str, event: str, death: str | None = None
) -> CountingRows:
    """The columns named, as arrays; the frame is not changed.

    Raises
    ------
    ValueError
        No row; a column absent, missing values in it; not 0 <= start <= stop < inf; an event that is not an
        integer of 0 or more, or in a stretch of no length; stretches of a subject that overlap; a death
        that is not 0 or 1, or before the subject's last row.
    """
    names = [subject, start, stop, event] + ([] if death is None else [death])
    if len(set(names)) != len(names):
        raise ValueError(f"columns must be different ones, got {names}")
    if absent := [name for name in names if name not in rows.columns]:
        raise ValueError(f"rows must have the columns {absent}, got {list(rows.columns)}")
    if rows.empty:
        raise ValueError("rows must have at least one row, got 0")
    begin, end, count = (vector(rows[name], name) for name in (start, stop, event))
    possible = (begin >= 0) & (end >= 0) & np.isfinite(begin) & np.isfinite(end)
    if possible.all():
        begin, end = aligned(begin, end)
    if (bad := int(np.count_nonzero(~(possible & (begin <= end))))) > 0:
        raise ValueError(f"{start} must be from 0 to {stop}, and {stop} finite, got {bad} rows that are not")
    if (bad := int(np.count_nonzero(~((count >= 0) & (count == np.floor(count)) & np.isfinite(count))))) > 0:
        raise ValueError(f"{event} must be an integer of 0 or more, got {bad} rows that are not")
    if (bad := int(np.count_nonzero((count > 0) & (begin == end)))) > 0:
        raise ValueError(f"{event} must lie in a stretch of some length, got {bad} with {start} = {stop}")
    who, labels = pd.factorize(rows[subject])
    if (missing := int(np.count_nonzero(who < 0))) > 0:
        raise ValueError(f"{subject} must not be missing, got {missing} missing of {who.size}")
    order = np.lexsort((end, begin, who))
    same = who[order][1:] == who[order][:-1]
    if (bad := int(np.count_nonzero(same & (begin[order][1:] < end[order][:-1])))) > 0:
        raise ValueError(f"stretches of a {subject} must not overlap, got {bad} that do")
    dead = np.zeros(who.size, dtype=np.bool_)
    if death is not None:
        flag = vector(rows[death], death)
        if not np.all((flag == 0) | (flag == 1)):
            raise ValueError(f"{death} must be 0 or 1, got {np.unique(flag)[:5].tolist()}")
        dead = flag == 1
        if (bad := int(np.count_nonzero(same & dead[order][:-1]))) > 0:
            raise ValueError(f"{death} must be in the last row of a {subject}, got {bad} before it")
    return CountingRows(
        who=who.astype(np.int64), start=begin, stop=end, count=count.astype(np.int64), death=dead,
        subjects=len(labels),
    )  # fmt: skip
