"""Exact group-sequential designs of 11 v 11: two proportions at 1,001 nuisance values, and the log-rank over all allocations."""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from esld.operating import BinaryDesign, binary_design, group_sequential, logrank_looks
from esld.randomisation import CompleteRandomisation
from tests.bench.measures import Measure, interleaved, table

DATA = Path(__file__).parents[1] / "reference" / "data"
SIZES = (4, 8, 11)
FRACTIONS = [n / SIZES[-1] for n in SIZES]
VISITS = (150, 300, 800)  # days from the first subject, one entering every ten


def surface() -> BinaryDesign:
    """Boundaries, their size at each nuisance value, and every way to stop without a difference and with one of 0.4."""
    bounds = group_sequential("lan-demets-obrien-fleming", information=FRACTIONS, futility=[0.0, 0.5])
    design = binary_design(bounds, n1=SIZES, n2=SIZES)
    for difference in (0.0, 0.4):
        design.characteristics(np.minimum(design.nuisance + difference, 1.0), design.nuisance)
    return design


def measures(repeats: int = 11) -> list[Measure]:
    """The exact surface, and the boundaries of three looks over 705,432 allocations."""
    small = pd.read_csv(DATA / "small22_a.csv")
    time, event = small["time"].to_numpy(float), small["status"].to_numpy()
    open_for = np.array(VISITS)[:, None] - 10.0 * np.arange(time.size)
    known = np.where(open_for > 0, np.minimum(time, open_for), np.nan)
    happened = np.where(time <= open_for, event, 0)
    bounds = group_sequential("lan-demets-obrien-fleming", information=FRACTIONS)
    every = partial(logrank_looks, known, happened, bounds, design=CompleteRandomisation(sizes=(11, 11)))
    found = interleaved({"surface": surface}, repeats) | interleaved({"every": every}, 3)
    return [
        Measure("exact surface of 1,001 nuisance values, three looks, 11 v 11", found["surface"], goal=1),
        Measure("exact log-rank boundaries, three looks, 705,432 allocations", found["every"]),
    ]


if __name__ == "__main__":
    print(table(measures()))
