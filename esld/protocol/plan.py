"""What is asked of the data: registered outcomes, estimands, planned analyses and the patients they are of."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from esld.protocol._base import Assumable, Frozen, Text


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
