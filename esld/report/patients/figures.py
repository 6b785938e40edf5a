"""Figures of single patients: a bar for each, a small panel for each, and the states of a whole group over time."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from esld.report.drawing.axes import TimeAxis
from esld.report.drawing.figures import (
    ENDS,
    FAINT,
    GIVEN,
    INK,
    Picture,
    arm_style,
    new_figure,
    settled,
)
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import in_prose, short

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Conditions have no marker of the house's own: these are unlike those of treatment, transplant, death and loss.
_CONDITIONS = ("s", "*", "P", "p", "h")
_ARROW = r"$\rightarrow$"
_TINT = 0.28
_COLUMNS = 4  # panels side by side on a page
# How the areas of states are filled; who is followed, in the arm's colour.
_LOOKS: dict[str, dict[str, Any]] = {
    "ended": {"facecolor": "white", "hatch": "...."},
    "event": {"facecolor": "#c4c4c4", "hatch": "\\\\\\\\"},
    "transplant": {"facecolor": ENDS["transplant"][1]},
    "death": {"facecolor": "#777777", "hatch": "////"},
}


class Mark(NamedTuple):
    """How something is drawn."""

    marker: str
    colour: str
    filled: bool

    def look(self, size: float, *, rim: bool = False) -> dict[str, Any]:
        """Arguments of ``Axes.plot``; with a white rim where conditions lie on a bar."""
        big = {"*": 1.7, "P": 1.3, _ARROW: 2.0}.get(
            self.marker, 1.0
        )  # markers of one size do not look of one size
        return {
            "marker": self.marker, "linestyle": "none", "markersize": size * big, "color": self.colour,
            "markerfacecolor": self.colour if self.filled else "white", "markeredgewidth": 1.4 if self.marker == "x" else 0.8,
            "markeredgecolor": "white" if rim and self.marker in _CONDITIONS else self.colour,
        }  # fmt: skip


def marks_for(events: Iterable[str]) -> dict[str, Mark]:
    """How each kind is marked: administrations, then the conditions in the protocol's order, then what ends a course."""
    return {
        "administration": Mark(GIVEN, INK, True),
        "reduced": Mark(GIVEN, INK, False),
        **{code: Mark(_CONDITIONS[n % len(_CONDITIONS)], INK, True) for n, code in enumerate(events)},
        **{kind: Mark(*ENDS[kind]) for kind in ("transplant", "death", "lost")},
        "ongoing": Mark(_ARROW, INK, True),
    }


def _word(kind: str, events: Mapping[str, str]) -> str:
    """What the key calls a kind."""
    return in_prose(events[kind]) if kind in events else message(f"end.{kind}")


def swimmer(
    patients: pd.DataFrame,
    marks: pd.DataFrame,
    spans: pd.DataFrame,
    *,
    arms: Sequence[str],
    events: Mapping[str, str],
    id: str,
    title: str,
    alt: str,
    legend: str = "",
    axis: TimeAxis,
    mark: float | None = None,
) -> Picture:
    """One bar a patient from randomisation to death or last contact, the longest above, one panel an arm.

    Parameters
    ----------
    patients : DataFrame
        ``USUBJID number ARMCD end transplant``; days from randomisation.
    marks : DataFrame
        ``USUBJID kind day``; ``kind`` as :func:`marks_for` names it.
    spans : DataFrame
        ``USUBJID start stop``, days of continuous treatment: thin dark bars at the foot of the others.
    arms : sequence of str
        In the protocol's order.
    events : dict of str to str
        What each condition is called, in the protocol's order.
    id, title, alt, legend : str
        As everywhere.
    axis : TimeAxis
        Of time.
    mark : float, optional
        A day to mark with a thin vertical line.
    """
    looks = marks_for(events)
    sizes = [max(1, int(patients["ARMCD"].eq(arm).sum())) for arm in arms]
    figure = new_figure(1.3 + 0.205 * sum(sizes) + 0.2 * len(arms))
    panels = figure.subplots(len(arms), 1, height_ratios=sizes, sharex=True, squeeze=False)[:, 0]
    reach = max(float(patients["end"].max()), *axis.ticks)
    room = 0.016 * reach  # the least distance at which two marks can be told apart
    for position, (arm, axes) in enumerate(zip(arms, panels, strict=True)):
        own = patients[patients["ARMCD"].eq(arm)].sort_values("end", ascending=False, kind="stable")
        placed = []
        for row, patient in enumerate(own.to_dict("records")):
            _bar(axes, row, patient["end"], patient["transplant"], position)
            treated = spans[spans["USUBJID"].eq(patient["USUBJID"])]
            bars = [(a, b - a) for a, b in zip(treated["start"], treated["stop"], strict=True)]
            if bars:
                axes.broken_barh(bars, (row + 0.17, 0.16), facecolor=INK, linewidth=0, zorder=3)
            happened = marks[marks["USUBJID"].eq(patient["USUBJID"])]
            placed.append(_placed(happened, "day", row, room=room, step=0.2))
        for kind, at in _by_kind(placed):
            x = at["x"] + 0.015 * reach if kind == "ongoing" else at["x"]
            axes.plot(x, at["y"], zorder=4, clip_on=False, label=kind, **looks[kind].look(5.5, rim=True))
        axes.set_ylim(max(len(own), 1) - 0.4, -0.6)
        axes.set_yticks(range(len(own)), own["number"].astype(str), fontsize=8)
        axes.tick_params(axis="y", length=0)
        axes.grid(False)
        axes.spines["left"].set_visible(False)
        if mark is not None:
            axes.axvline(mark, color="#999999", linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
        who = message("course.panel", arm=arm_label(arm), n=len(own))
        axes.set_title(who, fontsize=9.5, color=arm_style(position)["color"], pad=4)
    panels[-1].set_xlim(-0.012 * reach, 1.03 * reach)  # room for a mark on the first day
    panels[-1].set_xticks(axis.ticks, axis.labels)
    panels[-1].set_xlabel(axis.title)
    grafted = bool(patients["transplant"].lt(patients["end"]).any())
    _key(figure, marks, looks, events, grafted=grafted, treated=len(spans) > 0)
    return settled(id, figure, alt, title=title, legend=legend)


def _bar(axes: "Axes", row: int, end: float, transplant: float, position: int) -> None:
    """The bar of one patient; with another liver it is thinner, white and hatched."""
    style = arm_style(position)
    own = end if np.isnan(transplant) else transplant
    edge: dict[str, Any] = {"edgecolor": style["color"], "linestyle": style["linestyle"], "linewidth": 0.8}
    tint = _tinted(style["color"])
    axes.broken_barh([(0, own)], (row - 0.33, 0.66), facecolor=tint, zorder=2, **edge)
    if own < end:
        hatched: dict[str, Any] = {"facecolor": "white", "hatch": "/////"}
        axes.broken_barh([(own, end - own)], (row - 0.18, 0.36), zorder=2, **hatched, **edge)


def _tinted(colour: str) -> tuple[float, float, float]:
    """A colour mixed with white: opaque, so that what lies under a bar does not shine through."""
    from matplotlib.colors import to_rgb

    red, green, blue = (1 - _TINT * (1 - part) for part in to_rgb(colour))
    return red, green, blue


def _placed(happened: pd.DataFrame, time: str, level: float, *, room: float, step: float) -> pd.DataFrame:
    """Marks of one patient as ``kind x y``: moved up and down by turns where one would hide the one before it."""
    ordered = happened.sort_values(time, kind="stable")
    days = ordered[time].to_numpy(dtype=float)
    near = np.append(np.diff(days) < room, False)
    moved = np.zeros(len(days))
    for place in range(len(days)):
        if place and near[place - 1]:
            moved[place] = -moved[place - 1]
        elif near[place]:
            moved[place] = -step
    return pd.DataFrame({"kind": ordered["kind"].to_numpy(), "x": days, "y": level + moved})


def _by_kind(placed: Sequence[pd.DataFrame]) -> list[tuple[str, pd.DataFrame]]:
    """The marks of several patients, one frame a kind."""
    everything = pd.concat(placed, ignore_index=True) if placed else pd.DataFrame({"kind": []})
    return [(str(kind), own) for kind, own in everything.groupby("kind", sort=False)]


def _key(
    figure: "Figure",
    marks: pd.DataFrame,
    looks: Mapping[str, Mark],
    events: Mapping[str, str],
    *,
    grafted: bool,
    treated: bool,
) -> None:
    """What occurs, and nothing else, below the figure."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    kinds = [kind for kind in looks if marks["kind"].eq(kind).any()]
    handles: list[Artist] = [Line2D([], [], label=_word(k, events), **looks[k].look(5)) for k in kinds]
    if treated:
        handles.append(Patch(label=message("courses.treated"), facecolor=INK, linewidth=0))
    if grafted:
        hatched: dict[str, Any] = {"facecolor": "white", "edgecolor": INK, "hatch": "/////", "linewidth": 0.8}
        handles.append(Patch(label=message("courses.after_transplant"), **hatched))
    if handles:
        narrow = {"columnspacing": 1.2, "handlelength": 1.4, "handletextpad": 0.5}
        figure.legend(
            handles=handles, loc="outside lower left", ncols=min(4, len(handles)), fontsize=8, **narrow
        )


def profiles(
    values: pd.DataFrame,
    patients: pd.DataFrame,
    marks: pd.DataFrame,
    spans: pd.DataFrame,
    *,
    arms: Sequence[str],
    events: Mapping[str, str],
    id: str,
    title: str,
    alt: str,
    legend: str = "",
    label: str,
    last: float,
    since: str = "randomisation",
    log: bool = False,
) -> Picture:
    """A panel a patient on shared axes: values over weeks, treatment below, conditions and the end of the course above.

    Parameters
    ----------
    values : DataFrame
        Analysed values of one parameter: ``USUBJID week AVAL``.
    patients : DataFrame
        ``USUBJID number ARMCD``, in order; each arm begins a row of panels.
    marks : DataFrame
        ``USUBJID kind week``; ``kind`` as :func:`marks_for` names it. Who is under observation has no mark.
    spans : DataFrame
        ``USUBJID first_week last_week`` of continuous treatment.
    arms : sequence of str
        In the protocol's order.
    events : dict of str to str
        What each condition is called, in the protocol's order.
    id, title, alt, legend : str
        As everywhere.
    label : str
        Name and unit of the parameter.
    last : float
        Week of the last planned visit.
    since : str
        What week 0 is: ``randomisation`` or ``treatment``.
    log : bool
        Logarithmic axis, for values of which the highest would flatten the others.
    """
    from matplotlib.ticker import LogLocator, NullLocator

    looks = marks_for(events)
    marks = marks[marks["kind"].ne("ongoing")]
    members = [patients[patients["ARMCD"].eq(arm)] for arm in arms]
    rows = [-(-len(own) // _COLUMNS) for own in members]
    figure = new_figure(1.05 + 1.16 * sum(rows))
    # On the same axes by hand: matplotlib asks every panel for every limit of each panel that it shares.
    grid = figure.subplots(sum(rows), _COLUMNS, squeeze=False)
    for axes in grid.ravel():
        axes.set_visible(False)
    reach = max(last, float(marks["week"].max()) if len(marks) else 0.0)
    for position, own in enumerate(members):
        panels = grid[sum(rows[:position]) :].ravel()
        for place, (patient, axes) in enumerate(zip(own.to_dict("records"), panels, strict=False)):
            mine, happened, treated = (
                frame[frame["USUBJID"].eq(patient["USUBJID"])] for frame in (values, marks, spans)
            )
            _panel(axes, mine.sort_values("week"), happened, looks, position, reach)
            level = axes.get_xaxis_transform()
            for week, until in zip(treated["first_week"], treated["last_week"], strict=True):
                axes.plot(
                    [week, until], [0.05, 0.05], color=INK, linewidth=2.2, transform=level, label="treated"
                )
            who = message("profiles.panel", number=patient["number"], arm=short(arm_label(arms[position])))
            axes.set_title(who, fontsize=8, color=arm_style(position)["color"], pad=2)
            lowest = place + _COLUMNS >= len(own)
            axes.tick_params(labelsize=8, labelbottom=lowest, labelleft=place % _COLUMNS == 0)
    for axes in (axes for axes in grid.ravel() if axes.get_visible()):
        if log:
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
            axes.yaxis.set_minor_locator(NullLocator())
            axes.yaxis.set_major_formatter(lambda value, position: f"{value:g}")
        _leave_room(axes, values["AVAL"], log=log)
        axes.set_xlim(-0.03 * reach, 1.05 * reach)
        axes.set_xticks([0, last / 2, last], [f"{week:g}" for week in (0, last / 2, last)])
    grid[-1, 0].set_xlabel(message(f"weeks.{since}"), fontsize=8.5, loc="left")
    figure.supylabel(label, fontsize=8.5)
    _key(figure, marks, looks, events, grafted=False, treated=len(spans) > 0)
    return settled(id, figure, alt, title=title, legend=legend)


def _panel(
    axes: "Axes",
    values: pd.DataFrame,
    happened: pd.DataFrame,
    looks: Mapping[str, Mark],
    position: int,
    reach: float,
) -> None:
    """One patient: values between a band of treatment and a band of what happened."""
    axes.set_visible(True)
    axes.plot(
        values["week"], values["AVAL"], marker="o", markersize=2.4, linewidth=1.1, **arm_style(position)
    )
    if values.empty:
        nothing = message("profiles.no_values")
        axes.text(0.5, 0.5, nothing, transform=axes.transAxes, ha="center", va="center", fontsize=8)
    across = axes.get_xaxis_transform()
    given = happened["kind"].isin(["administration", "reduced"])
    for own, level, step in ((happened[given], 0.07, 0.0), (happened[~given], 0.88, 0.055)):
        for kind, at in _by_kind([_placed(own, "week", level, room=0.07 * reach, step=step)]):
            look = looks[kind].look(4.2)
            axes.plot(at["x"], at["y"], transform=across, zorder=4, clip_on=False, label=kind, **look)
            for week in at["x"] if kind in ENDS else ():
                axes.axvline(week, color=FAINT, linewidth=1, zorder=1)


def _leave_room(axes: "Axes", values: pd.Series, *, log: bool) -> None:
    """Limits that keep the values off the bands of marks, below and above."""
    if values.empty:
        return
    low, high = (np.log10(values.min()), np.log10(values.max())) if log else (values.min(), values.max())
    span = (high - low) or 1.0
    limits = low - 0.22 * span, high + 0.42 * span
    axes.set_ylim(*(10.0**limit for limit in limits) if log else limits)


def states(
    panels: Mapping[str, pd.DataFrame],
    *,
    names: Mapping[str, str],
    id: str,
    title: str,
    alt: str,
    legend: str = "",
    axis: TimeAxis,
    mark: float | None = None,
) -> Picture:
    """How many patients are in which state over time, as stacked areas, one panel an arm on shared axes.

    Parameters
    ----------
    panels : dict of str to DataFrame
        One an arm, in the protocol's order: ``time`` and a column of counts a state, changing where they change.
    names : dict of str to str
        State to its word, from the bottom to the top.
    id, title, alt, legend : str
        As everywhere.
    axis : TimeAxis
        Of time.
    mark : float, optional
        A day to mark with a thin vertical line.
    """
    columns = 2 if len(panels) == 4 else min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure = new_figure(0.75 + 2.6 * rows)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    for position, (axes, (arm, counts)) in enumerate(zip(grid, panels.items(), strict=False)):
        colour = arm_style(position)["color"]
        looks = _LOOKS | {"followed": {"facecolor": _tinted(colour)}}
        below = np.zeros(len(counts))
        for state in names:
            above = below + counts[state].to_numpy(dtype=float)
            look = {"edgecolor": INK, "linewidth": 0.5, "label": names[state], **looks[state]}
            axes.fill_between(counts["time"], below, above, step="post", **look)
            below = above
        if mark is not None:
            axes.axvline(mark, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
        who = message("course.panel", arm=arm_label(arm), n=f"{below[0]:.0f}")
        axes.set_title(who, fontsize=9.5, color=colour)
        axes.set_xticks(axis.ticks, axis.labels, fontsize=8)
        axes.set_xlabel(axis.title, fontsize=8.5)
    grid[0].set(xlim=(0, max(axis.ticks)), ylim=(0, None), ylabel=message("column.patients"))
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=2, fontsize=8.5)
    return settled(id, figure, alt, title=title, legend=legend)
