"""Data queries: records that contradict each other or the protocol, for the data manager to settle.

A query never changes or removes a value, and never repeats a fault, for which the export is refused. Each rule is a function
of the tables after the cut, the derived data and the protocol, in a module a kind; :func:`find_queries` runs them all.
What was answered, and what is new since the last cut, is told by :mod:`esld.data.queries.answers`.
"""

from esld.data.queries import (
    adverse,
    allocation,
    coding,
    deaths,
    disposition,
    duplicates,
    gaps,
    gone,
    jumps,
    order,
    pairs,
    peers,
    series,
    strata,
    treatment,
    values,
    visits,
    weights,
    words,
)
from esld.data.queries.ask import COLUMNS, RULES, Evidence, Query, find_queries, not_asked, unscored

__all__ = [
    "COLUMNS",
    "RULES",
    "Evidence",
    "Query",
    "adverse",
    "allocation",
    "coding",
    "deaths",
    "disposition",
    "duplicates",
    "find_queries",
    "gaps",
    "gone",
    "jumps",
    "not_asked",
    "order",
    "pairs",
    "peers",
    "series",
    "strata",
    "treatment",
    "unscored",
    "values",
    "visits",
    "weights",
    "words",
]  # each module registers its rules as it is imported
