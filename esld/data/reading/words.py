"""Words for a missing value, decimal commas, the order of dates: as the cut file declares, or told once for the whole export."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import groupby

import pandas as pd

from esld.data import days, orders
from esld.data.declared import Reading, how_to_state
from esld.data.reading.personal import identifying
from esld.data.reading.table import Tables, place
from esld.errors import InputError
from esld.identifying import HIDDEN

# What programs write for a missing value: R, SAS, pandas, SQL, Excel.
_KNOWN = frozenset(
    {
        "NA",
        "<NA>",
        "N/A",
        "#N/A",
        "NaN",
        "NAN",
        "nan",
        "NaT",
        "None",
        "NULL",
        "Null",
        "null",
        "\\N",
        ".",
        "-",
        "--",
    }
    | {f".{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"}
)
_ERRORS = frozenset(
    {
        "#REF!",
        "#NAME?",
        "#DIV/0!",
        "#NULL!",
        "#NUM!",
        "#VALUE!",
        "#SPILL!",
        "#CALC!",
        "#FIELD!",
        "#BLOCKED!",
        "#CONNECT!",
    }
    | {
        "#UNKNOWN!",
        "#GETTING_DATA",
        "#BUSY!",
        "#PYTHON!",
        "Err:502",
        "Err:504",
        "Err:508",
        "Err:509",
        "Err:519",
        "Err:522",
    }
)
_COLUMNS = 3  # in so many columns of dates and numbers a word without a digit stands for a missing value too
_WRITTEN_COMMA = '","'
_DATE = re.compile(r"..[A-Z0-9]*DTC")
_NUMBER = re.compile(r"AGE|VISITNUM|..(STRESN|ORNR(LO|HI)|STNR(LO|HI)|DOSE|SEQ|DY|STDY|ENDY)")
_RESULT = re.compile(r"..(ORRES|STRESC)")  # numbers in most tests, words in others
_COMMA = re.compile(r"[<>≤≥]?=? *[+-]?[0-9]+,[0-9]+")
_PARTED = re.compile(r"[<>≤≥]?=? *[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+")  # thousands, or a decimal comma
_THOUSANDS = re.compile(r"[<>≤≥]?=? *[+-]?[1-9][0-9]{0,2}(\.[0-9]{3})+(,[0-9]+)?")  # or a decimal point


class OrderError(InputError):
    """Dates are declared in the opposite order: whatever is read so is another day, without any fault that shows it."""


def is_number(column: str) -> bool:
    """Whether a variable holds numbers, or results that may be some."""
    return bool(_NUMBER.fullmatch(column) or _RESULT.fullmatch(column))


def as_declared(
    table: pd.DataFrame, how: Reading, *, typed: bool, is_number: Callable[[str], bool] = is_number
) -> pd.DataFrame:
    """A table with declared words missing, decimal commas as points in the columns of numbers, dates as of :func:`dated`.

    Raises
    ------
    esld.errors.InputError
        The decimal comma is declared, and a point may be a decimal point or part thousands. `typed` formats write numbers with a
        decimal point whatever is declared.
    """
    made = {}
    for column in map(str, table.columns):
        cells = table[column]
        distinct = set(cells.to_numpy()) - {None}
        if declared := distinct & set(how.missing):
            made[column] = cells.where(~cells.isin(declared), None)
        if how.decimal == "," and is_number(column):
            cells, distinct = made.get(column, cells), distinct - set(how.missing)
            if not typed and (points := sorted(filter(_THOUSANDS.fullmatch, distinct))):
                rule = "must have decimal commas, as declared, and no point that may part thousands"
                raise _in_cell(table, column, points[0], rule, "Correct the declared 'decimal', or the file.")
            changed = {cell: cell.replace(",", ".") for cell in distinct if _COMMA.fullmatch(cell)}
            made[column] = cells.map(lambda cell, new=changed: new.get(cell, cell), na_action="ignore")
    if made:
        attrs, table = (
            table.attrs,
            table.assign(**{c: s.astype(object).where(s.notna(), None) for c, s in made.items()}),
        )
        table.attrs = attrs
    return (
        dated(table, list(filter(_DATE.fullmatch, table.columns)), how.dates, table.attrs["file"])
        if how.dates
        else table
    )


def dated(
    table: pd.DataFrame, columns: Iterable[str], declared: Collection[orders.Order], where: str
) -> pd.DataFrame:
    """A table with the dates of some columns that are written in a declared order as ISO 8601.

    ``attrs["dates"]`` says how many there are, and of how many the opposite order would make another day; ``where`` is the table.

    Raises
    ------
    OrderError
        Some fit the opposite of the declared order alone, and none the declared one alone.
    """
    made, read = {}, list[str]()
    for column in columns:
        cells = table[column].tolist()
        if against := orders.contradicted(filter(None, cells), declared):
            wrong, fits, cell = against
            own = table.assign(**{column: table[column].where(table[column].eq(cell), None)})
            told = HIDDEN if identifying(column, own[column], of_patients=True)[0] else repr(cell)
            rule = f"must not be declared as {wrong}: what is no date in it is one in {fits}"
            remedy = f"No date there fits {wrong} alone: declare {fits}, or correct those that fit only it."
            raise OrderError("dates", rule, told, f"{where}, column {column}", remedy)
        new = {cell: iso for cell in set(cells) - {None} if (iso := orders.read_in(cell, declared)) != cell}
        read += [cell for cell in cells if cell in new]
        made[column] = pd.Series([new.get(cell, cell) for cell in cells], table.index, dtype=object)
    attrs, table = table.attrs | {"dates": orders.told(where, read, declared)}, table.assign(**made)
    table.attrs = attrs
    return table


def of_spreadsheet(table: pd.DataFrame, how: Reading) -> InputError | None:
    """The fault of an error of a spreadsheet in a cell."""
    for column in map(str, table.columns):
        if wrong := sorted((set(table[column].to_numpy()) & _ERRORS) - set(how.missing)):
            rule = "must hold values and no error of a spreadsheet"
            return _in_cell(table, column, wrong[0], rule, "Correct the formula.")
    return None


def undeclared(tables: Tables, how: Reading) -> tuple[Tables, list[InputError]]:
    """What stands for a missing value or a decimal comma without being declared.

    Parameters
    ----------
    tables : dict of str to DataFrame
        As read.
    how : Reading
        What is declared.

    Returns
    -------
    tables : dict of str to DataFrame
        As if it were declared, so that one fault stands for what would be one a record.
    faults : list of InputError
        One for all words, and one for all decimal commas.
    """
    held = {
        (name, str(column)): set(table[column].to_numpy()) - {None}
        for name, table in tables.items()
        for column in table.columns
        if _DATE.fullmatch(str(column)) or is_number(str(column))
    }
    found = {key: words for key, cells in held.items() if (words := _words(key[1], cells))}
    often = [word for words in found.values() for word in words]
    taken = {word for word in often if word in _KNOWN or often.count(word) >= _COLUMNS}
    commas = {
        key
        for key, cells in held.items()
        if how.decimal == "." and is_number(key[1]) and any(map(_COMMA.fullmatch, cells))
    }
    numbers = {cell for key, cells in held.items() if is_number(key[1]) for cell in cells}
    faults: list[InputError] = []
    pointed = any("." in cell and _is_value(cell) for cell in numbers)
    if pointed and all(map(_PARTED.fullmatch, filter(_COMMA.fullmatch, numbers))):
        tables, faults = _parted(tables, held)
        commas = set()
    if taken:
        where = _places(tables, {key: words & taken for key, words in found.items()})
        told = ", ".join(repr(word) for word in sorted(taken))
        declared = ", ".join(
            f'"{word}"' if not word.isalpha() or word.lower() == "null" else word for word in sorted(taken)
        )
        remedy = f"If it stands for a missing value, set {how_to_state('missing', f'[{declared}]')}; else correct the records."
        faults.append(InputError("every date and number", "must be one or empty", told, where, remedy))
    if commas:
        name, column = min(commas)
        written = {key: set(filter(_COMMA.fullmatch, held[key])) for key in sorted(commas)}
        said = f"{min(written[name, column])!r} in {name}.{column}"
        declared = how_to_state("decimal", _WRITTEN_COMMA)
        remedy = (
            f"Write it with a point; if the whole export has decimal commas, set {declared}."
            if pointed
            else f"If it is a decimal comma, set {declared}."
        )
        where = _places(tables, written)
        faults.append(InputError("every number", "must have a decimal point", said, where, remedy))
    if not faults:
        return tables, []
    as_if = Reading(decimal="," if commas else ".", missing=tuple(taken))
    return {name: as_declared(table, as_if, typed=True) for name, table in tables.items()}, faults


def _parted(tables: Tables, held: Mapping[tuple[str, str], set[str]]) -> tuple[Tables, list[InputError]]:
    """A fault a column for commas that part thousands, and the tables as if there were none."""
    tables, faults = dict(tables), []
    for (name, column), cells in held.items():
        if not is_number(column) or not (parted := sorted(filter(_PARTED.fullmatch, cells))):
            continue
        table = tables[name]
        rule = "must be a number, without a comma that parts thousands"
        remedy = (
            f"Take the comma out; if it is a decimal comma, set {how_to_state('decimal', _WRITTEN_COMMA)}."
        )
        faults.append(_in_cell(table, column, parted[0], rule, remedy))
        plain = {cell: cell.replace(",", "") for cell in parted}
        tables[name] = table.assign(**{column: table[column].map(lambda c, new=plain: new.get(c, c))})
        tables[name].attrs = table.attrs
    return tables, faults


def _words(column: str, cells: set[str]) -> set[str]:
    """What is neither number nor date in a column of these, and holds no digit."""
    if _RESULT.fullmatch(column):
        numbers = sum(map(_is_value, cells))
        return cells & _KNOWN if 2 * numbers >= len(cells - _KNOWN) and numbers else set()
    if _DATE.fullmatch(column):
        return {cell for cell in cells if not days.is_date(cell) and not any(map(str.isdigit, cell))}
    return {c for c in cells if not any(map(str.isdigit, c))} if _NUMBER.fullmatch(column) else set()


def _is_value(cell: str) -> bool:
    return bool(re.fullmatch(r"[<>≤≥]?=? *[+-]?[0-9]*[.,]?[0-9]+([eE][+-]?[0-9]+)?", cell))


def _places(tables: Tables, cells: Mapping[tuple[str, str], Collection[str]]) -> str:
    """Where the first of some cells of each file stands, and how many more there are."""
    found = sorted({
        place(tables[name], int(row))
        for (name, column), own in cells.items()
        for row in tables[name].index[tables[name][column].isin(own)]
    })  # fmt: skip
    return "; ".join(_first([*of_file]) for _, of_file in groupby(found, lambda one: one[0]))


def _first(found: Sequence[tuple[str, int]]) -> str:
    """Of rows of a file the first, and how many more there are."""
    (file, row), more = found[0], len(found) - 1
    return f"{file}, row {row}" + (f", and {more} more" if more else "")


def _in_cell(table: pd.DataFrame, column: str, cell: str, rule: str, remedy: str) -> InputError:
    return InputError(
        f"column {column}",
        rule,
        repr(cell),
        _first([place(table, int(row)) for row in table.index[table[column].eq(cell)]]),
        remedy,
    )
