"""The demonstration export with a change, as a cut of its own: what `tests/reference/cases/exports.md` asks about."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pandas as pd
import yaml

from esld.data.cutfile import CutFile, read_cut
from esld.data.pseudonyms import KEY_FILE
from esld.data.sdtm import read_tables
from esld.data.tables import write_tables
from tests.reports import ROOT

DEMO = ROOT / "esld" / "data" / "examples" / "demo"
Change = Callable[[pd.DataFrame], pd.DataFrame]


@cache
def _demo() -> dict[str, pd.DataFrame]:
    return read_tables(DEMO)


def demo_tables() -> dict[str, pd.DataFrame]:
    """The demonstration export as read, the caller's own."""
    return {name: table.copy() for name, table in _demo().items()}


def spoilt(
    root: Path, changes: dict[str, Change | None], *, protocol: Change | None = None, **cut: object
) -> CutFile:
    """A working copy in `root` whose cut ``spoilt`` reads the demonstration export after `changes`.

    Each change takes a domain's table and gives another; None leaves the domain out. `protocol` changes the protocol's record,
    and `cut` sets keys of the cut file.
    """
    tables = demo_tables()
    for name, change in changes.items():
        if change is None:
            del tables[name]
        else:
            tables[name] = change(tables[name])
    write_tables(tables, root / "data" / "spoilt")
    return cut_of(root, "data/spoilt", protocol=protocol, **cut)


def cut_of(
    root: Path, data: str, *, protocol: Callable[[dict], dict] | None = None, **cut: object
) -> CutFile:
    """A cut ``spoilt`` of the demonstration trial that reads `data`, relative to `root`."""
    record = yaml.safe_load((ROOT / "params" / "demo-final.yaml").read_text(encoding="utf-8"))
    record = {k: v for k, v in record.items() if k not in ("previous", "previous_results")}
    trial = (ROOT / "params" / record["protocol"]).read_text(encoding="utf-8")
    if protocol:
        trial = yaml.safe_dump(protocol(yaml.safe_load(trial)), allow_unicode=True, sort_keys=False)
    if cut.get("view") == "masked":
        cut = {"pseudonyms": str(DEMO / KEY_FILE)} | cut
    path = root / "params" / "spoilt.yaml"
    (root / "params" / "protocols").mkdir(parents=True, exist_ok=True)
    (root / "params" / record["protocol"]).write_text(trial, encoding="utf-8")
    path.write_text(
        yaml.safe_dump(record | {"data": data} | cut, allow_unicode=True, sort_keys=False), encoding="utf-8"
    )
    return read_cut(path)


def put(table: pd.DataFrame, where: pd.Series | slice, **cells: object) -> pd.DataFrame:
    """The table with cells of some records set; a column that it lacks is added."""
    changed = table.copy()
    for column, value in cells.items():
        if column not in changed:
            changed[column] = pd.Series(None, changed.index, dtype=object)
        changed.loc[where, column] = value
    return changed
