"""The assigned part of the list as SDTM records, DM and DS, with the columns that the trial's export has."""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from esld.allocation.folder import SEALED
from esld.allocation.record import Record
from esld.errors import InputError

DM = ("STUDYID", "DOMAIN", "USUBJID", "SUBJID", "ARMCD", "ARM")
DS = ("STUDYID", "DOMAIN", "USUBJID", "DSSEQ", "DSTERM", "DSDECOD", "DSCAT", "DSSTDTC")
_DISPOSITION = {
    "assignment": ("RANDOMIZED", "PROTOCOL MILESTONE"),
    "withdrawal": ("WITHDRAWAL BY SUBJECT", "DISPOSITION EVENT"),
    "unblinding": ("TREATMENT UNBLINDED", "OTHER EVENT"),
}
Row = dict[str, str]


def dm_rows(trial: str, records: Sequence[Record], arms: Mapping[str, tuple[str, str]]) -> list[Row]:
    """A row for each assigned subject, in the order of assignment.

    Parameters
    ----------
    trial : str
        STUDYID.
    records : sequence of Record
        Of the ledger.
    arms : mapping of str to tuple of str
        ARMCD and ARM by subject; empty in a masked trial, and then both are blank.
    """
    rows = []
    for record in records:
        if record.kind == "assignment":
            code, name = arms.get(record.subject, ("", ""))
            subject = _subject(trial, record)
            values = (trial, "DM", subject, record.subject, code, name)
            rows.append(dict(zip(DM, values, strict=True)))
    return rows


def ds_rows(trial: str, records: Sequence[Record]) -> list[Row]:
    """Randomisation, withdrawal and code break of each subject, numbered within the subject."""
    rows: list[Row] = []
    count: dict[str, int] = {}
    for record in records:
        if record.kind in _DISPOSITION:
            term, category = _DISPOSITION[record.kind]
            count[record.subject] = count.get(record.subject, 0) + 1
            said = record.details.get("reason", term).upper() if record.kind == "withdrawal" else term
            seq = str(count[record.subject])
            values = (trial, "DS", _subject(trial, record), seq, said, term, category, record.day)
            rows.append(dict(zip(DS, values, strict=True)))
    return sorted(rows, key=lambda row: row["USUBJID"])


def check_target(folder: Path) -> None:
    """Whether an export can be written to a folder: asked before anything is recorded for its sake.

    Raises
    ------
    esld.errors.InputError
        The folder does not exist, is the sealed one, or cannot be written.
    """
    if not folder.is_dir() or (folder / SEALED).exists():
        raise InputError(
            str(folder), "must be a folder other than the sealed one", remedy="Name another one."
        )
    write_file(folder / ".esld-probe", b"")
    (folder / ".esld-probe").unlink()


def write_tables(folder: Path, tables: Mapping[str, tuple[Sequence[str], Sequence[Row]]]) -> list[Path]:
    """Write each table to ``<name>.csv``, whole or not at all.

    Raises
    ------
    esld.errors.InputError
        The folder is not as `check_target` wants it.
    """
    check_target(folder)
    written = []
    for name, (columns, rows) in tables.items():
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        written.append(write_file(folder / f"{name}.csv", text.getvalue().encode("utf-8")))
    return written


def write_file(path: Path, content: bytes) -> Path:
    """Write a file whole or not at all.

    Raises
    ------
    esld.errors.InputError
        It cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InputError(str(path), "must be writable", error.strerror, remedy="Check the folder.") from None
    return path


def _subject(trial: str, record: Record) -> str:
    return f"{trial}-{record.subject}"
