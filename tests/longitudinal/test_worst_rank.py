"""Worst ranks: by hand, against win statistics and Mann-Whitney; invariance, degenerate data."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from esld.longform import COLUMNS
from esld.longitudinal.hierarchy import TimeComponent, ValueComponent
from esld.longitudinal.wins import win_statistics
from esld.longitudinal.worst_rank import EXACT, METHOD, MISSING_RULES, WILCOXON, WorstRankArm, worst_rank
from esld.reasons import Why, because

NAN = pytest.approx(math.nan, nan_ok=True)
DAYS = st.one_of(st.none(), st.integers(0, 5))
# Change, day of death, day of transplantation, arm.
SUBJECTS = st.lists(
    st.tuples(st.one_of(st.none(), st.integers(-5, 5)), DAYS, DAYS, st.sampled_from("AB")),
    min_size=1,
    max_size=12,
)


def compare(subjects, *, better="lower", groups=("A", "B"), **options):
    value, death, transplant, arm = (list(column) for column in zip(*subjects, strict=True))
    value, death, transplant = (np.array(a, float) for a in (value, death, transplant))
    return worst_rank(
        value, arm, better=better, death_time=death, transplant_time=transplant, groups=groups, **options
    )


# Change in MELD, low is good; day of death; day of transplantation.
EIGHT = [
    (None, 30, None, "A"),  # died first: 1
    (-9, 90, 20, "A"),  # transplanted and dead, on one day with the next: 2.5
    (None, 90, None, "B"),
    (-12, None, 60, "A"),  # transplanted, whatever the value: 4
    (None, None, 80, "B"),  # transplanted later: 5
    (4, None, None, "A"),  # 6
    (-3, None, None, "B"),  # 7.5
    (-3.0, None, None, "B"),
    (None, None, None, "B"),  # alive without a value
]


class TestByHand:
    def test_ranks_and_counts(self):
        found = compare(EIGHT)
        assert found.rank.tolist() == [1, 2.5, 2.5, 4, 5, 6, 7.5, 7.5, NAN]
        assert found.arms == (
            WorstRankArm(
                group="A", subjects=4, died=2, transplanted=1, with_value=1, missing=0, median_rank=3.25
            ),
            WorstRankArm(
                group="B", subjects=5, died=1, transplanted=1, with_value=2, missing=1, median_rank=6.25
            ),
        )

    def test_the_worst_of_the_living(self):
        """Two without a value tie above the transplanted and below the survivor of +4: 6.5 of ten."""
        found = compare([*EIGHT, (None, None, None, "A")], missing="worst_alive")
        assert found.rank.tolist() == [1, 2.5, 2.5, 4, 5, 8, 9.5, 9.5, 6.5, 6.5]
        assert [arm.missing for arm in found.arms] == [1, 1]
        assert found.exact.n == 10

    def test_probability_and_tests(self):
        """B against A (1, 2.5, 4, 6): 2.5 wins one and ties one, 5 wins 3, 7.5 wins 4, twice: 12.5 of 16.

        Ranks of B add up to 22.5, expected 18: twice the difference 9. Var = 4 x 4 / (8 x 7) x the sum of
        (2 R - 9)^2, 49 + 16 + 16 + 1 + 1 + 9 + 36 + 36 = 164.
        """
        found = compare(EIGHT)
        assert found.probability.value == 12.5 / 16
        assert (found.wilcoxon.value, found.wilcoxon.std_err**2) == (9, pytest.approx(16 / 56 * 164))
        assert found.exact.observed == 9

    def test_higher_is_better(self):
        found = compare(EIGHT, better="higher")
        assert found.rank.tolist() == [1, 2.5, 2.5, 4, 5, 8, 6.5, 6.5, NAN]

    def test_binary_noise_is_a_tie(self):
        assert 12.3 - 10.1 != 2.2
        found = worst_rank([12.3 - 10.1, 2.2, 2.3, 2.2], [0, 1, 0, 1], better="higher")
        assert found.rank.tolist() == [2, 2, 4, 2]


class TestAgainstOthers:
    @given(SUBJECTS)
    def test_one_score_for_all_in_mann_whitney(self, subjects):
        """Everybody placed on one line in plain words, then scipy's rank-sum test with its correction for ties."""
        found = compare(subjects)
        line = []
        for value, death, transplant, arm in subjects:
            if death is not None:
                line.append((death, arm))
            elif transplant is not None:
                line.append((100 + transplant, arm))
            elif value is not None:
                line.append((1000 - value, arm))
        first, second = ([x for x, arm in line if arm == wanted] for wanted in "AB")
        assume(first and second and len({x for x, _ in line}) > 1)
        wanted = stats.mannwhitneyu(second, first, method="asymptotic", use_continuity=False)
        assert found.probability.value == pytest.approx(wanted.statistic / (len(first) * len(second)))
        assert found.wilcoxon.p_value == pytest.approx(wanted.pvalue, rel=1e-9)
        ranks = stats.rankdata([x for x, _ in line])
        assert found.rank[~np.isnan(found.rank)].tolist() == ranks.tolist()

    @pytest.mark.parametrize("missing", ["exclude", "worst_alive"])
    def test_win_statistics_of_the_same_order(self, missing):
        """Everybody followed to day 99: the hierarchy of death, transplantation and change decides every pair alike.

        There a dead patient with a value or a transplantation would be compared by it in a tie: none here.
        """
        rng = np.random.default_rng(list(b"the same order"))
        n = 22
        arm, fate = rng.permutation(np.arange(n) % 2), rng.permutation([0] * 5 + [1] * 4 + [2] * 11 + [3] * 2)
        day = rng.integers(1, 98, n).astype(float)
        death, transplant = np.where(fate == 0, day, np.nan), np.where(fate == 1, day, np.nan)
        value = np.where(fate == 2, rng.integers(-5, 5, n), np.nan)
        found = worst_rank(
            value, arm, better="lower", death_time=death, transplant_time=transplant, missing=missing
        )
        kept = fate < (3 if missing == "exclude" else 4)
        parts = [
            TimeComponent(name=name, time=np.where(np.isnan(at), 99, at)[kept], event=~np.isnan(at[kept]))
            for name, at in (("death", death), ("transplantation", transplant))
        ]
        worst = np.where(fate == 3, 50, value)
        parts.append(ValueComponent(name="change", value=worst[kept], better="lower"))
        wins = win_statistics(parts, arm[kept])
        assert found.wilcoxon.value == wins.finkelstein_schoenfeld.value
        assert found.wilcoxon.p_value == pytest.approx(wins.finkelstein_schoenfeld.p_value, rel=1e-12)
        assert found.exact.p_value == wins.exact.p_value
        gap, odds = found.probability, wins.win_odds
        for name in ("value", "lower", "upper"):
            p = getattr(gap, name)
            assert p / (1 - p) == pytest.approx(getattr(odds, name), rel=1e-9)
        assert gap.std_err == pytest.approx(wins.net_benefit.std_err / 2, rel=1e-12)

    def test_exact_p_without_ties(self):
        first, second = [1, 2, 6, 4], [3, 8, 5, 9, 10]
        found = worst_rank([*first, *second], [0] * 4 + [1] * 5, better="higher")
        wanted = stats.mannwhitneyu(second, first, method="exact")
        assert found.exact.p_value == pytest.approx(wanted.pvalue, rel=1e-12)


class TestInvariance:
    @given(SUBJECTS)
    def test_everybody_is_counted_once(self, subjects):
        for missing in MISSING_RULES:
            found = compare(subjects, missing=missing)
            assert sum(arm.subjects for arm in found.arms) == len(subjects)
            for arm in found.arms:
                assert arm.died + arm.transplanted + arm.with_value + arm.missing == arm.subjects
            ranked = found.rank[~np.isnan(found.rank)]
            assert ranked.sum() == ranked.size * (ranked.size + 1) / 2
            left_out = sum(arm.missing for arm in found.arms) if missing == "exclude" else 0
            assert ranked.size == len(subjects) - left_out

    @given(SUBJECTS)
    def test_monotone_change_of_times_and_values(self, subjects):
        def warp(x, factor):
            return None if x is None else x**3 + factor * x

        turned = [(warp(v, 3), warp(d, 2), warp(t, 5), arm) for v, d, t, arm in subjects]
        one, other = compare(subjects), compare(turned)
        np.testing.assert_array_equal(one.rank, other.rank)
        assert repr(one.exact) == repr(other.exact)

    @given(SUBJECTS)
    def test_swapping_the_arms(self, subjects):
        one, other = compare(subjects), compare(subjects, groups=("B", "A"))
        assert repr(other.arms) == repr(one.arms[::-1])  # NaN is not itself
        assert other.probability.value == pytest.approx(1 - one.probability.value, nan_ok=True)
        assert other.wilcoxon.value == pytest.approx(-one.wilcoxon.value, nan_ok=True)
        if not one.exact.reason:
            assert other.exact.p_value == one.exact.p_value

    @given(SUBJECTS, st.randoms(use_true_random=False))
    def test_order_of_subjects(self, subjects, random):
        order = random.sample(range(len(subjects)), len(subjects))
        one, other = compare(subjects), compare([subjects[i] for i in order])
        np.testing.assert_array_equal(other.rank, one.rank[order])
        assert repr(other.exact) == repr(one.exact)
        assert repr(other.arms) == repr(one.arms)


class TestDegenerate:
    def test_nobody_to_rank_in_an_arm(self):
        found = compare([(1, None, None, "A"), (2, None, None, "A"), (None, None, None, "B")])
        assert (found.probability.value, found.probability.reason) == (NAN, because(Why.NO_VALUES, group="B"))
        assert (found.wilcoxon.value, found.wilcoxon.p_value) == (NAN, NAN)
        assert (found.exact.p_value, found.exact.reason) == (NAN, because(Why.NO_VALUES, group="B"))
        assert found.arms[1].median_rank == NAN
        frame = found.to_frame()
        assert frame.loc[frame["statistic"].eq("median_rank"), "reason"].tolist() == [
            None,
            because(Why.NOBODY_COUNTED),
        ]

    def test_nobody_to_rank(self):
        found = compare([(None, None, None, "A"), (None, None, None, "B")])
        assert found.rank.tolist() == [NAN, NAN]
        assert found.exact.reason == because(Why.NO_VALUES, group="A")

    def test_all_dead_on_one_day(self):
        found = compare([(None, 5, None, arm) for arm in "AABB"])
        assert (found.probability.value, found.probability.lower) == (0.5, NAN)
        assert found.probability.reason == because(Why.EVERY_PAIR, outcome="tied")
        assert found.wilcoxon.p_value == NAN
        assert found.exact.p_value == 1

    def test_without_deaths_it_is_wilcoxon(self):
        found = worst_rank([1, 2, 3, 4], [0, 0, 1, 1], better="lower")
        assert found.rank.tolist() == [4, 3, 2, 1]
        assert found.probability.value == 0
        assert [arm.died + arm.transplanted for arm in found.arms] == [0, 0]


class TestControlFlow:
    def test_long_form(self):
        found = compare(EIGHT, conf_level=0.9)
        frame = found.to_frame()
        assert list(frame.columns) == list(COLUMNS)
        by = frame.set_index(["group", "statistic", "method"])["value"]
        assert by[("A", "died", MISSING_RULES["exclude"])] == 2
        assert by[("B", "missing", MISSING_RULES["exclude"])] == 1
        assert by[("B - A", "win_probability", METHOD)] == found.probability.value
        assert by[("B - A", "wilcoxon_p_value", WILCOXON)] == found.wilcoxon.p_value
        assert by[("B - A", "p_value", found.exact.how)] == found.exact.p_value
        assert found.exact.statistic == EXACT
        assert frame.loc[frame["statistic"].eq("median_rank"), "n"].tolist() == [4, 4]
        assert frame.loc[frame["statistic"].eq("subjects"), "n"].tolist() == [4, 5]
        assert frame.loc[frame["statistic"].eq("win_probability"), ["n", "events"]].to_numpy().tolist() == [
            [8, 5]
        ]

    def test_limits_follow_the_level(self):
        wide, narrow = compare(EIGHT).probability, compare(EIGHT, conf_level=0.5).probability
        assert 0 < wide.lower < narrow.lower < wide.value < narrow.upper < wide.upper < 1

    def test_monte_carlo(self):
        found = compare(EIGHT, limit=0, draws=50, seed=7)
        assert (found.exact.draws, found.exact) == (50, compare(EIGHT, limit=0, draws=50, seed=7).exact)

    def test_the_arguments_stay_as_they_are(self):
        value, death = np.array([1, np.nan, 3.0, 2]), pd.Series([np.nan, 9, np.nan, 4], index=[4, 3, 2, 1])
        transplant, group = np.array([np.nan, 3, np.nan, np.nan]), np.array([0, 0, 1, 1])
        before = [np.array(a) for a in (value, death, transplant, group)]
        worst_rank(value, group, better="lower", death_time=death, transplant_time=transplant)
        for array, old in zip((value, death, transplant, group), before, strict=True):
            np.testing.assert_array_equal(array, old)

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"better": "more"}, r"better must be one of \['higher', 'lower'\], got 'more'"),
            ({"missing": "worst"}, r"missing must be one of \['exclude', 'worst_alive'\], got 'worst'"),
            ({"death_time": [1, 2]}, "death_time and group must have the same length, got 2 and 3"),
            (
                {"transplant_time": [1, 2, -3]},
                "transplant_time must be 0 or more, got 1 negative of 3, lowest -3",
            ),
            ({"value": [1, 2]}, "value and group must have the same length, got 2 and 3"),
            ({"value": [1, 2, math.inf]}, "value must be finite, got 1 infinite of 3"),
            ({"group": [0, 0, 0]}, r"group must have two labels, got \[0\]"),
            ({"conf_level": 1}, "conf_level must be between 0 and 1, got 1"),
        ],
    )
    def test_refused(self, options, words):
        arguments = {"value": [1, 2, 3], "group": [0, 1, 1], "better": "lower", **options}
        with pytest.raises(ValueError, match=words):
            worst_rank(arguments.pop("value"), arguments.pop("group"), **arguments)
