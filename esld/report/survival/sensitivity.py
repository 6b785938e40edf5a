"""Sensitivity analyses beside the analysis that they are of, in one table a kind."""

from collections.abc import Sequence

from esld.report import cells, numbers
from esld.report.cells import Cell, Empty, Label, Number, estimate
from esld.report.phrases import method, notes_of
from esld.report.results import Row
from esld.report.survival.analyses import Found
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import period
from esld.survival import RMST


def sensitivity_table(found: Sequence[Found], *, conf_level: float) -> Table | None:
    """Curves or restricted means that have variants, each with them; None where none has.

    Every comparison stands in a table of all kinds (:mod:`esld.report.survival.every`). Of curves it is the proportion free
    of the event at the first day of the curve's table, by arm. A mean stands in a column of its own where there is no
    second group to take it from.
    """
    varied = {one.of.plan.of for one in found if one.of.plan.of}
    own = [one for one in found if one.of.plan.id in varied or one.of.plan.of]
    if not own:
        return None
    kind, level = str(own[0].of.plan.kind), numbers.level(conf_level)
    lines, rows = [], list[Row]()
    for one in own:
        for line, row in _lines(one, kind):
            lines.append(line)
            rows.append(row)
    compares = kind != "survival_curve" and any("mean" not in line for line in lines)
    columns = dict.fromkeys(key for line in lines for key in line)
    lines = [{key: line.get(key, Empty()) for key in columns} for line in lines]
    heads = {"events": message("sensitivity.events"), "mean": message("sensitivity.mean", level=level)}
    if kind == "survival_curve":
        about = {"horizon": period(rows[0].time or 0), "level": level}
        heads["estimate"] = message("sensitivity.estimate.survival_curve", **about)
    else:
        heads["estimate"] = message("sensitivity.estimate.difference", level=level)
    made = message(
        "milestone.methods", methods=message("reasons.list").join(dict.fromkeys(map(method, rows)))
    )
    notes = [made, *([message("sensitivity.note")] if compares else [])]
    notes += notes_of(rows, "survival", group=message("reasons.one_group"), **own[0].of.event.plain)
    title = message("sensitivity.title", what=message(f"needs.kind.{kind}"))
    return Table(f"sensitivity_{kind}", title, lines, {}, tuple(notes), "analysis", heads)


def _lines(one: Found, kind: str) -> list[tuple[dict[str, Cell], Row]]:
    if kind == "survival_curve":
        return _curve_lines(one)
    return [_mean_line(one) if isinstance(one.result, RMST) else _difference_line(one)]


def _mean_line(one: Found) -> tuple[dict[str, Cell], Row]:
    row = one.reported.row("rmst")
    line: dict[str, Cell] = {"analysis": _title(one), "group": cells.arm(row.arm), **_sizes(row)}
    return line | {"mean": estimate(row, 0)}, row


def _difference_line(one: Found) -> tuple[dict[str, Cell], Row]:
    first, second = map(arm_label, one.pair or ("", ""))
    compared = message("sensitivity.pair", first=first, second=second)
    row = one.reported.find("stratified_difference") or one.reported.row("rmst_difference")
    groups = Label(compared, " v ".join((one.pair or ())[::-1]))
    return {"analysis": _title(one), "group": groups, **_sizes(row), "estimate": estimate(row, 0)}, row


def _curve_lines(one: Found) -> list[tuple[dict[str, Cell], Row]]:
    found = []
    for arm in one.result:
        row = next(row for row in one.reported.rows if row.arm == arm and row.statistic == "survival")
        line: dict[str, Cell] = {"analysis": _title(one), "group": cells.arm(arm), **_sizes(row)}
        found.append((line | {"estimate": estimate(row, 2)}, row))
    return found


def _title(one: Found) -> Label:
    return Label(one.of.plan.title, one.of.plan.id)


def _sizes(row: Row) -> dict[str, Cell]:
    return {"patients": Number(row.n or 0), "events": Number(row.events or 0)}
