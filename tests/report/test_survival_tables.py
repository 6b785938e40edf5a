"""Tables of the survival chapter: the rows in words, narrow enough for the page, every gap explained."""

import re

import pytest

from esld.report import numbers
from esld.report.results import rows_of
from esld.report.survival_tables import curve_rows, curve_table, ending_table, milestone_table, power_rows
from esld.report.tables import Table
from esld.survival import kaplan_meier
from tests.report.builders import HIGH, LOW, at_horizon, cells, patient, study_of

M = "\u2212"
ALIVE, DIED, LOST = (400, False), (100, True), (200, False)
INCOMPLETE = {LOW: [ALIVE] * 9 + [DIED] * 2, HIGH: [ALIVE] * 9 + [(203, True), (212, False)]}
COMPLETE = {LOW: [ALIVE] * 9 + [DIED] * 2, HIGH: [ALIVE] * 10 + [DIED]}
SENSITIVITY = "Sensitivity: nobody not known dead is censored before the cut-off"
ALIVE_CI = "Alive (95 % CI)"


def table_of(**blocks) -> Table:
    return milestone_table({name.replace("_", " "): at_horizon(groups) for name, groups in blocks.items()})


def line(table: Table, group: str, block: int = 0) -> dict[str, str]:
    found = table.frame[table.frame["Group"].eq(group)]
    return found.iloc[block].to_dict()


class TestMilestone:
    def test_complete(self):
        table = table_of(Primary=COMPLETE)
        assert table.title == "Alive at one year"
        assert list(table.frame.columns) == [
            "Analysis",
            "Group",
            "Patients",
            "Alive / dead / unknown",
            ALIVE_CI,
        ]
        assert line(table, LOW)["Alive / dead / unknown"] == "9 / 2 / 0"
        assert line(table, LOW)[ALIVE_CI] == "82 % (48 % to 98 %)"
        assert line(table, "Difference, points")[ALIVE_CI] == f"9 ({M}24 to 42)"
        assert table.footnotes == (
            "Method: Clopper–Pearson; difference: Miettinen–Nurminen.",
            "Difference: medium-high dose minus low dose, percentage points.",
        )

    def test_incomplete_uses_one_method_for_both_arms(self):
        """A complete arm beside an incomplete one is estimated like it: R survfit's log-log 0.82 (0.45 to 0.95)."""
        table = table_of(Primary=INCOMPLETE)
        assert line(table, LOW)[ALIVE_CI] == "82 % (45 % to 95 %)"
        assert line(table, HIGH)[ALIVE_CI] == "91 % (51 % to 99 %)"
        assert line(table, HIGH)["Worst to best case"] == "82 % to 91 %"
        assert line(table, LOW)["Worst to best case"] == ""
        assert line(table, "Difference, points")["Worst to best case"] == "0 to 9"
        assert "Clopper" not in " ".join(table.footnotes)

    def test_each_block_names_its_method(self):
        table = milestone_table({"Primary": at_horizon(INCOMPLETE), SENSITIVITY: at_horizon(COMPLETE)})
        assert table.footnotes[0].startswith("Primary: Kaplan–Meier, Greenwood, log-log")
        assert table.footnotes[1].startswith(f"{SENSITIVITY}: Clopper–Pearson")
        assert line(table, LOW, 1)[ALIVE_CI] == "82 % (48 % to 98 %)"

    def test_arm_without_deaths(self):
        table = table_of(Primary={LOW: [ALIVE] * 11, HIGH: [ALIVE] * 8 + [DIED, DIED, LOST]})
        assert line(table, LOW)[ALIVE_CI] == "100 % (NE)"
        assert (
            "NE: a log-log interval does not exist where everybody, or nobody, is alive." in table.footnotes
        )
        assert any("too narrow" in note for note in table.footnotes)

    def test_difference_without_interval(self):
        table = table_of(Primary={LOW: [ALIVE] * 11, HIGH: [ALIVE] * 10 + [LOST]})
        assert line(table, "Difference, points")[ALIVE_CI] == "0 (NE)"
        assert (
            "NE: a difference has no interval where nobody, or everybody, of a group died." in table.footnotes
        )
        assert not any("too narrow" in note for note in table.footnotes)

    def test_nobody_observed_so_long(self):
        table = table_of(Primary={LOW: [(100, False)] * 3, HIGH: [(50, True), (90, False)]})
        assert line(table, LOW)[ALIVE_CI] == "NE"
        assert line(table, "Difference, points")[ALIVE_CI] == "NE"
        assert line(table, HIGH)["Worst to best case"] == "0 % to 50 %"
        assert "NE: nobody in the group has been observed that long." in table.footnotes

    def test_level_in_the_head_is_that_of_the_intervals(self):
        table = milestone_table({"Primary": at_horizon(COMPLETE, conf_level=0.9)})
        assert "Alive (90 % CI)" in table.frame.columns

    def test_large_groups_get_a_decimal(self):
        groups = {LOW: [ALIVE] * 149 + [DIED] * 9, HIGH: [ALIVE] * 141 + [DIED] * 13}
        table = milestone_table({"Primary": at_horizon(groups)})
        assert line(table, LOW)[ALIVE_CI] == "94.3 % (89.5 % to 97.4 %)"
        assert line(table, "Difference, points")[ALIVE_CI] == f"{M}2.7 ({M}8.9 to 3.1)"

    def test_three_arms_have_no_difference(self):
        table = milestone_table({"Primary": at_horizon({"A": [ALIVE], "B": [DIED], "C": [ALIVE, DIED]})})
        assert list(table.frame["Group"]) == ["A", "B", "C"]

    def test_numbers_are_those_of_the_rows(self):
        result, reported = at_horizon(INCOMPLETE)
        table = milestone_table({"Primary": (result, reported)})
        for group in result.groups:
            row = reported.row("survival", group.group)
            text = "{} ({} to {})".format(
                *(numbers.percent(v, row.n) for v in (row.value, row.lower, row.upper))
            )
            assert line(table, group.group)[ALIVE_CI] == text

    @pytest.mark.parametrize(
        "blocks", [{"Primary": INCOMPLETE, SENSITIVITY: COMPLETE}, {"Primary": COMPLETE}]
    )
    def test_fits_the_page(self, blocks):
        table = milestone_table({name: at_horizon(groups) for name, groups in blocks.items()})
        assert width(table) <= PAGE


# A table is at most 44 em wide and its digits are about half an em; a column needs about 2 more for its padding.
PAGE = 88


def width(table: Table) -> int:
    """Characters a table cannot do without: numbers never break, words and heads break at spaces and hyphens."""
    total = 0
    for column in table.frame.columns:
        if column == table.group:
            continue
        prefix = next((f"{s}: " for s, own in table.spanners.items() if column in own), "")
        head = max(map(len, re.split(r"[ -]", column.removeprefix(prefix))))
        body = table.frame[column]
        is_number = column != table.frame.columns[0] and body[body.ne("")].str.match(r"[\d+\u2212N]").all()
        longest = (
            body.str.len().max() if is_number else max(len(w) for t in body for w in re.split(r"[ -]", t))
        )
        total += max(head, longest) + 2
    return total


@pytest.mark.parametrize("cut", ["demo-final", "demo-interim", "mayo-pbc"])
def test_survival_tables_of_the_examples_fit_the_page(tables, cut):
    for table in tables(cut):
        if table.id in ("milestone", "os_km", "participant_flow", "follow_up", "baseline"):
            assert width(table) <= PAGE, (table.id, width(table))


def curves(low, high):
    parts = {LOW: low, HIGH: high}
    return {arm: kaplan_meier(*zip(*own, strict=True), group=arm) for arm, own in parts.items()}


def km_table(own, times=(365,), **how):
    reported = rows_of("os_km", curve_rows(own, times), analysis="OS-KM", chapter="c")
    return curve_table(reported, own, times, id="os_km", title="Overall survival"), reported


class TestCurves:
    def test_survival_with_two_decimals_and_number_at_risk(self):
        table, reported = km_table(curves(INCOMPLETE[LOW], INCOMPLETE[HIGH]), (120, 365))
        assert cells(table) == [
            ["120 days", "0.82 (0.45 to 0.95)", "9", "1.00 (NE)", "11"],
            ["One year", "0.82 (0.45 to 0.95)", "9", "0.91 (0.51 to 0.99)", "9"],
            ["Median, days", "not reached", "", "not reached", ""],
        ]
        row = reported.row("survival", HIGH, 365)
        assert numbers.estimate(row.value, row.lower, row.upper, 2) == "0.91 (0.51 to 0.99)"

    def test_intervals_that_do_not_exist_are_explained(self):
        table, _ = km_table(curves([ALIVE] * 3, [(90, False), (50, True)]))
        assert table.frame.iloc[0, 1] == "1.00 (NE)"
        assert table.frame.iloc[0, 3] == "NE"
        assert (
            "NE: a log-log interval does not exist where everybody, or nobody, is alive." in table.footnotes
        )
        assert "NE: nobody in the group has been observed that long." in table.footnotes

    def test_median_with_an_upper_limit_that_is_not_reached(self):
        table, reported = km_table(
            curves([(d, True) for d in (10, 20, 30, 40)], [ALIVE, (90, True), (30, True)])
        )
        row = reported.row("median", HIGH)
        assert row.upper is None
        assert table.frame.iloc[-1, 3] == f"{row.value:.0f} ({row.lower:.0f} to not reached)"

    def test_level_is_that_of_the_curves(self):
        own = {LOW: kaplan_meier([10, 400], [1, 0], conf_level=0.8, group=LOW)}
        table, _ = km_table(own)
        assert "Low dose: survival (80 % CI)" in table.frame.columns
        assert "log-log 80 % intervals" in table.footnotes[0]

    def test_years_in_words(self):
        own = {LOW: kaplan_meier([10, 4000], [1, 0], group=LOW)}
        table, _ = km_table(own, (365.25, 730.5, 1826.25))
        assert list(table.frame["Time"]) == ["One year", "Two years", "Five years", "Median, days"]


class TestEndings:
    def test_counts_by_arm_events_first(self):
        study = study_of(
            [
                patient(1, HIGH, days=400),
                patient(2, HIGH, days=10, dead=True),
                patient(3, LOW, days=400),
                patient(4, LOW, days=400, censored_by_rule=True),
            ]
        )
        table = ending_table(study.adtte)
        assert cells(table) == [
            ["Death (demographics)", "Event", "DM.DTHDTC", "0", "1"],
            ["Last day known alive", "Censored", "LB.LBDTC", "1", "1"],
            ["Last day known alive", "Censored by rule", "LB.LBDTC", "1", "0"],
        ]
        assert list(table.frame.columns[3:]) == [LOW, HIGH]  # the protocol's order, not the alphabet's

    @pytest.mark.parametrize("cut", ["demo-final", "demo-interim", "mayo-pbc"])
    def test_everybody_is_counted_once(self, study, cut):
        for code in ("OS", "OSCUT", "TFS"):
            own = study(cut).adtte[study(cut).adtte["PARAMCD"].eq(code)]
            frame = ending_table(own).frame
            assert frame[study(cut).arms].astype(int).to_numpy().sum() == len(own)

    def test_end_at_the_cut_off_has_no_record(self, study):
        own = study("demo-interim").adtte
        frame = ending_table(own[own["PARAMCD"].eq("OSCUT")]).frame
        assert frame.loc[frame["Why"].str.contains("followed to the cut-off"), "Record"].tolist() == [
            "cut-off"
        ]


def test_power_rows():
    frame = power_rows([11, 11])
    assert list(frame["statistic"]) == ["power 0.9 v 0.7", "power 0.9 v 0.5", "power 0.9 v 0.3"]
    assert [round(v, 2) for v in frame["value"]] == [
        0.08,
        0.36,
        0.76,
    ]  # 0.36 and 0.76: trial_conventions.md, section 7
    assert set(frame["n"]) == {22}
