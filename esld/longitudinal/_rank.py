"""Which combinations of the coefficients the rows can estimate."""

from dataclasses import dataclass

import numpy as np

from esld.longitudinal._covariance import Bools, Floats, Ints
from esld.longitudinal._formula import Plan

# A column whose distance to the span of the others is below this part of its length is a combination of them.
_COLLINEAR = 1e-10
# A combination whose part that cannot be seen is below this share of it can be estimated; as in R emmeans.
_ESTIMABLE = 1e-8
_CLEAR = 1e-6  # a smallest eigenvalue above this leaves no doubt that all columns are independent
_INVOLVED = 1e-6


@dataclass(frozen=True, eq=False, kw_only=True)
class Estimable:
    """The columns of the fixed effects, of shape (n, p) and rank r.

    Attributes
    ----------
    kept : ndarray of shape (r,)
        Columns that determine the others: each that is no combination of those before it.
    length : ndarray of shape (p,)
        Length of each column; 1 for a column of 0.
    null : ndarray of shape (p, p - r)
        What changes no fitted value, orthonormal, of the coefficients times `length`.
    terms : tuple of p str
        Names of the columns.
    """

    kept: Ints
    length: Floats
    null: Floats
    terms: tuple[str, ...]

    def of(self, weights: Floats) -> Bools:
        """Whether each combination, (c, p), has one value for all coefficients that fit equally well.

        References
        ----------
        Searle (1971), Linear Models, 5.4. R estimability, `is.estble`.
        """
        if self.null.shape[1] == 0:
            return np.asarray(np.isfinite(weights).all(axis=1))
        scaled = weights / self.length
        size = np.sqrt(np.sum(scaled**2, axis=1))
        found: Bools = np.sqrt(np.sum((scaled @ self.null) ** 2, axis=1)) <= _ESTIMABLE * size
        return found

    def part(self, weights: Floats) -> Floats:
        """A basis of those combinations of the rows of `weights`, (q, p), that can be estimated."""
        if self.of(weights).all():
            return weights
        turned = (weights / self.length) @ self.null
        left, size, _ = np.linalg.svd(turned)
        rank = int(np.count_nonzero(size > _ESTIMABLE * max(float(size[0]), 1e-300)))
        return np.asarray(left[:, rank:].T @ weights)

    def undetermined(self, weights: Floats) -> list[str]:
        """The terms whose coefficients can change, without any fitted value, so that a row of `weights`, (c, p), does."""
        moved = (weights / self.length) @ self.null @ self.null.T
        involved = np.any(np.abs(moved) > _INVOLVED * np.abs(moved).max(), axis=0)
        return [term for term, some in zip(self.terms, involved, strict=True) if some]


def estimable(matrix: Floats, plan: Plan) -> Estimable:
    """What can be estimated from the rows of a design.

    Combinations of factors without rows take away coefficients, and no more: they are left out, as by R with
    ``singular.ok``. Any other dependence is a mistake in the formula.

    Raises
    ------
    ValueError
        Collinear terms, named.
    """
    length = np.sqrt(np.sum(matrix**2, axis=0))
    length = np.where(length > 0, length, 1.0)
    unit = matrix / length
    # The eigenvalues are squares of what rounding disturbs: small ones are left to the slow way.
    if len(unit) >= len(length) and np.linalg.eigvalsh(unit.T @ unit)[0] > _CLEAR:
        kept, null = np.arange(len(length)), np.empty((len(length), 0))
    else:
        kept = _independent(unit)
        null = _null(unit, len(kept))
        if null.shape[1] and len(kept) < len(unit) and _numeric_dependence(unit, kept, plan):
            if empty := [plan.terms[j] for j in np.flatnonzero(~unit.any(axis=0)) if plan.kinds[j][0]]:
                raise ValueError(f"formula must have no empty terms, got 0 in every row of {empty}")
            involved = np.abs(null).max(axis=1) > _INVOLVED
            wrong = [term for term, some in zip(plan.terms, involved, strict=True) if some]
            raise ValueError(
                f"formula must have no collinear terms, got {wrong}, of which some determine the others"
            )
    return Estimable(kept=kept, length=length, null=null, terms=plan.terms)


def _independent(unit: Floats) -> Ints:
    """Each column of length 1 that is no combination of those before it."""
    basis, kept = np.empty((len(unit), 0)), []
    for j, column in enumerate(unit.T):
        left = column
        for _ in range(2):  # a second time, for what the first leaves by rounding
            left = left - basis @ (basis.T @ left)
        if (far := float(np.sqrt(left @ left))) > _COLLINEAR:
            kept.append(j)
            basis = np.column_stack([basis, left / far])
    return np.array(kept, dtype=np.int64)


def _null(unit: Floats, rank: int) -> Floats:
    triangle = np.linalg.qr(unit, mode="r")
    return np.asarray(np.linalg.svd(triangle, full_matrices=True)[2][rank:].T)


def _numeric_dependence(unit: Floats, kept: Ints, plan: Plan) -> bool:
    """Whether more than absent combinations of factors makes columns depend on one another.

    Columns are compared within those that have the same numeric variables; there the factors must leave as few of them
    independent as they do where the numeric variables are 1.
    """
    groups: dict[frozenset[str], list[int]] = {}
    for j, (numeric, _) in enumerate(plan.kinds):
        groups.setdefault(numeric, []).append(j)
    ranks = {numeric: len(_independent(unit[:, own])) for numeric, own in groups.items()}
    if sum(ranks.values()) != len(kept):
        return True
    for numeric, own in groups.items():
        if numeric and ranks[numeric] < len(own):
            alone = {plan.kinds[j][1] for j in own}
            same = [j for j in groups.get(frozenset(), []) if plan.kinds[j][1] in alone]
            if len(same) != len(own) or len(_independent(unit[:, same])) != ranks[numeric]:
                return True
    return False
