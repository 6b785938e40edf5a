"""Log-rank test of k samples, stratified or not, and its Fleming-Harrington (Peto-Peto) variant."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from esld.longform import About, Row, long_frame, row
from esld.survival._data import Bools, Floats, Ints, checked_times, group_codes
from esld.survival._lifetable import LifeTable, tabulate_by
from esld.survival.kaplan_meier import KaplanMeier


@dataclass(frozen=True, eq=False, kw_only=True)
class LogRank:
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
        Observed and expected events; weighted when `rho` is not 0.
    variance : ndarray of shape (k, k)
        Hypergeometric variance of observed minus expected, ties included.
    chisq, p_value : float
        Statistic and its asymptotic two-sided p-value; NaN with `reason` if there is no test.
    df : int
        Groups with an expected event, less one.
    rho : float
        Power of the weight.
    strata : int
        Number of strata, 1 if not stratified.
    reason : str
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
    rho: float
    strata: int
    reason: str

    @property
    def method(self) -> str:
        kinds = {0.0: "log-rank", 1.0: "Peto-Peto (rho = 1)"}
        name = kinds.get(self.rho, f"Fleming-Harrington (rho = {self.rho:g})")
        return f"{name}, {self.strata} strata" if self.strata > 1 else name

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
            about: About = {**every, **own, "reason": ""}
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
    rho: float = 0.0,
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
    rho : float, default 0
        Weight S(t-)^rho with the pooled left-continuous Kaplan-Meier estimate of the stratum: 0 is the
        log-rank, 1 the Peto-Peto test.
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
        As for `kaplan_meier`; fewer than two groups; negative rho.

    References
    ----------
    Mantel (1966), Cancer Chemother Rep 50:163-170. Harrington and Fleming (1982), Biometrika
    69:553-566. Peto and Peto (1972), J R Stat Soc A 135:185-207.
    """
    times, happened = checked_times(time, event)
    codes, labels = group_codes(group, time=time, groups=groups)
    if len(labels) < 2:
        raise ValueError(f"group must have at least two labels, got {list(labels)}")
    _check_rho(rho)
    if strata is None:
        return _logrank(labels, _counts(tabulate_by(times, happened, codes, len(labels))), rho, 1)
    stratum, names = group_codes(strata, time=time, name="strata")
    return _logrank(labels, _counts_by_stratum(times, happened, codes, len(labels), stratum), rho, len(names))


def logrank_of(curves: Sequence[KaplanMeier], *, rho: float = 0.0) -> LogRank:
    """`logrank` of the samples behind Kaplan-Meier curves, as `kaplan_meier_by` gives them."""
    if len(curves) < 2:
        raise ValueError(f"curves must be at least two, got {len(curves)}")
    _check_rho(rho)
    return _logrank(tuple(c.group for c in curves), _counts([c.table for c in curves]), rho, 1)


def _check_rho(rho: float) -> None:
    if not (np.isfinite(rho) and rho >= 0):
        raise ValueError(f"rho must be finite and 0 or more, got {rho!r}")


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


def _logrank(labels: tuple[str, ...], counts: _Counts, rho: float, n_strata: int) -> LogRank:
    at_risk, died = counts.at_risk, counts.died
    d, n = died.sum(axis=0), at_risk.sum(axis=0)
    share = at_risk / n
    expects, spread = d, d * (n - d) / np.maximum(n - 1, 1)
    if rho:
        weight = _left_survival(d, n, counts.stratum) ** rho
        died, expects, spread = died * weight, d * weight, spread * weight**2
    scaled = share * spread
    variance = np.diag(scaled.sum(axis=1)) - scaled @ share.T
    observed, expected = died.sum(axis=1), share @ expects
    chisq, df, reason = _chisq(observed, expected, variance)
    return LogRank(
        groups=labels, n=counts.n_group, events=counts.events,
        observed=observed, expected=expected, variance=variance, chisq=chisq, df=df,
        p_value=nan if reason else float(chdtrc(df, chisq)), rho=float(rho), strata=n_strata, reason=reason,
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


def _chisq(observed: Floats, expected: Floats, variance: Floats) -> tuple[float, int, str]:
    used = expected > 0
    df = max(int(used.sum()) - 1, 0)
    if not used.any():
        return nan, df, "no events"
    # The rows of the variance add up to 0: one group is redundant and is left out.
    difference, spread = (observed - expected)[used][1:], variance[np.ix_(used, used)][1:, 1:]
    if df == 0 or np.linalg.matrix_rank(spread) < df:
        return nan, df, "the groups are not at risk together when events happen"
    return float(difference @ np.linalg.solve(spread, difference)), df, ""
