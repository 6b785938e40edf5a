"""Death: whichever form states it, it counts, and from the same day."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data import deaths, sdtm
from esld.data.adam import derive_adlb, derive_adsl, derive_adtte
from esld.data.contacts import signs_of_life
from esld.data.standard import standardise
from esld.errors import InputErrors
from tests.data.small_trial import PROTOCOL, ds, event, lb, patient, trial
from tests.examples import few

CUTOFF = pd.Timestamp("2026-12-31")


def ae(day, **stated):
    """An event that began long before it ended."""
    record = {"AETERM": "x", "AETOXGR": "4", "AESER": "Y", "AEENDTC": day}
    return "AE", event("AE", "S", "2025-03-01", **(record | stated))


# Every way of stating a death, with a date or without.
STATEMENTS = {
    "DM": lambda day: ("DM", {"DTHFL": "Y", "DTHDTC": day}),
    "DS": lambda day: ("DS", ds("S", "DEATH", day)),
    "AEOUT": lambda day: ae(day, AEOUT="FATAL"),
    "AESDTH": lambda day: ae(day, AESDTH="Y"),
    "AETOXGR": lambda day: ae(day, AETOXGR="5"),
    "AESEV": lambda day: ae(day, AESEV="FATAL"),
    "CESEV": lambda day: ("CE", event("CE", "S", "2025-03-01", CEDECOD="OTHER", CESEV="FATAL", CEENDTC=day)),
    "CETOXGR": lambda day: ("CE", event("CE", "S", "2025-03-01", CEDECOD="OTHER", CETOXGR="5", CEENDTC=day)),
    "CEOUT": lambda day: ("CE", event("CE", "S", "2025-03-01", CEDECOD="OTHER", CEOUT="FATAL", CEENDTC=day)),
}


def stated(dates: dict, **domains):
    """A patient whose death is stated in these ways on these days."""
    found = [STATEMENTS[way](day) for way, day in dates.items()]
    dm = {k: v for name, record in found if name == "DM" for k, v in record.items()}
    rows = {name: [record for form, record in found if form == name] for name in ("DS", "AE", "CE")}
    domains = {name: [*rows.get(name, []), *domains.get(name, [])] for name in {*rows, *domains}}
    return trial(patient("S", **dm), **{name: records for name, records in domains.items() if records})


def survival(tables):
    adsl = derive_adsl(tables, PROTOCOL, CUTOFF)
    adtte = derive_adtte(tables, adsl, derive_adlb(tables, adsl, PROTOCOL), PROTOCOL, CUTOFF)
    found = adtte[adtte["PARAMCD"].isin(["OS", "TFS", "TTASC"])].set_index("PARAMCD")
    return adsl.iloc[0], found


@few(8)
@given(ways=st.sets(st.sampled_from(sorted(STATEMENTS)), min_size=1), seen=st.integers(0, 200))
def test_whichever_forms_state_a_death_the_event_and_its_day_are_the_same(ways, seen):
    contact = f"{pd.Timestamp('2025-01-10') + pd.Timedelta(days=seen):%Y-%m-%d}"
    row, times = survival(stated(dict.fromkeys(ways, "2025-06-01"), LB=[lb("S", "ALT", "1", contact)]))
    assert (row["DTHFL"], row["DTHDT"]) == ("Y", pd.Timestamp("2025-06-01"))
    assert times["AVAL"].tolist() == [142, 142, 142]
    assert times["CNSR"].tolist() == [0, 0, 3]
    assert times["SRCDOM"].eq(row["DTHDOM"]).all()
    assert times["SRCVAR"].eq(row["DTHVAR"]).all()


@pytest.mark.parametrize(
    ("dates", "day", "form"),
    [
        ({"DM": "2025-06-03", "DS": "2025-06-01"}, "2025-06-01", "DS"),  # the earliest whole date
        ({"DM": "2025-05", "DS": "2025-06-01"}, "2025-06-01", "DS"),  # a whole date before a partial one
        ({"DM": "2025", "AESDTH": "2025-06"}, "2025-06-01", "AE"),  # of partial ones the more exact
        ({"DM": None, "DS": "2025-06-01"}, "2025-06-01", "DS"),  # no date of its own: that of another
        ({"AETOXGR": None, "DM": "2025-06-01"}, "2025-06-01", "DM"),  # and never the onset
    ],
)
def test_the_earliest_certain_date_counts(dates, day, form):
    row, _ = survival(stated(dates))
    assert (row["DTHDT"], row["DTHDOM"]) == (pd.Timestamp(day), form)


@pytest.mark.parametrize("way", [way for way in STATEMENTS if way != "DS"])
def test_a_death_that_nothing_dates_is_a_fault(way):
    tables = stated({way: None})
    assert deaths.undated(tables)["USUBJID"].tolist() == ["S"]
    (fault,) = [f for f in sdtm.find_faults(tables, PROTOCOL) if "dates the patient's death" in str(f)]
    assert str(fault).startswith({"DM": "DM.DTHDTC", "CE": "CE.CEENDTC"}.get(way[:2], "AE.AEENDTC"))
    assert not deaths.undated(stated({way: None, "DS": "2025-06-01"})).size


def test_nobody_died():
    tables = trial(patient("S"), AE=[ae("2025-05-01", AESDTH="N")[1]])
    assert deaths.statements(tables).empty
    assert deaths.died(tables).empty
    assert deaths.statements({}).empty


def ss(status, day="2025-06-01", seq="1"):
    return event("SS", "S", day, SSTESTCD="SURVSTAT", SSORRES=status) | {"SSDTC": day, "SSSEQ": seq}


DD = {"USUBJID": "S", "DDSEQ": "1", "DDTESTCD": "PRCDTH", "DDDTC": "2025-07-01"}


@pytest.mark.parametrize("domain", [{"SS": [ss("DEAD")]}, {"DD": [DD]}], ids=["SS", "DD"])
class TestAFormThatDatesNoDeath:
    """Subject status and death details are dated when somebody asked."""

    def test_it_is_a_death_from_the_day_that_another_form_gives(self, domain):
        tables = trial(patient("S", DTHDTC="2025-05-02"), **domain)
        assert deaths.died(tables).loc["S", "first"] == pd.Timestamp("2025-05-02")
        assert set(deaths.statements(tables)["form"]) == {"DM", *domain}

    def test_alone_it_is_a_fault_that_asks_for_the_day(self, domain):
        with pytest.raises(
            InputErrors, match="must be given where no other record dates the patient's death"
        ):
            sdtm.validate(trial(patient("S"), **domain), PROTOCOL)


def test_a_status_is_a_sign_of_life_where_it_says_so():
    tables = trial(
        patient("S"),
        SS=[ss("ALIVE", "2025-08-01"), ss("UNKNOWN", "2025-09-01", "2"), ss("DEAD", "2026-01-01", "3")],
    )
    own = signs_of_life(tables)
    assert own.loc[own["domain"].eq("SS"), "day"].tolist() == [pd.Timestamp("2025-08-01")]


@pytest.mark.parametrize(("flag", "sound"), [("Y", True), (None, True), ("N", False)])
def test_a_date_is_enough_unless_the_flag_denies_it(flag, sound):
    found = sdtm.find_faults(trial(patient("S", DTHFL=flag, DTHDTC="2025-06-01")), PROTOCOL)
    assert ["DM.DTHFL must be no N" in str(fault) for fault in found] == [True] * (not sound)


@pytest.mark.parametrize(
    ("variable", "word"), [("CEOUT", "Died"), ("CESEV", "fatal"), ("CETOXGR", "Grade V")]
)
def test_a_fatal_clinical_event_in_any_spelling(variable, word):
    record = event("CE", "S", "2025-03-01", CEDECOD="OTHER", CEENDTC="2025-05-02") | {variable: word}
    made = standardise(trial(patient("S"), CE=[record]), PROTOCOL)
    assert deaths.died(made.tables).loc["S", "first"] == pd.Timestamp("2025-05-02")
