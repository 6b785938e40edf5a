"""Posterior of two chances and their difference.

The FDA's guidances on Bayesian methods (devices, 2010; drugs and biologics, draft of 2026) were looked for as oracles: no worked
example with counts, a prior and a posterior could be had from them. What is published with numbers is RBesT's.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import beta as beta_function
from scipy.stats import beta, binom, norm

from esld.operating import JEFFREYS, UNIFORM, BetaMixture, Linked, belief, chance_better

WHOLE = st.integers(1, 14)
COUNTS = st.integers(1, 14).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
PRIORS = st.sampled_from([UNIFORM, JEFFREYS, BetaMixture(a=(4.0,), b=(9.0,)).robust(0.3)])


def of(a, b):
    return BetaMixture(a=(a,), b=(b,))


def alone(first, second, margin=0.0):
    """The probability without data."""
    return chance_better([0], 0, [0], 0, first=first, second=second, margin=margin)[0, 0]


@given(WHOLE, WHOLE, WHOLE, WHOLE)
def test_whole_parameters_have_a_closed_form(a1, b1, a2, b2):
    """Cook (2005), Exact calculation of beta inequalities: a sum of ratios of beta functions, for whole a2."""
    i = np.arange(a2)
    terms = beta_function(a1 + i, b1 + b2) / ((b2 + i) * beta_function(1 + i, b2) * beta_function(a1, b1))
    assert alone(of(a1, b1), of(a2, b2)) == pytest.approx(terms.sum(), abs=1e-11)


@pytest.mark.parametrize("margin", [-0.7, -0.2, 0.0, 0.1, 0.6])
def test_two_uniforms(margin):
    """The difference is triangular: half of the square of what is left above the margin."""
    exact = (1 - margin) ** 2 / 2 if margin >= 0 else 1 - (1 + margin) ** 2 / 2
    assert alone(UNIFORM, UNIFORM, margin) == pytest.approx(exact, abs=1e-12)


def test_differences_as_rbest_computes_them():
    """RBesT 1.8-1, reference page of pmixdiff(): Beta(11, 4) less Beta(8, 7); Beta(30, 50) less a mixture of
    0.75 Beta(20, 50) and 0.25 Beta(1, 1), with its quantiles, which were found by a root finder of R's default tolerance."""
    assert alone(of(8, 7), of(11, 4)) == pytest.approx(0.8817696, abs=5e-8)
    assert alone(of(8, 7), of(11, 4)) - alone(of(8, 7), of(11, 4), 0.3) == pytest.approx(0.6005884, abs=5e-8)
    mixture = BetaMixture(weights=(0.75, 0.25), a=(20, 1), b=(50, 1))
    assert 1 - alone(mixture, of(30, 50)) == pytest.approx(0.2467158, abs=5e-8)
    assert 1 - alone(mixture, of(30, 50), 0.2) == pytest.approx(0.9025757, abs=5e-8)
    found = belief(0, 0, 0, 0, first=mixture, second=of(30, 50)).difference
    assert (found.lower, found.upper) == pytest.approx((-0.5257954, 0.2877204), abs=1e-5)


def test_the_trial_of_the_vignette():
    """RBesT 1.6-5, vignette "Getting started with RBesT (binary)": 1 of 6 on placebo, robust MAP prior, against 14 of 24."""
    historical = BetaMixture(
        weights=(0.6167463, 0.3832537), a=(19.1916387, 3.5278745), b=(57.7779317, 9.3735980)
    )
    found = belief(1, 6, 14, 24, first=historical.robust(0.2), second=of(0.5, 1))
    assert found.better == pytest.approx(0.9913233, abs=5e-8)


@given(COUNTS, COUNTS, PRIORS, PRIORS, st.floats(-0.9, 0.9))
def test_arms_that_change_places(one, two, first, second, margin):
    there = chance_better([one[0]], one[1], [two[0]], two[1], first=first, second=second, margin=margin)[0, 0]
    back = chance_better([two[0]], two[1], [one[0]], one[1], first=second, second=first, margin=-margin)[0, 0]
    assert there + back == pytest.approx(1, abs=1e-8)


@given(COUNTS, COUNTS, PRIORS, PRIORS)
def test_what_is_counted_does_not_matter(one, two, first, second):
    def turned(prior):
        return BetaMixture(weights=prior.weights, a=prior.b, b=prior.a)

    there = chance_better([one[0]], one[1], [two[0]], two[1], first=first, second=second)[0, 0]
    dead = chance_better(
        [one[1] - one[0]], one[1], [two[1] - two[0]], two[1], first=turned(first), second=turned(second)
    )[0, 0]
    assert there + dead == pytest.approx(1, abs=1e-9)


def test_independent_moments_and_limits():
    found = belief(7, 11, 10, 11, first=JEFFREYS, second=JEFFREYS, margin=0.1, conf_level=0.9)
    one, two = beta(7.5, 4.5), beta(10.5, 1.5)
    assert found.difference.value == pytest.approx(two.mean() - one.mean(), abs=1e-11)
    assert found.difference.std_err == pytest.approx(np.hypot(one.std(), two.std()), abs=1e-10)
    assert (found.chances[0].lower, found.chances[1].upper) == pytest.approx(
        (one.ppf(0.05), two.ppf(0.95)), abs=1e-9
    )
    for gap, above in (
        (found.difference.lower, 0.95),
        (found.difference.upper, 0.05),
        (0.1, found.beyond),
        (-0.1, 1 - found.worse),
    ):
        exact = quad(lambda p, gap=gap: one.pdf(p) * two.sf(p + gap), 0, 1, epsabs=1e-10)[0]
        assert exact == pytest.approx(above, abs=1e-7)


@pytest.mark.parametrize(
    ("size", "odds_ratio", "margin"), [(6.0, 1.0, 0.0), (40.0, 1.0, 0.1), (15.0, 3.0, -0.2)]
)
def test_a_linked_prior_by_brute_force(size, odds_ratio, margin):
    x1, n1, x2, n2 = 3, 8, 6, 9
    found = belief(x1, n1, x2, n2, second=Linked(size=size, odds_ratio=odds_ratio), margin=abs(margin))

    def about(p, other, odds_ratio):
        mean = odds_ratio * other / (odds_ratio * other + 1 - other)
        return beta.pdf(p, size * mean, size * (1 - mean))

    def joint(p2, p1):
        either = about(p2, p1, odds_ratio) + about(p1, p2, 1 / odds_ratio)
        return binom.pmf(x1, n1, p1) * binom.pmf(x2, n2, p2) * either

    # Midpoints of a fine grid.
    grid = (np.arange(800) + 0.5) / 800
    density = joint(grid[None, :], grid[:, None])
    density /= density.sum()
    gap = grid[None, :] - grid[:, None]
    assert (density * gap).sum() == pytest.approx(found.difference.value, abs=1e-5)
    assert np.sqrt((density * gap**2).sum() - (density * gap).sum() ** 2) == pytest.approx(
        found.difference.std_err, abs=1e-5
    )
    told = found.beyond if margin >= 0 else 1 - found.worse
    assert density[gap > margin + 1e-9].sum() + density[np.isclose(gap, margin)].sum() / 2 == pytest.approx(
        told, abs=4e-4
    )
    for axis, own in ((1, found.chances[0]), (0, found.chances[1])):
        of_arm = density.sum(axis=axis)
        assert of_arm @ grid == pytest.approx(own.value, abs=1e-5)
        assert of_arm[grid < own.lower].sum() == pytest.approx(0.025, abs=2e-3)
        assert of_arm[grid > own.upper].sum() == pytest.approx(0.025, abs=2e-3)


@given(COUNTS, COUNTS, st.floats(0.5, 60), st.floats(0.2, 5), st.floats(-0.8, 0.8))
def test_a_linked_prior_favours_no_place(one, two, size, odds_ratio, margin):
    """Arms that change places change nothing but the sign: with the same data nobody is ahead for a sceptic."""
    prior = Linked(size=size, odds_ratio=odds_ratio)
    there = chance_better([one[0]], one[1], [two[0]], two[1], second=prior, margin=margin)[0, 0]
    back = chance_better([two[0]], two[1], [one[0]], one[1], second=prior.turned, margin=-margin)[0, 0]
    assert there + back == pytest.approx(1, abs=1e-8)
    assert chance_better([one[0]], one[1], [one[0]], one[1], second=Linked(size=size))[0, 0] == pytest.approx(
        0.5
    )


def test_limits_beyond_which_a_pole_lies_are_the_ends():
    assert [(own.lower, own.upper) for own in belief(0, 0, 0, 0, second=Linked(size=0.5)).chances] == [
        (0, 1),
        (0, 1),
    ]


def test_a_strict_sceptic_believes_in_no_difference_and_learns_the_level():
    found = belief(2, 11, 10, 11, second=Linked(size=2e4))
    assert found.difference.value == pytest.approx(0, abs=5e-4)
    assert found.better == pytest.approx(0.5, abs=0.03)
    assert found.chances[0].value == pytest.approx(13 / 24, abs=1e-3)  # Beta(1 + 12, 1 + 10)


@pytest.mark.parametrize("size", [1e3, 3e4, 8e5])
def test_sharp_beliefs_are_not_missed(size):
    """Two betas of the same mean: nearly normal, their difference is above a margin of one standard deviation as 1 - Phi(1)."""
    one, two = of(0.3 * size, 0.7 * size), of(0.3 * size, 0.7 * size)
    assert alone(one, two) == pytest.approx(0.5, abs=1e-9)
    assert alone(one, two, np.sqrt(2) * one.sd) == pytest.approx(norm.sf(1), abs=0.02 / size)


@pytest.mark.parametrize("second", [JEFFREYS, Linked(size=8)])
def test_densities_are_densities(second):
    found = belief(0, 5, 5, 5, first=JEFFREYS, second=second)
    frame = found.densities(points=200)
    assert list(frame.columns) == ["of", "state", "x", "density"]
    for (what, state), own in frame.groupby(["of", "state"]):
        step = own["x"].iloc[1] - own["x"].iloc[0]
        assert np.isfinite(own["density"]).all()
        if what == "difference" and state == "posterior":
            assert own["density"].sum() * step == pytest.approx(1, abs=2e-3)
            assert (own["density"] * own["x"]).sum() * step == pytest.approx(found.difference.value, abs=2e-3)


def test_the_density_of_a_difference_of_uniforms_is_a_triangle():
    frame = belief(0, 0, 0, 0).densities(points=10)
    own = frame[(frame["of"] == "difference") & (frame["state"] == "prior")]
    np.testing.assert_allclose(own["density"], 1 - np.abs(own["x"]), atol=1e-10)


def test_the_long_form():
    frame = belief(7, 11, 10, 11, margin=0.2).to_frame(groups=("A", "B"))
    assert frame["group"].tolist() == ["A", "A", "B", "B", None, None, None, None, None]
    told = frame.set_index("statistic")["value"]
    assert {"difference", "chance_better", "chance_beyond", "chance_worse"} <= set(told.index)
    assert told["chance_better"] > told["chance_beyond"] > told["chance_worse"]


@pytest.mark.parametrize(
    ("counts", "more"),
    [
        ((3, 2, 1, 2), {}),
        ((1, 2, -1, 2), {}),
        ((1, 2, 1, 2), {"margin": -0.1}),
        ((1, 2, 1, 2), {"conf_level": 1}),
    ],
)
def test_what_cannot_be_is_refused(counts, more):
    with pytest.raises(ValueError, match="must"):
        belief(*counts, **more)
    with pytest.raises(ValueError, match="margin"):
        chance_better([0], 1, [0], 1, margin=1)
    with pytest.raises(ValueError, match="at most 1,000,000 subjects"):
        alone(UNIFORM, Linked(size=2e6))
