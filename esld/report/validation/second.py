"""The main results computed a second time from the analysis data, each beside the report's own."""

from collections.abc import Iterator
from math import isnan, nan
from typing import Any

import pandas as pd

from esld.data.adam.adtte import CUTOFF_SUFFIX
from esld.data.study import Study
from esld.double_programming import ancova, longitudinal
from esld.double_programming import survival as other
from esld.methods import structure_of
from esld.protocol import Analysis, Kind
from esld.reasons import Why
from esld.report.parameters import visit_of
from esld.report.planned import result_name
from esld.report.validation.pair import OF_A_STANDARD_ERROR, SEARCHED, Pair, Rows
from esld.report.words.catalogue import message

KM, RMST, LOGRANK = "lifelines, kaplan-meier", "lifelines, rmst", "lifelines, log-rank"
COX, INCIDENCE = "lifelines, cox-by-efron", "lifelines, aalen-johansen"
FISHER, LS = "scipy, fisher", "scipy, reml-by-bfgs, least-squares"
ANCOVA = "scipy, least-squares, hc3"
STARTS = (
    40  # of a search for the highest maximum, where the first search does not come to the report's LS means
)
_NUMBERS = {
    "ls_mean": "ls_means",
    "ls_mean_difference": "ls_difference",
    "ls_mean_difference_p_value": "ls_difference_p",
}
_Found = Iterator[Pair | None]
_Arms = tuple[str, str]


def every(study: Study, found: Rows) -> _Found:
    """Every number that another program computes too, by the kinds of the planned analyses and their variants."""
    for plan in _plans(study, "milestone"):
        yield from _milestone(study, plan, found)
    for plan in _plans(study, "survival_curve"):
        yield from _curve(study, plan, found)
    for plan in _plans(study, "rmst"):
        yield from _means(study, plan, found)
    for plan in _plans(study, "log_rank", "cox", "milestone_test"):
        for pair in study.pairs:
            yield from _compared(study, plan, found, pair)
    for plan in _plans(study, "cumulative_incidence"):
        yield from _first_events(study, plan, found)
    for plan in _plans(study, "mmrm"):
        yield from _changes(study, plan, found)
    for plan in _plans(study, "ancova"):
        yield from _at_one_visit(study, plan, found)


def _plans(study: Study, *kinds: Kind) -> list[Analysis]:
    """The planned analyses of some kinds, and their variants; of those in strata the models of changes alone."""
    own = [a for a in study.protocol.analyses if a.kind in kinds]
    return [a for a in own if a.kind in ("mmrm", "ancova") or not a.stratified]


def _times(study: Study, plan: Analysis, code: str = "") -> pd.DataFrame:
    """ADTTE of the patients of an analysis, its endpoint and its censoring."""
    name = f"{code or plan.endpoint}{CUTOFF_SUFFIX if plan.censoring == 'cut-off' else ''}"
    members = study.randomised.loc[study.randomised[plan.analysis_set].eq("Y"), "USUBJID"]
    return study.adtte[study.adtte["PARAMCD"].eq(name) & study.adtte["USUBJID"].isin(members)]


def _name(study: Study, what: str, plan: Analysis, pair: _Arms | None = None, code: str = "") -> str:
    stem = f"{str(plan.endpoint).lower()}_{what}" if plan.endpoint else what
    return result_name(study.protocol, stem, plan, code, pair if len(study.pairs) > 1 else None)


def _filled(times: pd.DataFrame, pair: _Arms) -> bool:
    return all(times["ARMCD"].eq(arm).any() for arm in pair)


def _milestone(study: Study, plan: Analysis, found: Rows) -> _Found:
    times = _times(study, plan)
    for at in plan.days:
        yield from _by_day(study, plan, times, at, found)


def _by_day(study: Study, plan: Analysis, times: pd.DataFrame, at: float, found: Rows) -> _Found:
    alive = dict[str, float]()
    for arm in study.arms:
        own = times[times["ARMCD"].eq(arm)]
        if own.empty:
            continue
        alive[arm], *_ = other.survival(own, at=at)
        yield found.pair(
            _name(study, "milestone", plan),
            "survival",
            arm,
            at,
            alive[arm],
            by=KM,
            name="alive",
            of=plan.title,
        )
    for first, second in study.pairs:
        if {first, second} <= alive.keys():
            gap, between = alive[second] - alive[first], f"{second} - {first}"
            name = _name(study, "milestone", plan, (first, second))
            how: dict[str, Any] = {"by": KM, "name": "alive_difference", "of": plan.title}
            yield found.pair(name, "survival_difference", between, at, gap, **how)


def _curve(study: Study, plan: Analysis, found: Rows) -> _Found:
    protocol = study.protocol
    days = plan.milestones_days or protocol.primary.milestones_days or (protocol.horizon_days,)
    times = _times(study, plan)
    for arm in study.arms:
        own = times[times["ARMCD"].eq(arm)]
        if own.empty:
            continue
        _, *limits = other.survival(own, at=days[0])
        for part, limit in zip(("lower", "upper"), limits, strict=True):
            yield found.pair(
                _name(study, "km", plan), "survival", arm, days[0], limit, by=KM, name="curve", part=part,
                unfit=Why.OTHER_NO_LIMITS, of=plan.title,
            )  # fmt: skip


def _means(study: Study, plan: Analysis, found: Rows) -> _Found:
    tau, times = plan.horizon_days or nan, _times(study, plan)
    mean = {
        arm: other.restricted_mean(own, tau=tau)
        for arm in study.arms
        if len(own := times[times["ARMCD"].eq(arm)])
    }
    for pair in study.pairs:
        if not set(pair) <= mean.keys():
            continue
        first, second = pair
        name = _name(study, "rmst", plan, pair)
        for arm in pair:
            yield found.pair(name, "rmst", arm, tau, mean[arm], by=RMST, name="mean", of=plan.title)
        gap, between = mean[second] - mean[first], f"{second} - {first}"
        how: dict[str, Any] = {"by": RMST, "name": "mean_difference", "of": plan.title}
        yield found.pair(name, "rmst_difference", between, tau, gap, **how)


def _compared(study: Study, plan: Analysis, found: Rows, pair: _Arms) -> _Found:
    """A log-rank test, a hazard ratio or Fisher's test of two arms."""
    times, (first, second), of = _times(study, plan), pair, plan.title
    if not _filled(times, pair):
        return
    if plan.kind == "log_rank":
        name, tests = _name(study, "logrank", plan, pair), other.log_rank(times, pair)
        for what, statistic, value in zip(("chisq", "p"), ("chisq", "p_value"), tests, strict=True):
            yield found.pair(name, statistic, "", None, value, by=LOGRANK, name=f"logrank_{what}", of=of)
    elif plan.kind == "cox":
        name, ratio = _name(study, "cox", plan, pair), f"{second} v {first}"
        hazard, lower, upper, p_value = other.hazard_ratio(times, pair)
        for part, value in (("value", hazard), ("lower", lower), ("upper", upper)):
            yield found.pair(
                name, "hazard_ratio", ratio, None, value, by=COX, name="hazard_ratio", part=part,
                relative=SEARCHED, of=of,
            )  # fmt: skip
        yield found.pair(
            name, "hazard_ratio_p_value", ratio, None, p_value, by=COX, name="hazard_ratio_p",
            relative=SEARCHED, of=of,
        )  # fmt: skip
    else:
        at, name = plan.milestones_days[0], _name(study, "milestone_test", plan, pair)
        p_value, between = other.fisher_p(times, pair, at=at), f"{second} - {first}"
        yield found.pair(name, "fisher_p_value", between, at, p_value, by=FISHER, name="fisher_p", of=of)


def _first_events(study: Study, plan: Analysis, found: Rows) -> _Found:
    for code in plan.endpoints:
        had = _prevalent(study, code)
        times = _times(study, plan, code)
        times = times[~times["USUBJID"].isin(had)]
        for arm in study.arms:
            own = times[times["ARMCD"].eq(arm)]
            if own.empty:
                continue
            at = plan.horizon_days or nan
            yield found.pair(
                _name(study, f"first_{code.lower()}", plan, code=code), "incidence", arm, at,
                other.incidence(own, at=at), by=INCIDENCE, name="incidence",
                of=study.protocol.endpoint(code).param, unfit=Why.OTHER_JITTERS,
            )  # fmt: skip


def _prevalent(study: Study, code: str) -> set[str]:
    rule = study.protocol.endpoint(code).prevalent
    if rule is None:
        return set()
    adlb = study.adlb
    from_grade = rule.at_least if rule.worse is None else max(rule.at_least, *rule.worse.grades.values())
    had = adlb["PARAMCD"].eq(rule.paramcd) & adlb["ABLFL"].eq("Y") & adlb["AVAL"].ge(from_grade)
    return set(adlb.loc[had, "USUBJID"])


def _changes(study: Study, plan: Analysis, found: Rows) -> _Found:
    weeks = {float(v.number): float(v.week) for v in study.protocol.schedule.visits}
    members = study.randomised.loc[study.randomised[plan.analysis_set].eq("Y"), "USUBJID"]
    for code in plan.parameters:
        name = _name(study, f"change_{code.lower()}", plan, code=code)
        used = found.rows.get((name, "model_values", "", None))
        fitted = any(
            k[0] == name and k[1] == "ls_mean" and r.value is not None for k, r in found.rows.items()
        )
        if used is None or not fitted:
            continue
        adlb = study.adlb[study.adlb["PARAMCD"].eq(code) & study.adlb["ANL01FL"].eq("Y")]
        adlb = adlb[adlb["CHG"].notna() & adlb["BASE"].notna() & adlb["AVISITN"].isin(weeks)]
        adlb = adlb[adlb["USUBJID"].isin(members)]
        structure = structure_of(used.method)
        own = study.randomised.set_index("USUBJID")
        strata = adlb["USUBJID"].map(own["STRATAR"].fillna("")) if plan.stratified else None
        how: dict[str, Any] = {"structure": structure, "arms": study.arms, "visits": weeks, "strata": strata}
        of = study.protocol.parameter(code).param
        pairs = _of_means(found, name, of, longitudinal.ls_means(adlb, **how))
        if not all(pair.agrees for pair in pairs):  # it may have come to another maximum
            pairs = _of_means(found, name, of, longitudinal.ls_means(adlb, **how, starts=STARTS))
        yield from pairs


def _of_means(found: Rows, name: str, of: str, means: pd.DataFrame) -> list[Pair]:
    """LS means of one parameter by arm and visit; of those that have a standard error."""
    pairs = []
    for arm, visit, mean in zip(means["group"], means["time"], means["value"], strict=True):
        pair = found.pair(
            name, "ls_mean", arm, visit, mean, by=LS, name="ls_means", of=of, unfit=Why.OTHER_NO_MAXIMUM
        )
        error = found.rows.get((name, "ls_mean_std_err", arm, visit))
        if pair is not None and error is not None and error.value is not None:
            pairs.append(Pair(**vars(pair) | {"allowed": OF_A_STANDARD_ERROR * error.value}))
    return pairs


def _at_one_visit(study: Study, plan: Analysis, found: Rows) -> _Found:
    """Changes at the visit of an analysis: the arms' means, and where arms are compared the differences, limits and p-values."""
    own = study.randomised[study.randomised[plan.analysis_set].eq("Y")].set_index("USUBJID")
    visit = visit_of(study, plan).number
    for code in plan.parameters:
        name = _name(study, f"adjusted_{code.lower()}", plan, code=code)
        adlb = study.adlb[study.adlb["PARAMCD"].eq(code) & study.adlb["ANL01FL"].eq("Y")]
        adlb = adlb[adlb["AVISITN"].eq(visit) & adlb["CHG"].notna() & adlb["BASE"].notna()]
        adlb = adlb[adlb["USUBJID"].isin(own.index)]
        strata = adlb["USUBJID"].map(own["STRATAR"].fillna("")) if plan.stratified else None
        arms = study.arms if study.compares else study.filled
        label = study.protocol.parameter(code).param
        of = (
            plan.title
            if len(plan.parameters) == 1
            else message("double.of", title=plan.title, parameter=label)
        )
        for row in ancova.adjusted(adlb, arms=arms, strata=strata).to_dict("records"):
            for part in (
                ("value", "lower", "upper") if row["statistic"] == "ls_mean_difference" else ("value",)
            ):
                pair = found.pair(
                    name, row["statistic"], row["group"], None, row[part], by=ANCOVA,
                    name=_NUMBERS[row["statistic"]], part=part, of=of,
                )  # fmt: skip
                yield pair if pair and not isnan(pair.first) else None
