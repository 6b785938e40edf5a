"""A fitted mixed model for repeated measures: its tests, LS means and differences."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from math import isnan, nan
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from esld.longform import Shown
from esld.longitudinal._covariance import EQUALLY_SPACED, Floats, Ints
from esld.longitudinal._design import Design
from esld.longitudinal._inference import Inference, f_probability
from esld.longitudinal._rank import Estimable
from esld.longitudinal.means import Contrast, Contrasts, estimates, grid, long_frame
from esld.methods import made_by, step
from esld.reasons import Reason, Why, because, together


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
    reason : Reason or None
        Which combinations are left out, because the rows used do not determine them, or why there is no test, and what it
        would yield is NaN; None if nothing is missing.
    """

    f: float
    numerator_df: float
    denominator_df: float
    p_value: float
    scale: float
    method: str
    reason: Reason | None


@dataclass(frozen=True, eq=False, kw_only=True)
class MMRM(Shown):
    """A model for repeated measures, fitted to a proven maximum.

    Attributes
    ----------
    covariance, requested : str
        Structure of the fit, and the one asked for.
    failures : tuple of Reason
        Why each structure tried before failed; empty if the first one did not.
    terms : tuple of p str
        Coefficients, as formulaic names them.
    coef : ndarray of shape (p,)
        Generalised least squares, in the unit of the outcome; NaN for one that the rows do not determine.
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
    times : ndarray of shape (m,)
        Time of each visit, in the unit given; its place among the visits known, from 0, where there are no times.
    steps : ndarray of shape (m,), or None
        Place of each visit on the equally spaced grid, which ar1, ar1h, toep and toeph are on; None if there is none.
    design : Design
        Rows used, as arrays.
    estimable : Estimable
        Which combinations of the coefficients the rows used determine.
    inference : Inference
        What every test needs.
    """

    covariance: str
    requested: str
    failures: tuple[Reason, ...]
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
    times: Floats
    steps: Ints | None
    design: Design = field(repr=False)
    estimable: Estimable = field(repr=False)
    inference: Inference = field(repr=False)

    @property
    def label(self) -> str:
        """Model and degrees of freedom, as in the column method of the long form: ``mmrm:us, reml, kenward-roger``."""
        steps = self.covariance in EQUALLY_SPACED and not self.design.schedule.timed
        return made_by(
            step("mmrm", self.covariance), self.method, self.df,
            "expected-information" if self.information == "expected" else "",
            "one-step-a-visit" if steps else "",
        )  # fmt: skip

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
            named = {str(term): columns for term, columns in self.design.plan.spec.term_indices.items()}
            wanted = frozenset(weights.split(":"))
            own = [columns for term, columns in named.items() if frozenset(term.split(":")) == wanted]
            if not own:
                raise ValueError(f"term must be one of {list(named)}, got {weights!r}")
            rows = np.eye(len(self.terms))[list(own[0])]
        else:
            rows = np.atleast_2d(self._weights(weights))
        if len(rows) and np.linalg.matrix_rank(rows / self.estimable.length) < len(rows):
            raise ValueError(f"weights must be linearly independent, got {len(rows)} rows of lower rank")
        known = self.estimable.part(rows) if len(rows) else rows
        reason = None if len(rows) else because(Why.NO_COEFFICIENT)
        if len(known) < len(rows):
            terms = tuple(self.estimable.undetermined(rows))
            left = len(rows) - len(known)
            reason = because(Why.COMBINATIONS_LEFT_OUT, left=left, n=len(rows), terms=terms)
        f = numerator = denominator = scale = p_value = nan
        if len(known):
            f, numerator, denominator, scale = self.inference.joint(known[:, self.estimable.kept])
            p_value = f_probability(f, numerator, denominator)
            if isnan(p_value):
                f = denominator = scale = nan
                reason = together((reason, because(Why.NO_DF_FOR_IT, method=self.df)))
        return FTest(
            f=f, numerator_df=numerator, denominator_df=denominator, p_value=p_value, scale=scale, method=self.label,
            reason=reason,
        )  # fmt: skip

    def ls_means(self, arm: str, *, by_visit: bool = True, weights: str = "equal") -> Contrasts:
        """LS mean of each level of `arm` at each visit, or over the visits, numeric covariates at their mean.

        Parameters
        ----------
        arm : str
            A factor of the formula. A category without a value has a row too, which is NaN.
        by_visit : bool
            False: over the visits, and where the formula has none.
        weights : {"equal", "proportional"}
            Of the levels of the other factors: all the same, or the share of each combination of them in the rows used
            (observed margins). As R emmeans; so is the mean of a covariate, taken over the rows used.

        Returns
        -------
        Contrasts
            An LS mean that the rows do not determine, such as that of an arm at a visit at which it has no values, is
            NaN, with `reason`; the others are not touched by it.
        """
        at = grid(self.design, arm, self.visit, by_visit=by_visit, weights=weights)
        labels = [
            (str(group), visit, int(at.n[i, j]))
            for i, visit in enumerate(at.visits)
            for j, group in enumerate(at.arms)
        ]
        return self._several(
            "ls_mean", at.weights.reshape(len(labels), -1), labels, at.empty.ravel().tolist()
        )

    def differences(
        self, arm: str, *, reference: Hashable | None = None, by_visit: bool = True, weights: str = "equal"
    ) -> Contrasts:
        """LS mean of each level of `arm` minus that of the reference, the first level unless given; see `ls_means`."""
        at = grid(self.design, arm, self.visit, by_visit=by_visit, weights=weights)
        reference = at.arms[0] if reference is None else reference
        if reference not in at.arms:
            raise ValueError(f"reference must be one of {list(at.arms)}, got {reference!r}")
        base = at.arms.index(reference)
        rows, labels, empty = [], [], []
        for i, visit in enumerate(at.visits):
            for j, group in enumerate(at.arms):
                if j != base:
                    rows.append(at.weights[i, j] - at.weights[i, base])
                    labels.append((f"{group} - {reference}", visit, int(at.n[i, j] + at.n[i, base])))
                    empty.append(together((at.empty[i, j], at.empty[i, base])))
        if not rows:
            raise ValueError(f"{arm} must have two levels or more, got {list(at.arms)}")
        return self._several("ls_mean_difference", np.array(rows), labels, empty)

    def to_frame(self) -> pd.DataFrame:
        """Long form: the coefficients; then loglik, aic, bic, and the standard deviation at each visit."""
        about = {
            "group": "", "unit": "", "method": self.label, "n": self.n_subjects, "reason": together(self.failures),
        }  # fmt: skip
        rows: list[dict[str, Any]] = [
            {**about, "statistic": name, "value": getattr(self, name)} for name in ("loglik", "aic", "bic")
        ]
        for visit, variance in zip(self.visits, np.diag(self.sigma), strict=True):
            sd = float(np.sqrt(variance))
            rows.append({**about, "time": visit, "statistic": "sd", "value": sd, "unit": self.unit})
        return pd.concat([self.coefficients().to_frame(), long_frame(rows)], ignore_index=True)

    def _several(
        self,
        statistic: str,
        weights: Floats,
        labels: Sequence[tuple[str, Any, int]],
        empty: Sequence[Reason | None] = (),
    ) -> Contrasts:
        """Estimates; `empty` says what a combination lacks, should it not be estimable."""
        known = self.estimable.of(weights).tolist()
        reasons = [
            None
            if fine
            else lack or because(Why.NOT_DETERMINED, terms=tuple(self.estimable.undetermined(row[None])))
            for fine, lack, row in zip(known, empty or [None] * len(known), weights, strict=True)
        ]
        items = estimates(
            self.inference, weights, labels, reasons, kept=self.estimable.kept, conf_level=self.conf_level,
            method=self.label,
        )  # fmt: skip
        return Contrasts(statistic=statistic, items=items, unit=self.unit)

    def _weights(self, weights: ArrayLike) -> Floats:
        found = np.array(weights, dtype=float)
        if found.ndim not in (1, 2) or found.size == 0 or found.shape[-1] != len(self.terms):
            raise ValueError(f"weights must have {len(self.terms)} columns, got shape {found.shape}")
        if not np.isfinite(found).all():
            raise ValueError("weights must be finite, got infinite or missing ones")
        return found
