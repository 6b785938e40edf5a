"""One protocol: its parts together, what they must agree on, and what its source does not state."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from esld.protocol._base import (
    Assumable,
    Frozen,
    Stated,
    StatedDayList,
    StatedText,
    Text,
    as_record,
)
from esld.protocol.design import Arm, Eligibility, Randomisation, Schedule, SealedAllocation, Visit
from esld.protocol.measures import Endpoint, Parameter, Rescue, Source
from esld.protocol.plan import Analysis, AnalysisSet, Outcomes
from esld.yamlfile import read_model


class Record(Frozen):
    """Where the trial's facts come from."""

    registry: Text
    source: Text
    read: Text


class Protocol(Frozen):
    """One trial. See ``params/protocols/*.yaml``.

    ``codes`` gives the trial's own words for codes, by variable: ``{CEDECOD: {腹水: ASCITES}}``; OTHER says that no analysis
    means the word, and the word ``*`` stands for all that are not named. ``below_limit`` and ``above_limit`` say how a result
    such as ``<0.2`` or ``>25`` is read: as half the limit, as the limit, or as missing.
    """

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
    randomisation: Annotated[Randomisation, BeforeValidator(as_record)]
    allocation: SealedAllocation | None = None
    stratification: Stated
    meld_version: Stated
    eligibility: Eligibility
    outcomes: Outcomes
    schedule: Schedule
    domains: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    not_collected: dict[str, str] = Field(default_factory=dict)
    baseline_variables: tuple[str, ...]
    endpoints: tuple[Endpoint, ...]
    rescue: Rescue | None = None
    analysis_sets: tuple[AnalysisSet, ...]
    analyses: tuple[Analysis, ...]
    data_assumptions: dict[str, StatedText] = Field(default_factory=dict)
    codes: dict[str, dict[str, str]] = Field(default_factory=dict)
    below_limit: Literal["half", "limit", "missing"] | None = None
    above_limit: Literal["limit", "missing"] | None = None
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

    @property
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

    def assumed(self) -> list[tuple[str, Assumable]]:
        """Everything that the source does not state: where in the protocol, and what was chosen."""
        return list(_assumed(self, ""))


def _assumed(node: object, path: str) -> Iterator[tuple[str, Assumable]]:
    if isinstance(node, Assumable) and node.assumed:
        yield path, node
    if isinstance(node, BaseModel):
        for name in type(node).model_fields:
            yield from _assumed(getattr(node, name), f"{path}.{name}".lstrip("."))
    elif isinstance(node, tuple):
        for position, item in enumerate(node):
            keys = ("id", "code", "paramcd", "flag")
            name = next((str(getattr(item, key)) for key in keys if hasattr(item, key)), str(position))
            yield from _assumed(item, f"{path}[{name}]")
    elif isinstance(node, dict):
        for name, item in node.items():
            yield from _assumed(item, f"{path}.{name}")


def read_protocol(path: Path) -> Protocol:
    """Read and check a protocol file.

    Raises
    ------
    esld.errors.InputError
        The file is missing, is not YAML, or a key is unknown, missing or of the wrong type.
    """
    return read_model(Protocol, path)


__all__ = ["Analysis", "Arm", "Endpoint", "Parameter", "Protocol", "Visit", "read_protocol"]
