"""Confidence interval of a constant shift: the shifts that a randomisation test does not reject."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf, nan

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from esld.longform import Estimate, Shown, estimate_rows, long_frame
from esld.methods import GIVEN, made_by, reference
from esld.randomisation.designs import BLOCK, Allocations, Design, Floats
from esld.randomisation.inference import DRAWS, LIMIT, checked_allocation, generator, undefined
from esld.randomisation.statistics import DifferenceInMeans, difference_in_means
from esld.reasons import Why, because

Bools = NDArray[np.bool_]

_ROUNDING = 1e-9  # a p-value that is alpha / 2 but for the rounding of its sum is rejected


@dataclass(frozen=True, kw_only=True)
class ShiftInterval(Estimate, Shown):
    """Difference in means with the shifts that the randomisation test does not reject.

    A limit is infinite, with `reason`, if no shift however large is rejected on its side.

    Attributes
    ----------
    reference_set : int
        Allocations that the design could have given.
    draws : int
        Allocations drawn; 0 if all were used.
    conditions : str
        What is held fixed.
    n : int
        Subjects.
    """

    reference_set: int
    draws: int
    conditions: str
    n: int

    def to_frame(self) -> pd.DataFrame:
        """Long form: the difference with its limits, and its p-value."""
        frame = long_frame(estimate_rows("difference_in_means", self, n=self.n, events=0))
        return frame.assign(events=nan)


def shift_interval(
    values: ArrayLike,
    allocation: ArrayLike,
    *,
    design: Design,
    conf_level: float = 0.95,
    limit: int = LIMIT,
    draws: int = DRAWS,
    seed: str | int = "esld shift interval",
    given_defined: bool = False,
) -> ShiftInterval:
    r"""Confidence interval of the shift that the second arm adds to every value, by test inversion.

    Model: the second arm adds the same delta to the value of each subject, whoever that is. A shift is in the
    interval if neither one-sided randomisation p-value of the values with the shift taken out of the second arm,
    by the difference in means, is alpha / 2 or less, where alpha = 1 - `conf_level`.

    Parameters
    ----------
    values : array_like of shape (n,)
        Finite numbers, one for each subject, in any unit.
    allocation : array_like of shape (n,)
        Arms as they came about: 0 first, 1 second.
    design : Design
        How it came about.
    conf_level : float in (0, 1), default 0.95
        Level of the limits.
    limit, draws, seed
        As for `randomisation_test`. With draws the same ones serve every shift and the observed allocation is
        counted among them, so the interval keeps its level.
    given_defined : bool, default False
        True leaves out allocations with an empty arm. False: such an allocation makes everything NaN.

    Returns
    -------
    ShiftInterval
        `value` is the observed difference in means, second arm minus first; `p_value` is twice the smaller
        one-sided p-value of no shift, at most 1, so that the limits exclude 0 exactly if it is alpha or less.
        `std_err` is NaN: the method has none.

    Raises
    ------
    ValueError
        As for `randomisation_test` and `difference_in_means`; values and design differ in n; `conf_level`.

    Notes
    -----
    No search is needed. Write D(x; z) for the difference in means of x under the allocation z, and o for the
    observed one. With a shift delta taken out, the statistic is D(y; z) - delta D(o; z), and D(o; o) = 1. With
    c = D(o; z), which is 1 for z = o only and less for any other z,

    .. math:: D(y; z) - \delta c \ge D(y; o) - \delta \iff
              \delta \ge \delta_z = \frac{D(y; o) - D(y; z)}{1 - c}

    so the upper p-value of delta is P(o) + P(delta_z <= delta), a step function that never falls, and the lower
    one P(o) + P(delta_z >= delta). The limits are the first of the ordered delta_z with an upper p-value
    above alpha / 2, and the last with such a lower one: both belong to the interval.

    References
    ----------
    Pitman (1937), J R Stat Soc Suppl 4:119-130. Garthwaite (1996), Biometrics 52:1387-1393, for intervals
    from randomisation tests. Rosenberger and Lachin (2015), Randomization in Clinical Trials, 2nd ed., chapter 6.

    Examples
    --------
    >>> from esld.data.datasets import demo
    >>> from esld.randomisation import CompleteRandomisation, shift_interval
    >>> patients = demo().query("week == 0")
    >>> high = patients["arm"].eq("MEDHIGH")
    >>> found = shift_interval(patients["albumin_g_l"], high, design=CompleteRandomisation(sizes=(11, 11)))
    >>> round(found.value, 2), round(found.lower, 2), round(found.upper, 2), round(found.p_value, 3)
    (1.05, -2.23, 4.36, 0.508)
    """
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level must be in (0, 1), got {conf_level!r}")
    if limit < 0:
        raise ValueError(f"limit must be 0 or more, got {limit}")
    if draws < 1:
        raise ValueError(f"draws must be 1 or more, got {draws}")
    statistic = difference_in_means(values)
    codes = checked_allocation(allocation, design)
    if statistic.scores.size != design.n:
        raise ValueError(f"values must have shape ({design.n},) as the design has, got {np.shape(values)}")
    observed = float(statistic(codes[np.newaxis])[0])
    draws = 0 if design.count <= limit else draws
    blocks = _drawn(design, codes, draws, generator(seed)) if draws else design.allocations()
    thresholds, weights, own, empty = _thresholds(statistic, codes, observed, blocks)
    total = own + float(weights.sum())
    conditions, reason = design.conditions, None
    if np.isnan(observed) or (empty and not given_defined):
        reason = undefined(observed, empty / (total + empty))
    elif empty:
        conditions = made_by(conditions, "no-empty-arm")
    lower = upper = p_value = nan
    if not reason:
        limits = _limits(thresholds, weights / total, own / total, (1 - conf_level) / 2)
        lower, upper = limits
        p_value = min(1.0, 2 * min(own + float(weights[s].sum()) for s in _sides(thresholds)) / total)
        sides = tuple(side for side, at in zip(("below", "above"), limits, strict=True) if np.isinf(at))
        reason = because(Why.EVERY_SHIFT, sides=sides) if sides else None
    return ShiftInterval(
        value=observed, lower=lower, upper=upper, p_value=p_value, conf_level=conf_level,
        method=made_by("inverted-randomisation-test", reference(design.count, draws), GIVEN, conditions), reason=reason,
        reference_set=design.count, draws=draws, conditions=conditions, n=design.n,
    )  # fmt: skip


def _drawn(
    design: Design, codes: Allocations, draws: int, rng: np.random.Generator
) -> Iterable[tuple[Allocations, Floats]]:
    """The observed allocation and the draws, each with weight 1."""
    yield codes[np.newaxis], np.ones(1)
    size = max(1, BLOCK // design.n)
    for done in range(0, draws, size):
        block = design.draw(rng, min(size, draws - done))
        yield block, np.ones(len(block))


def _thresholds(
    statistic: DifferenceInMeans,
    codes: Allocations,
    observed: float,
    blocks: Iterable[tuple[Allocations, Floats]],
) -> tuple[Floats, Floats, float, float]:
    """Shift from which on each other allocation is at least as extreme, ascending; its weight.

    Then the weight of the observed allocation, and of those with an empty arm.
    """
    overlap = difference_in_means(codes)
    found, weights, own, armless = [], [], 0.0, 0.0
    for block, weight in blocks:
        shared, gap = overlap(block), observed - statistic(block)
        gap[np.abs(gap) <= statistic.resolution] = 0.0
        empty, same = np.isnan(shared), shared == 1  # a fraction of whole numbers: 1 to the bit
        armless += float(weight[empty].sum())
        own += float(weight[same].sum())
        other = ~(empty | same)
        found.append(gap[other] / (1 - shared[other]))
        weights.append(weight[other])
    thresholds, chances = np.concatenate(found), np.concatenate(weights)
    order = np.argsort(thresholds, kind="stable")
    return thresholds[order], chances[order], own, armless


def _sides(thresholds: Floats) -> tuple[Bools, Bools]:
    """Allocations at least as far up, and as far down, as the observed one if there is no shift."""
    return thresholds <= 0, thresholds >= 0


def _limits(thresholds: Floats, chances: Floats, own: float, half: float) -> tuple[float, float]:
    """First and last threshold whose one-sided p-value is above `half`, infinite if that of every shift is."""
    above = half * (1 + _ROUNDING)
    if own > above:
        return -inf, inf
    # Sums up to 1 always pass `above`, bar the rounding of a level close to 1.
    last = thresholds.size - 1
    up = min(int(np.searchsorted(own + np.cumsum(chances), above, side="right")), last)
    down = min(int(np.searchsorted(own + np.cumsum(chances[::-1]), above, side="right")), last)
    return float(thresholds[up]), float(thresholds[last - down])
