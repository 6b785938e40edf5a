"""The schedule of a draft: visits that TV plans, or SV and the findings name, on the days that are found there."""

import re
from itertools import pairwise

import pandas as pd

from esld.data.drafting.found import Found
from esld.data.drafting.marks import Part, gap, guess

_DATES = {"SV": "SVSTDTC", "LB": "LBDTC", "RS": "RSDTC", "VS": "VSDTC"}
_UNPLANNED = re.compile(r"unsch|unplanned|计划外", flags=re.IGNORECASE)
_BEFORE = re.compile(r"screen|baseline|randomi|run-?in|筛选|基线|随机", flags=re.IGNORECASE)
# What a visit's name says of its day, counted from day 1 or as that day itself.
_UNITS = {
    "week": 7.0,
    "wk": 7.0,
    "w": 7.0,
    "周": 7.0,
    "month": 365.25 / 12,
    "m": 365.25 / 12,
    "月": 365.25 / 12,
}
_UNITS |= {"year": 365.25, "y": 365.25, "年": 365.25, "day": 1.0, "d": 1.0}
_NAMED = re.compile(
    r"\b(week|wk|w|month|m|year|y|day|d)[ _-]*(\d+(?:\.\d+)?)\b|第?(\d+)(周|月|年)", flags=re.IGNORECASE
)
_NEAR = 0.25  # of a nominal day: how far the days found may lie from it
_EARLIEST = -28  # the first day of baseline, where screening began earlier


def schedule(found: Found) -> Part:
    """Anchor, baseline, and visits with targets found in the data and windows that meet half-way."""
    treated = len(found.treated) > 0
    anchor = (
        "First administration; the day of randomisation for a patient who had none"
        if treated
        else "Randomisation"
    )
    why = (
        "The export holds days of treatment (EX)" if treated else "The export holds no day of treatment (EX)"
    )
    visits = _visits(found)
    return {
        "anchor": guess({"value": anchor}, f"{why}; it does not say from which day visits are counted."),
        "baseline_window": [_first_day(found), 1],
        "ties": "later",
        "visits": visits or gap("the planned visits after baseline: the export names none. `[]` without any"),
    }


def _visits(found: Found) -> list[Part]:
    seen = _seen(found)
    planned = _planned(found, seen)
    told = [each for each in planned if each["target"] > 1]
    kept: list[Part] = []
    for each in sorted(told, key=lambda visit: (visit["target"], visit["number"])):
        if not kept or (each["target"] > kept[-1]["target"] and each["number"] > kept[-1]["number"]):
            kept.append(each)
    ends = [(before["target"] + after["target"]) // 2 for before, after in pairwise(kept)]
    made = []
    for place, each in enumerate(kept):
        begin = ends[place - 1] + 1 if place else 2
        end = ends[place] if place < len(ends) else each["target"] + max(each["target"] - begin, 0)
        days = seen.loc[seen["number"].eq(each["number"]), "day"]
        part = each | {"tolerance": _tolerance(days, each["target"]), "window": [begin, end]}
        made.append(guess(_whole(part, kept), _REASON))
    return made


_REASON = (
    "Visits and days as the export has them. Nine in ten visits lie within the tolerance, and the windows meet half-way between "
    "targets."
)


def _whole(part: Part, others: list[Part]) -> Part:
    """A visit with a code of its own, which its name gives where it can."""
    codes = [_code(each) for each in others]
    own = _code(part)
    code = own if codes.count(own) == 1 else f"V{part['number']:g}".replace(".", "_")
    keys = ("label", "number", "week", "target", "tolerance", "window")
    return {"code": code, **{key: part[key] for key in keys}}


def _code(part: Part) -> str:
    named = _NAMED.search(part["label"])
    if not named:
        return f"V{part['number']:g}".replace(".", "_")
    unit, number = (named[1], named[2]) if named[1] else (named[4], named[3])
    letters = {"周": "W", "月": "M", "年": "Y"}
    return f"{letters.get(unit, unit[0].upper())}{number}"


def _seen(found: Found) -> pd.DataFrame:
    """One row a patient and named visit: number, name and study day."""
    parts = []
    for name, date in _DATES.items():
        table = found.records(name, "VISITNUM", date)
        if len(table):
            own = pd.DataFrame({"who": table["USUBJID"], "day": found.study_day(table, date)})
            own["number"] = pd.to_numeric(table["VISITNUM"], errors="coerce")
            own["label"] = table.get("VISIT")
            parts.append(own)
    columns = ["who", "number", "label", "day"]
    every = pd.concat(parts)[columns] if parts else pd.DataFrame(columns=columns)
    every = every.dropna(subset=["number", "day"])
    every = every[~every["label"].fillna("").str.contains(_UNPLANNED)]
    return every.drop_duplicates(["who", "number"])


def _planned(found: Found, seen: pd.DataFrame) -> list[Part]:
    """Every visit after baseline with its number, as TV plans it or as it is found."""
    made = []
    for number, (name, day) in sorted(_named(found, seen).items()):
        label = name.capitalize() if name.isupper() else name or f"Visit {number:g}"
        target = _target(name, day, seen.loc[seen["number"].eq(number), "day"])
        if number > 0 and target is not None and not _BEFORE.search(name) and not _UNPLANNED.search(name):
            week = _short(_week(name, target))
            made.append({"number": _short(number), "label": label, "target": target, "week": week})
    return made


def _named(found: Found, seen: pd.DataFrame) -> dict[float, tuple[str, float | None]]:
    """Name and planned day of each numbered visit: of TV, else of what was seen, which has no planned day."""
    tv = found.tables.get("TV", pd.DataFrame())
    made: dict[float, tuple[str, float | None]] = {}
    if "VISITNUM" in tv:
        numbers = pd.to_numeric(tv["VISITNUM"], errors="coerce")
        days = pd.to_numeric(tv.get("VISITDY", pd.Series(None, tv.index)), errors="coerce")
        names = tv.get("VISIT", pd.Series(None, tv.index, dtype=object)).fillna("")
        for number, name, day in zip(numbers, names, days, strict=True):
            if pd.notna(number):
                made.setdefault(float(number), (str(name), float(day) if pd.notna(day) else None))
        return made
    for number, own in zip(seen["number"], seen["label"].fillna(""), strict=True):
        if not made.get(number, ("", None))[0]:
            made[float(number)] = (str(own), None)
    return made


def _short(number: float) -> float | int:
    return int(number) if number == int(number) else number


def _target(name: str, day: float | None, days: pd.Series) -> int | None:
    """The day that is planned, else the one that the name says if the data agree, else the middle one of the data."""
    if day is not None:
        return int(day)
    middle = float(days.median()) if len(days) else None
    if named := _NAMED.search(name):
        unit, number = (named[1], named[2]) if named[1] else (named[4], named[3])
        length = _UNITS[unit.lower()]
        nominal = float(number) if length == 1.0 else float(number) * length + 1
        if middle is None or abs(middle - nominal) <= max(3.0, _NEAR * nominal):
            return int(nominal + 0.5)
    return None if middle is None else round(middle)


def _week(name: str, target: int) -> float:
    """The nominal week: the one that the name says, if the target is of it, else that of the target."""
    named = _NAMED.search(name)
    if named and _UNITS[(named[1] or named[4]).lower()] == 7.0:
        number = float(named[2] or named[3])
        if abs(7 * number + 1 - target) < 1:
            return number
    return round((target - 1) / 7, 1)


def _tolerance(days: pd.Series, target: int) -> list[int]:
    """Days before and after a target within which nine in ten of the visits lie."""
    off = days - target
    if off.empty:
        return [0, 0]
    low, high = off.quantile(0.05, interpolation="nearest"), off.quantile(0.95, interpolation="nearest")
    return [max(0, int(-low)), max(0, int(high))]


def _first_day(found: Found) -> int:
    """The first study day on which something is measured before treatment."""
    first = 1
    for name in ("LB", "RS", "VS"):
        table = found.records(name, _DATES[name])
        days = found.study_day(table, _DATES[name]).dropna() if len(table) else pd.Series(dtype=float)
        first = min(first, *(int(day) for day in days[days <= 1]), 1)
    return max(first, _EARLIEST)
