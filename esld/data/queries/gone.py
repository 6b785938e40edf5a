"""Queries about what the previous cut held and this one does not, or holds otherwise: nothing else tells of it."""

import re
from collections.abc import Iterator

import pandas as pd

from esld.data.account import variables_read
from esld.data.changes import record_changes
from esld.data.cut import COURSE
from esld.data.deaths import statements
from esld.data.queries.ask import Evidence, Query, Row, counted, folded, of_patient, records, rule, text
from esld.data.sdtm import DOMAINS

_SHOWN = 3  # records that a query names
_LONGEST = 40  # characters of a value that is quoted
_FACTOR, _NEARLY = 0.05, 0.9  # how far from one factor so many of the changes of a test may be
_LAST = ("RFXENDTC", "RFENDTC", "RFPENDTC")  # a patient's last days move on
_ARMS = ("ARMCD", "ARM", "ACTARMCD", "ACTARM")
_OUTCOMES = {"DTHFL", "DTHDTC", "DSDECOD", "AESDTH", *_ARMS}
_DEATHS = {"FATAL", "DEATH"}
# What changes together is one matter: of a result its unit and limits, of a term its class, of a patient the arms. By the end of
# a variable's name, or the whole of it.
_TOGETHER = (
    ("ORRES", "ORRESU", "ORNRLO", "ORNRHI", "STRESN", "STRESU", "STNRLO", "STNRHI"),
    ("DECOD", "BODSYS"),
    _ARMS,
)
_MATTERS = {end: (own[0], place) for own in _TOGETHER for place, end in enumerate(own)}
_RECORD = ["USUBJID", "record", "what"]
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_DAY = 10  # characters of a whole date; what follows is its time


def _changes(evidence: Evidence) -> pd.DataFrame:
    """Of each record that the previous cut held, however often it did and whatever a masked view called the arms."""
    before = {
        name: table.drop_duplicates([column for column in table if column != DOMAINS[name].sequence])
        for name, table in evidence.before.items()
    }
    if evidence.numbers:
        before["DM"] = _called_as_now(before["DM"], evidence.tables["DM"])
    return record_changes(before, evidence.tables)


def _called_as_now(dm: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """A masked view calls the arms by the order of their first patients: by the names that most of their patients have now."""
    both = dm.merge(now, on="USUBJID", suffixes=("", "_now"))
    for arm in (name for name in _ARMS if f"{name}_now" in both):
        names = {
            str(was): str(own.mode().iloc[0])
            for was, own in both.groupby(arm)[f"{arm}_now"]
            if own.notna().any()
        }
        if len(set(names.values())) == len(names):
            dm = dm.assign(**{arm: dm[arm].replace(names)})
    return dm


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
    """One line a variable with what changes with it, and one a test of which most results are others now."""
    if not evidence.before:
        return
    found = evidence.once(_changes)
    found = found[
        found["change"].str.startswith("value") & found["USUBJID"].isin(evidence.tables["DM"]["USUBJID"])
    ]
    found = found.assign(test=found["what"].str.split(", ").str[0])
    for name, of_domain in found.groupby("domain", sort=False):
        asked = of_domain[~_expected(evidence, str(name), of_domain)]
        held = evidence.before[str(name)]
        matters = asked["variable"].map(_matter)
        for (matter,), own in asked.loc[matters.sort_values().index].groupby([matters.str[0]], sort=False):
            if matter == "ORRES":
                tests = held[f"{name}TESTCD"].value_counts()
                changed = own[own["variable"].isin([f"{name}ORRES", f"{name}ORRESU"])]
                count = changed.drop_duplicates(_RECORD)["test"].value_counts()
                whole = count[2 * count > tests.reindex(count.index)].index
                for test in whole.astype(str):
                    yield _line(evidence, own[own["test"].eq(test)], int(tests[test]), test)
                own = own[~own["test"].isin(whole)]
            if len(own):
                yield _line(evidence, own, len(held))


def _matter(variable: str) -> tuple[str, int]:
    """What a variable belongs to, and its place in that."""
    return _MATTERS.get(variable[2:]) or _MATTERS.get(variable, (variable, 0))


def _as_written_otherwise(variable: str, before: str, after: str) -> bool:
    """A number with other decimals, a word in other case, a date that is told to the day now, or with a time or without."""
    if variable.endswith("DTC"):
        return after.startswith(before) or before[:_DAY] == after
    if _NUMBER.fullmatch(before) and _NUMBER.fullmatch(after):
        return float(before) == float(after)
    return " ".join(before.split()) == " ".join(after.split()) or (
        not variable.endswith("U") and folded(before) == folded(after)  # of a unit the case counts
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
    written = zip(variable, found["before"], found["after"], strict=True)
    fine |= pd.Series(
        [bool(now) and _as_written_otherwise(name, was, now) for name, was, now in written], found.index
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


def _line(evidence: Evidence, own: pd.DataFrame, of: int, test: str = "") -> Query:
    """About changes of a matter; critical where it is an outcome, or of a whole test either the results or their unit alone."""
    name, variables = str(own["domain"].iloc[0]), list(own["variable"].unique())
    rows = own.drop_duplicates(_RECORD)
    shown = "; ".join(_shown(evidence, row) for row in records(rows.head(_SHOWN)))
    shown = shown if len(rows) <= _SHOWN else f"such as {shown}"
    on, times, called = f"{len(rows):,}", _times(rows), "/".join(variables)
    what = f"{test} ({called})" if test else f"{name}.{called}"
    message = (
        f"{what} is {times:.3g} times what it was on {on} of {counted(of, 'record')} of the previous cut ({shown}): which is "
        "right, and why was it changed?"
        if times
        else f"{what} is not what it was on {on} of {counted(of, 'record')} of the previous cut ({shown}): which is right, and "
        "why was it changed?"
    )
    death = own[["before", "after"]].isin(_DEATHS).any(axis=None) or (
        name == "DS" and own["what"].str.contains("DEATH").any()
    )
    about = own[["USUBJID", "what"] if variables[0] in _ARMS else ["USUBJID", "what", "before", "after"]]
    content = (part for row in sorted(about.itertuples(index=False, name=None)) for part in row)
    patients = own["USUBJID"].unique()
    subject = str(patients[0]) if len(patients) == 1 else ""
    apart = bool(times) != (f"{name}ORRESU" in variables)  # together they are a conversion
    severe = death or _OUTCOMES.intersection(variables) or (test and apart)
    return Query(subject, name, message, (name, variables[0], *content), "critical" if severe else None)


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
