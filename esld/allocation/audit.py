"""Was anything changed? The ledger against itself, against the sealed design, and against receipts kept elsewhere.

A chain of hashes alone finds every change but one: who can write the file can write a new chain. A receipt in a patient's
file is out of their reach, and the hash in it covers all records before it. A receipt that this ledger did not sign is no
witness: it is named as forged, and held against nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from esld.allocation.attempts import BEGUN, attempt_faults, refused_in_a_row
from esld.allocation.folder import check_private
from esld.allocation.log import Log, UnreadableError
from esld.allocation.receipts import Receipt, is_genuine
from esld.allocation.record import Record
from esld.allocation.register import Register
from esld.allocation.sealed import SealedDesign, inspect_sealed


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What an audit found.

    Parameters
    ----------
    faults : tuple of str
        A line each, what is wrong with ledger or list and where; empty if nothing is.
    forged : tuple of str
        A line each, which receipts are not genuine. They say nothing of the ledger.
    records, assigned : int
        Records read, and assignments among them.
    head : Record or None
        The last record.
    receipts : int
        Genuine ones, compared.
    attempts, refused : int
        To put records back; of these the last refused in a row.
    """

    faults: tuple[str, ...]
    forged: tuple[str, ...] = ()
    records: int = 0
    assigned: int = 0
    head: Record | None = None
    receipts: int = 0
    attempts: int = 0
    refused: int = 0

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong, neither with ledger and list nor with a receipt."""
        return not self.faults and not self.forged

    def to_dict(self) -> dict[str, Any]:
        """The audit as a JSON object."""
        head = {"seq": self.head.seq, "hash": self.head.hash} if self.head else None
        return {
            "passed": self.passed,
            "faults": list(self.faults),
            "forged": list(self.forged),
            "records": self.records,
            "assigned": self.assigned,
            "receipts": self.receipts,
            "attempts": self.attempts,
            "refused": self.refused,
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
        return Audit(faults=(fault,))
    register, records, attempts = Register(sealed), list[Record](), list[Record]()
    faults = list(_sealed_faults(sealed, commitment))
    try:
        with Log(folder, read_only=True) as log:
            for record in log.records():
                faults += register.accept(record)
                records.append(record)
            attempts += log.records(table="attempts")
            faults += attempt_faults(attempts)
            if damage := log.damage():
                faults.append(damage)
            if not records:
                faults.append("the ledger has no records")
    except UnreadableError as error:
        faults.append(f"{error} (after record {records[-1].seq if records else 0})")
    genuine, forged = list[Receipt](), list[Receipt]()
    for receipt in receipts:
        (genuine if is_genuine(sealed, receipt) else forged).append(receipt)
    faults += _receipt_faults(records, genuine)
    return Audit(
        faults=tuple(dict.fromkeys(faults)),
        forged=tuple(_forged(sealed, each) for each in forged),
        records=len(records),
        assigned=len(register.assigned),
        head=register.head,
        receipts=len(genuine),
        attempts=sum(each.details.get("outcome") == BEGUN for each in attempts),
        refused=refused_in_a_row(attempts),
    )


def _sealed_faults(sealed: SealedDesign, commitment: str) -> Iterator[str]:
    if commitment and commitment.strip().lower() != sealed.root:
        yield "the sealed design has another commitment than the published one"
    if fault := sealed.list_fault():
        yield fault


def _receipt_faults(records: Sequence[Record], genuine: Sequence[Receipt]) -> Iterator[str]:
    by_number = {record.seq: record for record in records}
    last = max(by_number, default=0)
    for receipt in sorted(genuine, key=lambda each: each.seq):
        name = _name(receipt)
        if receipt.seq > last:
            yield f"{name}: the ledger ends at record {last}; it was cut off or is a restored old copy"
        elif receipt.seq not in by_number:
            yield f"{name}: the record is missing"
        elif by_number[receipt.seq].hash != receipt.hash:
            yield f"{name}: the ledger holds another record; it was rewritten"


def _forged(sealed: SealedDesign, receipt: Receipt) -> str:
    if receipt.ledger != sealed.ledger:
        return f"{_name(receipt)} is of another ledger"
    how = "is forged or was altered" if receipt.signed else "is forged or was copied without its signature"
    return f"{_name(receipt)} {how}; it says nothing of the ledger"


def _name(receipt: Receipt) -> str:
    where = f" ({receipt.where})" if receipt.where else ""
    return f"receipt of record {receipt.seq}{where}"
