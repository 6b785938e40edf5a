"""Order within a day: two records are ordered by their time where both carry one on the same clock, and else by their day."""

import re

import pandas as pd

_TIMED = re.compile(r".{10}T[0-9]{2}:[0-9]{2}[^/]*")  # an interval gives no minute
_ZONED = re.compile(r".*T.*(?:Z|[+-][0-9]{2}:?[0-9]{2})")


def moments(text: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Moments of the dates that give the minute, and whether each names its time zone.

    Parameters
    ----------
    text : Series of str
        ISO 8601 dates as the export holds them.

    Returns
    -------
    moment : Series of datetime64
        In UTC where a time zone is named; NaT for a date without the minute.
    zoned : Series of bool
    """
    timed = [word if isinstance(word, str) and _TIMED.fullmatch(word) else None for word in text]
    zoned = [word is not None and _ZONED.fullmatch(word) is not None for word in timed]
    moment = pd.Series(pd.NaT, text.index, dtype="datetime64[ns]")
    if any(timed):
        found = pd.to_datetime(pd.Index(timed, dtype=object), format="ISO8601", utc=True, errors="coerce")
        moment = pd.Series(found.tz_localize(None), text.index, dtype="datetime64[ns]")
    return moment, pd.Series(zoned, text.index, dtype=bool)


def hours_after(text: pd.Series, moment: pd.Series, zoned: pd.Series) -> pd.Series:
    """Hours from a moment to a date, of each row.

    Parameters
    ----------
    text : Series of str
        ISO 8601 dates.
    moment, zoned : Series
        As :func:`moments` returns them, aligned with `text`.

    Returns
    -------
    Series of float
        Negative where the date is the earlier one; NaN where either gives no minute, or only one of them names its time zone.
    """
    own, own_zoned = moments(text)
    return ((own - moment).dt.total_seconds() / 3600).where(own_zoned.eq(zoned))
