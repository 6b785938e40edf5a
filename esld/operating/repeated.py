"""Repeated confidence intervals of a difference of proportions: right at every look at once, whenever the trial ends."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from esld.methods import made_by
from esld.operating._tables import calibrated
from esld.operating.binary import BinaryDesign
from esld.survival.exact_difference import largest_kept
from esld.survival.proportions import TwoProportions

_PRECISION = 1e-6


def repeated_interval(design: BinaryDesign, look: int, x1: int, x2: int) -> TwoProportions:
    """Exact interval of p1 - p2 at a look, of which those of all looks hold together.

    Parameters
    ----------
    design : BinaryDesign
    look : int, 1 or more
        From 1; x1 and x2 are the counts at it.
    x1, x2 : int, 0 or more
        Counted in the first and the second group.

    Returns
    -------
    TwoProportions
        The difference, with its limits. `conf_level` is 1 less twice the level that the design spends on a side, and
        that chance is kept for all looks together, whatever made the trial stop.

    Raises
    ------
    ValueError
        No such look; counts that are none of its groups.

    Notes
    -----
    The limits are the outermost differences that are not rejected at this look by the design made anew for that
    difference, with its own score z and the same levels spent. At no difference that is the design itself: a lower
    limit above 0 means that the look rejects. With one look it is the exact interval of `risk_difference`.

    References
    ----------
    Jennison and Turnbull (1989), J R Stat Soc B 51:305-361. Chan and Zhang (1999), Biometrics 55:1202-1209, for the
    tests that are inverted.

    Examples
    --------
    >>> from esld.operating import binary_design, group_sequential, repeated_interval
    >>> bounds = group_sequential("pocock", information=[0.5, 1])
    >>> found = repeated_interval(binary_design(bounds, n1=[5, 10], n2=[5, 10]), 1, 5, 1)
    >>> found.lower < 0.8 < found.upper
    True
    """
    n1, n2 = design.at(look, x1, x2)
    looks = partial(
        _lower, spent=design.boundaries.spent_a_side[:look], both=design.boundaries.sided == 2,
        points=design.nuisance.size,
    )  # fmt: skip
    return TwoProportions(
        statistic="risk_difference", value=x1 / n1 - x2 / n2,
        lower=looks(design.n1[:look], design.n2[:look], x1, x2),
        upper=-looks(design.n2[:look], design.n1[:look], x2, x1),
        conf_level=1 - 2 * design.boundaries.spent_a_side[-1], method=made_by("repeated", design.method),
        x1=x1, n1=n1, x2=x2, n2=n2,
    )  # fmt: skip


def _lower(
    n1: Sequence[int], n2: Sequence[int], x1: int, x2: int, *, spent: Sequence[float], both: bool, points: int
) -> float:
    """The smallest difference that the upper side does not reject."""
    estimate = x1 / n1[-1] - x2 / n2[-1]
    if estimate == -1:
        return -1.0

    def kept(fall: float) -> bool:
        looks = calibrated(n1, n2, spent, both=both, difference=-fall, points=points)
        return not looks[-1].upper.rejected[x1, x2]

    return -largest_kept(-estimate, kept, _PRECISION)
