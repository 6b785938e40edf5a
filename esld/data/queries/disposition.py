"""Disposition: what can be so once only, and stands there twice: the randomisation, and how participation ended."""

from collections.abc import Iterator

import pandas as pd

from esld.data import dates
from esld.data.adam.adsl import anchor_days
from esld.data.queries.ask import Evidence, Query, counted, each, of_patient, place, records, rule, text
from esld.data.screening import of_earlier_screening
from esld.data.sdtm import DOMAINS
from esld.data.sources import transplant_codes

_FAILED = "SCREEN FAILURE"
# What ends participation under DISPOSITION EVENT; a death ends it under any category.
_ENDS = (
    *(
        "COMPLETED",
        "LOST TO FOLLOW-UP",
        "WITHDRAWAL BY SUBJECT",
        "WITHDRAWAL OF CONSENT",
        "PHYSICIAN DECISION",
    ),
    *(
        "ADVERSE EVENT",
        "LACK OF EFFICACY",
        "PROTOCOL DEVIATION",
        "STUDY TERMINATED BY SPONSOR",
        _FAILED,
    ),
    *(
        "WITHDRAWAL BY PARENT/GUARDIAN",
        "SITE TERMINATED BY SPONSOR",
        "NON-COMPLIANCE",
        "PREGNANCY",
        "PROGRESSIVE DISEASE",
    ),
    *("NON-COMPLIANCE WITH STUDY DRUG", "NON-COMPLIANCE WITH PROTOCOL"),
)
_LATER = pd.Timedelta(days=30)  # an event that began during participation may be reported until then


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
    own = evidence.once(_ending)
    kinds = own.groupby("USUBJID")["DSDECOD"].transform("nunique")
    for subject, rows in own[kinds > 1].groupby("USUBJID"):
        rows = rows.assign(day=dates.earliest(rows["DSSTDTC"])).sort_values("day", kind="stable")
        said = [f"{row['DSDECOD']} of {text(row['DSSTDTC'])}" for row in records(rows)]
        message = f"Participation ends {len(rows)} times: {_listed(said)}: which is right? The last counts, {said[-1]}."
        yield of_patient(subject, _places(rows), message, *sorted(said))


@rule("participation cannot have ended so", "critical")
def _impossible(evidence: Evidence) -> Iterator[Query]:
    """Of the randomised: a failed screening, and a reason for no treatment of who was treated."""
    adsl = evidence.adsl.set_index("USUBJID")
    treated = set(adsl.index[adsl["TRTSDT"].notna()])
    known = {who: "treated" if who in treated else "randomised" for who in evidence.subjects.index}
    ends = evidence.once(_ending)
    own = ends[ends["DSDECOD"].eq(_FAILED) & ends["USUBJID"].isin(known)]
    words = "{DSDECOD} of {DSSTDTC} ends the participation, but the patient was {known}: which is right? Both count."
    yield from each("DS", own.assign(known=own["USUBJID"].map(known)), words, ("DSDECOD",))
    dm = evidence.tables["DM"]
    if "ARMNRS" in dm:
        why = dm["ARMNRS"].fillna("").str.upper()
        own = dm.assign(known=dm["USUBJID"].map(known))
        wrong = why.isin((_FAILED, "NOT ASSIGNED")) & own["known"].notna()
        own = own[wrong | (why.str.endswith("NOT TREATED") & own["known"].eq("treated"))]
        yield from each(
            "DM", own, "ARMNRS is {ARMNRS}, but the patient was {known}: which is right?", ("ARMNRS",)
        )


@rule("end of participation under another category", "critical", whole="DS")
def _other_category(evidence: Evidence) -> Iterator[Query]:
    """What is stated under the right category too is known; what ends the treatment alone ends nothing else."""
    ds = evidence.tables["DS"]
    ends = evidence.once(_ending)
    known = set(zip(ends["USUBJID"], ends["DSDECOD"], strict=True))
    such = {*_ENDS, *transplant_codes(evidence.protocol)}
    own = ds[ds["DSDECOD"].isin(such) & ds["DSCAT"].ne("DISPOSITION EVENT")]
    own = own[own["DSSCAT"].ne("STUDY TREATMENT")] if "DSSCAT" in own else own
    new = [pair not in known for pair in zip(own["USUBJID"], own["DSDECOD"], strict=True)]
    own = own[pd.Series(new, own.index, dtype=bool)]
    message = "{DSDECOD} of {DSSTDTC} stands under DSCAT {DSCAT} and ends no participation; is it a DISPOSITION EVENT?"
    yield from each("DS", own, message, ("DSCAT",))


@rule("record after a participation without randomisation", "major", whole="DS")
def _after_screening(evidence: Evidence) -> Iterator[Query]:
    """It is probably another patient's."""
    ends = evidence.once(_ending)
    words = "the patient was never randomised and participation ended on {over}: is it another patient's?"
    yield from _after(evidence, ends[~ends["USUBJID"].isin(evidence.subjects.index)], words)


@rule("record after the end of participation", "major", whole="DS")
def _after_end(evidence: Evidence) -> Iterator[Query]:
    """Of the randomised; what was recorded after a death is asked for elsewhere."""
    ends, died = evidence.once(_ending), evidence.deaths["USUBJID"]
    own = ends["USUBJID"].isin(evidence.subjects.index) & ~ends["USUBJID"].isin(died)
    words = "participation ended on {over}: did it go on, or is it another patient's?"
    yield from _after(evidence, ends[own], words)


def _after(evidence: Evidence, ends: pd.DataFrame, words: str) -> Iterator[Query]:
    """One query a patient and domain; history and survival may be known later."""
    over = dates.latest(ends["DSSTDTC"]).groupby(ends["USUBJID"]).max() + _LATER
    for name, table in evidence.tables.items():
        date = DOMAINS[name].date
        if over.empty or name in ("DM", "DS", "MH", "SS", "DD") or date not in table:
            continue
        own = table[table["USUBJID"].isin(over.index)]
        if own.empty:
            continue
        own = own.assign(day=dates.earliest(own[date]))
        late = own[own["day"] > own["USUBJID"].map(over)].sort_values("day", kind="stable")
        for subject, rows in late.groupby("USUBJID"):
            first = records(rows.head(1))[0]
            ended = words.format(over=f"{over[subject] - _LATER:%Y-%m-%d}")
            message = f"{date} is {first[date]} ({counted(len(rows), 'record')}), but {ended}"
            yield of_patient(subject, place(name, first), message, name, first[date])


@rule("end of participation not recorded", "major", whole="*")
def _no_end(evidence: Evidence) -> Iterator[Query]:
    """Where what was planned is over, and nothing later shows the patient alive: as if lost, without a word of it."""
    if evidence.cutoff is None:
        return
    own, schedule = evidence.subjects, evidence.protocol.schedule
    planned = own["RANDDT"] + pd.Timedelta(days=evidence.protocol.horizon_days)
    if schedule.visits:
        last = anchor_days(own, schedule) + pd.Timedelta(days=schedule.visits[-1].allowed[0] - 1)
        planned = planned.where(planned >= last, last)
    silent = own["EOSSTT"].eq("ONGOING") & ~own.index.isin(evidence.deaths["USUBJID"])
    silent &= (own["LSTALVDT"] < planned) & (planned + _LATER <= evidence.cutoff)
    for subject, row in own.assign(planned=planned)[silent].iterrows():
        seen, until = (f"{row[day]:%Y-%m-%d}" for day in ("LSTALVDT", "planned"))
        message = (
            f"Last seen alive on {seen}, and no record of DS ends the participation, which was planned to {until}: "
            "it counts as not known whether the patient lives. What became of the patient?"
        )
        yield of_patient(subject, "DS", message, seen)


def _ending(evidence: Evidence) -> pd.DataFrame:
    """Disposition events that end participation, and not a screening that was followed by another one."""
    ds = evidence.tables["DS"]
    own = ds[ds["DSCAT"].eq("DISPOSITION EVENT") & ~of_earlier_screening(evidence.tables)]
    return own[own["DSSCAT"].ne("STUDY TREATMENT")] if "DSSCAT" in own else own


def _listed(said: list[str]) -> str:
    return f"{', '.join(said[:-1])} and {said[-1]}"


def _places(rows: pd.DataFrame) -> str:
    return " / ".join(place("DS", row) for row in records(rows))
