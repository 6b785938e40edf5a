"""Responders: counted by hand, under every rule; invariance, control flow."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.longform import COLUMNS
from esld.longitudinal.responders import RULES, Responders, Response, responders
from esld.reasons import Why, because

COLUMNS_IN = ["id", "arm", "base", "value", "died"]
# MELD of seven patients of A and two of B; a fall by 3 or more is wanted.
ROWS = [
    (1, "A", 20, 17, False),  # at the threshold
    (2, "A", 20, 10, True),  # beyond it, and dead later
    (3, "A", 20, 18, False),  # short of it
    (4, "A", 20, 26, False),  # the wrong way
    (5, "A", 20, None, True),  # dead
    (6, "A", 20, None, False),  # not seen
    (7, "A", None, 12, None),  # no baseline
    (8, "B", 20, None, True),
    (9, "B", 20, 2, False),
]
NUMBERS = st.one_of(st.none(), st.integers(-40, 400).map(lambda i: i / 10))
TABLES = st.lists(
    st.tuples(st.sampled_from("AB"), NUMBERS, NUMBERS, st.sampled_from([True, False, None])), max_size=15
)


def table(rows=ROWS) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=COLUMNS_IN)


def count(frame: pd.DataFrame, *, threshold=3, direction="decrease", **options) -> Responders:
    columns = {"subject": "id", "group": "arm", "outcome": "value", "baseline": "base", "dead": "died"}
    return responders(frame, threshold=threshold, direction=direction, **{**columns, **options})


class TestByHand:
    def test_every_patient_is_counted_once(self):
        a, b = count(table()).groups
        assert a == Response(group="A", subjects=7, responders=2, others=2, dead=1, absent=2)
        assert b == Response(group="B", subjects=2, responders=1, others=0, dead=1, absent=0)

    def test_every_rule(self):
        found = count(table())
        assert found.rule == "non-responder"
        assert found.counts() == found.counts("non-responder") == {"A": (2, 7), "B": (1, 2)}
        assert found.counts("dead") == {"A": (2, 5), "B": (1, 2)}
        assert found.counts("left out") == {"A": (2, 4), "B": (1, 1)}

    def test_increase(self):
        assert count(table(), direction="increase").counts("left out") == {"A": (1, 4), "B": (0, 1)}

    def test_per_cent_of_the_baseline(self):
        """A fall by 10 of 100 is 10 per cent; nothing has a per cent of 0 or of a negative score."""
        rows = [(1, "A", 100, 90, 0), (2, "A", 100, 90.5, 0), (3, "A", 0, -5, 0), (4, "A", -2, -5, 0)]
        (a,) = count(table(rows), threshold=10, scale="per cent").groups
        assert (a.responders, a.others, a.absent) == (1, 1, 2)

    @pytest.mark.parametrize(
        ("base", "value", "threshold"),
        [(0.3, 0.2, 0.1), (1.3, 1.0, 0.3), (35.2, 35.1, 0.1), (100.1, 100.0, 0.1)],
    )
    def test_the_threshold_itself_is_a_response_whatever_binary_makes_of_it(self, base, value, threshold):
        (a,) = count(table([(1, "A", base, value, 0)]), threshold=threshold).groups
        assert a.responders == 1
        (a,) = count(table([(1, "A", base, value + 1e-4, 0)]), threshold=threshold).groups
        assert a.responders == 0

    def test_without_deaths_everybody_without_a_change_is_absent(self):
        a, b = count(table(), dead=None).groups
        assert (a.dead, a.absent, b.dead, b.absent) == (0, 3, 0, 1)


class TestInvariance:
    @given(TABLES)
    def test_the_parts_add_up_and_the_rules_are_ordered(self, rows):
        found = count(table([(i, *row) for i, row in enumerate(rows)]), groups=["A", "B"])
        assert sum(g.subjects for g in found.groups) == len(rows)
        for g in found.groups:
            assert g.responders + g.others + g.dead + g.absent == g.subjects
            (x, every), (y, with_dead), (z, measured) = (g.of(rule) for rule in RULES)
            assert x == y == z <= measured <= with_dead <= every == g.subjects

    @given(TABLES, st.randoms(use_true_random=False))
    def test_order_of_rows(self, rows, random):
        frame = table([(i, *row) for i, row in enumerate(rows)])
        other = frame.iloc[random.sample(range(len(frame)), len(frame))]
        assert count(other, groups=["A", "B"]) == count(frame, groups=["A", "B"])

    @given(TABLES)
    def test_a_fall_is_a_rise_of_the_negative(self, rows):
        frame = table([(i, *row) for i, row in enumerate(rows)]).astype({"base": float, "value": float})
        turned = frame.assign(base=-frame["base"], value=-frame["value"])
        one, other = count(frame, groups="AB"), count(turned, direction="increase", groups="AB")
        assert one.groups == other.groups

    @given(TABLES, st.sampled_from([0.25, 88.42]), st.sampled_from(["absolute", "per cent"]))
    def test_unit_of_measurement(self, rows, factor, scale):
        frame = table([(i, *row) for i, row in enumerate(rows)]).astype({"base": float, "value": float})
        other = frame.assign(base=frame["base"] * factor, value=frame["value"] * factor)
        threshold = 3 * (factor if scale == "absolute" else 1)
        one = count(frame, scale=scale, groups="AB")
        assert count(other, threshold=threshold, scale=scale, groups="AB").groups == one.groups


class TestControlFlow:
    def test_long_form(self):
        frame = count(table(), rule="dead", unit="points").to_frame()
        assert list(frame.columns) == list(COLUMNS)
        first = frame[frame["group"].eq("A") & frame["statistic"].eq("response_rate")]
        assert first["method"].tolist() == [
            f"decrease:3:points, {RULES[rule]}" for rule in ("dead", "non-responder", "left out")
        ]
        assert first["value"].tolist() == [2 / 5, 2 / 7, 2 / 4]
        assert first["n"].tolist() == [5, 7, 4]
        assert set(frame.loc[frame["statistic"].eq("responders") & frame["group"].eq("A"), "value"]) == {2}
        others = (
            frame[frame["group"].eq("A")].set_index("statistic").loc[["subjects", "dead", "absent"], "value"]
        )
        assert others.tolist() == [7, 1, 2]
        assert frame[["lower", "upper"]].isna().all().all()

    def test_per_cent_in_words(self):
        assert count(table(), threshold=12.5, scale="per cent").definition == "decrease:12.5:percent"
        assert count(table()).definition == "decrease:3"

    def test_nobody_to_count_has_no_share(self):
        found = count(table(ROWS[4:6]), groups=["A", "B"])
        frame = found.to_frame().query("statistic == 'response_rate'")
        by = frame.set_index(["group", "method"])
        left_out = f"{found.definition}, {RULES['left out']}"
        assert math.isnan(by.loc[("A", left_out), "value"])
        assert by.loc[("A", left_out), "reason"] == because(Why.NOBODY_COUNTED)
        assert frame.loc[frame["group"].eq("B"), "n"].tolist() == [0, 0, 0]
        assert found.groups[1] == Response(group="B", subjects=0, responders=0, others=0, dead=0, absent=0)

    def test_no_rows(self):
        assert count(table([])).groups == ()
        assert count(table([])).to_frame().empty

    def test_order_of_groups(self):
        assert list(count(table(), groups=["B", "A"]).counts()) == ["B", "A"]

    def test_nullable_columns(self):
        frame = table().astype({"base": "Int64", "value": "Float64", "died": "boolean", "arm": "category"})
        assert count(frame) == count(table())

    def test_the_frame_stays_as_it_is(self):
        frame = table()
        before = frame.copy(deep=True)
        count(frame)
        pd.testing.assert_frame_equal(frame, before)

    @pytest.mark.parametrize(
        ("change", "options", "words"),
        [
            ({}, {"threshold": 0}, "threshold must be finite and above 0, got 0"),
            ({}, {"threshold": -3}, "threshold must be finite and above 0, got -3"),
            ({}, {"threshold": math.nan}, "threshold must be finite and above 0, got nan"),
            ({}, {"direction": "down"}, r"direction must be one of \['decrease', 'increase'\], got 'down'"),
            ({}, {"scale": "percent"}, r"scale must be one of \['absolute', 'per cent'\], got 'percent'"),
            (
                {},
                {"rule": "none"},
                r"rule must be one of \['non-responder', 'dead', 'left out'\], got 'none'",
            ),
            ({}, {"dead": "gone"}, "frame must have one column 'gone', got 0"),
            ({"id": 1}, {}, r"a subject must have one row, got 8 more, the first at \(1,\)"),
            ({"id": [None, *range(8)]}, {}, "id must not be missing, got 1 missing of 9"),
            ({"arm": [None, *"AAAAAABB"[1:], "B"]}, {}, "arm must not be missing, got 1 missing of 9"),
            ({"value": math.inf}, {}, "value must be finite, got 9 infinite of 9"),
            ({"value": "x"}, {}, "value must be numeric, got 'x'"),
            ({"died": 2}, {}, "died must be true or false, got 2.0"),
        ],
    )
    def test_refused(self, change, options, words):
        with pytest.raises(ValueError, match=words):
            count(table().assign(**change), **options)

    def test_a_rule_asked_for_later_must_be_known_too(self):
        with pytest.raises(ValueError, match="rule must be one of"):
            count(table()).counts("best case")


def test_counts_are_what_the_exact_limits_take():
    """What the caller does with them: this package has no way to `esld.survival`."""
    from esld.survival.proportions import clopper_pearson

    found = count(table()).counts()["A"]
    assert np.isclose(clopper_pearson(*found).value, 2 / 7)
