"""Adverse events over time: the mean number per patient since the first administration, by group, with the patients observed."""

import pandas as pd

from esld.data.study import Study
from esld.reasons import Why, because
from esld.report import cells
from esld.report.cells import Cell, Data, Label, NotEstimable, Number
from esld.report.drawing.axes import TimeAxis, time_axis
from esld.report.drawing.event_curves import mean_curves
from esld.report.drawing.figures import Picture
from esld.report.phrases import Sentence, method, notes_of, worded
from esld.report.rates import FEWEST, of_several
from esld.report.results import Reported, Row
from esld.report.safety.adverse_events import AdverseEvents, days_observed, spanners
from esld.report.tables import Table
from esld.report.words.catalogue import message
from esld.report.words.grammar import as_prose, in_prose, joined, period
from esld.survival import MeanCumulativeFunction, counting_process, mean_cumulative_function

_KINDS = ("any", "serious")
Means = dict[str, dict[str, MeanCumulativeFunction]]


def means(found: AdverseEvents, last: float) -> Means:
    """By kind and group: the mean number of events per patient to the day `last`; the first of treatment is day 1.

    The dead have no further event, and keep those that they had. An event without a day is not in it. A group of nobody has none.
    """
    people = found.group.people.set_index("USUBJID")
    days = days_observed(found.group)
    ends, died = days.clip(upper=last), people["DTHDT"].notna() & days.le(last)
    follow_up = pd.DataFrame({"end": ends, "died": died, "arm": people["GROUP"]}).reset_index()
    made: Means = {}
    for kind in (kind for kind in _KINDS if kind in found.kinds):
        made[kind] = {}
        for arm in found.group.arms:
            own = follow_up[follow_up["arm"].eq(arm)]
            if own.empty:
                continue
            events = found.of_kind(kind, arm).dropna(subset=["ASTDT"]).merge(own, on="USUBJID")
            began = events["USUBJID"].map(found.group.began)
            day = ((pd.to_datetime(events["ASTDT"]) - began).dt.days + 1).clip(lower=1)
            happened = events[["USUBJID"]].assign(day=day)[day <= last]
            happened["day"] = happened["day"].clip(upper=events["end"])  # begun after the last sign of life
            rows = counting_process(happened, own, subject="USUBJID", time="day", end="end", death="died")
            made[kind][arm] = mean_cumulative_function(
                rows, subject="USUBJID", start="start", stop="stop", event="event", death="died",
                conf_level=found.conf_level, group=arm,
            )  # fmt: skip
    return made


def mean_rows(study: Study, found: AdverseEvents) -> pd.DataFrame:
    """Long form: the mean number at each tick of the figure, with limits; `n` is of patients observed to it."""
    ticks = _axis(study, found).ticks
    parts = [pd.DataFrame(columns=["group", "statistic", "value"])]
    for kind, by_arm in means(found, ticks[-1]).items():
        for arm, mean in by_arm.items():
            about = {
                "group": arm,
                "statistic": f"{kind}.mean_count",
                "unit": "events per patient",
                "method": mean.method,
            }
            own = mean.at(ticks).rename(columns={"mean": "value", "n_risk": "n"}).drop(columns="std_err")
            own = own[own["value"].notna()].assign(**about, reason=None)
            parts.append(of_several(own, about["statistic"]))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def _axis(study: Study, found: AdverseEvents) -> TimeAxis:
    """To the day of the primary outcome; while nobody was observed so long, to the first tick that nobody has passed."""
    planned, longest = time_axis(study.protocol.horizon_days), float(days_observed(found.group).max())
    if longest >= planned.ticks[-1]:
        return planned
    unit, ticks = time_axis(longest)
    ticks = ticks if ticks[-1] >= longest else [*ticks, 2 * ticks[-1] - ticks[-2]]
    return TimeAxis(unit, ticks) if ticks[-1] < planned.ticks[-1] else planned


def mean_figure(study: Study, found: AdverseEvents) -> Picture | Sentence:
    """The mean numbers, a panel a kind; a sentence where nothing has happened."""
    axis = _axis(study, found)
    made = means(found, axis.ticks[-1])
    if found.events["ASTDT"].notna().sum() == 0:
        return Sentence(message("safety.over_time.none"))
    made = {found.label(kind): by_arm for kind, by_arm in made.items()}
    return mean_curves(
        made, axis=axis, arms=study.arms, id="adverse_events_over_time", title=message("safety.over_time.title"),
        alt=message("safety.over_time.alt", events=joined(made)), label=message("safety.over_time.axis"),
        time=message("safety.over_time.time", unit=axis.head, since=_since(found)),
    )  # fmt: skip


def _drawn(found: AdverseEvents) -> bool:
    """Whether an event has a day, and a group enough patients to make a mean of."""
    return (
        bool(found.events["ASTDT"].notna().any()) and max(map(found.group.size, found.group.arms)) >= FEWEST
    )


def mean_table(study: Study, found: AdverseEvents, reported: Reported, *, level: str) -> Table | None:
    """The mean numbers at the ticks of the figure, to the last at which somebody is observed, a block a kind; None where it is
    not drawn.
    """
    if not _drawn(found):
        return None
    axis, lines = _axis(study, found), []
    arms = found.group.arms
    reached = max(row.time or 0.0 for row in reported.rows)
    for kind in (kind for kind in _KINDS if kind in found.kinds):
        for tick, label in zip(axis.ticks[1:], axis.labels[1:], strict=True):
            if tick > reached:
                continue
            line: dict[str, Cell] = {"event": Label(found.label(kind), kind), "time": Data(label)}
            for arm in arms:
                row = reported.find(f"{kind}.mean_count", arm, tick)
                line |= {f"{arm}.{column}": cell for column, cell in _mean_cells(row).items()}
            lines.append(line)
    words = {"unit": in_prose(axis.head), "since": _since(found)}
    title = message("safety.over_time.table", level=level, **words)
    how = joined(dict.fromkeys(method(row) for row in reported.rows))
    missing = notes_of((row for row in reported.rows if row.value is None), "episodes")
    notes = [message("safety.over_time.note", method=how), *missing, found.group.note]
    if any(cell == NotEstimable() for line in lines for cell in line.values()):
        ends = because(Why.FOLLOW_UP_ENDS, last=reached, time=axis.ticks[-1])
        notes.insert(1, message("reasons.note", reason=worded(ends, "episodes")))
    return Table(
        "mean_number_of_adverse_events", title, lines, spanners(found, "mean", "observed"), tuple(notes), group="event",
        heads={"time": axis.head} | {f"{arm}.mean": message("events.every.mean", level=level) for arm in arms},
    )  # fmt: skip


def _mean_cells(row: Row | None) -> dict[str, Cell]:
    """A mean and how many were observed; not estimable of a group in which nobody was observed so long."""
    if row is None:
        return {"mean": NotEstimable(), "observed": Number(0)}
    mean = cells.number(row, 2) if row.lower is None else cells.estimate(row, 2)
    return {"mean": mean, "observed": Number(row.n)}


def _since(found: AdverseEvents) -> str:
    return message(f"since.{'treatment' if found.group.known else 'randomisation'}")


def left_out_words(study: Study, found: AdverseEvents) -> str:
    """Where the figure ends and why, and what is not in it; nothing where it is not drawn."""
    if not _drawn(found):
        return ""
    last = _axis(study, found).ticks[-1]
    day = (found.events["ASTDT"] - found.events["USUBJID"].map(found.group.began)).dt.days + 1
    ends = "later" if days_observed(found.group).gt(last).any() else "nobody"
    panels = sum(kind in found.kinds for kind in _KINDS)
    said = [
        message(
            "safety.over_time.ends",
            horizon=period(last),
            first=found.group.first,
            count=panels,
            why=message(f"safety.over_time.ends.{ends}"),
        ),
        message("safety.over_time.later") if (day > last).any() else "",
        undated_words(found),
        message("safety.over_time.clinical", clinical=found.clinical_name) if found.clinical_name else "",
    ]
    if len(found.group.left_out):
        said.append(message("safety.over_time.never"))
    return as_prose(said)


def undated_words(found: AdverseEvents) -> str:
    """How many events have no day, and are not in the figure; nothing where each has one."""
    undated = int(found.events["ASTDT"].isna().sum())
    return message("safety.over_time.undated", count=undated) if undated else ""
