"""States: words or codes, missing or named censoring, and what is refused."""

from math import nan

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.survival._data import group_codes
from esld.survival._states import one_cause, state_codes
from esld.survival.competing import cumulative_incidence
from esld.survival.fine_gray import cause_specific_cox, fine_gray
from esld.survival.gray import gray
from tests.examples import few


class TestStateCodes:
    @pytest.mark.parametrize(
        ("state", "labels"),
        [
            (["b", None, "a"], ("a", "b")),
            (["b", float("nan"), "a"], ("a", "b")),
            (["b", 0, "a"], ("a", "b")),
            ([2, 0, 1], ("1", "2")),
            (np.array([2, 0, 1]), ("1", "2")),
            (np.array([2.0, np.nan, 1]), ("1", "2")),
            (pd.Series(["b", pd.NA, "a"], dtype="string"), ("a", "b")),
            (pd.Series([2, pd.NA, 1], dtype="Int64"), ("1", "2")),
            (pd.Series(pd.Categorical(["b", None, "a"])), ("a", "b")),
        ],
    )
    def test_labels_are_sorted_and_numbered_from_one(self, state, labels):
        found = state_codes(state, time=[1, 2, 3])
        assert found.names == labels
        assert found.codes.tolist() == [2, 0, 1]

    def test_a_word_for_censoring(self):
        found = state_codes(["b", "alive", "a", None], time=range(4), censored="alive")
        assert found.causes == ("a", "b")
        assert found.codes.tolist() == [2, 0, 1, 0]

    def test_causes_give_the_order_and_may_have_no_event(self):
        found = state_codes([2, 0, 1], time=range(3), causes=[2, 3, 1])
        assert found.names == ("2", "3", "1")
        assert found.codes.tolist() == [1, 0, 3]

    def test_categories_give_the_order_and_may_have_no_event(self):
        state = pd.Categorical(["b", "alive", "a"], categories=["alive", "b", "c", "a"])
        found = state_codes(state, time=range(3), censored="alive")
        assert found.names == ("b", "c", "a")
        assert found.codes.tolist() == [1, 0, 3]

    def test_all_censored(self):
        found = state_codes([None, None], time=range(2))
        assert (found.codes.tolist(), found.causes) == ([0, 0], ())

    @pytest.mark.parametrize(
        ("state", "options", "message"),
        [
            (["a"], {}, "time and state must have the same length, got 2 and 1"),
            (["a", "x"], {"causes": ["a"]}, "state must be one of ['a'], 0 or missing, got 'x' (text)"),
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


class TestLabelsAreComparedByValue:
    """The same states in every type that can hold them."""

    FORMS = (
        list,
        tuple,
        lambda s: np.array(s, dtype=np.int32),
        lambda s: np.array(s, dtype=np.float64),
        lambda s: np.array(s, dtype=np.float32),
        lambda s: np.array(s, dtype=object),
        lambda s: np.array([np.int64(v) if i % 2 else float(v) for i, v in enumerate(s)], dtype=object),
        lambda s: np.array([nan if v == 0 else v for v in s]),
        lambda s: [None if v == 0 else v for v in s],
        lambda s: pd.Series(pd.Categorical(s)),
        lambda s: pd.Series(pd.Categorical([float(v) for v in s])),
        lambda s: pd.Series([pd.NA if v == 0 else v for v in s], dtype="Int64"),
        lambda s: pd.Series(s, dtype="Float64"),
    )
    # Two states fit in a bool too.
    BINARY = (
        *FORMS,
        lambda s: np.array(s, dtype=bool),
        lambda s: pd.Series(s, dtype="boolean"),
        lambda s: [bool(v) if i % 3 else v for i, v in enumerate(s)],
    )
    CAUSES = (1, 1.0, True, np.int64(1), np.float64(1), np.True_)

    @staticmethod
    def results(time, state, group, cause, causes=None):
        """Every public function that takes `state`, without its note, which says who was missing."""
        frame = pd.DataFrame({"t": time, "s": pd.Series(state), "x": group})
        model = {"duration": "t", "state": "s", "cause": cause, "causes": causes, "covariates": ["x"]}
        found = (
            cumulative_incidence(time, state, causes=causes),
            gray(time, state, group, cause=cause, causes=causes),
            fine_gray(frame, **model),
            cause_specific_cox(frame, **model),
        )
        incidence = found[0].estimate(float(max(time)), cause)
        return [vars(f) | {"note": ""} for f in found] + [vars(incidence)]

    @given(
        st.integers(2, 3), st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=4, max_size=15)
    )
    @few(5)
    def test_of_states_and_causes(self, k, rows):
        time, state = zip(*((t, s % k) for t, s in rows), strict=True)
        causes = list(range(1, k))
        sample = np.array(time, dtype=float), np.arange(len(rows)) % 2
        wanted = self.results(sample[0], list(state), sample[1], 1, causes)
        for i, form in enumerate(self.BINARY if k == 2 else self.FORMS):
            cause = self.CAUSES[i % len(self.CAUSES)]
            given_causes = None if set(causes) <= set(state) else causes
            found = self.results(sample[0], form(list(state)), sample[1], cause, given_causes)
            for one, other in zip(found, wanted, strict=True):
                np.testing.assert_equal(one, other)

    @given(st.lists(st.sampled_from(["alive", "death", "tx"]), min_size=3, max_size=12))
    @few(5)
    def test_of_words(self, words):
        words = ["alive", "death", "tx", *words]
        forms = (
            list,
            np.array,
            lambda w: np.array(w, dtype=object),
            lambda w: pd.Series(w, dtype="string"),
            lambda w: pd.Series(w, dtype=object),
            lambda w: pd.Series(pd.Categorical(w)),
        )
        first, *others = (state_codes(form(words), time=words, censored="alive") for form in forms)
        for other in others:
            np.testing.assert_array_equal(other.codes, first.codes)
            assert (other.causes, other.note) == (first.causes, "")

    def test_a_column_with_gaps(self):
        state = [1, nan, 2, 2, 1, 1, nan, 2, 1, 1]
        found = gray(range(1, 11), state, [0, 1] * 5, cause=1)
        assert found.chisq == pytest.approx(1.3981, abs=5e-5)  # as with integers and 0 for censored
        assert found.note == "nobody is censored by the label 0: 2 of 10 by a missing state"

    @pytest.mark.parametrize("rows", [["1", 1], ["1", 1.0, None]])
    def test_a_number_beside_its_text_is_refused(self, rows):
        rows = pd.Series(rows, dtype=object)
        with pytest.raises(ValueError, match="state must not hold a number and its text"):
            state_codes(rows, time=range(len(rows)))


class TestGroups:
    @pytest.mark.parametrize("form", [list, np.array, lambda g: np.array(g, dtype=float), pd.Categorical])
    def test_whole_numbers_read_the_same(self, form):
        for groups in (None, [2, 1], [2.0, np.int64(1)]):
            codes, labels = group_codes(form([1, 2, 2]), time=range(3), groups=groups)
            assert labels == (("1", "2") if groups is None else ("2", "1"))
            assert codes.tolist() == ([0, 1, 1] if groups is None else [1, 0, 0])

    def test_labels_that_do_not_occur_and_a_number_beside_its_text_are_refused(self):
        with pytest.raises(
            ValueError, match=r"groups must list each label of group once, got \['1', '2'\] for \[1, 2\]"
        ):
            group_codes([1, 2], time=range(2), groups=["1", "2"])
        with pytest.raises(ValueError, match="group must not hold a number and its text"):
            group_codes(np.array([1, "1"], dtype=object), time=range(2))


class TestLabelsThatDoNotOccur:
    CALLS = (
        lambda state, **options: cumulative_incidence([1, 2, 3], state, **options),
        lambda state, **options: gray([1, 2, 3], state, list("ABA"), cause="death", **options),
        *(
            lambda state, model=model, **options: model(
                pd.DataFrame({"t": [1, 2, 3], "s": state, "x": [1, 0, 1]}),
                duration="t", state="s", cause="death", covariates=["x"], **options,
            )
            for model in (fine_gray, cause_specific_cox)
        ),
    )  # fmt: skip

    @pytest.mark.parametrize("call", CALLS)
    @pytest.mark.parametrize(
        ("state", "censored", "shown"),
        [
            (["death", "alive", "tx"], 0, "0 (number): its labels are 'alive', 'death', 'tx' (text)"),
            (
                ["death", "alive", "tx"],
                "alvie",
                "'alvie' (text): its labels are 'alive', 'death', 'tx' (text)",
            ),
            (["death", "alive", None], "alvie", "'alvie' (text): its labels are 'alive', 'death' (text)"),
            ([1, 2, 0], 9, "9 (number): its labels are 0, 1, 2 (numbers)"),
            ([1, 2, 0], "0", "'0' (text): its labels are 0, 1, 2 (numbers)"),
            (["1", "2", "0"], 0, "0 (number): its labels are '0', '1', '2' (text)"),
        ],
    )
    def test_censored(self, call, state, censored, shown):
        with pytest.raises(ValueError) as error:
            call(state, censored=censored)
        assert str(error.value) == (
            f"censored must be a label of state, got {shown}; give causes, or censored=None, where nobody is "
            "censored by a label"
        )

    @pytest.mark.parametrize("call", CALLS)
    def test_censored_beside_causes(self, call):
        with pytest.raises(
            ValueError, match=r"state must be one of \['death', 'tx'\], 'alvie' or missing, got 'alive'"
        ):
            call(["death", "alive", "tx"], causes=["death", "tx"], censored="alvie")
        call(["death", None, "tx"], causes=["death", "tx"], censored="alive")

    @pytest.mark.parametrize(
        ("state", "cause", "message"),
        [
            ([1, 2, 0], 3, "got 3 (number): the causes are 1, 2 (numbers)"),
            ([1.0, 2.0, nan], "1", "got '1' (text): the causes are 1, 2 (numbers)"),
            (["deth", "tx", None], "death", "got 'death' (text): the causes are 'deth', 'tx' (text)"),
            (["1", "2", None], 1, "got 1 (number): the causes are '1', '2' (text)"),
        ],
    )
    def test_cause(self, state, cause, message):
        with pytest.raises(ValueError) as error:
            one_cause(state, time=range(3), cause=cause)
        assert str(error.value) == f"cause must be a label of state, or be given in causes, {message}"

    def test_cause_beside_causes(self):
        assert one_cause([2, 0], time=range(2), cause=1, causes=[1, 2]).codes.tolist() == [2, 0]
        with pytest.raises(ValueError, match=r"cause must be one of causes, got 3 \(number\)"):
            one_cause([2, 0], time=range(2), cause=3, causes=[1, 2])

    def test_nobody_censored_is_said(self):
        note = "nobody is censored by the label 0: every time ends in an event"
        assert cumulative_incidence([1, 2, 3], [1, 2, 1]).note == note
        assert gray([1, 2, 3], [1, 2, 1], list("ABA"), cause=1).note == note
        frame = pd.DataFrame({"t": [1, 2, 3], "s": [1, 2, 1], "x": [0, 1, 1]})
        model = {"duration": "t", "state": "s", "cause": 1, "covariates": ["x"]}
        assert fine_gray(frame, **model).note == note
        assert cause_specific_cox(frame, **model).note == note
        assert cumulative_incidence([1, 2, 3], [1, 2, 0]).note == ""
        assert cumulative_incidence([1, 2], ["a", "b"], censored=None).note.startswith("nobody is censored")


class TestOneCause:
    def test_the_cause_against_all_others(self):
        assert one_cause(["a", None, "b", "c"], time=range(4), cause="b").codes.tolist() == [2, 0, 1, 2]

    def test_nobody_has_an_event(self):
        assert one_cause([None, None], time=range(2), cause="b").codes.tolist() == [0, 0]

    @pytest.mark.parametrize("cause", [0, None, float("nan")])
    def test_censoring_is_no_cause(self, cause):
        with pytest.raises(ValueError, match="cause must be a label other than that of censoring"):
            one_cause(["a", 0], time=range(2), cause=cause)
