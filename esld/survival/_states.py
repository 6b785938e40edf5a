"""What ended each subject's time: censoring or one of several causes, as words or codes."""

from collections.abc import Hashable, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from esld.survival._data import Ints, same_rows


def state_codes(
    state: ArrayLike, *, time: ArrayLike, causes: Sequence[Hashable] | None = None, censored: Hashable = 0
) -> tuple[Ints, tuple[str, ...]]:
    """Number what ended each time: 0 censored, 1 for the first cause, 2 for the second and so on.

    Parameters
    ----------
    state, causes, censored
        As for `cumulative_incidence`.
    time : array_like of shape (n,)
        The times that the states belong to; only length and index are looked at.

    Returns
    -------
    codes : ndarray of int, shape (n,)
    labels : tuple of str
        The causes, in order; empty if none is given and none is found.
    """
    same_rows(time, "time", state, "state")
    values = state if isinstance(state, pd.Series) else pd.Series(cast(Any, state))
    if len(values) != (rows := np.shape(time)[0]):
        raise ValueError(f"time and state must have the same length, got {rows} and {len(values)}")
    # Missing is -1.
    if isinstance(values.dtype, pd.CategoricalDtype):
        raw, uniques = values.cat.codes.to_numpy(np.int64), values.cat.categories
    else:
        raw, uniques = pd.factorize(values, sort=True)
    found = [label for label in uniques if label != censored]
    wanted = found if causes is None else list(causes)
    if len(set(wanted)) != len(wanted) or censored in wanted:
        raise ValueError(f"causes must list each cause once and not {censored!r}, got {wanted}")
    numbers = {label: i for i, label in enumerate(wanted, start=1)} | {censored: 0}
    codes = np.array([*(numbers.get(label, -1) for label in uniques), 0], dtype=np.int64)[raw]
    if np.any(codes < 0):
        strange = list(dict.fromkeys(values[codes < 0]))[:5]
        raise ValueError(f"state must be one of {wanted}, {censored!r} or missing, got {strange}")
    return codes, tuple(str(label) for label in wanted)


def one_cause(state: ArrayLike, *, time: ArrayLike, cause: Hashable, censored: Hashable = 0) -> Ints:
    """One cause against all others: 0 censored, 1 `cause`, 2 any other; shape (n,)."""
    if pd.isna(cast(Any, cause)) or cause == censored:
        raise ValueError(f"cause must be a label other than that of censoring, got {cause!r}")
    codes, labels = state_codes(state, time=time, censored=censored)
    own = labels.index(str(cause)) + 1 if str(cause) in labels else -1
    return np.where(codes == 0, 0, np.where(codes == own, 1, 2))
