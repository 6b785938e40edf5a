"""The area under a random survival curve: the beta product behind `beta_product`, integrated."""

from functools import cache
from typing import NamedTuple

import numpy as np

from esld.survival._beta import Beta
from esld.survival._data import Floats, Ints
from esld.survival._lifetable import LifeTable
from esld.times import before


class _Area(NamedTuple):
    """Mean and variance of an area that begins at some time and ends at the horizon, in shares of the horizon.

    `lost` is the length less the mean, carried beside it so that nothing is a difference of large numbers.
    """

    mean: float
    lost: float
    variance: float


def areas(table: LifeTable, tau: float, at: Floats, n_risk: Ints, n_event: Ints) -> tuple[Beta, Beta]:
    """The areas from 0 to `tau` behind the lower and the upper limit of RMST, as shares of `tau`.

    `at` are the event times before `tau`, with those at risk and the events there. From the last event
    backwards: what lies before the next event, plus its factor times the area after it.
    """
    ends = np.concatenate((at, [tau])) / tau
    gaps = np.diff(ends, prepend=0.0)
    early = _before_events(table, tau, at, n_risk)
    low = _Area(*(float(column[-1]) for column in early[:3]))
    high = _Area(float(gaps[-1]), 0.0, 0.0)
    for j in range(at.size - 1, -1, -1):
        n, d, left = int(n_risk[j]), int(n_event[j]), float(1 - ends[j])
        mean, lost, variance = _times_factor(high, n, d, left)
        high = _Area(float(gaps[j]) + mean, lost, variance)
        own, own_lost, own_variance, shared = (float(column[j]) for column in early)
        joint = 2 * shared * (n - d + 1) / n * low.mean
        mean, lost, variance = _times_factor(low, n, d, left)
        low = _Area(own + mean, own_lost + lost, own_variance + joint + variance)
    return _matched(low), _matched(high)


def _times_factor(area: _Area, n: int, d: int, length: float) -> _Area:
    """The area after an event, of this length at most, times B(n - d + 1, d)."""
    share, variance = (n - d + 1) / (n + 1), (n - d + 1) * d / ((n + 1) ** 2 * (n + 2))
    return _Area(
        share * area.mean,
        d / (n + 1) * length + share * area.lost,
        variance * (area.variance + area.mean**2) + share**2 * area.variance,
    )


def _matched(area: _Area) -> Beta:
    """The beta distribution with that mean and variance."""
    if area.variance == 0:
        return Beta(np.array([0.0 if area.lost < area.mean else -np.inf]), np.zeros(1))
    return Beta(np.array([np.log1p(-area.lost)]), np.array([np.log1p(area.variance / area.mean**2)]))


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
    area = np.zeros((at.size + 1, nodes.size))
    np.add.at(area, place, length[:, np.newaxis] * np.exp(-np.outer(power, nodes)))
    return mean, lost, (area - mean[:, np.newaxis]) ** 2 @ weights, total(joint)


@cache
def _laguerre() -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.laguerre.laggauss(32)
    return nodes, weights
