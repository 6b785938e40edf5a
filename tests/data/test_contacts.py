"""Signs of life: whichever variable dates the last one, follow-up reaches to it."""

import pandas as pd
import pytest

from esld.data import contacts
from esld.data.adam import derive_adlb, derive_adsl, derive_adtte
from esld.data.cut import apply_cut
from esld.data.sdtm import DOMAINS, date_columns
from tests.data.small_trial import PROTOCOL, ds, event, patient, table, trial

CUTOFF = pd.Timestamp("2025-12-31")
LATE, EARLY = "2025-09-09", "2025-02-01"
OF_DM = ("RFICDTC", "RFSTDTC", "RFXSTDTC", "RFXENDTC", "RFENDTC", "RFPENDTC")
PLACES = [
    *(("DM", variable) for variable in OF_DM),
    *(
        (name, v)
        for name, d in DOMAINS.items()
        if name not in (*contacts._NO_CONTACT, "DM")
        for v in date_columns(d)
    ),
]


def seen(name, variable, day, id="S", **dm):
    """A patient of whom one record carries that day in one variable, and an earlier one in those before it."""
    if name == "DM":
        return trial(patient(id, **(dm | {variable: day})))
    domain = DOMAINS[name]
    record = {"USUBJID": id, domain.sequence: "99", domain.date: EARLY, variable: day}
    if name == "DS":
        record |= {"DSDECOD": "OTHER", "DSCAT": "OTHER EVENT"}
    if name == "SS":
        record |= {"SSTESTCD": "SURVSTAT", "SSORRES": "ALIVE"}
    tables = trial(patient(id, **dm))
    rows = [*tables[name].to_dict("records"), record] if name in tables else [record]
    return tables | {name: table(name, rows)}


def test_the_last_contact_may_be_any_date_of_any_record():
    """A patient for every date variable of every domain, whose last sign of life is in it."""
    tables: dict = {}
    for name, variable in PLACES:
        for form, own in seen(name, variable, LATE, id=f"{name}.{variable}").items():
            tables[form] = pd.concat([tables[form], own], ignore_index=True) if form in tables else own
    cut, _ = apply_cut(tables, CUTOFF, CUTOFF + pd.Timedelta(days=30))
    adsl = derive_adsl(cut, PROTOCOL, CUTOFF)
    times = derive_adtte(cut, adsl, derive_adlb(cut, adsl, PROTOCOL), PROTOCOL, CUTOFF)
    times = times[times["PARAMCD"].eq("OS")].set_index("USUBJID")
    for name, variable in PLACES:
        if variable == "RFXENDTC":  # made again from EX by a cut before the snapshot
            continue
        end = times.loc[f"{name}.{variable}"]
        assert (end["ADT"], end["SRCDOM"], end["SRCVAR"]) == (pd.Timestamp(LATE), name, variable)
        assert end["SRCSEQ"] == ("99" if name != "DM" else None)


@pytest.mark.parametrize(("name", "variable"), [("SV", "SVENDTC"), ("DM", "RFENDTC"), ("AE", "AEENDTC")])
def test_what_lies_after_the_cut_off_was_not_known(name, variable):
    cut, _ = apply_cut(seen(name, variable, "2026-01-01"), CUTOFF, pd.Timestamp("2026-02-01"))
    assert contacts.signs_of_life(cut)["day"].max() <= CUTOFF


@pytest.mark.parametrize(
    ("name", "variable", "last"),
    [
        ("DM", "RFENDTC", "2025-01-11"), ("DM", "RFPENDTC", "2025-01-11"), ("CM", "CMENDTC", EARLY), ("LB", "LBDTC", LATE),
        ("CM", "CMSTDTC", LATE),
    ],
)  # fmt: skip
def test_an_end_on_the_day_of_death_may_be_the_death(name, variable, last):
    tables = seen(name, variable, LATE, DTHFL="Y", DTHDTC=LATE)
    assert contacts.last_contact(tables).loc["S", "day"] == pd.Timestamp(last)


def test_the_end_of_participation_bounds_a_partial_date_of_death():
    tables = seen("DM", "RFENDTC", "2025-09-09", DTHFL="Y", DTHDTC="2025-09")
    assert derive_adsl(tables, PROTOCOL, CUTOFF).loc[0, "DTHDT"] == pd.Timestamp("2025-09-09")


def test_a_statement_of_death_is_no_sign_of_life_and_a_planned_end_no_date():
    tables = trial(
        patient("S"), DS=[ds("S", "DEATH", "2025-06-01")], AE=[event("AE", "S", EARLY, AEENRTPT="ONGOING")]
    )
    assert contacts.last_contact(tables).loc["S", "day"] == pd.Timestamp(EARLY)


def test_visits_are_read_as_a_domain():
    tables = trial(patient("S")) | {
        "SV": table("SV", [{"USUBJID": "S", "VISITNUM": "4", "SVSTDTC": "2025-05-01"}])
    }
    row = contacts.last_contact(tables).loc["S"]
    assert (row["domain"], row["variable"], row["seq"]) == ("SV", "SVSTDTC", "4")
