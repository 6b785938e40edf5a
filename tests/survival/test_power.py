"""Exact power of Fisher's test."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from esld.survival import boschloo, fisher
from esld.survival.power import fisher_p_values, fisher_power, rejected


@pytest.mark.parametrize(
    ("p1", "p2", "power"),
    [(0.9, 0.5, 0.36), (0.9, 0.4, 0.56), (0.9, 0.3, 0.76), (0.8, 0.3, 0.52), (0.95, 0.25, 0.92)],
)
def test_eleven_against_eleven_as_computed_in_r(p1, p2, power):
    """R 4.2.2, sum over dbinom x dbinom of fisher.test(...)$p.value <= 0.05, printed with two decimals."""
    assert fisher_power(p1, p2, n1=11, n2=11) == pytest.approx(power, abs=0.005)


def test_two_against_two_by_hand():
    """The most extreme of the tables, 0 v 2, has p = 2 / 6: nothing is ever rejected at 0.05, and both such tables at 0.34."""
    assert fisher_power(0.9, 0.1, n1=2, n2=2) == 0
    assert fisher_power(1.0, 0.0, n1=2, n2=2, alpha=0.34) == pytest.approx(1)
    assert fisher_power(0.5, 0.5, n1=2, n2=2, alpha=0.34) == pytest.approx(2 / 16)


def test_p_values_are_those_of_scipy():
    ours = fisher_p_values(7, 5)
    theirs = [[fisher_exact([[a, 7 - a], [b, 5 - b]]).pvalue for b in range(6)] for a in range(8)]
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)


@given(p=st.floats(0, 1), n1=st.integers(1, 15), n2=st.integers(1, 15))
def test_never_above_the_level_without_a_difference(p, n1, n2):
    assert fisher_power(p, p, n1=n1, n2=n2) <= 0.05 + 1e-12


@given(p1=st.floats(0, 1), p2=st.floats(0, 1), n1=st.integers(1, 12), n2=st.integers(1, 12))
def test_swapping_the_groups_changes_nothing(p1, p2, n1, n2):
    assert fisher_power(p1, p2, n1=n1, n2=n2) == pytest.approx(fisher_power(p2, p1, n1=n2, n2=n1), abs=1e-12)


@pytest.mark.parametrize("wrong", [{"p1": 1.1}, {"p2": -0.1}, {"n1": 0}, {"alpha": 1.0}])
def test_impossible_arguments_are_refused(wrong):
    given_arguments = {"p1": 0.5, "p2": 0.5, "n1": 5, "n2": 5} | wrong
    p1, p2 = given_arguments.pop("p1"), given_arguments.pop("p2")
    with pytest.raises(ValueError, match="must be"):
        fisher_power(p1, p2, **given_arguments)


@pytest.mark.parametrize(("n1", "n2", "alpha"), [(4, 6, 0.1), (5, 5, 0.2), (1, 1, 0.05)])
@pytest.mark.parametrize("test", ["fisher", "boschloo"])
def test_rejected_is_what_the_test_rejects(n1, n2, alpha, test):
    function = {"fisher": fisher, "boschloo": boschloo}[test]
    p_values = np.array([[function(x1, n1, x2, n2).p_value for x2 in range(n2 + 1)] for x1 in range(n1 + 1)])
    assert (rejected(n1, n2, alpha=alpha, test=test) == (p_values <= alpha)).all()
