"""From a frame and a formula to columns, and to the same columns of a grid of levels.

formulaic takes longer over a hundred rows than the fit does. What it made of a formula is therefore kept: for variables of
the same kinds and levels the columns are made here, if all of them are products of plain variables.
"""

import ast
from collections.abc import Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from esld.longitudinal._covariance import Floats, Ints

_KEPT = 64  # plans; one is a few kB
_plans: dict[tuple[Hashable, ...], "Plan"] = {}


@dataclass(frozen=True, eq=False, kw_only=True)
class Coded:
    """A variable that is a factor by its kind.

    Attributes
    ----------
    codes : ndarray of shape (n,)
        Number of the level of each row.
    levels : tuple
        Levels that the rows have, in the order of the categories, or sorted.
    declared : tuple
        The same, with the categories that no row has.
    """

    codes: Ints
    levels: tuple[Any, ...]
    declared: tuple[Any, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Plan:
    """What formulaic made of the fixed effects of a formula, on variables of given kinds and levels.

    Attributes
    ----------
    spec : formulaic.ModelSpec
        Makes the same columns of another frame.
    terms : tuple of p str
        Names of the columns.
    factors : frozenset of str
        Variables that the formula treats as factors.
    kinds : tuple of p pairs of frozensets
        The numeric and the categorical factors of each column.
    parts : tuple of tuples of (str, bool), or None
        The variables of each block of columns, the levels of the first varying fastest, and whether each leaves out its
        first level. None if some column is more than a product of plain variables.
    """

    spec: Any
    terms: tuple[str, ...]
    factors: frozenset[str]
    kinds: tuple[tuple[frozenset[str], frozenset[str]], ...]
    parts: tuple[tuple[tuple[str, bool], ...], ...] | None

    def matrix(self, values: Mapping[str, Coded | Floats]) -> Floats:
        """The columns, of shape (n, p), by `parts` from variables that are numbers or coded."""
        blocks = []
        for part in self.parts or ():
            block = np.ones((1, 1))
            for name, reduced in part:
                own = values[name]
                if isinstance(own, Coded):
                    indicator = own.codes[:, None] == np.arange(int(reduced), len(own.levels))
                    column = indicator.astype(float)
                else:
                    column = own[:, None]
                block = (column[:, :, None] * block[:, None, :]).reshape(len(column), -1)
            blocks.append(block)
        n = max(len(block) for block in blocks)
        return np.concatenate([np.broadcast_to(block, (n, block.shape[1])) for block in blocks], axis=1)

    def encoded(self, frame: pd.DataFrame) -> Floats:
        """The columns, of shape (n, p), by formulaic."""
        return np.asarray(self.spec.get_model_matrix(frame, output="numpy"), dtype=float)


@lru_cache(maxsize=32)
def parsed(formula: str) -> Any:
    """The formula as formulaic reads it."""
    from formulaic import Formula
    from formulaic.errors import FormulaicError

    try:
        model = Formula(formula)
        _ = model.lhs, model.rhs
    except (AttributeError, FormulaicError) as error:
        raise ValueError(f"formula must be like 'change ~ arm * visit', got {formula!r}") from error
    return model


def variables(side: Any, frame: pd.DataFrame) -> list[str]:
    """Columns of one side of a formula; formulaic does not see those inside a stateful transform, as in ``bs(x)``."""
    found = {str(name) for name in side.required_variables}
    for factor in (factor for term in side for factor in term.factors):
        if factor.eval_method.value == "python":
            with suppress(SyntaxError):  # a quoted name: formulaic has seen it
                names = (node.id for node in ast.walk(ast.parse(factor.expr)) if isinstance(node, ast.Name))
                found |= {name for name in names if name in frame.columns}
    return sorted(found)


def coded(column: "pd.Series[Any]") -> Coded | None:
    """Codes and levels of a categorical column or one of text without missing values; None for another kind."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, declared = np.asarray(column.cat.codes, dtype=np.int64), tuple(column.cat.categories.tolist())
    else:
        if not (column.dtype == object or isinstance(column.dtype, pd.StringDtype)):
            return None
        codes, found = pd.factorize(column)
        labels = found.tolist()
        if not all(isinstance(label, str) for label in labels):
            return None
        order = sorted(range(len(labels)), key=labels.__getitem__)
        codes, declared = np.argsort(order)[codes], tuple(labels[i] for i in order)
    present = np.bincount(codes, minlength=len(declared)) > 0
    levels = tuple(level for level, some in zip(declared, present.tolist(), strict=True) if some)
    return Coded(codes=(np.cumsum(present) - 1)[codes], levels=levels, declared=declared)


def columns(
    formula: str, used: pd.DataFrame, left: Sequence[str], right: Sequence[str]
) -> tuple[Floats, Floats, Plan, dict[str, Coded]]:
    """Outcome, (n,), and fixed effects, (n, p), of rows without missing values; the plan; the factors by their kind.

    Raises
    ------
    ValueError
        The formula cannot be computed; not one outcome; no fixed effect.
    """
    factors = {name: own for name in right if (own := coded(used[name])) is not None}
    numeric = [name for name in right if name not in factors]
    # by their words, which name the columns: 1, 1.0 and True are equal
    words = {name: tuple(map(repr, own.levels)) for name, own in factors.items()}
    key = (formula, *((name, words.get(name)) for name in right))
    values: dict[str, Coded | Floats] = {**factors}
    plain = all(used[name].dtype.kind in "if" for name in (*left, *numeric))
    if plain:
        values |= {name: used[name].to_numpy(dtype=float) for name in numeric}
        if (plan := _plans.get(key)) is not None:
            return used[left[0]].to_numpy(dtype=float), plan.matrix(values), plan, factors
    response, matrix, spec = _made(formula, used)
    plan = _plan(spec, used, right, factors)
    if plan.parts is not None:
        # without a variable nothing tells how many rows there are
        if not (plain and values) or not np.array_equal(plan.matrix(values), matrix):
            plan = replace(plan, parts=None)
        elif str(parsed(formula).lhs) == left[0]:
            if len(_plans) == _KEPT:
                _plans.clear()
            _plans[key] = plan
    return response, matrix, plan, factors


def _made(formula: str, used: pd.DataFrame) -> tuple[Floats, Floats, Any]:
    """What formulaic makes of the rows used, factors having no level without rows."""
    from formulaic.errors import FormulaicError

    own = used.copy(deep=False)
    for name, kind in zip(own.columns, used.dtypes.tolist(), strict=True):
        if isinstance(kind, pd.CategoricalDtype):
            own[name] = own[name].cat.remove_unused_categories()
        elif isinstance(kind, pd.StringDtype):  # formulaic takes these for numbers
            own[name] = own[name].astype(object)
    try:
        made = parsed(formula).get_model_matrix(own, na_action="raise", output="numpy")
    except FormulaicError as error:
        raise ValueError(f"formula must be computable from the frame, got {formula!r}: {error}") from error
    response, matrix = np.asarray(made.lhs, dtype=float), np.asarray(made.rhs, dtype=float)
    if response.ndim != 2 or response.shape[1] != 1:
        outcomes = list(made.lhs.model_spec.column_names)
        raise ValueError(f"formula must have one numeric outcome, got {outcomes}")
    if matrix.shape[1] == 0:
        raise ValueError(f"formula must have at least one fixed effect, got {formula!r}")
    return response[:, 0], matrix, made.rhs.model_spec


def _plan(spec: Any, used: pd.DataFrame, right: Sequence[str], factors: Mapping[str, Coded]) -> Plan:
    kind = {str(factor): state[0].value for factor, state in spec.encoder_state.items()}
    categorical = {name for name in kind if kind[name] == "categorical"}
    found = {
        str(variable)
        for factor, own in spec.factor_variables.items()
        if str(factor) in categorical
        for variable in own
    }
    kinds, parts, plain = [], [], True
    for block in spec.structure:
        own = [str(factor) for factor in block.term.factors]
        pair = (
            frozenset(f for f in own if kind.get(f) == "numerical"),
            frozenset(f for f in own if f in categorical),
        )
        kinds += [pair] * len(block.columns)
        for scoped in block.scoped_terms:
            names = [(str(f.factor.expr), bool(f.reduced)) for f in scoped.factors]
            plain &= scoped.scale == 1 and all(
                name in right and (name in factors) == (name in categorical) for name, _ in names
            )
            parts.append(tuple(names))
    wordy = {
        name for name in right
        if name in factors or used[name].dtype == bool or not pd.api.types.is_numeric_dtype(used[name])
    }  # fmt: skip
    return Plan(
        spec=spec, terms=tuple(str(name) for name in spec.column_names), factors=frozenset((found | wordy) & set(right)),
        kinds=tuple(kinds), parts=tuple(parts) if plain else None,
    )  # fmt: skip
