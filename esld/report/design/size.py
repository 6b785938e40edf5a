"""Sample size the other way round: how many patients a power, a width or an assurance takes, and what the planned ones give."""

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from esld.operating import UNIFORM, BetaMixture, SizeCurve, assurance_curve, beta_prior, power_curve
from esld.report import numbers
from esld.report.cells import Cell, Label, number
from esld.report.design.exact import pair_of, width_rows
from esld.report.design.plan import LEVEL, POWER, Plan
from esld.report.drawing.figures import INK, Picture, arm_style, new_figure, settled
from esld.report.results import Reported
from esld.report.tables import Table
from esld.report.words.catalogue import message

TIMES = (1, 2, 3, 4)  # as many patients as planned
MOST = 400  # patients in each group: beyond that no number is looked for
_DRAWN = 60  # patients in each group that the figure at least reaches
_WIDTH = 5.2


def planned_each(plan: Plan) -> int:
    """Patients of each group if the planned ones were split evenly."""
    return round(sum(plan.sizes) / 2)


def sizes(plan: Plan) -> list[int]:
    """Patients of each group that the table shows."""
    own = planned_each(plan)
    return [each * own for each in TIMES if each == 1 or each * own <= MOST]


def priors(plan: Plan, effect: tuple[float, float]) -> tuple[BetaMixture, BetaMixture]:
    """What is believed of both shares: what the protocol file says, else nothing, which is any share as likely as any other."""
    worth = plan.prior_patients
    if worth is None or not plan.scenarios:
        return UNIFORM, UNIFORM
    one, other = (beta_prior(min(max(share, 0.01), 0.99), worth) for share in effect)
    return one, other


def size_rows(plan: Plan) -> pd.DataFrame:
    """Power, width and assurance of some sizes at each pair of true shares, and how many patients each needs."""
    rows: list[dict[str, Any]] = []
    for one, other in plan.effects:
        group, shown = pair_of(one, other), sizes(plan)
        powers = power_curve(shown, p1=one, p2=other)
        for n, power in _each(powers):
            about = {"n": 2 * n, "group": f"{group}, {n}"}
            rows.append(
                about | {"statistic": "fisher", "value": power, "method": "fisher, two-sided-5, exact-power"}
            )
            rows += [row | about for row in width_rows(n, n, one, other, group=group)]
        if needed := patients_needed(one, other):
            about = {"group": group, "unit": "patients", "n": 2 * needed}
            rows.append(
                about | {"statistic": "needed", "value": needed, "method": "fisher, two-sided-5, exact-power"}
            )
        rows += _assurance(plan, (one, other), group)
    return pd.DataFrame(rows)


def _assurance(plan: Plan, effect: tuple[float, float], group: str) -> list[dict[str, Any]]:
    """Of each size, of the planned direction; of nothing believed it is the same for all pairs of shares."""
    if max(sizes(plan)) > MOST // 2:
        return []
    first, second = priors(plan, effect)
    first, second = (first, second) if effect[1] > effect[0] else (second, first)
    found = assurance_curve(sizes(plan), first=first, second=second)
    about = {"statistic": "assurance", "method": "fisher, two-sided-5, exact-binary"}
    return [about | {"group": f"{group}, {n}", "n": 2 * n, "value": value} for n, value in _each(found)]


def patients_needed(one: float, other: float) -> int | None:
    """Patients of each group from which on Fisher's test has the power; None where they would be more than :data:`MOST`.

    Searched around the number of the normal approximation, since exact power is a saw.
    """
    spread, z = one * (1 - one) + other * (1 - other), float(ndtri(1 - LEVEL / 2) + ndtri(POWER))
    about = z**2 * spread / (one - other) ** 2
    if about > MOST:
        return None
    least, most = max(2, int(0.7 * about) - 2), ceil(1.4 * about) + 12
    step = max(1, (most - least) // 12)
    coarse = _curve(range(least, most + step, step), one, other).n
    if coarse is None:
        return None
    return _curve(range(max(2, coarse - step + 1), coarse + 4), one, other).n


def _each(curve: SizeCurve) -> Iterator[tuple[int, float]]:
    """Patients of each group with what they give."""
    frame = curve.to_frame()
    return zip((frame["n"] // 2).tolist(), frame["value"].tolist(), strict=True)


def _curve(looked: Sequence[int], one: float, other: float) -> SizeCurve:
    return power_curve(looked, p1=one, p2=other, target=POWER)


def size_table(plan: Plan, found: Reported) -> Table:
    """A block a pair of true shares, a line a size, the planned one first; then how many a power of 80 % takes."""
    lines: list[dict[str, Cell | str]] = []
    for one, other in plan.effects:
        group = pair_of(one, other)
        block = Label(
            message(
                "could.assumed.block", one=numbers.percent(one), other=numbers.percent(other), free=plan.free
            ),
            group,
        )
        for times, n in zip(TIMES, sizes(plan), strict=False):
            own = f"{group}, {n}"
            each = message("could.size.planned", n=n) if times == 1 else str(n)
            lines.append({
                "effect": block, "size": Label(each, str(n)),
                "fisher": number(found.row("fisher", own), style="percent"),
                "assurance": number(found.find("assurance", own), style="percent"),
                "width": number(found.row("width", own), style="points"),
            })  # fmt: skip
        needed = found.find("needed", group)
        last: Cell = number(needed) if needed else Label(message("could.size.more", most=MOST), f">{MOST}")
        lines.append(
            {
                "effect": block,
                "size": Label(message("could.size.needed"), "needed"),
                "fisher": last,
                "assurance": "",
                "width": "",
            }
        )
    heads = {key: message(f"could.size.{key}") for key in ("size", "assurance")}
    heads |= {"fisher": message("could.size.power"), "width": message("could.head.width")}
    belief = "could.size.prior" if plan.prior_patients and plan.scenarios else "could.size.prior.none"
    notes = [message("could.size.note"), message(belief, worth=f"{plan.prior_patients or 0:g}")]
    title = message("could.size.title")
    if not any(row.statistic == "assurance" for row in found.rows):  # too many patients to compute it of
        title, notes = message("could.size.title.power"), notes[:1]
        lines = [{key: cell for key, cell in line.items() if key != "assurance"} for line in lines]
        heads.pop("assurance")
    return Table("planned_sizes", title, lines, group="effect", heads=heads, footnotes=tuple(notes))


def size_figure(plan: Plan, found: Reported) -> Picture:
    """Power along the number of patients of each group, a line a pair of true shares, with the planned number."""
    own = planned_each(plan)
    needed = [row.value or 0 for row in found.rows if row.statistic == "needed"]
    most = int(min(max([_DRAWN, 2 * own, *(1.1 * n for n in needed)]), MOST))
    looked = sorted({*np.linspace(2, most, min(most - 1, 80)).astype(int).tolist(), own})
    figure = new_figure(3.4, _WIDTH)
    axes = figure.subplots()
    for place, (one, other) in enumerate(plan.effects):
        power = [power for _, power in _each(power_curve(looked, p1=one, p2=other))]
        name = message("could.size.line", one=numbers.percent(one), other=numbers.percent(other))
        axes.plot(looked, 100 * np.array(power), label=name, **arm_style(place))
    axes.axhline(100 * POWER, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
    axes.axvline(own, color=INK, linewidth=1.2)
    axes.annotate(
        message("could.size.here", n=own), (own, 3), xytext=(5, 0), textcoords="offset points", fontsize=9
    )
    axes.set(xlim=(0, most), ylim=(0, 101))
    axes.set_xlabel(message("could.size.x"))
    axes.set_ylabel(message("could.figure.y"))
    axes.legend(loc="lower right")
    return settled(
        "planned_sizes_curves", figure, message("could.size.alt", n=own, most=most, free=plan.free),
        title=message("could.size.figure"), legend=message("could.size.legend", free=plan.free),
    )  # fmt: skip
