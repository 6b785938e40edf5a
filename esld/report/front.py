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
from esld.report.words.grammar import in_prose, period

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
    answer = (
        answers.get(primary.chapter, "") or "This report does not hold the chapter with the primary analysis."
    )
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
    flow = flow_of(counted, arms=study.arms, horizon_days=horizon_days)
    with mpl.rc_context():
        figures.set_style()
        wide, narrow = (flow_figure(flow, layout=layout) for layout in (WIDE, NARROW))
        return Diagram(wide.svg().decode(), narrow.svg().decode(), wide.alt, absent_words(flow))


def _alive(own: Reported, arm: str, at: float, level: str) -> CardText:
    """The card of an arm, by the method of the sentence: exact when everybody's state in every arm is known."""
    exact = not any(r.statistic == "unknown" and r.value for r in own.rows)
    row = own.row("proportion" if exact else "survival", arm)
    n = row.n or 0
    interval = f"{level} CI {numbers.percent(row.lower, n)} to {numbers.percent(row.upper, n)}"
    value = numbers.percent(row.value, n)
    if exact:
        detail = f"{value}, {interval}; Clopper–Pearson"
        value = f"{numbers.fixed(own.row('alive', arm).value, 0)} of {n}"
    elif row.value is None:
        dead = numbers.fixed(own.row("dead", arm).value, 0)
        detail = f"not estimable: nobody has been observed that long; {dead} of {n} known to have died"
    else:
        detail = f"{interval}; Kaplan–Meier, n = {n}"
    return CardText(f"Alive at {period(at)}, {in_prose(arm)}", value, detail, row.result_id)


def _difference(own: Reported, arms: Sequence[str], level: str) -> CardText:
    row = difference_row(own)
    value, lower, upper = (points(row, v) for v in (row.value, row.lower, row.upper))
    detail = "not estimable: a group has no estimate"
    if row.value is not None:
        detail = f"{level} CI {lower} to {upper}; {method(row)}"
        value += f" {points_noun(value)}"
    first, second = (in_prose(arm) for arm in arms)
    return CardText(f"Difference, {second} minus {first}", value, detail, row.result_id)


def _follow_up(row: Row) -> CardText:
    patients = numbers.noun(row.n or 0, "patient")
    detail = f"{patients} dead, or followed for {period(row.time or 0)}"
    value = f"{numbers.fixed(row.value, 0)} of {row.n}"
    return CardText("Follow-up complete", value, detail, row.result_id)


def _decompensated(row: Row) -> CardText:
    label = f"First decompensation by {period(row.time or 0)}, {in_prose(row.arm)}"
    value = f"{numbers.fixed(row.value, 0)} of {row.n}"
    detail = f"{numbers.noun(row.n or 0, 'patient')} with a first event of any kind"
    return CardText(label, value, detail, row.result_id)


def _serious(row: Row, level: str) -> CardText:
    share, lower, upper = (numbers.percent(x, row.n) for x in (row.value, row.lower, row.upper))
    detail = f"{numbers.noun(row.n or 0, 'patient')} with at least one; {share}, {level} CI {lower} to {upper}; {method(row)}"
    label = f"Serious adverse events, {in_prose(row.arm)}"
    return CardText(label, f"{row.events} of {row.n}", detail, row.result_id)
