"""Figures in one visual language, made from the same results as the tables and sentences."""

import io
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    from esld.survival.kaplan_meier import KaplanMeier

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
DASHES = ("solid", (0, (5, 1.6)), (0, (1.5, 1.5)), (0, (5, 1.5, 1.5, 1.5)))
INK, FAINT = "#333333", "#E3E3E3"
DPI = 200

DEATH, TRANSPLANT, INFUSION, LOST = "x", "D", "^", "o"
# How a course ended: marker, colour, filled or not, and its word; the same in every figure.
ENDS = {
    "death": (DEATH, INK, True, "death"),
    "transplant": (TRANSPLANT, "#7A4E9E", True, "transplant"),
    "lost": (LOST, INK, False, "end of follow-up"),
}
# Chinese characters (GB 2312), brought along because a machine need not have any.
_HAN = Path(__file__).parent / "fonts" / "esld-han.otf"
_REPRODUCIBLE = {"svg.hashsalt": "esld", "svg.fonttype": "path"}
_TITLE_WIDTH = 74  # characters of a bold title on 7 inches

_STYLE: dict[str, Any] = {
    **_REPRODUCIBLE,
    "figure.dpi": 100,
    "savefig.dpi": DPI,
    "font.family": ["DejaVu Sans", "esld Han"],  # the second for what the first has not
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.titley": 1.0,  # no axis has its ticks on top, and looking for them costs a tenth of a draw
    "axes.labelsize": 9.5,
    "axes.edgecolor": "#888888",
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.7,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}


def set_style() -> None:
    """Apply the house style to matplotlib; called when a chapter opens."""
    import matplotlib as mpl
    from matplotlib.font_manager import fontManager

    if not any(font.fname == str(_HAN) for font in fontManager.ttflist):
        fontManager.addfont(_HAN)
        fontManager.ttflist.append(replace(fontManager.ttflist[-1], weight=700))  # for bold titles the same
    for name, value in _STYLE.items():
        mpl.rcParams[name] = value  # type: ignore[index]


def new_figure(height: float = 3.6, width: float = 7.0, **grid: Any) -> "Figure":
    """A figure 7 inches wide that pyplot does not know of, so that nothing is shown twice or left open."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", **grid)


def arm_style(position: int) -> dict[str, Any]:
    """Colour and dash of the arm in that place of the protocol; never colour alone."""
    return {"color": COLOURS[position % len(COLOURS)], "linestyle": DASHES[position % len(DASHES)]}


@dataclass(frozen=True)
class Picture:
    """A figure with its id and its words for those who do not see it."""

    id: str
    figure: "Figure"
    alt: str

    def __repr__(self) -> str:
        return f"Figure {self.id}: {self.alt}\n{self.drawn()}"

    @property
    def title(self) -> str:
        """The finding, as :func:`entitle` set it, on one line."""
        return " ".join(self.figure.get_suptitle().split())

    def drawn(self) -> str:
        """What each panel shows, in figures that a re-run must reproduce; pixels are not compared."""
        lines = []
        for number, axes in enumerate(self.figure.axes, 1):
            drawn = [("line", np.column_stack(line.get_data(orig=True))) for line in axes.get_lines()]
            for collection in axes.collections:
                if vertices := [path.vertices for path in collection.get_paths()]:
                    drawn.append(("area", np.concatenate(vertices)))
            for kind, points in drawn:
                if len(points):
                    x, y = (round(float(total), 6) for total in np.nansum(points.astype(float), axis=0))
                    said = f"panel {number}, {kind} of {len(points)} points"
                    lines.append(f"{said}: sum x {x:.6g}, sum y {y:.6g}")
        return "\n".join(lines)

    def save(self, folder: Path) -> None:
        """Write ``<id>.svg`` and ``<id>.png`` without dates or random ids."""
        (folder / f"{self.id}.svg").write_bytes(self.svg())
        (folder / f"{self.id}.png").write_bytes(self._png)

    def svg(self) -> bytes:
        """The figure as SVG."""
        import matplotlib as mpl

        buffer = io.BytesIO()
        with mpl.rc_context(_REPRODUCIBLE):  # type: ignore[arg-type]
            self.figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        return buffer.getvalue()

    @cached_property
    def _png(self) -> bytes:
        buffer = io.BytesIO()
        self.figure.savefig(
            buffer, format="png", dpi=DPI, metadata={"Software": None}, pil_kwargs={"compress_level": 3}
        )
        return buffer.getvalue()

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        width, height = self.figure.get_size_inches() * 96
        metadata = {"image/png": {"alt": self.alt, "width": round(width), "height": round(height)}}
        return {"image/png": self._png, "text/plain": repr(self)}, metadata


def settled(id: str, figure: "Figure", alt: str) -> Picture:
    """The picture with its layout fixed: constrained layout moves a little at every draw, and so would the bytes."""
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        if not axis.label.get_text():
            axis.set_label_coords(0, 0)  # else every draw looks for the place of a label that is none
    if (engine := figure.get_layout_engine()) is not None:
        engine.execute(figure)
    figure.set_layout_engine(
        None
    )  # a placeholder, as "none" would set, has every figure drawn twice to be saved
    return Picture(id, figure, alt)


def survival_curves(
    curves: Mapping[str, "KaplanMeier"],
    *,
    arms: Sequence[str],
    id: str,
    title: str,
    alt: str,
    ticks: Sequence[float],
    unit: str = "days",
    what: str = "Proportion alive",
    mark: float | None = None,
) -> Picture:
    """Kaplan–Meier curves with their intervals and, aligned under the axis, numbers at risk (events; censored).

    Parameters
    ----------
    curves : dict of str to KaplanMeier
        One per arm in which there is somebody, in the protocol's order; label to curve.
    arms : sequence of str
        All arms in the protocol's order: the order decides colour and dash, and each has its row of numbers at risk.
    id, title, alt : str
        Id of the figure, the finding, and the words for those who do not see it.
    ticks : sequence of float
        Times on the axis and in the risk table. Where their counts would touch each other some ticks are left out:
        never the first, and `mark` only if it touches the first.
    unit, what : str
        Unit of time and label of the vertical axis.
    mark : float, optional
        A time to mark with a thin vertical line.

    Returns
    -------
    Picture
    """
    figure = new_figure(3.5 + 0.42 * len(arms))
    axes, table = figure.subplots(2, 1, height_ratios=[3.2, 0.42 * len(arms)], sharex=True)
    for label, curve in curves.items():
        style = arm_style(arms.index(label))
        step = curve.step()
        axes.plot(step["time"], step["survival"], label=label, **style)
        axes.fill_between(step["time"], step["lower"], step["upper"], color=style["color"], alpha=0.11, lw=0)
        censored = curve.n_censor > 0
        axes.plot(curve.times[censored], curve.survival[censored], "|", color=style["color"], markersize=7)
    if mark is not None:
        axes.axvline(mark, color="#999999", linewidth=0.8, linestyle=(0, (2, 2)))
    axes.set_xlim(0, max(*ticks, *(curve.max_time for curve in curves.values())) * 1.02)
    axes.set(ylim=(0, 1.02), ylabel=what)
    entitle(figure, title)
    axes.tick_params(labelbottom=True)
    axes.set_xlabel(f"{unit.capitalize()} since randomisation")
    _label_ends(axes, curves, arms)
    shown = _risk_table(table, curves, arms, sorted(set(ticks)), keep=[ticks[0], mark])
    axes.set_xticks(shown, [f"{tick:g}" for tick in shown])
    return settled(id, figure, alt)


def entitle(figure: "Figure", title: str) -> None:
    """The finding over the whole figure, left, on as many lines as it needs."""
    wrapped = textwrap.fill(title, _TITLE_WIDTH, break_on_hyphens=False)
    figure.suptitle(wrapped, x=0.01, ha="left", fontsize=10.5, fontweight="bold")


def _label_ends(axes: "Axes", curves: Mapping[str, "KaplanMeier"], arms: Sequence[str]) -> None:
    """Name each line at its end, with a piece of the line, moved apart where the ends are near each other."""
    ends = [float(curve.step()["survival"].iloc[-1]) for curve in curves.values()]
    beside = axes.get_yaxis_transform()
    for label, at in zip(curves, _apart(ends, gap=0.075, top=1.0), strict=True):
        style = arm_style(arms.index(label))
        axes.plot([1.012, 1.075], [at, at], transform=beside, clip_on=False, **style)
        where = ("axes fraction", "data")
        axes.annotate(
            label, (1.085, at), xycoords=where, va="center", color=style["color"], fontweight="bold"
        )


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
    axes.set_title("At risk (events; censored so far)", fontsize=8.5, fontweight="normal", pad=2)
    columns: dict[float, list[Text]] = {tick: [] for tick in ticks}
    names = []
    for position, label in enumerate(arms):
        row = len(arms) - 1 - position
        for tick, text in zip(ticks, _at_risk(curves.get(label), ticks), strict=True):
            columns[tick].append(
                axes.text(tick, row, text, ha="center", va="center", fontsize=8.5, color=INK)
            )
        colour = arm_style(position)["color"]
        where = ("axes fraction", "data")
        names.append(
            axes.annotate(label, (1.085, row), xycoords=where, va="center", color=colour, fontsize=8.5)
        )
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # the layout decides how wide a text is against the axis
    room = 0.06 * figure.dpi

    def edges(texts: Sequence["Text"]) -> tuple[float, float]:
        boxes = [text.get_window_extent() for text in texts]
        return min(box.x0 for box in boxes) - room / 2, max(box.x1 for box in boxes) + room / 2

    spans = {tick: edges(texts) for tick, texts in columns.items()}
    end = edges(names)[0]
    shown = _without_collision([(tick, *spans[tick]) for tick in ticks if spans[tick][1] <= end], keep)
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


def enrolment(dates: pd.Series, *, target: int, id: str, title: str, alt: str) -> Picture:
    """Patients randomised over calendar time, against the target.

    Parameters
    ----------
    dates : Series of datetime64
        Days of randomisation.
    target : int
        Planned number.
    id, title, alt : str
        As everywhere.
    """
    import matplotlib.dates as mdates

    days = dates.sort_values(ignore_index=True)
    figure = new_figure(2.8)
    axes = figure.subplots()
    when = mdates.date2num(pd.concat([days.iloc[:1], days]))  # type: ignore[no-untyped-call]
    axes.step(when, np.arange(len(days) + 1), where="post", color="#444444")
    axes.axhline(target, color="#999999", linewidth=0.9, linestyle=(0, (2, 2)))
    where = ("axes fraction", "data")
    axes.annotate(f"target {target}", (0.005, target), xycoords=where, va="bottom", fontsize=8.5)
    date_axis(axes)
    axes.set(ylim=(0, 1.12 * max(target, len(days))), ylabel="Patients randomised")
    entitle(figure, title)
    return settled(id, figure, alt)


def date_axis(axes: "Axes") -> None:
    """Calendar days along the axis, of which at least four weeks are shown: of a single day there is no scale."""
    import matplotlib.dates as mdates

    first, last = axes.dataLim.intervalx
    short = max(0.0, 28.0 - (last - first))
    if short:
        axes.set_xlim(first - short / 2, last + short / 2)
    locator = mdates.AutoDateLocator(maxticks=8)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def trajectories(
    adlb: pd.DataFrame,
    *,
    arms: Sequence[str],
    id: str,
    title: str,
    alt: str,
    label: str,
    ends: pd.DataFrame,
    since: str = "day 1",
    normal: Sequence[float] = (),
    normal_label: str = "limit of normal",
    log: bool = False,
) -> Picture:
    """Every patient's values of one parameter over study weeks, one panel an arm on shared axes.

    Parameters
    ----------
    adlb : DataFrame
        Analysed rows of one parameter: ``USUBJID TRT01P ADY AVAL``. Days before day 1 are drawn at day 1.
    arms : sequence of str
        Labels in the protocol's order.
    label : str
        Of the vertical axis: the unit.
    ends : DataFrame
        ``USUBJID`` and ``kind`` (``death``, ``transplant`` or ``lost``) of what ended a patient's course; drawn at the
        last value.
    since : str
        What week 0 is.
    normal, normal_label : sequence of float, str
        Limits of normal, drawn as thin lines, and what they are called in the key.
    log : bool
        Logarithmic axis, for values that span more than a factor of 30.
    """
    import seaborn as sns
    from matplotlib.lines import Line2D

    figure = new_figure(3.1)
    panels = np.atleast_1d(figure.subplots(1, len(arms), sharex=True, sharey=True))
    frame = adlb.assign(week=(adlb["ADY"].clip(lower=1) - 1) / 7)
    key: dict[str, Line2D] = {}
    for position, (arm, axes) in enumerate(zip(arms, panels, strict=True)):
        own = frame[frame["TRT01P"].eq(arm)]
        style = arm_style(position)
        # Before seaborn, which looks long for what it would say.
        axes.set(xlabel=f"Weeks since {since}", ylabel=label)
        axes.yaxis.label.set_visible(position == 0)
        if len(own):  # seaborn fails on nobody
            sns.lineplot(
                data=own, x="week", y="AVAL", units="USUBJID", estimator=None, sort=True, ax=axes, legend=False,
                color=style["color"], linewidth=0.9, alpha=0.55 if own["USUBJID"].nunique() < 40 else 0.16,
            )  # fmt: skip
        last = own.sort_values("week", kind="stable").groupby("USUBJID").tail(1).merge(ends, on="USUBJID")
        for kind, (marker, colour, filled, word) in ENDS.items():
            at = last[last["kind"].eq(kind)]
            if len(at):
                look = {"marker": marker, "color": colour, "linestyle": "none", "markersize": 5}
                look["markerfacecolor"] = colour if filled else "white"
                key[word] = axes.plot(at["week"], at["AVAL"], zorder=4, label=word, **look)[0]
        for limit in normal:
            line = axes.axhline(
                limit, color="#888888", linewidth=0.7, linestyle=(0, (2, 2)), label=normal_label
            )
            key.setdefault(normal_label, line)
        if log:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(lambda value, position: f"{value:g}")
        axes.set_title(f"{arm} (n = {own['USUBJID'].nunique()})", fontsize=9.5, color=style["color"])
    if key:
        order = [word for _, _, _, word in ENDS.values()] + [normal_label]
        handles = [key[word] for word in order if word in key]
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
    units: Mapping[str, str] | None = None,
) -> Picture:
    """Mean change from baseline with its interval by visit: a small panel a parameter.

    Parameters
    ----------
    summaries : dict of str to DataFrame
        Panel title to rows ``group time value lower upper``: arm, visit number, mean change with its limits.
    arms : sequence of str
        Labels in the protocol's order.
    visits : sequence of (float, str)
        Visit numbers and short codes, in order, evenly spaced on the axis.
    units : dict of str to str, optional
        Panel title to the label of its vertical axis.
    """
    columns = min(3, len(summaries))
    rows = -(-len(summaries) // columns)
    figure = new_figure(0.5 + 2.05 * rows)
    panels = np.atleast_1d(figure.subplots(rows, columns, sharex=True)).ravel()
    place = {number: position for position, (number, _) in enumerate(visits)}
    for axes, (label, summary) in zip(panels, summaries.items(), strict=False):
        for position, arm in enumerate(arms):
            own = summary[summary["group"].eq(arm)].sort_values("time")
            x = own["time"].map(place).to_numpy(dtype=float) + (position - (len(arms) - 1) / 2) * 0.22
            style = arm_style(position)
            axes.plot(x, own["value"], marker="o", markersize=3.2, label=arm, linewidth=1.2, **style)
            axes.vlines(x, own["lower"], own["upper"], color=style["color"], linewidth=1.1)
        axes.axhline(0, color="#888888", linewidth=0.7)
        axes.set_title(textwrap.fill(label, 22), fontsize=8.5)
        axes.set_ylabel((units or {}).get(label, ""), fontsize=8)
        axes.set_xticks(range(len(visits)), [code for _, code in visits], fontsize=8)
        axes.tick_params(axis="y", labelsize=8)
    for axes in panels[len(summaries) :]:
        axes.set_visible(False)
    for axes in panels[max(0, len(summaries) - columns) : len(summaries)]:
        axes.tick_params(labelbottom=True)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=len(arms), fontsize=8.5)
    entitle(figure, title)
    return settled(id, figure, alt)
