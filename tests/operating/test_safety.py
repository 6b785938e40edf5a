"""A safety stopping rule: its boundary and what it does."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom

from esld.operating import BetaMixture, beta_prior, stopping_rule


def test_boundary_and_properties_as_published():
    """R stoppingrule 0.6, README: calc.rule.bin(ns = 1:30, p0 = 0.20, alpha = 0.10, type = "BB", param = c(0.6, 2.4)).

    Its threshold, found by halves, is printed as 0.9630823; 4 of 7 has 0.96308269, which is meant not to stop.
    """
    rule = stopping_rule(30, limit=0.2, threshold=0.963083, prior=BetaMixture(a=(0.6,), b=(2.4,)))
    expected = [
        2,
        3,
        3,
        3,
        4,
        4,
        5,
        5,
        5,
        5,
        6,
        6,
        6,
        7,
        7,
        7,
        7,
        8,
        8,
        8,
        9,
        9,
        9,
        9,
        10,
        10,
        10,
        10,
        11,
        11,
    ]
    assert rule.boundary.tolist() == expected
    found = rule.properties([0.2, 0.25, 0.3, 0.35, 0.4])
    np.testing.assert_allclose(
        found.stopped, [0.09957367, 0.23832301, 0.43615256, 0.64555222, 0.81491087], atol=5e-9
    )
    np.testing.assert_allclose(found.events, [5.651197, 6.536293, 6.926712, 6.819377, 6.355803], atol=5e-7)


@pytest.mark.parametrize("looks", [None, [3, 5, 8], [8]])
def test_properties_by_all_sequences(looks):
    n, p = 8, 0.4
    rule = stopping_rule(n, limit=0.3, threshold=0.85, looks=looks)
    stopped_at, subjects, events = np.zeros(rule.looks.size), 0.0, 0.0
    for one in product((0, 1), repeat=n):
        chance = p ** sum(one) * (1 - p) ** (n - sum(one))
        ends = next((k for k, m in enumerate(rule.looks) if sum(one[:m]) >= rule.boundary[k]), None)
        if ends is not None:
            stopped_at[ends] += chance
        known = n if ends is None else rule.looks[ends]
        subjects, events = subjects + chance * known, events + chance * sum(one[:known])
    found = rule.properties([p])
    np.testing.assert_allclose(found.stopped_at[0], stopped_at, atol=1e-12)
    assert (found.subjects[0], found.events[0]) == pytest.approx((subjects, events))


def test_one_look_is_a_binomial_tail():
    rule = stopping_rule(20, limit=0.3, threshold=0.9, looks=[20])
    (bound,) = rule.boundary
    assert beta.sf(0.3, 1 + bound, 21 - bound) > 0.9 >= beta.sf(0.3, bound, 22 - bound)
    np.testing.assert_allclose(
        rule.properties([0.0, 0.3, 1.0]).stopped, binom.sf(bound - 1, 20, [0.0, 0.3, 1.0]), atol=1e-12
    )


@given(st.floats(0.05, 0.8), st.floats(0.5, 0.99), st.floats(0.05, 0.95), st.floats(0.5, 30))
def test_a_boundary_rises_and_tells_where_it_stops(limit, threshold, mean, size):
    rule = stopping_rule(12, limit=limit, threshold=threshold, prior=beta_prior(mean, size).robust(0.2))
    assert (np.diff(rule.boundary) >= 0).all()
    for n, bound in zip(rule.looks.tolist(), rule.boundary.tolist(), strict=True):
        assert bound > n or rule.probability(bound, n) > threshold
        assert bound == 0 or rule.probability(bound - 1, n) <= threshold + 1e-12
    stopped = rule.properties(np.linspace(0, 1, 9)).stopped
    assert (np.diff(stopped) >= -1e-12).all()


def test_the_long_form_leaves_out_where_nothing_stops():
    rule = stopping_rule(5, limit=0.3, threshold=0.97)
    assert rule.boundary[0] == 2  # more than there are
    assert rule.to_frame()["n"].tolist() == [
        n for n, bound in zip(rule.looks, rule.boundary, strict=True) if bound <= n
    ]
    frame = rule.properties([0.1]).to_frame()
    assert list(frame.columns) == ["rate", "statistic", "value"]
    assert frame["statistic"].tolist() == ["stopped", "expected_subjects", "expected_events"]


@pytest.mark.parametrize(
    "wrong",
    [{"limit": 0}, {"threshold": 1}, {"looks": []}, {"looks": [3, 3]}, {"looks": [0, 2]}, {"looks": [6]}],
)
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        stopping_rule(5, **({"limit": 0.3, "threshold": 0.9} | wrong))
    with pytest.raises(ValueError, match="rates"):
        stopping_rule(5, limit=0.3, threshold=0.9).properties([1.2])
