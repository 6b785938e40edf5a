"""Kaplan-Meier estimate of survival, its confidence limits, quantiles, and the counts of the risk table."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from esld.longform import About, Estimate, Row, Shown, estimate_rows, long_frame, row
from esld.reasons import Why, because, together
from esld.survival._data import Floats, Ints, checked_times, choice, group_codes, two_sided_z
from esld.survival._lifetable import LifeTable, checked_points, greenwood, tabulate, tabulate_by
from esld.times import before, until

# Survival meets a level when it is as near as this: the tolerance of R's quantile.survfit.
_TOLERANCE = float(np.sqrt(np.finfo(float).eps))

ConfType = Literal["log-log", "log", "plain"]
CONF_TYPES = ("log-log", "log", "plain")


@dataclass(frozen=True, kw_only=True)
class Quantile(Estimate):
    """The time by which a share `p` of the subjects have had the event; NaN means not reached."""

    p: float


@dataclass(frozen=True, eq=False, kw_only=True)
class KaplanMeier(Shown):
    """A Kaplan-Meier curve: one row per distinct observed time, censored times included.

    Attributes
    ----------
    times : ndarray of shape (k,)
        Distinct observed times, ascending, in `time_unit`.
    n_risk : ndarray of int, shape (k,)
        Subjects at risk just before each time: observed time at or after it.
    n_event, n_censor : ndarray of int, shape (k,)
        Events and censorings at each time; censoring comes after the events of its time.
    survival : ndarray of shape (k,), in [0, 1]
        Estimate just after each time.
    std_err : ndarray of shape (k,)
        Greenwood standard error of `survival` (not of its logarithm); NaN where survival is 0.
    lower, upper : ndarray of shape (k,), in [0, 1]
        Pointwise limits; NaN where survival is 0 and, for log-log, where it is 1.
    n, events : int
        Subjects and events in all.
    max_time : float
        The last observed time.
    conf_level, conf_type : float, str
        Level and scale of the limits.
    group, time_unit : str
        Label of the sample and unit of the times, as the caller gave them.
    """

    times: Floats
    n_risk: Ints
    n_event: Ints
    n_censor: Ints
    survival: Floats
    std_err: Floats
    lower: Floats
    upper: Floats
    n: int
    events: int
    max_time: float
    conf_level: float
    conf_type: ConfType
    group: str
    time_unit: str

    @property
    def method(self) -> str:
        """Estimator, variance and scale of the limits, as a code."""
        return f"kaplan-meier, greenwood, {self.conf_type}"

    @property
    def table(self) -> LifeTable:
        """The counts alone: what the log-rank test and RMST are made from."""
        return LifeTable(self.times, self.n_risk, self.n_event, self.n_censor)

    def at(self, times: ArrayLike, *, extend: bool = False) -> pd.DataFrame:
        """The estimate at given times.

        Parameters
        ----------
        times : array_like of shape (m,)
            Points in time, 0 or later, in any order.
        extend : bool, default False
            Beyond the last observed time the estimate is NaN unless everybody has had the event.
            True carries the last value forward instead, as R's ``summary.survfit(extend=TRUE)`` does.

        Returns
        -------
        DataFrame
            Columns time, n_risk (just before the time), survival, std_err, lower, upper.
        """
        points = checked_points(times)
        past = until(self.times, points)
        # Before the first observed time: everybody alive, nothing uncertain about it.
        start = {"survival": 1.0, "std_err": 0.0, "lower": 1.0, "upper": 1.0}
        if self.conf_type == "log-log":
            start |= {"lower": nan, "upper": nan}
        frame = pd.DataFrame({"time": points, "n_risk": self.table.at_risk(points)})
        beyond = (before(self.times, points) == self.times.size) & (self.survival[-1] > 0)
        for name, value in start.items():
            column = np.concatenate(([value], getattr(self, name)))[past]
            frame[name] = column if extend else np.where(beyond, nan, column)
        return frame

    def estimate(self, at: float) -> Estimate:
        """Survival at one time, with the reason where it or its limits do not exist."""
        return self._estimates(np.array([at], dtype=np.float64))[0]

    def _estimates(self, points: Floats) -> list[Estimate]:
        found: list[Estimate] = []
        frame = self.at(points)
        columns = (frame[name].tolist() for name in ("time", "survival", "std_err", "lower", "upper"))
        for time, value, std_err, lower, upper in zip(*columns, strict=True):
            reason = None
            if isnan(value):
                reason = because(Why.FOLLOW_UP_ENDS, last=self.max_time, time=time)
            elif isnan(lower):
                reason = because(Why.NO_LIMITS_AT, limits=self.conf_type, of="survival", value=value)
            found.append(Estimate(
                value=value, std_err=std_err, lower=lower, upper=upper, conf_level=self.conf_level,
                method=self.method, reason=reason,
            ))  # fmt: skip
        return found

    def quantile(self, p: float) -> Quantile:
        """The time by which a share `p` have had the event, in (0, 1), with limits.

        The smallest time at which survival is at most 1 - p; where the curve runs flat at exactly
        1 - p, the middle of the flat stretch (which ends at `max_time` if nothing follows). The same
        rule on the upper and lower confidence curve gives the limits; should such a curve rise again,
        its highest point at or below 1 - p counts, as in R. NaN means not reached. The middle of a stretch
        that nothing ends moves with the last time observed, without any event: `reason` then says so.

        References
        ----------
        Brookmeyer and Crowley (1982), Biometrics 38:29-41; R survival, ``quantile.survfit``.
        """
        if not 0 < p < 1:
            raise ValueError(f"p must be between 0 and 1, got {p!r}")
        curves = {"curve": self.survival, "lower limit": self.lower, "upper limit": self.upper}
        found = {name: self._crossing(curve, 1 - p) for name, curve in curves.items()}
        reasons = [
            because(Why.ENDS_FLAT, curve=name, level=1 - p, begin=begin, last=self.max_time)
            for name, (_, begin) in found.items()
            if not isnan(begin)
        ]
        value, lower, upper = (time for time, _ in found.values())
        if isnan(value):
            reasons.append(because(Why.NOT_REACHED))
        elif missing := tuple(name for name, limit in (("lower", lower), ("upper", upper)) if isnan(limit)):
            reasons.append(because(Why.LIMIT_NOT_REACHED, limits=missing))
        return Quantile(
            p=p, value=value, lower=lower, upper=upper, conf_level=self.conf_level, method=self.method,
            reason=together(reasons),
        )  # fmt: skip

    def _crossing(self, curve: Floats, level: float) -> tuple[float, float]:
        """Time at which a step curve starting at 1 comes to `level`, and from when on it stays there to its end.

        The first is NaN if it does not come down to it, the second if it goes on. NaN points of it are left out.
        """
        known = ~np.isnan(curve)
        times = np.concatenate(([0.0], self.times[known]))
        heights = np.concatenate(([1.0], curve[known]))

        def nearest(below: float) -> int | None:
            # The highest point at or below, at its first time. On a curve that never rises, as survival
            # itself, the first time at or below; a confidence curve may rise, and R then takes this one.
            candidates = np.where(heights <= below, heights, -1.0)
            highest = int(np.argmax(candidates))
            return highest if candidates[highest] >= 0 else None

        reached = nearest(level + _TOLERANCE)
        if reached is None:
            return nan, nan
        if heights[reached] < level - _TOLERANCE:
            return float(times[reached]), nan
        under = nearest(level - _TOLERANCE)
        ends_flat = bool(known[-1]) and abs(heights[-1] - level) <= _TOLERANCE
        if ends_flat:
            return float((times[reached] + self.max_time) / 2), float(times[reached])
        return (nan if under is None else float((times[reached] + times[under]) / 2)), nan

    @property
    def median(self) -> Quantile:
        """The time by which half have had the event; see `quantile`."""
        return self.quantile(0.5)

    def counts(self, times: ArrayLike) -> pd.DataFrame:
        """The numbers under the figure.

        Parameters
        ----------
        times : array_like of shape (m,)
            The ticks, 0 or later.

        Returns
        -------
        DataFrame
            Columns time; n_risk, at risk just before it (start of the period); events and censored,
            both cumulative up to and including it. Somebody observed until exactly a tick is still
            at risk there and is counted in events or censored as well.
        """
        points = checked_points(times)
        past = until(self.times, points)
        frame = pd.DataFrame({"time": points, "n_risk": self.table.at_risk(points)})
        for name, here in (("events", self.n_event), ("censored", self.n_censor)):
            frame[name] = np.concatenate(([0], np.cumsum(here)))[past]
        return frame

    def step(self) -> pd.DataFrame:
        """Vertices of the drawn curve, from (0, 1) to (`max_time`, last value), both ends of each drop.

        Returns
        -------
        DataFrame
            Columns time, survival, lower, upper: join the rows by straight lines.
        """
        drops = self.n_event > 0
        time = np.concatenate(([0.0], np.repeat(self.times[drops], 2), [self.max_time]))
        frame = pd.DataFrame({"time": time})
        limit = nan if self.conf_type == "log-log" else 1.0
        for name, start in (("survival", 1.0), ("lower", limit), ("upper", limit)):
            frame[name] = np.repeat(np.concatenate(([start], getattr(self, name)[drops])), 2)
        return frame.drop_duplicates(ignore_index=True)

    def to_frame(self, times: ArrayLike | None = None) -> pd.DataFrame:
        """Long form: survival (with standard error) and number at risk, then the median.

        Parameters
        ----------
        times : array_like, optional
            The times to give; default the distinct event times. `events` counts those up to the time.
        """
        points = self.times[self.n_event > 0] if times is None else checked_points(times)
        counts = self.counts(points)
        rows: list[Row] = []
        for survival, time, n_risk, events in zip(
            self._estimates(points), points.tolist(), counts["n_risk"], counts["events"], strict=True
        ):
            about: About = {"n": self.n, "events": int(events), "group": self.group, "time": time}
            rows += estimate_rows("survival", survival, **about)
            rows.append(row("n_risk", float(n_risk), **about))
        every: About = {"n": self.n, "events": self.events, "group": self.group, "unit": self.time_unit}
        rows += estimate_rows("median", self.median, **every)
        return long_frame(rows)


def kaplan_meier(
    time: ArrayLike,
    event: ArrayLike,
    *,
    conf_level: float = 0.95,
    conf_type: ConfType = "log-log",
    group: str = "",
    time_unit: str = "days",
) -> KaplanMeier:
    """Kaplan-Meier estimate of one sample.

    Parameters
    ----------
    time : array_like of shape (n,)
        Elapsed time to event or censoring, 0 or more, in `time_unit`; NaN is refused. Times equal but for rounding are tied.
    event : array_like of shape (n,)
        1 or True for an event, 0 or False for censoring; NaN is refused.
    conf_level : float in (0, 1), default 0.95
        Level of the pointwise limits, in (0, 1).
    conf_type : {'log-log', 'log', 'plain'}
        Scale on which the limits are symmetric. Plain and log limits are cut to [0, 1].
    group : str
        Label of the sample, carried to the long form.
    time_unit : str
        Unit of `time`, carried to the long form.

    Returns
    -------
    KaplanMeier

    Raises
    ------
    ValueError
        See `time` and `event`; also when there is no row.

    References
    ----------
    Kaplan and Meier (1958), JASA 53:457-481. Greenwood (1926). Kalbfleisch and Prentice (2002),
    section 1.4, for the log-log limits.

    Examples
    --------
    >>> from esld.data.datasets import freireich
    >>> from esld.survival import kaplan_meier
    >>> children = freireich()
    >>> curve = kaplan_meier(children["weeks"], children["relapse"], time_unit="weeks")
    >>> curve.at([10, 20])[["time", "n_risk", "survival"]].round(3).to_numpy().tolist()
    [[10.0, 23.0, 0.565], [20.0, 10.0, 0.341]]
    >>> curve.median.value
    12.0
    """
    times, happened = checked_times(time, event)
    return _curve(tabulate(times, happened), conf_level, conf_type, group, time_unit)


def kaplan_meier_by(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    groups: Sequence[Hashable] | None = None,
    conf_level: float = 0.95,
    conf_type: ConfType = "log-log",
    time_unit: str = "days",
) -> tuple[KaplanMeier, ...]:
    """Kaplan-Meier estimates of several groups, whose times are sorted once for all that follows.

    `logrank_of`, `rmst_of` and `rmst_compare_of` take the curves and sort nothing again: figure, risk
    table, test and mean come from the same counts.

    Parameters
    ----------
    time, event, conf_level, conf_type, time_unit
        As for `kaplan_meier`.
    group : array_like of shape (n,)
        Label of each subject, none missing; it becomes the `group` of the curve.
    groups : sequence, optional
        The labels in the order wanted. Default: the order of the categories, else sorted.

    Returns
    -------
    tuple of KaplanMeier
        One per label, in order.

    Raises
    ------
    ValueError
        As for `kaplan_meier`; a missing label, or one that is not among `groups`.

    Examples
    --------
    >>> from esld.data.datasets import freireich
    >>> from esld.survival import kaplan_meier_by
    >>> children = freireich()
    >>> active, placebo = kaplan_meier_by(children["weeks"], children["relapse"], children["arm"], time_unit="weeks")
    >>> active.group, active.median.value, placebo.median.value
    ('6MP', 23.0, 8.0)
    """
    times, happened = checked_times(time, event)
    codes, labels = group_codes(group, time=time, groups=groups)
    return tuple(
        _curve(table, conf_level, conf_type, label, time_unit)
        for table, label in zip(tabulate_by(times, happened, codes, len(labels)), labels, strict=True)
    )


def _curve(table: LifeTable, conf_level: float, conf_type: ConfType, group: str, unit: str) -> KaplanMeier:
    choice(conf_type, "conf_type", CONF_TYPES)
    z = two_sided_z(conf_level)
    at, n_risk, n_event, n_censor = table
    survival: Floats = np.cumprod((n_risk - n_event) / n_risk, dtype=np.float64)
    log_std_err = np.sqrt(greenwood(n_risk, n_event))
    gone = survival == 0
    lower, upper = _limits(survival, np.where(gone, nan, log_std_err), z, conf_type)
    std_err = np.where(gone, nan, survival * log_std_err)
    for array in (at, n_risk, n_event, n_censor, survival, std_err, lower, upper):
        array.setflags(write=False)
    return KaplanMeier(
        times=at, n_risk=n_risk, n_event=n_event, n_censor=n_censor, survival=survival, std_err=std_err,
        lower=lower, upper=upper, n=int(n_risk[0]), events=int(n_event.sum()), max_time=float(at[-1]),
        conf_level=conf_level, conf_type=conf_type, group=group, time_unit=unit,
    )  # fmt: skip


def _limits(survival: Floats, log_std_err: Floats, z: float, conf_type: ConfType) -> tuple[Floats, Floats]:
    if conf_type == "plain":
        margin = z * survival * log_std_err
        return np.maximum(survival - margin, 0.0), np.minimum(survival + margin, 1.0)
    if conf_type == "log":
        factor = np.exp(z * log_std_err)
        return survival / factor, np.minimum(survival * factor, 1.0)
    inside = (survival > 0) & (survival < 1)
    log_survival = np.log(survival, out=np.full(survival.size, nan), where=inside)
    factor = np.exp(-z * log_std_err / log_survival)
    return np.exp(log_survival * factor), np.exp(log_survival / factor)
