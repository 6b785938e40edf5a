"""The studentised log-rank over every allocation without forming them: two halves of the subjects, met in pairs."""

import numpy as np

from esld.randomisation.designs import CompleteRandomisation
from esld.randomisation.statistics import Tally
from esld.survival._data import Floats, Ints

_PAIRS = 2**15  # pairs handled at a time: 256 kB an array, so that all of them stay in the cache


def studentised_tally(
    scores: Floats,
    scale: float,
    n_risk: Ints,
    spread: Floats,
    *,
    design: CompleteRandomisation,
    observed: float,
    resolution: float,
) -> Tally | None:
    """Tally of z = U / sqrt(V) under complete randomisation.

    Subjects are cut into those followed longest and the others. U adds over the halves. So does V: where
    only the later half is at risk, the second arm's number at risk depends on that half alone; elsewhere it is
    that of the earlier half plus all of the second arm in the later half, which is what the arm sizes leave.

    U is summed in whole numbers and V from terms that are 0 or more, so both are 0 in the sums exactly where they are 0.
    Where V is, U is too: all at risk at an event are of one arm, or all have it. Then 0 / 0 stands for z = 0, and no
    rounding can make it a large z.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Scores of the subjects, latest time first: whole numbers.
    scale : float
        What they were multiplied by.
    n_risk : ndarray of int, shape (k,)
        Subjects at risk at each event time: the first so many of `scores`. Ascending.
    spread : ndarray of shape (k,)
        What the product of the numbers at risk in the two arms is multiplied by in V.
    design : CompleteRandomisation
    observed, resolution : float
        As for `Tally`; z is 0 where V is 0.

    Returns
    -------
    Tally or None
        None where listing the allocations is less work than listing the halves.
    """
    n, ones = scores.size, design.sizes[1]
    if 2 ** ((n + 1) // 2) > design.count:
        return None
    cut = n // 2
    late = n_risk <= cut
    u_late, r_late, ones_late = _patterns(scores[:cut], n_risk[late])
    u_early, r_early, ones_early = _patterns(scores[cut:], n_risk[~late] - cut)
    spread = spread * scale**2  # V of U in the same whole numbers
    v_late = _variance(r_late, n_risk[late], spread[late])
    v_early = _variance(r_early + (ones - ones_early), n_risk[~late], spread[~late])

    size = abs(observed)
    low, high = max(size - resolution, 0.0) ** 2, (size + resolution) ** 2
    # With arms of one size each allocation has its mirror, the arms exchanged: U changes its sign, V does not.
    mirrored = design.sizes[0] == ones and float(scores.sum()) == 0.0
    counts = np.zeros(4, dtype=np.int64)  # at least, more, at most, less
    for k in range(max(0, ones - (n - cut)), min(cut, ones) + 1):
        if mirrored and cut - k < k:
            continue  # the mirrors of those with cut - k
        right = np.flatnonzero(ones_late == k)
        left = np.flatnonzero(ones_early == ones - k)
        own = np.zeros(4, dtype=np.int64)
        step = max(1, _PAIRS // right.size)
        for i in range(0, left.size, step):
            rows = left[i : i + step]
            u = np.add.outer(u_early[rows], u_late[right])
            v = np.add.outer(v_early[rows], v_late[right])
            u *= np.abs(u)
            with np.errstate(invalid="ignore"):
                u /= v  # chi-square with the sign of U; 0 / 0 is on no side
            own += [np.count_nonzero(side) for side in (u >= low, u > high, u <= -low, u < -high)]
        counts += own
        if mirrored and cut - k != k:
            counts += own[[2, 3, 0, 1]]
    at_least, more, at_most, less = counts.tolist()
    if size <= resolution:  # everything else is a tie, 0 / 0 too
        at_least, at_most = design.count - less, design.count - more
    return Tally(
        at_least=at_least, more=more, at_most=at_most, less=less, undefined=0, total=design.count
    )  # fmt: skip


def _patterns(scores: Floats, first: Ints) -> tuple[Floats, Ints, Ints]:
    """Every subset of a half: its sum, how many it has among the `first` so many subjects, its size."""
    n = scores.size
    chosen = (np.arange(2**n) >> np.arange(n)[:, np.newaxis]) & 1
    running = np.zeros((n + 1, 2**n), dtype=np.int64)
    np.cumsum(chosen, axis=0, out=running[1:])
    return scores @ chosen, running[first], running[n]


def _variance(in_second: Ints, n_risk: Ints, spread: Floats) -> Floats:
    """Hypergeometric variance of each column of numbers at risk in the second arm."""
    result: Floats = spread @ (in_second * (n_risk[:, np.newaxis] - in_second))
    return result
