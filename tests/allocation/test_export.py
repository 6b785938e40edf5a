"""DM and DS of the assigned part, with the columns and words of the trial's own export."""

import csv
import io
from pathlib import Path

import pytest

import esld.data
from esld.allocation.export import DM, DS, as_csv, dm_rows, ds_rows, targets
from esld.allocation.ledger import Ledger
from esld.csvfile import armed
from esld.errors import InputError, RefusedError
from tests.allocation.small_list import filled

DEMO = Path(esld.data.__file__).parent / "examples" / "demo"


@pytest.fixture
def records(tmp_path):
    filled(tmp_path / "sealed", 3, masked=True)
    with Ledger(tmp_path / "sealed") as ledger:
        ledger.unblind("002", reason="emergency")
        ledger.note("withdrawal", "001", reason="moved away")
        ledger.note("ineligible", "003", reason="tumour")
        return ledger.records()


def test_columns_are_those_of_the_demo():
    for name, columns in (("dm", DM), ("ds", DS)):
        with (DEMO / f"{name}.csv").open(encoding="utf-8") as file:
            assert set(columns) <= set(next(csv.reader(file)))


def test_dm(records):
    rows = dm_rows("NCT0", records, {"002": ("LOW", "low-dose group")})
    assert [row["SUBJID"] for row in rows] == ["001", "002", "003"]
    assert [(row["ARMCD"], row["ARM"]) for row in rows] == [("", ""), ("LOW", "low-dose group"), ("", "")]
    assert rows[0]["USUBJID"] == "NCT0-001"


def test_ds(records):
    rows = [(r["USUBJID"], r["DSSEQ"], r["DSTERM"], r["DSDECOD"]) for r in ds_rows("NCT0", records)]
    assert rows == [
        ("NCT0-001", "1", "RANDOMIZED", "RANDOMIZED"),
        ("NCT0-001", "2", "MOVED AWAY", "WITHDRAWAL BY SUBJECT"),
        ("NCT0-002", "1", "RANDOMIZED", "RANDOMIZED"),
        ("NCT0-002", "2", "TREATMENT UNBLINDED", "TREATMENT UNBLINDED"),
        ("NCT0-003", "1", "RANDOMIZED", "RANDOMIZED"),
    ]
    assert ds_rows("NCT0", records)[0]["DSSTDTC"] == records[1].day


def test_a_table_is_csv_with_a_heading(records):
    lines = as_csv(DM, dm_rows("NCT0", records, {})).decode("utf-8").split("\n")
    assert lines[:2] == ["STUDYID,DOMAIN,USUBJID,SUBJID,ARMCD,ARM", "NCT0,DM,NCT0-001,001,,"]
    assert lines[-1] == ""


def test_a_reason_is_no_formula_and_is_read_back_as_it_was_written(tmp_path):
    reason = "=CMD|' /C CALC'!A0, 2"
    filled(tmp_path / "sealed", 1, masked=True)
    with Ledger(tmp_path / "sealed") as ledger:
        ledger.note("withdrawal", "001", reason=reason)
        rows = ds_rows("NCT0", ledger.records())
    *_, row = csv.DictReader(io.StringIO(as_csv(DS, rows).decode(), newline=""))
    assert row["DSTERM"] == f"'{reason}"
    assert {name: armed(cell) for name, cell in row.items()} == rows[-1]


def test_an_export_is_written_again_but_over_nobody_else_s_tables(tmp_path):
    for _ in range(2):
        for target in targets(tmp_path).values():
            target.write(b"a\n")
    (tmp_path / "ds.csv").write_bytes(b"corrected by hand\n")
    with pytest.raises(RefusedError, match=r"ds\.csv is not what 'esld randomise export' wrote there"):
        targets(tmp_path)
    (tmp_path / "trial").mkdir()
    (tmp_path / "trial" / "dm.csv").write_bytes((DEMO / "dm.csv").read_bytes())
    with pytest.raises(RefusedError, match="lies in the export"):
        targets(tmp_path / "trial")


def test_not_into_the_sealed_folder(records, tmp_path):
    with pytest.raises(RefusedError, match="lies in the sealed folder"):
        targets(tmp_path / "sealed")
    with pytest.raises(InputError, match="must lie in a folder that exists"):
        targets(tmp_path / "none")
