"""The one table model: HTML and CSV say the same, in the same order, and nothing else."""

import csv
import io
import json
import re

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from esld.report.tables import Table
from tests.report.builders import cells, footnotes
from tests.report.conftest import CUTS

FRAME = pd.DataFrame(
    {
        "Block": ["A & B", "A & B", "C"],
        "Visit": ["Week 1", "Week <4>", "Week 1"],
        "Low dose: n": ["10", "9", ""],
        "Low dose: p": ["< 0.001", "NE", "> 0.99"],
        "Words": ["a", "1 b", "2026-03-31"],
    }
)
TABLE = Table(
    "a_table",
    "Title <i>",
    FRAME,
    {"Low dose": ["Low dose: n", "Low dose: p"]},
    ("NE: p <b>0.05</b> & so on.",),
    group="Block",
)


def read_csv(table: Table) -> list[list[str]]:
    return list(csv.reader(io.StringIO(table.to_csv())))


def test_html_and_csv_hold_the_same_cells():
    head, *body = read_csv(TABLE)
    assert cells(TABLE) == body == FRAME.to_numpy().tolist()
    assert head == list(FRAME.columns)


@pytest.mark.parametrize("cut", CUTS)
def test_every_table_of_an_example_is_the_same_in_html_and_csv(tables, cut):
    for table in tables(cut):
        assert cells(table) == read_csv(table)[1:], table.id


@pytest.mark.parametrize("cut", CUTS)
def test_ids_and_titles_are_unique(tables, cut):
    assert len({t.id for t in tables(cut)}) == len({t.title for t in tables(cut)}) == len(tables(cut))


@pytest.mark.parametrize("cut", CUTS)
def test_not_estimable_is_explained_below_the_table(tables, cut):
    for table in tables(cut):
        if table.frame.map(lambda cell: bool(re.search(r"\bNE\b", cell))).to_numpy().any():
            assert any(note.startswith("NE:") for note in table.footnotes), table.id


@pytest.mark.parametrize("cut", CUTS)
def test_cells_hold_no_gap_of_the_machine_s_and_no_hyphen_for_a_minus(tables, cut):
    for table in tables(cut):
        for text in table.frame.to_numpy().ravel():
            assert not re.search(r"\b(nan|NaT|inf)\b|^None$", text), (table.id, text)
            assert not re.search(r"(^|[ (])-\d", text), (table.id, text)


@pytest.mark.parametrize("cut", ["demo-final", "demo-interim"])
def test_percentages_of_small_groups_have_no_decimals(tables, cut):
    for table in tables(cut):
        assert not any(re.search(r"\d\.\d+ %", text) for text in table.frame.to_numpy().ravel()), table.id


def test_heads_under_a_spanner_do_not_repeat_it():
    soup = BeautifulSoup(TABLE.to_html(), "html.parser")
    assert [th.get_text().strip() for th in soup.select("th.gt_col_heading")] == ["Visit", "Words", "n", "p"]
    assert [th.get_text().strip() for th in soup.select(".gt_column_spanner")] == ["Low dose"]


def test_numbers_stand_right_and_words_left():
    soup = BeautifulSoup(TABLE.to_html(), "html.parser")
    row = soup.select("tbody tr")[1]
    sides = [next(c for c in cell["class"] if c in ("gt_left", "gt_right")) for cell in row.select("th, td")]
    assert sides == ["gt_left", "gt_right", "gt_right", "gt_left"]


@pytest.mark.parametrize(
    ("column", "right"),
    [
        (["1", "", "2.0"], True),
        (["\u22121.2 (NE)", "+3.0 (1.0 to 2.0)"], True),
        (["NE", "not reached"], True),
        (["10/11 (91 %)"], True),
        (["", ""], False),
        (["2026-03-31", "2026-04-01"], False),
        (["1", "none"], False),
    ],
)
def test_what_counts_as_numbers(column, right):
    table = Table("t", "T", pd.DataFrame({"Row": [str(i) for i in range(len(column))], "x": column}))
    cell = BeautifulSoup(table.to_html(), "html.parser").select_one("tbody td")
    assert ("gt_right" in cell["class"]) is right


def test_text_is_escaped():
    html = TABLE.to_html()
    assert "<i>" not in html
    assert "<4>" not in html
    assert footnotes(TABLE) == ["NE: p <b>0.05</b> & so on."]


def test_same_table_same_bytes():
    again = Table("a_table", "Title <i>", FRAME.copy(), dict(TABLE.spanners), TABLE.footnotes, group="Block")
    assert TABLE.to_html() == TABLE.to_html() == again.to_html()
    assert 'id="a-table"' in TABLE.to_html()


def test_shown_in_a_notebook_as_html_with_words_beside_it():
    bundle = TABLE._repr_mimebundle_()
    assert bundle == {"text/html": TABLE.to_html(), "text/plain": "Table a_table: Title <i> (3 rows)"}


def test_frame_is_not_modified():
    before = FRAME.copy()
    TABLE.to_html()
    pd.testing.assert_frame_equal(FRAME, before)


def test_empty_table_is_refused():
    with pytest.raises(ValueError, match="table 'x' must have rows"):
        Table("x", "X", pd.DataFrame({"a": []}))


@pytest.mark.parametrize("cell", [1, None, float("nan")])
def test_cell_that_is_not_text_is_refused(cell):
    with pytest.raises(ValueError, match="every cell of table 'x' must be text"):
        Table("x", "X", pd.DataFrame({"a": ["1", cell]}, dtype=object))


@pytest.mark.parametrize(
    ("column", "alignment"),
    [
        (["0.86", "0.034", "< 0.001", "> 0.99"], "decimal"),
        (["1,234.5", "7"], "decimal"),
        (["0.85 to NE", "1"], "right"),
        (["82 % to 91 %", "NE"], "right"),
        (["9 / 2 / 0", "3 of 11"], "right"),
        (["5 \u00d7 10\u207b\u00b9\u2075", "10\u207b\u2078", "0"], "right"),
        (["24 (82)", "391 (376 to 403)"], "right"),
        (["03_survival", "08_summary"], "left"),
        (["002", "010"], "left"),
        (["1a", "2"], "left"),
        (["8 (B)", "10 (C)"], "left"),
        (["1.2.3", "1"], "left"),
        (["3", "not given"], "left"),
        (["", ""], "left"),
        (["0.85", "12", ""], "decimal"),
        (["\u22121.2", "+3", "NE"], "decimal"),
        (["1.2", "3.4"], "right"),
        (["1.2 (0.1)", "3"], "right"),
        (["10/11 (91 %)", "0"], "right"),
        (["NE", "not reached"], "right"),
        (["a", "1"], "left"),
        (["2026-03-31", ""], "left"),
    ],
)
def test_numbers_stand_at_the_point_where_their_decimals_differ(column, alignment):
    table = Table("t", "T", pd.DataFrame({"Row": [str(i) for i in range(len(column))], "x": column}))
    assert table.alignments == {"Row": "left", "x": alignment}


def test_the_column_that_labels_rows_and_the_one_that_heads_blocks_stand_left():
    table = Table("t", "T", pd.DataFrame({"b": ["1", "2"], "l": ["1", "2"], "x": ["1", "2"]}), group="b")
    assert (table.stub, table.alignments) == ("l", {"b": "left", "l": "left", "x": "right"})


def test_html_holds_the_place_of_missing_decimals_without_a_change_of_text():
    """The longest fraction is ``.034``: what each cell lacks of it stands behind the cell, unseen."""
    shown = ["0.86", "12", "0.034", "NE", "", "1.5"]
    frame = pd.DataFrame({"b": list("AAABBB"), "a": list("uvwxyz"), "x": shown, "n": list("123456")})
    table = Table("t", "T", frame, group="b")
    found = BeautifulSoup(table.to_html(), "html.parser").select('td[headers$="t-x"]')
    assert [cell.get_text() for cell in found] == shown
    styles = [cell["style"].split(";", 1) for cell in found]
    assert {first.strip() for first, *_ in styles} == {"font-variant-numeric: tabular-nums"}
    pads = [rest[0].strip() if rest else "" for _, *rest in styles]
    assert pads == ["--pad: '0'", "--pad: '.000'", "", "--pad: '.000'", "", "--pad: '00'"]
    assert table.to_html().count("--pad") == 4
    assert cells(table) == frame.to_numpy().tolist()


def test_a_record_gives_the_table_back():
    again = Table.from_record(json.loads(json.dumps(TABLE.to_record())))
    assert again.to_html() == TABLE.to_html()
    assert again.to_csv() == TABLE.to_csv()
    assert (again.id, again.title, again.footnotes) == (TABLE.id, TABLE.title, TABLE.footnotes)
    assert again.to_record() == TABLE.to_record()


def test_rows_of_a_block_stand_together():
    frame = pd.DataFrame({"Block": ["A", "B", "A"], "x": ["1", "2", "3"]})
    with pytest.raises(ValueError, match="rows of a block of table 'x' must stand together"):
        Table("x", "X", frame, group="Block")


def test_columns_under_one_heading_stand_together():
    with pytest.raises(ValueError, match="columns under 'Low' of table 'x' must stand together"):
        Table("x", "X", pd.DataFrame({"a": ["1"], "b": ["2"], "c": ["3"]}), {"Low": ["a", "c"]})
