"""Cumulative incidence of each of several causes that exclude one another: Aalen-Johansen, ties exact."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from esld.longform import About, Estimate, Row, Shown, estimate_rows, long_frame, row
from esld.reasons import Why, because
from esld.survival._data import Floats, Ints, checked_times, choice, two_sided_z
from esld.survival._lifetable import checked_points, greenwood, tabulate
from esld.survival._states import label_name, state_codes
from esld.times import before, until

ConfType = Literal["log-log", "plain"]
CONF_TYPES = ("log-log", "plain")
Variance = Literal["greenwood", "aalen"]
VARIANCES = ("greenwood", "aalen")

_Columns = Mapping[str, Floats | Ints]


@dataclass(frozen=True, eq=False, kw_only=True)
class CumulativeIncidence(Shown):
    """Cumulative incidence of c causes in one sample: one column per distinct observed time.

    Attributes
    ----------
    causes : tuple of str
        The c causes, in order.
    times : ndarray of shape (k,)
        Distinct observed times, ascending, in `time_unit`; censored times included.
    n_risk : ndarray of int, shape (k,)
        Subjects at risk just before each time: observed time at or after it, nothing happened yet.
    n_event : ndarray of int, shape (c, k)
        Events of each cause at each time.
    n_censor : ndarray of int, shape (k,)
        Censorings at each time; they come after the events of their time.
    survival : ndarray of shape (k,), in [0, 1]
        Free of every cause just after each time. It and the incidences add up to 1.
    incidence : ndarray of shape (c, k), in [0, 1]
        Share in whom the cause has happened, just after each time.
    std_err : ndarray of shape (c, k)
        Standard error of `incidence`; NaN where incidence is 1. As in R 0 where incidence is 0, which says
        nothing of the uncertainty: `estimate` and `to_frame` give no standard error and no limits there.
    lower, upper : ndarray of shape (c, k), in [0, 1]
        Pointwise limits; NaN where incidence is 1 and, for log-log, where it is 0.
    n : int
        Subjects.
    events : tuple of int
        Events of each cause.
    max_time : float
        The last observed time.
    conf_level, conf_type, variance : float, str, str
        Level and scale of the limits, and which variance.
    group, time_unit : str
        Label of the sample and unit of the times, as the caller gave them.
    note : str
        Who is censored, where nobody is by the label for it; empty otherwise.
    """

    causes: tuple[str, ...]
    times: Floats
    n_risk: Ints
    n_event: Ints
    n_censor: Ints
    survival: Floats
    incidence: Floats
    std_err: Floats
    lower: Floats
    upper: Floats
    n: int
    events: tuple[int, ...]
    max_time: float
    conf_level: float
    conf_type: ConfType
    variance: Variance
    group: str
    time_unit: str
    note: str

    @property
    def method(self) -> str:
        """Estimator, variance and scale of the limits, as a code."""
        kind = {"greenwood": "greenwood-type", "aalen": "aalen"}[self.variance]
        return f"aalen-johansen, {kind}, {self.conf_type}"

    def _at(self, points: Floats, cause: int, extend: bool) -> dict[str, Floats]:
        past = until(self.times, points)
        # Before the first observed time: nothing has happened, nothing uncertain about it.
        limit = nan if self.conf_type == "log-log" else 0.0
        start = {"incidence": 0.0, "std_err": 0.0, "lower": limit, "upper": limit}
        beyond = (before(self.times, points) == self.times.size) & (self.survival[-1] > 0) & (not extend)
        columns = {
            name: np.concatenate(([value], getattr(self, name)[cause]))[past] for name, value in start.items()
        }
        return {name: np.where(beyond, nan, column) for name, column in columns.items()}

    def at(self, times: ArrayLike, *, extend: bool = False) -> pd.DataFrame:
        """The estimates at given times.

        Parameters
        ----------
        times : array_like of shape (m,)
            Points in time, 0 or later, in any order.
        extend : bool, default False
            Beyond the last observed time an estimate is NaN unless something has happened to everybody.
            True carries the last value forward instead.

        Returns
        -------
        DataFrame
            Columns cause, time, n_risk (just before the time), incidence, std_err, lower, upper; m rows
            per cause.
        """
        points = checked_points(times)
        shared: _Columns = {"time": points, "n_risk": self._risk_before(points)}
        return self._stack({**shared, **self._at(points, i, extend)} for i in range(len(self.causes)))

    def _risk_before(self, points: Floats) -> Ints:
        return np.append(self.n_risk, 0)[before(self.times, points)]

    def _stack(self, parts: Iterable[_Columns]) -> pd.DataFrame:
        frames = [pd.DataFrame({"cause": c, **part}) for c, part in zip(self.causes, parts, strict=True)]
        return pd.concat(frames, ignore_index=True)

    def estimate(self, at: float, cause: Hashable) -> Estimate:
        """Incidence of one cause at one time, with the reason where it or its limits do not exist."""
        return self._estimates(np.array([at], dtype=np.float64), self._number(cause))[0]

    def _number(self, cause: Hashable) -> int:
        if (name := label_name(cause)) not in self.causes:
            raise ValueError(f"cause must be one of {list(self.causes)}, got {cause!r}")
        return self.causes.index(name)

    def _estimates(self, points: Floats, cause: int) -> list[Estimate]:
        found: list[Estimate] = []
        columns = self._at(checked_points(points), cause, extend=False)
        for time, value, std_err, lower, upper in zip(
            points.tolist(), *(column.tolist() for column in columns.values()), strict=True
        ):
            reason = None
            if isnan(value):
                reason = because(Why.FOLLOW_UP_ENDS, last=self.max_time, time=time)
            elif std_err == 0 or isnan(std_err):
                # An incidence of 0 has a variance of 0 in R; that is no measure of what is not known.
                std_err = lower = upper = nan
                reason = because(Why.NO_LIMITS_AT, limits=self.conf_type, of="incidence", value=value)
            found.append(
                Estimate(
                    value=value, std_err=std_err, lower=lower, upper=upper, conf_level=self.conf_level,
                    method=self.method, reason=reason,
                )
            )  # fmt: skip
        return found

    def counts(self, times: ArrayLike) -> pd.DataFrame:
        """The numbers under the figure.

        Parameters
        ----------
        times : array_like of shape (m,)
            The ticks, 0 or later.

        Returns
        -------
        DataFrame
            Columns cause, time; n_risk, at risk of any cause just before the time; events of the cause
            and censored, both cumulative up to and including it. n_risk and censored are the same for
            every cause.
        """
        points = checked_points(times)
        past = until(self.times, points)

        def cumulative(number: Ints) -> Ints:
            return np.concatenate(([0], np.cumsum(number)))[past]

        shared: _Columns = {"time": points, "n_risk": self._risk_before(points)}
        censored = cumulative(self.n_censor)
        return self._stack(
            {**shared, "events": cumulative(own), "censored": censored} for own in self.n_event
        )

    def step(self) -> pd.DataFrame:
        """Vertices of the drawn curves, from (0, 0) to (`max_time`, last value), both ends of each rise.

        Returns
        -------
        DataFrame
            Columns cause, time, incidence, lower, upper: within a cause, join the rows by straight lines.
        """
        parts = []
        for i, own in enumerate(self.n_event):
            rises = own > 0
            part = {"time": np.concatenate(([0.0], np.repeat(self.times[rises], 2), [self.max_time]))}
            limit = nan if self.conf_type == "log-log" else 0.0
            for name, start in (("incidence", 0.0), ("lower", limit), ("upper", limit)):
                part[name] = np.repeat(np.concatenate(([start], getattr(self, name)[i][rises])), 2)
            parts.append(part)
        return self._stack(parts).drop_duplicates(ignore_index=True)

    def to_frame(self, times: ArrayLike | None = None) -> pd.DataFrame:
        """Long form: number at risk, then incidence (with standard error) of each cause.

        The cause follows the label of the sample in `group`: "low: death", or "death" without a label.

        Parameters
        ----------
        times : array_like, optional
            The times to give; default the distinct event times. `events` counts those of the cause (for
            n_risk, of all causes) up to the time.
        """
        points = self.times[self.n_event.any(axis=0)] if times is None else checked_points(times)
        events_of = self.counts(points)["events"].to_numpy().reshape(len(self.causes), points.size)
        every = events_of.sum(axis=0)
        rows: list[Row] = []
        for time, n_risk, events in zip(points.tolist(), self._risk_before(points), every, strict=True):
            about: About = {"n": self.n, "events": int(events), "group": self.group, "time": time}
            rows.append(row("n_risk", float(n_risk), **about))
        for i, cause in enumerate(self.causes):
            label = f"{self.group}: {cause}" if self.group else cause
            for time, estimate, events in zip(
                points.tolist(), self._estimates(points, i), events_of[i], strict=True
            ):
                own: About = {"n": self.n, "events": int(events), "group": label, "time": time}
                rows += estimate_rows("cumulative_incidence", estimate, **own)
        return long_frame(rows)


def cumulative_incidence(
    time: ArrayLike,
    state: ArrayLike,
    *,
    causes: Sequence[Hashable] | None = None,
    censored: Hashable = 0,
    conf_level: float = 0.95,
    conf_type: ConfType = "log-log",
    variance: Variance = "greenwood",
    group: str = "",
    time_unit: str = "days",
) -> CumulativeIncidence:
    """Aalen-Johansen estimate of the cumulative incidence of each cause in one sample.

    Parameters
    ----------
    time : array_like of shape (n,)
        Elapsed time to the first event of any cause or to censoring, 0 or more, in `time_unit`; NaN is
        refused. Times equal but for rounding are tied: nothing is moved apart.
    state : array_like of shape (n,)
        What ended each time: the label of a cause, words or codes. Missing means censored, and so does
        the label `censored`. Labels are compared by value, whatever type holds them: 1, 1.0 and True are one
        label, the text "1" is another.
    causes : sequence, optional
        The causes in the order wanted; one without an event has incidence 0. Default: the categories of
        `state`, else the labels found, sorted.
    censored : hashable, default 0
        The label of censoring in `state`, beside missing; None if there is none.
    conf_level : float in (0, 1), default 0.95
        Level of the pointwise limits, in (0, 1).
    conf_type : {'log-log', 'plain'}
        Scale on which the limits are symmetric: log(-log(1 - incidence)), as for `kaplan_meier`, or the
        incidence itself, cut to [0, 1].
    variance : {'greenwood', 'aalen'}
        'greenwood' (default) takes what happens to those at risk at one time as multinomial. Without
        censoring it is F (1 - F) / n, with one cause it is Greenwood's variance of Kaplan-Meier, and it
        equals the infinitesimal jackknife. 'aalen' takes the causes as independent counts and is usually
        a little larger.
    group : str
        Label of the sample, carried to the long form.
    time_unit : str
        Unit of `time`, carried to the long form.

    Returns
    -------
    CumulativeIncidence

    Raises
    ------
    ValueError
        See `time`; no row; a label of `state` that is not among `causes`; no cause at all. Without `causes`, a
        label `censored` that does not occur: the right one would be taken for a cause. The default 0 passes
        where all labels are numbers, or where missing states censor; `note` then says who is censored.

    Notes
    -----
    R: 'greenwood' is etm's ``etmCIF`` and, squared, the standard error of survival's multi-state
    ``survfit``; 'aalen' is cmprsk's ``cuminc``. One minus Kaplan-Meier with the other causes censored is
    another quantity, and never smaller.

    References
    ----------
    Aalen and Johansen (1978), Scand J Stat 5:141-150. Aalen (1978), Ann Stat 6:534-545, for the 'aalen'
    variance. Andersen, Borgan, Gill and Keiding (1993), *Statistical Models Based on Counting Processes*,
    section IV.4. Allignol, Schumacher and Beyersmann (2010), Biom J 52:126-137, who compare the two.

    Examples
    --------
    >>> from esld.data.datasets import pbc
    >>> from esld.survival import cumulative_incidence
    >>> patients = pbc()
    >>> curve = cumulative_incidence(patients["days"], patients["state"], censored="censored")
    >>> curve.causes, curve.events
    (('death', 'transplant'), (125, 19))
    >>> round(curve.estimate(3650, "death").value, 3), round(curve.estimate(3650, "transplant").value, 3)
    (0.53, 0.079)
    """
    states = state_codes(state, time=time, causes=causes, censored=censored)
    codes, labels = states.codes, states.names
    times, happened = checked_times(time, codes > 0)
    choice(conf_type, "conf_type", CONF_TYPES)
    choice(variance, "variance", VARIANCES)
    z = two_sided_z(conf_level)
    if not labels:
        raise ValueError("causes must be given where nobody has an event, got none")
    at, n_risk, n_any, n_censor = tabulate(times, happened)
    here = np.searchsorted(at, times)
    n_event = np.array([np.bincount(here[codes == i], minlength=at.size) for i in range(1, len(labels) + 1)])
    survival: Floats = np.cumprod((n_risk - n_any) / n_risk, dtype=np.float64)
    before = np.concatenate(([1.0], survival[:-1]))
    incidence = np.cumsum(before * n_event / n_risk, axis=1)
    # Everybody's time has ended in this cause: 1, and not 1 to rounding.
    certain = (survival == 0) & (np.cumsum(n_any - n_event, axis=1) == 0)
    incidence[certain] = 1.0
    std_err = np.array([np.sqrt(_variance(n_risk, own, n_any, before, variance)) for own in n_event])
    std_err[certain] = nan
    lower, upper = _limits(incidence, std_err, z, conf_type)
    for array in (at, n_risk, n_event, n_censor, survival, incidence, std_err, lower, upper):
        array.setflags(write=False)
    return CumulativeIncidence(
        causes=labels, times=at, n_risk=n_risk, n_event=n_event, n_censor=n_censor, survival=survival,
        incidence=incidence, std_err=std_err, lower=lower, upper=upper, n=times.size,
        events=tuple(n_event.sum(axis=1).tolist()), max_time=float(at[-1]), conf_level=conf_level,
        conf_type=conf_type, variance=variance, group=group, time_unit=time_unit,
        note=states.note,
    )  # fmt: skip


def _variance(n_risk: Ints, own: Ints, every: Ints, before: Floats, kind: Variance) -> Floats:
    """Variance of the incidence just after each time.

    With F the incidence, S the survival, p = own / n and q = (n - every) / n at one time, errors pass on as
    dF' = dF + p dS + S e and dS' = q dS - S f, where e and f are the errors of p and of every / n. Summed up
    here are g = var(S) / S^2, c = cov(F, S) / S and var(F); no difference of large numbers is taken, and
    where S comes to 0 only what was known before is used.
    """
    n, p, left = n_risk.astype(np.float64), own / n_risk, n_risk - every
    if kind == "greenwood":
        var_e, cov_ef_over_q, g = p * (1 - p) / n, p / n, greenwood(n_risk, every)
    else:
        # Each count is hypergeometric on its own, the other causes taken together.
        var_e, var_rest = (
            d / n**2 * (1 - np.maximum(d - 1, 0) / np.maximum(n - 1, 1)) for d in (own, every - own)
        )
        q = np.where(left > 0, left / n, np.inf)
        cov_ef_over_q, g = var_e / q, np.cumsum((var_e + var_rest) / q**2)
    rise = before * p
    g_before = np.concatenate(([0.0], g[:-1]))
    c = np.cumsum(rise * g_before - before * cov_ef_over_q)
    c_before = np.concatenate(([0.0], c[:-1]))
    total = np.cumsum(2 * rise * c_before + rise**2 * g_before + before**2 * var_e)
    return np.maximum(total, 0.0)  # a variance of 0 may come out a rounding below


def _limits(incidence: Floats, std_err: Floats, z: float, conf_type: ConfType) -> tuple[Floats, Floats]:
    if conf_type == "plain":
        return np.maximum(incidence - z * std_err, 0.0), np.minimum(incidence + z * std_err, 1.0)
    inside = (incidence > 0) & (incidence < 1)
    free = np.where(inside, 1 - incidence, nan)
    log_free = np.log1p(-incidence, out=np.full(incidence.shape, nan), where=inside)
    factor = np.exp(z * std_err / (free * log_free))
    return -np.expm1(log_free * factor), -np.expm1(log_free / factor)
