"""The CONSORT flow diagram: boxes and arrows drawn from the counts of the participant flow."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from esld.data.cutfile import ALL
from esld.report.drawing.figures import INK, Picture, arm_style, new_figure
from esld.report.flow import ONLY_IF_ANY, Flow
from esld.report.lines import units
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import arm_in_prose, as_prose, noun

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EDGE, MUTED = "#888888", "#54595d"
_LEADING = 1.42  # line height in units of the font's size
_PAD = 0.075  # inches between a box and its words
_GAP = 0.27  # inches between two boxes, for the arrow


@dataclass(frozen=True)
class Layout:
    """Where things stand, in inches.

    Attributes
    ----------
    width : float
        Of the figure.
    left : float
        Where the boxes begin; the stages are named in the space before them, if there is any.
    spine : float
        Of the arrow from the assessed to the randomised.
    side : float
        Where the box of the excluded begins.
    font_size : float
        In points.
    stacked : bool
        Whether three arms or more stand below one another.
    """

    width: float
    left: float
    spine: float
    side: float
    font_size: float
    stacked: bool


WIDE = Layout(width=7.0, left=0.95, spine=2.42, side=2.8, font_size=9, stacked=False)
# A phone, not shrunk.
NARROW = Layout(width=3.5, left=0.03, spine=0.25, side=0.5, font_size=8.5, stacked=True)


@dataclass(frozen=True)
class _Line:
    words: str
    count: int
    level: int = 0  # 0 heads the box
    bold: bool = False
    spoken: str = ""  # the words for those who do not see where the line stands, if they are others

    @property
    def text(self) -> str:
        return message("flow.box.n", words=self.words, n=self.count)

    @property
    def alt(self) -> str:
        return message("flow.alt.n", words=self.spoken or self.words, n=self.count)


def flow_figure(flow: Flow, *, id: str = "participant_flow", layout: Layout = WIDE) -> Picture:
    """Draw the flow, with words for those who do not see it.

    Parameters
    ----------
    flow : Flow
        Counts that add up; :func:`esld.report.flow.participant_flow` refuses others.
    id : str
        Of the figure.
    layout : Layout
        `WIDE` for a page, `NARROW` for a phone.

    Returns
    -------
    Picture
        From assessment down, or from randomisation where the data hold nobody else.
    """
    figure = new_figure(1.0, layout.width)
    figure.set_layout_engine("none")  # every place is computed here
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    bottom = _drawn(axes, flow, layout)
    figure.set_size_inches(layout.width, 0.08 - bottom)
    axes.set(xlim=(0, layout.width), ylim=(bottom - 0.04, 0.04))
    return Picture(id, figure, flow_alt(flow), _title(flow))


def flow_alt(flow: Flow) -> str:
    """The diagram in words."""
    every = {
        step: flow.count(step) for step in ("assessed", "excluded", "waiting", "randomised") if step in flow
    }
    enrolment = message(f"flow.alt.{'screened' if 'assessed' in flow else 'randomised'}", **every)
    arms = []
    for arm in flow.arms:
        steps = message("reasons.list").join(line.alt for box in _boxes_of(flow, arm) for line in box)
        arms.append(message("flow.alt.arm", arm=arm_label(arm), steps=steps))
    return message("flow.alt", enrolment=enrolment, arms=as_prose(arms))


def _title(flow: Flow) -> str:
    every = {step: flow.count(step) for step in ("assessed", "randomised", "analysed") if step in flow}
    key, first = ("flow.title.screened", "assessed") if "assessed" in flow else ("flow.title", "randomised")
    return message(key, patients=noun("patient", every[first]), **every)


def _head(flow: Flow, step: str, arm: str = ALL) -> _Line:
    """A line that heads a box by itself."""
    return _Line(flow.words(step, "box"), flow.count(step, arm), bold=True)


def _counted(flow: Flow, step: str, arm: str, level: int = 1) -> list[_Line]:
    """A line for a step and one for each reason that somebody of the arm has; none where there is nothing to say."""
    if step not in flow or (step in ONLY_IF_ANY and not flow.count(step)):
        return []
    reasons = [
        _Line(words, flow.count(name, arm), level + 1)
        for name, words in flow.reasons(step).items()
        if flow.count(name, arm)
    ]
    return [_Line(flow.words(step, "box"), flow.count(step, arm), level), *reasons]


def _boxes_of(flow: Flow, arm: str) -> list[list[_Line]]:
    """Allocation, follow-up and analysis of an arm, in lines."""
    every = flow.count("randomised", arm)
    if arm == ALL:
        allocated = [_Line(message("flow.box.all"), every, bold=True)]
    else:
        words = message("flow.box.allocated", arm=arm_in_prose(arm))
        allocated = [_Line(words, every, bold=True, spoken=message("flow.alt.allocated"))]
    allocated += _counted(flow, "treated", arm)
    allocated += _counted(flow, "complete", arm, 2)
    allocated += _counted(flow, "partial", arm, 2)
    allocated += _counted(flow, "untreated", arm)
    followed = [
        *_counted(flow, "followed", arm, 0),
        *_counted(flow, "transplanted", arm, 1),
        *_counted(flow, "dead", arm, 0),
        *_counted(flow, "event", arm, 0),
        *_counted(flow, "competing", arm, 0),
        *_counted(flow, "lost", arm, 0),
    ]
    if "open" in flow and flow.count("open"):
        followed += _counted(flow, "open", arm, 0)
    followed += _counted(flow, "overdue", arm, 0)
    analysed = _counted(flow, "analysed", arm, 0) + _counted(flow, "valued", arm)
    analysed += _counted(flow, "unanalysed", arm, 0) + _counted(flow, "safety", arm, 0)
    return [allocated, followed, analysed]


def _drawn(axes: "Axes", flow: Flow, layout: Layout) -> float:
    """Draw from zero downwards; where the last box ends."""
    right = layout.width - 0.05
    y = 0.0
    stages: list[tuple[str, float]] = []
    if "assessed" in flow:
        y, middle = _enrolment(axes, flow, layout, right)
        stages.append(("enrolment", middle))
    whole = (layout.left, right)
    top, y = y, _box(axes, [_head(flow, "randomised")], whole, y, layout, centred=True)
    if not stages:
        stages.append(("enrolment", (top + y) / 2))
    boxes = [_boxes_of(flow, arm) for arm in flow.arms]
    if layout.stacked and len(boxes) > 2:
        return _stacked(axes, boxes, layout, y, right)
    columns = _columns(whole, len(flow.arms))
    for row, stage in enumerate(("allocation", "follow_up", "analysis")):
        start = y - _GAP
        ends = []
        for position, (edges, own) in enumerate(zip(columns, boxes, strict=True)):
            _arrow(axes, (sum(edges) / 2, y), (sum(edges) / 2, start))
            ends.append(_box(axes, own[row], edges, start, layout, arm=position, draw=False))
        y = min(ends)
        for position, (edges, own) in enumerate(zip(columns, boxes, strict=True)):
            _box(axes, own[row], edges, start, layout, arm=position, bottom=y)
        stages.append((stage, (start + y) / 2))
    if layout.left > 0.5:
        for stage, middle in stages:
            words = message(f"flow.stage.{stage}")
            axes.text(0.07, middle, words, va="center", fontsize=8.5, fontweight="bold", color=MUTED)
    return y


def _stacked(
    axes: "Axes", boxes: Sequence[list[list[_Line]]], layout: Layout, top: float, right: float
) -> float:
    """Arms below one another, each with its boxes, beside a line down from the randomised; where the last box ends."""
    spine, edges, y = layout.left + 0.1, (layout.left + 0.28, right), top
    for position, own in enumerate(boxes):
        y -= _GAP
        first = y
        for row, lines in enumerate(own):
            if row:
                _arrow(axes, (sum(edges) / 2, y), (sum(edges) / 2, y - _GAP))
                y -= _GAP
            y = _box(axes, lines, edges, y, layout, arm=position)
            if not row:
                middle = (first + y) / 2
                _arrow(axes, (spine, middle), (edges[0], middle))
    axes.plot([spine, spine], [top, middle], color=EDGE, linewidth=1.0, zorder=0)
    return y


def _enrolment(axes: "Axes", flow: Flow, layout: Layout, right: float) -> tuple[float, float]:
    """The assessed, and beside the arrow down those who were not randomised; where the next box begins, and their middle."""
    y = _box(axes, [_head(flow, "assessed")], (layout.left, right), 0.0, layout, centred=True)
    lines = [_head(flow, "excluded"), *_counted(flow, "ineligible", ALL), *_counted(flow, "other", ALL)]
    if flow.count("waiting"):
        lines += _counted(flow, "waiting", ALL, 0)
    start = y - _GAP / 2
    end = _box(axes, lines, (layout.side, right), start, layout)
    below = end - _GAP / 2
    _arrow(axes, (layout.spine, y), (layout.spine, below))
    _arrow(axes, (layout.spine, (start + end) / 2), (layout.side, (start + end) / 2))
    return below, (start + end) / 2


def _columns(whole: tuple[float, float], number: int) -> list[tuple[float, float]]:
    left, right = whole
    between = 0.12
    width = (right - left - between * (number - 1)) / number
    return [(left + i * (width + between), left + i * (width + between) + width) for i in range(number)]


def _box(
    axes: "Axes",
    lines: Sequence[_Line],
    edges: tuple[float, float],
    top: float,
    layout: Layout,
    *,
    arm: int | None = None,
    centred: bool = False,
    bottom: float | None = None,
    draw: bool = True,
) -> float:
    """A box around lines, as high as they need or down to `bottom`; where it ends."""
    from matplotlib.patches import Rectangle

    left, right = edges
    leading = layout.font_size * _LEADING / 72
    rows = []
    for line in lines:
        indent = 0.11 * line.level
        room = right - left - 2 * _PAD - indent
        hanging = 0.0
        for text in _wrapped(line.text, room, layout.font_size, bold=line.bold):
            rows.append((text, indent + hanging, line.bold))
    end = top - 2 * _PAD - leading * len(rows) if bottom is None else bottom
    if not draw:
        return end
    axes.add_patch(
        Rectangle((left, end), right - left, top - end, facecolor="white", edgecolor=EDGE, linewidth=0.8)
    )
    if arm is not None:  # the arm's colour and dash, as in every figure
        axes.plot([left, right], [top, top], linewidth=2.6, solid_capstyle="butt", **arm_style(arm))
    for number, (text, indent, bold) in enumerate(rows):
        axes.text(
            (left + right) / 2 if centred else left + _PAD + indent,
            top - _PAD - leading * (number + 0.5),
            text,
            ha="center" if centred else "left",
            va="center_baseline",
            fontsize=layout.font_size,
            fontweight="bold" if bold else "normal",
            color=INK,
        )
    return end


def _arrow(axes: "Axes", start: tuple[float, float], end: tuple[float, float]) -> None:
    how = {
        "arrowstyle": "-|>",
        "color": EDGE,
        "linewidth": 1.0,
        "shrinkA": 0,
        "shrinkB": 0,
        "mutation_scale": 9,
    }
    axes.annotate("", xy=end, xytext=start, arrowprops=how)


@cache
def _wrapped(text: str, room: float, font_size: float, *, bold: bool) -> tuple[str, ...]:
    """Text on lines no wider than `room` inches; a word that is wider stands alone. ``(n = 5)`` is one word."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    font = FontProperties(weight="bold" if bold else "normal", size=font_size)

    def fits(words: str) -> bool:
        width = room * 70  # a screen draws letters a little wider than their outlines
        path = TextPath((0, 0), words, prop=font)
        x = path.vertices[:, 0]
        # Control points enclose a curve, and corners lie on it: its own extent, which is slow, is seldom needed.
        if np.ptp(x) <= width or np.ptp(x[path.codes <= path.LINETO]) > width:
            return bool(np.ptp(x) <= width)
        return bool(path.get_extents().width <= width)

    lines = [""]
    for gap, word in units(text):
        longer = f"{lines[-1]}{gap}{word}".strip(" ")
        if not lines[-1] or fits(longer):
            lines[-1] = longer
        else:
            lines.append(word)
    return tuple(lines)
