"""Balance before treatment: closed forms, invariance, and what has no answer."""

from math import isnan, nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from esld.randomisation.balance import mean_place, standardised_difference, standardised_difference_of_levels

ARMS = [0, 0, 0, 1, 1, 1]


class TestStandardisedDifference:
    def test_closed_form(self):
        """Means 2 and 4, variances 1 and 4: 2 over the root of 2.5."""
        assert standardised_difference([1, 2, 3, 2, 4, 6], ARMS) == pytest.approx(2 / sqrt(2.5))

    def test_missing_values_are_left_out(self):
        assert standardised_difference(
            [1, 2, 3, nan, 2, 4, 6, nan], [0, 0, 0, 0, 1, 1, 1, 1]
        ) == pytest.approx(2 / sqrt(2.5))

    @pytest.mark.parametrize("values", [[1, 1, 1, 2, 2, 2], [1, nan, nan, 2, 3, 4]])
    def test_nan_without_a_spread(self, values):
        assert isnan(standardised_difference(values, ARMS))

    @given(
        arrays.arrays(float, 8, elements=st.integers(-50, 50).map(float)),
        st.integers(1, 9),
        st.integers(-9, 9),
    )
    def test_unit_and_origin_do_not_matter_and_arms_change_the_sign(self, values, scale, origin):
        arms = np.array([0, 1] * 4)
        one = standardised_difference(values, arms)
        np.testing.assert_allclose(standardised_difference(scale * values + origin, arms), one, atol=1e-12)
        np.testing.assert_allclose(standardised_difference(values, 1 - arms), -one, atol=1e-12)

    def test_errors(self):
        with pytest.raises(ValueError, match="one length, got 2 and 6"):
            standardised_difference([1, 2], ARMS)
        with pytest.raises(ValueError, match=r"must be a row of 0 and 1, got \[0, 2\]"):
            standardised_difference([1, 2], [0, 2])


class TestLevels:
    def test_two_levels(self):
        """1/3 and 2/3: a third over the root of 2/9."""
        found = standardised_difference_of_levels(["F", "M", "M", "F", "F", "M"], ARMS)
        assert found == pytest.approx((1 / 3) / sqrt(2 / 9))

    def test_three_levels(self):
        """Shares (1/2, 1/4, 1/4) and (1/4, 1/2, 1/4): with the covariance of the first two levels, by hand."""
        levels = ["a", "a", "b", "c", "a", "b", "b", "c"]
        mean = np.array([[3 / 16 + 1 / 4, -1 / 8 - 1 / 8], [-1 / 8 - 1 / 8, 1 / 4 + 3 / 16]]) / 2
        apart = np.array([-1 / 4, 1 / 4])
        wanted = sqrt(apart @ np.linalg.solve(mean, apart))
        assert standardised_difference_of_levels(levels, [0] * 4 + [1] * 4) == pytest.approx(wanted)

    @given(st.lists(st.sampled_from("abc"), min_size=8, max_size=8), st.permutations("abc"))
    def test_names_of_levels_and_arms_do_not_matter(self, levels, names):
        arms = np.array([0, 1] * 4)
        one = standardised_difference_of_levels(levels, arms)
        renamed = [dict(zip("abc", names, strict=True))[x] for x in levels]
        np.testing.assert_allclose(standardised_difference_of_levels(renamed, arms), one, atol=1e-9)
        np.testing.assert_allclose(standardised_difference_of_levels(levels, 1 - arms), one, atol=1e-9)

    def test_same_everywhere_is_0_and_wholly_apart_is_nan(self):
        assert standardised_difference_of_levels(["a"] * 6, ARMS) == 0
        assert isnan(standardised_difference_of_levels(["a"] * 3 + ["b"] * 3, ARMS))
        assert isnan(standardised_difference_of_levels([None] * 3 + ["b"] * 3, ARMS))

    def test_missing_levels_are_left_out(self):
        levels = ["F", "M", "M", None, "F", "F", "M", nan]
        found = standardised_difference_of_levels(levels, [0, 0, 0, 0, 1, 1, 1, 1])
        assert found == pytest.approx((1 / 3) / sqrt(2 / 9))

    def test_errors(self):
        with pytest.raises(ValueError, match="one length, got 1 and 6"):
            standardised_difference_of_levels(["a"], ARMS)


def test_mean_place():
    assert mean_place([0, 1, 1, 0]) == (2.5, 2.5)
    assert mean_place(ARMS) == (2, 5)
    assert isnan(mean_place([0, 0])[1])
