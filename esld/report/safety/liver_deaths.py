"""Deaths of an event of the liver, and how long before it liver values were last measured: what thresholds cannot see."""

from html import escape

import pandas as pd

from esld.data import deaths
from esld.data.columns import first_known
from esld.data.study import Study
from esld.longform import stacked
from esld.report.phrases import span
from esld.report.results import Reported
from esld.report.safety.counted import SafetySet
from esld.report.safety.laboratory import own_values
from esld.report.serious import since_last
from esld.report.words.catalogue import message
from esld.report.words.grammar import joined, noun, of_group

_CLASS = "HEPATOBILIARY DISORDERS"  # system organ class of MedDRA


def liver_deaths(study: Study, group: SafetySet) -> pd.DataFrame:
    """Fatal events that are coded as disorders of the liver or the bile ducts, of the safety set, in order of the patient.

    Returns
    -------
    DataFrame
        ``USUBJID GROUP term gap``: days from the last ALT, AST or bilirubin before the event to its beginning; missing without
        a value, or without a day.
    """
    fatal = group.own(study.adae[deaths.fatal(study.adae)])
    fatal = fatal[fatal["AEBODSYS"].astype(str).str.upper().eq(_CLASS)]
    values = stacked(own_values(study, group, code)[["USUBJID", "ADT"]] for code in ("ALT", "AST", "BILI"))
    gap = since_last(values, fatal.assign(ADT=fatal["ASTDT"]))
    frame = fatal.assign(term=first_known(fatal["AEDECOD"], fatal["AETERM"]), gap=gap)
    return frame.sort_values("USUBJID", kind="stable")[["USUBJID", "GROUP", "term", "gap"]]


def liver_death_rows(found: pd.DataFrame, group: SafetySet) -> pd.DataFrame:
    """Long form: such deaths by group, and where single patients may be shown the gap of each, the group being the patient."""
    rows: list[dict[str, object]] = []
    for arm in group.arms:
        count = found.loc[found["GROUP"].eq(arm), "USUBJID"].nunique()
        about = {"statistic": "liver_deaths", "unit": "patients", "method": "count"}
        rows.append({"group": arm, "value": count, "n": group.size(arm), "events": count} | about)
    known = found[found["gap"].notna()] if group.named else found.iloc[:0]
    for subject, gap in known.groupby("USUBJID")["gap"].min().items():
        rows.append({"group": subject, "statistic": "gap", "value": gap, "unit": "days", "method": "listing"})
    return pd.DataFrame(rows)


def liver_death_words(found: pd.DataFrame, reported: Reported) -> str:
    """Who died of such an event and how long before it values were last measured; nothing where nobody did."""
    if found.empty:
        return ""
    counts = [row for row in reported.rows if row.statistic == "liver_deaths"]
    arms = joined(
        message("safety.liver_deaths.arm", x=span(r, str(r.events)), arm=of_group(r.arm)) for r in counts
    )
    said = []
    for event in found.drop_duplicates("USUBJID").to_dict("records"):
        row = reported.find("gap", str(event["USUBJID"]))
        if row is not None:
            gap = span(row, str(int(row.value or 0)))
            about = {"patient": escape(str(event["USUBJID"])), "term": escape(str(event["term"]))}
            days = noun("day", row.value or 0)
            said.append(message("safety.liver_deaths.patient", gap=gap, days=days, **about))
    who = message("safety.liver_deaths.last", patients=message("reasons.list").join(said)) if said else ""
    return message("safety.liver_deaths", arms=arms, who=who)
