"""Plan of a draft: what is usual for what is there, and a primary analysis that somebody has to choose."""

import pytest

from esld.data.drafting.plan import analyses, analysis_sets
from esld.protocol import Analysis
from esld.protocol.gaps import gaps
from tests.data.drafting.exports import found, patient
from tests.data.small_trial import event

DEATH = {"paramcd": "OS", "param": "Overall survival", "events": [{"event": "DEATH"}]}
RELAPSE = {"paramcd": "TTR", "param": "Relapse", "events": [{"domain": "CE"}], "recurrent": True}
ALT = {"paramcd": "ALT", "kind": "laboratory"}
VISITS = [{"target": 8}, {"target": 29}]


@pytest.fixture
def own(tmp_path):
    return found(tmp_path, patient("001"))


def ids(own, *, arms=2, endpoints=(), parameters=(), visits=()):
    made = analyses(
        own, arms=arms, endpoints=list(endpoints), parameters=list(parameters), visits=list(visits)
    )
    for part in made:
        if not list(gaps(part)):
            Analysis.model_validate(part)
    return {part["id"]: part for part in made}


def test_what_is_there_is_planned(own):
    made = ids(own, endpoints=[DEATH, RELAPSE], parameters=[ALT], visits=VISITS)
    assert list(made) == [
        *("FLOW", "RANDOMISATION", "BASELINE", "PRIMARY", "OS-KM", "OS-LOGRANK", "OS-COX", "EVENTS", "EPISODES"),
        *("CHANGE", "LISTING"),
    ]  # fmt: skip
    assert made["EVENTS"]["horizon_days"] == 28 and made["EVENTS"]["endpoints"] == ["TTR"]
    assert (
        made["CHANGE"]["parameters"] == ["ALT"]
        and made["OS-COX"]["title"] == "Hazard ratio of overall survival"
    )


def test_one_arm_is_compared_with_nothing(own):
    made = ids(own, arms=1, endpoints=[DEATH])
    assert not {"RANDOMISATION", "OS-LOGRANK", "OS-COX"} & set(made) and "OS-KM" in made


def test_without_anything_the_primary_is_all_gap(own):
    made = ids(own)
    assert list(made) == ["FLOW", "RANDOMISATION", "BASELINE", "PRIMARY", "LISTING"]
    assert not {"endpoint", "parameters"} & set(made["PRIMARY"])
    assert [fault.place for fault in gaps(made["PRIMARY"])] == [
        ("title",),
        ("kind",),
        ("method",),
        ("estimand", "variable"),
        ("estimand", "intercurrent_events"),
        ("estimand", "summary"),
    ]


def test_safety_is_planned_where_events_and_treatment_are_recorded(tmp_path):
    ae = event("AE", "001", "2025-02-01", AETERM="Fever", AEOUT="RECOVERED/RESOLVED", AESER="N")
    assert "SAFETY" in ids(found(tmp_path, patient("001"), AE=[ae]))
    assert "collected" not in analysis_sets(found(tmp_path, patient("001"), AE=[ae]))[1]


def test_of_whom_the_data_cannot_tell_a_set_is_not_collected(tmp_path):
    sets = analysis_sets(found(tmp_path, patient("001", infused=())))
    assert [own.get("collected", True) for own in sets] == [True, False, False]
