"""Coins: against the product of their tosses, known results of Efron, bounds, control flow."""

from fractions import Fraction
from itertools import product
from math import comb, nan

import numpy as np
import pytest

from esld.randomisation.coins import BiasedCoin, BigStick, SimpleRandomisation
from tests.randomisation.test_paths import assert_drawn_as_probable, assert_lists, listed

HALF = Fraction(1, 2)


def tossed(n, chance):
    """Probability of every sequence, given that of the second arm after so many in the first and second."""
    whole = {}
    for sequence in product((0, 1), repeat=n):
        arms, p = [0, 0], Fraction(1)
        for code in sequence:
            second = Fraction(chance(*arms))
            p *= second if code else 1 - second
            arms[code] += 1
        whole[sequence] = p
    return whole


def big_stick(limit):
    return lambda a, b: HALF if abs(a - b) < limit else int(b < a)


def biased(p):
    return lambda a, b: HALF if a == b else p if b < a else 1 - p


class TestByDefinition:
    @pytest.mark.parametrize(
        ("design", "chance"),
        [
            (SimpleRandomisation(n=6), lambda a, b: HALF),
            (SimpleRandomisation(n=5, probability_second=0.25), lambda a, b: Fraction(1, 4)),
            (BigStick(n=8, limit=1), big_stick(1)),
            (BigStick(n=8, limit=2), big_stick(2)),
            (BigStick(n=9), big_stick(3)),
            (BiasedCoin(n=8), biased(Fraction(2, 3))),
            (BiasedCoin(n=6, p=0.5), biased(HALF)),
            (BiasedCoin(n=7, p=1), biased(Fraction(1))),
        ],
    )
    def test_every_sequence_and_its_probability(self, design, chance):
        assert_lists(design, tossed(design.n, chance))
        assert_drawn_as_probable(design)


class TestClosedForm:
    def test_simple_22(self):
        design = SimpleRandomisation(n=22)
        assert design.count == 2**22
        counts, weights = design.by_size()
        assert counts == [comb(22, k) for k in range(23)]
        np.testing.assert_allclose(weights, [comb(22, k) / 2**22 for k in range(23)])
        assert weights[8] + weights[:8].sum() + weights[14:].sum() == pytest.approx(0.286, abs=5e-4)  # 14:8

    def test_big_stick_of_1_is_blocks_of_2(self):
        rows, probabilities = listed(BigStick(n=8, limit=1))
        assert np.all(rows.reshape(-1, 4, 2).sum(axis=2) == 1)
        np.testing.assert_allclose(probabilities, 2.0**-4)

    def test_equal_arms_in_the_long_run(self):
        # Efron's walk abs(D): from 0 to 1 surely; from j up with q = 1 - p, down with p. Balance of flow in
        # the long run gives pi_1 = pi_0 / p and pi_(j+1) = pi_j q / p, so 2 pi_0 (at even n) is
        # 2 (p - q) / (2 p) = 1 - q / p, which is 1/2 for p = 2/3.
        for p in (2 / 3, 0.75, 0.9):
            _, weights = BiasedCoin(n=200, p=p).by_size()
            assert weights[100] == pytest.approx(1 - (1 - p) / p, abs=2e-5)

    def test_big_stick_by_counting_walks(self):
        # limit 2 and even n: from 0 each pair of subjects leads to 0 with 1/2 or to -2 or 2 with 1/4 each,
        # from 2 it leads to 0 (1/2) or back to 2 (1/2): after any pair, 0 has probability 1/2.
        for n in (2, 6, 22):
            _, weights = BigStick(n=n, limit=2).by_size()
            assert weights[n // 2] == pytest.approx(0.5)
            assert weights[n // 2 - 1] == weights[n // 2 + 1] == pytest.approx(0.25)


class TestInvariance:
    @pytest.mark.parametrize(
        "design", [SimpleRandomisation(n=7), BigStick(n=7, limit=2), BiasedCoin(n=7, p=0.7)]
    )
    def test_arms_exchanged(self, design):
        rows, probabilities = listed(design)
        np.testing.assert_allclose(design.probability(1 - rows), probabilities, rtol=1e-12)

    @pytest.mark.parametrize("limit", [1, 2, 3, 5])
    def test_big_stick_keeps_its_limit(self, limit):
        design = BigStick(n=12, limit=limit)
        drawn = design.draw(np.random.default_rng(1), 5000)
        for rows in (listed(design)[0], drawn):
            assert np.abs(np.cumsum(2 * rows.astype(int) - 1, axis=1)).max() == limit


class TestControlFlow:
    def test_counts_of_any_size(self):
        assert SimpleRandomisation(n=300).count == BiasedCoin(n=300).count == 2**300
        assert BigStick(n=301, limit=1).count == 2**151
        with pytest.raises(ValueError, match=r"allocations can be listed up to 2\^63"):
            next(SimpleRandomisation(n=63).allocations())

    @pytest.mark.parametrize(
        ("design", "words"),
        [
            (SimpleRandomisation(n=2), "simple:0.5"),
            (BigStick(n=2), "big-stick:3"),
            (BiasedCoin(n=2), "biased-coin:0.666667"),
        ],
    )
    def test_conditions(self, design, words):
        assert design.conditions == words

    @pytest.mark.parametrize(
        ("kind", "options", "message"),
        [
            (SimpleRandomisation, {"n": 0}, "n must be a whole number, 1 or more, got 0"),
            (SimpleRandomisation, {"probability_second": 0}, "probability_second must be above 0 and below"),
            (SimpleRandomisation, {"probability_second": 1}, "probability_second must be above 0 and below"),
            (SimpleRandomisation, {"probability_second": nan}, "probability_second must be above 0"),
            (BigStick, {"n": "8"}, "n must be a whole number"),
            (BigStick, {"limit": 0}, "limit must be a whole number, 1 or more, got 0"),
            (BiasedCoin, {"n": -1}, "n must be a whole number"),
            (BiasedCoin, {"p": 0.4}, "p must be 0.5 to 1, got 0.4"),
            (BiasedCoin, {"p": 1.1}, "p must be 0.5 to 1"),
            (BiasedCoin, {"p": nan}, "p must be 0.5 to 1"),
        ],
    )
    def test_parameters(self, kind, options, message):
        with pytest.raises(ValueError, match=message):
            kind(**({"n": 8} | options))
