"""SAS transport files (XPT), version 5 and 8, read by pyreadstat: one data set a file."""

import re
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from esld.data.declared import Reading
from esld.data.reading.encoding import DECLARE, decoded
from esld.data.reading.source import Source
from esld.data.reading.table import as_text, of_columns
from esld.errors import InputError

_BLOCK = 80
_BETWEEN = "\x1f"  # no text holds it
_FIRST = re.compile(rb"HEADER RECORD\*{7}(LIBRARY|LIBV8 {2}) HEADER RECORD!!!!!!!")
_MEMBER = re.compile(rb"HEADER RECORD\*{7}(?:MEMBER|MEMBV8) {1,2}HEADER RECORD!!!!!!!")


def sources(path: Path, how: Reading) -> list[Source]:
    """The data set of a transport file; its own name is in the file."""
    with path.open("rb") as opened:
        start = opened.read(_BLOCK * 6)
    says = ""
    if _FIRST.match(
        start
    ):  # library: header, two records; member: header, descriptor, a record that begins with its name
        says = (
            start[_BLOCK * 5 + 8 : _BLOCK * 5 + (40 if start[20:25] == b"LIBV8" else 16)]
            .decode("ascii", "replace")
            .strip()
        )

    def header() -> list[str]:
        try:
            return [str(column) for column in _read(path, how).columns]
        except InputError:
            return []

    return [Source(path.name, "", path.stem, partial(_read, path, how), header, says, typed=True)]


def _read(path: Path, how: Reading) -> pd.DataFrame:
    import pyreadstat

    raw = path.read_bytes()
    if raw.startswith(b"**COMPRESSED**"):
        rule, remedy = (
            "must be a SAS transport file",
            "Make it with the XPORT engine or %LOC2XPT, not PROC CPORT.",
        )
        raise InputError(path.name, rule, "one of PROC CPORT", remedy=remedy)
    if not _FIRST.match(raw) or len(raw) % _BLOCK:
        got = "one that was cut short" if _FIRST.match(raw) else None
        raise InputError(path.name, "must be a SAS transport file (.xpt)", got, remedy="Export it again.")
    if (sets := sum(1 for found in _MEMBER.finditer(raw) if found.start() % _BLOCK == 0)) != 1:
        rule, remedy = "must hold one data set", "Export each data set to a file of its own."
        raise InputError(path.name, rule, f"{sets}", remedy=remedy)
    try:
        # Latin-1 has a letter for every byte: which encoding they are in is found as for any other text.
        frame, meta = pyreadstat.read_xport(str(path), encoding="ISO-8859-1")
    except (
        pyreadstat.ReadstatError,
        pyreadstat.PyreadstatError,
        UnicodeError,
        ValueError,
        OSError,
        MemoryError,
    ) as error:
        rule = f"must be a SAS transport file (.xpt): {' '.join(str(error).split())}"
        raise InputError(path.name, rule, remedy="Export it again.") from None
    texts: list[list[Any]] = [list(frame[name]) for name in frame.columns]
    _decode(texts, path.name, how)
    version = "XPT 8" if raw[20:25] == b"LIBV8" else "XPT 5"
    cells = [[None if cell is pd.NaT else as_text(cell) for cell in column] for column in texts]
    return of_columns(list(meta.column_names), cells, path.name, version)


def _decode(columns: list[list[Any]], file: str, how: Reading) -> None:
    """Decode texts in place, all of them as one."""
    words = list(
        {cell for column in columns for cell in column if isinstance(cell, str) and not cell.isascii()}
    )
    if not words:
        return
    raw = _BETWEEN.join(words).encode("latin-1")
    text, _ = decoded(raw, file, how.encoding, remedy=DECLARE)
    meaning = dict(zip(words, text.split(_BETWEEN), strict=True))
    for column in columns:
        column[:] = [meaning.get(cell, cell) if isinstance(cell, str) else cell for cell in column]
