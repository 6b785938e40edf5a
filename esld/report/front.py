"""The front page: the answer to the trial's question, the numbers to take away, and the flow of the participants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from esld.data.study import Study
from esld.report import numbers
from esld.report.drawing import figures
from esld.report.drawing.flow import NARROW, WIDE, flow_figure
from esld.report.flow import absent_words, flow_of
from esld.report.numbers import significant
from esld.report.phrases import method, points, points_noun, standing
from esld.report.results import Reported, Row, difference_row
from esld.report.words.catalogue import message
from esld.report.words.grammar import arm_in_prose, period

PRIMARY = "os_milestone"
FOLLOW_UP = "follow_up"
FLOW = "flow"
DECOMPENSATED = "decompensated"
ADVERSE_EVENTS = "adverse_events"


@dataclass(frozen=True)
class CardText:
    """One card: what, the number, its interval or explanation, and the result behind it."""

    label: str
    value: str
    detail: str
    result_id: str


@dataclass(frozen=True)
class Diagram:
    """The flow of the participants as SVG, for a page and for a phone, in words, and what it cannot show."""

    wide: str
    narrow: str
    alt: str
    note: str


@dataclass(frozen=True)
class FrontPage:
    """What the index shows first."""

    answer: str
    cards: tuple[CardText, ...]
    diagram: Diagram | None = None

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "FrontPage":
        """The page from what ``dataclasses.asdict`` makes of it."""
        cards = tuple(CardText(**card) for card in record["cards"])
        return cls(record["answer"], cards, Diagram(**record["diagram"]) if record["diagram"] else None)


def front_page(rows: Sequence[Row], answers: Mapping[str, str], study: Study) -> FrontPage:
    """The answer of the chapter that holds the primary analysis, and its cards.

    Parameters
    ----------
    rows : sequence of Row
        All results of the report.
    answers : dict of str to str
        One-line answers by chapter.
    study : Study
        The cut.

    Returns
    -------
    FrontPage
        Without the primary analysis among the chapters the answer says so, and there are no cards for it. Before the
        final analysis the answer says that it is none.
    """
    primary = study.protocol.primary
    answer = answers.get(primary.chapter, "") or message("front.no_primary")
    if said := standing(study):
        answer = f"{answer} {said}"
    cards: list[CardText] = []
    at = primary.milestones_days[0]
    own = Reported(
        tuple(r for r in rows if r.result_id.startswith(f"{PRIMARY}.") and r.time == significant(at))
    )
    if own.rows:
        level = _level(study, primary.chapter)
        cards += [_alive(own, arm, at, level) for arm in study.filled]
        if study.compares and len(study.arms) == 2:
            cards.append(_difference(own, study.arms, level))
    cards += [_follow_up(row) for row in _of(rows, FOLLOW_UP, "complete")]
    cards += [_decompensated(row) for row in _of(rows, DECOMPENSATED, "patients") if row.n]
    serious = [row for row in _of(rows, ADVERSE_EVENTS, "serious") if row.n]
    cards += [_serious(row, _level(study, row.chapter)) for row in serious]
    return FrontPage(answer, tuple(cards), _diagram(rows, study, at))


def _of(rows: Sequence[Row], id: str, statistic: str = "") -> list[Row]:
    """Rows of one result, all or of one statistic."""
    return [r for r in rows if r.result_id.startswith(f"{id}.") and statistic in ("", r.statistic)]


def _level(study: Study, chapter: str) -> str:
    """Results do not carry the level of their intervals: it is the chapter's own unless the cut file sets another."""
    return numbers.level(study.cut.parameters.get(chapter, {}).get("conf_level", 0.95))


def _diagram(rows: Sequence[Row], study: Study, horizon_days: float) -> Diagram | None:
    """The flow diagram, drawn from the results; none where no chapter counted the participants."""
    import matplotlib as mpl

    counted = Reported(tuple(_of(rows, FLOW)))
    if not counted.rows:
        return None
    flow = flow_of(counted, study, horizon_days=horizon_days)
    with mpl.rc_context():
        figures.set_style()
        wide, narrow = (flow_figure(flow, layout=layout) for layout in (WIDE, NARROW))
        return Diagram(wide.svg().decode(), narrow.svg().decode(), wide.alt, absent_words(flow))


def _alive(own: Reported, arm: str, at: float, level: str) -> CardText:
    """The card of an arm, by the method of the sentence: exact when everybody's state in every arm is known."""
    exact = not any(r.statistic == "unknown" and r.value for r in own.rows)
    row = own.row("proportion" if exact else "survival", arm)
    n = row.n or 0
    lower, upper = numbers.percent(row.lower, n), numbers.percent(row.upper, n)
    value = share = numbers.percent(row.value, n)
    if exact:
        value = message("cell.of", x=numbers.fixed(own.row("alive", arm).value, 0), n=n)
        detail = message("front.alive.exact", share=share, level=level, lower=lower, upper=upper)
    elif row.value is None:
        detail = message("front.alive.none", dead=numbers.fixed(own.row("dead", arm).value, 0), n=n)
    else:
        detail = message("front.alive.estimated", level=level, lower=lower, upper=upper, n=n)
    label = message("front.alive", horizon=period(at), arm=arm_in_prose(arm))
    return CardText(label, value, detail, row.result_id)


def _difference(own: Reported, arms: Sequence[str], level: str) -> CardText:
    row = difference_row(own)
    value, lower, upper = (points(row, v) for v in (row.value, row.lower, row.upper))
    detail = message("front.difference.none")
    if row.value is not None:
        detail = message("front.difference.detail", level=level, lower=lower, upper=upper, method=method(row))
        value = message("counted", count=value, noun=points_noun(value))
    first, second = (arm_in_prose(arm) for arm in arms)
    return CardText(message("front.difference", first=first, second=second), value, detail, row.result_id)


def _follow_up(row: Row) -> CardText:
    detail = message("front.follow_up.detail", count=row.n or 0, horizon=period(row.time or 0))
    value = message("cell.of", x=numbers.fixed(row.value, 0), n=row.n)
    return CardText(message("front.follow_up"), value, detail, row.result_id)


def _decompensated(row: Row) -> CardText:
    label = message("front.decompensated", horizon=period(row.time or 0), arm=arm_in_prose(row.arm))
    value = message("cell.of", x=numbers.fixed(row.value, 0), n=row.n)
    return CardText(label, value, message("front.decompensated.detail", count=row.n or 0), row.result_id)


def _serious(row: Row, level: str) -> CardText:
    share, lower, upper = (numbers.percent(x, row.n) for x in (row.value, row.lower, row.upper))
    detail = message(
        "front.serious.detail",
        count=row.n or 0,
        share=share,
        level=level,
        lower=lower,
        upper=upper,
        method=method(row),
    )
    label = message("front.serious", arm=arm_in_prose(row.arm))
    return CardText(label, message("cell.of", x=row.events, n=row.n), detail, row.result_id)
