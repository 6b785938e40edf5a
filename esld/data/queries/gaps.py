"""Queries about numbers that a domain leaves out: what is no longer there tells of itself by nothing else."""

from collections.abc import Iterator

import pandas as pd

from esld.data.queries.ask import Evidence, Query, counted, rule
from esld.data.sdtm import DOMAINS

_SHOWN = 3  # patients that a query names


@rule("sequence with a gap", "minor")
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
