"""Differences in subgroups: those of the package on each part of the patients, and what is shown of them."""

import pytest

from esld.longitudinal import ancova
from esld.report.change import one_visit, response, subgroups
from esld.report.needs import UnmetNeedError
from esld.report.results import rows_of
from tests.report.change import trials
from tests.report.change.trials import ANCOVA, MMRM, RESPONSE, trial

SEX = {"name": "Sex", "variable": "SEX"}
PAIN = {"name": "Pain before treatment", "variable": "PAIN", "cuts": [7]}


@pytest.fixture(scope="module")
def own():
    plans = [MMRM, {**ANCOVA, "subgroups": True, "parameters": ["PAIN"]}, {**RESPONSE, "subgroups": True}]
    return trials.study(trial(3, plans, subgroups=[SEX, PAIN]), n=12, seen=0.9)


def reported(own, id):
    plan = own.protocol.analysis(id)
    frame = subgroups.subgroup_rows(own, plan, own.protocol.parameter("PAIN"), conf_level=0.95)
    return plan, rows_of("c", frame, analysis=id, chapter="c")


def test_in_all_patients_it_is_the_analysis_itself(own):
    parameter = own.protocol.parameter("PAIN")
    plan, rows = reported(own, "PAIN-12")
    whole = one_visit.adjusted_rows(own, plan, parameter, conf_level=0.95, seed="s").query(
        "statistic == 'ls_mean_difference'"
    )
    for line in whole.itertuples():
        row = rows.row("subgroup_all", line.group)
        assert (row.value, row.lower, row.n) == (pytest.approx(line.value), pytest.approx(line.lower), line.n)
    plan, rows = reported(own, "RESP")
    whole = response.response_rows(own, plan, parameter, conf_level=0.95).query(
        "statistic == 'risk_difference'"
    )
    for line in whole.itertuples():
        row = rows.row("subgroup_all", line.group)
        assert (row.value, row.upper) == (pytest.approx(line.value), pytest.approx(line.upper))


def test_in_a_part_it_is_the_model_of_that_part(own):
    plan, rows = reported(own, "PAIN-12")
    frame = one_visit.at_visit(own, plan, own.protocol.parameter("PAIN"), own.arms).frame
    sex = own.adsl.set_index("USUBJID")["SEX"]
    for place, code in enumerate("FM", 1):
        part = frame[frame["USUBJID"].map(sex).eq(code)]
        wanted = ancova(part, outcome="CHG", group="ARMCD", covariates=["BASE"], groups=own.arms)
        for gap in wanted.hc3.differences:
            row = rows.row(f"subgroup_sex_{place}", gap.group)
            assert (row.value, row.lower) == (pytest.approx(gap.value), pytest.approx(gap.lower))


def test_patients_of_the_levels_add_up(own):
    for id in ("PAIN-12", "RESP"):
        _, rows = reported(own, id)
        for factor in ("sex", "pain"):
            for arm in own.arms:
                parts = [rows.row(f"subgroup_{factor}_{place}", arm).n for place in (1, 2)]
                assert sum(parts) == rows.row("subgroup_all", arm).n


def test_figure_and_table_of_each_comparison_hold_every_level(own):
    report = trials.run(own)
    assert report.failed == []
    tables = trials.tables(report)
    ids = {f"{what}_pain_subgroups_{arm}" for what in ("adjusted", "response") for arm in ("lo", "hi")}
    assert ids <= set(tables)
    for id in ids:
        assert [cell.text for cell in tables[id].cells["subgroup"]] == [
            "All patients", "female", "male", "below 7", "7 or more",
        ]  # fmt: skip
    assert "Sex: the difference in" in trials.said(report)


def test_without_a_plan_there_are_none(study):
    with pytest.raises(UnmetNeedError, match="lists no comparison of changes in subgroups"):
        subgroups.planned(study("demo-final"))
