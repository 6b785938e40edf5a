"""Exports of which a test states every cell, as a draft sees them."""

from pathlib import Path
from typing import Any

import pandas as pd

from esld.data.declared import Reading
from esld.data.drafting.found import Found, find
from tests.data.small_trial import lb, patient, rs, trial

TEN = tuple(f"{number:03}" for number in range(10))


def table(name: str, *rows: dict[str, Any]) -> pd.DataFrame:
    """A table of the trial's design."""
    frame = pd.DataFrame(rows, dtype=object)
    frame.attrs = {"file": f"{name.lower()}.csv"}
    return frame


def written(folder: Path, tables: dict[str, pd.DataFrame]) -> Path:
    folder.mkdir(parents=True)
    for name, own in tables.items():
        if len(own):
            own.to_csv(folder / f"{name.lower()}.csv", index=False)
    return folder


def found(
    folder: Path, *patients: Any, design: dict[str, pd.DataFrame] | None = None, **domains: Any
) -> Found:
    """What is found in an export of these patients and records."""
    return find(
        written(
            folder / f"export-{len(list(folder.iterdir()))}", trial(*patients, **domains) | (design or {})
        ),
        None,
        Reading(),
    )


def seen(id: str, number: str, name: str, day: str) -> dict[str, Any]:
    """A value at a visit."""
    return lb(id, "ALT", "30", day, VISITNUM=number, VISIT=name)


__all__ = ["TEN", "find", "found", "lb", "patient", "rs", "seen", "table", "written"]
