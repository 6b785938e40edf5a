"""Cox regression with Firth's penalty by firthmodels: finite also where the ordinary estimate is not."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from esld.survival._data import Floats, two_sided_z
from esld.survival._partial_likelihood import partial_likelihood
from esld.survival._ratios import RatioModel
from esld.survival.cox import Regression, no_information, one_line, regression

METHOD = "Cox with Firth penalty, profile likelihood"
# firthmodels stops at 1e-6 of a coefficient. Tighter than that its step-halving fails on the last digits of
# the likelihood, so first without it; the few fits that need it are done to 1e-7.
_OPTIONS: tuple[dict[str, Any], ...] = (
    {"gtol": 1e-9, "xtol": 1e-9, "max_step": 1.0, "max_iter": 500, "max_halfstep": 0},
    {"gtol": 1e-6, "xtol": 1e-7, "max_step": 1.0, "max_iter": 1000, "max_halfstep": 30},
)
_PROFILE: dict[str, Any] = {"method": "pl", "tol": 1e-9, "max_iter": 500}


@dataclass(frozen=True, eq=False, kw_only=True)
class FirthFit(RatioModel):
    """A Cox model with Firth's penalty: ratios of hazards, with profile likelihood limits.

    Attributes
    ----------
    terms, coef, loglik_null, loglik, n, events, method, conf_level, reason
        As in every regression of the package; `ratios` are the hazard ratios, likelihoods are penalised.
    std_err : ndarray of shape (p,)
        From the information of the unpenalised likelihood; neither limits nor p-values come from it.
    lower, upper : ndarray of shape (p,)
        Profile likelihood limits; NaN where a limit was not found, `reasons` says so.
    p_value : ndarray of shape (p,)
        Penalised likelihood ratio test of each covariate.
    lr_chisq, lr_p_value : float
        Penalised likelihood ratio test of all covariates together, p degrees of freedom.
    ties : str
        Breslow's way, the only one of firthmodels.
    warnings : tuple of str
        What the fitting said, each once.
    reasons : tuple of str
        For each covariate what its limits or its test lack; empty if nothing.
    """

    TOTALS: ClassVar[tuple[str, ...]] = ("loglik_null", "loglik", "lr_chisq", "lr_p_value")

    lr_chisq: float
    lr_p_value: float
    warnings: tuple[str, ...]
    reasons: tuple[str, ...]

    def _reason(self, place: int) -> str:
        return self.reason or self.reasons[place]


def firth(
    frame: pd.DataFrame, *, duration: str, event: str, covariates: Sequence[str], conf_level: float = 0.95
) -> FirthFit:
    """Cox regression with Firth's penalty, Breslow's treatment of ties.

    The penalty, half the log determinant of the information, takes away the first-order bias and keeps
    the estimate finite when all events fall on one arm. It can stand beside `cox` always.

    Parameters
    ----------
    frame, duration, event, covariates, conf_level
        As for `cox`.

    Returns
    -------
    FirthFit
        Without events, with a constant or collinear covariate, or without convergence, all estimates are
        NaN and `reason` says which. A monotone covariate has an estimate.

    Raises
    ------
    ValueError
        As for `cox`.

    References
    ----------
    Firth (1993), Biometrika 80:27-38. Heinze and Schemper (2001), Biometrics 57:114-119. Venzon and
    Moolgavkar (1988), Appl Stat 37:87-94, for the search of the profile limits.
    """
    data = regression(frame, duration=duration, event=event, covariates=covariates)
    two_sided_z(conf_level)
    reason = no_information(data.time, data.event, data.design, data.names) or _confounded(data)
    if reason:
        return _failed(data, conf_level, reason, ())
    # In units of a standard deviation the tolerances mean the same for age and for a marker in thousands.
    scale = data.design.std(axis=0)
    design = (data.design - data.design.mean(axis=0)) / scale
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = _fitted(design, data)
        limits = None if fitted is None else fitted.conf_int(alpha=1 - conf_level, **_PROFILE)
    said = tuple(dict.fromkeys(one_line(str(w.message)) for w in caught))
    if fitted is None or limits is None:
        return _failed(data, conf_level, "no convergence of the penalised likelihood", said)

    coef, bounds = fitted.coef_ / scale, limits / scale[:, None]
    lower = np.where(bounds[:, 0] < coef, bounds[:, 0], nan)  # the search may end on the wrong side
    upper = np.where(bounds[:, 1] > coef, bounds[:, 1], nan)
    null, loglik = _penalised(data, np.zeros(coef.size)), _penalised(data, coef)
    chisq = 2 * (loglik - null)
    return FirthFit(
        terms=data.names, coef=coef, std_err=fitted.bse_ / scale, lower=np.exp(lower),
        upper=np.exp(upper), p_value=np.asarray(fitted.lrt_pvalues_, dtype=np.float64), loglik_null=null,
        loglik=loglik, lr_chisq=chisq, lr_p_value=float(chdtrc(coef.size, max(chisq, 0.0))),
        n=data.time.size, events=int(data.event.sum()), ties="Breslow", method=METHOD,
        conf_level=conf_level, warnings=said, reason="",
        reasons=tuple(_lacking(*found) for found in zip(lower, upper, fitted.lrt_pvalues_, strict=True)),
    )  # fmt: skip


def _confounded(data: Regression) -> str:
    """Whether the events leave a combination of the covariates without information."""
    information = partial_likelihood(data, np.zeros(len(data.names)), ties="Breslow").information.sum(axis=0)
    spread = np.sqrt(np.diag(information))
    if np.linalg.matrix_rank(information / np.outer(spread, spread), tol=1e-9) < len(data.names):
        return f"the events do not tell {', '.join(data.names)} apart"
    return ""


def _fitted(design: Floats, data: Regression) -> Any:
    """A converged fit with its tests, or None."""
    from firthmodels import FirthCoxPH  # a second to import, by scikit-learn

    for options in _OPTIONS:
        try:
            fit = FirthCoxPH(backend="numpy", **options).fit(design, (data.event, data.time))
            if fit.converged_ and np.all(np.isfinite(fit.bse_)):
                return fit.lrt()
        except np.linalg.LinAlgError as error:
            warnings.warn(str(error), RuntimeWarning, stacklevel=2)
    return None


def _penalised(data: Regression, coef: Floats) -> float:
    terms = partial_likelihood(data, coef, ties="Breslow")
    return float(terms.loglik.sum() + np.linalg.slogdet(terms.information.sum(axis=0))[1] / 2)


def _lacking(lower: float, upper: float, p_value: float) -> str:
    numbers = {"lower profile limit": lower, "upper profile limit": upper, "likelihood ratio test": p_value}
    missing = [name for name, number in numbers.items() if np.isnan(number)]
    return f"{' and '.join(missing)} not found" if missing else ""


def _failed(data: Regression, conf_level: float, reason: str, said: tuple[str, ...]) -> FirthFit:
    gap = np.full(len(data.names), nan)
    return FirthFit(
        terms=data.names, coef=gap, std_err=gap, lower=gap, upper=gap, p_value=gap, loglik_null=nan,
        loglik=nan, lr_chisq=nan, lr_p_value=nan, n=data.time.size, events=int(data.event.sum()),
        ties="Breslow", method=METHOD, conf_level=conf_level, warnings=said,
        reasons=("",) * len(data.names), reason=reason,
    )  # fmt: skip
