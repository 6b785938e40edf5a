"""Parquet: typed columns as the text that a CSV would hold, without loss."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from esld.data.reading.source import Source
from esld.data.reading.table import Cell, as_text, of_columns
from esld.errors import InputError


def sources(path: Path) -> list[Source]:
    """The table of a Parquet file."""

    def header() -> list[str]:
        import pyarrow
        import pyarrow.parquet

        try:
            return [str(name).upper() for name in pyarrow.parquet.read_schema(path).names]
        except (pyarrow.ArrowException, OSError):
            return []

    return [Source(path.name, "", path.stem, partial(_read, path), header, typed=True)]


def _read(path: Path) -> pd.DataFrame:
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        rule = f"must be a Parquet file: {' '.join(str(error).split())[:100]}"
        raise InputError(path.name, rule, remedy="Export it again.") from None
    columns = [_texts(name, table.column(place), path.name) for place, name in enumerate(table.column_names)]
    return of_columns(table.column_names, columns, path.name, "Parquet")


def _texts(name: str, column: Any, file: str) -> list[Cell]:
    import pyarrow
    import pyarrow.types as types

    kind = column.type
    if types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if types.is_null(kind):
        return [None] * len(column)
    if types.is_timestamp(kind):
        # pyarrow gives nanoseconds only through pandas; nobody records them
        column = column.cast(pyarrow.timestamp("us", kind.tz), safe=False)
        cells = column.to_pylist()
        if all(
            cell is None or cell.hour == cell.minute == cell.second == cell.microsecond == 0 for cell in cells
        ):
            return [None if cell is None else cell.date().isoformat() for cell in cells]
        return [None if c is None else c.isoformat(timespec="auto" if c.second else "minutes") for c in cells]
    if types.is_float32(kind) or types.is_float16(kind):
        return [None if c is None or np.isnan(c) else f"{c:.7g}" for c in column.to_pylist()]
    plain = (
        types.is_string(kind) or types.is_large_string(kind) or types.is_integer(kind) or types.is_floating(kind)
        or types.is_boolean(kind) or types.is_date(kind) or types.is_time(kind) or types.is_decimal(kind)
    )  # fmt: skip
    if not plain:
        rule, remedy = "must be text, a number or a date", "Export it as one of these."
        raise InputError(f"column {name}", rule, str(kind), file, remedy)
    return [as_text(cell) for cell in column.to_pylist()]
