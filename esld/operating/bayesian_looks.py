"""A trial of two proportions that stops when one is believed to be better: the rule, exact, with the error that it makes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf, isnan, nan

import numpy as np
from scipy.special import ndtr, ndtri

from esld.methods import made_by, step
from esld.operating._tables import Floats, followed
from esld.operating.belief import chance_better
from esld.operating.binary import POINTS, BinaryDesign, designed, growing
from esld.operating.boundaries import LOOKS, Boundaries
from esld.operating.priors import UNIFORM, BetaMixture

BAYESIAN = "bayesian"
_APART = 1e-9  # of two z that are not the same


def bayesian_design(
    *,
    n1: Sequence[int],
    n2: Sequence[int],
    threshold: float = nan,
    alpha: float = nan,
    sided: int = 1,
    prior1: BetaMixture = UNIFORM,
    prior2: BetaMixture = UNIFORM,
    futility: float | None = None,
    points: int = POINTS,
) -> BinaryDesign:
    """A design that stops at a look where the posterior probability that one proportion is the higher reaches a threshold.

    Parameters
    ----------
    n1, n2 : sequence of int
        Subjects of the first and the second group at each of one to five looks.
    threshold : float in (0.5, 1)
        Declared: the same at each look. Its error is what it is, `BinaryDesign.size`.
    alpha : float in (0, 0.5)
        In place of a threshold: the lowest one is taken whose error is not above this level at any common proportion.
    sided : {1, 2}
        One-sided: the first proportion may be found higher. Two-sided: lower too, and the error is of both together.
    prior1, prior2 : BetaMixture, default uniform
        Of the proportions, independent.
    futility : float in (0, 1), optional
        Not binding. Before the last look the trial may stop where the probability that the first proportion is the higher
        (two-sided: of the likelier side) is no more than this.
    points : int, 2 or more, default 1,001
        Grid of the common proportion.

    Returns
    -------
    BinaryDesign
        Its `z` and critical values are normal quantiles of posterior probabilities.

    Raises
    ------
    ValueError
        Both of threshold and alpha, or neither; one outside its range; a level that no table keeps to; as for
        `binary_design`.

    Notes
    -----
    Every threshold between two attainable probabilities is the same rule: a calibrated one lies midway, on the scale of z. The
    error up to a look is the chance of having met the rule by then, a polynomial of the common proportion, and falls as the
    threshold rises; between the points of the grid it is bounded as for `binary_design`.

    References
    ----------
    Berry (1985), Stat Med 4:521-526, and Thall and Simon (1994), Biometrics 50:337-349, for the rule; FDA (2010), Guidance for
    the Use of Bayesian Statistics in Medical Device Clinical Trials, section 4.8, for the error that is asked of it.

    Examples
    --------
    >>> from scipy.special import ndtr
    >>> from esld.operating import bayesian_design
    >>> design = bayesian_design(n1=[4, 8, 11], n2=[4, 8, 11], alpha=0.025)
    >>> bool(design.size.max() <= 0.025), round(float(ndtr(design.boundaries.critical[0])), 3)
    (True, 0.984)
    """
    first, second = growing(n1, n2, len(n1))
    if not 1 <= len(first) <= LOOKS:
        raise ValueError(f"n1 and n2 must be of 1 to {LOOKS} looks, got {len(first)}")
    if isnan(threshold) == isnan(alpha):
        raise ValueError("one of threshold and alpha must be given")
    if not (isnan(threshold) or 0.5 < threshold < 1):
        raise ValueError(f"threshold must be above 0.5 and below 1, got {threshold!r}")
    if not (isnan(alpha) or 0 < alpha < 0.5):
        raise ValueError(f"alpha must be above 0 and below 0.5, got {alpha!r}")
    if sided not in (1, 2):
        raise ValueError(f"sided must be 1 or 2, got {sided!r}")
    both = sided == 2
    z = [_quantile(*pair, prior1, prior2) for pair in zip(first, second, strict=True)]
    critical = float(ndtri(threshold)) if isnan(alpha) else _calibrated(first, second, z, alpha, both, points)
    looks, spent = followed(first, second, z, critical - _APART, both=both, points=points)
    total = first[-1] + second[-1]
    if futility is not None and not 0 < futility < ndtr(critical):
        raise ValueError(
            f"futility must be above 0 and below the threshold {ndtr(critical):.4g}, got {futility!r}"
        )
    given_up = -inf if futility is None else float(ndtri(futility)) + _APART
    sizes = [step("look-of", *pair) for pair in zip(first, second, strict=True)]
    rule = step("posterior-above", f"{float(ndtr(critical)):.6g}")
    method = made_by(
        "exact-binary", rule, "" if isnan(alpha) else "calibrated-threshold",
        "two-sided" if both else "one-sided", "" if futility is None else "non-binding-futility", *sizes,
    )  # fmt: skip
    boundaries = Boundaries(
        kind=BAYESIAN, alpha=spent[-1] if isnan(alpha) else float(alpha), sided=int(sided),
        information=tuple((a + b) / total for a, b in zip(first, second, strict=True)),
        critical=(critical,) * len(first), spent=spent,
        futility=(*(given_up,) * (len(first) - 1), -inf), method=method,
    )  # fmt: skip
    return designed(boundaries, first, second, looks, spent, points=points, method=method)


def _quantile(n1: int, n2: int, prior1: BetaMixture, prior2: BetaMixture) -> Floats:
    """Normal quantile of the posterior probability that the first proportion is the higher, of every table."""
    x1, x2 = range(n1 + 1), range(n2 + 1)
    higher = chance_better(x2, n2, x1, n1, first=prior2, second=prior1).T
    lower = chance_better(x1, n1, x2, n2, first=prior1, second=prior2)
    found: Floats = np.where(
        higher < lower, ndtri(higher), -ndtri(lower)
    )  # each by the smaller, which is the more precise
    return found


def _calibrated(
    n1: tuple[int, ...], n2: tuple[int, ...], z: Sequence[Floats], alpha: float, both: bool, points: int
) -> float:
    """The lowest critical value that keeps to a level: midway between the tables that it takes in and the next."""
    flat = np.sort(np.concatenate([np.abs(each).ravel() if both else each.ravel() for each in z]))[::-1]
    flat = flat[flat > 0]
    distinct = flat[np.append(True, -np.diff(flat) > _APART)]
    cuts = [*(float(a + b) / 2 for a, b in pairwise(distinct)), float(distinct[-1]) / 2]
    low, high = -1, len(cuts)  # the first keeps to the level, the second does not: more tables, more error
    while high - low > 1:
        k = (low + high) // 2
        kept = followed(n1, n2, z, cuts[k], both=both, points=points)[1][-1] <= alpha
        low, high = (k, high) if kept else (low, k)
    if low < 0:
        raise ValueError(f"alpha must be high enough for some table to be rejected, got {alpha!r}")
    return cuts[low]
