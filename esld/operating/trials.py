"""Trials that did not happen: what is assumed of two arms, and many trials drawn from it at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import inf, log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from esld.scenario import Pair, Scenario, Score

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

_FINE = 2.0**50  # steps into which the follow-up is cut before times are sorted


class Counts(NamedTuple):
    """At the horizon, of each trial and arm: shape (m, 2). The rest are known to be alive."""

    dead: Ints
    unknown: Ints


class Sweep(NamedTuple):
    """What one passage over the sorted times of each trial gives.

    Attributes
    ----------
    score, variance : ndarray of shape (m,)
        Of the log-rank test: observed minus expected events of the second arm, and the hypergeometric variance.
    survival, greenwood : ndarray of shape (m, 2)
        Kaplan-Meier estimate at the horizon and the sum of d / (n (n - d)) up to it.
    area, area_variance : ndarray of shape (m, 2)
        Restricted mean survival time to the horizon and its Greenwood variance.

    The last four are NaN of an arm that is not followed to the horizon.
    """

    score: Floats
    variance: Floats
    survival: Floats
    greenwood: Floats
    area: Floats
    area_variance: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class Trials:
    """Many trials of one scenario.

    Attributes
    ----------
    scenario : Scenario
    time : ndarray of shape (m, n)
        Days from randomisation to the event or to the end of follow-up, those of the first arm first.
    event : ndarray of bool, shape (m, n)
    scores : ndarray of shape (m, n, visits + 1), optional
        The score at baseline and at each visit; NaN where it was not measured.
    """

    scenario: Scenario
    time: Floats
    event: Bools
    scores: Floats | None = field(default=None, repr=False)

    @property
    def arm(self) -> Ints:
        """0 for the first and 1 for the second arm, shape (n,)."""
        return np.repeat([0, 1], self.scenario.n)

    def __len__(self) -> int:
        return int(self.time.shape[0])

    def __getitem__(self, some: slice) -> Trials:
        scores = None if self.scores is None else self.scores[some]
        return Trials(scenario=self.scenario, time=self.time[some], event=self.event[some], scores=scores)

    @cached_property
    def counts(self) -> Counts:
        """Who had died by the horizon and of whom it is not known."""
        over = self.time <= self.scenario.horizon
        first = self.scenario.n[0]
        dead, gone = over & self.event, (self.time < self.scenario.horizon) & ~self.event
        return Counts(
            *(np.stack((own[:, :first].sum(1), own[:, first:].sum(1)), axis=1) for own in (dead, gone))
        )

    @cached_property
    def sweep(self) -> Sweep:
        """Log-rank statistic and restricted means, of all trials at once."""
        return _swept(self.time, self.event, self.scenario.n, self.scenario.horizon)


def joined(parts: Sequence[Trials]) -> Trials:
    """Trials of one scenario, one part after the other."""
    if len(parts) == 1:
        return parts[0]
    scores = [part.scores for part in parts if part.scores is not None]
    return Trials(
        scenario=parts[0].scenario,
        time=np.concatenate([part.time for part in parts]),
        event=np.concatenate([part.event for part in parts]),
        scores=np.concatenate(scores) if scores else None,
    )


def draw(scenario: Scenario, trials: int, rng: np.random.Generator) -> Trials:
    """Draw trials of a scenario.

    Parameters
    ----------
    scenario : Scenario
    trials : int, 1 or more
        How many.
    rng : numpy.random.Generator
        Where chance comes from.

    Returns
    -------
    Trials
        Times to death are Weibull, those to loss and to transplant exponential; follow-up ends at the horizon, or at the
        analysis where that comes first.

    Raises
    ------
    ValueError
        Fewer trials than 1.

    Examples
    --------
    >>> import numpy as np
    >>> from esld.operating import Scenario, draw
    >>> planned = Scenario(n=(11, 11), alive=(0.6, 0.9))
    >>> trials = draw(planned, 3, np.random.default_rng(1))
    >>> trials.time.shape, trials.event.sum(axis=1).tolist()
    ((3, 22), [5, 6, 6])
    """
    if trials < 1:
        raise ValueError(f"trials must be at least 1, got {trials!r}")
    n, own = sum(scenario.n), scenario
    shape = (trials, n)
    score = own.score
    level = rng.standard_normal(shape) if score else np.zeros(1)

    def waiting(chances: Pair) -> Floats:
        """Days to what happens by the horizon with these chances, where its hazard is constant."""
        hazard = np.repeat([abs(np.log1p(-share)) / own.horizon for share in chances], own.n)  # of 0 not -0
        with np.errstate(divide="ignore"):
            return np.asarray(rng.standard_exponential(shape) / hazard)

    risk = np.repeat([abs(log(share)) for share in own.alive], own.n)
    with np.errstate(divide="ignore"):
        death = rng.standard_exponential(shape) / risk
        if score and score.hazard_ratio != 1:
            death *= score.hazard_ratio**-level
        if own.shape != 1:
            death = death ** (1 / own.shape)
    death *= own.horizon
    if any(own.transplant):
        graft = waiting(own.transplant)
        end = graft if own.transplant_as == "censoring" else np.full(shape, inf)
        death = death if own.transplant_as == "censoring" else np.minimum(death, graft)
    else:
        end = np.full(shape, inf)
    if any(own.lost):
        end = np.minimum(end, waiting(own.lost))
    if own.duration < inf:
        entered = np.array(own.entry) if own.entry else rng.random(shape) * own.accrual
        end = np.minimum(end, own.duration - entered)
    np.minimum(end, own.horizon, out=end)
    event = death <= end
    time = np.minimum(death, end)
    scores = None if score is None else _measured(scenario, score, level, time, event, rng)
    return Trials(scenario=scenario, time=time, event=event, scores=scores)


def _measured(
    scenario: Scenario, score: Score, level: Floats, time: Floats, event: Bools, rng: np.random.Generator
) -> Floats:
    """The score at baseline and at each visit: a straight line a patient and independent errors; NaN after follow-up."""
    day = np.array([0.0, *score.visits])
    part = day / day[-1]
    change = np.repeat(score.change, scenario.n) + score.slope_sd * rng.standard_normal(level.shape)
    values = score.mean + score.sd * level[..., None] + change[..., None] * part
    values += score.error_sd * rng.standard_normal(values.shape)
    there = time[..., None] > day  # at the end of follow-up itself somebody alive is measured
    there |= ~event[..., None] & (time[..., None] >= day)
    if any(score.dropout):
        odds = np.repeat([log(p / (1 - p)) if p else -inf for p in score.dropout], scenario.n)
        high = (values[..., :-1] - score.mean) / score.sd
        chance = 1 / (1 + np.exp(-(odds[:, None] + log(score.dropout_odds_ratio) * high)))
        left = np.logical_or.accumulate(rng.random(chance.shape) < chance, axis=-1)
        there[..., 1:] &= ~left
    return np.where(there, values, np.nan)


def _swept(time: Floats, event: Bools, sizes: tuple[int, int], horizon: float) -> Sweep:
    """One passage over the times in their order; arm and event travel with each time in its last two bits."""
    trials, n = time.shape
    longest = float(max(time.max(), horizon))
    packed = (time * (_FINE / longest)).astype(np.int64) << np.int64(2)
    packed |= event.astype(np.int64) << np.int64(1)
    packed[:, sizes[0] :] |= np.int64(1)
    packed.sort(axis=1)
    ordered = np.ascontiguousarray(packed.T)
    in_second = (ordered & np.int64(1)).astype(np.float64)
    died = (ordered & np.int64(2)).astype(np.float64) / 2
    at = np.minimum((ordered >> np.int64(2)).astype(np.float64) * (longest / _FINE), horizon)

    left = [np.full(trials, float(size)) for size in sizes]  # at risk
    survival = [np.ones(trials), np.ones(trials)]
    score, variance = np.zeros(trials), np.zeros(trials)
    steps: list[tuple[Floats, Floats, Floats, Floats]] = []
    before = np.zeros(trials)
    for j in range(n):
        share = left[1] / (n - j)
        score += died[j] * (in_second[j] - share)
        variance += died[j] * share * (1 - share)
        width = at[j] - before
        before = at[j]
        steps.append((survival[0] * width, survival[1] * width, left[0], left[1]))
        second = died[j] * in_second[j]
        for arm, hit in enumerate((died[j] - second, second)):
            survival[arm] = survival[arm] * (1 - hit / np.maximum(left[arm], 1))
        left = [left[0] - 1 + in_second[j], left[1] - in_second[j]]
    last = horizon - before
    after = [survival[0] * last, survival[1] * last]
    spread = [np.zeros(trials), np.zeros(trials)]
    greenwood = [np.zeros(trials), np.zeros(trials)]
    for j in range(n - 1, -1, -1):
        second = died[j] * in_second[j]
        for arm, hit in enumerate((died[j] - second, second)):
            size = steps[j][2 + arm]
            term = hit / np.maximum(size * (size - 1), 1)
            greenwood[arm] += term
            spread[arm] += term * after[arm] ** 2
            after[arm] = after[arm] + steps[j][arm]
    of_arms = tuple(np.stack(pair, axis=1) for pair in (survival, greenwood, after, spread))
    for arm, part in enumerate((slice(None, sizes[0]), slice(sizes[0], None))):
        short = (time[:, part].max(axis=1) < horizon) & (survival[arm] > 0)
        for own in of_arms:
            own[short, arm] = np.nan
    return Sweep(score, variance, *of_arms)
