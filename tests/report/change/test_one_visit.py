"""One visit by itself: who is counted how, the rows and the table."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from esld.longitudinal import ancova, worst_rank
from esld.randomisation import CompleteRandomisation
from esld.report import numbers
from esld.report.change import one_visit, ranked
from esld.report.change.pairs import difference_label
from esld.report.results import rows_of
from tests.report.builders import HIGH, LOW, patient, study_of

HOW = {"conf_level": 0.95, "seed": "test"}
PATIENTS = [
    patient(1, LOW, days=600),
    patient(2, LOW, days=200, dead=True),
    patient(3, LOW, days=360, dead=True),  # after its week 48 value
    patient(4, HIGH, transplant_day=60, days=300, dead=True),
    patient(5, HIGH, days=380, dead=True),  # in the window, without a value
    patient(6, HIGH, days=600),
    patient(7, HIGH, days=900, dead=True, transplant_day=500),  # after the window
    patient(8, LOW, days=600),
]
BASE = [(i, "BILI", 0, 40.0 + i) for i in range(1, 9)]
WEEK = [
    (1, "BILI", 7, 30.0),
    (3, "BILI", 7, 50.0),
    (6, "BILI", 7, 45.0),
    (7, "BILI", 7, 40.0),
    (2, "BILI", 2, 50.0),
]


@pytest.fixture(scope="module")
def by_hand():
    own = study_of(PATIENTS, values=BASE + WEEK)
    return own, one_visit.at_visit(own, last(own), own.protocol.parameter("BILI"), own.arms)


def last(own):
    """The analysis of the last visit."""
    return own.protocol.analysis("CHG-LAST")


def handed(frame):
    return rows_of("r", frame, analysis="A", chapter="c")


class TestWhoIsCounted:
    def test_deaths_and_transplants_before_the_visit(self, by_hand):
        frame = by_hand[1].frame.set_index("USUBJID")
        assert frame["death"].dropna().to_dict() == {"P-002": 200, "P-004": 300, "P-005": 380}
        assert frame["transplant"].dropna().to_dict() == {"P-004": 60}
        assert frame["CHG"].dropna().to_dict() == {"P-001": -11, "P-003": 7, "P-006": -1, "P-007": -7}
        assert list(frame.index) == [f"P-00{i}" for i in range(1, 9)]

    def test_what_is_dated_before_randomisation_counts_on_its_day(self):
        people = [
            patient(1, LOW),
            patient(2, LOW),
            patient(3, HIGH, days=-285, dead=True, transplant_day=-300),
        ]
        own = study_of(people, values=BASE[:2] + WEEK[:1])
        at = one_visit.at_visit(own, last(own), own.protocol.parameter("BILI"), own.arms)
        third = at.frame.set_index("USUBJID").loc["P-003"]
        assert third[["death", "transplant"]].tolist() == [0, 0]
        assert handed(ranked.rows_of_pair(own, at, **HOW)).row("died", HIGH).value == 1

    def test_of_an_analysis_set_only_its_patients(self, by_hand):
        own, _ = by_hand
        some = replace(own, adsl=own.adsl.assign(PPROTFL=["Y", "N"] * 4))
        plan = last(own).model_copy(update={"analysis_set": "PPROTFL"})
        at = one_visit.at_visit(some, plan, own.protocol.parameter("BILI"), own.arms)
        assert at.frame["USUBJID"].tolist() == ["P-001", "P-003", "P-005", "P-007"]

    def test_indicators_of_the_strata_but_the_first(self, by_hand):
        own, _ = by_hand
        some = replace(own, adsl=own.adsl.assign(STRATAR=["a", "b", "c", "a", "b", "c", "b", "d"]))
        at = one_visit.at_visit(
            some, last(own).model_copy(update={"stratified": True}), own.protocol.parameter("BILI"), own.arms
        )
        assert at.covariates == ("BASE", "STRATAR b", "STRATAR c")  # nobody of stratum d has a change
        assert at.frame["STRATAR b"].tolist() == [0, 1, 0, 0, 1, 0, 1, 0]


class TestRandomisation:
    def test_p_values_over_all_allocations_are_those_of_the_packages(self, study):
        """Under complete randomisation with everybody seen, ancova and worst_rank count the same allocations."""
        own = study("demo-final")
        rng = np.random.default_rng(7)
        frame = pd.DataFrame({"USUBJID": range(12), "ARMCD": [LOW, HIGH] * 6, "BASE": rng.normal(size=12)})
        frame = frame.assign(CHG=rng.normal(size=12), death=np.nan, transplant=np.nan)
        frame.loc[3, ["CHG", "death"]] = np.nan, 30
        design = CompleteRandomisation(sizes=(6, 6))
        about = (own.protocol.parameter("BILI"), own.protocol.schedule.visit("W48"), (LOW, HIGH))
        at = one_visit.AtVisit(frame, *about)
        rows = handed(ranked.rows_of_pair(own, at, design=design, **HOW))
        wanted = worst_rank(
            frame["CHG"], frame["ARMCD"], better="lower", death_time=frame["death"], groups=[LOW, HIGH]
        )
        assert rows.row(one_visit.RANDOMISATION_P).value == pytest.approx(wanted.exact.p_value)
        whole = frame.assign(CHG=frame["CHG"].fillna(0.3))
        at = one_visit.AtVisit(whole, *about)
        rows = handed(one_visit.residual_p(own, at, None, design=design, seed="test"))
        wanted = ancova(whole, outcome="CHG", group="ARMCD", covariates=["BASE"], groups=[LOW, HIGH])
        assert rows.row(one_visit.RANDOMISATION_P).value == pytest.approx(wanted.exact.p_value)

    def test_with_two_covariates_too(self, study):
        own = study("demo-final")
        rng = np.random.default_rng(11)
        frame = pd.DataFrame({"USUBJID": range(10), "ARMCD": [LOW, HIGH] * 5, "BASE": rng.normal(size=10)})
        frame = frame.assign(CHG=rng.normal(size=10), S=[0, 1, 1, 0, 0, 1, 0, 1, 1, 0])
        about = (
            own.protocol.parameter("BILI"),
            own.protocol.schedule.visit("W48"),
            (LOW, HIGH),
            ("BASE", "S"),
        )
        at = one_visit.AtVisit(frame, *about)
        how = {"design": CompleteRandomisation(sizes=(5, 5)), "seed": "test"}
        rows = handed(one_visit.residual_p(own, at, None, **how))
        wanted = ancova(frame, outcome="CHG", group="ARMCD", covariates=["BASE", "S"], groups=[LOW, HIGH])
        assert rows.row(one_visit.RANDOMISATION_P).value == pytest.approx(wanted.exact.p_value)

    def test_the_model_is_that_of_the_package(self, by_hand):
        own, at = by_hand
        rows = handed(one_visit.adjusted_rows(own, last(own), at.parameter, **HOW))
        wanted = ancova(at.frame, outcome="CHG", group="ARMCD", covariates=["BASE"], groups=own.arms).hc3
        gap = wanted.difference
        row = rows.row("ls_mean_difference")
        assert (row.value, row.lower, row.upper) == pytest.approx((gap.value, gap.lower, gap.upper))
        assert rows.row("ls_mean_difference_p_value").value == pytest.approx(gap.p_value)
        for mean in wanted.means:
            assert rows.row("ls_mean", mean.group).value == pytest.approx(mean.value)

    def test_patients_not_seen_keep_their_place_in_the_design(self, by_hand):
        """The reference set is of all eight: with four seen, residuals of the other four are 0."""
        own, at = by_hand
        design = CompleteRandomisation(sizes=(4, 4))
        row = handed(one_visit.residual_p(own, at, None, design=design, seed="test")).rows[0]
        assert row.method == "residual-sum, exact, allocations:70, given, arm-sizes:4:4"
        assert "70 allocations, given arm sizes 4 and 4" in one_visit.randomisation_note([row])
        assert row.n == 4

    def test_nobody_to_compare_is_said(self):
        own = study_of(PATIENTS[:2] + PATIENTS[3:4], values=BASE[:1])
        rows = handed(one_visit.adjusted_rows(own, last(own), own.protocol.parameter("BILI"), **HOW))
        assert rows.row(one_visit.RANDOMISATION_P).value is None
        assert rows.row(one_visit.RANDOMISATION_P).reason


CODES = ("BILI", "ALP", "MELD")


@pytest.fixture(scope="module")
def example(study, changes):
    """Rows of three quantities of the example: of the mixed models, and of the last visit."""
    own = study("demo-final")
    plan = last(own).model_copy(update={"parameters": CODES})
    models = {
        (a.id, code): changes("demo-final", code)
        for a in own.protocol.of_kind("mmrm")
        for code in a.parameters
    }
    alone = {
        (plan.id, code): handed(one_visit.adjusted_rows(own, plan, own.protocol.parameter(code), **HOW))
        for code in CODES
    }
    return own, plan, models, alone


class TestTable:
    def test_every_cell_of_the_comparison_is_a_row(self, example):
        own, plan, models, alone = example
        table = one_visit.compared_table(own, plan, models, alone)
        assert table.title == plan.title
        label, visit = difference_label(own.pairs[0]), own.protocol.schedule.visit("W48")
        for code, line in zip(CODES, table.frame.to_dict("records"), strict=True):
            d = numbers.of_mean(own.protocol.parameter(code).decimals)
            row = changes_of(models, code).row("ls_mean_difference", label, visit.number)
            other = alone[plan.id, code].row("ls_mean_difference")
            for head, r in (("Mixed model", row), ("This visit alone", other)):
                shown = [numbers.signed(v, d) for v in (r.value, r.lower, r.upper)]
                assert line[f"{head}: difference (95 % CI)"] == "{} ({} to {})".format(*shown)
            assert line["This visit alone: n"] == str(other.n)
            assert line["This visit alone: p, randomisation"] == numbers.p_value(
                alone[plan.id, code].row(one_visit.RANDOMISATION_P).value
            )
        assert any("allocations, given" in note for note in table.footnotes)

    def test_without_a_mixed_model_the_means_of_the_arms_stand_there(self, example):
        own, plan, _, alone = example
        rest = tuple(a for a in own.protocol.analyses if a.kind != "mmrm")
        bare = replace(own, protocol=own.protocol.model_copy(update={"analyses": rest}))
        table = one_visit.compared_table(bare, plan, {}, alone)
        assert "Mixed model" not in table.spanners
        for code, line in zip(CODES, table.frame.to_dict("records"), strict=True):
            d, row = (
                numbers.of_mean(own.protocol.parameter(code).decimals),
                alone[plan.id, code].row("ls_mean", LOW),
            )
            shown = [numbers.signed(v, d) for v in (row.value, row.lower, row.upper)]
            assert line["Low dose: change (95 % CI)"] == "{} ({} to {})".format(*shown)


def changes_of(models, code):
    return next(rows for (_, own), rows in models.items() if own == code)
