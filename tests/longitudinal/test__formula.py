"""Columns made by a kept plan are those that formulaic makes."""

import numpy as np
import pandas as pd
import pytest
from formulaic import Formula
from hypothesis import given
from hypothesis import strategies as st

from esld.longitudinal._formula import columns, parsed, variables
from tests.examples import few

TERMS = ("x", "z", "a", "b", "a:b", "x:a", "x:z", "x:a:b", "x:z:b", "0")


def frame(words, rows=24):
    rng = np.random.default_rng(list(words.encode()))
    made = pd.DataFrame(
        {"y": rng.normal(size=rows), "x": rng.normal(size=rows), "z": rng.integers(1, 9, rows)}
    )
    made["a"] = np.resize(["p", "q"], rows)
    made["b"] = pd.Categorical(np.resize([3, 1, 2], rows), categories=[1, 2, 3, 4])
    return made.sample(frac=1, random_state=len(words))


def both(formula, rows):
    right = variables(parsed(formula).rhs, rows)
    response, matrix, plan, _ = columns(formula, rows, ["y"], right)
    own = rows.assign(b=rows["b"].cat.remove_unused_categories())
    wanted = Formula(formula).get_model_matrix(own, output="numpy")
    return response, matrix, plan, wanted


class TestPlan:
    @few(25)
    @given(terms=st.lists(st.sampled_from(TERMS), min_size=1, max_size=5, unique=True))
    def test_of_another_frame_with_the_same_levels(self, terms):
        formula = "y ~ " + " + ".join(terms)
        if terms == ["0"]:
            return
        for rows in (frame("first"), frame("the second of them", 30)):
            response, matrix, plan, wanted = both(formula, rows)
            np.testing.assert_array_equal(response, rows["y"])
            np.testing.assert_array_equal(matrix, np.asarray(wanted.rhs, dtype=float))
            assert plan.terms == tuple(wanted.rhs.model_spec.column_names)
            assert plan.parts is not None

    def test_is_kept(self):
        one, other = (both("y ~ x + a * b", frame(words))[2] for words in ("one", "other"))
        assert one is other

    def test_of_other_levels_is_another(self):
        rows = frame("levels")
        two = rows[rows["b"].ne(2)]
        assert both("y ~ x + b", rows)[2].terms != both("y ~ x + b", two)[2].terms
        fractions = rows.assign(b=pd.Categorical(rows["b"].astype(float)))
        assert both("y ~ b", rows)[2].terms[1:] == ("b[T.2]", "b[T.3]")
        assert both("y ~ b", fractions)[2].terms[1:] == ("b[T.2.0]", "b[T.3.0]")

    @pytest.mark.parametrize(
        "formula", ["y ~ np.log(z) + a", "y ~ C(z)", "y ~ center(x)", "y ~ poly(x, 2) + b"]
    )
    def test_of_more_than_plain_variables_is_left_to_formulaic(self, formula):
        assert both(formula, frame("more"))[2].parts is None

    def test_without_a_variable_none_is_kept(self):
        """A frame of one row would make every later one of it one row."""
        for rows in (1, 24):
            response, matrix, plan, _ = both("y ~ 1", frame("one", rows))
            assert (plan.parts, len(response), matrix.tolist()) == (None, rows, [[1.0]] * rows)

    def test_of_truth_values_is_left_to_formulaic(self):
        rows = frame("truth").assign(x=lambda d: d["x"] > 0)
        _, matrix, plan, wanted = both("y ~ x * a", rows)
        assert plan.parts is None
        np.testing.assert_array_equal(matrix, np.asarray(wanted.rhs, dtype=float))


class TestVariables:
    def test_inside_a_transform(self):
        rows = frame("inside")
        assert variables(parsed("y ~ bs(x, df=3) + a").rhs, rows) == ["a", "x"]
