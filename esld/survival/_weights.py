"""Weights of the log-rank test: how much an event time counts, by survival just before it or by those at risk."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, Self

import numpy as np

from esld.methods import step
from esld.survival._data import Floats, Ints, choice

WeightName = Literal["fleming-harrington", "gehan", "tarone-ware"]
WEIGHT_NAMES = ("fleming-harrington", "gehan", "tarone-ware")


@dataclass(frozen=True, kw_only=True)
class Weights:
    """One kind of weight.

    Attributes
    ----------
    kind : {'fleming-harrington', 'gehan', 'tarone-ware'}
        S(t-)^rho (1 - S(t-))^gamma with the pooled left-continuous Kaplan-Meier estimate S; n at risk; sqrt(n).
    rho, gamma : float
        Powers of the first kind; both 0, with every weight 1, is the log-rank.
    """

    kind: WeightName
    rho: float
    gamma: float

    @classmethod
    def checked(cls, kind: WeightName, rho: float, gamma: float) -> Self:
        """As `logrank` takes them; refuses powers below 0, and powers where there are none."""
        choice(kind, "weights", WEIGHT_NAMES)
        for name, power in (("rho", rho), ("gamma", gamma)):
            if not (np.isfinite(power) and power >= 0):
                raise ValueError(f"{name} must be finite and 0 or more, got {power!r}")
            if power and kind != "fleming-harrington":
                raise ValueError(f"{name} must be 0 with weights {kind!r}, got {power!r}")
        return cls(kind=kind, rho=float(rho), gamma=float(gamma))

    @property
    def all_equal(self) -> bool:
        """Whether every event time counts 1: the log-rank."""
        return self.kind == "fleming-harrington" and self.rho == self.gamma == 0

    @property
    def name(self) -> str:
        """The test as a step of a method."""
        if self.kind != "fleming-harrington":
            return {"gehan": "gehan-breslow", "tarone-ware": "tarone-ware"}[self.kind]
        if self.gamma:
            return step("fleming-harrington", f"{self.rho:g}", f"{self.gamma:g}")
        known = {0.0: "log-rank", 1.0: "peto-peto"}
        return known.get(self.rho, step("fleming-harrington", f"{self.rho:g}", 0))

    def at(self, n_risk: Floats, left: Floats) -> Floats:
        """Weight of event times with `n_risk` at risk in the stratum and pooled survival `left` just before."""
        if self.kind == "gehan":
            return n_risk
        if self.kind == "tarone-ware":
            return np.sqrt(n_risk)
        found: Floats = left**self.rho * (1 - left) ** self.gamma
        return found

    def fraction(self, n_risk: int, left: Fraction) -> Fraction:
        """The same as a fraction; only where `rational`."""
        if self.all_equal:
            return Fraction(1)
        if self.kind == "gehan":
            return Fraction(n_risk)
        return left ** int(self.rho) * (1 - left) ** int(self.gamma)

    def at_most(self, n_risk: Ints) -> float:
        """No weight is above this."""
        return float(n_risk.max(initial=1)) if self.kind != "fleming-harrington" else 1.0

    @property
    def rational(self) -> bool:
        """Whether the weights are fractions of whole numbers."""
        whole = self.rho.is_integer() and self.gamma.is_integer()
        return self.kind == "gehan" or (self.kind == "fleming-harrington" and whole)
