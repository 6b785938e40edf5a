"""How the trial is made: arms, randomisation, who may take part, and when patients are seen."""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from esld.protocol._base import Assumable, Frozen, Stated, StatedText, Text
from esld.yamlfile import Misfit, MisfitError


class Dose(Frozen):
    """What one administration holds: amount per kg of body weight, as the EX domain records it; 0 of no active substance."""

    amount: float = Field(ge=0)
    unit: Text
    treatment: Text
    route: Text


class Arm(Frozen):
    """One arm. ``code`` is what DM.ARMCD holds; ``label`` what a reader sees; colours follow the arm's place."""

    code: Text
    label: Text
    name: Text
    number: int = Field(ge=1)
    description: str = ""
    dose: Dose | None = None


class RandomisationDesign(Frozen):
    """The procedure that gave patients their arms, as far as it is public: what a randomisation test repeats.

    ``block_sizes`` stay out of a protocol while patients are being randomised; without them permuted blocks cannot be repeated.
    """

    kind: Literal["complete", "simple", "permuted blocks", "big stick", "biased coin"]
    ratio: tuple[int, int] = (1, 1)
    block_sizes: tuple[int, ...] = ()
    strata: tuple[str, ...] = ()

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

    design: RandomisationDesign | None = None


class SealedAllocation(Frozen):
    """The public part of a sealed allocation list, as ``esld randomise seal`` prints it; ``commitment`` is its root in hex."""

    format: Text
    design: Text
    arms: tuple[str, ...]
    ratio: tuple[int, ...]
    masked: bool
    strata: dict[str, tuple[str, ...]]
    slots_per_stratum: int = Field(gt=0)
    commitment: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class NumericRule(Frozen):
    """A machine-checkable bound on a DM variable, both ends included."""

    variable: Text
    minimum: float | None = None
    maximum: float | None = None


class Criterion(Frozen):
    """An inclusion (IN…) or exclusion (EX…) criterion in the source's words."""

    id: Annotated[str, Field(pattern=r"^(IN|EX)\d{2}$")]
    text: Text
    check: NumericRule | None = None


class Eligibility(Frozen):
    """Who may enter."""

    inclusion: tuple[Criterion, ...]
    exclusion: tuple[Criterion, ...] = ()

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
    """A planned visit and the two windows around it, in study days (ADY: day 1 is the anchor, no day 0).

    ``tolerance`` is what the protocol allows around the target; ``window`` is the analysis window, without
    gaps to its neighbours.
    """

    code: Text
    label: Text
    number: float = Field(gt=0)
    week: float
    target: int
    tolerance: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]
    window: tuple[int, int]

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

    anchor: Stated
    baseline_window: tuple[int, int]
    visits: tuple[Visit, ...]
    ties: Literal["earlier", "later"]
    component_days: int = Field(default=7, ge=0)

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
