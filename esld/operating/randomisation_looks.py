"""A randomisation test that is made again and again, exact: its boundaries over every allocation of the sealed design."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, nan, sqrt
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from esld.longform import Row, Shown, long_frame, row
from esld.methods import GIVEN, made_by, reference
from esld.operating._tables import Bools, Floats
from esld.operating._tails import Tail, drawn, listed
from esld.operating.boundaries import Boundaries
from esld.randomisation.designs import Allocations, Design, codes_of
from esld.randomisation.inference import DRAWS, LIMIT, checked_allocation, refuse_degenerate
from esld.randomisation.statistics import Statistic
from esld.survival.permutation import logrank_statistic

Direction = Literal["greater", "less"]
DIRECTIONS = ("greater", "less")


@dataclass(frozen=True, kw_only=True)
class PermutationLooks(Shown):
    """Boundaries on the scale of a statistic, and where a trial stands, at each look so far.

    Attributes
    ----------
    boundaries : Boundaries
        Whose level is spent.
    direction : {'both', 'greater', 'less'}
        Which sides are tested.
    critical, critical_lower : tuple of float
        Value from which on, and down to which, the look rejects; inf and -inf where no allocation does.
    spent, spent_lower : tuple of float
        Probability, over the allocations of the design, of having rejected on that side up to each look.
    std_err : tuple of float
        Monte Carlo standard error of both together; 0 if exact.
    mean, std_dev : tuple of float
        Of the statistic over the allocations: (value - mean) / std_dev is a z.
    observed : tuple of float
        The statistic of the allocation that came about; NaN if it was not given.
    p_upper, p_lower : tuple of float
        One-sided p-values of a trial that ends with this look (stage-wise order: an earlier rejection is more extreme).
        NaN without the allocation, and after the first look that rejects.
    rejected_at : int
        First look, from 1, at which the observed statistic is on or beyond a critical value; 0 if none, or not known.
    reference_set, draws : int
        Allocations of the design, and those drawn; 0 drawn if exact.
    method : str
        As a code.
    """

    boundaries: Boundaries
    direction: str
    critical: tuple[float, ...]
    critical_lower: tuple[float, ...]
    spent: tuple[float, ...]
    spent_lower: tuple[float, ...]
    std_err: tuple[float, ...]
    mean: tuple[float, ...]
    std_dev: tuple[float, ...]
    observed: tuple[float, ...]
    p_upper: tuple[float, ...]
    p_lower: tuple[float, ...]
    rejected_at: int
    reference_set: int
    draws: int
    method: str

    def z(self, values: Sequence[float]) -> tuple[float, ...]:
        """Values of the statistic at each look in standard deviations; NaN where all allocations give the same."""
        each = zip(values, self.mean, self.std_dev, strict=True)
        return tuple((value - mean) / sd if sd > 0 else nan for value, mean, sd in each)

    @property
    def p_doubled(self) -> tuple[float, ...]:
        """Twice the smaller one-sided p-value, at most 1."""
        return tuple(min(2 * min(pair), 1.0) for pair in zip(self.p_upper, self.p_lower, strict=True))

    @property
    def futile(self) -> tuple[bool, ...]:
        """Whether the trial may stop for futility at each look: z towards the side tested (absolute if both) in bounds."""
        toward = (abs(z) if self.direction == "both" else self._sign * z for z in self.z(self.observed))
        return tuple(z <= bound for z, bound in zip(toward, self.boundaries.futility, strict=False))

    def conditional_power(self, *, drift: float = nan, futility: bool = False) -> tuple[float, float]:
        """Chance that a trial that stands as observed at the last look so far will reject on either side later on.

        By large samples, in the boundaries that the level was taken from: no later data are known of which allocations could be
        listed. The z is exact in this: its mean and deviation are those over the allocations of the design.

        Parameters
        ----------
        drift : float, optional
            Expected z at the last look; by default that with which the trial would go on as it went.
        futility : bool, default False
            Whether the trial stops where it may for futility.

        Returns
        -------
        tuple of 2 float
            Upper and lower side.
        """
        t = self.boundaries.information[len(self.observed) - 1]
        own = self._toward / sqrt(t) if isnan(drift) else self._sign * drift
        return self._sides(
            self.boundaries.conditional_power(len(self.observed), self._toward, own, futility=futility)
        )

    def predictive_power(self, *, futility: bool = False) -> tuple[float, float]:
        """`conditional_power` averaged over what is believed of the drift, from a flat prior."""
        return self._sides(
            self.boundaries.predictive_power(len(self.observed), self._toward, futility=futility)
        )

    @property
    def _sign(self) -> int:
        return -1 if self.direction == "less" else 1

    @property
    def _toward(self) -> float:
        """Last z so far, towards the side that is tested."""
        return self._sign * self.z(self.observed)[-1]

    def _sides(self, found: tuple[float, float]) -> tuple[float, float]:
        return found if self._sign == 1 else (found[1], found[0])

    def to_frame(self) -> pd.DataFrame:
        """Long form, each look by its number (`group`): critical values, level spent and allowed, and what was observed."""
        names = ["critical", "critical_lower", "spent", "spent_lower", "std_dev"]
        names += [] if isnan(self.observed[0]) else ["observed", "p_upper", "p_lower"]
        rows: list[Row] = []
        for k in range(len(self.observed)):
            values = {name: getattr(self, name)[k] for name in names}
            values |= {"alpha_allowed": self.boundaries.spent[k]}
            values |= {"spent_std_err": self.std_err[k]} if self.draws else {}
            rows += [
                row(name, value, group=str(k + 1), n=0, events=0, method=self.method)
                for name, value in values.items()
            ]
        return long_frame(rows).assign(n=nan, events=nan)


def permutation_looks(
    statistics: Sequence[Statistic],
    boundaries: Boundaries,
    *,
    design: Design,
    allocation: ArrayLike | None = None,
    direction: Direction = "greater",
    limit: int = LIMIT,
    draws: int = DRAWS,
    seed: str | int = "esld permutation looks",
) -> PermutationLooks:
    """Boundaries for a statistic at each look, such that the design itself crosses them no more often than allowed.

    The data of a look stay as they are and only the arms change. Under the hypothesis that no subject's data (follow-up
    included) depend on the arm, the statistics of all looks have a joint distribution that the design fixes. At each
    look the most extreme allocations that have not been rejected yet are, as many as keep the probability of a
    rejection so far within what the boundaries have spent by then. A boundary uses no later look and no arm.

    Parameters
    ----------
    statistics : sequence of Statistic
        Of the data of each look so far, in order, as functions of the allocation of all subjects of the design; as many
        as the boundaries have looks at most.
    boundaries : Boundaries
        The level spent up to each look. With two sides each has half of it.
    design : Design
        How the subjects come to their arms, those to come included.
    allocation : array_like of shape (m,), optional
        Arms as they came about, in the order of the design: 0 first, 1 second; of all subjects, or of the first m if no
        statistic so far uses the others. Without it there are boundaries only.
    direction : {'greater', 'less'}
        The side that is tested if `boundaries` has one: a large statistic, or a small one.
    limit, draws, seed
        As for `randomisation_test`. If some are drawn, the allocation that came about counts among them as a
        rejection: the level spent is (b + 1) / (m + 1).

    Returns
    -------
    PermutationLooks
        Its boundaries are the same with and without `allocation`.

    Raises
    ------
    ValueError
        No statistic, or more than looks; one that is undefined for an allocation; an allocation that leaves out
        subjects of a statistic, or that begins none of the design (not looked at where some are drawn); as for
        `randomisation_test`.

    References
    ----------
    Lan and DeMets (1983), Biometrika 70:659-663, for the level that is spent; Plamadeala and Rosenberger (2012), Ann
    Statist 40:30-44, for sequential monitoring by the randomisation itself; Jennison and Turnbull (2000), Group
    Sequential Methods, section 8.4, for the stage-wise order.

    Examples
    --------
    >>> from esld.operating import group_sequential, permutation_looks
    >>> from esld.randomisation import CompleteRandomisation, rank_sum
    >>> bounds = group_sequential("pocock", information=[0.5, 1], alpha=0.2)
    >>> looks = [rank_sum([1, 2, 3, 4, 0, 0]), rank_sum([1, 2, 3, 4, 6, 5])]
    >>> design = CompleteRandomisation(sizes=(3, 3))
    >>> found = permutation_looks(looks, bounds, design=design, allocation=[0, 0, 1, 1, 1, 0])
    >>> found.observed, found.critical, found.rejected_at
    ((2.0, 2.5), (3.5, 3.5), 0)
    """
    if not 1 <= len(statistics) <= boundaries.looks:
        raise ValueError(
            f"statistics must be of 1 to {boundaries.looks} looks, as planned, got {len(statistics)}"
        )
    if direction not in DIRECTIONS:
        raise ValueError(f"direction must be one of {list(DIRECTIONS)}, got {direction!r}")
    if limit < 0:
        raise ValueError(f"limit must be 0 or more, got {limit}")
    if draws < 1:
        raise ValueError(f"draws must be 1 or more, got {draws}")
    refuse_degenerate(design)
    exact = not getattr(design, "unlistable", "") and design.count <= limit
    values, weights = listed(statistics, design) if exact else drawn(statistics, design, draws, seed)
    if np.isnan(values).any():
        raise ValueError(
            "statistics must be defined for every allocation, got one that is not: condition the design"
        )
    observed = _observed(statistics, allocation, design, exact)
    both = boundaries.sided == 2
    reserve = 0.0 if exact else 1 / (draws + 1)
    upper = Tail(1.0, both or direction == "greater", reserve)
    lower = Tail(-1.0, both or direction == "less", reserve)
    alive, rejected_at = np.ones(weights.size, dtype=np.bool_), 0
    for k, (statistic, level) in enumerate(zip(statistics, boundaries.spent_a_side, strict=False)):
        seen = nan if rejected_at else float(observed[k])
        crossed = [
            tail.look(values[k], weights, alive, level, statistic.resolution, seen) for tail in (upper, lower)
        ]
        alive &= ~(crossed[0] | crossed[1])
        if not rejected_at and (upper.reached or lower.reached):
            rejected_at = k + 1
    mean = values @ weights / weights.sum()
    spread = ((values - mean[:, None]) ** 2) @ weights / weights.sum()
    total = [min(a + b, 1.0) for a, b in zip(upper.spent, lower.spent, strict=True)]
    draws = 0 if exact else draws
    return PermutationLooks(
        boundaries=boundaries, direction="both" if both else direction,
        critical=tuple(upper.critical), critical_lower=tuple(lower.critical),
        spent=tuple(upper.spent), spent_lower=tuple(lower.spent),
        std_err=tuple(sqrt(p * (1 - p) / draws) if draws else 0.0 for p in total),
        mean=tuple(map(float, mean)), std_dev=tuple(float(sqrt(v)) for v in spread),
        observed=tuple(map(float, observed)), p_upper=tuple(upper.p), p_lower=tuple(lower.p),
        rejected_at=rejected_at, reference_set=design.count, draws=draws,
        method=made_by(
            statistics[-1].name, boundaries.method, reference(design.count, draws), GIVEN, design.conditions
        ),
    )  # fmt: skip


def logrank_looks(
    time: ArrayLike,
    event: ArrayLike,
    boundaries: Boundaries,
    *,
    design: Design,
    allocation: ArrayLike | None = None,
    studentised: bool = False,
    direction: Direction = "greater",
    limit: int = LIMIT,
    draws: int = DRAWS,
    seed: str | int = "esld log-rank looks",
) -> PermutationLooks:
    """Exact group-sequential log-rank test: see `permutation_looks`.

    Parameters
    ----------
    time : array_like of shape (looks, n)
        Follow-up of each subject in one unit, in the order of the design, as it was known at each look so far; NaN before the
        subject was randomised. One row is one look.
    event : array_like of shape (looks, n)
        1 or True where it ended with the event; not looked at where `time` is NaN.
    boundaries, design, allocation, direction, limit, draws, seed
        As for `permutation_looks`. A large statistic has more events in the second arm than expected.
    studentised : bool, default False
        As for `logrank_statistic`. Unstudentised it is the sum, over the second arm, of the pooled log-rank scores
        (event less cumulative hazard).

    Returns
    -------
    PermutationLooks

    Raises
    ------
    ValueError
        Another shape; as for `logrank_statistic` and `permutation_looks`.

    Examples
    --------
    >>> from esld.operating import group_sequential, logrank_looks
    >>> from esld.randomisation import CompleteRandomisation
    >>> bounds = group_sequential("pocock", information=[0.5, 1], alpha=0.2)
    >>> time, event = [[3, 4, 2, 5, 1, 2], [9, 4, 2, 8, 1, 7]], [[0, 1, 1, 0, 1, 0], [0, 1, 1, 0, 1, 1]]
    >>> design = CompleteRandomisation(sizes=(3, 3))
    >>> logrank_looks(time, event, bounds, design=design, allocation=[0, 1, 1, 0, 1, 0]).rejected_at
    1
    """
    times, events = np.asarray(time, dtype=np.float64), np.asarray(event, dtype=np.float64)
    if times.ndim != 2 or times.shape[1] != design.n or times.shape != events.shape:
        raise ValueError(
            f"time and event must have shape (looks, {design.n}) as the design has subjects, "
            f"got {times.shape} and {events.shape}"
        )
    statistics: list[Statistic] = []
    for k, (own, happened) in enumerate(zip(times, events, strict=True), 1):
        there = ~np.isnan(own)
        if not there.any():
            raise ValueError(f"time must have a subject at each look, got none at look {k}")
        statistic = logrank_statistic(own[there], happened[there], studentised=studentised)
        statistics.append(Followed(statistic, there))
    return permutation_looks(
        statistics, boundaries, design=design, allocation=allocation, direction=direction, limit=limit,
        draws=draws, seed=seed,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Followed:
    """A statistic of those subjects of a design who are in the data."""

    statistic: Statistic
    who: Bools

    @property
    def name(self) -> str:
        """As of the statistic."""
        return self.statistic.name

    @property
    def resolution(self) -> float:
        """As of the statistic."""
        return self.statistic.resolution

    def __call__(self, allocations: Allocations) -> Floats:
        return self.statistic(allocations[:, self.who])


def _observed(
    statistics: Sequence[Statistic], allocation: ArrayLike | None, design: Design, exact: bool
) -> Floats:
    """Each statistic of the allocation that came about, which may be known of the first subjects only."""
    if allocation is None:
        return np.full(len(statistics), nan)
    raw = np.asarray(allocation)
    if raw.ndim != 1 or not 0 < raw.size < design.n:
        codes = checked_allocation(allocation, design)
        return np.array([each(codes[np.newaxis])[0] for each in statistics])
    codes, rest = codes_of(raw, raw.size), design.n - raw.size
    ends = [np.append(codes, np.full(rest, arm, dtype=np.uint8))[np.newaxis] for arm in (0, 1)]
    one, other = (np.array([each(end)[0] for each in statistics]) for end in ends)
    if not np.allclose(one, other, rtol=0, atol=1e-9):
        raise ValueError(
            f"allocation must be of every subject whom a statistic uses, got the first {raw.size} of {design.n}"
        )
    if exact and not any(
        (block[:, : raw.size] == codes).all(axis=1).any() for block, _ in design.allocations()
    ):
        raise ValueError(f"allocation must begin one that the design can yield, given {design.conditions}")
    return one
