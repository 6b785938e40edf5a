"""Piecewise constant hazards with gamma priors, and survival at a horizon."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import betainc
from scipy.stats import gamma

from esld.operating import compare_hazards, hazard_belief
from esld.operating.hazard_belief import _Sum
from tests.examples import few

PRIOR = {"horizon": 365, "shape": 0.5, "rate": 400}
TIMES, EVENTS = [30, 80, 200, 365, 365, 500], [1, 1, 1, 0, 0, 1]
SAMPLES = st.lists(st.tuples(st.integers(1, 500), st.booleans()), min_size=1, max_size=12)


def test_events_and_exposure_of_each_interval():
    """An event on a border belongs to the interval that ends there; what comes after the horizon does not count."""
    found = hazard_belief([90, 10, 400], [1, 0, 1], cuts=[90], **PRIOR)
    assert found.events.tolist() == [1, 0]
    assert found.exposure.tolist() == [190, 275]
    assert found.shape.tolist() == [1.5, 0.5]
    assert found.rate.tolist() == [590, 675]
    rounded = hazard_belief([90 + 1e-9, 10, 365 + 1e-9], [1, 0, 1], cuts=[90], **PRIOR)
    assert rounded.events.tolist() == [1, 1]


def test_a_constant_hazard_has_closed_forms():
    found = hazard_belief(TIMES, EVENTS, **PRIOR)
    a, b = 3.5, 400 + 30 + 80 + 200 + 3 * 365
    law = gamma(a, scale=1 / b)
    assert found.survival.value == pytest.approx((1 + 365 / b) ** -a, rel=1e-12)
    assert (found.survival.lower, found.survival.upper) == pytest.approx(
        np.exp(-365 * law.ppf([0.975, 0.025])), abs=1e-8
    )
    np.testing.assert_allclose(found.above([0.3, 0.7]), law.cdf(-np.log([0.3, 0.7]) / 365), rtol=1e-9)


def test_a_sum_of_two_gammas_is_their_convolution():
    found = hazard_belief(TIMES, EVENTS, cuts=[90], **PRIOR)
    one, two = (gamma(a, scale=w / b) for a, b, w in zip(found.shape, found.rate, [90, 275], strict=True))
    h = -np.log(0.6)
    exact = quad(lambda own: one.pdf(own) * two.cdf(h - own), 0, h, epsabs=1e-9)[0]
    assert found.above(0.6)[0] == pytest.approx(exact, abs=1e-8)


def test_moments_are_those_of_the_distribution():
    found = hazard_belief(TIMES, EVENTS, cuts=[60, 120], **PRIOR)
    mean = quad(lambda s: found.above(s)[0], 0, 1, epsabs=1e-9)[0]
    square = quad(lambda s: 2 * s * found.above(s)[0], 0, 1, epsabs=1e-9)[0]
    assert found.survival.value == pytest.approx(mean, abs=1e-7)
    assert found.survival.std_err == pytest.approx(np.sqrt(square - mean**2), abs=1e-6)


def test_equal_scales_are_one_gamma():
    law = _Sum(np.array([1.5, 2.0]), np.array([100.0, 200.0]), np.array([10.0, 20.0]))
    assert law.shapes.tolist() == [3.5]
    assert law.below(np.array([0.4]))[0] == pytest.approx(gamma(3.5, scale=0.1).cdf(0.4), rel=1e-12)


def test_two_constant_hazards_have_a_closed_form():
    """The second survival is higher where its hazard is lower: a beta distribution of the ratio."""
    one, two = hazard_belief(TIMES, EVENTS, **PRIOR), hazard_belief([100, 365, 365], [1, 0, 0], **PRIOR)
    found = compare_hazards(one, two)
    (a1,), (b1,), (a2,), (b2,) = one.shape, one.rate, two.shape, two.rate
    assert found.better == pytest.approx(betainc(a2, a1, b2 / (b1 + b2)), abs=1e-9)
    assert found.difference.value == pytest.approx(two.survival.value - one.survival.value)


def test_the_difference_by_simulation():
    one, two = (
        hazard_belief(*own, cuts=[90], **PRIOR) for own in ((TIMES, EVENTS), ([100, 365, 365], [1, 0, 0]))
    )
    found = compare_hazards(one, two, margin=0.1)
    rng, draws = np.random.default_rng(7), 200_000
    survival = [
        np.exp(-(rng.gamma(own.shape, 1 / own.rate, (draws, 2)) * [90, 275]).sum(axis=1))
        for own in (one, two)
    ]
    gap = survival[1] - survival[0]
    # Four standard errors of a share of so many draws.
    for value, share in (
        (found.better, gap > 0), (found.beyond, gap > 0.1), (found.worse, gap < -0.1),
        (0.025, gap < found.difference.lower), (0.025, gap > found.difference.upper),
    ):  # fmt: skip
        assert share.mean() == pytest.approx(value, abs=4 * np.sqrt(value * (1 - value) / draws))
    assert found.difference.std_err == pytest.approx(gap.std(), rel=0.01)


@few(10)
@given(SAMPLES, SAMPLES, st.sampled_from([(), (100,), (30, 250)]))
def test_arms_that_change_places(one, two, cuts):
    first, second = (
        hazard_belief(*map(list, zip(*own, strict=True)), cuts=cuts, **PRIOR) for own in (one, two)
    )
    there, back = compare_hazards(first, second, margin=0.2), compare_hazards(second, first, margin=0.2)
    assert there.better + back.better == pytest.approx(1, abs=1e-7)
    assert there.beyond == pytest.approx(back.worse, abs=1e-7)
    assert there.difference.lower == pytest.approx(-back.difference.upper, abs=1e-6)


def test_the_long_form():
    own = hazard_belief(TIMES, EVENTS, cuts=[90], **PRIOR)
    frame = compare_hazards(own, own).to_frame(groups=("A", "B"))
    assert frame.loc[frame["group"] == "A", "statistic"].tolist() == [
        "survival",
        "survival_std_err",
        "hazard",
        "hazard",
    ]
    assert frame.set_index("statistic").loc["chance_better", "value"] == pytest.approx(0.5, abs=1e-9)


@pytest.mark.parametrize(
    "wrong",
    [{"horizon": 0}, {"cuts": [400]}, {"cuts": [90, 90]}, {"shape": 0}, {"rate": -1}, {"conf_level": 1}],
)
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        hazard_belief(TIMES, EVENTS, **(PRIOR | wrong))


def test_arms_of_two_horizons_are_not_compared():
    own = hazard_belief(TIMES, EVENTS, **PRIOR)
    with pytest.raises(ValueError, match="horizon"):
        compare_hazards(own, hazard_belief(TIMES, EVENTS, **(PRIOR | {"horizon": 180})))
