"""Titles of figures: they name what is shown and who is missing, and compare no groups without an interval."""

import re

import pytest

from esld.report.drawing.figures import Picture
from tests.examples import some
from tests.report.in_process import cut_at, run

# A share or a count of patients of a group, such as 3 of 9, 2/11 or 82 %; "of 22 patients" is how many are shown.
_FINDING = re.compile(
    r"\d+ of \d+ (?!(?:planned )?patients\b)|\d+/\d+"
    r"|\d+ %(?! (?:CI|interval|or (?:less|more)))|\bp [=<>]|lower than|higher than|better in"
)
_INTERVAL = re.compile(r"\d+ % CI \S+ to \S+")


def compares(title: str) -> bool:
    """Whether a title holds a finding without its interval."""
    return bool(_FINDING.search(title)) and not _INTERVAL.search(title)


@pytest.mark.parametrize(
    "title",
    [
        "MELD score at week 48: lower than at baseline in 3 of 9 (low dose) and 7 of 8 (medium-high dose)",
        "First events by one year: bleeding 2/11, 2/11",
        "At one year an estimated 82 % with the low dose and 91 % with the medium-high dose were alive",
    ],
)
def test_what_once_stood_there_is_found(title):
    assert compares(title)


@pytest.mark.parametrize(
    "title",
    [
        "Overall survival by group; 1 of 22 patients not followed to one year",
        "Change in liver function by visit: LS means with 95 % intervals",
        "Difference at one year: 9 percentage points, 82 % and 91 % (95 % CI −24 to 42)",
    ],
)
def test_names_missing_patients_and_planned_results_with_their_interval_may_stand(title):
    assert not compares(title)


def titles(report):
    return {p.id: p.title for shown in report.shown.values() for p in shown if isinstance(p, Picture)}


@pytest.mark.parametrize("day", some(["2026-03-31", "2024-12-21"], 2))
def test_no_title_of_the_demonstration_compares(day):
    found = titles(run(cut_at(day)))
    assert found
    assert not [title for title in found.values() if compares(title)]


@pytest.mark.parametrize(
    "cut", [pytest.param("mayo-pbc", marks=pytest.mark.slow), "tablets-three-arms", "freireich-6mp"]
)
def test_no_title_of_another_trial_compares(study, cut):
    found = titles(run(study(cut)))
    assert found
    assert not [title for title in found.values() if compares(title)]
