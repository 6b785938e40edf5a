"""Adverse and clinical events: whether two records say alike how grave they were."""

from collections.abc import Iterator

import pandas as pd

from esld.data import dates
from esld.data.queries.ask import Evidence, Query, Row, each, named, origin, place, records, rule
from esld.data.sdtm import DOMAINS
from esld.data.sources import selected
from esld.protocol import Source
from esld.protocol.measures import Graded

_CRITERIA = ("AESDTH", "AESLIFE", "AESHOSP", "AESDISAB", "AESCONG", "AESMIE", "AESCAN", "AESOD")


@rule("seriousness and its criteria disagree", "major")
def _seriousness(evidence: Evidence) -> Iterator[Query]:
    ae = evidence.tables.get("AE")
    if ae is None or "AESER" not in ae:
        return
    criteria = [column for column in _CRITERIA if column in ae and ae[column].notna().any()]
    if not criteria:
        return
    content = ("AESER", *criteria)
    met = (ae[criteria] == "Y").any(axis=1)

    def not_serious(row: Row) -> str:
        given = " and ".join(column for column in criteria if row[column] == "Y")
        return f"{given} {'are' if ' and ' in given else 'is'} Y, but AESER is {row['AESER'] or 'empty'}."

    yield from each("AE", ae[met & ae["AESER"].ne("Y")], not_serious, content)
    without = ae[~met & ae["AESER"].eq("Y")]
    yield from each("AE", without, f"AESER is Y, but none of {', '.join(criteria)} is.", content)


@rule("severity of an event and grade disagree", "major")
def _severity(evidence: Evidence) -> Iterator[Query]:
    """Grades that were found while an event lasted, above the one that the protocol reads from the event's own record."""
    for endpoint in evidence.protocol.endpoints:
        condition = endpoint.prevalent
        if condition and condition.worse:
            for source in endpoint.events:
                yield from _above(evidence, source, condition.paramcd, condition.worse)


def _above(evidence: Evidence, source: Source, paramcd: str, graded: Graded) -> Iterator[Query]:
    name, variable = str(source.domain), graded.variable
    table = evidence.tables.get(name, pd.DataFrame())
    if variable not in table:
        return
    grade, own = table[variable].map(graded.grades), selected(source, table)
    lasted = table[own].assign(_grade=grade, _from=dates.latest(table[source.date]))
    lasted["_to"] = dates.earliest(lasted[end]) if (end := DOMAINS[name].end) in table else pd.NaT
    values = evidence.measured[evidence.measured["PARAMCD"].eq(paramcd)]
    both = lasted.merge(values, on="USUBJID")
    during = (both["ADT"] >= both["_from"]) & ~(both["ADT"] > both["_to"])
    above = (
        both["AVAL"].clip(upper=max(graded.grades.values())) > both["_grade"]
    )  # the highest word has no upper end
    both = both[during & above].sort_values(["AVAL", "ADT"], ascending=[False, True], kind="stable")
    for row in records(both.drop_duplicates(["USUBJID", DOMAINS[name].sequence])):
        event, where = place(name, row), origin(row)
        found = f"{paramcd} {row['AVAL']:g} on {row['ADT']:%Y-%m-%d}"
        message = f"{variable} is {row[variable]}, read as grade {row['_grade']:g}; while it lasted, {where} has {found}."
        about = (str(row["USUBJID"]), *named(name, row), str(row[variable]), found)
        yield Query(str(row["USUBJID"]), f"{event} / {where}", message, about)
