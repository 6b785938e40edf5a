"""The allocation list that was exported beside the data: whether the data give each patient its day and its arm.

Asked only where the view reads the list. No id holds an arm.
"""

from collections.abc import Iterator

import pandas as pd

from esld.alike import LookAlikes
from esld.data.allocated import beside_data
from esld.data.queries.ask import Evidence, Query, of_patient, records, rule, text

_WHICH = "which is right? That of the data counts."


@rule("data and allocation list disagree", "critical", whole="DM DS")
def _apart(evidence: Evidence) -> Iterator[Query]:
    """One query a patient and what differs; of a list with other arms than the protocol's, one for all."""
    if evidence.ledger is None:
        return
    unnamed = evidence.subjects["SUBJID"].isna()
    if unnamed.any():
        message = (
            f"{unnamed.sum()} of {len(unnamed)} randomised patients have no SUBJID, by which the allocation list names patients: "
            "they were not compared with it. What are their numbers?"
        )
        yield Query("", "DM", message, ("DM", "SUBJID"))
        if unnamed.all():
            return
    for number, own in evidence.subjects[~unnamed].groupby("SUBJID", sort=False):
        if len(own) > 1:
            message = (
                f"SUBJID {number} is that of {', '.join(own.index)}, and the allocation list names patients by it: they were not "
                "compared with it. What are their numbers?"
            )
            yield Query("", "DM", message, ("DM", "SUBJID", str(number)))
    frame = beside_data(evidence.ledger, evidence.subjects.reset_index())
    named = evidence.adsl.dropna(subset="SUBJID").drop_duplicates("SUBJID", keep=False)
    everybody = dict(zip(named["SUBJID"], named["USUBJID"], strict=True))
    strange = sorted({*frame["arm"].dropna()} - {"", *evidence.protocol.arm_labels})
    if strange:
        message = (
            f"The allocation list has the arms {', '.join(strange)}, which are none of the protocol file's: "
            "no arm was compared with it. Is it the list of this trial?"
        )
        yield Query("", "DM", message, ("DM", "arms"))
    listed = LookAlikes(record.subject for record in evidence.ledger.assignments)
    last = max((record.day for record in evidence.ledger.assignments), default="")
    alone = frame["SUBJID"].map(lambda number: not listed.of(number)).astype(bool)
    after = frame["slot"].isna() & frame["RANDDT"].fillna("").ge(last) & alone
    if after.sum() > 1:
        ends = f"ends on {last}" if last else "has no assignment"
        message = (
            f"By the cut-off the allocation list {ends}, and lacks {after.sum()} patients randomised then or later, from "
            f"{frame.loc[after, 'SUBJID'].iloc[0]} on. Was it cut off, or exported too early?"
        )
        yield Query("", "DS", message, ("DS", "end"))
        frame = frame[~after]
    for row in records(frame[~(frame["same_day"] & frame["same_arm"])]):
        number, day, listed_day = (row[column] for column in ("SUBJID", "RANDDT", "day"))
        who = everybody.get(number, "")
        if pd.isna(listed_day):
            twin = listed.of(number)
            asked = f"there is one of {twin}: is it the same patient?" if twin else "who assigned the arm?"
            message = f"Randomised on {day}, and by the cut-off the allocation list has no assignment of {number}; {asked}"
            yield of_patient(who, "DS", message, "unlisted", day)
        elif pd.isna(day):
            where = "by the cut-off the data have no randomisation: where is it?"
            message = f"The allocation list assigned {number} on {listed_day}, and {where}"
            yield of_patient(who, "DS", message, "listed", number)
        elif not row["same_day"]:
            message = f"Randomised on {day}, by the allocation list on {listed_day}: {_WHICH}"
            yield of_patient(who, "DS", message, day, listed_day)
        if not (row["same_arm"] or strange or pd.isna(day) or pd.isna(listed_day)):
            arm = text(row["ARMCD"])
            message = f"ARMCD is {arm}, and the allocation list assigned {row['arm']}: {_WHICH}"
            yield of_patient(who, "DM", message, "arm")


@rule("allocation list altered", "critical")
def _altered(evidence: Evidence) -> Iterator[Query]:
    """Its records do not follow from one another, or it is another list than the protocol file published."""
    if evidence.ledger is None:
        return
    faults = evidence.ledger.chain_faults()
    if faults:
        said = "; ".join(faults[:3])
        message = (
            f"The exported allocation list is not as it was written: {said}. Was it altered after the export?"
        )
        yield Query("", "DM", message, ("DM", "altered"))
    proved = evidence.ledger.proved(evidence.ledger.public["commitment"])
    opened = {(slot["leaf"]["stratum"], slot["leaf"]["slot"]) for slot in evidence.ledger.slots}
    given = [r for r in evidence.ledger.assignments if (r.stratum, r.slot) in opened]
    if forged := [record.subject for record in given if record.subject not in proved]:
        message = (
            f"The slots that the allocation list shows for {', '.join(forged[:3])} ({len(forged)} in all) are not those of the "
            "commitment, or have another arm than was assigned. Were they altered after the export?"
        )
        yield Query("", "DM", message, ("DM", "slots"))
    whole = evidence.ledger.slots or any(r.kind == "unmasking" for r in evidence.ledger.records)
    closed = [
        r.subject
        for r in evidence.ledger.assignments
        if (r.arm or whole) and (r.stratum, r.slot) not in opened
    ]
    if closed:
        message = (
            f"The allocation list shows no slot for {', '.join(closed[:3])} ({len(closed)} in all), so that nothing proves "
            "their arms. Were slots removed after the export?"
        )
        yield Query("", "DM", message, ("DM", "closed"))
    published = evidence.protocol.allocation
    public = evidence.ledger.public
    known = published.model_dump(mode="json") if published else {}
    sealed = [r.details["commitment"] for r in evidence.ledger.records if "commitment" in r.details]
    # A public part may lack what was published, and hold what was not.
    other = {name for name in {*known, *public} if public.get(name) != known.get(name)} if known else set()
    if {*sealed} - {public["commitment"]}:
        other.add("commitment")
    if other:
        message = (
            f"The exported allocation list has another {', '.join(sorted(other))} than was published when it was sealed: "
            "is it this trial's?"
        )
        yield Query("", "DM", message, ("DM", "commitment"))
