"""What is believed of two chances before the data: beta mixtures, and a prior that the two are alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isfinite, nan, pi, sqrt
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, betaincc, betaln, expit, gammaln, xlog1py, xlogy

from esld.longform import About, Estimate, Shown, estimate_rows, long_frame, row

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SizeMethod = Literal["elir", "moment"]
SIZE_METHODS: tuple[SizeMethod, ...] = ("elir", "moment")

_STEP, _REACH = 0.02, 4.0  # of the trapezoid on the doubly exponential scale
_FINENESS, _LARGEST = (
    0.4,
    1e6,
)  # nodes in the sharpest distribution's standard deviation; subjects it may be worth
_HALVINGS = 60


class Nodes(NamedTuple):
    """Where an integral over a part of (0, 1) is summed: each shape (k,)."""

    x: Floats
    rest: Floats  # 1 - x, without a difference of nearly equal numbers
    weight: Floats


def nodes(low: float = 0.0, high: float = 1.0, *, size: float = 0.0) -> Nodes:
    """Doubly exponential quadrature: to rounding also where the integrand has a pole at an end of the interval.

    Parameters
    ----------
    low, high : float
    size : float
        Subjects that the sharpest distribution in the integrand is worth: the nodes lie closer together than its standard
        deviation on the logit scale, of at least 2 / sqrt(size).

    References
    ----------
    Takahasi and Mori (1974), Publ RIMS Kyoto 9:721-741.
    """
    if size > _LARGEST:
        raise ValueError(f"priors and data must be worth at most {_LARGEST:,.0f} subjects, got {size:.3g}")
    step = _REACH / ceil(_REACH / min(_STEP, _FINENESS / sqrt(max(size, 1.0))))
    t = np.linspace(-_REACH, _REACH, 2 * round(_REACH / step) + 1)
    up, down = expit(pi * np.sinh(t)), expit(-pi * np.sinh(t))
    width = high - low
    weight = width * up * down * pi * np.cosh(t) * step
    return Nodes(low + width * up, (1 - high) + width * down, weight)


def nodes_apart(gap: float, *, size: float = 0.0) -> tuple[Nodes, Nodes]:
    """All pairs of chances with the second one higher by `gap`: nodes of the first one, and the second one's."""
    x, _, weight = nodes(0.0, 1 - abs(gap), size=size)
    rest = x[::-1]  # of the higher one: the nodes are symmetric
    low, high = Nodes(x, rest + abs(gap), weight), Nodes(x + abs(gap), rest, weight)
    return (low, high) if gap >= 0 else (high, low)


@dataclass(frozen=True, kw_only=True)
class BetaMixture(Shown):
    """A mixture of beta distributions of a chance: a prior, and what data make of it.

    Attributes
    ----------
    weights : tuple of float
        Above 0; their sum is 1.
    a, b : tuple of float
        Parameters of the components, above 0.

    Examples
    --------
    >>> from esld.operating import BetaMixture
    >>> prior = BetaMixture(weights=(0.8, 0.2), a=(10, 1), b=(2, 1))
    >>> round(prior.effective_sample_size(), 2), round(prior.given(3, 11).mean, 3)
    (7.65, 0.338)
    """

    weights: tuple[float, ...] = (1.0,)
    a: tuple[float, ...]
    b: tuple[float, ...]

    def __post_init__(self) -> None:
        parts = (self.weights, self.a, self.b)
        if not self.weights or len({len(part) for part in parts}) != 1:
            raise ValueError(
                f"weights, a and b must have the same length, got {[len(part) for part in parts]}"
            )
        if not all(isfinite(value) and value > 0 for part in parts for value in part):
            raise ValueError(f"weights, a and b must be above 0, got {self.weights}, {self.a} and {self.b}")
        if abs(sum(self.weights) - 1) > 1e-9:
            raise ValueError(f"weights must sum to 1, got {sum(self.weights)!r}")

    def _columns(self) -> tuple[Floats, Floats, Floats]:
        """Weights, a and b, shape (j, 1)."""
        w, a, b = (np.array(part, dtype=np.float64)[:, None] for part in (self.weights, self.a, self.b))
        return w, a, b

    def components(self, at: Nodes) -> tuple[Floats, Floats, Floats]:
        """Weights, a and b given the other arm's chance, which does not matter here; shape (j, 1)."""
        return self._columns()

    @property
    def sharpest(self) -> float:
        """Subjects that the sharpest component is worth."""
        return max(a + b for a, b in zip(self.a, self.b, strict=True))

    @property
    def mean(self) -> float:
        """Expectation, in (0, 1)."""
        w, a, b = self._columns()
        return float((w * a / (a + b)).sum())

    @property
    def sd(self) -> float:
        """Standard deviation."""
        w, a, b = self._columns()
        second = (w * a * (a + 1) / ((a + b) * (a + b + 1))).sum()
        return sqrt(max(float(second) - self.mean**2, 0.0))

    def density(self, x: ArrayLike) -> Floats:
        """Density at points in (0, 1), shape (m,)."""
        points = np.atleast_1d(np.asarray(x, dtype=np.float64))
        return self.density_at(points, 1 - points)

    def density_at(self, x: Floats, rest: Floats) -> Floats:
        """Density at points that come with their complements."""
        w, a, b = self._columns()
        found: Floats = (w * np.exp(xlogy(a - 1, x) + xlogy(b - 1, rest) - betaln(a, b))).sum(axis=0)
        return found

    def below(self, x: ArrayLike) -> Floats:
        """Probability of a chance of at most x, shape (m,)."""
        w, a, b = self._columns()
        found: Floats = (w * betainc(a, b, np.atleast_1d(np.asarray(x, dtype=np.float64)))).sum(axis=0)
        return found

    def above(self, x: float) -> float:
        """Probability of a chance above x."""
        w, a, b = self._columns()
        return float((w * betaincc(a, b, x)).sum())

    def quantile(self, p: float) -> float:
        """The chance that is not exceeded with probability p, by halves."""
        low, high = 0.0, 1.0
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.below(middle)[0] < p else (low, middle)
        return (low + high) / 2

    def given(self, x: int, n: int) -> BetaMixture:
        """The posterior after x of n: each component updated, weighted by how well it foretold x."""
        counted(x, n)
        w, a, b = self._columns()
        seen = np.log(w) + betaln(a + x, b + (n - x)) - betaln(a, b)
        weights = np.exp(seen - seen.max()).ravel()
        keep = weights > 0
        weights = weights[keep] / weights[keep].sum()
        return BetaMixture(
            weights=tuple(weights.tolist()),
            a=tuple((a.ravel()[keep] + x).tolist()),
            b=tuple((b.ravel()[keep] + n - x).tolist()),
        )

    def predictive(self, n: int) -> Floats:
        """Probability of 0 to n of n new subjects, shape (n + 1,)."""
        x = np.arange(n + 1)
        w, a, b = self._columns()
        found: Floats = (w * foretold(x, n, a, b)).sum(axis=0)
        return found

    def robust(self, weight: float = 0.2, *, mean: float = 0.5, size: float = 2.0) -> BetaMixture:
        """The mixture of this, and with `weight` a vague component of mean `mean` and `size` subjects.

        References
        ----------
        Schmidli et al. (2014), Biometrics 70:1023-1032.
        """
        if not 0 < weight < 1:
            raise ValueError(f"weight must be between 0 and 1, got {weight!r}")
        vague = beta_prior(mean, size)
        return BetaMixture(
            weights=(*(own * (1 - weight) for own in self.weights), weight),
            a=self.a + vague.a,
            b=self.b + vague.b,
        )

    def effective_sample_size(self, method: SizeMethod = "elir") -> float:
        """How many subjects tell as much as this distribution.

        Parameters
        ----------
        method : {'elir', 'moment'}
            Expected local-information ratio: the mean curvature of the log density over the information of one subject, which
            alone is consistent (the data's size is added to it on average); or a + b of the one beta distribution with
            the same mean and standard deviation, which a vague component makes small. Both are a + b of one component.

        Returns
        -------
        float
            NaN for a mixture with a parameter below 1 by 'elir', which is infinite there.

        References
        ----------
        Neuenschwander, Weber, Schmidli and O'Hagan (2020), Biometrics 76:578-587.
        """
        if method not in SIZE_METHODS:
            raise ValueError(f"method must be one of {list(SIZE_METHODS)}, got {method!r}")
        if len(self.weights) == 1:
            return float(self.a[0] + self.b[0])
        if method == "moment":
            return self.mean * (1 - self.mean) / self.sd**2 - 1
        if min(*self.a, *self.b) < 1:
            return nan
        x, rest, weight = nodes(size=self.sharpest)
        w, a, b = self._columns()
        parts = w * np.exp(xlogy(a - 1, x) + xlogy(b - 1, rest) - betaln(a, b))
        # Of each component the first derivative of its logarithm and minus the second one, times x and its square.
        slope = (a - 1) * rest - (b - 1) * x
        bend = (a - 1) * rest**2 + (b - 1) * x**2
        whole = np.maximum(parts.sum(axis=0), np.finfo(float).tiny)
        share = parts / whole
        first = (share * slope).sum(axis=0)
        curvature = (share * bend).sum(axis=0) - (share * slope**2).sum(axis=0) + first**2
        with np.errstate(over="ignore", invalid="ignore"):
            value = np.where(whole > 1e-250, whole * curvature / (x * rest), 0.0)
        return float((value * weight).sum())

    def estimate(self, conf_level: float = 0.95) -> Estimate:
        """Mean, standard deviation (as `std_err`) and central credible limits."""
        tail = (1 - conf_level) / 2
        return Estimate(
            value=self.mean, std_err=self.sd, lower=self.quantile(tail), upper=self.quantile(1 - tail),
            conf_level=conf_level, method="beta-mixture, central",
        )  # fmt: skip

    def to_frame(self, *, group: str = "", conf_level: float = 0.95) -> pd.DataFrame:
        """Long form: chance, and effective_sample_size of both kinds."""
        about: About = {"n": 0, "events": 0, "group": group}
        rows = estimate_rows("chance", self.estimate(conf_level), **about)
        for method in SIZE_METHODS:
            about["method"] = method
            rows.append(row("effective_sample_size", self.effective_sample_size(method), **about))
        return long_frame(rows)


@dataclass(frozen=True, kw_only=True)
class Linked:
    """A prior of two chances each of which lies about the other, whatever that is: a beta distribution about it.

    With an odds ratio of 1 it is a sceptic's, who knows nothing of how high the chances are, only that they are alike; above 1
    it is an enthusiast's. Which one lies about the other is as likely one way as the other way: a beta distribution about a
    high chance has more than half of its probability above it, so that one way alone would favour the arm that is named second.

    Attributes
    ----------
    size : float
        Effective sample size, a + b of the one arm's distribution given the other: how many subjects it would take to be as sure.
        Above 0.
    odds_ratio : float, default 1
        Of the second arm to the first one: of the mean of that which lies about the other. Above 0.

    Examples
    --------
    >>> from esld.operating import Linked, belief
    >>> sceptic = Linked(size=50)
    >>> round(belief(7, 11, 10, 11).better, 3), round(belief(7, 11, 10, 11, second=sceptic).better, 3)
    (0.923, 0.686)
    """

    size: float
    odds_ratio: float = 1.0

    def __post_init__(self) -> None:
        for name in ("size", "odds_ratio"):
            if not (getattr(self, name) > 0 and isfinite(getattr(self, name))):
                raise ValueError(f"{name} must be above 0 and finite, got {getattr(self, name)!r}")

    @property
    def turned(self) -> Linked:
        """The same with the arms exchanged."""
        return Linked(size=self.size, odds_ratio=1 / self.odds_ratio)

    @property
    def sharpest(self) -> float:
        """As of a mixture."""
        return self.size

    def components(self, at: Nodes) -> tuple[Floats, Floats, Floats]:
        """Of the second chance where it lies about the first: weights, a and b at each first one, shape (1, k)."""
        odds = self.odds_ratio * at.x
        share = self.size / (odds + at.rest)
        return np.ones((1, at.x.size)), (share * odds)[None, :], (share * at.rest)[None, :]


Second = BetaMixture | Linked

JEFFREYS = BetaMixture(a=(0.5,), b=(0.5,))
UNIFORM = BetaMixture(a=(1.0,), b=(1.0,))


def beta_prior(mean: float, size: float) -> BetaMixture:
    """A beta distribution with this mean and the weight of `size` subjects (a + b).

    Parameters
    ----------
    mean : float in (0, 1)
    size : float, above 0
        As many subjects as it is worth.

    Returns
    -------
    BetaMixture
        Of one component.

    Raises
    ------
    ValueError
        A mean or size outside its range.

    Examples
    --------
    >>> from esld.operating import beta_prior
    >>> prior = beta_prior(0.4, 20)
    >>> prior.a, prior.b, round(prior.given(7, 11).mean, 3)
    ((8.0,), (12.0,), 0.484)
    """
    if not 0 < mean < 1:
        raise ValueError(f"mean must be between 0 and 1, got {mean!r}")
    if not (size > 0 and isfinite(size)):
        raise ValueError(f"size must be above 0 and finite, got {size!r}")
    return BetaMixture(a=(mean * size,), b=((1 - mean) * size,))


def foretold(x: Ints, n: int, a: Floats, b: Floats) -> Floats:
    """Beta-binomial probability of x of n; a and b of shapes that broadcast with x."""
    choose = gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1)
    # n - x first: next to 1 a linked prior has a b below the rounding of n.
    found: Floats = np.exp(choose + betaln(a + x, b + (n - x)) - betaln(a, b))
    return found


def binomial_at(x: Ints, n: int, at: Nodes) -> Floats:
    """Binomial probability of each x of n at each node, shape (len(x), k)."""
    choose = (gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1))[:, None]
    small = at.x < 0.5  # the logarithm of what is next to 1 from what is next to 0
    success = np.where(small, xlogy(x[:, None], at.x), xlog1py(x[:, None], -at.rest))
    failure = np.where(small, xlog1py(n - x[:, None], -at.x), xlogy(n - x[:, None], at.rest))
    found: Floats = np.exp(choose + success + failure)
    return found


def counted(x: int, n: int) -> None:
    """Refuse counts that are none; 0 of 0 is a prior's."""
    if int(x) != x or int(n) != n or not 0 <= x <= n:
        raise ValueError(f"counts must be whole numbers with 0 <= x <= n, got {x!r} of {n!r}")


def all_counted(x: Sequence[int] | Ints, n: int) -> Ints:
    """Counts as an array, refused if one is none."""
    for own in x:
        counted(own, n)
    return np.asarray(x, dtype=np.int64)
