"""In which state patients are over time, where they are too many to be shown one by one."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from esld.report import cells
from esld.report.cells import Cell, Number, number
from esld.report.drawing.figures import Picture
from esld.report.patients import figures as patient_figures
from esld.report.patients.courses import Courses, finding
from esld.report.results import Reported
from esld.report.tables import Table
from esld.report.words.catalogue import message
from esld.report.words.grammar import in_prose, joined

# In which state a patient is on a day, in the order in which they are stacked.
STATES = ("followed", "ended", "transplant", "death")


def _names() -> dict[str, str]:
    return {state: message(f"states.{state}") for state in STATES}


def state_rows(found: Courses, days: Sequence[float]) -> pd.DataFrame:
    """How many patients of each arm are in which state on a day, in long form.

    An event counts on its own day; follow-up that ends on a day still covers it. No rows of nobody.
    """
    rows = []
    for arm in found.arms if len(found.patients) else ():
        own = found.patients[found.patients["ARMCD"].eq(arm)]
        for day in days:
            counts = _states(own, day)
            about = {"group": arm, "time": day, "unit": "patients", "method": "count", "n": len(own)}
            rows += [about | {"statistic": state, "value": count} for state, count in counts.items()]
    return pd.DataFrame(rows)


def _states(own: pd.DataFrame, day: float) -> dict[str, int]:
    dead = own["ended"].eq("death") & own["end"].le(day)
    grafted = own["transplant"].le(day) & ~dead
    ended = own["end"].lt(day) & ~dead & ~grafted
    counts = {"ended": ended, "transplant": grafted, "death": dead}
    told = {state: int(members.sum()) for state, members in counts.items()}
    return {"followed": len(own) - sum(told.values()), **told}


def state_table(reported: Reported, arms: Sequence[str], days: Sequence[float]) -> Table | None:
    """The states day by day: a block an arm, a line a day; None of nobody."""
    if not reported.rows:
        return None
    lines: list[dict[str, Cell]] = []
    for arm in arms:
        for day in days:
            own = {state: number(reported.row(state, arm, day)) for state in STATES}
            lines.append({"group": cells.arm(arm), "day": Number(day, 6, "digits")} | own)
    heads = {"day": message("courses.days")} | _names()
    notes = (message("states.note"),)
    return Table(
        "patient_states", message("states.title"), lines, footnotes=notes, group="group", heads=heads
    )


def state_figure(
    found: Courses, reported: Reported, *, ticks: Sequence[float], mark: float
) -> Picture | None:
    """The states of each group as areas over time; they change on the day of an event. None of nobody."""
    if found.patients.empty:
        return None
    days = np.unique(np.concatenate([[0.0], found.patients["end"], found.patients["transplant"].dropna()]))
    # The day after an end of follow-up is the first that it does not cover.
    days = np.unique(np.concatenate([days, days + 1, np.asarray(ticks, dtype=float)]))
    panels = {}
    for arm in found.arms:
        own = found.patients[found.patients["ARMCD"].eq(arm)]
        panels[arm] = pd.DataFrame([{"time": day, **_states(own, day)} for day in days])
    names = _names()
    alt = message("states.alt", states=joined(map(in_prose, names.values())), finding=finding(reported))
    return patient_figures.states(
        panels, names=names, id="patient_states", title=finding(reported), alt=alt, ticks=ticks, mark=mark,
    )  # fmt: skip
