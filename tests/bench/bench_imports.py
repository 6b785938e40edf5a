"""What importing costs."""

import statistics
import subprocess
import sys
from time import perf_counter


def seconds(code: str, repeats: int = 5) -> float:
    """Median wall time of a fresh interpreter that runs the code."""
    times = []
    for _ in range(repeats):
        begun = perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(perf_counter() - begun)
    return statistics.median(times)


def main() -> None:
    """Import times beyond the bare interpreter's start."""
    bare = seconds("pass")
    for module in ("esld", "esld.cli", "esld.data.study", "esld.survival", "esld.scoring"):
        print(
            f"import {module}: {seconds(f'import {module}') - bare:.2f} s beyond a bare interpreter ({bare:.2f} s)"
        )
