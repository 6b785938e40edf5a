"""A trial of two proportions with one to five looks, exact: where it stops, its error at every chance, its power."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import inf, nan
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import betaln

from esld.longform import Row, Shown, long_frame, row
from esld.methods import made_by, step
from esld.operating._tables import Bools, Floats, Look, calibrated, onward, powers
from esld.operating.boundaries import Boundaries
from esld.operating.stopping import Characteristics
from esld.randomisation.designs import whole_number
from esld.survival.two_by_two import checked_counts

POINTS = 1001
MOST = 1000  # subjects: the number of ways to 500 of 1,000 is near the largest double

Side = Literal["upper", "lower"]
SIDES: tuple[Side, ...] = ("upper", "lower")
Prior = tuple[float, float]
Weight = Callable[[int], Floats]  # chance of one way to 0 to so many further events, shape (n + 1, ...)


@dataclass(frozen=True, kw_only=True, eq=False)
class BinaryDesign(Shown):
    """An exact group-sequential design; x1 of n1 against x2 of n2 at each look, made by `binary_design` or `bayesian_design`.

    Attributes
    ----------
    boundaries : Boundaries
        Whose level is spent.
    n1, n2 : tuple of int
        Subjects of each group at each look.
    z : tuple of ndarray of float, shape (n1 + 1, n2 + 1)
        Score z (pooled variance) of p1 - p2 of every table of each look; 0 where all have the same outcome. Of a Bayesian
        rule the normal quantile of the posterior probability that the first proportion is the higher.
    upper, lower, futility : tuple of ndarray of bool, shape (n1 + 1, n2 + 1)
        Tables [x1, x2] of each look with which the first proportion is found higher, found lower (none if one-sided),
        and with which the trial may stop for futility.
    critical, critical_lower : tuple of float
        z from which on, and down to which, a look rejects; inf and -inf where no table does.
    nuisance : ndarray of shape (m,)
        Proportions that both groups may share, evenly from 0 to 1.
    size : ndarray of shape (looks, m)
        Exact probability of a rejection up to each look if both have that proportion, futility not heeded.
    size_bound : tuple of float
        Up to each look; above `size` at every proportion from 0 to 1, between those of the grid too, and not above
        what `boundaries` lets it spend.
    method : str
        As a code.
    """

    boundaries: Boundaries
    n1: tuple[int, ...]
    n2: tuple[int, ...]
    z: tuple[Floats, ...]
    upper: tuple[Bools, ...]
    lower: tuple[Bools, ...]
    futility: tuple[Bools, ...]
    critical: tuple[float, ...]
    critical_lower: tuple[float, ...]
    nuisance: Floats
    size: Floats
    size_bound: tuple[float, ...]
    method: str

    @property
    def looks(self) -> int:
        """How many."""
        return len(self.n1)

    def characteristics(self, p1: ArrayLike, p2: ArrayLike, *, futility: bool = True) -> Characteristics:
        """Power, stopping and expected size at true proportions.

        Parameters
        ----------
        p1, p2 : array_like in [0, 1]
            Of shapes that broadcast together.
        futility : bool, default True
            Whether the trial stops where it may for futility.

        Examples
        --------
        >>> from esld.operating import binary_design, group_sequential
        >>> bounds = group_sequential("obrien-fleming", information=[0.5, 1])
        >>> design = binary_design(bounds, n1=[6, 12], n2=[6, 12])
        >>> bool(design.characteristics(0.5, 0.5).power <= 0.025)
        True
        """
        first, second = _chances(p1, "p1"), _chances(p2, "p2")
        stops = self._ahead(0, (0, 0), partial(powers, u=first), partial(powers, u=second), futility)
        n = tuple(a + b for a, b in zip(self.n1, self.n2, strict=True))
        first, second = np.broadcast_arrays(first, second)
        return Characteristics(p1=first, p2=second, n=n, upper=stops[0], lower=stops[1], futility=stops[2])

    def conditional_power(
        self,
        look: int,
        x1: int,
        x2: int,
        p1: ArrayLike,
        p2: ArrayLike,
        *,
        futility: bool = False,
        side: Side = "upper",
    ) -> Floats:
        """Chance that the trial goes on to find the first proportion higher, given a look and the true proportions.

        Parameters
        ----------
        look : int
            From 1; x1 and x2 are the counts at it.
        p1, p2 : array_like in [0, 1]
            Of those to come, of shapes that broadcast together.
        futility : bool, default False
            Whether the trial stops where it may for futility.
        side : {'upper', 'lower'}
            'lower': to find it lower.

        Returns
        -------
        ndarray
            1 where the look itself finds it so, 0 where it finds the contrary or is the last.
        """
        one, other = partial(powers, u=_chances(p1, "p1")), partial(powers, u=_chances(p2, "p2"))
        return self._found_ahead(look, x1, x2, one, other, futility, side)

    def predictive_power(
        self,
        look: int,
        x1: int,
        x2: int,
        *,
        prior1: Prior = (1.0, 1.0),
        prior2: Prior = (1.0, 1.0),
        futility: bool = False,
        side: Side = "upper",
    ) -> float:
        """Conditional power averaged over what is believed of both proportions at a look.

        Parameters
        ----------
        look, x1, x2, futility, side
            As for `conditional_power`.
        prior1, prior2 : tuple of 2 float above 0
            Beta priors, independent; the counts at the look are added to them.
        """
        for prior, name in ((prior1, "prior1"), (prior2, "prior2")):
            if len(prior) != 2 or not all(0 < each < inf for each in prior):
                raise ValueError(f"{name} must be two numbers above 0, got {prior!r}")

        n1, n2 = self.at(look, x1, x2)
        one = partial(_believed, prior1[0] + x1, prior1[1] + n1 - x1)
        other = partial(_believed, prior2[0] + x2, prior2[1] + n2 - x2)
        return float(self._found_ahead(look, x1, x2, one, other, futility, side))

    def to_frame(self) -> pd.DataFrame:
        """Long form, each look by its number (`group`): critical values, the level it may and does spend so far."""
        rows: list[Row] = []
        for k, n in enumerate(zip(self.n1, self.n2, strict=True)):
            values = {"critical": self.critical[k]}
            if self.boundaries.sided == 2:
                values["critical_lower"] = self.critical_lower[k]
            values |= {"alpha_spent": self.size_bound[k], "alpha_allowed": self.boundaries.spent[k]}
            rows += [
                row(name, value, group=str(k + 1), n=sum(n), events=0, method=self.method)
                for name, value in values.items()
            ]
        return long_frame(rows).assign(events=nan)

    def _found_ahead(
        self, look: int, x1: int, x2: int, one: Weight, other: Weight, futility: bool, side: Side
    ) -> Floats:
        self.at(look, x1, x2)
        k = look - 1
        which = SIDES.index(side)
        found: Floats = np.minimum(self._ahead(look, (x1, x2), one, other, futility)[which].sum(axis=0), 1.0)
        if self.upper[k][x1, x2] or self.lower[k][x1, x2]:
            return np.full(found.shape, float((self.upper, self.lower)[which][k][x1, x2]))
        return found

    def _ahead(self, look: int, at: tuple[int, int], one: Weight, other: Weight, futility: bool) -> Floats:
        """Probability of each stop (upper, lower, futility) at each look after a state, from the chances of one way."""
        start = (self.n1[look - 1], self.n2[look - 1]) if look else (0, 0)
        ways = np.zeros((start[0] + 1, start[1] + 1))
        ways[at] = 1.0
        shape = np.broadcast_shapes(one(0).shape[1:], other(0).shape[1:])
        stops = np.zeros((3, self.looks, *shape))
        before = start
        for k in range(look, self.looks):
            here = self.n1[k], self.n2[k]
            ways = onward(ways, here[0] - before[0], here[1] - before[1])
            more = here[0] - start[0], here[1] - start[1]
            reached = slice(at[0], at[0] + more[0] + 1), slice(at[1], at[1] + more[1] + 1)
            given_up = self.futility[k] & futility
            for stop, tables in zip(stops, (self.upper[k], self.lower[k], given_up), strict=True):
                if tables.any():
                    rest = np.tensordot(np.where(tables, ways, 0.0)[reached], other(more[1]), axes=1)
                    stop[k] = np.einsum("i...,i...->...", one(more[0]), rest)
            ways = np.where(self.upper[k] | self.lower[k] | given_up, 0.0, ways)
            before = here
        return stops

    def at(self, look: int, x1: int, x2: int) -> tuple[int, int]:
        """Sizes of both groups at a look from 1, of which x1 and x2 are counts; else ValueError."""
        if whole_number("look", look) > self.looks:
            raise ValueError(f"look must be from 1 to {self.looks}, got {look}")
        checked_counts(x1, self.n1[look - 1], "x1", "n1")
        checked_counts(x2, self.n2[look - 1], "x2", "n2")
        return self.n1[look - 1], self.n2[look - 1]


def binary_design(
    boundaries: Boundaries, *, n1: Sequence[int], n2: Sequence[int], points: int = POINTS
) -> BinaryDesign:
    """The exact design that keeps to the level of some boundaries, whatever proportion both groups share.

    At each look, and on each side that is tested, the tables are rejected by descending score z, as many as keep the
    chance of having rejected by then within what the boundaries have spent by then, at every common proportion.

    Parameters
    ----------
    boundaries : Boundaries
        Their level spent up to each look, and their futility bounds on z. Their critical values are not used.
    n1, n2 : sequence of int
        Subjects of the first and the second group at each look, as many looks as the boundaries have; neither falls,
        and their sum rises.
    points : int, 2 or more, default 1,001
        Grid of the common proportion.

    Returns
    -------
    BinaryDesign

    Raises
    ------
    ValueError
        Other numbers of looks; groups that do not grow, or are above 1,000 together; `points` below 2.

    Notes
    -----
    Level used up by no table at one look stays for the next. Between the points of the grid the level is kept by a bound
    on the curvature (`esld.operating._tables.calibrated`). A table stays rejected with more events in the first group or
    fewer in the second, so that the one-sided error is largest where both proportions are equal, and the level holds
    for every p1 <= p2. With one look this is Barnard's test by the pooled score, one-sided.

    References
    ----------
    Jennison and Turnbull (2000), Group Sequential Methods, chapter 12, for exact enumeration. Barnard (1947), Biometrika
    34:123-138; Suissa and Shuster (1985), J R Stat Soc A 148:317-327, for the test. Lan and DeMets (1983), Biometrika
    70:659-663, for the level that is spent.

    Examples
    --------
    >>> from esld.operating import binary_design, group_sequential
    >>> bounds = group_sequential("pocock", information=[4 / 11, 8 / 11, 1])
    >>> design = binary_design(bounds, n1=[4, 8, 11], n2=[4, 8, 11])
    >>> [int(tables.sum()) for tables in design.upper]
    [1, 12, 27]
    """
    first, second = growing(n1, n2, boundaries.looks)
    if whole_number("points", points) < 2:
        raise ValueError(f"points must be 2 or more, got {points}")
    both = boundaries.sided == 2
    looks = calibrated(first, second, boundaries.spent_a_side, both=both, points=points)
    sizes = (step("look-of", *pair) for pair in zip(first, second, strict=True))
    return designed(
        boundaries, first, second, looks, tuple(k.upper.bound + k.lower.bound for k in looks), points=points,
        method=made_by("exact-binary", boundaries.method, *sizes),
    )  # fmt: skip


def designed(
    boundaries: Boundaries, n1: tuple[int, ...], n2: tuple[int, ...], looks: Sequence[Look],
    size_bound: tuple[float, ...], *, points: int, method: str,
) -> BinaryDesign:  # fmt: skip
    """The design of these looks."""
    nuisance, both = np.linspace(0.0, 1.0, points), boundaries.sided == 2
    size = [
        (k.upper.polynomial + k.lower.polynomial) @ powers(k.upper.polynomial.size - 1, nuisance)
        for k in looks
    ]
    return BinaryDesign(
        boundaries=boundaries, n1=n1, n2=n2, z=tuple(k.z for k in looks),
        upper=tuple(k.upper.rejected for k in looks), lower=tuple(k.lower.rejected for k in looks),
        futility=tuple(_given_up(k, f, both) for k, f in zip(looks, boundaries.futility, strict=True)),
        critical=tuple(float(k.z[k.upper.rejected].min(initial=inf)) for k in looks),
        critical_lower=tuple(float(k.z[k.lower.rejected].max(initial=-inf)) for k in looks),
        nuisance=nuisance, size=np.array(size), size_bound=size_bound, method=method,
    )  # fmt: skip


def _given_up(look: Look, bound: float, both: bool) -> Bools:
    """Tables with which the trial may stop for futility."""
    there = np.abs(look.z) if both else look.z
    return (there <= bound) & ~look.upper.rejected & ~look.lower.rejected


def _believed(events: float, none: float, more: int) -> Floats:
    """Chance of one way to 0 to `more` further events, of a proportion of which that much is known; shape (more + 1,)."""
    d = np.arange(more + 1.0)
    chance: Floats = np.exp(betaln(events + d, none + more - d) - betaln(events, none))
    return chance


def _chances(values: ArrayLike, name: str) -> Floats:
    found = np.asarray(values, dtype=np.float64)
    if not np.all((found >= 0) & (found <= 1)):
        raise ValueError(f"{name} must be from 0 to 1, got {found[~((found >= 0) & (found <= 1))].flat[0]:g}")
    return found


def growing(n1: Sequence[int], n2: Sequence[int], looks: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Sizes of both groups at each look, checked."""
    first = tuple(whole_number("n1", n) for n in n1)
    second = tuple(whole_number("n2", n) for n in n2)
    if not len(first) == len(second) == looks:
        raise ValueError(
            f"n1 and n2 must be of the {looks} looks of the boundaries, got {len(first)} and {len(second)}"
        )
    both = list(zip(first, second, strict=True))
    grows = all(a[0] <= b[0] and a[1] <= b[1] and a != b for a, b in pairwise(both))
    if not grows or sum(both[-1]) > MOST:
        raise ValueError(f"n1 and n2 must grow from look to look, to {MOST} together at most, got {both}")
    return first, second
