"""How the trial is made: arms, randomisation, who may take part, and when patients are seen."""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from esld.protocol._base import Assumable, Frozen, Stated, StatedText, Text
from esld.yamlfile import Misfit, MisfitError


class Dose(Frozen):
    """What one administration holds."""

    amount: float = Field(
        ge=0,
        description="amount per kg of body weight at one administration, as EXDOSE records it; 0 has no active substance",
    )
    unit: Text = Field(description="unit of the amount, as EXDOSU records it")
    treatment: Text = Field(description="what is given, as EXTRT names it")
    route: Text = Field(description="route of administration, as EXROUTE records it (INTRAVENOUS)")

    @property
    def by_infusion(self) -> bool:
        """Whether the route is that of an infusion: into a vein or an artery, and no bolus."""
        route = self.route.casefold().replace("-", "")
        return route.startswith(("intravenous", "intraarterial", "infusion")) and "bolus" not in route


class Arm(Frozen):
    """One arm; colours follow its place."""

    code: Text = Field(description="what DM.ARMCD holds")
    label: Text = Field(description="what tables and figures call the arm")
    name: Text = Field(description="the arm in the words of the source, as on the workbook's list of arms")
    number: int = Field(
        ge=1,
        description="place of the arm from 1; differences are that of the second minus that of the first",
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
    ratio: tuple[int, int] = Field(
        default=(1, 1), description="patients in the first and in the second arm, as whole numbers above 0"
    )
    block_sizes: tuple[int, ...] = Field(
        default=(),
        description="sizes of permuted blocks, multiples of the ratio's sum; leave them out while patients are being randomised",
    )
    strata: tuple[str, ...] = Field(
        default=(), description="names of the strata; with any, randomisation tests do not repeat the design"
    )

    @model_validator(mode="after")
    def _blocks_fit(self) -> Self:
        if min(self.ratio) < 1:
            raise ValueError(f"ratio must be whole numbers above 0, got {list(self.ratio)}")
        if self.block_sizes and self.kind != "permuted blocks":
            raise ValueError(f"block_sizes belong to permuted blocks, not to {self.kind}")
        if odd := [size for size in self.block_sizes if size < 1 or size % sum(self.ratio)]:
            raise ValueError(f"block_sizes must be multiples of {sum(self.ratio)}, got {odd}")
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
        description="first and last study day whose values are analysed as this visit's; begins where the one before ends"
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
    ties: Literal["earlier", "later"] = Field(
        description="which of two values at the same distance from the target is analysed"
    )
    component_days: int = Field(
        default=7, ge=0, description="days that may lie between the values of which a score is made"
    )

    @property
    def from_randomisation(self) -> bool:
        """Whether visits are counted from randomisation for everybody, infused or not."""
        return self.anchor.value.casefold().startswith("randomi")

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
            if after.window[0] != before.window[1] + 1:
                rule = f"must begin where that of {before.code} ends, on day {before.window[1] + 1}"
                misfits.append(Misfit(("visits", position, "window"), rule, list(after.window)))
        if misfits:
            raise MisfitError(misfits)
        return self
