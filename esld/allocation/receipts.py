"""Receipts: what the office keeps in a patient's file, and what an audit holds against the ledger.

Each is signed: HMAC-SHA256 of ledger, number and hash with a key of the sealed design, the first half of it in hex. Only the
ledger can sign, so a forged receipt is known from the receipt alone, and neither the ledger nor the list is asked about it.
"""

import hmac
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from esld import jsonfile
from esld.allocation.commitment import canonical
from esld.allocation.record import Record, record_of
from esld.allocation.sealed import SealedDesign
from esld.errors import InputError

# As loose as somebody types it: what then is not as it was printed has a signature that does not fit, and is told.
_LINES = re.compile(r"record\s+([0-9]{1,9})\s+of\s+ledger\s+(\S+):\s+(\S+)(?:\s+signed\s+(\S+))?")
_MOST_BYTES = 10_000_000


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """That a ledger had a record of this number and hash. `record` is whole if the receipt was kept as JSON.

    ``signed`` is empty where there is no signature, and the receipt not genuine.
    """

    ledger: str
    seq: int
    hash: str
    signed: str
    record: Record | None = None
    where: str = ""


def signature(sealed: SealedDesign, seq: int, digest: str) -> str:
    """What only this list's ledger can write below a receipt."""
    return hmac.digest(sealed.receipt_key(), canonical([sealed.ledger, seq, digest]), "sha256").hex()[:32]


def is_genuine(sealed: SealedDesign, receipt: Receipt) -> bool:
    """Whether this list's ledger printed the receipt, as it stands there."""
    whole = receipt.record is None or receipt.record.expected_hash() == receipt.hash
    expected, given = signature(sealed, receipt.seq, receipt.hash), receipt.signed.encode(errors="replace")
    return hmac.compare_digest(expected.encode(), given) and whole and receipt.ledger == sealed.ledger


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
        "signed": signature(sealed, record.seq, record.hash),
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
            f"signed {signature(sealed, record.seq, record.hash)}",
        )
    )


def read_receipts(path: Path) -> list[Receipt]:
    """The receipts of a file, as text or as JSON lines, several in one file if need be.

    Nothing of the file is quoted in a message: the command may run for somebody who must not read it.

    Raises
    ------
    esld.errors.InputError
        The file cannot be read, holds no receipt, or has a line of JSON that is none.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES).decode("utf-8", errors="replace")
    except OSError as error:
        raise InputError(
            str(path), "must be a readable file", error.strerror, remedy="Check the path."
        ) from None
    lines = content.splitlines()
    text = "\n".join("" if _is_json(line) else line for line in lines)
    found = [*_of_json(lines, path.name), *_of_text(text, path.name)]
    if not found:
        raise InputError(path.name, "must hold a receipt", remedy="Give what `assign` printed.")
    return found


def _of_text(content: str, where: str) -> Iterator[Receipt]:
    for seq, ledger, digest, signed in _LINES.findall(content):
        yield Receipt(ledger=ledger, seq=int(seq), hash=digest, signed=signed, where=where)


def _is_json(line: str) -> bool:
    return line.lstrip().startswith("{")


def _of_json(lines: Sequence[str], where: str) -> Iterator[Receipt]:
    for number, line in enumerate(lines, start=1):
        if not _is_json(line):
            continue
        try:
            given = jsonfile.loads(line)
            record = record_of(given["record"])
            ledger, signed = str(given["ledger"]), str(given.get("signed", ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            record = None
        if record is None:
            rule = "must hold a receipt in each line that begins as JSON"
            raise InputError(
                where, rule, where=f"line {number}", remedy="Remove it, or give it as it was printed."
            )
        yield Receipt(
            ledger=ledger, seq=record.seq, hash=record.hash, signed=signed, record=record, where=where
        )
