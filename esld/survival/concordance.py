"""Harrell's concordance: how often the subject with the higher score has the event first."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan, sqrt
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from esld.longform import Estimate, Shown, estimate_rows, long_frame
from esld.reasons import Reason, Why, because
from esld.survival._data import checked_times, choice, same_rows, two_sided_z

METHOD = "harrell, infinitesimal-jackknife"
ConcordanceLimits = Literal["logit", "plain"]
CONCORDANCE_LIMITS = ("logit", "plain")


@dataclass(frozen=True, kw_only=True)
class Concordance(Estimate, Shown):
    """Share of comparable pairs in the right order, in [0, 1]; a half for equal scores.

    Attributes
    ----------
    concordant, discordant, tied_score : int
        Comparable pairs in the right order, in the wrong one, and with equal scores.
    n, events : int
        Subjects and events.
    """

    concordant: int
    discordant: int
    tied_score: int
    n: int
    events: int

    def to_frame(self) -> pd.DataFrame:
        """Long form: concordance with its standard error."""
        return long_frame(estimate_rows("concordance", self, n=self.n, events=self.events))


def concordance(
    time: ArrayLike,
    event: ArrayLike,
    score: ArrayLike,
    *,
    conf_level: float = 0.95,
    limits: ConcordanceLimits = "logit",
) -> Concordance:
    """Concordance of follow-up with a score, high meaning early: for a Cox model the linear predictor.

    Parameters
    ----------
    time, event : array_like of shape (n,)
        As for `kaplan_meier`.
    score : array_like of shape (n,)
        Finite numbers; NaN is refused.
    conf_level : float in (0, 1), default 0.95
        Level of the limits.
    limits : {'logit', 'plain'}
        Scale on which the limits are symmetric. Plain limits are not cut at 0 and 1.

    Returns
    -------
    Concordance
        NaN with the reason if no pair is comparable. The limits are NaN if the standard error is 0, as it is
        where every pair is in the right order.

    Raises
    ------
    ValueError
        As for `kaplan_meier`; scores that are not finite, or not one for each time; unknown limits.

    Notes
    -----
    A pair is comparable if the shorter time ends in the event; censoring comes after an event of the same
    time; two events at one time are not comparable. The standard error adds up the squared influence of
    each subject, as R survival's ``concordance`` does. Time grows with subjects times events.

    References
    ----------
    Harrell, Lee and Mark (1996), Stat Med 15:361-387. Therneau and Watson (2015), Mayo Clinic technical
    report 85.

    Examples
    --------
    >>> from esld.data.datasets import freireich
    >>> from esld.survival import concordance
    >>> children = freireich()
    >>> found = concordance(children["weeks"], children["relapse"], children["log_wbc"])
    >>> round(found.value, 3), found.concordant, found.discordant
    (0.809, 575, 135)
    """
    times, happened = checked_times(time, event)
    same_rows(time, "time", score, "score")
    scores = np.asarray(score, dtype=np.float64)
    if scores.shape != times.shape or not np.all(np.isfinite(scores)):
        raise ValueError(f"score must be finite and one per row of time, got shape {scores.shape}")
    choice(limits, "limits", CONCORDANCE_LIMITS)
    z = two_sided_z(conf_level)
    right, wrong, tied = (np.zeros(times.size, dtype=np.int64) for _ in range(3))
    for i in np.flatnonzero(happened):
        later = (times > times[i]) | ((times == times[i]) & ~happened)
        for counts, pairs in (
            (right, later & (scores < scores[i])),
            (wrong, later & (scores > scores[i])),
            (tied, later & (scores == scores[i])),
        ):
            counts[i] += pairs.sum()
            counts += pairs
    pairs = right + wrong + tied
    total = int(pairs.sum()) // 2
    value = std_err = nan
    reason: Reason | None = because(Why.NO_COMPARABLE_PAIR)
    if total:
        twice, all_pairs = 2 * right + tied, int(pairs.sum())
        value = float(twice.sum()) / 2 / all_pairs
        # Influence times twice the pairs, in whole numbers: one that is 0 is no rounding away from it.
        influence = twice * all_pairs - int(twice.sum()) * pairs
        std_err = sqrt(float(np.sum((influence / (2 * all_pairs)) ** 2))) / total
        reason = None if std_err > 0 else because(Why.NO_SPREAD)
    lower = upper = nan
    if std_err > 0 and limits == "logit":
        centre, margin = float(logit(value)), z * std_err / (value * (1 - value))
        lower, upper = float(expit(centre - margin)), float(expit(centre + margin))
    elif std_err > 0:
        lower, upper = value - z * std_err, value + z * std_err
    return Concordance(
        value=value, std_err=std_err, lower=lower, upper=upper, conf_level=conf_level,
        method=f"{METHOD}, {limits}", reason=reason, concordant=int(right.sum()) // 2,
        discordant=int(wrong.sum()) // 2, tied_score=int(tied.sum()) // 2, n=times.size,
        events=int(happened.sum()),
    )  # fmt: skip
