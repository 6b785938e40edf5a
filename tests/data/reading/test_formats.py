"""Reading: every format and encoding gives the same tables, and what cannot be read for certain is refused."""

import re
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from esld.data.declared import Reading
from esld.data.sdtm import Tables, read_tables
from esld.data.tables import write_tables
from esld.errors import InputError

EXAMPLE = Path(__file__).parents[3] / "esld" / "data" / "examples" / "demo"


@pytest.fixture(scope="module")
def tables() -> Tables:
    return read_tables(EXAMPLE)


def assert_same(got: Tables, expected: Tables) -> None:
    assert set(got) == set(expected)
    for name, table in expected.items():
        pd.testing.assert_frame_equal(got[name], table)


def as_cell(column: str, text: str | None) -> Any:
    """What a person's Excel holds for a text: real dates, floats for numbers, text for ids."""
    if text is None or column.endswith(("ID", "LOT")):
        return text
    try:
        return date.fromisoformat(text) if column.endswith("DTC") else float(text)
    except ValueError:
        return text


def plain(text: str) -> str:
    return re.sub(r"(\.\d*?)0+$", r"\1", text).rstrip(".") if re.fullmatch(r"\d+\.\d+", text) else text


def write_workbook(tables: Tables, path: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    for name, table in tables.items():
        sheet = book.create_sheet(name.lower())
        sheet.append(list(table.columns))
        for row in table.itertuples(index=False):
            sheet.append([as_cell(c, v) for c, v in zip(table.columns, row, strict=True)])
    book.create_sheet("Notes").append(["not", "a", "domain"])
    book.save(path)


def sheet_of(tmp_path: Path, *rows: list[Any], name: str = "DM") -> Path:
    book = openpyxl.Workbook()
    book.active.title = name
    for row in rows:
        book.active.append(row)
    path = tmp_path / "export.xlsx"
    book.save(path)
    return path


def csv_of(tmp_path: Path, content: str | bytes, name: str = "dm.csv") -> Path:
    raw = content if isinstance(content, bytes) else content.encode()
    (tmp_path / name).write_bytes(raw)
    return tmp_path


def refusal(path: Path, **how: Any) -> str:
    with pytest.raises(InputError) as caught:
        read_tables(path, Reading(**how))
    message = str(caught.value)
    assert "\n" not in message
    return message


class TestOneContentManyFormats:
    def test_the_example_is_worth_the_test(self, tables):
        assert tables["AE"]["AETERM"].str.contains("[\u4e00-\u9fff]").any()
        assert tables["DM"]["SUBJID"].str.startswith("0").all()
        assert tables["MH"]["MHSTDTC"].str.len().lt(10).any()

    @pytest.mark.parametrize(
        ("encoding", "reported"), [("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8"), ("gb18030", "GB18030")]
    )
    def test_csv_in_any_known_encoding(self, tmp_path, tables, encoding, reported):
        for path in EXAMPLE.glob("*.csv"):
            (tmp_path / path.name).write_bytes(path.read_bytes().decode().encode(encoding))
        got = read_tables(tmp_path)
        assert_same(got, tables)
        assert got["AE"].attrs == {"file": "ae.csv", "encoding": reported}

    def test_excel_with_real_dates_numbers_and_ids(self, tmp_path, tables):
        tables = {name: table.head(100) for name, table in tables.items()}
        write_workbook(tables, tmp_path / "export.xlsx")
        got = read_tables(tmp_path / "export.xlsx")
        # a number has lost the zeros at its end, "135.0" is 135, and nothing else
        assert_same(got, {name: table.map(plain, na_action="ignore") for name, table in tables.items()})
        assert got["LB"].attrs == {"file": "export.xlsx, sheet lb", "encoding": "Excel"}

    def test_what_was_written_is_what_is_read(self, tmp_path, tables):
        write_tables(tables, tmp_path)
        assert_same(read_tables(tmp_path), tables)

    def test_windows_line_ends(self, tmp_path, tables):
        for path in EXAMPLE.glob("*.csv"):
            (tmp_path / path.name.upper()).write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        assert_same(read_tables(tmp_path), tables)


class TestCsv:
    def test_all_is_text_trimmed_and_empty_is_missing(self, tmp_path):
        csv_of(tmp_path, 'usubjid , Subjid,SITEID,X\n S-1,007,NA,""\nS-2,  ,5.0,"a, ""b""\nc"\n')
        table = read_tables(tmp_path)["DM"]
        assert list(table.columns) == ["USUBJID", "SUBJID", "SITEID", "X"]
        assert table.to_numpy().tolist() == [["S-1", "007", "NA", None], ["S-2", None, "5.0", 'a, "b"\nc']]

    def test_blank_rows_are_left_out_and_rows_keep_their_number(self, tmp_path):
        csv_of(tmp_path, "USUBJID,AGE\n\nS-1,5\n,\n , \nS-2,6\n\n")
        table = read_tables(tmp_path)["DM"]
        assert table["USUBJID"].tolist() == ["S-1", "S-2"]
        assert (table.index + 2).tolist() == [3, 6]

    def test_padding_beyond_the_header_is_no_column(self, tmp_path):
        csv_of(tmp_path, "USUBJID,,AGE,,\nS-1,,5,,\nS-2,,6\n")
        assert read_tables(tmp_path)["DM"].to_dict("list") == {"USUBJID": ["S-1", "S-2"], "AGE": ["5", "6"]}

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (
                "USUBJID,AGE\nS-1,5\nS-2\n",
                "row must fit its header of 2 columns, got 1 cells (dm.csv, row 3)",
            ),
            ("USUBJID,AGE\nS-1,5,x\n", "row must fit its header of 2 columns, got 3 cells (dm.csv, row 2)"),
            ("USUBJID,AGE\n\n\nS-1,5,x\n", "got 3 cells (dm.csv, row 4)"),
            ("USUBJID,AGE,\nS-1,5,x\n", "row must fit its header of 2 columns, got 3 cells (dm.csv, row 2)"),
            ("USUBJID,,AGE\nS-1,x,5\n", "row must fit its header of 3 columns, got 3 cells (dm.csv, row 2)"),
            ("USUBJID,AGE,Age\nS-1,5,5\n", "column AGE must stand once (dm.csv)"),
            (
                'USUBJID,AGE\n"S-1,5\n',
                "dm.csv must be a comma-separated table: unexpected end of data (line 2)",
            ),
            ('USUBJID,AGE\n"S"-1,5\n', "dm.csv must be a comma-separated table: "),
            ("", "DM table must have a header row, got none (dm.csv)"),
            ("\ufeff", "DM table must have a header row, got none (dm.csv)"),
            ("USUBJID,AGE\n", "DM table must have rows, got none (dm.csv)"),
            ("USUBJID,AGE\n\n,\n", "DM table must have rows, got none (dm.csv)"),
        ],
    )
    def test_torn_tables_are_refused(self, tmp_path, content, words):
        assert words in refusal(csv_of(tmp_path, content))


class TestEncoding:
    HEADER = "USUBJID,DTHCAUS\n"

    @pytest.mark.parametrize(
        "raw",
        [
            pytest.param((HEADER + "S-1,x\n").encode("utf-16"), id="UTF-16 with its mark"),
            pytest.param((HEADER + "S-1,x\n").encode("utf-16-le"), id="UTF-16 without"),
            pytest.param((HEADER + "S-1,腹水\n").encode("utf-16-be"), id="UTF-16 of Chinese"),
            pytest.param((HEADER + "S-1,x\n").encode("utf-32"), id="UTF-32"),
            pytest.param((HEADER + "S-1,Hépatite à virus né\n").encode("latin-1"), id="Latin-1"),
            pytest.param(HEADER.encode() + b"S-1,\xff\xfe\xfa\n", id="no text at all"),
            pytest.param(HEADER.encode() + b"S-1,\xaa\xa1\n", id="private use in GB18030"),
        ],
    )
    def test_anything_else_is_refused_not_guessed(self, tmp_path, raw):
        message = refusal(csv_of(tmp_path, raw))
        assert message.startswith("dm.csv must be encoded as UTF-8 or GB18030. Save it as UTF-8")
        assert ("state its encoding: 'encoding: cp1252' in the cut file" in message) == (b"\x00" not in raw)

    @pytest.mark.parametrize(
        ("text", "what"),
        [
            ("S-1,\ufffd\n", "the mark of a letter that was lost (U+FFFD)"),
            # twice U+FFFD in UTF-8 is also valid GB18030, of three Chinese letters that nobody wrote
            ("S-1,\ufffd\ufffd\n", "the mark of a letter that was lost (U+FFFD)"),
            ("S-1,a\x00b\n", "a NUL character"),
        ],
    )
    def test_a_character_that_nobody_wrote_is_told_with_its_row(self, tmp_path, text, what):
        message = refusal(csv_of(tmp_path, (self.HEADER + text).encode()))
        assert message == f"dm.csv must hold whole text, got {what} (row 2). Export it again."

    def test_private_use_is_text_in_utf_8(self, tmp_path):
        csv_of(tmp_path, "USUBJID\nS-\ue000\n")
        assert read_tables(tmp_path)["DM"]["USUBJID"][0] == "S-\ue000"

    def test_four_byte_letters_of_gb18030(self, tmp_path):
        csv_of(tmp_path, "USUBJID\n㐀𠀀—€\n".encode("gb18030"))
        assert read_tables(tmp_path, Reading(encoding="gb18030"))["DM"]["USUBJID"][0] == "㐀𠀀—€"
        assert "must be encoded as UTF-8 or GB18030" in refusal(
            tmp_path
        )  # rare enough to be another encoding's


class TestExcel:
    def test_each_kind_of_cell(self, tmp_path):
        cells = [
            (" S-1 ", "S-1"),
            ("007", "007"),
            (7, "7"),
            (7.0, "7"),
            (34.2, "34.2"),
            (0.1 + 0.2, "0.3"),  # Excel keeps 15 digits
            (1e-7, "1e-07"),
            (True, "TRUE"),
            (date(2025, 3, 14), "2025-03-14"),
            (datetime(2025, 3, 14), "2025-03-14"),
            (datetime(2025, 3, 14, 9, 30), "2025-03-14T09:30"),
            ("2025-03", "2025-03"),
            ("", None),
            ("  ", None),
            (None, None),
        ]
        path = sheet_of(tmp_path, ["USUBJID", "X"], *(["S", cell] for cell, _ in cells))
        assert read_tables(path)["DM"]["X"].tolist() == [text for _, text in cells]

    def test_short_and_blank_rows(self, tmp_path):
        path = sheet_of(tmp_path, ["USUBJID", "AGE", None], ["S-1"], [None, " "], ["S-2", 6])
        table = read_tables(path)["DM"]
        assert table.to_numpy().tolist() == [["S-1", None], ["S-2", "6"]]
        assert (table.index + 2).tolist() == [2, 4]

    def test_cells_beyond_the_header_are_refused(self, tmp_path):
        path = sheet_of(tmp_path, ["USUBJID"], ["S-1", "x"])
        assert "every row must fit its header of 1 columns" in refusal(path)

    def test_sheet_names_in_any_case_with_spaces(self, tmp_path):
        assert set(read_tables(sheet_of(tmp_path, ["USUBJID"], ["S-1"], name=" dm "))) == {"DM"}

    def test_an_empty_sheet(self, tmp_path):
        assert "DM table must have a header row, got none (export.xlsx, sheet DM)" in refusal(
            sheet_of(tmp_path)
        )

    def test_a_workbook_that_understates_its_size_is_read_whole(self, tmp_path):
        path = sheet_of(tmp_path, ["USUBJID", "AGE"], ["S-1", 5], ["S-2", 6])
        lying = tmp_path / "lying.xlsx"
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(lying, "w") as new:
            for item in old.namelist():
                content = old.read(item)
                assert item != "xl/worksheets/sheet1.xml" or b'ref="A1:B3"' in content
                new.writestr(item, content.replace(b'ref="A1:B3"', b'ref="A1"'))
        assert_same(read_tables(lying), read_tables(path))

    @pytest.mark.parametrize("damage", ["not a zip", "no workbook", "cut short", "broken xml"])
    def test_damaged_workbooks(self, tmp_path, damage):
        path = sheet_of(tmp_path, ["USUBJID"], ["S-1"])
        bad = tmp_path / "bad.xlsx"
        if damage == "not a zip":
            bad.write_bytes(b"PK, but no more")
        elif damage == "cut short":
            bad.write_bytes(path.read_bytes()[:-200])
        else:
            with zipfile.ZipFile(path) as old, zipfile.ZipFile(bad, "w") as new:
                for item in old.namelist():
                    content = old.read(item)
                    if damage == "no workbook" and item == "xl/workbook.xml":
                        continue
                    new.writestr(item, content[: len(content) // 2] if "sheet1" in item else content)
        assert refusal(bad) == "bad.xlsx must be an Excel workbook (.xlsx). Save it as .xlsx."
