"""Was anything changed? The ledger against itself, against the sealed design, and against receipts kept elsewhere.

A chain of hashes alone finds every change but one: who can write the file can write a new chain. A receipt in a patient's
file is out of their reach, and the hash in it covers all records before it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from esld.allocation.folder import check_private
from esld.allocation.log import Log, UnreadableError
from esld.allocation.receipts import Receipt
from esld.allocation.record import Record
from esld.allocation.register import Register
from esld.allocation.sealed import SealedDesign, inspect_sealed


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What an audit found.

    Parameters
    ----------
    faults : tuple of str
        A line each, what is wrong and where; empty if nothing is.
    records, assigned : int
        Records read, and assignments among them.
    head : Record or None
        The last record.
    receipts : int
        Receipts compared.
    """

    faults: tuple[str, ...]
    records: int
    assigned: int
    head: Record | None
    receipts: int

    def to_dict(self) -> dict[str, Any]:
        """The audit as a JSON object."""
        head = {"seq": self.head.seq, "hash": self.head.hash} if self.head else None
        return {
            "passed": not self.faults,
            "faults": list(self.faults),
            "records": self.records,
            "assigned": self.assigned,
            "receipts": self.receipts,
            "head": head,
        }


def audit(folder: Path, receipts: Sequence[Receipt] = (), *, commitment: str = "") -> Audit:
    """Check chain, commitment, order, gaps and duplicates; with receipts, truncation and restored old copies too.

    Parameters
    ----------
    folder : Path
        The sealed folder. Nothing in it is changed.
    receipts : sequence of Receipt
        Kept outside the folder. Without them, records missing at the end cannot be found.
    commitment : str, optional
        The root as it was published, hex.

    Raises
    ------
    esld.errors.InputError
        The folder or a file of it does not exist, or others can read it.
    """
    check_private(folder)
    sealed, fault = inspect_sealed(folder)
    if sealed is None or fault:
        return Audit(faults=(fault,), records=0, assigned=0, head=None, receipts=0)
    register, records = Register(sealed), list[Record]()
    faults = list(_sealed_faults(sealed, commitment))
    try:
        with Log(folder, read_only=True) as log:
            for record in log.records():
                faults += register.accept(record)
                records.append(record)
            if damage := log.damage():
                faults.append(damage)
            if not records:
                faults.append("the ledger has no records")
    except UnreadableError as error:
        faults.append(f"{error} (after record {records[-1].seq if records else 0})")
    faults += _receipt_faults(sealed, records, receipts)
    return Audit(
        faults=tuple(dict.fromkeys(faults)),
        records=len(records),
        assigned=len(register.assigned),
        head=register.head,
        receipts=len(receipts),
    )


def _sealed_faults(sealed: SealedDesign, commitment: str) -> Iterator[str]:
    if commitment and commitment.strip().lower() != sealed.root:
        yield "the sealed design has another commitment than the published one"
    if fault := sealed.list_fault():
        yield fault


def _receipt_faults(
    sealed: SealedDesign, records: Sequence[Record], receipts: Sequence[Receipt]
) -> Iterator[str]:
    by_number = {record.seq: record for record in records}
    last = max(by_number, default=0)
    for receipt in sorted(receipts, key=lambda each: each.seq):
        name = (
            f"receipt of record {receipt.seq} ({receipt.where})"
            if receipt.where
            else f"receipt {receipt.seq}"
        )
        if receipt.record and receipt.record.expected_hash() != receipt.hash:
            yield f"{name} is not as it was printed"
        elif receipt.ledger != sealed.ledger:
            yield f"{name} is of another ledger"
        elif receipt.seq > last:
            yield f"{name}: the ledger ends at record {last}; it was cut off or is a restored old copy"
        elif receipt.seq not in by_number:
            yield f"{name}: the record is missing"
        elif by_number[receipt.seq].hash != receipt.hash:
            yield f"{name}: the ledger holds another record; it was rewritten"
