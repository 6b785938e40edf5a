"""MELD 3.0: closed form, every reachable tie, and the choices between implementations that disagree."""

from math import e, exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.scoring import meld_3, meld_3_real, meld_3_survival_90_day

FLOOR = {
    "bilirubin_mg_dl": 1.0,
    "creatinine_mg_dl": 1.0,
    "inr": 1.0,
    "sodium_mmol_l": 137.0,
    "albumin_g_dl": 3.5,
    "female": False,
}
INPUTS = st.fixed_dictionaries(
    {
        "bilirubin_mg_dl": st.floats(0.1, 60).map(lambda x: round(x, 2)),
        "creatinine_mg_dl": st.floats(0.3, 9).map(lambda x: round(x, 2)),
        "inr": st.floats(0.8, 12).map(lambda x: round(x, 2)),
        "sodium_mmol_l": st.floats(110, 155).map(lambda x: round(x, 1)),
        "albumin_g_dl": st.floats(1, 5.5).map(lambda x: round(x, 2)),
        "female": st.booleans(),
        "dialysis": st.booleans(),
    }
)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, 6.0),
        ({"female": True}, 6.0 + 1.33),
        ({"bilirubin_mg_dl": e}, 6.0 + 4.56),
        ({"inr": e}, 6.0 + 9.09),
        ({"creatinine_mg_dl": e}, 6.0 + 11.14),
        ({"sodium_mmol_l": 127}, 6.0 + 8.2),
        ({"sodium_mmol_l": 127, "bilirubin_mg_dl": e}, 6.0 + 8.2 + 4.56 - 2.4),
        ({"albumin_g_dl": 2.5}, 6.0 + 1.85),
        ({"albumin_g_dl": 2.5, "creatinine_mg_dl": e}, 6.0 + 1.85 + 11.14 - 1.83),
    ],
)
def test_coefficients(changed, expected):
    # ln e = 1 and ln 1 = 0: each term stands alone
    assert meld_3_real(**FLOOR | changed) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("argument", "limit", "beyond", "within"),
    [
        ("bilirubin_mg_dl", 1.0, 0.2, 1.1),
        ("inr", 1.0, 0.8, 1.1),
        ("creatinine_mg_dl", 1.0, 0.5, 1.1),
        ("creatinine_mg_dl", 3.0, 3.5, 2.9),
        ("sodium_mmol_l", 137, 145, 136),
        ("sodium_mmol_l", 125, 110, 126),
        ("albumin_g_dl", 3.5, 4.4, 3.4),
        ("albumin_g_dl", 1.5, 1.2, 1.6),
    ],
)
def test_limits(argument, limit, beyond, within):
    at = meld_3_real(**FLOOR | {argument: limit})
    assert meld_3_real(**FLOOR | {argument: beyond}) == at
    assert meld_3_real(**FLOOR | {argument: within}) != at


def test_si_units():
    si = {"bilirubin_umol_l": 17.1 * e, "creatinine_umol_l": 88.4 * e, "albumin_g_l": 25.0}
    others = {"inr": 1.0, "sodium_mmol_l": 137, "female": False}
    assert meld_3_real(**si, **others) == pytest.approx(6 + 4.56 + 11.14 + 1.85 - 1.83, abs=1e-12)


def test_halves_are_rounded_up_on_every_reachable_tie():
    """With bilirubin, creatinine and INR at 1 the logs vanish; elsewhere a logarithm makes a tie impossible.

    The sum is 6 + 1.33 [female] + 0.82 (137 - Na) + 1.85 (3.5 - albumin). With sodium to 0.1 and albumin to
    0.01 it is a whole number of 1/10,000, so ties and their rounding are exact in integers.
    """
    sodium = np.arange(1250, 1371)[:, None, None]  # tenths
    albumin = np.arange(150, 351)[None, :, None]  # hundredths
    female = np.array([0, 1])[None, None, :]
    exact = 60_000 + 13_300 * female + 820 * (1370 - sodium) + 185 * (350 - albumin)
    half_up = (exact + 5_000) // 10_000
    is_tie = exact % 10_000 == 5_000
    half_even = np.where(is_tie & (half_up % 2 == 1), half_up - 1, half_up)
    assert is_tie.sum() == 20
    assert (half_even != half_up).sum() == 10  # Python's and R's rounding would fail here

    shape = exact.shape
    labs = {"bilirubin_mg_dl": 0.8, "creatinine_mg_dl": 1.0, "inr": 0.9}
    grid = {
        "sodium_mmol_l": np.broadcast_to(sodium / 10, shape),
        "albumin_g_dl": np.broadcast_to(albumin / 100, shape),
        "female": np.broadcast_to(female == 1, shape),
    }
    np.testing.assert_array_equal(meld_3(**labs, **grid), half_up)
    si = grid | {"albumin_g_l": np.broadcast_to(albumin / 10, shape)}
    del si["albumin_g_dl"]
    np.testing.assert_array_equal(meld_3(**labs, **si), half_up)


@given(INPUTS)
def test_whole_score_is_the_real_one_rounded_and_capped(inputs):
    real = meld_3_real(**inputs)
    whole = int(round(real, 8) + 0.5)
    assert meld_3(**inputs, cap=False) == whole >= 6
    assert meld_3(**inputs) == min(whole, 40)


@given(INPUTS, st.sampled_from(["bilirubin_mg_dl", "creatinine_mg_dl", "inr"]), st.floats(0, 20))
def test_rises_with_bilirubin_creatinine_and_inr(inputs, lab, more):
    assert meld_3(**inputs | {lab: inputs[lab] + more}) >= meld_3(**inputs)


@given(INPUTS, st.floats(0, 20))
def test_falls_with_sodium_while_its_factor_is_positive(inputs, more):
    # 0.82 - 0.24 ln(bilirubin) > 0 below a bilirubin of exp(0.82 / 0.24) = 30.5
    inputs = inputs | {"bilirubin_mg_dl": min(inputs["bilirubin_mg_dl"], 30)}
    assert meld_3(**inputs | {"sodium_mmol_l": inputs["sodium_mmol_l"] + more}) <= meld_3(**inputs)


@given(INPUTS, st.floats(0, 3))
def test_falls_with_albumin_while_its_factor_is_positive(inputs, more):
    # 1.85 - 1.83 ln(creatinine) > 0 below a creatinine of exp(1.85 / 1.83) = 2.748
    inputs = inputs | {"creatinine_mg_dl": min(inputs["creatinine_mg_dl"], 2.7), "dialysis": False}
    assert meld_3(**inputs | {"albumin_g_dl": inputs["albumin_g_dl"] + more}) <= meld_3(**inputs)


@given(INPUTS)
def test_women_have_1_33_more(inputs):
    women, men = (meld_3_real(**inputs | {"female": female}) for female in (True, False))
    assert women - men == pytest.approx(1.33, abs=1e-10)


@given(INPUTS, st.floats(12, 17.99))
def test_adolescents_of_both_sexes_score_as_women(inputs, age):
    women = meld_3_real(**inputs | {"female": True})
    assert meld_3_real(**inputs, age_years=age) == pytest.approx(women, abs=1e-12)


@pytest.mark.parametrize(
    ("age", "expected"),
    [(11.99, np.nan), (0, np.nan), (12, 7.33), (17.99, 7.33), (18, 6.0), (70, 6.0), (None, np.nan)],
)
def test_age_limits(age, expected):
    assert meld_3_real(**FLOOR, age_years=age) == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_sex_is_required_of_adults_alone():
    """From 12 to 17 both sexes get 1.33, so that it need not be known."""
    result = meld_3_real(**FLOOR | {"female": None}, age_years=np.array([11, 12, 15, 17, 18]))
    np.testing.assert_allclose(result, [np.nan, 7.33, 7.33, 7.33, np.nan], rtol=1e-12)


def test_survival():
    # the exponent vanishes at 3.56 / 0.17698
    assert meld_3_survival_90_day(meld_3=3.56 / 0.17698) == pytest.approx(0.946, abs=1e-15)
    assert meld_3_survival_90_day(meld_3=40) == pytest.approx(0.946 ** exp(0.17698 * 40 - 3.56), abs=1e-14)


class TestDiscrepancies:
    """What other implementations do differently; each test fails under the wrong choice."""

    @pytest.mark.parametrize("creatinine", [0.5, 1.0, 2.0, 6.0])
    def test_4_and_5_dialysis_sets_creatinine_to_three(self, creatinine):
        labs = FLOOR | {"creatinine_mg_dl": creatinine, "dialysis": True}
        # 4.0 would give 6 + 11.14 ln 4 = 21.44
        assert meld_3_real(**labs) == pytest.approx(6 + 11.14 * log(3), abs=1e-12)

    def test_6_the_cap_is_an_option(self):
        worst = FLOOR | {"bilirubin_mg_dl": 40, "creatinine_mg_dl": 3, "inr": 6}
        # 6 + 4.56 ln 40 + 11.14 ln 3 + 9.09 ln 6 = 51.35
        assert meld_3(**worst) == 40
        assert meld_3(**worst, cap=False) == 51

    def test_7_adolescents_and_sex_are_implemented(self):
        assert meld_3(**FLOOR) == 6
        assert meld_3(**FLOOR, age_years=15) == 7
        assert meld_3(**FLOOR | {"female": True}) == 7

    @pytest.mark.parametrize("sex", ["F", "female", 2, [1, 2]])
    def test_7_a_sex_code_is_refused(self, sex):
        with pytest.raises(ValueError, match=r"^female must be True, False"):
            meld_3(**FLOOR | {"female": sex})

    def test_8_a_half_is_rounded_up(self):
        # 6 + 0.82 * 11 + 1.85 * 0.8 = 16.5, which half-even rounding takes to 16
        assert meld_3(**FLOOR | {"sodium_mmol_l": 126, "albumin_g_dl": 2.7}) == 17
