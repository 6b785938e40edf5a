"""Queries about what the previous cut held and this one does not, or holds otherwise: nothing else tells of it."""

from collections.abc import Iterator

import pandas as pd

from esld.data.account import variables_read
from esld.data.changes import record_changes
from esld.data.cut import COURSE
from esld.data.deaths import statements
from esld.data.queries.ask import Evidence, Query, Row, counted, of_patient, records, rule, text
from esld.data.sdtm import DOMAINS

_SHOWN = 3  # records that a query names
_LONGEST = 40  # characters of a value that is quoted
_FACTOR, _NEARLY = 0.05, 0.9  # how far from one factor so many of the changes of a test may be
_LAST = ("RFXENDTC", "RFENDTC", "RFPENDTC")  # a patient's last days move on
_ARMS = ("ARMCD", "ACTARMCD")
_OUTCOMES = ("DTHFL", "DTHDTC", "DSDECOD", *_ARMS)


def _changes(evidence: Evidence) -> pd.DataFrame:
    return record_changes(evidence.before, evidence.tables)


def _gone(evidence: Evidence, what: str) -> pd.DataFrame:
    """Of the previous cut, if there is one of another export."""
    if not evidence.before:
        return pd.DataFrame()
    found = evidence.once(_changes)
    return found[found["change"].eq(f"gone {what}")]


def _taken_back(evidence: Evidence) -> pd.DataFrame:
    """What the previous cut states of the death of those of whom no form does so now."""
    if not evidence.before:
        return pd.DataFrame({"USUBJID": []})
    stated = statements(evidence.before).drop_duplicates(["USUBJID", "record"])
    alive = set(evidence.tables["DM"]["USUBJID"]) - set(evidence.stated["USUBJID"])
    return stated[stated["USUBJID"].isin(alive)]


@rule("death of the previous cut taken back", "critical", whole="*")
def _death_taken_back(evidence: Evidence) -> Iterator[Query]:
    for subject, own in evidence.once(_taken_back).groupby("USUBJID"):
        message = "The previous cut states a death, and no form does so any more."
        yield of_patient(subject, " / ".join(own["record"]), message, *sorted(own["form"]))


@rule("patient of the previous cut gone", "critical", whole="*")
def _patient(evidence: Evidence) -> Iterator[Query]:
    for row in records(_gone(evidence, "patient")):
        held = counted(int(row["before"]), "record")
        yield of_patient(
            row["USUBJID"], "DM", f"The previous cut holds {held} of this patient, who is not in DM."
        )


@rule("record of the previous cut gone", "major", whole="*")
def _record(evidence: Evidence) -> Iterator[Query]:
    """One query a domain; what comes with a patient who is gone is not told again."""
    found = _gone(evidence, "record")
    if found.empty:
        return
    for name, own in found.groupby("domain", sort=False):
        shown = ", ".join(
            " ".join(part for part in (row["USUBJID"], row["record"], row["before"]) if part)
            for row in records(own.head(_SHOWN))
        )
        patients = own["USUBJID"].unique()
        such = "" if len(own) <= _SHOWN else "such as "
        message = (
            f"{counted(len(own), 'record')} of the previous cut cannot be found ({such}{shown}): deleted, moved to another "
            "patient, or missing from the export?"
        )
        about = sorted(f"{row['USUBJID']} {row['what']} {row['before']}" for row in records(own))
        yield Query(str(patients[0]) if len(patients) == 1 else "", str(name), message, (str(name), *about))


@rule("value of the previous cut changed", "major", whole="*")
def _changed(evidence: Evidence) -> Iterator[Query]:
    """One line a variable, and one a test of which most results are others now; what was empty may be filled."""
    if not evidence.before:
        return
    found = evidence.once(_changes)
    found = found[
        found["change"].str.startswith("value") & found["USUBJID"].isin(evidence.tables["DM"]["USUBJID"])
    ]
    found = found.assign(test=found["what"].str.split(", ").str[0])
    for name, of_domain in found.groupby("domain", sort=False):
        asked = of_domain[~_expected(evidence, str(name), of_domain)]
        for variable, own in asked.groupby("variable", sort=False):
            if variable == f"{name}ORRES":
                held = evidence.before[str(name)][f"{name}TESTCD"].value_counts()
                count = own["test"].value_counts()
                whole = count[2 * count > held.reindex(count.index)].index
                for test in whole.astype(str):
                    rows = own[own["test"].eq(test)]
                    yield _line(evidence, str(variable), rows, int(held[test]), f"{test} ({variable!s})")
                own = own[~own["test"].isin(whole)]
            if len(own):
                yield _line(
                    evidence, str(variable), own, len(evidence.before[str(name)]), f"{name}.{variable}"
                )


def _expected(evidence: Evidence, name: str, found: pd.DataFrame) -> "pd.Series[bool]":
    """What no analysis reads, what is asked about as a death, and what time changes: last days, and the course of what lasts."""
    variable, gone = found["variable"], found["change"].eq("value gone")
    back = found["USUBJID"].isin(evidence.once(_taken_back)["USUBJID"])
    fine = (
        ~variable.isin(variables_read(name, evidence.protocol))
        | found["change"].eq("value filled")
        | gone & back
    )
    fine |= variable.isin(_LAST) & (gone | (found["after"] > found["before"]))
    if end := DOMAINS[name].end:
        record = pd.Series(
            list(zip(found["USUBJID"], found["record"], strict=True)), found.index, dtype=object
        )
        lasted = set(record[variable.eq(end) & found["change"].eq("value filled")])
        table = evidence.tables[name]
        lasts = table[table[end].isna()] if end in table else table
        lasted |= {(row["USUBJID"], f"{name} {row[f'{name}SEQ']}") for row in records(lasts)}
        fine |= variable.isin(COURSE.get(name, ())) & record.isin(lasted)
    return fine


def _line(evidence: Evidence, variable: str, own: pd.DataFrame, of: int, what: str) -> Query:
    """About changes of a kind: more severe where it is most of them, or an outcome."""
    name = str(own["domain"].iloc[0])
    shown = "; ".join(_shown(evidence, row) for row in records(own.head(_SHOWN)))
    shown = shown if len(own) <= _SHOWN else f"such as {shown}"
    on, times = f"{len(own):,}", _times(own)
    message = (
        f"{what} is {times:.3g} times what it was on {on} of {counted(of, 'record')} of the previous cut ({shown}): which is "
        "right, and why was it changed?"
        if times
        else f"{what} is not what it was on {on} of {counted(of, 'record')} of the previous cut ({shown}): which is right, and "
        "why was it changed?"
    )
    death = name == "DS" and own["what"].str.contains("DEATH").any()
    most = len(own) >= _SHOWN and 2 * len(own) > of
    about = own[["USUBJID", "what"] if variable in _ARMS else ["USUBJID", "what", "before", "after"]]
    content = (part for row in sorted(about.itertuples(index=False, name=None)) for part in row)
    patients = own["USUBJID"].unique()
    subject = str(patients[0]) if len(patients) == 1 else ""
    severe = most or death or variable in _OUTCOMES
    return Query(subject, name, message, (name, variable, *content), "critical" if severe else None)


def _times(own: pd.DataFrame) -> float:
    """The factor by which nearly all of several numbers changed; 0 for none."""
    times = pd.to_numeric(own["after"], errors="coerce") / pd.to_numeric(own["before"], errors="coerce")
    times = times.dropna()
    if len(times) < max(_SHOWN, _NEARLY * len(own)):
        return 0.0
    usual = float(times.median())
    return usual if ((times / usual - 1).abs() <= _FACTOR).mean() >= _NEARLY else 0.0


def _shown(evidence: Evidence, row: Row) -> str:
    """A change as a data manager finds it: patient, record, day, and the values, unless they are long."""
    name, number = str(row["domain"]), str(row["record"]).partition(" ")[2]
    table, domain = evidence.tables[name], DOMAINS[name]
    day = ""
    if name != "DM" and domain.date in table:
        at = table["USUBJID"].eq(row["USUBJID"]) & table[domain.sequence].eq(number)
        day = next(map(text, table.loc[at, domain.date]), "")
    values = [row["before"], row["after"] or "empty"]
    told = " → ".join(values) if max(map(len, values)) <= _LONGEST else ""
    return " ".join(filter(None, (row["USUBJID"], row["record"], day, told)))
