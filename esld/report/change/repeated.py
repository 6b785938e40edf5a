"""Change from baseline by visit: the mixed model of a parameter as rows, a table, a figure and words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from esld.data.study import Study
from esld.longitudinal.mmrm import MMRM, mmrm
from esld.methods import structure_of
from esld.protocol import Analysis, Parameter
from esld.reasons import Reason, Why, because, together
from esld.report import numbers
from esld.report.cells import Cell, Empty, Label, Number, estimate, number, summary
from esld.report.change import courses
from esld.report.change import pairs as compared
from esld.report.change.pairs import ADJUSTED, difference_label
from esld.report.drawing import figures
from esld.report.parameters import analysed, counted_from, parameters_of, unrecorded_words, visit_of
from esld.report.phrases import Sentence, notes_of, prose, worded
from esld.report.results import Reported, Row, slug
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import as_prose, capitalised, in_prose, joined

P = "ls_mean_difference_p_value"
GLOBAL_P = "global_p_value"
_COLUMNS_OF_P = ("p", "p_adjusted", "p_global")
Results = Mapping[tuple[str, str], Reported]  # by the id of an analysis and the code of a parameter


def change_rows(study: Study, parameter: Parameter, analysis: Analysis, *, conf_level: float) -> pd.DataFrame:
    """Values by arm and visit, and the mixed model of their change, in long form.

    Returns
    -------
    DataFrame
        Of the values, baseline (``time`` 0) included: ``mean``, ``sd``; ``lower``, how many are lower than at baseline. Of
        the model: ``ls_mean`` by arm and visit and
        ``ls_mean_difference`` to the first arm by visit, each with ``_std_err`` and ``_df``, the difference with
        ``_p_value``; ``model_values``, the changes that it uses (``n`` patients), whose method names the covariance and
        whose reason says why one named before it was not used. Where there is no model, its rows are NaN with the reason.
        With three arms or more ``global_p_value``, that of all of them at the visit that answers, and the p-values there that
        are adjusted as the protocol says.
    """
    rows = analysed(study, parameter.paramcd, analysis)
    model = _model(study, rows, parameter, analysis, conf_level)
    at = visit_of(study, analysis).number
    model = compared.with_adjusted(study, model, P, time=at)
    return pd.concat([_values(rows, parameter), model], ignore_index=True)


def _values(rows: pd.DataFrame, parameter: Parameter) -> pd.DataFrame:
    values = []
    for (arm, visit), own in rows.groupby(["ARMCD", "AVISITN"])["AVAL"]:
        about = {"group": arm, "time": visit, "n": len(own), "unit": parameter.unit}
        values.append({**about, "statistic": "mean", "value": own.mean(), "method": "mean"})
        reason = None if len(own) > 1 else because(Why.ONE_VALUE)
        method = "sd"
        values.append(
            {**about, "statistic": "sd", "value": own.std(ddof=1), "method": method, "reason": reason}
        )
    known = rows[rows["CHG"].notna()]
    for (arm, visit), own in known.groupby(["ARMCD", "AVISITN"])["CHG"]:
        about = {"group": arm, "time": visit, "n": len(own), "unit": "patients"}
        values.append({**about, "statistic": "lower", "value": int((own < 0).sum()), "method": "count"})
    return pd.DataFrame(values)


def _model(
    study: Study, rows: pd.DataFrame, parameter: Parameter, analysis: Analysis, conf_level: float
) -> pd.DataFrame:
    known = rows[rows["CHG"].notna() & rows["BASE"].notna()]
    if known.empty:
        used = {"unit": "values", "n": 0, "statistic": "model_values", "group": "", "value": 0}
        return _no_model(study, parameter, used, because(Why.NO_CHANGE))
    used = {"unit": "values", "n": known["USUBJID"].nunique(), "statistic": "model_values", "group": ""}
    try:
        fit = fit_change(study, known, analysis, conf_level=conf_level, unit=parameter.unit)
    except ValueError as error:
        reason = because(Why.NOT_FITTED, error=str(error))
        return _no_model(study, parameter, used | {"value": len(known)}, reason)
    parts = [fit.ls_means("ARMCD").to_frame()]
    if study.compares:
        parts.append(fit.differences("ARMCD", reference=study.arms[0]).to_frame())
    if compared.several(study):
        parts.append(_global(study, fit, visit_of(study, analysis).number))
    about = used | {"value": fit.n_obs, "method": fit.label, "reason": together(fit.failures)}
    frame = pd.concat([*parts, pd.DataFrame([about])], ignore_index=True)
    return frame.assign(time=frame["time"].astype(float))


def _global(study: Study, fit: MMRM, visit: float) -> pd.DataFrame:
    """The test that all arms change alike until a visit."""
    gaps = fit.differences("ARMCD", reference=study.arms[0])
    own = [gap for gap in gaps if float(gap.time) == visit]
    about = {"group": "", "time": visit, "unit": "", "n": fit.n_subjects, "method": fit.label}
    if not own or any(gap.reason for gap in own):
        reason = together(gap.reason for gap in own) or because(Why.NO_CHANGE)
        return pd.DataFrame([about | {"statistic": GLOBAL_P, "value": np.nan, "reason": reason}])
    test = fit.test(np.array([gap.weights for gap in own]))
    return pd.DataFrame([about | {"statistic": GLOBAL_P, "value": test.p_value, "reason": test.reason}])


def fit_change(
    study: Study, known: pd.DataFrame, analysis: Analysis, *, conf_level: float, unit: str
) -> MMRM:
    """The model that the protocol names: change on baseline, group, visit, group by visit, and the strata where it says so.

    Parameters
    ----------
    known : DataFrame
        ADLB rows of one parameter with a change, one a patient and visit.
    analysis : Analysis
        With a ``model``.

    Raises
    ------
    ValueError
        The model cannot be fitted: see :func:`esld.longitudinal.mmrm`.
    """
    if analysis.model is None:
        raise ValueError(f"analysis {analysis.id} must name a model")
    weeks = {f"{visit.number:g}": visit.week for visit in study.protocol.schedule.visits}
    frame = known[["USUBJID", "BASE", "CHG"]].astype({"BASE": float, "CHG": float})
    frame["ARMCD"] = pd.Categorical(known["ARMCD"], categories=study.filled)
    frame["AVISITN"] = pd.Categorical(known["AVISITN"].map("{:g}".format), categories=list(weeks))
    formula = "CHG ~ BASE + ARMCD * AVISITN"
    if analysis.stratified:
        strata = study.randomised.set_index("USUBJID")["STRATAR"].fillna("")
        frame["STRATAR"] = known["USUBJID"].map(strata).astype(str)
        if len(set(frame["STRATAR"])) > 1:
            formula = "CHG ~ BASE + STRATAR + ARMCD * AVISITN"
    return mmrm(
        frame, formula, subject="USUBJID", visit="AVISITN", covariance=analysis.model.covariance,
        fallback=analysis.model.fallback, times=weeks, conf_level=conf_level, unit=unit,
    )  # fmt: skip


def _no_model(study: Study, parameter: Parameter, used: dict[str, Any], reason: Reason) -> pd.DataFrame:
    groups = {arm: "ls_mean" for arm in study.filled}
    groups |= {difference_label(pair): "ls_mean_difference" for pair in study.pairs}
    about = {
        "unit": parameter.unit,
        "method": "mmrm",
        "reason": reason,
    }
    visits = study.protocol.schedule.visits
    rows = [
        {**about, "group": group, "time": visit.number, "statistic": statistic, "value": float("nan")}
        for visit in visits
        for group, statistic in groups.items()
    ]
    return pd.DataFrame([*rows, {**used, "method": "mmrm"}])


def change_table(
    study: Study, analysis: Analysis, changes: Results, *, level: str = "95 %"
) -> Table | Sentence:
    """By parameter and visit: number, mean (SD) and LS mean change of each arm, and the differences of the changes.

    The p-value stands at the visit that answers.
    """
    every = parameters_of(study, analysis)
    means = {
        p.paramcd: [r for r in changes[analysis.id, p.paramcd].rows if r.statistic == "mean"] for p in every
    }
    shown = {p.paramcd: p for p in every if any(row.time for row in means[p.paramcd])}
    before = [prose(p.param) for p in every if means[p.paramcd] and p.paramcd not in shown]
    said = message("change.none_later", parameters=joined(before)) if before else ""
    absent = as_prose([said, unrecorded_words(study, [p for p in every if not means[p.paramcd]])])
    if not shown:
        return Sentence(absent)
    lines, rows = [], list[Row]()
    for code, parameter in shown.items():
        own = _lines(study, analysis, parameter, changes[analysis.id, code])
        lines += [line for line, _ in own]
        rows += [row for _, found in own for row in found]
    of_p = [key for key in lines[0] if key.rpartition(".")[2] in _COLUMNS_OF_P]
    unseen = {
        key for key in of_p if not any(line[key].text for line in lines)
    }  # nobody has reached the visit
    lines = [{key: cell for key, cell in line.items() if key not in unseen} for line in lines]
    spanners = {
        arm_label(arm): [f"{arm}.{what}" for what in ("n", "mean_sd", "change")] for arm in study.arms
    }
    heads = {f"{arm}.mean_sd": message("change.column.mean_sd") for arm in study.arms}
    heads |= {f"{arm}.change": message("change.column.change", level=level) for arm in study.arms}
    between = {pair: [key for key in lines[0] if key.startswith(_key(study, pair))] for pair in study.pairs}
    heads |= {_key(study, pair) + "difference": _difference_head(study, level) for pair in between}
    if compared.several(study):
        spanners |= {compared.against(pair): keys for pair, keys in between.items()}
    used = {p.param: _of_model(study, changes[analysis.id, code]) for code, p in shown.items()}
    notes = [_meaning_of_columns(study, analysis, answers={*of_p} > unseen), *_grouped(used), *notes_of(rows)]
    if absent:
        notes.append(absent)
    id = f"changes_{slug(analysis.id)}"
    return Table(id, analysis.title, lines, spanners, tuple(notes), group="parameter", heads=heads)


def _key(study: Study, pair: tuple[str, str]) -> str:
    """How the columns of a comparison begin: with the arm, where there are several."""
    return f"{pair[1]}.v." if compared.several(study) else ""


def _difference_head(study: Study, level: str) -> str:
    key = "change.column.change" if compared.several(study) else "change.column.difference"
    return message(key, level=level)


def _lines(
    study: Study, analysis: Analysis, parameter: Parameter, reported: Reported
) -> list[tuple[dict[str, Cell], list[Row]]]:
    """A line a visit with a value, and the rows that it shows."""
    d, at = numbers.of_mean(parameter.decimals), visit_of(study, analysis).number
    name = Label(numbers.with_unit(parameter.param, parameter.unit), parameter.paramcd)
    visits = [(v.number, Label(v.label, v.code)) for v in study.protocol.schedule.visits]
    lines = []
    for visit, label in [(0.0, Label(message("change.baseline"), "baseline")), *visits]:
        line: dict[str, Cell] = {"parameter": name, "visit": label}
        shown: list[Row | None] = []
        for arm in study.arms:
            mean, sd, change = (reported.find(s, arm, visit) for s in ("mean", "sd", "ls_mean"))
            spread = (
                summary(mean.n, "{} ({})", mean=number(mean, d), sd=number(sd, d)) if mean and sd else Empty()
            )
            line |= {f"{arm}.n": Number(mean.n if mean else 0), f"{arm}.mean_sd": spread}
            line[f"{arm}.change"] = estimate(change, d, "signed")
            shown.append(change)
        for pair in study.pairs:
            names = ("ls_mean_difference", P, P + ADJUSTED)
            gap, p, shared = (reported.find(name, difference_label(pair), visit) for name in names)
            line[_key(study, pair) + "difference"] = estimate(gap, d, "signed")
            line[_key(study, pair) + "p"] = number(p if visit == at else None, style="p")
            if compared.shares_error(study):
                line[_key(study, pair) + "p_adjusted"] = number(shared, style="p")
            shown.append(gap)
        if compared.several(study):
            joint = reported.find(GLOBAL_P, time=visit)
            line["p_global"] = number(joint, style="p")
            shown.append(joint)
        if any(line[f"{arm}.n"].text != "0" for arm in study.arms):
            lines.append((line, [row for row in shown if row]))
    return lines


def _meaning_of_columns(study: Study, analysis: Analysis, *, answers: bool) -> str:
    """What the columns show; `answers` is whether there is one of the p-values of the visit that answers."""
    visit = in_prose(visit_of(study, analysis).label)
    if not study.compares:
        return message("change.note.pooled")
    said = message("change.note", difference=compared.minus(study))
    said = as_prose([said, message("change.note.p", visit=visit)]) if answers else said
    if analysis.stratified:
        said = as_prose([said, message("change.note.strata")])
    return as_prose([said, *compared.note(study)])


def _of_model(study: Study, reported: Reported) -> str:
    """What was fitted, on what, and what was given up before; nothing where there is no model."""
    if not any(r.statistic == "ls_mean" and r.lower is not None for r in reported.rows):
        return ""
    row = reported.row("model_values")
    model = message(
        f"change.note.model{'' if study.compares else '.pooled'}", count=row.value, n=row.n,
        values=numbers.fixed(row.value, 0), structure=message(f"method.mmrm.{structure_of(row.method)}"),
    )  # fmt: skip
    failed = message("change.note.failed", reason=worded(row.reason)) if row.reason else ""
    return as_prose([model, failed])


def _grouped(notes: Mapping[str, str]) -> list[str]:
    """Each note once, with the names of what it is of where there are several notes."""
    of: dict[str, list[str]] = {}
    for name, text in notes.items():
        of.setdefault(text, []).append(in_prose(name))
    of.pop("", None)
    if len(notes) == 1 or (len(of) == 1 and len(next(iter(of.values()))) == len(notes)):
        return list(of)
    return [
        message("change.note.of", parameters=capitalised(joined(names)), note=text)
        for text, names in of.items()
    ]


def change_figure(
    study: Study, analysis: Analysis, changes: Results, *, level: str = "95 %"
) -> figures.Picture | Sentence:
    """LS mean change by visit of the parameters of an analysis, small panels on one time axis."""
    own = {code: changes[analysis.id, code] for code in analysis.parameters}
    drawn = {code: rows for code, rows in own.items() if any(_drawable(row) for row in rows.rows)}
    if not drawn:
        absent = joined(prose(study.protocol.parameter(code).param) for code in own)
        return Sentence(message("change.figure.none", parameters=absent))
    weeks = all((visit.target - 1) % 7 == 0 for visit in study.protocol.schedule.visits)
    stops = [
        courses.Stop(v.number, v.target - 1, f"{(v.target - 1) / 7:g}" if weeks else v.code)
        for v in study.protocol.schedule.visits
    ]
    parameters = {code: study.protocol.parameter(code) for code in drawn}
    columns = ["group", "time", "statistic", "value", "lower", "upper", "n"]
    panels = {
        code: pd.DataFrame(_with_counts(reported), columns=columns)
        .astype({"value": float, "lower": float, "upper": float, "n": float})
        .query("statistic == 'ls_mean'")
        for code, reported in drawn.items()
    }
    names = {code: p.param for code, p in parameters.items()}
    key = "change.figure.alt" if study.compares else "change.figure.alt.pooled"
    return courses.mean_changes(
        panels, arms=study.arms, visits=stops, id=f"change_{slug(analysis.id)}",
        title=message("change.figure.title", title=analysis.title, level=level),
        legend=message("legend.changes", level=level),
        axis=message(f"change.figure.axis.{'weeks' if weeks else 'visits'}.{counted_from(study)}"),
        alt=message(key, level=level, parameters=joined(names.values())), names=names,
        units={code: numbers.with_unit(message("change.figure.change"), p.unit) for code, p in parameters.items()},
    )  # fmt: skip


def _with_counts(reported: Reported) -> list[tuple[object, ...]]:
    """The rows of a parameter, each with the patients who have a value at the visit."""
    counts = {(r.arm, r.time): r.n for r in reported.rows if r.statistic == "mean"}
    return [
        (r.arm, r.time, r.statistic, r.value, r.lower, r.upper, counts.get((r.arm, r.time)))
        for r in reported.rows
    ]


def _drawable(row: Row) -> bool:
    return row.statistic == "ls_mean" and row.value is not None


def planned_methods(analyses: Sequence[Analysis]) -> list[str]:
    """What the protocol says of the models by visit, each once."""
    return [
        message("model.planned", method=method)
        for method in dict.fromkeys(a.method for a in analyses if a.model)
    ]
