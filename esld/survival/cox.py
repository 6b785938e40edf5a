"""Cox regression by lifelines, with the cases caught in which the likelihood has no maximum."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import chdtrc, ndtr

from esld.survival._data import Bools, Floats, checked_times, two_sided_z
from esld.survival._ratios import RatioModel

# lifelines stops at a Newton decrement of 1e-7, a few digits short of R. Its other rule, on the
# log-likelihood, is switched off by a negative bound.
_FIT_OPTIONS = {"precision": 1e-18, "r_precision": -1.0, "step_size": 1.0, "max_steps": 200}
_METHOD = "Cox partial likelihood, Wald"
# A standard error of 100 per standard deviation of a covariate: the information has gone, as it does when a
# combination of covariates separates the events although none of them does alone.
_FLAT = 100.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Regression:
    """Follow-up and covariates of a regression.

    Attributes
    ----------
    time : ndarray of shape (n,)
        Elapsed time to event or censoring.
    event : ndarray of bool, shape (n,)
        Whether `time` ends in the event.
    design : ndarray of shape (n, p)
        The covariates.
    names : tuple of str
        Their columns, in order.
    """

    time: Floats
    event: Bools
    design: Floats
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class CoxFit(RatioModel):
    """A Cox model: ratios of hazards, with Wald limits.

    Attributes
    ----------
    terms, coef, std_err, lower, upper, p_value, loglik_null, loglik, n, events, ties, method, conf_level, reason
        As in every regression of the package; `ratios` are the hazard ratios.
    vcov : ndarray of shape (p, p)
        Inverse of the observed information.
    z : ndarray of shape (p,)
        Wald statistic.
    lr_chisq, lr_p_value : float
        Likelihood ratio test of all covariates together, p degrees of freedom.
    warnings : tuple of str
        What the fitting said, each once.
    """

    TOTALS: ClassVar[tuple[str, ...]] = ("loglik_null", "loglik", "lr_chisq", "lr_p_value")

    vcov: Floats
    z: Floats
    lr_chisq: float
    lr_p_value: float
    warnings: tuple[str, ...]


def cox(
    frame: pd.DataFrame, *, duration: str, event: str, covariates: Sequence[str], conf_level: float = 0.95
) -> CoxFit:
    """Cox proportional hazards regression, Efron's treatment of ties.

    Parameters
    ----------
    frame : DataFrame
        One row per subject.
    duration, event : str
        Columns with elapsed time and event (1 or True), as for `kaplan_meier`.
    covariates : sequence of str
        Numeric or boolean columns; nothing is coded or centred for the caller; missing is refused.
    conf_level : float, default 0.95

    Returns
    -------
    CoxFit
        Without events, with a constant, collinear or monotone covariate, or without convergence, all
        estimates are NaN and `reason` says which.

    Raises
    ------
    ValueError
        As for `kaplan_meier`; no covariate, a column that is absent, not numeric or has missing values.

    References
    ----------
    Cox (1972), J R Stat Soc B 34:187-220. Efron (1977), JASA 72:557-565. Heinze and Schemper (2001),
    Biometrics 57:114-119, for the monotone likelihood.
    """
    data = regression(frame, duration=duration, event=event, covariates=covariates)
    two_sided_z(conf_level)
    if reason := no_fit(data.time, data.event, data.design, data.names):
        return _failed(data, conf_level, reason, ())
    return _fit(data, conf_level)


def regression(frame: pd.DataFrame, *, duration: str, event: str, covariates: Sequence[str]) -> Regression:
    """The columns named, as arrays; the frame is not changed.

    Raises
    ------
    ValueError
        As for `kaplan_meier`; no covariate, a column that is absent, not numeric or has missing values.
    """
    names = tuple(covariates)
    if not names or len({duration, event, *names}) != len(names) + 2:
        raise ValueError(f"covariates must be other columns, each once, got {list(names)}")
    if absent := [name for name in (duration, event, *names) if name not in frame.columns]:
        raise ValueError(f"frame must have the columns {absent}, got {list(frame.columns)}")
    time, happened = checked_times(frame[duration], frame[event])
    return Regression(time=time, event=happened, design=_design(frame, names), names=names)


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


def no_fit(time: Floats, event: Bools, design: Floats, names: tuple[str, ...]) -> str:
    """Why the partial likelihood has no single maximum, or nothing."""
    if reason := no_information(time, event, design, names):
        return reason
    for name, values in zip(names, design.T, strict=True):
        if reason := _monotone(time, event, values, name):
            return reason
    return ""


def no_information(time: Floats, event: Bools, design: Floats, names: tuple[str, ...]) -> str:
    """Why no Cox model can tell the covariates apart, penalised or not; nothing if one can."""
    if not event.any():
        return "no events"
    for name, values in zip(names, design.T, strict=True):
        if np.all(values == values[0]):
            return f"{name} is the same for everybody"
        smallest, largest = _extremes_at_risk(time, values)
        if np.all((smallest == largest)[event]):
            return f"{name} does not differ among those at risk at any event"
    centred = design - design.mean(axis=0)
    if np.linalg.matrix_rank(centred / centred.std(axis=0)) < len(names):
        return f"collinear covariates: {', '.join(names)}"
    return ""


def _extremes_at_risk(time: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Smallest and largest value among those at risk at each subject's time."""
    order = np.argsort(time, kind="stable")
    ordered = values[order]
    # Over everybody from a row on; at a tie the risk set starts with the first of the tied rows.
    first = np.searchsorted(time[order], time, side="left")
    smallest = np.minimum.accumulate(ordered[::-1])[::-1][first]
    largest = np.maximum.accumulate(ordered[::-1])[::-1][first]
    return smallest, largest


def _monotone(time: Floats, event: Bools, values: Floats, name: str) -> str:
    """Whether every event falls on the largest (or the smallest) value at risk at its time."""
    smallest, largest = _extremes_at_risk(time, values)
    at_top, at_bottom = (values == largest)[event], (values == smallest)[event]
    if not (np.all(at_top) or np.all(at_bottom)):
        return ""
    levels = np.unique(values)
    quiet = [level for level in levels if not np.any(values[event] == level)]
    if levels.size == 2 and quiet:
        return f"no events where {name} = {quiet[0]:g}: the hazard ratio has no finite estimate"
    end = "largest" if np.all(at_top) else "smallest"
    return f"every event has the {end} {name} of those at risk: the hazard ratio has no finite estimate"


def _fit(data: Regression, conf_level: float) -> CoxFit:
    from lifelines import CoxPHFitter  # a second to import
    from lifelines.exceptions import ConvergenceError

    names = data.names
    table = pd.DataFrame(data.design, columns=list(names))
    duration, happened = "duration of follow-up", "event of follow-up"
    table[duration], table[happened] = data.time, data.event
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            fitted = CoxPHFitter().fit(table, duration, happened, fit_options=_FIT_OPTIONS)
        except ConvergenceError as error:
            fitted, reason = None, f"no convergence: {one_line(str(error))}"
    said = tuple(dict.fromkeys(one_line(str(w.message)) for w in caught))
    if fitted is None:
        return _failed(data, conf_level, reason, said)

    coef = fitted.params_.to_numpy(dtype=np.float64)
    vcov = fitted.variance_matrix_.to_numpy(dtype=np.float64)
    null, loglik = float(fitted._ll_null_), float(fitted.log_likelihood_)
    with np.errstate(invalid="ignore"):
        std_err = np.sqrt(np.diag(vcov))
    stopped = any("failed to converge" in text for text in said)
    if stopped or not np.all(std_err * data.design.std(axis=0) < _FLAT):
        reason = f"the likelihood has no maximum in {', '.join(names)} together"
        return _failed(data, conf_level, reason, said)
    margin = two_sided_z(conf_level) * std_err
    z = coef / std_err
    p_value: NDArray[np.float64] = 2 * ndtr(-np.abs(z))
    chisq = 2 * (loglik - null)
    return CoxFit(
        terms=names, coef=coef, std_err=std_err, vcov=vcov, lower=np.exp(coef - margin),
        upper=np.exp(coef + margin), z=z, p_value=p_value, loglik_null=null, loglik=loglik, lr_chisq=chisq,
        lr_p_value=float(chdtrc(len(names), max(chisq, 0.0))), n=data.time.size,
        events=int(data.event.sum()), ties="Efron", method=_METHOD, conf_level=conf_level, warnings=said, reason="",
    )  # fmt: skip


def _failed(data: Regression, conf_level: float, reason: str, said: tuple[str, ...]) -> CoxFit:
    p = len(data.names)
    gap = np.full(p, nan)
    return CoxFit(
        terms=data.names, coef=gap, std_err=gap, vcov=np.full((p, p), nan), lower=gap, upper=gap,
        z=gap, p_value=gap, loglik_null=nan, loglik=nan, lr_chisq=nan, lr_p_value=nan, n=data.time.size,
        events=int(data.event.sum()), ties="Efron", method=_METHOD, conf_level=conf_level, warnings=said,
        reason=reason,
    )  # fmt: skip


def one_line(text: str) -> str:
    """A warning's text without its line breaks."""
    return " ".join(text.split())
