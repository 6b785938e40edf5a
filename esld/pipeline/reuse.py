"""Nothing twice: what a chapter gave is kept under a key over everything that decides it, and a report that stands is left.

The key of a chapter is made anew at each run from the bytes that are there: its source, the values that the cut sets in it,
all that :func:`cut_key` holds (data, protocol, cut file, corrections, package, lock, interpreter, the previous cut), and for a
chapter that reads what others handed over, also that. Which sections are left out follows from these. There is no date in it
and no promise: a kept chapter of another key is not looked at, and one whose files are not what its manifest says is none.
Everything may be deleted at any time.
"""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from esld import jsonfile
from esld.data.cutfile import CutFile, previous_cut
from esld.data.fingerprint import sha256
from esld.data.store import cache_folder, study_key
from esld.errors import InputError, RefusedError
from esld.pipeline.how import How
from esld.pipeline.provenance import PROVENANCE, output_hashes, template_hash

KEPT = 3  # of each chapter of a cut, the newest; the others go
_MANIFEST = "kept.json"
_REPORT = "report.json"
_TEXTS, _TEXTS_KEPT = ".texts", 60  # no chapter has a name that begins with a dot


def key_of(*parts: Any) -> str:
    """A key over parts that JSON can write."""
    return _hash(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode())


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _sealed(text: str) -> bytes:
    """A text after its own hash, so that one that was altered is known."""
    return f"{_hash(text.encode())}\n{text}".encode()


def _unsealed(path: Path) -> str | None:
    """The text of a file that :func:`_sealed` made; None where there is none, or another."""
    try:
        seal, _, text = path.read_bytes().decode().partition("\n")
    except (OSError, UnicodeDecodeError):
        return None
    return text if seal == _hash(text.encode()) else None


@dataclass(frozen=True)
class Kept:
    """What a chapter gave: its published notebook, what it wrote to stderr, seconds it took."""

    notebook: bytes
    stderr: str
    seconds: float


@dataclass(frozen=True)
class Shelf:
    """What is kept of a cut's chapters and its last report.

    Attributes
    ----------
    folder : Path
        Of this cut, in the working copy's cache; made when something is kept.
    """

    folder: Path

    @classmethod
    def of(cls, file: CutFile) -> "Shelf":
        """What is kept of a cut in a language."""
        return cls(cache_folder(file) / "chapters" / file.name)

    def handed_over(self, slug: str, key: str) -> str | None:
        """Hash of what a kept chapter handed over; None where nothing is kept."""
        manifest = self._manifest(slug, key)
        return manifest["files"].get(f"chapters/{slug}.json") if manifest else None

    def take(self, slug: str, key: str, scratch: Path) -> Kept | None:
        """Put what a chapter handed over into a run's folder; None where nothing whole is kept.

        Parameters
        ----------
        slug, key : str
            Chapter and its key.
        scratch : Path
            The run's folder.
        """
        if (manifest := self._manifest(slug, key)) is None:
            return None
        entry = self.folder / slug / key
        try:
            contents = {name: (entry / name).read_bytes() for name in manifest["files"]}
        except OSError:
            return None
        if any(_hash(contents[name]) != value for name, value in manifest["files"].items()):
            return None
        notebook = contents.pop("notebook.ipynb")
        for name, content in contents.items():
            (scratch / name).parent.mkdir(parents=True, exist_ok=True)
            (scratch / name).write_bytes(content)
        with suppress(OSError):
            os.utime(entry)  # it is of use: the newest are kept
        return Kept(notebook, manifest["stderr"], manifest["seconds"])

    def views(self, slug: str) -> set[str]:
        """The views in which something is kept of a chapter."""
        with suppress(OSError):
            entries = [self._manifest(slug, entry.name) for entry in (self.folder / slug).iterdir()]
            return {str(manifest.get("view")) for manifest in entries if manifest}
        return set()

    def keep(self, slug: str, key: str, scratch: Path, kept: Kept, *, view: str) -> None:
        """Keep what a chapter gave; what cannot be written is not kept.

        Parameters
        ----------
        slug, key : str
            Chapter and its key.
        scratch : Path
            The run's folder, with what the chapter handed over.
        kept : Kept
            The rest.
        view : str
            That of the cut.
        """
        handed = scratch / "chapters" / f"{slug}.json"
        if not handed.is_file():  # a fault that the run tells
            return
        names = [f"chapters/{slug}.json"]
        for name in jsonfile.loads(handed.read_text(encoding="utf-8"))["files"]:
            names += [
                f"{name}{kind}" for kind in (".csv", ".svg", ".png") if (scratch / f"{name}{kind}").is_file()
            ]
        contents = {name: (scratch / name).read_bytes() for name in names} | {"notebook.ipynb": kept.notebook}
        manifest = {
            "files": {name: _hash(content) for name, content in contents.items()},
            "stderr": kept.stderr,
            "seconds": kept.seconds,
            "view": view,
        }
        contents[_MANIFEST] = _sealed(json.dumps(manifest))
        entry = self.folder / slug / key
        new = entry.with_name(f".{secrets.token_hex(4)}")
        try:
            for name, content in contents.items():
                (new / name).parent.mkdir(parents=True, exist_ok=True)
                (new / name).write_bytes(content)
            shutil.rmtree(entry, ignore_errors=True)
            new.rename(entry)
        except OSError:  # a full disk, a folder that may not be written to, another run that was first
            shutil.rmtree(new, ignore_errors=True)
        self._tidy(slug)

    def remembered(self, key: str, make: Callable[[], str]) -> str:
        """A text that is always the same under a key: as it was made before, or made now and kept.

        Parameters
        ----------
        key : str
            Hash of all that decides the text.
        make : callable
            Makes it.
        """
        path = self.folder / _TEXTS / key
        if (text := _unsealed(path)) is not None:
            with suppress(OSError):
                os.utime(path)
            return text
        text = make()
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            new = path.with_name(f".{secrets.token_hex(4)}")
            new.write_bytes(_sealed(text))
            new.replace(path)
            self._tidy(_TEXTS, _TEXTS_KEPT)
        return text

    def stands(self, key: str, published: Path) -> tuple[str, ...] | None:
        """The warnings of a published report, if it is the one that was made under a key, to the byte; else None."""
        try:
            noted = jsonfile.loads((self.folder / _REPORT).read_text(encoding="utf-8"))
            warnings = tuple(noted.pop("warnings"))
            record = published / PROVENANCE
            if noted != {"key": key, "report": str(published), "provenance": sha256(record)}:
                return None
            whole = jsonfile.loads(record.read_text(encoding="utf-8"))["outputs"] == output_hashes(published)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return warnings if whole else None

    def note(self, key: str, published: Path, warnings: Sequence[str]) -> None:
        """Keep note of a report that was made under a key."""
        content = {"key": key, "report": str(published), "warnings": list(warnings)}
        with suppress(OSError):
            content["provenance"] = sha256(published / PROVENANCE)
            self.folder.mkdir(parents=True, exist_ok=True)
            new = self.folder / f".{secrets.token_hex(4)}"
            new.write_text(json.dumps(content), encoding="utf-8", newline="\n")
            new.replace(self.folder / _REPORT)

    def _manifest(self, slug: str, key: str) -> dict[str, Any] | None:
        if (text := _unsealed(self.folder / slug / key / _MANIFEST)) is None:
            return None
        content: dict[str, Any] = jsonfile.loads(text)
        inside = all(
            not Path(name).is_absolute() and ".." not in Path(name).parts for name in content["files"]
        )
        return content if inside else None

    def _tidy(self, name: str, kept: int = KEPT) -> None:
        with suppress(OSError):
            entries = sorted(self.folder.joinpath(name).iterdir(), key=lambda path: path.stat().st_mtime)
            for entry in entries[:-kept]:
                if entry.is_dir():
                    shutil.rmtree(entry, ignore_errors=True)
                else:
                    entry.unlink(missing_ok=True)


def cut_key(file: CutFile) -> str:
    """Hash of all that the chapters of a cut may read: its study, that of the previous cut, and what was kept of its results;
    and for the reader of which language they do.

    A previous cut that is refused counts as none: no study is loaded with it.
    """
    before, results = None, None
    with suppress(InputError, RefusedError, OSError):
        if (previous := previous_cut(file)) is not None:
            before = study_key(previous)
        if file.previous_results_path is not None:
            results = sha256(file.previous_results_path)
    return key_of(study_key(file), before, results, file.language)


def chapter_key(
    slug: str, source: str, values: Mapping[str, Any], study: str, read: Sequence[tuple[str, str]] = ()
) -> str:
    """Key of a chapter.

    Parameters
    ----------
    slug, source : str
        Its name, and the hash of its text.
    values : dict
        What the cut sets in it.
    study : str
        See :func:`cut_key`.
    read : sequence of (str, str)
        Chapters that it reads, with the hash of what each handed over.
    """
    return key_of(slug, source, dict(values), study, list(read))


def report_key(chapters: Mapping[str, str], how: How) -> str:
    """Key of a report: of its chapters', by their names, whether it is a PDF as well, and its Word template."""
    return key_of(dict(chapters), how.pdf, template_hash(how.template))
