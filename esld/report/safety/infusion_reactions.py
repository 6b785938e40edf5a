"""Reactions soon after an infusion, by patient and by infusion."""

import pandas as pd

from esld.report.cells import Cell
from esld.report.results import Reported
from esld.report.safety.adverse_events import AdverseEvents, by_frequency, name_cell, rows_of_kind, spanners
from esld.report.safety.counted import absence_words, share, share_cell, share_words
from esld.report.tables import Table
from esld.report.words.catalogue import message


def reaction_rows(found: AdverseEvents) -> pd.DataFrame:
    """Long form: reactions by term and group: patients, and infusions that were followed by it; empty if there were none."""
    parts = [pd.DataFrame(columns=["group", "statistic", "value"])]
    for arm in found.group.arms:
        soon = found.reactions[found.reactions["GROUP"].eq(arm)]
        given = int(found.infusions["GROUP"].eq(arm).sum())
        for term in by_frequency(found.reactions, "TERM"):
            own = soon[soon["TERM"].eq(term)]
            x = len(own.drop_duplicates(["USUBJID", "LDOSENUM"]))
            name = f"{term}.infusions"
            parts.append(found.share_of(term, arm, own))
            parts.append(share(name, arm, x, given, conf_level=found.conf_level, unit="infusions"))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def reactions_table(found: AdverseEvents, every: Reported, reported: Reported) -> Table | None:
    """Reactions by term: patients, and infusions followed by it, of those given; None if there were none.

    `every` are the rows of the overview, `reported` those by term.
    """
    if found.reactions.empty:
        return None
    lines = []
    for term in ("", *by_frequency(found.reactions, "TERM")):
        line: dict[str, Cell] = {"reaction": name_cell(term)}
        for arm in found.group.arms:
            one = reported.row(term, arm) if term else every.row("soon", arm)
            other = reported.row(f"{term}.infusions", arm) if term else every.row("infusions", arm)
            line |= {f"{arm}.patients": share_cell(one), f"{arm}.infusions": share_cell(other)}
        lines.append(line)
    notes = (
        message("safety.reactions.any", when=found.soon),
        message("safety.reactions.infusions"),
    )
    title = message("safety.reactions.title", when=found.soon)
    return Table(
        "infusion_reactions", title, lines, footnotes=notes, spanners=spanners(found, "patients", "infusions"),
    )  # fmt: skip


def reactions_words(found: AdverseEvents, reported: Reported, *, level: str) -> str:
    """Reactions by infusion, and what a zero means; by patient they are in the answer."""
    rows = rows_of_kind(found, reported, "infusions")
    said = [
        message("safety.reactions", when=found.soon, arms=share_words(rows, level=level)),
        absence_words(rows),
    ]
    return " ".join([*(s for s in said if s), message("safety.reactions.dependent")])
