"""Participant flow: counts that add up, or a refusal."""

from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from esld.report.flow import flow_table, participant_flow
from esld.report.results import rows_of
from tests.report.builders import HIGH, LOW, footnotes, patient, study_of

PATIENTS = [
    patient(1, LOW, days=400, completed=True),  # followed
    patient(2, LOW, days=100, dead=True),  # dead by one year
    patient(3, LOW, days=365, dead=True),  # dead on the very day
    patient(4, LOW, days=366, dead=True),  # alive at one year, dead the day after
    patient(5, LOW, days=200, reason="LOST TO FOLLOW-UP", treated=False),
    patient(6, HIGH, days=250, reason="WITHDRAWAL BY SUBJECT"),
    patient(7, HIGH, days=365, completed=True),  # followed on the very day
    patient(8, HIGH, days=150, censored_by_rule=True),
    patient(9, HIGH, days=100),  # randomised a year ago, not seen since
    patient(10, HIGH, days=60, randomised="2025-12-01"),  # one year not yet reached
    patient(11, None, reason="SCREEN FAILURE"),
    patient(12, None, reason="WITHDRAWAL BY SUBJECT"),
    patient(13, None),  # waiting
]
TABLES = {"EX": pd.DataFrame(), "IE": pd.DataFrame({"USUBJID": ["P-011"]})}


def by_hand(patients=PATIENTS, **how):
    return study_of(patients, **{"tables": TABLES, **how})


def counts(study, at=365) -> pd.DataFrame:
    return participant_flow(study, horizon_days=at).counts


def test_every_patient_is_counted_where_he_belongs():
    found = counts(by_hand())
    wanted = {
        "assessed": (None, None, 13),
        "excluded": (None, None, 2),
        "ineligible": (None, None, 1),
        "other": (None, None, 1),
        "waiting": (None, None, 1),
        "randomised": (5, 5, 10),
        "treated": (4, 5, 9),
        "untreated": (1, 0, 1),
        "dead": (2, 0, 2),
        "followed": (2, 1, 3),
        "lost": (1, 2, 3),
        "open": (0, 1, 1),
        "overdue": (0, 1, 1),
        "analysed": (5, 5, 10),
    }
    assert {step: tuple(found.loc[step]) for step in found.index} == wanted
    assert list(found.columns) == [LOW, HIGH, "All"]


STATES = st.builds(
    patient,
    st.integers(1, 999),
    st.sampled_from([LOW, HIGH, None]),
    days=st.integers(0, 800),
    dead=st.booleans(),
    randomised=st.sampled_from(["2024-01-01", "2025-06-01"]),
    treated=st.booleans(),
    reason=st.sampled_from([None, "LOST TO FOLLOW-UP", "WITHDRAWAL BY SUBJECT"]),
    completed=st.booleans(),
    censored_by_rule=st.booleans(),
)


@settings(max_examples=25)
@given(
    st.lists(STATES, min_size=1, max_size=25, unique_by=lambda p: p["USUBJID"]), st.sampled_from([120, 365])
)
def test_splits_add_up_in_any_study(patients, at):
    if not any(p["TRT01P"] for p in patients):
        return
    found = counts(by_hand(patients), at)
    every = found["All"]
    assert every["assessed"] == len(patients) == every["excluded"] + every["waiting"] + every["randomised"]
    for column in found.columns:
        own = found[column]
        assert (
            own["randomised"] == own[["dead", "followed", "lost", "open", "overdue"]].sum() == own["analysed"]
        )
        assert own["randomised"] == own["treated"] + own["untreated"]


class TestRefusal:
    """Seeded faults: a table that does not add up is never drawn."""

    def test_randomised_patient_without_an_arm(self):
        study = by_hand()
        adsl = study.adsl.assign(TRT01P=study.adsl["TRT01P"].mask(study.adsl["USUBJID"].eq("P-001"), None))
        with pytest.raises(ValueError, match="randomised is 10, but the arms give 9"):
            counts(replace(study, adsl=adsl))

    def test_patient_without_a_time(self):
        study = by_hand()
        adtte = study.adtte[study.adtte["USUBJID"].ne("P-007")]
        with pytest.raises(ValueError, match="Medium-high dose: randomised 5, but analysed 4"):
            counts(replace(study, adtte=adtte))

    def test_missing_time(self):
        study = by_hand()
        adtte = study.adtte.assign(AVAL=study.adtte["AVAL"].where(study.adtte["USUBJID"].ne("P-007")))
        with pytest.raises(ValueError, match="must add up"):
            counts(replace(study, adtte=adtte))

    def test_time_of_somebody_who_was_not_randomised(self):
        study = by_hand()
        extra = study.adtte.iloc[[0]].assign(USUBJID="P-013")
        with pytest.raises(ValueError, match="All: randomised 10, but analysed 11"):
            counts(replace(study, adtte=pd.concat([study.adtte, extra], ignore_index=True)))

    def test_arm_that_the_protocol_does_not_know(self):
        study = by_hand()
        adsl = study.adsl.assign(TRT01P=study.adsl["TRT01P"].replace(HIGH, "High dose"))
        with pytest.raises(ValueError, match="the arms give 5"):
            counts(replace(study, adsl=adsl))


class TestExamples:
    def test_final_cut(self, study):
        found = counts(study("demo-final"))["All"]
        assert (found["assessed"], found["excluded"], found["randomised"], found["analysed"]) == (
            27,
            5,
            22,
            22,
        )
        assert found[["dead", "followed", "lost", "open", "overdue"]].tolist() == [3, 18, 1, 0, 0]

    def test_interim_cut(self, study):
        """One year is reached for few; who has not been seen since then is told apart from who is not yet there."""
        own = study("demo-interim")
        found = counts(own)["All"]
        since = pd.Timestamp(own.cut.cutoff) - own.randomised.set_index("USUBJID")["RANDDT"]
        os = own.adtte[own.adtte["PARAMCD"].eq("OS")].set_index("USUBJID")
        known = os["CNSR"].eq(0) | (os["AVAL"] >= 365)
        assert found["open"] == int((~known & (since.dt.days < 365)).sum()) > 0
        assert found["overdue"] == int((~known & (since.dt.days >= 365)).sum())

    def test_interim_cut_may_hold_patients_who_wait(self):
        found = counts(by_hand(cutoff="2024-06-30"))["All"]
        assert found["waiting"] == 1
        assert found["overdue"] == 0
        assert found["open"] == 2  # P-009 and P-010: nothing ended for them, and one year has not passed

    def test_trial_without_exposure_and_without_criteria(self, study):
        found = counts(study("mayo-pbc"), 365.25)
        assert not {"treated", "untreated"} & set(found.index)
        assert found.loc["randomised"].tolist() == [158, 154, 312]
        assert found.loc["ineligible", "All"] == 0


class TestTable:
    def test_blocks_and_words(self):
        table = flow_table(participant_flow(by_hand(), horizon_days=365))
        assert list(table.frame["Stage"].unique()) == ["Enrolment", "Treatment", "Follow-up", "Analysis"]
        told = dict(zip(table.frame["Patients"], table.frame["All"], strict=True))
        assert told["Dead by one year"] == "2"
        assert told["Follow-up ended before one year"] == "3"
        assert told["Under observation, one year not yet reached"] == "1"
        assert told["Under observation, one year reached, not seen since"] == "1"
        assert table.frame.loc[0, LOW] == ""
        assert "All randomised patients are analysed" in footnotes(table)[0]

    def test_nobody_overdue_needs_no_line(self, study):
        table = flow_table(participant_flow(study("demo-final"), horizon_days=365))
        assert not table.frame["Patients"].str.contains("not seen since").any()

    def test_no_block_of_treatment_without_exposure(self, study):
        table = flow_table(participant_flow(study("mayo-pbc"), horizon_days=365.25))
        assert list(table.frame["Stage"].unique()) == ["Enrolment", "Follow-up", "Analysis"]


def test_long_form_has_a_row_a_step_and_arm_with_the_randomised_as_n():
    flow = participant_flow(by_hand(), horizon_days=365)
    reported = rows_of("flow", flow, analysis="FLOW", chapter="00_data_cut")
    assert reported.row("lost", HIGH).value == 2
    assert (reported.row("lost", HIGH).n, reported.row("lost", "All").n) == (5, 10)
    assert reported.row("waiting").arm == "All"  # before randomisation there are no arms
    assert {r.unit for r in reported.rows} == {"patients"}


def test_study_is_not_modified():
    study = by_hand()
    before = study.adsl.copy()
    counts(study)
    pd.testing.assert_frame_equal(study.adsl, before)
