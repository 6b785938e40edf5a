"""What is asked of the data: registered outcomes, estimands, planned analyses and the patients they are of."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple, Self, get_args

from pydantic import Field, model_validator

from esld.protocol._base import Assumable, Frozen, Text
from esld.yamlfile import Misfit, MisfitError

Kind = Literal[
    "participant_flow", "randomisation", "baseline",
    "milestone", "milestone_test", "survival_curve", "log_rank", "permutation", "cox", "firth", "rmst",
    "mmrm", "ancova", "worst_rank", "hierarchy", "responder",
    "cumulative_incidence", "episodes",
    "safety", "courses",
]  # fmt: skip

Role = Literal["primary", "secondary", "sensitivity", "supplementary", "safety", "descriptive"]
ROLES: tuple[Role, ...] = get_args(Role)


class Use(NamedTuple):
    """What becomes of a kind of analysis: the chapter that reports it, the keys that it needs, and those that it takes."""

    chapter: str
    needed: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()


_VARIANT = ("of", "analysis_set")  # of a sensitivity or supplementary analysis
_TIME = (*_VARIANT, "censoring", "stratified")
USES: Mapping[Kind, Use] = {
    "participant_flow": Use("00_data_cut"),
    "randomisation": Use("01_randomisation"),
    "baseline": Use("02_baseline"),
    "milestone": Use("03_survival", ("endpoint", "milestones_days"), ("horizon_days", *_TIME, "subgroups")),
    "milestone_test": Use("03_survival", ("endpoint", "milestones_days"), _TIME),
    "survival_curve": Use("03_survival", ("endpoint",), ("milestones_days", *_TIME)),
    "log_rank": Use("03_survival", ("endpoint",), _TIME),
    "permutation": Use("03_survival", ("endpoint",), ("horizon_days", *_TIME)),
    "cox": Use("03_survival", ("endpoint",), (*_TIME, "subgroups")),
    "firth": Use("03_survival", ("endpoint",), (*_TIME, "covariates")),
    "rmst": Use("03_survival", ("endpoint", "horizon_days"), _TIME),
    "mmrm": Use("04_change", ("parameters", "model"), ("visit", "stratified", *_VARIANT)),
    "ancova": Use("04_change", ("parameters", "visit"), ("stratified", "subgroups", *_VARIANT)),
    "worst_rank": Use("04_change", ("parameters", "visit"), _VARIANT),
    "hierarchy": Use("04_change", ("hierarchy", "horizon_days"), _VARIANT),
    "responder": Use("04_change", ("parameters", "visit", "response"), ("subgroups", *_VARIANT)),
    "cumulative_incidence": Use("05_events", ("endpoints", "horizon_days"), _VARIANT),
    "episodes": Use("05_events", ("endpoints", "horizon_days"), _VARIANT),
    "safety": Use("06_safety"),
    "courses": Use("07_patients"),
}
# What each kind computes, in a line; docs/protocol.md has it beside the keys.
COMPUTED: Mapping[Kind, str] = {
    "participant_flow": "numbers at every step from consent to the end, and how complete follow-up is",
    "randomisation": "order and balance of the assignments, how far the next one could be guessed",
    "baseline": "what patients were like before treatment, by arm, without tests",
    "milestone": "proportion without the event on a day, by arm, and the difference",
    "milestone_test": "exact tests of these proportions",
    "survival_curve": "Kaplan-Meier curves, medians, and the estimates on the days that are named",
    "log_rank": "log-rank test",
    "permutation": "log-rank statistic and difference of restricted means against the allocations that could have been",
    "cox": "hazard ratio by Cox regression, and whether it is proportional",
    "firth": "hazard ratio with Firth's penalty, which exists with few events too",
    "rmst": "restricted mean time without the event, and the difference",
    "mmrm": "change from baseline by visit, mixed model for repeated measures",
    "ancova": "change from baseline at one visit, adjusted for baseline",
    "worst_rank": "the same with the dead ranked last",
    "hierarchy": "patients compared pair by pair on outcomes in order of importance: win ratio, net benefit",
    "responder": "proportion of responders at a visit, and the difference",
    "cumulative_incidence": "first events with competing ones: Aalen-Johansen estimate, Gray's test",
    "episodes": "all episodes: rates, their ratio, mean number per patient",
    "safety": "adverse events, reactions and exposure of those treated",
    "courses": "every patient's course, for those who may see it",
}
_DAY = re.compile(r"\bday (\d+)\b", re.IGNORECASE)  # as a title names it
_SPECIFIC = tuple(dict.fromkeys(key for use in USES.values() for key in (*use.needed, *use.taken)))


class Outcome(Frozen):
    """An outcome as registered."""

    name: Text = Field(description="the outcome as registered")
    time: Text = Field(description="time frame as registered")
    measure: Text = Field(description="how it is measured, as registered")


class Outcomes(Frozen):
    """Primary and secondary outcomes as registered."""

    primary: tuple[Outcome, ...] = Field(min_length=1, description="primary outcomes as registered")
    secondary: tuple[Outcome, ...] = Field(default=(), description="secondary outcomes as registered")


class Estimand(Frozen):
    """The five attributes of ICH E9(R1)."""

    treatment: Text = Field(description="conditions that are compared")
    population: Text = Field(description="patients whom the question is about")
    variable: Text = Field(description="what is measured in each patient")
    intercurrent_events: Text = Field(
        description="events after randomisation that affect the variable, each with its strategy (treatment policy, composite …)"
    )
    summary: Text = Field(description="population-level summary by which the arms are compared")


Structure = Literal["us", "adh", "csh", "cs", "sp_exp"]


class RepeatedMeasures(Frozen):
    """A mixed model for repeated measures (MMRM)."""

    covariance: Structure = Field(
        description="of the visits: unstructured, ante-dependence, heterogeneous or plain compound symmetry, spatial exponential"
    )
    fallback: tuple[Structure, ...] = Field(
        default=(), description="what is tried next, in this order, if that has no proven maximum"
    )


class Rank(Frozen):
    """One step of a hierarchy of outcomes: a time, a number of episodes, or the change of a parameter at a visit."""

    name: Text = Field(description="what the table calls the step")
    endpoint: str | None = Field(default=None, description="a time: the later event is the better")
    endpoints: tuple[str, ...] = Field(
        default=(), description="numbers of episodes of these together: fewer is better"
    )
    parameter: str | None = Field(
        default=None, description="a change from baseline; its `better` says which way"
    )
    visit: str | None = Field(default=None, description="the visit of that change")
    margin: float = Field(
        default=0, ge=0, description="changes that are apart by less are equal, in the unit of the parameter"
    )

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        if sum(map(bool, (self.endpoint, self.endpoints, self.parameter))) != 1:
            raise ValueError("must have one of endpoint, endpoints and parameter")
        if bool(self.parameter) != bool(self.visit):
            raise ValueError("must have a visit with a parameter, and only with one")
        return self


class Response(Frozen):
    """Who has responded at a visit: whose value, or change from baseline, reaches a limit."""

    of: Literal["value", "change", "percent change"] = Field(
        default="value", description="what is held against the limit; changes are from baseline"
    )
    at_least: float | None = Field(default=None, description="responded is who reaches this or more")
    at_most: float | None = Field(default=None, description="responded is who reaches this or less")

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("must have one of at_least and at_most")
        return self


class Analysis(Assumable):
    """A planned analysis: of one endpoint, of several alike, of parameters, or of a hierarchy of outcomes.

    Its `kind` decides what is computed, which chapter shows it, and which of the keys below it needs and takes.
    """

    id: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9-]*$")] = Field(
        description="name of the analysis, yours: capitals, digits and `-`; results carry it"
    )
    title: Text = Field(description="what tables call it")
    role: Role = Field(
        description="part in the plan; one must be `primary`. `sensitivity` keeps the estimand of another analysis and supposes "
        "something else; `supplementary` has another population, variable or strategy (ICH E9(R1))"
    )
    kind: Kind | None = Field(
        default=None,
        description="what is computed; left out of an analysis that a chapter of your own reports",
    )
    of: str | None = Field(
        default=None,
        description="of a sensitivity or supplementary analysis: the id of the one of the same kind beside which it is shown",
    )
    endpoint: str | None = Field(default=None, description="the endpoint that it is of")
    endpoints: tuple[str, ...] = Field(default=(), description="several endpoints that are analysed alike")
    parameters: tuple[str, ...] = Field(
        default=(), description="the parameters that it is of; one may be in any number of analyses"
    )
    visit: str | None = Field(
        default=None, description="the visit that answers; of a model by visit without it the last one"
    )
    response: Response | None = Field(
        default=None, description="who has responded", examples=[{"of": "percent change", "at_most": -30}]
    )
    method: Text = Field(
        description="statistical method in words, as the report prints it; `kind` chooses what is computed"
    )
    estimand: Estimand = Field(description="the five attributes of ICH E9(R1)")
    chapter: Text = Field(
        default="",
        description="the chapter of your own that reports it, the name of a file of `notebooks/`; needed without `kind`",
    )
    milestones_days: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        default=(),
        description="days after randomisation that are reported, each under its own day; a `milestone_test` has one",
    )
    horizon_days: float | None = Field(
        default=None,
        gt=0,
        description="last day after randomisation that counts, as for a restricted mean; of a `milestone` of several days "
        "the one that answers",
    )
    analysis_set: Literal["ITTFL", "SAFFL", "PPROTFL"] = Field(
        default="ITTFL", description="the flag of who is analysed, always in the group of the randomisation"
    )
    censoring: Literal["last contact", "cut-off"] = Field(
        default="last contact",
        description="how long somebody without an event is followed: to the last sign of life, or to the data cut, as if every "
        "event had been reported",
    )
    stratified: bool = Field(
        default=False, description="`true`: patients are compared within the strata of the randomisation"
    )
    covariates: tuple[str, ...] = Field(
        default=(),
        description="variables of `baseline_variables` for which a regression is adjusted; who has no value of one is left out",
    )
    subgroups: bool = Field(
        default=False, description="`true`: shown in each of the protocol's `subgroups` too, as a forest plot"
    )
    model: RepeatedMeasures | None = Field(
        default=None, description="mixed model for repeated measures; left out where there is none"
    )
    hierarchy: tuple[Rank, ...] = Field(
        default=(), description="outcomes in order of importance, by which patients are compared pair by pair"
    )

    @model_validator(mode="before")
    @classmethod
    def _its_kind_names_the_chapter(cls, content: Any) -> Any:
        if isinstance(content, dict) and content.get("kind") in [*USES] and not content.get("chapter"):
            return {**content, "chapter": USES[content["kind"]].chapter}
        return content

    @model_validator(mode="after")
    def _has_what_its_kind_takes(self) -> Self:
        if self.kind is None:
            own = [kind for kind, use in USES.items() if use.chapter == self.chapter]
            if own or not self.chapter:
                rule = (
                    f"must be given to an analysis of chapter {self.chapter}"
                    if own
                    else "must be given, or a chapter of your own"
                )
                raise MisfitError([Misfit(("kind",), rule, None, f"Choose one of {', '.join(own or USES)}.")])
            return self
        use, misfits = USES[self.kind], []
        if self.chapter != use.chapter:
            rule = f"must be {use.chapter}, which reports the kind {self.kind}"
            misfits.append(Misfit(("chapter",), rule, self.chapter, "Leave it out."))
        for key in _SPECIFIC:
            given = getattr(self, key) != type(self).model_fields[key].get_default(call_default_factory=True)
            if key in use.needed and not given:
                misfits.append(
                    Misfit((key,), f"must be given to an analysis of kind {self.kind}", None, "Give it.")
                )
            elif given and key not in (*use.needed, *use.taken):
                rule = f"must be left out: an analysis of kind {self.kind} makes nothing of it"
                misfits.append(Misfit((key,), rule, None, "Leave it out."))
        if misfits := [*misfits, *self._unfit_days()]:
            raise MisfitError(misfits)
        return self

    def _unfit_days(self) -> Iterator[Misfit]:
        """Days that are listed twice, or do not say which of them answers; and a title that names a day that does not."""
        days, listed = self.milestones_days, " or ".join(f"{day:g}" for day in self.milestones_days)
        if len(set(days)) < len(days):
            yield Misfit(("milestones_days",), "must name each day once", list(days), "Remove one.")
        elif self.kind == "milestone_test" and len(days) > 1:
            remedy = "Plan another analysis for each of the others."
            yield Misfit(("milestones_days",), "must be one day, that of the tests", list(days), remedy)
        elif self.kind == "milestone" and len(days) > 1 and self.horizon_days is None:
            rule = f"must say which of milestones_days answers: {listed}"
            yield Misfit(("horizon_days",), rule, None, "Add it.")
        elif self.kind == "milestone" and days and self.horizon_days not in (None, *days):
            rule = f"must be among milestones_days: {listed}"
            yield Misfit(("horizon_days",), rule, self.horizon_days, "Correct one of the two.")
        elif self.kind in ("milestone", "milestone_test") and (day := self.day):
            # where the day of randomisation is day 1, day 91 is 90 days after it
            named = [float(number) for number in _DAY.findall(self.title)]
            if named and not {day, day + 1} & {*named}:
                rule = f"must not name another day than {day:g}, of which the analysis is"
                yield Misfit(("title",), rule, self.title, "Correct the title or the day.")

    @property
    def day(self) -> float | None:
        """The day after randomisation that it is of: its horizon, else its first milestone."""
        return self.horizon_days or next(iter(self.milestones_days), None)

    @property
    def days(self) -> tuple[float, ...]:
        """The days of a milestone that are reported: the one that answers, then the others as they are listed."""
        return tuple(sorted(self.milestones_days, key=lambda day: day != self.day))


class AnalysisSet(Assumable):
    """An analysis set: who is in it, and under which arm."""

    flag: Literal["ITTFL", "SAFFL", "PPROTFL"] = Field(
        description="variable of ADSL that says who belongs to it"
    )
    label: Text = Field(description="what tables call it")
    definition: Text = Field(description="who is in it, in words")
    arm: Literal["planned", "actual"] = Field(
        description="whether patients are shown in the planned arm (TRT01P) or that of the treatment received (TRT01A)"
    )
    collected: bool = Field(default=True, description="`false`: the data cannot tell who is in it")
