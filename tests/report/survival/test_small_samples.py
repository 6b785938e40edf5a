"""Words for small samples: every number is a row, every gap has its reason, and nothing claims that groups are alike."""

import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.randomisation import Conditioned, PermutedBlocks
from esld.reasons import Why, because
from esld.report import numbers
from esld.report.phrases import conditions_words
from esld.report.results import Reported, Row, rows_of
from esld.report.survival.small_samples import companion, exact_logrank, exact_rmst, firth, hazards
from esld.report.survival.tables import companion_rows, hazards_rows, permutation_rows, power_rows
from esld.report.survival_times import firth_on_arm, hazards_on_arm
from esld.report.trial_size import what_could_be_seen, what_this_size_shows
from esld.report.words.catalogue import PSEUDO, Reader, read_by
from esld.survival import exact_logrank as logrank_over_allocations
from esld.survival import exact_rmst as rmst_over_allocations
from tests.examples import few
from tests.report.builders import (
    DEATH,
    HIGH,
    LOW,
    arrays,
    at_horizon,
    plain,
    spans,
    unspanned_numbers,
    without_event,
)

ALIVE, DIED, LOST = (400, False), (100, True), (200, False)
COMPLETE = {LOW: [ALIVE] * 10 + [DIED], HIGH: [ALIVE] * 9 + [DIED, (300, True)]}
INCOMPLETE = {LOW: [ALIVE] * 9 + [DIED] * 2, HIGH: [ALIVE] * 9 + [(203, True), (212, False)]}
ONE_ARM = {LOW: [ALIVE] * 11, HIGH: [ALIVE] * 7 + [DIED, (120, True), (300, True), (310, True)]}
NOBODY = {LOW: [ALIVE] * 11, HIGH: [ALIVE] * 10 + [LOST]}
SHORT = {LOW: [(90, False), (50, True)], HIGH: [ALIVE, ALIVE, DIED]}
CONSTANTS = ("95 %", "90 %", "80 %", "0.05")
SAMPLE = st.lists(st.tuples(st.integers(1, 500), st.booleans()), min_size=1, max_size=8)


def allowed_texts(row: Row) -> set[str]:
    """Every way in which a sentence may cite a row."""
    value = row.value if row.value is not None else float("nan")
    if "p_value" in row.statistic:
        return {numbers.p_value(value), str(row.n)}
    if row.statistic.endswith("_ratio"):
        return {numbers.fixed(v, 2) for v in (row.value, row.lower, row.upper)}
    if row.statistic == "ph_visible_change":
        return {f"{float(f'{value:.2g}'):,.{digits}f}" for digits in (0, 1)}
    if row.statistic == "p_smallest":
        return {numbers.p_value(value)}
    assert row.statistic in ("reference_set", "draws", "fewest_deaths_against_none"), row.statistic
    return {f"{value:,.0f}", str(row.n)}


def check(html: str, reported: Reported, *constants: str) -> str:
    """Every number is a row, rounded by the rules; no machine's word, and no claim that the groups are alike."""
    rows = {r.result_id: r for r in reported.rows}
    for result_id, text in spans(html):
        own = rows[result_id]
        deaths = {str(own.events)} if own.statistic.startswith("ph_") else set()
        given = {conditions_words(own.method.partition(", given, ")[2])} - {""}
        assert text in (allowed_texts(own) | deaths | given) - {"NE"}, (text, own)
    assert not unspanned_numbers(html, *CONSTANTS, *constants), html
    text = plain(html)
    assert not re.search(r"\b(NE|nan|inf|None)\b|[{}]|= [<>]|  ", text), text
    assert not re.search(r"no difference|trend|significan|equal|similar|not differ", text, re.IGNORECASE), (
        text
    )
    assert not text or text.endswith(".")
    return text


def beside(groups) -> str:
    result, _ = at_horizon(groups)
    reported = rows_of("t", companion_rows(result), analysis="A", chapter="c")
    return check(companion(result, reported, DEATH), reported)


def over_allocations(test, words, groups, *, seed="any words", **how) -> str:
    result = test(*arrays(groups), groups=list(groups), seed=seed, **how)
    reported = rows_of("e", permutation_rows(result), analysis="A", chapter="c")
    return check(words(result, reported, DEATH, seed=seed), reported)


def curves(groups, **how) -> str:
    return over_allocations(logrank_over_allocations, exact_logrank, groups, studentised=True, **how)


def means(groups, **how) -> str:
    return over_allocations(rmst_over_allocations, exact_rmst, groups, tau=365, **how)


def regression(groups) -> pd.DataFrame:
    time, event, arm = arrays(groups)
    return pd.DataFrame({"time": time, "event": event, "arm": arm})


def penalised(groups) -> str:
    result = firth_on_arm(regression(groups), list(groups), conf_level=0.95)
    reported = rows_of("f", result, analysis="A", chapter="c")
    return check(firth(result, reported, DEATH), reported)


def constancy(groups) -> str:
    result = hazards_on_arm(regression(groups), list(groups))
    sizes = [len(own) for own in groups.values()]
    reported = rows_of("h", hazards_rows(result, sizes), analysis="A", chapter="c")
    return check(hazards(result, reported, DEATH), reported)


@pytest.mark.parametrize("groups", [COMPLETE, INCOMPLETE, ONE_ARM, NOBODY, SHORT])
def test_every_word_is_of_the_catalogue(groups):
    seen = rows_of("p", power_rows([len(own) for own in groups.values()]), analysis="A", chapter="c")
    with read_by(Reader(PSEUDO, {LOW: "Α", HIGH: "Β"})):
        said = [beside(groups), means(groups), penalised(groups), constancy(groups)]
        said += [
            means(groups, limit=1, draws=20),
            what_this_size_shows([*groups], seen, DEATH),
            what_could_be_seen(seen, DEATH),
        ]
    words = ("Efron", "any words")  # a name, and the seed
    for text in said:
        plainly = without_event(re.sub("|".join(words), "", plain(text)))
        assert not re.search("[a-z]{2}", plainly), plainly


class TestBesideTheDifference:
    def test_complete_names_both_tests_and_their_two_sided_rules(self):
        """R fisher.test(matrix(c(1, 10, 2, 9), 2)): p = 1. 1 v 2 of 11 deaths."""
        text = beside(COMPLETE)
        assert text.startswith("Fisher's exact test of the proportions alive gives p > 0.99 (two-sided: all ")
        assert re.search(r"Boschloo's test p = 0\.\d\d \(two-sided: twice the smaller one-sided p\)\.$", text)

    def test_incomplete_is_compared_on_the_complementary_log_log_scale(self):
        """log(0.909) / log(0.818) = 0.475: the estimates are 10/11 and 9/11."""
        text = beside(INCOMPLETE)
        assert text.startswith("On the complementary log-log scale")
        assert (
            "with the medium-high dose was 0.47 times that with the low dose (95 % CI 0.04 to 5.25)." in text
        )

    def test_groups_without_deaths_have_no_such_scale(self):
        assert beside(NOBODY) == (
            "On the complementary log-log scale there is no comparison, because nobody in the low-dose group had died and "
            "nobody in the medium-high-dose group had died."
        )

    def test_group_without_an_estimate_has_no_test_beside_it(self):
        assert beside(SHORT) == "Neither can be given, because a group has no estimate."


class TestOverAllocations:
    def test_all_allocations_of_the_trial_and_what_they_suppose(self):
        text = curves(INCOMPLETE)
        assert (
            "against all 705,432 allocations of the 22 patients that the randomisation could have given: p = 0."
            in text
        )
        assert text.endswith("at least as far apart as they are, given arm sizes 11 and 11.")

    def test_the_scheme_of_the_protocol_is_named(self):
        """Two blocks of two: four of the six divisions of four patients."""
        design = Conditioned(design=PermutedBlocks(n=4, sizes=(2,)), sizes=(2, 2))
        groups = {LOW: [DIED, ALIVE], HIGH: [ALIVE, ALIVE]}
        time, event, _ = arrays(groups)
        test = logrank_over_allocations(
            time, event, [LOW, HIGH, HIGH, LOW], studentised=True, groups=[LOW, HIGH], design=design
        )
        reported = rows_of("e", permutation_rows(test), analysis="A", chapter="c")
        text = check(exact_logrank(test, reported, DEATH, seed=""), reported)
        assert "against all 4 allocations of the 4 patients" in text
        assert "given permuted blocks of 2 and arm sizes 2 and 2. No data could" in text

    @staticmethod
    def in_blocks(patients):
        """Blocks of two, the first patient of each with the low dose; one of the others dies."""
        design = Conditioned(design=PermutedBlocks(n=patients, sizes=(2,)), sizes=(patients // 2,) * 2)
        arms = [LOW, HIGH] * (patients // 2)
        time = [100 + 10 * n for n in range(patients)]
        event = [n == 1 for n in range(patients)]
        return logrank_over_allocations(
            time, event, arms, studentised=True, groups=[LOW, HIGH], design=design
        )

    def test_a_reference_set_too_small_for_any_small_p_is_told(self):
        """Two blocks of two have four allocations, each with probability 1/4: no p-value can be below 0.25."""
        test = self.in_blocks(4)
        reported = rows_of("e", permutation_rows(test), analysis="A", chapter="c")
        assert reported.row("p_smallest").value == 0.25
        text = check(exact_logrank(test, reported, DEATH, seed=""), reported)
        assert text.endswith(
            "No data could have given p below 0.05 here: the allocation that came about has by itself the probability "
            "0.25, and no p-value of this test can be smaller."
        )

    def test_the_caution_ends_where_a_small_p_is_possible(self):
        """Five blocks of two: 1/32, below 0.05; four: 1/16, above."""
        for patients, told in ((8, True), (10, False)):
            test = self.in_blocks(patients)
            reported = rows_of("e", permutation_rows(test), analysis="A", chapter="c")
            assert ("p_smallest" in reported) is told
            assert ("No data could" in exact_logrank(test, reported, DEATH, seed="")) is told

    def test_two_patients_by_hand(self):
        """One dies, one lives on: both divisions set the groups equally far apart, so p is 1."""
        text = curves({LOW: [DIED], HIGH: [ALIVE]})
        assert (
            "all 2 allocations of the 2 patients that the randomisation could have given: p > 0.99." in text
        )

    def test_drawn_allocations_name_number_seed_and_error(self):
        text = curves(COMPLETE, limit=10, draws=2000, seed="a <b>")
        assert (
            "against 2,000 of the allocations of the 22 patients that the randomisation could have given"
            in text
        )
        assert "drawn at random (seed: “a <b>”) because there are too many to try all: p " in text
        assert re.search(r"with a Monte Carlo standard error of (0\.\d{3}|< 0\.001)\. The p-value is", text)
        text = means(COMPLETE, limit=10, draws=2000, seed="words")
        assert text.startswith(
            "The permutation test of the difference in mean time alive within one year, over 2,000 allocations drawn at random "
            "(seed: “words”)"
        )

    def test_mean_time(self):
        text = means(ONE_ARM)
        assert text.startswith(
            "The exact permutation test of the difference in mean time alive within one year, over 705,432 allocations, gives "
            "p = 0."
        )
        assert means(COMPLETE).endswith("gives p > 0.99.")  # 265 against 265 + 65: no division is nearer

    def test_nobody_died(self):
        assert curves(NOBODY) == "The exact log-rank test says nothing: nobody died."
        everybody_stays = {LOW: [ALIVE] * 3, HIGH: [ALIVE, (390, True)]}
        assert means(everybody_stays) == (
            "An exact test of the difference in mean time alive says nothing: nobody died within one year."
        )

    def test_everybody_died_at_once(self):
        text = curves({LOW: [DIED] * 3, HIGH: [DIED] * 3})
        assert text == "The exact log-rank test says nothing: every allocation gives the same."

    def test_divisions_without_a_mean_leave_no_p_value_and_none_is_made_up(self):
        """Two of five are followed to one year: a division can put both into one group."""
        text = means({LOW: [ALIVE, LOST, DIED], HIGH: [ALIVE, LOST]})
        assert text.startswith(
            "The difference in mean time alive within one year has no exact p-value: some of the allocations would leave a group "
            "in which nobody"
        )
        assert means(SHORT) == (
            "The mean times alive within one year cannot be compared, so there is no exact p-value."
        )


class TestHazard:
    def test_penalised_estimate_with_its_ties(self):
        text = penalised(COMPLETE)
        assert text.startswith("With Firth's penalty, which keeps the estimate finite")
        assert re.search(
            r"\(95 % profile-likelihood CI \d+\.\d\d to \d+\.\d\d; Efron ties; p = 0\.\d+\)\.$", text
        )

    def test_is_finite_where_one_group_has_all_the_deaths(self):
        assert "the hazard of death with the medium-high dose was" in penalised(ONE_ARM)

    def test_without_deaths_there_is_none(self):
        assert penalised(NOBODY) == "Firth's penalty does not help here."

    @pytest.mark.parametrize(
        ("reason", "upper", "says"),
        [
            (
                because(Why.NOT_FOUND, numbers=("upper profile limit",)),
                None,
                "(Efron ties); its limits or its test were not found.",
            ),
            (because(Why.NO_CONVERGENCE), None, "the fit did not converge."),
        ],
    )
    def test_failures_are_said(self, reason, upper, says):
        result = firth_on_arm(regression(COMPLETE), [LOW, HIGH], conf_level=0.95)
        frame = result.to_frame()
        first = frame["statistic"].eq("hazard_ratio")
        frame.loc[first, ["upper", "reason"]] = [upper, reason]
        if reason.says(Why.NO_CONVERGENCE):
            frame["value"] = float("nan")
        reported = rows_of("f", frame, analysis="A", chapter="c")
        assert check(firth(result, reported, DEATH), reported).endswith(says)

    def test_proportional_hazards_with_what_it_could_see(self):
        """Four deaths of 11 and 11: exp((1.96 + 0.84) x 4 / sqrt(4)) is 271."""
        text = constancy(
            {LOW: [ALIVE] * 9 + [DIED, (300, True)], HIGH: [ALIVE] * 9 + [(90, True), (310, True)]}
        )
        assert re.match(
            r"The test of proportional hazards gives p [=>] 0\.\d+\. With 4 deaths it has 80 % power only if",
            text,
        )
        assert "changes by a factor of about 270 between the earlier and the later half" in text

    def test_too_few_deaths_to_test(self):
        text = constancy({LOW: [ALIVE] * 3 + [DIED], HIGH: [ALIVE] * 3 + [DIED]})
        assert text == "Whether that ratio is constant over time cannot be tested: 2 deaths are too few."

    @pytest.mark.parametrize("groups", [NOBODY, ONE_ARM])
    def test_no_hazard_ratio_is_not_tested(self, groups):
        assert constancy(groups) == ""


class TestSize:
    def size(self, n1: int, n2: int) -> str:
        reported = rows_of("p", power_rows([n1, n2]), analysis="A", chapter="c")
        return check(what_this_size_shows([LOW, HIGH], reported, DEATH), reported, "30 %")

    def test_of_this_trial(self):
        """R: fisher.test(matrix(c(0, 11, 4, 7), 2)) gives p = 0.090, with 5 and 6 it is 0.035."""
        text = self.size(11, 11)
        assert text.startswith(
            "If nobody with the low dose died, at least 5 patients with the medium-high dose would have to have died before"
        )
        assert "So 22 patients can show what share is alive, within wide limits" in text
        assert "Even a very large difference, 90 % against 30 %, they may well miss" in text

    def test_grows_with_the_trial(self):
        assert (
            "So 40 patients can show a very large difference, 90 % against 30 %; a moderate one they may well miss"
            in self.size(20, 20)
        )
        assert "So 312 patients can show a difference of twenty percentage points" in self.size(158, 154)

    def test_a_size_at_which_nothing_reaches_the_level(self):
        """3 v 3: the most extreme table has p = 2 / choose(6, 3) = 0.1."""
        assert self.size(3, 3).startswith("Even if nobody with the low dose died and everybody with")


@few(25)
@given(SAMPLE, SAMPLE)
def test_every_number_is_a_row_of_any_study(low, high):
    groups = {LOW: low, HIGH: high}
    beside(groups)
    assert curves(groups)
    assert means(groups)
    penalised(groups)
    constancy(groups)


def test_conditions_are_told_stratum_by_stratum():
    code = "in-stratum:01, arm-sizes:12:12, in-stratum:02, arm-sizes:8:8"
    assert conditions_words(code) == "arm sizes 12 and 12 in stratum 01 and arm sizes 8 and 8 in stratum 02"
    assert conditions_words("arm-sizes:3:4") == "arm sizes 3 and 4"
