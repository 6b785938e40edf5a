"""One chapter through papermill: this interpreter, an empty folder, a notebook without traces of either."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from esld.errors import RunError
from esld.pipeline.chapters import ChapterSource
from esld.report.chapter import RUN_VARIABLE

KERNEL = "python3"


@dataclass(frozen=True)
class Executed:
    """An executed chapter: notebook fit to publish, seconds it took, and what it wrote to stderr."""

    source: ChapterSource
    notebook: NotebookNode
    seconds: float
    stderr: str


@contextmanager
def kernel_environment(scratch: Path) -> Iterator[None]:
    """What kernels inherit: the run's folder, this very interpreter, nobody's own settings, one BLAS thread.

    A kernelspec on ``JUPYTER_PATH`` comes before any that the user has installed, so ``python3`` is always
    this interpreter. A user's start-up file or ``matplotlibrc`` would make the same inputs give other bytes.
    """
    spec = scratch / "jupyter" / "kernels" / KERNEL
    spec.mkdir(parents=True, exist_ok=True)
    arguments = ["-m", "ipykernel_launcher", "-f", "{connection_file}", "--HistoryManager.enabled=False"]
    content = {
        "argv": [sys.executable, *arguments],
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "metadata": {"supported_encryption": ["curve"]},
    }
    (spec / "kernel.json").write_text(json.dumps(content), encoding="utf-8")
    (scratch / "matplotlibrc").touch()
    settings = {
        RUN_VARIABLE: str(scratch),
        "JUPYTER_PATH": str(scratch / "jupyter"),
        "IPYTHONDIR": str(scratch / "ipython"),
        "PYTHONSTARTUP": "",
        "MPLBACKEND": "agg",
        "MATPLOTLIBRC": str(scratch / "matplotlibrc"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def execute(
    chapter: ChapterSource,
    values: Mapping[str, Any],
    *,
    out: Path,
    work: Path,
    on_cell: Callable[[], None] = lambda: None,
) -> Executed:
    """Execute a chapter with its parameters injected.

    Parameters
    ----------
    chapter : ChapterSource
        The chapter.
    values : dict
        Parameters; JSON types only.
    out : Path
        Where papermill writes the notebook; what stays there after a failure shows where it failed.
    work : Path
        Empty folder in which the kernel runs: its current folder is on ``sys.path``.
    on_cell : callable
        Called after each code cell.

    Returns
    -------
    Executed

    Raises
    ------
    esld.errors.RunError
        A cell failed or ended the chapter early, or the kernel died; the message names chapter, cell and
        error. Cells are counted from 1 as in the executed notebook, prose and injected parameters included.
    """
    from time import perf_counter

    import papermill
    from papermill.exceptions import PapermillExecutionError
    from traitlets.config import Config

    current = 0

    def note(cell: NotebookNode, cell_index: int) -> None:
        nonlocal current
        current = cell_index

    failed = f"chapter {chapter.slug} failed in cell"
    work.mkdir(parents=True, exist_ok=True)
    begun = perf_counter()
    try:
        notebook = papermill.execute_notebook(
            chapter.fresh_notebook(),
            str(out).replace("{", "{{").replace("}", "}}"),  # papermill formats its paths
            parameters=dict(values),
            kernel_name=KERNEL,
            language="python",
            progress_bar=False,
            request_save_on_cell_execute=False,
            resources={"metadata": {"path": str(work)}},
            config=Config({"KernelManager": {"transport_encryption": "required"}}),
            shutdown_kernel="immediate",
            on_cell_execute=note,
            on_cell_executed=lambda **_: on_cell(),
        )
    except PapermillExecutionError as error:
        _name_source(out, chapter)
        raise RunError(f"{failed} {error.cell_index + 1}: {error.ename}: {_one_line(error.evalue)}") from None
    except RuntimeError as error:  # nbclient's DeadKernelError, and a kernel that never started
        raise RunError(f"{failed} {current + 1}: {_one_line(str(error))}") from error
    finally:
        _close_loop()
    if (missing := _not_executed(notebook)) is not None:
        raise RunError(f"{failed} {missing}: the chapter ended before its last cell.")
    notebook, stderr = published_form(notebook, chapter, values)
    return Executed(chapter, notebook, perf_counter() - begun, stderr)


def published_form(
    notebook: NotebookNode, chapter: ChapterSource, values: Mapping[str, Any]
) -> tuple[NotebookNode, str]:
    """The notebook without clocks, paths and random ids, and its stderr, which may name paths."""
    stderr: list[str] = []
    count = 0
    for position, cell in enumerate(notebook.cells, 1):
        cell["id"] = f"cell-{position:03d}"
        cell.metadata = nbformat.from_dict({"tags": list(cell.metadata.get("tags", []))})
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count
        stderr += ["".join(o.text) for o in cell.outputs if _is_stream(o, "stderr")]
        cell.outputs = _joined([o for o in cell.outputs if not _is_stream(o, "stderr")])
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = count
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"name": KERNEL, "display_name": "Python 3 (ipykernel)", "language": "python"},
            "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
            "esld": {
                "source": f"notebooks/{chapter.path.name}",
                "sha256": chapter.sha256,
                "parameters": dict(values),
            },
        }
    )
    return notebook, "".join(stderr)


def write_notebook(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook, validated, keys in a fixed order."""
    nbformat.validate(notebook)
    path.write_text(nbformat.writes(notebook, version=4), encoding="utf-8", newline="\n")


def _close_loop() -> None:
    """Close the event loop that nbclient leaves open in each thread."""
    from jupyter_core.utils import ensure_event_loop

    loop = ensure_event_loop()
    if not loop.is_running():  # it is where somebody calls us from a coroutine
        loop.close()


def _is_stream(output: NotebookNode, name: str) -> bool:
    return bool(output.output_type == "stream" and output.name == name)


def _joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Neighbouring pieces of stdout as one: how a kernel splits it depends on the moment."""
    joined: list[NotebookNode] = []
    for output in outputs:
        if joined and _is_stream(output, "stdout") and _is_stream(joined[-1], "stdout"):
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def _not_executed(notebook: NotebookNode) -> int | None:
    """The first code cell that did not end well; papermill lets ``SystemExit`` pass."""
    for position, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "code" and cell.source.strip():
            ended = all(output.output_type != "error" for output in cell.outputs)
            if cell.execution_count is None or not ended:
                return position
    return None


def _name_source(out: Path, chapter: ChapterSource) -> None:
    """Papermill puts the whole source into a failed notebook's metadata, where the file's name belongs."""
    notebook = nbformat.read(out, as_version=4)
    notebook.metadata.papermill["input_path"] = f"notebooks/{chapter.path.name}"
    nbformat.write(notebook, out)


def _one_line(text: str) -> str:
    return " ".join(str(text).split())
