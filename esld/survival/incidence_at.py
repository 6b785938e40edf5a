"""Cumulative incidence by one day in small samples: exact-type limits where some were lost, and a difference from them."""

from collections.abc import Hashable
from dataclasses import replace
from math import isnan, nan

import numpy as np
from scipy.special import betaincinv

from esld.longform import Estimate
from esld.methods import made_by
from esld.survival._mover import Limits, difference_limits
from esld.survival._states import label_name
from esld.survival.competing import CumulativeIncidence
from esld.times import before


def incidence_at(curve: CumulativeIncidence, at: float, cause: Hashable) -> Estimate:
    """Incidence of one cause by a day, with limits of one kind whether or not anybody was lost before it.

    Clopper and Pearson's limits of the estimate, as if it were seen in as many subjects as would give it the variance that it
    has. Where nobody was lost before the day these are all subjects, and the limits the exact ones of the count; they exist at 0
    and at 1 too. At 0 and 1 the estimate has no variance: whoever was lost then does not count.

    Parameters
    ----------
    curve : CumulativeIncidence
        Of one sample.
    at : float
        The day, 0 or later.
    cause : hashable
        One of the causes of the curve.

    Returns
    -------
    Estimate
        In [0, 1]; NaN with the reason where somebody was lost and observation ends before the day.

    Raises
    ------
    ValueError
        A day that is negative or missing; a cause that the curve does not have.

    References
    ----------
    Clopper and Pearson (1934), Biometrika 26:404-413. Dorey and Korn (1987), Stat Med 6:679-687, for effective sample sizes;
    Korn and Graubard (1998), Survey Methodology 24:193-201, for their use in exact limits.

    Examples
    --------
    >>> from esld.data.datasets import pbc
    >>> from esld.survival import cumulative_incidence, incidence_at
    >>> patients = pbc()
    >>> curve = cumulative_incidence(patients["days"], patients["state"], censored="censored")
    >>> found = incidence_at(curve, 1825, "transplant")
    >>> round(found.value, 3), round(found.lower, 3), round(found.upper, 3)
    (0.044, 0.024, 0.074)
    """
    found = curve.estimate(at, cause)
    lost = int(curve.n_censor[: before(curve.times, np.array([at]))[0]].sum())
    if lost == 0:
        events = int(curve.counts([at])["events"].iloc[curve.causes.index(label_name(cause))])
        share, n, method = events / curve.n, float(curve.n), "clopper-pearson"
    elif isnan(found.value):
        return replace(found, method=made_by("aalen-johansen", "effective-size", "clopper-pearson"))
    else:
        share, method = found.value, made_by("aalen-johansen", "effective-size", "clopper-pearson")
        n = float(curve.n - lost)
        if 0 < share < 1 and found.std_err > 0:
            n = min(share * (1 - share) / found.std_err**2, float(curve.n))
    tail, x = (1 - curve.conf_level) / 2, share * n
    lower = 0.0 if share == 0 else float(betaincinv(x, n - x + 1, tail))
    upper = 1.0 if share == 1 else float(betaincinv(x + 1, n - x, 1 - tail))
    return Estimate(value=share, lower=lower, upper=upper, conf_level=curve.conf_level, method=method)


def incidence_difference(
    first: CumulativeIncidence, second: CumulativeIncidence, at: float, cause: Hashable
) -> Estimate:
    """Incidence of a cause by a day in the second sample minus that in the first.

    Its limits are made of those of :func:`incidence_at`, by MOVER: inside [-1, 1], and wider rather than too narrow.

    Parameters
    ----------
    first, second : CumulativeIncidence
        Of two samples, of the same level.
    at, cause
        See :func:`incidence_at`.

    Returns
    -------
    Estimate
        NaN with the reason where that of a sample is.

    Raises
    ------
    ValueError
        The levels of the curves differ.

    References
    ----------
    Zou and Donner (2008), Stat Med 27:1693-1702.

    Examples
    --------
    >>> from esld.data.datasets import pbc
    >>> from esld.survival import cumulative_incidence, incidence_difference
    >>> patients = pbc()
    >>> active, placebo = (
    ...     cumulative_incidence(one["days"], one["state"], censored="censored") for _, one in patients.groupby("arm")
    ... )
    >>> round(incidence_difference(active, placebo, 1825, "death").value, 3)
    -0.002
    """
    if first.conf_level != second.conf_level:
        raise ValueError(f"second must have the level {first.conf_level} of first, got {second.conf_level}")
    one, other = incidence_at(first, at, cause), incidence_at(second, at, cause)
    reason = one.reason or other.reason
    lower = upper = nan
    if reason is None:
        lower, upper = difference_limits(*(Limits(e.value, e.lower, e.upper) for e in (one, other)))
    return Estimate(
        value=other.value - one.value, lower=lower, upper=upper, conf_level=first.conf_level,
        method=made_by("mover", "clopper-pearson"), reason=reason,
    )  # fmt: skip
