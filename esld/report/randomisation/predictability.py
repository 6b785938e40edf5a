"""How well the next assignment could be guessed: of the design beforehand, and of what came about."""

from collections.abc import Mapping
from math import sqrt

import numpy as np
import pandas as pd

from esld.data.study import Study
from esld.randomisation import (
    BiasedCoin,
    CompleteRandomisation,
    Design,
    PermutedBlocks,
    SimpleRandomisation,
    compare_designs,
    correct_guesses,
)
from esld.randomisation.inference import DRAWS
from esld.report import needs, numbers
from esld.report.cells import Label, number
from esld.report.phrases import span
from esld.report.randomised import order_of_entry, planned_design
from esld.report.results import Reported
from esld.report.tables import Table
from esld.report.words.catalogue import message
from esld.report.words.grammar import joined

PLANNED = "This trial"
LISTED = 1_000_000  # allocations; of a larger design some are drawn


def designs_beside(study: Study) -> dict[str, Design]:
    """The protocol's design, where it can be repeated, and the usual ones for as many patients."""
    n = len(study.randomised)
    usual: dict[str, Design] = {
        "Complete": CompleteRandomisation(sizes=(n - n // 2, n // 2)),
        "Simple": SimpleRandomisation(n=n),
        "Blocks of 4": PermutedBlocks(n=n, sizes=(4,)),
        "Efron's biased coin": BiasedCoin(n=n),
    }
    planned = planned_design(study, n)
    return usual if planned is None else {PLANNED: planned} | usual


def design_rows(designs: Mapping[str, Design], *, seed: str) -> pd.DataFrame:
    """Imbalance and predictability of each design, in long form with the design as ``group``."""
    frame = compare_designs(designs, limit=LISTED, seed=seed)
    return frame.assign(group=frame["design"]).drop(columns="design")


def design_table(designs: Mapping[str, Design], properties: Reported) -> Table:
    """A line a design: chance of an imbalance, and how often the next assignment can be guessed."""
    columns = {f"Imbalance {size} or more": f"imbalance_{size}_or_more" for size in _imbalances(properties)}
    columns |= {"Guessed by counting": "predictability", "Guessed knowing the design": "predictability_known"}
    columns |= {"Certain": "certain"}
    lines = [
        {"Design": Label(name)}
        | {head: number(properties.row(what, name), style="percent") for head, what in columns.items()}
        for name in designs
    ]
    notes = [
        "Imbalance: difference between the group sizes at the end. Guessed by counting: share of assignments that somebody "
        "guesses right who always names the group with fewer patients so far, and tosses a coin at ties (Blackwell and "
        "Hodges); 50 % is a coin. Guessed knowing the design: the best that anybody can do who knows the design and all "
        "assignments so far. Certain: assignments that such a person knows.",
    ]
    drawn = [
        r for r in properties.rows if r.statistic == "predictability" and r.method.startswith("Monte Carlo")
    ]
    if drawn:
        notes.append(
            f"{joined(r.arm for r in drawn)}: by {DRAWS:,} draws, with standard errors of 0.2 percentage points or less; not "
            "computed (NE) where every allocation would have to be listed."
        )
    title = "What a design can be expected to do"
    return Table("designs", title, lines, footnotes=tuple(notes))


def _imbalances(properties: Reported) -> list[int]:
    """Three imbalances of the many: near 0.4, 0.9 and 1.3 standard deviations of what tossing a coin for each patient gives."""
    rows = [r for r in properties.rows if r.statistic.endswith("_or_more")]
    found, n = {int(r.statistic.split("_")[1]) for r in rows}, rows[0].n or 0
    return sorted({min(found, key=lambda size: abs(size - share * sqrt(n))) for share in (0.4, 0.9, 1.3)})


def guess_rows(study: Study) -> pd.DataFrame:
    """How many of the assignments that came about counting would have guessed, in long form."""
    second, entered = needs.compared(study)[1], order_of_entry(study)
    codes = entered["ARMCD"].eq(second).to_numpy(dtype=np.int64)
    row = {"statistic": "guessed", "value": correct_guesses(codes), "n": len(codes), "unit": "assignments"}
    return pd.DataFrame([row | {"method": "convergence strategy of Blackwell and Hodges, ties count half"}])


def guess_sentence(guesses: Reported, properties: Reported) -> str:
    """What counting would have guessed of this trial's assignments, beside what its design lets expect."""
    row = guesses.row("guessed")
    said = message(
        "guessed",
        guessed=span(row, f"{row.value or 0:g}"),
        n=span(row, str(row.n)),
        assignments=numbers.noun(row.n or 0, "assignment"),
    )
    try:
        expected = properties.row("predictability", PLANNED)
    except KeyError:
        return said
    return f"{said} {message('guessed.expected', share=span(expected, numbers.percent(expected.value)))}"
