"""Participant flow: counts that add up, or a refusal."""

import re
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data.cutfile import ALL
from esld.report.flow import absent_words, flow_of, flow_table, participant_flow
from esld.report.results import Reported, rows_of
from tests.examples import few
from tests.report import in_process
from tests.report.builders import HIGH, LOW, ROOT, footnotes, patient, study_of

PATIENTS = [
    patient(1, LOW, days=400, completed=True),  # followed
    patient(2, LOW, days=100, dead=True, transplant_day=50),  # dead by one year
    patient(3, LOW, days=365, dead=True),  # dead on the very day
    patient(4, LOW, days=366, dead=True, transplant_day=366),  # alive at one year, dead the day after
    patient(5, LOW, days=200, reason="LOST TO FOLLOW-UP", treated=False),
    patient(6, HIGH, days=250, reason="WITHDRAWAL BY SUBJECT"),
    patient(7, HIGH, days=365, completed=True, transplant_day=200),  # followed on the very day
    patient(8, HIGH, days=150, censored_by_rule=True),
    patient(9, HIGH, days=100),  # randomised a year ago, not seen since
    patient(10, HIGH, days=60, randomised="2025-12-01"),  # one year not yet reached
    patient(11, None, reason="SCREEN FAILURE"),
    patient(12, None, reason="WITHDRAWAL BY SUBJECT"),
    patient(13, None),  # waiting
]
FAILED = pd.DataFrame({"USUBJID": ["P-011", "P-011"], "IETESTCD": ["EX07", "EX10"]})
TABLES = {"EX": pd.DataFrame(), "IE": FAILED}


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
        "transplanted": (0, 1, 1),
        "lost": (1, 2, 3),
        "open": (0, 1, 1),
        "overdue": (0, 1, 1),
        "analysed": (5, 5, 10),
        "ineligible: EX07": (None, None, 1),
        "other: withdrawal by subject": (None, None, 1),
        "untreated: lost to follow-up": (1, 0, 1),
        "lost: Last day known alive": (0, 1, 1),
        "lost: lost to follow-up": (1, 0, 1),
        "lost: withdrawal by subject": (0, 1, 1),
    }
    assert {step: tuple(found.loc[step]) for step in found.index} == wanted
    assert list(found.columns) == [LOW, HIGH, ALL]


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


@few(15)
@given(
    st.lists(STATES, min_size=1, max_size=25, unique_by=lambda p: p["USUBJID"]), st.sampled_from([120, 365])
)
def test_splits_add_up_in_any_study(patients, at):
    if not any(p["ARMCD"] for p in patients):
        return
    found = counts(by_hand(patients), at)
    every = found[ALL]
    assert every["assessed"] == len(patients) == every["excluded"] + every["waiting"] + every["randomised"]
    for column in found.columns:
        own = found[column]
        assert (
            own["randomised"] == own[["dead", "followed", "lost", "open", "overdue"]].sum() == own["analysed"]
        )
        assert own["randomised"] == own["treated"] + own["untreated"]
        for step in ("untreated", "lost"):
            assert own[step] == own[own.index.str.startswith(f"{step}: ")].sum()


class TestRefusal:
    """Seeded faults: a table that does not add up is never drawn."""

    def test_randomised_patient_without_an_arm(self):
        study = by_hand()
        adsl = study.adsl.assign(ARMCD=study.adsl["ARMCD"].mask(study.adsl["USUBJID"].eq("P-001"), None))
        with pytest.raises(ValueError, match="randomised is 10, but the arms give 9"):
            counts(replace(study, adsl=adsl))

    def test_patient_without_a_time(self):
        study = by_hand()
        adtte = study.adtte[study.adtte["USUBJID"].ne("P-007")]
        with pytest.raises(ValueError, match="MEDHIGH: randomised 5, but analysed 4"):
            counts(replace(study, adtte=adtte))

    def test_missing_time(self):
        study = by_hand()
        adtte = study.adtte.assign(AVAL=study.adtte["AVAL"].where(study.adtte["USUBJID"].ne("P-007")))
        with pytest.raises(ValueError, match="must add up"):
            counts(replace(study, adtte=adtte))

    def test_time_of_somebody_who_was_not_randomised(self):
        study = by_hand()
        extra = study.adtte.iloc[[0]].assign(USUBJID="P-013")
        with pytest.raises(ValueError, match="ALL: randomised 10, but analysed 11"):
            counts(replace(study, adtte=pd.concat([study.adtte, extra], ignore_index=True)))

    def test_arm_that_the_protocol_does_not_know(self):
        study = by_hand()
        adsl = study.adsl.assign(ARMCD=study.adsl["ARMCD"].replace(HIGH, "High dose"))
        with pytest.raises(ValueError, match="the arms give 5"):
            counts(replace(study, adsl=adsl))


def reported(study, at=365):
    return rows_of("flow", participant_flow(study, horizon_days=at), analysis="FLOW", chapter="00_data_cut")


@pytest.fixture(scope="module")
def final(study):
    return study("demo-final")


@pytest.fixture(scope="module")
def final_rows(final):
    return reported(final).rows


FINAL_STEPS = [
    *(
        "assessed",
        "excluded",
        "ineligible",
        "other",
        "waiting",
        "randomised",
        "treated",
        "complete",
        "partial",
    ),
    *("untreated", "dead", "followed", "lost", "open", "overdue", "analysed", "safety"),
    *("untreated: not_recorded", "lost: lost to follow-up (not reached after this day)", "ineligible: EX07"),
]


class TestSafetySet:
    """Counted by the dose received, and never another number than the treated."""

    def test_by_the_dose_received(self, study):
        own = study("demo-final")
        first = own.adsl.index[own.adsl["ARMCD"].eq(LOW) & own.adsl["SAFFL"].eq("Y")][0]
        arms = own.adsl["ACTARMCD"].mask(own.adsl.index == first, HIGH)
        found = counts(replace(own, adsl=own.adsl.assign(ACTARMCD=arms)))
        assert found.loc["treated"].tolist() == [10, 11, 21]
        assert found.loc["safety"].tolist() == [9, 12, 21]

    def test_treated_patient_outside_it(self, study):
        own = study("demo-final")
        flags = own.adsl["SAFFL"].mask(own.adsl["USUBJID"].eq("NCT06167473-001"), "N")
        with pytest.raises(ValueError, match="treated 21, but safety 20"):
            counts(replace(own, adsl=own.adsl.assign(SAFFL=flags)))

    def test_trial_that_does_not_collect_it(self, study):
        own = study("demo-final")
        assert "safety" not in counts(replace(own, adsl=own.adsl.assign(SAFFL=None))).index


class TestFromResults:
    """The front page draws the flow from the results: the same, or not at all."""

    @pytest.mark.parametrize("cut", ["demo-final", "demo-interim", "mayo-pbc"])
    def test_the_rows_give_the_flow_again(self, study, cut):
        own = study(cut)
        at = own.protocol.horizon_days
        again = flow_of(reported(own, at), own, horizon_days=at)
        first = participant_flow(own, horizon_days=at)
        assert again.counts.to_dict("index") == first.counts.to_dict("index")
        assert flow_table(again).frame.equals(flow_table(first).frame)

    @pytest.mark.parametrize("step", FINAL_STEPS)
    @pytest.mark.parametrize("more", [1, -1])
    def test_no_count_can_change_by_itself(self, final, final_rows, step, more):
        own = [r for r in final_rows if r.statistic == step]
        assert own
        for wrong in own:
            changed = [replace(r, value=r.value + more) if r is wrong else r for r in final_rows]
            with pytest.raises(ValueError, match="participant flow must add up"):
                flow_of(Reported(tuple(changed)), final, horizon_days=365)

    @pytest.mark.parametrize(
        ("step", "said"),
        [
            ("assessed", "ALL: assessed 28, but excluded 5, waiting 0, randomised 22"),
            ("waiting", "ALL: assessed 27, but excluded 5, waiting 1, randomised 22"),
            ("other", "ALL: excluded 5, but ineligible 4, other 2"),
            ("ineligible: EX07", "ALL: ineligible 4, but ineligible: "),
            ("untreated", "LOW: randomised 11, but treated 10, untreated 2"),
            ("partial", "LOW: treated 10, but complete 9, partial 2"),
            ("untreated: not_recorded", "LOW: untreated 1, but untreated: not_recorded 2"),
            ("lost", "LOW: randomised 11, but dead 2, followed 9, lost 1, open 0, overdue 0"),
            (
                "lost: lost to follow-up (not reached after this day)",
                "LOW: lost 0, but lost: lost to follow-up (not reached after this day) 1",
            ),
            ("analysed", "LOW: randomised 11, but analysed 12"),
            ("safety", "ALL: treated 21, but safety 22"),
        ],
    )
    def test_every_split_is_named_when_it_fails_in_an_arm_and_in_all(self, final, final_rows, step, said):
        more = [replace(r, value=r.value + (r.statistic == step and r.arm in (LOW, ALL))) for r in final_rows]
        with pytest.raises(ValueError, match=re.escape(said)):
            flow_of(Reported(tuple(more)), final, horizon_days=365)

    def test_more_transplanted_than_followed(self, final, final_rows):
        many = [replace(r, value=10.0) if r.statistic == "transplanted" else r for r in final_rows]
        with pytest.raises(ValueError, match="LOW: transplanted 10 of followed 9"):
            flow_of(Reported(tuple(many)), final, horizon_days=365)


class TestExamples:
    def test_final_cut(self, study):
        found = counts(study("demo-final"))[ALL]
        assert (found["assessed"], found["excluded"], found["randomised"], found["analysed"]) == (
            27,
            5,
            22,
            22,
        )
        assert found[["dead", "followed", "lost", "open", "overdue"]].tolist() == [3, 18, 1, 0, 0]
        assert found[["treated", "complete", "partial", "untreated", "safety"]].tolist() == [21, 20, 1, 1, 21]

    def test_reasons_of_the_final_cut(self, study):
        """Screened 004, 009, 015 and 024 by their first IE record; 026 lost after 30 July 2025."""
        flow = participant_flow(study("demo-final"), horizon_days=365)
        assert {words: flow.count(name) for name, words in flow.reasons("ineligible").items()} == {
            "Interferon or glucocorticoid therapy within 1 year": 1,
            "Not 18-80 years old": 1,
            "Treated for mental illness": 1,
            "Tumours of the liver or other organs": 1,
        }
        assert {words: flow.count(name, HIGH) for name, words in flow.reasons("lost").items()} == {
            "Lost to follow-up (not reached after this day)": 1
        }

    def test_interim_cut(self, study):
        """One year is reached for few; who has not been seen since then is told apart from who is not yet there."""
        own = study("demo-interim")
        found = counts(own)[ALL]
        since = pd.Timestamp(own.cut.cutoff) - own.randomised.set_index("USUBJID")["RANDDT"]
        os = own.adtte[own.adtte["PARAMCD"].eq("OS")].set_index("USUBJID")
        known = os["CNSR"].eq(0) | (os["AVAL"] >= 365)
        assert found["open"] == int((~known & (since.dt.days < 365)).sum()) > 0
        assert found["overdue"] == int((~known & (since.dt.days >= 365)).sum())

    def test_interim_cut_may_hold_patients_who_wait(self):
        found = counts(by_hand(cutoff="2024-06-30"))[ALL]
        assert found["waiting"] == 1
        assert found["overdue"] == 0
        assert found["open"] == 2  # P-009 and P-010: nothing ended for them, and one year has not passed

    def test_trial_without_exposure_and_without_criteria(self, study):
        found = counts(study("mayo-pbc"), 365.25)
        absent = {"assessed", "excluded", "ineligible", "other", "waiting", "treated", "untreated", "safety"}
        assert not absent & set(found.index)
        assert found.loc["randomised"].tolist() == [154, 158, 312]  # the control first

    def test_transplantation_ends_follow_up_where_the_endpoint_says_so(self, study):
        """At five years 13 of the 19 transplanted patients of the Mayo data had left follow-up that way."""
        own = study("mayo-pbc")
        flow = participant_flow(own, horizon_days=1826.25)
        (name,) = [
            n for n, words in flow.reasons("lost").items() if words.startswith("Liver transplantation")
        ]
        os = own.adtte[
            own.adtte["PARAMCD"].eq("OS") & own.adtte["CNSDTDSC"].fillna("").str.startswith("Liver")
        ]
        assert flow.count(name) == int((os["AVAL"] < 1826.25).sum()) > 0
        assert flow.count("transplanted") == 0

    def test_what_is_not_in_the_data_is_said(self, study):
        assert absent_words(participant_flow(study("demo-final"), horizon_days=365)) == ""
        words = absent_words(participant_flow(study("mayo-pbc"), horizon_days=365.25))
        assert words == (
            "Who was assessed and not randomised is not in the data, so that the flow begins with randomisation. "
            "What treatment was received is not in the data."
        )

    def test_nobody_excluded_with_a_screening_domain_is_a_count(self):
        found = counts(by_hand([patient(1, LOW)], tables={"IE": FAILED.iloc[:0]}))
        assert found.loc["assessed", ALL] == 1
        assert found.loc["excluded", ALL] == 0


class TestTable:
    def test_blocks_and_words(self):
        table = flow_table(participant_flow(by_hand(), horizon_days=365))
        assert list(table.frame["Stage"].unique()) == ["Enrolment", "Treatment", "Follow-up", "Analysis"]
        told = dict(zip(table.frame["Patients"], table.frame["All"], strict=True))
        assert told["Dead by one year"] == "2"
        assert told["Follow-up ended before one year"] == "3"
        assert told["Under observation, one year not yet reached"] == "1"
        assert told["Under observation, one year reached, not seen since"] == "1"
        assert table.frame.loc[0, "Low dose"] == ""
        assert told["… … Treated for mental illness"] == told["… Withdrawal by subject"] == "1"
        first, who, second, third = footnotes(table)
        assert first.startswith("Treatment and follow-up each add up")
        assert "All randomised patients are analysed" in who
        assert "add up to those assessed" in second
        assert "first that is recorded" in third

    def test_nobody_overdue_needs_no_line(self, study):
        table = flow_table(participant_flow(study("demo-final"), horizon_days=365))
        assert not table.frame["Patients"].str.contains("not seen since").any()

    def test_no_block_of_treatment_without_exposure(self, study):
        table = flow_table(participant_flow(study("mayo-pbc"), horizon_days=365.25))
        assert list(table.frame["Stage"].unique()) == ["Enrolment", "Follow-up", "Analysis"]
        assert table.frame.loc[0, "Patients"] == "Randomised"
        assert footnotes(table)[0] == "Follow-up adds up to the randomised."
        assert len(footnotes(table)) == 2


def test_long_form_has_a_row_a_step_and_arm_with_the_randomised_as_n():
    flow = participant_flow(by_hand(), horizon_days=365)
    found = rows_of("flow", flow, analysis="FLOW", chapter="00_data_cut")
    assert found.row("lost", HIGH).value == 2
    assert (found.row("lost", HIGH).n, found.row("lost", ALL).n) == (5, 10)
    assert found.row("waiting").arm == ALL  # before randomisation there are no arms
    assert {r.unit for r in found.rows} == {"patients"}


def test_study_is_not_modified():
    study = by_hand()
    before = study.adsl.copy()
    counts(study)
    pd.testing.assert_frame_equal(study.adsl, before)


def test_the_demonstration_trial_says_the_reasons_that_it_has(study):
    """Recounted in DS, IE and AE: 020 declined, 027 stopped for pneumonia, 026 could not be reached; of 019, never infused, no
    form gives a reason.
    """
    flow = participant_flow(study("demo-final"), horizon_days=365)
    said = {
        words: flow.count(name)
        for step in ("other", "partial", "untreated", "lost")
        for name, words in flow.reasons(step).items()
    }
    assert said == {
        "Declined after screening": 1,
        "stopped for pneumonia": 1,
        "reason not recorded": 1,
        "Lost to follow-up (not reached after this day)": 1,
    }
    folder = ROOT / "esld" / "data" / "examples" / "demo"
    ds, ae = (pd.read_csv(folder / f"{name}.csv", dtype=str) for name in ("ds", "ae"))
    failed = ds[ds["DSDECOD"].eq("SCREEN FAILURE")]
    ie = set(pd.read_csv(folder / "ie.csv", dtype=str)["USUBJID"])
    assert failed.loc[~failed["USUBJID"].isin(ie), "DSTERM"].tolist() == ["DECLINED AFTER SCREENING"]
    assert ae.loc[ae["AEACN"].eq("DRUG WITHDRAWN"), "AEDECOD"].tolist() == ["Pneumonia"]
    assert ds.loc[ds["DSDECOD"].eq("LOST TO FOLLOW-UP"), "DSTERM"].tolist() == ["NOT REACHED AFTER THIS DAY"]


def test_at_an_early_cut_the_last_administration_is_not_yet_due(study):
    flow = participant_flow(in_process.cut_at("2024-02-10"), horizon_days=365)
    assert set(flow.reasons("partial").values()) == {"the last one not yet due"}
