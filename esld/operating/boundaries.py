"""Boundaries of a trial with one to five looks, by large samples: what is spent at each look, and where it stops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf, isfinite, log1p, nan, sqrt
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from esld.longform import Shown, long_frame
from esld.methods import made_by, step
from esld.operating._walk import FAR, NOTHING, Walk, between, root, spend, stages, stopped
from esld.operating.stopping import Stopping, by_look

Spending = Callable[[float], float]
Spent = Literal["lan-demets-obrien-fleming", "lan-demets-pocock"]
Kind = Literal["pocock", "obrien-fleming", "haybittle-peto", "lan-demets-obrien-fleming", "lan-demets-pocock"]

SPENT: tuple[Spent, ...] = ("lan-demets-obrien-fleming", "lan-demets-pocock")
KINDS: tuple[Kind, ...] = ("pocock", "obrien-fleming", "haybittle-peto", *SPENT)
LOOKS = 5
OWN = "own-spending"

_HIGHEST = 20.0
_DRIFTS = 64  # points of the belief in a drift


@dataclass(frozen=True, kw_only=True)
class Boundaries(Shown):
    """Boundaries on the scale of z, and the level that they spend; the plan that the exact designs keep to.

    Attributes
    ----------
    kind : str
        One of `KINDS`, or 'own-spending'.
    alpha : float
        Level; two-sided if `sided` is 2.
    sided : {1, 2}
        One-sided: stop for a large z. Two-sided: for a large absolute value.
    information : tuple of float
        Fraction of the information at each look; the last is 1.
    critical : tuple of float
        z at which to stop; inf at a look at which nothing is spent.
    spent : tuple of float
        Level spent up to each look, under no difference.
    futility : tuple of float
        z at or below which (two-sided: absolute z) the trial may stop for futility; -inf where it may not, as at the
        last look. It is not binding: `spent` does not count on it.
    method : str
        As a code.
    """

    kind: str
    alpha: float
    sided: int
    information: tuple[float, ...]
    critical: tuple[float, ...]
    spent: tuple[float, ...]
    futility: tuple[float, ...]
    method: str

    @property
    def looks(self) -> int:
        """How many."""
        return len(self.information)

    @property
    def stage_levels(self) -> tuple[float, ...]:
        """One-sided level of each look taken by itself, 1 - Phi(critical)."""
        return tuple(float(ndtr(-z)) for z in self.critical)

    @property
    def spent_a_side(self) -> tuple[float, ...]:
        """Level spent up to each look on each side that is tested."""
        return tuple(spent / self.sided for spent in self.spent)

    def stopping(self, drift: float, *, futility: bool = True) -> Stopping:
        """What happens at each look if z is expected to be `drift` at the last.

        Parameters
        ----------
        drift : float
            Of any sign; expected z at the fraction t is ``drift * sqrt(t)``.
        futility : bool, default True
            Whether the trial stops where it may for futility.
        """
        if not isfinite(drift):
            raise ValueError(f"drift must be finite, got {drift!r}")
        bounds = self.futility if futility else (-inf,) * self.looks
        upper, lower, given_up = stages(self.information, self.critical, bounds, self.sided, drift)
        return Stopping(
            drift=float(drift), information=self.information, upper=upper, lower=lower, futility=given_up
        )

    def drift(self, power: float) -> float:
        """Expected z at the last look with which the upper boundary is crossed with that power, futility heeded.

        Raises
        ------
        ValueError
            `power` is not above the one-sided level and below 1.
        """
        least = self.alpha / self.sided
        if not least < power < 1:
            raise ValueError(f"power must be above {least:g} and below 1, got {power!r}")
        return root(lambda drift: self.stopping(drift).power - power, 0.0, _HIGHEST)

    def conditional_power(
        self, look: int, z: float, drift: float, *, futility: bool = False
    ) -> tuple[float, float]:
        """Chance that a trial that has this z at a look will cross the upper boundary later on, and the lower one.

        Parameters
        ----------
        look : int
            From 1 to the last but one.
        z : float
            As observed; whether it lies in the boundaries of its look is not asked.
        drift : float
            As for `stopping`; ``z / sqrt(t)`` supposes that it goes on as it went.
        futility : bool, default False
            Whether the trial stops where it may for futility.

        Notes
        -----
        With one look to come it is 1 - Phi((c - z sqrt(t) - drift (1 - t)) / sqrt(1 - t)); Lan and Wittes (1988), Biometrics
        44:579-585.
        """
        return self._ahead(look, z, drift, 0.0, futility)

    def predictive_power(self, look: int, z: float, *, futility: bool = False) -> tuple[float, float]:
        """`conditional_power` averaged over what is believed of the drift at a look, from a flat prior.

        Notes
        -----
        The drift is normal with mean ``z / sqrt(t)`` and variance 1 / t; Spiegelhalter, Freedman and Blackburn (1986), Control
        Clin Trials 7:8-17.
        """
        t = self.information[_before_last(look, self.looks) - 1]
        return self._ahead(look, z, z / sqrt(t), 1 / sqrt(t), futility)

    def _ahead(self, look: int, z: float, drift: float, sd: float, futility: bool) -> tuple[float, float]:
        _before_last(look, self.looks)
        if not (isfinite(z) and isfinite(drift)):
            raise ValueError(f"z and drift must be finite, got {z!r} and {drift!r}")
        bounds = self.futility if futility else (-inf,) * self.looks
        points, weights = np.polynomial.hermite_e.hermegauss(_DRIFTS) if sd else (np.zeros(1), np.ones(1))
        found = np.zeros(2)
        for point, weight in zip(points, weights / weights.sum(), strict=True):
            walk = Walk(self.information, drift + sd * float(point), look=look, z=z)
            for k in range(look, self.looks):
                c = self.critical[k]
                found += weight * np.array([walk.above(c), walk.below(-c) if self.sided == 2 else 0.0])
                if k < self.looks - 1:
                    walk.go_on(*between(c, bounds[k], self.sided))
        upper, lower = np.clip(found, 0.0, 1.0)
        return float(upper), float(lower)

    def inflation(self, power: float) -> float:
        """Largest information of this trial as a multiple of that of a trial without looks of the same power."""
        fixed = float(ndtri(1 - self.alpha / self.sided) + ndtri(power))
        return (self.drift(power) / fixed) ** 2

    def to_frame(self) -> pd.DataFrame:
        """Long form: critical, stage_level, alpha_spent and futility of each look (`group`); `time` is the fraction."""
        columns = {"critical": self.critical, "stage_level": self.stage_levels, "alpha_spent": self.spent}
        if any(isfinite(z) for z in self.futility):
            columns["futility"] = self.futility
        return long_frame(by_look(self.information, columns, self.method)).assign(n=nan, events=nan)


def group_sequential(
    kind: Kind | Spending,
    *,
    information: Sequence[float],
    alpha: float = 0.025,
    sided: int = 1,
    interim: float = 3.0,
    futility: Spent | Spending | Sequence[float] | None = None,
    power: float = 0.8,
) -> Boundaries:
    """Boundaries of a trial that is looked at up to five times.

    Parameters
    ----------
    kind : one of `KINDS`, or a function
        'pocock': one z at all looks. 'obrien-fleming': z falls as ``1 / sqrt(t)``. 'haybittle-peto': z is `interim`
        before the last look. 'lan-demets-…': spends as the named boundary nearly does. A function of the
        fraction t of the information: the share of `alpha` spent up to t, from 0 to 1 and never falling.
    information : sequence of float
        Fractions of the information at the looks, rising and ending with 1; 1 to 5 of them.
    alpha : float in (0, 0.5), default 0.025
        Level, of both sides together if there are two.
    sided : {1, 2}
    interim : float, above 0, default 3
        z of 'haybittle-peto' before the last look.
    futility : one of `SPENT`, a function, a sequence of float, or None
        Not binding. As a sequence: z of the looks before the last, -inf where there is none. Else the error
        ``1 - power`` is spent like a level: at the effect with which the trial, stopped for futility where it may,
        has that power.
    power : float in [0.5, 1), default 0.8
        Of a `futility` that is spent.

    Returns
    -------
    Boundaries

    Raises
    ------
    ValueError
        An argument outside its range; nothing is left for the last look.

    Notes
    -----
    The score process is followed from look to look by Gauss's rule on panels not wider than 3 standard deviations of
    the shorter step before or after: errors are near 1e-12.

    References
    ----------
    Armitage, McPherson and Rowe (1969), J R Stat Soc A 132:235-244, for the recursion; Jennison and Turnbull (2000),
    Group Sequential Methods, chapters 2, 7 and 19. Pocock (1977), Biometrika 64:191-199. O'Brien and Fleming (1979),
    Biometrics 35:549-556. Haybittle (1971), Br J Radiol 44:793-797. Peto et al. (1976), Br J Cancer 34:585-612. Lan
    and DeMets (1983), Biometrika 70:659-663. Pampallona, Tsiatis and Kim (2001), Drug Inf J 35:1113-1121, for the
    futility bounds. Equal to R rpact 3.3.4 (``tests/reference/operating``).

    Examples
    --------
    >>> from esld.operating import group_sequential
    >>> bounds = group_sequential("obrien-fleming", information=[0.5, 1], alpha=0.05, sided=2)
    >>> [round(z, 3) for z in bounds.critical]
    [2.797, 1.977]
    """
    t = _fractions(information)
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha must be above 0 and below 0.5, got {alpha!r}")
    if sided not in (1, 2):
        raise ValueError(f"sided must be 1 or 2, got {sided!r}")
    name = _named(kind, KINDS, "kind")
    if name in (*SPENT, OWN):
        spent = _spending(kind, t, alpha, sided)  # type: ignore[arg-type]
        critical = spend(t, spent, sided)
    else:
        critical = _shaped(name, t, alpha, sided, interim)
        spent = _added(stages(t, critical, (-inf,) * len(t), sided, 0.0)[0], sided)
    if not isfinite(critical[-1]):
        raise ValueError(f"kind must leave something to spend at the last look, got {spent}")
    bounds = _futility(futility, t, critical, sided, power)
    steps = [step("group-sequential", *(f"{each:.3g}" for each in t))]
    steps.append(step(name, f"{interim:g}") if name == "haybittle-peto" else name)
    steps.append("two-sided" if sided == 2 else "one-sided")
    if futility is not None:
        steps.append("non-binding-futility")
    return Boundaries(
        kind=name, alpha=float(alpha), sided=int(sided), information=t, critical=critical, spent=spent,
        futility=bounds, method=made_by(*steps),
    )  # fmt: skip


def _shaped(name: str, t: Sequence[float], alpha: float, sided: int, interim: float) -> tuple[float, ...]:
    """Critical values of a given shape whose levels add up to alpha."""
    if name == "haybittle-peto":
        if not 0 < interim < FAR:
            raise ValueError(f"interim must be above 0 and below {FAR:g}, got {interim!r}")
        shape = partial(_last, interim, len(t))
    else:
        power = 0.0 if name == "pocock" else -0.5
        shape = partial(_scaled, tuple(each**power for each in t))

    def left(c: float) -> float:
        return sided * sum(stages(t, shape(c), (-inf,) * len(t), sided, 0.0)[0]) - alpha

    if left(FAR) >= 0:
        raise ValueError(f"interim must be high enough to leave something to the last look, got {interim!r}")
    return shape(root(left, 0.01, FAR))


def _last(interim: float, looks: int, c: float) -> tuple[float, ...]:
    return (*(interim,) * (looks - 1), c)


def _scaled(shape: tuple[float, ...], c: float) -> tuple[float, ...]:
    return tuple(c * each for each in shape)


def _spending(how: Spent | Spending, t: Sequence[float], level: float, sided: int) -> tuple[float, ...]:
    """What is spent up to each look."""
    if how == "lan-demets-obrien-fleming":
        z = float(ndtri(1 - level / (2 * sided)))
        return (*(2 * sided * float(ndtr(-z / sqrt(each))) for each in t[:-1]), level)
    if how == "lan-demets-pocock":
        return (*(level * log1p((np.e - 1) * each) for each in t[:-1]), level)
    shares = [float(how(each)) for each in t]
    rising = all(a <= b for a, b in zip([0.0, *shares], shares, strict=False))
    if not rising or abs(shares[-1] - 1) > 1e-9:
        raise ValueError(
            f"the share spent must rise from 0 to 1 at the fraction 1, got {shares} at {list(t)}"
        )
    return (*(level * share for share in shares[:-1]), level)


def _futility(
    how: Spent | Spending | Sequence[float] | None,
    t: Sequence[float],
    critical: tuple[float, ...],
    sided: int,
    power: float,
) -> tuple[float, ...]:
    """Futility bounds of each look."""
    if how is None:
        return (-inf,) * len(t)
    if not isinstance(how, str) and not callable(how):
        given = tuple(float(z) for z in how)
        if len(given) != len(t) - 1:
            raise ValueError(
                f"futility must have a z for each look but the last, got {list(given)} of {len(t)} looks"
            )
        if not all(z < c for z, c in zip(given, critical, strict=False)):
            raise ValueError(f"futility must be below the critical values {critical[:-1]}, got {list(given)}")
        return (*given, -inf)
    _named(how, SPENT, "futility")
    if not 0.5 <= power < 1:
        raise ValueError(f"power must be from 0.5 to below 1, got {power!r}")
    spent = _spending(how, t, 1 - power, 1)
    errors = np.diff(spent, prepend=0.0)

    def followed(drift: float) -> tuple[list[float], float]:
        walk, bounds, missed = Walk(t, drift), list[float](), 0.0
        for k, (c, error) in enumerate(zip(critical, errors, strict=True)):
            last = k == len(t) - 1
            bounds.append(c if last else _bound(walk, c, float(error), sided))
            missed += stopped(walk, bounds[-1], sided)
            if not last:
                walk.go_on(*between(c, bounds[-1], sided))
        return bounds, missed

    drift = root(lambda drift: followed(drift)[1] - (1 - power), 0.5, _HIGHEST)
    return (*followed(drift)[0][:-1], -inf)


def _bound(walk: Walk, critical: float, error: float, sided: int) -> float:
    """Where so much is stopped for futility; at most the critical value."""
    least, most = (-FAR, min(critical, _HIGHEST)) if sided == 1 else (0.0, min(critical, _HIGHEST))
    if error <= NOTHING or stopped(walk, least, sided) >= error:
        return -inf
    if stopped(walk, most, sided) <= error:
        return most
    return root(lambda z: stopped(walk, z, sided) - error, least, most)


def _added(levels: Sequence[float], sided: int) -> tuple[float, ...]:
    return tuple(float(each) for each in sided * np.cumsum(levels))


def _before_last(look: int, looks: int) -> int:
    if not 1 <= look < looks:
        raise ValueError(f"look must be from 1 to the last but one of {looks}, got {look}")
    return look


def _named(how: object, allowed: Sequence[str], what: str) -> str:
    if callable(how):
        return OWN
    if how not in allowed:
        raise ValueError(f"{what} must be one of {list(allowed)}, or a function, got {how!r}")
    return str(how)


def _fractions(information: Sequence[float]) -> tuple[float, ...]:
    t = tuple(float(each) for each in information)
    if not 1 <= len(t) <= LOOKS:
        raise ValueError(f"information must be of 1 to {LOOKS} looks, got {len(t)}")
    if not all(a < b for a, b in zip((0.0, *t), t, strict=False)) or abs(t[-1] - 1) > 1e-12:
        raise ValueError(f"information must rise from above 0 to 1 at the last look, got {list(t)}")
    return (*t[:-1], 1.0)
