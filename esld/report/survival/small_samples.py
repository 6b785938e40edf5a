"""Words of the survival chapter for small samples: exact companions, penalised hazard, and what the size can show.

The messages are in :mod:`esld.report.survival.sentences`.
"""

from html import escape
from math import isnan

from esld.reasons import Why
from esld.report import numbers
from esld.report.event import Event
from esld.report.phrases import conditions_words, p_equals, span, ties
from esld.report.results import Reported, Row
from esld.report.words.catalogue import message
from esld.report.words.grammar import as_prose, joined, of_group, period, treatment
from esld.survival import FirthFit, Milestone, PermutationTest, ProportionalHazards


def companion(result: Milestone, reported: Reported, event: Event) -> str:
    """What stands beside the difference at the horizon: Fisher and Boschloo, or the complementary log-log scale.

    Parameters
    ----------
    result : Milestone
        Alive at the horizon in two groups.
    reported : Reported
        Rows of :func:`esld.report.survival.tables.companion_rows`.
    event : Event

    Returns
    -------
    str
        That there is no such test where a group has no estimate.
    """
    if result.complete:
        tests = {name: reported.row(f"{name}_p_value") for name in ("fisher", "boschloo")}
        return message("fisher", **{name: p_equals(row) for name, row in tests.items()}, **event.html)
    if any(isnan(group.survival.value) for group in result.groups):
        return message("cloglog.no_estimate")
    extremes = [g for g in result.groups if g.survival.value in (0, 1)]
    if extremes:
        keys = {g.group: f"cloglog.{'nobody' if g.survival.value else 'everybody'}" for g in extremes}
        return message(
            "cloglog.none",
            reason=joined(message(key, arm=of_group(arm), **event.html) for arm, key in keys.items()),
        )
    row = reported.row("cumulative_hazard_ratio")
    first, second = (treatment(g.group) for g in result.groups)
    return message(
        "cloglog",
        p=p_equals(reported.row("cumulative_hazard_ratio_p_value")),
        horizon=period(result.at),
        first=first,
        second=second,
        level=numbers.level(result.groups[0].survival.conf_level),
        **_ratio(row, "ratio"),
        **event.html,
    )


def exact_logrank(test: PermutationTest, reported: Reported, event: Event, *, seed: str) -> str:
    """The log-rank test over allocations: its reference set, its p-value and what it supposes.

    A caution follows if no data could have given a small p-value.
    """
    row = reported.row("p_value")
    if test.reason:
        return message(f"exact.logrank.{_alike(test)}", **event.html)
    text = message(
        f"exact.logrank{_drawn(test)}", n=span(row, str(row.n)), **_reference(test, reported, seed)
    )
    said = [text, message("exact.supposes", conditions=span(row, conditions_words(test.conditions)))]
    if "p_smallest" in reported:
        smallest = reported.row("p_smallest")
        said.append(message("exact.caution", smallest=span(smallest, numbers.p_value(smallest.value))))
    return as_prose(said)


def exact_rmst(test: PermutationTest, reported: Reported, event: Event, *, seed: str) -> str:
    """The permutation test of the difference in means, or why it has none."""
    words = {"horizon": period(test.tau), **event.html}
    if reported.row("observed").value is None:
        return message("exact.rmst.none.here", **words)
    if reported.row("p_value").value is None and test.events:
        return message("exact.rmst.none", **words)
    if test.reason:
        return message(f"exact.rmst.{_alike(test)}", **words)
    return message(f"exact.rmst{_drawn(test)}", **_reference(test, reported, seed), **words)


def _drawn(test: PermutationTest) -> str:
    return ".drawn" if test.draws else ""


def _reference(test: PermutationTest, reported: Reported, seed: str) -> dict[str, str]:
    """The p-value and the allocations behind it."""
    words = {"p": p_equals(reported.row("p_value"))}
    if not test.draws:
        return words | {"ways": _thousands(reported.row("reference_set"))}
    error = reported.row("p_value_std_err")
    rounded = span(error, numbers.p_value(error.value))  # like the p-value that it belongs to
    return words | {"draws": _thousands(reported.row("draws")), "error": rounded, "seed": escape(seed)}


def _alike(test: PermutationTest) -> str:
    return "same" if test.events else "nobody"


def firth(result: FirthFit, reported: Reported, event: Event) -> str:
    """The penalised hazard ratio with its profile-likelihood limits."""
    row = next(r for r in reported.rows if r.statistic == "hazard_ratio")
    if row.value is None:
        return message("firth.failed" if _says(row, Why.NO_CONVERGENCE) else "firth.none")
    second, _, first = row.arm.partition(" v ")
    words = {"first": treatment(first), "second": treatment(second), "ties": ties(row), **event.html}
    if row.reason:
        return message("firth.only", hr=span(row, numbers.fixed(row.value, 2)), **words)
    p, level = p_equals(reported.row("hazard_ratio_p_value")), numbers.level(result.conf_level)
    return message("firth", level=level, p=p, **_ratio(row, "hr"), **words)


def hazards(result: ProportionalHazards, reported: Reported, event: Event) -> str:
    """The test of proportional hazards and how little it can see; nothing where there is no hazard ratio to test."""
    row, change = reported.row("ph_global_p_value"), reported.row("ph_visible_change")
    words = {"deaths": span(row, str(row.events)), "noun": event.noun(result.events)}
    if row.value is None:
        return message("hazards.none", **words) if _says(row, Why.TOO_FEW) else ""
    return message("hazards", p=p_equals(row), factor=span(change, _two_digits(change.value or 0)), **words)


def _says(row: Row, code: Why) -> bool:
    return row.reason is not None and row.reason.says(code)


def _ratio(row: Row, name: str) -> dict[str, str]:
    """A ratio and its limits, two decimals each."""
    parts = ((name, row.value), ("lower", row.lower), ("upper", row.upper))
    return {key: span(row, numbers.fixed(value, 2)) for key, value in parts}


def _thousands(row: Row) -> str:
    """A large count: ``705,432``."""
    return span(row, f"{row.value or 0:,.0f}")


def _two_digits(value: float) -> str:
    """A factor to two significant digits: ``2.7``, ``270``."""
    return f"{float(f'{value:.2g}'):,.{1 if value < 9.95 else 0}f}"
