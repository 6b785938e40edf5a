"""The exact group-sequential trial of two proportions: by hand, Barnard's test, every outcome listed, invariance, control flow.

That the level is kept at 1,001 chances for each kind of boundary is tested in `test__tables`.
"""

from itertools import product
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from esld.operating import binary_design, group_sequential
from esld.survival import barnard
from tests.examples import few


def made(kind="pocock", n1=(4, 8, 11), n2=(4, 8, 11), **how):
    t = [(a + b) / (n1[-1] + n2[-1]) for a, b in zip(n1, n2, strict=True)]
    return binary_design(group_sequential(kind, information=t, **how), n1=n1, n2=n2)


def test_three_against_three_by_hand():
    # 3 of 3 v 0 of 3 has p^3 (1 - p)^3, at most 1 / 64 = 0.0156; the next two tables would bring it to 0.1.
    design = made(n1=(3,), n2=(3,))
    assert np.argwhere(design.upper[0]).tolist() == [[3, 0]]
    assert design.critical[0] == pytest.approx(6**0.5)
    assert design.size.max() == pytest.approx(1 / 64, abs=1e-15)
    assert 1 / 64 <= design.size_bound[0] < 1 / 64 + 1e-6
    assert float(design.characteristics(0.9, 0.2).power) == pytest.approx(0.9**3 * 0.8**3)


@pytest.mark.parametrize(("n1", "n2"), [(7, 6), (8, 8)])
def test_one_look_is_barnards_test(n1, n2):
    design = made(n1=(n1,), n2=(n2,), alpha=0.1, sided=2)
    for x1, x2 in product(range(n1 + 1), range(n2 + 1)):
        found = barnard(x1, n1, x2, n2)
        assert design.upper[0][x1, x2] == (found.p_greater <= 0.05)
        assert design.lower[0][x1, x2] == (found.p_less <= 0.05)


def outcomes(n):
    """All courses of n subjects, as 0 and 1."""
    return np.array(list(product((0, 1), repeat=n)))


@pytest.mark.parametrize("heeded", [False, True])
def test_every_course_of_a_trial_of_eight(heeded):
    design = made(n1=(2, 4), n2=(2, 4), alpha=0.3, futility=[-0.1])
    p1, p2 = 0.8, 0.3
    stops, expected = np.zeros((3, 2)), 0.0
    for one, other in product(outcomes(4), outcomes(4)):
        chance = np.prod(np.where(one, p1, 1 - p1)) * np.prod(np.where(other, p2, 1 - p2))
        for k, n in enumerate((2, 4)):
            table = one[:n].sum(), other[:n].sum()
            hit = [design.upper[k][table], design.lower[k][table], heeded and design.futility[k][table]]
            stops[:, k] += np.array(hit, float) * chance
            if any(hit) or k == 1:
                expected += chance * 2 * n
                break
    found = design.characteristics(p1, p2, futility=heeded)
    np.testing.assert_allclose([found.upper, found.lower, found.futility], stops, atol=1e-14)
    assert float(found.expected_n) == pytest.approx(expected)
    assert float(found.stopped_early) == pytest.approx(stops[:, 0].sum())
    assert heeded == bool(found.futility.any())


def test_size_is_the_power_without_a_difference():
    design = made(sided=2, alpha=0.05)
    found = design.characteristics(design.nuisance, design.nuisance)
    np.testing.assert_allclose(np.cumsum(found.upper + found.lower, axis=0), design.size, atol=1e-14)
    assert all(s <= bound <= spent for s, bound, spent in zip(
        design.size.max(axis=1), design.size_bound, design.boundaries.spent, strict=True
    ))  # fmt: skip


def test_one_sided_error_is_largest_where_both_are_equal():
    p = np.linspace(0, 1, 21)
    power = (
        made("lan-demets-obrien-fleming", n1=(3, 7, 12), n2=(5, 8, 8)).characteristics(p[:, None], p).power
    )
    assert power.shape == (21, 21)
    assert power[np.less_equal.outer(p, p)].max() <= 0.025
    assert np.all(np.diff(power, axis=0) >= -1e-15) and np.all(np.diff(power, axis=1) <= 1e-15)


@few(10)
@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=3),
    st.sampled_from(["pocock", "obrien-fleming", "lan-demets-pocock"]),
    st.floats(0, 1), st.floats(0, 1),
)  # fmt: skip
def test_swapping_the_groups_mirrors_everything(more, kind, p1, p2):
    n1, n2 = (tuple(np.cumsum(each).tolist()) for each in zip(*more, strict=True))
    one, other = (made(kind, *pair, alpha=0.2, sided=2) for pair in ((n1, n2), (n2, n1)))
    for k in range(one.looks):
        np.testing.assert_array_equal(one.upper[k], other.lower[k].T)
    here, there = one.characteristics(p1, p2), other.characteristics(p2, p1)
    np.testing.assert_allclose(here.upper, there.lower, atol=1e-14)
    assert one.critical == pytest.approx([-z for z in other.critical_lower])


class TestAhead:
    design = made(alpha=0.1, futility=[-0.5, 0.2])

    @pytest.mark.parametrize("heeded", [False, True])
    def test_conditional_power_averages_to_the_power(self, heeded):
        p1, p2 = 0.7, 0.35
        total = sum(
            binom.pmf(x1, 4, p1) * binom.pmf(x2, 4, p2)
            * (0 if heeded and self.design.futility[0][x1, x2]
               else self.design.conditional_power(1, x1, x2, p1, p2, futility=heeded))
            for x1, x2 in product(range(5), repeat=2)
        )  # fmt: skip
        power = self.design.characteristics(p1, p2, futility=heeded).power
        assert float(total) == pytest.approx(float(power), abs=1e-13)

    def test_predictive_power_is_its_mean_over_the_posterior(self):
        # Beta(1 + 5, 2 + 3) and Beta(1 + 3, 1 + 5), by Gauss's rule, which is exact for polynomials.
        nodes, weights = np.polynomial.legendre.leggauss(40)
        p, w = (nodes + 1) / 2, weights / 2
        one, other = w * p**5 * (1 - p) ** 4, w * p**3 * (1 - p) ** 5
        power = self.design.conditional_power(2, 5, 3, p[:, None], p)
        expected = one @ power @ other / one.sum() / other.sum()
        assert self.design.predictive_power(2, 5, 3, prior1=(1, 2)) == pytest.approx(expected, abs=1e-12)

    def test_what_is_decided_stays(self):
        assert self.design.upper[0][4, 0]
        assert self.design.conditional_power(1, 4, 0, 0.1, 0.9) == 1
        assert self.design.predictive_power(1, 4, 0) == 1
        assert self.design.predictive_power(3, 5, 5) == 0
        both = made(alpha=0.2, sided=2)
        assert both.predictive_power(1, 0, 4) == 0

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((0, 1, 1), "look must be a whole number, 1 or more"),
            ((4, 1, 1), "look must be from 1 to 3, got 4"),
            ((1, 5, 1), "x1 must be from 0 to n1"),
            ((1, 1, -1), "x2 must be from 0 to n2"),
        ],
    )
    def test_a_state_must_be_one_of_the_design(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            self.design.predictive_power(*arguments)
        with pytest.raises(ValueError, match=message):
            self.design.conditional_power(*arguments, 0.5, 0.5)

    def test_a_prior_must_be_one(self):
        with pytest.raises(ValueError, match=r"prior2 must be two numbers above 0, got \(0, 1\)"):
            self.design.predictive_power(1, 2, 2, prior2=(0, 1))


def test_a_look_that_spends_too_little_rejects_nothing_and_leaves_it():
    design = made("obrien-fleming")
    assert design.critical[0] == inf and not design.upper[0].any()
    assert design.size[0].max() == 0


def test_long_forms():
    design = made(sided=2, alpha=0.05)
    names = ["critical", "critical_lower", "alpha_spent", "alpha_allowed"]
    assert design.to_frame()["statistic"].tolist() == names * 3
    told = design.characteristics([0.5, 0.9], 0.5).to_frame()
    assert told["group"].unique().tolist() == ["0.5:0.5", "0.9:0.5"]
    assert len(told) == 2 * (3 * 3 + 3)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n1": [4, 8]}, "of the 3 looks of the boundaries, got 2 and 3"),
        ({"n1": [0, 8, 11]}, "n1 must be a whole number"),
        ({"n1": [4, 3, 11]}, "n1 and n2 must grow from look to look"),
        ({"n1": [4, 4, 11], "n2": [4, 4, 11]}, "n1 and n2 must grow from look to look"),
        ({"n1": [4, 8, 1000]}, "to 1000 together at most"),
        ({"points": 1}, "points must be 2 or more"),
    ],
)
def test_what_is_no_design_is_refused(changed, message):
    bounds = group_sequential("pocock", information=[0.3, 0.6, 1])
    with pytest.raises(ValueError, match=message):
        binary_design(bounds, **({"n1": [4, 8, 11], "n2": [4, 8, 11]} | changed))


def test_a_proportion_lies_from_0_to_1():
    with pytest.raises(ValueError, match=r"p2 must be from 0 to 1, got 1\.2"):
        made().characteristics(0.5, [0.5, 1.2])
