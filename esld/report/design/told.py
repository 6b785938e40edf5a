"""The chapter's answer, and the sections that are of each comparison."""

from collections.abc import Iterator
from html import escape
from typing import Any

from esld.data.study import Study
from esld.report import needs, numbers
from esld.report.chapter import Chapter
from esld.report.design import now
from esld.report.design.exact import pair_of
from esld.report.design.plan import TRIED, Plan, plan_of
from esld.report.design.size import planned_each
from esld.report.phrases import span, whole
from esld.report.results import Reported, slug
from esld.report.words.catalogue import message

ANALYSIS = "DESIGN"


def before_sentence(plan: Plan, found: Reported) -> str:
    """What the planned sizes find of a large and of a smaller difference, and how often of none."""
    rows = [found.row("fisher", pair_of(*pair)) for pair in TRIED]
    large, small = (span(row, numbers.percent(row.value)) for row in rows)
    size = found.row("fisher_size")
    sizes = {
        key: whole(found.row("patients", name)) for key, name in (("n1", "one_group"), ("n2", "other_group"))
    }
    told = span(size, message("number.percent", number=numbers.fixed(100 * (size.value or 0), 1)))
    return message("could.before", large=large, small=small, size=told, free=escape(plan.free), **sizes)


def subject_sentence(study: Study) -> str:
    """Of which analysis the numbers are, and that nothing is worked out for a primary one of another kind."""
    primary, own = study.protocol.primary, plan_of(study).analysis
    said = message("could.subject", title=escape(own.title))
    return said if own == primary else f"{said} {message('could.subject.other', title=escape(primary.title))}"


def needed_sentence(plan: Plan, found: Reported) -> str:
    """How many patients the pairs of true shares take, and of those that are assumed the power of the planned number."""
    key, size = "could.needed.assumed" if plan.scenarios else "could.needed", planned_each(plan)
    parts = []
    for one, other in plan.effects:
        pair = pair_of(one, other)
        needed, power = found.find("needed", pair), found.row("fisher", f"{pair}, {size}")
        words = {
            "one": numbers.percent(one), "other": numbers.percent(other), "free": escape(plan.free),
            "power": span(power, numbers.percent(power.value)),
        }  # fmt: skip
        said = {"n": whole(needed)} if needed else {}
        parts.append(message(f"{key}.{'part' if needed else 'more'}", **words, **said))
    return message(key, parts=message("told.list").join(parts), size=size)


class Comparison:
    """A comparison as it stands, with what was handed over of it."""

    def __init__(self, chapter: Chapter, plan: Plan, pair: tuple[str, str]) -> None:
        self.pair, self.own = pair, now.standing_of(chapter.study, plan, pair)
        several = len(chapter.study.pairs) > 1
        self.end = f"_{slug(pair[1])}" if several else ""
        self.found = chapter.hand_over(f"could_find{self.end}", now.now_rows(self.own), analysis=ANALYSIS)


def comparisons(chapter: Chapter) -> list[Comparison]:
    """Every comparison of the study; an error that says why where nothing is compared, or the share is not one of a day."""
    plan = plan_of(chapter.study)
    needs.require(chapter.study, "share_by_day")
    return [Comparison(chapter, plan, pair) for pair in chapter.pairs]


def answer(chapter: Chapter, found: Reported, needed: Reported) -> Iterator[str]:
    """Before the start, how many it would take, and what the first comparison can find now and with another cohort."""
    plan = plan_of(chapter.study)
    yield before_sentence(plan, found)
    yield needed_sentence(plan, needed)
    if not any(needs.why_not(chapter.study, need) for need in ("share_by_day", "comparison")):
        yield now.least_sentence(plan, comparisons(chapter)[0].found)


def standing(chapter: Chapter) -> Iterator[Any]:
    """What each comparison can show now."""
    plan = plan_of(chapter.study)
    for each in comparisons(chapter):
        said = now.standing_sentence(chapter.study, plan, each.pair, each.found)
        table = now.now_table(each.own, each.found, f"could_find{each.end}")
        yield from filter(None, (chapter.say(said), chapter.table(table)))


def more(chapter: Chapter) -> Iterator[Any]:
    """What another cohort would add to each."""
    for each in comparisons(chapter):
        figure = now.more_figure(each.own, f"one_more_cohort_curves{each.end}")
        table = now.more_table(each.own, each.found, f"one_more_cohort{each.end}")
        said = now.least_sentence(plan_of(chapter.study), each.found) or now.why_none(each.found)
        yield from filter(None, (chapter.say(said), chapter.figure(figure), chapter.table(table)))
