"""Randomisation tests of survival: log-rank, with and without studentising, and the difference in RMST."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from esld.methods import made_by, step, stratified
from esld.randomisation.designs import Allocations, CompleteRandomisation, Design
from esld.randomisation.inference import DRAWS, LIMIT, RandomisationTest, randomisation_test
from esld.randomisation.statistics import LinearStatistic, Statistic, Tally
from esld.reasons import Why, because, together
from esld.survival._data import Floats, Ints, checked_horizon, checked_times, group_codes
from esld.survival._scores import event_times, scored
from esld.survival._split import studentised_tally
from esld.survival._weights import WeightName, Weights
from esld.times import with_horizon

_RESOLUTION = 1e-10  # far above the rounding of sums of a few hundred terms, far below any real difference


@dataclass(frozen=True, kw_only=True)
class PermutationTest(RandomisationTest):
    """A randomisation test of survival.

    Attributes
    ----------
    groups : tuple of 2 str
        The arms, in order; a positive statistic has more events (log-rank) or more time (RMST) in the second.
    events : int
        Events; up to `tau` where there is one.
    tau : float
        Horizon; NaN if none.
    """

    groups: tuple[str, str]
    events: int
    tau: float = nan

    def to_frame(self) -> pd.DataFrame:
        """Long form, with the two groups, the events and the horizon."""
        first, second = self.groups
        return super().to_frame().assign(group=f"{second} - {first}", events=self.events, time=self.tau)


@dataclass(frozen=True, eq=False, kw_only=True)
class StudentisedLogRank:
    """z = U / sqrt(V) with the hypergeometric variance V of each allocation; 0 where V is 0.

    Attributes
    ----------
    score : LinearStatistic
        U.
    order : ndarray of int, shape (n,)
        Subjects by stratum, the latest first.
    start, stop : ndarray of int, shape (k,)
        At each event time, where its stratum and those at risk begin and end in `order`.
    spread : ndarray of shape (k,)
        w^2 d (n - d) / (n^2 (n - 1)).
    """

    name: str
    resolution: float
    score: LinearStatistic
    order: Ints
    start: Ints
    stop: Ints
    spread: Floats

    def __call__(self, allocations: Allocations) -> Floats:
        at_risk = np.zeros(allocations.shape[0], dtype=np.int64)  # in the second arm
        variance = np.zeros(at_risk.size)
        done = 0
        for start, stop, spread in zip(self.start, self.stop, self.spread, strict=True):
            if start >= done:  # another stratum
                at_risk[:], done = 0, start
            for subject in self.order[done:stop]:
                at_risk += allocations[:, subject]
            done = stop
            variance += spread * (at_risk * (stop - start - at_risk))
        z = np.zeros(variance.size)
        return np.divide(self.score(allocations), np.sqrt(variance), out=z, where=variance > 0)

    def tally(self, design: Design, observed: float) -> Tally | None:
        """Through two halves of the subjects: see `studentised_tally`."""
        unstratified, exact = not self.start.any(), self.score.resolution == 0
        if not (isinstance(design, CompleteRandomisation) and unstratified and exact):
            return None
        return studentised_tally(
            self.score.scores[self.order], self.score.scale, self.stop, self.spread,
            design=design, observed=observed, resolution=self.resolution,
        )  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class RMSTDifference:
    """RMST of the second arm minus that of the first; NaN where one has none, or nobody.

    Attributes
    ----------
    at : ndarray of shape (k,)
        Event times before `tau`, ascending.
    gone, died : list of ndarray of int
        Who leaves the risk set since the event time before, and who has the event, at each.
    beyond : ndarray of int
        Who is followed to `tau` or longer.
    """

    name: str
    resolution: float
    at: Floats
    gone: list[Ints]
    died: list[Ints]
    beyond: Ints
    tau: float
    extend: bool

    def __call__(self, allocations: Allocations) -> Floats:
        def of_each_arm(subjects: Ints) -> Ints:
            in_second = allocations.T[subjects].sum(axis=0, dtype=np.int64)
            return np.stack((subjects.size - in_second, in_second))

        at_risk = of_each_arm(np.arange(allocations.shape[1]))
        empty = at_risk == 0
        survival = np.ones(at_risk.shape)
        area = np.full(at_risk.shape, self.at[0] if self.at.size else self.tau)
        for gone, died, width in zip(self.gone, self.died, np.diff(self.at, append=self.tau), strict=True):
            at_risk -= of_each_arm(gone)
            left = at_risk - of_each_arm(died)
            survival *= np.maximum(left, at_risk == 0) / np.maximum(at_risk, 1)  # nobody at risk: it stays
            area += survival * width
        if not self.extend:
            area[(of_each_arm(self.beyond) == 0) & (survival > 0)] = nan
        area[empty] = nan  # nobody's survival cannot be carried forward
        difference: Floats = area[1] - area[0]
        return difference


def logrank_statistic(
    time: ArrayLike,
    event: ArrayLike,
    *,
    studentised: bool,
    weights: WeightName = "fleming-harrington",
    rho: float = 0.0,
    gamma: float = 0.0,
    strata: ArrayLike | None = None,
) -> Statistic:
    """Log-rank statistic of the second arm as a function of the allocation.

    The two forms order the allocations differently and give different exact p-values.

    Parameters
    ----------
    time, event : array_like of shape (n,)
        As for `kaplan_meier`.
    studentised : bool
        False: U, observed minus expected events. True: U / sqrt(V), V the hypergeometric variance in that
        allocation, whose square is the chi-square of `logrank`; 0 where V is 0.
    weights, rho, gamma
        As for `logrank`.
    strata : array_like of shape (n,), optional
        Stratum of each subject; U and V are added over strata.

    Returns
    -------
    Statistic
        U is computed in whole numbers, so that ties are exact, where the least common multiple of its
        denominators is small enough (log-rank: always up to 30 subjects; Gehan: always; Tarone-Ware: never); else
        values within 1e-10 of the largest weight are ties, and for z values within 1e-10.

    Raises
    ------
    ValueError
        As for `logrank`.

    References
    ----------
    Neuhaus (1993), Ann Stat 21:1760-1779, and Heinze, Gnant and Schemper (2003), Biometrics 59:1151-1157, for the
    conditional tests; both statistics for small samples.

    Examples
    --------
    >>> from esld.data.datasets import demo
    >>> from esld.survival import logrank_statistic
    >>> patients = demo().query("week == 0")
    >>> statistic = logrank_statistic(patients["days"], patients["died"], studentised=True)
    >>> statistic(patients["arm"].eq("MEDHIGH").to_numpy()[None, :]).round(3).tolist()
    [0.207]
    """
    times, happened = checked_times(time, event)
    chosen = Weights.checked(weights, rho, gamma)
    stratum = np.zeros(times.size, dtype=np.int64)
    if strata is not None:
        stratum, _ = group_codes(strata, time=time, name="strata")
    order = np.lexsort((-times, stratum))
    start, stop, deaths = event_times(times[order], happened[order], stratum[order])
    scores, scale, weight = scored(happened[order], start, stop, deaths, chosen)
    in_data_order = np.empty(times.size)
    in_data_order[order] = scores
    name = chosen.name
    if (n_strata := int(stratum.max()) + 1) > 1:
        name = made_by(name, stratified(n_strata))
    score = LinearStatistic(
        name=f"{name}, unstudentised", scores=in_data_order, scale=scale or 1.0,
        resolution=0.0 if scale else _RESOLUTION * float(weight.max(initial=0.0)),
    )  # fmt: skip
    if not studentised:
        return score
    d, n = deaths.astype(np.float64), (stop - start).astype(np.float64)
    spread = weight**2 * d * (n - d) / (n**2 * np.maximum(n - 1, 1))
    return StudentisedLogRank(
        name=f"{name}, studentised", resolution=_RESOLUTION, score=score,
        order=order, start=start, stop=stop, spread=spread,
    )  # fmt: skip


def rmst_statistic(time: ArrayLike, event: ArrayLike, *, tau: float, extend: bool = False) -> Statistic:
    """Difference in RMST, second arm minus first, as a function of the allocation.

    Parameters
    ----------
    time, event : array_like of shape (n,)
        As for `kaplan_meier`.
    tau : float
        Horizon, above 0, in the unit of `time`.
    extend : bool, default False
        An arm whose last subject is censored before `tau` has no RMST; some allocations may give such an
        arm even if the observed one does not. True carries its last survival forward, in every allocation.

    Returns
    -------
    Statistic
        Values within 1e-10 `tau` are ties.

    Raises
    ------
    ValueError
        As for `kaplan_meier`; `tau` that is not finite and above 0.

    References
    ----------
    Horiguchi and Uno (2020), Stat Med 39:2655-2670, who compare six ways with allocations that have no RMST.

    Examples
    --------
    >>> from esld.data.datasets import demo
    >>> from esld.survival import rmst_statistic
    >>> patients = demo().query("week == 0")
    >>> statistic = rmst_statistic(patients["days"], patients["died"], tau=200)
    >>> statistic(patients["arm"].eq("MEDHIGH").to_numpy()[None, :]).round(1).tolist()
    [7.5]
    """
    times, happened = checked_times(time, event)
    if checked_horizon(tau, "tau") == 0:
        raise ValueError(f"tau must be above 0, got {tau!r}")
    times = with_horizon(times, tau)
    at = np.unique(times[happened & (times < tau)])
    return RMSTDifference(
        name=made_by(step("rmst-difference", f"{tau:g}"), "carried-forward" if extend else ""),
        resolution=_RESOLUTION * tau, at=at,
        gone=[np.flatnonzero((a <= times) & (times < b)) for a, b in zip((0.0, *at), at, strict=False)],
        died=[np.flatnonzero(happened & (times == t)) for t in at],
        beyond=np.flatnonzero(times >= tau), tau=float(tau), extend=extend,
    )  # fmt: skip


def exact_logrank(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    studentised: bool,
    weights: WeightName = "fleming-harrington",
    rho: float = 0.0,
    gamma: float = 0.0,
    strata: ArrayLike | None = None,
    groups: Sequence[Hashable] | None = None,
    design: Design | None = None,
    limit: int = LIMIT,
    draws: int = DRAWS,
    seed: str | int = "esld exact log-rank",
) -> PermutationTest:
    """Log-rank test of two arms against every allocation of the design.

    Parameters
    ----------
    time, event, studentised, weights, rho, gamma, strata
        As for `logrank_statistic`. The strata belong to the statistic only: the allocations are those of
        `design`.
    group : array_like of shape (n,)
        Label of each subject; exactly two labels, none missing.
    groups : sequence of 2, optional
        The labels, first the one to compare with. Default: sorted.
    design : Design, optional
        How the subjects, in the order of the data, came to their arms. Default: complete randomisation with the
        arm sizes as they are.
    limit, draws, seed
        As for `randomisation_test`.

    Returns
    -------
    PermutationTest
        ``p_lower`` is small if the second arm has fewer events than expected. Without events, or if everybody
        has the event at one time, the p-value is 1 and `reason` says why. An allocation with an empty arm, where
        the design has one, counts as no difference: U and z are 0.

    Raises
    ------
    ValueError
        As for `logrank_statistic` and `randomisation_test`; not two groups.

    Examples
    --------
    >>> from esld.data.datasets import demo
    >>> from esld.survival import exact_logrank
    >>> patients = demo().query("week == 0")
    >>> test = exact_logrank(patients["days"], patients["died"], patients["arm"], studentised=False)
    >>> test.method, test.reference_set, round(test.p_value, 3)
    ('exact', 705432, 0.676)
    """
    statistic = logrank_statistic(
        time, event, studentised=studentised, weights=weights, rho=rho, gamma=gamma, strata=strata
    )
    return _test(
        statistic, time, event, group, groups=groups, design=design, limit=limit, draws=draws, seed=seed
    )


def exact_rmst(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    tau: float,
    extend: bool = False,
    groups: Sequence[Hashable] | None = None,
    design: Design | None = None,
    limit: int = LIMIT,
    draws: int = DRAWS,
    seed: str | int = "esld exact RMST",
    given_defined: bool = False,
) -> PermutationTest:
    """Difference in RMST of two arms against every allocation of the design.

    Parameters
    ----------
    time, event, tau, extend
        As for `rmst_statistic`.
    group, groups, design, limit, draws, seed
        As for `exact_logrank`.
    given_defined : bool, default False
        As for `randomisation_test`: True leaves out allocations that have no RMST difference.

    Returns
    -------
    PermutationTest
        NaN with the reason if an allocation has no RMST difference; ``extend=True`` gives it one, unless an arm
        is empty.

    Raises
    ------
    ValueError
        As for `rmst_statistic` and `randomisation_test`; not two groups.

    Examples
    --------
    >>> from esld.data.datasets import demo
    >>> from esld.survival import exact_rmst
    >>> patients = demo().query("week == 0")
    >>> test = exact_rmst(patients["days"], patients["died"], patients["arm"], tau=200)
    >>> test.method, round(test.observed, 1), round(test.p_value, 3)
    ('exact', 7.5, 1.0)
    """
    statistic = rmst_statistic(time, event, tau=tau, extend=extend)
    return _test(
        statistic, time, event, group, groups=groups, design=design, limit=limit, draws=draws, seed=seed,
        given_defined=given_defined, tau=tau,
    )  # fmt: skip


def _test(
    statistic: Statistic,
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    groups: Sequence[Hashable] | None,
    design: Design | None,
    limit: int,
    draws: int,
    seed: str | int,
    given_defined: bool = False,
    tau: float = nan,
) -> PermutationTest:
    times, happened = checked_times(time, event)
    codes, labels = group_codes(group, time=time, groups=groups)
    if len(labels) != 2:
        raise ValueError(f"group must have two labels, got {list(labels)}")
    if design is None:
        design = CompleteRandomisation(sizes=(int(np.sum(codes == 0)), int(np.sum(codes == 1))))
    found = randomisation_test(
        statistic, codes, design=design, limit=limit, draws=draws, seed=seed, given_defined=given_defined
    )
    events = int(happened.sum() if np.isnan(tau) else (happened & (with_horizon(times, tau) <= tau)).sum())
    why = together((because(Why.NO_EVENTS), found.reason)) if events == 0 and found.reason else found.reason
    return PermutationTest(
        **{**vars(found), "reason": why}, groups=(labels[0], labels[1]), events=events, tau=float(tau)
    )
