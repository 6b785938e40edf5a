"""Courses of a parameter: every patient's, and mean changes from baseline by visit."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from esld.report.drawing.axes import TimeAxis
from esld.report.drawing.figures import ENDS, Picture, arm_style, entitle, new_figure, settled
from esld.report.words.catalogue import arm_label, message


def trajectories(
    adlb: pd.DataFrame,
    *,
    arms: Sequence[str],
    id: str,
    title: str,
    alt: str,
    label: str,
    ends: pd.DataFrame,
    time: TimeAxis,
    since: str,
    normal: Sequence[float] = (),
    normal_label: str = "",
    log: bool = False,
) -> Picture:
    """Every patient's values of one parameter over time, one panel an arm on shared axes.

    Parameters
    ----------
    adlb : DataFrame
        Analysed rows of one parameter: ``USUBJID ARMCD ADY AVAL``. Days before day 1 are drawn at day 1.
    arms : sequence of str
        In the protocol's order.
    label : str
        Of the vertical axis: the unit.
    ends : DataFrame
        ``USUBJID`` and ``kind`` (``death``, ``transplant`` or ``lost``) of what ended a patient's course; drawn at the
        last value.
    time : TimeAxis
        Unit and ticks, in days from the first.
    since : str
        What the first day is: ``randomisation`` or ``treatment``.
    normal, normal_label : sequence of float, str
        Limits of normal, drawn as thin lines, and what they are called in the key.
    log : bool
        Logarithmic axis, for values that span more than a factor of 30.
    """
    import seaborn as sns
    from matplotlib.lines import Line2D

    figure = new_figure(3.1)
    panels = np.atleast_1d(figure.subplots(1, len(arms), sharex=True, sharey=True))
    frame = adlb.assign(day=adlb["ADY"].clip(lower=1) - 1)
    key: dict[str, Line2D] = {}
    for position, (arm, axes) in enumerate(zip(arms, panels, strict=True)):
        own = frame[frame["ARMCD"].eq(arm)]
        style = arm_style(position)
        # Before seaborn, which looks long for what it would say.
        axes.set(xlabel=message(f"course.axis.{since}", unit=time.head), ylabel=label)
        axes.set_xticks(time.ticks, time.labels)
        axes.yaxis.label.set_visible(position == 0)
        if len(own):  # seaborn fails on nobody
            sns.lineplot(
                data=own, x="day", y="AVAL", units="USUBJID", estimator=None, sort=True, ax=axes, legend=False,
                color=style["color"], linewidth=0.9, alpha=0.55 if own["USUBJID"].nunique() < 40 else 0.16,
            )  # fmt: skip
        last = own.sort_values("day", kind="stable").groupby("USUBJID").tail(1).merge(ends, on="USUBJID")
        for kind, (marker, colour, filled) in ENDS.items():
            at = last[last["kind"].eq(kind)]
            if len(at):
                look = {"marker": marker, "color": colour, "linestyle": "none", "markersize": 5}
                look["markerfacecolor"] = colour if filled else "white"
                word = message(f"end.{kind}")
                key[kind] = axes.plot(at["day"], at["AVAL"], zorder=4, label=word, **look)[0]
        for limit in normal:
            line = axes.axhline(
                limit, color="#888888", linewidth=0.7, linestyle=(0, (2, 2)), label=normal_label
            )
            key.setdefault("normal", line)
        if log:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(lambda value, position: f"{value:g}")
        many = own["USUBJID"].nunique()
        axes.set_title(
            message("course.panel", arm=arm_label(arm), n=many), fontsize=9.5, color=style["color"]
        )
    if key:
        handles = [key[kind] for kind in (*ENDS, "normal") if kind in key]
        figure.legend(handles=handles, loc="outside lower left", ncols=len(key), fontsize=8)
    entitle(figure, title)
    return settled(id, figure, alt)


def mean_changes(
    summaries: Mapping[str, pd.DataFrame],
    *,
    arms: Sequence[str],
    visits: Sequence[tuple[float, str]],
    id: str,
    title: str,
    alt: str,
    names: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
) -> Picture:
    """Mean change from baseline with its interval by visit: a small panel a parameter.

    Parameters
    ----------
    summaries : dict of str to DataFrame
        Parameter to rows ``group time value lower upper``: arm, visit number, mean change with its limits.
    arms : sequence of str
        In the protocol's order.
    visits : sequence of (float, str)
        Visit numbers and short codes, in order, evenly spaced on the axis.
    names, units : dict of str to str, optional
        Parameter to the title of its panel, else the parameter itself, and to the label of its vertical axis.
    """
    columns = min(3, len(summaries))
    rows = -(-len(summaries) // columns)
    figure = new_figure(0.5 + 2.05 * rows)
    panels = np.atleast_1d(figure.subplots(rows, columns, sharex=True)).ravel()
    place = {number: position for position, (number, _) in enumerate(visits)}
    for axes, (code, summary) in zip(panels, summaries.items(), strict=False):
        for position, arm in enumerate(arms):
            own = summary[summary["group"].eq(arm)].sort_values("time")
            x = own["time"].map(place).to_numpy(dtype=float) + (position - (len(arms) - 1) / 2) * 0.22
            style = arm_style(position)
            axes.plot(
                x, own["value"], marker="o", markersize=3.2, label=arm_label(arm), linewidth=1.2, **style
            )
            axes.vlines(x, own["lower"], own["upper"], color=style["color"], linewidth=1.1)
        axes.axhline(0, color="#888888", linewidth=0.7)
        axes.set_title(textwrap.fill((names or {}).get(code, code), 22), fontsize=8.5)
        axes.set_ylabel((units or {}).get(code, ""), fontsize=8)
        axes.set_xticks(range(len(visits)), [short for _, short in visits], fontsize=8)
        axes.tick_params(axis="y", labelsize=8)
    for axes in panels[len(summaries) :]:
        axes.set_visible(False)
    for axes in panels[max(0, len(summaries) - columns) : len(summaries)]:
        axes.tick_params(labelbottom=True)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=len(arms), fontsize=8.5)
    entitle(figure, title)
    return settled(id, figure, alt)
