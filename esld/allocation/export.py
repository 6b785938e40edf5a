"""The assigned part of the list as SDTM records, DM and DS, with the columns that the trial's export has."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from esld.allocation.disclosed import FILE
from esld.allocation.record import Record
from esld.csvfile import csv_bytes
from esld.targets import FileTarget, file_target

COMMAND = "esld randomise export"
DM_FILE, DS_FILE = "dm.csv", "ds.csv"
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


def targets(folder: Path) -> dict[str, FileTarget]:
    """The files of an export by name: asked for before anything is recorded for its sake.

    Raises
    ------
    esld.errors.InputError
        The folder does not exist or cannot be written to.
    esld.errors.RefusedError
        It is the sealed one, or a file of that name is there which no export wrote.
    """
    return {name: file_target(folder / name, command=COMMAND) for name in (DM_FILE, DS_FILE, FILE)}


def as_csv(columns: Sequence[str], rows: Sequence[Row]) -> bytes:
    """A table as CSV; of a reason that somebody wrote a spreadsheet makes no formula."""
    return csv_bytes([columns, *([row[name] for name in columns] for row in rows)])


def _subject(trial: str, record: Record) -> str:
    return f"{trial}-{record.subject}"
