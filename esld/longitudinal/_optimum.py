"""The maximum of the likelihood of repeated measures, and the proof that it is one."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from esld.longitudinal._covariance import Covariance, Floats
from esld.longitudinal._likelihood import Likelihood, Slopes, likelihood, moments, slopes
from esld.longitudinal._rows import Rows
from esld.reasons import Reason, Why, because

_STEPS = 100
_DONE = 1e-18  # twice the log-likelihood that a further Newton step would gain
_GRADIENT = 1e-7  # a larger score is not rounding
_CURVATURE = 1e-9  # of the information, scaled to a diagonal of at most 1: below this it is singular
_EPS = float(np.finfo(float).eps)
_NOISE = 100.0  # times the rounding of an inverse covariance: what it may do to the score
_SINGULAR = 1e-11  # of the correlation of Sigma: below this the maximum is at the border
_NO_VARIANCE = 1e-6  # of a visit, in its unit: below this it is at the border
# Of the values of all visits, and values a parameter: with less of both the likelihood may have several maxima.
_FULL, _FEW = 0.8, 20
_MIXED = (0.05, 0.3, 1.0)  # shares of independence in further starts
_ALIKE = (0.0, 0.5, -0.15)  # correlations of starts in which all visits have one variance
_DRAWN = 12  # further starts that are drawn


@dataclass(frozen=True, eq=False, kw_only=True)
class Optimum:
    """Where the search ended.

    Attributes
    ----------
    theta : ndarray of shape (K,)
        Parameters of the covariance, of residuals divided by `Rows.scale`.
    first, second : ndarray
        Derivatives of Sigma there.
    at : Likelihood
        The likelihood there.
    slopes : Slopes
        Score and information there.
    iterations : int
        Newton or scoring steps.
    gradient : float
        Largest entry of the score, absolute.
    curvature : float
        Smallest eigenvalue of the observed information, scaled to a diagonal of at most 1.
    reason : Reason or None
        Why this is not a proven maximum; None if it is.
    """

    theta: Floats
    first: Floats
    second: Floats
    at: Likelihood
    slopes: Slopes
    iterations: int
    gradient: float
    curvature: float
    reason: Reason | None


def impossible(rows: Rows, structure: Covariance, visits: tuple[object, ...]) -> Reason | None:
    """Why the data cannot determine the structure, known before any search; None if nothing is found."""
    free = rows.n_obs - rows.x.shape[-1]
    if structure.size > free:
        return because(Why.TOO_MANY_PARAMETERS, parameters=structure.size, free=int(free))
    if structure.name == "us":
        pair = rows.present.astype(float)
        apart = np.argwhere(np.triu(pair.T @ pair == 0))
        if len(apart):
            i, j = apart[0]
            return because(Why.NO_SUBJECT_HAS_BOTH, first=str(visits[i]), second=str(visits[j]))
    return None


def maximise(rows: Rows, structure: Covariance, *, reml: bool) -> Optimum:
    """The highest proven maximum of searches from several starts.

    One is enough if it proves one, unless the data are few and many values are missing: a visit that few have reached may
    then vary little and go with the others, or vary much and go against them, and each is a maximum.
    """
    first = _search(rows, structure, structure.start(moments(rows)), reml=reml)
    many = rows.n_obs < _FULL * rows.subjects.sum() * len(rows.scale)
    if not first.reason and not (many and rows.n_obs < _FEW * structure.size):
        return first
    found = [first] + [_search(rows, structure, structure.start(start), reml=reml) for start in _starts(rows)]
    return max((one for one in found if not one.reason), key=lambda one: one.at.value, default=first)


def _starts(rows: Rows) -> Iterator[Floats]:
    """Positive definite covariances of shape (m, m), some near the data, some far from them; the same in every call."""
    yield from (moments(rows, share) for share in _MIXED)
    variance = np.diag(moments(rows))
    m = len(variance)
    common = np.sqrt(np.mean(variance * rows.scale**2)) / rows.scale
    for rho in _ALIKE if m > 1 else ():
        rho = max(rho, -0.75 / (m - 1))
        yield np.outer(common, common) * (rho + (1 - rho) * np.eye(m))
    rng = np.random.default_rng(list(b"esld mmrm starts"))
    for _ in range(_DRAWN):
        factor = rng.normal(size=(m, m + 1))
        drawn = factor @ factor.T
        size = np.sqrt(np.diag(drawn))
        sd = np.sqrt(variance) * np.exp(rng.normal(0, 0.7, m))
        yield np.outer(sd, sd) * (0.8 * drawn / np.outer(size, size) + 0.2 * np.eye(m))


def _search(rows: Rows, structure: Covariance, theta: Floats, *, reml: bool) -> Optimum:
    """Newton steps by the observed information where it is positive definite, else by the expected."""
    structure, theta = structure.around(theta)
    at = likelihood(rows, structure.sigma(theta), reml=reml)
    assert at is not None  # the start is positive definite
    reason, step = None, 0
    while True:
        smallest = _smallest(structure.sigma(theta))
        noise = _EPS / max(smallest, _SINGULAR)
        first, second = structure.derivatives(theta)
        here = slopes(rows, at, first, second, reml=reml, frame=structure.frame)
        gradient = float(np.max(np.abs(here.score)))
        move, gain = _direction(here)
        if smallest < _SINGULAR:
            reason = because(Why.SINGULAR_COVARIANCE)
            break
        if gain <= max(_DONE, (_NOISE * noise) ** 2):
            break
        if step == _STEPS:
            reason = because(Why.NO_MAXIMUM_AFTER, steps=_STEPS, smallest=float(smallest))
            break
        found = _along(rows, structure, theta, at, move, gain, reml, noise)
        if found is None:
            if gradient > max(_GRADIENT, _NOISE * noise):
                reason = because(Why.NO_WAY_UP)
            break
        (structure, theta), at = structure.around(found[0]), found[1]
        step += 1
    curvature = _curvature(here.observed)
    if not reason and gradient > max(_GRADIENT, _NOISE * noise):
        reason = because(Why.GRADIENT_NOT_ZERO, gradient=gradient)
    elif not reason and curvature < _CURVATURE:
        reason = because(Why.HESSIAN_SINGULAR)
    return Optimum(
        theta=structure.own(theta), first=first, second=second, at=at, slopes=here, iterations=step, gradient=gradient,
        curvature=curvature, reason=reason,
    )  # fmt: skip


def _smallest(sigma: Floats) -> float:
    """Smallest eigenvalue of the correlation, or what stands for it in the smallest variance.

    A visit that few have reached can be fitted without any spread: its variance then goes to 0, the likelihood to a height
    that it never reaches, and its derivatives to 0 long before the correlation is singular.
    """
    variance = np.diag(sigma)
    sd = np.sqrt(variance)
    return float(
        min(np.linalg.eigvalsh(sigma / np.outer(sd, sd))[0], _SINGULAR / _NO_VARIANCE * variance.min())
    )


def _direction(here: Slopes) -> tuple[Floats, float]:
    """A step that rises, and twice the gain that it promises; directions without information are left alone."""
    for information in (here.observed, here.expected):
        size = np.sqrt(np.maximum(np.diag(information), 1.0))
        scaled = information / np.outer(size, size)
        with suppress(np.linalg.LinAlgError):  # the ordinary case, and the quick one
            low = np.linalg.cholesky(scaled)
            if np.min(np.diag(low)) ** 2 > _CURVATURE:
                half = np.linalg.solve(low, here.score / size)
                return np.linalg.solve(low.T, half) / size, float(half @ half)
        values, vectors = np.linalg.eigh(scaled)
        if values[0] > -_CURVATURE:
            break
    keep = values > _CURVATURE
    along = (here.score / size) @ vectors[:, keep]
    return vectors[:, keep] @ (along / values[keep]) / size, float(np.sum(along**2 / values[keep]))


def _along(
    rows: Rows,
    structure: Covariance,
    theta: Floats,
    at: Likelihood,
    move: Floats,
    gain: float,
    reml: bool,
    noise: float,
) -> tuple[Floats, Likelihood] | None:
    """The first point on the way that raises the likelihood; close to the maximum rounding hides the rise."""
    share = min(1.0, 2 / float(np.max(np.abs(move) / np.maximum(1, np.abs(theta)))))
    rounding = 1e-13 * abs(at.value) + noise * rows.n_obs
    for _ in range(40):
        there = theta + share * move
        found = likelihood(rows, structure.sigma(there), reml=reml)
        if found is not None and found.value >= at.value + 1e-4 * share * gain - rounding:
            return there, found
        share /= 2
    return None


def _curvature(information: Floats) -> float:
    # the parameters have no unit: information far below 1 in one of them is none
    size = np.sqrt(np.maximum(np.diag(information), 1.0))
    return float(np.linalg.eigvalsh(information / np.outer(size, size))[0])
