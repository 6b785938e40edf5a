"""Courses of a parameter: every patient's, and mean changes from baseline by visit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from esld.report.drawing.axes import TimeAxis
from esld.report.drawing.figures import ENDS, Picture, arm_style, new_figure, settled
from esld.report.lines import in_lines
from esld.report.words.catalogue import arm_label, message

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D


class Stop(NamedTuple):
    """A visit on the axis: its number, its day from the first, and what the axis says there."""

    number: float
    day: float
    label: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Course:
    """One parameter of every patient.

    Attributes
    ----------
    rows : DataFrame
        Analysed rows of the parameter: ``USUBJID ARMCD ADY AVAL``. Days before day 1 are drawn at day 1.
    name, label : str
        The parameter, and what its vertical axis says: the unit.
    ends : DataFrame
        ``USUBJID`` and ``kind`` (``death``, ``transplant`` or ``lost``) of what ended a patient's course; drawn at the
        last value.
    normal, normal_label : sequence of float, str
        Limits of normal, drawn as thin lines, and what they are called in the key.
    log : bool
        Logarithmic axis, for values that span more than a factor of 30.
    """

    rows: pd.DataFrame
    name: str = ""
    label: str = ""
    ends: pd.DataFrame
    normal: Sequence[float] = ()
    normal_label: str = ""
    log: bool = False


_ACROSS = 4  # panels side by side, as far as the arms of a parameter stay together


def trajectories(
    courses: Sequence[Course],
    *,
    arms: Sequence[str],
    id: str,
    title: str,
    alt: str,
    legend: str = "",
    time: TimeAxis,
    since: str,
) -> Picture:
    """Every patient's values over time: small multiples, a panel a parameter and arm; the arms of a parameter share their axes.

    Parameters
    ----------
    courses : sequence of Course
        At least one.
    arms : sequence of str
        In the protocol's order.
    time : TimeAxis
        Unit and ticks, in days from the first.
    since : str
        What the first day is: ``randomisation`` or ``treatment``.
    """
    beside = max(1, _ACROSS // len(arms)) if len(courses) > 1 else 1
    rows = -(-len(courses) // beside)
    figure = new_figure(2.85 if len(courses) == 1 else 0.85 + 1.3 * rows)
    grid = figure.subplots(rows, beside * len(arms), squeeze=False)
    key: dict[str, Line2D] = {}
    small = len(courses) > 1
    for place, course in enumerate(courses):
        row, column = divmod(place, beside)
        panels = grid[row, column * len(arms) : (column + 1) * len(arms)]
        for axes in panels[1:]:
            axes.sharex(panels[0])
            axes.sharey(panels[0])
            axes.tick_params(labelleft=False)
        for position, (arm, axes) in enumerate(zip(arms, panels, strict=True)):
            _panel(axes, course, arm, position, key, small=small)
            axes.set_xticks(time.ticks, time.labels)
            axes.yaxis.label.set_visible(position == 0)
            if small:
                axes.tick_params(labelsize=8)
        if small:
            panels[0].set_title(course.name, fontsize=8, pad=13)
    for axes in grid.ravel()[len(courses) * len(arms) :]:
        axes.set_visible(False)
    said = message(f"course.axis.{since}", unit=time.head)
    for axes in grid[-1, : len(arms)] if len(courses) == 1 else grid[-1, :1]:
        axes.set_xlabel(said, **({"fontsize": 8, "loc": "left"} if small else {}))
    if key:
        handles = [key[kind] for kind in (*ENDS, "normal") if kind in key]
        figure.legend(handles=handles, loc="outside lower left", ncols=len(key), fontsize=8)
    return settled(id, figure, alt, title=title, legend=legend)


def _panel(
    axes: "Axes", course: Course, arm: str, position: int, key: dict[str, "Line2D"], *, small: bool
) -> None:
    """The patients of one arm: a line each, what ended it, and the limits of normal."""
    import seaborn as sns

    own = course.rows[course.rows["ARMCD"].eq(arm)]
    own = own.assign(day=own["ADY"].clip(lower=1) - 1).sort_values("day", kind="stable")
    style, many = arm_style(position), own["USUBJID"].nunique()
    width = 0.7 if small else 0.9
    if len(own):  # seaborn fails on nobody
        sns.lineplot(
            data=own, x="day", y="AVAL", units="USUBJID", estimator=None, sort=True, ax=axes, legend=False,
            color=style["color"], linewidth=width, alpha=0.55 if many < 40 else 0.16,
        )  # fmt: skip
        axes.set(xlabel="", ylabel="")
    last = own.groupby("USUBJID").tail(1).merge(course.ends, on="USUBJID")
    for kind, (marker, colour, filled) in ENDS.items():
        at = last[last["kind"].eq(kind)]
        if len(at):
            look: dict[str, Any] = {
                "marker": marker,
                "color": colour,
                "linestyle": "none",
                "markersize": 4 if small else 5,
            }
            look["markerfacecolor"] = colour if filled else "white"
            key[kind] = axes.plot(at["day"], at["AVAL"], zorder=4, label=message(f"end.{kind}"), **look)[0]
    for limit in course.normal:
        dashes: dict[str, Any] = {"color": "#888888", "linewidth": 0.7, "linestyle": (0, (2, 2))}
        key.setdefault("normal", axes.axhline(limit, label=course.normal_label, **dashes))
    if course.log:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, position: f"{value:g}")
        axes.yaxis.set_minor_formatter(lambda value, position: "")
    axes.set_ylabel(course.label if small else course.label or course.name, fontsize=8 if small else 9.5)
    axes.margins(y=0.1)
    if small:
        axes.text(0, 1.04, arm_label(arm), transform=axes.transAxes, fontsize=8, color=style["color"])
    else:
        said = message("course.panel", arm=arm_label(arm), n=many)
        axes.set_title(said, fontsize=9.5, color=style["color"])


def mean_changes(
    summaries: Mapping[str, pd.DataFrame],
    *,
    arms: Sequence[str],
    visits: Sequence[Stop],
    id: str,
    title: str,
    alt: str,
    legend: str = "",
    axis: str,
    names: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
) -> Picture:
    """Mean change from baseline with its interval by visit: a small panel a parameter.

    Parameters
    ----------
    summaries : dict of str to DataFrame
        Parameter to rows ``group time value lower upper n``: arm, visit number, mean change with its limits, patients.
    arms : sequence of str
        In the protocol's order.
    visits : sequence of Stop
        In order; where each stands on the axis is its day.
    axis : str
        What the axis of time is of; under it stands the number of patients of each arm, at each visit that has room.
    names, units : dict of str to str, optional
        Parameter to the title of its panel, else the parameter itself, and to the label of its vertical axis.
    """
    columns = min(3, len(summaries))
    rows = -(-len(summaries) // columns)
    figure = new_figure(0.35 + (2.0 + 0.16 * len(arms)) * rows)
    panels = np.atleast_1d(figure.subplots(rows, columns, sharex=True)).ravel()
    days = {stop.number: stop.day for stop in visits}
    reach = max(days.values())
    ticks = _apart([stop.day for stop in visits], least=reach / 9)
    for axes, (code, summary) in zip(panels, summaries.items(), strict=False):
        for position, arm in enumerate(arms):
            own = summary[summary["group"].eq(arm)].sort_values("time")
            x = own["time"].map(days).to_numpy(dtype=float) + (position - (len(arms) - 1) / 2) * reach / 60
            style = arm_style(position)
            axes.plot(
                x, own["value"], marker="o", markersize=2.8, label=arm_label(arm), linewidth=1.2, **style
            )
            axes.vlines(x, own["lower"], own["upper"], color=style["color"], linewidth=1.1)
            counts = dict(zip(own["time"].map(days), own["n"], strict=True))
            for day in ticks:
                axes.annotate(
                    f"{counts[day]:.0f}" if day in counts and counts[day] == counts[day] else "0", (day, 0),
                    xycoords=("data", "axes fraction"), xytext=(0, -20 - 9 * position), textcoords="offset points",
                    ha="center", va="top", fontsize=8, color=style["color"],
                )  # fmt: skip
        axes.axhline(0, color="#888888", linewidth=0.7)
        axes.set_title(in_lines((names or {}).get(code, code), 22), fontsize=8.5)
        axes.set_ylabel((units or {}).get(code, ""), fontsize=8)
        axes.set_xticks(ticks, [next(s.label for s in visits if s.day == day) for day in ticks], fontsize=8)
        axes.set_xticks(list(days.values()), minor=True)
        axes.set_xlim(-reach / 30, reach * 1.04)
        axes.tick_params(axis="y", labelsize=8)
        axes.tick_params(labelbottom=True)
    for axes in panels[len(summaries) :]:
        axes.set_visible(False)
    lowest = panels[(rows - 1) * columns]
    lowest.set_xlabel(axis, fontsize=8, loc="left", labelpad=10 + 9 * len(arms))
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=len(arms), fontsize=8.5)
    return settled(id, figure, alt, title=title, legend=legend)


def _apart(days: Sequence[float], *, least: float) -> list[float]:
    """The days of which none is nearer than `least` to the next that is kept, from the last to the first."""
    kept: list[float] = []
    for day in sorted(days, reverse=True):
        if not kept or kept[-1] - day >= least:
            kept.append(day)
    return kept[::-1]
