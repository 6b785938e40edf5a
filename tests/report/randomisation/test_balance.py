"""Balance before treatment: rows, table, figure and words of the studies."""

from dataclasses import replace
from math import sqrt

import numpy as np
import pandas as pd
import pytest

from esld.randomisation import standardised_differences
from esld.report import numbers
from esld.report.baseline.characteristics import baseline_table, summarise_baseline
from esld.report.baseline_variables import as_number, balance_rows, baseline_values, baseline_variables
from esld.report.needs import UnmetNeedError
from esld.report.phrases import reader_of
from esld.report.randomisation import balance
from esld.report.randomised import order_of_entry as entered
from esld.report.results import rows_of
from esld.report.words.catalogue import read_by
from tests.report.arms import LABELS as ARMS
from tests.report.arms import with_arms
from tests.report.builders import HIGH, LOW, ROOT, patient, plain, study_of, unspanned_numbers
from tests.report.drawing.test_figures import outside, overlapping
from tests.report.other_trials import changed


def rows(own):
    return rows_of("balance", balance_rows(own), analysis="RANDOMISATION", chapter="c")


class TestRows:
    def test_age_by_hand(self):
        """Means 40 and 50, variances 200 and 50."""
        patients = [
            patient(1, LOW, age=30),
            patient(2, LOW, age=50),
            patient(3, HIGH, age=45),
            patient(4, HIGH, age=55),
        ]
        own = study_of(patients)
        row = rows(own).row("AGE standardised difference")
        assert (row.value, row.n) == (pytest.approx(10 / sqrt(125)), 4)

    @pytest.mark.parametrize("cut", ["demo-final", "mayo-pbc"])
    def test_each_variable_of_the_codebook_once(self, study, cut):
        own = study(cut)
        reported, values = rows(own), baseline_values(own)
        for variable in baseline_variables(own):
            row = reported.row(f"{variable.name} standardised difference")
            assert row.n == values[variable.name].notna().sum()
            if row.value is not None:
                column = as_number(variable, values[variable.name])
                groups = [column[values["ARMCD"].eq(arm)].dropna() for arm in own.arms]
                spread = sqrt(np.mean([g.var(ddof=1) for g in groups]))
                assert row.value == pytest.approx((groups[1].mean() - groups[0].mean()) / spread)

    def test_no_number_without_its_reason(self):
        own = study_of([patient(1, LOW), patient(2, HIGH)])
        assert all(r.value is None and r.reason for r in rows(own).rows)
        assert balance.balance_table(own, rows(own)) is None  # the sentence in place of the figure says why
        own = study_of([patient(number, arm) for number, arm in enumerate((LOW, LOW, HIGH, HIGH), 1)])
        own.adsl["AGE"] = [50, 60, 55, 70]
        assert all(r.value is not None or r.reason for r in rows(own).rows)
        assert "NE: " in " ".join(balance.balance_table(own, rows(own)).footnotes)

    def test_the_band_of_chance_is_each_variable_s_own(self, study):
        """Ascites is worse with the low dose: its sign is negative, and a grade's band is narrower than that of a weight."""
        own = study("demo-final")
        found = {v.name: rows(own).row(f"{v.name} standardised difference") for v in baseline_variables(own)}
        assert found["ASCITES"].value < 0
        assert found["ASCITES"].upper < found["WEIGHTBL"].upper
        assert all(row.lower < 0 < row.upper for row in found.values() if row.lower is not None)
        codes = entered(own)["ARMCD"].eq(HIGH).to_numpy(dtype=int)
        rng = np.random.default_rng(1)
        ages = baseline_values(own).reindex(entered(own)["USUBJID"])["AGE"].to_numpy()
        by_shuffling = np.quantile(
            standardised_differences(ages, [rng.permutation(codes) for _ in range(4000)]), [0.025, 0.975]
        )
        np.testing.assert_allclose([found["AGE"].lower, found["AGE"].upper], by_shuffling, atol=0.1)


class TestWords:
    def test_age_and_sex_of_the_demonstration_trial(self, study):
        """Recounted: mean ages 59.8 and 51.5, women 1 of 11 and 4 of 11."""
        own = study("demo-final")
        dm = pd.read_csv(ROOT / "esld/data/examples/demo/dm.csv", dtype=str).dropna(subset=["ARMCD"])
        ages = dm.assign(AGE=dm["AGE"].astype(float)).groupby("ARMCD")["AGE"].mean()
        women = dm[dm["SEX"].eq("F")].groupby("ARMCD").size()
        assert (round(ages[LOW], 1), round(ages[HIGH], 1), women[LOW], women[HIGH]) == (59.8, 51.5, 1, 4)
        levels = rows_of("levels", balance.level_rows(own), analysis="RANDOMISATION", chapter="c")
        html = balance.largest_sentence(own, rows(own), levels)
        assert "age (years), mean 59.8 and 51.5; sex: female, 1 of 11 and 4 of 11" in plain(html)
        assert plain(html).endswith("beside it stands: Hazard of death, penalised, adjusted for age.")
        assert not unspanned_numbers(html)


class TestFigure:
    def test_dots_are_the_rows(self, study):
        own = study("demo-final")
        reported = rows(own)
        picture = balance.balance_figure(own, reported)
        (axes,) = picture.figure.axes
        drawn = sorted(x for line in axes.get_lines() for x in line.get_xdata() if line.get_marker() == "o")
        assert drawn == sorted(r.value for r in reported.rows if r.value is not None)
        assert not overlapping(picture, axes.get_yticklabels())
        assert not outside(picture)

    def test_title_says_what_is_drawn_and_finds_nothing(self, study):
        own = study("demo-final")
        reported = rows(own)
        known = [r for r in reported.rows if r.value is not None]
        title = balance.balance_figure(own, reported).title
        assert title == f"Standardised differences between the groups in {len(known)} baseline variables"

    def test_without_a_known_value_a_sentence_is_in_its_place(self):
        own = study_of([patient(1, LOW), patient(2, HIGH)])
        own.adsl[["AGE", "SEX", "WEIGHTBL"]] = None
        said = balance.balance_figure(own, rows(own))
        assert plain(said.html) == (
            "Of no baseline variable is a difference between the groups known: a group with fewer than two patients to count is "
            "not summarised."
        )


def test_places_by_hand():
    days = ["2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01"]
    own = study_of([patient(i + 1, arm, randomised=days[i]) for i, arm in enumerate((LOW, LOW, HIGH, HIGH))])
    places = rows_of("places", balance.place_rows(own), analysis="A", chapter="c")
    html = balance.place_sentence(own, places)
    assert "the mean place was 1.5 in the low-dose group and 3.5 in the medium-high-dose group" in plain(html)
    assert not unspanned_numbers(html)


def test_table_is_the_rows(study):
    own = study("demo-final")
    reported = rows(own)
    table = balance.balance_table(own, reported).frame.set_index("Variable")["Standardised difference"]
    row = reported.row("AGE standardised difference")
    assert table["Age (years)"] == numbers.signed(row.value, 2)


class TestOtherTrials:
    """Several arms, of which each is compared with the control, one arm, and strata."""

    @pytest.mark.parametrize("number", [3, 4])
    def test_each_arm_minus_the_control(self, study, number):
        own = with_arms(study("demo-final"), number)
        with read_by(reader_of(own)):
            reported = rows(own)
            values = baseline_values(own)
            for control, arm in own.pairs:
                row = reported.row("AGE standardised difference", f"{arm} - {control}")
                groups = [values.loc[values["ARMCD"].eq(code), "AGE"] for code in (control, arm)]
                spread = sqrt(np.mean([g.var(ddof=1) for g in groups]))
                assert row.value == pytest.approx((groups[1].mean() - groups[0].mean()) / spread)
                assert row.n == sum(map(len, groups))
            table = balance.balance_table(own, reported)
            assert len(table.frame.columns) == 1 + 3 * (number - 1)
            assert "Low dose minus placebo" in table.frame
            assert "each other group minus placebo" in table.footnotes[0]
            beside = baseline_table(own, summarise_baseline(own), reported).frame
            assert beside["Low dose minus placebo"].iloc[0] == table.frame["Low dose minus placebo"].iloc[0]
            picture = balance.balance_figure(own, reported)
            drawn = sorted(x for line in picture.figure.axes[0].get_lines() for x in line.get_xdata())
            known = sorted(r.value for r in reported.rows if r.value is not None)
            assert drawn == sorted([*known, 0, 0])
            assert [t.get_text() for t in picture.figure.legends[0].get_texts()] == [
                f"{label} minus placebo" for label in ARMS[1:number]
            ]
            assert not outside(picture)

    def test_places_of_three_arms(self):
        own = with_arms(study_of([patient(n, randomised=f"2024-0{n}-01") for n in range(1, 7)]), 3)
        places = rows_of("places", balance.place_rows(own), analysis="A", chapter="c")
        assert [row.value for row in places.rows] == [2.5, 3.5, 4.5]

    def test_one_arm_is_compared_with_nothing(self, study):
        own = with_arms(study("demo-final"), 1)
        for make in (balance_rows, balance.place_rows):
            with pytest.raises(UnmetNeedError, match="the trial has one"):
                make(own)

    def test_strata_by_hand(self):
        def stratified(content):
            content["strata"] = [{"name": "Age", "variable": "AGE", "cuts": [65]}]

        own = study_of([patient(n, arm) for n, arm in enumerate((LOW, LOW, HIGH, HIGH), 1)])
        with pytest.raises(UnmetNeedError):
            balance.stratum_rows(own)
        levels = [">=65", "<65", "<65", "<65"]
        adsl = own.adsl.assign(STRATAR=levels, STRAT1R=levels)
        own = replace(own, adsl=adsl, protocol=changed(own.protocol, stratified))
        counts = rows_of("strata", balance.stratum_rows(own), analysis="A", chapter="c")
        frame = balance.stratum_table(own, counts).frame.set_index("Stratum")
        assert frame.loc["65 or more"].tolist() == ["1", "0", "1"]
        assert frame.loc["below 65"].tolist() == ["1", "2", "3"]
