"""What is assumed of patients before a trial starts, as its protocol or a design file states it."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from esld.protocol._base import Frozen
from esld.yamlfile import Place


def _several(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


def _by_arm(value: object) -> object:
    return value if isinstance(value, dict) else {"": value}


Numbers = Annotated[tuple[float, ...], Field(min_length=1), BeforeValidator(_several)]
Sizes = Annotated[tuple[int, ...], Field(min_length=1), BeforeValidator(_several)]
OfArms = Annotated[dict[str, Numbers], Field(min_length=1), BeforeValidator(_by_arm)]
Ends = Annotated[tuple[Literal["censoring", "event"], ...], Field(min_length=1), BeforeValidator(_several)]


class AssumedScore(Frozen):
    """A score that is measured at visits, low values being good: a number each, or a list of numbers to try."""

    visits_days: tuple[float, ...] | None = Field(
        default=None, description="days of the visits after baseline; those of the protocol"
    )
    mean: Numbers | None = Field(default=None, description="mean at baseline")
    sd: Numbers | None = Field(default=None, description="standard deviation between patients at baseline")
    change: OfArms | None = Field(default=None, description="true mean change to the last visit, of each arm")
    error_sd: Numbers | None = Field(default=None, description="standard deviation of a single measurement")
    slope_sd: Numbers | None = Field(default=None, description="standard deviation of the patients' changes")
    hazard_ratio: Numbers | None = Field(
        default=None, description="of death, for a true baseline that is higher by one sd"
    )
    dropout: OfArms | None = Field(
        default=None, description="chance of no further visit after one, of a patient at the mean"
    )
    dropout_odds_ratio: Numbers | None = Field(
        default=None, description="of that, for a last value that is higher by one sd"
    )


class Assumed(Frozen):
    """What is assumed: a value, a list of values to try, or either by arm. All combinations are simulated."""

    n: Annotated[dict[str, Sizes], Field(min_length=1), BeforeValidator(_by_arm)] | None = Field(
        default=None, description="patients of each arm; those of the protocol"
    )
    alive: OfArms | None = Field(default=None, description="true chance to be alive at the horizon")
    horizon_days: Numbers | None = Field(
        default=None, description="day after randomisation of which survival is asked; that of the protocol"
    )
    shape: Numbers | None = Field(
        default=None, description="of the Weibull times to death: below 1 early deaths, above 1 late ones"
    )
    lost: OfArms | None = Field(default=None, description="chance of being lost by the horizon")
    transplant: OfArms | None = Field(default=None, description="chance of a transplant by the horizon")
    transplant_as: Ends | None = Field(
        default=None, description="whether it ends the follow-up (censoring) or is the event"
    )
    accrual_days: Numbers | None = Field(default=None, description="over which patients enter")
    duration_days: Numbers | None = Field(default=None, description="from the first entry to the analysis")
    score: AssumedScore | None = Field(default=None, description="a score that is measured beside it")

    def axes(self) -> Iterator[tuple[Place, tuple[Any, ...]]]:
        """Each key that is given, by its place, with the values to try."""
        for part, place in ((self, ()), (self.score, ("score",))):
            for key in type(part).model_fields if part else ():
                value = getattr(part, key)
                if value is None:
                    continue
                if isinstance(value, dict):
                    yield from (((*place, key, arm), values) for arm, values in value.items())
                elif key == "visits_days":
                    yield (*place, key), (value,)
                elif key != "score":
                    yield (*place, key), value


class DesignAssumptions(Frozen):
    """What is assumed of the patients before the first one enters: for what the trial could show, in the chapter on its design
    and by ``esld simulate``. Nothing of it is data.
    """

    arms: tuple[str, ...] = Field(
        default=(),
        description="codes of the two arms that are compared, the control first; of a trial of two it need not be said",
    )
    assumptions: Assumed | None = Field(default=None, description="what is assumed in every scenario")
    scenarios: dict[str, Assumed] = Field(
        default_factory=dict, description="what is different in each, by a name of your own"
    )
    prior_patients: float | None = Field(
        default=None,
        gt=0,
        description="for assurance: the assumed shares are believed as if seen in so many patients of each arm",
    )
