"""Deviations that the data show: by hand, and in the examples."""

from dataclasses import replace

import pandas as pd
import pytest

from esld.report.phrases import Sentence, reader_of
from esld.report.results import rows_of
from esld.report.summary import deviations
from esld.report.words.catalogue import read_by
from tests.report.builders import HIGH, LOW, ROOT, patient, plain, study_of, unspanned_numbers


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
    return replace(own, adsl=adsl)


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
        assert "in 1 of 1 randomised patient. Could not be checked" in plain(
            deviations.deviation_sentence(own, counts)
        )
        assert not unspanned_numbers(deviations.deviation_sentence(own, counts))


class TestExamples:
    def test_visits_outside_their_days_are_those_of_the_queries(self, study):
        """One source: each has its query, and each query of a visit its deviation."""
        own = study("demo-final")
        found = deviations.deviations(own).query("kind == 'visit'")
        asked = own.queries[own.queries["rule"].eq("visit outside its allowed window")]
        asked = asked[asked["message"].str.contains("took place")]
        assert sorted(found["USUBJID"]) == sorted(asked["USUBJID"])

    def test_visits_recounted_from_the_tables(self, study):
        """By the name that the records of a visit carry and its day after the first infusion: week 12 of 001 was on day 133, far
        outside, and lies in the window of week 24. Missed are 023's week 1, 011's and 018's week 12 and 010's week 24.
        """
        own = study("demo-final")
        folder = ROOT / "esld" / "data" / "examples" / "demo"
        tables = {
            name: pd.read_csv(folder / f"{name}.csv", dtype=str)
            for name in ("lb", "rs", "vs", "ds", "dm", "ex")
        }
        start = tables["ds"].query("DSDECOD == 'RANDOMIZED'").set_index("USUBJID")["DSSTDTC"]
        first = tables["ex"].groupby("USUBJID")["EXSTDTC"].min().reindex(start.index).fillna(start)
        day = {subject: pd.Timestamp(date) for subject, date in first.items()}
        held = {}
        for name in ("lb", "rs", "vs"):
            table = tables[name]
            happened = (
                table[table[f"{name.upper()}STAT"].ne("NOT DONE")]
                if f"{name.upper()}STAT" in table
                else table
            )
            for subject, visit, on in (
                happened[["USUBJID", "VISIT", f"{name.upper()}DTC"]].drop_duplicates().to_numpy()
            ):
                if subject in day and str(visit).startswith("WEEK"):
                    held.setdefault((subject[-3:], str(visit)), set()).add(
                        (pd.Timestamp(on[:10]) - day[subject]).days + 1
                    )
        allowed = {visit.label.upper(): visit.allowed for visit in own.protocol.schedule.visits}
        outside = {
            key
            for key, days in held.items()
            if any(not allowed[key[1]][0] <= d <= allowed[key[1]][1] for d in days)
        }
        found = deviations.deviations(own)
        listed = {
            kind: {
                (r.USUBJID[-3:], r.detail.partition(":")[0].upper())
                for r in found[found["kind"].eq(kind)].itertuples()
            }
            for kind in ("visit", "missed")
        }
        assert listed["visit"] == outside
        assert ("001", "WEEK 12") in outside
        assert listed["missed"] == {
            ("023", "WEEK 1"),
            ("011", "WEEK 12"),
            ("018", "WEEK 12"),
            ("010", "WEEK 24"),
        }
        assert not listed["missed"] & set(held)

    def test_a_value_that_breaks_a_criterion_is_a_deviation_as_it_is_a_query(self, study):
        own = study("demo-final")
        subject = own.randomised["USUBJID"].iloc[0]
        old = replace(
            own, adsl=own.adsl.assign(AGE=own.adsl["AGE"].mask(own.adsl["USUBJID"].eq(subject), 81))
        )
        found = deviations.deviations(old).query("kind == 'eligibility'")
        assert found[["USUBJID", "detail"]].to_numpy().tolist() == [[subject, "IN01"]]

    def test_what_a_trial_does_not_collect_is_not_counted_as_none(self, study):
        own = study("mayo-pbc")
        found = deviations.deviations(own)
        counts = rows_of("d", deviations.deviation_rows(own, found), analysis="SUMMARY", chapter="c")
        with read_by(reader_of(own)):
            said = deviations.deviation_sentence(own, counts)
        assert isinstance(deviations.deviation_table(own, counts), Sentence)
        assert said.endswith("nothing could be checked.")

    def test_what_could_not_be_checked_is_said(self, study):
        own = study("tablets-three-arms")
        without = replace(own, tables={name: t for name, t in own.tables.items() if name != "IE"})
        counts = deviations.deviation_rows(without, deviations.deviations(without))
        reported = rows_of("d", counts, analysis="SUMMARY", chapter="c")
        said = plain(deviations.deviation_sentence(without, reported))
        assert said.endswith(
            "Could not be checked, because the data of this cut hold no record of it: randomised against a criterion."
        )

    @pytest.mark.parametrize("cut", ["demo-final", "demo-interim", "mayo-pbc"])
    def test_counts_are_the_list(self, study, cut):
        own = study(cut)
        found = deviations.deviations(own)
        counts = rows_of("d", deviations.deviation_rows(own, found), analysis="SUMMARY", chapter="c")
        assert counts.row("any").value == found["USUBJID"].nunique()
        listed = deviations.deviation_list(own, found)
        assert isinstance(listed, Sentence | None) == found.empty


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
    assert deviations.deviation_sentence(own, counts).endswith("nothing could be checked.")
