"""A forest plot: an effect with its interval in all patients and in each subgroup, one line each."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from esld.report.drawing.figures import COLOURS, INK, Picture, new_figure, settled


@dataclass(frozen=True, kw_only=True)
class ForestLine:
    """One line: a heading alone, or a label with its effect.

    Attributes
    ----------
    label : str
        What is shown: all patients, a level; of a heading the factor.
    n : int
        Patients, of which the size of the mark tells.
    value, lower, upper : float or None
        The effect and its limits; None where there is none.
    text : str
        The effect as the table writes it.
    heading : bool
        Whether it only heads the lines below.
    """

    label: str
    n: int = 0
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    text: str = ""
    heading: bool = False


def forest(
    lines: Sequence[ForestLine], *, id: str, title: str, alt: str, legend: str = "", axis: str, ratios: bool
) -> Picture:
    """The plot, from top to bottom in the order of the lines.

    Parameters
    ----------
    lines : sequence of ForestLine
    id, title, alt, legend : str
        Id of the figure, what it shows, the words for those who do not see it, and what its marks are.
    axis : str
        What the axis is of.
    ratios : bool
        Whether effects are ratios: then the scale is logarithmic and the line without an effect at 1, else at 0.
    """
    figure = new_figure(1.05 + 0.3 * len(lines))
    axes = figure.subplots()
    most = max((line.n for line in lines), default=1) or 1
    axes.axvline(1 if ratios else 0, color="#999999", linewidth=0.8, linestyle=(0, (2, 2)))
    for place, line in enumerate(lines):
        if line.lower is not None and line.upper is not None:
            axes.plot([line.lower, line.upper], [place, place], color=COLOURS[0], linewidth=1.4)
        if line.value is not None:
            size = 3 + 6 * sqrt(line.n / most)
            axes.plot([line.value], [place], "s", color=COLOURS[0], markersize=size)
        beside = axes.get_yaxis_transform()
        axes.text(1.02, place, line.text, transform=beside, va="center", fontsize=8.5, color=INK)
    if ratios:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_formatter(lambda value, _: "")
    axes.set_yticks(range(len(lines)), [line.label for line in lines], fontsize=8.5)
    for text, line in zip(axes.get_yticklabels(), lines, strict=True):
        text.set_fontweight("bold" if line.heading else "normal")
    axes.set(ylim=(len(lines) - 0.4, -0.6), xlabel=axis)
    axes.grid(axis="y", visible=False)
    return settled(id, figure, alt, title=title, legend=legend)
