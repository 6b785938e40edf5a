"""The difference at the horizon, or the hazard ratio, in all patients and in each planned subgroup."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from esld.longform import Estimate, estimate_rows, long_frame, stacked
from esld.report import numbers
from esld.report.cells import Cell, Count, Empty, Label, estimate
from esld.report.chapter import Chapter
from esld.report.drawing.figures import Picture
from esld.report.drawing.forest import ForestLine, forest
from esld.report.needs import require
from esld.report.phrases import Sentence, method, notes_of
from esld.report.results import Reported, Row, slug
from esld.report.subgroups import Level, heterogeneity, levels_of, named, sentences, titled
from esld.report.survival.analyses import Analysed, Pair, compared
from esld.report.survival_times import cox_on_arm, of_arms
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import arm_in_prose, period
from esld.survival import milestone

ALL = "subgroup_all"


@dataclass(frozen=True, kw_only=True)
class Subgroups:
    """An effect in all patients and in each subgroup, of one pair.

    Attributes
    ----------
    of : Analysed
    pair : (str, str)
    factors : list of list of Level
    times : dict of str to DataFrame
        The times behind each row, by its statistic.
    reported : Reported
    conf_level : float
    """

    of: Analysed
    pair: Pair
    factors: list[list[Level]]
    times: dict[str, pd.DataFrame]
    reported: Reported
    conf_level: float

    @property
    def ratios(self) -> bool:
        """Whether the effect is a hazard ratio, and no difference."""
        return self.of.plan.kind == "cox"

    @property
    def id(self) -> str:
        """Name of its table and figure."""
        return self.reported.rows[0].result_id.partition(".")[0]


def subgroups(chapter: Chapter, *, conf_level: float) -> list[Subgroups]:
    """Every planned analysis that is shown in subgroups, pair by pair."""
    for need in ("comparison", f"subgroups={chapter.name}"):
        require(chapter.study, need)
    found = []
    for own in (own for kind in ("milestone", "cox") for own in _planned(chapter, kind)):
        for pair in own.pairs:
            found.append(_of_pair(own, pair, conf_level))
    return found


def _planned(chapter: Chapter, kind: Any) -> list[Analysed]:
    if not any(a.subgroups for a in chapter.study.protocol.of_kind(kind)):
        return []
    return [own for own in compared(chapter, kind) if own.plan.subgroups and own.plan.of is None]


def _of_pair(own: Analysed, pair: Pair, conf_level: float) -> Subgroups:
    factors = levels_of(own.chapter.study)
    both = of_arms(own.times, pair)
    if own.plan.kind == "milestone":  # what comes after the horizon is not counted
        both["counted"] = both["event"] & both["time"].le(own.plan.day)
    else:
        both["counted"] = both["event"]
    times = {ALL: both}
    times |= {
        level.statistic: both[both["USUBJID"].isin(level.patients)] for each in factors for level in each
    }
    effects = {name: _effect(own, part, pair, conf_level) for name, part in times.items()}
    between = f"{pair[1]} v {pair[0]}" if own.plan.kind == "cox" else f"{pair[1]} - {pair[0]}"
    frames = [
        long_frame(
            estimate_rows(name, replace(effect, std_err=float("nan"), p_value=float("nan")), **_about(part, between))
        )
        for name, part in times.items() if (effect := effects[name]) is not None
    ]  # fmt: skip
    for each in factors:
        known = [effects[level.statistic] for level in each]
        rows = heterogeneity([one for one in known if one is not None], ratios=own.plan.kind == "cox")
        names = [slug(f"{name} {each[0].factor.variable}") for name in rows["statistic"]]
        frames.append(rows.assign(statistic=names, group=between))
    frame = stacked(frames)
    what = "milestone_subgroups" if own.plan.kind == "milestone" else "cox_subgroups"
    reported = own.hand_over(what, frame, pair)
    how: dict[str, Any] = {"factors": factors, "times": times, "reported": reported, "conf_level": conf_level}
    return Subgroups(of=own, pair=pair, **how)


def _about(part: pd.DataFrame, between: str) -> Any:
    return {"n": len(part), "events": int(part["counted"].sum()), "group": between}


def _effect(own: Analysed, part: pd.DataFrame, pair: Pair, conf_level: float) -> Estimate | None:
    """The effect in some patients; None where one of the arms has nobody."""
    if set(part["arm"]) != set(pair):
        return None
    if own.plan.kind == "cox":
        fit = cox_on_arm(part, pair, conf_level=conf_level)
        return fit.ratio(fit.terms[0])
    at = own.plan.day
    how: dict[str, Any] = {"at": at, "groups": list(pair), "conf_level": conf_level}
    return milestone(part["time"], part["event"], part["arm"], **how).difference


def subgroup_table(found: Subgroups) -> Table:
    """Events and patients of each arm, and the effect, in all patients and each subgroup."""
    lines: list[dict[str, Cell]] = []
    rows: list[Row] = []
    for block, label, statistic in _places(found):
        part = found.times[statistic]
        line: dict[str, Cell] = {"factor": Label(block), "subgroup": Label(label, statistic)}
        for arm in found.pair:
            own = part[part["arm"].eq(arm)]
            key = f"{arm}.events"
            line[key] = Count(int(own["counted"].sum()), len(own), percent=False) if len(own) else Empty()
        row = found.reported.find(statistic)
        line["effect"] = _cell(found, row) if row else Empty()
        rows += [row] if row else []
        lines.append(line)
    level = numbers.level(found.conf_level)
    heads = {f"{arm}.events": message("subgroups.events", arm=arm_label(arm)) for arm in found.pair}
    heads |= {
        "effect": message(f"subgroups.effect.{_kind(found)}", level=level),
        "factor": "",
        "subgroup": message("subgroups.head"),
    }
    notes = [
        message("milestone.methods", methods=message("reasons.list").join(dict.fromkeys(map(method, rows))))
    ]
    notes += [
        message("subgroups.note", axis=_axis(found)),
        *notes_of(rows, "survival", group=message("reasons.one_group"), **found.of.event.plain),
    ]
    title = _title(found)
    return Table(found.id, title, lines, {}, tuple(notes), "factor", heads)


def _title(found: Subgroups) -> str:
    """The analysis, and where there are several comparisons the pair."""
    title = message("subgroups.title", title=found.of.plan.title)
    return titled(title, found.pair) if len(found.of.pairs) > 1 else title


def subgroup_figure(found: Subgroups) -> Picture:
    """The forest plot of the table."""
    lines, last = list[ForestLine](), ""
    for block, label, statistic in _places(found):
        row = found.reported.find(statistic)
        if statistic != ALL and block != last:
            lines.append(ForestLine(label=block, heading=True))
            last = block
        shown: dict[str, Any] = (
            {}
            if row is None
            else {key: _drawn(found, getattr(row, key)) for key in ("value", "lower", "upper")}
        )
        text = _cell(found, row).text if row else ""
        lines.append(ForestLine(label=label, n=len(found.times[statistic]), text=text, **shown))
    title = _title(found)
    how: dict[str, Any] = {"axis": _axis(found), "ratios": found.ratios, "id": found.id, "title": title}
    how["legend"] = message("legend.forest", level=numbers.level(found.conf_level))
    return forest(lines, alt=message("subgroups.alt", title=title, axis=_axis(found)), **how)


def subgroup_sentences(found: Subgroups) -> Sentence | None:
    """Whether the effect differs between subgroups, as far as these patients tell."""
    level = numbers.level(found.conf_level)
    said = list(sentences(found.factors, found.reported, kind=_kind(found), level=level))
    several = said and len(found.of.pairs) > 1
    return found.of.chapter.say(*([named(said, found.pair)] if several else said))


def _places(found: Subgroups) -> Iterator[tuple[str, str, str]]:
    """The heading, the label and the statistic of every line."""
    everybody = message("subgroups.all")
    yield everybody, everybody, ALL
    for each in found.factors:
        for level in each:
            yield level.factor.name, level.said, level.statistic


def _kind(found: Subgroups) -> str:
    return "ratio" if found.ratios else "difference"


def _cell(found: Subgroups, row: Row) -> Cell:
    return estimate(row, 2) if found.ratios else estimate(row, 0, "points")


def _drawn(found: Subgroups, value: float | None) -> float | None:
    return value if found.ratios or value is None else 100 * value


def _axis(found: Subgroups) -> str:
    first, second = map(arm_in_prose, found.pair)
    words = {"first": first, "second": second, **found.of.event.plain}
    if found.ratios:
        return message("subgroups.axis.ratio", **words)
    return message("subgroups.axis.difference", horizon=period(found.of.plan.day or 0), **words)


def shown(found: Sequence[Subgroups]) -> Iterator[Any]:
    """Figure, table and words of each, as the chapter records them."""
    for each in found:
        chapter = each.of.chapter
        if any(row.value is not None for row in each.reported.rows):
            yield chapter.figure(subgroup_figure(each))
            yield chapter.table(subgroup_table(each))
        yield subgroup_sentences(each)
    if found:
        yield found[0].of.chapter.say(message("subgroups.caution"))
