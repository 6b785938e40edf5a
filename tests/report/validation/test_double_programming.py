"""Two computations side by side: every number that is not the other program's stops the run by name."""

import json
from dataclasses import replace
from math import isnan

import pytest

from esld.errors import RunError
from esld.reasons import Why, because
from esld.report.results import Reported, Row, rows_of
from esld.report.validation import double_programming, second
from esld.report.validation.pair import Rows
from tests.report.builders import ROOT, plain, spans

# The record is what a run gave; the study is made again from the same data.
RECORD = json.loads((ROOT / "outputs" / "demo-final" / "results.json").read_text(encoding="utf-8"))
REPORTED = Reported(tuple(Row.from_record(record) for record in RECORD))


@pytest.fixture(scope="module")
def compared(study):
    return double_programming.pairs(study("demo-final"), REPORTED)


@pytest.mark.always
def test_the_record_agrees(compared):
    double_programming.require_agreement(compared)
    assert all(pair.agrees and pair.compared for pair in compared)
    kinds = {pair.row.statistic for pair in compared}
    assert kinds >= {
        "survival",
        "survival_difference",
        "rmst",
        "chisq",
        "hazard_ratio",
        "incidence",
        "ls_mean",
    }
    by_visit = [p for p in compared if p.row.statistic == "ls_mean" and p.row.time is not None]
    assert len(by_visit) == 12 * 6 * 2


def test_changes_at_one_visit_are_computed_twice(compared, study):
    """Of each parameter the mean of each arm, and the difference with its limits and its p-value."""
    plan = study("demo-final").protocol.of_kind("ancova")[0]
    own = [p for p in compared if p.row.analysis_id == plan.id]
    assert len(own) == len(plan.parameters) * (2 + 4)
    assert {(p.row.statistic, p.part) for p in own} == {
        ("ls_mean", "value"),
        ("ls_mean_difference", "value"),
        ("ls_mean_difference", "lower"),
        ("ls_mean_difference", "upper"),
        ("ls_mean_difference_p_value", "value"),
    }


def test_a_changed_digit_of_any_compared_number_stops_the_run(compared):
    for pair in compared:
        value = pair.first
        beyond = replace(pair, row=replace(pair.row, **{pair.part: value + 3 * pair.allowed}))
        with pytest.raises(RunError, match=pair.row.result_id.split(".")[0]):
            double_programming.require_agreement([beyond])
        within = replace(pair, row=replace(pair.row, **{pair.part: value + 0.5 * pair.allowed}))
        double_programming.require_agreement([within])


def test_a_number_that_only_one_program_has_stops_the_run(compared):
    pair = compared[0]
    for bad in (replace(pair, row=replace(pair.row, value=None)), replace(pair, second=float("nan"))):
        with pytest.raises(RunError, match="os_milestone"):
            double_programming.require_agreement([bad])
    neither = replace(pair, row=replace(pair.row, value=None), second=float("nan"))
    double_programming.require_agreement([neither])


def test_what_the_other_program_is_not_fit_for_is_said(compared):
    unfit = replace(compared[0], second=float("nan"), unfit=because(Why.OTHER_NO_LIMITS))
    double_programming.require_agreement([unfit])
    table = double_programming.pair_table([unfit, *compared[1:]])
    assert "not compared" in table.frame["Difference"].iloc[0]
    assert f"Not compared: {because(Why.OTHER_NO_LIMITS)}." in table.footnotes
    rows = rows_of("double", double_programming.pair_rows([unfit]), analysis="V", chapter="90_validation")
    assert rows.row("numbers_not_compared").value == 1


@pytest.mark.parametrize("higher", [True, False])
def test_where_ls_means_are_apart_the_other_program_searches_again(study, monkeypatch, higher):
    """If it then comes to the report's, both have the highest maximum; if it does not, the run stops."""
    own = study("demo-final")
    computed = second.longitudinal.ls_means

    def found(adlb, *, starts=0, **how):
        return computed(adlb, **how).assign(value=lambda f: f["value"] + (0 if starts and higher else 1))

    monkeypatch.setattr(second.longitudinal, "ls_means", found)
    plan = own.protocol.of_kind("mmrm")[0]
    of_one = Reported(tuple(r for r in REPORTED.rows if r.result_id.startswith("change_alb.")))
    pairs = list(second._changes(own, plan, Rows(of_one, own)))
    assert len(pairs) == 12
    assert all(pair.agrees for pair in pairs) == higher
    if not higher:
        with pytest.raises(RunError, match="ls_mean"):
            double_programming.require_agreement(pairs)


def test_a_row_that_is_missing_from_the_report_is_found(study):
    less = Reported(tuple(r for r in REPORTED.rows if r.result_id != "os_logrank.p_value"))
    with pytest.raises(RunError, match=r"os_logrank\.p_value"):
        double_programming.pairs(study("demo-final"), less)


def test_a_chapter_that_did_not_run_is_left_out(study):
    less = Reported(tuple(r for r in REPORTED.rows if r.chapter != "04_change"))
    found = double_programming.pairs(study("demo-final"), less)
    assert found and not any(pair.row.statistic == "ls_mean" for pair in found)
    assert double_programming.pairs(study("demo-final"), Reported(())) == []


def test_the_words_and_the_rows(compared):
    rows = rows_of("double", double_programming.pair_rows(compared), analysis="V", chapter="90_validation")
    text = double_programming.pair_sentence(rows, compared, REPORTED, "OS-1Y")
    assert "confidence intervals of the primary analysis were not computed twice" in text
    of_change = double_programming.pair_sentence(rows, compared, REPORTED, "CHG-LAST")
    assert "confidence intervals of the primary analysis" not in of_change
    assert plain(text).startswith(f"{len(compared)} numbers of this report were computed again")
    assert [id for id, _ in spans(text)] == ["double.numbers_compared"]
    table = double_programming.pair_table(compared)
    others = [p for p in compared if not p.row.statistic.startswith("ls_mean")]
    assert len(table.frame) == 12 * 3 + len(others)  # means by visit, and at one visit means and differences
    assert not any(isnan(pair.gap) for pair in compared)


def test_an_analysis_that_the_trial_does_not_plan_is_not_asked_for(study):
    made = study("demo-final")
    planned = tuple(a for a in made.protocol.analyses if a.id != "OS-RMST")
    other = replace(made, protocol=made.protocol.model_copy(update={"analyses": planned}))
    rows = tuple(row for row in REPORTED.rows if not row.result_id.startswith("os_rmst"))
    found = double_programming.pairs(other, Reported(rows))
    assert {pair.row.statistic for pair in found} >= {"survival", "chisq", "incidence"}
    assert not any(pair.row.statistic.startswith("rmst") for pair in found)
