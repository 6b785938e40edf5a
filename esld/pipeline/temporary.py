"""Folders for the time of a command: removed at its end, and after its violent end by the next command.

Connection files in them hold the keys by which a kernel takes commands, and a verification what a report shows. Whoever uses a
folder holds the lock in it, which the system takes back when the process is gone, so that nobody's folder is removed while it
is in use, in whatever container. The lock is the first thing in a folder: one that holds nothing else may be about to be held.
Where a system has no such locks (Windows), what a killed command left stays.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "esld-"
_LOCK = ".lock"


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder of this user's own, empty but for its lock; gone when the context ends, or this process does."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        with _held(folder / _LOCK, wait=True):
            _sweep(folder.parent)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _held(lock: Path, *, wait: bool) -> Iterator[None]:
    """Hold a lock.

    Raises
    ------
    OSError
        Somebody else holds it, and is not waited for.
    """
    descriptor = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(descriptor)


def _sweep(place: Path) -> None:
    """Remove what commands of this user left that are gone."""
    for folder in place.glob(f"{PREFIX}*") if sys.platform != "win32" else ():
        with suppress(OSError):
            own = not folder.is_symlink() and folder.stat().st_uid == os.getuid()
            if own and (folder / _LOCK).is_file():
                with _held(folder / _LOCK, wait=False):
                    if any(each.name != _LOCK for each in folder.iterdir()):
                        shutil.rmtree(folder, ignore_errors=True)
