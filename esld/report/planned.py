"""What each chapter requires of a protocol, as data: what would stop it, or make it say what is false, is told before any runs.

A trial that does not plan an optional part of a chapter is none of these: the part is left out (:mod:`esld.report.needs`). An
analyst's own chapter, under a name of its own, requires nothing here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from esld.errors import InputError
from esld.protocol import Analysis, Protocol
from esld.report.parameters import AT_VISITS

Found = Iterator[tuple[str, object]]  # places in the protocol, and what stands there; None where nothing does
_BASELINE = ("AGE", "SEX", "WEIGHT")  # baseline variables that are no parameters


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


# The analyses under which the chapters report, beside the primary one, which 03 reports under its own id.
REPORTED: Mapping[str, tuple[str, ...]] = {
    "00_data_cut": ("FLOW",),
    "01_randomisation": ("RANDOMISATION",),
    "02_baseline": ("BASELINE",),
    "03_survival": (
        *("OS-KM", "OS-LOGRANK", "OS-RMST", "OS-COX", "OS-1Y-EXACT", "OS-EXACT", "OS-FIRTH"),
        "TFS-KM",
    ),
    "04_liver_function": ("LFT", "SCORES", "CHG-LAST", "RANK-LAST", "HIERARCHY"),
    "05_decompensation": ("DECOMP", "DECOMP-RATE"),
    "06_safety": (),  # the one of role safety, whatever its id
    "07_patients": ("LISTING",),
    "08_summary": ("SUMMARY",),
    "90_validation": ("VALIDATION",),
}
_ALONE = {"03_survival": "primary", "06_safety": "safety"}  # the role whose analysis is found without its id


def planned(protocol: Protocol, id: str) -> Analysis | None:
    """The planned analysis of that id; None without."""
    return next((analysis for analysis in protocol.analyses if analysis.id == id), None)


def _of(protocol: Protocol, *ids: str) -> Iterator[Analysis]:
    return (analysis for analysis in protocol.analyses if analysis.id in ids)


def is_death(protocol: Protocol, paramcd: str | None) -> bool:
    """Whether an endpoint is death from any cause, and nothing else."""
    own = [e for e in protocol.endpoints if e.paramcd == paramcd]
    return bool(own) and all(source.event == "DEATH" for source in own[0].events)


def death_endpoint(protocol: Protocol) -> str | None:
    """The endpoint that is death alone: that of the primary analysis, else the first; None without one."""
    codes = [protocol.primary.endpoint, *(endpoint.paramcd for endpoint in protocol.endpoints)]
    return next((code for code in codes if is_death(protocol, code)), None)


def conditions(protocol: Protocol) -> tuple[str, ...]:
    """The endpoints of the analysis of decompensation; none where it is not planned."""
    return tuple(code for analysis in _of(protocol, "DECOMP") for code in analysis.endpoints)


# Where a protocol breaks a requirement


def _arms(protocol: Protocol) -> Found:
    if len(protocol.arms) != 2:
        yield "arms", len(protocol.arms)


def _no_death(protocol: Protocol) -> Found:
    if not any(endpoint.paramcd == "OS" for endpoint in protocol.endpoints):
        yield "endpoints[OS]", None
    elif not is_death(protocol, "OS"):
        own = protocol.endpoint("OS").events
        yield "endpoints[OS].events", ", ".join(source.event or source.description for source in own)


def _primary(protocol: Protocol) -> Found:
    if protocol.primary.endpoint != "OS":
        yield f"analyses[{protocol.primary.id}].endpoint", protocol.primary.endpoint or "none"
    elif protocol.primary.chapter != "03_survival":
        yield f"analyses[{protocol.primary.id}].chapter", protocol.primary.chapter


def _baseline(protocol: Protocol) -> Found:
    known = {*_BASELINE, *(parameter.paramcd for parameter in protocol.parameters)}
    if not protocol.baseline_variables:
        yield "baseline_variables", "none"
    for name in protocol.baseline_variables:
        if name not in known or protocol.baseline_variables.count(name) > 1:
            yield "baseline_variables", name


def _other_endpoint(protocol: Protocol) -> Found:
    for analysis in protocol.analyses:
        if analysis.id in REPORTED["03_survival"]:
            wanted = analysis.id.partition("-")[0]
            if analysis.endpoint != wanted:
                yield f"analyses[{analysis.id}].endpoint", analysis.endpoint or "none"


def _no_horizon(*ids: str) -> Callable[[Protocol], Found]:
    def broken(protocol: Protocol) -> Found:
        for analysis in _of(protocol, *ids):
            if analysis.horizon_days is None or analysis.horizon_days <= 0:
                yield f"analyses[{analysis.id}].horizon_days", analysis.horizon_days

    return broken


def _another_day(protocol: Protocol) -> Found:
    for analysis in _of(protocol, "OS-1Y-EXACT"):
        own = analysis.milestones_days[:1]
        if own and own != protocol.primary.milestones_days[:1]:
            yield "analyses[OS-1Y-EXACT].milestones_days", list(analysis.milestones_days)


def _another_horizon(protocol: Protocol) -> Found:
    means, exact = planned(protocol, "OS-RMST"), planned(protocol, "OS-EXACT")
    if means and exact and exact.horizon_days not in (None, means.horizon_days):
        yield "analyses[OS-EXACT].horizon_days", exact.horizon_days


def _no_death_in(protocol: Protocol) -> Found:
    for endpoint in protocol.endpoints:
        if endpoint.paramcd == "TFS" and not any(source.event == "DEATH" for source in endpoint.events):
            yield "endpoints[TFS].events", ", ".join(source.description for source in endpoint.events)


def _visits(protocol: Protocol) -> Found:
    if not protocol.schedule.visits:
        yield "schedule.visits", "none"


def _numbers(protocol: Protocol) -> Found:
    for visit in protocol.schedule.visits:
        if visit.number != int(visit.number):
            yield f"schedule.visits[{visit.code}].number", f"{visit.number:g}"


def _weeks(protocol: Protocol) -> Found:
    for before, after in pairwise(protocol.schedule.visits):
        if after.week <= before.week:
            yield f"schedule.visits[{after.code}].week", f"{after.week:g}"


def _at_visits(protocol: Protocol) -> Found:
    if not any(_of(protocol, *AT_VISITS)):
        yield f"analyses[{AT_VISITS[0]}]", None


def _no_model(protocol: Protocol) -> Found:
    for analysis in _of(protocol, *AT_VISITS):
        if not analysis.parameters:
            yield f"analyses[{analysis.id}].parameters", "none"
        if analysis.model is None:
            yield f"analyses[{analysis.id}].model", "none"


def _twice(protocol: Protocol) -> Found:
    codes = [code for analysis in _of(protocol, *AT_VISITS) for code in analysis.parameters]
    for code in dict.fromkeys(code for code in codes if codes.count(code) > 1):
        yield f"analyses[{' and '.join(AT_VISITS)}].parameters", code


def _other_parameters(protocol: Protocol) -> Found:
    shown = {code for analysis in _of(protocol, *AT_VISITS) for code in analysis.parameters}
    for analysis in _of(protocol, "CHG-LAST", "RANK-LAST"):
        if set(analysis.parameters) != shown:
            yield f"analyses[{analysis.id}].parameters", ", ".join(analysis.parameters) or "none"


def _other_visit(protocol: Protocol) -> Found:
    last = [visit.code for visit in protocol.schedule.visits[-1:]]
    for analysis in _of(protocol, "CHG-LAST", "RANK-LAST"):
        if last and analysis.visit != last[0]:
            yield f"analyses[{analysis.id}].visit", analysis.visit or "none"


def _no_direction(protocol: Protocol) -> Found:
    ranked = [code for analysis in _of(protocol, "RANK-LAST") for code in analysis.parameters]
    steps = [step for analysis in _of(protocol, "HIERARCHY") for step in analysis.hierarchy]
    ranked += [step.parameter for step in steps if step.parameter]
    for code in dict.fromkeys(ranked):
        if protocol.parameter(code).better is None:
            yield f"parameters[{code}].better", None


def _no_hierarchy(protocol: Protocol) -> Found:
    for analysis in _of(protocol, "HIERARCHY"):
        if not analysis.hierarchy:
            yield "analyses[HIERARCHY].hierarchy", "none"


def _no_episodes(protocol: Protocol) -> Found:
    steps = [step for analysis in _of(protocol, "HIERARCHY") for step in analysis.hierarchy]
    for code in dict.fromkeys(code for step in steps for code in step.endpoints):
        if not protocol.endpoint(code).recurrent:
            yield f"endpoints[{code}].recurrent", "false"


def _no_decompensation(protocol: Protocol) -> Found:
    if not conditions(protocol):
        yield "analyses[DECOMP]" + (".endpoints" if planned(protocol, "DECOMP") else ""), None


def _no_competing_death(protocol: Protocol) -> Found:
    for code in dict.fromkeys(conditions(protocol)):
        own = protocol.endpoint(code)
        if not any(source.event == "DEATH" for source in own.competing):
            yield f"endpoints[{code}].competing", ", ".join(s.description for s in own.competing) or "none"


def _other_episodes(protocol: Protocol) -> Found:
    first, every = planned(protocol, "DECOMP"), planned(protocol, "DECOMP-RATE")
    if first is None or every is None:
        return
    recurrent = {code for code in first.endpoints if protocol.endpoint(code).recurrent}
    if set(every.endpoints) != recurrent:
        yield "analyses[DECOMP-RATE].endpoints", ", ".join(every.endpoints) or "none"
    if every.horizon_days != first.horizon_days:
        yield "analyses[DECOMP-RATE].horizon_days", every.horizon_days


def _no_infusion(protocol: Protocol) -> Found:
    if protocol.by_infusion or all(analysis.role != "safety" for analysis in protocol.analyses):
        return
    routes = {arm.code: arm.dose.route for arm in protocol.arms if arm.dose and not arm.dose.by_infusion}
    for code, route in routes.items():
        yield f"arms[{code}].dose.route", route
    if not routes:
        yield "arms", "no dose"


def _not_reported(protocol: Protocol, chapter: str) -> Found:
    """Analyses that the plan gives to a chapter of the package that reports none of that id."""
    alone = [a.id for a in protocol.analyses if a.role == _ALONE.get(chapter)][:1]
    for analysis in protocol.analyses:
        if analysis.chapter == chapter and analysis.id not in (*REPORTED[chapter], *alone):
            yield f"analyses[{analysis.id}]", None


def _elsewhere(protocol: Protocol, chapter: str) -> Found:
    """Analyses that a chapter reports and the plan gives to another one."""
    for analysis in _of(protocol, *REPORTED[chapter]):
        if analysis.chapter != chapter:
            yield f"analyses[{analysis.id}].chapter", analysis.chapter


def _reported_alone(chapter: str) -> Iterator[Requirement]:
    names = ", ".join(REPORTED[chapter])
    role = f"the {_ALONE[chapter]} one" if chapter in _ALONE else ""
    known = " and ".join(filter(None, (role, names)))
    yield Requirement(
        (chapter,), "", f"must be those that it reports: {known}",
        "Call it so, or give it to a chapter of your own", lambda protocol: _not_reported(protocol, chapter),
    )  # fmt: skip
    yield Requirement(
        (chapter,), "", f"must be {chapter}, which reports it", "Name it",
        lambda protocol: _elsewhere(protocol, chapter),
    )  # fmt: skip


REQUIREMENTS: tuple[Requirement, ...] = (
    Requirement(
        ("01_randomisation", "03_survival", "04_liver_function"), "arms",
        "must be two, which are compared", "Give two arms", _arms,
    ),
    Requirement(
        ("00_data_cut", "03_survival"), "endpoints[OS]", "must be planned as death alone",
        "Add it: 'paramcd: OS' with 'events: [{event: DEATH}]'", _no_death,
    ),
    Requirement(
        ("03_survival",), "the primary analysis", "must be of the endpoint OS, death alone, and of 03_survival",
        "Name OS, or give the primary analysis to a chapter of your own", _primary,
    ),
    Requirement(
        ("01_randomisation", "02_baseline"), "baseline_variables",
        f"must be {', '.join(_BASELINE)} or parameters, each once", "Name at least one of them, and no other", _baseline,
    ),
    Requirement(
        ("03_survival",), "analyses[OS-…] and analyses[TFS-KM]", "must be of the endpoint that its id begins with",
        "Name that endpoint", _other_endpoint,
    ),
    Requirement(
        ("03_survival",), "analyses[OS-RMST].horizon_days", "must be a day above 0, up to which the mean is taken", "Give it",
        _no_horizon("OS-RMST"),
    ),
    Requirement(
        ("03_survival",), "analyses[OS-1Y-EXACT].milestones_days", "must begin with the day of the primary analysis",
        "Name that day, or leave it out", _another_day,
    ),
    Requirement(
        ("03_survival",), "analyses[OS-EXACT].horizon_days", "must be that of OS-RMST", "Name that day, or leave it out",
        _another_horizon,
    ),
    Requirement(
        ("03_survival",), "endpoints[TFS].events", "must hold death", "Add '{event: DEATH}'", _no_death_in,
    ),
    Requirement(("04_liver_function",), "schedule.visits", "must name a visit", "Add it", _visits),
    Requirement(
        ("04_liver_function",), "the number of a visit", "must be a whole one, which the model takes",
        "Number the visits 1, 2, 3 …", _numbers,
    ),
    Requirement(
        ("04_liver_function",), "the week of a visit", "must be later than that of the visit before", "Correct it", _weeks,
    ),
    Requirement(
        ("04_liver_function",), "analyses[LFT]", "must be planned, or else SCORES",
        "Plan one of them, with parameters and a model", _at_visits,
    ),
    Requirement(
        ("04_liver_function",), "parameters and model of LFT and SCORES", "must be given to the mixed model by visit",
        "Give it", _no_model,
    ),
    Requirement(
        ("04_liver_function",), "LFT and SCORES", "must name each parameter once", "Take it out of one",
        _twice,
    ),
    Requirement(
        ("04_liver_function",), "the parameters of CHG-LAST and RANK-LAST", "must be those of LFT and SCORES together",
        "Name these", _other_parameters,
    ),
    Requirement(
        ("04_liver_function",), "the visit of CHG-LAST and RANK-LAST", "must be the last visit of the schedule",
        "Name that one", _other_visit,
    ),
    Requirement(
        ("04_liver_function",), "better, of a parameter of RANK-LAST or HIERARCHY", "must be lower or higher, to rank by it",
        "Say which is better", _no_direction,
    ),
    Requirement(
        ("04_liver_function",), "analyses[HIERARCHY]", "must name its steps", "Give them, or leave the analysis out",
        _no_hierarchy,
    ),
    Requirement(
        ("04_liver_function",), "analyses[HIERARCHY].horizon_days", "must be a day above 0, up to which patients are compared",
        "Give it", _no_horizon("HIERARCHY"),
    ),
    Requirement(
        ("04_liver_function",), "recurrent, of endpoints of a step of HIERARCHY", "must be true, for its episodes are counted",
        "Set it, or name a single 'endpoint'", _no_episodes,
    ),
    Requirement(
        ("05_decompensation",), "analyses[DECOMP]", "must be planned with its endpoints", "Add it", _no_decompensation,
    ),
    Requirement(
        ("05_decompensation",), "analyses[DECOMP].horizon_days", "must be a day above 0, up to which events count", "Give it",
        _no_horizon("DECOMP"),
    ),
    Requirement(
        ("05_decompensation",), "competing, of the endpoints of DECOMP", "must name death, after which there is no event",
        "Add '{event: DEATH}'", _no_competing_death,
    ),
    Requirement(
        ("05_decompensation",), "endpoints and horizon_days of DECOMP-RATE", "must be those of DECOMP that are recurrent",
        "Repeat it, or leave the analysis out", _other_episodes,
    ),
    Requirement(
        ("06_safety",), "arms[…].dose.route", "must be that of an infusion (INTRAVENOUS), of which the chapter speaks",
        "State it where it is one", _no_infusion,
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
    chapter = "04_liver_function"
    analysed = [code for analysis in _of(protocol, *AT_VISITS) for code in analysis.parameters]
    name = parameters.get(chapter, {}).get("headline")
    if chapter in chapters and name is not None and analysed and name not in analysed:
        rule = f"must be a parameter of LFT or SCORES in {file}"
        remedy = f"Set 'parameters: {{{chapter}: {{headline: {analysed[0]}}}}}' in the cut file."
        yield InputError("headline", rule, name, f"chapter {chapter}", remedy)
