"""Arguments: what is refused, in which words, and what is let through."""

from math import inf, nan

import numpy as np
import pandas as pd
import pytest

from esld.survival import kaplan_meier, logrank
from esld.survival._data import checked_horizon, group_codes, two_sided_p, two_sided_z


@pytest.mark.parametrize(
    ("time", "event", "message"),
    [
        ([], [], "time must have at least one row, got 0"),
        ([1, nan, nan], [1, 0, 1], "time must not be missing, got 2 missing of 3"),
        ([1, 2, 3], [1, nan, 0], "event must not be missing, got 1 missing of 3"),
        ([1, -2, -3], [1, 0, 1], "time must be 0 or more, got 2 negative of 3, lowest -3"),
        ([1, inf], [1, 0], "time must be finite, got 1 infinite of 2"),
        ([1, 2], [1, 2], "event must be 0 or 1, got [2.0]"),
        ([1, 2], [1], "time and event must have the same length, got 2 and 1"),
        ([[1, 2]], [[1, 0]], "time must have one dimension, got shape (1, 2)"),
        (["1", "2"], [1, 0], "time must be numeric, got dtype <U1"),
        ([1, 2], pd.Series(["Y", "N"], dtype=object), "event must be numeric, got 'Y'"),
        ([1, 2], pd.Series([1, None], dtype="Int64"), "event must not be missing, got 1 missing of 2"),
        (pd.to_timedelta([1, 2], unit="D"), [1, 0], "time must be numeric, got dtype timedelta64[ns]"),
        (
            pd.Series([1, 2], index=[0, 1]),
            pd.Series([1, 0], index=[1, 0]),
            "time and event must have the same index, got two that differ",
        ),
    ],
)
def test_refused(time, event, message):
    with pytest.raises(ValueError) as error:
        kaplan_meier(time, event)
    assert str(error.value) == message


@pytest.mark.parametrize(
    "event",
    [
        [True, False],
        [1.0, 0.0],
        np.array([1, 0], dtype=np.int8),
        pd.Series([True, False], dtype="boolean"),
        pd.Series([1, 0], dtype="Int64"),
        pd.Series([True, False], dtype=object),
    ],
)
def test_the_same_events_in_other_clothes(event):
    assert kaplan_meier(pd.Series([1, 2], dtype="Int64"), event).n_event.tolist() == [1, 0]


class TestGroups:
    TIME = (1, 2, 3)

    def test_sorted_by_default(self):
        codes, labels = group_codes(["b", "a", "b"], time=self.TIME)
        assert (codes.tolist(), labels) == ([1, 0, 1], ("a", "b"))

    def test_order_of_the_categories(self):
        low_first = pd.Categorical(["LOW", "HIGH", "LOW"], categories=["LOW", "MIDDLE", "HIGH"])
        codes, labels = group_codes(low_first, time=self.TIME)
        assert (codes.tolist(), labels) == ([0, 1, 0], ("LOW", "HIGH"))

    def test_order_of_the_caller(self):
        codes, labels = group_codes([1, 2, 1], time=self.TIME, groups=(2, 1))
        assert (codes.tolist(), labels) == ([1, 0, 1], ("2", "1"))

    @pytest.mark.parametrize("groups", [("a",), ("a", "b", "c"), ("a", "a", "b")])
    def test_order_must_list_each_label_once(self, groups):
        with pytest.raises(ValueError, match="groups must list each label of group once"):
            group_codes(["b", "a", "b"], time=self.TIME, groups=groups)

    @pytest.mark.parametrize("group", [["a", None, "b"], [1.0, nan, 2.0], pd.Categorical(["a", None, "b"])])
    def test_missing_label(self, group):
        with pytest.raises(ValueError, match="group must not be missing, got 1 missing of 3"):
            group_codes(group, time=self.TIME)

    def test_other_length_or_index(self):
        with pytest.raises(ValueError, match="time and group must have the same length, got 3 and 2"):
            group_codes(["a", "b"], time=self.TIME)
        with pytest.raises(ValueError, match="time and strata must have the same index"):
            logrank(pd.Series([1, 2]), [1, 1], ["a", "b"], strata=pd.Series(["x", "y"], index=[5, 6]))


def test_normal_quantile_and_p_value():
    # qnorm(0.975) in R 4.2.2
    assert two_sided_z(0.95) == pytest.approx(1.95996398454005, rel=1e-14)
    assert two_sided_p(two_sided_z(0.95)) == pytest.approx(0.05, rel=1e-13)
    assert two_sided_p(-3) == two_sided_p(3)


@pytest.mark.parametrize("at", [-1, inf, nan])
def test_horizon(at):
    with pytest.raises(ValueError, match="at must be finite and 0 or more"):
        checked_horizon(at, "at")
