"""The whole chapter of trials that plan other things, in other words and arms: nothing fails, and nothing false is said."""

import re
from dataclasses import replace
from functools import partial

import pytest

from esld.report.change.pairs import difference_label
from esld.report.needs import UnmetNeedError
from esld.report.parameters import at_visits
from tests.examples import some
from tests.report.builders import plain
from tests.report.change import trials
from tests.report.change.trials import ALL, ANCOVA, HIERARCHY, MMRM, MODEL, RANKS, RESPONSE, plan, said, trial
from tests.report.in_process import nonsense

SEX = [{"name": "Sex", "variable": "SEX"}]
VARIANTS = [
    plan(f"{own['id']}-PP", own["kind"], of=own["id"], analysis_set="PPROTFL", role="sensitivity",
         **{k: own[k] for k in ("visit", "model", "response", "hierarchy", "horizon_days", "parameters") if k in own})
    for own in ALL
]  # fmt: skip
PER_PROTOCOL = [
    {"flag": flag, "label": flag, "definition": "Those", "arm": "planned"}
    for flag in ("ITTFL", "SAFFL", "PPROTFL")
]
STRATIFIED = [{**own, "stratified": True} if own["kind"] in ("mmrm", "ancova") else own for own in ALL]
TRIALS = {
    "one arm": partial(trial, 1),
    "two arms": partial(trial, 2),
    "three arms, Holm": partial(trial, 3, multiplicity="holm"),
    "four arms, in sequence": partial(trial, 4, multiplicity="fixed sequence", control="HI"),
    "strata": partial(trial, 3, STRATIFIED, strata=SEX),
    "sensitivity analyses": partial(trial, 2, [*ALL, *VARIANTS], analysis_sets=PER_PROTOCOL),
    "of three arms": partial(trial, 3, [*ALL, *VARIANTS], analysis_sets=PER_PROTOCOL),
    "subgroups": partial(
        trial, 3, [*ALL, plan("SUB", "ancova", visit="V12", subgroups=True), {**RESPONSE, "id": "SUB-RESP", "subgroups": True}],
        subgroups=[*SEX, {"name": "Age", "variable": "AGE", "cuts": [40]}, {"name": "Pain", "variable": "PAIN", "cuts": [7]}]),
    "one visit": partial(trial, 2, visits=(12.0,)),
    "no visits": partial(trial, 2, [], visits=()),
    "a hierarchy of times alone": partial(trial, 2, [{**HIERARCHY, "hierarchy": HIERARCHY["hierarchy"][:1]}], visits=()),
    "a model alone": partial(trial, 3, [MMRM]),
    "one visit alone": partial(trial, 3, [{**ANCOVA, "role": "primary"}]),
    "responders alone": partial(trial, 2, [{**RESPONSE, "role": "primary"}]),
    "ranks alone": partial(trial, 2, [{**RANKS, "role": "primary"}]),
    "ranks of one arm": partial(trial, 1, [{**RANKS, "role": "primary"}]),
    "a parameter in two analyses": partial(
        trial, 2, [MMRM, plan("OTHER", "mmrm", parameters=["SLEEP"], model=MODEL, visit="V4"), {**ANCOVA, "visit": "V4"}, plan(
            "LATER", "ancova", visit="V8.5")]),
}  # fmt: skip
LIVER = re.compile(
    r"liver|hepat|bilirubin|transplant|infus|cell|decompens|Child|MELD|ALBI|albumin|dialysis|enzyme|\bdose",
    re.I,
)


@pytest.mark.parametrize("name", some(TRIALS, 3))
def test_the_chapter_runs_and_says_nothing_of_another_trial(name):
    report = trials.run(trials.study(TRIALS[name](), seen=0.85, dead=(1, 6)))
    assert report.failed == []
    assert nonsense(report) == []
    assert not LIVER.findall(said(report))
    assert report.chapters[trials.NAME]._answer


@pytest.fixture(scope="module")
def three_arms():
    return trials.run(trials.study(TRIALS["three arms, Holm"](), dead=(1, 5)))


class TestSeveralArms:
    def test_every_other_arm_is_compared_with_the_control(self, three_arms):
        rows = trials.rows(three_arms).rows
        for name in ("change_pain", "adjusted_pain", "response_pain", "ranked_pain", "pairs"):
            own = {row.arm for row in rows if row.result_id.startswith(f"{name}.") and " - " in row.arm}
            assert own == {"LO - PBO", "HI - PBO"}, name

    def test_adjusted_p_values_are_those_of_holm(self, three_arms):
        rows = trials.rows(three_arms)
        own = [r for r in rows.rows if r.result_id.startswith("change_pain.")]
        p = {r.arm: r.value for r in own if r.statistic == "ls_mean_difference_p_value" and r.time == 12}
        adjusted = {r.arm: r.value for r in own if r.statistic == "ls_mean_difference_p_value_adjusted"}
        small, large = sorted(p, key=p.get)
        assert adjusted[small] == pytest.approx(min(1, 2 * p[small]))
        assert adjusted[large] == pytest.approx(max(adjusted[small], p[large]))

    def test_all_arms_at_once_where_the_model_can(self, three_arms):
        found = {
            r.result_id: r.value for r in trials.rows(three_arms).rows if r.statistic == "global_p_value"
        }
        assert set(found) == {f"{n}_{p}.global_p_value{at}" for n, at in (("change", "@12"), ("adjusted", ""))
                              for p in ("pain", "sleep")}  # fmt: skip
        assert all(0 <= value <= 1 for value in found.values())
        assert "The test that all groups changed alike gives p" in said(three_arms)

    def test_each_comparison_is_answered(self, three_arms):
        answer = three_arms.chapters[trials.NAME]._answer
        assert answer.count("The difference, ") == 2
        assert "lo tablets minus pbo tablets" in answer and "hi tablets minus pbo tablets" in answer


def test_nobody_in_an_analysis_set_is_no_failure():
    own = trials.study(TRIALS["of three arms"]())
    report = trials.run(replace(own, adsl=own.adsl.assign(PPROTFL="N", STRATAR=None)))
    assert report.failed == []
    assert nonsense(report) == []
    for table in trials.tables(report).values():
        assert table.rows


def test_a_declared_control_comes_first():
    own = trials.study(TRIALS["four arms, in sequence"]())
    assert [difference_label(pair) for pair in own.pairs] == ["PBO - HI", "LO - HI", "MAX - HI"]


def test_the_sensitivity_analyses_stand_beside_theirs():
    report = trials.run(trials.study(TRIALS["sensitivity analyses"](), seen=0.85))
    tables = trials.tables(report)
    for kind in ("mmrm", "ancova", "worst_rank", "responder", "hierarchy"):
        table = tables[f"sensitivity_{kind}"]
        codes = [cell.code for cell in table.cells["analysis"]]
        main = next(own["id"] for own in ALL if own["kind"] == kind)
        assert set(codes) == {main, f"{main}-PP"} and codes[0] == main
    cells = tables["sensitivity_hierarchy"].cells
    counted = {cell.code: int(n.text) for cell, n in zip(cells["analysis"], cells["n"], strict=True)}
    assert counted["HIER-PP"] < counted["HIER"] == 16


def test_a_parameter_in_two_analyses_loses_none():
    report = trials.run(trials.study(TRIALS["a parameter in two analyses"]()))
    names = {row.result_id.partition(".")[0] for row in trials.rows(report).rows}
    assert {"change_sleep", "change_sleep_other", "adjusted_sleep", "adjusted_sleep_later"} <= names
    tables = trials.tables(report)
    assert {"changes_pain_mmrm", "changes_other", "change_compared", "change_compared_later"} <= set(tables)
    at = {
        cell.code: p.text
        for cell, p in zip(*(tables["changes_other"].cells[k] for k in ("visit", "p")), strict=True)
    }
    assert [visit for visit, p in at.items() if p] == ["V4"]


def test_without_visits_there_is_one_sentence():
    own = trials.study(TRIALS["no visits"]())
    text = said(trials.run(own))
    assert "Left out: the protocol file lists no analysis of a parameter at a visit." in text
    with pytest.raises(UnmetNeedError, match="no analysis of a parameter"):
        at_visits(own)


def test_the_answer_is_of_the_primary_analysis_or_of_the_headline():
    own = trials.study(
        trial(2, [{**MMRM, "role": "secondary"}, {**ANCOVA, "role": "primary", "parameters": ["SLEEP"]}])
    )
    text = plain(trials.run(own).chapters[trials.NAME]._answer)
    assert text.startswith(
        "At week 12 the mean change from baseline in sleep quality (points), adjusted for baseline, was"
    )
    cut = own.cut.model_copy(update={"parameters": {trials.NAME: {"headline": "PAIN"}}})
    other = replace(own, file=replace(own.file, cut=cut))
    text = plain(trials.run(other).chapters[trials.NAME]._answer)
    assert text.startswith(
        "At week 12 the mean change from baseline in pain intensity (points), by the mixed model, was"
    )


def test_strata_are_in_the_models():
    bare, stratified = (
        trials.rows(trials.run(trials.study(TRIALS[n]()))) for n in ("three arms, Holm", "strata")
    )
    for name in ("change_pain", "adjusted_pain"):
        values = [
            next(r.value for r in own.rows if r.result_id.startswith(f"{name}.lo_pbo.ls_mean_difference"))
            for own in (bare, stratified)
        ]
        assert values[0] != values[1]
    text = said(trials.run(trials.study(TRIALS["strata"]())))
    assert "The model has the strata of the randomisation too." in text
    assert "adjusted for baseline and for the strata of the randomisation" in text
