"""The overview of adverse events in a table and in words, and the chapter's answer."""

from esld.data.study import Study
from esld.protocol.translated import as_stated
from esld.report import numbers
from esld.report.cells import Cell, Label, number
from esld.report.phrases import span, whole
from esld.report.rates import short_note
from esld.report.results import Reported
from esld.report.safety.adverse_events import ONLY_IF_ANY, SEVERE, AdverseEvents, rows_of_kind, spanners
from esld.report.safety.counted import absence_words, share_cell, share_words
from esld.report.tables import Table
from esld.report.words.catalogue import message
from esld.report.words.grammar import as_prose, joined, noun, of_group


def overview_table(found: AdverseEvents, reported: Reported) -> Table:
    """Patients, events and events per patient-year of each kind, three columns a group."""
    lines = [
        {"adverse_events": Label(found.label(kind), kind), **_cells(found, reported, kind)}
        for kind in found.kinds
    ]
    notes = [message("safety.overview.emergent", first=found.group.first)]
    if _rated(reported):
        observed = {arm: (found.group.size(arm), years) for arm, years in found.years.items()}
        notes += [message("safety.overview.rate"), *short_note(observed)]
    if found.clinical is not None:
        about = {"clinical": found.clinical_name}
        beside = message("safety.overview.clinical", **about, seriousness=found.seriousness)
        both = message("safety.overview.both", **about) if "serious_or_clinical" in found.kinds else ""
        notes.append(as_prose([beside, both]))
    notes += [message("safety.overview.related")] if "related" in found.kinds else []
    if found.scale is None:
        notes.append(message("safety.events.no_severity"))
    if any(kind in found.kinds for kind in ONLY_IF_ANY):
        notes.append(message("safety.overview.unknown"))
    notes += [message("safety.overview.no_tests"), found.group.note]
    title = message("safety.overview.title")
    return Table(
        "adverse_events",
        title,
        lines,
        spanners(found, "patients", "events", *["rate"] * _rated(reported)),
        tuple(notes),
    )


def _rated(reported: Reported) -> bool:
    """Whether the time is told that the events are of."""
    return any(row.statistic.endswith(".rate") for row in reported.rows)


def _cells(found: AdverseEvents, reported: Reported, name: str) -> dict[str, Cell]:
    cells: dict[str, Cell] = {}
    for arm in found.group.arms:
        cells[f"{arm}.patients"] = share_cell(reported.row(name, arm))
        cells[f"{arm}.events"] = number(reported.row(f"{name}.events", arm))
        if _rated(reported):
            cells[f"{arm}.rate"] = number(reported.row(f"{name}.rate", arm), 2)
    return cells


def answer_words(found: AdverseEvents, reported: Reported, *, level: str) -> str:
    """The chapter in one line: serious events and, where they are counted, reactions, by group."""
    said = [message("safety.answer.serious.unknown")]
    if "serious" in found.kinds:
        rows = rows_of_kind(found, reported, "serious")
        said = [message("safety.answer.serious", serious=share_words(rows, level=level))]
        said += [message("safety.answer.unsaid")] if "unsaid" in found.kinds else []
    if "serious_or_clinical" in found.kinds:
        either = share_words(rows_of_kind(found, reported, "serious_or_clinical"), level=level)
        about = {"clinical": found.clinical_name, "seriousness": found.seriousness}
        said.append(message("safety.answer.serious_or_clinical", arms=either, **about))
    if found.has_reactions:
        soon = share_words(rows_of_kind(found, reported, "soon"), level=level)
        said.append(message("safety.answer.soon", when=found.soon, soon=soon))
    return as_prose(said)


def overview_words(found: AdverseEvents, reported: Reported, *, level: str) -> str:
    """Any event, severe ones, and those that ended treatment, by group; what a zero means, and what is not known."""
    sentences = [_followed(found, reported)]
    for kind in ("any", "grade_3", "severe", "stopped"):
        if kind in found.kinds:
            rows = rows_of_kind(found, reported, kind)
            sentences += [
                message(f"safety.events.{kind}", arms=share_words(rows, level=level)),
                absence_words(rows),
            ]
    if found.scale is None:
        sentences.append(message("safety.events.no_severity"))
        if "unsaid" in found.kinds:
            serious = _unknown(found, reported, "unsaid")
            sentences.append(message("safety.events.unknown.serious", serious=serious))
    elif any(kind in found.kinds for kind in ONLY_IF_ANY):
        kind = next(kind for kind in ONLY_IF_ANY if SEVERE[kind] == found.scale.column)
        grade, serious = (_unknown(found, reported, each) for each in (kind, "unsaid"))
        sentences.append(message(f"safety.events.unknown.{found.scale.code}", worst=grade, serious=serious))
    return as_prose(sentences)


def unrelated_words(study: Study, found: AdverseEvents) -> str:
    """That no serious event was called related, where it is so of several; in an open trial, by whom."""
    serious = found.events[found.events["AESER"].eq("Y")]
    if (
        serious.empty
        or not {"serious", "related"} <= set(found.kinds)
        or serious["AREL"].ne("NOT RELATED").any()
    ):
        return ""
    is_open = as_stated(study.protocol.masking.value).casefold().startswith(("none", "open"))
    return message(f"safety.serious_unrelated{'.open' if is_open else ''}")


def _followed(found: AdverseEvents, reported: Reported) -> str:
    """For how long patients were followed for events, by group."""
    arms = [arm for arm in found.group.arms if found.group.size(arm)]
    return message(
        "safety.events.years",
        first=found.group.first,
        arms=joined(
            message(
                "safety.events.years.arm", years=span(row, numbers.positive(row.value, 2)), arm=of_group(arm)
            )
            for arm in arms
            for row in [reported.row("patient_years", arm)]
        ),
    )


def _unknown(found: AdverseEvents, reported: Reported, kind: str) -> str:
    """Of how many events something is not known, by group."""
    if kind not in found.kinds:
        return message("safety.events.unknown.none")
    rows = [reported.row(f"{kind}.events", arm) for arm in found.group.arms if found.group.size(arm)]
    return joined(
        message(
            "safety.events.unknown.arm",
            count=whole(row),
            noun=noun("event", row.value or 0),
            arm=of_group(row.arm),
        )
        for row in rows
    )
