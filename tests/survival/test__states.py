"""States: words or codes, missing or named censoring, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from esld.survival._states import one_cause, state_codes


class TestStateCodes:
    @pytest.mark.parametrize(
        ("state", "labels"),
        [
            (["b", None, "a"], ("a", "b")),
            (["b", float("nan"), "a"], ("a", "b")),
            (["b", 0, "a"], ("a", "b")),
            ([2, 0, 1], ("1", "2")),
            (np.array([2, 0, 1]), ("1", "2")),
            (np.array([2.0, np.nan, 1]), ("1.0", "2.0")),
            (pd.Series(["b", pd.NA, "a"], dtype="string"), ("a", "b")),
            (pd.Series([2, pd.NA, 1], dtype="Int64"), ("1", "2")),
            (pd.Series(pd.Categorical(["b", None, "a"])), ("a", "b")),
        ],
    )
    def test_labels_are_sorted_and_numbered_from_one(self, state, labels):
        codes, found = state_codes(state, time=[1, 2, 3])
        assert found == labels
        assert codes.tolist() == [2, 0, 1]

    def test_a_word_for_censoring(self):
        codes, labels = state_codes(["b", "alive", "a", None], time=range(4), censored="alive")
        assert labels == ("a", "b")
        assert codes.tolist() == [2, 0, 1, 0]

    def test_causes_give_the_order_and_may_have_no_event(self):
        codes, labels = state_codes([2, 0, 1], time=range(3), causes=[2, 3, 1])
        assert labels == ("2", "3", "1")
        assert codes.tolist() == [1, 0, 3]

    def test_categories_give_the_order_and_may_have_no_event(self):
        state = pd.Categorical(["b", "alive", "a"], categories=["alive", "b", "c", "a"])
        codes, labels = state_codes(state, time=range(3), censored="alive")
        assert labels == ("b", "c", "a")
        assert codes.tolist() == [1, 0, 3]

    def test_all_censored(self):
        codes, labels = state_codes([None, None], time=range(2))
        assert (codes.tolist(), labels) == ([0, 0], ())

    @pytest.mark.parametrize(
        ("state", "options", "message"),
        [
            (["a"], {}, "time and state must have the same length, got 2 and 1"),
            (["a", "x"], {"causes": ["a"]}, "state must be one of ['a'], 0 or missing, got ['x']"),
            (
                ["a", "a"],
                {"causes": ["a", "a"]},
                "causes must list each cause once and not 0, got ['a', 'a']",
            ),
            ([0, 1], {"causes": [0, 1]}, "causes must list each cause once and not 0, got [0, 1]"),
        ],
    )
    def test_refused(self, state, options, message):
        with pytest.raises(ValueError) as error:
            state_codes(state, time=[1, 2], **options)
        assert str(error.value) == message

    def test_series_of_other_rows_are_refused(self):
        with pytest.raises(ValueError, match="time and state must have the same index"):
            state_codes(pd.Series(["a", "b"], index=[1, 0]), time=pd.Series([1, 2]))


class TestOneCause:
    def test_the_cause_against_all_others(self):
        assert one_cause(["a", None, "b", "c"], time=range(4), cause="b").tolist() == [2, 0, 1, 2]

    def test_a_cause_without_an_event(self):
        assert one_cause(["a", None], time=range(2), cause="b").tolist() == [2, 0]

    @pytest.mark.parametrize("cause", [0, None, float("nan")])
    def test_censoring_is_no_cause(self, cause):
        with pytest.raises(ValueError, match="cause must be a label other than that of censoring"):
            one_cause(["a", 0], time=range(2), cause=cause)
