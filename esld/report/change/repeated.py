"""Change from baseline by visit: the mixed model of a parameter as rows, a table, a figure and words."""

from html import escape
from typing import Any

import pandas as pd

from esld.data.study import Study
from esld.longitudinal.mmrm import MMRM, mmrm
from esld.methods import structure_of
from esld.protocol import Analysis, Parameter
from esld.reasons import Reason, Why, because, together
from esld.report import numbers
from esld.report.cells import Cell, Empty, Label, Number, estimate, number, several
from esld.report.change import courses
from esld.report.drawing import figures
from esld.report.parameters import analysed, unrecorded
from esld.report.phrases import Sentence, notes_of, p_equals, prose, span, worded
from esld.report.results import Reported, Row
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import arm_in_prose, in_prose, joined, of_group, treatment


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
    """
    rows = analysed(study, parameter.paramcd)
    return pd.concat(
        [_values(rows, parameter), _model(study, rows, parameter, analysis, conf_level)], ignore_index=True
    )


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
    about = used | {"value": fit.n_obs, "method": fit.label, "reason": together(fit.failures)}
    return pd.concat([*parts, pd.DataFrame([about])], ignore_index=True)


def fit_change(
    study: Study, known: pd.DataFrame, analysis: Analysis, *, conf_level: float, unit: str
) -> MMRM:
    """The model that the protocol names: change on baseline, group, visit, and group by visit.

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
    weeks = {visit.number: visit.week for visit in study.protocol.schedule.visits}
    frame = known[["USUBJID", "AVISITN", "BASE", "CHG"]].astype({"BASE": float, "CHG": float})
    frame["ARMCD"] = pd.Categorical(known["ARMCD"], categories=study.filled)
    frame["AVISITN"] = pd.Categorical(known["AVISITN"].astype(int), categories=list(weeks))
    return mmrm(
        frame, "CHG ~ BASE + ARMCD * AVISITN", subject="USUBJID", visit="AVISITN",
        covariance=analysis.model.covariance, fallback=analysis.model.fallback, times=weeks, conf_level=conf_level, unit=unit,
    )  # fmt: skip


def _no_model(study: Study, parameter: Parameter, used: dict[str, Any], reason: Reason) -> pd.DataFrame:
    first = study.arms[0]
    groups = {arm: "ls_mean" for arm in study.filled}
    groups |= {f"{arm} - {first}": "ls_mean_difference" for arm in study.arms[1:] if study.compares}
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


def difference_label(study: Study) -> str:
    """How the rows of the model call the difference: second minus first arm."""
    first, second = study.arms[:2]
    return f"{second} - {first}"


def change_table(
    study: Study, parameter: Parameter, changes: Reported, *, level: str = "95 %"
) -> Table | Sentence:
    """By visit: number, mean (SD) and LS mean change of each arm, and the difference of the changes."""
    if "mean" not in changes:
        return unrecorded(parameter)
    d = numbers.of_mean(parameter.decimals)
    columns = {arm: [f"{arm}.{what}" for what in ("n", "mean_sd", "change")] for arm in study.arms}
    between_them = ["difference"] if study.compares else []
    heads = {"difference": message("change.column.difference", level=level)}
    for _, spread_of, change_of in columns.values():
        heads[spread_of] = message("change.column.mean_sd")
        heads[change_of] = message("change.column.change", level=level)
    visits = [(v.number, Label(v.label, v.code)) for v in study.protocol.schedule.visits]
    baseline = Label(message("change.baseline"), "baseline")
    lines, shown = [], []
    for visit, label in [(0.0, baseline), *visits]:
        line: dict[str, Cell] = {"visit": label}
        for arm, own in columns.items():
            mean, sd, change = (changes.find(s, arm, visit) for s in ("mean", "sd", "ls_mean"))
            spread = several("{} ({})", mean=number(mean, d), sd=number(sd, d)) if mean and sd else Empty()
            n = Number(mean.n if mean else 0)
            line |= dict(zip(own, (n, spread, estimate(change, d, "signed")), strict=True))
            shown += [row for row in (sd, change) if row]
        for column in between_them:
            between = changes.find("ls_mean_difference", difference_label(study), visit)
            line[column] = estimate(between, d, "signed")
            shown += [between] if between else []
        if any(line[own[0]].text != "0" for own in columns.values()):
            lines.append(line)
    notes = [_of_model(study, changes.row("model_values"), fitted=any(r.lower is not None for r in shown))]
    notes += notes_of(shown)
    title = numbers.with_unit(parameter.param, parameter.unit)
    spanners = {arm_label(arm): own for arm, own in columns.items()}
    id = f"change_{parameter.paramcd.lower()}"
    return Table(id, title, lines, spanners, tuple(notes), heads=heads)


def _of_model(study: Study, row: Row, *, fitted: bool) -> str:
    """The footnote: what was fitted, on what, and what was given up before."""
    pooled = "" if study.compares else ".pooled"
    named = dict(zip(("first", "second"), map(arm_in_prose, study.arms), strict=False))
    text = message(f"change.note{pooled}", **named)
    if not fitted:
        return text
    model = message(
        f"change.note.model{pooled}", count=row.value, values=numbers.fixed(row.value, 0), n=row.n,
        structure=message(f"structure.{structure_of(row.method)}"),
    )  # fmt: skip
    failed = message("change.note.failed", reason=worded(row.reason)) if row.reason else ""
    return " ".join(filter(None, [text, model, failed]))


def change_figure(
    study: Study, changes: dict[str, Reported], *, id: str, title: str, level: str = "95 %"
) -> figures.Picture | Sentence:
    """LS mean change by visit of several parameters, small panels on one time axis."""
    drawn = {code: own for code, own in changes.items() if any(_drawable(row) for row in own.rows)}
    if not drawn:
        absent = joined(prose(study.protocol.parameter(code).param) for code in changes)
        return Sentence(message("change.figure.none", parameters=absent))
    visits = [(v.number, v.code) for v in study.protocol.schedule.visits]
    parameters = {code: study.protocol.parameter(code) for code in drawn}
    columns = ["group", "time", "statistic", "value", "lower", "upper"]
    panels = {
        code: pd.DataFrame(
            [(r.arm, r.time, r.statistic, r.value, r.lower, r.upper) for r in reported.rows], columns=columns
        )
        .astype({"value": float, "lower": float, "upper": float})
        .query("statistic == 'ls_mean'")
        for code, reported in drawn.items()
    }
    names = {code: p.param for code, p in parameters.items()}
    key = "change.figure.alt" if study.compares else "change.figure.alt.pooled"
    return courses.mean_changes(
        panels, arms=study.arms, visits=visits, id=id, title=title,
        alt=message(key, level=level, parameters=joined(names.values())), names=names,
        units={code: numbers.unit(p.unit) for code, p in parameters.items()},
    )  # fmt: skip


def _drawable(row: Row) -> bool:
    return row.statistic == "ls_mean" and row.value is not None


def last_change(study: Study, parameter: Parameter, changes: Reported, *, level: str) -> str:
    """Change at the last visit in words: each arm, the difference with its interval, and what that means."""
    visit = study.protocol.schedule.visits[-1]
    name = escape(numbers.with_unit(in_prose(parameter.param), parameter.unit))
    if not any(changes.find("lower", arm, visit.number) for arm in study.filled):
        return message("change.unreached", visit=prose(visit.label), parameter=name)
    arms = {arm: changes.find("ls_mean", arm, visit.number) for arm in study.filled}
    needed = list(arms.values())
    if study.compares:
        needed.append(changes.find("ls_mean_difference", difference_label(study), visit.number))
    between = needed[-1]
    if any(row is None or row.value is None for row in needed) or between is None:
        why = between.reason if between else None
        reason = escape(worded(why)) if why else message("change.nobody")
        key = "change.none" if study.compares else "change.none.pooled"
        return message(key, visit=prose(visit.label), parameter=name, reason=reason)
    d = numbers.of_mean(parameter.decimals)
    parts = [
        message("change.arm", level=level, n=span(row, str(row.n)), arm=of_group(arm), **_limits(row, d))
        for arm, row in arms.items()
        if row is not None
    ]
    said = message("change", visit=prose(visit.label), parameter=name, arms=joined(parts))
    if not study.compares:
        return said
    first, second = study.arms[:2]
    difference = message(
        "change.difference", level=level, first=escape(arm_in_prose(first)), second=escape(arm_in_prose(second)),
        p=p_equals(changes.row("ls_mean_difference_p_value", difference_label(study), visit.number)), **_limits(between, d),
    )  # fmt: skip
    return f"{said} {difference} {_meaning(between, parameter, second)}"


def _limits(row: Row, decimals: int) -> dict[str, str]:
    names = ("value", "lower", "upper")
    return {name: span(row, numbers.signed(getattr(row, name), decimals)) for name in names}


def _meaning(row: Row, parameter: Parameter, second: str) -> str:
    """Which way the interval leaves open."""
    if row.lower is None or row.upper is None:
        return message("change.meaning.none", reason=escape(worded(row.reason)))
    side = "both" if row.lower <= 0 <= row.upper else "higher" if row.lower > 0 else "lower"
    return message(f"change.meaning.{side}", parameter=prose(parameter.param), second=treatment(second))
