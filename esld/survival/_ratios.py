"""What the regressions have in common: a ratio for each covariate, told in the same way."""

from dataclasses import dataclass, replace
from math import nan
from typing import ClassVar

import numpy as np
import pandas as pd

from esld.longform import About, Estimate, Row, Shown, estimate_rows, long_frame, row
from esld.reasons import Reason
from esld.survival._data import Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class RatioModel(Shown):
    """A model with a log ratio for each of its p covariates; a subclass names the ratio and the tests of all.

    Attributes
    ----------
    terms : tuple of str
        The p covariates, in the order given.
    coef, coef_std_err : ndarray of shape (p,)
        Log ratio per unit of the covariate and its standard error.
    ratio_lower, ratio_upper : ndarray of shape (p,)
        Limits of the ratio, which is the exponential of `coef`.
    p_value : ndarray of shape (p,)
        Two-sided p-value of each covariate.
    loglik_null, loglik : float
        Logarithm of the likelihood at 0 and at its maximum.
    n, events : int
        Subjects and events.
    ties, method : str
        How tied event times are treated; how the model was fitted.
    conf_level : float
        Level of the limits.
    reason : Reason or None
        Why there is no fit, all numbers above being NaN then; empty if there is one.
    """

    RATIO: ClassVar[str] = "hazard_ratio"
    TOTALS: ClassVar[tuple[str, ...]] = ("loglik_null", "loglik")

    terms: tuple[str, ...]
    coef: Floats
    coef_std_err: Floats
    ratio_lower: Floats
    ratio_upper: Floats
    p_value: Floats
    loglik_null: float
    loglik: float
    n: int
    events: int
    ties: str
    method: str
    conf_level: float
    reason: Reason | None

    @property
    def ratios(self) -> Floats:
        """The ratio of each covariate, shape (p,)."""
        with np.errstate(over="ignore"):  # of a covariate in a large unit: infinite
            return np.exp(self.coef)

    def ratio(self, term: str) -> Estimate:
        """The ratio of one covariate; its standard error is that of its logarithm times it."""
        if term not in self.terms:
            raise ValueError(f"term must be one of {list(self.terms)}, got {term!r}")
        i = self.terms.index(term)
        value = float(self.ratios[i])
        return Estimate(
            value=value, std_err=value * float(self.coef_std_err[i]), lower=float(self.ratio_lower[i]),
            upper=float(self.ratio_upper[i]), p_value=float(self.p_value[i]), conf_level=self.conf_level,
            method=self.method, reason=self._reason(i),
        )  # fmt: skip

    def _reason(self, place: int) -> Reason | None:
        """Why one covariate lacks something."""
        return self.reason

    def _more(self, place: int) -> dict[str, float]:
        """Further rows of one covariate: statistic and value."""
        return {}

    def to_frame(self) -> pd.DataFrame:
        """Long form, the covariate as `group`: the ratio, its p-value, its logarithm; then the tests of all."""
        rows: list[Row] = []
        every: About = {
            "n": self.n,
            "events": self.events,
            "method": self.method,
            "ties": self.ties,
            "reason": self.reason,
        }
        for i, term in enumerate(self.terms):
            about: About = {**every, "group": term}
            # The standard error belongs to the logarithm: the ratio's own is left out.
            rows += estimate_rows(self.RATIO, replace(self.ratio(term), std_err=nan), **about)
            logarithm = {"": self.coef[i], "_std_err": self.coef_std_err[i]}
            for end, value in logarithm.items():
                rows.append(row(f"log_{self.RATIO}{end}", float(value), **about))
            rows += [row(statistic, value, **about) for statistic, value in self._more(i).items()]
        rows += [row(name, float(getattr(self, name)), **every) for name in self.TOTALS]
        return long_frame(rows)
