"""How sceptical a reader must be for the answer to change: the tipping point, with its curve."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import pandas as pd

from esld import operating
from esld.longform import Estimate
from esld.operating import Linked
from esld.report import numbers
from esld.report.belief.asked import Asked, Pair, between
from esld.report.belief.words import probable
from esld.report.cells import Number, number
from esld.report.drawing.figures import COLOURS, INK, Picture, new_figure, settled
from esld.report.phrases import span
from esld.report.results import Reported, slug
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import arm_in_prose, as_prose, treatment

SIZES = (1, 5, 10, 20, 50, 100)  # patients that the sceptics of the table are worth
LEVELS = (0.9, 0.75, 0.6)  # beside the threshold of the protocol
_WIDTH = 5.2


@dataclass(frozen=True, kw_only=True)
class Sceptics:
    """Sceptics of every strength, of one comparison.

    Attributes
    ----------
    of : Asked
    pair : tuple of str
        The arm that did worse, then the one that did better; as they stand where they did alike.
    points : dict of float to TippingPoint
        By level, the highest first.
    reported : Reported
    """

    of: Asked
    pair: Pair
    points: dict[float, operating.TippingPoint]
    reported: Reported

    @property
    def alike(self) -> bool:
        """Whether neither arm did better."""
        x1, n1, x2, n2 = self.of.table(self.pair)
        return x1 * n2 == x2 * n1


def sceptics(own: Asked) -> list[Sceptics]:
    """The sceptics of every comparison of which somebody counts in both arms."""
    made = []
    for pair in own.counted_pairs:
        x1, n1, x2, n2 = own.table(pair)
        ahead = pair if x2 * n1 >= x1 * n2 else (pair[1], pair[0])
        levels = sorted({own.belief.threshold, *LEVELS}, reverse=True)
        points = {level: operating.tipping_point(*own.table(ahead), threshold=level) for level in levels}
        reported = own.hand_over("sceptics", _rows(own, ahead, points), pair)
        made.append(Sceptics(of=own, pair=ahead, points=points, reported=reported))
    return made


def _rows(own: Asked, ahead: Pair, points: dict[float, operating.TippingPoint]) -> pd.DataFrame:
    """Long form: what sceptics of a few strengths believe, what each expected, and the tipping points that there are."""
    x1, n1, x2, n2 = own.table(ahead)
    about = {"group": between(ahead), "time": own.day, "n": n1 + n2, "events": x1 + x2}
    rows = []
    for size in SIZES:
        prior = Linked(size=size)
        better = float(operating.chance_better([x1], n1, [x2], n2, second=prior)[0, 0])
        before = _expected(size)
        rows.append(
            {"statistic": f"sceptic_{size}", "value": better, "method": "beta-binomial, quadrature", **about}
        )
        rows.append(
            {
                "statistic": f"sceptic_{size}_expects", "value": before.value, "lower": before.lower, "upper": before.upper,
                "method": before.method, **about,
            }
        )  # fmt: skip
    for level, point in points.items():
        frame = point.to_frame()
        worth = float(frame["value"].iloc[0])
        if 0 < worth < float("inf"):
            method = frame["method"].iloc[0]
            rows.append(
                {
                    "statistic": slug(f"tipping {level:g}"),
                    "value": worth,
                    "unit": "patients",
                    "method": method,
                    **about,
                }
            )
    return pd.DataFrame(rows)


@cache
def _expected(size: float) -> Estimate:
    """The difference that a sceptic expects before the data."""
    return operating.belief(0, 0, 0, 0, second=Linked(size=size)).difference


def tipping_words(found: Sequence[Sceptics]) -> str:
    """Where the answer tips, of each comparison."""
    return as_prose(_words(one) for one in found)


def _words(one: Sceptics) -> str:
    first, second = map(treatment, one.pair)
    if one.alike:
        return message("belief.sceptics.alike", first=first, second=second)
    words = {"first": first, "second": second}
    said = [message("belief.sceptics.mild", better=probable(one.reported.row("sceptic_1")), **words)]
    never, always = list[str](), list[str]()
    for level, point in one.points.items():
        row = one.reported.find(slug(f"tipping {level:g}"))
        if row is not None and row.value is not None:
            size = span(row, numbers.fixed(row.value, 0 if row.value >= 10 else 1))
            said.append(message("belief.sceptics.tips", level=numbers.level(level), size=size))
        else:
            (always if point.probability[-1] > level else never).append(numbers.level(level))
    # The levels come highest first: who never passes the lowest passes none above it, and the other way round.
    for key, levels in (("never", never[-1:]), ("always", always[:1])):
        said += [message(f"belief.sceptics.{key}", level=level) for level in levels]
    return as_prose(said)


def sceptic_table(one: Sceptics) -> Table:
    """What sceptics of a few strengths expect before the data, and believe after them."""
    row = one.reported.row
    first, second = map(arm_in_prose, one.pair)
    lines = []
    for size in SIZES:
        expects = row(f"sceptic_{size}_expects")
        half = Number(expects.upper, 0, "points", expects.result_id)
        lines.append(
            {
                "worth": Number(size),
                "within": half,
                "better": number(row(f"sceptic_{size}"), style="probability"),
            }
        )
    heads = {"better": message("belief.chance.better", second=arm_label(one.pair[1]))}
    notes = (message("belief.sceptics.note", first=first, second=second),)
    id = _id("belief_sceptics", one)
    return Table(
        id, message("belief.sceptics.title", first=first, second=second), lines, footnotes=notes, heads=heads
    )


def _id(stem: str, one: Sceptics) -> str:
    other = next(own for own in one.of.pairs if set(own) == set(one.pair))[1]
    return stem if len(one.of.pairs) == 1 else f"{stem}_{slug(other)}"


def figures(found: Sequence[Sceptics]) -> list[Picture]:
    """The figure of each comparison of which one arm did better."""
    return [sceptic_figure(one) for one in found if not one.alike]


def sceptic_figure(one: Sceptics) -> Picture:
    """The probability that the arm ahead is better against the strength of the sceptic."""
    figure = new_figure(2.9, _WIDTH)
    axes = figure.subplots()
    point = next(iter(one.points.values()))
    axes.plot(point.sizes, 100 * point.probability, color=COLOURS[0])
    for level in one.points:
        axes.axhline(100 * level, color="#999999", linewidth=0.8, linestyle=(0, (2, 2)))
    for level, own in one.points.items():
        if 0 < own.size < float("inf"):
            axes.plot([own.size], [100 * level], "o", color=INK, markersize=5)
    axes.set_xscale("log")
    axes.set(
        xlim=(0.25, 512),
        ylim=(48, 101),
        ylabel=message("belief.sceptics.y"),
        xlabel=message("belief.sceptics.x"),
    )
    ticks = (1, 5, 20, 100, 500)
    axes.set_xticks(ticks, [f"{own}" for own in ticks])
    axes.set_xticks([], minor=True)
    first, second = map(arm_in_prose, one.pair)
    title = message("belief.sceptics.figure", first=first, second=second)
    each = message("reasons.list").join(
        message(
            "belief.sceptics.alt.one",
            size=size,
            better=numbers.probability(one.reported.row(f"sceptic_{size}").value),
        )
        for size in SIZES
    )
    pair = next(own for own in one.of.pairs if set(own) == set(one.pair))
    alt = message("belief.sceptics.alt", title=title, each=each)
    return settled(
        one.of.name("sceptics", pair), figure, alt, title=title, legend=message("belief.sceptics.legend")
    )
