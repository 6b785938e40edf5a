"""The proof that a published report is what its inputs give: hashes, and re-execution through nbval.

nbval is unmaintained: it is pinned, and touched nowhere but here. It compares text, tables and words to the
letter, pictures by the summary of what they draw; ``results.json`` is compared beside it, with a tolerance.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import nbformat

from esld.data.cutfile import CutFile, read_cut
from esld.errors import InputError, RunError, did_you_mean
from esld.pipeline import provenance
from esld.pipeline.agreement import row_differences
from esld.pipeline.chapters import ChapterSource, needed_for, numbered, read_chapter, read_chapters, waves
from esld.pipeline.handed_over import gather
from esld.pipeline.how import How
from esld.pipeline.kernels import Kernels, kernels
from esld.pipeline.places import place
from esld.report.results import read_rows
from esld.report.run_folder import prepare_run_folder

_CONFTEST = '''"""Pictures are compared by what they draw, stderr not at all."""


def pytest_collectstart(collector):
    if collector.fspath and collector.fspath.ext == ".ipynb":
        collector.skip_compare += ("image/png", "stderr")
'''


@dataclass(frozen=True)
class Verdict:
    """What verification found, a line a fault; none means that the report stands."""

    faults: tuple[str, ...]
    chapters: int
    results: int


def verify_report(folder: Path, how: How | None = None, chapters: Sequence[str] = ()) -> Verdict:
    """Check a published report against its inputs.

    Parameters
    ----------
    folder : Path
        ``outputs/<cut>``.
    how : How, optional
        How many chapters at once, and for how long.
    chapters : sequence of str, optional
        Those to execute, with what they read; all by default. Hashes are compared of everything.

    Returns
    -------
    Verdict
        Inputs or published files whose hash is not the recorded one, cells whose outputs differ when
        re-executed, and results that differ beyond the tolerance.

    Raises
    ------
    esld.errors.InputError
        The folder holds no published report, or not of such a chapter, or the cut's file is gone.
    """
    record = provenance.read(folder)
    file = cut_of(folder, record)
    template = provenance.template_of(folder, record["inputs"])
    inputs = provenance.input_hashes(file, read_chapters(file), template)
    faults = _hash_faults("input", record["inputs"], inputs)
    faults += _hash_faults("published file", record["outputs"], provenance.output_hashes(folder))
    notebooks = sorted((folder / "notebooks").glob("*.ipynb"))
    slugs = [path.stem for path in notebooks]
    for slug in chapters:
        if slug not in slugs:
            remedy = did_you_mean(slug, slugs)
            raise InputError("--chapter", "must be a chapter of the report", slug, str(folder), remedy)
    if chapters:
        needed = needed_for(chapters, slugs)
        notebooks = [path for path in notebooks if path.stem in needed]
    with tempfile.TemporaryDirectory(prefix="esld-verify-") as name:
        scratch = Path(name) / "run"
        faults += reexecute(notebooks, file, Path(name), scratch, how)
        results = _result_faults(folder, scratch, [p.stem for p in notebooks])
    return Verdict((*faults, *results.faults), len(notebooks), results.results)


def _hash_faults(what: str, recorded: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """A line a file that is missing, new or changed."""
    faults = []
    for name in sorted(set(recorded) | set(found)):
        if name not in found:
            faults.append(f"{what} {name} is missing")
        elif name not in recorded:
            faults.append(f"{what} {name} was not there when the report was made")
        elif recorded[name] != found[name]:
            faults.append(f"{what} {name} has changed since the report was made")
    return faults


def _result_faults(folder: Path, scratch: Path, chapters: Sequence[str]) -> Verdict:
    """``results.json`` against what the re-executed chapters handed over."""
    try:
        recorded = read_rows(folder / "results.json")
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Verdict(("results.json cannot be read",), len(chapters), 0)
    try:
        found = gather(scratch, chapters).rows
    except RunError as error:
        return Verdict((str(error),), len(chapters), len(recorded))
    recorded = [row for row in recorded if row.chapter in chapters]
    differences = tuple(f"result {difference}" for difference in row_differences(recorded, found))
    return Verdict(differences, len(chapters), len(recorded))


def reexecute(
    notebooks: Sequence[Path], file: CutFile, folder: Path, scratch: Path, how: How | None = None
) -> list[str]:
    """Re-execute notebooks through nbval, each as its parameters were injected.

    Parameters
    ----------
    notebooks : sequence of Path
        Executed notebooks; copies are run, so that nothing is written beside the originals.
    file : CutFile
        The cut they belong to.
    folder : Path
        Empty folder for the copies.
    scratch : Path
        The run's folder (``ESLD_RUN``), in which the chapters hand over their results.
    how : How, optional
        How many chapters at once, and for how long.

    Returns
    -------
    list of str
        A line a cell that failed or whose output differs, by its place in the chapter's source.
    """
    prepare_run_folder(scratch, file)
    (folder / "conftest.py").write_text(_CONFTEST, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    faults: list[str] = []
    how = how or How()
    chapters = {path.stem: _source(path.stem, file) for path in notebooks}
    running: list[subprocess.Popen[str]] = []
    with kernels() as started, ThreadPoolExecutor(how.jobs) as pool:
        for wave in waves(notebooks, lambda path: path.stem):
            shares = [wave[start :: how.jobs] for start in range(how.jobs)]
            nbval = partial(
                _nbval,
                kernels=started,
                kernel=started.of_run(scratch),
                chapters=chapters,
                folder=folder,
                timeout=how.timeout,
                running=running,
            )
            try:
                faults += [fault for found in pool.map(nbval, filter(None, shares)) for fault in found]
            except BaseException:
                started.stop()
                for process in running:
                    process.kill()
                raise
    return faults


def _nbval(
    notebooks: Sequence[Path],
    *,
    kernels: Kernels,
    kernel: str,
    chapters: Mapping[str, ChapterSource | None],
    folder: Path,
    timeout: int,
    running: list[subprocess.Popen[str]],
) -> list[str]:
    copies = []
    for path in notebooks:
        own = folder / path.stem
        own.mkdir()
        copies.append(shutil.copy(path, own / path.name))
    report = folder / f"{notebooks[0].stem}.xml"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "nbval.plugin",
        "--nbval",
        f"--nbval-kernel-name={kernel}",
        f"--nbval-cell-timeout={timeout}",
    ]
    command += ["-q", "-p", "no:cacheprovider", "--color=no", f"--rootdir={folder}", f"--junit-xml={report}"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COV_"))}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # whatever else is installed has no say here
    with subprocess.Popen(
        [*command, *map(str, copies)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        errors="replace",
        pass_fds=kernels.descriptors,
    ) as done:
        running.append(done)
        said, _ = done.communicate()
    if done.returncode == 0:
        return []
    places = {path.stem: _code_cells(path, chapters[path.stem]) for path in notebooks}
    found = _failures(report, places) if report.exists() else []
    return found or [f"nbval ended with code {done.returncode}: {' '.join(said.split())[-300:]}"]


def _source(slug: str, file: CutFile) -> ChapterSource | None:
    with suppress(OSError, InputError):
        return read_chapter(file.root / "notebooks" / f"{slug}.py")
    return None


def _code_cells(path: Path, source: ChapterSource | None) -> list[str]:
    """Where each code cell stands, in nbval's order: by its line in the chapter, if that is still the one that was executed."""
    try:
        notebook = nbformat.read(path, as_version=4)
        cells = [(number, cell) for number, cell in numbered(notebook.cells) if cell.cell_type == "code"]
        executed = notebook.metadata.get("esld", {}).get("sha256")
    except (ValueError, AttributeError):
        return []
    if source and executed == source.sha256:
        return [place(source, number, cell.source) for number, cell in cells]
    return [f"cell {number}" for number, _ in cells]


def _failures(report: Path, places: Mapping[str, Sequence[str]]) -> list[str]:
    """Chapter and cell of each failure, and the first line that differs."""
    from xml.etree import ElementTree

    faults = []
    for case in ElementTree.parse(report).iter("testcase"):
        fault = next((child for child in case if child.tag in ("failure", "error")), None)
        if fault is not None:
            chapter = str(case.get("classname", "")).split(".")[0]
            name = str(case.get("name", "")).removeprefix("Cell ")
            known = places.get(chapter, ())
            cell = known[int(name)] if name.isdigit() and int(name) < len(known) else f"cell {name}"
            faults.append(f"{chapter}: {cell}: {_difference(fault.text or '')}")
    return faults


def _difference(text: str) -> str:
    """What nbval says at length, in one line: the first line that differs, or the last line of a traceback."""
    plain = re.sub(r"(\x1b|#x1B)\[[\d;]*m", "", text)  # colours, as they are or as XML spells them
    lines = [line.strip() for line in plain.partition("Traceback:")[2].splitlines() if line.strip()]
    recorded, found = (next((x[2:] for x in lines if x.startswith(sign)), None) for sign in ("+ ", "- "))
    if recorded is not None or found is not None:
        return f"recorded {recorded or 'nothing'!r:.120}, found {found or 'nothing'!r:.120}"
    return (lines[-1] if lines else " ".join(plain.split()))[:200]


def cut_of(folder: Path, record: Mapping[str, Any]) -> CutFile:
    """The cut's file in the working copy around a published folder, or else where it was when it ran."""
    around = [root / "params" / f"{record['cut']}.yaml" for root in folder.resolve().parents]
    for path in (*around, Path(str(provenance.read_run(folder).get("cut_file", "")))):
        if path.is_file():
            return read_cut(path)
    remedy = "Restore the working copy."
    raise InputError(
        f"cut {record['cut']}", "must still have its file in params/", str(folder), remedy=remedy
    )
