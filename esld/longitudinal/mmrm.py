"""The mixed model for repeated measures: REML or ML, Satterthwaite and Kenward-Roger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log, nan
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from esld.longitudinal._covariance import (
    EQUALLY_SPACED,
    IN_ORDER,
    ONE_SCALE,
    STRUCTURES,
    Covariance,
    Floats,
    covariance,
)
from esld.longitudinal._design import read
from esld.longitudinal._inference import METHODS, Inference, inference
from esld.longitudinal._optimum import Optimum, impossible, maximise
from esld.longitudinal._rank import Estimable
from esld.longitudinal._rows import Rows, compress
from esld.longitudinal._schedule import Schedule
from esld.longitudinal.fitted import MMRM, FTest
from esld.reasons import Reason, Why, because, together

__all__ = ["FALLBACK", "MMRM", "FTest", "mmrm"]

FALLBACK = ("adh", "csh", "cs")


def mmrm(
    frame: pd.DataFrame,
    formula: str,
    *,
    subject: str,
    visit: str,
    covariance: str = "us",
    method: str = "reml",
    df: str = "kenward-roger",
    information: str = "observed",
    times: Mapping[Any, float] | ArrayLike | None = None,
    fallback: Sequence[str] = FALLBACK,
    conf_level: float = 0.95,
    unit: str = "",
) -> MMRM:
    """Fit a linear model whose residuals are correlated within a subject, over visits.

    Values are taken to be missing at random. A value after death is not such a value: see the death-aware endpoints.

    Parameters
    ----------
    frame : DataFrame
        One row a subject and visit. Rows whose outcome is missing are dropped and counted.
    formula : str
        Outcome and fixed effects for formulaic, such as ``"change ~ baseline + arm * visit"``. Factors are text,
        categorical (the first category is the reference level) or ``C(name)``.
    subject, visit : str
        Columns; visits are ordered by category, or sorted. A visit without an outcome has no row in the results.
    covariance : str, default "us"
        Structure: us (unstructured), adh (ante-dependence), csh, cs (compound symmetry), sp_exp (correlation
        exp(-time / range)), toeph, toep, ar1h, ar1 (visits on an equally spaced grid); h: a variance for each visit. On
        the grid, visits keep their distance where those between them have no outcome: without times every visit known
        is one step after the one before it, and a visit is known by its category or by a row, with an outcome or without.
    method : {"reml", "ml"}
        Restricted or full maximum likelihood.
    df : {"kenward-roger", "satterthwaite", "kenward-roger-full"}
        Degrees of freedom and covariance of the coefficients. "kenward-roger" is the linear form, which does not
        depend on how a structure is parametrised. "kenward-roger-full" adds the second derivatives in the parameters
        of R mmrm (of sp_exp: log SD and log range), and is what R mmrm calls Kenward-Roger; it can shrink standard
        errors. Both need REML.
    information : {"observed", "expected"}
        Whose inverse is the covariance of the covariance parameters; observed as in R mmrm, expected as in the paper
        of 1997 and in R pbkrtest.
    times : mapping of visit to float, or array_like of shape (m,), optional
        Times of the visits, rising, in one unit; of all visits known, or of those with an outcome. Visits that are
        numbers, dates or durations are their own times. They are equally spaced if every time is a whole number of the
        smallest gap away from the first: 1, 2, 5 are, with two steps left out; 1, 4, 8 are not.
    fallback : sequence of str, default ("adh", "csh", "cs")
        Structures to try, in this order, if no search from any start proves a maximum of `covariance`; those before it
        are skipped.
    conf_level : float in (0, 1), default 0.95
        Level of all limits.
    unit : str
        Unit of the outcome, carried to the long form.

    Returns
    -------
    MMRM
        The first structure whose maximum is proven: gradient 0 to rounding, observed information positive definite,
        covariance not singular. `failures` says what failed before it and why. Combinations of factors without rows, such
        as an arm at a visit, take nothing from the rest: what the rows do not determine is NaN, with a reason.

    Raises
    ------
    ValueError
        An unknown name of a structure or method; a formula that cannot be read, or whose columns are not there; two
        rows of one subject and visit; a missing subject, visit or covariate; infinite values; collinear terms (named),
        among them a covariate that is constant; no more rows than coefficients; residuals of 0; visits whose order is not
        known, as that of text in which "V10" comes before "V2", or whose times do not rise, where the structure depends on
        it; no structure with a proven maximum (with the reason of each).

    References
    ----------
    Laird and Ware (1982), Biometrics 38:963-974. Kenward and Roger (1997), Biometrics 53:983-997. Mallinckrodt et al.
    (2008), Drug Inf J 42:303-319.

    Examples
    --------
    >>> from esld.data.datasets import demo
    >>> from esld.longitudinal import mmrm
    >>> visits = demo()
    >>> visits["baseline"] = visits.groupby("subject")["albumin_g_l"].transform("first")
    >>> late = visits[visits["week"] >= 12]
    >>> fit = mmrm(late, "albumin_g_l ~ baseline + arm * C(week)", subject="subject", visit="week", unit="g/L")
    >>> [(one.time, round(one.value, 2), round(one.p_value, 2)) for one in fit.differences("arm")]
    [(12, -0.74, 0.28), (24, 1.35, 0.23), (48, 1.01, 0.42)]
    """
    for name, value, allowed in (
        ("method", method, ("reml", "ml")),
        ("df", df, METHODS),
        ("information", information, ("observed", "expected")),
        *(("covariance", name, STRUCTURES) for name in (covariance, *fallback)),
    ):
        if value not in allowed:
            raise ValueError(f"{name} must be one of {list(allowed)}, got {value!r}")
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level must be between 0 and 1, got {conf_level!r}")
    if df != "satterthwaite" and method == "ml":
        raise ValueError(f"df must be 'satterthwaite' with method 'ml', got {df!r}")
    design = read(frame, formula, subject, visit, times)
    data = compress(design)
    order = list(dict.fromkeys((covariance, *fallback)))
    if covariance in fallback:
        order = order[:1] + list(fallback[list(fallback).index(covariance) + 1 :])
    if reason := _misplaced(design.schedule, covariance):
        raise ValueError(str(reason.of(structure=covariance)))
    failures: list[Reason] = []
    for name in order:
        rows = data.rows(by_visit=name not in ONE_SCALE)
        structure, best, reason = _fit(design.schedule, rows, name, reml=method == "reml")
        if best is not None and not reason:
            break
        assert reason is not None  # why it is no maximum
        failures.append(reason.of(structure=name))
    else:
        raise ValueError(f"no covariance structure has a proven maximum, got {together(failures)}")
    tests = inference(rows, structure, best, df=df, information=information, reml=method == "reml")
    loglik = best.at.value + rows.log_unit
    if method == "reml":
        loglik += float(np.linalg.slogdet(rows.transform)[1])
    counted = structure.size + len(tests.coef) * (method == "ml")
    subjects = int(rows.subjects.sum())
    coef, vcov, model_vcov = _whole(data.estimable, tests)
    return MMRM(
        covariance=name, requested=covariance, failures=tuple(failures), terms=data.estimable.terms, coef=coef,
        vcov=vcov, model_vcov=model_vcov, visits=design.schedule.visits,
        sigma=np.outer(rows.scale, rows.scale) * structure.sigma(best.theta), loglik=loglik,
        aic=2 * counted - 2 * loglik, bic=log(subjects) * counted - 2 * loglik, method=method, df=df,
        information=information, conf_level=conf_level, n_obs=rows.n_obs, n_subjects=subjects,
        n_dropped=design.n_dropped, n_patterns=len(rows.present), n_parameters=structure.size,
        iterations=best.iterations, gradient=best.gradient, curvature=best.curvature, unit=unit, visit=visit,
        times=design.schedule.times, steps=design.schedule.steps, design=design, estimable=data.estimable,
        inference=tests,
    )  # fmt: skip


def _misplaced(visits: Schedule, name: str) -> Reason | None:
    """Why the structure does not fit what is known of the visits' order and times; None if it does."""
    if name in EQUALLY_SPACED and visits.steps is None:
        return because(Why.NOT_EQUALLY_SPACED, times=tuple(f"{at:g}" for at in visits.times))
    if name == "sp_exp" and not visits.timed:
        return because(Why.TIMES_NEEDED)
    if name in IN_ORDER and visits.unclear:
        return because(Why.ORDER_UNCLEAR, visits=tuple(map(str, visits.visits)))
    return None


def _fit(
    visits: Schedule, rows: Rows, name: str, *, reml: bool
) -> tuple[Covariance, Optimum | None, Reason | None]:
    """The maximum of one structure, or why there is none."""
    structure = covariance(name, visits.times, visits.steps)
    if reason := _misplaced(visits, name) or impossible(rows, structure, visits.visits):
        return structure, None, reason
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        best = maximise(rows, structure, reml=reml)
    return structure, best, best.reason


def _whole(estimable: Estimable, tests: Inference) -> tuple[Floats, Floats, Floats]:
    """Coefficients and their two covariances with NaN for those that the rows used do not determine."""
    kept, p = estimable.kept, len(estimable.terms)
    known = estimable.of(np.eye(p))
    coef = np.full(p, nan)
    coef[kept] = tests.coef
    coef[~known] = nan
    covariances = []
    for own in (tests.vcov, tests.root @ tests.root.T):
        full = np.full((p, p), nan)
        full[np.ix_(kept, kept)] = own
        full[~known], full[:, ~known] = nan, nan
        covariances.append(full)
    return coef, covariances[0], covariances[1]
