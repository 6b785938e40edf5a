"""Tables of the survival chapter: the rows in words, narrow enough for the page, every gap explained."""

import math
import re

import pandas as pd
import pytest

from esld.reasons import Why, because
from esld.report import numbers
from esld.report.cells import Estimate
from esld.report.results import rows_of
from esld.report.survival.tables import (
    Block,
    companion_rows,
    curve_rows,
    curve_table,
    ending_table,
    hazards_rows,
    milestone_table,
    permutation_rows,
    power_rows,
)
from esld.report.survival_times import endpoint_times, hazards_on_arm
from esld.report.tables import Table
from esld.report.words.catalogue import PSEUDO, Reader, message, read_by
from esld.survival import boschloo, exact_logrank, fisher, kaplan_meier, milestone
from tests.report.builders import (
    DEATH,
    HIGH,
    LABELS,
    LOW,
    arrays,
    at_horizon,
    cells,
    patient,
    study_of,
    without_event,
)

M = "\u2212"
ALIVE, DIED, LOST = (400, False), (100, True), (200, False)
INCOMPLETE = {LOW: [ALIVE] * 9 + [DIED] * 2, HIGH: [ALIVE] * 9 + [(203, True), (212, False)]}
COMPLETE = {LOW: [ALIVE] * 9 + [DIED] * 2, HIGH: [ALIVE] * 10 + [DIED]}
SENSITIVITY = "Followed to the data cut"
ALIVE_CI = "Alive (95 % CI)"


def block(title, result, reported, pairs=None):
    own = [(result, reported)] if len(result.groups) == 2 else []
    return Block(title.upper(), title, result, reported, own if pairs is None else pairs)


def table_of(**blocks) -> Table:
    return milestone_table([block(name, *at_horizon(groups)) for name, groups in blocks.items()], DEATH)


def line(table: Table, group: str, block: int = 0) -> dict[str, str]:
    found = table.frame[table.frame["Group"].eq(LABELS.get(group, group))]
    return found.iloc[block].to_dict()


class TestMilestone:
    def test_complete(self):
        table = table_of(primary=COMPLETE)
        assert table.title == "Alive at one year after randomisation"
        assert list(table.frame.columns) == [
            "Analysis",
            "Group",
            "Patients",
            "Alive / died / unknown",
            ALIVE_CI,
        ]
        assert line(table, LOW)["Alive / died / unknown"] == "9 / 2 / 0"
        assert line(table, LOW)[ALIVE_CI] == "82 % (48 % to 98 %)"
        assert line(table, "Difference, points")[ALIVE_CI] == f"9 ({M}24 to 42)"
        assert table.footnotes == (
            "Method: Clopper–Pearson; difference: Miettinen–Nurminen.",
            "Difference: medium-high dose minus low dose, percentage points.",
        )

    def test_incomplete_uses_one_method_for_both_arms(self):
        """Beta product in both: of the complete arm that is Clopper–Pearson's, 9 of 11: 0.48 to 0.98 (R binom.test)."""
        table = table_of(primary=INCOMPLETE)
        assert line(table, LOW)[ALIVE_CI] == "82 % (48 % to 98 %)"
        assert line(table, HIGH)[ALIVE_CI] == "91 % (57 % to 100 %)"
        assert line(table, HIGH)["Worst to best case"] == "82 % to 91 %"
        assert line(table, LOW)["Worst to best case"] == ""
        assert line(table, "Difference, points")["Worst to best case"] == "0 to 9"
        assert table.footnotes[0] == (
            "Method: Kaplan–Meier, beta product, method of moments; difference: Kaplan–Meier difference, MOVER of mid-p beta "
            "product limits."
        )
        assert message("milestone.lost", **DEATH.plain) in table.footnotes

    def test_each_block_names_its_method(self):
        table = milestone_table(
            [block("Primary", *at_horizon(INCOMPLETE)), block(SENSITIVITY, *at_horizon(COMPLETE))], DEATH
        )
        assert table.footnotes[0].startswith("Primary: Kaplan–Meier, beta product")
        assert table.footnotes[1].startswith(f"{SENSITIVITY}: Clopper–Pearson")
        assert line(table, LOW, 1)[ALIVE_CI] == "82 % (48 % to 98 %)"

    def test_nobody_died_and_somebody_was_lost(self):
        """11 of 11 alive: 0.025^(1/11) = 0.715 as without losses; one of them lost at once: 0.025^(1/10) = 0.692."""
        table = table_of(primary={LOW: [ALIVE] * 11, HIGH: [ALIVE] * 10 + [LOST]})
        assert line(table, LOW)[ALIVE_CI] == "100 % (72 % to 100 %)"
        assert line(table, HIGH)[ALIVE_CI] == "100 % (69 % to 100 %)"
        assert line(table, "Difference, points")[ALIVE_CI] == f"0 ({M}27 to 27)"
        assert not any("NE" in note for note in table.footnotes)

    def test_nobody_observed_so_long(self):
        table = table_of(primary={LOW: [(100, False)] * 3, HIGH: [(50, True), (90, False)]})
        assert line(table, LOW)[ALIVE_CI] == "NE"
        assert line(table, "Difference, points")[ALIVE_CI] == "NE"
        assert line(table, HIGH)["Worst to best case"] == "0 % to 50 %"
        assert "NE: nobody in the group has been observed that long." in table.footnotes

    def test_level_in_the_head_is_that_of_the_intervals(self):
        table = milestone_table([block("primary", *at_horizon(COMPLETE, conf_level=0.9))], DEATH)
        assert "Alive (90 % CI)" in table.frame.columns

    def test_large_groups_get_a_decimal(self):
        groups = {LOW: [ALIVE] * 149 + [DIED] * 9, HIGH: [ALIVE] * 141 + [DIED] * 13}
        table = table_of(primary=groups)
        assert line(table, LOW)[ALIVE_CI] == "94.3 % (89.5 % to 97.4 %)"
        assert line(table, "Difference, points")[ALIVE_CI] == f"{M}2.7 ({M}8.9 to 3.1)"

    def test_three_arms_have_no_difference(self):
        table = table_of(primary={"A": [ALIVE], "B": [DIED], "C": [ALIVE, DIED]})
        assert list(table.frame["Group"]) == ["A", "B", "C"]

    def test_numbers_are_those_of_the_rows(self):
        result, reported = at_horizon(INCOMPLETE)
        table = milestone_table([block("primary", result, reported)], DEATH)
        for group in result.groups:
            row = reported.row("survival", group.group)
            text = "{} ({} to {})".format(
                *(numbers.percent(v, row.n) for v in (row.value, row.lower, row.upper))
            )
            assert line(table, group.group)[ALIVE_CI] == text

    @pytest.mark.parametrize("cut", ["demo-final", "demo-interim", "mayo-pbc"])
    def test_of_a_cut_fits_the_page(self, study, cut):
        own, (at, *_) = study(cut), study(cut).protocol.analysis("OS-1Y").milestones_days
        blocks = []
        for plan in (own.protocol.analysis("OS-1Y"), own.protocol.analysis("CUTOFF")):
            times = endpoint_times(own, plan)
            result = milestone(times["time"], times["event"], times["arm"], at=at, groups=own.arms)
            blocks.append(block(plan.title, result, rows_of("m", result, analysis="A", chapter="c")))
        assert width(milestone_table(blocks, DEATH)) <= PAGE

    @pytest.mark.parametrize(
        "blocks", [{"primary": INCOMPLETE, "sensitivity": COMPLETE}, {"primary": COMPLETE}]
    )
    def test_fits_the_page(self, blocks):
        assert width(table_of(**blocks)) <= PAGE


class TestRowsBesideTheEstimates:
    def test_complete_has_the_exact_tests_of_the_deaths(self):
        result, _ = at_horizon(COMPLETE)
        reported = rows_of("t", companion_rows(result), analysis="A", chapter="c")
        for test in (fisher(1, 11, 2, 11), boschloo(1, 11, 2, 11)):
            row = reported.row(f"{test.method.split(',')[0].split()[0].lower()}_p_value")
            assert row.value == pytest.approx(test.p_value, rel=1e-11)
            assert (row.method, row.n, row.events, row.time) == (test.method, 22, 3, 365)
        assert not any("odds_ratio" in row.statistic for row in reported.rows)

    def test_incomplete_has_the_ratio_of_the_cumulative_hazards(self):
        """-log of 10/11 over -log of 9/11."""
        result, _ = at_horizon(INCOMPLETE)
        reported = rows_of("t", companion_rows(result), analysis="A", chapter="c")
        row, gap = reported.row("cumulative_hazard_ratio"), result.cloglog_difference
        assert row.value == pytest.approx(math.log(10 / 11) / math.log(9 / 11), rel=1e-9)
        assert (row.lower, row.upper) == pytest.approx((math.exp(gap.lower), math.exp(gap.upper)), rel=1e-9)
        assert reported.row("cumulative_hazard_ratio_p_value").value == pytest.approx(gap.p_value, rel=1e-11)

    def test_a_scale_that_does_not_exist_is_told(self):
        result, _ = at_horizon({LOW: [ALIVE] * 3, HIGH: [ALIVE, LOST]})
        row = rows_of("t", companion_rows(result), analysis="A", chapter="c").row("cumulative_hazard_ratio")
        assert (row.value, row.lower, row.upper) == (None, None, None)
        assert row.reason.says(Why.NO_CLOGLOG)

    def test_draws_are_a_row_only_where_there_are_some(self):
        times = arrays(COMPLETE)
        listed = permutation_rows(exact_logrank(*times, studentised=True))
        assert "draws" not in set(listed["statistic"])
        drawn = permutation_rows(exact_logrank(*times, studentised=True, limit=1, draws=50))
        assert drawn.set_index("statistic")["value"]["draws"] == 50

    @pytest.mark.parametrize(("sizes", "share"), [([11, 11], 1 / 4), ([5, 15], 3 / 16)])
    def test_change_of_the_hazard_ratio_that_could_be_seen(self, sizes, share):
        """Each half of d events has Var(log HR) = 2 / (pqd); the difference of two, 4 / (pqd); 2.8016 = z(0.975) + z(0.8)."""
        n1, n2 = sizes
        deaths = [(100 + i, True) for i in range(4)]
        groups = {LOW: [ALIVE] * (n1 - 2) + deaths[::2], HIGH: [ALIVE] * (n2 - 2) + deaths[1::2]}
        time, event, arm = arrays(groups)
        test = hazards_on_arm(pd.DataFrame({"time": time, "event": event, "arm": arm}), [LOW, HIGH])
        found = hazards_rows(test, sizes).set_index("statistic").loc["ph_visible_change"]
        assert math.log(found["value"]) == pytest.approx(2.8015852 * math.sqrt(4 / (share * 4)), rel=1e-6)
        assert found["events"] == 4

    def test_without_deaths_no_change_could_be_seen(self):
        time, event, arm = arrays({LOW: [ALIVE] * 3, HIGH: [ALIVE] * 3})
        test = hazards_on_arm(pd.DataFrame({"time": time, "event": event, "arm": arm}), [LOW, HIGH])
        row = rows_of("h", hazards_rows(test, [3, 3]), analysis="A", chapter="c").row("ph_visible_change")
        assert (row.value, row.reason) == (None, because(Why.NO_EVENTS))


# A table is at most 44 em wide and its digits are about half an em; a column needs about 2 more for its padding.
PAGE = 92


def width(table: Table) -> int:
    """Characters a table cannot do without: numbers never break, words and heads break at spaces and hyphens."""
    total = 0
    for column in table.shown:
        head = max(map(len, re.split(r"[ -]", column.heading)))
        body = table.frame[column.title]
        is_number = column.key != table.columns[0].key and body[body.ne("")].str.match(r"[\d+\u2212N]").all()
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
    return curve_table(reported, own, times, id="os_km", title="Overall survival", event=DEATH), reported


class TestCurves:
    def test_survival_with_two_decimals_and_number_at_risk(self):
        table, reported = km_table(curves(INCOMPLETE[LOW], INCOMPLETE[HIGH]), (120, 365))
        assert cells(table) == [
            ["120 days", "0.82 (0.45 to 0.95)", "9", "1.00 (NE)", "11"],
            ["One year", "0.82 (0.45 to 0.95)", "9", "0.91 (0.51 to 0.99)", "9"],
            ["Median, days", "not reached", "", "not reached", ""],
        ]
        row = reported.row("survival", HIGH, 365)
        assert Estimate(row.value, row.lower, row.upper, 2).text == "0.91 (0.51 to 0.99)"

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

    def test_a_median_that_grows_with_follow_up_is_told(self):
        own = curves([(20, True), (100, True), ALIVE, ALIVE], [(20, True), ALIVE])
        table, _ = km_table(own | {LOW: kaplan_meier([20, 40, 200], [1, 1, 1], group=LOW)})
        told = [note for note in table.footnotes if "one half" in note]
        assert [note.split(":")[0] for note in told] == [LABELS[HIGH]]
        assert "grows with it" in told[0]

    def test_level_is_that_of_the_curves(self):
        own = {LOW: kaplan_meier([10, 400], [1, 0], conf_level=0.8, group=LOW)}
        table, _ = km_table(own)
        assert "Low dose: alive (80 % CI)" in table.frame.columns
        assert "log-log 80 % intervals" in table.footnotes[0]

    def test_years_in_words(self):
        own = {LOW: kaplan_meier([10, 4000], [1, 0], group=LOW)}
        table, _ = km_table(own, (365.25, 730.5, 1826.25))
        assert list(table.frame["Time"]) == ["One year", "Two years", "Five years", "Median, days"]


ENDINGS = {"id": "time_endings", "what": "Overall survival"}


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
        table = ending_table(study.adtte, arms=study.arms, **ENDINGS)
        assert cells(table) == [
            ["Death (demographics)", "Event", "DM.DTHDTC", "0", "1"],
            ["Last day known alive", "Censored", "LB.LBDTC", "1", "1"],
            ["Last day known alive", "Censored by rule", "LB.LBDTC", "1", "0"],
        ]
        assert [column.key for column in table.columns][3:] == [
            LOW,
            HIGH,
        ]  # the protocol's order, not the alphabet's

    @pytest.mark.parametrize("cut", ["demo-final", "demo-interim", "mayo-pbc"])
    def test_everybody_is_counted_once(self, study, cut):
        for code in ("OS", "OSCUT", "TFS"):
            own = study(cut).adtte[study(cut).adtte["PARAMCD"].eq(code)]
            frame = ending_table(own, arms=study(cut).arms, **ENDINGS).frame
            assert frame[[LABELS[arm] for arm in study(cut).arms]].astype(int).to_numpy().sum() == len(own)

    def test_end_at_the_cut_off_has_no_record(self, study):
        interim = study("demo-interim")
        own = interim.adtte
        frame = ending_table(own[own["PARAMCD"].eq("OSCUT")], arms=interim.arms, **ENDINGS).frame
        assert frame.loc[frame["Why"].str.contains("followed to the cut-off"), "Record"].tolist() == [
            "cut-off"
        ]


def test_every_word_of_a_table_is_of_the_catalogue():
    """But for methods, and for what the data say of an end."""
    people = [patient(1, HIGH), patient(2, HIGH, days=10, dead=True), patient(3, LOW)]
    own = curves([(20, True), ALIVE], [ALIVE] * 3)
    with read_by(Reader(PSEUDO, {LOW: "Α", HIGH: "Β"})):
        tables = [
            milestone_table([block("Α", *at_horizon(INCOMPLETE)), block("Β", *at_horizon(COMPLETE))], DEATH),
            km_table(own, (120, 365))[0],
            ending_table(study_of(people).adtte, arms=[LOW, HIGH], id="x", what="Α"),
        ]
        for table in tables:
            shown = [column.title for column in table.columns if column.key not in ("why", "record")]
            notes = table.footnotes[2 if table.id == "milestone" else 0 :]
            texts = [
                table.title.replace("Overall survival", ""),
                *shown,
                *table.frame[shown].to_numpy().ravel(),
                *notes,
            ]
            assert not [text for text in texts if re.search("[a-z]{2}", without_event(text))]


def test_power_rows():
    """0.36 and 0.76: trial_conventions.md, section 7. Fisher's p of 5 v 0 of 11 is 0.035, of 4 v 0 it is 0.090."""
    frame = power_rows([11, 11])
    assert list(frame["statistic"])[:2] == ["patients", "patients"]
    assert list(frame["statistic"])[2:5] == ["power_0_9_v_0_7", "power_0_9_v_0_5", "power_0_9_v_0_3"]
    assert list(frame["statistic"])[5:] == ["fewest_deaths_against_none"]
    assert [round(v, 2) for v in frame["value"]] == [11, 11, 0.08, 0.36, 0.76, 5]
    assert set(frame["n"]) == {22}


def test_power_rows_of_a_trial_that_cannot_reach_the_level():
    """3 v 3: the most extreme table has p = 0.1."""
    last = rows_of("p", power_rows([3, 3]), analysis="A", chapter="c").rows[-1]
    assert (last.value, last.reason) == (None, because(Why.NOT_EVEN_IF_ALL_DIE))
