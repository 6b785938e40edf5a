"""Writing tables so that the same content always gives the same bytes."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd


def write_tables(tables: Mapping[str, pd.DataFrame], folder: Path) -> None:
    """Write one CSV a domain, as :func:`esld.data.sdtm.read_tables` reads them.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Domain code to table. Text is written as it is; missing cells become empty.
    folder : Path
        Where ``dm.csv …`` go (UTF-8, Unix line ends, no index); made if missing. Other files in it stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        text = table.to_csv(index=False, na_rep="", lineterminator="\n")
        (folder / f"{name.lower()}.csv").write_bytes(text.encode("utf-8"))


def csv_bytes(rows: Iterable[Iterable[str | None]]) -> bytes:
    """Rows of text as CSV: UTF-8, Unix line ends. Missing cells become empty, and a line break in a cell stays what it was.

    The library's writer leaves a carriage return unquoted, which its reader takes for the end of a row.
    """
    lines = (",".join(map(_quoted, row)) or '""' for row in rows)
    return "".join(f"{line}\n" for line in lines).encode("utf-8")


def _quoted(cell: str | None) -> str:
    text = cell or ""
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\r\n') else text


__all__ = ["csv_bytes", "write_tables"]
