"""The ledger: the next slot once, everything recorded, everything else refused with nothing written."""

import os
import resource
import shutil
import sqlite3
from dataclasses import replace
from datetime import timedelta, timezone
from hashlib import sha256

import pytest

from esld.allocation.attempts import BEGUN, LOCKED, MOST, PUT_BACK, REFUSED
from esld.allocation.audit import audit
from esld.allocation.folder import LEDGER, SEALED
from esld.allocation.ledger import Ledger, open_list
from esld.allocation.record import Record
from esld.allocation.stamp import account
from esld.errors import InputError, RefusedError
from tests.allocation.small_list import ELIGIBLE, TickingClock, design, filled, opened, receipt


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "sealed"


@pytest.fixture
def clock():
    ticking = TickingClock()
    ticking.now += timedelta(minutes=5)
    return ticking


@pytest.fixture
def ledger(folder, clock):
    opened(folder, list_design=design(slots=4, strata={"SITE": ("1", "2")}))
    with Ledger(folder, clock=clock, who="anna") as made:
        yield made


@pytest.fixture
def masked(folder, clock):
    opened(folder, masked=True)
    with Ledger(folder, clock=clock, who="anna") as made:
        made.assign("001", stratum="all", answers=ELIGIBLE)
        yield made


class TestAssign:
    def test_slots_follow_the_list_of_their_stratum(self, ledger):
        given = [ledger.assign(f"{i}", stratum=f"SITE={1 + i % 2}", answers=ELIGIBLE) for i in range(8)]
        for site in ("SITE=1", "SITE=2"):
            mine = [r for r in given if r.stratum == site]
            assert [r.slot for r in mine] == [1, 2, 3, 4]
            assert [r.arm for r in mine] == [slot.arm for slot in ledger.sealed.slots[site]]
        assert [r.seq for r in given] == list(range(2, 10))

    def test_the_record(self, ledger, clock):
        first = ledger.records()[0]
        record = ledger.assign("001", stratum="SITE=1", answers={"IN01": "Y", "EX01": "false"})
        assert record == Record(
            seq=2,
            at="2026-03-01T23:05:01.000000Z",
            day=clock.now.date().isoformat(),
            who="anna",
            kind="assignment",
            subject="001",
            stratum="SITE=1",
            slot=1,
            arm=ledger.sealed.slots["SITE=1"][0].arm,
            details={"IN01": "yes", "EX01": "no"},
            previous=first.hash,
            hash=record.expected_hash(),
        )
        assert ledger.records() == [first, record]
        assert ledger.assignment("001") == record

    def test_the_day_is_that_of_the_office(self, ledger, clock):
        """23:05 UTC on 1 March is 07:05 on 2 March in Shenyang."""
        clock.now = clock.now.astimezone(timezone(timedelta(hours=8)))
        record = ledger.assign("001", stratum="SITE=1", answers=ELIGIBLE)
        assert (record.day, record.at[:10]) == ("2026-03-02", "2026-03-01")

    def test_a_masked_trial_gives_a_kit_and_nowhere_an_arm(self, masked, folder):
        record = masked.assign("002", stratum="all", answers=ELIGIBLE)
        assert (record.arm, record.kit) == ("", masked.sealed.slots["all"][1].kit)
        masked.close()
        assert b"LOW" not in (folder / LEDGER).read_bytes()
        assert b"HIGH" not in (folder / LEDGER).read_bytes()

    def test_two_ledgers_open_at_once_take_turns(self, ledger, folder, clock):
        with Ledger(folder, clock=clock, who="ben") as other:
            for i in range(4):
                (ledger if i % 2 else other).assign(f"{i}", stratum="SITE=1", answers=ELIGIBLE)
        assert [r.slot for r in ledger.records()[1:]] == [1, 2, 3, 4]

    def test_answers_unchanged(self, ledger):
        answers = {"IN01": "YES", "EX01": "N"}
        ledger.assign("1", stratum="SITE=1", answers=answers)
        assert answers == {"IN01": "YES", "EX01": "N"}


class TestRefused:
    """One line, nothing written."""

    @pytest.fixture(autouse=True)
    def nothing_written(self, ledger):
        ledger.assign("001", stratum="SITE=1", answers=ELIGIBLE)
        before = ledger.records()
        yield
        assert ledger.records() == before

    @pytest.mark.parametrize(
        ("subject", "stratum", "answers", "error", "said"),
        [
            (
                "001",
                "SITE=2",
                ELIGIBLE,
                RefusedError,
                "subject 001 was assigned already, on .* \\(record 2\\)",
            ),
            ("002", "SITE=3", ELIGIBLE, InputError, "stratum must be a stratum of the design"),
            (
                "002",
                "SITE=1",
                {"IN01": "yes"},
                InputError,
                "every criterion must be answered, got none for EX01",
            ),
            (
                "002",
                "SITE=1",
                {"IN01": "yes", "EX01": "yes"},
                RefusedError,
                "not eligible: EX01 answered yes",
            ),
            ("002", "SITE=1", {"IN01": "no", "EX01": "no"}, RefusedError, "not eligible: IN01 answered no"),
            (
                "002",
                "SITE=1",
                {**ELIGIBLE, "IN09": "yes"},
                InputError,
                "answered by its id in the protocol, got IN09",
            ),
            (
                "002",
                "SITE=1",
                {**ELIGIBLE, "IN01": "maybe"},
                InputError,
                "the answer to IN01 must be yes or no",
            ),
            ("", "SITE=1", ELIGIBLE, InputError, "subject must be letters"),
            ("a b", "SITE=1", ELIGIBLE, InputError, "subject must be letters"),
            ("0" * 41, "SITE=1", ELIGIBLE, InputError, "subject must be letters"),
        ],
    )
    def test_what_was_asked(self, ledger, subject, stratum, answers, error, said):
        with pytest.raises(error, match=said) as told:
            ledger.assign(subject, stratum=stratum, answers=answers)
        assert "\n" not in str(told.value)

    def test_a_clock_going_backwards(self, ledger, clock):
        clock.now -= timedelta(hours=1)
        with pytest.raises(RefusedError, match=r"the clock says .* before the last record"):
            ledger.assign("002", stratum="SITE=1", answers=ELIGIBLE)


class TestExhausted:
    def test_the_list_says_so(self, ledger):
        for i in range(4):
            ledger.assign(f"{i}", stratum="SITE=1", answers=ELIGIBLE)
        with pytest.raises(RefusedError, match=r"list of stratum SITE=1 is used up \(4 of 4 slots\)"):
            ledger.assign("5", stratum="SITE=1", answers=ELIGIBLE)
        assert ledger.assign("5", stratum="SITE=2", answers=ELIGIBLE).slot == 1


class TestClock:
    def test_a_wrong_clock_is_put_right_with_a_record(self, ledger, clock):
        clock.now += timedelta(days=3650)
        ledger.assign("001", stratum="SITE=1", answers=ELIGIBLE)
        clock.now -= timedelta(days=3650)
        ledger.correct_clock(reason="year was wrong after a battery change")
        assert ledger.assign("002", stratum="SITE=1", answers=ELIGIBLE).slot == 2


class TestNotes:
    def test_a_wrong_stratum_is_recorded_and_the_assignment_stays(self, ledger):
        given = ledger.assign("001", stratum="SITE=1", answers=ELIGIBLE)
        record = ledger.correct("001", stratum="SITE=2", reason="site was mistyped")
        assert (record.kind, record.stratum, record.slot) == ("correction", "SITE=2", 0)
        assert ledger.assignment("001") == given
        assert ledger.assign("002", stratum="SITE=2", answers=ELIGIBLE).slot == 1
        with pytest.raises(InputError, match="must differ from the one assigned"):
            ledger.correct("001", stratum="SITE=1", reason="once more")

    @pytest.mark.parametrize("kind", ["ineligible", "withdrawal"])
    def test_what_became_of_a_patient(self, ledger, kind):
        ledger.assign("001", stratum="SITE=1", answers=ELIGIBLE)
        record = ledger.note(kind, "001", reason="  found  later ")
        assert (record.kind, record.subject, record.details) == (kind, "001", {"reason": "found later"})

    def test_of_an_unassigned_subject_or_without_a_reason(self, ledger):
        with pytest.raises(InputError, match="subject '009' must be assigned"):
            ledger.note("withdrawal", "009", reason="left")
        ledger.assign("001", stratum="SITE=1", answers=ELIGIBLE)
        with pytest.raises(InputError, match="reason must be given"):
            ledger.note("withdrawal", "001", reason="  ")
        with pytest.raises(InputError, match="a note must be ineligible or withdrawal"):
            ledger.note("unblinding", "001", reason="by the back door")
        assert len(ledger.records()) == 2


class TestUnblind:
    def test_once_and_for_all(self, masked):
        record, arm = masked.unblind("001", reason="anaphylaxis")
        assert arm == masked.sealed.slots["all"][0].arm
        assert (record.kind, record.details) == ("unblinding", {"reason": "anaphylaxis"})
        with pytest.raises(RefusedError, match=f"001 was unblinded already, on {record.day} \\(record 3\\)"):
            masked.unblind("001", reason="again")
        assert masked.records()[-1] == record

    def test_nobody_is_unblinded_without_an_assignment(self, masked):
        with pytest.raises(InputError, match="subject '002' must be assigned"):
            masked.unblind("002", reason="curious")

    def test_an_open_trial_has_no_code(self, ledger):
        with pytest.raises(InputError, match="unblinding must be of a masked trial"):
            ledger.unblind("001", reason="emergency")


class TestAltered:
    """List or ledger is not what it was: refused before anything is given out."""

    def change(self, folder, statement, *values):
        with sqlite3.connect(folder / LEDGER) as connection:
            for guard in ("no_update", "no_delete"):
                connection.execute(f"DROP TRIGGER {guard}")
            connection.execute(statement, values)
            connection.execute(
                "CREATE TRIGGER no_update BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'records are final'); END"
            )
            connection.execute(
                "CREATE TRIGGER no_delete BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'records are final'); END"
            )
        connection.close()

    def test_a_ledger_altered_before(self, folder):
        filled(folder, 5)
        self.change(folder, "UPDATE log SET subject = '099' WHERE seq = 3")
        with pytest.raises(
            RefusedError, match=r"altered: record 3 is not what was written.*Nothing is assigned"
        ):
            Ledger(folder)

    @pytest.mark.parametrize(
        "statement", ["UPDATE log SET who = 'x' WHERE seq = 2", "DELETE FROM log WHERE seq = 2"]
    )
    def test_a_ledger_altered_meanwhile(self, ledger, folder, statement):
        ledger.assign("001", stratum="SITE=1", answers=ELIGIBLE)
        self.change(folder, statement)
        with pytest.raises(RefusedError, match="altered"):
            ledger.assign("002", stratum="SITE=1", answers=ELIGIBLE)

    def test_a_list_altered_meanwhile(self, ledger, folder):
        text = (folder / SEALED).read_text(encoding="utf-8")
        (folder / SEALED).write_text(text.replace('"arm":"LOW"', '"arm":"HIGH"', 1), encoding="utf-8")
        with pytest.raises(RefusedError, match="altered: the sealed design does not give its commitment"):
            ledger.assign("001", stratum="SITE=1", answers=ELIGIBLE)

    def test_another_good_list_in_its_place(self, ledger, folder, tmp_path):
        opened(tmp_path / "other", list_design=design(slots=4, strata={"SITE": ("1", "2")}))
        os.replace(tmp_path / "other" / SEALED, folder / SEALED)
        with pytest.raises(RefusedError, match="the sealed design was exchanged"):
            ledger.assign("001", stratum="SITE=1", answers=ELIGIBLE)
        with pytest.raises(RefusedError, match="record 1 opens another ledger or list"):
            Ledger(folder)

    def test_a_ledger_file_exchanged_meanwhile(self, ledger, folder):
        shutil.copyfile(folder / LEDGER, folder / "copy")
        os.replace(folder / "copy", folder / LEDGER)
        with pytest.raises(RefusedError, match="exchanged while it was open"):
            ledger.assign("001", stratum="SITE=1", answers=ELIGIBLE)

    @pytest.mark.parametrize("statement", ["DROP TRIGGER no_delete", "DROP INDEX one_assignment_a_slot"])
    def test_guards_removed(self, folder, statement):
        opened(folder)
        with sqlite3.connect(folder / LEDGER) as connection:
            connection.execute(statement)
        connection.close()
        with pytest.raises(RefusedError, match="guards are not as they were made"):
            Ledger(folder)

    @pytest.mark.parametrize("statement", ["UPDATE log SET who = 'x'", "DELETE FROM log"])
    def test_the_guards_stop_accidents(self, folder, statement):
        opened(folder)
        connection = sqlite3.connect(folder / LEDGER)
        with pytest.raises(sqlite3.IntegrityError, match="records are final"):
            connection.execute(statement)
        connection.close()

    def test_what_is_no_database(self, folder):
        opened(folder)
        (folder / LEDGER).write_bytes(b"not a database, " * 100)
        with pytest.raises(RefusedError, match="the ledger's file is damaged"):
            Ledger(folder)

    def test_an_empty_file(self, folder):
        opened(folder)
        (folder / LEDGER).write_bytes(b"")
        with pytest.raises(RefusedError, match="altered"):
            Ledger(folder)


class TestOneLedger:
    def test_a_folder_in_use_takes_no_second_list(self, folder):
        sealed = opened(folder)
        with pytest.raises(InputError, match="must be a new or empty folder"):
            open_list(folder, sealed)

    def test_a_lost_ledger_is_restored_and_never_made_anew(self, folder):
        opened(folder)
        (folder / LEDGER).unlink()
        with pytest.raises(InputError, match="a second one is never opened on the same list"):
            Ledger(folder)
        assert not (folder / LEDGER).exists()

    def test_the_ledger_of_another_list_is_refused(self, folder, tmp_path):
        opened(folder)
        opened(tmp_path / "other")
        shutil.copyfile(tmp_path / "other" / LEDGER, folder / LEDGER)
        with pytest.raises(RefusedError, match="record 1 opens another ledger or list"):
            Ledger(folder)


class TestModes:
    @pytest.mark.parametrize(
        ("name", "mode", "remedy"),
        [(".", 0o750, "chmod 700"), (SEALED, 0o640, "chmod 600"), (LEDGER, 0o604, "chmod 600")],
    )
    def test_others_can_look_in(self, folder, name, mode, remedy):
        opened(folder)
        (folder / name).chmod(mode)
        with pytest.raises(InputError, match=f"must be open to its owner alone.*got mode {mode:o}.*{remedy}"):
            Ledger(folder)

    def test_the_write_ahead_log_too(self, ledger, folder):
        ledger.assign("001", stratum="SITE=1", answers=ELIGIBLE)
        (folder / f"{LEDGER}-wal").chmod(0o644)
        with pytest.raises(InputError, match="sqlite-wal must be open to its owner alone"):
            Ledger(folder)

    def test_opened_up_while_the_ledger_is_open(self, ledger, folder):
        (folder / SEALED).chmod(0o644)
        with pytest.raises(InputError, match="must be open to its owner alone"):
            ledger.assign("001", stratum="SITE=1", answers=ELIGIBLE)

    def test_all_files_are_private_whatever_the_umask(self, tmp_path, clock):
        before = os.umask(0)
        try:
            opened(tmp_path / "a")
            with Ledger(tmp_path / "a", clock=clock) as ledger:
                ledger.assign("001", stratum="all", answers=ELIGIBLE)
                modes = {p.name: p.stat().st_mode & 0o777 for p in (tmp_path / "a").iterdir()}
        finally:
            os.umask(before)
        assert len(modes) == 4
        assert set(modes.values()) == {0o600}


def in_child(work) -> str:
    """What a forked child says at its end, as an unprivileged account where the parent is root."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        said = "nothing"
        try:
            said = work()
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        finally:
            os.write(write, said.encode())
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


@pytest.fixture
def passable(tmp_path):
    """The way to the test's folder open to everybody, as long as the test runs."""
    opened_up = []
    for parent in (tmp_path, *tmp_path.parents):
        mode = parent.stat().st_mode & 0o777
        if parent.owner() == account() and not mode & 0o001:
            parent.chmod(mode | 0o011)
            opened_up.append((parent, mode))
    yield tmp_path
    for parent, mode in opened_up:
        parent.chmod(mode)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a second account")
def test_another_account_is_refused_in_one_line(passable):
    """Root sees no refusal: a child becomes nobody."""
    folder = passable / "sealed"
    opened(folder)

    def look():
        os.setgid(65534)
        os.setuid(65534)
        Ledger(folder)
        return "opened"

    said = in_child(look)
    assert said.startswith(f"InputError: {folder / SEALED} must be readable by the account that allocates")
    assert "\n" not in said


class TestDiskFull:
    def test_one_line_and_nothing_lost(self, folder, clock):
        """A child may write files up to the size that the log has after some assignments."""
        sealed = opened(folder)

        def fill():
            with Ledger(folder, clock=clock) as ledger:
                ledger.assign("001", stratum="all", answers=ELIGIBLE)
                resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, 12_000))
                for i in range(2, 22):
                    try:
                        ledger.assign(f"{i:03}", stratum="all", answers=ELIGIBLE)
                    except RefusedError as error:
                        return f"{i - 1} {error}"
            return "never full"

        done, _, said = in_child(fill).partition(" ")
        assert "cannot be written" in said
        assert "Nothing was assigned" in said
        assert "\n" not in said
        clock.now += timedelta(hours=1)
        with Ledger(folder, clock=clock) as ledger:
            assert len(ledger.register().assigned) == int(done) > 1
            assert ledger.assign("100", stratum="all", answers=ELIGIBLE).slot == int(done) + 1
            assert ledger.records()[0].details["commitment"] == sealed.root

    def test_no_room_for_the_list(self, folder):
        def seal_it():
            resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
            opened(folder)
            return "sealed"

        said = in_child(seal_it)
        assert said.startswith(("InputError", "RefusedError"))
        assert "\n" not in said
        assert not (folder / SEALED).exists()


class TestRecover:
    def test_a_restored_backup_is_completed_from_receipts(self, folder, clock):
        filled(folder, 3)
        shutil.copytree(folder, folder.with_name("backup"))
        with Ledger(folder, clock=clock) as ledger:
            late = [ledger.assign(f"{i:03}", stratum="all", answers=ELIGIBLE) for i in (4, 5)]
            late.append(ledger.note("withdrawal", "004", reason="moved away"))
            whole = ledger.records()
            late = [receipt(ledger.sealed, record) for record in late]
        with Ledger(folder.with_name("backup"), clock=clock) as restored:
            assert (
                restored.recover([late[2], late[0], receipt(restored.sealed, whole[2]), late[1], late[0]])
                == 3
            )
            assert restored.records() == whole
            assert restored.recover(late) == 0
            assert restored.assign("006", stratum="all", answers=ELIGIBLE).slot == 6

    @pytest.fixture
    def restored(self, folder, clock):
        """A backup of one assignment, and the receipts of three after it."""
        filled(folder, 1)
        shutil.copytree(folder, folder.with_name("backup"))
        with Ledger(folder, clock=clock) as ledger:
            late = [ledger.assign(f"{i:03}", stratum="all", answers=ELIGIBLE) for i in (2, 3, 4)]
        with Ledger(folder.with_name("backup"), clock=clock, who="ben") as made:
            yield made, [receipt(made.sealed, record) for record in late]

    def outcomes(self, ledger):
        return [each.details["outcome"] for each in ledger._log.records(table="attempts")]

    @pytest.mark.parametrize(
        "given",
        [
            pytest.param(lambda late: [late[0], late[2]], id="one missing"),
            pytest.param(lambda late: [guessed(late[0])], id="guessed"),
            pytest.param(lambda late: [guessed(late[0]), guessed(late[1])], id="guessed twice"),
            pytest.param(lambda late: [late[0], replace(late[1], signed="")], id="unsigned"),
            pytest.param(lambda late: [late[0], replace(late[1], ledger="0" * 16)], id="another ledger's"),
            pytest.param(lambda late: [replace(each, record=None) for each in late], id="not whole"),
            pytest.param(lambda late: [late[0], replace(late[2], record=None)], id="not whole and missing"),
        ],
    )
    def test_every_refusal_is_the_same_and_recorded(self, restored, given):
        made, late = restored
        before = made.records()
        with pytest.raises(RefusedError) as told:
            made.recover(given(late))
        assert str(told.value) == REFUSED
        assert made.records() == before
        assert self.outcomes(made) == [BEGUN]
        assert made.recover(late) == 3
        assert self.outcomes(made) == [BEGUN, BEGUN, PUT_BACK]
        assert {each.who for each in made._log.records(table="attempts")} == {"ben"}

    def test_a_receipt_of_another_past(self, folder, clock):
        filled(folder, 1)
        shutil.copytree(folder, folder.with_name("other"))
        with Ledger(folder, clock=clock) as ledger, Ledger(folder.with_name("other"), clock=clock) as other:
            ledger.assign("002", stratum="all", answers=ELIGIBLE)
            theirs = other.assign("003", stratum="all", answers=ELIGIBLE)
            with pytest.raises(RefusedError) as told:
                ledger.recover([receipt(other.sealed, theirs)])
        assert str(told.value) == REFUSED

    def test_some_refused_in_a_row_lock_it_until_the_sealed_file_is_shown(self, restored, folder):
        made, late = restored
        for _ in range(MOST):
            with pytest.raises(RefusedError, match="were not put back"):
                made.recover([guessed(late[0])])
        code = sha256((folder / SEALED).read_bytes()).hexdigest()
        for release in ("", "0" * 64, "é"):
            with pytest.raises(RefusedError) as told:
                made.recover(late, release=release)
            assert str(told.value) == LOCKED
        with pytest.raises(RefusedError, match="were not put back"):
            made.recover([guessed(late[0])], release=code)
        with pytest.raises(RefusedError, match="is locked"):
            made.recover(late)
        assert made.recover(late[:1], release=f" {code.upper()}\n") == 1
        assert made.recover(late) == 2
        found = audit(folder.with_name("backup"), late)
        assert (found.faults, found.attempts, found.refused) == ((), 10, 0)

    def test_what_lacks_nothing_neither_locks_nor_releases(self, restored):
        made, late = restored
        known = [receipt(made.sealed, record) for record in made.records()]
        for _ in range(MOST - 1):
            with pytest.raises(RefusedError, match="were not put back"):
                made.recover([guessed(late[0])])
            assert [made.recover(known) for _ in range(MOST)] == [0] * MOST
        with pytest.raises(RefusedError, match="were not put back"):
            made.recover([guessed(late[0])])
        with pytest.raises(RefusedError, match="is locked"):
            made.recover(known)

    def test_one_broken_off_counts(self, restored, monkeypatch):
        """As by an interrupt from the keyboard while it looks."""
        made, late = restored
        with monkeypatch.context() as patched:
            patched.setattr(Ledger, "_put_back", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            for _ in range(MOST):
                with pytest.raises(KeyboardInterrupt):
                    made.recover(late)
        with pytest.raises(RefusedError, match="is locked"):
            made.recover(late)

    def test_attempts_cannot_be_taken_back(self, restored):
        made, late = restored
        with pytest.raises(RefusedError, match="were not put back"):
            made.recover([guessed(late[0])])
        for statement in ("UPDATE attempts SET details = '{}'", "DELETE FROM attempts"):
            with pytest.raises(sqlite3.IntegrityError, match="attempts are final"):
                made._log._connection.execute(statement)
        made._log._connection.execute(
            "INSERT INTO attempts SELECT seq + 1, at, day, who, kind, subject, stratum, slot, arm, kit,"
            " replace(details, 'begun', 'put back'), previous, hash FROM attempts"
        )
        with pytest.raises(RefusedError, match="attempts to recover: record 2 is not what was written"):
            made.recover(late)
        assert "attempts to recover: record 2" in audit(made._folder).faults[0]


def guessed(late):
    """A receipt that goes on where the ledger ends, with an arm by guess and the signature of the true one."""
    record = replace(late.record, arm={"LOW": "HIGH", "HIGH": "LOW"}[late.record.arm]).sealed()
    return replace(late, record=record, hash=record.hash)
