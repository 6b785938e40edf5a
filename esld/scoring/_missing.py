"""What a missing value leaves known: a result that is the same whatever the value was is given, any other is missing.

One construction for every formula. A row with a gap is evaluated with the gap filled by the ends of what its argument
may be, for several gaps by every combination of ends. A result that agrees everywhere is the answer; else it is NaN.

Two ends suffice because every formula is, with its other arguments held, monotone in each (rising or falling, and
which of the two may depend on the others): over a box its lowest and highest value are then at corners. Where a
formula turns between the ends, its column says where (`Column.turns`), and these places are tried like ends. NaN at
any place makes the result NaN: a score that does not exist for some values (MELD 3.0 under 12 years) is not known.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from esld.scoring._inputs import Column

Floats = npt.NDArray[np.float64]
_Formula = Callable[..., tuple[Floats, ...]]
_Places = Mapping[int, int]
"""For each column with a gap, which of its places fills it: 0 and 1 are the ends, then the turns."""

# The same formula over arrays of another length may differ in the last digit.
_SAME = 1e-12


def settle(
    formula: _Formula, columns: "Sequence[Column]", blocks: Sequence[Floats], results: Sequence[Floats]
) -> None:
    """Put the right values into `results` where a column has a gap.

    Parameters
    ----------
    formula : callable
        Of one block a column; one block a result.
    columns : sequence of Column
        Their places, by index as in `blocks`.
    blocks : sequence of ndarray of shape (n,) or (1,)
    results : sequence of ndarray of shape (n,)
        What the formula made of the blocks; rows with a gap are written over.
    """
    gaps = {i: np.isnan(blocks[i]) for i, one in enumerate(columns) if one.may_be_missing}
    gaps = {i: gap for i, gap in gaps.items() if gap.any()}
    if not gaps:
        return
    rows = np.flatnonzero(np.broadcast_to(reduce(np.logical_or, gaps.values()), results[0].shape))
    blocks = [_of_rows(block, rows) for block in blocks]
    missing = {i: np.broadcast_to(np.isnan(blocks[i]), rows.shape) for i in gaps}

    def at(places: _Places, some: npt.NDArray[np.intp]) -> list[Floats]:
        filled = [_of_rows(block, some) for block in blocks]
        for i, place in places.items():
            filled[i] = np.where(missing[i][some], columns[i].place(place, filled), filled[i])
        return [np.broadcast_to(made, some.shape) for made in formula(*filled)]

    every = np.arange(rows.size)
    first = at(dict.fromkeys(gaps, 0), every)
    agreed = [_same(a, b) for a, b in zip(first, at(dict.fromkeys(gaps, 1), every), strict=True)]
    several = np.sum(list(missing.values()), axis=0) > 1
    turning = [missing[i] for i in gaps if columns[i].turns]
    open_ = np.logical_or.reduce(agreed) & np.logical_or.reduce([several, *turning])
    pattern = np.sum([gap * np.int64(1 << n) for n, gap in enumerate(missing.values())], axis=0)
    for own in np.unique(pattern[open_]):
        some = np.flatnonzero(open_ & (pattern == own))
        holes = [i for i, gap in missing.items() if gap[some[0]]]
        for choice in product(*(range(2 + len(columns[i].turns)) for i in holes)):
            again = at(dict(zip(holes, choice, strict=True)), some)
            for before, now, agree in zip(first, again, agreed, strict=True):
                agree[some] &= _same(before[some], now)
            some = some[np.logical_or.reduce([agree[some] for agree in agreed])]
            if not some.size:
                break
    for result, value, agree in zip(results, first, agreed, strict=True):
        result[rows] = np.where(agree, value, np.nan)


def _of_rows(block: Floats, rows: npt.NDArray[np.intp]) -> Floats:
    return block if block.size == 1 else block[rows]


def _same(a: Floats, b: Floats) -> npt.NDArray[np.bool_]:
    return np.asarray((a == b) | (np.abs(a - b) <= _SAME * np.abs(a)))
