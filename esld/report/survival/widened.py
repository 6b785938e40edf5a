"""What widened the limits of a difference because somebody was lost, and what they would be otherwise."""

from math import isclose

import pandas as pd

from esld.report.phrases import points, span
from esld.report.results import Reported, difference_row
from esld.report.survival.analyses import AtHorizon
from esld.report.words.catalogue import message
from esld.report.words.grammar import as_prose
from esld.survival import Milestone, risk_difference


def widened_words(one: AtHorizon) -> str:
    """What set the limits of each difference where they were widened, and what they would be otherwise; nothing where not."""
    return as_prose(_widened(one, result, reported) for result, reported in one.pairs)


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
        f"milestone_unwidened{one.suffix}", pd.DataFrame([frame | {"n": first.n + second.n}]), pair
    ).rows
    ends = {end: span(rows[0], points(rows[0], getattr(rows[0], end))) for end in ("lower", "upper")}
    sides = [end for end in ("lower", "upper") if isclose(getattr(shown, end), getattr(alive, end))]
    key = "both" if len(sides) == 2 else sides[0] if sides else "other"
    return message(f"survival.widened.{key}", **ends, **one.of.event.html)
