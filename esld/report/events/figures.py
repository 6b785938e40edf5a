"""Figures of events over time: small panels, one a condition, one step a group, numbers at risk below."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from esld.report import numbers
from esld.report.drawing.figures import INK, Picture, arm_style, entitle, new_figure, settled
from esld.report.words.catalogue import arm_label, message


@dataclass(frozen=True, eq=False)
class EventCurve:
    """One group of a panel.

    Attributes
    ----------
    step : DataFrame
        Vertices of the drawn curve: ``time``, ``value``, ``lower``, ``upper``; joined by straight lines.
    at_risk : sequence of int
        Patients at risk just before each tick.
    """

    step: pd.DataFrame
    at_risk: Sequence[int]


def event_curves(
    panels: Mapping[str, Mapping[str, EventCurve]],
    *,
    arms: Sequence[str],
    id: str,
    title: str,
    alt: str,
    label: str,
    ticks: Sequence[float],
    percent: bool = False,
) -> Picture:
    """Step curves that rise with events, with their intervals and the numbers at risk under the axis.

    Parameters
    ----------
    panels : dict of str to dict of str to EventCurve
        One panel a condition; in it one curve an arm, left out where nobody is at risk.
    arms : sequence of str
        Codes in the protocol's order: the order decides colour and dash.
    id, title, alt : str
        Id of the figure, the finding, and the words for those who do not see it.
    label : str
        What the vertical axis shows.
    ticks : sequence of float
        Days on the axis and in the rows of numbers at risk.
    percent : bool, default False
        Whether values are proportions, shown from 0 to 100 per cent.

    Returns
    -------
    Picture
    """
    columns = len(panels)
    figure = new_figure(3.0 + 0.24 * len(arms))
    grid = figure.subplots(2, columns, squeeze=False, height_ratios=[3.0, 0.3 * len(arms)], sharex=True)
    top = max(
        (float(np.nanmax(c.step["value"])) for own in panels.values() for c in own.values()), default=0.0
    )
    for place, (name, curves) in enumerate(panels.items()):
        axes, below = grid[0, place], grid[1, place]
        for position, arm in enumerate(arms):
            if arm not in curves:
                continue
            style, step = arm_style(position), curves[arm].step
            axes.plot(step["time"], step["value"], label=arm_label(arm), **style)
            axes.fill_between(
                step["time"], step["lower"], step["upper"], color=style["color"], alpha=0.11, lw=0
            )
        axes.set_title(name, fontsize=9.5)
        axes.set(xlim=(0, ticks[-1] * 1.04), ylim=(0, 1.02) if percent else (0, max(1.0, 1.6 * top)))
        if percent:
            axes.yaxis.set_major_formatter(lambda value, _: numbers.percent(value))
        axes.tick_params(labelbottom=True, labelleft=place == 0)
        axes.set_xticks(list(ticks), [f"{tick:g}" for tick in ticks])
        if place == 0:
            axes.set_ylabel(label)
        below.set(ylim=(-0.6, len(arms) - 0.4), yticks=[])
        below.grid(False)
        below.tick_params(bottom=False, labelbottom=False)
        for side in below.spines.values():
            side.set_visible(False)
        below.set_title(message("decompensation.at_risk"), fontsize=8, fontweight="normal", pad=1)
        for position, arm in enumerate(arms):
            colour, row = arm_style(position)["color"], len(arms) - 1 - position
            at_risk = curves[arm].at_risk if arm in curves else [0] * len(ticks)
            for tick, number in zip(ticks, at_risk, strict=True):
                below.text(tick, row, str(number), ha="center", va="center", fontsize=8, color=colour)
    grid[0, columns // 2].set_xlabel(message("decompensation.figure.days"))
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(arms), labelcolor=INK)
    entitle(figure, title)
    return settled(id, figure, alt)
