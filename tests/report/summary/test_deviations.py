"""Deviations that the data show: by hand, and in the examples."""

from dataclasses import replace

import pandas as pd
import pytest

from esld.report.phrases import Sentence, reader_of
from esld.report.results import rows_of
from esld.report.summary import deviations
from esld.report.words.catalogue import read_by
from tests.report.builders import HIGH, LOW, footnotes, patient, plain, study_of, unspanned_numbers


def infusion(number, day, adjusted=None):
    return {"USUBJID": f"P-{number:03d}", "EXSTDTC": day, "EXADJ": adjusted}


def made(patients, infusions, ie=()):
    tables = {
        "DM": pd.DataFrame(patients)[["USUBJID"]],
        "EX": pd.DataFrame(infusions),
        "IE": pd.DataFrame(ie, columns=["USUBJID", "IETESTCD"]),
    }
    own = study_of(patients, tables=tables)
    given = own.adsl["USUBJID"].map(pd.DataFrame(infusions)["USUBJID"].value_counts()).fillna(0)
    adsl = own.adsl.assign(
        NADMIN=given, LSTALVDT=own.adsl["RANDDT"] + pd.to_timedelta([p["DAYS"] for p in patients], "D")
    )
    return own.__class__(**{**own.__dict__, "adsl": adsl})


def followed(number, arm, days, **how):
    return patient(number, arm, days=days, **how) | {"DAYS": days}


class TestByHand:
    def test_only_infusions_that_were_due_are_missed(self):
        """Planned on days 1, 29 and 57. P-002 dies on day 40 with two given, P-003 lives on with two."""
        patients = [
            followed(1, LOW, 400), followed(2, LOW, 40, dead=True), followed(3, HIGH, 400),
            followed(4, HIGH, 400, treated=False),
        ]  # fmt: skip
        days = {1: 3, 2: 2, 3: 2}
        infusions = [infusion(n, f"2024-0{i + 1}-01") for n, many in days.items() for i in range(many)]
        found = deviations.deviations(made(patients, infusions))
        assert found[["USUBJID", "kind", "detail"]].to_numpy().tolist() == [
            ["P-004", "never_treated", "0 of 3 due"],
            ["P-003", "administrations", "2 of 3 due"],
        ]

    def test_adjusted_doses_and_failed_criteria_of_the_randomised(self):
        patients = [followed(1, LOW, 400), followed(2, None, 10)]
        infusions = [infusion(1, "2024-01-01"), infusion(1, "2024-01-29", "Fever"), infusion(1, "2024-02-26")]
        own = made(patients, infusions, ie=[("P-001", "IN01"), ("P-002", "EX03")])
        found = deviations.deviations(own)
        assert found["kind"].tolist() == ["eligibility", "dose"]
        assert found["detail"].tolist() == ["IN01", "2024-01-29: Fever"]
        counts = rows_of("d", deviations.deviation_rows(own, found), analysis="SUMMARY", chapter="c")
        assert plain(deviations.deviation_sentence(counts)).endswith("in 1 of 1 randomised patient.")
        assert not unspanned_numbers(deviations.deviation_sentence(counts))


class TestExamples:
    def test_visits_outside_their_days_are_those_of_the_schedule(self, study):
        own = study("demo-final")
        found = deviations.deviations(own).query("kind == 'visit'")
        tolerance = {v.number: v for v in own.protocol.schedule.visits}
        rows = own.adlb.query("ANL01FL == 'Y' and PARCAT1 == 'LABORATORY' and AVISITN > 0")
        off = {
            (r.USUBJID, r.AVISITN)
            for r in rows.itertuples()
            if not -tolerance[r.AVISITN].tolerance[0]
            <= r.ADY - r.AWTARGET
            <= tolerance[r.AVISITN].tolerance[1]
        }
        assert len(found) == len(off) > 0

    def test_what_a_trial_does_not_collect_is_not_counted_as_none(self, study):
        own = study("mayo-pbc")
        found = deviations.deviations(own)
        counts = rows_of("d", deviations.deviation_rows(own, found), analysis="SUMMARY", chapter="c")
        with read_by(reader_of(own)):
            table = deviations.deviation_table(own, counts)
        assert table.frame["Deviation"].tolist() == ["Visit outside the allowed days"]
        assert "Not in the data of this trial: randomised against a criterion, never treated" in " ".join(
            footnotes(table)
        )

    @pytest.mark.parametrize("cut", ["demo-final", "demo-interim", "mayo-pbc"])
    def test_counts_are_the_list(self, study, cut):
        own = study(cut)
        found = deviations.deviations(own)
        counts = rows_of("d", deviations.deviation_rows(own, found), analysis="SUMMARY", chapter="c")
        assert counts.row("any").value == found["USUBJID"].nunique()
        listed = deviations.deviation_list(own, found)
        assert isinstance(listed, Sentence) == found["kind"].eq("visit").all()


def test_who_was_just_randomised_is_awaited_and_not_never_treated(study):
    """The first patient is randomised on 2024-01-15 and infused on the 16th: between the two nothing has gone wrong."""
    own = study("demo-final")
    for day, expected in (("2024-01-15", 0), ("2024-01-29", 0), ("2024-01-30", 1)):
        cut = own.cut.model_copy(update={"cutoff": day})
        adsl = own.adsl[own.adsl["RANDDT"].eq("2024-01-15")].assign(
            TRTSDT=pd.NaT, NADMIN=0, EOSSTT="ONGOING", DTHDT=pd.NaT, LSTALVDT=pd.Timestamp(day)
        )
        at_day = replace(own, file=replace(own.file, cut=cut), adsl=adsl)
        found = deviations.deviations(at_day)
        assert (found["kind"].eq("never_treated") & found["USUBJID"].isin(adsl["USUBJID"])).sum() == expected


def test_data_that_can_show_no_deviation_say_so():
    """Without criteria, exposure and visits there is no table to make."""
    own = study_of([followed(1, LOW, 400)], tables={"DM": pd.DataFrame({"USUBJID": ["P-001"]})})
    bare = own.protocol.model_copy(
        update={"schedule": own.protocol.schedule.model_copy(update={"visits": ()})}
    )
    own = replace(own, protocol=bare)
    found = deviations.deviations(own)
    counts = rows_of("d", deviations.deviation_rows(own, found), analysis="SUMMARY", chapter="c")
    assert isinstance(deviations.deviation_table(own, counts), Sentence)
    assert deviations.deviation_list(own, found) is None
    assert deviations.deviation_sentence(counts).endswith("cannot show deviations from the protocol.")
