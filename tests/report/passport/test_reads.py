"""What results read: by their names, and everything where a name is not known or known only in part."""

from dataclasses import replace

import pytest

from esld.methods import steps_of
from esld.report.passport.reads import _READS, Readings
from esld.report.passport.sources import SOURCES, sources_of
from esld.report.results import Row, named, read_rows
from tests.report.builders import ROOT

RECORD = read_rows(ROOT / "outputs" / "demo-final" / "results.json")
WHOLE = {  # of the demonstration trial: what rests on the whole export by what it is, or is not declared
    "queries", "flagged_values", "liver_deaths", "patients", "narratives", "planned", "deviations", "since",
    "double", "balance", "balance_levels", "baseline", "differences",
}  # fmt: skip
OF_NOBODY = {
    "validation", "coverage", "planned_grid", "planned_sizes", "assumed_trials", "schemes",
    "unplanned_belief.prior_chance_better",
}  # fmt: skip


@pytest.fixture(scope="module")
def readings(study) -> Readings:
    return Readings(study("demo-final"))


def row(id: str) -> Row:
    return next(row for row in RECORD if row.result_id == id)


class TestDeclared:
    def test_every_result_of_the_record_has_a_reading(self, readings):
        every = {r.result_id: readings.of(r) for r in RECORD}
        assert len(every) == len(RECORD)
        assert {named(r) for r in RECORD if every[r.result_id].whole} <= WHOLE
        assert {own.stem for own in every.values() if not own.who} == OF_NOBODY

    def test_a_baseline_variable_reads_its_own_parameter(self, readings):
        albumin = readings.of(row("baseline.low.alb_mean"))
        assert (albumin.measures, albumin.baseline, len(albumin.who)) == (("ALB",), True, 11)

    def test_of_models_side_by_side_each_reads_its_own_parameter(self, readings):
        assert readings.of(row("standardised.medhigh_low.meld@7")).measures == ("MELD",)

    def test_a_result_of_one_arm_reads_that_arm_and_a_comparison_both(self, readings):
        assert len(readings.of(row("os_km.low.survival@365")).who) == 11
        assert len(readings.of(row("os_milestone.medhigh_low.survival_difference@365")).who) == 22

    def test_that_nobody_of_an_arm_has_something_is_told_for_the_other(self, readings):
        """Without the other arm's patient there would be no such row."""
        first, second = (readings.of(row(f"flow.{arm}.partial_pneumonia")) for arm in ("low", "medhigh"))
        assert (len(first.who), len(second.who)) == (11, 22)
        assert "AE" in first.domains

    def test_the_times_of_a_curve_are_read_to_its_day(self, readings):
        assert readings.of(row("os_km.low.survival@365")).until == 365

    @pytest.mark.parametrize(
        "name", ["os_km_of_mine", "mine", "os_cox_subgroups", "my_change", "change_of_heart"]
    )
    def test_a_name_that_is_known_only_in_part_reads_everything(self, readings, name):
        own = replace(row("os_km.low.survival@365"), result_id=f"{name}.low.survival@365")
        assert readings.of(own).whole

    def test_no_declaration_of_a_name_that_no_chapter_hands_over(self):
        handed = {(f"_{named(r)}_", what) for r in RECORD for what in ("", r.statistic.partition(":")[0])}
        stems = {stem: stem.partition(".") for stem in _READS}
        unused = [
            s
            for s, (own, _, what) in stems.items()
            if not any(f"_{own}_" in n and what == of for n, of in handed)
        ]
        assert unused == ["response"]  # of a kind that this trial does not plan


class TestSources:
    def test_each_is_of_a_step_that_has_words(self):
        words = (ROOT / "esld/report/words/en/methods.yaml").read_text(encoding="utf-8")
        assert not [name for name in SOURCES if f"method.{name}:" not in words]

    def test_in_the_order_of_the_steps_each_once(self):
        assert sources_of("kaplan-meier, greenwood, log-log") == [
            SOURCES["kaplan-meier"],
            SOURCES["greenwood"],
        ]
        assert sources_of("") == [] and sources_of("count") == []
        assert steps_of("count")
