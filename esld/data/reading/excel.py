"""Workbooks: a sheet a table, its cells as they were stored; what was never calculated, or lost digits, is no value."""

import re
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile
from zlib import error as zlib_error

import pandas as pd

from esld.data.reading.delimited import KEY, titled
from esld.data.reading.source import Source
from esld.data.reading.table import as_text, listed, of_rows
from esld.errors import InputError

_DIGITS = 15  # that Excel keeps of a number
_SHOWN = 3
_UNPACKED = 1_000_000_000  # bytes; a workbook of a few kB can be made to hold any number of them
_STORE = "Open the workbook in Excel or LibreOffice, recalculate and save it, or paste the values instead of the formulas."


def sources(path: Path, until: ExitStack) -> list[Source]:
    """The sheets of a workbook, which stays open `until` then."""
    import openpyxl

    with _refused(path.name), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # styles that openpyxl does not know
        with ZipFile(path) as packed:
            size = sum(part.file_size for part in packed.infolist())
        if size > _UNPACKED:
            rule = f"must hold at most {_UNPACKED:,} bytes once it is unpacked"
            raise InputError(path.name, rule, f"{size:,}", remedy="Export the tables as CSV files.")
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        until.callback(book.close)
        return [
            *(_source(path, book, sheet) for sheet in book.worksheets),
            *(_chart(path, sheet.title) for sheet in book.chartsheets),
        ]


@contextmanager
def _refused(file: str) -> Iterator[None]:
    """A workbook that is none ends with one line."""
    try:
        yield
    except (
        BadZipFile,
        KeyError,
        OSError,
        SyntaxError,
        ValueError,
        zlib_error,
        EOFError,
    ):  # SyntaxError: broken XML
        rule = "must be an Excel workbook (.xlsx)"
        raise InputError(file, rule, remedy="Save it as .xlsx.") from None


def _source(path: Path, book: Any, sheet: Any) -> Source:
    where = f"{path.name}, sheet {sheet.title}"

    def rows() -> Iterator[tuple[Any, ...]]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            sheet.reset_dimensions()  # what a workbook says of its size need not be true
            yield from sheet.iter_rows(values_only=True)

    def read() -> pd.DataFrame:
        with _refused(path.name):
            cells = list(rows())
            xml = book._archive.read(sheet._worksheet_path)
        _check_stored(xml, where)
        _check_digits(cells, where)
        texts = [[as_text(cell) for cell in row] for row in cells]
        width = max((len(row) for row in texts), default=0)
        squared = [
            row + [None] * (width - len(row)) for row in texts
        ]  # empty cells at the end of a row are left out
        if fault := _title(squared, where):
            raise fault
        return of_rows(squared, where, "Excel")

    def header() -> list[str]:
        with _refused(path.name):
            return [str(cell).strip().upper() for cell in next(rows(), ()) if cell is not None]

    return Source(path.name, sheet.title, sheet.title, read, header, typed=True)


def _chart(path: Path, title: str) -> Source:
    """A sheet that holds no cells."""

    def read() -> pd.DataFrame:
        remedy = "Rename or remove it."
        raise InputError(f"{path.name}, sheet {title}", "must be a sheet of cells", "a chart", remedy=remedy)

    return Source(path.name, title, title, read, lambda: ())


def _title(rows: list[list[str | None]], where: str) -> InputError | None:
    def has_key(row: list[str | None]) -> bool:
        return any((cell or "").strip().upper() == KEY for cell in row)

    if rows and not has_key(rows[0]):
        for number, row in enumerate(rows[1:30], 2):
            if has_key(row):
                return titled(where, " ".join(cell for cell in rows[0] if cell), number)
    return None


# --- what a stored cell may hide --------------------------------------------------------------------------------


def _check_stored(xml: bytes, where: str) -> None:
    """Refuse formulas without a stored value, and cells that were merged: either reads as empty."""
    if re.search(rb"<(?:\w+:)?f[\s/>]", xml) and (cells := list(_uncalculated(xml))):
        raise _cells_fault(where, cells, "must hold values", "a formula without its value in", _STORE)
    merged = [m.decode() for m in re.findall(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z0-9:]+)"', xml)]
    if merged:
        remedy = "Unmerge them and fill each cell."
        raise _cells_fault(where, merged, "must hold a value a cell", "merged cells in", remedy)


def _uncalculated(xml: bytes) -> Iterator[str]:
    """Cells that hold a formula and no value; an empty text is one."""
    from io import BytesIO
    from xml.etree.ElementTree import iterparse

    for _, element in iterparse(BytesIO(xml)):
        if element.tag.rpartition("}")[2] != "c":
            continue
        parts = {child.tag.rpartition("}")[2]: child for child in element}
        if "f" in parts and element.get("t") != "inlineStr":
            value = parts.get("v")
            empty_text = value is not None and element.get("t") == "str"
            if not empty_text and (value is None or not value.text):
                yield element.get("r") or "?"
        element.clear()


def _check_digits(rows: list[tuple[Any, ...]], where: str) -> None:
    """Refuse numbers of more digits than Excel keeps: the last ones are lost, and an identifier is another one."""
    lost = [
        _name(column, number)
        for number, row in enumerate(rows, 1)
        for column, cell in enumerate(row)
        if type(cell) in (int, float) and abs(cell) >= 10**_DIGITS
    ]
    if lost:
        remedy = "Enter it as text: Excel has replaced the digits after the 15th by zeros."
        raise _cells_fault(
            where, lost, f"must be of at most {_DIGITS} digits where it is a number", "more in", remedy
        )


def _cells_fault(where: str, cells: list[str], rule: str, what: str, remedy: str) -> InputError:
    more = f" and {len(cells) - _SHOWN} more" if len(cells) > _SHOWN else ""
    named = ", ".join(cells[:_SHOWN]) if more else listed(cells)
    word = "cell" if len(cells) == 1 else "cells"
    if "merged" in what:
        return InputError(where, rule, f"{what} {named}{more}", remedy=remedy)
    return InputError(where, rule, f"{what} {word} {named}{more}", remedy=remedy)


def _name(column: int, row: int) -> str:
    from openpyxl.utils import get_column_letter

    return f"{get_column_letter(column + 1)}{row}"
