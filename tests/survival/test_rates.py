"""Rates: closed form, R 4.2.2, invariance, control flow."""

from math import inf, isnan, log, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, poisson

from esld.longform import COLUMNS
from esld.reasons import Why, because
from esld.survival.rates import rate, rate_ratio

EVENTS = st.integers(0, 40)
TIMES = st.floats(0.01, 1000)
NAMES = ("g.rate.1", "g.rate.2", "g.rate.3", "g.rate.4")


class TestReference:
    """R 4.2.2: ``poisson.test(x, T)``, ``poisson.test(c(x1, x2), c(T1, T2))``."""

    @pytest.mark.parametrize("name", NAMES)
    def test_each_rate(self, oracle, agrees, name):
        wanted = oracle("g_rates.json", name)
        for arm in ("1", "2"):
            found, theirs = rate(wanted[f"x{arm}"], wanted[f"T{arm}"]), wanted[f"group{arm}"]
            agrees([found.value, found.lower, found.upper], theirs, "rate", "lower", "upper", method="Rate")

    @pytest.mark.parametrize("name", NAMES)
    def test_ratio_and_every_p_value(self, oracle, agrees, name):
        wanted = oracle("g_rates.json", name)
        found = rate_ratio(*(wanted[k] for k in ("x1", "T1", "x2", "T2")))
        for ours, theirs in (
            ("value", "ratio"),
            ("lower", "ratio_lower"),
            ("upper", "ratio_upper"),
            ("p_value", "p_two_sided_minlike"),
            ("p_less", "p_less"),
            ("p_greater", "p_greater"),
            ("p_central", "p_twice_min"),
            ("mid_p", "mid_p_twice"),
        ):
            agrees(getattr(found, ours), wanted, theirs, method="Rate ratio")


class TestClosedForm:
    @pytest.mark.parametrize("time", [1, 11.0, 8.5])
    def test_no_event(self, time):
        # exp(-rate time) = 0.025
        found = rate(0, time)
        assert (found.value, found.lower) == (0, 0)
        assert found.upper == pytest.approx(-log(0.025) / time)

    @given(EVENTS, TIMES, st.sampled_from([0.8, 0.95, 0.99]))
    def test_limits_leave_half_of_the_error_in_each_tail(self, x, t, level):
        found = rate(x, t, conf_level=level)
        assert poisson.cdf(x, found.upper * t) == pytest.approx((1 - level) / 2)
        if x:
            assert poisson.sf(x - 1, found.lower * t) == pytest.approx((1 - level) / 2)

    def test_equal_times(self):
        # 1 v 4 of five events, share 1/2: P(X <= 1) = 6/32, P(X >= 1) = 31/32, P(X = 1) = 5/32.
        found = rate_ratio(1, 7.0, 4, 7.0)
        assert found.value == pytest.approx(1 / 4)
        assert (found.p_less, found.p_greater) == pytest.approx((6 / 32, 31 / 32))
        assert (found.p_value, found.p_central) == pytest.approx((12 / 32, 12 / 32))
        assert found.mid_p == pytest.approx(7 / 32)

    def test_one_group_without_event(self):
        # Five events, all in the second: the upper limit solves (1 - p)^5 = 0.025; odds times t2 / t1.
        found = rate_ratio(0, 2.0, 5, 3.0)
        p = 1 - 0.025 ** (1 / 5)
        assert (found.value, found.lower) == (0, 0)
        assert found.upper == pytest.approx(p / (1 - p) * 3 / 2)
        other = rate_ratio(5, 3.0, 0, 2.0)
        assert (other.value, other.upper) == (inf, inf)
        assert other.lower == pytest.approx(1 / found.upper)

    @given(EVENTS, TIMES, EVENTS, TIMES)
    def test_limits_of_the_ratio_are_binomial(self, x1, t1, x2, t2):
        found, m = rate_ratio(x1, t1, x2, t2), x1 + x2
        for limit, tail in (
            (found.lower, lambda p: binom.sf(x1 - 1, m, p)),
            (found.upper, lambda p: binom.cdf(x1, m, p)),
        ):
            if m and 0 < limit < inf:
                assert tail(limit * t1 / (limit * t1 + t2)) == pytest.approx(0.025, rel=1e-6)


class TestInvariance:
    @given(EVENTS, TIMES, st.floats(0.01, 1000))
    def test_unit_of_time(self, x, t, factor):
        found, scaled = rate(x, t), rate(x, t * factor, per=factor)
        assert [scaled.value, scaled.lower, scaled.upper] == pytest.approx(
            [found.value, found.lower, found.upper]
        )

    @given(EVENTS, TIMES, EVENTS, TIMES)
    def test_swapping_the_groups_inverts(self, x1, t1, x2, t2):
        there, back = rate_ratio(x1, t1, x2, t2), rate_ratio(x2, t2, x1, t1)
        for one, other in ((there.value, back.value), (there.lower, back.upper), (there.upper, back.lower)):
            assert one == pytest.approx(1 / other if other else inf, nan_ok=True)
        assert (back.p_less, back.p_greater) == pytest.approx((there.p_greater, there.p_less))
        for name in ("p_value", "p_central", "mid_p"):
            assert getattr(back, name) == pytest.approx(getattr(there, name))

    @given(EVENTS, TIMES, EVENTS, TIMES)
    def test_central_p_value_agrees_with_the_limits(self, x1, t1, x2, t2):
        found = rate_ratio(x1, t1, x2, t2)
        if abs(found.p_central - 0.05) > 1e-9:
            assert (found.p_central < 0.05) == (found.lower > 1 or found.upper < 1)

    @given(EVENTS, TIMES, EVENTS, TIMES)
    def test_mid_p_is_the_smaller(self, x1, t1, x2, t2):
        found = rate_ratio(x1, t1, x2, t2)
        assert -1e-15 <= found.mid_p <= found.p_central <= 1

    @given(EVENTS, TIMES)
    def test_a_higher_level_is_wider(self, x, t):
        narrow, wide = (rate(x, t, conf_level=c) for c in (0.8, 0.99))
        assert wide.lower <= narrow.lower <= narrow.value <= narrow.upper <= wide.upper


class TestControlFlow:
    def test_no_event_in_either_group(self):
        found = rate_ratio(0, 3.0, 0, 4.0)
        assert isnan(found.value)
        assert (found.lower, found.upper) == (0, inf)
        assert (found.p_value, found.p_central, found.p_less, found.p_greater, found.mid_p) == (1,) * 5
        assert found.reason == because(Why.NO_EVENTS)

    @pytest.mark.parametrize(
        ("events", "time", "message"),
        [
            (1.5, 2.0, "events must be an integer, got 1.5"),
            (nan, 2.0, "events must be an integer, got nan"),
            (-1, 2.0, "events must be 0 or more, got -1"),
            (0, 0.0, "time must be finite and above 0, got 0.0"),
            (1, -2.0, "time must be finite and above 0, got -2.0"),
            (1, nan, "time must be finite and above 0, got nan"),
            (1, inf, "time must be finite and above 0, got inf"),
        ],
    )
    def test_impossible(self, events, time, message):
        with pytest.raises(ValueError) as error:
            rate(events, time)
        assert str(error.value) == message
        with pytest.raises(ValueError, match=r"^[xt]2 must be"):
            rate_ratio(1, 1.0, events, time)

    def test_per_and_level(self):
        with pytest.raises(ValueError, match="per must be finite and above 0, got 0"):
            rate(1, 1.0, per=0)
        for call in (lambda: rate(1, 1.0, conf_level=95), lambda: rate_ratio(1, 1.0, 1, 1.0, conf_level=95)):
            with pytest.raises(ValueError, match="conf_level must be between 0 and 1, got 95"):
                call()

    def test_numpy_counts_are_counts(self):
        assert rate(np.int64(3), np.float64(11)) == rate(3, 11)

    def test_long_form(self):
        frame = rate(3, 12.5, per=100).to_frame(n=11, group="LOW")
        assert tuple(frame.columns) == COLUMNS
        assert frame["statistic"].tolist() == ["rate", "time_at_risk"]
        assert frame["unit"].tolist() == ["per 100 years", "years"]
        assert frame["value"].tolist() == pytest.approx([24, 12.5])
        assert (frame["n"][0], frame["events"][0], frame["group"][0]) == (11, 3, "LOW")
        assert rate(3, 12.5).to_frame(n=11)["unit"][0] == "per year"
        ratio = rate_ratio(3, 12.5, 6, 12.0).to_frame(n=22, group="HIGH / LOW")
        assert ratio["statistic"].tolist() == [
            "rate_ratio",
            "rate_ratio_p_value",
            "rate_ratio_p_central",
            "rate_ratio_p_less",
            "rate_ratio_p_greater",
            "rate_ratio_mid_p",
        ]
        assert set(ratio["events"]) == {9}
        assert ratio["method"].nunique() == 4
