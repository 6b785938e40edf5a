"""An export in every format that is read."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyreadstat

Tables = Mapping[str, pd.DataFrame]


def dataset_json(table: pd.DataFrame, name: str, /, **others: Any) -> dict[str, Any]:
    """A table as Dataset-JSON 1.1 describes it."""
    columns = [
        {"itemOID": f"IT.{name}.{c}", "name": c, "label": c, "dataType": "string"} for c in table.columns
    ]
    return {
        "datasetJSONCreationDateTime": "2026-01-01T00:00:00",
        "datasetJSONVersion": "1.1.0",
        "itemGroupOID": f"IG.{name}",
        "records": len(table),
        "name": name,
        "label": name,
        "columns": columns,
        "rows": table.to_numpy().tolist(),
    } | others


def as_csv(table: pd.DataFrame, path: Path, *, encoding: str = "utf-8", separator: str = ",") -> None:
    path.write_bytes(table.to_csv(index=False, sep=separator, lineterminator="\n").encode(encoding))


def as_xpt(table: pd.DataFrame, path: Path, *, version: int, name: str = "") -> None:
    pyreadstat.write_xport(
        table.fillna(""), str(path), table_name=name or path.stem.upper(), file_format_version=version
    )


def as_json(table: pd.DataFrame, path: Path) -> None:
    content = dataset_json(table, path.stem.upper())
    if path.suffix == ".ndjson":
        rows = content.pop("rows")
        lines = [content, *rows]
        path.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
    else:
        path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def as_xlsx(tables: Tables, path: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    for name, table in tables.items():
        sheet = book.create_sheet(name)
        sheet.append(list(table.columns))
        for row in table.to_numpy().tolist():
            sheet.append(row)
    book.save(path)


WRITERS: Mapping[str, Callable[[pd.DataFrame, Path], None]] = {
    ".csv": as_csv,
    ".xpt": lambda table, path: as_xpt(table, path, version=5),
    ".parquet": lambda table, path: table.to_parquet(path, index=False),
    ".json": as_json,
    ".ndjson": as_json,
    ".xlsx": lambda table, path: as_xlsx({path.stem: table}, path),
}


def write_all(tables: Tables, folder: Path, suffix: str = ".csv") -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    for name, table in tables.items():
        WRITERS[suffix](table, folder / f"{name.lower()}{suffix}")
    return folder
