"""Data as they were entered in forms: which sources these are, and their tables."""

from pathlib import Path

import pandas as pd

from esld.data.declared import Reading
from esld.data.mapping import Mapped, map_source
from esld.data.template import is_template, read_template
from esld.protocol import Protocol


def read_entered(
    data: Path, protocol: Protocol, mapping: Path | None, how: Reading | None = None
) -> Mapped | None:
    """Tables of a source that consists of forms; None for an export of tables.

    Parameters
    ----------
    data : Path
        As the cut names it.
    protocol : Protocol
        The trial that a data-entry workbook must be of.
    mapping : Path or None
        The mapping that the cut names, if any. The data-entry workbook, which is known by its mark, brings its own.
    how : Reading, optional
        What is declared of the source.

    Raises
    ------
    esld.errors.InputError
        The source or the mapping cannot be read.
    """
    if mapping is not None:
        return map_source(data, mapping, how)
    return read_template(data, protocol, how) if is_template(data) else None


def unused(made: Mapped) -> list[str]:
    """What nothing was made of, a line each: columns, and rows."""
    columns = made.unused
    if columns.empty:
        return list(made.notes)
    by_form = columns.groupby("form", sort=False)["column"].agg(", ".join)
    told = "; ".join(f"{form}: {names}" for form, names in by_form.items())
    count, filled = len(columns), int(columns["filled"].sum())
    noun = "column" if count == 1 else "columns"
    return [f"Not used by the mapping: {count} {noun} with {filled} filled cells ({told}).", *made.notes]


def files_of(made: Mapped) -> pd.DataFrame:
    """The columns of forms of which nothing was made, as :func:`esld.data.reading.read_export` accounts for files."""
    rows = [
        (str(form), str(column), "", int(filled), "not read", "not needed: the mapping does not use it")
        for form, column, filled in made.unused[["form", "column", "filled"]].itertuples(index=False)
    ]
    return pd.DataFrame(rows, columns=["file", "sheet", "domain", "records", "use", "why"])
