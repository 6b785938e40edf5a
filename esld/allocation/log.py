"""The ledger's file: an SQLite table to which records are appended, each in one durable transaction; and one of attempts.

Write-ahead log with ``synchronous=FULL``: a transaction is on the disk when COMMIT returns, with one fsync, and is gone
whole when a process or the machine dies before. Triggers forbid changes; they guard against accidents, the chain of hashes
finds what is done on purpose.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote

from esld import jsonfile
from esld.allocation.commitment import canonical
from esld.allocation.folder import LEDGER, sync_folder, write_private
from esld.allocation.record import FIELDS, Record, record_of
from esld.errors import RefusedError

BUSY_SECONDS = 30
Table = Literal["log", "attempts"]
_COLUMNS = (
    "(seq INTEGER PRIMARY KEY, at TEXT NOT NULL, day TEXT NOT NULL, who TEXT NOT NULL,"
    " kind TEXT NOT NULL, subject TEXT NOT NULL, stratum TEXT NOT NULL, slot INTEGER NOT NULL, arm TEXT NOT NULL,"
    " kit TEXT NOT NULL, details TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL) STRICT"
)
_SCHEMA = (
    f"CREATE TABLE log {_COLUMNS}",
    f"CREATE TABLE attempts {_COLUMNS}",
    "CREATE TRIGGER no_update_of_attempts BEFORE UPDATE ON attempts BEGIN SELECT RAISE(ABORT, 'attempts are final'); END",
    "CREATE TRIGGER no_delete_of_attempts BEFORE DELETE ON attempts BEGIN SELECT RAISE(ABORT, 'attempts are final'); END",
    "CREATE UNIQUE INDEX one_assignment_a_subject ON log (subject) WHERE kind = 'assignment'",
    "CREATE UNIQUE INDEX one_assignment_a_slot ON log (stratum, slot) WHERE kind = 'assignment'",
    "CREATE TRIGGER no_update BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'records are final'); END",
    "CREATE TRIGGER no_delete BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'records are final'); END",
)


class UnreadableError(RefusedError):
    """The file, or a record of it, is not what the ledger wrote."""


class Log:
    """An open ledger file.

    Parameters
    ----------
    folder : Path
        The sealed folder.
    read_only : bool, default False
        For an audit, which must not change what it looks at.

    Raises
    ------
    UnreadableError
        It is no ledger.
    esld.errors.RefusedError
        It is busy or the disk fails.
    """

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self._path = folder / LEDGER
        address = f"file:{quote(str(self._path.resolve()))}?mode=rw"  # a read-only one would leave its helper files behind
        with _explained(self._path):
            self._connection = sqlite3.connect(address, uri=True, isolation_level=None, timeout=BUSY_SECONDS)
            try:
                self._prepare(read_only)
            except BaseException:
                self._connection.close()
                raise
        self._inode = self._path.stat().st_ino

    def _prepare(self, read_only: bool) -> None:
        for setting in (
            "synchronous = FULL",
            "temp_store = MEMORY",
            "trusted_schema = OFF",
            "cell_size_check = ON",
        ):
            self._connection.execute(f"PRAGMA {setting}")
        found = self._connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")
        if tuple(row[0] for row in found) != _SCHEMA:
            raise UnreadableError("the ledger's table or its guards are not as they were made")
        self._connection.execute(f"PRAGMA query_only = {int(read_only)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def records(self, since: int = 0, *, table: Table = "log") -> Iterator[Record]:
        """Records from a number on, in order."""
        columns = ", ".join(FIELDS)
        with _explained(self._path):
            rows = self._connection.execute(
                f"SELECT {columns} FROM {table} WHERE seq >= ? ORDER BY seq", (since,)
            )
            for row in rows:
                yield _record(row)

    def damage(self) -> str:
        """What SQLite's own check finds wrong with the file; empty for nothing."""
        with _explained(self._path):
            (found,) = self._connection.execute("PRAGMA integrity_check(1)").fetchone()
        return "" if found == "ok" else f"the ledger's file is damaged ({_plain(found)})"

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, one writer at a time, on the disk when it ends."""
        with _explained(self._path):
            if not self._path.exists() or self._path.stat().st_ino != self._inode:
                raise UnreadableError("the ledger's file was exchanged while it was open")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def append(self, record: Record, *, table: Table = "log") -> None:
        """Add a record; call within :meth:`transaction`."""
        row = record.to_dict() | {"details": canonical(dict(record.details)).decode()}
        marks = ", ".join(f":{name}" for name in FIELDS)
        self._connection.execute(f"INSERT INTO {table} ({', '.join(FIELDS)}) VALUES ({marks})", row)

    def copy_to(self, target: Path) -> None:
        """A consistent copy, also while others write."""
        write_private(target, b"")
        with _explained(self._path), closing(sqlite3.connect(target, isolation_level=None)) as copy:
            self._connection.backup(copy)
        sync_folder(target.parent)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """SQLite's exceptions as ours."""
    try:
        yield
    except sqlite3.OperationalError as error:
        text = _plain(error)
        if any(word in text for word in ("locked", "busy")):
            told = f"has been in use for {BUSY_SECONDS} s. Nothing was written; try again."
            raise RefusedError(f"{path} {told}") from None
        if any(word in text for word in ("full", "disk I/O", "unable to open", "readonly")):
            told = f"cannot be written ({text}). Nothing was assigned; make room or check the disk."
            raise RefusedError(f"{path} {told}") from None
        raise UnreadableError(f"the ledger's file is damaged ({text})") from None
    except (sqlite3.Error, OverflowError, UnicodeError) as error:  # the last two while it reads damaged cells
        raise UnreadableError(f"the ledger's file is damaged ({_plain(error)})") from None


def _plain(error: object) -> str:
    """One printable line: SQLite quotes a damaged schema as it finds it."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(error)).split())


def _record(row: tuple[object, ...]) -> Record:
    values = dict(zip(FIELDS, row, strict=True))
    try:
        record = record_of(values | {"details": jsonfile.loads(str(values["details"]))})
    except ValueError:
        record = None
    if record is None or canonical(dict(record.details)).decode() != values["details"]:
        raise UnreadableError(f"record {values['seq']!r} is not of the form in which records are written")
    return record


def create_log(folder: Path, first: Record) -> None:
    """Make the ledger's file with its first record; never over another one."""
    path = folder / LEDGER
    write_private(path, b"")
    with _explained(path), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for setting in ("page_size = 1024", "journal_mode = WAL", "synchronous = FULL"):
            connection.execute(f"PRAGMA {setting}")
        connection.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA:
            connection.execute(statement)
        connection.execute("COMMIT")
    with Log(folder) as log, log.transaction():
        log.append(first)
    sync_folder(folder)
