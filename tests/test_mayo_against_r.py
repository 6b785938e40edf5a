"""The whole way against R: the survival chapter of ``params/mayo-pbc.yaml``, and the numbers that it hands over.

R 4.2.2, survival 3.5-3; calls and conventions stand in tests/reference/survival/*.json beside the numbers.
"""

import json
from functools import cache
from pathlib import Path

import pytest

from esld.data.cutfile import read_cut
from esld.report.results import Reported, read_rows
from tests.loaded import loaded_once
from tests.report.in_process import rows_handed_over, run

ROOT = Path(__file__).parents[1]
CHAPTER = "03_survival"
ARMS = {"DPCA": "trt=1", "PLACEBO": "trt=2"}


@cache
def _oracle(file: str) -> dict[str, dict]:
    path = ROOT / "tests" / "reference" / "survival" / file
    return {r["id"]: r["results"] for r in json.loads(path.read_text(encoding="utf-8"))["references"]}


@pytest.fixture(scope="module")
def rows():
    """What the chapter hands over."""
    study = loaded_once(read_cut(ROOT / "params" / "mayo-pbc.yaml"))
    return rows_handed_over(run(study, [CHAPTER]).chapters[CHAPTER])


@pytest.fixture(scope="module")
def result(rows):
    """``result("os_km")``: the rows of one result."""
    return lambda id: Reported(tuple(r for r in rows if r.result_id.startswith(f"{id}.")))


@pytest.mark.slow
def test_the_whole_report_is_complete_and_silent_and_holds_the_same(published, rows):
    report = published("mayo-pbc")
    made = {p.name for p in report.iterdir()}
    assert {"index.html", "report.html", "03_survival.html", "results.json", "provenance.json"} <= made
    assert json.loads((report.parent / "warnings.json").read_text(encoding="utf-8")) == []
    assert [r for r in read_rows(report / "results.json") if r.chapter == CHAPTER] == rows


@pytest.mark.parametrize("arm", list(ARMS))
@pytest.mark.parametrize(("position", "years"), [(0, 1), (1, 2), (2, 5)])
def test_kaplan_meier_by_arm(result, arm, position, years):
    """survfit(Surv(time, ev) ~ 1, conf.type = 'log-log'), summary(times = 365.25 * c(1, 2, 5))."""
    expected = _oracle("a_km.json")["a.pbc.death.by_trt"][ARMS[arm]]["ci_loglog"]["at"]
    rows, time = result("os_km"), 365.25 * years
    survival = rows.row("survival", arm, time)
    found = (survival.value, survival.lower, survival.upper, rows.row("survival_std_err", arm, time).value)
    wanted = [expected[key][position] for key in ("surv", "lower", "upper", "std_err")]
    assert found == pytest.approx(wanted, rel=1e-8)
    assert rows.row("n_risk", arm, time).value == expected["n_risk"][position]


@pytest.mark.parametrize("arm", list(ARMS))
def test_median_by_arm(result, arm):
    """quantile(survfit(…), 0.5); null in R is None here: not reached."""
    expected = _oracle("a_km.json")["a.pbc.death.by_trt"][ARMS[arm]]["ci_loglog"]["quantiles_25_50_75"]
    row = result("os_km").row("median", arm)
    assert [row.value, row.lower, row.upper] == [expected[key][1] for key in ("quantile", "lower", "upper")]


def test_logrank(result):
    """survdiff(Surv(time, ev) ~ trt)."""
    expected, rows = _oracle("b_logrank.json")["b.lr.pbc.trt"]["rho0"], result("os_logrank")
    assert rows.row("chisq").value == pytest.approx(expected["chisq"], rel=1e-8)
    assert rows.row("p_value").value == pytest.approx(expected["p"], rel=1e-8)
    assert [rows.row("expected", arm).value for arm in ARMS] == pytest.approx(expected["expected"], rel=1e-8)


def test_rmst_at_five_years(result):
    """summary(survfit(Surv(time, ev) ~ 1), rmean = 1826.25)$table."""
    expected, rows = _oracle("b_rmst.json")["b.rmst.pbc.5y"], result("os_rmst")
    for arm, name in ARMS.items():
        found = (rows.row("rmst", arm).value, rows.row("rmst_std_err", arm).value)
        assert found == pytest.approx(
            (expected["arms"][name]["rmst"], expected["arms"][name]["se"]), rel=1e-8
        )
    # R has placebo against D-penicillamine.
    turned = {"difference": lambda x: -x, "ratio": lambda x: 1 / x}
    for key, back in turned.items():
        row = rows.row(f"rmst_{key}")
        assert row.value == pytest.approx(back(expected[key]["est"]), rel=1e-8)
        # Other limits than R's: with 312 patients they are nearly the same.
        limits = [back(expected[key][k]) for k in ("upper95", "lower95")]
        assert [row.lower, row.upper] == pytest.approx(limits, abs=0.03 * (limits[1] - limits[0]))


def test_cox_on_the_arm(result):
    """coxph(Surv(time, ev) ~ trt, ties = 'efron'); trt is 2 for placebo, so one unit is placebo against D-penicillamine."""
    expected, rows = _oracle("b_cox.json")["b.cox.pbc.trt"], result("os_cox")
    hazard = rows.row("hazard_ratio")
    found = [rows.row("log_hazard_ratio").value, rows.row("log_hazard_ratio_std_err").value]
    found += [hazard.value, hazard.lower, hazard.upper, rows.row("hazard_ratio_p_value").value]
    own = {k: expected[k][0] for k in ("coef", "se", "hr", "hr_lower95", "hr_upper95", "p")}
    # Turned round: D-penicillamine against placebo, the control.
    wanted = [-own["coef"], own["se"], 1 / own["hr"], 1 / own["hr_upper95"], 1 / own["hr_lower95"], own["p"]]
    assert found == pytest.approx(wanted, rel=1e-6)
    assert rows.row("loglik").value == pytest.approx(expected["loglik"], rel=1e-6)
    assert (hazard.n, hazard.events, hazard.ties) == (312, 125, "efron")
