"""The assigned part of a list with its ledger, for whoever analyses the trial: ``ledger.json`` beside the SDTM tables.

It holds the public part of the design, every record of the ledger, and each assigned slot opened with the path that proves it
against the published commitment. Nothing in it tells of a slot that is not assigned.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from esld import jsonfile
from esld.allocation.commitment import canonical, leaf_hash, root_of_path
from esld.allocation.record import GENESIS, Record, record_of
from esld.errors import InputError

if TYPE_CHECKING:  # a report is made where no sealed folder can be kept, too
    from esld.allocation.sealed import SealedDesign

FILE = "ledger.json"


@dataclass(frozen=True, eq=False, kw_only=True)
class Disclosed:
    """What ``ledger.json`` holds.

    Attributes
    ----------
    public : mapping
        The public part of the design, as it was printed when the list was sealed.
    records : tuple of Record
        The ledger, in order.
    slots : tuple of mapping
        The assigned slots, opened; none in a masked trial that is not unmasked.
    """

    public: Mapping[str, Any]
    records: tuple[Record, ...]
    slots: tuple[Mapping[str, Any], ...]

    @property
    def assignments(self) -> tuple[Record, ...]:
        """The records that gave a patient a slot."""
        return tuple(record for record in self.records if record.kind == "assignment")

    def until(self, day: str) -> "Disclosed":
        """The same as it was at the end of a day (ISO): its records up to the last one of that day or before, and their slots.

        A record in between may bear a later day, where the clock was wrong; without it the chain would look broken.
        """
        last = max((n for n, record in enumerate(self.records, start=1) if record.day <= day), default=0)
        kept = self.records[:last]
        given = {(record.stratum, record.slot) for record in kept if record.kind == "assignment"}
        slots = tuple(s for s in self.slots if (s["leaf"]["stratum"], s["leaf"]["slot"]) in given)
        return Disclosed(public=self.public, records=kept, slots=slots)

    def chain_faults(self) -> list[str]:
        """Records that are not what was written, or that do not follow one another."""
        faults, seq, previous = [], 0, GENESIS
        for record in self.records:
            if record.hash != record.expected_hash():
                faults.append(f"record {record.seq} is not what was written")
            if (record.seq, record.previous) != (seq + 1, previous):
                faults.append(f"record {record.seq} does not follow record {seq}")
            seq, previous = record.seq, record.hash
        used: dict[str, int] = {}
        for record in self.assignments:
            used[record.stratum] = used.get(record.stratum, 0) + 1
            if record.slot != used[record.stratum]:
                faults.append(
                    f"record {record.seq} takes slot {record.slot} and not the next one of its stratum"
                )
        return faults

    def proved(self, commitment: str) -> set[str]:
        """Subjects whose slot, opened, gives the published commitment and the arm of the record."""
        good = set()
        for opened in self.slots:
            leaf = opened["leaf"]
            path = [bytes.fromhex(each) for each in opened["path"]]
            root = root_of_path(leaf_hash(leaf), opened["position"], opened["leaves"], path).hex()
            for record in self.assignments:
                same = (record.stratum, record.slot) == (leaf["stratum"], leaf["slot"])
                if same and root == commitment and leaf["arm"] in (record.arm, record.arm or leaf["arm"]):
                    good.add(record.subject)
        return good


def disclosed(sealed: "SealedDesign", records: Sequence[Record], *, open_slots: bool) -> bytes:
    """The content of ``ledger.json``; without `open_slots` (a masked trial) the slots stay closed."""
    slots = (
        [sealed.opened(r.stratum, r.slot) for r in records if r.kind == "assignment"] if open_slots else []
    )
    parts = {
        "public": [sealed.public()],
        "records": [record.to_dict() for record in records],
        "slots": slots,
    }
    lines = [
        f'"{name}":[\n' + ",\n".join(canonical(each).decode("utf-8") for each in own) + "\n]"
        for name, own in parts.items()
    ]
    return ("{" + ",\n".join(lines) + "}\n").encode("utf-8")


def read_disclosed(path: Path) -> Disclosed:
    """Read ``ledger.json``.

    Raises
    ------
    esld.errors.InputError
        It is not what ``esld randomise export`` wrote.
    """
    remedy = "Export it again with 'esld randomise export'."
    try:
        content = jsonfile.loads(path.read_text(encoding="utf-8"))
        (public,) = content["public"]
        if not isinstance(public.get("commitment"), str):
            raise InputError(
                path.name, "must be an exported ledger", "no commitment in its public part", remedy=remedy
            )
        records = tuple(record_of(each) for each in content["records"])
        slots = tuple(content["slots"])
        whole = all(
            isinstance(s["leaf"]["slot"], int)
            and isinstance(s["path"], list)
            and bytes.fromhex(s["leaf"]["salt"])
            for s in slots
        )
        if None in records or not records or not whole:
            raise ValueError("parts are missing")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(path.name, "must be an exported ledger", remedy=remedy) from None
    return Disclosed(public=public, records=tuple(r for r in records if r is not None), slots=slots)
