"""Liver function by visit: the rows, and tables, figures and words made from them."""

import numpy as np
import pandas as pd
import pytest

from esld.report import figures, liver_function, numbers
from esld.report.results import rows_of
from tests.report.builders import HIGH, LOW, footnotes, patient, plain, spans, study_of, unspanned_numbers

M = "\u2212"
PATIENTS = [
    patient(1, LOW),
    patient(2, LOW, days=200, dead=True),
    patient(3, LOW, days=150, reason="LOST TO FOLLOW-UP"),
    patient(4, HIGH, transplant_day=60, days=300, dead=True),
    patient(5, HIGH, days=900, dead=True),  # after the last visit was over
    patient(6, HIGH),
]
VALUES = [
    (1, "BILI", 0, 30.0), (1, "BILI", 2, 33.0), (1, "BILI", 7, 20.0),
    (2, "BILI", 0, 50.0), (2, "BILI", 2, 54.0),
    (3, "BILI", 0, 40.0), (3, "BILI", 7, 41.0),
    (4, "BILI", 0, 90.0), (4, "BILI", 2, 80.0),
    (5, "BILI", 0, 60.0), (5, "BILI", 7, 50.0),
    (6, "BILI", 2, 70.0),
]  # fmt: skip
LIMITS = {"BILI": (3.4, 20.5)}


@pytest.fixture(scope="module")
def by_hand():
    return study_of(PATIENTS, values=VALUES, limits=LIMITS)


@pytest.fixture(scope="module")
def reported(by_hand):
    frame = liver_function.change_by_visit(by_hand, "BILI", conf_level=0.95)
    return rows_of("change_bili", frame, analysis="LFT", chapter="04_liver_function")


@pytest.fixture(scope="module")
def parameter(by_hand):
    return by_hand.protocol.parameter("BILI")


class TestRows:
    def test_values_by_visit(self, reported):
        assert reported.row("mean", LOW, 0).value == 40
        assert reported.row("sd", LOW, 0).value == 10
        assert (reported.row("mean", HIGH, 2).value, reported.row("mean", HIGH, 2).n) == (75, 2)

    def test_change_is_of_those_who_have_a_baseline_value(self, reported):
        assert (reported.row("mean_change", LOW, 2).value, reported.row("mean_change", LOW, 2).n) == (3.5, 2)
        assert (reported.row("mean_change", HIGH, 2).value, reported.row("mean_change", HIGH, 2).n) == (
            -10,
            1,
        )

    def test_how_many_are_lower_than_at_baseline(self, reported):
        assert (reported.row("lower", LOW, 7).value, reported.row("lower", LOW, 7).n) == (1, 2)
        assert reported.row("lower", HIGH, 7).value == 1

    def test_nothing_without_its_reason(self, reported):
        assert all(r.value is not None or r.reason for r in reported.rows)

    def test_parameter_without_values_gives_no_rows(self, by_hand):
        assert liver_function.change_by_visit(by_hand, "ALT", conf_level=0.95).empty

    @pytest.mark.parametrize("cut", ["demo-final", "mayo-pbc"])
    def test_means_of_an_example_are_those_of_its_values(self, study, changes, cut):
        own = study(cut)
        for code in ("BILI", "ALBI"):
            rows = own.adlb[own.adlb["PARAMCD"].eq(code) & own.adlb["ANL01FL"].eq("Y")]
            for (arm, visit), values in rows.groupby(["TRT01P", "AVISITN"])["AVAL"]:
                row = changes(cut, code).row("mean", arm, visit)
                assert (row.value, row.n) == (pytest.approx(values.mean()), len(values))


class TestTable:
    def test_a_line_a_visit_with_values(self, by_hand, parameter, reported):
        table = liver_function.change_table(by_hand, parameter, reported)
        frame = table.frame.set_index("Visit")
        assert list(frame.index) == ["Baseline", "Week 1", "Week 48"]
        assert table.title == "Total bilirubin (µmol/L)"
        week = frame.loc["Week 1"]
        assert week["Low dose: n"] == "2"
        assert week["Low dose: mean (SD)"] == "43.5 (14.8)"
        assert week["Low dose: change (95 % CI)"].startswith("+3.5 (")
        assert frame.loc["Baseline", "Low dose: change (95 % CI)"] == ""

    def test_single_value_has_no_interval_and_says_why(self, by_hand, parameter, reported):
        table = liver_function.change_table(by_hand, parameter, reported)
        assert (
            table.frame.set_index("Visit").loc["Week 1", "Medium-high dose: change (95 % CI)"]
            == f"{M}10.0 (NE)"
        )
        assert "NE: an interval needs two values." in footnotes(table)

    def test_visit_without_values_in_one_arm(self, by_hand, parameter):
        own = study_of(PATIENTS, values=[v for v in VALUES if v[0] in (1, 4) and v[2] in (0, 7)])
        frame = liver_function.change_by_visit(own, "BILI", conf_level=0.95)
        rows = rows_of("c", frame, analysis="LFT", chapter="c")
        week = liver_function.change_table(own, parameter, rows).frame.set_index("Visit").loc["Week 48"]
        assert (week["Medium-high dose: n"], week["Medium-high dose: mean (SD)"]) == ("0", "")

    def test_heads_repeat_neither_arm_nor_level(self, by_hand, parameter, reported):
        table = liver_function.change_table(by_hand, parameter, reported, level="90 %")
        assert set(table.spanners) == {LOW, HIGH}
        assert "Low dose: change (90 % CI)" in table.frame.columns

    @pytest.mark.parametrize("code", ["ALT", "BILI", "INR", "ALBI", "MELD"])
    def test_precision_is_that_of_the_measurement(self, study, changes, code):
        own = study("demo-final")
        p = own.protocol.parameter(code)
        table = liver_function.change_table(own, p, changes("demo-final", code))
        decimals = {
            len(t.partition(" ")[0].partition(".")[2]) for t in table.frame["Low dose: mean (SD)"] if t
        }
        assert decimals == {numbers.of_mean(p.decimals)} <= {p.decimals, p.decimals + 1}


class TestWords:
    def test_change_at_the_last_visit(self, by_hand, parameter, reported):
        html = liver_function.last_change(by_hand, parameter, reported, level="95 %")
        assert plain(html).startswith(
            "At week 48 the mean change from baseline in total bilirubin (µmol/L) was "
        )
        assert f"{M}10.0 (n = 1; an interval needs two values) in the medium-high-dose group." in plain(html)
        assert not unspanned_numbers(html, "95 %", "week 48")

    @pytest.mark.parametrize(
        ("cut", "visit"), [("demo-final", "week 48"), ("demo-interim", "week 48"), ("mayo-pbc", "month 60")]
    )
    def test_numbers_are_results_with_their_rounding(self, study, changes, cut, visit):
        own = study(cut)
        for analysis in ("LFT", "SCORES"):
            for p in liver_function.parameters_of(own, analysis):
                reported = changes(cut, p.paramcd)
                html = liver_function.last_change(own, p, reported, level="95 %")
                name = numbers.with_unit(p.param, p.unit)
                assert not unspanned_numbers(html, "95 %", visit, name, name[0].lower() + name[1:])
                assert "NE" not in plain(html).replace("MELD", "")
                rows = {r.result_id: r for r in reported.rows}
                d = numbers.of_mean(p.decimals)
                for result_id, text in spans(html):
                    row = rows[result_id]
                    assert row.statistic == "mean_change"
                    assert text in {
                        str(row.n),
                        *(numbers.signed(v, d) for v in (row.value, row.lower, row.upper)),
                    }

    def test_arm_without_values(self, parameter):
        own = study_of(PATIENTS, values=[v for v in VALUES if v[0] == 1])
        rows = rows_of(
            "c", liver_function.change_by_visit(own, "BILI", conf_level=0.95), analysis="LFT", chapter="c"
        )
        text = plain(liver_function.last_change(own, parameter, rows, level="95 %"))
        assert "and not known in the medium-high-dose group, where nobody has a value." in text

    def test_nobody_has_a_value(self, by_hand):
        p = by_hand.protocol.parameter("MELD")
        rows = rows_of(
            "c", liver_function.change_by_visit(by_hand, "MELD", conf_level=0.95), analysis="LFT", chapter="c"
        )
        text = liver_function.last_change(by_hand, p, rows, level="95 %")
        assert text == "At week 48 nobody has a value of MELD score to compare with baseline."

    def test_what_is_not_collected_is_named_with_its_reason(self, study):
        stated = dict(liver_function.not_computed(study("mayo-pbc")))
        assert stated["INR"].startswith("The data hold the prothrombin time in seconds")
        assert {"MELD", "MELDNA", "MELD3", "CPSCORE"} <= set(stated)
        assert liver_function.not_computed(study("demo-final")) == []

    def test_values_after_a_transplant(self, study):
        own = study("demo-final")
        after = own.adlb[own.adlb["POSTLTFL"].eq("Y") & own.adlb["PARCAT1"].eq("LABORATORY")]
        frame = liver_function.after_transplant(own)
        assert frame["value"].tolist() == [int(after["DTYPE"].isna().sum())]
        assert frame["value"].iloc[0] > 0
        assert after["ANL01FL"].isna().all()

    def test_their_number_is_said_with_its_result(self, study):
        frame = liver_function.after_transplant(study("demo-final"))
        excluded = rows_of("after_transplant", frame, analysis="LFT", chapter="04_liver_function")
        said = liver_function.left_out(excluded)
        assert 'data-result="after_transplant.excluded_values"' in said
        assert f">{excluded.rows[0].value:.0f}</span> laboratory values" in said

    def test_that_there_are_none_is_said_too(self, study):
        frame = liver_function.after_transplant(study("mayo-pbc"))
        excluded = rows_of("after_transplant", frame, analysis="LFT", chapter="04_liver_function")
        assert "No laboratory value" in liver_function.left_out(excluded)


@pytest.fixture(scope="module")
def picture(by_hand, parameter):
    figures.set_style()
    return liver_function.trajectory_figure(by_hand, parameter)


class TestCourses:
    def test_only_what_ended_a_course_is_marked(self, picture):
        """P-004 had a transplant before dying; P-005 died long after the last visit."""
        marks = {
            (panel, line.get_marker()): [tuple(p) for p in np.column_stack(line.get_data())]
            for panel, axes in enumerate(picture.figure.axes)
            for line in axes.get_lines()
            if line.get_marker() in ("x", "D", "o")
        }
        assert marks == {(0, "x"): [(1.0, 54.0)], (0, "o"): [(48.0, 41.0)], (1, "D"): [(1.0, 80.0)]}

    def test_title_states_the_finding_and_words_the_ends(self, picture):
        title = picture.figure._suptitle.get_text().replace("\n", " ")
        assert (
            title
            == "Total bilirubin at week 48: lower than at baseline in 1 of 2 (low dose) and 1 of 1 (medium-high dose)"
        )
        assert picture.alt == (
            "Total bilirubin (µmol/L) of each of 6 patients from baseline to week 48, one panel a group. In that time 1 died, "
            "1 received a transplant and 1 was lost to follow-up; the last value is marked."
        )

    def test_title_without_anybody_at_the_last_visit(self, by_hand, parameter):
        own = study_of(PATIENTS, values=[v for v in VALUES if v[2] < 7])
        picture = liver_function.trajectory_figure(own, parameter)
        assert picture.figure._suptitle.get_text() == "Total bilirubin: every patient's course"

    def test_title_s_counts_are_the_rows(self, study, changes):
        own = study("demo-final")
        for p in liver_function.parameters_of(own, "SCORES"):
            title = liver_function._course_title(own, p, liver_function.analysed(own, p.paramcd))
            for arm in own.arms:
                row = changes("demo-final", p.paramcd).row("lower", arm, 7)
                assert f"{row.value:.0f} of {row.n} (" in title

    @pytest.mark.parametrize(("code", "limit"), [("BILI", 20.5), ("ALB", 40.0)])
    def test_limit_of_normal_is_the_one_that_matters(self, code, limit):
        values = [(1, code, 0, 30.0), (4, code, 0, 35.0), (1, code, 7, 31.0)]
        own = study_of(PATIENTS, values=values, limits={"BILI": (3.4, 20.5), "ALB": (40.0, 55.0)})
        picture = liver_function.trajectory_figure(own, own.protocol.parameter(code))
        lines = [
            line.get_ydata()[0]
            for line in picture.figure.axes[0].get_lines()
            if list(line.get_xdata()) == [0, 1]
        ]
        assert lines == [limit]
        words = [t.get_text() for t in picture.figure.legends[0].get_texts()]
        assert words[-1] == f"{'lower' if code == 'ALB' else 'upper'} limit of normal"

    def test_wide_spread_is_drawn_on_a_logarithmic_axis(self):
        own = study_of(PATIENTS, values=[(1, "BILI", 0, 10.0), (4, "BILI", 0, 400.0), (1, "BILI", 2, 9.0)])
        picture = liver_function.trajectory_figure(own, own.protocol.parameter("BILI"))
        assert picture.figure.axes[0].get_yscale() == "log"
        assert "logarithmic axis" in picture.alt

    def test_every_patient_with_a_value_has_a_line(self, study):
        own = study("demo-final")
        picture = liver_function.trajectory_figure(own, own.protocol.parameter("ALBI"))
        lines = [
            line
            for axes in picture.figure.axes
            for line in axes.get_lines()
            if line.get_marker() in ("None", None, "")
        ]
        assert len(lines) == liver_function.analysed(own, "ALBI")["USUBJID"].nunique()
        assert picture.figure.axes[0].get_ylabel() == "ALBI score"

    def test_mayo_counts_from_randomisation(self, study):
        own = study("mayo-pbc")
        picture = liver_function.trajectory_figure(own, own.protocol.parameter("ALBI"))
        assert picture.figure.axes[0].get_xlabel() == "Weeks since randomisation"


def test_change_figure_draws_the_rows(study, changes):
    own = study("demo-final")
    reported = {code: changes("demo-final", code) for code in ("BILI", "MELD")}
    picture = liver_function.change_figure(own, reported, id="change", title="Change")
    assert "95 % intervals" in picture.alt
    assert "Total bilirubin and MELD score" in picture.alt
    for axes, (code, rows) in zip(picture.figure.axes, reported.items(), strict=False):
        assert axes.get_title("left") == own.protocol.parameter(code).param
        for arm in own.arms:
            (line,) = [drawn for drawn in axes.get_lines() if drawn.get_label() == arm]
            wanted = [rows.row("mean_change", arm, v.number).value for v in own.protocol.schedule.visits]
            np.testing.assert_array_equal(line.get_ydata(), wanted)
    assert picture.figure.axes[0].get_ylabel() == "µmol/L"


def test_analysed_is_one_row_a_patient_and_visit(study):
    rows = liver_function.analysed(study("demo-final"), "BILI")
    assert not rows.duplicated(["USUBJID", "AVISITN"]).any()
    assert (rows["POSTLTFL"].isna()).all()
    assert isinstance(rows, pd.DataFrame)
