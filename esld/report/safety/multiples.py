"""Peaks after an abnormal baseline, as multiples of it: CTCAE grades so, and a shift by the limits of normal does not show it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from esld.data.study import Study
from esld.reasons import Why
from esld.report.cells import Cell, Label, Number
from esld.report.phrases import prose, span
from esld.report.results import Reported
from esld.report.safety.counted import SafetySet, safety_set, share, share_cell
from esld.report.safety.laboratory import Graded, own_values, worst_words
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import in_prose, joined, of_group

# Quantities of which CTCAE version 5 has a grade by multiples of the baseline; of creatinine of any, of the others of an
# abnormal one.
_OF_BASELINE = ("ALT", "AST", "ALP", "GGT", "BILI", "CREAT", "INR")
_OF_ANY = ("CREAT",)
# Classes of a peak over the baseline, each up to its limit and that included.
CLASSES: Mapping[str, float] = {"no_worse": 1.0, "to_1_5": 1.5, "to_3": 3.0, "above_3": np.inf}
_HIGHEST = "above_3"


def multiples(study: Study, group: SafetySet, found: Mapping[str, Graded]) -> pd.DataFrame:
    """Peak after baseline over the patient's own baseline, one row a patient and quantity.

    Parameters
    ----------
    study : Study
    group : SafetySet
    found : dict of str to Graded
        Grades by the limits of normal: a baseline of grade 1 or more is abnormal.

    Returns
    -------
    DataFrame
        ``PARAMCD USUBJID GROUP multiple class`` of patients with a baseline that counts and a value after it; `class` one of
        :data:`CLASSES`. Values after a transplantation are not looked at.
    """
    parts = [pd.DataFrame(columns=["PARAMCD", "USUBJID", "GROUP", "multiple", "class"])]
    for code in _codes(found):
        own, patients = own_values(study, group, code), found[code].patients
        abnormal = patients["before"].ge(1) if code not in _OF_ANY else patients["USUBJID"].notna()
        own = own[
            own["USUBJID"].isin(patients.loc[abnormal, "USUBJID"]) & own["ADY"].gt(1) & own["BASE"].gt(0)
        ]
        peak = (own["AVAL"] / own["BASE"]).round(8).groupby([own["USUBJID"], own["GROUP"]]).max()
        frame = peak.rename("multiple").reset_index().assign(PARAMCD=code)
        place = np.searchsorted(list(CLASSES.values()), frame["multiple"])
        parts.append(frame.assign(**{"class": np.array(list(CLASSES), dtype=object)[place]}))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def _codes(found: Mapping[str, Graded]) -> list[str]:
    return [code for code in found if code in _OF_BASELINE]


def multiple_rows(found: pd.DataFrame, group: SafetySet, *, conf_level: float) -> pd.DataFrame:
    """Long form: by quantity, group and class the patients whose peak lies in it, as ``BILI.above_3``."""
    parts = [pd.DataFrame(columns=["group", "statistic", "value"])]
    for code, every in found.groupby("PARAMCD", sort=False):
        for arm in group.arms:
            own = every[every["GROUP"].eq(arm)]
            for name in CLASSES:
                x = int(own["class"].eq(name).sum())
                parts.append(
                    share(
                        f"{code}.{name}",
                        arm,
                        x,
                        len(own),
                        conf_level=conf_level,
                        nobody=Why.NOBODY_WITH_VALUES,
                    )
                )
    return pd.concat(parts[1:] or parts, ignore_index=True)


def multiple_table(study: Study, found: pd.DataFrame, reported: Reported) -> Table | None:
    """Patients by class of their peak, a line a quantity; None where nobody has an abnormal baseline and a later value."""
    if found.empty:
        return None
    arms = safety_set(study).arms
    lines = []
    for code in dict.fromkeys(found["PARAMCD"]):
        for arm in arms:
            line: dict[str, Cell] = {
                "parameter": Label(study.protocol.parameter(code).param, code),
                "group": Label(arm_label(arm), arm),
                "n": Number(reported.row(f"{code}.no_worse", arm).n or 0),
            }
            lines.append(line | {name: share_cell(reported.row(f"{code}.{name}", arm)) for name in CLASSES})
    heads = {name: message(f"safety.multiples.{name}") for name in CLASSES}
    any_baseline = [
        in_prose(study.protocol.parameter(code).param) for code in _OF_ANY if code in set(found["PARAMCD"])
    ]
    notes = [message("safety.multiples.of"), worst_words(study), safety_set(study).note]
    if any_baseline:
        notes.insert(1, message("safety.multiples.any", parameters=joined(any_baseline)))
    return Table(
        "laboratory_multiples", message("safety.multiples.title"), lines,
        footnotes=tuple(notes), group="parameter", heads=heads,
    )  # fmt: skip


def multiple_words(study: Study, found: pd.DataFrame, reported: Reported) -> str:
    """In how many a value rose above three times their own baseline; nothing where there is nobody to say it of."""
    if found.empty:
        return ""
    parts = []
    for code in dict.fromkeys(found["PARAMCD"]):
        rows = [row for arm in safety_set(study).arms if (row := reported.row(f"{code}.{_HIGHEST}", arm)).n]
        if any(row.events for row in rows):
            arms = joined(
                message("safety.laboratory.arm", x=span(row, str(row.events)), n=span(row, str(row.n)), arm=of_group(row.arm))
                for row in rows
            )  # fmt: skip
            name = prose(study.protocol.parameter(code).param)
            parts.append(message("safety.laboratory.parameter", parameter=name, arms=arms))
    if not parts:
        return message("safety.multiples.none")
    return message("safety.multiples", parameters=message("reasons.list").join(parts))
