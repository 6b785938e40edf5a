"""What the parts of a protocol must agree on: each disagreement is one line with its place."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from esld.protocol import USES, Protocol, read_protocol
from esld.protocol.plan import Analysis
from tests.report.other_trials import Content, changed

DEMO = read_protocol(Path(__file__).parents[1] / "params" / "protocols" / "nct06167473.yaml")


def analysis(id: str, **what: object):
    def change(content: Content) -> None:
        own = [dict(each) for each in content["analyses"]]
        next(each for each in own if each["id"] == id).update(what)
        content["analyses"] = own

    return change


def item(key: str, position: int, **what: object):
    def change(content: Content) -> None:
        own = [dict(each) for each in content[key]]
        own[position].update(what)
        content[key] = own

    return change


def key(name: str, value: object):
    return lambda content: content.update({name: value})


def visit(position: int, **what: object):
    def change(content: Content) -> None:
        visits = [dict(each) for each in content["schedule"]["visits"]]
        visits[position].update(what)
        content["schedule"] = {**content["schedule"], "visits": visits}

    return change


SEX = {"name": "Sex", "variable": "SEX"}
BROKEN = {
    "a control that is no arm": (key("control", "MEDIUM"), "control must be the code of an arm, got MEDIUM"),
    "a ratio for another number of arms": (
        key("randomisation", {"value": "1:1:1", "design": {"kind": "complete", "ratio": [1, 1, 1]}}),
        "randomisation.design.ratio must be a number for each of 2 arms",
    ),
    "blocks that the ratio does not divide": (
        key("randomisation", {"value": "2:1", "design": {"kind": "permuted blocks", "ratio": [2, 1], "block_sizes": [3, 4]}}),
        "block_sizes must be multiples of 3, got [4]",
    ),
    "a stratum of nothing": (key("strata", [{"name": "X", "variable": "HEIGHT"}]), "strata.0.variable must be"),
    "a quantity in one piece": (key("strata", [{"name": "Age", "variable": "AGE"}]), "strata.0.cuts must divide AGE"),
    "a sex in pieces": (key("subgroups", [{**SEX, "cuts": [1]}]), "subgroups.0.cuts must be left out"),
    "strata that there are not": (analysis("OS-COX", stratified=True), "stratified must have strata"),
    "subgroups that there are not": (analysis("OS-COX", subgroups=True), "subgroups must be named"),
    "a variant of nothing": (analysis("OS-COX", of="OS-CXO"), "of must be the id of another analysis, got OS-CXO"),
    "a variant of itself": (analysis("OS-COX", of="OS-COX"), "of must be the id of another analysis"),
    "a variant of another kind": (analysis("OS-COX", of="OS-FIRTH"), "kind must be that of OS-FIRTH"),
    "a variant of another endpoint": (
        analysis("TFS-KM", of="OS-KM"), "endpoint must be that of OS-KM, beside which it is shown: OS, got TFS",
    ),
    "a set that is not collected": (
        lambda content: (
            item("analysis_sets", 2, collected=False)(content), analysis("OS-COX", analysis_set="PPROTFL")(content),
        ),
        "analysis_set must be an analysis set that is collected, got PPROTFL",
    ),
    "a rank without a direction": (item("parameters", 0, better=None), "parameters.0.better must be lower or higher"),
    "episodes of what happens once": (item("endpoints", 2, recurrent=False), "endpoints.2.recurrent must be true"),
    "a first event after death": (item("endpoints", 2, competing=[]), "endpoints.2.competing must name death"),
    "a visit before the one before": (visit(1, week=1), "week must be later than that of W1, 1, got 1"),
    "windows that overlap": (visit(1, window=(18, 43)), "window must begin after that of W1 ends, after day 18"),
    "a baseline variable that is not there": (
        key("baseline_variables", ["AGE", "HEIGHT"]), "baseline_variables.1 must be AGE, SEX, WEIGHT, BMI or a parameter",
    ),
    "a baseline variable twice": (key("baseline_variables", ["AGE", "AGE"]), "baseline_variables.1 must be named once"),
    "a covariate that is no baseline variable": (
        analysis("OS-FIRTH", covariates=["AGES"]), "covariates.0 must be one of baseline_variables, named once, got AGES",
    ),
    "no primary analysis": (analysis("OS-1Y", role="secondary"), "analyses must have one of role primary"),
    "visits that a model needs": (
        lambda content: content.update(
            schedule={**content["schedule"], "visits": []},
            analyses=[a for a in content["analyses"] if not a.get("visit") and not a.get("hierarchy")],
        ),
        "kind must have visits in the schedule",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_does_not_go_together_is_told_with_its_place(name):
    change, told = BROKEN[name]
    with pytest.raises(ValidationError) as caught:
        changed(DEMO, change)
    assert told in str(caught.value)


def test_a_gap_between_windows_is_none():
    assert changed(DEMO, visit(1, window=(25, 35))).schedule.visits[1].window == (25, 35)


# --- kinds -----------------------------------------------------------------------------------------------------

VALUES: dict[str, object] = {
    "endpoint": "OS", "endpoints": ["TTGIB"], "parameters": ["ALT"], "visit": "W48", "response": {"at_most": 40},
    "milestones_days": [365], "horizon_days": 365, "analysis_set": "SAFFL", "censoring": "cut-off", "stratified": True,
    "subgroups": True, "model": {"covariance": "cs"}, "hierarchy": [{"name": "Death", "endpoint": "OS"}], "of": "OTHER",
    "covariates": ["AGE"],
}  # fmt: skip
BARE = {
    "id": "OWN", "title": "Own", "role": "secondary", "method": "As planned",
    "estimand": dict.fromkeys(("treatment", "population", "variable", "intercurrent_events", "summary"), "said"),
}  # fmt: skip


@pytest.mark.parametrize("kind", USES)
def test_each_kind_takes_its_keys_and_no_other(kind):
    use = USES[kind]
    needed = {name: VALUES[name] for name in use.needed}
    assert Analysis.model_validate({**BARE, "kind": kind, **needed}).chapter == use.chapter
    for name in use.taken:
        Analysis.model_validate({**BARE, "kind": kind, **needed, name: VALUES[name]})
    for name in use.needed:
        less = {other: value for other, value in needed.items() if other != name}
        with pytest.raises(ValidationError, match=f"{name} must be given to an analysis of kind {kind}"):
            Analysis.model_validate({**BARE, "kind": kind, **less})
    for name in VALUES.keys() - {*use.needed, *use.taken}:
        with pytest.raises(ValidationError, match=f"{name} must be left out: an analysis of kind {kind}"):
            Analysis.model_validate({**BARE, "kind": kind, **needed, name: VALUES[name]})


def test_without_a_kind_a_chapter_of_ones_own_reports_it():
    assert Analysis.model_validate({**BARE, "chapter": "11_mine"}).kind is None
    with pytest.raises(ValidationError, match="kind must be given to an analysis of chapter 03_survival"):
        Analysis.model_validate({**BARE, "chapter": "03_survival"})
    with pytest.raises(ValidationError, match="kind must be given, or a chapter of your own"):
        Analysis.model_validate(BARE)
    with pytest.raises(ValidationError, match="chapter must be 06_safety, which reports the kind safety"):
        Analysis.model_validate({**BARE, "kind": "safety", "chapter": "11_mine"})


# --- what follows from the parts -------------------------------------------------------------------------------


def test_the_control_stands_first_and_the_ratio_with_it():
    turned = changed(DEMO, lambda content: content.update(
        control="MEDHIGH",
        randomisation={"value": "1:2", "design": {"kind": "complete", "ratio": [1, 2]}},
    ))  # fmt: skip
    assert list(turned.arm_labels) == ["MEDHIGH", "LOW"]
    assert turned.ratio == (2, 1)
    assert DEMO.ratio == (1, 1)


def test_what_was_looked_up_once_does_not_outlive_a_copy():
    """A view shows a copy with other arms."""
    own: Protocol = DEMO.model_copy()
    assert own.arm_labels and own.primary and own.ratio
    one = own.model_copy(update={"arms": own.arms[:1], "analyses": own.analyses[:1]})
    assert list(one.arm_labels) == ["LOW"]
    assert one.ratio == (1,)


@pytest.mark.parametrize(
    ("what", "day"),
    [
        (
            {"kind": "milestone", "endpoint": "OS", "milestones_days": [365, 730.5], "horizon_days": 730.5},
            730.5,
        ),
        ({"kind": "rmst", "endpoint": "OS", "horizon_days": 100}, 100),
        ({"kind": "ancova", "parameters": ["ALT"], "visit": "W12"}, 84),
        ({"kind": "log_rank", "endpoint": "OS"}, 336),
        ({"kind": "mmrm", "parameters": ["ALT"], "model": {"covariance": "cs"}}, 336),
    ],
)
def test_the_horizon_is_that_of_the_primary_analysis(what, day):
    def change(content: Content) -> None:
        content["analyses"] = [{**BARE, **what, "role": "primary"}]

    assert changed(DEMO, change).horizon_days == day


def test_variants_stand_beside_their_analysis_and_not_among_the_planned():
    def change(content: Content) -> None:
        like = next(own for own in content["analyses"] if own["id"] == "OS-COX")
        content["analyses"] = [
            *content["analyses"],
            {**like, "id": "OTHER", "of": "OS-COX", "censoring": "cut-off"},
        ]

    own = changed(DEMO, change)
    assert [a.id for a in own.of_kind("cox")] == ["OS-COX"]
    assert [a.id for a in own.variants(own.of_kind("cox")[0])] == ["OTHER"]
    assert own.variants(own.of_kind("rmst")[0]) == ()
