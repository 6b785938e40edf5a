"""Entry into the trial over calendar time."""

import numpy as np
import pandas as pd

from esld.data.cutfile import ALL
from esld.data.study import Study
from esld.report.drawing.figures import Picture, date_axis, new_figure, settled
from esld.report.phrases import whole
from esld.report.results import Reported
from esld.report.words.catalogue import message
from esld.report.words.grammar import on_day


def said(study: Study, counts: Reported) -> str:
    """How many were randomised and, unless the report is public, when the last one was."""
    row = counts.row("randomised", ALL)
    about = {"count": row.n or 0, "n": whole(row), "planned": study.protocol.target_enrolment}
    if study.cut.published:
        return message("enrolment.said.public", **about)
    return message("enrolment.said", last=on_day(study.randomised["RANDDT"].max()), **about)


def enrolment(dates: pd.Series, *, target: int, id: str, title: str, alt: str, legend: str = "") -> Picture:
    """Patients randomised over calendar time, against the target.

    Parameters
    ----------
    dates : Series of datetime64
        Days of randomisation.
    target : int
        Planned number.
    id, title, alt, legend : str
        As everywhere.
    """
    import matplotlib.dates as mdates

    days = dates.sort_values(ignore_index=True)
    figure = new_figure(2.5)
    axes = figure.subplots()
    when = mdates.date2num(pd.concat([days.iloc[:1], days]))  # type: ignore[no-untyped-call]
    axes.step(when, np.arange(len(days) + 1), where="post", color="#444444")
    axes.axhline(target, color="#999999", linewidth=0.9, linestyle=(0, (2, 2)))
    where = ("axes fraction", "data")
    axes.annotate(
        message("enrolment.target", target=target), (0.005, target), xycoords=where, va="bottom", fontsize=8.5
    )
    date_axis(axes)
    axes.set(ylim=(0, 1.12 * max(target, len(days))), ylabel=message("enrolment.axis"))
    return settled(id, figure, alt, title=title, legend=legend)
