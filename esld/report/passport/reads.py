"""What a result reads of the analysis data: declared by the name under which it was handed over, and never too little.

A result whose name is not known here, or is known only in part, reads everything. The declarations are tried by deletion:
``tests/report/passport``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from esld.data.study import Study
from esld.protocol import Analysis
from esld.report.known import watched
from esld.report.planned import subjects
from esld.report.results import Row, named, slug

# Facts of ADSL beyond who was randomised, when and to which arm: the columns that say them.
FACTS: Mapping[str, tuple[str, ...]] = {
    "in_safety": ("SAFFL", "ACTARMCD"),
    "treated": ("SAFFL", "ACTARMCD", "TRTSDT", "TRTEDT", "NADMIN", "TRTDURD"),
    "died": ("DTHFL", "DTHDT"),
    "followed": ("LSTALVDT",),
    "transplanted": ("TRPLDT",),
    "status": ("EOSSTT",),
    "ended": ("EOSSTT", "EOSDT", "DCSREAS"),
    "per_protocol": ("PPROTFL",),
    "weighed": ("WEIGHTBL",),
}
MEMBERS = ("RANDFL", "ITTFL", "ARMCD", "RANDDT", "AGE", "SEX")
_COURSE = ("treated", "died", "followed", "transplanted")
_OBSERVED = ("died", "followed", "transplanted")
_EVENTS = (*_COURSE, "events", "AE")
_BELIEF = (
    "",
    "_counts",
    "_rule",
    "_sceptics",
    "_unknown",
    "_hazards",
)  # what follows in its names, but for a prior's
# By the name of a result, or by that and its statistic where this reads less, what it reads: facts; `times`, `values`, `episodes`
# of the endpoints and parameters that its name or its analysis names, `primary` the time by which follow-up is judged; `events`
# of ADAE, `kind` of these only who had one of the kind of the statistic, `fatal` what the dead died of; two letters are
# a domain that is read itself; `arm`: of one arm it reads that arm alone; `curve`: of a time without the event only which events
# came before it; `state`: of a time only whether its end is known by the day; `shown`: that nobody of an arm has something is
# told where somebody of another has; `whole`: everything; `nothing`: no record of a patient.
_READS: Mapping[str, tuple[str, ...]] = {
    "flow": (*_COURSE, "ended", "screened", "DM", "DS", "IE", "times"),
    "flow.randomised": ("arm",),
    "flow.partial": (*_COURSE, "ended", "AE", "DS", "arm", "shown"),
    "flow.safety": ("in_safety", "arm"),
    "flow.untreated": ("in_safety", "arm"),
    "follow_up": ("times", *_OBSERVED),
    "follow_up.complete": ("primary", "state"),
    "follow_up_by_arm": ("times", *_OBSERVED, "arm"),
    "follow_up_by_arm.complete": ("primary", "state", "arm"),
    "entry": (),
    "ledger": ("treated",),
    "balance": ("variable",),
    "balance_levels": ("variable",),
    "places": (),
    "designs": (),
    "guessed": (),
    "groups": ("arm",),
    "baseline": ("variable", "arm", "shown"),
    "differences": ("variable",),
    "milestone": ("times", "curve", "arm"),
    "milestone_unwidened": ("times", "curve"),
    "milestone_test": ("times", "curve"),
    "milestone_beside": ("times", "curve", "arm", "shown"),
    "logrank": ("times", "curve"),
    "logrank_exact": ("times", "curve"),
    "rmst": ("times", "curve", "arm"),
    "rmst_exact": ("times", "curve"),
    "cox": ("times", "curve"),
    "firth": ("times", "curve"),
    "hazards": ("times", "curve"),
    "km": ("times", "curve", "arm"),
    "beyond": ("times", "arm"),
    "power": (),
    "after_transplant": ("values", "every", "transplanted"),
    "near_rescue": ("values", "every", "rescued"),
    "change": ("values",),
    "adjusted": ("values",),
    "ranked": ("values", *_OBSERVED),
    "response": ("values", *_OBSERVED),
    "pairs": ("times", "values", "episodes", *_OBSERVED),
    "standardised": ("values",),
    "child_pugh_shift": ("values", *_OBSERVED),
    "first": ("times", "arm"),
    "any_event": ("times", *_COURSE),
    "any_incidence": ("times", "arm"),
    "episodes": ("episodes", "times", *_OBSERVED),
    "safety_set": ("treated", "arm"),
    "adverse_events": (*_EVENTS, "CE", "EX", "DS", "arm"),
    **{f"adverse_events.{kind}": ("in_safety", "events", "kind", "arm") for kind in ("any", "serious", "soon")},
    "adverse_event_terms": _EVENTS,
    "adverse_event_dots": _EVENTS,
    "adverse_events_over_time": _EVENTS,
    "relation": _EVENTS,
    "reactions": (*_EVENTS, "EX"),
    "events_after_administration": (*_EVENTS, "CE", "EX"),
    "exposure": (*_COURSE, "weighed", "EX", "arm"),
    "lots": (*_EVENTS, "EX"),
    "temperature": ("treated", "VS", "EX", "arm"),
    "vital_signs": ("treated", "VS", "EX"),
    "concomitant": (*_COURSE, "CM", "PR"),
    "deaths": (*_COURSE, "arm"),
    "causes_of_death": ("died", "events", "fatal"),
    "laboratory_grades": ("values", "every", *_COURSE),
    "laboratory_multiples": ("values", "every", *_COURSE),
    "liver_injury": ("values", "every", *_COURSE),
    "courses": (*_OBSERVED, "ended", "DS", "arm"),
    "courses.completed": ("died", "transplanted", "status", "arm"),
    "courses.death": ("died", "arm"),
    "courses.transplant": ("died", "transplanted", "arm"),
    "courses.lost": ("died", "transplanted", "status", "arm"),
    "patients": ("whole", "subject"),
    "narratives": ("whole", "subject"),
    "planned_grid": ("nothing",),
    "planned_sizes": ("nothing",),
    "assumed_trials": ("nothing",),
    "schemes": ("nothing",),
    "could_find": ("primary", "curve"),
    **{f"{own}belief{what}": ("times",) for own in ("", "unplanned_") for what in _BELIEF},
    **{f"{own}belief.prior_chance_better": ("nothing",) for own in ("", "unplanned_")},
    "validation": ("nothing",),
    "coverage": ("nothing",),
}  # fmt: skip

_OF_EVERY_ARM = (
    "proportion_best_case",
    "proportion_worst_case",
)  # there if in any arm somebody's state is not known


@dataclass(frozen=True)
class Reading:
    """What of a cut a result reads.

    Attributes
    ----------
    who : frozenset of str
        ``USUBJID`` of the patients.
    stem : str
        The name under which that is declared, with the statistic where that is declared by itself; empty where it is not.
    facts : tuple of str
        Keys of :data:`FACTS`.
    times, measures, episodes : tuple of str
        ``PARAMCD`` of ADTTE, of ADLB and of ADCE.
    baseline : bool
        Whether of the measures the values at baseline alone.
    there : bool
        Whether of these only if there is one.
    every : bool
        Whether of the measures those values too that are not analysed (``ANL01FL``), with their ranges.
    events : bool
        Whether ADAE.
    kind : str
        Of the events only who had one of this kind, of ``fatal`` ones their terms; empty where all of them are read.
    domains : tuple of str
        SDTM tables that are read themselves.
    rescued : bool
        Whether the records of rescue treatments.
    curve : bool
        Whether a time without the event counts only by the events that came before its end.
    state : bool
        Whether of a time only if it ended with an event, or was followed to the day.
    until : float, optional
        Day after which no time is read.
    whole : bool
        Whether everything of these patients; then the rest does not matter.
    """

    who: frozenset[str]
    stem: str = field(default="", compare=False)
    facts: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    episodes: tuple[str, ...] = ()
    baseline: bool = False
    there: bool = False
    every: bool = False
    events: bool = False
    kind: str = ""
    domains: tuple[str, ...] = ()
    rescued: bool = False
    curve: bool = False
    state: bool = False
    until: float | None = None
    whole: bool = False


class Readings:
    """What the results of a cut read."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self._analyses = {analysis.id: analysis for analysis in study.protocol.analyses}
        self._of_arms = {arm: self._in_arm(arm) for arm in study.arms}
        self._declared: dict[tuple[str, str, str], Reading] = {}
        self._known = frozenset(study.adsl["USUBJID"])
        self._dead = frozenset(study.adsl.loc[study.adsl["DTHDT"].notna(), "USUBJID"])
        self._measured = {p.paramcd for p in study.protocol.parameters}

    def of(self, row: Row) -> Reading:
        """What a result reads; everything, where its name does not say."""
        arm = row.arm
        key = (named(row), row.analysis_id, row.statistic)
        if key not in self._declared:
            self._declared[key] = self._of_name(*key)
        own = self._declared[key]
        reads = _READS.get(own.stem, ())
        if "subject" in reads:
            found = [who for who in self._known if arm and (who == arm or who.endswith(f"-{arm}"))]
            return replace(own, who=frozenset(found)) if len(found) == 1 else own
        if "variable" in reads:
            own = self._of_variable(row, own)
        if "fatal" in reads:
            own = replace(own, who=own.who & self._dead)
        told_for_others = row.statistic in _OF_EVERY_ARM or ("shown" in reads and row.value == 0)
        alone = "arm" in reads and not told_for_others
        if alone and arm in self.study.arms and self.study.shows_arms:
            own = replace(own, who=self._of_arms[arm])
        return replace(own, until=row.time) if (own.curve or own.state) and own.stem != "hazards" else own

    def _of_name(self, name: str, analysis: str, statistic: str) -> Reading:
        plan = self._analyses.get(analysis)
        stem, codes = self._parsed(name, plan)
        stem = finer if (finer := f"{stem}.{statistic.partition(':')[0]}") in _READS else stem
        reads = _READS.get(stem, ("whole",))
        own = next((p.paramcd for p in self.study.protocol.parameters if slug(p.paramcd) == statistic), "")
        if own and plan and plan.kind:  # of one of several models side by side
            codes = (own,)
            plan = next((a for a in self.study.protocol.of_kind(plan.kind) if own in subjects(a)), plan)
        if "primary" in reads:
            code = watched(self.study.protocol)
            reads, codes = (*reads, *(["times"] if code else _OBSERVED)), (code,)
        if "nothing" in reads:
            return Reading(frozenset(), stem)
        if "whole" in reads:
            return Reading(self._known, stem, whole=True)
        times, values, episodes = self._codes(reads, codes, plan)
        of_set = {"SAFFL": "in_safety", "PPROTFL": "per_protocol"}.get(plan.analysis_set if plan else "", "")
        return Reading(
            self._known if "screened" in reads else frozenset(self.study.randomised["USUBJID"]),
            stem,
            facts=tuple(fact for fact in FACTS if fact in reads or fact == of_set),
            times=times,
            measures=self._with_covariates(values, plan),
            episodes=episodes,
            baseline="values" not in reads,
            every="every" in reads,
            events="events" in reads,
            kind="fatal" if "fatal" in reads else statistic if "kind" in reads else "",
            domains=tuple(name for name in self.study.tables if name in reads),
            rescued="rescued" in reads,
            curve="curve" in reads,
            state="state" in reads,
        )

    def _parsed(self, name: str, plan: Analysis | None) -> tuple[str, tuple[str, ...]]:
        """The stem of a name, and the codes of endpoints and parameters in it; no stem where anything else is left of it."""
        protocol = self.study.protocol
        found = [stem for stem in _READS if f"_{stem}_" in f"_{name}_"]
        if not found:
            return "", ()
        stem = max(found, key=len)
        left = f"_{name}_".replace(f"_{stem}_", "_", 1)
        if plan:
            left = left.replace(f"_{slug(plan.id)}_", "_", 1)
        every = [*(e.paramcd for e in protocol.endpoints), *(p.paramcd for p in protocol.parameters)]
        codes = tuple(code for code in every if f"_{slug(code)}_" in left)
        priors = [prior.name for prior in protocol.belief.priors] if protocol.belief else []
        for part in (*codes, *self.study.arms, *priors):
            left = left.replace(f"_{slug(part)}_", "_", 1)
        return (stem, codes) if left == "_" else ("", ())

    def _codes(
        self, reads: Iterable[str], codes: tuple[str, ...], plan: Analysis | None
    ) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """``PARAMCD`` of ADTTE, ADLB and ADCE: those that the name says, else those of the analysis, else all."""
        protocol, of_plan = self.study.protocol, set(subjects(plan)) if plan else set()
        for step in plan.hierarchy if plan else ():
            of_plan |= {*filter(None, (step.endpoint, step.parameter)), *step.endpoints}
        ends, measures = [e.paramcd for e in protocol.endpoints], [p.paramcd for p in protocol.parameters]
        own = {*codes, *filter(None, [plan.endpoint if plan else None])}
        times, values = ({*own} & {*every} or of_plan & {*every} or {*every} for every in (ends, measures))
        recurrent = {e.paramcd for e in protocol.endpoints if e.recurrent}
        return (
            tuple(code for code in ends if code in times and "times" in reads),
            tuple(code for code in measures if (code in values or "every" in reads) and "values" in reads),
            tuple(code for code in ends if code in times & recurrent and "episodes" in reads),
        )

    def _with_covariates(self, values: tuple[str, ...], plan: Analysis | None) -> tuple[str, ...]:
        """With the parameters for whose baseline a regression is adjusted, and by which the randomisation was stratified."""
        strata = [factor.variable for factor in self.study.protocol.strata]
        own = [
            "CPSCORE" if name == "CPCLASS" else name for name in (*(plan.covariates if plan else ()), *strata)
        ]
        return tuple(dict.fromkeys([*values, *(name for name in own if name in self._measured)]))

    def _in_arm(self, arm: str) -> frozenset[str]:
        """The patients of an arm, as randomised or as treated."""
        adsl = self.study.randomised
        return frozenset(adsl.loc[adsl["ARMCD"].eq(arm) | adsl["ACTARMCD"].eq(arm), "USUBJID"])

    def _of_variable(self, row: Row, own: Reading) -> Reading:
        """What a baseline variable reads, which the first word of the statistic names."""
        name = row.statistic.split(" ")[0]
        code = "CPSCORE" if name == "CPCLASS" else name
        if name in ("AGE", "SEX"):
            return own
        if name in ("WEIGHTBL", "BMI"):
            return replace(own, facts=("treated", "weighed"), domains=("VS",))
        if code in self._measured:
            missing = row.statistic == f"{name} missing"
            return replace(own, measures=tuple(dict.fromkeys([code, *own.measures])), there=missing)
        return replace(own, whole=True)
