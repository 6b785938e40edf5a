"""One export, many formats: the tables are the same, to the cell."""

import json
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest

from esld.data.declared import TABLE_SUFFIXES, Reading
from esld.data.sdtm import read_export, read_tables
from esld.errors import InputError
from tests.data.reading.writers import as_csv, as_json, as_xlsx, as_xpt, dataset_json, write_all
from tests.data.spoilt import demo_tables

SOME = ("DM", "AE", "LB", "MH", "CM")  # Chinese, numbers, partial dates
DM = pd.DataFrame({"USUBJID": ["S-1", "S-2"], "AGE": ["5", "6"]}, dtype=object)


@pytest.fixture(scope="module")
def tables():
    whole = demo_tables()
    return {name: whole[name].head(300) for name in SOME}


def assert_same(got, expected) -> None:
    assert set(got) == set(expected)
    for name, table in expected.items():
        pd.testing.assert_frame_equal(got[name], table, check_index_type=False)


def refusal(path: Path, **how) -> str:
    with pytest.raises(InputError) as caught:
        read_tables(path, Reading(**how))
    message = str(caught.value)
    assert "\n" not in message
    return message


FORMATS = {
    "CSV with semicolons": (partial(as_csv, separator=";"), ".csv", {"separator": ";"}),
    "CSV with tabs": (partial(as_csv, separator="\t"), ".csv", {"separator": "\t"}),
    "CSV of Excel in UTF-8": (partial(as_csv, encoding="utf-8-sig"), ".csv", {}),
    "CSV in GB18030": (partial(as_csv, encoding="gb18030"), ".csv", {}),
    "CSV in GB18030, declared": (partial(as_csv, encoding="gb18030"), ".csv", {"encoding": "GBK"}),
    "XPT 5": (partial(as_xpt, version=5), ".xpt", {}),
    "XPT 8": (partial(as_xpt, version=8), ".xpt", {}),
    "Parquet": (lambda table, path: table.to_parquet(path, index=False), ".parquet", {}),
    "Parquet of categories": (
        lambda table, path: table.astype("category").to_parquet(path, index=False),
        ".parquet",
        {},
    ),
    "Dataset-JSON": (as_json, ".json", {}),
    "Dataset-JSON of lines": (as_json, ".ndjson", {}),
    "a workbook a domain": (lambda table, path: as_xlsx({path.stem: table}, path), ".xlsx", {}),
}


@pytest.mark.parametrize("kind", FORMATS)
def test_a_folder_of_each_format(tables, tmp_path, kind):
    write, suffix, how = FORMATS[kind]
    for name, table in tables.items():
        write(table, tmp_path / f"{name.lower()}{suffix}")
    assert_same(read_tables(tmp_path, Reading(**how)), tables)


def test_one_file(tables, tmp_path):
    as_xlsx(tables, tmp_path / "export.xlsx")
    assert_same(read_tables(tmp_path / "export.xlsx"), tables)
    for suffix in set(TABLE_SUFFIXES) - {".xlsx"}:
        folder = write_all({"DM": tables["DM"]}, tmp_path / suffix, suffix)
        assert_same(read_tables(folder / f"dm{suffix}"), {"DM": tables["DM"]})


def test_formats_may_be_mixed_but_not_within_a_domain(tables, tmp_path):
    for (name, table), suffix in zip(tables.items(), TABLE_SUFFIXES, strict=False):
        write_all({name: table}, tmp_path, suffix)
    assert_same(read_tables(tmp_path), tables)
    write_all({"DM": tables["DM"]}, tmp_path, ".ndjson")
    assert "domain DM must be one file, got dm.csv and dm.ndjson" in refusal(tmp_path)


class TestTypes:
    """Numbers, days and moments of formats that know them are the text that a CSV would hold."""

    CELLS: ClassVar[dict[str, tuple[Any, list[str | None]]]] = {
        "N": ([1.0, 34.2, np.nan], ["1", "34.2", None]),
        "I": ([1, 2, 2**60], ["1", "2", str(2**60)]),
        "F": (np.array([0.1 + 0.2, 1e-7, 1e6]), ["0.3", "1e-07", "1000000"]),
        "S": (np.array([34.2, 0.5, np.nan], dtype="float32"), ["34.2", "0.5", None]),
        "B": ([True, False, None], ["TRUE", "FALSE", None]),
        "D": ([date(2025, 3, 14), None, date(1999, 1, 1)], ["2025-03-14", None, "1999-01-01"]),
        "M": (pd.to_datetime(["2025-03-14", None, "1999-01-01"]), ["2025-03-14", None, "1999-01-01"]),
        "T": (
            [datetime(2025, 3, 14, 9, 30), datetime(2025, 3, 14), datetime(2025, 3, 14, 9, 30, 5)],
            ["2025-03-14T09:30", "2025-03-14T00:00", "2025-03-14T09:30:05"],
        ),
        "C": (pd.Categorical(["腹水", None, "x"]), ["腹水", None, "x"]),
    }

    def test_parquet(self, tmp_path):
        frame = pd.DataFrame({name: cells for name, (cells, _) in self.CELLS.items()})
        frame.assign(USUBJID=["S-1", "S-2", "S-3"]).to_parquet(tmp_path / "dm.parquet", index=False)
        got = read_tables(tmp_path)["DM"]
        for name, (_, texts) in self.CELLS.items():
            assert got[name].tolist() == texts, name

    def test_parquet_of_what_is_no_cell(self, tmp_path):
        table = pyarrow.table({"USUBJID": ["S-1"], "X": [[1, 2]]})
        pyarrow.parquet.write_table(table, tmp_path / "dm.parquet")
        assert "column X must be text, a number or a date, got list" in refusal(tmp_path)

    def test_xpt(self, tmp_path):
        frame = pd.DataFrame({"USUBJID": ["S-1", "S-2"], "AGE": [58.5, np.nan], "SEQ": [1.0, 20.0]})
        as_xpt(frame.assign(X=["", " a "]), tmp_path / "dm.xpt", version=5)
        got = read_tables(tmp_path)["DM"]
        assert got.to_numpy().tolist() == [["S-1", "58.5", "1", None], ["S-2", None, "20", "a"]]

    def test_dataset_json(self, tmp_path):
        frame = pd.DataFrame(
            {"USUBJID": ["S-1"], "A": [1], "B": [34.20], "C": [None], "D": [True]}, dtype=object
        )
        as_json(frame, tmp_path / "dm.json")
        assert read_tables(tmp_path)["DM"].to_numpy().tolist() == [["S-1", "1", "34.2", None, "TRUE"]]


class TestOneLineForWhatIsNone:
    @pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
    def test_an_empty_file(self, tmp_path, suffix):
        (tmp_path / f"dm{suffix}").write_bytes(b"")
        assert f"dm{suffix}" in refusal(tmp_path)

    @pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
    @pytest.mark.parametrize("damage", ["cut short", "other bytes"])
    def test_a_damaged_file(self, tmp_path, suffix, damage):
        write_all({"DM": DM}, tmp_path, suffix)
        path = tmp_path / f"dm{suffix}"
        raw = path.read_bytes()
        path.write_bytes(raw[:-7] + b"\x00" if damage == "cut short" else b"\x80\xff" * 300)
        assert f"dm{suffix}" in refusal(tmp_path)

    def test_an_xpt_of_several_data_sets_or_of_proc_cport(self, tmp_path):
        as_xpt(DM, tmp_path / "dm.xpt", version=5)
        raw = (tmp_path / "dm.xpt").read_bytes()
        (tmp_path / "dm.xpt").write_bytes(raw + raw[240:])
        assert "dm.xpt must hold one data set, got 2" in refusal(tmp_path)
        (tmp_path / "dm.xpt").write_bytes(b"**COMPRESSED** **COMPRESSED**" * 9)
        assert "got one of PROC CPORT" in refusal(tmp_path)

    @pytest.mark.parametrize(
        ("others", "words"),
        [
            (
                {"datasetJSONVersion": "1.0.0"},
                "dm.json must be Dataset-JSON 1.1, got version 1.0.0. Export it as",
            ),
            ({"datasetJSONVersion": "2.0"}, "got version 2.0"),
            ({"records": 3}, "must hold the 3 records that it says, got 2"),
            (
                {"rows": [["S-1"]], "records": 1},
                "every row must fit its 2 columns, got 1 cells (dm.json, record 1)",
            ),
            ({"rows": [["S-1", []]], "records": 1}, "every cell must be text or numbers"),
            ({"columns": ["USUBJID"]}, "must hold columns, each with a name"),
            ({"name": "LB"}, "dm.json must be called as the data set in it, got LB"),
        ],
    )
    def test_dataset_json_of_another_version_or_shape(self, tmp_path, others, words):
        (tmp_path / "dm.json").write_text(json.dumps(dataset_json(DM, "DM", **others)), encoding="utf-8")
        assert words in refusal(tmp_path)

    @pytest.mark.parametrize(
        "name", ["dm.sas7bdat", "dm.sav", "dm.xls", "dm.ods", "dm.zip", "dm.csv.gz", "dm.txt"]
    )
    def test_formats_that_are_not_read_have_a_remedy(self, tmp_path, name):
        (tmp_path / name).write_bytes(b"x")
        for path in (tmp_path, tmp_path / name):
            message = refusal(path)
            assert name in message
            assert any(verb in message for verb in ("Export it as", "Save it as", "Unpack it", "Name it"))


def test_what_an_xpt_calls_itself_counts_and_must_agree(tmp_path):
    as_xpt(DM, tmp_path / "file1.xpt", version=8, name="DM")
    assert set(read_tables(tmp_path)) == {"DM"}
    (tmp_path / "file1.xpt").rename(tmp_path / "lb.xpt")
    assert "lb.xpt must be called as the data set in it, got DM" in refusal(tmp_path)


def test_an_xpt_in_another_encoding_is_declared_or_refused(tmp_path):
    frame = DM.assign(X=["Fièvre élevée", "x"])
    as_xpt(frame, tmp_path / "dm.xpt", version=5)
    raw = (tmp_path / "dm.xpt").read_bytes()
    # one byte a letter, with blanks behind that keep the length of the record
    place = raw.index("Fièvre élevée".encode())
    old = "Fièvre élevée".encode()
    new = "Fièvre élevée".encode("cp1252").ljust(len(old))
    (tmp_path / "dm.xpt").write_bytes(raw[:place] + new + raw[place + len(old) :])
    assert "dm.xpt must be encoded as UTF-8 or GB18030" in refusal(tmp_path)
    assert read_tables(tmp_path, Reading(encoding="cp1252"))["DM"]["X"][0] == "Fièvre élevée"


def test_the_account_of_a_sound_export(tables, tmp_path):
    export = read_export(write_all(tables, tmp_path, ".xpt"))
    assert export.notes == export.faults == ()
    assert export.files.set_index("domain")["records"].to_dict() == {n: len(t) for n, t in tables.items()}
