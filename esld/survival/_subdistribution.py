"""The weighted partial likelihood of Fine and Gray: its maximum and the variance there, in NumPy."""

from typing import NamedTuple

import numpy as np

from esld.survival._data import Bools, Floats, Ints
from esld.survival._lifetable import tabulate

_MAX_STEPS = 100
# Newton has arrived when a step gains no more than this share of the log-likelihood.
_PRECISION = 1e-18
# A standard error of 100 per standard deviation of a covariate: as for `cox`, the information has gone.
_FLAT = 100.0


class Sample(NamedTuple):
    """Subjects in the order of time (n), and the distinct times of the cause (m).

    ``x`` (n, p), covariates with standard deviation 1; ``own``, ``other``, ``censored`` (n,), what ended
    each time; ``kept`` (n,), 1 / G(T-) of who had another event, else 0, with G the probability to be
    uncensored. ``at``, ``d``, ``g`` (m,), times of the cause, their events and G(t-). ``first`` (m,), the
    first subject with that time or a later one. ``past`` (n,), times of the cause up to the subject's.
    """

    time: Floats
    x: Floats
    own: Bools
    censored: Bools
    kept: Floats
    at: Floats
    d: Ints
    g: Floats
    first: Ints
    past: Ints


class Point(NamedTuple):
    """The likelihood at some coefficients.

    ``risk`` (n,), exp(linear predictor); ``hazard`` (m,), rise of the baseline hazard; ``mean`` (m, p), of
    the covariates among those at risk.
    """

    loglik: float
    score: Floats
    information: Floats
    risk: Floats
    hazard: Floats
    mean: Floats


def weighted_sample(time: Floats, codes: Ints, x: Floats) -> Sample:
    """The sample, `time` ascending and `codes` 0 censored, 1 the cause, 2 another."""
    own, censored = codes == 1, codes == 0
    distinct, n_risk, n_censored, _ = tabulate(time, censored)
    after = np.concatenate(([1.0], np.cumprod(1 - n_censored / n_risk)))
    kept = np.where(codes == 2, 1.0, 0.0)
    kept[codes == 2] /= after[np.searchsorted(distinct, time[codes == 2])]
    at, d = np.unique(time[own], return_counts=True)
    return Sample(
        time=time, x=x, own=own, censored=censored, kept=kept, at=at, d=d.astype(np.int64),
        g=after[np.searchsorted(distinct, at)], first=np.searchsorted(time, at),
        past=np.searchsorted(at, time, side="right"),
    )  # fmt: skip


def maximum(s: Sample) -> tuple[Floats, float, float] | None:
    """Coefficients, log-likelihood at 0 and at the maximum; None if there is no maximum."""
    coef = np.zeros(s.x.shape[1])
    here = start = _at(s, coef)
    for _ in range(_MAX_STEPS):
        if np.linalg.matrix_rank(here.information) < coef.size:
            return None
        variance = np.diag(np.linalg.inv(here.information))
        if not np.all((variance > 0) & (variance < _FLAT**2)):
            return None
        step = np.linalg.solve(here.information, here.score)
        if here.score @ step <= _PRECISION * max(abs(here.loglik), 1.0):
            return coef, start.loglik, here.loglik
        for _ in range(_MAX_STEPS):
            there = _at(s, coef + step)
            if there.loglik >= here.loglik - 1e-12 * abs(here.loglik):
                break
            step = step / 2
        else:
            return None
        coef, here = coef + step, there
    return None


def sandwich(s: Sample, coef: Floats) -> tuple[Floats, Floats]:
    """Variance of the coefficients, the estimation of the weights included, and that of the information; both (p, p).

    Fine and Gray (1999), section 3, in their notation: eta is what a subject adds to the score, psi what
    it adds through the censoring distribution.
    """
    here = _at(s, coef)
    eta = -here.risk[:, None] * (
        s.x * _over_times(s, here.hazard)[:, None] - _over_times(s, here.hazard[:, None] * here.mean)
    )
    eta[s.own] += s.x[s.own] - here.mean[s.past[s.own] - 1]

    # q(u) is how the score moves with the hazard of censoring at u: through the weights, at u and later,
    # of those who had another event before u.
    distinct, n_risk, n_censored, _ = tabulate(s.time, s.censored)
    before, passed = np.searchsorted(s.time, distinct), np.searchsorted(s.at, distinct)
    kept = here.risk * s.kept
    rise = s.g * here.hazard
    q = _earlier(kept[:, None] * s.x)[before] * _later(rise)[passed][:, None]
    q -= _earlier(kept)[before][:, None] * _later(rise[:, None] * here.mean)[passed]
    per_head = q / n_risk[:, None]
    expected = np.cumsum(per_head * (n_censored / n_risk)[:, None], axis=0)
    number = np.searchsorted(distinct, s.time)
    psi = np.where(s.censored[:, None], per_head[number], 0.0) - expected[number]

    bread: Floats = np.linalg.inv(here.information).astype(np.float64)
    meat = (eta + psi).T @ (eta + psi)
    variance: Floats = bread @ meat @ bread
    return variance, bread


def _at(s: Sample, coef: Floats) -> Point:
    linear = s.x @ coef
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # too long a step is halved
        risk = np.exp(linear)
        total = _over_risk(s, risk)
        mean = _over_risk(s, risk[:, None] * s.x) / total[:, None]
        hazard = s.d / total
        score = s.x[s.own].sum(axis=0) - s.d @ mean
        information = (s.x * (risk * _over_times(s, hazard))[:, None]).T @ s.x
        information -= (mean * s.d[:, None]).T @ mean
        loglik = float(linear[s.own].sum() - s.d @ np.log(total))
    return Point(loglik, score, information, risk, hazard, mean)


def _over_risk(s: Sample, values: Floats) -> Floats:
    """Weighted sum of `values`, shape (n, ...), over those at risk at each time of the cause: (m, ...)."""
    total: Floats = _later(values)[s.first] + (s.g * _earlier((values.T * s.kept).T)[s.first].T).T
    return total


def _over_times(s: Sample, values: Floats) -> Floats:
    """Weighted sum of `values`, shape (m, ...), over the times at which each subject is at risk: (n, ...)."""
    total: Floats = _earlier(values)[s.past] + (s.kept * _later((values.T * s.g).T)[s.past].T).T
    return total


def _earlier(values: Floats) -> Floats:
    """Sums of the rows before each: of none first, of all last."""
    return np.concatenate((np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)))


def _later(values: Floats) -> Floats:
    """Sums of each row and those after it: of all first, of none last."""
    return _earlier(values[::-1])[::-1]
