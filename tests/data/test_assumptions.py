"""A design file: the grid that it gives, what is planned and what cannot be simulated, and every mistake in one line."""

from pathlib import Path

import pytest
import yaml

from esld.data.assumptions import MOST, NOT_SIMULATED, SIMULATED, read_design
from esld.data.cutfile import read_cut
from esld.errors import InputError, RefusedError
from esld.operating import METHODS
from esld.protocol import USES
from tests.loaded import loaded_once
from tests.reports import ROOT

OWN = ROOT / "params" / "designs" / "nct06167473.yaml"
PROTOCOL = str(ROOT / "params" / "protocols" / "nct06167473.yaml")
CUT = str(ROOT / "params" / "demo-final.yaml")


@pytest.fixture
def written(tmp_path):
    def write(text: str | dict) -> Path:
        path = tmp_path / "design.yaml"
        path.write_text(
            text if isinstance(text, str) else yaml.safe_dump(text, sort_keys=False), encoding="utf-8"
        )
        return path

    return write


PLAIN = {"methods": ["fisher"], "assumptions": {"n": 11, "alive": 0.6}}


def test_the_design_of_the_demonstration_trial():
    """The file that docs/how-to/simulate.md shows."""
    design = read_design(OWN)
    work = design.work()
    assert list(work.scenarios) == [
        *(f"no difference, alive {share}" for share in (0.6, 0.75)),
        *(f"difference, alive MEDHIGH {share}" for share in (0.75, 0.9)),
    ]
    last = work.scenarios["difference, alive MEDHIGH 0.9"]
    assert (last.n, last.alive, last.lost, last.horizon, last.duration) == (
        (11, 11),
        (0.6, 0.9),
        (0.05, 0.05),
        365,
        730,
    )
    assert (last.score.visits, last.score.change) == ((7, 28, 56, 84, 168, 336), (-1, -3))
    assert [one.is_null for one in work.scenarios.values()] == [True, True, False, False]
    assert set(work.methods) == set(METHODS)
    told = {one.analysis: one for one in design.planned()}
    assert told["OS-1Y-EXACT"].methods == ("fisher", "boschloo")
    assert told["OS-EXACT"].methods == ("exact_log_rank", "exact_rmst")
    assert told["CUTOFF"].why_not == "it is a variant of OS-1Y"
    assert told["HIERARCHY"].why_not == NOT_SIMULATED["hierarchy"]
    assert all(bool(one.methods) != bool(one.why_not) for one in told.values())
    page = (ROOT / "docs" / "how-to" / "simulate.md").read_text(encoding="utf-8")
    assert OWN.read_text(encoding="utf-8") in page


def test_every_kind_of_analysis_is_simulated_or_not_by_a_reason():
    assert not set(SIMULATED) & set(NOT_SIMULATED)
    comparing = {
        kind for kind, use in USES.items() if use.chapter in ("03_survival", "04_change", "05_events")
    }
    assert comparing - {"survival_curve"} == set(SIMULATED) | set(NOT_SIMULATED)
    assert {name for names in SIMULATED.values() for name in names} == set(METHODS)


@pytest.mark.parametrize("name", ["mayo-pbc", "freireich-6mp", "tablets-three-arms"])
def test_any_protocol_will_do(written, name):
    """Its horizon, its arms and its patients are taken; of three arms two must be named."""
    protocol = ROOT / "params" / "protocols" / f"{name}.yaml"
    content = {"protocol": str(protocol), "trials": 10, "assumptions": {"alive": 0.5}}
    if name == "tablets-three-arms":
        with pytest.raises(InputError, match="key 'arms' must name the two arms"):
            read_design(written(content))
        content["arms"] = ["PBO", "D100"]
    (scenario,) = read_design(written(content)).work().scenarios.values()
    wanted = {"mayo-pbc": (156, 156), "freireich-6mp": (21, 21), "tablets-three-arms": (20, 20)}[name]
    assert scenario.n == wanted and scenario.horizon == read_design(written(content)).protocol.horizon_days


def test_a_grid_is_all_combinations_and_a_scenario_s_own_word_counts(written):
    content = {
        "methods": ["fisher"],
        "arms": ["old", "new"],
        "assumptions": {"n": [5, 6], "alive": {"old": 0.5, "new": [0.5, 0.7, 0.9]}, "lost": 0.1},
        "scenarios": {
            "as said": {},
            "no losses": {"lost": 0, "alive": 0.8},
            "more": {"n": {"old": 5, "new": 10}},
        },
    }
    scenarios = read_design(written(content)).work().scenarios
    assert len(scenarios) == 6 + 2 + 3
    assert scenarios["as said, n 6, alive new 0.9"].alive == (0.5, 0.9)
    own = scenarios["no losses, n 5"]
    assert (own.lost, own.alive, own.n) == ((0, 0), (0.8, 0.8), (5, 5))
    assert scenarios["more, alive new 0.7"].n == (5, 10)


def test_of_a_cut_the_patients_are_those_that_there_are(written):
    content = {"cut": CUT, "methods": ["fisher"], "assumptions": {"alive": 0.6}}
    design = read_design(written(content))
    study = loaded_once(read_cut(Path(CUT)))
    (scenario,) = design.work(study).scenarios.values()
    adsl = study.adsl
    days = (adsl["RANDDT"] - adsl["RANDDT"].min()).dt.days
    assert scenario.n == tuple(int((adsl["ARMCD"] == arm).sum()) for arm in ("LOW", "MEDHIGH"))
    for part, arm in zip(
        (scenario.entry[: scenario.n[0]], scenario.entry[scenario.n[0] :]), ("LOW", "MEDHIGH"), strict=True
    ):
        assert sorted(part) == sorted(days[adsl["ARMCD"] == arm])
    assert max(scenario.entry) <= scenario.duration and scenario.accrual == 0
    with pytest.raises(InputError, match="key 'n' must be left out: it is taken from the cut"):
        read_design(written(content | {"assumptions": {"alive": 0.6, "n": 11}}))
    masked = ROOT / "params" / "demo-interim-masked.yaml"
    with pytest.raises(RefusedError, match="does not show who is in which arm"):
        read_design(written(content | {"cut": str(masked)}))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("methods: [fisher]\nassumptions: {n: 11, alive: 1.2}\n",
         "key 'alive' must be two chances above 0 and up to 1, got (1.2, 1.2) (design.yaml, line 2: assumptions.alive)"),
        ("methods: [fisher]\nassumptions:\n  n: 11\n  alife: 0.6\n",
         "key 'alife' is not known (design.yaml, line 4: assumptions.alife). Did you mean 'alive'?"),
        ("methods: [fishers]\nassumptions: {n: 11, alive: 0.6}\n",
         "key 'methods[0]' is not known, got fishers (design.yaml, line 1). Did you mean 'fisher'?"),
        ("assumptions: {n: 11, alive: 0.6}\n",
         "key 'methods' must be given without a protocol (design.yaml, line 1). Name methods"),
        ("methods: [mmrm]\nassumptions: {n: 11, alive: 0.6}\n", "key 'score' must say something of a score for mmrm"),
        ("methods: [fisher]\nassumptions:\n  n: 11\n",
         "key 'alive' must be given (design.yaml, line 2: assumptions.alive). Add it."),
        ("methods: [fisher]\nassumptions:\n  n: 11\n  alive: {first: 0.6}\n", "key 'alive' must be given for second too"),
        ("methods: [fisher]\nassumptions:\n  n: 11\n  alive: {first: 0.6, secnd: 0.6}\n",
         "key 'secnd' is no arm (design.yaml, line 4: assumptions.alive.secnd). Did you mean 'second'?"),
        ("methods: [fisher]\nassumptions: {n: eleven, alive: 0.6}\n", "must be a whole number"),
        ("methods: [fisher]\ntrials: 0\nassumptions: {n: 11, alive: 0.6}\n", "key 'trials' must be greater than 0, got 0"),
        ("methods: [fisher]\nprotocol: none.yaml\nassumptions: {alive: 0.6}\n", "none.yaml must be an existing file"),
        (f"protocol: {PROTOCOL}\ncut: {CUT}\n", "key 'protocol' must be left out: the cut names it"),
        (f"protocol: {PROTOCOL}\nassumptions: {{alive: {{LOW: 0.5, MEDHIHG: 0.5}}}}\n", "Did you mean 'MEDHIGH'?"),
        ("methods: [ancova]\nassumptions:\n  n: 11\n  alive: 0.6\n"
         "  score: {mean: 20, sd: -1, change: 0, error_sd: 1, visits_days: [1]}\n",
         "key 'sd' must be above 0, got -1.0 (design.yaml, line 5: assumptions.score.sd)"),
        ("methods: [ancova]\nassumptions:\n  n: 11\n  alive: 0.6\n"
         "  score: {mean: 20, sd: 1, change: 0, error_sd: 1}\n",
         "key 'visits_days' must be given (design.yaml, line 5: assumptions.score.visits_days)"),
        ("methods: [fisher]\nassumptions: {n: 11}\nscenarios:\n  bad:\n    alive: [0.5, 0]\n",
         "key 'alive' must be two chances above 0 and up to 1, got (0.0, 0.0) (design.yaml, line 5: scenarios.bad.alive)"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_its_place_and_what_to_do(written, text, told):
    with pytest.raises(InputError) as error:
        read_design(written(text))
    assert told in str(error.value) and "\n" not in str(error.value)


def test_a_grid_that_never_ends_is_a_mistake(written):
    many = [i / 100 for i in range(1, 100)]
    content = {"methods": ["fisher"], "assumptions": {"n": 5, "alive": {"first": many, "second": many}}}
    with pytest.raises(InputError, match=f"must give at most {MOST} combinations"):
        read_design(written(content))


@pytest.mark.parametrize(
    ("assumed", "analysis", "why"),
    [
        ({"alive": 0.6}, "LFT", "no score is assumed"),
        ({"alive": 0.6, "horizon_days": 365}, "OS-1Y", ""),
        ({"alive": 0.6}, "TFS-KM", "it compares nothing"),
    ],
)
def test_what_is_not_simulated_is_said_with_the_reason(written, assumed, analysis, why):
    design = read_design(written({"protocol": PROTOCOL, "assumptions": assumed}))
    assert {one.analysis: one.why_not for one in design.planned()}[analysis] == why
