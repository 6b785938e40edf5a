"""Worst-rank comparison: the dead below the transplanted below survivors, who are ranked by a value."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import nan
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from esld.longform import About, Estimate, Row, Shown, estimate_rows, long_frame, row
from esld.longitudinal._covariance import Floats, Ints
from esld.longitudinal._pairs import (
    Bools,
    Pairs,
    check_level,
    checked_times,
    column,
    exact_rows,
    exact_test,
    order_codes,
    score_test,
    second_arm,
)
from esld.randomisation.inference import DRAWS, LIMIT, RandomisationTest
from esld.reasons import Why, because

Missing = Literal["exclude", "worst_alive"]
MISSING_RULES: dict[Missing, str] = {
    "exclude": "without-value-not-ranked",
    "worst_alive": "without-value-last-alive",
}
"""What becomes of a survivor without a value, by the name of the rule."""

METHOD = "mann-whitney, u-statistic, logit"
WILCOXON = "wilcoxon, worst-ranks, normal"
EXACT = "wilcoxon, worst-ranks"


@dataclass(frozen=True, kw_only=True)
class WorstRankArm:
    """Counts of one arm; the last four add up to `subjects`.

    Attributes
    ----------
    group : str
    subjects, died, transplanted, with_value, missing : int
        All; dead; transplanted and not dead; neither, with a value; neither, without one.
    median_rank : float
        Median of the ranks of both arms together, high being good; NaN if nobody is ranked.
    """

    group: str
    subjects: int
    died: int
    transplanted: int
    with_value: int
    missing: int
    median_rank: float


@dataclass(frozen=True, eq=False, kw_only=True)
class WorstRank(Shown):
    """The second arm against the first by worst ranks.

    Attributes
    ----------
    arms : tuple of 2 WorstRankArm
    rank : ndarray of shape (n,)
        Midrank of each subject among those ranked, 1 the worst; NaN if not ranked.
    probability : Estimate
        P(second better) + P(tie) / 2 of two subjects, one of each arm; a half for no difference.
    wilcoxon : Estimate
        Twice the centred rank sum of the second arm, which is pairs won minus pairs lost, with its standard error over
        all allocations (ties included) and the p-value of their normal approximation, without continuity correction.
    exact : RandomisationTest
        The same sum against every allocation of those ranked.
    missing : str
        The rule for survivors without a value.
    """

    arms: tuple[WorstRankArm, WorstRankArm]
    rank: Floats
    probability: Estimate
    wilcoxon: Estimate
    exact: RandomisationTest
    missing: Missing

    def to_frame(self) -> pd.DataFrame:
        """Long form: the counts of each arm and its median rank; the probability; the two tests.

        `n` counts those ranked (of the counts of subjects: all), `events` the dead and transplanted.
        """
        rows: list[Row] = []
        for arm in self.arms:
            ranked = arm.subjects - (arm.missing if self.missing == "exclude" else 0)
            own: About = {"group": arm.group, "n": arm.subjects, "events": arm.died + arm.transplanted}
            own["method"] = MISSING_RULES[self.missing]
            for name in ("subjects", "died", "transplanted", "with_value", "missing"):
                rows.append(row(name, getattr(arm, name), **own))
            own["n"], own["reason"] = ranked, None if ranked else because(Why.NOBODY_COUNTED)
            rows.append(row("median_rank", arm.median_rank, **own))
        first, second = self.arms
        about: About = {
            "group": f"{second.group} - {first.group}",
            "n": int(np.count_nonzero(~np.isnan(self.rank))),
            "events": sum(arm.died + arm.transplanted for arm in self.arms),
        }
        rows += estimate_rows("win_probability", self.probability, **about)
        rows += estimate_rows("wilcoxon", self.wilcoxon, **about)
        return long_frame([*rows, *exact_rows(self.exact, about)])


def worst_rank(
    value: ArrayLike,
    group: ArrayLike,
    *,
    better: Literal["higher", "lower"],
    death_time: ArrayLike | None = None,
    transplant_time: ArrayLike | None = None,
    missing: Missing = "exclude",
    groups: Sequence[Hashable] | None = None,
    conf_level: float = 0.95,
    limit: int = LIMIT,
    draws: int = DRAWS,
    seed: str | int = "esld worst rank",
) -> WorstRank:
    """Rank everybody, the dead lowest, and compare the arms by Wilcoxon's test.

    From the bottom: the dead, the earlier the lower; the transplanted who are not dead, the earlier the lower; then
    survivors by `value`. Who is dead or transplanted is ranked by that, with a value or not. The same day, and the same
    value, are ties.

    Parameters
    ----------
    value : array_like of shape (n,)
        Finite numbers in one unit, of one visit; NaN where missing. Values within 1e-9 of the largest are equal.
    group : array_like of shape (n,)
        Label of each subject; two labels, none missing.
    better : {'higher', 'lower'}
        Which values are good; no default, since a wrong guess would turn the result round.
    death_time, transplant_time : array_like of shape (n,), optional
        Time of death or transplantation, 0 or more, in one unit; NaN where it did not happen. Only what happened by
        the visit belongs here. Default: nobody.
    missing : {'exclude', 'worst_alive'}
        Survivors without a value, for instance censored before the visit. 'exclude': not ranked, right if they are
        missing at random, as Lachin's analysis assumes of what is not missing because of the event. 'worst_alive':
        below every survivor with a value, all tied, above the transplanted.
    groups : sequence of 2, optional
        The labels, first the one to compare with; may name an arm without subjects. Default: the order of the
        categories, else sorted.
    conf_level : float, default 0.95
        Level of the limits, in (0, 1).
    limit, draws, seed
        As for `randomisation_test`.

    Returns
    -------
    WorstRank
        NaN with the reason if an arm has nobody to rank.

    Raises
    ------
    ValueError
        Lengths that differ, values that are not finite numbers, times below 0, not two labels, an unknown rule,
        `conf_level` not between 0 and 1; as for `randomisation_test`.

    Notes
    -----
    With censoring, times of death are compared as if everybody had been followed to the visit; `win_statistics` compares
    over shared follow-up. A shift between the arms (Hodges-Lehmann) has no meaning here, since the ranks of the
    dead are no values.

    References
    ----------
    Lachin (1999), Control Clin Trials 20:408-422.

    Examples
    --------
    >>> from esld.data.datasets import demo_by_week
    >>> from esld.longitudinal import worst_rank
    >>> patients = demo_by_week("albumin_g_l")
    >>> dead = patients["days"].where(patients["died"].eq(1) & patients["days"].le(336))
    >>> found = worst_rank(patients["week_48"], patients["arm"], better="higher", death_time=dead)
    >>> round(found.probability.value, 3), round(found.exact.p_value, 3)
    (0.595, 0.479)
    """
    check_level(conf_level)
    for name, word, allowed in (
        ("better", better, ["higher", "lower"]),
        ("missing", missing, list(MISSING_RULES)),
    ):
        if word not in allowed:
            raise ValueError(f"{name} must be one of {allowed}, got {word!r}")
    second, labels = second_arm(group, groups)
    n = second.size
    values = column(value, "value", missing=True)
    nobody = np.full(n, nan)
    death = nobody if death_time is None else checked_times(death_time, "death_time", missing=True)
    transplant = (
        nobody if transplant_time is None else checked_times(transplant_time, "transplant_time", missing=True)
    )
    for name, array in (("value", values), ("death_time", death), ("transplant_time", transplant)):
        if array.size != n:
            raise ValueError(f"{name} and group must have the same length, got {array.size} and {n}")
    died = ~np.isnan(death)
    transplanted = ~died & ~np.isnan(transplant)
    alive = ~died & ~transplanted
    absent = alive & np.isnan(values)
    strata = [(died, death), (transplanted, transplant)]
    if missing == "worst_alive":
        strata.append((absent, np.zeros(n)))
    strata.append((alive & ~absent, values if better == "higher" else -values))
    ranked = np.any([who for who, _ in strata], axis=0)
    order = _stacked(strata)[ranked]
    own, ascending = second[ranked], np.sort(order)
    below = np.searchsorted(ascending, order, side="left")
    above = order.size - np.searchsorted(ascending, order, side="right")
    scores = below - above  # twice the midrank, less N + 1: a whole number
    rank = nobody.copy()
    rank[ranked] = (scores + order.size + 1) / 2
    arms = [
        WorstRankArm(
            group=label, subjects=int(who.sum()), died=int(np.sum(died & who)),
            transplanted=int(np.sum(transplanted & who)), with_value=int(np.sum(alive & ~absent & who)),
            missing=int(np.sum(absent & who)),
            median_rank=float(np.median(rank[ranked & who])) if np.any(ranked & who) else nan,
        )
        for label, who in zip(labels, (~second, second), strict=True)
    ]  # fmt: skip
    return WorstRank(
        arms=(arms[0], arms[1]), rank=rank,
        probability=_pairs(order, own, labels, conf_level).probability(METHOD),
        wilcoxon=score_test(scores, own, WILCOXON),
        exact=exact_test(EXACT, scores, own, groups=labels, limit=limit, draws=draws, seed=seed),
        missing=missing,
    )  # fmt: skip


def _stacked(strata: Sequence[tuple[Bools, Floats]]) -> Ints:
    """One order for all: that of the strata, and within each that of its numbers; -1 who is in none."""
    codes, base = np.full(strata[0][0].size, -1, dtype=np.int64), 0
    for who, by in strata:
        codes[who] = base + order_codes(by[who])
        base += int(np.count_nonzero(who))
    return codes


def _pairs(order: Ints, second: Bools, groups: tuple[str, str], conf_level: float) -> Pairs:
    """Pairs of each subject with the other arm, through the sorted order of that arm."""
    wins, losses = (np.zeros(order.size, dtype=np.int64) for _ in range(2))
    for own, better, worse in ((second, wins, losses), (~second, losses, wins)):
        other = np.sort(order[~own])
        better[own] = np.searchsorted(other, order[own], side="left")
        worse[own] = other.size - np.searchsorted(other, order[own], side="right")
    return Pairs(wins=wins, losses=losses, second=second, groups=groups, conf_level=conf_level)
