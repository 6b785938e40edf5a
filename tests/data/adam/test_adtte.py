"""ADTTE: how long, until what, and which record says so."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data.adam import derive_adlb, derive_adsl, derive_adtte
from esld.data.sdtm import Tables
from esld.protocol import Protocol, Source
from tests.data.small_trial import PROTOCOL, ds, event, lb, patient, trial
from tests.examples import few

RANDOMISED = pd.Timestamp("2025-01-10")
LAST = "Last day known alive"
NO_GRADES = pd.DataFrame(columns=["USUBJID", "PARAMCD", "ABLFL", "AVAL"])


def day(n: int) -> str:
    """Date of n days after randomisation."""
    return f"{RANDOMISED + pd.Timedelta(days=n):%Y-%m-%d}"


def adtte(tables: Tables, protocol: Protocol = PROTOCOL, cutoff: str = "2026-12-31") -> pd.DataFrame:
    last = pd.Timestamp(cutoff)
    adsl = derive_adsl(tables, protocol, last)
    adlb = derive_adlb(tables, adsl, protocol) if len(tables.get("RS", ())) else NO_GRADES
    return derive_adtte(tables, adsl, adlb, protocol, last)


def row(paramcd: str, tables: Tables, protocol: Protocol = PROTOCOL, **options: str) -> dict:
    frame = adtte(tables, protocol, **options)
    (found,) = frame[frame["PARAMCD"].eq(paramcd) & frame["USUBJID"].eq("S")].to_dict("records")
    return found


def facts(found: dict) -> tuple:
    """Days, censoring and the source, as a reader looks at them."""
    source = [found[c] if pd.notna(found[c]) else None for c in ("SRCDOM", "SRCVAR", "SRCSEQ")]
    words = found["EVNTDESC"] if found["CNSR"] == 0 else found["CNSDTDSC"]
    return (found["AVAL"], found["CNSR"], words, *source)


def transplant(when: str) -> dict:
    return event("PR", "S", when, PRDECOD="LIVER TRANSPLANTATION")


def visits(*days: int) -> list[dict]:
    return [lb("S", "ALT", "1", day(n)) for n in days]


def censored_at_transplant() -> Protocol:
    """Overall survival as the Mayo trial has it."""
    source = Source(
        domain="PR", date="PRSTDTC", where={"PRDECOD": "LIVER TRANSPLANTATION"}, description="Transplantation"
    )
    endpoint = PROTOCOL.endpoint("OS").model_copy(update={"censors": (source,)})
    return PROTOCOL.model_copy(update={"endpoints": (endpoint,)})


class TestRows:
    def test_one_row_a_randomised_subject_and_endpoint_with_its_companion(self):
        frame = adtte(trial(patient("A"), patient("B", arm="MEDHIGH"), patient("F", randomised=None)))
        codes = ["OS", "TFS", "TTGIB", "TTASC", "TTHE"]
        assert frame["PARAMCD"].unique().tolist() == [c + suffix for c in codes for suffix in ("", "CUT")]
        assert frame.groupby("PARAMCD")["USUBJID"].agg(list).map(tuple).unique().tolist() == [("A", "B")]
        assert frame.drop_duplicates("USUBJID")["TRT01P"].tolist() == ["Low dose", "Medium-high dose"]
        assert frame["STARTDT"].unique().tolist() == [RANDOMISED]

    def test_time_is_elapsed_days_from_randomisation(self):
        died = {f"S-{n}": n for n in (0, 1, 2, 31, 365, 366, 700)}
        frame = adtte(trial(*(patient(id, died=day(n), infused=()) for id, n in died.items())))
        survival = frame[frame["PARAMCD"].eq("OS")].set_index("USUBJID")
        assert survival["AVAL"].to_dict() == died
        assert (survival["ADT"] - survival["STARTDT"]).dt.days.to_dict() == died

    def test_the_tables_are_not_modified(self):
        tables = trial(patient("S", died=day(9)), PR=[transplant(day(5))], LB=visits(3))
        before = {name: table.copy(deep=True) for name, table in tables.items()}
        adtte(tables)
        for name, table in tables.items():
            pd.testing.assert_frame_equal(table, before[name])


class TestEvents:
    def test_a_death_and_the_form_that_says_so(self):
        tables = trial(patient("S", died=day(100)), LB=visits(50))
        assert facts(row("OS", tables)) == (100, 0, "Death (demographics)", "DM", "DTHDTC", None)

    @pytest.mark.parametrize(
        ("domains", "expected"),
        [
            ({"DS": [ds("S", "DEATH", day(100))]}, ("Death (disposition)", "DS", "DSSTDTC", "3")),
            (
                {"AE": [event("AE", "S", day(90), AETERM="x", AEOUT="FATAL", AEENDTC=day(100))]},
                ("Death (fatal adverse event)", "AE", "AEENDTC", "1"),
            ),
        ],
    )
    def test_a_death_that_only_another_form_states(self, domains, expected):
        assert facts(row("OS", trial(patient("S"), **domains))) == (100, 0, *expected)

    def test_the_earliest_of_several_sources_counts(self):
        tables = trial(patient("S", died=day(100)), DS=[])
        tables["DS"].loc[tables["DS"]["DSDECOD"].eq("DEATH"), "DSSTDTC"] = day(99)
        assert facts(row("OS", tables))[:3] == (99, 0, "Death (disposition)")

    def test_on_one_day_the_first_form_is_named(self):
        fatal = event("AE", "S", day(90), AETERM="x", AEOUT="FATAL", AEENDTC=day(100))
        tables = trial(patient("S", died=day(100)), AE=[fatal])
        assert facts(row("OS", tables))[2:] == ("Death (demographics)", "DM", "DTHDTC", None)

    def test_other_outcomes_and_dispositions_are_no_deaths(self):
        ended = event("AE", "S", day(1), AETERM="x", AEOUT="RECOVERED/RESOLVED", AEENDTC=day(5))
        found = row("OS", trial(patient("S"), AE=[ended], DS=[ds("S", "COMPLETED", day(400))]))
        assert facts(found) == (400, 1, LAST, "DS", "DSSTDTC", "3")

    def test_an_event_counts_whatever_is_dated_after_it(self):
        # a death on day 100 and a visit on day 120 contradict each other: a query, and the event stands
        assert facts(row("OS", trial(patient("S", died=day(100)), LB=visits(120))))[:2] == (100, 0)

    def test_an_event_before_randomisation_counts_on_its_day(self):
        assert facts(row("OS", trial(patient("S", died=day(-3)))))[:2] == (0, 0)
        assert facts(row("TFS", trial(patient("S"), PR=[transplant("2024-12")])))[:2] == (0, 0)


class TestTransplant:
    def test_survival_goes_on_after_it(self):
        tables = trial(patient("S", died=day(200)), PR=[transplant(day(100))])
        assert facts(row("OS", tables))[:2] == (200, 0)
        assert facts(row("TFS", tables)) == (100, 0, "Liver transplantation", "PR", "PRSTDTC", "1")

    def test_other_procedures_are_none(self):
        tables = trial(patient("S"), PR=[event("PR", "S", day(100), PRDECOD="PARACENTESIS")])
        assert facts(row("TFS", tables)) == (100, 1, LAST, "PR", "PRSTDTC", "1")

    def test_a_death_on_the_day_of_the_transplant_is_named_first(self):
        tables = trial(patient("S", died=day(100)), PR=[transplant(day(100))])
        assert facts(row("TFS", tables))[:3] == (100, 0, "Death (demographics)")


class TestCensoring:
    def test_the_last_contact_and_its_record(self):
        assert facts(row("OS", trial(patient("S"), LB=visits(30, 90)))) == (90, 1, LAST, "LB", "LBDTC", "2")

    def test_a_censoring_source_ends_the_time(self):
        tables = trial(patient("S"), PR=[transplant(day(100))], LB=visits(200))
        expected = (100, 2, "Transplantation", "PR", "PRSTDTC", "1")
        assert facts(row("OS", tables, censored_at_transplant())) == expected

    def test_the_first_of_several_censoring_records(self):
        tables = trial(patient("S"), PR=[transplant(day(150)), transplant(day(100))])
        assert facts(row("OS", tables, censored_at_transplant()))[0] == 100

    @pytest.mark.parametrize(("died", "expected"), [(99, (99, 0)), (100, (100, 0)), (101, (100, 2))])
    def test_of_event_and_censoring_the_earlier_and_on_one_day_the_event(self, died, expected):
        tables = trial(patient("S", died=day(died)), PR=[transplant(day(100))])
        assert facts(row("OS", tables, censored_at_transplant()))[:2] == expected


class TestCompanion:
    def test_who_is_not_known_dead_is_followed_to_the_cut_off(self):
        tables = trial(patient("S"), LB=visits(90))
        found = row("OSCUT", tables, cutoff=day(300))
        words = "Not known to have had the event: followed to the cut-off"
        assert facts(found) == (300, 1, words, None, None, None)
        assert found["PARAM"] == "Overall survival, censored at the cut-off (sensitivity)"
        assert facts(row("OS", tables, cutoff=day(300)))[0] == 90

    @pytest.mark.parametrize(
        ("paramcd", "protocol", "died"),
        [("OSCUT", PROTOCOL, 120), ("TFSCUT", PROTOCOL, None), ("OSCUT", censored_at_transplant(), None)],
    )
    def test_events_and_censoring_sources_are_the_same_in_it(self, paramcd, protocol, died):
        tables = trial(patient("S", died=day(died) if died else None), PR=[transplant(day(100))])
        main, companion = (row(p, tables, protocol) for p in (paramcd.removesuffix("CUT"), paramcd))
        assert facts(main) == facts(companion)
        assert main["CNSR"] != 1


class TestPartialDates:
    # last seen alive on day 50, which is 2025-03-01
    @pytest.mark.parametrize(
        ("written", "days"),
        [
            ("2025-05", 111),  # first day of May
            ("2025-03", 50),  # not before the patient was last seen
            ("2025", 50),
            ("2026", 356),
        ],
    )
    def test_a_death_is_not_before_the_patient_was_last_seen_alive(self, written, days):
        assert facts(row("OS", trial(patient("S", died=written), LB=visits(50))))[:2] == (days, 0)

    def test_what_lies_after_it_moves_no_death(self):
        # disposition says February; a visit on the first of March contradicts it and is no sign of life
        tables = trial(patient("S"), DS=[ds("S", "DEATH", "2025-02")], LB=visits(50))
        assert facts(row("OS", tables))[:3] == (22, 0, "Death (disposition)")

    @pytest.mark.parametrize(("written", "days"), [("2025-02", 22), ("2025-01", 0), ("2025", 0)])
    def test_a_transplant_is_on_its_first_possible_day_after_randomisation(self, written, days):
        # seen long after it: a transplant does not end life
        tables = trial(patient("S"), PR=[transplant(written)], LB=visits(300))
        assert facts(row("TFS", tables))[:2] == (days, 0)

    def test_an_undated_event_is_none(self):
        tables = trial(patient("S"), AE=[event("AE", "S", day(90), AETERM="x", AEOUT="FATAL")], LB=visits(95))
        assert facts(row("OS", tables))[:2] == (95, 1)


DAYS = st.integers(0, 500)
COURSES = st.tuples(DAYS, st.one_of(st.none(), DAYS), st.one_of(st.none(), DAYS))


@few(10)  # ten patients each
@given(st.lists(COURSES, min_size=10, max_size=10), st.integers(500, 700))
def test_times_and_censoring_by_hand(courses, cutoff):
    people, seen_alive, transplants = [], [], []
    expected = {}
    for number, (last, death, transplanted) in enumerate(courses):
        id = f"S-{number}"
        died = None if death is None else max(death, last)  # nobody is seen after death
        people.append(patient(id, infused=(), died=None if died is None else day(died)))
        seen_alive.append(lb(id, "ALT", "1", day(last)))
        contacts = [last]
        if transplanted is not None:
            transplants.append(transplant(day(transplanted)) | {"USUBJID": id})
            contacts += [transplanted] if died is None or transplanted <= died else []
        events = [t for t in (died, transplanted) if t is not None]
        expected[id, "OS"] = (max(contacts), 1) if died is None else (died, 0)
        expected[id, "OSCUT"] = (cutoff, 1) if died is None else (died, 0)
        expected[id, "TFS"] = (min(events), 0) if events else (max(contacts), 1)
        expected[id, "TFSCUT"] = (min(events), 0) if events else (cutoff, 1)
        expected[id, "TTGIB"] = (min(events), 3) if events else (max(contacts), 1)
    frame = adtte(trial(*people, LB=seen_alive, PR=transplants), cutoff=day(cutoff))
    got = {(r.USUBJID, r.PARAMCD): (r.AVAL, r.CNSR) for r in frame.itertuples()}
    assert {key: got[key] for key in expected} == expected


def bled(n: int) -> dict:
    term = "GASTROINTESTINAL BLEEDING"
    return event("CE", "S", day(n), CEDECOD=term, CETERM=term)


class TestCompetingEvents:
    """TTGIB: bleeding, with death and transplantation competing."""

    def test_the_event_ends_the_time(self):
        found = row("TTGIB", trial(patient("S", died=day(90)), CE=[bled(40), bled(20)]))
        assert (found["AVAL"], found["CNSR"], found["EVTYPE"]) == (20, 0, "EVENT")
        assert (found["SRCDOM"], found["SRCSEQ"]) == ("CE", "2")

    @pytest.mark.parametrize("late", [True, False])
    def test_death_or_transplantation_before_it_competes(self, late):
        ce = [bled(200)] if late else []
        died = row("TTGIB", trial(patient("S", died=day(90)), CE=ce))
        assert (died["AVAL"], died["CNSR"], died["EVTYPE"]) == (90, 3, "COMPETING")
        assert died["EVNTDESC"] == died["CNSDTDSC"] == "Death (demographics)"
        grafted = row("TTGIB", trial(patient("S", died=day(90)), PR=[transplant(day(50))], CE=ce))
        assert (grafted["AVAL"], grafted["CNSR"], grafted["EVNTDESC"]) == (50, 3, "Liver transplantation")

    def test_on_one_day_the_event_goes_first(self):
        found = row("TTGIB", trial(patient("S", died=day(90)), CE=[bled(90)]))
        assert (found["AVAL"], found["CNSR"], found["EVTYPE"]) == (90, 0, "EVENT")

    def test_without_either_follow_up_ends_it(self):
        tables = trial(patient("S"), LB=visits(120))
        found = row("TTGIB", tables)
        assert facts(found)[:3] == (120, 1, LAST)
        assert found["EVTYPE"] is None
        assert found["EVNTDESC"] is None
        companion = row("TTGIBCUT", tables, cutoff="2025-12-31")
        assert companion["AVAL"] == (pd.Timestamp("2025-12-31") - RANDOMISED).days

    def test_a_censoring_source_before_both_ends_it(self):
        source = Source(domain="PR", date="PRSTDTC", where={"PRDECOD": "TIPS"}, description="Shunt")
        endpoint = PROTOCOL.endpoint("TTGIB").model_copy(update={"censors": (source,)})
        protocol = PROTOCOL.model_copy(update={"endpoints": (endpoint,)})
        shunt = event("PR", "S", day(30), PRDECOD="TIPS")
        found = row("TTGIB", trial(patient("S", died=day(90)), PR=[shunt], CE=[bled(40)]), protocol)
        assert (found["AVAL"], found["CNSR"], found["CNSDTDSC"]) == (30, 2, "Shunt")
        assert found["EVTYPE"] is None

    def test_an_event_after_the_competing_one_does_not_come_back_through_a_later_censoring(self):
        source = Source(domain="PR", date="PRSTDTC", where={"PRDECOD": "TIPS"}, description="Shunt")
        endpoint = PROTOCOL.endpoint("TTGIB").model_copy(update={"censors": (source,)})
        protocol = PROTOCOL.model_copy(update={"endpoints": (endpoint,)})
        procedures = [transplant(day(20)), event("PR", "S", day(80), PRDECOD="TIPS")]
        found = row("TTGIB", trial(patient("S"), PR=procedures, CE=[bled(50)], LB=visits(120)), protocol)
        assert (found["AVAL"], found["CNSR"]) == (20, 3)
