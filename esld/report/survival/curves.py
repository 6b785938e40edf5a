"""Survival curves with the numbers at risk below."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from esld.report.drawing.axes import TimeAxis
from esld.report.drawing.figures import INK, Picture, arm_style, new_figure, settled
from esld.report.lines import in_lines
from esld.report.words.catalogue import arm_label, message

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

    from esld.survival.kaplan_meier import KaplanMeier

_WIDTH = 5.2  # inches: on the 360 pixels of a phone 9 points are still 9 pixels high


def survival_curves(
    curves: Mapping[str, "KaplanMeier"],
    *,
    arms: Sequence[str],
    id: str,
    title: str,
    alt: str,
    legend: str = "",
    axis: TimeAxis,
    free: str,
    end: float,
    mark: float | None = None,
    inside: str = "",
) -> Picture:
    """Kaplan–Meier curves with their intervals and, aligned under the axis, numbers at risk (events; censored).

    Parameters
    ----------
    curves : dict of str to KaplanMeier
        One per arm in which there is somebody, in the protocol's order.
    arms : sequence of str
        All arms in the protocol's order: the order decides colour and dash, and each has its row of numbers at risk.
    id, title, alt, legend : str
        Id of the figure, what it shows, and the words for those who do not see it.
    axis : TimeAxis
        Its ticks are those of the risk table too. Where their counts would touch each other some ticks are left out:
        never the first, and `mark` only if it touches the first.
    free : str
        What a patient is without the event: alive.
    end : float
        The day at which the axis ends: curves that go on are cut there.
    mark : float, optional
        A time to mark with a thin vertical line.
    inside : str
        What is written into the figure: the comparison of the groups.

    Returns
    -------
    Picture
    """
    figure = new_figure(2.65 + 0.3 * len(arms), _WIDTH)
    axes, table = figure.subplots(2, 1, height_ratios=[2.5, 0.36 * len(arms)], sharex=True)
    for arm, curve in curves.items():
        style = arm_style(arms.index(arm))
        step = curve.step()
        axes.plot(step["time"], step["survival"], label=arm, **style)
        axes.fill_between(step["time"], step["lower"], step["upper"], color=style["color"], alpha=0.09, lw=0)
        for limit in ("lower", "upper"):  # two shades alone are one where they lie over each other
            axes.plot(step["time"], step[limit], linewidth=0.7, alpha=0.7, **style)
        censored = curve.n_censor > 0
        axes.plot(curve.times[censored], curve.survival[censored], "|", color=style["color"], markersize=7)
    if mark is not None:
        axes.axvline(mark, color="#999999", linewidth=0.8, linestyle=(0, (2, 2)))
    ticks = axis.ticks
    axes.set_xlim(0, end)
    axes.set(ylim=(0, 1.02), ylabel=message("curves.free", free=free))
    axes.tick_params(labelbottom=True)
    axes.set_xlabel(axis.title)
    _label_ends(axes, curves, arms, end)
    if inside:
        axes.text(0.02, 0.04, in_lines(inside, 44), transform=axes.transAxes, va="bottom", fontsize=9)
    shown = _risk_table(table, curves, arms, sorted(set(ticks)), keep=[ticks[0], mark])
    names = dict(zip(ticks, axis.labels, strict=True))
    axes.set_xticks(shown, [names[tick] for tick in shown])
    return settled(id, figure, alt, title=title, legend=legend)


def _label_ends(axes: "Axes", curves: Mapping[str, "KaplanMeier"], arms: Sequence[str], end: float) -> None:
    """Name each line at its end, with a piece of the line, moved apart where the ends are near each other."""
    steps = [curve.step() for curve in curves.values()]
    ends = [float(step.loc[step["time"] <= end, "survival"].iloc[-1]) for step in steps]
    beside = axes.get_yaxis_transform()
    for arm, at in zip(curves, _apart(ends, gap=0.15, top=1.0), strict=True):
        style = arm_style(arms.index(arm))
        axes.plot([1.015, 1.085], [at, at], transform=beside, clip_on=False, **style)
        where = ("axes fraction", "data")
        name = in_lines(arm_label(arm), 12)
        axes.annotate(name, (1.1, at), xycoords=where, va="center", color=style["color"], fontweight="bold")


def _apart(heights: Sequence[float], *, gap: float, top: float) -> list[float]:
    """Heights moved as little as needed so that none is nearer than `gap` to the next, and none above `top`."""
    order = sorted(range(len(heights)), key=lambda i: (heights[i], -i))
    placed = list(heights)
    for below, above in pairwise(order):
        placed[above] = max(placed[above], placed[below] + gap)
    limit = top
    for i in reversed(order):
        placed[i] = min(placed[i], limit)
        limit = placed[i] - gap
    return placed


def _risk_table(
    axes: "Axes",
    curves: Mapping[str, "KaplanMeier"],
    arms: Sequence[str],
    ticks: Sequence[float],
    *,
    keep: Sequence[float | None],
) -> list[float]:
    """Write the counts under their ticks; the ticks for which there is room."""
    axes.set(ylim=(-0.6, len(arms) - 0.4), yticks=[])
    axes.grid(False)
    axes.tick_params(bottom=False, labelbottom=False)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_title(message("curves.at_risk"), fontsize=9, fontweight="normal", pad=2)
    columns: dict[float, list[Text]] = {tick: [] for tick in ticks}
    for position, arm in enumerate(arms):
        row, colour = len(arms) - 1 - position, arm_style(position)["color"]
        for tick, text in zip(ticks, _at_risk(curves.get(arm), ticks), strict=True):
            columns[tick].append(axes.text(tick, row, text, ha="center", va="center", fontsize=9, color=INK))
        where = ("axes fraction", "data")
        name = in_lines(arm_label(arm), 14)
        axes.annotate(name, (-0.13, row), xycoords=where, va="center", ha="right", color=colour, fontsize=9)
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # the layout decides how wide a text is against the axis
    room = 0.06 * figure.dpi

    def edges(texts: Sequence["Text"]) -> tuple[float, float]:
        boxes = [text.get_window_extent() for text in texts]
        return min(box.x0 for box in boxes) - room / 2, max(box.x1 for box in boxes) + room / 2

    spans = {tick: edges(texts) for tick, texts in columns.items()}
    shown = _without_collision([(tick, *spans[tick]) for tick in ticks], keep)
    for tick in set(ticks) - set(shown):
        for left_out in columns[tick]:
            left_out.remove()
    return shown


def _at_risk(curve: "KaplanMeier | None", ticks: Sequence[float]) -> list[str]:
    """The counts of an arm under each tick; of one without anybody, zeros."""
    if curve is None:
        return ["0 (0; 0)"] * len(ticks)
    found = curve.counts(list(ticks)).itertuples(index=False)
    return [f"{at.n_risk:.0f} ({at.events:.0f}; {at.censored:.0f})" for at in found]


def _without_collision(
    columns: Sequence[tuple[float, float, float]], keep: Sequence[float | None]
) -> list[float]:
    """Every column, or every second, third … with those to keep, so that none reaches into the next.

    Parameters
    ----------
    columns : sequence of (tick, left, right)
        In order.
    keep : sequence of float
        Ticks that stay, the first before the second; a neighbour that touches one of them goes.
    """

    def apart(one: tuple[float, float, float], other: tuple[float, float, float]) -> bool:
        return one[2] <= other[1] or other[2] <= one[1]

    kept: list[tuple[float, float, float]] = []
    for wanted in keep:
        kept += [c for c in columns if c[0] == wanted and all(apart(c, k) for k in kept)]
    for stride in range(1, len(columns) + 1):
        regular = [c for c in columns[::stride] if c in kept or all(apart(c, k) for k in kept)]
        chosen = sorted({*regular, *kept})
        if all(apart(one, other) for one, other in pairwise(chosen)):
            return [tick for tick, _, _ in chosen]
    return [tick for tick, _, _ in kept]
