"""Covariance structures of repeated measures, with first and second derivatives.

Every structure is Sigma = d d' * R, element by element: d holds exp of the log scales, one a visit or one for all,
and R depends on the other parameters. Parametrised as in R mmrm (except sp_exp): a correlation is
rho = x / sqrt(1 + x^2), that of compound symmetry is logistic between -1/(m - 1) and 1, and "us" has R = L L' with L
unit lower triangular. All parameters are without unit and range over the real line; only in the Toeplitz structures
does not every value give a positive definite Sigma.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
# The middle factor and its first and second derivatives: (m, m), (k, m, m), (k, k, m, m).
Shape = tuple[Floats, Floats, Floats]

STRUCTURES = ("us", "adh", "csh", "cs", "sp_exp", "toeph", "toep", "ar1h", "ar1")
EQUALLY_SPACED = ("toeph", "toep", "ar1h", "ar1")
IN_ORDER = ("adh", *EQUALLY_SPACED)  # what they say depends on the order of the visits
ONE_SCALE = ("cs", "sp_exp", "toep", "ar1")


@dataclass(frozen=True, eq=False)
class Covariance:
    """A structure for m visits.

    Attributes
    ----------
    name : str
        One of `STRUCTURES`.
    visits : int
        Number of visits m.
    scales : ndarray of shape (h, m, m)
        Derivative of log Sigma in each log scale, h = m or 1; it is constant.
    shape : callable
        R and its derivatives as a function of the other parameters.
    size : int
        Number of parameters, K.
    distance : ndarray of shape (m, m)
        Time between visits.
    steps : ndarray of shape (m, m)
        Steps between visits.
    frame : ndarray of shape (m, m), optional
        Sigma is frame (this) frame', if given.
    """

    name: str
    visits: int
    scales: Floats
    shape: Callable[[Floats], Shape]
    size: int
    distance: Floats
    steps: Ints
    frame: Floats | None = None

    def sigma(self, theta: Floats) -> Floats:
        """Sigma, of shape (m, m), at the parameters."""
        h = len(self.scales)
        scale = np.exp(theta[:h])
        sigma: Floats = self.shape(theta[h:])[0] * np.outer(scale, scale)
        return sigma if self.frame is None else self.frame @ sigma @ self.frame.T

    def derivatives(self, theta: Floats) -> tuple[Floats, Floats]:
        """First derivatives, (K, m, m), and second, (K, K, m, m), of Sigma, or of what stands in the frame."""
        h, m = len(self.scales), self.visits
        scale = np.exp(theta[:h])
        square = np.outer(scale, scale)
        middle, slope, bend = self.shape(theta[h:])
        first = np.concatenate((self.scales * (square * middle), square * slope))
        second = np.empty((self.size, self.size, m, m))
        second[:h, :] = self.scales[:, None] * first[None, :]
        second[h:, :h] = second[:h, h:].transpose(1, 0, 2, 3)
        second[h:, h:] = square * bend
        return first, second

    def around(self, theta: Floats) -> tuple["Covariance", Floats]:
        """The same structure in parameters that fit the point `theta`, and the point in them.

        Any covariance is the Cholesky factor of another, times some covariance, times its transpose. With that of the
        point, an unstructured one is parametrised by what differs from it: the search then depends neither on the units of
        the visits nor on how closely they go together. Other structures have their own parameters.
        """
        if self.name != "us":
            return self, theta
        factor = np.eye(self.visits)
        factor[_below(self.visits)] = theta[self.visits :]
        factor *= np.exp(theta[: self.visits])[:, None]
        frame = factor if self.frame is None else self.frame @ factor
        return replace(self, frame=frame), np.zeros(self.size)

    def own(self, theta: Floats) -> Floats:
        """The point in the parameters that the structure has without a frame."""
        if self.frame is None:
            return theta
        factor = self.around(theta)[0].frame
        assert factor is not None  # around() makes one
        scale = np.diag(factor)
        low = (factor / scale[:, None])[_below(self.visits)]
        return np.concatenate((np.log(scale), low))

    def start(self, moments: Floats) -> Floats:
        """Parameters near a positive definite covariance of shape (m, m), such as that of the residuals."""
        sd = np.sqrt(np.diag(moments))
        if self.name == "us":
            factor = np.linalg.cholesky(moments)
            scale = np.diag(factor)
            low = (factor / scale[:, None])[_below(self.visits)]
            return np.concatenate((np.log(scale), low))
        log_sd = np.log(sd) if len(self.scales) > 1 else np.log([np.sqrt(np.mean(sd**2))])
        others = self._start(np.clip(moments / np.outer(sd, sd), -0.95, 0.95))
        for _ in range(60):
            if not self.name.startswith("toe") or np.linalg.eigvalsh(self.shape(others)[0])[0] > 0.01:
                break
            others = 0.8 * others
        return np.concatenate((log_sd, others))

    def _start(self, correlation: Floats) -> Floats:
        m = self.visits
        if m == 1:
            return np.zeros(self.size - len(self.scales))
        apart = np.unique(self.steps[self.steps > 0])
        lag = np.array([correlation[self.steps == step].mean() for step in apart])
        off = correlation[np.triu_indices(m, 1)]
        if self.name == "sp_exp":
            gap = self.distance[np.triu_indices(m, 1)]
            return np.array([np.log(gap.mean() / -np.log(np.clip(off.mean(), 0.05, 0.95)))])
        if self.name in ("cs", "csh"):
            low = -1 / (m - 1)
            share = np.clip((off.mean(keepdims=True) - low) / (1 - low), 0.05, 0.95)
            return np.asarray(np.log(share / (1 - share)))
        if self.name[:3] == "ar1" and apart[0] > 1:  # of more steps than one: a root, which needs a sign
            lag = np.maximum(lag, 0.05) ** (1 / apart)
        rho = {"ar1": lag[:1], "toe": lag, "adh": np.diagonal(correlation, 1)}[self.name[:3]]
        found: Floats = rho / np.sqrt(1 - rho**2)
        return found


def covariance(name: str, times: Floats, steps: Ints | None = None) -> Covariance:
    """The structure called `name` for m visits.

    Parameters
    ----------
    name : str
        One of `STRUCTURES`.
    times : ndarray of shape (m,)
        Times of the visits, which sp_exp depends on.
    steps : ndarray of shape (m,), optional
        Places of the visits on an equally spaced grid, which ar1, ar1h, toep and toeph depend on: visits k steps apart
        have the correlation rho ** k, or a parameter for each k that occurs. Default: one step from each to the next. The
        others are closed under leaving out visits, and need no grid.
    """
    if name not in STRUCTURES:
        raise ValueError(f"covariance must be one of {list(STRUCTURES)}, got {name!r}")
    m = len(times)
    distance = np.abs(times[:, None] - times)
    place = np.arange(m) if steps is None else steps
    step = np.abs(place[:, None] - place)
    shape: Callable[[Floats], Shape]
    if name == "us":
        shape, others = _unstructured(m), m * (m - 1) // 2
    elif m == 1:
        shape, others = _fixed, 0
    elif name in ("cs", "csh"):
        shape, others = _sum((step > 0)[None], partial(_logistic, low=-1 / (m - 1))), 1
    elif name in ("toep", "toeph"):
        lags = np.unique(step[step > 0])
        shape, others = _sum(step == lags[:, None, None], _correlation), len(lags)
    elif name in ("ar1", "ar1h"):
        shape, others = _product(step[None]), 1
    elif name == "adh":
        k = np.arange(m - 1)[:, None, None]
        low, high = np.minimum.outer(np.arange(m), np.arange(m)), np.maximum.outer(np.arange(m), np.arange(m))
        shape, others = _product(((low <= k) & (k < high)).astype(int)), m - 1
    else:
        shape, others = _exponential(distance), 1
    if name in ONE_SCALE:
        scales = np.full((1, m, m), 2.0)
    else:
        own = np.eye(m)
        scales = own[:, :, None] + own[:, None, :]
    return Covariance(name, m, scales, shape, len(scales) + others, distance, step)


@lru_cache(maxsize=32)
def _below(m: int) -> tuple[Ints, Ints]:
    """Rows and columns below the diagonal."""
    row, column = np.tril_indices(m, -1)
    return row, column


def _correlation(x: Floats) -> tuple[Floats, Floats, Floats]:
    """Correlation of an unbounded parameter, with its first and second derivatives."""
    square = 1 + x**2
    return x * square**-0.5, square**-1.5, -3 * x * square**-2.5


def _logistic(x: Floats, *, low: float) -> tuple[Floats, Floats, Floats]:
    """The same, between `low` and 1."""
    share = expit(x)
    slope = (1 - low) * share * (1 - share)
    return low + (1 - low) * share, slope, slope * (1 - 2 * share)


def _fixed(x: Floats) -> Shape:
    return np.ones((1, 1)), np.empty((0, 1, 1)), np.empty((0, 0, 1, 1))


def _unstructured(m: int) -> Callable[[Floats], Shape]:
    row, column = _below(m)
    k = np.arange(len(row))
    bend = np.zeros((len(row), len(row), m, m))
    i, j = np.nonzero(column[:, None] == column)
    np.add.at(bend, (i, j, row[i], row[j]), 1.0)
    np.add.at(bend, (i, j, row[j], row[i]), 1.0)

    def shape(x: Floats) -> Shape:
        factor = np.eye(m)
        factor[row, column] = x
        slope = np.zeros((len(row), m, m))
        slope[k, row, :] = factor[:, column].T
        slope += slope.transpose(0, 2, 1)
        return factor @ factor.T, slope, bend

    return shape


def _sum(
    masks: NDArray[Any], link: Callable[[Floats], tuple[Floats, Floats, Floats]]
) -> Callable[[Floats], Shape]:
    """R = 1 + sum over k of rho_k mask_k."""
    k, m, _ = masks.shape
    at = np.arange(k)

    def shape(x: Floats) -> Shape:
        rho, slope, bend = (value[:, None, None] * masks for value in link(x))
        second = np.zeros((k, k, m, m))
        second[at, at] = bend
        return np.eye(m) + rho.sum(axis=0), slope, second

    return shape


def _product(powers: NDArray[Any]) -> Callable[[Floats], Shape]:
    """R = product over k of rho_k ** power_k, powers being whole numbers of 0 or more."""
    k, m, _ = powers.shape
    at = np.arange(k)
    one, two = np.maximum(powers - 1, 0), np.maximum(powers - 2, 0)

    def shape(x: Floats) -> Shape:
        rho, slope, bend = (value[:, None, None] for value in _correlation(x))
        in_rho, in_rho_twice = powers * rho**one, powers * (powers - 1) * rho**two
        factor = rho**powers
        first, second = in_rho * slope, in_rho_twice * slope**2 + in_rho * bend
        once = np.broadcast_to(factor, (k, k, m, m)).copy()  # [which was derived, factor]
        once[at, at] = first
        twice = np.broadcast_to(once, (k, k, k, m, m)).copy()
        twice[at, :, at] = first[:, None]
        twice[at, at] = once
        twice[at, at, at] = second
        return factor.prod(axis=0), once.prod(axis=1), twice.prod(axis=2)

    return shape


def _exponential(distance: Floats) -> Callable[[Floats], Shape]:
    """R = exp(-distance / range), the parameter being the log range."""

    def shape(x: Floats) -> Shape:
        ratio = distance * np.exp(-x[0])
        middle = np.exp(-ratio)
        return middle, (ratio * middle)[None], (ratio * (ratio - 1) * middle)[None, None]

    return shape
