"""The state that a chain of records comes to, and every way in which a record can be wrong.

The one place that knows the rules: what a ledger takes, and what an audit looks for, is the same.
"""

import re

from esld.alike import LookAlikes
from esld.allocation.record import KINDS, Record, chain_faults
from esld.allocation.sealed import SealedDesign

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


class Register:
    """Records accepted so far, against the sealed design.

    Attributes
    ----------
    head : Record or None
        The last record.
    assigned : dict of str to Record
        Assignment by subject, in order.
    alike : LookAlikes
        Of the assigned subjects.
    unblinded : dict of str to Record
        Code break by subject.
    used : dict of str to int
        Slots assigned by stratum.
    """

    def __init__(self, sealed: SealedDesign) -> None:
        self._sealed = sealed
        self.head: Record | None = None
        self.assigned: dict[str, Record] = {}
        self.alike = LookAlikes()
        self.unblinded: dict[str, Record] = {}
        self.used = dict.fromkeys(sealed.slots, 0)

    def accept(self, record: Record) -> list[str]:
        """Take the next record.

        Returns
        -------
        list of str
            What is wrong with it; empty for a record that the ledger itself would have written. It is taken all the same, so
            that an audit can go on behind it.
        """
        faults = [*self._chain(record), *self._content(record)]
        self.head = record
        return faults

    def _chain(self, record: Record) -> list[str]:
        faults = chain_faults(self.head, record)
        if not _MOMENT.fullmatch(record.at):
            faults.append(f"record {record.seq} has no valid time")
        elif self.head and record.at < self.head.at and record.kind != "clock":
            faults.append(f"record {record.seq} is dated before record {self.head.seq}")
        return faults

    def _content(self, record: Record) -> list[str]:
        where = f"record {record.seq}"
        if (record.kind == "open") != (self.head is None) or record.kind not in KINDS:
            return [f"{where} must not be of kind {record.kind!r}"]
        if record.kind == "open":
            return (
                [] if record.details == opening(self._sealed) else [f"{where} opens another ledger or list"]
            )
        if record.kind == "assignment":
            return self._assignment(record)
        faults = []
        if record.subject and record.subject not in self.assigned:
            faults.append(f"{where}: subject {record.subject} has no assignment")
        if record.kind == "unblinding":
            if record.subject in self.unblinded:
                faults.append(f"{where}: subject {record.subject} was unblinded before")
            self.unblinded.setdefault(record.subject, record)
        return faults

    def _assignment(self, record: Record) -> list[str]:
        where = f"record {record.seq}"
        faults = []
        if record.subject in self.assigned:
            faults.append(f"{where}: subject {record.subject} was assigned before")
        self.assigned.setdefault(record.subject, record)
        self.alike.add(record.subject)
        if record.stratum not in self.used:
            return [*faults, f"{where}: stratum {record.stratum!r} is not in the design"]
        expected = self.used[record.stratum] + 1
        self.used[record.stratum] = max(expected, record.slot)
        slots = self._sealed.slots[record.stratum]
        if record.slot != expected or record.slot > len(slots):
            return [
                *faults,
                f"{where}: slot {record.slot} of {record.stratum} where slot {expected} was next",
            ]
        slot = slots[record.slot - 1]
        shown = ("", slot.kit) if self._sealed.trial.masked else (slot.arm, "")
        if (record.arm, record.kit) != shown:
            faults.append(f"{where}: slot {record.slot} of {record.stratum} is not that of the sealed list")
        return faults


def opening(sealed: SealedDesign) -> dict[str, str]:
    """What the first record of a ledger binds together."""
    return {"trial": sealed.trial.id, "commitment": sealed.root, "ledger": sealed.ledger}
