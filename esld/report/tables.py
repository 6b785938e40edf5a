"""One table model: typed cells in columns, from which what a reader sees is made as HTML, for Word and as CSV."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import InitVar, dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal

import pandas as pd

from esld.report import cells
from esld.report.cells import Cell, Label
from esld.report.dress import csv, html, text
from esld.report.words.catalogue import has, message

Alignment = Literal["left", "right", "decimal"]
Lines = Sequence[Mapping[str, Cell | str]] | pd.DataFrame


@dataclass(frozen=True)
class Column:
    """A column: its key, unique in the table, its own heading, and the heading that it shares with its neighbours."""

    key: str
    heading: str
    spanner: str = ""

    @property
    def title(self) -> str:
        """Both headings: ``Low dose: n``."""
        return (
            message("label.spanner", spanner=self.spanner, heading=self.heading)
            if self.spanner
            else self.heading
        )


@dataclass(frozen=True)
class Table:
    """A table ready to read.

    Attributes
    ----------
    id : str
        Unique in the report; names the CSV file and the HTML element.
    title : str
        What the table shows.
    lines : sequence of mapping, or DataFrame
        Rows in order, each with a cell for every key of a column; the first column labels them. Text is a label, ``""`` an
        empty cell. A key is a code: the CSV's heading. That of ``LOW.n`` or ``n`` for a reader is the entry ``column.n`` of
        the catalogue, or the key itself where there is none.
    spanners : dict of str to list of str
        Headings over several columns, by what they say: the keys under it.
    heads : dict of str to str, optional
        Headings by key, where the catalogue's own do not do.
    footnotes : tuple of str
        Below the table: method, ties, population, reasons.
    group : str or None
        Key of the column whose value heads a block of rows; the rows of a block stand together.
    columns : tuple of Column
    rows : tuple of tuple of cells
        Made of the lines.
    """

    id: str
    title: str
    lines: InitVar[Lines]
    spanners: dict[str, list[str]] = field(default_factory=dict)
    footnotes: tuple[str, ...] = ()
    group: str | None = None
    heads: InitVar[Mapping[str, str] | None] = None
    columns: tuple[Column, ...] = field(init=False)
    rows: tuple[tuple[Cell, ...], ...] = field(init=False)

    def __post_init__(self, lines: Lines, heads: Mapping[str, str] | None) -> None:
        given = lines.to_dict("records") if isinstance(lines, pd.DataFrame) else lines
        if not len(given):
            raise ValueError(
                f"table {self.id!r} must have rows; say in a sentence why there is nothing to show"
            )
        keys = [str(key) for key in given[0]]
        rows = tuple(tuple(self._cell(line[key]) for key in keys) for line in given)
        if self.group is not None:
            blocks = [row[keys.index(self.group)].text for row in rows]
            names = [blocks[0], *(after for before, after in pairwise(blocks) if after != before)]
            if len(set(names)) < len(names):  # two blocks of one name: a reader would take them for one
                raise ValueError(f"rows of a block of table {self.id!r} must stand together, got {names}")
        over: dict[str, str] = {}
        for label, own in self.spanners.items():
            at = [keys.index(c) for c in own]
            if at != list(range(at[0], at[0] + len(at))):
                raise ValueError(
                    f"columns under {label!r} of table {self.id!r} must stand together, got {own}"
                )
            over |= dict.fromkeys(own, label)
        columns = (
            Column(key, _heading(key, heads or {}, spanned=key in over), over.get(key, "")) for key in keys
        )
        object.__setattr__(self, "columns", tuple(columns))
        object.__setattr__(self, "rows", rows)

    def _cell(self, given: Cell | str) -> Cell:
        cell = Label(given) if isinstance(given, str) else given
        if not isinstance(cell, Cell):
            raise TypeError(f"table {self.id!r} must consist of cells and texts, got {given!r}")
        return cell

    def __repr__(self) -> str:
        return f"Table {self.id}: {self.title} ({len(self.rows)} rows)"

    def saying(self, instead: Mapping[str, str]) -> "Table":
        """The same table with other words for some labels: titles for the slugs of chapters."""
        found, labels = copy(self), {code: Label(said) for code, said in instead.items()}
        rows = (tuple(labels.get(cell.text, cell) for cell in row) for row in self.rows)
        object.__setattr__(found, "rows", tuple(rows))
        for made in ("cells", "frame", "alignments"):
            found.__dict__.pop(made, None)
        return found

    @property
    def shown(self) -> tuple[Column, ...]:
        """The columns but that of the blocks' headings."""
        return tuple(column for column in self.columns if column.key != self.group)

    @property
    def stub(self) -> str:
        """Key of the column that labels the rows."""
        return self.shown[0].key

    @cached_property
    def cells(self) -> dict[str, tuple[Cell, ...]]:
        """The cells of each column by its key."""
        return {c.key: own for c, own in zip(self.columns, zip(*self.rows, strict=True), strict=True)}

    @cached_property
    def frame(self) -> pd.DataFrame:
        """What a reader reads: the text of each cell, under its headings."""
        texts = {column.title: [cell.text for cell in self.cells[column.key]] for column in self.columns}
        return pd.DataFrame(texts, dtype=object)

    @cached_property
    def alignments(self) -> dict[str, Alignment]:
        """How each column stands: numbers right, at their points where decimals differ, everything else left.

        One cell of words makes a column one of words.
        """
        outer = (self.stub, self.group)
        return {key: "left" if key in outer else _alignment(own) for key, own in self.cells.items()}

    def to_record(self) -> dict[str, Any]:
        """The table as plain lists and texts, fit for JSON; :meth:`from_record` gives it back, its cells' kinds included."""
        return {
            "id": self.id,
            "title": self.title,
            "columns": {column.key: column.heading for column in self.columns},
            "rows": [[cells.to_record(cell) for cell in row] for row in self.rows],
            "spanners": self.spanners,
            "footnotes": list(self.footnotes),
            "group": self.group,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Table":
        """A table as :meth:`to_record` wrote it."""
        rows = [map(cells.from_record, row) for row in record["rows"]]
        lines = [dict(zip(record["columns"], row, strict=True)) for row in rows]
        notes, spanners = tuple(record["footnotes"]), dict(record["spanners"])
        return cls(record["id"], record["title"], lines, spanners, notes, record["group"], record["columns"])

    def to_csv(self) -> str:
        """Numbers as numbers, in full; see :mod:`esld.report.dress.csv`."""
        return csv.written(self)

    def to_html(self) -> str:
        """The table with its title and notes; see :mod:`esld.report.dress.html`."""
        return html.written(self)

    def to_text(self) -> str:
        """For a terminal; see :mod:`esld.report.dress.text`."""
        return text.written(self)

    __str__ = to_text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.to_html(), "text/plain": repr(self)}


def _heading(key: str, heads: Mapping[str, str], *, spanned: bool) -> str:
    if key in heads:
        return heads[key]
    own = key.rpartition(".")[2]
    return message(f"column.{own}") if has(f"column.{own}") else own if spanned else key


def _alignment(own: Sequence[Cell]) -> Alignment:
    filled = [cell for cell in own if cell.text]
    if not filled or any(map(cells.is_words, filled)):
        return "left"
    numbers = [cell for cell in filled if not cells.is_missing(cell)]
    single = all(map(cells.is_single, numbers))
    return "decimal" if single and len({len(cells.fraction(cell)) for cell in numbers}) > 1 else "right"
