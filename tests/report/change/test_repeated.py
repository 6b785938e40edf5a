"""Change by visit: the rows of the mixed model, and tables, figures and words made from them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from esld.longitudinal.mmrm import mmrm
from esld.reasons import Why
from esld.report import numbers
from esld.report.change import repeated
from esld.report.results import rows_of
from tests.report.builders import (
    HIGH,
    LABELS,
    LOW,
    footnotes,
    patient,
    study_of,
)
from tests.report.change import trials

M = "\u2212"
DIFFERENCE = f"{HIGH} - {LOW}"
PATIENTS = [patient(i, LOW if i <= 3 else HIGH) for i in range(1, 7)]
FEW = [
    (1, "BILI", 0, 30.0), (1, "BILI", 2, 33.0), (2, "BILI", 0, 50.0), (2, "BILI", 2, 54.0), (4, "BILI", 0, 90.0),
    (4, "BILI", 2, 80.0), (6, "BILI", 2, 70.0),
]  # fmt: skip


def table_of(own, code, rows, **how):
    """The table of one parameter's change."""
    plan = next(a for a in own.protocol.of_kind("mmrm") if code in a.parameters)
    plan = plan.model_copy(update={"parameters": (code,)})
    return repeated.change_table(own, plan, {(plan.id, code): rows}, **how)


def rows_by_hand(values, paramcd="BILI"):
    own = study_of(PATIENTS, values=values, limits={"BILI": (3.4, 20.5)})
    plan, parameter = own.protocol.analysis("LFT"), own.protocol.parameter(paramcd)
    frame = repeated.change_rows(own, parameter, plan, conf_level=0.95)
    return own, parameter, rows_of(f"change_{paramcd.lower()}", frame, analysis="LFT", chapter="04")


class TestRows:
    def test_values_by_visit(self):
        _, _, rows = rows_by_hand(FEW)
        assert (rows.row("mean", LOW, 0).value, rows.row("sd", LOW, 0).value) == (40, pytest.approx(200**0.5))
        assert (rows.row("mean", HIGH, 2).value, rows.row("mean", HIGH, 2).n) == (75, 2)

    @pytest.mark.parametrize("cut", ["demo-final", "mayo-pbc"])
    def test_means_of_an_example_are_those_of_its_values(self, study, changes, cut):
        own = study(cut)
        for code in ("BILI", "ALBI"):
            rows = own.adlb[own.adlb["PARAMCD"].eq(code) & own.adlb["ANL01FL"].eq("Y")]
            for (arm, visit), values in rows.groupby(["ARMCD", "AVISITN"])["AVAL"]:
                row = changes(cut, code).row("mean", arm, visit)
                assert (row.value, row.n) == (pytest.approx(values.mean()), len(values))

    @pytest.mark.parametrize(("cut", "covariance"), [("demo-final", "adh"), ("mayo-pbc", "us")])
    def test_the_model_is_the_one_of_the_protocol(self, study, changes, cut, covariance):
        """Fitted again from the ADLB rows, with the covariance written down here."""
        own = study(cut)
        adlb = own.adlb.query("PARAMCD == 'ALBI' and ANL01FL == 'Y' and AVISITN > 0").dropna(subset=["CHG"])
        frame = adlb.assign(
            arm=pd.Categorical(adlb["ARMCD"], own.arms), visit=adlb["AVISITN"].map("v{:.0f}".format)
        )
        fit = mmrm(
            frame,
            "CHG ~ BASE + arm * visit",
            subject="USUBJID",
            visit="visit",
            covariance=covariance,
            fallback=(),
        )
        rows = changes(cut, "ALBI")
        label = f"{own.arms[1]} - {own.arms[0]}"
        for gap in fit.differences("arm"):
            row = rows.row("ls_mean_difference", label, float(gap.time[1:]))
            np.testing.assert_allclose(
                [row.value, row.lower, row.upper], [gap.value, gap.lower, gap.upper], rtol=1e-6
            )
        for mean in fit.ls_means("arm"):
            row = rows.row("ls_mean", mean.group, float(mean.time[1:]))
            np.testing.assert_allclose(
                [row.value, row.lower, row.upper], [mean.value, mean.lower, mean.upper], rtol=1e-6
            )
        used = rows.row("model_values")
        assert (used.value, used.n, used.reason) == (len(adlb), adlb["USUBJID"].nunique(), None)
        assert used.method == f"mmrm:{covariance}, reml, kenward-roger"

    def test_values_after_a_transplant_are_not_in_it(self, study, changes):
        own = study("demo-final")
        after = own.adlb.query("PARAMCD == 'BILI' and POSTTPFL == 'Y'")
        assert len(after)
        known = own.adlb.query("PARAMCD == 'BILI' and ANL01FL == 'Y' and AVISITN > 0")["CHG"].notna()
        assert changes("demo-final", "BILI").row("model_values").value == known.sum()

    def test_no_model_is_said_with_its_reason(self):
        _, _, rows = rows_by_hand(FEW)
        for row in rows.rows:
            if row.statistic.startswith("ls_mean"):
                assert row.value is None
                assert row.reason.says(Why.NOT_FITTED)
        assert {r.time for r in rows.rows if r.statistic == "ls_mean_difference"} == {2, 3, 4, 5, 6, 7}

    def test_nobody_has_a_value(self):
        own, _, rows = rows_by_hand(FEW, "MELD")
        assert rows.row("model_values").value == 0
        assert repr(table_of(own, "MELD", rows)) == "No value is recorded up to the data cut of MELD score."

    def test_nothing_without_its_reason(self, changes):
        for rows in (rows_by_hand(FEW)[2], changes("demo-interim", "MELD")):
            assert all(r.value is not None or r.reason for r in rows.rows)

    def test_an_analysis_without_a_model_is_refused(self, study):
        own = study("demo-final")
        with pytest.raises(ValueError, match="analysis OS-1Y must name a model"):
            repeated.fit_change(own, own.adlb, own.protocol.analysis("OS-1Y"), conf_level=0.95, unit="")


class TestTable:
    def test_a_line_a_visit_with_values(self, study, changes):
        own = study("demo-final")
        rows = changes("demo-final", "BILI")
        table = table_of(own, "BILI", rows)
        frame = table.frame.set_index("Visit")
        assert list(frame.index) == [
            "Baseline",
            "Week 1",
            "Week 4",
            "Week 8",
            "Week 12",
            "Week 24",
            "Week 48",
        ]
        assert table.title == "Change in liver function by visit"
        assert {cell.text for cell in table.cells["parameter"]} == {"Total bilirubin (µmol/L)"}
        row = rows.row("ls_mean_difference", DIFFERENCE, 7)
        shown = [numbers.signed(v, 1) for v in (row.value, row.lower, row.upper)]
        assert frame.loc["Week 48", "Difference (95 % CI)"] == "{} ({} to {})".format(*shown)
        assert frame.loc["Baseline", "Difference (95 % CI)"] == ""
        assert frame.loc["Week 48", "Low dose: n"] == str(rows.row("mean", LOW, 7).n)

    def test_the_structure_is_shown_below(self, study, changes):
        own = study("demo-final")
        rows = changes("demo-final", "BILI")
        notes = " ".join(footnotes(table_of(own, "BILI", rows)))
        assert "covariance of the visits: ante-dependence with a variance for each visit; REML" in notes
        assert f"{rows.row('model_values').value:.0f} changes of 22 patients" in notes
        assert "not used" not in notes

    def test_a_structure_that_failed_is_named_with_its_reason(self, study, changes):
        """Two patients at the last visits cannot carry an unstructured covariance."""
        own = study("demo-final")
        late = own.adlb["AVISITN"].gt(5) & ~own.adlb["USUBJID"].isin(sorted(own.adlb["USUBJID"].unique())[:3])
        plan = own.protocol.analysis("LFT")
        model = plan.model.model_copy(update={"covariance": "us", "fallback": ("cs",)})
        thin = replace(own, adlb=own.adlb[~late])
        frame = repeated.change_rows(
            thin, own.protocol.parameter("BILI"), plan.model_copy(update={"model": model}), conf_level=0.95
        )
        rows = rows_of("c", frame, analysis="LFT", chapter="c")
        assert rows.row("model_values").method.startswith("mmrm:cs,")
        notes = " ".join(footnotes(table_of(own, "BILI", rows)))
        assert "covariance of the visits: compound symmetry; REML" in notes
        assert "To be used before it, and was not: us: " in notes

    def test_no_model_is_ne_with_its_reason(self):
        own, _, rows = rows_by_hand(FEW)
        table = table_of(own, "BILI", rows)
        week = table.frame.set_index("Visit").loc["Week 1"]
        assert (week["Low dose: change (95 % CI)"], week["Difference (95 % CI)"]) == ("NE", "NE")
        assert week["Low dose: mean (SD)"] == "43.5 (14.8)"
        notes = " ".join(footnotes(table))
        assert "NE: the mixed model cannot be fitted: " in notes
        assert "Kenward" not in notes

    def test_heads_repeat_neither_arm_nor_level(self, study, changes):
        own = study("demo-final")
        table = table_of(own, "ALT", changes("demo-final", "ALT"), level="90 %")
        assert set(table.spanners) == {LABELS[LOW], LABELS[HIGH]}
        assert {"Low dose: change (90 % CI)", "Difference (90 % CI)"} <= set(table.frame.columns)

    @pytest.mark.parametrize("code", ["ALT", "BILI", "INR", "ALBI", "MELD"])
    def test_precision_is_that_of_the_measurement(self, study, changes, code):
        own = study("demo-final")
        p = own.protocol.parameter(code)
        table = table_of(own, code, changes("demo-final", code))
        decimals = {
            len(t.partition(" ")[0].partition(".")[2]) for t in table.frame["Low dose: mean (SD)"] if t
        }
        assert decimals == {numbers.of_mean(p.decimals)} <= {p.decimals, p.decimals + 1}

    def test_the_p_value_stands_at_the_visit_that_answers(self, study, changes):
        rows = changes("demo-final", "BILI")
        table = table_of(study("demo-final"), "BILI", rows)
        shown = {visit: p for visit, p in table.frame[["Visit", "p"]].to_numpy() if p}
        p = rows.row("ls_mean_difference_p_value", DIFFERENCE, 7)
        assert shown == {"Week 48": numbers.p_value(p.value)}

    def test_parameters_alike_share_a_note(self, study, changes):
        own = study("demo-final")
        plan = own.protocol.analysis("LFT")
        table = repeated.change_table(
            own, plan, {("LFT", code): changes("demo-final", code) for code in plan.parameters}
        )
        told = [note for note in footnotes(table) if "covariance of the visits" in note]
        assert [note.partition(":")[0] for note in told] == [
            "Alanine aminotransferase, aspartate aminotransferase, total bilirubin, serum albumin, prothrombin time and "
            "international normalized ratio",
            "Alkaline phosphatase",
        ]

    def test_a_parameter_without_values_is_named_below(self):
        own, _, rows = rows_by_hand(FEW)
        plan = own.protocol.analysis("LFT").model_copy(update={"parameters": ("BILI", "ALT")})
        none = rows_of(
            "c",
            repeated.change_rows(own, own.protocol.parameter("ALT"), plan, conf_level=0.95),
            analysis="A",
            chapter="c",
        )
        table = repeated.change_table(own, plan, {("LFT", "BILI"): rows, ("LFT", "ALT"): none})
        assert "No value is recorded up to the data cut of alanine aminotransferase." in footnotes(table)


class TestOtherTrials:
    """Visit 8.5, strata and several arms, fitted again here from the rows."""

    def fitted(self, own, formula, **columns):
        adlb = own.adlb.query("PARAMCD == 'PAIN' and AVISITN > 0").dropna(subset=["CHG"])
        visit = pd.Categorical(adlb["AVISITN"].map({4.0: "a", 8.5: "b", 12.0: "c"}))
        frame = adlb.assign(arm=pd.Categorical(adlb["ARMCD"], own.arms), visit=visit)
        for name, values in columns.items():
            frame[name] = adlb["USUBJID"].map(values)
        return mmrm(frame, formula, subject="USUBJID", visit="visit", covariance="us", fallback=())

    def rows(self, own):
        plan = own.protocol.primary
        frame = repeated.change_rows(own, own.protocol.parameter("PAIN"), plan, conf_level=0.95)
        return rows_of("c", frame, analysis=plan.id, chapter="c")

    def test_a_visit_is_its_place_whatever_its_number(self):
        own = trials.study(trials.trial(3), seen=0.9)
        rows, fit = self.rows(own), self.fitted(own, "CHG ~ BASE + arm * visit")
        for gap in fit.differences("arm"):
            row = rows.row("ls_mean_difference", gap.group, {"a": 4.0, "b": 8.5, "c": 12.0}[gap.time])
            assert (row.value, row.lower) == pytest.approx((gap.value, gap.lower), rel=1e-6)

    def test_the_joint_test_is_that_of_the_arms_at_the_last_visit(self):
        own = trials.study(trials.trial(3), seen=0.9)
        rows, fit = self.rows(own), self.fitted(own, "CHG ~ BASE + arm * visit")
        weights = [gap.weights for gap in fit.differences("arm") if gap.time == "c"]
        assert rows.row("global_p_value").value == pytest.approx(
            fit.test(np.array(weights)).p_value, rel=1e-6
        )

    def test_strata_are_fixed_effects(self):
        sex = [{"name": "Sex", "variable": "SEX"}]
        own = trials.study(trials.trial(3, [{**trials.MMRM, "stratified": True}], strata=sex), seen=0.9)
        strata = own.adsl.set_index("USUBJID")["STRATAR"].to_dict()
        rows, fit = self.rows(own), self.fitted(own, "CHG ~ BASE + stratum + arm * visit", stratum=strata)
        for gap in fit.differences("arm"):
            row = rows.row("ls_mean_difference", gap.group, {"a": 4.0, "b": 8.5, "c": 12.0}[gap.time])
            assert row.value == pytest.approx(gap.value, rel=1e-6)

    def test_of_an_analysis_set_only_its_patients(self):
        own = trials.study(trials.trial(2))
        plan = own.protocol.primary.model_copy(update={"analysis_set": "PPROTFL"})
        frame = repeated.change_rows(own, own.protocol.parameter("PAIN"), plan, conf_level=0.95)
        assert frame.loc[frame["statistic"].eq("model_values"), "n"].tolist() == [12]


def test_figure_draws_the_rows(study, changes):
    own = study("demo-final")
    reported = {code: changes("demo-final", code) for code in ("BILI", "ALBI")}
    plan = own.protocol.analysis("LFT").model_copy(update={"parameters": tuple(reported)})
    picture = repeated.change_figure(own, plan, {("LFT", code): rows for code, rows in reported.items()})
    assert picture.id == "change_lft"
    assert picture.title.startswith("Change in liver function by visit: LS means with 95 % intervals")
    assert "95 % intervals" in picture.alt
    assert "Total bilirubin and ALBI score" in picture.alt
    for axes, (code, rows) in zip(picture.figure.axes, reported.items(), strict=False):
        assert axes.get_title("left") == own.protocol.parameter(code).param
        for arm in own.arms:
            (line,) = [drawn for drawn in axes.get_lines() if drawn.get_label() == LABELS[arm]]
            wanted = [rows.row("ls_mean", arm, v.number).value for v in own.protocol.schedule.visits]
            np.testing.assert_array_equal(line.get_ydata(), wanted)
    assert picture.figure.axes[0].get_ylabel() == "Change (µmol/L)"
