"""Results as data: every number that a report shows, once, in long form."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from esld import jsonfile
from esld.errors import InputError
from esld.longform import COLUMNS, Shown
from esld.methods import is_code
from esld.reasons import Reason
from esld.report.numbers import significant


class HasFrame(Protocol):
    """A statistical result: it can state itself in long form."""

    def to_frame(self) -> pd.DataFrame:
        """``group time statistic value lower upper unit method ties n events reason``."""
        ...


@dataclass(frozen=True)
class Row:
    """One number of the report. Numbers carry 12 significant digits; ``None`` is not estimable, with its ``reason``."""

    result_id: str
    analysis_id: str
    arm: str
    time: float | None
    statistic: str
    value: float | None
    lower: float | None
    upper: float | None
    unit: str
    method: str
    ties: str
    n: int | None
    events: int | None
    reason: Reason | None
    chapter: str

    def to_record(self) -> dict[str, Any]:
        """For JSON: the fields; the reason as an object with its ``code`` and its parameters, or None."""
        return vars(self) | {"reason": self.reason.to_record() if self.reason else None}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Row":
        """The row that :meth:`to_record` told; fields that it does not know are left out.

        Raises
        ------
        TypeError, KeyError, ValueError
            A field is missing, or the reason is none: before reasons had codes it was a sentence.
        """
        known = {name: record[name] for name in _FIELDS}
        if isinstance(known["reason"], str):
            raise TypeError(f"reason must have a code, got {known['reason']!r}")
        if not is_code(known["method"]):  # before methods were codes they were words
            raise TypeError(f"method must be a code, got {known['method']!r}")
        return cls(**known | {"reason": Reason.from_record(known["reason"]) if known["reason"] else None})


_FIELDS = tuple(field.name for field in fields(Row))


@dataclass(frozen=True)
class Reported(Shown):
    """The rows of one result as handed over: found by arm, statistic and time."""

    rows: tuple[Row, ...]

    def to_frame(self) -> pd.DataFrame:
        """The rows as a frame, a column a field of :class:`Row`; a reason as its code with its parameters."""
        return pd.DataFrame([vars(row) for row in self.rows], columns=list(_FIELDS))

    def _told(self) -> pd.DataFrame:
        return self.to_frame().replace("", None)

    def row(self, statistic: str, arm: str = "", time: float | None = None, *, group: str = "") -> Row:
        """The one row of that statistic; the arm, which a result calls its ``group``, and the time where it has them.

        Raises
        ------
        KeyError
            There is none, or more than one; it says what there is.
        """
        arm = arm or group
        found = [
            r
            for r in self.rows
            if r.statistic == statistic
            and (not arm or r.arm == arm)
            and (time is None or r.time == significant(time))
        ]
        if len(found) != 1:
            raise KeyError(self._not_one(statistic, arm, time, len(found)))
        return found[0]

    def _not_one(self, statistic: str, arm: str, time: float | None, found: int) -> str:
        """What :meth:`row` says: the statistics that there are, or what tells the rows of this one apart."""
        alike = [row for row in self.rows if row.statistic == statistic]
        given = [f"{k}={v!r}" for k, v in (("arm", arm), ("time", time)) if v not in ("", None)]
        said = ", ".join([f"{found} rows of statistic {statistic!r}", *given])
        if not alike:
            return f"{said}. Known: {', '.join(dict.fromkeys(row.statistic for row in self.rows))}."
        arms = sorted({repr(row.arm) for row in alike})
        times = sorted({row.time for row in alike if row.time is not None})
        choices = [f"arm={' or '.join(arms)}"] if len(arms) > 1 or arm else []
        choices += (
            [f"time={' or '.join(map('{:g}'.format, times))}"] if len(times) > 1 or time is not None else []
        )
        return f"{said}: give {', '.join(choices)}." if choices else f"{said}."

    def find(self, statistic: str, arm: str = "", time: float | None = None) -> Row | None:
        """The one row of that statistic, as :meth:`row` finds it; None where nothing could be computed."""
        try:
            return self.row(statistic, arm, time)
        except KeyError:
            return None

    def __contains__(self, statistic: str) -> bool:
        return any(r.statistic == statistic for r in self.rows)


_NEEDED = ("statistic", "value")


def slug(text: str) -> str:
    """Text fit for an id: ``Medium-high dose`` becomes ``medium_high_dose``; letters of any script stay."""
    return re.sub(r"[\W_]+", "_", text.lower()).strip("_")


def rows_of(id: str, result: HasFrame | pd.DataFrame, *, analysis: str, chapter: str) -> Reported:
    """Rows of a result under an id.

    Parameters
    ----------
    id : str
        Name of the result, unique in the report ("os_1y").
    result : object with ``to_frame`` or DataFrame
        Long form; only ``statistic`` and ``value`` are required.
    analysis : str
        Id of the planned analysis it belongs to.
    chapter : str
        Chapter that hands it over.

    Returns
    -------
    Reported
        Row ids are ``id.arm.statistic`` with ``@time`` where there is one.

    Raises
    ------
    esld.errors.InputError
        The id is none, the columns are not those of the long form, two rows would have the same id, or a method is no code of
        :mod:`esld.methods`.
    """
    if not re.fullmatch(r"[^\W\d_]\w*", id):
        rule, remedy = "must be letters, digits and '_'", "Write such as mine_women."
        raise InputError("id of a result", rule, repr(id), remedy=remedy)
    if not isinstance(result, pd.DataFrame) and not hasattr(result, "to_frame"):
        rule, remedy = (
            "must be a statistical result or a DataFrame",
            "Give pd.DataFrame([{'statistic': …, 'value': …}]).",
        )
        raise InputError(f"result '{id}'", rule, type(result).__name__, remedy=remedy)
    frame = result if isinstance(result, pd.DataFrame) else result.to_frame()
    if len(frame) and any(name not in frame for name in _NEEDED):
        remedy = "Give a row a number: its name as statistic, and its value."
        raise InputError(
            f"result '{id}'", f"must have columns {' and '.join(_NEEDED)}", f"{list(frame)}", remedy=remedy
        )
    if other := [str(name) for name in frame if name not in COLUMNS]:
        rule = f"must have no columns but {', '.join(COLUMNS)}"
        raise InputError(
            f"result '{id}'", rule, ", ".join(other), remedy="Drop it, or tell rows apart by group and time."
        )
    rows = tuple(_row(id, analysis, chapter, record) for record in frame.to_dict("records"))
    ids = [r.result_id for r in rows]
    if len(set(ids)) < len(ids):
        twice = ", ".join(sorted({i for i in ids if ids.count(i) > 1}))
        remedy = "Tell rows apart by group, time or statistic."
        raise InputError(f"result '{id}'", "must hold each number once", f"{twice} twice", remedy=remedy)
    return Reported(rows)


def _row(id: str, analysis: str, chapter: str, record: dict[Any, Any]) -> Row:
    def text(key: str) -> str:
        value = record.get(key)
        return "" if value is None or (isinstance(value, float) and pd.isna(value)) else str(value)

    def number(key: str) -> float | None:
        value = record.get(key)
        try:
            return None if value is None or pd.isna(value) else significant(float(value))
        except (TypeError, ValueError):
            rule, remedy = (
                f"must have numbers in column {key}",
                "Leave text out: a unit has a column of its own.",
            )
            raise InputError(f"result '{id}'", rule, repr(value), remedy=remedy) from None

    arm, time, statistic = text("group"), number("time"), text("statistic")
    name = ".".join(p for p in (id, slug(arm), slug(statistic)) if p) + (
        f"@{time:g}" if time is not None else ""
    )
    if not is_code(text("method")):
        rule = "must be steps in lower case such as 'cox, wald'"
        raise InputError(f"the method of '{name}'", rule, text("method"), remedy="Name it so.")
    n, events = number("n"), number("events")
    return Row(
        result_id=name,
        analysis_id=analysis,
        arm=arm,
        time=time,
        statistic=statistic,
        value=number("value"),
        lower=number("lower"),
        upper=number("upper"),
        unit=text("unit"),
        method=text("method"),
        ties=text("ties"),
        n=None if n is None else int(n),
        events=None if events is None else int(events),
        reason=_rounded(record.get("reason")),
        chapter=chapter,
    )


def _rounded(reason: Any) -> Reason | None:
    """The reason of a record, numbers as those of a row."""
    if not isinstance(reason, Reason):
        if reason is None or reason is pd.NA or (isinstance(reason, float) and pd.isna(reason)):
            return None
        raise TypeError(f"reason must be made by esld.reasons.because, got {reason!r}")
    stored = ((name, at, significant(at) if isinstance(at, float) else None) for name, at in reason.about)
    about = tuple((name, at if number is None else number) for name, at, number in stored)
    return replace(reason, about=about, also=tuple(filter(None, map(_rounded, reason.also))))


def write_rows(rows: Iterable[Row], path: Path) -> None:
    """Write rows as JSON, one row a line, so that a difference between two runs is a line."""
    path.write_text(rows_text(rows), encoding="utf-8", newline="\n")


def rows_text(rows: Iterable[Row]) -> str:
    """What :func:`write_rows` writes."""
    lines = [json.dumps(row.to_record(), ensure_ascii=False) for row in rows]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def read_rows(path: Path) -> Sequence[Row]:
    """Rows as :func:`write_rows` wrote them.

    Raises
    ------
    esld.errors.InputError
        The file is not there, or holds something else, or an id twice.
    """
    try:
        rows = [Row.from_record(record) for record in jsonfile.loads(path.read_text(encoding="utf-8"))]
        if len({row.result_id for row in rows}) < len(rows):
            raise ValueError("an id stands twice")
        return rows
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        rule, remedy = (
            "must hold results as 'esld run' writes them now",
            "Make the report again: esld run params/<cut>.yaml.",
        )
        raise InputError(str(path), rule, remedy=remedy) from None


_DIFFERENCES = ("stratified_difference", "risk_difference", "survival_difference")


def difference_row(reported: Reported) -> Row:
    """The row of the difference between two arms: that over the strata where it was planned, else binomial when complete,
    Kaplan–Meier otherwise.
    """
    return reported.row(next((name for name in _DIFFERENCES if name in reported), _DIFFERENCES[-1]))


def named(row: Row) -> str:
    """The name of the result that a row is of, as it was handed over."""
    return row.result_id.partition(".")[0]
