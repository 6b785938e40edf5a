"""What a randomisation test compares: functions of allocations, and how their values are weighed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import comb, nan
from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from esld.randomisation.designs import Allocations, CompleteRandomisation, Design, Floats

_RESOLUTION = 1e-10  # far above the rounding of sums of a few hundred terms, far below any real difference
_WHOLE = 2**51  # whole numbers below this keep apart in a double, divided by one another too
_DECIMALS = 6


class Statistic(Protocol):
    """What a test compares, as a function of the allocation alone; 0 stands for no difference."""

    @property
    def name(self) -> str:
        """The statistic in words."""

    @property
    def resolution(self) -> float:
        """Values no further apart than this are ties; 0 if equal values are equal to the bit."""

    def __call__(self, allocations: Allocations) -> Floats:
        """Values of shape (m,) for allocations of shape (m, n); NaN where it does not exist."""


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Weight of the allocations on either side of plus and minus the observed size of a statistic.

    Attributes
    ----------
    at_least, more : float
        T >= abs(t), T > abs(t).
    at_most, less : float
        T <= -abs(t), T < -abs(t).
    undefined : float
        T does not exist.
    total : float
        All allocations.
    """

    at_least: float
    more: float
    at_most: float
    less: float
    undefined: float
    total: float

    @classmethod
    def of(cls, values: Floats, observed: float, resolution: float, weights: Floats | None = None) -> Self:
        """Weigh the values of a statistic; without `weights` each counts 1."""

        def weight(chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
            return float(np.count_nonzero(chosen) if weights is None else weights[chosen].sum())

        size = abs(observed)
        return cls(
            at_least=weight(values >= size - resolution),
            more=weight(values > size + resolution),
            at_most=weight(values <= resolution - size),
            less=weight(values < -resolution - size),
            undefined=weight(np.isnan(values)),
            total=float(values.size if weights is None else weights.sum()),
        )

    @classmethod
    def sum(cls, parts: Iterable[Self]) -> Self:
        """Several tallies of one statistic in one."""
        columns = zip(
            *((p.at_least, p.more, p.at_most, p.less, p.undefined, p.total) for p in parts), strict=True
        )
        at_least, more, at_most, less, undefined, total = (float(sum(c)) for c in columns)
        return cls(
            at_least=at_least, more=more, at_most=at_most, less=less, undefined=undefined, total=total
        )  # fmt: skip


@runtime_checkable
class Countable(Statistic, Protocol):
    """A statistic that knows a shorter way than to list every allocation."""

    def tally(self, design: Design, observed: float) -> Tally | None:
        """The tally over the whole reference set, or None where there is no shorter way."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LinearStatistic:
    """Sum of the scores of the second arm, divided by `scale`.

    Attributes
    ----------
    name : str
    scores : ndarray of shape (n,)
        Score of each subject. Whole numbers make ties exact (`resolution` 0): their sums must stay below 2^51.
    scale : float, default 1
        What a score of 1 on the scale of the statistic was multiplied by.
    resolution : float, default 0
        On the scale of the statistic; above 0 if the scores are not whole numbers.
    """

    name: str
    scores: Floats
    scale: float = 1.0
    resolution: float = 0.0

    def __call__(self, allocations: Allocations) -> Floats:
        sums: Floats = np.einsum("mn,n->m", allocations, self.scores)  # no copy of the codes as doubles
        return sums / self.scale

    def tally(self, design: Design, observed: float) -> Tally | None:
        """Meet in the middle: sums of each half of the subjects, sorted, instead of sums of the whole.

        References
        ----------
        van de Wiel (2001), Comput Stat 16:519-538 (split-up algorithm).
        """
        n = self.scores.size
        if not isinstance(design, CompleteRandomisation) or 2 ** ((n + 1) // 2) > design.count:
            return None  # listing the allocations is less work
        ones, size, margin = design.sizes[1], abs(observed) * self.scale, self.resolution * self.scale
        if margin == 0:  # whole numbers: half a step
            size, margin = float(round(size)), 0.5
        bounds = np.array([-size - margin, -size + margin, size - margin, size + margin])
        early, late = _half_sums(self.scores[: n // 2]), _half_sums(self.scores[n // 2 :])
        below = np.zeros(4, dtype=np.int64)  # pairs whose sum is below each bound; none is on it
        for k in range(max(0, ones - len(early) + 1), min(len(late) - 1, ones) + 1):
            below += late[k].searchsorted(np.subtract.outer(bounds, early[ones - k])).sum(axis=1)
        less, at_most, short, upto = below.tolist()
        return Tally(
            at_least=design.count - short, more=design.count - upto, at_most=at_most, less=less,
            undefined=0, total=design.count,
        )  # fmt: skip


def _half_sums(scores: Floats) -> list[Floats]:
    """Sums of every subset of the scores, ascending, by the size of the subset."""
    sums, ones = np.zeros(1), np.zeros(1, dtype=np.int64)
    for score in scores:
        sums, ones = np.concatenate((sums, sums + score)), np.concatenate((ones, ones + 1))
    ordered = sums[np.lexsort((sums, ones))]
    edges = np.cumsum([comb(scores.size, k) for k in range(scores.size)])
    return np.split(ordered, edges)


@dataclass(frozen=True, eq=False, kw_only=True)
class DifferenceInMeans:
    """Mean of the second arm minus that of the first, whatever the sizes; NaN where an arm is empty.

    With k subjects in the second arm and the sum there of the scores S: S / (k (n - k) scale).

    Attributes
    ----------
    scores : ndarray of shape (n,)
        n times each value less the sum of all, times `scale`. Whole numbers make ties exact (`resolution` 0):
        equal fractions of whole numbers are equal as doubles, and different ones differ.
    scale : float
        What a value of 1 was multiplied by.
    name : str
        What is compared.
    """

    name: str
    scores: Floats
    scale: float
    resolution: float

    def __call__(self, allocations: Allocations) -> Floats:
        sums: Floats = np.einsum("mn,n->m", allocations, self.scores)
        second = allocations.sum(axis=1, dtype=np.int64)
        pairs = second * (self.scores.size - second)
        difference = np.full(sums.size, nan)
        np.divide(sums, pairs * self.scale, out=difference, where=pairs > 0)
        return difference

    def tally(self, design: Design, observed: float) -> Tally | None:
        """With fixed arm sizes it is a linear statistic, and has the short way of one."""
        if not isinstance(design, CompleteRandomisation) or not all(design.sizes):
            return None
        pairs = design.sizes[0] * design.sizes[1]
        linear = LinearStatistic(
            name=self.name, scores=self.scores, scale=pairs * self.scale, resolution=self.resolution
        )
        return linear.tally(design, observed)


def difference_in_means(values: ArrayLike) -> DifferenceInMeans:
    """Difference in means of a value, second arm minus first, as a function of the allocation.

    The statistic of a `randomisation_test`.

    Parameters
    ----------
    values : array_like of shape (n,)
        Finite numbers, one for each subject; at least one.

    Returns
    -------
    DifferenceInMeans
        Computed in whole numbers, so that ties are exact, if no value has more than 6 decimals (and the numbers
        are not huge); else differences within 1e-10 of the range of the values are ties.

    Raises
    ------
    ValueError
        `values` is anything else.

    Examples
    --------
    >>> from esld.data.datasets import demo
    >>> from esld.randomisation import CompleteRandomisation, difference_in_means, randomisation_test
    >>> patients = demo().query("week == 0")
    >>> high = patients["arm"].eq("MEDHIGH")
    >>> design = CompleteRandomisation(sizes=(11, 11))
    >>> test = randomisation_test(difference_in_means(patients["albumin_g_l"]), high, design=design)
    >>> round(test.observed, 2), round(test.p_value, 3)
    (1.05, 0.508)
    """
    numbers = _numbers(values, "values")
    return _difference("difference-in-means", numbers)


def risk_difference(event: ArrayLike) -> DifferenceInMeans:
    """Difference in the share of subjects with an event, second arm minus first; ties are exact.

    The statistic of a `randomisation_test`.

    Parameters
    ----------
    event : array_like of shape (n,)
        1 or True with the event (by a horizon that all were followed to), 0 or False without; none missing.

    Returns
    -------
    DifferenceInMeans

    Raises
    ------
    ValueError
        `event` is anything else.

    Examples
    --------
    >>> from esld.data.datasets import demo
    >>> from esld.randomisation import CompleteRandomisation, randomisation_test, risk_difference
    >>> patients = demo().query("week == 0")
    >>> high = patients["arm"].eq("MEDHIGH")
    >>> design = CompleteRandomisation(sizes=(11, 11))
    >>> test = randomisation_test(risk_difference(patients["died"]), high, design=design)
    >>> round(test.observed, 2), round(test.p_value, 3)
    (0.0, 1.0)
    """
    happened = _numbers(event, "event")
    if not np.all((happened == 0) | (happened == 1)):
        raise ValueError(f"event must be 0 or 1, got {np.unique(happened)[:5].tolist()}")
    return _difference("risk-difference", happened)


def rank_sum(values: ArrayLike) -> LinearStatistic:
    """Wilcoxon rank sum of the second arm, less what it is expected to be given the arm sizes.

    Half the difference between wins and losses of the second arm over all pairs; 0 if an arm is empty.

    Parameters
    ----------
    values : array_like of shape (n,)
        Numbers, one for each subject, none missing; infinite ones are ranked. Ties get their midrank.

    Returns
    -------
    LinearStatistic
        Twice the centred midranks, which are whole numbers: ties are exact.

    Raises
    ------
    ValueError
        `values` is anything else.

    References
    ----------
    Wilcoxon (1945), Biometrics Bull 1:80-83.

    Examples
    --------
    >>> from esld.data.datasets import demo
    >>> from esld.randomisation import CompleteRandomisation, randomisation_test, rank_sum
    >>> patients = demo().query("week == 0")
    >>> high = patients["arm"].eq("MEDHIGH")
    >>> design = CompleteRandomisation(sizes=(11, 11))
    >>> test = randomisation_test(rank_sum(patients["albumin_g_l"]), high, design=design)
    >>> round(test.observed, 2), round(test.p_value, 3)
    (11.0, 0.488)
    """
    numbers = _numbers(values, "values", infinite=True)
    _, which, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    twice_midranks = 2 * np.cumsum(counts) - counts + 1
    scores = (twice_midranks - (numbers.size + 1))[which].astype(np.float64)
    return LinearStatistic(name="rank-sum", scores=scores, scale=2.0)


STATISTICS: dict[str, Callable[[ArrayLike], Statistic]] = {
    "difference_in_means": difference_in_means,
    "rank_sum": rank_sum,
    "risk_difference": risk_difference,
}


def _numbers(values: ArrayLike, name: str, *, infinite: bool = False) -> Floats:
    numbers = np.array(values, dtype=np.float64)
    if numbers.ndim != 1 or numbers.size == 0:
        raise ValueError(f"{name} must have shape (n,) with n above 0, got {numbers.shape}")
    if np.any(np.isnan(numbers)) or not (infinite or np.all(np.isfinite(numbers))):
        offenders = np.flatnonzero(np.isnan(numbers) if infinite else ~np.isfinite(numbers))
        raise ValueError(
            f"{name} must be {'numbers, none missing' if infinite else 'finite'}, "
            f"got {numbers[offenders[0]]:g} in row {offenders[0]}"
        )
    return numbers


def _difference(name: str, values: Floats) -> DifferenceInMeans:
    n, spread, largest = values.size, float(np.ptp(values)), float(np.abs(values).max())
    for decimals in range(_DECIMALS + 1):
        scale = 10.0**decimals
        # Fractions with numerators up to a and denominators up to b keep apart in a double if a b < 2^51.
        if max(largest * scale, n**4 / 16 * spread * scale**2) >= _WHOLE:
            break
        whole = np.round(values * scale)
        if np.array_equal(whole / scale, values):
            whole -= whole.min()
            return DifferenceInMeans(name=name, scores=n * whole - whole.sum(), scale=scale, resolution=0.0)
    above = values - values.min()  # what is common to all must not cost digits
    return DifferenceInMeans(
        name=name, scores=n * (above - above.mean()), scale=1.0, resolution=_RESOLUTION * spread
    )
