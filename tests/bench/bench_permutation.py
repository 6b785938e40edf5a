"""Exact log-rank of 11 v 11 with all 705,432 allocations, and 100,000 Monte Carlo statistics of 312 subjects."""

import statistics
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd

from esld.randomisation import Allocations, CompleteRandomisation, Statistic, randomisation_test
from esld.survival.permutation import exact_logrank, logrank_statistic

DATA = Path(__file__).parents[1] / "reference" / "data"
DRAWS = 100_000


@dataclass(frozen=True)
class Listed:
    """The same statistic without its short way, so that every allocation is listed."""

    statistic: Statistic
    name: str = "listed"

    @property
    def resolution(self) -> float:
        return self.statistic.resolution

    def __call__(self, allocations: Allocations) -> np.ndarray:
        return self.statistic(allocations)


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Median wall time."""
    times = []
    for _ in range(repeats):
        begun = perf_counter()
        work()
        times.append(perf_counter() - begun)
    return statistics.median(times)


def megabytes(work: Callable[[], object]) -> float:
    """Most memory held beyond what was held before."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def main(repeats: int = 21) -> None:
    """Print both measures, for both statistics."""
    small = pd.read_csv(DATA / "small22_a.csv")
    pbc = pd.read_csv(DATA / "pbc.csv").query("trt == trt")
    time, event, group = pbc["time"], pbc["status"].eq(2), pbc["trt"]
    codes, design = small["arm"].eq("B").to_numpy(), CompleteRandomisation(sizes=(11, 11))
    for studentised in (False, True):
        kind = "studentised" if studentised else "unstudentised"
        whole = partial(exact_logrank, small["time"], small["status"], small["arm"], studentised=studentised)
        statistic = logrank_statistic(small["time"], small["status"], studentised=studentised)
        every = partial(randomisation_test, Listed(statistic), codes, design=design)
        fast, listed = seconds(whole, repeats), seconds(every, 3)
        print(
            f"exact log-rank, {kind}, 11 v 11, 705432 allocations: {fast * 1e3:.2f} ms, "
            f"listing them {listed * 1e3:.0f} ms, ratio {fast / listed:.4f}"
        )
        drawn = partial(exact_logrank, time, event, group, studentised=studentised, draws=DRAWS)
        print(
            f"Monte Carlo log-rank, {kind}, {DRAWS} draws, n = {len(pbc)}: {seconds(drawn, 3):.2f} s, "
            f"{megabytes(drawn):.0f} MB beyond the data",
            flush=True,
        )


if __name__ == "__main__":
    main()
