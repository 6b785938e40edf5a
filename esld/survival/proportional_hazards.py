"""Test of proportional hazards: the exact score test of an interaction of each covariate with time."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from esld.longform import About, Row, Shown, long_frame, row
from esld.methods import step
from esld.reasons import Reason, Why, because
from esld.survival._data import Floats, choice
from esld.survival._lifetable import tabulate
from esld.survival._partial_likelihood import Regression, Terms, partial_likelihood
from esld.survival.cox import cox, regression

TimeScale = Literal["km", "rank", "identity", "log"]
TIME_SCALES = ("km", "rank", "identity", "log")

_NO_VARIANCE = 1e-12  # of what it would be at the largest distance in time: rounding


@dataclass(frozen=True, eq=False, kw_only=True)
class ProportionalHazards(Shown):
    """Tests that hazard ratios do not change with time.

    Attributes
    ----------
    terms : tuple of str
        The p covariates, in the order given.
    chisq, p_value : ndarray of shape (p,)
        Score statistic of each covariate, on 1 degree of freedom; NaN where there is no test.
    global_chisq, global_p_value : float
        All covariates together, on p degrees of freedom; NaN where there is no test.
    scale : str
        Function of time with which the interaction is tested.
    n, events : int
        Subjects and events.
    ties : str
        How tied event times are treated.
    reasons : tuple of Reason or None
        For each covariate why it has no test; None if it has one.
    reason : Reason or None
        Why there is no global test; None if there is one.
    """

    terms: tuple[str, ...]
    chisq: Floats
    p_value: Floats
    global_chisq: float
    global_p_value: float
    scale: TimeScale
    n: int
    events: int
    ties: str
    reasons: tuple[Reason | None, ...]
    reason: Reason | None

    @property
    def df(self) -> int:
        """Degrees of freedom of the global test."""
        return len(self.terms)

    @property
    def method(self) -> str:
        """The test and its choices, as a code."""
        return step("proportional-hazards-score", self.scale)

    def to_frame(self) -> pd.DataFrame:
        """Long form, the covariate as `group`: ph_chisq and ph_p_value; then ph_global_chisq, _df, _p_value."""
        every: About = {"n": self.n, "events": self.events, "method": self.method, "ties": self.ties}
        rows: list[Row] = []
        for i, term in enumerate(self.terms):
            about: About = {**every, "group": term, "reason": self.reasons[i]}
            rows.append(row("ph_chisq", float(self.chisq[i]), **about))
            rows.append(row("ph_p_value", float(self.p_value[i]), **about))
        whole: About = {**every, "reason": self.reason}
        rows.append(row("ph_global_chisq", self.global_chisq, **whole))
        rows.append(row("ph_global_df", float(self.df), **every))
        rows.append(row("ph_global_p_value", self.global_p_value, **whole))
        return long_frame(rows)


def proportional_hazards(
    frame: pd.DataFrame,
    *,
    duration: str,
    event: str,
    covariates: Sequence[str],
    scale: TimeScale = "km",
) -> ProportionalHazards:
    """Test whether the hazard ratios of `cox` change with time.

    Parameters
    ----------
    frame, duration, event, covariates
        As for `cox`; Efron's treatment of ties.
    scale : {'km', 'rank', 'identity', 'log'}
        The function g of time: one minus the left-continuous Kaplan-Meier estimate; the rank among all
        observed times, censored ones included, ties averaged; time itself; its natural logarithm.

    Returns
    -------
    ProportionalHazards
        NaN with the reason where `cox` has no fit, where the events are too few to tell the interaction
        from the covariates, and on the scale 'log' with an event at time 0.

    Raises
    ------
    ValueError
        As for `cox`; an unknown scale.

    Notes
    -----
    With the model coefficients b and terms g(t) x added at coefficient 0, the score of the added terms is
    the sum of g times the Schoenfeld residuals; its variance comes from the full information of both.
    This is ``cox.zph`` of R survival 3.0 and later. The approximation of older versions took the
    information to be the same at all event times.

    References
    ----------
    Grambsch and Therneau (1994), Biometrika 81:515-526.

    Examples
    --------
    >>> from esld.data.datasets import freireich
    >>> from esld.survival import proportional_hazards
    >>> children = freireich()
    >>> children["placebo"] = children["arm"].eq("PLACEBO")
    >>> test = proportional_hazards(children, duration="weeks", event="relapse", covariates=["placebo", "log_wbc"])
    >>> test.p_value.round(2).tolist(), round(test.global_p_value, 2)
    ([0.99, 0.84], 0.98)
    """
    choice(scale, "scale", TIME_SCALES)
    data = regression(frame, duration=duration, event=event, covariates=covariates)
    fit = cox(frame, duration=duration, event=event, covariates=covariates)
    p = len(fit.terms)
    reason, found = fit.reason, [nan] * p
    whole = nan
    if not reason and scale == "log" and np.any(data.time[data.event] == 0):
        reason = because(Why.ZERO_HAS_NO_LOGARITHM, of="time")
    reasons = [reason] * p
    if not reason:
        terms = partial_likelihood(data, fit.coef, ties="efron")
        g = _time_scale(terms.times, data, scale)
        found = [_score_test(terms, g, [i]) for i in range(p)]
        whole = _score_test(terms, g, list(range(p)))
        few = because(Why.TOO_FEW, times=terms.times.size)
        reasons = [few if np.isnan(value) else None for value in found]
        reason = few if np.isnan(whole) else None
    return ProportionalHazards(
        terms=fit.terms, chisq=np.array(found), p_value=np.array([_p_value(1, value) for value in found]),
        global_chisq=whole, global_p_value=_p_value(p, whole), scale=scale, n=fit.n, events=fit.events,
        ties=fit.ties, reasons=tuple(reasons), reason=reason,
    )  # fmt: skip


def _time_scale(times: Floats, data: Regression, scale: TimeScale) -> Floats:
    if scale == "identity":
        return times
    if scale == "log":
        return np.log(times)
    if scale == "rank":
        ordered = np.sort(data.time)
        below, upto = (np.searchsorted(ordered, times, side=side) for side in ("left", "right"))
        return (below + upto + 1) / 2
    table = tabulate(data.time, data.event)
    survival = np.cumprod((table.n_risk - table.n_event) / table.n_risk)
    return 1 - np.append(1.0, survival)[np.searchsorted(table.times, times, side="left")]


def _score_test(terms: Terms, g: Floats, tested: list[int]) -> float:
    """Score statistic of the interactions of the covariates `tested` with g; NaN if it has no variance."""
    g = g - np.average(g, weights=np.einsum("mii->m", terms.informations))
    score = g @ terms.scores[:, tested]
    own = terms.informations.sum(axis=0)
    cross = np.einsum("m,mij->ij", g, terms.informations)[:, tested]
    both = np.einsum("m,mij->ij", g**2, terms.informations)[np.ix_(tested, tested)]
    left = both - cross.T @ np.linalg.solve(own, cross)
    variance, scale = np.diag(both), np.diag(own)[tested] * np.max(g**2)
    if not np.all(variance > _NO_VARIANCE * scale):  # rounding can leave a trace of either sign
        return nan
    spread = np.sqrt(variance)
    if np.linalg.matrix_rank(left / np.outer(spread, spread), tol=1e-9) < len(tested):
        return nan
    return float(score @ np.linalg.solve(left, score))


def _p_value(df: int, chisq: float) -> float:
    return float(chdtrc(df, chisq)) if not np.isnan(chisq) else nan
