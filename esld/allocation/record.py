"""One record of the ledger, chained to the one before it by SHA-256."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from hashlib import sha256
from typing import Any, Literal, get_args

from esld.allocation.commitment import canonical

Kind = Literal[
    "open",
    "assignment",
    "correction",
    "ineligible",
    "withdrawal",
    "unblinding",
    "unmasking",
    "pharmacy",
    "clock",
    "attempt",
]
KINDS = tuple(
    kind for kind in get_args(Kind) if kind != "attempt"
)  # of the ledger; attempts have a chain of their own
GENESIS = "0" * 64  # what the first record follows


@dataclass(frozen=True, kw_only=True)
class Record:
    """What happened, once and for all.

    Parameters
    ----------
    seq : int
        1, 2, 3 … without a gap.
    at : str
        Moment in UTC, ``2026-03-01T08:15:30.123456Z``.
    day : str
        The day on the office's own calendar, ISO.
    who : str
        Login of the account, and of the person who called it through sudo.
    kind : str
        One of `KINDS`, or ``attempt`` (:mod:`esld.allocation.attempts`).
    subject, stratum, slot, arm, kit : str or int
        Empty (0 for the slot) where they do not apply. A masked trial has the kit and no arm.
    details : mapping of str to str
        Answers, reasons, and what else belongs to the kind.
    previous, hash : str
        SHA-256 in hex: of the record before, and of this one with all fields but itself.
    """

    seq: int
    at: str
    day: str
    who: str
    kind: str
    subject: str = ""
    stratum: str = ""
    slot: int = 0
    arm: str = ""
    kit: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    previous: str = GENESIS
    hash: str = ""

    @property
    def id(self) -> str:
        """What quotes this very record elsewhere: its number and the beginning of its hash."""
        return f"{self.seq}-{self.hash[:12]}"

    def expected_hash(self) -> str:
        """The hash that the content gives."""
        content = self.to_dict()
        del content["hash"]
        return sha256(canonical(content)).hexdigest()

    def sealed(self) -> "Record":
        """The same with its hash."""
        return replace(self, hash=self.expected_hash())

    def to_dict(self) -> dict[str, Any]:
        """Fields as a JSON object."""
        return {name: getattr(self, name) for name in FIELDS} | {"details": dict(self.details)}


def chain_faults(head: Record | None, record: Record) -> list[str]:
    """Whether a record is what was written, and follows another one, or none."""
    seq, previous = (head.seq, head.hash) if head else (0, GENESIS)
    faults = []
    if record.hash != record.expected_hash():
        faults.append(f"record {record.seq} is not what was written (its hash differs)")
    if record.seq != seq + 1:
        faults.append(f"record {record.seq} follows record {seq}: records are missing or out of order")
    elif record.previous != previous:
        faults.append(f"record {record.seq} does not follow record {seq} (previous hash differs)")
    return faults


FIELDS: tuple[str, ...] = tuple(each.name for each in fields(Record))
_NUMBERS = {"seq", "slot"}


def record_of(values: Mapping[str, Any]) -> Record | None:
    """A record of the values that a file holds; ``None`` if one is missing or not of its type."""
    given = {name: values.get(name) for name in FIELDS}
    details = given.pop("details")
    if not isinstance(details, dict) or not all(type(x) is str for pair in details.items() for x in pair):
        return None
    if not all(type(value) is (int if name in _NUMBERS else str) for name, value in given.items()):
        return None
    record = Record(**given, details=details)  # type: ignore[arg-type]  # just checked
    try:
        record.expected_hash()
    except UnicodeEncodeError:  # half a character, which JSON can hold and no record
        return None
    return record
