"""First events in words: how many had one, the differences, and Gray's tests."""

from esld.data.study import Study
from esld.reasons import Why
from esld.report import needs, numbers
from esld.report.events.first_events import RULES, FirstEvents, group_of, worse_key
from esld.report.events.planned import Found
from esld.report.phrases import (
    masked_words,
    p_equals,
    points,
    prose,
    span,
)
from esld.report.results import Row
from esld.report.words.catalogue import message
from esld.report.words.grammar import as_prose, joined, of_group, period, treatment


def words(found: Found[FirstEvents]) -> str:
    """How many had a first event by the day, in words."""
    parts = []
    for first, reported in found.results.values():
        arms, good = [], first.endpoint.better == "earlier"
        for arm in first.curves:
            row = reported.row("incidence", arm)
            words = {"count": span(row, str(row.events)), "n": span(row, str(row.n)), "arm": of_group(arm)}
            arms.append(message("events.arm.good" if good else "events.arm", **words))
        key = "events.event" if arms else "events.event.nobody"
        parts.append(message(key, event=prose(first.name), arms=joined(arms)))
    events = message("reasons.list").join(parts)
    key = worse_key("events.first", [first.endpoint for first, _ in found.results.values()])
    said = message(key, horizon=period(found.horizon), events=events)
    rows = [
        row for _, reported in found.results.values() for row in reported.rows if row.statistic == "incidence"
    ]
    early = rows and all(row.reason and row.reason.says(Why.FOLLOW_UP_ENDS) for row in rows)
    return found.said(as_prose([said, message("events.first.early") if early else ""]))


def tested_words(study: Study, found: Found[FirstEvents]) -> str:
    """Gray's tests in words, with what so few events can say."""
    needs.require(study, "comparison")
    parts = []
    for first, reported in found.results.values():
        tests = [row for row in reported.rows if row.statistic == "p_value" and row.value is not None]
        against = {group_of(pair): pair for pair in study.pairs}
        said = []
        for row in tests:
            key = "events.test" if len(study.pairs) == 1 else "events.test.all"
            pair = {}
            if row.arm in against:
                key, (control, arm) = "events.test.pair", against[row.arm]
                pair = {"arm": of_group(arm), "control": of_group(control)}
                if (adjusted := reported.find("p_value_adjusted", row.arm)) and adjusted.value is not None:
                    key, pair["adjusted"] = "events.test.pair.adjusted", p_equals(adjusted)
            said.append(message(key, p=p_equals(row), **pair))
        if said:
            parts.append(
                message("events.tested", event=prose(first.name), tests=message("list.comma").join(said))
            )
    if not parts:
        return found.said(message("events.untested"))
    if len(study.pairs) == 1:
        return found.said(message("events.tests", tests=joined(parts), horizon=period(found.horizon)))
    rule = study.protocol.multiplicity
    how = message(f"adjusted.how.{rule.replace(' ', '_')}") if rule in RULES else ""
    alone = masked_words(study) or message("events.sharing.none")
    shared = message("events.sharing", how=how) if how else alone
    listed = message("reasons.list").join(parts)
    every = message("events.tests", tests=listed, horizon=period(found.horizon))
    return found.said(as_prose([every, shared]))


def difference_words(study: Study, found: Found[FirstEvents]) -> str:
    """The differences of the incidence in words, each with its limits; nothing where there is none."""
    needs.require(study, "comparison")
    said = []
    for pair in study.pairs:
        parts = []
        for first, reported in found.results.values():
            row = reported.find("incidence_difference", group_of(pair))
            if row is not None and row.value is not None:
                parts.append(difference_part(row, prose(first.name)))
        if parts:
            level = numbers.level(next(iter(first.curves.values())).conf_level)
            words = {"second": treatment(pair[1]), "first": treatment(pair[0]), "level": level}
            said.append(
                message(
                    "events.differences",
                    horizon=period(found.horizon),
                    events=message("reasons.list").join(parts),
                    **words,
                )
            )
    return found.said(as_prose(said)) if said else ""


def difference_part(row: Row, event: str) -> str:
    """A difference of the incidence of one event in percentage points with its limits, in words."""
    value, lower, upper = (points(row, x) for x in (row.value, row.lower, row.upper))
    limits = span(row, message("cell.limits", lower=lower, upper=upper))
    return message("events.difference", event=event, value=span(row, value), limits=limits)
