"""The audit: every change to a record, to the file, to the list; and a chain rewritten by somebody who knows how."""

import os
import shutil
import sqlite3
from dataclasses import replace
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from esld.allocation.audit import audit
from esld.allocation.commitment import canonical, merkle_root
from esld.allocation.folder import LEDGER, SEALED
from esld.allocation.ledger import Ledger
from esld.allocation.log import Log, create_log
from esld.allocation.record import FIELDS, GENESIS, Record
from tests.allocation.small_list import ELIGIBLE, filled, opened, receipt

SOAK = os.environ.get("ESLD_SOAK") == "1"
RECORDS = 6  # the opening, and assignments 001 to 005


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A ledger with five assignments, made once and copied."""
    folder = tmp_path_factory.mktemp("made") / "sealed"
    return folder, filled(folder, RECORDS - 1)


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made[0], tmp_path / "sealed")


@pytest.fixture
def records(made):
    with Ledger(made[0]) as ledger:
        return ledger.records()


@pytest.fixture
def receipts(made, records):
    return [receipt(made[1], record) for record in records]


def rewrite(folder, records):
    """A new ledger file with these records as they are, whatever they are."""
    (folder / LEDGER).unlink()
    create_log(folder, records[0])
    connection = sqlite3.connect(folder / LEDGER, isolation_level=None)
    for record in records[1:]:
        row = record.to_dict() | {"details": canonical(dict(record.details)).decode()}
        connection.execute(f"INSERT INTO log VALUES ({', '.join(f':{name}' for name in FIELDS)})", row)
    connection.close()


def rechained(records):
    """The same contents with numbers and hashes that fit: what an attacker who knows the format writes."""
    chain: list[Record] = []
    for seq, record in enumerate(records, start=1):
        previous = chain[-1].hash if chain else GENESIS
        chain.append(replace(record, seq=seq, previous=previous, hash="").sealed())
    return chain


class TestSound:
    def test_a_ledger_as_it_was_written(self, folder, receipts, made):
        found = audit(folder, receipts, commitment=made[1].root)
        assert found.faults == ()
        assert (found.records, found.assigned, found.receipts) == (RECORDS, RECORDS - 1, RECORDS)
        assert found.to_dict()["head"] == {"seq": RECORDS, "hash": receipts[-1].hash}

    def test_nothing_is_changed_or_left_behind(self, folder):
        before = {p.name: p.read_bytes() for p in folder.iterdir()}
        audit(folder)
        assert {p.name: p.read_bytes() for p in folder.iterdir()} == before

    def test_while_somebody_assigns(self, folder):
        with Ledger(folder) as ledger:
            ledger.assign("900", stratum="all", answers=ELIGIBLE)
            assert audit(folder).faults == ()
            ledger.assign("901", stratum="all", answers=ELIGIBLE)

    def test_a_masked_trial_with_everything_in_it(self, tmp_path):
        filled(tmp_path / "m", 3, masked=True)
        with Ledger(tmp_path / "m") as ledger:
            ledger.unblind("001", reason="emergency")
            ledger.note("withdrawal", "002", reason="moved")
            ledger.pharmacy("003")
            ledger.unmask(reason="end of trial")
            ledger.correct_clock(reason="summer time")
        found = audit(tmp_path / "m")
        assert (found.faults, found.records) == ((), 9)


@pytest.mark.parametrize("at", range(RECORDS))
class TestEveryRecord:
    """Changed, deleted, inserted, reordered, cut off: each record in turn, against the last receipt alone."""

    def changes(self, records, at):
        record = records[at]
        for name in FIELDS:
            value = getattr(record, name)
            other = {"slot": record.slot + 100, "seq": record.seq + 100, "details": {"IN01": "no"}}.get(
                name, f"{value}x"
            )
            yield name, [*records[:at], replace(record, **{name: other}), *records[at + 1 :]]

    def test_changed(self, folder, records, receipts, at):
        for name, changed in self.changes(records, at):
            rewrite(folder, changed)
            assert audit(folder, receipts[-1:]).faults, name

    def test_changed_and_the_chain_made_anew(self, folder, records, receipts, at):
        for name, changed in self.changes(records, at):
            if name not in ("seq", "previous", "hash"):
                rewrite(folder, rechained(changed))
                said = " ".join(audit(folder, receipts[-1:]).faults)
                assert "the ledger holds another record; it was rewritten" in said, name

    def test_deleted(self, folder, records, receipts, at):
        rest = [*records[:at], *records[at + 1 :]]
        rewrite(folder, rest)
        assert audit(folder, receipts[-1:]).faults
        rewrite(folder, rechained(rest))
        said = " ".join(audit(folder, receipts[-1:]).faults)
        assert f"the ledger ends at record {RECORDS - 1}; it was cut off or is a restored old copy" in said

    def test_inserted(self, folder, records, receipts, at):
        note = replace(records[1], kind="withdrawal", arm="", slot=0, details={"reason": "forged"})
        more = [*records[: at + 1], note, *records[at + 1 :]]
        rewrite(folder, rechained(more))
        assert any("rewritten" in fault for fault in audit(folder, receipts[-1:]).faults) or at == RECORDS - 1
        # behind the last receipt anything may come, and a forged note cannot be told from a true one: its own receipt can
        numbered = [replace(r, seq=n) for n, r in enumerate(more, start=1)]
        rewrite(folder, numbered)
        assert audit(folder, receipts[-1:]).faults

    def test_reordered(self, folder, records, receipts, at):
        other = (at + 1) % RECORDS
        order = list(records)
        order[at], order[other] = order[other], order[at]
        for swapped in ([replace(r, seq=n) for n, r in enumerate(order, start=1)], rechained(order)):
            rewrite(folder, swapped)
            assert audit(folder, receipts[-1:]).faults

    def test_cut_off(self, folder, records, receipts, at):
        at = at or 1  # no record at all: TestWords.test_no_records
        rewrite(folder, records[:at])
        assert audit(folder).faults == ()  # without a receipt nobody can know
        (fault,) = audit(folder, receipts[-1:]).faults
        assert fault == (
            f"receipt of record {RECORDS} (file): the ledger ends at record {at}; it was cut off or is a restored old copy"
        )


class TestWords:
    """One line that says what is wrong and where."""

    def faults(self, folder, records, at, **change):
        rewrite(folder, [*records[:at], replace(records[at], **change), *records[at + 1 :]])
        return audit(folder).faults

    def test_a_changed_record(self, folder, records):
        assert self.faults(folder, records, 3, subject="099") == (
            "record 4 is not what was written (its hash differs)",
        )

    def test_a_changed_record_with_a_new_hash_of_its_own(self, folder, records):
        changed = replace(records[3], who="mallory").sealed()
        rewrite(folder, [*records[:3], changed, *records[4:]])
        assert audit(folder).faults == ("record 5 does not follow record 4 (previous hash differs)",)

    def test_a_damaged_index_behind_sound_records(self, folder, records):
        whole = (folder / LEDGER).read_bytes()
        places = [at for at in range(len(whole)) if whole.startswith(b"005", at)]
        for at in places:
            (folder / LEDGER).write_bytes(whole[:at] + b"105" + whole[at + 3 :])
            with Log(folder) as log:
                sound = list(log.records()) == records
            if sound:
                assert "the ledger's file is damaged" in audit(folder).faults[0]
                return
        raise AssertionError("no index was damaged")

    def test_a_deleted_one(self, folder, records):
        rewrite(folder, [*records[:2], *records[3:]])
        assert audit(folder).faults == (
            "record 4 follows record 2: records are missing or out of order",
            "record 4: slot 3 of all where slot 2 was next",
        )

    def test_the_arm_of_a_slot(self, folder, records):
        other = {"LOW": "HIGH", "HIGH": "LOW"}[records[2].arm]
        rewrite(folder, rechained([*records[:2], replace(records[2], arm=other), *records[3:]]))
        assert audit(folder).faults == ("record 3: slot 2 of all is not that of the sealed list",)

    def test_a_subject_twice(self, folder, records):
        twice = [*records, replace(records[-1], seq=7, slot=6, subject="002", previous=records[-1].hash)]
        rewrite(folder, records)
        with sqlite3.connect(folder / LEDGER) as connection:
            connection.execute("DROP INDEX one_assignment_a_subject")
            row = twice[-1].sealed().to_dict() | {"details": canonical(dict(ELIGIBLE)).decode()}
            connection.execute(f"INSERT INTO log VALUES ({', '.join(f':{name}' for name in FIELDS)})", row)
        connection.close()
        (fault,) = audit(folder).faults
        assert "guards are not as they were made" in fault

    def test_a_date_before_the_last(self, folder, records):
        rewrite(folder, rechained([*records[:4], replace(records[4], at=records[1].at), *records[5:]]))
        assert audit(folder).faults == ("record 5 is dated before record 4",)

    def test_no_records(self, folder):
        connection = sqlite3.connect(folder / LEDGER, isolation_level=None)
        (guard,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'no_delete'").fetchone()
        connection.execute("DROP TRIGGER no_delete")
        connection.execute("DELETE FROM log")
        connection.execute(guard)
        connection.close()
        assert audit(folder).faults == ("the ledger has no records",)

    def test_a_published_commitment_of_another_list(self, folder):
        (fault,) = audit(folder, commitment="00" * 32).faults
        assert fault == "the sealed design has another commitment than the published one"

    def test_a_changed_list(self, folder):
        text = (folder / SEALED).read_text(encoding="utf-8")
        (folder / SEALED).write_text(text.replace('"arm":"LOW"', '"arm":"HIGH"', 1), encoding="utf-8")
        assert audit(folder).faults == ("the sealed design does not give its commitment",)

    def test_a_list_made_anew_by_an_insider(self, folder, made):
        """List, root and ledger rewritten: the seed tells, the published commitment tells, the receipts tell."""
        sealed = made[1]
        slots = tuple(reversed(sealed.slots["all"]))
        forged = replace(sealed, slots={"all": slots}, root="")
        forged = replace(forged, root=merkle_root(forged.leaves()).hex())
        (folder / SEALED).write_bytes(forged.to_bytes())
        said = audit(folder, commitment=sealed.root).faults
        assert "the sealed design has another commitment than the published one" in said
        assert any(fault.startswith("record 1 opens another") for fault in said)

    def test_two_ledgers_on_one_list(self, folder, tmp_path):
        """A copy of the whole folder, used beside it: receipts of one do not fit the other."""
        twin = shutil.copytree(folder, tmp_path / "twin")
        with Ledger(folder) as here, Ledger(twin) as there:
            ours = here.assign("006", stratum="all", answers=ELIGIBLE)
            there.assign("007", stratum="all", answers=ELIGIBLE)
            own = receipt(here.sealed, ours, where="")
        assert audit(folder, [own]).faults == ()
        assert audit(twin, [own]).faults == (
            "receipt of record 7: the ledger holds another record; it was rewritten",
        )


class TestForged:
    """A receipt that the ledger did not sign is named, and the ledger is not accused."""

    def test_of_another_trial_changed_or_unsigned(self, folder, records, receipts, tmp_path):
        other = receipt(opened(tmp_path / "other"), records[2])
        changed = replace(receipts[3], record=replace(receipts[3].record, arm="?"))
        unsigned = replace(receipts[4], signed="")
        found = audit(folder, [other, changed, unsigned, receipts[5]])
        assert (found.faults, found.receipts, found.passed) == ((), 1, False)
        assert found.forged == (
            "receipt of record 3 (file) is of another ledger",
            "receipt of record 4 (file) is forged or was altered; it says nothing of the ledger",
            "receipt of record 5 (file) is forged or was copied without its signature; it says nothing of the ledger",
        )

    @given(st.data())
    def test_whatever_is_changed_in_a_receipt(self, made, data):
        """Any text of it or of its record, and the record's hash made to fit or not."""
        folder, sealed = made
        with Ledger(folder) as ledger:
            genuine = receipt(sealed, data.draw(st.sampled_from(ledger.records())))
        record, name = genuine.record, data.draw(st.sampled_from((*FIELDS, "ledger", "signed")))
        other = (
            st.integers(0, 10**6) if name in ("seq", "slot") else st.text("0123456789abcdef-é", max_size=70)
        )
        value = {data.draw(other): "x"} if name == "details" else data.draw(other)
        if name in FIELDS:
            changed = replace(record, **{name: value})
            if data.draw(st.booleans()):
                changed = changed.sealed()
            forged = replace(genuine, record=changed, seq=changed.seq, hash=changed.hash)
        else:
            forged = replace(genuine, **{name: value})
        assume(forged != genuine)
        found = audit(folder, [forged])
        assert (found.faults, len(found.forged), found.passed) == ((), 1, False)


class TestFlippedBytes:
    def test_each_is_reported_or_every_record_is_as_it_was(self, folder, records, receipts):
        """Every byte under soak; otherwise a sample, the same each time."""
        path = folder / LEDGER
        whole = path.read_bytes()
        places = range(len(whole)) if SOAK else sorted(Random("flip").sample(range(len(whole)), 600))
        reported = 0
        for at in places:
            for mask in (0x01, 0xFF) if SOAK else (0x01 << at % 8,):
                path.write_bytes(whole[:at] + bytes([whole[at] ^ mask]) + whole[at + 1 :])
                found = audit(folder, receipts[-1:])
                if found.faults:
                    reported += 1
                    assert not any("\n" in fault for fault in found.faults)
                else:
                    path.write_bytes(whole[:at] + bytes([whole[at] ^ mask]) + whole[at + 1 :])
                    with Ledger(folder) as ledger:
                        assert ledger.records() == records, f"byte {at}"
                for helper in folder.glob(f"{LEDGER}-*"):
                    helper.unlink()
        assert reported > len(places) // 4

    def test_each_byte_of_a_record_is_reported(self, folder, records):
        """The bytes of the records themselves: none of them may go unnoticed."""
        path = folder / LEDGER
        whole = path.read_bytes()
        for record in records:
            at = whole.index(record.at.encode())  # the first text of a record; its hash is the last
            end = whole.index(record.hash.encode(), at) + len(record.hash)
            for i in range(at, end, 1 if SOAK else 5):
                path.write_bytes(whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :])
                assert audit(folder).faults, f"record {record.seq}, byte {i - at}"
