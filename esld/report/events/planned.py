"""The planned analyses of events: which there are, whom they are of, and what they found, endpoint by endpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Generic, TypeVar

from esld.data.study import Study
from esld.protocol import Analysis, Endpoint, Kind
from esld.report import needs
from esld.report.phrases import nothing_recorded
from esld.report.results import Reported
from esld.report.words.catalogue import message
from esld.report.words.grammar import in_prose

KINDS: tuple[Kind, ...] = ("cumulative_incidence", "episodes")


T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Found(Generic[T]):
    """What one planned analysis found.

    Attributes
    ----------
    plan : Analysis
        As the protocol plans it.
    results : dict of str to tuple
        By endpoint the result, and its rows.
    alone : bool
        Whether it is the only one of its kind; else words, tables and figures carry its title.
    """

    plan: Analysis
    results: Mapping[str, tuple[T, Reported]]
    alone: bool = True

    @property
    def horizon(self) -> float:
        """Last day after randomisation that counts."""
        return self.plan.horizon_days or 0.0

    def titled(self, title: str) -> str:
        """A title, with that of the analysis before it where there are several."""
        return title if self.alone else message("events.of", analysis=self.plan.title, what=title)

    def said(self, sentence: str) -> str:
        """A sentence as HTML, with the title of the analysis before it where there are several."""
        return (
            sentence
            if self.alone
            else message("events.said", analysis=escape(self.plan.title), what=sentence)
        )


def plans_of(study: Study, kind: Kind) -> list[Analysis]:
    """The planned analyses of a kind, each with its sensitivity analyses behind it; none where none is planned."""
    protocol = study.protocol
    return [own for plan in protocol.of_kind(kind) for own in (plan, *protocol.variants(plan))]


def gathered(study: Study, plan: Analysis, results: Mapping[str, tuple[T, Reported]]) -> Found[T]:
    """The results of a planned analysis, which knows whether it stands alone."""
    return Found(plan, results, alone=plan.kind is None or len(plans_of(study, plan.kind)) == 1)


def planned_words(study: Study) -> list[str]:
    """What the protocol plans of each analysis: variable, events that come in between, and method."""
    said = []
    for plan in (plan for kind in KINDS for plan in plans_of(study, kind)):
        about = plan.estimand
        words = {"variable": about.variable, "events": about.intercurrent_events, "method": plan.method}
        own = {name: escape(text.rstrip(".")) for name, text in words.items()}
        said.append(message("events.planned", analysis=escape(plan.title), **own))
    return said or [message("events.none")]


def shown(study: Study, kind: Kind, found: Sequence[Found[T]]) -> Sequence[Found[T]]:
    """What the analyses of a kind found; where none is planned, an error that says so."""
    needs.require(study, f"kind={kind}")
    return found


def members(study: Study, plan: Analysis) -> set[str]:
    """USUBJID of the randomised who are in the analysis set of an analysis."""
    own = study.randomised
    return set(
        own["USUBJID"] if plan.analysis_set == "ITTFL" else own.loc[own[plan.analysis_set].eq("Y"), "USUBJID"]
    )


def competing_words(endpoints: Sequence[Endpoint]) -> str:
    """What can come first, so that the events can no longer happen: ``death or liver transplantation``; empty for nothing."""
    sources = [source for endpoint in endpoints for source in endpoint.competing]
    words = [message("event.death.event") if s.event else in_prose(s.description) for s in sources]
    *most, last = [*dict.fromkeys(words)] or [""]
    return message("list.or", most=message("list.comma").join(most), last=last) if most else last


def unrecorded(study: Study) -> list[str]:
    """That a domain from which the events of this chapter come holds no record: a sentence each."""
    codes = [code for kind in KINDS for plan in plans_of(study, kind) for code in plan.endpoints]
    domains = [s.domain for code in dict.fromkeys(codes) for s in study.protocol.endpoint(code).events]
    said = (
        nothing_recorded(study, domain, message("events.record"))
        for domain in dict.fromkeys(domains)
        if domain
    )
    return [*dict.fromkeys(filter(None, said))]
