"""Patients who are screened again under the same id: no false end, no false query, the last value before day 1 is baseline."""

import pandas as pd
import pytest

from esld.data.adam import derive_adlb, derive_adsl
from esld.data.cut import apply_cut, consent_days
from esld.data.screening import first_consent, of_earlier_screening
from tests.data.queries.asking import asked
from tests.data.small_trial import ds, lb, patient, trial, with_parameters

ALT = with_parameters("ALT")
CUTOFF = pd.Timestamp("2026-12-31")


def consent(id: str, day: str) -> dict:
    return {
        "USUBJID": id, "DSDECOD": "INFORMED CONSENT OBTAINED", "DSCAT": "PROTOCOL MILESTONE", "DSSTDTC": day
    }  # fmt: skip


def rescreened(*ends: dict, first: str = "2024-09-01", **dm: str):
    """A patient who failed a first screening in September and was randomised in January, seen until February."""
    failed = [consent("S", first), ds("S", "SCREEN FAILURE", "2024-09-20"), *ends]
    unmet = {"USUBJID": "S", "IETESTCD": "IN02", "IECAT": "INCLUSION", "IEORRES": "N", "IEDTC": "2024-09-19"}
    values = (("2024-09-02", "SCREENING"), ("2025-01-03", "SCREENING 2"), ("2025-01-09", "RE-SCREENING"))
    own = [lb("S", "ALT", str(30 + n), day, VISIT=visit) for n, (day, visit) in enumerate(values)]
    after = lb("S", "ALT", "50", "2025-01-18", VISIT="WEEK 1")
    return trial(patient("S", **dm), DS=failed, IE=[unmet], LB=[*own, after])


def told(tables) -> set[str]:
    """The rules that ask something; on the day of the dose no visit is recorded."""
    return set(asked(tables, ALT)["rule"]) - {"dose on a day without a visit"}


def test_a_patient_who_was_screened_again_is_in_the_trial():
    tables = rescreened()
    adsl = derive_adsl(tables, ALT, CUTOFF)
    row = adsl.iloc[0]
    assert (row["EOSSTT"], row["PPROTFL"]) == ("ONGOING", "Y")
    assert pd.isna(row["DCSREAS"])
    adlb = derive_adlb(tables, adsl, ALT)
    assert adlb.loc[adlb["ABLFL"].eq("Y"), "AVAL"].tolist() == [32]
    assert (adlb["BASE"] == 32).all()
    assert told(tables) == set()


@pytest.mark.parametrize("reason", ["COMPLETED", "LOST TO FOLLOW-UP"])
def test_the_end_of_the_trial_is_the_only_end(reason):
    tables = rescreened(ds("S", reason, "2025-02-01"))
    assert derive_adsl(tables, ALT, CUTOFF)["EOSDT"].tolist() == [pd.Timestamp("2025-02-01")]
    assert told(tables) == set()


@pytest.mark.parametrize("reason", ["WITHDRAWAL BY SUBJECT", "PHYSICIAN DECISION"])
def test_who_left_before_a_later_consent_had_not_left_the_trial(reason):
    tables = trial(patient("S"), DS=[consent("S", "2024-09-01"), ds("S", reason, "2024-09-20")])
    assert of_earlier_screening(tables).sum() == 1
    assert derive_adsl(tables, ALT, CUTOFF)["EOSSTT"].tolist() == ["ONGOING"]


@pytest.mark.parametrize(
    ("decod", "day"),
    [("SCREEN FAILURE", "2025-01-11"), ("DEATH", "2024-12-01"), ("WITHDRAWAL BY SUBJECT", "2025-01-05")],
)
def test_what_contradicts_the_randomisation_stays(decod, day):
    """After it, a death, and an end that no consent follows."""
    assert not of_earlier_screening(trial(patient("S"), DS=[ds("S", decod, day)])).any()


def test_a_criterion_that_was_not_met_at_the_last_screening_counts():
    tables = rescreened()
    tables["IE"]["IEDTC"] = "2025-01-08"
    assert derive_adsl(tables, ALT, CUTOFF)["PPROTFL"].tolist() == ["N"]
    tables["IE"]["IEDTC"] = None  # of which screening is not known
    assert derive_adsl(tables, ALT, CUTOFF)["PPROTFL"].tolist() == ["N"]


def test_who_fails_twice_and_comes_back_is_no_other_patient():
    again = [consent("F", "2025-03-01"), ds("F", "SCREEN FAILURE", "2025-03-20")]
    values = [lb("F", "ALT", "30", day) for day in ("2025-01-05", "2025-03-05")]
    tables = trial(
        patient("S"),
        patient("F", randomised=None),
        DS=[ds("F", "SCREEN FAILURE", "2025-01-09"), *again],
        LB=values,
    )
    assert told(tables) == set()
    assert derive_adsl(tables, ALT, CUTOFF).set_index("USUBJID").loc["F", "EOSDT"] == pd.Timestamp(
        "2025-03-20"
    )
    without = trial(
        patient("S"), patient("F", randomised=None), DS=[ds("F", "SCREEN FAILURE", "2025-01-09")], LB=values
    )
    assert "record after a participation without randomisation" in told(without)


def test_a_consent_to_an_amendment_is_not_the_first():
    tables = rescreened(first="2024-12-01", consent="2025-02-05")  # DM has the last one
    assert told(tables) == set()
    assert consent_days(tables).tolist() == [pd.Timestamp("2024-12-01")]
    assert derive_adsl(tables, ALT, CUTOFF)["RFICDT"].tolist() == [pd.Timestamp("2024-12-01")]
    kept, _ = apply_cut(tables, pd.Timestamp("2025-01-31"), pd.Timestamp("2025-12-31"))
    assert kept["DM"]["USUBJID"].tolist() == ["S"]
    other = rescreened(first="2024-12-01", RFICDTC="2025-02-05")  # that DS does not know
    assert first_consent(other).tolist() == [pd.Timestamp("2025-02-05")]
    late = trial(patient("S", consent="2025-02-05"))
    assert "milestones in the wrong order" in told(late)
