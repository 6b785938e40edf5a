"""Cox regression with Firth's penalty: finite also where the ordinary estimate is not."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import chdtrc, chdtri

from esld.methods import made_by, stratified
from esld.reasons import Reason, Why, because
from esld.survival._data import Floats, choice, two_sided_z
from esld.survival._newton import maximise
from esld.survival._partial_likelihood import Regression, partial_likelihood
from esld.survival._ratios import RatioModel
from esld.survival.cox import no_information, regression, standardised

METHOD = "cox, firth, profile-likelihood"
_TIES = ("efron", "breslow")
_FARTHEST = 2.0**9  # how far a profile limit is looked for, in standard errors


@dataclass(frozen=True, eq=False, kw_only=True)
class FirthFit(RatioModel):
    """A Cox model with Firth's penalty: ratios of hazards, with profile likelihood limits.

    Attributes
    ----------
    terms, coef, loglik_null, loglik, n, events, ties, method, conf_level, reason
        As in every regression of the package; `ratios` are the hazard ratios, likelihoods are penalised.
    coef_std_err : ndarray of shape (p,)
        From the information of the unpenalised likelihood; neither limits nor p-values come from it.
    ratio_lower, ratio_upper : ndarray of shape (p,)
        Profile likelihood limits; NaN where a limit was not found, `reasons` says so.
    p_value : ndarray of shape (p,)
        Penalised likelihood ratio test of each covariate.
    lr_chisq, lr_p_value : float
        Penalised likelihood ratio test of all covariates together, p degrees of freedom.
    strata : int
        Number of strata, 1 if not stratified.
    reasons : tuple of Reason or None
        For each covariate what its limits or its test lack; None if nothing.
    """

    TOTALS: ClassVar[tuple[str, ...]] = ("loglik_null", "loglik", "lr_chisq", "lr_p_value")

    lr_chisq: float
    lr_p_value: float
    strata: int
    reasons: tuple[Reason | None, ...]

    def _reason(self, place: int) -> Reason | None:
        return self.reason or self.reasons[place]


def firth(
    frame: pd.DataFrame,
    *,
    duration: str,
    event: str,
    covariates: Sequence[str],
    strata: str | None = None,
    ties: Literal["efron", "breslow"] = "efron",
    conf_level: float = 0.95,
) -> FirthFit:
    """Cox regression with Firth's penalty.

    The penalty, half the log determinant of the information, takes away the first-order bias and keeps
    the estimate finite when all events fall on one arm. It can stand beside `cox` always.

    Parameters
    ----------
    frame, duration, event, covariates, strata, conf_level
        As for `cox`.
    ties : {'efron', 'breslow'}
        As for `cox`. R's coxphf has Breslow's.

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
    Firth (1993), Biometrika 80:27-38. Heinze and Schemper (2001), Biometrics 57:114-119, with profile likelihood limits and
    tests in which the other coefficients are estimated again.

    Examples
    --------
    >>> from esld.data.datasets import freireich
    >>> from esld.survival import firth
    >>> children = freireich().assign(active=lambda one: one["arm"].eq("6MP"))
    >>> children["relapse"] *= children["weeks"] <= 5  # all on placebo: without the penalty there is no estimate
    >>> fit = firth(children, duration="weeks", event="relapse", covariates=["active"])
    >>> round(fit.ratio("active").value, 3), round(fit.ratio("active").upper, 3)
    (0.042, 0.328)
    """
    choice(ties, "ties", _TIES)
    two_sided_z(conf_level)
    data = regression(frame, duration=duration, event=event, covariates=covariates, strata=strata)
    p = len(data.names)
    gap = np.full(p, nan)
    coef, std_err, lower, upper, p_value = gap, gap, gap, gap, gap
    null = loglik = nan
    reasons: tuple[Reason | None, ...] = (None,) * p
    reason = no_information(data) or _confounded(data, ties)
    if not reason:
        # In units of a standard deviation the steps mean the same for age and for a marker in thousands.
        scaled, scale = standardised(data)
        penalised = _Penalised(data=scaled, ties=ties)
        best = penalised.best()
        if best is None:
            reason = because(Why.NO_CONVERGENCE)
        else:
            found, top = best
            # The penalty is that of the covariates as they were given: it differs by a constant.
            shift = float(np.log(scale).sum())
            null, loglik = penalised.at(np.zeros(p)).loglik + shift, top.loglik + shift
            spread = np.sqrt(np.diag(np.linalg.inv(top.information)))
            coef, std_err = found / scale, spread / scale
            allowed = float(chdtri(1, 1 - conf_level)) / 2
            sides = [
                [penalised.limit(i, found, top.loglik - allowed, way * spread[i]) for i in range(p)]
                for way in (-1, 1)
            ]
            lower, upper = (np.exp(np.array(side) / scale) for side in sides)
            p_value = np.array([penalised.test(i, top.loglik) for i in range(p)])
            reasons = tuple(_lacking(*own) for own in zip(lower, upper, p_value, strict=True))
    chisq = 2 * (loglik - null)
    return FirthFit(
        terms=data.names, coef=coef, coef_std_err=std_err, ratio_lower=lower, ratio_upper=upper, p_value=p_value,
        loglik_null=null, loglik=loglik, lr_chisq=chisq, lr_p_value=float(chdtrc(p, np.maximum(chisq, 0.0))), n=data.time.size,
        events=int(data.event.sum()), ties=ties, strata=data.strata,
        method=made_by(METHOD, stratified(data.strata)), conf_level=conf_level, reason=reason,
        reasons=reasons,
    )  # fmt: skip


def _confounded(data: Regression, ties: Literal["efron", "breslow"]) -> Reason | None:
    """Whether the events leave a combination of the covariates without information."""
    information = partial_likelihood(data, np.zeros(len(data.names)), ties=ties).information
    spread = np.sqrt(np.diag(information))
    if np.linalg.matrix_rank(information / np.outer(spread, spread), tol=1e-9) < len(data.names):
        return because(Why.NOT_TOLD_APART, covariates=data.names)
    return None


@dataclass(frozen=True, eq=False, kw_only=True)
class _Point:
    """The penalised likelihood at some coefficients; `information` is that of the likelihood without the penalty."""

    loglik: float
    score: Floats
    information: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class _Penalised:
    """The partial likelihood times the square root of the determinant of its information."""

    data: Regression
    ties: Literal["efron", "breslow"]

    def at(self, coef: Floats) -> _Point:
        terms = partial_likelihood(self.data, coef, ties=self.ties, third=True)
        information = terms.information
        sign, log_det = np.linalg.slogdet(information) if np.all(np.isfinite(information)) else (0.0, nan)
        if sign <= 0:  # too long a step: the information has gone
            return _Point(loglik=-np.inf, score=terms.score, information=information)
        # The derivative of log det I is the trace of its inverse times the derivative of I.
        pull = np.einsum("pq,qpr->r", np.linalg.inv(information), terms.third) / 2
        return _Point(loglik=terms.loglik + log_det / 2, score=terms.score + pull, information=information)

    def best(
        self, fixed: int | None = None, value: float = 0.0, start: Floats | None = None
    ) -> tuple[Floats, _Point] | None:
        """The maximum; where a coefficient is `fixed`, over the others."""
        p = self.data.design.shape[1]
        free = [i for i in range(p) if i != fixed]
        whole = np.zeros(p) if start is None else start.copy()
        if fixed is not None:
            whole[fixed] = value

        def at(part: Floats) -> _Point:
            coef = whole.copy()
            coef[free] = part
            here = self.at(coef)
            return _Point(
                loglik=here.loglik, score=here.score[free], information=here.information[np.ix_(free, free)]
            )

        if not free:
            return whole, self.at(whole)
        found = maximise(at, whole[free])
        if found is None:
            return None
        whole[free] = found[0]
        return whole, self.at(whole)

    def _profile(self, place: int, value: float, start: Floats) -> float:
        found = self.best(place, value, start)
        return nan if found is None else found[1].loglik

    def limit(self, place: int, top: Floats, wanted: float, step: float) -> float:
        """Where the profile likelihood of a coefficient has fallen to `wanted`, from the maximum `top` by `step`; or NaN."""
        inner = float(top[place])
        reach = step
        while abs(reach) <= abs(step) * _FARTHEST:
            outer = float(top[place]) + reach
            height = self._profile(place, outer, top)
            if np.isnan(height):
                return nan
            if height < wanted:
                root = brentq(
                    lambda b: self._profile(place, b, top) - wanted, inner, outer, xtol=1e-12, rtol=1e-14
                )
                return float(root)
            inner, reach = outer, 2 * reach
        return nan

    def test(self, place: int, top: float) -> float:
        """p-value of the penalised likelihood ratio test of one coefficient."""
        height = self._profile(place, 0.0, np.zeros(self.data.design.shape[1]))
        return float(chdtrc(1, max(2 * (top - height), 0.0))) if not np.isnan(height) else nan


def _lacking(lower: float, upper: float, p_value: float) -> Reason | None:
    numbers = {"lower profile limit": lower, "upper profile limit": upper, "likelihood ratio test": p_value}
    missing = tuple(name for name, number in numbers.items() if np.isnan(number))
    return because(Why.NOT_FOUND, numbers=missing) if missing else None
