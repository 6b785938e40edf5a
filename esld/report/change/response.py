"""Who has responded at a visit: proportions, their differences and exact tests, and what those without a value could change."""

from collections.abc import Iterator, Mapping
from html import escape

import numpy as np
import pandas as pd

from esld.data.study import Study
from esld.longitudinal.responders import Response as Counts
from esld.longitudinal.responders import counted
from esld.protocol import Analysis, Parameter, Response
from esld.reasons import Why, because
from esld.report import numbers
from esld.report.cells import Cell, Count, Label, Limits, NotEstimable, estimate, number
from esld.report.change import pairs as compared
from esld.report.change.one_visit import at_visit
from esld.report.change.pairs import ADJUSTED, difference_label
from esld.report.change.repeated import Results
from esld.report.parameters import not_over, parameters_of, visit_of
from esld.report.phrases import Sentence, notes_of, p_equals, points, points_noun, prose, span, worded
from esld.report.planned import result_name
from esld.report.results import Reported, Row
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import arm_in_prose, as_prose, in_prose, joined, of_group, treatment
from esld.survival.proportions import clopper_pearson, risk_difference
from esld.survival.two_by_two import boschloo, fisher

SHARE, DIFFERENCE, P = "response_rate", "risk_difference", "fisher_p_value"
CASES = ("", "observed", "best", "worst")  # what those without a value count as; the first is the planned one
_NOISE = 1e-9  # a value this close to the limit, in parts of it, is at it


def response_rows(
    study: Study, analysis: Analysis, parameter: Parameter, *, conf_level: float
) -> pd.DataFrame:
    """Responders in long form.

    Who died before the visit, or has no value at it, is none; who may still come is not counted. Beside it: ``observed``, those
    with a value alone; ``best`` and ``worst``, in which whoever is not known to have died responded in the compared arms and not
    in the control, and the other way round; where nothing is compared, everywhere.

    Returns
    -------
    DataFrame
        ``response_rate`` of each arm with exact limits, ``events`` of ``n``; ``dead`` and ``absent``, who has no value; of each
        comparison ``risk_difference`` with the limits of Miettinen and Nurminen, ``fisher_p_value`` and ``boschloo_p_value``. The
        other cases end in their name.
    """
    arms = study.filled
    at = at_visit(study, analysis, parameter, arms)
    judged, dead = responded(analysis, at.frame), at.frame["death"].notna().to_numpy()
    own = {arm: at.frame["ARMCD"].eq(arm).to_numpy() for arm in arms}
    counts = {arm: counted(judged[rows], dead[rows], group=arm) for arm, rows in own.items()}
    parts, control = [], study.arms[0] if study.compares else None
    for case in CASES:
        x_of_n = {arm: _counted(counts[arm], case, control=arm == control) for arm in arms}
        parts += [_share(arm, *x_of_n[arm], case, conf_level) for arm in arms]
        for pair in study.pairs:
            parts.append(_compared(pair, x_of_n[pair[0]], x_of_n[pair[1]], case, conf_level))
    about = {"unit": "patients", "method": "count"}
    parts.append(
        pd.DataFrame(
            [
                {**about, "group": arm, "statistic": what, "value": getattr(own, what), "n": own.subjects}
                for arm, own in counts.items()
                for what in ("dead", "absent")
            ]
        )
    )
    return compared.with_adjusted(study, pd.concat(parts, ignore_index=True), P)


def responded(analysis: Analysis, frame: pd.DataFrame) -> np.ndarray:
    """1 of who reaches the limit, 0 of who does not, NaN of who has nothing to be judged by.

    Parameters
    ----------
    analysis : Analysis
        With a ``response``.
    frame : DataFrame
        ``BASE``, ``CHG`` and ``VALUE``, a row a patient. A percent change from a baseline of 0 or less is none.
    """
    response = analysis.response
    if response is None:
        raise ValueError(f"analysis {analysis.id} must say who has responded")
    base, change, value = (frame[name].to_numpy(dtype=float) for name in ("BASE", "CHG", "VALUE"))
    if response.of == "value":
        found, scale = value, np.abs(value)
    elif response.of == "change":
        found, scale = change, np.maximum(np.abs(value), np.abs(base))
    else:
        found = np.where(base > 0, 100 * change / np.where(base > 0, base, np.nan), np.nan)
        scale = 100 * np.maximum(np.abs(value), np.abs(base)) / np.where(base > 0, base, np.nan)
    noise = _NOISE * np.nan_to_num(scale)
    side, limit = (1, response.at_least) if response.at_least is not None else (-1, response.at_most)
    reached = side * (found - (limit or 0.0)) >= -noise
    return np.where(np.isnan(found), np.nan, reached.astype(float))


def _counted(counts: Counts, case: str, *, control: bool) -> tuple[int, int]:
    """Responders and of how many, under a case."""
    if case == "observed":
        return counts.of("left out")
    x, n = counts.of("non-responder")
    more = {"best": not control, "worst": control}.get(case, False)
    return x + counts.absent * more, n


def _named(statistic: str, case: str) -> str:
    return "_".join(filter(None, (statistic, case)))


def _share(arm: str, x: int, n: int, case: str, conf_level: float) -> pd.DataFrame:
    name = _named(SHARE, case)
    if not n:
        about = {"group": arm, "statistic": name, "n": 0, "events": 0, "method": "clopper-pearson"}
        return pd.DataFrame([{**about, "value": np.nan, "reason": because(Why.NOBODY_COUNTED)}])
    return clopper_pearson(x, n, conf_level=conf_level).to_frame(group=arm, statistic=name)


def _compared(
    pair: tuple[str, str], control: tuple[int, int], arm: tuple[int, int], case: str, conf_level: float
) -> pd.DataFrame:
    """The difference of the shares, and of the planned case the exact tests too."""
    between = difference_label(pair)
    if not (control[1] and arm[1]):
        about = {"group": between, "n": control[1] + arm[1], "reason": because(Why.NOBODY_COUNTED)}
        names = {_named(DIFFERENCE, case): "miettinen-nurminen", _named(P, case): "fisher, point-probability"}
        rows = [{**about, "statistic": s, "method": how, "value": np.nan} for s, how in names.items()]
        return pd.DataFrame(rows)
    table = (*arm, *control)
    gap = risk_difference(*table, conf_level=conf_level).to_frame(group=between)
    parts = [gap[gap["statistic"].eq(DIFFERENCE)].assign(statistic=_named(DIFFERENCE, case))]
    for name, test in (("fisher", fisher), ("boschloo", boschloo)):
        if name == "fisher" or not case:
            frame = test(*table).to_frame(group=between)
            own = frame[frame["statistic"].eq("p_value")]
            parts.append(own.assign(statistic=_named(f"{name}_p_value", case)))
    return pd.concat(parts, ignore_index=True)


def response_table(
    study: Study, analysis: Analysis, responses: Results, *, level: str = "95 %"
) -> Table | Sentence:
    """Responders of each arm as planned, among those with a value, and at best and worst; the differences and their tests.

    A sentence while nobody can be judged.
    """
    lines, rows = [], list[Row]()
    parameters = parameters_of(study, analysis)
    for parameter in parameters:
        reported = responses[analysis.id, parameter.paramcd]
        for case in CASES:
            line: dict[str, Cell] = (
                {"parameter": Label(parameter.param, parameter.paramcd)} if len(parameters) > 1 else {}
            )
            line["analysis"] = Label(message(f"response.case.{case or 'planned'}"), case or "planned")
            for arm in study.filled:
                row = reported.row(_named(SHARE, case), arm)
                line[f"{arm}.responded"] = Count(row.events or 0, row.n or 0, id=row.result_id)
                rows.append(row)
                line[f"{arm}.limits"] = _limits(row)
            for key, cell, gap in _differences(study, reported, case):
                line[key] = cell
                rows += [gap] if gap else []
            lines.append(line)
    if all(row.value is None for row in rows):
        visit = in_prose(visit_of(study, analysis).label)
        return Sentence(message("response.nobody", title=escape(analysis.title), visit=escape(visit)))
    spanners = {arm_label(arm): [f"{arm}.responded", f"{arm}.limits"] for arm in study.filled}
    several = compared.several(study)
    heads = {f"{arm}.limits": message("response.column.limits", level=level) for arm in study.filled}
    for pair in study.pairs:
        keys = [key for key in lines[0] if key.startswith(_key(study, pair))]
        spanners |= {compared.against(pair): keys} if several else {}
        heads[f"{_key(study, pair)}difference"] = message("response.column.difference", level=level)
    notes = [definition(study, analysis, parameter) for parameter in parameters]
    key = "response.note.cases.compared" if study.compares else "response.note.cases"
    notes.append(message(key, first=arm_in_prose(study.arms[0])))
    if not_over(study, visit_of(study, analysis)):
        notes.append(message("response.note.later"))
    if study.compares:
        notes += [
            message("response.note.difference", difference=compared.minus(study)),
            *compared.note(study),
        ]
    notes += notes_of(rows)
    id = result_name(study.protocol, "responders", analysis)
    group = "parameter" if len(parameters) > 1 else None
    return Table(id, analysis.title, lines, spanners, tuple(notes), group=group, heads=heads)


def _key(study: Study, pair: tuple[str, str]) -> str:
    """How the columns of a comparison begin: with the arm, where there are several."""
    return f"{pair[1]}.v." if compared.several(study) else ""


def _limits(row: Row) -> Cell:
    if row.value is None:
        return NotEstimable()
    return Limits(row.lower, row.upper, numbers.of_share(row.n), "percent")


def _differences(study: Study, reported: Reported, case: str) -> Iterator[tuple[str, Cell, Row | None]]:
    """The cells of each comparison; Boschloo's test and adjusted p-values are of the planned case."""
    tests = {"p_fisher": P, "p_boschloo": "boschloo_p_value"}
    if compared.shares_error(study):
        tests["p_adjusted"] = P + ADJUSTED
    for pair in study.pairs:
        label, key = difference_label(pair), _key(study, pair)
        gap = reported.row(_named(DIFFERENCE, case), label)
        yield f"{key}difference", estimate(gap, numbers.of_share((gap.n or 0) // 2), "points"), gap
        for name, statistic in tests.items():
            yield f"{key}{name}", number(reported.find(_named(statistic, case), label), style="p"), None


def definition(study: Study, analysis: Analysis, parameter: Parameter) -> str:
    """Who has responded, as plain text."""
    response = analysis.response or Response(at_least=0)
    side = "at_least" if response.at_least is not None else "at_most"
    limit = response.at_least if response.at_least is not None else response.at_most
    text = f"{limit:g}".replace("-", numbers.MINUS)
    if response.of != "value" and limit is not None and limit > 0:
        text = f"+{text}"
    unit = numbers.unit("percent" if response.of == "percent change" else parameter.unit)
    shown = message("number.percent", number=text) if unit == "%" else f"{text} {unit}".strip()
    return message(
        f"response.{response.of.replace(' ', '_')}.{side}", parameter=in_prose(parameter.param),
        limit=shown, visit=in_prose(visit_of(study, analysis).label),
    )  # fmt: skip


def response_sentence(
    study: Study, analysis: Analysis, parameter: Parameter, reported: Reported, *, level: str
) -> str:
    """Responders of each arm, the differences with their intervals, and what they mean."""
    rows = {arm: reported.row(SHARE, arm) for arm in study.filled}
    visit = prose(visit_of(study, analysis).label)
    parts = [
        message(
            "response.arm", arm=of_group(arm), level=level, n=row.n, x=span(row, f"{row.events or 0}"),
            **{k: span(row, numbers.percent(getattr(row, k), row.n)) for k in ("value", "lower", "upper")},
        )
        for arm, row in rows.items()
        if row.value is not None
    ]  # fmt: skip
    if not parts:
        return message("response.none", visit=visit, parameter=prose(parameter.param))
    said = [
        message("response", visit=visit, arms=joined(parts)),
        escape(definition(study, analysis, parameter)),
    ]
    return as_prose([*said, *(_difference(reported, pair, level=level) for pair in study.pairs)])


def _difference(reported: Reported, pair: tuple[str, str], *, level: str) -> str:
    label, (first, second) = difference_label(pair), (escape(arm_in_prose(arm)) for arm in pair)
    gap = reported.row(DIFFERENCE, label)
    if gap.value is None or gap.lower is None or gap.upper is None:
        reason = escape(worded(gap.reason))
        return message("change.none.pair", first=first, second=second, reason=reason)
    shown: Mapping[str, str] = {k: points(gap, getattr(gap, k)) for k in ("value", "lower", "upper")}
    fisher_p, *adjusted = (reported.row(s, label) for s in compared.p_of(reported, P, pair))
    said = message(
        "response.difference.adjusted" if adjusted else "response.difference", first=first, second=second, level=level,
        noun=points_noun(shown["value"]), p=p_equals(fisher_p), boschloo=p_equals(reported.row("boschloo_p_value", label)),
        adjusted=p_equals(adjusted[0]) if adjusted else "", **{k: span(gap, text) for k, text in shown.items()},
    )  # fmt: skip
    side = "both" if gap.lower <= 0 <= gap.upper else "more" if gap.lower > 0 else "fewer"
    return as_prose([said, message(f"response.meaning.{side}", second=treatment(pair[1]))])
