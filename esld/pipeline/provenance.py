"""Where a report comes from: hashes of everything that went in and came out, and versions; apart from it the only clock."""

import hashlib
import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import esld
from esld import jsonfile
from esld.data.cutfile import EXAMPLE, CutFile, previous_cut, prose_path
from esld.data.declared import TABLE_SUFFIXES
from esld.data.fingerprint import LOCK, content_sha256, package_digest, sha256, text_sha256
from esld.errors import InputError

if TYPE_CHECKING:
    from esld.pipeline.chapters import ChapterSource

PROVENANCE = "provenance.json"
RUN = "run.json"
SIGNATURE = f"{PROVENANCE}.minisig"
TEMPLATE = "template/"
_RUNS_WITH = [
    *(
        "pandas",
        "numpy",
        "scipy",
        "lifelines",
        "matplotlib",
        "seaborn",
        "pandera",
        "pydantic",
    ),
    *("python-docx", "jupytext", "papermill", "nbconvert", "nbclient", "ipykernel"),
]


def input_hashes(
    file: CutFile, chapters: "list[ChapterSource]", template: Path | None = None
) -> dict[str, str]:
    """Hash of every file that a report depends on, by a name that holds on any machine; a text's is the same
    with any line ends.

    Where the view hides the arms, of what it shows of each table, and not of the files: the arms of 22 patients can be guessed
    and tried against the hash of a file that holds them.
    """
    hashes = _cut_hashes(file)
    for chapter in chapters:
        beside = prose_path(chapter.path, file.language)
        for path in (chapter.path, *([beside] if beside and beside.is_file() else [])):
            hashes[f"notebooks/{path.relative_to(chapter.path.parent).as_posix()}"] = text_sha256(path)
    if previous := previous_cut(file):
        hashes |= {f"previous/{name}": value for name, value in _cut_hashes(previous).items()}
    if results := file.previous_results_path:
        hashes[f"params/{_portable(file.cut.previous_results)}"] = text_sha256(results)
    return hashes | template_hash(template)


def template_hash(template: Path | None) -> dict[str, str]:
    """Hash of the Word template of a report by its name; none without one, or where it is gone."""
    if template is None or not template.is_file():
        return {}
    return {f"{TEMPLATE}{template.name}": sha256(template)}


def template_of(folder: Path, inputs: Iterable[str]) -> Path | None:
    """The Word template of a published report; None where it was made without, or the template is gone."""
    return told_by_run(folder, "template") if any(name.startswith(TEMPLATE) for name in inputs) else None


def seen_from(report: Path, root: Path, path: Path) -> str:
    """A path for ``run.json``: from the working copy where report and file lie in it, so that both can be moved; else in full."""
    root, report, real = (Path(os.path.realpath(each)) for each in (root, report, path))
    inside = report.is_relative_to(root) and real.is_relative_to(root)
    return real.relative_to(root).as_posix() if inside else str(real)


def told_by_run(folder: Path, key: str) -> Path | None:
    """A file that ``run.json`` tells, as :func:`seen_from` wrote it; None where it is gone."""
    told = str(read_run(folder).get(key, ""))
    return next((root / told for root in folder.resolve().parents if (root / told).is_file()), None)


def _cut_hashes(file: CutFile) -> dict[str, str]:
    """Hashes of a cut's file, its protocol and its data."""
    data = file.data_path
    hashes = {f"params/{file.path.name}": text_sha256(file.path)}
    beside = Path(_portable(file.cut.protocol)).parent
    hashes |= {f"params/{(beside / path.name).as_posix()}": text_sha256(path) for path in file.protocol_files}
    name = file.cut.data if file.cut.data.startswith(EXAMPLE) else _portable(file.cut.data)
    if file.cut.published:  # one of all records: nobody can try a single table against it
        from esld.data.study import taken_in

        tables = sorted(taken_in(file).tables.items())
        every = "".join(
            f"{domain}\n{table.to_csv(index=False, lineterminator=chr(10))}" for domain, table in tables
        )
        return hashes | {f"{name}, public": hashlib.sha256(every.encode("utf-8")).hexdigest()}
    if file.cut.hides:
        from esld.data.study import taken_in

        for domain, table in sorted(taken_in(file).tables.items()):
            shown = table.to_csv(index=False, lineterminator="\n").encode("utf-8")
            hashes[f"{name}/{domain.lower()}, {file.cut.view}"] = hashlib.sha256(shown).hexdigest()
        return hashes
    files = [data]
    if data.is_dir():
        files = sorted(p for p in data.iterdir() if p.suffix.lower() in TABLE_SUFFIXES and p.is_file())
    for path in files:
        hashes[f"{name}/{path.name}" if data.is_dir() else name] = content_sha256(path)
    for path in file.mapping_files:
        hashes[f"{Path(_portable(file.cut.mapping)).parent.as_posix()}/{path.name}"] = text_sha256(path)
    folder = name if data.is_dir() else Path(name).parent.as_posix()
    if not data.is_dir() and file.ledger_path.is_file():
        hashes[f"{folder}/{file.ledger_path.name}"] = content_sha256(file.ledger_path)
    records = ((file.overrides_path, file.cut.overrides), (file.answers_path, file.cut.answers))
    for record, named in records:
        if record is not None:
            hashes[_portable(named) if named else f"{folder}/{record.name}"] = text_sha256(record)
    return hashes


def _portable(path: str) -> str:
    """A path as given; of an absolute one the last part, because the rest belongs to a machine."""
    return Path(path).name if Path(path).is_absolute() else Path(path).as_posix()


def environment(root: Path) -> dict[str, Any]:
    """Versions of what the report was made with, and the lock if there is one."""
    lock = root / LOCK
    return {
        "esld": esld.__version__,
        "esld_sha256": package_digest(),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "requirements_lock_sha256": text_sha256(lock) if lock.exists() else None,
        "packages": {name: metadata.version(name) for name in _RUNS_WITH},
        "byte_order": sys.byteorder,
    }


def record_of(
    file: CutFile,
    trial: str,
    *,
    inputs: Mapping[str, str],
    environment: Mapping[str, Any],
    outputs: Mapping[str, str],
) -> dict[str, Any]:
    """What ``provenance.json`` holds."""
    return {
        "cut": file.id,
        "language": file.language,
        "trial": trial,
        "view": file.cut.view,
        "inputs": inputs,
        "environment": environment,
        "outputs": outputs,
    }


def output_hashes(folder: Path) -> dict[str, str]:
    """Hash of every published file but the provenance itself, its signature and the facts of the run."""
    apart = {folder / PROVENANCE, folder / SIGNATURE, folder / RUN}
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p not in apart)
    return {p.relative_to(folder).as_posix(): sha256(p) for p in files}


def as_written(content: Mapping[str, Any]) -> bytes:
    """The bytes of ``provenance.json``."""
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def write(content: Mapping[str, Any], folder: Path, *, name: str = PROVENANCE) -> None:
    """Write ``provenance.json``, which is the same for the same inputs, or ``run.json``, which is of one run."""
    (folder / name).write_bytes(as_written(content))


def read_run(folder: Path) -> dict[str, Any]:
    """The facts of the run that made a report: when, how long, from which file; empty if they are gone."""
    try:
        content = jsonfile.loads((folder / RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def read(folder: Path) -> dict[str, Any]:
    """Read ``provenance.json`` of a published folder.

    Raises
    ------
    esld.errors.InputError
        There is none, or it is damaged.
    """
    remedy = f"Make the report again: esld run params/{folder.resolve().name}.yaml."
    try:
        content: dict[str, Any] = jsonfile.loads((folder / PROVENANCE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        if within := sorted(path.parent.as_posix() for path in folder.glob(f"*/{PROVENANCE}")):
            remedy = f"Did you mean {' or '.join(within)}?"
        raise InputError(str(folder), f"must be a report with {PROVENANCE}", remedy=remedy) from None
    except ValueError:
        raise InputError(str(folder / PROVENANCE), "must be JSON", remedy=remedy) from None
    kinds = {"cut": str, "inputs": dict, "outputs": dict}
    whole = content if isinstance(content, dict) else {}
    if missing := [key for key, kind in kinds.items() if not isinstance(whole.get(key), kind)]:
        raise InputError(str(folder / PROVENANCE), f"must name {', '.join(missing)}", remedy=remedy)
    return content
