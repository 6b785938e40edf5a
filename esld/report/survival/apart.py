"""Who counts as free of the event after another event of a wider endpoint."""

from collections.abc import Sequence

import pandas as pd

from esld.report import numbers
from esld.report.brief import BESIDE
from esld.report.phrases import prose, span, whole
from esld.report.results import Row
from esld.report.survival.analyses import AtHorizon, Found
from esld.report.words.catalogue import message
from esld.report.words.grammar import as_prose, capitalised, joined, noun, of_group, period


def apart_words(one: AtHorizon, curves: Sequence[Found]) -> str:
    """Of each curve of a wider endpoint: how many are free of the narrower event at the horizon only because the other does not
    count, and how many are free of either; nothing where there are none.
    """
    return as_prose(_apart(one, curve) for curve in curves if _is_wider(curve, one))


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
    rows = own.hand_over(
        f"{BESIDE[1:]}_{str(curve.of.plan.endpoint).lower()}{one.suffix}", pd.DataFrame(counts)
    ).rows
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
