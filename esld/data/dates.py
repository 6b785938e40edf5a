"""ISO 8601 dates as exports write them: whole, partial, with a time, or an interval; as text in, as days out."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from esld.data import days, orders
from esld.data.declared import how_to_state


def is_iso(text: pd.Series) -> pd.Series:
    """Whether each text is a date of SDTM, perhaps partial or an interval; missing counts as true.

    Parameters
    ----------
    text : Series of str
        Dates as the export holds them.

    Returns
    -------
    Series of bool
        False for what :func:`esld.data.days.meaning` does not know: text that is no date, days that no calendar has
        (``2025-02-30``), an impossible time of day, and years outside 1900 to 2200.
    """
    return _each(text, days.is_date, True, bool)


def remedy(wrong: pd.Series, column: pd.Series) -> str:
    """What to do about the cells of a column that are no dates: the order in which they are written is named, never assumed.

    It can be declared where nothing is yet (``attrs["dates"]``, see :func:`esld.data.reading.words.dated`) and all of the
    column fits it, and no other.
    """
    if wrong.map(lambda text: bool(orders.SHORT.fullmatch(str(text)))).any():
        return "Write the year with four digits, as YYYY-MM-DD: no century is guessed."
    read = wrong.map(lambda text: orders.readings(str(text)))
    named = read.map(lambda own: list(dict.fromkeys(orders.NAMES[each] for each in own)))
    counts = named.explode().value_counts()
    if len(wrong) < 2 or counts.empty or 2 * counts.iloc[0] < len(wrong):
        return "Correct the date."
    order = str(counts.index[0])
    count, of = f"{counts.iloc[0]:,}", f"{len(wrong):,}"
    both = named.map(lambda own: order in own and len(own) > 1).sum()
    if not both:
        told = f"{count} of {of} read as {order}: write them as YYYY-MM-DD."
    else:
        other = next(name for name in counts.index if name != order)
        told = f"{count} of {of} read as {order}, {both:,} of them also as {other}: write them as YYYY-MM-DD."
    if "dates" in column.attrs or list(counts[counts.eq(column.notna().sum())].index) != [order]:
        return told
    met = set().union(*read)
    fitting = [word for word, name in orders.NAMES.items() if name == order and word in met]
    word = fitting[0] if len(fitting) == 1 else f"[{', '.join(fitting)}]"
    return f"{told} Or set {how_to_state('dates', word)}."


def names_year(text: pd.Series) -> pd.Series:
    """Whether each date tells at least its year; missing, and what is no date, count as true."""
    return _each(text, _tells_year, True, bool)


def _tells_year(text: str) -> bool:
    found = days.meaning(text)
    return found is None or found.first != days.NONE


def earliest(text: pd.Series) -> pd.Series:
    """First day that a date, perhaps partial, can mean; NaT where missing or unparsable, or without a year."""
    return _bound(text, 0)


def latest(text: pd.Series) -> pd.Series:
    """Last day that a date, perhaps partial, can mean; NaT where missing or unparsable, or without a year."""
    return _bound(text, 1)


def filled_in(text: pd.Series) -> pd.Series:
    """ADaM's date imputation flag, the highest unit that had to be filled in: Y, M or D; else missing."""
    return _each(text, _highest_unknown, None, object)


def _highest_unknown(text: str) -> str | None:
    first, last = days.span(text)
    if first == days.NONE or first == last:
        return None
    return "Y" if first[:4] != last[:4] else "M" if first[:7] != last[:7] else "D"


def whole(text: pd.Series) -> pd.Series:
    """The day of a date that names one; NaT where missing, partial or unparsable."""
    return _each(text, _only_day, days.NONE, "datetime64[ns]")


def _only_day(text: str) -> Any:
    first, last = days.span(text)
    return first if first == last else days.NONE


def is_partial(text: pd.Series) -> pd.Series:
    """Whether each date can mean more than one day, or any: a part of it is not known, or it is an interval of days.

    False where missing, and for what is no date.
    """
    return _each(text, _means_several, False, bool)


def _means_several(text: str) -> bool:
    found = days.meaning(text)
    return found is not None and (found.first == days.NONE or found.first != found.last)


def _bound(text: pd.Series, end: int) -> pd.Series:
    return _each(text, lambda word: days.span(word)[end], days.NONE, "datetime64[ns]")


def _each(text: pd.Series, of: Callable[[str], Any], missing: Any, dtype: Any) -> pd.Series:
    # Few dates stand in many records: each is parsed once.
    codes, words = pd.factorize(text.to_numpy(dtype=object))
    found = np.array([*map(of, words), missing], dtype=dtype)
    return pd.Series(found[codes], index=text.index)  # code -1, missing, reads the last


def as_date(text: str) -> pd.Timestamp:
    """A whole ISO date as a day.

    Raises
    ------
    ValueError
        The text is not a whole calendar date.
    """
    if not days.is_day(text):
        raise ValueError(f"a date must be a calendar day written YYYY-MM-DD, got {text!r}")
    return pd.Timestamp(text)
