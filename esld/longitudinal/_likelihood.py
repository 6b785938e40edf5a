"""Gaussian likelihood of repeated measures, with its score and information, on sufficient statistics.

With Gamma = dL/dSigma over all entries, the score of parameter k is sum(Gamma * dSigma/dtheta_k). All that is summed
over subjects is collected over pairs of visits first, so that the cost of a parameter does not depend on subjects.
"""

from dataclasses import dataclass
from math import log, pi

import numpy as np

from esld.longitudinal._covariance import Floats
from esld.longitudinal._rows import Rows

_DEFINITE = 1e-10  # of a correlation: below this its smallest eigenvalue may be rounding


@dataclass(frozen=True, eq=False, kw_only=True)
class Likelihood:
    """The likelihood at one Sigma, in the units of `Rows`.

    Attributes
    ----------
    value : float
        Log-likelihood, restricted or not, the coefficients being at their best.
    half : ndarray of shape (P, m, m)
        The inverse of the covariance of each pattern is half' half; 0 at missing visits.
    coef : ndarray of shape (r,)
        Generalised least squares.
    root : ndarray of shape (r, r)
        The covariance of the coefficients is root root'.
    x : ndarray of shape (R, m, r)
        half times fixed effects times root.
    left : ndarray of shape (R, m)
        half times residuals.
    """

    value: float
    half: Floats
    coef: Floats
    root: Floats
    x: Floats
    left: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class Slopes:
    """Score, information and what inference needs, at one point.

    Attributes
    ----------
    score : ndarray of shape (K,)
        Derivative of the log-likelihood.
    observed, expected : ndarray of shape (K, K)
        Minus its second derivative, and the expectation of that.
    vcov_slope : ndarray of shape (K, r, r)
        root' X' V^-1 (dV/dtheta_k) V^-1 X root: the covariance of the coefficients changes by root (this) root'.
    inverse : ndarray of shape (P, m, m)
        Inverse of the covariance of each pattern, 0 at missing visits.
    h : ndarray of shape (R, m, r)
        Inverse covariance times fixed effects times root.
    """

    score: Floats
    observed: Floats
    expected: Floats
    vcov_slope: Floats
    inverse: Floats
    h: Floats


def likelihood(rows: Rows, sigma: Floats, *, reml: bool) -> Likelihood | None:
    """The likelihood at `sigma`, of shape (m, m); None where that is not positive definite.

    References
    ----------
    Patterson and Thompson (1971), Biometrika 58:545-554. No log|X'X| term, as in SAS, nlme and mmrm.
    """
    pair = rows.present[:, :, None] & rows.present[:, None, :]
    try:
        factor = np.linalg.cholesky(np.where(pair, sigma, np.eye(len(sigma))))
        inverse = np.linalg.inv(factor)
    except np.linalg.LinAlgError:
        return None
    half = (inverse * rows.present[:, :, None]).astype(np.float64)
    p = rows.x.shape[-1]
    own = half[rows.pattern]
    x, y = own @ rows.x, (own @ rows.y[..., None])[..., 0]
    flat = x.reshape(-1, p)
    try:
        low = np.linalg.cholesky(flat.T @ flat)
    except np.linalg.LinAlgError:
        return None
    root = np.linalg.inv(low).T
    flat = flat @ root
    along, left = np.zeros(p), y.ravel()
    for _ in range(2):  # a second time, for what the first leaves by rounding where Sigma is nearly singular
        more = flat.T @ left
        along, left = along + more, left - flat @ more
    log_det = 2 * float(rows.subjects @ np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1))
    distance = float(left @ left)
    value = log_det + distance + (rows.n_obs - p * reml) * log(2 * pi)
    if reml:
        value += 2 * float(np.log(np.diag(low)).sum())
    if not np.isfinite(value):
        return None
    return Likelihood(
        value=-value / 2,
        half=half,
        coef=root @ along,
        root=root,
        x=flat.reshape(x.shape),
        left=left.reshape(y.shape),
    )


def slopes(
    rows: Rows, at: Likelihood, first: Floats, second: Floats, *, reml: bool, frame: Floats | None = None
) -> Slopes:
    """Score and information from the derivatives of Sigma, (K, m, m) and (K, K, m, m).

    With a frame, (m, m), the derivatives are those of what stands between it and its transpose in Sigma. All is then
    summed in the coordinates of the frame, where nothing is large: `inverse` and `h` are of frame' inverse frame too.

    With P = V^-1 - V^-1 X (X'V^-1 X)^-1 X'V^-1 the REML information is, expected, tr(P V_k P V_l) / 2, and observed,
    minus that plus y'P V_k P V_l P y minus sum(Gamma * V_kl); for ML the trace has V^-1 in the place of P.

    References
    ----------
    Lindstrom and Bates (1988), JASA 83:1014-1022. Gilmour, Thompson and Cullis (1995), Biometrics 51:1440-1450.
    """
    count, m, _ = first.shape
    p = at.x.shape[-1]
    half = at.half if frame is None else at.half @ frame
    turned = half.transpose(0, 2, 1)
    alone, own = turned @ half, turned[rows.pattern]
    h, w = own @ at.x, (own @ at.left[..., None])[..., 0]
    residual = np.add.reduceat(w[:, :, None] * w[:, None, :], rows.starts)
    inverse = rows.subjects[:, None, None] * alone
    lost = np.add.reduceat(h @ h.transpose(0, 2, 1), rows.starts) if reml else np.zeros_like(inverse)
    gamma = -(inverse - residual - lost).sum(axis=0) / 2
    flat = first.reshape(count, -1)

    def trace(weights: Floats) -> Floats:
        """Sum over patterns of tr(weight V_k V^-1 V_l)."""
        product = weights.reshape(len(weights), -1).T @ alone.reshape(len(weights), -1)
        turned = product.reshape(m, m, m, m).transpose(1, 2, 3, 0).reshape(m * m, m * m)
        found: Floats = flat @ turned @ flat.T
        return found

    both = np.concatenate((h, w[..., None]), axis=2).reshape(len(h), -1)
    cross = (both.T @ both).reshape(m, p + 1, m, p + 1).transpose(0, 2, 1, 3).reshape(m * m, -1)
    change = (flat @ cross).reshape(count, p + 1, p + 1)
    vcov_slope, pull = change[:, :p, :p], change[:, :p, p]
    expected = trace(inverse / 2 - lost)
    if reml:
        square = vcov_slope.reshape(count, -1)
        expected += square @ square.T / 2
    bend = second.reshape(count, count, -1) @ gamma.ravel()
    observed = trace(residual) - pull @ pull.T - expected - bend
    return Slopes(
        score=flat @ gamma.ravel(), observed=(observed + observed.T) / 2, expected=(expected + expected.T) / 2,
        vcov_slope=vcov_slope, inverse=alone, h=h,
    )  # fmt: skip


def moments(rows: Rows, share: float = 0.0) -> Floats:
    """A positive definite covariance of shape (m, m) near the cross products of the residuals of least squares.

    `share` of it is independence; more, if its correlation had an eigenvalue that is not positive.
    """
    pair = rows.present.astype(float)
    together = pair.T @ (rows.subjects[:, None] * pair)
    found = rows.y.T @ rows.y / np.maximum(together, 1)
    variance = np.maximum(np.diag(found), 0.01)
    sd = np.sqrt(variance)
    correlation = np.clip(found / np.outer(sd, sd), -1, 1)
    np.fill_diagonal(correlation, 1)
    lowest = float(np.linalg.eigvalsh(correlation)[0])
    if lowest < _DEFINITE:  # mixed with independence as far as needed for a smallest eigenvalue of 0.05
        share = max(share, min(1.0, (0.05 - lowest) / (1 - lowest)))
    correlation = (1 - share) * correlation + share * np.eye(len(sd))
    start: Floats = correlation * np.outer(sd, sd)
    return start
