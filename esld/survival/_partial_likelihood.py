"""Cox's partial likelihood and its derivatives, event time by event time, under each treatment of ties."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from esld.survival._data import Bools, Floats, Ints

Ties = Literal["efron", "breslow", "exact"]
TIES = get_args(Ties)


@dataclass(frozen=True, eq=False, kw_only=True)
class Regression:
    """Follow-up and covariates of a regression.

    Attributes
    ----------
    time : ndarray of shape (n,)
        Elapsed time to event or censoring.
    event : ndarray of bool, shape (n,)
        Whether `time` ends in the event.
    design : ndarray of shape (n, p)
        The covariates.
    names : tuple of str
        Their columns, in order.
    stratum : ndarray of int, shape (n,)
        Number of each subject's stratum, from 0; all 0 without strata.
    """

    time: Floats
    event: Bools
    design: Floats
    names: tuple[str, ...]
    stratum: Ints

    @property
    def strata(self) -> int:
        """How many strata there are."""
        return int(self.stratum.max()) + 1


@dataclass(frozen=True, eq=False, kw_only=True)
class Terms:
    """What each of the m event times adds to the partial likelihood and its derivatives; a time of two strata stands twice.

    Attributes
    ----------
    times : ndarray of shape (m,)
        Event times, ascending within a stratum, strata one after another.
    logliks : ndarray of shape (m,)
        Log partial likelihood.
    scores : ndarray of shape (m, p)
        First derivative by the coefficients.
    informations : ndarray of shape (m, p, p)
        Minus the second derivative.
    third : ndarray of shape (p, p, p)
        Derivative of the information of all times together; NaN unless asked for, and for exact ties.
    """

    times: Floats
    logliks: Floats
    scores: Floats
    informations: Floats
    third: Floats

    @property
    def loglik(self) -> float:
        """Log partial likelihood of all times together."""
        return float(self.logliks.sum())

    @property
    def score(self) -> Floats:
        """Its first derivative, shape (p,)."""
        return np.asarray(self.scores.sum(axis=0))

    @property
    def information(self) -> Floats:
        """Minus its second derivative, shape (p, p)."""
        return np.asarray(self.informations.sum(axis=0))


def partial_likelihood(data: Regression, coef: Floats, *, ties: Ties = "efron", third: bool = False) -> Terms:
    """The partial likelihood at the coefficients `coef`, event time by event time; `third`: its third derivative too.

    With d events at one time, Breslow multiplies d times by the same sum over those at risk; Efron takes a share j / d of the
    dying out of the j-th sum; exact is the chance that just these d of those at risk die, given that d do, time being discrete.

    References
    ----------
    Cox (1972), J R Stat Soc B 34:187-220, equation 14 for exact. Breslow (1974), Biometrics 30:89-99. Efron (1977),
    JASA 72:557-565. Gail, Lubin and Rubinstein (1981), Biometrika 68:703-707, for the recursion.
    """
    # Neither a shift of a covariate nor a factor on every risk of a stratum changes any term: kept near 0 and 1.
    design = data.design - data.design.mean(axis=0)
    parts = []
    for stratum in range(data.strata):
        rows = np.flatnonzero(data.stratum == stratum)
        rows = rows[np.argsort(-data.time[rows], kind="stable")]
        if data.event[rows].any():
            own = data.time[rows], data.event[rows], design[rows], coef
            parts.append(
                _exact(*own) if ties == "exact" else _summed(*own, efron=ties == "efron", third=third)
            )
    times, logliks, scores, informations, skews = zip(*parts, strict=True)
    return Terms(
        times=np.concatenate(times), logliks=np.concatenate(logliks), scores=np.concatenate(scores),
        informations=np.concatenate(informations), third=np.sum(skews, axis=0),
    )  # fmt: skip


Parts = tuple[Floats, Floats, Floats, Floats, Floats]


def _summed(time: Floats, event: Bools, design: Floats, coef: Floats, *, efron: bool, third: bool) -> Parts:
    """Efron's or Breslow's terms of one stratum, the latest time first."""
    eta = design @ coef
    risk = np.exp(eta - eta.max())
    moments = _moments(risk, design, 3 if third else 2)
    times, first, d = np.unique(-time[event], return_index=True, return_counts=True)
    # Those at risk at a time are the rows up to the last with that time; the dying are its events.
    stop = np.searchsorted(-time, times, side="right") - 1
    at_risk = [np.cumsum(m, axis=0)[stop] for m in moments]
    dying = [np.add.reduceat(m[event], first, axis=0) for m in moments]
    slot = np.repeat(np.arange(d.size), d)
    part = (np.arange(slot.size) - first[slot]) / d[slot] if efron else np.zeros(slot.size)
    total, *sums = (a[slot] - (part * b[slot].T).T for a, b in zip(at_risk, dying, strict=True))
    with np.errstate(divide="ignore", invalid="ignore"):  # nobody left at risk but for underflow: not finite
        mean, second, *more = ((own.T / total).T for own in sums)
        logs = np.log(total)
    spread = second - mean[:, :, None] * mean[:, None, :]
    skew = np.full((1, *3 * mean.shape[1:]), np.nan)
    for own in more:
        skew = own - 3 * _symmetric(spread, mean) - _symmetric(mean[:, :, None] * mean[:, None, :], mean)
    died = np.add.reduceat(np.column_stack((eta[event] - eta.max(), design[event])), first, axis=0)
    back = slice(None, None, -1)
    return (
        -times[back],
        (died[:, 0] - np.add.reduceat(logs, first))[back],
        (died[:, 1:] - np.add.reduceat(mean, first, axis=0))[back],
        np.add.reduceat(spread, first, axis=0)[back],
        skew.sum(axis=0),
    )


def _moments(risk: Floats, design: Floats, most: int) -> list[Floats]:
    """Risk of each row, and its products with one, two ... `most` covariates."""
    found = [risk]
    for _ in range(most):
        found.append(np.einsum("n...,np->n...p", found[-1], design))
    return found


def _symmetric(spread: Floats, mean: Floats) -> Floats:
    """The mean of the three ways to multiply a second moment with a first."""
    one = spread[:, :, :, None] * mean[:, None, None, :]
    other: Floats = (one + one.transpose(0, 1, 3, 2) + one.transpose(0, 3, 2, 1)) / 3
    return other


def _exact(time: Floats, event: Bools, design: Floats, coef: Floats) -> Parts:
    """Exact terms of one stratum: the sum over all d of those at risk of the product of their risks, row by row."""
    eta = design @ coef
    risk = np.exp(eta - eta.max())
    p = design.shape[1]
    times = np.unique(time[event])
    logliks, scores, informations = (
        np.empty(times.size),
        np.empty((times.size, p)),
        np.empty((times.size, p, p)),
    )
    for i, at in enumerate(times):
        rows, dying = time >= at, event & (time == at)
        d = int(dying.sum())
        total, first, second = _elementary(risk[rows], design[rows], d)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = first / total
            logliks[i] = (eta[dying] - eta.max()).sum() - np.log(total)
            informations[i] = second / total - np.outer(mean, mean)
            scores[i] = design[dying].sum(axis=0) - mean
    return times, logliks, scores, informations, np.full((p, p, p), np.nan)


def _elementary(risk: Floats, design: Floats, d: int) -> tuple[float, Floats, Floats]:
    """The elementary symmetric sum of degree d of the risks, with its first and second derivatives by the coefficients."""
    p = design.shape[1]
    total, first, second = np.zeros(d + 1), np.zeros((d + 1, p)), np.zeros((d + 1, p, p))
    total[0] = 1.0
    for r, x in zip(risk, design, strict=True):
        cross = first[:-1, :, None] * x
        second[1:] += r * (
            second[:-1] + cross + cross.transpose(0, 2, 1) + total[:-1, None, None] * np.outer(x, x)
        )
        first[1:] += r * (first[:-1] + total[:-1, None] * x)
        total[1:] += r * total[:-1]
    return float(total[d]), first[d], second[d]
