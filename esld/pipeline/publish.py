"""All or nothing: a staged report takes the published one's place in one step; a failed run is kept aside.

Only what this pipeline made is ever replaced or removed, and it is looked at before: see :class:`Place`.
"""

import ctypes
import errno
import os
import secrets
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from esld import jsonfile
from esld.data.fingerprint import sha256
from esld.errors import InputError, RefusedError
from esld.pipeline.provenance import PROVENANCE, RUN, SIGNATURE
from esld.report.roles import RUN_FILE
from esld.targets import is_within, keeper_of, report_record, unmovable, unwritable

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_RENAME_SWAP = 2
FAILURE = "failure.txt"
SCRATCH = ".run"  # of a run, in its staged folder
RESULTS = "results.json"
_LITTER = {".DS_Store", "Thumbs.db", "desktop.ini", ".ipynb_checkpoints"}  # left by looking at a folder


@dataclass(frozen=True)
class Place:
    """Where a cut's report is published. Nothing may stand there but a report of the same cut, trial and view.

    Attributes
    ----------
    outputs : Path
        Folder of published reports.
    cut, trial, view : str
        Whose report it is.
    edition : str, optional
        In which language, where it is not the cut's first.
    """

    outputs: Path
    cut: str
    trial: str
    view: str
    edition: str = ""

    @property
    def name(self) -> str:
        """Of the published folder, and of whatever belongs to it."""
        return f"{self.cut}.{self.edition}" if self.edition else self.cut

    @property
    def report(self) -> Path:
        """The published folder."""
        return self.outputs / self.name

    @property
    def staging(self) -> Path:
        """Where its runs are staged."""
        return self.outputs / ".staging" / self.name

    @property
    def failed(self) -> Path:
        """Where its last failed run is kept."""
        return self.outputs / ".failed" / self.name

    @property
    def aside(self) -> Path:
        """Where the report stands between two renames, where the system cannot exchange folders."""
        return self.outputs / f".{self.name}.previous"

    @property
    def lock(self) -> Path:
        """The lock's file."""
        return self.outputs / f".{self.name}.lock"

    def check(self, inputs: Iterable[Path]) -> None:
        """Ask before any chapter runs whether the report may be published here; nothing is left behind.

        Parameters
        ----------
        inputs : iterable of Path
            Files and folders that the cut is made from.

        Raises
        ------
        esld.errors.RefusedError
            The place is, holds or lies in what the cut is made from or in what something else keeps, or something stands
            there that no run of this cut made.
        esld.errors.InputError
            This user cannot write there.
        """
        for source in inputs:
            if is_within(self.report, source) or is_within(source, self.report):
                raise _refused(
                    self.report, f"is, holds or lies in what cut {self.cut} is made from ({source})"
                )
        if keeper := keeper_of(self.outputs):
            raise _refused(self.report, f"lies in {keeper}")
        try:
            self._check_names()
            if fault := self.fault(self.report) or self.fault(self.aside):
                raise RefusedError(fault)
            folders = [Path(folder) for folder, _, _ in os.walk(self.report)]
        except OSError as error:
            raise _not_writable(Path(error.filename or self.report), str(error.strerror)) from None
        for folder in (self.outputs, self.staging, self.failed, *folders):
            if why := unwritable(folder):
                raise _not_writable(folder, why)
        if why := unmovable(self.report):
            raise _not_writable(self.report, why)

    def _check_names(self) -> None:
        """Nobody else's file or folder under a name that a run uses, nor one that differs by letter case alone."""
        if self.outputs.is_dir():
            for other in self.outputs.iterdir():
                if other.name != self.name and _same_name(other.name) == _same_name(self.name):
                    why = f"differs from {other.name} there only in how it is written"
                    raise _refused(self.report, why)
        for folder in (self.staging.parent, self.staging, self.failed.parent):
            if os.path.lexists(folder) and (folder.is_symlink() or not folder.is_dir()):
                raise _refused(folder, "is no folder of the pipeline")
        if os.path.lexists(self.failed) and not _is_failed_run(self.failed):
            raise _refused(self.failed, "is no failed run")
        if os.path.lexists(self.lock) and (
            self.lock.is_symlink() or not self.lock.is_file() or self.lock.stat().st_size
        ):
            raise _refused(self.lock, "is no lock of the pipeline")

    def fault(self, folder: Path) -> str:
        """Why a folder may not be replaced by this cut's report, in one line; empty if it may.

        It may where there is nothing, where it is empty, and where it is a report of the same cut, trial and view in
        which nothing was added or changed since it was made. ``results.json`` and ``notebooks/`` may have changed, and may
        stand alone: a repository keeps them as the record of a report, and renews them.
        """
        if not os.path.lexists(folder):
            return ""
        if folder.is_symlink() or not folder.is_dir():
            return str(_refused(folder, "is no folder"))
        files = list(_files(folder))
        if not files:
            return ""
        record = report_record(folder)
        if record is None:
            kept = PROVENANCE not in files and self._is_record(folder, files)
            return "" if kept else str(_refused(folder, f"is no report of cut {self.cut}"))
        if (record["cut"], record.get("trial")) != (self.cut, self.trial):
            there = f"cut {record['cut']} of trial {record.get('trial', 'unknown')}"
            return str(_refused(folder, f"is the report of {there}, not of {self.cut} of {self.trial}"))
        if (view := record.get("view")) != self.view:
            return (
                f"cut {self.cut} is {self.view}, but {folder} holds its {view} report and views never share a folder: "
                "give the cut file a name of its own."
            )
        made = record["outputs"]
        for name in files:
            if name not in made and name not in (PROVENANCE, RUN, SIGNATURE):
                return str(_refused(folder / name, "was put into a report"))
            if name in made and not _of_record(name) and sha256(folder / name) != made[name]:
                return str(_refused(folder / name, "was changed since the report was made"))
        return ""

    def _is_record(self, folder: Path, files: Iterable[str]) -> bool:
        """Whether a folder holds the executed chapters and results of this cut alone."""
        cuts = set()
        for name in files:
            if not _of_record(name):
                return False
            if name != RESULTS:
                try:
                    notebook = jsonfile.loads((folder / name).read_text(encoding="utf-8"))
                    cuts.add(notebook["metadata"]["esld"]["parameters"]["cut"])
                except (OSError, ValueError, KeyError, TypeError):
                    return False
        return cuts == {self.cut}


@contextmanager
def locked(place: Place) -> Iterator[None]:
    """Hold the cut's lock; the system lets go of it when the process dies.

    Raises
    ------
    esld.errors.RefusedError
        Another run of the same cut is under way.
    esld.errors.InputError
        The folder of published reports cannot be made or written to.
    """
    lock = FileLock(place.lock)
    try:
        place.outputs.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        busy = f"cut {place.name} is being run by another process; wait until it has ended."
        raise RefusedError(busy) from None
    except OSError as error:
        raise _not_writable(place.outputs, str(error.strerror)) from None
    try:
        recover(place)
        yield
    finally:
        lock.release()


def staging_folder(place: Place) -> Path:
    """An empty folder on the published one's file system, so that a rename can move it there.

    Its name is new each time: a kernel that outlives a killed run by a moment must not write into the next. What killed
    runs left is removed.
    """
    for left in place.staging.glob("run-????????"):
        shutil.rmtree(left, ignore_errors=True)
    folder = place.staging / f"run-{secrets.token_hex(4)}"
    folder.mkdir(parents=True)
    return folder


def publish(staged: Path, place: Place) -> Path:
    """Put a staged folder in the published one's place.

    Where the system can exchange two folders in one step (Linux, macOS), there is no moment without a report.
    Elsewhere the old one is first set aside under a name from which :func:`recover` puts it back if the run
    dies between the two renames.

    Raises
    ------
    esld.errors.RefusedError
        Something was put there while the chapters ran; it stays.
    """
    target = place.report
    if fault := place.fault(target):
        raise RefusedError(fault)
    if not target.exists():
        os.replace(staged, target)
    elif exchange(staged, target):
        shutil.rmtree(staged, ignore_errors=True)
    else:
        aside = place.aside
        os.replace(target, aside)  # nothing is there: `recover` ran when the lock was taken
        try:
            os.replace(staged, target)
        except OSError:
            os.replace(aside, target)
            raise
        shutil.rmtree(aside, ignore_errors=True)
    return target


def recover(place: Place) -> None:
    """Undo a publication that died half-way: the set-aside report goes back if its place is empty."""
    aside, target = place.aside, place.report
    if not aside.exists() or place.fault(aside):
        return
    with suppress(OSError):
        target.rmdir()  # an empty folder is no report
    if os.path.lexists(target):
        shutil.rmtree(aside, ignore_errors=True)
    else:
        os.replace(aside, target)


def keep_failed(staged: Path, place: Place, reason: str) -> Path:
    """Move a failed run to ``outputs/.failed/<cut>``, in place of an earlier one, with its reason."""
    with suppress(OSError):  # such as a full disk
        (staged / FAILURE).write_text(f"{reason}\n", encoding="utf-8", newline="\n")
    failed = place.failed
    if _is_failed_run(failed):
        shutil.rmtree(failed, ignore_errors=True)
    elif os.path.lexists(failed):  # put there while the chapters ran
        failed = failed.with_name(f"{failed.name}-{secrets.token_hex(4)}")
    failed.parent.mkdir(parents=True, exist_ok=True)
    os.replace(staged, failed)
    return failed


def forget_failed(outputs: Path, name: str) -> None:
    """Remove what is kept of the last failed run of a report, when it has been made."""
    failed = Place(outputs, name, "", "").failed
    if _is_failed_run(failed):
        shutil.rmtree(failed, ignore_errors=True)
        with suppress(OSError):  # another cut's is there
            failed.parent.rmdir()


def keep_signature(report: Path, staged: Path) -> bool:
    """Let a signature go with the report that it was made for: whether the standing one's is lost."""
    signature = report / SIGNATURE
    if not signature.is_file():
        return False
    same = (report / PROVENANCE).read_bytes() == (staged / PROVENANCE).read_bytes()
    if same:
        shutil.copyfile(signature, staged / SIGNATURE)
    return not same


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


def _files(folder: Path) -> Iterator[str]:
    """What a folder holds, by name; a link to a folder is one thing, litter is none."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in _LITTER]
        links = [name for name in folders if Path(place, name).is_symlink()]
        for name in (*names, *links):
            if name not in _LITTER:
                yield Path(place, name).relative_to(folder).as_posix()


def _of_record(name: str) -> bool:
    return name == RESULTS or (name.startswith("notebooks/") and name.endswith(".ipynb"))


def _is_failed_run(folder: Path) -> bool:
    marks = (folder / FAILURE, folder / SCRATCH / RUN_FILE)
    return not folder.is_symlink() and any(mark.is_file() for mark in marks)


def _same_name(name: str) -> str:
    """Equal for names that some file systems take for one."""
    return unicodedata.normalize("NFC", name).casefold()


def _refused(path: Path, why: str) -> RefusedError:
    remedy = "move it away, rename the cut file, or choose another folder with -o."
    return RefusedError(f"{path} {why} and is left as it is: {remedy}")


def _not_writable(folder: Path, why: str) -> InputError:
    rule, remedy = "must be a folder that can be written to", "Choose another with -o."
    return InputError("outputs", rule, str(folder), why, remedy)
