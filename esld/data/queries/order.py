"""The order of days: milestones, beginnings and ends, and measurements without a day."""

import re
from collections.abc import Iterator

import pandas as pd

from esld.data import dates
from esld.data.queries.ask import (
    Evidence,
    Query,
    each,
    line,
    many,
    of_patient,
    origin,
    place,
    records,
    rule,
    share,
)
from esld.data.sdtm import DOMAINS, date_columns
from esld.data.sources import selected, transplant_codes, transplantations

# Of DM the pairs that lie in one order: reference period, exposure.
_PERIODS = (("RFSTDTC", "RFENDTC"), ("RFXSTDTC", "RFXENDTC"))
_MOMENT = re.compile(
    r"([0-9-]{10})T([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)"
)  # without a zone: a clock of one place

_HISTORY, _YEARS = ("MH", "CM"), 5


@rule("milestones in the wrong order", "critical")
def _milestones(evidence: Evidence) -> Iterator[Query]:
    subjects = evidence.subjects
    for column, record, what in (
        ("DTHDT", "DM", "Death"),
        ("TRTSDT", "EX", f"First {evidence.protocol.treatment.one}"),
    ):
        for subject, date in subjects.loc[subjects[column] < subjects["RANDDT"], column].items():
            day = f"{date:%Y-%m-%d}"
            yield of_patient(subject, record, f"{what} on {day} is before randomisation.", column, day)
    if (subjects["TRPLDT"] < subjects["RANDDT"]).any():
        first = transplantations(evidence.tables, evidence.protocol).join(subjects["RANDDT"], how="inner")
        for subject, row in first[first["ADT"] < first["RANDDT"]].iterrows():
            day = f"{row['ADT']:%Y-%m-%d}"
            message = f"{row['description']} on {day} is before randomisation."
            yield of_patient(subject, row["SRCDOM"], message, "transplantation", day)
    for subject, row in subjects[subjects["RFICDT"] > subjects["RANDDT"]].iterrows():
        consent, randomised = f"{row['RFICDT']:%Y-%m-%d}", f"{row['RANDDT']:%Y-%m-%d}"
        message = f"Consent on {consent} is after randomisation on {randomised}."
        yield of_patient(subject, "DM", message, "RFICDT", consent, randomised)
    yield from _endpoint_events(evidence)


def _endpoint_events(evidence: Evidence) -> Iterator[Query]:
    """Events of endpoints that every reading dates before randomisation; of transplantations ADSL knows the first."""
    randomised, codes = evidence.subjects["RANDDT"], transplant_codes(evidence.protocol)
    sources = [source for endpoint in evidence.protocol.endpoints for source in endpoint.sources]
    for name, date in dict.fromkeys((source.domain, source.date) for source in sources):
        table = evidence.tables.get(name)
        if table is None or table.empty or date not in table:
            continue
        early = table[dates.latest(table[date]) < table["USUBJID"].map(randomised)]
        asked = [source for source in sources if (source.domain, source.date) == (name, date)]
        for number, source in enumerate(asked if len(early) else ()):
            if source not in asked[:number] and not codes & set(source.where.values()):
                own = early[selected(source, early)]
                told = "is before randomisation: it counts on the day of randomisation."
                yield from each(name, own, f"{source.description} on {{{date}}} {told}")


@rule("day of an endpoint event not known", "critical")
def _day_of_event(evidence: Evidence) -> Iterator[Query]:
    """A part of the date is not known; one that lies before randomisation whatever it means is asked for above."""
    randomised, met = evidence.subjects["RANDDT"], set[tuple[str, object]]()
    for source in evidence.protocol.decisive_sources:
        table = evidence.tables.get(source.domain)
        if table is None or table.empty or source.date not in table:
            continue
        own = table[dates.is_partial(table[source.date]) & table["USUBJID"].isin(randomised.index)]
        own = own[
            selected(source, own) & ~own.index.isin([row for name, row in met if name == source.domain])
        ]
        met |= {(source.domain, row) for row in own.index}
        start, first = own["USUBJID"].map(randomised), dates.earliest(own[source.date])
        day = first.mask(first < start, start)
        own = own.assign(counts=day.dt.strftime("%Y-%m-%d").where(day.notna(), "no day"))
        known = own[~(dates.latest(own[source.date]) < start)]
        words = f"{source.date} of {source.description} is {{{source.date}}}: which day was it? It counts on {{counts}}."
        yield from each(source.domain, known, words, (source.date,))


@rule("implausible date", "major")
def _long_before(evidence: Evidence) -> Iterator[Query]:
    """Years before consent, where history and long-standing medication alone may lie; one a patient and variable."""
    adsl = evidence.adsl.set_index("USUBJID")
    consent = adsl["RFICDT"].fillna(adsl["RANDDT"])
    bound = f"{consent.max() - pd.DateOffset(years=_YEARS):%Y-%m-%d}"  # as text: hardly any date is before it
    for name, table in evidence.tables.items():
        if name in _HISTORY or not len(table):
            continue
        for column in (c for c in date_columns(DOMAINS[name]) if c in table):
            days = [day for day in table[column].dropna().unique() if day < bound]
            if not days:
                continue
            early = table[table[column].isin(days)]
            since = early["USUBJID"].map(consent) - pd.DateOffset(years=_YEARS)
            old = early[dates.latest(early[column]) < since]
            dated = table[table[column].notna()]
            if many(old, dated):
                on = share(old, dated)
                message = f"{column} is more than {_YEARS} years before consent on {on}: is the year right?"
                yield line(name, old, message, column)
                continue
            for subject, own in old.sort_values(column, kind="stable").groupby("USUBJID"):
                first, held = records(own.head(1))[0], own[column].nunique()
                date, day, last = first[column], f"{consent[str(subject)]:%Y-%m-%d}", own[column].max()
                more = f" ({len(own)} records)" if len(own) > 1 else ""
                message = f"{column} is {date}, more than {_YEARS} years before consent on {day}{more}: is the year right?"
                if held > 1:
                    message = (
                        f"{column} is {date}, more than {_YEARS} years before consent on {day} "
                        f"({len(own)} records on {held} days, the last {last}): is the year right?"
                    )
                yield of_patient(subject, place(name, first), message, name, column, date)


@rule("end before start", "major")
def _ends(evidence: Evidence) -> Iterator[Query]:
    """In every domain that has an end; only what no reading of a partial date allows."""
    for name, table in evidence.tables.items():
        domain = DOMAINS[name]
        pairs = _PERIODS if name == "DM" else ((domain.date or "", domain.end or ""),)
        for start, end in pairs:
            if not (start in table and end in table and table[end].notna().any()):
                continue
            both = table[table[end].notna() & table[start].notna()]
            wrong = both[_before(both[end], both[start])]
            told = f"{end} {{{end}}} is before {start} {{{start}}}."
            yield from each(name, wrong, told, (start, end))


def _before(end: pd.Series, start: pd.Series) -> pd.Series:
    """Whether each end is certainly before its start: by the day, and on one day by the time where both have one."""
    earlier = dates.latest(end) < dates.earliest(start)
    moments = [_order(e, s) for e, s in zip(end, start, strict=True)]
    return earlier | pd.Series(moments, end.index, dtype=bool)


def _order(end: str, start: str) -> bool:
    """Whether a time of day is before another of the same day, to the unit that both have."""
    one, other = _MOMENT.fullmatch(end), _MOMENT.fullmatch(start)
    if one is None or other is None or one[1] != other[1]:
        return False
    shared = min(len(one[2]), len(other[2]))
    return one[2][:shared] < other[2][:shared]


@rule("day of a measurement missing", "major")
def _incomplete_dates(evidence: Evidence) -> Iterator[Query]:
    undated = evidence.adlb[evidence.adlb["ADT"].isna()]
    for row in records(undated):
        code, domain = row["PARAMCD"], row["SRCDOM"]
        message = f"The date of {code} names no day: the value belongs to no visit and is not analysed."
        yield of_patient(row["USUBJID"], origin(row), message, domain, code, f"{row['AVAL']:g}")
