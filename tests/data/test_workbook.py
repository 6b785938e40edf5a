"""Listings as files: the same content gives the same bytes, and text stays text."""

import datetime
import time
import zipfile
from types import SimpleNamespace

import openpyxl
import pandas as pd
import pytest

from esld.data import workbook
from esld.data.workbook import KINDS, write_sheets
from esld.targets import file_target

SHEETS = {
    "One": pd.DataFrame({"id": ["007", "=1+1"], "x": [1.5, None], "note": ["发热 <b>", None]}),
    "None": pd.DataFrame({"a": pd.Series(dtype=object)}),
}


def write(target):
    write_sheets(SHEETS, file_target(target, command="test", kinds=KINDS), title="A & B")


def test_a_workbook_keeps_every_cell_as_it_is(tmp_path):
    write(tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames == ["One", "None"]
    one = book["One"]
    assert [*one.iter_rows(values_only=True)] == [
        ("id", "x", "note"),
        ("007", 1.5, "发热 <b>"),
        ("=1+1", None, None),
    ]
    assert one["A3"].data_type == "s"  # and no formula
    assert (one.freeze_panes, one.auto_filter.ref) == ("A2", "A1:C3")
    assert [*book["None"].iter_rows(values_only=True)] == [("a",)]


@pytest.fixture
def another_hour(monkeypatch):
    """A call after which the clocks that a workbook is written by are years behind."""

    class Then(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2001, 9, 9, tzinfo=tz)

    def turn():
        then = Then.now().timetuple()
        monkeypatch.setattr(time, "localtime", lambda *_: then)  # what zipfile takes the time from
        clock = SimpleNamespace(datetime=Then, timezone=datetime.timezone)
        monkeypatch.setattr(openpyxl.packaging.core, "datetime", clock)

    return turn


@pytest.mark.parametrize("suffix", [".xlsx", ".csv", ".html"])
def test_the_same_content_gives_the_same_bytes_at_any_hour(tmp_path, another_hour, suffix):
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    write(first)
    another_hour()
    write(second)
    assert first.read_bytes() == second.read_bytes()
    assert str(datetime.date.today().year).encode() not in first.read_bytes()


def test_the_hour_would_be_seen(tmp_path, another_hour, monkeypatch):
    """The control of the test above: as openpyxl writes it, both clocks show."""
    monkeypatch.setattr(workbook, "timeless", lambda book: book)
    seen = []
    for turn, name in ((lambda: None, "a.xlsx"), (another_hour, "b.xlsx")):
        turn()
        write(tmp_path / name)
        with zipfile.ZipFile(tmp_path / name) as archive:
            seen.append((archive.getinfo("xl/workbook.xml").date_time[0], archive.read("docProps/core.xml")))
    assert seen[1][0] == 2001 != seen[0][0]
    assert b"2001-09-09" in seen[1][1]
    assert b"2001-09-09" not in seen[0][1]


def test_csv_names_the_part(tmp_path):
    write(tmp_path / "a.csv")
    text = (tmp_path / "a.csv").read_text(encoding="utf-8")
    assert text == "part,id,x,note,a\nOne,007,1.5,发热 <b>,\nOne,'=1+1,,,\n"


def test_a_page_escapes(tmp_path):
    write(tmp_path / "a.html")
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "<h1>A &amp; B</h1>" in text
    assert "发热 &lt;b&gt;" in text
    assert "<p>None.</p>" in text
