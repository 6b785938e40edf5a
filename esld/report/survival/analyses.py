"""The planned analyses of times to an event: each is computed for all groups or pair by pair, and handed over."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import nan
from typing import Any

import pandas as pd

from esld.longform import stacked
from esld.methods import made_by
from esld.multiplicity import fixed_sequence, holm
from esld.protocol import Analysis, Kind, Protocol
from esld.report import disclosure, randomised
from esld.report.chapter import Chapter
from esld.report.event import Event, event_of
from esld.report.numbers import significant
from esld.report.planned import title_at
from esld.report.results import Reported, slug
from esld.report.survival import strata, tables
from esld.report.survival_times import (
    STRATUM,
    cox_on_arm,
    curves_by_arm,
    endpoint_times,
    firth_on_arm,
    hazards_on_arm,
    of_arms,
)
from esld.survival import (
    KaplanMeier,
    Milestone,
    exact_logrank,
    exact_rmst,
    logrank,
    milestone,
    rmst,
    rmst_compare,
)

Pair = tuple[str, str]
_RULES = {"holm": holm, "fixed sequence": fixed_sequence}


@dataclass(frozen=True, kw_only=True)
class Analysed:
    """An analysis at work: its times, its event in words, and which arms it holds.

    Attributes
    ----------
    chapter : Chapter
    plan : Analysis
    times : DataFrame
        See :func:`esld.report.survival_times.endpoint_times`.
    event : Event
    arms : tuple of str
        Those in which the analysis has somebody, the control first.
    pairs : tuple of (str, str)
        The control with each other arm; none where arms are not compared.
    """

    chapter: Chapter
    plan: Analysis
    times: pd.DataFrame
    event: Event
    arms: tuple[str, ...]
    pairs: tuple[Pair, ...]

    @property
    def stratified(self) -> bool:
        """Whether it compares within more than one stratum."""
        return len(set(self.times[STRATUM])) > 1

    def hand_over(self, what: str, result: Any, pair: Pair | None = None) -> Reported:
        """Hand over a result of the analysis's endpoint: ``os_km`` where `what` is ``km``."""
        stem = f"{str(self.plan.endpoint).lower()}_{what}"
        name = self.chapter.name_of(stem, self.plan, pair=pair)
        return self.chapter.hand_over(name, result, analysis=self.plan.id)

    def of(self, pair: Sequence[str]) -> dict[str, Any]:
        """Times, events and arms of some groups, as the estimators take them."""
        own = of_arms(self.times, pair)
        return {"time": own["time"], "event": own["event"], "group": own["arm"], "groups": list(pair)}


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was computed of an analysis, for all groups or one pair, and its rows."""

    of: Analysed
    result: Any
    reported: Reported
    pair: Pair | None = None

    @property
    def answers(self) -> bool:
        """Whether it is what its analysis is of, and not another day beside it."""
        return True

    @property
    def title(self) -> str:
        """What a table calls it."""
        return self.of.plan.title

    @property
    def code(self) -> str:
        """What tells it from the others of a table."""
        return self.of.plan.id


def analysed(chapter: Chapter, plan: Analysis) -> Analysed:
    """An analysis with its times."""
    study = chapter.study
    times = endpoint_times(study, plan)
    there = set(times["arm"]) if study.shows_arms else set(study.arms)
    arms = tuple(arm for arm in study.filled if arm in there) if len(times) else ()
    pairs = tuple(pair for pair in study.pairs if set(pair) <= set(arms))
    event = event_of(study, str(plan.endpoint))
    return Analysed(chapter=chapter, plan=plan, times=times, event=event, arms=arms, pairs=pairs)


def compared(chapter: Chapter, kind: Kind) -> list[Analysed]:
    """What :func:`planned` gives, of a kind that compares arms; where none are compared, the error that says why."""
    return planned(chapter, kind) if chapter.pairs else []


def planned(chapter: Chapter, kind: Kind) -> list[Analysed]:
    """The planned analyses of a kind, each followed by its variants; without those whose set holds nobody yet."""
    every = chapter.study.protocol.variants
    plans = [plan for own in chapter.planned(kind) for plan in (own, *every(own))]
    return [own for own in (analysed(chapter, plan) for plan in plans) if own.arms]


@dataclass(frozen=True, kw_only=True)
class AtHorizon(Found):
    """Who is free of the event by a day: all groups, and each comparison."""

    pairs: tuple[tuple[Milestone, Reported], ...]

    @property
    def at(self) -> float:
        """The day."""
        return float(self.result.at)

    @property
    def answers(self) -> bool:
        """Whether that day answers; of several the analysis has one that does."""
        return self.at == self.of.plan.day

    @property
    def suffix(self) -> str:
        """What ends the names of a day that does not answer."""
        return "" if self.answers else f"_{slug(f'{self.at:g}')}"

    @property
    def title(self) -> str:
        """The title of the analysis is of the day that answers; any other day is called by itself."""
        return title_at(self.of.plan, self.at)

    @property
    def code(self) -> str:
        """The id of the analysis, with the day where it does not answer."""
        return f"{self.of.plan.id}{self.suffix}"

    @property
    def block(self) -> tables.Block:
        """Its part of the table."""
        return tables.Block(self.code, self.title, self.result, self.reported, self.pairs)


def at_horizon(chapter: Chapter, *, conf_level: float) -> list[AtHorizon]:
    """Every planned analysis of who is free of the event by a day, and its variants: the day that answers, then the others."""
    return [one for own in planned(chapter, "milestone") for one in _by_day(own, conf_level)]


def _by_day(own: Analysed, conf_level: float) -> list[AtHorizon]:
    """The results are handed over together, and each day holds the rows of its own time alone."""

    def of(arms: Sequence[str]) -> list[Milestone]:
        return [milestone(**own.of(arms), at=at, conf_level=conf_level) for at in own.plan.days]

    def handed_over(results: Sequence[Milestone], pair: Pair | None, *, named: bool) -> list[Reported]:
        frames = [each.to_frame() for each in results]
        if named and pair:
            frames = [frame[frame["group"].eq(f"{pair[1]} - {pair[0]}")] for frame in frames]
        if own.stratified and pair:
            how: dict[str, Any] = {"conf_level": conf_level}
            frames += [strata.milestone_rows(own.times, pair, at=at, **how) for at in own.plan.days]
        rows = own.hand_over("milestone", stacked(frames), pair if named else None).rows
        return [Reported(tuple(r for r in rows if r.time == significant(each.at))) for each in results]

    results = of(own.arms)
    if len(own.pairs) == 1 and len(own.arms) == 2:
        all_rows = handed_over(results, own.pairs[0], named=False)
        compared_ = [[one] for one in zip(results, all_rows, strict=True)]
    else:
        all_rows = handed_over(results, None, named=False)
        twos = [(two, pair) for pair in own.pairs for two in [of(pair)]]
        pairs = [[*zip(two, handed_over(two, pair, named=True), strict=True)] for two, pair in twos]
        compared_ = [[each[place] for each in pairs] for place in range(len(results))]
    return [
        AtHorizon(of=own, result=result, reported=reported, pairs=tuple(each))
        for result, reported, each in zip(results, all_rows, compared_, strict=True)
    ]


def curves(chapter: Chapter, *, conf_level: float) -> list[Found]:
    """The curves of every planned analysis and its variants: a Kaplan–Meier curve by arm."""
    found = []
    for own in planned(chapter, "survival_curve"):
        by_arm: dict[str, KaplanMeier] = curves_by_arm(own.times, own.arms, conf_level=conf_level)
        days = tables.points(chapter.study.protocol, own.plan)
        reported = own.hand_over("km", tables.curve_rows(by_arm, days))
        found.append(Found(of=own, result=by_arm, reported=reported))
    return found


def log_ranks(chapter: Chapter) -> list[Found]:
    """Log-rank tests: of all groups where there are three or more, then of each pair."""
    found = []
    for own in compared(chapter, "log_rank"):
        groups: list[Pair | None] = [None, *own.pairs] if len(own.pairs) > 1 else [*own.pairs]
        for pair in groups:
            arms = pair or own.arms
            within = of_arms(own.times, arms)[STRATUM] if own.stratified else None
            test = logrank(**own.of(arms), strata=within)
            found.append(Found(of=own, result=test, reported=own.hand_over("logrank", test, pair), pair=pair))
    return found


def permutations(chapter: Chapter, *, seed: str) -> list[Found]:
    """Log-rank tests over the allocations of the design, of each pair."""

    def test(own: Analysed, pair: Pair) -> Any:
        within = of_arms(own.times, pair)[STRATUM] if own.stratified else None
        how = {"design": _design(own, pair), "seed": seed, "strata": within}
        return exact_logrank(**own.of(pair), studentised=True, **how)

    return _each_pair(chapter, "permutation", "logrank_exact", test, tables.permutation_rows)


def mean_permutations(chapter: Chapter, *, seed: str) -> list[Found]:
    """Tests of the difference in mean time over the allocations, of each pair, where an analysis has a horizon."""
    found = []
    for own in map(_coarse, compared(chapter, "permutation")):
        tau = own.plan.horizon_days
        for pair in own.pairs if tau else ():
            test = exact_rmst(**own.of(pair), tau=tau or nan, design=_design(own, pair), seed=seed)
            reported = own.hand_over("rmst_exact", tables.permutation_rows(test), pair)
            found.append(Found(of=own, result=test, reported=reported, pair=pair))
    return found


def hazard_ratios(chapter: Chapter, *, conf_level: float) -> list[Found]:
    """Cox models of each pair."""
    return _each_pair(
        chapter, "cox", "cox", lambda own, pair: cox_on_arm(own.times, pair, conf_level=conf_level)
    )


def penalised_ratios(chapter: Chapter, *, conf_level: float) -> list[Found]:
    """Cox models with Firth's penalty of each pair."""
    return _each_pair(
        chapter, "firth", "firth", lambda own, pair: firth_on_arm(own.times, pair, conf_level=conf_level)
    )


def constant_hazards(chapter: Chapter) -> list[Found]:
    """The tests of proportional hazards of every Cox model; of one in strata there is none, and its result is None."""
    found = []
    for own in compared(chapter, "cox"):
        if own.stratified:
            found.append(Found(of=own, result=None, reported=Reported(())))
            continue
        for pair in own.pairs:
            test = hazards_on_arm(own.times, pair)
            sizes = [int(own.times["arm"].eq(arm).sum()) for arm in pair]
            rows = own.hand_over("hazards", tables.hazards_rows(test, sizes), pair)
            found.append(Found(of=own, result=test, reported=rows, pair=pair))
    return found


def means(chapter: Chapter, *, conf_level: float) -> list[Found]:
    """Mean times free of the event up to a day: of each pair, or of the one group."""
    found = []
    for own in map(_coarse, planned(chapter, "rmst")):
        tau = own.plan.horizon_days or nan
        for pair in own.pairs:
            two = rmst_compare(**own.of(pair), tau=tau, conf_level=conf_level)
            frame = two.to_frame()
            if own.stratified:
                more = strata.rmst_rows(own.times, pair, tau=tau, conf_level=conf_level)
                frame = pd.concat([frame, more], ignore_index=True)
            rows = own.hand_over("rmst", frame, pair)
            found.append(Found(of=own, result=two, reported=rows, pair=pair))
        for arm in () if own.pairs else own.arms:
            times = of_arms(own.times, [arm])
            one = rmst(times["time"], times["event"], tau=tau, conf_level=conf_level, group=arm)
            rows = own.hand_over(f"rmst_{arm.lower()}" if len(own.arms) > 1 else "rmst", one)
            found.append(Found(of=own, result=one, reported=rows))
    return found


def _coarse(own: Analysed) -> Analysed:
    """An analysis whose result depends on days, as a public report may know it: the days are those of the drawn curve."""
    rules = own.chapter.study.cut.published
    if rules is None:
        return own
    known = disclosure.points(farthest(own.chapter.study.protocol, str(own.plan.endpoint)), rules.days)
    return replace(own, times=own.times.assign(time=disclosure.in_the_middle(own.times["time"], known)))


def horizon_tests(chapter: Chapter, *, conf_level: float) -> list[Found]:
    """What stands beside the difference at the horizon: tests that are made for few events, of each pair."""

    def test(own: Analysed, pair: Pair) -> Any:
        return milestone(**own.of(pair), at=own.plan.days[0], conf_level=conf_level)

    return _each_pair(chapter, "milestone_test", "milestone_test", test, tables.companion_rows)


def _each_pair(
    chapter: Chapter,
    kind: Kind,
    what: str,
    test: Callable[[Analysed, Pair], Any],
    rows: Callable[[Any], Any] = lambda result: result,
) -> list[Found]:
    """A computation of each pair of every planned analysis of a kind, handed over."""
    found = []
    for own in compared(chapter, kind):
        for pair in own.pairs:
            result = test(own, pair)
            reported = own.hand_over(what, rows(result), pair)
            found.append(Found(of=own, result=result, reported=reported, pair=pair))
    return found


def _design(own: Analysed, pair: Pair) -> Any:
    return randomised.reference_design(own.chapter.study, pair, of_arms(own.times, pair)["USUBJID"])


def farthest(protocol: Protocol, paramcd: str) -> float:
    """The last day after randomisation to which an analysis of an endpoint looks; else that of the primary outcome."""
    own = (a for a in protocol.analyses if a.endpoint == paramcd)
    return (
        max((day for a in own for day in (*a.milestones_days, a.horizon_days or 0)), default=0)
        or protocol.horizon_days
    )


def adjusted(found: Sequence[Found], statistic: str) -> Iterator[tuple[Analysed, Reported]]:
    """The p-values of several comparisons of an analysis that share one error, as the protocol says."""
    for own in dict.fromkeys(each.of.plan.id for each in found):
        each = [one for one in found if one.of.plan.id == own and one.pair]
        first = each[0].of if each else None
        rule = _RULES.get(first.chapter.study.protocol.multiplicity) if first else None
        if first is None or rule is None or len(each) < 2:
            continue
        # without an estimate there is no p-value: the estimate's row has the reason
        rows = [one.reported.find(statistic) or one.reported.rows[0] for one in each]
        values = rule([nan if row.value is None else row.value for row in rows])
        code = first.chapter.study.protocol.multiplicity.replace(" ", "-")
        frame = pd.DataFrame(
            {
                "group": f"{pair[1]} v {pair[0]}", "statistic": "p_value_adjusted", "value": value, "n": row.n,
                "events": row.events, "method": made_by(row.method, code), "reason": row.reason,
            }
            for pair, row, value in zip((one.pair for one in each), rows, values, strict=True) if pair
        )  # fmt: skip
        what = rows[0].result_id.partition(".")[0].split("_")[1]
        yield first, first.hand_over(f"{what}_adjusted", frame)
