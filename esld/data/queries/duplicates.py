"""Duplicates: records word for word, numbers used twice, and one event under two names."""

import unicodedata
from collections.abc import Iterator

import pandas as pd

from esld.alike import LookAlikes
from esld.data import dates
from esld.data.queries.ask import (
    Evidence,
    Query,
    counted,
    folded,
    line,
    named,
    of_patient,
    place,
    records,
    rule,
    text,
    used_and_unused,
)
from esld.data.sdtm import DOMAINS

_Time = tuple[pd.Timestamp, pd.Timestamp, pd.Timestamp, pd.Timestamp]
_NEAR = pd.Timedelta(days=3)  # between two starts of what may be one event
# The verbatim term and the code of what happens once on a day; medication may be given twice.
_SAME, _PART = (
    5,
    0.9,
)  # results that two patients share, and of the smaller one's, before they may be one person
_EVENTS = {"AE": ("AETERM", "AEDECOD"), "CE": ("CETERM", "CEDECOD"), "MH": ("MHTERM", "MHDECOD")}


@rule("duplicate record", "major")
def _duplicates(evidence: Evidence) -> Iterator[Query]:
    for name, table in evidence.tables.items():
        sequence = DOMAINS[name].sequence
        if name == "DM" or sequence not in table or len(table) < 2:
            continue
        content = [column for column in table if column != sequence]
        short = [c for c in ("USUBJID", DOMAINS[name].date, f"{name}TESTCD", f"{name}ORRES") if c in table]
        alike = table.duplicated(short, keep=False)
        if alike.any():  # few, and comparing every cell of a large table takes long
            twice = table[alike]
            twice = twice[twice.duplicated(content)]
            result = [column for column in (f"{name}ORRES",) if column in table]
            what = "the record stands twice, word for word"
            yield from used_and_unused(evidence, name, twice, what, result)
        number = pd.to_numeric(table[sequence], errors="coerce")
        none = table[number.isna()]
        if len(none):
            what = f"{sequence} is no number in {counted(len(none), 'record')}"
            yield line(
                name, none, f"{what}: of one day they are taken as the file has them", sequence, "none"
            )
        again = table.duplicated(["USUBJID", sequence]) & number.notna()
        if again.any():
            what = f"{sequence} is used twice for this subject"
            if 2 * again.sum() > len(table):  # the column numbers nothing
                message = (
                    f"{sequence} is no number of one record alone in {counted(int(again.sum()), 'record')}"
                )
                yield line(name, table[again], message, sequence)
            else:
                yield from used_and_unused(evidence, name, table[again], what, [sequence])


@rule("event recorded twice", "major")
def _same_event(evidence: Evidence) -> Iterator[Query]:
    """The same term but for spelling, or the same code, that began on the same day; of what recurs also at the same time."""
    endpoints = [endpoint for endpoint in evidence.protocol.endpoints if endpoint.recurrent]
    recurs = {source.domain for endpoint in endpoints for source in endpoint.events}
    for name, words in _EVENTS.items():
        table = evidence.tables.get(name)
        date = DOMAINS[name].date
        if table is None or date not in table or len(table) < 2:
            continue
        content = [column for column in table if column != DOMAINS[name].sequence]
        dated = table[table[date].notna() & ~table.duplicated(content)]
        times = _times(name, dated)
        met: dict[tuple[object, ...], list[int]] = {}
        for row, time in enumerate(times):
            keys = [
                (dated["USUBJID"].iloc[row], column, term)
                for column in words
                if column in dated and (term := _letters(text(dated[column].iloc[row])))
            ]
            before = sorted({other for key in keys for other in met.get(key, ())})
            for key in keys:
                met.setdefault(key, []).append(row)
            began = [other for other in before if times[other][:2] == time[:2]]
            during = [other for other in before if name in recurs and _meet(times[other], time)]
            if earlier := began or during:
                one, other = (records(dated.iloc[[number]])[0] for number in (earlier[0], row))
                terms = [text(record[words[0]]) for record in (one, other)]
                said, begun, where = terms[1], other[date], place(name, one)
                message = f"{said!r} of {begun} seems to be {terms[0]!r}, {where}."
                if not began:
                    message = f"{said!r} of {begun} and {where} of {one[date]} overlap in time: are they one event? Each counts."
                about = (str(one["USUBJID"]), *named(name, other), folded(terms[0]))
                yield Query(str(one["USUBJID"]), place(name, other), message, about)


def _times(name: str, table: pd.DataFrame) -> list[_Time]:
    """First and last day that the start of each record can mean, and first and last day of its end."""
    start, end = str(DOMAINS[name].date), str(DOMAINS[name].end)
    ends = table[end] if end in table else pd.Series(None, table.index, dtype=object)
    days = [read(column) for column in (table[start], ends) for read in (dates.earliest, dates.latest)]
    return list(zip(*days, strict=True))


def _meet(one: _Time, other: _Time) -> bool:
    """Whether the later of two certainly began before the other ended, or began days after it with the same end or none.

    What begins on the day on which the other ends follows it, as of another severity.
    """
    (first, began, ends, _), (later, _, ended, _) = sorted((one, other), key=lambda time: time[:2])
    same = ends == ended or (pd.isna(ends) and pd.isna(ended))
    return bool(max(one[1], other[1]) < ends or (same and later - began <= _NEAR and first != later))


@rule("one patient under two ids", "critical")
def _two_ids(evidence: Evidence) -> Iterator[Query]:
    """Two patients whose ids look alike, or with the same numbers of the same tests on the same days."""
    met_ids = LookAlikes()
    named = {evidence.number(who): who for who in evidence.tables["DM"]["USUBJID"].dropna()}
    for number in sorted(named):
        if other := met_ids.of(number):
            one, two = named[other], named[number]
            message = f"The id {one!r} looks like {two!r}, which is in DM too: are they one patient?"
            yield of_patient(one, "DM", message, two)
        met_ids.add(number)
    lb = evidence.tables.get("LB")
    if lb is None or lb.empty:
        return
    numbers = lb[lb["LBORRES"].str.match(r"[0-9.]+$", na=False)]
    own = pd.DataFrame({"USUBJID": numbers["USUBJID"], "day": numbers["LBDTC"].str[:10]})
    own = own.assign(test=numbers["LBTESTCD"], value=numbers["LBORRES"]).drop_duplicates()
    what = ["test", "day", "value"]
    total = own["USUBJID"].value_counts()
    shared = own[own.duplicated(what, keep=False)]  # with another patient
    if shared.empty:
        return
    enough = shared["USUBJID"].value_counts()
    alike = enough.index[(enough >= _SAME) & (enough >= _PART * total[enough.index])]
    # the smaller of two has nearly all in common: hardly anybody is in `alike`
    pairs = shared[shared["USUBJID"].isin(alike)].merge(shared, on=what, suffixes=("", "2"))
    pairs = pairs[pairs["USUBJID"].ne(pairs["USUBJID2"])]
    counts = pairs.groupby(["USUBJID", "USUBJID2"], as_index=False).size()
    met: set[tuple[str, str]] = set()
    for row in records(counts):
        first, second = sorted((str(row["USUBJID"]), str(row["USUBJID2"])), key=evidence.number)
        least, count = min(total[first], total[second]), row["size"]
        if count >= max(_SAME, _PART * least) and (first, second) not in met:
            met.add((first, second))
            message = f"{count} of {least} laboratory results are those of {second}, of the same days: are they one patient?"
            yield of_patient(first, "LB", message, second)


def _letters(word: str) -> str:
    """A term without regard to case, width, blanks, hyphens and points."""
    return "".join(c for c in unicodedata.normalize("NFKC", word).casefold() if c.isalnum())
