"""Adverse events soon after an administration, by patient and by administration."""

import pandas as pd

from esld.report.cells import Cell
from esld.report.results import Reported
from esld.report.safety.adverse_events import AdverseEvents, by_frequency, name_cell, rows_of_kind, spanners
from esld.report.safety.counted import absence_words, share_cell, share_words
from esld.report.tables import Table
from esld.report.words.catalogue import message
from esld.report.words.grammar import as_prose


def reaction_rows(found: AdverseEvents) -> pd.DataFrame:
    """Long form: reactions by term and group: patients, and administrations that it followed; empty if there were none."""
    parts = [pd.DataFrame(columns=["group", "statistic", "value"])]
    for arm in found.group.arms:
        soon = found.reactions[found.reactions["GROUP"].eq(arm)]
        for term in by_frequency(found.reactions, "TERM"):
            own = soon[soon["TERM"].eq(term)]
            parts += [found.share_of(term, arm, own), found.followed(f"{term}.administrations", arm, own)]
    return pd.concat(parts[1:] or parts, ignore_index=True)


def reactions_table(found: AdverseEvents, every: Reported, reported: Reported) -> Table | None:
    """Reactions by term: patients, and administrations that it followed, of those given; None if there were none.

    `every` are the rows of the overview, `reported` those by term.
    """
    if found.reactions.empty:
        return None
    lines = []
    for term in ("", *by_frequency(found.reactions, "TERM")):
        line: dict[str, Cell] = {"reaction": name_cell(term)}
        for arm in found.group.arms:
            one = reported.row(term, arm) if term else every.row("soon", arm)
            other = (
                reported.row(f"{term}.administrations", arm) if term else every.row("administrations", arm)
            )
            line |= {f"{arm}.patients": share_cell(one), f"{arm}.administrations": share_cell(other)}
        lines.append(line)
    notes = (
        message("safety.reactions.any", when=found.soon),
        message("safety.reactions.administrations"),
    )
    title = message("safety.reactions.title", when=found.soon)
    return Table(
        "reactions", title, lines, footnotes=notes, spanners=spanners(found, "patients", "administrations")
    )


def reactions_words(found: AdverseEvents, reported: Reported, *, level: str) -> str:
    """Reactions by administration, and what a zero means; by patient they are in the answer."""
    rows = rows_of_kind(found, reported, "administrations")
    said = [
        message("safety.reactions", when=found.soon, arms=share_words(rows, level=level)),
        absence_words(rows),
    ]
    return as_prose([*filter(None, said), message("safety.reactions.dependent")])
