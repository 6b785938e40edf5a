"""Two spellings of one id, in whatever table: refused with both, asked about with both, or read as one and said."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data.check import check_data
from tests.data.queries.asking import clean
from tests.data.small_trial import ROOT
from tests.examples import few

PROTOCOL = ROOT / "params" / "protocols" / "nct06167473.yaml"
IDS = {"S": "S-01a", "T": "S-02b", "F": "S-10c"}
WIDE = {ord(c): chr(ord(c) + 0xFEE0) for c in map(chr, range(0x21, 0x7F))}
BLANKS = st.text(" \t\u00a0\u3000\u2003", min_size=1, max_size=2)
AROUND = st.tuples(BLANKS, st.booleans()).map(lambda b: lambda who: who + b[0] if b[1] else b[0] + who)
OTHERWISE = st.sampled_from([
    str.upper, str.lower, str.swapcase,
    lambda who: who.translate(WIDE),
    lambda who: who.replace("S-", "S-0"), lambda who: who.replace("-0", "-"), lambda who: who.replace("-", ""),
    lambda who: who.replace("0", "O"), lambda who: f"{who}\u200b", lambda who: who.replace("-", "–"),
])  # fmt: skip
TABLES = [name for name, table in clean().items() if len(table)]


def checked(tables, folder):
    folder.mkdir(exist_ok=True)
    for name, table in tables.items():
        table.to_csv(folder / f"{name.lower()}.csv", index=False)
    return check_data(folder, PROTOCOL)


def told(found, one, other):
    """By a fault or a query that names both, or a note."""
    faults = (
        found.faults[["found", "remedy"]].agg(" ".join, axis=1) if len(found.faults) else pd.Series(dtype=str)
    )
    asked = found.queries["subject"] + " " + found.queries["message"]
    named = [text for text in (*faults, *asked) if all(repr(who)[1:-1] in text for who in (one, other))]
    return named + [note for note in found.notes if "ids are read without the blanks around them" in note]


@pytest.fixture(scope="module")
def tables():
    return {name: table.assign(USUBJID=table["USUBJID"].replace(IDS)) for name, table in clean().items()}


def test_one_spelling_is_not_told(tables, tmp_path):
    found = checked(tables, tmp_path)
    assert (
        found.faults.empty
        and not told(found, "", "")
        and "one patient under two ids" not in set(found.queries["rule"])
    )


@few(8)
@given(name=st.sampled_from(TABLES), row=st.integers(0, 9), change=st.one_of(AROUND, OTHERWISE))
def test_another_spelling_in_one_record_of_any_table(tables, tmp_path_factory, name, row, change):
    spoilt = tables[name].copy()
    place = row % len(spoilt)
    who = spoilt["USUBJID"].iloc[place]
    spoilt.iloc[place, spoilt.columns.get_loc("USUBJID")] = other = change(who)
    found = checked(tables | {name: spoilt}, tmp_path_factory.mktemp("ids"))
    assert (other == who) == (told(found, who, other.strip()) == [])


@few(8)
@given(who=st.sampled_from(list(IDS.values())), change=st.one_of(AROUND, OTHERWISE))
def test_another_spelling_as_a_patient_more(tables, tmp_path_factory, who, change):
    """All records of one patient a second time, under the other spelling."""
    other = change(who)
    twice = {
        name: pd.concat([t, t[t["USUBJID"].eq(who)].assign(USUBJID=other)], ignore_index=True)
        for name, t in tables.items()
    }
    if other != who:
        found = checked(twice, tmp_path_factory.mktemp("ids"))
        assert told(found, who, other.strip())
