"""The summary: what other chapters handed over, what is planned, and the CONSORT checklist."""

import json
import re
from dataclasses import replace

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from esld.report import brief, phrases
from esld.report.chapter import Chapter, Others
from esld.report.headlines import HEADLINES
from esld.report.results import Reported, rows_of
from esld.report.summary import consort
from esld.report.summary import overview as summary
from esld.report.survival.tables import power_rows
from esld.report.words.catalogue import message
from tests.report.builders import ROOT, unspanned_numbers


def handed(analysis, id="x", n=2, statistic="s0"):
    frame = pd.DataFrame({"statistic": [statistic, *(f"s{i}" for i in range(1, n))], "value": range(n)})
    return rows_of(id, frame, analysis=analysis, chapter="03_survival").rows


def others(*rows, answers=None):
    return Others(Reported(tuple(rows)), answers or {})


class TestPlanned:
    def test_held_absent_and_unplanned(self, study):
        own = study("demo-final")
        estimated = handed("OS-1Y", statistic="survival")
        found = others(*estimated, *handed("LFT"), *handed("MY-OWN", "y", 3), *handed("DESIGN", "z"))
        planned = rows_of(
            "planned", summary.planned_rows(own, found), analysis="SUMMARY", chapter="08_summary"
        )
        table = summary.planned_table(own, planned).frame.set_index("Id")
        assert "OS-1Y" not in table.index
        assert {table.loc[name, "Why"] for name in ("OS-KM", "LFT")} == {
            "cannot be estimated from the data of this cut"
        }
        assert len(table) == len(own.protocol.analyses) - 1
        assert planned.row("results", "MY-OWN").value == 3
        held = planned.row("planned_analyses_held")
        assert (held.value, held.n) == (1, len(own.protocol.analyses))
        assert planned.row("planned_analyses_not_estimable").value == 1  # LFT: numbers, and no LS mean
        assert summary.held_sentence(own, planned).endswith(
            '<span class="result" data-result="planned.planned_analyses_not_estimable">1</span> nothing can be estimated from '
            "the data of this cut."
        )
        assert not unspanned_numbers(summary.held_sentence(own, planned))
        assert summary.unplanned_sentence(own, planned).endswith("list: MY-OWN. Read them as exploration.")

    def test_a_chapter_that_is_not_in_the_cut_is_named(self, study):
        own = study("demo-final")
        cut = own.cut.model_copy(update={"chapters": ("03_survival",)})
        own = replace(own, file=replace(own.file, cut=cut))
        planned = rows_of(
            "planned", summary.planned_rows(own, others()), analysis="SUMMARY", chapter="08_summary"
        )
        table = summary.planned_table(own, planned).frame.set_index("Id")
        assert table.loc["LFT", "Why"] == "chapter 04_change is not in this cut"
        assert summary.additional_sentence(others(), summary.unplanned_sentence(own, planned)).startswith(
            "This report holds no analysis"
        )

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
        assert next(filter(None, brief.found([], found.answers, own))) == "S"
        assert brief.safe([], found.answers, own) == ["H"]
        assert summary.other_lines(own, found) == ["B"]

    def test_a_report_that_holds_all_says_it_in_a_sentence(self, study):
        own = study("demo-final")
        told = {"p_value", *(s for own in HEADLINES.values() for line in own for s in line.statistics)}
        rows = [
            row
            for place, a in enumerate(own.protocol.analyses)
            for what in sorted(told)
            for row in handed(a.id, f"x_{place}_{what}", 1, what)
        ]
        frame = summary.planned_rows(own, others(*rows))
        planned = rows_of("planned", frame, analysis="SUMMARY", chapter="08_summary")
        assert (
            summary.planned_table(own, planned).html
            == "Every analysis that the protocol file lists has a result in this report."
        )

    def test_an_interim_says_so(self, study):
        assert phrases.standing(study("demo-final")) == ""
        assert phrases.standing(study("demo-interim")).startswith("This is not the final analysis.")

    def test_what_the_size_shows_is_of_whatever_result_holds_it(self, study):
        own = study("demo-final")
        rows = rows_of("xx_power", power_rows([11, 11]), analysis="OS-1Y", chapter="03_survival").rows
        (said,) = brief.sizes([*rows, *handed("A", "os")], own)
        assert "If nobody with the low dose died, at least" in said
        assert brief.sizes(handed("A", "os"), own) == []

    def test_the_size_for_a_share_is_not_said_of_a_primary_outcome_that_is_none(self, study):
        own = study("tablets-three-arms")
        assert own.protocol.primary.chapter == "04_change"
        rows = rows_of("xx_power", power_rows([11, 11]), analysis="HYPO", chapter="03_survival").rows
        assert brief.sizes(rows, own) == []


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
    assert json.loads((tmp_path / "chapters" / "03_survival.json").read_text())["answer"] == "Said."


class TestConsort:
    def test_items_of_2025(self):
        numbers = [item.number for item in consort.ITEMS]
        assert len(set(numbers)) == len(numbers) == 42
        assert sorted({int("".join(filter(str.isdigit, n))) for n in numbers}) == list(range(1, 31))

    def test_every_item_is_met_at_a_place_or_not_reported(self, study):
        own = study("demo-final")
        table = consort.checklist_table(own).frame
        met = table["Status"].str.startswith(("Met", "Partly: "))
        assert table.set_index("Item").loc["2", "Status"] == "Partly: the date of registration is not known"
        assert table.set_index("Item").loc["16b", "Status"] == "Partly: none was planned, and one was made"
        assumed = table.set_index("Item").loc[
            ["17b", "20a", "21a"], "Status"
        ]  # the randomisation, masking, the analyses
        assert assumed.eq("Met; what stands there is assumed").all()
        assert table.set_index("Item").loc["7", "Status"] == "Met"
        assert table.loc[met, ["Chapter", "Place"]].ne("").all(axis=None)
        assert table.loc[~met, "Status"].str.startswith("Not reported").all()
        assert table.loc[~met, ["Chapter", "Place"]].eq("").all(axis=None)

    @pytest.mark.parametrize("item", [i for i in consort.ITEMS if i.place], ids=lambda item: item.number)
    def test_a_place_is_a_heading_of_its_chapter(self, item, study):
        chapter, place = consort.place_of(item, study("demo-final"))
        if chapter:
            source = (ROOT / "notebooks" / f"{chapter}.py").read_text(encoding="utf-8")
            assert re.search(rf"^# ##+ {re.escape(message(f'consort.place.{place}'))}$", source, re.MULTILINE)

    def test_what_the_protocol_does_not_state_is_not_reported(self, study):
        """The day of registration of the demonstration trial is not known; stated, the item is met in whole."""
        own, item = study("demo-final"), {i.number: i for i in consort.ITEMS}["2"]
        record = own.protocol.record.model_copy(update={"registered": "2023-12-12"})
        stated = replace(own, protocol=own.protocol.model_copy(update={"record": record}))
        assert consort.place_of(item, stated) == ("00_data_cut", "trial")
        assert consort.checklist_table(stated).frame.set_index("Item").loc["2", "Status"] == "Met"
        harms = {i.number: i for i in consort.ITEMS}["15"]
        assert consort.place_of(harms, own) == ("00_data_cut", "trial")
        assert consort.place_of(harms, study("mayo-pbc")) == ("", "unknown")

    def test_a_chapter_that_is_not_in_the_cut_reports_nothing(self, study):
        own = study("demo-final")
        cut = own.cut.model_copy(update={"chapters": ("00_data_cut", "08_summary")})
        bare = replace(own, file=replace(own.file, cut=cut))
        met = {i.number for i in consort.ITEMS if consort.place_of(i, bare)[0]}
        assert {consort.place_of(i, bare)[0] for i in consort.ITEMS} == {"", "00_data_cut", "08_summary"}
        assert "26" not in met

    @pytest.mark.always
    def test_every_place_of_the_finished_report_exists_with_its_content(self, published):
        """In the page that the checklist links to, under the heading that it names, stands what the item asks for."""
        folder = published("demo-final")
        held = {
            "7": "do more patients live", "11": "Shenyang", "12a": "18-80 years old",
            "14": "Number of subjects surviving",
            "15": "CTCAE grade", "16a": "22 patients, as registered", "16b": "No interim analysis", "20a": "open label",
            "21a": "Miettinen-Nurminen", "22b": "Declined after screening", "23a": "11 January 2025",
        }  # fmt: skip
        rows = BeautifulSoup((folder / "08_summary.html").read_text(encoding="utf-8"), "html.parser").select(
            "#consort tbody tr"
        )
        links = [(row.get_text(" "), row.find("a")) for row in rows]
        assert sum(link is not None for _, link in links) == sum(bool(i.place) for i in consort.ITEMS)
        pages = {
            path.name: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
            for path in folder.glob("0*.html")
        }
        for item in consort.ITEMS:
            own = [
                link
                for text, link in links
                if link is not None and message(f"consort.item.{item.number}") in text
            ]
            if not own:
                continue
            (link,) = own
            heading = message(f"consort.place.{item.place}")
            (found,) = [
                h
                for h in pages[link["href"]].find_all(["h2", "h3"])
                if h.get_text().strip().startswith(heading)
            ]
            below = " ".join(
                str(node) for node in found.find_all_next(["td", "th", "p", "figcaption", "img"], limit=400)
            )
            assert held.get(item.number, "") in below, item.number
