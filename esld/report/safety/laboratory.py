"""Laboratory values by CTCAE grade: from baseline to the worst afterwards, none of it after a transplantation.

Both sides are graded by one rule, the limits of normal. CTCAE grades some quantities after an abnormal baseline by multiples of
it; a table with limits on one side and multiples on the other shows patients as healed whose values never moved. The multiples
are shown by themselves (:mod:`esld.report.safety.multiples`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from esld import scoring
from esld.data.study import Study
from esld.longitudinal.shift import MISSING, ShiftTable, shift_table, worst_class
from esld.reasons import Why
from esld.report import needs
from esld.report.cells import Cell, Label, Number
from esld.report.cells import arm as arm_cell
from esld.report.phrases import prose, span
from esld.report.results import Reported
from esld.report.safety.counted import SafetySet, safety_set, share, share_cell
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import as_prose, in_prose, joined, of_group
from esld.scoring import units

GRADES = (0, 1, 2, 3, 4)
_SEVERE, _WORST = 3, 4

_Grader = Callable[[pd.DataFrame], Any]


def _against(limit: str, function: Callable[..., Any], stem: str, unit: str) -> _Grader:
    """A grade by the limit on the value's own record, as multiples of it, or where the function knows a fixed one, by that."""
    column = {"uln": "high", "lln": "low"}[limit]
    return lambda f: function(**{f"{stem}_{unit}": f.value, f"{stem}_{limit}_{unit}": f[column]})


_above, _below = partial(_against, "uln"), partial(_against, "lln")
# Unit and grade of each quantity that has one; the frame holds value, low and high in that unit.
_GRADERS: Mapping[str, tuple[str, _Grader]] = {
    "ALT": ("U/L", _above(scoring.ctcae_alt, "alt", "u_l")),
    "AST": ("U/L", _above(scoring.ctcae_ast, "ast", "u_l")),
    "ALP": ("U/L", _above(scoring.ctcae_alp, "alp", "u_l")),
    "GGT": ("U/L", _above(scoring.ctcae_ggt, "ggt", "u_l")),
    "BILI": ("umol/L", _above(scoring.ctcae_bilirubin, "bilirubin", "umol_l")),
    "ALB": ("g/L", _below(scoring.ctcae_albumin, "albumin", "g_l")),
    "INR": ("ratio", lambda f: scoring.ctcae_inr(inr=f.value)),
    "CREAT": ("umol/L", _above(scoring.ctcae_creatinine, "creatinine", "umol_l")),
    "SODIUM": ("mmol/L", _below(scoring.ctcae_sodium, "sodium", "mmol_l")),
    "PLAT": ("10^9/L", _below(scoring.ctcae_platelets, "platelets", "10_9_l")),
    "WBC": ("10^9/L", _below(scoring.ctcae_wbc, "wbc", "10_9_l")),
    "NEUT": ("10^9/L", _below(scoring.ctcae_neutrophils, "neutrophils", "10_9_l")),
    "HGB": ("g/L", _below(scoring.ctcae_haemoglobin, "haemoglobin", "g_l")),
}  # fmt: skip
_COLUMNS: Mapping[str, str] = {"value": "AVAL", "low": "ANRLO", "high": "ANRHI"}


@dataclass(frozen=True, eq=False)
class Graded:
    """Grades of one parameter: a row a patient as :func:`graded` returns them, and their cross-tabulation."""

    patients: pd.DataFrame
    table: ShiftTable


def own_values(study: Study, group: SafetySet, paramcd: str) -> pd.DataFrame:
    """Every value of a parameter before a transplantation, of the safety set; among them averages of a day, never its worst."""
    adlb = study.adlb
    return group.own(adlb[adlb["PARAMCD"].eq(paramcd) & adlb["POSTTPFL"].isna() & adlb["AVAL"].notna()])


def graded(study: Study, group: SafetySet, paramcd: str) -> pd.DataFrame:
    """CTCAE grade before treatment and the worst one after it, one row a patient.

    Both are graded by version 5's rules for a normal baseline, each value by the limits of normal on its own record; values
    outside every visit's window are among the later ones. A value without the limit of normal that its grade needs has none;
    beyond a fixed limit (platelets below 75) it needs none. The INR is graded as without an anticoagulant.

    Returns
    -------
    DataFrame
        ``USUBJID GROUP before after``: grades 0 to 4, missing where not known.
    """
    unit, grade = _GRADERS[paramcd]
    own = own_values(study, group, paramcd)
    frame = pd.DataFrame(
        {
            name: _converted(own[column], paramcd, study.protocol.parameter(paramcd).unit, unit)
            for name, column in _COLUMNS.items()
        }
    ).assign(USUBJID=own["USUBJID"])
    frame = frame.assign(**{limit: frame[limit].where(frame[limit] > 0) for limit in ("low", "high")})
    frame = frame.assign(grade=_whole(grade(frame)))
    first, later = frame[own["ABLFL"].eq("Y")], frame[own["ADY"].gt(1)]
    worst = worst_class(later, subject="USUBJID", value="grade", categories=GRADES)
    people = group.people[["USUBJID", "GROUP"]].reset_index(drop=True)
    return people.assign(
        before=people["USUBJID"].map(first.set_index("USUBJID")["grade"]).astype(object),
        after=people["USUBJID"].map(worst).astype(object),
    )


def _converted(values: pd.Series, paramcd: str, from_unit: str, to_unit: str) -> Any:
    return (
        values
        if from_unit == to_unit
        else units.convert(values, analyte=paramcd, from_unit=from_unit, to_unit=to_unit)
    )


def _whole(grades: Any) -> np.ndarray:
    return np.array([None if pd.isna(grade) else int(grade) for grade in grades], dtype=object)


def shifts(study: Study, group: SafetySet) -> dict[str, Graded]:
    """Baseline grade against the worst afterwards, for every parameter of the protocol that CTCAE grades.

    Nothing where nobody has a grade after baseline.
    """
    needs.require(study, "safety_set")
    found = {}
    for code in _gradable(study):
        if study.adlb["PARAMCD"].eq(code).any():
            patients = graded(study, group, code)
            table = shift_table(
                patients, subject="USUBJID", group="GROUP", baseline="before", after="after", categories=GRADES,
                groups=group.arms,
            )  # fmt: skip
            found[code] = Graded(patients, table)
    return found if any(own.patients["after"].notna().any() for own in found.values()) else {}


def _gradable(study: Study) -> list[str]:
    """The protocol's laboratory values that have a grade."""
    own = (parameter for parameter in study.protocol.parameters if parameter.kind == "laboratory")
    return [parameter.paramcd for parameter in own if parameter.paramcd in _GRADERS]


def shift_rows(found: Mapping[str, Graded], *, conf_level: float) -> pd.DataFrame:
    """Long form: by group, ``ALT.0_to_2`` for each pair of grades that occurs, and three shares of patients.

    ``ALT.worse``: the worst grade is higher than that at baseline. ``ALT.newly_severe``: grade 3 or 4, and 2 or lower at
    baseline. ``ALT.newly_4``: grade 4, and lower at baseline. ``ALT.3_then_4``: grade 4, and 3 at baseline. All of those with
    a grade before and after. ``ALT.severe``: grade 3 or 4, of all with a grade after baseline.
    """
    parts = [pd.DataFrame(columns=["group", "statistic", "value"])]
    for code, result in found.items():
        for arm in result.table.groups:
            own = result.patients[result.patients["GROUP"].eq(arm)]
            after, before_it = own["after"].astype(float), own["before"].astype(float)
            known, seen = own["before"].notna() & own["after"].notna(), own["after"].notna()
            shares = {
                "worse": ((after > before_it) & known, known),
                "newly_severe": (after.ge(_SEVERE) & (before_it < _SEVERE) & known, known),
                "newly_4": (after.eq(_WORST) & (before_it < _WORST) & known, known),
                "3_then_4": (after.eq(_WORST) & before_it.eq(_SEVERE) & known, known),
                "severe": (after.ge(_SEVERE), seen),
            }
            for what, (is_so, of) in shares.items():
                parts.append(
                    share(
                        f"{code}.{what}",
                        arm,
                        int(is_so.sum()),
                        int(of.sum()),
                        conf_level=conf_level,
                        nobody=Why.NOBODY_WITH_GRADES,
                    )
                )
            counts = result.table.matrix(arm)
            cells = [
                {
                    "group": arm,
                    "statistic": f"{code}.{_grade(before)}_to_{_grade(after)}",
                    "value": int(counts.loc[before, after]),
                }
                for before in counts.index
                for after in counts.columns
                if counts.loc[before, after]
            ]
            parts.append(pd.DataFrame(cells).assign(n=len(own), unit="patients", method="count"))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def _grade(grade: object) -> str:
    """``0`` to ``4``, or ``missing``."""
    return "missing" if grade == MISSING else str(grade)


def _version(study: Study) -> str:
    """By which rules values are graded, and which of them."""
    return as_prose([message("safety.grades.version"), worst_words(study)])


def worst_words(study: Study) -> str:
    """Of which values the worst is meant."""
    return message(f"safety.grades.worst.{'organ' if study.protocol.transplant else 'all'}")


def grade_table(study: Study, found: Mapping[str, Graded], reported: Reported) -> Table | None:
    """Patients who got worse and who reached grade 3 or 4, a line a parameter; None where nobody has a grade."""
    if not found:
        return None
    shares = ("worse", "newly_severe", "newly_4")
    lines = []
    for code, result in found.items():
        line: dict[str, Cell] = {"parameter": Label(study.protocol.parameter(code).param, code)}
        for arm in result.table.groups:
            line |= {f"{arm}.{what}": share_cell(reported.row(f"{code}.{what}", arm)) for what in shares}
        lines.append(line)
    spanners = {arm_label(arm): [f"{arm}.{what}" for what in shares] for arm in study.arms}
    inr = [message("safety.grades.inr")] if "INR" in found else []
    notes = (
        _version(study),
        as_prose([message("safety.grades.against"), *inr]),
        safety_set(study).note,
    )
    title = message("safety.grades.title")
    return Table("laboratory_grades", title, lines, spanners=spanners, footnotes=notes)


def every_shift(study: Study, found: Mapping[str, Graded]) -> Table | None:
    """A block a parameter, a line a group and baseline grade, a column a worst grade; None where nobody has a grade."""
    if not found:
        return None
    lines = []
    for code, result in found.items():
        for arm in result.table.groups:
            own = result.table.matrix(arm)
            for before in (b for b in own.index if own.loc[b].any()):
                head = {
                    "parameter": Label(study.protocol.parameter(code).param, code),
                    "group": arm_cell(arm),
                    "at_baseline": Label(_name(before), _grade(before)),
                }
                worst = {
                    f"grade_{_grade(after)}": Number(int(own.loc[before, after])) for after in own.columns
                }
                lines.append(head | worst)
    heads = {f"grade_{_grade(after)}": _name(after) for after in (*GRADES, MISSING)}
    version = message("safety.shifts.version", version=_version(study))
    without = [in_prose(study.protocol.parameter(code).param) for code in ("INR", "ALB") if code in found]
    none_4 = [message("safety.shifts.none_4", parameters=joined(without))] if without else []
    notes = (version, *none_4, safety_set(study).note)
    return Table(
        "laboratory_shifts", message("safety.shifts.title"), lines, footnotes=notes, group="parameter", heads=heads,
    )  # fmt: skip


def _name(grade: object) -> str:
    return message("safety.grade.missing") if grade == MISSING else message("safety.grade", grade=grade)


def shift_words(study: Study, found: Mapping[str, Graded], reported: Reported) -> str:
    """Which values rose to grade 3 or 4 from a lower one, and from 3 to 4, in how many."""
    if not found:
        collected = any(parameter.kind == "laboratory" for parameter in study.protocol.parameters)
        why = "nothing" if _gradable(study) else "ungraded" if collected else "not_collected"
        return message(f"safety.laboratory.{why}")
    said = []
    for what in ("newly_severe", "3_then_4"):
        if parts := _shifted(study, found, reported, what):
            said.append(message(f"safety.laboratory.{what}", parameters=message("reasons.list").join(parts)))
    return as_prose(said) or message("safety.laboratory.none")


def _shifted(study: Study, found: Mapping[str, Graded], reported: Reported, what: str) -> list[str]:
    """The parameters in which somebody had that shift, each with how many of each group."""
    parts = []
    for code, result in found.items():
        every = (reported.row(f"{code}.{what}", arm) for arm in result.table.groups)
        rows = [row for row in every if row.n]
        if any(row.events for row in rows):
            arms = joined(
                message("safety.laboratory.arm", x=span(r, str(r.events)), n=span(r, str(r.n)), arm=of_group(r.arm)) for r in rows
            )  # fmt: skip
            name = prose(study.protocol.parameter(code).param)
            parts.append(message("safety.laboratory.parameter", parameter=name, arms=arms))
    return parts
