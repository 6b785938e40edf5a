"""Where a protocol breaks what a chapter requires of it: each function gives the places, with what stands there."""

from collections.abc import Callable, Iterator
from itertools import pairwise

from esld.protocol import Protocol
from esld.report.planned import ALONE, AT_VISITS, BASELINE, REPORTED, conditions, is_death, of_ids, planned

Found = Iterator[tuple[str, object]]  # places in the protocol, and what stands there; None where nothing does


def arms(protocol: Protocol) -> Found:
    if len(protocol.arms) != 2:
        yield "arms", len(protocol.arms)


def no_death(protocol: Protocol) -> Found:
    if not any(endpoint.paramcd == "OS" for endpoint in protocol.endpoints):
        yield "endpoints[OS]", None
    elif not is_death(protocol, "OS"):
        own = protocol.endpoint("OS").events
        yield "endpoints[OS].events", ", ".join(source.event or source.description for source in own)


def primary(protocol: Protocol) -> Found:
    if protocol.primary.endpoint != "OS":
        yield f"analyses[{protocol.primary.id}].endpoint", protocol.primary.endpoint or "none"
    elif protocol.primary.chapter != "03_survival":
        yield f"analyses[{protocol.primary.id}].chapter", protocol.primary.chapter


def baseline(protocol: Protocol) -> Found:
    known = {*BASELINE, *(parameter.paramcd for parameter in protocol.parameters)}
    if not protocol.baseline_variables:
        yield "baseline_variables", "none"
    for name in protocol.baseline_variables:
        if name not in known or protocol.baseline_variables.count(name) > 1:
            yield "baseline_variables", name


def other_endpoint(protocol: Protocol) -> Found:
    for analysis in protocol.analyses:
        if analysis.id in REPORTED["03_survival"]:
            wanted = analysis.id.partition("-")[0]
            if analysis.endpoint != wanted:
                yield f"analyses[{analysis.id}].endpoint", analysis.endpoint or "none"


def no_horizon(*ids: str) -> Callable[[Protocol], Found]:
    def broken(protocol: Protocol) -> Found:
        for analysis in of_ids(protocol, *ids):
            if analysis.horizon_days is None or analysis.horizon_days <= 0:
                yield f"analyses[{analysis.id}].horizon_days", analysis.horizon_days

    return broken


def another_day(protocol: Protocol) -> Found:
    for analysis in of_ids(protocol, "OS-1Y-EXACT"):
        own = analysis.milestones_days[:1]
        if own and own != protocol.primary.milestones_days[:1]:
            yield "analyses[OS-1Y-EXACT].milestones_days", list(analysis.milestones_days)


def another_horizon(protocol: Protocol) -> Found:
    means, exact = planned(protocol, "OS-RMST"), planned(protocol, "OS-EXACT")
    if not (means and exact and means.horizon_days):
        return
    if exact.horizon_days not in (None, means.horizon_days):
        yield "analyses[OS-EXACT].horizon_days", exact.horizon_days


def no_death_in(protocol: Protocol) -> Found:
    for endpoint in protocol.endpoints:
        if endpoint.paramcd == "TFS" and not any(source.event == "DEATH" for source in endpoint.events):
            yield "endpoints[TFS].events", ", ".join(source.description for source in endpoint.events)


def visits(protocol: Protocol) -> Found:
    if not protocol.schedule.visits:
        yield "schedule.visits", "none"


def numbers(protocol: Protocol) -> Found:
    for visit in protocol.schedule.visits:
        if visit.number != int(visit.number):
            yield f"schedule.visits[{visit.code}].number", f"{visit.number:g}"


def weeks(protocol: Protocol) -> Found:
    for before, after in pairwise(protocol.schedule.visits):
        if after.week <= before.week:
            yield f"schedule.visits[{after.code}].week", f"{after.week:g}"


def at_visits(protocol: Protocol) -> Found:
    if not any(of_ids(protocol, *AT_VISITS)):
        yield f"analyses[{AT_VISITS[0]}]", None


def no_model(protocol: Protocol) -> Found:
    for analysis in of_ids(protocol, *AT_VISITS):
        if not analysis.parameters:
            yield f"analyses[{analysis.id}].parameters", "none"
        if analysis.model is None:
            yield f"analyses[{analysis.id}].model", "none"


def twice(protocol: Protocol) -> Found:
    codes = [code for analysis in of_ids(protocol, *AT_VISITS) for code in analysis.parameters]
    for code in dict.fromkeys(code for code in codes if codes.count(code) > 1):
        yield f"analyses[{' and '.join(AT_VISITS)}].parameters", code


def other_parameters(protocol: Protocol) -> Found:
    shown = {code for analysis in of_ids(protocol, *AT_VISITS) for code in analysis.parameters}
    for analysis in of_ids(protocol, "CHG-LAST", "RANK-LAST"):
        if set(analysis.parameters) != shown:
            yield f"analyses[{analysis.id}].parameters", ", ".join(analysis.parameters) or "none"


def other_visit(protocol: Protocol) -> Found:
    last = [visit.code for visit in protocol.schedule.visits[-1:]]
    for analysis in of_ids(protocol, "CHG-LAST", "RANK-LAST"):
        if last and analysis.visit != last[0]:
            yield f"analyses[{analysis.id}].visit", analysis.visit or "none"


def no_direction(protocol: Protocol) -> Found:
    ranked = [code for analysis in of_ids(protocol, "RANK-LAST") for code in analysis.parameters]
    steps = [step for analysis in of_ids(protocol, "HIERARCHY") for step in analysis.hierarchy]
    ranked += [step.parameter for step in steps if step.parameter]
    for code in dict.fromkeys(ranked):
        if protocol.parameter(code).better is None:
            yield f"parameters[{code}].better", None


def no_hierarchy(protocol: Protocol) -> Found:
    for analysis in of_ids(protocol, "HIERARCHY"):
        if not analysis.hierarchy:
            yield "analyses[HIERARCHY].hierarchy", "none"


def no_episodes(protocol: Protocol) -> Found:
    steps = [step for analysis in of_ids(protocol, "HIERARCHY") for step in analysis.hierarchy]
    for code in dict.fromkeys(code for step in steps for code in step.endpoints):
        if not protocol.endpoint(code).recurrent:
            yield f"endpoints[{code}].recurrent", "false"


def no_decompensation(protocol: Protocol) -> Found:
    if not conditions(protocol):
        yield "analyses[DECOMP]" + (".endpoints" if planned(protocol, "DECOMP") else ""), None


def no_competing_death(protocol: Protocol) -> Found:
    for code in dict.fromkeys(conditions(protocol)):
        own = protocol.endpoint(code)
        if not any(source.event == "DEATH" for source in own.competing):
            yield f"endpoints[{code}].competing", ", ".join(s.description for s in own.competing) or "none"


def other_episodes(protocol: Protocol) -> Found:
    first, every = planned(protocol, "DECOMP"), planned(protocol, "DECOMP-RATE")
    if first is None or every is None:
        return
    recurrent = {code for code in first.endpoints if protocol.endpoint(code).recurrent}
    if set(every.endpoints) != recurrent:
        yield "analyses[DECOMP-RATE].endpoints", ", ".join(every.endpoints) or "none"
    if every.horizon_days != first.horizon_days:
        yield "analyses[DECOMP-RATE].horizon_days", every.horizon_days


def no_infusion(protocol: Protocol) -> Found:
    if protocol.by_infusion or all(analysis.role != "safety" for analysis in protocol.analyses):
        return
    routes = {arm.code: arm.dose.route for arm in protocol.arms if arm.dose and not arm.dose.by_infusion}
    for code, route in routes.items():
        yield f"arms[{code}].dose.route", route
    if not routes:
        yield "the dose.route of the arms", "none"


def not_reported(protocol: Protocol, chapter: str) -> Found:
    """Analyses that the plan gives to a chapter of the package that reports none of that id."""
    alone = [a.id for a in protocol.analyses if a.role == ALONE.get(chapter)][:1]
    for analysis in protocol.analyses:
        if analysis.chapter == chapter and analysis.id not in (*REPORTED[chapter], *alone):
            yield f"analyses[{analysis.id}]", None


def elsewhere(protocol: Protocol, chapter: str) -> Found:
    """Analyses that a chapter reports and the plan gives to another one."""
    for analysis in of_ids(protocol, *REPORTED[chapter]):
        if analysis.chapter != chapter:
            yield f"analyses[{analysis.id}].chapter", analysis.chapter
