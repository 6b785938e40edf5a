"""RMST: closed form, R survival 3.5-3, lifelines' point estimate, invariance, control flow."""

from functools import partial
from math import isnan, sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binom

from esld.reasons import Why, because, together
from esld.survival import kaplan_meier, rmst, rmst_compare
from esld.survival._area import areas
from esld.survival._lifetable import tabulate
from esld.survival.kaplan_meier import kaplan_meier_by
from esld.survival.rmst import RMST_LIMITS, rmst_compare_of, rmst_of

SAMPLES = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=2, max_size=30)


def split(sample):
    return np.array([t for t, _ in sample], float), np.array([e for _, e in sample])


class TestReference:
    """R: ``summary(survfit(Surv(time, ev) ~ 1), rmean = tau)``; contrasts from both standard errors."""

    CASES = (
        ("b.rmst.pbc.5y", "pbc", "trt"),
        ("b.rmst.pbc.52w", "pbc", "trt"),
        ("b.rmst.small22_a.48", "small22_a", "arm"),
    )

    @pytest.mark.parametrize(("name", "dataset", "by"), CASES)
    def test_arms_difference_and_ratio(self, oracle, data, agrees, name, dataset, by):
        wanted, frame = oracle("b_rmst.json", name), data(dataset)
        # arm A of small22_a is followed to 36 only: R carries its curve on to 48
        found = rmst_compare(
            frame["time"], frame["event"], frame[by], tau=wanted["tau"], extend=True, limits="plain"
        )
        compare = partial(agrees, method="Restricted mean survival time")
        for arm in found.arms:
            theirs = wanted["arms"][f"{by}={arm.group}"]
            compare([arm.value, arm.std_err, arm.lost], theirs, "rmst", "se", "rmtl")
        gap, fold = found.difference, found.ratio
        compare(
            [gap.value, gap.std_err, gap.lower, gap.upper, gap.value / gap.std_err, gap.p_value],
            wanted["difference"],
            *("est", "se", "lower95", "upper95", "z", "p"),
        )
        compare(
            [fold.value, fold.lower, fold.upper, fold.p_value],
            wanted["ratio"],
            *("est", "lower95", "upper95", "p"),
        )

    def test_estimate_equals_lifelines(self, data):
        from lifelines import KaplanMeierFitter
        from lifelines.utils import restricted_mean_survival_time

        frame = data("pbc")
        theirs = restricted_mean_survival_time(KaplanMeierFitter().fit(frame["time"], frame["event"]), t=1000)
        assert rmst(frame["time"], frame["event"], tau=1000).value == pytest.approx(theirs, rel=1e-9)


class TestClosedForm:
    # Events at 1, 3 and 4, one censored at 2. S = 1, 3/4 from 1, 3/8 from 3, 0 from 4.
    TIME, EVENT = (1, 2, 3, 4), (1, 0, 1, 1)

    def test_area_and_greenwood(self):
        # To 3.5: 1 + 2 * 3/4 + 1/2 * 3/8. A(1) = 1.6875, A(3) = 0.1875.
        found = rmst(self.TIME, self.EVENT, tau=3.5, limits="plain")
        assert found.value == pytest.approx(1 + 1.5 + 0.1875)
        assert found.std_err == pytest.approx(sqrt(1.6875**2 / (4 * 3) + 0.1875**2 / (2 * 1)))
        assert found.upper - found.value == pytest.approx(1.959963984540054 * found.std_err)
        assert found.lost == pytest.approx(3.5 - found.value)

    def test_an_event_at_the_horizon_does_not_count(self):
        with_event, without = (rmst([1, 5, 5], [1, e, 0], tau=5) for e in (1, 0))
        assert (with_event.value, with_event.std_err) == (without.value, without.std_err)
        assert (with_event.events, without.events) == (2, 1)

    @given(SAMPLES, st.floats(0.5, 12))
    def test_without_censoring_it_is_a_mean(self, sample, tau):
        # Then the Greenwood form is the variance of the mean with divisor n: no n / (n - 1).
        time, _ = split(sample)
        seen = np.minimum(time, tau)
        found = rmst(time, np.ones(time.size), tau=tau)
        assert found.value == pytest.approx(seen.mean(), abs=1e-12)
        assert found.std_err == pytest.approx(seen.std() / sqrt(time.size), abs=1e-7)


class TestBetaProductLimits:
    """Mid-p limits: binomial in closed form, Bayesian bootstrap drawn, Gaffke's example, extremes."""

    @pytest.mark.parametrize(("alive", "n"), [(11, 11), (10, 11), (4, 7), (0, 5)])
    def test_who_lives_nothing_or_all_gives_the_binomial_limits(self, alive, n):
        # Mid-p limits of x of n solve P(X > x) + P(X = x) / 2 = 2.5 %, and the mirror image.
        found = rmst([9] * alive + [0] * (n - alive), [0] * alive + [1] * (n - alive), tau=9)
        for limit, x, m in ((found.lower, alive, n), (1 - found.upper / 9, n - alive, n)):
            p = limit / 9 if limit is found.lower else limit
            tail = binom.sf(x, m, p) + binom.pmf(x, m, p) / 2
            assert p == 0 if x == 0 else tail == pytest.approx(0.025, rel=1e-9)

    def test_nobody_died(self):
        # Of 11: half of p^11 is 2.5 %.
        found = rmst([400] * 11, [0] * 11, tau=365)
        assert (found.lower, found.upper) == (pytest.approx(365 * 0.05 ** (1 / 11)), 365)
        assert found.reason is None

    def test_limits_of_issue_13(self):
        """Seen: -27.7 days, and 391.5 of 365."""
        low = rmst([1] * 10 + [365], [1] * 10 + [0], tau=365)
        high = rmst([30] + [365] * 10, [1] + [0] * 10, tau=365)
        assert 0 < low.lower < low.value and high.value < high.upper < 365

    def test_two_moments_of_the_areas(self):
        """Dead at 2 and 5 (two), lost at 3, alive at 9, horizon 8: the products drawn, without the recursion."""
        time, event, tau, rng = (
            np.array([2, 3, 5, 5, 9.0]),
            np.array([1, 0, 1, 1, 0]),
            8,
            np.random.default_rng(3),
        )
        u = rng.random((5, 400_000))
        # Upper: 1 to 2, B(5, 1) to 5, that times B(2, 2) to 8. A factor B(m, 1) is U^(1/m); B(2, 2) is B(3, 1) B(2, 1).
        one, two, three, last = u[0] ** (1 / 5), u[1] ** (1 / 3), u[2] ** (1 / 2), u[3]
        upper = 2 + 3 * one + 3 * one * two * three
        # Lower: the next event at once. 5 at risk to 2, 4 to 3 and 3 to 5 by one V, then 1 at risk to 8.
        lower = 2 * one + one * (u[1] ** (1 / 4) + 2 * two) + 3 * one * two * three * last
        table = tabulate(time, event.astype(bool))
        low, high = areas(table, tau, np.array([2.0, 5.0]), np.array([5, 3]), np.array([1, 2]))
        for found, drawn in ((low, lower / tau), (high, upper / tau)):
            mean, square = np.exp(found.mean[0]), np.exp(found.spread[0] + 2 * found.mean[0])
            assert mean == pytest.approx(drawn.mean(), abs=5 * drawn.std() / 632)
            assert square == pytest.approx((drawn**2).mean(), abs=5 * (drawn**2).std() / 632)

    def test_agree_with_plain_limits_in_a_large_sample(self):
        rng = np.random.default_rng(1)
        time, event = rng.exponential(400, 20_000), rng.random(20_000) < 0.6
        own, plain = (rmst(time, event, tau=365, limits=limits) for limits in RMST_LIMITS)
        assert (own.lower, own.upper) == pytest.approx((plain.lower, plain.upper), abs=0.02 * plain.std_err)

    def test_an_event_just_before_the_horizon(self):
        found = rmst([9 - 1e-9, 9, 9], [1, 0, 0], tau=9)
        nearly = rmst([9, 9, 9], [1, 0, 0], tau=9)
        assert (found.lower, found.upper) == pytest.approx((nearly.lower, nearly.upper), rel=1e-6)


class TestOfCurves:
    @given(SAMPLES, SAMPLES, st.floats(0.5, 13), st.sampled_from([1.0, 0.37]), st.booleans())
    def test_the_same_numbers_as_from_the_rows(self, one, two, tau, unit, extend):
        time, event = split(one + two)
        group = ["A"] * len(one) + ["B"] * len(two)
        options = {"conf_level": 0.9, "time_unit": "weeks", "groups": ("B", "A")}
        curves = kaplan_meier_by(time * unit, event, group, **options)
        for limits in RMST_LIMITS:
            wanted = rmst_compare(
                time * unit, event, group, tau=tau * unit, extend=extend, limits=limits, **options
            )
            found = rmst_compare_of(curves, tau=tau * unit, extend=extend, limits=limits)
            pd.testing.assert_frame_equal(found.to_frame(), wanted.to_frame(), check_exact=True)
        own = rmst_of(curves[0], tau=tau * unit, extend=extend, limits="plain")
        pd.testing.assert_frame_equal(own.to_frame(), wanted.arms[0].to_frame())

    def test_refused(self):
        curves = kaplan_meier_by([1, 2, 3], [1, 1, 1], ["A", "B", "C"])
        with pytest.raises(ValueError, match="curves must be two, got 3"):
            rmst_compare_of(curves, tau=1)
        with pytest.raises(ValueError, match="tau must be above 0"):
            rmst_of(curves[0], tau=0)
        other = kaplan_meier([1, 2], [1, 0], conf_level=0.9)
        with pytest.raises(ValueError, match="curves must have the same conf_level and time_unit"):
            rmst_compare_of([curves[0], other], tau=1)


class TestInvariance:
    @given(SAMPLES, st.floats(0.1, 13))
    def test_lies_between_nothing_and_the_horizon(self, sample, tau):
        found = rmst(*split(sample), tau=tau, extend=True)
        assert 0 <= found.value <= tau * (1 + 1e-12)

    @given(SAMPLES, st.floats(0.5, 12))
    def test_unit_of_time(self, sample, tau):
        time, event = split(sample)
        weeks, days = rmst(time, event, tau=tau, extend=True), rmst(time * 7, event, tau=tau * 7, extend=True)
        assert days.value == pytest.approx(7 * weeks.value)
        assert days.std_err == pytest.approx(7 * weeks.std_err)

    @given(SAMPLES, SAMPLES, st.floats(0.5, 12))
    def test_swapping_the_groups_mirrors_the_contrast(self, one, two, tau):
        time, event = split(one + two)
        group = ["A"] * len(one) + ["B"] * len(two)
        for limits in RMST_LIMITS:
            there, back = (
                rmst_compare(time, event, group, tau=tau, groups=order, extend=True, limits=limits)
                for order in ("AB", "BA")
            )
            assume(min(arm.value for arm in there.arms) > 0)
            assert back.difference.value == pytest.approx(-there.difference.value)
            assert back.difference.lower == pytest.approx(-there.difference.upper, nan_ok=True, abs=1e-12)
            with np.errstate(divide="ignore"):  # of a limit of 0 the other is infinite
                mirrored = np.divide(1, there.ratio.lower)
            assert back.ratio.upper == pytest.approx(mirrored, nan_ok=True)
            assert back.ratio.p_value == pytest.approx(there.ratio.p_value, nan_ok=True)


class TestControlFlow:
    def test_horizon_beyond_follow_up(self):
        found = rmst([1, 2, 3], [1, 0, 0], tau=4, group="LOW")
        assert isnan(found.value) and isnan(found.std_err) and isnan(found.lower)
        assert found.reason == because(Why.FOLLOW_UP_ENDS, last=3, time=4, group="LOW")
        assert rmst([1, 2, 3], [1, 0, 0], tau=4, extend=True).value == pytest.approx(1 + 3 * 2 / 3)

    def test_horizon_beyond_the_last_death_is_defined(self):
        assert rmst([1, 2, 3], [1, 1, 1], tau=9).value == pytest.approx(2)

    def test_one_arm_too_short_undoes_the_contrast(self):
        found = rmst_compare([1, 9, 1, 5], [1, 0, 1, 0], ["A", "A", "B", "B"], tau=8)
        assert found.arms[0].value == pytest.approx(4.5)
        for contrast in (found.difference, found.ratio):
            assert isnan(contrast.value) and isnan(contrast.p_value)
            assert contrast.reason == because(Why.FOLLOW_UP_ENDS, last=5, time=8, group="B")

    def test_no_event_before_the_horizon_has_no_plain_limits(self):
        """R gives tau with standard error 0, which would be an interval of certainty."""
        found = rmst([9, 9, 9], [0, 0, 0], tau=5, limits="plain")
        assert (found.value, found.std_err) == (5, 0)
        assert isnan(found.lower) and isnan(found.upper)
        assert found.reason == because(Why.GREENWOOD_ZERO)

    def test_an_arm_without_events_is_named_beside_plain_limits(self):
        """The reason says that limits are missing only where they are."""
        found = rmst_compare([9, 9, 1, 9], [0, 0, 1, 0], list("AABB"), tau=5, limits="plain").difference
        assert found.value == pytest.approx(-2) and found.lower < -2 < found.upper
        assert found.reason == because(Why.COUNTS_AS_CERTAIN, group="A")
        neither = rmst_compare([9, 9, 9, 9], [0, 0, 0, 0], list("AABB"), tau=5, limits="plain")
        assert neither.difference.value == 0
        assert isnan(neither.difference.p_value) and isnan(neither.ratio.lower)
        assert neither.difference.reason == together(
            because(Why.GREENWOOD_ZERO, group=group) for group in "AB"
        )

    def test_limits_and_their_reason_agree(self):
        """The case of issue 13: "no limits" stood beside limits."""
        found = rmst_compare([5, 6, 9, 9, 9, 9], [1, 1, 0, 0, 0, 0], list("AAABBB"), tau=9)
        assert found.difference.reason is None and -9 <= found.difference.lower < found.difference.upper <= 9
        assert found.arms[1].reason is None and found.arms[1].upper == 9

    def test_a_mean_of_zero_has_no_ratio(self):
        found = rmst_compare([0, 0, 1, 2], [1, 1, 1, 1], ["A", "A", "B", "B"], tau=2)
        assert found.difference.value == 1.5
        assert isnan(found.ratio.value)

    def test_one_patient(self):
        assert rmst([3], [1], tau=5).value == 3

    @pytest.mark.parametrize("tau", [0, -1, float("nan"), float("inf")])
    def test_horizon_out_of_range(self, tau):
        with pytest.raises(ValueError, match="tau must be"):
            rmst([1], [1], tau=tau)

    @pytest.mark.parametrize("group", [["A", "A"], ["A", "B"]])
    def test_groups_must_be_two(self, group):
        time, event, group = [1, 2, 3], [1, 1, 1], [*group, "A" if "B" not in group else "C"]
        with pytest.raises(ValueError, match="group must have two labels"):
            rmst_compare(time, event, group, tau=2)

    def test_inputs_are_not_changed(self):
        time, event = np.array([3.0, 1.0]), np.array([1, 0])
        rmst(time, event, tau=2)
        assert (time.tolist(), event.tolist()) == ([3, 1], [1, 0])

    def test_long_form(self):
        data = [1, 2, 3, 4], [1, 1, 1, 1], list("ABAB")
        frame = rmst_compare(*data, tau=3, time_unit="weeks", limits="plain").to_frame()
        assert frame["statistic"].tolist() == [
            *["rmst", "rmst_std_err"] * 2,
            *["rmst_difference", "rmst_difference_std_err", "rmst_difference_p_value"],
            *["rmst_ratio", "rmst_ratio_std_err", "rmst_ratio_p_value"],
        ]
        assert frame["unit"].tolist() == ["weeks"] * 6 + [None] * 4
        assert frame["group"].tolist() == ["A", "A", "B", "B", *["B - A"] * 3, *["B / A"] * 3]
        assert set(frame["time"]) == {3.0}
        own = rmst_compare(*data, tau=3).to_frame()
        assert own["statistic"].tolist()[4:] == [
            "rmst_difference",
            "rmst_ratio",
        ]  # a test is that of exact_rmst

    def test_limits_refused(self):
        with pytest.raises(ValueError, match="limits must be one of"):
            rmst([1, 2], [1, 1], tau=2, limits="log")
