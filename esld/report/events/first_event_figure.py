"""The curves of first events: cumulative incidence, one panel an endpoint."""

from collections.abc import Sequence

from esld.data.study import Study
from esld.report import numbers
from esld.report.drawing.axes import time_axis
from esld.report.drawing.event_curves import EventCurve, event_curves
from esld.report.drawing.figures import Picture
from esld.report.events.first_events import EVENT, FirstEvents, at_risk_key, worse_key
from esld.report.events.planned import Found, competing_words, members
from esld.report.phrases import (
    lost_words,
    method_words,
)
from esld.report.words.catalogue import message
from esld.report.words.grammar import as_prose, capitalised, period
from esld.survival import (
    CumulativeIncidence,
)


def figure(study: Study, found: Found[FirstEvents], *, id: str, ticks: Sequence[float]) -> Picture:
    """Cumulative incidence of each first event, one panel an endpoint."""
    axis = time_axis(found.horizon, ticks=ticks)
    panels = {
        first.name: {arm: _curve(c, axis.ticks) for arm, c in first.curves.items()}
        for first, _ in found.results.values()
    }
    endpoints = [first.endpoint for first, _ in found.results.values()]
    title = message(
        worse_key("events.first.figure", endpoints),
        horizon=period(found.horizon),
        lost=_lost(study, found),
    )
    alt = message("events.first.figure.alt", title=title)
    if competing := competing_words(endpoints):
        alt = as_prose([alt, message("events.first.figure.competing", what=capitalised(competing))])
    return event_curves(
        panels,
        arms=study.arms,
        id=id,
        title=found.titled(title),
        alt=alt,
        legend=_legend(found),
        label=message(worse_key("events.first.figure.axis", endpoints)),
        axis=axis,
        at_risk=message(at_risk_key(endpoints)),
        percent=True,
    )


def _legend(found: Found[FirstEvents]) -> str:
    """What the bands are: every curve is made alike."""
    curves = [curve for first, _ in found.results.values() for curve in first.curves.values()]
    if not curves:
        return ""
    own = {"level": numbers.level(curves[0].conf_level), "method": method_words(curves[0].method)}
    return message("legend.incidence", **own)


def _lost(study: Study, found: Found[FirstEvents]) -> str:
    """How many follow-up left before the day without any ending, of how many."""
    every = [own for first, _ in found.results.values() for own in first.lost.values()]
    return lost_words(len(set().union(*every)), len(members(study, found.plan)), found.horizon)


def _curve(curve: CumulativeIncidence, ticks: Sequence[float]) -> EventCurve:
    step = curve.step().rename(columns={"incidence": "value"})
    at_risk = curve.counts(list(ticks))
    own = at_risk[at_risk["cause"].eq(EVENT)]
    return EventCurve(step[step["cause"].eq(EVENT)], [int(n) for n in own["n_risk"]])
