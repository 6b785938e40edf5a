"""Adverse events over time, against counts from the raw tables."""

import numpy as np
import pytest

from esld.report.safety import adverse_events, counted, over_time
from tests.report.builders import HIGH, LOW
from tests.report.in_process import cut_at
from tests.report.recount import first_infusion, raw, since_infusion, treated


def made(view: str = "unblinded"):
    study = cut_at("2026-03-31", view)
    return study, adverse_events.adverse_events(study, counted.safety_set(study), conf_level=0.95)


def test_while_nobody_has_left_the_mean_is_events_by_patients():
    """Day 91: the first death is on day 118."""
    study, found = made()
    rows = over_time.mean_rows(study, found).set_index(["statistic", "group", "time"])
    ae = since_infusion(raw("ae"), "AESTDTC")
    day = (ae["WHEN"] - ae["USUBJID"].map(first_infusion())).dt.days + 1
    for arm in (LOW, HIGH):
        size = int(treated().eq(arm).sum())
        for kind, own in (("any", ae), ("serious", ae[ae["AESER"].eq("Y")])):
            row = rows.loc[(f"{kind}.mean_count", arm, 91.25)]
            assert row["n"] == size
            assert row["value"] == pytest.approx((own["ARM"].eq(arm) & (day <= 91)).sum() / size)


def test_it_never_falls_and_ends_at_the_horizon():
    _, found = made()
    for by_arm in over_time.means(found, 365).values():
        for mean in by_arm.values():
            assert np.all(np.diff(mean.mean) >= 0)
            assert mean.max_time == 365


def test_a_blinded_view_draws_all_together():
    study, found = made("blinded")
    assert set(over_time.mean_rows(study, found)["group"]) == {"ALL"}


def test_an_event_without_a_day_is_told_and_not_drawn():
    _, found = made()
    assert over_time.undated_words(found) == ""
    found.events.iloc[0, found.events.columns.get_loc("ASTDT")] = None
    assert over_time.undated_words(found) == "1 event has no day and is not in the figure."
