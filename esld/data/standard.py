"""Tables in one language: codes for words, results that can be analysed, and only records of what happened.

Everything after this step compares codes and never asks again whether a record was done or did occur. What is set aside is kept
with its reason; what is not understood is listed, and :func:`unknown_codes` makes faults of it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from esld.data.codes import OTHER, CodeList, code_lists, fold, list_of, named_in
from esld.data.reading import Tables
from esld.data.reading.words import is_number
from esld.data.sdtm import DOMAINS, CodeError, record_place, unit_fits
from esld.errors import InputError
from esld.protocol import Parameter, Protocol
from esld.protocol.measures import BLOOD

ASIDE = ("domain", "USUBJID", "seq", "row", "date", "reason", "detail", "test")
CODING = ("domain", "variable", "value", "records", "row", "meaning", "use")

# Why a record is set aside.
NOT_DONE, DID_NOT_OCCUR, NOT_KNOWN = "NOT_DONE", "DID_NOT_OCCUR", "NOT_KNOWN"
SPECIMEN, CRITERION_MET, BEYOND_LIMIT = "SPECIMEN", "CRITERION_MET", "BEYOND_LIMIT"
OTHER_TREATMENT = "OTHER_TREATMENT"

# Of words that nobody knows: how close a code must be to be named, how many words and how many codes a fault writes out.
_NEAR, _WORDS, _CODES = 0.8, 4, 30
# What can stand on a record of what was not done or did not occur; a date of findings is that of the visit.
_LEFT = ("ORRES", "STDTC", "ENDTC", "OUT", "SEV", "TOXGR")
_RESULTS = {"LB": "LBTESTCD", "VS": "VSTESTCD", "RS": "RSTESTCD"}
_MET = {("INCLUSION", "Y"), ("EXCLUSION", "N")}
# What may name the specimen of a test where LBSPEC does not, those of it that can be of several, and how they say so.
HINTS = ("LBTEST", "LBCAT", "LBSCAT", "LBMETHOD")
_CATEGORIES, _SEVERAL = ("LBCAT", "LBSCAT"), r"\band\b|[&+/、和与及]"
_WIDE = {
    code: code - 0xFEE0 for code in range(ord("！"), ord("～") + 1)
}  # full-width signs, and no superscript
_PLAIN = re.compile(r"\s*[<>≤≥]?\s*=?\s*[+-]?[0-9]*\.?[0-9]+\s*")
_GRADE = "RSORRES"
_Words = list[tuple[str, str, str, int, object, str, str]]  # rows of `CODING`
_LIMIT = r"^\s*([<>≤≥])\s*=?\s*([0-9]+(?:\.[0-9]+)?)\s*$"


@dataclass(frozen=True)
class Standardised:
    """Tables in codes, and what became of the rest.

    Attributes
    ----------
    tables : dict of str to DataFrame
        As read, each row with its index label; coding variables hold codes, optional variables that the export lacks are there
        and empty (``attrs["absent"]`` names them), and records of ``aside`` are gone.
    aside : DataFrame
        One row a record that is not analysed: `ASIDE`. ``seq`` is its sequence number, ``row`` its index label, ``date`` the
        text of its date, ``detail`` the word that decides, or of what did not happen the result that stands there none the less,
        ``test`` its code of a test, of findings.
    coding : DataFrame
        One row a variable and value as exported: `CODING`. ``use`` is *used* where an analysis selects by the meaning,
        *known* where none does, *unknown* where nobody knows one.
    """

    tables: Tables
    aside: pd.DataFrame
    coding: pd.DataFrame


def standardise(tables: Tables, protocol: Protocol) -> Standardised:
    """Tables as an export has them, in codes.

    Parameters
    ----------
    tables : dict of str to DataFrame
        As read and corrected; unchanged.
    protocol : Protocol
        Its codes, parameters with their specimen, and rules for results beyond a limit.

    Raises
    ------
    esld.errors.InputErrors
        The protocol's ``codes`` are wrong.
    """
    lists = code_lists(protocol)
    result: Tables = {}
    asides: list[pd.DataFrame] = []
    words: _Words = []
    for name, table in tables.items():
        if name not in DOMAINS:
            continue
        made, own = _coded(name, table, lists)
        made, numbers = _numbers(name, made, protocol, lists)
        words += own + numbers
        if name in _RESULTS:
            made = _resulted(name, made, protocol)
        if name == "EX":
            made = _dosed(made, protocol)
        result[name], aside = _happened(name, made, protocol)
        asides += [] if aside is None else [aside]
    coding = pd.DataFrame(words, columns=list(CODING), dtype=None if words else object)
    return Standardised(result, _joined(asides, ASIDE), coding)


def unknown_codes(standardised: Standardised, tables: Tables, protocol: Protocol) -> list[InputError]:
    """A fault for each variable by which an analysis selects and that holds values nobody knows; ``tables`` as they were read."""
    lists = code_lists(protocol)
    unknown = standardised.coding[standardised.coding["use"].eq("unknown")]
    faults: list[InputError] = []
    for key, own in unknown.groupby(["domain", "variable"], sort=False):
        name, variable = map(str, key)
        entry = list_of(lists, variable)
        if entry is None or not entry.complete:
            continue
        told = ", ".join(
            f"{value!r} ({count} {'record' if count == 1 else 'records'})"
            for value, count in zip(own["value"], own["records"], strict=True)
        )
        where = record_place(tables[name], own["row"].min(), variable)
        remedy = f"Correct the export, or say in the protocol what each stands for: {_place_for(variable, own['value'], entry)}"
        if variable in ("ARMCD", "ACTARMCD"):
            remedy = remedy.removesuffix(".") + "; of an arm that the protocol lacks, add it to 'arms'."
        rule = "must be a code that the protocol or esld knows"
        faults.append(CodeError(f"{name}.{variable}", rule, told, where, remedy))
    return faults


def unseen(fault: InputError) -> InputError:
    """The same fault without what was found, for a view that does not load the variable."""
    return CodeError(
        fault.subject,
        fault.rule,
        "a value that this view does not show",
        remedy="Whoever may know the arms finds it with 'esld check'.",
    )


def _place_for(variable: str, values: pd.Series, entry: CodeList) -> str:
    """What to write there: the words, each with the code that it is close to, and else which codes there are."""
    from difflib import get_close_matches

    spelt = {word: code for word, code in entry.codes.items() if code}
    near = {value: get_close_matches(fold(value), spelt, n=1, cutoff=_NEAR) for value in values}
    pairs = [
        f'"{value}": {spelt[found[0]] if found else "…"}' for value, found in list(near.items())[:_WORDS]
    ]
    told = f"codes: {{{variable}: {{{', '.join(pairs)}{', …' if len(near) > _WORDS else ''}}}}}"
    codes = sorted((entry.meant or set(spelt.values())) - {OTHER})
    if not all(near.values()):
        told += (
            f"; … is one of {', '.join(codes)}"
            if len(codes) <= _CODES
            else "; … is a code of esld/data/codes.yaml"
        )
    return told + (
        f"; {OTHER} is of no analysis, '*' stands for all others." if OTHER in spelt.values() else "."
    )


# --- codes --------------------------------------------------------------------------------------------------------


def _coded(name: str, table: pd.DataFrame, lists: Mapping[str, CodeList]) -> tuple[pd.DataFrame, _Words]:
    """The table with codes for words and its optional variables, and what each word was taken for: rows of `CODING`."""
    made = table.copy()
    rows: _Words = []
    for variable in map(str, table.columns):
        entry = list_of(lists, variable)
        if entry is None or variable in ("USUBJID", "STUDYID", _GRADE):  # of a grade only the words: _numbers
            continue
        places, values = pd.factorize(table[variable].to_numpy(dtype=object))
        if not len(values):
            continue
        counts = np.bincount(places[places >= 0])
        first = table.index[np.unique(places, return_index=True)[1][-len(values) :]]
        codes = [entry.code(value) for value in values]
        asked = set(table.loc[_where(table, entry, lists), variable].dropna()) if entry.where else set(values)
        for value, code, count, row in zip(values, codes, counts, first, strict=True):
            use = (
                "unknown"
                if not entry.known(value) and value in asked
                else "known"
                if not entry.known(value)
                else "used"
                if code in entry.meant or not entry.meant
                else "known"
            )
            rows.append((name, variable, value, int(count), row, code or "", use))
        if any(code != value for code, value in zip(codes, values, strict=True)):
            made[variable] = np.array([*codes, None], dtype=object)[
                places
            ]  # place -1, missing, reads the last
    absent = [variable for variable in DOMAINS[name].optional if variable not in table]
    if absent:
        made = pd.concat([made, pd.DataFrame(np.nan, made.index, absent, dtype=object)], axis=1)
    made.attrs = table.attrs | {"absent": absent}
    return made, rows


def _numbers(
    name: str, table: pd.DataFrame, protocol: Protocol, lists: Mapping[str, CodeList]
) -> tuple[pd.DataFrame, _Words]:
    """The table with numbers for those in full-width signs and for grades in words, and what each was taken for."""
    made, rows = {}, []
    for column in filter(is_number, map(str, table.columns)):
        cells = table[column]
        if column == _GRADE and "RSTESTCD" in table:
            cells = cells.where(table["RSTESTCD"].isin(_analysed(name, protocol)))
        read: dict[str, str] = {}
        for cell in cells.dropna().unique():
            plain = cell.translate(_WIDE)
            plain = plain if _PLAIN.fullmatch(plain) else cell
            plain = (column == _GRADE and lists[_GRADE].code(plain)) or plain
            read |= {cell: plain} if plain != cell else {}
        for cell, plain in read.items():
            found = cells.index[cells.eq(cell)]
            rows.append((name, column, cell, len(found), found[0], plain, "used"))
        if read:
            made[column] = cells.map(read).fillna(table[column]).astype(object)
    if made:
        attrs, table = table.attrs, table.assign(**made)
        table.attrs = attrs
    return table, rows


def _where(table: pd.DataFrame, entry: CodeList, lists: Mapping[str, CodeList]) -> pd.Series:
    """The records by which a list is asked for its words."""
    chosen = pd.Series(True, table.index)
    for variable, code in entry.where:
        own, words = table.get(variable), list_of(lists, variable) or CodeList()
        chosen &= own.map(words.code, na_action="ignore").eq(code) if own is not None else False
    return chosen


# --- what happened ------------------------------------------------------------------------------------------------


def _happened(name: str, table: pd.DataFrame, protocol: Protocol) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """The records of what happened and can be analysed, and the others, if there are any, with their reasons."""
    reasons = [each for each in _reasons(name, table, protocol) if each[0].any()] if len(table) else []
    if not reasons:
        return table, None
    reason = pd.Series(None, table.index, dtype=object)
    detail = pd.Series("", table.index, dtype=object)
    for found, why, held in reasons:
        new = found & reason.isna()
        if new.any():
            reason[new] = why
            detail[new] = _left_over(name, table[new]) if held is None else held[new].fillna("")
    away = reason.notna()
    aside = table[away]
    sequence = f"{name}SEQ"
    rows = pd.DataFrame(
        {
            "domain": name,
            "USUBJID": aside.get("USUBJID"),
            "seq": aside.get(sequence, None),
            "row": aside.index,
            "date": aside.get(DOMAINS[name].date or "", None),
            "reason": reason[away],
            "detail": detail[away],
            "test": aside.get(f"{name}TESTCD", None),
        },
        columns=list(ASIDE),
    )
    kept = table.loc[~away]
    kept.attrs = table.attrs
    return kept, rows


def _reasons(
    name: str, table: pd.DataFrame, protocol: Protocol
) -> Iterator[tuple[pd.Series, str, pd.Series | None]]:
    """Records that are not analysed, why, and what they held, None for what is left over; a record's first reason is its own."""

    def said(what: str) -> pd.Series:
        return table.get(f"{name}{what}", pd.Series(None, table.index, dtype=object))

    if f"{name}STAT" in table:
        yield said("STAT").eq("NOT DONE"), NOT_DONE, None
    if {f"{name}OCCUR", f"{name}PRESP"} & set(table):
        occurred = said("OCCUR")
        yield occurred.isin(["N", "NA"]), DID_NOT_OCCUR, None
        yield occurred.eq("U") | (said("PRESP").eq("Y") & occurred.isna()), NOT_KNOWN, None
    if name == "IE" and {"IECAT", "IEORRES"} <= set(table):
        pairs = zip(table["IECAT"], table["IEORRES"], strict=True)
        yield (
            pd.Series([pair in _MET for pair in pairs], table.index, dtype=bool),
            CRITERION_MET,
            table["IEORRES"],
        )
    if name == "EX" and "EXTRT" in table:
        entry = code_lists(protocol)["EXTRT"]
        declared = {fold(word): code for word, code in protocol.codes.get("EXTRT", {}).items()}
        words = table["EXTRT"].map(fold, na_action="ignore")
        unnamed = words.notna() & ~words.isin(list(entry.codes)) & entry.rest
        yield words.map(declared).eq(OTHER) | unnamed, OTHER_TREATMENT, table["EXTRT"]
    if name == "LB" and "LBTESTCD" in table:
        yield from _of_other_specimen(table, protocol)
        yield from _beyond_limit(table, protocol)


def _left_over(name: str, table: pd.DataFrame) -> pd.Series:
    """What stands on records of what did not happen: a result alone as it is, else each cell with its variable."""
    columns = [c for c in (f"{name}{stem}" for stem in _LEFT) if c in table]
    rows = table[columns].to_numpy(dtype=object).tolist() if columns else [[]] * len(table)
    told = []
    for row in rows:
        cells = {
            column: cell
            for column, cell in zip(columns, row, strict=True)
            if cell is not None and cell == cell
        }
        alone = list(cells) == [f"{name}ORRES"]
        told.append(", ".join(cell if alone else f"{column} {cell}" for column, cell in cells.items()))
    return pd.Series(told, table.index, dtype=object)


def _of_other_specimen(table: pd.DataFrame, protocol: Protocol) -> Iterator[tuple[pd.Series, str, pd.Series]]:
    """Analysed tests of another specimen than the protocol's, as LBSPEC says or else its texts, beyond doubt."""
    specimen = table.get("LBSPEC", pd.Series(None, table.index, dtype=object))
    hinted = specimen_hints(table, protocol)
    certain = hinted[hinted["certain"]]
    if specimen.isna().all() and certain.empty:
        return
    present = set(table["LBTESTCD"])
    for parameter in protocol.parameters:
        if parameter.kind == "laboratory" and parameter.paramcd in present:
            own = table["LBTESTCD"].eq(parameter.paramcd) & specimen.notna()
            yield own & ~specimen.isin(_specimens(parameter, protocol)), SPECIMEN, specimen
    yield (
        pd.Series(table.index.isin(certain.index), table.index),
        SPECIMEN,
        hinted["named"].reindex(table.index),
    )


def _specimens(parameter: Parameter, protocol: Protocol) -> set[str | None]:
    words = code_lists(protocol)["LBSPEC"]
    return {words.code(word) for word in parameter.specimen}


def specimen_hints(table: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """Records of analysed tests without LBSPEC whose name or category names another specimen than the protocol's.

    Returns
    -------
    DataFrame
        With the index of these records: ``text`` that names it, ``named``, the specimens, and ``certain``: whether they can be no
        other, because the texts name none of the protocol's and no category is of several.
    """
    columns = [column for column in HINTS if column in table]
    declared = {
        column: {fold(word) for word, code in protocol.codes.get(column, {}).items() if code == OTHER}
        for column in columns
    }
    tells = pd.Series(False, table.index)
    for column in columns:
        words = [text for text in table[column].dropna().unique() if named_in("LBSPEC", text)]
        tells |= table[column].isin(words)
    table = table[tells]
    found: dict[object, tuple[str, str, bool]] = {}
    present = set(table["LBTESTCD"])
    for parameter in protocol.parameters:
        if parameter.kind != "laboratory" or parameter.paramcd not in present:
            continue
        wanted = _specimens(parameter, protocol)
        wanted |= {"BLOOD"} if wanted & set(BLOOD) else set()
        own = table[table["LBTESTCD"].eq(parameter.paramcd)]
        own = own[own["LBSPEC"].isna()] if "LBSPEC" in own else own
        for texts, rows in own[columns].fillna("").groupby(columns).groups.items():
            pairs = zip(columns, texts if isinstance(texts, tuple) else (texts,), strict=True)
            told = {
                f"{column} {text!r}": (named, column in _CATEGORIES and re.search(_SEVERAL, fold(text)))
                for column, text in pairs
                if fold(text) not in declared[column] and (named := named_in("LBSPEC", text))
            }
            named = frozenset().union(*(names for names, _ in told.values()))
            if strange := named - wanted:
                certain = strange == named and "BLOOD" not in named and not any(s for _, s in told.values())
                found |= dict.fromkeys(rows, (" and ".join(told), ", ".join(sorted(strange)), certain))
    made = pd.DataFrame(list(found.values()), list(found), columns=["text", "named", "certain"])
    return made.astype({"text": object, "named": object, "certain": bool})


# --- results ------------------------------------------------------------------------------------------------------


def _resulted(name: str, table: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """``--ORRES`` and what goes with it hold what is analysed: the standard result where the original cannot be."""
    test = _RESULTS[name]
    if test not in table:
        return table
    made = table
    number, unit = f"{name}STRESN", f"{name}STRESU"
    pairs = [(f"{name}ORRES", number), (f"{name}ORRESU", unit)]
    pairs += [(f"{name}ORNR{end}", f"{name}STNR{end}") for end in ("LO", "HI")] if name == "LB" else []
    analysed = table[test].isin(_analysed(name, protocol))
    if number in table and analysed.any():
        sound = {
            own: _numeric(table[own]) & _unit_known(name, table, unit_of, protocol)
            for own, unit_of in ((f"{name}ORRES", f"{name}ORRESU"), (number, unit))
            if own in table
        }
        original = sound.get(f"{name}ORRES", pd.Series(False, table.index))
        take = (
            analysed
            & ~original
            & sound[number]
            & ~_beyond(table.get(f"{name}ORRES", pd.Series(None, table.index, dtype=object)))
        )
        if take.any():
            made = made.copy()
            for own, standard in pairs:
                if own not in made:
                    made[own] = pd.Series(None, made.index, dtype=object)
                made.loc[take, own] = made.loc[take, standard] if standard in made else None
            made.attrs = table.attrs
    return _limited(made, protocol, analysed) if name == "LB" and "LBORRES" in made else made


def _dosed(table: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """Units of doses as the protocol spells them."""
    from esld.scoring import units

    known = dict.fromkeys(arm.dose.unit for arm in protocol.arms if arm.dose)
    written = table.get("EXDOSU", pd.Series(dtype=object)).dropna().unique()
    spelt = {word: unit for word in written for unit in known if units.spelt_alike(word, unit)}
    if all(word == unit for word, unit in spelt.items()):
        return table
    made = table.assign(EXDOSU=table["EXDOSU"].replace(spelt))
    made.attrs = table.attrs
    return made


def _beyond(results: pd.Series) -> pd.Series:
    """Whether each result lies beyond a limit: how it is read, the protocol says and not the laboratory."""
    return results.map(lambda text: re.match(_LIMIT, text) is not None, na_action="ignore").eq(True)


def _analysed(name: str, protocol: Protocol) -> list[str]:
    if name == "VS":
        return ["WEIGHT", "HEIGHT"]
    kind = "laboratory" if name == "LB" else "grade"
    return [p.paramcd for p in protocol.parameters if p.kind == kind]


def _numeric(column: pd.Series) -> pd.Series:
    return pd.to_numeric(column, errors="coerce").replace([np.inf, -np.inf], np.nan).notna()


def _unit_known(name: str, table: pd.DataFrame, column: str, protocol: Protocol) -> pd.Series:
    """Whether each result has a unit that its test can be analysed in; grades have none."""
    if name == "RS":
        return pd.Series(True, table.index)
    if column not in table:
        return pd.Series(False, table.index)
    if name == "VS":
        return table[column].map(fold, na_action="ignore").isin(["kg", "cm"])
    test = table["LBTESTCD"]
    good, present = pd.Series(False, table.index), set(test)
    for parameter in protocol.parameters:
        if parameter.kind == "laboratory" and parameter.paramcd in present:
            own = test.eq(parameter.paramcd)
            fits = table.loc[own, column].map(partial(unit_fits, parameter=parameter), na_action="ignore")
            good[own] = fits.eq(True).to_numpy(dtype=bool)
    return good


def _beyond_limit(table: pd.DataFrame, protocol: Protocol) -> Iterator[tuple[pd.Series, str, pd.Series]]:
    """Results below or above a limit that the protocol reads as missing."""
    if "missing" not in (protocol.below_limit, protocol.above_limit):
        return
    sides = table["LBORRES"].astype("string").str.extract(_LIMIT)[0]
    below = sides.isin(["<", "≤"]) & (protocol.below_limit == "missing")
    above = sides.isin([">", "≥"]) & (protocol.above_limit == "missing")
    yield (below | above).fillna(False).astype(bool), BEYOND_LIMIT, table["LBORRES"]


def _limited(table: pd.DataFrame, protocol: Protocol, analysed: pd.Series) -> pd.DataFrame:
    """Results below or above a limit as the protocol reads them."""
    shares = {"half": 0.5, "limit": 1.0}
    factors = {"<": shares.get(protocol.below_limit or ""), ">": shares.get(protocol.above_limit or "")}
    factors |= {"≤": factors["<"], "≥": factors[">"]}
    if not any(factors.values()):
        return table
    parts = table.loc[analysed, "LBORRES"].astype("string").str.extract(_LIMIT)
    parts = parts[parts[0].map(factors, na_action="ignore").notna()]
    if parts.empty:
        return table
    values = parts[1].astype(float) * parts[0].map(factors).astype(float)
    made = table.copy()
    made.loc[values.index, "LBORRES"] = [f"{value:.12g}" for value in values]
    if (
        "LBSTRESN" in made
    ):  # of the number at the limit, which is not compared with what the protocol makes of it
        made.loc[values.index, "LBSTRESN"] = None
    made.attrs = table.attrs
    return made


def _joined(parts: list[pd.DataFrame], columns: tuple[str, ...]) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(columns), dtype=object)
