"""Linear statistics: the short way against every allocation."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.randomisation import CompleteRandomisation, Countable, LinearStatistic, Tally

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
