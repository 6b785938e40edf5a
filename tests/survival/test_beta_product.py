"""Beta product limits: Clopper-Pearson without censoring, R bpcp's printed example, simulation, control flow."""

from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import betaincinv

from esld.reasons import Why, because
from esld.survival import COLUMNS, clopper_pearson, kaplan_meier
from esld.survival.beta_product import beta_product

SAMPLES = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=40)
LEVELS = st.sampled_from([0.5, 0.9, 0.95, 0.99])


def split(sample):
    return np.array([t for t, _ in sample], float), np.array([e for _, e in sample])


def limits(time, event, at, **options):
    found = beta_product(kaplan_meier(time, event, **options), at=at)
    return list(zip(found.lower.tolist(), found.upper.tolist(), strict=True))


class TestReference:
    def test_printed_example_of_bpcp(self):
        """R bpcp, vignette discreteBPCP: ``bpcp(c(3, 7, 8, 14), c(1, 1, 1, 1))``, the intervals between events."""
        wanted = {
            1: (0.397635364, 1.0),
            5: (0.194120450, 0.9936905),
            7.5: (0.067585986, 0.9324140),
            10: (0.006309463, 0.8058796),
            15: (0.0, 0.6023646),
        }
        found = limits([3, 7, 8, 14], [1, 1, 1, 1], list(wanted))
        np.testing.assert_allclose(found, list(wanted.values()), rtol=1e-7, atol=5e-10)


class TestClopperPearson:
    @given(SAMPLES, st.floats(0, 13), LEVELS)
    def test_without_censoring_at_any_time(self, sample, at, level):
        time, _ = split(sample)
        wanted = clopper_pearson(int(np.sum(time > at)), time.size, conf_level=level)
        found = limits(time, np.ones(time.size), at, conf_level=level)
        np.testing.assert_allclose(found, [(wanted.lower, wanted.upper)], rtol=1e-9, atol=1e-14)

    @given(SAMPLES, st.integers(0, 12), LEVELS)
    def test_with_everybody_observed_to_the_time(self, sample, at, level):
        time, event = split(sample)
        event = event | (time < at)  # censored at the time or later only
        alive = int(np.sum((time > at) | ((time == at) & ~event)))
        wanted = clopper_pearson(alive, time.size, conf_level=level)
        found = limits(time, event, at, conf_level=level)
        np.testing.assert_allclose(found, [(wanted.lower, wanted.upper)], rtol=1e-9, atol=1e-14)

    def test_eleven_of_eleven_alive(self):
        """Where the log-log limits are not defined; followed to the horizon exactly, or beyond it."""
        wanted = clopper_pearson(11, 11)
        curve = kaplan_meier([365] * 5 + [400] * 6, [0] * 11)
        assert isnan(curve.estimate(365).lower)
        assert limits([365] * 5 + [400] * 6, [0] * 11, 365) == [pytest.approx((wanted.lower, 1.0))]

    def test_none_of_eleven_alive(self):
        wanted = clopper_pearson(0, 11)
        assert limits([5] * 11, [1] * 11, 365) == [pytest.approx((0.0, wanted.upper))]

    def test_with_a_million(self):
        # 1 of a million dead each day for 1000 days: rounding does not add up
        time = np.concatenate((np.arange(1, 1001), np.full(999_000, 2000)))
        wanted = clopper_pearson(999_000, 1_000_000)
        found = limits(time, time < 2000, 1500)
        np.testing.assert_allclose(found, [(wanted.lower, wanted.upper)], rtol=1e-9)


class TestClosedForm:
    # Dead at 1 of 5, lost at 2, two dead at 3 of 3, so one at risk after 3, censored at 4.
    TIME, EVENT = (1, 2, 3, 3, 4), (1, 0, 1, 1, 0)

    @staticmethod
    def by_moments(factors, p):
        """Quantile of the beta distribution with mean and variance of the product of B(a, b)."""
        a, b = np.array(factors, float).T
        mean, square = np.prod(a / (a + b)), np.prod(a * (a + 1) / ((a + b) * (a + b + 1)))
        size = (mean - square) / (square - mean**2)
        return betaincinv(mean * size, (1 - mean) * size, p)

    @pytest.mark.parametrize(
        ("at", "lower", "upper"),
        [
            (0.5, [(5, 1)], None),
            (1, [(5, 1), (4, 1)], [(5, 1)]),
            (2, [(5, 1), (4, 1)], [(5, 1)]),  # the one lost at 2 is known to be alive at 2
            (2.5, [(5, 1), (3, 1)], [(5, 1)]),  # and is not any more just after: fewer at risk
            (3, [(5, 1), (2, 2), (1, 1)], [(5, 1), (2, 2)]),
            (4, [(5, 1), (2, 2), (1, 1)], [(5, 1), (2, 2)]),
        ],
    )
    def test_factors(self, at, lower, upper):
        [(low, high)] = limits(self.TIME, self.EVENT, at)
        assert low == pytest.approx(self.by_moments(lower, 0.025))
        assert high == pytest.approx(1 if upper is None else self.by_moments(upper, 0.975))

    def test_the_upper_limit_does_not_rise_with_a_death(self):
        """Four of 20 die, 15 are lost, the last one dies: its factor would lift the limit by 0.003."""
        event = [1] * 4 + [0] * 15 + [1]
        before, after = limits(range(1, 21), event, [19, 20], conf_level=0.999)
        first = (17, 4)
        assert before[1] == after[1] == pytest.approx(self.by_moments([first], 0.9995))
        assert self.by_moments([first, (1, 1)], 0.9995) > after[1] + 0.003

    def test_beyond_follow_up(self):
        found = beta_product(kaplan_meier(self.TIME, self.EVENT), at=4.5)
        assert found.lower[0] == 0
        assert found.upper[0] == pytest.approx(self.by_moments([(5, 1), (2, 2)], 0.975))
        [estimate] = found.estimates()
        assert isnan(estimate.value)
        assert estimate.reason == because(Why.FOLLOW_UP_ENDS, last=4, time=4.5)

    def test_one_beta_stands_for_the_product(self):
        """Drawn products have quantiles within 0.01 of those of the method of moments."""
        rng = np.random.default_rng(list(b"esld beta product"))
        time, event = np.arange(1, 12), np.array([1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 1])
        at_risk = 11 - np.flatnonzero(event[:9])
        high = np.prod([rng.beta(n, 1, 400_000) for n in at_risk], axis=0)
        low = high * rng.beta(2, 1, 400_000)
        [found] = limits(time, event, 9.5)
        np.testing.assert_allclose(found, (np.quantile(low, 0.025), np.quantile(high, 0.975)), atol=0.01)


class TestInvariance:
    @given(SAMPLES, LEVELS)
    def test_limits_hold_the_estimate_and_never_rise(self, sample, level):
        at = np.arange(0, 13, 0.5)
        found = beta_product(kaplan_meier(*split(sample), conf_level=level), at=at)
        known = ~np.isnan(found.survival)
        assert np.all(found.lower[known] <= found.survival[known] + 1e-12)
        assert np.all(found.survival[known] <= found.upper[known] + 1e-12)
        assert np.all(np.diff(found.lower) <= 0) and np.all(np.diff(found.upper) <= 0)
        assert np.all((found.lower >= 0) & (found.upper <= 1))

    @given(SAMPLES)
    def test_a_higher_level_is_wider(self, sample):
        at = [0, 3, 6.5, 12]
        narrow, wide = (beta_product(kaplan_meier(*split(sample), conf_level=c), at=at) for c in (0.8, 0.95))
        assert np.all(wide.lower <= narrow.lower) and np.all(wide.upper >= narrow.upper)

    @given(SAMPLES, st.randoms(), st.sampled_from(["log-log", "log", "plain"]))
    def test_row_order_unit_and_the_other_limits_do_not_matter(self, sample, random, conf_type):
        time, event = split(sample)
        shuffled = split(random.sample(sample, len(sample)))
        one = limits(time, event, [1, 5, 5.5])
        assert limits(shuffled[0] * 7, shuffled[1], [7, 35, 38.5], conf_type=conf_type) == one

    @given(SAMPLES)
    def test_the_order_of_the_times_asked_for_does_not_matter(self, sample):
        time, event = split(sample)
        assert limits(time, event, [9, 0, 4]) == [limits(time, event, t)[0] for t in (9, 0, 4)]


class TestControlFlow:
    def test_one_patient(self):
        assert limits([3], [1], [2, 3]) == [pytest.approx((0.025, 1)), pytest.approx((0, 0.975))]
        assert limits([3], [0], [2, 3]) == [pytest.approx((0.025, 1))] * 2

    def test_event_at_time_zero(self):
        wanted = clopper_pearson(3, 4)
        assert limits([0, 1, 2, 3], [1, 1, 1, 1], 0) == [pytest.approx((wanted.lower, wanted.upper))]

    @pytest.mark.parametrize("at", [-1, float("nan"), [[1, 2]]])
    def test_impossible_times(self, at):
        with pytest.raises(ValueError, match="times must be 0 or more"):
            beta_product(kaplan_meier([1], [1]), at=at)

    def test_inputs_are_not_changed(self):
        time, event, at = np.array([3.0, 1.0]), np.array([1, 0]), np.array([2.0, 0.0])
        curve = kaplan_meier(time, event)
        before = {name: getattr(curve, name).copy() for name in ("times", "n_risk", "survival", "lower")}
        beta_product(curve, at=at)
        assert (time.tolist(), event.tolist(), at.tolist()) == ([3, 1], [1, 0], [2, 0])
        for name, values in before.items():
            np.testing.assert_array_equal(getattr(curve, name), values)

    def test_long_form_stands_beside_the_curve(self):
        curve = kaplan_meier([1, 2, 3, 4], [1, 0, 1, 1], group="LOW", conf_level=0.9)
        frame = beta_product(curve, at=[3, 0.5]).to_frame()
        assert tuple(frame.columns) == COLUMNS
        assert frame["statistic"].tolist() == ["survival", "survival"]
        assert frame["value"].tolist() == pytest.approx([3 / 8, 1])
        assert frame["events"].tolist() == [2, 0]
        assert set(frame["method"]) == {"kaplan-meier, beta-product, moments"}
        assert set(frame["method"]).isdisjoint(curve.to_frame([3])["method"])
        found = beta_product(curve, at=[3, 0.5])
        assert found.n_risk.tolist() == [2, 4]
        assert {e.conf_level for e in found.estimates()} == {0.9}
