"""From a frame and a formula to the arrays of a model for repeated measures."""

import ast
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from esld.longitudinal._covariance import Bools, Floats, Ints

# A column whose distance to the span of the others is below this part of its length is a combination of them.
_COLLINEAR = 1e-10
# What is left of the response below this part of its size is rounding.
_NO_SPREAD = 1e-10


@dataclass(frozen=True, eq=False, kw_only=True)
class Design:
    """What a formula makes of the rows used.

    Attributes
    ----------
    response : ndarray of shape (n,)
        Outcome of each row.
    matrix : ndarray of shape (n, p)
        Fixed effects.
    spec : formulaic.ModelSpec
        Makes the same columns of another frame.
    subject, visit : ndarray of shape (n,)
        Number of the subject and of the visit of each row, from 0.
    variables : tuple of str
        Columns of the fixed effects.
    visits : tuple of m labels
        In the order of the categories, or sorted.
    times : ndarray of shape (m,)
        Time of each visit; 0, 1, ... where it is not known.
    timed : bool
        Whether the times are known.
    frame : DataFrame
        The rows used, the columns of the formula.
    n_dropped : int
        Rows left out because the outcome is missing.
    grids : dict
        Weights of LS means that were made before, by arm and visit.
    """

    response: Floats
    matrix: Floats
    spec: Any
    subject: Ints
    visit: Ints
    variables: tuple[str, ...]
    visits: tuple[Any, ...]
    times: Floats
    timed: bool
    frame: pd.DataFrame
    n_dropped: int
    grids: dict[tuple[str, str | None], Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, kw_only=True)
class Rows:
    """Sufficient statistics: per missingness pattern as few pseudo-subjects as have the same cross products.

    Attributes
    ----------
    present : ndarray of shape (P, m), bool
        Visits of each pattern.
    subjects : ndarray of shape (P,)
        Subjects with the pattern.
    pattern : ndarray of shape (R,)
        Pattern of each pseudo-subject, ascending.
    starts : ndarray of shape (P,)
        First pseudo-subject of each pattern.
    x : ndarray of shape (R, m, p)
        Fixed effects in orthonormal coordinates, 0 at missing visits.
    y : ndarray of shape (R, m)
        Residuals of least squares divided by `scale`, 0 at missing visits.
    transform : ndarray of shape (p, p)
        ``x`` is the fixed effects times this.
    ols : ndarray of shape (p,)
        Coefficients of least squares.
    scale : float
        Standard deviation of the residuals of least squares.
    n_obs : int
        Values.
    """

    present: Bools
    subjects: Floats
    pattern: Ints
    starts: Ints
    x: Floats
    y: Floats
    transform: Floats
    ols: Floats
    scale: float
    n_obs: int


def read(
    frame: pd.DataFrame,
    formula: str,
    subject: str,
    visit: str,
    times: Mapping[Any, float] | ArrayLike | None,
) -> Design:
    """The rows with an outcome, as arrays; see `mmrm` for what is refused."""
    from formulaic.errors import FormulaicError

    try:
        model = _parsed(formula)
        outcome, terms = model.lhs, model.rhs
    except (AttributeError, FormulaicError) as error:
        raise ValueError(f"formula must be like 'change ~ arm * visit', got {formula!r}") from error
    left, right = (_variables(side, frame) for side in (outcome, terms))
    columns = list(dict.fromkeys([*left, *right, subject, visit]))
    if absent := [name for name in columns if name not in frame.columns]:
        raise ValueError(f"frame must have the columns of the model, got none called {absent}")
    used = frame[columns]
    for name in (subject, visit):
        if missing := int(used[name].isna().sum()):
            raise ValueError(f"{name} must not be missing, got {missing} missing of {len(used)}")
    _require_one_row(used, subject, visit)
    known = np.logical_and.reduce([used[name].notna().to_numpy() for name in left])
    used = used[known].reset_index(drop=True)
    if used.empty:
        raise ValueError("frame must have rows with an outcome, got none")
    for name in right:
        if missing := int(np.count_nonzero(used[name].isna().to_numpy())):
            raise ValueError(
                f"covariates must be known where the outcome is, got {name!r} missing in {missing} rows"
            )
    if words := [name for name in left if not pd.api.types.is_numeric_dtype(used[name])]:
        raise ValueError(f"the outcome must be numeric, got {words}")
    for name, kind in zip(columns, used.dtypes.tolist(), strict=True):
        if isinstance(kind, pd.CategoricalDtype):
            used[name] = used[name].cat.remove_unused_categories()
        elif isinstance(kind, pd.StringDtype):  # formulaic takes these for numbers
            used[name] = used[name].astype(object)
    try:
        made = model.get_model_matrix(used, na_action="raise", output="numpy")
    except FormulaicError as error:
        raise ValueError(f"formula must be computable from the frame, got {formula!r}: {error}") from error
    response, matrix = np.asarray(made.lhs, dtype=float), np.asarray(made.rhs, dtype=float)
    if response.ndim != 2 or response.shape[1] != 1:
        raise ValueError(
            f"formula must have one numeric outcome, got {list(made.lhs.model_spec.column_names)}"
        )
    if matrix.shape[1] == 0:
        raise ValueError(f"formula must have at least one fixed effect, got {formula!r}")
    if not (np.isfinite(response).all() and np.isfinite(matrix).all()):
        raise ValueError("outcome and covariates must be finite, got infinite or undefined values")
    codes, labels = pd.factorize(used[visit], sort=True)
    times, timed = _times(tuple(labels.tolist()), times)
    return Design(
        response=response[:, 0], matrix=matrix, spec=made.rhs.model_spec, subject=pd.factorize(used[subject])[0],
        visit=codes, variables=tuple(right), visits=tuple(labels.tolist()), times=times, timed=timed, frame=used,
        n_dropped=int(np.count_nonzero(~known)),
    )  # fmt: skip


@lru_cache(maxsize=32)
def _parsed(formula: str) -> Any:
    """The formula as formulaic reads it, which takes longer than a small fit's linear algebra."""
    from formulaic import Formula

    return Formula(formula)


def _require_one_row(used: pd.DataFrame, subject: str, visit: str) -> None:
    """Refuse two rows of one subject and visit."""
    subjects, visits = (pd.factorize(used[name])[0] for name in (subject, visit))
    cells = subjects.astype(np.int64) * len(used) + visits
    if np.unique(cells).size == cells.size:
        return
    twice = used.duplicated([subject, visit])
    first = tuple(used.loc[twice, name].tolist()[0] for name in (subject, visit))
    raise ValueError(
        f"a subject must have one row a visit, got {int(twice.sum())} more, the first at {first}"
    )


def _variables(side: Any, frame: pd.DataFrame) -> list[str]:
    """Columns of one side of a formula; formulaic does not see those inside a stateful transform, as in ``bs(x)``."""
    found = {str(name) for name in side.required_variables}
    for factor in (factor for term in side for factor in term.factors):
        if factor.eval_method.value == "python":
            with suppress(SyntaxError):  # a quoted name: formulaic has seen it
                names = (node.id for node in ast.walk(ast.parse(factor.expr)) if isinstance(node, ast.Name))
                found |= {name for name in names if name in frame.columns}
    return sorted(found)


def _times(visits: tuple[Any, ...], times: Mapping[Any, float] | ArrayLike | None) -> tuple[Floats, bool]:
    if times is None:
        numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in visits)
        return np.array(visits if numeric else range(len(visits)), dtype=float), numeric
    if isinstance(times, Mapping):
        if absent := [v for v in visits if v not in times]:
            raise ValueError(f"times must have every visit, got none for {absent}")
        times = [times[v] for v in visits]
    found = np.asarray(times, dtype=float)
    if found.shape != (len(visits),):
        raise ValueError(f"times must have one time for each of {list(visits)}, got {found.tolist()}")
    if not np.isfinite(found).all() or np.any(np.diff(found) <= 0):
        raise ValueError(
            f"times must rise from visit to visit, got {found.tolist()} for {list(visits)}. Make the visits categorical"
        )
    return found, True


def compress(design: Design) -> Rows:
    """Group the subjects by their missingness pattern, and keep of each pattern what the likelihood needs."""
    n, p = design.matrix.shape
    m, subjects = len(design.visits), int(design.subject.max()) + 1
    both = np.zeros((subjects, m, p + 1))
    both[design.subject, design.visit, :p] = design.matrix
    both[design.subject, design.visit, p] = design.response
    seen = np.zeros((subjects, m), dtype=bool)
    seen[design.subject, design.visit] = True
    packed = np.packbits(seen, axis=1)
    _, first, code, count = np.unique(
        packed, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.argsort(code.ravel(), kind="stable")
    blocks, ends = [], np.cumsum(count)
    for index, end, size in zip(first, ends, count, strict=True):
        blocks.append(_fewer(both[order[end - size : end]], seen[index]))
    starts = np.cumsum([0] + [len(block) for block in blocks[:-1]])
    pattern = np.repeat(np.arange(len(blocks)), [len(block) for block in blocks])
    z = np.concatenate(blocks)
    x, y = z[..., :p], z[..., p]
    transform = _orthonormal(x.reshape(-1, p), design.spec.column_names, n)
    x = x @ transform
    flat = x.reshape(-1, p)
    along = flat.T @ y.ravel()
    left = y - x @ along
    size = float(np.sqrt(np.mean(design.response**2)))
    scale = float(np.sqrt(np.sum(left**2) / (n - p)))
    if scale <= _NO_SPREAD * size:
        raise ValueError("the outcome must vary about the fixed effects, got residuals of 0")
    return Rows(
        present=seen[first], subjects=count.astype(float), pattern=pattern, starts=starts, x=x, y=left / scale,
        transform=transform, ols=transform @ along, scale=scale, n_obs=n,
    )  # fmt: skip


def _fewer(rows: Floats, seen: Bools) -> Floats:
    """Rows of a pattern, (n, m, p + 1), replaced by as many as there are distinct columns, if that is fewer.

    The triangular factor of the distinct columns has their cross products, which is all that the likelihood uses.
    """
    n, m, width = rows.shape
    at = np.flatnonzero(seen)
    if n <= len(at) + 1:  # the outcomes alone are as many
        return rows
    flat = np.ascontiguousarray(rows[:, at].reshape(n, -1).T)
    place: dict[bytes, int] = {}
    which = np.array([place.setdefault(column.tobytes(), len(place)) for column in flat])
    if len(place) >= n:
        return rows
    _, one = np.unique(which, return_index=True)
    small = np.asarray(np.linalg.qr(flat[one].T, mode="r"))
    fewer = np.zeros((len(small), m, width))
    fewer[:, at] = np.take(small, which, axis=1).reshape(len(small), len(at), width)
    return fewer


def _orthonormal(flat: Floats, names: tuple[str, ...], n: int) -> Floats:
    """The matrix that makes the columns orthonormal; collinear columns are refused by name."""
    from scipy.linalg import qr, solve_triangular

    p = flat.shape[1]
    length = np.sqrt(np.sum(flat**2, axis=0))
    if zero := [name for name, size in zip(names, length, strict=True) if size == 0]:
        raise ValueError(f"formula must have no empty terms, got no rows with {zero}")
    if n <= p:
        raise ValueError(f"more rows than coefficients are needed, got {n} rows and {p} coefficients")
    upper, pivot = qr(flat / length, mode="r", pivoting=True)
    size = np.abs(np.diag(upper))
    rank = int(np.count_nonzero(size > _COLLINEAR))
    if rank < p:
        share = solve_triangular(upper[:rank, :rank], upper[:rank, rank:])
        part = pivot[:rank][np.any(np.abs(share) > 1e-6, axis=1)]
        wrong = [names[i] for i in sorted({*part.tolist(), *pivot[rank:].tolist()})]
        raise ValueError(
            f"formula must have no collinear terms, got {wrong}, of which some determine the others"
        )
    transform = np.zeros((p, p))
    transform[pivot] = solve_triangular(upper[:p], np.eye(p))
    found: Floats = transform / length[:, None]
    return found
