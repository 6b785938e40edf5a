"""Adverse events over time, against counts from the raw tables."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.report.results import Reported
from esld.report.safety import adverse_events, counted, over_time
from esld.report.words.grammar import period
from tests.examples import few
from tests.report.builders import HIGH, LOW, plain
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


@given(longest=st.integers(1, 900), horizon=st.sampled_from([24, 84, 168, 365, 730]))
def test_the_axis_ends_at_the_first_tick_that_nobody_has_passed_or_at_the_outcome(longest, horizon):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(over_time, "days_observed", lambda _: pd.Series([1, longest]))
        study = SimpleNamespace(protocol=SimpleNamespace(horizon_days=horizon))
        ticks = over_time._axis(study, SimpleNamespace(group=None)).ticks
    planned = over_time.time_axis(horizon).ticks
    assert ticks == planned or ticks[-2] < longest <= ticks[-1] < planned[-1]
    assert ticks == planned or longest < planned[-1]
    assert ticks[0] == 0 and (np.diff(ticks) > 0).all()


@few(2)
@given(
    day=st.sampled_from(["2024-01-20", "2024-02-08", "2024-04-03", "2024-10-01", "2025-02-01", "2026-03-31"])
)
def test_where_the_figure_ends_is_said_of_the_axis_that_is_drawn(day):
    study = cut_at(day)
    found = adverse_events.adverse_events(study, counted.safety_set(study), conf_level=0.95)
    figure, words = over_time.mean_figure(study, found), over_time.left_out_words(study, found)
    if day == "2024-01-20":  # one patient
        assert plain(figure.html).startswith("No mean number of events is drawn") and words == ""
        assert over_time.mean_table(study, found, Reported(()), level="95 %") is None
        return
    axes = [a for a in figure.figure.axes if len(a.get_lines())]
    (last,) = {float(a.get_xticks()[-1]) for a in axes}
    ends = "The panel ends" if len(axes) == 1 else "Both panels end"
    assert words.startswith(f"{ends} {period(last)} after")
    beyond = adverse_events.days_observed(found.group).max() > last
    assert ("fewer and fewer" in words) == beyond == ("nobody had been" not in words)
