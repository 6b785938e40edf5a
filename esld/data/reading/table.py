"""A table of text as every format gives it: cells trimmed, empty ones missing, names in upper case, each row with its place."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd

from esld.errors import InputError

Tables = dict[str, pd.DataFrame]
Cell = str | None
ID = "USUBJID"
_LETTERS = 131_072  # of a cell; those of a spreadsheet hold a quarter of them


class _Trimmed(dict[Cell, Cell]):
    """Each distinct cell is trimmed once."""

    def __missing__(self, cell: Cell) -> Cell:
        found = self[cell] = (cell.strip() or None) if cell else None
        return found


def of_rows(rows: Sequence[Sequence[Cell]], file: str, encoding: str, *, above: int = 0) -> pd.DataFrame:
    """A header and its rows as a table.

    Parameters
    ----------
    rows : sequence of sequences of str or None
        The header first; rows of any length.
    file, encoding : str
        Where it came from, and how it was decoded: what ``attrs`` then hold.
    above : int
        Lines of the file that stand above the header and are no part of the table.

    Returns
    -------
    DataFrame
        Of objects. Row ``n`` of the index is row ``n + 2`` of the file; blank rows are left out.

    Raises
    ------
    esld.errors.InputError
        A column twice, a row that lacks a cell, or a cell without a column name.
    """
    header, *body = rows or [[]]
    names = [_name(cell) for cell in header]
    named = [place for place, name in enumerate(names) if name]
    width = named[-1] + 1 if named else 0
    if set(map(len, body)) - {len(names)}:
        filled = [
            (place, row) for place, row in enumerate(body) if any(cell and cell.strip() for cell in row)
        ]
        torn = [
            (place, row)
            for place, row in filled
            if len(row) < width or any(cell and cell.strip() for cell in row[len(names) :])
        ]
        if torn:
            raise _torn(width, file, [(place + above, len(row)) for place, row in torn])
        body = [[*row[: len(names)], *[None] * (len(names) - len(row))] for row in body]
    columns = [list(map(itemgetter(place), body)) for place in range(len(names))]
    return of_columns(names, columns, file, encoding, above=above)


def of_columns(
    names: Sequence[Cell], columns: Sequence[Sequence[Cell]], file: str, encoding: str, *, above: int = 0
) -> pd.DataFrame:
    """Columns of one length, with their names, as :func:`of_rows` gives a table.

    Where an id has blanks around it, which are no part of it, ``attrs["padded"]`` is the first such row of the file.
    """
    names = [_name(name) for name in names]
    if twice := sorted({name for name in names if name and names.count(name) > 1}):
        raise InputError(f"column {', '.join(twice)}", "must stand once", None, file, "Export it again.")
    cells = {place: _trimmed(column) for place, column in enumerate(columns)}
    for place, column in cells.items():
        if any(cell and len(cell) > _LETTERS for cell in column):
            rule = f"must hold cells of at most {_LETTERS:,} characters"
            raise InputError(f"column {names[place]}", rule, None, file, "Export it again.")
    rows = len(columns[0]) if columns else 0
    filled, beyond = np.zeros(rows, dtype=bool), np.zeros(rows, dtype=bool)
    for place, column in cells.items():
        there = column != None  # noqa: E711 - cell by cell
        filled |= there
        if not names[place]:
            beyond |= there
    if beyond.any():
        width = max((place + 1 for place, name in enumerate(names) if name), default=0)
        raise _torn(width, file, [(int(place) + above, len(names)) for place in np.flatnonzero(beyond)])
    own = {names[place]: column[filled] for place, column in cells.items() if names[place]}
    table = pd.DataFrame(
        own,
        index=pd.Index(np.flatnonzero(filled) + above, dtype="int64"),
        columns=pd.Index([name for name in names if name], dtype=object),
        dtype=object,
    )
    table.attrs = {"file": file, "encoding": encoding}
    if ID in names:
        place = names.index(ID)
        padded = [
            n
            for n, (raw, cell) in enumerate(zip(columns[place], cells[place], strict=True))
            if cell and raw != cell
        ]
        table.attrs |= {"padded": padded[0] + above + 2} if padded else {}
    return table


def _name(cell: Cell) -> str:
    return (cell or "").strip().upper()


def _trimmed(column: Sequence[Cell]) -> "np.ndarray[Any, Any]":
    cells = np.empty(len(column), dtype=object)
    cells[:] = list(map(_Trimmed().__getitem__, column))
    return cells


def _torn(width: int, file: str, rows: Sequence[tuple[int, int]]) -> InputError:
    """The fault of rows, each with its index and how many cells it has."""
    (first, cells), others = rows[0], len(rows) - 1
    where = f"{file}, row {first + 2}" + (f", and {others} more" if others else "")
    rule = f"must fit its header of {width} columns"
    return InputError("every row", rule, f"{cells} cells", where, "Export it again.")


def as_text(cell: Any) -> Cell:
    """A cell of a format that knows types as the text that a CSV would hold.

    Days and moments are ISO 8601, a moment at midnight its day; a number has the 15 digits that a spreadsheet keeps.
    """
    match cell:
        case None | "":
            return None
        case str():
            return cell
        case bool() | np.bool_():
            return str(cell).upper()
        case datetime():
            if (cell.hour, cell.minute, cell.second, cell.microsecond) == (0, 0, 0, 0):
                return cell.date().isoformat()
            return cell.isoformat(timespec="auto" if cell.second or cell.microsecond else "minutes")
        case date():
            return cell.isoformat()
        case time():
            return "T" + cell.isoformat(timespec="auto" if cell.second else "minutes")
        case float() | np.floating():
            return None if np.isnan(cell) else f"{cell:.15g}"
        case Decimal():
            return f"{cell.normalize():f}"
    return str(cell)


# --- where a row stands -----------------------------------------------------------------------------------------


def stacked(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Parts of a domain one below the other, with every column of any; :func:`place` still tells where each row stands."""
    if len(parts) == 1:
        return parts[0]
    moved: list[pd.DataFrame] = []
    starts: list[list[Any]] = []
    start = 0
    for part in parts:
        moved.append(part.set_axis(part.index + start))
        starts.append([str(part.attrs["file"]), start])
        start += int(part.index.max()) + 1 if len(part) else 0
    columns = list(dict.fromkeys(column for part in parts for column in part.columns))
    whole = pd.concat([part.reindex(columns=columns) for part in moved]).astype(object)
    whole = whole.where(whole.notna(), None)
    whole.columns = pd.Index(columns, dtype=object)
    whole.attrs = {
        "file": ", ".join(file for file, _ in starts),
        "encoding": ", ".join(dict.fromkeys(str(part.attrs["encoding"]) for part in parts)),
        "parts": starts,
    } | {key: cell for key, cell in parts[0].attrs.items() if key == "dates"}
    return whole


def place(table: pd.DataFrame, row: int) -> tuple[str, int]:
    """Where a record stands.

    Parameters
    ----------
    table : DataFrame
        As read.
    row : int
        Its label in the index.

    Returns
    -------
    file : str
        The file, and its sheet where it has sheets.
    row : int
        As a spreadsheet counts it, the header being row 1.
    """
    file, start = str(table.attrs.get("file", "table")), 0
    for part, first in table.attrs.get("parts", ()):
        if row >= first:
            file, start = part, first
    return file, row - start + 2


def listed(names: Iterable[str]) -> str:
    """Names in one sentence: ``a.csv, b.csv and c.csv``."""
    known = list(names)
    return " and ".join([", ".join(known[:-1]), known[-1]]) if len(known) > 1 else "".join(known)
