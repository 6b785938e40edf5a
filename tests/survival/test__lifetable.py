"""Life tables: both ways to count agree with a count by hand, for one sample and for groups."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.survival._lifetable import _packed, checked_points, greenwood, tabulate, tabulate_by

SAMPLES = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=40)


def split(sample):
    return np.array([t for t, _ in sample], float), np.array([e for _, e in sample])


def by_hand(time, event):
    times = np.unique(time)
    return (
        times.tolist(),
        [int(np.sum(time >= t)) for t in times],
        [int(np.sum((time == t) & event)) for t in times],
        [int(np.sum((time == t) & ~event)) for t in times],
    )


@given(SAMPLES, st.sampled_from([1.0, 0.37, 1e-300, 1e17]))
def test_counted_by_hand(sample, unit):
    """Whole numbers are counted, others (and numbers too large for a table) are sorted."""
    time, event = split(sample)
    time *= unit
    assert tuple(column.tolist() for column in tabulate(time, event)) == by_hand(time, event)


@given(SAMPLES, st.sampled_from([1.0, 0.37]))
def test_groups_are_counted_each_on_its_own(sample, unit):
    time, event = split(sample)
    codes = np.arange(time.size) % 3
    for code, table in enumerate(tabulate_by(time * unit, event, codes, min(3, time.size))):
        mine = codes == code
        wanted = by_hand(time[mine] * unit, event[mine])
        assert tuple(column.tolist() for column in table) == wanted


@pytest.mark.parametrize(
    ("time", "kind"), [([1, 2, 1e6], "uint64"), ([1, 2, 3], "int64"), ([0.5, 1], "uint64")]
)
def test_which_way(time, kind):
    assert _packed(np.array(time, float), np.zeros(len(time), bool)).dtype == kind


def test_zero_has_one_sign():
    for other in (1.0, 0.5):
        table = tabulate(np.array([0.0, -0.0, other]), np.array([True, False, True]))
        assert table.times.tolist() == [0, other]
        assert not np.any(np.signbit(table.times))
        assert (table.n_event.tolist(), table.n_censor.tolist()) == ([1, 1], [1, 0])


def test_inputs_are_not_changed():
    for unit in (1.0, 0.5):
        time, event, codes = (
            np.array([3.0, 1.0, 2.0]) * unit,
            np.array([True, False, True]),
            np.array([0, 1, 0]),
        )
        kept = time.copy(), event.copy(), codes.copy()
        tabulate(time, event)
        tabulate_by(time, event, codes, 2)
        for array, before in zip((time, event, codes), kept, strict=True):
            np.testing.assert_array_equal(array, before)


def test_at_risk_is_counted_before_the_time():
    table = tabulate(np.array([1.0, 2, 2, 4]), np.array([True, True, False, False]))
    assert table.at_risk(np.array([0, 1, 1.5, 2, 4, 5])).tolist() == [4, 4, 3, 3, 1, 0]


def test_greenwood_leaves_out_the_last():
    assert greenwood(np.array([4, 2, 1]), np.array([1, 1, 1])).tolist() == [
        1 / 12,
        1 / 12 + 1 / 2,
        1 / 12 + 1 / 2,
    ]


@pytest.mark.parametrize("times", [-1, float("nan"), [[1, 2]]])
def test_points_refused(times):
    with pytest.raises(ValueError, match="times must be 0 or more and not missing"):
        checked_points(times)
