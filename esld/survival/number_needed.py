"""The number needed to treat: a difference of proportions turned over, and what becomes of its limits."""

from dataclasses import dataclass
from math import inf, nan

import pandas as pd

from esld.longform import About, Estimate, Shown, estimate_rows, long_frame, row
from esld.methods import made_by
from esld.reasons import Why, because
from esld.survival.proportions import DifferenceMethod, risk_difference


@dataclass(frozen=True, kw_only=True)
class NumberNeeded(Estimate, Shown):
    """The number needed to treat, of `x1` of `n1` against `x2` of `n2`.

    Where the limits of the difference include 0 there is no interval from `lower` to `upper` (both are
    NaN): the numbers not excluded are `benefit` and above, through no effect at all, to harm by one in
    `harm` or more.

    Attributes
    ----------
    benefit : float
        Fewest to treat for one more good outcome, above 0; NaN where the limits exclude benefit.
    harm : float
        Fewest to treat for one good outcome lost, above 0; NaN where the limits exclude harm.
    disjoint : bool
        Whether the limits of the difference include 0, so that the numbers run through infinity.
    """

    benefit: float
    harm: float
    disjoint: bool
    x1: int
    n1: int
    x2: int
    n2: int

    def to_frame(self, *, group: str = "") -> pd.DataFrame:
        """Long form: number_needed_to_treat; if disjoint, the limits of benefit and of harm as well."""
        about: About = {"n": self.n1 + self.n2, "events": self.x1 + self.x2, "group": group}
        rows = estimate_rows("number_needed_to_treat", self, **about)
        if self.disjoint:
            about |= {"method": self.method, "reason": self.reason}
            rows.append(row("number_needed_to_benefit_limit", self.benefit, **about))
            rows.append(row("number_needed_to_harm_limit", self.harm, **about))
        return long_frame(rows)


def number_needed_to_treat(
    x1: int,
    n1: int,
    x2: int,
    n2: int,
    *,
    method: DifferenceMethod = "miettinen-nurminen",
    conf_level: float = 0.95,
) -> NumberNeeded:
    """Reciprocal of the risk difference x1/n1 - x2/n2, with the reciprocals of its limits.

    Parameters
    ----------
    x1, n1, x2, n2 : int, 0 <= x <= n, n >= 1
        Good outcomes (alive), and all; the first group had the treatment in question. Above 0 it is the
        number to treat for one more good outcome (benefit), below 0 for one fewer (harm).
    method, conf_level
        Limits of the difference, as for `risk_difference`.

    Returns
    -------
    NumberNeeded
        Infinite where the difference is 0. Where the limits of the difference include 0, `disjoint`, and
        `reason` says so. Nothing is rounded up to whole patients.

    Raises
    ------
    ValueError
        As for `risk_difference`.

    References
    ----------
    Altman (1998), BMJ 317:1309-1312.

    Examples
    --------
    >>> from esld.survival import number_needed_to_treat
    >>> found = number_needed_to_treat(10, 11, 7, 11)
    >>> round(found.value, 2), found.disjoint, round(found.benefit, 2), round(found.harm, 2)
    (3.67, True, 1.7, 10.43)
    """
    gap = risk_difference(x1, n1, x2, n2, method=method, conf_level=conf_level)
    disjoint = gap.lower <= 0 <= gap.upper
    benefit = 1 / gap.upper if gap.upper > 0 else (inf if disjoint else nan)
    harm = -1 / gap.lower if gap.lower < 0 else (inf if disjoint else nan)
    reason, lower, upper = None, nan, nan
    if disjoint:
        reason = because(Why.MAY_BE_ZERO)
    else:
        lower, upper = 1 / gap.upper, 1 / gap.lower
    return NumberNeeded(
        value=1 / gap.value if gap.value else inf, lower=lower, upper=upper, conf_level=conf_level,
        method=made_by("reciprocal", gap.method), reason=reason, benefit=benefit, harm=harm,
        disjoint=disjoint, x1=gap.x1, n1=gap.n1, x2=gap.x2, n2=gap.n2,
    )  # fmt: skip
