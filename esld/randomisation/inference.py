"""Randomisation-based inference: one statistic, compared with what every allocation of a design would give."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import inf, isnan, nan, sqrt

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import betaincinv

from esld.longform import COLUMNS, Shown
from esld.methods import GIVEN, made_by, reference
from esld.randomisation.designs import BLOCK, Allocations, Design
from esld.randomisation.statistics import Countable, Statistic, Tally
from esld.reasons import Reason, Why, because, together

LIMIT = 2_000_000
DRAWS = 100_000
FLOOR = 0.05  # beyond this p_smallest the test could not have rejected at the usual level, whatever the data


@dataclass(frozen=True, kw_only=True)
class RandomisationTest(Shown):
    """Where the observed statistic stands among those of every allocation that the design could have given.

    Every probability but `p_smallest` is NaN, with `reason`, if the statistic is undefined for an allocation
    and the test was not conditioned on its being defined.

    Attributes
    ----------
    statistic : str
        What was compared.
    observed : float
        Its value for the allocation that came about.
    p_value : float
        Two-sided: P(abs(T) >= abs(t)).
    p_lower, p_upper : float
        One-sided: P(T <= t) and P(T >= t).
    p_tie : float
        P(T = t); ``p_lower + p_upper - p_tie`` is 1.
    mid_p, mid_p_lower, mid_p_upper : float
        The same three with half the weight of ties.
    p_smallest : float
        Probability of the observed allocation: whatever the data and the statistic, no exact p-value of this
        trial (mid-p apart) could have been smaller. NaN if the design does not tell.
    std_err : float
        Monte Carlo standard error of `p_value`; 0 if exact.
    method : {'exact', 'monte-carlo'}
    reference_set : int
        Allocations that the design could have given.
    draws : int
        Allocations drawn, and with a defined statistic if that is a condition; 0 if exact.
    conditions : str
        What is held fixed: by the design, and by the test.
    n : int
        Subjects.
    reason : Reason or None
        Why there is no p-value, or why it says nothing; None if neither.
    """

    statistic: str
    observed: float
    p_value: float
    p_lower: float
    p_upper: float
    p_tie: float
    mid_p: float
    mid_p_lower: float
    mid_p_upper: float
    std_err: float
    method: str
    reference_set: int
    draws: int
    conditions: str
    n: int
    reason: Reason | None
    p_smallest: float = nan

    @property
    def p_doubled(self) -> float:
        """Twice the smaller one-sided p-value, at most 1: the other two-sided rule."""
        return min(1.0, 2 * min(self.p_lower, self.p_upper))

    @property
    def caution(self) -> str:
        """That the reference set is too concentrated for any data to give a small p-value; empty if it is not."""
        if not self.p_smallest > FLOOR:
            return ""
        return (
            f"the observed allocation alone has probability {self.p_smallest:.2g}, "
            f"so no data could have given a p-value of {FLOOR:g} or less"
        )

    @property
    def p_limits(self) -> tuple[float, float]:
        """95 % limits (Clopper and Pearson) of the exact p-value that `p_value` estimates by Monte Carlo.

        With b of m draws at least as extreme, the binomial limits of b / m. `p_value` twice if exact.
        """
        if not self.draws or isnan(self.p_value):
            return self.p_value, self.p_value
        m = self.draws
        b = round(self.p_value * (m + 1)) - 1
        lower = float(betaincinv(b, m - b + 1, 0.025)) if b else 0.0
        upper = float(betaincinv(b + 1, m - b, 0.975)) if b < m else 1.0
        return lower, upper

    @property
    def how(self) -> str:
        """Statistic, reference set and conditions, as a method."""
        return made_by(self.statistic, reference(self.reference_set, self.draws), GIVEN, self.conditions)

    def to_frame(self) -> pd.DataFrame:
        """Long form: observed, the p-values, and the size of the reference set (inf beyond any double).

        A Monte Carlo `p_value` has its standard error in a row of its own and its limits beside it.
        """
        rows = {
            "observed": self.observed,
            "p_value": self.p_value,
            "p_value_std_err": self.std_err,
            "p_value_lower": self.p_lower,
            "p_value_upper": self.p_upper,
            "mid_p_value": self.mid_p,
            "mid_p_value_lower": self.mid_p_lower,
            "mid_p_value_upper": self.mid_p_upper,
            "reference_set": float(self.reference_set) if self.reference_set < 2**1023 else inf,
        }
        if not self.draws:
            del rows["p_value_std_err"]
        frame = pd.DataFrame({"statistic": list(rows), "value": list(rows.values())}, columns=list(COLUMNS))
        frame[["group", "unit", "ties"]] = None
        frame = frame.assign(time=nan, lower=nan, upper=nan, method=self.how, n=self.n, events=nan)
        frame["reason"] = pd.Series([self.reason] * len(frame), dtype=object)
        if self.draws:
            frame.loc[frame["statistic"] == "p_value", ["lower", "upper"]] = self.p_limits
        return frame


def randomisation_test(
    statistic: Statistic,
    allocation: ArrayLike,
    *,
    design: Design,
    limit: int = LIMIT,
    draws: int = DRAWS,
    seed: str | int = "esld randomisation test",
    given_defined: bool = False,
) -> RandomisationTest:
    """Compare the observed statistic with what every allocation of the design would have given.

    The data stay as they are and only the arms change, so the p-values need no model; they hold under the
    hypothesis that no subject's data (follow-up included) depend on the arm. Each allocation counts with its
    probability under the design; those of a design need not be equally probable.

    Parameters
    ----------
    statistic : Statistic
        A function of allocations, 0 for no difference.
    allocation : array_like of shape (n,)
        Arms as they came about: 0 first, 1 second, in the order of the data.
    design : Design
        How it came about.
    limit : int, 0 or more, default 2,000,000
        Up to this many allocations are all used (method 'exact'); beyond it some are drawn.
    draws : int, 1 or more, default 100,000
        How many are then drawn. The observed allocation is counted among them: with b of m draws at least
        as extreme the p-value is (b + 1) / (m + 1), which is never 0 and never too small on average.
    seed : str or int
        Words, or a number of 0 or more, that fix the draws.
    given_defined : bool, default False
        What to do with allocations that leave the statistic undefined, such as an empty arm under simple
        randomisation. False: no p-value, with the reason; a design conditioned on the arm sizes that came
        about has no empty arm. True: condition on the statistic being defined, which is a fact of the
        allocation alone under the hypothesis, so the test remains valid.

    Returns
    -------
    RandomisationTest
        With a `caution` if the observed allocation alone has probability above 0.05: the p-value is right, but
        no data could have made it small.

    Raises
    ------
    ValueError
        `allocation` is not one of the design's; the design says of itself (attribute `degenerate`) that its
        reference set is too concentrated for a test, as minimisation without chance is; `limit` below 0;
        `draws` below 1; a negative seed.

    References
    ----------
    Rosenberger and Lachin (2015), Randomization in Clinical Trials, 2nd ed., chapter 6. Phipson and Smyth
    (2010), Stat Appl Genet Mol Biol 9:39, for (b + 1) / (m + 1). Lancaster (1961), J Am Stat Assoc
    56:223-234, for mid-p.

    Examples
    --------
    >>> from esld.data.datasets import demo
    >>> from esld.randomisation import CompleteRandomisation, randomisation_test, rank_sum
    >>> patients = demo().query("week == 0")
    >>> high = patients["arm"].eq("MEDHIGH")
    >>> test = randomisation_test(rank_sum(patients["albumin_g_l"]), high, design=CompleteRandomisation(sizes=(11, 11)))
    >>> test.method, test.reference_set, round(test.p_value, 3)
    ('exact', 705432, 0.488)
    """
    if limit < 0:
        raise ValueError(f"limit must be 0 or more, got {limit}")
    if draws < 1:
        raise ValueError(f"draws must be 1 or more, got {draws}")
    codes = checked_allocation(allocation, design)
    rng = generator(seed)
    observed = float(statistic(codes[np.newaxis])[0])
    exact = not getattr(design, "unlistable", "") and design.count <= limit
    tally = statistic.tally(design, observed) if exact and isinstance(statistic, Countable) else None
    if tally is None:
        tally = Tally.sum(
            _listed(statistic, design, observed) if exact else _drawn(statistic, design, observed, rng, draws)
        )
    conditions, p_smallest = design.conditions, _probability(codes, design)
    draws = 0 if exact else draws
    used = draws - (0 if exact else int(tally.undefined))
    if given_defined and tally.undefined and not isnan(observed) and (exact or used):
        conditions, draws = made_by(conditions, "defined-statistic"), used
        defined = tally.total - tally.undefined
        p_smallest /= defined / tally.total
        tally = replace(tally, total=defined, undefined=0.0)
    return _result(
        tally, statistic=statistic.name, observed=observed, conditions=conditions, n=design.n,
        reference_set=design.count, draws=draws, p_smallest=p_smallest, remedy=_remedy(design),
    )  # fmt: skip


def refuse_degenerate(design: Design) -> None:
    """Refuse a design that says of itself that its reference set is too concentrated for a test."""
    if degenerate := getattr(design, "degenerate", ""):
        raise ValueError(f"design must have a reference set that is not near-degenerate, got {degenerate}")


def checked_allocation(allocation: ArrayLike, design: Design) -> Allocations:
    """The codes of an allocation that the design can yield, if it is one to be compared with others."""
    refuse_degenerate(design)
    raw = np.asarray(allocation)
    if raw.shape != (design.n,):
        raise ValueError(f"allocation must have shape ({design.n},) as the design has, got {raw.shape}")
    if not np.all((raw == 0) | (raw == 1)):
        raise ValueError(f"allocation must be 0 or 1, got {np.unique(raw)[:5].tolist()}")
    codes = raw.astype(np.uint8)
    if not design.admits(codes):
        raise ValueError(
            f"allocation must be one that the design can yield, given {design.conditions}, "
            f"got {design.n - int(codes.sum())} and {int(codes.sum())}"
        )
    return codes


def generator(seed: str | int) -> np.random.Generator:
    """Generator of the draws that the words or the number fix."""
    if isinstance(seed, str):
        seed = int.from_bytes(hashlib.sha256(seed.encode()).digest(), "big")
    if seed < 0:
        raise ValueError(f"seed must be words, or a number of 0 or more, got {seed}")
    return np.random.Generator(np.random.PCG64(seed))


def _probability(codes: Allocations, design: Design) -> float:
    """Of one allocation; NaN if the design does not tell."""
    probability = getattr(design, "probability", None)
    return nan if probability is None else float(probability(codes[np.newaxis])[0])


def _remedy(design: Design) -> Reason | None:
    """What gives a p-value if an arm can be empty."""
    empty = any(design.admits(np.full(design.n, arm, dtype=np.uint8)) for arm in (0, 1))
    return because(Why.AN_ARM_CAN_BE_EMPTY) if empty else None


def undefined(observed: float, share: float) -> Reason:
    """That the statistic is undefined for a share of all allocations, and for the observed one if it is."""
    here = because(Why.UNDEFINED_AS_OBSERVED) if isnan(observed) else None
    return because(Why.UNDEFINED, also=[here] if here else (), share=share)


def _listed(statistic: Statistic, design: Design, observed: float) -> Iterable[Tally]:
    for block, weights in design.allocations():
        yield Tally.of(statistic(block), observed, statistic.resolution, weights)


def _drawn(
    statistic: Statistic, design: Design, observed: float, rng: np.random.Generator, draws: int
) -> Iterable[Tally]:
    yield Tally.of(np.array([observed]), observed, statistic.resolution)
    size = max(1, BLOCK // design.n)
    for done in range(0, draws, size):
        block = design.draw(rng, min(size, draws - done))
        yield Tally.of(statistic(block), observed, statistic.resolution)


def _result(
    tally: Tally,
    *,
    statistic: str,
    observed: float,
    conditions: str,
    n: int,
    reference_set: int,
    draws: int,
    p_smallest: float,
    remedy: Reason | None,
) -> RandomisationTest:
    """Tail weights as probabilities."""
    total, tie, above = tally.total, tally.at_least - tally.more, tally.more
    if observed < 0:
        tie = tally.at_most - tally.less
        above = total - tally.at_most
    above = max(above, 0.0)  # sums of probabilities are exact to rounding only
    below = max(total - tie - above, 0.0)
    further = tally.more + tally.less
    extreme = min(tally.at_least + tally.at_most, total)  # if the observed value is 0, both hold the ties
    reason = None
    if tally.undefined:
        reason = together((undefined(observed, tally.undefined / total), remedy))
        below = tie = above = further = extreme = nan
    elif tie > total * (1 - 1e-12):
        reason = because(Why.SAME_FOR_EVERY_ALLOCATION)
    p_value = extreme / total
    return RandomisationTest(
        statistic=statistic, observed=observed, p_value=p_value,
        p_lower=(below + tie) / total, p_upper=(tie + above) / total, p_tie=tie / total,
        mid_p=(extreme + further) / (2 * total),
        mid_p_lower=(below + tie / 2) / total, mid_p_upper=(above + tie / 2) / total, p_smallest=p_smallest,
        std_err=sqrt(p_value * (1 - p_value) / draws) if draws else 0.0 * p_value,
        method="monte-carlo" if draws else "exact", reference_set=reference_set, draws=draws,
        conditions=conditions, n=n, reason=reason,
    )  # fmt: skip
