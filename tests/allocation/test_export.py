"""DM and DS of the assigned part, with the columns and words of the trial's own export."""

import csv
import os
from pathlib import Path

import pytest

import esld.data
from esld.allocation.export import DM, DS, dm_rows, ds_rows, write_tables
from esld.allocation.ledger import Ledger
from esld.errors import InputError
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


def test_it_is_written_whole_or_not_at_all(records, tmp_path, monkeypatch):
    tables = {"dm": (DM, dm_rows("NCT0", records, {}))}
    (path,) = write_tables(tmp_path, tables)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(InputError, match="must be writable, got No space left on device"):
        write_tables(tmp_path, tables)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.glob("*dm.csv*")] == ["dm.csv"]


def test_not_into_the_sealed_folder(records, tmp_path):
    for place in (tmp_path / "sealed", tmp_path / "none"):
        with pytest.raises(InputError, match="must be a folder other than the sealed one"):
            write_tables(place, {})
