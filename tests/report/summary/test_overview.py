"""The summary: what other chapters handed over, what is planned, and the CONSORT checklist."""

import json

import pandas as pd
import pytest

from esld.report import phrases
from esld.report.chapter import Chapter, Others
from esld.report.results import Reported, rows_of
from esld.report.summary import consort
from esld.report.summary import overview as summary
from esld.report.survival.tables import power_rows
from esld.report.words.catalogue import message
from tests.report.builders import unspanned_numbers


def handed(analysis, id="x", n=2):
    frame = pd.DataFrame({"statistic": [f"s{i}" for i in range(n)], "value": range(n)})
    return rows_of(id, frame, analysis=analysis, chapter="03_survival").rows


def others(*rows, answers=None, missing=()):
    return Others(Reported(tuple(rows)), answers or {}, tuple(missing))


class TestPlanned:
    def test_held_absent_and_unplanned(self, study):
        own = study("demo-final")
        found = others(*handed("OS-1Y"), *handed("MY-OWN", "y", 3), *handed("VALIDATION", "z"))
        planned = rows_of(
            "planned", summary.planned_rows(own, found), analysis="SUMMARY", chapter="08_summary"
        )
        table = summary.planned_table(own, planned).frame.set_index("Id")
        assert table.loc["OS-1Y", "In this report"] == "yes"
        assert table.loc["OS-KM", "In this report"] == "no: the data give no result"
        assert len(table) == len(own.protocol.analyses)
        assert planned.row("results", "MY-OWN").value == 3
        assert (planned.row("planned_analyses_held").value, planned.row("planned_analyses_held").n) == (
            1,
            len(table),
        )
        assert not unspanned_numbers(summary.held_sentence(own, planned))
        assert summary.unplanned_sentence(own, planned).endswith("plan: MY-OWN. Read them as exploration.")

    def test_a_chapter_that_is_not_in_the_cut_is_named(self, study):
        own = study("demo-final")
        cut = own.cut.model_copy(update={"chapters": ("03_survival",)})
        file = own.file.__class__(own.file.id, own.file.path, own.file.root, cut)
        own = own.__class__(**{**own.__dict__, "file": file})
        planned = rows_of(
            "planned", summary.planned_rows(own, others()), analysis="SUMMARY", chapter="08_summary"
        )
        table = summary.planned_table(own, planned).frame.set_index("Id")
        assert table.loc["LFT", "In this report"] == "no: chapter 04_change is not in this cut"
        assert summary.unplanned_sentence(own, planned).startswith("This report holds no analysis")

    def test_primary_first(self, study):
        own = study("demo-final")
        planned = rows_of(
            "planned", summary.planned_rows(own, others()), analysis="SUMMARY", chapter="08_summary"
        )
        assert summary.planned_table(own, planned).frame["Id"].iloc[0] == own.protocol.primary.id


class TestLines:
    def test_primary_and_safety_come_first(self, study):
        own = study("demo-final")
        found = others(answers={"02_baseline": "B", "03_survival": "S", "06_safety": "H", "07_patients": ""})
        assert summary.first_lines(own, found) == ["S", "H"]
        assert summary.other_lines(own, found) == ["B"]

    def test_an_interim_says_so(self, study):
        assert phrases.standing(study("demo-final")) == ""
        assert phrases.standing(study("demo-interim")).startswith("This is not the final analysis.")

    def test_chapters_that_have_not_run(self):
        assert summary.missing_sentence(others(missing=("04_x", "05_y"))).endswith(
            "summarised: 04_x and 05_y."
        )
        assert summary.missing_sentence(others()) == ""

    def test_what_the_size_shows_is_of_whatever_result_holds_it(self, study):
        own = study("demo-final")
        rows = rows_of("xx_power", power_rows([11, 11]), analysis="OS-1Y", chapter="03_survival").rows
        (said,) = summary.size_sentences(own, others(*rows, *handed("A", "os")))
        assert "If nobody with the low dose died, at least" in said
        assert summary.size_sentences(own, others(*handed("A", "os"))) == []

    def test_the_size_for_a_share_is_not_said_of_a_primary_outcome_that_is_none(self, study):
        own = study("tablets-three-arms")
        assert own.protocol.primary.chapter == "04_change"
        rows = rows_of("xx_power", power_rows([11, 11]), analysis="HYPO", chapter="03_survival").rows
        assert summary.size_sentences(own, others(*rows)) == []


def test_a_chapter_reads_what_others_handed_over(study, tmp_path):
    own = study("demo-final")
    (tmp_path / "chapters").mkdir()
    first = Chapter("03_survival", own, tmp_path)
    first.hand_over("x", pd.DataFrame({"statistic": ["a"], "value": [1.5]}), analysis="OS-1Y")
    first.answer("Said.")
    last = Chapter("08_summary", own, tmp_path)
    found = last.others()
    assert [(r.result_id, r.value) for r in found.rows.rows] == [("x.a", 1.5)]
    assert found.answers == {"03_survival": "Said."}
    assert "08_summary" not in found.missing
    assert "04_change" in found.missing
    assert json.loads((tmp_path / "chapters" / "03_survival.json").read_text())["answer"] == "Said."


class TestConsort:
    def test_items_of_2025(self):
        numbers = [item.number for item in consort.ITEMS]
        assert len(set(numbers)) == len(numbers) == 42
        assert sorted({int("".join(filter(str.isdigit, n))) for n in numbers}) == list(range(1, 31))

    def test_every_item_says_where_or_why(self, study):
        own = study("demo-final")
        table = consort.checklist_table(own).frame
        assert table["Where"].str.len().gt(0).all()
        for item, line in zip(consort.ITEMS, table.to_dict("records"), strict=True):
            here = [c for c in item.chapters if c in own.cut.chapters]
            assert all(c in line["Where"] for c in here)
            assert bool(item.chapters) != (line["Where"] == message(f"consort.why.{item.why}"))

    @pytest.mark.parametrize("item", consort.ITEMS, ids=lambda item: item.number)
    def test_chapters_are_chapters(self, item):
        from tests.report.builders import ROOT

        assert all((ROOT / "notebooks" / f"{c}.py").exists() for c in item.chapters)
