"""When a trial is looked at before its end, and what would stop it."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from math import ceil, nan
from statistics import NormalDist
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from esld.protocol._base import Frozen, Text
from esld.yamlfile import Misfit, MisfitError

if TYPE_CHECKING:
    from esld.operating import BinaryDesign, Boundaries, StoppingRule

SERIOUS = "SERIOUS"
_LEVEL = 0.05
Chance = Annotated[float, Field(gt=0, lt=1)]


class SafetyRule(Frozen):
    """A rule that stops the trial once it is likely enough that a harm is more frequent than is allowed."""

    name: Text = Field(description="what is counted, as a sentence has it: `a serious adverse event`")
    event: str = Field(
        description="`SERIOUS`, a serious adverse event of a treated patient, or an endpoint, of all randomised"
    )
    limit: Chance = Field(description="proportion of patients that must not be exceeded, between 0 and 1")
    probability: Chance = Field(
        description="stop where the posterior probability of a proportion above the limit is above this"
    )
    prior: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] = Field(
        default=(1, 1),
        description="beta prior of that proportion: events and patients without one that it counts for",
    )
    after: int = Field(
        default=1,
        gt=0,
        description="patients of a group of whom it must be known before the rule is applied to it",
    )
    by_arm: bool = Field(
        default=True,
        description="`false`: patients of all arms are counted together, as a pooled view can show",
    )

    def rule(self, n: int) -> "StoppingRule":
        """For n patients, applied after each of them from `after` on."""
        from esld.operating import BetaMixture, stopping_rule

        prior = BetaMixture(weights=(1.0,), a=(self.prior[0],), b=(self.prior[1],))
        looks = range(min(self.after, n), n + 1)
        return stopping_rule(n, limit=self.limit, threshold=self.probability, prior=prior, looks=looks)


class Monitoring(Frozen):
    """Planned looks at the primary outcome before the end, the boundaries at which the trial stops, and rules for harm.

    The looks compare the proportions of the primary analysis, which must be of kind `milestone` in two arms, exactly: the level
    is kept whatever proportion both arms share.
    """

    looks: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        min_length=1,
        max_length=5,
        description="patients whose time to the day of the primary outcome is over at each look, rising; or fractions of all "
        "planned patients, ending with 1",
    )
    boundary: Literal[
        "pocock",
        "obrien-fleming",
        "haybittle-peto",
        "lan-demets-obrien-fleming",
        "lan-demets-pocock",
        "bayesian",
    ] = Field(
        description="shape of the boundaries; `bayesian` stops where it is likely enough that one arm is better"
    )
    alpha: Annotated[float, Field(gt=0, lt=0.5)] | None = Field(
        default=None, description="level of all looks together, 0.05 without; left out with `threshold`"
    )
    sided: Literal[1, 2] = Field(
        default=2,
        description="`1`: whether more patients of the arm beside the control are without the event; `2`: of either",
    )
    interim: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="of `haybittle-peto`: z before the last look, 3 without"
    )
    threshold: Annotated[float, Field(gt=0.5, lt=1)] | None = Field(
        default=None,
        description="of `bayesian`: the probability that stops; without it the lowest that keeps to `alpha`",
    )
    futility: Literal["lan-demets-obrien-fleming", "lan-demets-pocock"] | tuple[float, ...] | None = Field(
        default=None,
        description="where the trial may stop because a difference has become unlikely, never binding: the way in which the "
        "error `1 - power` is spent, or a z for each look but the last (with two sides: without its sign); of `bayesian` one "
        "probability of the likelier arm",
    )
    power: Annotated[float, Field(ge=0.5, lt=1)] | None = Field(
        default=None, description="of a futility that is spent, 0.8 without"
    )
    safety: tuple[SafetyRule, ...] = Field(default=(), description="rules for harm")

    @model_validator(mode="after")
    def _its_keys_go_together(self) -> Self:
        misfits, bayesian = [], self.boundary == "bayesian"
        whole = all(n >= 2 and n == int(n) for n in self.looks)
        if any(b <= a for a, b in pairwise(self.looks)) or not (whole or self.looks[-1] == 1):
            rule = "must rise, as whole numbers from 2, or as fractions that end with 1"
            misfits.append(Misfit(("looks",), rule, ", ".join(f"{n:g}" for n in self.looks)))
        belongs = {
            "interim": self.boundary == "haybittle-peto",
            "threshold": bayesian,
            "alpha": self.threshold is None,
            "power": isinstance(self.futility, str),
        }
        with_what = {
            "interim": "boundary: haybittle-peto", "threshold": "boundary: bayesian", "alpha": "no threshold",
            "power": "a futility that is spent",
        }  # fmt: skip
        for key, there in belongs.items():
            if getattr(self, key) is not None and not there:
                rule = f"must come with {with_what[key]}"
                misfits.append(Misfit((key,), rule, getattr(self, key), "Leave it out."))
        if (
            bayesian
            and self.futility is not None
            and (isinstance(self.futility, str) or len(self.futility) != 1)
        ):
            rule = "must be one probability with boundary: bayesian"
            misfits.append(Misfit(("futility",), rule, self.futility, "Write such as [0.6]."))
        counted = [rule.event for rule in self.safety]
        for position, event in enumerate(counted):
            if event in counted[:position]:
                misfits.append(Misfit(("safety", position, "event"), "must be named once", event))
        if misfits:
            raise MisfitError(misfits)
        return self

    @property
    def level(self) -> float:
        """Of all looks together; NaN of a threshold that is declared."""
        return nan if self.threshold is not None else self.alpha or _LEVEL

    def numbers(self, planned: int) -> tuple[int, ...]:
        """Patients at each look, of so many in all."""
        if self.looks[-1] == 1:
            return tuple(ceil(share * planned - 1e-9) for share in self.looks)
        return tuple(int(n) for n in self.looks)

    def boundaries(self, planned: int) -> "Boundaries":
        """What the exact design spends, of boundaries that are not Bayesian; ValueError where there are none such."""
        from esld.operating import group_sequential

        numbers = self.numbers(planned)
        optional = {"interim": self.interim, "power": self.power}
        return group_sequential(
            self.boundary,  # type: ignore[arg-type]  # of which none is Bayesian here
            information=[n / numbers[-1] for n in numbers], alpha=self.level, sided=self.sided,
            futility=self.futility, **{key: value for key, value in optional.items() if value is not None},
        )  # fmt: skip

    def sizes(self, planned: int, ratio: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Patients planned at each look of the arm beside the control, and of the control, in the ratio of control to arm."""
        control = tuple(n * ratio[0] // sum(ratio) for n in self.numbers(planned))
        return tuple(n - own for n, own in zip(self.numbers(planned), control, strict=True)), control

    def design(
        self, planned: int, ratio: Sequence[int], sizes: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    ) -> "BinaryDesign":
        """The exact design for patients of the arm beside the control, and of the control, at the looks; else as planned.

        A Bayesian threshold that is calibrated is so for the planned sizes: it does not change with those that come about.
        ValueError where there is no such design.
        """
        from esld.operating import bayesian_design, binary_design

        n1, n2 = sizes or self.sizes(planned, ratio)
        if self.boundary != "bayesian":
            return binary_design(self.boundaries(planned), n1=n1, n2=n2)
        futility = self.futility[0] if self.futility else None
        made = partial(bayesian_design, sided=self.sided, futility=futility)  # type: ignore[arg-type]
        threshold = self.threshold
        if threshold is None:
            own = self.sizes(planned, ratio)
            design = made(n1=own[0], n2=own[1], alpha=self.level)
            if own == (n1, n2):
                return design
            threshold = NormalDist().cdf(float(design.boundaries.critical[0]))
        return made(n1=n1, n2=n2, threshold=threshold)
