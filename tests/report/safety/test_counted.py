"""Who is counted for safety, shares in words, and deaths."""

import re

import pandas as pd
import pytest

from esld.reasons import Why, because
from esld.report.needs import UnmetNeedError
from esld.report.results import rows_of
from esld.report.safety import counted as safety
from esld.survival import clopper_pearson
from tests.report.builders import HIGH, LOW, plain, spans, unspanned_numbers
from tests.report.safe_trial import INFUSED, PROTOCOL, ae, day, derived, event, patient, seen

LEVEL = "95 %"


def rows(frame):
    return rows_of("r", frame, analysis="SAFETY", chapter="06_safety")


def people():
    """Two of the low dose, one of whom was given the other, one of that, one never infused, one not randomised."""
    return [
        patient("A", infused=INFUSED), patient("B", infused=INFUSED, ACTARMCD="MEDHIGH"),
        patient("C", "MEDHIGH", infused=INFUSED), patient("D", infused=()), patient("F", randomised=None),
    ]  # fmt: skip


class TestTheSafetySet:
    def test_the_infused_are_counted_by_what_they_received(self):
        group = safety.safety_set(derived(people()))
        assert group.group_of.to_dict() == {"A": LOW, "B": HIGH, "C": HIGH}
        assert [group.size(arm) for arm in group.arms] == [1, 2]
        assert group.left_out["USUBJID"].tolist() == ["D"]

    def test_without_what_was_received_the_randomised_arm_stands(self):
        group = safety.safety_set(derived([patient("A", infused=INFUSED, ACTARMCD=None)]))
        assert group.group_of.to_dict() == {"A": LOW}

    def test_a_protocol_that_names_no_safety_set_counts_the_treated_too(self):
        sets = tuple(s for s in PROTOCOL.analysis_sets if s.flag != "SAFFL")
        own = derived(people(), protocol=PROTOCOL.model_copy(update={"analysis_sets": sets}))
        assert own.adsl["SAFFL"].isna().all()
        assert safety.safety_set(own).group_of.to_dict() == {"A": LOW, "B": HIGH, "C": HIGH}

    def test_its_rows_come_with_the_group_and_others_do_not(self):
        group = safety.safety_set(derived(people()))
        frame = pd.DataFrame({"USUBJID": ["D", "B", "A", "F"], "x": [1, 2, 3, 4]})
        assert group.own(frame)[["x", "GROUP"]].to_numpy().tolist() == [[2, HIGH], [3, LOW]]
        assert "GROUP" not in frame

    def test_words_name_who_is_left_out(self):
        group = safety.safety_set(derived(people()))
        html = safety.set_words(group, rows(safety.set_rows(group)))
        assert plain(html) == (
            "Counted are 1 in the low-dose group and 2 in the medium-high-dose group. Left out, because never infused: "
            "1 randomised patient: D (low dose)."
        )
        assert unspanned_numbers(html) == []

    def test_words_when_nobody_is(self):
        group = safety.safety_set(derived(people()[:3]))
        text = plain(safety.set_words(group, rows(safety.set_rows(group))))
        assert text.endswith("Nobody who was randomised is left out.")

    def test_many_are_counted_and_not_named(self):
        many = [patient(f"N{i:02d}", infused=()) for i in range(13)]
        group = safety.safety_set(derived([*people(), *many]))
        text = plain(safety.set_words(group, rows(safety.set_rows(group))))
        assert text.endswith("never infused: 14 randomised patients.")


class TestThePlan:
    def test_the_analysis_of_safety(self, study):
        own = study("demo-final")
        assert safety.planned(own).role == "safety"
        assert safety.planned(own).method in safety.planned_words(own)

    def test_nothing_planned(self):
        analyses = tuple(a for a in PROTOCOL.analyses if a.kind != "safety")
        own = derived(people(), protocol=PROTOCOL.model_copy(update={"analyses": analyses}))
        assert safety.planned_words(own) == "The protocol file lists no analysis of safety."
        with pytest.raises(UnmetNeedError, match="the protocol file lists no analysis of it"):
            safety.planned(own)


class TestShares:
    @pytest.mark.parametrize(("x", "n"), [(0, 11), (3, 11), (11, 11)])
    def test_the_limits_are_exact(self, x, n):
        row = rows(safety.share("s", LOW, x, n, conf_level=0.95)).rows[0]
        exact = clopper_pearson(x, n)
        assert (row.events, row.n, row.method) == (x, n, "clopper-pearson")
        assert (row.value, row.lower, row.upper) == pytest.approx((x / n, exact.lower, exact.upper))

    def test_words_of_a_share(self):
        row = rows(safety.share("s", LOW, 4, 10, conf_level=0.95)).rows[0]
        html = safety.share_words([row], level=LEVEL)
        assert plain(html) == "4 of 10 patients (40 %, 95 % CI 12 % to 74 %) in the low-dose group"
        assert unspanned_numbers(html, LEVEL) == []
        assert safety.share_cell(row).text == "4/10 (40 %)"

    def test_none_of_eleven_has_only_an_upper_limit(self):
        """Upper limit of 0 of 11: 1 − 0.025^(1/11) = 0.285."""
        row = rows(safety.share("s", HIGH, 0, 11, conf_level=0.95)).rows[0]
        assert plain(safety.share_words([row], level=LEVEL)) == (
            "0 of 11 patients (upper limit 28 %) in the medium-high-dose group"
        )
        html = safety.absence_words([row])
        assert plain(html) == (
            "That none was seen does not show that none can happen: these data are compatible with a true share of up to 28 % "
            "in the medium-high-dose group."
        )
        assert spans(html) == [("r.medhigh.s", "28 %")]

    def test_absence_is_said_only_of_those_without_an_event(self):
        some = rows(safety.share("s", LOW, 1, 10, conf_level=0.95)).rows[0]
        none = rows(safety.share("s", HIGH, 0, 11, conf_level=0.95)).rows[0]
        assert safety.absence_words([some]) == ""
        assert "low-dose" not in safety.absence_words([some, none])

    def test_one_patient_and_no_patient(self):
        one = rows(safety.share("s", LOW, 0, 1, conf_level=0.95)).rows[0]
        nobody = rows(safety.share("s", LOW, 0, 0, conf_level=0.95)).rows[0]
        assert plain(safety.share_words([one], level=LEVEL)).startswith("0 of 1 patient (")
        assert (nobody.value, nobody.reason) == (None, because(Why.NOBODY_TREATED))
        assert plain(safety.share_words([nobody], level=LEVEL)) == "nobody (nobody was treated)"
        assert safety.share_words([one, nobody], level=LEVEL) == safety.share_words([one], level=LEVEL)
        assert safety.absence_words([nobody]) == ""
        assert safety.share_cell(nobody).text == "0/0"


class TestDeaths:
    @pytest.fixture
    def own(self):
        dead = [
            patient("A", infused=INFUSED, died=day(100)), patient("B", "MEDHIGH", infused=INFUSED, died=day(58)),
            patient("C", "MEDHIGH", infused=INFUSED), patient("D", infused=(), died="2025-01-20"),
        ]  # fmt: skip
        events = [ae("A", 90, "Sepsis", AEOUT="FATAL", AEENDTC=day(100)), ae("B", 20, "Rash")]
        return derived(dead, AE=events, VS=[seen("C")])

    def test_day_cause_and_days_since_the_last_infusion(self, own):
        """From randomisation on 10 January, a day before the first infusion; the last infusion is on study day 57."""
        found = safety.deaths(own, safety.safety_set(own)).fillna("none")
        assert found.to_numpy().tolist() == [
            ["D", LOW, 10, "none", "none"], ["B", HIGH, 58, "none", 1], ["A", LOW, 100, "Sepsis", 43],
        ]  # fmt: skip

    def test_the_listing_names_what_is_missing(self, own):
        frame = safety.death_table(own, safety.safety_set(own)).frame
        assert frame["Cause"].tolist() == ["not stated", "not stated", "Sepsis"]
        assert frame["Days since the last infusion"].tolist() == ["never infused", "1", "43"]
        assert "Day: from randomisation." in safety.death_table(own, safety.safety_set(own)).footnotes

    def test_of_several_fatal_events_all_are_named(self):
        fatal = [ae("A", n, term, AEOUT="FATAL") for n, term in ((90, "Sepsis"), (80, "Hepatic failure"))]
        own = derived([patient("A", infused=INFUSED, died=day(100))], AE=fatal)
        assert safety.deaths(own, safety.safety_set(own))["cause"].tolist() == ["Hepatic failure; Sepsis"]

    @pytest.mark.parametrize("before", ["2024-01-05", day(30)])
    def test_a_death_that_cannot_be_is_not_shown_plainly(self, before):
        """Before randomisation, or before the last infusion on study day 57."""
        own = derived(
            [patient("A", infused=INFUSED, died=before), patient("B", infused=INFUSED, died=day(58))]
        )
        said = safety.death_table(own, safety.safety_set(own)).footnotes[0]
        assert "it cannot be" in said and "(A)" in said
        right = derived([patient("B", infused=INFUSED, died=day(58))])
        assert "cannot be" not in " ".join(safety.death_table(right, safety.safety_set(right)).footnotes)

    def test_words_count_the_safety_set_alone(self, own):
        group = safety.safety_set(own)
        html = safety.death_words(own, rows(safety.death_rows(group, conf_level=0.95)), group, level=LEVEL)
        assert "1 of 1 patient (" in plain(html)
        assert "1 of 2 patients (" in plain(html)
        assert unspanned_numbers(html, LEVEL) == []

    def test_nobody_died(self):
        own = derived(people())
        group = safety.safety_set(own)
        assert safety.death_table(own, group) is None
        text = plain(
            safety.death_words(own, rows(safety.death_rows(group, conf_level=0.95)), group, level=LEVEL)
        )
        assert "0 of 1 patient (upper limit 98 %)" in text
        assert "does not show" in text

    def test_of_the_demonstration(self, study):
        found = safety.deaths(study("demo-final"), safety.safety_set(study("demo-final")))
        assert found["USUBJID"].str[-3:].tolist() == ["012", "022", "021", "006"]
        assert found["cause"].tolist()[0] == "Hepatic failure"
        assert re.fullmatch(r"60 145 187 330", " ".join(found["since"].map("{:.0f}".format)))


def test_where_nobody_knows_who_was_treated_deaths_have_no_time_since_treatment():
    own = derived([patient("A", died=day(100)), patient("B", "MEDHIGH", ACTARMCD="LOW")], without=["EX"])
    group = safety.safety_set(own)
    assert group.group_of.to_dict() == {"A": LOW, "B": HIGH}  # as randomised
    assert not group.known
    assert "Days since the last infusion" not in safety.death_table(own, group).frame


def test_a_death_after_a_transplant_is_listed():
    graft = event("PR", "A", day(40), PRDECOD="LIVER TRANSPLANTATION")
    own = derived([patient("A", infused=INFUSED, died=day(100))], PR=[graft])
    assert safety.deaths(own, safety.safety_set(own))["day"].tolist() == [100]


def test_the_study_is_not_modified(study):
    own = study("demo-final")
    before = own.adsl.copy(), own.adae.copy()
    safety.deaths(own, safety.safety_set(own))
    pd.testing.assert_frame_equal(own.adsl, before[0])
    pd.testing.assert_frame_equal(own.adae, before[1])
