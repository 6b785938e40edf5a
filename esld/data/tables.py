"""Writing tables so that the same content always gives the same bytes."""

from collections.abc import Mapping
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


__all__ = ["write_tables"]
