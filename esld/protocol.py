"""The trial as data: arms, eligibility, visits, parameters, endpoints and planned analyses of one protocol.

A protocol file states what the registry or the publication says. What it does not say is an *assumed* value with
its reason, and the report lists every one of them (:meth:`Protocol.assumptions`).
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from esld.scoring import units
from esld.yamlfile import read_model

Text = Annotated[str, Field(min_length=1)]


def _as_record(value: object) -> object:
    """A bare value is a stated one; a mapping carries its own ``assumed`` mark."""
    return value if isinstance(value, dict) else {"value": value}


class Frozen(BaseModel):
    """Every part of a protocol is immutable and refuses keys that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Assumable(Frozen):
    """Anything that the source may leave open: ``assumed: true`` then needs a ``reason``."""

    assumed: bool = False
    reason: str = ""

    @model_validator(mode="after")
    def _an_assumption_has_a_reason(self) -> Self:
        if self.assumed and not self.reason:
            raise ValueError("an assumed value must state its reason")
        if self.reason and not self.assumed:
            raise ValueError("a reason belongs to an assumed value: set 'assumed: true'")
        return self


class StatedText(Assumable):
    """A text, with the mark of whether the source states it."""

    value: Text


class StatedDays(Assumable):
    """Days of the study, with the mark of whether the source states them."""

    value: tuple[int, ...] = Field(min_length=1)


Stated = Annotated[StatedText, BeforeValidator(_as_record)]
StatedDayList = Annotated[StatedDays, BeforeValidator(_as_record)]


class Dose(Frozen):
    """What one administration holds: amount per kg of body weight, as the EX domain records it."""

    amount: float = Field(gt=0)
    unit: Text
    treatment: Text
    route: Text


class Arm(Frozen):
    """One arm. ``code`` is what DM.ARMCD holds; ``label`` what a reader sees; colours follow the arm's place."""

    code: Text
    label: Text
    name: Text
    number: int = Field(ge=1)
    description: str = ""
    dose: Dose | None = None


class NumericRule(Frozen):
    """A machine-checkable bound on a DM variable, both ends included."""

    variable: Text
    minimum: float | None = None
    maximum: float | None = None


class Criterion(Frozen):
    """An inclusion (IN…) or exclusion (EX…) criterion in the source's words."""

    id: Annotated[str, Field(pattern=r"^(IN|EX)\d{2}$")]
    text: Text
    check: NumericRule | None = None


class Eligibility(Frozen):
    """Who may enter."""

    inclusion: tuple[Criterion, ...]
    exclusion: tuple[Criterion, ...] = ()

    @model_validator(mode="after")
    def _ids_fit_and_are_unique(self) -> Self:
        ids = [c.id for c in (*self.inclusion, *self.exclusion)]
        if len(set(ids)) < len(ids):
            raise ValueError("criterion ids must be unique")
        if any(not c.id.startswith("IN") for c in self.inclusion):
            raise ValueError("inclusion criteria must have ids IN01, IN02 …")
        if any(not c.id.startswith("EX") for c in self.exclusion):
            raise ValueError("exclusion criteria must have ids EX01, EX02 …")
        return self


class Visit(Assumable):
    """A planned visit and the two windows around it, in study days (ADY: day 1 is the anchor, no day 0).

    ``tolerance`` is what the protocol allows around the target; ``window`` is the analysis window, without
    gaps to its neighbours.
    """

    code: Text
    label: Text
    number: float = Field(gt=0)
    week: float
    target: int
    tolerance: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]
    window: tuple[int, int]

    @model_validator(mode="after")
    def _window_holds_its_target(self) -> Self:
        if not self.window[0] <= self.target <= self.window[1]:
            raise ValueError(
                f"the analysis window of visit {self.code} must hold its target, day {self.target}"
            )
        return self

    @property
    def allowed(self) -> tuple[int, int]:
        """First and last study day that the protocol allows."""
        return (self.target - self.tolerance[0], self.target + self.tolerance[1])


class Schedule(Frozen):
    """Visits, the day from which they are counted, and how one of several records is chosen."""

    anchor: Stated
    baseline_window: tuple[int, int]
    visits: tuple[Visit, ...]
    ties: Literal["earlier", "later"]
    component_days: int = Field(default=7, ge=0)

    @property
    def from_randomisation(self) -> bool:
        """Whether visits are counted from randomisation for everybody, infused or not."""
        return self.anchor.value.casefold().startswith("randomi")

    @model_validator(mode="after")
    def _windows_follow_each_other(self) -> Self:
        if self.visits and self.visits[0].window[0] <= 1:
            raise ValueError("the first analysis window must begin after day 1, where baseline ends")
        for before, after in pairwise(self.visits):
            if after.number <= before.number:
                raise ValueError(f"visit {after.code} must have a higher number than {before.code}")
            if after.window[0] != before.window[1] + 1:
                raise ValueError(
                    f"the analysis window of visit {after.code} must begin where {before.code}'s ends"
                )
        return self


class Parameter(Frozen):
    """One analysed quantity of ADLB: where it comes from, its analysis unit and what is plausible.

    ``kind`` is ``laboratory`` (LB), ``grade`` (RS, ordinal) or ``score`` (computed by :mod:`esld.scoring`).
    ``plausible`` only raises a data query; nothing is removed because of it. ``better`` tells which of two
    grades of one day is the worse (the higher one where it is not given).
    """

    paramcd: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{0,7}$")]
    param: Text
    kind: Literal["laboratory", "grade", "score"]
    unit: str = ""
    decimals: int = Field(default=0, ge=0)
    plausible: tuple[float, float] | None = None
    better: Literal["lower", "higher"] | None = None

    @model_validator(mode="after")
    def _unit_is_known(self) -> Self:
        if self.kind == "laboratory" and units.canonical_unit(self.unit) not in units.known_units(
            self.paramcd
        ):
            raise ValueError(f"{self.paramcd} must be in one of {list(units.known_units(self.paramcd))}")
        return self

    @property
    def label(self) -> str:
        """Name with unit, as an axis or a row says it."""
        return f"{self.param} ({self.unit})" if self.unit else self.param


class Source(Frozen):
    """Dated records of a domain, such as those that end a time: which ones, which variable, and the words for it.

    Records count where every variable of ``where`` has its value and none of ``unless`` has.
    """

    domain: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    date: Text
    where: dict[str, str] = {}
    unless: dict[str, str] = {}
    description: Text


class Rescue(Assumable):
    """Infusions that move laboratory values by themselves, and for how many days after them a value is flagged."""

    days: int = Field(ge=0)
    sources: tuple[Source, ...] = Field(min_length=1)

    @property
    def criterion(self) -> str:
        """What the flag says: "Within 7 days after albumin or plasma"."""
        infused = " or ".join(dict.fromkeys(source.description for source in self.sources))
        return f"Within {self.days} days after {infused}"


class Prevalent(Frozen):
    """Who has the condition at baseline already: a baseline grade of this parameter at or above this value."""

    paramcd: Text
    at_least: float


class Endpoint(Assumable):
    """A time-to-event endpoint: the earliest event source counts, unless a competing or censoring source is earlier;
    with none of them, follow-up ends it.

    ``competing`` sources end the time because the event can no longer happen, or no longer says anything of the
    patient's own liver: death, transplantation. ``prevalent`` tells who cannot have a *first* event. ``recurrent``
    says that every record of the event sources is an episode of its own.
    """

    paramcd: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{0,7}$")]
    param: Text
    start: Literal["RANDDT"] = "RANDDT"
    events: tuple[Source, ...] = Field(min_length=1)
    competing: tuple[Source, ...] = ()
    censors: tuple[Source, ...] = ()
    prevalent: Prevalent | None = None
    recurrent: bool = False

    @property
    def sources(self) -> tuple[Source, ...]:
        """Everything that can end a time."""
        return (*self.events, *self.competing, *self.censors)


class Outcome(Frozen):
    """An outcome as registered: what, when, and in which words."""

    name: Text
    time: Text
    measure: Text


class Outcomes(Frozen):
    """Primary and secondary outcomes as registered."""

    primary: tuple[Outcome, ...] = Field(min_length=1)
    secondary: tuple[Outcome, ...] = ()


class Estimand(Frozen):
    """The five attributes of ICH E9(R1)."""

    treatment: Text
    population: Text
    variable: Text
    intercurrent_events: Text
    summary: Text


Structure = Literal["us", "adh", "csh", "cs", "sp_exp"]


class RepeatedMeasures(Frozen):
    """A mixed model for repeated measures: its covariance, and what takes its place if that has no proven maximum."""

    covariance: Structure
    fallback: tuple[Structure, ...] = ()


class Rank(Frozen):
    """One step of a hierarchy of outcomes: a time (``endpoint``), a number of episodes (``endpoints``), or a change.

    A change is that of a ``parameter`` at a ``visit``; changes that are apart by less than ``margin`` are equal.
    """

    name: Text
    endpoint: str | None = None
    endpoints: tuple[str, ...] = ()
    parameter: str | None = None
    visit: str | None = None
    margin: float = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        if sum(map(bool, (self.endpoint, self.endpoints, self.parameter))) != 1:
            raise ValueError("must have one of endpoint, endpoints and parameter")
        if bool(self.parameter) != bool(self.visit):
            raise ValueError("must have a visit with a parameter, and only with one")
        return self


class Analysis(Assumable):
    """A planned analysis: id, role, estimand, method, and the chapter that reports it.

    It is of one ``endpoint``, or of several alike (``endpoints``), of ``parameters`` (at one ``visit``, or
    at all), or of a ``hierarchy`` of outcomes.
    """

    id: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9-]*$")]
    title: Text
    role: Literal["primary", "secondary", "sensitivity", "safety", "descriptive"]
    endpoint: str | None = None
    endpoints: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    visit: str | None = None
    method: Text
    estimand: Estimand
    chapter: Text
    milestones_days: tuple[float, ...] = ()
    horizon_days: float | None = None
    model: RepeatedMeasures | None = None
    hierarchy: tuple[Rank, ...] = ()


class AnalysisSet(Assumable):
    """An analysis set: the ADSL flag, who is in it, and under which arm. ``collected: false`` says the data cannot tell."""

    flag: Literal["ITTFL", "SAFFL", "PPROTFL"]
    label: Text
    definition: Text
    arm: Literal["planned", "actual"]
    collected: bool = True


class Record(Frozen):
    """Where the trial's facts come from."""

    registry: Text
    source: Text
    read: Text


class Protocol(Frozen):
    """One trial. See ``params/protocols/*.yaml``."""

    id: Text
    title: Text
    short_title: Text
    question: Text
    record: Record
    conditions: tuple[Text, ...]
    sponsor: Text
    locations: tuple[Text, ...]
    status: Text
    study_type: Text
    design: Text
    intervention: Text
    start_date: Stated
    target_enrolment: int = Field(gt=0)
    enrolment_period: Text
    summary: Text
    description: Text
    sex: Text
    arms: tuple[Arm, ...] = Field(min_length=2)
    administrations: StatedDayList | None = None
    masking: Stated
    randomisation: Stated
    stratification: Stated
    meld_version: Stated
    eligibility: Eligibility
    outcomes: Outcomes
    schedule: Schedule
    domains: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    not_collected: dict[str, str] = {}
    baseline_variables: tuple[str, ...]
    endpoints: tuple[Endpoint, ...]
    rescue: Rescue | None = None
    analysis_sets: tuple[AnalysisSet, ...]
    analyses: tuple[Analysis, ...]
    data_assumptions: dict[str, StatedText] = {}
    cannot_say: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _references_hold(self) -> Self:
        unique: dict[str, Sequence[str | int]] = {
            "arm codes": [a.code for a in self.arms],
            "arm labels": [a.label for a in self.arms],
            "arm numbers": [a.number for a in self.arms],
            "visit codes": [v.code for v in self.schedule.visits],
            "visit labels": [v.label for v in self.schedule.visits],
            "analysis sets": [s.flag for s in self.analysis_sets],
            "parameters": [p.paramcd for p in self.parameters],
            "endpoints": [e.paramcd for e in self.endpoints],
            "analyses": [a.id for a in self.analyses],
        }
        for what, names in unique.items():
            if len(set(names)) < len(names):
                raise ValueError(f"{what} must be unique, got {names}")
        kinds = {p.kind for p in self.parameters}
        needed = {"DM": "subjects", "DS": "randomisation"}
        needed |= {"LB": "laboratory parameters"} if "laboratory" in kinds else {}
        needed |= {"RS": "grades"} if "grade" in kinds else {}
        needed |= {s.domain: f"endpoint {e.paramcd}" for e in self.endpoints for s in e.sources}
        needed |= (
            {s.domain: "rescue" for s in self.rescue.sources if s.domain not in needed} if self.rescue else {}
        )
        for domain, use in needed.items():
            if domain not in self.domains:
                raise ValueError(f"domains must list {domain}, for {use}")
        if not any(a.role == "primary" and a.milestones_days for a in self.analyses):
            raise ValueError("one analysis must be primary and name its milestones_days")
        known = {p.paramcd for p in self.parameters}
        endpoints = {e.paramcd for e in self.endpoints}
        for endpoint in self.endpoints:
            if endpoint.prevalent and endpoint.prevalent.paramcd not in known:
                raise ValueError(
                    f"endpoint {endpoint.paramcd} names the unknown parameter {endpoint.prevalent.paramcd!r} as prevalent"
                )
        visits = {visit.code for visit in self.schedule.visits}
        for analysis in self.analyses:
            ranks = analysis.hierarchy
            parameters = {*analysis.parameters, *(rank.parameter for rank in ranks if rank.parameter)}
            if unknown := sorted(parameters - known):
                raise ValueError(f"analysis {analysis.id} names unknown parameters {unknown}")
            named = {analysis.visit, *(rank.visit for rank in ranks)}
            if unknown := sorted({visit for visit in named if visit} - visits):
                raise ValueError(f"analysis {analysis.id} names unknown visits {unknown}")
            of_ranks = (code for rank in ranks for code in (rank.endpoint, *rank.endpoints))
            for endpoint_id in (analysis.endpoint, *analysis.endpoints, *of_ranks):
                if endpoint_id and endpoint_id not in endpoints:
                    raise ValueError(f"analysis {analysis.id} names unknown endpoint {endpoint_id!r}")
        return self

    @cached_property
    def arm_labels(self) -> dict[str, str]:
        """Reader's label by ARMCD, in the protocol's order."""
        return {arm.code: arm.label for arm in self.arms}

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """Every kind of dated record that the protocol reads: of its endpoints, then of rescue."""
        rescue = self.rescue.sources if self.rescue else ()
        return (*(source for endpoint in self.endpoints for source in endpoint.sources), *rescue)

    @cached_property
    def primary(self) -> Analysis:
        """The primary analysis: the first of that role."""
        return next(a for a in self.analyses if a.role == "primary")

    def parameter(self, paramcd: str) -> Parameter:
        """The parameter of that code; KeyError if the protocol has none."""
        return {p.paramcd: p for p in self.parameters}[paramcd]

    def endpoint(self, paramcd: str) -> Endpoint:
        """The endpoint of that code; KeyError if the protocol has none."""
        return {e.paramcd: e for e in self.endpoints}[paramcd]

    def analysis(self, id: str) -> Analysis:
        """The planned analysis of that id; KeyError if none is planned."""
        return {a.id: a for a in self.analyses}[id]

    def assumptions(self) -> list[tuple[str, str, str]]:
        """Everything that the source does not state: where in the protocol, the choice, and why."""
        return list(_assumptions(self, ""))


def _assumptions(node: object, path: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(node, Assumable) and node.assumed:
        yield path, _choice(node), node.reason
    if isinstance(node, BaseModel):
        for name in type(node).model_fields:
            yield from _assumptions(getattr(node, name), f"{path}.{name}".lstrip("."))
    elif isinstance(node, tuple):
        for position, item in enumerate(node):
            keys = ("id", "code", "paramcd", "flag")
            name = next((str(getattr(item, key)) for key in keys if hasattr(item, key)), str(position))
            yield from _assumptions(item, f"{path}[{name}]")
    elif isinstance(node, dict):
        for name, item in node.items():
            yield from _assumptions(item, f"{path}.{name}")


def _choice(node: Assumable) -> str:
    """What was chosen, in words fit for a table."""
    match node:
        case StatedText(value=value):
            return value
        case StatedDays(value=days):
            return "days " + ", ".join(map(str, days))
        case Visit() as visit:
            return f"day {visit.target}, analysis window {visit.window[0]} to {visit.window[1]}"
        case Analysis() as analysis:
            return f"{analysis.title}: {analysis.method}"
        case AnalysisSet() as analysis_set:
            return analysis_set.definition
        case Endpoint() as endpoint:
            return endpoint.param
        case Rescue() as rescue:
            return f"Laboratory values flagged: {rescue.criterion[:1].lower()}{rescue.criterion[1:]}"
    raise TypeError(f"no words for an assumed {type(node).__name__}")


def read_protocol(path: Path) -> Protocol:
    """Read and check a protocol file.

    Raises
    ------
    esld.errors.InputError
        The file is missing, is not YAML, or a key is unknown, missing or of the wrong type.
    """
    return read_model(Protocol, path)


__all__ = ["Analysis", "Arm", "Endpoint", "Parameter", "Protocol", "Visit", "read_protocol"]
