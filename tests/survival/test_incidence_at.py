"""Incidence by a day in small samples, and the difference of two."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import beta

from esld.survival import clopper_pearson, cumulative_incidence, incidence_at, incidence_difference

ROWS = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 2)), min_size=1, max_size=25)


def curve(rows, **options):
    time, state = zip(*rows, strict=True)
    return cumulative_incidence(time, state, causes=(1, 2), **options)


@given(ROWS, st.integers(1, 12), st.sampled_from([0.8, 0.95]))
def test_where_nobody_is_lost_it_is_clopper_and_pearson_s_of_the_count(rows, at, level):
    rows = [(12, 0) if state == 0 else (day, state) for day, state in rows]
    found = incidence_at(curve(rows, conf_level=level), at, 1)
    exact = clopper_pearson(sum(s == 1 and day <= at for day, s in rows), len(rows), conf_level=level)
    assert (found.value, found.lower, found.upper) == (exact.value, exact.lower, exact.upper)
    assert found.method == exact.method


@given(ROWS, st.integers(1, 12))
def test_whoever_is_lost_makes_it_less_certain_than_the_same_share_of_all(rows, at):
    one = curve(rows)
    found = incidence_at(one, at, 1)
    assume(not np.isnan(found.value))
    assert found.value == pytest.approx(one.at([at]).query("cause == '1'")["incidence"].iloc[0])
    x, n = found.value * len(rows), len(rows)
    low, high = (
        (0 if x == 0 else beta.ppf(0.025, x, n - x + 1)),
        (1 if x == n else beta.ppf(0.975, x + 1, n - x)),
    )
    assert found.lower <= low + 1e-9
    assert found.upper >= high - 1e-9


def test_one_lost_of_four_by_hand():
    """Events at 1 and 3, one lost at 2, one followed to 5: 1/4 + 3/4 × 1/2 = 5/8 with the variance of Kaplan and Meier."""
    found = incidence_at(curve([(1, 1), (2, 0), (3, 1), (5, 0)]), 4, 1)
    variance = (3 / 8) ** 2 * (1 / (4 * 3) + 1 / (2 * 1))
    size = (5 / 8) * (3 / 8) / variance
    assert found.value == pytest.approx(5 / 8)
    assert found.lower == pytest.approx(beta.ppf(0.025, 5 / 8 * size, 3 / 8 * size + 1))
    assert found.upper == pytest.approx(beta.ppf(0.975, 5 / 8 * size + 1, 3 / 8 * size))


def test_of_none_the_lost_do_not_count():
    found = incidence_at(curve([(2, 0), (9, 0), (9, 0), (9, 0)]), 5, 1)
    assert (found.value, found.lower) == (0, 0)
    assert found.upper == pytest.approx(clopper_pearson(0, 3).upper)


def test_beyond_the_end_of_observation_there_is_none():
    short, whole = curve([(2, 0), (4, 1)][:1]), curve([(1, 1), (12, 0)])
    assert np.isnan(incidence_at(short, 5, 1).value)
    gap = incidence_difference(whole, short, 5, 1)
    assert np.isnan([gap.value, gap.lower, gap.upper]).all()
    assert gap.reason == incidence_at(short, 5, 1).reason is not None


@given(ROWS, ROWS, st.integers(1, 12))
def test_the_difference_turns_with_the_groups_and_is_mover_of_both(first, second, at):
    one, other = curve(first), curve(second)
    there, back = incidence_difference(one, other, at, 1), incidence_difference(other, one, at, 1)
    assume(not np.isnan(there.value))
    assert (there.value, there.lower, there.upper) == pytest.approx((-back.value, -back.upper, -back.lower))
    a, b = incidence_at(one, at, 1), incidence_at(other, at, 1)
    assert there.lower == pytest.approx(there.value - np.hypot(b.value - b.lower, a.upper - a.value))


def test_levels_must_agree():
    with pytest.raises(ValueError, match=r"second must have the level 0\.9 of first, got 0\.95"):
        incidence_difference(curve([(1, 1)], conf_level=0.9), curve([(1, 1)]), 1, 1)
