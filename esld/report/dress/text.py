"""A table as plain text, for a terminal: its title, its columns under their headings, its notes."""

import textwrap
from itertools import groupby
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

if TYPE_CHECKING:
    from esld.report.tables import Column, Table

WIDTH = 100  # characters of a line
_CELL = 36  # characters of a cell, which a longer text fills on several lines
_GAP = "  "


def written(table: "Table") -> str:
    """The table, a line a row or as many as its longest cell fills; numbers stand right, words left."""
    shown, right = table.shown, {key for key, side in table.alignments.items() if side != "left"}
    heads = [_wrapped(column.heading) for column in shown]
    rows = [[_wrapped(table.cells[c.key][n].text) for c in shown] for n in range(len(table.rows))]
    widths = [max(_width(line) for row in (heads, *rows) for line in row[n]) for n in range(len(shown))]

    def lines(row: list[list[str]]) -> list[str]:
        deep = max(map(len, row))
        cells = [
            [_aside(text, width, right=column.key in right) for text in (cell + [""] * deep)[:deep]]
            for cell, width, column in zip(row, widths, shown, strict=True)
        ]
        return [_GAP.join(line).rstrip() for line in zip(*cells, strict=True)]

    rule = "-" * min(WIDTH, sum(widths) + len(_GAP) * (len(widths) - 1))
    told = [*textwrap.wrap(table.title, WIDTH), rule]
    told += [_spanned(shown, widths)] if table.spanners else []
    told += [*lines(heads), rule]
    blocks = [""] * len(rows) if table.group is None else [cell.text for cell in table.cells[table.group]]
    for block, places in groupby(range(len(rows)), blocks.__getitem__):
        told += [block] if block else []
        told += [line for n in places for line in lines(rows[n])]
    told.append(rule)
    for note in table.footnotes:
        told += textwrap.wrap(note, WIDTH)
    return "\n".join(told)


def _spanned(shown: "tuple[Column, ...]", widths: list[int]) -> str:
    """The headings over several columns, each at the left of its own."""
    cells = []
    for over, own in groupby(zip(shown, widths, strict=True), lambda pair: pair[0].spanner):
        under = [width for _, width in own]
        cells.append(_aside(over, sum(under) + len(_GAP) * (len(under) - 1), right=False))
    return _GAP.join(cells).rstrip()


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _CELL) or [""]


def _width(text: str) -> int:
    """Columns of a terminal that a text takes: a Chinese character two."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _aside(text: str, width: int, *, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space
