"""An export read in one pass: what its names say, the tables, what is wrong, and an account of everything that lies there."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Literal

import pandas as pd

from esld.data.declared import TABLE_SUFFIXES, Reading
from esld.data.pseudonyms import KEY_FILE
from esld.data.reading import (
    dataset_json,
    delimited,
    encoding,
    excel,
    parquet,
    personal,
    transport,
    words,
)
from esld.data.reading.names import (
    UNREAD,
    Meaning,
    file_beside,
    folded,
    looks_like,
    looks_like_forms,
    meaning_of,
)
from esld.data.reading.parts import belongs, joined, put_together
from esld.data.reading.source import Source
from esld.data.reading.table import Tables, listed, place, stacked
from esld.errors import InputError, InputErrors, each_of

COLUMNS = ("file", "sheet", "domain", "records", "use", "why")
READ: Literal["read"] = "read"
NOT_READ: Literal["not read"] = "not read"
NOT_UNDERSTOOD = "not understood"  # how ``why`` begins where nobody knows what it is
_MAPPING = "docs/how-to/redcap.md: 'mapping: M' in the cut file; without one the option --mapping"
_NAMED = 12  # files that an error lists


@dataclass(frozen=True)
class Fault:
    """What is wrong, and with which domain; empty where it is none in particular."""

    domain: str
    error: InputError


@dataclass(frozen=True)
class Export:
    """What an export holds.

    Attributes
    ----------
    tables : dict of str to DataFrame
        Domain code to table: all columns text, empty cells missing, names in upper case; :func:`esld.data.reading.place` tells
        where a row stands. ``attrs["file"]`` names where it came from and ``attrs["encoding"]`` how it was decoded.
    files : DataFrame
        Everything that lies there: ``file sheet domain records use why``, ``use`` being ``read`` or ``not read``; ``records`` is
        missing for what was not read.
    faults : tuple of Fault
        Everything that is wrong. A domain with a fault of its own is not among the tables.
    remarks : tuple of str
        What was read otherwise than it is written, because that is declared: a sentence each.
    """

    tables: Tables
    files: pd.DataFrame
    faults: tuple[Fault, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What was not read and nobody knows, and what was read without having a place: a sentence each."""
        told = [
            f"Not read: {row['file']}{', sheet ' + row['sheet'] if row['sheet'] else ''} ({row['why']})."
            for row in self.files.to_dict("records")
            if row["use"] == NOT_READ and row["why"].startswith(NOT_UNDERSTOOD)
        ]
        otherwise = self.files[self.files["use"].eq(READ) & self.files["why"].str.contains(";")]
        return (
            *told,
            *(f"Read: {row['file']} ({row['why']})." for row in otherwise.to_dict("records")),
            *self.remarks,
        )


@dataclass
class _Account:
    """What has become of everything, while it is read."""

    rows: list[dict[str, object]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    as_if: dict[str, list[pd.DataFrame]] = field(default_factory=dict)  # what cannot be read yet, by domain

    def add(
        self,
        source: Source | str,
        use: Literal["read", "not read"],
        why: str,
        domain: str = "",
        records: int | None = None,
    ) -> None:
        file, sheet = (source, "") if isinstance(source, str) else (source.file, source.sheet)
        self.rows.append(dict(zip(COLUMNS, (file, sheet, domain, records, use, why), strict=True)))

    def refuse(self, source: Source | str, domain: str, error: InputError) -> None:
        self.add(source, NOT_READ, f"refused: {error.rule}", domain)
        self.faults += [Fault(domain, each) for each in each_of(error)]
        if isinstance(error, delimited.UndeclaredError):
            self.as_if.setdefault(domain, []).append(error.as_if)

    def fault(self, domain: str, error: InputError) -> None:
        self.faults.append(Fault(domain, error))


def read_export(path: Path, analysed: Collection[str], how: Reading | None = None) -> Export:
    """Read every domain of an export as text, and say of everything else what it is.

    Parameters
    ----------
    path : Path
        A folder of tables (CSV, XPT, Parquet, Dataset-JSON, workbooks), or one of these files.
    analysed : collection of str
        Codes of the domains that are wanted.
    how : Reading, optional
        What the cut file says.

    Returns
    -------
    Export

    Raises
    ------
    esld.errors.InputError
        There is nothing, nothing in it that could be a domain, or what tells who a patient is.
    """
    how = how or Reading()
    account = _Account()
    with ExitStack() as until:
        if path.is_dir():
            sources = _of_folder(path, how, account, analysed, until)
        elif path.is_file():
            sources = _of_file(path, how, until)
        else:
            rule, remedy = "must be an existing folder or file", "Check the path ('data' in the cut file)."
            raise InputError("data", rule, str(path), remedy=remedy)
        tables = _read(sources, analysed, how, account, path)
    as_if = {d: stacked(parts) for d, parts in account.as_if.items() if d and d not in tables}
    unread = {fault.domain for fault in account.faults} - {""}  # of whose columns nothing is known
    let_in = [name for name in how.personal if name.upper().partition(".")[0] not in unread]
    personal.refuse(tables | as_if, let_in, lambda name, row: _row(tables | as_if, name, row))
    if wrong := [f.error for f in account.faults if isinstance(f.error, words.OrderError)]:
        raise InputErrors(wrong)  # no date is read as it was meant: all else would follow from it
    files = pd.DataFrame(account.rows, columns=list(COLUMNS), dtype=object)
    files = files.sort_values(["file", "sheet"], kind="stable", ignore_index=True)
    if not tables and not account.faults:
        raise _nothing(path, files, [each for each in sources if looks_like_forms(_columns(each))])
    # What else has to be declared is told at once, also of files that are refused: nobody runs a command once a key.
    seen, faults = words.undeclared(tables | as_if, how)
    tables = {name: seen[name] for name in tables}
    return Export(
        tables,
        files,
        (*_merged(account.faults), *(Fault("", fault) for fault in faults)),
        tuple(account.remarks),
    )


def _row(tables: Tables, name: str, row: int) -> str:
    file, number = place(tables[name], row)
    return f"{file}, row {number}"


# --- what lies there --------------------------------------------------------------------------------------------


def _of_file(path: Path, how: Reading, until: ExitStack) -> list[Source]:
    if path.suffix.lower() not in TABLE_SUFFIXES:
        rule = f"must be a folder of tables, or a file of one of the kinds {', '.join(TABLE_SUFFIXES)}"
        remedy = UNREAD.get(path.suffix.lower(), "Export it again.")
        raise InputError(str(path), rule, path.suffix or "no suffix", remedy=remedy)
    return _opened(path, how, until, lambda: False)


def _opened(path: Path, how: Reading, until: ExitStack, witness: Callable[[], bool]) -> list[Source]:
    """The tables of a file."""
    match path.suffix.lower():
        case ".csv":
            return delimited.sources(path, how, witness)
        case ".xlsx":
            return excel.sources(path, until)
        case ".xpt":
            return transport.sources(path, how)
        case ".parquet":
            return parquet.sources(path)
    return dataset_json.sources(path)


def _of_folder(
    folder: Path, how: Reading, account: _Account, analysed: Collection[str], until: ExitStack
) -> list[Source]:
    """The tables that lie in a folder; what is none is accounted for."""
    paths = sorted(folder.iterdir())

    @cache
    def witness() -> bool:
        """Whether a CSV of this folder is beyond doubt GB18030."""
        return any(
            encoding.is_chinese(raw)
            for path in paths
            if path.suffix.lower() == ".csv" and path.is_file()
            for raw in (path.read_bytes(),)
            if encoding.strictly(raw, "utf-8") is None
        )

    sources: list[Source] = []
    for path in paths:
        name, suffix = path.name, path.suffix.lower()
        if name == KEY_FILE:
            continue  # no data, and no page tells whether there is one
        if path.is_dir():
            account.add(f"{name}/", NOT_READ, _folder(path))
        elif name.startswith("~$"):
            what = f"the mark of Excel that {name[2:]} is open: what is not saved is not read"
            account.add(name, NOT_READ, f"{NOT_UNDERSTOOD}: {what}")
        elif known := file_beside(name):
            account.add(name, NOT_READ, f"not needed: {known}")
        elif not path.is_file():
            account.add(name, NOT_READ, f"{NOT_UNDERSTOOD}: no file that can be read")
        elif (
            suffix == ".json" and not dataset_json.is_dataset(path) and not _domain_like(path.stem, analysed)
        ):
            account.add(name, NOT_READ, f"{NOT_UNDERSTOOD}: JSON, but no Dataset-JSON")
        elif suffix in TABLE_SUFFIXES:
            try:
                sources += _opened(path, how, until, witness)
            except InputError as error:
                account.refuse(name, _domain_like(path.stem, analysed), error)
        else:
            _unread(name, suffix, account, analysed)
    return sources


def _domain_like(name: str, analysed: Collection[str]) -> str:
    return meaning_of(name, analysed).domain


def _unread(name: str, suffix: str, account: _Account, analysed: Collection[str]) -> None:
    """A file of a format that is not read: a fault where it may hold a domain, told otherwise."""
    remedy = UNREAD.get(suffix)
    stem = name.partition(".")[0]
    meaning = meaning_of(stem, analysed)
    if remedy and meaning.domain:
        rule = f"must be a file of one of the kinds {', '.join(TABLE_SUFFIXES)}"
        account.refuse(name, meaning.domain, InputError(name, rule, suffix, remedy=remedy))
    elif remedy and meaning.kind == "not needed":
        account.add(name, NOT_READ, f"not needed: {meaning.what}")
    else:
        told = f"a file of the kind {suffix}. {remedy.rstrip('.')}" if remedy else "its name is no table's"
        account.add(name, NOT_READ, f"{NOT_UNDERSTOOD}: {told}")


def _folder(path: Path) -> str:
    """What a folder inside the export is said to be: its tables are not read."""
    held = _tables_in(path)
    return f"{NOT_UNDERSTOOD}: a folder" + (f" that holds {_some(held)}" if held else "")


def _tables_in(path: Path) -> list[str]:
    try:
        return sorted(
            each.name for each in path.iterdir() if each.suffix.lower() in (*TABLE_SUFFIXES, *UNREAD)
        )
    except OSError:
        return []


def _some(names: Sequence[str]) -> str:
    return (
        listed(names)
        if len(names) <= _NAMED
        else f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"
    )


def _nothing(path: Path, files: pd.DataFrame, forms: Sequence[Source]) -> InputError:
    """The fault of an export without any domain: what was found instead."""
    if forms:
        told = listed(each.where for each in forms)
        remedy = f"Say in a mapping what becomes of each field ({_MAPPING}), and name the file of the export itself."
        rule = "must hold SDTM domains such as dm.csv, or come with a mapping"
        return InputError("data", rule, "an export of REDCap", told, remedy)
    found, remedy = [str(file) for file in files["file"].drop_duplicates()], "Check the export."
    deeper = {name: _tables_in(path / name) for name in found if name.endswith("/")}
    if filled := {name: names for name, names in deeper.items() if names}:
        remedy = f"Name the folder that holds the tables ('data' in the cut file): {listed(filled)}"
        found = [f"{name}{each}" for name, names in filled.items() for each in names]
    elif any(files["sheet"]):
        found = [f"sheet {sheet}" for sheet in files["sheet"]]
        remedy = "Call the sheets as their domains; if they are forms of your own, say in a mapping what becomes of each "
        remedy += f"column ({_MAPPING})."
    rule = "must hold SDTM domains such as dm.csv"
    return InputError("data", rule, f"only {_some(found)}" if found else "nothing", str(path), remedy)


# --- reading ----------------------------------------------------------------------------------------------------


def _read(
    sources: Sequence[Source], analysed: Collection[str], how: Reading, account: _Account, path: Path
) -> Tables:
    meant: dict[tuple[str, str], list[Source]] = {}
    unknown: list[tuple[Source, str]] = []
    for each in sources:
        try:
            source = _named(each, sources, analysed)
        except InputError as error:
            account.refuse(each, _domain_like(each.name, analysed), error)
            continue
        meaning = meaning_of(source.name, analysed)
        if meaning.kind == "not needed":
            account.add(source, NOT_READ, f"not needed: {meaning.what}")
        elif meaning.kind == "unknown":
            unknown.append((source, meaning.domain or looks_like(_columns(source), analysed)))
        elif meaning.kind == "part" and not _may_be_part(source, meaning.domain):
            unknown.append((source, looks_like(_columns(source), analysed)))
        else:
            kind = "supplement" if meaning.kind == "supplement" else "table"
            meant.setdefault((kind, meaning.domain), []).append(source)
    tables: Tables = {}
    for domain in analysed:
        own = meant.get(("table", domain), [])
        more = meant.get(("supplement", domain), [])
        found = _domain(domain, own, how, account, path)
        if found is not None:
            found = _with_supplements(domain, found, more, how, account, path)
        else:
            for source in more:
                reason = "its domain was refused" if own else "its domain is not there"
                account.add(source, NOT_READ, f"{NOT_UNDERSTOOD}: supplement of {domain}; {reason}", domain)
        if found is not None:
            tables[domain] = found
    present = {domain for kind, domain in meant if kind == "table"}
    for source, domain in unknown:
        _unknown(source, domain, domain in present, meant, account, path)
    return tables


def _named(source: Source, sources: Sequence[Source], analysed: Collection[str]) -> Source:
    """A source under the name that counts: its file's or sheet's, or its own where that says more.

    Raises
    ------
    esld.errors.InputError
        The two names are of different domains.
    """

    def meaning(name: str) -> Meaning:
        return meaning_of(name, analysed)

    by_name, says = meaning(source.name), source.says
    if source.sheet and by_name.kind == "unknown" and sum(s.file == source.file for s in sources) == 1:
        says = Path(source.file).stem  # the only sheet of a workbook that has a name
    said = meaning(says)
    if not says or said.kind == "unknown" or said == by_name:
        return source
    if by_name.kind == "unknown" or (by_name.kind == "part" and said.domain == by_name.domain):
        return replace(source, name=says)
    if said.kind == "part" and said.domain == by_name.domain:
        return source
    raise InputError(
        source.file, "must be called as the data set in it", says, remedy="Correct the name of the file."
    )


def _columns(source: Source) -> Sequence[str]:
    try:
        return source.header()
    except (InputError, OSError):
        return ()


def _may_be_part(source: Source, domain: str) -> bool:
    """Whether a table that is called like a part of a domain is a table of SDTM at all."""
    columns = {column for column in _columns(source) if column}
    return not columns or "DOMAIN" in columns or bool(looks_like(columns, [domain]))


def _table(source: Source, how: Reading) -> pd.DataFrame:
    table = source.read()
    if fault := words.of_spreadsheet(table, how):
        raise fault
    return words.as_declared(table, how, typed=source.typed)


def _domain(
    domain: str, sources: Sequence[Source], how: Reading, account: _Account, path: Path
) -> pd.DataFrame | None:
    """The table of a domain from its files; None where there is none, or something is wrong."""
    if error := _twice(f"domain {domain}", sources, path):
        for source in sources:
            account.add(source, NOT_READ, "refused: it is there twice", domain)
        account.fault(domain, error)
        return None
    read: list[tuple[Source, pd.DataFrame]] = []
    for source in sources:
        try:
            table = _table(source, how)
            if fault := unusable(domain, table) or belongs(table, domain, part=folded(source.name) != domain):
                raise fault
            read.append((source, table))
        except InputError as error:
            account.refuse(source, domain, error)
    if len(read) < len(sources) or not sources:
        for source, _ in read:
            account.add(source, NOT_READ, "refused: another part of the domain was", domain)
        return None
    try:
        whole = put_together(domain, [table for _, table in read])
    except InputError as error:
        for source, _ in read:
            account.add(source, NOT_READ, f"refused: {error.rule}", domain)
        account.fault(domain, error)
        return None
    account.remarks += [told for _, table in read if (told := table.attrs.get("dates"))]
    for source, table in read:
        account.add(
            source,
            READ,
            (f"domain {domain}" if len(read) == 1 else f"part of domain {domain}") + _padded(table),
            domain,
            len(table),
        )
    return whole


def _twice(subject: str, sources: Sequence[Source], path: Path) -> InputError | None:
    """The fault of one table in two files, or of parts in different formats."""
    names: dict[str, list[str]] = {}
    for source in sources:
        names.setdefault(folded(source.name), []).append(source.where)
    if doubled := [files for files in names.values() if len(files) > 1]:
        rule = f"must be one file, got {listed(doubled[0])}"
        return InputError(subject, rule, None, str(path), "Remove the outdated one.")
    if len({Path(source.file).suffix.lower() for source in sources}) > 1:
        rule = f"must be of one format, got {listed(source.where for source in sources)}"
        return InputError(
            subject, rule, None, str(path), "Export it again, or remove what does not belong to it."
        )
    return None


def unusable(name: str, table: pd.DataFrame) -> InputError | None:
    """Why a table that was read holds nothing to go on; None for one that does.

    A header without records says that nothing of the kind has happened yet: before its first event a trial has no records of
    CE or AE. That is no fault, but of DM, without which there is nobody.
    """
    lacking = "a header row" if not len(table.columns) else "rows" if name == "DM" and table.empty else ""
    if not lacking:
        return None
    return InputError(
        f"{name} table", f"must have {lacking}", "none", str(table.attrs["file"]), "Export it again."
    )


def _with_supplements(
    domain: str, parent: pd.DataFrame, sources: Sequence[Source], how: Reading, account: _Account, path: Path
) -> pd.DataFrame | None:
    """A domain with what its SUPP-- say; None where one of these is refused."""
    if not sources:
        return parent
    try:
        if error := _twice(f"supplement of {domain}", sources, path):
            raise error
        supplements = [_supplement(source, how, account) for source in sources]
        whole, orphans = joined(parent, stacked(supplements), domain)
    except InputError as error:
        for source in sources:
            account.add(source, NOT_READ, f"refused: {error.rule}", domain)
        account.fault(domain, error)
        return None
    lost = f"; {orphans} of its records are of no record of {domain}" if orphans else ""
    for source, table in zip(sources, supplements, strict=True):
        account.add(source, READ, f"joined to {domain}{lost}{_padded(table)}", domain, len(table))
    return whole


def _supplement(source: Source, how: Reading, account: _Account) -> pd.DataFrame:
    """A SUPP-- whose values are read as if they stood in columns of the names of their qualifiers."""
    table = _table(source, how)
    for name, own in table.groupby("QNAM") if {"QNAM", "QVAL"} <= set(table) else ():
        column = own[["QVAL"]].set_axis([folded(str(name))], axis=1)
        column.attrs = table.attrs
        read = words.as_declared(column, how, typed=source.typed)
        table.loc[own.index, "QVAL"] = read.iloc[:, 0]
        account.remarks += [told] if (told := read.attrs.get("dates")) else []
    return table


def _padded(table: pd.DataFrame) -> str:
    """That ids were read without the blanks around them: written in two ways, they are one."""
    row = table.attrs.get("padded")
    return f"; ids are read without the blanks around them, the first in row {row}" if row else ""


def _unknown(
    source: Source,
    domain: str,
    present: bool,
    meant: Mapping[tuple[str, str], Sequence[Source]],
    account: _Account,
    path: Path,
) -> None:
    """A table whose name is no domain's: a fault where it looks like one that is analysed, told otherwise."""
    if not domain:
        account.add(source, NOT_READ, f"{NOT_UNDERSTOOD}: its name is no SDTM domain's")
        return
    account.add(source, NOT_READ, f"{NOT_UNDERSTOOD}: it looks like {domain}", domain)
    if present:
        read = listed(each.where for each in meant["table", domain])
        rule, remedy = (
            f"must be one file, got {read} and {source.where}",
            "Remove the one that is not the export.",
        )
        account.fault("", InputError(f"domain {domain}", rule, None, str(path), remedy))
    else:
        what = "sheet" if source.sheet else "file"
        rule = f"must be named as its domain, such as {domain if source.sheet else domain.lower() + Path(source.file).suffix}"
        remedy = f"Rename or remove it: it looks like {domain}."
        account.fault(
            domain, InputError(f"{what} {source.sheet or source.file}", rule, None, str(path), remedy)
        )


# --- telling ----------------------------------------------------------------------------------------------------


def _merged(faults: Iterable[Fault]) -> list[Fault]:
    """One fault for those of whole files that differ in nothing but the file."""
    groups: dict[object, list[Fault]] = {}
    for number, fault in enumerate(faults):
        error = fault.error
        of_file = error.subject.lower().endswith(TABLE_SUFFIXES) and not error.where
        key = (error.rule, str(error.offender), error.remedy) if of_file else number
        groups.setdefault(key, []).append(fault)
    merged = []
    for own in groups.values():
        if len(own) == 1:
            merged += own
            continue
        first = own[0].error
        error = InputError(
            listed(fault.error.subject for fault in own),
            first.rule,
            first.offender,
            first.where,
            first.remedy,
        )
        merged += [Fault(domain, error) for domain in dict.fromkeys(fault.domain for fault in own)]
    return merged
