"""A trial of a few patients whose every cell a test states; the protocol is that of NCT06167473."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from esld.data.sdtm import DOMAINS, Tables
from esld.protocol import Protocol, read_protocol

ROOT = Path(__file__).parents[2]
PROTOCOL = read_protocol(ROOT / "params" / "protocols" / "nct06167473.yaml")
KEY = bytes(range(32))  # of the pseudonyms of a masked view
UNITS = {p.paramcd: p.unit for p in PROTOCOL.parameters if p.kind == "laboratory"}
DOSE = {arm.code: f"{arm.dose.amount:g}" for arm in PROTOCOL.arms if arm.dose}


def table(name: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Records of a domain as text, numbered within a subject; what a row does not state is missing."""
    return _made(name, rows) if rows else _empty(name).copy()


@cache
def _empty(name: str) -> pd.DataFrame:
    """A domain without a record, as most are in most trials."""
    return _made(name, [])


def _made(name: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    domain = DOMAINS[name]
    columns = list(dict.fromkeys([*domain.required, *domain.optional, *(c for row in rows for c in row)]))
    numbers: dict[str, int] = {}
    full = []
    for row in rows:
        number = numbers[row["USUBJID"]] = numbers.get(row["USUBJID"], 0) + 1
        full.append({**({} if name == "DM" else {domain.sequence: str(number)}), **row})
    frame = pd.DataFrame([[row.get(c) for c in columns] for row in full], columns=columns, dtype=object)
    frame.attrs = {"file": f"{name.lower()}.csv", "encoding": "UTF-8"}
    return frame


def patient(
    id: str,
    arm: str | None = "LOW",
    *,
    consent: str = "2025-01-01",
    randomised: str | None = "2025-01-10",
    infused: tuple[str, ...] = ("2025-01-11",),
    died: str | None = None,
    **dm: str | None,
) -> dict[str, list[dict[str, Any]]]:
    """DM, DS and EX records of one patient; without ``randomised`` still in screening."""
    infused = infused if randomised else ()
    arm = arm if randomised else None
    actual = arm if infused else None
    demographics = {
        "STUDYID": "SMALL",
        "USUBJID": id,
        "SUBJID": id,
        "AGE": "50",
        "SEX": "F",
        "ARMCD": arm,
        "ARM": arm,
        "ACTARMCD": actual,
        "ACTARM": actual,
        "RFICDTC": consent,
        "DTHFL": "Y" if died else None,
        "DTHDTC": died,
        **dm,
    }
    milestones = [
        ("INFORMED CONSENT OBTAINED", consent),
        *([("RANDOMIZED", randomised)] if randomised else []),
    ]
    disposition = [
        {"USUBJID": id, "DSDECOD": decod, "DSCAT": "PROTOCOL MILESTONE", "DSSTDTC": day}
        for decod, day in milestones
    ]
    if died:
        disposition.append(ds(id, "DEATH", died))
    exposure = [
        {
            "USUBJID": id,
            "EXTRT": "cells",
            "EXDOSE": DOSE[str(arm)],
            "EXDOSU": "10^6 cells/kg",
            "EXSTDTC": day,
            "EXENDTC": day,
        }
        for day in infused
    ]
    return {"DM": [demographics], "DS": disposition, "EX": exposure}


def ds(id: str, decod: str, day: str) -> dict[str, Any]:
    """A disposition event."""
    return {"USUBJID": id, "DSDECOD": decod, "DSCAT": "DISPOSITION EVENT", "DSSTDTC": day}


def lb(id: str, code: str, value: str | None, day: str, **others: str | None) -> dict[str, Any]:
    """A laboratory record in the analysis unit, without a range, unless ``others`` say otherwise."""
    record = {"USUBJID": id, "LBTESTCD": code, "LBORRES": value, "LBORRESU": UNITS.get(code), "LBDTC": day}
    return {**record, **others}


def rs(id: str, code: str, grade: str, day: str, **others: str | None) -> dict[str, Any]:
    """A clinical grade."""
    return {"USUBJID": id, "RSTESTCD": code, "RSORRES": grade, "RSDTC": day, **others}


def event(name: str, id: str, start: str, **others: str | None) -> dict[str, Any]:
    """A record of AE, CE, PR, CM, MH or VS that begins on a day."""
    date = DOMAINS[name].date
    assert date is not None
    return {"USUBJID": id, date: start, **others}


def trial(*patients: Mapping[str, list[dict[str, Any]]], **domains: list[dict[str, Any]]) -> Tables:
    """Tables of every domain of the protocol, those without records empty."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in PROTOCOL.domains}
    for part in (*patients, domains):
        for name, records in part.items():
            rows[name] = rows.get(name, []) + records
    return {name: table(name, records) for name, records in rows.items()}


def with_parameters(*paramcds: str, **schedule: Any) -> Protocol:
    """The protocol with these parameters alone, and other values in its schedule."""
    kept = tuple(p for p in PROTOCOL.parameters if p.paramcd in paramcds)
    changed = PROTOCOL.schedule.model_copy(update=schedule)
    return PROTOCOL.model_copy(update={"parameters": kept, "schedule": changed})
