"""Nelson-Aalen estimate of the cumulative hazard."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan, nan

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from esld.longform import About, Estimate, Row, Shown, estimate_rows, long_frame
from esld.reasons import Why, because
from esld.survival._data import Floats, Ints, checked_times, two_sided_z
from esld.survival._lifetable import LifeTable, checked_points, tabulate
from esld.times import before, until

METHOD = "nelson-aalen, aalen, log"


@dataclass(frozen=True, eq=False, kw_only=True)
class NelsonAalen(Shown):
    """A cumulative hazard: one row per distinct observed time, censored times included.

    Attributes
    ----------
    times : ndarray of shape (k,)
        Distinct observed times, ascending, in `time_unit`.
    n_risk : ndarray of int, shape (k,)
        Subjects at risk just before each time.
    n_event, n_censor : ndarray of int, shape (k,)
        Events and censorings at each time.
    cumulative_hazard : ndarray of shape (k,), in [0, inf)
        Sum of d / n up to and including each time.
    std_err : ndarray of shape (k,)
        Square root of the sum of d / n^2 (Aalen's variance, not corrected for ties).
    lower, upper : ndarray of shape (k,)
        Pointwise limits, symmetric on the log scale; NaN before the first event.
    n, events : int
        Subjects and events in all.
    max_time : float
        The last observed time.
    conf_level : float
        Level of the limits.
    group, time_unit : str
        Label of the sample and unit of the times, as the caller gave them.
    """

    times: Floats
    n_risk: Ints
    n_event: Ints
    n_censor: Ints
    cumulative_hazard: Floats
    std_err: Floats
    lower: Floats
    upper: Floats
    n: int
    events: int
    max_time: float
    conf_level: float
    group: str
    time_unit: str

    def at(self, times: ArrayLike, *, extend: bool = False) -> pd.DataFrame:
        """The estimate at given times.

        Parameters
        ----------
        times : array_like of shape (m,)
            Points in time, 0 or later, in any order.
        extend : bool, default False
            Beyond the last observed time the estimate is NaN. True carries the last value forward, as
            R's ``summary.survfit(extend=TRUE)`` does.

        Returns
        -------
        DataFrame
            Columns time, n_risk (just before the time), cumulative_hazard, std_err, lower, upper.
        """
        at = checked_points(times)
        past = until(self.times, at)
        table = LifeTable(self.times, self.n_risk, self.n_event, self.n_censor)
        frame = pd.DataFrame({"time": at, "n_risk": table.at_risk(at)})
        beyond = before(self.times, at) == self.times.size
        start = {"cumulative_hazard": 0.0, "std_err": 0.0, "lower": nan, "upper": nan}
        for name, value in start.items():
            column = np.concatenate(([value], getattr(self, name)))[past]
            frame[name] = column if extend else np.where(beyond, nan, column)
        return frame

    def estimate(self, at: float) -> Estimate:
        """Cumulative hazard at one time, with the reason where it or its limits do not exist."""
        value, std_err, lower, upper = self.at([at]).iloc[0, 2:].tolist()
        reason = None
        if isnan(value):
            reason = because(Why.FOLLOW_UP_ENDS, last=self.max_time, time=at)
        elif value == 0:
            reason = because(Why.NO_LIMITS_AT, limits="log", of="the cumulative hazard", value=0)
        return Estimate(
            value=value, std_err=std_err, lower=lower, upper=upper, conf_level=self.conf_level,
            method=METHOD, reason=reason,
        )  # fmt: skip

    def to_frame(self, times: ArrayLike | None = None) -> pd.DataFrame:
        """Long form: cumulative_hazard with its standard error.

        Parameters
        ----------
        times : array_like, optional
            The times to give; default the distinct event times. `events` counts those up to the time.
        """
        at = self.times[self.n_event > 0] if times is None else checked_points(times)
        so_far = np.concatenate(([0], np.cumsum(self.n_event)))
        rows: list[Row] = []
        for time, events in zip(at, so_far[until(self.times, at)], strict=True):
            about: About = {"n": self.n, "events": int(events), "group": self.group, "time": float(time)}
            rows += estimate_rows("cumulative_hazard", self.estimate(float(time)), **about)
        return long_frame(rows)


def nelson_aalen(
    time: ArrayLike, event: ArrayLike, *, conf_level: float = 0.95, group: str = "", time_unit: str = "days"
) -> NelsonAalen:
    """Nelson-Aalen estimate of one sample.

    Parameters
    ----------
    time : array_like of shape (n,)
        Elapsed time to event or censoring, 0 or more, in `time_unit`; NaN is refused. Times equal but for rounding are tied.
    event : array_like of shape (n,)
        1 or True for an event, 0 or False for censoring; NaN is refused.
    conf_level : float in (0, 1), default 0.95
        Level of the pointwise limits H exp(-+ z s / H), in (0, 1), with s the standard error.
    group, time_unit : str
        Label of the sample and unit of `time`, carried to the long form.

    Returns
    -------
    NelsonAalen
        The variance is Aalen's sum of d / n^2, R's ``survfit(...)$std.chaz``; others correct it for ties.

    Raises
    ------
    ValueError
        As for `kaplan_meier`.

    References
    ----------
    Nelson (1969), J Qual Technol 1:27-52. Aalen (1978), Ann Stat 6:701-726. Bie, Borgan and Liestol
    (1987), Scand J Stat 14:221-233, for the log limits.

    Examples
    --------
    >>> from esld.data.datasets import freireich
    >>> from esld.survival import nelson_aalen
    >>> children = freireich()
    >>> hazard = nelson_aalen(children["weeks"], children["relapse"], time_unit="weeks")
    >>> round(hazard.estimate(10).value, 3), round(hazard.estimate(10).upper, 3)
    (0.547, 0.874)
    """
    times, happened = checked_times(time, event)
    z = two_sided_z(conf_level)
    at, n_risk, n_event, n_censor = tabulate(times, happened)
    hazard = np.cumsum(n_event / n_risk)
    std_err = np.sqrt(np.cumsum(n_event / n_risk.astype(np.float64) ** 2))
    relative = np.divide(std_err, hazard, out=np.full(at.size, nan), where=hazard > 0)
    lower, upper = hazard * np.exp(-z * relative), hazard * np.exp(z * relative)
    for array in (at, n_risk, n_event, n_censor, hazard, std_err, lower, upper):
        array.setflags(write=False)
    return NelsonAalen(
        times=at, n_risk=n_risk, n_event=n_event, n_censor=n_censor, cumulative_hazard=hazard,
        std_err=std_err, lower=lower, upper=upper, n=times.size, events=int(happened.sum()),
        max_time=float(at[-1]), conf_level=conf_level, group=group, time_unit=time_unit,
    )  # fmt: skip
