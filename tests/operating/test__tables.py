"""Exact boundaries for two proportions: by another enumeration, state by state, at 1,001 chances."""

import numpy as np
import pytest
from scipy.stats import binom

from esld.operating._tables import calibrated, in_u, powers
from esld.operating.boundaries import KINDS, group_sequential

GRID = np.linspace(0, 1, 1001)
SIZES = [((4, 8, 11), (4, 8, 11)), ((3, 7, 12), (5, 8, 8))]


def crossed(looks, n1, n2, p1, p2):
    """Probability of having crossed each side up to each look: the distribution of the states goes from look to look."""
    there, before, sums = np.ones((p1.size, 1, 1)), (0, 0), np.zeros((2, p1.size))
    for look, here in zip(looks, zip(n1, n2, strict=True), strict=True):
        after = np.zeros((p1.size, here[0] + 1, here[1] + 1))
        for i in range(here[0] - before[0] + 1):
            for j in range(here[1] - before[1] + 1):
                chance = binom.pmf(i, here[0] - before[0], p1) * binom.pmf(j, here[1] - before[1], p2)
                after[:, i : i + before[0] + 1, j : j + before[1] + 1] += chance[:, None, None] * there
        for side, tables in enumerate((look.upper.rejected, look.lower.rejected)):
            sums[side] += after[:, tables].sum(axis=1)
        after[:, look.upper.rejected | look.lower.rejected] = 0
        there, before = after, here
        yield sums.copy()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("n1", "n2"), SIZES)
def test_no_side_exceeds_its_level_at_any_of_1001_common_chances(kind, n1, n2):
    sided = 1 if n1 == n2 else 2
    bounds = group_sequential(kind, information=[0.35, 0.7, 1], alpha=0.025 * sided, sided=sided)
    looks = calibrated(n1, n2, bounds.spent_a_side, both=sided == 2)
    used = 0.0
    for look, level, found in zip(
        looks, bounds.spent_a_side, crossed(looks, n1, n2, GRID, GRID), strict=True
    ):
        assert found.max() <= level
        for side, sums in zip((look.upper, look.lower), found, strict=True):
            on_grid = side.polynomial @ powers(side.polynomial.size - 1, GRID)
            np.testing.assert_allclose(on_grid, sums, atol=1e-13)
            assert sums.max() <= side.bound <= sums.max() + 1e-5
        used = found[0].max()
    assert used > 0.015  # of 0.025: the level is not only kept but used


@pytest.mark.parametrize("difference", [-0.35, 0.2])
def test_nor_on_the_line_of_another_difference(difference):
    bounds = group_sequential("pocock", information=[0.35, 0.7, 1], alpha=0.05, sided=2)
    n1, n2 = SIZES[1]
    looks = calibrated(n1, n2, bounds.spent_a_side, both=True, difference=difference)
    p2 = max(0, -difference) + GRID * (1 - abs(difference))
    levels = zip(bounds.spent_a_side, crossed(looks, n1, n2, p2 + difference, p2), strict=True)
    found = [(level, sums.max()) for level, sums in levels]
    assert all(error <= level for level, error in found)
    assert found[-1][1] > 0.02


def test_the_bound_holds_between_the_points_of_a_coarse_grid():
    # With six points the largest error, at 0.5, lies between two of them.
    coarse = calibrated([8], [8], [0.1], both=False, points=6)[0].upper
    there = coarse.polynomial @ powers(16, GRID)
    on_grid = coarse.polynomial @ powers(16, np.linspace(0, 1, 6))
    assert on_grid.max() < there.max() <= coarse.bound <= 0.1


def test_a_side_takes_as_many_tables_as_its_level_allows():
    (look,) = calibrated([11], [11], [0.025], both=False)
    rest = np.where(look.upper.rejected, -np.inf, look.z)
    more = look.upper.rejected | (rest >= rest.max() - 1e-9)
    chance = binom.pmf(np.arange(12), 11, GRID[:, None])
    assert np.einsum("mi,ij,mj->m", chance, more, chance).max() > 0.025


def test_a_table_stays_rejected_with_more_events_in_the_first_group_and_fewer_in_the_second():
    for look in calibrated([3, 7, 12], [5, 8, 8], [0.01, 0.02, 0.05], both=True):
        assert np.all(look.upper.rejected[:-1] <= look.upper.rejected[1:])
        assert np.all(look.upper.rejected[:, 1:] <= look.upper.rejected[:, :-1])
        assert np.all(look.lower.rejected[1:] <= look.lower.rejected[:-1])


def test_ways_in_u_by_hand():
    # p from 0.2 to 0.6: p = 0.2 (1 - u) + 0.6 u, 1 - p = 0.8 (1 - u) + 0.4 u.
    np.testing.assert_allclose(in_u(1, 0.2, 0.6), [[0.8, 0.4], [0.2, 0.6]])
    np.testing.assert_allclose(in_u(2, 0.0, 1.0), [[1, 0, 0], [0, 1, 0], [0, 0, 1]])


def test_a_side_that_is_not_tested_rejects_nothing():
    looks = calibrated([2, 5], [2, 5], [0.1, 0.2], both=False)
    assert not any(look.lower.rejected.any() for look in looks)
    assert [look.lower.bound for look in looks] == [0, 0]
