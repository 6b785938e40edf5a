"""Differences over strata: Mantel and Haenszel's weights by hand, and strata in which one of the arms has nobody."""

import pandas as pd
import pytest

from esld.report.survival.strata import milestone_rows, rmst_rows
from esld.survival import milestone, rmst_compare, stratified_risk_difference
from tests.report.builders import HIGH, LOW, arrays

ALIVE, DIED, LOST = (400.0, False), (100.0, True), (200.0, False)
COMPLETE = {
    "F": {LOW: [ALIVE] * 7 + [DIED] * 3, HIGH: [ALIVE] * 4 + [DIED]},
    "M": {LOW: [ALIVE] * 2 + [DIED] * 4, HIGH: [ALIVE] * 6 + [DIED] * 4},
}
LATE = {**COMPLETE, "M": {LOW: [ALIVE] * 2 + [DIED] * 4, HIGH: [ALIVE] * 6 + [DIED] * 3 + [LOST]}}


def times_of(strata) -> pd.DataFrame:
    parts = []
    for name, groups in strata.items():
        time, event, arm = arrays(groups)
        parts.append(pd.DataFrame({"time": time, "event": event, "arm": arm, "stratum": name}))
    return pd.concat(parts, ignore_index=True)


def the_row(frame: pd.DataFrame) -> pd.Series:
    return frame.set_index("statistic").loc["stratified_difference"]


def test_with_everybody_known_it_is_the_stratified_risk_difference():
    """Alive with the second arm less with the first: 4 of 5 and 7 of 10, 6 of 10 and 2 of 6."""
    found = the_row(milestone_rows(times_of(COMPLETE), [LOW, HIGH], at=365, conf_level=0.95))
    wanted = stratified_risk_difference([4, 6], [5, 10], [7, 2], [10, 6])
    assert (found["value"], found["lower"], found["upper"]) == pytest.approx(
        (wanted.value, wanted.lower, wanted.upper)
    )
    assert (found["n"], found["events"], found["group"]) == (31, 12, f"{HIGH} - {LOW}")


def test_with_somebody_lost_the_strata_keep_their_own_limits():
    found = the_row(milestone_rows(times_of(LATE), [LOW, HIGH], at=365, conf_level=0.95))
    parts = []
    for groups in LATE.values():
        own = milestone(*arrays(groups), at=365, groups=[LOW, HIGH]).survival_difference
        parts.append((own, len(groups[LOW]) * len(groups[HIGH]) / (len(groups[LOW]) + len(groups[HIGH]))))
    total = sum(weight for _, weight in parts)
    value = sum(weight * own.value for own, weight in parts) / total
    below = sum((weight / total * (own.value - own.lower)) ** 2 for own, weight in parts) ** 0.5
    assert (found["value"], found["lower"]) == pytest.approx((value, value - below))
    assert found["method"].endswith("strata:2, mantel-haenszel")


def test_mean_times():
    found = the_row(rmst_rows(times_of(COMPLETE), [LOW, HIGH], tau=365, conf_level=0.95))
    each = [rmst_compare(*arrays(own), tau=365, groups=[LOW, HIGH]).difference for own in COMPLETE.values()]
    weights = [10 * 5 / 15, 6 * 10 / 16]
    wanted = sum(w * one.value for w, one in zip(weights, each, strict=True)) / sum(weights)
    assert found["value"] == pytest.approx(wanted)
    assert found["unit"] == "days"


def test_a_stratum_with_one_arm_alone_says_nothing():
    more = {**COMPLETE, "X": {LOW: [DIED] * 5}}
    one, other = (
        the_row(milestone_rows(times_of(own), [LOW, HIGH], at=365, conf_level=0.95))
        for own in (COMPLETE, more)
    )
    assert one["value"] == pytest.approx(other["value"])
    assert one["n"] == other["n"]


def test_strata_that_hold_one_arm_each_give_no_difference():
    apart = times_of({"F": {LOW: [ALIVE, DIED]}, "M": {HIGH: [ALIVE, DIED]}})
    assert milestone_rows(apart, [LOW, HIGH], at=365, conf_level=0.95).empty
    assert rmst_rows(apart, [LOW, HIGH], tau=365, conf_level=0.95).empty
