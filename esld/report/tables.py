"""One table model: what a reader sees, as HTML and as CSV."""

from dataclasses import dataclass, field
from html import escape
from typing import Any

import pandas as pd


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
        Column whose value heads a block of rows.
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

    def __repr__(self) -> str:
        return f"Table {self.id}: {self.title} ({len(self.frame)} rows)"

    def to_csv(self) -> str:
        """Cells as shown, title and footnotes left out."""
        return self.frame.to_csv(index=False, lineterminator="\n")

    def to_html(self) -> str:
        """The table through great_tables, with a fixed id so that the same table gives the same bytes."""
        from great_tables import GT, html, loc, style

        first = next(c for c in self.frame.columns if c != self.group)
        table = GT(self.frame, id=self.id.replace("_", "-"), rowname_col=first, groupname_col=self.group)
        table = table.tab_header(title=self.title).tab_stubhead(label=first)
        for label, columns in self.spanners.items():
            table = table.tab_spanner(label=label, columns=columns)
            table = table.cols_label({c: c.removeprefix(f"{label}: ") for c in columns})
        for note in self.footnotes:
            table = table.tab_source_note(html(escape(note)))
        table = table.cols_align("left")
        if numbers := [
            c for c in self.frame.columns if c not in (first, self.group) and _numeric(self.frame[c])
        ]:
            table = table.cols_align("right", columns=numbers)
        table = table.tab_style(style=style.css("font-variant-numeric: tabular-nums"), locations=loc.body())
        return str(table.as_raw_html())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.to_html(), "text/plain": repr(self)}


def _numeric(column: pd.Series) -> bool:
    """Whether a column holds numbers, intervals or counts rather than words or dates."""
    filled = column[column.ne("")]
    numbers = filled.str.match(r"(NE|not reached|[<>]?\s?[\d+\u2212-])") & ~filled.str.match(
        r"\d{4}-\d{2}-\d{2}"
    )
    return bool(numbers.all()) if len(filled) else False
