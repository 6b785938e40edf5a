"""A Bayesian stopping rule of two proportions: by hand, by every course of a trial, its exact error, control flow."""

from functools import cache
from itertools import product

import numpy as np
import pytest
from scipy.special import ndtr, ndtri
from scipy.stats import beta, binom

from esld.operating import bayesian_design, beta_prior


def test_one_against_one_by_hand():
    # From uniform priors 1 of 1 has the density 2p and 0 of 1 the density 2(1 - q): P(p > q) = 5 / 6; alike it is a half.
    design = bayesian_design(n1=[1], n2=[1], threshold=0.8)
    assert np.allclose(ndtr(design.z[0]), [[1 / 2, 1 / 6], [5 / 6, 1 / 2]])
    assert np.argwhere(design.upper[0]).tolist() == [[1, 0]]
    assert design.size.max() == pytest.approx(1 / 4)  # p (1 - p)
    assert bayesian_design(n1=[1], n2=[1], threshold=0.8, sided=2).size.max() == pytest.approx(1 / 2)


def test_a_threshold_that_is_met_exactly_stops():
    assert bayesian_design(n1=[1], n2=[1], threshold=5 / 6).upper[0][1, 0]


def test_every_course_of_a_trial_of_eight():
    prior = beta_prior(0.7, 4)
    design = bayesian_design(n1=[2, 4], n2=[2, 4], threshold=0.9, prior1=prior, futility=0.3)
    grid = np.linspace(0, 1, 4001)[1:-1]

    @cache
    def better(x1, n1, x2, n2):  # P(p1 > p2), p2 integrated on a grid
        density = beta.pdf(grid, 1 + x2, 1 + n2 - x2)
        (part,) = zip(prior.a, prior.b, strict=True)
        return np.average(beta.sf(grid, part[0] + x1, part[1] + n1 - x1), weights=density)

    p, error = 0.6, 0.0
    for first, second in product(product((0, 1), repeat=4), repeat=2):
        chance = np.prod([p if each else 1 - p for each in (*first, *second)])
        early = better(sum(first[:2]), 2, sum(second[:2]), 2)
        assert design.futility[0][sum(first[:2]), sum(second[:2])] == (early <= 0.3)
        error += chance * (early >= 0.9 or better(sum(first), 4, sum(second), 4) >= 0.9)
    at = np.argmin(abs(design.nuisance - p))
    assert design.size[-1][at] == pytest.approx(error, abs=1e-9)
    assert float(design.characteristics(p, p, futility=False).power) == pytest.approx(error, abs=1e-9)


@pytest.mark.parametrize("sided", [1, 2])
def test_a_calibrated_threshold_is_the_lowest_that_keeps_the_level_at_1001_chances(sided):
    n, alpha = (4, 8, 11), 0.05
    design = bayesian_design(n1=n, n2=n, alpha=alpha, sided=sided)
    assert design.size.shape == (3, 1001)
    assert (design.size[-1] <= alpha).all()
    assert design.size[-1].max() <= design.size_bound[-1] <= alpha
    attained = np.concatenate([z.ravel() for z in design.z])
    below = attained[attained < design.boundaries.critical[0]].max()
    looser = bayesian_design(n1=n, n2=n, threshold=float(ndtr(below)), sided=sided)
    assert looser.size_bound[-1] > alpha


def test_one_look_has_the_error_of_the_binomial_sum():
    design = bayesian_design(n1=[5], n2=[6], threshold=0.95)
    p = design.nuisance[370]
    one, other = binom.pmf(range(6), 5, p), binom.pmf(range(7), 6, p)
    assert design.size[0][370] == pytest.approx(one @ design.upper[0] @ other)
    assert design.boundaries.critical == (float(ndtri(0.95)),)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({}, "one of threshold and alpha"),
        ({"threshold": 0.9, "alpha": 0.05}, "one of threshold and alpha"),
        ({"threshold": 0.5}, "threshold must be"),
        ({"alpha": 0.6}, "alpha must be above"),
        ({"alpha": 1e-9}, "high enough for some table"),
        ({"threshold": 0.9, "sided": 3}, "sided must be"),
        ({"threshold": 0.9, "futility": 0.95}, "futility must be"),
        ({"threshold": 0.9, "n1": [1, 2, 3, 4, 5, 6], "n2": [1, 2, 3, 4, 5, 6]}, "1 to 5 looks"),
    ],
)
def test_what_is_refused(how, message):
    with pytest.raises(ValueError, match=message):
        bayesian_design(**{"n1": [3], "n2": [3], **how})
