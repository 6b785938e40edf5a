"""Serious and clinical events in the days after an administration and later, each over the time that patients spent there."""

from math import nan

import pandas as pd

from esld.data.study import Study
from esld.longform import stacked
from esld.reasons import Why, because
from esld.report.cells import Cell, Empty, Label, number
from esld.report.cells import arm as arm_cell
from esld.report.phrases import Sentence
from esld.report.rates import FEWEST, LEAST, short_note
from esld.report.results import Reported
from esld.report.safety.adverse_events import AdverseEvents, days_observed
from esld.report.safety.counted import DAYS_OF_A_YEAR, SafetySet, share, share_cell
from esld.report.serious import clinical_events, since_last, unsaid_words
from esld.report.tables import Table
from esld.report.words.catalogue import message

WITHIN = 30  # days
_PERIODS = ("soon", "later")
_MEASURES = ("patients", "events", "rate")


def _events(study: Study, found: AdverseEvents) -> pd.DataFrame:
    """``USUBJID GROUP ADT kind`` of serious adverse events and of each clinical event, from the first administration on."""
    serious = (
        found.events[found.events["AESER"].eq("Y")].rename(columns={"ASTDT": "ADT"}).assign(kind="serious")
    )
    clinical = found.group.own(clinical_events(study)).rename(columns={"PARAMCD": "kind"})
    every = stacked(frame[["USUBJID", "GROUP", "ADT", "kind"]] for frame in (serious, clinical))
    every = every.dropna(subset=["ADT"])
    return every[every["ADT"] >= every["USUBJID"].map(found.group.began)]


def _days(group: SafetySet, given: pd.DataFrame) -> pd.DataFrame:
    """Days observed ``soon`` and ``later`` by USUBJID, and its ``GROUP``: a day is soon where an administration was given on it
    or up to `WITHIN` days before.
    """
    days, began, given = days_observed(group), group.began, given.dropna(subset=["ADT"])
    found = {}
    for subject in map(str, group.group_of.index):
        observed = range(int(days[subject]))
        own = [(day - began[subject]).days for day in given.loc[given["USUBJID"].eq(subject), "ADT"]]
        soon = {day for first in own for day in range(first, first + WITHIN + 1)} & set(observed)
        found[subject] = (len(soon), len(observed) - len(soon))
    return pd.DataFrame.from_dict(found, "index", columns=list(_PERIODS)).assign(GROUP=group.group_of)


def period_rows(study: Study, found: AdverseEvents) -> pd.DataFrame:
    """Long form by group: patients, events and events per patient-year of each kind (``serious.soon``), soon and later.

    Patients are of those observed on a day of the period; where nobody was, there is nothing to count.
    """
    events, days = _events(study, found), _days(found.group, found.given)
    gap = since_last(found.given, events)
    events = events.assign(period=gap.le(WITHIN).map({True: "soon", False: "later"}))
    parts = []
    for arm in found.group.arms:
        for kind in kinds(study, found):
            for period in _PERIODS:
                chosen = events["GROUP"].eq(arm) & events["period"].eq(period)
                own = events[chosen & events["kind"].eq(kind)]
                name, there = f"{kind}.{period}", days[days["GROUP"].eq(arm) & days[period].gt(0)]
                # An event may lie after the last sign of life.
                size = len({*there.index, *events.loc[chosen, "USUBJID"]})
                x, time = own["USUBJID"].nunique(), there[period].sum() / DAYS_OF_A_YEAR
                parts.append(share(name, arm, x, size, conf_level=found.conf_level, nobody=Why.NOT_OBSERVED))
                if not size:
                    continue
                about = {"group": arm, "method": "count", "events": len(own)}
                rows = [{"statistic": f"{name}.events", "value": len(own), "unit": "events"} | about]
                if time:
                    rate = {"statistic": f"{name}.rate", "unit": "per year", "value": len(own) / time}
                    few = Why.TOO_LITTLE_TIME if time < LEAST else Why.FEWER_THAN_TWO
                    short = time < LEAST or len(there) < FEWEST
                    rows.append(rate | about | ({"value": nan, "reason": because(few)} if short else {}))
                parts.append(pd.DataFrame(rows))
    return pd.concat(parts or [pd.DataFrame(columns=["group", "statistic", "value"])], ignore_index=True)


def kinds(study: Study, found: AdverseEvents) -> dict[str, str]:
    """What is counted, by the code of a line: serious adverse events and each clinical event."""
    names = clinical_events(study).drop_duplicates("PARAMCD").set_index("PARAMCD")["name"]
    codes = [e.paramcd for e in study.protocol.endpoints if e.paramcd in names]
    serious = {"serious": message("safety.after.serious")} if "serious" in found.kinds else {}
    return serious | {code: str(names[code]) for code in codes}


def period_table(study: Study, found: AdverseEvents, reported: Reported) -> Table | Sentence:
    """The rows as a table, a block a group; what comes later is in it once somebody was observed so long."""
    if not kinds(study, found):
        return Sentence(message("safety.answer.serious.unknown"))
    lines, days = [], _days(found.group, found.given)
    first = next(iter(kinds(study, found)))
    periods = [
        p
        for p in _PERIODS
        if p == "soon" or any(reported.row(f"{first}.{p}", arm).n for arm in found.group.arms)
    ]
    for arm in found.group.arms:
        for kind, name in kinds(study, found).items():
            line: dict[str, Cell] = {"group": arm_cell(arm), "event": Label(name, kind)}
            for period in periods:
                cells = _cells(reported, f"{kind}.{period}", arm)
                line |= {f"{period}.{what}": cell for what, cell in zip(_MEASURES, cells, strict=True)}
            lines.append(line)
    spanners = {
        message(f"safety.after.{period}", days=WITHIN): [f"{period}.{what}" for what in _MEASURES]
        for period in periods
    }
    notes = [message("safety.after.note", days=WITHIN)]
    notes += [message("safety.after.not_yet", days=WITHIN)] if len(periods) == 1 else []
    for period in periods:
        own = {arm: days.loc[days["GROUP"].eq(arm) & days[period].gt(0), period] for arm in found.group.arms}
        short = short_note({arm: (len(each), each.sum() / DAYS_OF_A_YEAR) for arm, each in own.items()})
        when = message(f"safety.after.{period}", days=WITHIN)
        notes += [message("label.spanner", spanner=when, heading=note) for note in short]
    notes += filter(None, [unsaid_words(study), message("safety.after.caution"), found.group.note])
    title = message("safety.after.title.soon" if len(periods) == 1 else "safety.after.title", days=WITHIN)
    return Table("events_after_administration", title, lines, spanners, tuple(notes), group="group")


def _cells(reported: Reported, name: str, arm: str) -> tuple[Cell, Cell, Cell]:
    """Patients, events and their rate; where nobody was observed, that alone."""
    patients = reported.row(name, arm)
    if not patients.n:
        return Label(message("safety.after.nobody"), "nobody"), Empty(), Empty()
    events, rate = (reported.find(f"{name}.{what}", arm) for what in ("events", "rate"))
    return share_cell(patients), number(events), number(rate, 2)
