"""What is asked of the data: registered outcomes, estimands, planned analyses and the patients they are of."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from esld.protocol._base import Assumable, Frozen, Text


class Outcome(Frozen):
    """An outcome as registered."""

    name: Text = Field(description="the outcome as registered")
    time: Text = Field(description="time frame as registered")
    measure: Text = Field(description="how it is measured, as registered")


class Outcomes(Frozen):
    """Primary and secondary outcomes as registered."""

    primary: tuple[Outcome, ...] = Field(min_length=1, description="primary outcomes as registered")
    secondary: tuple[Outcome, ...] = Field(default=(), description="secondary outcomes as registered")


class Estimand(Frozen):
    """The five attributes of ICH E9(R1)."""

    treatment: Text = Field(description="conditions that are compared")
    population: Text = Field(description="patients whom the question is about")
    variable: Text = Field(description="what is measured in each patient")
    intercurrent_events: Text = Field(
        description="events after randomisation that affect the variable, each with its strategy (treatment policy, composite …)"
    )
    summary: Text = Field(description="population-level summary by which the arms are compared")


Structure = Literal["us", "adh", "csh", "cs", "sp_exp"]


class RepeatedMeasures(Frozen):
    """A mixed model for repeated measures (MMRM)."""

    covariance: Structure = Field(
        description="of the visits: unstructured, ante-dependence, heterogeneous or plain compound symmetry, spatial exponential"
    )
    fallback: tuple[Structure, ...] = Field(
        default=(), description="what is tried next, in this order, if that has no proven maximum"
    )


class Rank(Frozen):
    """One step of a hierarchy of outcomes: a time, a number of episodes, or the change of a parameter at a visit."""

    name: Text = Field(description="what the table calls the step")
    endpoint: str | None = Field(default=None, description="a time: the later event is the better")
    endpoints: tuple[str, ...] = Field(
        default=(), description="numbers of episodes of these together: fewer is better"
    )
    parameter: str | None = Field(
        default=None, description="a change from baseline; its `better` says which way"
    )
    visit: str | None = Field(default=None, description="the visit of that change")
    margin: float = Field(
        default=0, ge=0, description="changes that are apart by less are equal, in the unit of the parameter"
    )

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        if sum(map(bool, (self.endpoint, self.endpoints, self.parameter))) != 1:
            raise ValueError("must have one of endpoint, endpoints and parameter")
        if bool(self.parameter) != bool(self.visit):
            raise ValueError("must have a visit with a parameter, and only with one")
        return self


class Analysis(Assumable):
    """A planned analysis: of one endpoint, of several alike, of parameters, or of a hierarchy of outcomes."""

    id: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9-]*$")] = Field(
        description="name of the analysis: capitals, digits and `-`; chapters look some of them up"
    )
    title: Text = Field(description="what tables call it")
    role: Literal["primary", "secondary", "sensitivity", "safety", "descriptive"] = Field(
        description="part in the plan; one must be `primary`"
    )
    endpoint: str | None = Field(default=None, description="the endpoint that it is of")
    endpoints: tuple[str, ...] = Field(default=(), description="several endpoints that are analysed alike")
    parameters: tuple[str, ...] = Field(
        default=(),
        description="the parameters that it is of; one in two analyses is reported in one of them only",
    )
    visit: str | None = Field(
        default=None, description="the visit at which parameters are analysed; without it at all visits"
    )
    method: Text = Field(
        description="statistical method in words, as the report prints it; it chooses nothing"
    )
    estimand: Estimand = Field(description="the five attributes of ICH E9(R1)")
    chapter: Text = Field(description="the chapter that reports it, the name of a file of `notebooks/`")
    milestones_days: tuple[float, ...] = Field(
        default=(),
        description="days after randomisation that are reported; the first of the primary analysis is its horizon",
    )
    horizon_days: float | None = Field(
        default=None, description="last day after randomisation that counts, as for a restricted mean"
    )
    model: RepeatedMeasures | None = Field(
        default=None, description="mixed model for repeated measures; left out where there is none"
    )
    hierarchy: tuple[Rank, ...] = Field(
        default=(), description="outcomes in order of importance, by which patients are compared pair by pair"
    )


class AnalysisSet(Assumable):
    """An analysis set: who is in it, and under which arm."""

    flag: Literal["ITTFL", "SAFFL", "PPROTFL"] = Field(
        description="variable of ADSL that says who belongs to it"
    )
    label: Text = Field(description="what tables call it")
    definition: Text = Field(description="who is in it, in words")
    arm: Literal["planned", "actual"] = Field(
        description="whether patients are shown in the planned arm (TRT01P) or that of the treatment received (TRT01A)"
    )
    collected: bool = Field(default=True, description="`false`: the data cannot tell who is in it")
