"""CDISC Dataset-JSON 1.1, as one object or as lines (NDJSON): a data set a file, its own name in it."""

import re
from functools import cache, partial
from pathlib import Path
from typing import Any

import pandas as pd

from esld import jsonfile
from esld.data.reading.source import Source
from esld.data.reading.table import as_text, of_columns
from esld.errors import InputError

VERSION = "1.1"
_NEWER = "Export it as Dataset-JSON 1.1."


def is_dataset(path: Path) -> bool:
    """Whether a file says that it is Dataset-JSON, of any version."""
    with path.open("rb") as opened:
        return b'"datasetJSONVersion"' in opened.read(20_000) or path.suffix.lower() == ".ndjson"


def sources(path: Path) -> list[Source]:
    """The data set of a file."""
    content = cache(partial(_content, path))  # its name stands in it: it is read once

    def name() -> str:
        try:
            return str(content()["name"])
        except InputError:
            return ""

    def header() -> list[str]:
        try:
            return [str(column["name"]).upper() for column in content()["columns"]]
        except InputError:
            return []

    return [
        Source(path.name, "", path.stem, lambda: _table(content(), path.name), header, name(), typed=True)
    ]


def _content(path: Path) -> dict[str, Any]:
    """The object of a file, with its rows; of another version or shape it is refused."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        if path.suffix.lower() == ".ndjson":
            first, *others = [jsonfile.loads(line) for line in text.splitlines() if line.strip()] or [{}]
            content = {**first, "rows": others}
        else:
            content = jsonfile.loads(text)
        if not isinstance(content, dict):
            raise TypeError("it is no object")
    except (ValueError, TypeError) as error:
        rule = f"must be Dataset-JSON {VERSION}: {' '.join(str(error).split())}"
        raise InputError(path.name, rule, remedy="Export it again.") from None
    version = content.get("datasetJSONVersion")
    if not re.fullmatch(r"1\.1(\.\d+)?", str(version)):
        got = "none" if version is None else f"version {version}"
        raise InputError(path.name, f"must be Dataset-JSON {VERSION}", got, remedy=_NEWER)
    columns, rows = content.get("columns"), content.get("rows")
    faults = [
        ("itemGroupOID and name", all(isinstance(content.get(key), str) for key in ("itemGroupOID", "name"))),
        ("columns, each with a name", isinstance(columns, list) and all(_named(c) for c in columns)),
        ("rows, each a list", isinstance(rows, list) and all(isinstance(row, list) for row in rows)),
    ]
    for what, held in faults:
        if not held:
            raise InputError(
                path.name, f"must hold {what}, as Dataset-JSON {VERSION} does", remedy="Export it again."
            )
    records = len(content["rows"])
    if (said := content.get("records", records)) != records:
        raise InputError(
            path.name, f"must hold the {said} records that it says", f"{records}", remedy="Export it again."
        )
    return content


def _named(column: Any) -> bool:
    return isinstance(column, dict) and isinstance(column.get("name"), str)


def _table(content: dict[str, Any], file: str) -> pd.DataFrame:
    names = [column["name"] for column in content["columns"]]
    rows = content["rows"]
    for number, row in enumerate(rows, 1):
        if len(row) != len(names):
            rule, where = f"must fit its {len(names)} columns", f"{file}, record {number}"
            raise InputError("every row", rule, f"{len(row)} cells", where, "Export it again.")
        if any(isinstance(cell, list | dict) for cell in row):
            rule, where = "must be text or numbers", f"{file}, record {number}"
            raise InputError("every cell", rule, "a list or an object", where, "Export it again.")
    columns = [[as_text(row[place]) for row in rows] for place in range(len(names))]
    return of_columns(names, columns, file, f"Dataset-JSON {VERSION}")
