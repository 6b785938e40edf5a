"""Scores of a file: formats, what passes through, what is refused, and that nothing is half written."""

import datetime

import numpy as np
import openpyxl
import pandas as pd
import pytest

from esld import scoring
from esld.data.score_file import REPORT_SHEET, SHEET, report_text, score_file
from esld.errors import InputError, RefusedError

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
            path.write_bytes(CSV.encode(encoding))
            scored = score_file(path, tmp_path / "out.csv")
            assert list(scored.table.columns[:2]) == ["id", "site"]
            assert scored.table["site"].tolist()[1] == "北京"

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
            "1 not a positive finite number (first: '<5' in data row 2)",
        ) in facts

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
    "long row": ("in.csv", "id,inr\n1,2,3\n", "in.csv must have no row longer than its header"),
    "no rows": ("in.csv", "id,inr\n", "in.csv must have a header and at least one row"),
    "nothing": ("in.csv", "", "in.csv must be a comma-separated table"),
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
