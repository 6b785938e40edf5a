"""A small sealed trial, and a clock that is told."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from esld.allocation.ledger import Ledger, open_list
from esld.allocation.lists import ListDesign
from esld.allocation.receipts import Receipt, signature
from esld.allocation.record import Record
from esld.allocation.sealed import SealedArm, SealedDesign, Trial, seal

ELIGIBLE = {"IN01": "yes", "EX01": "no"}
ARMS = (
    SealedArm(code="LOW", label="Low dose", name="low-dose group", dose="1", unit="10^6 cells/kg"),
    SealedArm(code="HIGH", label="High dose", name="high-dose group", dose="3", unit="10^6 cells/kg"),
)


def trial(*, masked: bool = False) -> Trial:
    return Trial(id="NCT0", arms=ARMS, masked=masked, criteria=tuple(ELIGIBLE), infusions=3)


def design(*, slots: int = 22, strata: dict[str, tuple[str, ...]] | None = None) -> ListDesign:
    sizes = tuple(size for size in (2, 4, 6) if size <= slots)
    return ListDesign(kind="blocks", ratio=(1, 1), slots=slots, block_sizes=sizes, strata=strata or {})


class TickingClock:
    """A second a call, from a moment in Shenyang's evening, when UTC is still on the day before."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 23, 0, tzinfo=UTC).astimezone()

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def opened(folder: Path, *, masked: bool = False, list_design: ListDesign | None = None) -> SealedDesign:
    """A new list with its ledger."""
    sealed = seal(trial(masked=masked), list_design or design())
    open_list(folder, sealed, clock=TickingClock(), who="office")
    return sealed


def filled(folder: Path, n: int, *, masked: bool = False) -> SealedDesign:
    """A list of which n slots are given out."""
    sealed = opened(folder, masked=masked)
    clock = TickingClock()
    clock.now += timedelta(minutes=1)
    with Ledger(folder, clock=clock, who="office") as ledger:
        for i in range(1, n + 1):
            ledger.assign(f"{i:03}", stratum="all", answers=ELIGIBLE)
    return sealed


def receipt(sealed: SealedDesign, record: Record, *, where: str = "file") -> Receipt:
    """A genuine one."""
    signed = signature(sealed, record.seq, record.hash)
    return Receipt(
        ledger=sealed.ledger, seq=record.seq, hash=record.hash, signed=signed, record=record, where=where
    )
