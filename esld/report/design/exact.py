"""What so many patients could show of two true shares, exactly: every conclusion's chance, and how wide the interval is."""

from collections.abc import Sequence
from functools import cache
from itertools import combinations_with_replacement, groupby
from math import nan, sqrt
from typing import Any

import numpy as np
import pandas as pd

from esld.operating import expected_width
from esld.randomisation.designs import Floats
from esld.randomisation.inference import generator
from esld.report import numbers
from esld.report.cells import Cell, Label, number
from esld.report.design.plan import TRIED, Plan
from esld.report.drawing.figures import INK, Picture, arm_style, new_figure, settled
from esld.report.results import Reported
from esld.report.tables import Table
from esld.report.words.catalogue import message
from esld.survival import fisher_power, risk_difference
from esld.survival.power import EXACT_TESTS, ExactTest, binomial_probabilities, rejected

GRID = (0.1, 0.3, 0.5, 0.7, 0.9)
TABLES = 1000  # of whose intervals the widths are all computed; of more, those of some that are drawn
DRAWS = 100
_WIDTH = 5.2  # inches: on the 360 pixels of a phone 9 points are still 9 pixels high
_CURVES = (0.3, 0.5, 0.7)  # shares in one group
_NUISANCE = np.linspace(0, 1, 101)


def pair_of(one: float, other: float) -> str:
    """Two true shares as the name of a group of results: ``50 v 90``."""
    return f"{100 * one:.3g} v {100 * other:.3g}"


def conclusions(
    n1: int, n2: int, one: float, other: float, *, group: str, tests: Sequence[ExactTest] = EXACT_TESTS
) -> list[dict[str, Any]]:
    """Chance of each conclusion of Fisher's test, and the power of another one, in long form: sums over all tables."""
    chances = np.outer(binomial_probabilities(n1, one), binomial_probabilities(n2, other))
    ahead = n1 * np.arange(n2 + 1)[np.newaxis] - n2 * np.arange(n1 + 1)[:, np.newaxis]
    found = np.where(rejected(n1, n2), chances, 0.0)
    higher, lower = float(found[ahead > 0].sum()), float(found[ahead < 0].sum())
    values = {"fisher": higher + lower, "higher": higher, "lower": lower, "neither": 1 - higher - lower}
    about = {"group": group, "n": n1 + n2, "method": "fisher, two-sided-5, exact-power"}
    rows = [{"statistic": name, "value": min(max(value, 0.0), 1.0)} | about for name, value in values.items()]
    if "boschloo" not in tests:
        return rows
    second = min(float(chances[rejected(n1, n2, test="boschloo")].sum()), 1.0)
    own = {"statistic": "boschloo", "value": second, "method": "boschloo, two-sided-5, exact-power"}
    return [*rows, about | own]


def width_rows(n1: int, n2: int, one: float, other: float, *, group: str) -> list[dict[str, Any]]:
    """Expected width of the interval of the difference: over all tables, or over some that are drawn where there are many."""
    value, error = _width(n1, n2, one, other)
    how = "exact-binary" if error != error else f"monte-carlo, draws:{DRAWS}"
    about = {"group": group, "n": n1 + n2, "method": f"miettinen-nurminen, {how}"}
    rows = [about | {"statistic": "width", "value": value}]
    return rows if error != error else [*rows, about | {"statistic": "width_std_err", "value": error}]


@cache
def _width(n1: int, n2: int, one: float, other: float) -> tuple[float, float]:
    """The mean, and its Monte Carlo error where it has one."""
    if (n1 + 1) * (n2 + 1) <= TABLES:
        return expected_width(n1, n2, p1=one, p2=other), nan
    rng = generator(f"esld widths {n1} {n2} {one} {other}")
    pairs = zip(rng.binomial(n1, one, DRAWS).tolist(), rng.binomial(n2, other, DRAWS).tolist(), strict=True)
    found = [risk_difference(x1, n1, x2, n2) for x1, x2 in pairs]
    widths = np.array([own.upper - own.lower for own in found])
    return float(widths.mean()), float(widths.std(ddof=1) / sqrt(DRAWS))


def sizes_along(n1: int, n2: int, test: ExactTest) -> Floats:
    """Chance of a rejection at each of 101 shares that both groups may have, from 0 to 1."""
    tables = rejected(n1, n2, test=test)
    one, two = (np.stack([binomial_probabilities(n, p) for p in _NUISANCE]) for n in (n1, n2))
    return np.asarray(np.einsum("ki,ki->k", one @ tables, two))


def grid_rows(plan: Plan) -> pd.DataFrame:
    """The planned sizes at each pair of true shares of a grid, and the largest type I error of both tests."""
    n1, n2 = plan.sizes
    rows: list[dict[str, Any]] = [
        {"statistic": "patients", "group": name, "value": n, "n": n1 + n2, "unit": "patients", "method": "count"}
        for name, n in (("one_group", n1), ("other_group", n2))
    ]  # fmt: skip
    for one, other in combinations_with_replacement(GRID, 2):
        group = pair_of(one, other)
        rows += conclusions(n1, n2, one, other, group=group) + width_rows(n1, n2, one, other, group=group)
    for test in EXACT_TESTS:
        method = f"{test}, two-sided-5, exact-power"
        rows.append(
            {
                "statistic": f"{test}_size",
                "value": float(sizes_along(n1, n2, test).max()),
                "n": n1 + n2,
                "method": method,
            }
        )
    return pd.DataFrame(rows)


def grid_table(plan: Plan, found: Reported) -> Table:
    """A block a share in one group, a line a share in the other."""
    lines: list[dict[str, Cell | str]] = []
    for one, pairs in groupby(combinations_with_replacement(GRID, 2), key=lambda pair: pair[0]):
        for _, other in pairs:
            group, share = pair_of(one, other), numbers.percent(other)
            block: Cell = Label(
                message("could.grid.block", share=numbers.percent(one), free=plan.free), f"{one:g}"
            )
            lines.append({"one": block, "other": Label(share, f"{other:g}"), **cells_of(found, group)})
    heads = {"other": message("could.grid.other", free=plan.free)} | heads_of()
    title = message("could.grid.title", n1=plan.sizes[0], n2=plan.sizes[1], free=plan.free)
    notes = (message("could.grid.note"), *notes_of(found))
    return Table("planned_grid", title, lines, group="one", heads=heads, footnotes=notes)


def cells_of(found: Reported, group: str) -> dict[str, Cell]:
    """The chances and the width of one pair of true shares."""
    names = ("fisher", "boschloo", "higher", "lower", "neither")
    chances: dict[str, Cell] = {name: number(found.row(name, group), style="percent") for name in names}
    return chances | {"width": number(found.row("width", group), style="points")}


def heads_of() -> dict[str, str]:
    """Headings of :func:`cells_of`."""
    return {
        key: message(f"could.head.{key}")
        for key in ("fisher", "boschloo", "higher", "lower", "neither", "width")
    }


def notes_of(found: Reported) -> list[str]:
    """That widths are of some tables that were drawn, with the largest error; nothing where they are of all."""
    errors = [row.value or 0.0 for row in found.rows if row.statistic == "width_std_err"]
    return [message("could.drawn", draws=DRAWS, error=numbers.fixed(100 * max(errors), 1))] if errors else []


def power_figure(plan: Plan) -> Picture:
    """Power of the planned sizes along the true share in the other group, a line a share in one group."""
    n1, n2 = plan.sizes
    figure = new_figure(3.4, _WIDTH)
    axes, shares = figure.subplots(), np.linspace(0, 1, 41)
    for place, one in enumerate(_CURVES):
        power = [fisher_power(one, float(other), n1=n1, n2=n2) for other in shares]
        name = message("could.figure.line", share=numbers.percent(one))
        axes.plot(100 * shares, 100 * np.array(power), label=name, **arm_style(place))
    for level in (5, 80):
        axes.axhline(level, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
    axes.set(xlim=(0, 100), ylim=(0, 101), yticks=[5, 20, 40, 60, 80, 100])
    axes.set_xlabel(message("could.figure.x", free=plan.free))
    axes.set_ylabel(message("could.figure.y"))
    axes.legend(
        loc="lower center", ncols=3, bbox_to_anchor=(0.5, 1), columnspacing=1.2, handlelength=2.2,
        title=message("could.figure.key", free=plan.free),
    )  # fmt: skip
    (one, other), _ = TRIED
    told = numbers.percent(fisher_power(one, other, n1=n1, n2=n2))
    return settled(
        "planned_curves",
        figure,
        message("could.figure.alt", n1=n1, n2=n2, free=plan.free, power=told),
        title=message("could.figure.title", n1=n1, n2=n2, free=plan.free),
        legend=message("could.figure.legend", free=plan.free),
    )
