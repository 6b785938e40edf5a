"""Mayo PBC risk score: closed form, survival, and values at which the exponential would overflow."""

from math import e, exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.scoring import mayo_pbc

START = {"bilirubin_mg_dl": 1.0, "albumin_g_dl": 1.0, "age_years": 0, "pt_s": 1.0, "oedema": 0}
YEARS = ["survival_1_year", *(f"survival_{year}_years" for year in range(2, 8))]
BASELINE = [0.970, 0.941, 0.883, 0.833, 0.774, 0.721, 0.651]
PATIENTS = st.fixed_dictionaries(
    {
        "bilirubin_mg_dl": st.floats(0.2, 40),
        "albumin_g_dl": st.floats(1.5, 5),
        "age_years": st.floats(20, 85),
        "pt_s": st.floats(9, 20),
        "oedema": st.sampled_from([0, 0.5, 1]),
    }
)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, 0.0),  # all logs vanish
        ({"bilirubin_mg_dl": e}, 0.871),
        ({"bilirubin_mg_dl": 1 / e}, -0.871),  # nothing is clamped
        ({"albumin_g_dl": e}, -2.53),
        ({"age_years": 100}, 3.9),
        ({"pt_s": e}, 2.38),
        ({"oedema": 0.5}, 0.4295),
        ({"oedema": 1}, 0.859),
    ],
)
def test_coefficients(changed, expected):
    assert mayo_pbc(**START | changed).risk_score == pytest.approx(expected, abs=1e-12)


def test_si_units():
    # 17.1 e umol/L = e mg/dL, 10 e g/L = e g/dL
    result = mayo_pbc(bilirubin_umol_l=17.1 * e, albumin_g_l=10 * e, age_years=0, pt_s=1, oedema=0)
    assert result.risk_score == pytest.approx(0.871 - 2.53, abs=1e-12)


def test_survival_at_the_mean_score_is_the_baseline():
    # R = 0.039 * 130 = 5.07
    result = mayo_pbc(**START | {"age_years": 130})
    assert [getattr(result, year) for year in YEARS] == pytest.approx(BASELINE, abs=1e-13)


def test_survival_at_another_score():
    # R = 3.9: the hazard is exp(3.9 - 5.07) times that of the mean
    result = mayo_pbc(**START | {"age_years": 100})
    expected = [survival ** exp(-1.17) for survival in BASELINE]
    assert [getattr(result, year) for year in YEARS] == pytest.approx(expected, abs=1e-13)


@given(PATIENTS)
def test_survival_falls_with_the_years(patient):
    survival = [getattr(mayo_pbc(**patient), year) for year in YEARS]
    assert survival[0] <= 1
    assert survival[-1] >= 0
    assert survival == sorted(survival, reverse=True)


@given(PATIENTS, st.sampled_from(["bilirubin_mg_dl", "albumin_g_dl", "age_years", "pt_s"]), st.floats(0, 10))
def test_direction_of_each_input(patient, argument, more):
    before, after = mayo_pbc(**patient), mayo_pbc(**patient | {argument: patient[argument] + more})
    worse, better = (before, after) if argument == "albumin_g_dl" else (after, before)
    assert worse.risk_score >= better.risk_score - 1e-12
    assert worse.survival_5_years <= better.survival_5_years + 1e-12


@pytest.mark.parametrize("oedema", [2, 0.25, -1, True])
def test_oedema_is_none_half_or_one(oedema):
    with pytest.raises(ValueError, match=r"^oedema must be one of \[0\.0, 0\.5, 1\.0\] or missing, got 1"):
        mayo_pbc(**START | {"oedema": oedema})


def test_no_overflow():
    # exp(R - 5.07) is beyond the largest float: survival is 0, and nothing warns
    worst = mayo_pbc(bilirubin_mg_dl=1e300, albumin_g_dl=1e-300, age_years=90, pt_s=1e300, oedema=1)
    assert np.isfinite(worst.risk_score)
    assert [getattr(worst, year) for year in YEARS] == [0.0] * 7
    best = mayo_pbc(bilirubin_mg_dl=1e-300, albumin_g_dl=1e300, age_years=0, pt_s=1e-300, oedema=0)
    assert [getattr(best, year) for year in YEARS] == [1.0] * 7


def test_frame():
    frame = mayo_pbc(**START | {"oedema": [0, None]}).to_frame()
    assert list(frame.columns) == ["risk_score", *YEARS]
    assert frame.iloc[1].isna().all()
    assert frame.iloc[0].notna().all()


def test_it_is_not_the_score_of_sclerosing_cholangitis():
    with pytest.raises(TypeError, match="ast_u_l"):
        mayo_pbc(**START, ast_u_l=60)
