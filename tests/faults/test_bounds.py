"""What is made to exhaust or to confuse a reader is one line: in each file that people write, and in tables."""

import time
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data.cutfile import read_cut
from esld.data.mapping.model import read_mapping
from esld.data.overrides import read_overrides
from esld.data.queries.answers import read_answers
from esld.data.reading import excel
from esld.data.reading.personal import identifying
from esld.data.reading.table import of_rows
from esld.data.sdtm import read_tables
from esld.errors import InputError
from esld.protocol import read_protocol
from tests.data.spoilt import cut_of
from tests.examples import few

READERS = {
    "cut": read_cut,
    "protocol": read_protocol,
    "mapping": read_mapping,
    "overrides": read_overrides,
    "queries": read_answers,
}
BOMB = "a: &a [1, 1]\n" + "".join(
    f"b{i}: &b{i} [*{p}, *{p}]\n" for i, p in enumerate(["a", *(f"b{j}" for j in range(39))])
)
TEXTS = {
    "tag": ("a: !!int abc", "is not allowed"),
    "time": ("a: !!timestamp 2026-13-40", "is not allowed"),
    "digits": (f"a: {'9' * 4300}", "4300 digits"),
    "depth": (f"a: {'[' * 60}{']' * 60}", "nested more than 40 levels"),
    "aliases": (BOMB, "aliases counted"),
    "NUL": ('a: "\\0"', "U+0000"),
    "surrogate": ('a: "\\ud800"', "U+D800"),
}


def line(read, *arguments) -> str:
    with pytest.raises(InputError) as caught:
        read(*arguments)
    [told] = str(caught.value).splitlines()
    return told


@pytest.mark.parametrize("file", READERS)
@pytest.mark.parametrize("what", TEXTS)
def test_each_file_that_people_write_refuses_it(tmp_path, file, what):
    content, words = TEXTS[what]
    path = tmp_path / "x.yaml"
    path.write_text(content, encoding="utf-8")
    assert words in line(READERS[file], path)


@pytest.mark.parametrize("file", READERS)
@pytest.mark.parametrize(
    "name", ["x" * 300, "a\0b", "a\ud800", "y/" * 3000], ids=["long", "NUL", "surrogate", "deep"]
)
def test_a_name_that_no_file_can_have(tmp_path, file, name):
    told = line(READERS[file], tmp_path / name)
    assert len(told) < 300 + len(str(tmp_path))
    told.encode()


@pytest.mark.parametrize(
    "key",
    ["data", "protocol", "mapping", "overrides", "answers", "pseudonyms", "previous", "previous_results"],
)
@pytest.mark.parametrize("name", ["x" * 300, "腹" * 90, "y/" * 3000], ids=["long", "in bytes", "deep"])
def test_a_cut_names_no_such_file(tmp_path, key, name):
    with pytest.raises(InputError, match="must be a path of at most") as caught:
        if key == "protocol":  # the helper writes it
            path = tmp_path / "x.yaml"
            path.write_text(f"protocol: {name}\n", encoding="utf-8")
            read_cut(path)
        cut_of(tmp_path, **({"data": "x"} | {key: name}))
    assert f"key '{key}'" in str(caught.value)


@pytest.mark.parametrize("day", ["1899-12-31", "1678-01-01", "2201-01-01", "9999-12-31", "0001-01-01"])
@pytest.mark.parametrize("key", ["cutoff", "snapshot"])
def test_a_cut_of_another_age(tmp_path, key, day):
    with pytest.raises(InputError, match=f"key '{key}' must be a calendar day"):
        cut_of(tmp_path, "x", **{key: day})


def book(path: Path, more: bytes) -> Path:
    """A workbook of one patient whose age is a long text."""
    made = openpyxl.Workbook()
    made.active.title = "DM"
    for row in (["STUDYID", "USUBJID", "AGE"], ["S", "1", "MARK"]):
        made.active.append(row)
    made.save(path.with_suffix(".tmp.xlsx"))
    with (
        zipfile.ZipFile(path.with_suffix(".tmp.xlsx")) as old,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"MARK", more))
    return path


def test_a_workbook_that_is_more_than_it_seems(tmp_path, monkeypatch):
    monkeypatch.setattr(excel, "_UNPACKED", 1_000_000)
    path = book(tmp_path / "x.xlsx", b"x" * 2_000_000)
    assert path.stat().st_size < 10_000
    assert "must hold at most 1,000,000 bytes once it is unpacked" in line(read_tables, path)


def test_a_cell_that_is_a_book():
    told = line(of_rows, [["USUBJID", "AGE"], ["1", "x" * 131_073]], "dm.csv", "UTF-8")
    assert told == "column AGE must hold cells of at most 131,072 characters (dm.csv). Export it again."


# What each pattern of personal data begins with and may go on with for long.
PIECES = [
    "x",
    "@",
    "a@",
    "a.",
    "b-",
    "1",
    "1-",
    "+1 ",
    " ",
    "patient name ",
    "date of birth ",
    "Mr ",
    "1 Abc ",
    "中",
    "姓名",
]


@few(20)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=3))
def test_however_long_a_text_is_it_is_searched_in_no_time(pieces):
    """What takes the square of the length takes a minute here."""
    text = "".join(piece * (40_000 // len(piece)) for piece in pieces)
    began = time.process_time()
    identifying("AETERM", pd.Series([text], dtype=object))
    assert time.process_time() - began < 5
