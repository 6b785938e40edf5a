"""Patients with a first event of any of several kinds, against a count patient by patient."""

import pandas as pd
import pytest

from esld.report.events.any_event import any_event_rows
from tests.report.builders import HIGH, LOW


def plan(own, **changes):
    (planned,) = own.protocol.of_kind("cumulative_incidence")
    return planned.model_copy(update=changes)


@pytest.mark.parametrize("cut", ["demo-final", "demo-interim"])
def test_against_the_clinical_events_themselves(study, cut):
    """Own count from SDTM: an event of CE after randomisation, before death and transplantation, new for the patient."""
    own = study(cut)
    found = any_event_rows(own, plan(own)).set_index("group")
    names = {"TTGIB": "Gastrointestinal bleeding", "TTASC": "Ascites", "TTHE": "Hepatic encephalopathy"}
    firsts = own.adtte[own.adtte["PARAMCD"].isin(names) & own.adtte["EVTYPE"].eq("EVENT")]
    grades = own.adlb[own.adlb["ABLFL"].eq("Y") & own.adlb["PARAMCD"].isin(["ASCITES", "WHAVEN"])]
    had = {"ASCITES": "TTASC", "WHAVEN": "TTHE"}
    before = {(r.USUBJID, had[r.PARAMCD]) for r in grades.itertuples() if r.AVAL >= 2}
    for arm in (LOW, HIGH):
        counted = {
            r.USUBJID
            for r in firsts.itertuples()
            if arm == r.ARMCD and r.AVAL <= 365 and (r.USUBJID, r.PARAMCD) not in before
        }
        assert found.loc[arm, "value"] == len(counted) > 0
        assert found.loc[arm, "n"] == 11


def test_one_condition_alone_is_that_condition_s_count(study):
    """2 bled of 11 in each arm by one year, as chapter 05 reports it."""
    own = study("demo-final")
    found = any_event_rows(own, plan(own, endpoints=("TTGIB",)))
    assert found["value"].tolist() == [2, 2]


def test_at_least_the_most_frequent_and_at_most_the_sum(study):
    own = study("demo-final")
    codes = plan(own).endpoints
    alone = pd.concat(
        [any_event_rows(own, plan(own, endpoints=(code,))).set_index("group")["value"] for code in codes],
        axis=1,
    )
    together = any_event_rows(own, plan(own)).set_index("group")["value"]
    assert (together >= alone.max(axis=1)).all()
    assert (together <= alone.sum(axis=1)).all()


def test_nothing_on_day_zero_and_inputs_as_they_were(study):
    own = study("demo-final")
    before = own.adtte.copy()
    assert any_event_rows(own, plan(own, horizon_days=0))["value"].tolist() == [0, 0]
    pd.testing.assert_frame_equal(own.adtte, before)
