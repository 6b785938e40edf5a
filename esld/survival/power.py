"""What a trial of this size can see: the exact power of Fisher's test."""

import numpy as np
from numpy.typing import NDArray


def fisher_power(p1: float, p2: float, *, n1: int, n2: int, alpha: float = 0.05) -> float:
    """Chance that Fisher's exact test finds a true difference of two proportions.

    Parameters
    ----------
    p1, p2 : float in [0, 1]
        True proportions.
    n1, n2 : int, at least 1
        Group sizes.
    alpha : float in (0, 1)
        Two-sided level; the two-sided p-value adds the tables that are no more probable than the observed one.

    Returns
    -------
    float in [0, 1]
        Sum of the probabilities of all pairs of counts whose p-value is at most ``alpha``.

    Raises
    ------
    ValueError
        A proportion, size or level is outside its range.

    References
    ----------
    Fisher (1935), J R Stat Soc 98:39-82, for the test. The power is a finite sum and is exact.
    """
    if not (0 <= p1 <= 1 and 0 <= p2 <= 1):
        raise ValueError(f"p1 and p2 must be between 0 and 1, got {p1!r} and {p2!r}")
    if n1 < 1 or n2 < 1:
        raise ValueError(f"n1 and n2 must be at least 1, got {n1!r} and {n2!r}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be between 0 and 1, got {alpha!r}")
    rejected = _p_values(n1, n2) <= alpha * (1 + 1e-9)
    chances = np.outer(_binomial(n1, p1), _binomial(n2, p2))
    return float(np.minimum((chances * rejected).sum(), 1.0))


def _binomial(n: int, p: float) -> NDArray[np.float64]:
    """Probabilities of 0 to n; through logarithms, which neither overflow nor trip over a p next to 0."""
    from scipy.special import gammaln, xlog1py, xlogy

    k = np.arange(n + 1)
    combinations = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    probabilities: NDArray[np.float64] = np.exp(combinations + xlogy(k, p) + xlog1py(n - k, -p))
    return probabilities


def _p_values(n1: int, n2: int) -> NDArray[np.float64]:
    """Two-sided p-value of every table, shape (n1 + 1, n2 + 1); one total number of events at a time."""
    from scipy.stats import hypergeom

    result = np.empty((n1 + 1, n2 + 1))
    for total in range(n1 + n2 + 1):
        x1 = np.arange(max(0, total - n2), min(n1, total) + 1)
        probability = hypergeom.pmf(x1, n1 + n2, n1, total)
        as_extreme = probability[None, :] <= probability[:, None] * (
            1 + 1e-7
        )  # ties up to rounding, as R does
        result[x1, total - x1] = (as_extreme * probability[None, :]).sum(axis=1)
    return result
