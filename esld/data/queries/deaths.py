"""Death, which several forms state: whether they agree, and what was recorded after it."""

from collections.abc import Iterator

import pandas as pd

from esld.data import dates
from esld.data.deaths import died, status
from esld.data.queries.ask import Evidence, Query, Row, counted, each, of_patient, place, records, rule
from esld.data.queries.words import told
from esld.data.sdtm import DOMAINS, date_columns
from esld.longform import stacked

# What of an adverse event says that the patient died of it.
_FATAL = {"AEOUT": "FATAL", "AESDTH": "Y", "AETOXGR": "5"}
_SHOWN = 3  # patients that a line names


@rule("death dates disagree", "critical")
def _death_dates(evidence: Evidence) -> Iterator[Query]:
    known = evidence.deaths.dropna(subset=["first"])
    by_subject = known.groupby("USUBJID")
    apart = by_subject["first"].transform("max") > by_subject["last"].transform("min")
    for subject, own in known[apart].groupby("USUBJID"):
        said = [(form, f"{first:%Y-%m-%d}") for form, first in zip(own["form"], own["first"], strict=True)]
        listed = ", ".join(f"{record}: {day}" for record, (_, day) in zip(own["record"], said, strict=True))
        message = f"The forms give different days of death ({listed})."
        content = sorted(f"{form} {day}" for form, day in said)
        yield of_patient(subject, " / ".join(own["record"]), message, *content)


@rule("death missing in a form", "critical", whole="DM DS")
def _death_forms(evidence: Evidence) -> Iterator[Query]:
    forms = evidence.deaths.groupby("USUBJID")["form"].agg(set)
    for subject, found in forms.items():
        for form in sorted({"DM", "DS"} - found):
            message = f"Death is recorded in {', '.join(sorted(found))} but not in {form}."
            yield of_patient(subject, form, message, form)


@rule("death without a fatal adverse event", "major", whole="DM AE CE")
def _no_fatal_event(evidence: Evidence) -> Iterator[Query]:
    """Of deaths by the end of participation, where adverse events are collected.

    One query a patient where most such deaths are adverse events, one line for all where few or none are: in some trials a
    death of the disease itself is not reported as one. A death that a clinical event states has its event.
    """
    own = evidence.subjects
    if not evidence.held("AE"):
        return
    own = own[own["DTHDT"].notna() & ~(own["DTHDT"] > own["EOSDT"])]
    events = evidence.stated.loc[evidence.stated["form"].isin(["AE", "CE"]), "USUBJID"]
    without = own[~own.index.isin(events)]
    if 2 * len(without) < len(own):
        others = counted(len(own) - len(without), "patient")
        for subject, day in without["DTHDT"].items():
            message = f"Death on {day:%Y-%m-%d}, and no adverse event of the patient is fatal, but of {others}: was it reported?"
            yield of_patient(subject, "AE", message)
    elif len(without):
        names = sorted(map(str, without.index), key=evidence.number)
        message = (
            f"No adverse event is fatal of {len(names)} of {counted(len(own), 'patient')} who died during participation "
            f"({'' if len(names) <= _SHOWN else 'such as '}{', '.join(names[:_SHOWN])}): are deaths adverse events in this "
            "trial, and were these reported?"
        )
        yield Query(names[0] if len(names) == 1 else "", "AE", message, ("AE",))


@rule("death in words alone", "critical", whole="DM DS AE CE SS DD")
def _death_in_words(evidence: Evidence) -> Iterator[Query]:
    known = set(evidence.deaths["USUBJID"])
    for name, column, own in told(evidence, "DEATH"):
        own = own[~own["USUBJID"].isin(known)].drop_duplicates("USUBJID")
        known |= set(own["USUBJID"])
        yield from each(name, own, f"{column} is {{{column}!r}}, and no form states a death.", (column,))


@rule("day of death not known", "critical", whole="DM DS AE CE SS DD")
def _day_of_death(evidence: Evidence) -> Iterator[Query]:
    """Where no form gives a whole date; ADSL has the day that counts instead."""
    if not evidence.stated["partial"].any():
        return  # nobody's day is in doubt
    stated = died(evidence.tables, evidence.stated)
    counts = evidence.adsl.set_index("USUBJID").get("DTHDT", pd.Series(dtype="datetime64[ns]"))
    for subject, own in stated[stated["partial"] & stated["first"].notna()].iterrows():
        table = evidence.tables[own["form"]]
        said = table.loc[own["row"], own["variable"]]
        day = f"{counts.get(subject, own['first']):%Y-%m-%d}"
        message = f"{own['variable']} is {said}, and no form gives the day of death: it counts on {day}."
        yield of_patient(subject, own["record"], message, own["variable"], said)


@rule("fatal in one variable and not in another", "major")
def _fatal_in_part(evidence: Evidence) -> Iterator[Query]:
    ae = evidence.tables.get("AE")
    if ae is None:
        return
    columns = {column: value for column, value in _FATAL.items() if column in ae}
    says = pd.DataFrame({column: ae[column].eq(value) for column, value in columns.items()})
    denies = ae[list(columns)].notna() & ~says
    apart = ae[says.any(axis=1) & denies.any(axis=1)]

    def words(row: Row) -> str:
        said = " and ".join(f"{c} is {row[c]}" for c, value in columns.items() if row[c] == value)
        denied = ", ".join(f"{c} {row[c]}" for c, v in columns.items() if pd.notna(row[c]) and row[c] != v)
        return f"{said}, but {denied}."

    yield from each("AE", apart, words, tuple(columns))


@rule("record after death", "critical")
def _after_death(evidence: Evidence) -> Iterator[Query]:
    """One query a patient and domain; where many days show the patient alive it is the day of death that is in doubt."""
    died = evidence.deaths.groupby("USUBJID")["last"].max()
    for name, table in evidence.tables.items():
        if name in ("MH", "DD") or table.empty or died.empty:
            continue
        table = table[table["USUBJID"].isin(died.index)]
        if name == "SS":  # somebody may ask, and be told of the death, at any later time
            table = table[status(table, "ALIVE")]
        columns = [column for column in date_columns(DOMAINS[name]) if column in table and column != "DTHDTC"]
        if table.empty or not columns:
            continue
        made = {c: table.assign(row=table.index, column=c, day=dates.earliest(table[c])) for c in columns}
        cells = stacked(made.values())
        late = cells[cells["day"] > cells["USUBJID"].map(died)].sort_values("day", kind="stable")
        for subject, own in late.groupby("USUBJID"):
            first = records(own.head(1))[0]
            date = first[first["column"]]
            count, days = own["row"].nunique(), own["day"].nunique()
            what, such, death = first["column"], counted(count, "record"), f"{died[subject]:%Y-%m-%d}"
            message = f"{what} is {date}, after the patient's death on {death}."
            if days > 1:
                last = f"{own['day'].max():%Y-%m-%d}"
                message = (
                    f"{what} is {date}, after the patient's death on {death} ({such} on {days} days, the last {last}): "
                    "is the date of death wrong?"
                )
            elif count > 1:
                message = f"{what} is {date}, after the patient's death on {death} ({such})."
            yield of_patient(subject, place(name, first), message, name, first["column"], date)
