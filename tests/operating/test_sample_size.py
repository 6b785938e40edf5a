"""How many subjects an arm needs, and what a number gives."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import betabinom, binom

from esld.operating import (
    BetaMixture,
    Linked,
    SizeCurve,
    assurance_curve,
    beta_prior,
    chance_better,
    power_curve,
    proportion_width_curve,
    width_curve,
)
from esld.operating.sample_size import _distinct, _first_of
from esld.survival import boschloo, clopper_pearson, fisher_power, risk_difference


def curve(values, target, statistic="power"):
    return SizeCurve(
        statistic=statistic,
        sizes=np.arange(5, 5 + len(values)),
        values=np.array(values),
        target=target,
        method="fisher",
    )


@pytest.mark.parametrize(
    ("values", "target", "statistic", "n"),
    [
        ([0.5, 0.8, 0.79, 0.82, 0.85], 0.8, "power", 8),  # a saw: 6 meets the target, 7 does not
        ([0.9, 0.9], 0.8, "power", 5),
        ([0.9, 0.7], 0.8, "power", None),
        ([0.5, 0.29, 0.31, 0.3], 0.3, "expected_width", 8),
        ([0.9, 0.9], float("nan"), "power", None),
    ],
)
def test_the_size_from_which_on_the_target_is_met(values, target, statistic, n):
    assert curve(values, target, statistic).n == n


def test_power_of_fisher_is_that_of_the_chapters():
    found = power_curve([4, 11], p1=0.3, p2=0.9)
    assert found.values.tolist() == pytest.approx(
        [fisher_power(0.3, 0.9, n1=n, n2=n) for n in (4, 11)], abs=1e-12
    )
    assert found.to_frame()["n"].tolist() == [8, 22]


def test_power_of_boschloo_by_all_tables():
    by_hand = sum(
        binom.pmf(x1, 6, 0.2) * binom.pmf(x2, 6, 0.9)
        for x1, x2 in product(range(7), range(7))
        if boschloo(x1, 6, x2, 6).p_value <= 0.05
    )
    found = power_curve([6], p1=0.2, p2=0.9, test="boschloo")
    assert found.values[0] == pytest.approx(by_hand, abs=1e-12)
    assert found.values[0] >= power_curve([6], p1=0.2, p2=0.9).values[0]


def test_the_number_needed_misses_the_target_with_one_fewer():
    found = power_curve(range(5, 40), p1=0.4, p2=0.9, target=0.8)
    assert found.n is not None
    assert (
        fisher_power(0.4, 0.9, n1=found.n, n2=found.n)
        >= 0.8
        > fisher_power(0.4, 0.9, n1=found.n - 1, n2=found.n - 1)
    )


@given(st.floats(0.05, 0.95), st.floats(0.05, 0.95), st.sampled_from(["fisher", "boschloo"]))
def test_which_arm_is_first_does_not_matter_to_power(p1, p2, test):
    there, back = (power_curve([7], p1=one, p2=two, test=test).values for one, two in ((p1, p2), (p2, p1)))
    assert there == pytest.approx(back, abs=1e-12)


def test_assurance_by_all_tables():
    first, second = BetaMixture(weights=(0.6, 0.4), a=(3, 8), b=(5, 2)), beta_prior(0.8, 6)

    def foretold(x, prior):
        return sum(
            w * betabinom.pmf(x, 7, a, b) for w, a, b in zip(prior.weights, prior.a, prior.b, strict=True)
        )

    by_hand = sum(
        foretold(x1, first) * foretold(x2, second)
        for x1, x2 in product(range(8), range(8))
        if x2 > x1 and boschloo(x1, 7, x2, 7).p_value <= 0.05
    )
    found = assurance_curve([7], first=first, second=second, test="boschloo")
    assert found.values[0] == pytest.approx(by_hand, abs=1e-10)


def test_assurance_of_somebody_certain_is_power():
    found = assurance_curve([11], first=beta_prior(0.3, 9e5), second=beta_prior(0.9, 9e5))
    assert found.values[0] == pytest.approx(fisher_power(0.3, 0.9, n1=11, n2=11), abs=1e-4)


@pytest.mark.parametrize("second", [beta_prior(0.7, 10), Linked(size=20, odds_ratio=2)])
def test_no_size_brings_assurance_above_what_is_believed(second):
    first = beta_prior(0.5, 10)
    believed = chance_better([0], 0, [0], 0, first=first, second=second)[0, 0]
    values = assurance_curve([10, 40, 150], first=first, second=second).values
    assert (np.diff(values) > 0).all()
    assert values[-1] < believed


@pytest.mark.parametrize("method", ["miettinen-nurminen", "newcombe"])
def test_widths_by_all_tables(method):
    n, p1, p2 = 6, 0.3, 0.8
    tables = [risk_difference(x1, n, x2, n, method=method) for x1, x2 in product(range(n + 1), range(n + 1))]
    width = np.array([own.upper - own.lower for own in tables]).reshape(n + 1, n + 1)
    chances = np.outer(binom.pmf(range(n + 1), n, p1), binom.pmf(range(n + 1), n, p2))
    how = {"p1": p1, "p2": p2, "method": method}
    assert width_curve([n], **how).values[0] == pytest.approx((chances * width).sum(), abs=1e-9)
    assert width_curve([n], largest=True, **how).values[0] == pytest.approx(width.max(), abs=1e-12)


@given(st.integers(1, 12), st.data())
def test_tables_of_one_width_have_one_name(n, data):
    x1, x2 = (data.draw(st.integers(0, n)) for _ in "12")
    name = _first_of(x1, n, x2, n)
    assert (name[0], name[2]) in set(_distinct(n))
    assert {_first_of(x2, n, x1, n), _first_of(n - x1, n, n - x2, n)} == {name}
    widths = [(found := risk_difference(*one)).upper - found.lower for one in ((x1, n, x2, n), name)]
    assert widths[0] == pytest.approx(widths[1], abs=1e-9)


def test_width_of_one_proportion():
    found = proportion_width_curve([10], p=0.8)
    limits = [clopper_pearson(x, 10) for x in range(11)]
    assert found.values[0] == pytest.approx(
        sum(binom.pmf(x, 10, 0.8) * (own.upper - own.lower) for x, own in enumerate(limits))
    )
    assert found.to_frame()["n"].tolist() == [10]
    widest = proportion_width_curve(range(5, 60), p=0.8, largest=True, target=0.3)
    assert widest.n == 47
    assert proportion_width_curve(range(5, 60), p=0.8, method="wilson", target=0.3).n < widest.n


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: power_curve([], p1=0.1, p2=0.2),
        lambda: power_curve([5, 5], p1=0.1, p2=0.2),
        lambda: power_curve([5], p1=0.1, p2=1.2),
        lambda: power_curve([5], p1=0.1, p2=0.2, test="barnard"),
        lambda: width_curve([5], p1=0.1, p2=0.2, method="wald"),
        lambda: proportion_width_curve([5], p=0.1, method="wald"),
    ],
)
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        wrong()
