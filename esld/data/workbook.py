"""Listings for people to work through: a workbook, one CSV or one page; the same content gives the same bytes."""

import io
import re
import zipfile
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import pandas as pd

from esld.data.tables import frame_csv
from esld.targets import FileTarget

Sheets = Mapping[str, pd.DataFrame]


class ErrorCell(str):
    """What Excel shows where a formula failed, such as #N/A: no text."""


_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest moment that a ZIP archive can hold
_WIDEST = 60
_STYLE = (
    "body{font:14px/1.4 sans-serif;margin:2rem}table{border-collapse:collapse;margin:0 0 2rem}"
    "th,td{border-bottom:1px solid #ccc;padding:.2rem .6rem;text-align:left;vertical-align:top}"
)


def write_sheets(sheets: Sheets, target: FileTarget, *, title: str) -> None:
    """Write tables as the file's suffix says, whole or not at all.

    Parameters
    ----------
    sheets : mapping of str to DataFrame
        Tables by name. Missing cells are written empty.
    target : FileTarget
        Of one of `KINDS`: ``.xlsx`` (a sheet each, header frozen, with filters; text stays text, a formula is none),
        ``.csv`` (one below the other, the first column ``part`` names the table) or ``.html`` (one page, without scripts).
    title : str
        Heading of the page.

    Raises
    ------
    esld.errors.InputError
        The disk does not take it.
    """
    target.write(_WRITERS[target.path.suffix.lower()](sheets, title))


def _csv(sheets: Sheets, title: str) -> bytes:
    parts = [frame.astype(object).assign(part=name) for name, frame in sheets.items()]
    columns = list(dict.fromkeys(["part", *(c for part in parts for c in part.columns)]))
    rows = [dict.fromkeys(columns) | row for part in parts for row in part.to_dict("records")]
    return frame_csv(pd.DataFrame(rows, columns=columns, dtype=object))


def _html(sheets: Sheets, title: str) -> bytes:
    parts = [f"<h2>{escape(name)}</h2>\n{_html_table(frame)}" for name, frame in sheets.items()]
    head = f'<meta charset="utf-8">\n<title>{escape(title)}</title>\n<style>{_STYLE}</style>'
    page = f'<!doctype html>\n<html lang="en">\n<head>\n{head}\n</head>\n<body>\n<h1>{escape(title)}</h1>\n'
    return (page + "\n".join(parts) + "\n</body>\n</html>\n").encode("utf-8")


def _html_table(frame: pd.DataFrame) -> str:
    if frame.empty:
        return "<p>None.</p>"
    return frame.map(_cell_text).to_html(index=False, border=0, escape=True)


def _cell_text(cell: Any) -> str:
    if pd.isna(cell):
        return ""
    return f"{cell:.6g}" if isinstance(cell, float) else str(cell)


def xlsx_bytes(sheets: Sheets, formats: Mapping[str, Mapping[tuple[int, int], str]] | None = None) -> bytes:
    """A workbook as :func:`write_sheets` writes it; `formats` are number formats by sheet and by row and column from 0."""
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    book.remove(book.active)
    for name, frame in sheets.items():
        sheet = book.create_sheet(name)
        for number, column in enumerate(frame.columns, 1):
            texts = [str(column), *(_cell_text(cell) for cell in frame[column])]
            sheet.column_dimensions[get_column_letter(number)].width = min(max(map(len, texts)) + 2, _WIDEST)
            sheet.cell(1, number, str(column)).font = Font(bold=True)
            for row, cell in enumerate(frame[column], 2):
                _put(sheet.cell(row, number), cell)
        for place, shown in (formats or {}).get(name, {}).items():
            sheet.cell(place[0] + 2, place[1] + 1).number_format = shown
        sheet.freeze_panes = "A2"
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(frame.columns))}{len(frame) + 1}"
    content = io.BytesIO()
    book.save(content)
    return timeless(content.getvalue())


def _put(place: Any, cell: Any) -> None:
    """A value as it is: text that begins with '=' is no formula, and control characters, which XML forbids, go.

    A number is handed over as text of that type: openpyxl would write 16 digits of it.
    """
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    if pd.isna(cell) or cell == "":
        return
    if isinstance(cell, str):
        place.value = ILLEGAL_CHARACTERS_RE.sub("", cell)
        place.data_type = "e" if isinstance(cell, ErrorCell) else "s"
    else:
        place.value = value = cell.item() if hasattr(cell, "item") else cell
        if isinstance(value, int | float) and not isinstance(value, bool):
            place._value = repr(value)


def timeless(book: bytes) -> bytes:
    """A workbook without the hour at which it was made."""
    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(content, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"<dcterms:(created|modified)[^>]*>[^<]*</dcterms:\1>", b"", data)
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, data)
    return content.getvalue()


_WRITERS: Mapping[str, Callable[[Sheets, str], bytes]] = {
    ".xlsx": lambda sheets, title: xlsx_bytes(sheets),
    ".csv": _csv,
    ".html": _html,
}
KINDS = tuple(_WRITERS)
