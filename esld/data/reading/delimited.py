"""CSV: commas, or the separator that the cut file names; every other look of a file is told, with how to read it."""

import csv
import re
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path

import pandas as pd

from esld.data.declared import Reading, how_to_state
from esld.data.reading.encoding import DECLARE, decode
from esld.data.reading.source import Source
from esld.data.reading.table import of_rows
from esld.errors import InputError, InputErrors

KEY = "USUBJID"  # the column by which the header of a table is known
_SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
_EXCELS_LINE = re.compile(r"sep=(.)[ \t]*(?:\n|\Z)", re.IGNORECASE)
_MARKUP = re.compile(r"\s*(<(?:!doctype|\?xml|html|table|head|meta|style)\b)", re.IGNORECASE)
_LOOKED_AT = 30  # lines among which a header that is not the first is looked for


def sources(path: Path, how: Reading, witness: Callable[[], bool]) -> list[Source]:
    """The table of a CSV file; `witness` as for :func:`esld.data.reading.encoding.decoded`."""

    def read() -> pd.DataFrame:
        try:
            text, encoding = decode(path, how.encoding, remedy=DECLARE, witness=witness)
        except InputError as error:
            raise _misread(path, how, error) from None
        return read_text(text, path.name, encoding, how)

    def header() -> list[str]:
        with path.open("rb") as opened:
            start = opened.read(100_000).decode("utf-8-sig", "replace")
        return [
            cell.strip(' "').upper() for cell in re.split(r"[,;\t|]", start.splitlines()[0] if start else "")
        ]

    return [Source(path.name, "", path.stem, read, header)]


class UndeclaredError(InputErrors):
    """What has to be declared before a file can be read, all at once; `as_if` is the table as it would be."""

    def __init__(self, errors: Sequence[InputError], as_if: pd.DataFrame) -> None:
        super().__init__(errors)
        self.as_if = as_if


def _misread(path: Path, how: Reading, error: InputError) -> InputError:
    """The fault of an encoding with all others of the file; separators, digits and dates are ASCII in every one."""
    raw = path.read_bytes()
    if b"\x00" in raw:
        return error
    try:
        return UndeclaredError([error], read_text(raw.decode("latin-1"), path.name, "", how))
    except UndeclaredError as others:
        return UndeclaredError([error, *others.errors], others.as_if)
    except InputError as other:
        return InputErrors([error, other])


def read_text(text: str, file: str, encoding: str, how: Reading) -> pd.DataFrame:
    """A CSV as a table.

    Raises
    ------
    esld.errors.InputError
        It is torn, or of another separator (:class:`UndeclaredError`), or something stands above its header.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # line ends as in ``fingerprint.canonical``
    separator, above = how.separator or ",", 0
    if marked := _MARKUP.match(text):
        remedy = "Open it in a spreadsheet and save it as CSV, or export it again."
        what = f"a page of HTML or XML ({marked[1]}…)"
        raise InputError(file, "must be a table of separated cells", what, remedy=remedy)

    def otherwise(fault: InputError, other: str) -> InputError:
        if other == separator:
            return fault
        try:
            return UndeclaredError([fault], read_text(text, file, encoding, Reading(separator=other)))
        except InputError:
            return fault

    if stated := _EXCELS_LINE.match(text):
        if stated[1] != how.separator:
            remedy = f"{_set(stated[1])} if that separates its cells: the line is then understood."
            rule, what = "must begin with its header", f"Excel's line {stated[0].strip()!r}"
            raise otherwise(InputError(file, rule, what, remedy=remedy), stated[1])
        text, above = text[stated.end() :], 1
    reader = csv.reader(StringIO(text, newline="\n"), delimiter=separator, strict=True)
    try:
        rows = list(map(tuple, reader))  # unlike lists, which are looked at again and again to free memory
    except csv.Error as error:
        if looks := _other_look(text, [], separator, file):
            raise otherwise(*looks) from None
        what = (
            "comma-separated table"
            if separator == ","
            else f"table separated by {_SEPARATORS.get(separator, separator)}"
        )
        rule, where = f"must be a {what}: {error}", f"line {reader.line_num + above}"
        raise InputError(file, rule, None, where, "Export it again.") from None
    if looks := _other_look(text, rows[0] if rows else [], separator, file):
        raise otherwise(*looks)
    return of_rows(rows, file, encoding, above=above)


def _other_look(text: str, header: Sequence[str], separator: str, file: str) -> tuple[InputError, str] | None:
    """What a text without the key in its header may be instead, and its separator: another one, or with a title above it."""
    if _holds_key(header):
        return None
    lines = text.split("\n", _LOOKED_AT)[:_LOOKED_AT]
    for other, name in _SEPARATORS.items():
        alone = len(header) == 1 and other in header[0]
        if other != separator and lines and (alone or _holds_key(lines[0].split(other))):
            rule = f"must be separated by {_SEPARATORS.get(separator, repr(separator))}"
            return InputError(file, rule, name, remedy=f"{_set(other)}."), other
    for number, line in enumerate(lines[1:], 2):
        for other in (separator, *(s for s in _SEPARATORS if s != separator)):
            if _holds_key(line.split(other)):
                return titled(file, lines[0].strip(separator), number), separator
    return None


def titled(file: str, title: str, row: int) -> InputError:
    """The fault of a table whose header is not its first row."""
    shown = f"{title[:40]}…" if len(title) > 40 else title
    remedy = "Remove what stands above the header."
    return InputError(
        file, "must have its header in row 1", f"{shown!r} there and the header in row {row}", remedy=remedy
    )


def _set(separator: str) -> str:
    written = "tab" if separator == "\t" else f'"{separator}"'
    return f"Set {how_to_state('separator', written)}"


def _holds_key(cells: Sequence[str]) -> bool:
    return any(cell.strip(' "').upper() == KEY for cell in cells)
