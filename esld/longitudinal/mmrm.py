"""The mixed model for repeated measures: REML or ML, Satterthwaite and Kenward-Roger."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from esld.longitudinal._covariance import EQUALLY_SPACED, STRUCTURES, Covariance, Floats, covariance
from esld.longitudinal._design import Design, Rows, compress, read
from esld.longitudinal._inference import METHODS, Inference, f_probability, inference
from esld.longitudinal._optimum import Optimum, impossible, maximise
from esld.longitudinal.means import Contrast, Contrasts, estimates, grid, long_frame

FALLBACK = ("adh", "csh", "cs")


@dataclass(frozen=True, kw_only=True)
class FTest:
    """Joint test that several linear combinations of the coefficients are 0.

    Attributes
    ----------
    f : float
        F statistic; under Kenward-Roger already multiplied by `scale`.
    numerator_df, denominator_df : float
        Degrees of freedom.
    p_value : float
        Upper tail.
    scale : float
        Factor of Kenward and Roger; 1 for Satterthwaite and for one combination.
    method : str
        Model and degrees of freedom.
    """

    f: float
    numerator_df: float
    denominator_df: float
    p_value: float
    scale: float
    method: str


@dataclass(frozen=True, eq=False, kw_only=True)
class MMRM:
    """A model for repeated measures, fitted to a proven maximum.

    Attributes
    ----------
    covariance, requested : str
        Structure of the fit, and the one asked for.
    failures : tuple of str
        Why each structure tried before failed; empty if the first one did not.
    terms : tuple of p str
        Coefficients, as formulaic names them.
    coef : ndarray of shape (p,)
        Generalised least squares, in the unit of the outcome.
    vcov, model_vcov : ndarray of shape (p, p)
        Covariance of the coefficients used by every test (adjusted under Kenward-Roger), and inverse(X'V^-1 X).
    visits : tuple of m labels
        In order.
    sigma : ndarray of shape (m, m)
        Covariance of the visits of a subject.
    loglik, aic, bic : float
        Log-likelihood, restricted under REML, without a log|X'X| term; AIC and BIC count covariance parameters under
        REML and coefficients too under ML, BIC takes subjects for n.
    method, df, information : str
        As asked for.
    conf_level : float
        Level of all limits.
    n_obs, n_subjects, n_dropped : int
        Values used, subjects with one, rows left out because the outcome is missing.
    n_patterns, n_parameters, iterations : int
        Missingness patterns, covariance parameters, steps of the search.
    gradient : float
        Largest derivative of the log-likelihood in a covariance parameter at the end, absolute.
    curvature : float
        Smallest eigenvalue of the observed information, scaled to a diagonal of at most 1; above 0.
    unit : str
        Unit of the outcome, carried to the long form.
    visit : str
        Column of the visits.
    design : Design
        Rows used, as arrays.
    inference : Inference
        What every test needs.
    """

    covariance: str
    requested: str
    failures: tuple[str, ...]
    terms: tuple[str, ...]
    coef: Floats
    vcov: Floats
    model_vcov: Floats
    visits: tuple[Any, ...]
    sigma: Floats
    loglik: float
    aic: float
    bic: float
    method: str
    df: str
    information: str
    conf_level: float
    n_obs: int
    n_subjects: int
    n_dropped: int
    n_patterns: int
    n_parameters: int
    iterations: int
    gradient: float
    curvature: float
    unit: str
    visit: str
    design: Design = field(repr=False)
    inference: Inference = field(repr=False)

    @property
    def label(self) -> str:
        """Model and degrees of freedom in words, as in the column method of the long form."""
        words = f"MMRM {self.covariance}, {self.method.upper()}, {METHODS[self.df]}"
        return f"{words}, expected information" if self.information == "expected" else words

    def coefficients(self) -> Contrasts:
        """Every coefficient with its t test, in the order of `terms`."""
        labels = [(term, None, self.n_subjects) for term in self.terms]
        return self._several("coefficient", np.eye(len(self.terms)), labels)

    def contrast(self, weights: ArrayLike) -> Contrast:
        """One linear combination of the coefficients, the weights being of shape (p,)."""
        row = self._weights(weights)
        if row.ndim != 1:
            raise ValueError(f"weights must have shape ({len(self.terms)},), got {row.shape}")
        return self._several("contrast", row[None], [("", None, self.n_subjects)]).items[0]

    def test(self, weights: ArrayLike | str) -> FTest:
        """Joint F test of linear combinations, of shape (q, p) and rank q, or of a term such as "arm:visit"."""
        if isinstance(weights, str):
            named = {str(term): columns for term, columns in self.design.spec.term_indices.items()}
            wanted = frozenset(weights.split(":"))
            own = [columns for term, columns in named.items() if frozenset(term.split(":")) == wanted]
            if not own:
                raise ValueError(f"term must be one of {list(named)}, got {weights!r}")
            rows = np.eye(len(self.terms))[own[0]]
        else:
            rows = np.atleast_2d(self._weights(weights))
        if np.linalg.matrix_rank(rows @ self.inference.root) < len(rows):
            raise ValueError(f"weights must be linearly independent, got {len(rows)} rows of lower rank")
        f, numerator, denominator, scale = self.inference.joint(rows)
        return FTest(
            f=f, numerator_df=numerator, denominator_df=denominator,
            p_value=f_probability(f, numerator, denominator), scale=scale, method=self.label,
        )  # fmt: skip

    def ls_means(self, arm: str, *, by_visit: bool = True) -> Contrasts:
        """LS mean of each level of `arm` at each visit, or over the visits.

        Other factors are averaged with equal weights, numeric covariates set to their mean over the rows used, as
        in R emmeans.
        """
        at = grid(self.design, arm, self.visit if by_visit else None)
        labels = [
            (str(group), visit, int(at.n[i, j]))
            for i, visit in enumerate(at.visits)
            for j, group in enumerate(at.arms)
        ]
        return self._several("ls_mean", at.weights.reshape(len(labels), -1), labels)

    def differences(self, arm: str, *, reference: Hashable | None = None, by_visit: bool = True) -> Contrasts:
        """LS mean of each level of `arm` minus that of the reference, the first level unless given."""
        at = grid(self.design, arm, self.visit if by_visit else None)
        reference = at.arms[0] if reference is None else reference
        if reference not in at.arms:
            raise ValueError(f"reference must be one of {list(at.arms)}, got {reference!r}")
        base = at.arms.index(reference)
        weights, labels = [], []
        for i, visit in enumerate(at.visits):
            for j, group in enumerate(at.arms):
                if j != base:
                    weights.append(at.weights[i, j] - at.weights[i, base])
                    labels.append((f"{group} - {reference}", visit, int(at.n[i, j] + at.n[i, base])))
        if not weights:
            raise ValueError(f"{arm} must have two levels or more, got {list(at.arms)}")
        return self._several("ls_mean_difference", np.array(weights), labels)

    def to_frame(self) -> pd.DataFrame:
        """Long form: the coefficients; then loglik, aic, bic, and the standard deviation at each visit."""
        about = {
            "group": "", "unit": "", "method": self.label, "n": self.n_subjects, "reason": "; ".join(self.failures),
        }  # fmt: skip
        rows: list[dict[str, Any]] = [
            {**about, "statistic": name, "value": getattr(self, name)} for name in ("loglik", "aic", "bic")
        ]
        for visit, variance in zip(self.visits, np.diag(self.sigma), strict=True):
            sd = float(np.sqrt(variance))
            rows.append({**about, "time": visit, "statistic": "sd", "value": sd, "unit": self.unit})
        return pd.concat([self.coefficients().to_frame(), long_frame(rows)], ignore_index=True)

    def _several(self, statistic: str, weights: Floats, labels: Sequence[tuple[str, Any, int]]) -> Contrasts:
        items = estimates(self.inference, weights, labels, conf_level=self.conf_level, method=self.label)
        return Contrasts(statistic=statistic, items=items, unit=self.unit)

    def _weights(self, weights: ArrayLike) -> Floats:
        found = np.array(weights, dtype=float)
        if found.ndim not in (1, 2) or found.size == 0 or found.shape[-1] != len(self.terms):
            raise ValueError(f"weights must have {len(self.terms)} columns, got shape {found.shape}")
        if not np.isfinite(found).all():
            raise ValueError("weights must be finite, got infinite or missing ones")
        return found


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
        Columns; visits are ordered by category, or sorted. Visits that no row has are left out.
    covariance : str, default "us"
        Structure: us (unstructured), adh (ante-dependence), csh, cs (compound symmetry), sp_exp (correlation
        exp(-time / range)), toeph, toep, ar1h, ar1 (equally spaced visits); h: a variance for each visit.
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
        Times of the visits, rising, in one unit. Numeric visits are their own times.
    fallback : sequence of str, default ("adh", "csh", "cs")
        Structures to try, in this order, if `covariance` has no proven maximum; those before it are skipped.
    conf_level : float in (0, 1), default 0.95
        Level of all limits.
    unit : str
        Unit of the outcome, carried to the long form.

    Returns
    -------
    MMRM
        The first structure whose maximum is proven: gradient 0 to rounding, observed information positive definite,
        covariance not singular. `failures` says what failed before it and why.

    Raises
    ------
    ValueError
        An unknown name of a structure or method; a formula that cannot be read, or whose columns are not there; two
        rows of one subject and visit; a missing subject, visit or covariate; infinite values; collinear or empty
        terms (named); no more rows than coefficients; residuals of 0; times that do not rise, or do not fit the
        structure; no structure with a proven maximum (with the reason of each).

    References
    ----------
    Laird and Ware (1982), Biometrics 38:963-974. Kenward and Roger (1997), Biometrics 53:983-997. Mallinckrodt et al.
    (2008), Drug Inf J 42:303-319.
    """
    for name, value, allowed in (
        ("method", method, ("reml", "ml")),
        ("df", df, tuple(METHODS)),
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
    rows = compress(design)
    order = list(dict.fromkeys((covariance, *fallback)))
    if covariance in fallback:
        order = order[:1] + list(fallback[list(fallback).index(covariance) + 1 :])
    failures = []
    for name in order:
        structure, best, reason = _fit(design, rows, name, reml=method == "reml")
        if best is not None and not reason:
            break
        failures.append(f"{name}: {reason}")
    else:
        raise ValueError(f"no covariance structure has a proven maximum, got {'; '.join(failures)}")
    tests = inference(rows, best, df=df, information=information)
    n, p = design.matrix.shape
    free = n - p * (method == "reml")
    loglik = best.at.value - free * log(rows.scale)
    if method == "reml":
        loglik += float(np.linalg.slogdet(rows.transform)[1])
    counted = structure.size + p * (method == "ml")
    subjects = int(rows.subjects.sum())
    return MMRM(
        covariance=name, requested=covariance, failures=tuple(failures), terms=tuple(design.spec.column_names),
        coef=tests.coef, vcov=tests.vcov, model_vcov=tests.root @ tests.root.T, visits=design.visits,
        sigma=rows.scale**2 * structure.sigma(best.theta), loglik=loglik, aic=2 * counted - 2 * loglik,
        bic=log(subjects) * counted - 2 * loglik, method=method, df=df, information=information,
        conf_level=conf_level, n_obs=n, n_subjects=subjects, n_dropped=design.n_dropped,
        n_patterns=len(rows.present), n_parameters=structure.size, iterations=best.iterations,
        gradient=best.gradient, curvature=best.curvature, unit=unit, visit=visit, design=design, inference=tests,
    )  # fmt: skip


def _fit(design: Design, rows: Rows, name: str, *, reml: bool) -> tuple[Covariance, Optimum | None, str]:
    """The maximum of one structure, or why there is none."""
    if design.timed and name in EQUALLY_SPACED and len(design.visits) > 2:
        gaps = np.diff(design.times)
        if np.ptp(gaps) > 1e-9 * gaps.max():
            raise ValueError(f"visits must be equally spaced for {name!r}, got times {design.times.tolist()}")
    if name == "sp_exp" and not design.timed:
        raise ValueError("times must be given for 'sp_exp' unless the visits are numbers, got none")
    structure = covariance(name, design.times)
    if reason := impossible(rows, structure, design.visits):
        return structure, None, reason
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        best = maximise(rows, structure, reml=reml)
    return structure, best, best.reason
