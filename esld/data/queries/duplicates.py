"""Duplicates: records word for word, numbers used twice, and one event under two names."""

import unicodedata
from collections.abc import Iterator

import pandas as pd

from esld.data import dates
from esld.data.queries.ask import (
    Evidence,
    Query,
    folded,
    named,
    of_patient,
    place,
    records,
    rule,
    text,
    used_and_unused,
)
from esld.data.sdtm import DOMAINS

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
        again = table.duplicated(["USUBJID", sequence])
        if again.any():
            what = f"{sequence} is used twice for this subject"
            yield from used_and_unused(evidence, name, table[again], what, [sequence])


@rule("event twice in other words", "major")
def _same_event(evidence: Evidence) -> Iterator[Query]:
    """The same term but for spelling, or the same code, that began on the same day."""
    for name, words in _EVENTS.items():
        table = evidence.tables.get(name)
        date = DOMAINS[name].date
        if table is None or date not in table or len(table) < 2:
            continue
        content = [column for column in table if column != DOMAINS[name].sequence]
        dated = table[table[date].notna() & ~table.duplicated(content)]
        first, last = dates.earliest(dated[date]), dates.latest(dated[date])
        met: dict[tuple[object, ...], int] = {}
        for row, began in enumerate(zip(dated["USUBJID"], first, last, strict=True)):
            keys = [
                (*began, column, term)
                for column in words
                if column in dated and (term := _letters(text(dated[column].iloc[row])))
            ]
            earlier = [met[key] for key in keys if key in met]
            met |= {key: row for key in keys if key not in met}
            if earlier:
                one, other = (records(dated.iloc[[number]])[0] for number in (min(earlier), row))
                terms = [text(record[words[0]]) for record in (one, other)]
                message = f"{terms[1]!r} of {other[date]} seems to be {terms[0]!r}, {place(name, one)}."
                about = (str(one["USUBJID"]), *named(name, other), folded(terms[0]))
                yield Query(str(one["USUBJID"]), place(name, other), message, about)


@rule("one patient under two ids", "critical")
def _two_ids(evidence: Evidence) -> Iterator[Query]:
    """Two patients with the same numbers of the same tests on the same days."""
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
