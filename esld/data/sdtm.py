"""Reading and validating SDTM tables: text in, every structural fault named at once.

Tables stay text as exported; what needs a number or a date is checked here and converted by the derivations.
Records that contradict each other are not faults but data queries (:mod:`esld.data.queries`).
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from esld.data import dates, readers
from esld.errors import InputError, InputErrors
from esld.protocol import Protocol

Tables = readers.Tables


@dataclass(frozen=True)
class Domain:
    """One SDTM domain: required variables, the date that places a record in time, and every date in it."""

    name: str
    required: tuple[str, ...]
    date: str | None = None
    end: str | None = None
    dates: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    coded: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    filled: tuple[str, ...] = ()

    @property
    def sequence(self) -> str:
        """Variable that numbers the records of a subject; DM has none."""
        return f"{self.name}SEQ"


def _domain(name: str, required: str, *, filled: str = "", **options: Any) -> Domain:
    return Domain(name, tuple(required.split()), filled=tuple(filled.split()), **options)


DOMAINS: Mapping[str, Domain] = {
    d.name: d
    for d in (
        _domain(
            "DM",
            "STUDYID USUBJID SUBJID AGE SEX ARMCD ARM ACTARMCD RFICDTC DTHFL DTHDTC",
            filled="RFICDTC SEX",
            dates=("RFICDTC", "RFSTDTC", "RFXSTDTC", "RFXENDTC", "RFENDTC", "DTHDTC"),
            coded={"SEX": ("M", "F"), "DTHFL": ("Y",)},
        ),
        _domain("DS", "USUBJID DSSEQ DSDECOD DSCAT DSSTDTC", filled="DSDECOD DSSTDTC", date="DSSTDTC"),
        _domain("IE", "USUBJID IESEQ IETESTCD IECAT IEORRES IEDTC", filled="IETESTCD", date="IEDTC"),
        _domain(
            "EX",
            "USUBJID EXSEQ EXTRT EXDOSE EXDOSU EXSTDTC",
            filled="EXSTDTC EXDOSE EXDOSU",
            date="EXSTDTC",
            end="EXENDTC",
            numeric=("EXDOSE",),
        ),
        _domain("VS", "USUBJID VSSEQ VSTESTCD VSORRES VSORRESU VSDTC", date="VSDTC"),
        _domain(
            "LB",
            "USUBJID LBSEQ LBTESTCD LBORRES LBORRESU LBORNRLO LBORNRHI VISIT LBDTC",
            filled="LBTESTCD LBDTC",
            date="LBDTC",
        ),
        _domain("RS", "USUBJID RSSEQ RSTESTCD RSORRES VISIT RSDTC", filled="RSTESTCD RSDTC", date="RSDTC"),
        _domain(
            "CE", "USUBJID CESEQ CETERM CEDECOD CESTDTC", filled="CESTDTC", date="CESTDTC", end="CEENDTC"
        ),
        _domain(
            "AE",
            "USUBJID AESEQ AETERM AEDECOD AETOXGR AESER AEOUT AESTDTC AEENDTC",
            filled="AETERM AESTDTC",
            date="AESTDTC",
            end="AEENDTC",
            coded={"AETOXGR": ("1", "2", "3", "4", "5"), "AESER": ("Y", "N")},
        ),
        _domain("PR", "USUBJID PRSEQ PRTRT PRDECOD PRSTDTC", filled="PRSTDTC", date="PRSTDTC", end="PRENDTC"),
        _domain("CM", "USUBJID CMSEQ CMTRT CMDECOD CMSTDTC", date="CMSTDTC", end="CMENDTC"),
        _domain("MH", "USUBJID MHSEQ MHTERM", date="MHSTDTC", end="MHENDTC"),
    )
}

# Every form that states a death: domain, the variable that dates it, and the variable and value that say so.
DEATH_FORMS = (
    ("DM", "DTHDTC", "DTHFL", "Y"),
    ("DS", "DSSTDTC", "DSDECOD", "DEATH"),
    ("AE", "AEENDTC", "AEOUT", "FATAL"),
)


def date_columns(domain: Domain) -> tuple[str, ...]:
    """Every date variable that a domain may hold."""
    return domain.dates or tuple(c for c in (domain.date, domain.end) if c)


# --- reading ------------------------------------------------------------------------------------------------


def read_tables(path: Path) -> Tables:
    """Read every domain of an export as text.

    Parameters
    ----------
    path : Path
        A folder of ``dm.csv …`` (UTF-8 with or without BOM, or GB18030), or one ``.xlsx`` with a sheet per
        domain.

    Returns
    -------
    dict of str to DataFrame
        Domain code to table; all columns text, empty cells missing, names in upper case. Row ``n`` of the
        index is row ``n + 2`` of the spreadsheet; blank rows are left out. ``attrs["file"]`` names where the
        table came from and ``attrs["encoding"]`` how it was decoded.

    Raises
    ------
    esld.errors.InputError
        Nothing there, no domain in it, DM without rows, or a table without a header, with ragged rows, with a
        column twice, or of another encoding.
    """
    if path.is_dir():
        tables = readers.read_csv_folder(path, DOMAINS)
    elif path.is_file():
        reader = readers.READERS.get(path.suffix.lower())
        if reader is None:
            rule = f"must be a folder of CSV files or one of {sorted(readers.READERS)}"
            raise InputError(str(path), rule, path.suffix or "no suffix", remedy="Export it again.")
        tables = reader(path, DOMAINS)
    else:
        rule, remedy = "must be an existing folder or file", "Check 'data' in the cut file."
        raise InputError("data", rule, str(path), remedy=remedy)
    if not tables:
        rule = "must hold SDTM domains such as dm.csv"
        raise InputError("data", rule, str(path), remedy="Check the export.")
    for name, table in tables.items():
        if fault := unusable(name, table):
            raise fault
    return tables


def unusable(name: str, table: pd.DataFrame) -> InputError | None:
    """Why a table that was read holds nothing to go on; None for one that does.

    A header without records says that nothing of the kind has happened yet: before its first event a trial has no records of
    CE or AE. That is no fault, but of DM, without which there is nobody.
    """
    lacking = "a header row" if not len(table.columns) else "rows" if name == "DM" and table.empty else ""
    if not lacking:
        return None
    return InputError(f"{name} table", f"must have {lacking}", "none", _file(table), "Export it again.")


# --- validating ---------------------------------------------------------------------------------------------

_SHOWN = 3  # records named for one broken rule; the others are counted
_GRADES = {"ASCITES": 3, "ASCDIUR": 1, "WHAVEN": 4}  # the highest grade of what the scores read


@dataclass(frozen=True)
class _Rule:
    """What a variable must be, what to do when it is not, and which records pass."""

    column: str
    text: str
    remedy: str
    passes: Callable[[pd.Series], pd.Series]


class RecordError(InputError):
    """A fault of one record, which it names: ``domain``, ``column``, ``row`` as a spreadsheet counts it."""

    def __init__(
        self,
        table: pd.DataFrame,
        row: int,
        domain: str,
        column: str,
        rule: str,
        got: str,
        more: str,
        remedy: str,
    ) -> None:
        self.domain, self.column, self.row = domain, column, row + 2
        self.got = got
        super().__init__(f"{domain}.{column}", rule, got, f"{record_place(table, row)}{more}", remedy)


def validate(tables: Tables, protocol: Protocol) -> None:
    """Check every table against its domain and the protocol, and report all faults at once.

    Of each broken rule three records are named and the others counted.

    Raises
    ------
    esld.errors.InputErrors
        A domain or variable is missing, a subject appears twice or in no DM, an arm is unknown, arm and
        randomisation or death and its date do not go together, a date is none, a number is none or negative,
        a grade or coded value is unknown, or a unit that the analysis needs is missing or unknown.
    """
    if faults := find_faults(tables, protocol, shown=_SHOWN):
        raise InputErrors(faults)


def find_faults(tables: Tables, protocol: Protocol, *, shown: int | None = None) -> list[InputError]:
    """What :func:`validate` reports, of each broken rule ``shown`` records, all without."""
    faults = [*_missing_domains(tables, protocol)]
    for name, table in tables.items():
        faults += _missing_columns(name, table, protocol)
        faults += _schema_faults(name, tables, protocol, shown)
    return faults


def _missing_domains(tables: Tables, protocol: Protocol) -> Iterator[InputError]:
    for name in protocol.domains:
        if name not in tables:
            present = f"only {', '.join(sorted(tables))}"
            remedy = f"Export {name.lower()}.csv; the protocol lists it under 'domains'."
            yield InputError(f"domain {name}", "must be present", present, remedy=remedy)


def _missing_columns(name: str, table: pd.DataFrame, protocol: Protocol) -> Iterator[InputError]:
    sources = [s for s in protocol.sources if s.domain == name]
    wanted = dict.fromkeys([*DOMAINS[name].required, *(c for s in sources for c in (s.date, *s.where))])
    for column in wanted:
        if column not in table:
            yield InputError(f"{name}.{column}", "must be a column", None, _file(table), "Export it again.")


def _schema_faults(name: str, tables: Tables, protocol: Protocol, shown: int | None) -> Iterator[InputError]:
    import pandera.pandas as pa

    table = tables[name]
    rules = [rule for rule in _rules(name, tables, protocol) if rule.column in table]
    checks: dict[str, list[pa.Check]] = {rule.column: [] for rule in rules}
    for rule in rules:
        checks[rule.column].append(pa.Check(rule.passes, error=rule.text, ignore_na=False))
    schema = pa.DataFrameSchema({c: pa.Column(checks=own, nullable=True) for c, own in checks.items()})
    try:
        schema.validate(table, lazy=True)
    except pa.errors.SchemaErrors as error:
        remedies = {(rule.column, rule.text): rule.remedy for rule in rules}
        for (column, text), cases in error.failure_cases.groupby(["column", "check"], sort=False):
            rows = cases["index"].astype(int)
            found = cases["failure_case"].set_axis(rows).sort_index()
            yield from record_faults(name, table, column, found, text, remedies[column, text], shown)


def record_faults(
    name: str, table: pd.DataFrame, column: str, found: pd.Series, rule: str, remedy: str, shown: int | None
) -> Iterator[InputError]:
    """One fault a record, ``found`` holding the cells by row; after ``shown`` of them the others are counted."""
    named = found if shown is None else found.head(shown)
    for count, (row, offender) in enumerate(named.items(), start=1):
        hidden = len(found) - count if count == len(named) else 0
        more = f", and {hidden} more" if hidden else ""
        got = "nothing" if pd.isna(offender) else repr(str(offender))
        yield RecordError(table, int(str(row)), name, column, rule, got, more, remedy)


def record_place(table: pd.DataFrame, row: Any) -> str:
    """Where a record stands: file, row as a spreadsheet counts it, subject."""
    subject = table["USUBJID"].get(row) if "USUBJID" in table else None
    return f"{_file(table)}, row {row + 2}, subject {'unknown' if pd.isna(subject) else subject}"


def _file(table: pd.DataFrame) -> str:
    return str(table.attrs.get("file", "table"))


def _rules(name: str, tables: Tables, protocol: Protocol) -> Iterator[_Rule]:
    """Every rule of a domain under a protocol; the texts are what a user reads."""
    domain = DOMAINS[name]
    for column in ("USUBJID", *domain.filled):
        yield _Rule(column, "must be filled", "Complete the record.", lambda s: s.notna())
    sources = [s.date for s in protocol.sources if s.domain == name]
    for column in dict.fromkeys([*date_columns(domain), *sources]):
        text = "must be a calendar date, YYYY-MM-DD or partial"
        yield _Rule(column, text, "Correct the date.", dates.is_iso)
    for column, codes in domain.coded.items():
        yield _Rule(column, f"must be one of {list(codes)}", "Correct the export.", _in(codes))
    for column in domain.numeric:
        yield _Rule(column, "must be a number, not negative", "Correct the value.", _not_negative)
    if name != "DM" and "USUBJID" in tables.get("DM", ()):
        known = set(_cells(tables, "DM", "USUBJID").dropna())
        remedy = "Correct the id or add the DM record."
        yield _Rule("USUBJID", "must be a subject of DM", remedy, _in(known))
    if name in _RULES_OF:
        yield from _RULES_OF[name](tables, protocol)


def _dm_rules(tables: Tables, protocol: Protocol) -> Iterator[_Rule]:
    arms = list(protocol.arm_labels)
    randomised = _cells(tables, "DS", "USUBJID")[_cells(tables, "DS", "DSDECOD").eq("RANDOMIZED")]
    has_record = _cells(tables, "DM", "USUBJID").isin(randomised)
    dead, dated = _cells(tables, "DM", "DTHFL").eq("Y"), _cells(tables, "DM", "DTHDTC").notna()
    once = "Keep one DM record a subject."
    yield _Rule("USUBJID", "must be unique", once, lambda s: s.isna() | ~s.duplicated())
    yield _Rule("AGE", "must be a positive number", "Correct the age.", _positive)
    for column in ("ARMCD", "ACTARMCD"):
        yield _Rule(column, f"must be one of {arms}", "Use the arm codes of the protocol.", _in(arms))
    if "USUBJID" in tables["DM"] and {"USUBJID", "DSDECOD"} <= set(tables.get("DS", ())):
        text = "must be filled for a subject with a RANDOMIZED record in DS"
        yield _Rule("ARMCD", text, "Add the arm.", lambda s: s.notna() | ~has_record)
        text, remedy = "must be empty without a RANDOMIZED record in DS", "Add that record or clear the arm."
        yield _Rule("ARMCD", text, remedy, lambda s: s.isna() | has_record)
    yield _Rule("DTHDTC", "must be given when DTHFL is Y", "Give the date.", lambda s: s.notna() | ~dead)
    yield _Rule("DTHFL", "must be Y when DTHDTC is given", "Correct either.", lambda s: s.notna() | ~dated)


def _ds_rules(tables: Tables, protocol: Protocol) -> Iterator[_Rule]:
    rows = _cells(tables, "DS", "DSDECOD").eq("RANDOMIZED")
    text, remedy = "must be a whole date for RANDOMIZED", "Give the day: survival is counted from it."
    yield _Rule("DSSTDTC", text, remedy, lambda s: ~rows | s.isna() | ~dates.is_partial(s))


def _ex_rules(tables: Tables, protocol: Protocol) -> Iterator[_Rule]:
    remedy = "Give the day: visits are counted from the first."
    yield _Rule("EXSTDTC", "must be a whole date", remedy, lambda s: ~dates.is_partial(s))
    if known := sorted({arm.dose.unit for arm in protocol.arms if arm.dose}):
        yield _Rule("EXDOSU", f"must be one of {known}", "Convert the dose.", _in(known))


def _lb_rules(tables: Tables, protocol: Protocol) -> Iterator[_Rule]:
    """Rules of the tests that the analysis uses; a result of these must carry a unit, and none is assumed."""
    from esld.scoring import units

    code, measured = _cells(tables, "LB", "LBTESTCD"), _cells(tables, "LB", "LBORRES").notna()
    used = {p.paramcd: units.known_units(p.paramcd) for p in protocol.parameters if p.kind == "laboratory"}
    rows = measured & code.isin(used)
    remedy = "Correct the result; resolve '<' and '>' in the export."
    yield _Rule("LBORRES", "must be a positive number", remedy, lambda s: ~rows | _positive(s))
    for limit in ("LBORNRLO", "LBORNRHI"):
        text = "must be a number, not negative"
        yield _Rule(limit, text, "Correct the limit.", lambda s: ~rows | _not_negative(s))
    unit = _cells(tables, "LB", "LBORRESU")
    for paramcd, known in used.items():
        own = unit[code.eq(paramcd)].map(partial(known_unit, analyte=paramcd), na_action="ignore")
        good = ~measured | code.ne(paramcd) | own.isin(known).reindex(code.index, fill_value=False)
        text = f"must be a unit of {paramcd}, one of {list(known)}"
        remedy = "Give the unit that the laboratory printed."
        yield _Rule("LBORRESU", text, remedy, _found(good))


def _rs_rules(tables: Tables, protocol: Protocol) -> Iterator[_Rule]:
    code = _cells(tables, "RS", "RSTESTCD")
    grade = _cells(tables, "RS", "RSORRES")
    for paramcd in (p.paramcd for p in protocol.parameters if p.kind == "grade"):
        good, text = _not_negative(grade), "must be a number, not negative"
        if top := _GRADES.get(paramcd):
            good = grade.isna() | _number(grade).isin(range(top + 1))
            text = f"must be a whole number from 0 to {top}"
        yield _Rule("RSORRES", f"{text} for {paramcd}", "Correct the grade.", _found(code.ne(paramcd) | good))


def _vs_rules(tables: Tables, protocol: Protocol) -> Iterator[_Rule]:
    rows = _cells(tables, "VS", "VSTESTCD").eq("WEIGHT") & _cells(tables, "VS", "VSORRES").notna()
    text = "must be a positive number for WEIGHT"
    yield _Rule("VSORRES", text, "Correct the weight.", lambda s: ~rows | _positive(s))
    text, remedy = "must be kg for WEIGHT", "Give the weight in kg."
    yield _Rule("VSORRESU", text, remedy, lambda s: ~rows | s.str.lower().eq("kg"))


_RULES_OF: Mapping[str, Callable[[Tables, Protocol], Iterator[_Rule]]] = {
    "DM": _dm_rules,
    "DS": _ds_rules,
    "EX": _ex_rules,
    "LB": _lb_rules,
    "RS": _rs_rules,
    "VS": _vs_rules,
}


def _cells(tables: Tables, name: str, column: str) -> pd.Series:
    """A variable, or as many missing cells when the export lacks it, which is a fault of its own."""
    table = tables.get(name, pd.DataFrame())
    return table[column] if column in table else pd.Series(None, table.index, dtype=object)


def _found(good: pd.Series) -> Callable[[pd.Series], pd.Series]:
    return lambda s: good


def _in(known: Collection[str]) -> Callable[[pd.Series], pd.Series]:
    return lambda s: s.isna() | s.isin(known)


def _positive(text: pd.Series) -> pd.Series:
    return text.isna() | (_number(text) > 0)


def _not_negative(text: pd.Series) -> pd.Series:
    return text.isna() | (_number(text) >= 0)


def _number(text: pd.Series) -> pd.Series:
    """Text as numbers; NaN, which fails every comparison, for what is none or infinite."""
    return pd.to_numeric(text, errors="coerce").replace([np.inf, -np.inf], np.nan)


def known_unit(text: str, analyte: str | None = None) -> str | None:
    """The one spelling of a unit, of an analyte if one is given, or ``None`` when nobody knows it."""
    from esld.scoring import units

    try:
        return units.canonical_unit(text, analyte)
    except ValueError:
        return None
