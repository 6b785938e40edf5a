"""Coins: each subject is assigned with a probability that depends on the difference of the arms so far."""

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from math import isfinite

import numpy as np

from esld.methods import step
from esld.randomisation.designs import Allocations, Floats, whole_number
from esld.randomisation.paths import Paths, SequentialDesign


class Coin(SequentialDesign):
    """What the coins share: the next subject joins the second arm with a chance that the difference gives."""

    @abstractmethod
    def _chance(self, difference: int) -> float:
        """Probability of the second arm, given subjects in the second less subjects in the first."""

    @cached_property
    def _paths(self) -> Paths:
        def moves(difference: int) -> tuple[int | None, int | None]:
            chance = self._chance(difference)
            return difference - 1 if chance < 1 else None, difference + 1 if chance > 0 else None

        return Paths.of(self.n, 0, moves)

    @cached_property
    def _chances(self) -> Floats:
        """Probability of the second arm at the differences -n to n."""
        return np.array([self._chance(difference) for difference in range(-self.n, self.n + 1)])

    def _weigh(self, codes: Allocations) -> Floats:
        state = np.full(len(codes), self.n)  # the difference as a place in `_chances`
        found = np.ones(len(codes))
        for code in codes.T.astype(np.int64):
            chance = self._chances.take(state)
            found *= np.where(code, chance, 1 - chance)
            state += 2 * code - 1
        return found

    def by_size(self) -> tuple[list[int], Floats]:
        """How many allocations have k subjects in the second arm, k = 0 to n, and their probability."""
        chance, found = self._chances, np.zeros(2 * self.n + 1)
        found[self.n] = 1
        for _ in range(self.n):
            up, down = found * chance, found * (1 - chance)
            found = np.concatenate(([0.0], up[:-1])) + np.concatenate((down[1:], [0.0]))
        return self._paths.by_size(), found[::2]  # the difference is 2k - n, in place 2k

    def draw(self, rng: np.random.Generator, size: int) -> Allocations:
        """Independent draws with the design's probabilities.

        Parameters
        ----------
        rng : numpy.random.Generator
        size : int
            How many.

        Returns
        -------
        ndarray of uint8, shape (size, n)
            Stored by columns.
        """
        drawn = np.empty((self.n, size), dtype=np.uint8)
        state, uniform = np.full(size, self.n), np.empty(size)
        for row in drawn:
            rng.random(out=uniform)
            np.less(uniform, self._chances.take(state), out=row.view(np.bool_))
            state += row
            state += row
            state -= 1
        return drawn.T


@dataclass(frozen=True, kw_only=True)
class SimpleRandomisation(Coin):
    """Each subject by a toss of the same coin, whatever became of the others.

    Parameters
    ----------
    n : int
        Subjects, 1 or more.
    probability_second : float, default 0.5
        Of the second arm, above 0 and below 1.

    Raises
    ------
    ValueError
        A parameter out of its range.

    References
    ----------
    Rosenberger and Lachin (2015), Randomization in Clinical Trials, 2nd ed., chapter 3, where it is called
    complete randomisation.

    Examples
    --------
    >>> import numpy as np
    >>> from esld.randomisation import SimpleRandomisation
    >>> design = SimpleRandomisation(n=22)
    >>> design.count
    4194304
    >>> design.draw(np.random.default_rng(1), 2).sum(axis=1).tolist()
    [10, 11]
    """

    n: int
    probability_second: float = 0.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", whole_number("n", self.n))
        if not 0 < self.probability_second < 1:
            raise ValueError(f"probability_second must be above 0 and below 1, got {self.probability_second}")

    @property
    def conditions(self) -> str:
        """Nothing but the coin."""
        return step("simple", f"{self.probability_second:.6g}")

    def _chance(self, difference: int) -> float:
        return self.probability_second


@dataclass(frozen=True, kw_only=True)
class BigStick(Coin):
    """A fair coin, but for the smaller arm as soon as the difference of the arms is `limit`.

    Parameters
    ----------
    n : int
        Subjects, 1 or more.
    limit : int, default 3
        Largest difference of the arms at any time, 1 or more.

    Raises
    ------
    ValueError
        A parameter out of its range.

    References
    ----------
    Soares and Wu (1983), Commun Stat Theory Methods 12:2017-2034.

    Examples
    --------
    >>> from esld.randomisation import BigStick
    >>> BigStick(n=4, limit=2).probability([[0, 1, 1, 0], [0, 0, 1, 1], [0, 0, 0, 1]]).tolist()
    [0.0625, 0.125, 0.0]
    """

    n: int
    limit: int = 3

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", whole_number("n", self.n))
        object.__setattr__(self, "limit", whole_number("limit", self.limit))

    @property
    def conditions(self) -> str:
        """The limit."""
        return step("big-stick", self.limit)

    def _chance(self, difference: int) -> float:
        return 0.5 if abs(difference) < self.limit else float(difference < 0)


@dataclass(frozen=True, kw_only=True)
class BiasedCoin(Coin):
    """The smaller arm with probability `p`; a fair coin while the arms are equal.

    Parameters
    ----------
    n : int
        Subjects, 1 or more.
    p : float, default 2/3
        0.5 (simple randomisation) to 1 (permuted blocks of 2).

    Raises
    ------
    ValueError
        A parameter out of its range.

    References
    ----------
    Efron (1971), Biometrika 58:403-417.

    Examples
    --------
    >>> from esld.randomisation import BiasedCoin
    >>> BiasedCoin(n=3).probability([[0, 1, 0], [0, 0, 1], [0, 0, 0]]).round(3).tolist()
    [0.167, 0.111, 0.056]
    """

    n: int
    p: float = 2 / 3

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", whole_number("n", self.n))
        if not (isfinite(self.p) and 0.5 <= self.p <= 1):
            raise ValueError(f"p must be 0.5 to 1, got {self.p}")

    @property
    def conditions(self) -> str:
        """The coin."""
        return step("biased-coin", f"{self.p:.6g}")

    def _chance(self, difference: int) -> float:
        return 0.5 if difference == 0 else self.p if difference < 0 else 1 - self.p
