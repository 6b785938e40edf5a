"""One tolerance for times: R's ``aeqSurv``, invariance, and points in time."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from esld.times import TOLERANCE, aligned, before, until, with_horizon

TIMES = st.lists(st.one_of(st.integers(0, 9).map(float), st.floats(0, 1e6)), min_size=1, max_size=30).map(
    np.array
)


def as_r(times):
    """``survival::aeqSurv`` of survival 3.5-3, line by line, for the times that are there."""
    y = np.unique(times[~np.isnan(times)])
    if y.size < 2:
        return times
    dy = np.diff(y)
    cuts = y[np.append(True, ~((dy <= TOLERANCE) | (dy / np.mean(np.abs(y)) <= TOLERANCE)))]
    found = times.copy()
    known = ~np.isnan(times)
    found[known] = cuts[np.searchsorted(cuts, times[known], side="right") - 1]
    return found


class TestAligned:
    def test_r(self):
        # R 4.2.2, survival 3.5-3: s <- c(.1, .2, .3, .4, .5, .6); t <- (s + .2) - s
        # length(unique(t)) is 4, length(unique(aeqSurv(Surv(t, rep(1, 6)))[, 1])) is 1.
        s = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
        t = (s + 0.2) - s
        assert np.unique(t).size == 4
        assert np.unique(aligned(t)[0]).tolist() == [t.min()]
        # aeqSurv(Surv(c(1, 1 + 1e-8, 1 + 2e-8, 2), rep(1, 4)))[, 1]: 1 1 1 2, each near the one before
        assert aligned(np.array([1, 1 + 1e-8, 1 + 2e-8, 2]))[0].tolist() == [1, 1, 1, 2]
        # aeqSurv(Surv(c(1000, 1000 + 1e-5, 1000 + 1e-4), rep(1, 3)))[, 1]: the tolerance is 1.49e-5 there
        assert aligned(np.array([1000, 1000 + 1e-5, 1000 + 1e-4]))[0].tolist() == [1000, 1000, 1000 + 1e-4]

    @given(TIMES, st.lists(st.floats(-1e-8, 1e-8), min_size=30, max_size=30), st.booleans())
    def test_as_r_whatever_the_times(self, times, noise, missing):
        some = np.concatenate((times, np.abs(times * (1 + np.array(noise[: times.size])))))
        if missing:
            some[::3] = np.nan
        np.testing.assert_array_equal(aligned(some)[0], as_r(some))

    def test_many_rows(self):
        times = np.random.default_rng(1).exponential(700, 30_000)
        times = np.concatenate((times, times * (1 + 1e-12)))
        found = aligned(times)[0]
        np.testing.assert_array_equal(found, as_r(times))
        np.testing.assert_array_equal(found[:30_000], found[30_000:])

    def test_several_arrays_are_looked_at_together(self):
        one, two, none = aligned(np.array([0.3, 1]), np.array([0.1 + 0.2, np.nan]), np.zeros(0))
        assert (one.tolist(), two[0], none.size) == ([0.3, 1], 0.3, 0)
        assert np.isnan(two[1])

    def test_whole_numbers_stay_and_nothing_is_changed_in_place(self):
        whole, other = np.array([3.0, 1, 2]), np.array([0.1 + 0.2, 0.3])
        kept = other.copy()
        assert aligned(whole)[0] is whole
        assert aligned(other)[0].tolist() == [0.3, 0.3]
        np.testing.assert_array_equal(other, kept)

    def test_extremes(self):
        for times in ([], [np.nan, np.nan], [5e-324, 0.0, 1e9, 1e-308], [1e300, 1e300 * (1 + 1e-12)]):
            np.testing.assert_array_equal(aligned(np.array(times, float))[0], as_r(np.array(times, float)))


class TestPoints:
    def test_a_point_is_the_time_that_it_equals_but_for_rounding(self):
        times = np.array([0.2 - 3e-17, 0.3, 365.0])
        points = np.array([0.2, 0.1 + 0.2, 365 * (1 + 1e-15), 365 * (1 - 1e-15), 1.0])
        assert until(times, points).tolist() == [1, 2, 3, 3, 2]
        assert before(times, points).tolist() == [0, 1, 2, 2, 2]

    @given(TIMES, st.floats(0, 1e6))
    def test_before_and_until_count_the_rest(self, times, point):
        ordered, at = np.sort(times), np.array([point])
        near = np.abs(ordered - point) <= TOLERANCE * max(1, point)
        assert until(ordered, at)[0] - before(ordered, at)[0] == np.count_nonzero(near)

    def test_a_horizon(self):
        times = np.array([0.1 + 0.2, 0.5])
        assert with_horizon(times, 0.3).tolist() == [0.3, 0.5]
        assert with_horizon(times, 0.4) is times
