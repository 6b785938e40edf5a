"""What a report costs: whole, again, in part, verified, ten at once; against plain papermill, plain nbval and a flat script."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

import jupytext
import psutil

from esld.data.cutfile import read_cut
from esld.data.study import load_study
from esld.pipeline.chapters import read_chapters, waves
from esld.pipeline.kernels import PARENT, kernels
from esld.pipeline.sections import fitted
from esld.pipeline.workcopy import lay_out
from esld.report.run_folder import prepare_run_folder
from tests.bench.measures import Measure, interleaved, seconds

ROOT = Path(__file__).parents[2]
ESLD = [sys.executable, "-c", "from esld.cli import main; main()"]
CUTS = 10

# Plain papermill: its API, a chapter after the other, each a kernel of its own.
_PAPERMILL = """
import sys, papermill
for name in sys.argv[2:]:
    out = name.replace(".ipynb", "-out.ipynb")
    papermill.execute_notebook(name, out, {"cut": sys.argv[1]}, kernel_name="python3", progress_bar=False)
"""


def call(command: Sequence[str | Path], cwd: Path) -> None:
    """Run a command that must end well; what it says is not shown."""
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[:4]}: {done.stderr[-2000:]}")


class Bench:
    """A working copy of its own, in which the cut demo-final is run over and over."""

    def __init__(self, folder: Path) -> None:
        self.copy, self.scratch = folder / "copy", folder / "scratch"
        self.copy.mkdir()
        lay_out(self.copy)
        self.cut = self.copy / "params" / "demo-final.yaml"
        self.cuts = [self.cut.with_name(f"cut-{n}.yaml") for n in range(CUTS)]
        for path in self.cuts:
            shutil.copy(self.cut, path)
        self.report = self.copy / "outputs" / self.cut.stem
        file = read_cut(self.cut)
        study = load_study(
            file
        )  # what it cannot fill is left out of a chapter, and would stop plain papermill
        self.chapters = [
            fitted(chapter, study)
            for wave in waves(read_chapters(file), lambda chapter: chapter.slug)
            for chapter in wave
        ]

    def run(self, *cuts: Path) -> None:
        """`esld run`, with whatever earlier runs have kept."""
        call([*ESLD, "run", *cuts], self.copy)

    def fresh(self, *cuts: Path) -> None:
        """`esld run` where nothing was kept."""
        shutil.rmtree(self.copy / "outputs", ignore_errors=True)
        self.run(*cuts)

    def change_a_chapter(self) -> None:
        """Another word in the prose of a chapter."""
        with (self.copy / "notebooks" / "02_baseline.py").open("a", encoding="utf-8") as file:
            file.write("\n# %% [markdown]\n# One word more.\n")

    def _plain(self, work: Callable[[Path], None]) -> None:
        """In a folder that only kernels write to: ordinary ones, and each loads the study."""
        with tempfile.TemporaryDirectory(dir=self.scratch.parent) as name, kernels():
            parent, cache = os.environ.pop(PARENT, None), self.copy / "outputs" / ".cache"
            shutil.rmtree(cache, ignore_errors=True)
            cache.parent.mkdir(exist_ok=True)
            cache.touch()  # where a file is, nothing is kept
            prepare_run_folder(Path(name) / "run", read_cut(self.cut))
            os.environ |= {"ESLD_RUN": str(Path(name) / "run")}
            try:
                work(Path(name))
            finally:
                cache.unlink()
                os.environ.pop("ESLD_RUN")
                os.environ |= {PARENT: parent} if parent else {}

    def papermill(self) -> None:
        """Plain papermill; nothing is rendered or recorded."""

        def work(folder: Path) -> None:
            names = []
            for chapter in self.chapters:
                names.append(folder / f"{chapter.slug}.ipynb")
                jupytext.write(chapter.notebook, names[-1], fmt="ipynb")
            call([sys.executable, "-c", _PAPERMILL, self.cut.stem, *names], folder)

        self._plain(work)

    def nbval(self) -> None:
        """Plain nbval on the published notebooks."""

        def work(folder: Path) -> None:
            own = [
                shutil.copy(self.report / "notebooks" / f"{chapter.slug}.ipynb", folder)
                for chapter in self.chapters
            ]
            command = [
                sys.executable,
                "-m",
                "pytest",
                "--nbval-lax",
                "-q",
                "-p",
                "no:cacheprovider",
            ]
            call([*command, "--nbval-kernel-name=python3", f"--rootdir={folder}", *own], folder)

        self._plain(work)

    def flat(self) -> None:
        """All chapters as one script."""
        with tempfile.TemporaryDirectory(dir=self.scratch.parent) as name:
            call([sys.executable, "-m", "tests.bench.flat", self.cut, name], ROOT)

    def verify(self) -> None:
        """`esld verify`."""
        call([*ESLD, "verify", self.report], self.copy)


def peak(work: Callable[[], None]) -> float:
    """Most memory that the processes of a call had at once, in GB; what several share is counted once."""
    most, done = 0.0, threading.Event()

    def look() -> None:
        nonlocal most
        while not done.wait(0.1):
            total = 0
            for process in psutil.Process().children(recursive=True):
                try:
                    total += process.memory_full_info().pss
                except (psutil.Error, AttributeError):
                    continue
            most = max(most, total / 1e9)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        work()
    finally:
        done.set()
        watcher.join()
    return most


def first_cell(bench: Bench) -> float:
    """Seconds of the first cell that opens a chapter, in a kernel as `make lab` starts it."""
    from jupyter_client.manager import start_new_kernel

    chapter = next(chapter for chapter in bench.chapters if chapter.slug == "03_survival")
    code = [cell.source for cell in chapter.notebook.cells if cell.cell_type == "code"][:2]
    with kernels() as started:
        scratch = bench.scratch / "lab"
        prepare_run_folder(scratch, read_cut(bench.cut))
        manager, client = start_new_kernel(kernel_name=started.of_run(scratch), cwd=str(scratch))
        try:
            return seconds(lambda: [client.execute_interactive(cell, timeout=60) for cell in code])
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)


def measures(repeats: int = 3) -> list[Measure]:
    """Medians of interleaved repetitions."""
    with tempfile.TemporaryDirectory(prefix="esld-bench-") as name, nullcontext(Bench(Path(name))) as bench:
        whole = interleaved(
            {"run": lambda: bench.fresh(bench.cut), "papermill": bench.papermill, "flat": bench.flat}, repeats
        )
        bench.fresh(bench.cut)
        again = interleaved({"run": lambda: bench.run(bench.cut)}, repeats)["run"]
        parts = []
        for _ in range(repeats):
            bench.change_a_chapter()
            parts.append(seconds(lambda: bench.run(bench.cut)))
        proof = interleaved({"verify": bench.verify, "nbval": bench.nbval}, repeats)
        ten = seconds(lambda: bench.fresh(*bench.cuts))
        memory = peak(lambda: bench.fresh(bench.cut))
        opened = first_cell(bench)
    return [
        Measure(
            "full run of demo-final", whole["run"], whole["papermill"], 1 / 4.5, floor_name="papermill API"
        ),
        Measure("full run of demo-final", whole["run"], whole["flat"], 1.0, floor_name="one flat script"),
        Measure("second run, nothing changed", again, goal=1.0),
        Measure("run after one chapter changed", sorted(parts)[len(parts) // 2], goal=2.5),
        Measure("esld verify", proof["verify"], proof["nbval"], 0.45, floor_name="nbval"),
        Measure("ten cuts in one command", ten, whole["run"], 8.0, floor_name="one cut"),
        Measure("peak memory of a full run", memory, goal=1.2, unit="GB"),
        Measure("first cell of a chapter in the lab", opened, goal=0.3),
    ]
