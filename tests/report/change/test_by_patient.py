"""Parameters by patient: every course, what is left out and what is not collected."""

import numpy as np
import pandas as pd
import pytest

from esld.report import parameters
from esld.report.change import by_patient
from esld.report.results import rows_of
from tests.data import small_trial
from tests.data.small_trial import event, lb
from tests.report.builders import HIGH, LOW, patient, protocol, study_of
from tests.report.change import trials
from tests.report.safe_trial import INFUSED, day, derived

M = "\u2212"
PATIENTS = [
    patient(1, LOW),
    patient(2, LOW, days=200, dead=True),
    patient(3, LOW, days=150, reason="LOST TO FOLLOW-UP"),
    patient(4, HIGH, transplant_day=60, days=300, dead=True),
    patient(5, HIGH, days=900, dead=True),  # after the last visit was over
    patient(6, HIGH),
]
VALUES = [
    (1, "BILI", 0, 30.0), (1, "BILI", 2, 33.0), (1, "BILI", 7, 20.0),
    (2, "BILI", 0, 50.0), (2, "BILI", 2, 54.0),
    (3, "BILI", 0, 40.0), (3, "BILI", 7, 41.0),
    (4, "BILI", 0, 90.0), (4, "BILI", 2, 80.0),
    (5, "BILI", 0, 60.0), (5, "BILI", 7, 50.0),
    (6, "BILI", 2, 70.0),
]  # fmt: skip
LIMITS = {"BILI": (3.4, 20.5)}


@pytest.fixture(scope="module")
def by_hand():
    return study_of(PATIENTS, values=VALUES, limits=LIMITS)


@pytest.fixture(scope="module")
def parameter(by_hand):
    return by_hand.protocol.parameter("BILI")


class TestWords:
    def test_what_is_not_collected_is_named_with_its_reason(self, study):
        stated = dict(by_patient.not_computed(study("mayo-pbc")))
        assert stated["INR"].startswith("The data hold the prothrombin time in seconds")
        assert {"MELD", "MELDNA", "MELD3", "CPSCORE"} <= set(stated)
        assert by_patient.not_computed(study("demo-final")) == []
        said = by_patient.not_collected_words(study("mayo-pbc"), [])
        assert said.startswith("Not collected:\n\n- ")
        assert said.count("\n- ") == len(stated)
        assert (
            by_patient.not_collected_words(study("demo-final"), [])
            == "Every quantity that the protocol file names is collected."
        )

    def test_what_has_no_value_yet_is_named(self, by_hand):
        absent = by_hand.protocol.parameter("ALT")
        assert by_patient.not_collected_words(by_hand, [absent]).endswith(
            "No value is recorded up to the data cut of alanine aminotransferase."
        )

    def test_values_after_a_transplant(self, study):
        own = study("demo-final")
        after = own.adlb[own.adlb["POSTTPFL"].eq("Y") & own.adlb["PARCAT1"].eq("LABORATORY")]
        frame = by_patient.after_transplant(own)
        assert frame["value"].tolist() == [int(after["DTYPE"].isna().sum())]
        assert frame["value"].iloc[0] > 0
        assert after["ANL01FL"].isna().all()

    def test_their_number_is_said_with_its_result(self, study):
        own = study("demo-final")
        frame = by_patient.after_transplant(own)
        excluded = rows_of("after_transplant", frame, analysis="LFT", chapter="04_change")
        said = by_patient.left_out(own, excluded)
        assert 'data-result="after_transplant.excluded_values"' in said
        assert f">{excluded.rows[0].value:.0f}</span> laboratory values" in said

    def test_that_there_are_none_is_said_too(self, study):
        own = study("mayo-pbc")
        frame = by_patient.after_transplant(own)
        excluded = rows_of("after_transplant", frame, analysis="LFT", chapter="04_change")
        assert "No laboratory value" in by_patient.left_out(own, excluded)


@pytest.fixture
def picture(by_hand, parameter):
    return by_patient.trajectory_figure(by_hand, [parameter])


class TestCourses:
    def test_only_what_ended_a_course_is_marked(self, picture):
        """P-004 had a transplant before dying; P-005 died long after the last visit."""
        marks = {
            (panel, line.get_marker()): [tuple(p) for p in np.column_stack(line.get_data())]
            for panel, axes in enumerate(picture.figure.axes)
            for line in axes.get_lines()
            if line.get_marker() in ("x", "D", "o")
        }
        assert marks == {(0, "x"): [(7.0, 54.0)], (0, "o"): [(336.0, 41.0)], (1, "D"): [(7.0, 80.0)]}

    def test_title_says_who_is_missing_and_compares_nobody(self, picture):
        title = picture.title
        assert title == (
            "Every course of 6 patients; 3 without a value at week 48 (1 died, 1 transplanted, 1 not seen)"
        )
        assert picture.alt == (
            "One line a patient from baseline to week 48, one panel a group and quantity: Total bilirubin (µmol/L)."
        )

    def test_title_s_counts_are_the_patients(self, study):
        own = study("demo-final")
        every = parameters.parameters_of(own, own.protocol.analysis("SCORES"))
        title = by_patient.trajectory_figure(own, every).title
        rows = own.adlb[own.adlb["PARAMCD"].isin([p.paramcd for p in every]) & own.adlb["ANL01FL"].eq("Y")]
        there = rows.loc[rows["AVISITN"].eq(7), "USUBJID"].nunique()
        assert title.startswith(f"Every course of 22 patients; {22 - there} without a value at week 48 (")

    @pytest.mark.parametrize(("code", "limit"), [("BILI", 20.5), ("ALB", 40.0)])
    def test_limit_of_normal_is_the_one_that_matters(self, code, limit):
        values = [(1, code, 0, 30.0), (4, code, 0, 35.0), (1, code, 7, 31.0)]
        own = study_of(PATIENTS, values=values, limits={"BILI": (3.4, 20.5), "ALB": (40.0, 55.0)})
        picture = by_patient.trajectory_figure(own, [own.protocol.parameter(code)])
        lines = [
            line.get_ydata()[0]
            for line in picture.figure.axes[0].get_lines()
            if list(line.get_xdata()) == [0, 1]
        ]
        assert lines == [limit]
        words = [t.get_text() for t in picture.figure.legends[0].get_texts()]
        assert words[-1] == f"{'lower' if code == 'ALB' else 'upper'} limit of normal"

    def test_wide_spread_is_drawn_on_a_logarithmic_axis(self):
        own = study_of(PATIENTS, values=[(1, "BILI", 0, 10.0), (4, "BILI", 0, 400.0), (1, "BILI", 2, 9.0)])
        picture = by_patient.trajectory_figure(own, [own.protocol.parameter("BILI")])
        assert picture.figure.axes[0].get_yscale() == "log"
        assert "logarithmic axis" in picture.alt

    def test_every_patient_with_a_value_has_a_line(self, study):
        own = study("demo-final")
        picture = by_patient.trajectory_figure(own, [own.protocol.parameter("ALBI")])
        lines = [
            line
            for axes in picture.figure.axes
            for line in axes.get_lines()
            if line.get_marker() in ("None", None, "")
        ]
        assert len(lines) == parameters.analysed(own, "ALBI")["USUBJID"].nunique()
        assert picture.figure.axes[0].get_ylabel() == "ALBI score"

    def test_mayo_counts_years_from_randomisation(self, study):
        own = study("mayo-pbc")
        axes = by_patient.trajectory_figure(own, [own.protocol.parameter("ALBI")]).figure.axes[0]
        assert axes.get_xlabel() == "Years since randomisation"
        assert [t.get_text() for t in axes.get_xticklabels()] == ["0", "1", "2", "3", "4"]

    def test_the_demonstration_counts_weeks_from_the_first_infusion(self, picture):
        assert picture.figure.axes[0].get_xlabel() == "Weeks since the first infusion"


def test_analysed_is_one_row_a_patient_and_visit(study):
    rows = parameters.analysed(study("demo-final"), "BILI")
    assert not rows.duplicated(["USUBJID", "AVISITN"]).any()
    assert (rows["POSTTPFL"].isna()).all()
    assert isinstance(rows, pd.DataFrame)


def test_which_scores_were_made_without_what_is_said():
    labs = {"BILI": "60", "ALB": "30", "INR": "1.8", "SODIUM": "130"}
    rows = [lb("S", code, value, day(29)) for code, value in labs.items()]
    sessions = [event("PR", "S", day(number), PRDECOD="HAEMODIALYSIS") for number in (27, 28)]
    people = [small_trial.patient("S", infused=INFUSED)]
    said = by_patient.not_needed(derived(people, LB=rows, PR=sessions, protocol=small_trial.PROTOCOL))
    assert "MELD score without CREAT" in said
    assert by_patient.not_needed(derived(people, LB=rows, protocol=small_trial.PROTOCOL)) == ""


class TestSelection:
    def test_of_windows_and_ties(self, study):
        own = study("demo-final")
        said = by_patient.selection(own, [own.protocol.parameter("ALT")])
        assert said == (
            "Several records in the window of a visit: the nearest to the target day of the protocol file counts; of two at the "
            "same distance the later."
        )

    def test_of_scores_and_nominal_visits(self):
        made = protocol()
        schedule = made.schedule.model_copy(update={"selection": "visit", "component_days": 1})
        own = study_of(PATIENTS, trial=made.model_copy(update={"schedule": schedule}))
        said = by_patient.selection(own, [made.parameter("MELD")])
        assert said.startswith("A value belongs to the visit that its record names;")
        assert said.endswith("come from one visit and lie within 1 day of one another.")


def test_a_trial_without_rescue_or_transplant_says_nothing_of_either():
    own = trials.study(trials.trial(2))
    excluded = rows_of("after_transplant", by_patient.after_transplant(own), analysis="A", chapter="c")
    near = rows_of("near_rescue", by_patient.near_rescue(own), analysis="A", chapter="c")
    said = (by_patient.left_out(own, excluded), by_patient.flagged(own, near), by_patient.rescue_caution(own))
    assert said == ("", "", "")


def test_what_a_rescue_treatment_does_is_said_in_its_words(study):
    assert by_patient.rescue_caution(study("demo-final")).startswith(
        "Values measured shortly after albumin or plasma may be moved by it."
    )
