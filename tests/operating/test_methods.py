"""What is said of many trials at once is what the package says of each."""

from math import isnan, log, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.operating import METHODS, Scenario, Score, draw
from esld.operating.methods import true_survival
from esld.scenario import ARMS
from esld.survival import boschloo, fisher, logrank, milestone, risk_difference, rmst_compare
from tests.examples import few

SIZES = st.sampled_from([(2, 3), (11, 11), (8, 5)])  # of each, tables are made once
CHANCE = st.floats(0.05, 0.97)


def trials_of(n, alive, lost, shape, seed, count=6):
    scenario = Scenario(n=n, alive=alive, lost=lost, shape=shape, accrual=200.0, duration=450.0)
    return draw(scenario, count, np.random.default_rng(seed))


def same(found, wanted):
    assert np.allclose(found, wanted, rtol=1e-9, atol=1e-9, equal_nan=True), (found, wanted)


@few(4)
@given(
    n=SIZES,
    alive=st.tuples(CHANCE, CHANCE),
    lost=st.sampled_from([(0.0, 0.0), (0.1, 0.3)]),
    shape=st.sampled_from([0.6, 1.0, 1.7]),
    seed=st.integers(0, 2**32),
)
def test_at_once_is_one_by_one(n, alive, lost, shape, seed):
    trials = trials_of(n, alive, lost, shape, seed)
    arm = np.array(ARMS)[trials.arm]
    made = {
        name: METHODS[name].of_all(trials, 0.9)
        for name in ("log_rank", "rmst", "fisher", "boschloo", "milestone")
    }
    for i, (time, event) in enumerate(zip(trials.time, trials.event, strict=True)):
        lr = logrank(time, event, arm, groups=ARMS)
        same(made["log_rank"].p_value[i], lr.p_value)
        mean = rmst_compare(time, event, arm, tau=365, groups=ARMS, conf_level=0.9, limits="plain").difference
        own = made["rmst"]
        same(
            [own.estimate[i], own.lower[i], own.upper[i], own.p_value[i]],
            [mean.value, mean.lower, mean.upper, mean.p_value],
        )
        share = milestone(time, event, arm, at=365, groups=ARMS, conf_level=0.9)
        dead, unknown = trials.counts.dead[i], trials.counts.unknown[i]
        if unknown.any():
            p_values = [share.cloglog_difference.p_value] * 2
        else:
            table = (int(dead[0]), n[0], int(dead[1]), n[1])
            p_values = [fisher(*table).p_value, boschloo(*table).p_value]
        same([made["fisher"].p_value[i], made["boschloo"].p_value[i]], p_values)
        shown = share.difference
        wanted = (nan, nan, nan) if shown is None else (shown.value, shown.lower, shown.upper)
        own = made["milestone"]
        same([own.estimate[i], own.lower[i], own.upper[i]], wanted)


def test_the_direction_is_that_of_the_second_arm():
    """Every method finds a second arm that is much better to be better, by the sign of its estimate."""
    score = Score(visits=(100.0, 300.0), mean=20, sd=3, change=(0, -15), error_sd=1, slope_sd=1)
    trials = draw(Scenario(n=(8, 8), alive=(0.1, 0.9), score=score), 3, np.random.default_rng(5))
    for name, method in METHODS.items():
        if name not in ("mmrm", "exact_rmst", "exact_log_rank"):  # of these below, they take long
            found = method.of_all(trials, 0.95)
            assert (np.nan_to_num(found.estimate) * found.better >= 0).all(), name
    for name in ("mmrm", "exact_rmst", "exact_log_rank"):
        found = METHODS[name].of_all(trials[:1], 0.95)
        assert found.estimate[0] * found.better > 0 or isnan(found.estimate[0]), name


@pytest.mark.parametrize("shape", [0.7, 1.0, 2.0])
def test_true_restricted_means_and_shares(shape):
    """Against a large sample of the scenario; with a constant hazard the mean is (1 - S) / -log S of the horizon."""
    score = Score(visits=(50.0,), mean=20, sd=5, change=(0, 0), error_sd=1, hazard_ratio=2.0)
    scenario = Scenario(
        n=(10, 10), alive=(0.6, 0.9), shape=shape, transplant=(0.1, 0.2), transplant_as="event", horizon=100.0,
        score=score,
    )  # fmt: skip
    trials = draw(scenario, 40_000, np.random.default_rng(2))
    truth = METHODS["rmst"].of_all(trials[:2], 0.95).truth
    means = [trials.time[:, trials.arm == arm].mean() for arm in (0, 1)]
    assert abs(means[1] - means[0] - truth) < 4.5 * 30 * (2 / 400_000) ** 0.5
    for arm in (0, 1):  # over all patients, and not of the one at the mean
        alive = 1 - trials.event[:, trials.arm == arm].mean()
        assert abs(alive - true_survival(scenario, arm)) < 4.5 * (0.25 / 400_000) ** 0.5
    unscored = Scenario(n=(10, 10), alive=(0.6, 0.9), transplant=(0.1, 0.2), transplant_as="event")
    assert true_survival(unscored, 1) == pytest.approx(0.9 * 0.8)
    plain = draw(Scenario(n=(5, 5), alive=(0.6, 0.9)), 2, np.random.default_rng(1))
    closed = [365 * (1 - s) / -log(s) for s in (0.6, 0.9)]
    assert METHODS["rmst"].of_all(plain, 0.95).truth == pytest.approx(closed[1] - closed[0])


def test_a_true_hazard_ratio_holds_for_any_shape_and_not_where_hazards_are_mixed():
    rng = np.random.default_rng(3)
    ratio = log(log(0.9) / log(0.6))
    plain = draw(Scenario(n=(6, 6), alive=(0.6, 0.9), shape=2.0, transplant=(0.1, 0.1)), 2, rng)
    assert METHODS["cox"].of_all(plain, 0.95).truth == pytest.approx(ratio)
    mixed = Scenario(n=(6, 6), alive=(0.6, 0.9), transplant=(0.1, 0.1), transplant_as="event")
    assert isnan(METHODS["firth"].of_all(draw(mixed, 2, rng), 0.95).truth)


def test_a_table_of_limits_is_what_the_package_says_of_each_table():
    trials = draw(Scenario(n=(5, 4), alive=(0.5, 0.6)), 40, np.random.default_rng(7))
    found = METHODS["milestone"].of_all(trials, 0.95)
    for i, (x1, x2) in enumerate(trials.counts.dead):
        own = risk_difference(4 - int(x2), 4, 5 - int(x1), 5)
        same([found.estimate[i], found.lower[i], found.upper[i]], [own.value, own.lower, own.upper])
    assert np.isnan(found.p_value).all()  # the test of the shares is another analysis


def test_a_method_of_a_score_asks_for_one():
    trials = draw(Scenario(n=(3, 3), alive=(0.5, 0.5)), 1, np.random.default_rng(1))
    with pytest.raises(ValueError, match="must say something of a score"):
        METHODS["ancova"].of_all(trials, 0.95)
