"""MELD and MELD-Na: closed form, invariance, and the choices between implementations that disagree."""

from math import e, exp, log

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from esld.scoring import (
    meld,
    meld_2000,
    meld_mortality_3_month_percent,
    meld_na,
    meld_na_kim_2008,
    meld_real,
    meld_survival_90_day,
)

FLOOR = {"bilirubin_mg_dl": 1.0, "creatinine_mg_dl": 1.0, "inr": 1.0}
LABS = st.fixed_dictionaries(
    {
        "bilirubin_mg_dl": st.floats(0.1, 60).map(lambda x: round(x, 2)),
        "creatinine_mg_dl": st.floats(0.3, 9).map(lambda x: round(x, 2)),
        "inr": st.floats(0.8, 12).map(lambda x: round(x, 2)),
    }
)
SODIUM = st.floats(110, 155).map(lambda x: round(x, 1))


class TestMeld:
    def test_coefficients(self):
        # ln e = 1, so each lab at e adds its own coefficient, times ten, to 6.43
        assert meld_real(**FLOOR) == pytest.approx(6.43, abs=1e-14)
        assert meld_real(**FLOOR | {"creatinine_mg_dl": e}) == pytest.approx(6.43 + 9.57, abs=1e-12)
        assert meld_real(**FLOOR | {"bilirubin_mg_dl": e}) == pytest.approx(6.43 + 3.78, abs=1e-12)
        assert meld_real(**FLOOR | {"inr": e}) == pytest.approx(6.43 + 11.20, abs=1e-12)

    @pytest.mark.parametrize("lab", FLOOR)
    def test_labs_are_raised_to_one(self, lab):
        below = FLOOR | {lab: 0.4}
        assert meld_real(**below) == meld_real(**FLOOR)
        assert meld_real(**FLOOR | {lab: 1.01}) > meld_real(**FLOOR)

    def test_creatinine_is_lowered_to_four_and_the_others_are_not(self):
        assert meld_real(**FLOOR | {"creatinine_mg_dl": 4.01}) == meld_real(**FLOOR | {"creatinine_mg_dl": 4})
        assert meld_real(**FLOOR | {"creatinine_mg_dl": 3.99}) < meld_real(**FLOOR | {"creatinine_mg_dl": 4})
        assert meld_real(**FLOOR | {"bilirubin_mg_dl": 80}) == pytest.approx(6.43 + 3.78 * log(80), abs=1e-12)
        assert meld_real(**FLOOR | {"inr": 20}) == pytest.approx(6.43 + 11.2 * log(20), abs=1e-12)

    def test_whole_score_is_capped_and_the_real_one_is_not(self):
        worst = {"bilirubin_mg_dl": 50, "creatinine_mg_dl": 4, "inr": 10}
        assert meld(**worst) == 40
        # 6.43 + 9.57 ln 4 + 3.78 ln 50 + 11.2 ln 10
        assert meld_real(**worst) == pytest.approx(60.273, abs=1e-3)

    def test_si_units(self):
        assert meld_real(bilirubin_umol_l=17.1 * e, creatinine_umol_l=88.4 * e, inr=1) == pytest.approx(
            6.43 + 3.78 + 9.57, abs=1e-12
        )

    @given(LABS)
    def test_whole_score_is_the_real_one_rounded_and_clamped(self, labs):
        assert meld(**labs) == min(max(int(meld_real(**labs) + 0.5), 6), 40)

    @given(LABS, st.sampled_from(sorted(FLOOR)), st.floats(0, 20))
    def test_rises_with_each_lab(self, labs, lab, more):
        higher = labs | {lab: labs[lab] + more}
        assert meld(**higher) >= meld(**labs)
        assert meld_real(**higher) >= meld_real(**labs) - 1e-12

    @given(LABS)
    def test_dialysis_never_lowers(self, labs):
        assert meld(**labs, dialysis=True) >= meld(**labs)


class TestMeld2000:
    def test_the_constant_is_for_other_aetiologies(self):
        # at the floor all logs vanish: 6.43 is left, or nothing
        assert meld_2000(**FLOOR, cholestatic_or_alcoholic=False) == pytest.approx(6.43, abs=1e-14)
        assert meld_2000(**FLOOR, cholestatic_or_alcoholic=True) == pytest.approx(0, abs=1e-14)

    @given(LABS, st.booleans())
    def test_it_is_the_real_meld_but_for_the_constant(self, labs, dialysis):
        real = meld_real(**labs, dialysis=dialysis)
        both = meld_2000(**labs, dialysis=dialysis, cholestatic_or_alcoholic=[False, True])
        np.testing.assert_allclose(both, [real, real - 6.43], rtol=0, atol=1e-12)
        assert both[1] >= 0

    def test_the_aetiology_has_no_default_and_may_be_missing(self):
        with pytest.raises(TypeError, match="cholestatic_or_alcoholic"):
            meld_2000(**FLOOR)
        assert np.isnan(meld_2000(**FLOOR, cholestatic_or_alcoholic=None))


class TestMeldNa:
    def test_formula_above_eleven(self):
        # creatinine 4, others at the floor: 6.43 + 9.57 ln 4 = 19.697 -> MELD(i) 20
        # Na 130: 20 + 1.32 * 7 - 0.033 * 20 * 7 = 24.62 -> 25
        assert meld_na(**FLOOR | {"creatinine_mg_dl": 4}, sodium_mmol_l=130) == 25

    @pytest.mark.parametrize(("sodium", "same_as"), [(124.9, 125), (100, 125), (137.1, 137), (160, 137)])
    def test_sodium_is_clamped(self, sodium, same_as):
        labs = FLOOR | {"creatinine_mg_dl": 4}
        assert meld_na(**labs, sodium_mmol_l=sodium) == meld_na(**labs, sodium_mmol_l=same_as)
        assert meld_na(**labs, sodium_mmol_l=126) < meld_na(**labs, sodium_mmol_l=125)
        assert meld_na(**labs, sodium_mmol_l=136) > meld_na(**labs, sodium_mmol_l=137)

    def test_the_cliff_between_eleven_and_twelve(self):
        # bilirubin 2.8 and INR 1.1: 11.39 -> 11, sodium ignored; 2.9: 11.52 -> 12, 12 + 15.84 - 4.752 = 23.09
        assert meld_na(bilirubin_mg_dl=2.8, creatinine_mg_dl=1, inr=1.1, sodium_mmol_l=125) == 11
        assert meld_na(bilirubin_mg_dl=2.9, creatinine_mg_dl=1, inr=1.1, sodium_mmol_l=125) == 23

    @given(LABS, SODIUM, st.sampled_from([*sorted(FLOOR), "sodium_mmol_l"]), st.floats(0, 20))
    def test_rises_with_each_lab_and_falls_with_sodium(self, labs, sodium, lab, more):
        inputs = labs | {"sodium_mmol_l": sodium}
        change = -1 if lab == "sodium_mmol_l" else 1
        worse = inputs | {lab: inputs[lab] + change * more}
        assert meld_na(**worse) >= meld_na(**inputs)

    @given(LABS, SODIUM)
    def test_never_below_meld(self, labs, sodium):
        assert meld_na(**labs, sodium_mmol_l=sodium) >= meld(**labs)

    def test_kim_2008(self):
        # MELD 6.43 + 9.57 ln 4 = 19.69689; Na 130: + 10 - 0.025 * 19.69689 * 10
        labs = FLOOR | {"creatinine_mg_dl": 4}
        real = 6.43 + 9.57 * log(4)
        assert meld_na_kim_2008(**labs, sodium_mmol_l=130) == pytest.approx(0.75 * real + 10, abs=1e-12)
        for sodium, same_as in ((124, 125), (141, 140)):
            clamped = meld_na_kim_2008(**labs, sodium_mmol_l=same_as)
            assert meld_na_kim_2008(**labs, sodium_mmol_l=sodium) == clamped

    @given(LABS, SODIUM, st.floats(0, 20))
    def test_kim_2008_falls_with_sodium_while_meld_is_below_forty(self, labs, sodium, more):
        assume(meld_real(**labs) < 40)
        higher = meld_na_kim_2008(**labs, sodium_mmol_l=sodium + more)
        assert higher <= meld_na_kim_2008(**labs, sodium_mmol_l=sodium) + 1e-12


class TestMortality:
    @pytest.mark.parametrize(
        ("score", "percent"),
        [
            (6, 1.9),
            (9, 1.9),
            (9.49, 1.9),
            (9.5, 6.0),
            (10, 6.0),
            (19, 6.0),
            (20, 19.6),
            (29, 19.6),
            (30, 52.6),
            (39, 52.6),
            (40, 71.3),
            (55, 71.3),
        ],
    )
    def test_bands(self, score, percent):
        assert meld_mortality_3_month_percent(meld=score) == percent

    def test_survival(self):
        assert meld_survival_90_day(meld=10) == pytest.approx(
            0.98465, abs=1e-15
        )  # the exponent is exp(0) = 1
        assert meld_survival_90_day(meld=30) == pytest.approx(0.98465 ** exp(3.27), abs=1e-14)

    def test_survival_beyond_every_patient_is_nil(self):
        assert meld_survival_90_day(meld=1e300) == 0  # without a warning, which is an error here

    @given(st.floats(6, 60), st.floats(6, 60))
    def test_survival_falls_with_meld(self, a, b):
        low, high = sorted([a, b])
        assert 0 <= meld_survival_90_day(meld=high) <= meld_survival_90_day(meld=low) <= 1


class TestDiscrepancies:
    """What other implementations do differently; each test fails under the wrong choice."""

    def test_1_meld_is_rounded_to_a_tenth_before_sodium(self):
        # at Na 125 MELD-Na is 0.604 MELD(i) + 15.84; with MELD(i) kept to more decimals many scores differ
        bilirubin = np.round(np.arange(1.5, 6, 0.01), 2)
        labs = {"bilirubin_mg_dl": bilirubin, "creatinine_mg_dl": 1.6, "inr": 1.3}
        real = 6.43 + 9.57 * log(1.6) + 3.78 * np.log(bilirubin) + 11.2 * log(1.3)
        rounded_first = np.floor(np.floor(real + 0.5) * 0.604 + 15.84 + 0.5)
        np.testing.assert_array_equal(meld_na(**labs, sodium_mmol_l=125), rounded_first)
        for decimals in (1, 9):  # of ten x: x kept to 2 decimals (open-med-calc) or 10 (transplantr)
            rounded_late = np.floor(np.round(real, decimals) * 0.604 + 15.84 + 0.5)
            assert (rounded_first != rounded_late).sum() > 50

    def test_2_sodium_counts_only_above_a_rounded_eleven(self):
        # 6.43 + 9.57 ln 1.3 + 3.78 ln 1.8 = 11.16 > 11, but rounds to 11; unrounded, sodium would make it 23
        labs = {"bilirubin_mg_dl": 1.8, "creatinine_mg_dl": 1.3, "inr": 1.0}
        assert 11 < meld_real(**labs) < 11.5
        assert meld_na(**labs, sodium_mmol_l=125) == 11

    def test_3_meld_na_is_the_optn_equation_with_its_clamps(self):
        # MELD(i) 20, Na 118 -> 125: 20 + 15.84 - 7.92 = 27.92 -> 28
        # transplantr, creatinine 4 and Na as they are: 19.697 + 22 - 0.025 * 19.697 * 22 = 30.9
        labs = FLOOR | {"creatinine_mg_dl": 9}
        assert meld_na(**labs, sodium_mmol_l=118) == 28

    @pytest.mark.parametrize("creatinine", [0.5, 0.99, 1.0, 2.0, 4.0, 9.0])
    def test_4_dialysis_overrides_any_creatinine(self, creatinine):
        labs = FLOOR | {"creatinine_mg_dl": creatinine, "dialysis": True}
        assert meld(**labs) == 20
        assert meld_na(**labs, sodium_mmol_l=137) == 20
        assert meld_na_kim_2008(**labs, sodium_mmol_l=140) == pytest.approx(6.43 + 9.57 * log(4), abs=1e-12)

    def test_9_the_constants_are_untruncated(self):
        # 0.6431 gives 6.431; 1.2 for INR gives 12 ln 8; 11.21, 3.8 and 9.6 differ in the third digit
        assert meld_real(**FLOOR) == pytest.approx(6.43, abs=5e-4)
        labs = {"bilirubin_mg_dl": 20, "creatinine_mg_dl": 4, "inr": 8}
        # 9.57 ln 4 + 3.78 ln 20 + 11.2 ln 8 + 6.43 = 13.26686 + 11.32387 + 23.28974 + 6.43
        assert meld_real(**labs) == pytest.approx(54.31046, abs=1e-4)

    def test_10_the_sodium_factor_is_0_033_and_the_floor_of_creatinine_1(self):
        # with 0.08 for 0.033 at MELD(i) 20, Na 125: 20 + 15.84 - 19.2 = 16.64
        assert meld_na(**FLOOR | {"creatinine_mg_dl": 4}, sodium_mmol_l=125) == 28
        assert meld_real(**FLOOR | {"creatinine_mg_dl": 0.8}) == meld_real(**FLOOR)

    @given(LABS, st.floats(137, 160))
    def test_11_meld_na_is_meld_when_sodium_is_normal(self, labs, sodium):
        assert meld_na(**labs, sodium_mmol_l=sodium) == meld(**labs)
