"""Rows of a design as sufficient statistics, in units in which the search for a maximum does not depend on scale."""

from dataclasses import dataclass, field

import numpy as np

from esld.longitudinal._covariance import Bools, Floats, Ints
from esld.longitudinal._design import Design
from esld.longitudinal._rank import Estimable, estimable

# What is left of the response below this part of its size is rounding.
_NO_SPREAD = 1e-10
# Directions of the fixed effects below this part of the largest are none, where a visit has a fit of its own.
_NO_DIRECTION = 1e-10


@dataclass(frozen=True, eq=False, kw_only=True)
class Rows:
    """Per missingness pattern as few pseudo-subjects as have the same cross products, each visit in a unit of its own.

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
    x : ndarray of shape (R, m, r)
        Fixed effects divided by `scale`, in orthonormal coordinates, 0 at missing visits.
    y : ndarray of shape (R, m)
        Residuals of least squares divided by `scale`, 0 at missing visits.
    transform : ndarray of shape (r, r)
        ``x`` is the fixed effects divided by `scale`, times this.
    ols : ndarray of shape (r,)
        Coefficients of least squares.
    scale : ndarray of shape (m,)
        Unit of each visit.
    n_obs : int
        Values.
    log_unit : float
        Logarithm of the density of a value of each observation in its unit of one in the unit of the data: minus the sum of
        the logarithms of the units.
    """

    present: Bools
    subjects: Floats
    pattern: Ints
    starts: Ints
    x: Floats
    y: Floats
    transform: Floats
    ols: Floats
    scale: Floats
    n_obs: int
    log_unit: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Compressed:
    """The rows before a unit is chosen.

    Attributes
    ----------
    present, subjects, pattern, starts
        As in `Rows`.
    x : ndarray of shape (R, m, r)
        The columns of the fixed effects that are kept, in orthonormal coordinates.
    y : ndarray of shape (R, m)
        Residuals of least squares.
    transform : ndarray of shape (r, r)
        ``x`` is the columns kept times this.
    ols : ndarray of shape (r,)
        Coefficients of least squares.
    spread : float
        Standard deviation of the residuals.
    n_obs : int
        Values.
    estimable : Estimable
        Which columns are kept, and what can be estimated.
    made : dict
        Rows made before, by whether each visit has its own unit.
    """

    present: Bools
    subjects: Floats
    pattern: Ints
    starts: Ints
    x: Floats
    y: Floats
    transform: Floats
    ols: Floats
    spread: float
    n_obs: int
    estimable: Estimable
    made: dict[bool, Rows] = field(default_factory=dict)

    def rows(self, *, by_visit: bool) -> Rows:
        """In one unit, the spread of all residuals, or in one for each visit, the spread about a fit of the visit's own.

        A structure with a variance for each visit has the same likelihood, but for a constant, whatever the units: in
        these the search does not depend on them.
        """
        if by_visit not in self.made:
            self.made[by_visit] = self._rows(by_visit)
        return self.made[by_visit]

    def _rows(self, by_visit: bool) -> Rows:
        m, r = self.present.shape[1], self.x.shape[-1]
        scale = _spread_by_visit(self) if by_visit else np.full(m, self.spread)
        x, y = self.x / scale[:, None], self.y / scale
        turn = orthonormal(x.reshape(-1, r))
        x = x @ turn
        along = x.reshape(-1, r).T @ y.ravel()
        seen = self.subjects @ self.present
        return Rows(
            present=self.present, subjects=self.subjects, pattern=self.pattern, starts=self.starts, x=x,
            y=y - x @ along, transform=self.transform @ turn, ols=self.ols + self.transform @ (turn @ along),
            scale=scale, n_obs=self.n_obs, log_unit=-float(seen @ np.log(scale)),
        )  # fmt: skip


def compress(design: Design) -> Compressed:
    """Group the subjects by their missingness pattern, and keep of each pattern what the likelihood needs."""
    found = estimable(design.matrix, design.plan)
    matrix = design.matrix[:, found.kept]
    n, p = matrix.shape
    if n <= p:
        raise ValueError(
            f"more rows than coefficients are needed, got {n} rows and {len(found.terms)} coefficients"
        )
    m, subjects = len(design.schedule.visits), int(design.subject.max()) + 1
    both = np.zeros((subjects, m, p + 1))
    both[design.subject, design.visit, :p] = matrix
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
    transform = orthonormal(x.reshape(-1, p))
    x = x @ transform
    along = x.reshape(-1, p).T @ y.ravel()
    left = y - x @ along
    size = float(np.sqrt(np.mean(design.response**2)))
    spread = float(np.sqrt(np.sum(left**2) / (n - p)))
    if spread <= _NO_SPREAD * size:
        raise ValueError("the outcome must vary about the fixed effects, got residuals of 0")
    return Compressed(
        present=seen[first], subjects=count.astype(float), pattern=pattern, starts=starts, x=x, y=left,
        transform=transform, ols=transform @ along, spread=spread, n_obs=n, estimable=found,
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


def _spread_by_visit(rows: Compressed) -> Floats:
    """Spread of the outcome at each visit about a fit to this visit alone.

    It goes with the unit of the visit and with nothing else. Where no such spread is left, it is the one about the common
    fit, and where that is rounding, the common spread.
    """
    x, y = rows.x.transpose(1, 0, 2), rows.y.T
    gram = x.transpose(0, 2, 1) @ x
    values, vectors = np.linalg.eigh(gram)
    fine = values > _NO_DIRECTION * values[:, -1:]
    along = (vectors.transpose(0, 2, 1) @ (x.transpose(0, 2, 1) @ y[..., None]))[..., 0]
    coef = vectors @ np.where(fine, along / np.where(fine, values, 1.0), 0.0)[..., None]
    left = np.sum((y - (x @ coef)[..., 0]) ** 2, axis=1)
    seen, whole = rows.subjects @ rows.present, np.sum(y**2, axis=1)
    free = seen - np.count_nonzero(fine, axis=1)
    own = (free > 0) & (left > _NO_SPREAD**2 * whole)
    square = np.where(own, left / np.maximum(free, 1), whole / seen)
    return np.where(square > (_NO_SPREAD * rows.spread) ** 2, np.sqrt(square), rows.spread)


def orthonormal(flat: Floats) -> Floats:
    """The matrix that makes independent columns orthonormal."""
    from scipy.linalg import qr, solve_triangular

    p = flat.shape[1]
    length = np.sqrt(np.sum(flat**2, axis=0))
    # Rows by their size: with units far apart a QR decomposition keeps the small ones only so (Cox and Higham 1998).
    order = np.argsort(-np.abs(flat).max(axis=1), kind="stable")
    upper, pivot = qr(flat[order] / length, mode="r", pivoting=True, check_finite=False)
    transform = np.zeros((p, p))
    transform[pivot] = solve_triangular(upper[:p], np.eye(p), check_finite=False)
    found: Floats = transform / length[:, None]
    return found
