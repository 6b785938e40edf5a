"""The chapters of a published report executed once more through nbval, and what they gave.

nbval is unmaintained: it is pinned, and touched nowhere but here and in :mod:`esld.pipeline.recorder`. It compares text, tables
and words to the letter. What is executed are the chapters of the working copy, never the code that a report holds: who alters
a report does not decide what runs here.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from esld import jsonfile
from esld.data.cutfile import CutFile
from esld.pipeline import recorder
from esld.pipeline.chapters import ChapterSource, cell_id, numbered, values_for, waves
from esld.pipeline.execution import notebook_bytes, published_form
from esld.pipeline.how import How
from esld.pipeline.kernels import KERNEL, Kernels, kernels
from esld.pipeline.places import place
from esld.report.roles import PARTS
from esld.report.run_folder import prepare_run_folder

UNCOMPARED = "nbval-ignore-output"  # tag of a cell that its author says gives something else each time


@dataclass(frozen=True)
class Again:
    """What a re-execution gave.

    Attributes
    ----------
    faults : tuple of str
        A line a cell that failed or whose output differs, by its place in the chapter's source.
    notebooks : dict of str to bytes
        By chapter the notebook as a run would publish it; none of a chapter that failed.
    """

    faults: tuple[str, ...]
    notebooks: Mapping[str, bytes]


def reexecute(
    chapters: Sequence[ChapterSource],
    published: Path,
    file: CutFile,
    folder: Path,
    scratch: Path,
    how: How | None = None,
) -> Again:
    """Execute chapters through nbval, and compare what each cell gives with what is published of it.

    Parameters
    ----------
    chapters : sequence of ChapterSource
        As the study can fill them.
    published : Path
        Folder of the published notebooks.
    file : CutFile
        The cut they belong to.
    folder : Path
        Empty folder to work in.
    scratch : Path
        The run's folder (``ESLD_RUN``), in which the chapters hand over their results.
    how : How, optional
        How many chapters at once, and for how long.
    """
    prepare_run_folder(scratch, file)
    for part in PARTS:
        (scratch / part).mkdir(exist_ok=True)
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8", newline="\n")
    how = how or How()
    recorded = {chapter.slug: _readable(published / f"{chapter.slug}.ipynb") for chapter in chapters}
    for chapter in chapters:
        (folder / chapter.slug).mkdir()
        asked = _to_compare(chapter, file, recorded[chapter.slug])
        (folder / chapter.slug / f"{chapter.slug}.ipynb").write_bytes(notebook_bytes(asked))
    faults: list[str] = []
    running: list[subprocess.Popen[str]] = []
    with kernels() as started, ThreadPoolExecutor(how.jobs) as pool:
        nbval = partial(
            _nbval,
            kernels=started,
            kernel=started.of_run(scratch),
            folder=folder,
            timeout=how.timeout,
            running=running,
        )
        for wave in waves(chapters, lambda chapter: chapter.slug):
            shares = [wave[start :: how.jobs] for start in range(how.jobs)]
            try:
                faults += [fault for found in pool.map(nbval, filter(None, shares)) for fault in found]
            except BaseException:
                started.stop()
                for process in running:
                    process.kill()
                raise
    given = {chapter.slug: _given(folder / chapter.slug / recorder.OUTPUTS) for chapter in chapters}
    notebooks = {
        c.slug: _published_again(c, file, outputs, recorded[c.slug])
        for c in chapters
        if len(outputs := given[c.slug]) == c.cells and not _failed(outputs)
    }
    return Again(tuple(faults), notebooks)


def _readable(path: Path) -> NotebookNode | None:
    """A published notebook; None where it is none, whatever is wrong with it."""
    try:
        notebook: NotebookNode = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except Exception:
        return None
    return notebook


def _injected(chapter: ChapterSource, file: CutFile) -> NotebookNode:
    """A chapter with its parameters, as papermill executes it."""
    from papermill.iorw import load_notebook_node
    from papermill.parameterize import parameterize_notebook

    notebook = load_notebook_node(chapter.fresh_notebook())
    values = values_for(chapter.slug, file)
    injected: NotebookNode = parameterize_notebook(notebook, values, kernel_name=KERNEL, language="python")
    return injected


def _published_form(notebook: NotebookNode, chapter: ChapterSource, file: CutFile) -> NotebookNode:
    return published_form(notebook, chapter, values_for(chapter.slug, file))[0]


def _outputs(notebook: NotebookNode | None) -> dict[str, list[NotebookNode]]:
    """Outputs of the code cells of a published notebook, by id."""
    cells = notebook.cells if notebook else ()
    return {cell.id: cell.outputs for cell in cells if cell.cell_type == "code" and "id" in cell}


def _to_compare(chapter: ChapterSource, file: CutFile, recorded: NotebookNode | None) -> NotebookNode:
    """The chapter with the published outputs; those that are not there are told by the comparison of the file."""
    notebook = _published_form(_injected(chapter, file), chapter, file)
    outputs = _outputs(recorded)
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.id in outputs:
            cell.outputs = outputs[cell.id]
        else:
            cell.metadata.tags = [*cell.metadata.tags, UNCOMPARED]
    return notebook


def _given(path: Path) -> dict[str, list[NotebookNode]]:
    """What the cells of a chapter gave, by id; nothing where nbval did not come to its end."""
    if not path.is_file():
        return {}
    content = jsonfile.loads(path.read_text(encoding="utf-8"))
    return {name: [nbformat.from_dict(each) for each in outputs] for name, outputs in content.items()}


def _failed(outputs: Mapping[str, Sequence[NotebookNode]]) -> bool:
    return any(each.output_type == "error" for own in outputs.values() for each in own)


def _published_again(
    chapter: ChapterSource,
    file: CutFile,
    given: Mapping[str, list[NotebookNode]],
    recorded: NotebookNode | None,
) -> bytes:
    """The notebook as a run would publish it; of cells that give something else each time, what is published."""
    notebook, published = _injected(chapter, file), _outputs(recorded)
    for number, cell in numbered(notebook.cells):
        if cell.cell_type == "code":
            name = cell_id(number)
            kept = UNCOMPARED in cell.metadata.get("tags", ()) and name in published
            cell.outputs = published[name] if kept else given.get(name, [])
    return notebook_bytes(_published_form(notebook, chapter, file))


def _nbval(
    chapters: Sequence[ChapterSource],
    *,
    kernels: Kernels,
    kernel: str,
    folder: Path,
    timeout: int,
    running: list[subprocess.Popen[str]],
) -> list[str]:
    copies = [folder / chapter.slug / f"{chapter.slug}.ipynb" for chapter in chapters]
    report = folder / f"{chapters[0].slug}.xml"
    command = [
        *(sys.executable, "-P", "-m", "pytest", "-p", "nbval.plugin", "-p", recorder.__name__),
        *("--nbval", f"--nbval-kernel-name={kernel}", f"--nbval-cell-timeout={timeout}"),
        *("-q", "-p", "no:cacheprovider", "--color=no", f"--rootdir={folder}", f"--junit-xml={report}"),
    ]
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
    places = {c.slug: _code_cells(path, c) for c, path in zip(chapters, copies, strict=True)}
    found = _failures(report, places) if report.exists() else []
    return found or [f"nbval ended with code {done.returncode}: {' '.join(said.split())[-300:]}"]


def _code_cells(path: Path, source: ChapterSource) -> list[str]:
    """Where each code cell stands in the chapter, in nbval's order."""
    cells = numbered(nbformat.read(path, as_version=4).cells)
    return [place(source, number, cell.source) for number, cell in cells if cell.cell_type == "code"]


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
