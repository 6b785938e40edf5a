"""Captions of figures: titles name what is shown and who is missing, and compare no groups without an interval."""

import re

import pytest

from esld.report.drawing.figures import Picture
from tests.examples import some
from tests.report.drawing.test_figures import every_text, outside, overlapping
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


def pictures(report) -> list[Picture]:
    return [item for shown in report.shown.values() for item in shown if isinstance(item, Picture)]


def faults(found: list[Picture]) -> list[str]:
    """What is wrong with the words of figures: in them nothing lies on another or is cut, and the caption stands outside."""
    said = []
    for picture in found:
        texts = list(dict.fromkeys(every_text(picture)))
        wrong = overlapping(picture, texts) + [(cut, "cut") for cut in outside(picture)]
        lacks = not picture.title or not (picture.legend or picture.id == "participant_flow")
        if wrong or lacks or compares(picture.title) or picture.figure.get_suptitle():
            said.append(f"{picture.id}, {picture.title}: {wrong}")
    return said


@pytest.mark.parametrize("day", some(["2026-03-31", "2024-12-21"], 2))
def test_captions_and_words_of_the_demonstration(day):
    found = pictures(run(cut_at(day), draw=True))
    assert found
    assert not faults(found)


@pytest.mark.parametrize(
    "cut", [pytest.param("mayo-pbc", marks=pytest.mark.slow), "tablets-three-arms", "freireich-6mp"]
)
def test_captions_and_words_of_another_trial(study, cut):
    found = pictures(run(study(cut), draw=True))
    assert found
    assert not faults(found)
