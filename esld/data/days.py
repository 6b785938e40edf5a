"""One ISO 8601 date as SDTM writes it: which days it can mean. No table library is needed for it."""

import re
from calendar import monthrange
from datetime import date
from functools import lru_cache
from typing import NamedTuple

_PART = r"[0-9]{2}|-"  # a part that is not known is a hyphen
_TIME = (
    r"(?P<hour>[01][0-9]|2[0-3]|-)(?::(?P<minute>[0-5][0-9]|-)(?::(?P<second>[0-5][0-9](?:\.[0-9]+)?|-))?)?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_ISO = re.compile(
    rf"(?P<year>[0-9]{{4}}|-)(?:-(?P<month>{_PART})(?:-(?P<day>{_PART})(?P<time>T{_TIME})?)?)?"
    rf"|(?P<alone>T{_TIME.replace('?P<', '?P<alone_')})"
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_YEARS = range(1900, 2201)  # nobody in a trial was born before, and datetime64[ns] holds them whole
NONE = "NaT"  # the day of what is no date, or of one that tells no year


def today() -> date:
    """The day of this machine's clock, which nothing else in the reading of a cut asks for."""
    return date.today()


class Span(NamedTuple):
    """First and last day that a text can mean, ISO; `NONE` twice where a date does not tell its year."""

    first: str
    last: str


@lru_cache(maxsize=100_000)
def meaning(text: str) -> Span | None:
    """Which days a text can mean.

    Parameters
    ----------
    text : str
        A date of SDTM: whole or cut off at its right (``2025-03-14T09:30``, ``2025-03``), with hyphens for parts that are not
        known (``2003---15``, ``--12-15``, ``2003-12-15T-:15``, ``-----T07:15``), a time of day alone, or two of these with a
        slash, an interval.

    Returns
    -------
    Span or None
        None where it is no date: a form of its own, a day that no calendar has, an impossible time, a year outside 1900 to 2200,
        or an interval that ends before it begins.
    """
    start, slash, end = text.partition("/")
    if not slash:
        return _one(text)
    first, last = _one(start), _one(end)
    if first is None or last is None:
        return None
    if NONE in (first.first, last.first):
        return Span(NONE, NONE)
    both_timed = "T" in start and "T" in end and first == last
    if last.last < first.first or (both_timed and _clock(end) < _clock(start)):
        return None
    return Span(first.first, last.last)


def _clock(text: str) -> str:
    """The time of day as far as it is known, for comparison with another of the same zone."""
    found = re.match(r"[0-9:.]*", text.partition("T")[2])
    return found[0] if found else ""


def _one(text: str) -> Span | None:
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    parts = found.groupdict()
    if parts["alone"]:
        times = [parts[f"alone_{name}"] for name in ("hour", "minute", "second")]
        return Span(NONE, NONE) if _ends_known(times) else None
    times = [parts[name] for name in ("hour", "minute", "second")]
    written = [parts[name] for name in ("year", "month", "day")]
    if not (_ends_known(times) if parts["time"] else _ends_known(written)):
        return None
    year, month, day = (None if part in (None, "-") else int(part) for part in written)
    if month is not None and not 1 <= month <= 12:
        return None
    if year is None:
        longest = monthrange(2000, month)[1] if month else 31
        return Span(NONE, NONE) if day is None or 1 <= day <= longest else None
    if year not in _YEARS:
        return None
    months = (month, month) if month else (1, 12)
    last = monthrange(year, months[1])[1]
    days = (day, day) if day is not None else (1, last)
    if not 1 <= days[0] <= last:
        return None
    return Span(f"{year}-{months[0]:02}-{days[0]:02}", f"{year}-{months[1]:02}-{days[1]:02}")


def _ends_known(parts: list[str | None]) -> bool:
    """Whether the last part that is written is known: what is not known at the right is left out."""
    return [part for part in parts if part][-1] != "-"


def span(text: str) -> Span:
    """First and last day that one text can mean, ISO; `NONE` twice when it is no date or tells no year."""
    return meaning(text) or Span(NONE, NONE)


def is_date(text: str) -> bool:
    """Whether a text is a date, perhaps partial."""
    return meaning(text) is not None


def is_day(text: str) -> bool:
    """Whether a text is a whole calendar date, YYYY-MM-DD; two such texts are ordered as their days are."""
    return bool(_DAY.fullmatch(text)) and span(text)[0] != NONE
