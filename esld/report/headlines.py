"""The numbers of the primary analysis that a reader takes away: which rows they are, by its kind, and each as a card."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from esld.data.study import Study
from esld.protocol import Analysis, Kind
from esld.report import numbers
from esld.report.additional import computes
from esld.report.event import event_of
from esld.report.numbers import significant
from esld.report.phrases import method, points, points_noun
from esld.report.results import Row, named, slug
from esld.report.words.catalogue import message
from esld.report.words.grammar import arm_in_prose, capitalised, in_prose, period

Style = Literal["percent", "points", "ratio", "days", "rate", "mean", "probability"]


@dataclass(frozen=True)
class CardText:
    """One card: what, the number, its interval or explanation, and the result behind it."""

    label: str
    value: str
    detail: str
    result_id: str


class Headline(NamedTuple):
    """Rows of one statistic, or of the first of several that is there, and how they are written.

    ``of`` are the kinds of analysis whose rows they are, beside the primary one those of the same endpoint.
    """

    statistics: tuple[str, ...]
    style: Style
    of: tuple[Kind, ...] = ()


_CURVE: tuple[Headline, ...] = (Headline(("survival",), "percent", ("survival_curve",)),)
_RATIO = Headline(("hazard_ratio",), "ratio", ("cox",))
_SHARE = Headline(("proportion", "survival"), "percent")
_GAP = Headline(("stratified_difference", "risk_difference", "survival_difference"), "points")
HEADLINES: dict[Kind, tuple[Headline, ...]] = {
    "milestone": (_SHARE, _GAP),
    "milestone_test": (Headline(("proportion", "survival"), "percent", ("milestone",)), _GAP._replace(of=("milestone",))),
    "survival_curve": (*_CURVE, _RATIO),
    "log_rank": (*_CURVE, _RATIO),
    "permutation": (*_CURVE, _RATIO),
    "cox": (*_CURVE, Headline(("hazard_ratio",), "ratio")),
    "firth": (*_CURVE, Headline(("hazard_ratio",), "ratio")),
    "rmst": (Headline(("rmst",), "days"), Headline(("stratified_difference", "rmst_difference"), "days")),
    "mmrm": (Headline(("ls_mean",), "mean"), Headline(("ls_mean_difference",), "mean")),
    "ancova": (Headline(("ls_mean",), "mean"), Headline(("ls_mean_difference",), "mean")),
    "worst_rank": (Headline(("win_probability",), "probability"),),
    "hierarchy": (Headline(("win_odds",), "ratio"),),
    "responder": (Headline(("response_rate",), "percent"), Headline(("risk_difference",), "points")),
    "cumulative_incidence": (Headline(("incidence",), "percent"),),
    "episodes": (Headline(("rate",), "rate"), Headline(("rate_ratio",), "ratio")),
}  # fmt: skip
"""By kind of the primary analysis: first what each arm has, then what the comparisons have."""


def headline_rows(rows: Sequence[Row], study: Study) -> list[Row]:
    """The rows of the primary analysis that the front page shows: each arm, then each comparison; none where there are none.

    Of several parameters or endpoints those of the first; of several times the one that answers.
    """
    return [row for row, _ in shown(rows, study)]


def shown(rows: Sequence[Row], study: Study) -> Iterator[tuple[Row, Headline]]:
    """The same with how each is written."""
    primary = study.protocol.primary
    for headline in HEADLINES.get(primary.kind, ()) if primary.kind else ():
        own = _of_plan(rows, study, headline)
        first = next((s for s in headline.statistics if any(r.statistic == s for r in own)), "")
        if headline == _SHARE and any(r.statistic == "unknown" and r.value for r in own):
            first = "survival"  # one method in every arm, as in the sentence
        for row in own:
            if row.statistic == first:
                yield row, headline


def of_primary(rows: Sequence[Row], study: Study) -> list[Row]:
    """The rows of the primary analysis, or of the one that answers in its place, on the day that answers; none without a kind."""
    headlines = HEADLINES.get(study.protocol.primary.kind, ()) if study.protocol.primary.kind else ()
    return _of_plan(rows, study, headlines[0]) if headlines else []


def _of_plan(rows: Sequence[Row], study: Study, headline: Headline) -> list[Row]:
    """The rows of the primary analysis, or of the first planned one of the same endpoint that a headline is of."""
    protocol = study.protocol
    primary = protocol.primary
    plan = primary
    if headline.of:
        alike = (a for a in protocol.of_kind(*headline.of) if a.endpoint == primary.endpoint)
        found = next(alike, None)
        if found is None:
            return []
        plan = found
    own = [r for r in rows if r.analysis_id == plan.id and computes(plan.kind, named(r))]
    if several := (plan.parameters or plan.endpoints):
        name = f"_{slug(several[0])}_"
        own = [r for r in own if name in f"{named(r)}_" or len(several) == 1]
    at = _at(plan, study, own, headline)
    return [r for r in own if r.time is None or at is None or r.time == significant(at)]


def _at(plan: Analysis, study: Study, own: Sequence[Row], headline: Headline) -> float | None:
    """The time of the rows that answer: a milestone, a horizon, or the number of a visit; else the latest."""
    if plan.kind == "milestone":
        return plan.day
    visits = {visit.code: float(visit.number) for visit in study.protocol.schedule.visits}
    if plan.visit in visits:
        return visits[plan.visit]
    times = [r.time for r in own if r.time is not None and r.statistic in headline.statistics]
    return max(times, default=None)


def card(row: Row, rows: Sequence[Row], study: Study) -> CardText:
    """A row of the primary analysis as a card."""
    headline = next(shown for own, shown in shown(rows, study) if own is row)
    level = numbers.level(float(study.cut.parameters.get(row.chapter, {}).get("conf_level", 0.95)))
    value = written(row, row.value, headline.style, study)
    if headline.style == "points" and row.value is not None:
        value = message("counted", count=value, noun=points_noun(value))
    detail = _detail(row, rows, headline, level, study)
    if row.statistic == "proportion":
        alive = next(
            r
            for r in rows
            if r.statistic == "alive" and (named(r), r.arm, r.time) == (named(row), row.arm, row.time)
        )
        value = message("cell.of", x=numbers.fixed(alive.value, 0), n=row.n)
    elif row.statistic == "response_rate":
        value = message("cell.of", x=row.events, n=row.n)
    return CardText(_label(row, headline, study), value, detail, row.result_id)


def _detail(row: Row, rows: Sequence[Row], headline: Headline, level: str, study: Study) -> str:
    lower, upper = (written(row, x, headline.style, study) for x in (row.lower, row.upper))
    about = {"level": level, "lower": lower, "upper": upper, "n": row.n, "method": method(row)}
    if row.value is None:
        return _why_none(row, rows, study)
    if row.statistic in ("proportion", "response_rate"):
        return message("front.share.exact", share=written(row, row.value, "percent", study), **about)
    if row.statistic == "survival":
        known = row.lower is not None or row.upper is not None
        return message("front.share.estimated" if known else "front.share.no_limits", **about)
    said = (
        message("front.interval", **about) if row.lower is not None or row.upper is not None else method(row)
    )
    names = [f"{row.statistic}_p_value"] if "_difference" not in row.statistic else []
    test = next(
        (r for r in rows if r.statistic in names and (named(r), r.arm) == (named(row), row.arm)), None
    )
    if test is None or test.value is None:
        return said
    text = numbers.p_value(test.value)
    return message("front.p", said=said, p=text if text[0] in "<>" else f"= {text}")


def _why_none(row: Row, rows: Sequence[Row], study: Study) -> str:
    """Why a card has no number."""
    dead = [r for r in rows if r.statistic == "dead" and (named(r), r.arm) == (named(row), row.arm)]
    endpoint = study.protocol.primary.endpoint
    if row.statistic == "survival" and dead and endpoint:
        known = {"dead": numbers.fixed(dead[0].value, 0), "n": row.n}
        return message("front.share.none", **known, **event_of(study, endpoint).plain)
    return message("front.difference.none" if pair_of(row) else "front.none")


_SIGNS = {
    " - ": "minus",
    " v ": "over",
    " / ": "over",
}  # between the arms of a comparison, and what they mean


def pair_of(row: Row) -> tuple[str, str] | None:
    """The arms that a row compares, that which is compared first; none of a row of one group."""
    return next(((a, b) for a, found, b in map(row.arm.partition, _SIGNS) if found), None)


def _label(row: Row, headline: Headline, study: Study) -> str:
    """What a card is of: the groups, what they have, and when."""
    what = _what(row, headline, study)
    compared = pair_of(row)
    if compared is None:
        return message("front.arm", what=what, arm=arm_in_prose(row.arm))
    pair = dict(zip(("second", "first"), map(arm_in_prose, compared), strict=True))
    if headline.style == "points":
        return message("front.difference", **pair)
    key = next(key for sign, key in _SIGNS.items() if sign in row.arm)
    return message(f"front.named.{'against' if row.statistic.startswith('win') else key}", what=what, **pair)


def _what(row: Row, headline: Headline, study: Study) -> str:
    """What a row is an estimate of, and when."""
    primary, visits = study.protocol.primary, study.protocol.schedule.visits
    words = event_of(study, primary.endpoint).plain if primary.endpoint else {}
    labels = {p.paramcd: p.param for p in study.protocol.parameters}
    labels |= {e.paramcd: e.param for e in study.protocol.endpoints}
    subject = next(iter((*primary.parameters, *primary.endpoints)), "")
    visit = next((v.label for v in visits if v.code == primary.visit or float(v.number) == row.time), "")
    about = {"of": labels.get(subject, primary.title), "visit": in_prose(visit) if visit else ""}
    key = row.statistic
    if headline.style == "days" and "difference" in key:
        key = "rmst_difference"
    words |= {"free": capitalised(words.get("free", ""))}
    when = period(row.time) if row.time is not None else ""
    return message(f"front.what.{'survival' if key == 'proportion' else key}", **words, **about, horizon=when)


def written(row: Row, value: float | None, style: Style, study: Study) -> str:
    """A number of a row in the style of its headline."""
    if value is None:
        return numbers.not_estimable()
    match style:
        case "percent":
            return numbers.percent(value, row.n)
        case "points":
            return points(row, value)
        case "days":
            return numbers.fixed(value, 0)
        case "mean":
            codes = study.protocol.primary.parameters
            decimals = study.protocol.parameter(codes[0]).decimals if codes else 0
            return numbers.fixed(value, numbers.of_mean(decimals))
        case _:
            return numbers.fixed(value, 2)
