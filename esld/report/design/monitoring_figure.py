"""The boundaries of the planned looks, and what was observed between them."""

from math import isfinite

from esld.operating import BinaryDesign
from esld.report import numbers
from esld.report.design.monitoring import Stand
from esld.report.drawing.figures import COLOURS, INK, Picture, new_figure, settled
from esld.report.event import Event
from esld.report.looks import Looks
from esld.report.words.catalogue import message
from esld.report.words.grammar import of_group

_WIDTH = 5.2  # inches, as of the curves: to be read on a phone


def monitoring_figure(
    design: BinaryDesign, looks: Looks, event: Event, stand: Stand | None = None
) -> Picture:
    """A line a side through the boundary of each look, the futility between them, and a dot for what was observed."""
    bayesian = looks.plan.boundary == "bayesian"
    n = [a + b for a, b in zip(design.n1, design.n2, strict=True)]
    figure = new_figure(3.1, _WIDTH)
    axes = figure.subplots()
    axes.axhline(0, color="#888888", linewidth=0.7)
    high = design.boundaries.critical if bayesian else design.critical
    low = tuple(-z for z in high) if bayesian else design.critical_lower
    for name, side in (("upper", high), ("lower", low))[: design.boundaries.sided]:
        there = [(x, z) for x, z in zip(n, side, strict=True) if isfinite(z)]
        if there:
            axes.plot(*zip(*there, strict=True), marker="s", markersize=5, color=INK, gid=name)
    futile = [(x, f) for x, f in zip(n, design.boundaries.futility, strict=True) if isfinite(f)]
    for x, f in futile:
        under = -f if design.boundaries.sided == 2 else min(-3.0, f)
        axes.vlines(x, under, f, color="#C9C9C9", linewidth=10, zorder=0)
    seen = [(n[k], stand.z(k + 1)) for k in range(len(stand.counts))] if stand else []
    if seen:
        axes.plot(*zip(*seen, strict=True), marker="o", markersize=8, color=COLOURS[0], gid="observed")
    axes.set_xticks(n)
    axes.set(xlim=(min(n) - 2, max(n) + 1), xlabel=message("monitoring.axis.n"))
    axes.set_ylabel(message("monitoring.axis.probability" if bayesian else "monitoring.axis.z"))
    told = [
        message("monitoring.figure.alt.at", look=k, value=numbers.fixed(z, 2))
        for k, (_, z) in enumerate(seen, 1)
    ]
    observed = "; ".join(told) or message("monitoring.figure.alt.none")
    alt = message("monitoring.figure.alt", looks=design.looks, observed=observed)
    about = {"arm": of_group(stand.arms[0]), **event.plain} if stand else {}
    legend = message("monitoring.figure.legend" if stand else "monitoring.figure.legend.none", **about)
    return settled("monitoring", figure, alt, title=message("monitoring.figure"), legend=legend)
