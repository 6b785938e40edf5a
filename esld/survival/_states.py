"""What ended each subject's time: censoring or one of several causes, as words or codes."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from esld.survival._data import Ints, label_text, same_rows


@dataclass(frozen=True, kw_only=True)
class States:
    """What ended each time, numbered.

    Attributes
    ----------
    codes : ndarray of int, shape (n,)
        0 censored, 1 for the first cause, 2 for the second and so on.
    causes : tuple
        The labels of the causes, in order; whole numbers as int whatever they came in. Empty if none is given
        and none is found.
    note : str
        Who is censored, where nobody is by the label for it; empty otherwise.
    """

    codes: Ints
    causes: tuple[Hashable, ...]
    note: str

    @property
    def names(self) -> tuple[str, ...]:
        """The causes as text."""
        return tuple(label_name(cause) for cause in self.causes)


def state_codes(
    state: ArrayLike, *, time: ArrayLike, causes: Sequence[Hashable] | None = None, censored: Hashable = 0
) -> States:
    """Number what ended each time. Labels are compared by value: 1, 1.0, True and NumPy's 1 are one, "1" is not.

    Parameters
    ----------
    state, causes, censored
        As for `cumulative_incidence`.
    time : array_like of shape (n,)
        The times that the states belong to; only length and index are looked at.

    Raises
    ------
    ValueError
        Another length or index; a cause given twice, or that of censoring; a state that is not among `causes`.
        Without `causes`, a label of censoring that does not occur, since it may be misspelt and the right one
        would pass for a cause: but for the default 0 where all labels are numbers or some states are missing.
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
    known, censoring = [_plain(label) for label in uniques], _plain(censored)
    if len({label_name(label) for label in known}) < len(known):
        raise ValueError(f"state must not hold a number and its text, got {_shown(known)}")
    by_label, absent = censoring in known, int(np.count_nonzero(raw < 0))
    if causes is None:
        wanted = [label for label in known if label != censoring]
        zero = censoring == 0 and (absent > 0 or all(map(_is_number, known)))
        if known and not (by_label or zero or censoring is None):
            raise ValueError(
                f"censored must be a label of state, got {_shown([censoring])}: its labels are {_shown(known)}; "
                "give causes, or censored=None, where nobody is censored by a label"
            )
    else:
        wanted = [_plain(label) for label in causes]
        if len(set(wanted)) != len(wanted) or censoring in wanted:
            raise ValueError(f"causes must list each cause once and not {censoring!r}, got {wanted}")
    numbers = {label: i for i, label in enumerate(wanted, start=1)} | {censoring: 0}
    codes = np.array([*(numbers.get(label, -1) for label in known), 0], dtype=np.int64)[raw]
    if np.any(codes < 0):
        strange = [known[i] for i in dict.fromkeys(raw[codes < 0].tolist())]
        raise ValueError(f"state must be one of {wanted}, {censoring!r} or missing, got {_shown(strange)}")
    note = ""
    if not (by_label and np.any(raw == known.index(censoring))):
        by_absence = f"{absent} of {rows} by a missing state" if absent else "every time ends in an event"
        note = f"nobody is censored by the label {censoring!r}: {by_absence}"
    return States(codes=codes, causes=tuple(wanted), note=note)


def one_cause(
    state: ArrayLike,
    *,
    time: ArrayLike,
    cause: Hashable,
    causes: Sequence[Hashable] | None = None,
    censored: Hashable = 0,
) -> States:
    """One cause against all others: 0 censored, 1 `cause`, 2 any other; `cause` is the only one of `causes`.

    Raises
    ------
    ValueError
        As for `state_codes`; a cause that is neither given in `causes` nor, without them, found. Where nobody has
        an event and no causes are given, there is nothing that it could be mistaken for.
    """
    own = _plain(cause)
    if own is None or own == _plain(censored):
        raise ValueError(f"cause must be a label other than that of censoring, got {cause!r}")
    found = state_codes(state, time=time, causes=causes, censored=censored)
    if found.causes and own not in found.causes:
        which = "a label of state, or be given in causes" if causes is None else "one of causes"
        raise ValueError(f"cause must be {which}, got {_shown([own])}: the causes are {_shown(found.causes)}")
    place = found.causes.index(own) + 1 if found.causes else 1
    codes = np.where(found.codes == 0, 0, np.where(found.codes == place, 1, 2))
    return States(codes=codes, causes=(own,), note=found.note)


def label_name(label: Hashable) -> str:
    """A state as text, the same for all that are one label."""
    return label_text(_plain(label))


def _plain(label: Hashable) -> Hashable:
    """The label with whole numbers as int and any missing value as None: equal labels are the same to look at."""
    if isinstance(label, str):
        return str(label)
    if pd.isna(cast(Any, label)) is True:
        return None
    if isinstance(label, bool | np.bool_ | int | np.integer):
        return int(label)
    if isinstance(label, float | np.floating):
        return int(label) if isfinite(label) and label == int(label) else float(label)
    return label


def _is_number(label: Hashable) -> bool:
    return isinstance(label, int | float)


def _shown(labels: Iterable[Hashable]) -> str:
    """Labels with their kind, five at most: "'1' (text)", or "1, 2 (numbers)"."""
    listed = list(labels)
    kinds = {"text" if isinstance(v, str) else "number" if _is_number(v) else "" for v in listed}
    text = ", ".join(repr(v) for v in listed[:5]) + (" ..." if len(listed) > 5 else "")
    if len(kinds) != 1 or not (kind := kinds.pop()):
        return text
    return f"{text} ({'numbers' if kind == 'number' and len(listed) > 1 else kind})"
