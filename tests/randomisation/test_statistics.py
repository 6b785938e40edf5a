"""Linear statistics: the short way against every allocation."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.randomisation import CompleteRandomisation, Countable, LinearStatistic, Tally, randomisation_test
from esld.randomisation.statistics import STATISTICS, difference_in_means, rank_sum, risk_difference
from tests.randomisation.explicit import coin

SCORES = st.lists(st.integers(-6, 6), min_size=4, max_size=11)


def listed(statistic, design, observed):
    """The tally from every allocation, by itertools."""
    rows = np.zeros((design.count, design.n), dtype=np.uint8)
    for row, chosen in zip(rows, combinations(range(design.n), design.sizes[1]), strict=True):
        row[list(chosen)] = 1
    return Tally.of(statistic(rows), observed, statistic.resolution)


class TestLinearStatistic:
    @given(SCORES, st.data())
    def test_meeting_in_the_middle_is_listing(self, scores, data):
        ones = data.draw(st.integers(2, len(scores) - 2))
        statistic = LinearStatistic(name="sum", scores=np.array(scores, float), scale=7)
        design = CompleteRandomisation(sizes=(len(scores) - ones, ones))
        observed = sum(data.draw(st.permutations(scores))[:ones]) / 7
        found = statistic.tally(design, observed)
        if found is None:  # more halves than allocations
            assert 2 ** ((len(scores) + 1) // 2) > design.count
        else:
            assert found == listed(statistic, design, observed)

    def test_a_rank_sum_by_hand(self):
        # Ranks 1 to 6, centred, 3 v 3: of 20 sums one is 4.5 (4, 5, 6), one 3.5 (3, 5, 6); below 0 the same.
        statistic = LinearStatistic(name="rank sum", scores=np.arange(-5.0, 6.0, 2.0), scale=2)
        found = statistic.tally(CompleteRandomisation(sizes=(3, 3)), 3.5)
        assert found == Tally(at_least=2, more=1, at_most=2, less=1, undefined=0, total=20)

    def test_ties_are_not_lost_to_rounding(self):
        # 0.1 + 0.2 and 0.3 + 0 are not equal as doubles
        statistic = LinearStatistic(name="sum", scores=np.array([0.1, 0.2, 0.3, 0.0]), resolution=1e-10)
        design = CompleteRandomisation(sizes=(2, 2))
        assert 0.1 + 0.2 != 0.3
        for found in (statistic.tally(design, 0.3), listed(statistic, design, 0.3)):
            assert found.at_least - found.more == 2

    def test_few_in_one_arm_are_listed(self):
        statistic = LinearStatistic(name="sum", scores=np.arange(40.0))
        assert isinstance(statistic, Countable)
        assert statistic.tally(CompleteRandomisation(sizes=(39, 1)), 3) is None

    def test_the_order_of_subjects_in_memory_does_not_matter(self):
        statistic = LinearStatistic(name="sum", scores=np.array([1.0, 2.0, 4.0]), scale=2)
        rows = np.array([[1, 0, 1], [0, 1, 1]], dtype=np.uint8)
        assert statistic(rows).tolist() == statistic(np.asfortranarray(rows)).tolist() == [2.5, 3.0]


class TestTally:
    def test_weights(self):
        values, weights = np.array([-2.0, -1.0, 0.0, 1.0, np.nan]), np.array([0.1, 0.2, 0.3, 0.15, 0.25])
        found = Tally.of(values, 1.0, 0.0, weights)
        assert (found.at_least, found.more) == pytest.approx((0.15, 0))
        assert (found.at_most, found.less) == pytest.approx((0.3, 0.1))
        assert (found.undefined, found.total) == pytest.approx((0.25, 1))

    def test_parts_add_up(self):
        values = np.array([-2.0, -1.0, 0.0, 1.0, 2.0, 2.0])
        parts = [Tally.of(part, -1.0, 0.0) for part in (values[:1], values[1:4], values[4:])]
        assert Tally.sum(parts) == Tally.of(values, -1.0, 0.0)


def fractions_of(values, rows):
    """Differences in means in rational numbers; None with an empty arm."""
    exact = [Fraction(str(value)) for value in values]
    for row in rows:
        arms = [[x for x, arm in zip(exact, row, strict=True) if arm == code] for code in (0, 1)]
        means = [sum(arm) / len(arm) if arm else None for arm in arms]
        yield None if None in means else means[1] - means[0]


class TestDifferenceInMeans:
    @given(st.lists(st.integers(-999, 999), min_size=2, max_size=6), st.sampled_from([1, 10, 1000]))
    def test_whatever_the_sizes_and_ties_to_the_bit(self, whole, scale):
        values, rows = [w / scale for w in whole], coin(len(whole)).rows
        statistic = difference_in_means(values)
        assert statistic.resolution == 0
        found = statistic(rows)
        for mine, exact in zip(found, fractions_of(values, rows), strict=True):
            assert np.isnan(mine) if exact is None else mine == float(exact)

    def test_by_hand(self):
        # 0.1 0.2 | 0.3 0.5: 0.4 - 0.15; an empty arm has no mean
        found = difference_in_means([0.1, 0.2, 0.3, 0.5])(
            np.array([[0, 0, 1, 1], [0, 1, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0]], dtype=np.uint8)
        )
        assert found[:2] == pytest.approx([0.25, 7 / 30])
        assert np.isnan(found[2:]).all()

    @given(st.lists(st.floats(-1e3, 1e3), min_size=7, max_size=9), st.data())
    def test_any_numbers_within_their_resolution(self, values, data):
        statistic, n = difference_in_means(values), len(values)
        row = np.array(data.draw(st.permutations([0] * 3 + [1] * (n - 3))), dtype=np.uint8)
        numbers = np.array(values)
        wanted = numbers[row == 1].mean() - numbers[row == 0].mean()
        assert statistic(row[np.newaxis])[0] == pytest.approx(wanted, rel=1e-9, abs=1e-10)

    def test_numbers_with_many_decimals_state_a_tolerance(self):
        statistic = difference_in_means([np.pi, np.e, 1 / 3])
        assert statistic.resolution == pytest.approx(1e-10 * (np.pi - 1 / 3))

    @pytest.mark.parametrize(("common", "step"), [(2e15, 1), (1e17, 16)])
    def test_huge_numbers_with_a_small_spread(self, common, step):
        # Below 2^51 and above: what is common to all costs no digits. 0, 1, 3 | 7, 8, 10, 20: 45/4 - 4/3
        statistic = difference_in_means([common + step * k for k in (0, 1, 3, 7, 8, 10, 20)])
        found = statistic(np.array([[0, 0, 0, 1, 1, 1, 1]], dtype=np.uint8))
        assert found / step == pytest.approx([45 / 4 - 4 / 3], rel=1e-14)

    def test_too_many_digits_for_whole_numbers(self):
        # 10^12 steps of 10^-6: fractions of such numbers may fall together in a double
        assert difference_in_means([0.000001, 1e6]).resolution > 0
        assert difference_in_means([0.01, 1e6]).resolution == 0

    @given(SCORES, st.data())
    def test_short_way_is_listing(self, scores, data):
        ones = data.draw(st.integers(1, len(scores) - 1))
        statistic, design = (
            difference_in_means(np.array(scores) / 10), CompleteRandomisation(sizes=(len(scores) - ones, ones))
        )  # fmt: skip
        codes = np.array(data.draw(st.permutations([0] * (len(scores) - ones) + [1] * ones)), dtype=np.uint8)
        observed = float(statistic(codes[np.newaxis])[0])
        found = statistic.tally(design, observed)
        assert found is None or found == listed(statistic, design, observed)

    def test_short_way_is_taken(self):
        statistic = difference_in_means(np.arange(12.0))
        assert isinstance(statistic, Countable)
        assert statistic.tally(CompleteRandomisation(sizes=(6, 6)), 6.0).at_least == 1
        assert statistic.tally(CompleteRandomisation(sizes=(12, 0)), 0.0) is None
        assert statistic.tally(coin(4), 0.0) is None

    def test_constant_values(self):
        found = randomisation_test(
            difference_in_means([7.7] * 4), [0, 1, 0, 1], design=CompleteRandomisation(sizes=(2, 2))
        )
        assert (found.observed, found.p_value) == (0, 1)

    @pytest.mark.parametrize("factory", STATISTICS.values(), ids=STATISTICS)
    def test_inputs(self, factory):
        with pytest.raises(ValueError, match=r"must have shape \(n,\) with n above 0, got \(0,\)"):
            factory([])
        with pytest.raises(ValueError, match=r"must have shape \(n,\) with n above 0, got \(1, 2\)"):
            factory([[0, 1]])
        with pytest.raises(ValueError, match="got nan in row 1"):
            factory([0, np.nan])
        values = np.array([1.0, 0.0, 1.0])
        factory(values)(np.array([[0, 1, 1]], dtype=np.uint8))
        assert values.tolist() == [1, 0, 1]

    def test_infinite(self):
        with pytest.raises(ValueError, match="values must be finite, got -inf in row 0"):
            difference_in_means([-np.inf, 1])


class TestRiskDifference:
    def test_one_third_and_two_sixths_are_a_tie(self):
        # As doubles 1/3 + 1/3 - 2/3 need not be 0: here 1 of 3 against 2 of 6, and 2 of 3 against 4 of 6.
        rows = np.array([[1, 1, 1, 0, 0, 0, 0, 0, 0]], dtype=np.uint8)
        for event in ([1, 0, 0, 1, 1, 0, 0, 0, 0], [1, 1, 0, 1, 1, 1, 1, 0, 0]):
            assert risk_difference(event)(rows).tolist() == [0]

    def test_fisher(self):
        # Ordering by the risk difference, one-sided, is Fisher's exact test: 4 of 5 v 1 of 6 is
        # (C(5,4) C(6,1) + C(5,5) C(6,0)) / C(11,5) = 31/462.
        event, arm = [1] * 4 + [0] + [1] + [0] * 5, [1] * 5 + [0] * 6
        found = randomisation_test(risk_difference(event), arm, design=CompleteRandomisation(sizes=(6, 5)))
        assert found.observed == pytest.approx(4 / 5 - 1 / 6)
        assert found.p_upper == pytest.approx(31 / 462)

    def test_events_are_yes_or_no(self):
        assert risk_difference([True, False]).name == "risk-difference"
        with pytest.raises(ValueError, match=r"event must be 0 or 1, got \[0.0, 2.0\]"):
            risk_difference([0, 2])


class TestRankSum:
    @given(st.lists(st.integers(0, 4), min_size=2, max_size=7))
    def test_half_of_wins_less_losses(self, values):
        rows = coin(len(values)).rows
        for row, found in zip(rows, rank_sum(values)(rows), strict=True):
            pairs = [
                np.sign(b - a)
                for a, x in zip(values, row, strict=True)
                for b, y in zip(values, row, strict=True)
                if x == 0 and y == 1
            ]
            assert found == sum(pairs) / 2

    def test_against_scipy(self):
        from scipy.stats import mannwhitneyu

        values, arm = [3.1, 0.2, 5.5, 4.1, 9.0, 2.2, 7.5, 8.1, 1.0], [0, 0, 1, 0, 1, 0, 1, 1, 0]
        found = randomisation_test(rank_sum(values), arm, design=CompleteRandomisation(sizes=(5, 4)))
        second = [v for v, a in zip(values, arm, strict=True) if a]
        first = [v for v, a in zip(values, arm, strict=True) if not a]
        assert found.p_value == pytest.approx(mannwhitneyu(second, first, method="exact").pvalue)

    def test_only_the_order_matters_and_the_infinite_have_one(self):
        one, two = rank_sum([1, 5, 2, 2, 9]), rank_sum([-np.inf, 50, 3, 3, np.inf])
        assert one.scores.tolist() == two.scores.tolist() == [-4, 2, -1, -1, 4]
        assert one.resolution == 0


def test_statistics_by_name():
    assert set(STATISTICS) == {"difference_in_means", "rank_sum", "risk_difference"}
    for name, factory in STATISTICS.items():
        assert factory([0, 1, 1]).name == name.replace("_", "-")
