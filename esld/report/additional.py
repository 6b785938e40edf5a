"""What a report holds beyond the analyses that a protocol file lists: which results these are, and what each is called.

A result carries the id of the analysis beside which it stands. Whether that analysis asks for it cannot be read
from words: what each kind computes of itself is named here, and all else is additional.
"""

from collections.abc import Iterable
from dataclasses import replace

from esld.protocol import Kind
from esld.report.cells import result_ids
from esld.report.drawing.figures import Picture
from esld.report.results import Row, named
from esld.report.tables import Table
from esld.report.words.catalogue import message
from esld.report.words.grammar import as_prose, joined

# By kind of an analysis, the beginnings of the names of its results; those of times to an event after the code of the endpoint.
OWN: dict[Kind, tuple[str, ...]] = {
    "participant_flow": ("flow", "follow_up", "silence", "queries", "courses"),
    "randomisation": ("entry", "ledger", "balance", "places", "designs", "guessed"),
    "baseline": ("groups", "baseline", "differences"),
    "milestone": ("milestone", "monitoring"),
    "milestone_test": ("milestone_test",),
    "survival_curve": ("km",),
    "log_rank": ("logrank",),
    "permutation": ("logrank_exact", "rmst_exact"),
    "cox": ("cox", "hazards"),
    "firth": ("firth",),
    "rmst": ("rmst",),
    "mmrm": ("change", "after_transplant", "near_rescue"),
    "ancova": ("adjusted",),
    "worst_rank": ("ranked",),
    "hierarchy": ("pairs",),
    "responder": ("response",),
    "cumulative_incidence": ("first",),
    "episodes": ("episodes",),
    "safety": (
        "safety_set", "adverse_events", "adverse_event_terms", "relation", "reactions", "exposure", "duration", "deaths",
        "withdrawn", "missed_days", "safety_rules",
    ),
    "courses": ("patients", "narratives"),
}  # fmt: skip
# Beyond these: by the name of a result, or its end after the code of an endpoint.
ADDITIONAL = (
    "milestone_beside", "beyond", "power", "causes_of_death", "standardised", "child_pugh_shift", "any_event", "any_incidence",
    "lots", "adverse_event_dots", "adverse_events_over_time", "temperature", "vital_signs", "concomitant", "flagged_values",
    "laboratory_grades", "laboratory_multiples", "liver_injury", "liver_deaths", "events_after_administration",
    "unplanned_belief",
)  # fmt: skip
SERIOUS_OR_CLINICAL = (
    "serious_or_clinical"  # a line of the overview of adverse events, not a result by itself
)


def additional(rows: Iterable[Row]) -> tuple[str, ...]:
    """The additional results among some, by name, in the order of :data:`ADDITIONAL`."""
    rows = tuple(rows)
    names = {name for row in rows if (name := name_of(named(row)))}
    own = tuple(name for name in ADDITIONAL if name in names)
    return (*own, SERIOUS_OR_CLINICAL) if any(r.statistic == SERIOUS_OR_CLINICAL for r in rows) else own


def name_of(name: str) -> str:
    """The name under which a result of this one is additional; empty where an analysis of the protocol file asks for it."""
    return next((own for own in ADDITIONAL if f"_{own}_" in f"_{name}_"), "")


def computes(kind: Kind | None, name: str) -> bool:
    """Whether a result of this name is the one that a kind of analysis is there for, and not one that stands beside it."""
    return kind is not None and not name_of(name) and f"_{OWN[kind][0]}_" in f"_{name}_"


def words(name: str) -> str:
    """What an additional result is called, inside a sentence."""
    return message(f"additional.{name}")


def marked_figure(picture: Picture) -> Picture:
    """A figure whose legend says that what it shows is additional; it has the name of its result."""
    name = name_of(picture.id)
    note = message("additional.note", what=words(name)) if name else ""
    return replace(picture, legend=as_prose((picture.legend, note)))


def marked(table: Table) -> Table:
    """A table with a note of what in it is additional."""
    ids = [id for row in table.rows for cell in row for id in result_ids(cell)]
    names = [own for own in ADDITIONAL if any(name_of(id.partition(".")[0]) == own for id in ids)]
    names += [SERIOUS_OR_CLINICAL] if any(SERIOUS_OR_CLINICAL in id for id in ids) else []
    if not names:
        return table
    note = message("additional.note", what=joined(map(words, names)))
    return Table.from_record(table.to_record() | {"footnotes": [*table.footnotes, note]})
