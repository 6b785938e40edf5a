"""Balance before treatment: rows, table, figure and words of the studies."""

from math import isnan, sqrt

import numpy as np
import pytest

from esld.report import numbers
from esld.report.baseline_variables import balance_rows, baseline_values, baseline_variables
from esld.report.randomisation import balance
from esld.report.results import rows_of
from tests.report.builders import HIGH, LOW, patient, plain, study_of, unspanned_numbers
from tests.report.drawing.test_figures import outside, overlapping


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
            if variable.categorical:
                assert row.value is None or row.value >= 0
            elif row.value is not None:
                groups = [values.loc[values["ARMCD"].eq(arm), variable.name].dropna() for arm in own.arms]
                spread = sqrt(np.mean([g.var(ddof=1) for g in groups]))
                assert row.value == pytest.approx((groups[1].mean() - groups[0].mean()) / spread)

    def test_no_number_without_its_reason(self):
        own = study_of([patient(1, LOW), patient(2, HIGH)])
        assert all(r.value is not None or r.reason for r in rows(own).rows)
        assert "NE: " in " ".join(balance.balance_table(own, rows(own)).footnotes)

    def test_what_chance_alone_gives(self, study):
        assert balance.by_chance(study("demo-final"), (LOW, HIGH)) == pytest.approx(sqrt(2 / 11))
        assert isnan(balance.by_chance(study_of([patient(1, LOW)]), (LOW, HIGH)))


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

    def test_title_counts_what_is_beyond_chance(self, study):
        own = study("demo-final")
        reported = rows(own)
        known = [r.value for r in reported.rows if r.value is not None]
        beyond = sum(abs(v) > 2 * sqrt(2 / 11) for v in known)
        title = balance.balance_figure(own, reported).figure._suptitle.get_text().replace("\n", " ")
        assert title.startswith(f"{beyond} of {len(known)} baseline variables")


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
