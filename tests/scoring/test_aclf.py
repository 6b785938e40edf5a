"""ACLF: the points of each organ, the grade against the rule read anew, and the CLIF-C and COSSH formulas."""

from itertools import product
from math import e

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.scoring import (
    clif_c_aclf,
    clif_c_ad,
    clif_c_ad_stratum,
    clif_c_of,
    cossh_aclf_2,
    cossh_aclf_2_stratum,
)

WELL = {
    "bilirubin_mg_dl": 1.0,
    "creatinine_mg_dl": 1.0,
    "west_haven_grade": 0,
    "inr": 1.0,
    "map_mmhg": 90.0,
    "pao2_fio2": 450.0,
}
UNITS = {
    "bilirubin_umol_l": "bilirubin_mg_dl",
    "creatinine_umol_l": "creatinine_mg_dl",
    "spo2_fio2": "pao2_fio2",
}
ORGANS = ["liver", "kidney", "brain", "coagulation", "circulation", "respiration"]
FLAGS = ["rrt", "vasopressors", "mechanical_ventilation"]


def with_inputs(**changed):
    """The patient without organ dysfunction, with some inputs replaced (and their alternatives left out)."""
    replaced = {UNITS.get(name, name) for name in changed}
    return clif_c_of(**{name: value for name, value in WELL.items() if name not in replaced} | changed)


class TestOrgans:
    @pytest.mark.parametrize(
        ("argument", "organ", "value", "points"),
        [
            (argument, organ, value, points)
            for argument, organ, values in [
                ("bilirubin_mg_dl", "liver", [(5.99, 1), (6, 2), (11.99, 2), (12, 3), (12.01, 3)]),
                ("bilirubin_umol_l", "liver", [(102.5, 1), (102.6, 2), (205.1, 2), (205.2, 3)]),
                ("creatinine_mg_dl", "kidney", [(1.99, 1), (2, 2), (3.49, 2), (3.5, 3), (3.51, 3)]),
                ("creatinine_umol_l", "kidney", [(176.7, 1), (176.8, 2), (309.3, 2), (309.4, 3)]),
                ("west_haven_grade", "brain", [(0, 1), (1, 2), (2, 2), (3, 3), (4, 3)]),
                ("inr", "coagulation", [(1.99, 1), (2, 2), (2.49, 2), (2.5, 3), (2.51, 3)]),
                ("map_mmhg", "circulation", [(70.01, 1), (70, 1), (69.99, 2), (40, 2)]),
                ("pao2_fio2", "respiration", [(300.1, 1), (300, 2), (200.1, 2), (200, 3), (199.9, 3)]),
                ("spo2_fio2", "respiration", [(357.1, 1), (357, 2), (214.1, 2), (214, 3), (213.9, 3)]),
            ]
            for value, points in values
        ],
    )
    def test_points_at_each_boundary(self, argument, organ, value, points):
        result = with_inputs(**{argument: value})
        assert getattr(result, organ) == points
        assert result.total == 5 + points
        assert result.failures == (points == 3 or (organ == "kidney" and points == 2))

    @pytest.mark.parametrize(
        ("argument", "organ", "limit", "points"),
        [
            ("bilirubin_mg_dl", "liver", 6, 2),
            ("bilirubin_mg_dl", "liver", 12, 3),
            ("creatinine_mg_dl", "kidney", 2, 2),
            ("creatinine_mg_dl", "kidney", 3.5, 3),
            ("inr", "coagulation", 2, 2),
            ("inr", "coagulation", 2.5, 3),
            ("map_mmhg", "circulation", 70, 1),
            ("pao2_fio2", "respiration", 300, 2),
            ("pao2_fio2", "respiration", 200, 3),
            ("spo2_fio2", "respiration", 357, 2),
            ("spo2_fio2", "respiration", 214, 3),
        ],
    )
    def test_binary_noise_does_not_move_a_boundary(self, argument, organ, limit, points):
        for noisy in (np.nextafter(limit, 0), np.nextafter(limit, 999)):
            assert getattr(with_inputs(**{argument: noisy}), organ) == points

    @pytest.mark.parametrize(
        ("treatment", "organ"),
        [("rrt", "kidney"), ("vasopressors", "circulation"), ("mechanical_ventilation", "respiration")],
    )
    def test_a_treatment_is_three_points_and_unknown_is_missing(self, treatment, organ):
        result = with_inputs(**{treatment: [True, False, None]})
        np.testing.assert_array_equal(getattr(result, organ), [3, 1, np.nan])
        np.testing.assert_array_equal(result.total, [8, 6, np.nan])
        np.testing.assert_array_equal(result.failures, [1, 0, np.nan])
        for other in set(ORGANS) - {organ}:
            np.testing.assert_array_equal(getattr(result, other), [1, 1, 1])

    def test_vasopressors_are_three_points_at_any_pressure(self):
        np.testing.assert_array_equal(
            with_inputs(map_mmhg=[100.0, 50.0], vasopressors=True).circulation, [3, 3]
        )

    def test_worst_is_eighteen_with_six_failures(self):
        worst = {
            "bilirubin_mg_dl": 20,
            "creatinine_mg_dl": 5,
            "west_haven_grade": 4,
            "inr": 4,
            "pao2_fio2": 90,
        }
        result = with_inputs(**worst, vasopressors=True)
        assert (result.total, result.failures, result.aclf_grade) == (18, 6, 3)

    def test_frame(self):
        frame = with_inputs(inr=[1.0, 2.5]).to_frame()
        assert list(frame.columns) == [*ORGANS, "total", "failures", "aclf_grade"]
        assert list(frame["total"]) == [6, 8]

    @pytest.mark.parametrize(
        ("more", "got"), [({}, "none"), ({"pao2_fio2": 300, "spo2_fio2": 300}, "pao2_fio2 and spo2_fio2")]
    )
    def test_exactly_one_oxygenation(self, more, got):
        others = {name: value for name, value in WELL.items() if name != "pao2_fio2"}
        with pytest.raises(ValueError, match=f"exactly one of pao2_fio2, spo2_fio2 must be given, got {got}"):
            clif_c_of(**others, **more)


def grade_as_the_rule_reads(bilirubin, kidney, west_haven, inr, circulation, respiration):
    """scores.md section 13, from the values: no points, no sums."""
    (creatinine, rrt), (_, vasopressors), (oxygen, ventilated) = kidney, circulation, respiration
    failing = []
    if bilirubin >= 12:
        failing.append("liver")
    if creatinine >= 2 or rrt:
        failing.append("kidney")
    if west_haven in (3, 4):
        failing.append("brain")
    if inr >= 2.5:
        failing.append("coagulation")
    if vasopressors:
        failing.append("circulation")
    if oxygen <= 200 or ventilated:
        failing.append("respiration")
    renal_dysfunction = creatinine in (1.5, 1.75, 1.99)
    mild_encephalopathy = west_haven in (1, 2)
    if len(failing) >= 3:
        return 3, len(failing)
    if len(failing) == 2:
        return 2, 2
    if failing == ["kidney"]:
        return 1, 1
    if failing == ["brain"]:
        return int(renal_dysfunction), 1
    if failing:
        return int(renal_dysfunction or mild_encephalopathy), 1
    return 0, 0


class TestGrade:
    def test_every_combination(self):
        combinations = list(
            product(
                [5.99, 6, 11.99, 12],
                [
                    (1.49, False),
                    (1.5, False),
                    (1.75, False),
                    (1.99, False),
                    (2, False),
                    (3.5, False),
                    (1.0, True),
                    (1.75, True),
                    (3.5, True),
                ],
                [0, 1, 2, 3, 4],
                [1.99, 2, 2.5],
                [(70, False), (69, False), (80, True), (60, True)],
                [(301, False), (300, False), (200, False), (301, True), (250, True)],
            )
        )
        expected = np.array([grade_as_the_rule_reads(*combination) for combination in combinations])
        bilirubin, kidney, west_haven, inr, circulation, respiration = zip(*combinations, strict=True)
        creatinine, rrt = zip(*kidney, strict=True)
        pressure, vasopressors = zip(*circulation, strict=True)
        oxygen, ventilated = zip(*respiration, strict=True)
        result = clif_c_of(
            bilirubin_mg_dl=bilirubin,
            creatinine_mg_dl=creatinine,
            rrt=rrt,
            west_haven_grade=west_haven,
            inr=inr,
            map_mmhg=pressure,
            vasopressors=vasopressors,
            pao2_fio2=oxygen,
            mechanical_ventilation=ventilated,
        )
        np.testing.assert_array_equal(result.aclf_grade, expected[:, 0])
        np.testing.assert_array_equal(result.failures, expected[:, 1])
        assert len(combinations) == 10_800
        assert set(expected[:, 0]) == {0, 1, 2, 3}

    @pytest.mark.parametrize(
        ("inputs", "grade"),
        [
            ({}, 0),
            ({"creatinine_mg_dl": 1.9, "west_haven_grade": 2}, 0),  # no organ fails
            ({"creatinine_mg_dl": 2.0}, 1),  # the kidney, which needs nothing else
            ({"rrt": True}, 1),
            ({"bilirubin_mg_dl": 12}, 0),  # one other organ alone
            ({"bilirubin_mg_dl": 12, "creatinine_mg_dl": 1.49}, 0),
            ({"bilirubin_mg_dl": 12, "creatinine_mg_dl": 1.5}, 1),
            ({"bilirubin_mg_dl": 12, "west_haven_grade": 1}, 1),
            ({"west_haven_grade": 3}, 0),
            ({"west_haven_grade": 3, "creatinine_mg_dl": 1.99}, 1),
            ({"west_haven_grade": 3, "creatinine_mg_dl": 2.0}, 2),
            ({"bilirubin_mg_dl": 12, "inr": 2.5}, 2),
            ({"bilirubin_mg_dl": 12, "inr": 2.5, "vasopressors": True}, 3),
        ],
    )
    def test_rule(self, inputs, grade):
        assert with_inputs(**inputs).aclf_grade == grade

    @pytest.mark.parametrize("creatinine", [np.nextafter(1.5, 0), 0.5 + 0.9 + 0.1])
    def test_binary_noise_at_renal_dysfunction(self, creatinine):
        assert with_inputs(bilirubin_mg_dl=12, creatinine_mg_dl=creatinine).aclf_grade == 1

    def test_si_units_at_renal_dysfunction(self):
        # 1.5 mg/dL = 132.6 umol/L
        grades = with_inputs(
            bilirubin_umol_l=205.2, creatinine_umol_l=[132.5, 132.6, 176.7, 176.8]
        ).aclf_grade
        np.testing.assert_array_equal(grades, [0, 1, 1, 2])

    @given(
        st.fixed_dictionaries(
            {
                "bilirubin_mg_dl": st.floats(0.3, 30),
                "creatinine_mg_dl": st.floats(0.3, 6),
                "west_haven_grade": st.integers(0, 4),
                "inr": st.floats(0.8, 5),
                "map_mmhg": st.floats(45, 110),
                "pao2_fio2": st.floats(60, 500),
                **{flag: st.booleans() for flag in FLAGS},
            }
        ),
        st.sampled_from([*WELL, *FLAGS]),
        st.floats(0, 40),
    )
    def test_never_better_when_an_input_is_worse(self, inputs, argument, more):
        if argument in FLAGS:
            worse = True
        elif argument == "west_haven_grade":
            worse = min(inputs[argument] + int(more), 4)
        else:
            worse = inputs[argument] + (-more if argument in {"map_mmhg", "pao2_fio2"} else more)
        before, after = clif_c_of(**inputs), clif_c_of(**inputs | {argument: worse})
        assert after.total >= before.total
        assert after.failures >= before.failures
        assert after.aclf_grade >= before.aclf_grade
        assert before.total == sum(getattr(before, organ) for organ in ORGANS)


class TestClifCAclf:
    def test_formula(self):
        # ln 1 = 0: 10 (0.33 * 6 + 0.04 * 50 - 2) = 19.8; ln e = 1 adds 6.3, one more point 3.3, ten years 4
        start = {"clif_c_of": 6, "age_years": 50, "wbc_10_9_l": 1.0}
        assert clif_c_aclf(**start) == pytest.approx(19.8, abs=1e-12)
        assert clif_c_aclf(**start | {"wbc_10_9_l": e}) == pytest.approx(26.1, abs=1e-12)
        assert clif_c_aclf(**start | {"clif_c_of": 7}) == pytest.approx(23.1, abs=1e-12)
        assert clif_c_aclf(**start | {"age_years": 60}) == pytest.approx(23.8, abs=1e-12)

    def test_not_cut_to_its_range_of_display(self):
        # 10 (0.33 * 6 + 0.63 ln 0.1 - 2) = -14.7; 10 (0.33 * 18 + 0.04 * 99 + 0.63 ln 400 - 2) = 116.7
        assert clif_c_aclf(clif_c_of=6, age_years=0, wbc_10_9_l=0.1) == pytest.approx(-14.706, abs=1e-3)
        assert clif_c_aclf(clif_c_of=18, age_years=99, wbc_10_9_l=400) == pytest.approx(116.746, abs=1e-3)

    @pytest.mark.parametrize("total", [5, 19, 6.5])
    def test_the_organ_failure_score_is_whole_and_within_its_range(self, total):
        with pytest.raises(
            ValueError, match=r"^clif_c_of must be a whole number from 6 to 18 or missing, got 1"
        ):
            clif_c_aclf(clif_c_of=total, age_years=50, wbc_10_9_l=8)

    @given(st.integers(6, 17), st.floats(18, 90), st.floats(0.5, 50), st.floats(0, 20))
    def test_rises_with_each_input(self, total, age, wbc, more):
        score = clif_c_aclf(clif_c_of=total, age_years=age, wbc_10_9_l=wbc)
        assert clif_c_aclf(clif_c_of=total + 1, age_years=age, wbc_10_9_l=wbc) > score
        assert clif_c_aclf(clif_c_of=total, age_years=age + more, wbc_10_9_l=wbc) >= score
        assert clif_c_aclf(clif_c_of=total, age_years=age, wbc_10_9_l=wbc + more) >= score


AD_START = {"age_years": 0, "creatinine_mg_dl": 1.0, "inr": 1.0, "wbc_10_9_l": 1.0, "sodium_mmol_l": 140}


class TestClifCAd:
    @pytest.mark.parametrize(
        ("changed", "expected"),
        [
            ({}, 10.0),  # 10 (8 - 0.05 * 140)
            ({"age_years": 50}, 10.0 + 15.0),
            ({"creatinine_mg_dl": e}, 10.0 + 6.6),
            ({"inr": e}, 10.0 + 17.1),
            ({"wbc_10_9_l": e}, 10.0 + 8.8),
            ({"sodium_mmol_l": 130}, 10.0 + 5.0),
            ({"creatinine_mg_dl": 1 / e, "inr": 1 / e}, 10.0 - 6.6 - 17.1),  # nothing is clamped
            ({"sodium_mmol_l": 160}, 10.0 - 10.0),
            ({"sodium_mmol_l": 100}, 10.0 + 20.0),
        ],
    )
    def test_formula(self, changed, expected):
        assert clif_c_ad(**AD_START | changed) == pytest.approx(expected, abs=1e-12)

    def test_si_creatinine(self):
        labs = {name: value for name, value in AD_START.items() if name != "creatinine_mg_dl"}
        assert clif_c_ad(**labs, creatinine_umol_l=88.4 * e) == pytest.approx(16.6, abs=1e-12)

    @given(
        st.floats(18, 90),
        st.floats(0.3, 9),
        st.floats(0.8, 6),
        st.floats(0.5, 50),
        st.floats(110, 150),
        st.floats(0, 9),
    )
    def test_rises_with_each_and_falls_with_sodium(self, age, creatinine, inr, wbc, sodium, more):
        values = dict(zip(AD_START, (age, creatinine, inr, wbc, sodium), strict=True))
        for argument in AD_START:
            worse = values[argument] + (-more if argument == "sodium_mmol_l" else more)
            assert clif_c_ad(**values | {argument: worse}) >= clif_c_ad(**values) - 1e-12

    @pytest.mark.parametrize(
        ("score", "stratum"),
        [
            (20, "low"),
            (45, "low"),
            (np.nextafter(45, 99), "low"),
            (45 + 1e-7, "intermediate"),
            (60 - 1e-7, "intermediate"),
            (np.nextafter(60, 0), "high"),
            (60, "high"),
            (-3, "low"),
            (None, None),
        ],
    )
    def test_strata(self, score, stratum):
        assert clif_c_ad_stratum(clif_c_ad=score) == stratum


COSSH_START = {
    "inr": 1.0,
    "west_haven_grade": 0,
    "neutrophils_10_9_l": 1.0,
    "bilirubin_umol_l": 1.0,
    "urea_mmol_l": 1.0,
    "age_years": 0,
}


class TestCossh:
    @pytest.mark.parametrize(
        ("changed", "expected"),
        [
            ({}, 0.457),  # the HE score is at least 1
            ({"inr": e}, 0.457 + 1.649),
            ({"west_haven_grade": 1}, 0.914),
            ({"west_haven_grade": 2}, 0.914),
            ({"west_haven_grade": 3}, 1.371),
            ({"west_haven_grade": 4}, 1.371),
            ({"neutrophils_10_9_l": e}, 0.457 + 0.425),
            ({"bilirubin_umol_l": e}, 0.457 + 0.396),
            ({"urea_mmol_l": e}, 0.457 + 0.576),
            ({"age_years": 100}, 0.457 + 3.3),
            ({"inr": 1 / e, "urea_mmol_l": 1 / e}, 0.457 - 1.649 - 0.576),  # nothing is clamped
        ],
    )
    def test_formula(self, changed, expected):
        assert cossh_aclf_2(**COSSH_START | changed) == pytest.approx(expected, abs=1e-12)

    @pytest.mark.parametrize(("he_score", "west_haven"), [(1, 0), (2, 1), (3, 4)])
    def test_the_he_score_stands_for_the_grade(self, he_score, west_haven):
        others = {name: value for name, value in COSSH_START.items() if name != "west_haven_grade"}
        assert cossh_aclf_2(**others, he_score=he_score) == cossh_aclf_2(
            **others, west_haven_grade=west_haven
        )

    def test_other_units(self):
        # 1 mg/dL of bilirubin is 17.1 umol/L; 1 mg/dL of urea nitrogen 0.357 mmol/L of urea
        others = {"inr": 1.0, "he_score": 1, "neutrophils_10_9_l": 1.0, "age_years": 0}
        score = cossh_aclf_2(**others, bilirubin_mg_dl=e / 17.1, urea_nitrogen_mg_dl=e / 0.357)
        assert score == pytest.approx(0.457 + 0.396 + 0.576, abs=1e-12)

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ({"he_score": 1}, "exactly one of west_haven_grade, he_score must be given"),
            ({"urea_nitrogen_mg_dl": 10}, "exactly one of urea_mmol_l, urea_nitrogen_mg_dl must be given"),
        ],
    )
    def test_alternatives(self, more, message):
        with pytest.raises(ValueError, match=message):
            cossh_aclf_2(**COSSH_START, **more)

    @given(
        st.fixed_dictionaries(
            {
                "inr": st.floats(0.8, 6),
                "west_haven_grade": st.integers(0, 3),
                "neutrophils_10_9_l": st.floats(0.5, 30),
                "bilirubin_umol_l": st.floats(10, 800),
                "urea_mmol_l": st.floats(1, 60),
                "age_years": st.floats(18, 80),
            }
        ),
        st.sampled_from(sorted(COSSH_START)),
    )
    def test_rises_with_each_input(self, inputs, argument):
        worse = inputs | {argument: inputs[argument] + 1}
        assert cossh_aclf_2(**worse) >= cossh_aclf_2(**inputs) - 1e-12

    @pytest.mark.parametrize(
        ("score", "stratum"),
        [
            (5, "low"),
            (7.4 - 1e-7, "low"),
            (np.nextafter(7.4, 0), "intermediate"),
            (7.4, "intermediate"),
            (8.4 - 1e-7, "intermediate"),
            (np.nextafter(8.4, 0), "high"),
            (8.4, "high"),
            (-0.5, "low"),
            (None, None),
        ],
    )
    def test_strata(self, score, stratum):
        assert cossh_aclf_2_stratum(cossh_aclf_2=score) == stratum


class TestDiscrepancies:
    """What other implementations do differently; each test fails under the wrong choice."""

    def test_14_the_liver_fails_at_exactly_twelve(self):
        # "> 12" would give 2 points, no failure and grade 0
        result = with_inputs(bilirubin_mg_dl=12, creatinine_mg_dl=1.5)
        assert (result.liver, result.failures, result.aclf_grade) == (3, 1, 1)

    def test_the_kidney_fails_at_two_points_already(self):
        assert with_inputs(creatinine_mg_dl=2).aclf_grade == 1

    def test_points_start_at_one(self):
        # the site of the consortium gives the range as 0 to 18
        assert with_inputs().total == 6
