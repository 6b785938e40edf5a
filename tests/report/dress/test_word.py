"""A table in Word is read back with python-docx and set against its HTML and CSV."""

import pandas as pd
import pytest
from docx import Document
from docx.oxml.ns import qn
from docx.table import Table as ReadTable
from hypothesis import given
from hypothesis import strategies as st

from esld.report.cells import Empty, NotEstimable, Number
from esld.report.dress import word as word_table
from esld.report.tables import Table
from tests.report.builders import cells, computed
from tests.report.conftest import CUTS

ROOM, ACROSS = 9806, 14738
FRAME = pd.DataFrame(
    {
        "Block": ["A & B", "A & B", "C"],
        "Visit": ["Week 1", "Week <4>", "Week 1"],
        "LOW.n": [Number(10), Number(9), Empty()],
        "LOW.mean": [Number(0.85, 2), Number(12), NotEstimable()],
        "Words": ["a", "1 b", "2026-03-31"],
    }
)
TABLE = Table("t", "Title & <i>", FRAME, {"Low dose": ["LOW.n", "LOW.mean"]}, ("Note.",), "Block")


def element(table: Table, size: float = 8.5):
    widths = word_table.column_widths(table, 10 * ROOM, size)
    assert widths is not None
    return word_table.table_element(table, widths, size)


def read(table: Table) -> ReadTable:
    document = Document()
    document.element.body.insert_element_before(element(table), "w:sectPr")
    return document.tables[0]


def body(table: Table) -> list[list[str]]:
    """Rows as Word shows them, the heading of their block first."""
    rows, heading = [], None
    for row in read(table)._tbl.tr_lst:
        if row.trPr.find(qn("w:tblHeader")) is not None:
            continue
        texts = ["".join(t.text for t in cell.iter(qn("w:t"))) for cell in row.tc_lst]
        if len(texts) == 1 and len(table.columns) > 2:
            heading = texts[0]
        else:
            rows.append(texts if table.group is None else [str(heading), *texts])
    return rows


def heads(table: Table) -> list[list[tuple[str, int]]]:
    """Text and breadth of the cells of each row of headings."""
    rows = (r for r in read(table)._tbl.tr_lst if r.trPr.find(qn("w:tblHeader")) is not None)
    return [[("".join(t.text for t in c.iter(qn("w:t"))), c.grid_span) for c in r.tc_lst] for r in rows]


def test_word_html_and_csv_hold_the_same_cells():
    texts = [
        ["A & B", "Week 1", "10", "0.85", "a"], ["A & B", "Week <4>", "9", "12", "1 b"], ["C", "Week 1", "", "NE", "2026-03-31"],
    ]  # fmt: skip
    assert body(TABLE) == cells(TABLE) == computed(TABLE) == texts


@pytest.mark.parametrize("cut", CUTS)
def test_every_table_of_an_example_is_the_same_in_word_html_and_csv(tables, cut):
    for table in tables(cut):
        assert body(table) == cells(table) == computed(table), table.id


@pytest.mark.parametrize("cut", CUTS)
def test_every_table_of_an_example_fits_on_a_page(tables, cut):
    for table in tables(cut):
        assert any(word_table.column_widths(table, room, 7.5) for room in (ROOM, ACROSS)), table.id


def test_common_headings_span_their_columns_and_are_not_repeated_below():
    upper, lower = heads(TABLE)
    assert upper == [("Visit", 1), ("Low dose", 2), ("Words", 1)]
    assert lower == [("", 1), ("n", 1), ("mean", 1), ("", 1)]
    merges = [c.vMerge for row in read(TABLE)._tbl.tr_lst[:2] for c in row.tc_lst]
    assert merges == ["restart", None, "restart", "continue", None, None, "continue"]


def test_without_common_headings_there_is_one_row_of_them():
    assert heads(Table("t", "T", FRAME[["Visit", "Words"]])) == [[("Visit", 1), ("Words", 1)]]


def test_a_number_of_patients_is_not_parted_from_its_sign():
    (row,) = heads(Table("t", "T", pd.DataFrame({"a": ["x"], "Low dose (n = 11)": ["1 (95 % CI)"]})))
    assert row[1][0] == "Low dose (n\u00a0=\u00a011)"


def test_headings_are_repeated_and_no_row_is_parted():
    rows = read(TABLE)._tbl.tr_lst
    assert [r.trPr.find(qn("w:tblHeader")) is not None for r in rows] == [True] * 2 + [False] * 5
    assert all(r.trPr.find(qn("w:cantSplit")) is not None for r in rows)


def test_there_are_no_vertical_rules():
    rules = {
        rule.tag
        for name in ("w:tblBorders", "w:tcBorders")
        for b in element(TABLE).iter(qn(name))
        for rule in b
    }
    assert rules == {qn("w:top"), qn("w:bottom"), qn("w:insideH")}


def test_numbers_stand_at_their_decimal_point_or_right_and_words_left():
    rows = read(TABLE)._tbl.tr_lst
    visit, count, mean, words = (c.p_lst[0].pPr for c in rows[3].tc_lst)
    assert (visit.jc_val, count.jc_val, mean.jc_val, words.jc_val) == (None, 2, None, None)
    (stop,) = mean.tabs
    assert (str(stop.val), visit.tabs, count.tabs) == ("DECIMAL (3)", None, None)
    width = rows[3].tc_lst[2].width.twips
    assert 0.85 * 8.5 * 20 < width - 140 - stop.pos.twips < 2 * 8.5 * 20  # ".85" is about 1.3 ems wide
    assert stop.pos.twips > 2 * 0.5 * 8.5 * 20  # "12" stands before the point


def kept(table: Table) -> list[bool]:
    return [r.tc_lst[-1].p_lst[0].pPr.find(qn("w:keepNext")) is not None for r in read(table)._tbl.tr_lst]


@pytest.mark.parametrize("notes", [(), ("Note.",)])
def test_a_short_table_stays_on_one_page_a_long_one_keeps_its_ends(notes):
    short, long = (pd.DataFrame({"a": ["x"] * n, "b": ["y"] * n}) for n in (14, 20))
    assert kept(Table("t", "T", short, footnotes=notes)) == [True] * 14 + [bool(notes)]
    assert kept(Table("t", "T", long, footnotes=notes)) == [True, True, *[False] * 17, True, bool(notes)]


def test_control_characters_do_not_make_the_file_unreadable():
    table = Table("t", "T\x0b", pd.DataFrame({"a": ["x\x00y", "\ud800", "肝硬化"], "b\x01": ["1", "2", "3"]}))
    assert [row[0] for row in body(table)] == ["x\ufffdy", "\ufffd", "肝硬化"]


def test_a_smaller_size_is_written_and_the_usual_one_left_to_the_style():
    assert {s.val.pt for s in element(TABLE, 7.5).iter(qn("w:sz"))} == {7.5}
    assert list(element(TABLE).iter(qn("w:rPr"))) == []


def test_the_title_is_there_for_those_who_do_not_see_the_table():
    assert element(TABLE).find(f".//{qn('w:tblCaption')}").get(qn("w:val")) == "Title & <i>"


WORDS = st.text("abc -1.\u2212", min_size=1, max_size=40)


@given(
    st.lists(st.lists(WORDS, min_size=3, max_size=3), min_size=1, max_size=5),
    st.integers(400, 20000),
)
def test_columns_fill_no_more_than_the_room(rows, room):
    table = Table("t", "T", pd.DataFrame(rows, columns=["One", "Two words", "Three: x"]))
    widths = word_table.column_widths(table, room, 8.5)
    if widths is None:
        widths = word_table.squeezed_widths(table, room, 8.5)
        assert word_table.column_widths(table, room + 20000, 8.5) is not None
    assert sum(widths.values()) <= room
    assert min(widths.values()) > 0


def test_numbers_are_never_narrower_than_they_are_long():
    """Nine digits of half an em at 8.5 points are 765 twips; a sentence gives way to them."""
    long = " ".join(["word"] * 200)
    table = Table("t", "T", [{"a": long, "b": Number(123456789)}])
    widths = word_table.column_widths(table, 4000, 8.5)
    assert widths["b"] > 765
    assert 3990 < sum(widths.values()) <= 4000


def test_a_short_heading_stands_on_one_line_and_a_long_one_on_two():
    """Letters of about half an em at 8.5 points are 85 twips: 8 of them 680, 27 of them 2295; a cell adds 160."""
    frame = pd.DataFrame({"a": ["x"], "Low dose": [Number(1)], "Largest relative difference": [Number(1)]})
    widths = word_table.column_widths(Table("t", "T", frame), ROOM, 8.5)
    assert widths["Low dose"] > 680 + 160 - 60
    assert 2295 / 2 < widths["Largest relative difference"] < 2295 / 2 + 500


def test_one_long_word_fits_nowhere():
    table = Table("t", "T", pd.DataFrame({"a": ["x" * 200], "b": ["1"]}))
    assert word_table.column_widths(table, ROOM, 8.5) is None


def test_a_chinese_character_is_as_wide_as_two_letters():
    """Twelve of them at 8.5 points fill 12 x 8.5 x 20 = 2040 twips."""
    table = Table("t", "T", pd.DataFrame({"a": ["肝" * 12], "b": ["1"]}))
    assert word_table.column_widths(table, ROOM, 8.5)["a"] >= 2040


def test_the_table_is_not_modified():
    before = FRAME.copy()
    element(TABLE)
    pd.testing.assert_frame_equal(FRAME, before)


ARIAL = {  # thousandths of the size, by Adobe's metrics of Helvetica, which Arial and Liberation Sans have as well
    **dict.fromkeys("0123456789", 556),
    **dict.fromkeys(".,:;/ ", 278),
    **dict.fromkeys("()-", 333),
    **dict.fromkeys("\N{MINUS SIGN}+<>=", 584),
    **{"%": 889, "t": 278, "o": 556, "n": 556, "N": 722, "E": 667},
}


@given(st.text(st.sampled_from(sorted(ARIAL)), min_size=1, max_size=30))
def test_no_number_is_reckoned_narrower_than_the_font_sets_it(text):
    """Else a column is too narrow for it, and a line ends inside: "0.8 | 9"."""
    assert 1000 * word_table._ems(text) >= sum(ARIAL[c] for c in text)


def test_a_column_is_never_narrower_than_a_date_or_a_number_of_a_patient():
    words = "a sentence of many words that could go on and on, and would take all the room that there is"
    lines = [
        {"Patient": f"NCT06167473-{n:03}", "Date": "2024-06-01", "Words": words, "More": words}
        for n in range(3)
    ]
    widths = word_table.column_widths(Table("t", "T", lines), 6000, 8.5)
    assert widths is not None
    least = {key: word_table._twips(word_table._ems(lines[0][key]), 8.5) for key in ("Patient", "Date")}
    assert all(widths[key] >= least[key] for key in least)
