"""The answer in a minute: counts before percentages, what is not shown, safety and its denominator, and whose plan it is."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from esld.report import brief
from esld.report.chapter import Chapter
from esld.report.data_cut.records import follow_up, listed_queries, query_counts, silence_rows
from esld.report.flow import participant_flow
from esld.report.phrases import interim_look, is_of_the_end, reader_of, standing
from esld.report.planned import planned_by
from esld.report.results import Row, rows_of
from esld.report.survival.causes import causes
from esld.report.survival.tables import power_rows
from esld.report.words.catalogue import read_by
from tests.report.builders import HIGH, LOW, ROOT, at_horizon, patient, plain, study_of, unspanned_numbers
from tests.report.in_process import Unwritten, rows_handed_over

STUDY = study_of([patient(1, LOW), patient(2, HIGH)])
ALIVE, DIED, LOST = (400, False), (100, True), (200, False)


def of(rows, study, answers=None):
    return {point.code: point.html for point in brief.brief(rows, answers or {}, study)}


@pytest.fixture
def recounted() -> dict[str, tuple[int, int, int]]:
    """Of each arm of the demonstration trial: randomised, dead by day 365 and ever, from the tables themselves."""
    folder = ROOT / "esld" / "data" / "examples" / "demo"
    dm, ds = (pd.read_csv(folder / f"{name}.csv", dtype=str) for name in ("dm", "ds"))
    start = ds[ds["DSDECOD"].eq("RANDOMIZED")].set_index("USUBJID")["DSSTDTC"]
    own = dm[dm["USUBJID"].isin(start.index)].set_index("USUBJID")
    days = pd.to_datetime(own["DTHDTC"]) - pd.to_datetime(start)
    return {
        str(arm): (
            len(group),
            int(days[group.index].dt.days.le(365).sum()),
            int(group["DTHFL"].eq("Y").sum()),
        )
        for arm, group in own.groupby("ARMCD")
    }


def test_deaths_come_in_counts_before_percentages(study, recounted):
    """2 of 11 and 1 of 11 by one year, 2 and 2 in all: patient 006 died on day 391."""
    own = study("demo-final")
    assert recounted == {LOW: (11, 2, 2), HIGH: (11, 1, 2)}
    frame = own.adtte[own.adtte["PARAMCD"].eq("OS")]
    patients = {
        arm: [(int(r.AVAL), r.CNSR == 0) for r in frame[frame["ARMCD"].eq(arm)].itertuples()]
        for arm in own.arms
    }
    _, reported = at_horizon(patients)
    follow = follow_up(own, horizon_days=365)
    by_arm = rows_of(
        "follow_up_by_arm", follow[follow["group"].ne("ALL")], analysis="FLOW", chapter="00_data_cut"
    )
    counts = [row for row in reported.rows if row.statistic == "unknown"]
    again = [replace(row, result_id=f"os_belief_counts.{row.arm.lower()}.unknown@365") for row in counts]
    said = of([*reported.rows, *again, *by_arm.rows], own)
    assert plain(said["found"]).startswith(
        "Within one year of randomisation 2 of 11 patients in the low-dose group and 1 of 11 patients in the "
        "medium-high-dose group died. Not followed that long: 1 patient in the medium-high-dose group."
    )
    assert plain(said["safe"]) == (
        "Died at any time while followed: 2 of 11 patients in the low-dose group and 2 of 11 patients in the "
        "medium-high-dose group."
    )
    assert not unspanned_numbers(re.sub(r'<span class="record">.*?</span>', "", said["found"]))
    assert not unspanned_numbers(said["safe"])
    assert "Touching the outcome (NCT06167473-021, DM" in plain(said["found"])
    assert said["found"].endswith("This is a final analysis before database lock.")


def test_before_the_final_analysis_a_board_reads_what_would_stop_the_trial_and_how_far_it_is(study):
    own = study("demo-interim")
    flow = participant_flow(own, horizon_days=365)
    rows = [*rows_of("flow", flow, analysis="FLOW", chapter="00_data_cut").rows]
    silent = silence_rows(own)
    rows += rows_of("silence", silent, analysis="FLOW", chapter="00_data_cut").rows
    said = plain(of(rows, own)["interim"])
    assert said.startswith(
        "No stopping guidance exists; a board must set one before it reviews. 22 of 22 planned patients"
    )
    assert f"nothing was heard of a patient under observation: {silent['value'].iloc[0]:.0f} days." in said
    assert "What is, or may be, of a later day than 2025-06-30 was cut: " in said
    assert "interim" not in of(rows, study("demo-final"))
    day = "An unplanned comparative analysis by group was made on data to 30 June 2025."
    assert interim_look(own).startswith(day)
    assert interim_look(study("demo-final")).startswith(day)
    assert interim_look(study("mayo-pbc")) == ""


def test_open_queries_are_told_beside_the_finding(study):
    own = study("demo-final")
    asked = query_counts(own, listed_queries(own))
    rows = rows_of("queries", asked, analysis="FLOW", chapter="00_data_cut").rows
    assert "7 data queries were open at this cut (1 of them touching the outcome)" in plain(
        of(rows, own)["found"]
    )
    none = rows_of("queries", asked.assign(value=0), analysis="FLOW", chapter="00_data_cut").rows
    assert "quer" not in of(none, own)["found"]


def test_a_denominator_that_is_not_the_randomised_is_explained(study):
    """Patient 019 was never infused."""
    own = study("demo-final")
    rows = rows_of(
        "flow", participant_flow(own, horizon_days=365), analysis="FLOW", chapter="00_data_cut"
    ).rows
    assert plain(of(rows, own)["safe"]) == (
        "Safety is judged in the 21 of 22 patients who received at least one infusion; none was given to 1 patient in the "
        "low-dose group."
    )
    infused = pd.read_csv(ROOT / "esld/data/examples/demo/ex.csv", dtype=str)["USUBJID"].nunique()
    assert infused == 21


def test_what_the_dead_died_of_and_the_commonest_reaction_by_its_term(study):
    """The causes are those of the fatal events of the tables; the reaction is the one that most patients had."""
    own = study("demo-final")
    died = Unwritten("03_survival", own, Path())
    with read_by(reader_of(own)):
        (said,) = causes(died)
    ae = pd.read_csv(ROOT / "esld/data/examples/demo/ae.csv", dtype=str)
    counts = ae[ae["AEOUT"].eq("FATAL")]["AEDECOD"].str.casefold().value_counts()
    assert plain(said.html) == (
        "What they died of, as recorded: hepatic failure (2), oesophageal varices haemorrhage (1) and septic shock (1)."
    )
    assert counts.to_dict() == {"hepatic failure": 2, "oesophageal varices haemorrhage": 1, "septic shock": 1}
    frame = pd.DataFrame(
        {
            "group": arm,
            "statistic": f"{term}{what}",
            "value": x / n,
            "events": x,
            "n": n,
            "unit": unit,
            "method": "count",
        }
        for term, few in (("Chills", 3), ("Pyrexia", 5))
        for arm, n in ((LOW, 10), (HIGH, 11))
        for what, x, unit in (("", few, "patients"), (".administrations", few + 1, "administrations"))
    )
    rows = rows_of("reactions", frame, analysis="SAFETY", chapter="06_safety").rows
    said = of([*rows_handed_over(died), *rows], own)["safe"]
    assert "What they died of" in plain(said)
    assert (
        "The commonest reaction was pyrexia: 5 of 10 patients in the low-dose group and 5 of 11 patients"
        in plain(said)
    )
    assert "it followed 6 of 10 infusions in the low-dose group and 6 of 11 infusions" in plain(said)
    assert not unspanned_numbers(said)


def test_what_is_not_shown_names_the_size_and_what_the_design_cannot_tell(study):
    own = study("demo-final")
    rows = rows_of("os_power", power_rows([11, 11]), analysis="OS-1Y", chapter="03_survival").rows
    said = plain(of(rows, own)["not_shown"])
    assert "So 22 patients can show what share is alive" in said
    assert "nothing in it says whether the treatment itself helps or harms." in said
    assert "The registry record does not define end-stage liver disease." in said


def test_without_losses_nobody_is_said_not_to_be_followed():
    _, reported = at_horizon({LOW: [ALIVE] * 3, HIGH: [ALIVE, DIED]})
    assert brief.by_then(reported.rows, STUDY)[1:] == []
    _, reported = at_horizon({LOW: [ALIVE, LOST, LOST], HIGH: [ALIVE, LOST]})
    assert plain(brief.by_then(reported.rows, STUDY)[1]) == (
        "Not followed that long: 2 patients in the low-dose group and 1 patient in the medium-high-dose group."
    )


def test_what_stands_beside_the_primary_analysis_is_not_counted_with_it():
    """Every other chapter of the record names results of that analysis too: those of beliefs and of looks count nobody twice."""
    path = ROOT / "outputs/demo-final/results.json"
    rows = [Row.from_record(record) for record in json.loads(path.read_text(encoding="utf-8"))]
    own = [row for row in rows if row.chapter == "03_survival"]
    assert {row.chapter for row in rows if (row.analysis_id, row.statistic) == ("OS-1Y", "unknown")} - {
        "03_survival"
    }
    assert brief.by_then(rows, STUDY) == brief.by_then(own, STUDY)
    assert plain(brief.by_then(rows, STUDY)[1]).count("patient in the") == 1


class TestWhosePlan:
    def test_of_the_demonstration_trial_all_is_the_authors(self, study):
        """24 of 24 analyses are assumed, and the choices are counted and linked."""
        own = study("demo-final")
        assert all(a.assumed for a in own.protocol.analyses)
        said = of([], own)["plan"]
        assert said.startswith("No protocol or analysis plan was available.")
        assert f'<a href="#assumptions">{len(own.protocol.assumed())} choices</a>' in said

    def test_of_some(self, study):
        own = study("demo-final").protocol
        first, *others = own.analyses
        some = own.model_copy(
            update={"analyses": (first.model_copy(update={"assumed": False, "reason": ""}), *others)}
        )
        assert plain(planned_by(some)).startswith(
            f"The source of the protocol does not state {len(others)} of the {len(own.analyses)}"
        )

    def test_of_none(self, study):
        own = study("tablets-three-arms")
        assert of([], own)["plan"] == "The analyses are those of the protocol."

    def test_each_chapter_says_it_of_its_own(self, study, tmp_path):
        own = study("demo-final")
        chapter = Chapter("03_survival", own, tmp_path)
        count = sum(a.chapter == "03_survival" for a in own.protocol.analyses)
        assert plain(chapter.planned_by().html) == (
            f"No protocol or analysis plan was available. The {count} analyses of this chapter are the authors' choice."
        )
        assert Chapter("08_summary", own, tmp_path).planned_by().html.startswith("No analysis is planned")


def test_what_no_result_can_show_is_said_once(study, tmp_path):
    """On the overview, and not at the end of each chapter."""
    own = study("demo-final")
    assert Chapter("03_survival", own, tmp_path).limits() is None
    assert "untreated" not in Chapter("05_events", own, tmp_path).limits().html
    silent = replace(own, protocol=own.protocol.model_copy(update={"cannot_say": ()}))
    assert "not_shown" not in of([], silent)


def test_what_the_cut_took_is_counted_and_told_only_where_it_took_something(study):
    own = study("demo-interim")
    records = own.cut_report.records
    taken = int((records["after"] + records["undecided"]).sum())
    said = plain(of([], own)["interim"])
    assert f"was cut: {taken} records wholly" in said
    assert f"{int(records['blanked'].sum())} records in part" in said
    none = records.assign(after=0, undecided=0, blanked=0)
    whole = replace(own, cut_report=replace(own.cut_report, records=none))
    said = plain(of([], whole)["interim"])
    assert "Every dated record in it lies on or before 2025-06-30: nothing was cut." in said
    assert "was cut:" not in said


def test_a_draft_after_everybody_has_ended_is_a_draft_of_the_final_analysis(study):
    """As a data manager leaves it: all that were planned have entered and ended, and the status is not yet final."""
    made = study("demo-interim")
    adsl = made.adsl.assign(EOSDT=pd.Timestamp("2025-06-01"))
    own = replace(made, adsl=adsl)
    planned = own.protocol.target_enrolment
    assert len(own.randomised) >= planned
    assert is_of_the_end(own, own.cut) and not is_of_the_end(made, made.cut)
    assert interim_look(own) == ""
    assert standing(own).startswith("This is a draft of the final analysis")
    assert "interim" not in of([], own)
    one_more = replace(own, adsl=adsl.assign(EOSDT=adsl["EOSDT"].where(adsl.index != adsl.index[0])))
    later = replace(own, adsl=adsl.assign(EOSDT=pd.Timestamp("2025-07-01")))
    for other in (one_more, later):
        alive = other.adsl["DTHDT"].isna()
        assert alive.any()
        assert standing(other).startswith("This is not the final analysis")
