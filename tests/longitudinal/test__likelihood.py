"""The likelihood on sufficient statistics, against the one of all values with their full covariance."""

import numpy as np
import pandas as pd
import pytest

from esld.longitudinal._covariance import STRUCTURES, covariance
from esld.longitudinal._design import read
from esld.longitudinal._likelihood import likelihood, moments, slopes
from esld.longitudinal._rows import compress

VISITS = 4
TIMES = np.array([1.0, 4.0, 8.0, 12.0])


def sample(words="likelihood", subjects=40):
    """Values with drop-out and gaps; several patterns have more subjects than distinct columns."""
    rng = np.random.default_rng(list(words.encode()))
    rows = pd.DataFrame({"id": np.repeat(np.arange(subjects), VISITS), "t": np.tile(TIMES, subjects)})
    rows["v"] = rows["t"].map("v{:02.0f}".format)
    rows["arm"] = np.where(rows["id"] % 2 == 0, "a", "b")
    rows["x"] = np.repeat(rng.normal(50, 3, subjects), VISITS)
    rows["y"] = np.repeat(rng.normal(size=subjects), VISITS) + rng.normal(size=len(rows)) + 0.2 * rows["t"]
    last = np.repeat(rng.choice([1, 4, 8, 12], subjects, p=[0.1, 0.1, 0.2, 0.6]), VISITS)
    return rows[(rows["t"] <= last) & ~((rows["id"] == 3) & (rows["t"] == 4))].sample(frac=1, random_state=1)


def arrays(frame, *, by_visit=True):
    design = read(frame, "y ~ x + arm * v", "id", "t", None)
    return design, compress(design).rows(by_visit=by_visit)


def explicit(design, rows, sigma, *, reml):
    """-1/2 [(n - p) log 2 pi + log|V| + log|X'V^-1 X| + r'V^-1 r], X orthonormal and y scaled as in `rows`."""
    unit = rows.scale[design.visit]
    x = design.matrix / unit[:, None] @ rows.transform
    y = (design.response - design.matrix @ rows.ols) / unit
    same = design.subject[:, None] == design.subject
    v = np.where(same, sigma[np.ix_(design.visit, design.visit)], 0.0)
    inverse = np.linalg.inv(v)
    a = x.T @ inverse @ x
    r = y - x @ np.linalg.solve(a, x.T @ inverse @ y)
    n, p = x.shape
    value = np.linalg.slogdet(v)[1] + r @ inverse @ r + (n - p * reml) * np.log(2 * np.pi)
    return -0.5 * (value + np.linalg.slogdet(a)[1] * reml), inverse, x, same


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("name", STRUCTURES)
class TestEveryStructure:
    def points(self, name):
        design, rows = arrays(sample())
        structure = covariance(name, TIMES)
        rng = np.random.default_rng(list(name.encode()))
        return design, rows, structure, structure.start(moments(rows)) + rng.normal(0, 0.1, structure.size)

    def test_value_is_that_of_all_values(self, name, reml):
        design, rows, structure, theta = self.points(name)
        sigma = structure.sigma(theta)
        wanted = explicit(design, rows, sigma, reml=reml)[0]
        assert likelihood(rows, sigma, reml=reml).value == pytest.approx(wanted, rel=1e-12)

    def test_score_and_observed_information_are_derivatives(self, name, reml):
        _, rows, structure, theta = self.points(name)

        def at(theta):
            here = likelihood(rows, structure.sigma(theta), reml=reml)
            return here.value, slopes(rows, here, *structure.derivatives(theta), reml=reml)

        step, here = 1e-5, at(theta)[1]
        for k, unit in enumerate(np.eye(structure.size) * step):
            (high, up), (low, down) = at(theta + unit), at(theta - unit)
            assert here.score[k] == pytest.approx((high - low) / (2 * step), rel=1e-6, abs=1e-6)
            np.testing.assert_allclose(
                here.observed[k], (down.score - up.score) / (2 * step), rtol=1e-6, atol=1e-6
            )

    def test_expected_information_is_half_the_trace(self, name, reml):
        design, rows, structure, theta = self.points(name)
        _, inverse, x, same = explicit(design, rows, structure.sigma(theta), reml=reml)
        first, second = structure.derivatives(theta)
        if reml:  # P = V^-1 - V^-1 X (X'V^-1 X)^-1 X'V^-1
            inverse = inverse - inverse @ x @ np.linalg.solve(x.T @ inverse @ x, x.T @ inverse)
        products = [inverse @ np.where(same, s[np.ix_(design.visit, design.visit)], 0.0) for s in first]
        wanted = [[np.trace(a @ b) / 2 for b in products] for a in products]
        here = likelihood(rows, structure.sigma(theta), reml=reml)
        found = slopes(rows, here, first, second, reml=reml).expected
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)


class TestSufficientStatistics:
    def test_cost_does_not_grow_with_subjects(self):
        few, many = (arrays(sample(subjects=n))[1] for n in (400, 4000))
        assert len(many.x) == len(few.x) < 60

    def test_pattern_counts(self):
        design, rows = arrays(sample())
        assert rows.subjects.sum() == design.subject.max() + 1
        assert rows.subjects @ rows.present.sum(axis=1) == len(design.response) == rows.n_obs

    def test_not_positive_definite(self):
        _, rows = arrays(sample())
        assert likelihood(rows, np.ones((VISITS, VISITS)) - 2 * np.eye(VISITS), reml=True) is None

    def test_moments_are_positive_definite_with_a_constant_visit(self):
        frame = sample()
        frame.loc[frame["t"] == 12, "y"] = 0.0
        rows = compress(read(frame, "y ~ v", "id", "t", None)).rows(by_visit=True)
        assert np.linalg.eigvalsh(moments(rows))[0] > 0

    def test_moments_of_pairs_that_contradict_each_other(self):
        # visits 1, 2 and 2, 3 agree, 1 and 3 are opposite: no covariance has these correlations
        rng = np.random.default_rng(list(b"pairs"))
        z = rng.normal(size=30)
        pairs = [(1, 2, 1), (2, 3, 1), (1, 3, -1)]
        rows = [
            (10 * k + i, visit, sign * z[10 * k + i] + 0.01 * rng.normal())
            for k, (one, other, turn) in enumerate(pairs)
            for i in range(10)
            for visit, sign in ((one, 1), (other, turn))
        ]
        frame = pd.DataFrame(rows, columns=["id", "t", "y"])
        rows = compress(read(frame, "y ~ 1", "id", "t", None)).rows(by_visit=False)
        assert np.linalg.eigvalsh(moments(rows))[0] > 0
