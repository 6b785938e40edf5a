"""Scores of a file of patients: a CSV, Excel or Parquet table in, the same with its scores out.

Cells that no score takes are never parsed. They are held as they lie in the file (text of a CSV, the stored value of an Excel
cell with its number format, Arrow's columns of a Parquet file) and written from that, so that an identifier of 18 digits, a
leading zero, ``1.10`` or ``NA`` come out as they came in. What a file has lost already, or cannot hold, is told with its cell.
"""

import json
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pandas as pd

from esld.csvfile import csv_bytes
from esld.data.declared import Reading
from esld.data.reading import decode
from esld.data.reading.encoding import DECLARE
from esld.data.reading.personal import identifying
from esld.data.reading.table import as_text
from esld.data.reading.words import as_declared
from esld.data.workbook import ErrorCell, xlsx_bytes
from esld.errors import InputError
from esld.identifying import hidden
from esld.scoring.table import ScoredTable, is_input, number, score_table
from esld.targets import file_target

SHEET, REPORT_SHEET = "scores", "score report"
_DIGITS, _CELL = 15, 32767  # that Excel keeps of a number, and characters of a text
_POWER = re.compile(r"[1-9](?:[.,][0-9]+)?[eE]\+[0-9]{2,}")
_PADDED = re.compile(r"0{2,}")  # a number format that shows leading zeros
_NOT_IN_EXCEL = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]")
Remark = tuple[str, str, str]


@dataclass(frozen=True, eq=False)
class Source:
    """A table as it lies in its file.

    Attributes
    ----------
    table : DataFrame
        Its cells, none of them parsed; of a Parquet file the inputs are numbers where that has numbers.
    remarks : list of tuple of str
        What is to be said of it: what, subject, detail.
    marked : bool
        Whether it is a CSV file that Excel is likely to open: with a byte order mark, or in GB18030.
    formats : dict, optional
        Number format of each cell of a workbook, by row and column from 0; None of any other file.
    arrow : pyarrow.Table, optional
        Of a Parquet file.
    """

    table: pd.DataFrame
    remarks: list[Remark] = field(default_factory=list)
    marked: bool = False
    formats: dict[tuple[int, int], str] | None = None
    arrow: Any = None

    def plain(self, file: str, how: Reading) -> pd.DataFrame:
        """The table with its inputs as declared.

        Raises
        ------
        InputError
            The decimal comma is declared, and a point may be a decimal point or part thousands.
        """
        if not how.missing and how.decimal == ".":
            return self.table
        cells = pd.DataFrame({c: self.table[c].map(as_text) for c in self.table if is_input(c)}, dtype=object)
        cells = cells.where(cells.notna(), None)
        cells.attrs = {"file": file}
        is_typed = self.formats is not None or self.arrow is not None
        declared = as_declared(cells, how, typed=is_typed, is_number=is_input)
        changed = {c: declared[c].ne(cells[c]) & cells[c].notna() for c in cells}
        return self.table.assign(
            **{str(c): declared[c].where(own, self.table[c]) for c, own in changed.items()}
        )


@dataclass(frozen=True, eq=False)
class ScoredFile(ScoredTable):
    """The scores of a file; `source` is the file, `inputs` its table as declared: decimal points, nothing for what is missing."""

    source: Source
    inputs: pd.DataFrame


def score_file(
    source: Path, target: Path, *, components: bool = False, how: Reading | None = None
) -> ScoredFile:
    """Score a table and write it.

    Parameters
    ----------
    source, target : Path
        ``.csv`` (UTF-8 or GB18030 in, UTF-8 out), ``.xlsx`` (its first sheet) or ``.parquet``, not necessarily the same.
        The target is written whole or not at all, and only where :func:`esld.targets.file_target` lets it. A workbook gets
        the report as a second sheet.
    components : bool, default False
        See :func:`esld.scoring.table.score_table`.
    how : Reading, optional
        Encoding and separator of a CSV; decimal comma and words for a missing value of the inputs, which come out as written.

    Returns
    -------
    ScoredFile

    Raises
    ------
    InputError
        A file that cannot be read or written or is of another kind, a table without rows, two columns of one name, a formula
        without a stored value, text that the target cannot hold, or no score that can be computed.
    RefusedError
        The target is the source, or not what ``esld score`` wrote.
    """
    read, how = _kind(source, _READERS), how or Reading()
    place = file_target(target, command="esld score", inputs=[source], kinds=tuple(_WRITERS))
    if not source.is_file():
        raise InputError(str(source), "must be a file that exists", remedy="Check the path.")
    found = read(source, how)
    if found.table.empty:
        raise InputError(source.name, "must have a header and at least one row", remedy="Export it again.")
    plain = found.plain(source.name, how)
    try:
        scores = vars(score_table(plain, components=components))
    except ValueError as error:
        raise InputError(source.name, str(error), remedy="Rename one of them.") from None
    own = list(found.table)
    found.remarks.extend(_personal(found.table))
    for name in ("bad_values", "queries"):
        scores[name] = scores[name].assign(
            first=scores[name]["first"].map(lambda cell: hidden(cell) if isinstance(cell, str) else cell)
        )
    scores["table"] = pd.concat([found.table, scores["table"].drop(columns=own)], axis=1)
    scored = ScoredFile(**scores, source=found, inputs=plain)
    if scored.scores.empty and scored.not_computed["reason"].str.endswith("already").any():
        rule = "must not hold its scores already"
        raise InputError(source.name, rule, remedy="Remove these columns or rename them.")
    if scored.scores.empty:
        hints = [
            f"{row['column']}: {row['hint']}" for row in scored.unknown.to_dict("records") if row["hint"]
        ]
        columns = "; ".join(hints) or f"columns {', '.join(map(str, found.table.columns))}"
        remedy = "Name the columns with their units, e.g. bilirubin_umol_l (docs/how-to/scores.md)."
        raise InputError(source.name, "must hold all inputs of at least one score", columns, remedy=remedy)
    place.write(_WRITERS[target.suffix.lower()](scored))
    return scored


def _personal(table: pd.DataFrame) -> Iterator[Remark]:
    """What tells who a patient is: it is the user's own table, which is no export and comes out as it came in, but it is said."""
    for column in (c for c in table if not is_input(c)):
        cells = table[column].map(as_text).astype(object)
        what, found = identifying(str(column), cells.where(cells.notna(), None), of_patients=True)
        if found:
            rule = f"{what} in {len(found)} rows; passed on, and not repeated here"
            yield "tells who a patient is", str(column), rule


def _kind(path: Path, known: Mapping[str, Callable[..., Any]]) -> Callable[..., Any]:
    if path.suffix.lower() not in known:
        rule = f"must be a table of one of the kinds {', '.join(known)}"
        raise InputError(str(path), rule, path.suffix or "no suffix", remedy="Save it as one of these.")
    return known[path.suffix.lower()]


# --- readers ----------------------------------------------------------------------------------------------------


def _read_csv(path: Path, how: Reading) -> Source:
    import csv

    text, encoding = decode(path, how.encoding, remedy=DECLARE)
    separator = how.separator or ","
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        for row in reader:
            rows.append(row)
            lines.append(reader.line_num)
    except csv.Error as error:
        rule, where = f"must be a comma-separated table: {error}", f"line {reader.line_num}"
        raise InputError(path.name, rule, None, where, "Export it again.") from None
    while rows and not rows[-1]:  # empty lines at the end
        rows.pop()
    header = rows[0] if rows else []
    if header and header[0].startswith("sep="):
        raise InputError(path.name, "must begin with its header", header[0], "line 1", "Remove the line.")
    if len(header) == 1 and (wrong := re.search(r"[,;\t|]", header[0])):
        rule = "must be separated by commas" if separator == "," else f"must be separated by {separator!r}"
        remedy = "Give --separator, and --decimal ',' if its numbers have decimal commas."
        raise InputError(path.name, rule, repr(wrong[0]), "line 1", remedy)
    _distinct(header, path)
    for line, row in zip(lines, rows, strict=False):
        if row and len(row) != len(header):
            rule = f"must fit its header of {len(header)} columns"
            where = f"{path.name}, line {line}"
            raise InputError("every row", rule, f"{len(row)} cells", where, "Export it again.")
    body = [row or [""] * len(header) for row in rows[1:]]
    marked = encoding != "UTF-8" or path.read_bytes().startswith(b"\xef\xbb\xbf")
    return Source(
        pd.DataFrame(body, columns=header, dtype=object), _shortened(header, body, lines[1:]), marked=marked
    )


def _shortened(header: list[str], body: list[list[str]], lines: list[int]) -> list[Remark]:
    """Cells of no input that a spreadsheet wrote as a power of ten, as it writes an identifier of many digits."""
    told = []
    for place, column in enumerate(header):
        cells = zip(lines, (row[place] for row in body), strict=True)
        short = [f"line {line}" for line, cell in cells if not is_input(column) and _POWER.fullmatch(cell)]
        if short:
            told.append(("digits lost", column, f"{_some(short)}; a spreadsheet has written a power of ten"))
    return told


def _read_xlsx(path: Path, how: Reading) -> Source:
    from zipfile import BadZipFile
    from zlib import error as zlib_error

    from openpyxl import load_workbook

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # styles that openpyxl does not know
            book, formulas = (load_workbook(path, data_only=stored) for stored in (True, False))
    except (BadZipFile, IndexError, KeyError, OSError, SyntaxError, ValueError, zlib_error) as error:
        rule = f"must be an Excel workbook: {_line(error)}"
        raise InputError(path.name, rule, remedy="Save it as .xlsx.") from None
    if not book.worksheets:
        rule, remedy = "must hold a sheet of cells", "Put the table on a sheet."
        raise InputError(path.name, rule, "only charts", remedy=remedy)
    sheet, written = book.worksheets[0], formulas.worksheets[0]
    unsaved = [
        cell.coordinate
        for row in written.iter_rows()
        for cell in row
        # of a formula that gives no text the stored value is missing too, but it is said to be text
        if cell.data_type == "f"
        and sheet[cell.coordinate].value is None
        and sheet[cell.coordinate].data_type == "n"
    ]
    if unsaved:
        rule, remedy = "must hold the value of each formula", "Open it in Excel or LibreOffice and save it."
        what = f"none in {_some(unsaved)}"
        raise InputError(path.name, rule, what, f"sheet {sheet.title}", remedy)
    rows = list(sheet.iter_rows())
    while rows and all(cell.value is None for cell in rows[-1]):
        rows.pop()
    width = max((cell.column for row in rows for cell in row if cell.value is not None), default=0)
    header = ["" if cell.value is None else _text(cell.value) for cell in rows[0][:width]] if rows else []
    _distinct(header, path)
    body = [row[:width] for row in rows[1:]]
    values = [[ErrorCell(c.value) if c.data_type == "e" else c.value for c in row] for row in body]
    table = pd.DataFrame(values, columns=header, dtype=object)
    formats = {
        (cell.row - 2, cell.column - 1): cell.number_format
        for row in body
        for cell in row
        if cell.number_format != "General"
    }
    remarks = [*_remarks(header, body)]
    if merged := [str(each) for each in sheet.merged_cells.ranges]:
        remarks.append(
            ("merged cells", _some(merged), "the first of them holds the value, the others are empty")
        )
    if others := ", ".join(name for name in book.sheetnames if name != sheet.title):
        remarks.append(("not read", f"sheets {others}", "the first sheet of cells is"))
    return Source(table, remarks, formats=formats)


def _remarks(header: list[str], body: list[Any]) -> Iterator[Remark]:
    """Cells in which Excel holds no more what was entered."""
    for place, column in enumerate(header):
        cells = [row[place] for row in body]
        long = [cell.coordinate for cell in cells if _long(cell.value)]
        if long:
            rule = f"Excel keeps {_DIGITS} digits of a number, the others are lost: enter it as text"
            yield "digits lost", column, f"{_some(long)}; {rule}"
        broken = [cell.coordinate for cell in cells if cell.data_type == "e"]
        if broken and not is_input(column):  # an input is listed among the bad values
            yield "error cells", column, f"{_some(broken)}; passed on as they are"


def _long(value: object) -> bool:
    """Whether a number has more digits before the decimal point than Excel keeps."""
    return isinstance(value, int | float) and abs(value) >= 10**_DIGITS


def _some(places: list[str]) -> str:
    more = f" and {len(places) - 3} more" if len(places) > 3 else ""
    return f"{', '.join(places[:3])}{more}"


def _read_parquet(path: Path, how: Reading) -> Source:
    import pyarrow.parquet as pq

    try:
        arrow = pq.read_table(path)
    except (OSError, ValueError) as error:  # pyarrow's ArrowInvalid is a ValueError
        rule = f"must be a Parquet file: {_line(error)}"
        raise InputError(path.name, rule, remedy="Export it again.") from None
    _distinct(arrow.column_names, path)
    columns = {
        name: arrow[name].to_pandas() if is_input(name) else pd.Series(arrow[name].to_pylist(), dtype=object)
        for name in arrow.column_names
    }
    told = []
    for name in (n for n in arrow.column_names if not is_input(n)):
        if long := [
            f"row {row}"
            for row, cell in enumerate(columns[name], 1)
            if isinstance(cell, float) and _long(cell)
        ]:
            told.append(("digits lost", name, f"{_some(long)}; a float keeps {_DIGITS} digits of a number"))
    return Source(pd.DataFrame(columns), told, arrow=arrow)


def _distinct(header: list[str], path: Path) -> None:
    if twice := sorted({column for column in header if header.count(column) > 1}):
        names = ", ".join(column or "(blank)" for column in twice)
        raise InputError(f"column {names}", "must stand once", None, path.name, "Rename or remove one.")


_READERS = {".csv": _read_csv, ".xlsx": _read_xlsx, ".parquet": _read_parquet}


# --- writers ----------------------------------------------------------------------------------------------------


def _csv_bytes(scored: ScoredFile) -> bytes:
    formats = scored.source.formats
    columns = []
    for place, name in enumerate(scored.table):
        cells = scored.table[name].tolist()
        columns.append([_text(cell, (formats or {}).get((row, place), "")) for row, cell in enumerate(cells)])
    content = csv_bytes([list(scored.table.columns), *map(list, zip(*columns, strict=True))])
    return b"\xef\xbb\xbf" * scored.source.marked + content


def _xlsx_bytes(scored: ScoredFile) -> bytes:
    faults = []
    table = _typed(scored)
    own = set(scored.source.table.columns)
    columns = {}
    for name in table:
        cells = [_for_excel(cell, scored.source) for cell in table[name].tolist()]
        columns[name] = pd.Series(cells, table.index, dtype=object)
        for row, cell in enumerate(cells):
            if name in own and isinstance(cell, str) and (_NOT_IN_EXCEL.search(cell) or len(cell) > _CELL):
                faults.append((name, row, cell))
    if faults:
        name, row, cell = faults[0]
        control = _NOT_IN_EXCEL.search(cell)
        what = f"the character {control[0]!r}" if control else f"{len(cell)} characters"
        rule, where = "must hold what an Excel cell can", f"data row {row + 1}, {len(faults)} in all"
        raise InputError(f"column {name}", rule, what, where, "Write a .csv.")
    sheets = {SHEET: pd.DataFrame(columns), REPORT_SHEET: report_frame(scored)}
    return xlsx_bytes(sheets, formats={SHEET: scored.source.formats or {}})


def _parquet_bytes(scored: ScoredFile) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table, arrow = _typed(scored), scored.source.arrow
    content = BytesIO()
    columns = {} if arrow is None else dict(zip(arrow.column_names, arrow.columns, strict=True))
    for name in table:
        if name not in columns:
            try:
                columns[name] = pa.array(table[name].tolist(), from_pandas=True)
            except (pa.ArrowInvalid, pa.ArrowTypeError):  # cells of several kinds
                columns[name] = pa.array([None if pd.isna(c) else _text(c) for c in table[name]], pa.string())
    pq.write_table(pa.table(columns), content)
    return content.getvalue()


_WRITERS = {".csv": _csv_bytes, ".xlsx": _xlsx_bytes, ".parquet": _parquet_bytes}


def _typed(scored: ScoredFile) -> pd.DataFrame:
    """Inputs that came as text of a CSV and are numbers throughout, as numbers: the other formats know the difference."""
    if scored.source.formats is not None or scored.source.arrow is not None:
        return scored.table
    typed = scored.table.copy()
    for column in filter(is_input, scored.source.table.columns):
        cells = scored.inputs[column].replace("", None)
        numbers = cells.map(number, na_action="ignore").astype(float)
        if numbers.isna().equals(cells.isna()):
            typed[column] = numbers
    return typed


def _text(cell: Any, shown: str = "") -> str:
    """A cell as the text that a CSV holds; `shown` is the number format of an Excel cell."""
    match cell:
        case None:
            return ""
        case str():
            return cell
        case bool():
            return str(cell).upper()
        case int():
            return f"{cell:0{len(shown)}}" if _PADDED.fullmatch(shown) else str(cell)
        case float() if cell != cell:
            return ""
        case float() if _long(cell) and abs(cell) != float("inf"):
            return f"{Decimal(f'{cell:.{_DIGITS}g}'):f}"
        case datetime() if cell.time() == time() and cell.tzinfo is None:
            return cell.date().isoformat()
        case date() | time():  # a moment too
            return cell.isoformat()
        case list() | dict():
            return json.dumps(cell, ensure_ascii=False, default=str)
    return "" if cell is pd.NaT else str(cell)


def _for_excel(cell: Any, source: Source) -> Any:
    """A cell as a workbook can hold it without loss; as text where it cannot be a number or a date there."""
    match cell:
        case int() | Decimal() if abs(cell) >= 10**_DIGITS and source.formats is None:
            return str(cell)
        case float() if abs(cell) == float("inf"):
            return str(cell)
        case datetime() | date() if cell is not pd.NaT and (
            cell.year < 1901 or getattr(cell, "tzinfo", None)
        ):
            return _text(cell)
        case list() | dict() | bytes():
            return _text(cell)
    return cell


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


# --- report -----------------------------------------------------------------------------------------------------


def report_frame(scored: ScoredFile) -> pd.DataFrame:
    """Everything that is to be said, one row a fact: ``what``, ``subject``, ``detail``."""
    rows: list[Remark] = []
    for row in scored.scores.to_dict("records"):
        counts = f"{row['rows']} rows, {row['missing']} with an input missing, {row['bad']} with a bad value"
        assumed = f"; assumed {row['assumed']}" if row["assumed"] else ""
        idle = f"; missing and not needed: {row['not_needed']}" if row["not_needed"] else ""
        rows.append(("computed", row["column"], f"{counts}; from {row['inputs']}{assumed}{idle}"))
    for row in scored.not_computed.to_dict("records"):
        rows.append(("not computed", row["score"], row["reason"]))
    for row in scored.bad_values.to_dict("records"):
        first = f"first: {row['first']!r} in {_place(scored, row)}"
        rows.append(("bad values", str(row["column"]), f"{row['count']} not {row['rule']} ({first})"))
    for row in scored.queries.to_dict("records"):
        where = f"outside {row['low']:.3g} to {row['high']:.4g} {row['unit']}"
        first = f"first: {row['first']!r} in {_place(scored, row)}"
        likely = f"plausible in {row['likely']}; " if row["likely"] else ""
        text = f"{row['count']} {where} ({first}); {likely}computed as it stands"
        rows.append(("query: implausible", str(row["column"]), text))
    rows += scored.source.remarks
    for row in scored.unknown.to_dict("records"):
        rows.append(("not an input", str(row["column"]), row["hint"]))
    return pd.DataFrame(rows, columns=["what", "subject", "detail"])


def _place(scored: ScoredFile, found: Mapping[Any, Any]) -> str:
    """Where a cell stands: in a workbook its own name."""
    if scored.source.formats is None:
        return f"data row {found['row'] + 1}"
    from openpyxl.utils import get_column_letter

    place = list(scored.source.table.columns).index(found["column"])
    return f"cell {get_column_letter(place + 1)}{found['row'] + 2}"


def report_text(scored: ScoredFile, target: Path) -> str:
    """The report for the terminal."""
    facts = report_frame(scored)
    lines = [f"{target}: {len(scored.table)} rows, {len(scored.scores)} score columns"]
    for what, rows in facts.groupby("what", sort=False):
        width = min(max(map(len, rows["subject"])), 32)
        lines.append(f"{what}:")
        lines += [f"  {r['subject']:<{width}}  {r['detail']}".rstrip() for r in rows.to_dict("records")]
    return "\n".join(lines)
