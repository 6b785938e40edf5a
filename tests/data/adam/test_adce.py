"""ADCE: which records are episodes, which of them count, and who had the condition before."""

import pandas as pd

from esld.data.adam import derive_adce, derive_adlb, derive_adsl
from esld.data.adam.adce import observed_days, prevalent_subjects
from tests.data.small_trial import PROTOCOL, event, lb, patient, rs, trial

CUTOFF = pd.Timestamp("2026-12-31")
RANDOMISED = pd.Timestamp("2025-01-10")


def day(n):
    return f"{RANDOMISED + pd.Timedelta(days=n):%Y-%m-%d}"


def bled(n, id="S"):
    term = "GASTROINTESTINAL BLEEDING"
    return event("CE", id, day(n), CEDECOD=term, CETERM=term)


def seen(n, id="S"):
    return lb(id, "ALT", "40", day(n))


def adce(tables):
    return derive_adce(tables, derive_adsl(tables, PROTOCOL, CUTOFF), PROTOCOL)


def days(frame, flag=None):
    return frame.loc[frame[flag].eq("Y") if flag else slice(None), "AVAL"].tolist()


def test_each_record_is_an_episode_and_a_day_counts_once():
    tables = trial(patient("S"), LB=[seen(300)], CE=[bled(90), bled(20), bled(90)])
    frame = adce(tables)
    assert frame["PARAMCD"].unique().tolist() == ["TTGIB"]
    assert days(frame) == days(frame, "ANL01FL") == [20, 90]
    assert days(frame, "AOCCFL") == [20]
    assert frame["SRCSEQ"].tolist() == ["2", "1"]


def test_what_counts_comes_after_randomisation_and_before_the_end_of_observation():
    ce = [bled(0), bled(20), bled(50), bled(51), bled(80)]
    grafted = trial(
        patient("S"), LB=[seen(300)], PR=[event("PR", "S", day(50), PRDECOD="LIVER TRANSPLANTATION")], CE=ce
    )
    frame = adce(grafted)
    assert days(frame) == [0, 20, 50, 51, 80]
    assert days(frame, "ANL01FL") == [20, 50]
    assert days(frame, "AOCCFL") == [20]


def test_the_first_that_counts_is_the_first():
    frame = adce(trial(patient("S"), LB=[seen(300)], CE=[bled(0), bled(60), bled(70)]))
    assert days(frame, "AOCCFL") == [60]


def test_each_patient_has_a_first_of_its_own_and_screening_failures_none():
    people = [patient("S"), patient("T", arm="MEDHIGH"), patient("F", randomised=None)]
    labs = [seen(300), seen(300, "T")]
    frame = adce(trial(*people, LB=labs, CE=[bled(60), bled(70), bled(30, "T"), bled(30, "F")]))
    assert frame.loc[frame["AOCCFL"].eq("Y"), ["USUBJID", "AVAL"]].to_numpy().tolist() == [
        ["S", 60],
        ["T", 30],
    ]
    assert frame["TRT01P"].unique().tolist() == ["Low dose", "Medium-high dose"]


def test_a_protocol_without_recurrent_endpoints_has_no_episodes():
    endpoints = tuple(e for e in PROTOCOL.endpoints if not e.recurrent)
    tables = trial(patient("S"))
    adsl = derive_adsl(tables, PROTOCOL, CUTOFF)
    frame = derive_adce(tables, adsl, PROTOCOL.model_copy(update={"endpoints": endpoints}))
    assert frame.empty
    assert "ANL01FL" in frame


def test_observation_ends_with_transplantation_death_or_last_contact():
    people = [patient("S", died=day(90)), patient("T"), patient("U"), patient("F", randomised=None)]
    people.append(patient("E", died=day(-285)))
    graft = event("PR", "T", day(40), PRDECOD="LIVER TRANSPLANTATION")
    tables = trial(*people, LB=[seen(200, "T"), seen(120, "U")], PR=[graft])
    ends = observed_days(derive_adsl(tables, PROTOCOL, CUTOFF))
    assert ends.to_dict() == {"S": 90, "T": 40, "U": 120, "E": 0}


def test_prevalent_is_who_has_the_grade_at_baseline():
    people = [patient(id) for id in "ABC"]
    grades = [rs(id, "ASCITES", grade, "2025-01-09") for id, grade in zip("ABC", "123", strict=True)]
    later = [rs("A", "ASCITES", "3", "2025-02-10")]
    tables = trial(*people, RS=grades + later)
    adlb = derive_adlb(tables, derive_adsl(tables, PROTOCOL, CUTOFF), PROTOCOL)
    assert prevalent_subjects(PROTOCOL.endpoint("TTASC"), adlb) == {"B", "C"}
    assert prevalent_subjects(PROTOCOL.endpoint("TTGIB"), adlb) == set()
