"""Visits: their windows, their order, their names, values of none, and administrations on days of none."""

from collections.abc import Iterator
from itertools import pairwise

import pandas as pd

from esld.data import dates
from esld.data.adam.adlb import study_day
from esld.data.adam.adsl import anchor_days
from esld.data.queries.ask import (
    Evidence,
    Query,
    counted,
    each,
    folded,
    line,
    many,
    of_patient,
    origin,
    records,
    rule,
)
from esld.data.queries.expected import expected
from esld.data.sdtm import DOMAINS, Tables
from esld.longform import stacked
from esld.protocol import Schedule, Visit
from esld.protocol.translated import as_stated

_VISITED = ("SV", "LB", "VS", "RS")  # the domains that a visit leaves records in


@rule("visit outside its allowed window", "minor", whole="EX")
def _visit_windows(evidence: Evidence) -> Iterator[Query]:
    """One query a visit and day, however many forms were filled in on it, or one line a planned visit that is so in most."""
    schedule = evidence.protocol.schedule
    laboratory = evidence.once(_laboratory_visits)
    visits = recorded_visits(evidence.tables, evidence.subjects, schedule, laboratory=laboratory)
    outside = visits[~visits["within"]]
    for code, own in outside.groupby("code"):
        every, visit = visits[visits["code"].eq(code)], schedule.visit(str(code))
        if many(own, every):
            outside = outside[outside["code"].ne(code)]
            yield _elsewhere(own, every, visit)
    for row in records(outside):
        visit = schedule.visit(row["code"])
        message = f"{row['VISIT']} took place on day {row['day']:.0f}; {_days(visit.allowed, visit)}."
        content = (row["label"], f"{row['date']:%Y-%m-%d}", f"{row['day']:.0f}")
        yield of_patient(row["USUBJID"], row["record"], message, *content)
    baseline = evidence.adlb[evidence.adlb["ABLFL"].eq("Y") & evidence.adlb["SRCSEQ"].notna()]
    old = baseline[~baseline["ADY"].between(*schedule.baseline_window)].drop_duplicates(["USUBJID", "ADY"])
    for row in records(old):
        day = f"{row['PARAMCD']} is of day {row['ADY']:.0f}"
        message = f"The baseline value of {day}; {_days(schedule.baseline_window)}."
        record = origin(row)
        yield of_patient(row["USUBJID"], record, message, "baseline", f"{row['ADY']:.0f}")


def _elsewhere(own: pd.DataFrame, every: pd.DataFrame, visit: Visit) -> Query:
    """One line about a planned visit, whose examples are of the domain that has most of them."""
    domains = own["record"].str.partition(" ")
    name = str(domains[0].mode()[0])
    rows = own.assign(**{DOMAINS[name].sequence: domains[2]})[domains[0].eq(name)]
    first, last = f"{own['day'].min():.0f}", f"{own['day'].max():.0f}"
    on, given = f"{len(own):,} of {len(every):,} times", _days(visit.allowed, visit)
    message = f"{as_stated(visit.label)} took place on days {first} to {last}, {on} outside; {given}"
    return line(name, rows, message, "most", visit.code)


def _days(window: tuple[int, int], visit: Visit | None = None) -> str:
    """Which days the protocol file gives, and whether whoever wrote it chose them."""
    assumed = " (assumed)" if visit is not None and visit.assumed else ""
    return f"the protocol file gives days {window[0]} to {window[1]}{assumed}"


def recorded_visits(
    tables: Tables, subjects: pd.DataFrame, schedule: Schedule, *, laboratory: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The planned visits that left records, a row a patient, visit and day: what queries and deviations are both made of.

    Parameters
    ----------
    tables : dict of str to DataFrame
        SDTM tables after the cut.
    subjects : DataFrame
        Randomised subjects of ADSL by ``USUBJID``.
    schedule : Schedule
        The visits; one belongs to the plan by what its record calls it.
    laboratory : DataFrame, optional
        The visits of LB, where they were found before.

    Returns
    -------
    DataFrame
        ``USUBJID record VISIT label date code day within``: the visit's code, its study day, and whether the plan allows that.
        Visits on days that are not known are left out.
    """
    if laboratory is None:
        laboratory = _visits(tables, "LB", schedule)
    others = [_visits(tables, name, schedule) for name in ("RS", "VS")]
    visits = stacked([laboratory, *others])
    visits["code"] = visits["label"].map({word: visit.code for word, visit in _planned(schedule).items()})
    visits["day"] = study_day(visits["date"], visits["USUBJID"].map(anchor_days(subjects, schedule)))
    visits = visits[visits["code"].notna()].dropna(subset=["day"])
    visits = visits.drop_duplicates(["USUBJID", "label", "day"])
    opens, closes = (
        visits["code"].map({visit.code: visit.allowed[end] for visit in schedule.visits}) for end in (0, 1)
    )
    return visits.assign(within=visits["day"].between(opens, closes))


def missed_visits(visits: pd.DataFrame, subjects: pd.DataFrame, schedule: Schedule) -> pd.DataFrame:
    """Planned visits without a record, of patients who were still observed after the last day that the plan allows.

    Parameters
    ----------
    visits : DataFrame
        Of :func:`recorded_visits`.
    subjects : DataFrame
        Randomised subjects of ADSL by ``USUBJID``; observed until ``DTHDT``, else ``LSTALVDT``.
    schedule : Schedule
        The visits.

    Returns
    -------
    DataFrame
        ``USUBJID code``, in the order of the subjects and visits.
    """
    held = set(zip(visits["USUBJID"], visits["code"], strict=True))
    until = study_day(subjects["DTHDT"].fillna(subjects["LSTALVDT"]), anchor_days(subjects, schedule))
    rows = [
        (subject, visit.code)
        for subject, last in until.items()
        for visit in schedule.visits
        if visit.allowed[1] < last and (subject, visit.code) not in held
    ]
    return pd.DataFrame(rows, columns=["USUBJID", "code"])


def _planned(schedule: Schedule) -> dict[str, Visit]:
    """The planned visits by each word that names one, folded: its label or its code."""
    return {folded(word): visit for visit in schedule.visits for word in (visit.code, as_stated(visit.label))}


def _visits(tables: Tables, name: str, schedule: Schedule) -> pd.DataFrame:
    """Visits that left records in a domain: subject, first record, visit as written, its label folded, day.

    Where the number of the visit selects, the visit is that of the number, whatever its name.
    """
    columns = ["USUBJID", "record", "VISIT", "label", "date"]
    table = tables.get(name, pd.DataFrame())
    if schedule.selection == "visit" and "VISITNUM" in table:
        table = table.assign(
            VISIT=_number(table).map({v.number: as_stated(v.label) for v in schedule.visits})
        )
    if "VISIT" not in table:
        return pd.DataFrame(
            {c: pd.Series(dtype="datetime64[ns]" if c == "date" else object) for c in columns}
        )
    table = table.drop_duplicates(
        ["USUBJID", "VISIT", f"{name}DTC"]
    )  # of many tests at a visit one is enough
    record = name + " " + table[f"{name}SEQ"].astype(str)
    label, date = table["VISIT"].map(folded, na_action="ignore"), dates.whole(table[f"{name}DTC"])
    cells = (table["USUBJID"], record, table["VISIT"], label, date)
    return pd.DataFrame(dict(zip(columns, cells, strict=True)))


def _number(table: pd.DataFrame) -> pd.Series:
    return pd.to_numeric(table["VISITNUM"], errors="coerce").astype(float)


@rule("value of no visit", "minor", whole="EX PR")
def _of_no_visit(evidence: Evidence) -> Iterator[Query]:
    """One line a domain and reason: values after baseline that lie between windows, or name no visit of the plan."""
    schedule, own = evidence.protocol.schedule, evidence.measured
    own = own[own["AVISIT"].isna() & own["ADY"].gt(1) & own["POSTTPFL"].isna()]
    for name, rows in own.groupby("SRCDOM") if schedule.visits else ():
        domain, sequence = str(name), DOMAINS[str(name)].sequence
        rows = rows.rename(columns={"SRCSEQ": sequence})
        if schedule.selection == "window":
            between = rows[rows["ADY"] < schedule.visits[-1].window[0]]
            reasons = {"on days between the windows of visits": between}
        else:
            table = evidence.tables[domain].drop_duplicates(["USUBJID", sequence])
            numbered = table[["USUBJID", sequence]].assign(number=_number(table))
            rows = rows.merge(numbered, "left", ["USUBJID", sequence])
            other = rows[rows["number"].notna()]
            numbers = ", ".join(f"{number:g}" for number in sorted(set(other["number"])))
            reasons = {
                "without the number of a visit (VISITNUM)": rows[rows["number"].isna()],
                f"with the number of no visit of the protocol file (VISITNUM {numbers})": other,
            }
        for reason, such in reasons.items():
            if len(such):
                whose = counted(such["USUBJID"].nunique(), "patient")
                message = f"{counted(len(such), 'value')} of {whose}, {reason}: of no visit, and not analysed"
                yield line(domain, such, message, reason.partition(" (")[0])


def _laboratory_visits(evidence: Evidence) -> pd.DataFrame:
    return _visits(evidence.tables, "LB", evidence.protocol.schedule)


@rule("visits in the wrong order", "major", whole="LB")
def _visit_order(evidence: Evidence) -> Iterator[Query]:
    order = _planned(evidence.protocol.schedule)
    visits = evidence.once(_laboratory_visits).dropna(subset=["date"])
    visits = visits.assign(number=visits["label"].map({label: v.number for label, v in order.items()}))
    labels = {visit.number: visit.label for visit in order.values()}
    first = visits.dropna(subset=["number"]).sort_values("date", kind="stable")
    first = first.drop_duplicates(["USUBJID", "number"]).sort_values(["USUBJID", "number"])
    for before, after in pairwise(records(first)):
        if after["USUBJID"] == before["USUBJID"] and after["date"] < before["date"]:
            earlier = f"{labels[before['number']]} on {before['date']:%Y-%m-%d}"
            later = f"{labels[after['number']]} on {after['date']:%Y-%m-%d}"
            message = f"{later} is dated before {earlier}."
            yield of_patient(after["USUBJID"], after["record"], message, later, earlier)


@rule("visit unknown to the protocol", "minor")
def _visit_names(evidence: Evidence) -> Iterator[Query]:
    """One line a name, however many records carry it."""
    known = set(_planned(evidence.protocol.schedule))
    others = tuple(folded(word) for word in expected().visits)
    found: dict[str, list[tuple[str, pd.DataFrame]]] = {}
    for name, table in evidence.tables.items():
        if "VISIT" not in table or f"{name}SEQ" not in table:
            continue
        written = {word: folded(word) for word in table["VISIT"].dropna().unique()}
        strange = {w: label for w, label in written.items() if label not in known | {*others}}
        strange = {w: label for w, label in strange.items() if not label.startswith(tuple(_many(others)))}
        own = table[table["VISIT"].isin(strange)]
        for label, rows in own.groupby(own["VISIT"].map(strange), sort=False):
            found.setdefault(str(label), []).append((name, rows))
    for label, places in sorted(found.items()):
        name, rows = places[0]
        where = " and ".join(f"{counted(len(own), 'record')} of {domain}" for domain, own in places)
        message = f"{rows['VISIT'].iloc[0]!r} is no visit of the protocol file: {where}"
        asked = line(name, rows, message)
        yield Query(asked.subject, asked.record, asked.message, (label,))


def _many(words: tuple[str, ...]) -> Iterator[str]:
    """What may be numbered on: ``UNSCHEDULED 4.1``."""
    yield from (f"{word} " for word in words)


@rule("dose on a day without a visit", "minor", whole="SV LB VS RS")
def _doses(evidence: Evidence) -> Iterator[Query]:
    """Where visits are recorded; one line where they are recorded on hardly any day of an administration."""
    tables, treatment = evidence.tables, evidence.protocol.treatment
    if treatment.regimen == "continuous":
        return
    visited = [name for name in _VISITED if name in tables and len(tables[name])]
    if "EX" not in tables or not visited:
        return
    spans: dict[str, set[tuple[pd.Timestamp, pd.Timestamp]]] = {}
    for subject, first, last in (span for name in visited for span in _spans(name, tables[name])):
        spans.setdefault(subject, set()).add((first, last))
    ex = tables["EX"].drop_duplicates(["USUBJID", "EXSTDTC"])
    day = dates.whole(ex["EXSTDTC"])
    ex, day = ex[day.notna()], day.dropna()
    met = [
        any(first <= own <= last for first, last in spans.get(subject, ()))
        for subject, own in zip(ex["USUBJID"], day, strict=True)
    ]
    without = ex[~pd.Series(met, ex.index, dtype=bool)]
    if len(without) * 2 > len(ex) and len(without) > 1:
        message = f"No visit is recorded on the day of {len(without)} of {counted(len(ex), treatment.one, treatment.many)}"
        yield line("EX", without, message, "most")
        return
    yield from each(
        "EX", without, f"No visit is recorded on {{EXSTDTC}}, the day of {treatment.an_administration}."
    )


def _spans(name: str, table: pd.DataFrame) -> Iterator[tuple[str, pd.Timestamp, pd.Timestamp]]:
    """From which to which day each visit that left records in a domain lasted: subject, first and last day."""
    domain = DOMAINS[name]
    start = str(domain.date)
    end = domain.end if domain.end and domain.end in table else start
    table = table.drop_duplicates(list(dict.fromkeys(["USUBJID", start, end])))
    first = dates.whole(table[start])
    last = dates.whole(table[end]).fillna(first)
    yield from zip(table["USUBJID"][first.notna()], first.dropna(), last[first.notna()], strict=True)
