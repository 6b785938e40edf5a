"""Nelson-Aalen: closed form, R survival 3.5-3, lifelines' estimate, invariance, control flow."""

from dataclasses import FrozenInstanceError
from math import exp, isnan, nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.reasons import Why, because
from esld.survival import COLUMNS, kaplan_meier
from esld.survival.nelson_aalen import nelson_aalen

SAMPLES = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=40)


def split(sample):
    return np.array([t for t, _ in sample], float), np.array([e for _, e in sample])


class TestReference:
    """R: ``survfit(Surv(time, ev) ~ 1)``, ``cumhaz`` and ``std.chaz``."""

    GROUPS = (
        ("a.pbc.death.by_trt", "pbc", "trt"),
        ("a.aml.by_x", "aml", "x"),
        ("a.small22_a.by_arm", "small22_a", "arm"),
    )

    @pytest.mark.parametrize(("name", "dataset", "by"), GROUPS)
    def test_hazard_and_standard_error(self, oracle, data, agrees, name, dataset, by):
        results, frame = oracle("a_km.json", name), data(dataset)
        assert len(results) == 3
        for group, wanted in results.items():
            rows = frame if group == "overall" else frame[frame[by].astype(str) == group.split("=")[1]]
            theirs = wanted["nelson_aalen_cumhaz"]
            at = nelson_aalen(rows["time"], rows["event"]).at(theirs["time"], extend=True)
            agrees(
                [at["cumulative_hazard"], at["std_err"]], theirs, "cumhaz", "std_err", method="Nelson–Aalen"
            )

    def test_estimate_equals_lifelines_without_ties(self):
        from lifelines import NelsonAalenFitter

        time, event = [3, 1, 4, 9, 5, 6, 7], [1, 0, 1, 1, 0, 1, 1]
        theirs = NelsonAalenFitter(nelson_aalen_smoothing=False).fit(time, event)
        found = nelson_aalen(time, event)
        np.testing.assert_allclose(
            found.cumulative_hazard, theirs.cumulative_hazard_.loc[found.times].to_numpy().ravel()
        )


class TestClosedForm:
    # Events at 1, two at 3 and one at 4, one of six censored at 2 and one at 5.
    # H = 1/6 from 1, + 2/4 from 3, + 1/2 from 4; variance 1/36, + 2/16, + 1/4.
    TIME, EVENT = (1, 2, 3, 3, 4, 5), (1, 0, 1, 1, 1, 0)

    def test_estimate_and_variance(self):
        found = nelson_aalen(self.TIME, self.EVENT)
        hazard = [1 / 6, 1 / 6, 2 / 3, 7 / 6, 7 / 6]
        np.testing.assert_allclose(found.cumulative_hazard, hazard)
        steps = np.array([1 / 36, 0, 2 / 16, 1 / 4, 0])
        np.testing.assert_allclose(found.std_err, np.sqrt(np.cumsum(steps)))
        assert found.n_risk.tolist() == [6, 5, 4, 2, 1]
        assert (found.n_event.tolist(), found.n_censor.tolist()) == ([1, 0, 2, 1, 0], [0, 1, 0, 0, 1])

    def test_limits(self):
        found = nelson_aalen(self.TIME, self.EVENT, conf_level=0.9).estimate(3.5)
        factor = exp(1.6448536269514722 * sqrt(1 / 36 + 2 / 16) / (2 / 3))
        assert (found.lower, found.upper) == pytest.approx((2 / 3 / factor, 2 / 3 * factor))
        assert found.conf_level == 0.9

    def test_before_the_first_event_and_after_the_last_time(self):
        found = nelson_aalen(self.TIME, self.EVENT)
        start = found.estimate(0.5)
        assert (start.value, start.std_err) == (0, 0)
        assert isnan(start.lower) and isnan(start.upper)
        assert start.reason == because(Why.NO_LIMITS_AT, limits="log", of="the cumulative hazard", value=0)
        assert isnan(found.estimate(5.5).value)
        assert found.estimate(5.5).reason == because(Why.FOLLOW_UP_ENDS, last=5, time=5.5)
        assert found.at([5.5], extend=True)["cumulative_hazard"][0] == pytest.approx(7 / 6)


class TestInvariance:
    @given(SAMPLES, st.randoms())
    def test_row_order_does_not_matter(self, sample, random):
        shuffled = random.sample(sample, len(sample))
        one, two = nelson_aalen(*split(sample)), nelson_aalen(*split(shuffled))
        for name in ("times", "cumulative_hazard", "std_err", "lower", "upper"):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name))

    @given(SAMPLES)
    def test_never_below_minus_the_logarithm_of_nothing(self, sample):
        """exp(-H) is never below Kaplan-Meier: 1 - x <= exp(-x), factor by factor."""
        time, event = split(sample)
        hazard, km = nelson_aalen(time, event), kaplan_meier(time, event)
        assert np.all(np.exp(-hazard.cumulative_hazard) >= km.survival - 1e-12)
        assert np.all(np.diff(hazard.cumulative_hazard) >= 0)

    @given(SAMPLES)
    def test_limits_hold_the_estimate(self, sample):
        found = nelson_aalen(*split(sample))
        known = found.cumulative_hazard > 0
        assert np.all(np.isnan(found.lower[~known]))
        assert np.all(found.lower[known] < found.cumulative_hazard[known])
        assert np.all(found.cumulative_hazard[known] < found.upper[known])


class TestControlFlow:
    def test_all_censored_one_patient_one_time_and_time_zero(self):
        assert nelson_aalen([1, 2], [0, 0]).cumulative_hazard.tolist() == [0, 0]
        assert nelson_aalen([3], [1]).cumulative_hazard.tolist() == [1]
        assert nelson_aalen([7, 7, 7], [1, 1, 1]).cumulative_hazard.tolist() == [1]
        assert nelson_aalen([0, 5], [1, 0]).estimate(0).value == 0.5

    @pytest.mark.parametrize(
        ("time", "event", "level", "message"),
        [
            ([], [], 0.95, "time must have at least one row"),
            ([-1], [1], 0.95, "time must be 0 or more"),
            ([1], [nan], 0.95, "event must not be missing"),
            ([1], [1], 95, "conf_level must be between 0 and 1"),
        ],
    )
    def test_refused(self, time, event, level, message):
        with pytest.raises(ValueError, match=message):
            nelson_aalen(time, event, conf_level=level)

    def test_impossible_times(self):
        with pytest.raises(ValueError, match="times must be 0 or more"):
            nelson_aalen([1], [1]).at([-1])

    def test_result_cannot_be_changed(self):
        found = nelson_aalen([1, 2], [1, 0])
        with pytest.raises(FrozenInstanceError):
            found.n = 3
        with pytest.raises(ValueError, match="read-only"):
            found.cumulative_hazard[0] = 1

    def test_inputs_are_not_changed(self):
        time, event = np.array([3.0, 1.0, 2.0]), np.array([True, False, True])
        nelson_aalen(time, event)
        assert (time.tolist(), event.tolist()) == ([3, 1, 2], [True, False, True])

    def test_long_form(self):
        found = nelson_aalen([1, 2, 3, 4], [1, 0, 1, 1], group="LOW")
        frame = found.to_frame([3.5, 0])
        assert tuple(frame.columns) == COLUMNS
        assert frame["statistic"].tolist() == ["cumulative_hazard", "cumulative_hazard_std_err"] * 2
        assert frame["value"].tolist() == pytest.approx([3 / 4, sqrt(1 / 16 + 1 / 4), 0, 0])
        assert frame["events"].tolist() == [2, 2, 0, 0]
        assert set(frame["group"]) == {"LOW"}
        assert set(found.to_frame()["time"]) == {1, 3, 4}
