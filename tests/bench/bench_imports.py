"""What importing costs, and how long the quick commands take."""

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from esld.data.cutfile import read_cut
from esld.data.store import stored_study, study_key
from esld.data.study import load_study
from tests.bench.measures import Measure, interleaved

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from esld.cli import main; main()"]
GOALS = {"esld --help": 0.2, "esld check": 1.0, "esld score, ten rows": 1.0}


def seconds(command: Sequence[str | Path], repeats: int = 5) -> float:
    """Median wall time of a process."""
    times = []
    for _ in range(repeats):
        begun = perf_counter()
        subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
        times.append(perf_counter() - begun)
    return statistics.median(times)


def commands(folder: Path) -> dict[str, list[str | Path]]:
    """The quick commands, by name; what they write goes to a folder."""
    table, rows = folder / "ten.csv", "".join(f"{n},1.5,1.1,135\n" for n in range(1, 11))
    table.write_text(f"bilirubin_mg_dl,inr,creatinine_mg_dl,sodium_mmol_l\n{rows}", encoding="utf-8")
    return {
        "esld --help": [*COMMAND, "--help"],
        "esld check": [*COMMAND, "check", "params/demo-final.yaml"],
        "esld score, ten rows": [*COMMAND, "score", table, "-o", folder / "out.csv"],
    }


def measures(repeats: int = 5) -> list[Measure]:
    """The quick commands, what imports cost beyond a bare interpreter, and the study of a cut: made, and read back."""
    found = []
    bare = seconds([sys.executable, "-c", "pass"])
    for module in ("esld", "esld.cli", "esld.data.store", "esld.data.study", "esld.survival", "esld.scoring"):
        own = seconds([sys.executable, "-c", f"import {module}"])
        found.append(Measure(f"import {module}", own, bare, floor_name="bare interpreter"))
    with tempfile.TemporaryDirectory() as folder:
        for name, command in commands(Path(folder)).items():
            found.append(Measure(name, seconds(command), goal=GOALS[name]))
    file = read_cut(ROOT / "params" / "demo-final.yaml")
    stored_study(file)
    works = {
        "key": lambda: study_key(file),
        "made": lambda: load_study(file),
        "read": lambda: stored_study(file),
    }
    times = interleaved(works, repeats)
    found.append(Measure("key of the study of demo-final", times["key"]))
    found.append(
        Measure("study of demo-final from the store", times["read"], times["made"], floor_name="made anew")
    )
    return found
