"""The listing of serious events: adverse events that are serious, and clinical events that may have been."""

import pandas as pd

from esld.data import exposure
from esld.data.study import Study
from esld.report import cells, needs
from esld.report.cells import Cell, Data, Empty, Label, Number
from esld.report.patients.facts import facts
from esld.report.results import slug
from esld.report.serious import (
    clinical_events,
    serious_adverse_events,
    seriousness_words,
    since_last,
    unsaid_words,
)
from esld.report.tables import Table
from esld.report.words.catalogue import has, message
from esld.report.words.grammar import as_prose


def serious_table(study: Study) -> Table | None:
    """A line an event, by patient and day; None where none is recorded.

    Raises
    ------
    UnmetNeedError
        The view does not show single patients.
    """
    needs.require(study, "single_patients")
    found = facts(study)
    found = found[found["kind"].isin(["serious", "clinical"])]
    if study.shows_arms:
        arms = found["USUBJID"].map(study.randomised.set_index("USUBJID")["ARMCD"])
        found = found.iloc[arms.map(study.arms.index).argsort(kind="stable")]
    if found.empty:
        return None
    people, since = study.randomised.set_index("USUBJID"), _since(study, found)
    about = _about(study)
    lines = []
    for event, gap in zip(found.to_dict("records"), since, strict=True):
        own = about.get((event["USUBJID"], event["SRCDOM"], str(event["SRCSEQ"])), {})
        person, day = people.loc[event["USUBJID"]], event["day"]
        line: dict[str, Cell] = {
            "patient": Data(event["USUBJID"]),
            "group": cells.arm(person["ARMCD"]),
            "event": Data(str(event["name"])),
            "date": Data(event["recorded"]) if isinstance(event["recorded"], str) else Empty(),
            "day": Empty() if pd.isna(day) else Number(day),
            "days_since_administration": Empty() if pd.isna(gap) else Number(int(gap)),
            "grade_or_severity": _said("severity", own.get("severity")),
            "relation": _said("relation", own.get("relation")),
            "ended_as": _said("outcome", own.get("outcome")),
            "record": Data(f"{event['SRCDOM']} {event['SRCSEQ']}"),
        }
        lines.append(line)
    shown = [name for name in lines[0] if any(line[name].text for line in lines)]
    if not study.shows_arms:
        shown.remove("group")
    lines = [{name: line[name] for name in shown} for line in lines]
    group = "group" if study.shows_arms else None
    notes = [message("serious.note.day"), message("serious.note.who")]
    if found["SRCDOM"].eq("CE").any():
        notes.append(message("serious.note.clinical", seriousness=seriousness_words(study)))
    notes += filter(None, [unsaid_words(study)])
    return Table("serious_events", message("serious.title"), lines, footnotes=tuple(notes), group=group)


def _since(study: Study, found: pd.DataFrame) -> pd.Series:
    """Days of each event from the last administration before it; none where treatment goes on from day to day or is not told."""
    if "EX" not in study.tables or study.protocol.treatment.regimen == "continuous":
        return pd.Series(float("nan"), found.index)
    given = exposure.administrations(study.tables, study.protocol).dropna(subset=["NUMBER"])
    return since_last(given, found)


def _about(study: Study) -> dict[tuple[str, str, str], dict[str, object]]:
    """Severity, relation and outcome by patient, form and number."""
    adae, ce = serious_adverse_events(study), clinical_events(study)
    found: dict[tuple[str, str, str], dict[str, object]] = {}
    for row in adae.to_dict("records"):
        severity = row["AETOXGR"] if isinstance(row["AETOXGR"], str) else row["AESEV"]
        found[row["USUBJID"], "AE", str(row["AESEQ"])] = {
            "severity": severity, "relation": row["AEREL"], "outcome": row["AEOUT"]
        }  # fmt: skip
    for row in ce.to_dict("records"):
        found[row["USUBJID"], "CE", str(row["SRCSEQ"])] = {"severity": row["CESEV"]}
    return found


def _said(what: str, code: object) -> Cell:
    if not isinstance(code, str):
        return Empty()
    if what == "severity" and code.isdigit():
        return Label(message("serious.grade", grade=code), code)
    key = f"narrative.{what}.{slug(code)}"
    return Label(message(key), code) if has(key) else Data(code)


def serious_words(study: Study) -> str:
    """That no serious event is recorded, where there is none; the need of the section is that of :func:`serious_table`."""
    needs.require(study, "single_patients")
    found = len(serious_adverse_events(study)) + len(clinical_events(study))
    return "" if found else as_prose([message("serious.none"), unsaid_words(study)])
