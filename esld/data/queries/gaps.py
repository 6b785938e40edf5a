"""Queries about what a domain leaves out, numbers and patients: what is no longer there tells of itself by nothing else."""

from collections.abc import Iterator

import pandas as pd

from esld.data.adam.adlb import study_day
from esld.data.adam.adsl import anchor_days
from esld.data.queries.ask import Evidence, Query, counted, of_patient, rule
from esld.data.sdtm import DOMAINS

_SHOWN = 3  # patients that a query names
_FEW = 3  # of fewer patients nobody can say what all have


@rule("sequence with a gap", "minor", whole="*")
def _left_out(evidence: Evidence) -> Iterator[Query]:
    """One query a domain, of the numbers below the highest that the cut holds; a record after the cut-off is not missing.

    A domain counts the records of each patient, or through all of them where no number comes twice. Numbers of which more
    are left out than are there count nothing.
    """
    for name, own in evidence.numbering.groupby("domain", sort=False):
        table, sequence = evidence.tables.get(str(name)), DOMAINS[str(name)].sequence
        if table is None or sequence not in table:
            continue
        through = not own["number"].duplicated().any()
        kept = pd.to_numeric(table[sequence], errors="coerce")
        of, whose = (pd.Series("", t.index) if through else t["USUBJID"] for t in (own, table))
        highest = {str(who): int(last) for who, last in kept.groupby(whose).max().dropna().items()}
        present = {str(who): set(numbers) for who, numbers in own["number"].groupby(of)}
        if any(last > 2 * len(present[who]) for who, last in highest.items()):
            continue
        gone = {who: sorted(set(range(1, last + 1)) - present[who]) for who, last in highest.items()}
        if gone := {who: numbers for who, numbers in gone.items() if numbers}:
            yield _asked(str(name), sequence, gone)


def _asked(name: str, sequence: str, gone: dict[str, list[int]]) -> Query:
    told = "; ".join(
        f"{who} {', '.join(map(str, own[:_SHOWN]))}".strip() for who, own in list(gone.items())[:_SHOWN]
    )
    count = sum(map(len, gone.values()))
    of = "" if len(gone) == 1 else f" of {counted(len(gone), 'patient')}"
    message = (
        f"{sequence} leaves out {counted(count, 'number')}{of} "
        f"({'' if count <= _SHOWN else 'such as '}{told}): "
        "were records deleted, or are they missing from the export?"
    )
    return Query(next(iter(gone)) if len(gone) == 1 else "", name, message, (name,))


@rule("patient without a record of a domain", "major", whole="DM EX LB RS VS")
def _without(evidence: Evidence) -> Iterator[Query]:
    """Of what nearly everybody has who was followed past the first visit: what analyses measure, and treatment.

    Where those who lack it come last, a file that was cut off looks like that. Of events most may have none.
    """
    own, schedule = evidence.subjects, evidence.protocol.schedule
    if not schedule.visits:
        return
    seen = own["DTHDT"].fillna(own["LSTALVDT"])
    past = study_day(seen, anchor_days(own, schedule)) > schedule.visits[0].allowed[1]
    followed = sorted(own.index[past], key=evidence.number)
    for name in (*(name for name, tests in evidence.tests_used.items() if tests), "EX"):
        held = evidence.held(name)
        having = [who for who in followed if who in held]
        if not having or len(followed) < _FEW:
            continue
        last = followed.index(having[-1])
        lacking, tail = [who for who in followed if who not in held], followed[last + 1 :]
        if len(lacking) - len(tail) > len(having):
            continue
        untreated = _untreated(evidence) if name == "EX" else set()
        for who in (who for who in lacking if who not in untreated):
            others, until = counted(len(having), "patient"), f"{seen[who]:%Y-%m-%d}"
            ending = "was nothing done, or are records missing from the export?"
            if len(tail) > 1 and who in tail:
                ending = f"and of nobody after {having[-1]} ({counted(len(tail), 'patient')}): was the file cut off?"
            message = f"{name} has no record of the patient, followed to {until}, but of {others}: {ending}"
            yield of_patient(who, name, message, name)


def _untreated(evidence: Evidence) -> set[str]:
    """Of whom nobody expects treatment, or of whom another rule asks for it: DM says why there is none, or when it was.

    All where DM has no variable for the reason, as a view may not, and those whose participation goes on: it may come yet.
    """
    dm, own = evidence.tables["DM"], evidence.subjects
    if "ARMNRS" not in dm:
        return set(own.index)
    told = dm[[column for column in ("ARMNRS", "RFXSTDTC") if column in dm]].notna().any(axis=1)
    return {*dm.loc[told, "USUBJID"], *own.index[own["EOSSTT"].eq("ONGOING")]}
