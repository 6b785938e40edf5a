"""What the chapter says of each kind of analysis: a paragraph an analysis, the chapter's answer among them."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from esld.protocol import Analysis, Source
from esld.report import needs
from esld.report.chapter import Chapter
from esld.report.event import event_of
from esld.report.phrases import Sentence, masked_words, p_equals, prose, vacant
from esld.report.planned import estimand_of, is_death, leading
from esld.report.subgroups import named
from esld.report.survival import small_samples
from esld.report.survival.analyses import Analysed, AtHorizon, Found, adjusted
from esld.report.survival.apart import apart_words
from esld.report.survival.sentences import lost_before, meaning, medians, pair_difference, sentence
from esld.report.survival.widened import widened_words
from esld.report.words.catalogue import message
from esld.report.words.grammar import as_prose, joined, noun, treatment
from esld.survival import LogRank

ADJUSTED = {"log_rank": "p_value", "permutation": "p_value", "cox": "hazard_ratio_p_value"}
"""By kind, the p-values of which several comparisons may share one error."""

COMPARING = ("milestone_test", "log_rank", "permutation", "cox", "firth")
"""Kinds that say nothing of one group by itself."""


def events(chapter: Chapter) -> Sentence | None:
    """What the event of each analysed endpoint is, whether it is a harm, and what makes it impossible."""
    protocol, said = chapter.study.protocol, list[str]()
    codes = [a.endpoint for a in protocol.analyses if a.chapter == chapter.name and a.endpoint]
    for code in dict.fromkeys(codes):
        endpoint, event = protocol.endpoint(code), event_of(chapter.study, code)
        text = message("survival.event", what=escape(endpoint.param), **event.html)
        if not endpoint.words and not is_death(endpoint):
            first = joined(dict.fromkeys(_described(source) for source in endpoint.events))
            text = message("survival.event.first", what=escape(endpoint.param), sources=first)
        if not event.harm:
            text = message("survival.event.good", said=text, **event.html)
        if others := dict.fromkeys(_described(source) for source in endpoint.competing):
            sources = joined(others)
            text = as_prose([text, message("survival.competing", sources=sources, **event.html)])
        said.append(text)
    return chapter.say("\n\n".join(said))


def protocol(chapter: Chapter) -> list[str]:
    """What the protocol says of the analysis that answers the chapter's question."""
    trial = chapter.study.protocol
    plan = leading(trial, chapter.name)
    if plan is None:
        return [message("survival.none")]
    key = "survival.protocol" if plan is trial.primary else "survival.protocol.other"
    about = {"title": plan.title, **estimand_of(chapter.study, plan)}
    return [message(key, **{name: escape(text, quote=False) for name, text in about.items()})]


def answering(chapter: Chapter) -> Analysis | None:
    """The analysis whose paragraph answers the chapter: where nothing is compared, one that tells of each group."""
    plan = leading(chapter.study.protocol, chapter.name)
    if plan is None or plan.kind not in COMPARING or not needs.why_not(chapter.study, "comparison"):
        return plan
    alone = chapter.study.protocol.of_kind("milestone", "survival_curve", "rmst")
    return next((one for one in alone if one.of is None), plan)


def _described(source: Source) -> str:
    """A record in a sentence, as HTML."""
    return prose(source.description) if source.description else message("event.death.event")


def horizons(found: Sequence[AtHorizon], curves: Sequence[Found] = ()) -> list[Sentence]:
    """Who was free of the event at the horizon, with each comparison, and who only because another event does not count."""
    return _told(found, lambda one: as_prose((_horizon(one), apart_words(one, curves))))


def compatible(found: Sequence[AtHorizon]) -> list[Sentence]:
    """What the intervals are compatible with, and who is not known."""
    return _said(found, _compatible)


def curves(found: Sequence[Found]) -> list[Sentence]:
    """When half of each group had had the event."""
    return _told(found, lambda one: medians(one.result, one.reported, one.of.event))


def tests(found: Sequence[Found]) -> list[Sentence]:
    """What a log-rank test, a Cox model or a mean time says, pair by pair."""

    def words(one: Found) -> str:
        said = sentence(one.result, one.reported, one.of.event)
        return _named(one, said) if _names_none(one) else said

    return _told(found, words)


def _names_none(one: Found) -> bool:
    """Whether the sentence of a result does not say which arms it compares."""
    ratio = next((row for row in one.reported.rows if row.statistic == "hazard_ratio"), None)
    return isinstance(one.result, LogRank) or (ratio is not None and ratio.value is None)


def beside(found: Sequence[Found]) -> list[Sentence]:
    """What tests for few events say beside the difference at the horizon."""
    return _told(
        found, lambda one: _named(one, small_samples.companion(one.result, one.reported, one.of.event))
    )


def permutations(found: Sequence[Found], *, seed: str) -> list[Sentence]:
    """What a log-rank test over all allocations says."""

    def words(one: Found) -> str:
        return _named(one, small_samples.exact_logrank(one.result, one.reported, one.of.event, seed=seed))

    return _told(found, words)


def mean_permutations(found: Sequence[Found], *, seed: str) -> list[Sentence]:
    """What a comparison of mean times over all allocations says."""

    def words(one: Found) -> str:
        return _named(one, small_samples.exact_rmst(one.result, one.reported, one.of.event, seed=seed))

    return _said(found, words)


def penalised(found: Sequence[Found]) -> list[Sentence]:
    """What a penalised model says."""

    def words(one: Found) -> str:
        said = small_samples.firth(one.result, one.reported, one.of.event)
        return _named(one, said) if _names_none(one) else said

    return _told(found, words)


def constant(found: Sequence[Found]) -> list[Sentence]:
    """What can be seen of a hazard ratio that changes with time; of a model in strata, that it is not tested."""

    def words(one: Found) -> str:
        if one.result is None:
            return message("hazards.stratified")
        return _named(one, small_samples.hazards(one.result, one.reported, one.of.event))

    return _said(found, words)


def _named(one: Found, said: str) -> str:
    """A sentence that does not say which arms it compares, with them where there are several comparisons."""
    if one.pair is None or len(one.of.pairs) < 2 or not said:
        return said
    return named([said], one.pair)


def _horizon(one: AtHorizon) -> str:
    said = [sentence(one.result, one.reported, one.of.event)]
    if len(one.result.groups) > 2:
        said += [pair_difference(*pair) for pair in one.pairs]
    return as_prose(said)


def _compatible(one: AtHorizon) -> str:
    event = one.of.event
    said = [meaning(result, reported, event) for result, reported in one.pairs]
    return as_prose((*said, lost_before(one.result, one.reported, event), widened_words(one)))


def _told(found: Sequence[Any], words: Callable[[Any], str]) -> list[Sentence]:
    """A paragraph an analysis; that of the one that answers is the chapter's answer."""
    return _paragraphs(found, words, answers=True)


def _said(found: Sequence[Any], words: Callable[[Any], str]) -> list[Sentence]:
    """A paragraph an analysis, none of which is an answer."""
    return _paragraphs(found, words, answers=False)


def _paragraphs(found: Sequence[Any], words: Callable[[Any], str], *, answers: bool) -> list[Sentence]:
    plans = dict.fromkeys(one.code for one in found if one.of.plan.of is None)
    several = len({one.of.plan.id for one in found if one.of.plan.of is None}) > 1
    shown: list[Sentence | None] = []
    for plan in plans:
        each = [one for one in found if one.code == plan]
        own, said = each[0].of, [words(one) for one in each]
        chapter = own.chapter
        if answers and own.plan.kind in ADJUSTED and len(own.pairs) > 1:
            said.append(_sharing(own, each))
        if answers and own.stratified and own.pairs and own.plan.kind != "survival_curve":
            said.append(message("survival.stratified"))
        text = as_prose(said)
        if text and several:
            text = message("survival.of", title=escape(each[0].title), said=text)
        if answers and each[0].answers and own.plan is answering(chapter):
            shown.append(chapter.answer(text, vacant(chapter.study)))
        else:
            shown.append(chapter.say(text))
    return [one for one in shown if one is not None]


def _sharing(own: Analysed, each: Sequence[Found]) -> str:
    """How the comparisons of an analysis share one error, and the p-values that then hold."""
    if left := masked_words(own.chapter.study):
        return left
    count = len(own.pairs)
    comparisons = message("counted", count=count, noun=noun("comparison", count))
    rule = own.chapter.study.protocol.multiplicity
    for _, rows in adjusted(each, ADJUSTED[str(own.plan.kind)]):
        said = []
        for row in rows.rows:
            second, _, first = row.arm.partition(" v ")
            about = {"second": treatment(second), "first": treatment(first)}
            if row.value is not None:
                said.append(message("adjusted.each", p=p_equals(row), **about))
        how = message(f"adjusted.how.{rule.replace(' ', '_')}")
        return message("adjusted", comparisons=comparisons, how=how, each=joined(said)) if said else ""
    return message("adjusted.none", comparisons=comparisons)
