"""ADAE: what is treatment-emergent, partial dates, first occurrences, and the infusion before an event."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data.adam import derive_adsl
from esld.data.adam.adae import derive_adae
from tests.data.small_trial import PROTOCOL, event, lb, patient, trial
from tests.examples import few

CUTOFF = pd.Timestamp("2026-12-31")
INFUSED = ("2025-01-11", "2025-02-08", "2025-03-08")


def ae(start, *, id="S", end=None, term="Pyrexia", **others):
    record = {"AETERM": term, "AEDECOD": term, "AETOXGR": "1", "AESER": "N", "AEREL": "RELATED"}
    return event("AE", id, start, AEENDTC=end, **(record | others))


def adae(*events, people=None, protocol=PROTOCOL):
    tables = trial(*(people or [patient("S", infused=INFUSED)]), AE=list(events))
    return derive_adae(tables, derive_adsl(tables, protocol, CUTOFF), protocol)


def only(*events, **more):
    frame = adae(*events, **more)
    assert len(frame) == 1
    return frame.iloc[0]


def day(text):
    return pd.Timestamp(text)


@pytest.mark.parametrize(
    ("start", "emergent", "study_day"),
    [("2025-01-10", None, -1), ("2025-01-11", "Y", 1), ("2025-01-12", "Y", 2), ("2026-11-30", "Y", 689)],
)
def test_emergent_is_what_begins_on_or_after_the_first_infusion(start, emergent, study_day):
    row = only(ae(start))
    assert (row["TRTEMFL"], row["ASTDY"], row["ASTDT"]) == (emergent, study_day, day(start))


@pytest.mark.parametrize(
    ("start", "end", "onset", "filled", "emergent"),
    [
        ("2025-01", None, "2025-01-11", "D", "Y"),  # can have begun under treatment
        ("2025-01", "2025-01-10", "2025-01-01", "D", None),  # had ended before it
        ("2025-01", "2025-01", "2025-01-11", "D", "Y"),  # cannot be shown to have ended before it
        ("2025-02", None, "2025-02-01", "D", "Y"),
        ("2024-12", None, "2024-12-01", "D", None),
        ("2025", None, "2025-01-11", "M", "Y"),
        ("2024", None, "2024-01-01", "M", None),
        ("2025---15", None, "2025-01-15", "M", "Y"),  # year and day: the month is the highest unit
        ("2024---15", None, "2024-01-15", "M", None),
        ("2025-02-03/2025-02-09", None, "2025-02-03", "D", "Y"),
        ("2025-02/2025-04", None, "2025-02-01", "M", "Y"),
        ("2023-12-30/2024-01-02", None, "2023-12-30", "Y", None),
    ],
)
def test_a_partial_onset_is_the_first_day_possible_under_treatment(start, end, onset, filled, emergent):
    row = only(ae(start, end=end))
    assert (row["ASTDT"], row["ASTDTF"], row["TRTEMFL"]) == (day(onset), filled, emergent)
    assert pd.isna(row["LDOSENUM"])
    assert row["CRIT1FL"] is None


def test_a_whole_onset_is_not_filled_in():
    for whole in ("2025-01-12", "2025-01-12T10:30", "2025-01-12T-:30", "2025-01-12/2025-01-12"):
        assert pd.isna(only(ae(whole))["ASTDTF"])


def test_nothing_is_filled_in_where_the_year_is_not_known():
    row = only(ae("--01-15"))
    assert pd.isna(row["ASTDT"]) and pd.isna(row["ASTDTF"])


def test_a_partial_end_is_its_last_day_but_none_after_the_death():
    dead = patient("S", infused=INFUSED, died="2025-04-12")
    assert only(ae("2025-01-12", end="2025-04"), people=[dead])["AENDT"] == day("2025-04-12")
    assert only(ae("2025-01-12", end="2025-04"))["AENDT"] == day("2025-04-30")
    assert pd.isna(only(ae("2025-01-12"))["AENDT"])


@pytest.mark.parametrize(
    ("initial", "worst", "end", "emergent"),
    [
        ("1", "3", None, "Y"), ("3", "3", None, None), ("1", "3", "2025-01-10", None), ("1", None, None, None),
        (None, "3", None, None),
    ],
)  # fmt: skip
def test_an_event_that_worsens_under_treatment_is_emergent(initial, worst, end, emergent):
    row = only(ae("2025-01-02", end=end, AETOXGR=worst, AEITOXGR=initial))
    assert row["TRTEMFL"] == emergent
    assert row["ASTDT"] == day("2025-01-02")


def test_who_was_never_infused_has_no_emergent_event_and_a_study_day_from_randomisation():
    row = only(ae("2025-01-15", AEITOXGR="1", AETOXGR="3"), people=[patient("S", infused=())])
    assert (row["TRTEMFL"], row["ASTDY"], row["TRT01P"]) == (None, 6, "Low dose")
    assert pd.isna(row["TRT01A"])
    assert pd.isna(row["LDOSENUM"])


def test_screening_failures_have_no_rows():
    people = [patient("S", infused=INFUSED), patient("F", randomised=None)]
    assert adae(ae("2025-01-12"), ae("2025-01-12", id="F"), people=people)["USUBJID"].tolist() == ["S"]


def test_the_arm_is_planned_and_received():
    row = only(ae("2025-01-12"), people=[patient("S", infused=INFUSED, ACTARMCD="MEDHIGH")])
    assert (row["TRT01P"], row["TRT01A"], row["TRT01PN"], row["TRT01AN"]) == (
        "Low dose",
        "Medium-high dose",
        1,
        2,
    )


def test_first_occurrences_are_among_emergent_events_in_order_of_time():
    frame = adae(
        ae("2025-03-01", term="Chills"), ae("2025-02-01"), ae("2025-01-02"), ae("2025-02-01", term="Rash"), ae("2025-04-01"),
    )  # fmt: skip
    got = frame[["ASTDT", "AEDECOD", "AOCCFL", "AOCCPFL"]].astype(str).to_numpy().tolist()
    assert got == [
        ["2025-01-02", "Pyrexia", "None", "None"],
        ["2025-02-01", "Pyrexia", "Y", "Y"],
        ["2025-02-01", "Rash", "None", "Y"],
        ["2025-03-01", "Chills", "None", "Y"],
        ["2025-04-01", "Pyrexia", "None", "None"],
    ]
    assert frame["SRCSEQ"].tolist() == ["3", "2", "4", "1", "5"]


def test_terms_that_are_not_coded_are_told_apart_by_their_verbatim():
    frame = adae(
        ae("2025-02-01", AEDECOD=None, term="a"), ae("2025-02-02", AEDECOD=None, term="b"),
        ae("2025-02-03", AEDECOD=None, term="a"),
    )  # fmt: skip
    assert frame["AOCCPFL"].tolist() == ["Y", "Y", None]


@pytest.mark.parametrize(
    ("onset", "number", "days", "soon"),
    [
        ("2025-01-11", 1, 0, "Y"), ("2025-01-12", 1, 1, "Y"), ("2025-01-13", 1, 2, None), ("2025-02-07", 1, 27, None),
        ("2025-02-08", 2, 0, "Y"), ("2025-02-09", 2, 1, "Y"), ("2025-06-01", 3, 85, None),
    ],
)  # fmt: skip
def test_without_minutes_the_day_of_an_infusion_and_the_next_are_within_24_hours(onset, number, days, soon):
    row = only(ae(onset))
    assert (row["LDOSENUM"], row["LDOSEDY"], row["CRIT1FL"]) == (number, days, soon)
    assert row["LDOSEDT"] == day(INFUSED[number - 1])
    assert pd.isna(row["LDOSEHR"])


@pytest.mark.parametrize(
    ("onset", "number", "hours", "soon"),
    [
        ("2025-02-08T10:30", 2, 0.5, "Y"),
        ("2025-02-09T10:00", 2, 24.0, "Y"),
        ("2025-02-09T10:01", 2, 24 + 1 / 60, None),  # the next day, and yet later than 24 hours
        ("2025-02-08T09:59", 1, 28 * 24 - 1 / 60, None),  # before the infusion of its day
        ("2025-02-08T10", 2, None, "Y"),  # no minute: the day decides
        ("2025-02-08T09:00Z", 2, None, "Y"),  # another clock: the day decides
    ],
)
def test_with_minutes_hours_decide(onset, number, hours, soon):
    timed = patient("S", infused=("2025-01-11T10:00", "2025-02-08T10:00"))
    row = only(ae(onset), people=[timed])
    assert (row["LDOSENUM"], row["CRIT1FL"]) == (number, soon)
    assert row["LDOSEHR"] == pytest.approx(hours) if hours is not None else pd.isna(row["LDOSEHR"])


def test_one_clock_with_two_zones():
    people = [patient("S", infused=("2025-02-08T10:00+08:00",))]
    assert only(ae("2025-02-08T03:00Z"), people=people)["LDOSEHR"] == pytest.approx(1)


def test_an_event_before_any_infusion_has_none_before_it():
    row = only(ae("2025-01-10"))
    assert pd.isna(row["LDOSENUM"])
    assert row["CRIT1FL"] is None


@pytest.mark.parametrize(
    ("stated", "meant"),
    [
        ("RELATED", "RELATED"), ("POSSIBLY RELATED", "RELATED"), ("NOT RELATED", "NOT RELATED"),
        ("UNLIKELY RELATED", "NOT RELATED"), (None, "RELATED"),
    ],
)  # fmt: skip
def test_relation_that_is_not_stated_counts_as_related(stated, meant):
    first, _ = adae(ae("2025-01-12", AEREL=stated), ae("2025-01-13", AEREL="RELATED"))["AREL"]
    assert first == meant


def test_where_no_relation_is_stated_none_was_collected():
    assert adae(ae("2025-01-12", AEREL=None), ae("2025-01-13", AEREL=None))["AREL"].isna().all()


def test_what_the_export_lacks_is_missing():
    record = ae("2025-01-12")
    del record["AEREL"]
    row = only(record)
    assert row[["AREL", "AEREL", "AEBODSYS", "AEACN"]].isna().all()


def test_a_trial_without_adverse_events_or_infusions():
    tables = trial(patient("S", infused=()), LB=[lb("S", "ALT", "40", "2025-02-01")])
    adsl = derive_adsl(tables, PROTOCOL, CUTOFF)
    empty = derive_adae(tables, adsl, PROTOCOL)
    del tables["AE"], tables["EX"]
    without = derive_adae(tables, adsl, PROTOCOL)
    assert len(empty) == len(without) == 0
    assert list(empty) == list(without)


def test_tables_are_not_modified():
    tables = trial(patient("S", infused=INFUSED), AE=[ae("2025-03"), ae("2025-01-12")])
    adsl = derive_adsl(tables, PROTOCOL, CUTOFF)
    before = {name: table.copy() for name, table in tables.items()}, adsl.copy()
    derive_adae(tables, adsl, PROTOCOL)
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, before[0][name])
    pd.testing.assert_frame_equal(adsl, before[1])


EVENTS = [
    ae("2025-01", term="Rash"), ae("2025-01-12"), ae("2025-02-08", term="Chills"), ae("2025-02-08"), ae("2025-06-01"), ae("2024"),
]  # fmt: skip


@few(10)
@given(order=st.permutations(range(len(EVENTS))))
def test_the_order_of_the_export_does_not_matter(order):
    numbered = [{**record, "AESEQ": str(place)} for place, record in enumerate(EVENTS)]
    pd.testing.assert_frame_equal(adae(*numbered), adae(*(numbered[place] for place in order)))


@few(20)
@given(moved=st.integers(min_value=-400, max_value=400), onset=st.integers(min_value=-30, max_value=90))
def test_moving_every_date_moves_nothing_else(moved, onset):
    """An onset before randomisation counts from day 1 as well."""

    def at(days):
        first = pd.Timestamp("2025-01-11") + pd.Timedelta(days=moved)
        return f"{first + pd.Timedelta(days=days):%Y-%m-%d}"

    here = patient("S", consent=at(-60), randomised=at(-1), infused=(at(0), at(28), at(56)))
    row = only(ae(at(onset)), people=[here])
    number = sum(onset >= start for start in (0, 28, 56))
    assert row["TRTEMFL"] == ("Y" if onset >= 0 else None)
    assert row["ASTDY"] == onset + (onset >= 0)
    assert (row["LDOSENUM"] == number) if number else pd.isna(row["LDOSENUM"])
    assert row["CRIT1FL"] == ("Y" if onset in (0, 1, 28, 29, 56, 57) else None)


def test_without_a_record_of_what_was_given_randomisation_begins_what_is_counted():
    """Randomised on 10 January 2025."""
    tables = trial(
        patient("S"), AE=[ae("2025-01-09"), ae("2025-01-10"), ae("2025-01", end="2025-01-09"), ae("2025-01")]
    )
    del tables["EX"]
    frame = derive_adae(tables, derive_adsl(tables, PROTOCOL, CUTOFF), PROTOCOL)
    assert frame.sort_values("AESEQ")["TRTEMFL"].eq("Y").tolist() == [False, True, False, True]
    assert frame["CRIT1FL"].isna().all()
    with_records = adae(ae("2025-01-10"), people=[patient("S", infused=())])
    assert with_records["TRTEMFL"].isna().all()
