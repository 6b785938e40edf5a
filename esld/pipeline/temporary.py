"""Folders for the time of a command: removed at its end, and after its violent end by the next command.

Connection files in them hold the keys by which a kernel takes commands, and a verification what a report shows. Whoever uses a
folder holds the lock in it, which the system takes back when the process is gone, so that nobody's folder is removed while it
is in use, in whatever container. The lock is the first thing in a folder: one that holds nothing else may be about to be held.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock

PREFIX = "esld-"
_LOCK = ".lock"


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder of this user's own, empty but for its lock; gone when the context ends, or this process does."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        with FileLock(folder / _LOCK, mode=0o600):
            _sweep(folder.parent)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(place: Path) -> None:
    """Remove what commands of this user left that are gone."""
    for folder in place.glob(f"{PREFIX}*"):
        with suppress(OSError):  # a lock that is held, too
            own = (
                sys.platform == "win32" or folder.stat().st_uid == os.getuid()
            )  # there the place is the user's
            if own and not folder.is_symlink() and (folder / _LOCK).is_file():
                with FileLock(folder / _LOCK, mode=0o600, blocking=False):
                    if any(each.name != _LOCK for each in folder.iterdir()):
                        shutil.rmtree(folder, ignore_errors=True)
