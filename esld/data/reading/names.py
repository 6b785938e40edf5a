"""What the name of a file or sheet says about what it holds; case, width and blanks around it never matter."""

import csv
import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from typing import Literal

from esld.data.declared import how_to_state

# Formats that hold tables and are not read, each with what to do; others may hold anything.
UNREAD = {
    ".sas7bdat": "Export it as SAS transport (.xpt), CSV or Parquet.",
    ".sav": "Export it as CSV or SAS transport (.xpt).",
    ".dta": "Export it as CSV or SAS transport (.xpt).",
    ".rds": "Export it as CSV or Parquet.",
    ".rdata": "Export it as CSV or Parquet.",
    ".feather": "Export it as Parquet.",
    ".xls": "Save it as .xlsx.",
    ".xlsm": "Save it as .xlsx.",
    ".xlsb": "Save it as .xlsx.",
    ".ods": "Save it as .xlsx.",
    ".tsv": f"Name it .csv and set {how_to_state('separator', 'tab')}.",
    ".txt": "Name it .csv and declare its separator.",
    ".dsjc": "Export it uncompressed, as Dataset-JSON 1.1.",
    ".cpt": "Make a SAS transport file (.xpt) with the XPORT engine.",
    ".xml": "Export it as CSV, SAS transport (.xpt) or Dataset-JSON 1.1.",
    ".zip": "Unpack it.",
    ".7z": "Unpack it.",
    ".rar": "Unpack it.",
    ".tar": "Unpack it.",
    ".gz": "Unpack it.",
}
Kind = Literal["domain", "part", "supplement", "not needed", "unknown"]


@dataclass(frozen=True)
class Meaning:
    """What a name says.

    Attributes
    ----------
    kind : str
        A ``domain`` that is analysed, a ``part`` of one (if its content agrees), the ``supplement`` of one, what is known and
        ``not needed``, or ``unknown``.
    domain : str
        Which domain; of what is unknown, the one that it looks like, or empty.
    what : str
        What is not needed, in words.
    """

    kind: Kind
    domain: str = ""
    what: str = ""


def folded(name: str) -> str:
    """A name in capitals, of one width, without blanks around it."""
    return unicodedata.normalize("NFKC", name).strip().upper()


def meaning_of(name: str, analysed: Collection[str]) -> Meaning:
    """What the name of a table says: a file without its suffix, a sheet, or what a data set calls itself."""
    word = folded(name)
    if word in analysed:
        return Meaning("domain", word)
    if re.fullmatch(r"SUPP[A-Z0-9]{2,4}|SQ[A-Z0-9]{2,4}", word):
        parent = word.removeprefix("SUPP") if word.startswith("SUPP") else word.removeprefix("SQ")
        if (own := parent[:2]) in analysed:
            return Meaning("supplement", own)
        return Meaning("not needed", what=f"supplement of {own}, which is not analysed")
    if word in _domains():
        return Meaning("not needed", what=f"{_domains()[word]}, not analysed")
    if re.fullmatch(r"AD[A-Z0-9]{1,6}", word):
        return Meaning("not needed", what="analysis data (ADaM), which are derived here")
    if re.fullmatch(r"[A-Z]{2}[A-Z0-9]{1,2}", word):
        if word[:2] in analysed:
            return Meaning("part", word[:2])
        if word[:2] in _domains():
            return Meaning("not needed", what=f"part of {word[:2]}, {_domains()[word[:2]]}, not analysed")
    return Meaning("unknown", _looks_like(word, analysed))


def file_beside(name: str) -> str | None:
    """What a file is that lies beside tables and holds none; None where nobody knows."""
    return next((what for pattern, what in _beside() if fnmatchcase(name.lower(), pattern)), None)


def looks_like(columns: Iterable[str], analysed: Collection[str]) -> str:
    """The domain of which a table has the columns; empty where there is none."""
    own = set(columns)
    if "USUBJID" not in own:
        return ""
    for name in analysed:
        if name == "DM":
            found = "SUBJID" in own and own & {"RFSTDTC", "RFICDTC", "RFENDTC"}
        else:
            found = own & {f"{name}{stem}" for stem in ("SEQ", "TESTCD", "TERM", "TRT")}
        if found:
            return name
    return ""


def looks_like_forms(columns: Iterable[str]) -> bool:
    """Whether a table has columns that REDCap alone writes: names of fields, or in an export of labels their headings."""
    own = set(columns)
    marks = {"REDCAP_EVENT_NAME", "REDCAP_REPEAT_INSTRUMENT", "REDCAP_DATA_ACCESS_GROUP"}
    headings = {"EVENT NAME", "REPEAT INSTRUMENT", "DATA ACCESS GROUP", "COMPLETE?"}
    ends = any(column.endswith("_COMPLETE") for column in own)
    return bool(own & marks or own & headings or ("RECORD_ID" in own and ends))


def _looks_like(word: str, analysed: Collection[str]) -> str:
    parts = re.split(r"[^A-Z0-9]+", word)
    return next((part for part in reversed(parts) if part in analysed), "")


@cache
def _domains() -> dict[str, str]:
    return {row["code"]: row["name"] for row in _table("sdtm_domains.csv")}


@cache
def _beside() -> list[tuple[str, str]]:
    return [(row["name"], row["what"]) for row in _table("beside.csv")]


def _table(name: str) -> list[dict[str, str]]:
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
