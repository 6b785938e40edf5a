"""The chapter of trials of another kind: one to four arms, any treatment, and what their data lack."""

import re
from itertools import product

import pytest

from esld.protocol import LiverInjury
from tests.examples import some
from tests.report.in_process import nonsense, rows_handed_over
from tests.report.safe_trial import ae, day, value
from tests.report.safety.any_trial import ARMS, chapter, period, said, study, trial
from tests.report.words.test_any_trial import OF_ONE_TRIAL


def whole(own):
    """The chapter of a study, of which no cell fails and no sentence is of another trial."""
    report = chapter(own)
    assert report.failed == []
    assert nonsense(report) == []
    return report


@pytest.mark.parametrize(
    ("arms", "hours", "regimen"),
    some(product([1, 2, 3, 4], [None, 24, 72], ["administrations", "continuous"]), 5),
)
def test_any_number_of_arms_and_any_treatment(arms, hours, regimen):
    more = {"reaction_hours": hours} if hours else {}
    report = whole(study(trial(arms, regimen=regimen, **more)))
    text = said(report)
    assert not OF_ONE_TRIAL.search(text)
    assert ("24 hours" in text) == ("hours after a patch" in text and hours == 24)
    of_reactions = text.replace("30 days after a patch", "")  # of events soon after treatment, and later
    assert ("a patch" in of_reactions) == (hours is not None)
    assert (of_reactions != text) == (regimen == "administrations")
    rows = rows_handed_over(report.chapters["06_safety"])
    assert {row.arm for row in rows if row.statistic == "any"} == set(ARMS[:arms])
    assert [row.value for row in rows if row.statistic == "patients"] == [2] * arms


def test_placebo_is_treatment():
    text = said(whole(study(trial(2))))
    assert "Patches given: 2 in the placebo group and 2 in the 1 patch group." in text
    assert "never treated" not in text


@pytest.mark.parametrize("domain", ["EX", "AE"])
def test_one_domain_alone_says_what_it_can(domain):
    other = {"EX": "AE", "AE": "EX"}[domain]
    text = said(whole(study(trial(2, reaction_hours=24), without=[domain])))
    lacking = {"EX": "no record of what was given", "AE": "no adverse events"}
    assert f"Left out: the data of this trial hold {lacking[domain]}." in text
    assert f"hold {lacking[other]}" not in text


def test_without_a_record_of_what_was_given_everybody_counts_as_randomised():
    """P-1 has an event before randomisation, on 10 January, and one after it; T1-2 was given the placebo, they say."""
    events = [ae("P-1", -1, "Rash"), ae("P-1", 0, "Cough"), ae("T1-2", 5, "Fever")]
    own = study(trial(2), without=["EX"], AE=events)
    report = whole(own)
    rows = {(r.statistic, r.arm): r for r in rows_handed_over(report.chapters["06_safety"])}
    assert [(rows["any", arm].events, rows["any", arm].n) for arm in ("P", "T1")] == [(1, 2), (1, 2)]
    assert (
        "all who were randomised, in the group to which they were, because the data of this trial hold no record"
        in said(report)
    )
    assert "treatment received" not in said(report)


def test_neither_is_one_sentence():
    text = said(whole(study(trial(2), without=["EX", "AE"])))
    assert (
        "Safety cannot be judged: the data of this trial hold no record of what was given and no adverse events."
        in text
    )
    assert "Left out" not in text


@pytest.mark.parametrize("missing", ["EXDOSE", "EXENDTC", "AESTDTC", "AEACN", "AEENDTC"])
@pytest.mark.parametrize("regimen", ["administrations", "continuous"])
def test_a_variable_that_is_never_filled(missing, regimen):
    dose = missing != "EXDOSE"
    own = trial(2, dose=dose, regimen=regimen, reaction_hours=24)
    ids = [f"{arm}-{n}" for arm in ("P", "T1") for n in (1, 2)]
    given = [period(id, 1, None if missing == "EXENDTC" else 10, "10" if dose else None) for id in ids]
    event = ae("P-1", 2, "Rash")
    if missing in event:
        event[missing] = None
    whole(study(own, EX=given, AE=[event]))


def test_no_event_at_all():
    text = said(whole(study(trial(3, reaction_hours=24), AE=[])))
    assert "Any adverse event: 0 of 2 patients (upper limit 84 %) in the placebo group" in text


def test_without_a_laboratory_the_section_says_so():
    assert "The protocol file lists no laboratory values." in said(whole(study(trial(2))))
    text = said(whole(study(trial(2, parameters=["PT"]), LB=[value("P-1", "PT", 5, 12.0)])))
    assert "CTCAE grades no laboratory value of this trial." in text


def test_grades_speak_of_the_parameters_that_there_are():
    values = [value("P-1", code, at, 30, high=40) for at in (-3, 5) for code in ("ALT", "SODIUM")]
    text = said(whole(study(trial(2, parameters=["ALT", "SODIUM"]), LB=values)))
    assert "Highest value after an abnormal baseline" not in text  # 30 is normal
    assert "bilirubin" not in text
    assert "grade 4 of" not in text
    assert "Liver injury" not in text


def test_causes_of_death_are_as_recorded_and_that_none_can_be_known_is_said():
    dead = ae("P-1", 20, "Fall", AEOUT="FATAL", AEENDTC=day(50))
    text = said(whole(study(trial(2), AE=[dead])))
    assert "Fall" in text
    assert "Up to the data cut, 1 of 2 patients" in text
    own = study(trial(2))
    assert "nobody can say" not in said(whole(own))
    own.tables["DM"].attrs["absent"] = ["DTHFL", "DTHDTC"]
    assert "nobody can say whether a patient died" in said(whole(own))


@pytest.mark.parametrize(("arms", "against"), some(product([1, 2, 3, 4], ["range", "baseline"]), 3))
def test_liver_injury_of_any_number_of_arms(arms, against):
    """A mark and a colour of its own for each arm; the limits are those of the records, 40."""
    own = trial(arms, parameters=["ALT", "BILI"])
    own = own.model_copy(update={"liver_injury": LiverInjury(against=against)})
    values = [
        value(f"{arm}-1", code, at, 50, high=40)
        for arm in ARMS[:arms]
        for code in ("ALT", "BILI")
        for at in (-3, 5)
    ]
    report = whole(study(own, LB=values))
    [picture] = [
        item
        for item in report.shown["06_safety"]
        if getattr(item, "id", "") == "liver_injury_peaks" and hasattr(item, "figure")
    ]
    assert len(picture.figure.axes) == (2 if against == "baseline" else 1)
    for axes in picture.figure.axes:
        points = axes.get_lines()[:arms]
        assert len({(line.get_marker(), line.get_color()) for line in points}) == arms
        assert [len(line.get_xdata()) for line in points] == [1] * arms
    assert ("second panel" in said(report)) == (against == "baseline")
    assert not re.search("transplant|native liver", said(report))
