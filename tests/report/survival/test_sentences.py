"""Words from numbers: every number is a result, rounded by the rules, and no word claims more than its interval."""

import re
from dataclasses import replace
from itertools import product

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.protocol import StatedText
from esld.report import numbers
from esld.report.phrases import p_equals, points, span
from esld.report.results import Reported, Row, rows_of
from esld.report.survival.sentences import lost_before, meaning, scheme, sentence
from esld.report.survival.tables import power_rows
from esld.report.survival_times import cox_on_arm
from esld.report.trial_size import what_could_be_seen
from esld.report.words.catalogue import PSEUDO, Reader, entries, read_by
from esld.report.words.grammar import in_prose, joined, of_group, period, treatment
from esld.survival import Estimate, logrank, rmst_compare
from tests.examples import few
from tests.report.builders import (
    DEATH,
    HIGH,
    LOW,
    REMISSION,
    arrays,
    at_horizon,
    plain,
    row,
    spans,
    unspanned_numbers,
    without_event,
)

M = "\u2212"
ALIVE, DIED, LOST = (400, False), (100, True), (200, False)
STUDIES = {
    "complete": {LOW: [ALIVE] * 10 + [DIED], HIGH: [ALIVE] * 9 + [DIED] * 2},
    "nobody died": {LOW: [ALIVE] * 11, HIGH: [ALIVE] * 11},
    "nobody died, one lost": {LOW: [ALIVE] * 11, HIGH: [ALIVE] * 10 + [LOST]},
    "nobody died in one arm, one lost": {LOW: [ALIVE] * 11, HIGH: [ALIVE] * 8 + [DIED] * 2 + [LOST]},
    "everybody died": {LOW: [DIED] * 11, HIGH: [DIED] * 11},
    "everybody died in one arm, one lost": {LOW: [DIED] * 5, HIGH: [ALIVE] * 4 + [LOST]},
    "everybody died in one arm, one lost in the other": {
        LOW: [(30, True), (60, True)],
        HIGH: [ALIVE, DIED, LOST],
    },
    "lost in both": {
        LOW: [ALIVE] * 8 + [DIED, LOST, (30, False)],
        HIGH: [ALIVE] * 8 + [(90, True), LOST, (40, False)],
    },
    "nobody followed so long": {LOW: [(100, False), (50, True), (90, False)], HIGH: [(120, False)] * 3},
    "one arm followed so long": {LOW: [ALIVE, DIED, LOST], HIGH: [(120, False), (60, True)]},
    "one patient an arm": {LOW: [ALIVE], HIGH: [DIED]},
    "large": {LOW: [ALIVE] * 149 + [DIED] * 9, HIGH: [ALIVE] * 141 + [(50, True)] * 13},
    "Mayo": {"D-penicillamine": [ALIVE] * 5 + [DIED], "Placebo": [ALIVE] * 4 + [(30, True), LOST]},
}
SAMPLE = st.lists(st.tuples(st.integers(1, 500), st.booleans()), min_size=1, max_size=14)


def allowed_texts(row: Row) -> set[str]:
    """Every way in which the rounding rules let a sentence cite a row."""
    shown = (row.value, row.lower, row.upper)
    texts = {str(row.n)}
    match row.statistic:
        case "alive" | "dead" | "unknown" | "observed":
            return texts | {numbers.fixed(row.value, 0)}
        case "proportion" | "survival" | "proportion_best_case" | "proportion_worst_case":
            return texts | {numbers.percent(v, row.n) for v in shown}
        case "p_value" | "hazard_ratio_p_value":
            return {numbers.p_value(row.value)}
        case "hazard_ratio":
            return {numbers.fixed(v, 2) for v in shown}
        case "rmst" | "rmst_difference":
            return {numbers.fixed(v, 0) for v in shown}
        case "expected":
            return {numbers.fixed(row.value, 1)}
    if row.statistic.startswith("power"):
        return {numbers.percent(row.value)}
    assert "difference" in row.statistic, row.statistic
    return {points(row, sign * v) for v, sign in product(shown, (1, -1)) if v is not None}


def check(html: str, reported: Reported, *constants: str) -> str:
    """Every number of a sentence is a result; nothing of the machine and no claim of equality shows."""
    rows = {r.result_id: r for r in reported.rows}
    for result_id, text in spans(html):
        assert result_id in rows, (result_id, html)
        assert text in allowed_texts(rows[result_id]) - {"NE"}, (text, rows[result_id])
    assert not unspanned_numbers(html, "95 %", "90 %", *constants), html
    text = plain(html)
    assert not re.search(r"\b(NE|nan|None|arm =)\b|[{}]|(?<![\w.])-\d", text), text
    assert not re.search(
        r"no difference|trend|significan|equal|similar|effective|not differ", text, re.IGNORECASE
    ), text
    assert "  " not in text
    assert not text or text.endswith(".")
    assert not re.search(r"\b1 (percentage points|days|patients)\b", text), text
    return text


def primary(groups, at=365):
    result, reported = at_horizon(groups, at=at)
    constants = () if at == 365 else (period(at),)
    texts = (each(result, reported, DEATH) for each in (sentence, meaning, lost_before))
    return [check(html, reported, *constants) for html in texts]


def comparison(groups):
    """Log-rank and RMST, without the model that is slow to fit."""
    times, dead, labels = arrays(groups)
    test = logrank(times, dead, labels, groups=list(groups))
    means = rmst_compare(times, dead, labels, tau=365, groups=list(groups))
    for result in (test, means):
        reported = rows_of("r", result, analysis="A", chapter="c")
        yield check(sentence(result, reported, DEATH), reported)


def model(groups):
    times, dead, labels = arrays(groups)
    frame = pd.DataFrame({"time": times, "event": dead, "arm": labels})
    result = cox_on_arm(frame, list(groups), conf_level=0.95)
    reported = rows_of("os_cox", result, analysis="A", chapter="c")
    return check(sentence(result, reported, DEATH), reported)


class TestEveryNumberIsAResult:
    @pytest.mark.parametrize("name", STUDIES)
    def test_of_studies_made_by_hand(self, name):
        assert primary(STUDIES[name])[0]
        assert all(comparison(STUDIES[name]))
        assert model(STUDIES[name])

    @few(30)
    @given(SAMPLE, SAMPLE, st.sampled_from([365, 120]))
    def test_of_any_study(self, low, high, at):
        primary({LOW: low, HIGH: high}, at)
        list(comparison({LOW: low, HIGH: high}))

    @pytest.mark.parametrize("name", STUDIES)
    def test_every_word_is_of_the_catalogue(self, name):
        groups = STUDIES[name]
        with read_by(Reader(PSEUDO, dict(zip(groups, "ΑΒ", strict=True)))):
            said = [*primary(groups), *comparison(groups), model(groups)]
        assert not [
            text for text in said if re.search("[a-z]{2}", without_event(plain(text)).replace("Efron", ""))
        ]

    def test_check_finds_a_number_that_is_none(self):
        """The check itself fails on a loose number, a wrong rounding, an unknown id, and a claim."""
        _, reported = at_horizon(STUDIES["complete"])
        alive = reported.row("alive", LOW)
        for html in (
            "At one year 10 were alive.",
            f"At one year {span(alive, '9')} were alive.",
            f"{span(replace(alive, result_id='os_1y'), '10')} were alive.",
            "There was no difference.",
            "The interval is NE.",
        ):
            with pytest.raises(AssertionError):
                check(html, reported)
        assert check(f"{span(alive, '10')} were alive.", reported)


class TestAliveAtTheHorizon:
    def test_complete(self):
        text, *_ = primary(STUDIES["complete"])
        assert text == (
            "At one year after randomisation 10 of 11 patients (91 %, 95 % CI 59 % to 100 %) in the low-dose group and 9 of "
            "11 patients (82 %, 95 % CI 48 % to 98 %) in the medium-high-dose group were alive; the difference, the "
            f"medium-high dose minus the low dose, was {M}9 percentage points (95 % CI {M}42 to 24)."
        )

    def test_incomplete_is_estimated_in_every_arm(self):
        text, _, lost = primary(STUDIES["lost in both"])
        assert text.startswith("At one year after randomisation an estimated ")
        assert "Whether 2 of 11 patients in the low-dose group were alive at one year is not known" in lost
        assert lost.endswith("percentage points.")

    def test_one_unknown_is_singular(self):
        lost = primary(STUDIES["nobody died, one lost"])[2]
        assert "Whether 1 of 11 patients in the medium-high-dose group was alive" in lost
        assert (
            "Had that patient been alive, 100 % of the group would have been; had that patient died, 91 %."
            in lost
        )

    def test_nobody_unknown_leaves_nothing_to_say(self):
        assert primary(STUDIES["complete"])[2] == ""

    def test_arm_without_deaths_has_its_interval(self):
        text, means, _ = primary(STUDIES["nobody died in one arm, one lost"])
        assert "100 % (95 % CI 72 % to 100 %) of the 11 patients in the low-dose group" in text
        assert "narrow" not in text and "The interval reaches from" in means

    def test_no_deaths_at_all_with_one_lost(self):
        text, means, _ = primary(STUDIES["nobody died, one lost"])
        assert f"was 0 percentage points (95 % CI {M}27 to 27)." in text
        assert "a large harm and a large benefit" in means

    def test_no_deaths_at_all_and_nobody_lost_still_has_exact_limits(self):
        text, means, _ = primary(STUDIES["nobody died"])
        assert "11 of 11 patients (100 %, 95 % CI 72 % to 100 %)" in text
        assert "a large harm and a large benefit" in means

    def test_everybody_dead(self):
        text = primary(STUDIES["everybody died in one arm, one lost"])[0]
        assert "0 % (95 % CI 0 % to 52 %) of the 5 patients in the low-dose group" in text  # 1 - 0.025^(1/5)
        assert "0 of 11 patients (0 %, 95 % CI 0 % to 28 %)" in primary(STUDIES["everybody died"])[0]

    def test_nobody_observed_that_long(self):
        text, means, lost = primary(STUDIES["nobody followed so long"])
        assert text == (
            "The proportion alive one year after randomisation cannot be estimated in the low-dose group and the "
            "medium-high-dose group: nobody there has been observed that long. Known to have died by then: 1 of 3 patients in "
            "the low-dose group and 0 of 3 patients in the medium-high-dose group."
        )
        assert means == ""
        assert f"between {M}67 and 100 percentage points" in lost

    def test_one_arm_observed_that_long(self):
        text = primary(STUDIES["one arm followed so long"])[0]
        assert text.startswith("At one year after randomisation an estimated ")
        assert "difference" not in text
        assert "cannot be estimated in the medium-high-dose group" in text

    def test_percentages_and_points_get_a_decimal_from_a_hundred_on(self):
        text = primary(STUDIES["large"])[0]
        assert "149 of 158 patients (94.3 %, 95 % CI 89.5 % to 97.4 %)" in text
        assert f"was {M}2.7 percentage points (95 % CI {M}8.9 to 3.1)" in text

    def test_names_that_begin_with_a_letter_and_a_hyphen_keep_it(self):
        text = primary(STUDIES["Mayo"])[0]
        assert "in the D-penicillamine group" in text
        assert "in the placebo group" in text
        assert "the difference, placebo minus D-penicillamine, was" in text

    def test_other_level_and_horizon(self):
        result, reported = at_horizon(STUDIES["lost in both"], at=120, conf_level=0.9)
        text = plain(sentence(result, reported, DEATH))
        assert text.startswith("At 120 days after randomisation")
        assert "90 % CI" in text
        assert "95 %" not in text

    def test_three_arms_have_no_difference_and_no_meaning(self):
        groups = {"A": [ALIVE, DIED], "B": [ALIVE, ALIVE], "C": [DIED, ALIVE]}
        text, means, _ = primary(groups)
        assert "in the A group, 2 of 2 patients" in text
        assert "and 1 of 2 patients" in text
        assert means == ""


def with_limits(lower: float, upper: float) -> tuple[str, Reported]:
    result, _ = at_horizon(STUDIES["complete"])
    middle = (lower + upper) / 2
    result = replace(
        result, risk_difference=Estimate(value=middle, lower=lower, upper=upper, method="by-hand")
    )
    reported = rows_of("os_milestone", result, analysis="A", chapter="c")
    return check(meaning(result, reported, DEATH), reported), reported


class TestMeaning:
    @pytest.mark.parametrize(
        ("lower", "upper", "says"),
        [
            (-0.40, 0.22, "a large harm and a large benefit of the medium-high dose are both compatible"),
            (-0.10, 0.10, "a large harm and a large benefit of the medium-high dose are both compatible"),
            (
                -0.02,
                0.40,
                "a large benefit of the medium-high dose is compatible with these data, and so is a small harm",
            ),
            (
                -0.40,
                0.02,
                "a large harm of the medium-high dose is compatible with these data, and so is a small benefit",
            ),
            (-0.004, 0.40, "and so is a small harm"),
            (-0.40, 0.004, "and so is a small benefit"),
            (-0.05, 0.05, "a small harm and a small benefit of the medium-high dose are both compatible"),
            (0.05, 0.60, "no value in it means fewer"),
            (0.00, 0.60, "no value in it means fewer"),
            (-0.60, -0.05, "no value in it means more"),
            (-0.60, 0.00, "no value in it means more"),
        ],
    )
    def test_each_branch(self, lower, upper, says):
        text, _ = with_limits(lower, upper)
        assert says in text

    @given(st.integers(-1000, 1000), st.integers(-1000, 1000))
    def test_claims_follow_from_the_limits_and_both_are_told(self, one, two):
        lower, upper = sorted((one / 1000, two / 1000))
        if lower == upper:
            return
        text, reported = with_limits(lower, upper)
        row = reported.row("risk_difference")
        low, high = (float(points(row, v).replace(M, "-")) for v in (lower, upper))  # as the reader sees them
        told = [float(t) for t in re.findall(r"\d+", text)]
        assert {abs(low), abs(high)} <= set(told)
        assert ("large harm" in text) == (low <= -10 and upper > 0)
        assert ("large benefit" in text) == (high >= 10 and lower < 0)
        assert ("small harm" in text) == (-10 < low <= 0 and lower < 0 < upper)
        assert ("small benefit" in text) == (0 <= high < 10 and lower < 0 < upper)
        assert ("no value in it means fewer" in text) == (lower >= 0)
        assert ("no value in it means more" in text) == (upper <= 0)

    def test_large_and_small_are_defined_where_they_are_said(self):
        for lower, upper in ((-0.4, 0.4), (-0.05, 0.4), (-0.4, 0.05)):
            assert (
                "Large means ten points or more, a limit that this report sets."
                in with_limits(lower, upper)[0]
            )
        assert (
            "Small means less than ten points, a limit that this report sets." in with_limits(-0.05, 0.05)[0]
        )


class TestAGoodEvent:
    """Where the event is what one hopes for, more patients without it are a harm."""

    @pytest.mark.parametrize(
        ("lower", "upper", "says"),
        [
            (
                -0.40,
                0.02,
                "a large benefit of the medium-high dose is compatible with these data, and so is a small harm",
            ),
            (
                -0.02,
                0.40,
                "a large harm of the medium-high dose is compatible with these data, and so is a small benefit",
            ),
            (-0.40, 0.40, "a large harm and a large benefit"),
        ],
    )
    def test_harm_and_benefit_are_turned_round(self, lower, upper, says):
        result, _ = at_horizon(STUDIES["complete"])
        gap = Estimate(value=(lower + upper) / 2, lower=lower, upper=upper, method="by-hand")
        result = replace(result, risk_difference=gap)
        reported = rows_of("os_milestone", result, analysis="A", chapter="c")
        text = check(meaning(result, reported, REMISSION), reported)
        assert says in text
        assert text.endswith("fewer patients not in remission are a benefit here.")

    def test_every_sentence_speaks_of_it(self):
        result, reported = at_horizon(STUDIES["lost in both"])
        said = [each(result, reported, REMISSION) for each in (sentence, meaning, lost_before)]
        assert all("not in remission" in plain(html) for html in said)
        assert not any(re.search("alive|died|death", plain(html)) for html in said)


class TestComparison:
    def test_logrank_gives_deaths_with_its_p_value(self):
        test, _ = comparison(STUDIES["complete"])
        assert re.fullmatch(
            r"The log-rank test gives p = 0\.\d+\. Deaths observed, and expected if the curves were the same in the groups: "
            r"1 and \d\.\d in the low-dose group; 2 and \d\.\d in the medium-high-dose group\.",
            test,
        )

    def test_logrank_without_deaths(self):
        assert next(comparison(STUDIES["nobody died"])) == "The log-rank test cannot be done: nobody died."

    def test_mean_time_alive(self):
        _, means = comparison(STUDIES["complete"])
        assert means.startswith(
            "Within one year patients were alive for 341 days on average in the low-dose group and for 317 days in "
        )
        assert f"a difference of {M}24 days (95 % CI {M}" in means

    def test_mean_time_alive_when_nobody_died(self):
        _, means = comparison(STUDIES["nobody died"])
        # Each mean from 365 x 0.05^(1/11) = 278 to 365.
        assert means.endswith(f"a difference of 0 days (95 % CI {M}87 to 87).")

    def test_mean_time_alive_when_nobody_died_in_one_arm(self):
        _, means = comparison(STUDIES["nobody died in one arm, one lost"])
        assert re.search(r"a difference of .\d+ days \(95 % CI .\d+ to \d+\)\.$", means)

    def test_mean_time_alive_of_a_day(self):
        _, means = comparison({LOW: [(364, True), (400, False)], HIGH: [(362, True), (400, False)]})
        assert f"a difference of {M}1 day (" in means

    def test_mean_time_alive_without_follow_up(self):
        _, means = comparison(STUDIES["one arm followed so long"])
        assert means == (
            "The mean time alive within one year cannot be compared: follow-up ends before that in the medium-high-dose group."
        )

    def test_hazard_ratio(self):
        text = model({LOW: [DIED, (300, True), ALIVE], HIGH: [(90, True), (310, True), ALIVE]})
        assert text.startswith("The hazard of death with the medium-high dose was ")
        assert "times that with the low dose (95 % CI " in text
        assert "Efron ties; p = " in text

    @pytest.mark.parametrize(
        ("groups", "reason"),
        [
            (STUDIES["nobody died"], "nobody died"),
            (
                {LOW: [ALIVE] * 5, HIGH: [DIED, ALIVE]},
                "nobody in the low-dose group died, so that it has no finite estimate",
            ),
            (
                {LOW: [DIED, ALIVE], HIGH: [ALIVE] * 5},
                "nobody in the medium-high-dose group died, so that it has no finite",
            ),
            (
                {LOW: [(300, True), (310, True)], HIGH: [(10, True), (20, True)]},
                "as long as both groups were under observation, only patients in the medium-high-dose group died",
            ),
        ],
    )
    def test_no_hazard_ratio_says_why_in_a_reader_s_words(self, groups, reason):
        assert model(groups).startswith(f"No hazard ratio can be given: {reason}")

    def test_power(self):
        reported = rows_of("os_power", power_rows([11, 11]), analysis="A", chapter="c")
        html = what_could_be_seen(reported, DEATH)
        assert plain(html) == (
            "With 11 and 11 patients, if 90 % are alive in one group, Fisher's test at 5 % finds 70 % in the other group in 8 % "
            "of trials, 50 % in 36 % and 30 % in 76 %."
        )
        for result_id, text in spans(html):
            (own,) = [r for r in reported.rows if r.result_id == result_id]
            assert text == (str(own.n // 2) if own.statistic == "patients" else numbers.percent(own.value))

    def test_no_words_for_what_has_none(self):
        with pytest.raises(TypeError, match="no words for dict"):
            sentence({}, Reported(()), DEATH)


@pytest.mark.parametrize(
    ("label", "prose", "group", "noun"),
    [
        ("Low dose", "low dose", "low-dose", "the low dose"),
        ("Medium-high dose", "medium-high dose", "medium-high-dose", "the medium-high dose"),
        ("D-penicillamine", "D-penicillamine", "D-penicillamine", "D-penicillamine"),
        ("Placebo", "placebo", "placebo", "placebo"),
        ("MSC", "MSC", "MSC", "MSC"),
        ("A", "A", "A", "A"),
        ("Child-Pugh score", "Child-Pugh score", "Child-Pugh score", "Child-Pugh score"),
        ("West Haven grade", "West Haven grade", "West Haven grade", "West Haven grade"),
        ("HbA1c from 7 %", *["HbA1c from 7 %"] * 3),
        ("INR below 3", *["INR below 3"] * 3),
        ("18-80 years old", *["18-80 years old"] * 3),
        ("A cough", *["a cough"] * 3),
        ("Estimated filtration, mL/min", *["estimated filtration, mL/min"] * 3),
        ("Treatment with INR", *["treatment with INR"] * 3),
    ],
)
def test_labels_inside_a_sentence(label, prose, group, noun):
    assert (in_prose(label), of_group(label), treatment(label)) == (prose, group, noun)


def test_joined():
    assert joined([]) == ""
    assert joined(["a"]) == "a"
    assert joined(["a", "b"]) == "a and b"
    assert joined(c for c in "abc") == "a, b and c"


def test_span_escapes():
    html = span(row("p_value", 0.0001, result_id='a"b'), "< 0.001")
    assert spans(html) == [('a"b', "< 0.001")]


def test_the_scheme_says_whether_it_is_assumed():
    assert scheme(StatedText(value="Blocks", assumed=False)) == "Scheme of this trial: Blocks."
    assumed = StatedText(value="Blocks", assumed=True, reason="not stated")
    assert scheme(assumed) == "Scheme of this trial (assumed): Blocks."


# Names of a statistic and of a method.
NAMES = ("agreement.not_compared.z_at_no_difference", "method.equal-variances")


def test_catalogue_makes_no_claim_of_its_own():
    for key, text in entries("en").items():
        claim = re.search(r"no difference|trend|significan|\bequal", str(text), re.IGNORECASE)
        assert not claim or key in NAMES
        assert not re.search(r"\s{2}|\(s\)", str(text))


@pytest.mark.parametrize(
    ("p", "words"), [(0.034, "= 0.034"), (0.0004, "< 0.001"), (0.999, "> 0.99"), (1.0, "> 0.99")]
)
def test_a_p_value_is_told_with_one_sign(p, words):
    frame = pd.DataFrame({"statistic": ["p_value"], "value": [p]})
    row = rows_of("x", frame, analysis="OS-LOGRANK", chapter="c").row("p_value")
    assert re.sub(r"<[^>]+>", "", p_equals(row)).replace("&lt;", "<").replace("&gt;", ">") == words
