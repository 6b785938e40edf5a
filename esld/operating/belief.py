"""What two counts add to belief: the posterior of two chances and of their difference, by quadrature.

Counts are of the good outcome (those alive): the second arm is better where its chance is higher. All integrals are sums over
fixed nodes: no random numbers, the same digits every time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import betainc

from esld.longform import About, Estimate, Shown, estimate_rows, long_frame, row
from esld.operating._joint import METHOD, joint, root
from esld.operating.priors import (
    UNIFORM,
    BetaMixture,
    Floats,
    Ints,
    Linked,
    Nodes,
    Second,
    all_counted,
    binomial_at,
    counted,
    foretold,
    nodes,
    nodes_apart,
)


def chance_better(
    x1: Sequence[int] | Ints,
    n1: int,
    x2: Sequence[int] | Ints,
    n2: int,
    *,
    first: BetaMixture = UNIFORM,
    second: Second = UNIFORM,
    margin: float = 0.0,
) -> Floats:
    """Probability that the second chance exceeds the first by more than a margin, for many tables at once.

    Parameters
    ----------
    x1, x2 : sequence of int, shapes (k,) and (m,)
        Counts of the good outcome that each arm may have.
    n1, n2 : int, 0 or more
        Subjects of each arm; with 0 of 0 it is the prior that is asked.
    first, second
        As for `belief`.
    margin : float in (-1, 1), default 0
        The difference that would matter.

    Returns
    -------
    ndarray of shape (k, m), in [0, 1]

    Raises
    ------
    ValueError
        Counts that are none; a margin outside its range.

    Examples
    --------
    >>> from esld.operating import chance_better
    >>> chance_better([7], 11, [10], 11).round(3).tolist()
    [[0.923]]
    """
    x1, x2 = all_counted(x1, n1), all_counted(x2, n2)
    if not -1 < margin < 1:
        raise ValueError(f"margin must be between -1 and 1, got {margin!r}")
    whole, part = _beyond((x1, n1, x2, n2), first, second, margin)
    if isinstance(second, Linked):  # or the first chance lies about the second one
        other, at_most = _beyond((x2, n2, x1, n1), first, second.turned, -margin)
        whole, part = whole + other.T, part + (other - at_most).T
    return np.clip(part / whole, 0.0, 1.0)


def _beyond(
    table: tuple[Ints, int, Ints, int], first: BetaMixture, second: Second, margin: float
) -> tuple[Floats, Floats]:
    """Probability of the tables, and of them with a second chance that exceeds the first by more than the margin."""
    size = max(first.sharpest + table[1], second.sharpest + table[3])
    whole = _summed(nodes(size=size), *table, first, second)
    at, beyond = nodes_apart(margin, size=size)
    part = _summed(at, *table, first, second, beyond)
    if margin < 0:  # the first chance so low that any second one is better by more than the margin
        part += _summed(nodes(0.0, -margin, size=size), *table, first, second)
    return whole, part


def _summed(
    at: Nodes, x1: Ints, n1: int, x2: Ints, n2: int, first: BetaMixture, second: Second, beyond: Nodes | None = None
) -> Floats:  # fmt: skip
    """Probability of the tables with the first chance among the nodes, and the second one beyond nodes of its own."""
    one = binomial_at(x1, n1, at) * (at.weight * first.density_at(at.x, at.rest))
    w, a, b = (part[:, :, None] for part in second.components(at))
    two = w * foretold(x2, n2, a, b)
    if beyond is not None:
        two = two * betainc(b + (n2 - x2), a + x2, beyond.rest[None, :, None])
    return np.asarray(one @ np.broadcast_to(two.sum(axis=0), (at.x.size, x2.size)))


@dataclass(frozen=True, kw_only=True, eq=False)
class Belief(Shown):
    """The posterior of two chances after x1 of n1 and x2 of n2.

    Attributes
    ----------
    x1, n1, x2, n2 : int
        Counts of the good outcome, and subjects.
    first : BetaMixture
        Prior of the first arm's chance.
    second : BetaMixture or Linked
        Prior of the second arm's.
    margin : float
        The difference that would matter.
    better, beyond : float
        Posterior probability that the second chance is higher, and that it is so by more than the margin.
    worse : float
        That it is lower by more than the margin.
    chances : tuple of Estimate
        Of each arm: posterior mean, standard deviation (as `std_err`) and central credible limits.
    difference : Estimate
        Of the second minus the first, the same.
    """

    x1: int
    n1: int
    x2: int
    n2: int
    first: BetaMixture
    second: Second
    margin: float
    better: float
    beyond: float
    worse: float
    chances: tuple[Estimate, Estimate]
    difference: Estimate

    def densities(
        self, points: int = 200, *, of: Sequence[str] = ("first", "second", "difference")
    ) -> pd.DataFrame:
        """Prior and posterior for a figure.

        Parameters
        ----------
        points : int, default 200
            Of each curve, in the middle of as many equal parts: none at an end or (of an even number) at no difference, where
            a density may be infinite.
        of : sequence of str
            Which of them.

        Returns
        -------
        DataFrame
            ``of`` (first, second, difference), ``state`` (prior, posterior), ``x``, ``density``.
        """
        inside = (np.arange(points) + 0.5) / points
        across = 2 * inside - 1
        parts = []
        for state, table in (("prior", (0, 0, 0, 0)), ("posterior", (self.x1, self.n1, self.x2, self.n2))):
            both = joint(table, self.first, self.second)
            curves = {
                "first": (inside, both.first_density),
                "second": (inside, both.second_density),
                "difference": (across, both.difference_density),
            }
            for name in of:
                x, density = curves[name]
                parts.append(pd.DataFrame({"of": name, "state": state, "x": x, "density": density(x)}))
        return pd.concat(parts, ignore_index=True)

    def to_frame(self, *, groups: tuple[str, str] = ("first", "second")) -> pd.DataFrame:
        """Long form: chance of each arm, difference, chance_better, chance_beyond and chance_worse."""
        about: About = {"n": self.n1 + self.n2, "events": self.x1 + self.x2}
        rows = []
        for group, own, n, x in zip(
            groups, self.chances, (self.n1, self.n2), (self.x1, self.x2), strict=True
        ):
            rows += estimate_rows("chance", own, n=n, events=x, group=group)
        rows += estimate_rows("difference", self.difference, **about)
        about["method"] = METHOD
        for name in ("better", "beyond", "worse"):
            rows.append(row(f"chance_{name}", getattr(self, name), **about))
        return long_frame(rows)


def belief(
    x1: int,
    n1: int,
    x2: int,
    n2: int,
    *,
    first: BetaMixture = UNIFORM,
    second: Second = UNIFORM,
    margin: float = 0.0,
    conf_level: float = 0.95,
) -> Belief:
    """Posterior of two chances and their difference.

    Parameters
    ----------
    x1, n1, x2, n2 : int, 0 <= x <= n
        Counted (the good outcome), and all, of the first and the second arm.
    first : BetaMixture, default uniform
        Prior of the first arm's chance: vague, or from earlier trials.
    second : BetaMixture or Linked, default uniform
        Prior of the second arm's: for itself, or (a sceptic's, an enthusiast's) given the first one.
    margin : float in [0, 1), default 0
        The difference that would matter.
    conf_level : float in (0, 1), default 0.95
        Of the credible limits.

    Returns
    -------
    Belief

    Raises
    ------
    ValueError
        Counts that are none, a margin or level outside its range.

    Notes
    -----
    The betas are conjugate; given the one chance so is the other under a linked prior. What is left is one integral over
    the first chance, by doubly exponential quadrature (to about 1e-10).

    References
    ----------
    Spiegelhalter, Freedman and Parmar (1994), J R Stat Soc A 157:357-416, for sceptical and enthusiastic priors.

    Examples
    --------
    >>> from esld.operating import Linked, belief
    >>> round(belief(7, 11, 10, 11).better, 3), round(belief(7, 11, 10, 11, second=Linked(size=50)).better, 3)
    (0.923, 0.686)
    """
    counted(x1, n1)
    counted(x2, n2)
    if not 0 <= margin < 1:
        raise ValueError(f"margin must be from 0 to below 1, got {margin!r}")
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level must be between 0 and 1, got {conf_level!r}")
    both = joint((x1, n1, x2, n2), first, second)
    own = {"first": first, "second": second}
    better, beyond, over = (
        float(chance_better([x1], n1, [x2], n2, margin=at, **own)[0, 0])  # type: ignore[arg-type]
        for at in (0.0, margin, -margin)
    )
    tail = (1 - conf_level) / 2
    mean, sd = both.difference_moments()
    limits = [
        root(lambda d: float(chance_better([x1], n1, [x2], n2, margin=d, **own)[0, 0]) - q, -1.0, 1.0)  # type: ignore[arg-type]  # noqa: B023
        for q in (1 - tail, tail)
    ]
    return Belief(
        x1=x1, n1=n1, x2=x2, n2=n2, first=first, second=second, margin=margin, better=better, beyond=beyond, worse=1 - over,
        chances=both.chances(tail),
        difference=Estimate(
            value=mean, std_err=sd, lower=limits[0], upper=limits[1], conf_level=conf_level, method=f"{METHOD}, central"
        ),
    )  # fmt: skip
