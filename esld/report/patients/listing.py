"""A line a patient: who it is, values before treatment and last, treatment, events on the way, and how the course ended."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from esld.data.study import Study
from esld.protocol import Parameter
from esld.reasons import Reason, Why, because
from esld.report import cells
from esld.report.cells import Cell, Data, Empty, Label, Number, Several, number, several
from esld.report.parameters import CLASSES, analysed
from esld.report.patients.courses import AFTER_TRANSPLANT, Courses, recorded
from esld.report.phrases import disposition
from esld.report.randomised import patient_numbers
from esld.report.results import Reported
from esld.report.serious import clinical_name, serious_adverse_events, unsaid_words
from esld.report.tables import Table
from esld.report.words.catalogue import has, message
from esld.report.words.grammar import capitalised, in_prose, joined, short


def listing_rows(study: Study, found: Courses, codes: Sequence[str]) -> pd.DataFrame:
    """The numbers of each patient in long form; the group is the patient's number. No rows of nobody.

    Parameters
    ----------
    study : Study
        The cut.
    found : Courses
        The courses of its patients.
    codes : sequence of str
        Parameters: values at baseline, of each; and the last after it, of the first.

    Returns
    -------
    DataFrame
        ``group statistic value unit method``; a number that a patient does not have is missing, with its ``reason``.
    """
    if found.patients.empty:
        return pd.DataFrame()
    parameters = [study.protocol.parameter(code) for code in codes]
    values = {p.paramcd: analysed(study, p.paramcd) for p in parameters}
    randomised = study.randomised.set_index("USUBJID")["RANDDT"]
    rows, serious = [], dict[Hashable, int]()
    if len(study.adae):
        serious = serious_adverse_events(study)["USUBJID"].value_counts().to_dict()
    for patient in found.patients.to_dict("records"):
        lines: list[tuple[str, float, str, Reason | None]] = [
            ("age", patient["AGE"], "years", because(Why.NOT_RECORDED, what="age"))
        ]
        for parameter in parameters:
            own = values[parameter.paramcd]
            own = own[own["USUBJID"].eq(patient["USUBJID"])].sort_values("ADY", kind="stable")
            before, after = own.loc[own["AVISITN"].eq(0), "AVAL"], own[own["AVISITN"] > 0]
            code, unit = parameter.paramcd, parameter.unit
            lines.append((f"{code}_baseline", _last(before), unit, because(Why.NO_BASELINE)))
            if parameter is parameters[0]:
                late = because(Why.NOTHING_AFTER)
                lines.append((f"{code}_last", _last(after["AVAL"]), unit, late))
                day = (after["ADT"] - randomised[patient["USUBJID"]]).dt.days
                lines.append((f"{code}_last_day", _last(day), "days", late))
        unknown = because(Why.NOT_RECORDED, what="administrations")
        if study.protocol.treatment.regimen == "continuous":
            lines.append(("days_treated", patient["days_treated"], "days", unknown))
        else:
            lines.append(("administrations", patient["administrations"], "administrations", unknown))
            lines.append(("reduced_administrations", patient["reduced"], "administrations", unknown))
        own_marks = found.marks.loc[found.marks["USUBJID"].eq(patient["USUBJID"]), "kind"]
        lines += [(code, float(own_marks.eq(code).sum()), "episodes", None) for code in found.events]
        if len(study.adae):
            lines.append(
                ("serious_adverse_events", float(serious.get(patient["USUBJID"], 0)), "events", None)
            )
        if found.grafts:
            lines.append(("transplant_day", patient["transplant"], "days", because(Why.NO_TRANSPLANT)))
        lines.append(("last_day", patient["end"], "days", None))
        for statistic, value, unit, why in lines:
            about = {"group": patient["number"], "statistic": statistic, "unit": unit, "method": "listing"}
            rows.append(about | {"value": value, "reason": why if pd.isna(value) else None})
    return pd.DataFrame(rows)


def _last(values: pd.Series) -> float:
    return float(values.iloc[-1]) if len(values) else float("nan")


def listing_table(study: Study, found: Courses, reported: Reported, codes: Sequence[str]) -> Table | None:
    """A line a patient, a block an arm, from the rows of :func:`listing_rows`; None of nobody."""
    if not reported.rows:
        return None
    parameters = [study.protocol.parameter(code) for code in codes]
    first = parameters[0] if parameters else None
    lines = []
    for patient in found.patients.to_dict("records"):

        def cell(statistic: str, decimals: int = 0, of: str = str(patient["number"])) -> Number | Empty:
            row = reported.row(statistic, of)
            return Empty() if row.value is None else number(row, decimals)

        line: dict[str, Cell] = {
            "group": cells.arm(patient["ARMCD"]),
            "patient": Data(str(patient["number"])),
        }
        both = {"age": cell("age"), "sex": _sex(patient["SEX"] or "")}
        both = {name: own for name, own in both.items() if own.text}
        line["age_sex"] = several(" ".join("{}" for _ in both), **both)
        for parameter in parameters:
            value = cell(f"{parameter.paramcd}_baseline", parameter.decimals)
            line[f"{parameter.paramcd}.baseline"] = _with_class(parameter, value)
        if first:
            line[f"{first.paramcd}.last"] = _with_day(
                cell(f"{first.paramcd}_last", first.decimals), cell(f"{first.paramcd}_last_day")
            )
        if recorded(study) == "continuous":
            line["days_treated"] = cell("days_treated")
        elif recorded(study):
            given, reduced = cell("administrations"), cell("reduced_administrations")
            form = "{0}" if reduced.text in ("", "0") else "{0} ({1})"
            line["administrations"] = Several(form, ("given", "reduced"), (given, reduced))
        if len(study.adae):
            line["serious"] = cell("serious_adverse_events")
        if found.events:
            line["on_the_way"] = _conditions(found.events, {code: cell(code) for code in found.events})
        day = cell("transplant_day" if patient["outcome"] == "transplant" else "last_day")
        line["outcome"] = several("{} ({})", outcome=_outcome(patient), day=day)
        lines.append(line)
    heads = {name: message(f"listing.{name}") for name in ("age_sex", "serious", "outcome", "days_treated")}
    heads["on_the_way"] = capitalised(clinical_name(study.protocol)) or message("listing.on_the_way")
    heads |= {
        f"{p.paramcd}.baseline": message("listing.baseline", parameter=short(p.param)) for p in parameters
    }
    if first:
        heads[f"{first.paramcd}.last"] = message("listing.last", parameter=short(first.param))
    hollow = [name for name in lines[0] if "." in name and not any(line[name].text for line in lines)]
    lines = [{name: cell for name, cell in line.items() if name not in hollow} for line in lines]
    notes = _footnotes(study, found, first if first and f"{first.paramcd}.last" not in hollow else None)
    if hollow:
        notes += (message("listing.note.nobody", columns=joined([heads.pop(name) for name in hollow])),)
    notes += tuple(filter(None, [unsaid_words(study)]))
    return Table("patients", message("listing.title"), lines, {}, notes, group="group", heads=heads)


def _with_class(parameter: Parameter, score: Number | Empty) -> Cell:
    if parameter.paramcd != "CPSCORE" or isinstance(score, Empty):
        return score
    classes = (name for name, (low, high) in CLASSES.items() if low <= int(score.value or 0) <= high)
    return next((several("{} ({})", score=score, grade=Label(name)) for name in classes), score)


def _with_day(value: Cell, day: Cell) -> Cell:
    return several("{} ({})", last=value, day=day) if value.text else Empty()


def _conditions(names: Mapping[str, str], counts: dict[str, Number | Empty]) -> Several:
    """``Ascites; hepatic encephalopathy (2)``: single ones without their number."""
    parts: list[str] = []
    for place, (code, count) in enumerate(counts.items()):
        if count.text != "0":
            name = (in_prose(names[code]) if parts else names[code]).replace("{", "{{").replace("}", "}}")
            one = count.text == "1"
            parts.append(name if one else message("listing.times", condition=name, count=f"{{{place}}}"))
    form = message("reasons.list").join(parts) or message("listing.none")
    return Several(form, tuple(counts), tuple(counts.values()), words=True)


def _outcome(patient: Mapping[Any, Any]) -> Label | Data:
    """How a course ended; where follow-up ended early, the reason as exported."""
    outcome = str(patient["ended"] if patient["outcome"] == "event" else patient["outcome"])
    if outcome == "lost":
        return Data(capitalised(disposition(str(patient["reason"]))))
    if outcome == "death" and pd.notna(patient["transplant"]):
        outcome = AFTER_TRANSPLANT
    return Label(message(f"listing.{outcome}"), outcome)


def _footnotes(study: Study, found: Courses, first: Parameter | None) -> tuple[str, ...]:
    grafts = ".own" if found.grafts else ""
    notes = [message(f"listing.note.day{grafts}")]
    if first:
        notes.append(message(f"listing.note.last{grafts}", parameter=short(first.param)))
    if grafts:
        notes.append(message("listing.note.outcomes"))
    if study.protocol.administrations and recorded(study) == "administrations":
        key = "listing.note.dose" if study.shows_dose else "listing.note.administrations"
        notes.append(message(key, planned=len(study.protocol.administrations.value)))
    if found.events:
        notes.append(message(f"listing.note.on_the_way{grafts}"))
    if any(not study.protocol.endpoint(code).recurrent for code in found.events):
        notes.append(message("listing.note.first"))
    early = study.randomised["DTHDT"] < study.randomised["RANDDT"]
    if early.any():
        who = study.randomised.loc[early, "USUBJID"].map(patient_numbers(study))
        notes.append(message("listing.note.early", patients=joined(map(str, who))))
    return tuple(notes)


def _sex(code: str) -> Cell:
    key = f"listing.sex.{code}"
    return Label(message(key), code) if has(key) else Data(code)
