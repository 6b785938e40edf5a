"""What figures hide: who counts as free of the event after another event of a wider endpoint, and what the dead died of."""

from collections.abc import Iterator, Sequence
from math import isclose

import pandas as pd

from esld.data import deaths
from esld.data.columns import first_known
from esld.report import numbers
from esld.report.brief import BESIDE, CAUSES, NOT_STATED, cause_words
from esld.report.chapter import Chapter
from esld.report.phrases import Sentence, points, prose, span, whole
from esld.report.planned import is_death
from esld.report.results import Reported, Row, difference_row
from esld.report.survival.analyses import AtHorizon, Found
from esld.report.words.catalogue import message
from esld.report.words.grammar import as_prose, capitalised, joined, noun, of_group, period
from esld.survival import Milestone, risk_difference


def apart_words(one: AtHorizon, curves: Sequence[Found]) -> str:
    """Of each curve of a wider endpoint: how many are free of the narrower event at the horizon only because the other does not
    count, and how many are free of either; nothing where there are none.
    """
    return as_prose(_apart(one, curve) for curve in curves if _is_wider(curve, one))


def widened_words(one: AtHorizon) -> str:
    """What set the limits of each difference where they were widened, and what they would be otherwise; nothing where not."""
    return as_prose((_widened(one, result, reported) for result, reported in one.pairs))


def _widened(one: AtHorizon, result: Milestone, reported: Reported) -> str:
    own, shown = result.unwidened, result.survival_difference
    if own is None or shown is None or result.complete or own.reason or shown.reason:
        return ""
    if (own.lower, own.upper) == (shown.lower, shown.upper):
        return ""
    first, second = result.groups
    x1, x2 = first.best_case.x, second.best_case.x
    alive = risk_difference(x2, second.n, x1, first.n, conf_level=shown.conf_level)
    frame = {
        "group": difference_row(reported).arm,
        "time": result.at,
        "statistic": "survival_difference_unwidened",
    }
    frame |= {"value": own.value, "lower": own.lower, "upper": own.upper, "method": own.method}
    pair = (first.group, second.group)
    rows = one.of.hand_over(
        "milestone_unwidened", pd.DataFrame([frame | {"n": first.n + second.n}]), pair
    ).rows
    ends = {end: span(rows[0], points(rows[0], getattr(rows[0], end))) for end in ("lower", "upper")}
    sides = [end for end in ("lower", "upper") if isclose(getattr(shown, end), getattr(alive, end))]
    key = "both" if len(sides) == 2 else sides[0] if sides else "other"
    return message(f"survival.widened.{key}", **ends, **one.of.event.html)


def _is_wider(curve: Found, one: AtHorizon) -> bool:
    """Whether a curve is of an endpoint that holds every event of the other's, and more."""
    if curve.of.plan.of is not None or curve.of.plan.endpoint is None or one.of.plan.endpoint is None:
        return False
    endpoint = one.of.chapter.study.protocol.endpoint
    wide, narrow = (endpoint(code).events for code in (curve.of.plan.endpoint, one.of.plan.endpoint))
    return len(wide) > len(narrow) and all(source in wide for source in narrow)


def _apart(one: AtHorizon, curve: Found) -> str:
    at, own = one.result.at, one.of
    shares = [row for arm in curve.of.arms if (row := curve.reported.find("survival", arm, at))]
    both = own.times.merge(curve.of.times[["USUBJID", "time", "event"]], on="USUBJID", suffixes=("", "_wide"))
    free = both["time"].gt(at) | (both["time"].ge(at) & ~both["event"])
    had = both[free & both["event_wide"] & both["time_wide"].le(at)]
    if had.empty or len(shares) < len(own.arms):
        return ""
    counts = [
        {
            "group": arm,
            "time": at,
            "statistic": "patients",
            "value": int(had["arm"].eq(arm).sum()),
            "n": int((free & both["arm"].eq(arm)).sum()),
            "unit": "patients",
            "method": "count",
        }
        for arm in own.arms
    ]
    rows = own.hand_over(f"{BESIDE[1:]}_{str(curve.of.plan.endpoint).lower()}", pd.DataFrame(counts)).rows
    protocol = own.chapter.study.protocol
    narrow = protocol.endpoint(str(own.plan.endpoint)).events
    others = [s for s in protocol.endpoint(str(curve.of.plan.endpoint)).events if s not in narrow]
    return message(
        "survival.apart",
        groups=joined(map(_some, (row for row in rows if row.value))),
        other=joined(dict.fromkeys(prose(source.description or "") for source in others)),
        free=own.event.html["free"],
        wide=capitalised(curve.of.event.html["free"]),
        horizon=period(at),
        shares=joined(map(_share, shares)),
    )


def _some(row: Row) -> str:
    patients = noun("patient", row.value or 0)
    return message("brief.group.few", x=whole(row), patients=patients, arm=of_group(row.arm))


def _share(row: Row) -> str:
    return message(
        "survival.apart.share", share=span(row, numbers.percent(row.value, row.n)), arm=of_group(row.arm)
    )


def causes(chapter: Chapter) -> Iterator[Sentence]:
    """What those who died at any time died of, as their fatal adverse events say, where death is the primary endpoint."""
    study, primary = chapter.study, chapter.study.protocol.primary
    died = study.randomised[study.randomised["DTHDT"].notna()]
    if primary.endpoint is None or not is_death(study.protocol.endpoint(primary.endpoint)):
        return
    if died.empty or "AE" not in study.tables:
        return
    fatal = study.adae[deaths.fatal(study.adae)]
    named = first_known(fatal["AEDECOD"], fatal["AETERM"]).groupby(fatal["USUBJID"]).agg("; ".join)
    cause = died["USUBJID"].map(named).astype(object).fillna(NOT_STATED)
    counts = cause.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    about = {"unit": "patients", "method": "count", "n": len(died)}
    rows = [{"statistic": name, "value": int(count), **about} for name, count in counts.items()]
    reported = chapter.hand_over(CAUSES, pd.DataFrame(rows), analysis=primary.id)
    yield Sentence(cause_words(reported.rows))
