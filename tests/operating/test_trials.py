"""Drawn trials have what was assumed of them: closed forms within Monte Carlo bounds, of fixed seeds."""

import numpy as np
import pytest

from esld.operating import Scenario, Score, draw
from esld.operating.trials import joined

TRIALS = 20_000
Z = 4.5  # two-sided chance of 7e-6 to be beyond it


def share_is(found: np.ndarray, chance: float) -> None:
    assert abs(found.mean() - chance) < Z * np.sqrt(max(chance * (1 - chance), 1e-9) / found.size)


def drawn(seed: int = 1, **about):
    scenario = Scenario(**({"n": (11, 9), "alive": (0.6, 0.9)} | about))
    trials = draw(scenario, TRIALS, np.random.default_rng(seed))
    return trials, [trials.arm == arm for arm in (0, 1)]


@pytest.mark.parametrize("shape", [0.5, 1.0, 2.0])
def test_weibull_survival_at_the_horizon_and_half_way(shape):
    trials, arms = drawn(shape=shape, horizon=200.0)
    for own, alive in zip(arms, (0.6, 0.9), strict=True):
        share_is(trials.event[:, own], 1 - alive)
        half = trials.event[:, own] & (trials.time[:, own] <= 100)
        share_is(half, 1 - alive ** (0.5**shape))  # S(t) = S(h)^((t / h)^k)
    assert trials.time.max() == 200


def test_losses_and_transplants_are_exponential_and_independent():
    trials, arms = drawn(alive=(1.0, 1.0), lost=(0.1, 0.3), transplant=(0.2, 0.0))
    for own, left in zip(arms, (0.9 * 0.8, 0.7), strict=True):
        share_is(trials.time[:, own] < 365, 1 - left)
        share_is(trials.time[:, own] < 365 / 2, 1 - left**0.5)
    assert not trials.event.any()
    share = trials.counts.unknown / np.array([11, 9])
    share_is(np.repeat(share[:, 0], 11), 1 - 0.72)


def test_of_death_and_loss_the_first_counts():
    # hazards a and b on [0, 1]: death comes first with a / (a + b) (1 - exp(-a - b))
    trials, (first, _) = drawn(alive=(0.6, 0.9), lost=(0.2, 0.2))
    a, b = -np.log(0.6), -np.log(0.8)
    share_is(trials.event[:, first], a / (a + b) * (1 - np.exp(-a - b)))


def test_a_transplant_may_be_the_event():
    trials, arms = drawn(transplant=(0.2, 0.1), transplant_as="event")
    for own, free in zip(arms, (0.6 * 0.8, 0.9 * 0.9), strict=True):
        share_is(trials.event[:, own], 1 - free)


def test_who_entered_late_is_followed_for_less():
    trials, _ = drawn(alive=(1.0, 1.0), accrual=100.0, duration=400.0)
    share_is(trials.time < 365, 0.65)  # entered after day 35 of 100
    assert trials.time.min() >= 300
    entry = tuple(np.linspace(0, 399, 20))
    exact, _ = drawn(alive=(1.0, 1.0), entry=entry, duration=399.0)
    assert np.allclose(exact.time, np.minimum(365, 399 - np.array(entry)))


SCORE = Score(visits=(30.0, 90.0, 300.0), mean=20, sd=5, change=(-1, -4), error_sd=2, slope_sd=3)


def test_a_score_goes_in_a_straight_line_with_errors():
    trials, arms = drawn(alive=(1.0, 1.0), score=SCORE)
    for own, change in zip(arms, (-1, -4), strict=True):
        values = trials.scores[:, own]
        for visit, part in enumerate((0.1, 0.3, 1.0), start=1):
            moved = values[..., visit] - values[..., 0]
            spread = np.sqrt(2 * 4 + (3 * part) ** 2)
            assert abs(moved.mean() - change * part) < Z * spread / np.sqrt(moved.size)
            assert abs(moved.std() / spread - 1) < Z / np.sqrt(2 * moved.size)
        assert abs(values[..., 0].std() / np.sqrt(29) - 1) < 0.02


def test_nobody_is_measured_after_death_and_a_high_score_dies_and_drops_out_more():
    score = Score(**(vars(SCORE) | {"hazard_ratio": 2.0, "dropout": (0.2, 0.2), "dropout_odds_ratio": 2.0}))
    trials, _ = drawn(alive=(0.5, 0.5), score=score)
    days = np.array([0, *SCORE.visits])
    dead = trials.event[..., None] & (trials.time[..., None] <= days)
    assert np.isnan(trials.scores[dead]).all()
    seen = ~np.isnan(trials.scores)
    assert (np.diff(seen.astype(int), axis=-1) <= 0).all()  # who is gone does not come back
    high = trials.scores[..., 0] > 20
    assert trials.event[high].mean() > trials.event[~high].mean() + 0.1
    stayed = seen[..., 1] & (trials.time > 30)
    assert stayed[high].mean() < stayed[~high].mean() - 0.05
    # At one sd from the mean the odds double; of a patient at the mean the chance is as stated.
    near = (abs(trials.scores[..., 0] - 20) < 0.25) & (trials.time > 30)
    share_is(~seen[..., 1][near], 0.2)


def test_parts_joined_are_the_whole():
    trials, _ = drawn(score=SCORE)
    again = joined([trials[:7], trials[7:9], trials[9:]])
    for name in ("time", "event", "scores"):
        assert np.array_equal(getattr(again, name), getattr(trials, name), equal_nan=name == "scores")


@pytest.mark.parametrize(
    ("about", "told"),
    [
        ({"n": (11, 0)}, "n must be two whole numbers"),
        ({"alive": (0.0, 0.5)}, "alive must be two chances"),
        ({"lost": (0.1, 1.0)}, "lost must be two chances"),
        ({"shape": 0.0}, "shape must be above 0"),
        ({"accrual": -1.0}, "accrual must be"),
        ({"transplant_as": "neither"}, "transplant_as must be"),
        ({"entry": (1.0, 2.0)}, "entry must be 20 days"),
        ({"accrual": 500.0, "duration": 400.0}, "duration must not end before"),
    ],
)
def test_what_cannot_be_is_refused(about, told):
    with pytest.raises(ValueError, match=told):
        drawn(**about)


def test_nothing_differs_only_where_nothing_does():
    assert Scenario(n=(11, 9), alive=(0.6, 0.6), lost=(0.1, 0.2)).is_null  # follow-up is no outcome
    assert not Scenario(n=(11, 9), alive=(0.6, 0.7)).is_null
    assert not Scenario(n=(11, 9), alive=(0.6, 0.6), score=SCORE).is_null
    tx = {"n": (11, 9), "alive": (0.6, 0.6), "transplant": (0.1, 0.2)}
    assert Scenario(**tx).is_null and not Scenario(**tx, transplant_as="event").is_null
