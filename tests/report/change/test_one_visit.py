"""The last visit by itself: who is counted how, the rows, the tables and the words."""

import numpy as np
import pandas as pd
import pytest

from esld.longitudinal import ancova, worst_rank
from esld.randomisation import CompleteRandomisation
from esld.report import numbers, randomised
from esld.report.change import one_visit, repeated
from esld.report.results import Reported, rows_of
from tests.report.builders import HIGH, LOW, patient, plain, spans, study_of, unspanned_numbers

HOW = {"conf_level": 0.95, "seed": "test"}
PATIENTS = [
    patient(1, LOW, days=600),
    patient(2, LOW, days=200, dead=True),
    patient(3, LOW, days=360, dead=True),  # after its week 48 value
    patient(4, HIGH, transplant_day=60, days=300, dead=True),
    patient(5, HIGH, days=380, dead=True),  # in the window, without a value
    patient(6, HIGH, days=600),
    patient(7, HIGH, days=900, dead=True, transplant_day=500),  # after the window
    patient(8, LOW, days=600),
]
BASE = [(i, "BILI", 0, 40.0 + i) for i in range(1, 9)]
WEEK = [
    (1, "BILI", 7, 30.0),
    (3, "BILI", 7, 50.0),
    (6, "BILI", 7, 45.0),
    (7, "BILI", 7, 40.0),
    (2, "BILI", 2, 50.0),
]


@pytest.fixture(scope="module")
def by_hand():
    own = study_of(PATIENTS, values=BASE + WEEK)
    visit = own.protocol.schedule.visit("W48")
    parameter = own.protocol.parameter("BILI")
    return own, visit, parameter, one_visit.at_visit(own, parameter, visit, randomised.order_of_entry(own))


class TestWhoIsCounted:
    def test_deaths_and_transplants_before_the_visit(self, by_hand):
        frame = by_hand[3].frame.set_index("USUBJID")
        assert frame["death"].dropna().to_dict() == {"P-002": 200, "P-004": 300, "P-005": 380}
        assert frame["transplant"].dropna().to_dict() == {"P-004": 60}
        assert frame["CHG"].dropna().to_dict() == {"P-001": -11, "P-003": 7, "P-006": -1, "P-007": -7}
        assert list(frame.index) == [f"P-00{i}" for i in range(1, 9)]

    def test_counts_of_the_ranks(self, by_hand):
        own, _, _, at = by_hand
        frame = one_visit.ranked_rows(own, at, design=CompleteRandomisation(sizes=(4, 4)), **HOW)
        rows = rows_of("r", frame, analysis="RANK-LAST", chapter="c")
        counts = {
            arm: [rows.row(w, arm).value for w in ("died", "transplanted", "with_value", "missing")]
            for arm in (LOW, HIGH)
        }
        assert counts == {LOW: [1, 0, 2, 1], HIGH: [2, 0, 2, 0]}

    def test_everybody_of_the_example_is_counted_once(self, study):
        own = study("demo-final")
        visit = own.protocol.schedule.visit("W48")
        at = one_visit.at_visit(own, own.protocol.parameter("MELD"), visit, randomised.order_of_entry(own))
        frame = one_visit.ranked_rows(own, at, design=randomised.reference_design(own), **HOW)
        counted = frame[frame["statistic"].isin(["died", "transplanted", "with_value", "missing"])]
        assert counted["value"].sum() == len(own.randomised)


class TestRandomisation:
    def test_p_values_over_all_allocations_are_those_of_the_packages(self, study):
        """Under complete randomisation with everybody seen, ancova and worst_rank count the same allocations."""
        own = study("demo-final")
        rng = np.random.default_rng(7)
        frame = pd.DataFrame({"USUBJID": range(12), "ARMCD": [LOW, HIGH] * 6, "BASE": rng.normal(size=12)})
        frame = frame.assign(CHG=rng.normal(size=12), death=np.nan, transplant=np.nan)
        frame.loc[3, ["CHG", "death"]] = np.nan, 30
        design = CompleteRandomisation(sizes=(6, 6))
        at = one_visit.AtVisit(frame, own.protocol.parameter("BILI"))
        rows = rows_of("r", one_visit.ranked_rows(own, at, design=design, **HOW), analysis="A", chapter="c")
        wanted = worst_rank(
            frame["CHG"], frame["ARMCD"], better="lower", death_time=frame["death"], groups=[LOW, HIGH]
        )
        assert rows.row(one_visit.RANDOMISATION_P).value == pytest.approx(wanted.exact.p_value)
        whole = frame.assign(CHG=frame["CHG"].fillna(0.3))
        at = one_visit.AtVisit(whole, own.protocol.parameter("BILI"))
        rows = rows_of("r", one_visit.adjusted_rows(own, at, design=design, **HOW), analysis="A", chapter="c")
        wanted = ancova(whole, outcome="CHG", group="ARMCD", covariates=["BASE"], groups=[LOW, HIGH])
        assert rows.row(one_visit.RANDOMISATION_P).value == pytest.approx(wanted.exact.p_value)
        assert rows.row("ls_mean_difference").value == pytest.approx(wanted.hc3.difference.value)
        assert rows.row("ls_mean_difference_p_value").value == pytest.approx(wanted.hc3.difference.p_value)

    def test_patients_not_seen_keep_their_place_in_the_design(self, by_hand):
        """The reference set is of all eight: with four seen, residuals of the other four are 0."""
        own, _, _, at = by_hand
        design = CompleteRandomisation(sizes=(4, 4))
        rows = rows_of("r", one_visit.adjusted_rows(own, at, design=design, **HOW), analysis="A", chapter="c")
        row = rows.row(one_visit.RANDOMISATION_P)
        assert row.method == "residual-sum, exact, allocations:70, given, arm-sizes:4:4"
        assert "70 allocations, given arm sizes 4 and 4" in one_visit._randomisation_note([row])
        assert row.n == 4

    def test_nobody_to_compare_is_said(self):
        own = study_of(PATIENTS[:2] + PATIENTS[3:4], values=BASE[:1])
        parameter, visit = own.protocol.parameter("BILI"), own.protocol.schedule.visit("W48")
        at = one_visit.at_visit(own, parameter, visit, randomised.order_of_entry(own))
        frame = one_visit.adjusted_rows(own, at, design=CompleteRandomisation(sizes=(2, 1)), **HOW)
        rows = rows_of("r", frame, analysis="A", chapter="c")
        assert rows.row(one_visit.RANDOMISATION_P).value is None
        assert rows.row(one_visit.RANDOMISATION_P).reason


@pytest.fixture(scope="module")
def example(study, changes):
    """Rows of three quantities of the example."""
    own = study("demo-final")
    visit, design = own.protocol.schedule.visit("W48"), randomised.reference_design(own)
    found: dict[str, tuple[Reported, Reported, Reported]] = {}
    for code in ("BILI", "ALP", "MELD"):
        at = one_visit.at_visit(own, own.protocol.parameter(code), visit, randomised.order_of_entry(own))
        frames = (f(own, at, design=design, **HOW) for f in (one_visit.adjusted_rows, one_visit.ranked_rows))
        adjusted, ranked = (rows_of(f"{code}{i}", f, analysis="A", chapter="c") for i, f in enumerate(frames))
        found[code] = (changes("demo-final", code), adjusted, ranked)
    return own, visit, found


class TestTables:
    def test_every_cell_of_the_comparison_is_a_row(self, example):
        own, visit, found = example
        parameters = [own.protocol.parameter(code) for code in found]
        table = one_visit.compared_table(
            own, visit, parameters, {k: v[0] for k, v in found.items()}, {k: v[1] for k, v in found.items()}
        )
        for parameter, line in zip(parameters, table.frame.to_dict("records"), strict=True):
            model, alone, _ = found[parameter.paramcd]
            label, d = repeated.difference_label(own), numbers.of_mean(parameter.decimals)
            row, other = model.row("ls_mean_difference", label, visit.number), alone.row("ls_mean_difference")
            for head, r in (("Mixed model", row), ("This visit alone", other)):
                shown = [numbers.signed(v, d) for v in (r.value, r.lower, r.upper)]
                assert line[f"{head}: difference (95 % CI)"] == "{} ({} to {})".format(*shown)
            assert line["This visit alone: n"] == str(other.n)
            assert line["This visit alone: p, randomisation"] == numbers.p_value(
                alone.row(one_visit.RANDOMISATION_P).value
            )
        assert any("allocations, given" in note for note in table.footnotes)

    def test_every_cell_of_the_ranks_is_a_row(self, example):
        own, visit, found = example
        parameters = [own.protocol.parameter(code) for code in found]
        table = one_visit.ranked_table(own, visit, parameters, {k: v[2] for k, v in found.items()})
        for parameter, line in zip(parameters, table.frame.to_dict("records"), strict=True):
            rows = found[parameter.paramcd][2]
            words = {
                "died": "died",
                "transplanted": "transplant",
                "with_value": "value",
                "missing": "not known",
            }
            for what, word in words.items():
                assert line[f"Low dose: {word}"] == f"{rows.row(what, LOW).value:.0f}"
            share = rows.row("win_probability")
            shown = [numbers.percent(v) for v in (share.value, share.lower, share.upper)]
            assert line["Medium-high dose better (95 % CI)"] == "{} ({} to {})".format(*shown)


class TestWords:
    def test_every_number_is_a_result(self, example):
        own, visit, found = example
        ranked = found["MELD"][2]
        html = one_visit.ranked_sentence(own, own.protocol.parameter("MELD"), visit, ranked, level="95 %")
        html += one_visit.why_they_differ(own, visit, ranked)
        assert not unspanned_numbers(html, "week 48", "95 %", "50 %")
        rows = {r.result_id: r for r in ranked.rows}
        assert {rows[i].statistic for i, _ in spans(html)} == {
            "win_probability", one_visit.RANDOMISATION_P, "died", "transplanted",
        }  # fmt: skip
        assert "2 dead and 0 transplanted with low dose" in plain(html)
