"""The hierarchy of outcomes: every pair of patients compared, in rows, a table and words."""

from html import escape

import pandas as pd

from esld.data.adam.adce import observed_days
from esld.data.study import Study
from esld.longitudinal.hierarchy import Component, EventsComponent, TimeComponent, ValueComponent
from esld.longitudinal.wins import WinStatistics, win_statistics
from esld.protocol import Analysis, Rank
from esld.randomisation import Design
from esld.report import numbers
from esld.report.cells import Cell, Label, number
from esld.report.parameters import analysed
from esld.report.phrases import p_equals, span, whole, worded
from esld.report.results import Reported, Row
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import treatment


def compare_patients(
    study: Study, analysis: Analysis, entered: pd.DataFrame, *, design: Design, conf_level: float, seed: str
) -> WinStatistics:
    """The win statistics of the planned hierarchy, its ranks by their codes; a win is one of the second arm.

    Parameters
    ----------
    entered : DataFrame
        ADSL of the randomised in the order of the design.
    """
    if analysis.horizon_days is None:
        raise ValueError(f"analysis {analysis.id} must have a horizon")
    ids = entered["USUBJID"].tolist()
    components = [_component(study, rank, ids, analysis.horizon_days) for rank in analysis.hierarchy]
    return win_statistics(
        components,
        entered["ARMCD"].to_numpy(),
        groups=study.arms,
        conf_level=conf_level,
        design=design,
        seed=seed,
    )


def rank_code(rank: Rank) -> str:
    """What a rank is called in the results: ``OS``, ``MELD_W48``."""
    return "_".join(filter(None, (rank.endpoint, *rank.endpoints, rank.parameter, rank.visit)))


def _component(study: Study, rank: Rank, ids: list[str], horizon: float) -> Component:
    if rank.endpoint:
        own = study.adtte[study.adtte["PARAMCD"].eq(rank.endpoint)].set_index("USUBJID").loc[ids]
        days = own["AVAL"].to_numpy(dtype=float)
        happened = own["CNSR"].eq(0).to_numpy() & (days <= horizon)
        return TimeComponent(name=rank_code(rank), time=days.clip(max=horizon), event=happened)
    if rank.endpoints:
        followed = observed_days(study.adsl).loc[ids].clip(lower=0, upper=horizon)
        adce = study.adce
        if len(adce):
            adce = adce[
                adce["PARAMCD"].isin(rank.endpoints) & adce["ANL01FL"].eq("Y") & adce["AVAL"].le(horizon)
            ]
        days_of = adce.groupby("USUBJID")["AVAL"].apply(list).to_dict() if len(adce) else {}
        times = [days_of.get(subject, []) for subject in ids]
        return EventsComponent(name=rank_code(rank), times=times, follow_up=followed.to_numpy(dtype=float))
    parameter = study.protocol.parameter(str(rank.parameter))
    if parameter.better is None:
        raise ValueError(f"parameter {parameter.paramcd} must say which way is better")
    visit = study.protocol.schedule.visit(str(rank.visit))
    rows = analysed(study, parameter.paramcd)
    change = rows[rows["AVISITN"].eq(visit.number)].set_index("USUBJID")["CHG"].reindex(ids)
    return ValueComponent(
        name=rank_code(rank), value=change.to_numpy(dtype=float), better=parameter.better, margin=rank.margin
    )


def win_rows(result: WinStatistics) -> pd.DataFrame:
    """Long form with a statistic of its own for the pairs of each component."""
    frame = result.to_frame()
    own = frame["statistic"].str.startswith("component_")
    frame.loc[own, "statistic"] = frame["statistic"] + "_" + frame["method"]
    frame.loc[own, "method"] = "count"
    return frame


def pairs_table(study: Study, result: WinStatistics, reported: Reported) -> Table:
    """Pairs won, lost and left undecided by each outcome of the hierarchy, then in all."""
    first, second = study.arms[:2]
    heads = {
        f"{second}.better": message("pairs.better", arm=arm_label(second)),
        f"{first}.better": message("pairs.better", arm=arm_label(first)),
        "ties": message("pairs.undecided"),
    }
    counted = dict(zip(heads, ("wins", "losses", "ties"), strict=True))
    names = {rank_code(rank): rank.name for plan in study.protocol.analyses for rank in plan.hierarchy}
    lines: list[dict[str, Cell]] = [
        {"outcome": Label(names[part.name], part.name)}
        | {key: number(reported.row(f"component_{what}_{part.name}")) for key, what in counted.items()}
        for part in result.components
    ]
    every = Label(message("pairs.all"), "ALL")
    lines.append({"outcome": every} | {key: number(reported.row(what)) for key, what in counted.items()})
    notes = (message("pairs.note", first=result.n[0], second=result.n[1]),)
    return Table("pairs", message("pairs.title"), lines, footnotes=notes, heads=heads)


def pairs_sentence(study: Study, result: WinStatistics, reported: Reported) -> str:
    """Pairs won and lost, net benefit with its interval, win ratio, and the exact p-value."""
    first, second = study.arms[:2]
    counts = {what: whole(reported.row(what)) for what in ("wins", "losses", "ties")}
    level = numbers.level(result.conf_level)
    said = message(
        "pairs",
        pairs=f"{result.n[0] * result.n[1]}",
        first=treatment(first),
        second=treatment(second),
        **counts,
    )
    net = reported.row("net_benefit")
    if net.lower is None:
        said += " " + message(
            "pairs.net.none", value=_points(net, net.value), reason=escape(worded(net.reason))
        )
    else:
        limits = {"value": net.value, "lower": net.lower, "upper": net.upper}
        said += " " + message("pairs.net", level=level, **{k: _points(net, v) for k, v in limits.items()})
    ratio = reported.row("win_ratio")
    if ratio.lower is None:
        won, lost = (reported.row(what).value for what in ("wins", "losses"))
        reason = escape(worded(ratio.reason))
        if not lost:
            key = "pairs.ratio.none.lost" if won else "pairs.ratio.none.decided"
            reason = message(key, first=treatment(first))
        said += " " + message("pairs.ratio.none", reason=reason)
    else:
        shown = {k: span(ratio, numbers.fixed(getattr(ratio, k), 2)) for k in ("value", "lower", "upper")}
        said += " " + message("pairs.ratio", level=level, **shown)
    exact, asymptotic = (reported.find(name) for name in ("p_value", "finkelstein_schoenfeld_p_value"))
    if exact is None or asymptotic is None or exact.value is None or asymptotic.value is None:
        return said
    return f"{said} {message('pairs.p', exact=p_equals(exact), normal=p_equals(asymptotic))} {_reading(net, second)}"


def _points(row: Row, value: float | None) -> str:
    return span(row, numbers.points(value))


def _reading(net: Row, second: str) -> str:
    if net.lower is None or net.upper is None:
        return ""
    side = "both" if net.lower <= 0 <= net.upper else "more" if net.lower > 0 else "fewer"
    return message(f"pairs.meaning.{side}", second=treatment(second))
