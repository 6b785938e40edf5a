"""Who was randomised when: counts, the largest gap between the groups, and their growth over time."""

from html import escape

import numpy as np
import pandas as pd

from esld.data.study import Study
from esld.report.drawing import figures
from esld.report.drawing.figures import Picture
from esld.report.phrases import whole
from esld.report.randomised import order_of_entry
from esld.report.results import Reported
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import arm_in_prose, joined


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
    about = {"count": every.n or 0, "n": whole(every)}
    if not study.shows_arms:
        return message("entry.pooled", view=message(f"cut.view.{study.cut.view}"), **about)
    rows = [assigned.row("randomised", arm) for arm in study.arms]
    arms = joined(message("entry.arm", n=whole(r), arm=escape(arm_in_prose(r.arm))) for r in rows)
    gap = message("entry.gap", gap=whole(assigned.row("largest gap")))
    return f"{message('entry', arms=arms, **about)} {gap}"


def headline(study: Study, assigned: Reported) -> str:
    """The finding as a title: the largest gap between the groups, or how many entered where the view shows none."""
    key, what = (
        ("entry.finding", "largest gap") if study.shows_arms else ("entry.randomised", "all randomised")
    )
    return message(key, count=int(assigned.row(what).value or 0))


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
        label = message("entry.legend", arm=arm_label(arm), n=len(days))
        axes.step(when, counts, where="post", label=label, **figures.arm_style(position))
        ends.append(len(days))
    figures.date_axis(axes)
    axes.set(ylim=(0, 1.12 * max(ends)), ylabel=message("enrolment.axis"))
    axes.legend(loc="upper left", fontsize=8.5)
    figures.entitle(figure, title)
    from_to = {
        "first": f"{entered['RANDDT'].iloc[0]:%Y-%m-%d}",
        "last": f"{entered['RANDDT'].iloc[-1]:%Y-%m-%d}",
    }
    if study.shows_arms:
        pairs = zip(ends, study.arms, strict=False)
        arms = joined(message("entry.arm", n=n, arm=arm_label(arm)) for n, arm in pairs)
        alt = message("entry.alt", arms=arms, **from_to)
    else:
        alt = message("entry.alt.pooled", n=ends[0], **from_to)
    return figures.settled("entry", figure, alt)
