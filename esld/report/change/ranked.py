"""Ranks at one visit in which the dead come last, then the transplanted where there are any: rows, a table and words."""

from html import escape

import numpy as np
import pandas as pd

from esld.data.study import Study
from esld.longitudinal.worst_rank import worst_rank
from esld.protocol import Analysis, Parameter
from esld.randomisation import Design, LinearStatistic, randomisation_test
from esld.report import numbers
from esld.report.cells import Cell, Label, estimate, number
from esld.report.change import pairs as compared
from esld.report.change.one_visit import (
    RANDOMISATION_P,
    AtVisit,
    at_visit,
    or_not,
    p_cell,
    p_row,
    randomisation_note,
)
from esld.report.change.pairs import ADJUSTED, difference_label
from esld.report.change.repeated import Results
from esld.report.parameters import parameters_of, visit_of
from esld.report.phrases import Sentence, notes_of, p_equals, prose, span, whole, worded
from esld.report.planned import result_name
from esld.report.results import Reported, Row
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import as_prose, in_prose, joined, of_group, treatment

RANKS = "centred-rank-sum"  # step of the method: of the second arm
SHARE = "win_probability"


def ranked_rows(
    study: Study, analysis: Analysis, parameter: Parameter, *, conf_level: float, seed: str
) -> pd.DataFrame:
    """Worst ranks in long form: counts of each arm; of each comparison the probability of faring better, its p, and the
    randomisation p.
    """
    parts = [
        rows_of_pair(study, at_visit(study, analysis, parameter, pair), conf_level=conf_level, seed=seed)
        for pair in study.pairs
    ]
    rows = pd.concat(parts, ignore_index=True).drop_duplicates(["group", "statistic"], ignore_index=True)
    return compared.with_adjusted(study, rows, RANDOMISATION_P)


def rows_of_pair(
    study: Study, at: AtVisit, *, conf_level: float, seed: str, design: Design | None = None
) -> pd.DataFrame:
    """Worst ranks of two arms: counts of each, probability of faring better, its p, and the randomisation p."""
    if at.parameter.better is None:
        raise ValueError(f"parameter {at.parameter.paramcd} must say which way is better")
    own = at.frame
    found = worst_rank(
        own["CHG"], own["ARMCD"], better=at.parameter.better, death_time=own["death"], transplant_time=own["transplant"],
        groups=at.arms, conf_level=conf_level, limit=0, draws=1,
    )  # fmt: skip
    frame = found.to_frame()
    rows = frame[frame["statistic"].isin([*_counted(study), SHARE, "wilcoxon_p_value"])]
    ranked = ~np.isnan(found.rank)
    if found.probability.reason and not ranked.any():
        none = p_row(at, float("nan"), "randomisation-test", found.probability.reason, 0)
        return pd.concat([rows, none], ignore_index=True)
    # Twice the midrank less N + 1 is a whole number, and 0 stands for whoever is not ranked.
    scores = np.where(ranked, 2 * np.nan_to_num(found.rank) - (ranked.sum() + 1), 0.0)
    statistic = LinearStatistic(name=RANKS, scores=scores)
    test = randomisation_test(statistic, at.second, design=design or at.design(study), seed=seed)
    p = p_row(at, test.p_value, test.how, test.reason, int(ranked.sum()))
    return pd.concat([rows, p], ignore_index=True)


def _counted(study: Study) -> list[str]:
    """How patients are counted: transplanted only where there is a transplantation."""
    counts = ["died", "transplanted", "with_value", "missing"]
    return counts if study.protocol.transplant else [c for c in counts if c != "transplanted"]


def _key(study: Study, key: str) -> str:
    """An entry, or the one of trials with a transplantation."""
    return f"{key}.transplant" if study.protocol.transplant else key


def _organ(study: Study) -> str:
    return study.protocol.transplant.organ if study.protocol.transplant else ""


def ranked_table(
    study: Study, analysis: Analysis, ranked: Results, *, level: str = "95 %"
) -> Table | Sentence:
    """Ranks at one visit: who is counted how, the probability of faring better, and its tests.

    A sentence where by no parameter anybody can be ranked against the control.
    """
    visit = visit_of(study, analysis)
    own = {p: ranked[analysis.id, p.paramcd] for p in parameters_of(study, analysis)}
    shares = [
        reported.row(SHARE, difference_label(pair)) for reported in own.values() for pair in study.pairs
    ]
    if not any(share.value is not None for share in shares):
        reasons = dict.fromkeys(_why_unranked(study, r, pair) for r in own.values() for pair in study.pairs)
        reason = message("reasons.list").join(reasons)
        return Sentence(message("visit.none.ranked", visit=prose(visit.label), reason=reason))
    lines, shown = [], list[Row]()
    for pair in study.pairs:
        for parameter, reported in own.items():
            names = (SHARE, RANDOMISATION_P, RANDOMISATION_P + ADJUSTED)
            share, random, shared = (reported.find(name, difference_label(pair)) for name in names)
            shown += [row for row in (share, random) if row]
            line: dict[str, Cell] = {}
            if compared.several(study):
                line["comparison"] = Label(compared.against(pair), pair[1])
            line["quantity"] = Label(parameter.param, parameter.paramcd)
            for place, arm in zip(_places(study, pair), pair, strict=True):
                line |= {f"{place}.{what}": number(reported.row(what, arm)) for what in _counted(study)}
            line[f"{_places(study, pair)[1]}.better"] = or_not(estimate(share, style="percent"))
            line["p_randomisation"] = p_cell(random)
            if compared.shares_error(study):
                line["p_adjusted"] = p_cell(shared)
            lines.append(line)
    places = _places(study, study.pairs[0])
    labels = [arm_label(study.pairs[0][0]), message("ranked.other")]
    labels = labels if compared.several(study) else list(map(arm_label, places))
    heads = {f"{place}.{what}": message(f"ranked.{what}") for place in places for what in _counted(study)}
    heads[f"{places[1]}.better"] = message("ranked.better", arm=labels[1], level=level)
    notes = [
        message(_key(study, "ranked.note"), visit=in_prose(visit.label), organ=_organ(study)),
        message("ranked.note.better", arm=labels[1]),
        randomisation_note([row for row in shown if row.statistic == RANDOMISATION_P]),
        *compared.note(study),
        *notes_of(row for row in shown if row.value is None),
    ]
    spanners = {
        label: [f"{place}.{what}" for what in _counted(study)]
        for label, place in zip(labels, places, strict=True)
    }
    id = result_name(study.protocol, "change_ranked", analysis)
    group = "comparison" if compared.several(study) else None
    return Table(id, analysis.title, lines, spanners, tuple(notes), group=group, heads=heads)


def _places(study: Study, pair: tuple[str, str]) -> tuple[str, str]:
    """How the columns of two arms begin: with their codes, or where several comparisons share them, with what they are."""
    return ("control", "other") if compared.several(study) else pair


def _why_unranked(study: Study, reported: Reported, pair: tuple[str, str]) -> str:
    """Why nobody can be ranked against the control: a group has nobody to rank, else what the ranks say themselves."""
    ranked = [what for what in _counted(study) if what != "missing"]
    rows = {arm: [reported.find(what, arm) for what in ranked] for arm in pair}
    without = [arm for arm, own in rows.items() if not any(row and row.value for row in own)]
    if not without:
        return escape(worded(reported.row(SHARE, difference_label(pair)).reason))
    arms = joined(message("arms.one", arm=of_group(arm)) for arm in without)
    return message(_key(study, "ranked.unranked"), arms=arms)


def why_they_differ(study: Study, analysis: Analysis, reported: Reported) -> str:
    """How many deaths and transplants the ranks count and a model of the living does not, and what that does to both.

    Nothing where nobody can be ranked.
    """
    if all(reported.row(SHARE, difference_label(pair)).value is None for pair in study.pairs):
        return ""
    arms = [
        message(
            _key(study, "ranked.arm"), arm=treatment(arm),
            **{what: whole(reported.row(what, arm)) for what in _counted(study) if what in ("died", "transplanted")},
        )
        for arm in study.arms
    ]  # fmt: skip
    visit = prose(visit_of(study, analysis).label)
    return message(_key(study, "ranked.why"), visit=visit, arms=joined(arms), organ=_organ(study))


def ranked_words(
    study: Study, analysis: Analysis, headline: str, ranked: Results, *, level: str
) -> list[str]:
    """What the ranks say by one parameter, and how that may differ from a model: by the headline's, else the first one."""
    code = headline if headline in analysis.parameters else analysis.parameters[0]
    reported = ranked[analysis.id, code]
    said = ranked_sentence(study, analysis, study.protocol.parameter(code), reported, level=level)
    return [said, why_they_differ(study, analysis, reported)]


def ranked_sentence(
    study: Study, analysis: Analysis, parameter: Parameter, reported: Reported, *, level: str
) -> str:
    """The probability of faring better by one parameter with its interval and the randomisation p, against the control."""
    return as_prose(_of_pair(study, analysis, parameter, reported, pair, level=level) for pair in study.pairs)


def _of_pair(
    study: Study,
    analysis: Analysis,
    parameter: Parameter,
    reported: Reported,
    pair: tuple[str, str],
    *,
    level: str,
) -> str:
    label, visit = difference_label(pair), prose(visit_of(study, analysis).label)
    share = reported.row(SHARE, label)
    p, *adjusted = (reported.row(s, label) for s in compared.p_of(reported, RANDOMISATION_P, pair))
    name, (first, second) = prose(parameter.param), map(treatment, pair)
    if share.lower is None or p.value is None:
        reason = (
            _why_unranked(study, reported, pair)
            if share.value is None
            else escape(worded(share.reason or p.reason))
        )
        return message("ranked.none", parameter=name, visit=visit, reason=reason)
    shown = {k: span(share, numbers.percent(getattr(share, k))) for k in ("value", "lower", "upper")}
    tests = message("ranked.p", p=p_equals(p))
    if adjusted:
        tests = message("ranked.p.adjusted", p=p_equals(p), adjusted=p_equals(adjusted[0]))
    return message(
        _key(study, "ranked"),
        parameter=name,
        visit=visit,
        first=first,
        second=second,
        level=level,
        tests=tests,
        **shown,
    )
