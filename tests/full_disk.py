"""A disk that is full from a moment on, as this process sees it."""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.pipeline.dying_run import CHANGES

_WATCHED: list[Callable[[str], None]] = []
_TO_WRITE = os.O_WRONLY | os.O_RDWR


def _watch(event: str, arguments: tuple) -> None:
    """Refuse what changes the file system, as `no_space` has it; a hook cannot be taken back."""
    if not _WATCHED or event not in CHANGES - {"os.remove", "os.rmdir"}:
        return
    if event == "open":
        _, mode, flags = arguments
        if not (set(mode) & set("wax+") if mode else flags & _TO_WRITE):
            return
    _WATCHED[-1](str(arguments[1] if event == "os.rename" else arguments[0]))


@contextmanager
def no_space(folder: Path, moment: int) -> Iterator[list[str]]:
    """From a number of changes below a folder on, nothing can be opened to be written, nor a folder be made."""
    if not hasattr(_watch, "added"):
        sys.addaudithook(_watch)
        _watch.added = True
    changes, refused = iter(range(10_000)), []

    def refuse(path: str) -> None:
        if path.startswith(str(folder)) and next(changes) >= moment and not Path(path).is_dir():
            refused.append(path)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    _WATCHED.append(refuse)
    try:
        yield refused
    finally:
        _WATCHED.clear()
