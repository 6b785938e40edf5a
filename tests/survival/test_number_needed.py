"""Number needed to treat: closed form, a published example, invariance, control flow."""

from math import inf, isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.longform import COLUMNS
from esld.reasons import Why, because
from esld.survival import risk_difference
from esld.survival.number_needed import number_needed_to_treat

METHODS = ("miettinen-nurminen", "newcombe")


@st.composite
def counts(draw):
    n = draw(st.integers(1, 40))
    return draw(st.integers(0, n)), n


class TestClosedForm:
    def test_benefit(self):
        found, gap = number_needed_to_treat(10, 11, 2, 11), risk_difference(10, 11, 2, 11)
        assert found.value == pytest.approx(11 / 8)
        assert (found.lower, found.upper) == pytest.approx((1 / gap.upper, 1 / gap.lower))
        assert (found.benefit, found.disjoint, found.reason) == (found.lower, False, None)
        assert isnan(found.harm)

    def test_harm(self):
        found, gap = number_needed_to_treat(2, 11, 10, 11), risk_difference(2, 11, 10, 11)
        assert found.value == pytest.approx(-11 / 8)
        assert (found.lower, found.upper) == pytest.approx((1 / gap.upper, 1 / gap.lower))
        assert found.lower < found.value < found.upper < 0
        assert found.harm == -found.upper
        assert isnan(found.benefit)

    def test_limits_through_infinity(self):
        found, gap = number_needed_to_treat(7, 11, 5, 11), risk_difference(7, 11, 5, 11)
        assert found.value == pytest.approx(11 / 2)
        assert found.disjoint and isnan(found.lower) and isnan(found.upper)
        assert (found.benefit, found.harm) == pytest.approx((1 / gap.upper, -1 / gap.lower))
        assert found.reason == because(Why.MAY_BE_ZERO)

    def test_difference_of_nothing_is_infinite(self):
        found = number_needed_to_treat(5, 11, 5, 11)
        assert found.value == inf
        assert found.disjoint
        assert found.benefit == pytest.approx(found.harm)

    def test_level_and_method_are_those_of_the_difference(self):
        found = number_needed_to_treat(10, 11, 2, 11, method="newcombe", conf_level=0.8)
        gap = risk_difference(10, 11, 2, 11, method="newcombe", conf_level=0.8)
        assert (found.lower, found.upper) == pytest.approx((1 / gap.upper, 1 / gap.lower))
        assert (found.method, found.conf_level) == ("reciprocal, newcombe", 0.8)


class TestInvariance:
    @given(counts(), counts(), st.sampled_from(METHODS))
    def test_swapping_the_arms_turns_benefit_into_harm(self, one, two, method):
        there, back = (number_needed_to_treat(*a, *b, method=method) for a, b in ((one, two), (two, one)))
        assert abs(back.value) == pytest.approx(abs(there.value))
        assert (back.benefit, back.harm) == pytest.approx((there.harm, there.benefit), nan_ok=True)
        assert back.disjoint == there.disjoint

    @given(counts(), counts(), st.sampled_from(METHODS))
    def test_the_estimate_is_not_excluded(self, one, two, method):
        found = number_needed_to_treat(*one, *two, method=method)
        if not found.disjoint:
            assert found.lower * (1 - 1e-12) - 1e-12 <= found.value or found.value < 0
            assert min(found.lower, found.upper) - 1e-9 <= found.value <= max(found.lower, found.upper) + 1e-9
        elif found.value > 0:
            assert found.value >= found.benefit - 1e-9
        else:
            assert -found.value >= found.harm - 1e-9

    @given(counts(), counts())
    def test_nobody_is_treated_by_halves(self, one, two):
        found = number_needed_to_treat(*one, *two)
        for number in (found.value, found.benefit, found.harm):
            assert isnan(number) or abs(number) >= 1 - 1e-12


class TestControlFlow:
    @pytest.mark.parametrize(
        ("table", "message"),
        [
            ((1, 2, 3, 2), "x2 must be from 0 to n2"),
            ((1, 2, 0, 0), "x2 must be from 0 to n2"),
            ((1.5, 2, 1, 2), "x1 and n1 must be integers"),
        ],
    )
    def test_counts(self, table, message):
        with pytest.raises(ValueError, match=message):
            number_needed_to_treat(*table)

    def test_one_patient_an_arm(self):
        found = number_needed_to_treat(1, 1, 0, 1)
        assert (found.value, found.benefit, found.disjoint) == (1, 1, True)

    def test_all_against_none(self):
        found = number_needed_to_treat(11, 11, 0, 11)
        assert (found.value, found.lower) == (1, 1)
        assert 1 < found.upper < 2

    def test_long_form(self):
        frame = number_needed_to_treat(7, 11, 5, 11).to_frame(group="HIGH - LOW")
        assert tuple(frame.columns) == COLUMNS
        assert frame["statistic"].tolist() == [
            "number_needed_to_treat",
            "number_needed_to_benefit_limit",
            "number_needed_to_harm_limit",
        ]
        assert frame["reason"].nunique() == 1
        assert (frame["n"][0], frame["events"][0], frame["group"][0]) == (22, 12, "HIGH - LOW")
        assert len(number_needed_to_treat(10, 11, 2, 11).to_frame()) == 1
