"""ISO 8601 dates as exports write them: whole, partial, or with a time; as text in, as days out."""

import re
from calendar import monthrange
from functools import lru_cache

import numpy as np
import pandas as pd

_TIME = r"(?:[01][0-9]|2[0-3])(?::[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
_ISO = re.compile(rf"([0-9]{{4}})(?:-([0-9]{{2}})(?:-([0-9]{{2}})(?:T{_TIME})?)?)?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_YEARS = range(1678, 2262)  # what datetime64[ns] holds whole


def is_iso(text: pd.Series) -> pd.Series:
    """Whether each text is a real calendar date, perhaps partial (``2025``, ``2025-03``); missing counts as
    true.

    Parameters
    ----------
    text : Series of str
        Dates as the export holds them.

    Returns
    -------
    Series of bool
        False for text that is no date, for days that no calendar has (``2025-02-30``), for an impossible time
        of day, and for years outside 1678 to 2261.
    """
    return text.isna() | earliest(text).notna()


def earliest(text: pd.Series) -> pd.Series:
    """First day that a date, perhaps partial, can mean; NaT where missing or unparsable."""
    return _bound(text, 0)


def latest(text: pd.Series) -> pd.Series:
    """Last day that a date, perhaps partial, can mean; NaT where missing or unparsable."""
    return _bound(text, 1)


def whole(text: pd.Series) -> pd.Series:
    """The day of a date that names one; NaT where missing, partial or unparsable."""
    return earliest(text).where(~is_partial(text))


def is_partial(text: pd.Series) -> pd.Series:
    """Whether each date lacks its day or its month; false where missing."""
    return text.notna() & (text.map(len, na_action="ignore") < 10)


@lru_cache(maxsize=100_000)
def _span(text: str) -> tuple[str, str]:
    """First and last day that one text can mean, ISO; "NaT" twice when it is no date."""
    found = _ISO.fullmatch(text)
    if found is None:
        return "NaT", "NaT"
    year, month, day = found.groups()
    months = (int(month), int(month)) if month else (1, 12)
    if int(year) not in _YEARS or not 1 <= months[0] <= 12:
        return "NaT", "NaT"
    last = monthrange(int(year), months[1])[1]
    days = (int(day), int(day)) if day else (1, last)
    if not 1 <= days[0] <= last:
        return "NaT", "NaT"
    return f"{year}-{months[0]:02}-{days[0]:02}", f"{year}-{months[1]:02}-{days[1]:02}"


def _bound(text: pd.Series, end: int) -> pd.Series:
    # Few dates stand in many records: each is parsed once.
    codes, words = pd.factorize(text.to_numpy(dtype=object))
    days = np.array([*(_span(word)[end] for word in words), "NaT"], dtype="datetime64[ns]")
    return pd.Series(days[codes], index=text.index)  # code -1, missing, reads the last


def as_date(text: str) -> pd.Timestamp:
    """A whole ISO date as a day.

    Raises
    ------
    ValueError
        The text is not a whole calendar date.
    """
    if not _DAY.fullmatch(text) or _span(text)[0] == "NaT":
        raise ValueError(f"a date must be a calendar day written YYYY-MM-DD, got {text!r}")
    return pd.Timestamp(text)


def in_words(text: str) -> str:
    """``2026-06-30`` as prose writes it: ``30 June 2026``."""
    day = as_date(text)
    return f"{day.day} {day.month_name()} {day.year}"
