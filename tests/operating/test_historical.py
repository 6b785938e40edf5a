"""The meta-analytic-predictive prior from counts of earlier trials."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import halfnorm, norm

from esld.operating import historical_prior
from esld.operating.historical import _log_likelihood

EVENTS, SIZES = [23, 12, 19, 9, 39, 6, 9, 10], [107, 44, 51, 39, 139, 20, 78, 35]


@pytest.fixture(scope="module")
def spondylitis():
    return historical_prior(EVENTS, SIZES)


def test_ankylosing_spondylitis_as_published(spondylitis):
    """RBesT 1.6-5, vignette "Getting started with RBesT (binary)": gMAP(cbind(r, n - r) ~ 1 | study, data = AS,
    tau.dist = "HalfNormal", tau.prior = 1, beta.prior = 2). It prints of 4,000 draws

        tau: mean 0.3770  sd 0.2170  2.5% 0.0414  50% 0.3460  97.5% 0.8930
        MAP: mean 0.2580  sd 0.0842  2.5% 0.1120  50% 0.2510  97.5% 0.4590

    so that of the numbers the mean has a standard error of about 0.0014 and the 97.5 % point of about 0.006; and the mixture of
    it ess(map, "elir") 37.
    """
    chance, tau = spondylitis.chance, spondylitis.heterogeneity
    assert chance.value == pytest.approx(0.258, abs=0.003)
    assert chance.std_err == pytest.approx(0.0842, abs=0.004)
    assert (chance.lower, spondylitis.median) == pytest.approx((0.112, 0.251), abs=0.004)
    assert chance.upper == pytest.approx(0.459, abs=0.015)
    assert (tau.value, tau.std_err) == pytest.approx((0.377, 0.217), abs=0.01)
    assert (tau.lower, tau.upper) == pytest.approx((0.0414, 0.893), abs=0.03)
    assert spondylitis.mixture.effective_sample_size() == pytest.approx(37, abs=1)


def test_less_heterogeneity_as_published():
    """The same vignette, tau.prior = 1/2: sd of tau 0.1740, MAP mean 0.2550, sd 0.0787, 2.5% 0.1170, 97.5% 0.4380."""
    found = historical_prior(EVENTS, SIZES, tau_scale=0.5)
    assert found.heterogeneity.std_err == pytest.approx(0.174, abs=0.008)
    assert (found.chance.value, found.chance.std_err) == pytest.approx((0.255, 0.0787), abs=0.004)
    assert (found.chance.lower, found.chance.upper) == pytest.approx((0.117, 0.438), abs=0.012)


def test_the_mixture_stands_for_it(spondylitis):
    mixture, chance = spondylitis.mixture, spondylitis.chance
    assert 0 <= spondylitis.divergence <= 1e-3
    assert (mixture.mean, mixture.sd) == pytest.approx((chance.value, chance.std_err), abs=5e-4)
    assert [mixture.quantile(p) for p in (0.025, 0.5, 0.975)] == pytest.approx(
        [chance.lower, spondylitis.median, chance.upper], abs=3e-3
    )
    assert min(*mixture.a, *mixture.b) >= 1
    inside = (spondylitis.x > 0.02) & (spondylitis.x < 0.9)
    np.testing.assert_allclose(spondylitis.density[inside], mixture.density(spondylitis.x[inside]), atol=0.2)


@pytest.mark.parametrize(
    ("mean", "tau", "x", "n", "error"),
    [
        (-1, 0.3, 23, 107, 1e-9),
        (0, 2, 0, 12, 1e-4),
        (3, 0.5, 10, 40, 1e-9),
        (-1.3, 1, 200, 1000, 1e-9),
        (1, 4, 11, 11, 1e-3),
    ],
)
def test_the_own_logit_of_a_trial_is_integrated_out(mean, tau, x, n, error):
    def integrand(z):
        eta = mean + tau * z
        return np.exp(x * eta - n * np.logaddexp(0, eta)) * norm.pdf(z)

    peak = (np.log((x + 0.5) / (n - x + 0.5)) - mean) / tau
    exact = np.log(quad(integrand, -14, 14, points=[peak], epsabs=0, epsrel=1e-11, limit=400)[0])
    ours = _log_likelihood(
        *(np.array([[own]], dtype=float) for own in (mean, tau)), np.array([x]), np.array([n])
    )[0, 0]
    assert ours - np.log(2 * np.pi) / 2 == pytest.approx(exact, abs=error)


def test_without_data_it_is_the_prior():
    """0 of 0: the logit is normal with variance 4 + tau squared."""
    found = historical_prior([0], [0])

    def above(q):
        return quad(lambda tau: halfnorm.pdf(tau) * norm.sf(q, scale=np.hypot(2, tau)), 0, 10, epsabs=1e-11)[
            0
        ]

    assert found.chance.value == pytest.approx(0.5, abs=1e-6)
    assert above(np.log(found.chance.upper / (1 - found.chance.upper))) == pytest.approx(0.025, abs=2e-5)
    assert found.heterogeneity.value == pytest.approx(halfnorm.mean(), abs=1e-5)
    assert found.heterogeneity.upper == pytest.approx(halfnorm.ppf(0.975), abs=1e-5)


def test_neither_the_order_nor_what_is_counted_matters():
    """Counting the others turns the chance round, the prior of the mean being symmetric."""
    one, two = historical_prior([3, 9], [14, 20]), historical_prior([11, 11], [20, 14])
    assert two.chance.value == pytest.approx(1 - one.chance.value, abs=1e-6)
    assert two.chance.lower == pytest.approx(1 - one.chance.upper, abs=1e-6)
    assert two.heterogeneity.value == pytest.approx(one.heterogeneity.value, abs=1e-9)


def test_it_tells_of_its_trials(spondylitis):
    frame = spondylitis.to_frame(group="placebo").set_index("statistic")
    assert frame.loc["chance", "n"] == sum(SIZES)
    assert frame.loc["chance", "events"] == sum(EVENTS)
    assert {"chance_median", "heterogeneity", "divergence", "effective_sample_size"} <= set(frame.index)


@pytest.mark.parametrize(
    ("x", "n", "more"),
    [
        ([], [], {}),
        ([1, 2], [3], {}),
        ([4], [3], {}),
        ([1], [3], {"tau_scale": 0}),
        ([1], [3], {"mean_scale": -1}),
    ],
)
def test_what_is_no_count_is_refused(x, n, more):
    with pytest.raises(ValueError, match="must"):
        historical_prior(x, n, **more)
