"""A form as it was filled: rows of text, and the name by which a person finds each of its cells."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from esld.data.places import in_words
from esld.errors import InputError

SHOWN = 3  # places named for one mistake; the others are counted


@dataclass(frozen=True)
class Form:
    """One form.

    Attributes
    ----------
    name : str
        By which a mapping calls it.
    table : DataFrame
        Text, a column for each of the form's; None where empty. The index is the row as the file counts it.
    told : str
        File or sheet, then ``|`` and how a cell is called: ``"a.xlsx, sheet Visit|cell {column}{row}"``.
    columns : mapping of str to str
        What a person calls each column: a letter, or the field's name.
    keys : tuple of str
        Columns that stand on every form of the source, such as the event: nobody misses them where a mapping has no use for them.
    codes : mapping of str to mapping
        For the columns that are chosen from a list: its codes and their words.
    """

    name: str
    table: pd.DataFrame
    told: str
    columns: Mapping[str, str]
    keys: tuple[str, ...] = ()
    codes: Mapping[str, Mapping[str, str]] | None = None

    def place(self, row: int, column: str | None = None) -> str:
        """A row or a cell, in words."""
        return in_words(self.told, row, self.columns.get(column or ""))


def faulty(
    form: Form, column: str, found: pd.Series, rule: str, remedy: str, subject: str = ""
) -> Iterator[InputError]:
    """One fault for each cell of ``found``, which holds their texts by row."""
    for row, text in found.items():
        where = form.place(int(str(row)), column)
        yield InputError(subject or f"{form.name}.{column}", rule, repr(str(text)), where, remedy)
