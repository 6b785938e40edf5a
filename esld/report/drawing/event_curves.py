"""Figures of events over time: small panels, one a condition, one step a group, numbers at risk below."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from esld.report import numbers
from esld.report.drawing.axes import TimeAxis
from esld.report.drawing.figures import INK, Picture, arm_style, new_figure, settled
from esld.report.phrases import Sentence, method_words
from esld.report.rates import FEWEST
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import as_prose
from esld.survival import MeanCumulativeFunction

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

_COLUMNS = 3  # panels side by side


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


def mean_curves(
    means: Mapping[str, Mapping[str, MeanCumulativeFunction]],
    *,
    axis: TimeAxis,
    **about: Any,
) -> Picture | Sentence:
    """Mean numbers of events by panel and arm, each to the last day on which enough patients are observed to make a mean of.

    `about` is handed to :func:`event_curves`; a sentence where no group ever has so many.
    """
    panels, ends = {}, False
    for name, own in means.items():
        steps = {arm: mean.step(n_risk=FEWEST).rename(columns={"mean": "value"}) for arm, mean in own.items()}
        ends |= any(step["time"].max() < own[arm].max_time for arm, step in steps.items())
        panels[name] = {
            arm: EventCurve(step, [int(n) for n in own[arm].at(axis.ticks)["n_risk"]])
            for arm, step in steps.items()
        }
    if all(curve.step.empty for own in panels.values() for curve in own.values()):
        return Sentence(message("means.none"))
    one = next(mean for own in means.values() for mean in own.values())
    legend = message("legend.means", level=numbers.level(one.conf_level), method=method_words(one.method))
    said = as_prose([legend, message("legend.means.ends")]) if ends else legend
    return event_curves(panels, axis=axis, at_risk=message("events.observed"), legend=said, **about)


def event_curves(
    panels: Mapping[str, Mapping[str, EventCurve]],
    *,
    arms: Sequence[str],
    id: str,
    title: str,
    alt: str,
    legend: str = "",
    label: str,
    axis: TimeAxis,
    at_risk: str,
    time: str = "",
    percent: bool = False,
) -> Picture:
    """Step curves that rise with events, with their intervals and the numbers at risk under the axis.

    Parameters
    ----------
    panels : dict of str to dict of str to EventCurve
        One panel a condition; in it one curve an arm, left out where nobody is at risk.
    arms : sequence of str
        Codes in the protocol's order: the order decides colour and dash.
    id, title, alt, legend : str
        Id of the figure, the finding, and the words for those who do not see it.
    label : str
        What the vertical axis shows.
    axis : TimeAxis
        Of time, with the ticks at which numbers at risk are given.
    at_risk : str
        What heads the rows of those numbers.
    time : str, optional
        What the axis of time is called, where that is not since randomisation.
    percent : bool, default False
        Whether values are proportions, shown from 0 to 100 per cent.

    Returns
    -------
    Picture
    """
    columns = min(_COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    figure = new_figure(0.1 + rows * (2.6 + 0.24 * len(arms)))
    figure.set_layout_engine(
        "constrained", w_pad=0.16
    )  # inches: the last count of a panel and the first of the next stay apart
    heights = [3.0, 0.3 * len(arms)] * rows
    grid = figure.subplots(2 * rows, columns, squeeze=False, height_ratios=heights, sharex=True)
    for axes in grid.ravel():
        axes.set_visible(False)
    top = max((_highest(curve.step) for own in panels.values() for curve in own.values()), default=0.0)
    for place, (name, curves) in enumerate(panels.items()):
        row, column = divmod(place, columns)
        axes, below = grid[2 * row, column], grid[2 * row + 1, column]
        _curves(axes, curves, arms)
        axes.set_title(name, fontsize=9.5)
        axes.set(xlim=(0, axis.ticks[-1] * 1.04), ylim=(0, 1.02) if percent else (0, max(1.0, 1.05 * top)))
        if percent:
            axes.yaxis.set_major_formatter(lambda value, _: numbers.percent(value))
        axes.tick_params(labelbottom=True, labelleft=column == 0)
        axes.set_xticks(axis.ticks, axis.labels)
        if column == 0:
            axes.set_ylabel(label)
        if place == min(columns // 2, len(panels) - 1) or (row == rows - 1 and row and column == 0):
            axes.set_xlabel(time or axis.title)
        _numbers_at_risk(below, curves, arms, axis, at_risk)
    drawn: dict[str, Artist] = {}
    for axes in grid.ravel():
        drawn |= {label: line for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    ordered = [arm_label(arm) for arm in arms if arm_label(arm) in drawn]
    handles = [drawn[label] for label in ordered]
    figure.legend(handles, ordered, loc="outside lower center", ncols=min(3, len(arms)), labelcolor=INK)
    return settled(id, figure, alt, title=title, legend=legend)


def _highest(step: pd.DataFrame) -> float:
    """How far a curve and its interval reach: neither is cut."""
    drawn = step[["value", "upper"]].to_numpy(dtype=float)
    return float(np.max(drawn[np.isfinite(drawn)], initial=0.0))


def _curves(axes: "Axes", curves: Mapping[str, EventCurve], arms: Sequence[str]) -> None:
    """A step an arm, with its interval; none where nobody is at risk."""
    axes.set_visible(True)
    for position, arm in enumerate(arms):
        if arm not in curves:
            continue
        style, step = arm_style(position), curves[arm].step
        axes.plot(step["time"], step["value"], label=arm_label(arm), **style)
        axes.fill_between(step["time"], step["lower"], step["upper"], color=style["color"], alpha=0.09, lw=0)
        for limit in ("lower", "upper"):  # two shades alone are one where they lie over each other
            axes.plot(step["time"], step[limit], linewidth=0.7, alpha=0.7, **style)


def _numbers_at_risk(
    axes: "Axes", curves: Mapping[str, EventCurve], arms: Sequence[str], axis: TimeAxis, head: str
) -> None:
    """How many of each arm are at risk just before each tick."""
    axes.set_visible(True)
    axes.set(ylim=(-0.6, len(arms) - 0.4), yticks=[])
    axes.grid(False)
    axes.tick_params(bottom=False, labelbottom=False)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_title(head, fontsize=8, fontweight="normal", pad=1)
    for position, arm in enumerate(arms):
        colour, row = arm_style(position)["color"], len(arms) - 1 - position
        at_risk = curves[arm].at_risk if arm in curves else [0] * len(axis.ticks)
        for tick, number in zip(axis.ticks, at_risk, strict=True):
            axes.text(tick, row, str(number), ha="center", va="center", fontsize=8, color=colour)
