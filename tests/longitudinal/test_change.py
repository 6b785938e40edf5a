"""Mean change by visit: closed form, scipy, invariance, control flow."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from esld.longitudinal.change import mean_change

COLUMNS = ["group", "time", "statistic", "value", "lower", "upper", "unit", "method", "n", "reason"]
CHANGES = st.lists(
    st.tuples(
        st.one_of(st.integers(-500, 500).map(lambda i: i / 10), st.just(math.nan)),
        st.sampled_from([2, 3]),
        st.sampled_from(["A", "B"]),
    ),
    max_size=30,
)


def one(frame: pd.DataFrame, statistic: str = "mean_change", group: str = "A", time: float = 2) -> pd.Series:
    found = frame[frame["statistic"].eq(statistic) & frame["group"].eq(group) & frame["time"].eq(time)]
    assert len(found) == 1
    return found.iloc[0]


class TestClosedForm:
    def test_two_values(self):
        """Values 1 and 3: mean 2, SD sqrt(2), SE 1; t with 1 df is Cauchy, its 75 % point is tan(pi/4) = 1."""
        row = one(mean_change([1, 3], [2, 2], ["A", "A"], conf_level=0.5))
        assert (row["value"], row["lower"], row["upper"], row["n"]) == pytest.approx((2, 1, 3, 2))

    def test_three_values(self):
        """Values 0, 1, 2: SD 1, SE 1/sqrt(3); t with 2 df at p is (2p − 1) sqrt(2 / (4p (1 − p)))."""
        frame = mean_change([0, 1, 2], [2] * 3, ["A"] * 3)
        row, half = one(frame), 0.95 * math.sqrt(2 / (4 * 0.975 * 0.025)) / math.sqrt(3)
        assert (row["value"], row["lower"], row["upper"]) == pytest.approx((1, 1 - half, 1 + half), rel=1e-12)
        assert one(frame, "sd_change")["value"] == pytest.approx(1)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_agrees_with_scipy(values, level):
    """``scipy.stats.ttest_1samp(x, 0).confidence_interval(level)``."""
    if np.std(values) <= 1e-6 * np.abs(values).max():
        return
    row = one(mean_change(values, [2] * len(values), ["A"] * len(values), conf_level=level))
    interval = stats.ttest_1samp(values, 0).confidence_interval(level)
    assert (row["lower"], row["upper"]) == pytest.approx((interval.low, interval.high), rel=1e-9, abs=1e-9)


class TestInvariance:
    @given(CHANGES, st.randoms(use_true_random=False))
    def test_order_of_rows(self, rows, random):
        shuffled = random.sample(rows, len(rows))
        first, second = (mean_change(*columns(r)) for r in (rows, shuffled))
        pd.testing.assert_frame_equal(first, second, rtol=1e-9, atol=1e-9)

    @given(CHANGES)
    def test_missing_changes_count_for_nothing(self, rows):
        known = [r for r in rows if not math.isnan(r[0])]
        pd.testing.assert_frame_equal(mean_change(*columns(rows)), mean_change(*columns(known)))

    @given(CHANGES, st.sampled_from([0.5, 2.0, 88.42]))
    def test_unit_of_measurement(self, rows, factor):
        values, visits, groups = columns(rows)
        one_unit, other = mean_change(values, visits, groups), mean_change(values * factor, visits, groups)
        for column in ("value", "lower", "upper"):
            np.testing.assert_allclose(other[column], one_unit[column] * factor, rtol=1e-9, atol=1e-9)
        assert list(one_unit["reason"]) == list(other["reason"])

    @given(CHANGES)
    def test_sign(self, rows):
        values, visits, groups = columns(rows)
        up, down = (
            f[f["statistic"].eq("mean_change")]
            for f in (mean_change(v, visits, groups) for v in (values, -values))
        )
        np.testing.assert_allclose(down["lower"], -up["upper"], rtol=1e-9, atol=1e-9)

    @given(CHANGES)
    def test_other_groups_do_not_matter(self, rows):
        own = [r for r in rows if r[2] == "A"]
        whole = mean_change(*columns(rows))
        whole = whole[whole["group"].eq("A")].reset_index(drop=True)
        alone = mean_change(*columns(own))
        pd.testing.assert_frame_equal(whole, alone, check_dtype=False)


def columns(rows):
    values, visits, groups = zip(*rows, strict=True) if rows else ((), (), ())
    return np.array(values, float), list(visits), list(groups)


class TestControlFlow:
    def test_one_value_has_a_mean_and_no_interval(self):
        frame = mean_change([1.5], [2], ["A"])
        row, spread = one(frame), one(frame, "sd_change")
        assert (row["value"], row["n"], row["reason"]) == (1.5, 1, "an interval needs two values")
        assert math.isnan(row["lower"])
        assert math.isnan(row["upper"])
        assert math.isnan(spread["value"])
        assert spread["reason"] == "a standard deviation needs two values"

    @pytest.mark.parametrize("values", [[0, 0, 0], [-1, -1], [1.1 - 1.0, 2.1 - 2.0, 0.1]])
    def test_equal_values_have_no_interval(self, values):
        """An interval of no width would claim to be certain; 1.1 − 1.0 and 2.1 − 2.0 differ by binary noise only."""
        frame = mean_change(values, [2] * len(values), ["A"] * len(values))
        row = one(frame)
        assert math.isnan(row["lower"])
        assert row["reason"].startswith("all values are equal")
        assert one(frame, "sd_change")["value"] == 0

    def test_group_and_visit_without_values_has_no_row(self):
        frame = mean_change([1, 2, math.nan], [2, 3, 3], ["A", "A", "B"])
        assert sorted({(g, t) for g, t in zip(frame["group"], frame["time"], strict=True)}) == [
            ("A", 2),
            ("A", 3),
        ]

    def test_nothing_gives_an_empty_long_form(self):
        frame = mean_change([], [], [])
        assert list(frame.columns) == COLUMNS
        assert frame.empty

    def test_unit_and_method_are_carried(self):
        frame = mean_change([1, 2], [2, 2], ["A", "A"], unit="g/L")
        assert set(frame["unit"]) == {"g/L"}
        assert one(frame)["method"] == "Student t"

    def test_inputs_stay_as_they_are(self):
        data = pd.DataFrame({"c": [1.0, np.nan], "v": [2, 2], "g": ["A", "A"]})
        before = data.copy()
        mean_change(data["c"], data["v"], data["g"])
        pd.testing.assert_frame_equal(data, before)

    @pytest.mark.parametrize("level", [0, 1, -0.1, 95, math.nan])
    def test_level_out_of_range(self, level):
        with pytest.raises(ValueError, match="conf_level must be between 0 and 1, got"):
            mean_change([1], [2], ["A"], conf_level=level)

    def test_lengths(self):
        with pytest.raises(ValueError, match="must have one length, got 2, 1, 2"):
            mean_change([1, 2], [2], ["A", "A"])

    def test_a_change_without_visit_or_group_is_refused_not_dropped(self):
        with pytest.raises(ValueError, match="visit must not be missing, got 1 missing of 2"):
            mean_change([1, 2], [2, math.nan], ["A", "A"])
        with pytest.raises(ValueError, match="group must not be missing, got 1 missing of 2"):
            mean_change([1, 2], [2, 2], ["A", None])
        assert mean_change([1, math.nan], [2, math.nan], ["A", "A"])["n"].tolist() == [1, 1]

    def test_infinite_change_is_refused(self):
        with pytest.raises(ValueError, match="change must be finite, got 1 infinite of 2"):
            mean_change([1, math.inf], [2, 2], ["A", "A"])
