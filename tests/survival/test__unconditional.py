"""The largest probability over the common chance: a dense grid, scipy, closed form."""

from math import comb, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, boschloo_exact, hypergeom

from esld.survival._unconditional import binomial, largest, largest_at_a_common_chance, log_choose, margin
from esld.survival.two_by_two import barnard, boschloo
from tests.examples import few


class TestLargest:
    @given(st.integers(1, 12), st.integers(1, 12), st.randoms())
    @few(25)
    def test_of_any_set_of_tables_against_a_dense_grid(self, n1, n2, random):
        tail = np.array([[random.random() < 0.4 for _ in range(n2 + 1)] for _ in range(n1 + 1)])

        def tails(x1, x2, given):
            there = (x2 >= 0) & (x2 <= n2)
            return [there & tail[x1, np.where(there, x2, 0)]]

        (found,) = largest_at_a_common_chance(n1, n2, tails)
        chance = np.sin(np.linspace(0, np.pi / 2, 20001)) ** 2
        first = binom.pmf(np.arange(n1 + 1), n1, chance[:, None])
        second = binom.pmf(np.arange(n2 + 1), n2, chance[:, None])
        wanted = np.einsum("mi,ij,mj->m", first, tail.astype(float), second).max()
        assert wanted - 1e-12 <= found <= wanted * (1 + 1e-6) + 1e-12

    @pytest.mark.parametrize(("a", "b"), [(1, 9), (4, 6), (1, 200), (1000, 1000)])
    def test_of_one_total(self, a, b):
        # C(n, a) p^a (1 - p)^b is largest at p = a / n.
        n = a + b
        wanted = np.exp(log(comb(n, a)) + a * log(a / n) + b * log(b / n))
        (found,) = largest(lambda angles: binomial(n, np.sin(angles) ** 2, np.cos(angles) ** 2)[:, [a]], n)
        assert found == pytest.approx(wanted, rel=1e-11)

    def test_of_nothing_and_of_everything(self):
        assert largest(lambda angles: np.outer(np.ones_like(angles), [0, 1]), 20) == [0, 1]


class TestTables:
    @pytest.mark.parametrize("n", [1, 2, 3, 10, 11])
    def test_log_choose(self, n):
        np.testing.assert_allclose(np.exp(log_choose(n)), [comb(n, k) for k in range(n + 1)], rtol=1e-13)

    def test_margin_is_hypergeometric(self):
        x1, x2, given_total = margin(4, 3, np.arange(8))
        np.testing.assert_array_equal(x1 + x2, np.repeat(np.arange(8)[:, None], 5, axis=1))
        wanted = hypergeom.pmf(np.arange(5), 7, np.arange(8)[:, None], 4)
        np.testing.assert_allclose(given_total, wanted, atol=1e-15)


class TestTests:
    @given(st.integers(1, 9), st.integers(1, 9), st.data())
    @few(15)
    def test_boschloo_against_scipy_on_a_dense_grid(self, n1, n2, data):
        x1, x2 = data.draw(st.integers(0, n1)), data.draw(st.integers(0, n2))
        found = boschloo(x1, n1, x2, n2)
        for side in ("less", "greater"):
            theirs = boschloo_exact([[x1, x2], [n1 - x1, n2 - x2]], alternative=side, n=256)
            # scipy may stop short of the maximum, and never passes it.
            ours = getattr(found, f"p_{side}")
            assert theirs.pvalue - 1e-9 <= ours <= theirs.pvalue * (1 + 1e-3) + 1e-9

    def test_large_tables(self):
        # scipy 1.17.1, boschloo_exact(n=32), took 75 s: 0.0130606634783; its largest p at a chance near 0.475.
        found = boschloo(500, 1000, 450, 1000)
        assert found.p_greater == pytest.approx(0.01306066347, rel=1e-6)
        assert found.p_value == 2 * found.p_greater
        assert barnard(500, 1000, 450, 1000).p_value == pytest.approx(0.0261213270197, rel=1e-9)

    @pytest.mark.parametrize(
        ("table", "one_sided", "two_sided"),
        [((24, 61, 10, 35), 0.2142, 0.4063), ((9, 11, 4, 12), 0.0120, 0.0215)],
    )
    def test_barnard_by_sas(self, table, one_sided, two_sided):
        """SAS 9.4, PROC FREQ, as the tests of R's exact2x2 1.6.9 quote it."""
        found = barnard(*table)
        assert (found.p_greater, found.p_value) == pytest.approx((one_sided, two_sided), abs=5e-5)

    def test_boschloo_by_statxact(self):
        """StatXact 11, as the tests of R's exact2x2 1.6.9 quote it."""
        assert boschloo(24, 61, 10, 35).p_greater == pytest.approx(0.1513, abs=5e-5)
