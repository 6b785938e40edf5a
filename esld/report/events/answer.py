"""What the chapter on events answers: the primary analysis first, where it is one of them."""

from collections.abc import Sequence

from esld.data.study import Study
from esld.report.events import episodes, first_event_words
from esld.report.events.episodes import Episodes
from esld.report.events.first_events import FirstEvents
from esld.report.events.planned import Found, unrecorded
from esld.report.words.catalogue import message
from esld.report.words.grammar import as_prose


def answers(
    study: Study, first: Sequence[Found[FirstEvents]], every: Sequence[Found[Episodes]], *, level: str
) -> list[str]:
    """The chapter's answer, sentence by sentence.

    Of first events how many had one, where none are planned of the episodes how many there were. The primary analysis leads, with
    the comparison of the groups where there is one.
    """
    primary = study.protocol.primary
    lead = [_compared_first(study, one) for one in first if one.plan is primary]
    lead += [_compared_episodes(one, level) for one in every if one.plan is primary]
    said = [first_event_words.words(one) for one in first if one.plan.of is None and one.plan is not primary]
    if not first:
        said = [episodes.words(one) for one in every if one.plan.of is None and one.plan is not primary]
    if not first and not every:
        return [message("events.none")]
    return [*lead, *unrecorded(study), *said]


def _compared_first(study: Study, one: Found[FirstEvents]) -> str:
    tested = first_event_words.tested_words(study, one) if study.compares else ""
    return as_prose([first_event_words.words(one), tested])


def _compared_episodes(one: Found[Episodes], level: str) -> str:
    return as_prose([episodes.words(one), episodes.ratio_words(one, level=level)])
