"""The analysis data of a cut as files for other programs: each variable with its label, type and length.

What a variable is called and what type it has is data, ``adam/variables.csv``; a file says it in the words of its format.
Nothing is cut short to fit: text that a version 5 transport file cannot hold is told, or goes into one of version 8. Files hold
no hour at which they were made but the day of the cut's snapshot, so that the same cut gives the same bytes.
"""

import csv
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from esld import __version__
from esld.csvfile import csv_bytes
from esld.data.factors import STRATA
from esld.data.study import Study
from esld.errors import InputError, InputErrors
from esld.protocol import Protocol

DATASETS: Mapping[str, str] = {
    "ADSL": "Subject-Level Analysis Dataset",
    "ADLB": "Laboratory, Grades and Scores Analysis",
    "ADTTE": "Time-to-Event Analysis Dataset",
    "ADCE": "Clinical Event Episodes Analysis",
    "ADAE": "Adverse Event Analysis Dataset",
}
_V5_TEXT, _V5_NAME, _LABEL = 200, 8, 40  # bytes; a longer label than that is none in either version
_SAS_EPOCH = pd.Timestamp("1960-01-01")


@dataclass(frozen=True)
class Variable:
    """A variable of an analysis dataset: its `type` is text, integer, float or date, its `key` its place among the keys, or 0."""

    name: str
    label: str
    type: str
    key: int


@dataclass(frozen=True, eq=False)
class Dataset:
    """An analysis dataset as it is written: `frame` has the columns of `variables`, each of its type, missing as one thing."""

    name: str
    label: str
    variables: tuple[Variable, ...]
    frame: pd.DataFrame

    @property
    def lengths(self) -> tuple[int, ...]:
        """Length of each variable: of text that of its longest cell in characters, of a date 10, of a number 8."""
        fixed = {"date": 10, "integer": 8, "float": 8}
        return tuple(
            fixed.get(v.type) or max(map(len, self.frame[v.name].dropna()), default=1) for v in self.variables
        )

    def rows(self) -> Iterator[list[Any]]:
        """Its cells as text, whole and other numbers, and dates as ISO 8601; None where missing."""
        columns = []
        for variable in self.variables:
            cells = self.frame[variable.name]
            given = cells.dt.strftime("%Y-%m-%d") if variable.type == "date" else cells
            columns.append(given.astype(object).where(cells.notna(), None).tolist())
        yield from map(list, zip(*columns, strict=True))


@cache
def variables() -> Mapping[str, tuple[Variable, ...]]:
    """The variables of each analysis dataset, in order."""
    text = resources.files("esld.data.adam").joinpath("variables.csv").read_text(encoding="utf-8")
    found: dict[str, tuple[Variable, ...]] = {name: () for name in DATASETS}
    for row in csv.DictReader(StringIO(text)):
        own = Variable(row["variable"], row["label"], row["type"], int(row["key"] or 0))
        found[row["dataset"]] += (own,)
    return found


def _strata(protocol: Protocol) -> tuple[Variable, ...]:
    """The variables of ADSL that a trial has whose randomisation was stratified."""
    places = range(1, len(protocol.strata) + 1)
    labels = {f"STRAT{place}R": f"Strat Factor {place} Value Used for Rand" for place in places}
    labels |= {STRATA: "Strata Used for Randomization"} if labels else {}
    return tuple(Variable(name, label, "text", 0) for name, label in labels.items())


def datasets(study: Study) -> list[Dataset]:
    """The analysis data that a cut's view holds, each variable of the type that ``variables.csv`` says, and the strata as text.

    Raises
    ------
    esld.errors.InputErrors
        A cell is not of the type of its variable, such as a ``--SEQ`` that is no whole number.
    """
    faults: list[InputError] = []
    found = []
    for name, label in DATASETS.items():
        derived: pd.DataFrame = getattr(study, name.lower())
        own = variables()[name] + (_strata(study.protocol) if name == "ADSL" else ())
        if unknown := set(derived.columns) ^ {variable.name for variable in own}:
            raise KeyError(f"adam/variables.csv and {name} differ in {sorted(unknown)}")
        columns = {v.name: _typed(derived, v, name, faults) for v in own}
        found.append(Dataset(name, label, own, pd.DataFrame(columns, index=derived.index)))
    if faults:
        raise InputErrors(faults)
    return found


def _typed(
    derived: pd.DataFrame, variable: Variable, dataset: str, faults: list[InputError]
) -> "pd.Series[Any]":
    cells = derived[variable.name]
    if variable.type == "text":
        return cells.astype(object).where(cells.notna() & cells.ne(""), None)
    if variable.type == "date":
        return pd.to_datetime(cells).astype("datetime64[ns]")
    numbers = pd.to_numeric(cells, errors="coerce").astype("float64")
    wrong = (numbers.isna() & cells.notna()) | np.isinf(numbers)
    if variable.type == "integer":
        wrong |= numbers.notna() & numbers.ne(numbers.round())
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        rule = "must be a whole number" if variable.type == "integer" else "must be a finite number"
        where = f"subject {derived['USUBJID'].iloc[first]}, {int(wrong.sum())} in all"
        remedy = "Correct it in the export of the data."
        faults.append(InputError(f"{dataset}.{variable.name}", rule, cells.iloc[first], where, remedy))
    whole = variable.type == "integer"
    return numbers.mask(wrong).astype("Int64" if whole else "Float64")


# --- formats: what each writes of a cut, by file name --------------------------------------------------------------


def _csv(found: list[Dataset], study: Study) -> dict[str, bytes]:
    """A CSV file a dataset, and what the variables are in ``variables.csv``."""
    files = {f"{each.name.lower()}.csv": [[v.name for v in each.variables], *each.rows()] for each in found}
    described = [
        [each.name, v.name, v.label, v.type, length, v.key or None]
        for each in found
        for v, length in zip(each.variables, each.lengths, strict=True)
    ]
    files["variables.csv"] = [["dataset", "variable", "label", "type", "length", "key"], *described]
    return {name: csv_bytes([map(_cell, row) for row in rows], to_open=False) for name, rows in files.items()}


def _cell(cell: Any) -> str | None:
    return (
        f"{cell:.17g}"
        if isinstance(cell, float) and cell.is_integer()
        else None
        if cell is None
        else str(cell)
    )


def _parquet(found: list[Dataset], study: Study) -> dict[str, bytes]:
    """A Parquet file a dataset; the label of the dataset, and of each field its label, are metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"text": pa.string(), "integer": pa.int64(), "float": pa.float64(), "date": pa.date32()}
    files = {}
    for each in found:
        fields = [pa.field(v.name, kinds[v.type], metadata={"label": v.label}) for v in each.variables]
        schema = pa.schema(fields, metadata={"label": each.label})
        arrays = [pa.array(each.frame[f.name], type=f.type, from_pandas=True) for f in fields]
        content = BytesIO()
        pq.write_table(pa.Table.from_arrays(arrays, schema=schema), content)
        files[f"{each.name.lower()}.parquet"] = content.getvalue()
    return files


def _dataset_json(found: list[Dataset], study: Study) -> dict[str, bytes]:
    """A Dataset-JSON 1.1 file a dataset; dates are ISO 8601 for a receiver that keeps them as numbers of days."""
    made = f"{study.cut.snapshot}T00:00:00"
    files = {}
    for each in found:
        columns = []
        for v, length in zip(each.variables, each.lengths, strict=True):
            column: dict[str, Any] = {"itemOID": f"IT.{each.name}.{v.name}", "name": v.name, "label": v.label}
            column["dataType"] = {"text": "string"}.get(v.type, v.type)
            if v.type == "date":
                column |= {"targetDataType": "integer", "displayFormat": "E8601DA."}
            if v.type == "text":
                column["length"] = length
            if v.key:
                column["keySequence"] = v.key
            columns.append(column)
        content = {
            "datasetJSONCreationDateTime": made,
            "datasetJSONVersion": "1.1.0",
            "fileOID": f"{study.protocol.id}.{study.file.id}.{each.name}",
            "dbLastModifiedDateTime": made,
            "sourceSystem": {"name": "esld", "version": __version__},
            "studyOID": study.protocol.id,
            "itemGroupOID": f"IG.{each.name}",
            "records": len(each.frame),
            "name": each.name,
            "label": each.label,
            "columns": columns,
            "rows": list(each.rows()),
        }
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        files[f"{each.name.lower()}.json"] = text.encode("utf-8")
    return files


def _xpt(found: list[Dataset], study: Study, version: int | None = None) -> dict[str, bytes]:
    """A SAS transport file a dataset, all of one version; dates are numbers with the format DATE9.

    Version 5 is what agencies take. It is written where everything fits: names of 8 characters, text of 200 bytes in ASCII.
    """
    faults = [fault for each in found for fault in _not_v5(each)]
    if version == 5 and faults:
        raise InputErrors(faults)
    version = version or (8 if faults else 5)
    return {f"{each.name.lower()}.xpt": _xpt_bytes(each, version, study.cut.snapshot) for each in found}


def _not_v5(each: Dataset) -> Iterator[InputError]:
    remedy = "Leave --xpt-version out or give 8, or choose --format dataset-json."
    for variable in each.variables:
        if len(variable.name) > _V5_NAME:
            rule = f"must have a name of at most {_V5_NAME} characters in a version 5 transport file"
            yield InputError(f"{each.name}.{variable.name}", rule, remedy=remedy)
        if variable.type != "text":
            continue
        cells = each.frame[variable.name].dropna()
        unfit = cells[cells.map(lambda text: not text.isascii() or len(text) > _V5_TEXT).astype(bool)]
        if len(unfit):
            rule = f"must be ASCII text of at most {_V5_TEXT} bytes in a version 5 transport file"
            first = unfit.iloc[0]
            shown = first if len(first) <= _LABEL else f"{first[:_LABEL]}…"
            where = f"subject {each.frame['USUBJID'].loc[unfit.index[0]]}, {len(unfit)} in all"
            yield InputError(f"{each.name}.{variable.name}", rule, shown, where, remedy)


def _xpt_bytes(each: Dataset, version: int, snapshot: str) -> bytes:
    import pyreadstat

    frame = pd.DataFrame(index=each.frame.index)
    for variable in each.variables:
        cells = each.frame[variable.name]
        if variable.type == "text":
            frame[variable.name] = cells
        elif variable.type == "date":
            frame[variable.name] = (cells - _SAS_EPOCH).dt.days.astype("float64")
        else:
            frame[variable.name] = cells.to_numpy("float64", na_value=np.nan)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dataset.xpt"
        pyreadstat.write_xport(
            frame,
            path,
            file_label=each.label,
            column_labels=[v.label for v in each.variables],
            table_name=each.name,
            file_format_version=5 if version == 5 else 8,
            variable_format={v.name: "DATE9." for v in each.variables if v.type == "date"},
        )
        raw = bytearray(path.read_bytes())
    stamp = pd.Timestamp(snapshot).strftime("%d%b%y:00:00:00").upper().encode()
    for place in (
        144,
        160,
        464,
        480,
    ):  # made and changed, of the library and of its member; the same in both versions
        raw[place : place + 16] = stamp
    return bytes(raw)


FORMATS: Mapping[str, Callable[[list[Dataset], Study], dict[str, bytes]]] = {
    "csv": _csv,
    "parquet": _parquet,
    "xpt": _xpt,
    "dataset-json": _dataset_json,
}


def export_files(study: Study, form: str, *, xpt_version: int | None = None) -> dict[str, bytes]:
    """The analysis data of a cut as files, by name.

    Parameters
    ----------
    study : Study
        The cut, as its view shows it; there is nothing in the files that is not in it.
    form : str
        One of :data:`FORMATS`.
    xpt_version : {5, 8}, optional
        Of transport files; by default 5 where everything fits and else 8, for all of them.

    Raises
    ------
    esld.errors.InputErrors
        A cell is not of its variable's type, or does not fit into version 5.
    """
    found = datasets(study)
    return _xpt(found, study, xpt_version) if xpt_version else FORMATS[form](found, study)


def version_note(files: Mapping[str, bytes]) -> str:
    """Which version transport files are of, where that is not the one that agencies take; else empty."""
    eight = any(
        name.endswith(".xpt") and content.startswith(b"HEADER RECORD*******LIBV8")
        for name, content in files.items()
    )
    return (
        "transport files of version 8: names or text do not fit into version 5 (--xpt-version 5 names them)"
        if eight
        else ""
    )
