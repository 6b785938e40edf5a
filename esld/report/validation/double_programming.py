"""The report's main results beside the same results of other programs: see :mod:`esld.double_programming`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan, nan

import pandas as pd

from esld.data.study import Study
from esld.double_programming import longitudinal
from esld.double_programming import survival as other
from esld.errors import RunError
from esld.methods import structure_of
from esld.reasons import Reason, Why, because
from esld.report import cells, numbers
from esld.report.cells import Cell, Label, Number
from esld.report.difference import result_name
from esld.report.phrases import Sentence, method_words, whole, worded
from esld.report.planned import result_name as name_of
from esld.report.results import Reported, Row, slug
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message

CLOSED_FORM = 1e-8  # relative; the report keeps 12 significant digits
SEARCHED = 1e-5  # relative: two searches of one maximum
OF_A_STANDARD_ERROR = 5e-3  # how far two searches may leave an LS mean apart, where the likelihood is flat
KM, RMST, LOGRANK = "lifelines, kaplan-meier", "lifelines, rmst", "lifelines, log-rank"
COX, INCIDENCE = "lifelines, cox-by-efron", "lifelines, aalen-johansen"
FISHER, LS = "scipy, fisher", "scipy, reml-by-bfgs, least-squares"


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One number of the report, and the same by another program.

    Attributes
    ----------
    name : str
        What it is, as a code: the entry ``double.number.<name>`` says it.
    row : Row
        The row of the report.
    part : {"value", "lower", "upper"}
        Which of its numbers.
    second : float
        The other program's; NaN where it has none.
    allowed : float
        The largest difference that is agreement, in the unit of the number.
    by : str
        The other program.
    unfit : Reason or None
        Why it has no number although there is one; None if it has, or there is none.
    of : str
        The protocol's label of what is measured, where there is more than one.
    """

    name: str
    row: Row
    part: str
    second: float
    allowed: float
    by: str
    unfit: Reason | None = None
    of: str = ""

    @property
    def first(self) -> float:
        """The report's number, NaN where it has none."""
        value = getattr(self.row, self.part)
        return nan if value is None else float(value)

    @property
    def gap(self) -> float:
        """The distance of the two; NaN where a number is missing."""
        return abs(self.first - self.second)

    @property
    def compared(self) -> bool:
        """Whether both programs were asked; that neither gives a number is agreement too."""
        return not self.unfit

    @property
    def agrees(self) -> bool:
        """Whether the two differ by no more than is allowed."""
        if not self.compared or (isnan(self.first) and isnan(self.second)):
            return True
        return self.gap <= self.allowed


def pairs(study: Study, reported: Reported) -> list[Pair]:
    """The main results of a report, each with its second computation.

    Parameters
    ----------
    study : Study
        The cut; only its protocol and its analysis data ADTTE and ADLB are read.
    reported : Reported
        What the chapters handed over. A result of a chapter that the report does not hold is left out.

    Returns
    -------
    list of Pair
        Alive at the primary horizon by arm with limits, the difference, log-rank, Cox, restricted means, Fisher's test where
        everybody's state is known, cumulative incidence of each first event, and every LS mean.
    """
    found = _Rows(reported, study)
    made = [*_survival(study, found), *_first_events(study, found), *_changes(study, found)]
    return [pair for pair in made if pair is not None]


def require_agreement(compared: Sequence[Pair]) -> None:
    """Stop the run where a number of the report is not the other program's.

    Raises
    ------
    esld.errors.RunError
        Names the result, both numbers and what is allowed.
    """
    apart = [pair for pair in compared if not pair.agrees]
    if apart:
        worst = apart[0]
        more = f", and {len(apart) - 1} more" if len(apart) > 1 else ""
        raise RunError(
            f"double programming: {worst.row.result_id} ({worst.part}) is {worst.first:.12g} here and {worst.second:.12g} by "
            f"{worst.by}; allowed is a difference of {worst.allowed:.1g}{more}."
        )


class _Rows:
    """Rows found by the name of the result, statistic, arm and time."""

    def __init__(self, reported: Reported, study: Study) -> None:
        self.rows = {(result_name(r), r.statistic, r.arm, r.time): r for r in reported.rows}
        self.names = {name for name, *_ in self.rows}
        # The other programs are asked for 95 %; a chapter that was given another level has other limits.
        self.other_level = {
            c for c, own in study.cut.parameters.items() if own.get("conf_level", 0.95) != 0.95
        }

    def pair(
        self,
        result: str,
        statistic: str,
        arm: str,
        time: float | None,
        second: float,
        *,
        by: str,
        name: str,
        part: str = "value",
        relative: float = CLOSED_FORM,
        unfit: Why | None = None,
        of: str = "",
    ) -> Pair | None:
        """The report's number and `second`.

        None if the report has no such row, nor the other program such a number; and of a limit where the chapter's level
        is not 95 %.
        """
        row = self.rows.get((result, statistic, arm, numbers.significant(time)))
        if row is None:
            if result not in self.names or isnan(second):
                return None
            raise RunError(
                f"double programming: {by} has {result}.{statistic} of {arm or 'all'}, the report has not."
            )
        if part != "value" and row.chapter in self.other_level:
            return None
        ours = getattr(row, part)
        return Pair(
            name=name if part == "value" else f"{name}.{part}", of=of, row=row, part=part, second=second, by=by,
            allowed=max(relative * abs(ours or 0.0), 1e-12),
            unfit=because(unfit) if unfit and isnan(second) and ours is not None else None,
        )  # fmt: skip


def _survival(study: Study, found: _Rows) -> Iterator[Pair | None]:
    plan, arms = study.protocol, study.arms
    if not plan.primary.milestones_days:
        return  # a trial that plans other things is computed twice in what it shares
    horizon = plan.primary.milestones_days[0]
    tau = next((a.horizon_days or nan for a in plan.analyses if a.id == "OS-RMST"), nan)
    os = study.adtte[study.adtte["PARAMCD"].eq(str(plan.primary.endpoint))]
    alive, mean = {}, {}
    for arm in arms:
        times = os[os["ARMCD"].eq(arm)]
        alive[arm], *limits = other.survival(times, at=horizon)
        yield found.pair("os_milestone", "survival", arm, horizon, alive[arm], by=KM, name="alive")
        for part, limit in zip(("lower", "upper"), limits, strict=True):
            yield found.pair(
                "os_km",
                "survival",
                arm,
                horizon,
                limit,
                by=KM,
                name="curve",
                part=part,
                unfit=Why.OTHER_NO_LIMITS,
            )
        mean[arm] = nan if isnan(tau) else other.restricted_mean(times, tau=tau)
        yield found.pair("os_rmst", "rmst", arm, tau, mean[arm], by=RMST, name="mean")
    if len(arms) != 2 or not all(os["ARMCD"].eq(arm).any() for arm in arms):
        return
    between, ratio = f"{arms[1]} - {arms[0]}", f"{arms[1]} v {arms[0]}"
    gap = alive[arms[1]] - alive[arms[0]]
    name = "alive_difference"
    yield found.pair("os_milestone", "survival_difference", between, horizon, gap, by=KM, name=name)
    gap = mean[arms[1]] - mean[arms[0]]
    name = "mean_difference"
    yield found.pair("os_rmst", "rmst_difference", between, tau, gap, by=RMST, name=name)
    chisq, p_value = other.log_rank(os, arms)
    yield found.pair("os_logrank", "chisq", "", None, chisq, by=LOGRANK, name="logrank_chisq")
    yield found.pair("os_logrank", "p_value", "", None, p_value, by=LOGRANK, name="logrank_p")
    hazard, lower, upper, p_value = other.hazard_ratio(os, arms)
    yield found.pair(
        "os_cox", "hazard_ratio", ratio, None, hazard, by=COX, relative=SEARCHED, name="hazard_ratio"
    )
    for part, limit in (("lower", lower), ("upper", upper)):
        yield found.pair(
            "os_cox",
            "hazard_ratio",
            ratio,
            None,
            limit,
            by=COX,
            name="hazard_ratio",
            part=part,
            relative=SEARCHED,
        )
    name = "hazard_ratio_p"
    yield found.pair(
        "os_cox", "hazard_ratio_p_value", ratio, None, p_value, by=COX, relative=SEARCHED, name=name
    )
    p_value = other.fisher_p(os, arms, at=horizon)
    yield found.pair(
        "os_milestone_test", "fisher_p_value", between, horizon, p_value, by=FISHER, name="fisher_p"
    )


def _first_events(study: Study, found: _Rows) -> Iterator[Pair | None]:
    plan = study.protocol
    analyses = [a for a in plan.analyses if a.id == "DECOMP"]
    for analysis in analyses:
        for code in analysis.endpoints:
            had = _prevalent(study, code)
            rows = study.adtte[study.adtte["PARAMCD"].eq(code) & ~study.adtte["USUBJID"].isin(had)]
            for arm in study.arms:
                own = rows[rows["ARMCD"].eq(arm)]
                if own.empty:
                    continue
                at = analysis.horizon_days or nan
                value = other.incidence(own, at=at)
                yield found.pair(
                    f"first_{code.lower()}",
                    "incidence",
                    arm,
                    at,
                    value,
                    by=INCIDENCE,
                    name="incidence",
                    of=plan.endpoint(code).param,
                    unfit=Why.OTHER_JITTERS,
                )


def _prevalent(study: Study, code: str) -> set[str]:
    rule = study.protocol.endpoint(code).prevalent
    if rule is None:
        return set()
    adlb = study.adlb
    had = adlb["PARAMCD"].eq(rule.paramcd) & adlb["ABLFL"].eq("Y") & adlb["AVAL"].ge(rule.at_least)
    return set(adlb.loc[had, "USUBJID"])


def _changes(study: Study, found: _Rows) -> Iterator[Pair | None]:
    weeks = {float(v.number): float(v.week) for v in study.protocol.schedule.visits}
    for analysis in study.protocol.analyses:
        for code in analysis.parameters if analysis.kind == "mmrm" else ():
            name = name_of(study.protocol, f"change_{code.lower()}", analysis, code)
            used = found.rows.get((name, "model_values", "", None))
            fitted = any(
                k[0] == name and k[1] == "ls_mean" and r.value is not None for k, r in found.rows.items()
            )
            if used is None or not fitted:
                continue
            adlb = study.adlb[study.adlb["PARAMCD"].eq(code) & study.adlb["ANL01FL"].eq("Y")]
            own = study.randomised[study.randomised[analysis.analysis_set].eq("Y")].set_index("USUBJID")
            adlb = adlb[adlb["USUBJID"].isin(own.index)]
            strata = adlb["USUBJID"].map(own["STRATAR"].fillna("")) if analysis.stratified else None
            adlb = adlb[adlb["CHG"].notna() & adlb["BASE"].notna() & adlb["AVISITN"].isin(weeks)]
            structure = structure_of(used.method)
            means = longitudinal.ls_means(
                adlb, structure=structure, arms=study.arms, visits=weeks, strata=strata
            )
            for arm, visit, mean in zip(means["group"], means["time"], means["value"], strict=True):
                label = study.protocol.parameter(code).param
                pair = found.pair(
                    name,
                    "ls_mean",
                    arm,
                    visit,
                    mean,
                    by=LS,
                    name="ls_means",
                    of=label,
                    unfit=Why.OTHER_NO_MAXIMUM,
                )
                error = found.rows.get((name, "ls_mean_std_err", arm, visit))
                if pair is None or error is None or error.value is None:
                    continue
                yield Pair(**vars(pair) | {"allowed": OF_A_STANDARD_ERROR * error.value})


def pair_rows(compared: Sequence[Pair]) -> pd.DataFrame:
    """What the other programs found, in long form, and how many numbers were compared, left out and apart."""
    rows = [
        {
            "group": pair.row.arm, "time": pair.row.time, "value": pair.second, "unit": pair.row.unit, "method": pair.by,
            "statistic": slug(f"{result_name(pair.row)} {pair.row.statistic} {pair.part}"), "n": pair.row.n,
            "reason": pair.unfit or (because(Why.NEITHER_PROGRAM) if isnan(pair.second) else None),
        }
        for pair in compared
    ]  # fmt: skip
    counts = {
        "numbers_compared": sum(pair.compared for pair in compared),
        "numbers_not_compared": sum(not pair.compared for pair in compared),
        "numbers_apart": sum(not pair.agrees for pair in compared),
    }
    totals = [
        {"statistic": name, "value": value, "unit": "numbers", "method": "count"}
        for name, value in counts.items()
    ]
    return pd.DataFrame([*rows, *totals])


def pair_table(compared: Sequence[Pair]) -> Table | Sentence:
    """Both numbers side by side with their distance; the LS means of a parameter as one line with the largest distance."""
    if not compared:
        return Sentence(message("double.none"))
    lines = [_line(pair) for pair in compared if pair.row.statistic != "ls_mean"]
    means: dict[str, list[Pair]] = {}
    for pair in (p for p in compared if p.row.statistic == "ls_mean"):
        means.setdefault(result_name(pair.row), []).append(pair)
    for own in means.values():
        worst = max(own, key=lambda p: -1.0 if isnan(p.gap) else p.gap / p.allowed)
        lines.append(_line(worst, len(own)))
    allowed = {"formula": CLOSED_FORM, "fit": SEARCHED, "mean": OF_A_STANDARD_ERROR}
    unfit = (message("double.note.unfit", reason=worded(pair.unfit)) for pair in compared if pair.unfit)
    footnotes = (
        message("double.note.means"),
        message("double.note.allowed", **{name: numbers.power(gap) for name, gap in allowed.items()}),
        message("double.note.once"),
        *dict.fromkeys(unfit),
    )
    return Table("double_programming", message("double.title"), lines, footnotes=footnotes)


def _line(pair: Pair, count: int = 1) -> dict[str, Cell]:
    gap: Cell = Number(pair.gap, style="power")
    if not pair.compared or isnan(pair.gap):
        why = "neither" if pair.compared else "unfit"
        gap = Label(message(f"double.{why}"), why)
    said = message(f"double.number.{pair.name}", of=pair.of, count=count)
    return {
        "result": Label(said, f"{pair.row.result_id}.{pair.part}"), "group": _groups(pair.row.arm),
        "this_report": Number(pair.first, 6, "digits", pair.row.result_id), "other_program": Number(pair.second, 6, "digits"),
        "difference": gap, "allowed": Number(pair.allowed, style="power"), "computed_by": Label(method_words(pair.by), pair.by),
    }  # fmt: skip


def _groups(arm: str) -> Label:
    """An arm, or two that are compared."""
    for sign, key in ((" - ", "double.difference"), (" v ", "double.ratio")):
        second, found, first = arm.partition(sign)
        if found:
            return Label(message(key, second=arm_label(second), first=arm_label(first)), arm)
    return cells.arm(arm)


def pair_sentence(rows: Reported) -> str:
    """How many numbers of this report two programs agree on."""
    compared, left = rows.row("numbers_compared"), rows.row("numbers_not_compared")
    said = message("double", count=compared.value, compared=whole(compared))
    if left.value:
        said += " " + message("double.left", count=left.value, left=whole(left))
    return said
