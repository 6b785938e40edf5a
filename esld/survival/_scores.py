"""Log-rank scores of subjects, in whole numbers where they can be: equal sums are then equal to the bit."""

from fractions import Fraction
from math import lcm

import numpy as np

from esld.survival._data import Bools, Floats, Ints
from esld.survival._weights import Weights

_EXACT = 2**51  # whole numbers below this keep apart in a double, divided by their scale too


def event_times(time: Floats, event: Bools, stratum: Ints) -> tuple[Ints, Ints, Ints]:
    """Where the risk set of each event time begins and ends, and its events; rows latest first by stratum."""
    last = np.ones(time.size, dtype=np.bool_)  # of its time and stratum
    last[:-1] = (time[1:] != time[:-1]) | (stratum[1:] != stratum[:-1])
    stop = np.flatnonzero(last) + 1
    deaths = np.diff(np.cumsum(event)[stop - 1], prepend=0)
    stop, deaths = stop[deaths > 0], deaths[deaths > 0]
    return np.searchsorted(stratum, stratum[stop - 1]), stop, deaths


def scored(
    event: Bools, start: Ints, stop: Ints, deaths: Ints, weights: Weights
) -> tuple[Floats, float | None, Floats]:
    """Score of each row, what it was multiplied by to be whole (None if it is not), weight of each event time.

    The score is the weight of the event, if there is one, less the weighted hazards d / n up to then.
    """
    exact = _whole_weights(start, stop, deaths, weights) if weights.rational else None
    if exact is None:
        n_risk = (stop - start).astype(np.float64)
        scale, weight = None, weights.at(n_risk, _left_survival(start, stop, deaths))
        hazard = weight * deaths / n_risk
    else:
        scale, weight, hazard = exact
    change = np.zeros(event.size + 1)
    np.add.at(change, start, hazard)  # at risk from here ...
    np.subtract.at(change, stop, hazard)  # ... to here
    scores = -np.cumsum(change)[:-1]
    happened = np.flatnonzero(event)
    scores[happened] += weight[np.searchsorted(stop, happened, side="right")]
    return scores, scale, weight / (scale or 1.0)


def _left_survival(start: Ints, stop: Ints, deaths: Ints) -> Floats:
    """Pooled S(t-) at each event time, starting again at 1 in each stratum."""
    left = np.ones(stop.size)
    for j in range(stop.size - 2, -1, -1):  # the next later time of a stratum stands before it
        if start[j] == start[j + 1]:
            left[j] = left[j + 1] * (1 - deaths[j + 1] / (stop[j + 1] - start[j + 1]))
    return left


def _whole_weights(
    start: Ints, stop: Ints, deaths: Ints, weights: Weights
) -> tuple[float, Floats, Floats] | None:
    """Common denominator, then weights and weighted hazards multiplied by it; None if sums would be inexact."""
    common, left, each, hazards = 1, Fraction(1), list[Fraction](), list[Fraction]()
    # Scores add up to less than this, whatever their signs, times the common denominator.
    most = 2 * int(deaths.sum()) * int(weights.at_most(stop - start))
    rows = list(zip(start.tolist(), stop.tolist(), deaths.tolist(), strict=True))
    for j in range(len(rows) - 1, -1, -1):
        begin, end, d = rows[j]
        if j == len(rows) - 1 or begin != rows[j + 1][0]:
            left = Fraction(1)
        weight = weights.fraction(end - begin, left)
        each.append(weight)
        hazards.append(weight * Fraction(d, end - begin))
        left *= Fraction(end - begin - d, end - begin)
        common = lcm(common, weight.denominator, hazards[-1].denominator)
        if common * most >= _EXACT:
            return None
    whole, shares = (np.array([float(x * common) for x in xs[::-1]]) for xs in (each, hazards))
    return float(common), whole, shares
