"""Proportions: closed form, R 4.2.2, invariance, control flow."""

from math import exp, inf, isnan, nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import binom

from esld.reasons import Why, because
from esld.survival import clopper_pearson, relative_risk, risk_difference, wilson
from esld.survival._data import two_sided_z
from esld.survival.proportions import _ratio_variance, _score_variance

TABLES = ("e.9_11_v_10_11", "e.6_11_v_10_11", "e.0_11_v_0_11", "e.120_158_v_125_154")
METHODS = ("miettinen-nurminen", "newcombe")


@st.composite
def counts(draw):
    n = draw(st.integers(1, 40))
    return draw(st.integers(0, n)), n


class TestReference:
    """R 4.2.2: ``binom.test``, ``prop.test(correct=FALSE)``; R code for differences."""

    @pytest.mark.parametrize("name", TABLES)
    def test_each_arm(self, oracle, agrees, name):
        r = oracle("e_twobytwo.json", name)
        for arm, x, n in (("arm1", r["a"], r["n1"]), ("arm2", r["b"], r["n2"])):
            for method, name, key in (
                (clopper_pearson, "Clopper–Pearson", "clopper_pearson"),
                (wilson, "Wilson", "wilson"),
            ):
                found = method(x, n)
                keys = ("p", f"{key}/lower", f"{key}/upper")
                agrees([found.value, found.lower, found.upper], r[arm], *keys, method=name)

    @pytest.mark.parametrize("name", TABLES)
    def test_risk_difference(self, oracle, agrees, name):
        r = oracle("e_twobytwo.json", name)
        table, wanted = (r["a"], r["n1"], r["b"], r["n2"]), r["risk_difference"]
        score, hybrid = (risk_difference(*table, method=m) for m in METHODS)
        for second in ("", "_second_implementation"):
            agrees(
                [score.value, score.lower, score.upper, score.p_value],
                wanted,
                "est",
                *(f"miettinen_nurminen{second}/{key}" for key in ("lower", "upper", "p_at_0")),
                method="Miettinen–Nurminen",
            )
        agrees([hybrid.lower, hybrid.upper], wanted["newcombe10"], "lower", "upper", method="Newcombe")
        assert isnan(hybrid.p_value)

    def test_published_intervals(self):
        """Newcombe (1998), Table II, 56/70 v 48/80 and 9/10 v 3/10, quoted in e_twobytwo.json to 4 digits."""
        for table, wanted in (((56, 70, 48, 80), (0.0528, 0.3382)), ((9, 10, 3, 10), (0.1700, 0.8406))):
            found = risk_difference(*table)
            assert (found.lower, found.upper) == pytest.approx(wanted, abs=6e-5)


class TestClosedForm:
    @pytest.mark.parametrize("n", [1, 11, 22])
    def test_nobody(self, n):
        # (1 - p)^n = 0.025
        assert clopper_pearson(0, n).upper == pytest.approx(1 - 0.025 ** (1 / n))
        assert clopper_pearson(0, n).lower == 0
        assert clopper_pearson(n, n).lower == pytest.approx(0.025 ** (1 / n))
        assert clopper_pearson(n, n).upper == 1

    @given(counts(), st.sampled_from([0.8, 0.95, 0.99]))
    def test_clopper_pearson_limits_leave_half_of_the_error_in_each_tail(self, xn, level):
        x, n = xn
        found = clopper_pearson(x, n, conf_level=level)
        if x > 0:
            assert binom.sf(x - 1, n, found.lower) == pytest.approx((1 - level) / 2)
        if x < n:
            assert binom.cdf(x, n, found.upper) == pytest.approx((1 - level) / 2)

    @given(counts())
    def test_wilson_limits_solve_the_score_equation(self, xn):
        x, n = xn
        z = two_sided_z(0.95)
        for limit in (wilson(x, n).lower, wilson(x, n).upper):
            assert (x / n - limit) ** 2 == pytest.approx(z * z * limit * (1 - limit) / n, abs=1e-12)

    @given(counts(), counts(), st.floats(-0.99, 0.99))
    def test_score_variance_is_taken_at_the_likeliest_pair(self, one, two, d):
        # The cubic against a search of the likelihood over P1, P2 = P1 - d.
        (x1, n1), (x2, n2) = one, two
        low, high = max(0.0, d), min(1.0, 1.0 + d)

        def deviance(p):
            q = p - d
            parts = ((x1, p), (n1 - x1, 1 - p), (x2, q), (n2 - x2, 1 - q))
            return -sum(x * np.log(max(share, 1e-300)) for x, share in parts if x)

        def variance(p):
            total = n1 + n2
            return (p * (1 - p) / n1 + (p - d) * (1 - p + d) / n2) * total / (total - 1)

        best = minimize_scalar(deviance, bounds=(low, high), method="bounded", options={"xatol": 1e-10}).x
        assert _score_variance(x1 / n1, n1, x2 / n2, n2, d) == pytest.approx(variance(best), abs=1e-4)

    @given(counts(), counts())
    def test_limits_are_where_the_score_statistic_is_z(self, one, two):
        (x1, n1), (x2, n2) = one, two
        found = risk_difference(x1, n1, x2, n2)
        for limit in (found.lower, found.upper):
            if abs(limit) < 1:
                variance = _score_variance(x1 / n1, n1, x2 / n2, n2, limit)
                assert abs(found.value - limit) == pytest.approx(two_sided_z(0.95) * sqrt(variance), abs=1e-9)

    def test_published_ratio(self):
        """Koopman (1984), example of 36/40 v 16/80: 2.94 to 7.15."""
        found = relative_risk(36, 40, 16, 80, method="koopman")
        assert (found.value, found.lower, found.upper) == pytest.approx((4.5, 2.94, 7.15), abs=6e-3)

    @given(counts(), counts(), st.floats(0.05, 20))
    def test_ratio_variance_is_taken_at_the_likeliest_pair(self, one, two, ratio):
        # The quadratic against a search of the likelihood over P2, P1 = ratio P2.
        (x1, n1), (x2, n2) = one, two
        high = min(1.0, 1 / ratio)

        def deviance(q):
            parts = ((x1, ratio * q), (n1 - x1, 1 - ratio * q), (x2, q), (n2 - x2, 1 - q))
            return -sum(x * np.log(max(share, 1e-300)) for x, share in parts if x)

        def variance(q):
            p = ratio * q
            return p * (1 - p) / n1 + ratio**2 * q * (1 - q) / n2

        best = minimize_scalar(deviance, bounds=(0, high), method="bounded", options={"xatol": 1e-11}).x
        found = _ratio_variance(x1, n1, x2, n2, ratio)
        assert found == pytest.approx(variance(best), rel=1e-3, abs=1e-4 * (1 + ratio**2))

    @given(counts(), counts())
    def test_koopman_limits_are_where_the_score_statistic_is_z(self, one, two):
        (x1, n1), (x2, n2) = one, two
        found = relative_risk(x1, n1, x2, n2, method="koopman")
        for limit in (found.lower, found.upper):
            if 0 < limit < inf:
                gap = abs(x1 / n1 - limit * x2 / n2)
                spread = two_sided_z(0.95) * sqrt(_ratio_variance(x1, n1, x2, n2, limit))
                assert gap == pytest.approx(spread, rel=1e-7)

    @pytest.mark.parametrize("name", TABLES[:2] + TABLES[3:])
    def test_koopman_at_a_ratio_of_one_is_the_chi_square_test(self, oracle, agrees, name):
        r = oracle("e_twobytwo.json", name)
        found = relative_risk(r["a"], r["n1"], r["b"], r["n2"], method="koopman")
        agrees(found.p_value, r["chisq_uncorrected"], "p", method="Koopman")

    def test_relative_risk(self):
        # 6/11 v 3/11: ratio 2, variance of its logarithm 1/6 - 1/11 + 1/3 - 1/11.
        found = relative_risk(6, 11, 3, 11)
        se = sqrt(1 / 6 - 1 / 11 + 1 / 3 - 1 / 11)
        assert found.value == pytest.approx(2)
        assert found.lower == pytest.approx(2 * exp(-1.959963984540054 * se))
        assert found.upper == pytest.approx(2 * exp(1.959963984540054 * se))


class TestInvariance:
    @given(counts(), counts(), st.sampled_from(METHODS))
    def test_swapping_the_arms_mirrors_the_interval(self, one, two, method):
        there, back = risk_difference(*one, *two, method=method), risk_difference(*two, *one, method=method)
        assert back.value == pytest.approx(-there.value)
        assert back.lower == pytest.approx(-there.upper, abs=1e-12)
        assert back.upper == pytest.approx(-there.lower, abs=1e-12)
        assert back.p_value == pytest.approx(there.p_value, nan_ok=True)

    @given(counts(), counts(), st.sampled_from(METHODS))
    def test_counting_the_others_mirrors_the_interval(self, one, two, method):
        (x1, n1), (x2, n2) = one, two
        alive = risk_difference(x1, n1, x2, n2, method=method)
        dead = risk_difference(n1 - x1, n1, n2 - x2, n2, method=method)
        assert dead.value == pytest.approx(-alive.value, abs=1e-15)
        assert dead.lower == pytest.approx(-alive.upper, abs=1e-9)
        assert dead.upper == pytest.approx(-alive.lower, abs=1e-9)

    @given(counts(), counts(), st.sampled_from(METHODS))
    def test_interval_holds_the_estimate(self, one, two, method):
        found = risk_difference(*one, *two, method=method)
        assert -1 <= found.lower <= found.value + 1e-15
        assert found.value - 1e-15 <= found.upper <= 1

    @given(counts(), counts())
    def test_a_higher_level_is_wider(self, one, two):
        narrow, wide = (risk_difference(*one, *two, conf_level=c) for c in (0.8, 0.99))
        assert wide.lower <= narrow.lower and narrow.upper <= wide.upper

    @given(counts(), counts())
    def test_score_p_value_agrees_with_its_interval(self, one, two):
        found = risk_difference(*one, *two)
        if abs(found.p_value - 0.05) > 1e-9:
            assert (found.p_value < 0.05) == (found.lower > 0 or found.upper < 0)

    @pytest.mark.parametrize("method", [clopper_pearson, wilson])
    @given(xn=counts())
    def test_one_proportion_and_its_complement(self, method, xn):
        x, n = xn
        found, other = method(x, n), method(n - x, n)
        assert 0 <= found.lower <= found.value <= found.upper <= 1
        assert other.lower == pytest.approx(1 - found.upper, abs=1e-12)

    @pytest.mark.parametrize("method", ["katz", "koopman"])
    @given(one=counts(), two=counts())
    def test_relative_risk_inverts(self, method, one, two):
        there, back = (relative_risk(*a, *b, method=method) for a, b in ((one, two), (two, one)))
        for here, other in ((back.value, there.value), (back.lower, there.upper), (back.upper, there.lower)):
            assert here == pytest.approx(1 / other if other else inf, nan_ok=True)
        assert back.p_value == pytest.approx(there.p_value, nan_ok=True)

    @given(counts(), counts())
    def test_koopman_holds_the_estimate_and_agrees_with_its_p_value(self, one, two):
        found = relative_risk(*one, *two, method="koopman")
        if not isnan(found.value):
            assert 0 <= found.lower <= found.value <= found.upper
        if abs(found.p_value - 0.05) > 1e-9:
            assert (found.p_value < 0.05) == (found.lower > 1 or found.upper < 1)


class TestResultAndReason:
    @given(counts(), counts(), st.sampled_from(["miettinen-nurminen", "newcombe", "katz", "koopman"]))
    def test_a_number_is_missing_if_and_only_if_there_is_a_reason(self, one, two, method):
        contrast = risk_difference if method in METHODS else relative_risk
        found = contrast(*one, *two, method=method)
        numbers = [found.value, found.lower, found.upper]
        numbers += [found.p_value] if method != "newcombe" else []
        numbers += [found.std_err] if method == "katz" else []
        assert any(map(isnan, numbers)) == bool(found.reason)
        assert not found.std_err <= 0


class TestControlFlow:
    def test_all_against_none(self):
        found = risk_difference(11, 11, 0, 11)
        assert (found.value, found.upper) == (1, 1)
        assert 0.5 < found.lower < 1
        assert risk_difference(0, 11, 11, 11).lower == -1

    def test_one_patient_an_arm(self):
        found = risk_difference(1, 1, 0, 1)
        assert (found.value, found.upper) == (1, 1)
        assert found.lower < 0

    def test_everybody_the_same_is_no_evidence(self):
        assert risk_difference(11, 11, 11, 11).p_value == 1

    def test_relative_risk_without_a_count(self):
        found = relative_risk(0, 11, 3, 11)
        assert isnan(found.value) and isnan(found.lower)
        assert found.reason == because(Why.ZERO_HAS_NO_LOGARITHM, of="count")
        certain = relative_risk(11, 11, 11, 11)
        assert certain.value == 1 and isnan(certain.std_err) and isnan(certain.upper)
        assert certain.reason == because(Why.NO_SPREAD)

    def test_koopman_without_a_count(self):
        none = relative_risk(0, 11, 3, 11, method="koopman")
        assert (none.value, none.lower, none.reason) == (0, 0, None)
        assert 1 < none.upper < inf
        endless = relative_risk(3, 11, 0, 11, method="koopman")
        assert (endless.value, endless.upper) == (inf, inf)
        nobody = relative_risk(0, 11, 0, 11, method="koopman")
        assert isnan(nobody.value)
        assert (nobody.lower, nobody.upper, nobody.p_value) == (0, inf, 1)
        assert nobody.reason == because(Why.NO_EVENTS)

    def test_koopman_with_everybody_has_limits_about_one(self):
        found = relative_risk(11, 11, 11, 11, method="koopman")
        assert (found.value, found.p_value) == (1, 1)
        # (1 - r)^2 = z^2 r (1 - r) / n, r < 1: the likeliest P2 is 1.
        assert found.lower == pytest.approx(11 / (11 + two_sided_z(0.95) ** 2))

    @pytest.mark.parametrize(
        ("x", "n", "message"),
        [
            (3, 2, "x must be from 0 to n and n at least 1, got 3 of 2"),
            (-1, 2, "x must be from 0 to n and n at least 1, got -1 of 2"),
            (0, 0, "x must be from 0 to n and n at least 1, got 0 of 0"),
            (1.5, 2, "x and n must be integers, got 1.5 and 2"),
            (nan, 2, "x and n must be integers, got nan and 2"),
        ],
    )
    def test_counts(self, x, n, message):
        for method in (clopper_pearson, wilson):
            with pytest.raises(ValueError) as error:
                method(x, n)
            assert str(error.value) == message
        for contrast in (risk_difference, relative_risk):
            with pytest.raises(ValueError, match="x2"):
                contrast(1, 2, x, n)

    def test_unknown_method_or_level(self):
        with pytest.raises(ValueError, match=r"method must be one of .*, got 'wald'"):
            risk_difference(1, 2, 1, 2, method="wald")
        with pytest.raises(ValueError, match=r"method must be one of .*, got 'wald'"):
            relative_risk(1, 2, 1, 2, method="wald")
        for method in (clopper_pearson, wilson):
            with pytest.raises(ValueError, match="conf_level must be between 0 and 1, got 95"):
                method(1, 2, conf_level=95)

    def test_numpy_counts_are_counts(self):
        assert clopper_pearson(np.int64(3), np.int32(11)) == clopper_pearson(3, 11)

    def test_long_form(self):
        share = wilson(3, 11).to_frame(group="LOW", statistic="alive_share")
        assert share["statistic"].tolist() == ["alive_share"]
        assert (share["n"][0], share["events"][0], share["group"][0]) == (11, 3, "LOW")
        gap = risk_difference(3, 11, 5, 12).to_frame(group="LOW - HIGH")
        assert gap["statistic"].tolist() == ["risk_difference", "risk_difference_p_value"]
        assert (gap["n"][0], gap["events"][0]) == (23, 8)
