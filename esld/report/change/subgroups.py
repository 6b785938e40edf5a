"""The difference at one visit, of means or of responders, in all patients and in each planned subgroup."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import nan
from typing import Any

import pandas as pd

from esld.data.study import Study
from esld.longform import Estimate, stacked
from esld.longitudinal.ancova import ancova
from esld.longitudinal.responders import counted
from esld.protocol import Analysis, Parameter
from esld.report import needs, numbers
from esld.report.cells import Cell, Count, Empty, Label, Number, estimate
from esld.report.change import pairs as compared
from esld.report.change.one_visit import AtVisit, at_visit
from esld.report.change.pairs import difference_label
from esld.report.change.response import responded
from esld.report.chapter import Chapter
from esld.report.drawing.figures import Picture
from esld.report.drawing.forest import ForestLine, forest
from esld.report.parameters import each, visit_of
from esld.report.phrases import notes_of
from esld.report.planned import result_name
from esld.report.results import Reported, Row, slug
from esld.report.subgroups import Level, heterogeneity, levels_of, named, sentences, titled
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import arm_in_prose, in_prose
from esld.survival.proportions import clopper_pearson, risk_difference

ALL = "subgroup_all"
Pair = tuple[str, str]


def planned(study: Study) -> list[tuple[Analysis, Parameter]]:
    """Analyses that are shown in subgroups, with each parameter; raises :class:`UnmetNeedError` where there are none."""
    needs.require(study, "subgroups=04_change")
    return [(plan, p) for plan, p in each(study, "ancova", "responder") if plan.subgroups and plan.of is None]


def subgroup_rows(
    study: Study, analysis: Analysis, parameter: Parameter, *, conf_level: float
) -> pd.DataFrame:
    """The effect in all patients and in each level, in long form.

    Returns
    -------
    DataFrame
        ``subgroup_all`` and ``subgroup_<variable>_<place>``: of each comparison the difference, of each arm its mean or
        proportion; ``interaction_p_value_<variable>`` and ``interaction_<variable>`` as
        :func:`esld.report.subgroups.heterogeneity` makes them.
    """
    whole, factors = at_visit(study, analysis, parameter, study.arms), levels_of(study)
    effects = {ALL: _effects(analysis, whole, conf_level)}
    for level in (level for own in factors for level in own):
        own = whole.frame["USUBJID"].isin(level.patients)
        part = replace(whole, frame=whole.frame[own].reset_index(drop=True))
        effects[level.statistic] = _effects(analysis, part, conf_level)
    rows = [
        {
            "group": group, "statistic": statistic, "value": one.value, "lower": one.lower, "upper": one.upper, "n": n,
            "events": x, "unit": parameter.unit if analysis.kind == "ancova" else "", "method": one.method, "reason": one.reason,
        }
        for statistic, found in effects.items() for group, (one, x, n) in found.items()
    ]  # fmt: skip
    frames = [pd.DataFrame(rows)]
    for levels in factors:
        for label in map(difference_label, study.pairs):
            known = [effects[level.statistic][label][0] for level in levels]
            differ = heterogeneity(known)
            names = [slug(f"{name} {levels[0].factor.variable}") for name in differ["statistic"]]
            frames.append(differ.assign(statistic=names, group=label))
    return stacked(frames)


def _effects(analysis: Analysis, at: AtVisit, conf_level: float) -> dict[str, tuple[Estimate, float, int]]:
    """Of each arm and each comparison the estimate, how many responded, and of how many."""
    return _means(at, conf_level) if analysis.kind == "ancova" else _proportions(analysis, at, conf_level)


def _means(at: AtVisit, conf_level: float) -> dict[str, tuple[Estimate, float, int]]:
    known = at.frame[["CHG", "BASE"]].notna().all(axis=1)
    varied = [name for name in at.covariates if name == "BASE" or len(set(at.frame.loc[known, name])) > 1]
    found = ancova(
        at.frame, outcome="CHG", group="ARMCD", covariates=varied, groups=at.arms, conf_level=conf_level, limit=0, draws=1,
    )  # fmt: skip
    return {
        one.group: (
            Estimate(
                value=one.value, lower=one.lower, upper=one.upper, conf_level=conf_level, method=one.method, reason=one.reason
            ),
            nan,
            one.n,
        )
        for one in (*found.hc3.means, *found.hc3.differences)
    }  # fmt: skip


def _proportions(
    analysis: Analysis, at: AtVisit, conf_level: float
) -> dict[str, tuple[Estimate, float, int]]:
    judged, dead = responded(analysis, at.frame), at.frame["death"].notna().to_numpy()
    counts = {}
    for arm in at.arms:
        own = at.frame["ARMCD"].eq(arm).to_numpy()
        counts[arm] = counted(judged[own], dead[own], group=arm).of("non-responder")
    nobody = Estimate(value=nan, conf_level=conf_level, method="count")
    found: dict[str, tuple[Estimate, float, int]] = {
        arm: (clopper_pearson(x, n, conf_level=conf_level) if n else nobody, x, n)
        for arm, (x, n) in counts.items()
    }
    control, *others = at.arms
    for arm in others:
        table = (*counts[arm], *counts[control])
        some = counts[arm][1] and counts[control][1]
        gap = risk_difference(*table, conf_level=conf_level) if some else nobody
        n, x = counts[arm][1] + counts[control][1], counts[arm][0] + counts[control][0]
        found[difference_label((control, arm))] = (gap, x, n)
    return found


def shown(
    chapter: Chapter, analysis: Analysis, parameter: Parameter, reported: Reported, *, conf_level: float
) -> Iterator[Any]:
    """Figure, table and words of each comparison, as the chapter records them."""
    study, level = chapter.study, numbers.level(conf_level)
    kind = "mean" if analysis.kind == "ancova" else "difference"
    for pair in study.pairs:
        own = Reported(tuple(row for row in reported.rows if row.arm in (*pair, difference_label(pair))))
        if any(row.value is not None for row in own.rows if row.arm == difference_label(pair)):
            yield chapter.figure(subgroup_figure(study, analysis, parameter, pair, own, level=level))
            yield chapter.table(subgroup_table(study, analysis, parameter, pair, own, level=level))
        said = list(sentences(levels_of(study), own, kind=kind, level=level))
        yield chapter.say(*([named(said, pair)] if said and compared.several(study) else said))
    yield chapter.say(message("subgroups.caution"))


def stem(analysis: Analysis, parameter: Parameter) -> str:
    """How the name of the result begins."""
    what = "adjusted" if analysis.kind == "ancova" else "response"
    return f"{what}_{parameter.paramcd.lower()}_subgroups"


def _id(study: Study, analysis: Analysis, parameter: Parameter, pair: Pair) -> str:
    own = pair if compared.several(study) else None
    return result_name(study.protocol, stem(analysis, parameter), analysis, parameter.paramcd, own)


def _places(factors: Sequence[Sequence[Level]]) -> Iterator[tuple[str, str, str]]:
    """The heading, the label and the statistic of every line."""
    everybody = message("subgroups.all")
    yield everybody, everybody, ALL
    for level in (level for own in factors for level in own):
        yield level.factor.name, level.said, level.statistic


def _title(study: Study, analysis: Analysis, parameter: Parameter, pair: Pair) -> str:
    title = message("change.subgroups.title", title=analysis.title, parameter=in_prose(parameter.param))
    return titled(title, pair) if compared.several(study) else title


def _axis(study: Study, analysis: Analysis, parameter: Parameter, pair: Pair) -> str:
    first, second = map(arm_in_prose, pair)
    return message(
        f"change.subgroups.axis.{analysis.kind}", first=first, second=second,
        parameter=numbers.with_unit(in_prose(parameter.param), parameter.unit), visit=in_prose(visit_of(study, analysis).label),
    )  # fmt: skip


def _cell(analysis: Analysis, parameter: Parameter, row: Row | None) -> Cell:
    if row is None or row.value is None:
        return Empty()
    if analysis.kind == "ancova":
        return estimate(row, numbers.of_mean(parameter.decimals), "signed")
    return estimate(row, 0, "points")


def subgroup_table(
    study: Study, analysis: Analysis, parameter: Parameter, pair: Pair, reported: Reported, *, level: str
) -> Table:
    """Patients of each arm, and the difference, in all patients and in each subgroup."""
    lines, rows = [], list[Row]()
    for block, label, statistic in _places(levels_of(study)):
        line: dict[str, Cell] = {"factor": Label(block), "subgroup": Label(label, statistic)}
        for arm in pair:
            own = reported.row(statistic, arm)
            counts = analysis.kind == "responder" and own.n
            line[f"{arm}.n"] = (
                Count(own.events or 0, own.n or 0, percent=False) if counts else Number(own.n or 0)
            )
        row = reported.row(statistic, difference_label(pair))
        line["effect"] = _cell(analysis, parameter, row)
        rows.append(row)
        lines.append(line)
    key = "response.column.difference" if analysis.kind == "responder" else "change.column.difference"
    heads = {f"{arm}.n": message(f"change.subgroups.{analysis.kind}", arm=arm_label(arm)) for arm in pair}
    heads |= {"effect": message(key, level=level), "factor": "", "subgroup": message("subgroups.head")}
    axis = _axis(study, analysis, parameter, pair)
    notes = (message("subgroups.note", axis=axis), *notes_of(rows))
    id, title = _id(study, analysis, parameter, pair), _title(study, analysis, parameter, pair)
    return Table(id, title, lines, {}, notes, "factor", heads)


def subgroup_figure(
    study: Study, analysis: Analysis, parameter: Parameter, pair: Pair, reported: Reported, *, level: str
) -> Picture:
    """The forest plot of the table."""
    lines, last, scale = list[ForestLine](), "", 1 if analysis.kind == "ancova" else 100
    for block, label, statistic in _places(levels_of(study)):
        row = reported.row(statistic, difference_label(pair))
        if statistic != ALL and block != last:
            lines.append(ForestLine(label=block, heading=True))
            last = block
        own = {name: getattr(row, name) for name in ("value", "lower", "upper")}
        drawn: dict[str, Any] = {name: None if x is None else scale * x for name, x in own.items()}
        lines.append(
            ForestLine(label=label, n=row.n or 0, text=_cell(analysis, parameter, row).text, **drawn)
        )
    title, axis = _title(study, analysis, parameter, pair), _axis(study, analysis, parameter, pair)
    alt = message("subgroups.alt", title=title, axis=axis)
    legend = message("legend.forest", level=level)
    return forest(
        lines,
        id=_id(study, analysis, parameter, pair),
        title=title,
        alt=alt,
        legend=legend,
        axis=axis,
        ratios=False,
    )
