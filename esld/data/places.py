"""Where the cells of a form stand, kept with the SDTM records that are made of them.

A table's ``attrs`` are copied with each of its steps, and must be fit for JSON: so all places of a table are one text.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import pandas as pd

from esld import jsonfile

KEY = "cells"  # in ``attrs`` of a table that was made from forms


def keep(
    table: pd.DataFrame,
    parts: Sequence[tuple[str, Mapping[str, str]]],
    of: list[int],
    rows: list[int],
    others: Mapping[int, Mapping[str, str]],
) -> None:
    """Keep the places of a table's records, in its order.

    Parameters
    ----------
    table : DataFrame
        Rows numbered from 0.
    parts : list of (str, mapping)
        How a place of each kind of record is told (``{row}``, ``{column}``), and the column of each variable.
    of, rows : list of int
        Each record's kind, and row as the file counts it.
    others : mapping
        By record and variable the places that lie elsewhere, in words.
    """
    told = {str(row): dict(own) for row, own in others.items()}
    table.attrs[KEY] = json.dumps([[list(p) for p in parts], of, rows, told], ensure_ascii=False)


def place(table: pd.DataFrame, row: Any, column: str | None = None) -> str | None:
    """Where a record, or one variable of it, was written by whoever filled the form.

    Parameters
    ----------
    table : DataFrame
        A domain, before anything renumbers its rows.
    row : int
        Label of the record in the table's index.
    column : str, optional
        The variable; without, or where it comes from no cell of its own, the form's row is told.

    Returns
    -------
    str or None
        ``"forms.xlsx, sheet Laboratory, cell F12"``; None for a table that was not made from forms.
    """
    text = table.attrs.get(KEY)
    if text is None:
        return None
    parts, of, rows, others = _parsed(text)
    number = int(row)
    if column and (elsewhere := others.get(str(number), {}).get(column)):
        return str(elsewhere)
    told, columns = parts[of[number]]
    return in_words(told, rows[number], columns.get(column))


def in_words(told: str, row: int, column: str | None = None) -> str:
    """A place as a person finds it: ``told`` names the file or sheet, and after ``|`` how a cell of it is called."""
    where, _, cell = told.partition("|")
    return f"{where}, {cell.format(row=row, column=column)}" if column else f"{where}, row {row}"


@lru_cache(maxsize=64)
def _parsed(text: str) -> Any:
    return jsonfile.loads(text)
