"""From a frame and a formula to the arrays of a model for repeated measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from esld.longitudinal._covariance import Floats, Ints
from esld.longitudinal._formula import Coded, Plan, columns, parsed, variables
from esld.longitudinal._schedule import Schedule, schedule


@dataclass(frozen=True, eq=False, kw_only=True)
class Design:
    """What a formula makes of the rows used.

    Attributes
    ----------
    response : ndarray of shape (n,)
        Outcome of each row.
    matrix : ndarray of shape (n, p)
        Fixed effects.
    plan : Plan
        Makes the same columns of another frame.
    subject, visit : ndarray of shape (n,)
        Number of the subject and of the visit of each row, from 0.
    variables : tuple of str
        Columns of the fixed effects.
    coded : dict of str to Coded
        Those that are factors by their kind.
    schedule : Schedule
        The m visits that have an outcome.
    frame : DataFrame
        The rows used, the columns of the formula.
    n_dropped : int
        Rows left out because the outcome is missing.
    grids : dict
        Weights of LS means that were made before, by arm, visit and kind of weight.
    """

    response: Floats
    matrix: Floats
    plan: Plan
    subject: Ints
    visit: Ints
    variables: tuple[str, ...]
    coded: dict[str, Coded]
    schedule: Schedule
    frame: pd.DataFrame
    n_dropped: int
    grids: dict[tuple[str, str | None, str], Any] = field(default_factory=dict)


def read(
    frame: pd.DataFrame,
    formula: str,
    subject: str,
    visit: str,
    times: Mapping[Any, float] | ArrayLike | None,
) -> Design:
    """The rows with an outcome, as arrays; see `mmrm` for what is refused."""
    model = parsed(formula)
    left, right = (variables(side, frame) for side in (model.lhs, model.rhs))
    names = list(dict.fromkeys([*left, *right, subject, visit]))
    there = frame.columns.tolist()
    if absent := [name for name in names if name not in there]:
        raise ValueError(f"frame must have the columns of the model, got none called {absent}")
    if twice := [name for name in names if there.count(name) > 1]:
        raise ValueError(f"frame must have each column of the model once, got more called {twice}")
    if not left:
        raise ValueError(f"formula must have an outcome, got {formula!r}")
    subjects, visited = (pd.factorize(frame[name])[0] for name in (subject, visit))
    for name, numbers in ((subject, subjects), (visit, visited)):
        if missing := int(np.count_nonzero(numbers < 0)):
            raise ValueError(f"{name} must not be missing, got {missing} missing of {len(frame)}")
    _require_one_row(frame, subject, visit, subjects * len(frame) + visited)
    known = np.logical_and.reduce([frame[name].notna().to_numpy() for name in left])
    if not known.any():
        raise ValueError("frame must have rows with an outcome, got none")
    used = frame[names].take(np.flatnonzero(known))
    for name in right:
        if missing := int(np.count_nonzero(used[name].isna().to_numpy())):
            raise ValueError(
                f"covariates must be known where the outcome is, got {name!r} missing in {missing} rows"
            )
    if words := [name for name in left if not pd.api.types.is_numeric_dtype(used[name])]:
        raise ValueError(f"the outcome must be numeric, got {words}")
    visits, codes = schedule(frame[visit], known, times)
    response, matrix, plan, coded = columns(formula, used, left, right)
    if not (np.isfinite(response).all() and np.isfinite(matrix).all()):
        raise ValueError("outcome and covariates must be finite, got infinite or undefined values")
    return Design(
        response=response, matrix=matrix, plan=plan, subject=pd.factorize(subjects[known])[0], visit=codes,
        variables=tuple(right), coded=coded, schedule=visits, frame=used, n_dropped=int(np.count_nonzero(~known)),
    )  # fmt: skip


def _require_one_row(frame: pd.DataFrame, subject: str, visit: str, cells: Ints) -> None:
    """Refuse two rows of one subject and visit, which is their cell."""
    if np.unique(cells).size == cells.size:
        return
    twice = frame.duplicated([subject, visit])
    first = tuple(frame.loc[twice, name].tolist()[0] for name in (subject, visit))
    raise ValueError(
        f"a subject must have one row a visit, got {int(twice.sum())} more, the first at {first}"
    )
