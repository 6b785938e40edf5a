"""What each chapter requires of a protocol, as data: what would stop it, or make it say what is false, is told before any runs.

A trial that does not plan an optional part of a chapter is none of these: the part is left out (:mod:`esld.report.needs`). An
analyst's own chapter, under a name of its own, requires nothing here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from esld.errors import InputError
from esld.protocol import Protocol
from esld.report import breaches
from esld.report.breaches import Found
from esld.report.planned import ALONE, AT_VISITS, BASELINE, REPORTED, of_ids


@dataclass(frozen=True)
class Requirement:
    """One thing that chapters require of a protocol.

    Attributes
    ----------
    chapters : tuple of str
        Whose it is.
    what : str
        The part of the protocol that it is about, as docs/protocol.md names it; empty where that says it otherwise.
    rule : str
        What that must be, beginning with "must".
    remedy : str
        What to write into the protocol, as an imperative without a full stop.
    broken : callable
        Where a protocol breaks it: places with what stands there.
    """

    chapters: tuple[str, ...]
    what: str
    rule: str
    remedy: str
    broken: Callable[[Protocol], Found]


def _reported_alone(chapter: str) -> Iterator[Requirement]:
    names = ", ".join(REPORTED[chapter])
    role = f"the {ALONE[chapter]} one" if chapter in ALONE else ""
    known = " and ".join(filter(None, (role, names)))
    yield Requirement(
        (chapter,), "", f"must be those that it reports: {known}",
        "Call it so, or give it to a chapter of your own", lambda protocol: breaches.not_reported(protocol, chapter),
    )  # fmt: skip
    yield Requirement(
        (chapter,), "", f"must be {chapter}, which reports it", "Name it",
        lambda protocol: breaches.elsewhere(protocol, chapter),
    )  # fmt: skip


REQUIREMENTS: tuple[Requirement, ...] = (
    Requirement(
        ("01_randomisation", "03_survival", "04_change"), "arms",
        "must be two, which are compared", "Give two arms", breaches.arms,
    ),
    Requirement(
        ("00_data_cut", "03_survival"), "endpoints[OS]", "must be planned as death alone",
        "Add it: 'paramcd: OS' with 'events: [{event: DEATH}]'", breaches.no_death,
    ),
    Requirement(
        ("03_survival",), "the primary analysis", "must be of the endpoint OS, death alone, and of 03_survival",
        "Name OS, or give the primary analysis to a chapter of your own", breaches.primary,
    ),
    Requirement(
        ("01_randomisation", "02_baseline"), "baseline_variables",
        f"must be {', '.join(BASELINE)} or parameters, each once", "Name at least one of them, and no other", breaches.baseline,
    ),
    Requirement(
        ("03_survival",), "analyses[OS-…] and analyses[TFS-KM]", "must be of the endpoint that its id begins with",
        "Name that endpoint", breaches.other_endpoint,
    ),
    Requirement(
        ("03_survival",), "analyses[OS-RMST].horizon_days", "must be a day above 0, up to which the mean is taken", "Give it",
        breaches.no_horizon("OS-RMST"),
    ),
    Requirement(
        ("03_survival",), "analyses[OS-1Y-EXACT].milestones_days", "must begin with the day of the primary analysis",
        "Name that day, or leave it out", breaches.another_day,
    ),
    Requirement(
        ("03_survival",), "analyses[OS-EXACT].horizon_days", "must be that of OS-RMST", "Name that day, or leave it out",
        breaches.another_horizon,
    ),
    Requirement(
        ("03_survival",), "endpoints[TFS].events", "must hold death", "Add '{event: DEATH}'", breaches.no_death_in,
    ),
    Requirement(("04_change",), "schedule.visits", "must name a visit", "Add it", breaches.visits),
    Requirement(
        ("04_change",), "the number of a visit", "must be a whole one, which the model takes",
        "Number the visits 1, 2, 3 …", breaches.numbers,
    ),
    Requirement(
        ("04_change",), "the week of a visit", "must be later than that of the one before", "Correct it", breaches.weeks,
    ),
    Requirement(
        ("04_change",), "analyses[LFT]", "must be planned, or else SCORES",
        "Plan one of them, with parameters and a model", breaches.at_visits,
    ),
    Requirement(
        ("04_change",), "parameters and model of LFT and SCORES", "must be given to the mixed model by visit",
        "Give it", breaches.no_model,
    ),
    Requirement(
        ("04_change",), "LFT and SCORES", "must name each parameter once", "Take it out of one",
        breaches.twice,
    ),
    Requirement(
        ("04_change",), "the parameters of CHG-LAST and RANK-LAST", "must be those of LFT and SCORES together",
        "Name these", breaches.other_parameters,
    ),
    Requirement(
        ("04_change",), "the visit of CHG-LAST and RANK-LAST", "must be the last visit of the schedule",
        "Name that one", breaches.other_visit,
    ),
    Requirement(
        ("04_change",), "better, of a parameter of RANK-LAST or HIERARCHY", "must be lower or higher, to rank by it",
        "Say which is better", breaches.no_direction,
    ),
    Requirement(
        ("04_change",), "analyses[HIERARCHY]", "must name its steps", "Give them, or leave the analysis out",
        breaches.no_hierarchy,
    ),
    Requirement(
        ("04_change",), "analyses[HIERARCHY].horizon_days", "must be a day above 0, up to which patients are compared",
        "Give it", breaches.no_horizon("HIERARCHY"),
    ),
    Requirement(
        ("04_change",), "recurrent, of endpoints of a step of HIERARCHY", "must be true, for its episodes are counted",
        "Set it, or name a single 'endpoint'", breaches.no_episodes,
    ),
    Requirement(
        ("05_events",), "analyses[DECOMP]", "must be planned with its endpoints", "Add it", breaches.no_decompensation,
    ),
    Requirement(
        ("05_events",), "analyses[DECOMP].horizon_days", "must be a day above 0, up to which events count", "Give it",
        breaches.no_horizon("DECOMP"),
    ),
    Requirement(
        ("05_events",), "competing, of the endpoints of DECOMP", "must name death, after which there is no event",
        "Add '{event: DEATH}'", breaches.no_competing_death,
    ),
    Requirement(
        ("05_events",), "endpoints and horizon_days of DECOMP-RATE", "must be those of DECOMP that are recurrent",
        "Repeat it, or leave the analysis out", breaches.other_episodes,
    ),
    Requirement(
        ("06_safety",), "arms[…].dose.route", "must be that of an infusion (INTRAVENOUS), of which the chapter speaks",
        "State it where it is one", breaches.no_infusion,
    ),
    *(requirement for chapter in REPORTED for requirement in _reported_alone(chapter)),
)  # fmt: skip


def faults(
    protocol: Protocol,
    chapters: Iterable[str],
    *,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    file: str = "protocol",
) -> list[InputError]:
    """What of a protocol would stop one of the chapters, or make it say what is false: one error a place and rule.

    Parameters
    ----------
    protocol : Protocol
        As its file states it, not as a view shows it.
    chapters : iterable of str
        Those of the cut; of an analyst's own nothing is known.
    parameters : mapping, optional
        Values that each chapter runs with, by chapter and name.
    file : str
        Name of the protocol's file.
    """
    own, found = set(chapters), []
    for requirement in REQUIREMENTS:
        told = [chapter for chapter in requirement.chapters if chapter in own]
        if not told:
            continue
        without = f"or leave {' and '.join(told)} out of the cut's chapters."
        for place, offender in requirement.broken(protocol):
            where, remedy = f"{file}, for {' and '.join(told)}", f"{requirement.remedy}, {without}"
            found.append(InputError(place, requirement.rule, offender, where, remedy))
    return [*found, *_headline(protocol, own, parameters or {}, file)]


def _headline(
    protocol: Protocol, chapters: set[str], parameters: Mapping[str, Mapping[str, Any]], file: str
) -> Iterator[InputError]:
    """The parameter that answers the question of 04 is one that it analyses."""
    chapter = "04_change"
    analysed = [code for analysis in of_ids(protocol, *AT_VISITS) for code in analysis.parameters]
    name = parameters.get(chapter, {}).get("headline")
    if chapter in chapters and name is not None and analysed and name not in analysed:
        rule = f"must be a parameter of LFT or SCORES in {file}"
        remedy = f"Set 'parameters: {{{chapter}: {{headline: {analysed[0]}}}}}' in the cut file."
        yield InputError("headline", rule, name, f"chapter {chapter}", remedy)
