"""All or nothing: a staged report takes the published one's place in one step; a failed run is kept aside."""

import ctypes
import errno
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from esld.errors import InputError, RefusedError

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_RENAME_SWAP = 2
FAILURE = "failure.txt"


@contextmanager
def locked(outputs: Path, cut: str) -> Iterator[None]:
    """Hold the cut's lock; the system lets go of it when the process dies.

    Raises
    ------
    esld.errors.RefusedError
        Another run of the same cut is under way.
    esld.errors.InputError
        The folder of published reports cannot be made or written to.
    """
    lock = FileLock(outputs / f".{cut}.lock")
    try:
        outputs.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise RefusedError(f"cut {cut} is being run by another process; wait until it has ended.") from None
    except OSError as error:
        rule, remedy = "must be a folder that can be written to", "Choose another with --outputs."
        raise InputError("outputs", rule, str(outputs), str(error.strerror), remedy) from None
    try:
        recover(outputs, cut)
        yield
    finally:
        lock.release()


def staging_folder(outputs: Path, cut: str) -> Path:
    """An empty folder on the published one's file system, so that a rename can move it there.

    Its name is new each time: a kernel that outlives a killed run by a moment must not write into the next.
    """
    parent = outputs / ".staging" / cut
    shutil.rmtree(parent, ignore_errors=True)
    folder = parent / secrets.token_hex(4)
    folder.mkdir(parents=True)
    return folder


def publish(staged: Path, outputs: Path, cut: str) -> Path:
    """Put a staged folder in the published one's place.

    Where the system can exchange two folders in one step (Linux, macOS), there is no moment without a report.
    Elsewhere the old one is first set aside under a name from which :func:`recover` puts it back if the run
    dies between the two renames.
    """
    target = outputs / cut
    if not target.exists():
        os.replace(staged, target)
    elif exchange(staged, target):
        shutil.rmtree(staged, ignore_errors=True)
    else:
        aside = _aside(outputs, cut)
        os.replace(target, aside)  # nothing is there: `recover` ran when the lock was taken
        try:
            os.replace(staged, target)
        except OSError:
            os.replace(aside, target)
            raise
        shutil.rmtree(aside, ignore_errors=True)
    return target


def recover(outputs: Path, cut: str) -> None:
    """Undo a publication that died half-way: the set-aside report goes back if its place is empty."""
    aside, target = _aside(outputs, cut), outputs / cut
    if aside.exists():
        if target.exists():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            os.replace(aside, target)


def keep_failed(staged: Path, outputs: Path, cut: str, reason: str) -> Path:
    """Move a failed run to ``outputs/.failed/<cut>``, in place of an earlier one, with its reason."""
    with suppress(OSError):  # such as a full disk
        (staged / FAILURE).write_text(f"{reason}\n", encoding="utf-8")
    failed = outputs / ".failed" / cut
    shutil.rmtree(failed, ignore_errors=True)
    failed.parent.mkdir(parents=True, exist_ok=True)
    os.replace(staged, failed)
    return failed


def exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; false where the system or the file system cannot."""
    try:
        if sys.platform == "linux":
            call = ctypes.CDLL(None, use_errno=True).renameat2
            arguments = (_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
        elif sys.platform == "darwin":
            call = ctypes.CDLL(None, use_errno=True).renamex_np
            arguments = (os.fsencode(one), os.fsencode(other), _RENAME_SWAP)
        else:
            return False
    except (AttributeError, OSError):
        return False
    if call(*arguments) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(code, os.strerror(code), str(other))


def _aside(outputs: Path, cut: str) -> Path:
    return outputs / f".{cut}.previous"
