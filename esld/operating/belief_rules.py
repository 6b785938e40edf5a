"""A rule of belief and what it does: its type I error and power, what is likely to come, and how sceptical a reader must be."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from esld.longform import About, Shown, long_frame, row
from esld.operating._joint import METHOD, joint, root
from esld.operating.belief import chance_better
from esld.operating.priors import (
    UNIFORM,
    BetaMixture,
    Floats,
    Linked,
    Nodes,
    Second,
    binomial_at,
    counted,
)

Bools = NDArray[np.bool_]
_SIZES = np.geomspace(0.25, 4096, 57)  # of sceptics: a quarter of a power of two apart


@dataclass(frozen=True, kw_only=True, eq=False)
class RuleProperties(Shown):
    """How often a rule "the second arm is better, with probability above the threshold" says so.

    Attributes
    ----------
    n1, n2 : int
    threshold, margin : float
        The rule is: probability that the second chance exceeds the first by more than `margin` is above `threshold`.
    probability : ndarray of shape (n1 + 1, n2 + 1)
        That posterior probability, of each table.
    declared : ndarray of bool, the same shape
        Where the rule says so.
    rates, type_1_error : ndarray of shape (m,)
        First chances, the second being higher by the margin itself, and how often the rule says so.
    worst : float
        The largest of them.
    """

    n1: int
    n2: int
    threshold: float
    margin: float
    probability: Floats
    declared: Bools
    rates: Floats
    type_1_error: Floats

    @property
    def worst(self) -> float:
        """The largest type I error of the grid."""
        return float(self.type_1_error.max())

    def power(self, p1: float, p2: float) -> float:
        """How often the rule says so at these chances: a finite sum over all tables."""
        one, two = _counts(self.n1, np.array([p1])), _counts(self.n2, np.array([p2]))
        return float((one @ self.declared.astype(np.float64) @ two.T)[0, 0])

    def to_frame(self) -> pd.DataFrame:
        """Long form: worst_type_1_error; the curve is in the arrays."""
        about: About = {"n": self.n1 + self.n2, "events": 0, "method": METHOD}
        return long_frame([row("worst_type_1_error", self.worst, **about)])


def rule_properties(
    n1: int,
    n2: int,
    *,
    threshold: float,
    first: BetaMixture = UNIFORM,
    second: Second = UNIFORM,
    margin: float = 0.0,
    points: int = 1001,
) -> RuleProperties:
    """Exact frequentist properties of a Bayesian rule, over all tables.

    Parameters
    ----------
    n1, n2 : int, 0 or more
        Subjects of each arm.
    threshold : float in (0, 1)
        The second arm is called better where its posterior probability to be so is above it.
    first, second, margin
        As for `belief`.
    points : int, 1 or more, default 1001
        Of the grid of the first chance.

    Returns
    -------
    RuleProperties

    Raises
    ------
    ValueError
        A threshold or margin outside its range.

    Examples
    --------
    >>> from esld.operating import rule_properties
    >>> found = rule_properties(11, 11, threshold=0.975)
    >>> round(found.worst, 3), round(found.power(0.4, 0.9), 3)
    (0.026, 0.73)
    """
    _threshold(threshold)
    table = chance_better(range(n1 + 1), n1, range(n2 + 1), n2, first=first, second=second, margin=margin)
    declared = table > threshold
    rates = np.linspace(max(0.0, -margin), min(1.0, 1 - margin), points)
    one, two = _counts(n1, rates), _counts(n2, np.clip(rates + margin, 0, 1))
    error = ((one @ declared.astype(np.float64)) * two).sum(axis=1)
    return RuleProperties(
        n1=n1, n2=n2, threshold=threshold, margin=margin, probability=table, declared=declared, rates=rates,
        type_1_error=np.minimum(error, 1.0),
    )  # fmt: skip


def _counts(n: int, rates: Floats) -> Floats:
    """Binomial probabilities, shape (len(rates), n + 1)."""
    return binomial_at(np.arange(n + 1), n, Nodes(rates, 1 - rates, np.ones(rates.size))).T


def _threshold(threshold: float) -> None:
    if not 0 < threshold < 1:
        raise ValueError(f"threshold must be between 0 and 1, got {threshold!r}")


def predictive_probability(
    x1: int,
    n1: int,
    x2: int,
    n2: int,
    *,
    more: tuple[int, int],
    threshold: float,
    first: BetaMixture = UNIFORM,
    second: Second = UNIFORM,
    margin: float = 0.0,
) -> float:
    """Probability, as things stand, that the rule will call the second arm better once more subjects are known.

    Parameters
    ----------
    x1, n1, x2, n2 : int, 0 <= x <= n
        What is known; 0 of 0 before the trial.
    more : tuple of int
        Subjects of each arm still to come.
    threshold, first, second, margin
        As for `rule_properties`.

    Returns
    -------
    float in [0, 1]
        Exact: a sum over all that may come, each weighted by its posterior predictive probability.

    Raises
    ------
    ValueError
        As for `belief` and `rule_properties`; fewer than 0 to come.

    Examples
    --------
    >>> from esld.operating import predictive_probability
    >>> round(predictive_probability(3, 6, 5, 6, more=(5, 5), threshold=0.95), 3)
    0.459
    """
    _threshold(threshold)
    counted(x1, n1)
    counted(x2, n2)
    if min(more) < 0:
        raise ValueError(f"more must be 0 or more subjects of each arm, got {more!r}")
    coming = joint((x1, n1, x2, n2), first, second).coming(more)
    y1, y2 = x1 + np.arange(more[0] + 1), x2 + np.arange(more[1] + 1)
    table = chance_better(y1, n1 + more[0], y2, n2 + more[1], first=first, second=second, margin=margin)
    return float(coming[table > threshold].sum())


@dataclass(frozen=True, kw_only=True, eq=False)
class TippingPoint(Shown):
    """How sceptical a reader must be for the conclusion to change.

    Attributes
    ----------
    size : float
        Effective sample size of the sceptical prior from which on the probability is no more above the threshold; NaN if it is
        not above it for the mildest sceptic (0.25 subjects), infinite if it still is for the strictest (4,096).
    threshold, margin : float
    sizes, probability : ndarray of shape (m,)
        For a figure: sceptics, and what they believe after the data.
    n, events : int
        Subjects and those counted, both arms.
    """

    size: float
    threshold: float
    margin: float
    sizes: Floats
    probability: Floats
    n: int
    events: int

    def to_frame(self) -> pd.DataFrame:
        """Long form: tipping_size; the curve is in the arrays."""
        about: About = {"n": self.n, "events": self.events, "method": METHOD}
        return long_frame([row("tipping_size", self.size, **about)])


def tipping_point(
    x1: int,
    n1: int,
    x2: int,
    n2: int,
    *,
    threshold: float,
    first: BetaMixture = UNIFORM,
    margin: float = 0.0,
) -> TippingPoint:
    """The strength of the sceptical prior at which the second arm is no longer called better.

    Parameters
    ----------
    x1, n1, x2, n2 : int, 0 <= x <= n
        Counts of the good outcome, and subjects.
    threshold : float in (0, 1)
        What the posterior probability must exceed.
    first : BetaMixture, default uniform
        Prior of the one chance about which the other lies, whatever it is (:class:`Linked`).
    margin : float in [0, 1), default 0
        The difference that would matter.

    Returns
    -------
    TippingPoint

    Raises
    ------
    ValueError
        As for `belief` and `rule_properties`.

    References
    ----------
    Matthews (2001), J Stat Plan Inference 94:43-58, for the critical sceptical prior.

    Examples
    --------
    >>> from esld.operating import tipping_point
    >>> round(tipping_point(3, 11, 10, 11, threshold=0.975).size, 1)
    8.2
    """
    _threshold(threshold)

    def probability(size: float) -> float:
        prior = Linked(size=size)
        return float(chance_better([x1], n1, [x2], n2, first=first, second=prior, margin=margin)[0, 0])

    found = np.array([probability(float(size)) for size in _SIZES])
    above = np.flatnonzero(found > threshold)
    if above.size == 0:
        size = nan
    elif above[-1] == _SIZES.size - 1:
        size = inf
    else:  # from the last sceptic who is convinced to the first of those who never are
        left, right = np.log(_SIZES[above[-1]]), np.log(_SIZES[above[-1] + 1])
        size = float(np.exp(root(lambda own: probability(float(np.exp(own))) - threshold, left, right)))
    return TippingPoint(
        size=size,
        threshold=threshold,
        margin=margin,
        sizes=_SIZES,
        probability=found,
        n=n1 + n2,
        events=x1 + x2,
    )
