"""A table as CSV, to compute with: of an estimate a column each for value, lower and upper, of a count x and n.

A number has 12 significant digits, whatever the report rounds it to; a proportion is one, also where the report writes per
cent. ``NA`` is a number that is not estimable or not reached, an empty cell is none at all.
A text that a spreadsheet would calculate has an apostrophe before it (:func:`esld.csvfile.defused`).
"""

from math import isnan
from typing import TYPE_CHECKING

from esld.csvfile import csv_bytes
from esld.report.cells import Value

if TYPE_CHECKING:
    from esld.report.tables import Table


def written(table: "Table") -> str:
    """The table with a row of headings, title and footnotes left out."""
    columns: dict[str, list[str]] = {}
    for key, own in table.cells.items():
        found = [cell.values() for cell in own]
        names = dict.fromkeys(name for each in found for name in each) or {"text": None}
        for name in names:
            heading = key if len(names) == 1 else f"{key}, {name}"
            columns[heading] = [_text(each[name]) if name in each else "" for each in found]
    return csv_bytes([columns, *zip(*columns.values(), strict=True)]).decode()


def _text(value: Value) -> str:
    if isinstance(value, str):
        return value
    return "NA" if value is None or isnan(value) else f"{value:.12g}"
