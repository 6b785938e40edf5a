"""Shift tables: counted by hand, margins, invariance, what is refused; the worst class of a subject."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.longitudinal.shift import MISSING, ShiftTable, shift_table, worst_class

ABC = ["A", "B", "C"]
# Child-Pugh class before and after
ROWS = [
    (1, "Low", "A", "A"),
    (2, "Low", "A", "C"),
    (3, "Low", "C", "B"),
    (4, "Low", "B", None),
    (5, "Low", None, "B"),
    (6, "High", "C", "C"),
    (7, "High", "C", "C"),
    (8, "High", None, None),
]
CLASSES = st.sampled_from([*ABC, None])
TABLES = st.lists(st.tuples(st.sampled_from(["Low", "High"]), CLASSES, CLASSES), max_size=20)


def table(rows=ROWS) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["id", "arm", "before", "after"])


def shift(frame: pd.DataFrame, **options) -> ShiftTable:
    columns = {"subject": "id", "group": "arm", "baseline": "before", "after": "after", "categories": ABC}
    return shift_table(frame, **{**columns, **options})


def numbered(rows) -> pd.DataFrame:
    return table([(i, *row) for i, row in enumerate(rows)])


class TestByHand:
    def test_cells(self):
        found = shift(table(), groups=["Low", "High"])
        assert found.groups == ("Low", "High")
        assert found.categories == ("A", "B", "C", MISSING)
        assert found.counts.tolist() == [
            [[1, 0, 1, 0], [0, 0, 0, 1], [0, 1, 0, 0], [0, 1, 0, 0]],
            [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]],
        ]
        assert found.subjects == {"Low": 5, "High": 3}

    def test_directions(self):
        frame = shift(table(), groups=["Low", "High"]).directions()
        assert list(frame.columns) == ["group", "better", "same", "worse", "unknown", "subjects"]
        assert frame.to_numpy().tolist() == [["Low", 1, 1, 1, 2, 5], ["High", 0, 2, 0, 1, 3]]

    def test_wide_form(self):
        found = shift(table())
        low = found.matrix("Low")
        assert (low.index.name, low.columns.name) == ("baseline", "after")
        assert low.loc["A", "C"] == 1
        assert low.loc["B", MISSING] == 1
        assert list(low.index) == list(low.columns) == [*ABC, MISSING]
        pd.testing.assert_frame_equal(found.matrix(), low + found.matrix("High"))

    def test_long_form_has_every_cell(self):
        frame = shift(table(), groups=["Low", "High"]).to_frame()
        assert list(frame.columns) == ["group", "baseline", "after", "n", "subjects"]
        assert len(frame) == 2 * 4 * 4
        assert frame["n"].sum() == 8
        cell = frame.query("group == 'Low' and baseline == 'C' and after == 'B'").iloc[0]
        assert (cell["n"], cell["subjects"]) == (1, 5)

    def test_grades_as_numbers(self):
        """CTCAE grades come as doubles; they are the same grades."""
        frame = pd.DataFrame({"id": [1, 2], "arm": "Low", "before": [0.0, np.nan], "after": [3.0, 4.0]})
        found = shift(frame, categories=range(5))
        assert found.matrix("Low").loc[0, 3] == 1
        assert found.matrix("Low").loc[MISSING, 4] == 1


class TestInvariance:
    @given(TABLES)
    def test_margins_are_plain_counts(self, rows):
        frame = numbered(rows)
        found = shift(frame, groups=["Low", "High"])
        assert found.counts.sum() == len(rows)
        for group, own in frame.groupby("arm"):
            wide = found.matrix(group)
            for column, axis in (("before", 1), ("after", 0)):
                plain = own[column].fillna(MISSING).value_counts().reindex([*ABC, MISSING], fill_value=0)
                assert wide.sum(axis=axis).tolist() == plain.tolist()
        parts = found.directions()
        assert (parts[["better", "same", "worse", "unknown"]].sum(axis=1) == parts["subjects"]).all()

    @given(TABLES, st.randoms(use_true_random=False))
    def test_order_of_rows(self, rows, random):
        frame = numbered(rows)
        other = frame.iloc[random.sample(range(len(frame)), len(frame))]
        one, two = (shift(f, groups=["Low", "High"]) for f in (frame, other))
        np.testing.assert_array_equal(one.counts, two.counts)

    @given(TABLES)
    def test_before_and_after_change_places(self, rows):
        frame = numbered(rows)
        one = shift(frame, groups=["Low", "High"])
        other = shift(frame, groups=["Low", "High"], baseline="after", after="before")
        np.testing.assert_array_equal(other.counts, one.counts.transpose(0, 2, 1))
        assert other.directions()["better"].tolist() == one.directions()["worse"].tolist()

    @given(TABLES)
    def test_swapping_the_groups(self, rows):
        frame = numbered(rows)
        one, other = (shift(frame, groups=groups) for groups in (["Low", "High"], ["High", "Low"]))
        np.testing.assert_array_equal(other.counts, one.counts[::-1])

    @given(TABLES)
    def test_the_order_of_classes_turns_better_into_worse(self, rows):
        frame = numbered(rows)
        one, other = (
            shift(frame, groups=["Low", "High"], categories=c).directions() for c in (ABC, ABC[::-1])
        )
        assert other["better"].tolist() == one["worse"].tolist()
        assert other["same"].tolist() == one["same"].tolist()


class TestControlFlow:
    def test_a_group_without_subjects_and_no_subjects_at_all(self):
        found = shift(table([]), groups=["Low", "High"])
        assert found.subjects == {"Low": 0, "High": 0}
        assert found.directions()["subjects"].tolist() == [0, 0]
        assert shift(table([])).to_frame().empty
        assert shift(table([])).matrix().to_numpy().sum() == 0

    def test_categorical_columns(self):
        frame = table().assign(before=lambda d: pd.Categorical(d["before"], categories=ABC))
        frame["arm"] = pd.Categorical(frame["arm"], categories=["Low", "High"])
        found = shift(frame)
        assert found.groups == ("Low", "High")
        np.testing.assert_array_equal(found.counts, shift(table(), groups=["Low", "High"]).counts)

    def test_inputs_stay_as_they_are_and_the_result_too(self):
        frame = table()
        before = frame.copy(deep=True)
        found = shift(frame)
        pd.testing.assert_frame_equal(frame, before)
        with pytest.raises(ValueError, match="read-only"):
            found.counts[0, 0, 0] = 5
        wide = found.matrix("Low")
        wide.loc["A", "A"] = 99
        assert found.counts.sum() == 8

    @pytest.mark.parametrize(
        ("change", "options", "words"),
        [
            ({"after": "D"}, {}, r"after must be one of \['A', 'B', 'C'\], got 'D'"),
            ({}, {"categories": []}, "categories must be classes, each once"),
            ({}, {"categories": ["A", "B", "C", "A"]}, "categories must be classes, each once"),
            ({}, {"categories": [*ABC, MISSING]}, "none missing or 'Missing'"),
            ({}, {"categories": [*ABC, None]}, "none missing or 'Missing'"),
            ({}, {"baseline": "x"}, "frame must have one column 'x', got 0"),
            ({}, {"groups": ["Low"]}, "groups must list each label of arm once"),
            ({"id": [1, 1, *range(2, 8)]}, {}, "a subject must have one row, got 1 more"),
            ({"arm": [None, *["Low"] * 7]}, {}, "arm must not be missing, got 1 missing of 8"),
        ],
    )
    def test_refused(self, change, options, words):
        with pytest.raises(ValueError, match=words):
            shift(table().assign(**change), **options)

    def test_an_unknown_group_has_no_matrix(self):
        with pytest.raises(ValueError, match=r"group must be one of \['High', 'Low'\], got 'Middle'"):
            shift(table()).matrix("Middle")


VISITS = st.lists(st.tuples(st.integers(1, 4), CLASSES), max_size=15)


class TestWorstClass:
    def worst(self, rows):
        return worst_class(pd.DataFrame(rows, columns=["id", "cp"]), subject="id", value="cp", categories=ABC)

    def test_by_hand(self):
        found = self.worst([(2, "A"), (1, "B"), (1, "C"), (1, None), (2, "A"), (3, None)])
        assert found.to_dict() == {1: "C", 2: "A", 3: None}
        assert found.name == "cp"

    @given(VISITS)
    def test_nobody_was_ever_worse(self, rows):
        found = self.worst(rows)
        assert sorted(found.index) == sorted({i for i, _ in rows})
        for i, worst in found.items():
            own = [c for j, c in rows if j == i and c is not None]
            assert worst == (max(own) if own else None)

    def test_grades_and_no_rows(self):
        grades = pd.DataFrame({"id": ["x", "x", "y"], "g": [1.0, 3.0, np.nan]})
        found = worst_class(grades, subject="id", value="g", categories=range(5))
        assert found.to_dict() == {"x": 3, "y": None}
        assert self.worst([]).empty

    def test_refused(self):
        with pytest.raises(ValueError, match="cp must be one of"):
            self.worst([(1, "Z")])
        with pytest.raises(ValueError, match="id must not be missing, got 1 missing of 2"):
            self.worst([(None, "A"), (1, "A")])

    def test_subjects_who_were_never_seen_again_stay_in_the_table(self):
        baseline = pd.DataFrame({"id": [1, 2], "arm": "Low", "before": ["A", "B"]})
        after = self.worst([(1, "B"), (1, "A")])
        found = shift(baseline.assign(after=baseline["id"].map(after)))
        assert found.matrix().loc["A", "B"] == 1
        assert found.matrix().loc["B", MISSING] == 1
