"""What a trial of this size could have seen, of each comparison."""

from collections.abc import Iterator
from typing import Any

from esld.report import trial_size
from esld.report.chapter import Chapter
from esld.report.planned import leading
from esld.report.survival.analyses import analysed
from esld.report.survival.tables import power_rows


def told(chapter: Chapter) -> Iterator[Any]:
    """What could have been found, and what the size cannot show; nothing where the chapter plans no comparison."""
    pairs = chapter.pairs
    plan = leading(chapter.study.protocol, chapter.name)
    if plan is None:
        return
    own, said = analysed(chapter, plan), list[list[int]]()
    for pair in (pair for pair in pairs if pair in own.pairs):
        sizes = [int(own.times["arm"].eq(arm).sum()) for arm in pair]
        seen = own.hand_over("power", power_rows(sizes), pair)
        could = [] if sizes in said else [trial_size.what_could_be_seen(seen, own.event)]
        said.append(sizes)  # comparisons of one size could have found the same
        yield chapter.say(*could, trial_size.what_this_size_shows(pair, seen, own.event))
