"""Events of endpoints that a site tells in its own words, or in a form by which no endpoint counts them."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

import pandas as pd

from esld.data import dates
from esld.data.codes import named_in
from esld.data.queries.ask import Evidence, Query, each, rule
from esld.data.sdtm import DOMAINS
from esld.data.sources import transplant_codes
from esld.longform import stacked
from esld.protocol.measures import Source

_TEXTS = ("TERM", "MODIFY", "DECOD", "LLT", "TRT", "INDC", "ADJ")  # of any domain; INDC tells what is treated
_PART = re.compile(r"[.,;:，。；、]|\bbut\b|但")  # what "no" and "risk of" are said of ends here
_VOID = {"DEATH": "NOT DEATH"}  # of every other event NOT
_VOIDS = {"NOT", "NOT DEATH"}
_EPISODE = pd.Timedelta(days=30)  # what recurs is the same episode within these


@lru_cache(maxsize=100_000)
def events(text: str) -> frozenset[str]:
    """The events that a text says have happened.

    >>> sorted(events("No ascites, but hepatic encephalopathy"))
    ['HEPATIC ENCEPHALOPATHY']
    """
    parts = (named_in("EVENT", part) for part in _PART.split(text))
    return frozenset(c for named in parts for c in named - _VOIDS if _VOID.get(c, "NOT") not in named)


def told(evidence: Evidence, code: str) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Domain, variable and records of the texts that tell an event; history before randomisation is none."""
    randomised = evidence.subjects["RANDDT"]
    for name, column, such in evidence.once(_telling).get(code, ()):
        table, date = evidence.tables[name], DOMAINS[name].date
        own = table[table[column].isin(such)]
        if name in ("MH", "CM"):
            own = own[dates.earliest(own[date]) >= own["USUBJID"].map(randomised)]
        if len(own):
            yield name, column, own


def _telling(evidence: Evidence) -> Mapping[str, list[tuple[str, str, list[str]]]]:
    """By event, domain and variable with the texts there that tell it."""
    found: dict[str, list[tuple[str, str, list[str]]]] = {}
    for name, table in evidence.tables.items():
        for column in (f"{name}{end}" for end in _TEXTS):
            if column not in table or DOMAINS[name].date not in table:
                continue
            by_event: dict[str, list[str]] = {}
            for text in table[column].dropna().unique():
                for code in events(str(text)):
                    by_event.setdefault(code, []).append(text)
            for code, such in by_event.items():
                found.setdefault(code, []).append((name, column, such))
    return found


@rule("endpoint event in words alone", "critical", whole="*")
def _events_in_words(evidence: Evidence) -> Iterator[Query]:
    """One query a patient and event; a death has a rule of its own."""
    randomised = evidence.subjects["RANDDT"]
    at_most_once = {"DEATH", *transplant_codes(evidence.protocol)}
    for code, sources in _sources(evidence).items():
        texts = list(told(evidence, code))
        if not texts:
            continue  # as nearly always
        counted = _counted(evidence, sources)
        present = _present(evidence, sources)
        asked: set[str] = set()
        for name, column, own in texts:
            date = own[DOMAINS[name].date]
            days = pd.DataFrame(
                {"USUBJID": own["USUBJID"], "first": dates.earliest(date), "last": dates.latest(date)}
            )
            days = days[days["last"] >= days["USUBJID"].map(randomised)]
            treated = column.endswith("INDC")  # what is treated began at any time
            once = treated or code in at_most_once
            days = days[~days["USUBJID"].isin(asked | (present if treated else set()))]
            known = (
                days["USUBJID"].isin(counted["USUBJID"]) if once else days.index.isin(_near(counted, days))
            )
            own = own.loc[days.index[~known]].drop_duplicates("USUBJID")
            asked |= set(own["USUBJID"])
            by = " or ".join(dict.fromkeys(f"{s.domain} {' '.join(s.where.values())}" for s in sources))
            when = "" if once else f" within {_EPISODE.days} days"
            message = f"{column} of {{{DOMAINS[name].date}}} is {{{column}!r}}, and no record of {by}{when}: it is not counted."
            yield from each(name, own, message, (column,))


def _sources(evidence: Evidence) -> Mapping[str, list[Source]]:
    """By event, the sources of endpoints whose code names it."""
    found: dict[str, list[Source]] = {}
    for source in (source for endpoint in evidence.protocol.endpoints for source in endpoint.sources):
        for code in {code for value in source.where.values() for code in events(value)} - {"DEATH"}:
            if source not in found.setdefault(code, []):
                found[code].append(source)
    return dict(sorted(found.items()))


def _counted(evidence: Evidence, sources: list[Source]) -> pd.DataFrame:
    """Who has a record of one of the sources, and the days around which it is the same episode."""
    none = pd.Series(dtype="datetime64[ns]")
    parts = [pd.DataFrame({"USUBJID": pd.Series(dtype=object), "first": none, "last": none})]
    for source in sources:
        table = evidence.tables.get(source.domain)
        if table is None or not {source.date, *source.where} <= set(table):
            continue
        for column, value in source.where.items():  # what has no code yet has a query of its own
            table = table[table[column].eq(value) | table[column].isna()]
        end = DOMAINS[source.domain].end
        last = dates.latest(table[source.date])
        until = dates.latest(table[end]).fillna(last) if end in table else last
        first = dates.earliest(table[source.date])
        parts.append(pd.DataFrame({"USUBJID": table["USUBJID"], "first": first, "last": until}))
    return stacked(parts)


def _near(counted: pd.DataFrame, days: pd.DataFrame) -> set[int]:
    """Which days are those of an episode that is counted."""
    both = days.reset_index(names="row").merge(counted, on="USUBJID", suffixes=("", "_of"))
    near = (both["first_of"] - _EPISODE <= both["last"]) & (both["last_of"] + _EPISODE >= both["first"])
    return set(both.loc[near, "row"])


def _present(evidence: Evidence, sources: list[Source]) -> set[str]:
    """Who had the condition at baseline, by the endpoint's own parameter: it is treated, and is no event."""
    found: set[str] = set()
    for endpoint in evidence.protocol.endpoints:
        if endpoint.prevalent and any(s in endpoint.events for s in sources):
            adlb, already = evidence.adlb, endpoint.prevalent
            of = (
                adlb["PARAMCD"].eq(already.paramcd)
                & adlb["ABLFL"].eq("Y")
                & (adlb["AVAL"] >= already.at_least)
            )
            found |= set(adlb.loc[of, "USUBJID"])
    return found
