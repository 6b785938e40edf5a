"""Times equal but for rounding are one time wherever the package compares times of subjects with one another."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from esld.longitudinal.hierarchy import EventsComponent, TimeComponent, pairwise_scores
from esld.longitudinal.while_alive import while_alive_mean
from esld.longitudinal.worst_rank import worst_rank
from tests.examples import few
from tests.noise import noisy

# Tenths, which doubles do not hold: follow-up, dead or not, events up to then.
TENTHS = st.integers(1, 6)
SUBJECTS = st.lists(
    TENTHS.flatmap(
        lambda end: st.tuples(
            st.just(end), st.booleans(), st.lists(st.integers(1, end), max_size=3)
        )
    ),
    min_size=4, max_size=9,
)  # fmt: skip
SEEDS = st.integers(0, 2**32)


def tenths(values, seed):
    exact = np.array(values, float) / 10
    return exact if seed is None else noisy(exact, seed)


def seeded(seed, i):
    return None if seed is None else seed + i


@few(16)
@given(SUBJECTS, SEEDS)
def test_hierarchy(subjects, seed):
    def scores(seed):
        end, died, events = zip(*subjects, strict=True)
        until = tenths(end, seed)
        own = [tenths(found, seeded(seed, i)) for i, found in enumerate(events)]
        time = TimeComponent(name="death", time=until, event=died)
        repeated = EventsComponent(name="events", times=own, follow_up=tenths(end, seeded(seed, 99)))
        return [pairwise_scores(part) for part in ([time], [repeated], [time, repeated])]

    np.testing.assert_array_equal(scores(None), scores(seed))


@few(16)
@given(SUBJECTS, SEEDS)
def test_worst_rank(subjects, seed):
    def ranks(seed):
        end, died, events = zip(*subjects, strict=True)
        death = np.where(died, tenths(end, seed), np.nan)
        transplant = np.where([bool(found) for found in events], tenths(end, seeded(seed, 1)), np.nan)
        found = worst_rank(
            np.arange(len(end)) % 3,
            np.arange(len(end)) % 2,
            better="higher",
            death_time=death,
            transplant_time=transplant,
        )
        return found.rank, found.exact.p_value

    for one, two in zip(ranks(None), ranks(seed), strict=True):
        np.testing.assert_array_equal(one, two)


@few(16)
@given(SUBJECTS, SEEDS, TENTHS)
def test_while_alive(subjects, seed, horizon):
    def averages(seed):
        rows = [
            (i, i % 2, float(until[i]), float(t), float(i + place))
            for until in [tenths([end for end, _, _ in subjects], seed)]
            for i, (_, _, events) in enumerate(subjects)
            for place, t in enumerate(tenths(sorted({0, 6, *events}), seeded(seed, i)))
        ]
        frame = pd.DataFrame(rows, columns=["id", "arm", "until", "week", "change"])
        tau = float(tenths([horizon], seeded(seed, 50))[0])
        found = while_alive_mean(
            frame, subject="id", group="arm", value="change", time="week", until="until", tau=tau
        )
        return found.averages[["average", "observed", "values", "after"]]

    np.testing.assert_allclose(averages(None), averages(seed), rtol=1e-9, atol=1e-9)
