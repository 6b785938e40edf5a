"""Hashes: of a file, of this package, and of everything besides data and protocol that decides a result.

Everything is computed from the bytes that are there now. A process runs the code that it has loaded, so what is kept for
later must not be kept by one whose package was changed since it began: see :func:`code_as_loaded`.
"""

import hashlib
import os
import platform
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import esld

LOCK = "requirements.lock"
_NO_TEXT = {".otf", ".xlsx", ".xpt", ".parquet"}  # in which every byte counts
# Of the package but not its code: what ``esld init`` lays out, and exports, which are inputs where a cut names them.
_APART = {"share", "data/examples"}


def sha256(path: Path) -> str:
    """Hash of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def text_sha256(path: Path) -> str:
    """Hash of a text file's bytes with line ends as :func:`canonical` has them.

    A changed line end is no changed input; every other byte counts.
    """
    return hashlib.sha256(canonical(path.read_bytes())).hexdigest()


def content_sha256(path: Path) -> str:
    """Hash of a file as a text, or of its bytes where its suffix says that it is none."""
    return (sha256 if path.suffix.lower() in _NO_TEXT else text_sha256)(path)


def canonical(raw: bytes) -> bytes:
    r"""A text file's bytes with every line end (``\r\n``, ``\r``) as ``\n``; nothing else is touched.

    A checkout, an editor or a mail program may change line ends, and nothing that a report is made of reads them apart:
    tables (a line end inside a cell too), YAML, JSON and Python are all read with line ends translated. So what is
    hashed is what is read, and two files with the same canonical bytes give the same report. Good for UTF-8 and
    GB18030, in which these two bytes are never part of another character; never for a workbook or a picture.
    """
    return raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in raw else raw


def digest(hashes: Mapping[str, str]) -> str:
    """One hash over named hashes."""
    lines = "".join(f"{value}  {name}\n" for name, value in sorted(hashes.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def package_digest() -> str:
    """One hash over the package: code, words, tables, theme and fonts, with any line ends; not the example exports."""
    root = Path(esld.__file__).parent
    return digest({name: _content_sha256(f"{root}{os.sep}{name}") for name in _files(root)})


def _content_sha256(path: str) -> str:
    """As :func:`content_sha256`; of hundreds of files the paths take longer than the bytes."""
    with open(path, "rb", buffering=0) as file:
        raw = file.read()
    exact = os.path.splitext(path)[1].lower() in _NO_TEXT
    return hashlib.sha256(raw if exact else canonical(raw)).hexdigest()


def code_digest(root: Path) -> str:
    """One hash over all that decides a result besides data, protocol and cut.

    Parameters
    ----------
    root : Path
        The working copy, for its lock.

    Returns
    -------
    str
        Of the package, the lock (or that there is none), Python, the version of every installed distribution, and the
        processor with what it can do, because the last bit of a sum may depend on it.
    """
    lock = root / LOCK
    return digest({
        "package": package_digest(),
        "lock": text_sha256(lock) if lock.is_file() else "",
        "python": f"{sys.implementation.name} {sys.version}",
        "platform": f"{sys.platform} {platform.machine()} {sys.byteorder} {_processor()}",
        "installed": " ".join(sorted(set(_installed()))),
    })  # fmt: skip


def code_as_loaded() -> bool:
    """Whether no file of the package was changed since this process began, so that :func:`code_digest` is of what it runs."""
    root = Path(esld.__file__).parent
    stats = (os.stat(f"{root}{os.sep}{name}") for name in _files(root))
    return all(max(s.st_mtime, s.st_ctime) < _BEGUN for s in stats)


def _files(root: Path) -> Iterator[str]:
    """Every file of the package that is no compiled one and not apart, by its name from there."""
    for place, folders, names in os.walk(root):
        here = "" if (inside := Path(place).relative_to(root)) == Path() else f"{inside.as_posix()}/"
        folders[:] = [f for f in folders if f != "__pycache__" and f"{here}{f}" not in _APART]
        yield from (f"{here}{name}" for name in names if not name.endswith(".pyc"))


def _installed() -> Iterator[str]:
    """Name and version of every distribution that this process can import: of their folders, which is quick."""
    for place in sys.path:
        if os.path.isdir(place):
            yield from (name for name in os.listdir(place) if name.endswith(".dist-info"))


def _processor() -> str:
    """What the first processor can do, where the system tells."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as facts:
            return next((line for line in facts if line.startswith(("flags", "Features"))), "").strip()
    except OSError:
        return ""


def _begun() -> float:
    """When this process began, on the clock of the file system; a little earlier where the system does not tell."""
    try:
        ticks = int(Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])
        return time.time() - (time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"))
    except (OSError, AttributeError, ValueError, IndexError):
        return time.time() - 10


_BEGUN = _begun()  # at import: a forked process runs what the one before it loaded
