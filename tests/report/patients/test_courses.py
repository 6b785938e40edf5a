"""The chapter of single patients: everybody ends in one way, and words, table and figures come from the same courses."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.report.drawing.axes import time_axis
from esld.report.patients import courses as patients
from esld.report.patients.courses import AFTER_TRANSPLANT, ALL, courses
from esld.report.patients.listing import listing_rows, listing_table
from esld.report.patients.states import state_figure, state_rows, state_table, states_of
from esld.report.phrases import reader_of
from esld.report.results import rows_of
from esld.report.words.catalogue import read_by
from tests.examples import few
from tests.report.builders import (
    HIGH,
    LABELS,
    LOW,
    patient,
    plain,
    protocol,
    spans,
    study_of,
    unspanned_numbers,
)
from tests.report.other_trials import changed

CUTS = ("demo-final", "demo-interim", "mayo-pbc")
EX = ["USUBJID", "EXSTDTC", "EXDOSE", "EXADJ"]


@pytest.fixture(scope="module")
def found(study):
    """``found("demo-final")``: the courses of a cut, with their rows."""

    def get(cut):
        own = study(cut)
        result = courses(own, patients.conditions(own.protocol))
        return result, rows_of("courses", result, analysis="FLOW", chapter="07")

    return get


trial = cache(protocol)


def one(number, arm=LOW, *, contact=None, subjid=None, **more):
    """A patient by hand with what a course needs: last seen on day `contact`, else on the last day."""
    made = patient(number, arm, **more)
    seen = made["RANDDT"] + pd.Timedelta(days=contact if contact is not None else made["days"])
    return {**made, "SUBJID": subjid or f"{number:03d}", "ACTARMCD": arm, "LSTALVDT": seen}


def by_hand(*people, infusions=(), endpoints=(), ex=True):
    """Courses of patients made by hand; `infusions` are (patient, date, dose, reason of an adjustment)."""
    given_ = pd.DataFrame([(f"P-{n:03d}", *rest) for n, *rest in infusions], columns=EX, dtype=object)
    own = study_of(people, trial=trial(), tables={"EX": given_} if ex else {"DM": given_[["USUBJID"]]})
    found = courses(own, endpoints)
    return found, rows_of("courses", found, analysis="FLOW", chapter="07")


def line(found, number):
    return found.patients.set_index("USUBJID").loc[f"P-{number:03d}"]


@pytest.mark.parametrize("cut", CUTS)
def test_everybody_ends_in_one_way(cut, study, found):
    sizes = study(cut).randomised["ARMCD"].value_counts()
    _, reported = found(cut)
    for arm in (*study(cut).arms, ALL):
        rows = [reported.row(outcome, arm) for outcome in found(cut)[0].outcomes]
        size = sizes.sum() if arm == ALL else sizes[arm]
        assert sum(row.value for row in rows) == size
        assert {row.n for row in rows} == {size}


@pytest.mark.parametrize("cut", CUTS)
def test_the_dead_are_those_of_the_survival_chapter(cut, study, found):
    os = study(cut).adtte.query("PARAMCD == 'OS' and CNSR == 0").set_index("USUBJID")["AVAL"]
    own = found(cut)[0].patients.set_index("USUBJID")
    dead = own.loc[own["ended"].eq("death"), "end"]
    assert dead.sort_index().to_dict() == os.sort_index().to_dict()


@pytest.mark.parametrize("cut", CUTS)
def test_everything_that_was_given_or_happened_is_marked(cut, study, found):
    own, marks = study(cut), found(cut)[0].marks
    if "EX" in own.tables:
        ex = own.tables["EX"]
        assert (
            marks["kind"].isin(["administration", "reduced"]).sum() == (pd.to_numeric(ex["EXDOSE"]) > 0).sum()
        )
        assert found(cut)[0].patients["administrations"].sum() == own.randomised["NADMIN"].sum()
    for endpoint in (e for e in own.protocol.endpoints if e.paramcd in found(cut)[0].events):
        if endpoint.recurrent:
            episodes = own.adce.query("PARAMCD == @endpoint.paramcd and ANL01FL == 'Y'")
        else:
            episodes = own.adtte.query("PARAMCD == @endpoint.paramcd and EVTYPE == 'EVENT'")
        drawn = marks[marks["kind"].eq(endpoint.paramcd)]
        assert sorted(zip(drawn["USUBJID"], drawn["day"], strict=True)) == sorted(
            zip(episodes["USUBJID"], episodes["AVAL"], strict=True)
        )
        assert len(drawn)
    assert (marks["kind"] == "transplant").sum() == own.randomised["TRPLDT"].notna().sum()


def test_the_demonstration_read_off_its_files(found):
    """Days by the calendar: 4 Feb to 17 June 2024 is 134 days, and 30 Dec 2024 to 30 July 2025 is 212."""
    result, reported = found("demo-final")
    own = result.patients.set_index("number")
    assert own.loc["003", ["transplant", "outcome", "ended"]].tolist() == [134, "transplant", "completed"]
    assert own.loc["026", ["end", "outcome"]].tolist() == [212, "lost"]
    assert own.loc["019", "administrations"] == 0
    assert own.loc["027", "administrations"] == 2
    assert own.loc["016", ["administrations", "reduced"]].tolist() == [3, 1]
    assert own["reduced"].sum() == 1
    assert [reported.row(outcome, ALL).value for outcome in result.outcomes] == [16, 0, 1, 4, 1]


def test_an_interim_cut_knows_who_goes_on(found):
    result, reported = found("demo-interim")
    assert reported.row("ongoing", ALL).value == 10
    assert (result.marks["kind"] == "ongoing").sum() == 10


def test_a_death_after_a_transplant_is_a_death():
    found, reported = by_hand(one(1, days=300, dead=True, transplant_day=100), one(2, HIGH))
    assert line(found, 1)[["transplant", "end", "outcome"]].tolist() == [100, 300, "death"]
    assert reported.row(AFTER_TRANSPLANT, LOW).value == 1
    assert (
        plain(patients.words(reported, [LOW]))
        == "Of 1 patient in the low-dose group, 1 died (1 after a transplant)."
    )


@pytest.mark.parametrize(
    ("how", "outcome"),
    [
        ({"completed": True}, "completed"),
        ({}, "ongoing"),
        ({"reason": "LOST TO FOLLOW-UP"}, "lost"),
        ({"reason": "WITHDRAWAL BY SUBJECT"}, "lost"),
        ({"reason": "PHYSICIAN DECISION"}, "lost"),
        ({"dead": True}, "death"),
        ({"transplant_day": 50}, "transplant"),
        ({"transplant_day": 50, "reason": "LOST TO FOLLOW-UP"}, "transplant"),
    ],
)
def test_outcomes(how, outcome):
    found, _ = by_hand(one(1, **how))
    assert line(found, 1)["outcome"] == outcome


def test_a_course_ends_with_death_else_with_the_last_contact():
    found, _ = by_hand(
        one(1, days=200, dead=True, contact=150), one(2, contact=170), one(3, contact=90, transplant_day=120)
    )
    assert [line(found, n)["end"] for n in (1, 2, 3)] == [200, 170, 120]


def test_a_transplant_after_the_recorded_death_does_not_outlast_the_course():
    found, _ = by_hand(one(1, days=200, dead=True, transplant_day=250))
    assert line(found, 1)[["transplant", "end"]].tolist() == [200, 200]


def test_infusions_stopped_or_reduced():
    """The low dose is 1, the higher 3: 1 is less than the dose for a patient of the higher one alone."""
    given_ = [
        (1, "2024-01-01", "1", None), (1, "2024-01-29", "1", "Fever: stopped"), (1, "2024-02-26", "0.5", None),
        (2, "2024-01-01", "3", None), (2, "2024-01-29", "1", None), (2, "2024-02-26", "0", "Not given"),
    ]  # fmt: skip
    found, _ = by_hand(one(1), one(2, HIGH), one(3, HIGH), infusions=given_)
    assert [line(found, n)["administrations"] for n in (1, 2, 3)] == [3, 2, 0]
    assert [line(found, n)["reduced"] for n in (1, 2, 3)] == [2, 1, 0]
    days = found.marks.query("kind == 'reduced'")[["USUBJID", "day"]].to_numpy().tolist()
    assert sorted(days) == [["P-001", 28], ["P-001", 56], ["P-002", 28]]


def test_infusions_by_the_dose_received():
    """Randomised to the higher dose and given the lower one: 1 is then a whole dose."""
    found, _ = by_hand({**one(1, HIGH), "ACTARMCD": LOW}, infusions=[(1, "2024-01-01", "1", None)])
    assert line(found, 1)["reduced"] == 0


def test_a_trial_that_does_not_record_infusions():
    found, _ = by_hand(one(1), ex=False)
    assert np.isnan(line(found, 1)["administrations"])
    assert not found.marks["kind"].isin(["administration", "reduced"]).any()


def test_weeks_count_from_the_first_infusion_and_days_from_randomisation():
    made = one(1, reason="LOST TO FOLLOW-UP", contact=73)
    made["TRTSDT"] = made["RANDDT"] + pd.Timedelta(days=3)
    found, _ = by_hand(made)
    assert found.marks.query("kind == 'lost'")[["day", "week"]].to_numpy().tolist() == [[73, 10]]


def test_patients_are_told_apart():
    twice, _ = by_hand(one(1, subjid="7"), one(2, subjid="7"))
    assert twice.patients["number"].tolist() == ["P-001", "P-002"]
    without, _ = by_hand({**one(1), "SUBJID": None}, one(2, subjid="8"))
    assert sorted(without.patients["number"]) == ["8", "P-001"]


def test_patients_come_by_arm_and_number():
    found, _ = by_hand(one(4), one(3, HIGH), one(2), one(1, HIGH))
    assert found.patients["number"].tolist() == ["002", "004", "001", "003"]


@pytest.mark.parametrize("cut", CUTS)
def test_every_number_in_the_words_cites_its_row(cut, study, found):
    _, reported = found(cut)
    known = {row.result_id: row for row in reported.rows}
    _, nobody = patients.divided(found(cut)[0], 1000)
    for text in (
        patients.words(reported, study(cut).arms),
        patients.shown_words(study(cut), nobody, reported),
    ):
        assert unspanned_numbers(text) == []
        for id, said in spans(text):
            assert float(said) in (known[id].value, known[id].n)


def test_words_of_the_demonstration(study, found):
    text = plain(patients.words(found("demo-final")[1], study("demo-final").arms))
    assert text == (
        "Of 11 patients in the low-dose group, 9 completed the study with the native liver and 2 died; of 11 patients in the "
        "medium-high-dose group, 7 completed the study with the native liver, 1 was alive after a transplant when last seen, "
        "2 died and 1 was lost to follow-up or left the study."
    )


def test_an_arm_without_patients():
    _, reported = by_hand(one(1, completed=True))
    text = plain(patients.words(reported, [LOW, HIGH]))
    assert text.endswith("of 0 patients in the medium-high-dose group, nobody was followed.")


def test_what_the_protocol_says(study):
    own = study("demo-final")
    text = patients.planned_words(own)
    assert f"study days {own.protocol.administrations.value[0]}, " in text
    assert "Infusions" not in patients.planned_words(study("mayo-pbc"))


def test_states_by_hand():
    """A death counts on its own day; a follow-up that ends on a day still covers it, and no day after it."""
    found, _ = by_hand(
        one(1, days=100, dead=True), one(2, contact=100), one(3, contact=300, transplant_day=100),
        one(4, days=200, dead=True, transplant_day=50),
    )  # fmt: skip
    rows = rows_of("states", state_rows(found, [49, 99, 100, 101, 200]), analysis="FLOW", chapter="07")
    told = {
        day: [rows.row(state, LOW, day).value for state in states_of(found)]
        for day in (49, 99, 100, 101, 200)
    }  # followed, ended, transplanted, dead
    assert told == {
        49: [4, 0, 0, 0],
        99: [3, 0, 1, 0],
        100: [1, 0, 2, 1],
        101: [0, 1, 2, 1],
        200: [0, 1, 1, 2],
    }


@few(20)
@given(
    st.lists(
        st.tuples(st.integers(0, 400), st.booleans(), st.none() | st.integers(0, 400)), min_size=1, max_size=6
    ),
    st.lists(st.integers(0, 500), min_size=1, max_size=4, unique=True),
)
def test_states_divide_the_patients_and_nobody_comes_back(people, days):
    own = [one(n, days=end, dead=dead, transplant_day=graft) for n, (end, dead, graft) in enumerate(people)]
    found, reported = by_hand(*own)
    rows = state_rows(found, sorted(days)).query("group == @LOW")
    wide = rows.pivot_table(index="time", columns="statistic", values="value")
    assert (wide.sum(axis=1) == len(people)).all()
    assert wide["followed"].is_monotonic_decreasing
    assert wide.get("death", pd.Series([0])).is_monotonic_increasing
    late = state_rows(found, [1000.0]).query("group == @LOW").set_index("statistic")["value"]
    assert late.get("death", 0) == reported.row("death", LOW).value
    assert late["transplant"] == reported.row("transplant", LOW).value


def test_table_of_states(study, found):
    own, (result, reported) = study("mayo-pbc"), found("mayo-pbc")
    days = [0.0, 730.5, 4383.0, 5000.0]
    rows = rows_of("patient_states", state_rows(result, days), analysis="FLOW", chapter="07")
    axis = time_axis(1826.25, ticks=days)
    frame = state_table(rows, own.arms, axis).frame
    assert frame["Group"].tolist() == [LABELS[arm] for arm in own.arms for _ in days]
    counts = frame.iloc[:, 2:].astype(int)
    names = [
        "Followed with the native liver",
        "Follow-up ended with the native liver",
        "Transplanted",
        "Died",
    ]
    assert list(frame) == ["Group", "Years since randomisation", *names]
    assert counts.sum(axis=1).tolist() == [154] * 4 + [158] * 4  # the control first
    for block, arm in enumerate(own.arms):
        last = counts.iloc[4 * block + 3]
        assert last["Died"] == reported.row("death", arm).value
        assert last["Transplanted"] == reported.row("transplant", arm).value
        assert last["Followed with the native liver"] == 0


def test_dead_at_two_years_are_those_of_adtte(study, found):
    own = study("mayo-pbc")
    os = own.adtte.query("PARAMCD == 'OS' and CNSR == 0 and AVAL <= 730.5")["ARMCD"].value_counts()
    rows = state_rows(found("mayo-pbc")[0], [730.5]).query("statistic == 'death'")
    assert rows.set_index("group")["value"].to_dict() == os.to_dict()


def test_few_and_many(study, found):
    everybody, reported = found("demo-final")
    assert unspanned_numbers(patients.shown_words(study("demo-final"), everybody, reported)) == []
    for most, sizes in ((22, [22, 0]), (21, [0, 22])):
        assert [len(own.patients) for own in patients.divided(everybody, most)] == sizes


def test_of_nobody_nothing_is_shown(study, found):
    own, (everybody, reported) = study("demo-final"), found("demo-final")
    _, nobody = patients.divided(everybody, 22)
    axis = time_axis(365)
    assert patients.swimmer_figure(own, nobody, reported, axis=axis) is None
    assert state_figure(own, nobody, reported, axis=axis) is None
    rows = rows_of("states", state_rows(nobody, [0, 365]), analysis="FLOW", chapter="07")
    assert (rows.rows, state_table(rows, own.arms, axis)) == ((), None)
    none = rows_of("patients", listing_rows(own, nobody, ["MELD"]), analysis="LISTING", chapter="07")
    assert (none.rows, listing_table(own, nobody, none, ["MELD"])) == ((), None)
    (said,) = patients.profile_figures(own, nobody, ["MELD"])
    assert "drawn together" in said.html


def test_the_study_is_not_modified(study):
    own = study("demo-final")
    before = own.adsl.copy(), own.adce.copy(), own.adtte.copy(), own.tables["EX"].copy(), own.adlb.copy()
    found = courses(own, patients.conditions(own.protocol))
    kept = found.patients.copy(), found.marks.copy()
    rows = rows_of("courses", found, analysis="FLOW", chapter="07")
    patients.swimmer_figure(own, found, rows, axis=time_axis(365))
    patients.profile_figure(own, found, own.protocol.parameter("MELD"))
    state_figure(own, found, rows, axis=time_axis(365))
    for now, then in zip((own.adsl, own.adce, own.adtte, own.tables["EX"], own.adlb), before, strict=True):
        pd.testing.assert_frame_equal(now, then)
    for now, then in zip((found.patients, found.marks), kept, strict=True):
        pd.testing.assert_frame_equal(now, then)


def test_words_for_those_who_do_not_see_the_figures(study, found):
    own, (result, rows) = study("demo-final"), found("demo-final")
    swimmer = patients.swimmer_figure(own, result, rows, axis=time_axis(365)).alt
    assert "16 completed the study with the native liver" in swimmer
    assert (
        "61 infusions, 1 stopped or reduced infusion, 5 of gastrointestinal bleeding, 6 of ascites" in swimmer
    )
    profile = patients.profile_figure(own, result, own.protocol.parameter("MELD")).alt
    assert profile.startswith(
        "MELD score of each of 22 patients in weeks since first infusion, one panel a patient"
    )
    areas = state_figure(own, result, rows, axis=time_axis(365)).alt
    assert areas.endswith("4 died and 1 was lost to follow-up or left the study.")


def test_title_of_a_profile_finds_nothing_and_counts_who_is_drawn(study, found):
    own, (result, _) = study("demo-final"), found("demo-final")
    title = patients.profile_figure(own, result, own.protocol.parameter("MELD")).title
    assert " ".join(title.split()) == "MELD score: course of each of 22 patients"


# --- other trials ----------------------------------------------------------------------------------------------


def tablets(content):
    """A trial of a daily tablet, without transplants, in which a bleeding is the outcome."""
    content.pop("transplant", None)
    content["treatment"] = {"one": "tablet", "many": "tablets", "given": "treated", "regimen": "continuous"}
    content["analyses"] = [own for own in content["analyses"] if own.get("kind") in ("milestone", "courses")]
    for own in content["analyses"]:
        if own.get("kind") == "milestone":
            own["endpoint"] = "TTGIB"


DAILY = changed(protocol(), tablets)


def daily(*people, taken=()):
    """Courses of patients on a daily tablet; `taken` are (patient, first day, last day)."""
    rows = [(f"P-{n:03d}", str(seq), first, last, "1") for seq, (n, first, last) in enumerate(taken, 1)]
    ex = pd.DataFrame(rows, columns=["USUBJID", "EXSEQ", "EXSTDTC", "EXENDTC", "EXDOSE"], dtype=object)
    dm = pd.DataFrame([{"USUBJID": p["USUBJID"], "ARMCD": p["ARMCD"]} for p in people], dtype=object)
    ds = pd.DataFrame(columns=["USUBJID", "DSSEQ", "DSCAT", "DSDECOD", "DSSTDTC"], dtype=object)
    own = study_of(people, trial=DAILY, tables={"EX": ex, "DM": dm, "DS": ds})
    found = courses(own, ())
    return own, found, rows_of("courses", found, analysis="FLOW", chapter="07")


def test_of_a_continuous_treatment_days_are_counted_each_once():
    """1 to 10 January and 8 to 20 January are 20 days; of a patient seen for 10 days no more than 11 can be known."""
    taken = [
        (1, "2024-01-01", "2024-01-10"),
        (1, "2024-01-08", "2024-01-20"),
        (2, "2024-01-01", "2024-03-01"),
    ]
    _, found, _ = daily(one(1, days=100), one(2, HIGH, days=10), one(3), taken=taken)
    assert [line(found, n)["days_treated"] for n in (1, 2, 3)] == [20, 11, 0]
    assert found.spans[["start", "stop"]].to_numpy().tolist() == [[0, 10], [10, 20], [0, 11]]
    assert not found.marks["kind"].isin(["administration", "reduced"]).any()
    assert np.isnan(line(found, 1)["administrations"])


def test_a_trial_without_transplants_speaks_of_none():
    own, found, reported = daily(one(1, completed=True), one(2), one(3, HIGH, dead=True, days=30))
    assert found.outcomes == ("completed", "ongoing", "event", "death", "lost")
    assert {row.statistic for row in reported.rows} == set(found.outcomes)
    with read_by(reader_of(own)):
        text = plain(patients.words(reported, own.arms))
        assert text == (
            "Of 2 patients in the low-dose group, 1 completed the study and 1 was under observation; of 1 patient in the "
            "medium-high-dose group, 1 died."
        )
        shown = patients.shown_words(own, found, reported) + patients.planned_words(own)
        assert "transplant" not in shown
        drawn = patients.swimmer_figure(own, found, reported, axis=time_axis(365)).legend
        assert "transplant" not in drawn
        assert "time under treatment" in drawn
        rows = rows_of("patients", listing_rows(own, found, []), analysis="LISTING", chapter="07")
        table = listing_table(own, found, rows, [])
        assert list(table.frame) == ["Group", "Patient", "Age, sex", "Days of treatment", "Outcome (day)"]
        assert not any("transplant" in note for note in table.footnotes)
        states = rows_of("states", state_rows(found, [0, 40]), analysis="FLOW", chapter="07")
        frame = state_table(states, own.arms, time_axis(365, ticks=[0, 40]), had=found.had).frame
        assert list(frame)[2:] == ["Followed", "Follow-up ended", "Had the event", "Died"]


def test_the_event_of_the_primary_analysis_is_a_state_from_its_day_on():
    """A death outranks it, and follow-up that ends after it does not."""
    own, _, _ = daily(one(1, days=100), one(2, days=90), one(3, days=80, dead=True))
    bled = own.adtte.assign(PARAMCD="TTGIB", CNSR=[0, 1, 0], AVAL=[30.0, 90.0, 40.0], EVTYPE=None)
    found = courses(replace(own, adtte=bled), ())
    reported = rows_of("courses", found, analysis="FLOW", chapter="07")
    assert found.patients.set_index("USUBJID")["outcome"].tolist() == ["event", "ongoing", "death"]
    rows = rows_of("states", state_rows(found, [29, 30, 80, 101]), analysis="LISTING", chapter="07")
    states = ("followed", "ended", "event", "death")
    told = {day: [rows.row(state, LOW, day).value for state in states] for day in (29, 30, 80, 101)}
    assert told == {29: [3, 0, 0, 0], 30: [2, 0, 1, 0], 80: [1, 0, 1, 1], 101: [0, 1, 1, 1]}
    with read_by(reader_of(own)):
        assert "1 bled" in plain(patients.words(reported, [LOW], had="bled"))
        table = state_table(rows, [LOW], time_axis(365, ticks=[29, 30, 80, 101]), had="bled")
        assert list(table.frame)[2:] == ["Followed", "Follow-up ended", "Bled", "Died"]
        assert any(note.startswith("Bled: from that day on") for note in table.footnotes)
        lines = rows_of("patients", listing_rows(own, found, []), analysis="LISTING", chapter="07")
        assert "Under observation" in listing_table(own, found, lines, []).frame["Outcome (day)"][0]


def test_where_nobody_died_no_state_is_death():
    _, found, _ = daily(one(1, completed=True), one(2, HIGH))
    assert {row for row in state_rows(found, [0])["statistic"]} == {"followed", "ended", "event"}


def test_marked_are_the_conditions_that_are_analysed_and_an_outcome_that_is_no_death(study):
    assert patients.conditions(study("demo-final").protocol) == ("TTGIB", "TTASC", "TTHE")
    assert patients.conditions(DAILY) == ("TTGIB",)


def test_without_a_parameter_to_draw_it_is_said(study):
    own = study("demo-final")
    (said,) = patients.profile_figures(own, courses(own, ()), [])
    assert "no parameter is chosen" in said.html


def test_an_outcome_without_a_day_marks_none(study):
    assert patients.marked_day(study("demo-final").protocol) == 365
    assert patients.marked_day(study("mayo-pbc").protocol) is None  # a hazard ratio is of the whole time
