"""Tests of coefficients after an estimated covariance: Satterthwaite and Kenward-Roger."""

from dataclasses import dataclass, replace
from math import nan

import numpy as np
from scipy.special import fdtrc

from esld.longitudinal._covariance import Covariance, Floats
from esld.longitudinal._likelihood import slopes
from esld.longitudinal._optimum import Optimum
from esld.longitudinal._rows import Rows

METHODS = ("satterthwaite", "kenward-roger", "kenward-roger-full")
_EQUAL = 1.5e-8  # degrees of freedom closer than this are one number, as in mmrm


@dataclass(frozen=True, eq=False, kw_only=True)
class Inference:
    """Coefficients with what their tests need, in the units of the outcome.

    Attributes
    ----------
    coef : ndarray of shape (p,)
        Generalised least squares.
    root : ndarray of shape (p, p)
        The covariance by the model, inverse(X'V^-1 X), is root root'.
    middle : ndarray of shape (p, p)
        The covariance used is root middle root': this is the identity, or the adjustment of Kenward and Roger.
    slope : ndarray of shape (K, p, p)
        The covariance by the model changes by root (this) root' with each covariance parameter.
    uncertainty : ndarray of shape (K, K)
        Inverse information of the covariance parameters.
    df : str
        One of `METHODS`.
    """

    coef: Floats
    root: Floats
    middle: Floats
    slope: Floats
    uncertainty: Floats
    df: str

    @property
    def vcov(self) -> Floats:
        """Covariance of the coefficients used."""
        found = self.root @ self.middle @ self.root.T
        return (found + found.T) / 2

    def single(self, weights: Floats) -> tuple[Floats, Floats, Floats]:
        """Value, standard error and degrees of freedom of each row of weights, (c, p).

        The standard error is NaN where the adjustment makes a variance negative.

        For one row the degrees of freedom of Kenward and Roger are those of Satterthwaite.

        References
        ----------
        Satterthwaite (1946), Biometrics Bull 2:110-114. Giesbrecht and Burns (1985), Biometrics 41:477-486.
        """
        half = weights @ self.root
        model = np.sum(half**2, axis=1)
        outer = (half[:, :, None] * half[:, None, :]).reshape(len(half), half.shape[1] ** 2)
        gradient = outer @ self.slope.reshape(len(self.slope), -1).T
        spread = np.sum(gradient @ self.uncertainty * gradient, axis=1)
        # through the root: entries of the covariance may be large and cancel, where visits have units far apart
        used = np.sum(half @ self.middle * half, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return weights @ self.coef, np.sqrt(used), 2 * model**2 / spread

    def joint(self, weights: Floats) -> tuple[float, float, float, float]:
        """F, numerator and denominator degrees of freedom, and scale of F, of weights (q, p) of full rank.

        NaN where the approximation does not exist.
        """
        with np.errstate(all="ignore"):
            return self._joint(weights)

    def _covariance(self, weights: Floats) -> Floats:
        half = weights @ self.root
        return half @ self.middle @ half.T

    def _joint(self, weights: Floats) -> tuple[float, float, float, float]:
        if len(weights) > 1 and self.df != "satterthwaite":
            return self._kenward_roger(weights)
        # Fai and Cornelius: the F is a mean of independent squared t.
        size, direction = np.linalg.eigh(self._covariance(weights))
        value, _, df = self.single(direction.T @ weights)
        f = float(np.mean(value**2 / size))
        if np.any(df <= 0):  # the information is not positive definite
            return f, float(len(df)), nan, 1.0
        if np.ptp(df) < _EQUAL:
            return f, float(len(df)), float(df.mean()), 1.0
        if np.any(df <= 2):
            return f, float(len(df)), 2.0, 1.0
        mean = float(np.sum(df / (df - 2)))
        return f, float(len(df)), 2 * mean / (mean - len(df)), 1.0

    def _kenward_roger(self, weights: Floats) -> tuple[float, float, float, float]:
        q = len(weights)
        basis = np.linalg.qr((weights @ self.root).T)[0]
        own = basis.T @ self.slope @ basis
        traces = np.trace(own, axis1=1, axis2=2)
        flat = own.reshape(len(own), -1)
        a1 = traces @ self.uncertainty @ traces
        a2 = np.sum(self.uncertainty * (flat @ flat.T))
        b = (a1 + 6 * a2) / (2 * q)
        g = ((q + 1) * a1 - (q + 4) * a2) / ((q + 2) * a2)
        below = 3 * q + 2 * (1 - g)
        c1, c2, c3 = g / below, (q - g) / below, (q + 2 - g) / below
        mean = 1 / (1 - a2 / q)
        variance = (2 / q) * (1 + c1 * b) / ((1 - c2 * b) ** 2 * (1 - c3 * b))
        ratio = variance / (2 * mean**2)
        df = 4 + (q + 2) / (q * ratio - 1)
        scale = df / (mean * (df - 2))
        value = weights @ self.coef
        size, direction = np.linalg.eigh(self._covariance(weights))
        f = scale / q * np.sum((direction.T @ value) ** 2 / size)
        if not (size[0] > 0 and df > 0 and scale > 0):
            f = df = scale = nan
        return float(f), float(q), float(df), float(scale)


def inference(
    rows: Rows, structure: Covariance, best: Optimum, *, df: str, information: str, reml: bool
) -> Inference:
    """Inference at a proven maximum.

    The adjusted covariance is Phi + 2 Phi {sum over k, l of W_kl (Q_kl - P_k Phi P_l - R_kl / 4)} Phi. The linear form
    leaves out R_kl, which holds the second derivatives of Sigma and depends on how the structure is parametrised.

    References
    ----------
    Kenward and Roger (1997), Biometrics 53:983-997, and (2009), Comput Stat Data Anal 53:2583-2595.
    """
    if df == "kenward-roger-full":  # in the parameters of the structure, not in those of the proof
        first, second = structure.derivatives(best.theta)
        own = slopes(rows, best.at, first, second, reml=reml)
        best = replace(best, first=first, second=second, slopes=own)
    chosen = best.slopes.observed if information == "observed" else best.slopes.expected
    uncertainty = np.linalg.inv(chosen)
    uncertainty = (uncertainty + uncertainty.T) / 2
    root = rows.transform @ best.at.root
    slope = best.slopes.vcov_slope
    middle = np.eye(len(root))
    if df != "satterthwaite":
        middle += 2 * _bias(rows, best, uncertainty, second=df == "kenward-roger-full")
    coef = rows.ols + rows.transform @ best.at.coef
    return Inference(coef=coef, root=root, middle=middle, slope=slope, uncertainty=uncertainty, df=df)


def _bias(rows: Rows, best: Optimum, uncertainty: Floats, *, second: bool) -> Floats:
    """The sum in braces, between root' and root."""
    count, m, _ = best.first.shape
    h = best.slopes.h
    p = h.shape[-1]
    flat = best.first.reshape(count, -1)
    pairs = (flat.T @ uncertainty @ flat).reshape(m, m, m, m).transpose(1, 2, 0, 3).reshape(m * m, m * m)
    between = (best.slopes.inverse.reshape(-1, m * m) @ pairs).reshape(-1, m, m)  # sum of W_kl V_k V^-1 V_l
    if second:
        between = between - np.tensordot(uncertainty, best.second) / 4
    total = h.reshape(-1, p).T @ (between[rows.pattern] @ h).reshape(-1, p)
    slope = best.slopes.vcov_slope
    weighted = (uncertainty @ slope.reshape(count, -1)).reshape(slope.shape)
    total -= slope.transpose(1, 0, 2).reshape(p, -1) @ weighted.reshape(-1, p)
    found: Floats = (total + total.T) / 2
    return found


def f_probability(f: float, numerator: float, denominator: float) -> float:
    """Upper tail of the F distribution."""
    return float(fdtrc(numerator, denominator, f))
