"""Scores of a file of patients: a CSV, Excel or Parquet table in, the same with its scores out.

Columns that no score takes pass through as they are: what is a code or an identifier stays text, a date in a
workbook stays a date.
"""

import re
import warnings
from collections.abc import Callable, Mapping
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pandas as pd

from esld.data.readers import decode
from esld.data.workbook import xlsx_bytes
from esld.errors import InputError
from esld.scoring.table import ScoredTable, is_input, score_table
from esld.targets import file_target

SHEET, REPORT_SHEET = "scores", "score report"


def score_file(source: Path, target: Path, *, components: bool = False) -> ScoredTable:
    """Score a table and write it.

    Parameters
    ----------
    source, target : Path
        ``.csv`` (UTF-8 or GB18030 in, UTF-8 out), ``.xlsx`` (its first sheet) or ``.parquet``, not necessarily the same.
        The target is written whole or not at all, and only where :func:`esld.targets.file_target` lets it. A workbook gets
        the report as a second sheet.
    components : bool, default False
        See :func:`esld.scoring.table.score_table`.

    Returns
    -------
    ScoredTable

    Raises
    ------
    InputError
        A file that cannot be read or written or is of another kind, a table without rows, two columns of one name, or no
        score that can be computed.
    RefusedError
        The target is the source, or not what ``esld score`` wrote.
    """
    read = _kind(source, _READERS)
    place = file_target(target, command="esld score", inputs=[source], kinds=tuple(_WRITERS))
    if not source.is_file():
        raise InputError(str(source), "must be a file that exists", remedy="Check the path.")
    table = read(source)
    if table.empty:
        raise InputError(source.name, "must have a header and at least one row", remedy="Export it again.")
    try:
        scored = score_table(table, components=components)
    except ValueError as error:
        raise InputError(source.name, str(error), remedy="Rename one of them.") from None
    if scored.scores.empty and scored.not_computed["reason"].str.endswith("already").any():
        rule = "must not hold its scores already"
        raise InputError(source.name, rule, remedy="Remove these columns or rename them.")
    if scored.scores.empty:
        hints = [
            f"{row['column']}: {row['hint']}" for row in scored.unknown.to_dict("records") if row["hint"]
        ]
        columns = "; ".join(hints) or f"columns {', '.join(map(str, table.columns))}"
        remedy = "Name the columns with their units, e.g. bilirubin_umol_l (README: scores of a table)."
        raise InputError(source.name, "must hold all inputs of at least one score", columns, remedy=remedy)
    place.write(_WRITERS[target.suffix.lower()](scored))
    return scored


def _kind(path: Path, known: Mapping[str, Callable[..., Any]]) -> Callable[..., Any]:
    if path.suffix.lower() not in known:
        rule = f"must be a table of one of the kinds {', '.join(known)}"
        raise InputError(str(path), rule, path.suffix or "no suffix", remedy="Save it as one of these.")
    return known[path.suffix.lower()]


def _read_csv(path: Path) -> pd.DataFrame:
    """All cells as text: an input that is written again is written as it came."""
    text, _ = decode(path)
    options: dict[str, Any] = {"dtype": str, "keep_default_na": False}
    try:
        header = list(pd.read_csv(StringIO(text), header=None, nrows=1, **options).iloc[0])
        _distinct(header, path)
        if len(header) == 1 and (wrong := re.search(r"[;\t]", header[0])):
            rule = "must be separated by commas"
            raise InputError(
                path.name, rule, repr(wrong[0]), "line 1", "Export it with commas and decimal points."
            )
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table: pd.DataFrame = pd.read_csv(StringIO(text), index_col=False, **options)
        return table
    except pd.errors.ParserWarning:
        rule = "must have no row longer than its header"
        raise InputError(path.name, rule, remedy="Export it again.") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        rule = f"must be a comma-separated table: {_line(error)}"
        raise InputError(path.name, rule, remedy="Export it again.") from None


def _read_xlsx(path: Path) -> pd.DataFrame:
    from zipfile import BadZipFile

    try:
        cells = pd.read_excel(
            path,
            sheet_name=0,
            header=None,
            dtype=object,
            engine="openpyxl",
            keep_default_na=False,
            na_values=[""],
        )
    except (BadZipFile, KeyError, OSError, ValueError) as error:
        rule = f"must be an Excel workbook: {_line(error)}"
        raise InputError(path.name, rule, remedy="Save it as .xlsx.") from None
    if cells.empty:
        return cells
    header = ["" if pd.isna(cell) else str(cell) for cell in cells.iloc[0]]
    _distinct(header, path)
    return cells.iloc[1:].set_axis(header, axis=1).reset_index(drop=True)


def _distinct(header: list[str], path: Path) -> None:
    if twice := sorted({column for column in header if header.count(column) > 1}):
        names = ", ".join(column or "(blank)" for column in twice)
        raise InputError(f"column {names}", "must stand once", None, path.name, "Rename or remove one.")


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path, engine="pyarrow")
    except (OSError, ValueError) as error:  # pyarrow's ArrowInvalid is a ValueError
        rule = f"must be a Parquet file: {_line(error)}"
        raise InputError(path.name, rule, remedy="Export it again.") from None


def _csv_bytes(scored: ScoredTable) -> bytes:
    return scored.table.to_csv(index=False, lineterminator="\n").encode("utf-8")


def _xlsx_bytes(scored: ScoredTable) -> bytes:
    return xlsx_bytes({SHEET: _typed(scored.table), REPORT_SHEET: report_frame(scored)})


def _parquet_bytes(scored: ScoredTable) -> bytes:
    content = BytesIO()
    _typed(scored.table).to_parquet(content, engine="pyarrow", index=False)
    return content.getvalue()


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """Inputs that came as text and are numbers throughout, as numbers: these formats know the difference."""
    typed = table.copy()
    for column in [c for c in table.columns if is_input(c) and table[c].dtype == object]:
        cells = table[column].replace("", None)
        numbers = pd.to_numeric(cells, errors="coerce")
        if numbers.isna().equals(cells.isna()):
            typed[column] = numbers
    return typed


_READERS = {".csv": _read_csv, ".xlsx": _read_xlsx, ".parquet": _read_parquet}
_WRITERS = {".csv": _csv_bytes, ".xlsx": _xlsx_bytes, ".parquet": _parquet_bytes}


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def report_frame(scored: ScoredTable) -> pd.DataFrame:
    """Everything that is to be said, one row a fact: ``what``, ``subject``, ``detail``."""
    rows: list[tuple[str, str, str]] = []
    for row in scored.scores.to_dict("records"):
        counts = f"{row['rows']} rows, {row['missing']} with an input missing, {row['bad']} with a bad value"
        assumed = f"; assumed {row['assumed']}" if row["assumed"] else ""
        idle = f"; missing and not needed: {row['not_needed']}" if row["not_needed"] else ""
        rows.append(("computed", row["column"], f"{counts}; from {row['inputs']}{assumed}{idle}"))
    for row in scored.not_computed.to_dict("records"):
        rows.append(("not computed", row["score"], row["reason"]))
    for row in scored.bad_values.to_dict("records"):
        first = f"first: {row['first']!r} in data row {row['row'] + 1}"
        rows.append(("bad values", str(row["column"]), f"{row['count']} not {row['rule']} ({first})"))
    for row in scored.queries.to_dict("records"):
        where = f"outside {row['low']:.3g} to {row['high']:.4g} {row['unit']}"
        first = f"first: {row['first']!r} in data row {row['row'] + 1}"
        likely = f"plausible in {row['likely']}; " if row["likely"] else ""
        text = f"{row['count']} {where} ({first}); {likely}computed as it stands"
        rows.append(("query: implausible", str(row["column"]), text))
    for row in scored.unknown.to_dict("records"):
        rows.append(("not an input", str(row["column"]), row["hint"]))
    return pd.DataFrame(rows, columns=["what", "subject", "detail"])


def report_text(scored: ScoredTable, target: Path) -> str:
    """The report for the terminal."""
    facts = report_frame(scored)
    lines = [f"{target}: {len(scored.table)} rows, {len(scored.scores)} score columns"]
    for what, rows in facts.groupby("what", sort=False):
        width = min(max(map(len, rows["subject"])), 32)
        lines.append(f"{what}:")
        lines += [f"  {r['subject']:<{width}}  {r['detail']}".rstrip() for r in rows.to_dict("records")]
    return "\n".join(lines)
