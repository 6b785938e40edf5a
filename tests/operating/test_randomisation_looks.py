"""Boundaries by the randomisation itself: the exact log-rank of one look, every allocation listed, invariance, control flow."""

from fractions import Fraction
from itertools import combinations
from math import inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from esld.operating import group_sequential, logrank_looks, permutation_looks
from esld.operating.boundaries import KINDS
from esld.randomisation import (
    CompleteRandomisation,
    Minimisation,
    PermutedBlocks,
    SimpleRandomisation,
    difference_in_means,
)
from esld.survival import exact_logrank
from tests.examples import few
from tests.noise import noisy

INFORMATION = [0.4, 0.8, 1]
# Eight subjects who come one after the other; follow-up as it was known at three looks.
DEATH = np.array([3, 9, 2, 7, 8, 1, 9, 4])
ENTRY = np.arange(8)
LOOKS = (5, 8, 14)


def known(death=DEATH, entry=ENTRY, looks=LOOKS):
    """Time and event at each look; everybody alive nine time units after entry is censored then."""
    here = np.array(looks)[:, None] - entry
    end = np.minimum(np.minimum(death, 9), here)
    event = (death <= here) & (death < 9)
    return np.where(here > 0, end, nan).astype(float), event.astype(float)


def by_hand(time, event, second):
    """Events in the second arm less those expected, from the risk sets."""
    rows = [
        (t, bool(e), i in second) for i, (t, e) in enumerate(zip(time, event, strict=True)) if not isnan(t)
    ]
    total = Fraction(0)
    for at in {t for t, e, _ in rows if e}:
        at_risk = [row for row in rows if row[0] >= at]
        died = [row for row in at_risk if row[0] == at and row[1]]
        total += sum(row[2] for row in died) - Fraction(
            len(died) * sum(row[2] for row in at_risk), len(at_risk)
        )
    return total


TIME, EVENT = known()
EVERY = list(combinations(range(8), 4))
VALUES = {second: [by_hand(t, e, second) for t, e in zip(TIME, EVENT, strict=True)] for second in EVERY}
DESIGN = CompleteRandomisation(sizes=(4, 4))


def coded(second):
    return np.isin(np.arange(8), second).astype(int)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sided", [1, 2])
def test_every_allocation_of_a_small_trial(kind, sided):
    """Whichever allocation comes about: the share of those that reject is the level spent, and not above what is allowed."""
    bounds = group_sequential(kind, information=INFORMATION, alpha=0.2 * sided, sided=sided)
    found = logrank_looks(TIME, EVENT, bounds, design=DESIGN)
    limits = list(zip(found.critical, found.critical_lower, strict=True))
    first = {}  # look, and side, at which an allocation is rejected
    for second, values in VALUES.items():
        sides = [(v >= c - 1e-9) - (v <= low + 1e-9) for v, (c, low) in zip(values, limits, strict=True)]
        first[second] = next(((k, side) for k, side in enumerate(sides, 1) if side), (0, 0))
    for k, allowed in enumerate(bounds.spent_a_side):
        for side, spent in ((1, found.spent), (-1, found.spent_lower)):
            share = sum(0 < at <= k + 1 and s == side for at, s in first.values()) / len(EVERY)
            assert share == pytest.approx(spent[k], abs=1e-12)
            assert share <= allowed + 1e-12
    for second in EVERY[::9]:
        own = logrank_looks(TIME, EVENT, bounds, design=DESIGN, allocation=coded(second))
        assert own.observed == pytest.approx([float(v) for v in VALUES[second]], abs=1e-12)
        assert own.rejected_at == first[second][0]
        assert (own.critical, own.critical_lower) == (found.critical, found.critical_lower)


def test_a_boundary_takes_as_many_allocations_as_its_level_allows():
    bounds = group_sequential("pocock", information=INFORMATION, alpha=0.2)
    found = logrank_looks(TIME, EVENT, bounds, design=DESIGN)
    alive, spent = list(EVERY), Fraction(0)
    for k, allowed in enumerate(bounds.spent):
        limit = found.critical[k] - 1e-9
        left = [second for second in alive if VALUES[second][k] < limit]
        spent += Fraction(len(alive) - len(left), len(EVERY))
        following = max(VALUES[second][k] for second in left)
        tied = sum(VALUES[second][k] == following for second in left)
        assert spent <= allowed < spent + Fraction(tied, len(EVERY))
        alive = left


@pytest.mark.parametrize("studentised", [False, True])
def test_one_look_is_the_exact_logrank_test(studentised):
    time, event = TIME[-1], EVENT[-1]
    bounds = group_sequential("pocock", information=[1], alpha=0.2, sided=2)
    for second in EVERY[::7]:
        fixed = exact_logrank(time, event, coded(second), studentised=studentised)
        found = logrank_looks(
            [time], [event], bounds, design=DESIGN, allocation=coded(second), studentised=studentised
        )
        assert found.observed[0] == pytest.approx(fixed.observed, abs=1e-12)
        assert found.p_upper[0] == pytest.approx(fixed.p_upper, abs=1e-12)
        assert found.p_lower[0] == pytest.approx(fixed.p_lower, abs=1e-12)
        assert found.p_doubled[0] == pytest.approx(fixed.p_doubled, abs=1e-12)
        assert bool(found.rejected_at) == (fixed.p_doubled <= 0.2 + 1e-12)


def test_stage_wise_p_value_is_at_most_the_level_where_it_rejects():
    bounds = group_sequential("pocock", information=INFORMATION, alpha=0.2)
    for second in EVERY[::3]:
        found = logrank_looks(TIME, EVENT, bounds, design=DESIGN, allocation=coded(second))
        at = found.rejected_at or 3
        assert (found.p_upper[at - 1] <= bounds.spent[at - 1] + 1e-12) == bool(found.rejected_at)
        assert all(isnan(p) for p in found.p_upper[at:])


def test_a_later_look_does_not_move_an_earlier_boundary():
    bounds = group_sequential("lan-demets-pocock", information=INFORMATION, alpha=0.3)
    whole = logrank_looks(TIME, EVENT, bounds, design=DESIGN)
    other = logrank_looks(*known(death=DEATH[::-1], looks=LOOKS)[:2], bounds, design=DESIGN)
    for k in (1, 2):
        assert logrank_looks(TIME[:k], EVENT[:k], bounds, design=DESIGN).critical == whole.critical[:k]
    assert other.critical != whole.critical  # the data of a look do move its own


@pytest.mark.parametrize("design", [PermutedBlocks(n=8), SimpleRandomisation(n=8)])
def test_allocations_count_by_their_probability(design):
    bounds = group_sequential("pocock", information=INFORMATION, alpha=0.2, sided=2)
    found = logrank_looks(TIME, EVENT, bounds, design=design)
    weight = 0.0
    for block, weights in design.allocations():
        for codes, w in zip(block, weights, strict=True):
            values = [float(by_hand(t, e, np.flatnonzero(codes))) for t, e in zip(TIME, EVENT, strict=True)]
            hits = zip(values, found.critical, found.critical_lower, strict=True)
            weight += w * any(v >= c - 1e-9 or v <= low + 1e-9 for v, c, low in hits)
    assert weight == pytest.approx(found.spent[-1] + found.spent_lower[-1], abs=1e-12)
    assert 0.1 < weight <= 0.2


@few(8)
@given(
    st.lists(st.integers(1, 9), min_size=8, max_size=8),
    st.lists(st.integers(0, 7), min_size=8, max_size=8),
    st.sampled_from(EVERY),
)
def test_swapping_the_arms_mirrors_everything(death, entry, second):
    time, event = known(np.array(death), np.sort(entry), (9, 12, 20))
    bounds = group_sequential("pocock", information=INFORMATION, alpha=0.3, sided=2)
    one = logrank_looks(time, event, bounds, design=DESIGN, allocation=coded(second))
    other = logrank_looks(time, event, bounds, design=DESIGN, allocation=1 - coded(second))
    assert one.observed == pytest.approx([-v for v in other.observed], abs=1e-12)
    assert one.critical == pytest.approx([-v for v in other.critical_lower], abs=1e-12)
    assert one.rejected_at == other.rejected_at
    np.testing.assert_allclose(one.p_upper, other.p_lower, atol=1e-12)
    same = logrank_looks(noisy(time, 5), event, bounds, design=DESIGN, allocation=coded(second))
    assert same == one


def test_who_is_still_to_come_needs_no_arm():
    """At the first look the last three have not entered; their arms are not known, and no matter."""
    bounds = group_sequential("pocock", information=INFORMATION, alpha=0.2)
    time, event, second = TIME[:1], EVENT[:1], coded(EVERY[5])
    whole = logrank_looks(time, event, bounds, design=DESIGN, allocation=second)
    assert logrank_looks(time, event, bounds, design=DESIGN, allocation=second[:5]) == whole
    with pytest.raises(ValueError, match="of every subject whom a statistic uses, got the first 2 of 8"):
        logrank_looks(time, event, bounds, design=DESIGN, allocation=second[:2])
    with pytest.raises(ValueError, match="allocation must begin one that the design can yield"):
        logrank_looks(time, event, bounds, design=DESIGN, allocation=[1, 1, 1, 1, 1])


def test_the_lower_side_alone():
    bounds = group_sequential("pocock", information=INFORMATION, alpha=0.2)
    less = logrank_looks(TIME, EVENT, bounds, design=DESIGN, direction="less")
    more = logrank_looks(TIME, EVENT, bounds, design=DESIGN)
    assert less.critical == (inf, inf, inf)
    assert less.spent == (0, 0, 0)
    assert less.critical_lower == pytest.approx([-c for c in more.critical])  # equal arms: symmetric
    assert (less.direction, more.direction) == ("less", "greater")


def test_futility_is_by_the_z_towards_the_side_that_is_tested():
    how = {"information": INFORMATION, "alpha": 0.2, "futility": [0.0, 0.5]}
    for second in EVERY[::9]:
        for direction, sided, sign in (("greater", 1, 1), ("less", 1, -1), ("greater", 2, 0)):
            bounds = group_sequential("pocock", sided=sided, **how)
            found = logrank_looks(
                TIME, EVENT, bounds, design=DESIGN, allocation=coded(second), direction=direction
            )
            z = [sign * z if sign else abs(z) for z in found.z(found.observed)]
            assert found.futile == (z[0] <= 0, z[1] <= 0.5, False)


def test_drawn_allocations_are_near_all_of_them_and_say_how_near():
    bounds = group_sequential("pocock", information=INFORMATION, alpha=0.1)
    exact = logrank_looks(TIME, EVENT, bounds, design=DESIGN, allocation=coded(EVERY[3]))
    drawn = logrank_looks(
        TIME, EVENT, bounds, design=DESIGN, allocation=coded(EVERY[3]), limit=10, draws=4000
    )
    assert drawn == logrank_looks(
        TIME, EVENT, bounds, design=DESIGN, allocation=coded(EVERY[3]), limit=10, draws=4000
    )
    assert exact.std_err == (0, 0, 0) and exact.draws == 0 and drawn.draws == 4000
    assert 0 < drawn.std_err[-1] < 0.01
    assert abs(drawn.p_upper[0] - exact.p_upper[0]) < 5 * 0.5 / 4000**0.5
    assert all(spent <= allowed for spent, allowed in zip(drawn.spent, bounds.spent, strict=True))
    assert "spent_std_err" in drawn.to_frame()["statistic"].tolist()


def test_too_few_draws_for_a_level_reject_nothing_and_spend_nothing():
    bounds = group_sequential("pocock", information=INFORMATION, alpha=0.1)
    found = logrank_looks(TIME, EVENT, bounds, design=DESIGN, limit=0, draws=9)
    assert found.critical == (inf, inf, inf)
    assert found.spent == (0, 0, 0)


def test_z_is_in_standard_deviations_of_the_design():
    bounds = group_sequential("pocock", information=INFORMATION, alpha=0.1)
    found = logrank_looks(TIME, EVENT, bounds, design=DESIGN, allocation=coded(EVERY[0]))
    values = np.array([[float(v) for v in each] for each in VALUES.values()])
    np.testing.assert_allclose(found.std_dev, values.std(axis=0), rtol=1e-12)
    np.testing.assert_allclose(
        found.z(found.observed), (values[0] - values.mean(axis=0)) / values.std(axis=0), atol=1e-12
    )
    nothing = logrank_looks(TIME, EVENT * 0, bounds, design=DESIGN)
    assert np.isnan(nothing.z(nothing.critical)).all()
    assert nothing.rejected_at == 0


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"time": TIME[:, :7], "event": EVENT[:, :7]}, "as the design has subjects"),
        ({"time": TIME[0], "event": EVENT[0]}, "shape"),
        ({"time": TIME * nan}, "a subject at each look, got none at look 1"),
        ({"time": np.vstack([TIME, TIME[-1:]]), "event": np.vstack([EVENT, EVENT[-1:]])}, "of 1 to 3 looks"),
        ({"direction": "both"}, "direction must be one of"),
        ({"draws": 0}, "draws must be 1 or more"),
        ({"limit": -1}, "limit must be 0 or more"),
        ({"allocation": np.ones(8, int)}, "allocation must be one that the design can yield"),
    ],
)
def test_what_is_no_trial_is_refused(changed, message):
    bounds = group_sequential("pocock", information=INFORMATION)
    with pytest.raises(ValueError, match=message):
        logrank_looks(**({"time": TIME, "event": EVENT, "boundaries": bounds, "design": DESIGN} | changed))


def test_a_reference_set_without_chance_is_refused_without_an_allocation_too():
    bounds = group_sequential("pocock", information=[1])
    design = Minimisation(factors=[["a"]] * 8, p=1.0)
    with pytest.raises(ValueError, match="near-degenerate"):
        permutation_looks([difference_in_means(range(8))], bounds, design=design)


def test_a_statistic_must_be_defined():
    bounds = group_sequential("pocock", information=[1])
    with pytest.raises(ValueError, match="statistics must be defined for every allocation"):
        permutation_looks([difference_in_means([1, 2, 3])], bounds, design=SimpleRandomisation(n=3))


def test_conditional_power_is_that_of_the_exact_z_in_the_planned_boundaries():
    bounds = group_sequential("pocock", information=[0.5, 1], alpha=0.2)
    time, event = [[3, 4, 2, 5, 1, 6]], [[0, 1, 1, 0, 1, 0]]
    arms, design = [1, 1, 0, 0, 1, 0], CompleteRandomisation(sizes=(3, 3))
    upper = logrank_looks(time, event, bounds, design=design, allocation=arms)
    z = upper.z(upper.observed)[0]
    # One look to come, and the trial goes on as it went: the expected z at the end is z / sqrt(t).
    assert upper.conditional_power()[0] == pytest.approx(ndtr((z / 0.5**0.5 - bounds.critical[1]) / 0.5**0.5))
    assert upper.conditional_power(drift=0.0)[0] < upper.predictive_power()[0] < upper.conditional_power()[0]
    other = [1 - arm for arm in arms]  # the other side of the mirrored trial
    lower = logrank_looks(time, event, bounds, design=design, allocation=other, direction="less")
    assert lower.conditional_power() == pytest.approx(upper.conditional_power()[::-1])
