"""Assignments a second with full durability, the disk's own bound, and one `esld randomise assign`."""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from esld.allocation.ledger import Ledger, open_list
from esld.allocation.lists import ListDesign
from esld.allocation.sealed import SealedArm, Trial, seal
from tests.bench.measures import Measure, table

CRITERIA = tuple(f"IN{i:02}" for i in range(1, 15))
ANSWERS = dict.fromkeys(CRITERIA, "yes")
TRIAL = Trial(
    id="BENCH",
    arms=(SealedArm(code="A", label="A", name="a"), SealedArm(code="B", label="B", name="b")),
    masked=False,
    criteria=CRITERIA,
    infusions=0,
)


def syncs_a_second(folder: Path, n: int = 500) -> float:
    """Appends of 500 bytes with fsync: what the disk gives."""
    with (folder / "syncs").open("wb", buffering=0) as file:
        begun = perf_counter()
        for _ in range(n):
            file.write(b"x" * 500)
            os.fsync(file.fileno())
        return n / (perf_counter() - begun)


def assignments_a_second(folder: Path, n: int = 3000) -> float:
    """One process, one stratum, synchronous=FULL, every check made."""
    design = ListDesign(kind="blocks", ratio=(1, 1), slots=n, block_sizes=(2, 4, 6), strata={})
    open_list(folder, seal(TRIAL, design))
    with Ledger(folder) as ledger:
        begun = perf_counter()
        for i in range(n):
            ledger.assign(f"{i}", stratum="all", answers=ANSWERS)
        return n / (perf_counter() - begun)


def command_seconds(folder: Path, n: int = 11) -> float:
    """Median wall time of one `assign` of 22, with 14 criteria, as a process of its own."""
    design = ListDesign(kind="blocks", ratio=(1, 1), slots=22, block_sizes=(2, 4, 6), strata={})
    open_list(folder, seal(TRIAL, design))
    answers = folder.parent / "answers.yaml"
    answers.write_text("".join(f"{name}: yes\n" for name in CRITERIA), encoding="utf-8")
    times = []
    for i in range(n):
        command = [sys.executable, "-m", "esld.cli", "randomise", "assign", f"{i}", "--folder", str(folder)]
        begun = perf_counter()
        subprocess.run([*command, "--answers", str(answers)], check=True, stdout=subprocess.DEVNULL)
        times.append(perf_counter() - begun)
    return statistics.median(times)


def measures() -> list[Measure]:
    """A thousand assignments beside as many appends of the disk itself, and the command."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        ours, disk = 1000 / assignments_a_second(folder / "many"), 1000 / syncs_a_second(folder)
        command = command_seconds(folder / "one")
    name, floor = "ledger: 1,000 assignments, synchronous=FULL", "appends with fsync"
    return [
        Measure(name, ours, disk, 1.0, floor_name=floor, of_ours=True),
        Measure("one `esld randomise assign`", command, goal=0.7),
    ]


if __name__ == "__main__":
    print(table(measures()))
