"""One protocol: its parts together, what they must agree on, and what its source does not state."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from esld.errors import did_you_mean
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
from esld.yamlfile import NAMES, Misfit, MisfitError, Place, read_model


class Record(Frozen):
    """Where the trial's facts come from."""

    registry: Text = Field(description="registry and number of the trial, or why there is none")
    source: Text = Field(description="the texts from which this file was written")
    read: Text = Field(description="when they were read, and what was not")


class Protocol(Frozen):
    """One trial, a file of ``params/protocols/``."""

    id: Text = Field(description="identifier of the trial (STUDYID, without the -SIM of simulated data)")
    title: Text = Field(description="full title, as registered")
    short_title: Text = Field(description="title of the report's pages")
    question: Text = Field(description="the trial's question in one sentence, as the front page asks it")
    record: Record = Field(description="where the trial's facts come from")
    conditions: tuple[Text, ...] = Field(description="conditions under study, as registered")
    sponsor: Text = Field(description="sponsor, as registered")
    locations: tuple[Text, ...] = Field(description="sites, as registered")
    status: Text = Field(description="status of recruitment, as registered (RECRUITING)")
    study_type: Text = Field(description="type of study, as registered (INTERVENTIONAL)")
    design: Text = Field(description="design, as registered (PARALLEL)")
    intervention: Text = Field(description="intervention, as registered")
    start_date: Stated = Field(description="start of the trial, as registered")
    target_enrolment: int = Field(gt=0, description="number of patients to be randomised")
    enrolment_period: Text = Field(description="when patients enter, as registered")
    summary: Text = Field(description="brief summary, as registered")
    description: Text = Field(description="detailed description, as registered")
    sex: Text = Field(description="who may enter by sex, as registered (All, Female, Male)")
    arms: tuple[Arm, ...] = Field(
        min_length=2,
        description="the arms, in the order of tables and figures; the chapters compare the first two",
    )
    administrations: StatedDayList | None = Field(
        default=None,
        description="study days on which treatment is planned, day 1 the first; left out where they are not known",
    )
    masking: Stated = Field(description="who is masked; text that begins with None or Open is open label")
    randomisation: Annotated[Randomisation, BeforeValidator(as_record)] = Field(
        description="how patients were randomised"
    )
    allocation: SealedAllocation | None = Field(
        default=None, description="what `esld randomise seal` printed; left out without a sealed list"
    )
    stratification: Stated = Field(description="strata of the randomisation in words; None without")
    meld_version: Stated = Field(description="which MELD is meant by the plain name, or why there is none")
    eligibility: Eligibility = Field(description="who may enter")
    outcomes: Outcomes = Field(description="primary and secondary outcomes as registered")
    schedule: Schedule = Field(description="visits, the day from which they are counted, and their windows")
    domains: tuple[str, ...] = Field(
        description="SDTM domains that must be in the export: DM, DS, and those that are read (LB, RS, CE, PR …)"
    )
    parameters: tuple[Parameter, ...] = Field(
        description="quantities that are analysed at visits (ADLB): laboratory values, grades and scores"
    )
    not_collected: dict[str, str] = Field(
        default_factory=dict,
        description="quantities that a reader would look for and the data lack, each with the reason",
    )
    baseline_variables: tuple[str, ...] = Field(
        description="what the table of baseline shows, in order: AGE, SEX, WEIGHT, and PARAMCDs"
    )
    endpoints: tuple[Endpoint, ...] = Field(description="times to an event (ADTTE)")
    rescue: Rescue | None = Field(
        default=None,
        description="treatments that move laboratory values by themselves, and how long a value is flagged",
    )
    analysis_sets: tuple[AnalysisSet, ...] = Field(
        description="who is analysed where: one entry for each flag"
    )
    analyses: tuple[Analysis, ...] = Field(
        description="the planned analyses; one must be primary and name its `milestones_days`"
    )
    data_assumptions: dict[str, StatedText] = Field(
        default_factory=dict, description="what is taken for granted about the data, by a name of your own"
    )
    codes: dict[str, dict[str, str]] = Field(
        default_factory=dict,
        description="own words for codes, by SDTM variable; OTHER is of no analysis, the word `*` all that are not named",
        examples=[{"CEDECOD": {"腹水": "ASCITES"}, "EXTRT": {"SALINE 0.9%": "OTHER"}}],
    )
    below_limit: Literal["half", "limit", "missing"] | None = Field(
        default=None,
        description="how a result such as `<0.2` is read: half the limit, the limit, or missing; else it is a fault",
        examples=["half"],
    )
    above_limit: Literal["limit", "missing"] | None = Field(
        default=None,
        description="how a result such as `>25` is read: the limit, or missing; else it is a fault",
        examples=["limit"],
    )
    cannot_say: tuple[Text, ...] = Field(
        default=(), description="what no result of this trial can show; chapters end with it"
    )

    @model_validator(mode="after")
    def _references_hold(self) -> Self:
        if misfits := [*self._twice(), *self._unlisted_domains(), *self._unknown_ids()]:
            raise MisfitError(misfits)
        return self

    def _twice(self) -> Iterator[Misfit]:
        unique: tuple[tuple[tuple[str, ...], Sequence[BaseModel], tuple[str, ...]], ...] = (
            (("arms",), self.arms, ("code", "label", "number")),
            (("schedule", "visits"), self.schedule.visits, ("code", "label")),
            (("parameters",), self.parameters, ("paramcd",)),
            (("endpoints",), self.endpoints, ("paramcd",)),
            (("analysis_sets",), self.analysis_sets, ("flag",)),
            (("analyses",), self.analyses, ("id",)),
        )
        for place, items, keys in unique:
            for key in keys:
                values = [getattr(item, key) for item in items]
                for position, value in enumerate(values):
                    if value in values[:position]:
                        yield Misfit((*place, position, key), f"must be unique in {'.'.join(place)}", value)

    def _unlisted_domains(self) -> Iterator[Misfit]:
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
                yield Misfit(("domains",), f"must list {domain}, for {use}", remedy="Add it.")

    def _unknown_ids(self) -> Iterator[Misfit]:
        if not any(a.role == "primary" and a.milestones_days for a in self.analyses):
            rule = "must have one of role primary that names its milestones_days"
            yield Misfit(("analyses",), rule, remedy="Add it.")
        parameters = [p.paramcd for p in self.parameters]
        endpoints = [e.paramcd for e in self.endpoints]
        visits = [visit.code for visit in self.schedule.visits]
        parts: list[tuple[Place, BaseModel]] = []
        for position, endpoint in enumerate(self.endpoints):
            if endpoint.prevalent:
                parts.append((("endpoints", position, "prevalent"), endpoint.prevalent))
        for position, analysis in enumerate(self.analyses):
            parts.append((("analyses", position), analysis))
            parts += [
                (("analyses", position, "hierarchy", step), rank)
                for step, rank in enumerate(analysis.hierarchy)
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

    @cached_property
    def arm_labels(self) -> dict[str, str]:
        """Reader's label by ARMCD, in the protocol's order."""
        return {arm.code: arm.label for arm in self.arms}

    @cached_property
    def by_infusion(self) -> bool:
        """Whether what is given is given by infusion: so say the doses that are stated, and one is."""
        doses = [arm.dose for arm in self.arms if arm.dose]
        return bool(doses) and all(dose.by_infusion for dose in doses)

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
            name = next((str(getattr(item, key)) for key in NAMES if hasattr(item, key)), str(position))
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
