"""What is measured: parameters of laboratory and scores, dated records, and endpoints made of them."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from esld.protocol._base import Assumable, Frozen, Text
from esld.scoring import units

BLOOD = ("BLOOD", "SERUM", "PLASMA", "SERUM OR PLASMA")


class Parameter(Frozen):
    """One analysed quantity of ADLB: where it comes from, its analysis unit and what is plausible.

    ``kind`` is ``laboratory`` (LB), ``grade`` (RS, ordinal) or ``score`` (computed by :mod:`esld.scoring`).
    ``plausible`` only raises a data query; nothing is removed because of it. ``better`` tells which of two
    grades of one day is the worse (the higher one where it is not given). ``specimen`` are the ``LBSPEC`` from which a
    laboratory value counts; one whose specimen is not stated counts.
    """

    paramcd: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{0,7}$")]
    param: Text
    kind: Literal["laboratory", "grade", "score"]
    unit: str = ""
    decimals: int = Field(default=0, ge=0)
    plausible: tuple[float, float] | None = None
    better: Literal["lower", "higher"] | None = None
    specimen: tuple[Text, ...] = BLOOD

    @model_validator(mode="after")
    def _unit_is_known(self) -> Self:
        if self.kind == "laboratory" and not self.unit:
            raise ValueError(f"{self.paramcd} must have a unit")
        if self.converts and units.canonical_unit(self.unit) not in units.known_units(self.paramcd):
            raise ValueError(f"{self.paramcd} must be in one of {list(units.known_units(self.paramcd))}")
        return self

    @property
    def converts(self) -> bool:
        """Whether values in other units are converted; those of an analyte that nobody knows are taken in its own unit."""
        return self.kind == "laboratory" and self.paramcd in units.ANALYTES

    @property
    def label(self) -> str:
        """Name with unit, as an axis or a row says it."""
        return f"{self.param} ({self.unit})" if self.unit else self.param


class Source(Frozen):
    """Dated records of a domain, such as those that end a time: which ones, which variable, and the words for it.

    Records count where every variable of ``where`` has its value. ``event: DEATH`` alone is a death, whichever form states it.
    """

    event: Literal["DEATH"] | None = None
    domain: Annotated[str, Field(pattern=r"^([A-Z]{2})?$")] = ""
    date: str = ""
    where: dict[str, str] = Field(default_factory=dict)
    description: str = ""

    @model_validator(mode="after")
    def _names_records_or_an_event(self) -> Self:
        record = {"domain": self.domain, "date": self.date, "description": self.description}
        if self.event and (self.where or any(record.values())):
            raise ValueError("must name an event alone, or a domain with its date and a description")
        lacking = [name for name, value in record.items() if not value.strip()]
        if lacking and not self.event:
            raise ValueError(f"must name an event, or give {' and '.join(lacking)}")
        return self


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
        """Records of a domain that can end a time; what has no domain of its own, such as death, is not among them."""
        return tuple(s for s in (*self.events, *self.competing, *self.censors) if not s.event)
