"""A study of a few patients, derived from tables whose every cell a test states."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from esld.data.adam import derive_adlb, derive_adsl
from esld.data.adam.adae import derive_adae
from esld.data.study import Study
from esld.protocol import Protocol
from tests.data import small_trial
from tests.data.small_trial import event, lb, patient, trial
from tests.report.builders import patient as row
from tests.report.builders import study_of

# The protocol without grades and scores, which take most of the time and of which nothing here is made.
PROTOCOL = small_trial.PROTOCOL.model_copy(
    update={"parameters": tuple(p for p in small_trial.PROTOCOL.parameters if p.kind == "laboratory")}
)
CUTOFF = "2026-03-31"
FIRST = pd.Timestamp("2025-01-11")
INFUSED = ("2025-01-11", "2025-02-08", "2025-03-08")


def day(number: int) -> str:
    """Study day, 1 being the first infusion, as a date."""
    return f"{FIRST + pd.Timedelta(days=number - 1):%Y-%m-%d}"


def ae(id: str, number: int, term: str = "Pyrexia", **others: Any) -> dict[str, Any]:
    """An adverse event that begins on a study day: mild, not serious, unrelated."""
    record = {
        "AETERM": term,
        "AEDECOD": term,
        "AEBODSYS": "General",
        "AETOXGR": "1",
        "AESER": "N",
        "AEREL": "NOT RELATED",
    }
    return event("AE", id, day(number), **(record | {"AEACN": None, "AEOUT": None} | others))


def value(
    id: str, code: str, number: int, result: float, *, low: float = 1, high: float = 40
) -> dict[str, Any]:
    """A laboratory value of a study day."""
    return lb(id, code, str(result), day(number), LBORNRLO=str(low), LBORNRHI=str(high))


def seen(id: str, number: int = 300) -> dict[str, Any]:
    """A contact by which a patient is known to be alive."""
    return event("VS", id, day(number), VSTESTCD="TEMP", VSORRES="36.5", VSORRESU="C")


def derived(
    people: Sequence[Mapping[str, list[dict[str, Any]]]],
    *,
    protocol: Protocol = PROTOCOL,
    without: Sequence[str] = (),
    **domains: list[dict[str, Any]],
) -> Study:
    """A study as :func:`esld.data.study.load_study` makes it, without a file."""
    tables = trial(*people, **domains)
    tables = {name: table for name, table in tables.items() if name not in without}
    adsl = derive_adsl(tables, protocol, pd.Timestamp(CUTOFF))
    shell = study_of([row(1)], cutoff=CUTOFF, trial=protocol)
    return dataclasses.replace(
        shell,
        tables=tables,
        adsl=adsl,
        adlb=derive_adlb(tables, adsl, protocol) if domains.get("LB") else shell.adlb,
        adae=derive_adae(tables if domains.get("AE") else {}, adsl, protocol),
    )


__all__ = ["CUTOFF", "INFUSED", "PROTOCOL", "ae", "day", "derived", "event", "patient", "seen", "value"]
