"""What is assumed of a trial of two arms: plain numbers, before anything is drawn or computed from them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import inf, isfinite
from typing import Literal

Pair = tuple[float, float]

ARMS = ("first", "second")


@dataclass(frozen=True, kw_only=True)
class Score:
    """What is assumed of a score that is measured at visits, such as MELD.

    Attributes
    ----------
    visits : tuple of float
        Days of the visits after the baseline, rising, above 0.
    mean, sd : float
        At baseline, of both arms.
    change : tuple of 2 float
        True mean change to the last visit of each arm, reached in a straight line.
    slope_sd : float, default 0
        How the patients' own changes to the last visit differ (standard deviation).
    error_sd : float
        Of a single measurement, within a patient.
    hazard_ratio : float, default 1
        Of death, for each `sd` by which the true baseline lies above the mean. The chance of being alive that the scenario
        states is then that of a patient at the mean.
    dropout : tuple of 2 float, default (0, 0)
        Chance that a patient at the mean, seen at one visit, is measured at no later one.
    dropout_odds_ratio : float, default 1
        Of that, for each `sd` by which the value measured last lies above the baseline's mean.
    """

    visits: tuple[float, ...]
    mean: float
    sd: float
    change: Pair
    error_sd: float
    slope_sd: float = 0.0
    hazard_ratio: float = 1.0
    dropout: Pair = (0.0, 0.0)
    dropout_odds_ratio: float = 1.0

    def __post_init__(self) -> None:
        if not self.visits or not self.visits[0] > 0 or any(b <= a for a, b in pairwise(self.visits)):
            raise ValueError(f"visits must be days above 0 that rise, got {self.visits!r}")
        for name in ("sd", "error_sd", "hazard_ratio", "dropout_odds_ratio"):
            if not 0 < getattr(self, name) < inf:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)!r}")
        if not 0 <= self.slope_sd < inf:
            raise ValueError(f"slope_sd must be 0 or more, got {self.slope_sd!r}")
        _chances("dropout", self.dropout)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What is assumed of a trial of two arms.

    Attributes
    ----------
    n : tuple of 2 int
        Patients of each arm, at least 1.
    alive : tuple of 2 float in (0, 1]
        True chance of each arm to be alive at `horizon`.
    horizon : float, default 365
        Days from randomisation at which survival is asked.
    shape : float, default 1
        Of the Weibull distribution of the time to death: below 1 most die early, above 1 late; 1 is a constant hazard.
    lost : tuple of 2 float in [0, 1)
        Chance of being lost to follow-up by the horizon, alive, at a constant hazard.
    transplant : tuple of 2 float in [0, 1)
        Chance of a liver transplant by the horizon if nobody died or was lost, at a constant hazard.
    transplant_as : {"censoring", "event"}
        Whether it ends the follow-up or counts as the event (transplant-free survival).
    accrual : float, default 0
        Days over which patients enter, at an even rate and in random order.
    entry : tuple of float, optional
        Days of entry as they were, those of the first arm first, instead of `accrual`.
    duration : float, default inf
        Days from the first possible entry to the analysis: who entered later was followed for less than the horizon.
    score : Score, optional
        A score that is measured beside it.

    Examples
    --------
    >>> import numpy as np
    >>> from esld.operating import Scenario, draw
    >>> planned = Scenario(n=(11, 11), alive=(0.6, 0.9))
    >>> dead = draw(planned, 20_000, np.random.default_rng(1)).counts.dead
    >>> round(float(dead[:, 0].mean()) / 11, 2)
    0.4
    """

    n: tuple[int, int]
    alive: Pair
    horizon: float = 365.0
    shape: float = 1.0
    lost: Pair = (0.0, 0.0)
    transplant: Pair = (0.0, 0.0)
    transplant_as: Literal["censoring", "event"] = "censoring"
    accrual: float = 0.0
    entry: tuple[float, ...] = ()
    duration: float = inf
    score: Score | None = None

    def __post_init__(self) -> None:
        if len(self.n) != 2 or any(int(size) != size or size < 1 for size in self.n):
            raise ValueError(f"n must be two whole numbers of at least 1, got {self.n!r}")
        if len(self.alive) != 2 or not all(0 < share <= 1 for share in self.alive):
            raise ValueError(f"alive must be two chances above 0 and up to 1, got {self.alive!r}")
        _chances("lost", self.lost)
        _chances("transplant", self.transplant)
        for name in ("horizon", "shape", "duration"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)!r}")
        if not (isfinite(self.horizon) and isfinite(self.shape)):
            raise ValueError(f"horizon and shape must be finite, got {self.horizon!r} and {self.shape!r}")
        if not 0 <= self.accrual < inf:
            raise ValueError(f"accrual must be 0 or more days, got {self.accrual!r}")
        if self.transplant_as not in ("censoring", "event"):
            raise ValueError(f"transplant_as must be 'censoring' or 'event', got {self.transplant_as!r}")
        if self.entry and (len(self.entry) != sum(self.n) or min(self.entry) < 0 or self.accrual):
            rule = f"entry must be {sum(self.n)} days of 0 or more, without accrual"
            raise ValueError(f"{rule}, got {len(self.entry)} and accrual {self.accrual:g}")
        if max((*self.entry, self.accrual)) > self.duration:
            raise ValueError(f"duration must not end before the last entry, got {self.duration!r}")

    @property
    def is_null(self) -> bool:
        """Whether the arms differ in nothing that a method could find; follow-up may differ."""
        found = [self.alive, *([self.score.change] if self.score else [])]
        if self.transplant_as == "event":
            found.append(self.transplant)
        return all(first == second for first, second in found)


def _chances(name: str, pair: Pair) -> None:
    if len(pair) != 2 or not all(0 <= share < 1 for share in pair):
        raise ValueError(f"{name} must be two chances of 0 or more and below 1, got {pair!r}")
