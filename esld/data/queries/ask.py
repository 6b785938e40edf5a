"""How a rule asks: one query a record, or one line where a record alone says nothing, each with an id that lasts.

An id is made of the rule, the subject, what the record is about, its day, and the value that is questioned. It holds no
sequence number, because an export numbers a subject's records anew when one is inserted, and no arm, whose name depends on the
view: so it stays from cut to cut, and a value corrected to another wrong one is another question. The id of a line holds no
count: it stays while the line grows.
"""

import base64
import hashlib
import unicodedata
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Literal, TypeVar

import pandas as pd

from esld.allocation.disclosed import Disclosed
from esld.data.deaths import statements
from esld.data.sdtm import DOMAINS, Tables
from esld.data.standard import ASIDE
from esld.identifying import hidden
from esld.protocol import Protocol

Severity = Literal["critical", "major", "minor"]
Made = TypeVar("Made")
COLUMNS = ("id", "USUBJID", "record", "rule", "severity", "message")

_SEVERITIES = ("critical", "major", "minor")
_EXAMPLES = 3  # records that a line names
_MANY, _SHARE = 10, 3  # records, and of how many one, from which on they are one matter
_LENGTH = 8  # characters of an id: 10^12 of them, and two queries that meet in one are numbered
_MEASURED = (
    *("USUBJID", "PARAMCD", "ADT", "ADY", "AVAL", "AVALU", "AVISIT", "ANRLO", "ANRHI"),
    "POSTTPFL",
    "SRCDOM",
    "SRCSEQ",
)
# What a record is about, in variables that every view loads; the others have none.
_TOPICS = {
    **{name: (f"{name}TESTCD",) for name in ("DD", "IE", "LB", "RS", "SS", "VS")},
    **{name: (f"{name}TERM",) for name in ("AE", "CE", "MH")},
    **{"CM": ("CMTRT",), "DS": ("DSDECOD",), "PR": ("PRTRT",), "SV": ("VISIT",)},
}


@dataclass(frozen=True)
class Evidence:
    """What the rules look at.

    Attributes
    ----------
    tables : dict of str to DataFrame
        SDTM tables after the cut.
    adsl, adlb : DataFrame
        Analysis data; of ADLB no rule reads a score.
    protocol : Protocol
        The trial.
    aside : DataFrame
        Records that are not in `tables` because they did not happen or cannot be analysed: ``domain``, ``USUBJID``, ``seq``,
        ``row``, ``date``, ``reason``, ``detail`` and ``test``; ``detail`` of what did not happen is the result, date or
        outcome that stands there.
    numbers : mapping of str to str
        Study numbers by the pseudonyms that stand in the tables of a masked view: an id is the same in every view.
    numbering : DataFrame
        ``domain``, ``USUBJID`` and ``number`` of every record of the export that has one, whatever its date.
    cutoff : Timestamp, optional
        The last day that counts; without it nothing is overdue.
    before : dict of str to DataFrame
        SDTM tables of the previous cut, where that is of another export; empty without one.
    ledger : Disclosed, optional
        The allocation list up to the cut-off, where there is one and the view may read it.
    faulty : collection of str
        Domains of which records are not in `tables` because they have faults.
    """

    tables: Tables
    adsl: pd.DataFrame
    adlb: pd.DataFrame
    protocol: Protocol
    aside: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(ASIDE), dtype=object))
    numbers: Mapping[str, str] = field(default_factory=dict, repr=False)
    cutoff: pd.Timestamp | None = None
    numbering: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame({"domain": [], "number": []}), repr=False
    )
    before: Tables = field(default_factory=dict, repr=False)
    ledger: Disclosed | None = None
    faulty: Collection[str] = ()
    _made: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def number(self, text: str) -> str:
        """The study number behind a pseudonym; any other text as it is."""
        return self.numbers.get(text, text)

    @cached_property
    def subjects(self) -> pd.DataFrame:
        """Randomised subjects by ``USUBJID``."""
        return self.adsl[self.adsl["RANDFL"].eq("Y")].set_index("USUBJID")

    @cached_property
    def stated(self) -> pd.DataFrame:
        """See :func:`esld.data.deaths.statements`."""
        return statements(self.tables)

    @cached_property
    def deaths(self) -> pd.DataFrame:
        """Of what is stated one row a record."""
        return self.stated.drop_duplicates(["USUBJID", "record"])

    @cached_property
    def measured(self) -> pd.DataFrame:
        """Values of ADLB on their days, none derived, in its order of time; ``series`` numbers patient and test."""
        adlb = self.adlb
        own = adlb.loc[adlb["DTYPE"].isna() & adlb["SRCSEQ"].notna() & adlb["ADT"].notna(), list(_MEASURED)]
        return own.assign(series=own.groupby(["USUBJID", "PARAMCD"], sort=False).ngroup())

    @cached_property
    def tests_used(self) -> Mapping[str, Collection[str]]:
        """By findings domain, the tests that an analysis uses."""
        of_kind = {"LB": "laboratory", "RS": "grade"}
        parameters = self.protocol.parameters
        used: dict[str, Collection[str]] = {
            name: {p.paramcd for p in parameters if p.kind == kind} for name, kind in of_kind.items()
        }
        return used | {"VS": {"WEIGHT"}}

    def held(self, name: str) -> set[str]:
        """The patients of whom the export holds a record of a domain, whatever its date, and be it that nothing was done."""
        tables = (self.tables.get(name), *(t[t["domain"].eq(name)] for t in (self.numbering, self.aside)))
        return {who for table in tables if table is not None and len(table) for who in table["USUBJID"]}

    def once(self, make: "Callable[[Evidence], Made]") -> Made:
        """What several rules look at, made for the first of them."""
        if make not in self._made:
            self._made[make] = make(self)
        made: Made = self._made[make]
        return made

    def used(self, name: str, rows: pd.DataFrame) -> "pd.Series[bool]":
        """Which records of a domain an analysis may use: of findings those of its tests, of the others all."""
        if name not in self.tests_used:
            return pd.Series(True, rows.index)
        return rows[f"{name}TESTCD"].isin(self.tests_used[name])


def unscored(protocol: Protocol) -> Protocol:
    """A protocol for an ADLB that holds what the rules read: no scores, most of the work of making it, no rescue."""
    measured = tuple(parameter for parameter in protocol.parameters if parameter.kind != "score")
    return protocol.model_copy(update={"parameters": measured, "rescue": None})


@dataclass(frozen=True)
class Query:
    """One question to the site.

    Attributes
    ----------
    subject : str
        About whom; empty for several.
    record : str
        Domain and sequence number, or the domain alone.
    message : str
        What is to be settled.
    about : tuple of str
        What its id is made of, with the rule: the subject, the record's lasting names and the content in question.
    severity : {"critical", "major", "minor"}, optional
        Where it is not the rule's own.
    """

    subject: str
    record: str
    message: str
    about: tuple[str, ...]
    severity: Severity | None = None


Row = dict[Hashable, Any]
Rule = Callable[[Evidence], Iterator[Query]]
RULES: dict[str, tuple[Severity, Rule]] = {}
_WHOLE: dict[str, set[str]] = {}  # the domains of which each rule tells what is missing, or reckons from all


def rule(name: str, severity: Severity, *, whole: str = "") -> Callable[[Rule], Rule]:
    """Register a rule under its name and its usual severity; it needs every record of the domains `whole`, or ``*``, of all."""

    def register(function: Rule) -> Rule:
        RULES[name], _WHOLE[name] = (severity, function), set(whole.split())
        return function

    return register


def not_asked(faulty: Collection[str]) -> list[str]:
    """The rules that would ask for what only a fault keeps out of these domains."""
    return [name for name, whole in _WHOLE.items() if faulty and not whole.isdisjoint({"*", *faulty})]


def find_queries(evidence: Evidence) -> pd.DataFrame:
    """Run every rule but those of :func:`not_asked`.

    Parameters
    ----------
    evidence : Evidence
        Tables after the cut, ADSL, ADLB, the protocol, and the records that were put aside.

    Returns
    -------
    DataFrame
        One row a query: ``id``, ``USUBJID`` (empty where a query is about several), ``record`` (domain, sequence number),
        ``rule``, ``severity`` (critical, major, minor), ``message``; ordered by severity, rule, subject, record.
    """
    rows, silent = [], not_asked(evidence.faulty)
    for name, (usual, function) in RULES.items():
        for query in function(evidence) if name not in silent else ():
            severity = query.severity or usual
            domain, _, number = query.record.partition(" ")
            place = (_SEVERITIES.index(severity), name, query.subject, domain, _number(number), query.record)
            asked = (query.subject, hidden(query.record), name, severity, hidden(query.message))
            rows.append((place, query.message, _hash(name, *map(evidence.number, query.about)), asked))
    rows.sort(key=lambda row: row[:3])
    met: dict[str, int] = {}
    numbered = []
    for _, _, hashed, asked in rows:
        met[hashed] = met.get(hashed, 0) + 1
        numbered.append((hashed if met[hashed] == 1 else f"{hashed}-{met[hashed]}", *asked))
    return pd.DataFrame(numbered, columns=list(COLUMNS), dtype=object)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else -1


def _hash(*parts: str) -> str:
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return f"Q-{base64.b32encode(digest).decode()[:_LENGTH]}"


# --- asking -----------------------------------------------------------------------------------------------------


def each(
    name: str,
    rows: pd.DataFrame,
    words: str | Callable[[Row], str],
    content: Collection[str] = (),
    severity: Severity | None = None,
) -> Iterator[Query]:
    """One query a record of a domain: `words` with its cells in their places; its id holds the cells of `content`."""
    for row in records(rows):
        about = (str(row["USUBJID"]), *named(name, row), *(text(row[column]) for column in content))
        message = words.format_map(row) if isinstance(words, str) else words(row)
        yield Query(str(row["USUBJID"]), place(name, row), message, about, severity)


def of_patient(
    subject: Hashable, record: str, message: str, *content: Hashable, severity: Severity | None = None
) -> Query:
    """A query about a patient rather than a record; its id holds `content`, and no sequence number may be in that."""
    return Query(str(subject), record, message, (str(subject), *map(str, content)), severity)


def line(
    name: str, rows: pd.DataFrame, message: str, *content: str, severity: Severity | None = None
) -> Query:
    """One query about records of a kind; names three of them, and its id holds `content` alone."""
    places = records(rows[["USUBJID", *([DOMAINS[name].sequence] if name != "DM" else [])]].head(_EXAMPLES))
    shown = ", ".join(f"{row['USUBJID']} {place(name, row)}" for row in places)
    such = shown if len(rows) <= _EXAMPLES else f"such as {shown}"
    subject = str(places[0]["USUBJID"]) if len(set(rows["USUBJID"])) == 1 else ""
    record = place(name, places[0]) if len(rows) == 1 else name
    return Query(subject, record, f"{message} ({such}).", (name, *content), severity)


def many(found: pd.DataFrame, of: pd.DataFrame) -> bool:
    """Whether so many records of a kind are asked about that the kind is in question, its unit or its year."""
    return len(found) >= max(_MANY, len(of) / _SHARE)


def share(found: pd.DataFrame, of: pd.DataFrame) -> str:
    """How many of a kind are asked about."""
    return f"{len(found):,} of {counted(len(of), 'record')}"


def unused(name: str, rows: pd.DataFrame, message: str, *content: str) -> Iterator[Query]:
    """What nothing uses is one line with its count, however little it is; nothing where there is nothing."""
    if len(rows):
        tests = rows[f"{name}TESTCD"].nunique()
        what = f"{counted(len(rows), 'record')} of {counted(tests, 'test')} that no analysis uses: {message}"
        yield line(name, rows, what, "unused", *content, severity="minor")


def used_and_unused(
    evidence: Evidence, name: str, rows: pd.DataFrame, message: str, content: Collection[str] = ()
) -> Iterator[Query]:
    """One query a record that an analysis may use, and one line for all the others."""
    if rows.empty:
        return
    used = evidence.used(name, rows)
    yield from each(name, rows[used], f"{message[:1].upper()}{message[1:]}.", content)
    yield from unused(name, rows[~used], message, message)


def records(rows: pd.DataFrame) -> list[Row]:
    """Rows one by one; mostly there are none, and pandas takes long to say so."""
    return rows.to_dict("records") if len(rows) else []


def place(name: str, row: Row) -> str:
    """A record as a data manager finds it: domain and sequence number."""
    return name if name == "DM" else f"{name} {text(row[DOMAINS[name].sequence])}".rstrip()


def origin(row: Row, of: str = "") -> str:
    """The record that a row of ADLB is made from, as a data manager finds it; ``of`` ends the names of a second one's columns."""
    return f"{row[f'SRCDOM{of}']} {text(row[f'SRCSEQ{of}'])}".rstrip()


def named(name: str, row: Row) -> tuple[str, ...]:
    """A record by what lasts: its domain, what it is about and its day."""
    columns = (*_TOPICS.get(name, ()), *(c for c in (DOMAINS[name].date,) if c))
    return (name, *(folded(text(row.get(column))) for column in columns))


def text(cell: Any) -> str:
    """A cell as text, a missing one as none."""
    return "" if pd.isna(cell) else str(cell)


@lru_cache(maxsize=100_000)
def folded(word: str) -> str:
    """A word without regard to case, width and blanks."""
    return " ".join(unicodedata.normalize("NFKC", word).casefold().split())


def counted(count: int, one: str, many: str = "") -> str:
    """A number with its noun: ``1 record``, ``2,345 records``."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"
