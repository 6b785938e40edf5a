"""Exact tests of two-by-two tables: closed form, R 4.2.2, invariance, control flow."""

from itertools import product
from math import comb, inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from esld.longform import COLUMNS
from esld.reasons import Why, because
from esld.survival.two_by_two import barnard, boschloo, fisher

TABLES = ("e.9_11_v_10_11", "e.6_11_v_10_11", "e.0_11_v_0_11", "e.120_158_v_125_154")
UNCONDITIONAL = (boschloo, barnard, lambda *table: barnard(*table, pooled=False))


@st.composite
def counts(draw):
    n = draw(st.integers(1, 15))
    return draw(st.integers(0, n)), n


def table_of(wanted):
    return wanted["a"], wanted["n1"], wanted["b"], wanted["n2"]


class TestReference:
    """R 4.2.2: ``fisher.test``; own R code for the unconditional tests, refined over the common chance."""

    @pytest.mark.parametrize("name", TABLES)
    def test_fisher(self, oracle, agrees, name):
        r = oracle("e_twobytwo.json", name)
        found, wanted = fisher(*table_of(r)), r["fisher"]
        agrees(
            [found.p_value, found.p_less, found.p_greater],
            wanted,
            *("p_two_sided", "p_less", "p_greater"),
            method="Fisher",
        )
        full, ratio = wanted["cond_odds_ratio_full_precision"], found.odds_ratio  # NaN is "undefined" in R
        agrees([ratio.value, ratio.lower, ratio.upper], full, "est", "lower", "upper", method="Fisher")

    @pytest.mark.parametrize("name", TABLES)
    def test_boschloo(self, oracle, agrees, name):
        r = oracle("e_twobytwo.json", name)
        found, wanted = boschloo(*table_of(r)), r["unconditional"]["boschloo"]
        agrees(
            [found.p_value, found.p_less, found.p_greater],
            wanted,
            *("two_sided_twice_min", "less/p_refined", "greater/p_refined"),
            method="Boschloo",
        )
        orders = {
            f"fisher_{side}": getattr(fisher(*table_of(r)), f"p_{side}") for side in ("less", "greater")
        }
        agrees(orders.values(), wanted, *orders, method="Boschloo")
        assert found.statistic == pytest.approx(min(orders.values()), rel=1e-12)

    @pytest.mark.parametrize("pooled", [True, False])
    @pytest.mark.parametrize("name", TABLES)
    def test_barnard(self, oracle, agrees, name, pooled):
        r = oracle("e_twobytwo.json", name)
        found = barnard(*table_of(r), pooled=pooled)
        wanted = r["unconditional"][f"barnard_z_{'pooled' if pooled else 'unpooled'}"]
        agrees(
            [found.statistic, found.p_value, found.p_less, found.p_greater],
            wanted,
            "z",
            *(f"{k}/p_refined" for k in ("two_sided_abs", "less", "greater")),
            method="Barnard",
        )


class TestClosedForm:
    def test_fisher_of_four_and_four(self):
        # The lady tasting tea, 3 of 4 v 1 of 4: 1, 16, 36, 16, 1 of 70.
        found = fisher(3, 4, 1, 4)
        assert (found.p_greater, found.p_less) == pytest.approx((17 / 70, 69 / 70))
        assert found.p_value == pytest.approx(34 / 70)
        assert found.mid_p == pytest.approx(18 / 70)

    def test_mid_p_of_arms_that_differ_is_not_twice_the_one_sided(self):
        # 0 of 3 v 4 of 5: C(3, k) C(5, 4 - k) / 70 for k = 0 ... 3 is 5, 30, 30, 5.
        assert fisher(0, 3, 4, 5).mid_p == pytest.approx(5 / 70)
        # 0 of 2 v 3 of 5: C(2, k) C(5, 3 - k) / 35 is 10, 20, 5: the last is less likely, none is as likely.
        found = fisher(0, 2, 3, 5)
        assert (found.p_value, found.mid_p) == pytest.approx((15 / 35, 10 / 35))

    def test_all_against_none(self):
        # Only the two extreme tables count, at a chance of 1/2 each: 2 (1/2)^6, and half of it one-sided.
        for test in (barnard, boschloo):
            found = test(3, 3, 0, 3)
            assert (found.p_value, found.p_greater) == pytest.approx((1 / 32, 1 / 64))
            assert found.p_less == 1
        assert barnard(3, 3, 0, 3).statistic == pytest.approx(6**0.5)
        assert barnard(3, 3, 0, 3, pooled=False).statistic == inf

    def test_one_against_one(self):
        # 1/1 v 0/1: p (1 - p), largest at 1/2; either way round twice that.
        assert barnard(1, 1, 0, 1).p_value == pytest.approx(1 / 2)
        assert boschloo(1, 1, 0, 1).p_value == pytest.approx(1 / 2)

    @pytest.mark.parametrize("pooled", [True, False])
    def test_barnard_counts_tied_tables(self, pooled):
        """9/11 v 3/11 by integers: scipy 1.17.1 leaves tables with the same z out (0.0132, pooled)."""
        n, seen = 11, (9, 3)

        def squared(i, j):
            total = i + j
            pieces = total * (2 * n - total) if pooled else i * (n - i) + j * (n - j)
            return (i - j) ** 2, pieces

        top, bottom = squared(*seen)
        tail = [
            comb(n, i) * comb(n, j) * (np.arange(2 * n + 1) == i + j)
            for i, j in product(range(n + 1), repeat=2)
            if i != j and squared(i, j)[0] * bottom >= top * squared(i, j)[1]
        ]
        weights = sum(tail)[:, None]
        chance = np.linspace(0, 1, 20001)
        power = np.arange(2 * n + 1)[:, None]
        largest = (weights * chance**power * (1 - chance) ** (2 * n - power)).sum(axis=0).max()
        assert barnard(9, n, 3, n, pooled=pooled).p_value == pytest.approx(largest, rel=1e-6)
        if pooled:
            assert largest == pytest.approx(0.0169, abs=5e-5)

    @pytest.mark.parametrize("test", UNCONDITIONAL)
    def test_the_level_holds_at_any_chance(self, test):
        # P(p-value <= alpha) <= alpha, whatever the chance that both groups share; 5 v 4.
        tables = [(i, j) for i in range(6) for j in range(5)]
        p = np.array([test(i, 5, j, 4).p_value for i, j in tables])
        for chance in np.linspace(0.01, 0.99, 50):
            weight = np.array([binom.pmf(i, 5, chance) * binom.pmf(j, 4, chance) for i, j in tables])
            for alpha in p:
                assert weight[p <= alpha + 1e-12].sum() <= alpha + 1e-12


class TestInvariance:
    @given(counts(), counts())
    def test_order_of_the_arms(self, one, two):
        for test in (fisher, *UNCONDITIONAL):
            there, back = test(*one, *two), test(*two, *one)
            assert back.p_value == pytest.approx(there.p_value)
            assert (back.p_less, back.p_greater) == pytest.approx((there.p_greater, there.p_less))
        assert fisher(*one, *two).mid_p == pytest.approx(fisher(*two, *one).mid_p)

    @given(counts(), counts())
    def test_counting_the_others(self, one, two):
        (x1, n1), (x2, n2) = one, two
        for test in (fisher, *UNCONDITIONAL):
            alive, dead = test(x1, n1, x2, n2), test(n1 - x1, n1, n2 - x2, n2)
            assert dead.p_value == pytest.approx(alive.p_value)
            assert dead.p_less == pytest.approx(alive.p_greater)

    @given(counts(), counts())
    def test_boschloo_is_never_above_fisher(self, one, two):
        conditional, unconditional = fisher(*one, *two), boschloo(*one, *two)
        assert unconditional.p_less <= conditional.p_less + 1e-12
        assert unconditional.p_greater <= conditional.p_greater + 1e-12

    @given(counts(), counts())
    def test_mid_p_is_below_the_exact_p(self, one, two):
        found = fisher(*one, *two)
        assert 0 < found.mid_p < found.p_value <= 1

    @given(counts())
    def test_same_shares_are_no_evidence(self, xn):
        for test in UNCONDITIONAL[1:]:
            found = test(*xn, *xn)
            assert (found.statistic, found.p_value) == (0, 1)


class TestControlFlow:
    def test_everybody_the_same(self):
        for x in (0, 11):
            for test in (fisher, *UNCONDITIONAL):
                found = test(x, 11, x, 11)
                assert (found.p_value, found.p_less, found.p_greater) == (1, 1, 1)
        assert fisher(0, 11, 0, 11).odds_ratio.reason == because(Why.SAME_OUTCOME)
        assert fisher(0, 11, 0, 11).mid_p == 0.5

    def test_one_patient_an_arm_alike(self):
        for test in (fisher, *UNCONDITIONAL):
            assert test(1, 1, 1, 1).p_value == 1

    def test_odds_ratio_with_an_empty_cell_is_infinite_with_a_finite_lower_limit(self):
        ratio = fisher(11, 11, 5, 11).odds_ratio
        assert (ratio.value, ratio.upper) == (inf, inf)
        assert 1 < ratio.lower < inf

    def test_repeats_to_the_last_bit(self):
        for test in UNCONDITIONAL:
            assert test(120, 158, 125, 154) == test(120, 158, 125, 154)

    @pytest.mark.parametrize(
        ("x", "n", "message"),
        [
            (3, 2, "x2 must be from 0 to n2 and n2 at least 1, got 3 of 2"),
            (-1, 2, "x2 must be from 0 to n2 and n2 at least 1, got -1 of 2"),
            (0, 0, "x2 must be from 0 to n2 and n2 at least 1, got 0 of 0"),
            (1.5, 2, "x2 and n2 must be integers, got 1.5 and 2"),
            (nan, 2, "x2 and n2 must be integers, got nan and 2"),
        ],
    )
    def test_counts(self, x, n, message):
        for test in (fisher, *UNCONDITIONAL):
            with pytest.raises(ValueError) as error:
                test(1, 2, x, n)
            assert str(error.value) == message

    def test_methods_name_the_two_sided_rule(self):
        assert boschloo(1, 2, 1, 2).method == "boschloo, twice-smaller"
        assert barnard(1, 2, 1, 2).method == "barnard, pooled"
        assert barnard(1, 2, 1, 2, pooled=False).method == "barnard, unpooled"

    def test_long_form(self):
        frame = fisher(3, 11, 5, 12).to_frame(group="LOW - HIGH")
        assert tuple(frame.columns) == COLUMNS
        assert frame["statistic"].tolist() == ["p_value", "p_less", "p_greater", "mid_p", "odds_ratio"]
        assert frame["method"].tolist()[2:4] == [
            "fisher, point-probability",
            "fisher-mid-p, point-probability",
        ]
        other = boschloo(3, 11, 5, 12).to_frame(group="LOW - HIGH")
        assert other["statistic"].tolist() == ["statistic", "p_value", "p_less", "p_greater"]
        assert (other["n"][0], other["events"][0], other["group"][0]) == (23, 8, "LOW - HIGH")
