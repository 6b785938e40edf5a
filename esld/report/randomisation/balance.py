"""Balance before treatment: standardised differences of every baseline variable, and who came when."""

from math import sqrt
from typing import Any

import numpy as np
import pandas as pd

from esld.data.study import Study
from esld.randomisation import (
    mean_place,
)
from esld.report import needs, numbers
from esld.report.baseline_variables import baseline_variables, difference_cell
from esld.report.cells import Empty, Label, Number
from esld.report.drawing import figures
from esld.report.phrases import notes_of, span
from esld.report.randomised import order_of_entry
from esld.report.results import Reported
from esld.report.tables import Table
from esld.report.words.catalogue import message
from esld.report.words.grammar import arm_in_prose, of_group


def by_chance(study: Study) -> float:
    """Standard deviation that chance alone gives a standardised difference: the root of 1 / n1 + 1 / n2; NaN without an arm."""
    sizes = [int(study.randomised["ARMCD"].eq(arm).sum()) for arm in study.arms[:2]]
    return sqrt(sum(1 / size for size in sizes)) if all(sizes) else float("nan")


def balance_figure(study: Study, balance: Reported) -> figures.Picture:
    """A dot a variable on one axis of standard deviations, with the band in which chance leaves two of three."""
    variables = baseline_variables(study)
    rows = [balance.row(f"{v.name} standardised difference") for v in variables]
    known = [(v, r) for v, r in zip(variables, rows, strict=True) if r.value is not None]
    chance = by_chance(study)
    figure = figures.new_figure(0.9 + 0.21 * len(known))
    axes = figure.subplots()
    places = np.arange(len(known))[::-1]
    axes.axvspan(-chance, chance, color="#EEEEEE", lw=0)
    axes.axvline(0, color="#888888", linewidth=0.7)
    for filled in (True, False):
        own = [(p, r) for p, (v, r) in zip(places, known, strict=True) if v.categorical != filled]
        look: dict[str, Any] = {"marker": "o", "linestyle": "none", "color": "#444444"}
        look["markerfacecolor"] = "#444444" if filled else "white"
        axes.plot([float(r.value or 0) for _, r in own], [p for p, _ in own], **look)
    axes.set_yticks(places, [v.label for v, _ in known], fontsize=8)
    reach = max([chance * 2, *(abs(r.value) for _, r in known if r.value is not None)]) * 1.08
    label = message("balance.axis", arm=arm_in_prose(study.arms[1]))
    axes.set(xlim=(-reach, reach), xlabel=label)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False)
    outside = [v.label for v, r in known if r.value is not None and abs(r.value) > 2 * chance]
    figures.entitle(figure, message("balance.finding", outside=len(outside), n=len(known)))
    beyond = message("list.comma").join(outside) or message("balance.none")
    alt = message("balance.alt", n=len(known), beyond=beyond)
    return figures.settled("balance", figure, alt)


def balance_table(study: Study, balance: Reported) -> Table:
    """The numbers behind :func:`balance_figure`."""
    lines, shown = [], []
    for variable in baseline_variables(study):
        row = balance.row(f"{variable.name} standardised difference")
        lines.append(
            {
                "variable": Label(variable.label, variable.name),
                "n": Empty() if row.n is None else Number(row.n),
                "standardised_difference": difference_cell(balance, variable),
            }
        )
        shown.append(row)
    first, second = (arm_in_prose(arm) for arm in study.arms[:2])
    chance = numbers.fixed(by_chance(study), 2)
    notes = [message("balance.note", first=first, second=second, chance=chance), message("balance.no_p")]
    return Table("balance", message("balance.title"), lines, footnotes=(*notes, *notes_of(shown)))


def place_rows(study: Study) -> pd.DataFrame:
    """Mean place of each of the compared arms in the order of entry, in long form."""
    compared, arms = needs.compared(study)[:2], order_of_entry(study)["ARMCD"]
    places = mean_place(arms.eq(compared[1]).to_numpy(dtype=np.int64))
    rows = [
        {
            "group": arm,
            "statistic": "mean_place",
            "value": place,
            "n": int(arms.eq(arm).sum()),
            "method": "mean",
        }
        for arm, place in zip(compared, places, strict=True)
    ]
    return pd.DataFrame(rows)


def place_sentence(study: Study, places: Reported) -> str:
    """Whether one group entered earlier than the other."""
    rows = {arm: places.row("mean_place", arm) for arm in study.arms[:2]}
    (first, one), (second, two) = ((arm, span(row, numbers.fixed(row.value, 1))) for arm, row in rows.items())
    return message("entry.places", one=one, two=two, first=of_group(first), second=of_group(second))
