"""Minimisation: against Pocock and Simon's rule, word for word; drawing; invariance; control flow."""

from fractions import Fraction
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.randomisation import _equal_arms
from esld.randomisation import minimisation as module
from esld.randomisation._equal_arms import EqualArms
from esld.randomisation.coins import BiasedCoin, SimpleRandomisation
from esld.randomisation.conditioned import Conditioned
from esld.randomisation.inference import randomisation_test
from esld.randomisation.minimisation import Minimisation
from esld.randomisation.statistics import difference_in_means
from tests.examples import few
from tests.randomisation.test_paths import assert_drawn_as_probable, assert_lists, listed

FACTORS = [("m", 1), ("f", 1), ("m", 2), ("m", 1), ("f", 2), ("m", 2), ("f", 1), ("m", 1)]
HALF = Fraction(1, 2)
LEVELS = st.integers(1, 7).flatmap(
    lambda n: st.lists(
        st.tuples(st.integers(0, 1), st.integers(0, 2), st.integers(0, 1)), min_size=n, max_size=n
    )
)


def by_the_rule(factors, p, weights, imbalance):
    """For each arm, put the subject there, and measure how unlike the counts at its levels are."""

    def unlike(first, second):
        if imbalance == "range":
            return max(first, second) - min(first, second)
        mean = Fraction(first + second, 2)
        return (first - mean) ** 2 + (second - mean) ** 2

    whole = {}
    for sequence in product((0, 1), repeat=len(factors)):
        chance = Fraction(1)
        for i, code in enumerate(sequence):
            totals = []
            for arm in (0, 1):
                total = Fraction(0)
                for f, weight in enumerate(weights):
                    arms = [c for j, c in enumerate(sequence[:i]) if factors[j][f] == factors[i][f]] + [arm]
                    total += weight * unlike(arms.count(0), arms.count(1))
                totals.append(total)
            chance *= HALF if totals[0] == totals[1] else p if totals[code] < totals[1 - code] else 1 - p
        whole[sequence] = chance
    return whole


class TestByTheRule:
    @pytest.mark.parametrize("imbalance", ["range", "variance"])
    @pytest.mark.parametrize("p", [Fraction(1, 2), Fraction(4, 5), Fraction(1)])
    @pytest.mark.parametrize("weights", [(Fraction(1), Fraction(1)), (Fraction(1, 4), Fraction(3))])
    def test_every_sequence_and_its_probability(self, p, weights, imbalance):
        design = Minimisation(
            factors=FACTORS, p=float(p), weights=[float(w) for w in weights], imbalance=imbalance
        )
        assert_lists(design, by_the_rule(FACTORS, p, weights, imbalance))
        assert_drawn_as_probable(design)

    def test_ties_of_weights_that_do_not_add_up_in_binary(self):
        # Counts at the third subject's levels are 1:0, 1:0 and 0:1, so 0.1 + 0.2 - 0.3: a tie.
        factors = [("a", "a", "b"), ("b", "b", "a"), ("a", "a", "a")]
        weights = [Fraction(w, 10) for w in (1, 2, 3)]
        design = Minimisation(factors=factors, weights=[0.1, 0.2, 0.3])
        assert_lists(design, by_the_rule(factors, Fraction(4, 5), weights, "range"))

    def test_range_and_variance_differ(self):
        # At the fifth subject's levels there are 0:2, 1:0 and 1:0 before it. By the range two factors to one
        # are for the second arm; by the variance the differences 2 - 1 - 1 tie.
        factors = [("a", "x", "s"), ("a", "x", "s"), ("b", "y", "s"), ("b", "x", "t"), ("a", "y", "t")]
        before = [1, 1, 0, 0]
        for imbalance, chance in (("range", 0.8), ("variance", 0.5)):
            design = Minimisation(factors=factors, imbalance=imbalance)
            both = design.probability([[*before, 0], [*before, 1]])
            assert both[1] / both.sum() == pytest.approx(chance)


class TestSpecialCases:
    def test_p_of_one_half_is_simple_randomisation(self):
        rows, probabilities = listed(Minimisation(factors=FACTORS, p=0.5))
        np.testing.assert_allclose(SimpleRandomisation(n=8).probability(rows), probabilities)
        assert len(rows) == 2**8

    @pytest.mark.parametrize("imbalance", ["range", "variance"])
    def test_one_level_is_the_biased_coin(self, imbalance):
        design = Minimisation(factors=[["x"]] * 9, p=0.7, imbalance=imbalance)
        rows, probabilities = listed(design)
        np.testing.assert_allclose(BiasedCoin(n=9, p=0.7).probability(rows), probabilities, rtol=1e-12)

    def test_no_shared_level_is_simple_randomisation(self):
        design = Minimisation(factors=[(i, f"{i}") for i in range(7)])
        np.testing.assert_allclose(listed(design)[1], 2.0**-7)

    def test_the_first_subject_is_a_fair_coin(self):
        rows, probabilities = listed(Minimisation(factors=FACTORS, p=1))
        assert probabilities[rows[:, 0] == 1].sum() == pytest.approx(0.5)

    def test_p_of_one_is_marked(self):
        design = Minimisation(factors=[["x"]] * 22, p=1)
        assert design.degenerate == "minimisation with p = 1 leaves nothing but ties to chance"
        assert design.count == 2**11  # pairs
        assert not design.admits([0, 0] + [0, 1] * 10)
        assert design.admits([0, 1] * 11)
        assert Minimisation(factors=[["x"]] * 22, p=0.95).degenerate == ""

    def test_p_of_one_with_many_subjects(self):
        design = Minimisation(factors=[["x"]] * 301, p=1)
        assert design.count == 2**151
        with pytest.raises(ValueError, match=r"allocations can be listed up to 2\^63"):
            next(design.allocations())


def by_the_rule_in_a_ratio(factors, p, weights, imbalance, ratio):
    """Every sequence of as many equal arms as the ratio adds up to, in fractions; then those of the two arms."""
    arms, whole = sum(ratio), {}

    def unlike(counts):
        if imbalance == "range":
            return max(counts) - min(counts)
        mean = Fraction(sum(counts), arms)
        return sum((c - mean) ** 2 for c in counts)

    for sequence in product(range(arms), repeat=len(factors)):
        chance = Fraction(1)
        for i, code in enumerate(sequence):
            totals = []
            for arm in range(arms):
                total = Fraction(0)
                for f, weight in enumerate(weights):
                    mine = [c for j, c in enumerate(sequence[:i]) if factors[j][f] == factors[i][f]] + [arm]
                    total += weight * unlike([mine.count(a) for a in range(arms)])
                totals.append(total)
            tied, others = totals.count(min(totals)), (1 - p) / (arms - 1)
            chance *= (p + (tied - 1) * others) / tied if totals[code] == min(totals) else others
        told = tuple(int(code >= ratio[0]) for code in sequence)
        whole[told] = whole.get(told, 0) + chance
    return whole


class TestRatio:
    @pytest.mark.parametrize("imbalance", ["range", "variance"])
    @pytest.mark.parametrize(("ratio", "n"), [((1, 2), 5), ((2, 1), 5), ((1, 3), 4), ((2, 3), 4)])
    def test_every_sequence_and_its_probability(self, ratio, n, imbalance):
        p, weights = Fraction(4, 5), (Fraction(1), Fraction(3, 2))
        design = Minimisation(
            factors=FACTORS[:n], p=float(p), weights=[1, 1.5], imbalance=imbalance, ratio=ratio
        )
        assert_lists(design, by_the_rule_in_a_ratio(FACTORS[:n], p, weights, imbalance, ratio))
        assert_drawn_as_probable(design, size=10_000)

    @pytest.mark.parametrize("imbalance", ["range", "variance"])
    def test_one_to_one_is_the_same_procedure(self, imbalance):
        design = Minimisation(factors=FACTORS, imbalance=imbalance, weights=[0.3, 1])
        rows, probabilities = listed(design)
        equal = EqualArms(design._levels, (1, 1), 0.8, (0.3, 1.0), imbalance == "range")
        np.testing.assert_allclose(equal.probability(rows), probabilities, rtol=1e-12)
        np.testing.assert_allclose(equal.listed(), probabilities, rtol=1e-12)

    @pytest.mark.parametrize(("ratio", "n"), [((1, 2), 8), ((3, 1), 7), ((2, 3), 6)])
    @pytest.mark.parametrize("imbalance", ["range", "variance"])
    def test_each_assignment_has_the_share_of_the_ratio(self, ratio, n, imbalance):
        design = Minimisation(factors=FACTORS[:n], p=0.9, imbalance=imbalance, ratio=ratio)
        rows, probabilities = listed(design)
        np.testing.assert_allclose(probabilities @ rows, ratio[1] / sum(ratio), rtol=1e-12)

    def test_a_trial_of_22_is_drawn(self):
        factors = np.random.default_rng(list(b"esld minimisation 1:2")).integers(0, 2, (22, 3))
        design = Minimisation(factors=factors, ratio=(1, 2))
        drawn = design.draw(np.random.default_rng(1), 20_000)
        # Of each assignment, 4.5 standard errors; the totals are nearer the ratio than a coin would bring them.
        assert np.all(np.abs(drawn.mean(axis=0) - 2 / 3) < 4.5 * (2 / 9 / 20_000) ** 0.5)
        assert drawn.sum(axis=1).var() < 22 * 2 / 9 / 3
        found = randomisation_test(
            difference_in_means(np.arange(22.0)), drawn[0], design=design, draws=2000, seed="esld"
        )
        assert found.method == "monte-carlo" and 0 < found.p_value <= 1
        assert found.p_smallest == pytest.approx(design.probability(drawn[0]))
        assert "ratio:1:2" in found.conditions
        with pytest.raises(ValueError, match="allocations can be drawn and not listed, got 22 subjects by 3"):
            next(design.allocations())

    def test_more_ways_than_can_be_followed(self, monkeypatch):
        design = Minimisation(factors=FACTORS, ratio=(2, 3))
        rows = design.draw(np.random.default_rng(1), 2)
        assert np.all(design.probability(rows) > 0)
        monkeypatch.setattr(_equal_arms, "FOLLOWED", 3)
        assert np.isnan(design.probability(rows)).all()

    def test_the_least_p_is_simple_randomisation(self):
        rows, probabilities = listed(Minimisation(factors=FACTORS, p=1 / 3, ratio=(1, 2)))
        simple = SimpleRandomisation(n=8, probability_second=2 / 3)
        np.testing.assert_allclose(simple.probability(rows), probabilities)

    def test_lowest_terms_and_arms_that_change_places(self):
        design = Minimisation(factors=FACTORS, ratio=(2, 4))
        assert design == Minimisation(factors=FACTORS, ratio=(1, 2))
        rows, probabilities = listed(design)
        other = Minimisation(factors=FACTORS, ratio=(2, 1))
        np.testing.assert_allclose(other.probability(1 - rows), probabilities, rtol=1e-12)

    def test_given_arm_sizes(self):
        design = Conditioned(design=Minimisation(factors=FACTORS[:6], ratio=(1, 2)), sizes=(2, 4))
        assert listed(design)[1].sum() == pytest.approx(1)


class TestInvariance:
    @given(LEVELS, st.sampled_from(["range", "variance"]), st.sampled_from([0.6, 0.8, 1.0]))
    @few(40)
    def test_other_names_other_order_of_factors_other_arms(self, factors, imbalance, p):
        design = Minimisation(factors=factors, imbalance=imbalance, p=p, weights=[1, 2, 1.5])
        rows, probabilities = listed(design)
        assert len(rows) == design.count
        assert probabilities.sum() == pytest.approx(1, abs=1e-12)
        np.testing.assert_allclose(design.probability(1 - rows), probabilities, rtol=1e-12)
        renamed = [[f"{c}", f"level {9 - a}", b] for a, b, c in factors]
        same = Minimisation(factors=renamed, imbalance=imbalance, p=p, weights=[3, 2, 4])
        # the factors are c, a, b now, so their weights are those of 1.5, 1, 2, doubled
        np.testing.assert_allclose(same.probability(rows), probabilities, rtol=1e-12)

    def test_factors_are_left_alone_and_may_be_a_frame(self):
        frame = pd.DataFrame(FACTORS, columns=["sex", "class"])
        before = frame.copy()
        _, probabilities = listed(Minimisation(factors=frame))
        pd.testing.assert_frame_equal(frame, before)
        np.testing.assert_array_equal(listed(Minimisation(factors=FACTORS))[1], probabilities)
        assert Minimisation(factors=frame) == Minimisation(factors=FACTORS)

    def test_blocks_are_bounded_and_add_up(self, monkeypatch):
        design = Minimisation(factors=FACTORS)
        whole = listed(design)
        monkeypatch.setattr(module, "BLOCK", 50)
        assert {block.size <= 50 for block, _ in design.allocations()} == {True}
        for part, expected in zip(listed(design), whole, strict=True):
            np.testing.assert_array_equal(part, expected)
        np.testing.assert_array_equal(design.probability(whole[0]), whole[1])


class TestControlFlow:
    def test_conditions(self):
        design = Minimisation(factors=FACTORS)
        assert design.conditions == "minimisation:range:0.8:2, order-of-entry"
        one = Minimisation(factors=[["x"]], p=0.75, imbalance="variance")
        assert one.conditions == "minimisation:variance:0.75:1, order-of-entry"

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"factors": []}, r"factors must have shape \(subjects, factors\), got \(0,\)"),
            ({"factors": [1, 2]}, "factors must have shape"),
            ({"factors": [[], []]}, "factors must have shape"),
            ({"factors": [["a"], [None]]}, "factors must have a level for each subject"),
            ({"factors": [[1.0], [np.nan]]}, "factors must have a level for each subject"),
            ({"p": 0.4}, "p must be 0.5 to 1, got 0.4"),
            ({"p": np.nan}, "p must be 0.5 to 1"),
            ({"weights": [1]}, r"weights must be 2 finite numbers above 0, got \[1\]"),
            ({"weights": [1, 0]}, "weights must be 2 finite numbers above 0"),
            ({"weights": [1, np.inf]}, "weights must be 2 finite numbers above 0"),
            ({"ratio": (1, 2, 3)}, "ratio must be two whole numbers, got"),
            ({"ratio": (0, 1)}, "ratio must be a whole number, 1 or more, got 0"),
            ({"ratio": (1, 2), "p": 1}, "p must be 1/3 to below 1 with ratio 1:2, got 1"),
            ({"ratio": (1, 2), "p": 0.3}, "p must be 1/3 to below 1 with ratio 1:2, got 0.3"),
            ({"imbalance": "sd"}, "imbalance must be one of .'range', 'variance'., got 'sd'"),
        ],
    )
    def test_parameters(self, options, message):
        with pytest.raises(ValueError, match=message):
            Minimisation(**({"factors": FACTORS} | options))

    @pytest.mark.parametrize("wrong", [[0, 1], [0, 1, 2, 0, 0, 0, 0, 0]])
    def test_allocations_of_another_kind(self, wrong):
        design = Minimisation(factors=FACTORS)
        assert not design.admits(wrong)
        with pytest.raises(ValueError, match="allocations must"):
            design.probability(wrong)
