"""Linear combinations of the coefficients of a model for repeated measures: estimates, and LS means."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan, nan, prod
from typing import Any, cast

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from esld.longform import COLUMNS, Shown
from esld.longitudinal._covariance import Floats, Ints
from esld.longitudinal._design import Design
from esld.longitudinal._formula import Coded
from esld.longitudinal._inference import Inference
from esld.reasons import Reason, Why, because

WEIGHTS = ("equal", "proportional")


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
    reason : Reason or None
        Why all, or standard error, test and limits, are NaN; None if they are not.
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
    reason: Reason | None


@dataclass(frozen=True, eq=False, kw_only=True)
class Contrasts(Shown, Sequence[Contrast]):
    """Several linear combinations, a sequence of `Contrast`: `items` in `unit`, `statistic` naming what they are."""

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
        return long_frame(self.rows())

    def rows(self) -> list[dict[str, Any]]:
        """The rows of the long form."""
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
        return rows


# Below it the quantile of t leaves all bounds, and limits of ten to the hundred say nothing: the covariance is hardly determined.
LEAST_DF = 1.0


def long_frame(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a frame with the columns of the common long form, times as they are; missing limits are NaN."""
    return pd.DataFrame(list(rows), columns=list(COLUMNS)).astype(
        dict.fromkeys(("value", "lower", "upper"), float)
    )


def estimates(
    tests: Inference,
    weights: Floats,
    labels: Sequence[tuple[str, Any, int]],
    reasons: Sequence[Reason | None],
    *,
    kept: Ints,
    conf_level: float,
    method: str,
) -> tuple[Contrast, ...]:
    """The estimate of each row of `weights`, (c, p); labels are group, time and n.

    A reason says why the row cannot be estimated, so that everything of it is NaN; None if it can. Those that can depend on
    the coefficients `kept` only, which are those of `tests`. So is everything NaN of what has less than `LEAST_DF`.
    """
    whole = np.array([not reason for reason in reasons], dtype=bool)
    value, std_err, df = np.full((3, len(weights)), nan)
    value[whole], std_err[whole], df[whole] = tests.single(weights[whole][:, kept])
    vague = (df > 0) & (df < LEAST_DF)
    value[vague] = std_err[vague] = df[vague] = nan
    without = (std_err > 0) & (df <= 0)
    fine = np.isfinite(df) & (std_err > 0) & ~without
    std_err, df = np.where(fine, std_err, nan), np.where(fine, df, nan)
    t = value / std_err
    p_value, quantile = 2 * stdtr(df, -np.abs(t)), stdtrit(df, 0.5 + conf_level / 2)
    columns = zip(value, std_err, df, t, p_value, quantile * std_err, strict=True)
    return tuple(
        Contrast(
            group=group, time=time, value=float(v), std_err=float(s), df=float(d), t=float(ratio), p_value=float(p),
            lower=float(v - half), upper=float(v + half), conf_level=conf_level, n=n, weights=row, method=method,
            reason=reason or (_no_error(row, no_df=no_df, vague=few) if isnan(s) else None),
        )
        for (group, time, n), row, reason, no_df, few, (v, s, d, ratio, p, half) in zip(
            labels, weights, reasons, without, vague, columns, strict=True
        )
    )  # fmt: skip


def _no_error(row: Floats, *, no_df: bool, vague: bool) -> Reason:
    """Why an estimate has no standard error."""
    if vague:
        return because(Why.LESS_THAN_ONE_DF)
    if no_df:
        return because(Why.NOT_POSITIVE_DEFINITE)
    return because(Why.NEGATIVE_VARIANCE if row.any() else Why.NO_SPREAD)


@dataclass(frozen=True, eq=False, kw_only=True)
class Grid:
    """Weights of the LS means: a row an arm and visit, visits first.

    Attributes
    ----------
    weights : ndarray of shape (visits, arms, p)
        Other factors averaged, numeric covariates at their mean over the rows used; NaN for an arm without rows.
    arms, visits : tuple
        Levels; visits is (None,) without visits. An arm that is declared is there without rows too.
    n : ndarray of shape (visits, arms)
        Values seen.
    empty : ndarray of shape (visits, arms) of Reason or None
        Which values the mean lacks, where it has none at the visit, or at one of those that it is over.
    """

    weights: Floats
    arms: tuple[Any, ...]
    visits: tuple[Any, ...]
    n: Ints
    empty: Any


def grid(design: Design, arm: str, visit: str, *, by_visit: bool, weights: str) -> Grid:
    """The weights of each arm at each visit, or over the visits.

    References
    ----------
    Searle, Speed and Milliken (1980), Am Stat 34:216-221. As R emmeans, whose names of the weights are these.
    """
    if weights not in WEIGHTS:
        raise ValueError(f"weights must be one of {list(WEIGHTS)}, got {weights!r}")
    outer = [visit, arm] if by_visit else [arm]
    for what, name in zip(("arm", "visit"), outer[::-1], strict=False):
        if name not in design.variables:
            raise ValueError(
                f"{what} must be a variable of the formula, got {name!r}, not one of {list(design.variables)}"
                + (". Without the visits in the formula ask for by_visit=False" if what == "visit" else "")
            )
    key = (arm, visit if by_visit else None, weights)
    if key not in design.grids:
        design.grids[key] = _grid(design, outer, visit, weights)
    return cast(Grid, design.grids[key])


def _grid(design: Design, outer: Sequence[str], visit: str, weights: str) -> Grid:
    inner = [v for v in design.variables if v in design.plan.factors and v not in outer]
    factors = {name: _coded(design, name) for name in [*outer, *inner]}
    arm = outer[-1]
    arms, seen = factors[arm].declared, factors[arm].levels
    shape = [len(own.levels) for own in factors.values()]
    codes = np.indices(shape).reshape(len(shape), -1)
    matrix = _matrix(design, factors, dict(zip(factors, codes, strict=True)))
    share = _shares([factors[name] for name in inner], weights)
    made = share @ matrix.reshape(-1, len(share), matrix.shape[1])
    visits = factors[outer[0]].levels if len(outer) > 1 else (None,)
    made = made.reshape(len(visits), len(seen), -1)
    place = [arms.index(level) for level in seen]
    full = np.full((len(visits), len(arms), made.shape[2]), nan)
    full[:, place] = made
    own, m = factors[arm].codes, len(design.schedule.visits)
    cell = np.zeros((m, len(arms)), dtype=np.int64)
    np.add.at(cell, (design.visit, np.array(place)[own]), 1)
    n = cell if len(outer) > 1 else cell.sum(axis=0, keepdims=True)
    empty = np.full(n.shape, None, dtype=object)
    for j, group in enumerate(arms):
        for i in range(m) if cell[:, j].any() else ():
            if cell[i, j] == 0:
                if len(outer) > 1:
                    empty[i, j] = because(Why.NO_VALUES_THEN, group=str(group))
                else:
                    at = str(design.schedule.visits[i])
                    empty[0, j] = empty[0, j] or because(Why.NO_VALUES_AT, group=str(group), visit=at)
        if not cell[:, j].any():
            empty[:, j] = because(Why.NO_VALUES, group=str(group))
    return Grid(weights=full, arms=arms, visits=tuple(visits), n=n, empty=empty)


def _coded(design: Design, name: str) -> Coded:
    """A variable that the formula treats as a factor; numbers and truth values are sorted."""
    if name in design.coded:
        return design.coded[name]
    codes, levels = pd.factorize(design.frame[name], sort=True)
    found = tuple(levels.tolist())
    return Coded(codes=codes.astype(np.int64), levels=found, declared=found)


def _matrix(design: Design, factors: Mapping[str, Coded], codes: Mapping[str, Ints]) -> Floats:
    """The columns of the fixed effects of every combination of levels, numbers at their mean."""
    frame, plan = design.frame, design.plan
    means = {name: float(frame[name].mean()) for name in design.variables if name not in factors}
    rows = len(next(iter(codes.values())))
    if plan.parts is not None:
        values: dict[str, Coded | Floats] = {name: np.full(rows, mean) for name, mean in means.items()}
        for name, own in factors.items():
            coded = name in design.coded
            values[name] = (
                replace(own, codes=codes[name]) if coded else np.array(own.levels, dtype=float)[codes[name]]
            )
        return plan.matrix(values)
    table: dict[str, Any] = {name: [mean] * rows for name, mean in means.items()}
    for name, own in factors.items():
        labels = [own.levels[code] for code in codes[name].tolist()]
        if isinstance(kind := frame[name].dtype, pd.CategoricalDtype):
            table[name] = pd.Categorical(labels, categories=list(own.levels))
        else:
            table[name] = pd.Series(labels, dtype=object if isinstance(kind, pd.StringDtype) else kind)
    return plan.encoded(pd.DataFrame(table))


def _shares(factors: Sequence[Coded], weights: str) -> Floats:
    """Weight of each combination of levels of the factors that are averaged over."""
    shape = [len(own.levels) for own in factors]
    size = prod(shape)
    if weights == "equal" or not factors:
        return np.full(size, 1 / size)
    place = np.ravel_multi_index([own.codes for own in factors], shape)
    return np.asarray(np.bincount(place, minlength=size) / len(place))
