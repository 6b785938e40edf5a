"""Log-rank test of k samples, stratified or not, and its weighted variants."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from esld.longform import About, Row, Shown, long_frame, row
from esld.methods import made_by, stratified
from esld.reasons import Reason, Why, because
from esld.survival._data import Bools, Floats, Ints, checked_times, group_codes
from esld.survival._lifetable import LifeTable, tabulate_by
from esld.survival._weights import WeightName, Weights
from esld.survival.kaplan_meier import KaplanMeier


@dataclass(frozen=True, eq=False, kw_only=True)
class LogRank(Shown):
    """Result of a log-rank test.

    Attributes
    ----------
    groups : tuple of str
        The k groups, in order.
    n : ndarray of int, shape (k,)
        Subjects.
    events : ndarray of int, shape (k,)
        Events.
    observed, expected : ndarray of shape (k,)
        Observed and expected events, each times the weight of its time.
    variance : ndarray of shape (k, k)
        Hypergeometric variance of observed minus expected, ties included.
    chisq, p_value : float
        Statistic and its asymptotic two-sided p-value; NaN with `reason` if there is no test.
    df : int
        Groups with an expected event, less one.
    weights, rho, gamma : str, float, float
        Kind of the weights, and their powers.
    strata : int
        Number of strata, 1 if not stratified.
    reason : Reason or None
        Why there is no test; empty if there is one.
    """

    groups: tuple[str, ...]
    n: Ints
    events: Ints
    observed: Floats
    expected: Floats
    variance: Floats
    chisq: float
    df: int
    p_value: float
    weights: WeightName
    rho: float
    gamma: float
    strata: int
    reason: Reason | None

    @property
    def method(self) -> str:
        """The test and its choices, as a code."""
        name = Weights(kind=self.weights, rho=self.rho, gamma=self.gamma).name
        return made_by(name, stratified(self.strata))

    def to_frame(self) -> pd.DataFrame:
        """Long form: observed and expected per group, then chisq, df and p_value."""
        rows: list[Row] = []
        every: About = {
            "n": int(self.n.sum()),
            "events": int(self.events.sum()),
            "method": self.method,
            "reason": self.reason,
        }
        for i, group in enumerate(self.groups):
            own: About = {"n": int(self.n[i]), "events": int(self.events[i]), "group": group}
            about: About = {**every, **own, "reason": None}
            rows.append(row("observed", float(self.observed[i]), **about))
            rows.append(row("expected", float(self.expected[i]), **about))
        for name, value in (("chisq", self.chisq), ("df", float(self.df)), ("p_value", self.p_value)):
            rows.append(row(name, value, **every))
        return long_frame(rows)


def logrank(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    weights: WeightName = "fleming-harrington",
    rho: float = 0.0,
    gamma: float = 0.0,
    strata: ArrayLike | None = None,
    groups: Sequence[Hashable] | None = None,
) -> LogRank:
    """Log-rank test that k groups have the same survival.

    Parameters
    ----------
    time, event : array_like of shape (n,)
        As for `kaplan_meier`.
    group : array_like of shape (n,)
        Label of each subject; at least two labels, none missing.
    weights : {'fleming-harrington', 'gehan', 'tarone-ware'}
        How much an event time counts: S(t-)^rho (1 - S(t-))^gamma with the pooled left-continuous Kaplan-Meier
        estimate S; the number at risk n; its square root. S and n are those of the stratum.
    rho, gamma : float, default 0
        Powers of the first kind, 0 or more: 0 and 0 is the log-rank, in which every time counts 1; 1 and 0 the
        Peto-Peto test. A rho above 0 weighs early differences more, a gamma above 0 late ones, for which the very
        first event time counts nothing.
    strata : array_like of shape (n,), optional
        Stratum of each subject; observed, expected and variance are added over strata.
    groups : sequence, optional
        The labels in the order wanted.

    Returns
    -------
    LogRank

    Raises
    ------
    ValueError
        As for `kaplan_meier`; fewer than two groups; unknown weights; a negative power, or one of other weights.

    References
    ----------
    Mantel (1966), Cancer Chemother Rep 50:163-170. Harrington and Fleming (1982), Biometrika
    69:553-566. Peto and Peto (1972), J R Stat Soc A 135:185-207. Fleming and Harrington (1991), Counting
    Processes and Survival Analysis, section 7.2, for gamma. Gehan (1965), Biometrika 52:203-223, with the variance of
    Breslow (1970), Biometrika 57:579-594. Tarone and Ware (1977), Biometrika 64:156-160.

    Examples
    --------
    >>> from esld.data.datasets import freireich
    >>> from esld.survival import logrank
    >>> children = freireich()
    >>> test = logrank(children["weeks"], children["relapse"], children["arm"])
    >>> round(test.chisq, 2), round(test.p_value, 6)
    (16.79, 4.2e-05)
    >>> test.expected.round(2).tolist()
    [19.25, 10.75]
    """
    times, happened = checked_times(time, event)
    codes, labels = group_codes(group, time=time, groups=groups)
    if len(labels) < 2:
        raise ValueError(f"group must have at least two labels, got {list(labels)}")
    chosen = Weights.checked(weights, rho, gamma)
    if strata is None:
        return _logrank(labels, _counts(tabulate_by(times, happened, codes, len(labels))), chosen, 1)
    stratum, names = group_codes(strata, time=time, name="strata")
    return _logrank(
        labels, _counts_by_stratum(times, happened, codes, len(labels), stratum), chosen, len(names)
    )


def logrank_of(
    curves: Sequence[KaplanMeier],
    *,
    weights: WeightName = "fleming-harrington",
    rho: float = 0.0,
    gamma: float = 0.0,
) -> LogRank:
    """`logrank` of the samples behind Kaplan-Meier curves.

    Parameters
    ----------
    curves : sequence of KaplanMeier
        Two or more, as `kaplan_meier_by` gives them.
    weights, rho, gamma
        As for `logrank`.

    Returns
    -------
    LogRank

    Raises
    ------
    ValueError
        As for `logrank`; fewer than two curves.

    Examples
    --------
    >>> from esld.data.datasets import freireich
    >>> from esld.survival import kaplan_meier_by, logrank_of
    >>> children = freireich()
    >>> curves = kaplan_meier_by(children["weeks"], children["relapse"], children["arm"])
    >>> round(logrank_of(curves, weights="gehan").chisq, 2)
    13.46
    """
    if len(curves) < 2:
        raise ValueError(f"curves must be at least two, got {len(curves)}")
    chosen = Weights.checked(weights, rho, gamma)
    return _logrank(tuple(c.group for c in curves), _counts([c.table for c in curves]), chosen, 1)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Counts:
    """What the test is made from: k groups at m event times, a time of two strata counting twice.

    ``n_group``, ``events``: subjects and events, shape (k,). ``at_risk``, ``died``: shape (k, m).
    ``stratum``: of each event time, shape (m,), ascending; None if there is one.
    """

    n_group: Ints
    events: Ints
    at_risk: Floats
    died: Floats
    stratum: Ints | None


def _counts(tables: Sequence[LifeTable]) -> _Counts:
    """Life tables of the groups, put together at the times of anybody's event."""
    times = np.concatenate([t.times[t.n_event > 0] for t in tables])
    times.sort(kind="stable")  # one sorted run per group: a merge
    if times.size:
        times = times[np.append(True, times[1:] != times[:-1])]
    at_risk, died = np.empty((len(tables), times.size)), np.zeros((len(tables), times.size))
    for i, table in enumerate(tables):
        # A row is at risk at the event times up to its own: `passed` many. The last of them is its own event.
        passed = np.searchsorted(times, table.times, side="right")
        here = table.n_event + table.n_censor
        gone = np.bincount(passed, weights=here, minlength=times.size + 1)
        at_risk[i] = table.n_risk[0] - np.cumsum(gone)[:-1]
        happens = table.n_event > 0
        died[i, passed[happens] - 1] = table.n_event[happens]
    return _Counts(
        n_group=np.array([t.n_risk[0] for t in tables]),
        events=np.array([t.n_event.sum() for t in tables]),
        at_risk=at_risk,
        died=died,
        stratum=None,
    )


def _counts_by_stratum(times: Floats, happened: Bools, codes: Ints, k: int, stratum: Ints) -> _Counts:
    order: Ints = np.lexsort((times, stratum))
    ordered, happened, codes, stratum = times[order], happened[order], codes[order], stratum[order]
    new = np.ones(times.size, dtype=np.bool_)
    new[1:] = (ordered[1:] != ordered[:-1]) | (stratum[1:] != stratum[:-1])
    begin = np.flatnonzero(new)
    stop = np.append(begin[1:], times.size)
    died_before = _before(happened)
    some = np.flatnonzero(died_before[stop] > died_before[begin])
    begin, stop = begin[some], stop[some]
    # Everybody from a row to the end of its stratum is at risk at that row's time.
    ends = np.cumsum(np.bincount(stratum))
    stratum = stratum[begin]
    end = ends[stratum]
    at_risk, died = np.empty((k, begin.size)), np.empty((k, begin.size))
    n_group, events = np.empty(k, dtype=np.int64), np.empty(k, dtype=np.int64)
    for i in range(k):
        member = codes == i
        before, dead_before = _before(member), _before(member & happened)
        at_risk[i] = before[end] - before[begin]
        died[i] = dead_before[stop] - dead_before[begin]
        n_group[i], events[i] = before[-1], dead_before[-1]
    return _Counts(n_group=n_group, events=events, at_risk=at_risk, died=died, stratum=stratum)


def _logrank(labels: tuple[str, ...], counts: _Counts, weights: Weights, n_strata: int) -> LogRank:
    at_risk, died = counts.at_risk, counts.died
    d, n = died.sum(axis=0), at_risk.sum(axis=0)
    share = at_risk / n
    expects, spread = d, d * (n - d) / np.maximum(n - 1, 1)
    if not weights.all_equal:
        weight = weights.at(n, _left_survival(d, n, counts.stratum))
        died, expects, spread = died * weight, d * weight, spread * weight**2
    # Of two groups: exactly 0, with no rounding, where they are never compared. The rest follows from these.
    shared = (share * spread) @ share.T
    np.fill_diagonal(shared, 0.0)
    variance = np.diag(shared.sum(axis=1)) - shared
    observed, expected = died.sum(axis=1), share @ expects
    chisq, df, compared = _chisq(observed, expected, variance)
    reason = None if compared else _no_test(counts, weighted=bool(expected.any()))
    return LogRank(
        groups=labels, n=counts.n_group, events=counts.events,
        observed=observed, expected=expected, variance=variance, chisq=chisq, df=df,
        p_value=nan if reason else float(chdtrc(df, chisq)), weights=weights.kind,
        rho=weights.rho, gamma=weights.gamma, strata=n_strata, reason=reason,
    )  # fmt: skip


def _before(flags: Bools) -> Ints:
    """How many are flagged before each row, and at the end how many in all."""
    counts = np.zeros(flags.size + 1, dtype=np.int64)
    np.cumsum(flags, out=counts[1:])
    return counts


def _left_survival(d: Floats, n: Floats, stratum: Ints | None) -> Floats:
    """Pooled S(t-) at each event time, starting again at 1 in each stratum."""
    left = np.ones(d.size)
    edges: Ints | list[int] = [] if stratum is None else np.flatnonzero(np.diff(stratum)) + 1
    for rows in np.split(np.arange(d.size), edges):
        left[rows[1:]] = np.cumprod(1 - d[rows] / n[rows])[:-1]
    return left


def _no_test(counts: _Counts, *, weighted: bool) -> Reason:
    """Why the groups are not compared."""
    if not counts.events.any():
        return because(Why.NO_EVENTS)
    if not weighted:
        return because(Why.WEIGHT_ZERO)
    d, n = counts.died.sum(axis=0), counts.at_risk.sum(axis=0)
    together = (counts.at_risk > 0).sum(axis=0) > 1
    if np.any(together & (d < n)):
        return because(Why.NOT_ALL_COMPARED)
    if together.any():
        return because(Why.ALL_HAVE_THE_EVENT)
    return because(Why.NOT_AT_RISK_TOGETHER)


def _chisq(observed: Floats, expected: Floats, variance: Floats) -> tuple[float, int, bool]:
    """Statistic, degrees of freedom, and whether the groups are compared at all."""
    used = expected > 0
    df = max(int(used.sum()) - 1, 0)
    if not _linked(variance[np.ix_(used, used)] < 0):
        return nan, df, False
    # The rows of the variance add up to 0: one group is redundant and is left out.
    difference, spread = (observed - expected)[used][1:], variance[np.ix_(used, used)][1:, 1:]
    return float(difference @ np.linalg.solve(spread, difference)), df, True


def _linked(together: Bools) -> bool:
    """Whether every group is compared with every other, if need be through a third: then the variance has full rank.

    `together` are the pairs at risk together at an event that not all of them have, shape (k, k).
    """
    if len(together) < 2:
        return False
    reached = np.arange(len(together)) == 0
    for _ in together:
        reached = reached | together[reached].any(axis=0)
    return bool(reached.all())
