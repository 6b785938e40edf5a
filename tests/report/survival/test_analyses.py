"""Planned analyses of times to an event: names, pairs, sets, strata and one shared error, by the same methods called by hand."""

from dataclasses import replace

import pandas as pd
import pytest

from esld.multiplicity import holm
from esld.report.needs import UnmetNeedError
from esld.report.phrases import reader_of
from esld.report.survival import analyses, exhibits, paragraphs
from esld.report.survival_times import endpoint_times
from esld.report.words.catalogue import read_by
from esld.survival import logrank, milestone, rmst_compare
from tests.report.builders import HIGH, LOW, plain
from tests.report.survival.trials import THIRD, chapter, in_each, one_arm, study, third_arm

THREE = (LOW, HIGH, THIRD)


def names(found) -> list[str]:
    return [one.reported.rows[0].result_id.partition(".")[0] for one in found]


def said(sentences) -> str:
    return " ".join(plain(sentence.html) for sentence in sentences)


class TestTwoArms:
    def test_a_variant_carries_its_id_and_the_planned_one_does_not(self):
        own = chapter(study())
        assert names(analyses.at_horizon(own, conf_level=0.95)) == [
            "os_milestone",
            "os_milestone_cutoff",
            "os_milestone_per_protocol",
        ]
        assert names(analyses.log_ranks(own)) == ["os_logrank"]
        assert names(analyses.curves(own, conf_level=0.95)) == ["os_km", "tfs_km"]

    def test_a_set_and_a_censoring_are_those_of_the_analysis(self):
        made = study()
        plain_, cutoff, by_protocol = analyses.at_horizon(chapter(made), conf_level=0.95)
        assert sum(g.n for g in plain_.result.groups) == 20
        members = made.randomised["PPROTFL"].eq("Y").sum()
        assert sum(g.n for g in by_protocol.result.groups) == members
        assert set(cutoff.of.times["PARAMCD"]) == {"OSCUT"}

    def test_only_planned_analyses_are_told_and_their_variants_stand_in_the_table(self):
        own = chapter(study())
        found = analyses.at_horizon(own, conf_level=0.95)
        assert len(paragraphs.horizons(found)) == 1
        (table,) = exhibits.horizons(own, found)
        assert len(table.frame) == 3 * 3

    def test_who_is_alive_only_because_a_transplant_does_not_count_is_told_with_the_answer(self):
        """Who is followed to day 400 is transplanted on day 100 in one arm and after the year in the other."""
        made = study()
        adtte = made.adtte.copy()
        late = adtte["PARAMCD"].eq("TFS") & adtte["AVAL"].ge(400)
        for arm, day in ((LOW, 380), (HIGH, 100)):
            adtte.loc[late & adtte["ARMCD"].eq(arm), ["AVAL", "CNSR", "EVTYPE"]] = [day, 0, "EVENT"]
        own = chapter(replace(made, adtte=adtte))
        found = analyses.at_horizon(own, conf_level=0.95)
        with read_by(reader_of(made)):
            told = said(paragraphs.horizons(found, analyses.curves(own, conf_level=0.95)))
            without = said(paragraphs.horizons(found))
        assert (
            "Counted as alive after liver transplantation: 3 patients in the medium-high-dose group. Alive"
            in told
        )
        assert "Counted" not in without

    def test_the_answer_is_that_of_the_primary_analysis(self):
        own = chapter(study())
        paragraphs.tests(analyses.hazard_ratios(own, conf_level=0.95))
        assert own._answer == ""
        paragraphs.horizons(analyses.at_horizon(own, conf_level=0.95))
        assert "at one year" in plain(own._answer).lower()

    def test_a_test_that_cannot_be_made_leaves_the_answer_to_the_curves(self):
        def tests_first(content):
            content["analyses"] = [
                {**a, "kind": "log_rank", "milestones_days": ()} if a["role"] == "primary" else a
                for a in content["analyses"]
                if a.get("kind") != "milestone" or a["role"] == "primary"
            ]

        compared, alone = chapter(study(tests_first)), chapter(study(tests_first, one_arm, arms=(LOW,)))
        for own in (compared, alone):
            paragraphs.curves(analyses.curves(own, conf_level=0.95))
        assert compared._answer == ""
        assert "Half of the patients had died by" in plain(alone._answer)

    def test_a_set_that_holds_nobody_is_left_out(self):
        made = study()
        made.adsl["PPROTFL"] = None
        assert len(analyses.at_horizon(chapter(made), conf_level=0.95)) == 2


class TestThreeArms:
    @pytest.fixture
    def made(self):
        return study(third_arm, arms=THREE)

    def test_each_arm_is_compared_with_the_control(self, made):
        own = chapter(made)
        (found, *_) = analyses.at_horizon(own, conf_level=0.95)
        assert [g.group for g in found.result.groups] == [*THREE]
        assert [
            row.arm for _, rows in found.pairs for row in rows.rows if row.statistic == "risk_difference"
        ] == [
            f"{HIGH} - {LOW}",
            f"{THIRD} - {LOW}",
        ]
        times = endpoint_times(made, made.protocol.primary)
        two = times[times["arm"].isin([LOW, THIRD])]
        wanted = milestone(two["time"], two["event"], two["arm"], at=365, groups=[LOW, THIRD])
        assert found.pairs[1][0].difference == wanted.difference

    def test_no_number_is_handed_over_twice(self, made):
        own = chapter(made)
        found = analyses.at_horizon(own, conf_level=0.95)
        ids = [
            row.result_id
            for one in found
            for rows in (one.reported, *(r for _, r in one.pairs))
            for row in rows.rows
        ]
        assert len(ids) == len(set(ids))

    def test_a_global_test_comes_before_the_pairs(self, made):
        found = analyses.log_ranks(chapter(made))
        assert names(found) == ["os_logrank", f"os_logrank_{HIGH.lower()}", f"os_logrank_{THIRD.lower()}"]
        times = endpoint_times(made, made.protocol.analysis("OS-LOGRANK"))
        every = logrank(times["time"], times["event"], times["arm"], groups=list(THREE))
        assert found[0].reported.row("p_value").value == pytest.approx(every.p_value)
        assert found[0].result.df == 2

    def test_without_a_rule_the_chapter_says_that_errors_add_up(self, made):
        with read_by(reader_of(made)):
            text = said(paragraphs.tests(analyses.log_ranks(chapter(made))))
        assert "does not share an error of 5 % between them" in text

    def test_every_log_rank_test_of_two_names_them(self, made):
        with read_by(reader_of(made)):
            text = said(paragraphs.tests(analyses.log_ranks(chapter(made))))
        assert "The medium-high dose against the low dose: The log-rank test gives" in text
        assert "The top dose against the low dose: The log-rank test gives" in text

    def test_a_masked_view_shares_no_error_and_says_with_what_it_compares(self, made):
        cut = made.cut.model_copy(update={"view": "masked"})
        own = replace(made, file=replace(made.file, cut=cut))
        with read_by(reader_of(own)):
            text = said(paragraphs.tests(analyses.log_ranks(chapter(own))))
        assert "is compared with Low dose, the first group shown, which need not be the control" in text
        assert "the protocol file does not share" not in text

    @pytest.mark.parametrize(("rule", "word"), [("holm", "(Holm)"), ("fixed sequence", "(a fixed sequence)")])
    def test_one_error_is_shared_as_the_protocol_says(self, made, rule, word):
        def shared(content):
            content["multiplicity"] = rule

        own = study(third_arm, shared, arms=THREE)
        found = analyses.log_ranks(chapter(own))
        with read_by(reader_of(own)):
            text = said(paragraphs.tests(found))
        assert word in text
        ((_, rows),) = list(analyses.adjusted(found, "p_value"))
        raw = [one.reported.row("p_value").value for one in found[1:]]
        wanted = holm(raw) if rule == "holm" else [raw[0], max(raw)]
        assert [row.value for row in rows.rows] == pytest.approx(wanted)
        assert all(row.method == f"log-rank, {rule.replace(' ', '-')}" for row in rows.rows)

    def test_a_ratio_that_does_not_exist_has_no_p_value_to_adjust(self):
        def shared(content):
            content["multiplicity"] = "holm"

        own = study(third_arm, shared, arms=THREE)
        nobody = own.adtte["USUBJID"].isin(own.randomised.loc[own.randomised["ARMCD"].ne(HIGH), "USUBJID"])
        own = replace(own, adtte=own.adtte.assign(CNSR=own.adtte["CNSR"].mask(nobody, 1)))
        found = analyses.hazard_ratios(chapter(own), conf_level=0.95)
        ((_, rows),) = list(analyses.adjusted(found, "hazard_ratio_p_value"))
        assert [row.value is None for row in rows.rows] == [
            one.reported.find("hazard_ratio_p_value") is None for one in found if one.pair
        ]
        assert all(row.value is not None or row.reason for row in rows.rows)
        assert rows.rows[-1].value is None

    def test_sentences_of_several_pairs_name_them(self, made):
        with read_by(reader_of(made)):
            text = said(paragraphs.beside(analyses.horizon_tests(chapter(made), conf_level=0.95)))
        assert text.startswith("The medium-high dose against the low dose: Fisher's")
        assert "The top dose against the low dose: " in text


class TestOneArm:
    def test_estimates_alone(self):
        own = chapter(study(one_arm, arms=(LOW,)))
        (found, *_) = analyses.at_horizon(own, conf_level=0.95)
        assert found.pairs == ()
        (mean,) = analyses.means(own, conf_level=0.95)
        assert [row.statistic for row in mean.reported.rows] == ["rmst", "rmst_std_err"]
        assert "patients were alive for" in said(paragraphs.tests([mean]))

    def test_comparisons_end_with_why(self):
        own = chapter(study(one_arm, arms=(LOW,)))
        for made in (
            lambda: analyses.log_ranks(own),
            lambda: analyses.permutations(own, seed="x"),
            lambda: analyses.hazard_ratios(own, conf_level=0.95),
        ):
            with pytest.raises(UnmetNeedError, match="the trial has one"):
                made()


class TestStrata:
    @pytest.fixture
    def made(self):
        def strata(content):
            content["strata"] = [{"name": "Sex", "variable": "SEX"}]

        return study(strata, in_each(stratified=True), strata=True)

    def test_tests_and_models_are_within_strata(self, made):
        own = chapter(made)
        times = endpoint_times(made, made.protocol.analysis("OS-LOGRANK"))
        wanted = logrank(
            times["time"], times["event"], times["arm"], strata=times["stratum"], groups=[LOW, HIGH]
        )
        (test,) = analyses.log_ranks(own)
        assert test.reported.row("p_value").value == pytest.approx(wanted.p_value)
        (model,) = analyses.hazard_ratios(own, conf_level=0.95)
        assert model.reported.row("hazard_ratio").method == "cox, wald, strata:2"
        (untested,) = analyses.constant_hazards(own)
        assert untested.result is None
        (said,) = paragraphs.constant([untested])
        assert "not tested here" in said.html

    def test_the_difference_is_weighted_over_them(self, made):
        (found, *_) = analyses.at_horizon(chapter(made), conf_level=0.95)
        row = found.reported.row("stratified_difference")
        parts = []
        times = endpoint_times(made, made.protocol.primary)
        for _, own in times.groupby("SEX" if "SEX" in times else "stratum"):
            each = milestone(own["time"], own["event"], own["arm"], at=365, groups=[LOW, HIGH])
            n1, n2 = (g.n for g in each.groups)
            parts.append((n1 * n2 / (n1 + n2), each.difference.value))
        wanted = sum(w * d for w, d in parts) / sum(w for w, _ in parts)
        assert row.value == pytest.approx(wanted)
        assert row.method.endswith("strata:2, mantel-haenszel")
        assert row.lower < row.value < row.upper

    def test_so_is_that_of_mean_times(self, made):
        (found,) = analyses.means(chapter(made), conf_level=0.95)
        row = found.reported.row("stratified_difference")
        times = endpoint_times(made, made.protocol.analysis("OS-RMST"))
        values = []
        for _, own in times.groupby("stratum"):
            each = rmst_compare(own["time"], own["event"], own["arm"], tau=365, groups=[LOW, HIGH])
            values.append((len(own), each.difference.value))
        assert row.value == pytest.approx(sum(n * d for n, d in values) / 20)

    def test_it_is_said_once_a_paragraph(self, made):
        text = said(paragraphs.tests(analyses.log_ranks(chapter(made))))
        assert text.count("within the strata of the randomisation") == 1

    def test_allocations_are_repeated_within_them(self, made):
        (found,) = analyses.permutations(chapter(made), seed="x")
        assert "within-strata:2" in str(found.result.conditions)


def test_strata_that_are_still_empty_stop_nothing():
    def strata(content):
        content["strata"] = [{"name": "Sex", "variable": "SEX"}]

    made = study(strata, in_each(stratified=True), strata=True)
    made.adsl["STRATAR"] = ["F" if arm == LOW else "M" for arm in made.adsl["ARMCD"]]
    own = chapter(made)
    (found, *_) = analyses.at_horizon(own, conf_level=0.95)
    assert found.reported.find("stratified_difference") is None
    assert said(paragraphs.horizons([found]))
    for one in (
        *analyses.log_ranks(own),
        *analyses.hazard_ratios(own, conf_level=0.95),
        *analyses.means(own, conf_level=0.95),
    ):
        assert said(paragraphs.tests([one]))
    assert said(paragraphs.penalised(analyses.penalised_ratios(own, conf_level=0.95)))
    assert said(paragraphs.permutations(analyses.permutations(own, seed="x"), seed="x"))
    assert said(paragraphs.mean_permutations(analyses.mean_permutations(own, seed="x"), seed="x"))


def test_the_events_are_named_before_anything_is_counted():
    text = plain(paragraphs.events(chapter(study())).html)
    assert "Overall survival: the time from randomisation to death." in text


def test_a_good_event_turns_harm_and_benefit_round():
    def good(content):
        for own in content["endpoints"]:
            if own["paramcd"] == "OS":
                own["better"] = "earlier"
                own["words"] = {
                    "one": "remission", "many": "remissions", "had": "reached remission", "free": "not in remission",
                }  # fmt: skip

    own = chapter(study(good))
    assert "the earlier it comes, and the fewer are not in remission, the better" in plain(
        paragraphs.events(own).html
    )
    text = said(paragraphs.tests(analyses.hazard_ratios(own, conf_level=0.95)))
    assert text.startswith("The hazard of remission with the medium-high dose was")
    assert text.endswith("a ratio above 1 is a benefit here.")


def test_frames_of_the_study_are_not_changed():
    made = study(third_arm, arms=THREE)
    before = made.adtte.copy()
    analyses.at_horizon(chapter(made), conf_level=0.95)
    analyses.log_ranks(chapter(made))
    pd.testing.assert_frame_equal(made.adtte, before)
