"""The table of first events: at risk, first event, incidence and what came first; then differences and Gray's tests."""

from collections.abc import Mapping, Sequence

from esld.methods import steps_of
from esld.report import numbers
from esld.report.cells import Cell, Empty, Label, NotEstimable, Number, number
from esld.report.cells import arm as arm_cell
from esld.report.cells import estimate as estimate_cell
from esld.report.events.first_events import FirstEvents, at_risk_key, group_of, worse_key
from esld.report.events.planned import Found, competing_words
from esld.report.phrases import (
    method,
    worded,
)
from esld.report.results import Reported, Row, slug
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, has, message
from esld.report.words.grammar import arm_in_prose, capitalised, joined, period


def table(found: Found[FirstEvents], together: Reported | None = None, *, id: str, level: str) -> Table:
    """First events by the day, a block an endpoint: at risk, first event, incidence, and what came first; then the differences.

    The last block is of an event of any kind, of which `together` has the rows.
    """
    lines: list[dict[str, Cell]] = []
    notes: dict[str, None] = {}
    results = found.results
    for code, (first, reported) in results.items():
        head: dict[str, Cell] = {"event": Label(first.name, code)}
        for arm, had in first.prevalent.items():
            line: dict[str, Cell] = head | {
                "group": arm_cell(arm),
                "prevalent": Number(had),
                "at_risk": Number(0),
            }
            if first.endpoint.prevalent is None:
                line["prevalent"] = Label(message("events.first.not_recorded"), "not_recorded")
            line |= dict.fromkeys(_MEASURED, Empty())
            if arm in first.curves:
                event, other = (reported.row(name, arm) for name in ("incidence", "competing_incidence"))
                line |= {"at_risk": Number(event.n or 0), "first_event": Number(event.events)}
                line |= {"worse": number(reported.find("worse", arm)), "competing": Number(other.events)}
                line["incidence"] = _share(event, notes)
            lines.append(line)
        lines += _compared(first, head, reported, notes)
    lines += _any_kind(results, together, notes)
    endpoints = [first.endpoint for first, _ in results.values()]
    firsts = [first for first, _ in results.values()]
    footnotes, competing = [*_said_of(firsts), *notes], competing_words(endpoints)
    hidden = set() if competing else {"competing"}
    if competing:
        footnotes.insert(0, message("events.first.competing", what=capitalised(competing)))
    if not any(endpoint.prevalent for endpoint in endpoints):
        hidden.add("prevalent")
    if worse_key("", endpoints) == "":
        hidden.add("worse")
    if not any("prevalent" in reported for _, reported in results.values()):  # not published
        hidden |= {"prevalent", "worse"}
    if all(isinstance(line["p"], Empty) for line in lines):
        hidden.add("p")
    title = message(worse_key("events.first.title", endpoints), horizon=period(found.horizon))
    heads = {
        "at_risk": message(at_risk_key(endpoints)),
        "first_event": title,
        "worse": message("events.first.of_these_worse"),
        "incidence": message("events.first.incidence", level=level),
        "p": message("events.first.p"),
        "competing": message("events.first.before", what=capitalised(competing)),
    }
    shown = [{key: cell for key, cell in line.items() if key not in hidden} for line in lines]
    return Table(id, found.titled(title), shown, {}, tuple(footnotes), group="event", heads=heads)


_MEASURED = ("first_event", "worse", "incidence", "p", "competing")


_BLANK = ("prevalent", "at_risk", *_MEASURED)


def _share(row: Row, notes: dict[str, None]) -> Cell:
    """An incidence with its limits; how it was made joins the notes."""
    lost = "somebody" if any(name == "effective-size" for name, _ in steps_of(row.method)) else "nobody"
    notes[message(f"events.first.limits.{lost}_lost", method=method(row))] = None
    if row.reason:
        notes[message("reasons.note", reason=worded(row.reason, "first_events"))] = None
    return estimate_cell(row, numbers.of_share(row.n), "percent")


def _said_of(firsts: Sequence[FirstEvents]) -> list[str]:
    """What having a condition at baseline means, who has it counts in what, and how events are graded."""
    rules = [(first, first.endpoint.prevalent) for first in firsts if first.endpoint.prevalent]
    if not rules:
        return []
    graded = {tuple(rule.worse.grades.items()) for _, rule in rules if rule.worse}
    limits = dict.fromkeys(
        message("events.first.threshold", event=first.name, grade=first.grade, least=f"{rule.at_least:g}")
        for first, rule in rules
    )
    said = [message("events.first.present", thresholds=message("reasons.list").join(limits))]
    said.append(message(worse_key("events.first.prevalent", [first.endpoint for first in firsts])))
    for one in sorted(graded):
        words = joined(
            message("events.first.grade", word=_severity(word), grade=f"{grade:g}") for word, grade in one
        )
        said.append(message("events.first.grades", grades=words))
    if len(rules) < len(firsts):
        said.append(message("events.first.not_recorded.note"))
    return said


def _severity(word: str) -> str:
    key = f"narrative.severity.{slug(word)}"
    return message(key) if has(key) else word.lower()


def _any_kind(
    results: Mapping[str, tuple[FirstEvents, Reported]], together: Reported | None, notes: dict[str, None]
) -> list[dict[str, Cell]]:
    """The block of an event of any kind; none of one kind alone."""
    if together is None or len(results) < 2:
        return []
    head: dict[str, Cell] = {"event": Label(message("events.any.kind"), "any")}
    lines: list[dict[str, Cell]] = []
    for row in (row for row in together.rows if row.statistic == "any_incidence"):
        line = head | {"group": arm_cell(row.arm)} | dict.fromkeys(_BLANK, Empty())
        line |= {
            "at_risk": Number(row.n or 0),
            "first_event": Number(row.events),
            "incidence": _share(row, notes),
        }
        lines.append(line)
    gaps = [row for row in together.rows if row.statistic == "any_incidence_difference"]
    for row in gaps:
        label = _gap_label(row.arm, alone=len(gaps) == 1)
        lines.append(
            head | {"group": label} | dict.fromkeys(_BLANK, Empty()) | {"incidence": _gap(row, notes)}
        )
    return lines


def _gap(row: Row, notes: dict[str, None]) -> Cell:
    notes[message("events.first.difference.note", method=method(row))] = None
    if row.reason:
        notes[message("reasons.note", reason=worded(row.reason, "first_events"))] = None
    return estimate_cell(row, numbers.of_share((row.n or 0) // 2), "points")


def _gap_label(group: str, *, alone: bool) -> Label:
    """What the line of a pair is called; the arms are named where there are several pairs."""
    arm, _, control = group.partition(" v ")
    if alone:
        return Label(message("events.first.difference"), f"difference {group}")
    words = {"arm": arm_label(arm), "control": arm_in_prose(control)}
    return Label(message("events.first.difference.pair", **words), f"difference {group}")


def _compared(
    first: FirstEvents, head: dict[str, Cell], reported: Reported, notes: dict[str, None]
) -> list[dict[str, Cell]]:
    """The lines of differences and Gray's tests below those of the arms; none where an arm has nobody."""
    if len(first.prevalent) < 2 or not all(had or arm in first.curves for arm, had in first.excluded.items()):
        return []
    control, *others = first.prevalent
    pairs, alone, lines = [(control, arm) for arm in others], len(others) == 1, []
    tested = {"": Label(message("events.first.gray.all"), "gray")} if not alone else {}
    for group, label in tested.items():
        line = head | {"group": label} | dict.fromkeys(_BLANK, Empty())
        lines.append(line | {"p": _p(first, reported, group, notes)})
    for pair in pairs:
        group = group_of(pair)
        gap = reported.find("incidence_difference", group)
        line = head | {"group": _gap_label(group, alone=alone)} | dict.fromkeys(_BLANK, Empty())
        line["incidence"] = NotEstimable() if gap is None else _gap(gap, notes)
        lines.append(line | {"p": _p(first, reported, "" if alone else group, notes)})
    return lines


def _p(first: FirstEvents, reported: Reported, group: str, notes: dict[str, None]) -> Cell:
    """The p-value of a test by the group of its row."""
    row = next((r for r in reported.rows if r.statistic == "p_value" and r.arm == group), None)
    if row is not None and row.reason:
        why = worded(row.reason, "first_events")
        notes[message("events.first.gray.none", event=first.name, reason=why)] = None
    return NotEstimable() if row is None else number(row, style="p")
