"""Two published reports of one trial compared: results, patients, records, and what made them."""

import codecs
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from esld.data import changes, dates
from esld.data.cutfile import ALL, CutFile
from esld.data.store import stored_study
from esld.data.tables import frame_csv
from esld.errors import InputError, RefusedError
from esld.pipeline import provenance, verify
from esld.protocol import read_protocol
from esld.report import difference
from esld.report.difference import FLOW, Change, Difference
from esld.report.results import Row, read_rows
from esld.targets import FileTarget

RESULTS = "results.json"
PLANNED = "planned"  # the result of the summary that lists the planned analyses
CSV_COLUMNS = (
    *("part", "change", "method_changed", "chapter", "analysis_id", "patient", "record", "what", "variable"),
    *("arm", "time", "before", "lower_before", "upper_before", "n_before", "events_before"),
    *("after", "lower_after", "upper_after", "n_after", "events_after"),
    *("absolute", "relative", "unit", "method_before", "method_after"),
)
_ALWAYS = ("randomised", "dead")  # steps of the flow that are told even when they did not change
_SHOWN = 8  # lines a chapter, or a kind of change of the records, on the terminal


@dataclass(frozen=True)
class _Side:
    """A published report: results, the record of its making, and the cut's file where it is still as it was."""

    name: str
    rows: Sequence[Row]
    record: Mapping[str, Any]
    file: CutFile | None
    note: str  # why its data are not at hand, if they are not

    @property
    def label(self) -> str:
        return f"{self.name} (cut-off {self.file.cut.cutoff})" if self.file else self.name

    @property
    def trial(self) -> str:
        """The trial, as recorded or as its protocol says; empty where neither is there."""
        known = str(self.record.get("trial", ""))
        return known or (read_protocol(self.file.protocol_path).id if self.file else "")

    @property
    def view(self) -> str:
        """The view, as recorded or as the cut's file says; empty where neither is there."""
        return str(self.record.get("view", "")) or (self.file.cut.view if self.file else "")

    @property
    def arms(self) -> set[str]:
        """Arms as the report names them; none where it tells none."""
        return {r.arm for r in self.rows if r.result_id.startswith(f"{FLOW}.")} - {ALL}


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What changed from one report to the next.

    Attributes
    ----------
    before, after : str
        The cuts, with their cut-off where it is known.
    results : Difference
        Every result.
    records : DataFrame or None
        See :func:`esld.data.changes.record_changes`; None where the data of either cut are not at hand.
    inputs : tuple of str
        What else is not the same: protocol, chapters, parameters, version. A change may come from there.
    notes : tuple of str
        What was not compared, and why.
    """

    before: str
    after: str
    results: Difference
    records: pd.DataFrame | None
    inputs: tuple[str, ...]
    notes: tuple[str, ...]

    def facts(self) -> dict[str, Any]:
        """Everything for a machine."""
        counts = {step: {"before": b, "after": a} for step, (b, a) in self.results.counts.items()}
        records = None if self.records is None else self.records.to_dict("records")
        return {
            "before": self.before,
            "after": self.after,
            "summary": dict(_summary(self.results)),
            "patients": counts,
            "results": self.results.records(),
            "records": records,
            "inputs": list(self.inputs),
            "notes": list(self.notes),
        }

    def to_frame(self) -> pd.DataFrame:
        """One line a change, of the results and then of the data, under common headings; empty cells where one has none."""
        names = {"status": "change", "result_id": "record", "statistic": "variable"}
        results = pd.DataFrame(self.results.records()).rename(columns=names).assign(part="result")
        own = pd.DataFrame(columns=list(changes.COLUMNS)) if self.records is None else self.records
        names = {"domain": "chapter", "USUBJID": "patient"}
        frames = [results, own.rename(columns=names).assign(part="data")]
        frame = pd.concat([f.astype(object) for f in frames if not f.empty] or [pd.DataFrame()])
        return frame.reindex(columns=list(CSV_COLUMNS)).reset_index(drop=True)


def compare_reports(before: Path, after: Path) -> Comparison:
    """Compare two published reports of one trial and one view.

    Parameters
    ----------
    before, after : Path
        ``outputs/<cut>`` or its ``results.json``: the earlier and the later cut. The data of the cuts are compared too
        where their files still hash as recorded.

    Returns
    -------
    Comparison

    Raises
    ------
    esld.errors.InputError
        A report is missing or damaged, or the two are of different trials.
    esld.errors.RefusedError
        The two are of different views: what differs between them would tell the arms.
    """
    one, other = _read(before), _read(after)
    _check_comparable(one, other)
    notes = [side.note for side in (one, other) if side.note]
    records = None
    if one.file and other.file:
        records, fault = _records(one.file, other.file)
        notes += [fault] if fault else []
    return Comparison(
        before=one.label,
        after=other.label,
        results=difference.difference(one.rows, other.rows, primary=_primary(other.rows)),
        records=records,
        inputs=tuple(_inputs(one, other)),
        notes=tuple(notes),
    )


def _primary(rows: Sequence[Row]) -> str:
    """Id of the primary analysis, as the summary's list of planned analyses tells it; empty without one."""
    told = (r.arm for r in rows if difference.result_name(r) == PLANNED and r.method == "primary")
    return next(told, "")


def _read(path: Path) -> _Side:
    results = path / RESULTS if path.is_dir() else path
    remedy = "Make the report again: esld run params/<cut>.yaml."
    if not results.is_file():
        rule = f"must be a published report, outputs/<cut>, or its {RESULTS}"
        raise InputError(str(path), rule, None, "", remedy)
    rows = read_rows(results)
    folder = results.parent
    if not (folder / provenance.PROVENANCE).is_file():
        name = folder.resolve().name
        return _Side(name, rows, {}, None, f"{name}: no {provenance.PROVENANCE}, so its data are not known")
    record = provenance.read(folder)
    name = str(record["cut"])
    try:
        file = verify.cut_of(folder, record)
        now = provenance.input_hashes(file, [])
    except (InputError, RefusedError, OSError):
        return _Side(name, rows, record, None, f"{name}: its cut file or its data are gone")
    apart = ("notebooks/", provenance.TEMPLATE)  # what decides the chapters and the look, and not the data
    made_from = {key: value for key, value in record["inputs"].items() if not key.startswith(apart)}
    if now != made_from:
        changed = sorted(key for key in now.keys() | made_from.keys() if now.get(key) != made_from.get(key))
        return _Side(name, rows, record, None, f"{name}: {changed[0]} has changed since its report was made")
    return _Side(name, rows, record, file, "")


def _check_comparable(one: _Side, other: _Side) -> None:
    """The same trial and the same view, as the reports recorded it; where one did not, the same groups."""
    names = f"{one.name} and {other.name}"
    if one.trial and other.trial and one.trial != other.trial:
        remedy = "Compare two cuts of the same trial."
        raise InputError(names, "must be of one trial", f"{one.trial} and {other.trial}", "", remedy)
    told = [side.view or f"groups: {', '.join(sorted(side.arms)) or 'none'}" for side in (one, other)]
    same = one.view == other.view if one.view and other.view else one.arms == other.arms
    if not same:
        raise RefusedError(
            f"{names} are of different views ({told[0]}; {told[1]}): what differs between two views tells the arms."
        )


def _records(before: CutFile, after: CutFile) -> tuple[pd.DataFrame | None, str]:
    """Changes of the records that the view shows, after the cut; or why they were not compared."""
    try:
        old, new = stored_study(before).tables, stored_study(after).tables
    except (InputError, RefusedError) as error:
        return None, f"records: {str(error).splitlines()[0]}"
    return changes.record_changes(old, new, since=dates.as_date(before.cut.cutoff)), ""


def _inputs(one: _Side, other: _Side) -> Iterator[str]:
    """What is not the same although it is no data, a line each."""
    old, new = (side.record.get("inputs", {}) for side in (one, other))
    for name in sorted(old.keys() & new.keys()):
        if name.startswith(("notebooks/", "params/protocols/")) and old[name] != new[name]:
            yield f"{name} was changed"
    for name in sorted(old.keys() ^ new.keys()):
        if name.startswith(("notebooks/", "params/protocols/")):
            yield f"{name} is in {one.name if name in old else other.name} alone"
    made = [side.record.get("environment", {}) for side in (one, other)]
    if all(made) and made[0].get("esld_sha256") != made[1].get("esld_sha256"):
        yield f"the code of esld was changed ({made[0].get('esld')}, {made[1].get('esld')})"
    if one.file and other.file and one.file.cut.parameters != other.file.cut.parameters:
        yield "the parameters that the cut files set are not the same"


def _summary(found: Difference) -> Iterator[tuple[str, int]]:
    for row in found.to_frame().to_dict("records"):
        if row["unit"] == "results":
            yield str(row["statistic"]), int(row["value"])


def report_text(comparison: Comparison) -> str:
    """The comparison for the terminal: short, by chapter, the most important first."""
    count = dict(_summary(comparison.results))
    lines = [
        f"{comparison.before} -> {comparison.after}: {count['results_compared']} results compared, "
        f"{count['results_changed']} changed, {count['results_new']} new, {count['results_gone']} gone; "
        f"{count['methods_changed']} by another method"
    ]
    patients = comparison.results.counts.items()
    steps = [f"{s} {_whole(b)} -> {_whole(a)}" for s, (b, a) in patients if b != a or s in _ALWAYS]
    lines += [f"patients: {', '.join(steps)}"] if steps else []
    lines += [f"not the same: {text}" for text in comparison.inputs]
    chapters: dict[str, list[Change]] = {}
    for change in comparison.results.notable:
        chapters.setdefault(change.row.chapter, []).append(change)
    for chapter, own in chapters.items():
        lines += [f"{chapter}:", *(f"  {_line(c)}" for c in own[:_SHOWN])]
        lines += [f"  and {len(own) - _SHOWN} more"] if len(own) > _SHOWN else []
    if comparison.records is not None:
        lines += _record_lines(comparison.records)
    return "\n".join([*lines, *(f"not compared: {note}" for note in comparison.notes)])


def _line(change: Change) -> str:
    row = change.row
    method = f" [{change.before.method} -> {row.method}]" if change.method_changed and change.before else ""
    if change.status in ("new", "gone"):
        return f"{row.result_id}  {change.status}: {''.join(difference.in_words(change))}"
    unit = f" {row.unit}" if row.unit else ""
    return f"{row.result_id}  {' -> '.join(difference.in_words(change))}{unit}{method}"


def _record_lines(records: pd.DataFrame) -> Iterator[str]:
    counts = ", ".join(f"{n} {kind}" for kind, n in records["change"].value_counts(sort=False).items())
    yield f"records: {counts or 'the same'}"
    for _, own in records.groupby("change", sort=False):
        for row in own.head(_SHOWN).to_dict("records"):
            about = " ".join(text for text in (row["USUBJID"], row["record"], row["what"]) if text)
            values = " -> ".join(filter(None, (row["before"], row["after"])))
            values += " records" if row["change"].endswith(" patient") else ""
            yield f"  {row['change']}: {about} {row['variable']} {values}".rstrip()
        if len(own) > _SHOWN:
            yield f"  and {len(own) - _SHOWN} more"


def write_csv(comparison: Comparison, target: FileTarget) -> None:
    """Write every change as a line, whole or not at all; UTF-8 with a mark, so that a spreadsheet reads names rightly.

    Raises
    ------
    esld.errors.InputError
        The disk does not take it.
    """
    target.write(codecs.BOM_UTF8 + frame_csv(comparison.to_frame()))


def _whole(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"
