"""Events that repeat: the mean cumulative function of one sample, alive or not."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan, nan
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from esld.longform import About, Estimate, Row, Shown, estimate_rows, long_frame, row
from esld.methods import made_by
from esld.reasons import Why, because
from esld.survival._data import Floats, Ints, choice, two_sided_z
from esld.survival.counting_process import CountingRows, counting_rows
from esld.times import before, until

MeanVariance = Literal["robust", "poisson"]
MEAN_VARIANCES = ("robust", "poisson")
MeanConfType = Literal["log", "plain"]
MEAN_CONF_TYPES = ("log", "plain")


@dataclass(frozen=True, eq=False, kw_only=True)
class MeanCumulativeFunction(Shown):
    """Mean number of events of a subject up to each time: one row per distinct time of an event or a death.

    Attributes
    ----------
    times : ndarray of shape (k,)
        Ascending, in `time_unit`.
    n_risk : ndarray of int, shape (k,)
        Subjects under observation just before each time (start < time <= stop).
    n_event, n_death : ndarray of int, shape (k,)
        Events, and deaths if the terminal event was given, at each time.
    mean : ndarray of shape (k,), 0 or more
        Estimate just after each time.
    std_err : ndarray of shape (k,)
    lower, upper : ndarray of shape (k,)
        Pointwise limits; log limits are NaN where the mean is 0.
    n, events, deaths : int
        Subjects, events, and deaths in all.
    exposure, max_time : float
        Time under observation of all subjects together; the last stop.
    method : str
        Estimator, variance and scale of the limits.
    conf_level : float
        Level of the limits.
    group, time_unit : str
        Label of the sample and unit of the times, as the caller gave them.
    """

    times: Floats
    n_risk: Ints
    n_event: Ints
    n_death: Ints
    mean: Floats
    std_err: Floats
    lower: Floats
    upper: Floats
    n: int
    events: int
    deaths: int
    exposure: float
    max_time: float
    method: str
    conf_level: float
    group: str
    time_unit: str
    _start: Floats
    _stop: Floats

    def at(self, times: ArrayLike, *, extend: bool = False) -> pd.DataFrame:
        """The estimate at given times.

        Parameters
        ----------
        times : array_like of shape (m,)
            Points in time, 0 or later, in any order.
        extend : bool, default False
            Beyond the last stop the estimate is NaN; True carries the last value forward instead.

        Returns
        -------
        DataFrame
            Columns time, n_risk (just before the time; at 0, those observed from 0), mean, std_err, lower,
            upper. Before the first event the mean is 0, without limits on the log scale.
        """
        points = np.atleast_1d(np.asarray(times, dtype=np.float64))
        if points.ndim != 1 or not np.all(points >= 0):
            raise ValueError(f"times must be 0 or more and not missing, got {points.tolist()}")
        # Rows entered before a time less rows left before it.
        n_risk = before(np.sort(self._start), points) - before(np.sort(self._stop), points)
        n_risk = np.where(points == 0, np.count_nonzero(self._start == 0), n_risk)
        frame = pd.DataFrame({"time": points, "n_risk": n_risk})
        past = until(self.times, points)
        beyond = before(np.array([self.max_time]), points) > 0
        limit = nan if self.method.endswith("log") else 0.0
        for name, first in (("mean", 0.0), ("std_err", 0.0), ("lower", limit), ("upper", limit)):
            column = np.concatenate(([first], getattr(self, name)))[past]
            frame[name] = column if extend else np.where(beyond, nan, column)
        return frame

    def estimate(self, at: float) -> Estimate:
        """The mean at one time, with the reason where it or its limits do not exist."""
        return self._estimates(np.array([at], dtype=np.float64))[0]

    def _estimates(self, points: Floats) -> list[Estimate]:
        found: list[Estimate] = []
        frame = self.at(points)
        columns = (frame[name].tolist() for name in ("time", "mean", "std_err", "lower", "upper"))
        for time, value, std_err, lower, upper in zip(*columns, strict=True):
            reason = None
            if isnan(value):
                reason = because(Why.FOLLOW_UP_ENDS, last=self.max_time, time=time)
            elif isnan(lower):
                reason = because(Why.NO_LIMITS_AT, limits="log", of="the mean", value=0)
            found.append(
                Estimate(
                    value=value,
                    std_err=std_err,
                    lower=lower,
                    upper=upper,
                    conf_level=self.conf_level,
                    method=self.method,
                    reason=reason,
                )
            )
        return found

    def step(self, *, n_risk: int = 1) -> pd.DataFrame:
        """Vertices of the drawn curve, from (0, 0) to the last time with `n_risk` subjects at risk, both ends of each rise.

        Returns
        -------
        DataFrame
            Columns time, mean, lower, upper: join the rows by straight lines. No row where there never were so many.
        """
        stops = np.unique(self._stop)
        last = np.max(stops[self.at(stops)["n_risk"] >= n_risk], initial=0.0)
        rises = (self.n_event > 0) & (self.times <= last)
        frame = pd.DataFrame({"time": np.concatenate(([0.0], np.repeat(self.times[rises], 2), [last]))})
        limit = nan if self.method.endswith("log") else 0.0
        for name, first in (("mean", 0.0), ("lower", limit), ("upper", limit)):
            frame[name] = np.repeat(np.concatenate(([first], getattr(self, name)[rises])), 2)
        return frame.drop_duplicates(ignore_index=True) if last else frame.iloc[:0]

    def to_frame(self, times: ArrayLike | None = None) -> pd.DataFrame:
        """Long form: mean_events (with standard error) and n_risk at each time, then time_at_risk.

        Parameters
        ----------
        times : array_like, optional
            The times to give; default the distinct event times. `events` counts those up to the time.
        """
        points = np.asarray(self.times[self.n_event > 0] if times is None else times, dtype=np.float64)
        frame = self.at(points)
        so_far = np.concatenate(([0], np.cumsum(self.n_event)))
        rows: list[Row] = []
        asked = frame["time"].to_numpy()
        for mean, time, n_risk, events in zip(
            self._estimates(asked),
            asked.tolist(),
            frame["n_risk"],
            so_far[until(self.times, asked)],
            strict=True,
        ):
            about: About = {"n": self.n, "events": int(events), "group": self.group, "time": time}
            rows += estimate_rows("mean_events", mean, **about)
            rows.append(row("n_risk", float(n_risk), **about))
        every: About = {"n": self.n, "events": self.events, "group": self.group, "unit": self.time_unit}
        rows.append(row("time_at_risk", self.exposure, **every))
        return long_frame(rows)


def mean_cumulative_function(
    rows: pd.DataFrame,
    *,
    subject: str,
    start: str,
    stop: str,
    event: str,
    death: str | None = None,
    variance: MeanVariance = "robust",
    conf_level: float = 0.95,
    conf_type: MeanConfType = "log",
    group: str = "",
    time_unit: str = "days",
) -> MeanCumulativeFunction:
    """Mean number of events per subject over time, of one sample.

    Without `death` the end of every subject's observation counts as censoring: the sum over event times of
    events / subjects at risk (Nelson). With subjects that die under observation this cumulates the rate
    among those still alive; it is the mean number of nobody in particular. With `death` the rate is weighted
    by the share still alive (Ghosh and Lin): the mean number by then of a subject followed from 0, the dead
    keeping the number they had. The second is the smaller wherever somebody died.

    Parameters
    ----------
    rows : DataFrame
        One or more rows per subject, each a stretch of observation; `counting_process` makes them from
        events and ends of follow-up. Stretches of a subject must not overlap; gaps are not at risk.
    subject, start, stop : str
        Columns: label; beginning and end of the stretch, at risk on (start, stop], 0 <= start <= stop.
    event : str
        Column: number of events at `stop`, an integer of 0 or more (or a boolean).
    death : str, optional
        Column: 1 (or True) where `stop` is the death, in a subject's last row; an event at the time of
        death comes before it.
    variance : {'robust', 'poisson'}
        Robust (Lawless and Nadeau; with `death`, the influence function of Ghosh and Lin, with its exact
        form at ties) allows for subjects who are prone to more events than others. Poisson, for
        comparison, holds if events are independent; not with `death`.
    conf_level : float in (0, 1), default 0.95
    conf_type : {'log', 'plain'}
        Scale on which the limits are symmetric. Plain limits are cut at 0.
    group, time_unit : str
        Label of the sample and unit of the times, carried to the long form.

    Returns
    -------
    MeanCumulativeFunction
        Without events the mean is 0 throughout.

    Raises
    ------
    ValueError
        No row; a column absent or missing values in it; times or counts outside their range; an event in a
        stretch of no length; stretches that overlap; a death before the last row.

    Notes
    -----
    A table of subjects by distinct times is held in memory.

    References
    ----------
    Nelson (1995), Technometrics 37:147-157. Lawless and Nadeau (1995), Technometrics 37:158-168. Ghosh and
    Lin (2000), Biometrics 56:554-562.

    Examples
    --------
    >>> from esld.data.datasets import demo, demo_events
    >>> from esld.survival import counting_process, mean_cumulative_function
    >>> patients = demo().query("week == 0")
    >>> rows = counting_process(demo_events(), patients, subject="subject", time="day", end="days", death="died")
    >>> mean = mean_cumulative_function(rows, subject="subject", start="start", stop="stop", event="event", death="died")
    >>> mean.events, mean.deaths, round(mean.estimate(365).value, 3)
    (17, 4, 0.737)
    """
    choice(variance, "variance", MEAN_VARIANCES)
    choice(conf_type, "conf_type", MEAN_CONF_TYPES)
    z = two_sided_z(conf_level)
    if death is not None and variance == "poisson":
        raise ValueError("variance must be 'robust' where death is given, got 'poisson'")
    data = counting_rows(rows, subject=subject, start=start, stop=stop, event=event, death=death)
    times = np.unique(data.stop[(data.count > 0) | data.death])
    some = data.count > 0
    position = np.searchsorted(times, data.stop[some])
    n_event = np.bincount(position, data.count[some], times.size).astype(np.int64)
    n_death = np.bincount(np.searchsorted(times, data.stop[data.death]), minlength=times.size)
    n_risk = np.searchsorted(np.sort(data.start), times, side="left") - np.searchsorted(
        np.sort(data.stop), times, side="left"
    )
    alive = np.concatenate(([1.0], np.cumprod(1 - n_death / n_risk)[:-1])) if times.size else np.ones(0)
    mean = np.cumsum(alive * n_event / n_risk)
    if variance == "poisson":
        std_err = np.sqrt(np.cumsum(n_event / n_risk**2))
    else:
        std_err = np.sqrt((_influence(data, times, n_risk, n_event, n_death, alive) ** 2).sum(axis=0))
    lower, upper = _limits(mean, std_err, z, conf_type)
    estimator = made_by("nelson", "poisson" if variance == "poisson" else "lawless-nadeau")
    for array in (times, n_risk, n_event, n_death, mean, std_err, lower, upper):
        array.setflags(write=False)
    return MeanCumulativeFunction(
        times=times, n_risk=n_risk, n_event=n_event, n_death=n_death, mean=mean, std_err=std_err, lower=lower,
        upper=upper, n=data.subjects, events=int(data.count.sum()), deaths=int(data.death.sum()),
        exposure=float((data.stop - data.start).sum()), max_time=float(data.stop.max()),
        method=made_by("ghosh-lin" if death is not None else estimator, conf_type), conf_level=conf_level,
        group=group, time_unit=time_unit, _start=data.start, _stop=data.stop,
    )  # fmt: skip


def _influence(
    data: CountingRows, times: Floats, n_risk: Ints, n_event: Ints, n_death: Ints, alive: Floats
) -> Floats:
    """What each subject adds to the error of the mean: array of shape (subjects, k); rows sum to 0 in all.

    The infinitesimal jackknife: derivative of the mean by the subject's weight. With S the share alive just
    before u and dM = dN - Y dR, the part of the events is the sum over u <= t of S / n_risk dM; the part of
    the deaths is minus the sum over u <= t of S dR times the sum over v < u of dM_death / (n_risk - n_death).
    """
    shape = (data.subjects, times.size)
    at_risk = np.zeros((data.subjects, times.size + 1))
    np.add.at(at_risk, (data.who, np.searchsorted(times, data.start, side="right")), 1.0)
    np.add.at(at_risk, (data.who, np.searchsorted(times, data.stop, side="right")), -1.0)
    at_risk = np.cumsum(at_risk, axis=1)[:, :-1]
    own = np.zeros(shape)
    some = data.count > 0
    np.add.at(own, (data.who[some], np.searchsorted(times, data.stop[some])), data.count[some])
    influence: Floats = np.cumsum((own - at_risk * (n_event / n_risk)) * (alive / n_risk), axis=1)
    if data.death.any():
        dead = np.zeros(shape)
        dead[data.who[data.death], np.searchsorted(times, data.stop[data.death])] = 1.0
        left = (n_risk - n_death).astype(np.float64)
        # Where nobody is left the share alive is 0 whatever the weights.
        factor = np.divide(1.0, left, out=np.zeros(times.size), where=left > 0)
        log_alive = np.cumsum((dead - at_risk * (n_death / n_risk)) * factor, axis=1)
        before = np.column_stack((np.zeros(data.subjects), log_alive[:, :-1]))
        influence -= np.cumsum(before * (alive * n_event / n_risk), axis=1)
    return influence


def _limits(mean: Floats, std_err: Floats, z: float, conf_type: str) -> tuple[Floats, Floats]:
    if conf_type == "plain":
        return np.maximum(mean - z * std_err, 0.0), mean + z * std_err
    factor = np.exp(z * np.divide(std_err, mean, out=np.full(mean.size, nan), where=mean > 0))
    return mean / factor, mean * factor
