"""Linear combinations of the coefficients of a model for repeated measures: estimates, and LS means."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import isnan, nan
from typing import Any, cast

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from esld.longform import COLUMNS
from esld.longitudinal._covariance import Floats
from esld.longitudinal._design import Design
from esld.longitudinal._inference import Inference


@dataclass(frozen=True, eq=False, kw_only=True)
class Contrast:
    """One linear combination of the coefficients, with its t test against 0.

    Attributes
    ----------
    group : str
        Which arm, difference or coefficient; empty if the caller made the weights.
    time : object
        Visit as in the data; None where there is none.
    value, std_err : float
        Estimate and standard error, in the unit of the outcome; `std_err` is the adjusted one under Kenward-Roger.
    df : float
        Degrees of freedom, above 0.
    t, p_value : float
        Statistic and two-sided p-value.
    lower, upper : float
        Confidence limits.
    conf_level : float
        Level of the limits, in (0, 1).
    n : int
        Values that the arm has at the visit (of both arms for a difference), or subjects of the model.
    weights : ndarray of shape (p,)
        Of the coefficients.
    method : str
        Model and degrees of freedom.
    reason : str
        Why standard error, test and limits are NaN; empty if they are not.
    """

    group: str
    time: Any
    value: float
    std_err: float
    df: float
    t: float
    p_value: float
    lower: float
    upper: float
    conf_level: float
    n: int
    weights: Floats
    method: str
    reason: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Contrasts(Sequence[Contrast]):
    """Several linear combinations, `statistic` naming what they are; a sequence of `Contrast`."""

    statistic: str
    items: tuple[Contrast, ...]
    unit: str = ""

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: Any) -> Any:
        return self.items[index]

    def __iter__(self) -> Iterator[Contrast]:
        return iter(self.items)

    def to_frame(self) -> pd.DataFrame:
        """Long form: each estimate, its standard error, degrees of freedom and, but for LS means, p-value."""
        rows = []
        for item in self.items:
            about = {
                "group": item.group, "time": item.time, "unit": self.unit, "method": item.method, "n": item.n,
                "reason": item.reason,
            }  # fmt: skip
            limits = {"lower": item.lower, "upper": item.upper}
            rows.append({**about, "statistic": self.statistic, "value": item.value, **limits})
            rows.append({**about, "statistic": f"{self.statistic}_std_err", "value": item.std_err})
            rows.append({**about, "statistic": f"{self.statistic}_df", "value": item.df, "unit": ""})
            if self.statistic != "ls_mean":
                rows.append(
                    {**about, "statistic": f"{self.statistic}_p_value", "value": item.p_value, "unit": ""}
                )
        return long_frame(rows)


def long_frame(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a frame with the columns of the common long form, times as they are; missing limits are NaN."""
    return pd.DataFrame(list(rows), columns=list(COLUMNS)).astype(
        dict.fromkeys(("value", "lower", "upper"), float)
    )


def estimates(
    tests: Inference,
    weights: Floats,
    labels: Sequence[tuple[str, Any, int]],
    *,
    conf_level: float,
    method: str,
) -> tuple[Contrast, ...]:
    """The estimate of each row of `weights`, (c, p); labels are group, time and n."""
    value, std_err, df = tests.single(weights)
    fine = np.isfinite(df) & (std_err > 0)
    std_err, df = np.where(fine, std_err, nan), np.where(fine, df, nan)
    t = value / std_err
    p_value, quantile = 2 * stdtr(df, -np.abs(t)), stdtrit(df, 0.5 + conf_level / 2)
    columns = zip(value, std_err, df, t, p_value, quantile * std_err, strict=True)
    return tuple(
        Contrast(
            group=group, time=time, value=float(v), std_err=float(s), df=float(d), t=float(ratio), p_value=float(p),
            lower=float(v - half), upper=float(v + half), conf_level=conf_level, n=n, weights=row, method=method,
            reason="the combination has no variance" if isnan(s) else "",
        )
        for (group, time, n), row, (v, s, d, ratio, p, half) in zip(labels, weights, columns, strict=True)
    )  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class Grid:
    """Weights of the LS means: a row an arm and visit, visits first.

    Attributes
    ----------
    weights : ndarray of shape (visits, arms, p)
        Other factors averaged with equal weights, numeric covariates at their mean over the rows used.
    arms, visits : tuple
        Levels; visits is (None,) without visits.
    n : ndarray of shape (visits, arms)
        Values seen.
    """

    weights: Floats
    arms: tuple[Any, ...]
    visits: tuple[Any, ...]
    n: Any


def grid(design: Design, arm: str, visit: str | None) -> Grid:
    """The weights of each arm at each visit, or over the visits if `visit` is None.

    References
    ----------
    Searle, Speed and Milliken (1980), Am Stat 34:216-221. As R emmeans does by default.
    """
    if (arm, visit) in design.grids:
        return cast(Grid, design.grids[arm, visit])
    frame, spec = design.frame, design.spec
    variables = list(design.variables)
    for what, name in (("arm", arm), ("visit", visit)):
        if name is not None and name not in variables:
            raise ValueError(
                f"{what} must be a variable of the formula, got {name!r}, not one of {variables}"
            )
    outer = [name for name in (visit, arm) if name is not None]
    factors = _factors(design, variables)
    inner = [name for name in variables if name in factors and name not in outer]
    levels = {name: _levels(frame[name]) for name in outer + inner}
    cells = list(product(*levels.values()))
    table = {name: _like(frame[name], [cell[i] for cell in cells]) for i, name in enumerate(levels)} | {
        name: [float(frame[name].mean())] * len(cells) for name in variables if name not in levels
    }
    matrix = np.asarray(spec.get_model_matrix(pd.DataFrame(table), output="numpy"), dtype=float)
    visits = levels[visit] if visit is not None else [None]
    weights = matrix.reshape(len(visits), len(levels[arm]), -1, matrix.shape[1]).mean(axis=2)
    codes = pd.Categorical(frame[arm], categories=levels[arm]).codes.astype(int)
    if visit is not None:
        codes = codes + len(levels[arm]) * design.visit
    n = np.bincount(codes, minlength=weights.shape[0] * weights.shape[1]).reshape(weights.shape[:2])
    made = Grid(weights=weights, arms=tuple(levels[arm]), visits=tuple(visits), n=n)
    design.grids[arm, visit] = made
    return made


def _factors(design: Design, variables: Sequence[str]) -> set[str]:
    """The variables that the formula treats as factors."""
    kinds = design.spec.encoder_state
    found = {
        str(variable)
        for factor, own in design.spec.factor_variables.items()
        if str(factor) in kinds and kinds[str(factor)][0].value == "categorical"
        for variable in own
    }
    frame = design.frame
    return {
        name for name in variables
        if name in found or not pd.api.types.is_numeric_dtype(frame[name]) or frame[name].dtype == bool
    }  # fmt: skip


def _levels(column: "pd.Series[Any]") -> list[Any]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return list(column.cat.categories)
    return sorted(column.unique().tolist())


def _like(column: "pd.Series[Any]", values: list[Any]) -> Any:
    """The values with the type of the column."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return pd.Categorical(values, categories=column.cat.categories)
    return pd.Series(values, dtype=column.dtype)
