"""The front page: the answer to the trial's question, the numbers to take away, and the flow of the participants."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from esld.data.study import Study
from esld.report import numbers
from esld.report.brief import FLOW, FOLLOW_UP, Point, answered, brief
from esld.report.drawing import figures
from esld.report.drawing.flow import NARROW, WIDE, flow_figure
from esld.report.event import event_of
from esld.report.flow import absent_words, flow_of
from esld.report.headlines import CardText, card, headline_rows
from esld.report.lay import LayPage, lay_page
from esld.report.phrases import method
from esld.report.results import Reported, Row
from esld.report.serious import clinical_name
from esld.report.words.catalogue import message
from esld.report.words.grammar import arm_in_prose, period

ADVERSE_EVENTS = "adverse_events"
DRAWING = (
    Lock()
)  # matplotlib has one style and one salt for all threads: two cuts at once would draw with each other's


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
    points: tuple[Point, ...] = ()  # of the answer, but the finding
    answered: tuple[str, ...] = ()  # chapters whose answers stand here
    lay: LayPage | None = None  # the page in plain language beside it

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "FrontPage":
        """The page from what ``dataclasses.asdict`` makes of it."""
        cards = tuple(CardText(**card) for card in record["cards"])
        points = tuple(Point(**point) for point in record["points"])
        diagram = Diagram(**record["diagram"]) if record["diagram"] else None
        lay = record["lay"]
        plain = LayPage(lay["title"], tuple(Point(**own) for own in lay["sections"])) if lay else None
        return cls(record["answer"], cards, diagram, points, tuple(record["answered"]), plain)


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
    answer, *points = brief(rows, answers, study)
    cards = [card(row, rows, study) for row in headline_rows(rows, study)]
    cards += [_follow_up(row, study) for row in _of(rows, FOLLOW_UP, "complete")]
    cards += list(_first_events(rows, study))
    cards += _serious(rows, study)
    made = answer.html, tuple(cards), _diagram(rows, study), tuple(points), answered(study)
    return FrontPage(*made, lay_page(rows, study))


def _of(rows: Sequence[Row], id: str, statistic: str = "") -> list[Row]:
    """Rows of one result, all or of one statistic."""
    return [r for r in rows if r.result_id.startswith(f"{id}.") and statistic in ("", r.statistic)]


def _level(study: Study, chapter: str) -> float:
    """Results do not carry the level of their intervals: it is the chapter's own unless the cut file sets another."""
    return float(study.cut.parameters.get(chapter, {}).get("conf_level", 0.95))


def _diagram(rows: Sequence[Row], study: Study) -> Diagram | None:
    """The flow diagram, drawn from the results; none where no chapter counted the participants."""
    import matplotlib as mpl

    counted = Reported(tuple(_of(rows, FLOW)))
    if not counted.rows:
        return None
    flow = flow_of(counted, study, horizon_days=study.protocol.horizon_days)
    with DRAWING, mpl.rc_context():
        figures.set_style()
        wide, narrow = (flow_figure(flow, layout=layout) for layout in (WIDE, NARROW))
        return Diagram(wide.svg().decode(), narrow.svg().decode(), wide.alt, absent_words(flow))


def _follow_up(row: Row, study: Study) -> CardText:
    endpoint = study.protocol.primary.endpoint
    had = event_of(study, endpoint).had if endpoint else message("event.death.had")
    detail = message("front.follow_up.detail", count=row.n or 0, horizon=period(row.time or 0), had=had)
    value = message("cell.of", x=numbers.fixed(row.value, 0), n=row.n)
    return CardText(message("front.follow_up"), value, detail, row.result_id)


def _first_events(rows: Sequence[Row], study: Study) -> Iterator[CardText]:
    """Who had a first event of any of the endpoints of an analysis that is not primary; of one alone, of those at risk."""
    for plan in study.protocol.of_kind("cumulative_incidence"):
        one = len(plan.endpoints) == 1
        worse = any(study.protocol.endpoint(code).prevalent for code in plan.endpoints)
        what, key = ("incidence", "at_risk") if one else ("patients", "worse" if worse else "detail")
        own = [r for r in rows if r.analysis_id == plan.id and r.statistic == what and r.n]
        own = [r for r in own if r.time == numbers.significant(plan.horizon_days)]
        for row in own if plan is not study.protocol.primary else ():
            about = {"title": plan.title, "arm": arm_in_prose(row.arm)}
            value = message("cell.of", x=row.events if one else numbers.fixed(row.value, 0), n=row.n)
            detail = message(f"front.first_event.{key}", count=row.n or 0)
            limits = [
                r
                for r in rows
                if r.analysis_id == plan.id and r.statistic == "any_incidence" and r.arm == row.arm
            ]
            if not one and limits and limits[0].lower is not None:
                shares = {
                    x: numbers.percent(getattr(limits[0], x), row.n) for x in ("value", "lower", "upper")
                }
                how = {"level": numbers.level(_level(study, row.chapter)), "method": method(limits[0])}
                detail = message("front.first_event.share", detail=detail, **shares, **how)
            tied = limits[0] if limits else row  # of the same patients, with their share and its limits
            yield CardText(message("front.first_event", **about), value, detail, tied.result_id)


def _serious(rows: Sequence[Row], study: Study) -> list[CardText]:
    """Who had a serious adverse event or, where the trial keeps those apart, a clinical event that may have been serious."""
    alone = {row.arm: row for row in _of(rows, ADVERSE_EVENTS, "serious") if row.n}
    either = {row.arm: row for row in _of(rows, ADVERSE_EVENTS, "serious_or_clinical") if row.n}
    return [
        _serious_card(row, study, "serious_or_clinical" if either else "serious")
        for row in (either or alone).values()
    ]


def _serious_card(row: Row, study: Study, kind: str) -> CardText:
    share, lower, upper = (numbers.percent(x, row.n) for x in (row.value, row.lower, row.upper))
    level = numbers.level(_level(study, row.chapter))
    about = {"share": share, "level": level, "lower": lower, "upper": upper, "method": method(row)}
    detail = message("front.serious.detail", count=row.n or 0, **about)
    label = message(f"front.{kind}", arm=arm_in_prose(row.arm), clinical=clinical_name(study.protocol))
    return CardText(label, message("cell.of", x=row.events, n=row.n), detail, row.result_id)
