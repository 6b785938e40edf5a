"""CTCAE grades from baseline to the worst afterwards: which values count, and against what a worsening is measured."""

import pandas as pd
import pytest

from esld.report.results import rows_of
from esld.report.safety import counted as safety
from esld.report.safety import laboratory
from tests.report.builders import HIGH, LABELS, LOW, plain, unspanned_numbers
from tests.report.safe_trial import INFUSED, PROTOCOL, derived, event, patient, value

A = [patient("A", infused=INFUSED)]


def study_with(*values, people=A, **more):
    return derived(people, LB=list(values), **more)


def grades(code, *values, **more):
    """Before and after, of the one patient."""
    own = study_with(*values, **more)
    frame = laboratory.graded(own, safety.safety_set(own), code)
    assert len(frame) == 1
    row = frame.iloc[0]
    before, after = (None if pd.isna(grade) else grade for grade in (row["before"], row["after"]))
    return before, after


def alt(number, result, **more):
    return value("A", "ALT", number, result, **more)


@pytest.mark.parametrize(
    ("baseline", "later", "expected"),
    [
        (40, 41, (0, 1)),  # ULN 40; the limit itself is normal
        (40, 121, (0, 2)),
        (40, 801, (0, 4)),
        (100, 149, (1, 2)),  # an abnormal baseline changes nothing: both sides are multiples of 40
        (100, 120, (1, 1)),
        (100, 39, (1, 0)),
        (500, 501, (3, 3)),
    ],
)  # fmt: skip
def test_both_sides_are_graded_by_the_limits_of_normal(baseline, later, expected):
    assert grades("ALT", alt(-3, baseline), alt(30, later)) == expected


def test_the_worst_of_all_later_values_counts():
    assert grades("ALT", alt(-3, 40), alt(30, 41), alt(32, 130), alt(500, 50)) == (0, 2)


def test_of_two_values_of_a_day_the_worse_counts_and_not_their_average():
    """130 and 90 on one day: grade 2, while their mean of 110 is grade 1."""
    assert grades("ALT", alt(-3, 40), alt(30, 130), alt(30, 90))[1] == 2


def test_values_before_treatment_and_after_a_transplant_do_not_count():
    graft = event("PR", "A", "2025-02-01", PRDECOD="LIVER TRANSPLANTATION")  # study day 22
    values = [alt(-3, 40), alt(-9, 900), alt(1, 40), alt(20, 50), alt(23, 900)]
    assert grades("ALT", *values, PR=[graft]) == (0, 1)


def test_a_value_of_the_first_day_is_not_one_after_it():
    """Two values of day 1, on average 85, are the baseline; the higher one, of grade 2, is no worsening."""
    assert grades("ALT", alt(1, 40), alt(1, 130), alt(30, 40)) == (1, 0)


def test_a_value_that_stays_where_it_was_is_neither_better_nor_worse():
    """Whatever the quantity and the value: two rules on the two sides once showed patients as healed who were as before."""
    sizes = {f"S{size}": size for size in (1, 20, 36, 55, 90, 500)}
    people = [patient(who, infused=INFUSED) for who in sizes]
    for code in sorted(
        laboratory._GRADERS.keys() - {"WBC", "NEUT", "HGB", "GGT"}
    ):  # those are not in this protocol
        values = [value(who, code, day, size, low=35) for who, size in sizes.items() for day in (-3, 30)]
        own = study_with(*values, people=people)
        frame = laboratory.graded(own, safety.safety_set(own), code)
        assert set(frame["USUBJID"]) == set(sizes)
        changed = frame[frame["before"].ne(frame["after"]) & frame[["before", "after"]].notna().any(axis=1)]
        assert changed.empty, (code, changed)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((50, 40), (70, 60), (1, 1)),
        ((55, 60), (80, 40), (0, 1)),  # normal by its own limit of 60: twice the later limit
        ((55, ""), (80, 40), (None, 1)),  # whether 55 was normal is not known
    ],
)  # fmt: skip
def test_each_value_is_graded_by_the_limit_on_its_own_record(before, after, expected):
    assert grades("ALT", alt(-3, before[0], high=before[1]), alt(30, after[0], high=after[1])) == expected


def test_without_a_baseline_a_value_is_graded_as_after_a_normal_one():
    assert grades("ALT", alt(30, 130)) == (None, 2)


def test_without_values_or_limits_a_grade_is_not_known():
    assert grades("ALT", alt(-3, 40)) == (0, None)
    assert grades("ALT", alt(-3, 40), value("A", "ALT", 30, 130, high="")) == (0, None)
    assert grades("ALT", value("B", "ALT", 30, 130), people=[*A, patient("B", infused=())]) == (
        None,
        None,
    )


@pytest.mark.parametrize(
    ("code", "baseline", "later", "limits", "expected"),
    [
        ("AST", 100, 301, {}, (1, 3)),
        ("ALP", 100, 199, {}, (1, 2)),  # 2.5 times the limit is grade 1
        ("BILI", 60, 61, {}, (1, 2)),  # 60 is 1.5 x 40: grade 1
        ("BILI", 61, 610, {}, (2, 4)),
        ("ALB", 33, 29, {"low": 35}, (1, 2)),
        ("INR", 1.6, 2.6, {}, (2, 3)),
        ("CREAT", 30, 46, {}, (0, 1)),  # 1.5 x baseline is among the multiples
        ("SODIUM", 134, 119, {"low": 135}, (1, 4)),
        ("PLAT", 74, 24, {"low": ""}, (2, 4)),  # below the fixed limits the range is not needed
        ("PLAT", 74, 24, {"low": 125}, (2, 4)),
    ],
)  # fmt: skip
def test_each_quantity_has_its_own_limits(code, baseline, later, limits, expected):
    values = [value("A", code, number, result, **limits) for number, result in ((-3, baseline), (30, later))]
    assert grades(code, *values) == expected


def test_another_unit_gives_the_same_grade():
    """Bilirubin in mg/dL: 1 mg/dL is 17.1 µmol/L; a limit of 1.2, a baseline of 1.0, then 3.7 (more than 3 times)."""
    protocol = PROTOCOL.model_copy(
        update={
            "parameters": tuple(
                p.model_copy(update={"unit": "mg/dL"}) if p.paramcd == "BILI" else p
                for p in PROTOCOL.parameters
            )
        }
    )
    values = [
        value("A", "BILI", number, result, low=0.1, high=1.2) | {"LBORRESU": "mg/dL"} for number, result in ((-3, 1.0), (30, 3.7))
    ]  # fmt: skip
    assert grades("BILI", *values, protocol=protocol) == (0, 3)


class TestTables:
    @pytest.fixture
    def own(self):
        """A and B of the low dose: ALT 100 (grade 1) to 510, 40 to 210; C: 40 to 40."""
        people = [*A, patient("B", infused=INFUSED), patient("C", "MEDHIGH", infused=INFUSED)]
        pairs = {"A": (100, 510), "B": (40, 210), "C": (40, 40)}
        values = [
            value(id, "ALT", day, pair[i]) for id, pair in pairs.items() for i, day in enumerate((-3, 30))
        ]
        return study_with(
            *values, value("A", "PLAT", -3, 20, low=125), value("A", "PLAT", 30, 20, low=125), people=people
        )

    @pytest.fixture
    def found(self, own):
        return laboratory.shifts(own, safety.safety_set(own))

    @pytest.fixture
    def reported(self, found):
        return rows_of(
            "lab", laboratory.shift_rows(found, conf_level=0.95), analysis="SAFETY", chapter="06_safety"
        )

    def test_who_got_worse_and_who_is_severe(self, reported):
        """Both of the low dose reach grade 3, one of them from grade 1; either is news."""
        shares = {what: reported.row(f"ALT.{what}", LOW) for what in ("worse", "severe", "newly_severe")}
        assert {what: (row.events, row.n) for what, row in shares.items()} == {
            "worse": (2, 2), "severe": (2, 2), "newly_severe": (2, 2),
        }  # fmt: skip
        assert [reported.row(f"ALT.{what}", HIGH).events for what in shares] == [0, 0, 0]

    def test_what_was_severe_before_is_not_new(self, reported):
        assert [reported.row(f"PLAT.{what}", LOW).events for what in ("worse", "severe", "newly_severe")] == [
            0,
            1,
            0,
        ]
        assert reported.row("PLAT.severe", LOW).n == 1  # B has no platelets

    def test_every_patient_is_in_one_cell(self, found, reported):
        assert set(found) == {"ALT", "PLAT"}
        for code, result in found.items():
            for arm, n in ((LOW, 2), (HIGH, 1)):
                cells = [
                    r.value
                    for r in reported.rows
                    if r.arm == arm and r.statistic.startswith(f"{code}.") and "_to_" in r.statistic
                ]
                assert sum(cells) == n == result.table.subjects[arm]
        assert reported.row("ALT.1_to_3", LOW).value == 1
        assert reported.row("PLAT.missing_to_missing", HIGH).value == 1

    def test_the_tables_say_what_the_rows_say(self, own, found, reported):
        frame = laboratory.grade_table(own, found, reported).frame.set_index("Parameter")
        assert (
            frame.loc["Alanine aminotransferase", f"{LABELS[LOW]}: Grade 3 or 4, from 2 or lower"]
            == "2/2 (100 %)"
        )
        assert frame.loc["Platelets", f"{LABELS[HIGH]}: Grade 3 or 4, from 2 or lower"] == "0/0"
        shifted = laboratory.every_shift(own, found).frame
        line = shifted[shifted["Parameter"].eq("Platelets") & shifted["At baseline"].eq("Not known")]
        assert line["Not known"].tolist() == ["1", "1"]
        assert (
            shifted[["Grade 0", "Grade 1", "Grade 2", "Grade 3", "Grade 4", "Not known"]]
            .astype(int)
            .to_numpy()
            .sum()
        ) == 6

    def test_words_name_what_is_new(self, own, found, reported):
        html = laboratory.shift_words(own, found, reported)
        assert plain(html) == (
            "Laboratory values that worsened from CTCAE grade 2 or lower at baseline to grade 3 or 4: "
            "alanine aminotransferase in 2 of 2 in the low-dose group "
            "and 0 of 1 in the medium-high-dose group."
        )
        assert unspanned_numbers(html, "CTCAE grade 2 or lower", "grade 3 or 4") == []

    def test_words_when_nothing_is(self):
        own = study_with(alt(-3, 40), alt(30, 40))
        found = laboratory.shifts(own, safety.safety_set(own))
        rows = rows_of("lab", laboratory.shift_rows(found, conf_level=0.95), analysis="SAFETY", chapter="c")
        assert laboratory.shift_words(own, found, rows).startswith("No laboratory value worsened")
        assert laboratory.grade_table(own, found, rows).id == "laboratory_grades"
        assert laboratory.every_shift(own, found).id == "laboratory_shifts"
        assert laboratory.grade_table(own, {}, rows) is laboratory.every_shift(own, {}) is None


def test_the_study_is_not_modified(study):
    own = study("demo-final")
    before = own.adlb.copy()
    laboratory.shifts(own, safety.safety_set(own))
    pd.testing.assert_frame_equal(own.adlb, before)
