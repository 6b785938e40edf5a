"""What of an export was used, and what was not: every domain, variable, record and word has one line that says so."""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from esld.data import deaths, standard, views
from esld.data.codes import CodeList, code_lists, list_of
from esld.data.cut import CutReport
from esld.data.intake import Intake
from esld.data.sdtm import DOMAINS, Tables
from esld.data.sources import selected
from esld.identifying import hidden
from esld.protocol import Protocol

Row = tuple[str, str, str, int, str, str]
Words = dict[str, list[list[str]]]  # by variable each word, its meaning and whether that is used
COLUMNS = ("domain", "what", "name", "records", "use", "why")
USED, NOT_NEEDED, UNKNOWN, ABSENT = "used", "not needed", "not understood", "not in the export"

_WHY: Mapping[str, str] = {
    standard.NOT_DONE: "Not done",
    standard.DID_NOT_OCCUR: "Did not occur",
    standard.NOT_KNOWN: "Whether it occurred is not known",
    standard.SPECIMEN: "Of another specimen than that of the protocol file",
    standard.CRITERION_MET: "Says that a criterion of eligibility was met",
    standard.OTHER_TREATMENT: "Not the study treatment, as the codes of the protocol file say",
    standard.BEYOND_LIMIT: "Beyond a limit, which the protocol file reads as missing",
}
_LIFE, _PARAMETER = "As a sign of life", "A parameter of the protocol file without a record"
# Of these every record is used, whatever it holds.
_WHOLE = ("DM", "DS", "EX", "AE", "IE", "SV")
# Variables that say where a record stands, or repeat what another says.
_KEYS = ("DOMAIN", "STUDYID", "USUBJID", "VISITNUM", "VISIT")


def account_of(took: Intake, report: CutReport, tables: Tables, aside: pd.DataFrame) -> pd.DataFrame:
    """What of an export a cut uses.

    Parameters
    ----------
    took : Intake
        The export as the view shows it.
    report : CutReport
        What the cut took away.
    tables : dict of str to DataFrame
        After the cut.
    aside : DataFrame
        Records set aside that were known by the cut-off.

    Returns
    -------
    DataFrame
        ``domain what name records use why``, in the order of the domains. ``what`` is *file*, *records*, *variable* or
        *word*. The lines of *records* of a domain add up to what was exported. ``use`` is *used*, *not needed*, *not
        understood*, or *not in the export* of an optional variable. A word counts in the records that the cut holds.
    """
    lists = code_lists(took.protocol)
    rows: list[Row] = [*_files(took.files)]
    cut = report.records.set_index("domain").to_dict("index")
    words: dict[str, Words] = {}
    coding = took.coding[["domain", "variable", "value", "meaning", "use"]]
    for name, variable, *word in coding.itertuples(index=False, name=None):
        words.setdefault(name, {}).setdefault(variable, []).append(word)
    for name in DOMAINS:
        if name in tables:
            rows += _records(name, tables[name], took, cut[name], aside)
            rows += _variables(name, took.tables[name], took.protocol)
            rows += _words(name, tables[name], words.get(name, {}), lists)
            rows += _unrecorded(name, tables[name], took.protocol)
    found = pd.DataFrame(rows, columns=list(COLUMNS))
    return found.assign(name=found["name"].map(hidden), why=found["why"].map(hidden))


def _files(files: pd.DataFrame) -> Iterator[Row]:
    """Everything that lies in the export."""
    for file, sheet, domain, records, use, why in files.itertuples(index=False):
        name = f"{file}, {sheet}" if sheet else str(file)
        if use == "read":
            yield str(domain or ""), "file", name, int(records or 0), USED, ""
        else:
            reason, _, said = str(why).partition(": ")
            told = reason if reason in (NOT_NEEDED, UNKNOWN) else UNKNOWN
            yield str(domain or ""), "file", name, int(records or 0), told, said or str(why)


def _records(
    name: str, table: pd.DataFrame, took: Intake, kept: Mapping[Hashable, Any], aside: pd.DataFrame
) -> Iterator[Row]:
    """Every record of a domain once, by what became of it."""
    use = Counter(zip(*_use(name, table, took.protocol), strict=True))
    for (how, why), count in use.items():
        yield name, "records", "", count, how, why
    held = Counter(aside.loc[aside["domain"].eq(name), "reason"])
    for reason, count in held.items():
        yield name, "records", "", count, NOT_NEEDED, _WHY[reason]
    later = took.exported[name] - int(kept["kept"]) - int(kept["undecided"]) - held.total()
    if later:
        yield (
            name,
            "records",
            "",
            later,
            NOT_NEEDED,
            "After the cut-off, or of a patient who had not consented by then",
        )
    if kept["undecided"]:
        yield (
            name,
            "records",
            "",
            int(kept["undecided"]),
            NOT_NEEDED,
            "Date unclear: it may lie after the cut-off",
        )


def _use(name: str, table: pd.DataFrame, protocol: Protocol) -> tuple[np.ndarray, np.ndarray]:
    """Of each record whether it is used, and for what."""
    use = np.full(len(table), NOT_NEEDED, dtype=object)
    why = np.full(len(table), "No analysis means it", dtype=object)
    date = DOMAINS[name].date
    if date and date in table and name != "MH":
        dated = table[date].notna() if name != "SS" else deaths.status(table, "ALIVE")
        use[dated.to_numpy()], why[dated.to_numpy()] = USED, _LIFE
    chosen = pd.Series(name in _WHOLE, table.index)
    for source in protocol.sources:
        if source.domain == name:
            chosen |= selected(source, table)
    if codes := _tests(name, protocol):
        chosen |= table[f"{name}TESTCD"].isin(codes) & table[f"{name}ORRES"].notna()
    if name in deaths.FORMS:
        chosen |= table.index.isin(deaths.statements({name: table})["row"])
    if name == "VS":
        chosen |= table["VSTESTCD"].eq("WEIGHT") & table["VSORRES"].notna()
    use[chosen.to_numpy()], why[chosen.to_numpy()] = USED, ""
    return use, why


def _tests(name: str, protocol: Protocol) -> list[str]:
    """The tests of a domain that are parameters of the protocol."""
    kind = {"LB": "laboratory", "RS": "grade"}.get(name)
    return [p.paramcd for p in protocol.parameters if p.kind == kind]


def variables_read(name: str, protocol: Protocol) -> set[str]:
    """The variables of a domain that an analysis can read; of a trial, and not of the form in which it was exported."""
    domain = DOMAINS[name]
    read = {
        *views.COLUMNS.get(name, ()),
        *domain.required,
        *domain.optional,
        *domain.dates,
        *domain.numeric,
        *_KEYS,
    }
    read |= {c for s in protocol.sources if s.domain == name for c in (s.date, *s.where)}
    ends = ("STRESN", "STRESU", "STNRLO", "STNRHI", "SPEC", "STAT", "OCCUR", "PRESP", "ADJ")
    return read | {f"{name}{end}" for end in ends} | (set(standard.HINTS) if name == "LB" else set())


def _variables(name: str, table: pd.DataFrame, protocol: Protocol) -> Iterator[Row]:
    """Of those that it can read the ones without a value are as if they were not there: what they are for is missing."""
    domain, read = DOMAINS[name], variables_read(name, protocol)
    needed = {**domain.optional, **domain.empty}
    absent = set(table.attrs.get("absent", ()))
    for variable, filled in table.notna().sum().items():
        if variable in needed and (variable in absent or len(table) > filled == 0):
            yield name, "variable", str(variable), 0, ABSENT, f"Missing therefore: {needed[str(variable)]}"
        else:
            yield name, "variable", str(variable), int(filled), USED if variable in read else NOT_NEEDED, ""


def _words(name: str, table: pd.DataFrame, words: Words, lists: Mapping[str, CodeList]) -> Iterator[Row]:
    """Words of coding variables that the cut holds, under their codes."""
    for variable, own in words.items():
        entry = list_of(lists, variable)
        counts = Counter(table.get(variable, ()))
        meanings: dict[str, list[tuple[str, str]]] = {}
        for value, meaning, use in own:
            meanings.setdefault(meaning or value, []).append((value, use))
        for meaning, same in meanings.items():
            if not (count := counts[meaning]):
                continue
            spelt = [word for word, _ in same if word != meaning]
            use = {"used": USED, "known": NOT_NEEDED, "unknown": UNKNOWN}[same[0][1]]
            if use == UNKNOWN and (entry is None or not entry.complete):
                use = (
                    USED if variable == "EXTRT" else NOT_NEEDED
                )  # a treatment need not be named as in the protocol
            yield (
                name,
                "word",
                f"{variable} {meaning}",
                count,
                use,
                f"Written {', '.join(spelt)}" if spelt else "",
            )


def _unrecorded(name: str, table: pd.DataFrame, protocol: Protocol) -> Iterator[Row]:
    """Parameters of the protocol of which a domain that has records has none."""
    for code in _tests(name, protocol):
        if len(table) and not table[f"{name}TESTCD"].eq(code).any():
            yield name, "word", f"{name}TESTCD {code}", 0, ABSENT, _PARAMETER


def totals(account: pd.DataFrame) -> str:
    """The account in one sentence: how many records were used, how many were not, and what was not understood."""
    records = account[account["what"].eq("records")]
    used = records["use"].eq(USED)
    life = used & records["why"].eq(_LIFE)
    unknown = int(account["use"].eq(UNKNOWN).sum())
    understood = "nothing was" if not unknown else "1 line was" if unknown == 1 else f"{unknown} lines were"
    nowhere = account[account["use"].eq(ABSENT)]
    without = [*nowhere.loc[nowhere["why"].eq(_PARAMETER), "name"].str.split().str[-1]]
    pairs = zip(nowhere["domain"], nowhere["name"], strict=True)
    without += [f"{domain}.{name}" for domain, name in pairs if name in DOMAINS[domain].empty]
    absent = f" No record has a value of {', '.join(without)}, which analyses read." if without else ""
    return (
        f"Of {records['records'].sum()} records {records.loc[used & ~life, 'records'].sum()} are used, "
        f"{records.loc[life, 'records'].sum()} as a sign of life alone, and {records.loc[~used, 'records'].sum()} are not; "
        f"{understood} not understood.{absent}"
    )
