"""Reports that tests read: made once from what they are made from, shared by the workers, and kept in the test cache.

The name of an entry is a hash over everything that a run reads: package, chapters, cuts, protocols, data, locks, the installed
packages and the record that it is made over. One that is of another state is never found, and one that was altered since is
made anew; the folder may be deleted at any time.
"""

import hashlib
import json
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parents[1]
PLACE = str(ROOT)  # `run.json` tells it
KEPT = 4  # states of a report that stay in the cache, of some 25 MB each: those of one state of the package, and one more

# The cuts whose whole reports are read. `make test` reads that of the final analysis, which `make report` has made, and runs
# the cells of other cuts, views and trials in its own process (tests/report/in_process.py); `make soak` reads them all.
REAL_CUTS = (
    "demo-final",
    *(
        pytest.param(cut, marks=pytest.mark.slow)
        for cut in (
            "demo-interim",
            "demo-interim-masked",
            "demo-interim-blinded",
            "mayo-pbc",
            "tablets-three-arms",
        )
    ),
)
_READ = ("notebooks", "params", "data")


def _content(folder: Path) -> Iterator[bytes]:
    """Name and bytes of every file below a folder, in order."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
        yield f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode()
        yield path.read_bytes()


def _hash(*pieces: bytes) -> str:
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece)
    return found.hexdigest()


def _state(root: Path, record: Path) -> str:
    """A hash over what a run of a working copy reads, over a record or over none."""
    installed = sorted(f"{own.name} {own.version}" for own in metadata.distributions())
    machine = (PLACE, sys.version, platform.platform(), *installed)
    pieces = ["\n".join(machine).encode()]
    pieces += [(ROOT / name).read_bytes() for name in ("requirements.lock", "pyproject.toml")]
    for folder in (ROOT / "esld", *(root / name for name in _READ), record / "notebooks"):
        pieces += [f"\n{folder.name}\n".encode(), *_content(folder)]
    if (record / "results.json").is_file():
        pieces.append((record / "results.json").read_bytes())
    return _hash(*pieces)


def pages_of(report: Path) -> set[str]:
    """The names of the pages that a published report has: its chapters, and the records behind what each hands over.

    Only whoever may see patients and arms together is shown records. Before the final analysis nothing is told in plain words.
    """
    from esld.data.cutfile import read_cut

    cut = read_cut(ROOT / "params" / f"{report.name}.yaml").cut
    rows = json.loads((report / "results.json").read_text(encoding="utf-8"))
    behind = {f"{row['chapter']}.records" for row in rows} if cut.view == "unblinded" else set()
    plain = {"plain"} if cut.status == "final" else set()
    return {"index", "report", *cut.chapters, *behind, *plain}


def made_once(root: Path, cut: str, cache: Path) -> Path:
    """The published report of a cut of a working copy; read it, or copy it before changing it.

    A cut with a record in the working copy is run over it, as ``make report`` does. What the run warned of stands beside the
    folder in ``warnings.json``.
    """
    record = root / "outputs" / cut
    entry = cache / cut / _state(root, record)[:24]
    seal = entry / "sha256"
    entry.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(entry.with_suffix(".lock")):
        if not (seal.is_file() and seal.read_text() == _hash(*_content(entry / cut))):
            shutil.rmtree(entry, ignore_errors=True)
            make(root, cut, entry)
            seal.write_text(_hash(*_content(entry / cut)))
            _forget(entry.parent)
    return entry / cut


def make(root: Path, cut: str, entry: Path) -> None:
    """Run a cut into a new folder."""
    from esld.data.cutfile import read_cut
    from esld.pipeline.how import How
    from esld.pipeline.run import run_cut

    record = root / "outputs" / cut
    for name in ("notebooks", "results.json"):
        source, target = record / name, entry / cut / name
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        elif source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    # Not by force: what `make report` has executed of the same state a moment ago is what an execution gives.
    published = run_cut(read_cut(root / "params" / f"{cut}.yaml"), How(entry))
    (entry / "warnings.json").write_text(json.dumps(published.warnings), encoding="utf-8")


def _forget(states: Path) -> None:
    """Only the newest states stay."""
    for seal in sorted(states.glob("*/sha256"), key=lambda path: path.stat().st_mtime)[:-KEPT]:
        shutil.rmtree(seal.parent, ignore_errors=True)
        seal.parent.with_suffix(".lock").unlink(missing_ok=True)
