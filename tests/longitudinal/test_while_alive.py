"""Averages while alive: areas by hand, scipy's Welch test, every allocation; invariance, degenerate data."""

import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from esld.longform import COLUMNS
from esld.longitudinal.while_alive import EXACT, METHOD, WELCH, WhileAlive, while_alive_mean
from esld.reasons import Why, because

NAN = pytest.approx(math.nan, nan_ok=True)
NAMES = {"subject": "id", "group": "arm", "value": "change", "time": "week", "until": "until"}


def table(rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["id", "arm", "until", "week", "change"])


# Horizon 24 weeks.
ROWS = [
    (1, "A", 48, 0, 0), (1, "A", 48, 4, 2), (1, "A", 48, 24, 4), (1, "A", 48, 48, 90),  # (4 + 60) / 24
    (2, "A", 10, 0, 0), (2, "A", 10, 8, -4), (2, "A", 10, 12, 50),  # dead in week 10: -16 / 8; one value after it
    (3, "A", 3, 0, 5),  # one value
    (4, "B", 20, 2, 1), (4, "B", 20, None, None), (4, "B", 20, 12, 3),  # seen from week 2 on: 20 / 10
    (5, "B", 30, None, None),  # never seen
    (6, "B", 40, 0, 6), (6, "B", 40, 20, None), (6, "B", 40, 24, 0),  # 72 / 24
]  # fmt: skip


def average(frame=None, *, tau=24, groups=("A", "B"), **options) -> WhileAlive:
    frame = table(ROWS) if frame is None else frame
    return while_alive_mean(frame, tau=tau, groups=groups, **{**NAMES, **options})


def of_subjects(first, second, **options) -> WhileAlive:
    """Subjects whose averages are the numbers given: one value each."""
    labels = ["A"] * len(first) + ["B"] * len(second)
    frame = table([(i, a, 9, 0, v) for i, (a, v) in enumerate(zip(labels, [*first, *second], strict=True))])
    return average(frame, **options)


SAMPLE = ([1.25, 4, -2, 0.5, 3], [2, 7.5, 5, 6, 1.5, 9])


class TestByHand:
    def test_averages(self):
        found = average().averages
        assert found["subject"].tolist() == [1, 2, 3, 4, 5, 6]
        assert found["group"].tolist() == list("AAABBB")
        assert found["average"].tolist() == pytest.approx([64 / 24, -2, 5, 2, math.nan, 3], nan_ok=True)
        assert found["observed"].tolist() == [24, 8, 0, 10, NAN, 24]
        assert found["values"].tolist() == [3, 2, 1, 2, 0, 2]
        assert found["after"].tolist() == [0, 1, 0, 0, 0, 0]

    def test_means_and_difference(self):
        """A: 8/3, -2, 5; B: 2, 3."""
        found = average()
        assert found.n == (3, 2)
        assert [mean.value for mean in found.means] == pytest.approx([17 / 9, 2.5])
        assert found.difference.value == pytest.approx(2.5 - 17 / 9)
        assert found.exact.observed == pytest.approx(2.5 - 17 / 9)

    def test_the_last_day_counts(self):
        """A value on the day of `until` and of `tau` is used, one of a day later is not."""
        rows = [
            (1, "A", 8, 0, 0),
            (1, "A", 8, 8, 4),
            (2, "B", 30, 0, 0),
            (2, "B", 30, 24, 4),
            (2, "B", 30, 25, 99),
        ]
        assert average(table(rows)).averages["average"].tolist() == [2, 2]

    def test_no_value_before_the_end(self):
        found = average(table([(1, "A", 3, 4, 9), (2, "B", 9, 0, 1)]))
        first = found.averages.iloc[0]
        assert (first["average"], first["values"], first["after"]) == (NAN, 0, 1)


class TestAgainstOthers:
    def test_welch(self):
        first, second = SAMPLE
        found = of_subjects(first, second, conf_level=0.9).difference
        wanted = stats.ttest_ind(second, first, equal_var=False)
        limits = wanted.confidence_interval(0.9)
        assert (found.p_value, found.lower, found.upper) == pytest.approx(
            (wanted.pvalue, limits.low, limits.high), rel=1e-9
        )
        assert (found.method, found.conf_level, found.reason) == (WELCH, 0.9, None)

    def test_limits_of_a_mean(self):
        found = of_subjects(*SAMPLE).means
        for mean, own in zip(found, SAMPLE, strict=True):
            limits = stats.t.interval(0.95, len(own) - 1, np.mean(own), stats.sem(own))
            assert (mean.lower, mean.upper) == pytest.approx(tuple(limits), rel=1e-9)
            assert (mean.p_value, mean.method) == (NAN, METHOD)

    def test_every_allocation(self):
        first, second = SAMPLE
        every = np.array([*first, *second])
        gaps = []
        for chosen in combinations(range(11), 6):
            own = np.isin(np.arange(11), chosen)
            gaps.append(every[own].mean() - every[~own].mean())
        observed = np.mean(second) - np.mean(first)
        found = of_subjects(first, second).exact
        assert found.p_value == np.mean(np.abs(gaps) >= abs(observed) - 1e-9)
        assert (found.statistic, found.reference_set) == (EXACT, 462)
        assert found.observed == pytest.approx(observed)

    def test_ties_of_the_exact_test_are_not_lost_to_rounding(self):
        """0.1 + 0.2 and 0.3 + 0: of 6 pairs two have the sum 0.3, observed is one of them, and all are as far off."""
        found = of_subjects([0.1, 0.2], [0.3, 0.0]).exact
        assert found.p_tie == pytest.approx(2 / 6)
        assert found.p_value == 1


class TestInvariance:
    @given(st.integers(-40, 40), st.sampled_from([0.5, -2, 10]))
    def test_affine_change_of_the_value(self, shift, factor):
        frame = table(ROWS)
        one = average(frame)
        other = average(frame.assign(change=shift + factor * frame["change"]))
        wanted = shift + factor * one.averages["average"].to_numpy()
        np.testing.assert_allclose(other.averages["average"], wanted, rtol=1e-9, atol=1e-9)
        assert other.difference.value == pytest.approx(factor * one.difference.value)
        assert other.difference.p_value == pytest.approx(one.difference.p_value)
        assert other.exact.p_value == one.exact.p_value

    def test_unit_of_time(self):
        frame = table(ROWS)
        other = average(frame.assign(week=7 * frame["week"], until=7 * frame["until"]), tau=168)
        np.testing.assert_allclose(other.averages["average"], average().averages["average"], rtol=1e-12)

    @given(st.randoms(use_true_random=False))
    def test_order_of_rows(self, random):
        frame = table(ROWS)
        found = average(frame.iloc[random.sample(range(len(frame)), len(frame))])
        kept = found.averages.sort_values("subject", ignore_index=True)
        pd.testing.assert_frame_equal(kept, average().averages, check_dtype=False)
        assert found.difference.value == pytest.approx(average().difference.value)

    def test_swapping_the_arms(self):
        one, other = average(), average(groups=("B", "A"))
        assert other.groups == ("B", "A")
        assert other.difference.value == pytest.approx(-one.difference.value)
        assert other.exact.p_value == one.exact.p_value

    def test_a_value_on_the_line_changes_nothing(self):
        frame = pd.concat([table(ROWS), table([(1, "A", 48, 14, 3)])])
        np.testing.assert_allclose(average(frame).averages["average"], average().averages["average"])


class TestDegenerate:
    def test_nobody_with_an_average_in_an_arm(self):
        found = of_subjects([1, 2], [])
        assert (found.means[1].value, found.means[1].reason) == (NAN, because(Why.NO_VALUES, group="B"))
        assert (found.difference.value, found.difference.reason) == (NAN, because(Why.NO_VALUES, group="B"))
        assert (found.exact.p_value, found.exact.reason) == (NAN, because(Why.NO_VALUES, group="B"))

    def test_one_in_an_arm(self):
        found = of_subjects([1, 2], [4])
        reason = because(Why.ONE_SUBJECT)
        assert (found.means[1].value, found.means[1].lower, found.means[1].reason) == (4, NAN, reason)
        assert (found.difference.value, found.difference.p_value, found.difference.reason) == (
            2.5,
            NAN,
            reason,
        )
        assert found.exact.p_value == 1 / 3

    def test_no_spread(self):
        found = of_subjects([0.3, 0.1 + 0.2], [0.3, 0.3])
        for estimate in (*found.means, found.difference):
            assert (estimate.std_err, estimate.lower) == (NAN, NAN)
            assert estimate.reason == because(Why.NO_SPREAD)
        assert found.exact.p_value == 1

    def test_no_spread_in_one_arm_is_no_obstacle(self):
        found = of_subjects([2, 2, 2], [1, 4, 7]).difference
        assert found.std_err == pytest.approx(math.sqrt(3))  # 9 / 3, with the 2 degrees of freedom of B
        assert found.upper == pytest.approx(2 + stats.t.ppf(0.975, 2) * math.sqrt(3))

    def test_nothing(self):
        found = average(table([]))
        assert found.averages.empty
        assert found.n == (0, 0)
        assert found.difference.reason == because(Why.NO_VALUES, group="A")


class TestControlFlow:
    def test_long_form(self):
        found = average(unit="points")
        frame = found.to_frame()
        assert list(frame.columns) == list(COLUMNS)
        a = frame[frame["group"].eq("A")].set_index("statistic")["value"]
        assert (a["subjects"], a["without_value"], a["one_value"], a["values_after"]) == (3, 0, 1, 1)
        b = frame[frame["group"].eq("B")].set_index("statistic")["value"]
        assert (b["subjects"], b["without_value"], b["one_value"], b["values_after"]) == (3, 1, 0, 0)
        by = frame[frame["group"].eq("B - A")].set_index(["statistic", "method"])
        assert by.loc[("while_alive_difference", WELCH), "value"] == found.difference.value
        assert by.loc[("while_alive_difference", WELCH), "unit"] == "points"
        assert by.loc[("p_value", found.exact.how), "value"] == found.exact.p_value
        assert set(frame["time"]) == {24}

    def test_nullable_columns_and_labels(self):
        frame = table(ROWS).astype({"change": "Float64", "week": "Int64", "id": "string", "arm": "category"})
        found = average(frame)
        assert found.difference == average().difference

    def test_the_frame_stays_as_it_is(self):
        frame = table(ROWS)
        before = frame.copy(deep=True)
        average(frame)
        pd.testing.assert_frame_equal(frame, before)

    @pytest.mark.parametrize(
        ("change", "options", "words"),
        [
            ({}, {"tau": 0}, "tau must be finite and above 0, got 0"),
            ({}, {"tau": math.inf}, "tau must be finite and above 0, got inf"),
            ({}, {"conf_level": 0}, "conf_level must be between 0 and 1, got 0"),
            ({}, {"until": "death"}, "frame must have one column 'death', got 0"),
            ({}, {"groups": ("A", "B", "C")}, r"arm must have two labels, got \['A', 'B', 'C'\]"),
            ({"arm": [None, *"AAAAAABBBBBBBB"]}, {}, "arm must not be missing, got 1 missing"),
            ({"arm": list("ABAAAAAABBBBBBB")}, {}, "arm must be the same in every row of a subject"),
            (
                {"until": range(15)},
                {},
                "until must be the same in every row of a subject, got two values for 1",
            ),
            ({"until": None}, {}, "until must not be missing, got 15 missing of 15"),
            ({"id": None}, {}, "id must not be missing, got 15 missing of 15"),
            ({"week": -1}, {}, "week must be 0 or more, got -1"),
            ({"week": None}, {}, "week must not be missing, got"),
            ({"week": 3}, {}, r"one value at a time, got .* more, the first at \(1, 3.0\)"),
            ({"change": math.inf}, {}, "change must be finite, got 15 infinite of 15"),
        ],
    )
    def test_refused(self, change, options, words):
        with pytest.raises(ValueError, match=words):
            average(table(ROWS).assign(**change), **options)
