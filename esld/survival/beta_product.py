"""Beta product confidence limits of survival: defined also when nobody, or everybody, has had the event."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from esld.longform import About, Estimate, Row, Shown, estimate_rows, long_frame
from esld.reasons import Why, because
from esld.survival._beta import Beta, beta, mid_quantile, quantile
from esld.survival._data import Floats, Ints
from esld.survival._lifetable import checked_points
from esld.survival.kaplan_meier import KaplanMeier
from esld.times import before, until

METHOD = "kaplan-meier, beta-product, moments"
MID_P = "kaplan-meier, mid-p-beta-product, moments"


@dataclass(frozen=True, eq=False, kw_only=True)
class BetaProduct(Shown):
    """Survival at given times with beta product limits.

    Attributes
    ----------
    times : ndarray of shape (m,)
        The times asked for, in that order.
    n_risk : ndarray of int, shape (m,)
        Subjects at risk just before each time.
    n_event : ndarray of int, shape (m,)
        Events up to and including each time.
    survival : ndarray of shape (m,), in [0, 1]
        Kaplan-Meier estimate; NaN beyond the last observed time unless everybody has had the event.
    lower, upper : ndarray of shape (m,), in [0, 1]
        Limits; never NaN. Beyond the last observed time the lower one is 0.
    n : int
        Subjects in all.
    max_time : float
        The last observed time.
    conf_level : float
        Level of the limits.
    group : str
        Label of the sample.
    method : str
        Estimator and limits.
    """

    times: Floats
    n_risk: Ints
    n_event: Ints
    survival: Floats
    lower: Floats
    upper: Floats
    n: int
    max_time: float
    conf_level: float
    group: str
    method: str

    def estimates(self) -> tuple[Estimate, ...]:
        """Survival with its limits, one per time."""
        found: list[Estimate] = []
        columns = (c.tolist() for c in (self.times, self.survival, self.lower, self.upper))
        for time, value, lower, upper in zip(*columns, strict=True):
            reason = None
            if isnan(value):
                reason = because(Why.FOLLOW_UP_ENDS, last=self.max_time, time=time)
            found.append(Estimate(
                value=value, lower=lower, upper=upper, conf_level=self.conf_level,
                method=self.method, reason=reason,
            ))  # fmt: skip
        return tuple(found)

    def to_frame(self) -> pd.DataFrame:
        """Long form: survival, told from the rows of the Kaplan-Meier curve by its method."""
        rows: list[Row] = []
        for time, events, estimate in zip(self.times, self.n_event, self.estimates(), strict=True):
            about: About = {"n": self.n, "events": int(events), "group": self.group, "time": float(time)}
            rows += estimate_rows("survival", estimate, **about)
        return long_frame(rows)


def beta_product(curve: KaplanMeier, *, at: ArrayLike, mid_p: bool = False) -> BetaProduct:
    """Beta product limits of a Kaplan-Meier curve, beside its own.

    If everybody is observed to the time or beyond it, or to the event, the limits are those of Clopper
    and Pearson for the share still alive. With censoring before the time they have no exact guarantee,
    but hold their level in small samples where Greenwood's limits do not, and they exist at survival 1
    and 0.

    Parameters
    ----------
    curve : KaplanMeier
        As `kaplan_meier` gives it; its `conf_level` is used.
    at : array_like of shape (m,)
        Points in time, 0 or later, in any order, in the unit of the curve.
    mid_p : bool, default False
        Mid-p limits: quantiles of the even mixture of the distributions behind the lower and the upper limit.
        They are shorter, and cover about as often as is asked for, not at least as often; without censoring
        they are the mid-p limits of the binomial share.

    Returns
    -------
    BetaProduct

    Raises
    ------
    ValueError
        A time that is negative or missing.

    Notes
    -----
    With n at risk and d events at an event time, survival is multiplied by a variable B(n - d + 1, d). The
    upper limit at t is a quantile of the product over the event times up to t. For the lower limit the
    next event is taken to happen at once: one more factor B(m, 1), m being those at risk at t that have
    not had the event by then. So between event times the lower limit drops where somebody is censored,
    though the estimate does not; the upper limit waits for an event. Those censored exactly at t are known
    to be alive there and belong to m; R's bpcp (since 1.3.0) holds its limits constant from one observed
    time up to the next and leaves them out.

    The product is replaced by the one beta distribution with its mean and variance (method of moments:
    no random numbers). With few at risk and a high level such a limit could rise; survival cannot, so each
    limit is the lowest up to its time, as in bpcp.

    References
    ----------
    Fay, Brittain and Proschan (2013), Biostatistics 14:723-736, section 2. Fay and Brittain (2016), Stat
    Med 35:2726-2740, for limits at an event time and for ties, and for the mid-p limits.

    Examples
    --------
    >>> from esld.data.datasets import freireich
    >>> from esld.survival import beta_product, kaplan_meier
    >>> children = freireich()
    >>> curve = kaplan_meier(children["weeks"], children["relapse"], time_unit="weeks")
    >>> limits = beta_product(curve, at=[10])
    >>> limits.lower.round(3).tolist(), limits.survival.round(3).tolist(), limits.upper.round(3).tolist()
    ([0.4], [0.565], [0.719])
    """
    points = checked_points(at)
    tail = (1 - curve.conf_level) / 2
    table = curve.table
    n, d = table.n_risk.astype(np.float64), table.n_event.astype(np.float64)
    factors = beta(n - d + 1, d)
    # Two places per observed time: at it, and from just after it until the next; before them the start.
    mean, spread = (np.concatenate(([0.0], np.repeat(np.cumsum(part), 2))) for part in factors)
    high = Beta(mean, spread)
    left = np.concatenate((n[:1], np.column_stack((n - d, n - d - table.n_censor)).ravel()))
    at_once = beta(left, np.ones(left.size))
    low = Beta(mean + at_once.mean, spread + at_once.spread)
    if mid_p:
        limits = mid_quantile(low, high, tail), mid_quantile(low, high, 1 - tail)
    else:
        limits = quantile(low, tail), quantile(high, 1 - tail)
    lower, upper = (np.minimum.accumulate(limit) for limit in limits)
    past = until(table.times, points)
    place = 2 * past - (past > before(table.times, points))
    known = curve.at(points)
    return BetaProduct(
        times=points,
        n_risk=known["n_risk"].to_numpy(np.int64),
        n_event=np.concatenate(([0], np.cumsum(table.n_event)))[past],
        survival=known["survival"].to_numpy(np.float64),
        lower=lower[place],
        upper=upper[place],
        n=curve.n,
        max_time=curve.max_time,
        conf_level=curve.conf_level,
        group=curve.group,
        method=MID_P if mid_p else METHOD,
    )
