"""Restricted mean survival time to a horizon, and its difference and ratio between two groups."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import exp, hypot, isnan, log, nan

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from esld.longform import About, Estimate, estimate_rows, long_frame
from esld.survival._data import checked_horizon, checked_times, group_codes, two_sided_p, two_sided_z
from esld.survival._lifetable import LifeTable, tabulate, tabulate_by
from esld.survival.kaplan_meier import KaplanMeier
from esld.times import with_horizon

METHOD = "RMST, Greenwood"


@dataclass(frozen=True, kw_only=True)
class RMST(Estimate):
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
class RMSTContrast:
    """RMST of two groups: `arms` in order, `difference` second minus first, `ratio` second over first."""

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
    conf_level : float, default 0.95
        Level of the normal limits, which are not cut at `tau`.
    extend : bool, default False
        If the last subject is censored before `tau`, the area is not defined and the value is NaN.
        True carries the last survival forward instead, as R's ``survfit(rmean=)`` does.
    group, time_unit : str
        Label of the sample and unit of the times, carried to the long form.

    Returns
    -------
    RMST
        ``std_err``: the square root of sum over event times t of A(t)^2 d / (n (n - d)), A(t) the area
        from t to `tau`. Without an event before `tau` it is 0 and the limits are NaN.

    References
    ----------
    Irwin (1949), J Hyg 47:188-189. Andersen, Hansen and Klein (2004), Lifetime Data Anal 10:335-350.
    """
    times, happened = checked_times(time, event)
    return _rmst(tabulate(times, happened), _tau(tau), conf_level, extend, group, time_unit)


def rmst_of(curve: KaplanMeier, *, tau: float, extend: bool = False) -> RMST:
    """`rmst` of the sample behind a Kaplan-Meier curve, with its level, label and unit."""
    return _rmst(curve.table, _tau(tau), curve.conf_level, extend, curve.group, curve.time_unit)


def rmst_compare(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    tau: float,
    groups: Sequence[Hashable] | None = None,
    conf_level: float = 0.95,
    extend: bool = False,
    time_unit: str = "days",
) -> RMSTContrast:
    """RMST of two groups, their difference (second minus first) and ratio (second over first).

    Parameters
    ----------
    time, event, tau, conf_level, extend, time_unit
        As for `rmst`.
    group : array_like of shape (n,)
        Label of each subject; exactly two labels, none missing.
    groups : sequence of 2, optional
        The labels, first the one to compare with. Default: sorted.

    Returns
    -------
    RMSTContrast
        Normal limits and p-value for the difference; for the ratio the same on the log scale (delta
        method). NaN with the reason where an arm has no RMST.
    """
    times, happened = checked_times(time, event)
    codes, labels = group_codes(group, time=time, groups=groups)
    if len(labels) != 2:
        raise ValueError(f"group must have two labels, got {list(labels)}")
    tau = _tau(tau)
    first, second = (
        _rmst(table, tau, conf_level, extend, label, time_unit)
        for table, label in zip(tabulate_by(times, happened, codes, 2), labels, strict=True)
    )
    return _contrast(first, second)


def rmst_compare_of(curves: Sequence[KaplanMeier], *, tau: float, extend: bool = False) -> RMSTContrast:
    """`rmst_compare` of the samples behind two Kaplan-Meier curves, as `kaplan_meier_by` gives them."""
    if len(curves) != 2:
        raise ValueError(f"curves must be two, got {len(curves)}")
    first, second = (rmst_of(curve, tau=tau, extend=extend) for curve in curves)
    if first.conf_level != second.conf_level or first.time_unit != second.time_unit:
        raise ValueError("curves must have the same conf_level and time_unit, got two that differ")
    return _contrast(first, second)


def _contrast(first: RMST, second: RMST) -> RMSTContrast:
    z = two_sided_z(first.conf_level)
    return RMSTContrast(
        tau=first.tau,
        arms=(first, second),
        difference=_difference(first, second, z),
        ratio=_ratio(first, second, z),
    )


def _tau(tau: float) -> float:
    if checked_horizon(tau, "tau") == 0:
        raise ValueError(f"tau must be above 0, got {tau!r}")
    return float(tau)


def _rmst(table: LifeTable, tau: float, conf_level: float, extend: bool, group: str, unit: str) -> RMST:
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
    value = std_err = nan
    reason = ""
    if last < tau and not extend and (survival.size == 0 or survival[-1] > 0):
        reason = f"follow-up{f' in {group}' if group else ''} ends at {last:g}, before tau = {tau:g}"
    else:
        inside = at < tau
        area = np.concatenate(([1.0], survival[inside])) * np.diff(at[inside], prepend=0.0, append=tau)
        value = float(area.sum())
        after = np.cumsum(area[:0:-1])[::-1]  # area from each event time to tau
        n, d = n_risk[inside], n_event[inside]
        left = n > d  # where everybody has the event, nothing comes after: the term is 0
        std_err = float(np.sqrt(np.sum(after[left] ** 2 * d[left] / (n[left] * (n[left] - d[left])))))
        if std_err == 0:
            reason = f"Greenwood standard error is 0{f' in {group}' if group else ''}: no limits"
    margin = z * std_err if std_err > 0 else nan
    return RMST(
        value=value, std_err=std_err, lower=value - margin, upper=value + margin, conf_level=conf_level,
        method=METHOD, reason=reason, tau=tau, n=size, events=events, group=group, time_unit=unit,
    )  # fmt: skip


def _difference(first: RMST, second: RMST, z: float) -> Estimate:
    value, std_err = second.value - first.value, hypot(first.std_err, second.std_err)
    margin = z * std_err if std_err > 0 else nan
    p_value = two_sided_p(value / std_err) if std_err > 0 else nan
    return Estimate(
        value=value, std_err=std_err, lower=value - margin, upper=value + margin, p_value=p_value,
        conf_level=first.conf_level, method=f"{METHOD}, normal", reason=_reasons(first, second),
    )  # fmt: skip


def _ratio(first: RMST, second: RMST, z: float) -> Estimate:
    method, reason = f"{METHOD}, log-normal", _reasons(first, second)
    if isnan(first.value) or isnan(second.value) or first.value == 0 or second.value == 0:
        return Estimate(
            value=nan, conf_level=first.conf_level, method=method, reason=reason or "a mean of 0 has no ratio"
        )
    ratio = second.value / first.value
    log_std_err = hypot(first.std_err / first.value, second.std_err / second.value)
    factor = exp(z * log_std_err) if log_std_err > 0 else nan
    return Estimate(
        value=ratio, std_err=ratio * log_std_err, lower=ratio / factor, upper=ratio * factor,
        p_value=two_sided_p(log(ratio) / log_std_err) if log_std_err > 0 else nan,
        conf_level=first.conf_level, method=method, reason=reason,
    )  # fmt: skip


def _reasons(first: RMST, second: RMST) -> str:
    return "; ".join(dict.fromkeys(arm.reason for arm in (first, second) if arm.reason))
