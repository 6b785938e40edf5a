"""Tables and figures of the chapter: an analysis each, or an endpoint each."""

from collections.abc import Iterator, Sequence
from typing import Any

from esld.report.chapter import Chapter
from esld.report.drawing.axes import time_axis
from esld.report.results import rows_of, slug
from esld.report.survival.analyses import AtHorizon, Found, analysed
from esld.report.survival.curves import survival_curves
from esld.report.survival.sentences import headline
from esld.report.survival.tables import curve_table, ending_table, milestone_table, points
from esld.report.words.catalogue import message
from esld.survival import milestone


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
    """Who was free of the event at the horizon: each planned analysis with its variants."""
    plans = [one for one in found if one.of.plan.of is None]
    for place, own in enumerate(plans):
        blocks = [own, *(one for one in found if one.of.plan.of == own.of.plan.id)]
        id = f"milestone_{slug(own.of.plan.id)}" if place else "milestone"
        yield chapter.table(milestone_table([one.block for one in blocks], own.of.event, id))


def curves(chapter: Chapter, found: Sequence[Found], *, ticks: Sequence[float]) -> Iterator[Any]:
    """Figure and table of every planned curve."""
    protocol = chapter.study.protocol
    for one in (one for one in found if one.of.plan.of is None):
        plan, event, by_arm = one.of.plan, one.of.event, one.result
        param, id = (
            protocol.endpoint(str(plan.endpoint)).param,
            one.reported.rows[0].result_id.partition(".")[0],
        )
        title = message("curves.title" if len(by_arm) > 1 else "curves.title.pooled", what=param)
        mark, said = _finding(chapter, one)
        reach = max(curve.max_time for curve in by_arm.values())
        yield chapter.figure(
            survival_curves(
                by_arm, arms=chapter.study.arms, id=id, title=said or title, free=event.free, mark=mark,
                alt=message("curves.alt", what=param, finding=said or title),
                axis=time_axis(mark or protocol.horizon_days, reach=reach, ticks=ticks),
            )
        )  # fmt: skip
        days, how = points(protocol, plan), {"id": id, "title": param}
        table = curve_table(one.reported, by_arm, days, event=event, arms=chapter.study.arms, **how)
        yield chapter.table(table)


def _finding(chapter: Chapter, one: Found) -> tuple[float | None, str]:
    """The day and the finding of the planned analysis at a horizon of the same times; nothing where there is none."""
    keys = ("endpoint", "censoring", "analysis_set")
    alike = (
        plan
        for plan in chapter.study.protocol.of_kind("milestone")
        if all(getattr(plan, key) == getattr(one.of.plan, key) for key in keys)
    )
    plan = next(alike, None)
    if plan is None:
        return None, ""
    result = milestone(**one.of.of(one.of.arms), at=plan.milestones_days[0])
    reported = rows_of("headline", result, analysis=plan.id, chapter=chapter.name)
    return plan.milestones_days[0], headline(result, reported, one.of.event)
