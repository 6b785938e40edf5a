"""How closely the site relates each adverse event to the treatment, in every degree that was recorded."""

from collections.abc import Mapping

import pandas as pd

from esld.report.cells import Cell, Label, number
from esld.report.results import Reported, slug
from esld.report.safety.adverse_events import AdverseEvents, spanners
from esld.report.safety.counted import share_cell
from esld.report.tables import Table
from esld.report.words.catalogue import message

# The codes of SDTM's AEREL that are read, from the closest; UNKNOWN also stands for what is not stated.
DEGREES: Mapping[str, str] = {
    code: slug(code)
    for code in (
        *("DEFINITELY RELATED", "RELATED", "PROBABLY RELATED", "POSSIBLY RELATED", "UNLIKELY RELATED"),
        *("NOT RELATED", "UNKNOWN"),
    )
}
_UNKNOWN = "UNKNOWN"


def _of(events: pd.DataFrame) -> pd.Series:
    return events["AEREL"].fillna(_UNKNOWN)


def degrees(found: AdverseEvents) -> list[str]:
    """The degrees that occur, from the closest; none where the export records no relation at all."""
    if not found.events["AEREL"].notna().any():
        return []
    own = set(_of(found.events))
    return [code for code in DEGREES if code in own]


def degree_rows(found: AdverseEvents) -> pd.DataFrame:
    """Long form: by degree and group, patients with such an event, and the events."""
    parts = [pd.DataFrame(columns=["group", "statistic", "value"])]
    for arm in found.group.arms:
        own = found.of(arm)
        parts += [found.share_of(DEGREES[code], arm, own[_of(own).eq(code)]) for code in degrees(found)]
    return pd.concat(parts[1:] or parts, ignore_index=True)


def degree_table(found: AdverseEvents, reported: Reported) -> Table | None:
    """Patients and events by degree, a pair of columns a group; None where no relation is recorded."""
    lines = []
    for code in degrees(found):
        line: dict[str, Cell] = {"relation": Label(message(f"safety.relation.{DEGREES[code]}"), code)}
        for arm in found.group.arms:
            line[f"{arm}.patients"] = share_cell(reported.row(DEGREES[code], arm))
            line[f"{arm}.events"] = number(reported.row(f"{DEGREES[code]}.events", arm))
        lines.append(line)
    if not lines:
        return None
    notes = (message("safety.relation.note"), found.group.note)
    return Table(
        "adverse_events_by_relation", message("safety.relation.title"), lines,
        spanners(found, "patients", "events"), notes,
    )  # fmt: skip
