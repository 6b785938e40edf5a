"""Exact unconditional limits of a risk difference: SAS, StatXact, full enumeration, invariance."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from esld.survival.exact_difference import _at_most
from esld.survival.number_needed import number_needed_to_treat
from esld.survival.proportions import risk_difference
from esld.survival.two_by_two import barnard
from tests.examples import few


@st.composite
def counts(draw):
    n = draw(st.integers(1, 12))
    return draw(st.integers(0, n)), n


class TestReference:
    @pytest.mark.parametrize(
        ("table", "lower", "upper"),
        [
            ((24, 61, 10, 35), -0.0992, 0.2949),
            ((9, 11, 4, 12), 0.0616, 0.7968),
            ((6, 13, 2, 7), -0.3108, 0.5787),
            ((13, 13, 0, 7), 0.5904, 1.0),
        ],
    )
    def test_limits(self, table, lower, upper):
        """SAS 9.4, ``exact riskdiff(method=score)`` (rows 1, 2, 4), and StatXact 11 (rows 1, 3, 4).

        As the tests of R's exact2x2 1.6.9 quote them, for the second group less the first.
        """
        found = risk_difference(*table, method="exact")
        assert (found.lower, found.upper) == pytest.approx((lower, upper), abs=5e-5)

    @pytest.mark.parametrize(
        ("table", "p"), [((24, 61, 10, 35), 0.4284), ((6, 13, 2, 7), 0.5569), ((13, 13, 0, 7), 4.758e-6)]
    )
    def test_p_value(self, table, p):
        """StatXact 11, two one-sided tests, quoted in the same place."""
        assert risk_difference(*table, method="exact").p_value == pytest.approx(p, rel=2e-4)

    @pytest.mark.parametrize("table", [(2, 2, 2, 2), (0, 2, 0, 2)])
    def test_everybody_the_same_in_two_and_two(self, table):
        # At D the worst case is one chance at its end: (1 - D)^2 = 0.05 for 90 %.
        found = risk_difference(*table, method="exact", conf_level=0.9)
        assert found.upper == pytest.approx(1 - 0.05**0.5, abs=2e-9)
        assert found.lower == -found.upper


class TestCoverage:
    def test_eleven_against_eleven(self):
        """Of all 144 tables, at 61 x 61 pairs of chances: never below 95 %."""
        n, grid = 11, np.linspace(0, 1, 61)

        @cache
        def limits(x1, x2):  # the others by symmetry, which TestInvariance holds
            if x1 < x2:
                return tuple(-limit for limit in reversed(limits(x2, x1)))
            if x1 + x2 > n:
                return limits(n - x2, n - x1)
            found = risk_difference(x1, n, x2, n, method="exact")
            return found.lower, found.upper

        lower, upper = np.moveaxis([[limits(i, j) for j in range(n + 1)] for i in range(n + 1)], -1, 0)
        chance = binom.pmf(np.arange(n + 1), n, grid[:, None])
        for p1, first in zip(grid, chance, strict=True):
            for p2, second in zip(grid, chance, strict=True):
                holds = (lower <= p1 - p2 + 1e-9) & (p1 - p2 - 1e-9 <= upper)
                assert first @ holds @ second >= 0.95


class TestInvariance:
    @given(counts(), counts())
    @few(8)
    def test_swapping_the_arms_and_counting_the_others_mirror_the_interval(self, one, two):
        (x1, n1), (x2, n2) = one, two
        found = risk_difference(*one, *two, method="exact")
        assert -1 <= found.lower <= found.value <= found.upper <= 1
        for other in ((*two, *one), (n1 - x1, n1, n2 - x2, n2)):
            mirrored = risk_difference(*other, method="exact")
            assert (mirrored.lower, mirrored.upper) == pytest.approx((-found.upper, -found.lower), abs=1e-8)
            assert mirrored.p_value == pytest.approx(found.p_value)
        if abs(found.p_value - 0.05) > 1e-6 and not found.lower <= 0 <= found.upper:
            assert found.p_value < 0.05

    @given(counts(), counts())
    @few(15)
    def test_without_a_difference_it_is_barnards_test(self, one, two):
        # Two ways to the same tail: over both binomials, and over the total with its tables.
        found = barnard(*one, *two)
        assert _at_most(*one, *two, 0.0) == pytest.approx(found.p_less, rel=1e-8)
        assert _at_most(*two, *one, 0.0) == pytest.approx(found.p_greater, rel=1e-8)


class TestControlFlow:
    def test_it_is_a_method_of_the_difference_and_of_what_is_made_of_it(self):
        found, gap = (f(10, 11, 2, 11, method="exact") for f in (number_needed_to_treat, risk_difference))
        assert gap.method == "unconditional, score, two-one-sided"
        assert (found.lower, found.upper) == pytest.approx((1 / gap.upper, 1 / gap.lower))

    def test_all_against_none(self):
        found = risk_difference(11, 11, 0, 11, method="exact")
        assert found.upper == 1 and 0.6 < found.lower < 0.8
        assert risk_difference(0, 11, 11, 11, method="exact").lower == -1

    def test_one_patient_an_arm(self):
        # P(1/1 v 0/1) = (P2 + D) (1 - P2) is ((1 + D) / 2)^2 at most: 0.025.
        found = risk_difference(1, 1, 0, 1, method="exact")
        assert found.lower == pytest.approx(2 * 0.025**0.5 - 1, abs=2e-9)
        assert found.upper == 1
