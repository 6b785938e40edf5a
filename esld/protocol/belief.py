"""What readers believe before the data: named priors of the chance of a good outcome, and what would matter."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from esld.protocol._base import Assumable, Frozen, Text
from esld.yamlfile import Misfit, MisfitError

_Worth = Annotated[float, Field(ge=0.1, le=10_000)]  # of patients: what quadrature sums to its last digit


class EarlierTrial(Frozen):
    """What an earlier trial counted in an arm like the control."""

    good: int = Field(ge=0, description="patients with the good outcome")
    patients: int = Field(gt=0, description="all patients of the arm")
    source: Text = Field(description="where these counts were published")

    @model_validator(mode="after")
    def _counts_some_of_all(self) -> Self:
        if self.good > self.patients:
            raise MisfitError([Misfit(("good",), f"must be at most the {self.patients} patients", self.good)])
        return self


class Chance(Frozen):
    """What is believed of the chance of the good outcome in an arm, in one of three ways."""

    counts: tuple[_Worth, _Worth] | None = Field(
        default=None,
        description="as if so many patients with the good outcome, and so many without it, had been seen (a beta distribution); "
        "`[1, 1]` takes every chance for equally likely",
    )
    mean: float | None = Field(
        default=None, ge=0.01, le=0.99, description="the expected chance; `patients` says how sure it is"
    )
    patients: _Worth | None = Field(
        default=None, description="how many patients that is worth: the effective sample size"
    )
    trials: tuple[EarlierTrial, ...] = Field(
        default=(),
        description="counts of earlier trials, of which the meta-analytic-predictive prior is made",
        examples=[
            [{"good": 23, "patients": 107, "source": "Placebo arm of study 1 of the data AS of R RBesT"}],
        ],
    )
    vague_share: float = Field(
        default=0.2,
        gt=0,
        lt=1,
        description="how likely it is that the earlier trials say nothing of this one (the weight of the vague part of a "
        "robust mixture); of `trials` alone",
    )

    @model_validator(mode="after")
    def _is_given_in_one_way(self) -> Self:
        if (self.mean is None) != (self.patients is None):
            raise ValueError("must have mean and patients together")
        if sum((self.counts is not None, self.mean is not None, bool(self.trials))) != 1:
            raise ValueError("must have one of counts, mean with patients, and trials")
        return self


class NearControl(Frozen):
    """A belief that another arm and the control are alike, or that it is better by an odds ratio, however good they are."""

    patients: _Worth = Field(
        description="how many patients of the one arm it would take to be as sure, if the chance of the other were known"
    )
    odds_ratio: float = Field(
        default=1,
        ge=0.01,
        le=100,
        description="of the good outcome, another arm to the control, as expected; 1 is a sceptic's",
    )


class Prior(Frozen):
    """What one kind of reader believes before the data."""

    name: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{0,7}$")] = Field(
        description="short name, yours: capitals and digits, at most 8; results carry it"
    )
    label: Text = Field(description="what tables and figures call it")
    about: Text = Field(description="who believes this, and why it is so strong, in a sentence")
    control: Chance = Field(description="what is believed of the control, or of the first arm")
    others: Chance | None = Field(
        default=None,
        description="of each other arm for itself; without it, and `near_control`, as of the control",
    )
    near_control: NearControl | None = Field(
        default=None, description="of each other arm in relation to the control; in place of `others`"
    )

    @property
    def names_the_control(self) -> bool:
        """Whether it believes something else of the control than of the others: then it tells them apart."""
        near = self.near_control
        return self.others not in (None, self.control) or (near is not None and near.odds_ratio != 1)

    @model_validator(mode="after")
    def _says_one_thing_of_the_others(self) -> Self:
        if self.others is not None and self.near_control is not None:
            raise ValueError("must have one of others and near_control")
        return self


class Hazards(Frozen):
    """Prior of hazards that are constant between days, alike in every interval and arm."""

    cuts_days: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        default=(), description="rising days after randomisation on which the hazard may change"
    )
    events: _Worth = Field(description="as if so many events had been seen in each interval …")
    patient_days: Annotated[float, Field(ge=1, le=1_000_000)] = Field(
        description="… in so many days of observation (a gamma distribution)"
    )


class Belief(Assumable):
    """A Bayesian analysis of one outcome at a day: what readers of different minds should believe once they know the data."""

    planned: bool = Field(
        default=False,
        description="`true`: the protocol plans this analysis; else the report marks it as additional",
    )
    analysis: str | None = Field(
        default=None,
        description="id of the analysis whose endpoint, day and patients it is of; without it the primary one",
    )
    margin: float = Field(gt=0, lt=1, description="difference of the chances that would matter to a patient")
    threshold: float = Field(
        default=0.975,
        ge=0.5,
        lt=1,
        description="how probable it must be that an arm is better for the rule to call it so",
    )
    priors: tuple[Prior, ...] = Field(
        min_length=1, description="what readers believe before the data; the first one answers"
    )
    hazards: Hazards | None = Field(
        default=None, description="prior of the analysis of times; left out where there is none"
    )

    @model_validator(mode="after")
    def _is_planned_or_chosen(self) -> Self:
        if self.planned and self.assumed:
            raise ValueError("must not be planned and assumed: what the source plans it states")
        return self
