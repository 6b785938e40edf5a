"""RMST: closed form, R survival 3.5-3, lifelines' point estimate, invariance, control flow."""

from functools import partial
from math import isnan, sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from esld.survival import kaplan_meier, rmst, rmst_compare
from esld.survival.kaplan_meier import kaplan_meier_by
from esld.survival.rmst import rmst_compare_of, rmst_of

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
        found = rmst_compare(frame["time"], frame["event"], frame[by], tau=wanted["tau"], extend=True)
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
        found = rmst(self.TIME, self.EVENT, tau=3.5)
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


class TestOfCurves:
    @given(SAMPLES, SAMPLES, st.floats(0.5, 13), st.sampled_from([1.0, 0.37]), st.booleans())
    def test_the_same_numbers_as_from_the_rows(self, one, two, tau, unit, extend):
        time, event = split(one + two)
        group = ["A"] * len(one) + ["B"] * len(two)
        options = {"conf_level": 0.9, "time_unit": "weeks", "groups": ("B", "A")}
        wanted = rmst_compare(time * unit, event, group, tau=tau * unit, extend=extend, **options)
        curves = kaplan_meier_by(time * unit, event, group, **options)
        found = rmst_compare_of(curves, tau=tau * unit, extend=extend)
        pd.testing.assert_frame_equal(found.to_frame(), wanted.to_frame(), check_exact=True)
        pd.testing.assert_frame_equal(
            rmst_of(curves[0], tau=tau * unit, extend=extend).to_frame(), wanted.arms[0].to_frame()
        )

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
        there, back = (
            rmst_compare(time, event, group, tau=tau, groups=order, extend=True) for order in ("AB", "BA")
        )
        assume(there.difference.std_err > 0 and there.arms[0].value > 0 and there.arms[1].value > 0)
        assert back.difference.value == pytest.approx(-there.difference.value)
        assert back.difference.lower == pytest.approx(-there.difference.upper)
        assert back.ratio.upper == pytest.approx(1 / there.ratio.lower)
        assert back.ratio.p_value == pytest.approx(there.ratio.p_value)


class TestControlFlow:
    def test_horizon_beyond_follow_up(self):
        found = rmst([1, 2, 3], [1, 0, 0], tau=4, group="LOW")
        assert isnan(found.value) and isnan(found.std_err) and isnan(found.lower)
        assert found.reason == "follow-up in LOW ends at 3, before tau = 4"
        assert rmst([1, 2, 3], [1, 0, 0], tau=4, extend=True).value == pytest.approx(1 + 3 * 2 / 3)

    def test_horizon_beyond_the_last_death_is_defined(self):
        assert rmst([1, 2, 3], [1, 1, 1], tau=9).value == pytest.approx(2)

    def test_one_arm_too_short_undoes_the_contrast(self):
        found = rmst_compare([1, 9, 1, 5], [1, 0, 1, 0], ["A", "A", "B", "B"], tau=8)
        assert found.arms[0].value == pytest.approx(4.5)
        for contrast in (found.difference, found.ratio):
            assert isnan(contrast.value) and isnan(contrast.p_value)
            assert contrast.reason == "follow-up in B ends at 5, before tau = 8"

    def test_no_event_before_the_horizon_has_no_limits(self):
        """R gives tau with standard error 0, which would be an interval of certainty."""
        found = rmst([9, 9, 9], [0, 0, 0], tau=5)
        assert (found.value, found.std_err) == (5, 0)
        assert isnan(found.lower) and isnan(found.upper)
        assert found.reason == "Greenwood standard error is 0: no limits"

    def test_an_arm_without_events_is_named_beside_the_contrast(self):
        found = rmst_compare([9, 9, 1, 9], [0, 0, 1, 0], ["A", "A", "B", "B"], tau=5)
        assert found.difference.value == pytest.approx(-2)
        assert found.difference.reason == "Greenwood standard error is 0 in A: no limits"
        neither = rmst_compare([9, 9, 9, 9], [0, 0, 0, 0], ["A", "A", "B", "B"], tau=5)
        assert neither.difference.value == 0
        assert isnan(neither.difference.p_value) and isnan(neither.ratio.lower)

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
        frame = rmst_compare([1, 2, 3, 4], [1, 1, 1, 1], list("ABAB"), tau=3, time_unit="weeks").to_frame()
        assert frame["statistic"].tolist() == [
            *["rmst", "rmst_std_err"] * 2,
            *["rmst_difference", "rmst_difference_std_err", "rmst_difference_p_value"],
            *["rmst_ratio", "rmst_ratio_std_err", "rmst_ratio_p_value"],
        ]
        assert frame["unit"].tolist() == ["weeks"] * 6 + [None] * 4
        assert frame["group"].tolist() == ["A", "A", "B", "B", *["B - A"] * 3, *["B / A"] * 3]
        assert set(frame["time"]) == {3.0}
