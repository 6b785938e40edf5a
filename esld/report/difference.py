"""Results of two cuts matched by their ids: which changed, by how much, and which were made by another method."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import pandas as pd

from esld.data.cutfile import ALL
from esld.methods import made_by, step, steps_of
from esld.report.cells import Cell, estimate, number
from esld.report.results import Row

RELATIVE_TOLERANCE = 1e-9
ABSOLUTE_TOLERANCE = 1e-12  # results carry 12 significant digits; two machines may differ in the last
FLOW = "flow"

# A test by randomisation names in its method how many allocations the data left it: these are counts, no method.
_COUNTED = ("allocations", "arm-sizes")  # steps of a method whose numbers follow the data

Status = Literal["changed", "unchanged", "new", "gone"]
STATUSES = get_args(Status)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One result in two cuts; either row is missing where that cut does not hold it."""

    before: Row | None
    after: Row | None

    def __post_init__(self) -> None:
        if self.before is None and self.after is None:
            raise ValueError("change must have a row before or after, got neither")

    @property
    def row(self) -> Row:
        """The later row, or the earlier one of a result that is gone."""
        row = self.after or self.before
        assert row is not None
        return row

    @property
    def status(self) -> Status:
        """Whether the numbers changed: value, limits, patients or events; words and methods aside."""
        if self.before is None:
            return "new"
        if self.after is None:
            return "gone"
        pairs = [(getattr(self.before, key), getattr(self.after, key)) for key in _NUMBERS]
        return "unchanged" if all(_same(one, other) for one, other in pairs) else "changed"

    @property
    def method_changed(self) -> bool:
        """Whether both cuts hold the result but made it otherwise: method, ties or unit."""
        if self.before is None or self.after is None:
            return False
        return _method(self.before) != _method(self.after)

    @property
    def absolute(self) -> float | None:
        """Value after minus value before; None without both, or where the unit changed."""
        if self.before is None or self.after is None or self.before.unit != self.after.unit:
            return None
        if self.before.value is None or self.after.value is None:
            return None
        return self.after.value - self.before.value

    @property
    def relative(self) -> float | None:
        """The absolute change as a share of the size of the value before; None where that is zero."""
        if self.absolute is None or self.before is None or not self.before.value:
            return None
        return self.absolute / abs(self.before.value)

    @property
    def shift(self) -> float | None:
        """The size of the change in half-widths of the interval before; None without an interval."""
        row = self.before
        if self.absolute is None or row is None or row.lower is None or row.upper is None:
            return None
        return abs(self.absolute) / ((row.upper - row.lower) / 2) if row.upper > row.lower else None


_NUMBERS = ("value", "lower", "upper", "n", "events")


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE)


def _method(row: Row) -> tuple[str, str, str]:
    steps = made_by(*(name if name in _COUNTED else step(name, *own) for name, own in steps_of(row.method)))
    return steps, row.ties, row.unit


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Every result of two cuts.

    Attributes
    ----------
    changes : tuple of Change
        One a result id, in the order of the later cut; what is gone stands at the end.
    primary : str
        Id of the primary analysis; empty where it is not known.
    """

    changes: tuple[Change, ...]
    primary: str = ""

    @cached_property
    def notable(self) -> tuple[Change, ...]:
        """What is not the same any more, the most important first.

        The chapter of the primary analysis comes first, then the others in their order. Within a chapter: a method
        that changed; then estimates that appeared or ceased to exist; then estimates with an interval, by their
        change in half-widths of it; then other numbers by their relative change; last what is new or gone.
        """
        chapters = sorted({c.row.chapter for c in self.changes})
        primary = {c.row.chapter for c in self.changes if c.row.analysis_id == self.primary}
        rank = {slug: (slug not in primary, place) for place, slug in enumerate(chapters)}
        found = [c for c in self.changes if c.status != "unchanged" or c.method_changed]
        return tuple(sorted(found, key=lambda c: (rank[c.row.chapter], _importance(c, self.primary))))

    @property
    def counts(self) -> dict[str, tuple[float | None, float | None]]:
        """Patients by step of the flow, all arms together: before and after, in the order of the flow."""
        rows = [c for c in self.changes if result_name(c.row) == FLOW and c.row.arm == ALL]
        return {c.row.statistic: (_value(c.before), _value(c.after)) for c in rows}

    def to_frame(self) -> pd.DataFrame:
        """Long form: how many results are of each status, and how many were made by another method."""
        counts = {
            "results_compared": sum(c.before is not None and c.after is not None for c in self.changes),
            **{f"results_{status}": sum(c.status == status for c in self.changes) for status in STATUSES},
            "methods_changed": len(self.by_another_method),
        }
        about = {"unit": "results", "method": "count"}
        return pd.DataFrame([{"statistic": name, "value": n, **about} for name, n in counts.items()])

    @property
    def by_another_method(self) -> tuple[Change, ...]:
        """Results of both cuts whose method, ties or unit is not the same: their change need not come from the data."""
        return tuple(c for c in self.changes if c.method_changed)

    def records(self) -> list[dict[str, object]]:
        """One record a result that is not the same, in the order of `notable`: ids, before, after, the change."""
        return [_record(c) for c in self.notable]


def difference(before: Sequence[Row], after: Sequence[Row], *, primary: str = "") -> Difference:
    """Match the results of two cuts by their ids.

    Parameters
    ----------
    before, after : sequence of Row
        Results of the earlier and of the later cut; ids unique within each.
    primary : str, optional
        Id of the primary analysis, which is told first.

    Returns
    -------
    Difference

    Raises
    ------
    ValueError
        An id stands twice in one cut.
    """
    old, new = _by_id(before, "before"), _by_id(after, "after")
    ids = [*new, *(name for name in old if name not in new)]
    changes = tuple(Change(before=old.get(name), after=new.get(name)) for name in ids)
    return Difference(changes=changes, primary=primary)


def _by_id(rows: Sequence[Row], what: str) -> dict[str, Row]:
    found = {row.result_id: row for row in rows}
    if len(found) < len(rows):
        ids = [row.result_id for row in rows]
        raise ValueError(
            f"{what} must hold each id once, got {next(i for i in ids if ids.count(i) > 1)!r} twice"
        )
    return found


def result_name(row: Row) -> str:
    """The name of the result that a row belongs to: ``os_milestone`` of ``os_milestone.low_dose.survival@365``."""
    return row.result_id.split(".", maxsplit=1)[0]


def _value(row: Row | None) -> float | None:
    return None if row is None else row.value


def _importance(change: Change, primary: str) -> tuple[int, bool, float]:
    """Sort key within a chapter; the primary analysis stands first among its like."""
    later = change.row.analysis_id != primary
    if change.method_changed:
        return 0, later, 0.0
    if change.status in ("new", "gone"):
        return 4, later, 0.0
    if (_value(change.before) is None) != (_value(change.after) is None):
        return 1, later, 0.0
    if change.shift is not None:
        return 2, later, -change.shift
    return 3, later, -abs(change.relative or 0.0)


def _record(change: Change) -> dict[str, object]:
    row = change.row
    record: dict[str, object] = {
        key: getattr(row, key) for key in ("chapter", "result_id", "analysis_id", "arm", "time", "statistic")
    }
    record |= {"status": change.status, "method_changed": change.method_changed}
    for side, own in (("before", change.before), ("after", change.after)):
        record[side] = _value(own)
        record |= {f"{key}_{side}": getattr(own, key, None) for key in ("lower", "upper", "n", "events")}
    record |= {"absolute": change.absolute, "relative": change.relative, "unit": row.unit}
    for side, own in (("before", change.before), ("after", change.after)):
        record[f"method_{side}"] = own.method if own else ""
    return record


def in_words(change: Change) -> tuple[str, str]:
    """An estimate as it stood before and after, to the same decimals: ``0.91 (0.59 to 1.00)``; empty where absent."""
    before, after = in_cells(change)
    return before.text, after.text


def in_cells(change: Change) -> tuple[Cell, Cell]:
    """An estimate as it stood before and after, as cells of a table."""
    decimals = decimals_of(change)
    before, after = (_cell(row, decimals) for row in (change.before, change.after))
    return before, after


def _cell(row: Row | None, decimals: int) -> Cell:
    if row is not None and row.lower is None and row.upper is None:
        return number(row, decimals)
    return estimate(row, decimals)


def decimals_of(change: Change) -> int:
    """None for counts; else as many as the larger value needs for three significant digits, three at most."""
    rows = [row for row in (change.before, change.after) if row is not None and row.value is not None]
    sizes = [abs(row.value or 0.0) for row in rows]
    if all(size == round(size) for size in sizes) and not any(row.lower is not None for row in rows):
        return 0
    size = max(sizes, default=0.0)
    return 2 if size == 0 else max(0, min(3, 2 - math.floor(math.log10(size))))
