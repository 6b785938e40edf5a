"""Serious and clinical events in the days after an administration and later, each over the time that patients spent there."""

import pandas as pd

from esld.data.study import Study
from esld.longform import stacked
from esld.report.cells import Cell, Label, number
from esld.report.cells import arm as arm_cell
from esld.report.results import Reported
from esld.report.safety.adverse_events import AdverseEvents, days_observed
from esld.report.safety.counted import DAYS_OF_A_YEAR, SafetySet, share, share_cell
from esld.report.serious import clinical_events, since_last
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


def _years(group: SafetySet, given: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Patient-years by group and period: a day is soon where an administration was given on it or up to `WITHIN` days before."""
    days, began, given = days_observed(group), group.began, given.dropna(subset=["ADT"])
    found = dict.fromkeys(((arm, period) for arm in group.arms for period in _PERIODS), 0.0)
    for subject, arm in group.group_of.to_dict().items():
        subject = str(subject)
        observed = range(int(days[subject]))
        own = [(day - began[subject]).days for day in given.loc[given["USUBJID"].eq(subject), "ADT"]]
        soon = {day for first in own for day in range(first, first + WITHIN + 1)} & set(observed)
        found[arm, "soon"] += len(soon) / DAYS_OF_A_YEAR
        found[arm, "later"] += (len(observed) - len(soon)) / DAYS_OF_A_YEAR
    return found


def period_rows(study: Study, found: AdverseEvents) -> pd.DataFrame:
    """Long form by group: patients, events and events per patient-year of each kind (``serious.soon``), soon and later."""
    events, years = _events(study, found), _years(found.group, found.given)
    gap = since_last(found.given, events)
    events = events.assign(period=gap.le(WITHIN).map({True: "soon", False: "later"}))
    parts = []
    for arm in found.group.arms:
        for kind in kinds(study, found):
            for period in _PERIODS:
                chosen = events["GROUP"].eq(arm) & events["period"].eq(period)
                own = events[chosen & events["kind"].eq(kind)]
                name, time = f"{kind}.{period}", years[arm, period]
                size = found.group.size(arm)
                parts.append(share(name, arm, own["USUBJID"].nunique(), size, conf_level=found.conf_level))
                about = {"group": arm, "method": "count", "events": len(own)}
                rows = [{"statistic": f"{name}.events", "value": len(own), "unit": "events"} | about]
                if time:
                    rows.append(
                        {"statistic": f"{name}.rate", "value": len(own) / time, "unit": "per year"} | about
                    )
                parts.append(pd.DataFrame(rows))
    return pd.concat(parts, ignore_index=True)


def kinds(study: Study, found: AdverseEvents) -> dict[str, str]:
    """What is counted, by the code of a line: serious adverse events and each clinical event."""
    names = clinical_events(study).drop_duplicates("PARAMCD").set_index("PARAMCD")["name"]
    codes = [e.paramcd for e in study.protocol.endpoints if e.paramcd in names]
    return {"serious": message("safety.after.serious")} | {code: str(names[code]) for code in codes}


def period_table(study: Study, found: AdverseEvents, reported: Reported) -> Table:
    """The rows as a table, a block a group."""
    lines = []
    for arm in found.group.arms:
        for kind, name in kinds(study, found).items():
            line: dict[str, Cell] = {"group": arm_cell(arm), "event": Label(name, kind)}
            for period in _PERIODS:
                line[f"{period}.patients"] = share_cell(reported.row(f"{kind}.{period}", arm))
                line[f"{period}.events"] = number(reported.row(f"{kind}.{period}.events", arm))
                line[f"{period}.rate"] = number(reported.find(f"{kind}.{period}.rate", arm), 2)
            lines.append(line)
    spanners = {
        message(f"safety.after.{period}", days=WITHIN): [f"{period}.{what}" for what in _MEASURES]
        for period in _PERIODS
    }
    notes = (message("safety.after.note", days=WITHIN), message("safety.after.caution"), found.group.note)
    title = message("safety.after.title", days=WITHIN)
    return Table("events_after_administration", title, lines, spanners, notes, group="group")
