"""Tables as bytes and back, identical and without pickle: numbers as they lie in memory, everything else as JSON.

Parquet and Arrow know one missing value where a column of objects may hold ``None`` and NaN, which are not the same to everything
that reads it. So the distinct values of such a column are written as JSON, and a number a cell that says which.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

_NUMBERS = "biufM"  # kinds of numpy that are their bytes: bool, whole, unsigned, real, moment
_PLAIN = (str, int, float, bool, type(None))


class UnknownKindError(ValueError):
    """A table holds what this cannot write and read identically."""


def frames_to_bytes(frames: Mapping[str, pd.DataFrame]) -> tuple[dict[str, Any], bytes]:
    """Write tables.

    Parameters
    ----------
    frames : mapping of str to DataFrame
        Columns with distinct names of text, rows numbered from 0; cells of numbers, moments, or objects that are text, numbers,
        ``None`` or NaN.

    Returns
    -------
    description : dict
        Fit for JSON.
    content : bytes
        What it describes.

    Raises
    ------
    UnknownKindError
        There is something else in them.
    """
    parts: list[bytes] = []
    described = {name: _described(frame, parts) for name, frame in frames.items()}
    return described, b"".join(parts)


def frames_from_bytes(described: Mapping[str, Any], content: bytes) -> dict[str, pd.DataFrame]:
    """Read what :func:`frames_to_bytes` wrote; the tables are new and can be changed."""
    place, frames = 0, {}
    for name, frame in described.items():
        columns = {}
        for column in frame["columns"]:
            dtype = np.dtype(column["dtype"])
            cells = np.frombuffer(content, dtype, frame["rows"], place)
            place += cells.nbytes
            if "values" in column:
                values = np.empty(len(column["values"]), dtype=object)
                values[:] = [np.nan if isinstance(v, list) else v for v in column["values"]]
                cells = values[cells]
            columns[column["name"]] = cells
        index = pd.RangeIndex(frame["rows"])
        made = pd.DataFrame(columns, index=index, columns=pd.Index(list(columns), dtype=object))
        made.attrs = frame["attrs"]
        frames[name] = made
    if place != len(content):
        raise UnknownKindError(f"{len(content) - place} bytes are of no column")
    return frames


def _described(frame: pd.DataFrame, parts: list[bytes]) -> dict[str, Any]:
    names = list(frame.columns)
    numbered = isinstance(frame.index, pd.RangeIndex) and frame.index.equals(pd.RangeIndex(len(frame)))
    plain = all(type(name) is str for name in names) and len(set(names)) == len(names)
    if not numbered or not plain or frame.columns.name is not None or frame.index.name is not None:
        raise UnknownKindError("rows or columns are named in a way of their own")
    if frame.columns.dtype != object or not _is_json(frame.attrs):
        raise UnknownKindError("the names of columns or the attributes are no plain text")
    columns = []
    for name in names:
        cells = frame[name].to_numpy()
        if frame[name].dtype != cells.dtype:
            raise UnknownKindError(f"column {name} is of dtype {frame[name].dtype}")
        column: dict[str, Any] = {"name": name}
        if cells.dtype == object:
            cells, column["values"] = _numbered(name, cells)
        elif cells.dtype.kind not in _NUMBERS:
            raise UnknownKindError(f"column {name} is of dtype {cells.dtype}")
        column["dtype"] = cells.dtype.str
        parts.append(np.ascontiguousarray(cells).tobytes())
        columns.append(column)
    return {"rows": len(frame), "columns": columns, "attrs": frame.attrs}


def _is_json(value: object) -> bool:
    try:
        return bool(json.loads(json.dumps(value)) == value)
    except TypeError:
        return False


def _numbered(name: str, cells: "np.ndarray[Any, Any]") -> tuple["np.ndarray[Any, Any]", list[object]]:
    """Which of the distinct values each cell holds, and these; NaN, which JSON does not have, as an empty list."""
    known: dict[tuple[type, object], int] = {}
    values: list[object] = []
    codes = np.empty(len(cells), dtype="<i4")
    for row, value in enumerate(cells):
        kind = type(value)
        if kind not in _PLAIN:
            raise UnknownKindError(f"column {name} holds a {kind.__name__}")
        if kind is float and not np.isfinite(value):
            if not np.isnan(value):
                raise UnknownKindError(f"column {name} holds {value}")
            key: tuple[type, object] = (kind, None)
        else:
            key = (kind, repr(value) if kind is float else value)  # -0.0 is equal to 0.0
        if key not in known:
            known[key] = len(values)
            values.append([] if key == (float, None) else value)
        codes[row] = known[key]
    return codes, values
