"""The figure of what was believed before the data and is after them: a panel a prior, one under the other."""

from collections.abc import Sequence

import numpy as np

from esld.report import numbers
from esld.report.belief.posterior import Found
from esld.report.drawing.figures import COLOURS, INK, Picture, new_figure, settled
from esld.report.phrases import method
from esld.report.words.catalogue import message
from esld.report.words.grammar import arm_in_prose, as_prose, capitalised

_WIDTH = 5.2  # inches: on the 360 pixels of a phone 9 points are still 9 pixels high
_POINTS = 120  # of a curve; an even number, so that none lies where a density may be infinite
_ROOM = 1.25  # of the highest point of what is believed after the data, which a prior may exceed


def density_figure(found: Sequence[Found]) -> Picture:
    """Prior and posterior of the difference, of one comparison."""
    one = found[0]
    first, second = (arm_in_prose(arm) for arm in one.pair)
    figure = new_figure(0.75 + 1.25 * len(found), _WIDTH)
    grid = figure.subplots(len(found), 1, sharex=True, squeeze=False)[:, 0]
    for axes, each in zip(grid, found, strict=True):
        curves = each.after.densities(_POINTS, of=("difference",))
        before, after = (curves[curves["state"].eq(state)] for state in ("prior", "posterior"))
        x, y = 100 * after["x"].to_numpy(), after["density"].to_numpy()
        better = x > 0
        axes.fill_between(
            [0, *x[better]], [np.interp(0, x, y), *y[better]], color=COLOURS[0], alpha=0.25, lw=0
        )
        axes.plot(x, y, color=COLOURS[0])
        axes.plot(100 * before["x"], before["density"], color=INK, linestyle=(0, (4, 2)), linewidth=1.2)
        margin = 100 * one.of.belief.margin
        axes.axvline(0, color="#999999", linewidth=0.8)
        for side in (-margin, margin):
            axes.axvline(side, color="#999999", linewidth=0.8, linestyle=(0, (2, 2)))
        axes.set(ylim=(0, _ROOM * float(np.max(y))), yticks=[], xlim=(-100, 100))
        axes.spines["left"].set_visible(False)
        axes.set_title(each.prior.label, fontsize=9.5, pad=3)
    grid[-1].set_xlabel(capitalised(message("belief.figure.axis", first=first, second=second)))
    title = message("belief.figure.title", outcome=one.of.good, first=first, second=second)
    words = {"margin": f"{100 * one.of.belief.margin:g}", "second": second, "first": first}
    legend = as_prose(
        (
            message("belief.figure.legend", **words),
            message("milestone.methods", methods=method(one.reported.row("difference"))),
        )
    )
    alt = message("belief.figure.alt", title=title, each=_told(found))
    return settled(one.of.name(pair=one.pair), figure, alt, title=title, legend=legend)


def _told(found: Sequence[Found]) -> str:
    each = [
        message("belief.by", prior=one.prior.label, better=numbers.probability(one.after.better))
        for one in found
    ]
    return message("reasons.list").join(each)
