"""How many subjects an arm needs: for a width, a power or an assurance; and what a given number gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import pandas as pd

from esld.longform import About, Shown, long_frame, row
from esld.operating._joint import joint
from esld.operating.priors import BetaMixture, Floats, Ints, Second
from esld.survival import clopper_pearson, risk_difference, wilson
from esld.survival.power import ExactTest, binomial_probabilities, rejected
from esld.survival.proportions import DIFFERENCE_METHODS, DifferenceMethod

ProportionMethod = Literal["clopper-pearson", "wilson"]
PROPORTION_METHODS: dict[str, Callable[..., object]] = {"clopper-pearson": clopper_pearson, "wilson": wilson}
_NEVER = 1e-10  # of tables that add nothing to an expected width


@dataclass(frozen=True, kw_only=True, eq=False)
class SizeCurve(Shown):
    """What each number of subjects an arm gives, and the number that is needed.

    Attributes
    ----------
    statistic : {'power', 'assurance', 'expected_width', 'largest_width'}
    sizes : ndarray of int, shape (m,)
        Subjects of each arm, ascending.
    values : ndarray of shape (m,)
    target : float
        What power or assurance must at least, a width at most be; NaN if nothing is asked.
    method : str
        The test or the interval.
    """

    statistic: str
    sizes: Ints
    values: Floats
    target: float
    method: str

    @property
    def n(self) -> int | None:
        """The smallest size from which on every size looked at meets the target; None if the last one does not.

        Exact power is a saw: it may meet the target, and miss it with one subject more.
        """
        met = self.values <= self.target if self.statistic.endswith("width") else self.values >= self.target
        missed = np.flatnonzero(~met)
        first = int(missed[-1]) + 1 if missed.size else 0
        return int(self.sizes[first]) if first < self.sizes.size else None

    def to_frame(self, *, group: str = "") -> pd.DataFrame:
        """Long form: a row a size, `n` being the subjects of both arms (of one for the width of a proportion)."""
        arms = 1 if self.method in PROPORTION_METHODS else 2
        about: About = {"n": 0, "events": 0, "group": group, "method": self.method}
        return long_frame(
            row(self.statistic, float(value), **(about | {"n": int(size) * arms}))
            for size, value in zip(self.sizes, self.values, strict=True)
        )


def power_curve(
    sizes: Sequence[int],
    *,
    p1: float,
    p2: float,
    test: ExactTest = "fisher",
    alpha: float = 0.05,
    target: float = float("nan"),
) -> SizeCurve:
    """Exact power of a test of two proportions with so many subjects in each arm.

    Parameters
    ----------
    sizes : sequence of int
        Subjects of each arm to look at, ascending; for the number needed all of a range, since power is a saw.
    p1, p2 : float in [0, 1]
        True proportions.
    test : {'fisher', 'boschloo'}
        As `esld.survival.fisher` or `esld.survival.boschloo`.
    alpha : float in (0, 1)
        Two-sided level.
    target : float in (0, 1), optional
        The power wanted.

    Returns
    -------
    SizeCurve

    Raises
    ------
    ValueError
        Sizes that do not ascend from 1 or more; a proportion or level outside its range; an unknown test.

    Examples
    --------
    >>> from esld.operating import power_curve
    >>> power_curve([11], p1=0.4, p2=0.9).values.round(2).tolist()
    [0.56]
    >>> power_curve(range(5, 61), p1=0.4, p2=0.9, target=0.8).n
    17
    """
    _chances(p1, p2)

    def power(n: int) -> float:
        chances = np.outer(binomial_probabilities(n, p1), binomial_probabilities(n, p2))
        return float(chances[rejected(n, n, alpha=alpha, test=test)].sum())

    return _curve("power", sizes, power, target, test)


def assurance_curve(
    sizes: Sequence[int],
    *,
    first: BetaMixture,
    second: Second,
    test: ExactTest = "fisher",
    alpha: float = 0.05,
    target: float = float("nan"),
) -> SizeCurve:
    """Assurance: the chance that the test rejects with the second arm higher, averaged over what is believed of the chances.

    Parameters
    ----------
    sizes, test, alpha, target
        As for `power_curve`. No number of subjects brings assurance above the prior probability that the second is higher.
    first : BetaMixture
        What is believed of the first arm's chance before the trial.
    second : BetaMixture or Linked
        Of the second arm's, for itself or, with the first, of both that they are alike.

    Returns
    -------
    SizeCurve
        Exact: each table is weighted by its prior predictive probability.

    Raises
    ------
    ValueError
        Sizes that do not ascend from 1 or more; a level outside its range; an unknown test.

    References
    ----------
    O'Hagan, Stevens and Campbell (2005), Pharm Stat 4:187-201.

    Examples
    --------
    >>> from esld.operating import assurance_curve, beta_prior
    >>> curve = assurance_curve([11, 50], first=beta_prior(0.4, 20), second=beta_prior(0.9, 20))
    >>> curve.values.round(2).tolist()
    [0.57, 0.97]
    """
    prior = joint((0, 0, 0, 0), first, second)

    def assurance(n: int) -> float:
        x = np.arange(n + 1)
        success = rejected(n, n, alpha=alpha, test=test) & (x[:, None] < x[None, :])
        return float(prior.coming((n, n))[success].sum())

    return _curve("assurance", sizes, assurance, target, test)


def width_curve(
    sizes: Sequence[int],
    *,
    p1: float,
    p2: float,
    method: DifferenceMethod = "miettinen-nurminen",
    conf_level: float = 0.95,
    largest: bool = False,
    target: float = float("nan"),
) -> SizeCurve:
    """Width of the interval of a difference of two proportions with so many subjects in each arm.

    Parameters
    ----------
    sizes : sequence of int
        Subjects of each arm to look at, ascending.
    p1, p2 : float in [0, 1]
        True proportions, over which the expected width is taken.
    method : {'miettinen-nurminen', 'newcombe', 'exact'}
        As for `esld.survival.risk_difference`; the exact one takes 0.03 s a table.
    conf_level : float in (0, 1), default 0.95
    largest : bool, default False
        The largest width of all tables, whatever the true proportions, and not the expected one.
    target : float, above 0, optional
        The width wanted.

    Returns
    -------
    SizeCurve

    Raises
    ------
    ValueError
        Sizes that do not ascend from 1 or more; a proportion or level outside its range; an unknown method.

    Examples
    --------
    >>> from esld.operating import width_curve
    >>> width_curve([11, 50], p1=0.7, p2=0.8).values.round(2).tolist()
    [0.7, 0.34]
    """
    _chances(p1, p2)
    if method not in DIFFERENCE_METHODS:
        raise ValueError(f"method must be one of {list(DIFFERENCE_METHODS)}, got {method!r}")

    def width(n: int) -> float:
        if largest:
            return max(_width(x1, n, x2, n, method, conf_level) for x1, x2 in _distinct(n))
        return expected_width(n, n, p1=p1, p2=p2, method=method, conf_level=conf_level)

    return _curve("largest_width" if largest else "expected_width", sizes, width, target, method)


def expected_width(
    n1: int,
    n2: int,
    *,
    p1: float,
    p2: float,
    method: DifferenceMethod = "miettinen-nurminen",
    conf_level: float = 0.95,
) -> float:
    """Expected width of the interval of a difference of two proportions, over all tables of two groups.

    Parameters
    ----------
    n1, n2 : int, 1 or more
        Subjects of each group.
    p1, p2 : float in [0, 1]
        True proportions.
    method, conf_level
        As for `width_curve`.

    Returns
    -------
    float in [0, 2]

    Raises
    ------
    ValueError
        A proportion or level outside its range; an unknown method.

    References
    ----------
    Of each interval: as for `risk_difference`.

    Examples
    --------
    >>> from esld.operating import expected_width
    >>> round(expected_width(11, 11, p1=0.7, p2=0.8), 2)
    0.7
    """
    _chances(p1, p2)
    chances = np.outer(binomial_probabilities(n1, p1), binomial_probabilities(n2, p2))
    tables = np.argwhere(chances > _NEVER).tolist()
    total = sum(chances[x1, x2] * _width(*_first_of(x1, n1, x2, n2), method, conf_level) for x1, x2 in tables)
    return float(total / chances[chances > _NEVER].sum())


def proportion_width_curve(
    sizes: Sequence[int],
    *,
    p: float,
    method: ProportionMethod = "clopper-pearson",
    conf_level: float = 0.95,
    largest: bool = False,
    target: float = float("nan"),
) -> SizeCurve:
    """Width of the interval of one proportion of so many subjects.

    Parameters
    ----------
    sizes : sequence of int
        Subjects to look at, ascending.
    p : float in [0, 1]
        The true proportion, over which the expected width is taken.
    method : {'clopper-pearson', 'wilson'}
        As `esld.survival.clopper_pearson` or `esld.survival.wilson`.
    conf_level, largest, target
        As for `width_curve`.

    Returns
    -------
    SizeCurve

    Raises
    ------
    ValueError
        As for `width_curve`.

    Examples
    --------
    >>> from esld.operating import proportion_width_curve
    >>> proportion_width_curve(range(5, 200), p=0.8, largest=True, target=0.3).n
    47
    """
    _chances(p, p)
    if method not in PROPORTION_METHODS:
        raise ValueError(f"method must be one of {list(PROPORTION_METHODS)}, got {method!r}")
    interval = clopper_pearson if method == "clopper-pearson" else wilson

    def width(n: int) -> float:
        found = [interval(x, n, conf_level=conf_level) for x in range(n + 1)]
        widths = np.array([own.upper - own.lower for own in found])
        return float(widths.max() if largest else binomial_probabilities(n, p) @ widths)

    return _curve("largest_width" if largest else "expected_width", sizes, width, target, method)


def _curve(
    statistic: str, sizes: Sequence[int], value: Callable[[int], float], target: float, method: str
) -> SizeCurve:
    at = np.asarray(sizes, dtype=np.int64)
    if at.ndim != 1 or at.size == 0 or at[0] < 1 or (np.diff(at) <= 0).any():
        raise ValueError(f"sizes must ascend from 1 or more, got {list(sizes)!r}")
    return SizeCurve(
        statistic=statistic,
        sizes=at,
        values=np.array([value(n) for n in at.tolist()]),
        target=target,
        method=method,
    )


@lru_cache(maxsize=2**18)
def _width(x1: int, n1: int, x2: int, n2: int, method: DifferenceMethod, conf_level: float) -> float:
    found = risk_difference(x1, n1, x2, n2, method=method, conf_level=conf_level)
    return found.upper - found.lower


def _first_of(x1: int, n1: int, x2: int, n2: int) -> tuple[int, int, int, int]:
    """The first of the tables that have the same width: the arms or the outcomes change places."""
    one, other = (x1, n1, x2, n2), (n1 - x1, n1, n2 - x2, n2)
    return min(one, other, (*one[2:], *one[:2]), (*other[2:], *other[:2]))


def _distinct(n: int) -> Iterator[tuple[int, int]]:
    for x1 in range(n // 2 + 1):
        for x2 in range(x1, n - x1 + 1):
            yield x1, x2


def _chances(p1: float, p2: float) -> None:
    if not (0 <= p1 <= 1 and 0 <= p2 <= 1):
        raise ValueError(f"proportions must be between 0 and 1, got {p1!r} and {p2!r}")
