"""One visit by itself: covariance-adjusted change, and ranks in which the dead come last, beside the mixed model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import nan

import numpy as np
import pandas as pd

from esld.data.study import Study
from esld.longitudinal.ancova import ancova
from esld.longitudinal.worst_rank import worst_rank
from esld.protocol import Parameter, Visit
from esld.randomisation import Design, LinearStatistic, randomisation_test
from esld.reasons import Reason
from esld.report import needs, numbers
from esld.report.cells import Cell, Empty, Label, NotEstimable, Number, estimate, number
from esld.report.change.repeated import difference_label
from esld.report.parameters import analysed
from esld.report.phrases import Sentence, method_words, notes_of, p_equals, prose, span, whole, worded
from esld.report.results import Reported, Row
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import arm_in_prose, in_prose, joined, of_group

RESIDUALS, RANKS = "residual-sum", "centred-rank-sum"  # steps of the method: of the second arm
RANDOMISATION_P = "randomisation_p_value"


@dataclass(frozen=True, eq=False)
class AtVisit:
    """The randomised in the order of the design, with what one visit says of one parameter.

    Attributes
    ----------
    frame : DataFrame
        A row a patient: ``USUBJID ARMCD BASE CHG death transplant``; the last two in days from randomisation, of those who
        died or were transplanted before the visit could be made.
    parameter : Parameter
    """

    frame: pd.DataFrame
    parameter: Parameter


def at_visit(study: Study, parameter: Parameter, visit: Visit, entered: pd.DataFrame) -> AtVisit:
    """Change at the visit, death and transplantation of everybody.

    A death counts up to the last day of the visit's window, unless a value at the visit shows that the patient lived to make
    it. So does a transplantation.
    """
    rows = analysed(study, parameter.paramcd)
    change = rows[rows["AVISITN"].eq(visit.number)].set_index("USUBJID")[["BASE", "CHG"]].astype(float)
    frame = entered[["USUBJID", "ARMCD", "RANDDT", "DTHDT", "TRPLDT"]].join(change, on="USUBJID")
    for name, day in (("death", "DTHDT"), ("transplant", "TRPLDT")):
        elapsed = (frame[day] - frame["RANDDT"]).dt.days
        frame[name] = elapsed.where((elapsed < visit.window[1]) & frame["CHG"].isna()).astype(float)
    return AtVisit(frame.drop(columns=["RANDDT", "DTHDT", "TRPLDT"]).reset_index(drop=True), parameter)


def last_visit(study: Study) -> Visit:
    """The last visit of the schedule."""
    return study.protocol.schedule.visits[-1]


def adjusted_rows(study: Study, at: AtVisit, *, design: Design, conf_level: float, seed: str) -> pd.DataFrame:
    """Difference of the changes adjusted for baseline: HC3, and the randomisation p of the same residuals, in long form.

    The residuals are those of the change on the baseline without the group; they sum to 0 over the patients seen, and others
    count 0, so that one design of all patients serves every parameter.
    """
    codes = at.frame["ARMCD"].eq(study.arms[1]).to_numpy()
    found = ancova(
        at.frame, outcome="CHG", group="ARMCD", covariates=["BASE"], groups=study.arms, conf_level=conf_level,
        unit=at.parameter.unit, limit=0, draws=1,
    )  # fmt: skip
    frame = found.to_frame()
    own = frame[
        frame["statistic"].str.startswith("ls_mean_difference")
        & frame["method"].eq(found.hc3.difference.method)
    ]
    known = at.frame["CHG"].notna() & at.frame["BASE"].notna()
    residuals = np.zeros(len(at.frame))
    if why := found.hc3.difference.reason:
        return pd.concat([own, _no_p(study, why, int(known.sum()))], ignore_index=True)
    y, x = (at.frame.loc[known, name].to_numpy(dtype=float) for name in ("CHG", "BASE"))
    centred = x - x.mean()
    residuals[known.to_numpy()] = y - y.mean() - centred * (centred @ y / (centred @ centred))
    statistic = LinearStatistic(name=RESIDUALS, scores=residuals, resolution=1e-9 * float(np.abs(y).max()))
    test = randomisation_test(statistic, codes, design=design, seed=seed)
    return pd.concat(
        [own, _p_row(study, test.p_value, test.how, test.reason, int(known.sum()))], ignore_index=True
    )


def ranked_rows(study: Study, at: AtVisit, *, design: Design, conf_level: float, seed: str) -> pd.DataFrame:
    """Worst ranks in long form: counts of each arm, probability of faring better, its p, and the randomisation p."""
    if at.parameter.better is None:
        raise ValueError(f"parameter {at.parameter.paramcd} must say which way is better")
    own = at.frame
    found = worst_rank(
        own["CHG"], own["ARMCD"], better=at.parameter.better, death_time=own["death"], transplant_time=own["transplant"],
        groups=study.arms, conf_level=conf_level, limit=0, draws=1,
    )  # fmt: skip
    frame = found.to_frame()
    kept = ["died", "transplanted", "with_value", "missing", "win_probability", "wilcoxon_p_value"]
    rows = frame[frame["statistic"].isin(kept)]
    ranked = ~np.isnan(found.rank)
    if found.probability.reason and not ranked.any():
        return pd.concat([rows, _no_p(study, found.probability.reason, 0)], ignore_index=True)
    # Twice the midrank less N + 1 is a whole number, and 0 stands for whoever is not ranked.
    scores = np.where(ranked, 2 * np.nan_to_num(found.rank) - (ranked.sum() + 1), 0.0)
    codes = own["ARMCD"].eq(study.arms[1]).to_numpy()
    test = randomisation_test(LinearStatistic(name=RANKS, scores=scores), codes, design=design, seed=seed)
    return pd.concat(
        [rows, _p_row(study, test.p_value, test.how, test.reason, int(ranked.sum()))], ignore_index=True
    )


def _p_row(study: Study, p_value: float, how: str, reason: Reason | None, n: int) -> pd.DataFrame:
    row = {
        "group": difference_label(study),
        "statistic": RANDOMISATION_P,
        "value": p_value,
        "method": how,
        "n": n,
    }
    return pd.DataFrame([{**row, "reason": reason}])


def _no_p(study: Study, reason: Reason, n: int) -> pd.DataFrame:
    return _p_row(study, nan, "randomisation-test", reason, n)


def compared_table(
    study: Study,
    visit: Visit,
    parameters: Sequence[Parameter],
    changes: Mapping[str, Reported],
    adjusted: Mapping[str, Reported],
    *,
    level: str = "95 %",
) -> Table | Sentence:
    """Differences of the changes at one visit: by the mixed model of all visits, and by the visit alone.

    A sentence where nobody has a change at the visit.
    """
    needs.require(study, "comparison")
    if not any(row.n for own in adjusted.values() for row in own.rows):
        return Sentence(message("visit.none", visit=prose(visit.label)))
    label = difference_label(study)
    under = {
        "compared.model": ["model.difference", "model.p"],
        "compared.alone": ["alone.n", "alone.difference", "alone.p", "alone.p_randomisation"],
    }
    columns = ["quantity", *(column for own in under.values() for column in own)]
    lines, shown = [], []
    for parameter in parameters:
        d = numbers.of_mean(parameter.decimals)
        of_model, of_visit = changes[parameter.paramcd], adjusted[parameter.paramcd]
        rows = [
            of_model.find("ls_mean_difference", label, visit.number),
            of_model.find("ls_mean_difference_p_value", label, visit.number),
            of_visit.find("ls_mean_difference"),
            of_visit.find("ls_mean_difference_p_value"),
            of_visit.find(RANDOMISATION_P),
        ]
        shown += [row for row in rows if row]
        of_all, p, other, p_other, p_random = rows
        own = [
            Label(numbers.with_unit(parameter.param, parameter.unit), parameter.paramcd),
            _or_not(estimate(of_all, d, "signed")), _p(p),
            Empty() if other is None or other.n is None else Number(other.n), _or_not(estimate(other, d, "signed")),
            _p(p_other), _p(p_random),
        ]  # fmt: skip
        lines.append(dict(zip(columns, own, strict=True)))
    first, second = map(arm_in_prose, study.arms[:2])
    notes = [
        message("compared.note", first=first, second=second),
        _randomisation_note([row for row in shown if row.statistic == RANDOMISATION_P]),
        message("compared.note.tests"),
    ]
    notes += notes_of(row for row in shown if row.value is None)
    difference = message("compared.difference", level=level)
    heads = {"model.difference": difference, "alone.difference": difference}
    spanners = {message(key): own for key, own in under.items()}
    title = message("compared.title", visit=in_prose(visit.label))
    return Table("change_compared", title, lines, spanners, tuple(notes), heads=heads)


def ranked_table(
    study: Study,
    visit: Visit,
    parameters: Sequence[Parameter],
    ranked: Mapping[str, Reported],
    *,
    level: str = "95 %",
) -> Table | Sentence:
    """Ranks at one visit: who is counted how, the probability of faring better, and its tests.

    A sentence where by no parameter anybody can be ranked against the other group.
    """
    needs.require(study, "comparison")
    shares = [own.row("win_probability") for own in ranked.values()]
    if not any(share.value is not None for share in shares):
        reasons = dict.fromkeys(_why_unranked(study, own) for own in ranked.values())
        reason = message("reasons.list").join(reasons)
        return Sentence(message("visit.none.ranked", visit=prose(visit.label), reason=reason))
    counts = ("died", "transplanted", "with_value", "missing")
    under = {arm: [f"{arm}.{what}" for what in counts] for arm in study.arms[:2]}
    heads = {f"{arm}.{what}": message(f"ranked.{what}") for arm in under for what in counts}
    second = study.arms[1]
    better = f"{second}.better"
    heads[better] = message("ranked.better", arm=arm_label(second), level=level)
    columns = ["quantity", *heads, "p", "p_randomisation"]
    lines, shown = [], []
    for parameter in parameters:
        reported = ranked[parameter.paramcd]
        tests = [reported.find(name) for name in ("win_probability", "wilcoxon_p_value", RANDOMISATION_P)]
        shown += [row for row in tests if row]
        counted = [number(reported.row(what, arm)) for arm in under for what in counts]
        share, p, p_random = tests
        own = [_or_not(estimate(share, style="percent")), _p(p), _p(p_random)]
        lines.append(
            dict(zip(columns, [Label(parameter.param, parameter.paramcd), *counted, *own], strict=True))
        )
    notes = [
        message("ranked.note", visit=in_prose(visit.label)),
        message("ranked.note.better", arm=arm_label(second)),
        _randomisation_note([row for row in shown if row.statistic == RANDOMISATION_P]),
    ]
    notes += notes_of(row for row in shown if row.value is None)
    title = message("ranked.title", visit=in_prose(visit.label))
    spanners = {arm_label(arm): own for arm, own in under.items()}
    return Table("change_ranked", title, lines, spanners, tuple(notes), heads=heads)


def _why_unranked(study: Study, reported: Reported) -> str:
    """Why nobody can be ranked against the other group: a group has nobody to rank, else what the ranks say themselves."""
    ranked = ("with_value", "died", "transplanted")
    rows = {arm: [reported.find(what, arm) for what in ranked] for arm in study.arms[:2]}
    without = [arm for arm, own in rows.items() if not any(row and row.value for row in own)]
    if not without:
        return escape(worded(reported.row("win_probability").reason))
    return message("ranked.unranked", arms=joined(message("arms.one", arm=of_group(arm)) for arm in without))


def why_they_differ(study: Study, visit: Visit, reported: Reported) -> str:
    """How many deaths and transplants the ranks count and the model does not, and what that does to both.

    Nothing where nobody can be ranked.
    """
    share = reported.find("win_probability")
    if share is not None and share.value is None:
        return ""
    arms = []
    for arm in study.arms[:2]:
        died, transplanted = (reported.row(what, arm) for what in ("died", "transplanted"))
        named = escape(arm_in_prose(arm))
        arms.append(message("ranked.arm", died=whole(died), transplanted=whole(transplanted), arm=named))
    return message("ranked.why", visit=prose(visit.label), first=arms[0], second=arms[1])


def ranked_sentence(
    study: Study, parameter: Parameter, visit: Visit, reported: Reported, *, level: str
) -> str:
    """The probability of faring better by one parameter with its interval and the randomisation p."""
    share, p = reported.row("win_probability"), reported.row(RANDOMISATION_P)
    name, second = prose(parameter.param), escape(arm_in_prose(study.arms[1]))
    if share.lower is None or p.value is None:
        reason = (
            _why_unranked(study, reported)
            if share.value is None
            else escape(worded(share.reason or p.reason))
        )
        return message("ranked.none", parameter=name, visit=prose(visit.label), reason=reason)
    shown = {k: span(share, numbers.percent(getattr(share, k))) for k in ("value", "lower", "upper")}
    return message(
        "ranked",
        parameter=name,
        visit=prose(visit.label),
        second=second,
        level=level,
        p=p_equals(p),
        **shown,
    )


def _or_not(cell: Cell) -> Cell:
    """A result that there is not could not be estimated."""
    return NotEstimable() if isinstance(cell, Empty) else cell


def _p(row: Row | None) -> Cell:
    return _or_not(number(row, style="p"))


def _randomisation_note(rows: Sequence[Row]) -> str:
    """The reference set, from the method of the test: ``statistic, exact, allocations:1, given, …``."""
    how = next((row.method for row in rows if row.value is not None), "")
    return (
        message("randomisation.note", how=method_words(how.partition(", ")[2]))
        if how
        else message("randomisation.note.none")
    )
