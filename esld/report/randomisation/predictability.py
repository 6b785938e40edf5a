"""How well the next assignment could be guessed: of the design beforehand, and of what came about."""

from collections.abc import Mapping
from math import sqrt

import numpy as np
import pandas as pd

from esld.data.study import Study
from esld.randomisation import Design, compare_designs, correct_guesses
from esld.randomisation.inference import DRAWS
from esld.report import needs, numbers
from esld.report.cells import Label, number
from esld.report.phrases import span
from esld.report.randomised import PLANNED, order_of_entry
from esld.report.results import Reported
from esld.report.tables import Table
from esld.report.words.catalogue import message
from esld.report.words.grammar import as_prose, joined, noun

LISTED = 1_000_000  # allocations; of a larger design some are drawn


def design_rows(designs: Mapping[str, Design], *, seed: str) -> pd.DataFrame:
    """Imbalance and predictability of each design, in long form with the design as ``group``."""
    frame = compare_designs(designs, limit=LISTED, seed=seed)
    return frame.assign(group=frame["design"]).drop(columns="design")


def design_table(designs: Mapping[str, Design], properties: Reported) -> Table:
    """A line a design: chance of an imbalance, and how often the next assignment can be guessed."""
    sizes = _imbalances(properties)
    columns = [f"imbalance_{size}_or_more" for size in sizes]
    heads = {key: message("designs.imbalance", size=size) for key, size in zip(columns, sizes, strict=True)}
    columns += ["predictability", "predictability_known", "certain"]
    lines = [
        {"design": Label(message(f"designs.{name}"), name)}
        | {what: number(properties.row(what, name), style="percent") for what in columns}
        for name in designs
    ]
    notes = [message("designs.note")]
    drawn = [name for name in designs if properties.row("predictability_known", name).value is None]
    if drawn:  # what a list of all allocations alone can tell is then missing
        names = joined(message(f"designs.{name}") for name in drawn)
        notes.append(message("designs.drawn", designs=names, draws=f"{DRAWS:,}"))
    return Table("designs", message("designs.title"), lines, footnotes=tuple(notes), heads=heads)


def _imbalances(properties: Reported) -> list[int]:
    """Three imbalances of the many: near 0.4, 0.9 and 1.3 standard deviations of what tossing a coin for each patient gives."""
    rows = [r for r in properties.rows if r.statistic.endswith("_or_more")]
    found, n = {int(r.statistic.split("_")[1]) for r in rows}, rows[0].n or 0
    return sorted({min(found, key=lambda size: abs(size - share * sqrt(n))) for share in (0.4, 0.9, 1.3)})


def guess_rows(study: Study) -> pd.DataFrame:
    """How many of the assignments that came about counting would have guessed, in long form."""
    needs.require(study, "two_alike")
    ((_, second),), entered = needs.pairs(study), order_of_entry(study)
    codes = entered["ARMCD"].eq(second).to_numpy(dtype=np.int64)
    row = {"statistic": "guessed", "value": correct_guesses(codes), "n": len(codes), "unit": "assignments"}
    return pd.DataFrame([row | {"method": "convergence-strategy"}])


def guess_sentence(guesses: Reported, properties: Reported) -> str:
    """What counting would have guessed of this trial's assignments, beside what its design lets expect."""
    row = guesses.row("guessed")
    said = message(
        "guessed",
        guessed=span(row, f"{row.value or 0:g}"),
        n=span(row, str(row.n)),
        assignments=noun("assignment", row.n or 0),
    )
    try:
        expected = properties.row("predictability", PLANNED)
    except KeyError:
        return said
    return as_prose(
        [said, message("guessed.expected", share=span(expected, numbers.percent(expected.value)))]
    )
