"""Who was randomised when: counts, the largest gap between the groups, and their growth over time."""

from html import escape

import numpy as np
import pandas as pd

from esld.data.allocated import ledger_of
from esld.data.cutfile import ALL
from esld.data.study import Study
from esld.report import needs, numbers
from esld.report.drawing import figures
from esld.report.drawing.figures import Picture
from esld.report.phrases import span, view_name, whole
from esld.report.randomisation.ledger import check_ledger
from esld.report.randomised import order_of_entry
from esld.report.results import Reported
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import arm_in_prose, as_prose, joined


def entry_rows(study: Study) -> pd.DataFrame:
    """Patients of each arm, in all, and how far apart the arms were at worst, in long form; only how many in all of one arm.

    ``largest gap`` is the largest difference between two arms at any moment; where the planned ratio is unequal,
    ``largest departure`` is the furthest that an arm was from its planned share. Where the allocation list beside the data has
    another day or arm for somebody, or only one of the two has the patient, ``other in the list`` is of how many patients.
    """
    entered = order_of_entry(study)
    about = {"unit": "patients", "method": "count", "n": len(entered)}
    every = {**about, "group": "", "statistic": "all randomised", "value": len(entered)}
    if not study.shows_arms:
        return pd.DataFrame([every])
    counts = np.cumsum([entered["ARMCD"].eq(arm).to_numpy() for arm in study.arms], axis=1)
    rows = [
        {**about, "group": arm, "statistic": "randomised", "value": int(own[-1])}
        for arm, own in zip(study.arms, counts, strict=True)
    ]
    ratio = np.array(study.protocol.ratio)
    if _equal(study):
        furthest = {"statistic": "largest gap", "value": int((counts.max(axis=0) - counts.min(axis=0)).max())}
    else:
        shares = np.outer(ratio / ratio.sum(), np.arange(1, len(entered) + 1))
        furthest = {"statistic": "largest departure", "value": float(np.abs(counts - shares).max())}
    return pd.DataFrame([*rows, every, {**about, "group": "", **furthest}, *_apart(study, about)])


def _apart(study: Study, about: dict[str, object]) -> list[dict[str, object]]:
    ledger = ledger_of(study.file)
    if ledger is None or not (others := int((~check_ledger(study, ledger).frame["agrees"]).sum())):
        return []
    return [{**about, "group": "", "statistic": "other in the list", "value": others}]


def _equal(study: Study) -> bool:
    return len(set(study.protocol.ratio)) == 1


def entry_sentence(study: Study, assigned: Reported) -> str:
    """How many were randomised to each arm, and how far apart the arms ever were."""
    every = assigned.row("all randomised")
    about = {"count": every.n or 0, "n": whole(every)}
    if not study.shows_arms:
        if study.arms != [ALL]:
            return message("entry.single", **about)
        return message("entry.pooled", view=view_name(study), **about)
    rows = [assigned.row("randomised", arm) for arm in study.arms]
    arms = joined(message("entry.arm", n=whole(r), arm=escape(arm_in_prose(r.arm))) for r in rows)
    if _equal(study):
        apart = message("entry.gap", gap=whole(assigned.row("largest gap")))
    else:
        row = assigned.row("largest departure")
        apart = message("entry.departure", gap=span(row, numbers.fixed(row.value, 1)))
    others = [row for row in assigned.rows if row.statistic == "other in the list"]
    said = [message("entry.others", count=int(row.value or 0), n=whole(row)) for row in others]
    return as_prose([message("entry", arms=arms, **about), apart, *said])


def entry_figure(study: Study) -> Picture:
    """Patients randomised over calendar time, a step line an arm; each step is a patient on his or her day."""
    needs.require(study, "single_patients")
    import matplotlib.dates as mdates

    entered = order_of_entry(study)
    figure = figures.new_figure(2.5)
    axes = figure.subplots()
    ends = []
    for position, arm in enumerate(study.arms):
        days = entered.loc[entered["ARMCD"].eq(arm), "RANDDT"]
        when = mdates.date2num(pd.concat([entered["RANDDT"].iloc[:1], days, entered["RANDDT"].iloc[-1:]]))  # type: ignore[no-untyped-call]
        counts = np.concatenate([np.arange(len(days) + 1), [len(days)]])
        label = message("entry.legend", arm=arm_label(arm), n=len(days))
        axes.step(when, counts, where="post", label=label, **figures.arm_style(position))
        ends.append(len(days))
    figures.date_axis(axes)
    axes.set(ylim=(0, 1.12 * max(ends)), ylabel=message("enrolment.axis"))
    axes.legend(loc="upper left", fontsize=8.5)
    from_to = {
        "first": f"{entered['RANDDT'].iloc[0]:%Y-%m-%d}",
        "last": f"{entered['RANDDT'].iloc[-1]:%Y-%m-%d}",
    }
    if study.shows_arms:
        pairs = zip(ends, study.arms, strict=True)
        arms = joined(message("entry.arm", n=n, arm=arm_label(arm)) for n, arm in pairs)
        alt = message("entry.alt", arms=arms, **from_to)
    else:
        alt = message("entry.alt.pooled", n=ends[0], **from_to)
    title = message("entry.title" if study.shows_arms else "entry.title.pooled")
    return figures.settled("entry", figure, alt, title=title, legend=message("legend.entry"))
