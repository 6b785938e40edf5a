"""Kaplan-Meier: closed form, R survival 3.5-3, lifelines' estimate, invariance, control flow."""

from dataclasses import FrozenInstanceError
from functools import partial
from math import exp, isnan, log, nan, sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.reasons import Why, because
from esld.survival import COLUMNS, kaplan_meier
from esld.survival.kaplan_meier import kaplan_meier_by

SAMPLES = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=40)


def split(sample):
    return np.array([t for t, _ in sample], float), np.array([e for _, e in sample])


class TestReference:
    """R: ``survfit(Surv(time, ev) ~ 1, conf.type=)``, ``summary(times=, extend=TRUE)``, ``quantile()``."""

    GROUPS = (
        ("a.pbc.death.by_trt", "pbc", "trt"),
        ("a.aml.by_x", "aml", "x"),
        ("a.small22_a.by_arm", "small22_a", "arm"),
    )

    @pytest.mark.parametrize(("name", "dataset", "by"), GROUPS)
    @pytest.mark.parametrize("conf_type", ["log-log", "log", "plain"])
    def test_curve_limits_and_quartiles(self, oracle, data, agrees, name, dataset, by, conf_type):
        results, frame = oracle("a_km.json", name), data(dataset)
        assert len(results) == 3
        for group, wanted in results.items():
            rows = frame if group == "overall" else frame[frame[by].astype(str) == group.split("=")[1]]
            km = kaplan_meier(rows["time"], rows["event"], conf_type=conf_type)
            compare = partial(agrees, method="Kaplan–Meier")
            compare([km.n, km.events, km.max_time], wanted, "n", "events", "max_time")

            limits = wanted["ci_" + conf_type.replace("-", "")]
            at = km.at(limits["at"]["time"], extend=True)
            for ours, theirs in (
                ("n_risk", "n_risk"),
                ("survival", "surv"),
                ("std_err", "std_err"),
                ("lower", "lower"),
                ("upper", "upper"),
            ):
                compare(at[ours], limits["at"], theirs)

            quartiles = [km.quantile(p) for p in (0.25, 0.5, 0.75)]
            for ours, theirs in (("value", "quantile"), ("lower", "lower"), ("upper", "upper")):
                compare([getattr(q, ours) for q in quartiles], limits["quantiles_25_50_75"], theirs)

            curve = wanted["curve_first_40_event_times"]
            first = np.flatnonzero(km.n_event > 0)[: len(curve["time"])]
            for ours, theirs in (
                (km.times, "time"),
                (km.n_risk, "n_risk"),
                (km.n_event, "n_event"),
                (km.survival, "surv"),
                (km.std_err, "greenwood_se"),
            ):
                compare(ours[first], curve, theirs)

    def test_estimate_equals_lifelines(self, data):
        from lifelines import KaplanMeierFitter

        frame = data("pbc")
        km = kaplan_meier(frame["time"], frame["event"])
        theirs = KaplanMeierFitter().fit(frame["time"], frame["event"]).survival_function_at_times(km.times)
        np.testing.assert_allclose(km.survival, theirs, rtol=1e-12)


class TestClosedForm:
    # Four subjects: events at 1, 3 and 4, one censored at 2.
    # S = 3/4 from 1, 3/4 * 1/2 = 3/8 from 3, 0 from 4. Greenwood: 1/(4*3) from 1, + 1/(2*1) from 3.
    TIME, EVENT = (1, 2, 3, 4), (1, 0, 1, 1)

    def test_estimate_and_greenwood(self):
        km = kaplan_meier(self.TIME, self.EVENT)
        np.testing.assert_allclose(km.survival, [3 / 4, 3 / 4, 3 / 8, 0])
        np.testing.assert_allclose(
            km.std_err, [0.75 * sqrt(1 / 12), 0.75 * sqrt(1 / 12), 0.375 * sqrt(7 / 12), nan]
        )
        assert km.n_risk.tolist() == [4, 3, 2, 1]
        assert km.n_event.tolist() == [1, 0, 1, 1]
        assert km.n_censor.tolist() == [0, 1, 0, 0]

    @pytest.mark.parametrize("conf_type", ["log-log", "log", "plain"])
    def test_limits(self, conf_type):
        s, v, z = 3 / 8, 7 / 12, 1.959963984540054
        theta = exp(z * sqrt(v) / abs(log(s)))
        wanted = {
            "plain": (0.0, s + z * s * sqrt(v)),  # the lower one is cut at 0
            "log": (s * exp(-z * sqrt(v)), 1.0),  # the upper one is cut at 1
            "log-log": (s**theta, s ** (1 / theta)),
        }[conf_type]
        found = kaplan_meier(self.TIME, self.EVENT, conf_type=conf_type).estimate(3)
        assert (found.lower, found.upper) == pytest.approx(wanted)

    def test_level_changes_the_width(self):
        wide, narrow = (kaplan_meier(self.TIME, self.EVENT, conf_level=c).estimate(3) for c in (0.99, 0.5))
        assert wide.lower < narrow.lower < narrow.value < narrow.upper < wide.upper
        assert wide.conf_level == 0.99

    def test_limits_undefined_at_one_and_zero_for_log_log(self):
        km = kaplan_meier(self.TIME, self.EVENT)
        assert km.estimate(0.5).value == 1
        assert isnan(km.estimate(0.5).lower)
        assert km.estimate(0.5).reason == because(Why.NO_LIMITS_AT, limits="log-log", of="survival", value=1)
        assert km.estimate(4).value == 0
        assert isnan(km.estimate(4).upper)
        plain = kaplan_meier(self.TIME, self.EVENT, conf_type="plain")
        assert (plain.estimate(0.5).lower, plain.estimate(0.5).upper) == (1, 1)
        assert isnan(plain.estimate(4).lower)

    def test_censoring_comes_after_events_of_its_time(self):
        # Both at risk at 5: S = 1/2, not 0.
        assert kaplan_meier([5, 5], [0, 1]).survival.tolist() == [0.5]


class TestQuantile:
    def test_middle_of_a_flat_stretch(self):
        # S = 1/2 exactly from 2 to 3.
        assert kaplan_meier([1, 2, 3, 4], [1, 1, 1, 1]).median.value == 2.5

    def test_flat_to_the_end_uses_the_last_observed_time(self):
        # S = 1/2 from 2 on, observed until 6: R gives (2 + 6) / 2.
        median = kaplan_meier([1, 2, 6, 6], [1, 1, 0, 0]).median
        assert median.value == 4
        assert median.reason.each[0] == because(Why.ENDS_FLAT, curve="curve", level=0.5, begin=2, last=6)

    @given(SAMPLES, st.sampled_from([0.25, 0.5, 0.75, 0.1]), st.integers(1, 1000))
    def test_without_an_event_a_quantile_moves_only_where_it_says_so(self, sample, p, longer):
        """Everybody observed to the end is followed for longer, and nothing happens."""
        time, event = split(sample)
        end = time.max()
        later = np.where((time == end) & ~event, end + longer, time)
        if not np.any(later > time):
            return
        one, two = (kaplan_meier(t, event).quantile(p) for t in (time, later))
        moved = [
            getattr(one, x) != getattr(two, x) and not isnan(getattr(one, x))
            for x in ("value", "lower", "upper")
        ]
        each = one.reason.each if one.reason else ()
        flat = [dict(why.about)["curve"] for why in each if why.code == Why.ENDS_FLAT]
        assert ["curve" in flat, "lower limit" in flat, "upper limit" in flat] == moved

    def test_every_number_that_is_missing_has_its_reason(self):
        km = kaplan_meier([20, 40, 60, 80, 100] + [365] * 5, [1] * 5 + [0] * 5)
        assert km.median.value == 232.5  # R survival 3.5-3: quantile() 232.5, print() 100
        assert str(km.median.reason).endswith("last time observed, 365; upper limit not reached")
        for p in (0.1, 0.3, 0.5, 0.7, 0.9):
            found = km.quantile(p)
            missing = {Why.NOT_REACHED, Why.LIMIT_NOT_REACHED} & set(
                found.reason.codes if found.reason else ()
            )
            assert bool(missing) == any(isnan(x) for x in (found.value, found.lower, found.upper))

    def test_upper_limit_not_falsely_finite_when_the_last_observation_is_a_death(self):
        """The curve ends at 0, where the limits are undefined: not reached, as in R (lifelines says 10)."""
        median = kaplan_meier([1, 10], [1, 1]).median
        assert (median.value, median.lower) == (5.5, 1)
        assert isnan(median.upper)
        assert median.reason == because(Why.LIMIT_NOT_REACHED, limits=("upper",))

    def test_limit_curve_that_rises_again(self, data):
        """aml, log limits: the upper curve is 0.458 at 45, 0.462 at 48; R's limit is 48 (a_km.json)."""
        km = kaplan_meier(data("aml")["time"], data("aml")["event"], conf_type="log")
        at = km.at([45, 48])
        assert at["upper"][0] < at["upper"][1] < 0.5
        assert km.median.upper == 48

    def test_not_reached(self):
        median = kaplan_meier([1, 2, 3], [1, 0, 0]).median
        assert isnan(median.value)
        assert median.reason == because(Why.NOT_REACHED)

    def test_everybody_at_one_time(self):
        assert kaplan_meier([7, 7, 7], [1, 1, 1]).median.value == 7

    @pytest.mark.parametrize("p", [0, 1, -0.1, nan])
    def test_share_out_of_range(self, p):
        with pytest.raises(ValueError, match="p must be between 0 and 1"):
            kaplan_meier([1], [1]).quantile(p)


class TestAt:
    def test_between_times_and_in_any_order(self):
        at = kaplan_meier([1, 2, 3, 4], [1, 0, 1, 1]).at([3.5, 0, 1])
        assert at["survival"].tolist() == [3 / 8, 1, 3 / 4]
        assert at["n_risk"].tolist() == [1, 4, 4]

    def test_beyond_follow_up_is_nan_unless_everybody_died(self):
        censored_last, died_last = kaplan_meier([1, 2], [1, 0]), kaplan_meier([1, 2], [0, 1])
        assert isnan(censored_last.at([2.5])["survival"][0])
        assert censored_last.at([2.5], extend=True)["survival"][0] == 0.5
        assert censored_last.estimate(2.5).reason == because(Why.FOLLOW_UP_ENDS, last=2, time=2.5)
        assert died_last.at([2.5])["survival"][0] == 0
        assert died_last.at([2.5])["n_risk"][0] == 0

    @pytest.mark.parametrize("times", [[-1], [nan], [[1, 2]]])
    def test_impossible_times(self, times):
        with pytest.raises(ValueError, match="times must be 0 or more"):
            kaplan_meier([1], [1]).at(times)


class TestCounts:
    def test_at_risk_is_counted_before_the_event(self):
        """An event at a tick is still at risk there: counting after it would give 5, 4, 3, 2."""
        km = kaplan_meier([1, 2, 3, 4, 5], [1, 0, 1, 1, 0])
        counts = km.counts([0, 1, 2, 3])
        assert counts["n_risk"].tolist() == [5, 5, 4, 3]
        assert counts["events"].tolist() == [0, 1, 1, 2]
        assert counts["censored"].tolist() == [0, 0, 1, 1]

    @given(SAMPLES, st.floats(0, 15).map(lambda tick: round(tick, 3)))
    def test_counted_by_hand(self, sample, tick):
        time, event = split(sample)
        counts = kaplan_meier(time, event).counts([tick]).iloc[0]
        assert counts["n_risk"] == np.sum(time >= tick)
        assert counts["events"] == np.sum(event & (time <= tick))
        assert counts["censored"] == np.sum(~event & (time <= tick))


class TestStep:
    def test_vertices(self):
        step = kaplan_meier([1, 2, 3, 5], [1, 0, 1, 0], conf_type="plain").step()
        corners = [(0, 1), (1, 1), (1, 3 / 4), (3, 3 / 4), (3, 3 / 8), (5, 3 / 8)]
        assert list(zip(step["time"], step["survival"], strict=True)) == corners
        assert (step["lower"][0], step["upper"][0]) == (1, 1)

    def test_ends_with_a_drop_at_the_last_death(self):
        step = kaplan_meier([1, 2], [1, 1]).step()
        assert step["survival"].tolist() == [1, 1, 0.5, 0.5, 0]
        assert step["time"].tolist() == [0, 1, 1, 2, 2]

    def test_no_events_is_a_flat_line(self):
        step = kaplan_meier([3, 9], [0, 0]).step()
        assert step[["time", "survival"]].to_numpy().tolist() == [[0, 1], [9, 1]]

    @given(SAMPLES)
    def test_ends_where_the_curve_ends(self, sample):
        km = kaplan_meier(*split(sample))
        step = km.step()
        assert step["time"].iloc[-1] == km.max_time
        assert step["survival"].iloc[-1] == km.survival[-1]
        assert step["time"].is_monotonic_increasing
        assert step["survival"].is_monotonic_decreasing


class TestByGroup:
    def test_each_curve_is_that_of_its_group(self, data):
        frame = data("small22_a")
        options = {"conf_level": 0.9, "conf_type": "log", "time_unit": "weeks"}
        curves = kaplan_meier_by(frame["time"], frame["event"], frame["arm"], groups=("B", "A"), **options)
        assert [curve.group for curve in curves] == ["B", "A"]
        for curve in curves:
            rows = frame[frame["arm"] == curve.group]
            alone = kaplan_meier(rows["time"], rows["event"], group=curve.group, **options)
            for name in ("times", "n_risk", "n_event", "n_censor", "survival", "std_err", "lower", "upper"):
                np.testing.assert_array_equal(getattr(curve, name), getattr(alone, name))
            for name in ("n", "events", "max_time", "conf_level", "conf_type", "time_unit"):
                assert getattr(curve, name) == getattr(alone, name)

    def test_one_group(self):
        [curve] = kaplan_meier_by([1, 2.5], [1, 0], ["A", "A"])
        assert (curve.group, curve.survival.tolist()) == ("A", [0.5, 0.5])

    @pytest.mark.parametrize(
        ("group", "options", "message"),
        [
            (["A", None], {}, "group must not be missing, got 1 missing of 2"),
            (["A"], {}, "time and group must have the same length, got 2 and 1"),
            (["A", "B"], {"groups": ("A", "C")}, "groups must list each label of group once"),
            (["A", "B"], {"conf_type": "loglog"}, "conf_type must be one of"),
            (["A", "B"], {"conf_level": 95}, "conf_level must be between 0 and 1"),
        ],
    )
    def test_refused(self, group, options, message):
        with pytest.raises(ValueError, match=message):
            kaplan_meier_by([1, 2], [1, 0], group, **options)

    def test_inputs_are_not_changed(self):
        time, event, group = np.array([3.0, 1.0]), np.array([1, 0]), np.array(["B", "A"])
        kaplan_meier_by(time, event, group)
        assert (time.tolist(), event.tolist(), group.tolist()) == ([3, 1], [1, 0], ["B", "A"])


class TestInvariance:
    @given(SAMPLES)
    def test_without_censoring_it_is_the_empirical_survival(self, sample):
        time, _ = split(sample)
        km = kaplan_meier(time, np.ones(time.size))
        empirical = [np.mean(time > t) for t in km.times]
        np.testing.assert_allclose(km.survival, empirical, rtol=1e-12, atol=1e-15)

    @given(SAMPLES, st.randoms())
    def test_row_order_does_not_matter(self, sample, random):
        shuffled = random.sample(sample, len(sample))
        one, two = kaplan_meier(*split(sample)), kaplan_meier(*split(shuffled))
        for name in ("times", "n_risk", "n_event", "n_censor", "survival", "std_err", "lower", "upper"):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name))

    @given(SAMPLES)
    def test_unit_of_time_does_not_matter(self, sample):
        time, event = split(sample)
        days, weeks = kaplan_meier(time * 7, event), kaplan_meier(time, event)
        np.testing.assert_array_equal(days.survival, weeks.survival)
        assert days.median.value == 7 * weeks.median.value or isnan(weeks.median.value)

    @given(SAMPLES, st.sampled_from(["log-log", "log", "plain"]))
    def test_limits_hold_the_estimate(self, sample, conf_type):
        km = kaplan_meier(*split(sample), conf_type=conf_type)
        known = ~np.isnan(km.lower)
        assert np.all(km.lower[known] <= km.survival[known] + 1e-15)
        assert np.all(km.survival[known] <= km.upper[known] + 1e-15)
        assert np.all((km.lower[known] >= 0) & (km.upper[known] <= 1))

    @given(SAMPLES)
    def test_everybody_is_counted_once(self, sample):
        km = kaplan_meier(*split(sample))
        assert km.n_event.sum() + km.n_censor.sum() == km.n == len(sample)
        np.testing.assert_array_equal(km.n_risk - km.n_event - km.n_censor, np.append(km.n_risk[1:], 0))


class TestControlFlow:
    def test_one_patient(self):
        assert kaplan_meier([3], [1]).survival.tolist() == [0]
        assert kaplan_meier([3], [0]).survival.tolist() == [1]

    def test_event_at_time_zero(self):
        km = kaplan_meier([0, -0.0, 5, 5], [1, 0, 1, 0])
        assert km.times.tolist() == [0, 5]
        assert km.survival.tolist() == [3 / 4, 3 / 8]
        assert km.estimate(0).value == 3 / 4

    def test_times_that_differ_in_the_last_digit_are_tied(self):
        # R 4.2, survival 3.5-3: survfit(Surv(c(1, 1 + 2^-52), c(1, 1)) ~ 1)$n.event is 2.
        assert kaplan_meier([1.0, np.nextafter(1.0, 2)], [1, 1]).n_event.tolist() == [2]

    def test_result_cannot_be_changed(self):
        km = kaplan_meier([1, 2], [1, 0])
        with pytest.raises(FrozenInstanceError):
            km.n = 3
        with pytest.raises(ValueError, match="read-only"):
            km.survival[0] = 1

    def test_inputs_are_not_changed(self):
        time, event = np.array([3.0, 1.0, 2.0]), np.array([True, False, True])
        kept = time.copy(), event.copy()
        kaplan_meier(time, event)
        np.testing.assert_array_equal(time, kept[0])
        np.testing.assert_array_equal(event, kept[1])

    @pytest.mark.parametrize("level", [0, 1, 95, nan])
    def test_level_out_of_range(self, level):
        with pytest.raises(ValueError, match="conf_level must be between 0 and 1"):
            kaplan_meier([1], [1], conf_level=level)

    def test_unknown_conf_type(self):
        with pytest.raises(ValueError, match=r"conf_type must be one of .*, got 'loglog'"):
            kaplan_meier([1], [1], conf_type="loglog")

    def test_long_form(self):
        frame = kaplan_meier([1, 2, 3, 4], [1, 0, 1, 1], group="LOW", time_unit="weeks").to_frame([3])
        assert tuple(frame.columns) == COLUMNS
        assert frame["statistic"].tolist() == ["survival", "survival_std_err", "n_risk", "median"]
        assert frame["value"].tolist() == pytest.approx([3 / 8, 3 / 8 * sqrt(7 / 12), 2, 3])
        assert frame["events"].tolist() == [2, 2, 2, 3]
        assert set(frame["group"]) == {"LOW"}
        assert frame["unit"].tolist() == [None, None, None, "weeks"]

    def test_long_form_of_the_whole_curve(self):
        frame = kaplan_meier([1, 2, 3], [1, 0, 1]).to_frame()
        assert frame.loc[frame["statistic"] == "survival", "time"].tolist() == [1, 3]
        assert frame["group"].tolist() == [None] * len(frame)
        assert isinstance(frame, pd.DataFrame)
