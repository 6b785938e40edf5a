"""The one table model: HTML and CSV say the same, in the same order, and nothing else."""

import csv
import io
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
