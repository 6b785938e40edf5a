"""The passport of a number of a published report, from the report's results and the records that it is made from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from esld.data.store import stored_study
from esld.errors import InputError, did_you_mean
from esld.pipeline import provenance
from esld.pipeline.chapters import read_chapters
from esld.pipeline.publish import RESULTS
from esld.pipeline.unblinding import check_unblinding
from esld.pipeline.verify import cut_of
from esld.report.passport.passports import (
    Kept,
    Passports,
    correction_said,
    grouped_records,
    grouped_rows,
    query_said,
)
from esld.report.phrases import reader_of
from esld.report.results import Row, read_rows
from esld.report.words.catalogue import message, set_reader

_RECORD = ["domain", "USUBJID", "seq", "went_in", "influence"]


@dataclass(frozen=True)
class Explained:
    """A result with its passport.

    Attributes
    ----------
    row : Row
        The result.
    facts : list of (str, str)
        What is known of it, heading and text.
    kept : Kept, optional
        Rows and records; None where the view may not name them.
    influence : Series of bool, optional
        Of each record whether it has an influence by itself.
    """

    row: Row
    facts: list[tuple[str, str]]
    kept: Kept | None = None
    influence: "pd.Series[bool] | None" = None

    def to_record(self) -> dict[str, Any]:
        """For a machine: the result, the facts, and every row and record by itself."""
        told: dict[str, Any] = {"result": self.row.to_record(), "facts": dict(self.facts)}
        if self.kept is None:
            return told | {"withheld": message("passport.masked")}
        records = self.kept.records.assign(influence=self.influence)[_RECORD]
        return told | {
            "declared": not self.kept.reading.whole,
            "rows": self.kept.rows.to_dict("records"),
            "records": records.to_dict("records"),
            "corrections": [{"record": record, **one.model_dump()} for record, one in self.kept.corrections],
            "queries": self.kept.queries.to_dict("records"),
        }

    def text(self) -> str:
        """For a person."""
        lines = [f"{head}: {said}" for head, said in self.facts]
        if self.kept is None:
            return "\n".join([*lines, "", message("passport.masked")])
        return "\n".join([*lines, "", *self._of_records(self.kept)])

    def _of_records(self, kept: Kept) -> list[str]:
        if not kept.reading.who:
            return [message("passport.nothing")]
        lines = [message("passport.everything"), ""] if kept.reading.whole and not kept.reading.stem else []
        records, without = (
            kept.records,
            ~self.influence if self.influence is not None else pd.Series(dtype=bool),
        )
        went = records["went_in"].astype(bool)
        parts = {"went_in": records[went], "looked_at": records[~went], "without": records[without]}
        for name, by_patient in (
            ("rows", grouped_rows(kept)),
            *((name, grouped_records(part)) for name, part in parts.items()),
        ):
            if by_patient:
                lines += [
                    f"{message(f'passport.{name}')}:",
                    *(f"  {who}  {said}" for who, said in by_patient.items()),
                ]
                lines += [f"  {message('passport.without.means')}"] if name == "without" else []
        for name, said in (
            ("corrections", [correction_said(*one) for one in kept.corrections]),
            ("queries", [query_said(query) for query in kept.queries.itertuples()]),
        ):
            lines += [
                f"{message(f'passport.{name}')}:",
                *(f"  {one}" for one in said or [message("passport.none")]),
            ]
        return lines


def explained(folder: Path, result: str) -> Explained:
    """The passport of a result of a published report.

    Parameters
    ----------
    folder : Path
        ``outputs/<cut>``.
    result : str
        Its id.

    Raises
    ------
    esld.errors.InputError
        The folder holds no published report, the report no such result, or what it was made from has changed.
    esld.errors.RefusedError
        The cut is unblinded without a record of that.
    """
    record = provenance.read(folder)
    rows = {row.result_id: row for row in read_rows(folder / RESULTS)}
    if result not in rows:
        remedy = did_you_mean(result, rows) if len(result) < 200 else ""
        near = remedy if len(remedy) < 200 else f"The ids are those of {RESULTS}."
        raise InputError(
            "RESULT", "must be the id of a result of the report", repr(result), str(folder), near
        )
    file = cut_of(folder, record)
    now = provenance.input_hashes(file, read_chapters(file))
    made = {name: said for name, said in record["inputs"].items() if not name.startswith(provenance.TEMPLATE)}
    if changed := sorted(name for name in {*now, *made} if now.get(name) != made.get(name)):
        rule, remedy = "must be made from the inputs as they are", f"Make it again: esld run {file.path}."
        raise InputError(str(folder), rule, f"{changed[0]} has changed", remedy=remedy)
    study = stored_study(file)
    check_unblinding(study)
    set_reader(reader_of(study))
    passports = Passports(study)
    row = rows[result]
    if not passports.shown:
        return Explained(row, passports.facts(row))
    return Explained(row, passports.facts(row), passports.of(row), passports.influence(row))
