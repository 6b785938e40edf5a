"""Results of two cuts matched by id: what changed, what another method changed, and how it is told."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.reasons import Why, because
from esld.report.difference import Change, difference, in_words
from esld.report.flow import participant_flow
from esld.report.results import Reported, Row, rows_of
from tests.report.builders import HIGH, LOW, SURVIVED, patient, study_of

BASE = replace(SURVIVED, method="kaplan-meier, greenwood, log-log")


def row(id="a.b", **values) -> Row:
    return replace(BASE, result_id=id, **values)


def change(before: dict | None, after: dict | None) -> Change:
    return Change(
        before=None if before is None else row(**before), after=None if after is None else row(**after)
    )


class TestChange:
    @pytest.mark.parametrize("key", ["value", "lower", "upper", "n", "events"])
    def test_any_number_counts(self, key):
        assert change({}, {key: 3}).status == "changed"
        assert change({}, {key: None}).status == "changed"
        assert change({key: None}, {key: None}).status == "unchanged"

    @pytest.mark.parametrize(
        ("value", "status"), [(0.8 * (1 + 1e-10), "unchanged"), (0.8 * (1 + 1e-8), "changed")]
    )
    def test_the_last_digit_of_a_machine_does_not(self, value, status):
        assert change({}, {"value": value}).status == status

    def test_words_do_not(self):
        assert (
            change({}, {"reason": because(Why.NO_EVENTS), "method": "another", "ties": "efron"}).status
            == "unchanged"
        )

    def test_new_gone_neither(self):
        assert (change(None, {}).status, change({}, None).status) == ("new", "gone")
        with pytest.raises(ValueError, match="change must have a row before or after, got neither"):
            Change(before=None, after=None)

    @pytest.mark.parametrize(
        ("values", "changed"),
        [
            ({"method": "clopper-pearson"}, True),
            ({"ties": "efron"}, True),
            ({"unit": "mg/dL"}, True),
            ({"value": 0.1, "n": 3}, False),
        ],
    )
    def test_the_method_is_apart_from_the_values(self, values, changed):
        assert change({}, values).method_changed is changed
        assert change(None, values).method_changed is False

    @pytest.mark.parametrize(
        ("before", "after", "changed"),
        [
            ("exact, allocations:705432, given, arm-sizes:11:11", "exact, allocations:48620, given, arm-sizes:9:9", False),
            ("exact, allocations:155712, given, permuted-blocks:4", "exact, allocations:1712, given, permuted-blocks:4", False),
            ("exact, allocations:705432", "monte-carlo, draws:100000", True),
            ("Monte Carlo, 1000 draws", "monte-carlo, draws:100000", True),
            ("rmst-difference:365, exact, allocations:9", "rmst-difference:180, exact, allocations:9", True),
        ],
    )  # fmt: skip
    def test_counts_that_the_data_write_into_a_method_are_no_method(self, before, after, changed):
        assert change({"method": before}, {"method": after}).method_changed is changed

    def test_absolute_relative_and_shift(self):
        """0.8 to 0.6: −0.2, a quarter of 0.8; the interval before is 0.3 wide: 0.2 / 0.15 half-widths."""
        found = change({}, {"value": 0.6})
        assert found.absolute == pytest.approx(-0.2)
        assert found.relative == pytest.approx(-0.25)
        assert found.shift == pytest.approx(4 / 3)

    def test_a_share_of_a_negative_value_has_the_sign_of_the_change(self):
        assert change({"value": -2.0}, {"value": -1.0}).relative == 0.5

    @pytest.mark.parametrize(
        ("before", "after"),
        [({"value": None}, {}), ({}, {"value": None}), (None, {}), ({}, None), ({}, {"unit": "days"})],
    )
    def test_no_change_without_two_values_of_one_unit(self, before, after):
        found = change(before, after)
        assert (found.absolute, found.relative, found.shift) == (None, None, None)

    def test_no_share_of_nothing_and_no_shift_without_an_interval(self):
        assert change({"value": 0.0}, {}).relative is None
        assert change({"lower": None}, {"value": 0.1}).shift is None
        assert change({"lower": 0.5, "upper": 0.5}, {"value": 0.1}).shift is None


class TestDifference:
    def test_rows_are_matched_by_id_whatever_their_order(self):
        before = [row("a"), row("b"), row("c")]
        after = [row("d"), row("c", value=0.1), row("a")]
        found = difference(before, after)
        assert [(c.row.result_id, c.status) for c in found.changes] == [
            ("d", "new"),
            ("c", "changed"),
            ("a", "unchanged"),
            ("b", "gone"),
        ]

    def test_a_cut_and_itself(self):
        rows = [row("a"), row("b")]
        assert difference(rows, rows).notable == ()
        assert difference([], []).changes == ()

    def test_an_id_twice(self):
        with pytest.raises(ValueError, match="after must hold each id once, got 'a' twice"):
            difference([row("a")], [row("b"), row("a"), row("a")])

    def test_the_most_important_first(self):
        """Primary chapter; method, estimability, shift in half-widths, relative change, new and gone."""
        plain = {"lower": None, "upper": None}
        before = [
            row("x.gone"),
            row("x.little", **plain, value=100.0),
            row("x.much", **plain, value=1.0),
            row("x.half"),
            row("x.wide", lower=0.0, upper=1.0),
            row("x.lost", value=1.0),
            row("x.method"),
            row("early.one", chapter="00_data_cut", analysis_id="FLOW"),
        ]
        after = [
            row("x.little", **plain, value=101.0),
            row("x.much", **plain, value=2.0),
            row("x.half", value=0.7),
            row("x.wide", value=0.7, lower=0.0, upper=1.0),
            row("x.lost", value=None),
            row("x.method", method="other"),
            row("early.one", chapter="00_data_cut", analysis_id="FLOW", value=0.1),
            row("x.new"),
        ]
        names = [c.row.result_id for c in difference(before, after, primary="OS-1Y").notable]
        assert names == [
            *("x.method", "x.lost", "x.half", "x.wide", "x.much", "x.little", "x.new", "x.gone"),
            "early.one",
        ]

    @given(st.lists(st.sampled_from("abcdef"), unique=True), st.lists(st.sampled_from("abcdef"), unique=True))
    def test_new_and_gone_change_places_with_the_cuts(self, one, other):
        before, after = ([row(i, value=v) for i in ids] for ids, v in ((one, 1.0), (other, 2.0)))
        there, back = difference(before, after), difference(after, before)
        mirror = {"new": "gone", "gone": "new", "changed": "changed", "unchanged": "unchanged"}
        assert {c.row.result_id: mirror[c.status] for c in there.changes} == {
            c.row.result_id: c.status for c in back.changes
        }
        assert {c.absolute for c in there.changes} - {None} <= {1.0}

    def test_records_hold_both_sides(self):
        (record,) = difference([row("a")], [row("a", value=0.6, method="m", n=11)]).records()
        assert (
            record
            | {
                "result_id": "a",
                "status": "changed",
                "method_changed": True,
                "before": 0.8,
                "lower_before": 0.6,
                "n_before": 10,
                "after": 0.6,
                "n_after": 11,
                "absolute": pytest.approx(-0.2),
                "method_before": BASE.method,
                "method_after": "m",
            }
            == record
        )
        (gone,) = difference([row("a")], []).records()
        assert (gone["before"], gone["after"], gone["method_after"], gone["n_after"]) == (0.8, None, "", None)


@pytest.mark.parametrize(
    ("before", "after", "texts"),
    [
        ({}, {"value": 0.75}, ("0.800 (0.600 to 0.900)", "0.750 (0.600 to 0.900)")),
        ({"value": 9.0, "lower": None, "upper": None}, {"value": 11.0, "lower": None, "upper": None}, ("9", "11")),
        ({"value": None}, {}, ("NE", "0.800 (0.600 to 0.900)")),
        ({"value": None}, {"value": None}, ("NE", "NE")),
        ({}, {"lower": None, "upper": None, "value": 123.4}, ("1 (1 to 1)", "123")),
        (None, {}, ("", "0.800 (0.600 to 0.900)")),
        ({"value": 0.0}, {"value": 0.0}, ("0.00 (0.60 to 0.90)", "0.00 (0.60 to 0.90)")),
    ],
)  # fmt: skip
def test_before_and_after_are_written_alike(before, after, texts):
    assert in_words(change(before, after)) == texts


class TestCounts:
    def flow(self, count: int, dead: int = 0) -> Reported:
        own = [
            patient(i, LOW if i % 2 else HIGH, days=100 if i <= dead else 400, dead=i <= dead)
            for i in range(1, count + 1)
        ]
        flow = participant_flow(study_of(own), horizon_days=365)
        return rows_of("flow", flow, analysis="FLOW", chapter="00_data_cut")

    def test_patients_of_all_arms_by_step(self):
        counts = difference(self.flow(6, 1).rows, self.flow(9, 3).rows).counts
        assert (counts["randomised"], counts["dead"]) == ((6, 9), (1, 3))

    def test_statuses_add_up(self):
        before, after = self.flow(6).rows[3:], self.flow(9).rows[:-2]
        frame = difference(before, after).to_frame().set_index("statistic")["value"]
        compared = frame["results_compared"]
        assert frame["results_changed"] + frame["results_unchanged"] == compared
        assert compared + frame["results_new"] == len(after)
        assert compared + frame["results_gone"] == len(before)
        assert frame["results_new"] == 3
        assert frame["results_gone"] == 2

    def test_methods_are_counted_apart(self):
        found = difference([row("a"), row("b")], [row("a", method="other"), row("b", value=0.5)])
        assert found.to_frame().set_index("statistic")["value"]["methods_changed"] == 1
        assert [c.row.result_id for c in found.by_another_method] == ["a"]
