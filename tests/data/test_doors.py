"""One trial, nine doors: the study is the same, whatever it came through."""

import pandas as pd
import pytest

from esld.data.cutfile import read_cut
from esld.data.study import Study, load_study
from tests.data.doors import DOORS, FORMS, working_copy
from tests.data.small_trial import ROOT
from tests.loaded import loaded_once

DERIVED = ("adsl", "adlb", "adtte", "adce", "adae", "queries")


@pytest.fixture(scope="module")
def demo() -> Study:
    return loaded_once(read_cut(ROOT / "params" / "demo-final.yaml"))


# In `make test` one of each kind; that the others read to the same tables is asked by reading/test_one_content.py.
QUICK = ("XPT 5", "REDCap")


@pytest.mark.parametrize(
    "door", [pytest.param(door, marks=() if door in QUICK else pytest.mark.slow) for door in DOORS]
)
def test_the_study_is_the_same(demo, tmp_path, door):
    study = load_study(read_cut(working_copy(door, tmp_path / "copy")))
    for name in DERIVED:
        pd.testing.assert_frame_equal(getattr(study, name), getattr(demo, name))
    assert study.cut_report.undated == demo.cut_report.undated
    pd.testing.assert_frame_equal(study.cut_report.records, demo.cut_report.records)
    assert set(study.tables) == set(demo.tables)
    for name, table in demo.tables.items():
        columns = KEYS if door in FORMS else list(table.columns)
        own = [column for column in columns if column in table and column in study.tables[name]]
        pair = [
            each[own].astype(object).where(each[own].notna(), None) for each in (study.tables[name], table)
        ]
        pd.testing.assert_frame_equal(*pair, check_index_type=False)
    # What lies there differs, and forms do not ask for what an analysis does not need or derives.
    differs = ["file", "variable", "word"] if door in FORMS else ["file"]
    lines = [
        each.account[~each.account["what"].isin(differs)].reset_index(drop=True) for each in (study, demo)
    ]
    pd.testing.assert_frame_equal(*lines)


# What a record is, when, and of whom: in a form as in a table, to the cell.
KEYS = [
    *("USUBJID", "AGE", "SEX", "ARMCD", "ACTARMCD", "DTHFL", "DTHDTC", "RFICDTC"),
    *(f"{d}{stem}" for d in ("AE", "CE", "CM", "DS", "EX", "IE", "LB", "MH", "PR", "RS", "VS")
      for stem in ("SEQ", "TESTCD", "TERM", "TRT", "DECOD", "STDTC", "ENDTC", "DTC", "STAT", "DOSE", "TOXGR", "OUT", "SER")),
    "VISIT",
]  # fmt: skip
