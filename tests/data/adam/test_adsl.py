"""ADSL: who is in which set, treated how, followed until when."""

import pandas as pd
import pytest

from esld.data.adam import derive_adsl
from esld.data.adam.adsl import anchor_days
from esld.data.contacts import last_contact
from esld.data.sdtm import Tables
from tests.data.small_trial import PROTOCOL, ds, event, lb, patient, rs, table, trial

CUTOFF = pd.Timestamp("2026-12-31")


def adsl(tables: Tables, protocol=PROTOCOL, cutoff: str = "2026-12-31") -> pd.DataFrame:
    return derive_adsl(tables, protocol, pd.Timestamp(cutoff)).set_index("USUBJID")


def one(*parts, protocol=PROTOCOL, cutoff: str = "2026-12-31", **domains) -> pd.Series:
    return adsl(trial(*parts, **domains), protocol, cutoff).loc["S"]


def dose(day: str, amount: str = "1", id: str = "S") -> dict:
    return {"USUBJID": id, "EXTRT": "cells", "EXDOSE": amount, "EXDOSU": "10^6 cells/kg", "EXSTDTC": day}


class TestSubjects:
    def test_one_row_for_everybody_who_consented_in_order(self):
        tables = trial(patient("S-3"), patient("S-1", randomised=None), patient("S-2"))
        result = derive_adsl(tables, PROTOCOL, CUTOFF)
        assert result["USUBJID"].tolist() == ["S-1", "S-2", "S-3"]
        assert result["RANDFL"].tolist() == ["N", "Y", "Y"]

    def test_the_tables_are_not_modified(self):
        tables = trial(patient("S", died="2025-06"), LB=[lb("S", "ALT", "1", "2025-03-01")])
        before = {name: t.copy(deep=True) for name, t in tables.items()}
        derive_adsl(tables, PROTOCOL, CUTOFF)
        for name, t in tables.items():
            pd.testing.assert_frame_equal(t, before[name])

    def test_arms_are_the_protocol_s_labels_and_numbers(self):
        result = adsl(trial(patient("A", arm="LOW"), patient("B", arm="MEDHIGH", ACTARMCD="LOW")))
        assert result["TRT01P"].to_dict() == {"A": "Low dose", "B": "Medium-high dose"}
        assert result["TRT01PN"].to_dict() == {"A": 1, "B": 2}
        assert result["TRT01A"].to_dict() == {"A": "Low dose", "B": "Low dose"}
        assert result["TRT01AN"].to_dict() == {"A": 1, "B": 1}

    def test_dates_and_infusions(self):
        row = one(patient("S", infused=("2025-02-08", "2025-01-11", "2025-03-08")))
        assert row[["RFICDT", "RANDDT", "TRTSDT", "TRTEDT"]].tolist() == [
            pd.Timestamp(day) for day in ("2025-01-01", "2025-01-10", "2025-01-11", "2025-03-08")
        ]
        assert (row["NADMIN"], row["AGE"]) == (3, 50)

    def test_an_infusion_of_nothing_is_none(self):
        row = one(patient("S", infused=()), EX=[dose("2025-01-11", "0"), dose("2025-01-20", "1")])
        assert (row["TRTSDT"], row["NADMIN"]) == (pd.Timestamp("2025-01-20"), 1)
        assert one(patient("S", infused=()))["NADMIN"] == 0

    def test_optional_columns_may_be_missing(self):
        row = one(patient("S"))
        assert row[["SITEID", "RACE", "TRPLDT", "WEIGHTBL", "EOSDT", "DCSREAS"]].isna().all()


class TestSets:
    def test_each_set_by_its_definition(self):
        result = adsl(
            trial(
                patient("failed", randomised=None),
                patient("never", infused=()),
                patient("treated", infused=("2025-01-11",)),
            )
        )
        flags = result[["RANDFL", "ITTFL", "SAFFL", "PPROTFL"]].apply("".join, axis=1)
        assert flags.to_dict() == {"failed": "NNNN", "never": "YYNN", "treated": "YYYY"}

    def test_per_protocol_needs_eligibility_and_the_arm_of_randomisation(self):
        violation = {"USUBJID": "V", "IETESTCD": "IN01", "IECAT": "INCLUSION", "IEORRES": "N"}
        tables = trial(patient("V"), patient("X", ACTARMCD="MEDHIGH"), patient("OK"), IE=[violation])
        assert adsl(tables)["PPROTFL"].to_dict() == {"OK": "Y", "V": "N", "X": "N"}
        assert set(adsl(tables)["ITTFL"]) == {"Y"}

    # infusions are due on days 1, 29 and 57; day 29 is 2025-02-08 and day 57 is 2025-03-08
    @pytest.mark.parametrize(
        ("infused", "last_seen", "per_protocol"),
        [
            (1, "2025-02-07", "Y"),  # the second is not yet due
            (1, "2025-02-08", "N"),
            (2, "2025-02-08", "Y"),
            (2, "2025-03-07", "Y"),
            (2, "2025-03-08", "N"),
            (3, "2025-12-31", "Y"),
        ],
    )
    def test_per_protocol_needs_every_infusion_that_fell_due(self, infused, last_seen, per_protocol):
        days = ("2025-01-11", "2025-02-05", "2025-03-05")[:infused]  # each early enough
        row = one(patient("S", infused=days), LB=[lb("S", "ALT", "1", last_seen)])
        assert row["PPROTFL"] == per_protocol

    def test_nor_after_the_cut_off(self):
        late = [lb("S", "ALT", "1", "2025-12-31")]
        flags = [one(patient("S"), LB=late, cutoff=day)["PPROTFL"] for day in ("2025-02-07", "2025-02-08")]
        assert flags == ["Y", "N"]

    def test_nothing_falls_due_after_a_transplant_or_death(self):
        transplant = event("PR", "T", "2025-02-01", PRDECOD="LIVER TRANSPLANTATION")
        contacts = [lb(id, "ALT", "1", "2025-12-31") for id in ("T", "N")]
        tables = trial(
            patient("T"), patient("D", died="2025-02-01"), patient("N"), LB=contacts, PR=[transplant]
        )
        assert adsl(tables)["PPROTFL"].to_dict() == {"D": "Y", "N": "N", "T": "Y"}

    def test_a_set_that_the_data_cannot_tell_is_missing(self):
        sets = tuple(s.model_copy(update={"collected": s.flag == "ITTFL"}) for s in PROTOCOL.analysis_sets)
        protocol = PROTOCOL.model_copy(update={"analysis_sets": sets})
        tables = trial(patient("S"))
        del tables["EX"]
        row = adsl(tables, protocol).loc["S"]
        assert row["ITTFL"] == "Y"
        assert row[["SAFFL", "PPROTFL", "NADMIN", "TRTSDT"]].isna().all()

    def test_a_set_that_the_protocol_does_not_define_is_missing_too(self):
        protocol = PROTOCOL.model_copy(update={"analysis_sets": PROTOCOL.analysis_sets[:1]})
        assert one(patient("S"), protocol=protocol)[["SAFFL", "PPROTFL"]].isna().all()


class TestDisposition:
    @pytest.mark.parametrize(
        ("decod", "status", "reason"),
        [
            ("COMPLETED", "COMPLETED", None),
            ("DEATH", "DISCONTINUED", "DEATH"),
            ("LOST TO FOLLOW-UP", "DISCONTINUED", "LOST TO FOLLOW-UP"),
            ("PHYSICIAN DECISION", "DISCONTINUED", "PHYSICIAN DECISION"),
        ],
    )
    def test_the_disposition_event_ends_participation(self, decod, status, reason):
        row = one(patient("S"), DS=[ds("S", decod, "2025-06-01")])
        assert (row["EOSSTT"], row["EOSDT"]) == (status, pd.Timestamp("2025-06-01"))
        assert row["DCSREAS"] == reason or (reason is None and pd.isna(row["DCSREAS"]))

    def test_the_last_of_several_counts(self):
        row = one(
            patient("S"), DS=[ds("S", "DEATH", "2025-09-01"), ds("S", "LOST TO FOLLOW-UP", "2025-06-01")]
        )
        assert (row["DCSREAS"], row["EOSDT"]) == ("DEATH", pd.Timestamp("2025-09-01"))

    def test_milestones_end_nothing(self):
        row = one(patient("S"))
        assert row["EOSSTT"] == "ONGOING"
        assert pd.isna(row["EOSDT"])


class TestLastContact:
    def test_the_latest_dated_record_of_any_form(self):
        row = one(
            patient("S"),
            LB=[lb("S", "ALT", "1", "2025-04-01")],
            AE=[event("AE", "S", "2025-05-01", AETERM="x", AEENDTC="2025-09-01")],
            PR=[event("PR", "S", "2025-04-30", PRDECOD="PARACENTESIS")],
        )
        assert row["LSTALVDT"] == pd.Timestamp("2025-09-01")
        assert row[["LALVDOM", "LALVVAR", "LALVSEQ"]].tolist() == ["AE", "AEENDTC", "1"]

    @pytest.mark.parametrize("domains", [("LB", "VS"), ("VS", "LB")])
    def test_on_one_day_the_first_form_in_a_fixed_order_is_named(self, domains):
        rows = {
            "LB": [lb("S", "ALT", "1", "2025-04-01")] * 40,
            "VS": [event("VS", "S", "2025-04-01", VSTESTCD="TEMP")] * 40,
        }
        row = one(patient("S"), **{name: rows[name] for name in domains})
        assert row[["LALVDOM", "LALVSEQ"]].tolist() == ["VS", "1"]

    def test_no_sign_of_life_is_death_itself_nor_what_is_dated_after_it(self):
        row = one(
            patient("S", died="2025-06-01"),
            LB=[lb("S", "ALT", "1", "2025-05-20"), lb("S", "ALT", "1", "2025-06-02")],
        )
        assert (row["LSTALVDT"], row["LALVDOM"]) == (pd.Timestamp("2025-05-20"), "LB")

    def test_history_and_eligibility_are_no_contacts(self):
        row = one(
            patient("S", infused=()),
            MH=[event("MH", "S", "2025-05-01", MHTERM="x")],
            IE=[{"USUBJID": "S", "IETESTCD": "EX01", "IEDTC": "2025-05-01"}],
        )
        assert (row["LSTALVDT"], row["LALVDOM"]) == (pd.Timestamp("2025-01-10"), "DS")

    def test_a_partial_date_shows_life_on_its_first_day_only(self):
        row = one(patient("S"), CM=[event("CM", "S", "2025-05", CMTRT="x")])
        assert row["LSTALVDT"] == pd.Timestamp("2025-05-01")

    def test_domains_without_their_date_or_absent_are_passed_over(self):
        tables = {name: t for name, t in trial(patient("S")).items() if name in ("DM", "DS")}
        tables["CM"] = table("CM", [event("CM", "S", "", CMTRT="x")]).drop(columns="CMSTDTC")
        assert last_contact(tables).loc["S", "domain"] == "DS"


class TestDeathAndTransplant:
    def test_a_whole_date_of_death_stands(self):
        row = one(patient("S", died="2025-06-01"))
        assert (row["DTHFL"], row["DTHDT"]) == ("Y", pd.Timestamp("2025-06-01"))

    def test_the_living(self):
        row = one(patient("S"))
        assert row["DTHFL"] == "N"
        assert pd.isna(row["DTHDT"])

    # seen alive on the 20th of May; the patient cannot have died before that
    @pytest.mark.parametrize(
        ("died", "day"), [("2025-06", "2025-06-01"), ("2025-05", "2025-05-20"), ("2025", "2025-05-20")]
    )
    def test_a_partial_date_of_death_is_not_before_the_last_contact(self, died, day):
        row = one(patient("S", died=died), LB=[lb("S", "ALT", "1", "2025-05-20")])
        assert row["DTHDT"] == pd.Timestamp(day)

    def test_the_first_transplant_counts_and_no_other_procedure(self):
        procedures = [
            event("PR", "S", day, PRDECOD=decod)
            for day, decod in (
                ("2025-08-01", "LIVER TRANSPLANTATION"),
                ("2025-07-01", "LIVER TRANSPLANTATION"),
                ("2025-02-01", "PARACENTESIS"),
            )
        ]
        assert one(patient("S"), PR=procedures)["TRPLDT"] == pd.Timestamp("2025-07-01")


class TestWeight:
    def weights(self, *rows: tuple[str, str]) -> list[dict]:
        return [event("VS", "S", day, VSTESTCD="WEIGHT", VSORRES=kg, VSORRESU="kg") for day, kg in rows]

    def test_the_last_on_or_before_day_1(self):
        vs = self.weights(("2025-01-11", "71"), ("2025-01-05", "70"), ("2025-01-12", "72"))
        assert one(patient("S"), VS=vs)["WEIGHTBL"] == 71

    def test_day_1_is_randomisation_for_the_never_infused(self):
        vs = self.weights(("2025-01-10", "70"), ("2025-01-11", "71"))
        assert one(patient("S", infused=()), VS=vs)["WEIGHTBL"] == 70

    def test_a_date_that_may_lie_after_day_1_does_not_count(self):
        assert pd.isna(one(patient("S"), VS=self.weights(("2025-01", "70")))["WEIGHTBL"])

    def test_other_tests_are_no_weight(self):
        vs = [event("VS", "S", "2025-01-05", VSTESTCD="HEIGHT", VSORRES="170", VSORRESU="cm")]
        assert pd.isna(one(patient("S"), VS=vs, RS=[rs("S", "ASCITES", "0", "2025-01-05")])["WEIGHTBL"])


def test_visits_are_counted_from_the_first_infusion_or_always_from_randomisation():
    subjects = adsl(trial(patient("A"), patient("B", infused=())))
    first, randomised = pd.Timestamp("2025-01-11"), pd.Timestamp("2025-01-10")
    assert anchor_days(subjects, PROTOCOL.schedule).to_dict() == {"A": first, "B": randomised}
    anchor = PROTOCOL.schedule.anchor.model_copy(update={"value": "Randomisation"})
    schedule = PROTOCOL.schedule.model_copy(update={"anchor": anchor})
    assert anchor_days(subjects, schedule).to_dict() == {"A": randomised, "B": randomised}
