"""One million permuted-block allocations of 22, 100,000 minimisation redraws of 22, and whole reference sets."""

from functools import partial
from time import perf_counter

import numpy as np

from esld.randomisation.blocks import PermutedBlocks
from esld.randomisation.coins import BiasedCoin
from esld.randomisation.designs import Design
from esld.randomisation.minimisation import Minimisation
from tests.bench.measures import Measure, interleaved, table

SUBJECTS = 22


def total(design: Design) -> float:
    """List every allocation and add the probabilities."""
    return sum(float(weights.sum()) for _, weights in design.allocations())


def measures(repeats: int = 7) -> list[Measure]:
    """The draws, the listings, and how far the probabilities of a listing are from 1 together."""
    rng = np.random.default_rng(list(b"esld bench designs"))
    factors = rng.integers(0, 2, (SUBJECTS, 3))
    draws: list[tuple[Design, int, float | None]] = [
        (PermutedBlocks(n=SUBJECTS), 1_000_000, 0.3),
        (PermutedBlocks(n=SUBJECTS, sizes=(2, 4, 6)), 1_000_000, 0.3),
        (BiasedCoin(n=SUBJECTS), 1_000_000, None),
        (Minimisation(factors=factors), 100_000, 0.5),
        (Minimisation(factors=factors, imbalance="variance"), 100_000, 0.5),
    ]
    found = []
    for design, size, goal in draws:
        name = f"{size:,} draws of {SUBJECTS}, {design.conditions}"
        taken = interleaved({name: partial(design.draw, rng, size)}, repeats)[name]
        found.append(Measure(name, taken, goal=goal))
    for design, _, _ in draws:
        begun = perf_counter()
        off = abs(total(design) - 1)
        name = f"{design.count:,} allocations, {design.conditions}"
        found.append(Measure(f"listing {name}", perf_counter() - begun))
        found.append(Measure(f"probabilities off 1, {name}", off, goal=1e-9, unit=""))
    return found


if __name__ == "__main__":
    print(table(measures()))
