"""Who was randomised when: counts, the largest gap between the groups, and their growth over time."""

import numpy as np
import pandas as pd

from esld.data.study import Study
from esld.report import numbers
from esld.report.drawing import figures
from esld.report.drawing.figures import Picture
from esld.report.phrases import prose, span
from esld.report.randomised import order_of_entry
from esld.report.results import Reported, Row
from esld.report.words.catalogue import message
from esld.report.words.grammar import joined


def entry_rows(study: Study) -> pd.DataFrame:
    """Patients of each arm, in all, and the largest difference between the arms at any moment, in long form.

    In a view that shows no arms only how many in all.
    """
    entered = order_of_entry(study)
    about = {"unit": "patients", "method": "count", "n": len(entered)}
    every = {**about, "group": "", "statistic": "all randomised", "value": len(entered)}
    if not study.shows_arms:
        return pd.DataFrame([every])
    rows = [
        {**about, "group": arm, "statistic": "randomised", "value": int(entered["ARMCD"].eq(arm).sum())}
        for arm in study.arms
    ]
    codes = entered["ARMCD"].eq(study.arms[1]).to_numpy()
    gap = int(np.abs(np.cumsum(np.where(codes, 1, -1))).max())
    rows.append(every)
    rows.append({**about, "group": "", "statistic": "largest gap", "value": gap})
    return pd.DataFrame(rows)


def entry_sentence(study: Study, assigned: Reported) -> str:
    """How many were randomised to each arm, and how far apart the arms ever were."""
    every = assigned.row("all randomised")
    were = numbers.noun(every.n or 0, "patient was", "patients were")
    if not study.shows_arms:
        return message("entry.pooled", n=span(every, _whole(every)), patients=were, view=study.cut.view)
    rows = [assigned.row("randomised", arm) for arm in study.arms]
    arms = joined(message("entry.arm", n=span(r, _whole(r)), arm=prose(r.arm)) for r in rows)
    gap = assigned.row("largest gap")
    said = message("entry", n=span(every, _whole(every)), patients=were, arms=arms)
    return f"{said} {message('entry.gap', gap=span(gap, _whole(gap)))}"


def headline(study: Study, assigned: Reported) -> str:
    """The finding as a title: the largest gap between the groups, or how many entered where the view shows none."""
    if not study.shows_arms:
        every = assigned.row("all randomised")
        return f"{_whole(every)} {numbers.noun(every.value or 0, 'patient')} randomised"
    gap = assigned.row("largest gap")
    return f"The groups never differed by more than {_whole(gap)} {numbers.noun(gap.value or 0, 'patient')}"


def entry_figure(study: Study, *, title: str) -> Picture:
    """Patients randomised over calendar time, a step line an arm."""
    import matplotlib.dates as mdates

    entered = order_of_entry(study)
    figure = figures.new_figure(3.0)
    axes = figure.subplots()
    ends = []
    for position, arm in enumerate(study.arms[:2]):
        days = entered.loc[entered["ARMCD"].eq(arm), "RANDDT"]
        when = mdates.date2num(pd.concat([entered["RANDDT"].iloc[:1], days, entered["RANDDT"].iloc[-1:]]))  # type: ignore[no-untyped-call]
        counts = np.concatenate([np.arange(len(days) + 1), [len(days)]])
        axes.step(when, counts, where="post", label=f"{arm} ({len(days)})", **figures.arm_style(position))
        ends.append(len(days))
    figures.date_axis(axes)
    axes.set(ylim=(0, 1.12 * max(ends)), ylabel="Patients randomised")
    axes.legend(loc="upper left", fontsize=8.5)
    figures.entitle(figure, title)
    by_group = " by group" if study.shows_arms else ""
    said = [f"{n} to {arm}" if study.shows_arms else str(n) for n, arm in zip(ends, study.arms, strict=False)]
    alt = (
        f"Patients randomised over time{by_group}, from {entered['RANDDT'].iloc[0]:%Y-%m-%d} to "
        f"{entered['RANDDT'].iloc[-1]:%Y-%m-%d}: {joined(said)}."
    )
    return figures.settled("entry", figure, alt)


def _whole(row: Row) -> str:
    return "" if row.value is None else f"{row.value:.0f}"
