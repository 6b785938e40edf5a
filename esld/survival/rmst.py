"""Restricted mean survival time to a horizon, and its difference and ratio between two groups."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import exp, hypot, isnan, log, nan
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from esld.longform import About, Estimate, Shown, estimate_rows, long_frame
from esld.methods import made_by
from esld.reasons import Reason, Why, because, together
from esld.survival._area import areas
from esld.survival._beta import mid_quantile
from esld.survival._data import (
    checked_horizon,
    checked_times,
    choice,
    group_codes,
    two_sided_p,
    two_sided_z,
)
from esld.survival._lifetable import LifeTable, tabulate, tabulate_by
from esld.survival._mover import Limits, difference_limits, ratio_limits
from esld.survival.kaplan_meier import KaplanMeier
from esld.times import with_horizon

RMSTLimits = Literal["beta product", "plain"]
RMST_LIMITS = {"beta product": "rmst, mid-p-beta-product", "plain": "rmst, greenwood"}
"""How the limits are made, and what the method is called."""


@dataclass(frozen=True, kw_only=True)
class RMST(Estimate, Shown):
    """Mean time alive up to `tau` in one sample, in `time_unit`, in [0, tau].

    Attributes
    ----------
    tau : float
        The horizon.
    n, events : int
        Subjects, and events up to `tau`.
    group, time_unit : str
        As the caller gave them.
    """

    tau: float
    n: int
    events: int
    group: str
    time_unit: str

    @property
    def lost(self) -> float:
        """Mean time lost up to the horizon, tau - RMST."""
        return self.tau - self.value

    def to_frame(self) -> pd.DataFrame:
        """Long form: rmst and its standard error."""
        about: About = {
            "n": self.n, "events": self.events, "group": self.group, "time": self.tau, "unit": self.time_unit,
        }  # fmt: skip
        return long_frame(estimate_rows("rmst", self, **about))


@dataclass(frozen=True, kw_only=True)
class RMSTContrast(Shown):
    """RMST of two groups up to `tau`: `arms` in order, `difference` second minus first, `ratio` second over first."""

    tau: float
    arms: tuple[RMST, RMST]
    difference: Estimate
    ratio: Estimate

    def to_frame(self) -> pd.DataFrame:
        """Long form: each arm, then rmst_difference and rmst_ratio with their p-values."""
        first, second = self.arms
        gap: About = {
            "n": first.n + second.n,
            "events": first.events + second.events,
            "time": self.tau,
            "group": f"{second.group} - {first.group}",
            "unit": first.time_unit,
        }
        fold: About = {**gap, "group": f"{second.group} / {first.group}", "unit": ""}
        rows = estimate_rows("rmst_difference", self.difference, **gap)
        rows += estimate_rows("rmst_ratio", self.ratio, **fold)
        return pd.concat([first.to_frame(), second.to_frame(), long_frame(rows)], ignore_index=True)


def rmst(
    time: ArrayLike,
    event: ArrayLike,
    *,
    tau: float,
    conf_level: float = 0.95,
    limits: RMSTLimits = "beta product",
    extend: bool = False,
    group: str = "",
    time_unit: str = "days",
) -> RMST:
    """Area under the Kaplan-Meier curve from 0 to `tau`.

    Parameters
    ----------
    time, event : array_like of shape (n,)
        As for `kaplan_meier`.
    tau : float
        Horizon, above 0, in the unit of `time`.
    conf_level : float in (0, 1), default 0.95
        Level of the limits.
    limits : {'beta product', 'plain'}
        Mid-p limits inside [0, tau], which exist also without an event (see Notes); or the value plus and
        minus normal quantile times Greenwood standard error, as R gives them, which may lie outside.
    extend : bool, default False
        If the last subject is censored before `tau`, the area is not defined and the value is NaN.
        True carries the last survival forward instead, as R's ``survfit(rmean=)`` does.
    group, time_unit : str
        Label of the sample and unit of the times, carried to the long form.

    Returns
    -------
    RMST
        ``std_err``: the square root of sum over event times t of A(t)^2 d / (n (n - d)), A(t) the area
        from t to `tau`. Without an event before `tau` it is 0, and there are no plain limits.

    Raises
    ------
    ValueError
        As for `kaplan_meier`; `tau` that is not finite and above 0; unknown limits.

    Notes
    -----
    The limits are those of `beta_product`, carried from survival at one time to the area: at each
    event time survival is multiplied by a variable B(n - d + 1, d), and the area under the product replaces
    the estimate. For the lower limit the next event is always taken to happen at once: between event times,
    with m at risk, a factor V^(1 / m), V uniform, which at the event becomes a part of its own factor. Mean
    and variance of the area are exact; the beta distribution with these, on [0, tau], replaces its own. The
    limits are quantiles of the even mixture of the two distributions (mid-p).

    Without censoring the areas are means over a Bayesian bootstrap with one more subject, who lives 0 or
    `tau`: Gaffke's limits of the mean of a bounded variable. If everybody lives 0 or `tau` they are those of
    the binomial share (mid-p).

    With eleven subjects, of whom 95 to 50 % live to the horizon, plain limits hold the mean in 37 to 90 of
    100 trials, limits on the log-log or the logit scale of the share in 34 to 94; these in 97 to 98
    (`tests.bench.simulate_limits`).

    References
    ----------
    Irwin (1949), J Hyg 47:188-189. Andersen, Hansen and Klein (2004), Lifetime Data
    Anal 10:335-350. Fay, Brittain and Proschan (2013), Biostatistics 14:723-736. Gaffke (2005), Math Methods
    Stat 14:451-467. Learned-Miller and Thomas (2020), arXiv:1905.06208, for its coverage.

    Examples
    --------
    >>> from esld.data.datasets import freireich
    >>> from esld.survival import rmst
    >>> children = freireich()
    >>> mean = rmst(children["weeks"], children["relapse"], tau=20, time_unit="weeks")
    >>> round(mean.value, 2), round(mean.lower, 2), round(mean.upper, 2)
    (12.12, 9.88, 14.12)
    """
    times, happened = checked_times(time, event)
    choice(limits, "limits", tuple(RMST_LIMITS))
    return _rmst(tabulate(times, happened), _tau(tau), conf_level, limits, extend, group, time_unit)


def rmst_of(
    curve: KaplanMeier, *, tau: float, limits: RMSTLimits = "beta product", extend: bool = False
) -> RMST:
    """`rmst` of the sample behind a Kaplan-Meier curve, with its level, label and unit.

    Parameters
    ----------
    curve : KaplanMeier
        As `kaplan_meier` gives it.
    tau, limits, extend
        As for `rmst`.

    Returns
    -------
    RMST

    Raises
    ------
    ValueError
        As for `rmst`.

    Examples
    --------
    >>> from esld.data.datasets import freireich
    >>> from esld.survival import kaplan_meier_by, rmst_of
    >>> children = freireich()
    >>> curves = kaplan_meier_by(children["weeks"], children["relapse"], children["arm"], time_unit="weeks")
    >>> [round(rmst_of(curve, tau=20).value, 2) for curve in curves]
    [16.12, 8.43]
    """
    choice(limits, "limits", tuple(RMST_LIMITS))
    return _rmst(curve.table, _tau(tau), curve.conf_level, limits, extend, curve.group, curve.time_unit)


def rmst_compare(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    tau: float,
    groups: Sequence[Hashable] | None = None,
    conf_level: float = 0.95,
    limits: RMSTLimits = "beta product",
    extend: bool = False,
    time_unit: str = "days",
) -> RMSTContrast:
    """RMST of two groups, their difference (second minus first) and ratio (second over first).

    Parameters
    ----------
    time, event, tau, conf_level, limits, extend, time_unit
        As for `rmst`.
    group : array_like of shape (n,)
        Label of each subject; exactly two labels, none missing.
    groups : sequence of 2, optional
        The labels, first the one to compare with. Default: sorted.

    Returns
    -------
    RMSTContrast
        The limits are made from those of the groups (MOVER), for the ratio on the log scale; a test is
        `exact_rmst`. Plain: normal limits and p-value from both standard errors, for the ratio on the log
        scale (delta method). NaN with the reason where an arm has no RMST.

    Raises
    ------
    ValueError
        As for `rmst`; not two groups.

    References
    ----------
    Zou and Donner (2008), Stat Med 27:1693-1702, for MOVER.

    Examples
    --------
    >>> from esld.data.datasets import freireich
    >>> from esld.survival import rmst_compare
    >>> children = freireich()
    >>> found = rmst_compare(children["weeks"], children["relapse"], children["arm"], tau=20, time_unit="weeks")
    >>> round(found.difference.value, 2), round(found.difference.upper, 2)
    (-7.69, -3.32)
    """
    times, happened = checked_times(time, event)
    codes, labels = group_codes(group, time=time, groups=groups)
    if len(labels) != 2:
        raise ValueError(f"group must have two labels, got {list(labels)}")
    choice(limits, "limits", tuple(RMST_LIMITS))
    tau = _tau(tau)
    first, second = (
        _rmst(table, tau, conf_level, limits, extend, label, time_unit)
        for table, label in zip(tabulate_by(times, happened, codes, 2), labels, strict=True)
    )
    return _contrast(first, second, limits)


def rmst_compare_of(
    curves: Sequence[KaplanMeier],
    *,
    tau: float,
    limits: RMSTLimits = "beta product",
    extend: bool = False,
) -> RMSTContrast:
    """`rmst_compare` of the samples behind two Kaplan-Meier curves.

    Parameters
    ----------
    curves : sequence of 2 KaplanMeier
        As `kaplan_meier_by` gives them, of one level and one unit.
    tau, limits, extend
        As for `rmst`.

    Returns
    -------
    RMSTContrast

    Raises
    ------
    ValueError
        As for `rmst`; not two curves, or such as differ in level or unit.

    Examples
    --------
    >>> from esld.data.datasets import freireich
    >>> from esld.survival import kaplan_meier_by, rmst_compare_of
    >>> children = freireich()
    >>> curves = kaplan_meier_by(children["weeks"], children["relapse"], children["arm"], time_unit="weeks")
    >>> round(rmst_compare_of(curves, tau=20).ratio.value, 3)
    0.523
    """
    if len(curves) != 2:
        raise ValueError(f"curves must be two, got {len(curves)}")
    first, second = (rmst_of(curve, tau=tau, limits=limits, extend=extend) for curve in curves)
    if first.conf_level != second.conf_level or first.time_unit != second.time_unit:
        raise ValueError("curves must have the same conf_level and time_unit, got two that differ")
    return _contrast(first, second, limits)


def _contrast(first: RMST, second: RMST, limits: RMSTLimits) -> RMSTContrast:
    difference, ratio = (
        (_difference, _ratio) if limits == "beta product" else (_plain_difference, _plain_ratio)
    )
    return RMSTContrast(
        tau=first.tau,
        arms=(first, second),
        difference=difference(first, second),
        ratio=ratio(first, second),
    )


def _tau(tau: float) -> float:
    if checked_horizon(tau, "tau") == 0:
        raise ValueError(f"tau must be above 0, got {tau!r}")
    return float(tau)


def _rmst(
    table: LifeTable, tau: float, conf_level: float, limits: RMSTLimits, extend: bool, group: str, unit: str
) -> RMST:
    z = two_sided_z(conf_level)
    table = table._replace(times=with_horizon(table.times, tau))
    at, n_risk, n_event, _ = table
    size, last = int(n_risk[0]), float(at[-1])
    upto = int(np.searchsorted(at, tau, side="right"))
    at, n_risk, n_event = at[:upto], n_risk[:upto], n_event[:upto]
    drop = n_event > 0
    at, n_risk, n_event = at[drop], n_risk[drop], n_event[drop]
    survival = np.cumprod((n_risk - n_event) / n_risk)
    events = int(n_event.sum())
    value = std_err = lower = upper = nan
    reason = None
    if last < tau and not extend and (survival.size == 0 or survival[-1] > 0):
        reason = because(Why.FOLLOW_UP_ENDS, last=last, time=float(tau))
    else:
        inside = at < tau
        area = np.concatenate(([1.0], survival[inside])) * np.diff(at[inside], prepend=0.0, append=tau)
        value = float(area.sum())
        after = np.cumsum(area[:0:-1])[::-1]  # area from each event time to tau
        n, d = n_risk[inside], n_event[inside]
        left = n > d  # where everybody has the event, nothing comes after: the term is 0
        std_err = float(np.sqrt(np.sum(after[left] ** 2 * d[left] / (n[left] * (n[left] - d[left])))))
        if limits == "beta product":
            value = min(value, tau)  # beyond it only by rounding
            low, high = areas(table, tau, at[inside], n, d)
            tail = (1 - conf_level) / 2
            lower, upper = (tau * float(mid_quantile(low, high, p)[0]) for p in (tail, 1 - tail))
            lower, upper = min(lower, value), max(upper, value)
        elif std_err > 0:
            lower, upper = value - z * std_err, value + z * std_err
        else:
            reason = because(Why.GREENWOOD_ZERO)
    if reason and group:
        reason = reason.of(group=group)
    return RMST(
        value=value, std_err=std_err, lower=lower, upper=upper, conf_level=conf_level,
        method=RMST_LIMITS[limits], reason=reason, tau=tau, n=size, events=events, group=group, time_unit=unit,
    )  # fmt: skip


def _limits(arm: RMST) -> Limits:
    return Limits(arm.value, arm.lower, arm.upper)


def _difference(first: RMST, second: RMST) -> Estimate:
    lower, upper = difference_limits(_limits(first), _limits(second))
    return Estimate(
        value=second.value - first.value, lower=lower, upper=upper, conf_level=first.conf_level,
        method=made_by(first.method, "mover"), reason=_missing(first, second),
    )  # fmt: skip


def _ratio(first: RMST, second: RMST) -> Estimate:
    method, reason = made_by(first.method, "mover, log"), _missing(first, second)
    if not reason and 0 in (first.value, second.value):
        reason = because(Why.ZERO_HAS_NO_LOGARITHM, of="mean")
    if reason:
        return Estimate(value=nan, conf_level=first.conf_level, method=method, reason=reason)
    lower, upper = ratio_limits(_limits(first), _limits(second))
    return Estimate(
        value=second.value / first.value, lower=lower, upper=upper, conf_level=first.conf_level, method=method
    )


def _missing(first: RMST, second: RMST) -> Reason | None:
    """Which groups have no mean, and why."""
    return together(arm.reason for arm in (first, second) if isnan(arm.value))


def _plain_difference(first: RMST, second: RMST) -> Estimate:
    value, std_err = second.value - first.value, hypot(first.std_err, second.std_err)
    margin = two_sided_z(first.conf_level) * std_err if std_err > 0 else nan
    p_value = two_sided_p(value / std_err) if std_err > 0 else nan
    return Estimate(
        value=value, std_err=std_err, lower=value - margin, upper=value + margin, p_value=p_value,
        conf_level=first.conf_level, method=made_by(first.method, "normal"), reason=_plain_reason(first, second),
    )  # fmt: skip


def _plain_ratio(first: RMST, second: RMST) -> Estimate:
    method, reason = made_by(first.method, "log-normal"), _plain_reason(first, second)
    if isnan(first.value) or isnan(second.value) or first.value == 0 or second.value == 0:
        missing = _missing(first, second)
        return Estimate(
            value=nan,
            conf_level=first.conf_level,
            method=method,
            reason=missing or because(Why.ZERO_HAS_NO_LOGARITHM, of="mean"),
        )
    ratio = second.value / first.value
    log_std_err = hypot(first.std_err / first.value, second.std_err / second.value)
    factor = exp(two_sided_z(first.conf_level) * log_std_err) if log_std_err > 0 else nan
    return Estimate(
        value=ratio, std_err=ratio * log_std_err, lower=ratio / factor, upper=ratio * factor,
        p_value=two_sided_p(log(ratio) / log_std_err) if log_std_err > 0 else nan,
        conf_level=first.conf_level, method=method, reason=reason,
    )  # fmt: skip


def _plain_reason(first: RMST, second: RMST) -> Reason | None:
    """What is missing of plain limits, or what makes them too narrow."""
    if missing := _missing(first, second):
        return missing
    certain = [arm.group for arm in (first, second) if arm.std_err == 0]
    code = Why.GREENWOOD_ZERO if len(certain) == 2 else Why.COUNTS_AS_CERTAIN
    return together(because(code, group=group) for group in certain)
