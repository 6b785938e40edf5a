"""The ledger of one list: gives out the next slot, once, and records everything that happens to it."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from esld.allocation.attempts import (
    BEGUN,
    LOCKED,
    MOST,
    NONE_LACKED,
    PUT_BACK,
    REFUSED,
    attempt,
    attempt_faults,
    refused_in_a_row,
    releases,
)
from esld.allocation.eligibility import check_answers
from esld.allocation.folder import LEDGER, SEALED, check_private, new_folder, sync_folder, write_private
from esld.allocation.log import Log, UnreadableError, create_log
from esld.allocation.receipts import Receipt, is_genuine
from esld.allocation.record import Kind, Record
from esld.allocation.register import Register, opening
from esld.allocation.sealed import SealedDesign, altered, read_sealed
from esld.allocation.stamp import Clock, account, local_now, stamped
from esld.errors import InputError, RefusedError

_SUBJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_LONGEST_REASON = 1000


def open_list(folder: Path, sealed: SealedDesign, *, clock: Clock = local_now, who: str = "") -> Record:
    """Lay a sealed design and its ledger into a new folder; the design comes last, and with it the list is open.

    Returns
    -------
    Record
        The first of the ledger.

    Raises
    ------
    esld.errors.InputError
        The folder holds something already, others can look in, or the disk does not take it.
    """
    with new_folder(folder) as own:
        first = stamped(clock(), who or account(), None, "open", details=opening(sealed))
        create_log(folder, first)
        own.append(folder / LEDGER)
        write_private(folder / SEALED, sealed.to_bytes())
    sync_folder(folder.parent)
    return first


class Ledger:
    """An open ledger with its list. Everything in both is checked when it opens, and what is new before each record.

    Parameters
    ----------
    folder : Path
        The sealed folder.
    clock : callable, optional
        Gives the present moment with its offset.
    who : str, optional
        Who is recorded; the login by default.

    Raises
    ------
    esld.errors.InputError
        The folder, the list or the ledger does not exist, or others can read it.
    esld.errors.RefusedError
        The list or the ledger is not what it was.
    """

    def __init__(self, folder: Path, *, clock: Clock = local_now, who: str = "") -> None:
        self._folder, self._clock, self._who = folder, clock, who or account()
        check_private(folder)
        self._seen = self._signature()
        self._sealed = read_sealed(folder)
        self._register = Register(self._sealed)
        with self._guarded():
            self._log = Log(folder)
        try:
            self._catch_up()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._log.close()

    @property
    def sealed(self) -> SealedDesign:
        """The sealed design; what it shows of itself is the trial alone."""
        return self._sealed

    def register(self) -> Register:
        """The state after the last record."""
        self._catch_up()
        return self._register

    def records(self) -> list[Record]:
        """All records, in order."""
        with self._guarded():
            return list(self._log.records())

    def record(self, seq: int) -> Record:
        """The record of a number.

        Raises
        ------
        esld.errors.InputError
            There is none.
        """
        for record in self.records():
            if record.seq == seq:
                return record
        raise InputError("--record", "must be the number of a record", seq, remedy="See status.")

    def assignment(self, subject: str) -> Record:
        """The assignment of a subject.

        Raises
        ------
        esld.errors.InputError
            The subject has none.
        """
        return _assigned(self.register(), subject)

    def assign(
        self, subject: str, *, stratum: str, answers: Mapping[str, str], another: bool = False
    ) -> Record:
        """Give the next slot of a stratum to an eligible patient, in one durable transaction.

        Parameters
        ----------
        subject : str
            Letters, digits, ``.``, ``_`` and ``-``, up to 40.
        stratum : str
            As :meth:`ListDesign.stratum` takes it.
        answers : mapping of str to str
            See :func:`esld.allocation.eligibility.check_answers`.
        another : bool, default False
            The subject's number looks like that of an assigned one (:mod:`esld.alike`), and it is another patient.

        Returns
        -------
        Record
            When this returns, the record is on the disk.

        Raises
        ------
        esld.errors.InputError
            Subject, stratum or answers are not valid, or `another` is said of a number that looks like no other.
        esld.errors.RefusedError
            The patient is not eligible or has a slot already, another patient's number looks like this one, the list is used
            up, list or ledger is altered, the clock went back, or the disk fails. Nothing was written then.
        """
        _check_subject(subject, self.register())
        name = self._sealed.design.stratum(stratum)
        details = check_answers(self._sealed.trial.criteria, answers)

        def next_slot(register: Register) -> dict[str, Any]:
            if before := register.assigned.get(subject):
                raise RefusedError(
                    f"subject {subject} was assigned already, on {before.day} (record {before.seq})."
                    " Nothing was written; ask for the receipt again."
                )
            twin = register.alike.of(subject)
            if twin and not another:
                raise RefusedError(
                    f"subject {subject} looks like {twin}, assigned on {register.assigned[twin].day} (record"
                    f" {register.assigned[twin].seq}). Nothing was written; if it is another patient, say --another."
                )
            if another and not twin:
                rule = "must be said of a number that looks like an assigned one"
                raise InputError("--another", rule, subject, remedy="Leave it out.")
            slots, n = self._sealed.slots[name], register.used[name] + 1
            if n > len(slots):
                raise RefusedError(
                    f"the list of stratum {name} is used up ({len(slots)} of {len(slots)} slots). Nothing was written."
                )
            shown = {"kit": slots[n - 1].kit} if self._sealed.trial.masked else {"arm": slots[n - 1].arm}
            said = details | ({"another than": twin} if twin else {})
            return {"stratum": name, "slot": n, "details": said, **shown}

        return self._append("assignment", next_slot, subject=subject)

    def correct(self, subject: str, *, stratum: str, reason: str) -> Record:
        """Record that a patient was assigned in a wrong stratum. The assignment stays as it is."""
        name, why = self._sealed.design.stratum(stratum), _checked_reason(reason)

        def correction(register: Register) -> dict[str, Any]:
            if _assigned(register, subject).stratum == name:
                raise InputError(
                    "stratum", "must differ from the one assigned", name, remedy="Check the subject."
                )
            return {"stratum": name, "details": {"reason": why}}

        return self._append("correction", correction, subject=subject)

    def note(self, kind: Kind, subject: str, *, reason: str) -> Record:
        """Record what became of an assigned patient: found ineligible later, or withdrawn.

        Raises
        ------
        esld.errors.InputError
            Another kind, no reason, or no assignment.
        """
        if kind not in ("ineligible", "withdrawal"):
            raise InputError("a note", "must be ineligible or withdrawal", str(kind), remedy="Choose one.")
        why = _checked_reason(reason)

        def noted(register: Register) -> dict[str, Any]:
            _assigned(register, subject)
            return {"details": {"reason": why}}

        return self._append(kind, noted, subject=subject)

    def unblind(self, subject: str, *, reason: str) -> tuple[Record, str]:
        """Break the code of one patient, for good: the record stays, and there is no second time.

        Returns
        -------
        Record
            On the disk before the arm is told.
        str
            Code of the arm.

        Raises
        ------
        esld.errors.RefusedError
            The subject was unblinded before; the message says when.
        esld.errors.InputError
            The trial is not masked, no reason, or no assignment.
        """
        self._check_masked("unblinding")
        why = _checked_reason(reason)

        def broken(register: Register) -> dict[str, Any]:
            _assigned(register, subject)
            if before := register.unblinded.get(subject):
                raise RefusedError(
                    f"subject {subject} was unblinded already, on {before.day} (record {before.seq})."
                )
            return {"details": {"reason": why}}

        return self._append("unblinding", broken, subject=subject), self.arm(subject)

    def unmask(self, *, reason: str) -> Record:
        """Record that the arms of all assigned patients are taken out of a masked trial."""
        self._check_masked("unmasking")
        why = _checked_reason(reason)
        return self._append("unmasking", lambda _: {"details": {"reason": why}})

    def pharmacy(self, subject: str) -> Record:
        """Record that the pharmacy was told the dose of a patient of a masked trial."""

        def told(register: Register) -> dict[str, Any]:
            _assigned(register, subject)
            return {}

        return self._append("pharmacy", told, subject=subject)

    def correct_clock(self, *, reason: str) -> Record:
        """Record that the clock was wrong, so that the next records may be dated before the last one."""
        why = _checked_reason(reason)
        return self._append("clock", lambda _: {"details": {"reason": why}})

    def recover(self, receipts: Sequence[Receipt], *, release: str = "") -> int:
        """Put back records that a restored backup lacks, from genuine receipts that hold them whole.

        Parameters
        ----------
        receipts : sequence of Receipt
            One without its record must be of a record that is there or put back by another.
        release : str, optional
            See :func:`esld.allocation.attempts.releases`; needed after some refused attempts in a row.

        Returns
        -------
        int
            How many were put back; what the ledger has already is skipped.

        Raises
        ------
        esld.errors.RefusedError
            Whatever is wrong with a receipt, in one message for all; or recover is locked. The attempt alone was written then.
        """
        with self._guarded():
            with self._log.transaction():
                refused = refused_in_a_row(self._attempts())
                self._log.append(self._attempt(BEGUN, len(receipts)), table="attempts")
            if refused >= MOST and not releases(self._folder, release):
                raise RefusedError(LOCKED)
            with self._log.transaction():
                back = self._put_back(receipts)
                outcome = PUT_BACK if back else NONE_LACKED
                self._log.append(self._attempt(outcome, len(receipts)), table="attempts")
        return back

    def _attempts(self) -> list[Record]:
        attempts = list(self._log.records(table="attempts"))
        if faults := attempt_faults(attempts):
            raise UnreadableError(faults[0])
        return attempts

    def _attempt(self, outcome: str, receipts: int) -> Record:
        return attempt(self._clock(), self._who, self._attempts(), outcome, receipts)

    def _put_back(self, receipts: Sequence[Receipt]) -> int:
        """Only what this ledger wrote comes as far as the list, so that no answer tells of a slot not yet given."""
        if not all(is_genuine(self._sealed, receipt) for receipt in receipts):
            raise RefusedError(REFUSED)
        trial, known = Register(self._sealed), dict[int, str]()
        for record in self._log.records():
            trial.accept(record)
            known[record.seq] = record.hash
        back = 0
        for receipt in sorted(receipts, key=lambda each: (each.seq, each.record is None)):
            if known.get(receipt.seq) == receipt.hash:
                continue
            if receipt.record is None or trial.accept(receipt.record):
                raise RefusedError(REFUSED)
            self._log.append(receipt.record)
            known[receipt.seq] = receipt.hash
            back += 1
        return back

    def arm(self, subject: str) -> str:
        """Code of the arm of an assigned subject. In a masked trial this breaks the code: record it first."""
        given = _assigned(self.register(), subject)
        return self._sealed.slots[given.stratum][given.slot - 1].arm

    def _check_masked(self, what: str) -> None:
        if not self._sealed.trial.masked:
            raise InputError(
                what, "must be of a masked trial", "an open-label one", remedy="See the receipt."
            )

    def _append(
        self, kind: Kind, decide: Callable[[Register], dict[str, Any]], *, subject: str = ""
    ) -> Record:
        with self._guarded():
            self._check_list()
            with self._log.transaction():
                self._catch_up()
                head = self._register.head
                fields = decide(self._register)
                record = stamped(self._clock(), self._who, head, kind, subject=subject, **fields)
                if head and record.at < head.at and kind != "clock":
                    raise RefusedError(
                        f"the clock says {record.at}, before the last record, {head.at}."
                        " Nothing was written; set the clock, or record a clock correction."
                    )
                self._log.append(record)
            self._register.accept(record)  # only now is it sure to stay
        return record

    def _catch_up(self) -> None:
        """Check what others have written since."""
        head = self._register.head
        with self._guarded():
            new = self._log.records(head.seq if head else 0)
            if head and next(new, None) != head:
                raise UnreadableError(f"record {head.seq} was changed or removed while the ledger was open")
            for record in new:
                if faults := self._register.accept(record):
                    raise UnreadableError(faults[0])
            if self._register.head is None:
                raise UnreadableError("the ledger has no records")

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """An unreadable ledger is refused in one line."""
        try:
            yield
        except UnreadableError as error:
            raise RefusedError(altered(self._folder, str(error))) from None

    def _signature(self) -> tuple[int, ...]:
        status = (self._folder / SEALED).lstat()
        return (status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    def _check_list(self) -> None:
        """A changed file is read and checked again; its root must be the one that this ledger was opened on."""
        if not (self._folder / SEALED).exists() or self._signature() != self._seen:
            check_private(self._folder)
            self._seen = self._signature()
            if read_sealed(self._folder).root != self._sealed.root:
                raise UnreadableError("the sealed design was exchanged")


def _check_subject(subject: str, register: Register) -> None:
    if not _SUBJECT.fullmatch(subject):
        rule = "must be letters, digits, '.', '_' or '-', up to 40"
        remedy = "Give the number of the screening list." + _did_you_mean(subject, register)
        raise InputError("subject", rule, repr(subject), remedy=remedy)


def _did_you_mean(subject: str, register: Register) -> str:
    twin = register.alike.of(subject)
    return f" Did you mean {twin}, assigned already?" if twin else ""


def _checked_reason(reason: str) -> str:
    text = " ".join(reason.split())
    if not 3 <= len(text) <= _LONGEST_REASON:
        raise InputError("reason", f"must be given, in 3 to {_LONGEST_REASON} characters", remedy="Say why.")
    return text


def _assigned(register: Register, subject: str) -> Record:
    if subject not in register.assigned:
        remedy = "Check the number, or assign first." + _did_you_mean(subject, register)
        raise InputError(f"subject {subject!r}", "must be assigned", remedy=remedy)
    return register.assigned[subject]
