"""Runs without kernels, and a driver in which such a run dies at a chosen moment.

``python dying_run.py COPY exchange|fallback`` forks a run for moments at which the file system changes and kills it there:
each at which it publishes, and some of each stage (four times as many under `make soak`). It prints a line a moment: what was
done, and whether the report was the old or the new one.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from nbformat import NotebookNode

from esld.data.cutfile import CutFile, read_cut
from esld.data.study import Study, load_study
from esld.pipeline import assemble, desk, making, provenance, publish, run
from esld.pipeline.chapters import ChapterSource
from esld.pipeline.execution import Executed, notebook_bytes, published_form
from esld.pipeline.how import How
from esld.pipeline.kernels import Kernels
from esld.pipeline.reuse import Shelf

APART = 1 if os.environ.get("ESLD_SOAK") else 4
CHANGES = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.move", "exchange"}


def fake_execute(
    chapter: ChapterSource,
    values: Mapping[str, Any],
    *,
    out: Path,
    on_start: Callable[[], None],
    on_cell: Callable[[], None],
    **_: object,
) -> Executed:
    """What :func:`esld.pipeline.execution.execute` does for a chapter that hands over nothing but an answer."""
    on_start()
    scratch = out.parent
    for part in ("chapters", "tables", "figures"):
        (scratch / part).mkdir(exist_ok=True)
    name = f"tables/{chapter.slug}"
    (scratch / f"{name}.csv").write_text("a\n1\n", encoding="utf-8")
    answer = f"Answer of {values['cut']}."
    content = {"answer": answer, "files": {name: "A table"}, "exhibits": {}, "appendix": [], "rows": []}
    (scratch / "chapters" / f"{chapter.slug}.json").write_text(json.dumps(content), encoding="utf-8")
    notebook: NotebookNode = chapter.fresh_notebook()
    for _ in range(chapter.cells):
        on_cell()
    notebook, _ = published_form(notebook, chapter, values)
    return Executed(chapter, notebook_bytes(notebook), 0.0, "")


@contextmanager
def no_kernels() -> Iterator[Kernels]:
    """Nothing from which kernels could start."""
    with TemporaryDirectory() as folder:
        yield Kernels(Path(folder), lambda: None, ())


def state(folder: Path) -> str:
    """Title of the published report if it is whole: every file as its own record says."""
    record = provenance.read(folder)
    whole = record["outputs"] == provenance.output_hashes(folder)
    title = "second" if b"Title second" in (folder / "index.html").read_bytes() else "first"
    return title if whole else "broken"


def watch(at_change: Callable[[int, str], None]) -> None:
    """Call before each change of the file system below ``outputs``, with its number and what it is."""
    count = 0

    def moment(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        reads = event == "open" and not set(str(arguments[1])) & set("wax+")
        inside = "outputs" in " ".join(map(str, arguments)) or event in ("os.remove", "os.rmdir")
        if event in CHANGES and inside and not reads:
            count += 1
            at_change(count - 1, f"{event} {Path(str(arguments[0])).name}")

    sys.addaudithook(moment)
    swap = publish.exchange

    def exchange(one: Path, other: Path) -> bool:  # called through ctypes: no audit event of its own
        sys.audit("exchange", f"outputs/{other.name}", other)
        return swap(one, other)

    publish.exchange = exchange


def forked(work: Callable[[], None]) -> int:
    """Do something in a child; its exit status, negative for a signal."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(copy: Path, way: str) -> None:
    """Kill runs before, while and after they publish, and let the next one run from what was left."""
    desk.execute, run.kernels = fake_execute, no_kernels
    # How much is kept there and tidied differs from run to run: a step would be another moment.
    Shelf.keep, Shelf.remembered = lambda *_, **__: None, lambda shelf, key, make: make()
    if way == "fallback":
        publish.exchange = lambda one, other: False
    path, published = copy / "params" / "tiny.yaml", copy / "outputs" / "tiny"
    text = path.read_text(encoding="utf-8")
    study: Study = load_study(read_cut(path))
    making.stored_study = lambda file: replace(study, file=file)
    # What only computes is left out, or done once: a child forked for each moment would do it again. The Word document is a
    # file like another.
    making._check_twice, making.unfit = lambda *_: None, lambda *_: []
    making.provenance.environment = cache(provenance.environment)
    assemble.word.write_word = lambda report, recorded, path, *_, **__: path.write_bytes(b"a document")

    def cut(title: str) -> CutFile:
        path.write_text(text.replace("title: Tiny cut", f"title: Title {title}"), encoding="utf-8")
        return read_cut(path)

    def watched(file: CutFile, at_change: Callable[[int, str], None]) -> None:
        watch(at_change)
        run.run_cut(file, How(force=True))

    def die_at(step: int) -> Callable[[int, str], None]:
        return lambda number, _: os.kill(os.getpid(), signal.SIGKILL) if number == step else None

    old, new = "first", "second"
    run.run_cut(cut(new), How(force=True))  # in this process, so that the children find everything imported
    file, log = cut(old), copy / "changes.txt"

    def note(_: int, what: str) -> None:
        with log.open("a", encoding="utf-8") as lines:
            lines.write(f"{what}\n")

    assert forked(lambda: watched(file, note)) == 0
    changes = log.read_text(encoding="utf-8").splitlines()
    late = changes.index("open provenance.json")
    for step in [
        # checks the place, prepares, executes, gathers, renders
        *(range(3, late, 5 * APART) if way == "exchange" else ()),
        *range(late, late + 4),
        *range(late + 4, len(changes), 6 * APART),
    ]:
        file = cut(new)
        status = forked(lambda file=file, step=step: watched(file, die_at(step)))
        assert status == -signal.SIGKILL, status
        found = (
            "missing" if not published.exists() else {old: "old", new: "new"}.get(state(published), "broken")
        )
        with publish.locked(making.place_of(file)):
            after = {old: "old", new: "new"}.get(state(published), "broken")
        print(found, after, changes[step], sep="\t", flush=True)
        assert forked(lambda file=file: run.run_cut(file, How(force=True))) == 0
        assert state(published) == new
        old, new = new, old


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
