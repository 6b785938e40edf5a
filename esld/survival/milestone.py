"""Alive at a horizon: exact when everybody's state there is known, Kaplan-Meier with bounds when not."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import hypot, isnan, log, nan

import pandas as pd
from numpy.typing import ArrayLike

from esld.longform import About, Estimate, Row, estimate_rows, long_frame, row
from esld.survival._data import (
    Bools,
    Floats,
    checked_horizon,
    checked_times,
    group_codes,
    two_sided_p,
    two_sided_z,
)
from esld.survival.kaplan_meier import kaplan_meier
from esld.survival.proportions import DifferenceMethod, Proportion, clopper_pearson, risk_difference
from esld.times import with_horizon


@dataclass(frozen=True, kw_only=True)
class MilestoneGroup:
    """One group at the horizon.

    Attributes
    ----------
    group : str
        Its label.
    n, alive, dead, unknown : int
        Subjects; known alive at the horizon (observed to it or beyond, no event by then); event at or
        before it; censored before it. The last three add up to n.
    survival : Estimate
        Kaplan-Meier at the horizon, Greenwood standard error, log-log limits.
    proportion : Proportion or None
        Share alive with Clopper-Pearson limits; None if somebody is unknown.
    best_case, worst_case : Proportion
        The same with every unknown counted as alive, or as dead.
    """

    group: str
    n: int
    alive: int
    dead: int
    unknown: int
    survival: Estimate
    proportion: Proportion | None
    best_case: Proportion
    worst_case: Proportion


@dataclass(frozen=True, kw_only=True)
class Milestone:
    """Alive at a horizon, by group.

    Attributes
    ----------
    at : float
        The horizon, in `time_unit`.
    groups : tuple of MilestoneGroup
        In order.
    risk_difference : Estimate or None
        Second minus first of two groups, binomial; None if somebody is unknown.
    survival_difference : Estimate or None
        Second minus first of two groups, Kaplan-Meier with Greenwood standard errors, normal limits.
    cloglog_difference : Estimate or None
        Second minus first of two groups, log(-log S) of the Kaplan-Meier estimates, with the test on that
        scale; its exponential is the ratio of the cumulative hazards. Above 0, the second group fares worse.
    bounds : tuple of Estimate, or None
        With unknown subjects and two groups: the lowest difference (second at its worst, first at its
        best) and the highest, each a risk difference with limits; else None.
    """

    at: float
    groups: tuple[MilestoneGroup, ...]
    risk_difference: Estimate | None
    survival_difference: Estimate | None
    cloglog_difference: Estimate | None
    bounds: tuple[Estimate, Estimate] | None
    time_unit: str

    @property
    def complete(self) -> bool:
        """Whether the state of everybody at the horizon is known."""
        return not any(g.unknown for g in self.groups)

    @property
    def difference(self) -> Estimate | None:
        """The difference to report: binomial if complete, else Kaplan-Meier; None unless two groups."""
        return self.risk_difference if self.complete else self.survival_difference

    def to_frame(self) -> pd.DataFrame:
        """Long form: counts, proportion (or best and worst case) and survival per group, the difference."""
        rows: list[Row] = []
        for g in self.groups:
            about: About = {"n": g.n, "events": g.dead, "group": g.group, "time": self.at}
            for name in ("alive", "dead", "unknown"):
                rows.append(row(name, float(getattr(g, name)), **about))
            shares = {"proportion": g.proportion} if g.proportion else {}
            if not self.complete:
                shares |= {"proportion_best_case": g.best_case, "proportion_worst_case": g.worst_case}
            for name, share in shares.items():
                rows += estimate_rows(name, share, **about)
            rows += estimate_rows("survival", g.survival, **about)
        if len(self.groups) == 2:
            first, second = self.groups
            gap: About = {
                "n": first.n + second.n,
                "events": first.dead + second.dead,
                "time": self.at,
                "group": f"{second.group} - {first.group}",
            }
            lowest, highest = self.bounds or (None, None)
            for name, difference in (
                ("risk_difference", self.risk_difference),
                ("survival_difference", self.survival_difference),
                ("cloglog_difference", self.cloglog_difference),
                ("risk_difference_lowest", lowest),
                ("risk_difference_highest", highest),
            ):
                if difference is not None:
                    rows += estimate_rows(name, difference, **gap)
        return long_frame(rows)


def milestone(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike | None = None,
    *,
    at: float,
    groups: Sequence[Hashable] | None = None,
    conf_level: float = 0.95,
    difference_method: DifferenceMethod = "miettinen-nurminen",
    time_unit: str = "days",
) -> Milestone:
    """How many are alive at a horizon: no event with time <= `at`.

    If the state of everybody at the horizon is known, shares and their difference are binomial.
    Otherwise the Kaplan-Meier estimates and their difference (Greenwood, normal limits) stand, beside
    the bounds with every unknown subject counted alive, or dead.

    Parameters
    ----------
    time, event : array_like of shape (n,)
        As for `kaplan_meier`.
    group : array_like of shape (n,), optional
        Label of each subject; default one group called "all".
    at : float
        The horizon, 0 or more, in the unit of `time`.
    groups : sequence, optional
        The labels in the order wanted; with two, the difference is the second minus the first.
    conf_level : float, default 0.95
    difference_method : {'miettinen-nurminen', 'newcombe'}
        Of the binomial difference and of the bounds.
    time_unit : str

    Returns
    -------
    Milestone

    Raises
    ------
    ValueError
        As for `kaplan_meier`.

    References
    ----------
    Klein, Logan, Harhoff and Andersen (2007), Stat Med 26:4505-4519, for the Kaplan-Meier difference
    and for the test on the complementary log-log scale, which keeps its level better in small samples.
    """
    times, happened = checked_times(time, event)
    at, z = checked_horizon(at, "at"), two_sided_z(conf_level)
    times = with_horizon(times, at)
    if group is None:
        if groups is not None:
            raise ValueError("groups must not be given without group")
        parts = [_group(times, happened, at, conf_level, "all")]
    else:
        codes, labels = group_codes(group, time=time, groups=groups)
        parts = [
            _group(times[codes == i], happened[codes == i], at, conf_level, label)
            for i, label in enumerate(labels)
        ]
    if len(parts) != 2:
        return Milestone(
            at=at,
            groups=tuple(parts),
            risk_difference=None,
            survival_difference=None,
            cloglog_difference=None,
            bounds=None,
            time_unit=time_unit,
        )
    first, second = parts

    def binomial(high: Proportion, low: Proportion) -> Estimate:
        return risk_difference(high.x, high.n, low.x, low.n, method=difference_method, conf_level=conf_level)

    complete = first.unknown == second.unknown == 0
    lowest = binomial(second.worst_case, first.best_case)
    return Milestone(
        at=at,
        groups=(first, second),
        risk_difference=lowest if complete else None,
        survival_difference=_difference(first, second, z, conf_level),
        cloglog_difference=_cloglog_difference(first, second, z, conf_level),
        bounds=None if complete else (lowest, binomial(second.best_case, first.worst_case)),
        time_unit=time_unit,
    )


def _group(time: Floats, event: Bools, at: float, conf_level: float, label: str) -> MilestoneGroup:
    n = time.size
    dead = int((event & (time <= at)).sum())
    unknown = int((~event & (time < at)).sum())
    alive = n - dead - unknown
    best, worst = (clopper_pearson(x, n, conf_level=conf_level) for x in (alive + unknown, alive))
    return MilestoneGroup(
        group=label, n=n, alive=alive, dead=dead, unknown=unknown,
        survival=kaplan_meier(time, event, conf_level=conf_level).estimate(at),
        proportion=None if unknown else best, best_case=best, worst_case=worst,
    )  # fmt: skip


def _difference(first: MilestoneGroup, second: MilestoneGroup, z: float, conf_level: float) -> Estimate:
    """Difference of two Kaplan-Meier estimates, Greenwood, normal."""
    value = second.survival.value - first.survival.value
    std_err, reason = hypot(first.survival.std_err, second.survival.std_err), _unknown(first, second)
    no_spread = [g.group for g in (first, second) if not g.survival.std_err > 0]
    if not reason and no_spread:
        # Survival 1 or 0: what R drops or counts as certain.
        reason = f"Greenwood standard error is 0 or undefined in {' and '.join(no_spread)}"
    usable = std_err > 0
    margin = z * std_err if usable else nan
    return Estimate(
        value=value, std_err=std_err, lower=value - margin, upper=value + margin,
        p_value=two_sided_p(value / std_err) if usable else nan, conf_level=conf_level,
        method="Kaplan-Meier difference, Greenwood, normal", reason=reason,
    )  # fmt: skip


def _cloglog_difference(
    first: MilestoneGroup, second: MilestoneGroup, z: float, conf_level: float
) -> Estimate:
    """Difference of log(-log S), with Greenwood's variance by the delta method."""
    method, reason = "Kaplan-Meier difference, Greenwood, complementary log-log", _unknown(first, second)
    if not reason:
        ends = [f"{g.group}: survival is {g.survival.value:g}" for g in (first, second) if _at_an_end(g)]
        reason = f"{'; '.join(ends)}: no complementary log-log" if ends else ""
    if reason:
        return Estimate(value=nan, conf_level=conf_level, method=method, reason=reason)
    (low, low_err), (high, high_err) = (
        (log(-log(s.value)), s.std_err / (s.value * -log(s.value))) for s in (first.survival, second.survival)
    )
    value, std_err = high - low, hypot(low_err, high_err)
    return Estimate(
        value=value, std_err=std_err, lower=value - z * std_err, upper=value + z * std_err,
        p_value=two_sided_p(value / std_err), conf_level=conf_level, method=method,
    )  # fmt: skip


def _unknown(first: MilestoneGroup, second: MilestoneGroup) -> str:
    """Which group has no estimate at the horizon, and why."""
    return "; ".join(f"{g.group}: {g.survival.reason}" for g in (first, second) if isnan(g.survival.value))


def _at_an_end(group: MilestoneGroup) -> bool:
    return group.survival.value in (0, 1)
