"""Degrees of freedom of joint tests, where they are known."""

import numpy as np
import pytest

from esld.longitudinal._inference import Inference


def two(df, kind="satterthwaite"):
    """Two independent estimates, 1 and 3, with variance 1 and the given degrees of freedom.

    One covariance parameter each, which scales the variance: the slope is 1, so df = 2 / variance of the parameter.
    """
    slope = np.zeros((2, 2, 2))
    slope[0, 0, 0] = slope[1, 1, 1] = 1
    return Inference(
        coef=np.array([1.0, 3.0]), root=np.eye(2), middle=np.diag([1.0, 1.0 + 1e-9]), slope=slope,
        uncertainty=np.diag(2 / np.array(df)), df=kind,
    )  # fmt: skip


class TestSatterthwaite:
    def test_single(self):
        value, std_err, df = two([7.0, 11.0]).single(np.eye(2))
        np.testing.assert_allclose([value, std_err, df], [[1, 3], [1, 1], [7, 11]], rtol=1e-8)

    def test_joint_of_unequal(self):
        # E = sum of df / (df - 2) = 6 / 4 + 10 / 8 = 2.75; 2 E / (E - 2) = 22 / 3
        f, numerator, denominator, scale = two([6.0, 10.0]).joint(np.eye(2))
        assert (f, numerator, denominator, scale) == pytest.approx((5, 2, 22 / 3, 1))

    def test_joint_of_equal(self):
        assert two([9.0, 9.0]).joint(np.eye(2))[2] == pytest.approx(9)

    def test_joint_has_two_where_one_mean_does_not_exist(self):
        assert two([1.5, 10.0]).joint(np.eye(2))[2] == 2


class TestKenwardRoger:
    def test_one_row_is_a_t_test(self):
        assert two([7.0, 11.0], "kenward-roger").joint(np.eye(2)[1:]) == pytest.approx((9, 1, 11, 1))

    def test_hotelling(self):
        # unstructured covariance of q means by n subjects: T2 with q and n - q degrees of freedom, scale (n - q) / (n - 1)
        q, n = 2, 12
        sd = np.sqrt([0.5, 2.0])
        pairs = [(0, 0), (1, 0), (1, 1)]
        units = [
            (np.outer(*np.eye(2)[[i, j]]) + np.outer(*np.eye(2)[[j, i]])) / (1 + (i == j)) for i, j in pairs
        ]
        sigma = np.diag(sd**2)
        # variance of the entries of a Wishart mean
        w = np.array(
            [[sigma[a, c] * sigma[b, d] + sigma[a, d] * sigma[b, c] for c, d in pairs] for a, b in pairs]
        )
        root = np.diag(sd) / np.sqrt(n)
        half = np.diag(1 / sd)
        found = Inference(
            coef=np.array([0.3, -0.2]), root=root, middle=np.eye(2), slope=np.array([half @ u @ half for u in units]),
            uncertainty=w / (n - 1), df="kenward-roger",
        ).joint(np.eye(2))  # fmt: skip
        t2 = n * (0.3**2 / 0.5 + 0.2**2 / 2)
        assert found == pytest.approx(((n - q) / (q * (n - 1)) * t2, q, n - q, (n - q) / (n - 1)))
