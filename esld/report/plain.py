"""Exhibits of an analyst's own: a plain DataFrame as a table, and what a plain table or figure must say."""

import re

import pandas as pd

from esld.errors import InputError
from esld.report import cells
from esld.report.tables import Table


def plain_table(frame: pd.DataFrame | pd.Series, id: str, title: str) -> Table:
    """A table of a DataFrame as it is, with the index where that has a name; numbers in as many digits as they need, at most 4.

    Raises
    ------
    esld.errors.InputError
        It has no id that fits a file, no title, no rows, columns of one name, or an index of words without a name.
    """
    named_for_a_reader("table", id, title)
    if isinstance(frame, pd.Series):
        if frame.name is None:
            rule, remedy = "must be given a Series with a name", "Call .rename('What it holds')."
            raise InputError(f"table '{id}'", rule, remedy=remedy)
        frame = frame.to_frame()
    if not any(frame.index.names) and not pd.api.types.is_numeric_dtype(frame.index.dtype):
        rule, remedy = "must have an index with a name, to be shown", "Call .rename_axis('What it holds')."
        raise InputError(f"table '{id}'", rule, remedy=remedy)
    whole = frame.reset_index() if any(frame.index.names) else frame
    keys = [str(key) for key in whole.columns]
    if whole.empty or len(set(keys)) < len(keys):
        rule = "must have rows" if whole.empty else "must have columns of different names"
        raise InputError(
            f"table '{id}'",
            rule,
            None if whole.empty else keys,
            remedy="Say in a sentence why there is none.",
        )
    lines = [
        dict(zip(keys, map(cells.of_value, row), strict=True))
        for row in whole.itertuples(index=False, name=None)
    ]
    return Table(id, title, lines, heads={key: key for key in keys})


def named_for_a_reader(what: str, id: str, said: str) -> None:
    """Refuse an exhibit without an id that names its files, or without words for a reader."""
    call = f"chapter.{what}(…, id='my_{what}', {'title' if what == 'table' else 'alt'}='What it shows')"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", id):
        raise InputError(
            f"id of a plain {what}",
            "must be small letters, digits and '_'",
            id or "none",
            remedy=f"Call {call}.",
        )
    if not said.strip():
        raise InputError(f"{what} '{id}'", "must say what it shows", "nothing", remedy=f"Call {call}.")
