"""Scores of a file: formats, what passes through, what is refused, and that nothing is half written."""

import csv
import datetime
import zipfile
from decimal import Decimal

import numpy as np
import openpyxl
import openpyxl.chart
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld import scoring
from esld.csvfile import csv_bytes, defused
from esld.data.declared import Reading
from esld.data.score_file import _READERS, REPORT_SHEET, SHEET, report_frame, report_text, score_file
from esld.data.workbook import xlsx_bytes
from esld.errors import InputError, RefusedError
from esld.identifying import HIDDEN
from esld.scoring.table import input_name, is_input
from tests.examples import few

CSV = """\
id,site,visit,Bilirubin_umol_L,creatinine_mg_dl,inr,comment
007,NA,2025-01-02,34,1.0,1.20,"well, so far"
008,北京,,<5,2,1.5,
009,,2025-03-04,,0,2,NA
"""


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text(CSV, encoding="utf-8")
    return path


def expected():
    return scoring.meld(bilirubin_umol_l=34, creatinine_mg_dl=1.0, inr=1.2)


class TestDeclared:
    """The keys of a cut file are options here: what is written is the input as it came."""

    TEXT = "id;bilirubin_mg_dl;inr;creatinine_mg_dl;site\n007;3,2;1,8;1,4;Zürich\n008;-999;1,8;1,4;Bern\n"
    HOW = Reading(encoding="cp1252", separator=";", decimal=",", missing=["-999"])

    def test_a_csv_of_excel_in_europe(self, tmp_path):
        (tmp_path / "t.csv").write_bytes(self.TEXT.encode("cp1252"))
        for suffix in ("csv", "xlsx", "parquet"):
            scored = score_file(tmp_path / "t.csv", tmp_path / f"out.{suffix}", how=self.HOW)
            assert scored.table["meld"].notna().tolist() == [True, False]
            assert scored.table["bilirubin_mg_dl"].tolist() == ["3,2", "-999"]
            assert scored.bad_values.empty
        assert (
            (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()[1].startswith('007,"3,2","1,8"')
        )
        (tmp_path / "plain.csv").write_text(
            self.TEXT.replace(",", ".").replace(";", ",").replace("-999", ""), encoding="utf-8"
        )
        plain = score_file(tmp_path / "plain.csv", tmp_path / "o.csv")
        pd.testing.assert_series_equal(plain.table["meld"], scored.table["meld"])

    def test_missing_words_of_a_workbook_are_its_numbers_too(self, tmp_path):
        frame = pd.DataFrame(
            {"bilirubin_mg_dl": [3.2, -999], "inr": [1.8, 1.8], "creatinine_mg_dl": [1.4, 1.4]}
        )
        for suffix, write in {"xlsx": frame.to_excel, "parquet": frame.to_parquet}.items():
            write(tmp_path / f"t.{suffix}", index=False)
            scored = score_file(tmp_path / f"t.{suffix}", tmp_path / f"o.{suffix}", how=self.HOW)
            assert scored.table["meld"].notna().tolist() == [True, False]

    def test_a_point_beside_a_declared_comma_is_refused(self, tmp_path):
        (tmp_path / "t.csv").write_bytes(self.TEXT.replace("3,2", "1.234").encode("cp1252"))
        with pytest.raises(
            InputError, match=r"no point that may part thousands, got '1.234' \(t.csv, row 2\)"
        ):
            score_file(tmp_path / "t.csv", tmp_path / "o.csv", how=self.HOW)

    def test_undeclared_the_option_is_named(self, tmp_path):
        (tmp_path / "t.csv").write_bytes(self.TEXT.encode("cp1252"))
        with pytest.raises(InputError, match="--encoding"):
            score_file(tmp_path / "t.csv", tmp_path / "o.csv")
        (tmp_path / "t.csv").write_text(self.TEXT, encoding="utf-8")
        with pytest.raises(InputError, match="--separator"):
            score_file(tmp_path / "t.csv", tmp_path / "o.csv")


class TestFormats:
    def test_csv_what_came_in_is_written_to_the_letter(self, source, tmp_path):
        out = tmp_path / "out.csv"
        score_file(source, out)
        lines = out.read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith("id,site,visit,Bilirubin_umol_L,creatinine_mg_dl,inr,comment,meld,")
        assert lines[1].startswith('007,NA,2025-01-02,34,1.0,1.20,"well, so far",11.0,')
        assert lines[2].startswith("008,北京,,<5,2,1.5,,,")
        assert lines[3].startswith("009,,2025-03-04,,0,2,NA,,")

    def test_gb18030_and_bom(self, tmp_path):
        for encoding in ("gb18030", "utf-8-sig"):
            path = tmp_path / f"{encoding}.csv"
            # two letters alone could be Korean, too
            path.write_bytes(
                CSV.replace("北京", "北京协和医院、上海瑞金医院、乙型肝炎后肝硬化").encode(encoding)
            )
            scored = score_file(path, tmp_path / "out.csv")
            assert list(scored.table.columns[:2]) == ["id", "site"]
            assert scored.table["site"].tolist()[1] == "北京协和医院、上海瑞金医院、乙型肝炎后肝硬化"

    def test_excel_keeps_kinds_of_cells_and_has_the_report_beside(self, tmp_path):
        book = openpyxl.Workbook()
        day = datetime.datetime(2025, 1, 2)
        book.active.append(["id", "day", "bilirubin_umol_l", "creatinine_mg_dl", "inr", "site"])
        book.active.append(["007", day, 34, 1.0, 1.2, "NA"])
        book.active.append(["008", None, "<5", None, 1.5, None])
        book.create_sheet("other").append(["not", "read"])
        book.save(tmp_path / "in.xlsx")
        scored = score_file(tmp_path / "in.xlsx", tmp_path / "out.xlsx")
        assert scored.table["meld"].tolist()[0] == expected()
        out = openpyxl.load_workbook(tmp_path / "out.xlsx")
        assert out.sheetnames == [SHEET, REPORT_SHEET]
        row = [cell.value for cell in out[SHEET][2]]
        assert row[:6] == ["007", day, 34, 1.0, 1.2, "NA"]
        facts = [tuple(cell.value for cell in row) for row in out[REPORT_SHEET].iter_rows(min_row=2)]
        assert (
            "bad values",
            "bilirubin_umol_l",
            "1 not a positive finite number (first: '<5' in cell C3)",
        ) in facts
        assert ("not read", "sheets other", "the first sheet of cells is") in facts

    def test_parquet_has_numbers_where_all_are(self, source, tmp_path):
        score_file(source, tmp_path / "out.parquet")
        back = pd.read_parquet(tmp_path / "out.parquet")
        assert back["creatinine_mg_dl"].tolist() == [1.0, 2.0, 0.0]
        assert back["Bilirubin_umol_L"].tolist() == ["34", "<5", ""]
        assert back["id"].tolist() == ["007", "008", "009"]
        again = score_file_from(back.drop(columns=back.columns[7:]), tmp_path)
        np.testing.assert_array_equal(again.table["meld"], back["meld"])


def score_file_from(frame, tmp_path):
    frame.to_parquet(tmp_path / "again.parquet")
    return score_file(tmp_path / "again.parquet", tmp_path / "scored.csv")


def test_the_report_says_what_was_computed_assumed_bad_and_not_computed(source, tmp_path):
    text = report_text(score_file(source, tmp_path / "out.csv"), tmp_path / "out.csv")
    lines = text.splitlines()
    assert lines[0] == f"{tmp_path / 'out.csv'}: 3 rows, 6 score columns"
    described = {
        line.split()[0]: line.split(maxsplit=1)[1]
        for line in lines
        if line.startswith("  ") and " " in line.strip()
    }
    assert described["meld"] == (
        "1 rows, 0 with an input missing, 2 with a bad value; from bilirubin_umol_l, creatinine_mg_dl, inr; "
        "assumed dialysis: no"
    )
    assert described["meld_na"] == "no sodium_mmol_l"
    assert described["Bilirubin_umol_L"] == "1 not a positive finite number (first: '<5' in data row 2)"
    assert "  comment" in lines


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "parquet"])
def test_what_tells_who_a_patient_is_is_said_and_passed_on_and_not_quoted(tmp_path, suffix):
    path = tmp_path / f"in.{suffix}"
    frame = pd.DataFrame(
        {
            "name": ["x"],
            "note": ["zhang.san@example.com"],
            "phone of ward": [13812345678],
            "inr": ["手机13812345678"],
        }
    )
    frame = frame.assign(bilirubin_mg_dl=["2"], creatinine_mg_dl=["1"])
    {"csv": frame.to_csv, "xlsx": frame.to_excel, "parquet": frame.to_parquet}[suffix](path, index=False)
    scored = score_file(path, tmp_path / "out.csv")
    said = report_frame(scored)
    told = said[said["what"].eq("tells who a patient is")].set_index("subject")["detail"]
    assert list(told.index) == ["name", "note", "phone of ward"]
    assert told["note"] == "an e-mail address in 1 rows; passed on, and not repeated here"
    shown = said.to_csv() + scored.bad_values.to_csv() + report_text(scored, tmp_path / "out.csv")
    assert HIDDEN in shown and "13812345678" not in shown and "zhang" not in shown
    assert "zhang.san@example.com" in (tmp_path / "out.csv").read_text(encoding="utf-8")


REFUSED = {
    "kind": (
        "in.txt",
        "id,inr\n1,2\n",
        "must be a table of one of the kinds .csv, .xlsx, .parquet, got .txt",
    ),
    "separator": ("in.csv", "id;inr\n1;2\n", "in.csv must be separated by commas, got ';' (line 1)"),
    "no unit": (
        "in.csv",
        "bilirubin\n2\n",
        "got bilirubin: name it with its unit: bilirubin_mg_dl or bilirubin_umol_l",
    ),
    "long row": (
        "in.csv",
        "id,inr\n1,2,3\n",
        "every row must fit its header of 2 columns, got 3 cells (in.csv, line 2)",
    ),
    "no rows": ("in.csv", "id,inr\n", "in.csv must have a header and at least one row"),
    "short row": (
        "in.csv",
        "id,inr\n1\n",
        "every row must fit its header of 2 columns, got 1 cells (in.csv, line 2)",
    ),
    "nothing": ("in.csv", "", "in.csv must have a header and at least one row"),
    "a line for Excel": (
        "in.csv",
        "sep=,\nid,inr\n1,2\n",
        "must begin with its header, got sep= (line 1). Remove the line.",
    ),
    "twice": ("in.csv", "inr,inr\n1,2\n", "column inr must stand once (in.csv)"),
    "twice in effect": ("in.csv", "inr,INR\n1,2\n", "columns must have different names, got 'inr' and 'INR'"),
    "scored already": ("in.csv", "inr,ctcae_inr\n1,0\n", "in.csv must not hold its scores already"),
    "no workbook": ("in.xlsx", "id,inr\n1,2\n", "in.xlsx must be an Excel workbook"),
    "no parquet": ("in.parquet", "id,inr\n1,2\n", "in.parquet must be a Parquet file"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_mistake_is_one_line_and_writes_nothing(case, tmp_path):
    name, text, message = REFUSED[case]
    source, out = tmp_path / name, tmp_path / "out.csv"
    source.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        score_file(source, out)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_of_a_workbook_the_first_sheet_of_cells_is_read_and_of_charts_alone_nothing(tmp_path):
    book, out = openpyxl.Workbook(), tmp_path / "out.csv"
    book.create_chartsheet("Curve", 0).add_chart(openpyxl.chart.LineChart())
    for row in (["inr"], [1.5]):
        book.worksheets[0].append(row)
    book.save(tmp_path / "in.xlsx")
    assert "sheets Curve" in report_text(score_file(tmp_path / "in.xlsx", out), out)
    del book["Sheet"]
    book.save(tmp_path / "in.xlsx")
    with pytest.raises(InputError) as caught:
        score_file(tmp_path / "in.xlsx", out)
    line = "in.xlsx must hold a sheet of cells, got only charts. Put the table on a sheet."
    assert str(caught.value) == line


def test_paths_that_cannot_be(source, tmp_path):
    with pytest.raises(RefusedError, match="is part of what 'esld score' reads"):
        score_file(source, source)
    with pytest.raises(InputError, match="must lie in a folder that exists"):
        score_file(source, tmp_path / "none" / "out.csv")
    with pytest.raises(InputError, match="must be a file that exists"):
        score_file(tmp_path / "none.csv", tmp_path / "out.csv")
    (tmp_path / "taken.csv").mkdir()
    with pytest.raises(InputError, match="must be a file, got a folder"):
        score_file(source, tmp_path / "taken.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "taken.csv"]


def test_its_own_scores_are_written_again_and_nobody_else_s_table(source, tmp_path):
    out = tmp_path / "out.csv"
    for _ in range(2):
        score_file(source, out)
    out.write_text("corrected by hand", encoding="utf-8")
    with pytest.raises(RefusedError, match="is not what 'esld score' wrote there, or was changed since"):
        score_file(source, out)
    assert out.read_text(encoding="utf-8") == "corrected by hand"


def test_the_report_asks_about_units_and_says_what_was_not_needed(tmp_path):
    source = tmp_path / "in.csv"
    source.write_text(
        "bilirubin_mg_dl,creatinine_mg_dl,inr,dialysis,platelets_gi_l,albumin_g_l\n"
        "2,88,1.2,no,150000,35\n2,,1.2,yes,90,30\n",
        encoding="utf-8",
    )
    scored = score_file(source, tmp_path / "out.csv")
    text = report_text(scored, tmp_path / "out.csv")
    assert (
        "creatinine_mg_dl  1 outside 0.17 to 28.28 mg/dL (first: '88' in data row 1); plausible in umol/L or mg/L; "
        "computed as it stands"
    ) in text
    assert (
        "platelets_gi_l    1 outside 1 to 3000 10^9/L (first: '150000' in data row 1); plausible in /uL;"
        in text
    )
    assert "missing and not needed: creatinine_mg_dl (1 rows)" in text
    assert "platelets_10_9_l (of platelets_gi_l)" in text
    # what came in is written as it came
    assert (
        (tmp_path / "out.csv")
        .read_text(encoding="utf-8")
        .splitlines()[1]
        .startswith("2,88,1.2,no,150000,35,")
    )


class TestNothingElseChanges:
    """Cells that no score takes come out as they came in, whatever they look like."""

    # What a program that parses would spoil.
    TRAPS = (
        *(
            "330106199001011000",
            "330106199001011234",
            "007",
            "+86",
            "1E5",
            "1.10",
            "1,5",
            "1,234.50",
            "-0",
            "0x10",
            "١٢",
        ),
        *(
            "NA",
            "N/A",
            "nan",
            "NULL",
            "None",
            "TRUE",
            "f",
            "2025-01-02",
            "1/2",
            "=1+1",
            "#N/A",
            " x ",
            "\t",
            "a\nb",
            '"',
            "''",
        ),
    )
    CELLS = st.sampled_from(TRAPS) | st.text(
        st.characters(
            codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufeff\ufffd\ufffe\uffff"
        ),
        max_size=8,
    )
    HEADERS = st.lists(
        CELLS.filter(lambda name: not is_input(name)), min_size=1, max_size=3, unique_by=input_name
    )

    @few(10)
    @given(data=st.data(), headers=HEADERS, kind=st.sampled_from([".csv", ".xlsx"]))
    def test_text_of_a_csv(self, tmp_path_factory, data, headers, kind):
        folder = tmp_path_factory.mktemp("score")
        row = st.lists(self.CELLS, min_size=len(headers), max_size=len(headers))
        rows = data.draw(st.lists(row, min_size=1, max_size=3))
        columns = ["inr", *headers]
        content = csv_bytes([columns, *(["1.50", *row] for row in rows)], to_open=False)
        (folder / "in.csv").write_bytes(content)
        score_file(folder / "in.csv", folder / f"out{kind}")
        if kind == ".csv":
            with (folder / "out.csv").open(encoding="utf-8", newline="") as file:
                found = list(csv.reader(file))
        else:
            sheet = openpyxl.load_workbook(folder / "out.xlsx")[SHEET]
            found = [["" if c is None else c for c in line] for line in sheet.iter_rows(values_only=True)]
        came_out = (
            defused if kind == ".csv" else str
        )  # what begins as a formula does is written so that it stays text
        wanted = [[came_out(cell) for cell in line] for line in (headers, *rows)]
        assert [line[1 : len(columns)] for line in found] == wanted

    VALUES = st.one_of(
        st.none(),
        CELLS.filter(bool),
        st.booleans(),
        st.integers(-(10**18), 10**18),
        st.floats(allow_nan=False, allow_infinity=False),
        st.datetimes(datetime.datetime(1950, 1, 1), datetime.datetime(2100, 1, 1)).map(
            lambda t: t.replace(microsecond=0)
        ),
    )
    FORMATS = st.sampled_from(["General", "000000", "0.00", "0%", "#,##0.00", "@"])

    @few(10)
    @given(rows=st.lists(st.tuples(VALUES, FORMATS), min_size=1, max_size=4))
    def test_values_of_a_workbook(self, tmp_path_factory, rows):
        folder = tmp_path_factory.mktemp("score")
        sheets = {
            "Sheet1": pd.DataFrame({"inr": 1.5, "id": pd.Series([value for value, _ in rows], dtype=object)})
        }
        shown = {
            (n, 1): form for n, (value, form) in enumerate(rows) if not isinstance(value, datetime.datetime)
        }
        (folder / "in.xlsx").write_bytes(xlsx_bytes(sheets, {"Sheet1": shown}))
        score_file(folder / "in.xlsx", folder / "out.xlsx")
        books = (openpyxl.load_workbook(folder / name) for name in ("in.xlsx", "out.xlsx"))
        came, went = (
            [(cell.value, cell.number_format, cell.data_type) for cell in book.worksheets[0]["B"]]
            for book in books
        )
        assert [value for value, _, _ in came] == ["id", *(value for value, _ in rows)]
        assert went == came

    def test_columns_of_a_parquet_file(self, tmp_path):
        whole = [330106199001011234, None, 1]
        columns = {
            "inr": pa.array([1.5, None, 2.0]),
            "id": pa.array(whole, pa.int64()),
            "amount": pa.array([Decimal("1.10"), None, Decimal("2.00")]),
            "site": pa.array(["a", "b", "a"]).dictionary_encode(),
            "at": pa.array([datetime.datetime(2025, 1, 2, tzinfo=datetime.UTC), None, None]),
            "codes": pa.array([[1, 2], [], None]),
        }
        pq.write_table(pa.table(columns), tmp_path / "in.parquet")
        for kind in ("parquet", "csv", "xlsx"):
            score_file(tmp_path / "in.parquet", tmp_path / f"out.{kind}")
        back = pq.read_table(tmp_path / "out.parquet")
        assert back.select(list(columns)).equals(pa.table(columns))
        first = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()[1]
        assert first.startswith('1.5,330106199001011234,1.10,a,2025-01-02T00:00:00+00:00,"[1, 2]",')
        cells = [cell.value for cell in openpyxl.load_workbook(tmp_path / "out.xlsx")[SHEET][2]][:6]
        assert cells == [1.5, "330106199001011234", 1.1, "a", "2025-01-02T00:00:00+00:00", "[1, 2]"]

    def test_a_file_made_for_excel_goes_back_to_excel(self, tmp_path):
        for encoding, marked in (("utf-8-sig", True), ("gb18030", True), ("utf-8", False)):
            (tmp_path / "in.csv").write_bytes("inr,姓名\n1,王小明\n".encode(encoding))
            score_file(tmp_path / "in.csv", tmp_path / "out.csv")
            assert (tmp_path / "out.csv").read_bytes().startswith(b"\xef\xbb\xbf") == marked

    @pytest.mark.parametrize(
        ("cell", "told"),
        [("a\x0bb", "'\\x0b'"), ("a\r\nb", "'\\r'"), ("x" * 32768, "32768 characters")],
        ids=["control", "carriage return", "long"],
    )
    def test_what_a_workbook_cannot_hold_is_told(self, tmp_path, cell, told):
        (tmp_path / "in.csv").write_bytes(csv_bytes([["inr", "note"], ["1", cell]]))
        with pytest.raises(InputError, match="column note must hold what an Excel cell can") as caught:
            score_file(tmp_path / "in.csv", tmp_path / "out.xlsx")
        assert told in str(caught.value)
        score_file(tmp_path / "in.csv", tmp_path / "out.csv")
        with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
            assert list(csv.reader(file))[1][1] == cell


class TestWorkbooks:
    """What a workbook has lost, or does not say, is told with its cell."""

    def book(self, tmp_path, *rows):
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        return book, tmp_path / "in.xlsx"

    def remarks(self, book, path, target="out.csv"):
        book.save(path)
        scored = score_file(path, path.with_name(target))
        return [tuple(fact) for fact in report_frame(scored).itertuples(index=False)]

    def test_digits_that_excel_has_lost(self, tmp_path):
        """An identifier of 18 digits entered as a number."""
        book, path = self.book(tmp_path, ["id", "inr"], [3.3010619900101102e17, 1], ["330106199001011234", 2])
        facts = self.remarks(book, path)
        assert [f for f in facts if f[0] == "digits lost"] == [
            (
                "digits lost",
                "id",
                "A2; Excel keeps 15 digits of a number, the others are lost: enter it as text",
            )
        ]
        lines = path.with_name("out.csv").read_text(encoding="utf-8").splitlines()
        assert [line.split(",")[0] for line in lines[1:]] == ["330106199001011000", "330106199001011234"]

    def test_numbers_are_text_as_they_are_shown(self, tmp_path):
        moment = datetime.datetime(2025, 1, 2, 3, 4, 5)
        book, path = self.book(tmp_path, ["id", "inr", "x", "y", "z"], [7, 1.5, 0.1 + 0.2, True, moment])
        book.active["A2"].number_format = "000"
        self.remarks(book, path)
        _, line = path.with_name("out.csv").read_text(encoding="utf-8").splitlines()
        assert line.startswith("007,1.5,0.3,TRUE,2025-01-02T03:04:05,")

    def test_formulas_without_a_stored_value_are_refused_with_their_cells(self, tmp_path):
        book, path = self.book(tmp_path, ["id", "inr"], ["1", "=1+1"], ["=A2", 2])
        with pytest.raises(InputError) as caught:
            self.remarks(book, path)
        assert str(caught.value) == (
            "in.xlsx must hold the value of each formula, got none in B2, A3 (sheet Sheet). "
            "Open it in Excel or LibreOffice and save it."
        )

    def test_formulas_that_give_nothing_are_empty_cells(self, tmp_path):
        """``=IF(A2="","",1)`` has the stored value "", which is not none."""
        book, path = self.book(tmp_path, ["id", "inr"], ["1", "=A9"], ["2", 2])
        book.save(path)
        with zipfile.ZipFile(path) as old:
            parts = {name: old.read(name) for name in old.namelist()}
        sheet = "xl/worksheets/sheet1.xml"
        parts[sheet] = parts[sheet].replace(b'<c r="B2">', b'<c r="B2" t="str">')
        with zipfile.ZipFile(path, "w") as new:
            for name, content in parts.items():
                new.writestr(name, content)
        assert score_file(path, tmp_path / "out.csv").table["inr"].tolist() == [None, 2]

    def test_error_cells_are_named(self, tmp_path):
        book, path = self.book(tmp_path, ["id", "inr"], ["1", 1.5], ["2", 2])
        for place, error in (("A2", "#REF!"), ("B3", "#N/A")):
            book.active[place].value, book.active[place].data_type = error, "e"
        facts = self.remarks(book, path, "out.xlsx")
        assert ("error cells", "id", "A2; passed on as they are") in facts
        assert ("bad values", "inr", "1 not a positive finite number (first: '#N/A' in cell B3)") in facts
        out = openpyxl.load_workbook(path.with_name("out.xlsx"))[SHEET]
        assert (out["A2"].value, out["B3"].value, out["A2"].data_type) == ("#REF!", "#N/A", "e")

    def test_what_is_merged_and_what_is_not_read(self, tmp_path):
        book, path = self.book(tmp_path, ["id", "inr"], ["1", 1], ["", 2])
        book.active.merge_cells("A2:A3")
        book.create_sheet("second")
        facts = self.remarks(book, path)
        assert ("merged cells", "A2:A3", "the first of them holds the value, the others are empty") in facts
        assert ("not read", "sheets second", "the first sheet of cells is") in facts


def test_a_column_that_may_mean_sex_is_named(tmp_path):
    (tmp_path / "in.csv").write_text("inr,gender\n1.5,F\n", encoding="utf-8")
    facts = list(
        report_frame(score_file(tmp_path / "in.csv", tmp_path / "out.csv")).itertuples(index=False, name=None)
    )
    assert ("not an input", "gender", "did you mean sex?") in facts
    assert next(detail for _, score, detail in facts if score == "meld_3").endswith("no female or sex")


def test_sex_and_female(tmp_path):
    """F in a column ``female`` is no "false", and where two columns disagree neither is used."""
    text = "age_years,creatinine_umol_l,bilirubin_umol_l,inr,sodium_mmol_l,albumin_g_l,sex,female\n"
    rows = [("F", "yes"), ("F", "F"), ("", "M"), ("M", "yes"), ("1", "no"), ("F", ""), ("", "1"), ("", "0")]
    text += "".join(f"50,150,60,1.8,131,29,{sex},{female}\n" for sex, female in rows)
    (tmp_path / "in.csv").write_text(text, encoding="utf-8")
    scored = score_file(tmp_path / "in.csv", tmp_path / "out.csv")
    female, male = scored.table["meld_3"][6], scored.table["meld_3"][7]
    assert female == male + 1
    found = [None if pd.isna(value) else {female: "F", male: "M"}[value] for value in scored.table["meld_3"]]
    assert found == ["F", "F", None, None, "M", "F", "F", "M"]
    told = {
        fact.subject: fact.detail for fact in report_frame(scored).itertuples() if fact.what == "bad values"
    }
    assert told["female"] == ("1 not the same as sex; neither is used there (first: 'yes' in data row 4)")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_an_identifier_that_a_program_shortened_is_told(tmp_path, suffix):
    path = tmp_path / f"patients{suffix}"
    if suffix == ".csv":
        path.write_text("id,note,bilirubin\n3.30106E+17,5,1\nA-2,1E5,2\n", encoding="utf-8")
    else:
        pd.DataFrame({"id": [3.30106e17, 1.0], "note": [1.0, 2.0]}).to_parquet(path)
    (remark,) = _READERS[suffix](path, Reading()).remarks
    assert remark[:2] == ("digits lost", "id")
    assert remark[2].startswith("line 2" if suffix == ".csv" else "row 1")
