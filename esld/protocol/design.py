"""How the trial is made: arms, randomisation, who may take part, and when patients are seen."""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from esld.protocol._base import Assumable, Frozen, Stated, StatedText, Text
from esld.protocol.translated import as_stated
from esld.yamlfile import Misfit, MisfitError


class Dose(Frozen):
    """What one administration holds."""

    amount: float = Field(
        ge=0,
        description="amount of one administration, or of one day, as EXDOSE records it; 0 has no active substance",
    )
    unit: Text = Field(description="unit of the amount, as EXDOSU records it (mg, 10^6 cells/kg)")
    treatment: Text = Field(description="what is given, as EXTRT names it")
    route: Text = Field(description="route of administration, as EXROUTE records it (INTRAVENOUS)")

    @property
    def by_infusion(self) -> bool:
        """Whether the route is that of an infusion: into a vein or an artery, and no bolus."""
        route = self.route.casefold().replace("-", "")
        return route.startswith(("intravenous", "intraarterial", "infusion")) and "bolus" not in route


class Treatment(Frozen):
    """What the trial's treatment is called, and how it is given."""

    one: Text = Field(default="administration", description="what is given once: infusion, dose, patch")
    many: Text = Field(default="administrations", description="the same, several of them")
    given: Text = Field(
        default="treated", description="what a patient is who has received it: infused, treated"
    )
    regimen: Literal["administrations", "continuous"] = Field(
        default="administrations",
        description="`administrations` are counted one by one; of what is `continuous`, taken day by day, days are counted",
    )
    reaction_hours: float | None = Field(
        default=None,
        gt=0,
        description="hours after an administration in which an adverse event is shown as a reaction; left out where none is",
    )

    @property
    def an_administration(self) -> str:
        """What is given once, with its article, as data and queries say it: an infusion, a patch."""
        return f"{'an' if self.one[0].casefold() in 'aeiou' else 'a'} {self.one}"


class Arm(Frozen):
    """One arm; colours follow its place."""

    code: Text = Field(description="what DM.ARMCD holds")
    label: Text = Field(description="what tables and figures call the arm")
    name: Text = Field(description="the arm in the words of the source, as on the workbook's list of arms")
    number: int = Field(
        ge=1,
        description="place of the arm from 1; TRT01PN",
    )
    description: str = Field(default="", description="what the arm receives, in the words of the source")
    dose: Dose | None = Field(
        default=None, description="what one administration holds; left out where the data hold no doses"
    )


class RandomisationDesign(Frozen):
    """The procedure that gave patients their arms, as far as it is public."""

    kind: Literal["complete", "simple", "permuted blocks", "big stick", "biased coin"] = Field(
        description="the procedure; `complete` fixes the sizes of the arms, `simple` tosses a coin for each patient"
    )
    ratio: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        default=(),
        description="patients in each arm, as whole numbers in the order of the arms; left out where they are equal",
    )
    block_sizes: tuple[int, ...] = Field(
        default=(),
        description="sizes of permuted blocks, multiples of the ratio's sum; leave them out while patients are being randomised",
    )

    @model_validator(mode="after")
    def _blocks_fit(self) -> Self:
        if self.block_sizes and self.kind != "permuted blocks":
            raise ValueError(f"block_sizes belong to permuted blocks, not to {self.kind}")
        return self


class Randomisation(StatedText):
    """How patients were randomised, in words, and as a design where it is known."""

    design: RandomisationDesign | None = Field(
        default=None,
        description="the procedure as data, which randomisation tests repeat; left out where it is not known",
    )


class SealedAllocation(Frozen):
    """The public part of a sealed allocation list, as ``esld randomise seal`` prints it."""

    format: Text = Field(description="version of the list's format")
    design: Text = Field(description="kind of design, without the sizes of its blocks")
    arms: tuple[str, ...] = Field(description="codes of the arms, in the list's order")
    ratio: tuple[int, ...] = Field(description="patients in each arm, in the same order")
    masked: bool = Field(description="`true`: the list gives out kits, and the ledger names no arm")
    strata: dict[str, tuple[str, ...]] = Field(
        description="levels of each stratum by its name; `{}` without strata"
    )
    slots_per_stratum: int = Field(gt=0, description="length of the list in each stratum")
    commitment: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] = Field(
        description="root of the sealed list, 64 hexadecimal digits"
    )


class Factor(Frozen):
    """A property of patients before randomisation: by it they are stratified, or shown in subgroups."""

    name: Text = Field(description="what tables and figures call it")
    variable: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{0,7}$")] = Field(
        description="a variable of DM (SEX, AGE, SITEID …) or a parameter, of which the value at baseline counts"
    )
    cuts: tuple[float, ...] = Field(
        default=(),
        description="rising numbers that divide a quantity, each beginning the level above: 65 gives below 65, and 65 or more",
        examples=[[65]],
    )

    @model_validator(mode="after")
    def _cuts_rise(self) -> Self:
        if any(after <= before for before, after in pairwise(self.cuts)):
            raise MisfitError([Misfit(("cuts",), "must rise", list(self.cuts))])
        return self


class Conduct(Frozen):
    """How the trial is run, beyond what an analysis reads: what the CONSORT checklist asks for and a reader looks up."""

    sample_size: Stated | None = Field(
        default=None, description="how many patients, and how the number was found; left out: not reported"
    )
    stopping: Stated | None = Field(
        default=None, description="interim analyses and what would stop the trial; left out: not reported"
    )
    plan_fixed: Stated | None = Field(
        default=None,
        description="when the analyses were fixed, and whether before anybody knew outcomes by group; left out: not recorded",
    )
    concomitant_care: Stated | None = Field(
        default=None, description="what other treatment is allowed and not; left out: not reported"
    )
    harms: Stated | None = Field(
        default=None, description="how harms are defined and asked for; left out: not reported"
    )


class NumericRule(Frozen):
    """A machine-checkable bound on a DM variable, both ends included."""

    variable: Text = Field(description="a numeric variable of DM (AGE)")
    minimum: float | None = Field(default=None, description="smallest value that is eligible")
    maximum: float | None = Field(default=None, description="largest value that is eligible")


class Criterion(Frozen):
    """An inclusion or exclusion criterion."""

    id: Annotated[str, Field(pattern=r"^(IN|EX)\d{2}$")] = Field(
        description="IN01, IN02 … for inclusion, EX01, EX02 … for exclusion: what IE.IETESTCD holds"
    )
    text: Text = Field(description="the criterion in the words of the source")
    check: NumericRule | None = Field(
        default=None, description="a bound by which the data can be checked; of inclusion criteria"
    )


class Eligibility(Frozen):
    """Who may enter."""

    inclusion: tuple[Criterion, ...] = Field(description="who may enter: all of these must hold")
    exclusion: tuple[Criterion, ...] = Field(
        default=(), description="who may not enter: none of these may hold"
    )

    @model_validator(mode="after")
    def _ids_fit_and_are_unique(self) -> Self:
        misfits, met = [], set()
        for key, beginning in (("inclusion", "IN"), ("exclusion", "EX")):
            for position, criterion in enumerate(getattr(self, key)):
                place = (key, position, "id")
                if not criterion.id.startswith(beginning):
                    misfits.append(Misfit(place, f"must be {beginning}01, {beginning}02 …", criterion.id))
                if criterion.id in met:
                    misfits.append(Misfit(place, "must be unique", criterion.id))
                met.add(criterion.id)
        if misfits:
            raise MisfitError(misfits)
        return self


class Visit(Assumable):
    """A planned visit and the two windows around it, in study days (ADY: day 1 is the anchor, no day 0)."""

    code: Text = Field(description="short name by which this file means the visit")
    label: Text = Field(description="what tables and figures call the visit; AVISIT")
    number: float = Field(
        gt=0, description="VISITNUM and AVISITN, above 0 and rising; may be 8.5. 0 is baseline"
    )
    week: float = Field(description="nominal week, the place on the time axis of a figure")
    target: int = Field(description="planned study day")
    tolerance: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]] = Field(
        description="days before and after the target that the protocol allows; outside is a deviation"
    )
    window: tuple[int, int] = Field(
        description="first and last study day whose values are analysed as this visit's; a day of no window belongs to no visit"
    )

    @model_validator(mode="after")
    def _window_holds_its_target(self) -> Self:
        if not self.window[0] <= self.target <= self.window[1]:
            rule = f"must hold the target, day {self.target}"
            raise MisfitError([Misfit(("window",), rule, list(self.window))])
        return self

    @property
    def allowed(self) -> tuple[int, int]:
        """First and last study day that the protocol allows."""
        return (self.target - self.tolerance[0], self.target + self.tolerance[1])


class Schedule(Frozen):
    """Visits, the day from which they are counted, and how one of several records is chosen."""

    anchor: Stated = Field(
        description="what day 1 is: Randomisation …, or else the first administration (without one, randomisation)"
    )
    baseline_window: tuple[int, int] = Field(
        description="first and last study day on which baseline is expected; the last value before the first dose is baseline"
    )
    visits: tuple[Visit, ...] = Field(description="planned visits after baseline, in order of time")
    selection: Literal["window", "visit"] = Field(
        default="window",
        description="by what a value is of a visit: the `window` of its day, or the `visit` that its record names (VISITNUM)",
    )
    ties: Literal["earlier", "later"] = Field(
        description="which of two values at the same distance from the target is analysed"
    )
    component_days: int = Field(
        default=7, ge=0, description="days that may lie between the values of which a score is made"
    )

    @property
    def from_randomisation(self) -> bool:
        """Whether visits are counted from randomisation for everybody, infused or not."""
        return as_stated(self.anchor.value).casefold().startswith("randomi")

    def visit(self, code: str) -> Visit:
        """The visit of that code; KeyError if the schedule has none."""
        return {v.code: v for v in self.visits}[code]

    @model_validator(mode="after")
    def _windows_follow_each_other(self) -> Self:
        misfits = []
        if self.visits and self.visits[0].window[0] <= 1:
            rule = "must begin after day 1, where baseline ends"
            misfits.append(Misfit(("visits", 0, "window"), rule, list(self.visits[0].window)))
        for position, (before, after) in enumerate(pairwise(self.visits), 1):
            if after.number <= before.number:
                rule = f"must be higher than that of {before.code}, {before.number:g}"
                misfits.append(Misfit(("visits", position, "number"), rule, f"{after.number:g}"))
            if after.window[0] <= before.window[1]:
                rule = f"must begin after that of {before.code} ends, after day {before.window[1]}"
                misfits.append(Misfit(("visits", position, "window"), rule, list(after.window)))
        if misfits:
            raise MisfitError(misfits)
        return self
