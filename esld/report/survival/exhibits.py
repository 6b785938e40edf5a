"""Tables and figures of the chapter: an analysis each, or an endpoint each."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from esld.report import disclosure, numbers
from esld.report.chapter import Chapter
from esld.report.drawing.axes import time_axis
from esld.report.phrases import lost_words, method_words, points, points_noun, span, whole
from esld.report.results import difference_row, rows_of, slug
from esld.report.survival.analyses import AtHorizon, Found, analysed, farthest
from esld.report.survival.curves import survival_curves
from esld.report.survival.tables import curve_table, ending_table, milestone_table
from esld.report.survival.tables import points as days_of
from esld.report.words.catalogue import message
from esld.report.words.grammar import as_prose, joined, of_group, period
from esld.survival import KaplanMeier, milestone


def endings(chapter: Chapter) -> Iterator[Any]:
    """What ended each patient's time, of each endpoint that is analysed."""
    study = chapter.study
    first = {
        a.endpoint: a for a in reversed(study.protocol.analyses) if a.chapter == chapter.name and a.endpoint
    }
    plain = {"censoring": "last contact", "analysis_set": "ITTFL", "stratified": False}
    for place, endpoint in enumerate(e for e in study.protocol.endpoints if e.paramcd in first):
        own = analysed(chapter, first[endpoint.paramcd].model_copy(update=plain))
        id = f"time_endings_{slug(endpoint.paramcd)}" if place else "time_endings"
        yield chapter.table(ending_table(own.times, arms=study.arms, id=id, what=endpoint.param))


def horizons(chapter: Chapter, found: Sequence[AtHorizon]) -> Iterator[Any]:
    """Who was free of the event by each day: each planned analysis with its variants."""
    plans = [one for one in found if one.of.plan.of is None]
    for own in plans:
        blocks = [own, *(one for one in found if one.of.plan.of == own.of.plan.id and one.at == own.at)]
        id = f"milestone_{slug(own.of.plan.id)}" if own.of is not plans[0].of else "milestone"
        id += own.suffix
        yield chapter.table(milestone_table([one.block for one in blocks], own.of.event, id))


def curves(chapter: Chapter, found: Sequence[Found], *, ticks: Sequence[float]) -> Iterator[Any]:
    """The figure of every planned curve, to the farthest day of an analysis of its endpoint; and what came after."""
    study = chapter.study
    for one in (one for one in found if one.of.plan.of is None):
        plan, event = one.of.plan, one.of.event
        param, id = study.protocol.endpoint(str(plan.endpoint)).param, _id_of(one)
        end = max(farthest(study.protocol, str(plan.endpoint)), *ticks, 0)
        by_arm = _published(chapter, one.result, farthest(study.protocol, str(plan.endpoint)))
        mark, inside = _compared(one)
        lost = int((one.of.times["CNSR"].ne(0) & one.of.times["time"].lt(mark or end)).sum())
        about = {
            "what": param,
            "horizon": period(end),
            "lost": lost_words(lost, len(one.of.times), mark or end),
        }
        title = message("curves.title" if len(by_arm) > 1 else "curves.title.pooled", **about)
        yield chapter.figure(
            survival_curves(
                by_arm, arms=study.arms, id=id, title=title, free=event.free, end=end, mark=mark if mark != end else None,
                inside=inside, legend=_legend(one, marked=mark not in (None, end)),
                alt=message("curves.alt", finding=as_prose((message("list.stop", text=title), inside))),
                axis=time_axis(end, ticks=ticks),
            )
        )  # fmt: skip
        yield chapter.say("" if study.cut.published else beyond_words(one, end))


def _published(chapter: Chapter, curves: dict[str, KaplanMeier], end: float) -> dict[str, KaplanMeier]:
    """The curves as a public report draws them: known at a few days, between which nobody can tell when something happened."""
    rules = chapter.study.cut.published
    if rules is None:
        return curves
    days = disclosure.points(end, rules.days)
    return {arm: _at(curve, days) for arm, curve in curves.items()}


def _at(curve: KaplanMeier, days: disclosure.Floats) -> KaplanMeier:
    """A curve that steps at these days alone; who leaves between two of them, leaves at the second."""
    known, counts = curve.at(days, extend=True), curve.counts(days)
    events, censored = (np.diff(counts[name].to_numpy(int), prepend=0) for name in ("events", "censored"))
    gone = np.cumsum(events + censored)
    return replace(
        curve,
        times=days,
        n_risk=curve.n - np.concatenate(([0], gone[:-1])),
        n_event=events,
        n_censor=censored,
        survival=known["survival"].to_numpy(float),
        std_err=known["std_err"].to_numpy(float),
        lower=known["lower"].to_numpy(float),
        upper=known["upper"].to_numpy(float),
        events=int(events.sum()),
        max_time=float(days[-1]),
    )


def _legend(one: Found, *, marked: bool) -> str:
    """What the steps, the bands and the marks are; every curve is made alike."""
    curve = next(iter(one.result.values()))
    how = {"level": numbers.level(curve.conf_level), "method": method_words(curve.method)}
    said = [message("legend.survival", free=one.of.event.free, **how)]
    said += [message("legend.marked")] if marked else []
    if one.of.chapter.study.cut.published:
        said.append(message("public.legend.curves"))
    return as_prose(said)


def curve_tables(chapter: Chapter, found: Sequence[Found]) -> Iterator[Any]:
    """The table of every planned curve."""
    study = chapter.study
    for one in (one for one in found if one.of.plan.of is None):
        plan = one.of.plan
        param = study.protocol.endpoint(str(plan.endpoint)).param
        how = {"id": _id_of(one), "title": message("curves.table", what=param)}
        days = days_of(study.protocol, plan)
        yield chapter.table(
            curve_table(one.reported, one.result, days, event=one.of.event, arms=study.arms, **how)
        )


def _id_of(curve: Found) -> str:
    return curve.reported.rows[0].result_id.partition(".")[0]


def beyond_words(one: Found, end: float) -> str:
    """What happened after the end of the figure among those who were followed on; nothing where nobody was."""
    times = one.of.times
    after = times[times["time"] > end]
    if after.empty:
        return ""
    rows = [
        {
            "group": arm,
            "statistic": "events_beyond",
            "value": int((own & after["event"]).sum()),
            "n": int(own.sum()),
        }
        for arm in one.of.arms
        for own in [after["arm"].eq(arm)]
    ]
    frame = pd.DataFrame(rows).assign(time=end, unit="patients", method="count")
    reported = one.of.hand_over("beyond", frame)
    arms = [
        message("curves.beyond.arm", events=whole(row), n=span(row, str(row.n)), arm=of_group(row.arm))
        for row in reported.rows
        if row.n
    ]
    return message("curves.beyond", horizon=period(end), arms=joined(arms), **one.of.event.html)


def _compared(one: Found) -> tuple[float | None, str]:
    """The day of the planned analysis at a day of the same times, and its difference with its interval, as plain text."""
    keys = ("endpoint", "censoring", "analysis_set")
    alike = (
        plan
        for plan in one.of.chapter.study.protocol.of_kind("milestone")
        if all(getattr(plan, key) == getattr(one.of.plan, key) for key in keys)
    )
    plan = next(alike, None)
    if plan is None:
        return None, ""
    at = plan.day
    assert at is not None
    if len(one.of.pairs) != 1:
        return at, ""
    result = milestone(**one.of.of(one.of.pairs[0]), at=at)
    row = difference_row(rows_of("difference", result, analysis=plan.id, chapter=one.of.chapter.name))
    if row.value is None or row.lower is None or row.upper is None:
        return at, ""
    value, lower, upper = (points(row, x) for x in (row.value, row.lower, row.upper))
    level = numbers.level(result.groups[0].survival.conf_level)
    about = {
        "horizon": period(at),
        "value": value,
        "points": points_noun(value),
        "lower": lower,
        "upper": upper,
    }
    return at, message("curves.inside", level=level, **about)
