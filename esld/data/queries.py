"""Data queries: records that contradict each other or the protocol, for the data manager to settle.

A query never changes or removes a value. Each rule is a function of the tables after the cut, the derived data
and the protocol; :func:`find_queries` runs them all.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import pandas as pd

from esld.data import dates
from esld.data.adam.adlb import study_day
from esld.data.adam.adsl import anchor_days
from esld.data.sdtm import DEATH_FORMS, DOMAINS, Tables, date_columns, known_unit
from esld.protocol import Protocol

Severity = Literal["critical", "major", "minor"]
COLUMNS = ("USUBJID", "record", "rule", "severity", "message")


@dataclass(frozen=True)
class Evidence:
    """What the rules look at."""

    tables: Tables
    adsl: pd.DataFrame
    adlb: pd.DataFrame
    protocol: Protocol

    @property
    def subjects(self) -> pd.DataFrame:
        """Randomised subjects by ``USUBJID``."""
        return self.adsl[self.adsl["RANDFL"].eq("Y")].set_index("USUBJID")


@dataclass(frozen=True)
class Query:
    """One question to the site: about whom, which record, and what is to be settled."""

    subject: str
    record: str
    message: str


Rule = Callable[[Evidence], Iterator[Query]]
_RULES: dict[str, tuple[Severity, Rule]] = {}


def _rule(name: str, severity: Severity) -> Callable[[Rule], Rule]:
    def register(function: Rule) -> Rule:
        _RULES[name] = (severity, function)
        return function

    return register


def find_queries(evidence: Evidence) -> pd.DataFrame:
    """Run every rule.

    Parameters
    ----------
    evidence : Evidence
        Tables after the cut, ADSL, ADLB and the protocol.

    Returns
    -------
    DataFrame
        One row a query: ``USUBJID``, ``record`` (domain, sequence number), ``rule``, ``severity`` (critical,
        major, minor), ``message``; ordered by severity, rule, subject, record.
    """
    rows = [
        (query.subject, query.record, name, severity, query.message)
        for name, (severity, function) in _RULES.items()
        for query in function(evidence)
    ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    rank = frame["severity"].map({"critical": 0, "major": 1, "minor": 2})
    return frame.assign(_rank=rank).sort_values(["_rank", "rule", "USUBJID", "record"], ignore_index=True)[
        list(COLUMNS)
    ]


def _dates_of_death(tables: Tables) -> pd.DataFrame:
    """Every statement of death: subject, record, first and last possible day."""
    stated = []
    for domain, date, column, value in DEATH_FORMS:
        if domain in tables:
            table = tables[domain]
            own = table[table[column].eq(value)]
            record = pd.Series(domain, own.index)
            if domain != "DM":
                record = domain + " " + own[DOMAINS[domain].sequence].astype(str)
            first, last = dates.earliest(own[date]), dates.latest(own[date])
            frame = pd.DataFrame({"USUBJID": own["USUBJID"], "form": domain, "record": record})
            stated.append(frame.assign(first=first, last=last))
    return pd.concat(stated, ignore_index=True)


@_rule("death dates disagree", "critical")
def _death_dates(evidence: Evidence) -> Iterator[Query]:
    known = _dates_of_death(evidence.tables).dropna(subset=["first"])
    by_subject = known.groupby("USUBJID")
    apart = by_subject["first"].transform("max") > by_subject["last"].transform("min")
    for subject, own in known[apart].groupby("USUBJID"):
        said = ", ".join(f"{r.record}: {r.first:%Y-%m-%d}" for r in own.itertuples())
        message = f"The forms give different days of death ({said})."
        yield Query(str(subject), " / ".join(own["record"]), message)


@_rule("death missing in a form", "critical")
def _death_forms(evidence: Evidence) -> Iterator[Query]:
    forms = _dates_of_death(evidence.tables).groupby("USUBJID")["form"].agg(set)
    for subject, found in forms.items():
        for form in sorted({"DM", "DS"} - found):
            message = f"Death is recorded in {', '.join(sorted(found))} but not in {form}."
            yield Query(str(subject), form, message)


@_rule("record after death", "critical")
def _after_death(evidence: Evidence) -> Iterator[Query]:
    died = _dates_of_death(evidence.tables).groupby("USUBJID")["last"].max()
    for name, table in evidence.tables.items():
        domain = DOMAINS[name]
        if name in ("DM", "MH"):
            continue
        last = table["USUBJID"].map(died)
        for column in (c for c in date_columns(domain) if c in table):
            for row in table[dates.earliest(table[column]) > last].to_dict("records"):
                message = f"{column} is {row[column]}, after the patient's death."
                yield Query(row["USUBJID"], f"{name} {row[domain.sequence]}", message)


@_rule("milestones in the wrong order", "critical")
def _milestones(evidence: Evidence) -> Iterator[Query]:
    subjects = evidence.subjects
    for column, record, what in (
        ("DTHDT", "DM", "Death"),
        ("LTDT", "PR", "Liver transplantation"),
        ("TRTSDT", "EX", "First infusion"),
    ):
        for subject, row in subjects[subjects[column] < subjects["RANDDT"]].iterrows():
            yield Query(str(subject), record, f"{what} on {row[column]:%Y-%m-%d} is before randomisation.")
    for subject, row in subjects[subjects["RFICDT"] > subjects["RANDDT"]].iterrows():
        message = f"Consent on {row['RFICDT']:%Y-%m-%d} is after randomisation on {row['RANDDT']:%Y-%m-%d}."
        yield Query(str(subject), "DM", message)


@_rule("age outside the protocol", "major")
def _eligibility(evidence: Evidence) -> Iterator[Query]:
    for criterion in evidence.protocol.eligibility.inclusion:
        check = criterion.check
        if check is None or check.variable not in evidence.subjects:
            continue
        value = pd.to_numeric(evidence.subjects[check.variable], errors="coerce")
        low = check.minimum if check.minimum is not None else float("-inf")
        high = check.maximum if check.maximum is not None else float("inf")
        for subject, offender in value[value.notna() & ~value.between(low, high)].items():
            message = f"{check.variable} is {offender:g}; criterion {criterion.id} says: {criterion.text}."
            yield Query(str(subject), "DM", message)


@_rule("visit outside its allowed window", "minor")
def _visit_windows(evidence: Evidence) -> Iterator[Query]:
    """One query a visit and day, however many forms were filled in on it."""
    schedule = evidence.protocol.schedule
    allowed = {visit.label.upper(): visit.allowed for visit in schedule.visits}
    visits = pd.concat([_visits(evidence.tables, name) for name in ("LB", "RS", "VS")], ignore_index=True)
    visits["day"] = study_day(visits["date"], visits["USUBJID"].map(anchor_days(evidence.subjects, schedule)))
    visits = visits.dropna(subset=["day"]).drop_duplicates(["USUBJID", "label", "day"])
    for row in visits[visits["label"].isin(allowed)].to_dict("records"):
        first, last = allowed[row["label"]]
        if not first <= row["day"] <= last:
            message = f"{row['VISIT']} took place on day {row['day']:.0f}; the protocol allows days {first} to {last}."
            yield Query(row["USUBJID"], row["record"], message)
    first, last = schedule.baseline_window
    baseline = evidence.adlb[evidence.adlb["ABLFL"].eq("Y") & evidence.adlb["SRCSEQ"].notna()]
    old = baseline[~baseline["ADY"].between(first, last)].drop_duplicates(["USUBJID", "ADY"])
    for row in old.to_dict("records"):
        day = f"{row['PARAMCD']} is of day {row['ADY']:.0f}"
        message = f"The baseline value of {day}; the protocol allows days {first} to {last}."
        yield Query(row["USUBJID"], f"{row['SRCDOM']} {row['SRCSEQ']}", message)


def _visits(tables: Tables, name: str) -> pd.DataFrame:
    """Records of a domain that took place: subject, record, visit as written, its label in capitals, day."""
    columns = ["USUBJID", "record", "VISIT", "label", "date"]
    if name not in tables or "VISIT" not in tables[name]:
        return pd.DataFrame(
            {c: pd.Series(dtype="datetime64[ns]" if c == "date" else object) for c in columns}
        )
    table = tables[name]
    if f"{name}STAT" in table:
        table = table[table[f"{name}STAT"].ne("NOT DONE")]
    record = name + " " + table[f"{name}SEQ"].astype(str)
    label, date = table["VISIT"].str.upper(), dates.whole(table[f"{name}DTC"])
    return table.assign(record=record, label=label, date=date)[columns]


@_rule("visits in the wrong order", "major")
def _visit_order(evidence: Evidence) -> Iterator[Query]:
    order = {visit.label.upper(): visit for visit in evidence.protocol.schedule.visits}
    visits = _visits(evidence.tables, "LB").dropna(subset=["date"])
    visits = visits.assign(number=visits["label"].map({label: v.number for label, v in order.items()}))
    labels = {visit.number: visit.label for visit in order.values()}
    for subject, own in visits.dropna(subset=["number"]).groupby("USUBJID"):
        days = own.sort_values("date", kind="stable").drop_duplicates("number").sort_values("number")
        for before, after in pairwise(days.to_dict("records")):
            if after["date"] < before["date"]:
                earlier = f"{labels[before['number']]} on {before['date']:%Y-%m-%d}"
                message = f"{labels[after['number']]} on {after['date']:%Y-%m-%d} is dated before {earlier}."
                yield Query(str(subject), after["record"], message)


@_rule("implausible value", "major")
def _implausible(evidence: Evidence) -> Iterator[Query]:
    measured = evidence.adlb[evidence.adlb["DTYPE"].isna()]
    for parameter in evidence.protocol.parameters:
        if parameter.plausible is None or parameter.kind == "score":
            continue
        low, high = parameter.plausible
        own = measured[measured["PARAMCD"].eq(parameter.paramcd)]
        for row in own[~own["AVAL"].between(low, high)].to_dict("records"):
            message = f"{parameter.label} is {row['AVAL']:g}; plausible is {low:g} to {high:g}."
            yield Query(row["USUBJID"], f"{row['SRCDOM']} {row['SRCSEQ']}", message)


@_rule("day of a measurement missing", "major")
def _incomplete_dates(evidence: Evidence) -> Iterator[Query]:
    undated = evidence.adlb[evidence.adlb["ADT"].isna()]
    for row in undated.to_dict("records"):
        message = (
            f"The date of {row['PARAMCD']} names no day: the value belongs to no visit and is not analysed."
        )
        yield Query(row["USUBJID"], f"{row['SRCDOM']} {row['SRCSEQ']}", message)


@_rule("unit missing or unknown", "major")
def _units(evidence: Evidence) -> Iterator[Query]:
    """Numeric results of tests that no analysis uses; for the others the export is refused."""
    if "LB" not in evidence.tables:
        return
    used = [p.paramcd for p in evidence.protocol.parameters if p.kind == "laboratory"]
    lb = evidence.tables["LB"]
    numeric = pd.to_numeric(lb["LBORRES"], errors="coerce").notna()
    others = lb[~lb["LBTESTCD"].isin(used) & numeric]
    for row in others[others["LBORRESU"].map(known_unit, na_action="ignore").isna()].to_dict("records"):
        got = "no unit" if pd.isna(row["LBORRESU"]) else f"the unit {row['LBORRESU']!r}, which is not known"
        yield Query(row["USUBJID"], f"LB {row['LBSEQ']}", f"{row['LBTESTCD']} has {got}.")


@_rule("duplicate record", "major")
def _duplicates(evidence: Evidence) -> Iterator[Query]:
    for name, table in evidence.tables.items():
        sequence = DOMAINS[name].sequence
        if name == "DM" or sequence not in table:
            continue
        content = table.drop(columns=[sequence])
        for row in table[content.duplicated()].to_dict("records"):
            yield Query(row["USUBJID"], f"{name} {row[sequence]}", "The record stands twice, word for word.")
        for row in table[table.duplicated(["USUBJID", sequence])].to_dict("records"):
            message = f"{sequence} is used twice for this subject."
            yield Query(row["USUBJID"], f"{name} {row[sequence]}", message)


@_rule("treated otherwise than randomised", "critical")
def _treatment(evidence: Evidence) -> Iterator[Query]:
    adsl = evidence.adsl.set_index("USUBJID")
    other = adsl["TRT01A"].notna() & adsl["TRT01P"].notna() & adsl["TRT01A"].ne(adsl["TRT01P"])
    for subject, arm in adsl[other].iterrows():
        yield Query(str(subject), "DM", f"Randomised to {arm['TRT01P']}, treated as {arm['TRT01A']}.")
    for subject in adsl.index[adsl["TRTSDT"].notna() & adsl["TRT01A"].isna()]:
        yield Query(str(subject), "DM", "Infused, but DM names no actual arm.")
    for subject in adsl.index[adsl["TRTSDT"].notna() & adsl["RANDFL"].ne("Y")]:
        yield Query(str(subject), "EX", "Infused, but not randomised.")
    planned = {arm.label: arm.dose.amount for arm in evidence.protocol.arms if arm.dose}
    if "EX" not in evidence.tables or not planned:
        return
    ex = evidence.tables["EX"]
    limit = ex["USUBJID"].map(adsl["TRT01P"]).map(planned)
    for row in ex[pd.to_numeric(ex["EXDOSE"]) > limit].to_dict("records"):
        message = f"Dose {row['EXDOSE']} {row['EXDOSU']} is above the arm's."
        yield Query(row["USUBJID"], f"EX {row['EXSEQ']}", message)
