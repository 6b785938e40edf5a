"""Components of a hierarchy: by hand, against the definition in plain loops, invariance, what is refused."""

import math
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.longitudinal.hierarchy import EventsComponent, TimeComponent, ValueComponent, pairwise_scores

DAYS = st.integers(0, 6)
VALUES = st.one_of(st.none(), st.integers(-30, 30).map(lambda i: i / 10))


@st.composite
def subject(draw):
    """Follow-up, whether it ends in death, days of events up to it, a value."""
    until = draw(DAYS)
    events = draw(st.lists(st.integers(0, until), max_size=3))
    return until, draw(st.booleans()), events, draw(VALUES)


SUBJECTS = st.lists(subject(), min_size=1, max_size=9)


def hierarchy(subjects, *, margin=0.0):
    until, died, events, values = zip(*subjects, strict=True)
    return [
        TimeComponent(name="death", time=until, event=died),
        EventsComponent(name="decompensations", times=events, follow_up=until),
        ValueComponent(name="MELD", value=np.array(values, float), better="lower", margin=margin),
    ]


def better_by_definition(i, j, margin_in_tenths):
    """1, -1 or 0, read from the definition for two subjects; values in tenths, so that no rounding can matter."""
    (t_i, died_i, events_i, v_i), (t_j, died_j, events_j, v_j) = i, j

    def outlives(t, died, other_t, other_died):  # still known alive when the other has died
        return other_died and (t > other_t or (t == other_t and not died))

    if outlives(t_i, died_i, t_j, died_j):
        return 1
    if outlives(t_j, died_j, t_i, died_i):
        return -1
    shared = min(t_i, t_j)
    mine, other = (len([d for d in events if d <= shared]) for events in (events_i, events_j))
    if mine != other:
        return 1 if mine < other else -1
    if v_i is None or v_j is None:
        return 0
    lower_by = round(10 * v_j) - round(10 * v_i)
    if lower_by == 0 or abs(lower_by) < margin_in_tenths:
        return 0
    return 1 if lower_by > 0 else -1


def scores(component):
    return pairwise_scores([component]).tolist()


class TestByHand:
    def test_time(self):
        """Dead on day 5, dead on 9, censored on 5, censored on 7: the one censored on 5 outlived the first only."""
        found = scores(TimeComponent(name="death", time=[5, 9, 5, 7], event=[1, 1, 0, 0]))
        assert found == [[0, -1, -1, -1], [1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]]

    def test_two_deaths_on_one_day_are_undecided(self):
        assert scores(TimeComponent(name="death", time=[5, 5], event=[1, 1])) == [[0, 0], [0, 0]]

    def test_an_event_that_is_wanted(self):
        """Recovered on day 5; on 9; censored on 7, known unrecovered then: first beats both, the others cannot tell."""
        found = scores(
            TimeComponent(name="recovery", time=[5, 9, 7], event=[True, True, False], better="shorter")
        )
        assert found == [[0, 1, 1], [-1, 0, 0], [-1, 0, 0]]

    def test_events_of_the_shared_follow_up(self):
        """Two events by day 10 of 30; one of 20 days, on day 15; three in 10 days, the last on the last day.

        First and second share 20 days: 2 v 1. First and third 10: 2 v 3. Second and third 10: 0 v 3.
        """
        found = scores(
            EventsComponent(
                name="bleeds", times=[[10, 2], [15], np.array([1, 1, 10.0])], follow_up=[30, 20, 10]
            )
        )
        assert found == [[0, -1, 1], [1, 0, 1], [-1, -1, 0]]

    def test_events_after_the_shared_follow_up_do_not_count(self):
        """Four events on day 50 of 60 say nothing against a subject followed for 49 days, but do against one of 50."""
        long, short = [50] * 4, []
        assert scores(EventsComponent(name="x", times=[long, short], follow_up=[60, 49])) == [[0, 0], [0, 0]]
        assert scores(EventsComponent(name="x", times=[long, short], follow_up=[60, 50])) == [[0, -1], [1, 0]]

    def test_value_with_margin(self):
        """Falls of MELD -5, -3, -2 with margin 2: -5 beats both, -3 and -2 are no further apart than 1."""
        found = scores(ValueComponent(name="change", value=[-5, -3, -2], better="lower", margin=2))
        assert found == [[0, 1, 1], [-1, 0, 0], [-1, 0, 0]]
        found = scores(ValueComponent(name="change", value=[-5, -3, -2], better="higher", margin=2))
        assert found == [[0, -1, -1], [1, 0, 0], [1, 0, 0]]

    @pytest.mark.parametrize(
        ("one", "other", "margin"),
        [(0.3, 0.2, 0.1), (1.3, 1.0, 0.3), (35.2, 35.1, 0.1), (100.1, 100, 0.1), (0.3 + 0.0, 0.1 + 0.1, 0.1)],
    )
    def test_the_margin_itself_decides_whatever_binary_makes_of_it(self, one, other, margin):
        found = scores(ValueComponent(name="x", value=[one, other], better="higher", margin=margin))
        assert found == [[0, 1], [-1, 0]]
        found = scores(ValueComponent(name="x", value=[one, other + 1e-4], better="higher", margin=margin))
        assert found == [[0, 0], [0, 0]]

    def test_changes_that_print_alike_are_equal(self):
        """12.3 - 10.1 and 2.2 differ in binary."""
        one, other = 12.3 - 10.1, 2.2
        assert one != other
        assert scores(ValueComponent(name="x", value=[one, other], better="lower")) == [[0, 0], [0, 0]]
        assert scores(ValueComponent(name="x", value=[2.2, 2.2001], better="lower")) == [[0, 1], [-1, 0]]

    def test_a_missing_value_leaves_the_pair_to_the_next(self):
        first = ValueComponent(name="first", value=[1, np.nan, 3], better="lower")
        second = ValueComponent(name="second", value=[9, 8, 7], better="lower")
        assert pairwise_scores([first, second]).tolist() == [[0, -1, 1], [1, 0, -1], [-1, 1, 0]]
        assert scores(first) == [[0, 0, 1], [0, 0, 0], [-1, 0, 0]]

    def test_a_later_component_never_overrules(self):
        death = TimeComponent(name="death", time=[5, 9], event=[1, 1])
        meld = ValueComponent(name="MELD", value=[6, 40], better="lower")
        assert pairwise_scores([death, meld]).tolist() == [[0, -1], [1, 0]]
        assert pairwise_scores([meld, death]).tolist() == [[0, 1], [-1, 0]]


class TestAgainstTheDefinition:
    @given(SUBJECTS, st.sampled_from([0, 1, 3, 20]))
    def test_every_pair(self, subjects, tenths):
        n = len(subjects)
        found = pairwise_scores(hierarchy(subjects, margin=tenths / 10))
        wanted = np.zeros((n, n), dtype=int)
        for i, j in product(range(n), range(n)):
            wanted[i, j] = better_by_definition(subjects[i], subjects[j], tenths)
        np.testing.assert_array_equal(found, wanted)
        assert found.dtype == np.int8

    def test_blocks_of_rows_make_no_difference(self, monkeypatch):
        rng = np.random.default_rng(list(b"blocks of rows"))
        until = rng.integers(0, 30, 40)
        subjects = [
            (int(t), bool(d), rng.integers(0, t + 1, 3).tolist(), None)
            for t, d in zip(until, until % 3, strict=True)
        ]
        whole = pairwise_scores(hierarchy(subjects))
        monkeypatch.setattr("esld.longitudinal.hierarchy._CELLS", 130)  # three rows at a time
        np.testing.assert_array_equal(pairwise_scores(hierarchy(subjects)), whole)


class TestInvariance:
    @given(SUBJECTS)
    def test_what_one_wins_the_other_loses(self, subjects):
        found = pairwise_scores(hierarchy(subjects, margin=0.5))
        np.testing.assert_array_equal(found, -found.T)

    @given(SUBJECTS)
    def test_a_monotone_change_of_the_clock_and_of_the_values(self, subjects):
        warped = [(t**3 + 2 * t, d, [e**3 + 2 * e for e in events], v) for t, d, events, v in subjects]
        warped = [(t, d, e, None if v is None else math.exp(v)) for t, d, e, v in warped]
        np.testing.assert_array_equal(
            pairwise_scores(hierarchy(warped)), pairwise_scores(hierarchy(subjects))
        )

    @given(SUBJECTS, st.randoms(use_true_random=False))
    def test_order_of_subjects_and_of_events(self, subjects, random):
        order = random.sample(range(len(subjects)), len(subjects))
        turned = [
            (t, d, random.sample(events, len(events)), v) for t, d, events, v in (subjects[i] for i in order)
        ]
        found = pairwise_scores(hierarchy(turned, margin=0.3))
        whole = pairwise_scores(hierarchy(subjects, margin=0.3))
        np.testing.assert_array_equal(found, whole[np.ix_(order, order)])

    @given(SUBJECTS)
    def test_higher_is_lower_of_the_negative(self, subjects):
        value = np.array([v for *_, v in subjects], float)
        one = ValueComponent(name="x", value=value, better="higher", margin=0.4)
        other = ValueComponent(name="x", value=-value, better="lower", margin=0.4)
        np.testing.assert_array_equal(pairwise_scores([one]), pairwise_scores([other]))


class TestControlFlow:
    def test_nullable_and_list_columns(self):
        frame = pd.DataFrame({"t": [5, 9], "d": [True, False], "v": [None, 3.5]}, index=["b", "a"])
        other = frame.astype({"t": "Int64", "d": "boolean", "v": "Float64"})
        for table in (frame, other):
            time = TimeComponent(name="death", time=table["t"], event=table["d"])
            value = ValueComponent(name="v", value=table["v"], better="lower")
            assert scores(time) == [[0, -1], [1, 0]]
            assert scores(value) == [[0, 0], [0, 0]]

    def test_the_arguments_stay_as_they_are_and_may_change_later(self):
        time, event, value, follow_up = (
            np.array([5.0, 9]),
            np.array([1, 0]),
            np.array([1.0, 2]),
            np.array([5, 9]),
        )
        events = [np.array([4, 1]), np.array([], dtype=int)]
        before = [a.copy() for a in (time, event, value, follow_up, *events)]
        parts = [
            TimeComponent(name="t", time=time, event=event),
            EventsComponent(name="e", times=events, follow_up=follow_up),
            ValueComponent(name="v", value=value, better="higher"),
        ]
        found = [scores(part) for part in parts]
        for array, old in zip((time, event, value, follow_up, *events), before, strict=True):
            np.testing.assert_array_equal(array, old)
            array[:] = 0
        assert [scores(part) for part in parts] == found == [[[0, -1], [1, 0]]] * 3

    def test_nobody(self):
        parts = [
            TimeComponent(name="t", time=[], event=[]),
            EventsComponent(name="e", times=[], follow_up=[]),
            ValueComponent(name="v", value=[], better="higher"),
        ]
        assert pairwise_scores(parts).shape == (0, 0)

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda: TimeComponent(name="t", time=[1, 2], event=[1]), "the same length, got 2 and 1"),
            (
                lambda: TimeComponent(name="t", time=[-1, 2], event=[1, 0]),
                "time must be 0 or more, got 1 negative",
            ),
            (
                lambda: TimeComponent(name="t", time=[math.nan, 2], event=[1, 0]),
                "time must not be missing, got 1",
            ),
            (lambda: TimeComponent(name="t", time=[math.inf, 2], event=[1, 0]), "time must be finite, got 1"),
            (
                lambda: TimeComponent(name="t", time=[[1, 2]], event=[1, 0]),
                r"one dimension, got shape \(1, 2\)",
            ),
            (
                lambda: TimeComponent(name="t", time=[1, 2], event=[1, 2]),
                r"event must be 0 or 1, got \[2.0\]",
            ),
            (
                lambda: TimeComponent(name="t", time=[1, 2], event=[1, None]),
                "event must not be missing, got 1",
            ),
            (
                lambda: TimeComponent(name="t", time=[1], event=[1], better="higher"),
                r"better must be one of \['longer', 'shorter'\], got 'higher'",
            ),
            (
                lambda: ValueComponent(name="v", value=[1], better="more"),
                r"better must be one of \['higher', 'lower'\], got 'more'",
            ),
            (lambda: ValueComponent(name="v", value=["x"], better="lower"), "value must be numeric, got 'x'"),
            (lambda: ValueComponent(name="v", value=[-math.inf], better="lower"), "value must be finite"),
            (
                lambda: ValueComponent(name="v", value=[1], better="lower", margin=-1),
                "margin must be finite and 0",
            ),
            (
                lambda: ValueComponent(name="v", value=[1], better="lower", margin=math.nan),
                "margin must be finite and 0 or more, got nan",
            ),
            (
                lambda: EventsComponent(name="e", times=[[1], [2, 8]], follow_up=[5, 7]),
                "times must not be after the end of follow_up, got 8 after 7 in row 1",
            ),
            (lambda: EventsComponent(name="e", times=[[1]], follow_up=[5, 7]), "same length, got 1 and 2"),
            (lambda: EventsComponent(name="e", times=[[-1]], follow_up=[5]), "times must be 0 or more"),
            (
                lambda: EventsComponent(name="e", times=[[math.nan]], follow_up=[5]),
                "times must not be missing",
            ),
            (
                lambda: EventsComponent(name="e", times=[[1]], follow_up=[None]),
                "follow_up must not be missing",
            ),
            (lambda: pairwise_scores([]), "components must be at least one, got 0"),
            (
                lambda: pairwise_scores([ValueComponent(name="v", value=[1], better="lower")] * 2),
                r"components must each have a name of its own, got \['v', 'v'\]",
            ),
            (
                lambda: pairwise_scores(
                    [
                        ValueComponent(name="v", value=[1], better="lower"),
                        TimeComponent(name="t", time=[1, 2], event=[1, 0]),
                    ]
                ),
                "t must have a row for each of 1 subjects, got 2",
            ),
        ],
    )
    def test_refused(self, make, words):
        with pytest.raises(ValueError, match=words):
            make()
