"""Adjusted p-values: R's p.adjust, closed testing by hand, and what no order of the comparisons may change."""

from itertools import combinations
from math import isnan, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.multiplicity import fixed_sequence, holm

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("p_values", "adjusted"),
    [
        # The rule of R's p.adjust(p, "holm"), pmin(1, cummax((n + 1 - i) * p)), by hand.
        ([0.01, 0.02, 0.03, 0.04], [0.04, 0.06, 0.06, 0.06]),
        ([0.005, 0.011, 0.02, 0.04, 0.13], [0.025, 0.044, 0.06, 0.08, 0.13]),
        ([0.6, 0.5], [1, 1]),
        ([0.2], [0.2]),
    ],
)
def test_holm_by_the_rule_of_r(p_values, adjusted):
    assert holm(p_values) == pytest.approx(adjusted, abs=1e-15)


@given(P_VALUES)
def test_holm_is_the_closed_test_of_bonferroni(p_values):
    """The largest of min(1, k times the smallest p) over every set of k comparisons that holds the one."""
    places = range(len(p_values))
    sets = [set(own) for size in range(1, len(p_values) + 1) for own in combinations(places, size)]
    for place, found in enumerate(holm(p_values)):
        closed = (min(1, len(own) * min(p_values[i] for i in own)) for own in sets if place in own)
        assert found == pytest.approx(max(closed), abs=1e-12)


@given(P_VALUES, st.randoms(use_true_random=False))
def test_holm_does_not_depend_on_the_order(p_values, random):
    order = list(range(len(p_values)))
    random.shuffle(order)
    assert holm([p_values[i] for i in order]) == pytest.approx([holm(p_values)[i] for i in order])


@given(P_VALUES)
def test_adjusted_is_never_smaller(p_values):
    for rule in (holm, fixed_sequence):
        assert all(p <= found <= 1 for p, found in zip(p_values, rule(p_values), strict=True))


def test_a_fixed_sequence_stops_at_the_first_that_is_not_rejected():
    assert fixed_sequence([0.01, 0.2, 0.001]) == [0.01, 0.2, 0.2]


def test_what_could_not_be_tested():
    """It counts among the comparisons of Holm, and ends a fixed sequence."""
    found = holm([0.01, nan, 0.04])
    assert found[0] == pytest.approx(0.03)
    assert found[2] == pytest.approx(0.08)
    assert isnan(found[1])
    first, gone, last = fixed_sequence([0.01, nan, 0.001])
    assert (first, last) == (0.01, 1.0)
    assert isnan(gone)
