"""What the parts of a protocol must agree on, beyond what each of them says of itself."""

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import TYPE_CHECKING

from pydantic import BaseModel

from esld.errors import did_you_mean
from esld.yamlfile import Misfit, Place

if TYPE_CHECKING:
    from esld.protocol.trial import Protocol

FACTORS = ("AGE", "SEX", "RACE", "SITEID")  # variables of ADSL by which patients may be divided
QUANTITIES = ("AGE",)
BASELINE = ("AGE", "SEX", "WEIGHT", "BMI")  # baseline variables that are no parameters


def disagreements(protocol: "Protocol") -> list[Misfit]:
    """Everything in a protocol that does not go together."""
    rules = (
        *(_twice, _unlisted_domains, _unknown_ids, _unfit_arms, _unfit_visits, _unfit_risks, _unfit_plans),
        _unfit_looks,
        _unfit_belief,
    )
    return list(chain.from_iterable(rule(protocol) for rule in rules))


def _twice(protocol: "Protocol") -> Iterator[Misfit]:
    unique: tuple[tuple[tuple[str, ...], Sequence[BaseModel], tuple[str, ...]], ...] = (
        (("arms",), protocol.arms, ("code", "label", "number")),
        (("schedule", "visits"), protocol.schedule.visits, ("code", "label")),
        (("parameters",), protocol.parameters, ("paramcd",)),
        (("endpoints",), protocol.endpoints, ("paramcd",)),
        (("baseline_conditions",), protocol.baseline_conditions, ("name",)),
        (("analysis_sets",), protocol.analysis_sets, ("flag",)),
        (("analyses",), protocol.analyses, ("id",)),
        (("belief", "priors"), protocol.belief.priors if protocol.belief else (), ("name", "label")),
    )
    for place, items, keys in unique:
        for key in keys:
            values = [getattr(item, key) for item in items]
            for position, value in enumerate(values):
                if value in values[:position]:
                    yield Misfit((*place, position, key), f"must be unique in {'.'.join(place)}", value)


def _unlisted_domains(protocol: "Protocol") -> Iterator[Misfit]:
    kinds = {p.kind for p in protocol.parameters}
    needed = {"DM": "subjects", "DS": "randomisation"}
    needed |= {"LB": "laboratory parameters"} if "laboratory" in kinds else {}
    needed |= {"RS": "grades"} if "grade" in kinds else {}
    needed |= {s.domain: f"endpoint {e.paramcd}" for e in protocol.endpoints for s in e.sources}
    for use, sources in (("rescue", protocol.rescue), ("transplant", protocol.transplant)):
        for source in sources.sources if sources else ():
            needed.setdefault(source.domain, use)
    for condition in protocol.baseline_conditions:
        for source in condition.sources:
            needed.setdefault(source.domain, f"baseline condition {condition.name}")
    if "BMI" in protocol.baseline_variables:
        needed.setdefault("VS", "the body mass index")
    for domain, use in needed.items():
        if domain not in protocol.domains:
            yield Misfit(("domains",), f"must list {domain}, for {use}", remedy="Add it.")


def _unknown_ids(protocol: "Protocol") -> Iterator[Misfit]:
    if not any(a.role == "primary" for a in protocol.analyses):
        yield Misfit(("analyses",), "must have one of role primary", remedy="Add it.")
    parameters = [p.paramcd for p in protocol.parameters]
    endpoints = [e.paramcd for e in protocol.endpoints]
    visits = [visit.code for visit in protocol.schedule.visits]
    parts: list[tuple[Place, BaseModel]] = []
    for position, endpoint in enumerate(protocol.endpoints):
        if endpoint.prevalent:
            parts.append((("endpoints", position, "prevalent"), endpoint.prevalent))
    for position, analysis in enumerate(protocol.analyses):
        parts.append((("analyses", position), analysis))
        parts += [
            (("analyses", position, "hierarchy", step), rank) for step, rank in enumerate(analysis.hierarchy)
        ]
    for place, part in parts:
        for key, kind, known in (
            ("paramcd", "a parameter", parameters),
            ("parameter", "a parameter", parameters),
            ("parameters", "a parameter", parameters),
            ("visit", "a visit", visits),
            ("endpoint", "an endpoint", endpoints),
            ("endpoints", "an endpoint", endpoints),
        ):
            named = getattr(part, key, None) or ()
            one = isinstance(named, str)
            for i, id in enumerate([named] if one else named):
                if id not in known:
                    at = (*place, key) if one else (*place, key, i)
                    yield Misfit(at, f"must be the id of {kind}", id, did_you_mean(id, known))


def _unfit_arms(protocol: "Protocol") -> Iterator[Misfit]:
    """The control is an arm, a ratio has a number for each, and factors are of what is known before randomisation."""
    codes = [arm.code for arm in protocol.arms]
    if protocol.control is not None and protocol.control not in codes:
        yield Misfit(
            ("control",),
            "must be the code of an arm",
            protocol.control,
            did_you_mean(protocol.control, codes),
        )
    unique = len(set(codes)) == len(codes)  # else the mistake lies there, and is told there
    for code in protocol.lay.groups if protocol.lay and unique else ():
        if code not in codes:
            yield Misfit(
                ("lay", "groups", code), "must be the code of an arm", code, did_you_mean(code, codes)
            )
    if design := protocol.randomisation.design:
        place, total = ("randomisation", "design"), sum(protocol.ratio)
        if design.ratio and len(design.ratio) != len(protocol.arms):
            rule = f"must be a number for each of {len(protocol.arms)} arms"
            yield Misfit((*place, "ratio"), rule, list(design.ratio))
        elif odd := [size for size in design.block_sizes if size < 1 or size % total]:
            yield Misfit((*place, "block_sizes"), f"must be multiples of {total}", odd)
    kinds = {p.paramcd: p.kind for p in protocol.parameters}
    known = [*FACTORS, *kinds]
    for key in ("strata", "subgroups"):
        for position, factor in enumerate(getattr(protocol, key)):
            quantity = factor.variable in QUANTITIES or kinds.get(factor.variable) in (
                "laboratory",
                "score",
            )
            if factor.variable not in known:
                rule = f"must be {', '.join(FACTORS)} or a parameter"
                yield Misfit(
                    (key, position, "variable"),
                    rule,
                    factor.variable,
                    did_you_mean(factor.variable, known),
                )
            elif quantity and not factor.cuts:
                yield Misfit(
                    (key, position, "cuts"),
                    f"must divide {factor.variable}, which is a quantity",
                    None,
                    "Give it.",
                )
            elif factor.cuts and factor.variable in FACTORS and not quantity:
                rule = f"must be left out: {factor.variable} is no quantity"
                yield Misfit((key, position, "cuts"), rule, list(factor.cuts), "Leave it out.")


def _unfit_visits(protocol: "Protocol") -> Iterator[Misfit]:
    """Visits rise in time, there are some where parameters are analysed at them, and baseline variables are known."""
    visits = protocol.schedule.visits
    for position, (before, after) in enumerate(pairwise(visits), 1):
        if after.week <= before.week:
            rule = f"must be later than that of {before.code}, {before.week:g}"
            yield Misfit(("schedule", "visits", position, "week"), rule, f"{after.week:g}")
    for position, analysis in enumerate(protocol.analyses):
        if analysis.kind == "mmrm" and not visits:
            rule = "must have visits in the schedule, at which its parameters are analysed"
            yield Misfit(("analyses", position, "kind"), rule, "mmrm", "Add them.")
    codes = [parameter.paramcd for parameter in protocol.parameters]
    known = [*BASELINE, *(["CPCLASS"] if "CPSCORE" in codes else []), *codes]
    for position, name in enumerate(protocol.baseline_variables):
        if name not in known:
            rule = f"must be {', '.join(BASELINE)} or a parameter"
            yield Misfit(("baseline_variables", position), rule, name, did_you_mean(name, known))
        elif name in protocol.baseline_variables[:position]:
            yield Misfit(("baseline_variables", position), "must be named once", name, "Take it out.")
    for position, analysis in enumerate(protocol.analyses):
        for place, name in enumerate(analysis.covariates):
            if name not in protocol.baseline_variables or name in analysis.covariates[:place]:
                remedy = did_you_mean(name, protocol.baseline_variables)
                rule = "must be one of baseline_variables, named once"
                yield Misfit(("analyses", position, "covariates", place), rule, name, remedy)


def _unfit_risks(protocol: "Protocol") -> Iterator[Misfit]:
    """After death nothing happens: where first events are counted, death is one of them or competes."""
    counted = {code for a in protocol.analyses if a.kind == "cumulative_incidence" for code in a.endpoints}
    for position, endpoint in enumerate(protocol.endpoints):
        sources = (*endpoint.events, *endpoint.competing)
        if endpoint.paramcd in counted and not any(source.event == "DEATH" for source in sources):
            named = ", ".join(source.description for source in endpoint.competing) or "none"
            rule = "must name death, after which there is no event"
            yield Misfit(("endpoints", position, "competing"), rule, named, "Add '{event: DEATH}'.")


def _unfit_plans(protocol: "Protocol") -> Iterator[Misfit]:
    """What an analysis says of strata, subgroups, variants, sets and responses is there."""
    own = {analysis.id: analysis for analysis in protocol.analyses}
    flags = [s.flag for s in protocol.analysis_sets if s.collected]
    for position, analysis in enumerate(protocol.analyses):
        place = ("analyses", position)
        if analysis.stratified and not protocol.strata:
            yield Misfit((*place, "stratified"), "must have strata in the protocol", "true", "Add 'strata'.")
        if analysis.subgroups and not protocol.subgroups:
            yield Misfit((*place, "subgroups"), "must be named in the protocol", "true", "Add 'subgroups'.")
        if analysis.analysis_set != "ITTFL" and analysis.analysis_set not in flags:
            rule = "must be an analysis set that is collected"
            yield Misfit((*place, "analysis_set"), rule, analysis.analysis_set, "Add it to 'analysis_sets'.")
        if analysis.of is None:
            continue
        beside = own.get(analysis.of)
        days = (
            ("milestones_days", "horizon_days") if analysis.kind == "milestone" else ()
        )  # a table has one day
        alike = ("kind", "endpoint", "endpoints", "visit", *days)
        if beside is None or beside is analysis:
            yield Misfit(
                (*place, "of"),
                "must be the id of another analysis",
                analysis.of,
                did_you_mean(analysis.of, own),
            )
        elif other := next((key for key in alike if getattr(beside, key) != getattr(analysis, key)), None):
            rule = (
                f"must be that of {beside.id}, beside which it is shown: {getattr(beside, other) or 'none'}"
            )
            yield Misfit((*place, other), rule, getattr(analysis, other) or "none")
    for position, parameter in enumerate(protocol.parameters):
        if parameter.better is None and parameter.paramcd in _ranked(protocol):
            rule = "must be lower or higher, where patients are ranked by it"
            yield Misfit(("parameters", position, "better"), rule, None, "Say which is better.")
    for position, endpoint in enumerate(protocol.endpoints):
        if not endpoint.recurrent and endpoint.paramcd in _counted(protocol):
            rule = "must be true, where its episodes are counted"
            yield Misfit(("endpoints", position, "recurrent"), rule, "false", "Set it.")


def _unfit_looks(protocol: "Protocol") -> Iterator[Misfit]:
    """Looks end with the trial, compare two proportions, have boundaries, and are told in words too."""
    plan = protocol.monitoring
    if plan is None:
        return
    for position, harm in enumerate(plan.safety):
        known = ["SERIOUS", *(e.paramcd for e in protocol.endpoints)]
        if harm.event not in known:
            place = ("monitoring", "safety", position, "event")
            yield Misfit(
                place, "must be SERIOUS or the id of an endpoint", harm.event, did_you_mean(harm.event, known)
            )
    numbers = plan.numbers(protocol.target_enrolment)
    if numbers[-1] != protocol.target_enrolment or any(b <= a for a, b in pairwise(numbers)):
        rule = f"must rise to the {protocol.target_enrolment} patients of target_enrolment"
        yield Misfit(("monitoring", "looks"), rule, list(numbers))
        return
    primary = next((a for a in protocol.analyses if a.role == "primary"), None)
    if primary is None or primary.kind != "milestone" or len(protocol.arms) != 2:
        rule = "must go with a primary analysis of kind milestone in two arms"
        got = f"{primary.kind if primary else None} in {len(protocol.arms)}"
        yield Misfit(("monitoring",), rule, got, "Leave it out, or change the primary analysis.")
    stopping = protocol.conduct.stopping
    if stopping is None or stopping.assumed:
        rule = "must say the planned looks in words, not as an assumption"
        yield Misfit(("conduct", "stopping"), rule, None, "State it as the plan has it.")
    try:
        plan.design(protocol.target_enrolment, protocol.ratio)
    except ValueError as error:
        yield Misfit(("monitoring",), f"must have boundaries: {error}", None, "Correct it.")


def _unfit_belief(protocol: "Protocol") -> Iterator[Misfit]:
    """A Bayesian analysis is of an endpoint at a day, and its hazards change before that day."""
    if not (belief := protocol.belief):
        return
    fit = [a.id for a in protocol.analyses if a.endpoint and a.day]
    named = belief.analysis or next((a.id for a in protocol.analyses if a.role == "primary"), "")
    if named not in fit:
        rule = "must name an analysis of an endpoint with milestones_days or horizon_days"
        remedy = did_you_mean(named, fit) if fit else "Add one, or take 'belief' out."
        yield Misfit(("belief", "analysis"), rule, named or "none", remedy)
        return
    day = protocol.believed.day
    cuts = belief.hazards.cuts_days if belief.hazards else ()
    if day and any(after <= before for before, after in pairwise((0, *cuts, day))):
        rule = f"must rise, and end before day {day:g}, of which the analysis is"
        yield Misfit(("belief", "hazards", "cuts_days"), rule, list(cuts))


def _ranked(protocol: "Protocol") -> set[str]:
    """Parameters by which patients are ranked."""
    ranked = {code for a in protocol.analyses if a.kind == "worst_rank" for code in a.parameters}
    return ranked | {step.parameter for a in protocol.analyses for step in a.hierarchy if step.parameter}


def _counted(protocol: "Protocol") -> set[str]:
    """Endpoints whose episodes are counted."""
    counted = {code for a in protocol.analyses if a.kind == "episodes" for code in a.endpoints}
    return counted | {code for a in protocol.analyses for step in a.hierarchy for code in step.endpoints}
