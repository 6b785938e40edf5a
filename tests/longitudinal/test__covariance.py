"""Covariance structures: what they are, and their derivatives against finite differences."""

import numpy as np
import pytest

from esld.longitudinal._covariance import STRUCTURES, covariance

TIMES = np.array([1.0, 4.0, 8.0, 12.0])


def correlation(x):
    return x / np.sqrt(1 + x**2)


class TestForms:
    @pytest.mark.parametrize(
        ("name", "others", "wanted"),
        [
            # logistic between -1/3 and 1: x = 0 is the middle, 1/3
            ("csh", [0.0], lambda i, j: 1 / 3),
            ("ar1h", [0.75], lambda i, j: 0.6 ** abs(i - j)),
            ("toeph", [0.3, 0.2, -0.1], lambda i, j: correlation([0.3, 0.2, -0.1][abs(i - j) - 1])),
            ("adh", [0.3, -0.2, 0.5], lambda i, j: np.prod(correlation(np.array([0.3, -0.2, 0.5])[i:j]))),
        ],
    )
    def test_scales_and_correlations(self, name, others, wanted):
        sd = np.array([1.0, 2.0, 0.5, 3.0])
        found = covariance(name, TIMES).sigma(np.concatenate((np.log(sd), others)))
        np.testing.assert_allclose(np.diag(found), sd**2)
        for i in range(4):
            for j in range(i + 1, 4):
                assert found[i, j] == found[j, i] == pytest.approx(sd[i] * sd[j] * wanted(i, j))

    @pytest.mark.parametrize(("name", "with_scales"), [("cs", "csh"), ("toep", "toeph"), ("ar1", "ar1h")])
    def test_one_scale_is_the_same_with_equal_scales(self, name, with_scales):
        one, many = covariance(name, TIMES), covariance(with_scales, TIMES)
        others = np.linspace(0.1, 0.3, one.size - 1)
        np.testing.assert_allclose(
            one.sigma(np.r_[0.7, others]), many.sigma(np.r_[np.full(4, 0.7), others]), rtol=1e-14
        )

    def test_exponential_in_time(self):
        found = covariance("sp_exp", TIMES).sigma(np.log([2.0, 5.0]))
        np.testing.assert_allclose(found, 4 * np.exp(-np.abs(TIMES[:, None] - TIMES) / 5))

    def test_unstructured_is_any_covariance(self):
        rng = np.random.default_rng(list(b"any"))
        wanted = np.cov(rng.normal(size=(4, 9)))
        structure = covariance("us", TIMES)
        np.testing.assert_allclose(structure.sigma(structure.start(wanted)), wanted, rtol=1e-12)

    def test_number_of_parameters(self):
        sizes = {name: covariance(name, TIMES).size for name in STRUCTURES}
        assert sizes == {
            "us": 10, "adh": 7, "csh": 5, "cs": 2, "sp_exp": 2, "toeph": 7, "toep": 4, "ar1h": 5, "ar1": 2,
        }  # fmt: skip

    def test_unknown(self):
        with pytest.raises(ValueError, match=r"covariance must be one of \['us'.*got 'arma'"):
            covariance("arma", TIMES)


@pytest.mark.parametrize("visits", [1, 2, 3, 5])
@pytest.mark.parametrize("name", STRUCTURES)
class TestDerivatives:
    def test_against_finite_differences(self, name, visits):
        rng = np.random.default_rng(list(f"{name} {visits}".encode()))
        structure = covariance(name, np.cumsum(rng.uniform(1, 5, visits)))
        theta, step = rng.normal(0, 0.4, structure.size), 1e-5
        first, second = structure.derivatives(theta)
        assert first.shape == (structure.size, visits, visits)
        for k, unit in enumerate(np.eye(structure.size) * step):
            up, down = theta + unit, theta - unit
            slope = (structure.sigma(up) - structure.sigma(down)) / (2 * step)
            bend = (structure.derivatives(up)[0] - structure.derivatives(down)[0]) / (2 * step)
            np.testing.assert_allclose(first[k], slope, atol=1e-8)
            np.testing.assert_allclose(second[k], bend, atol=1e-8)

    def test_start_is_positive_definite(self, name, visits):
        rng = np.random.default_rng(list(f"start {name} {visits}".encode()))
        signs = np.outer(*2 * [(-1.0) ** np.arange(visits)])
        for moments in (np.atleast_2d(np.cov(rng.normal(size=(visits, visits + 3)))), signs + np.eye(visits)):
            structure = covariance(name, np.arange(visits, dtype=float))
            assert np.linalg.eigvalsh(structure.sigma(structure.start(moments)))[0] > 0
