"""What is measured: parameters of laboratory and scores, dated records, and endpoints made of them."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from esld.protocol._base import Assumable, Frozen, Text
from esld.scoring import units


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
    where: dict[str, str] = Field(default_factory=dict)
    unless: dict[str, str] = Field(default_factory=dict)
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
