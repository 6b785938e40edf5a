"""What is measured: parameters of laboratory and scores, dated records, and endpoints made of them."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from esld.protocol._base import Assumable, Frozen, Text
from esld.scoring import units

BLOOD = ("BLOOD", "SERUM", "PLASMA", "SERUM OR PLASMA")


class Parameter(Frozen):
    """One quantity that is analysed at visits (ADLB): where it comes from, its unit and what is plausible."""

    paramcd: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{0,7}$")] = Field(
        description="LBTESTCD, RSTESTCD or the name of a score; 1 to 8 capitals and digits, a letter first"
    )
    param: Text = Field(description="what tables and figures call it")
    kind: Literal["laboratory", "grade", "score"] = Field(
        description="laboratory values come from LB, ordinal grades from RS; a score is computed from the others"
    )
    unit: str = Field(
        default="",
        description="unit of analysis, needed for a laboratory value; other units are converted where the analyte is known",
    )
    decimals: int = Field(default=0, ge=0, description="decimals of a single value, as recorded")
    plausible: tuple[float, float] | None = Field(
        default=None,
        description="lowest and highest plausible value, in the unit of analysis; outside is a data query, nothing is removed",
    )
    better: Literal["lower", "higher"] | None = Field(
        default=None,
        description="direction of benefit; of two grades on one day the worse counts (the higher one where this is not given)",
    )
    specimen: tuple[Text, ...] = Field(
        default=BLOOD,
        description="LBSPEC from which a laboratory value counts; one whose specimen is not stated counts",
    )

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
    """Dated records of a domain, such as those that end a time: which ones, which variable, and the words for it."""

    event: Literal["DEATH"] | None = Field(
        default=None,
        description="`DEATH` alone: a death, whichever form states it; the other keys are then left out",
    )
    domain: Annotated[str, Field(pattern=r"^([A-Z]{2})?$")] = Field(
        default="", description="SDTM domain of the records, two capitals"
    )
    date: str = Field(default="", description="variable of the domain that dates the event (CESTDTC)")
    where: dict[str, str] = Field(
        default_factory=dict,
        description="value that each of these variables must have; without it all records of the domain count",
    )
    description: str = Field(default="", description="words for such a record in tables and sentences")

    @model_validator(mode="after")
    def _names_records_or_an_event(self) -> Self:
        record = {"domain": self.domain, "date": self.date, "description": self.description}
        if self.event and (self.where or any(record.values())):
            raise ValueError("must name an event alone, or a domain with its date and a description")
        lacking = [name for name, value in record.items() if not value.strip()]
        if lacking and not self.event:
            raise ValueError(f"must name an event, or give {' and '.join(lacking)}")
        return self


def _are_records(sources: tuple[Source, ...]) -> tuple[Source, ...]:
    if any(source.event for source in sources):
        raise ValueError("must name records of a domain; a death is none")
    return sources


Records = Annotated[tuple[Source, ...], Field(min_length=1), AfterValidator(_are_records)]


class Condition(Frozen):
    """What patients have before treatment by their records: a line of the table of baseline, yes or no."""

    name: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{0,7}$")] = Field(
        description="short name, yours: capitals and digits; results carry it"
    )
    label: Text = Field(description="what tables and figures call it")
    sources: Records = Field(
        description="its records (MH, CM): those that began by day 1 and had not ended before it; of MH, without a date too"
    )
    apart: bool = Field(
        default=False,
        description="`true`: each description has its own line, as the causes of a disease, of which a patient may have several",
    )


class Rescue(Assumable):
    """Treatments that move laboratory values by themselves."""

    days: int = Field(
        ge=0, description="for how many days after such a treatment a laboratory value is flagged"
    )
    sources: Records = Field(description="records of the treatments (CM, PR)")

    @property
    def criterion(self) -> str:
        """What the flag says: "Within 7 days after albumin or plasma"."""
        infused = " or ".join(dict.fromkeys(source.description for source in self.sources))
        return f"Within {self.days} days after {infused}"


class Transplant(Frozen):
    """The transplantation of an organ, after which values are another organ's: they are shown to nobody and analysed nowhere."""

    organ: Text = Field(description="the organ (liver); sentences speak of patients with their own one")
    sources: Records = Field(description="records of the transplantation (PR)")


class LiverInjury(Frozen):
    """How values are judged that may show injury of the liver by the treatment."""

    against: Literal["range", "baseline"] = Field(
        default="range",
        description="whether multiples are of the upper limit of normal alone, or of a patient's own raised baseline too",
    )
    caution: str = Field(
        default="",
        description="what the disease of these patients does to such values, as the report says it",
    )


class EventWords(Frozen):
    """How sentences speak of an endpoint."""

    one: Text = Field(description="the event (death, relapse)")
    many: Text = Field(description="several of them (deaths, relapses)")
    had: Text = Field(description="what a patient has done to whom it happened (died, relapsed)")
    free: Text = Field(description="what a patient is to whom it has not happened (alive, in remission)")


class Graded(Frozen):
    """How an event's record tells the grade of the condition."""

    variable: Text = Field(description="variable of the event's record that tells its grade (CESEV)")
    grades: dict[str, float] = Field(
        min_length=1,
        description="what the variable holds, and the grade that it means; a record of any other word has no grade",
        examples=[{"MODERATE": 2, "SEVERE": 3}],
    )


class Prevalent(Frozen):
    """Who has the condition of an endpoint at baseline already."""

    paramcd: Text = Field(description="a grade among the parameters")
    at_least: float = Field(description="baseline grade from which the patient has the condition already")
    worse: Graded | None = Field(
        default=None,
        description="of who has it, an event counts whose grade is known to be above that of baseline; without it none does",
    )


class Endpoint(Assumable):
    """A time to an event (ADTTE): the earliest record that can end it does, and with none of them follow-up."""

    paramcd: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{0,7}$")] = Field(
        description="PARAMCD of ADTTE: 1 to 8 capitals and digits, a letter first"
    )
    param: Text = Field(description="what tables and figures call it")
    start: Literal["RANDDT"] = Field(
        default="RANDDT", description="the day from which time counts: that of randomisation"
    )
    events: tuple[Source, ...] = Field(
        min_length=1,
        description="records of the event, of which the earliest counts",
    )
    competing: tuple[Source, ...] = Field(
        default=(),
        description="records after which the event can no longer happen, such as death; a competing risk, no censoring",
    )
    censors: tuple[Source, ...] = Field(default=(), description="records that end the time without an event")
    prevalent: Prevalent | None = Field(
        default=None,
        description="who has the condition at baseline, and cannot have a new event but a worse one; counted apart",
    )
    words: EventWords | None = Field(
        default=None,
        description="how sentences speak of it; left out of death, and of what may be called an event",
        examples=[{"one": "relapse", "many": "relapses", "had": "relapsed", "free": "in remission"}],
    )
    better: Literal["later", "earlier"] = Field(
        default="later",
        description="`later` of an event that is a harm: who is spared longer fares better; `earlier` of one such as remission",
    )
    recurrent: bool = Field(
        default=False,
        description="`true`: every record of the events is an episode of its own, and rates are reported too",
    )

    @property
    def sources(self) -> tuple[Source, ...]:
        """Records of a domain that can end a time; what has no domain of its own, such as death, is not among them."""
        return tuple(s for s in (*self.events, *self.competing, *self.censors) if not s.event)
