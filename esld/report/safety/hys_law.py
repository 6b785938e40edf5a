"""Potential Hy's law cases, by the limits of normal and by baseline: the listing, and how many in words."""

import re
from collections.abc import Sequence

import pandas as pd

from esld.report.cells import Cell, Data, Empty, Label, Number
from esld.report.cells import arm as arm_cell
from esld.report.results import Reported, Row
from esld.report.safety.counted import absence_words, share_words
from esld.report.safety.edish import BASELINE, LiverInjury
from esld.report.tables import Table
from esld.report.words.catalogue import message
from esld.report.words.grammar import as_prose


def case_table(found: LiverInjury) -> Table | None:
    """One line a patient and definition with a potential case; None if there is none."""
    if found.cases.empty:
        return None
    cases = found.cases
    shown = pd.DataFrame(
        {
            "patient": cases["USUBJID"].map(Data),
            "group": cases["GROUP"].map(arm_cell),
            "multiples_of": cases["scale"].map(lambda s: Label(message(f"safety.hys_law.of.{s}"), s)),
            "study_day": cases["day"].map(Number),
            **{
                name: cases[column].map(_multiple)
                for name, column in (("aminotransferase", "high"), ("bilirubin", "bili"), ("alp", "alp"))
            },
            "already": [
                Empty() if scale == BASELINE else _already("yes" if patient in found.met_before else "no")
                for patient, scale in zip(cases["USUBJID"], cases["scale"], strict=True)
            ],
        }
    )
    own = "organ" if found.organ else "all"
    notes = [message(f"safety.hys_law.{note}") for note in ("definition", "fda", f"values.{own}")]
    several = "both" if BASELINE in found.scales else "alone"
    return Table("hys_law", message(f"safety.hys_law.title.{several}"), shown, footnotes=tuple(notes))


def _multiple(value: float) -> Cell:
    return Label(message("safety.not_measured"), "not_measured") if pd.isna(value) else Number(value, 1)


def _already(code: str) -> Label:
    return Label(message(f"safety.hys_law.already.{code}"), code)


def case_words(found: LiverInjury, reported: Reported, *, level: str) -> str:
    """How many potential cases there are by each definition, and what a zero means."""
    said: list[str] = []
    absent: dict[str, str] = {}
    for scale in found.scales:
        rows = _cases(found.arms, reported, scale)
        said += [message(f"safety.hys_law.{scale}", arms=share_words(rows, level=level))]
        absent.setdefault(
            re.sub("<[^>]+>", "", absence_words(rows)), absence_words(rows)
        )  # the same words once
    return as_prose([*said, *filter(None, absent.values())])


def _cases(arms: Sequence[str], reported: Reported, scale: str) -> list[Row]:
    return [reported.row(f"{scale}.potential_case", arm) for arm in arms]
