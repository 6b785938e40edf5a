"""Attempts to put records back, in a chain of their own beside the ledger's: :meth:`esld.allocation.ledger.Ledger.recover`.

An attempt is on the disk before anything is looked at, so that one broken off counts like one refused. A refused attempt
cannot stand in the ledger itself: the records that it lacks would no longer fit behind.
"""

import hmac
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from esld.allocation.folder import SEALED, read_private
from esld.allocation.record import Record, chain_faults
from esld.allocation.stamp import stamped

MOST = 3  # refused in a row
BEGUN, PUT_BACK, NONE_LACKED = "begun", "put back", "none lacked"
# One message whatever was wrong: each more would be an answer to a guess. What `audit` says of a receipt depends on no slot.
REFUSED = (
    "the receipts were not put back: each must be genuine, and together they must follow the last record without a gap."
    f" Nothing was written; the attempt is recorded, and {MOST} refused in a row lock recover."
    " Run audit with these receipts: it names those that are forged."
)
LOCKED = (
    f"recover is locked after {MOST} refused attempts in a row. The receipts were not looked at, the attempt is recorded;"
    " who can read the sealed folder releases it with recover --release."
)


def attempt(now: datetime, who: str, before: Iterable[Record], outcome: str, receipts: int) -> Record:
    """The record of an attempt's beginning or end."""
    *_, head = (None, *before)
    return stamped(now, who, head, "attempt", details={"outcome": outcome, "receipts": f"{receipts}"})


def attempt_faults(attempts: Iterable[Record]) -> list[str]:
    """Attempts that are not what was written, or do not follow one another."""
    faults, head = list[str](), None
    for each in attempts:
        faults += [f"attempts to recover: {fault}" for fault in chain_faults(head, each)]
        head = each
    return faults


def refused_in_a_row(attempts: Iterable[Record]) -> int:
    """How many attempts put nothing back since the last one that did; one that found nothing lacking counts for neither."""
    refused = 0
    for each in attempts:
        outcome = each.details.get("outcome")
        refused = 0 if outcome == PUT_BACK else refused + (1 if outcome == BEGUN else -1)
    return max(refused, 0)


def releases(folder: Path, given: str) -> bool:
    """Whether somebody knows the SHA-256 (hex) of the sealed file, which no command tells: they can read the folder itself."""
    expected = sha256(read_private(folder / SEALED)).hexdigest()
    return hmac.compare_digest(expected.encode(), given.strip().lower().encode())
