"""The last look at a public report before it is published: no study number, day or text of a record in any byte of it."""

import re
import zipfile
from collections.abc import Iterator, Mapping
from html import unescape
from pathlib import Path

import pandas as pd

from esld.data import dates
from esld.data.sdtm import DOMAINS, date_columns
from esld.data.study import Study
from esld.data.views import COLUMNS
from esld.errors import RunError
from esld.report.words.grammar import on_day

# Text as a site wrote it, beside the columns that only a view which tells everything loads; its coded term may be told.
_VERBATIM = {
    "AETERM": "AEDECOD",
    "CETERM": "CEDECOD",
    "MHTERM": "MHDECOD",
    "CMTRT": "CMDECOD",
    "PRTRT": "PRDECOD",
    "DSTERM": "DSDECOD",
}
_CODED = re.compile(r"[A-Z0-9_.:+/% -]*")  # codes, units and numbers
_LEAST = 8  # characters: shorter texts are words that any report may have
_TEXT = {".html", ".json", ".csv", ".svg", ".ipynb", ".xml", ".rels", ".txt", ".css"}


def require_nobody(folder: Path, study: Study) -> None:
    """Refuse to publish a public report in which somebody is told of; any other report passes.

    Raises
    ------
    esld.errors.RunError
        Names the file and the kind of what stands there, not the patient.
    """
    if not study.cut.published:
        return
    found = {kind: _pattern(words) for kind, words in secrets(study).items()}
    for name, text in texts(folder):
        for kind, pattern in found.items():
            if pattern is not None and pattern.search(text):
                raise RunError(f"a public report must name nobody: {name} holds {kind}")


def texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Every text of a report by the name of its file, of Word the parts."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".docx":
            with zipfile.ZipFile(path) as parts:
                for part in (own for own in parts.namelist() if Path(own).suffix in _TEXT):
                    yield f"{name}/{part}", unescape(parts.read(part).decode("utf-8"))
        elif path.suffix in _TEXT:
            yield name, unescape(path.read_text(encoding="utf-8"))


def secrets(study: Study) -> Mapping[str, set[str]]:
    """What no public report holds, by its kind: study numbers, days, and words as a site wrote them."""
    numbers, days, words = set[str](), set[str](), set[str]()
    own, told = {study.cut.cutoff, study.cut.snapshot}, set[str]()
    for domain, table in study.tables.items():
        if "USUBJID" in table:
            numbers |= {str(number) for number in table["USUBJID"].dropna()}
        for column in date_columns(DOMAINS[domain]):
            if column in table:
                days |= {day.strftime("%Y-%m-%d") for day in dates.earliest(table[column]).dropna()}
        for column in map(str, table.columns):
            if column in _VERBATIM or column not in COLUMNS.get(domain, (column,)):
                coded = (
                    table[_VERBATIM[column]] if _VERBATIM.get(column) in table else pd.Series(dtype=object)
                )
                told |= {str(term).casefold() for term in coded.dropna()}
                words |= {str(text) for text in table[column].dropna() if isinstance(text, str)}
    days -= own
    spoken = {on_day(pd.Timestamp(day)) for day in days}
    public = study.protocol.model_dump_json().casefold()  # what the trial itself says
    words = {text for text in words if len(text) >= _LEAST and not _CODED.fullmatch(text)}
    texts = {text for text in words if text.casefold() not in told and text.casefold() not in public}
    return {"a study number": numbers, "a day of a record": days | spoken, "words of a record": texts}


def _pattern(words: set[str]) -> "re.Pattern[str] | None":
    if not words:
        return None
    each = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<![\w-])(?:{each})(?![\w-])")
