"""Balance before treatment: closed forms, invariance, and what has no answer."""

from math import isnan, nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from esld.randomisation.balance import mean_place, standardised_difference, standardised_differences

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


class TestManyAllocations:
    @given(
        st.lists(st.one_of(st.none(), st.floats(-1e3, 1e3, allow_nan=False)), min_size=6, max_size=6),
        st.lists(st.permutations([0, 0, 0, 1, 1, 1]), min_size=1, max_size=4),
    )
    def test_each_is_what_the_one_alone_gives(self, values, allocations):
        own = np.array([nan if x is None else round(x, 3) for x in values])
        found = standardised_differences(own, np.array(allocations))
        wanted = [standardised_difference(own, allocation) for allocation in allocations]
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-9)

    def test_errors(self):
        with pytest.raises(ValueError, match=r"allocations must be rows of 2, got shape \(1, 6\)"):
            standardised_differences([1, 2], [ARMS])


def test_mean_place():
    assert mean_place([0, 1, 1, 0]) == (2.5, 2.5)
    assert mean_place(ARMS) == (2, 5)
    assert isnan(mean_place([0, 0])[1])
