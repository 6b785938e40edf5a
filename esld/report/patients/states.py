"""In which state patients are over time, where they are too many to be shown one by one."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from esld.data.study import Study
from esld.report import cells
from esld.report.cells import Cell, Label, number
from esld.report.drawing.axes import TimeAxis
from esld.report.drawing.figures import Picture
from esld.report.patients import figures as patient_figures
from esld.report.patients.courses import Courses, finding, marked_day
from esld.report.results import Reported
from esld.report.tables import Table
from esld.report.words.catalogue import has, message
from esld.report.words.grammar import as_prose, capitalised, in_prose, joined

# In which state a patient is on a day, in the order in which they are stacked.
STATES = ("followed", "ended", "event", "transplant", "death")


def states_of(found: Courses) -> tuple[str, ...]:
    """The states that patients of the trial can be in: death where somebody died, a transplant where the protocol has it, the
    event of the primary analysis where that leaves a course open.
    """
    without = set() if found.grafts else {"transplant"}
    without |= set() if found.had else {"event"}
    without |= set() if found.patients["ended"].eq("death").any() else {"death"}
    return tuple(state for state in STATES if state not in without)


def _names(states: Iterable[str], *, grafts: bool, had: str) -> dict[str, str]:
    def name(state: str) -> str:
        if state == "event":
            return capitalised(had)
        own = f"states.{state}.own"
        return message(own if grafts and has(own) else f"states.{state}")

    return {state: name(state) for state in states}


def state_rows(found: Courses, days: Sequence[float]) -> pd.DataFrame:
    """How many patients of each arm are in which state on a day, in long form.

    An event counts on its own day; follow-up that ends on a day still covers it. No rows of nobody.
    """
    rows, states = [], states_of(found)
    for arm in found.arms if len(found.patients) else ():
        own = found.patients[found.patients["ARMCD"].eq(arm)]
        for day in days:
            counts = {state: count for state, count in _states(own, day).items() if state in states}
            about = {"group": arm, "time": day, "unit": "patients", "method": "count", "n": len(own)}
            rows += [about | {"statistic": state, "value": count} for state, count in counts.items()]
    return pd.DataFrame(rows)


def _states(own: pd.DataFrame, day: float) -> dict[str, int]:
    dead = own["ended"].eq("death") & own["end"].le(day)
    grafted = own["transplant"].le(day) & ~dead
    event = own["event"].le(day) & ~dead & ~grafted
    ended = own["end"].lt(day) & ~dead & ~grafted & ~event
    counts = {"ended": ended, "event": event, "transplant": grafted, "death": dead}
    told = {state: int(members.sum()) for state, members in counts.items()}
    return {"followed": len(own) - sum(told.values()), **told}


def state_table(reported: Reported, arms: Sequence[str], axis: TimeAxis, *, had: str = "") -> Table | None:
    """The states day by day: a block an arm, a line a tick of the axis; None of nobody. `had` is that of the courses."""
    if not reported.rows:
        return None
    states = [state for state in STATES if state in reported]
    lines: list[dict[str, Cell]] = []
    for arm in arms:
        for day, label in zip(axis.ticks, axis.labels, strict=True):
            own: dict[str, Cell] = {state: number(reported.row(state, arm, day)) for state in states}
            lines.append({"group": cells.arm(arm), "day": Label(label, f"{day:g}")} | own)
    grafts = "transplant" in states
    heads = {"day": axis.title} | _names(states, grafts=grafts, had=had)
    notes = (message("states.note"), *([message("states.note.transplant")] if grafts else ()))
    if "event" in states:
        notes += (message("states.note.event", state=capitalised(had)),)
    return Table(
        "patient_states", message("states.title"), lines, footnotes=notes, group="group", heads=heads
    )


def state_figure(study: Study, found: Courses, reported: Reported, *, axis: TimeAxis) -> Picture | None:
    """The states of each group as areas over time; they change on the day of an event. None of nobody."""
    if found.patients.empty:
        return None
    changes = (found.patients[day].dropna() for day in ("end", "transplant", "event"))
    days = np.unique(np.concatenate([[0.0], *changes]))
    # The day after an end of follow-up is the first that it does not cover.
    days = np.unique(np.concatenate([days, days + 1, np.asarray(axis.ticks, dtype=float)]))
    panels = {}
    for arm in found.arms:
        own = found.patients[found.patients["ARMCD"].eq(arm)]
        panels[arm] = pd.DataFrame([{"time": day, **_states(own, day)} for day in days])
    names = _names(states_of(found), grafts=found.grafts, had=found.had)
    alt = message(
        "states.alt", states=joined(map(in_prose, names.values())), finding=finding(reported, found.had)
    )
    return patient_figures.states(
        panels, names=names, id="patient_states", title=message("states.figure"), alt=alt,
        legend=_legend(study, found.had if "event" in states_of(found) else "", grafts=found.grafts), axis=axis,
        mark=marked_day(study.protocol),
    )  # fmt: skip


def _legend(study: Study, had: str, *, grafts: bool) -> str:
    """What the areas count."""
    said = [message("legend.states")] + ([message("states.note.transplant")] if grafts else [])
    said += [message("states.note.event", state=capitalised(had))] if had else []
    said += [message("patients.each.day")] if marked_day(study.protocol) is not None else []
    return as_prose(said)
