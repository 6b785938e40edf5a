"""Potential Hy's law cases, by the limits of normal and by baseline: the listing, and how many in words."""

import re
from collections.abc import Sequence

import pandas as pd

from esld.report.cells import Data, Label, Number
from esld.report.results import Reported, Row
from esld.report.safety.counted import absence_words, share_words
from esld.report.safety.edish import BASELINE, SCALES, LiverInjury, of_scale
from esld.report.tables import Table
from esld.report.words.catalogue import message


def case_table(found: LiverInjury) -> Table | None:
    """One line a patient and definition with a potential case; None if there is none."""
    if found.cases.empty:
        return None
    cases = found.cases
    shown = pd.DataFrame(
        {
            "Patient": cases["USUBJID"].map(Data),
            "Group": cases["GROUP"],
            "Multiples of": cases["scale"],
            "Study day": cases["day"].map(Number),
            **{
                name: cases[column].map(lambda x: Label("not measured") if pd.isna(x) else Number(x, 1))
                for name, column in (("ALT or AST", "high"), ("Bilirubin", "bili"), ("ALP", "alp"))
            },
            "At baseline already": [
                "" if s == BASELINE else "yes" if u in found.met_before else "no"
                for u, s in zip(cases["USUBJID"], cases["scale"], strict=True)
            ],
        }
    )
    notes = (
        "Potential case: ALT or AST 3 times or more, bilirubin 2 times or more on that day or within 14 days after, ALP below 2 "
        "times on that day or not measured. The day with the highest ALT or AST is shown.",
        "FDA's text says bilirubin above 2 times. Potential: whether another cause explains it is for a clinician to judge.",
        "Values after baseline with the own liver.",
    )
    return Table("hys_law", "Potential Hy's law cases, by both definitions", shown, footnotes=notes)


def case_words(found: LiverInjury, reported: Reported, *, level: str) -> str:
    """How many potential cases there are by each definition, and what a zero means."""
    said: list[str] = []
    absent: dict[str, str] = {}
    for scale in SCALES:
        rows = _cases(found.arms, reported, scale)
        said += [message("safety.hys_law", scale=of_scale(scale), arms=share_words(rows, level=level))]
        absent.setdefault(
            re.sub("<[^>]+>", "", absence_words(rows)), absence_words(rows)
        )  # the same words once
    return " ".join([*said, *filter(None, absent.values())])


def _cases(arms: Sequence[str], reported: Reported, scale: str) -> list[Row]:
    return [reported.row(f"{scale}, potential case", arm) for arm in arms]
