"""What a protocol file must hold together; the two files themselves have tests of their own."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from esld.protocol import Protocol, Schedule, StatedText, Visit, read_protocol
from esld.report.assumptions import assumptions

FILE = Path(__file__).parents[1] / "params" / "protocols" / "nct06167473.yaml"
CONTENT = yaml.load(FILE.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
OF_PARAMETERS = next(i for i, own in enumerate(CONTENT["analyses"]) if "parameters" in own)


@pytest.fixture
def content() -> dict[str, Any]:
    return copy.deepcopy(CONTENT)


@pytest.fixture(scope="module")
def protocol() -> Protocol:
    return read_protocol(FILE)


def refusal(content: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        Protocol.model_validate(content)
    return str(caught.value)


def test_the_file_as_plain_text_is_valid(content):
    assert Protocol.model_validate(content).id == "NCT06167473"


def test_a_bare_value_is_a_stated_one_and_a_mapping_carries_its_mark(content):
    content["masking"] = "Double"
    protocol = Protocol.model_validate(content)
    assert protocol.masking == StatedText(value="Double", assumed=False, reason="")
    assert protocol.administrations is not None
    assert protocol.administrations.assumed


@pytest.mark.parametrize(
    ("masking", "words"),
    [
        ({"value": "x", "assumed": True}, "an assumed value must state its reason"),
        ({"value": "x", "reason": "y"}, "a reason belongs to an assumed value"),
        ({"valu": "x"}, "masking.value"),
        ({"value": ""}, "at least 1 character"),
        ({}, "masking.value"),
    ],
)
def test_assumptions_and_reasons_go_together(content, masking, words):
    content["masking"] = masking
    assert words in refusal(content)


def set_at(content: dict[str, Any], path: tuple[str | int, ...], value: object) -> None:
    node: Any = content
    for part in path[:-1]:
        node = node[part]
    node[path[-1]] = value


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        # visits: weeks 1 and 4 have analysis windows 2 to 18 and 19 to 43
        (
            ("schedule", "visits", 1, "window"),
            [17, 43],
            "visits.1.window must begin after that of W1 ends, after day 18",
        ),
        (
            ("schedule", "visits", 1, "window"),
            [18, 43],
            "visits.1.window must begin after that of W1 ends, after day 18",
        ),
        (("schedule", "visits", 1, "number"), 2, "visits.1.number must be higher than that of W1, 2"),
        (("schedule", "visits", 0, "window"), [1, 18], "must begin after day 1"),
        (("schedule", "visits", 0, "window"), [9, 18], "window must hold the target, day 8"),
        (("schedule", "visits", 0, "window"), [18, 2], "window must hold the target, day 8"),
        (("schedule", "visits", 0, "number"), 0, "greater than 0"),
        (("schedule", "visits", 0, "tolerance"), [-2, 2], "greater than or equal to 0"),
        (("schedule", "visits", 1, "label"), "Week 1", "visits.1.label must be unique"),
        (("schedule", "visits", 1, "code"), "W1", "visits.1.code must be unique"),
        (("schedule", "ties"), "random", "'earlier' or 'later'"),
        (("arms", 1, "code"), "LOW", "arms.1.code must be unique"),
        (("arms", 1, "label"), "Low dose", "arms.1.label must be unique"),
        (("arms", 1, "number"), 1, "arms.1.number must be unique"),
        (("arms", 0, "dose", "amount"), -1, "greater than or equal to 0"),
        (("arms",), [], "at least 1 item"),
        (("parameters", 1, "paramcd"), "ALT", "parameters.1.paramcd must be unique"),
        (("parameters", 0, "unit"), "mg/dL", "ALT must be in one of ['U/L', 'ukat/L']"),
        (("parameters", 0, "unit"), "", "ALT must have a unit"),
        (("parameters", 0, "paramcd"), "alt", "match pattern"),
        (("endpoints", 1, "paramcd"), "OS", "endpoints.1.paramcd must be unique"),
        (("endpoints", 0, "events"), [], "at least 1 item"),
        (("endpoints", 0, "start"), "TRTSDT", "Input should be 'RANDDT'"),
        (("analyses", 1, "id"), "FLOW", "analyses.1.id must be unique"),
        (
            ("analyses", OF_PARAMETERS, "parameters"),
            ["ALX"],
            f"analyses.{OF_PARAMETERS}.parameters.0 must be the id of a parameter, got ALX",
        ),
        (("analyses", 3, "endpoint"), "OSX", "analyses.3.endpoint must be the id of an endpoint, got OSX"),
        (("analysis_sets", 1, "flag"), "ITTFL", "analysis_sets.1.flag must be unique"),
        (("eligibility", "inclusion", 0, "id"), "EX99", "inclusion.0.id must be IN01, IN02 …, got EX99"),
        (("eligibility", "exclusion", 0, "id"), "IN99", "exclusion.0.id must be EX01, EX02 …, got IN99"),
        (("eligibility", "inclusion", 0, "id"), "IN02", "inclusion.1.id must be unique"),
        (("eligibility", "inclusion", 0, "id"), "I1", "match pattern"),
        (("target_enrolment",), 0, "greater than 0"),
        (
            ("endpoints", 0, "events", 0, "event"),
            None,
            "must name an event, or give domain and date and description",
        ),
        (("endpoints", 0, "events", 0, "domain"), "DM", "must name an event alone"),
        (("target_enrollment",), 22, "Extra inputs are not permitted"),
    ],
)
def test_one_change_is_refused(content, path, value, words):
    set_at(content, path, value)
    assert words in refusal(content)


@pytest.mark.parametrize(
    ("domain", "words"),
    [
        ("DM", "domains must list DM, for "),
        ("DS", "domains must list DS, for "),
        ("LB", "domains must list LB, for laboratory parameters"),
        ("RS", "domains must list RS, for grades"),
        ("PR", "domains must list PR, for endpoint TTHE"),
    ],
)
def test_domains_that_the_analysis_reads_must_be_listed(content, domain, words):
    content["domains"].remove(domain)
    assert words in refusal(content)


def test_nothing_in_a_protocol_can_be_changed(protocol):
    for part, name in ((protocol, "title"), (protocol.arms[0], "code"), (protocol.schedule, "ties")):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(part, name, "x")


def test_allowed_days_lie_around_the_target():
    visit = Visit(code="W1", label="Week 1", number=1, week=1, target=8, tolerance=(2, 3), window=(2, 18))
    assert visit.allowed == (6, 11)


@pytest.mark.parametrize(
    ("anchor", "from_randomisation"),
    [
        ("randomisation", True),
        ("Randomization, as registered", True),
        ("First infusion; the day of randomisation for a patient who is never infused", False),
    ],
)
def test_the_anchor_decides_from_which_day_visits_are_counted(anchor, from_randomisation):
    schedule = Schedule(anchor={"value": anchor}, baseline_window=(-14, 1), visits=(), ties="later")
    assert schedule.from_randomisation is from_randomisation


def test_look_ups(protocol):
    assert protocol.arm_labels == {"LOW": "Low dose", "MEDHIGH": "Medium-high dose"}
    assert protocol.parameter("BILI").label == "Total bilirubin (umol/L)"
    assert protocol.parameter("MELD").label == "MELD score"
    assert protocol.endpoint("TFS").param == "Transplant-free survival"
    assert protocol.analysis("OS-RMST").horizon_days == 365
    for look_up in (protocol.parameter, protocol.endpoint, protocol.analysis):
        with pytest.raises(KeyError):
            look_up("NONE")


def test_every_assumption_is_listed_with_its_place_choice_and_reason(content, protocol):
    def marks(node: Any) -> int:
        if isinstance(node, dict):
            return (node.get("assumed") == "true") + sum(marks(item) for item in node.values())
        return sum(marks(item) for item in node) if isinstance(node, list) else 0

    listed = assumptions(protocol)
    assert len(listed) == marks(content)
    choices = {where: choice for where, choice, _ in listed}
    assert choices["administrations"] == "days 1, 29, 57"
    assert choices["schedule.visits[W1]"] == "day 8, analysis window 2 to 18"
    assert choices["endpoints[OS]"] == "Overall survival"
    assert choices["analysis_sets[SAFFL]"].startswith("All patients with at least one infusion")
    assert choices["analyses[OS-KM]"].startswith("Overall survival over time: Kaplan-Meier")
    assert choices["data_assumptions.dialysis"] == "No patient is on dialysis"
    assert all(reason for _, _, reason in listed)
