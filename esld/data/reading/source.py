"""One table of an export that was not read yet: where it lies, what it is called, and how to read it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Source:
    """A file, or a sheet of one, that holds a table.

    Attributes
    ----------
    file, sheet : str
        Where it lies; ``sheet`` is empty where a file holds one table.
    name : str
        What the table is called: the file without its suffix, the sheet.
    says : str
        The name that the table has by its own content, where a format has one; else empty.
    typed : bool
        Whether the format knows numbers and days, so that a comma in one of its texts may be a decimal comma and a point none.
    read : callable
        The table, see :func:`esld.data.reading.table.of_rows`.
    header : callable
        Its columns as far as they can be told without reading it, in upper case; nothing where they cannot.
    """

    file: str
    sheet: str
    name: str
    read: Callable[[], pd.DataFrame]
    header: Callable[[], Sequence[str]]
    says: str = ""
    typed: bool = False

    @property
    def where(self) -> str:
        """As a person finds it; a blank at the end of a name is shown."""
        sheet = repr(self.sheet) if self.sheet != self.sheet.strip() else self.sheet
        return f"{self.file}, sheet {sheet}" if self.sheet else self.file
