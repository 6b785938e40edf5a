"""Queries about what the previous cut held and this one does not: a record that is gone leaves nothing else that tells of it."""

from collections.abc import Iterator

import pandas as pd

from esld.data.changes import record_changes
from esld.data.deaths import statements
from esld.data.queries.ask import Evidence, Query, counted, of_patient, records, rule

_SHOWN = 3  # records that a query names


def _changes(evidence: Evidence) -> pd.DataFrame:
    return record_changes(evidence.before, evidence.tables)


def _gone(evidence: Evidence, what: str) -> pd.DataFrame:
    """Of the previous cut, if there is one of another export."""
    if not evidence.before:
        return pd.DataFrame()
    found = evidence.once(_changes)
    return found[found["change"].eq(f"gone {what}")]


@rule("death of the previous cut taken back", "critical")
def _death_taken_back(evidence: Evidence) -> Iterator[Query]:
    if not evidence.before:
        return
    stated = statements(evidence.before).drop_duplicates(["USUBJID", "record"])
    alive = set(evidence.tables["DM"]["USUBJID"]) - set(evidence.stated["USUBJID"])
    for subject, own in stated[stated["USUBJID"].isin(alive)].groupby("USUBJID"):
        message = "The previous cut states a death, and no form does so any more."
        yield of_patient(subject, " / ".join(own["record"]), message, *sorted(own["form"]))


@rule("patient of the previous cut gone", "critical")
def _patient(evidence: Evidence) -> Iterator[Query]:
    for row in records(_gone(evidence, "patient")):
        held = counted(int(row["before"]), "record")
        yield of_patient(
            row["USUBJID"], "DM", f"The previous cut holds {held} of this patient, who is not in DM."
        )


@rule("record of the previous cut gone", "major")
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
