"""A line a patient: who it is, values before treatment and last, infusions, decompensations, and how the course ended."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from esld.data.study import Study
from esld.protocol import Parameter
from esld.reasons import Reason, Why, because
from esld.report import numbers
from esld.report.parameters import CLASSES, analysed
from esld.report.patients.courses import Courses
from esld.report.results import Reported
from esld.report.tables import Table
from esld.report.words import in_prose

_OUTCOMES = {
    "completed": "Completed",
    "ongoing": "Under observation",
    "transplant": "Transplanted",
    "death": "Died",
}


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
    rows = []
    for patient in found.patients.to_dict("records"):
        lines: list[tuple[str, float, str, Reason | None]] = [
            ("age", patient["AGE"], "years", because(Why.NOT_RECORDED, what="age"))
        ]
        for parameter in parameters:
            own = values[parameter.paramcd]
            own = own[own["USUBJID"].eq(patient["USUBJID"])].sort_values("ADY", kind="stable")
            before, after = own.loc[own["AVISITN"].eq(0), "AVAL"], own[own["AVISITN"] > 0]
            lines.append(
                (f"{parameter.paramcd} baseline", _last(before), parameter.unit, because(Why.NO_BASELINE))
            )
            if parameter is parameters[0]:
                lines.append(
                    (
                        f"{parameter.paramcd} last",
                        _last(after["AVAL"]),
                        parameter.unit,
                        because(Why.NOTHING_AFTER),
                    )
                )
                lines.append(
                    (
                        f"{parameter.paramcd} last day",
                        _last(after["ADY"]),
                        "study day",
                        because(Why.NOTHING_AFTER),
                    )
                )
        lines.append(
            ("infusions", patient["infusions"], "infusions", because(Why.NOT_RECORDED, what="infusions"))
        )
        lines.append(
            (
                "reduced infusions",
                patient["reduced"],
                "infusions",
                because(Why.NOT_RECORDED, what="infusions"),
            )
        )
        own_marks = found.marks.loc[found.marks["USUBJID"].eq(patient["USUBJID"]), "kind"]
        lines += [(name, float(own_marks.eq(name).sum()), "episodes", None) for name in found.events]
        lines.append(("transplant day", patient["transplant"], "days", because(Why.NO_TRANSPLANT)))
        lines.append(("last day", patient["end"], "days", None))
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
    first = parameters[0]
    lines = []
    for patient in found.patients.to_dict("records"):

        def cell(statistic: str, decimals: int = 0, of: str = str(patient["number"])) -> str:
            value = reported.row(statistic, of).value
            return "" if value is None else numbers.fixed(value, decimals)

        line = {"Group": patient["TRT01P"], "Patient": str(patient["number"])}
        line["Age, sex"] = f"{cell('age')} {patient['SEX'] or ''}".strip()
        for parameter in parameters:
            text = cell(f"{parameter.paramcd} baseline", parameter.decimals)
            line[f"{_name(parameter)} at baseline"] = _with_class(parameter, text)
        line[f"{_name(first)} last (day)"] = _with_day(
            cell(f"{first.paramcd} last", first.decimals), cell(f"{first.paramcd} last day")
        )
        if "EX" in study.tables:
            reduced = cell("reduced infusions")
            line["Infusions"] = cell("infusions") + (f" ({reduced})" if reduced != "0" else "")
        line["Decompensations"] = _conditions({name: cell(name) for name in found.events})
        outcome = _outcome(patient)
        day = cell("transplant day" if patient["outcome"] == "transplant" else "last day")
        line["Outcome (day)"] = _with_day(outcome, day)
        lines.append(line)
    title = "Every patient: before treatment, on the way, and how the course ended"
    return Table("patients", title, pd.DataFrame(lines), {}, _footnotes(study, found, first), group="Group")


def _name(parameter: Parameter) -> str:
    """``MELD`` for a score called so: a narrow column needs a short heading."""
    return parameter.param.removesuffix(" score")


def _with_class(parameter: Parameter, text: str) -> str:
    if parameter.paramcd != "CPSCORE" or not text:
        return text
    return text + "".join(f" ({name})" for name, (low, high) in CLASSES.items() if low <= int(text) <= high)


def _with_day(value: str, day: str) -> str:
    return f"{value} ({day})" if value else ""


def _conditions(counts: dict[str, str]) -> str:
    """``Ascites; hepatic encephalopathy (2)``: single ones without their number."""
    parts = [name + (f" ({count})" if count != "1" else "") for name, count in counts.items() if count != "0"]
    return "; ".join([*parts[:1], *map(in_prose, parts[1:])]) or "None"


def _outcome(patient: Mapping[Any, Any]) -> str:
    """How a course ended; where follow-up ended early, the reason as exported."""
    outcome = str(patient["outcome"])
    if outcome == "death" and pd.notna(patient["transplant"]):
        return "Died, transplanted"
    return str(patient["reason"]) if outcome == "lost" else _OUTCOMES[outcome]


def _footnotes(study: Study, found: Courses, first: Parameter) -> tuple[str, ...]:
    notes = [
        f"Outcome (day): of death or transplantation, else of the last contact, counted from randomisation. "
        f"{_name(first)} last: last visit with a value, in study days, before any transplant."
    ]
    notes.append("Completed and under observation: with the own liver. Transplanted: alive when last seen.")
    if study.protocol.administrations and "EX" in study.tables:
        notes.append(
            f"Infusions planned: {len(study.protocol.administrations.value)}."
            + (" In brackets: stopped or reduced." if study.shows_dose else "")
        )
    if found.events:
        notes.append(
            "Decompensations: episodes after randomisation, with the own liver; the number where there are several."
        )
    if any(
        not study.protocol.endpoint(e.paramcd).recurrent
        for e in study.protocol.endpoints
        if e.param in found.events
    ):
        notes.append("Where single episodes are not recorded, only the first counts.")
    return tuple(notes)
