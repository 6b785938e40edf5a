"""Cox's partial likelihood and its derivatives, with one weight per event time for tests of interactions."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from esld.survival._data import Floats
from esld.survival.cox import Regression

Ties = Literal["Efron", "Breslow"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Terms:
    """What each of the m event times adds to the partial likelihood and its derivatives.

    Attributes
    ----------
    times : ndarray of shape (m,)
        Distinct event times, ascending.
    loglik : ndarray of shape (m,)
        Log partial likelihood.
    score : ndarray of shape (m, p)
        First derivative by the coefficients.
    information : ndarray of shape (m, p, p)
        Minus the second derivative.
    """

    times: Floats
    loglik: Floats
    score: Floats
    information: Floats


def partial_likelihood(data: Regression, coef: Floats, *, ties: Ties = "Efron") -> Terms:
    """The partial likelihood at the coefficients `coef`, event time by event time.

    References
    ----------
    Efron (1977), JASA 72:557-565. Breslow (1974), Biometrics 30:89-99.
    """
    # Neither a shift of a covariate nor a factor on every risk changes any term: kept near 0 and 1.
    design = data.design - data.design.mean(axis=0)
    eta = design @ coef
    shift = eta.max()
    risk = np.exp(eta - shift)
    times = np.unique(data.time[data.event])
    m, p = times.size, coef.size
    loglik, score, information = np.zeros(m), np.zeros((m, p)), np.zeros((m, p, p))
    order = np.argsort(-data.time, kind="stable")
    stop = np.searchsorted(-data.time[order], -times, side="right")
    start = np.concatenate((stop[1:], [0]))
    total, first, second = 0.0, np.zeros(p), np.zeros((p, p))
    for i in range(m - 1, -1, -1):
        rows = order[start[i] : stop[i]]  # those that come under risk going back in time
        total, first, second = _add(total, first, second, risk[rows], design[rows])
        dying = rows[data.event[rows] & (data.time[rows] == times[i])]
        own = _add(0.0, np.zeros(p), np.zeros((p, p)), risk[dying], design[dying])
        loglik[i], score[i] = (eta[dying] - shift).sum(), design[dying].sum(axis=0)
        for j in range(dying.size):
            part = j / dying.size if ties == "Efron" else 0.0
            here = total - part * own[0]
            mean = (first - part * own[1]) / here
            loglik[i] -= np.log(here)
            score[i] -= mean
            information[i] += (second - part * own[2]) / here - np.outer(mean, mean)
    return Terms(times=times, loglik=loglik, score=score, information=information)


def _add(
    total: float, first: Floats, second: Floats, risk: Floats, rows: Floats
) -> tuple[float, Floats, Floats]:
    weighted = rows * risk[:, None]
    return total + float(risk.sum()), first + weighted.sum(axis=0), second + weighted.T @ rows
