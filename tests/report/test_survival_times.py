"""Times to event in the shape that the estimators take."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from esld.data.cutfile import read_cut
from esld.data.study import load_study
from esld.report.survival_times import (
    cox_on_arm,
    curves_by_arm,
    endpoint_times,
    firth_on_arm,
    hazards_on_arm,
)
from esld.survival import cox, firth

PARAMS = Path(__file__).parents[2] / "params"


@pytest.fixture(scope="module")
def study():
    return load_study(read_cut(PARAMS / "demo-final.yaml"))


def plan_of(study, id="OS-KM", **changed):
    return study.protocol.analysis(id).model_copy(update=changed)


def test_one_row_a_randomised_patient_with_adtte_beside(study):
    times = endpoint_times(study, plan_of(study))
    own = study.adtte[study.adtte["PARAMCD"].eq("OS")]
    assert times["USUBJID"].tolist() == own["USUBJID"].tolist()
    assert times["time"].tolist() == own["AVAL"].tolist()
    assert times["event"].tolist() == (own["CNSR"] == 0).tolist()
    assert times["arm"].tolist() == own["ARMCD"].tolist()


def test_an_unknown_endpoint_is_named_with_the_known_ones(study):
    with pytest.raises(KeyError, match=r"OS.*got 'PFS'"):
        endpoint_times(study, plan_of(study), "PFS")


def test_an_analysis_decides_on_censoring_set_and_strata(study):
    at_cutoff = endpoint_times(study, plan_of(study, censoring="cut-off"))
    assert set(at_cutoff["PARAMCD"]) == {"OSCUT"}
    own = study.randomised
    protocol_set = endpoint_times(study, plan_of(study, analysis_set="PPROTFL"))
    assert set(protocol_set["USUBJID"]) == set(own.loc[own["PPROTFL"].eq("Y"), "USUBJID"])
    assert set(endpoint_times(study, plan_of(study))["stratum"]) == {""}
    divided = replace(study, adsl=study.adsl.assign(STRATAR=study.adsl["SEX"]))
    strata = endpoint_times(divided, plan_of(study, stratified=True)).set_index("USUBJID")["stratum"]
    assert strata.to_dict() == own.set_index("USUBJID")["SEX"].to_dict()


def test_a_model_is_adjusted_for_what_the_plan_names(study):
    """Age as DM has it, female 1; whoever lacks a value is left out; the ratio is that of the package's own regression."""
    plan = plan_of(study, "OS-FIRTH-AGE", covariates=("AGE", "SEX", "ALP"))
    times = endpoint_times(study, plan)
    people = study.randomised.set_index("USUBJID").loc[times["USUBJID"]]
    assert times["AGE at baseline"].tolist() == people["AGE"].tolist()
    assert times["SEX at baseline"].tolist() == people["SEX"].eq("F").astype(float).tolist()
    assert len(times) == 21  # one patient has no baseline ALP
    own = endpoint_times(study, plan_of(study, "OS-FIRTH-AGE")).assign(
        second=lambda frame: frame["arm"].eq("MEDHIGH") * 1.0
    )
    expected = firth(own, duration="time", event="event", covariates=["second", "AGE at baseline"])
    fit = firth_on_arm(own.drop(columns="second"), study.arms, conf_level=0.95)
    assert fit.coef.tolist() == pytest.approx(expected.coef.tolist())
    assert fit.terms == ("MEDHIGH v LOW", "AGE at baseline")


def test_models_are_fitted_within_strata(study):
    """The likelihood of two strata is that of both together: here as by ``cox`` with its own strata."""
    divided = replace(study, adsl=study.adsl.assign(STRATAR=study.adsl["SEX"]))
    times = endpoint_times(divided, plan_of(study, stratified=True))
    fit = cox_on_arm(times, study.arms, conf_level=0.95)
    own = times.assign(x=times["arm"].eq(study.arms[1]).astype(float))
    wanted = cox(own, duration="time", event="event", covariates=["x"], strata="stratum")
    assert fit.ratios[0] == pytest.approx(wanted.ratios[0])
    assert fit.strata == firth_on_arm(times, study.arms, conf_level=0.95).strata == 2


def test_other_arms_are_left_out(study):
    times = endpoint_times(study, plan_of(study))
    third = times.assign(arm=["THIRD" if i % 5 == 0 else arm for i, arm in enumerate(times["arm"])])
    alone = third[third["arm"].ne("THIRD")]
    one, other = (cox_on_arm(each, study.arms, conf_level=0.95) for each in (third, alone))
    assert one.n == other.n == len(alone)


def test_curves_come_in_the_order_asked_for(study):
    times = endpoint_times(study, plan_of(study, "TFS-KM"))
    arms = study.arms[::-1]
    curves = curves_by_arm(times, arms, conf_level=0.9)
    assert list(curves) == arms
    assert [c.n for c in curves.values()] == [int(times["arm"].eq(arm).sum()) for arm in arms]
    assert {(c.group, c.conf_level) for c in curves.values()} == {(arm, 0.9) for arm in arms}


def test_the_hazard_ratio_is_second_against_first(study):
    times, arms = endpoint_times(study, plan_of(study)), study.arms
    forth, back = (cox_on_arm(times, order, conf_level=0.95) for order in (arms, arms[::-1]))
    assert forth.terms == (f"{arms[1]} v {arms[0]}",)
    assert forth.ratios[0] == pytest.approx(1 / back.ratios[0])


def test_the_penalised_ratio_compares_the_same_way(study):
    """Firth's penalty does not depend on which arm is 1: turned round, the ratio and its limits are the reciprocals."""
    times, arms = endpoint_times(study, plan_of(study)), study.arms
    forth, back = (firth_on_arm(times, order, conf_level=0.95) for order in (arms, arms[::-1]))
    assert forth.terms == cox_on_arm(times, arms, conf_level=0.95).terms
    assert [forth.ratios[0], forth.ratio_lower[0]] == pytest.approx(
        [1 / back.ratios[0], 1 / back.ratio_upper[0]], rel=1e-6
    )


def test_the_test_of_hazards_does_not_depend_on_the_order_of_the_arms(study):
    times, arms = endpoint_times(study, plan_of(study)), study.arms
    forth, back = (hazards_on_arm(times, order) for order in (arms, arms[::-1]))
    assert forth.terms == (f"{arms[1]} v {arms[0]}",)
    assert forth.global_chisq == pytest.approx(back.global_chisq, rel=1e-9)


def test_inputs_are_not_changed(study):
    times = endpoint_times(study, plan_of(study))
    before = times.copy()
    firth_on_arm(times, study.arms, conf_level=0.95)
    hazards_on_arm(times, study.arms)
    curves_by_arm(times, study.arms, conf_level=0.95)
    pd.testing.assert_frame_equal(times, before)
