"""What the chapter says of what is believed: its answer, and whether it hangs on the prior."""

from collections.abc import Sequence

from esld.report import numbers
from esld.report.belief.asked import Asked
from esld.report.belief.posterior import BEFORE, Found, each
from esld.report.phrases import points, points_noun, prose, span
from esld.report.results import Row
from esld.report.words.catalogue import message
from esld.report.words.grammar import as_prose, joined, of_group, treatment


def probable(row: Row) -> str:
    """A probability in prose, tied to its result."""
    return span(row, numbers.probability(row.value))


def answer_words(own: Asked, found: Sequence[Found]) -> list[str]:
    """By each prior how probable it is that the second arm is better, with the interval of the first prior; what is missing."""
    said = each(lambda of: as_prose((_answer(of), _by_prior(of), _against_rule(of))), found)
    if said and not own.belief.planned:
        said.append(message("belief.answer.unplanned"))
    for pair in own.pairs:
        if pair not in own.counted_pairs:
            nobody = joined(
                message("arms.one", arm=of_group(arm)) for arm in pair if not own.counts[arm].known
            )
            first, second = map(treatment, pair)
            said.append(message("belief.pair.none", first=first, second=second, arms=nobody))
    if left := [prior for prior in own.belief.priors if prior not in own.priors]:
        said.append(message("belief.masked", priors=joined(prose(prior.label) for prior in left)))
    return said


def _answer(by: Sequence[Found]) -> str:
    one = by[0]
    gap, better, before = map(one.reported.row, ("difference", "chance_better", f"{BEFORE}chance_better"))
    first, second = map(treatment, one.pair)
    shown = {k: points(gap, getattr(gap, k)) for k in ("value", "lower", "upper")}
    return message(
        "belief.answer", prior=prose(one.prior.label), outcome=prose(one.of.clause), first=first, second=second,
        better=probable(better), before=probable(before), noun=points_noun(shown["value"]),
        level=numbers.level(one.after.difference.conf_level), **{k: span(gap, text) for k, text in shown.items()},
    )  # fmt: skip


def _by_prior(by: Sequence[Found]) -> str:
    others = [
        message(
            "belief.others.one", prior=prose(one.prior.label), better=probable(one.reported.row("chance_better")),
            before=probable(one.reported.row(f"{BEFORE}chance_better")),
        )
        for one in by[1:]
    ]  # fmt: skip
    return message("belief.others", each=message("reasons.list").join(others)) if others else ""


def _against_rule(by: Sequence[Found]) -> str:
    """Whether the readers agree that the rule's threshold is passed, in either direction."""
    rule = by[0].of.belief.threshold
    first, second = map(treatment, by[0].pair)
    above = [one.after.better > rule for one in by]
    below = [1 - one.after.better > rule for one in by]
    key = (
        "all" if all(above) else "all_worse" if all(below) else "some" if any(above) or any(below) else "none"
    )
    return message(
        f"belief.rule.{key}", threshold=numbers.level(rule), first=first, second=second, count=len(by)
    )


def moved_words(by: Sequence[Found]) -> str:
    """How far each reader moved: how probable a difference that matters was before, and is after."""
    told = [
        message(
            "belief.moved.one", prior=prose(one.prior.label), before=probable(one.reported.row(f"{BEFORE}chance_beyond")),
            after=probable(one.reported.row("chance_beyond")),
        )
        for one in by
    ]  # fmt: skip
    margin = f"{100 * by[0].of.belief.margin:g}"
    first, second = map(treatment, by[0].pair)
    return message(
        "belief.moved", margin=margin, first=first, second=second, each=message("reasons.list").join(told)
    )
