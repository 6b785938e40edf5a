"""What is asked of a treatment that is taken day by day, and what is not."""

import pandas as pd
import pytest

from esld.data import views
from esld.data.pseudonyms import pseudonyms
from esld.protocol import Treatment
from tests.data.queries.asking import asked
from tests.data.small_trial import KEY, PROTOCOL, ds, lb, patient, trial

TABLET = Treatment(one="tablet", many="tablets", given="treated", regimen="continuous")
DAILY = PROTOCOL.model_copy(update={"treatment": TABLET})  # with administrations on days 1, 29 and 57
END, OVER = "treatment without an end", "periods of treatment overlap"


def ex(id: str, start: str, end: str | None, **others: str) -> dict:
    about = {"EXTRT": "cells", "EXDOSE": "1", "EXDOSU": "10^6 cells/kg"}
    return {"USUBJID": id, **about, "EXSTDTC": start, "EXENDTC": end} | others


def told(*records: dict, ends=(), protocol=DAILY, view="unblinded") -> pd.DataFrame:
    people = [patient(who, infused=(), ACTARMCD="LOW") for who in sorted({r["USUBJID"] for r in records})]
    seen = [lb(r["USUBJID"], "ALT", "30", "2025-06-01") for r in records[:1]]
    tables = trial(*people, EX=list(records), LB=seen, DS=list(ends))
    tables, protocol = views.seen(tables, protocol, view, KEY)
    return asked(tables, protocol)


def test_periods_are_no_administrations():
    """None too many, none too near another, none on a day without a visit."""
    days = [("2025-01-11", "2025-01-20"), ("2025-01-21", "2025-01-25"), ("2025-02-01", "2025-02-03")]
    days += [("2025-02-05", "2025-06-01")]
    records = [ex("S", *both) for both in days]
    assert told(*records).empty
    assert set(told(*records, protocol=PROTOCOL)["rule"]) == {
        "administrations close together", "dose on a day without a visit", "more administrations than planned"
    }  # fmt: skip


def test_who_may_go_on_is_one_line():
    found = told(
        ex("S", "2025-01-11", None), ex("T", "2025-01-11", None), ex("U", "2025-01-11", "2025-02-01")
    )
    assert found[["rule", "severity", "record"]].to_numpy().tolist() == [[END, "minor", "EX"]]
    assert found["message"].item().startswith("2 periods of treatment without an end (EXENDTC)")


@pytest.mark.parametrize("view", ["unblinded", "masked"])
def test_who_has_left_or_was_treated_again_is_asked_about(view):
    records = (ex("S", "2025-01-11", None), ex("T", "2025-01-11", None), ex("T", "2025-02-01", "2025-03-01"))
    found = told(*records, ends=[ds("S", "COMPLETED", "2025-05-30")], view=view)
    words = (
        "Treatment from 2025-01-11 has no end (EXENDTC) and is taken to have lasted to {}: when did it end?"
    )
    asked = [[words.format("2025-01-31"), "major", "T"], [words.format("2025-05-30"), "major", "S"]]
    if view == "masked":  # which tells days on end: in those of T there is no gap
        asked = [[words.format("2025-05-30"), "major", pseudonyms("S", KEY)["S"]]]
    assert sorted(found[["message", "severity", "USUBJID"]].to_numpy().tolist()) == asked


def test_where_no_end_is_recorded_one_line_says_so():
    ends = [ds(who, "COMPLETED", "2025-05-30") for who in "ST"]
    found = told(ex("S", "2025-01-11", None), ex("T", "2025-01-11", None), ends=ends)
    assert found["message"].item().startswith("No record says when treatment ended (EXENDTC)")


def test_a_dose_of_nothing_needs_no_end():
    assert told(
        ex("S", "2025-01-11", "2025-02-01"), ex("S", "2025-02-02", None, EXDOSE="0", EXADJ="Rash")
    ).empty


def test_periods_of_one_treatment_do_not_overlap():
    first, second = ("2025-01-11", "2025-02-01"), ("2025-01-30", "2025-03-01")
    found = told(ex("S", *first), ex("S", *second))
    message = "cells from 2025-01-30 begins before a former period ends, on 2025-02-01: a day counts once. Are both right?"
    assert found[["rule", "message"]].to_numpy().tolist() == [[OVER, message]]
    assert OVER not in set(told(ex("S", *first), ex("S", *second, EXTRT="placebo"))["rule"])
    assert told(ex("S", *first), ex("S", *second), view="masked").empty  # which shows no treatment
    assert told(ex("S", *first), ex("S", "2025-02-01", "2025-03-01")).empty  # a change on the day


def test_patients_are_called_as_the_protocol_calls_them():
    tables = trial(patient("S", infused=(), ACTARMCD=None), EX=[ex("S", "2025-01-01", "2025-02-01")])
    messages = set(asked(tables, DAILY)["message"])
    assert {
        "Treated, but DM names no actual arm.",
        "First tablet on 2025-01-01 is before randomisation.",
    } <= messages
