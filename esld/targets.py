"""Where a command may write: the one place that decides it, for every file and folder that a user names as a target.

The rule is that nothing is written over what the same command did not make:

- never over or into what the command reads, whatever name it goes by (link, ``..``, letter case, hard link);
- never into what another part keeps: ``params/``, ``notebooks/`` and ``outputs/`` of a working copy, a published report, a
  sealed folder, an export (a folder with a DM table);
- never through a symbolic link;
- over an existing file only if the same command wrote it and nobody has changed it since. A file cannot always carry a
  mark (a CSV has no place for one), so the hidden `WRITTEN` beside it keeps note of size and moment of what was written.
  It holds no hash: a hash of 22 allocations is quickly enumerated. Where the note is missing, the file is somebody's work;
- into a folder that the command makes its own, only if that is new or empty.

Everything is decided before the work, and the file or folder is written beside its place and renamed into it. Whether this user
can write there is tried, by making something and removing it again: permission bits say nothing to some users, and nothing of
a read-only mount, a quota or an immutable folder.
"""

import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from esld import jsonfile
from esld.errors import InputError, RefusedError

WRITTEN = ".esld-written.json"
PROVENANCE = "provenance.json"
SEALED = "sealed.json"
PROTOCOLS, NOTEBOOKS = "params/protocols", "notebooks"  # where somebody works, in a working copy
_OF_A_REPORT = {"cut", "inputs", "outputs"}
_DM = {f"dm.{kind}" for kind in ("csv", "xpt", "sas7bdat", "parquet", "json", "ndjson", "xlsx")}


@dataclass(frozen=True)
class FileTarget:
    """A file that a command may write; made by :func:`file_target`, so that nothing is written unasked.

    Attributes
    ----------
    path : Path
        The file.
    command : str
        Who writes it ("esld check").
    option : str
        How the user named it.
    new : bool
        Whether it may stand nowhere yet: what is written once, for somebody to work on, is replaced by nobody.
    private : bool
        Whether it is readable by its owner alone, from its first moment.
    """

    path: Path
    command: str
    option: str
    new: bool = False
    private: bool = False

    def write(self, content: bytes) -> Path:
        """Write the file whole or not at all, and keep note of it.

        Raises
        ------
        esld.errors.InputError
            The disk does not take it; what stood there stands.
        esld.errors.RefusedError
            Something was put in its place since it was decided.
        """
        write_files({self: content})
        return self.path

    def check(self) -> None:
        """Refuse what was put in its place since it was decided."""
        if os.path.lexists(self.path):
            if self.new:
                raise _refused(self.path, "exists", self.option)
            if not _is_own(self.path, self.command):
                raise _foreign(self.path, self.command, self.option)


def write_files(contents: Mapping[FileTarget, bytes]) -> None:
    """Write files, each whole, and all of them or none; and keep note of them.

    Raises
    ------
    esld.errors.InputError
        The disk does not take one of them; what stood there stands.
    esld.errors.RefusedError
        Something was put in the place of one since it was decided.
    """
    made = {target: (_partial(target.path), _partial(target.path)) for target in contents}
    placed = []
    try:
        for target, content in contents.items():
            target.check()
            new, old = made[target]
            _fill(new, content, 0o600 if target.private else 0o666)
            if len(contents) > 1 and target.path.exists():
                shutil.copy2(target.path, old)  # with its moment, by which it is known again
        for target in contents:
            os.replace(made[target][0], target.path)
            placed.append(target)
    except BaseException as error:
        for done in placed:
            with suppress(OSError):
                done.path.unlink()
                os.replace(made[done][1], done.path)
        if isinstance(error, OSError):
            raise _not_writable(target.path, error.strerror, target.option) from None
        raise
    finally:
        for partial in chain(*made.values()):
            partial.unlink(missing_ok=True)
    for target in contents:
        if not target.new:
            _keep_note(target.path, target.command)


def put(path: Path, content: bytes) -> None:
    """Replace a file that is a command's own by its name, such as a signature, whole or not at all; never through a link.

    Raises
    ------
    esld.errors.InputError
        The disk does not take it; what stood there stands.
    """
    partial = _partial(path)
    try:
        _fill(partial, content)
        os.replace(partial, path)
    except OSError as error:
        raise _not_writable(path, error.strerror, "") from None
    finally:
        partial.unlink(missing_ok=True)


def _partial(path: Path) -> Path:
    """A name beside a place, for what is not whole yet."""
    return path.with_name(f".esld-{secrets.token_hex(4)}.partial")


def _fill(path: Path, content: bytes, mode: int = 0o666) -> None:
    with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def file_target(
    path: Path,
    *,
    command: str,
    inputs: Iterable[Path] = (),
    kinds: Sequence[str] = (),
    option: str = "-o",
) -> FileTarget:
    """A file to write, decided before the work; nothing is touched.

    Parameters
    ----------
    path : Path
        As the user named it.
    command : str
        Who will write it; a file that another command wrote is a foreign one.
    inputs : iterable of Path
        Files and folders that the command reads.
    kinds : sequence of str
        Suffixes that the command can write, in small letters; any without.
    option : str
        How the user named it, for the message.

    Returns
    -------
    FileTarget

    Raises
    ------
    esld.errors.InputError
        Another suffix, a folder in its place, or one that does not exist or cannot be written to.
    esld.errors.RefusedError
        It is or lies in what the command reads or another part keeps, is a link, or stands there and is not what the same
        command wrote.
    """
    return _decided(path, command, inputs, kinds, option)


def new_file(
    path: Path,
    *,
    command: str,
    room: str,
    inputs: Iterable[Path] = (),
    kinds: Sequence[str] = (),
    option: str = "-o",
) -> FileTarget:
    """A file that does not exist yet, for somebody to work on: it may lie in one folder of a working copy too.

    See :func:`file_target`, but that what the same command wrote is refused like anything else.

    Parameters
    ----------
    room : str
        That folder: :data:`PROTOCOLS` or :data:`NOTEBOOKS`.
    """
    return _decided(path, command, inputs, kinds, option, room=room)


def private_file(path: Path, *, command: str, option: str) -> FileTarget:
    """A secret that does not exist yet, readable by its owner alone, where no working copy or repository takes it in.

    See :func:`new_file`.
    """
    for place in _real(path).parents:
        if is_copy(place) or os.path.lexists(place / ".git"):
            raise _refused(path, f"lies in {place}, which is for others to read", option)
    decided = _decided(path, command, (), (), option, room="nowhere")
    return replace(decided, private=True)


def _decided(
    path: Path, command: str, inputs: Iterable[Path], kinds: Sequence[str], option: str, *, room: str = ""
) -> FileTarget:
    new = bool(room)
    if kinds and path.suffix.lower() not in kinds:
        several = f"must be a table of one of the kinds {', '.join(kinds)}"
        rule = several if len(kinds) > 1 else f"must be a {kinds[0]} file"
        raise InputError(str(path), rule, path.suffix or "no suffix", option, "Name it so.")
    try:
        if not path.parent.is_dir():
            rule = "must lie in a folder that exists"
            raise InputError(str(path), rule, str(path.parent), option, "Make it.")
        if path.is_dir() and not path.is_symlink():
            raise InputError(str(path), "must be a file", "a folder", option, "Name a file in it.")
        inputs = list(inputs)
        for source in inputs:
            if is_within(path, source):
                raise _refused(path, f"is part of what '{command}' reads ({source})", option)
        keeper = keeper_of(path.parent) or _of_reports(path.parent)
        if keeper and not (new and _is_room(path.parent, room)):
            raise _refused(path, f"lies in {keeper}", option)
        if path.is_symlink():
            raise _refused(path, "is a link", option)
        if path.exists() and new:
            raise _refused(path, "exists", option)
        if path.exists() and not _is_own(path, command):
            raise _foreign(path, command, option)
    except OSError as error:
        raise _not_writable(path, error.strerror, option) from None
    if why := unwritable(path.parent) or unmovable(path):
        raise _not_writable(path, why, option)
    return FileTarget(path, command, option, new)


def changed(path: Path, before: bytes, after: bytes, *, option: str = "") -> None:
    """Put other content into a file of somebody's, whole or not at all, as long as it still holds what was read.

    Raises
    ------
    esld.errors.InputError
        The disk does not take it; what stood there stands.
    esld.errors.RefusedError
        It was changed since, or is a link.
    """
    partial = _partial(path)
    try:
        if path.is_symlink() or path.read_bytes() != before:
            raise _refused(
                path, "is a link" if path.is_symlink() else "was changed since it was read", option
            )
        _fill(partial, after)
        shutil.copymode(path, partial)
        os.replace(partial, path)
    except OSError as error:
        raise _not_writable(path, error.strerror, option) from None
    finally:
        partial.unlink(missing_ok=True)


def empty_folder(path: Path, *, command: str, inputs: Iterable[Path] = (), option: str = "") -> Path:
    """A folder that a command makes its own, decided before the work; nothing is touched.

    Parameters
    ----------
    path : Path
        As the user named it: new, or empty.
    command : str
        Who will fill it.
    inputs : iterable of Path
        Files and folders that the command reads.
    option : str
        How the user named it, for the message.

    Returns
    -------
    Path
        The same.

    Raises
    ------
    esld.errors.InputError
        It holds something, is a file, or cannot be made or written to.
    esld.errors.RefusedError
        It is or lies in what the command reads or another part keeps.
    """
    try:
        for source in inputs:
            if is_within(path, source):
                raise _refused(path, f"is part of what '{command}' reads ({source})", option)
        if os.path.lexists(path) and (not path.is_dir() or any(path.iterdir())):
            raise InputError(str(path), "must be a new or empty folder", None, option, "Choose another.")
        if keeper := keeper_of(path) or _of_reports(path):
            raise _refused(path, f"lies in {keeper}", option)
        if why := unwritable(path):
            raise _not_writable(path, why, option)
    except OSError as error:
        raise _not_writable(path, error.strerror, option) from None
    return path


@contextmanager
def made_whole(path: Path, *, option: str = "") -> Iterator[Path]:
    """A folder to fill, whose content is then that of one which :func:`empty_folder` let a command have; all of it or nothing.

    Parameters
    ----------
    path : Path
        New, or empty: then it stays the folder that it is, which somebody may stand in or have mounted.
    option : str
        How the user named it, for the message.

    Raises
    ------
    esld.errors.InputError
        The disk does not take it, or something was put there since it was decided.
    """
    there = path.is_dir()
    partial = (path if there else path.parent) / f".esld-{secrets.token_hex(4)}.partial"
    placed: list[Path] = []
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir()
        yield partial
        if not there:
            os.rename(partial, path)
        elif [own for own in path.iterdir() if own.name != partial.name]:
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY))
        else:
            for own in sorted(partial.iterdir()):
                os.rename(own, path / own.name)
                placed.append(path / own.name)
            placed.clear()
    except OSError as error:
        why = error.args[0][0][2] if isinstance(error, shutil.Error) else error.strerror
        raise _not_writable(path, why, option) from None
    finally:
        for own in (*placed, partial):
            shutil.rmtree(own, ignore_errors=True) if own.is_dir() else own.unlink(missing_ok=True)


def write_folder(path: Path, files: Mapping[str, bytes], *, option: str = "-o") -> None:
    """Fill a folder with files, by name; see :func:`made_whole`."""
    with made_whole(path, option=option) as folder:
        for name, content in files.items():
            (folder / name).write_bytes(content)


def keeper_of(folder: Path) -> str | None:
    """In words what keeps a folder for itself, so that no command may write there for a user; None for any other.

    Looked for in the folder and above it, as it really lies, links and ``..`` followed. A folder with a DM table is an
    export, but not what lies below it: a disk with an export at its root is no export.
    """
    real = _real(folder)
    if any(name.lower() in _DM and not _is_own(real / name) for name in _names(real)):
        return f"the export {folder}"
    for place in (real, *real.parents):
        if os.path.lexists(place / SEALED):
            return f"the sealed folder {place}"
        if report_record(place):
            return f"the published report {place}"
        copy = place.parent
        if place.name.lower() in ("params", "notebooks") and is_copy(copy):
            return f"{place.name}/ of the working copy {copy}"
    return None


def _of_reports(folder: Path) -> str | None:
    """In words the ``outputs/`` of a working copy in which a folder lies: published reports alone are written there."""
    for place in (real := _real(folder), *real.parents):
        copy = place.parent
        is_one = (copy / "params").is_dir() or (place / ".cache" / "studies").is_dir()
        if place.name.lower() == "outputs" and is_one:
            return f"{place}, which is for published reports"
    return None


def report_record(folder: Path) -> Mapping[str, Any] | None:
    """The record of a published report; None for a folder that is none, or whose record cannot be read."""
    try:
        content = jsonfile.loads((folder / PROVENANCE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(content, dict) and content.keys() >= _OF_A_REPORT
    return content if whole and isinstance(content["outputs"], dict) else None


def unwritable(folder: Path) -> str:
    """Why this user can make nothing in a folder, or where it does not exist in the one above it that does; else empty."""
    there = next((p for p in (folder, *folder.absolute().parents) if os.path.lexists(p)), folder)
    probe = there / f".esld-{secrets.token_hex(4)}.partial"
    try:
        os.mkdir(probe)
        os.rmdir(probe)
    except OSError as error:
        return str(error.strerror)
    return ""


def unmovable(path: Path) -> str:
    """Why what stands at a path can be given no other name by this user, who can write beside it; else empty.

    In a folder in which each may move only their own, or for something that is mounted there. It is asked to take the place of a
    folder that is not empty, which no system does: whoever may not move it is told so first.
    """
    if not os.path.lexists(path):
        return ""
    taken = _partial(path)
    try:
        os.makedirs(taken / "taken")
        os.rename(path, taken)
    except OSError as error:
        would = (errno.ENOTEMPTY, errno.EEXIST, errno.EISDIR, errno.ENOTDIR)
        return "" if error.errno in would else str(error.strerror)
    finally:
        for own in (taken / "taken", taken):
            with suppress(OSError):
                os.rmdir(own)
    return ""


def is_within(path: Path, other: Path) -> bool:
    """Whether a path is another, lies in it, or is a file that is or lies in it by another name."""
    real, source = _real(path), _real(other)
    if real.is_relative_to(source):
        return True
    if _identity(source) in {_identity(p) for p in (real, *real.parents)} - {None}:
        return True  # as on a file system that does not tell letter case
    linked = real.is_file() and real.stat().st_nlink > 1
    return linked and any(_identity(file) == _identity(real) for file in _files(source))


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # `Path.resolve` stumbles over a loop of links


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _files(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        yield from (Path(place, name) for name in names)


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _is_room(folder: Path, room: str) -> bool:
    """Whether a folder is that one of a working copy, such as ``params/protocols``, and nothing else besides."""
    real, parts = _real(folder), room.split("/")
    if [name.lower() for name in real.parts[-len(parts) :]] != parts or len(real.parts) <= len(parts):
        return False
    held = any(name.lower() in _DM for name in _names(real)) or os.path.lexists(real / SEALED)
    copy = real.parents[len(parts) - 1]
    return not held and is_copy(copy) and keeper_of(copy) is None


def is_copy(folder: Path) -> bool:
    """Whether a folder is a working copy: it has ``params/`` and ``notebooks/``."""
    return (folder / "params").is_dir() and (folder / "notebooks").is_dir()


def _is_own(path: Path, command: str = "") -> bool:
    """Whether a file is as a command left it; any command, where none is named."""
    note = _notes(path.parent).get(path.name)
    if not isinstance(note, dict) or path.is_symlink() or not path.is_file():
        return False
    return note == _note(path, command or str(note.get("command")))


def _note(path: Path, command: str) -> dict[str, Any]:
    status = path.stat()
    return {"command": command, "bytes": status.st_size, "modified_ns": status.st_mtime_ns}


def _notes(folder: Path) -> dict[str, Any]:
    try:
        content = jsonfile.loads((folder / WRITTEN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _keep_note(path: Path, command: str) -> None:
    """Note a file as written. Where that fails the next command refuses the file, which loses nothing."""
    place = path.with_name(WRITTEN)
    notes = _notes(path.parent)
    if os.path.lexists(place) and (place.is_symlink() or not notes):  # somebody's file of that name
        return
    partial = _partial(path)
    with suppress(OSError):
        there = {name: note for name, note in notes.items() if os.path.lexists(path.with_name(name))}
        there[path.name] = _note(path, command)
        partial.write_text(
            json.dumps(there, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n"
        )
        os.replace(partial, place)
    partial.unlink(missing_ok=True)


def _foreign(path: Path, command: str, option: str) -> RefusedError:
    return _refused(path, f"is not what '{command}' wrote there, or was changed since", option)


def _refused(path: Path, why: str, option: str) -> RefusedError:
    other = f"another with {option}" if option else "another"
    return RefusedError(f"{path} {why}: it is left as it is. Name {other}, or move it away.")


def _not_writable(path: Path, why: str | None, option: str) -> InputError:
    return InputError(str(path), "must be writable", why, option, "Check the folder.")
