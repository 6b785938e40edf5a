"""The catalogue of faults: what it says happens, and the tests that it names are there."""

import ast
import re
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data.sdtm import DOMAINS
from tests.data.queries.asking import clean, found
from tests.data.small_trial import event, table
from tests.data.test_sdtm import faults
from tests.faults.catalogue import (
    ACCEPTED,
    ASKED,
    CLASSES,
    EXCHANGED,
    FILES,
    REFUSED,
    TABLES,
    WHY_EMPTY,
    catalogue,
    reason,
)
from tests.faults.catalogue import table as printed
from tests.reports import ROOT

CASES = catalogue()
TRIED = {cell: case for cell, case in CASES.items() if case.cell[0]}
MORE = {
    "CE": event("CE", "T", "2025-08-01", CETERM="Ascites", CEDECOD="ASCITES"),
    "IE": event("IE", "F", "2025-01-02", IETESTCD="IN01", IECAT="INCLUSION", IEORRES="N"),
    "SS": event("SS", "T", "2026-01-30", SSTESTCD="SURVSTAT", SSORRES="ALIVE"),
    "DD": event("DD", "S", "2025-12-01", DDTESTCD="PRCDTH", DDORRES="liver failure"),
}


def whole():
    """The clean trial, with a record in every domain."""
    return clean() | {name: table(name, [record]) for name, record in MORE.items()}


def test_the_trial_is_sound():
    assert faults(whole()) == []


@pytest.mark.parametrize("cell", TRIED, ids=" ".join)
def test_what_is_tried_here(cell):
    tables, case = whole(), TRIED[cell]
    column, value = case.cell
    tables[cell[0]].loc[0, column] = value
    [told] = faults(tables)[:1]
    assert case.words in told
    assert f"{cell[0].lower()}.csv, row 2" in told


@pytest.mark.parametrize("name", EXCHANGED)
def test_two_columns_exchanged(name):
    tables = whole()
    one, other = EXCHANGED[name]
    tables[name] = renamed(tables[name], {one: other, other: one})
    assert any(told.startswith(f"{name}.") for told in faults(tables))


@pytest.mark.parametrize("name", TABLES)
def test_a_required_column_under_another_name(name):
    tables, column = whole(), DOMAINS[name].required[-1]
    tables[name] = renamed(tables[name], {column: f"{column}X"})
    assert any(told.startswith(f"{name}.{column} must be a column") for told in faults(tables))


def renamed(table, names):
    changed = table.rename(columns=names)
    changed.attrs = table.attrs
    return changed


@cache
def tree(file: str) -> ast.Module:
    return ast.parse((ROOT / file).read_text(encoding="utf-8"))


def nodes(file: str) -> set[str]:
    """Functions of a file, those of classes behind their class."""
    own = [(node, "") for node in tree(file).body] + [
        (inner, f"{node.name}::")
        for node in tree(file).body
        if isinstance(node, ast.ClassDef)
        for inner in node.body
    ]
    return {f"{before}{node.name}" for node, before in own if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("node", sorted({case.node for case in CASES.values() if case.node}))
def test_the_test_that_is_named_exists(node):
    file, name, text = re.fullmatch(r"([^:]+)::([^\[]+)(?:\[(.+)\])?", node).groups()
    assert name in nodes(file)
    if text:
        assert text in {n.value for n in ast.walk(tree(file)) if isinstance(n, ast.Constant)}


@given(
    name=st.sampled_from(["LB", "RS", "VS", "SS", "IE"]), word=st.from_regex("[A-Z]{5,8}Q", fullmatch=True)
)
def test_a_test_that_nobody_knows_is_refused_or_asked_about(name, word):
    """Each findings domain but DD, whose every record states a death whatever its test is called."""
    tables = whole()
    tables[name].loc[0, f"{name}TESTCD"] = word
    told = faults(tables) or found(tables)["message"].tolist()
    assert any(repr(word) in each and name in each for each in told)


def test_the_cells_are_known_and_each_says_what_happens():
    for (name, kind), case in CASES.items():
        assert name in (*TABLES, *FILES) and kind in CLASSES
        assert case.outcome in (REFUSED, ASKED, ACCEPTED) and case.words
    assert printed().startswith("| table | value |")


def test_each_cell_has_a_case_or_a_reason_why_not():
    empty = {(name, kind) for name in (*TABLES, *FILES) for kind in CLASSES} - CASES.keys()
    assert {cell for cell in empty if not reason(*cell)} == set()
    assert {(name, kind) for kind, own in WHY_EMPTY.items() for name in own if name != "*"} <= empty
    assert set(WHY_EMPTY) == {kind for _, kind in empty}
