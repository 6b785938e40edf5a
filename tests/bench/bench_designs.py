"""One million permuted-block allocations of 22, 100,000 minimisation redraws of 22, and whole reference sets."""

from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np

from esld.randomisation.blocks import PermutedBlocks
from esld.randomisation.coins import BiasedCoin
from esld.randomisation.designs import Design
from esld.randomisation.minimisation import Minimisation

SUBJECTS = 22


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Median wall time."""
    times = []
    for _ in range(repeats):
        begun = perf_counter()
        work()
        times.append(perf_counter() - begun)
    return median(times)


def total(design: Design) -> float:
    """List every allocation and add the probabilities."""
    return sum(float(weights.sum()) for _, weights in design.allocations())


def main(repeats: int = 7) -> None:
    """Print the draws and the listings."""
    rng = np.random.default_rng(list(b"esld bench designs"))
    factors = rng.integers(0, 2, (SUBJECTS, 3))
    draws: list[tuple[Design, int]] = [
        (PermutedBlocks(n=SUBJECTS), 1_000_000),
        (PermutedBlocks(n=SUBJECTS, sizes=(2, 4, 6)), 1_000_000),
        (BiasedCoin(n=SUBJECTS), 1_000_000),
        (Minimisation(factors=factors), 100_000),
        (Minimisation(factors=factors, imbalance="variance"), 100_000),
    ]
    for design, size in draws:
        taken = seconds(lambda design=design, size=size: design.draw(rng, size), repeats)  # type: ignore[misc]
        print(f"{size:,} draws of {SUBJECTS}, {design.conditions}: {taken:.3f} s", flush=True)
    for design, _ in draws:
        begun = perf_counter()
        off = abs(total(design) - 1)
        print(
            f"listing {design.count:,} allocations, {design.conditions}: {perf_counter() - begun:.2f} s, "
            f"probabilities off 1 by {off:.0e}",
            flush=True,
        )


if __name__ == "__main__":
    main()
