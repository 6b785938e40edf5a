"""Tables to bytes: the same content, the same file."""

import csv
import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data.tables import armed, csv_bytes, defused, frame_csv, write_tables

TEXTS = st.text("=+-@'\t\r\n ,\"＝＋１1.eE5x", max_size=8) | st.text(max_size=12)


def test_bytes(tmp_path):
    table = pd.DataFrame({"USUBJID": ["S-1", "S-2"], "AETERM": ["腹水", None], "AESEQ": [1, 2]})
    write_tables({"AE": table}, tmp_path / "new" / "folder")
    written = (tmp_path / "new" / "folder" / "ae.csv").read_bytes()
    assert written == "USUBJID,AETERM,AESEQ\nS-1,腹水,1\nS-2,,2\n".encode()


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


def test_a_table_for_people():
    frame = pd.DataFrame({"=a": ["=1", None], "n": [1, 2], "x": [0.5, float("nan")], "=b": [True, False]})
    assert frame_csv(frame) == b"'=a,n,x,'=b\n'=1,1,0.5,True\n,2,,False\n"
