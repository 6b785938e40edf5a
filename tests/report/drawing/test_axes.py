"""The axis of time: the unit suits how far it reaches, and its ticks are few, rising and whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.report.drawing.axes import YEAR, time_axis


@pytest.mark.parametrize("year", [365, 365.25])
def test_a_year_is_twelve_months_and_ends_with_the_horizon(year):
    for axis in (time_axis(year), time_axis(year, reach=419)):
        assert (axis.unit, axis.labels, axis.ticks[-1]) == ("months", ["0", "3", "6", "9", "12"], year)


def test_a_few_months_are_days():
    assert time_axis(120) == ("days", [0, 30, 60, 90, 120])


def test_thirty_five_weeks():
    axis = time_axis(168, reach=245)
    assert (axis.unit, axis.labels) == ("weeks", ["0", "8", "16", "24", "32"])
    assert axis.title == "Weeks since randomisation"


def test_twelve_years():
    axis = time_axis(YEAR, reach=4556)
    assert (axis.unit, axis.ticks) == ("years", [0, 1461, 2922, 4383])
    assert axis.labels == ["0", "4", "8", "12"]


def test_two_years_are_months():
    assert time_axis(2 * YEAR).labels == ["0", "6", "12", "18", "24"]


def test_ticks_that_are_given_stay_and_decide_the_unit():
    assert time_axis(365.25, ticks=[0, 1461, 2922, 4383]).labels == ["0", "4", "8", "12"]
    assert time_axis(365, ticks=[0, 100, 200]) == ("days", [0, 100, 200])


@given(st.floats(1, 30_000), st.floats(0, 30_000))
def test_ticks_rise_from_0_and_are_few(horizon, reach):
    axis = time_axis(horizon, reach=reach)
    assert axis.ticks[0] == 0
    assert axis.ticks == sorted(set(axis.ticks))
    assert 2 <= len(axis.ticks) <= 6
    assert axis.ticks[-1] <= max(horizon, reach)
    assert len(set(axis.labels)) == len(axis.labels)


@given(st.floats(1, 30_000))
def test_the_last_tick_is_near_the_end(horizon):
    assert horizon / 2 <= time_axis(horizon).ticks[-1] <= horizon
