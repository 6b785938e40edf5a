"""The hierarchy of outcomes: every pair of patients compared, in rows, a table and words."""

from html import escape
from math import nan

import pandas as pd

from esld.data.adam.adce import observed_days
from esld.data.study import Study
from esld.longitudinal.hierarchy import Component, EventsComponent, TimeComponent, ValueComponent
from esld.longitudinal.wins import WinStatistics, win_statistics
from esld.protocol import Analysis, Rank
from esld.randomisation import Design
from esld.reasons import Why, because
from esld.report import numbers
from esld.report.cells import Cell, Label, number
from esld.report.change import pairs as compared
from esld.report.change.pairs import ADJUSTED, difference_label
from esld.report.parameters import analysed, entered
from esld.report.phrases import p_equals, span, whole, worded
from esld.report.planned import result_name
from esld.report.randomised import reference_design
from esld.report.results import Reported, Row
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import as_prose, treatment


def planned(study: Study) -> list[Analysis]:
    """The planned hierarchies, sensitivity analyses among them, where arms are compared; else none."""
    return [plan for plan in study.protocol.analyses if plan.kind == "hierarchy" and study.compares]


def compare_patients(
    study: Study,
    analysis: Analysis,
    pair: tuple[str, str],
    *,
    conf_level: float,
    seed: str,
    design: Design | None = None,
) -> WinStatistics:
    """The win statistics of the planned hierarchy, its ranks by their codes; a win is one of the second arm.

    Parameters
    ----------
    design : Design, optional
        What the test repeats, by default the trial's own.
    """
    if analysis.horizon_days is None:
        raise ValueError(f"analysis {analysis.id} must have a horizon")
    patients = entered(study, analysis, pair)
    ids = patients["USUBJID"].tolist()
    return win_statistics(
        [
            _component(study, code, rank, ids, analysis.horizon_days)
            for code, rank in ranks_by_code(analysis).items()
        ],
        patients["ARMCD"].to_numpy(),
        groups=pair,
        conf_level=conf_level,
        design=design or reference_design(study, pair, ids),
        seed=seed,
    )


def ranks_by_code(analysis: Analysis) -> dict[str, Rank]:
    """The ranks by what each is called in the results: ``OS``, ``MELD_W48``; the same outcome again has its place behind it."""
    found: dict[str, Rank] = {}
    for place, rank in enumerate(analysis.hierarchy, 1):
        code = "_".join(filter(None, (rank.endpoint, *rank.endpoints, rank.parameter, rank.visit)))
        found[f"{code}_{place}" if code in found else code] = rank
    return found


def _component(study: Study, code: str, rank: Rank, ids: list[str], horizon: float) -> Component:
    if rank.endpoint:
        own = study.adtte[study.adtte["PARAMCD"].eq(rank.endpoint)].set_index("USUBJID").loc[ids]
        days = own["AVAL"].to_numpy(dtype=float)
        happened = own["CNSR"].eq(0).to_numpy() & (days <= horizon)
        return TimeComponent(name=code, time=days.clip(max=horizon), event=happened)
    if rank.endpoints:
        followed = observed_days(study.adsl).loc[ids].clip(upper=horizon)
        adce = study.adce
        if len(adce):
            adce = adce[
                adce["PARAMCD"].isin(rank.endpoints) & adce["ANL01FL"].eq("Y") & adce["AVAL"].le(horizon)
            ]
        days_of = adce.groupby("USUBJID")["AVAL"].apply(list).to_dict() if len(adce) else {}
        times = [days_of.get(subject, []) for subject in ids]
        return EventsComponent(name=code, times=times, follow_up=followed.to_numpy(dtype=float))
    parameter = study.protocol.parameter(str(rank.parameter))
    if parameter.better is None:
        raise ValueError(f"parameter {parameter.paramcd} must say which way is better")
    visit = study.protocol.schedule.visit(str(rank.visit))
    rows = analysed(study, parameter.paramcd)
    change = rows[rows["AVISITN"].eq(visit.number)].set_index("USUBJID")["CHG"].reindex(ids)
    return ValueComponent(
        name=code, value=change.to_numpy(dtype=float), better=parameter.better, margin=rank.margin
    )


def win_rows(study: Study, analysis: Analysis, *, conf_level: float, seed: str) -> pd.DataFrame:
    """Win statistics of each comparison in long form, with a statistic of its own for the pairs of each component."""
    parts = []
    for pair in study.pairs:
        if entered(study, analysis, pair).empty:
            parts.append(_nobody(analysis, pair))
            continue
        result = compare_patients(study, analysis, pair, conf_level=conf_level, seed=seed)
        parts.append(rows_of_pair(result))
    return compared.with_adjusted(study, pd.concat(parts, ignore_index=True), "p_value")


def _nobody(analysis: Analysis, pair: tuple[str, str]) -> pd.DataFrame:
    """The rows of two arms of which nobody is in the analysis set."""
    counts = ("wins", "losses", "ties")
    names = [f"component_{what}_{code}" for code in ranks_by_code(analysis) for what in counts]
    about = {"group": difference_label(pair), "n": 0, "method": "count"}
    rows = [{**about, "statistic": name, "value": 0.0} for name in (*names, *counts)]
    reason = because(Why.NOBODY_COUNTED)
    missing = ("net_benefit", "win_ratio", "p_value")
    rows += [{**about, "statistic": name, "value": nan, "reason": reason} for name in missing]
    return pd.DataFrame(rows)


def rows_of_pair(result: WinStatistics) -> pd.DataFrame:
    """Win statistics of two arms in long form."""
    frame = result.to_frame()
    own = frame["statistic"].str.startswith("component_")
    frame.loc[own, "statistic"] = frame["statistic"] + "_" + frame["method"]
    frame.loc[own, "method"] = "count"
    return frame


def pairs_table(study: Study, analysis: Analysis, reported: Reported) -> Table:
    """Pairs won, lost and left undecided by each outcome of the hierarchy, then in all."""
    several = compared.several(study)
    first, second = ("control", "other") if several else study.pairs[0]
    labels = (
        [arm_label(study.pairs[0][0]), message("ranked.other")]
        if several
        else [*map(arm_label, study.pairs[0])]
    )
    keys = {f"{second}.better": "wins", f"{first}.better": "losses", "ties": "ties"}
    heads = {
        f"{second}.better": message("pairs.better", arm=labels[1]),
        f"{first}.better": message("pairs.better", arm=labels[0]),
        "ties": message("pairs.undecided"),
    }
    lines: list[dict[str, Cell]] = []
    for pair in study.pairs:
        block: dict[str, Cell] = {"comparison": Label(compared.against(pair), pair[1])} if several else {}
        label = difference_label(pair)
        for code, rank in ranks_by_code(analysis).items():
            own = {key: number(reported.row(f"component_{what}_{code}", label)) for key, what in keys.items()}
            lines.append(block | {"outcome": Label(rank.name, code)} | own)
        every = {key: number(reported.row(what, label)) for key, what in keys.items()}
        lines.append(block | {"outcome": Label(message("pairs.all"), "ALL")} | every)
    notes = [_sizes(study, analysis, pair) for pair in study.pairs]
    id = result_name(study.protocol, "pairs", analysis)
    group = "comparison" if several else None
    return Table(id, analysis.title, lines, footnotes=tuple(dict.fromkeys(notes)), group=group, heads=heads)


def _sizes(study: Study, analysis: Analysis, pair: tuple[str, str]) -> str:
    first, second = (len(entered(study, analysis, [arm])) for arm in pair)
    return message("pairs.note", first=first, second=second)


def pairs_sentence(study: Study, analysis: Analysis, reported: Reported, *, level: str) -> str:
    """Pairs won and lost, net benefit with its interval, win ratio, win odds, and the exact p-value, of each comparison."""
    return as_prose(_of_pair(reported, pair, level=level) for pair in study.pairs)


def _of_pair(reported: Reported, pair: tuple[str, str], *, level: str) -> str:
    first, second = pair
    label = difference_label(pair)
    own = {what: reported.row(what, label) for what in ("wins", "losses", "ties")}
    said = message(
        "pairs",
        pairs=f"{sum(row.value or 0 for row in own.values()):.0f}",
        first=treatment(first),
        second=treatment(second),
        **{what: whole(row) for what, row in own.items()},
    )
    net = reported.row("net_benefit", label)
    if net.lower is None:
        said = as_prose(
            [
                said,
                message("pairs.net.none", value=_points(net, net.value), reason=escape(worded(net.reason))),
            ]
        )
    else:
        limits = {"value": net.value, "lower": net.lower, "upper": net.upper}
        said = as_prose(
            [said, message("pairs.net", level=level, **{k: _points(net, v) for k, v in limits.items()})]
        )
    ratio = reported.row("win_ratio", label)
    if ratio.lower is None:
        reason = escape(worded(ratio.reason))
        if not own["losses"].value:
            key = "pairs.ratio.none.lost" if own["wins"].value else "pairs.ratio.none.decided"
            reason = message(key, first=treatment(first))
        said = as_prose([said, message("pairs.ratio.none", reason=reason)])
    else:
        said = as_prose([said, message("pairs.ratio", level=level, **_fixed(ratio))])
    if (odds := reported.find("win_odds", label)) and odds.lower is not None:
        said = as_prose([said, message("pairs.odds", level=level, **_fixed(odds))])
    names = ("p_value", "finkelstein_schoenfeld_p_value", "p_value" + ADJUSTED)
    exact, asymptotic, shared = (reported.find(name, label) for name in names)
    if exact is None or asymptotic is None or exact.value is None or asymptotic.value is None:
        return said
    said = as_prose([said, message("pairs.p", exact=p_equals(exact), normal=p_equals(asymptotic))])
    if shared is not None:
        said = as_prose([said, message("pairs.p.adjusted", adjusted=p_equals(shared))])
    return as_prose([said, _reading(net, second)])


def _fixed(row: Row) -> dict[str, str]:
    return {k: span(row, numbers.fixed(getattr(row, k), 2)) for k in ("value", "lower", "upper")}


def _points(row: Row, value: float | None) -> str:
    return span(row, numbers.points(value))


def _reading(net: Row, second: str) -> str:
    if net.lower is None or net.upper is None:
        return ""
    side = "both" if net.lower <= 0 <= net.upper else "more" if net.lower > 0 else "fewer"
    return message(f"pairs.meaning.{side}", second=treatment(second))
