"""Visits of a draft: days found in the data, or planned by TV, and windows that meet half-way."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data.drafting.schedule import schedule
from esld.protocol.design import Schedule
from tests.data.drafting.exports import TEN, find, found, patient, seen, table, written
from tests.data.small_trial import trial
from tests.examples import few

DAY_1 = pd.Timestamp("2025-01-11")


def on(day: int) -> str:
    return f"{DAY_1 + pd.Timedelta(days=day - (day > 0)):%Y-%m-%d}"


def visits(tmp_path, *planned, patients=TEN, **others):
    """Everybody seen at (number, name, day) …, a day later in the last patient."""
    rows = [
        seen(id, number, name, on(day + (id == patients[-1])))
        for id in patients
        for number, name, day in planned
    ]
    return schedule(found(tmp_path, *(patient(id) for id in patients), LB=rows, **others))


def test_a_name_says_the_day_where_the_data_agree(tmp_path):
    made = visits(
        tmp_path, ("0", "SCREENING", -3), ("1", "DAY 1", 1), ("2", "WEEK 4", 30), ("3", "Month 6", 186)
    )
    own = made["visits"]
    assert [(v["code"], v["label"], v["number"], v["target"]) for v in own] == [
        ("W4", "Week 4", 2, 29),
        ("M6", "Month 6", 3, 184),  # 6 * 365.25 / 12 + 1 = 183.6
    ]
    assert [v["window"] for v in own] == [
        [2, 106],
        [107, 261],
    ]  # (29 + 184) // 2, and as far after the last as before
    assert own[0]["tolerance"] == [0, 2] and all(v["assumed"] and v["reason"] for v in own)
    assert made["baseline_window"] == [-3, 1]


def test_a_broken_week_of_a_name_is_the_nominal_week(tmp_path):
    own = visits(tmp_path, ("8.5", "Week 8.5", 61), ("9", "Visit 9", 80), ("12", "Week 12", 120))["visits"]
    assert [(v["code"], v["number"], v["target"], v["week"]) for v in own] == [
        ("W8.5", 8.5, 61, 8.5),
        ("V9", 9, 80, 11.3),
        ("W12", 12, 120, 17),  # the data contradict the name
    ]


def test_a_name_that_the_data_contradict_is_no_day(tmp_path):
    [own] = visits(tmp_path, ("2", "WEEK 4", 90))["visits"]
    assert (own["code"], own["target"]) == ("W4", 90)


def test_a_visit_without_a_name_has_the_middle_day_and_a_number_may_be_broken(tmp_path):
    own = visits(tmp_path, ("2", None, 15), ("8.5", None, 60))["visits"]
    assert [(v["code"], v["label"], v["number"], v["target"]) for v in own] == [
        ("V2", "Visit 2", 2, 15),
        ("V8_5", "Visit 8.5", 8.5, 60),
    ]


def test_what_was_not_planned_is_no_visit(tmp_path):
    own = visits(tmp_path, ("2", "WEEK 1", 8), ("2.1", "UNSCHEDULED", 20), ("3.1", "计划外访视", 40))[
        "visits"
    ]
    assert [v["code"] for v in own] == ["W1"]


def test_a_plan_goes_before_the_data(tmp_path):
    tv = table(
        "TV",
        {"VISITNUM": "1", "VISIT": "BASELINE", "VISITDY": "1"},
        {"VISITNUM": "2", "VISIT": "WEEK 2", "VISITDY": "16"},
        {"VISITNUM": "3", "VISIT": "WEEK 9", "VISITDY": "64"},
    )
    own = visits(tmp_path, ("2", "WEEK 2", 15), design={"TV": tv})["visits"]
    assert [(v["code"], v["target"]) for v in own] == [
        ("W2", 16),
        ("W9", 64),
    ]  # nobody has been at the last yet


def test_without_visits_there_is_a_gap(tmp_path):
    assert visits(tmp_path, ("2", "UNSCHEDULED", 15))["visits"].startswith("TODO")


@pytest.mark.parametrize(
    ("infused", "begins"), [(("2025-01-11",), "First administration"), ((), "Randomisation")]
)
def test_day_1_is_that_of_treatment_where_treatment_is_recorded(tmp_path, infused, begins):
    own = schedule(found(tmp_path, patient("001", infused=infused)))
    assert own["anchor"]["value"].startswith(begins) and own["anchor"]["assumed"]


DAYS = st.lists(st.integers(2, 900), min_size=1, max_size=7, unique=True)


@few(5)
@given(DAYS, st.booleans())
def test_any_days_give_a_schedule_that_holds(tmp_path_factory, days, falling):
    """Windows follow each other and hold their targets, as the model of a schedule asks; numbers that fall are no plan."""
    numbers = range(len(days), 0, -1) if falling else range(1, len(days) + 1)
    rows = [
        seen("001", str(number), f"V {number}", on(day))
        for number, day in zip(numbers, sorted(days), strict=True)
    ]
    folder = tmp_path_factory.mktemp("days")
    made = schedule(find(written(folder / "e", trial(patient("001"), LB=rows)), None, _reading()))
    held = Schedule.model_validate(made)
    assert len(held.visits) == (1 if falling else len(days))
    for before, after in zip(held.visits, held.visits[1:], strict=False):
        assert after.window[0] == before.window[1] + 1


def _reading():
    from esld.data.declared import Reading

    return Reading()
