"""The sealed folder: whose it is, who else can look in, and how a file in it is read and written.

The folder is 0700 and its files are 0600: an account of its own, or the whole concealment is a promise. Where a system has no
such modes, nothing is sealed; a report reads the exported ``ledger.json`` there as anywhere.
"""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from esld.errors import InputError
from esld.targets import SEALED as SEALED
from esld.targets import empty_folder

LEDGER = "ledger.sqlite"

if sys.platform == "win32":
    raise InputError(
        "the sealed folder",
        "must be kept where files have an owner and a mode",
        "Windows",
        remedy="Run esld randomise on Linux or macOS; reports are made on Windows too.",
    )


def check_private(folder: Path) -> None:
    """Refuse a folder or a file in it that others can read, write or enter.

    Raises
    ------
    esld.errors.InputError
        No such folder, no sealed design in it, or a mode that lets others in.
    """
    for path, kind in (
        (folder, stat.S_ISDIR),
        (folder / SEALED, stat.S_ISREG),
        (folder / LEDGER, stat.S_ISREG),
    ):
        try:
            status = path.lstat()
        except PermissionError:
            rule = "must be readable by the account that allocates"
            raise InputError(str(path), rule, remedy="Run the command as that account (sudo -u).") from None
        except OSError:
            raise InputError(str(path), "must exist", remedy=_missing(path)) from None
        if not kind(status.st_mode):
            rule = "must be a folder" if path == folder else "must be a plain file, not a link"
            raise InputError(str(path), rule, remedy="Give the sealed folder itself.")
        _private(path, status)
    for path in folder.glob(f"{LEDGER}-*"):  # the write-ahead log, while somebody has the ledger open
        try:
            _private(path, path.lstat())
        except FileNotFoundError:
            continue


def _private(path: Path, status: os.stat_result) -> None:
    if (mode := stat.S_IMODE(status.st_mode)) & 0o077:
        wanted = "700" if stat.S_ISDIR(status.st_mode) else "600"
        rule = f"must be open to its owner alone (mode {wanted})"
        raise InputError(
            str(path), rule, f"mode {mode:o}", remedy=f"chmod {wanted} {path}; find out who read it."
        )


def _missing(path: Path) -> str:
    if path.name == LEDGER:
        return "Restore the ledger from its backup; a second one is never opened on the same list."
    return "Check --folder, or seal a design first."


def read_private(path: Path) -> bytes:
    """The bytes of a file of the folder, never through a link.

    Raises
    ------
    esld.errors.InputError
        It cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise InputError(str(path), "must be readable", error.strerror, remedy="Check the account.") from None
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def make_folder(folder: Path) -> None:
    """A new folder, or an empty one that is private already.

    Raises
    ------
    esld.errors.InputError
        It holds something, others can look in, or it cannot be made.
    esld.errors.RefusedError
        It lies in what another part keeps.
    """
    try:
        empty_folder(folder, command="esld randomise")
        folder.mkdir(mode=0o700, parents=False, exist_ok=True)
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode):
            raise InputError(str(folder), "must be a folder", remedy="Name another one.")
        _private(folder, status)
    except OSError as error:
        raise InputError(
            str(folder), "must be a folder to write in", error.strerror, remedy="Check it."
        ) from None


@contextmanager
def new_folder(folder: Path) -> Iterator[list[Path]]:
    """See :func:`make_folder`; where filling it fails, what the caller has listed as its own goes again.

    Not what else is in it: two commands may have been given the same folder at once, and one of them found the other's ledger.
    """
    there_before, own = folder.exists(), list[Path]()
    make_folder(folder)
    try:
        yield own
    except InputError:
        for path in own:
            path.unlink(missing_ok=True)
        if not there_before:
            with suppress(OSError):
                folder.rmdir()
        raise


def write_private(path: Path, content: bytes) -> None:
    """Write a new file, 0600 from its first moment, durably and never over another.

    Raises
    ------
    esld.errors.InputError
        The file exists or the disk does not take it; then nothing is left behind.
    """
    descriptor = -1
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.parent)
    except OSError as error:
        if descriptor >= 0:
            path.unlink(missing_ok=True)
        raise InputError(
            str(path), "must be written", error.strerror, remedy="Check disk and folder."
        ) from None


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_outside(folder: Path, protocol: Path) -> None:
    """Refuse a sealed folder that a repository or the working copy of the protocol would take in.

    Raises
    ------
    esld.errors.InputError
        It lies below a git work tree, or below the folder that holds the protocol's ``params``.
    """
    place, trial = folder.resolve(), protocol.resolve()
    trees = [parent for parent in (place, *place.parents) if (parent / ".git").exists()]
    copies = [parent.parent for parent in trial.parents if parent.name == "params"]
    for tree in (*trees, *copies, trial.parent):
        if place.is_relative_to(tree):
            rule = "must lie outside every repository and working copy"
            raise InputError(str(folder), rule, remedy="Use a folder of the account that allocates.")
