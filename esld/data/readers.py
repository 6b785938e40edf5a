"""Tables out of files, one reader a format: all cells text, nothing guessed.

A reader takes a path and the names of the tables wanted. It returns those it finds, each with
``attrs["file"]`` (where it came from) and ``attrs["encoding"]`` (how it was decoded).
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from esld.errors import InputError

Tables = dict[str, pd.DataFrame]


def read_csv_folder(folder: Path, names: Collection[str]) -> Tables:
    """Tables of a folder of CSV files, ``dm.csv`` for DM; UTF-8 with or without BOM, or GB18030."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        name = path.stem.upper()
        if path.suffix.lower() == ".csv" and name in names and path.is_file():
            if name in found:
                rule = f"must be one file, got {found[name].name} and {path.name}"
                raise InputError(f"domain {name}", rule, None, str(folder), "Remove the outdated one.")
            found[name] = path
    return {name: _read_csv(path) for name, path in found.items()}


def _read_csv(path: Path) -> pd.DataFrame:
    import csv
    from io import StringIO

    text, encoding = decode(path)
    reader = csv.reader(StringIO(text, newline=None), strict=True)  # line ends as ``canonical`` has them
    try:
        rows = list(reader)
    except csv.Error as error:
        rule, where = f"must be a comma-separated table: {error}", f"line {reader.line_num}"
        raise InputError(path.name, rule, None, where, "Export it again.") from None
    return _table(rows, path.name, encoding)


def decode(path: Path) -> tuple[str, str]:
    """Text of a file that is UTF-8 (with or without BOM) or GB18030; anything else is refused, never guessed.

    NUL tells of UTF-16, the replacement character of text that was decoded wrongly before, and a private-use
    character of bytes that are no GB18030.
    """
    raw = path.read_bytes()
    for encoding, name, foreign in (
        ("utf-8-sig", "UTF-8", r"[\x00\ufffd]"),
        ("gb18030", "GB18030", r"[\x00\ufffd\ue000-\uf8ff]"),
    ):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if re.search(foreign, text):
            break
        return text, name
    remedy = "Save it as UTF-8 and run again."
    raise InputError(path.name, "must be encoded as UTF-8 or GB18030", remedy=remedy)


def canonical(raw: bytes) -> bytes:
    r"""A text file's bytes with every line end (``\r\n``, ``\r``) as ``\n``; nothing else is touched.

    A checkout, an editor or a mail program may change line ends, and nothing that a report is made of reads them apart:
    tables (a line end inside a cell too), YAML, JSON and Python are all read with line ends translated. So what is
    hashed is what is read, and two files with the same canonical bytes give the same report. Good for UTF-8 and
    GB18030, in which these two bytes are never part of another character; never for a workbook or a picture.
    """
    return raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def read_xlsx(path: Path, names: Collection[str]) -> Tables:
    """Tables of an Excel workbook, a sheet each."""
    import warnings
    from zipfile import BadZipFile
    from zlib import error as zlib_error

    import openpyxl

    tables: Tables = {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # styles that openpyxl does not know
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            try:
                for sheet in book.worksheets:
                    name = sheet.title.strip().upper()
                    if name in names:
                        sheet.reset_dimensions()  # what a workbook says of its size need not be true
                        rows = [[_cell_text(c) for c in row] for row in sheet.iter_rows(values_only=True)]
                        tables[name] = _table(_squared(rows), f"{path.name}, sheet {sheet.title}", "Excel")
            finally:
                book.close()
    except (BadZipFile, KeyError, OSError, SyntaxError, ValueError, zlib_error):  # SyntaxError: broken XML
        rule = "must be an Excel workbook (.xlsx)"
        raise InputError(path.name, rule, remedy="Save it as .xlsx.") from None
    return tables


def _squared(rows: list[list[str | None]]) -> list[list[str | None]]:
    """Rows of one length: a workbook leaves empty cells at the end of a row out."""
    width = max((len(row) for row in rows), default=0)
    return [row + [None] * (width - len(row)) for row in rows]


def _cell_text(cell: Any) -> str | None:
    """A cell as the text a CSV would hold: dates ISO, numbers to the 15 digits that Excel keeps."""
    from datetime import date, datetime

    match cell:
        case None | "":
            return None
        case datetime():
            at_midnight = (cell.hour, cell.minute, cell.second) == (0, 0, 0)
            return cell.date().isoformat() if at_midnight else cell.isoformat(timespec="minutes")
        case date():
            return cell.isoformat()
        case bool():
            return str(cell).upper()
        case float():
            return f"{cell:.15g}"
    return str(cell)


def _table(rows: Sequence[Sequence[str | None]], file: str, encoding: str) -> pd.DataFrame:
    """A header and its rows as a table of text; a cell without a column name must be empty."""
    header, *body = rows or [[]]
    names = [(name or "").strip().upper() for name in header]
    if twice := sorted({name for name in names if name and names.count(name) > 1}):
        raise InputError(f"column {', '.join(twice)}", "must stand once", None, file, "Export it again.")
    named = [place for place, name in enumerate(names) if name]
    width = named[-1] + 1 if named else 0
    cells: list[list[str | None]] = []
    places: list[int] = []
    for place, row in enumerate(body):
        values = [(cell.strip() or None) if cell else None for cell in row]
        if not any(values):
            continue
        own = [values[i] for i in named if i < len(values)]
        if len(own) < len(named) or sum(map(bool, own)) < sum(map(bool, values)):
            rule, where = f"must fit its header of {width} columns", f"{file}, row {place + 2}"
            raise InputError("every row", rule, f"{len(values)} cells", where, "Export it again.")
        cells.append(own)
        places.append(place)
    table = pd.DataFrame(cells, columns=[names[i] for i in named], index=places, dtype=object)
    table.attrs = {"file": file, "encoding": encoding}
    return table


READERS: Mapping[str, Callable[[Path, Collection[str]], Tables]] = {".xlsx": read_xlsx}
