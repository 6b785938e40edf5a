"""The running sums of Fine and Gray's likelihood and variance against their definitions, subject by subject."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from esld.survival._subdistribution import maximum, sandwich, weighted_sample


class Direct:
    """Fine and Gray (1999), sections 2 and 3, as matrices of subjects by times of the cause; codes as there."""

    def __init__(self, time, codes, x):
        self.time, self.codes, self.x = time, codes, x
        self.u = np.unique(time)
        self.y = np.array([(time >= u).sum() for u in self.u])
        self.c = np.array([((time == u) & (codes == 0)).sum() for u in self.u])
        self.at = np.unique(time[codes == 1])
        self.d = np.array([((time == t) & (codes == 1)).sum() for t in self.at])
        had = (codes == 2)[:, None] & (time[:, None] < self.at)
        ratio = np.array([[self.g(t) / self.g(own) for t in self.at] for own in time])
        self.w = np.where(time[:, None] >= self.at, 1.0, np.where(had, ratio, 0.0))

    def g(self, t):
        """Probability to be uncensored just before t."""
        return np.prod((1 - self.c / self.y)[self.u < t])

    def loglik(self, coef):
        linear = self.x @ coef
        return linear[self.codes == 1].sum() - self.d @ np.log(np.exp(linear) @ self.w)

    def variance(self, coef):
        risk = np.exp(self.x @ coef)
        total = risk @ self.w
        mean = (self.w * risk[:, None]).T @ self.x / total[:, None]
        away = self.x[:, None, :] - mean  # subject, time, covariate
        share = self.w * risk[:, None] / total
        information = np.einsum("ij,ijk,ijl,j->kl", share, away, away, self.d)
        own = (self.codes == 1)[:, None] & (self.time[:, None] == self.at)
        d_m = own - self.w * risk[:, None] * self.d / total
        parts = np.einsum("ij,ijk->ik", d_m, away)
        for u, y, c in zip(self.u, self.y, self.c, strict=True):
            before, later = self.time < u, self.at >= u
            q = -np.einsum(
                "ij,ijk->k", (d_m * (self.codes == 2)[:, None])[before][:, later], away[before][:, later]
            )
            d_m_c = ((self.time == u) & (self.codes == 0)) - (self.time >= u) * c / y
            parts += np.outer(d_m_c, q / y)
        bread = np.linalg.inv(information)
        return bread @ parts.T @ parts @ bread


def samples():
    rng = np.random.default_rng(list(b"esld subdistribution, times tied"))
    for _ in range(40):
        n = int(rng.integers(12, 30))
        time = np.sort(rng.integers(0, 8, n)).astype(float)
        x = np.column_stack((rng.integers(0, 2, n), rng.normal(size=n)))
        yield time, rng.integers(0, 3, n), (x - x.mean(axis=0)) / x.std(axis=0)


def test_likelihood_and_variance_with_ties_of_every_kind():
    compared = 0
    for time, codes, x in samples():
        sample, direct = weighted_sample(time, codes, x), Direct(time, codes, x)
        found = maximum(sample)
        if found is None:
            continue
        coef, null, loglik = found
        assert null == pytest.approx(direct.loglik(np.zeros(2)), rel=1e-12)
        assert loglik == pytest.approx(direct.loglik(coef), rel=1e-12)
        slope = [(direct.loglik(coef + h) - direct.loglik(coef - h)) / 2e-5 for h in 1e-5 * np.eye(2)]
        np.testing.assert_allclose(slope, 0, atol=1e-6)
        np.testing.assert_allclose(sandwich(sample, coef)[0], direct.variance(coef), rtol=1e-7, atol=1e-10)
        compared += 1
    assert compared > 30


def test_a_step_too_long_is_halved():
    # From 0, full Newton steps run away on this outlier; the likelihood has its maximum all the same.
    x = np.array([9.1, 1.0, 0.1, 0.1, 0.5, 1.4, 1.0, 0.8])
    x = ((x - x.mean()) / x.std())[:, None]
    time, codes = np.arange(1.0, 9.0), np.array([1, 0, 1, 2, 0, 2, 0, 1])
    direct = Direct(time, codes, x)
    best = minimize_scalar(lambda b: -direct.loglik(np.array([b])), bounds=(-5, 5), method="bounded")
    coef, _, loglik = maximum(weighted_sample(time, codes, x))
    assert coef[0] == pytest.approx(best.x, abs=1e-4)
    assert loglik >= -best.fun - 1e-12


def test_no_maximum():
    # The sum of the covariates decides who goes first: neither alone does.
    rng = np.random.default_rng(list(b"esld separated by a sum"))
    x = rng.normal(size=(30, 2))
    x = x[np.argsort(-x.sum(axis=1))]
    assert maximum(weighted_sample(np.arange(30.0), np.ones(30, dtype=int), x)) is None
