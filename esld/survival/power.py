"""What a trial of this size can see: the tables that an exact test rejects, and the exact power of Fisher's."""

from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from esld.survival._data import Bools, Floats, Ints, choice
from esld.survival._unconditional import largest_at_a_common_chance, margin
from esld.survival.two_by_two import at_most, one_sided

ExactTest = Literal["fisher", "boschloo"]
EXACT_TESTS: tuple[ExactTest, ...] = ("fisher", "boschloo")


def fisher_power(p1: float, p2: float, *, n1: int, n2: int, alpha: float = 0.05) -> float:
    """Chance that Fisher's exact test finds a true difference of two proportions.

    Parameters
    ----------
    p1, p2 : float in [0, 1]
        True proportions.
    n1, n2 : int, 1 or more
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

    Examples
    --------
    >>> from esld.survival import fisher_power
    >>> round(fisher_power(0.4, 0.9, n1=11, n2=11), 2)
    0.56
    """
    if not (0 <= p1 <= 1 and 0 <= p2 <= 1):
        raise ValueError(f"p1 and p2 must be between 0 and 1, got {p1!r} and {p2!r}")
    chances = np.outer(binomial_probabilities(n1, p1), binomial_probabilities(n2, p2))
    return float(np.minimum((chances * rejected(n1, n2, alpha=alpha)).sum(), 1.0))


def binomial_probabilities(n: int, p: float) -> NDArray[np.float64]:
    """Probabilities of 0 to n; through logarithms, which neither overflow nor trip over a p next to 0."""
    from scipy.special import gammaln, xlog1py, xlogy

    k = np.arange(n + 1)
    combinations = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    probabilities: NDArray[np.float64] = np.exp(combinations + xlogy(k, p) + xlog1py(n - k, -p))
    return probabilities


def fisher_p_values(n1: int, n2: int) -> Floats:
    """Two-sided p-value of Fisher's test of every table, shape (n1 + 1, n2 + 1), all tables of a total at once."""
    totals = np.arange(n1 + n2 + 1)
    x1, x2, given = margin(n1, n2, totals)
    order = np.argsort(given, axis=1)
    rising = np.take_along_axis(given, order, axis=1)
    # Ties up to rounding, as R has them: each of them counts all of them.
    last = np.ones(rising.shape, dtype=np.bool_)
    last[:, :-1] = rising[:, 1:] > rising[:, :-1] * (1 + 1e-7)
    place = np.where(last, np.arange(n1 + 1), n1)
    place = np.minimum.accumulate(place[:, ::-1], axis=1)[:, ::-1]
    sums = np.empty_like(given)
    np.put_along_axis(sums, order, np.take_along_axis(np.cumsum(rising, axis=1), place, axis=1), axis=1)
    return _by_table(x1, x2, n2, sums)


def _by_table(x1: Ints, x2: Ints, n2: int, values: NDArray[Any]) -> NDArray[Any]:
    """Values of the tables of each total as a table of x1 and x2."""
    there = (x2 >= 0) & (x2 <= n2)
    result = np.empty((x1.size, n2 + 1), dtype=values.dtype)
    result[np.broadcast_to(x1, x2.shape)[there], x2[there]] = values[there]
    return result


@lru_cache(maxsize=1024)
def rejected(n1: int, n2: int, *, alpha: float = 0.05, test: ExactTest = "fisher") -> Bools:
    """The tables that an exact test rejects.

    Parameters
    ----------
    n1, n2 : int, 1 or more
        Group sizes.
    alpha : float in (0, 1)
        Two-sided level.
    test : {'fisher', 'boschloo'}
        With their two-sided rules: the tables no more probable, and twice the smaller one-sided p-value.

    Returns
    -------
    ndarray of bool, shape (n1 + 1, n2 + 1)
        By x1 and x2; not to be changed.
    """
    if n1 < 1 or n2 < 1:
        raise ValueError(f"n1 and n2 must be at least 1, got {n1!r} and {n2!r}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be between 0 and 1, got {alpha!r}")
    choice(test, "test", EXACT_TESTS)
    alpha *= 1 + 1e-9
    found: Bools = fisher_p_values(n1, n2) <= alpha if test == "fisher" else _boschloo_rejected(n1, n2, alpha)
    found.setflags(write=False)
    return found


def _boschloo_rejected(n1: int, n2: int, alpha: float) -> Bools:
    """The largest set of each side, by Fisher's one-sided p-value, whose probability is at most half of alpha wherever it is."""
    x1, x2, given = margin(n1, n2, np.arange(n1 + n2 + 1))
    there = (x2 >= 0) & (x2 <= n2)
    found = np.zeros(given.shape, dtype=np.bool_)
    for side, order in enumerate(one_sided(given)):
        levels = np.unique(order[there])

        def probability(level: float, side: int = side) -> float:
            def tails(x1: Ints, x2: Ints, given: Floats) -> list[Bools]:
                return [at_most(one_sided(given)[side], level)]

            return largest_at_a_common_chance(n1, n2, tails)[0]

        # The test given the total is conservative: nothing up to alpha / 2 is too much.
        kept, lost = int(np.searchsorted(levels, alpha / 2, side="right")) - 1, levels.size
        while lost - kept > 1:
            middle = (kept + lost) // 2
            kept, lost = (middle, lost) if 2 * probability(float(levels[middle])) <= alpha else (kept, middle)
        if kept >= 0:
            found |= at_most(order, float(levels[kept]))
    return _by_table(x1, x2, n2, found)
