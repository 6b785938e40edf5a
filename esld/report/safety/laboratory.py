"""Laboratory values by CTCAE grade: from baseline to the worst afterwards, none of it after a transplantation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from esld import scoring
from esld.data import dates
from esld.data.sdtm import Tables
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
from esld.report.words.grammar import in_prose, joined, of_group
from esld.scoring import units

GRADES = (0, 1, 2, 3, 4)
_SEVERE = 3
# Graded in multiples of the baseline where that is abnormal.
_OF_BASELINE = ("ALT", "AST", "ALP", "GGT", "BILI")
# What a record of CM must name for an INR to be graded as on an anticoagulant.
ANTICOAGULANTS = ("WARFARIN", "ACENOCOUMAROL", "PHENPROCOUMON", "FLUINDIONE")

_Grader = Callable[[pd.DataFrame], Any]


def _of_baseline(function: Callable[..., Any], stem: str, unit: str) -> _Grader:
    """A grade by multiples of the limit or of an abnormal baseline, each judged by the limit of its own record."""
    arguments = {"": "value", "_uln": "high", "_baseline": "base", "_baseline_uln": "base_high"}
    return lambda f: function(**{f"{stem}{end}_{unit}": f[column] for end, column in arguments.items()})


# Unit and grade of each quantity that has one; the frame holds value, low, high, base, base_high (in that unit) and vka.
_GRADERS: Mapping[str, tuple[str, _Grader]] = {
    "ALT": ("U/L", _of_baseline(scoring.ctcae_alt, "alt", "u_l")),
    "AST": ("U/L", _of_baseline(scoring.ctcae_ast, "ast", "u_l")),
    "ALP": ("U/L", _of_baseline(scoring.ctcae_alp, "alp", "u_l")),
    "GGT": ("U/L", _of_baseline(scoring.ctcae_ggt, "ggt", "u_l")),
    "BILI": ("umol/L", _of_baseline(scoring.ctcae_bilirubin, "bilirubin", "umol_l")),
    "ALB": ("g/L", lambda f: scoring.ctcae_albumin(albumin_g_l=f.value, albumin_lln_g_l=f.low)),
    "INR": (
        "ratio",
        lambda f: scoring.ctcae_inr(inr=f.value, anticoagulated=f.vka.astype(float), inr_baseline=f.base),
    ),
    "CREAT": (
        "umol/L",
        lambda f: scoring.ctcae_creatinine(
            creatinine_umol_l=f.value, creatinine_uln_umol_l=f.high, creatinine_baseline_umol_l=f.base
        ),
    ),
    "SODIUM": ("mmol/L", lambda f: scoring.ctcae_sodium(sodium_mmol_l=f.value, sodium_lln_mmol_l=f.low)),
    "PLAT": (
        "10^9/L",
        lambda f: scoring.ctcae_platelets(platelets_10_9_l=f.value, platelets_lln_10_9_l=f.low),
    ),
    "WBC": ("10^9/L", lambda f: scoring.ctcae_wbc(wbc_10_9_l=f.value, wbc_lln_10_9_l=f.low)),
    "NEUT": (
        "10^9/L",
        lambda f: scoring.ctcae_neutrophils(neutrophils_10_9_l=f.value, neutrophils_lln_10_9_l=f.low),
    ),
    "HGB": ("g/L", lambda f: scoring.ctcae_haemoglobin(haemoglobin_g_l=f.value, haemoglobin_lln_g_l=f.low)),
}


_COLUMNS: Mapping[str, str] = {
    "value": "AVAL", "low": "ANRLO", "high": "ANRHI", "base": "BASE", "base_high": "BNRHI",
}  # fmt: skip


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

    The baseline value is graded as if nothing were known before it. Later values, those outside every visit's window
    included, are graded with version 5's rules for an abnormal baseline; a patient without a baseline value as after
    a normal one. Each side is graded by the limits on its own record, and whether the baseline is abnormal is judged by
    those of the baseline. A value without the limit of normal that its grade needs has none; beyond a fixed limit
    (platelets below 75) it needs none.

    Returns
    -------
    DataFrame
        ``USUBJID GROUP before after relative``: grades 0 to 4, missing where not known; ``relative`` where the later grades
        are in multiples of an abnormal baseline.
    """
    unit, grade = _GRADERS[paramcd]
    own = own_values(study, group, paramcd)
    frame = pd.DataFrame(
        {
            name: _converted(own[column], paramcd, study.protocol.parameter(paramcd).unit, unit)
            for name, column in _COLUMNS.items()
        }
    ).assign(USUBJID=own["USUBJID"], ADT=own["ADT"])
    frame["vka"] = on_anticoagulant(study.tables, frame)
    limits = ("low", "high", "base_high")
    frame = frame.assign(**{limit: frame[limit].where(frame[limit] > 0) for limit in limits})
    first, later = own["ABLFL"].eq("Y"), own["ADY"].gt(1)
    # A baseline at its upper limit is a normal one, and makes every rule that of the value's own limit.
    normal = {name: frame["high"].fillna(1.0) for name in ("base", "base_high")}
    at_baseline = frame.assign(vka=False, **normal)[first]
    unknown = frame["base"].isna() & ~frame["vka"]
    after = frame.assign(**{name: frame[name].mask(unknown, limit) for name, limit in normal.items()})[later]
    people = group.people[["USUBJID", "GROUP"]].reset_index(drop=True)
    before = pd.Series(_whole(grade(at_baseline)), at_baseline["USUBJID"], dtype=object)
    worst = worst_class(
        after.assign(grade=_whole(grade(after))), subject="USUBJID", value="grade", categories=GRADES
    )
    abnormal = at_baseline.loc[at_baseline["value"] > at_baseline["high"], "USUBJID"]
    return people.assign(
        before=people["USUBJID"].map(before).astype(object),
        after=people["USUBJID"].map(worst).astype(object),
        relative=people["USUBJID"].isin(abnormal) & (paramcd in _OF_BASELINE),
    )


def _converted(values: pd.Series, paramcd: str, from_unit: str, to_unit: str) -> Any:
    return (
        values
        if from_unit == to_unit
        else units.convert(values, analyte=paramcd, from_unit=from_unit, to_unit=to_unit)
    )


def _whole(grades: Any) -> np.ndarray:
    return np.array([None if pd.isna(grade) else int(grade) for grade in grades], dtype=object)


def on_anticoagulant(tables: Tables, values: pd.DataFrame) -> pd.Series:
    """Whether a vitamin K antagonist is recorded for the day of each value (``USUBJID ADT``); nobody's without CM.

    A record without a start began before; one without an end goes on.
    """
    if "CM" not in tables:
        return pd.Series(False, values.index)
    cm = tables["CM"]
    cm = cm[cm["CMDECOD"].isin(ANTICOAGULANTS)]
    ends = cm["CMENDTC"] if "CMENDTC" in cm else pd.Series(None, cm.index, dtype=object)
    spans = cm[["USUBJID"]].assign(start=dates.earliest(cm["CMSTDTC"]), end=dates.latest(ends))
    spans = spans.fillna({"start": pd.Timestamp.min, "end": pd.Timestamp.max})
    pairs = values[["USUBJID", "ADT"]].reset_index().merge(spans, on="USUBJID")
    return pd.Series(
        values.index.isin(pairs.loc[pairs["ADT"].between(pairs["start"], pairs["end"]), "index"]),
        values.index,
    )


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

    ``ALT.worse``: the worst grade is higher than that at baseline or, in multiples of an abnormal baseline, 1 or more.
    ``ALT.newly_severe``: grade 3 or 4, and lower at baseline or in multiples of it. Both of those with a grade before
    and after. ``ALT.severe``: grade 3 or 4, of all with a grade after baseline.
    """
    parts = [pd.DataFrame(columns=["group", "statistic", "value"])]
    for code, result in found.items():
        for arm in result.table.groups:
            own = result.patients[result.patients["GROUP"].eq(arm)]
            after = own["after"].astype(float)
            limit = (
                own["before"].astype(float).mask(own["relative"], 0.0)
            )  # what a grade must be above to be news
            known, seen = own["before"].notna() & own["after"].notna(), own["after"].notna()
            shares = {
                "worse": ((after > limit) & known, known),
                "newly_severe": (after.ge(_SEVERE) & (limit < _SEVERE) & known, known),
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


def tables(study: Study, found: Mapping[str, Graded], reported: Reported) -> Sequence[Table]:
    """Both tables of the grades; none where nobody has one."""
    return (grade_table(study, found, reported), shift_tables(study, found)) if found else ()


def _version(study: Study, found: Mapping[str, Graded]) -> str:
    """By which rules values are graded, and which of them."""
    relative = joined(
        in_prose(study.protocol.parameter(code).param) for code in found if code in _OF_BASELINE
    )
    multiples = [message("safety.grades.multiples", parameters=relative)] if relative else []
    own = "organ" if study.protocol.transplant else "all"
    return " ".join([message("safety.grades.version"), *multiples, message(f"safety.grades.worst.{own}")])


def grade_table(study: Study, found: Mapping[str, Graded], reported: Reported) -> Table:
    """Patients who got worse and who reached grade 3 or 4, a line a parameter."""
    shares = ("worse", "severe", "newly_severe")
    lines = []
    for code, result in found.items():
        line: dict[str, Cell] = {"parameter": Label(study.protocol.parameter(code).param, code)}
        for arm in result.table.groups:
            line |= {f"{arm}.{what}": share_cell(reported.row(f"{code}.{what}", arm)) for what in shares}
        lines.append(line)
    spanners = {arm_label(arm): [f"{arm}.{what}" for what in shares] for arm in study.arms}
    inr = [message("safety.grades.inr")] if "INR" in found else []
    notes = (
        _version(study, found),
        " ".join([message("safety.grades.against"), *inr]),
        safety_set(study).note,
    )
    title = message("safety.grades.title")
    return Table("laboratory_grades", title, lines, spanners=spanners, footnotes=notes)


def shift_tables(study: Study, found: Mapping[str, Graded]) -> Table:
    """Every shift: a block a parameter, a line a group and baseline grade, a column a worst grade."""
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
    version = message("safety.shifts.version", version=_version(study, found))
    without = [in_prose(study.protocol.parameter(code).param) for code in ("INR", "ALB") if code in found]
    none_4 = [message("safety.shifts.none_4", parameters=joined(without))] if without else []
    notes = (version, *none_4, safety_set(study).note)
    return Table(
        "laboratory_shifts", message("safety.shifts.title"), lines, footnotes=notes, group="parameter", heads=heads,
    )  # fmt: skip


def _name(grade: object) -> str:
    return message("safety.grade.missing") if grade == MISSING else message("safety.grade", grade=grade)


def shift_words(study: Study, found: Mapping[str, Graded], reported: Reported) -> str:
    """Which values newly reached grade 3 or 4, in how many."""
    if not found:
        collected = any(parameter.kind == "laboratory" for parameter in study.protocol.parameters)
        why = "nothing" if _gradable(study) else "ungraded" if collected else "not_collected"
        return message(f"safety.laboratory.{why}")
    parts = []
    for code, result in found.items():
        every = (reported.row(f"{code}.newly_severe", arm) for arm in result.table.groups)
        rows = [row for row in every if row.n]
        if any(row.events for row in rows):
            arms = joined(
                message("safety.laboratory.arm", x=span(r, str(r.events)), n=span(r, str(r.n)), arm=of_group(r.arm)) for r in rows
            )  # fmt: skip
            parts.append(
                message(
                    "safety.laboratory.parameter",
                    parameter=prose(study.protocol.parameter(code).param),
                    arms=arms,
                )
            )
    return (
        message("safety.laboratory", parameters=message("reasons.list").join(parts))
        if parts
        else message("safety.laboratory.none")
    )
