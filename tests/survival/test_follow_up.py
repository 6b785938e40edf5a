"""Median follow-up: R survival 3.5-3, closed form, invariance, control flow."""

from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.reasons import Why, because
from esld.survival import kaplan_meier, median_follow_up

SAMPLES = st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("dataset", "wanted"), [("aml", (161, 28, np.nan)), ("pbc", (2504, 2318, 2657))], ids=["aml", "pbc"]
)
def test_reference(data, dataset, wanted):
    """R: ``quantile(survfit(Surv(time, 1 - event) ~ 1, conf.type = "log-log"), 0.5)``."""
    frame = data(dataset)
    found = median_follow_up(frame["time"], frame["event"])
    assert (found.value, found.lower, found.upper) == pytest.approx(wanted, nan_ok=True)


def test_events_and_censorings_at_one_time():
    # Observation ends at 5 (two of six at risk, a death among them), at 9 (one of three) and at 12: 2/3, 4/9, 0.
    # R as above: 9, lower 5. With the deaths taken out first it is 9 as well, but 3/5 at 5.
    found = median_follow_up([5, 5, 5, 9, 9, 12], [1, 0, 0, 1, 0, 0])
    assert (found.value, found.lower) == (9, 5)
    assert found.reason == because(Why.LIMIT_NOT_REACHED, limits=("upper",))


def test_without_events_it_is_the_median_of_the_times():
    assert median_follow_up([3, 5, 9], [0, 0, 0]).value == 5


@given(SAMPLES)
def test_it_is_the_median_of_the_reverse_curve(sample):
    time, event = (np.array(column) for column in zip(*sample, strict=True))
    found, curve = median_follow_up(time, event), kaplan_meier(time, 1 - event)
    median = curve.median
    assert (found.value, found.lower, found.upper) == pytest.approx(
        (median.value, median.lower, median.upper), nan_ok=True
    )
    assert (found.n, found.events, found.reason) == (len(sample), int(event.sum()), median.reason)


@given(SAMPLES)
def test_it_is_not_shorter_than_the_median_of_the_observed_times(sample):
    """As if the dead were still observed."""
    time, event = (np.array(column) for column in zip(*sample, strict=True))
    found, plain = median_follow_up(time, event), kaplan_meier(time, np.ones(time.size))
    assert isnan(found.value) or found.value >= plain.median.value - 1e-9


def test_everybody_had_the_event():
    found = median_follow_up([3, 5, 9], [1, 1, 1], group="low", time_unit="weeks")
    assert isnan(found.value) and found.reason == because(Why.NOT_REACHED)
    frame = found.to_frame()
    assert frame["statistic"].tolist() == ["median_follow_up"]
    assert frame[["group", "unit", "n", "events"]].iloc[0].tolist() == ["low", "weeks", 3, 3]
    assert frame["method"].iloc[0] == "reverse, kaplan-meier, greenwood, log-log"
