"""Dates that are none of ISO 8601: the orders that can be declared, and what a text is in each. No table library is needed."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal, get_args

from esld.data import days

Order = Literal["DD/MM/YYYY", "MM/DD/YYYY", "YYYY/MM/DD", "DD MMM YYYY", "YYYYMMDD", "EXCEL"]
# What a reader of a remedy is told.
NAMES: Mapping[Order, str] = {
    "DD/MM/YYYY": "day/month/year",
    "MM/DD/YYYY": "month/day/year",
    "YYYY/MM/DD": "year/month/day",
    "DD MMM YYYY": "day/month/year",
    "YYYYMMDD": "year/month/day",
    "EXCEL": "days that Excel counted",
}
# The only two in which one text can be two days; of any others a text fits one.
OPPOSITE: Mapping[Order, Order] = {"DD/MM/YYYY": "MM/DD/YYYY", "MM/DD/YYYY": "DD/MM/YYYY"}

_YEAR, _MONTH, _DAY = "(?P<year>[0-9]{4})", "(?P<month>[0-9]{1,2})", "(?P<day>[0-9]{1,2})"
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_NAMED = f"(?P<named>(?i:{'|'.join(_MONTHS)}))"
_BETWEEN, _SAME = "(?P<between>[-./])", "(?P=between)"
_TIME = r"(?:(?: +|[T:])(?P<time>[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)(?: *(?P<half>(?i:[AP]M)))?)?"
# The day may be missing, and with it the time of day; what parts a date is the same throughout.
_WRITTEN: Mapping[Order, tuple[str, ...]] = {
    "DD/MM/YYYY": (f"{_DAY}{_BETWEEN}{_MONTH}{_SAME}{_YEAR}{_TIME}", f"{_MONTH}[-./]{_YEAR}"),
    "MM/DD/YYYY": (f"{_MONTH}{_BETWEEN}{_DAY}{_SAME}{_YEAR}{_TIME}", f"{_MONTH}[-./]{_YEAR}"),
    "YYYY/MM/DD": (
        *(f"{_YEAR}{_BETWEEN}{_MONTH}{_SAME}{_DAY}{_TIME}", f"{_YEAR}[-./]{_MONTH}"),
        *(f"{_YEAR}年{_MONTH}月{_DAY}日{_TIME}", f"{_YEAR}年{_MONTH}月"),
    ),
    "DD MMM YYYY": (f"{_DAY}(?P<between>[-./ ]?){_NAMED}{_SAME}{_YEAR}{_TIME}", f"{_NAMED}[-./ ]?{_YEAR}"),
    "YYYYMMDD": (f"{_YEAR}(?P<month>[0-9]{{2}})(?P<day>[0-9]{{2}}){_TIME}",),  # 201203 may be 2020-12-03
    "EXCEL": (r"(?P<count>[1-7][0-9]{4}(?:\.[0-9]+)?)",),  # 1927 to 2119
}
# A year without its century.
_FEW = rf"(?P<between>[-./ ])(?:[0-9]{{1,2}}|{_NAMED}){_SAME}|(?i:{'|'.join(_MONTHS)})"
SHORT = re.compile(rf"[0-9]{{1,2}}(?:{_FEW})[0-9]{{2}}{_TIME}")
_PATTERNS = {order: [*map(re.compile, own)] for order, own in _WRITTEN.items()}
_FAULTY = 0.25  # of the different dates of a column; in the wrong order three in five are no dates
_FIRST = datetime(1899, 12, 30)  # day 0 of Excel, which holds 1900 for a leap year


@lru_cache(maxsize=100_000)
def readings(text: str) -> Mapping[Order, str]:
    """What a text is in each order in which it is a day or month of a calendar, as ISO 8601; nothing for what is ISO already."""
    return {} if days.is_date(text) else dict(_readings(text))


def _readings(text: str) -> Iterator[tuple[Order, str]]:
    for order, patterns in _PATTERNS.items():
        found = next((m.groupdict() for pattern in patterns if (m := pattern.fullmatch(text))), None)
        if found and days.is_date(iso := _iso(found)):
            yield order, iso


def _iso(parts: Mapping[str, str | None]) -> str:
    if count := parts.get("count"):
        moment = _FIRST + timedelta(seconds=round(float(count) * 86400))
        return moment.isoformat().removesuffix(":00").removesuffix("T00:00")
    month = _MONTHS.index(named.upper()) + 1 if (named := parts.get("named")) else parts["month"]
    day = parts.get("day")
    date = f"{parts['year']}-{month:0>2}{f'-{day:0>2}' if day else ''}"
    return f"{date}T{_clock(time, parts.get('half'))}" if (time := parts.get("time")) else date


def _clock(time: str, half: str | None) -> str:
    """A time of day by 24 hours; one that no clock of 12 hours shows is left so that it is none."""
    hour, _, rest = time.partition(":")
    if half:
        hour = str(int(hour) % 12 + 12 * (half.upper() == "PM")) if 1 <= int(hour) <= 12 else "-"
    return f"{hour:0>2}:{rest}"


def read_in(text: str, declared: Collection[Order]) -> str:
    """A date in a declared order as ISO 8601; what is ISO, or fits none of them, as it is."""
    return next((iso for order, iso in readings(text).items() if order in declared), text)


def contradicted(texts: Iterable[str], declared: Collection[Order]) -> tuple[Order, Order, str] | None:
    """The declared order, its opposite and a text, where more than `_FAULTY` fit that alone and none the declared one alone.

    Of fewer each is a faulty date by itself.
    """
    read = {text: readings(text) for text in texts}
    for order in declared:
        if other := OPPOSITE.get(order):
            alone = [text for text, own in read.items() if other in own and order not in own]
            if len(alone) > _FAULTY * len(read) and not any(
                order in own and other not in own for own in read.values()
            ):
                return order, other, alone[0]
    return None


def told(where: str, texts: Iterable[str], declared: Collection[Order]) -> str:
    """What is to be known of texts that were read in declared orders, not least how many the opposite order gives another day."""
    counts = Counter(texts)
    if not counts:
        return ""
    words, count = " or ".join(declared), f"{counts.total():,}"
    pair = next(((order, OPPOSITE[order]) for order in declared if order in OPPOSITE), None)
    if pair is None:
        return f"{where}: dates read as {words}: {count}."
    apart = sum(
        n for text, n in counts.items() if len({readings(text).get(each) for each in pair} - {None}) == 2
    )
    return f"{where}: dates read as {words}: {count}, {apart:,} of them another day as {pair[1]}."


def order_of(word: str) -> Order:
    """The order that a word declares, whatever parts it.

    Raises
    ------
    ValueError
        It is none.
    """
    plain = re.sub(r"[-./ ]+", "/", word.strip().upper())
    for order in get_args(Order):
        if plain == order.replace(" ", "/"):
            return order  # type: ignore[no-any-return]
    raise ValueError(
        "must be the order of dates that are not YYYY-MM-DD, DD/MM/YYYY, MM/DD/YYYY, YYYY/MM/DD, DD MMM YYYY, YYYYMMDD or EXCEL"
    )
