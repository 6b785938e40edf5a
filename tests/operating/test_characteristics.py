"""Simulation against enumeration, and the same numbers however it is run."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm

from esld.operating import METHODS, Scenario, Score, Work, operating_characteristics, run_task
from esld.operating.characteristics import BLOCK, drawn
from esld.survival import boschloo, fisher_power, risk_difference
from tests.examples import few

N, TRIALS = (11, 11), 20_000
PAIRS = [(a / 20, b / 20) for a, b in product((2, 6, 10, 14, 18), (4, 10, 15, 19))]  # 20 settings
BOUND = norm.isf(0.001 / (2 * 3 * len(PAIRS)))  # one in a thousand over three statistics of each


def tables(p1, p2):
    """Chance of every table of deaths, where so many live."""
    first, second = (binom.pmf(np.arange(n + 1), n, 1 - p) for n, p in zip(N, (p1, p2), strict=True))
    return np.outer(first, second)


@pytest.fixture(scope="module")
def simulated():
    """Power as the work has it; the interval, which is looked up where nobody was lost, of the same trials at once."""
    scenarios = {f"{a} {b}": Scenario(n=N, alive=(a, b)) for a, b in PAIRS}
    work = Work(scenarios=scenarios, methods=("fisher", "boschloo"), trials=TRIALS, seed="a test")
    frame = operating_characteristics(work)
    found = frame.set_index(["scenario", "method", "statistic"])["value"].to_dict()
    for name, scenario in scenarios.items():
        own = METHODS["milestone"].of_all(drawn(scenario, 0, TRIALS, seed="a test"), 0.95)
        covers = (own.lower <= own.truth + 1e-9) & (own.truth <= own.upper + 1e-9)
        found[name, "milestone", "coverage"] = covers.mean()
    return found


@pytest.fixture(scope="module")
def enumerated():
    """Of each setting the power of Fisher's and Boschloo's test and the coverage of the interval."""
    sides = [range(n + 1) for n in N]
    rejects = np.array([[boschloo(x, N[0], y, N[1]).p_value <= 0.05 for y in sides[1]] for x in sides[0]])
    limits = [[risk_difference(N[1] - y, N[1], N[0] - x, N[0]) for y in sides[1]] for x in sides[0]]
    lower, upper = (
        np.array([[getattr(own, side) for own in row] for row in limits]) for side in ("lower", "upper")
    )

    def of(a, b):
        chance = tables(a, b)
        covers = (lower <= b - a + 1e-9) & (upper >= b - a - 1e-9)
        return {
            ("fisher", "rejected"): fisher_power(1 - a, 1 - b, n1=N[0], n2=N[1]),
            ("boschloo", "rejected"): (chance * rejects).sum(),
            ("milestone", "coverage"): (chance * covers).sum(),
        }

    return of


def z_of(found, chance):
    return (found - chance) / np.sqrt(max(chance * (1 - chance), 1 / TRIALS) / TRIALS)


def test_simulation_agrees_with_enumeration(simulated, enumerated):
    off = {
        (a, b, *what): z_of(simulated[f"{a} {b}", *what], chance)
        for a, b in PAIRS
        for what, chance in enumerated(a, b).items()
    }
    assert len(off) == 60
    assert {what: z for what, z in off.items() if abs(z) > BOUND} == {}
    assert (
        0.5 < np.std(list(off.values())) < 1.5
    )  # of independent z, and not of numbers that were made to agree


def test_and_would_tell_a_small_mistake(simulated, enumerated):
    """Two of a hundred more who live, in one arm: the comparison tells in most settings."""
    off = [
        abs(z_of(simulated[f"{a} {b}", "fisher", "rejected"], enumerated(a, b + 0.02)["fisher", "rejected"]))
        > BOUND
        for a, b in PAIRS
    ]
    assert sum(off) >= 10


SCORE = Score(visits=(100.0, 300.0), mean=20, sd=5, change=(-1.0, -3.0), error_sd=2, slope_sd=2)
SCENARIOS = {
    "same": Scenario(n=(6, 5), alive=(0.6, 0.6), lost=(0.1, 0.1)),
    "other": Scenario(n=(6, 5), alive=(0.6, 0.9)),
    "same by another name": Scenario(n=(6, 5), alive=(0.6, 0.6), lost=(0.1, 0.1)),
}
WORK = Work(scenarios=SCENARIOS, methods=("fisher", "rmst", "cox"), trials=3000, one_by_one=40, seed="a test")


@pytest.fixture(scope="module")
def once():
    """The work, chunk by chunk, and what came of it."""
    kept = {}
    return operating_characteristics(WORK, keep=kept.__setitem__), kept


@few(4)
@given(st.data())
def test_the_same_numbers_in_any_order_and_after_any_break(once, data):
    whole, kept = once
    there = {key: sums for key, sums in kept.items() if data.draw(st.booleans())}
    ran = []

    def shuffled(function, tasks):
        for task in data.draw(st.permutations(list(tasks))):
            ran.append(task.key)
            yield task, kept[task.key]  # what the task gives is decided by it: the next test

    pd.testing.assert_frame_equal(
        operating_characteristics(WORK, mapped=shuffled, kept=there), whole, check_exact=True
    )
    assert sorted(ran) == sorted(set(kept) - set(there))


def test_a_chunk_gives_the_same_whenever_it_is_run(once):
    tasks = {task.key: task for task in WORK.tasks()}
    assert len(tasks) == 2 * (1 + 2)  # scenarios that are alike are simulated once
    for key, task in list(tasks.items())[:2]:
        assert run_task(task) == once[1][key]


def test_a_trial_is_the_same_in_whatever_piece_and_beside_whatever_method():
    scenario = SCENARIOS["same"]
    whole = drawn(scenario, 0, 2 * BLOCK + 5, seed="a test")
    for first, count in ((0, 3), (BLOCK - 2, 4), (2 * BLOCK, 5), (7, BLOCK)):
        piece = drawn(scenario, first, count, seed="a test")
        assert np.array_equal(piece.time, whole.time[first : first + count])
        assert np.array_equal(piece.event, whole.event[first : first + count])
    alone = Work(scenarios={"x": scenario}, methods=("fisher",), trials=3000, seed="a test")
    found = operating_characteristics(alone).set_index("statistic")["value"]
    beside = operating_characteristics(WORK).query("scenario == 'same' and method == 'fisher'")
    assert found.to_dict() == beside.set_index("statistic")["value"].to_dict()


def test_another_seed_or_scenario_is_other_trials():
    one = drawn(SCENARIOS["same"], 0, 5, seed=1).time
    assert not np.array_equal(one, drawn(SCENARIOS["same"], 0, 5, seed=2).time)
    assert not np.array_equal(one, drawn(SCENARIOS["other"], 0, 5, seed=1).time)
    whole = Scenario(n=(6, 5), alive=(0.6, 0.6), lost=(0.1, 0.1), horizon=365)  # as 365.0
    assert np.array_equal(one, drawn(whole, 0, 5, seed=1).time)


@pytest.mark.parametrize(("method", "trials"), [("ancova", 96), ("mmrm", 10)])
def test_what_is_estimated_of_a_score_is_true(method, trials):
    scenario = Scenario(n=(11, 11), alive=(1.0, 1.0), score=SCORE)
    work = Work(scenarios={"x": scenario}, methods=(method,), trials=trials)
    found = operating_characteristics(work).set_index("statistic")
    assert found.loc["estimate", "value"] - found.loc["bias", "value"] == pytest.approx(-2)
    assert abs(found.loc["bias", "value"]) < 4.5 * found.loc["bias", "std_err"]
    assert found.loc["bias", "std_err"] < 1
    assert found.loc["coverage", "value"] > 0.8


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"methods": ("fishers",)}, "methods must be some of"),
        ({"methods": ("mmrm",)}, "must say something of a score"),
        ({"scenarios": {}}, "must not be empty"),
        ({"trials": 0}, "trials must be at least 1"),
        ({"one_by_one": 3001}, "one_by_one must be from 1 to trials"),
        ({"alpha": 1.0}, "alpha must be between 0 and 1"),
    ],
)
def test_work_that_cannot_be_done_is_refused(change, told):
    with pytest.raises(ValueError, match=told):
        Work(**(vars(WORK) | change))
