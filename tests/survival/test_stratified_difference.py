"""A risk difference over strata: SAS and R as quoted, R mantelhaen.test, invariance, coverage."""

from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.longform import COLUMNS, Estimate
from esld.reasons import Why, because
from esld.survival._score_variance import score_variances
from esld.survival.proportions import _score_variance, risk_difference
from esld.survival.stratified_difference import (
    STRATIFIED_METHODS,
    stratified_risk_difference,
    weighted_difference,
)

METHODS = tuple(STRATIFIED_METHODS)


@st.composite
def stratum(draw):
    n1, n2 = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    return draw(st.integers(0, n1)), n1, draw(st.integers(0, n2)), n2


STRATA = st.lists(stratum(), min_size=1, max_size=4)


def fit(strata, **options):
    return stratified_risk_difference(*np.array(strata).T, **options)


class TestReference:
    # R 4.2.2: set.seed(1), the sample of tern's test of prop_diff_strat_nc, A less B, 6 strata.
    SAMPLE = ((8, 9, 3, 6), (4, 4, 6, 12), (2, 5, 2, 5), (5, 7, 3, 4), (6, 7, 3, 8), (5, 8, 3, 5))

    def test_newcombe_by_sas(self):
        """SAS, ``commonriskdiff(cl=newcombe)``, as R's tern 0.9.9 quotes it."""
        found = fit(self.SAMPLE, method="newcombe")
        wanted = 0.25390590, 0.03467969, 0.44544132
        assert (found.value, found.lower, found.upper) == pytest.approx(wanted, abs=1e-8)

    @pytest.mark.parametrize(
        ("strata", "lower", "upper"),
        [
            (((8, 30, 12, 30), (10, 35, 15, 35), (6, 27, 9, 23)), -0.281568259, -0.008104148),
            (((0, 13, 1, 8), (3, 70, 42, 50), (2, 13, 0, 95)), -0.5899410, -0.3703714),
        ],
    )
    def test_miettinen_nurminen_by_tern(self, strata, lower, upper):
        """R's tern 0.9.9, ``h_miettinen_nurminen_stratified_ci``, which stops at 1e-6."""
        found = fit(strata)
        assert (found.lower, found.upper) == pytest.approx((lower, upper), abs=1e-6)

    def test_miettinen_nurminen_of_a_published_example(self):
        """Lu (2008), in Melikov and Mosier (2025), PharmaSUG SA-198: -0.5381 to -0.1962."""
        found = fit([(1, 15, 3, 5), (3, 10, 4, 10), (2, 25, 18, 35)])
        assert found.value == pytest.approx(-0.37857, abs=5e-6)
        assert (found.lower, found.upper) == pytest.approx((-0.5381, -0.1962), abs=1e-4)

    def test_the_p_value_is_that_of_cochran_mantel_and_haenszel(self):
        """R 4.2.2: ``mantelhaen.test(t, correct = FALSE)$p.value``."""
        found = fit([(21, 464, 26, 453), (11, 165, 25, 174), (8, 69, 11, 70)])
        assert found.p_value == pytest.approx(0.0263063282083, rel=1e-11)

    @given(STRATA)
    def test_the_p_value_in_closed_form(self, strata):
        # Observed less expected in the first group, hypergeometric variance of each stratum.
        x1, n1, x2, n2 = np.array(strata, dtype=float).T
        n, x = n1 + n2, x1 + x2
        variance = np.sum(n1 * n2 * x * (n - x) / (n**2 * (n - 1)))
        found = fit(strata)
        if variance > 0:
            from scipy.stats import chi2

            assert found.p_value == pytest.approx(
                chi2.sf(np.sum(x1 - n1 * x / n) ** 2 / variance, 1), abs=1e-9
            )
        else:
            assert found.p_value == 1


class TestInvariance:
    @given(stratum(), st.sampled_from(METHODS))
    def test_one_stratum_is_none(self, counts, method):
        found, wanted = fit([counts], method=method), risk_difference(*counts, method=method)
        for name in ("value", "lower", "upper", "p_value"):
            assert getattr(found, name) == pytest.approx(getattr(wanted, name), abs=1e-9, nan_ok=True)

    @given(STRATA, st.sampled_from(METHODS), st.randoms())
    def test_order_and_arms_and_outcome(self, strata, method, random):
        found = fit(strata, method=method)
        assert -1 <= found.lower <= found.value + 1e-12 and found.value - 1e-12 <= found.upper <= 1
        again = fit(random.sample(strata, len(strata)), method=method)
        assert (again.lower, again.upper) == pytest.approx((found.lower, found.upper), abs=1e-9)
        for other in (
            [(x2, n2, x1, n1) for x1, n1, x2, n2 in strata],
            [(n1 - x1, n1, n2 - x2, n2) for x1, n1, x2, n2 in strata],
        ):
            mirrored = fit(other, method=method)
            assert (mirrored.lower, mirrored.upper) == pytest.approx((-found.upper, -found.lower), abs=1e-9)

    @given(stratum(), st.integers(2, 4))
    def test_a_stratum_split_into_equal_parts(self, counts, k):
        # Its shares are the same and its sizes add up: Newcombe's limits do not see the split at all.
        apart = fit([counts] * k, method="newcombe")
        whole = risk_difference(*(k * count for count in counts), method="newcombe")
        assert (apart.lower, apart.upper) == pytest.approx((whole.lower, whole.upper), abs=1e-12)
        # The score limits see the factor N / (N - 1) of each part: they are a little wider.
        apart, whole = fit([counts] * k), risk_difference(*(k * count for count in counts))
        assert apart.lower <= whole.lower + 1e-9 and whole.upper <= apart.upper + 1e-9

    @given(STRATA, st.sampled_from(METHODS))
    def test_a_stratum_of_one_group_changes_nothing_and_is_told(self, strata, method):
        found, more = fit(strata, method=method), fit([*strata, (1, 2, 0, 0)], method=method)
        assert (more.lower, more.upper, more.n) == (found.lower, found.upper, found.n)
        assert more.reason == because(Why.EMPTY_STRATUM, strata=(str(len(strata) + 1),))
        assert more.weights[-1] == 0 and found.reason is None

    @given(STRATA)
    def test_limits_agree_with_the_p_value(self, strata):
        found = fit(strata)
        if abs(found.p_value - 0.05) > 1e-9:
            assert (found.p_value < 0.05) == (found.lower > 0 or found.upper < 0)

    @given(stratum(), st.floats(-0.99, 0.99))
    def test_the_variance_for_arrays_is_that_for_numbers(self, counts, d):
        x1, n1, x2, n2 = counts
        total = n1 + n2
        found = score_variances(np.array([x1 / n1]), n1, np.array([x2 / n2]), n2, d)[0] * total / (total - 1)
        # Near a double root of the cubic it has half of the digits.
        assert found == pytest.approx(_score_variance(x1 / n1, n1, x2 / n2, n2, d), rel=1e-9, abs=1e-8)


class TestCoverage:
    @pytest.mark.parametrize("method", METHODS)
    def test_of_two_strata_of_six_and_five(self, method):
        # 11 v 11 in two strata of unequal chances: near the level, by 1,000 trials.
        rng = np.random.default_rng(list(b"esld stratified difference"))
        sizes, chances, draws = np.array([6, 5]), np.array([[0.5, 0.3], [0.8, 0.6]]), 1000
        x = rng.binomial(sizes[:, None], chances, size=(draws, 2, 2))  # draws, strata, groups
        true, held, known = float(np.array([6, 5]) @ (chances[:, 0] - chances[:, 1]) / 11), 0, {}
        for trial in x:
            key = tuple(trial.ravel().tolist())
            if key not in known:
                known[key] = fit(
                    [(a, n, b, n) for n, (a, b) in zip(sizes, trial.tolist(), strict=True)], method=method
                )
            held += known[key].lower <= true <= known[key].upper
        assert 0.93 <= held / draws <= 0.98


class TestControlFlow:
    def test_long_form(self):
        found = fit([(3, 6, 1, 5), (4, 5, 2, 6)])
        frame = found.to_frame(group="HIGH - LOW")
        assert tuple(frame.columns) == COLUMNS
        assert frame["statistic"].tolist() == ["risk_difference", "risk_difference_p_value"]
        assert found.method == "miettinen-nurminen, strata:2, mantel-haenszel"
        assert (found.n, found.events, sum(found.weights)) == (22, 10, pytest.approx(1))
        assert isnan(fit([(3, 6, 1, 5)], method="newcombe").p_value)

    @pytest.mark.parametrize(
        ("counts", "message"),
        [
            (([1], [2], [1, 1], [2, 2]), "x1, n1, x2 and n2 must have one number for each stratum"),
            (([], [], [], []), "x1, n1, x2 and n2 must have one number for each stratum"),
            (([1, 3], [2, 2], [1, 1], [2, 2]), "x1 of stratum 2 must be from 0 to n1 of stratum 2"),
            (([1, 1], [2, 2], [1, 0.5], [2, 2]), "x2 of stratum 1 and n2 of stratum 1 must be integers"),
            (([1], [2], [0], [0]), "n1 and n2 must both be 1 or more in a stratum, got no such stratum"),
        ],
    )
    def test_counts(self, counts, message):
        with pytest.raises(ValueError, match=message):
            stratified_risk_difference(*counts)

    def test_method_and_level(self):
        with pytest.raises(ValueError, match=r"method must be one of .*, got 'exact'"):
            fit([(1, 2, 1, 2)], method="exact")
        with pytest.raises(ValueError, match="conf_level must be between 0 and 1, got 95"):
            fit([(1, 2, 1, 2)], conf_level=95)


class TestWeightedDifference:
    def of(self, *parts):
        return [Estimate(value=v, lower=lo, upper=up, method="by-hand") for v, lo, up in parts]

    def test_one_stratum_is_itself(self):
        found = weighted_difference(self.of((0.2, -0.1, 0.4)), [(5, 7)], method="by-hand")
        assert (found.value, found.lower, found.upper) == pytest.approx((0.2, -0.1, 0.4))
        assert found.method == "by-hand, strata:1"

    def test_two_strata_by_hand(self):
        """Weights 10 * 10 / 20 = 5 and 20 * 5 / 25 = 4 of 9; distances are the root of the weighted squares."""
        found = weighted_difference(
            self.of((0.2, 0.0, 0.5), (-0.1, -0.4, 0.1)), [(10, 10), (20, 5)], method="by-hand"
        )
        value = (5 * 0.2 - 4 * 0.1) / 9
        assert found.value == pytest.approx(value)
        assert found.lower == pytest.approx(value - np.hypot(5 / 9 * 0.2, 4 / 9 * 0.3))
        assert found.upper == pytest.approx(value + np.hypot(5 / 9 * 0.3, 4 / 9 * 0.2))
        assert found.method == "by-hand, strata:2, mantel-haenszel"

    def test_a_stratum_without_a_difference_leaves_none(self):
        gone = Estimate(value=float("nan"), reason=because(Why.NO_EVENTS))
        found = weighted_difference([*self.of((0.2, 0.0, 0.5)), gone], [(5, 5), (5, 5)], method="by-hand")
        assert isnan(found.value) and isnan(found.lower)
        assert found.reason == because(Why.NO_EVENTS)

    @given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=4))
    def test_strata_turned_round_turn_it_round(self, parts):
        own = self.of(*((v, v - down, v + up) for v, down, up in parts))
        back = self.of(*((-v, -v - up, -v + down) for v, down, up in parts))
        sizes = [(5 + i, 9 - i) for i in range(len(parts))]
        forth, turned = (weighted_difference(each, sizes, method="by-hand") for each in (own, back))
        assert (forth.lower, forth.upper) == pytest.approx((-turned.upper, -turned.lower), abs=1e-12)
