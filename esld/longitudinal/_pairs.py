"""Pairs of subjects from two arms: what is made of who wins them, whatever decided them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import exp, inf, log, nan, sqrt

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit, ndtr, ndtri

from esld.longform import About, Estimate, Row
from esld.longitudinal._columns import group_codes, group_labels, numbers
from esld.longitudinal._covariance import Floats, Ints
from esld.methods import step
from esld.randomisation.designs import CompleteRandomisation, Design
from esld.randomisation.inference import RandomisationTest, randomisation_test
from esld.randomisation.statistics import LinearStatistic
from esld.reasons import Reason, Why, because
from esld.times import aligned

Bools = NDArray[np.bool_]

# Differences of printed numbers carry binary noise: two values this near, against the largest, are equal.
NOISE = 1e-9


@dataclass(frozen=True, eq=False, kw_only=True)
class Pairs:
    """Pairs across two arms, counted at each subject.

    Attributes
    ----------
    wins, losses : ndarray of int, shape (n,)
        Pairs of each subject with the other arm that the *second* arm wins and loses.
    second : ndarray of bool, shape (n,)
        Who is in the second arm.
    groups : tuple of 2 str
        The arms.
    conf_level : float
        Level of the limits.
    """

    wins: Ints
    losses: Ints
    second: Bools
    groups: tuple[str, str]
    conf_level: float

    @property
    def n(self) -> tuple[int, int]:
        """Subjects of each arm."""
        return int(np.count_nonzero(~self.second)), int(np.count_nonzero(self.second))

    @property
    def totals(self) -> tuple[int, int, int]:
        """Pairs won and lost by the second arm, and tied."""
        won, lost = int(self.wins[self.second].sum()), int(self.losses[self.second].sum())
        return won, lost, self.n[0] * self.n[1] - won - lost

    @property
    def missing_arm(self) -> Reason | None:
        """Why there are no pairs; None if there are."""
        groups = zip(self.groups, self.n, strict=True)
        return next((because(Why.NO_VALUES, group=label) for label, n in groups if n == 0), None)

    def net_benefit(self, method: str) -> Estimate:
        """(W - L) / (n1 n2); limits through the logarithm of the win odds, of which it is a function."""
        delta, std_err, reason = self._delta()
        lower, upper = self._limits_of_log_odds(delta, std_err)
        return Estimate(
            value=delta, std_err=std_err, lower=2 * lower - 1, upper=2 * upper - 1,
            conf_level=self.conf_level, method=method, reason=reason,
        )  # fmt: skip

    def probability(self, method: str) -> Estimate:
        """P(second better) + P(tie) / 2, which is (1 + net benefit) / 2; limits as there."""
        delta, std_err, reason = self._delta()
        lower, upper = self._limits_of_log_odds(delta, std_err)
        return Estimate(
            value=(1 + delta) / 2, std_err=std_err / 2, lower=lower, upper=upper,
            conf_level=self.conf_level, method=method, reason=reason,
        )  # fmt: skip

    def win_odds(self, method: str) -> Estimate:
        """(W + ties / 2) / (L + ties / 2) = (1 + net benefit) / (1 - net benefit)."""
        delta, std_err, reason = self._delta()
        won, lost, tied = self.totals
        below = 2 * lost + tied
        value = nan if self.missing_arm else (2 * won + tied) / below if below else inf
        lower, upper = self._limits_of_log_odds(delta, std_err)
        return Estimate(
            value=value, std_err=value * 2 * std_err / (1 - delta**2) if std_err > 0 else nan,
            lower=lower / (1 - lower), upper=upper / (1 - upper),
            conf_level=self.conf_level, method=method, reason=reason,
        )  # fmt: skip

    def win_ratio(self, method: str) -> Estimate:
        """W / L, with limits on its logarithm."""
        won, lost, _ = self.totals
        value = won / lost if lost else inf if won else nan
        std_err, reason = nan, self.missing_arm
        if not reason and not won + lost:
            reason = because(Why.EVERY_PAIR, outcome="tied")
        elif not reason and not (won and lost):
            reason = because(Why.NONE_OF, what="losses" if won else "wins")
        elif not reason:
            # Of each subject: wins / W - losses / L, in whole numbers.
            std_err, reason = self._spread(self.wins * lost - self.losses * won, won * lost)
        lower = upper = nan
        if std_err > 0:
            margin = self._z() * std_err
            lower, upper = exp(log(value) - margin), exp(log(value) + margin)
        return Estimate(
            value=value, std_err=value * std_err, lower=lower, upper=upper, conf_level=self.conf_level,
            method=method, reason=reason,
        )  # fmt: skip

    def _z(self) -> float:
        return float(ndtri(0.5 + self.conf_level / 2))

    def _delta(self) -> tuple[float, float, Reason | None]:
        """Net benefit, its standard error, and why that is missing."""
        if self.missing_arm:
            return nan, nan, self.missing_arm
        won, lost, tied = self.totals
        pairs = won + lost + tied
        if pairs in (won, lost, tied):
            what = "tied" if pairs == tied else "won" if pairs == won else "lost"
            return (won - lost) / pairs, nan, because(Why.EVERY_PAIR, outcome=what)
        std_err, reason = self._spread(self.wins - self.losses, pairs)
        return (won - lost) / pairs, std_err, reason

    def _spread(self, at: Ints, scale: int) -> tuple[float, Reason | None]:
        """Standard error of the sum of `at` over either arm, divided by `scale`, and why it is missing.

        With s^2 the variance of `at` in an arm of n: sqrt(n1 s1^2 + n2 s2^2) / scale. Whole numbers make no spread
        an exact 0.
        """
        if min(self.n) < 2:
            return nan, because(Why.ONE_SUBJECT)
        variance = sum(
            n * float(np.var(at[own], ddof=1))
            for n, own in zip(self.n, (~self.second, self.second), strict=True)
        )
        if variance == 0:
            return nan, because(Why.ALL_ALIKE)
        return sqrt(variance) / scale, None

    def _limits_of_log_odds(self, delta: float, std_err: float) -> tuple[float, float]:
        """Limits of the win probability, on the scale of its logit, which is the logarithm of the win odds."""
        if not std_err > 0:
            return nan, nan
        centre, margin = float(logit((1 + delta) / 2)), self._z() * 2 * std_err / (1 - delta**2)
        return float(expit(centre - margin)), float(expit(centre + margin))


def score_test(scores: Ints, second: Bools, method: str) -> Estimate:
    """Sum of the scores of the second arm, with its variance over all allocations, and the normal test.

    The scores sum to 0, so the expectation is 0 and the variance n1 n2 / (N (N - 1)) times their sum of squares.
    """
    n, n2 = second.size, int(np.count_nonzero(second))
    total = float(scores[second].sum())
    variance = n2 * (n - n2) / (n * (n - 1)) * float(np.sum(scores.astype(np.float64) ** 2)) if n > 1 else 0.0
    if variance == 0:
        reason = because(Why.SAME_FOR_EVERY_ALLOCATION)
        return Estimate(value=total if 0 < n2 < n else nan, method=method, reason=reason)
    std_err = sqrt(variance)
    return Estimate(
        value=total, std_err=std_err, p_value=2 * float(ndtr(-abs(total / std_err))), method=method
    )


def exact_test(
    name: str,
    scores: NDArray[np.float64] | Ints,
    second: Bools,
    *,
    groups: tuple[str, str],
    design: Design | None = None,
    scale: float = 1.0,
    resolution: float = 0.0,
    limit: int,
    draws: int,
    seed: str | int,
) -> RandomisationTest:
    """The sum of the scores of the second arm against every allocation; NaN with the reason if an arm is empty."""
    n2 = int(np.count_nonzero(second))
    sizes = (second.size - n2, n2)
    for label, size in zip(groups, sizes, strict=True):
        if size == 0:
            return RandomisationTest(
                statistic=name, observed=nan, p_value=nan, p_lower=nan, p_upper=nan, p_tie=nan, mid_p=nan,
                mid_p_lower=nan, mid_p_upper=nan, std_err=nan, method="exact", reference_set=0, draws=0,
                conditions=step("arm-sizes", *sizes), n=sum(sizes), reason=because(Why.NO_VALUES, group=label),
            )  # fmt: skip
    statistic = LinearStatistic(
        name=name, scores=scores.astype(np.float64), scale=scale, resolution=resolution
    )
    return randomisation_test(
        statistic, second, design=design or CompleteRandomisation(sizes=sizes),
        limit=limit, draws=draws, seed=seed,
    )  # fmt: skip


def exact_rows(test: RandomisationTest, about: About) -> list[Row]:
    """The rows of an exact test, with what the other rows of a result share."""
    rows = [{str(k): v for k, v in found.items()} for found in test.to_frame().to_dict("records")]
    return [{**found, **{str(k): v for k, v in about.items()}} for found in rows]


def column(values: ArrayLike, name: str, *, missing: bool = False) -> Floats:
    """One argument as finite doubles of shape (n,); NaN where missing, if that is allowed."""
    if np.ndim(values) != 1:
        raise ValueError(f"{name} must have one dimension, got shape {np.shape(values)}")
    found = numbers(pd.DataFrame({name: values}), name)
    if not missing and (absent := int(np.count_nonzero(np.isnan(found)))):
        raise ValueError(f"{name} must not be missing, got {absent} missing of {found.size}")
    return found


def checked_times(values: ArrayLike, name: str, *, missing: bool = False) -> Floats:
    """`column` of times, 0 or more; those equal but for rounding are one time (`aligned`)."""
    found = column(values, name, missing=missing)
    if bad := int(np.count_nonzero(found < 0)):
        raise ValueError(
            f"{name} must be 0 or more, got {bad} negative of {found.size}, lowest {np.nanmin(found):g}"
        )
    return aligned(found)[0]


def second_arm(group: ArrayLike, groups: Sequence[Hashable] | None) -> tuple[Bools, tuple[str, str]]:
    """Who is in the second of two arms, and what the two are called."""
    if np.ndim(group) != 1:
        raise ValueError(f"group must have one dimension, got shape {np.shape(group)}")
    frame = pd.DataFrame({"group": group})
    labels = group_labels(frame, "group", groups)
    codes = group_codes(frame, "group", labels)
    if absent := int(np.count_nonzero(codes < 0)):
        raise ValueError(f"group must not be missing, got {absent} missing of {len(frame)}")
    if len(labels) != 2:
        raise ValueError(f"group must have two labels, got {labels}")
    return codes == 1, (str(labels[0]), str(labels[1]))


def check_level(conf_level: float) -> None:
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level must be between 0 and 1, got {conf_level!r}")


def order_codes(values: Floats) -> Ints:
    """Place of each value among the distinct ones, ascending; values within `NOISE` of the next are one. None NaN."""
    order = np.argsort(values, kind="stable")
    apart = np.diff(values[order]) > NOISE * np.max(np.abs(values), initial=0.0)
    codes = np.zeros(values.size, dtype=np.int64)
    codes[order[1:]] = np.cumsum(apart)
    return codes
