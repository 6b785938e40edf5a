"""Times to event in the shape that the estimators take."""

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

PARAMS = Path(__file__).parents[2] / "params"


@pytest.fixture(scope="module")
def study():
    return load_study(read_cut(PARAMS / "demo-final.yaml"))


def test_one_row_a_randomised_patient_with_adtte_beside(study):
    times = endpoint_times(study, "OS")
    own = study.adtte[study.adtte["PARAMCD"].eq("OS")]
    assert times["USUBJID"].tolist() == own["USUBJID"].tolist()
    assert times["time"].tolist() == own["AVAL"].tolist()
    assert times["event"].tolist() == (own["CNSR"] == 0).tolist()
    assert times["arm"].tolist() == own["ARMCD"].tolist()


def test_an_unknown_endpoint_is_named_with_the_known_ones(study):
    with pytest.raises(KeyError, match=r"OS.*got 'PFS'"):
        endpoint_times(study, "PFS")


def test_curves_come_in_the_order_asked_for(study):
    times = endpoint_times(study, "TFS")
    arms = study.arms[::-1]
    curves = curves_by_arm(times, arms, conf_level=0.9)
    assert list(curves) == arms
    assert [c.n for c in curves.values()] == [int(times["arm"].eq(arm).sum()) for arm in arms]
    assert {(c.group, c.conf_level) for c in curves.values()} == {(arm, 0.9) for arm in arms}


def test_the_hazard_ratio_is_second_against_first(study):
    times, arms = endpoint_times(study, "OS"), study.arms
    forth, back = (cox_on_arm(times, order, conf_level=0.95) for order in (arms, arms[::-1]))
    assert forth.terms == (f"{arms[1]} v {arms[0]}",)
    assert forth.ratios[0] == pytest.approx(1 / back.ratios[0])


def test_the_penalised_ratio_compares_the_same_way(study):
    """Firth's penalty does not depend on which arm is 1: turned round, the ratio and its limits are the reciprocals."""
    times, arms = endpoint_times(study, "OS"), study.arms
    forth, back = (firth_on_arm(times, order, conf_level=0.95) for order in (arms, arms[::-1]))
    assert forth.terms == cox_on_arm(times, arms, conf_level=0.95).terms
    assert [forth.ratios[0], forth.lower[0]] == pytest.approx(
        [1 / back.ratios[0], 1 / back.upper[0]], rel=1e-6
    )


def test_the_test_of_hazards_does_not_depend_on_the_order_of_the_arms(study):
    times, arms = endpoint_times(study, "OS"), study.arms
    forth, back = (hazards_on_arm(times, order) for order in (arms, arms[::-1]))
    assert forth.terms == (f"{arms[1]} v {arms[0]}",)
    assert forth.global_chisq == pytest.approx(back.global_chisq, rel=1e-9)


def test_inputs_are_not_changed(study):
    times = endpoint_times(study, "OS")
    before = times.copy()
    firth_on_arm(times, study.arms, conf_level=0.95)
    hazards_on_arm(times, study.arms)
    curves_by_arm(times, study.arms, conf_level=0.95)
    pd.testing.assert_frame_equal(times, before)
