"""What is assumed of a trial before it is simulated: a file of a person's, checked, and the scenarios that it gives."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Self, TypeVar

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from esld.data.cutfile import CutFile, PathText, read_cut
from esld.errors import RefusedError, did_you_mean
from esld.protocol import Analysis, Assumed, Kind, Protocol, read_protocol
from esld.protocol._base import Frozen
from esld.scenario import ARMS, Scenario, Score
from esld.yamlfile import Misfit, MisfitError, Place, files_of, read_model

if TYPE_CHECKING:
    from esld.data.study import Study
    from esld.operating import Work

# The methods that stand for a kind of planned analysis.
SIMULATED: Mapping[Kind, tuple[str, ...]] = {
    "milestone": ("milestone",),
    "milestone_test": ("fisher", "boschloo"),
    "log_rank": ("log_rank",),
    "permutation": ("exact_log_rank", "exact_rmst"),
    "rmst": ("rmst", "rmst_beta_product"),
    "cox": ("cox",),
    "firth": ("firth",),
    "mmrm": ("mmrm",),
    "ancova": ("ancova",),
    "worst_rank": ("worst_rank",),
}
# Why a kind that compares arms is not simulated; the kinds that are in neither compare nothing.
NOT_SIMULATED: Mapping[Kind, str] = {
    "hierarchy": "no outcomes beside death and a score are assumed",
    "responder": "no response is assumed",
    "cumulative_incidence": "no events beside death and transplantation are assumed",
    "episodes": "no events beside death and transplantation are assumed",
}
_COVARIANCE = ("adh", "csh", "cs")  # of the simulated mixed model: the first, and what is tried next
MOST = 1000  # scenarios: more are a mistake in a grid
# Keys of the file by the names that `Scenario` and `Score` have for them, where these differ.
_KEYS = {
    "horizon": "horizon_days",
    "accrual": "accrual_days",
    "duration": "duration_days",
    "visits": "visits_days",
}
_OF_A_CUT = ("n", "accrual_days", "duration_days")  # that a cut says by itself
_PAIRS = ("n", "alive", "lost", "transplant", "change", "dropout")


Made = TypeVar("Made", Scenario, Score)


class Planned(NamedTuple):
    """A planned analysis, and what is simulated of it: methods, or why there are none."""

    analysis: str
    title: str
    methods: tuple[str, ...]
    why_not: str = ""


class Realised(NamedTuple):
    """What a cut has come to."""

    n: tuple[int, int]
    entry: tuple[float, ...]
    duration: float


class Design(Frozen):
    """One file ``params/designs/<name>.yaml``: what is simulated, under which assumptions, how often.

    ``protocol`` (relative to the file) says what is planned; ``cut`` does so too, and gives the patients of each arm, the days
    on which they entered and the cut-off as they were. With neither, ``methods`` names what is simulated.
    """

    protocol: PathText = ""
    cut: PathText = ""
    arms: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    trials: int = Field(default=100_000, gt=0, le=1_000_000_000)
    trials_one_by_one: int = Field(default=1000, gt=0)
    seed: Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, int) else value)] = (
        "esld operating characteristics"
    )
    alpha: float = Field(default=0.05, gt=0, lt=1)
    conf_level: float = Field(default=0.95, gt=0, lt=1)
    assumptions: Assumed = Assumed()
    scenarios: dict[str, Assumed] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _can_be_simulated(self, info: ValidationInfo) -> Self:
        if self.protocol and self.cut:
            raise MisfitError(
                [Misfit(("protocol",), "must be left out: the cut names it", None, "Remove it.")]
            )
        DesignFile(info.context or Path("design.yaml"), self).checked()
        return self


@dataclass(frozen=True)
class DesignFile:
    """A design with its place; ``trial`` where the protocol was read before."""

    path: Path
    design: Design
    trial: Protocol | None = None

    @property
    def cut(self) -> CutFile | None:
        """The cut whose patients are taken, if one is named."""
        return read_cut(self.path.parent / self.design.cut) if self.design.cut else None

    @property
    def protocol_path(self) -> Path | None:
        """The trial's file, if there is one."""
        if cut := self.cut:
            return cut.protocol_path
        return self.path.parent / self.design.protocol if self.design.protocol else None

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Every file and folder that is read."""
        own = [self.path, *(files_of(self.protocol_path) if self.protocol_path else ())]
        return (*own, *(self.cut.inputs if self.cut else ()))

    @property
    def protocol(self) -> Protocol | None:
        """The trial, if there is one."""
        return self.trial or (read_protocol(self.protocol_path) if self.protocol_path else None)

    @property
    def assumed(self) -> tuple[Assumed, Mapping[str, Assumed]]:
        """What is assumed of every scenario, and the scenarios: the design's own, or else those of the protocol."""
        own, protocol = self.design, self.protocol
        declared = protocol.design_assumptions if protocol else None
        if declared is None or own.scenarios or own.assumptions != Assumed():
            return own.assumptions, own.scenarios
        common, scenarios = declared.assumptions or Assumed(), declared.scenarios
        if own.cut:
            common = common.model_copy(update=dict.fromkeys(_OF_A_CUT))
        return common, scenarios

    @property
    def arms(self) -> tuple[str, ...]:
        """The two that are compared, first the one to compare with."""
        protocol = self.protocol
        declared = protocol.design_assumptions if protocol else None
        said = self.design.arms or (declared.arms if declared else ())
        return said or (tuple(protocol.arm_labels) if protocol else ARMS)

    def checked(self) -> "Work":
        """The work, with the planned number of patients where a cut will say another.

        Raises
        ------
        esld.yamlfile.MisfitError
            What does not go together, at its place in the file.
        esld.errors.RefusedError
            The cut's view does not show the arms.
        """
        if (cut := self.cut) and cut.cut.view != "unblinded":
            raise RefusedError(f"cut {cut.id} is {cut.cut.view}: it does not show who is in which arm.")
        known = tuple(self.protocol.arm_labels) if self.protocol else self.arms
        if misfits := [
            Misfit(("arms", i), "is no arm of the protocol", arm, did_you_mean(arm, known))
            for i, arm in enumerate(self.design.arms)
            if arm not in known
        ]:
            raise MisfitError(misfits)
        if len(set(self.arms)) != 2 or len(self.arms) != 2:
            rule = "must name the two arms that are compared, first the one to compare with"
            raise MisfitError([Misfit(("arms",), rule, None, f"Add it: two of {', '.join(known)}.")])
        from esld.operating import METHODS  # here and below: a check of what is assumed needs no statistics

        if misfits := [
            Misfit(("methods", i), "is not known", name, did_you_mean(name, METHODS))
            for i, name in enumerate(self.design.methods)
            if name not in METHODS
        ]:
            raise MisfitError(misfits)
        return self._work(None, None)

    def work(self, study: "Study | None" = None, *, trials: int | None = None) -> "Work":
        """What is to be simulated.

        Parameters
        ----------
        study : Study, optional
            Of :attr:`cut`, where there is one.
        trials : int, optional
            Instead of those that the file says, for a first look.
        """
        return self._work(realised(study, self.arms) if study is not None else None, trials)

    def _work(self, found: Realised | None, trials: int | None) -> "Work":
        from esld.operating import METHODS, Work

        design = self.design
        scenarios = self.scenarios(found)
        methods = design.methods or tuple(dict.fromkeys(m for one in self.planned() for m in one.methods))
        if not methods:
            key = "cut" if design.cut else "protocol" if design.protocol else "methods"
            rule = (
                "must plan an analysis that can be simulated"
                if key != "methods"
                else "must be given without a protocol"
            )
            raise MisfitError([Misfit((key,), rule, None, f"Name methods: {', '.join(METHODS)}.")])
        needy = [name for name in methods if METHODS[name].needs_score]
        if needy and (without := [name for name, own in scenarios.items() if own.score is None]):
            rule = f"must say something of a score for {', '.join(needy)}"
            place: Place = (
                ("assumptions",) if without[0] not in self.assumed[1] else ("scenarios", without[0])
            )
            raise MisfitError([Misfit((*place, "score"), rule, None, "Add it.")])
        count = trials or design.trials
        return Work(
            scenarios=scenarios, methods=methods, trials=count, one_by_one=min(count, design.trials_one_by_one),
            seed=design.seed, alpha=design.alpha, conf_level=design.conf_level,
        )  # fmt: skip

    # --- scenarios ----------------------------------------------------------------------------------------------

    def scenarios(self, found: Realised | None = None) -> dict[str, Scenario]:
        """Each combination of what is assumed, by name; with the patients of a cut where there is one."""
        return dict(self._scenarios(found))

    def _scenarios(self, found: Realised | None) -> Iterator[tuple[str, Scenario]]:
        (assumptions, scenarios), count, misfits = self.assumed, 0, []
        common = dict(assumptions.axes())
        for name, own in (scenarios or {"": Assumed()}).items():
            special = dict(own.axes())
            said = {place[: 2 if place[0] == "score" else 1] for place in special}
            axes = {p: v for p, v in common.items() if p[: 2 if p[0] == "score" else 1] not in said} | special
            places = {p: (("scenarios", name, *p) if p in special else ("assumptions", *p)) for p in axes}
            misfits = [*self._strangers(axes, places)]
            for values in product(*axes.values()):
                if (count := count + 1) > MOST:
                    rule = f"must give at most {MOST} combinations"
                    misfits.append(Misfit(("assumptions",), rule, None, "Try fewer values."))
                if misfits:
                    raise MisfitError(misfits)
                chosen = dict(zip(axes, values, strict=True))
                tried = [f"{_shown(p)} {v}" for p, v in chosen.items() if len(axes[p]) > 1]
                head = ("scenarios", name) if name else ("assumptions",)
                yield (
                    ", ".join(filter(None, (name, *tried))) or "assumed",
                    self._one(chosen, places, head, found),
                )

    def _strangers(self, axes: Mapping[Place, object], places: Mapping[Place, Place]) -> Iterator[Misfit]:
        """Arms that are none, and what a cut says by itself."""
        for place in axes:
            key = place[1] if place[0] == "score" else place[0]
            if key in _PAIRS and place[-1] not in ("", *self.arms):
                yield Misfit(places[place], "is no arm", None, did_you_mean(str(place[-1]), self.arms))
            if self.design.cut and key in _OF_A_CUT:
                own = tuple(part for part in places[place] if part)
                yield Misfit(own, "must be left out: it is taken from the cut", None, "Remove it.")

    def _one(
        self, chosen: Mapping[Place, Any], places: Mapping[Place, Place], head: Place, found: Realised | None
    ) -> Scenario:
        """The scenario of one value for each key."""
        protocol = self.protocol

        def given(names: Iterable[str], *room: str) -> dict[str, Any]:
            taken: dict[str, Any] = {}
            for name in names:
                key = _KEYS.get(name, name)
                if name in _PAIRS:
                    own = [chosen.get((*room, key, arm), chosen.get((*room, key, ""))) for arm in self.arms]
                    if (lacking := [a for a, v in zip(self.arms, own, strict=True) if v is None]) and len(
                        lacking
                    ) == 1:
                        rule = f"must be given for {lacking[0]} too"
                        raise MisfitError([Misfit((*head, *room, key), rule, None, "Add it.")])
                    if not lacking:
                        taken[name] = tuple(own)
                elif (*room, key) in chosen:
                    taken[name] = chosen[(*room, key)]
            return taken

        about = given(
            ("n", "alive", "horizon", "shape", "lost", "transplant", "transplant_as", "accrual", "duration")
        )
        if protocol:
            about.setdefault("horizon", protocol.horizon_days)
        if found:
            about |= {"n": found.n, "entry": found.entry, "duration": found.duration}
        elif protocol and "n" not in about:
            ratio = dict(zip(protocol.arm_labels, protocol.ratio, strict=True))
            about["n"] = tuple(
                max(1, round(protocol.target_enrolment * ratio[arm] / sum(ratio.values())))
                for arm in self.arms
            )
        try:
            if any(place[0] == "score" for place in chosen):
                inner = given(Score.__dataclass_fields__, "score")
                if protocol and protocol.schedule.visits:
                    inner.setdefault("visits", tuple(float(v.target - 1) for v in protocol.schedule.visits))
                about["score"] = _made(Score, inner, (*head, "score"))
            return _made(Scenario, about, head)
        except ValueError as error:
            if isinstance(error, MisfitError):
                raise
            raise MisfitError([_misfit(error, chosen, places, head)]) from None

    # --- what is planned ----------------------------------------------------------------------------------------

    def planned(self) -> tuple[Planned, ...]:
        """The protocol's analyses, each with what is simulated of it or why nothing is; none where methods are named."""
        protocol = self.protocol
        if protocol is None or self.design.methods:
            return ()
        return tuple(self._planned(protocol, analysis) for analysis in protocol.analyses)

    def _planned(self, protocol: Protocol, plan: Analysis) -> Planned:
        methods = SIMULATED.get(plan.kind, ()) if plan.kind else ()
        why = self._why_not(protocol, plan)
        if "exact_rmst" in methods and not plan.horizon_days:
            methods = ("exact_log_rank",)
        return Planned(plan.id, plan.title, () if why else methods, why)

    def _why_not(self, protocol: Protocol, plan: Analysis) -> str:
        from esld.operating import METHODS

        if plan.kind is None:
            return "a chapter of your own computes it"
        if plan.kind not in SIMULATED:
            return NOT_SIMULATED.get(plan.kind, "it compares nothing")
        if plan.of:
            return f"it is a variant of {plan.of}"
        if plan.stratified or plan.covariates:
            return "neither strata nor covariates are assumed"
        keys = {place[:-1] if place[-1] in ("", *self.arms) else place for place in self._said()}
        if METHODS[SIMULATED[plan.kind][0]].needs_score:
            return self._why_no_score(protocol, plan, keys)
        ended = [a.endpoint for a in (protocol.primary, *protocol.analyses) if a.endpoint]
        if plan.endpoint != ended[0]:
            return f"one time to an event is assumed, of {ended[0]}"
        day = plan.day
        if day and ("horizon_days",) not in keys and day != protocol.horizon_days:
            return f"it looks at day {day:g} and not at day {protocol.horizon_days:g}"
        return ""

    def _why_no_score(self, protocol: Protocol, plan: Analysis, keys: set[Place]) -> str:
        if not any(key[0] == "score" for key in keys):
            return "no score is assumed"
        if plan.model and (plan.model.covariance, *plan.model.fallback) != _COVARIANCE:
            return f"the model that is simulated has the covariance {_COVARIANCE[0]}, then {' and '.join(_COVARIANCE[1:])}"
        last = protocol.schedule.visits[-1].code if protocol.schedule.visits else None
        if plan.visit and plan.visit != last and ("score", "visits_days") not in keys:
            return f"it looks at {plan.visit} and not at the last visit"
        return ""

    def _said(self) -> Iterator[Place]:
        common, scenarios = self.assumed
        for part in (common, *scenarios.values()):
            yield from (place for place, _ in part.axes())


def _shown(place: Place) -> str:
    """A key as the name of a scenario has it: without the room it is in and its unit."""
    return " ".join(str(part).removesuffix("_days") for part in place if part not in ("score", ""))


def _made(kind: type[Made], about: Mapping[str, Any], head: Place) -> Made:
    """Of what is given, or at the place of the first that is not."""
    from dataclasses import MISSING, fields

    for field in fields(kind):
        if field.default is MISSING and field.name not in about:
            key = _KEYS.get(field.name, field.name)
            raise MisfitError([Misfit((*head, key), "must be given", None, "Add it.")])
    return kind(**about)


def _misfit(
    error: ValueError, chosen: Mapping[Place, Any], places: Mapping[Place, Place], head: Place
) -> Misfit:
    """What a scenario refuses, at the key that its words begin with."""
    name, _, rule = str(error).partition(" ")
    key = _KEYS.get(name, name)
    rule, _, got = rule.partition(", got ")
    place = next((places[own] for own in chosen if key in own), (*head, key))
    return Misfit(place[: place.index(key) + 1], rule, got or None)


def realised(study: "Study", arms: tuple[str, ...]) -> Realised:
    """Patients of each arm, the days on which they entered, counted from the first, and that of the cut-off."""
    import pandas as pd

    patients = study.adsl[study.adsl["ITTFL"] == "Y"]
    days = [patients.loc[patients["ARMCD"] == arm, "RANDDT"] for arm in arms]
    begin = pd.concat(days).min()
    entry = tuple(float(day) for own in days for day in sorted((own - begin).dt.days))
    duration = float((pd.Timestamp(study.cut.cutoff) - begin).days)
    return Realised((len(days[0]), len(days[1])), entry, duration)


def declared(protocol: Protocol) -> dict[str, Scenario]:
    """What a protocol assumes of its patients before they enter, scenario by scenario; none where it declares nothing.

    Raises
    ------
    esld.yamlfile.MisfitError
        What does not go together, at its place in ``design_assumptions``.
    """
    if protocol.design_assumptions is None:
        return {}
    file = DesignFile(Path(protocol.id), Design.model_construct(), protocol)
    known = tuple(protocol.arm_labels)
    if len(set(file.arms)) != 2 or len(file.arms) != 2 or set(file.arms) - set(known):
        rule = "must name the two arms that are compared, first the one to compare with"
        raise MisfitError([Misfit(("arms",), rule, None, f"Add it: two of {', '.join(known)}.")])
    return file.scenarios()


def read_design(path: Path) -> DesignFile:
    """Read and check a design file, and the protocol or the cut that it names.

    Raises
    ------
    esld.errors.InputError, esld.errors.RefusedError
        A file is missing or refused, or the cut does not show the arms.
    """
    return DesignFile(path, read_model(Design, path, context=path))


def facts_of(scenario: Scenario) -> dict[str, Any]:
    """A scenario as JSON has it: what is endless is left out."""
    from dataclasses import asdict

    return {k: v for k, v in asdict(scenario).items() if not (isinstance(v, float) and not isfinite(v))}
