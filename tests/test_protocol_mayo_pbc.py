"""The Mayo PBC protocol: loads, fits the example's tables, and marks what its sources do not state."""

import csv
from itertools import pairwise
from pathlib import Path

import pytest

from esld.data.adam.scores import RECIPES
from esld.protocol import read_protocol
from esld.report.assumptions import assumptions

ROOT = Path(__file__).parents[1]
PROTOCOLS = ROOT / "params/protocols"
EXAMPLE = ROOT / "esld/data/examples/mayo-pbc"


@pytest.fixture(scope="module")
def protocol():
    return read_protocol(PROTOCOLS / "mayo-pbc.yaml")


def column(name, variable):
    with (EXAMPLE / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return {row[variable] for row in csv.DictReader(file)}


def test_facts_of_the_trial(protocol):
    assert protocol.id == "MAYO-PBC"
    assert protocol.target_enrolment == 312
    assert protocol.arm_labels == {"DPCA": "D-penicillamine", "PLACEBO": "Placebo"}
    assert [arm.number for arm in protocol.arms] == [1, 2]
    assert (protocol.masking.value, protocol.masking.assumed) == ("Double-blind, placebo-controlled", False)
    assert protocol.administrations is None


def test_every_assumption_has_a_choice_and_a_reason(protocol):
    listed = assumptions(protocol)
    assert all(choice and reason.endswith(".") for _, choice, reason in listed)
    assert len({path for path, _, _ in listed}) == len(listed)


def test_what_the_sources_leave_open_is_marked(protocol):
    paths = {path for path, _ in protocol.assumed()}
    for name in ("calendar_dates", "consent", "follow_up", "end_of_follow_up", "exposure", "ast_unit"):
        assert f"data_assumptions.{name}" in paths
    assert {"endpoints[OS]", "randomisation", "stratification", "schedule.anchor"} <= paths
    assert {f"schedule.visits[{v.code}]" for v in protocol.schedule.visits} <= paths
    assert {f"analyses[{a.id}]" for a in protocol.analyses} <= paths
    assert {f"data_assumptions.{name}" for name in protocol.data_assumptions} <= paths


def test_analysis_windows_are_those_of_the_reference_data(protocol):
    """Targets and windows of pbcseq_visits, tests/reference/data/README.md: study day = elapsed days + 1."""
    elapsed = {
        "M06": (183, 92, 274),
        "M12": (365, 275, 548),
        "M24": (731, 549, 913),
        "M36": (1096, 914, 1279),
    }
    visits = {v.code: v for v in protocol.schedule.visits}
    for code, days in elapsed.items():
        assert (visits[code].target, *visits[code].window) == tuple(d + 1 for d in days)
    assert protocol.schedule.ties == "earlier"


def test_windows_meet_half_way_without_a_gap(protocol):
    visits = protocol.schedule.visits
    for before, after in pairwise(visits):
        assert after.window[0] == before.window[1] + 1
        # M36 ends on day 1280 in the reference data, although half-way to M48 is 1279.5.
        assert abs(after.window[0] - (before.target + after.target) / 2) <= 1.5
    assert all(v.allowed == v.window for v in visits)


def test_yearly_targets_are_whole_years(protocol):
    # 365.25 days a year, rounded to the day; the reference data round two years (730.5) up.
    years = {v.code: (v.target - 1) / 365.25 for v in protocol.schedule.visits if v.code != "M06"}
    for number, code in enumerate(("M12", "M24", "M36", "M48", "M60"), start=1):
        assert years[code] == pytest.approx(number, abs=0.5 / 365.25)


def test_each_parameter_is_in_the_tables_or_is_computed(protocol):
    recorded = {
        "laboratory": column("lb", "LBTESTCD"),
        "grade": column("rs", "RSTESTCD"),
        "score": {*RECIPES},
    }
    for parameter in protocol.parameters:
        assert parameter.paramcd in recorded[parameter.kind]


def test_what_is_not_collected_is_said_and_is_not_in_the_tables(protocol):
    assert set(protocol.not_collected) >= {
        *("INR", "CREAT", "SODIUM", "ALT", "WHAVEN", "MELD", "MELDNA", "MELD3", "CPSCORE")
    }
    recorded = column("lb", "LBTESTCD") | column("rs", "RSTESTCD") | {p.paramcd for p in protocol.parameters}
    assert not recorded & set(protocol.not_collected)
    assert all(sentence.endswith(".") for sentence in protocol.not_collected.values())


def test_domains_are_the_files_of_the_example(protocol):
    assert {f"{name.lower()}.csv" for name in protocol.domains} == {p.name for p in EXAMPLE.glob("*.csv")}


def test_overall_survival_censors_at_transplantation_which_is_an_event_of_the_other_endpoint(protocol):
    survival, transplant_free = protocol.endpoint("OS"), protocol.endpoint("TFS")
    (censor,) = survival.censors
    assert (censor.domain, censor.where) == ("PR", {"PRDECOD": "LIVER TRANSPLANTATION"})
    assert censor.where in [event.where for event in transplant_free.events]
    assert censor.where not in [event.where for event in survival.events]
    assert transplant_free.censors == ()


def test_times_of_the_planned_analyses_are_those_of_the_reference_numbers(protocol):
    assert protocol.analysis("OS-1Y").milestones_days == (365.25,)
    assert protocol.analysis("OS-KM").milestones_days == (365.25, 730.5, 1826.25)
    assert protocol.analysis("OS-RMST").horizon_days == 1826.25


def test_sets_that_the_data_cannot_tell_are_not_collected(protocol):
    collected = {s.flag: s.collected for s in protocol.analysis_sets}
    assert collected == {"ITTFL": True, "SAFFL": False, "PPROTFL": False}


def test_every_analysed_baseline_variable_is_known(protocol):
    known = {p.paramcd for p in protocol.parameters} | {"AGE", "SEX"}
    assert set(protocol.baseline_variables) <= known
