"""The ledger's file: durable, one writer at a time, all or nothing."""

import sqlite3

import pytest

from esld.allocation import log as log_module
from esld.allocation.folder import LEDGER
from esld.allocation.log import Log, UnreadableError
from esld.allocation.record import Record
from esld.errors import RefusedError
from tests.allocation.small_list import filled


@pytest.fixture
def folder(tmp_path):
    filled(tmp_path / "sealed", 1)
    return tmp_path / "sealed"


def following(record: Record) -> Record:
    fields = record.to_dict() | {"seq": record.seq + 1, "kind": "clock", "previous": record.hash}
    return Record(**fields).sealed()


def test_every_commit_is_synced(folder):
    """synchronous = 2 is FULL: with a write-ahead log, one fsync a commit."""
    with Log(folder) as log:
        asked = [
            log._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("synchronous", "journal_mode")
        ]
    assert asked == [2, "wal"]


def test_an_exception_leaves_nothing_behind(folder):
    with Log(folder) as log:
        before = list(log.records())
        with pytest.raises(KeyboardInterrupt), log.transaction():
            log.append(following(before[-1]))
            raise KeyboardInterrupt
        assert list(log.records()) == before
        with log.transaction():
            log.append(following(before[-1]))
        assert len(list(log.records(since=3))) == 1


def test_a_ledger_in_use_says_so(folder, monkeypatch):
    monkeypatch.setattr(log_module, "BUSY_SECONDS", 0.05)
    with Log(folder) as first, Log(folder) as second, first.transaction():
        with pytest.raises(RefusedError, match="has been in use") as told, second.transaction():
            pass
        assert "Nothing was written" in str(told.value)


def test_an_audit_cannot_write(folder):
    with (
        Log(folder, read_only=True) as log,
        pytest.raises(RefusedError, match="cannot be written"),
        log.transaction(),
    ):
        log.append(following(next(iter(log.records(since=2)))))


@pytest.mark.parametrize("details", ["{}", '{"a": "b"}', '{"a":1}', "[]", "x", '{"a":"b","a":"c"}'])
def test_details_that_were_not_written_so(folder, details):
    connection = sqlite3.connect(folder / LEDGER, isolation_level=None)
    connection.execute(
        "INSERT INTO log SELECT seq + 1, at, day, who, 'clock', '', '', 0, '', '', ?, hash, hash FROM log WHERE seq = 2",
        (details,),
    )
    connection.close()
    with Log(folder) as log:
        if details == "{}":
            assert len(list(log.records())) == 3
        else:
            with pytest.raises(UnreadableError, match="record 3 is not of the form"):
                list(log.records())
