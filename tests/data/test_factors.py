"""Levels of a factor: closed form, every value in exactly one level, and the strata of ADSL."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data.adam import derive_adlb, derive_adsl
from esld.data.factors import levels, with_strata
from esld.data.frames import frames_from_bytes, frames_to_bytes
from esld.protocol import Factor
from tests.data.queries.asking import asked
from tests.data.small_trial import PROTOCOL, lb, patient, trial

CUTOFF = pd.Timestamp("2026-12-31")
NONE = pd.DataFrame({"USUBJID": [], "PARAMCD": [], "ABLFL": [], "AVAL": []})
AGE = Factor(name="Age", variable="AGE", cuts=(50, 65))
SEX = Factor(name="Sex", variable="SEX")
ALT = Factor(name="ALT at baseline", variable="ALT", cuts=(40.5,))


def of_ages(*ages: float | None) -> pd.DataFrame:
    return pd.DataFrame({"USUBJID": [f"S{n}" for n in range(len(ages))], "AGE": pd.Series(ages, dtype=float)})


def stratified(*factors: Factor, **people: dict) -> pd.DataFrame:
    """ADSL with strata, by patient; each of `people` is DM's variables, with ``ALT`` of the screening."""
    alt = {who: about.pop("ALT", None) for who, about in people.items()}
    tables = trial(
        *(patient(who, **about) for who, about in people.items()),
        LB=[lb(who, "ALT", value, "2025-01-05") for who, value in alt.items() if value],
    )
    protocol = PROTOCOL.model_copy(update={"strata": factors})
    adsl = derive_adsl(tables, protocol, CUTOFF)
    return with_strata(adsl, derive_adlb(tables, adsl, protocol), protocol).set_index("USUBJID")


def test_a_cut_begins_the_level_above_it():
    level = levels(AGE, of_ages(49.9, 50, 64, 65, None), NONE)
    assert level.astype(object).where(level.notna(), None).tolist() == [
        "<50",
        "[50,65)",
        "[50,65)",
        ">=65",
        None,
    ]
    assert (level.cat.ordered, level.index[0], level.name) == (True, "S0", "Age")


def test_a_level_is_there_though_nobody_is_in_it():
    assert levels(AGE, of_ages(20, 21), NONE).cat.categories.tolist() == ["<50", "[50,65)", ">=65"]


@given(
    ages=st.lists(st.floats(0, 120) | st.none(), min_size=1, max_size=8),
    cuts=st.lists(st.integers(1, 119), min_size=1, max_size=4, unique=True).map(sorted),
)
def test_every_value_is_in_the_one_interval_that_holds_it(ages, cuts):
    level = levels(Factor(name="Age", variable="AGE", cuts=tuple(cuts)), of_ages(*ages), NONE)
    bounds = [-np.inf, *cuts, np.inf]
    for age, code in zip(ages, level.cat.codes, strict=True):
        assert code == -1 if age is None else bounds[code] <= age + 1e-6 and age < bounds[code + 1]


def test_words_stand_in_the_order_of_the_alphabet_and_grades_in_that_of_numbers():
    sex = levels(SEX, pd.DataFrame({"USUBJID": ["A", "B", "C"], "SEX": ["M", "F", None]}), NONE)
    assert sex.cat.categories.tolist() == ["F", "M"]
    grade = pd.DataFrame({"USUBJID": ["A", "B"], "PARAMCD": "STAGE", "ABLFL": "Y", "AVAL": [10.0, 2.0]})
    own = levels(Factor(name="Stage", variable="STAGE"), pd.DataFrame({"USUBJID": ["A", "B"]}), grade)
    assert own.cat.categories.tolist() == ["2", "10"]


def test_a_conversion_of_units_moves_nobody_over_a_cut():
    value = 17.1 * 2.0 * (1 - 1e-15)
    adlb = pd.DataFrame({"USUBJID": ["A"], "PARAMCD": "BILI", "ABLFL": "Y", "AVAL": [value]})
    factor = Factor(name="Bilirubin", variable="BILI", cuts=(34.2,))
    assert levels(factor, pd.DataFrame({"USUBJID": ["A"]}), adlb).tolist() == [">=34.2"]


def test_the_strata_of_adsl():
    people = {"A": {"AGE": "70", "ALT": "30"}, "B": {"AGE": "40", "ALT": "41"}, "C": {"AGE": "50"}}
    adsl = stratified(AGE, ALT, **people, D={"randomised": None, "AGE": "20", "ALT": "9"})
    assert adsl["STRAT1R"].tolist() == [">=65", "<50", "[50,65)", None]
    assert adsl["STRAT2R"].tolist() == ["<40.5", ">=40.5", None, None]
    assert adsl["STRATAR"].tolist() == [">=65 / <40.5", "<50 / >=40.5", None, None]


def test_strata_are_kept_as_every_column_is():
    adsl = stratified(AGE, SEX, A={"AGE": "70"}, B={"AGE": "40"}).reset_index()
    described, content = frames_to_bytes({"ADSL": adsl})
    pd.testing.assert_frame_equal(frames_from_bytes(described, content)["ADSL"], adsl)


def test_without_strata_there_is_no_column():
    assert not [column for column in stratified(A={}) if column.startswith("STRAT")]


@pytest.mark.parametrize("factor", [AGE, ALT])
def test_a_stratum_that_is_not_known_is_asked_for(factor):
    tables = trial(patient("A", AGE=None), patient("B"), patient("F", randomised=None, AGE=None))
    tables["LB"] = trial(LB=[lb("B", "ALT", "30", "2025-01-05")])["LB"]
    queries = asked(tables, PROTOCOL.model_copy(update={"strata": (factor,)}))
    own = queries[queries["rule"].eq("stratum not known")]
    assert own["USUBJID"].tolist() == ["A"]
    assert factor.variable in own["message"].item()
