"""Liver function by visit: summaries, tables and figures of laboratory values and scores."""

from collections.abc import Sequence

import pandas as pd

from esld.data.adam.adsl import anchor_days
from esld.data.adam.scores import missing_components
from esld.data.study import Study
from esld.longitudinal.change import mean_change
from esld.protocol import Parameter
from esld.report import figures, numbers
from esld.report.results import Reported, Row
from esld.report.tables import Table
from esld.report.words import in_prose, joined, message, of_group, span


def parameters_of(study: Study, analysis: str) -> list[Parameter]:
    """Parameters of a planned analysis."""
    return [study.protocol.parameter(code) for code in study.protocol.analysis(analysis).parameters]


def analysed(study: Study, paramcd: str) -> pd.DataFrame:
    """Rows of one parameter that are analysed: one a patient and visit, baseline included."""
    adlb = study.adlb
    return adlb[adlb["PARAMCD"].eq(paramcd) & adlb["ANL01FL"].eq("Y")]


def change_by_visit(study: Study, paramcd: str, *, conf_level: float) -> pd.DataFrame:
    """Values and change from baseline by arm and visit, in long form.

    Returns
    -------
    DataFrame
        Rows of :func:`esld.longitudinal.change.mean_change` (``mean_change``, ``sd_change``) and, for the values
        themselves, baseline (``time`` 0) included, ``mean`` and ``sd`` (NaN with a reason for a single value); ``lower``
        counts the values that are lower than the patient's baseline value.
    """
    rows = analysed(study, paramcd)
    unit = study.protocol.parameter(paramcd).unit
    values = []
    for (arm, visit), own in rows.groupby(["TRT01P", "AVISITN"])["AVAL"]:
        about = {"group": arm, "time": visit, "n": len(own), "unit": unit}
        values.append({**about, "statistic": "mean", "value": own.mean(), "method": "arithmetic mean"})
        reason = "" if len(own) > 1 else "a standard deviation needs two values"
        method = "sample standard deviation"
        values.append(
            {**about, "statistic": "sd", "value": own.std(ddof=1), "method": method, "reason": reason}
        )
    known = rows[rows["CHG"].notna()]
    for (arm, visit), own in known.groupby(["TRT01P", "AVISITN"])["CHG"]:
        about = {"group": arm, "time": visit, "n": len(own), "unit": "patients"}
        values.append({**about, "statistic": "lower", "value": int((own < 0).sum()), "method": "count"})
    changes = mean_change(known["CHG"], known["AVISITN"], known["TRT01P"], conf_level=conf_level, unit=unit)
    return pd.DataFrame([*changes.to_dict("records"), *values], columns=changes.columns)


def _found(changes: Reported, statistic: str, arm: str, visit: float) -> Row | None:
    return next((r for r in changes.rows if (r.statistic, r.arm, r.time) == (statistic, arm, visit)), None)


def change_table(study: Study, parameter: Parameter, changes: Reported, *, level: str = "95 %") -> Table:
    """Values and change from baseline by visit and arm: number, mean value (SD), mean change with its interval."""
    d = numbers.of_mean(parameter.decimals)
    heads = {arm: [f"{arm}: n", f"{arm}: mean (SD)", f"{arm}: change ({level} CI)"] for arm in study.arms}
    lines = []
    for visit, label in [(0.0, "Baseline"), *((v.number, v.label) for v in study.protocol.schedule.visits)]:
        line = {"Visit": label}
        for arm, columns in heads.items():
            mean, sd, change = (_found(changes, s, arm, visit) for s in ("mean", "sd", "mean_change"))
            spread = f"{numbers.fixed(mean.value, d)} ({numbers.fixed(sd.value, d)})" if mean and sd else ""
            n = str(mean.n) if mean else "0"
            line |= dict(zip(columns, (n, spread, _change(change, d)), strict=True))
        if any(line[columns[0]] != "0" for columns in heads.values()):
            lines.append(line)
    shown = [r for r in changes.rows if r.statistic in ("sd", "mean_change")]
    notes = [
        "Patients with a value at the visit; change in those who also have a baseline value, Student t interval."
    ]
    notes += [f"NE: {reason}." for reason in dict.fromkeys(r.reason for r in shown if r.reason)]
    frame = pd.DataFrame(lines, columns=["Visit", *(c for columns in heads.values() for c in columns)])
    title = numbers.with_unit(parameter.param, parameter.unit)
    return Table(f"change_{parameter.paramcd.lower()}", title, frame, heads, tuple(notes))


def _change(row: Row | None, decimals: int) -> str:
    if row is None:
        return ""
    value, lower, upper = (numbers.signed(v, decimals) for v in (row.value, row.lower, row.upper))
    return f"{value} ({numbers.NOT_ESTIMABLE})" if row.lower is None else f"{value} ({lower} to {upper})"


def trajectory_figure(study: Study, parameter: Parameter) -> figures.Picture:
    """Every patient's course of one parameter; how it ended is marked at the last value."""
    rows = analysed(study, parameter.paramcd)
    ends = _ends(study, rows)
    bound, name = ("ANRLO", "lower") if parameter.better == "higher" else ("ANRHI", "upper")
    limits = rows[bound].dropna()
    normal = sorted({float(limits.min()), float(limits.max())}) if len(limits) else []
    words = f"{name} limit of normal" + (" (lowest and highest)" if len(normal) > 1 else "")
    log = bool(rows["AVAL"].min() > 0 and rows["AVAL"].max() / rows["AVAL"].min() > 30)
    return figures.trajectories(
        rows,
        arms=study.arms,
        id=f"course_{parameter.paramcd.lower()}",
        title=_course_title(study, parameter, rows),
        alt=_course_words(study, parameter, rows, ends, log=log),
        label=numbers.unit(parameter.unit) or parameter.param,
        ends=ends,
        since="randomisation" if study.protocol.schedule.from_randomisation else "first infusion",
        normal=normal,
        normal_label=words,
        log=log,
    )


def _ends(study: Study, rows: pd.DataFrame) -> pd.DataFrame:
    """What ended each patient's course before the last planned visit was over: a transplant, else death, else loss."""
    schedule = study.protocol.schedule
    seen = study.randomised.set_index("USUBJID")
    seen = seen[seen.index.isin(rows["USUBJID"])]
    over = anchor_days(seen, schedule) + pd.Timedelta(days=schedule.visits[-1].window[1] - 1)
    lost = seen["EOSDT"].where(seen["DCSREAS"].isin(["LOST TO FOLLOW-UP", "WITHDRAWAL BY SUBJECT"]))
    kind = pd.Series(None, seen.index, dtype=object)
    for name, day in (("lost", lost), ("death", seen["DTHDT"]), ("transplant", seen["LTDT"])):
        kind[day <= over] = name
    return kind.rename("kind").rename_axis("USUBJID").dropna().reset_index()


def _course_title(study: Study, parameter: Parameter, rows: pd.DataFrame) -> str:
    """The finding: in how many the last planned visit's value is lower than the baseline value."""
    visit = study.protocol.schedule.visits[-1]
    change = rows[rows["AVISITN"].eq(visit.number) & rows["CHG"].notna()]
    if change.empty:
        return f"{parameter.param}: every patient's course"
    parts = []
    for arm in study.arms:
        own = change.loc[change["TRT01P"].eq(arm), "CHG"]
        parts.append(f"{int((own < 0).sum())} of {len(own)} ({in_prose(arm)})")
    return f"{parameter.param} at {visit.label.lower()}: lower than at baseline in {joined(parts)}"


def _course_words(
    study: Study, parameter: Parameter, rows: pd.DataFrame, ends: pd.DataFrame, *, log: bool
) -> str:
    last = study.protocol.schedule.visits[-1]
    many = rows["USUBJID"].nunique()
    died, grafted, lost = (int(ends["kind"].eq(kind).sum()) for kind in ("death", "transplant", "lost"))
    marked = [
        text
        for count, text in (
            (died, f"{died} died"),
            (grafted, f"{grafted} received a transplant"),
            (lost, f"{lost} {numbers.noun(lost, 'was', 'were')} lost to follow-up"),
        )
        if count
    ]
    scale = ", logarithmic axis" if log else ""
    label = numbers.with_unit(parameter.param, parameter.unit)
    course = (
        f"{label} of each of {many} patients from baseline to {last.label.lower()}, one panel a group{scale}."
    )
    return f"{course} In that time {joined(marked)}; the last value is marked." if marked else course


def change_figure(
    study: Study, changes: dict[str, Reported], *, id: str, title: str, level: str = "95 %"
) -> figures.Picture:
    """Mean change by visit of several parameters, small panels on one time axis."""
    visits = [(v.number, v.code) for v in study.protocol.schedule.visits]
    parameters = {code: study.protocol.parameter(code) for code in changes}
    columns = ["group", "time", "statistic", "value", "lower", "upper"]
    panels = {
        parameters[code].param: pd.DataFrame(
            [(r.arm, r.time, r.statistic, r.value, r.lower, r.upper) for r in reported.rows], columns=columns
        ).astype({"value": float, "lower": float, "upper": float})
        for code, reported in changes.items()
    }
    alt = (
        f"Mean change from baseline with {level} intervals by visit and group for {joined(panels)}. The numbers are in "
        "the tables below."
    )
    units = {p.param: numbers.unit(p.unit) for p in parameters.values()}
    return figures.mean_changes(
        panels, arms=study.arms, visits=visits, id=id, title=title, alt=alt, units=units
    )


def last_change(study: Study, parameter: Parameter, changes: Reported, *, level: str) -> str:
    """Change at the last visit in words, by arm."""
    visit = study.protocol.schedule.visits[-1]
    name = numbers.with_unit(in_prose(parameter.param), parameter.unit)
    found = {arm: _found(changes, "mean_change", arm, visit.number) for arm in study.arms}
    if not any(found.values()):
        return message("change.nobody", visit=visit.label.lower(), parameter=name)
    parts = [_change_words(row, parameter, arm, level) for arm, row in found.items()]
    return message("change", visit=visit.label.lower(), parameter=name, arms=joined(parts))


def _change_words(row: Row | None, parameter: Parameter, arm: str, level: str) -> str:
    if row is None:
        return message("change.none", arm=of_group(arm))
    d = numbers.of_mean(parameter.decimals)
    value, lower, upper = (span(row, numbers.signed(v, d)) for v in (row.value, row.lower, row.upper))
    words = {"value": value, "n": span(row, str(row.n)), "arm": of_group(arm)}
    if row.lower is None:
        return message("change.no_interval", reason=row.reason, **words)
    return message("change.arm", level=level, lower=lower, upper=upper, **words)


def not_computed(study: Study) -> list[tuple[str, str]]:
    """Quantities that the trial does not give, with the reason: a sentence each, never a guess."""
    stated = study.protocol.not_collected
    lacking = missing_components(study.protocol)
    reasons = {
        code: f"needs {joined(parts)}, which the trial does not collect" for code, parts in lacking.items()
    }
    codes: Sequence[str] = list(dict.fromkeys([*stated, *reasons]))
    return [(code, stated.get(code) or reasons[code]) for code in codes]


def after_transplant(study: Study) -> pd.DataFrame:
    """Laboratory values left out because they were measured after a transplant: their number, in long form."""
    adlb = study.adlb
    own = adlb["POSTLTFL"].eq("Y") & adlb["PARCAT1"].eq("LABORATORY") & adlb["DTYPE"].isna()
    count = {"statistic": "excluded values", "value": int(own.sum()), "unit": "values", "method": "count"}
    return pd.DataFrame([count])


def left_out(excluded: Reported) -> str:
    """What :func:`after_transplant` counted, in words."""
    row = excluded.row("excluded values")
    if not row.value:
        return message("transplant.none")
    noun = numbers.noun(row.value, "laboratory value")
    return message("transplant", count=span(row, f"{row.value:.0f}"), noun=noun)
