"""What a data manager has to settle: every fault of an export and every data query, without running anything."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from esld.allocation.disclosed import Disclosed, read_disclosed
from esld.data import account, adam, dates, places, queries, reading, sdtm
from esld.data.cut import CutReport, apply_cut
from esld.data.cutfile import (
    LEDGER,
    CutFile,
    View,
    answers_beside,
    hides,
    ledger_beside,
    overrides_beside,
    previous_cut,
)
from esld.data.declared import Reading
from esld.data.entered import files_of, read_entered, unused
from esld.data.intake import Intake, take_in
from esld.data.overrides import Override, apply_overrides, read_overrides
from esld.data.pseudonyms import read_key
from esld.data.queries.answers import ANSWERED, NEW, Answers, fitted, read_answers, with_status
from esld.data.study import cut_faults, tables_before
from esld.data.template.layout import is_masked
from esld.data.views import names_no_arm
from esld.errors import InputError, InputErrors, RefusedError, each_of, together
from esld.identifying import hidden
from esld.protocol import Protocol, read_protocol
from esld.translation import IN_ENGLISH, Translator

FAULT_COLUMNS = ("subject", "domain", "record", "variable", "place", "rule", "found", "remedy")
QUERY_COLUMNS = ("id", "status", "subject", "record", "severity", "rule", "message", "answer", "remark")
COUNT_COLUMNS = ("domain", "records", "faults", "queries")
_LISTED = 20  # queries of one rule that the terminal lists; the file has all
_REMARK = "Records of this patient have faults; the query may go with them."


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What a check found.

    Attributes
    ----------
    faults : DataFrame
        One row a fault: ``subject``, ``domain``, ``record`` (sequence number), ``variable``, ``place`` (file and row), ``rule``,
        ``found``, ``remedy``; ``""`` where it does not apply.
    queries : DataFrame
        One row a data query, the open ones first: ``id``, ``status`` (new, open, answered), ``subject``, ``record``,
        ``severity``, ``rule``, ``message``, ``answer``, and ``remark`` on those of patients with a faulty record.
    counts : DataFrame
        By domain: ``records`` read, ``faults``, ``queries``.
    account : DataFrame or None
        What was used of the export, and what was not; see :func:`esld.data.account.account_of`. None while there is a fault.
    notes : tuple of str
        What was not looked for, and why; answers that fit no query.
    """

    faults: pd.DataFrame
    queries: pd.DataFrame
    counts: pd.DataFrame
    account: pd.DataFrame | None
    notes: tuple[str, ...]

    def sheets(self, say: Translator = IN_ENGLISH) -> dict[str, pd.DataFrame]:
        """The tables for a workbook, their names and words in a language; ids and what was found stay as they are."""
        notes = pd.DataFrame({"note": list(self.notes)}, dtype=object)
        sheets = {"Faults": self.faults, "Queries": self.queries, "Counts": self.counts, "Notes": notes}
        sheets |= {} if self.account is None else {"Account": self.account}
        if say.language == IN_ENGLISH.language:
            return sheets
        return {say.word(name): _said(frame, say) for name, frame in sheets.items()}


_SAID = ("place", "rule", "remedy", "status", "severity", "message", "remark", "note", "what", "use", "why")


def _said(frame: pd.DataFrame, say: Translator) -> pd.DataFrame:
    words = {name: frame[name].map(say, na_action="ignore") for name in _SAID if name in frame}
    return frame.assign(**words).rename(columns=say.word)


def check_cut(file: CutFile, unfit: Sequence[InputError] = ()) -> Checked:
    """Check the data of a cut: faults of the whole export, queries as its chapter on the data cut lists them.

    Parameters
    ----------
    file : CutFile
        The cut.
    unfit : sequence of InputError
        What is wrong between the protocol and the chapters of the cut, which is told among the faults.

    Raises
    ------
    esld.errors.InputError
        The protocol is refused, or there are no data.
    """
    protocol = read_protocol(file.protocol_path)
    records = (file.overrides_path, file.answers_path)
    found = _check(file.data_path, protocol, file, *records, file.mapping_path, file.reading)
    rows = pd.DataFrame([_fault_row(fault, {}) for fault in unfit], columns=list(FAULT_COLUMNS), dtype=object)
    return replace(found, faults=pd.concat([rows, found.faults], ignore_index=True)) if unfit else found


def check_data(
    data: Path, protocol: Path, *, mapping: Path | None = None, how: Reading | None = None
) -> Checked:
    """Check an export that no cut describes, whole: no date is compared with a cut-off or a snapshot.

    Parameters
    ----------
    data, protocol : Path
        The export, and the trial's file.
    mapping : Path, optional
        How forms become tables.
    how : Reading, optional
        What is declared of the export.

    Raises
    ------
    esld.errors.InputError
        The protocol is refused, or there are no data.
    """
    beside = (overrides_beside(data), answers_beside(data))
    corrections, answers = (path if path.is_file() else None for path in beside)
    return _check(data, read_protocol(protocol), None, corrections, answers, mapping, how or Reading())


def _check(
    data: Path,
    protocol: Protocol,
    file: CutFile | None,
    corrections: Path | None,
    answers: Path | None,
    mapping: Path | None,
    how: Reading,
) -> Checked:
    made = read_entered(data, protocol, mapping, how)
    notes: list[str] = []
    if made is None:
        tables, files, unreadable, faults, told_of_files = _read(data, how)
        notes += told_of_files
    else:
        tables, files, unreadable, faults = made.tables, files_of(made), {}, []
        faults += made.faults if file is None or not file.cut.hides else ()
        if not made.tables:
            raise InputErrors(made.faults)
        notes += unused(made)
    if corrections is not None:
        tables, refused = _corrected(tables, corrections, unreadable, file)
        faults += (
            [] if file is not None and file.cut.hides else refused
        )  # they quote what was found, in whatever column
    view: View = file.cut.view if file else "unblinded"
    if file is None and is_masked(protocol) and names_no_arm(tables):
        view = "blinded"
        notes.append("The trial is masked and the data name no arm: checked as the blinded view shows them.")
    key = read_key(file.pseudonyms_path) if file and file.pseudonyms_path else None
    took = take_in(tables, files, protocol, view, key=key)
    tables, protocol = took.tables, took.protocol
    if file is not None and file.cut.hides:
        notes.append(
            f"Checked as the {file.cut.view} view shows the export: faults of what it does not load, and of recorded "
            "corrections, are not listed."
        )
    found = [*took.faults, *sdtm.find_faults(tables, protocol)]
    known = {f"domain {name}" for name in unreadable}
    told = {fault.where for fault in made.faults} if made else set()  # by its cell, before it was a record's
    faults += [f for f in found if f.subject not in known and f.where.partition(", subject")[0] not in told]
    if file is None:
        notes.append("No cut file was given: no date was compared with a snapshot or a cut-off.")
    elif all(set(sdtm.DOMAINS[name].required) <= set(tables.get(name, ())) for name in ("DM", "DS")):
        faults += cut_faults(tables, file)
    sound, aside = _sound(tables, protocol, found)
    seen = _cut(sound, file)
    earlier: sdtm.Tables = {}
    try:
        earlier = tables_before(file) if file else {}
    except InputError:
        notes.append("Records were not compared with those of the previous cut, which is refused.")
    except RefusedError:  # told below
        pass
    ledger, unread = _ledger(data, view)
    faults += unread
    if not ledger_beside(data).is_file():
        if protocol.allocation:
            notes.append(
                f"The protocol publishes the commitment of an allocation list, and no {LEDGER} lies beside the data: "
                "they were not compared with it. Export it with 'esld randomise export'."
            )
    elif hides(view):
        notes.append(
            f"The {view} view does not read {LEDGER}: the data were not compared with the allocation list."
        )
    known = {*tables, *unreadable, *protocol.domains}
    without = [name for name in sdtm.DOMAINS if name in known and name not in sound]
    faulty = {*without, *_in_part(tables, aside)}
    faulty |= {fault.subject.partition(".")[0] for fault in found if isinstance(fault, sdtm.CodeError)}
    asked = _queries(seen, took, protocol, earlier, ledger, faulty)
    if isinstance(asked, str):
        notes.append(f"Data queries were not looked for: {asked}.")
        asked = pd.DataFrame(columns=list(queries.COLUMNS))
    else:
        if without:
            notes.append(f"Data queries were looked for without {', '.join(without)}.")
        if count := sum(len(rows) for rows in aside.values()):
            notes.append(f"Data queries were looked for without {count} faulty {_noun(count, 'record')}.")
        if silent := queries.not_asked(faulty):
            names = ", ".join(name for name in sdtm.DOMAINS if name in faulty)
            notes.append(
                f"Not asked before the faults of {names} are mended, because they may be what these miss: "
                f"{'; '.join(silent)}."
            )
    answered, wrong = _answered(answers, asked, took, hides=hides(view) and file is not None)
    asked = took.with_ids(asked)
    before = None
    try:
        before = _asked_before(file, sound, took, protocol, ledger, faulty) if file else None
    except InputError as error:
        wrong += each_of(error)
    except RefusedError as error:
        notes.append(str(error))
    faults += wrong
    notes += [answered.note] if answered.note else []
    patients = {p for name, rows in aside.items() for p in tables[name].loc[rows, "USUBJID"].dropna()}
    used = None
    if not faults and not isinstance(seen, str):  # without a fault what is sound is everything
        used = account.account_of(took, seen.report, seen.tables, took.aside_by(seen.cutoff, seen.tables))
    else:
        notes.append("What was used of the export, and what was not, is told once there is no fault.")
    return _checked(faults, with_status(asked, answered, before), tables, patients, notes, used)


@dataclass(frozen=True)
class _Cut:
    """What can be known on a day: tables after the cut, and what went."""

    cutoff: pd.Timestamp
    tables: sdtm.Tables
    report: CutReport


def _cut(tables: sdtm.Tables, file: CutFile | None) -> _Cut | str:
    """Sound tables as a cut, or without one an analysis of everything, sees them; or why there are none."""
    for name in ("DM", "DS"):
        if name not in tables or tables[name].empty:
            return f"{name} is missing or faulty"
    cutoff, snapshot = _days(tables, file)
    return _Cut(cutoff, *apply_cut(tables, cutoff, snapshot))


def _days(tables: sdtm.Tables, file: CutFile | None) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Cut-off and snapshot: those of the cut, else the last day in the tables."""
    if file:
        return dates.as_date(file.cut.cutoff), dates.as_date(file.cut.snapshot)
    columns = (t[c] for n, t in tables.items() for c in sdtm.date_columns(sdtm.DOMAINS[n]) if c in t)
    last = max(day for day in (dates.earliest(column).max() for column in columns) if pd.notna(day))
    return last, last


def _answered(
    path: Path | None, asked: pd.DataFrame, took: Intake, *, hides: bool
) -> tuple[Answers, list[InputError]]:
    """The recorded answers, and what is wrong with their file."""
    try:
        return fitted(read_answers(path) if path else (), asked, hides=hides, shown=took.query_id), []
    except InputError as error:
        return Answers(), [*each_of(error)]


def _ledger(data: Path, view: View) -> tuple[Disclosed | None, list[InputError]]:
    """The allocation list beside the data, whole, if the view reads it; and why it cannot be read."""
    path = ledger_beside(data)
    if hides(view) or not path.is_file():
        return None, []
    try:
        return read_disclosed(path), []
    except InputError as error:
        return None, [error]


def _asked_before(
    file: CutFile,
    sound: sdtm.Tables,
    took: Intake,
    protocol: Protocol,
    ledger: Disclosed | None,
    faulty: set[str],
) -> set[str] | None:
    """Ids of the previous cut's queries; None without one. Of the same export nothing is read again."""
    before = previous_cut(file)
    if before is None:
        return None
    if not before.is_of_same_export(file):
        return set(check_cut(before.alone).queries["id"])
    asked = _queries(_cut(sound, before), took, protocol, {}, ledger, faulty)
    return set() if isinstance(asked, str) else set(map(took.query_id, asked["id"]))


# --- reading ------------------------------------------------------------------------------------------------


def _read(
    data: Path, how: Reading
) -> tuple[sdtm.Tables, pd.DataFrame, dict[str, InputError], list[InputError], Sequence[str]]:
    """Every table that can be read, the account of the files, why others cannot, what else is wrong, and what is to be told."""
    export = sdtm.read_export(data, how)
    unreadable = {fault.domain: fault.error for fault in export.faults if fault.domain}
    faults = list(dict.fromkeys(fault.error for fault in export.faults))
    return export.tables, export.files, unreadable, faults, export.notes


def _corrected(
    tables: sdtm.Tables, path: Path, unreadable: dict[str, InputError], file: CutFile | None
) -> tuple[sdtm.Tables, Sequence[InputError]]:
    """Tables after the corrections that can be applied, and what is wrong with the others."""
    faults: list[InputError] = []
    corrections: tuple[Override, ...] = ()
    try:
        corrections = read_overrides(path)
    except InputError as error:
        faults += each_of(error)
    wanted = [c for c in corrections if c.domain not in unreadable]
    try:
        return apply_overrides(tables, wanted, file=path.name), faults
    except InputError as error:
        return tables, [*faults, *each_of(error)]


# --- querying what is sound -----------------------------------------------------------------------------------


def _sound(
    tables: sdtm.Tables, protocol: Protocol, found: Sequence[InputError]
) -> tuple[sdtm.Tables, dict[str, list[int]]]:
    """Tables without faults: those that lack a variable go whole, and of the others the faulty records.

    A record may be faulty only because another one went, so that this is repeated until nothing is.
    """
    left = dict(tables)
    aside: dict[str, list[int]] = {}
    while faults := [
        fault
        for fault in found
        if not fault.subject.startswith("domain ") and not isinstance(fault, sdtm.CodeError)
    ]:
        of_tables = {f.subject.partition(".")[0] for f in faults if not isinstance(f, sdtm.RecordError)}
        for name in of_tables:
            left.pop(name, None)
            aside.pop(name, None)
        rows = {(f.domain, f.label) for f in faults if isinstance(f, sdtm.RecordError)}
        for name in {name for name, _ in rows if name in left}:
            own = sorted(row for domain, row in rows if domain == name)
            aside[name] = aside.get(name, []) + own
            left[name] = left[name].drop(index=own)
        found = sdtm.find_faults(left, protocol)
    return left, aside


def _in_part(tables: sdtm.Tables, aside: Mapping[str, list[int]]) -> set[str]:
    """Domains that lack records of somebody who is in DM; of whom DM is faulty nothing is left, and nothing missed."""
    gone = set(tables["DM"].loc[aside["DM"], "USUBJID"]) if "DM" in aside else set()
    return {
        name
        for name, rows in aside.items()
        if name == "DM" or not gone.issuperset(tables[name].loc[rows, "USUBJID"])
    }


def _queries(
    seen: _Cut | str,
    took: Intake,
    protocol: Protocol,
    earlier: sdtm.Tables,
    ledger: Disclosed | None,
    faulty: set[str],
) -> pd.DataFrame | str:
    """The queries, or why none could be asked."""
    if isinstance(seen, str):
        return seen
    adsl = adam.derive_adsl(seen.tables, protocol, seen.cutoff)
    if not adsl["RANDFL"].eq("Y").any():
        of = " of those whose records of DM and DS have no fault" if {"DM", "DS"} & faulty else ""
        return f"nobody had been randomised by the cut-off{of}"
    adlb = adam.derive_adlb(seen.tables, adsl, queries.unscored(protocol))
    aside = took.aside_by(seen.cutoff, seen.tables)
    evidence = queries.Evidence(
        seen.tables, adsl, adlb, protocol, aside, took.numbers, seen.cutoff, took.numbering, earlier,
        ledger and ledger.until(f"{seen.cutoff:%Y-%m-%d}"), faulty,
    )  # fmt: skip
    return queries.find_queries(evidence)


# --- telling --------------------------------------------------------------------------------------------------


def _checked(
    faults: Sequence[InputError],
    asked: pd.DataFrame,
    tables: sdtm.Tables,
    patients: set[str],
    notes: Sequence[str],
    used: pd.DataFrame | None,
) -> Checked:
    rows = pd.DataFrame([_fault_row(f, tables) for f in faults], columns=list(FAULT_COLUMNS), dtype=object)
    rows = rows.map(hidden)  # the number of a record is a cell too
    remark = asked["USUBJID"].isin(patients).map({True: _REMARK, False: ""}).astype(object)
    told = asked.rename(columns={"USUBJID": "subject"}).assign(remark=remark)
    told = told[list(QUERY_COLUMNS)].astype(object)
    about = told["record"].map(lambda record: record.split()[0] if record else "")
    names = [name for name in sdtm.DOMAINS if name in tables or name in set(rows["domain"])]
    counts = [
        (name, len(tables.get(name, ())), int(rows["domain"].eq(name).sum()), int(about.eq(name).sum()))
        for name in names
    ]
    return Checked(
        faults=rows,
        queries=told,
        counts=pd.DataFrame(counts, columns=list(COUNT_COLUMNS)),
        account=used,
        notes=tuple(map(hidden, notes)),
    )


def _fault_row(fault: InputError, tables: sdtm.Tables) -> dict[str, str]:
    offender = fault.offender
    told = {
        "subject": "",
        "domain": "",
        "record": "",
        "variable": fault.subject,
        "place": fault.where,
        "rule": fault.rule,
        "found": "" if offender is None else offender if isinstance(offender, str) else repr(offender),
        "remedy": fault.remedy,
    }
    if not isinstance(fault, sdtm.RecordError):
        words = (fault.subject.removeprefix("domain ").split()[0].split(".")[0], fault.where.split(".")[0])
        domain = next((word.upper() for word in words if word.upper() in sdtm.DOMAINS), "")
        return told | {"domain": domain, "variable": fault.subject.removeprefix(f"{domain}.")}
    table, own = tables[fault.domain], fault.label
    file, row = reading.place(table, own)
    cells = {c: str(table[c].loc[own]) for c in ("USUBJID", f"{fault.domain}SEQ") if c in table}
    return told | {
        "subject": cells.get("USUBJID", ""),
        "domain": fault.domain,
        "record": cells.get(f"{fault.domain}SEQ", ""),
        "variable": fault.column,
        "place": places.place(table, own, fault.column) or f"{file}, row {row}",
    }


def report_text(checked: Checked, say: Translator = IN_ENGLISH) -> str:
    """The findings for the terminal: faults one line a variable and rule, queries by severity and rule, then the counts."""
    told = together(map(_as_fault, checked.faults.to_dict("records")))
    lines = [say.fault(fault) for fault in told]
    if len(told) < len(checked.faults):
        lines.append(say("Each place is a row of the file that --output writes."))
    answered = checked.queries["status"].eq(ANSWERED)
    for (done, severity, asked_rule), own in checked.queries.groupby(
        [answered, "severity", "rule"], sort=False
    ):
        lines.append(say(f"{'answered, ' if done else ''}{severity} query: {asked_rule}"))
        lines += [_query_line(query, say) for query in own.head(_LISTED).to_dict("records")]
        if (more := len(own) - _LISTED) > 0:
            lines.append(f"  {say(f'{more:,} more are in the file that --output writes.')}")
    if checked.queries["remark"].ne("").any():
        lines.append(f"* {say(_REMARK)}")
    lines += map(say, checked.notes)
    lines += [] if checked.account is None else [say(account.totals(checked.account))]
    asked = checked.queries[~answered]
    of_each = [
        f"{count} {severity}" for severity, count in asked["severity"].value_counts(sort=False).items()
    ]
    if new := int(asked["status"].eq(NEW).sum()):
        of_each.append(f"{new} new")
    faults = len(checked.faults)
    counts = f"{faults} {_noun(faults, 'fault')}, {len(asked)} open {_noun(len(asked), 'query', 'queries')}"
    counts += f" ({', '.join(of_each)})" if of_each else ""
    lines.append(say(f"{counts}, {answered.sum()} answered" if answered.any() else counts))
    return "\n".join([*lines, *say.not_said])


def _query_line(query: Mapping[Hashable, Any], say: Translator) -> str:
    about = ", ".join(part for part in (query["subject"], query["record"]) if part)
    mark = f"{say(NEW)}, " if query["status"] == NEW else ""
    end = f" {query['answer']}" if query["answer"] else " *" if query["remark"] else ""
    return f"  {query['id']} {mark}{about}: {say(query['message'])}{end}"


def _as_fault(row: Mapping[Hashable, Any]) -> InputError:
    domain, variable = row["domain"], row["variable"]
    named = f"{domain}.{variable}" if domain and variable.isupper() else variable
    places = (row["place"], f"subject {row['subject']}" if row["subject"] else "")
    return InputError(
        named, row["rule"], row["found"] or None, ", ".join(filter(None, places)), row["remedy"]
    )


def _noun(count: int, one: str, many: str = "") -> str:
    return one if count == 1 else many or f"{one}s"
