"""Balance before treatment: standardised differences of every baseline variable, and who came when."""

from collections.abc import Sequence
from html import escape
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from esld.data.cutfile import ALL
from esld.data.study import Study
from esld.randomisation import mean_place
from esld.report import needs, numbers
from esld.report.baseline_variables import (
    Variable,
    as_number,
    baseline_values,
    baseline_variables,
    compared_words,
    difference_cell,
    difference_columns,
    difference_group,
)
from esld.report.cells import Cell, Empty, Label, Limits, Number, number
from esld.report.drawing import figures
from esld.report.phrases import Sentence, notes_of, span, whole, worded
from esld.report.randomised import order_of_entry
from esld.report.rates import of_several
from esld.report.results import Reported, Row
from esld.report.subgroups import level_words
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import arm_in_prose, as_prose, in_prose, joined, of_group

_MARKERS = ("D", "o", "s", "^")  # by pair: the first place is the control's
_TOLD = 3  # largest differences that are told in words
_ALWAYS = ("AGE", "SEX")  # told however large: readers look for them first


def balance_figure(study: Study, balance: Reported) -> figures.Picture | Sentence:
    """A dot a variable and pair on one axis of standard deviations, with the band in which chance leaves 95 of 100.

    The band is a variable's own: a difference of few categories is spread otherwise than one of a quantity.

    A sentence in its place where no difference is known.
    """
    variables, pairs = baseline_variables(study), needs.pairs(study)
    found = {
        pair: {v.name: balance.row(f"{v.name} standardised difference", difference_group(study, pair)) for v in variables}
        for pair in pairs
    }  # fmt: skip
    known = [v for v in variables if any(own[v.name].value is not None for own in found.values())]
    if not known:
        reasons = dict.fromkeys(worded(row.reason) for row in balance.rows)
        return Sentence(
            message("balance.unknown", reasons=message("reasons.list").join(filter(None, reasons)))
        )
    figure = figures.new_figure(0.65 + 0.21 * len(known) + 0.3 * (len(pairs) > 1))
    axes = figure.subplots()
    places = np.arange(len(known))[::-1]
    bands = {v.name: _band([own[v.name] for own in found.values()]) for v in known}
    for place, v in zip(places, known, strict=True):
        axes.barh(
            place, bands[v.name][1] - bands[v.name][0], left=bands[v.name][0], height=0.62, color="#E4E4E4"
        )
    axes.axvline(0, color="#888888", linewidth=0.7)
    for position, (pair, own) in enumerate(found.items(), 1):
        colour = "#444444" if len(pairs) == 1 else figures.arm_style(position)["color"]
        label = message("balance.pair", arm=arm_label(pair[1]), control=arm_in_prose(pair[0]))
        shown = [
            (place, value)
            for place, v in zip(places, known, strict=True)
            if (value := own[v.name].value) is not None
        ]
        look: dict[str, Any] = {
            "marker": _MARKERS[position % len(_MARKERS)],
            "linestyle": "none",
            "color": colour,
        }
        axes.plot([value for _, value in shown], [place for place, _ in shown], label=label, **look)
    axes.set_yticks(places, [v.label for v in known], fontsize=8)
    rows = [(v, row) for own in found.values() for v in known if (row := own[v.name]).value is not None]
    outside = [v for v, row in rows if is_outside(row)]
    reach = max(abs(x) for x in (*chain(*bands.values()), *(row.value or 0 for _, row in rows))) * 1.08
    label = message("balance.axis", arm=arm_in_prose(pairs[0][1]))
    axes.set(
        xlim=(-reach, reach),
        xlabel=message("balance.axis.each", control=arm_in_prose(pairs[0][0])) if len(pairs) > 1 else label,
    )
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False)
    if len(pairs) > 1:
        figure.legend(loc="outside lower left", ncols=2, fontsize=8.5)
    key = "balance.finding" if len(pairs) == 1 else "balance.finding.each"
    title = message(key, n=len(rows), control=arm_in_prose(pairs[0][0]))
    beyond = message("list.comma").join(dict.fromkeys(v.label for v in outside)) or message("balance.none")
    alt = message("balance.alt", n=len(known), beyond=beyond)
    return figures.settled("balance", figure, alt, title=title, legend=message("legend.balance"))


def balance_table(study: Study, balance: Reported) -> Table | None:
    """The numbers behind :func:`balance_figure`; None where no difference is known."""
    if all(row.value is None for row in balance.rows):
        return None
    lines, columns = [], difference_columns(study)
    for variable in baseline_variables(study):
        line: dict[str, Cell] = {"variable": Label(variable.label, variable.name)}
        for pair, (key, _) in columns.items():
            group = difference_group(study, pair)
            row = balance.row(f"{variable.name} standardised difference", group)
            n = "n" if len(columns) == 1 else f"{pair[1]}.n"
            line |= {
                n: Empty() if row.n is None else Number(row.n),
                key: difference_cell(balance, variable, group),
                f"{key}.chance": Empty()
                if row.lower is None and row.value is not None
                else Limits(row.lower, row.upper, 2, "signed"),
            }
        lines.append(line)
    notes = [message("balance.note", **compared_words(study)), message("balance.no_p")]
    heads = dict(columns.values())
    if len(columns) > 1:
        heads |= {
            f"{key}.chance": message(
                "balance.pair.chance", arm=arm_label(pair[1]), control=arm_in_prose(pair[0])
            )
            for pair, (key, _) in columns.items()
        }
        heads |= {
            f"{arm}.n": message("balance.pair.n", arm=arm_label(arm), control=arm_in_prose(c))
            for c, arm in columns
        }
    return Table(
        "balance", message("balance.title"), lines, footnotes=(*notes, *notes_of(balance.rows)), heads=heads
    )


def is_outside(row: Row) -> bool:
    """Whether a difference lies outside the band in which chance leaves 95 of 100."""
    return (
        row.value is not None
        and row.lower is not None
        and row.upper is not None
        and not row.lower <= row.value <= row.upper
    )


def _band(rows: Sequence[Row]) -> tuple[float, float]:
    """The band of a variable; of several pairs the widest."""
    return min([r.lower or 0 for r in rows]), max([r.upper or 0 for r in rows])


def level_rows(study: Study) -> pd.DataFrame:
    """What each arm has of the variables whose difference :func:`largest_sentence` tells: a mean, or a number of patients."""
    values, rows = baseline_values(study), []
    for variable in baseline_variables(study):
        column = as_number(variable, values.get(variable.name, pd.Series(np.nan, values.index)))
        for arm in study.filled:
            own = column[values["ARMCD"].eq(arm)].dropna()
            two = variable.yes_no or variable.name == "SEX"
            about = {"unit": "patients", "method": "count"} if two else {"unit": "", "method": "mean"}
            value = own.sum() if two else own.mean()
            rows.append(
                {"statistic": f"{variable.name} level", "group": arm, "value": value, "n": len(own), **about}
            )
    return pd.DataFrame(rows)


def largest_sentence(study: Study, balance: Reported, levels: Reported) -> str:
    """The largest differences in words, and those outside the band of chance; nothing where no difference is known."""
    said = []
    for pair in needs.pairs(study):
        group = difference_group(study, pair)
        rows = {v: balance.row(f"{v.name} standardised difference", group) for v in baseline_variables(study)}
        known = [(v, row) for v, row in rows.items() if row.value is not None]
        largest = sorted(known, key=lambda each: -abs(each[1].value or 0))[:_TOLD]
        chosen = [v for v, row in known if (v, row) in largest or is_outside(row) or v.name in _ALWAYS]
        if chosen:
            parts = message("reasons.list").join(_levels(study, v, pair, levels) for v in chosen)
            about = {"arm": of_group(pair[1]), "control": of_group(pair[0])}
            said.append(message("balance.largest", parts=parts, **about))
    primary = study.protocol.primary
    own = [a for a in study.protocol.analyses if a.endpoint == primary.endpoint]
    adjusted = [a for a in own if a.stratified or a.covariates]
    told = message("balance.unadjusted")
    if adjusted:
        titles = joined(escape(a.title) for a in adjusted)
        told = "" if primary in adjusted else message("balance.adjusted", titles=titles)
    return as_prose([*said, told]) if said else ""


def _levels(study: Study, variable: Variable, pair: tuple[str, str], levels: Reported) -> str:
    rows = [levels.row(f"{variable.name} level", arm) for arm in pair]
    name = escape(in_prose(variable.label))
    if rows[0].unit == "patients":
        one, other = (message("cell.of", x=whole(row), n=span(row, str(row.n))) for row in rows)
        name = (
            message("baseline.category", label=name, category=message("baseline.sex.F"))
            if variable.name == "SEX"
            else name
        )
        return message("balance.level.count", variable=name, one=one, other=other)
    one, other = (span(row, numbers.fixed(row.value, numbers.of_mean(variable.decimals))) for row in rows)
    return message("balance.level.mean", variable=name, one=one, other=other)


def stratum_rows(study: Study) -> pd.DataFrame:
    """Randomised patients of each stratum by arm and in all, in long form; the stratum is part of the statistic."""
    needs.require(study, "part=strata")
    entered, rows = order_of_entry(study), []
    for stratum in _strata(entered):
        own = entered[entered["STRATAR"].eq(stratum)]
        for group in study.groups:
            count = len(own) if group == ALL else int(own["ARMCD"].eq(group).sum())
            about = {"unit": "patients", "method": "count", "n": len(own)}
            rows.append(about | {"statistic": _statistic(stratum), "group": group, "value": count})
    return pd.DataFrame(rows, columns=["statistic", "group", "value", "n", "unit", "method"])


def stratum_table(study: Study, counts: Reported) -> Table:
    """Patients of each stratum by arm."""
    entered = order_of_entry(study)
    lines = [
        {"stratum": Label(_stratum_words(study, entered, stratum), stratum)}
        | {group: number(counts.row(_statistic(stratum), group)) for group in study.groups}
        for stratum in _strata(entered)
    ]
    names = joined(factor.name for factor in study.protocol.strata)
    heads = {group: arm_label(group) for group in study.groups}
    return Table("strata", message("strata.title", factors=names), lines, heads=heads)


def _strata(entered: pd.DataFrame) -> list[str]:
    return sorted(entered["STRATAR"].dropna().unique())


def _statistic(stratum: str) -> str:
    """A stratum as the name of its count: of ``<65`` and ``>=65`` an id would keep the number alone."""
    return f"stratum {stratum.replace('<', 'below ').replace('>=', 'from ')}"


def _stratum_words(study: Study, entered: pd.DataFrame, stratum: str) -> str:
    """The levels of a stratum, factor by factor."""
    own = entered[entered["STRATAR"].eq(stratum)].iloc[0]
    return message("list.comma").join(
        level_words(factor, str(own[f"STRAT{place}R"]))
        for place, factor in enumerate(study.protocol.strata, 1)
    )


def place_rows(study: Study) -> pd.DataFrame:
    """Mean place of each of the compared arms in the order of entry, in long form."""
    needs.require(study, "comparison")
    arms, about = order_of_entry(study)["ARMCD"], {"statistic": "mean_place", "method": "mean"}
    rows = []
    for arm in study.arms:
        _, place = mean_place(arms.eq(arm).to_numpy(dtype=np.int64))
        rows.append(about | {"group": arm, "value": place, "n": int(arms.eq(arm).sum())})
    return of_several(pd.DataFrame(rows), "mean_place")


def place_sentence(study: Study, places: Reported) -> str:
    """Whether one group entered earlier than another."""
    rows = {arm: places.row("mean_place", arm) for arm in study.arms}
    if none := next((row.reason for row in rows.values() if row.value is None), None):
        return message("entry.places.none", reason=worded(none))
    told = (
        message("entry.place", place=span(row, numbers.fixed(row.value, 1)), arm=of_group(arm))
        for arm, row in rows.items()
    )
    return message("entry.places", places=joined(told))
