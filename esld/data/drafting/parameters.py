"""Parameters of a draft: laboratory tests of LB with their unit, and ordinal grades of RS, as far as they are numbers."""

import re

import numpy as np
import pandas as pd

from esld.data.drafting.found import Found
from esld.data.drafting.marks import Part, gap
from esld.protocol.measures import BLOOD
from esld.scoring import units

_CODE = re.compile(r"[A-Z][A-Z0-9]{0,7}")
_LIMIT = re.compile(r"^\s*[<>≤≥]")
_MOST = 0.8  # of the results that must be numbers
_DIGITS = 4  # decimals that a result is ever recorded with


def parameters(found: Found) -> list[Part]:
    """One entry a test that holds numbers, in the order in which the export has them."""
    return [*_of(found, "LB", "laboratory"), *_of(found, "RS", "grade")]


def left_out(found: Found) -> list[str]:
    """Tests of which no parameter can be made: their results are no numbers, or their codes no name of a parameter."""
    made = {part["paramcd"] for part in parameters(found)}
    codes = (code for name in ("LB", "RS") for code in found.texts(name, f"{name}TESTCD"))
    return [code for code in codes if code not in made]


def limits(found: Found) -> Part:
    """The keys that say how a result beyond a limit is read, where there is one; they are gaps."""
    results = found.column("LB", "LBORRES").dropna().astype(str)
    made = {}
    if results.str.match(r"^\s*[<≤]").any():
        made["below_limit"] = gap("half, limit or missing: how a result such as <0.2 is read")
    if results.str.match(r"^\s*[>≥]").any():
        made["above_limit"] = gap("limit or missing: how a result such as >25 is read")
    return made


def _of(found: Found, name: str, kind: str) -> list[Part]:
    table = found.records(name, f"{name}TESTCD", f"{name}ORRES")
    made = []
    for code, own in table.groupby(f"{name}TESTCD", sort=False):
        results = own[f"{name}ORRES"].dropna().astype(str)
        numbers = pd.to_numeric(results, errors="coerce")
        beyond = results.str.match(_LIMIT) if kind == "laboratory" else pd.Series(False, results.index)
        if results.empty or (numbers.notna() | beyond).mean() < _MOST or not _CODE.fullmatch(str(code)):
            continue
        named = own[f"{name}TEST"].dropna() if f"{name}TEST" in own else pd.Series(dtype=object)
        part: Part = {
            "paramcd": str(code),
            "param": str(named.value_counts().index[0]) if len(named) else str(code),
        }
        part["kind"] = kind
        if kind == "laboratory":
            part |= {"unit": _unit(str(code), own)}
        part |= {"decimals": _decimals(results[numbers.notna()])}
        made.append(part | _specimen(own))
    return made


def _unit(code: str, own: pd.DataFrame) -> str:
    """The most frequent unit, in the one spelling that stands for it where the analyte is known."""
    told = own["LBORRESU"].dropna() if "LBORRESU" in own else pd.Series(dtype=object)
    if told.empty:
        return gap(f"unit of {code}: the export names none")
    unit = str(told.value_counts().index[0])
    if code not in units.ANALYTES:
        return unit
    try:
        known = units.canonical_unit(unit, code)
    except ValueError:
        known = ""
    several = ", ".join(units.known_units(code))
    return known if known in units.known_units(code) else gap(f"one of {several}: the export has {unit}")


def _decimals(results: pd.Series) -> int:
    """Decimals with which nine in ten results are recorded."""
    places = results.str.extract(r"\.(\d+)", expand=False).fillna("").str.rstrip("0").str.len()
    return min(_DIGITS, int(np.quantile(places, 0.9, method="nearest"))) if len(places) else 0


def _specimen(own: pd.DataFrame) -> Part:
    """The specimen, where it is not blood."""
    told = own["LBSPEC"].dropna() if "LBSPEC" in own else pd.Series(dtype=object)
    usual = str(told.value_counts().index[0]) if len(told) else ""
    return {"specimen": [usual]} if usual and usual not in BLOOD else {}
