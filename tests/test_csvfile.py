"""Rows to CSV and back; what a spreadsheet would calculate is shown; and nobody writes CSV by himself."""

import ast
import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import esld
from esld.csvfile import armed, csv_bytes, defused

PACKAGE = Path(esld.__file__).parent
TEXTS = st.text("=+-@'\t\r\n ,\"＝＋１1.eE5x", max_size=8) | st.text(max_size=12)


@given(TEXTS)
def test_no_text_is_calculated_and_none_is_lost(text):
    shown = defused(text)
    assert armed(shown) == text
    begins = shown.lstrip().startswith(tuple("=+-@＝＋－＠"))
    assert not begins or shown in "+-" or float(shown) == float(text)


@given(st.lists(TEXTS, min_size=2, max_size=2, unique=True))
def test_two_texts_stay_two(texts):
    assert defused(texts[0]) != defused(texts[1])


@pytest.mark.parametrize(
    "text", ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", " =1", "＝1", "--5"]
)
def test_what_a_spreadsheet_would_calculate_has_an_apostrophe(text):
    assert defused(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-1.5", "+3", ".5", "1e-5", "-", "", "'quoted'", "a=b", "−2", "<5"])
def test_other_texts_are_as_they_were(text):
    assert defused(text) == text


@given(st.lists(st.lists(TEXTS.filter(lambda text: "\0" not in text), min_size=2, max_size=2), max_size=4))
def test_rows_are_read_back(rows):
    for to_open, undo in ((True, armed), (False, str)):
        text = csv_bytes(rows, to_open=to_open).decode()
        assert [[undo(cell) for cell in row] for row in csv.reader(io.StringIO(text, newline=""))] == rows


# Whose frames are written by pandas, which makes no text harmless: data that programs read back, and what is only hashed.
FRAMES = {"data/tables.py", "pipeline/provenance.py"}


def test_nobody_else_writes_csv():
    """The writer of the standard library is used nowhere, and that of frames where a program reads what it wrote."""
    own, frames = set(), set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if {"writer", "DictWriter"} & {getattr(node, name, "") for name in ("attr", "name", "id")}:
                own.add(path.relative_to(PACKAGE).as_posix())
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "attr", "") == "to_csv"
                and (node.args or node.keywords)
            ):
                frames.add(path.relative_to(PACKAGE).as_posix())
    assert own == set()
    assert frames == FRAMES
