"""Listings as files: the same content gives the same bytes, and text stays text."""

import datetime
import time

import openpyxl
import pandas as pd
import pytest

from esld.data.workbook import write_sheets
from esld.errors import InputError

SHEETS = {
    "One": pd.DataFrame({"id": ["007", "=1+1"], "x": [1.5, None], "note": ["发热 <b>", None]}),
    "None": pd.DataFrame({"a": pd.Series(dtype=object)}),
}


def test_a_workbook_keeps_every_cell_as_it_is(tmp_path):
    write_sheets(SHEETS, tmp_path / "a.xlsx", title="t")
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


@pytest.mark.parametrize("suffix", [".xlsx", ".csv", ".html"])
def test_the_same_content_gives_the_same_bytes_at_any_hour(tmp_path, suffix):
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    write_sheets(SHEETS, first, title="t")
    time.sleep(2.1)  # the clock of a ZIP archive counts in steps of two seconds
    write_sheets(SHEETS, second, title="t")
    assert first.read_bytes() == second.read_bytes()
    assert str(datetime.date.today().year).encode() not in first.read_bytes()


def test_csv_names_the_part(tmp_path):
    write_sheets(SHEETS, tmp_path / "a.csv", title="t")
    text = (tmp_path / "a.csv").read_text(encoding="utf-8")
    assert text == "part,id,x,note,a\nOne,007,1.5,发热 <b>,\nOne,=1+1,,,\n"


def test_a_page_escapes(tmp_path):
    write_sheets(SHEETS, tmp_path / "a.html", title="A & B")
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "<h1>A &amp; B</h1>" in text
    assert "发热 &lt;b&gt;" in text
    assert "<p>None.</p>" in text


def test_refused_in_one_line_and_nothing_is_left(tmp_path):
    for name, rule in (
        ("a.txt", "must be a table of one of the kinds"),
        ("no/a.csv", "must lie in a folder that exists"),
    ):
        with pytest.raises(InputError, match=rule):
            write_sheets(SHEETS, tmp_path / name, title="t")
    assert not list(tmp_path.iterdir())
