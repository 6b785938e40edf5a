"""The dot plot of adverse events: the share of patients with each term by group, and the differences between groups beside it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from esld.data.study import Study
from esld.report import numbers
from esld.report.drawing import figures
from esld.report.lines import in_lines
from esld.report.phrases import Sentence
from esld.report.results import Reported
from esld.report.safety.adverse_events import NOT_CODED, AdverseEvents, by_frequency
from esld.report.safety.counted import share
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import arm_in_prose, as_prose, joined
from esld.survival import risk_difference

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST, FEWEST = 15, 2  # terms that are drawn, and patients whom one must have
_MARKERS = ("o", "s", "v", "P")


def terms(found: AdverseEvents) -> list[str]:
    """The terms that are drawn: those of two or more patients, the most frequent first, and no more than fit."""
    patients = found.events.groupby("TERM")["USUBJID"].nunique()
    often = [term for term in by_frequency(found.events, "TERM") if patients[term] >= FEWEST]
    return often[:MOST]


def _pairs(study: Study, found: AdverseEvents) -> list[tuple[str, str]]:
    """The control with each other group, where both have anybody; none where groups are not compared."""
    pairs = study.pairs if study.compares else []
    return [pair for pair in pairs if all(found.group.size(arm) for arm in pair)]


def dot_rows(study: Study, found: AdverseEvents) -> pd.DataFrame:
    """Long form: by term and group the patients with it, and by pair the difference with limits (Miettinen and Nurminen).

    A row of a pair has the group ``second - first``. There are no p-values.
    """
    parts = [pd.DataFrame(columns=["group", "statistic", "value"])]
    for term in terms(found):
        own = found.events[found.events["TERM"].eq(term)]
        x = {arm: own.loc[own["GROUP"].eq(arm), "USUBJID"].nunique() for arm in found.group.arms}
        n = {arm: found.group.size(arm) for arm in found.group.arms}
        parts += [share(term, arm, x[arm], n[arm], conf_level=found.conf_level) for arm in found.group.arms]
        for first, second in _pairs(study, found):
            gap = risk_difference(x[second], n[second], x[first], n[first], conf_level=found.conf_level)
            frame = gap.to_frame(group=f"{second} - {first}")
            parts.append(
                frame[frame["statistic"].eq("risk_difference")].assign(statistic=term, unit="patients")
            )
    return pd.concat(parts[1:] or parts, ignore_index=True)


def dot_figure(study: Study, found: AdverseEvents, reported: Reported) -> figures.Picture | Sentence:
    """Shares on the left and, where groups are compared, differences on the right; a sentence where no term is frequent."""
    names, pairs = terms(found), _pairs(study, found)
    if not names:
        return Sentence(message("safety.dots.none"))
    figure = figures.new_figure(1.25 + 0.3 * len(names))
    axes = figure.subplots(1, 2 if pairs else 1, sharey=True, squeeze=False)[0]
    for place, arm in enumerate(arm for arm in found.group.arms if found.group.size(arm)):
        values = [100 * (reported.row(term, arm).value or 0) for term in names]
        axes[0].plot(
            values, [y + _aside(place) for y in range(len(names))], _MARKERS[place % len(_MARKERS)],
            color=figures.COLOURS[study.arms.index(arm) % len(figures.COLOURS)], label=arm_label(arm), markersize=5.5,
        )  # fmt: skip
    axes[0].set(xlabel=message("safety.dots.share"), ylim=(len(names) - 0.4, -0.6), xlim=(-3, 103))
    labels = [message("safety.terms.not_coded") if name == NOT_CODED else name for name in names]
    axes[0].set_yticks(range(len(names)), labels, fontsize=8.5)
    for place, (first, second) in enumerate(pairs):
        _draw_differences(axes[1], names, reported, f"{second} - {first}", place, study.arms.index(second))
    if pairs:
        axes[1].axvline(0, color="#999999", linewidth=0.8, linestyle=(0, (2, 2)))
        axes[1].set(xlabel=in_lines(_axis_of_differences(pairs), 34))
    if len(found.group.arms) > 1:
        axes[0].legend(loc="lower right", fontsize=8)
    legend = message("legend.dots")
    if pairs:
        legend = as_prose([legend, message("legend.dots.difference", level=numbers.level(found.conf_level))])
    return figures.settled(
        "adverse_event_dots", figure, _alt(found, reported, names, bool(pairs)),
        title=message("safety.dots.title", fewest=FEWEST), legend=legend,
    )  # fmt: skip


def _aside(place: int) -> float:
    return 0.16 * place


def _draw_differences(
    axes: "Axes", names: Sequence[str], reported: Reported, pair: str, place: int, arm: int
) -> None:
    colour = figures.COLOURS[arm % len(figures.COLOURS)]
    for y, term in enumerate(names):
        row = reported.row(term, pair)
        at = y + _aside(place)
        if row.lower is not None and row.upper is not None:
            axes.plot([100 * row.lower, 100 * row.upper], [at, at], color=colour, linewidth=1.4)
        axes.plot([100 * (row.value or 0)], [at], "D", color=colour, markersize=4)


def _axis_of_differences(pairs: Sequence[tuple[str, str]]) -> str:
    if len(pairs) == 1:
        first, second = pairs[0]
        return message("safety.dots.difference", first=arm_in_prose(first), second=arm_in_prose(second))
    return message("safety.dots.differences", first=arm_in_prose(pairs[0][0]))


def _alt(found: AdverseEvents, reported: Reported, names: Sequence[str], compared: bool) -> str:
    shares = [
        message("safety.dots.alt.term", term=term, counts=joined(
            message("safety.dots.alt.arm", x=reported.row(term, arm).events, n=found.group.size(arm), arm=arm_in_prose(arm))
            for arm in found.group.arms if found.group.size(arm)
        ))
        for term in names
    ]  # fmt: skip
    key = "safety.dots.alt.compared" if compared else "safety.dots.alt"
    return message(key, terms=message("reasons.list").join(shares))
