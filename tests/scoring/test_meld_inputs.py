"""The clamped inputs: each bound, dialysis, and that the scores are computed from them and nothing else."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.scoring import (
    meld_3_inputs,
    meld_3_real,
    meld_inputs,
    meld_na,
    meld_na_inputs,
    meld_real,
    meld_xi,
    meld_xi_inputs,
)

PATIENT = {
    "bilirubin_mg_dl": 2.0,
    "creatinine_mg_dl": 1.5,
    "inr": 1.5,
    "sodium_mmol_l": 130.0,
    "albumin_g_dl": 3.0,
}
TAKES = {
    meld_inputs: ("bilirubin_mg_dl", "creatinine_mg_dl", "inr"),
    meld_na_inputs: ("bilirubin_mg_dl", "creatinine_mg_dl", "inr", "sodium_mmol_l"),
    meld_3_inputs: tuple(PATIENT),
    meld_xi_inputs: ("bilirubin_mg_dl", "creatinine_mg_dl"),
}
BOUNDS = {
    "bilirubin_mg_dl": (1.0, None),
    "inr": (1.0, None),
    "sodium_mmol_l": (125.0, 137.0),
    "albumin_g_dl": (1.5, 3.5),
}
each = pytest.mark.parametrize("function", TAKES)


def inputs_of(function, **changed):
    return function(**{name: PATIENT[name] for name in TAKES[function]} | changed)


@each
def test_within_the_bounds_nothing_changes(function):
    result = inputs_of(function)
    assert {name: getattr(result, name) for name in TAKES[function]} == {
        name: PATIENT[name] for name in TAKES[function]
    }
    assert list(result.to_frame().columns) == list(TAKES[function])


@pytest.mark.parametrize(
    ("function", "name"), [(function, name) for function in TAKES for name in TAKES[function]]
)
def test_each_input_at_its_bounds(function, name):
    if name == "creatinine_mg_dl":
        low, high = 1.0, 3.0 if function is meld_3_inputs else 4.0
    else:
        low, high = BOUNDS[name]

    def used(value):
        return getattr(inputs_of(function, **{name: value}), name)

    assert used(low / 2) == used(low - 0.001) == used(low) == low
    assert used(low + 0.001) == low + 0.001
    if high:
        assert used(high * 2) == used(high + 0.001) == used(high) == high
        assert used(high - 0.001) == high - 0.001
    else:
        assert used(1e6) == 1e6


@each
@pytest.mark.parametrize("creatinine", [0.5, 2.0, 9.0])
def test_dialysis_sets_creatinine(function, creatinine):
    result = inputs_of(function, creatinine_mg_dl=creatinine, dialysis=True)
    assert result.creatinine_mg_dl == (3.0 if function is meld_3_inputs else 4.0)


@each
def test_creatinine_is_known_where_what_is_missing_could_not_change_it(function):
    cap = 3.0 if function is meld_3_inputs else 4.0
    result = inputs_of(
        function, creatinine_mg_dl=[1.5, None, None, 1.5, 9.0], dialysis=[None, True, False, False, None]
    )
    np.testing.assert_array_equal(result.creatinine_mg_dl, [np.nan, cap, np.nan, 1.5, cap])
    np.testing.assert_array_equal(result.bilirubin_mg_dl, 2.0)


def test_si_units_come_back_in_those_of_the_formula():
    result = meld_3_inputs(
        bilirubin_umol_l=34.2, creatinine_umol_l=132.6, inr=1.5, sodium_mmol_l=130, albumin_g_l=30
    )
    assert [getattr(result, name) for name in PATIENT] == pytest.approx(list(PATIENT.values()), abs=1e-12)


def test_a_series_keeps_its_index():
    inr = pd.Series([0.9, 2.0], index=pd.Index(["S1", "S2"], name="USUBJID"))
    frame = inputs_of(meld_na_inputs, inr=inr).to_frame()
    assert frame.index.equals(inr.index)
    assert list(frame["inr"]) == [1.0, 2.0]


LABS = st.fixed_dictionaries(
    {
        "bilirubin_mg_dl": st.floats(0.1, 60),
        "creatinine_mg_dl": st.floats(0.3, 9),
        "inr": st.floats(0.5, 12),
        "sodium_mmol_l": st.floats(110, 155),
        "albumin_g_dl": st.floats(1, 5.5),
        "dialysis": st.booleans(),
    }
)


@given(LABS)
def test_the_clamped_inputs_have_the_score_of_the_measured_ones(labs):
    """Clamped inputs stay as they are, so their score without dialysis is that of the measured ones."""
    for function, score, more in (
        (meld_inputs, meld_real, {}),
        (meld_na_inputs, meld_na, {}),
        (meld_3_inputs, meld_3_real, {"female": True}),
        (meld_xi_inputs, meld_xi, {}),
    ):
        measured = {name: labs[name] for name in (*TAKES[function], "dialysis")}
        used = function(**measured)
        clamped = {name: getattr(used, name) for name in TAKES[function]}
        assert score(**clamped, **more) == score(**measured, **more)
        again = function(**clamped)
        assert {name: getattr(again, name) for name in TAKES[function]} == clamped
