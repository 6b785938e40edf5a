"""The long form that all results share."""

from io import StringIO
from math import nan
from types import SimpleNamespace

import pandas as pd
import pytest

from esld.longform import estimate_rows, long_frame, row
from esld.reasons import Reason, Why, because
from esld.survival import (
    COLUMNS,
    Estimate,
    andersen_gill,
    barnard,
    beta_product,
    boschloo,
    cause_specific_cox,
    clopper_pearson,
    concordance,
    cox,
    cumulative_incidence,
    exact_logrank,
    exact_rmst,
    fine_gray,
    firth,
    fisher,
    gray,
    kaplan_meier,
    logrank,
    mean_cumulative_function,
    milestone,
    nelson_aalen,
    number_needed_to_treat,
    proportional_hazards,
    rate,
    rate_ratio,
    relative_risk,
    risk_difference,
    rmst,
    rmst_compare,
    stratified_risk_difference,
)

TIME, EVENT, ARM = [1, 2, 3, 4, 5, 6], [1, 0, 1, 1, 1, 0], [0, 1, 0, 1, 0, 1]
TABLE = pd.DataFrame({"t": TIME, "e": EVENT, "arm": ARM})

CAUSES = TABLE.assign(s=[1, 2, 1, 2, 1, 0])
ROWS = TABLE.assign(id=range(6), start=0)
COLUMNS_OF_ROWS = {"subject": "id", "start": "start", "stop": "t", "event": "e"}

RESULTS = {
    "kaplan_meier": lambda: kaplan_meier(TIME, EVENT),
    "logrank": lambda: logrank(TIME, EVENT, ARM),
    "rmst": lambda: rmst(TIME, EVENT, tau=4),
    "rmst_compare": lambda: rmst_compare(TIME, EVENT, ARM, tau=4),
    "cox": lambda: cox(TABLE, duration="t", event="e", covariates=["arm"]),
    "clopper_pearson": lambda: clopper_pearson(3, 11),
    "risk_difference": lambda: risk_difference(3, 11, 5, 11),
    "relative_risk": lambda: relative_risk(3, 11, 5, 11),
    "stratified_risk_difference": lambda: stratified_risk_difference([3, 2], [6, 5], [4, 1], [6, 5]),
    "fisher": lambda: fisher(3, 11, 5, 11),
    "milestone": lambda: milestone(TIME, EVENT, ARM, at=3),
    "beta_product": lambda: beta_product(kaplan_meier(TIME, EVENT), at=[1, 3]),
    "nelson_aalen": lambda: nelson_aalen(TIME, EVENT),
    "firth": lambda: firth(TABLE, duration="t", event="e", covariates=["arm"]),
    "proportional_hazards": lambda: proportional_hazards(TABLE, duration="t", event="e", covariates=["arm"]),
    "concordance": lambda: concordance(TIME, EVENT, ARM),
    "exact_logrank": lambda: exact_logrank(TIME, EVENT, ARM, studentised=True),
    "exact_rmst": lambda: exact_rmst(TIME, EVENT, ARM, tau=4, extend=True),
    "boschloo": lambda: boschloo(3, 11, 5, 11),
    "barnard": lambda: barnard(3, 11, 5, 11),
    "number_needed_to_treat": lambda: number_needed_to_treat(9, 11, 3, 11),
    "gray": lambda: gray(TIME, [1, 2, 1, 2, 1, 0], ARM, cause=1),
    "cumulative_incidence": lambda: cumulative_incidence(TIME, [1, 2, 1, 2, 1, 0]),
    "fine_gray": lambda: fine_gray(CAUSES, duration="t", state="s", cause=1, covariates=["arm"]),
    "cause_specific_cox": lambda: cause_specific_cox(
        CAUSES, duration="t", state="s", cause=1, covariates=["arm"]
    ),
    "mean_cumulative_function": lambda: mean_cumulative_function(ROWS, **COLUMNS_OF_ROWS),
    "andersen_gill": lambda: andersen_gill(ROWS, covariates=["arm"], **COLUMNS_OF_ROWS),
    "rate": lambda: SimpleNamespace(to_frame=lambda: rate(3, 10.0).to_frame(n=5)),
    "rate_ratio": lambda: SimpleNamespace(to_frame=lambda: rate_ratio(3, 10.0, 2, 9.0).to_frame(n=5)),
    "milestone without group": lambda: milestone(TIME, EVENT, at=1),
}


@pytest.mark.parametrize("name", RESULTS)
def test_every_result_has_the_same_columns_and_types(name):
    frame = RESULTS[name]().to_frame()
    assert tuple(frame.columns) == COLUMNS
    assert len(frame) > 0
    for column in ("time", "value", "lower", "upper"):
        assert frame[column].dtype == float
    for column in ("n", "events"):
        assert frame[column].dtype == int
    for column in ("group", "unit", "method", "ties"):
        assert all(word is None or (isinstance(word, str) and word) for word in frame[column])
    assert all(why is None or isinstance(why, Reason) for why in frame["reason"])
    assert frame["statistic"].str.fullmatch("[a-z_]+").all()
    assert not frame.duplicated(["group", "time", "statistic", "method"]).any()


def test_an_estimate_makes_rows_only_for_what_it_has():
    bare = estimate_rows("x", Estimate(value=1.0), n=3, events=1)
    full = estimate_rows("x", Estimate(value=1.0, std_err=0.5, p_value=0.1), n=3, events=1, unit="days")
    assert [r["statistic"] for r in bare] == ["x"]
    frame = long_frame(full)
    assert frame["statistic"].tolist() == ["x", "x_std_err", "x_p_value"]
    assert frame["unit"].tolist() == ["days", "days", None]


def test_a_missing_value_keeps_its_row_and_its_reason():
    frame = long_frame(estimate_rows("x", Estimate(value=nan, reason=because(Why.NO_EVENTS)), n=3, events=0))
    assert frame["value"].isna().tolist() == [True]
    assert frame["reason"].tolist() == [because(Why.NO_EVENTS)]


def test_a_row_needs_its_counts():
    with pytest.raises(ValueError):
        long_frame([row("x", 1.0, n=3)])


@pytest.mark.parametrize("name", RESULTS)
def test_a_notebook_shows_the_long_form(name):
    result = {"rate": rate(3, 10.0), "rate_ratio": rate_ratio(3, 10.0, 2, 9.0)}.get(name) or RESULTS[name]()
    frame = RESULTS[name]().to_frame()
    (seen,) = pd.read_html(StringIO(result._repr_html_()), keep_default_na=False)
    assert list(seen["statistic"]) == list(frame["statistic"])
    unknown = {"n"} if name in ("rate", "rate_ratio") else set()  # subjects, which a rate does not know
    assert set(seen) == set(frame.dropna(axis="columns", how="all")) - unknown
