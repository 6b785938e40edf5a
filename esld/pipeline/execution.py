"""One chapter through papermill: a kernel, an empty folder, a notebook without traces of either."""

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import nbformat
from nbformat import NotebookNode

from esld.errors import RunError
from esld.identifying import hidden
from esld.pipeline.chapters import ChapterSource, cell_id, cell_number, numbered
from esld.pipeline.how import CELL_SECONDS
from esld.pipeline.kernels import KERNEL
from esld.pipeline.places import failing_line, place, without_colours

if TYPE_CHECKING:
    from papermill.exceptions import PapermillExecutionError

logging.getLogger("papermill").addHandler(
    logging.NullHandler()
)  # what it says, such as a kernel's end, our errors say


# What a kernel calls the cell in which a SyntaxError is; its line is told anyway.
_SYNTAX = re.compile(r" \((?:\d+\.py|<[^>]*>), line \d+\)$")


@dataclass(frozen=True)
class Executed:
    """An executed chapter.

    Attributes
    ----------
    source : ChapterSource
        What was executed.
    content : bytes
        The notebook, fit to publish.
    seconds : float
        That it took.
    stderr : str
        What it wrote there.
    reused : bool
        Whether that was in an earlier run.
    """

    source: ChapterSource
    content: bytes
    seconds: float
    stderr: str
    reused: bool = False


def execute(
    chapter: ChapterSource,
    values: Mapping[str, Any],
    *,
    kernel: str,
    out: Path,
    work: Path,
    timeout: int = CELL_SECONDS,
    turn: AbstractContextManager[object] | None = None,
    on_start: Callable[[], None] = lambda: None,
    on_cell: Callable[[], None] = lambda: None,
) -> Executed:
    """Execute a chapter with its parameters injected.

    Parameters
    ----------
    chapter : ChapterSource
        The chapter.
    values : dict
        Parameters; JSON types only.
    kernel : str
        See :meth:`esld.pipeline.kernels.Kernels.of_run`. One that does not start is tried once more.
    out : Path
        Where papermill writes the notebook; what stays there after a failure shows where it failed.
    work : Path
        Empty folder in which the kernel runs: its current folder is on ``sys.path``.
    timeout : int
        Seconds that a cell may take.
    turn : context manager, optional
        Entered when the kernel is ready, before the first cell.
    on_start, on_cell : callable
        Called before the first cell, and after each code cell.

    Returns
    -------
    Executed

    Raises
    ------
    esld.errors.RunError
        A cell failed, took too long or ended the chapter early, or the kernel died; the message names chapter, file,
        the line that led there or in which the cell begins, and the error.
    """
    import papermill
    from nbclient.exceptions import CellTimeoutError
    from papermill.exceptions import PapermillExecutionError
    from traitlets.config import Config

    current, begun = 0, perf_counter()  # the cell at work; none yet
    cells: dict[int, tuple[int, NotebookNode]] = {}  # that were begun, with their numbers, by their place
    with ExitStack() as work_of_cells:

        def note(cell: NotebookNode, cell_index: int) -> None:
            nonlocal current, begun
            if not current:
                work_of_cells.enter_context(turn or nullcontext())
                begun = perf_counter()
                on_start()
            current = cell_number(cell, current)
            cells[cell_index] = current, cell

        def run() -> Any:
            try:
                return papermill.execute_notebook(
                    chapter.fresh_notebook(),
                    str(out).replace("{", "{{").replace("}", "}}"),  # papermill formats its paths
                    parameters=dict(values),
                    kernel_name=kernel,
                    language="python",
                    progress_bar=False,
                    request_save_on_cell_execute=False,
                    resources={"metadata": {"path": str(work)}},
                    config=Config({"KernelManager": {"transport_encryption": "required"}}),
                    execution_timeout=timeout,
                    shutdown_kernel="immediate",
                    on_cell_execute=note,
                    on_cell_executed=lambda **_: on_cell(),
                )
            finally:
                _close_loop()

        work.mkdir(parents=True, exist_ok=True)
        try:
            try:
                notebook = run()
            except RuntimeError:
                if current:
                    raise
                notebook = run()
        except PapermillExecutionError as error:
            _keep(out, chapter)
            raise RunError(_failure(chapter, cells, error)) from None
        except CellTimeoutError:
            rule = f"it took longer than {timeout} s; --timeout allows more"
            raise RunError(f"{_in_cell(chapter, *_last(cells))}: {rule}.") from None
        except RuntimeError as error:  # nbclient's DeadKernelError, and a kernel that did not start twice
            if not current:
                raise RunError(
                    f"the kernel of chapter {chapter.slug} did not start: {_one_line(str(error))}"
                ) from error
            raise RunError(f"{_in_cell(chapter, *_last(cells))}: {_one_line(str(error))}") from error
    if (missing := _not_executed(notebook)) is not None:
        raise RunError(f"{_in_cell(chapter, *missing)}: the chapter ended before its last cell.")
    notebook, stderr = published_form(notebook, chapter, values)
    return Executed(chapter, notebook_bytes(notebook), perf_counter() - begun, stderr)


def published_form(
    notebook: NotebookNode, chapter: ChapterSource, values: Mapping[str, Any]
) -> tuple[NotebookNode, str]:
    """The notebook without clocks, paths and random ids, and its stderr, which may name paths."""
    stderr: list[str] = []
    count = 0
    for number, cell in numbered(notebook.cells):
        cell["id"] = cell_id(number)
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
    return notebook, hidden("".join(stderr))


def notebook_bytes(notebook: NotebookNode) -> bytes:
    """A notebook as it is written: validated, keys in a fixed order."""
    nbformat.validate(notebook)
    text: str = nbformat.writes(notebook, version=4)
    return text.encode()


def _close_loop() -> None:
    """Close the event loop that nbclient leaves open in each thread, and end what a cell without end left waiting in it."""
    from jupyter_core.utils import ensure_event_loop

    loop = ensure_event_loop()
    if loop.is_running():  # it is where somebody calls us from a coroutine
        return
    for task in (waiting := asyncio.all_tasks(loop)):
        task.cancel()
    if waiting:
        loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
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


def _not_executed(notebook: NotebookNode) -> tuple[int, NotebookNode] | None:
    """Number and cell of the first code cell that did not end well; papermill lets ``SystemExit`` pass."""
    for number, cell in numbered(notebook.cells):
        if cell.cell_type == "code" and cell.source.strip():
            ended = all(output.output_type != "error" for output in cell.outputs)
            if cell.execution_count is None or not ended:
                return number, cell
    return None


def _in_cell(chapter: ChapterSource, number: int, cell: NotebookNode, line: int = 1) -> str:
    return f"chapter {chapter.slug}: {place(chapter, number, cell.source, line)}"


def _last(cells: Mapping[int, tuple[int, NotebookNode]]) -> tuple[int, NotebookNode]:
    return cells[max(cells)]


def _failure(
    chapter: ChapterSource,
    cells: Mapping[int, tuple[int, NotebookNode]],
    error: "PapermillExecutionError",
) -> str:
    """Where a chapter failed, and why: of what IPython only writes to stderr, such as a magic that is none, the end of that."""
    number, failed = cells[error.cell_index]
    told = _SYNTAX.sub("", f"{error.ename}: {error.evalue}")
    if not error.traceback:
        said = "".join("".join(o.text) for o in failed.outputs if _is_stream(o, "stderr")).splitlines()
        told = next((line for line in reversed(said) if re.search(r"\w{4}", line)), told).strip(" |+-")
    by_prompt = {cell.execution_count: cell for _, cell in cells.values() if cell.cell_type == "code"}
    led, line = failing_line("\n".join(error.traceback), failed, by_prompt)
    number = next(n for n, cell in cells.values() if cell is led)
    return f"{_in_cell(chapter, number, led, line)}: {_one_line(told)}"


def _keep(out: Path, chapter: ChapterSource) -> None:
    """Mend a failed notebook: papermill puts the whole source where the file's name belongs, and an error quotes what it met."""
    notebook = nbformat.read(out, as_version=4)
    notebook.metadata.papermill["input_path"] = f"notebooks/{chapter.path.name}"
    for output in (output for cell in notebook.cells for output in cell.get("outputs", ())):
        if output.output_type == "error":
            output.evalue = hidden(output.evalue)
            trace = "\n".join(output.traceback)
            clear = without_colours(trace)
            output.traceback = (trace if hidden(clear) == clear else hidden(clear)).split("\n")
        elif _is_stream(output, "stderr"):
            output.text = hidden("".join(output.text))
    nbformat.write(notebook, out)


def _one_line(text: str) -> str:
    return " ".join(str(text).split())
