"""Disposition: what can be so once only, and stands there twice: the randomisation, and how participation ended."""

from collections.abc import Iterator

import pandas as pd

from esld.data import dates
from esld.data.queries.ask import Evidence, Query, of_patient, place, records, rule, text


@rule("randomised twice", "critical")
def _randomised_twice(evidence: Evidence) -> Iterator[Query]:
    ds = evidence.tables["DS"]
    own = ds[ds["DSDECOD"].eq("RANDOMIZED")]
    counts = evidence.subjects["RANDDT"]
    for subject, rows in own[own.duplicated("USUBJID", keep=False)].groupby("USUBJID"):
        said = sorted(text(day) for day in rows["DSSTDTC"])
        now = f"{counts[subject]:%Y-%m-%d}"
        message = (
            f"Randomised {len(rows)} times, {_listed(said)}: which is right? The earliest counts, {now}."
        )
        yield of_patient(subject, _places(rows), message, *said)


@rule("participation ends in two ways", "major")
def _ended_twice(evidence: Evidence) -> Iterator[Query]:
    """Of what ends follow-up; what ends the treatment alone may differ."""
    ds = evidence.tables["DS"]
    own = ds[ds["DSCAT"].eq("DISPOSITION EVENT")]
    own = own[own["DSSCAT"].ne("STUDY TREATMENT")] if "DSSCAT" in own else own
    kinds = own.groupby("USUBJID")["DSDECOD"].transform("nunique")
    for subject, rows in own[kinds > 1].groupby("USUBJID"):
        rows = rows.assign(day=dates.earliest(rows["DSSTDTC"])).sort_values("day", kind="stable")
        said = [f"{row['DSDECOD']} of {text(row['DSSTDTC'])}" for row in records(rows)]
        message = f"Participation ends {len(rows)} times: {_listed(said)}: which is right? The last counts, {said[-1]}."
        yield of_patient(subject, _places(rows), message, *sorted(said))


def _listed(said: list[str]) -> str:
    return f"{', '.join(said[:-1])} and {said[-1]}"


def _places(rows: pd.DataFrame) -> str:
    return " / ".join(place("DS", row) for row in records(rows))
