"""Cox regression, with the cases caught in which the likelihood has no maximum."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import nan
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy.special import chdtrc, ndtr

from esld.methods import made_by, stratified
from esld.reasons import Reason, Why, because
from esld.survival._data import Floats, Ints, checked_times, choice, group_codes, two_sided_z
from esld.survival._newton import maximise
from esld.survival._partial_likelihood import TIES, Regression, Ties, partial_likelihood
from esld.survival._ratios import RatioModel

# A standard error of 100 per standard deviation of a covariate: the information has gone, as it does when a
# combination of covariates separates the events although none of them does alone.
_FLAT = 100.0


@dataclass(frozen=True, eq=False, kw_only=True)
class CoxFit(RatioModel):
    """A Cox model: ratios of hazards, with Wald limits.

    Attributes
    ----------
    terms, coef, coef_std_err, ratio_lower, ratio_upper, p_value, loglik_null, loglik, n, events, ties, method, conf_level, reason
        As in every regression of the package; `ratios` are the hazard ratios.
    vcov : ndarray of shape (p, p)
        Inverse of the observed information.
    z : ndarray of shape (p,)
        Wald statistic.
    lr_chisq, lr_p_value : float
        Likelihood ratio test of all covariates together, p degrees of freedom.
    strata : int
        Number of strata, 1 if not stratified.
    """

    TOTALS: ClassVar[tuple[str, ...]] = ("loglik_null", "loglik", "lr_chisq", "lr_p_value")

    vcov: Floats
    z: Floats
    lr_chisq: float
    lr_p_value: float
    strata: int


def cox(
    frame: pd.DataFrame,
    *,
    duration: str,
    event: str,
    covariates: Sequence[str],
    strata: str | None = None,
    ties: Ties = "efron",
    conf_level: float = 0.95,
) -> CoxFit:
    """Cox proportional hazards regression.

    Parameters
    ----------
    frame : DataFrame
        One row per subject.
    duration, event : str
        Columns: elapsed time, 0 or more, in any one unit; event (1 or True). Missing is refused.
    covariates : sequence of str
        Numeric or boolean columns; nothing is coded or centred for the caller; missing is refused.
    strata : str, optional
        Column with each subject's stratum: a baseline hazard of its own, the same ratios; missing is refused.
    ties : {'efron', 'breslow', 'exact'}
        Events at one time: Efron's and Breslow's approximations of what would hold if they had an order, or the exact
        likelihood of times that are discrete (a conditional logistic regression), whose ratio is one of odds.
    conf_level : float in (0, 1), default 0.95

    Returns
    -------
    CoxFit
        Without events, with a constant, collinear or monotone covariate, or without convergence, all
        estimates are NaN and `reason` says which.

    Raises
    ------
    ValueError
        As for `kaplan_meier`; no covariate, a column that is absent, not numeric or has missing values; unknown ties.

    Notes
    -----
    Own Newton steps; the numbers are those of R's ``coxph``. The time of an exact fit grows with those at risk times the events
    tied, at each event time.

    References
    ----------
    Cox (1972), J R Stat Soc B 34:187-220. Efron (1977), JASA 72:557-565. Breslow (1974), Biometrics 30:89-99. Heinze and
    Schemper (2001), Biometrics 57:114-119, for the monotone likelihood.

    Examples
    --------
    >>> from esld.data.datasets import freireich
    >>> from esld.survival import cox
    >>> children = freireich()
    >>> children["placebo"] = children["arm"].eq("PLACEBO")
    >>> fit = cox(children, duration="weeks", event="relapse", covariates=["placebo", "log_wbc"])
    >>> round(fit.ratio("placebo").value, 2), round(fit.ratio("placebo").lower, 2)
    (4.0, 1.74)
    """
    choice(ties, "ties", TIES)
    data = regression(frame, duration=duration, event=event, covariates=covariates, strata=strata)
    z = two_sided_z(conf_level)
    p = len(data.names)
    gap = np.full(p, nan)
    coef, std_err, vcov, null, loglik = gap, gap, np.full((p, p), nan), nan, nan
    reason = no_fit(data, exact=ties == "exact")
    if not reason:
        found = _fitted(data, ties)
        if found is None:
            reason = because(Why.NO_MAXIMUM, covariates=data.names)
        else:
            coef, vcov, null, loglik = found
            std_err = np.sqrt(np.diag(vcov))
    wald, chisq = coef / std_err, 2 * (loglik - null)
    margin = z * std_err
    method = "cox, wald"
    return CoxFit(
        terms=data.names, coef=coef, coef_std_err=std_err, vcov=vcov, ratio_lower=np.exp(coef - margin),
        ratio_upper=np.exp(coef + margin), z=wald, p_value=2 * ndtr(-np.abs(wald)), loglik_null=null, loglik=loglik,
        lr_chisq=chisq, lr_p_value=float(chdtrc(p, np.maximum(chisq, 0.0))), n=data.time.size,
        events=int(data.event.sum()), ties=ties, strata=data.strata,
        method=made_by(method, stratified(data.strata)), conf_level=conf_level, reason=reason,
    )  # fmt: skip


def _fitted(data: Regression, ties: Ties) -> tuple[Floats, Floats, float, float] | None:
    """Coefficients, their variance, log-likelihood at 0 and at the maximum; None if there is no maximum."""
    # In units of a standard deviation the steps and the limits of precision mean the same for every covariate.
    scaled, scale = standardised(data)
    zero = np.zeros(scale.size)
    found = maximise(lambda b: partial_likelihood(scaled, b, ties=ties), zero)
    if found is None:
        return None
    coef, there = found
    if not np.linalg.eigvalsh(there.information)[0] > _FLAT**-2:
        return None
    vcov = np.linalg.inv(there.information) / np.outer(scale, scale)
    return coef / scale, vcov, partial_likelihood(data, zero, ties=ties).loglik, there.loglik


def standardised(data: Regression) -> tuple[Regression, Floats]:
    """The same with covariates of mean 0 and standard deviation 1, and what they were divided by."""
    scale = data.design.std(axis=0)
    design = (data.design - data.design.mean(axis=0)) / scale
    return replace(data, design=design), scale


def regression(
    frame: pd.DataFrame, *, duration: str, event: str, covariates: Sequence[str], strata: str | None = None
) -> Regression:
    """The columns named, as arrays; the frame is not changed.

    Raises
    ------
    ValueError
        As for `kaplan_meier`; no covariate, a column that is absent, not numeric or has missing values.
    """
    names = tuple(covariates)
    others = [duration, event] + ([] if strata is None else [strata])
    if not names or len({*others, *names}) != len(names) + len(others):
        raise ValueError(f"covariates must be other columns, each once, got {list(names)}")
    if absent := [name for name in (*others, *names) if name not in frame.columns]:
        raise ValueError(f"frame must have the columns {absent}, got {list(frame.columns)}")
    time, happened = checked_times(frame[duration], frame[event])
    stratum: Ints = np.zeros(time.size, dtype=np.int64)
    if strata is not None:
        stratum, _ = group_codes(frame[strata], time=frame[duration], name=strata)
    return Regression(time=time, event=happened, design=_design(frame, names), names=names, stratum=stratum)


def _design(frame: pd.DataFrame, names: tuple[str, ...]) -> Floats:
    columns = []
    for name in names:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            raise ValueError(f"covariate {name} must be numeric, got dtype {frame[name].dtype}")
        if (absent := int(frame[name].isna().sum())) > 0:
            raise ValueError(f"covariate {name} must not be missing, got {absent} missing of {len(frame)}")
        columns.append(frame[name].to_numpy(dtype=np.float64))
    design = np.column_stack(columns)
    if not np.all(np.isfinite(design)):
        raise ValueError("covariates must be finite, got infinite values")
    return design


def no_fit(data: Regression, *, exact: bool = False) -> Reason | None:
    """Why the partial likelihood has no single maximum, or nothing."""
    if reason := no_information(data):
        return reason
    for name, values in zip(data.names, data.design.T, strict=True):
        if reason := _monotone(data, values, name, exact=exact):
            return reason
    return None


def no_information(data: Regression) -> Reason | None:
    """Why no Cox model can tell the covariates apart, penalised or not; nothing if one can."""
    if not data.event.any():
        return because(Why.NO_EVENTS)
    for name, values in zip(data.names, data.design.T, strict=True):
        if np.all(values == values[0]):
            return because(Why.CONSTANT, covariate=name)
        smallest, largest = (_over_risk_set(data, values, rule) for rule in (np.minimum, np.maximum))
        if np.all((smallest == largest)[data.event]):
            return because(Why.NEVER_DIFFERS, covariate=name)
    scaled, _ = standardised(data)
    if np.linalg.matrix_rank(scaled.design) < len(data.names):
        return because(Why.COLLINEAR, covariates=data.names)
    return None


def _over_risk_set(data: Regression, values: Floats, rule: np.ufunc) -> Floats:
    """Smallest or largest value among those at risk, in the same stratum, at each subject's time; shape (n,)."""
    found = np.empty(values.size)
    for stratum in range(data.strata):
        rows = np.flatnonzero(data.stratum == stratum)
        rows = rows[np.argsort(data.time[rows], kind="stable")]
        # Over everybody from a row on; at a tie the risk set starts with the first of the tied rows.
        first = np.searchsorted(data.time[rows], data.time[rows], side="left")
        found[rows] = rule.accumulate(values[rows][::-1])[::-1][first]
    return found


def _monotone(data: Regression, values: Floats, name: str, *, exact: bool) -> Reason | None:
    """Whether every event falls on the largest (or the smallest) value at risk at its time.

    In the exact likelihood it is enough that the d events of a time have the d largest values.
    """
    ends: dict[str, Callable[[], bool]] = {
        "largest": lambda: _at_the_end(data, values, exact=exact),
        "smallest": lambda: _at_the_end(data, -values, exact=exact),
    }
    end = next((name for name, holds in ends.items() if holds()), "")
    if not end:
        return None
    levels = np.unique(values)
    quiet = [level for level in levels if not np.any(values[data.event] == level)]
    if levels.size == 2 and quiet:
        return because(Why.NO_EVENTS_IN, covariate=name, level=float(quiet[0]))
    return because(Why.AT_THE_END, covariate=name, end=end)


def _at_the_end(data: Regression, values: Floats, *, exact: bool) -> bool:
    if not exact:
        return bool(np.all((values == _over_risk_set(data, values, np.maximum))[data.event]))
    for stratum in range(data.strata):
        own = data.stratum == stratum
        for at in np.unique(data.time[own & data.event]):
            dying = np.sort(values[own & data.event & (data.time == at)])
            if not np.array_equal(dying, np.sort(values[own & (data.time >= at)])[-dying.size :]):
                return False
    return True
