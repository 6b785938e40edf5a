"""The area under a random survival curve: the beta product behind `beta_product`, integrated."""

from functools import cache

import numpy as np

from esld.survival._beta import Beta
from esld.survival._data import Floats, Ints
from esld.survival._lifetable import LifeTable
from esld.times import before


def areas(table: LifeTable, tau: float, at: Floats, n_risk: Ints, n_event: Ints) -> tuple[Beta, Beta]:
    """The areas from 0 to `tau` behind the lower and the upper limit of RMST, as shares of `tau`.

    `at` are the event times before `tau`, with those at risk and the events there.
    """
    ends = np.concatenate((at, [tau])) / tau
    n, d, left = n_risk.astype(np.float64), n_event.astype(np.float64), 1 - ends[:-1]
    none = np.zeros(ends.size)
    high = _matched(n, d, left, np.diff(ends, prepend=0.0), none, none, none)
    return _matched(n, d, left, *_before_events(table, tau, at, n_risk)), high


def _matched(
    n: Floats, d: Floats, left: Floats, mean: Floats, lost: Floats, variance: Floats, shared: Floats
) -> Beta:
    """The beta distribution with mean and variance of the area, from what it is between the events.

    The area from one event on is what lies before the next event, plus that one's factor B(n - d + 1, d) times the
    area from there on. What is `lost` is the length less the mean, carried beside it so that nothing is a difference
    of large numbers.
    """
    share, square = (n - d + 1) / (n + 1), (n - d + 1) * (n - d + 2) / ((n + 1) * (n + 2))
    means = _backwards(mean, share)
    after = means[1:]
    spread = (n - d + 1) * d / ((n + 1) ** 2 * (n + 2)) * after**2  # of the factor
    joint = 2 * shared[:-1] * (n - d + 1) / n * after
    gone = float(_backwards(lost + np.append(d / (n + 1) * left, 0.0), share)[0])
    whole, scatter = float(means[0]), float(_backwards(variance + np.append(spread + joint, 0.0), square)[0])
    if scatter == 0:
        return Beta(np.array([0.0 if gone < whole else -np.inf]), np.zeros(1))
    return Beta(np.array([np.log1p(-gone)]), np.array([np.log1p(scatter / whole**2)]))


def _backwards(terms: Floats, factors: Floats) -> Floats:
    """x[j] = terms[j] + factors[j] * x[j + 1], from the last term back; nothing is negative, so nothing cancels."""
    product = np.cumprod(np.append(1.0, factors))
    found: Floats = np.cumsum((terms * product)[::-1])[::-1] / product
    return found


def _before_events(
    table: LifeTable, tau: float, at: Floats, n_risk: Ints
) -> tuple[Floats, Floats, Floats, Floats]:
    """Of the area of V^(1 / m) between event times, V uniform and m at risk: mean, time lost, variance, and covariance
    with V^(1 / n), n being at risk at the next event; each of shape (events + 1,), in shares of `tau`.
    """
    points = np.unique(
        np.concatenate(([0.0], table.times[: int(before(table.times, np.asarray(tau)))], [tau]))
    )
    length, at_risk = np.diff(points) / tau, table.at_risk(points[1:]).astype(np.float64)
    place = np.searchsorted(at, points[:-1], side="right")
    some = at_risk > 0
    power = np.divide(1.0, at_risk, out=np.full(at_risk.size, np.inf), where=some)
    following = np.append(1.0 / n_risk, 0.0)[place]

    def total(values: Floats) -> Floats:
        return np.bincount(place, values, at.size + 1).astype(np.float64)

    mean = total(np.where(some, length * at_risk / (at_risk + 1), 0.0))
    lost = total(length / (at_risk + 1))
    joint = np.zeros(length.size)
    one, other = power[some], following[some]
    joint[some] = length[some] * one * other / ((1 + one + other) * (1 + one) * (1 + other))
    # The variance, with V = exp(-x), as a mean over x by Gauss and Laguerre: exact but for rounding here.
    nodes, weights = _laguerre()
    variance = np.zeros(at.size + 1)
    for node, weight in zip(nodes, weights, strict=True):
        variance += weight * (total(length * np.exp(-node * power)) - mean) ** 2
    return mean, lost, variance, total(joint)


@cache
def _laguerre() -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.laguerre.laggauss(32)
    return nodes, weights
