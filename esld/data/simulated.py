"""What the simulated trials share: draws seeded from words, tables of the rows that forms give, and the command."""

import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from statistics import NormalDist
from typing import TypeVar

import numpy as np
import pandas as pd

import esld
from esld.data.tables import write_tables
from esld.errors import told_in_one_line
from esld.protocol import Protocol, read_protocol
from esld.targets import empty_folder

T = TypeVar("T")
Row = dict[str, str | None]


class Draws:
    """Random draws seeded from words.

    Only the doubles of PCG64 are used and everything else is made from them here: neither the platform nor
    the numpy release can change a table.
    """

    def __init__(self, words: str) -> None:
        seed = int.from_bytes(hashlib.sha256(words.encode()).digest(), "big")
        self._generator = np.random.Generator(np.random.PCG64(seed))

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """A number in [low, high)."""
        return low + (high - low) * float(self._generator.random())

    def normal(self, mean: float = 0.0, sd: float = 1.0) -> float:
        """A normal number, by inversion."""
        return mean + sd * NormalDist().inv_cdf(max(self.uniform(), 2.0**-54))

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self.uniform() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """True with that probability."""
        return self.uniform() < probability

    def choice(self, items: Sequence[T]) -> T:
        """One of the items, each as likely."""
        return items[self.whole(0, len(items) - 1)]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """All items in random order."""
        keys = [self.uniform() for _ in items]
        return [items[i] for i in sorted(range(len(items)), key=keys.__getitem__)]


def iso(day: date | None) -> str | None:
    """A date as SDTM writes it."""
    return None if day is None else day.isoformat()


def criteria_not_met(protocol: Protocol, codes: Iterable[str], day: date | None) -> Iterator[Row]:
    """Rows of IE: criteria by their ids, an inclusion answered with no or an exclusion with yes."""
    texts = {c.id: c.text for c in (*protocol.eligibility.inclusion, *protocol.eligibility.exclusion)}
    for code in codes:
        inclusion = code.startswith("IN")
        answer = "N" if inclusion else "Y"
        yield {
            "IETESTCD": code,
            "IETEST": texts[code],
            "IECAT": "INCLUSION" if inclusion else "EXCLUSION",
            "IEORRES": answer,
            "IESTRESC": answer,
            "IEDTC": iso(day),
        }


def domain_table(
    domain: str, columns: str, study: str, patients: Iterable[tuple[str, Iterable[Row]]]
) -> pd.DataFrame:
    """The table of a domain.

    Parameters
    ----------
    domain, study : str
        ``DOMAIN`` and ``STUDYID``.
    columns : str
        Variables after ``USUBJID``, apart by blanks; the first that ends in ``DTC`` orders the records of a patient.
    patients : iterable of (str, iterable of dict)
        ``USUBJID`` with the patient's rows.

    Returns
    -------
    DataFrame
        All text, ``None`` where empty; but for DM numbered within the patient by ``--SEQ``.
    """
    names = columns.split()
    dated = next(name for name in names if name.endswith("DTC"))
    rows: list[Row] = []
    for subject, found in patients:
        for place, row in enumerate(sorted(found, key=lambda row: row[dated] or ""), start=1):
            keys: Row = {"STUDYID": study, "DOMAIN": domain, "USUBJID": subject}
            rows.append(keys | ({} if domain == "DM" else {f"{domain}SEQ": str(place)}) | row)
    return pd.DataFrame(rows, columns=["STUDYID", "DOMAIN", "USUBJID", *names], dtype=object)


def written(
    arguments: Sequence[str],
    *,
    module: str,
    protocol: str,
    simulate: Callable[[Protocol], dict[str, pd.DataFrame]],
) -> int:
    """What ``python -m module FOLDER`` does: simulate the trial of a protocol that travels with the package, into a new folder.

    Returns
    -------
    int
        Exit code 0, or 2 when not exactly one folder is named.
    """
    if len(arguments) != 1:
        print(f"usage: python -m {module} FOLDER", file=sys.stderr)
        return 2
    package = Path(esld.__file__).parent
    params = (package.parent / "params", package / "share" / "params")
    files = [folder / "protocols" / protocol for folder in params]
    with told_in_one_line():
        folder = empty_folder(Path(arguments[0]), command=f"python -m {module}")
        file = next((file for file in files if file.is_file()), files[0])
        write_tables(simulate(read_protocol(file)), folder)
    return 0


__all__ = ["Draws", "Row", "domain_table", "iso", "written"]
