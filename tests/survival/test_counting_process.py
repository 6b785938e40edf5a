"""Rows of a counting process: made from a table of events and one of subjects, and checked."""

import numpy as np
import pandas as pd
import pytest

from esld.survival.counting_process import counting_process, counting_rows

FOLLOW_UP = pd.DataFrame(
    {
        "USUBJID": ["B", "A", "C", "D"],
        "end": [100, 30, 50, 0],
        "ARM": ["HIGH", "LOW", "LOW", "HIGH"],
        "dead": [0, 1, 1, 0],
    },
    index=[7, 3, 9, 1],
)
EVENTS = pd.DataFrame(
    {"USUBJID": ["A", "B", "A", "B", "A"], "day": [30, 40, 10, 40, 20], "CE": list("xyzuv")}
)


def made(events=EVENTS, follow_up=FOLLOW_UP, **more):
    return counting_process(events, follow_up, subject="USUBJID", time="day", end="end", **more)


class TestCountingProcess:
    def test_rows(self):
        # B: two events at 40, observed to 100. A: 10, 20 and at its end. C: none. D: not observed at all.
        found = made()
        assert found.columns.tolist() == ["USUBJID", "ARM", "dead", "start", "stop", "event"]
        assert found["USUBJID"].tolist() == list("BBAAACD")
        assert found["start"].tolist() == [0, 40, 0, 10, 20, 0, 0]
        assert found["stop"].tolist() == [40, 100, 10, 20, 30, 50, 0]
        assert found["event"].tolist() == [2, 0, 1, 1, 1, 0, 0]
        assert found["ARM"].tolist() == ["HIGH"] * 2 + ["LOW"] * 4 + ["HIGH"]

    def test_death_stays_in_the_last_row(self):
        assert made(death="dead")["dead"].tolist() == [0, 0, 0, 0, 1, 1, 0]
        flagged = FOLLOW_UP.astype({"dead": bool})
        assert made(follow_up=flagged, death="dead")["dead"].tolist() == [False] * 4 + [True, True, False]

    def test_nobody_has_an_event(self):
        found = made(events=EVENTS.iloc[:0].astype({"day": float}))
        assert found["event"].tolist() == [0] * 4
        assert found["stop"].tolist() == [100, 30, 50, 0]

    def test_inputs_are_not_changed(self):
        events, follow_up = EVENTS.copy(), FOLLOW_UP.copy()
        found = made(events, follow_up, death="dead")
        found.loc[:, ["event", "dead"]] = 99
        pd.testing.assert_frame_equal(events, EVENTS)
        pd.testing.assert_frame_equal(follow_up, FOLLOW_UP)

    @pytest.mark.parametrize(
        ("events", "follow_up", "message"),
        [
            (EVENTS.assign(day=0), FOLLOW_UP, "day must be above 0 and at most end, got 5 of 5 that are not"),
            (EVENTS.assign(day=31), FOLLOW_UP, "day must be above 0 and at most end, got 3 of 5"),
            (
                EVENTS.replace("A", "Z"),
                FOLLOW_UP,
                "events must be of subjects in follow_up, got 3 that are not",
            ),
            (
                EVENTS.assign(day=np.nan),
                FOLLOW_UP,
                r"events must have \['USUBJID', 'day'\] in every row, got 5 of 5",
            ),
            (EVENTS.assign(day="10"), FOLLOW_UP, "day must be numeric"),
            (EVENTS, pd.concat([FOLLOW_UP] * 2), "follow_up must have one row per USUBJID, got 4 more"),
            (EVENTS, FOLLOW_UP.drop(columns="end"), r"follow_up must have the columns \['end'\]"),
            (EVENTS, FOLLOW_UP.assign(stop=1), r"follow_up must not have the columns \['stop'\]"),
        ],
    )
    def test_refused(self, events, follow_up, message):
        with pytest.raises(ValueError, match=message):
            made(events, follow_up)


class TestCountingRows:
    ROWS = pd.DataFrame({"id": [1, 1, 2], "a": [0, 5, 0], "b": [5, 9, 7], "e": [1, 0, 2], "d": [0, 1, 0]})

    def read(self, rows=ROWS, **more):
        return counting_rows(rows, subject="id", start="a", stop="b", event="e", **more)

    def test_arrays(self):
        found = self.read(death="d")
        assert (found.who.tolist(), found.subjects) == ([0, 0, 1], 2)
        assert (found.start.tolist(), found.stop.tolist()) == ([0, 5, 0], [5, 9, 7])
        assert (found.count.tolist(), found.death.tolist()) == ([1, 0, 2], [False, True, False])

    def test_a_gap_is_allowed_and_the_order_of_rows_is_free(self):
        rows = self.ROWS.assign(a=[0, 6, 0]).iloc[::-1]
        assert self.read(rows).start.tolist() == [0, 6, 0]

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"a": [0, 4, 0]}, "stretches of a id must not overlap, got 1 that do"),
            ({"a": [0, 5, 8]}, "a must be from 0 to b, and b finite, got 1 rows that are not"),
            ({"a": [-1, 5, 0]}, "a must be from 0 to b"),
            ({"b": [5, np.inf, 7]}, "a must be from 0 to b, and b finite"),
            ({"b": [5, np.nan, 7]}, "b must not be missing, got 1 missing of 3"),
            ({"e": [1, 0, 0.5]}, "e must be an integer of 0 or more, got 1 rows that are not"),
            ({"e": [1, 0, -1]}, "e must be an integer of 0 or more"),
            ({"a": [0, 5, 7]}, "e must lie in a stretch of some length, got 1 with a = b"),
            ({"id": [1, 1, None]}, "id must not be missing, got 1 missing of 3"),
            ({"d": [1, 0, 0]}, "d must be in the last row of a id, got 1 before it"),
            ({"d": [0, 2, 0]}, "d must be 0 or 1, got"),
        ],
    )
    def test_refused(self, change, message):
        with pytest.raises(ValueError, match=message):
            self.read(self.ROWS.assign(**change), death="d")

    def test_no_row_or_no_column(self):
        with pytest.raises(ValueError, match="rows must have at least one row, got 0"):
            self.read(self.ROWS.iloc[:0])
        with pytest.raises(ValueError, match=r"rows must have the columns \['b'\]"):
            self.read(self.ROWS.drop(columns="b"))
        with pytest.raises(ValueError, match="columns must be different ones"):
            self.read(death="e")
