"""Gray's test that a cause has the same cumulative incidence in k groups, other causes competing."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from esld.longform import About, Row, Shown, long_frame, row
from esld.methods import made_by, step, stratified
from esld.reasons import Reason, Why, because, together
from esld.survival._data import Floats, Ints, checked_times, group_codes
from esld.survival._states import one_cause

# An incidence is 1, and a risk set as large as the events, when it is as near as this.
_TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False, kw_only=True)
class GrayTest(Shown):
    """Result of Gray's test.

    Attributes
    ----------
    cause : str
        The cause tested; every other one competes.
    groups : tuple of str
        The k groups, in order.
    n, events, competing : ndarray of int, shape (k,)
        Subjects, events of the cause, events of other causes.
    observed, expected : ndarray of shape (k,)
        Events of the cause observed, and expected if the incidence is the same in every group; weighted
        when `rho` is not 0.
    variance : ndarray of shape (k, k)
        Variance of observed minus expected.
    chisq, p_value : float
        Statistic and its asymptotic two-sided p-value; NaN with `reason` if there is no test.
    df : int
        Groups with an expected event, less one.
    rho : float
        Power of the weight.
    strata : int
        Number of strata, 1 if not stratified.
    reason : Reason or None
        Why there is no test, or what makes its p-value untrustworthy; empty otherwise.
    note : str
        Who is censored, where nobody is by the label for it; empty otherwise.
    cut : bool
        Whether factors for ties that lie outside 0 to 1 were taken as 0: see `gray`.
    """

    cause: str
    groups: tuple[str, ...]
    n: Ints
    events: Ints
    competing: Ints
    observed: Floats
    expected: Floats
    variance: Floats
    chisq: float
    df: int
    p_value: float
    rho: float
    strata: int
    reason: Reason | None
    note: str
    cut: bool

    @property
    def method(self) -> str:
        """The test and its choices, as a code."""
        rho = step("rho", f"{self.rho:g}") if self.rho else ""
        cut = "ties-cut" if self.cut else ""
        return made_by("gray", rho, stratified(self.strata), cut, step("cause", self.cause))

    def to_frame(self) -> pd.DataFrame:
        """Long form: observed and expected per group, then chisq, df and p_value; events of the cause."""
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


def gray(
    time: ArrayLike,
    state: ArrayLike,
    group: ArrayLike,
    *,
    cause: Hashable,
    causes: Sequence[Hashable] | None = None,
    censored: Hashable = 0,
    rho: float = 0.0,
    strata: ArrayLike | None = None,
    groups: Sequence[Hashable] | None = None,
) -> GrayTest:
    """Gray's test that one cause has the same cumulative incidence in k groups.

    Parameters
    ----------
    time, state : array_like of shape (n,)
        As for `cumulative_incidence`.
    group : array_like of shape (n,)
        Label of each subject; at least two labels, none missing.
    cause : hashable
        The label in `state` of the cause tested; all other labels but `censored` compete.
    causes : sequence, optional
        All causes; needed where `cause` has not occurred yet and others have, and where nobody is censored by a
        label that is not the default.
    censored : hashable, default 0
        The label of censoring in `state`, beside missing; None if there is none.
    rho : float, 0 or more, default 0
        Weight (1 - F(t-))^rho with the pooled incidence F of the stratum.
    strata : array_like of shape (n,), optional
        Stratum of each subject; observed, expected and variance are added over strata.
    groups : sequence, optional
        The labels in the order wanted.

    Returns
    -------
    GrayTest
        NaN, with the `reason`, where the cause has no event, where the groups are not at risk together when it
        has, and in the two cases of too many ties under Notes in which no variance is left.

    Raises
    ------
    ValueError
        As for `cumulative_incidence`; fewer than two groups; negative rho.

    Notes
    -----
    Statistic and variance are those of R's ``cmprsk::cuminc``, its factor for tied times included. The
    reference distribution is asymptotic. With one cause only, the statistic is the log-rank's and the
    variance is not.

    d events of the cause at one time have the factor 1 - (d - 1) / (n - 1), with n the risk set on the scale of
    a group, sum(h) S(t-). With few at risk n can be below d: the factor is then negative, or above 1 for n < 1,
    and cmprsk goes on with it. So does this function, and `reason` says that p is unreliable.
    Where the variance that comes out is no variance (cmprsk gives a negative statistic, and p = 1), these
    factors are taken as 0, that of a risk set that all have the event; `reason` and `method` say so. If the
    cause leaves no variance then, there is no test.

    The pooled incidence that the variance uses can pass 1 while groups are compared, since groups that have
    left are no longer in its risk set. cmprsk goes on; so does this function, with the `reason`, a weight of
    0 if `rho` is not 0; where it comes to 1 exactly and `rho` is 0, there is no test.

    References
    ----------
    Gray (1988), Ann Stat 16:1141-1154.

    Examples
    --------
    >>> from esld.data.datasets import pbc
    >>> from esld.survival import gray
    >>> patients = pbc()
    >>> test = gray(patients["days"], patients["state"], patients["arm"], cause="death", censored="censored")
    >>> round(test.chisq, 3), round(test.p_value, 3)
    (0.067, 0.796)
    """
    states = one_cause(state, time=time, cause=cause, causes=causes, censored=censored)
    codes = states.codes
    times, _ = checked_times(time, codes > 0)
    members, labels = group_codes(group, time=time, groups=groups)
    if len(labels) < 2:
        raise ValueError(f"group must have at least two labels, got {list(labels)}")
    if not (np.isfinite(rho) and rho >= 0):
        raise ValueError(f"rho must be finite and 0 or more, got {rho!r}")
    k = len(labels)
    stratum, n_strata = np.zeros(times.size, dtype=np.int64), 1
    if strata is not None:
        stratum, names = group_codes(strata, time=time, name="strata")
        n_strata = len(names)
    parts = []
    for i in range(n_strata):
        rows = stratum == i
        parts.append(_stratum(*_counts(times[rows], codes[rows], members[rows], k), rho))
    observed, expected = (
        sum((getattr(p, name) for p in parts), np.zeros(k)) for name in ("observed", "expected")
    )
    variance, chisq, df, reason, cut = _chisq(observed, expected, parts)
    events, competing = (np.bincount(members[codes == i], minlength=k) for i in (1, 2))
    return GrayTest(
        cause=states.names[0], groups=labels, n=np.bincount(members, minlength=k), events=events,
        competing=competing, observed=observed, expected=expected, variance=variance, chisq=chisq, df=df,
        p_value=nan if isnan(chisq) else float(chdtrc(df, chisq)), rho=float(rho), strata=n_strata,
        reason=reason, note=states.note, cut=cut,
    )  # fmt: skip


def _counts(time: Floats, codes: Ints, members: Ints, k: int) -> tuple[Floats, Floats, Floats]:
    """At risk, events of the cause and of others, each of shape (m, k), at the m times of any event."""
    at = np.unique(time[codes > 0])
    at_risk, own, other = np.empty((at.size, k)), np.zeros((at.size, k)), np.zeros((at.size, k))
    for i in range(k):
        mine = np.sort(time[members == i])
        at_risk[:, i] = mine.size - np.searchsorted(mine, at, side="left")
    for code, died in ((1, own), (2, other)):
        np.add.at(died, (np.searchsorted(at, time[codes == code]), members[codes == code]), 1)
    return at_risk, own, other


class _Part(NamedTuple):
    """One stratum: see `GrayTest`.

    ``cut``, variance with factors for ties that lie outside 0 to 1 taken as 0; ``overtied``, whether there are
    any; ``above``, whether the pooled incidence passes 1 while groups are compared.
    """

    observed: Floats
    expected: Floats
    variance: Floats
    cut: Floats
    overtied: bool
    above: bool


def _stratum(at_risk: Floats, own: Floats, other: Floats, rho: float) -> _Part:
    """Observed, expected and variance of one stratum.

    In Gray's notation, at each time t and for group k: S is survival, free of every cause, and F the
    incidence of the cause; h = Y / S(t-) with Y at risk, so that R = h (1 - F(t-)) are at risk of the cause.
    The pooled incidence F0 rises by d / sum(h). A martingale of the cause in group k moves the score of
    group i by a_ik + (1 - (1 - F0) / S_k) * rest_ik, one of another cause by -(1 - F0) / S_k * rest_ik,
    where rest is what the later integral of a dF0 / (1 - F0(t-)) adds up to.
    """
    m, k = at_risk.shape
    present = at_risk > 0
    y = np.where(present, at_risk, 1.0)
    survival: Floats = np.cumprod(1 - (own + other) / y, axis=0, dtype=np.float64)
    before = _shifted(survival, 1.0)
    incidence_before = _shifted(np.cumsum(before * own / y, axis=0), 0.0)
    h = np.divide(at_risk, before, out=np.zeros((m, k)), where=present)
    total, d = h.sum(axis=1), own.sum(axis=1)
    pooled = np.cumsum(d / total)
    pooled_before = _shifted(pooled, 0.0)
    # A group alone at risk is compared with nobody: its events add nothing, whatever F0 has come to.
    compared = (d > 0) & (present.sum(axis=1) > 1)
    open_before = np.where(compared, 1 - pooled_before, 1.0)
    open_before[np.abs(open_before) <= _TOLERANCE] = 0.0
    weight = np.maximum(open_before, 0.0) ** rho if rho else np.ones(m)
    # With rho, nothing is weighed where nothing is open; without, there is nothing to divide by: NaN.
    opening = np.where(weight > 0, np.where(open_before == 0, nan, open_before), 1.0)

    r = h * (1 - incidence_before)
    expected = r * np.divide(d, r.sum(axis=1), out=np.zeros(m), where=d > 0)[:, None]
    # The diagonal from the others: a group alone at risk then has no variance at all, instead of rounding.
    a = -h[:, :, None] * h[:, None, :] / total[:, None, None]
    a[:, range(k), range(k)] = 0.0
    a[:, range(k), range(k)] = -a.sum(axis=2)
    a *= weight[:, None, None]
    later = np.cumsum(a * (d / total / opening)[:, None, None], axis=0)
    rest = later[-1:] - later

    alive = survival > 0  # elsewhere nothing follows in that group, and rest is 0
    share = np.divide((1 - pooled)[:, None], survival, out=np.zeros((m, k)), where=alive)
    # Ties as cmprsk has them: hypergeometric, the risk set of the cause counted on the scale of group k.
    risk_set = total[:, None] * before
    tied = present & (d[:, None] > 1)
    sparse = tied & (risk_set < d[:, None] * (1 - _TOLERANCE))
    counted = np.abs(risk_set - 1) > _TOLERANCE
    factor = 1 - np.divide((d - 1)[:, None], risk_set - 1, out=np.full((m, k), nan), where=counted)
    factor = np.where(tied, factor, 1.0)
    tied_other = 1 - np.maximum(other - 1, 0) / np.maximum(at_risk - 1, 1)
    spread = np.where(present & (d > 0)[:, None], before * (d / total)[:, None] / y, 0.0)
    spread_other = np.where(alive, tied_other * before**2 * other / y**2, 0.0)
    of_cause = a + (1 - share)[:, None, :] * rest
    of_other = share[:, None, :] * rest

    def variance(factor: Floats) -> Floats:
        sums = np.einsum("tik,tjk,tk->ij", of_cause, of_cause, factor * spread)
        return np.asarray(sums + np.einsum("tik,tjk,tk->ij", of_other, of_other, spread_other))

    scale = weight[:, None]
    raw = variance(factor)
    cut = variance(np.where(sparse, 0.0, factor)) if sparse.any() else raw
    return _Part(
        observed=(scale * own).sum(axis=0), expected=(scale * expected).sum(axis=0), variance=raw, cut=cut,
        overtied=bool(sparse.any()), above=bool(np.any(open_before < 0)),
    )  # fmt: skip


def _shifted(values: Floats, start: float) -> Floats:
    """The values just before each row."""
    return np.concatenate((np.full((1, *values.shape[1:]), start), values))[:-1]


def _chisq(
    observed: Floats, expected: Floats, parts: list[_Part]
) -> tuple[Floats, float, int, Reason | None, bool]:
    """Variance, statistic, degrees of freedom and reason; whether factors for ties were cut at 0."""
    variance, cut = (np.sum([getattr(p, name) for p in parts], axis=0) for name in ("variance", "cut"))
    used = expected > 0
    df = max(int(used.sum()) - 1, 0)
    if not used.any():
        return variance, nan, df, because(Why.NO_EVENTS), False
    if np.any(np.isnan(cut)):
        return variance, nan, df, because(Why.INCIDENCE_COMES_TO_ONE), False
    # The rows of the variance add up to 0: one group is redundant and is left out.
    difference = (observed - expected)[used][1:]
    overtied = any(p.overtied for p in parts)
    reasons = [because(Why.INCIDENCE_PASSES_ONE)] if any(p.above for p in parts) else []
    for is_cut, matrix in ((False, variance), (True, cut)) if overtied else ((False, variance),):
        spread = matrix[np.ix_(used, used)][1:, 1:]
        if df == 0 or np.any(np.isnan(spread)) or np.linalg.matrix_rank(spread) < df:
            continue
        if overtied and np.linalg.eigvalsh(spread)[0] <= 0:
            continue
        if overtied:
            reasons.append(because(Why.OVERTIED_CUT if is_cut else Why.OVERTIED))
        chisq = float(difference @ np.linalg.solve(spread, difference))
        return matrix, chisq, df, together(reasons), is_cut
    if df and overtied:
        return variance, nan, df, because(Why.OVERTIED_NO_VARIANCE), False
    return variance, nan, df, because(Why.NOT_AT_RISK_TOGETHER), False
