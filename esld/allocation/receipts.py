"""Receipts: what the office keeps in a patient's file, and what an audit holds against the ledger."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from esld.allocation.record import Record, record_of
from esld.allocation.sealed import SealedDesign
from esld.errors import InputError

_LINE = re.compile(r"record (\d+) of ledger ([0-9a-f]{16}): ([0-9a-f]{64})")
_MOST_BYTES = 10_000_000


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """That a ledger had a record of this number and hash. `record` is whole if the receipt was kept as JSON."""

    ledger: str
    seq: int
    hash: str
    record: Record | None = None
    where: str = ""


def check_code(record: Record) -> str:
    """Eight characters of the hash, to be compared by eye or over the telephone."""
    return f"{record.hash[:4]}-{record.hash[4:8]}".upper()


def facts(sealed: SealedDesign, record: Record) -> dict[str, Any]:
    """The receipt for a machine: the whole record, with which a lost ledger can be completed."""
    label = {arm.code: arm.label for arm in sealed.trial.arms}.get(record.arm, "")
    return {
        "trial": sealed.trial.id,
        "ledger": sealed.ledger,
        "arm_label": label,
        "check": check_code(record),
        "record": record.to_dict(),
    }


def text(sealed: SealedDesign, record: Record) -> str:
    """The receipt for the patient's file."""
    labels = {arm.code: f"{arm.label} ({arm.code})" for arm in sealed.trial.arms}
    given = f"kit {record.kit}" if record.kit else labels.get(record.arm, "")
    if record.kind != "assignment":
        given = f"{record.kind} recorded"
    place = f"stratum {record.stratum}, slot {record.slot}; " if record.slot else ""
    return "\n".join(
        (
            f"{sealed.trial.id}  subject {record.subject or '-'}  {given}  check {check_code(record)}",
            f"{place}{record.at} by {record.who}",
            f"record {record.seq} of ledger {sealed.ledger}: {record.hash}",
        )
    )


def read_receipts(path: Path) -> list[Receipt]:
    """The receipts of a file, as text or as JSON lines, several in one file if need be.

    Nothing of the file is quoted in a message: the command may run for somebody who must not read it.

    Raises
    ------
    esld.errors.InputError
        The file cannot be read or holds no receipt.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES).decode("utf-8", errors="replace")
    except OSError as error:
        raise InputError(
            str(path), "must be a readable file", error.strerror, remedy="Check the path."
        ) from None
    found = [*_of_json(content, path.name), *_of_text(content, path.name)]
    if not found:
        raise InputError(path.name, "must hold a receipt", remedy="Give what `assign` printed.")
    return found


def _of_text(content: str, where: str) -> Iterator[Receipt]:
    for seq, ledger, digest in _LINE.findall(content):
        yield Receipt(ledger=ledger, seq=int(seq), hash=digest, where=where)


def _of_json(content: str, where: str) -> Iterator[Receipt]:
    for line in content.splitlines():
        if not line.lstrip().startswith("{"):
            continue
        try:
            given = json.loads(line)
            record = record_of(given["record"])
            ledger = str(given["ledger"])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
        if record:
            yield Receipt(ledger=ledger, seq=record.seq, hash=record.hash, record=record, where=where)
