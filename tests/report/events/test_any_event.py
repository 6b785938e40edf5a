"""Patients with a new or worse event of any of several kinds, against a count from the raw tables."""

from dataclasses import replace

import pandas as pd
import pytest

from esld.report.events import first_events
from esld.report.events.any_event import any_event_rows, any_incidence_rows, untreated_words
from esld.report.events.queried import queried_words
from esld.report.phrases import reader_of
from esld.report.results import rows_of
from esld.report.words.catalogue import read_by
from esld.survival import clopper_pearson
from tests.report.builders import HIGH, LOW, ROOT
from tests.report.builders import plain as text_of

DEMO = ROOT / "esld/data/examples/demo"


def plan(own, **changes):
    (planned,) = own.protocol.of_kind("cumulative_incidence")
    return planned.model_copy(update=changes)


@pytest.fixture(scope="module")
def episodes():
    """The clinical events of the demonstration trial as exported, with the day after randomisation and the grades."""
    raw = {
        name: pd.read_csv(DEMO / f"{name}.csv", dtype=str) for name in ("dm", "ds", "ce", "rs", "ex", "pr")
    }
    ds, rs = raw["ds"], raw["rs"]
    start = ds[ds["DSDECOD"].eq("RANDOMIZED")].set_index("USUBJID")["DSSTDTC"]
    infused = raw["ex"].groupby("USUBJID")["EXSTDTC"].min().str[:10]
    rs = rs[rs["RSTESTCD"].eq("ASCITES") & rs["RSSTRESN"].notna()]
    rs = rs[rs["RSDTC"].str[:10] <= rs["USUBJID"].map(infused)].sort_values("RSDTC")
    ce = raw["ce"][raw["ce"]["USUBJID"].isin(start.index)]
    day = (pd.to_datetime(ce["CESTDTC"]) - pd.to_datetime(ce["USUBJID"].map(start))).dt.days
    pr = raw["pr"]
    graft = pr[pr["PRDECOD"].eq("LIVER TRANSPLANTATION")].set_index("USUBJID")["PRSTDTC"]
    own = ce["CESTDTC"] <= ce["USUBJID"].map(graft).fillna("9999")
    before = ce["USUBJID"].map(rs.groupby("USUBJID")["RSSTRESN"].last()).astype(float)
    grade = ce["CESEV"].map({"MILD": 1, "MODERATE": 2, "SEVERE": 3})
    arm = ce["USUBJID"].map(raw["dm"].set_index("USUBJID")["ARMCD"])
    return ce.assign(day=day, before=before, grade=grade, arm=arm)[own & day.gt(0) & day.le(365)]


def patients(records):
    return records.groupby("arm")["USUBJID"].nunique().to_dict()


def counted(own, planned, what="patients"):
    """One count of patients with an event of any kind, by arm."""
    found = any_event_rows(own, planned)
    return found[found["statistic"].eq(what)].set_index("group")


class TestRecounted:
    """From the raw tables of the demonstration trial; none of what counts is taken from the package."""

    def test_any_episode_by_one_year_is_in_5_and_6(self, study, episodes):
        own = study("demo-final")
        found = counted(own, plan(own))
        assert patients(episodes) == {LOW: 5, HIGH: 6}
        assert found["value"].to_dict() == {LOW: 5, HIGH: 6}
        assert found["n"].tolist() == [11, 11]

    def test_019_bled_without_ever_having_been_infused(self, study):
        own = study("demo-final")
        without = counted(own, plan(own), "untreated")
        assert without[["value", "n"]].to_numpy().tolist() == [[1, 1], [0, 0]]
        reported = rows_of("x", any_event_rows(own, plan(own)), analysis="DECOMP", chapter="05")
        with read_by(reader_of(own)):
            said = text_of(untreated_words(reported))
        assert said.startswith(
            "In the low-dose group 1 of the 5 had it before the first infusion or without any"
        )
        assert said.endswith("4 of 10 had one after it.")

    def test_of_a_group_of_which_nobody_was_ever_treated_nothing_is_said_of_the_treated(self, study):
        own = study("demo-final")
        treated = own.adsl["TRTSDT"].mask(own.adsl["ARMCD"].eq(LOW))
        own = replace(own, adsl=own.adsl.assign(TRTSDT=treated))
        reported = rows_of("x", any_event_rows(own, plan(own)), analysis="DECOMP", chapter="05")
        with read_by(reader_of(own)):
            said = text_of(untreated_words(reported))
        assert (
            said == "In the low-dose group nobody was ever infused: 5 of the 5 had it without any infusion."
        )

    def test_its_incidence_has_limits_and_counts_whoever_was_lost_for_as_long_as_observed(self, study):
        """Low: 5 of 11, nobody lost, exact. High: 026 is lost on day 212, after an event, so that nobody is either."""
        own = study("demo-final")
        found = any_incidence_rows(own, plan(own), conf_level=0.95).set_index("group")
        for arm, x in ((LOW, 5), (HIGH, 6)):
            exact = clopper_pearson(x, 11, conf_level=0.95)
            row = found.loc[arm]
            assert (row["events"], row["n"], row["value"]) == (x, 11, pytest.approx(x / 11))
            assert (row["lower"], row["upper"]) == (pytest.approx(exact.lower), pytest.approx(exact.upper))

    def test_ascites_counts_where_it_is_new_or_worse_than_at_baseline(self, study, episodes):
        own = study("demo-final")
        ascites = episodes[episodes["CEDECOD"].eq("ASCITES")]
        counted = ascites[~(ascites["before"] >= 2) | (ascites["grade"] > ascites["before"])]
        result = first_events.estimate(own, plan(own), "TTASC", conf_level=0.95)
        rows = rows_of("x", result, analysis="DECOMP", chapter="05")
        assert (
            patients(counted)
            == {arm: rows.row("incidence", arm).events for arm in (LOW, HIGH)}
            == {LOW: 2, HIGH: 3}
        )
        assert result.prevalent == {LOW: 6, HIGH: 4}
        assert [rows.row("incidence", arm).n for arm in (LOW, HIGH)] == [11, 11]

    def test_of_the_events_of_ascites_some_were_worse_than_before_and_the_others_new(self, study, episodes):
        own = study("demo-final")
        ascites = episodes[episodes["CEDECOD"].eq("ASCITES") & (episodes["before"] >= 2)]
        result = first_events.estimate(own, plan(own), "TTASC", conf_level=0.95)
        assert result.worse == patients(ascites[ascites["grade"] > ascites["before"]]) == {LOW: 1, HIGH: 2}

    def test_severe_ascites_of_022_on_day_127_counts(self, study, episodes):
        who = episodes["USUBJID"].str.endswith("-022")
        assert episodes.loc[who, ["CEDECOD", "day", "before", "grade"]].to_numpy().tolist() == [
            ["ASCITES", 127, 2, 3]
        ]
        adtte = study("demo-final").adtte
        own = adtte[adtte["PARAMCD"].eq("TTASC") & adtte["USUBJID"].str.endswith("-022")].iloc[0]
        assert (own["EVTYPE"], own["AVAL"]) == ("EVENT", 127)

    def test_an_episode_no_worse_than_at_baseline_is_an_episode_and_no_event(self, study):
        own = study("demo-final")
        events = own.adtte[own.adtte["PARAMCD"].eq("TTASC") & own.adtte["USUBJID"].str.endswith("-007")].iloc[
            0
        ]
        assert pd.isna(events["EVTYPE"])
        every = own.adce[own.adce["PARAMCD"].eq("TTASC") & own.adce["USUBJID"].str.endswith("-007")]
        assert every["AVAL"].tolist() == [61]


def test_the_open_query_on_the_ascites_of_007_is_told_beside_the_counts(study):
    own = study("demo-final")
    said = queried_words(own, plan(own))
    assert "NCT06167473-007, ascites (CE 1 / RS 13; Q-CX7NAQ2N)" in text_of(said)
    assert said.count("open data query") == 1
    assert queried_words(own, plan(own, endpoints=("TTGIB",))) == ""


def test_one_condition_alone_is_that_condition_s_count(study):
    """2 bled of 11 in each arm by one year, as chapter 05 reports it."""
    own = study("demo-final")
    found = counted(own, plan(own, endpoints=("TTGIB",)))
    assert found["value"].tolist() == [2, 2]


def test_at_least_the_most_frequent_and_at_most_the_sum(study):
    own = study("demo-final")
    codes = plan(own).endpoints
    alone = pd.concat([counted(own, plan(own, endpoints=(code,)))["value"] for code in codes], axis=1)
    together = counted(own, plan(own))["value"]
    assert (together >= alone.max(axis=1)).all()
    assert (together <= alone.sum(axis=1)).all()


def test_nothing_on_day_zero_and_inputs_as_they_were(study):
    own = study("demo-final")
    before = own.adtte.copy()
    assert counted(own, plan(own, horizon_days=0))["value"].tolist() == [0, 0]
    pd.testing.assert_frame_equal(own.adtte, before)


def test_of_one_kind_it_is_the_incidence_of_that_kind(study):
    """Bleeding, with whoever was lost before the day."""
    own = study("demo-final")
    one = any_incidence_rows(own, plan(own, endpoints=("TTGIB",)), conf_level=0.9)
    one = one[one["statistic"].eq("any_incidence")].set_index("group")
    alone = first_events.estimate(own, plan(own), "TTGIB", conf_level=0.9).to_frame()
    alone = alone[alone["statistic"].eq("incidence")].set_index("group")
    for name in ("value", "lower", "upper"):
        assert one[name].to_list() == pytest.approx(alone[name].to_list())
    assert one["method"].to_list() == alone["method"].to_list()
