"""The demonstration trial through every door by which data come in, each in a working copy of its own."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import openpyxl
import pandas as pd

from esld.data.sdtm import Tables, read_tables
from esld.data.template import template_bytes
from tests.data.reading.writers import as_csv, as_json, as_xlsx, as_xpt
from tests.data.small_trial import PROTOCOL, ROOT
from tests.data.template.demo_forms import demo_forms, enter

EXAMPLES = ROOT / "esld" / "data" / "examples"
LEDGER = EXAMPLES / "demo" / "ledger.json"
Keys = Mapping[str, str]  # of the cut file, for what lies in ``data/`` of its working copy


def demo_tables() -> Tables:
    return read_tables(EXAMPLES / "demo")


def _each(write: Callable[[pd.DataFrame, Path], None], suffix: str) -> Callable[[Path], Keys]:
    def lay(data: Path) -> Keys:
        for name, table in demo_tables().items():
            write(table, data / f"{name.lower()}{suffix}")
        return {"data": "data"}

    return lay


def _excel(data: Path) -> Keys:
    as_xlsx(demo_tables(), data / "export.xlsx")
    return {"data": "data/export.xlsx"}


def _workbook(data: Path) -> Keys:
    (data / "trial.xlsx").write_bytes(template_bytes(PROTOCOL, "zh", practice=True))
    book = openpyxl.load_workbook(data / "trial.xlsx")
    enter(book, demo_forms(demo_tables(), PROTOCOL), PROTOCOL, "zh")
    book.save(data / "trial.xlsx")
    return {"data": "data/trial.xlsx"}


def _redcap(data: Path) -> Keys:
    for path in (EXAMPLES / "redcap-demo").iterdir():
        shutil.copy(path, data)
    return {"data": "data/export.csv", "mapping": "data/mapping.yaml"}


DOORS: Mapping[str, Callable[[Path], Keys]] = {
    "CSV": _each(as_csv, ".csv"),
    "GB18030": _each(lambda table, path: as_csv(table, path, encoding="gb18030"), ".csv"),
    "Excel": _excel,
    "XPT 5": _each(lambda table, path: as_xpt(table, path, version=5), ".xpt"),
    "XPT 8": _each(lambda table, path: as_xpt(table, path, version=8), ".xpt"),
    "Parquet": _each(lambda table, path: table.to_parquet(path, index=False), ".parquet"),
    "Dataset-JSON": _each(as_json, ".json"),
    "workbook": _workbook,
    "REDCap": _redcap,
}


FORMS = ("workbook", "REDCap")


def working_copy(door: str, folder: Path) -> Path:
    """The cut file of the final analysis, and its previous cut, over what comes through a door; with the ledger beside it."""
    data = folder / "data"
    data.mkdir(parents=True)
    shutil.copytree(ROOT / "params", folder / "params")
    shutil.copytree(
        ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns("__pycache__", ".*")
    )
    shutil.copy(LEDGER, data)
    keys = DOORS[door](data)
    for name in ("demo-final", "demo-interim"):
        cut = folder / "params" / f"{name}.yaml"
        lines = [f"{key}: {value}" for key, value in keys.items()]
        cut.write_text(
            cut.read_text(encoding="utf-8").replace("data: example:demo", "\n".join(lines)), encoding="utf-8"
        )
    return folder / "params" / "demo-final.yaml"
