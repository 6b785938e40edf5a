"""Exact log-rank of 11 v 11 with all 705,432 allocations, and 100,000 Monte Carlo statistics of 312 subjects."""

import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from esld.randomisation import Allocations, CompleteRandomisation, Statistic, randomisation_test
from esld.survival.permutation import exact_logrank, logrank_statistic
from tests.bench.measures import Measure, interleaved, table

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


def megabytes(work: Callable[[], object]) -> float:
    """Most memory held beyond what was held before."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def measures(repeats: int = 21) -> list[Measure]:
    """The exact test beside the listing of every allocation, and the drawn one, for both statistics."""
    small = pd.read_csv(DATA / "small22_a.csv")
    pbc = pd.read_csv(DATA / "pbc.csv").query("trt == trt")
    time, event, group = pbc["time"], pbc["status"].eq(2), pbc["trt"]
    codes, design = small["arm"].eq("B").to_numpy(), CompleteRandomisation(sizes=(11, 11))
    found = []
    for studentised, goal in ((False, 2), (True, 5)):
        kind = "studentised" if studentised else "unstudentised"
        whole = partial(exact_logrank, small["time"], small["status"], small["arm"], studentised=studentised)
        statistic = logrank_statistic(small["time"], small["status"], studentised=studentised)
        every = partial(randomisation_test, Listed(statistic), codes, design=design)
        fast = interleaved({"whole": whole}, repeats)["whole"]
        listed = interleaved({"every": every}, 3)["every"]
        name = f"exact log-rank, {kind}, 11 v 11, 705,432 allocations"
        found.append(Measure(name, fast * 1e3, listed * 1e3, goal, "ms", "listing them", of_ours=True))
        drawn = partial(exact_logrank, time, event, group, studentised=studentised, draws=DRAWS)
        name = f"Monte Carlo log-rank, {kind}, {DRAWS:,} draws, n = {len(pbc)}"
        found.append(Measure(name, interleaved({"drawn": drawn}, 3)["drawn"], goal=0.7))
        found.append(Measure(f"{name}, memory beyond the data", megabytes(drawn), goal=120, unit="MB"))
    return found


if __name__ == "__main__":
    print(table(measures()))
