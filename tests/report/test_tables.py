"""The one table model: HTML and CSV say the same, in the same order, and nothing else."""

import csv
import io
import json
import re
from functools import partial
from math import inf

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from esld.csvfile import armed
from esld.report.cells import (
    Cell,
    Count,
    Data,
    Empty,
    Estimate,
    Label,
    Limits,
    NotEstimable,
    Number,
    Several,
    estimate,
    number,
    several,
)
from esld.report.results import Row
from esld.report.tables import Table
from tests.report.builders import ROOT, cells, computed, footnotes
from tests.report.conftest import CUTS

PERCENT, P = partial(Number, style="percent"), partial(Number, style="p")
LINES = [
    {"Block": "A & B", "Visit": "Week 1", "LOW.n": Number(10), "LOW.p": P(0.0004), "Words": "a"},
    {"Block": "A & B", "Visit": "Week <4>", "LOW.n": Number(9), "LOW.p": P(None), "Words": "1 b"},
    {"Block": "C", "Visit": "Week 1", "LOW.n": Empty(), "LOW.p": P(0.999), "Words": Data("2026-03-31")},
]  # fmt: skip
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
    LINES,
    {"Low dose": ["LOW.n", "LOW.p"]},
    ("NE: p <b>0.05</b> & so on.",),
    group="Block",
)


def column(*cells: Cell | str) -> Table:
    """A table of these cells, beside the column that labels the rows."""
    return Table("t", "T", [{"Row": str(number), "x": cell} for number, cell in enumerate(cells)])


def test_html_holds_the_text_of_the_cells_and_csv_their_values():
    assert cells(TABLE) == FRAME.to_numpy().tolist()
    pd.testing.assert_frame_equal(TABLE.frame, FRAME)
    assert TABLE.to_csv() == (
        "Block,Visit,LOW.n,LOW.p,Words\n"
        "A & B,Week 1,10,0.0004,a\nA & B,Week <4>,9,NA,1 b\nC,Week 1,,0.999,2026-03-31\n"
    )


def test_csv_has_a_column_for_each_value_of_a_cell():
    table = column(
        Estimate(2 / 3, 0.1, None, 2), Count(3, 11), several("{} ({})", mean=Number(1.5, 1), SD=Number(None, 1)),
        Limits(1, inf), "none", Estimate(None, None, None, style="days"),
    )  # fmt: skip
    assert table.frame["x"].tolist() == [
        "0.67 (0.10 to NE)", "3/11 (27 %)", "1.5 (NE)", "1 to no upper limit", "none", "not reached",
    ]  # fmt: skip
    assert table.to_csv().splitlines() == [
        'Row,"x, value","x, lower","x, upper","x, x","x, n","x, mean","x, SD","x, text"',
        "0,0.666666666667,0.1,NA,,,,,",
        "1,,,,3,11,,,",
        "2,,,,,,1.5,NA,",
        "3,,1,inf,,,,,",
        "4,,,,,,,,none",
        "5,NA,NA,NA,,,,,",
    ]


def test_csv_holds_no_formula_neither_in_a_cell_nor_in_a_heading():
    text = "=cmd|' /C calc'!A0"
    written = list(csv.reader(io.StringIO(Table("t", "T", [{text: text, "n": Number(-1.5, 1)}]).to_csv())))
    assert written == [[f"'{text}", "n"], [f"'{text}", "-1.5"]]
    assert armed(written[0][0]) == armed(written[1][0]) == text


def test_a_cell_that_begins_like_another_keeps_its_own_column():
    table = Table("t", "T", [{"a": "x", "b": Estimate(1, 0, 2), "b, n": Count(1, 2)}])
    assert table.to_csv().splitlines()[0] == 'a,"b, value","b, lower","b, upper","b, n, x","b, n, n"'


@pytest.mark.parametrize("cut", CUTS)
def test_every_table_of_an_example_is_the_same_in_html_and_csv(tables, cut):
    """The values of the CSV, set into the cells, read as the HTML does."""
    for table in tables(cut):
        assert cells(table) == table.frame.to_numpy().tolist() == computed(table), table.id


@pytest.mark.parametrize("cut", CUTS)
def test_no_number_of_an_example_is_given_as_text(tables, cut):
    for table in tables(cut):
        for key, own in table.cells.items():
            texts = [
                cell.text for cell in own if isinstance(cell, Label) and key not in (table.stub, table.group)
            ]
            assert not any(re.fullmatch(r"[<>+\u2212]?[\d.,]+( %|/\d+)?( \(.*)?", text) for text in texts), (
                table.id,
                key,
            )


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
    heads = [[th.get_text() for th in row.select("th")] for row in soup.select("thead tr")]
    assert heads == [["Visit", "Low dose", "Words"], ["n", "p"]]
    spans = [(th["scope"], th.get("colspan"), th.get("rowspan")) for th in soup.select("thead th")]
    assert spans == [
        ("col", None, "2"), ("colgroup", "2", None), ("col", None, "2"), ("col", None, None), ("col", None, None),
    ]  # fmt: skip


def test_rows_and_blocks_are_headed_for_those_who_hear_the_table():
    soup = BeautifulSoup(TABLE.to_html(), "html.parser")
    assert [body.th.get_text() for body in soup.select("tbody")] == ["A & B", "C"]
    assert [(th["scope"], th["colspan"]) for th in soup.select(".block th")] == [("rowgroup", "4")] * 2
    assert [th.get_text() for th in soup.select("tbody th[scope=row]")] == ["Week 1", "Week <4>", "Week 1"]
    assert soup.find(id=soup.table["aria-labelledby"]).get_text() == TABLE.title
    assert soup.select_one(".scroll")["aria-label"] == "Table: Title <i>"


def test_numbers_stand_right_and_words_left():
    soup = BeautifulSoup(TABLE.to_html(), "html.parser")
    row = soup.select("tbody tr")[1]
    assert ["number" in cell.get("class", []) for cell in row.select("th, td")] == [False, True, True, False]


def test_text_is_escaped():
    html = TABLE.to_html()
    assert "<i>" not in html
    assert "<4>" not in html
    assert footnotes(TABLE) == ["NE: p <b>0.05</b> & so on."]


def test_same_table_same_bytes():
    again = Table("a_table", "Title <i>", LINES, dict(TABLE.spanners), TABLE.footnotes, group="Block")
    assert TABLE.to_html() == TABLE.to_html() == again.to_html()
    assert 'id="a-table"' in TABLE.to_html()


def test_shown_in_a_notebook_as_html_with_words_beside_it():
    bundle = TABLE._repr_mimebundle_()
    assert bundle == {"text/html": TABLE.to_html(), "text/plain": "Table a_table: Title <i> (3 rows)"}


def test_a_frame_that_is_given_is_not_modified():
    before = FRAME.copy()
    Table("t", "T", FRAME).to_html()
    pd.testing.assert_frame_equal(FRAME, before)


def test_empty_table_is_refused():
    with pytest.raises(ValueError, match="table 'x' must have rows"):
        Table("x", "X", pd.DataFrame({"a": []}))


@pytest.mark.parametrize("cell", [1, None, float("nan")])
def test_what_is_neither_a_cell_nor_text_is_refused(cell):
    with pytest.raises(TypeError, match="table 'x' must consist of cells and texts"):
        Table("x", "X", pd.DataFrame({"a": ["1", cell]}, dtype=object))


@pytest.mark.parametrize(
    ("own", "alignment"),
    [
        ([Number(0.86, 2), P(0.034), P(0.0001), P(0.999)], "decimal"),
        ([Number(0.85, 2), Number(12), Empty()], "decimal"),
        ([Number(-1.2, 1, "signed"), Number(3, 0, "signed"), NotEstimable()], "decimal"),
        ([Number(1, 1), Number(None, style="days"), Number(7)], "decimal"),
        ([Number(1.2, 1), Number(3.4, 1)], "right"),
        ([Limits(0.85, None, 2), Number(1)], "right"),
        ([PERCENT(0.8215, 1), PERCENT(0.9)], "right"),
        ([Limits(0.82, 0.91, style="percent"), NotEstimable()], "right"),
        ([several("{} / {} / {}", a=Number(9), b=Number(2), c=Number(0)), Count(3, 11, percent=False)], "right"),
        ([Number(5e-15, style="power"), Number(1e-8, style="power"), Number(0, style="power")], "right"),
        ([Estimate(391, 376, 403, style="days"), Number(24)], "right"),
        ([Estimate(-1.2, None, None, 1), Estimate(3, 1, 2, 1, "signed")], "right"),
        ([Count(10, 11), Number(0)], "right"),
        ([NotEstimable(), Number(None, style="days")], "right"),
        ([several("{} ({})", score=Number(8), grade=Label("B"))], "left"),
        ([Several("G1: {}", ("G1",), (Number(2),), words=True)], "left"),
        ([Data("002"), Data("010")], "left"),
        ([Number(3), "not given"], "left"),
        (["a", Number(1)], "left"),
        ([Data("2026-03-31"), ""], "left"),
        (["", Empty()], "left"),
    ],
)  # fmt: skip
def test_numbers_stand_at_the_point_where_their_decimals_differ(own, alignment):
    assert column(*own).alignments == {"Row": "left", "x": alignment}


def test_no_regular_expression_looks_at_a_cell():
    for name in ("cells", "tables", "dress/csv", "dress/html"):
        source = (ROOT / "esld" / "report" / f"{name}.py").read_text(encoding="utf-8")
        assert not re.search(r"^\s*(import re|from re )|pd\.Series\.str|\.str\.", source, re.MULTILINE), name
    word = (ROOT / "esld" / "report" / "dress" / "word.py").read_text(encoding="utf-8")
    assert re.findall(r"\bre\.\w+", word) == ["re.compile"]  # what XML cannot hold
    fragment = (ROOT / "esld" / "pipeline" / "theme" / "fragment.py").read_text(encoding="utf-8")
    for name in ("_dress_table", "_link_chapters"):
        assert not re.search(r"\bre\.", fragment.partition(f"def {name}(")[2].partition("\ndef ")[0]), name


def test_the_column_that_labels_rows_and_the_one_that_heads_blocks_stand_left():
    table = Table("t", "T", [{key: Number(n) for key in "blx"} for n in (1, 2)], group="b")
    assert (table.stub, table.alignments) == ("l", {"b": "left", "l": "left", "x": "right"})


def test_html_holds_the_place_of_missing_decimals_without_a_change_of_text():
    """The longest fraction is ``.034``: what each cell lacks of it stands behind the cell, unseen."""
    own = [Number(0.86, 2), Number(12), P(0.034), NotEstimable(), Empty(), Number(1.5, 1)]
    lines = [{"b": b, "a": a, "x": cell} for b, a, cell in zip("AAABBB", "uvwxyz", own, strict=True)]
    table = Table("t", "T", lines, group="b")
    found = BeautifulSoup(table.to_html(), "html.parser").select("td")
    assert [cell.get_text() for cell in found] == ["0.86", "12", "0.034", "NE", "", "1.5"]
    pads = ["--pad: '0'", "--pad: '.000'", "", "--pad: '.000'", "", "--pad: '00'"]
    assert [cell.get("style", "") for cell in found] == pads
    assert cells(table) == table.frame.to_numpy().tolist()


def test_a_number_names_the_result_that_it_is():
    row = Row("os.low.alive", "A", "", None, "alive", 0.5, 0.4, 0.6, "", "", "", 4, 2, "", "c")
    table = column(
        number(row, 2), estimate(row, 2), Count(2, 4, id=row.result_id), number(None), estimate(None), "word"
    )
    found = BeautifulSoup(table.to_html(), "html.parser").select("td")
    assert [cell.get("data-result") for cell in found] == ["os.low.alive"] * 3 + [None] * 3
    assert [cell.get_text() for cell in found] == [
        "0.50",
        "0.50 (0.40 to 0.60)",
        "2/4 (50 %)",
        "",
        "",
        "word",
    ]


def test_a_record_gives_the_table_back():
    again = Table.from_record(json.loads(json.dumps(TABLE.to_record())))
    assert again.to_html() == TABLE.to_html()
    assert again.to_csv() == TABLE.to_csv()
    assert (again.id, again.title, again.footnotes) == (TABLE.id, TABLE.title, TABLE.footnotes)
    assert again.to_record() == TABLE.to_record()
    assert again.rows == TABLE.rows


@pytest.mark.parametrize("cut", CUTS)
def test_a_record_keeps_the_kinds_of_all_cells(tables, cut):
    for table in tables(cut):
        again = Table.from_record(json.loads(json.dumps(table.to_record())))
        assert (again.to_html(), again.to_csv(), again.alignments) == (
            table.to_html(),
            table.to_csv(),
            table.alignments,
        )


def test_rows_of_a_block_stand_together():
    frame = pd.DataFrame({"Block": ["A", "B", "A"], "x": ["1", "2", "3"]})
    with pytest.raises(ValueError, match="rows of a block of table 'x' must stand together"):
        Table("x", "X", frame, group="Block")


def test_columns_under_one_heading_stand_together():
    with pytest.raises(ValueError, match="columns under 'Low' of table 'x' must stand together"):
        Table("x", "X", pd.DataFrame({"a": ["1"], "b": ["2"], "c": ["3"]}), {"Low": ["a", "c"]})
