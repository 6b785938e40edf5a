"""The cases of `exports.md` that are about reading, from the demonstration export to its analysis data."""

import pandas as pd
import pytest

from esld.data.declared import Reading
from esld.data.moments import moments
from esld.data.reading import read_export
from esld.data.sdtm import DOMAINS, find_faults, read_tables
from esld.data.study import load_study
from esld.errors import InputError
from esld.protocol import read_protocol
from tests.data.reading.writers import as_csv, as_xpt, write_all
from tests.data.spoilt import cut_of, demo_tables, put
from tests.reports import ROOT

NUMBERS = ("AGE", "ORRES", "ORNRLO", "ORNRHI", "DOSE", "STRESN")
HAEMATOLOGY = ["PLAT", "INR", "HGB", "WBC"]


def faults_of(tables) -> list[str]:
    return [
        str(fault)
        for fault in find_faults(tables, read_protocol(ROOT / "params" / "protocols" / "nct06167473.yaml"))
    ]


def test_10_and_22_transport_files_with_a_split_laboratory_hold_the_same(tmp_path):
    tables = demo_tables()
    blood = tables["LB"]["LBTESTCD"].isin(HAEMATOLOGY)
    assert blood.any()
    parts = {
        "DM": tables["DM"],
        "LBCH": tables["LB"][~blood],
        "LBHM": tables["LB"][blood].drop(columns="DOMAIN"),
    }
    for name, table in parts.items():
        as_xpt(table, tmp_path / f"{name.lower()}.xpt", version=8)
    got = read_tables(tmp_path)
    pd.testing.assert_frame_equal(got["DM"], tables["DM"], check_index_type=False)
    ours, theirs = (
        t.drop(columns="DOMAIN").sort_values(["USUBJID", "LBSEQ"], ignore_index=True)
        for t in (got["LB"], tables["LB"])
    )
    pd.testing.assert_frame_equal(ours, theirs)


def test_11_an_older_copy_beside_the_export_is_named(tmp_path):
    tables = demo_tables()
    write_all(tables | {"LB": tables["LB"].head(100)}, tmp_path / "data")
    as_csv(tables["LB"], tmp_path / "data" / "lb (1).csv")
    with pytest.raises(InputError, match=r"domain LB must be one file, got lb\.csv and lb \(1\)\.csv"):
        load_study(cut_of(tmp_path, "data"))


def test_18_the_forms_of_a_date_are_no_faults_and_excels_numbers_are():
    tables = demo_tables()
    forms = [
        "2003---15",
        "2024-02-20/2024-02-22",
        "2024-02-20T10:30/2024-02-20T11:00",
        "2024-02-20T-:15",
        "2024-02-20T10",
    ]
    mh = tables["MH"]
    for row, form in zip(mh.index, [*forms, "--12-15", "-----T07:15"], strict=False):
        mh = put(mh, mh.index == row, MHSTDTC=form)
    assert faults_of({**tables, "MH": mh}) == []
    for wrong in ("45342", "20/02/2024"):
        assert (
            "must be a calendar date" in faults_of({**tables, "MH": put(mh, mh.index == 0, MHSTDTC=wrong)})[0]
        )
    # where a record without a date is none, one without a year is none either
    needed = (("DM", "DTHDTC"), ("DS", "DSSTDTC"), ("CE", "CESTDTC"), ("AE", "AESTDTC"), ("PR", "PRSTDTC"))
    for name, column in needed:
        row = tables[name][column].first_valid_index()
        tables[name] = put(tables[name], tables[name].index == row, **{column: "--12-15"})
    told = faults_of(tables)
    for name, column in needed:
        assert any(f"{name}.{column} must tell at least its year, got '--12-15'" in line for line in told)


def test_18_an_interval_gives_no_minute():
    text = pd.Series(
        ["2024-02-20T10:30/2024-02-20T11:00", "2024-02-20T10:30", "2024-02-20T10:30Z", "2024-02-20T-:15"],
        dtype=object,
    )
    minute, zoned = moments(text)
    assert minute.isna().tolist() == [True, False, False, True]
    assert zoned.tolist() == [False, False, True, False]


def test_21_a_german_export_is_told_once_and_read_as_declared(tmp_path):
    tables = demo_tables()
    tables["AE"] = put(tables["AE"], tables["AE"].index == 0, AETERM="Fièvre élevée")
    (tmp_path / "data").mkdir()
    for name, table in tables.items():
        table = table.map(lambda c: c.encode("cp1252", "ignore").decode("cp1252"), na_action="ignore")
        table = table.assign(
            **{
                c: table[c].str.replace(".", ",", regex=False)
                for c in table
                if c in NUMBERS or c[2:] in NUMBERS
            }
        )
        as_csv(
            table.fillna("NA"), tmp_path / "data" / f"{name.lower()}.csv", separator=";", encoding="cp1252"
        )
    (told,) = read_export(tmp_path / "data", DOMAINS, Reading(encoding="cp1252")).faults[:1]
    assert "must be separated by a comma, got a semicolon" in str(told.error)
    how = {"encoding": "cp1252", "separator": ";", "decimal": ",", "missing": ["NA"]}
    file = cut_of(tmp_path, "data", **how)
    got = read_tables(file.data_path, file.reading)
    assert got["AE"]["AETERM"][0] == "Fièvre élevée"
    for column in ("LBORRES", "LBORNRLO", "VISITNUM", "LBDTC"):
        assert got["LB"][column].tolist() == tables["LB"][column].tolist()
