"""Repeated intervals of a difference: the exact interval of one look, agreement with the design, control flow.

That the designs of other differences keep their level is tested in `test__tables`.
"""

import pytest

from esld.operating import binary_design, group_sequential, repeated_interval
from esld.survival import risk_difference

DESIGN = binary_design(
    group_sequential("pocock", information=[0.4, 1], alpha=0.1, sided=2), n1=[4, 9], n2=[4, 9], points=201
)


@pytest.mark.parametrize(("x1", "x2"), [(9, 4), (0, 0)])
def test_one_look_is_the_exact_interval(x1, x2):
    design = binary_design(group_sequential("pocock", information=[1]), n1=[11], n2=[9])
    found, fixed = repeated_interval(design, 1, x1, x2), risk_difference(x1, 11, x2, 9, method="exact")
    assert found.conf_level == pytest.approx(0.95)
    # Wider by what the bound between the points of the grid costs.
    assert fixed.lower - 1e-4 < found.lower <= fixed.lower + 1e-6
    assert fixed.upper - 1e-6 <= found.upper < fixed.upper + 1e-4


@pytest.mark.parametrize(("look", "x1", "x2"), [(1, 4, 0), (1, 3, 0), (2, 8, 2)])
def test_a_limit_above_0_is_a_rejection_and_swapping_mirrors(look, x1, x2):
    found, mirrored = repeated_interval(DESIGN, look, x1, x2), repeated_interval(DESIGN, look, x2, x1)
    assert (found.lower > 0) == DESIGN.upper[look - 1][x1, x2]
    assert (mirrored.upper < 0) == DESIGN.lower[look - 1][x2, x1]
    assert (found.lower, found.upper) == pytest.approx((-mirrored.upper, -mirrored.lower), abs=1e-9)
    assert -1 <= found.lower < found.value < found.upper <= 1 or found.value == found.upper == 1


def test_a_look_that_may_spend_nearly_nothing_tells_nearly_nothing():
    bounds = group_sequential("obrien-fleming", information=[0.2, 1])
    found = repeated_interval(binary_design(bounds, n1=[2, 8], n2=[2, 8]), 1, 1, 1)
    assert found.lower < -0.99 and found.upper > 0.99


def test_a_state_must_be_one_of_the_design():
    with pytest.raises(ValueError, match="look must be from 1 to 2, got 3"):
        repeated_interval(DESIGN, 3, 1, 1)
