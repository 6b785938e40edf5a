"""ALBI and PALBI: closed form, grades at their boundaries, and the traps of units and logarithm."""

import dataclasses
from math import nan

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.scoring import albi, palbi

BILIRUBIN, ALBUMIN = st.floats(1, 900), st.floats(8, 60)


@pytest.mark.parametrize(
    ("bilirubin", "albumin", "score"),
    [
        (1, 40, -3.4),  # log10 1 = 0: 0.085 * 40
        (10, 40, 0.66 - 3.4),
        (100, 20, 1.32 - 1.7),
        (0.1, 10, -0.66 - 0.85),  # nothing is clamped
    ],
)
def test_formula(bilirubin, albumin, score):
    assert albi(bilirubin_umol_l=bilirubin, albumin_g_l=albumin).score == pytest.approx(score, abs=1e-14)


def test_us_units():
    # 10 mg/dL = 171 umol/L, 4 g/dL = 40 g/L
    us, si = albi(bilirubin_mg_dl=10, albumin_g_dl=4), albi(bilirubin_umol_l=171, albumin_g_l=40)
    assert us.score == pytest.approx(si.score, abs=1e-14)


def bilirubin_for(score, albumin):
    """The bilirubin (umol/L) with which this albumin (g/L) gives exactly this score, but for binary noise."""
    return 10 ** ((score + 0.085 * albumin) / 0.66)


@pytest.mark.parametrize(
    ("score", "grade", "modified"),
    [
        (-2.60, 1, "1"),
        (-2.27, 2, "2b"),
        (-1.39, 2, "2b"),
        (-2.60 - 1e-7, 1, "1"),
        (-2.60 + 1e-7, 2, "2a"),
        (-2.27 - 1e-7, 2, "2a"),
        (-2.27 + 1e-7, 2, "2b"),
        (-1.39 - 1e-7, 2, "2b"),
        (-1.39 + 1e-7, 3, "3"),
    ],
)
@given(ALBUMIN)
def test_grades_at_their_boundaries(score, grade, modified, albumin):
    """-2.60 is still grade 1, -2.27 already 2b, -1.39 still 2, whatever the last binary digit says."""
    result = albi(bilirubin_umol_l=bilirubin_for(score, albumin), albumin_g_l=albumin)
    assert (result.grade, result.modified_grade) == (grade, modified)


@given(BILIRUBIN, ALBUMIN)
def test_modified_grades_divide_the_second_grade_alone(bilirubin, albumin):
    result = albi(bilirubin_umol_l=bilirubin, albumin_g_l=albumin)
    assert result.modified_grade[0] == str(int(result.grade))


@given(BILIRUBIN, ALBUMIN, st.floats(0, 100))
def test_rises_with_bilirubin_and_falls_with_albumin(bilirubin, albumin, more):
    start = albi(bilirubin_umol_l=bilirubin, albumin_g_l=albumin)
    jaundiced = albi(bilirubin_umol_l=bilirubin + more, albumin_g_l=albumin)
    better = albi(bilirubin_umol_l=bilirubin, albumin_g_l=albumin + more)
    assert better.score - 1e-12 <= start.score <= jaundiced.score + 1e-12
    assert better.grade <= start.grade <= jaundiced.grade


def test_missing_and_frame():
    albumin = pd.Series([45, None, 20], index=pd.Index(["S1", "S2", "S3"], name="USUBJID"))
    result = albi(bilirubin_umol_l=10, albumin_g_l=albumin)
    frame = result.to_frame()
    assert list(frame.columns) == ["score", "grade", "modified_grade"]
    assert frame.index.equals(albumin.index)
    np.testing.assert_array_equal(frame["grade"], [1, nan, 3])
    assert list(frame["modified_grade"]) == ["1", None, "3"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.score = 1
    assert len(albi(bilirubin_umol_l=10, albumin_g_l=40).to_frame()) == 1


@pytest.mark.parametrize(
    "inputs", [{"bilirubin_umol_l": 0, "albumin_g_l": 40}, {"bilirubin_umol_l": 9, "albumin_g_l": -4}]
)
def test_impossible_values(inputs):
    with pytest.raises(ValueError, match=r"^(bilirubin_umol_l|albumin_g_l) must be a positive finite number"):
        albi(**inputs)


def palbi_bilirubin_for(score, albumin):
    """The bilirubin (umol/L) with which this albumin (g/L) and 1 of platelets give exactly this PALBI.

    With b = log10 of bilirubin, 0.37 b^2 - 2.02 b + (score + 0.04 albumin) = 0, and its smaller root.
    """
    constant = score + 0.04 * albumin
    return 10 ** ((2.02 - (2.02**2 - 4 * 0.37 * constant) ** 0.5) / (2 * 0.37))


class TestPalbi:
    @pytest.mark.parametrize(
        ("bilirubin", "albumin", "platelets", "score"),
        [
            (1, 40, 1, -1.6),  # both logs vanish: 0.04 * 40
            (10, 40, 1, -1.6 + 2.02 - 0.37),
            (100, 40, 1, -1.6 + 4.04 - 1.48),
            (1, 40, 10, -1.6 - 3.48 + 1.01),
            (1, 40, 100, -1.6 - 6.96 + 4.04),
            (0.1, 20, 0.1, -0.8 - 2.02 - 0.37 + 3.48 + 1.01),  # nothing is clamped
        ],
    )
    def test_formula(self, bilirubin, albumin, platelets, score):
        result = palbi(bilirubin_umol_l=bilirubin, albumin_g_l=albumin, platelets_10_9_l=platelets)
        assert result.score == pytest.approx(score, abs=1e-13)

    def test_us_units(self):
        us = palbi(bilirubin_mg_dl=10, albumin_g_dl=4, platelets_10_9_l=100)
        si = palbi(bilirubin_umol_l=171, albumin_g_l=40, platelets_10_9_l=100)
        assert us.score == pytest.approx(si.score, abs=1e-13)

    @pytest.mark.parametrize(
        ("score", "grade"),
        [
            (-2.53 - 1e-7, 1),
            (-2.53, 1),
            (-2.53 + 1e-7, 2),
            (-2.09 - 1e-7, 2),
            (-2.09, 2),
            (-2.09 + 1e-7, 3),
        ],
    )
    @given(st.floats(55, 80))
    def test_grades_at_their_boundaries(self, score, grade, albumin):
        bilirubin = palbi_bilirubin_for(score, albumin)
        result = palbi(bilirubin_umol_l=bilirubin, albumin_g_l=albumin, platelets_10_9_l=1)
        assert result.score == pytest.approx(score, abs=1e-12)
        assert result.grade == grade

    @given(BILIRUBIN, ALBUMIN, st.floats(5, 600), st.floats(0, 50))
    def test_direction_of_each_input(self, bilirubin, albumin, platelets, more):
        """Bilirubin raises it up to 10^(2.02 / 0.74) = 537 umol/L, platelets lower it up to 10^(3.48 / 2.02) = 53."""

        def score(bilirubin, albumin, platelets):
            return palbi(bilirubin_umol_l=bilirubin, albumin_g_l=albumin, platelets_10_9_l=platelets).score

        start = score(bilirubin, albumin, platelets)
        assert score(bilirubin, albumin + more, platelets) <= start
        if bilirubin + more < 536:
            assert score(bilirubin + more, albumin, platelets) >= start - 1e-12
        if platelets + more < 52:
            assert score(bilirubin, albumin, platelets + more) <= start + 1e-12
        elif platelets > 53:
            assert score(bilirubin, albumin, platelets + more) >= start - 1e-12

    def test_missing_and_frame(self):
        platelets = pd.Series([100, None], index=pd.Index(["S1", "S2"], name="USUBJID"))
        frame = palbi(bilirubin_umol_l=10, albumin_g_l=40, platelets_10_9_l=platelets).to_frame()
        assert list(frame.columns) == ["score", "grade"]
        assert frame.index.equals(platelets.index)
        # -1.6 + 1.65 - 6.96 + 4.04 = -2.87
        np.testing.assert_allclose(frame["score"], [-2.87, nan], atol=1e-12)
        np.testing.assert_array_equal(frame["grade"], [1, nan])


class TestOtherChoices:
    """scores.md section 8: each value is one where the other choice gives another number or grade."""

    def test_the_logarithm_is_decimal(self):
        # the natural logarithm would give 0.66 * 4.605 - 3.4 = -0.36
        assert albi(bilirubin_umol_l=100, albumin_g_l=40).score == pytest.approx(-2.08, abs=1e-12)

    def test_the_albumin_factor_is_0_085(self):
        # 0.0852 would give -0.66 - 0.008
        assert albi(bilirubin_umol_l=10, albumin_g_l=40).score == pytest.approx(-2.74, abs=1e-12)

    def test_minus_2_60_is_grade_1(self):
        assert albi(bilirubin_umol_l=bilirubin_for(-2.6, 40), albumin_g_l=40).grade == 1
