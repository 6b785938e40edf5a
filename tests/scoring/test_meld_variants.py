"""MELD-XI, iMELD and UKELD: closed form, their bounds or want of them, and other implementations' mistakes."""

from math import e, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.scoring import imeld, meld_xi, ukeld

FLOOR = {"bilirubin_mg_dl": 1.0, "creatinine_mg_dl": 1.0}


class TestMeldXI:
    def test_coefficients(self):
        # ln e = 1
        assert meld_xi(**FLOOR) == pytest.approx(9.44, abs=1e-14)
        assert meld_xi(**FLOOR | {"bilirubin_mg_dl": e}) == pytest.approx(9.44 + 5.11, abs=1e-12)
        assert meld_xi(**FLOOR | {"creatinine_mg_dl": e}) == pytest.approx(9.44 + 11.76, abs=1e-12)

    @pytest.mark.parametrize("lab", FLOOR)
    def test_labs_are_raised_to_one(self, lab):
        assert meld_xi(**FLOOR | {lab: 0.99}) == meld_xi(**FLOOR | {lab: 0.2}) == meld_xi(**FLOOR)
        assert meld_xi(**FLOOR | {lab: 1.01}) > meld_xi(**FLOOR)

    def test_creatinine_is_lowered_to_four_and_bilirubin_is_not(self):
        at = meld_xi(**FLOOR | {"creatinine_mg_dl": 4.0})
        assert at == pytest.approx(9.44 + 11.76 * log(4), abs=1e-12)
        assert meld_xi(**FLOOR | {"creatinine_mg_dl": 4.01}) == at
        assert meld_xi(**FLOOR | {"creatinine_mg_dl": 3.99}) < at
        assert meld_xi(**FLOOR | {"bilirubin_mg_dl": 80}) == pytest.approx(9.44 + 5.11 * log(80), abs=1e-12)

    def test_si_units(self):
        score = meld_xi(bilirubin_umol_l=17.1 * e, creatinine_umol_l=88.4 * e)
        assert score == pytest.approx(9.44 + 5.11 + 11.76, abs=1e-12)

    @given(st.floats(0.1, 60), st.floats(0.3, 9), st.floats(0, 20))
    def test_rises_with_each_lab(self, bilirubin, creatinine, more):
        score = meld_xi(bilirubin_mg_dl=bilirubin, creatinine_mg_dl=creatinine)
        assert score >= 9.44
        assert meld_xi(bilirubin_mg_dl=bilirubin + more, creatinine_mg_dl=creatinine) >= score - 1e-12
        assert meld_xi(bilirubin_mg_dl=bilirubin, creatinine_mg_dl=creatinine + more) >= score - 1e-12

    def test_there_is_no_inr(self):
        with pytest.raises(TypeError, match="inr"):
            meld_xi(**FLOOR, inr=1.5)


class TestIMeld:
    @pytest.mark.parametrize(
        ("meld", "age", "sodium", "expected"),
        [
            (15, 50, 140, 32.0),  # 15 + 15 - 98 + 100
            (15, 50, 130, 39.0),
            (15, 60, 140, 35.0),
            (16.5, 50, 140, 33.5),
            (15, 50, 110, 53.0),  # sodium is not clamped: 125 would give 42.5
            (15, 50, 155, 21.5),  # 137 would give 34.1
        ],
    )
    def test_formula(self, meld, age, sodium, expected):
        assert imeld(meld=meld, age_years=age, sodium_mmol_l=sodium) == pytest.approx(expected, abs=1e-12)

    @given(st.floats(6, 60), st.floats(18, 80), st.floats(110, 150), st.floats(0, 20))
    def test_rises_with_meld_and_age_and_falls_with_sodium(self, meld, age, sodium, more):
        score = imeld(meld=meld, age_years=age, sodium_mmol_l=sodium)
        assert imeld(meld=meld + more, age_years=age, sodium_mmol_l=sodium) >= score
        assert imeld(meld=meld, age_years=age + more, sodium_mmol_l=sodium) >= score
        assert imeld(meld=meld, age_years=age, sodium_mmol_l=sodium + more) <= score


UKELD_START = {"inr": 1.0, "creatinine_umol_l": 1.0, "bilirubin_umol_l": 1.0, "sodium_mmol_l": 140}
AT_UKELD_START = 435 - 81.565 * log(140)


class TestUkeld:
    @pytest.mark.parametrize(
        ("changed", "difference"),
        [
            ({}, 0.0),
            ({"inr": e}, 5.395),
            ({"creatinine_umol_l": e}, 1.485),
            ({"bilirubin_umol_l": e}, 3.13),
            ({"sodium_mmol_l": 140 / e}, 81.565),
            ({"inr": 1 / e}, -5.395),  # nothing is clamped
            ({"sodium_mmol_l": 140 * e}, -81.565),
        ],
    )
    def test_coefficients(self, changed, difference):
        assert ukeld(**UKELD_START | changed) == pytest.approx(AT_UKELD_START + difference, abs=1e-11)

    @given(st.floats(0.8, 6), st.floats(30, 800), st.floats(5, 800), st.floats(110, 150), st.floats(0, 20))
    def test_rises_with_each_lab_and_falls_with_sodium(self, inr, creatinine, bilirubin, sodium, more):
        labs = dict(zip(UKELD_START, (inr, creatinine, bilirubin, sodium), strict=True))
        for lab in labs:
            worse = labs[lab] + (-more if lab == "sodium_mmol_l" else more)
            assert ukeld(**labs | {lab: worse}) >= ukeld(**labs) - 1e-11


class TestDiscrepancies:
    """What other implementations do differently; each test fails under the wrong choice."""

    @pytest.mark.parametrize("creatinine", [0.5, 1.0, 2.0, 9.0])
    def test_4_dialysis_overrides_any_creatinine(self, creatinine):
        score = meld_xi(bilirubin_mg_dl=1, creatinine_mg_dl=creatinine, dialysis=True)
        assert score == pytest.approx(9.44 + 11.76 * log(4), abs=1e-12)

    def test_the_factor_of_meld_xi_is_5_11(self):
        # 5.112 gives 0.0074 more at a bilirubin of 40
        score = meld_xi(bilirubin_mg_dl=40, creatinine_mg_dl=1)
        assert score == pytest.approx(9.44 + 5.11 * log(40), abs=1e-3)

    def test_15_ukeld_multiplies_mg_dl(self):
        # 1.2 mg/dL = 106.08 umol/L, 3 mg/dL = 51.3 umol/L:
        # 5.395 ln 1.5 + 1.485 ln 106.08 + 3.13 ln 51.3 - 81.565 ln 130 + 435
        #   = 2.18748 + 6.92633 + 12.32497 - 397.02045 + 435 = 59.41834; divided, it would be 28.3
        us = ukeld(inr=1.5, creatinine_mg_dl=1.2, bilirubin_mg_dl=3, sodium_mmol_l=130)
        assert us == pytest.approx(59.41834, abs=1e-3)
        si = ukeld(inr=1.5, creatinine_umol_l=106.08, bilirubin_umol_l=51.3, sodium_mmol_l=130)
        assert us == pytest.approx(si, abs=1e-11)
