"""Properties of a design before it is chosen: imbalance, and how well the next allocation can be guessed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from esld.longform import Estimate, Row, Shown, estimate_rows, long_frame
from esld.methods import GIVEN, made_by, reference
from esld.randomisation.designs import BLOCK, Allocations, Design, Floats
from esld.randomisation.inference import DRAWS, generator
from esld.reasons import Why, because

LIMIT = 2**22  # simple randomisation of 22 subjects

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class DesignProperties(Shown):
    """What a design can be expected to do.

    The imbalance is abs(n1 - n2). Probabilities and expectations are over the allocations of the design; by
    Monte Carlo they have a standard error. The numbers are exact to rounding if all allocations were listed.

    Attributes
    ----------
    sizes : tuple of int
        Imbalances, above 0, that n subjects can end with: 2, 4, ... or 1, 3, ...
    chance : tuple of Estimate
        Probability that the trial ends with an imbalance of at least each of `sizes`, in [0, 1].
    imbalance : Estimate
        Expected imbalance at the end.
    worst_imbalance : Estimate
        Expected value of the largest imbalance on the way.
    largest_imbalance : int
        The largest imbalance on the way that any allocation has; of those drawn, by Monte Carlo.
    predictability : Estimate
        Expected share of right guesses by the convergence strategy of Blackwell and Hodges: the arm with fewer
        subjects so far, a coin at ties; in [0, 1]. 0.5 is a coin.
    predictability_known : Estimate
        The same by who knows the design and guesses the more probable arm given all allocations so far: no
        strategy is better. NaN by Monte Carlo.
    certain : Estimate
        Expected share of allocations that are certain given those before. NaN by Monte Carlo.
    strata : tuple of str
        Labels of the strata asked for; empty if none.
    stratum_imbalance : tuple of Estimate
        Expected imbalance at the end, in each stratum.
    predictability_strata : Estimate or None
        As `predictability`, by who counts within strata; None without strata.
    reference_set : int
        Allocations of the design.
    draws : int
        Allocations drawn; 0 if all were listed.
    conditions : str
        What the design holds fixed.
    n : int
        Subjects.
    """

    sizes: tuple[int, ...]
    chance: tuple[Estimate, ...]
    imbalance: Estimate
    worst_imbalance: Estimate
    largest_imbalance: int
    predictability: Estimate
    predictability_known: Estimate
    certain: Estimate
    strata: tuple[str, ...]
    stratum_imbalance: tuple[Estimate, ...]
    predictability_strata: Estimate | None
    reference_set: int
    draws: int
    conditions: str
    n: int

    def to_frame(self) -> pd.DataFrame:
        """Long form; `group` is the stratum of an imbalance within one."""
        rows: list[Row] = []
        for size, chance in zip(self.sizes, self.chance, strict=True):
            rows += estimate_rows(f"imbalance_{size}_or_more", chance, n=self.n, events=0)
        named = {
            "imbalance": self.imbalance, "worst_imbalance": self.worst_imbalance,
            "largest_imbalance": Estimate(
                value=float(self.largest_imbalance), method=self.imbalance.method,
                reason=because(Why.LARGEST_DRAWN) if self.draws else None,
            ),
            "predictability": self.predictability, "predictability_known": self.predictability_known,
            "certain": self.certain,
        }  # fmt: skip
        if self.predictability_strata is not None:
            named["predictability_strata"] = self.predictability_strata
        for name, estimate in named.items():
            rows += estimate_rows(name, estimate, n=self.n, events=0)
        for label, estimate in zip(self.strata, self.stratum_imbalance, strict=True):
            rows += estimate_rows("stratum_imbalance", estimate, n=self.n, events=0, group=label)
        return long_frame(rows).assign(events=nan)


def design_properties(
    design: Design,
    *,
    strata: ArrayLike | None = None,
    limit: int = LIMIT,
    draws: int = DRAWS,
    seed: str | int = "esld design properties",
) -> DesignProperties:
    """Imbalance and predictability of a design.

    Parameters
    ----------
    design : Design
        Of one subject or more, in order of entry.
    strata : array_like of shape (n,), optional
        Stratum of each subject in order of entry, none missing, for the balance within strata; the design itself
        may know nothing of them.
    limit : int, 0 or more, default 2^22
        Up to this many allocations are all listed; beyond it, or from 63 subjects on, some are drawn.
    draws : int, default 100,000
        How many, 2 or more.
    seed : str or int
        Words, or a number of 0 or more, that fix the draws.

    Returns
    -------
    DesignProperties

    Raises
    ------
    ValueError
        `strata` of another shape or with missing labels; `limit` below 0; `draws` below 2; a negative seed.

    References
    ----------
    Blackwell and Hodges (1957), Ann Math Stat 28:449-460, for the convergence strategy. Rosenberger and Lachin
    (2015), Randomization in Clinical Trials, 2nd ed., chapters 3 to 5.

    Examples
    --------
    >>> from esld.randomisation import PermutedBlocks, design_properties
    >>> found = design_properties(PermutedBlocks(n=12, sizes=(4,)))
    >>> found.largest_imbalance, round(found.predictability.value, 3), round(found.predictability_known.value, 3)
    (2, 0.708, 0.708)
    """
    if limit < 0:
        raise ValueError(f"limit must be 0 or more, got {limit}")
    if draws < 2:
        raise ValueError(f"draws must be 2 or more, got {draws}")
    labels, codes = _strata(strata, design.n)
    listed = design.count <= limit and design.n < 63 and not getattr(design, "unlistable", "")
    draws = 0 if listed else draws
    blocks = _drawn(design, draws, generator(seed)) if draws else design.allocations()
    means, histories = _Means(), list[tuple[Ints, Floats]]()
    ends, largest = np.zeros(design.n + 1), 0
    for rows, weights in blocks:
        final, worst, guesses = _walk(rows)
        measures: dict[str, Floats | Ints] = {
            "imbalance": final, "worst": worst, "guesses": guesses / design.n,
        }  # fmt: skip
        within = np.zeros(len(rows))
        for j in range(len(labels)):
            measures[f"stratum {j}"], _, right = _walk(rows[:, codes == j])
            within += right
        measures["within"] = within / design.n
        means.add(measures, weights)
        ends += np.bincount(final, weights=weights, minlength=design.n + 1)
        largest = max(largest, int(worst[weights > 0].max(initial=0)))
        if not draws:
            histories.append((_numbers(rows), weights))
    method = made_by(reference(design.count, draws), GIVEN, design.conditions)

    def estimate(name: str) -> Estimate:
        return means.estimate(name, draws=draws, method=method)

    known, certain = (nan, nan) if draws else _known(histories, design.n)
    why = because(Why.NEEDS_ALL_ALLOCATIONS) if draws else None
    sizes = tuple(range(2 - design.n % 2, design.n + 1, 2))
    tails = [float(ends[size:].sum() / ends.sum()) for size in sizes]
    return DesignProperties(
        sizes=sizes,
        chance=tuple(
            Estimate(value=p, std_err=sqrt(p * (1 - p) / draws) if draws else nan, method=method)
            for p in tails
        ),
        imbalance=estimate("imbalance"), worst_imbalance=estimate("worst"), largest_imbalance=largest,
        predictability=estimate("guesses"),
        predictability_known=Estimate(value=known, method=method, reason=why),
        certain=Estimate(value=certain, method=method, reason=why),
        strata=labels, stratum_imbalance=tuple(estimate(f"stratum {j}") for j in range(len(labels))),
        predictability_strata=estimate("within") if labels else None,
        reference_set=design.count, draws=draws, conditions=design.conditions, n=design.n,
    )  # fmt: skip


def compare_designs(
    designs: Mapping[str, Design],
    *,
    strata: ArrayLike | None = None,
    limit: int = LIMIT,
    draws: int = DRAWS,
    seed: str | int = "esld design properties",
) -> pd.DataFrame:
    """The long forms of `design_properties` under one another, with the name of the design in column `design`.

    Parameters
    ----------
    designs : mapping of str to Design
        By the name that they get; one at least.
    strata, limit, draws, seed
        As for `design_properties`.

    Returns
    -------
    DataFrame
        Long form with the column `design` first.

    Raises
    ------
    ValueError
        No designs; as for `design_properties`.

    Examples
    --------
    >>> from esld.randomisation import BigStick, PermutedBlocks, compare_designs
    >>> designs = {"blocks": PermutedBlocks(n=12, sizes=(4,)), "big stick": BigStick(n=12, limit=2)}
    >>> found = compare_designs(designs).query("statistic == 'predictability'")
    >>> found[["design", "value"]].round(3).to_numpy().tolist()
    [['blocks', 0.708], ['big stick', 0.604]]
    """
    if not designs:
        raise ValueError("designs must hold at least one, got none")
    frames = []
    for name, design in designs.items():
        found = design_properties(design, strata=strata, limit=limit, draws=draws, seed=seed).to_frame()
        found.insert(0, "design", name)
        frames.append(found)
    return pd.concat(frames, ignore_index=True)


def correct_guesses(allocation: ArrayLike, *, strata: ArrayLike | None = None) -> float:
    """How many of the allocations that came about the convergence strategy guesses: right ones, half at ties.

    Parameters
    ----------
    allocation : array_like of shape (n,)
        0 first arm, 1 second, in order of entry.
    strata : array_like of shape (n,), optional
        For a guesser who counts within strata.

    Returns
    -------
    float
        In [0, n]; n / 2 is what coins get.

    Raises
    ------
    ValueError
        `allocation` is anything else; `strata` of another shape or with missing labels.

    References
    ----------
    Blackwell and Hodges (1957), Ann Math Stat 28:449-460, for the convergence strategy.

    Examples
    --------
    >>> from esld.randomisation import correct_guesses
    >>> correct_guesses([0, 1, 1, 0, 1, 0])
    4.5
    """
    raw = np.asarray(allocation)
    if raw.ndim != 1 or not np.all((raw == 0) | (raw == 1)):
        raise ValueError(f"allocation must be a row of 0 and 1, got {allocation!r}")
    rows = raw.astype(np.uint8)[np.newaxis]
    labels, codes = _strata(strata, raw.size)
    if not labels:
        return float(_walk(rows)[2][0])
    return float(sum(_walk(rows[:, codes == j])[2][0] for j in range(len(labels))))


class _Means:
    """Weighted means of several measures, block by block, with their spread."""

    def __init__(self) -> None:
        self.total = 0.0
        self.sums: dict[str, tuple[float, float]] = {}

    def add(self, measures: Mapping[str, Floats | Ints], weights: Floats) -> None:
        self.total += float(weights.sum())
        for name, values in measures.items():
            first, second = self.sums.get(name, (0.0, 0.0))
            self.sums[name] = first + float(values @ weights), second + float(values**2 @ weights)

    def estimate(self, name: str, *, draws: int, method: str) -> Estimate:
        first, second = (part / self.total for part in self.sums[name])
        std_err = sqrt(max(second - first**2, 0.0) / (draws - 1)) if draws else nan
        return Estimate(value=first, std_err=std_err, method=method)


def _drawn(design: Design, draws: int, rng: np.random.Generator) -> Iterable[tuple[Allocations, Floats]]:
    size = max(1, BLOCK // design.n)
    for done in range(0, draws, size):
        rows = design.draw(rng, min(size, draws - done))
        yield rows, np.ones(len(rows))


def _strata(strata: ArrayLike | None, n: int) -> tuple[tuple[str, ...], Ints]:
    """Labels in sorted order, and the code of each subject."""
    if strata is None:
        return (), np.zeros(n, dtype=np.int64)
    given = np.asarray(strata)
    if given.shape != (n,):
        raise ValueError(f"strata must have shape ({n},), got {given.shape}")
    if np.any(pd.isna(given)):
        raise ValueError(
            f"strata must have no missing labels, got one in row {int(np.argmax(pd.isna(given)))}"
        )
    labels, codes = np.unique(given, return_inverse=True)
    return tuple(str(label) for label in labels), codes.astype(np.int64)


def _walk(rows: Allocations) -> tuple[Ints, Ints, Floats]:
    """Of each allocation: imbalance at the end, the largest on the way, and right guesses by convergence."""
    ahead = np.zeros(len(rows), dtype=np.int64)  # second arm less first, so far
    worst, twice_right = ahead.copy(), ahead.copy()
    for column in rows.T:
        step = 2 * column.astype(np.int64) - 1
        twice_right += 1 - np.sign(ahead) * step  # towards the arm with fewer is right
        ahead += step
        np.maximum(worst, np.abs(ahead), out=worst)
    return np.abs(ahead), worst, twice_right / 2


def _numbers(rows: Allocations) -> Ints:
    """Allocations as binary numbers, the first subject in the highest place."""
    numbers = np.zeros(len(rows), dtype=np.int64)
    for column in rows.T:
        numbers <<= 1
        numbers |= column
    return numbers


def _known(histories: list[tuple[Ints, Floats]], n: int) -> tuple[float, float]:
    """Expected share of right guesses by who knows the design, and of allocations that are certain."""
    numbers, weights = (np.concatenate(parts) for parts in zip(*histories, strict=True))
    order = np.argsort(numbers, kind="stable")
    numbers, weights = numbers[order], weights[order] / weights.sum()
    right = certain = 0.0
    for _ in range(n):  # from the last subject to the first: allocations with the same past are neighbours
        past, second = numbers >> 1, (numbers & 1).astype(np.float64)
        start = np.flatnonzero(np.diff(past, prepend=-1))
        both = np.add.reduceat(weights, start)
        ones = np.add.reduceat(weights * second, start)
        likelier = np.maximum(ones, both - ones)
        right += float(likelier.sum())
        certain += float(both[likelier >= both * (1 - 1e-12)].sum())
        numbers, weights = past[start], both
    return right / n, certain / n
