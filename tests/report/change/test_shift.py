"""Child-Pugh classes before treatment and at a visit."""

import math

import pytest

from esld.report.change import shift
from esld.report.results import rows_of
from tests.report.builders import HIGH, LABELS, LOW, patient, plain, protocol, study_of, unspanned_numbers

PATIENTS = [
    patient(1, LOW, days=600), patient(2, LOW, days=200, dead=True), patient(3, LOW, days=600),
    patient(4, HIGH, transplant_day=60, days=600), patient(5, HIGH, days=600), patient(6, HIGH, days=600),
]  # fmt: skip
VALUES = [
    (1, "CPSCORE", 0, 7), (1, "CPSCORE", 7, 6), (2, "CPSCORE", 0, 12), (3, "CPSCORE", 0, 9), (3, "CPSCORE", 7, 10),
    (4, "CPSCORE", 0, 13), (5, "CPSCORE", 0, 6), (5, "CPSCORE", 7, 5), (6, "CPSCORE", 0, 8),
]  # fmt: skip


def rows(own):
    (plan,) = shift.planned(own)
    return plan, rows_of("shift", shift.class_rows(own, plan), analysis="SCORES", chapter="c")


def test_counts_by_hand():
    own = study_of(PATIENTS, values=VALUES)
    plan, reported = rows(own)
    moved = {(r.arm, r.statistic): r.value for r in reported.rows if r.value and "_to_" in r.statistic}
    assert moved == {
        (LOW, "b_to_a"): 1, (LOW, "c_to_died"): 1, (LOW, "b_to_c"): 1, (HIGH, "c_to_transplanted"): 1,
        (HIGH, "a_to_a"): 1, (HIGH, "b_to_missing"): 1,
    }  # fmt: skip
    went = {
        a: [reported.row(w, a).value for w in ("better", "same", "worse", "unknown")] for a in (LOW, HIGH)
    }
    assert went == {LOW: [1, 0, 2, 0], HIGH: [0, 1, 1, 1]}
    (table,) = shift.class_tables(own, plan, reported)
    frame = table.frame.set_index(["Group", "At baseline"])
    assert list(frame.loc[LABELS[HIGH]].index) == ["Class A", "Class B", "Class C"]
    assert list(frame) == ["Class A", "Class B", "Class C", "Transplanted", "Died", "Not known"]
    assert frame.loc[(LABELS[LOW], "Class C"), "Died"] == "1"
    assert table.to_csv().splitlines()[0] == "group,at_baseline,a,b,c,transplanted,died,missing"
    html = shift.class_sentence(own, plan, reported)
    assert not unspanned_numbers(html, "week 48")
    assert plain(html).endswith("(1 not known).")


@pytest.mark.parametrize(
    ("score", "wanted"), [(5, "A"), (6, "A"), (7, "B"), (9, "B"), (10, "C"), (15, "C"), (math.nan, None)]
)
def test_classes(score, wanted):
    assert shift._class(score) == wanted


def test_a_trial_that_does_not_plan_the_score_has_nothing_to_show(study):
    assert shift.planned(study("mayo-pbc")) == []
    assert [plan.id for plan in shift.planned(study("demo-final"))] == ["SCORES"]


def test_without_a_transplantation_there_is_no_column_of_it():
    made = protocol()
    people = [person | {"TRPLDT": None} for person in PATIENTS]
    own = study_of(people, values=VALUES, trial=made.model_copy(update={"transplant": None}))
    plan, reported = rows(own)
    (table,) = shift.class_tables(own, plan, reported)
    assert "Transplanted" not in list(table.frame)
    shown = [shift.class_sentence(own, plan, reported), *table.footnotes]
    assert not any("transplant" in text for text in shown)
