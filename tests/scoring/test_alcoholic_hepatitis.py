"""Maddrey and Lille: closed form, the direction of their terms, and their limits."""

from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.scoring import lille, lille_response, maddrey

# R = 3.19 - 0.101 * 50 + 0.147 * 30 + 0.0165 (200 - 100) - 0.0065 * 200 - 0.0096 * 20
#   = 3.19 - 5.05 + 4.41 + 1.65 - 1.3 - 0.192 = 2.708
START = {
    "age_years": 50,
    "albumin_day0_g_l": 30,
    "bilirubin_day0_umol_l": 200,
    "bilirubin_day7_umol_l": 100,
    "creatinine_mg_dl": 1.0,
    "pt_s": 20,
}
R = 2.708


def logit_of(**changed):
    """R, from the score: ln((1 - Lille) / Lille)."""
    score = lille(**START | changed)
    return log((1 - score) / score)


class TestMaddrey:
    @pytest.mark.parametrize(
        ("pt", "control", "bilirubin", "score"),
        [
            (20, 12, 10, 46.8),  # 4.6 * 8 + 10
            (12, 12, 5, 5.0),
            (10, 12, 5, -4.2),  # a negative difference is not clamped: 4.6 * -2 + 5
        ],
    )
    def test_formula(self, pt, control, bilirubin, score):
        result = maddrey(pt_s=pt, pt_control_s=control, bilirubin_mg_dl=bilirubin)
        assert result.score == pytest.approx(score, abs=1e-12)

    def test_bilirubin_enters_in_mg_dl(self):
        assert maddrey(pt_s=12, pt_control_s=12, bilirubin_umol_l=171).score == pytest.approx(10, abs=1e-12)

    @pytest.mark.parametrize(
        ("bilirubin", "severe"), [(31.99, 0), (32 - 1e-7, 0), (np.nextafter(32, 0), 1), (32, 1), (32.01, 1)]
    )
    def test_severe_from_thirty_two(self, bilirubin, severe):
        assert maddrey(pt_s=12, pt_control_s=12, bilirubin_mg_dl=bilirubin).severe == severe

    def test_binary_noise_does_not_hide_thirty_two(self):
        # 4.6 * (17.3 - 12.3) + 9 = 32, but 17.3 - 12.3 is 5 and 4.6 * (12.6 - 11.4) = 5.52 is computed below it
        differences = np.arange(1, 69) / 10
        pt = np.round(12.3 + differences, 1)
        bilirubin = np.round(32 - 4.6 * differences, 2)
        result = maddrey(pt_s=pt, pt_control_s=12.3, bilirubin_mg_dl=bilirubin)
        assert (result.score < 32).any()
        np.testing.assert_array_equal(result.severe, np.ones(68))
        just_below = maddrey(pt_s=pt, pt_control_s=12.3, bilirubin_mg_dl=bilirubin - 0.001)
        np.testing.assert_array_equal(just_below.severe, np.zeros(68))

    @given(st.floats(8, 60), st.floats(8, 16), st.floats(0.5, 40), st.floats(0, 20))
    def test_rises_with_pt_and_bilirubin_and_falls_with_control(self, pt, control, bilirubin, more):
        score = maddrey(pt_s=pt, pt_control_s=control, bilirubin_mg_dl=bilirubin).score
        assert maddrey(pt_s=pt + more, pt_control_s=control, bilirubin_mg_dl=bilirubin).score >= score
        assert maddrey(pt_s=pt, pt_control_s=control + more, bilirubin_mg_dl=bilirubin).score <= score
        assert maddrey(pt_s=pt, pt_control_s=control, bilirubin_mg_dl=bilirubin + more).score >= score

    @given(st.floats(8, 60), st.floats(8, 16), st.floats(-5, 20))
    def test_only_the_difference_of_the_times_counts(self, pt, control, shift):
        one = maddrey(pt_s=pt, pt_control_s=control, bilirubin_mg_dl=5).score
        other = maddrey(pt_s=pt + shift, pt_control_s=control + shift, bilirubin_mg_dl=5).score
        assert other == pytest.approx(one, abs=1e-11)


class TestLille:
    @pytest.mark.parametrize(
        ("changed", "difference"),
        [
            ({}, 0.0),
            ({"age_years": 60}, -1.01),
            ({"albumin_day0_g_l": 40}, 1.47),
            ({"bilirubin_day7_umol_l": 200}, -1.65),
            ({"bilirubin_day0_umol_l": 300}, 1.65 - 0.65),
            ({"creatinine_mg_dl": 2.0}, -0.206),
            ({"pt_s": 30}, -0.096),
        ],
    )
    def test_coefficients(self, changed, difference):
        assert logit_of(**changed) == pytest.approx(R + difference, abs=1e-12)

    def test_it_is_a_probability_of_death(self):
        assert lille(**START) == pytest.approx(exp(-R) / (1 + exp(-R)), abs=1e-15)
        assert lille(**START) < 0.45  # bilirubin halves, albumin is fair: a responder

    def test_the_evolution_is_day_0_minus_day_7(self):
        # reversed, a bilirubin that falls would raise the score
        falling = lille(**START | {"bilirubin_day7_umol_l": 50})
        assert falling < lille(**START) < lille(**START | {"bilirubin_day7_umol_l": 300})

    def test_us_units_are_converted(self):
        # mg/dL, g/dL and 0.165 (one port) is another formula: 10 mg/dL = 171 umol/L, 3 g/dL = 30 g/L
        us = {"bilirubin_day0_mg_dl": 10, "bilirubin_day7_mg_dl": 5, "albumin_day0_g_dl": 3}
        score = lille(age_years=50, creatinine_mg_dl=1, pt_s=20, **us)
        r = 3.19 - 5.05 + 4.41 + 0.0165 * 85.5 - 0.0065 * 171 - 0.192
        assert score == pytest.approx(1 / (1 + exp(r)), abs=1e-14)

    @pytest.mark.parametrize(
        ("unit", "limit", "above"), [("creatinine_mg_dl", 1.3, 1.31), ("creatinine_umol_l", 115, 115.1)]
    )
    def test_renal_insufficiency_is_above_the_limit_of_each_unit(self, unit, limit, above):
        others = {name: value for name, value in START.items() if name != "creatinine_mg_dl"}
        without, with_it = 1 / (1 + exp(R)), 1 / (1 + exp(R - 0.206))
        for creatinine in (limit - 0.01, limit, np.nextafter(limit, 999), 1.0):
            assert lille(**others, **{unit: creatinine}) == pytest.approx(without, abs=1e-14)
        assert lille(**others, **{unit: above}) == pytest.approx(with_it, abs=1e-14)

    @given(
        st.fixed_dictionaries(
            {
                "age_years": st.floats(18, 90),
                "albumin_day0_g_l": st.floats(10, 50),
                "bilirubin_day0_umol_l": st.floats(20, 900),
                "bilirubin_day7_umol_l": st.floats(20, 900),
                "creatinine_mg_dl": st.floats(0.3, 9),
                "pt_s": st.floats(9, 60),
            }
        ),
        st.floats(0, 100),
    )
    def test_direction_of_each_input(self, inputs, more):
        # bilirubin of day 0 enters with 0.0165 - 0.0065 in all: at a given day 7, higher is better
        better_when_higher = {"albumin_day0_g_l", "bilirubin_day0_umol_l"}
        score = lille(**inputs)
        assert 0 <= score <= 1
        for argument in inputs:
            higher = lille(**inputs | {argument: inputs[argument] + more})
            if argument in better_when_higher:
                assert higher <= score + 1e-12
            else:
                assert higher >= score - 1e-12

    def test_extremes_stay_within_0_and_1(self):
        # exp(-R) / (1 + exp(-R)) would overflow
        assert lille(**START | {"bilirubin_day7_umol_l": 1e9}) == 1
        assert lille(**START | {"bilirubin_day0_umol_l": 1e9}) == 0

    @pytest.mark.parametrize(
        ("score", "response"),
        [
            (0, "complete"),
            (0.16, "complete"),
            (np.nextafter(0.16, 1), "complete"),
            (0.16 + 1e-7, "partial"),
            (0.45, "partial"),
            (0.56 - 1e-7, "partial"),
            (np.nextafter(0.56, 0), "null"),
            (0.56, "null"),
            (1, "null"),
            (None, None),
        ],
    )
    def test_response(self, score, response):
        assert lille_response(lille=score) == response

    @pytest.mark.parametrize("scores", [[-0.01, 0.3, 1.01], [45, 0.2, 56]])
    def test_a_response_to_what_is_no_probability(self, scores):
        with pytest.raises(ValueError, match=r"^lille must be from 0 to 1 or missing, got 2 that are not"):
            lille_response(lille=scores)

    @pytest.mark.parametrize(
        "more",
        [
            {"albumin_day0_g_dl": 3},
            {"bilirubin_day0_mg_dl": 3},
            {"bilirubin_day7_mg_dl": 3},
            {"creatinine_umol_l": 90},
        ],
    )
    def test_both_units(self, more):
        with pytest.raises(ValueError, match=rf"^exactly one of .* must be given, got .*{next(iter(more))}"):
            lille(**START, **more)
