"""Beta mixtures, and a prior of the second chance given the first."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from esld.operating import JEFFREYS, UNIFORM, BetaMixture, Linked, beta_prior
from esld.operating.priors import nodes

PARAMETERS = st.floats(0.3, 60)
MIXTURES = st.builds(
    lambda w, one, two: BetaMixture(weights=(w, 1 - w), a=(one[0], two[0]), b=(one[1], two[1])),
    st.floats(0.05, 0.95), st.tuples(PARAMETERS, PARAMETERS), st.tuples(PARAMETERS, PARAMETERS),
)  # fmt: skip
PUBLISHED = BetaMixture(weights=(0.6167463, 0.3832537), a=(19.1916387, 3.5278745), b=(57.7779317, 9.3735980))


def test_one_component_is_a_beta_distribution():
    prior, law = BetaMixture(a=(3.5,), b=(9.0,)), stats.beta(3.5, 9.0)
    assert (prior.mean, prior.sd) == pytest.approx((law.mean(), law.std()), rel=1e-12)
    x = np.array([0.05, 0.3, 0.8])
    np.testing.assert_allclose(prior.below(x), law.cdf(x), rtol=1e-12)
    np.testing.assert_allclose(prior.density(x), law.pdf(x), rtol=1e-12)
    assert prior.quantile(0.975) == pytest.approx(law.ppf(0.975), rel=1e-12)
    assert prior.effective_sample_size() == prior.effective_sample_size("moment") == 12.5
    np.testing.assert_allclose(
        prior.predictive(7), stats.betabinom(7, 3.5, 9.0).pmf(np.arange(8)), rtol=1e-10
    )


def test_effective_sample_size_as_rbest_computes_it():
    """RBesT 1.8-1, reference page of ess(): mixbeta(rob = c(0.2, 1, 1), inf = c(0.8, 10, 2)), methods elir and moment."""
    prior = BetaMixture(a=(10.0,), b=(2.0,)).robust(0.2)
    assert prior.effective_sample_size() == pytest.approx(7.65152, abs=5e-6)
    assert prior.effective_sample_size("moment") == pytest.approx(3.161034, abs=5e-7)


def test_the_mixture_of_the_vignette():
    """RBesT 1.6-5, vignette "Getting started with RBesT (binary)": the mixture fitted there, its summary and its sizes.

    The quantiles were found by a root finder of R's default tolerance.
    """
    assert (PUBLISHED.mean, PUBLISHED.sd) == pytest.approx((0.25857963, 0.08423297), abs=1e-7)
    quantiles = [PUBLISHED.quantile(p) for p in (0.025, 0.5, 0.975)]
    assert quantiles == pytest.approx([0.10808237, 0.25003652, 0.47028444], abs=5e-5)
    assert round(PUBLISHED.effective_sample_size()) == 37
    assert round(PUBLISHED.effective_sample_size("moment")) == 26
    robust = PUBLISHED.robust(0.2)
    assert robust.weights == pytest.approx((0.493397, 0.306603, 0.2), abs=1e-6)
    assert round(robust.effective_sample_size()) == 26


@pytest.mark.parametrize("n", [1, 10])
def test_the_size_is_consistent_with_what_it_foretells(n):
    """Neuenschwander et al. (2020): the mean size of the posterior, over what is foretold, is n more than that of the prior."""
    prior = BetaMixture(a=(10.0, 3.0), b=(2.0, 8.0), weights=(0.7, 0.3)).robust(0.2)
    after = [prior.given(x, n).effective_sample_size() for x in range(n + 1)]
    assert prior.predictive(n) @ after - n == pytest.approx(prior.effective_sample_size(), rel=1e-8)


def test_an_infinite_information_has_no_size():
    prior = BetaMixture(weights=(0.5, 0.5), a=(0.5, 3.0), b=(0.5, 3.0))
    assert np.isnan(prior.effective_sample_size())
    assert prior.effective_sample_size("moment") > 0


@given(MIXTURES, st.integers(0, 8), st.integers(0, 8), st.integers(0, 8), st.integers(0, 8))
def test_data_in_two_parts_are_data(prior, x, dead, more, more_dead):
    at_once = prior.given(x + more, x + dead + more + more_dead)
    in_turn = prior.given(x, x + dead).given(more, more + more_dead)
    assert in_turn.mean == pytest.approx(at_once.mean, rel=1e-9)
    assert in_turn.sd == pytest.approx(at_once.sd, rel=1e-6)


@given(MIXTURES)
def test_nodes_integrate_densities_to_one(prior):
    x, rest, weight = nodes()
    density = prior.density_at(x, rest)
    assert weight @ density == pytest.approx(1, abs=1e-10)
    assert weight @ (density * x) == pytest.approx(prior.mean, abs=1e-10)
    assert prior.below(prior.quantile(0.3))[0] == pytest.approx(0.3, abs=1e-9)


def test_the_long_form_tells_the_sizes():
    frame = beta_prior(0.7, 10).to_frame(group="A")
    assert frame["statistic"].tolist() == [
        "chance",
        "chance_std_err",
        "effective_sample_size",
        "effective_sample_size",
    ]
    assert frame["value"].iloc[0] == pytest.approx(0.7)
    assert frame["value"].iloc[-1] == pytest.approx(10)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: BetaMixture(weights=(0.5, 0.4), a=(1, 1), b=(1, 1)),
        lambda: BetaMixture(a=(0,), b=(1,)),
        lambda: BetaMixture(a=(1, 2), b=(1, 2)),
        lambda: beta_prior(1.0, 3),
        lambda: beta_prior(0.5, 0),
        lambda: Linked(size=0),
        lambda: Linked(size=3, odds_ratio=float("inf")),
        lambda: UNIFORM.robust(1.0),
        lambda: JEFFREYS.given(3, 2),
        lambda: JEFFREYS.effective_sample_size("morita"),
    ],
)
def test_what_is_no_prior_is_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        wrong()
