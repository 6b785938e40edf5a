"""The change at the visit that answers in words: of a model by visit, or of the visit by itself."""

from html import escape

from esld.data.study import Study
from esld.protocol import Analysis, Parameter
from esld.report import numbers
from esld.report.change import pairs as compared
from esld.report.change.pairs import difference_label
from esld.report.change.repeated import GLOBAL_P, P
from esld.report.parameters import visit_of
from esld.report.phrases import p_equals, prose, span, worded
from esld.report.results import Reported, Row
from esld.report.words.catalogue import message
from esld.report.words.grammar import arm_in_prose, as_prose, in_prose, joined, of_group, treatment


def change_sentence(
    study: Study, analysis: Analysis, parameter: Parameter, reported: Reported, *, level: str
) -> str:
    """The change at the visit that answers in words: each arm, the differences with their intervals, and what they mean.

    Of a mixed model, or of the visit by itself.
    """
    visit, by_model = visit_of(study, analysis), analysis.kind == "mmrm"
    time, of_the_kind = (visit.number, "") if by_model else (None, ".alone")
    about = {
        "visit": prose(visit.label),
        "parameter": escape(numbers.with_unit(in_prose(parameter.param), parameter.unit)),
    }
    arms = {arm: reported.find("ls_mean", arm, time) for arm in study.filled}
    counts = "lower" in reported  # a public report does not tell them
    reached = (
        reported.find("lower", arm, time) if by_model and counts else arms[arm] for arm in study.filled
    )
    if not any(row and row.n for row in reached):
        return message("change.unreached", **about)
    gaps = {pair: reported.find("ls_mean_difference", difference_label(pair), time) for pair in study.pairs}
    needed = list(gaps.values()) if gaps else list(arms.values())
    if all(row is None or row.value is None for row in needed):
        why = needed[-1].reason if needed[-1] else None
        reason = escape(worded(why)) if why else message("change.nobody")
        return message("change.none" if gaps else "change.none.pooled", **about, reason=reason)
    d = numbers.of_mean(parameter.decimals)
    parts = [
        message("change.arm", level=level, n=span(row, str(row.n)), arm=of_group(arm), **_limits(row, d))
        for arm, row in arms.items()
        if row is not None and row.value is not None
    ]
    said = [message(f"change{of_the_kind}", **about, arms=joined(parts))]
    joint = reported.find(GLOBAL_P, time=time)
    if joint is not None and joint.value is not None:
        said.append(message("change.global", p=p_equals(joint)))
    for pair, gap in gaps.items():
        said.append(_difference(study, pair, gap, reported, time, level=level, decimals=d))
        if gap is not None and gap.value is not None:
            said.append(_meaning(gap, parameter, pair[1]))
    return as_prose(said)


def _difference(
    study: Study,
    pair: tuple[str, str],
    gap: Row | None,
    reported: Reported,
    time: float | None,
    *,
    level: str,
    decimals: int,
) -> str:
    """The difference of an arm to the control, with its p-values."""
    first, second = (escape(arm_in_prose(arm)) for arm in pair)
    if gap is None or gap.value is None:
        why = gap.reason if gap else None
        reason = escape(worded(why)) if why else message("change.nobody")
        return message("change.none.pair", first=first, second=second, reason=reason)
    rows = [
        reported.row(name, difference_label(pair), time) for name in compared.p_of(reported, P, pair, time)
    ]
    key = "change.difference" if len(rows) == 1 else "change.difference.adjusted"
    adjusted = p_equals(rows[-1])
    return message(
        key,
        level=level,
        first=first,
        second=second,
        p=p_equals(rows[0]),
        adjusted=adjusted,
        **_limits(gap, decimals),
    )


def _limits(row: Row, decimals: int) -> dict[str, str]:
    names = ("value", "lower", "upper")
    return {name: span(row, numbers.signed(getattr(row, name), decimals)) for name in names}


def _meaning(row: Row, parameter: Parameter, second: str) -> str:
    """Which way the interval leaves open."""
    if row.lower is None or row.upper is None:
        return message("change.meaning.none", reason=escape(worded(row.reason)))
    side = "both" if row.lower <= 0 <= row.upper else "higher" if row.lower > 0 else "lower"
    return message(f"change.meaning.{side}", parameter=prose(parameter.param), second=treatment(second))
