"""Regression with competing causes: cause-specific Cox, and Fine and Gray's model of the incidence."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from math import nan
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from esld.methods import made_by, step
from esld.reasons import Reason, Why, because
from esld.survival._data import Floats, two_sided_z
from esld.survival._ratios import RatioModel
from esld.survival._states import States, one_cause
from esld.survival._subdistribution import maximum, sandwich, weighted_sample
from esld.survival.cox import CoxFit, cox, no_fit, regression

_METHOD = "fine-gray, censoring-weights, sandwich, wald"
# A sandwich standard error of this share of the information's is rounding: 0.
_NOTHING = 1e-7
# The column that says whether the cause ended the time.
_EVENT = "event of the cause"


@dataclass(frozen=True, eq=False, kw_only=True)
class FineGray(RatioModel):
    """A proportional subdistribution hazards model of one cause, with Wald limits.

    Attributes
    ----------
    terms, coef, coef_std_err, ratio_lower, ratio_upper, p_value, n, ties, method, conf_level, reason
        As in every regression of the package; `ratios` are the subdistribution hazard ratios.
    cause : str
        The cause; every other one competes.
    vcov : ndarray of shape (p, p)
        Sandwich variance, the estimation of the censoring weights included.
    z : ndarray of shape (p,)
        Wald statistic.
    loglik_null, loglik : float
        Log pseudo-likelihood at 0 and at its maximum; twice their difference is not chi-square.
    events, competing : int
        Events of the cause, events of other causes.
    reason : Reason or None
        Why there is no fit, or which covariates have no standard error: their limits and p-value are NaN then.
    note : str
        Who is censored, where nobody is by the label for it; empty otherwise.
    """

    RATIO: ClassVar[str] = "subdistribution_hazard_ratio"

    cause: str
    vcov: Floats
    z: Floats
    competing: int
    note: str

    def _reason(self, place: int) -> Reason | None:
        return self.reason if np.isnan(self.coef_std_err[place]) else None


@dataclass(frozen=True, eq=False, kw_only=True)
class CauseSpecificCox(CoxFit):
    """A Cox model of one cause, every other one censoring.

    Attributes
    ----------
    cause : str
        The cause; `method` names it too.
    note : str
        Who is censored where nobody is by the label for it; empty if somebody is.
    """

    cause: str
    note: str


def cause_specific_cox(
    frame: pd.DataFrame,
    *,
    duration: str,
    state: str,
    cause: Hashable,
    covariates: Sequence[str],
    causes: Sequence[Hashable] | None = None,
    censored: Hashable = 0,
    conf_level: float = 0.95,
) -> CauseSpecificCox:
    """Cox regression of the rate of one cause: `cox` with the other causes counted as censored.

    The hazard ratio compares the rates of the cause among those still free of every cause. It says nothing
    of the cumulative incidence by itself, which depends on the rates of the other causes too.

    Parameters
    ----------
    frame, duration, covariates, conf_level
        As for `cox`.
    state, cause, causes, censored
        As for `fine_gray`.

    Returns
    -------
    CauseSpecificCox

    Raises
    ------
    ValueError
        As for `fine_gray`.

    References
    ----------
    Prentice et al. (1978), Biometrics 34:541-554. Latouche et al. (2013), J Clin Epidemiol 66:648-653:
    report both models for all causes.

    Examples
    --------
    >>> from esld.data.datasets import pbc
    >>> from esld.survival import cause_specific_cox
    >>> patients = pbc()
    >>> fit = cause_specific_cox(
    ...     patients, duration="days", state="state", cause="transplant", censored="censored", covariates=["age_years"]
    ... )
    >>> round(fit.ratio("age_years").value, 3)
    0.912
    """
    table, states = _with_event(frame, duration, state, cause, covariates, causes, censored)
    fit = cox(table, duration=duration, event=_EVENT, covariates=covariates, conf_level=conf_level)
    cause = states.names[0]
    own = vars(fit) | {"method": made_by(fit.method, step("cause-specific", cause))}
    return CauseSpecificCox(**own, cause=cause, note=states.note)


def fine_gray(
    frame: pd.DataFrame,
    *,
    duration: str,
    state: str,
    cause: Hashable,
    covariates: Sequence[str],
    causes: Sequence[Hashable] | None = None,
    censored: Hashable = 0,
    conf_level: float = 0.95,
) -> FineGray:
    """Fine and Gray's proportional hazards model of the subdistribution of one cause, as description.

    Who had another event stays at risk of the cause, with a weight that falls as censoring goes on. A ratio
    above 1 means a higher cumulative incidence at every time; it is no ratio of rates among people alive.

    Parameters
    ----------
    frame : DataFrame
        One row per subject.
    duration, state : str
        Columns: elapsed time, 0 or more, in any one unit; what ended it, as `state` of `cumulative_incidence`.
    cause : hashable
        The label in `state` of the cause; all other labels but `censored` compete.
    causes : sequence, optional
        All causes; needed where `cause` has not occurred yet and others have, and where nobody is censored by a
        label that is not the default.
    covariates : sequence of str
        Numeric or boolean columns, constant over time; nothing is coded for the caller; missing is refused.
    censored : hashable, default 0
        The label of censoring in `state`, beside missing; None if there is none.
    conf_level : float in (0, 1), default 0.95

    Returns
    -------
    FineGray
        Without an event of the cause, with a constant, collinear or monotone covariate, or without
        convergence, all estimates are NaN and `reason` says which. Where the sandwich variance is 0, which says
        nothing of the uncertainty (all events at one time), there is an estimate and no standard error.

    Raises
    ------
    ValueError
        As for `cumulative_incidence`; a `cause` that does not occur; no covariate, a column that is absent,
        not numeric or has missing values.

    Notes
    -----
    The fit of R's ``cmprsk::crr``: Breslow's ties; weights G(t-) / G(T-) from one Kaplan-Meier estimate G of
    the censoring distribution, in which whoever has an event at a time is at risk of being censored at it.
    survival's ``finegray`` takes events out first; with tied times the two differ by about 1e-5.

    References
    ----------
    Fine and Gray (1999), JASA 94:496-509; section 3 for the variance. Austin and Fine (2017), Stat Med
    36:4391-4400, on the reading of the coefficients.

    Examples
    --------
    >>> from esld.data.datasets import pbc
    >>> from esld.survival import fine_gray
    >>> patients = pbc()
    >>> fit = fine_gray(
    ...     patients, duration="days", state="state", cause="transplant", censored="censored", covariates=["age_years"]
    ... )
    >>> round(fit.ratio("age_years").value, 3)
    0.904
    """
    table, states = _with_event(frame, duration, state, cause, covariates, causes, censored)
    codes = states.codes
    data = regression(table, duration=duration, event=_EVENT, covariates=covariates)
    time, design, names = data.time, data.design, data.names
    z = two_sided_z(conf_level)
    # Whoever had another event stays at risk to the end: with that in the times, Cox's checks hold here.
    reason = no_fit(replace(data, time=np.where(codes == 2, np.inf, time)))
    p, gap = len(names), nan
    coef, vcov, null, loglik = np.full(p, gap), np.full((p, p), gap), gap, gap
    if not reason:
        mean, spread = design.mean(axis=0), design.std(axis=0)
        order = np.argsort(time, kind="stable")
        sample = weighted_sample(time[order], codes[order], ((design - mean) / spread)[order])
        found = maximum(sample)
        if found is None:
            reason = because(Why.NO_MAXIMUM, covariates=names)
        else:
            coef, null, loglik = found[0] / spread, *found[1:]
            robust, model = sandwich(sample, found[0])
            unknown = np.diag(robust) <= _NOTHING**2 * np.diag(model)
            if unknown.any():
                of = tuple(name for name, is_unknown in zip(names, unknown, strict=True) if is_unknown)
                reason = because(Why.SANDWICH_ZERO, covariates=of)
                robust[unknown], robust[:, unknown] = nan, nan
            vcov = robust / np.outer(spread, spread)
    std_err = np.sqrt(np.diag(vcov))
    margin, wald = z * std_err, coef / std_err
    p_value: NDArray[np.float64] = 2 * ndtr(-np.abs(wald))
    with np.errstate(over="ignore"):  # a covariate in a large unit: up to infinity
        lower, upper = np.exp(coef - margin), np.exp(coef + margin)
    return FineGray(
        cause=states.names[0], terms=names, coef=coef, coef_std_err=std_err, vcov=vcov,
        ratio_lower=lower, ratio_upper=upper, z=wald, p_value=p_value, loglik_null=null,
        loglik=loglik, n=time.size, events=int((codes == 1).sum()), competing=int((codes == 2).sum()),
        ties="breslow", method=made_by(_METHOD, step("cause", states.names[0])), conf_level=conf_level, reason=reason,
        note=states.note,
    )  # fmt: skip


def _with_event(
    frame: pd.DataFrame,
    duration: str,
    state: str,
    cause: Hashable,
    covariates: Sequence[str],
    causes: Sequence[Hashable] | None,
    censored: Hashable,
) -> tuple[pd.DataFrame, States]:
    """The columns of a Cox model of the cause, and what ended each time: 0 censored, 1 the cause, 2 another."""
    names = list(covariates)
    if not names or len({duration, state, *names}) != len(names) + 2:
        raise ValueError(f"covariates must be other columns, each once, got {names}")
    if absent := [name for name in (duration, state, *names) if name not in frame.columns]:
        raise ValueError(f"frame must have the columns {absent}, got {list(frame.columns)}")
    states = one_cause(frame[state], time=frame[duration], cause=cause, causes=causes, censored=censored)
    return frame[[duration, *names]].assign(**{_EVENT: states.codes == 1}), states
