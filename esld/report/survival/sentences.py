"""Sentences computed from results, one function a type of result; their words are in :mod:`esld.report.words`.

Every number of a result stands in a span with its result id.
"""

from collections.abc import Mapping
from functools import singledispatch
from html import escape
from typing import Any

from esld.protocol import StatedText
from esld.report import numbers
from esld.report.event import Event
from esld.report.phrases import p_equals, points, points_noun, span, ties, whole, worded
from esld.report.rates import FEWEST
from esld.report.results import Reported, Row, difference_row
from esld.report.words.catalogue import message
from esld.report.words.grammar import (
    as_prose,
    capitalised,
    joined,
    noun,
    of_group,
    period,
    treatment,
)
from esld.survival import RMST, CoxFit, KaplanMeier, LogRank, Milestone, RMSTContrast

LARGE = 10  # percentage points


@singledispatch
def sentence(result: object, reported: Reported, event: Event) -> str:
    """The result in words.

    Parameters
    ----------
    result : statistical result
        What :mod:`esld.survival` returned.
    reported : Reported
        Its rows as handed over; the words cite them.
    event : Event
        What it is the time to, in words.

    Returns
    -------
    str
        HTML with a span for each number.

    Raises
    ------
    TypeError
        There are no words for that type.
    """
    raise TypeError(f"no words for {type(result).__name__}")


@sentence.register
def _(result: Milestone, reported: Reported, event: Event) -> str:
    horizon = period(result.at)
    shares = {g.group: share_row(result, reported, g.group) for g in result.groups}
    known = [arm for arm, row in shares.items() if row.value is not None]
    texts = []
    if known:
        arms = joined(_milestone_arm(result, reported, shares[arm]) for arm in known)
        key = "milestone.arms" if result.complete else "milestone.arms.estimated"
        words = {"horizon": horizon, "arms": arms, **event.html}
        if result.difference is not None and len(known) == len(shares):
            key, words["difference"] = f"{key}.compared", _milestone_difference(result, reported)
        texts.append(message(key, **words))
    if unknown := [arm for arm in shares if arm not in known]:
        arms = joined(message("arms.one", arm=of_group(arm)) for arm in unknown)
        texts.append(message("milestone.arms.none", horizon=horizon, arms=arms, **event.html))
        died = []
        for row in (reported.row("dead", arm) for arm in unknown):
            words = {"dead": whole(row), "n": span(row, str(row.n)), "arm": of_group(row.arm)}
            died.append(message("milestone.known.arm", patients=noun("patient", row.n or 0), **words))
        texts.append(message("milestone.known", arms=joined(died), **event.html))
    return as_prose(texts)


def share_row(result: Milestone, reported: Reported, arm: str) -> Row:
    """The row of the proportion alive in an arm: binomial if everybody's state is known, else Kaplan–Meier in every arm."""
    return reported.row("proportion" if result.complete else "survival", arm)


def _milestone_arm(result: Milestone, reported: Reported, share: Row) -> str:
    n = share.n or 0
    return message(
        f"milestone.arm.{'complete' if result.complete else 'estimated'}",
        alive=whole(reported.row("alive", share.arm)),
        n=span(share, str(n)),
        patients=noun("patient", n),
        share=span(share, numbers.percent(share.value, n)),
        lower=span(share, numbers.percent(share.lower, n)),
        upper=span(share, numbers.percent(share.upper, n)),
        arm=of_group(share.arm),
        level=numbers.level(result.groups[0].survival.conf_level),
    )


def _milestone_difference(result: Milestone, reported: Reported, key: str = "milestone.difference") -> str:
    row = difference_row(reported)
    first, second = (treatment(g.group) for g in result.groups)
    if row.value is None:
        return message("milestone.pair.none", first=first, second=second)
    value = points(row, row.value)
    words = {"first": first, "second": second, "value": span(row, value), "points": points_noun(value)}
    limits = {"lower": span(row, points(row, row.lower)), "upper": span(row, points(row, row.upper))}
    level = numbers.level(result.groups[0].survival.conf_level)
    return message(key, level=level, **words, **limits)


def pair_difference(result: Milestone, reported: Reported) -> str:
    """The difference between two of several groups, as a sentence of its own."""
    return _milestone_difference(result, reported, "milestone.pair")


def lost_before(result: Milestone, reported: Reported, event: Event) -> str:
    """Who cannot be classified at the horizon, with the best and the worst case; empty when everybody can."""
    texts = []
    for group in result.groups:
        if group.unknown:
            unknown = reported.row("unknown", group.group)
            best, worst = (reported.row(f"proportion_{case}_case", group.group) for case in ("best", "worst"))
            texts.append(
                message(
                    "milestone.unknown",
                    count=group.unknown,
                    unknown=whole(unknown),
                    n=span(unknown, str(group.n)),
                    patients=noun("patient", group.n),
                    arm=of_group(group.group),
                    horizon=period(result.at),
                    best=span(best, numbers.percent(best.value, group.n)),
                    worst=span(worst, numbers.percent(worst.value, group.n)),
                    **event.html,
                )
            )
    if texts and result.bounds:
        ends = {e: reported.row(f"risk_difference_{e}") for e in ("lowest", "highest")}
        texts.append(message("milestone.bounds", **{e: span(r, points(r, r.value)) for e, r in ends.items()}))
    return as_prose(texts)


def meaning(result: Milestone, reported: Reported, event: Event) -> str:
    """What the interval of the difference is compatible with; nothing without an interval.

    Harm and benefit are fewer and more patients without the event with the second group's treatment, or the other way round
    where the event is what one hopes for. A difference of ten percentage points or more is called large, and the words
    say so.
    """
    if result.difference is None:
        return ""
    row = difference_row(reported)
    if row.lower is None or row.upper is None:
        return ""
    first, second = (treatment(g.group) for g in result.groups)
    words: dict[str, Any] = {"first": first, "second": second, **event.html}
    good = "" if event.harm else message("meaning.good", **event.html)
    if row.lower >= 0:
        ends = {"lower": span(row, points(row, row.lower)), "upper": span(row, points(row, row.upper))}
        return as_prose([message("meaning.favours", **ends, **words), good])
    if row.upper <= 0:
        ends = {"lower": span(row, points(row, -row.upper)), "upper": span(row, points(row, -row.lower))}
        return as_prose([message("meaning.against", **ends, **words), good])
    fewer, more = points(row, -row.lower), points(row, row.upper)
    reach = message(
        "meaning.reach",
        fewer=span(row, fewer),
        fewer_points=points_noun(fewer),
        more=span(row, more),
        more_points=points_noun(more),
        **words,
    )
    harm, benefit = (float(text) >= LARGE for text in (fewer, more))  # as the reader sees them
    if not event.harm:
        harm, benefit = benefit, harm
    key = "both" if harm and benefit else "benefit" if benefit else "harm" if harm else "small"
    return as_prose([message(f"meaning.{key}", reach=reach, **words), good])


@sentence.register
def _(result: LogRank, reported: Reported, event: Event) -> str:
    row = reported.row("p_value")
    if row.value is None:
        return message("logrank.none", reason=escape(worded(row.reason, "survival", **event.plain)))
    arms = []
    for group in result.groups:
        observed, expected = reported.row("observed", group), reported.row("expected", group)
        number = span(expected, numbers.fixed(expected.value, 1))
        arms.append(message("logrank.arm", expected=number, arm=of_group(group), observed=whole(observed)))
    several = "logrank.global" if len(result.groups) > 2 else "logrank"
    return message(
        several,
        p=p_equals(row),
        arms=message("logrank.between").join(arms),
        events=capitalised(event.html["events"]),
    )


def scheme(planned: StatedText) -> str:
    """How the protocol says that patients were randomised."""
    return message("scheme.assumed" if planned.assumed else "scheme", scheme=planned.value)


@sentence.register
def _(result: CoxFit, reported: Reported, event: Event) -> str:
    row = next(r for r in reported.rows if r.statistic == "hazard_ratio")
    second, _, first = row.arm.partition(" v ")
    if row.value is None:
        return message("cox.none", reason=worded(row.reason, "survival", **event.plain))
    limits = (("hr", row.value), ("lower", row.lower), ("upper", row.upper))
    parts = {name: span(row, numbers.fixed(value, 2)) for name, value in limits}
    p_row = reported.row("hazard_ratio_p_value")
    parts["p"] = p_equals(p_row)
    level = numbers.level(result.conf_level)
    said = message(
        "cox",
        first=treatment(first),
        second=treatment(second),
        level=level,
        ties=ties(row),
        **parts,
        **event.html,
    )
    return said if event.harm else as_prose([said, message("cox.good", **event.html)])


@sentence.register
def _(result: RMSTContrast, reported: Reported, event: Event) -> str:
    row = reported.find("stratified_difference") or reported.row("rmst_difference")
    horizon = period(result.tau)
    if row.value is None:
        short = [arm.group for arm in result.arms if reported.row("rmst", arm.group).value is None]
        groups = joined(message("arms.one", arm=of_group(arm)) for arm in short)
        return message("rmst.none", horizon=horizon, arms=groups, **event.html)
    one, two = (reported.row("rmst", arm.group) for arm in result.arms)
    words = {
        "horizon": horizon, "first": of_group(one.arm), "second": of_group(two.arm),
        **_days(one, "one"), **_days(two, "two"),
        "difference": _days(row, "d")["d"], "days": _days(row, "d")["d_days"],
    }  # fmt: skip
    limits = {
        "lower": span(row, numbers.fixed(row.lower, 0)),
        "upper": span(row, numbers.fixed(row.upper, 0)),
    }
    said = message("rmst", level=numbers.level(result.difference.conf_level), **limits, **words, **event.html)
    return said if event.harm else as_prose([said, message("rmst.good", **event.html)])


@sentence.register
def _(result: RMST, reported: Reported, event: Event) -> str:
    row, horizon = reported.row("rmst"), period(result.tau)
    if row.value is None:
        return message("rmst.one.none", horizon=horizon, **event.html)
    limits = {"lower": row.lower, "upper": row.upper}
    parts = {name: span(row, numbers.fixed(value, 0)) for name, value in limits.items()} | _days(row, "one")
    about = {"first": of_group(row.arm), "level": numbers.level(result.conf_level), "horizon": horizon}
    return message("rmst.one", **parts, **about, **event.html)


def _days(row: Row, name: str) -> dict[str, str]:
    """A number of days, and its noun: ``day`` after one."""
    text = numbers.fixed(row.value, 0)
    one = text in ("1", f"{numbers.MINUS}1")
    return {name: span(row, text), f"{name}_days": noun("day", 1 if one else 2)}


def medians(curves: Mapping[str, KaplanMeier], reported: Reported, event: Event) -> str:
    """When half of each group had had the event, where fewer have, and where nobody has."""
    rows = {arm: reported.row("median", arm) for arm in curves}
    level = numbers.level(next(iter(curves.values())).conf_level)
    reached = [
        message(
            "curves.said.arm", arm=of_group(arm), level=level, median=span(row, numbers.days(row.value)),
            lower=span(row, numbers.days(row.lower)), upper=span(row, numbers.days(row.upper)),
        )
        for arm, row in rows.items() if row.value is not None
    ]  # fmt: skip
    said = [message("curves.said", medians=joined(reached), **event.html)] if reached else []
    short = [row for row in rows.values() if row.value is None]
    for key, own in (
        ("none", [r for r in short if r.events and (r.n or 0) >= FEWEST]),
        ("nobody", [r for r in short if not r.events]),
    ):
        if own:
            arms = joined(message("arms.one", arm=of_group(row.arm)) for row in own)
            said.append(message(f"curves.said.{key}", arms=arms, **event.html))
    return as_prose(said)
