"""How chapters find what a protocol plans: by role and kind, never by the id of an analysis or an endpoint."""

import re
from html import escape

from esld.data.study import Study
from esld.protocol import Analysis, Endpoint, Kind, Protocol, read_protocol
from esld.protocol.translated import as_stated
from esld.report.numbers import significant
from esld.report.results import slug
from esld.report.words.catalogue import message
from esld.report.words.grammar import as_prose, period


def subjects(analysis: Analysis) -> tuple[str, ...]:
    """Codes of the endpoints and parameters that an analysis is of."""
    return (*filter(None, (analysis.endpoint,)), *analysis.endpoints, *analysis.parameters)


def id_of(protocol: Protocol, kind: Kind) -> str:
    """Id of the first planned analysis of a kind; empty where none is planned, and counts belong to no analysis."""
    return next((analysis.id for analysis in protocol.of_kind(kind)), "")


def result_name(
    protocol: Protocol, stem: str, plan: Analysis, subject: str = "", pair: tuple[str, str] | None = None
) -> str:
    """Name under which a result is handed over.

    Parameters
    ----------
    protocol : Protocol
        The trial.
    stem : str
        What is computed, of what: ``os_km``, ``change_alt``.
    plan : Analysis
        Where the protocol plans it.
    subject : str
        Code of the endpoint or parameter; of an analysis of one endpoint it need not be said.
    pair : tuple of two str, optional
        The control and the arm that is compared with it, where there are several pairs.

    Returns
    -------
    str
        The stem alone in the first analysis of that kind and subject; else with the analysis's id, and with the arm.
    """
    subject = subject or plan.endpoint or ""
    alike = (a for a in protocol.analyses if a.kind == plan.kind and (not subject or subject in subjects(a)))
    own = () if plan is next(alike, plan) else (slug(plan.id),)
    return "_".join((stem, *own, *([slug(pair[1])] if pair else [])))


def title_at(plan: Analysis, time: float | None) -> str:
    """The title of an analysis where its result is of the day that it names; a milestone of another day is called by that day."""
    days = {significant(day): day for day in plan.days if plan.kind == "milestone"}
    if time is None or time not in days or days[time] == plan.day:
        return plan.title
    return message("milestone.beside", horizon=period(time), title=plan.title)


def trial_of(study: Study) -> Protocol:
    """The trial as it was planned, for its sizes alone: a view that hides the arms hides how many there are, too."""
    return read_protocol(study.file.protocol_path) if study.cut.hides else study.protocol


def estimand_of(study: Study, plan: Analysis) -> dict[str, str]:
    """The attributes of an estimand by name; a view that hides the arms has no summary that names one, since beside its
    results, "B minus A", the direction would tell which is which.
    """
    said = plan.estimand.model_dump()
    if study.cut.hides and _arms(trial_of(study)).search(_spaced(said["summary"])):
        said["summary"] = message("estimands.summary.hidden")
    return said


def _arms(trial: Protocol) -> re.Pattern[str]:
    """The arms of a trial by any of their labels, names and codes."""
    found = {_spaced(text) for arm in trial.arms for text in (arm.label, arm.name, arm.code)}
    return re.compile("|".join(rf"\b{re.escape(text)}\b" for text in sorted(found)), re.I)


def _spaced(text: str) -> str:
    return as_stated(text).replace("-", " ")


def planned_sizes(protocol: Protocol) -> tuple[int, int] | None:
    """Patients planned in the control and in each other arm; None without another, or where the others are not of one size."""
    first, *others = protocol.ratio
    if len(set(others)) != 1:
        return None
    one, other = (
        max(1, round(protocol.target_enrolment * part / sum(protocol.ratio))) for part in (first, others[0])
    )
    return one, other


def planned_share(protocol: Protocol) -> Analysis | None:
    """The planned analysis of a share of patients: the primary one, else the first of the endpoint of the primary, else any."""
    kinds: tuple[Kind, ...] = ("milestone", "milestone_test", "responder")
    own = [a for a in (protocol.primary, *protocol.of_kind(*kinds)) if a.kind in kinds and a.of is None]
    alike = [
        a for a in own if a is protocol.primary or (a.endpoint and a.endpoint == protocol.primary.endpoint)
    ]
    return next(iter([*alike, *own]), None)


def is_death(endpoint: Endpoint) -> bool:
    """Whether an endpoint is death from any cause, and nothing else."""
    return all(source.event == "DEATH" for source in endpoint.events)


def holds_death(endpoint: Endpoint) -> bool:
    """Whether death is among the events of an endpoint."""
    return any(source.event == "DEATH" for source in endpoint.events)


def leading(protocol: Protocol, chapter: str) -> Analysis | None:
    """The analysis that answers a chapter's question: the primary one where it is the chapter's, else its first, if any."""
    own = (a for a in (protocol.primary, *protocol.analyses) if a.chapter == chapter and a.of is None)
    return next(own, None)


def planned_by(protocol: Protocol, chapter: str = "") -> str:
    """Whose the planned analyses are, of a chapter or of the whole report: those that the source of the protocol does not state
    were chosen by whoever wrote its file.
    """
    own = [analysis for analysis in protocol.analyses if chapter in ("", analysis.chapter)]
    assumed = sum(analysis.assumed for analysis in own)
    if not own:
        return message("planned_by.nothing")
    share = "none" if not assumed else "all" if assumed == len(own) else "some"
    place = "chapter" if chapter else "report"
    said = message(f"planned_by.{place}.{share}", assumed=assumed, count=len(own))
    if chapter or share == "none":
        return said
    fixed = protocol.conduct.plan_fixed
    when = (
        message("planned_by.fixed", fixed=escape(fixed.value)) if fixed else message("planned_by.fixed.none")
    )
    return as_prose((said, when))
