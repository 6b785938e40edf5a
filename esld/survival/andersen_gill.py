"""Regression of the rate of events that repeat: Andersen and Gill's model with a robust variance."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, nan
from typing import ClassVar, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import chdtrc, ndtr

from esld.reasons import Reason, Why, because
from esld.survival._data import Bools, Floats, Ints, choice, two_sided_z, vector
from esld.survival._newton import maximise
from esld.survival._ratios import RatioModel
from esld.survival.counting_process import CountingRows, counting_rows

TIES = ("efron", "breslow")
_METHOD = "andersen-gill, lwyy, wald"
# As in `cox`: a standard error of 100 per standard deviation of a covariate is no information.
_FLAT = 100.0


@dataclass(frozen=True, eq=False, kw_only=True)
class AndersenGillFit(RatioModel):
    """A proportional rates model: ratios of rates, with robust Wald limits.

    Attributes
    ----------
    terms, coef, coef_std_err, ratio_lower, ratio_upper, p_value, loglik_null, loglik, n, events, ties, method, conf_level
        As in every regression of the package; `ratios` are the rate ratios, standard errors are robust.
    coef_naive_std_err : ndarray of shape (p,)
        The one of the model, as if the events of a subject were independent.
    vcov : ndarray of shape (p, p)
        Robust: inverse information times the sum over subjects of their scores squared times the same.
    z : ndarray of shape (p,)
        Wald statistic, robust.
    score_chisq, score_p_value : float
        Robust score test of all covariates together, p degrees of freedom; NaN with fewer than p subjects
        whose scores differ.
    rows : int
        Rows of the subjects.
    reason : Reason or None
        Why there is no fit, all numbers above being NaN then, or no robust variance; empty if neither.
    """

    RATIO: ClassVar[str] = "rate_ratio"
    TOTALS: ClassVar[tuple[str, ...]] = ("loglik_null", "loglik", "score_chisq", "score_p_value")

    coef_naive_std_err: Floats
    vcov: Floats
    z: Floats
    score_chisq: float
    score_p_value: float
    rows: int

    def _more(self, place: int) -> dict[str, float]:
        return {"log_rate_ratio_naive_std_err": float(self.coef_naive_std_err[place])}


def andersen_gill(
    rows: pd.DataFrame,
    *,
    subject: str,
    start: str,
    stop: str,
    event: str,
    covariates: Sequence[str],
    ties: str = "efron",
    conf_level: float = 0.95,
) -> AndersenGillFit:
    """Ratio of the rates of events that repeat, with limits that allow for events of a subject being alike.

    A partial likelihood in which a subject stays at risk after an event. The rate ratio is one of mean
    numbers (proportional rates) whatever the dependence within a subject. Death under observation
    censors: the ratio is then of rates among those still alive.

    Parameters
    ----------
    rows : DataFrame
        One or more rows per subject, as for `mean_cumulative_function`.
    subject, start, stop, event : str
        Columns, as there; an event at most at each stop: two events of a subject at one time have no
        place in this likelihood.
    covariates : sequence of str
        Numeric or boolean columns, of which a subject's rows may have different values; nothing is coded
        or centred for the caller; missing is refused.
    ties : {'efron', 'breslow'}
        Treatment of tied event times.
    conf_level : float in (0, 1), default 0.95

    Returns
    -------
    AndersenGillFit
        Without events, with a constant, collinear or monotone covariate, or without convergence, all
        estimates are NaN and `reason` says which.

    Raises
    ------
    ValueError
        As for `mean_cumulative_function`; no covariate, or one that is not numeric, finite and complete;
        more than one event at a stop.

    Notes
    -----
    With few subjects the robust variance tends to be too small. Own Newton steps: lifelines'
    ``CoxTimeVaryingFitter`` (0.30) has no robust variance. A table of rows by events is held in memory.

    References
    ----------
    Andersen and Gill (1982), Ann Stat 10:1100-1120. Lin, Wei, Yang and Ying (2000), J R Stat Soc B
    62:711-730. Efron (1977), JASA 72:557-565. Lin and Wei (1989), JASA 84:1074-1078.

    Examples
    --------
    >>> from esld.data.datasets import demo, demo_events
    >>> from esld.survival import andersen_gill, counting_process
    >>> patients = demo().query("week == 0").assign(high=lambda one: one["arm"].eq("MEDHIGH"))
    >>> rows = counting_process(demo_events(), patients, subject="subject", time="day", end="days", death="died")
    >>> fit = andersen_gill(rows, subject="subject", start="start", stop="stop", event="event", covariates=["high"])
    >>> round(fit.ratio("high").value, 2), round(fit.ratio("high").upper, 2)
    (1.13, 3.03)
    """
    names = tuple(covariates)
    if not names or len({subject, start, stop, event, *names}) != len(names) + 4:
        raise ValueError(f"covariates must be other columns, each once, got {list(names)}")
    if absent := [name for name in names if name not in rows.columns]:
        raise ValueError(f"rows must have the columns {absent}, got {list(rows.columns)}")
    choice(ties, "ties", TIES)
    z = two_sided_z(conf_level)
    data = counting_rows(rows, subject=subject, start=start, stop=stop, event=event)
    if (several := int(np.count_nonzero(data.count > 1))) > 0:
        raise ValueError(f"{event} must be 0 or 1, got {several} rows with more events at one {stop}")
    design = np.column_stack([vector(rows[name], name) for name in names])
    if not np.all(np.isfinite(design)):
        raise ValueError("covariates must be finite, got infinite values")
    likelihood = _likelihood(data, design, ties)
    p, reason = len(names), likelihood.no_fit(names)
    gap = np.full(p, nan)
    coef, vcov, std_err, naive = gap, np.full((p, p), nan), gap, gap
    null = loglik = score_chisq = nan
    if not reason:
        best = maximise(likelihood.at, np.zeros(p))
        if best is None or likelihood.is_flat(best[0], design.std(axis=0)):
            reason = because(Why.NO_MAXIMUM, covariates=names)
        else:
            found, top = best
            inverse = np.linalg.inv(top.information)
            naive = np.sqrt(np.diag(inverse))
            zero, scores = np.zeros(p), likelihood.scores(found)
            coef, null, loglik = found, likelihood.loglik(zero), top.loglik
            vcov = inverse @ (scores.T @ scores) @ inverse
            std_err = np.sqrt(np.diag(vcov))
            if not np.all(std_err > 1e-9 * naive):
                reason, std_err = because(Why.SANDWICH_ZERO, covariates=names), gap
            score_chisq = _robust_chisq(likelihood.scores(zero))
    margin = z * std_err
    wald = coef / std_err
    return AndersenGillFit(
        terms=names, coef=coef, coef_std_err=std_err, coef_naive_std_err=naive, vcov=vcov,
        ratio_lower=np.exp(coef - margin), ratio_upper=np.exp(coef + margin), z=wald, p_value=2 * ndtr(-np.abs(wald)),
        loglik_null=null, loglik=loglik, score_chisq=score_chisq,
        score_p_value=float(chdtrc(p, score_chisq)), n=data.subjects, rows=len(rows),
        events=int(data.count.sum()), ties=ties, method=_METHOD, conf_level=conf_level, reason=reason,
    )  # fmt: skip


class _Point(NamedTuple):
    loglik: float
    score: Floats
    information: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class _Likelihood:
    """The partial likelihood: a factor for each of the m events, in which the rows at risk have weights.

    Efron takes a share j / d of those with an event out of the risk set of the j-th of d tied events
    (j = 0 ... d - 1), Breslow nothing. `weight` is 0 not at risk, 1 at risk, or 1 - j / d; `dies` is 1 / d
    for the rows with an event at the time of the event; both of shape (rows, m). `design` is centred.
    """

    who: Ints
    event: Bools
    design: Floats
    weight: Floats
    dies: Floats

    def loglik(self, coef: Floats) -> float:
        eta = self.design @ coef
        shift = eta.max()
        total = np.exp(eta - shift) @ self.weight
        if total.min() <= 0:  # underflow: the rows at risk at some event are as good as excluded
            return -inf
        return float(eta[self.event].sum() - (np.log(total) + shift).sum())

    def shares(self, coef: Floats) -> Floats:
        """Chance of each row to be the one with the event, given that there is one: shape (rows, m)."""
        eta = self.design @ coef
        share: Floats = np.exp(eta - eta.max())[:, None] * self.weight
        share /= share.sum(axis=0)
        return share

    def scores(self, coef: Floats) -> Floats:
        """What each subject adds to the first derivative: shape (subjects, p)."""
        share = self.shares(coef)
        surprise = self.dies - share
        by_row = surprise.sum(axis=1)[:, None] * self.design - surprise @ (share.T @ self.design)
        by_subject = np.zeros((self.who.max() + 1, self.design.shape[1]))
        np.add.at(by_subject, self.who, by_row)
        return by_subject

    def information(self, coef: Floats) -> Floats:
        """Minus the second derivative: shape (p, p)."""
        share = self.shares(coef)
        mean = share.T @ self.design
        found: Floats = self.design.T @ (share.sum(axis=1)[:, None] * self.design) - mean.T @ mean
        return found

    def is_flat(self, coef: Floats, spread: Floats) -> bool:
        """Whether some combination of the covariates, in units of `spread`, is as good as unknown."""
        information = self.information(coef) * np.outer(spread, spread)
        return bool(np.linalg.eigvalsh(information)[0] < _FLAT**-2)

    def at(self, coef: Floats) -> "_Point":
        """Value and derivatives of all subjects together."""
        return _Point(self.loglik(coef), self.scores(coef).sum(axis=0), self.information(coef))

    def no_fit(self, names: tuple[str, ...]) -> Reason | None:
        """Why the likelihood has no single maximum, or nothing."""
        if not self.event.any():
            return because(Why.NO_EVENTS)
        at_risk, dies = self.weight + self.dies > 0, self.dies > 0
        for name, values in zip(names, self.design.T, strict=True):
            if np.all(values == values[0]):
                return because(Why.CONSTANT, covariate=name)
            column = values[:, None]
            largest = np.where(at_risk, column, -np.inf).max(axis=0)
            smallest = np.where(at_risk, column, np.inf).min(axis=0)
            if np.all(largest == smallest):
                return because(Why.NEVER_DIFFERS, covariate=name)
            for end, extreme in (("largest", largest), ("smallest", smallest)):
                if np.all(~dies | (column == extreme)):
                    return because(Why.AT_THE_END, covariate=name, end=end)
        if np.linalg.matrix_rank(self.design / self.design.std(axis=0)) < len(names):
            return because(Why.COLLINEAR, covariates=names)
        return None


def _robust_chisq(scores: Floats) -> float:
    spread, total = scores.T @ scores, scores.sum(axis=0)
    if np.linalg.matrix_rank(spread, hermitian=True) < total.size:
        return nan
    return float(total @ np.linalg.solve(spread, total))


def _likelihood(data: CountingRows, design: Floats, ties: str) -> _Likelihood:
    event = data.count == 1
    times, d = np.unique(data.stop[event], return_counts=True)
    slot = np.repeat(np.arange(times.size), d)
    rank = np.arange(slot.size) - np.repeat(np.cumsum(d) - d, d)
    at = times[slot]
    at_risk = (data.start[:, None] < at) & (at <= data.stop[:, None])
    dies = event[:, None] & (data.stop[:, None] == at)
    out = rank / d[slot] if ties == "efron" else np.zeros(slot.size)
    return _Likelihood(
        who=data.who, event=event, design=design - design.mean(axis=0), weight=at_risk - dies * out,
        dies=dies / d[slot],
    )  # fmt: skip
