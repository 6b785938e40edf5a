"""What a data manager has to settle: every fault of an export and every data query, without running anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from esld.data import adam, dates, queries, readers, sdtm, views
from esld.data.cut import apply_cut
from esld.data.overrides import Override, apply_overrides, overrides_beside, read_overrides
from esld.data.study import CutFile, cut_faults
from esld.errors import InputError, InputErrors
from esld.protocol import Protocol, read_protocol

FAULT_COLUMNS = ("subject", "domain", "record", "variable", "place", "rule", "found", "remedy")
QUERY_COLUMNS = ("subject", "record", "severity", "rule", "message", "remark")
COUNT_COLUMNS = ("domain", "records", "faults", "queries")
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
        One row a data query: ``subject``, ``record``, ``severity``, ``rule``, ``message``, and ``remark`` on those of patients
        with a faulty record.
    counts : DataFrame
        By domain: ``records`` read, ``faults``, ``queries``.
    notes : tuple of str
        What was not looked for, and why.
    """

    faults: pd.DataFrame
    queries: pd.DataFrame
    counts: pd.DataFrame
    notes: tuple[str, ...]

    def sheets(self) -> dict[str, pd.DataFrame]:
        """The tables for a workbook."""
        notes = pd.DataFrame({"note": list(self.notes)}, dtype=object)
        return {"Faults": self.faults, "Queries": self.queries, "Counts": self.counts, "Notes": notes}


def check_cut(file: CutFile) -> Checked:
    """Check the data of a cut: faults of the whole export, queries as its chapter on the data cut lists them.

    Raises
    ------
    esld.errors.InputError
        The protocol is refused, or there are no data.
    """
    return _check(file.data_path, read_protocol(file.protocol_path), file, file.overrides_path)


def check_data(data: Path, protocol: Path) -> Checked:
    """Check an export that no cut describes, whole: no date is compared with a cut-off or a snapshot.

    Raises
    ------
    esld.errors.InputError
        The protocol is refused, or there are no data.
    """
    path = overrides_beside(data)
    return _check(data, read_protocol(protocol), None, path if path.is_file() else None)


def _check(data: Path, protocol: Protocol, file: CutFile | None, corrections: Path | None) -> Checked:
    tables, unreadable = _read(data)
    faults = list(unreadable.values())
    notes: list[str] = []
    if corrections is not None:
        tables, refused = _corrected(tables, corrections, unreadable, file)
        hides = file is not None and file.cut.view != "unblinded"
        faults += [] if hides else refused  # they quote what was found, in whatever column
    if file is not None and file.cut.view != "unblinded":
        tables, protocol = views.seen(tables, protocol, file.cut.view)
        notes.append(
            f"Checked as the {file.cut.view} view shows the export: faults of what it does not load, and of recorded "
            "corrections, are not listed."
        )
    found = sdtm.find_faults(tables, protocol)
    faults += [fault for fault in found if fault.subject not in {f"domain {name}" for name in unreadable}]
    if file is None:
        notes.append("No cut file was given: no date was compared with a snapshot or a cut-off.")
    elif all(set(sdtm.DOMAINS[name].required) <= set(tables.get(name, ())) for name in ("DM", "DS")):
        faults += cut_faults(tables, file, shown=None)
    sound, aside = _sound(tables, protocol, found)
    asked = _queries(sound, protocol, file)
    if isinstance(asked, str):
        notes.append(f"Data queries were not looked for: {asked}.")
        asked = pd.DataFrame(columns=list(queries.COLUMNS))
    else:
        known = {*tables, *unreadable, *protocol.domains}
        without = [name for name in sdtm.DOMAINS if name in known and name not in sound]
        if without:
            notes.append(f"Data queries were looked for without {', '.join(without)}.")
        if count := sum(len(rows) for rows in aside.values()):
            notes.append(f"Data queries were looked for without {count} faulty {_noun(count, 'record')}.")
    patients = {p for name, rows in aside.items() for p in tables[name].loc[rows, "USUBJID"].dropna()}
    return _checked(faults, asked, tables, patients, notes)


# --- reading ------------------------------------------------------------------------------------------------


def _read(data: Path) -> tuple[sdtm.Tables, dict[str, InputError]]:
    """Every table that can be read, and why the others cannot."""
    try:
        return sdtm.read_tables(data), {}
    except InputError as error:
        whole = error
    tables: sdtm.Tables = {}
    faults: dict[str, InputError] = {}
    reader = readers.read_csv_folder if data.is_dir() else readers.READERS.get(data.suffix.lower())
    if reader is None or not data.exists():
        raise whole
    for name in sdtm.DOMAINS:
        try:
            tables |= reader(data, [name])
        except InputError as error:
            faults[name] = error
            continue
        if name in tables and (fault := sdtm.unusable(name, tables[name])):
            faults[name] = fault
            del tables[name]
    if not tables and (not faults or data.is_file()):
        raise whole  # there is nothing, or it is the workbook that cannot be read
    return tables, faults


def _corrected(
    tables: sdtm.Tables, path: Path, unreadable: dict[str, InputError], file: CutFile | None
) -> tuple[sdtm.Tables, Sequence[InputError]]:
    """Tables after the corrections that can be applied, and what is wrong with the others."""
    faults: list[InputError] = []
    corrections: tuple[Override, ...] = ()
    try:
        corrections = read_overrides(path)
    except InputError as error:
        faults += _each(error)
    wanted = [c for c in corrections if c.domain not in unreadable]
    try:
        return apply_overrides(tables, wanted, file=path.name), faults
    except InputError as error:
        return tables, [*faults, *_each(error)]


def _each(error: InputError) -> Sequence[InputError]:
    return error.errors if isinstance(error, InputErrors) else [error]


# --- querying what is sound -----------------------------------------------------------------------------------


def _sound(
    tables: sdtm.Tables, protocol: Protocol, found: Sequence[InputError]
) -> tuple[sdtm.Tables, dict[str, list[int]]]:
    """Tables without faults: those that lack a variable go whole, and of the others the faulty records.

    A record may be faulty only because another one went, so that this is repeated until nothing is.
    """
    left = dict(tables)
    aside: dict[str, list[int]] = {}
    while faults := [fault for fault in found if not fault.subject.startswith("domain ")]:
        of_tables = {f.subject.partition(".")[0] for f in faults if not isinstance(f, sdtm.RecordError)}
        for name in of_tables:
            left.pop(name, None)
            aside.pop(name, None)
        rows = {(f.domain, f.row - 2) for f in faults if isinstance(f, sdtm.RecordError)}
        for name in {name for name, _ in rows if name in left}:
            own = sorted(row for domain, row in rows if domain == name)
            aside[name] = aside.get(name, []) + own
            left[name] = left[name].drop(index=own)
        found = sdtm.find_faults(left, protocol)
    return left, aside


def _queries(tables: sdtm.Tables, protocol: Protocol, file: CutFile | None) -> pd.DataFrame | str:
    """The queries, or why none could be asked."""
    for name in ("DM", "DS"):
        if name not in tables or tables[name].empty:
            return f"{name} is missing or faulty"
    days = [
        dates.earliest(t[c]).max()
        for n, t in tables.items()
        for c in sdtm.date_columns(sdtm.DOMAINS[n])
        if c in t
    ]
    cutoff = dates.as_date(file.cut.cutoff) if file else max(day for day in days if pd.notna(day))
    snapshot = dates.as_date(file.cut.snapshot) if file else cutoff
    cut_tables, _ = apply_cut(tables, cutoff, snapshot)
    adsl = adam.derive_adsl(cut_tables, protocol, cutoff)
    if not adsl["RANDFL"].eq("Y").any():
        return "nobody had been randomised by the cut-off"
    adlb = adam.derive_adlb(cut_tables, adsl, protocol)
    return queries.find_queries(queries.Evidence(cut_tables, adsl, adlb, protocol))


# --- telling --------------------------------------------------------------------------------------------------


def _checked(
    faults: Sequence[InputError],
    asked: pd.DataFrame,
    tables: sdtm.Tables,
    patients: set[str],
    notes: Sequence[str],
) -> Checked:
    rows = pd.DataFrame([_fault_row(f, tables) for f in faults], columns=list(FAULT_COLUMNS), dtype=object)
    remark = asked["USUBJID"].isin(patients).map({True: _REMARK, False: ""}).astype(object)
    told = (
        asked.rename(columns={"USUBJID": "subject"}).assign(remark=remark)[list(QUERY_COLUMNS)].astype(object)
    )
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
        notes=tuple(notes),
    )


def _fault_row(fault: InputError, tables: sdtm.Tables) -> dict[str, str]:
    offender = fault.offender
    row = {
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
        return row | {"domain": domain, "variable": fault.subject.removeprefix(f"{domain}.")}
    table, own = tables[fault.domain], fault.row - 2
    cells = {c: str(table[c].loc[own]) for c in ("USUBJID", f"{fault.domain}SEQ") if c in table}
    return row | {
        "subject": cells.get("USUBJID", ""),
        "domain": fault.domain,
        "record": cells.get(f"{fault.domain}SEQ", ""),
        "variable": fault.column,
        "place": f"{table.attrs.get('file', 'table')}, row {fault.row}",
    }


def report_text(checked: Checked) -> str:
    """The findings for the terminal: faults by variable and rule, queries by severity and rule, then the counts."""
    lines: list[str] = []
    by_rule = checked.faults.groupby(["domain", "variable", "rule", "remedy"], sort=False)
    for key, own in by_rule:
        domain, variable, rule, remedy = (str(part) for part in key)
        named = f"{domain}.{variable}" if domain and variable.isupper() else variable
        lines.append(f"{named} {rule}. {remedy}".rstrip())
        lines += _places(own)
    for (severity, asked_rule), own in checked.queries.groupby(["severity", "rule"], sort=False):
        lines.append(f"{severity} query: {asked_rule}")
        for query in own.to_dict("records"):
            mark = " *" if query["remark"] else ""
            lines.append(f"  {query['subject']}, {query['record']}: {query['message']}{mark}")
    if checked.queries["remark"].ne("").any():
        lines.append(f"* {_REMARK}")
    lines += checked.notes
    severities = checked.queries["severity"].value_counts(sort=False)
    of_each = ", ".join(f"{count} {severity}" for severity, count in severities.items())
    faults, asked = len(checked.faults), len(checked.queries)
    counts = f"{faults} {_noun(faults, 'fault')}, {asked} {_noun(asked, 'query', 'queries')}"
    return "\n".join([*lines, f"{counts} ({of_each})" if of_each else counts])


def _places(faults: pd.DataFrame) -> list[str]:
    """Where a rule is broken, one line a file, subject and value."""
    files = faults["place"].str.partition(", row ")
    faults = faults.assign(file=files[0], row=files[2])
    lines = []
    for key, own in faults.groupby(["file", "subject", "found"], sort=False):
        file, subject, found = map(str, key)
        rows = sorted(int(row) for row in own["row"] if row.isdigit())
        where = f"{_noun(len(rows), 'row')} {_ranges(rows)}" if rows else str(own["row"].iloc[0])
        parts = (file, where, f"subject {subject}" if subject else "", f"got {found}" if found else "")
        if told := ", ".join(part for part in parts if part):
            lines.append(f"  {told}")
    return lines


def _ranges(numbers: list[int]) -> str:
    """``[2, 3, 4, 9]`` as ``2-4, 9``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _noun(count: int, one: str, many: str = "") -> str:
    return one if count == 1 else many or f"{one}s"
