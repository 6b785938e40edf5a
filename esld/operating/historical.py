"""What earlier trials say of a new one's control arm: the meta-analytic-predictive prior of a chance, by quadrature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log, sqrt

import numpy as np
import pandas as pd
from numpy.polynomial.hermite_e import hermegauss
from scipy.special import expit

from esld.longform import About, Estimate, Shown, estimate_rows, long_frame, row
from esld.operating.priors import BetaMixture, Floats, counted

_TAUS, _LONGEST = 60, 6.0  # points of the heterogeneity, up to so many scales of its prior
_MEANS, _BROAD = (
    97,
    6.0,
)  # points of the first look at the mean, within so many standard deviations of its prior
_POINTS, _THIN = (
    1201,
    3,
)  # of the predictive distribution on the logit scale; which of them the mixture is fitted to
_HERMITE, _NEWTON, _STILL = 15, 30, 1e-7
_UNLIKELY = 30.0  # in logarithms, below the likeliest
_NEAR = 1e-3  # divergence of the mixture from what it stands for
_MOST = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class HistoricalPrior(Shown):
    """The meta-analytic-predictive prior of a new trial's chance.

    Attributes
    ----------
    chance : Estimate
        Mean, standard deviation (as `std_err`) and central credible limits of the new trial's chance; ``median`` beside it.
    median : float
    heterogeneity : Estimate
        Mean, standard deviation and credible limits of tau, the standard deviation between trials on the logit scale.
    mixture : BetaMixture
        The beta mixture that stands for it; make it robust by ``mixture.robust(weight)``.
    divergence : float
        Kullback-Leibler divergence of the mixture from it.
    x, density : ndarray of shape (m,)
        The prior itself, for a figure.
    events, n : tuple of int
        Of the earlier trials.
    """

    chance: Estimate
    median: float
    heterogeneity: Estimate
    mixture: BetaMixture
    divergence: float
    x: Floats
    density: Floats
    events: tuple[int, ...]
    n: tuple[int, ...]

    def to_frame(self, *, group: str = "") -> pd.DataFrame:
        """Long form: chance, chance_median, heterogeneity, divergence and effective_sample_size of the mixture."""
        about: About = {"n": sum(self.n), "events": sum(self.events), "group": group}
        rows = estimate_rows("chance", self.chance, **about)
        about["method"] = self.chance.method
        rows.append(row("chance_median", self.median, **about))
        rows += estimate_rows("heterogeneity", self.heterogeneity, **about)
        about["method"] = "beta-mixture"
        rows.append(row("divergence", self.divergence, **about))
        rows.append(row("effective_sample_size", self.mixture.effective_sample_size(), **about))
        return long_frame(rows)


def historical_prior(
    x: Sequence[int],
    n: Sequence[int],
    *,
    tau_scale: float = 1.0,
    mean_location: float = 0.0,
    mean_scale: float = 2.0,
    conf_level: float = 0.95,
) -> HistoricalPrior:
    """The meta-analytic-predictive (MAP) prior of a new arm's chance from counts of earlier trials.

    Parameters
    ----------
    x, n : sequence of int
        Counted, and all, of the arm in each earlier trial; one at least.
    tau_scale : float, above 0, default 1
        Scale of the half-normal prior of the standard deviation between trials, on the logit scale.
    mean_location, mean_scale : float, default 0 and 2
        Of the normal prior of the mean of the logits; the scale is above 0.
    conf_level : float in (0, 1), default 0.95
        Of the credible limits.

    Returns
    -------
    HistoricalPrior

    Raises
    ------
    ValueError
        Counts that are none, or scales that are not above 0.

    Notes
    -----
    Each trial's logit is normal about a common mean, and so is the new one's. The trial's own logit is integrated out by
    adaptive Gauss-Hermite quadrature, the mean and tau by trapezoids (the posterior of tau is even in it, which makes them
    nearly exact): no random numbers, and about five right digits. The mixture is the likeliest one of the fewest components (up
    to four) that come within a divergence of 0.001; its parameters are 1 or more, as RBesT has them.

    References
    ----------
    Neuenschwander et al. (2010), Clin Trials 7:5-18. Schmidli et al. (2014), Biometrics 70:1023-1032.

    Examples
    --------
    >>> from esld.operating import historical_prior
    >>> found = historical_prior([23, 12, 19, 9, 39, 6, 9, 10], [107, 44, 51, 39, 139, 20, 78, 35])
    >>> round(found.chance.value, 3), round(found.heterogeneity.value, 2)
    (0.258, 0.38)
    """
    if not x or len(x) != len(n):
        raise ValueError(f"x and n must be of the same trials, one at least, got {len(x)} and {len(n)}")
    for own in zip(x, n, strict=True):
        counted(*own)
    for name, scale in (("tau_scale", tau_scale), ("mean_scale", mean_scale)):
        if not scale > 0:
            raise ValueError(f"{name} must be above 0, got {scale!r}")
    counts, sizes = np.array(x, dtype=np.float64), np.array(n, dtype=np.float64)
    taus = np.linspace(0, _LONGEST * tau_scale, _TAUS + 1)

    def posterior(means: Floats, taus: Floats) -> Floats:
        """Logarithm of the posterior of mean and tau, shape (len(means), len(taus))."""
        prior = (
            -(((means - mean_location) / mean_scale) ** 2)[:, None] / 2 - (taus / tau_scale)[None, :] ** 2 / 2
        )
        return prior + _log_likelihood(means[:, None], taus[None, :], counts, sizes)

    broad = mean_location + mean_scale * np.linspace(-_BROAD, _BROAD, _MEANS)
    likely = posterior(broad, taus[::3]).max(axis=1)
    some = np.flatnonzero(likely > likely.max() - _UNLIKELY)
    first, last = max(some[0] - 1, 0), min(some[-1] + 1, _MEANS - 1)
    width = broad[last] - broad[first]
    means = np.linspace(broad[first], broad[last], max(2 * _TAUS, ceil(width / taus[1])) + 1)
    weight = np.exp((found := posterior(means, taus)) - found.max())
    weight[:, 0] /= 2
    weight /= weight.sum()

    eta, mass = _new_trial(means, taus, weight)
    chance = expit(eta)
    tail = (1 - conf_level) / 2
    mixture, divergence = _mixture(eta, mass)
    mean = float(mass @ chance)
    low, median, high = (_quantile(eta, mass, p) for p in (tail, 0.5, 1 - tail))
    return HistoricalPrior(
        chance=Estimate(
            value=mean, std_err=sqrt(float(mass @ (chance - mean) ** 2)), lower=float(expit(low)), upper=float(expit(high)),
            conf_level=conf_level, method="meta-analytic-predictive, quadrature",
        ),
        median=float(expit(median)), heterogeneity=_heterogeneity(taus, weight.sum(axis=0), conf_level),
        mixture=mixture, divergence=divergence,
        x=chance, density=mass / (eta[1] - eta[0]) / (chance * expit(-eta)),
        events=tuple(map(int, x)), n=tuple(map(int, n)),
    )  # fmt: skip


def _log_likelihood(mean: Floats, tau: Floats, x: Floats, n: Floats) -> Floats:
    """Logarithm of the probability of all counts, but for the binomial coefficients: the trials' own logits integrated out."""
    z, weight = hermegauss(_HERMITE)
    total = np.zeros(np.broadcast_shapes(mean.shape, tau.shape))
    farthest = 2 / np.maximum(tau, 1e-3)  # at a step: two on the logit scale
    for count, size in zip(x, n, strict=True):
        # About the mode in units of its curvature; the own logit is mean + tau * mode.
        seen = log((count + 0.5) / (size - count + 0.5))
        told = (count + 0.5) * (size - count + 0.5) / (size + 1)
        mode = tau * told * (seen - mean) / (1 + tau**2 * told)
        for _ in range(_NEWTON):
            p = expit(mean + tau * mode)
            step = (tau * (count - size * p) - mode) / (1 + tau**2 * size * p * (1 - p))
            step = np.clip(step, -farthest, farthest)
            mode = mode + step
            if np.abs(step).max() < _STILL:
                break
        p = expit(mean + tau * mode)
        spread = 1 / np.sqrt(1 + tau**2 * size * p * (1 - p))
        terms = np.zeros_like(total)
        top = _exponent(mean + tau * mode, count, size) - mode**2 / 2
        for point, own in zip(z, weight, strict=True):
            at = mode + spread * point
            inner = _exponent(mean + tau * at, count, size) - at**2 / 2 + point**2 / 2
            terms += own * np.exp(inner - top)
        total += top + np.log(spread * terms)
    return total


def _exponent(eta: Floats, count: float, size: float) -> Floats:
    found: Floats = count * eta - size * np.logaddexp(0, eta)
    return found


def _new_trial(means: Floats, taus: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """The new trial's logit: points and their probabilities."""
    spread = sqrt(float(weight.sum(axis=0) @ taus**2))
    reach = min(_LONGEST * float(taus[-1]), 12 * spread)
    eta = np.linspace(means[0] - reach, means[-1] + reach, _POINTS)
    mass = np.interp(eta, means, weight[:, 0], left=0, right=0)  # no heterogeneity: as the mean
    mass *= weight[:, 0].sum() / max(float(mass.sum()), np.finfo(float).tiny)
    rows, columns = np.nonzero(weight[:, 1:] > 1e-10 * weight.max())
    at, own, sd = means[rows], weight[rows, columns + 1], taus[columns + 1]
    step = eta[1] - eta[0]
    for tau in np.unique(sd):
        same = sd == tau
        kernel = np.exp(-(((eta[:, None] - at[same]) / tau) ** 2) / 2)
        mass += kernel @ own[same] * (step / (tau * sqrt(2 * np.pi)))
    return eta, mass / mass.sum()


def _quantile(points: Floats, mass: Floats, p: float) -> float:
    """Of a smooth density on equally spaced points: half of each point's probability lies below it."""
    return float(np.interp(p, np.cumsum(mass) - mass / 2, points))


def _heterogeneity(taus: Floats, mass: Floats, conf_level: float) -> Estimate:
    from scipy.interpolate import CubicSpline  # slow to import

    # The first point has half a step of its own. Moments of tau, which are not even in it, on a finer grid.
    fine = np.linspace(0, taus[-1], 40 * taus.size)
    density = CubicSpline(taus, np.concatenate(([2 * mass[0]], mass[1:])))
    share = np.maximum(density(fine), 0.0)
    share[0] /= 2
    share /= share.sum()
    mean = float(share @ fine)
    below = density.antiderivative()(fine)
    tail = (1 - conf_level) / 2
    lower, upper = (float(np.interp(p, below / below[-1], fine)) for p in (tail, 1 - tail))
    return Estimate(
        value=mean, std_err=sqrt(float(share @ (fine - mean) ** 2)), lower=lower, upper=upper,
        conf_level=conf_level, method="meta-analytic-predictive, quadrature",
    )  # fmt: skip


def _mixture(eta: Floats, mass: Floats) -> tuple[BetaMixture, float]:
    """The likeliest mixture of the fewest components that is near enough, and how far off it is."""
    eta, mass = eta[::_THIN], mass[::_THIN]
    keep = mass > 1e-12 * mass.max()
    eta, mass = eta[keep], mass[keep] / mass[keep].sum()
    own = float(mass @ np.log(mass / (eta[1] - eta[0])))
    best: tuple[BetaMixture, float] | None = None
    for parts in range(1, _MOST + 1):
        mixture, likelihood = _fitted(eta, mass, parts)
        best = mixture, max(own - likelihood, 0.0)
        if best[1] <= _NEAR:
            break
    assert best is not None
    return best


def _fitted(eta: Floats, mass: Floats, parts: int) -> tuple[BetaMixture, float]:
    from scipy.optimize import minimize  # slow to import
    from scipy.special import betaln, digamma, log_expit, logsumexp

    up, down = log_expit(eta), log_expit(-eta)
    chance = expit(eta)
    mean = float(mass @ chance)
    size = mean * (1 - mean) / float(mass @ (chance - mean) ** 2) - 1

    def opened(theta: Floats) -> tuple[Floats, Floats, Floats]:
        w, a, b = theta.reshape(3, parts)
        return w - logsumexp(w), np.exp(a), np.exp(b)

    def loss(theta: Floats) -> tuple[float, Floats]:
        w, a, b = opened(theta)
        # Densities of the logit.
        each = w[:, None] + a[:, None] * up + b[:, None] * down - betaln(a, b)[:, None]
        whole = logsumexp(each, axis=0)
        share = np.exp(each - whole) * mass
        total = share.sum(axis=1)
        both = digamma(a + b)
        slope_a = a * (share @ up - total * (digamma(a) - both))
        slope_b = b * (share @ down - total * (digamma(b) - both))
        return -float(mass @ whole), -np.concatenate((total - np.exp(w), slope_a, slope_b))

    sizes = size * 3.0 ** np.linspace(-1, 1, parts) if parts > 1 else np.array([size])
    start = np.concatenate(
        (np.zeros(parts), np.log(np.maximum(mean * sizes, 1.5)), np.log(np.maximum((1 - mean) * sizes, 1.5)))
    )
    bounds = [(-12.0, 12.0)] * parts + [(0.0, 14.0)] * (2 * parts)
    found = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 2000, "ftol": 1e-12, "gtol": 1e-7},
    )
    w, a, b = opened(found.x)
    order = np.argsort(-w)
    weights = np.exp(w[order])
    mixture = BetaMixture(
        weights=tuple((weights / weights.sum()).tolist()),
        a=tuple(a[order].tolist()),
        b=tuple(b[order].tolist()),
    )
    return mixture, -float(found.fun)
