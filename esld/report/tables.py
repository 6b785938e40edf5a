"""One table model: what a reader sees, as HTML and as CSV, and as a record from which Word tables are made."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from itertools import pairwise
from typing import Any, Literal

import pandas as pd

Alignment = Literal["left", "right", "decimal"]
_NONE = ("NE", "not reached")
# What begins with a spare zero is an identifier, and no number.
_DIGITS = r"(?:0|[1-9]\d*|[1-9]\d{0,2}(?:,\d{3})+)(?:\.\d+)?"
_POWER = "10\u207b?[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+"
_ONE = rf"(?:(?:[<>\u2264\u2265] ?)?[+\u2212]?(?:{_POWER}|{_DIGITS}(?: \u00d7 {_POWER})?)(?: ?%)?|{'|'.join(_NONE)})"
_SOME = rf"{_ONE}(?:(?: to | of | ?/ ?){_ONE})*"  # 0.48 to 0.98, 3 of 11, 9 / 2 / 0
_CELL = re.compile(rf"{_SOME}(?: \({_SOME}\))?")
_SINGLE = re.compile(rf"(?:[<>] ?)?[+\u2212]?{_DIGITS}")


@dataclass(frozen=True)
class Table:
    """A table ready to read: every cell is text.

    Attributes
    ----------
    id : str
        Unique in the report; names the CSV file and the HTML element.
    title : str
        What the table shows.
    frame : DataFrame of str
        Rows in order; the first column labels them. ``""`` is an empty cell.
    spanners : dict of str to list of str
        Headings over several columns. Under the heading ``Low dose`` the column ``Low dose: n`` is headed ``n``.
    footnotes : tuple of str
        Below the table: method, ties, population, reasons.
    group : str or None
        Column whose value heads a block of rows; the rows of a block stand together.
    """

    id: str
    title: str
    frame: pd.DataFrame
    spanners: dict[str, list[str]] = field(default_factory=dict)
    footnotes: tuple[str, ...] = ()
    group: str | None = None

    def __post_init__(self) -> None:
        if self.frame.empty:
            raise ValueError(
                f"table {self.id!r} must have rows; say in a sentence why there is nothing to show"
            )
        if not self.frame.map(lambda cell: isinstance(cell, str)).to_numpy().all():
            raise ValueError(f"every cell of table {self.id!r} must be text")
        if self.group is not None:
            blocks = self.frame[self.group].tolist()
            heads = [blocks[0], *(after for before, after in pairwise(blocks) if after != before)]
            if len(set(heads)) < len(heads):  # HTML would gather them, and no longer say what the CSV says
                raise ValueError(f"rows of a block of table {self.id!r} must stand together, got {heads}")
        columns = list(self.frame.columns)
        for label, own in self.spanners.items():
            at = [columns.index(c) for c in own]
            if at != list(range(at[0], at[0] + len(at))):
                raise ValueError(
                    f"columns under {label!r} of table {self.id!r} must stand together, got {own}"
                )

    def __repr__(self) -> str:
        return f"Table {self.id}: {self.title} ({len(self.frame)} rows)"

    @property
    def stub(self) -> str:
        """The column that labels the rows."""
        return str(next(c for c in self.frame.columns if c != self.group))

    def spanner(self, column: str) -> str | None:
        """The heading over a column's own, if it has one."""
        return next((label for label, columns in self.spanners.items() if column in columns), None)

    def head(self, column: str) -> str:
        """A column's own heading; what stands over several columns is not repeated."""
        return column.removeprefix(f"{self.spanner(column)}: ")

    @cached_property
    def alignments(self) -> dict[str, Alignment]:
        """How each column stands: numbers right, at their points where decimals differ, everything else left.

        A column is one of numbers if every cell that is not empty is a number, a count, an interval, or says
        that there is none (NE, not reached). One word, date or identifier (``007``, ``1a``) makes it words.
        """
        return {
            column: "left" if column in (self.stub, self.group) else _alignment(self.frame[column].tolist())
            for column in self.frame.columns
        }

    def to_record(self) -> dict[str, Any]:
        """The table as plain lists and texts, fit for JSON; :meth:`from_record` gives it back."""
        return {
            "id": self.id,
            "title": self.title,
            "columns": list(self.frame.columns),
            "rows": self.frame.to_numpy().tolist(),
            "spanners": self.spanners,
            "footnotes": list(self.footnotes),
            "group": self.group,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Table":
        """A table as :meth:`to_record` wrote it."""
        frame = pd.DataFrame(record["rows"], columns=record["columns"], dtype=object)
        notes, spanners = tuple(record["footnotes"]), dict(record["spanners"])
        return cls(record["id"], record["title"], frame, spanners, notes, group=record["group"])

    def to_csv(self) -> str:
        """Cells as shown, title and footnotes left out."""
        return self.frame.to_csv(index=False, lineterminator="\n")

    def to_html(self) -> str:
        """The table through great_tables, with a fixed id so that the same table gives the same bytes."""
        from great_tables import GT, html, loc, style

        first = self.stub
        table = GT(self.frame, id=self.id.replace("_", "-"), rowname_col=first, groupname_col=self.group)
        table = table.tab_header(title=self.title).tab_stubhead(label=first)
        for label, columns in self.spanners.items():
            table = table.tab_spanner(label=label, columns=columns)
        labels = {c: bound(self.head(c)) for c in self.frame.columns if c not in (self.stub, self.group)}
        table = table.cols_label({c: label for c, label in labels.items() if label != c})
        for note in self.footnotes:
            table = table.tab_source_note(html(escape(note)))
        table = table.cols_align("left")
        if numbers := [c for c, side in self.alignments.items() if side != "left"]:
            table = table.cols_align("right", columns=numbers)
        table = table.tab_style(style=style.css("font-variant-numeric: tabular-nums"), locations=loc.body())
        for column, row, pad in self._pads():
            spot = loc.body(columns=column, rows=[row])
            unseen = style.css(f"; --pad: '{pad}'")  # a cell's styles are run together with nothing between
            table = table.tab_style(style=unseen, locations=spot)
        return str(table.as_raw_html())

    def _pads(self) -> Iterator[tuple[str, int, str]]:
        """Where numbers stand at their points: a cell, and what the longest fraction of its column has beyond its own.

        The style of a page puts that behind the cell, unseen; it is no part of the text.
        """
        for column, side in self.alignments.items():
            fractions = [fraction(cell) for cell in self.frame[column]] if side == "decimal" else []
            longest = max(fractions, key=len, default="")
            for row, own in enumerate(fractions):
                if self.frame[column].iloc[row] and len(own) < len(longest):
                    yield column, row, re.sub(r"\d", "0", longest[len(own) :])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.to_html(), "text/plain": repr(self)}


def fraction(cell: str) -> str:
    """What stands of a number from its decimal point on."""
    return "".join(cell.partition(".")[1:])


def _alignment(cells: Sequence[str]) -> Alignment:
    filled = [cell for cell in cells if cell]
    if not filled or not all(_CELL.fullmatch(cell) for cell in filled):
        return "left"
    numbers = [cell for cell in filled if cell not in _NONE]
    single = all(_SINGLE.fullmatch(cell) for cell in numbers)
    return "decimal" if single and len({len(fraction(cell)) for cell in numbers}) > 1 else "right"


def bound(head: str) -> str:
    """A heading in which "n = 11" and "95 % CI" are not parted by the end of a line."""
    return re.sub(
        r"(?<=\bn) (?==)|(?<=\bn =) (?=\d)|(?<=\d) (?=%)|(?<=%) (?=CI\b)", "\N{NO-BREAK SPACE}", head
    )
