"""Who was alive at one year, from the raw tables: written from docs/how-to/exports.md; of esld nothing is imported."""

import csv
import io
import re
import unicodedata
from calendar import monthrange
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path

Row = Mapping[str, str]
Export = dict[str, list[dict[str, str]]]
YEAR = timedelta(days=365)
DEAD, ALIVE, UNKNOWN = "dead", "alive", "unknown"

# "of an event in AE or CE outcome FATAL, AESDTH Y, grade 5 or severity FATAL"
_FATAL = {"OUT": {"FATAL"}, "SDTH": {"Y"}, "TOXGR": {"5"}, "SEV": {"FATAL"}}
_USUAL = {
    **dict.fromkeys(("DIED", "DEATH", "DEAD", "DECEASED", "死亡"), "FATAL"),
    **dict.fromkeys(("YES", "是", "TRUE", "1"), "Y"),
    **dict.fromkeys(("GRADE 5", "GRADE V", "V", "5级"), "5"),
}
_OF_DEMOGRAPHICS = ("RFICDTC", "RFSTDTC", "RFXSTDTC", "RFXENDTC", "RFENDTC", "RFPENDTC")


def folded(text: str) -> str:
    """ "Without regard to case, width and blanks"."""
    return " ".join(unicodedata.normalize("NFKC", text or "").split()).upper()


def read(folder: Path) -> Export:
    """Every record of every domain; the parts of a split domain together, names of columns in any case."""
    found: Export = {}
    for path in sorted(folder.glob("*.[cC][sS][vV]")):
        data = path.read_bytes()
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("gb18030", errors="replace")
        head, *rows = csv.reader(io.StringIO(text, newline="")) or [[]]
        names = [folded(name) for name in head]
        records = [dict(zip(names, (cell.strip() for cell in row), strict=False)) for row in rows if any(row)]
        found.setdefault(folded(path.stem)[:2], []).extend(records)
    return found


def _days(text: str) -> tuple[date, date] | None:
    """The days that a date can mean: a whole one, one in part, or an interval."""
    if "/" in text:
        begin, _, end = text.partition("/")
        first, last = _days(begin), _days(end)
        return (first[0], last[1]) if first and last else None
    match = re.match(r"(\d{4})(?:-(\d\d|-)(?:-(\d\d|-))?)?(?:T.*)?$", text.strip())
    if not match:
        return None
    year, month, day = (int(part) if part and part != "-" else None for part in match.groups())
    try:
        first, last = date(year, month or 1, day or 1), month or 12
        return first, date(year, last, day or monthrange(year, last)[1])
    except ValueError:
        return None


def _happened(domain: str, row: Row) -> bool:
    """What was not done, did not occur, or is not known to have occurred is set aside."""
    occurred = folded(row.get(f"{domain}OCCUR", ""))
    asked = folded(row.get(f"{domain}PRESP", "")) in {"Y", "YES"}
    return (
        folded(row.get(f"{domain}STAT", "")) != "NOT DONE"
        and occurred in {"", "Y", "YES"}
        and not (asked and not occurred)
    )


def _code(row: Row, column: str) -> str:
    word = folded(row.get(column, ""))
    return _USUAL.get(word, word)


def _deaths(export: Export) -> Iterator[tuple[str, str]]:
    """Patient and date, as written or empty, of every statement of a death."""
    for row in export.get("DM", []):
        if _code(row, "DTHFL") == "Y" or row.get("DTHDTC"):
            yield row["USUBJID"], row.get("DTHDTC", "")
    for row in export.get("DS", []):
        if _happened("DS", row) and _code(row, "DSDECOD") == "FATAL":
            yield row["USUBJID"], row.get("DSSTDTC", "")
    for domain in ("AE", "CE"):
        for row in export.get(domain, []):
            said = (_code(row, f"{domain}{end}") in words for end, words in _FATAL.items())
            if _happened(domain, row) and any(said):
                yield row["USUBJID"], row.get(f"{domain}ENDTC", "")
    for row in export.get("SS", []):
        if _happened("SS", row) and _survival(row) == "FATAL":
            yield row["USUBJID"], ""
    for row in export.get("DD", []):
        if _happened("DD", row):
            yield row["USUBJID"], ""


def _survival(row: Row) -> str:
    if folded(row.get("SSTESTCD", "")) != "SURVSTAT":
        return ""
    return _code(row, "SSSTRESC") or _code(row, "SSORRES")


def _signs(export: Export) -> Iterator[tuple[str, date]]:
    """Patient and day of every sign of life; of a date in part its first possible day."""
    for domain, rows in export.items():
        columns = (
            _OF_DEMOGRAPHICS if domain == "DM" else [f"{domain}{end}" for end in ("DTC", "STDTC", "ENDTC")]
        )
        for row in rows:
            if domain in ("MH", "IE", "DD") or (domain == "SS" and _survival(row) != ALIVE.upper()):
                continue
            if domain == "DM" or _happened(domain, row):
                for column in columns:
                    if days := _days(row.get(column, "")):
                        yield row["USUBJID"], days[0]


def states(export: Export, cutoff: date) -> dict[str, tuple[str, str]]:
    """Arm, and dead, alive or unknown one year after randomisation, of everybody randomised."""
    arms = {row["USUBJID"]: folded(row.get("ARMCD", "")) for row in export["DM"]}
    entered: dict[str, date] = {}
    for row in export["DS"]:
        if _happened("DS", row) and folded(row.get("DSDECOD", "")) in {"RANDOMIZED", "RANDOMISED"}:
            days = _days(row.get("DSSTDTC", ""))
            if days and days[0] <= cutoff:
                entered[row["USUBJID"]] = min(days[0], entered.get(row["USUBJID"], days[0]))
    deaths, signs = list(_deaths(export)), list(_signs(export))
    found = {}
    for who, since in entered.items():
        stated = [text for patient, text in deaths if patient == who]
        seen = [day for patient, day in signs if patient == who and day <= cutoff]
        died = _day_of_death(stated, seen)
        if died and died <= cutoff:
            state = DEAD if died - since <= YEAR else ALIVE
        else:
            state = ALIVE if seen and max(seen) - since >= YEAR else UNKNOWN
        found[who] = (arms.get(who, ""), state)
    return found


def _day_of_death(stated: list[str], seen: list[date]) -> date | None:
    """The earliest whole date; of dates in part the most exact, though not before the patient was last seen alive."""
    days = [own for text in stated if (own := _days(text))]
    if whole := [first for first, last in days if first == last]:
        return min(whole)
    if not days:
        return None
    first, last = min(days, key=lambda own: ((own[1] - own[0]).days // 31, own[0]))
    return max([first, *(day for day in seen if day <= last)])
