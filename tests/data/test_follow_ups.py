"""While a fault stands nothing is told that follows from it alone: what the whole export has is not missed in the rest."""

import shutil
from functools import cache

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data import queries
from esld.data.check import Checked, check_cut, check_data
from esld.data.cutfile import CutFile
from esld.data.sdtm import DOMAINS, date_columns
from esld.data.tables import write_tables
from esld.translation import untranslated
from tests.data.doors import LEDGER
from tests.data.small_trial import ROOT
from tests.data.spoilt import cut_of, demo_tables
from tests.examples import few

DATED = sorted(
    (name, column)
    for name, table in demo_tables().items()
    for column in date_columns(DOMAINS[name])
    if column in table and table[column].notna().any()
)
SAID = ("Not asked before ", "Data queries were ", "What was used of the export")


@pytest.fixture(scope="module")
def check(tmp_path_factory):
    """What is told of an export whose cut follows one of the whole export."""
    root = tmp_path_factory.mktemp("spoilt")
    write_tables(demo_tables(), root / "data" / "whole")
    cut_of(root, "data/whole", cutoff="2025-06-30").path.rename(root / "params" / "whole.yaml")

    def told(tables: dict[str, pd.DataFrame]) -> Checked:
        shutil.rmtree(root / "data" / "spoilt", ignore_errors=True)
        write_tables(tables, root / "data" / "spoilt")
        shutil.copy(LEDGER, root / "data" / "spoilt")
        file: CutFile = cut_of(root, "data/spoilt", previous="whole")
        return check_cut(file)

    return told, cache(lambda: told(demo_tables()))


def asked(checked: Checked) -> set[tuple[str, ...]]:
    own = checked.queries.assign(domain=checked.queries["record"].str.split().str[0])
    return set(own[["rule", "subject", "domain"]].itertuples(index=False, name=None))


@few(8)
@given(
    where=st.sampled_from(DATED),
    bad=st.sampled_from(["2024-13-13", "13/13/2024", "x1"]),
    which=st.sampled_from([slice(None), slice(None, None, 3)]) | st.integers(0, 999),
)
def test_dates_that_are_none_are_told_and_nothing_that_follows_from_them(check, where, bad, which):
    told, whole = check
    tables, (name, column) = demo_tables(), where
    rows = tables[name].index[tables[name][column].notna()]
    chosen = rows[which] if isinstance(which, slice) else [rows[which % len(rows)]]
    tables[name].loc[chosen, column] = bad
    found = told(tables)
    assert set(zip(found.faults["domain"], found.faults["variable"], strict=True)) == {where}
    assert 0 < len(found.faults) <= len(chosen)  # what was not done is not analysed
    assert set(found.faults["rule"]) == {"must be a calendar date, YYYY-MM-DD or partial"}
    assert asked(found) <= asked(whole())
    new = set(found.notes) - set(whole().notes)
    assert all(note.startswith(SAID) for note in new)
    assert any(name in note for note in new)
    assert untranslated(new, "zh") == []


def test_what_is_not_asked_is_named_with_the_domain_whose_faults_keep_it_back(check):
    told, _ = check
    tables = demo_tables()
    tables["AE"].loc[tables["AE"].index[:2], "AESTDTC"] = "x1"
    (note,) = [note for note in told(tables).notes if note.startswith("Not asked")]
    names = note.partition(": ")[2].removesuffix(".").split("; ")
    assert note.startswith("Not asked before the faults of AE are mended, ")
    assert {"death without a fatal adverse event", "record of the previous cut gone"} <= set(names)
    assert set(names) < set(queries.RULES) and "death missing in a form" not in names


@few(4)
@given(
    st.sampled_from(
        [
            ("DM", "ARMCD"),
            ("DM", "ACTARMCD"),
            ("DS", "DSDECOD"),
            ("DS", "DSCAT"),
            ("CE", "CEDECOD"),
            ("AE", "AEOUT"),
        ]
    )
)
def test_a_word_that_nobody_knows_is_not_missed_as_what_it_may_be(check, where):
    told, _ = check
    tables, (name, column) = demo_tables(), where
    tables[name].loc[tables[name][column].notna(), column] = "x1"
    found = told(tables)
    assert (name, column) in set(zip(found.faults["domain"], found.faults["variable"], strict=True))
    assert set(found.queries["rule"]).isdisjoint(queries.not_asked({name}))


def test_a_name_of_a_test_without_its_code_is_not_that_of_another(check):
    told, _ = check
    tables = demo_tables()
    tables["VS"].loc[::3, "VSTESTCD"] = None
    assert "test code and test name disagree" not in set(told(tables).queries["rule"])


def test_without_a_fault_every_rule_is_asked():
    assert queries.not_asked(()) == []
    assert set(queries.not_asked([*DOMAINS])) < set(queries.RULES)


@pytest.mark.parametrize("form", ["DM", "DS"])
def test_a_day_of_death_that_is_no_date_is_not_said_to_be_missing(tmp_path, form):
    """The other forms state a death without a day: they are as they were."""
    tables = demo_tables()
    dead = tables["DM"].loc[tables["DM"]["DTHDTC"].notna(), "USUBJID"]
    tables["AE"].loc[tables["AE"]["AEOUT"].eq("FATAL"), "AEENDTC"] = None
    tables["DM"].loc[tables["DM"]["USUBJID"].isin(dead), "DTHDTC"] = "x1" if form == "DM" else None
    of_death = tables["DS"]["DSDECOD"].eq("DEATH")
    if form == "DM":
        tables["DS"] = tables["DS"][~of_death].reset_index(drop=True)
    else:
        tables["DS"].loc[of_death, "DSSTDTC"] = "x1"
    write_tables(tables, tmp_path / "data")
    found = check_data(tmp_path / "data", ROOT / "params" / "protocols" / "nct06167473.yaml")
    assert set(found.faults["variable"]) == {"DTHDTC" if form == "DM" else "DSSTDTC"}
    assert set(found.faults["rule"]) == {"must be a calendar date, YYYY-MM-DD or partial"}
