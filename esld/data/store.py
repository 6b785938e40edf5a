"""The loaded study, kept once per cut: every chapter of a run, and the next run, read it back instead of making it anew.

An entry's name is a hash of everything that decides what is in it, computed from the bytes that are there at every call, so
none can be out of date. An entry is believed only with the mark that its content gives. The folder may be deleted at any time,
in the middle of a run too; where it cannot be written to, everything goes without it. It holds what the cut's view shows and
no more, and each view has a folder of its own.

Names and marks are made with a random secret that stays in the folder: the arms of 22 patients can be guessed and tried against
a plain hash of a file that holds them.
"""

import hashlib
import hmac
import json
import os
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from esld import jsonfile
from esld.data.cutfile import CutFile, read_cut
from esld.data.fingerprint import code_as_loaded, code_digest
from esld.errors import InputError
from esld.targets import keeper_of

if TYPE_CHECKING:
    from esld.data.study import Study

CACHE = ".cache"  # in outputs/, hidden
SECRET = "secret"
KEPT = 20  # studies of one view: those used last stay
_ABANDONED = 3600  # seconds after which a file that nobody finished is taken for one that nobody will
_MARK = hashlib.sha256().digest_size


def study_key(file: CutFile) -> str:
    """Hash of everything that decides the study of a cut, with the working copy's secret.

    Parameters
    ----------
    file : CutFile
        The cut.

    Returns
    -------
    str
        64 hexadecimal digits, of the bytes that are there now: the cut file, the protocol, every file of the export and of
        its corrections, what :func:`esld.data.cutfile.previous_cut` looks at, the same of a previous cut that is of another
        export, and :func:`esld.data.fingerprint.code_digest`. The same in every process of a working copy from the first study
        that is kept there until the cache is deleted; until then of this process and those forked from it. Nothing is written.
    """
    return _evidence(file).key


def input_state(file: CutFile) -> str:
    """A mark of everything that decides the study of a cut, from what the system says of the files: nothing is read.

    Another one means that something may have changed. There is no content in it, and so nothing that could be guessed.
    """
    stamps = []
    for name, path in _inputs(file):
        with suppress(OSError):
            status = path.stat()
            stamps.append((name, status.st_size, status.st_mtime_ns))
    text = json.dumps([code_digest(file.root), file.cut.model_dump_json(), stamps])
    return hashlib.sha256(text.encode()).hexdigest()


def stored_study(file: CutFile) -> "Study":
    """The study of a cut as :func:`esld.data.study.load_study` makes it: from the store, else made and stored.

    Parameters
    ----------
    file : CutFile
        The cut.

    Returns
    -------
    Study
        Identical either way, and the caller's own.

    Raises
    ------
    esld.errors.InputError, esld.errors.RefusedError
        See :func:`esld.data.study.load_study`; a fault is never stored.
    """
    from esld.data.study import load_study

    seen, place = _evidence(file), _place(file)
    if not code_as_loaded():  # another package than the one that is hashed would make it
        return load_study(file)
    if (content := _read(place / seen.key, seen.key, _secret(cache_folder(file)))) is not None:
        return _study(content, file)
    study = load_study(file)
    if _evidence(file) == seen and code_as_loaded():
        with suppress(OSError, ValueError):
            _keep(place, seen.key, _content(study), cache_folder(file))
    return study


def is_as_made(study: "Study") -> bool:
    """Whether what is kept of a study that was just made is what was made; where nothing is kept, it is.

    Its mark says that a cache's owner wrote it, and not what from.
    """
    file = study.file
    kept = _read(_place(file) / study_key(file), study_key(file), _secret(cache_folder(file)))
    return kept is None or kept == _content(study)


def cache_folder(file: CutFile) -> Path:
    """Where a working copy keeps what it can make again; nothing is touched."""
    return file.root / "outputs" / CACHE


# --- what decides a study ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Evidence:
    """A study's key, and by file what the system says of it: a change that was undone shows in that."""

    key: str
    stamps: tuple[tuple[int, ...], ...]


def _evidence(file: CutFile) -> _Evidence:
    hashes = {"code": code_digest(file.root), "cut": file.cut.model_dump_json()}
    stamps = []
    for name, path in _inputs(file):
        hashes[name], stamp = _looked_at(path)
        stamps.append(stamp)
    text = json.dumps(hashes, sort_keys=True).encode()
    return _Evidence(hmac.new(_secret(cache_folder(file)), text, hashlib.sha256).hexdigest(), tuple(stamps))


def _inputs(file: CutFile) -> list[tuple[str, Path]]:
    """Every file that a study is made from, by a name that holds wherever the working copy lies."""
    data = file.data_path
    found = [("cut file", file.path), *((f"protocol {path.name}", path) for path in file.protocol_files)]
    if data.is_dir():
        for name in sorted(os.listdir(data)):
            # A folder in it is not read, but what lies in that is told.
            inside = sorted(os.listdir(data / name)) if (data / name).is_dir() else ""
            found.append((f"export/{name}{inside}", data / name))
    else:
        found += [(f"export {data.name}", data), ("ledger", file.ledger_path)]
    found += [(f"mapping {path.name}", path) for path in file.mapping_files]
    if corrections := file.overrides_path:
        found.append((f"corrections {corrections.name}", corrections))
    if answers := file.answers_path:
        found.append((f"answers {answers.name}", answers))
    if key := file.pseudonyms_path:
        found.append(("pseudonyms", key))
    if file.cut.previous:
        before = file.path.parent / f"{file.cut.previous}.yaml"
        found.append(("previous cut", before))
        with suppress(InputError, OSError):  # a faulty one: the load says so
            earlier = read_cut(before)
            found += [(f"protocol of the previous cut {path.name}", path) for path in earlier.protocol_files]
            if not earlier.is_of_same_export(file):
                found += [(f"previous {name}", path) for name, path in _inputs(earlier.alone)]
        if results := file.previous_results_path:  # whether they are there, not what they hold
            found.append((f"previous results: {results.is_file()}", results.parent))
    return found


def _looked_at(path: Path) -> tuple[str, tuple[int, ...]]:
    """Hash of a file, or why there is none, and its stamp."""
    if not path.is_file():  # a folder, a pipe, or nothing: what needs a file there says so
        return "no file", ()
    try:
        with path.open("rb", buffering=0) as opened:
            status = os.fstat(opened.fileno())
            hashed = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:  # so does what needs to read it
        return type(error).__name__, ()
    return hashed, (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@cache
def _secret(folder: Path) -> bytes:
    """The secret of a cache folder, or one of this process until :func:`_keep_secret`; a process stays with the first it saw."""
    return _secret_there(folder) or secrets.token_bytes(_MARK)


def _secret_there(folder: Path) -> bytes:
    try:
        found = (folder / SECRET).read_bytes()
    except OSError:
        return b""
    return found if len(found) == _MARK else b""


def _keep_secret(folder: Path) -> None:
    """Write the secret of this process.

    Raises
    ------
    OSError
        Another process has written its own meanwhile: what is kept under ours would never be found.
    """
    if (there := _secret_there(folder)) and there != _secret(folder):
        raise FileExistsError(f"{folder / SECRET} is of another process")
    if not there:
        _replace(folder / SECRET, _secret(folder))


# --- entries ----------------------------------------------------------------------------------------------------


def _place(file: CutFile) -> Path:
    return cache_folder(file) / "studies" / file.cut.view


def _read(path: Path, key: str, secret: bytes) -> bytes | None:
    """What an entry holds; None where there is none, or one whose mark is not that of its name and content."""
    try:
        raw = path.read_bytes()
        os.utime(path)  # used last
    except OSError:
        return None
    mark, content = raw[:_MARK], raw[_MARK:]
    return content if hmac.compare_digest(mark, _mark(key, content, secret)) else None


def _keep(place: Path, key: str, content: bytes, cache: Path) -> None:
    """Write an entry whole or not at all, and remove those that were not used for longest."""
    for folder in (cache, place.parent, place):
        _make_folder(folder)
    _keep_secret(cache)
    _replace(place / key, _mark(key, content, _secret(cache)) + content)
    aged = []
    for path in place.iterdir():
        with suppress(OSError):
            aged.append((path.stat().st_mtime, path))
    whole = sorted((each for each in aged if each[1].suffix != ".partial"), reverse=True)
    left = [each for each in aged if each[1].suffix == ".partial" and each[0] < time.time() - _ABANDONED]
    for _, path in (*whole[KEPT:], *left):
        path.unlink(missing_ok=True)


def _mark(key: str, content: bytes, secret: bytes) -> bytes:
    return hmac.new(secret, key.encode() + content, hashlib.sha256).digest()


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, for this user alone."""
    partial = path.with_name(f".{secrets.token_hex(8)}.partial")
    try:
        with open(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(content)
        os.replace(partial, path)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _make_folder(folder: Path) -> None:
    """Make a folder of the cache; outputs/ too, as a run would.

    Raises
    ------
    OSError
        It cannot be made, or it would lie in what another part keeps.
    """
    if folder.is_dir():
        return
    if keeper := keeper_of(folder):
        raise PermissionError(f"{folder} lies in {keeper}")
    if folder.name == CACHE:
        folder.parent.mkdir(exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


# --- a study as bytes -------------------------------------------------------------------------------------------

_DERIVED = ("adsl", "adlb", "adtte", "adce", "adae", "queries", "account")


def _content(study: "Study") -> bytes:
    """A study without its file: a line of JSON, and the tables.

    Raises
    ------
    ValueError
        It cannot be written so that it is read identically.
    """
    from esld.data.frames import frames_to_bytes
    from esld.protocol import Protocol

    frames = {f"tables/{name}": table for name, table in study.tables.items()}
    frames |= {name: getattr(study, name) for name in _DERIVED} | {"cut": study.cut_report.records}
    described, cells = frames_to_bytes(frames)
    record = {
        "frames": described,
        "undated": study.cut_report.undated,
        "subjects_after": study.cut_report.subjects_after,
        "protocol": study.protocol.model_dump(mode="json", exclude_unset=True),
        "shown": [each.model_dump(mode="json") for each in study.overrides.shown],
        "hidden": study.overrides.hidden,
        "answers": [each.model_dump(mode="json") for each in study.answers.given],
        "unfit": study.answers.unfit,
        "unfit_hidden": study.answers.hidden,
        "entry": study.entry,
    }
    line = json.dumps(record, allow_nan=False).encode()
    if (
        Protocol.model_validate(jsonfile.loads(line)["protocol"]) != study.protocol
    ):  # such as a number that JSON does not have
        raise ValueError("the protocol is not read back as it is")
    return line + b"\n" + cells


def _study(content: bytes, file: CutFile) -> "Study":
    from esld.data.cut import CutReport
    from esld.data.frames import frames_from_bytes
    from esld.data.overrides import Override, Overrides
    from esld.data.queries.answers import Answer, Answers
    from esld.data.study import Study
    from esld.protocol import Protocol

    line, _, cells = content.partition(b"\n")
    record = jsonfile.loads(line)
    frames = frames_from_bytes(record["frames"], cells)
    return Study(
        file=file,
        protocol=Protocol.model_validate(record["protocol"]),
        tables={
            name.partition("/")[2]: frame for name, frame in frames.items() if name.startswith("tables/")
        },
        cut_report=CutReport(frames["cut"], tuple(record["undated"]), record["subjects_after"]),
        **{name: frames[name] for name in _DERIVED},
        overrides=Overrides(
            tuple(Override.model_construct(**each) for each in record["shown"]), record["hidden"]
        ),
        answers=Answers(
            tuple(Answer.model_construct(**each) for each in record["answers"]),
            tuple(record["unfit"]),
            record["unfit_hidden"],
        ),
        entry=tuple(record["entry"]),
    )
