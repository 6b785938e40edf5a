"""Writing tables so that the same content always gives the same bytes."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from esld.csvfile import csv_bytes


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
    for name, content in table_files(tables).items():
        (folder / name).write_bytes(content)


def table_files(tables: Mapping[str, pd.DataFrame]) -> dict[str, bytes]:
    """By its name the content of each file that :func:`write_tables` writes."""
    return {
        f"{name.lower()}.csv": table.to_csv(index=False, na_rep="", lineterminator="\n").encode("utf-8")
        for name, table in tables.items()
    }


def frame_csv(frame: pd.DataFrame) -> bytes:
    """A table as :func:`csv_bytes` of its cells, numbers as Python writes them, without its index."""
    rows = [list(frame.columns), *frame.astype(object).itertuples(index=False)]
    return csv_bytes([None if pd.isna(cell) else str(cell) for cell in row] for row in rows)
