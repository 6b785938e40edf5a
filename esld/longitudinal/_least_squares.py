"""Least squares of an outcome on groups and covariates, with both covariances of the coefficients."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import nan

import numpy as np

from esld.longitudinal._covariance import Floats
from esld.reasons import Reason, Why, because

# A column this close to the span of the others, against its length, is a combination of them; a spread this small
# against the values is none.
_COLLINEAR = _NO_SPREAD = 1e-10
# A row that the fit goes through has leverage 1, to rounding.
_FIXED = 1e-10


@dataclass(frozen=True, eq=False, kw_only=True)
class Model:
    """What a fit yields, and why any of it is NaN.

    Attributes
    ----------
    coef : ndarray of shape (p,)
        Adjusted mean of each group, covariates at their mean; then the slopes.
    vcov, vcov_hc3 : ndarray of shape (p, p)
        With equal variances, and HC3.
    df : float
        n - p.
    noise : float
        What is no larger is rounding of the outcome.
    residuals : ndarray of shape (n,)
        Of the outcome on the covariates without the groups; they sum to 0.
    unfitted : Reason or None
        Why everything is NaN; None if the coefficients exist.
    reason, reason_hc3 : Reason or None
        Why `vcov` and `vcov_hc3` are NaN; None if they are not.
    """

    coef: Floats
    vcov: Floats
    vcov_hc3: Floats
    df: float
    noise: float
    residuals: Floats
    unfitted: Reason | None = None
    reason: Reason | None = None
    reason_hc3: Reason | None = None


def least_squares(y: Floats, x: Floats, groups: Sequence[str], names: Sequence[str]) -> Model:
    """Fit the outcome to indicators of the groups, the first columns of `x`, and covariates, called `names`."""
    (n, p), k = x.shape, len(groups)
    undefined = np.full((p, p), nan)
    if why := _impossible(x, groups, names):
        return Model(
            coef=undefined[0], vcov=undefined, vcov_hc3=undefined, df=nan, noise=0.0, residuals=np.full(n, nan),
            unfitted=why, reason=why, reason_hc3=why,
        )  # fmt: skip
    q, r, length = _orthogonal(x, first=k)
    inverse = np.linalg.solve(r, np.eye(p)) / length[:, None]
    coef = inverse @ (q.T @ (y - y.mean()))
    coef[:k] += y.mean()
    noise = _NO_SPREAD * float(np.abs(y).max())
    left = _residuals(y, q, noise)
    alone = _residuals(y, _orthogonal(np.column_stack([np.ones(n), x[:, k:]]), first=1)[0], noise)
    model = Model(
        coef=coef, vcov=undefined, vcov_hc3=undefined, df=n - p, noise=noise, residuals=alone
    )  # fmt: skip
    if n == p or not left.any():
        why = because(Why.RESIDUALS_ZERO)
        if n == p:
            why = because(Why.NO_DEGREES_OF_FREEDOM, rows=n, coefficients=p)
        return replace(model, reason=why, reason_hc3=why)
    model = replace(model, vcov=(left @ left) / (n - p) * inverse @ inverse.T)
    leverage = np.sum(q**2, axis=1)
    if fixed := int(np.count_nonzero(leverage > 1 - _FIXED)):
        return replace(model, reason_hc3=because(Why.LEVERAGE_ONE, rows=fixed, n=n))
    moved = inverse @ (q * (left / (1 - leverage))[:, None]).T  # what leaving out each row changes
    return replace(model, vcov_hc3=moved @ moved.T)


def _impossible(x: Floats, groups: Sequence[str], names: Sequence[str]) -> Reason | None:
    """Why a model has no unique coefficients; None if it has."""
    (n, p), k = x.shape, len(groups)
    for label, column in zip(groups, x.T, strict=False):
        if not column.any():
            return because(Why.NO_VALUES, group=label)
    if n < p:
        return because(Why.NO_DEGREES_OF_FREEDOM, rows=n, coefficients=p)
    for name, column in zip(names, x.T[k:], strict=True):
        if np.ptp(column) <= _NO_SPREAD * np.abs(column).max():
            return because(Why.CONSTANT, covariate=name)
    distance = np.abs(np.diag(_orthogonal(x, first=k)[1]))
    for name, far in zip(names, distance[k:], strict=True):
        if far <= _COLLINEAR:
            return because(Why.DETERMINED, covariate=name)
    return None


def _orthogonal(x: Floats, *, first: int) -> tuple[Floats, Floats, Floats]:
    """QR of the columns at length 1, all but the `first` ones centred; and the lengths."""
    centred = x.copy()
    centred[:, first:] -= x[:, first:].mean(axis=0)
    length = np.sqrt(np.sum(centred**2, axis=0))
    q, r = np.linalg.qr(centred / length)
    return q, r, length


def _residuals(y: Floats, q: Floats, noise: float) -> Floats:
    """What is left of the outcome off the span of `q`; 0 if all of it is rounding."""
    left = y - y.mean()
    for _ in range(2):  # a second time, for what the first leaves by rounding
        left = left - q @ (q.T @ left)
    return left if np.abs(left).max() > noise else np.zeros_like(left)
