"""Coding: terms that have no code yet, or one that is nearly what is looked for; names that are another code's or variable's."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

import pandas as pd

from esld.data.codes import OTHER, code_lists, fold, list_of, named_in
from esld.data.queries.ask import Evidence, Query, Severity, counted, each, folded, line, rule, text
from esld.data.sdtm import DOMAINS, date_columns
from esld.protocol import Protocol
from esld.protocol.measures import BLOOD

_NEAR = 0.8  # how close two spellings are that may be one word

_TERMS = {
    "AEDECOD": "AETERM",
    "CEDECOD": "CETERM",
    "CMDECOD": "CMTRT",
    "PRDECOD": "PRTRT",
    "MHDECOD": "MHTERM",
}

# Variables of SDTM of their own, however close they are to one that is absent.
_OWN = {"AEACNDEV", "AEACNOTH", "AERELNST", "ARMNRS", "SSSTRESN", "SSSTRESU", "VISITDY", "VISITNUM"}


@rule("not coded", "minor")
def _not_coded(evidence: Evidence) -> Iterator[Query]:
    """Record by record where the protocol selects by the code, and one line else, or where no record is coded."""
    endpoints = {(s.domain, c) for e in evidence.protocol.endpoints for s in e.sources for c in s.where}
    selects = {(s.domain, c) for s in evidence.protocol.sources for c in s.where}
    for code, term in _TERMS.items():
        name = code[:2]
        table = evidence.tables.get(name)
        if table is None or not {code, term} <= set(table) or code in table.attrs.get("absent", ()):
            continue
        named = table[term].notna()
        rows = table[named & table[code].isna()]
        if rows.empty or (code == "MHDECOD" and len(rows) == named.sum()):
            continue  # history need not be coded at all
        severity: Severity | None = None
        if (name, code) in selects:
            severity = "critical" if (name, code) in endpoints else "major"
            if len(rows) < named.sum():
                yield from each(
                    name,
                    rows,
                    f"{{{term}!r}} has no {code}: nothing that selects by it counts it.",
                    severity=severity,
                )
                continue
        of = f"{len(rows)} of {counted(int(named.sum()), 'record')} of {name}"
        what = f"{code} is empty on {of} with a {term}"
        what = f"{what}: nothing that selects by it counts them" if severity else what
        yield line(name, rows, what, code, severity=severity)


@rule("arm named otherwise than by its code", "critical")
def _arm_names(evidence: Evidence) -> Iterator[Query]:
    """By the protocol's name of another arm; or, where one name stands with two codes, with the rarer one."""
    dm, meant = evidence.tables["DM"], _protocol_names(evidence.protocol)
    for code, name in (("ARMCD", "ARM"), ("ACTARMCD", "ACTARM")):
        if not {code, name} <= set(dm):
            continue
        both = dm[dm[code].notna() & dm[name].notna()]
        of = both[name].map({word: meant.get(folded(word)) for word in set(both[name])})
        other = both[of.notna() & of.ne(both[code])]
        message = f"{name} is {{{name}!r}}, {{of}} the name of another arm than {code} {{{code}}}."
        yield from each("DM", other.assign(of="in the protocol file"), message, ("USUBJID",))
        both = both.drop(index=other.index)
        usual = both.groupby(name)[code].agg(lambda codes: codes.mode().iloc[0])
        apart = both[both[code].ne(both[name].map(usual))]
        yield from each("DM", apart.assign(of="elsewhere"), message, ("USUBJID",))


def _protocol_names(protocol: Protocol) -> dict[str, str]:
    """The code of the arm that each word of the protocol names, folded, where it names but one."""
    named: dict[str, set[str]] = {}
    for arm in protocol.arms:
        for word in (arm.code, arm.label, arm.name):
            named.setdefault(folded(word), set()).add(arm.code)
    return {word: min(codes) for word, codes in named.items() if len(codes) == 1}


@rule("word close to one that is looked for", "major")
def _nearly(evidence: Evidence) -> Iterator[Query]:
    """Words that nobody knows, of variables whose words are too many to be a fault; one line a word."""
    lists = code_lists(evidence.protocol)
    looked_for = [("CM", "CMDECOD"), *((s.domain, c) for s in evidence.protocol.sources for c in s.where)]
    for name, variable in dict.fromkeys(looked_for):
        entry, table = lists[variable], evidence.tables.get(name)
        if entry.complete or table is None or variable not in table:
            continue
        spelt = {word: code for word, code in entry.codes.items() if code in entry.meant}
        for word, rows in table.groupby(variable):
            if entry.known(str(word)) or (near := _close(fold(str(word)), spelt)) is None:
                continue
            told = f"{variable} {word!r} is close to {spelt[near]!r}, and not counted as it"
            remedy = f'codes: {{{variable}: {{"{word}": {spelt[near]}}}}}, or {OTHER} if it is not'
            message = (
                f"{told}; say in the protocol file what it is: {remedy}; on {counted(len(rows), 'record')}"
            )
            yield line(name, rows, message, variable, fold(str(word)))


def _close(word: str, spelt: Mapping[str, str | None]) -> str | None:
    """The spelling that a word is close to, or that has all of its words or lends it all of its own."""
    from difflib import get_close_matches

    own = set(re.findall(r"\w+", word))
    for other in spelt:
        words = set(re.findall(r"\w+", other))
        chinese = not word.isascii() and (word in other or other in word)
        if chinese or (own and words and (own <= words or words <= own)):
            return other
    return next(iter(get_close_matches(word, spelt, n=1, cutoff=_NEAR)), None)


@rule("test code not known", "minor")
def _unknown_tests(evidence: Evidence) -> Iterator[Query]:
    """Where an analysis selects by a few test codes, and others are no fault; one line a code."""
    lists = code_lists(evidence.protocol)
    for name, table in evidence.tables.items():
        variable = f"{name}TESTCD"
        entry = list_of(lists, variable)
        if variable not in table or entry is None or entry.complete or entry.rest or not entry.meant:
            continue
        for word, rows in table.groupby(variable):
            if not entry.known(str(word)):
                message = (
                    f"{variable} {word!r} is not known, and nothing uses it: is it another? Or say in the protocol file "
                    f'codes: {{{variable}: {{"{word}": {OTHER}}}}}; on {counted(len(rows), "record")}'
                )
                yield line(name, rows, message, fold(str(word)))


@rule("test code and test name disagree", "major")
def _test_names(evidence: Evidence) -> Iterator[Query]:
    """A name is that of the protocol's parameter, or of the code that most records with it have. One line a code and name."""
    parameters = {folded(p.param): p.paramcd for p in evidence.protocol.parameters if p.kind != "score"}
    for name, used in evidence.tests_used.items():
        table = evidence.tables.get(name)
        code, label = f"{name}TESTCD", f"{name}TEST"
        if table is None or not {code, label} <= set(table):
            continue
        table = table[_of_blood(name, table)]
        counts: dict[str, Counter[str]] = {}
        for (word, own), number in Counter(zip(table[label], table[code], strict=True)).items():
            if text(word) and text(own) and own != OTHER:
                counts.setdefault(folded(word), Counter())[own] += number
        for word, codes in counts.items():
            most, number = codes.most_common(1)[0]
            known = parameters.get(word)
            usual = known if known in used else most if 2 * number > codes.total() else None
            for other in codes if usual else ():
                if other != usual:
                    own = table[table[code].eq(other)]
                    own = own[own[label].map(text).map(folded).eq(word)]
                    message = (
                        f"{code} is {other} and {label} {own[label].iloc[0]!r}, the name of {usual}: which is right? The code "
                        f"counts. On {counted(len(own), 'record')}"
                    )
                    severity: Severity | None = None if {other, usual} & set(used) else "minor"
                    yield line(name, own, message, other, word, severity=severity)


@rule("test name says another test", "major")
def _other_test(evidence: Evidence) -> Iterator[Query]:
    """A name that says direct, ratio or urine under a parameter whose own name does not. One line a code and name."""
    lb = evidence.tables.get("LB")
    if lb is None or "LBTEST" not in lb:
        return
    laboratory = [p for p in evidence.protocol.parameters if p.kind == "laboratory"]
    names = {folded(p.param) for p in laboratory}  # of another parameter: the rule above asks
    for parameter in laboratory:
        own = lb[lb["LBTESTCD"].eq(parameter.paramcd)]
        usual = named_in("TEST", parameter.param) | named_in("TEST", parameter.paramcd)
        usual |= {"URINE"} if "URINE" in parameter.specimen else set()
        for name in own["LBTEST"].dropna().unique():
            if (others := named_in("TEST", str(name)) - usual) and folded(str(name)) not in names:
                rows = own[own["LBTEST"].eq(name)]
                message = (
                    f"LBTESTCD is {parameter.paramcd}, {parameter.param!r}, and LBTEST {name!r} says "
                    f"{' and '.join(sorted(others)).lower()}: which is right? The code counts. On {counted(len(rows), 'record')}"
                )
                yield line("LB", rows, message, parameter.paramcd, folded(str(name)))


@rule("variable close to one without a value", "major", whole="*")
def _lost_variables(evidence: Evidence) -> Iterator[Query]:
    """A column that nobody knows, in whose name an optional variable of its domain may be meant that has no value."""
    for name, table in evidence.tables.items():
        domain = DOMAINS[name]
        wanted = {**domain.optional, **dict.fromkeys(date_columns(domain), "dates")}
        filled = {*table.columns[table.notna().any()]}
        absent = [c for c in wanted if c not in filled]
        known = {*domain.required, *wanted, *_OWN}
        for column in (c for c in table if absent and str(c) not in known and c in filled):
            spelt = {fold(c): c for c in absent}
            if near := _lost(fold(str(column)), spelt):
                message = (
                    f"{column} is no variable that is known, and {spelt[near]} has no value: did you mean it? It is for "
                    f"{wanted[spelt[near]]}."
                )
                yield Query("", name, message, (name, str(column)))


def _lost(column: str, absent: Mapping[str, str]) -> str | None:
    from difflib import get_close_matches

    longer = next((word for word in absent if len(word) > 4 and column.startswith(word)), None)
    return longer or next(iter(get_close_matches(column, absent, n=1, cutoff=_NEAR)), None)


def _of_blood(name: str, table: pd.DataFrame) -> "pd.Series[bool]":
    """Laboratory records of one specimen: glucose of urine has another code and may have the same name."""
    other = pd.Series(False, table.index)
    if name == "LB" and "LBCAT" in table:
        other |= table["LBCAT"].eq("URINALYSIS")
    if name == "LB" and "LBSPEC" in table:
        other |= table["LBSPEC"].notna() & ~table["LBSPEC"].isin(BLOOD)
    return ~other
