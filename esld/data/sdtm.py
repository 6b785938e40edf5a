"""Reading and validating SDTM tables: text in, every structural fault named at once.

Tables stay text as exported; what needs a number or a date is checked here and converted by the derivations.
Records that contradict each other are not faults but data queries (:mod:`esld.data.queries`).
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from esld.alike import LookAlikes
from esld.data import dates, deaths, exposure, places, reading
from esld.data.declared import Reading
from esld.errors import InputError, InputErrors
from esld.protocol import Parameter, Protocol

Tables = reading.Tables


@dataclass(frozen=True)
class Domain:
    """One SDTM domain: what it must hold, the date that places a record in time, and every date in it.

    ``optional`` are variables that an export may lack, and ``empty`` those that it must have and that may hold no value on any
    record: what they are for is then said to be missing.
    """

    name: str
    required: tuple[str, ...]
    optional: Mapping[str, str] = field(default_factory=dict)
    empty: Mapping[str, str] = field(default_factory=dict)
    date: str | None = None
    end: str | None = None
    dates: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()

    @property
    def sequence(self) -> str:
        """Variable that numbers the records of a subject; DM has none, and SV has that of the visit."""
        return "VISITNUM" if self.name == "SV" else f"{self.name}SEQ"


def _domain(name: str, required: str, *, filled: str = "", **options: Any) -> Domain:
    return Domain(name, tuple(required.split()), filled=tuple(filled.split()), **options)


_TOLD = 3  # strange ids that a remedy names
_VISIT = {"VISIT": "queries about visits"}

DOMAINS: Mapping[str, Domain] = {
    d.name: d
    for d in (
        _domain(
            "DM",
            "STUDYID USUBJID AGE SEX ARMCD ACTARMCD",
            optional={
                "SUBJID": "the number by which a patient is listed",
                "SITEID": "sites",
                "RACE": "race",
                "ARM": "nothing that is analysed",
                "RFICDTC": "the day of consent",
                "DTHFL": "deaths, which DS and AE state as well",
                "DTHDTC": "the day of death, which DS and AE state as well",
            },
            empty={
                "STUDYID": "the name of the study, by which simulated data are known",
                "AGE": "ages",
                "SEX": "sex, and scores that need it",
                "ACTARMCD": "who was treated with what",
            },
            dates=("RFICDTC", "RFSTDTC", "RFXSTDTC", "RFXENDTC", "RFENDTC", "RFPENDTC", "DTHDTC"),
        ),
        _domain("DS", "USUBJID DSSEQ DSDECOD DSCAT DSSTDTC", filled="DSDECOD DSCAT DSSTDTC", date="DSSTDTC"),
        _domain(
            "IE",
            "USUBJID IESEQ IETESTCD",
            filled="IETESTCD",
            date="IEDTC",
            optional={
                "IECAT": "whether a record says that a criterion was met",
                "IEORRES": "whether a record says that a criterion was met",
                "IEDTC": "the data cut of these records",
            },
        ),
        _domain(
            "EX",
            "USUBJID EXSEQ EXSTDTC",
            filled="EXSTDTC",
            date="EXSTDTC",
            end="EXENDTC",
            numeric=("EXDOSE",),
            optional={
                "EXTRT": "the name of the treatment",
                "EXDOSE": "doses",
                "EXDOSU": "doses",
                "EXENDTC": "the end of an administration",
            },
        ),
        _domain(
            "VS",
            "USUBJID VSSEQ VSTESTCD VSORRES VSORRESU VSDTC",
            date="VSDTC",
            end="VSENDTC",
            optional=_VISIT,
            empty=dict.fromkeys(("VSTESTCD", "VSORRES", "VSDTC"), "weights at baseline"),
        ),
        _domain(
            "LB",
            "USUBJID LBSEQ LBTESTCD LBORRES LBORRESU LBDTC",
            filled="LBTESTCD LBDTC",
            date="LBDTC",
            end="LBENDTC",
            empty={"LBORRES": "every laboratory value"},
            optional={
                "LBORNRLO": "values below normal, and grades that need the limit",
                "LBORNRHI": "values above normal, and grades and scores that need the limit",
                **_VISIT,
            },
        ),
        _domain(
            "RS",
            "USUBJID RSSEQ RSTESTCD RSORRES RSDTC",
            filled="RSTESTCD RSDTC",
            date="RSDTC",
            end="RSENDTC",
            optional=_VISIT,
            empty={"RSORRES": "every grade"},
        ),
        _domain(
            "CE",
            "USUBJID CESEQ CESTDTC",
            filled="CESTDTC",
            date="CESTDTC",
            end="CEENDTC",
            optional={
                "CETERM": "the event in the site's words",
                "CEDECOD": "which event it was",
                "CESEV": "how severe an event was",
                "CEENDTC": "the end of an event",
            },
        ),
        _domain(
            "AE",
            "USUBJID AESEQ AETERM AESER AEOUT AESTDTC AEENDTC",
            filled="AETERM AESTDTC",
            date="AESTDTC",
            end="AEENDTC",
            empty={
                "AESER": "which events were serious",
                "AEOUT": "outcomes, and deaths by them",
                "AEENDTC": "the end of an event",
            },
            optional={
                "AEDECOD": "preferred terms: events are listed in the site's words",
                "AEBODSYS": "body systems of adverse events",
                "AETOXGR": "grades of adverse events",
                "AESEV": "severity where events have no grade",
                "AEREL": "which events are related to treatment",
                "AEACN": "which events ended treatment",
                "AESDTH": "deaths, which AEOUT, DM and DS state as well",
            },
        ),
        _domain(
            "PR",
            "USUBJID PRSEQ PRSTDTC",
            filled="PRSTDTC",
            date="PRSTDTC",
            end="PRENDTC",
            optional={
                "PRTRT": "the procedure in the site's words",
                "PRDECOD": "what was done",
                "PRENDTC": "its end",
            },
        ),
        _domain(
            "CM",
            "USUBJID CMSEQ CMSTDTC",
            date="CMSTDTC",
            end="CMENDTC",
            empty={"CMSTDTC": "when a medication was taken"},
            optional={
                "CMTRT": "the medication in the site's words",
                "CMDECOD": "what was given",
                "CMENDTC": "its end",
            },
        ),
        _domain("MH", "USUBJID MHSEQ", date="MHSTDTC", end="MHENDTC", optional={"MHTERM": "medical history"}),
        _domain(
            "SV",
            "USUBJID VISITNUM SVSTDTC",
            date="SVSTDTC",
            end="SVENDTC",
            optional={"VISIT": "the name of the visit"},
        ),
        _domain(
            "SS",
            "USUBJID SSSEQ SSTESTCD SSORRES SSDTC",
            filled="SSTESTCD SSDTC",
            date="SSDTC",
            optional={"SSSTRESC": "the status in standard words, where SSORRES has other ones"},
        ),
        _domain("DD", "USUBJID DDSEQ DDTESTCD DDDTC", filled="DDTESTCD DDDTC", date="DDDTC"),
    )
}


def date_columns(domain: Domain) -> tuple[str, ...]:
    """Every date variable that a domain may hold."""
    return domain.dates or tuple(c for c in (domain.date, domain.end) if c)


# --- reading ------------------------------------------------------------------------------------------------


def read_export(path: Path, how: Reading | None = None) -> reading.Export:
    """What an export holds of the domains that are analysed, and an account of all of it.

    Parameters
    ----------
    path : Path
        See :func:`esld.data.reading.read_export`.
    how : Reading, optional
        What the cut file says.

    Raises
    ------
    esld.errors.InputError
        There is nothing, or nothing in it that could be a domain; every other fault is in what is returned.
    """
    return reading.read_export(path, DOMAINS, how)


def read_sound(path: Path, how: Reading | None = None) -> reading.Export:
    """An export without a fault; see :func:`read_export`.

    Raises
    ------
    esld.errors.InputError
        Nothing there, or a fault of any file: all of them at once.
    """
    export = read_export(path, how)
    if export.faults:
        raise InputErrors(dict.fromkeys(fault.error for fault in export.faults))
    return export


def read_tables(path: Path, how: Reading | None = None) -> Tables:
    """The tables of :func:`read_sound`."""
    return read_sound(path, how).tables


# --- validating ---------------------------------------------------------------------------------------------

WITHOUT_RANDOMISATION = (
    "Check the export; of a trial without randomisation say in the protocol which record of DS begins it, "
    "codes: {DSDECOD: {ENROLLED: RANDOMIZED}}."
)
_GRADES = {"ASCITES": 3, "ASCDIUR": 1, "WHAVEN": 4}  # the highest grade of what the scores read


@dataclass(frozen=True)
class _Rule:
    """What a variable must be, what to do when it is not, and which records pass."""

    column: str
    text: str
    remedy: str | Callable[[pd.Series, pd.Series], str]
    passes: Callable[[pd.Series], pd.Series]


class RecordError(InputError):
    """A fault of one record, which it names: ``domain``, ``column``, and ``label`` in the index of the table."""

    def __init__(
        self,
        table: pd.DataFrame,
        row: int,
        domain: str,
        column: str,
        rule: str,
        got: str,
        remedy: str,
    ) -> None:
        self.domain, self.column, self.label = domain, column, row
        self.got = got
        super().__init__(f"{domain}.{column}", rule, got, record_place(table, row, column), remedy)


class CodeError(InputError):
    """A word that nobody knows, in a variable by which an analysis selects."""


def validate(tables: Tables, protocol: Protocol, known: Sequence[InputError] = ()) -> None:
    """Check every table against its domain and the protocol, and report all faults at once, those ``known`` before first.

    Raises
    ------
    esld.errors.InputErrors
        A domain or variable is missing, a subject appears twice or in no DM, an arm is unknown, arm and
        randomisation or death and its date do not go together, a date is none, a number is none or negative,
        a grade or coded value is unknown, or a unit that the analysis needs is missing or unknown.
    """
    if faults := [*known, *find_faults(tables, protocol)]:
        raise InputErrors(faults)


def find_faults(tables: Tables, protocol: Protocol) -> list[InputError]:
    """What :func:`validate` reports, one fault a record."""
    faults = [*_missing_domains(tables, protocol)]
    studied = _studied(tables)
    for name, table in tables.items():
        faults += _missing_columns(name, table, protocol)
        faults += _schema_faults(name, tables, protocol, studied)
    return faults


def _missing_domains(tables: Tables, protocol: Protocol) -> Iterator[InputError]:
    for name in protocol.domains:
        if name not in tables:
            present = f"only {', '.join(sorted(tables))}"
            remedy = f"Export {name.lower()}.csv; the protocol lists it under 'domains'."
            yield InputError(f"domain {name}", "must be present", present, remedy=remedy)


def _missing_columns(name: str, table: pd.DataFrame, protocol: Protocol) -> Iterator[InputError]:
    sources = [s for s in protocol.decisive_sources if s.domain == name]
    wanted = dict.fromkeys([*DOMAINS[name].required, *(c for s in sources for c in (s.date, *s.where))])
    tests = {"laboratory": "LB", "grade": "RS"}
    named = protocol.schedule.visits and protocol.schedule.selection == "visit"
    if named and name in {tests.get(p.kind) for p in protocol.parameters}:
        wanted |= {"VISITNUM": None}
    if name == "EX" and any(arm.dose for arm in protocol.arms):
        wanted |= dict.fromkeys(("EXDOSE", "EXDOSU"))
    for column in wanted:
        if column not in table or column in table.attrs.get("absent", ()):
            arms = column in ("ARMCD", "ACTARMCD")
            remedy = "Export it again" + (
                " with the arms; without them the blinded view alone can be shown." if arms else "."
            )
            yield InputError(f"{name}.{column}", "must be a column", None, _file(table), remedy)


def _studied(tables: Tables) -> tuple[str | None, set[str] | None]:
    """The study of most patients, if any names one, and the subjects of DM, if it has their ids."""
    studies = Counter(_cells(tables, "DM", "STUDYID").dropna())
    study = min(studies, key=lambda each: (-studies[each], each)) if studies else None
    dm = tables.get("DM", ())
    return study, set(_cells(tables, "DM", "USUBJID").dropna()) if "USUBJID" in dm else None


def _schema_faults(
    name: str,
    tables: Tables,
    protocol: Protocol,
    studied: tuple[str | None, set[str] | None],
) -> Iterator[InputError]:
    table = tables[name]
    if not len(table):
        return  # a rule is one of each record
    rules = [rule for rule in _rules(name, tables, protocol, studied) if rule.column in table]
    if all(rule.passes(table[rule.column]).all() for rule in rules):
        return  # as nearly always: the library that lists failures is then not even imported
    import pandera.pandas as pa

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
            yield from record_faults(name, table, column, found, text, remedies[column, text])


def record_faults(
    name: str,
    table: pd.DataFrame,
    column: str,
    found: pd.Series,
    rule: str,
    remedy: str | Callable[[pd.Series, pd.Series], str],
) -> Iterator[InputError]:
    """One fault a record, ``found`` holding the cells by row; what to do may depend on all of them."""
    if not isinstance(remedy, str):
        remedy = remedy(found, table[column])
    for row, offender in found.items():
        got = "nothing" if pd.isna(offender) else repr(str(offender))
        yield RecordError(table, int(str(row)), name, column, rule, got, remedy)


def record_place(table: pd.DataFrame, row: Any, column: str | None = None) -> str:
    """Where a record stands: file, row as a spreadsheet counts it, or the cell of the form that it was made from; subject."""
    subject = table["USUBJID"].get(row) if "USUBJID" in table else None
    file, number = reading.place(table, row)
    where = places.place(table, row, column) or f"{file}, row {number}"
    return f"{where}, subject {'unknown' if pd.isna(subject) else subject}"


def _file(table: pd.DataFrame) -> str:
    return str(table.attrs.get("file", "table"))


def _rules(
    name: str, tables: Tables, protocol: Protocol, studied: tuple[str | None, set[str] | None]
) -> Iterator[_Rule]:
    """Every rule of a domain under a protocol; the texts are what a user reads."""
    domain = DOMAINS[name]
    for column in ("USUBJID", *domain.filled):
        yield _Rule(column, "must be filled", "Complete the record.", lambda s: s.notna())
    sources = [s.date for s in protocol.decisive_sources if s.domain == name]
    for column in dict.fromkeys([*date_columns(domain), *sources]):
        text = "must be a calendar date, YYYY-MM-DD or partial"
        yield _Rule(column, text, dates.remedy, dates.is_iso)
    # Where a record without a date is none, one whose date tells no year is none either.
    for column in dict.fromkeys(
        [*sources, *(c for c in (*domain.filled, "DTHDTC") if c in date_columns(domain))]
    ):
        if name not in ("LB", "RS"):  # of these a query tells
            yield _Rule(column, "must tell at least its year", "Complete the date.", dates.names_year)
    for column in domain.numeric:
        yield _Rule(column, "must be a number, not negative", "Correct the value.", _not_negative)
    study, known = studied
    if study is not None:
        text, remedy = (
            f"must be {study}, the study of most patients",
            "Export one study, or correct the record.",
        )
        yield _Rule("STUDYID", text, remedy, _in({study}))
    if name != "DM" and known is not None:
        yield _Rule("USUBJID", "must be a subject of DM", _meant(tables[name], known), _in(known))
    if name in _RULES_OF:
        yield from _RULES_OF[name](tables, protocol)


def _meant(table: pd.DataFrame, known: set[str]) -> str:
    """What to do about ids that DM does not have, with those that they look like; nothing is taken for another."""
    strange = sorted(set(_cells({"": table}, "", "USUBJID").dropna()) - known)
    alike = LookAlikes(sorted(known) if strange else ())
    told = [f"{each!r} looks like {meant!r} of DM" for each in strange if (meant := alike.of(each))]
    if not told:
        return "Correct the id or add the DM record."
    return f"Correct the id or add the DM record: {', '.join(told[:_TOLD])}."


def _dm_rules(tables: Tables, protocol: Protocol) -> Iterator[_Rule]:
    randomised = _cells(tables, "DS", "USUBJID")[_cells(tables, "DS", "DSDECOD").eq("RANDOMIZED")]
    has_record = _cells(tables, "DM", "USUBJID").isin(randomised)
    dated = _cells(tables, "DM", "DTHDTC").notna()
    once = "Keep one DM record a subject."
    yield _Rule("USUBJID", "must be unique", once, lambda s: s.isna() | ~s.duplicated())
    yield _Rule("AGE", "must be a positive number", "Correct the age.", _positive)
    if "USUBJID" in tables["DM"] and {"USUBJID", "DSDECOD"} <= set(tables.get("DS", ())):
        text = "must be filled for a subject with a RANDOMIZED record in DS"
        yield _Rule("ARMCD", text, "Add the arm.", lambda s: s.notna() | ~has_record)
        text = "must be empty without a RANDOMIZED record in DS"
        remedy = "Add that record or clear the arm." if has_record.any() else WITHOUT_RANDOMISATION
        yield _Rule("ARMCD", text, remedy, lambda s: s.isna() | has_record)
    yield _Rule("DTHDTC", *_UNDATED, _dated(tables, "DM"))
    yield _Rule("DTHFL", "must be no N when DTHDTC is given", "Correct either.", lambda s: s.ne("N") | ~dated)


def _ds_rules(tables: Tables, protocol: Protocol) -> Iterator[_Rule]:
    rows = _cells(tables, "DS", "DSDECOD").eq("RANDOMIZED")
    text, remedy = "must be a whole date for RANDOMIZED", "Give the day: survival is counted from it."
    yield _Rule("DSSTDTC", text, remedy, lambda s: ~rows | s.isna() | ~dates.is_partial(s))


def _ex_rules(tables: Tables, protocol: Protocol) -> Iterator[_Rule]:
    remedy = "Give the day: visits are counted from the first."
    yield _Rule("EXSTDTC", "must be a whole date", remedy, lambda s: ~dates.is_partial(s))
    active = exposure.with_substance(tables, protocol, unknown=True)
    for column in ("EXDOSE", "EXDOSU") if any(arm.dose for arm in protocol.arms) else ():
        text, remedy = "must be filled", "Complete the record: whether anything was given is not known."
        yield _Rule(column, text, remedy, lambda s: s.notna() | ~active)
    if known := sorted({arm.dose.unit for arm in protocol.arms if arm.dose}):
        yield _Rule(
            "EXDOSU", f"must be one of {known}", "Convert the dose.", lambda s: ~active | _in(known)(s)
        )


def _undated_rules(form: str, column: str) -> Callable[[Tables, Protocol], Iterator[_Rule]]:
    return lambda tables, protocol: iter([_Rule(column, *_UNDATED, _dated(tables, form))])


_UNDATED = ("must be given where no other record dates the patient's death", "Give the date of death.")


def _dated(tables: Tables, form: str) -> Callable[[pd.Series], pd.Series]:
    """Whether something dates each death that a form states."""
    index = tables[form].index
    if deaths.statements({form: tables[form]})["first"].notna().all():
        return _found(pd.Series(True, index))  # by itself, as nearly always
    found = deaths.undated(tables)
    return _found(pd.Series(~index.isin(found.loc[found["form"].eq(form), "row"]), index))


def unit_fits(text: str, parameter: Parameter) -> bool:
    """Whether a laboratory parameter can be analysed from a value in this unit."""
    from esld.scoring import units

    if parameter.converts:
        return known_unit(text, parameter.paramcd) in units.known_units(parameter.paramcd)
    return units.spelt_alike(text, parameter.unit)


def _lb_rules(tables: Tables, protocol: Protocol) -> Iterator[_Rule]:
    """Rules of the tests that the analysis uses; a result of these must carry a unit, and none is assumed."""
    from esld.scoring import units

    code, result = _cells(tables, "LB", "LBTESTCD"), _cells(tables, "LB", "LBORRES")
    used = {p.paramcd: p for p in protocol.parameters if p.kind == "laboratory"}
    rows = result.notna() & code.isin(used)
    limit = result.astype("string").str.strip().str.match("[<>≤≥]").fillna(False).astype(bool)
    remedy = "Say in the protocol how such results are read: below_limit: half, limit or missing (above_limit: limit or missing)."
    yield _Rule("LBORRES", "must not be beyond a limit", remedy, lambda s: ~rows | ~limit)
    remedy = "Correct the result."
    yield _Rule("LBORRES", "must be a positive number", remedy, lambda s: ~rows | limit | _positive(s))
    for end in ("LBORNRLO", "LBORNRHI"):
        text = "must be a number, not negative"
        yield _Rule(end, text, "Correct the limit.", lambda s: ~rows | _not_negative(s))
    pairs = [*zip(code, _cells(tables, "LB", "LBORRESU"), strict=True)]
    fit = {
        (test, unit)
        for test, unit in {*pairs}
        if test in used and isinstance(unit, str) and unit_fits(unit, used[test])
    }
    wrong = rows & pd.Series([pair not in fit for pair in pairs], code.index, dtype=bool)
    right = ~wrong
    for paramcd, parameter in used.items():
        good = right if right.all() else ~(wrong & code.eq(paramcd))
        known = units.known_units(paramcd) if parameter.converts else (parameter.unit,)
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
        remedy = 'Correct the grade, or say in the protocol what a word for it stands for: codes: {RSORRES: {"…": "2"}}.'
        yield _Rule("RSORRES", f"{text} for {paramcd}", remedy, _found(code.ne(paramcd) | good))


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
    "AE": _undated_rules("AE", "AEENDTC"),
    "CE": _undated_rules("CE", "CEENDTC"),
    "SS": _undated_rules("SS", "SSTESTCD"),
    "DD": _undated_rules("DD", "DDTESTCD"),
    "LB": _lb_rules,
    "RS": _rs_rules,
    "VS": _vs_rules,
}


def _cells(tables: Tables, name: str, column: str) -> pd.Series:
    """A variable, or as many missing cells when the export lacks it, which is a fault of its own."""
    table = tables.get(name)
    if table is None or column not in table:
        return pd.Series(None, () if table is None else table.index, dtype=object)
    return table[column]


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
    number = pd.to_numeric(text, errors="coerce").to_numpy(float, na_value=np.nan)
    return pd.Series(np.where(np.isfinite(number), number, np.nan), text.index)


def known_unit(text: str, analyte: str | None = None) -> str | None:
    """The one spelling of a unit, of an analyte if one is given, or ``None`` when nobody knows it."""
    from esld.scoring import units

    try:
        return units.canonical_unit(text, analyte)
    except ValueError:
        return None
