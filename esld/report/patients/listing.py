"""A line a patient: who it is, values before treatment and last, infusions, decompensations, and how the course ended."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from esld.data.study import Study
from esld.protocol import Parameter
from esld.reasons import Reason, Why, because
from esld.report.cells import Cell, Data, Empty, Label, Number, Several, number, several
from esld.report.parameters import CLASSES, analysed
from esld.report.patients.courses import Courses
from esld.report.results import Reported
from esld.report.tables import Table
from esld.report.words.grammar import in_prose

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

        def cell(statistic: str, decimals: int = 0, of: str = str(patient["number"])) -> Number | Empty:
            row = reported.row(statistic, of)
            return Empty() if row.value is None else number(row, decimals)

        line: dict[str, Cell] = {"Group": Label(patient["ARMCD"]), "Patient": Data(str(patient["number"]))}
        both = {"age": cell("age"), "sex": Data(patient["SEX"] or "")}
        both = {name: own for name, own in both.items() if own.text}
        line["Age, sex"] = several(" ".join("{}" for _ in both), **both)
        for parameter in parameters:
            value = cell(f"{parameter.paramcd} baseline", parameter.decimals)
            line[f"{_name(parameter)} at baseline"] = _with_class(parameter, value)
        line[f"{_name(first)} last (day)"] = _with_day(
            cell(f"{first.paramcd} last", first.decimals), cell(f"{first.paramcd} last day")
        )
        if "EX" in study.tables:
            given, reduced = cell("infusions"), cell("reduced infusions")
            form = "{0}" if reduced.text in ("", "0") else "{0} ({1})"
            line["Infusions"] = Several(form, ("given", "reduced"), (given, reduced))
        line["Decompensations"] = _conditions({name: cell(name) for name in found.events})
        day = cell("transplant day" if patient["outcome"] == "transplant" else "last day")
        line["Outcome (day)"] = several("{} ({})", outcome=_outcome(patient), day=day)
        lines.append(line)
    title = "Every patient: before treatment, on the way, and how the course ended"
    return Table("patients", title, lines, {}, _footnotes(study, found, first), group="Group")


def _name(parameter: Parameter) -> str:
    """``MELD`` for a score called so: a narrow column needs a short heading."""
    return parameter.param.removesuffix(" score")


def _with_class(parameter: Parameter, score: Number | Empty) -> Cell:
    if parameter.paramcd != "CPSCORE" or isinstance(score, Empty):
        return score
    classes = (name for name, (low, high) in CLASSES.items() if low <= int(score.value or 0) <= high)
    return next((several("{} ({})", score=score, grade=Label(name)) for name in classes), score)


def _with_day(value: Cell, day: Cell) -> Cell:
    return several("{} ({})", last=value, day=day) if value.text else Empty()


def _conditions(counts: dict[str, Number | Empty]) -> Several:
    """``Ascites; hepatic encephalopathy (2)``: single ones without their number."""
    parts = [
        name.replace("{", "{{").replace("}", "}}") + (f" ({{{place}}})" if count.text != "1" else "")
        for place, (name, count) in enumerate(counts.items())
        if count.text != "0"
    ]
    form = "; ".join([*parts[:1], *map(in_prose, parts[1:])]) or "None"
    return Several(form, tuple(counts), tuple(counts.values()), words=True)


def _outcome(patient: Mapping[Any, Any]) -> Label | Data:
    """How a course ended; where follow-up ended early, the reason as exported."""
    outcome = str(patient["outcome"])
    if outcome == "death" and pd.notna(patient["transplant"]):
        return Label("Died, transplanted")
    return Data(str(patient["reason"])) if outcome == "lost" else Label(_OUTCOMES[outcome])


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
