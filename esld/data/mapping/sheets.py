"""The sheets of a workbook as people fill it: cells as text, each with the place at which a person finds it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from esld.data.mapping.forms import Form
from esld.errors import InputError, did_you_mean


@dataclass(frozen=True)
class Sheet:
    """A sheet: its rows as text from the first, and the cells that hold a formula or an error, with what they hold.

    ``padded`` is by column the first row with blanks around its text, which are no part of it.
    """

    title: str
    hidden: bool
    rows: list[list[str | None]]
    bad: dict[tuple[int, int], str]
    padded: Mapping[int, int] = field(default_factory=dict)


def has_sheet(path: Path, title: str) -> bool:
    """Whether a file is a workbook with a sheet of that name; nothing is said of one that cannot be read."""
    if path.suffix.lower() != ".xlsx" or not path.is_file():
        return False
    import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True)
    except Exception:  # whoever reads it says what is wrong
        return False
    try:
        return title in book.sheetnames
    finally:
        book.close()


def read_sheets(path: Path) -> dict[str, Sheet]:
    """Every sheet of a workbook, by title.

    Raises
    ------
    esld.errors.InputError
        It is missing, or no workbook.
    """
    import warnings
    from zipfile import BadZipFile
    from zlib import error as zlib_error

    import openpyxl

    if not path.is_file():
        raise InputError(str(path), "must be an existing file", remedy="Check the path.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # styles and lists that openpyxl does not know
            book = openpyxl.load_workbook(path, read_only=True)
            try:
                return {sheet.title: _sheet(sheet) for sheet in book.worksheets}
            finally:
                book.close()
    except (BadZipFile, KeyError, OSError, SyntaxError, ValueError, zlib_error):  # SyntaxError: broken XML
        rule = "must be an Excel workbook (.xlsx)"
        raise InputError(path.name, rule, remedy="Save it as .xlsx.") from None


def _sheet(sheet: Any) -> Sheet:
    sheet.reset_dimensions()  # what a workbook says of its size need not be true
    rows: list[list[str | None]] = []
    bad: dict[tuple[int, int], str] = {}
    padded: dict[int, int] = {}
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        row: list[str | None] = []
        for column, cell in enumerate(cells):
            text = cell_text(cell.value)
            if text is not None and cell.data_type in ("f", "e"):
                bad[number, column] = text
            if text is not None and isinstance(cell.value, str) and text != cell.value:
                padded.setdefault(column, number)
            row.append(text)
        while row and row[-1] is None:
            row.pop()
        rows.append(row)
    return Sheet(sheet.title, sheet.sheet_state != "visible", rows, bad, padded)


def cell_text(cell: Any) -> str | None:
    """A cell as the text a CSV would hold: dates and times ISO, numbers to the 15 digits that Excel keeps, nothing as None."""
    from datetime import date, datetime, time

    match cell:
        case None:
            return None
        case datetime():
            at_midnight = (cell.hour, cell.minute, cell.second) == (0, 0, 0)
            return cell.date().isoformat() if at_midnight else cell.isoformat(timespec="minutes")
        case date():
            return cell.isoformat()
        case time():
            return cell.isoformat(timespec="seconds" if cell.second else "minutes")
        case bool():
            return str(cell).upper()
        case float():
            return f"{cell:.15g}"
    return str(cell).strip() or None


def letter(column: int) -> str:
    """What a spreadsheet calls a column that is counted from 0."""
    from openpyxl.utils import get_column_letter

    return str(get_column_letter(column + 1))


def form_of(sheet: Sheet, name: str, file: str, columns: dict[int, str], faults: list[InputError]) -> Form:
    """A sheet as a form: the columns that have a name, and the rows that hold something.

    Parameters
    ----------
    sheet : Sheet
        Its first row holds the names.
    name : str
        What a mapping calls it.
    file : str
        The workbook's name.
    columns : dict of int to str
        By place from 0 the key of each column.
    faults : list of InputError
        Gets what is wrong: cells outside the columns, formulas, errors.
    """
    told = f"{file}, sheet {sheet.title}"
    cells: list[list[str | None]] = []
    index: list[int] = []
    for number, row in enumerate(sheet.rows[1:], start=2):
        if not any(row):
            continue
        for place, text in enumerate(row):
            if text is not None and place not in columns:
                where = f"{told}, cell {letter(place)}{number}"
                rule, remedy = "must stand under the name of a column", "Move or clear it."
                faults.append(InputError("every entry", rule, repr(text), where, remedy))
        cells.append([row[place] if place < len(row) else None for place in columns])
        index.append(number)
    for (number, place), text in sheet.bad.items():
        if number > 1:
            where = f"{told}, cell {letter(place)}{number}"
            remedy = "Copy the cells and paste them as values."
            faults.append(
                InputError("every entry", "must be a value, no formula or error", text, where, remedy)
            )
    table = pd.DataFrame(cells, columns=list(columns.values()), index=index, dtype=object)
    table.attrs["padded"] = {key: sheet.padded[at] for at, key in columns.items() if at in sheet.padded}
    return Form(
        name, table, f"{told}|cell {{column}}{{row}}", {key: letter(at) for at, key in columns.items()}
    )


def sheet_forms(path: Path, faults: list[InputError], missing: Collection[str]) -> dict[str, Form]:
    """A workbook of anybody's own making: each visible sheet a form by its title, its first row the names of the columns."""
    forms = {}
    for sheet in read_sheets(path).values():
        if sheet.hidden:
            continue
        header = sheet.rows[0] if sheet.rows else []
        names = {at: name for at, name in enumerate(header) if name}
        for name in twice(names.values()):
            where = f"{path.name}, sheet {sheet.title}"
            faults.append(InputError(f"column {name}", "must stand once", None, where, "Rename one of them."))
        form = form_of(sheet, sheet.title, path.name, names, faults)
        forms[sheet.title] = replace(form, table=form.table.where(~form.table.isin(list(missing)), None))
    return forms


def twice(names: Iterable[str]) -> list[str]:
    """What stands more than once."""
    own = list(names)
    return sorted({name for name in own if own.count(name) > 1})


def missing(what: str, name: str, known: list[str], where: str, remedy: str) -> InputError:
    """A fault of a sheet or column that is not there, with the nearest that is."""
    near = did_you_mean(name, known) if known else ""
    told = f"{near} {remedy}" if near.startswith("Did") else remedy
    return InputError(f"{what} {name!r}", "must be there as in the template", None, where, told)
