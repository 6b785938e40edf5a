"""Times that are the same but for the rounding of doubles, for tests that they count as the same."""

import numpy as np


def noisy(times, seed):
    """The times, each some units in the last place or up to 1e-12 of itself away, or put through a sum; 0 stays 0."""
    times, rng = np.asarray(times, float), np.random.default_rng(seed)
    ways = (
        (times + 0.2) - 0.2,
        times * (1 + rng.integers(-4, 5, times.shape) * np.finfo(float).eps),
        times * (1 + rng.uniform(-1e-12, 1e-12, times.shape)),
        times,
    )
    way = rng.integers(0, len(ways), times.shape)
    return np.where(times > 0, np.abs(np.choose(way, ways)), times)
