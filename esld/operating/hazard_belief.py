"""What times to an event add to belief: constant hazards by interval with gamma priors, and survival at a horizon.

The cumulative hazard at the horizon is a sum of independent gammas of the intervals. That is a gamma with a random shape (of
negative binomials, all weights positive), so its distribution is a sum that ends where what is left is below 1e-13: no random
numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import betainc, gammainc, gammaln, xlogy

from esld.longform import About, Estimate, Shown, estimate_rows, long_frame, row
from esld.operating._joint import root
from esld.operating.priors import Floats, Ints, nodes_apart
from esld.survival._data import checked_times
from esld.times import before

_METHOD = "piecewise-exponential, gamma, quadrature"
_LEFT = 1e-13
_TERMS = 100_000


@dataclass(frozen=True, kw_only=True, eq=False)
class HazardBelief(Shown):
    """Posterior of the hazards of one arm and of its survival at the horizon.

    Attributes
    ----------
    cuts : ndarray of shape (k - 1,)
        Where the hazard may change.
    horizon : float
    events : ndarray of int, shape (k,)
        In each interval up to the horizon.
    exposure : ndarray of shape (k,)
        Time at risk in each.
    shape, rate : ndarray of shape (k,)
        Of the posterior gamma distribution of each hazard.
    survival : Estimate
        At the horizon: posterior mean and standard deviation (closed forms) and central credible limits.
    n : int
        Subjects.
    """

    cuts: Floats
    horizon: float
    events: Ints
    exposure: Floats
    shape: Floats
    rate: Floats
    survival: Estimate
    n: int

    def above(self, s: ArrayLike) -> Floats:
        """Posterior probability of a survival above each s in (0, 1)."""
        sums = _Sum(self.shape, self.rate, _widths(self.cuts, self.horizon))
        return sums.below(-np.log(np.atleast_1d(np.asarray(s, dtype=np.float64))))

    def to_frame(self, *, group: str = "") -> pd.DataFrame:
        """Long form: survival at the horizon, and the posterior mean of the hazard of each interval at its start."""
        about: About = {"n": self.n, "events": int(self.events.sum()), "group": group}
        rows = estimate_rows("survival", self.survival, **(about | {"time": self.horizon}))
        for start, a, b in zip((0.0, *self.cuts.tolist()), self.shape, self.rate, strict=True):
            rows.append(
                row(
                    "hazard",
                    float(a / b),
                    **(about | {"time": start, "method": "piecewise-exponential, gamma"}),
                )
            )
        return long_frame(rows)


@dataclass(frozen=True, kw_only=True, eq=False)
class HazardComparison(Shown):
    """Posterior of two arms' survival at the horizon.

    Attributes
    ----------
    arms : tuple of HazardBelief
        The first and the second arm.
    better, beyond, worse : float
        Posterior probability that the second arm's survival is higher; higher, and lower, by more than the margin.
    margin : float
    difference : Estimate
        Of survival at the horizon, the second minus the first: mean, standard deviation and central credible limits.
    """

    arms: tuple[HazardBelief, HazardBelief]
    better: float
    beyond: float
    worse: float
    margin: float
    difference: Estimate

    def to_frame(self, *, groups: tuple[str, str] = ("first", "second")) -> pd.DataFrame:
        """Long form: of each arm, and difference, chance_better, chance_beyond and chance_worse at the horizon."""
        one, two = self.arms
        about: About = {
            "n": one.n + two.n,
            "events": int(one.events.sum() + two.events.sum()),
            "time": one.horizon,
        }
        rows = estimate_rows("difference", self.difference, **about)
        about["method"] = _METHOD
        rows += [
            row(f"chance_{name}", getattr(self, name), **about) for name in ("better", "beyond", "worse")
        ]
        parts = [own.to_frame(group=group) for own, group in zip(self.arms, groups, strict=True)]
        return pd.concat([*parts, long_frame(rows)], ignore_index=True)


def hazard_belief(
    time: ArrayLike,
    event: ArrayLike,
    *,
    horizon: float,
    cuts: Sequence[float] = (),
    shape: float,
    rate: float,
    conf_level: float = 0.95,
) -> HazardBelief:
    """Posterior of piecewise constant hazards with gamma priors, and of survival at the horizon.

    Parameters
    ----------
    time, event : array_like of shape (n,)
        As for `esld.survival.kaplan_meier`; what comes after the horizon does not count.
    horizon : float, above 0
        In the unit of `time`.
    cuts : sequence of float, ascending in (0, horizon)
        Where the hazard may change; none for a constant one.
    shape, rate : float, above 0
        Gamma prior of the hazard of each interval: like `shape` events in a time at risk of `rate`.
    conf_level : float in (0, 1), default 0.95

    Returns
    -------
    HazardBelief

    Raises
    ------
    ValueError
        Times or events that are none; a horizon, cuts or a prior outside their range.

    References
    ----------
    Ibrahim, Chen and Sinha (2001), Bayesian Survival Analysis, section 3.1. Moschopoulos (1985), Ann Inst Stat Math 37:541-544,
    for the sum of gammas.

    Examples
    --------
    >>> from esld.operating import hazard_belief
    >>> found = hazard_belief([100, 365, 365, 250], [1, 0, 0, 1], horizon=365, shape=0.5, rate=365)
    >>> round(found.survival.value, 3)
    0.569
    """
    times, happened = checked_times(time, event)
    if not 0 < horizon < np.inf:
        raise ValueError(f"horizon must be above 0 and finite, got {horizon!r}")
    for name, value in (("shape", shape), ("rate", rate)):
        if not 0 < value < np.inf:
            raise ValueError(f"{name} must be above 0 and finite, got {value!r}")
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level must be between 0 and 1, got {conf_level!r}")
    borders = np.array([0.0, *cuts, horizon])
    if (np.diff(borders) <= 0).any():
        raise ValueError(f"cuts must ascend between 0 and the horizon, got {list(cuts)!r}")
    start, width = borders[:-1], np.diff(borders)
    exposure = np.asarray(np.clip(times[:, None] - start, 0, width).sum(axis=0), dtype=np.float64)
    place = before(borders[1:], times)  # on a border: in the interval that ends there
    events = np.bincount(place[happened & (place < width.size)], minlength=width.size)
    a = np.asarray(shape + events, dtype=np.float64)
    b = rate + exposure
    mean, second = (float(np.exp(-(a * np.log1p(power * width / b)).sum())) for power in (1, 2))
    sums, tail = _Sum(a, b, width), (1 - conf_level) / 2
    lower, upper = (
        root(lambda s: p - float(sums.below(np.array([-np.log(s)]))[0]), 0.0, 1.0)  # noqa: B023
        for p in (1 - tail, tail)
    )
    return HazardBelief(
        cuts=borders[1:-1], horizon=float(horizon), events=events, exposure=exposure, shape=a, rate=b, n=times.size,
        survival=Estimate(
            value=mean, std_err=sqrt(max(second - mean**2, 0.0)), lower=lower, upper=upper, conf_level=conf_level,
            method=f"{_METHOD}, central",
        ),
    )  # fmt: skip


def compare_hazards(first: HazardBelief, second: HazardBelief, *, margin: float = 0.0) -> HazardComparison:
    """Posterior of the difference in survival at the horizon of two arms.

    Parameters
    ----------
    first, second : HazardBelief
        As `hazard_belief` gives them, of the same horizon and level.
    margin : float in [0, 1), default 0
        The difference that would matter.

    Returns
    -------
    HazardComparison
        Deterministic: one integral over the first arm's survival.

    Raises
    ------
    ValueError
        Horizons or levels that differ; a margin outside its range.

    Examples
    --------
    >>> from esld.operating import compare_hazards, hazard_belief
    >>> prior = {"horizon": 365, "cuts": [90], "shape": 0.5, "rate": 365}
    >>> one = hazard_belief([30, 80, 200, 365, 365], [1, 1, 1, 0, 0], **prior)
    >>> two = hazard_belief([150, 365, 365, 365, 365], [1, 0, 0, 0, 0], **prior)
    >>> round(compare_hazards(one, two).better, 3)
    0.826
    """
    if first.horizon != second.horizon or first.survival.conf_level != second.survival.conf_level:
        raise ValueError("both arms must have the same horizon and conf_level")
    if not 0 <= margin < 1:
        raise ValueError(f"margin must be from 0 to below 1, got {margin!r}")
    sums = [_Sum(own.shape, own.rate, _widths(own.cuts, own.horizon)) for own in (first, second)]

    # The logit of survival varies no less than one in the root of all shapes; nodes ask for two in that of `size`.
    size = 4 * max(float(own.shape.sum()) for own in (first, second))

    def more_than(gap: float) -> float:
        at, beyond = nodes_apart(gap, size=size)
        found = float(
            (
                at.weight
                * sums[0].survival_density(at.x, at.rest)
                * sums[1].below(_hazard(beyond.x, beyond.rest))
            ).sum()
        )
        if gap < 0:
            found += 1 - float(sums[0].below(np.array([-np.log(-gap)]))[0])
        return min(found, 1.0)

    level = first.survival.conf_level
    tail = (1 - level) / 2
    lower, upper = (root(lambda d: more_than(d) - q, -1.0, 1.0) for q in (1 - tail, tail))  # noqa: B023
    one, two = first.survival, second.survival
    return HazardComparison(
        arms=(first, second), better=more_than(0.0), beyond=more_than(margin), worse=1 - more_than(-margin), margin=margin,
        difference=Estimate(
            value=two.value - one.value, std_err=sqrt(one.std_err**2 + two.std_err**2), lower=lower, upper=upper,
            conf_level=level, method=f"{_METHOD}, central",
        ),
    )  # fmt: skip


def _widths(cuts: Floats, horizon: float) -> Floats:
    return np.diff(np.array([0.0, *cuts.tolist(), horizon]))


def _hazard(x: Floats, rest: Floats) -> Floats:
    """Minus the logarithm of x, from its complement where that is small."""
    with np.errstate(divide="ignore"):
        found: Floats = np.where(x < 0.5, -np.log(x), -np.log1p(-np.minimum(rest, 0.5)))
    return found


class _Sum:
    """The distribution of the cumulative hazard: a gamma of one scale with a random shape."""

    def __init__(self, shape: Floats, rate: Floats, width: Floats) -> None:
        scale = width / rate
        self.scale = float(scale.min())
        weight = np.ones(1)
        for a, share in zip(shape, self.scale / scale, strict=True):
            if share < 1:
                weight = np.convolve(weight, _negative_binomial(float(a), float(share)))
        keep = max(int(np.searchsorted(np.cumsum(weight), weight.sum() - _LEFT)) + 1, 1)
        self.weight = weight[:keep] / weight[:keep].sum()
        self.shapes = float(shape.sum()) + np.arange(keep)

    def below(self, h: Floats) -> Floats:
        """Probability of a cumulative hazard of at most h."""
        found: Floats = gammainc(self.shapes[None, :], h[:, None] / self.scale) @ self.weight
        return found

    def survival_density(self, x: Floats, rest: Floats) -> Floats:
        """Density of survival, exp of minus the cumulative hazard."""
        h = _hazard(x, rest)[:, None] / self.scale
        # Of h, times dh / dx = 1 / x = exp(scale * h), in one exponent.
        parts = np.exp(xlogy(self.shapes - 1, h) - h + h * self.scale - gammaln(self.shapes))
        found: Floats = parts @ self.weight / self.scale
        return found


def _negative_binomial(a: float, share: float) -> Floats:
    """Probabilities of 0, 1, ... failures before `a` successes, up to where 1e-13 is left."""
    most = 16
    while float(1 - betainc(a, most + 1.0, share)) > _LEFT / 10:
        most *= 2
        if most > _TERMS:
            raise ValueError(
                f"intervals must not differ so much in what is known of them, got a ratio of {1 / share:.3g}"
            )
    k = np.arange(most + 1)
    found: Floats = np.exp(
        gammaln(a + k) - gammaln(a) - gammaln(k + 1) + a * np.log(share) + k * np.log1p(-share)
    )
    return found
