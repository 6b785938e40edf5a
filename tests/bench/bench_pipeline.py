"""A full run of demo-final against plain papermill called once per chapter, in the same run."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import jupytext

from esld.data.study import read_cut
from esld.pipeline.chapters import read_chapters
from esld.pipeline.kernels import kernel_environment
from esld.report.chapter import prepare_run_folder

ROOT = Path(__file__).parents[2]
CUT = ROOT / "params" / "demo-final.yaml"


def full_run(folder: Path) -> float:
    """Seconds of ``esld run``: check, execute, render, record, publish."""
    begun = perf_counter()
    command = [sys.executable, "-m", "esld.cli", "run", str(CUT), "--outputs", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return perf_counter() - begun


def plain_papermill(folder: Path) -> float:
    """Seconds of the papermill command, once a chapter, one after another; nothing is rendered or recorded."""
    file = read_cut(CUT)
    chapters = read_chapters(file)
    for chapter in chapters:
        jupytext.write(chapter.notebook, folder / f"{chapter.slug}.ipynb", fmt="ipynb")
    scratch = folder / "run"
    prepare_run_folder(scratch, file.path.parent)
    with kernel_environment(scratch):
        begun = perf_counter()
        for chapter in chapters:
            source, target = folder / f"{chapter.slug}.ipynb", folder / f"{chapter.slug}-out.ipynb"
            command = [
                sys.executable,
                "-m",
                "papermill",
                str(source),
                str(target),
                "-p",
                "cut",
                file.id,
                "-k",
                "python3",
            ]
            subprocess.run(
                command, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        return perf_counter() - begun


def main(repeats: int = 3) -> None:
    """Print both times, repetition by repetition, and the ratio of each."""
    for repeat in range(1, repeats + 1):
        folder = Path(tempfile.mkdtemp(prefix="esld-bench-"))
        try:
            ours, plain = full_run(folder / "outputs"), plain_papermill(folder)
        finally:
            shutil.rmtree(folder)
        both = f"full run {ours:.1f} s, papermill per chapter {plain:.1f} s"
        print(f"demo-final, repetition {repeat}: {both}, ratio {ours / plain:.2f}", flush=True)
