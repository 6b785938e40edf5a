"""The page in plain language, for patients and committees: the same results, without a term of art."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape

from esld.data.cutfile import ALL
from esld.data.study import Study
from esld.protocol.lay import Lay
from esld.report import numbers
from esld.report.brief import BESIDE, FLOW, FOLLOW_UP, SAFETY, Point, commonest_reaction
from esld.report.event import Event, event_of
from esld.report.headlines import Headline, of_primary, pair_of, shown, written
from esld.report.phrases import open_queries, span, whole
from esld.report.planned import is_death
from esld.report.results import Row, named, slug
from esld.report.serious import seriousness_words
from esld.report.words.catalogue import message, read_by, reader
from esld.report.words.grammar import as_prose, capitalised, in_prose, joined, noun, of_group, period

ADVERSE_EVENTS = "adverse_events"
_NO_GAP = {"ratio": 1.0, "probability": 0.5}  # by style of a comparison; a difference of none is 0
_ALPHA = 0.05  # of a p-value that several comparisons share
Paragraphs = list[list[str]]


@dataclass(frozen=True)
class LayPage:
    """The page: its heading as plain text, and its sections."""

    title: str
    sections: tuple[Point, ...]


def lay_page(rows: Sequence[Row], study: Study) -> LayPage | None:
    """The page in plain language; none where the protocol has no plain words of the trial.

    Parameters
    ----------
    rows : sequence of Row
        All results of the report.
    study : Study
        The cut.

    Returns
    -------
    LayPage or None
        Its sections are ``asked``, ``who``, ``found``, ``safe``, ``limits`` and ``after``. What there is no result for is
        said to be missing. None before the final analysis either: whatever it said would be read as a result.
    """
    lay = study.protocol.lay
    if lay is None or study.cut.status != "final":
        return None
    labels = {code: lay.groups.get(code, label) for code, label in reader().labels.items()}
    with read_by(replace(reader(), labels=labels)):
        said = {
            "asked": _asked(lay, study),
            "who": _who(rows, lay, study),
            "found": [*_found(rows, lay, study), *_secondary(rows, lay, study)],
            "safe": _safe(rows, lay, study),
            "limits": _limits(rows, lay),
            "after": [[*map(escape, lay.afterwards)] or [message("lay.after.none")]],
        }
        return LayPage(lay.title, tuple(_section(code, paragraphs) for code, paragraphs in said.items()))


def _section(code: str, paragraphs: Paragraphs) -> Point:
    texts = (as_prose(sentences) for sentences in paragraphs)
    return Point(code, message(f"lay.{code}"), "\n".join(f"<p>{text}</p>" for text in texts if text))


def _asked(lay: Lay, study: Study) -> Paragraphs:
    simulated = message("lay.simulated") if study.cut.simulated else ""
    return [[simulated], [escape(lay.question)], [escape(lay.about)]]


def _who(rows: Sequence[Row], lay: Lay, study: Study) -> Paragraphs:
    """How many took part, how many in each group, and who was never treated."""
    own = {(row.statistic, row.arm): row for row in rows if named(row) == FLOW}
    every = own.get(("randomised", ALL))
    if every is None:
        return [[message("lay.who.none")]]
    said = [message("lay.who.all", n=whole(every), people=escape(lay.people))]
    arms = [row for arm in study.arms if (row := own.get(("randomised", arm))) and arm != ALL]
    if len(arms) > 1:
        sizes = joined(message("lay.in_group", x=whole(row), arm=of_group(row.arm)) for row in arms)
        said.append(message("lay.who.groups", groups=sizes))
    untreated = own.get(("untreated", ALL))
    if untreated is not None and untreated.value:
        said.append(message("lay.who.untreated", x=whole(untreated), people=noun("person", untreated.value)))
    return [said, [_view(study)]]


def _view(study: Study) -> str:
    return "" if not study.cut.hides else message(f"lay.view.{study.cut.view}")


def _found(rows: Sequence[Row], lay: Lay, study: Study) -> Paragraphs:
    """What the primary analysis found: by group, then what chance leaves of the gaps between them."""
    primary = study.protocol.primary
    if primary.chapter not in study.cut.chapters:
        return [[message("lay.found.absent")]]
    answers = [*shown(rows, study)]
    by_group = [(row, how) for row, how in answers if not pair_of(row)]
    gaps = [(row, how) for row, how in answers if pair_of(row)]
    known = [(row, how) for row, how in by_group if row.value is not None]
    said = _counts(rows, lay, study) if primary.endpoint else _values(known, lay, study)
    if not known:
        return [said, [message("lay.found.none.final")]]
    if primary.endpoint:
        said += _shares([row for row, how in known if how.style == "percent"], rows, lay, study)
    told = [_gap(row, how, rows, lay, study) for row, how in gaps]
    if not any(told) and len(by_group) > 1:
        told = [message("lay.gap.none")]
    return [said, told, [] if open_queries(study).empty else [message("lay.open")]]


def _event(lay: Lay, study: Study) -> Event:
    """The event of the primary analysis in the words of the page."""
    event = event_of(study, study.protocol.primary.endpoint or "")
    return replace(event, had=lay.had or event.had, free=lay.free or event.free)


def _groups(pairs: Iterable[tuple[str, Row]]) -> str:
    """``2 of 11 people in the lower-dose group and 1 of 11 people in the higher-dose group``, of counts as HTML."""
    return joined(
        message(
            "lay.all" if row.arm == ALL else "lay.group",
            x=count,
            n=span(row, str(row.n)),
            people=noun("person", row.n or 0),
            arm=of_group(row.arm),
        )
        for count, row in pairs
    )


def _counts(rows: Sequence[Row], lay: Lay, study: Study) -> list[str]:
    """How many had the event of the primary analysis: by its day, or while they were followed where it has none."""
    own, words = of_primary(rows, study), _event(lay, study).html
    had = [row for row in own if row.statistic == "dead"]
    if not had:
        return [message("lay.had.ever", groups=ever, **words)] if (ever := _ever(rows)) else []
    groups = _groups((whole(row), row) for row in had)
    said = [message("lay.had", horizon=period(had[0].time or 0), groups=groups, **words)]
    if unknown := [row for row in own if row.statistic == "unknown" and row.value]:
        groups = _groups((whole(row), row) for row in unknown)
        count = sum(row.value or 0 for row in unknown)
        said.append(message("lay.unknown.final", groups=groups, count=count))
    return [*said, *_apart(rows, lay, study)]


def _apart(rows: Sequence[Row], lay: Lay, study: Study) -> list[str]:
    """Who is free of the event only because another event does not count (:mod:`esld.report.survival.apart`)."""
    said = []
    for endpoint in study.protocol.endpoints:
        own = [r for r in rows if named(r).endswith(f"{BESIDE}_{slug(endpoint.paramcd)}") and r.value]
        if own and own[0].analysis_id == study.protocol.primary.id:
            groups = joined(
                message(
                    "lay.some", x=whole(row), people=noun("person", row.value or 0), arm=of_group(row.arm)
                )
                for row in own
            )
            other = escape(lay.names.get(endpoint.paramcd, in_prose(endpoint.param)))
            said.append(message("lay.apart", groups=groups, other=other, **_event(lay, study).html))
    return said


def _secondary(rows: Sequence[Row], lay: Lay, study: Study) -> Paragraphs:
    """What the secondary analyses found: first events, each by its name, and whether values tell the groups apart."""
    protocol, said = study.protocol, list[str]()
    for plan in protocol.of_kind("cumulative_incidence"):
        if plan.role != "secondary":
            continue
        own = {
            code: [
                r
                for r in rows
                if (named(r), r.analysis_id, r.statistic) == (f"first_{slug(code)}", plan.id, "incidence")
                and r.n
            ]
            for code in plan.endpoints
        }
        each = [
            message(
                "lay.new.one",
                what=capitalised(escape(lay.names.get(code, in_prose(protocol.endpoint(code).param)))),
                groups=_groups((span(row, str(row.events)), row) for row in found),
            )
            for code, found in own.items()
            if found
        ]
        if each:
            said.append(message("lay.new", horizon=period(plan.horizon_days or 0), each=as_prose(each)))
    gaps = _gaps_of_values(rows, study)
    if gaps and protocol.transplant:
        apart = any((row.lower or 0) > 0 or (row.upper or 0) < 0 for row in gaps)
        said.append(message(f"lay.values.{'apart' if apart else 'open'}"))
    return [said]


def _gaps_of_values(rows: Sequence[Row], study: Study) -> list[Row]:
    """The differences of the secondary models of change, at the visit that answers: the last one where none is named."""
    found = []
    for plan in study.protocol.of_kind("mmrm"):
        own = [
            r
            for r in rows
            if (r.analysis_id, r.statistic) == (plan.id, "ls_mean_difference") and r.lower is not None
        ]
        last = max((r.time or 0 for r in own), default=0)
        found += [
            r for r in own if plan.role == "secondary" and r.time == last and named(r) != "standardised"
        ]
    return found


def _ever(rows: Sequence[Row]) -> str:
    """Events of the primary endpoint over all of follow-up, by group; empty where nobody counted them."""
    names = (f"{FOLLOW_UP}_by_arm", FOLLOW_UP)
    own = [row for row in rows if named(row) in names and row.statistic == "complete"]
    own = [row for row in own if row.arm != ALL] or own
    return _groups((span(row, str(row.events)), row) for row in own)


def _shares(own: Sequence[Row], rows: Sequence[Row], lay: Lay, study: Study) -> list[str]:
    """Of a hundred people how many are free of the event, where no count by a day tells it."""
    if not own or any(row.statistic == "dead" for row in of_primary(rows, study)):
        return []
    parts = (
        message("lay.in_group", x=_of_a_hundred(row, row.value or 0), arm=of_group(row.arm)) for row in own
    )
    words = _event(lay, study).html
    return [message("lay.share", groups=joined(parts), horizon=period(own[0].time or 0), **words)]


def _values(known: Sequence[tuple[Row, Headline]], lay: Lay, study: Study) -> list[str]:
    """What happened by group where it is no time to an event: a change, or who met a goal; else that the report has it."""
    rows = [row for row, _ in known]
    if rows and all(how.style == "mean" for _, how in known):
        parts = (_change(row, study) for row in rows)
        label = study.protocol.parameter(study.protocol.primary.parameters[0]).param
        measure = escape(lay.measure or in_prose(label))
        return [message("lay.change", measure=measure, groups=joined(parts))]
    if rows and all(row.statistic == "response_rate" for row in rows):
        return [message("lay.met", groups=_groups((span(row, str(row.events)), row) for row in rows))]
    return [message("lay.found.elsewhere")] if rows else []


def _change(row: Row, study: Study) -> str:
    size = written(row, abs(row.value or 0), "mean", study)
    way = "still" if not float(size) else "fell" if (row.value or 0) < 0 else "rose"
    who = {"n": span(row, str(row.n)), "people": noun("person", row.n or 0), "arm": of_group(row.arm)}
    return message(f"lay.change.{way}", x=span(row, size), **who)


def _gap(row: Row, how: Headline, rows: Sequence[Row], lay: Lay, study: Study) -> str:
    """Whether chance alone could make the gap between two groups and, of shares, how wide the true one could be."""
    pair = pair_of(row)
    if pair is None or row.lower is None or row.upper is None:
        return ""
    second, first = map(of_group, pair)
    none = _NO_GAP.get(how.style, 0.0)
    apart = not row.lower <= none <= row.upper and not _shared(row, rows)
    said = message(f"lay.gap.{'apart' if apart else 'open'}", second=second, first=first)
    if how.style != "points":
        return said
    lower, upper = (_more(row, end) for end in (row.lower, row.upper))
    about = {"lower": lower, "upper": upper, "second": second}
    if not study.protocol.primary.endpoint:
        return as_prose([said, message("lay.gap.range.met", **about)])
    about |= {"horizon": period(row.time or 0), "free": _event(lay, study).html["free"]}
    return as_prose([said, message("lay.gap.range", **about)])


def _more(row: Row, end: float) -> str:
    return message(f"lay.{'fewer' if end < 0 else 'more'}", x=_of_a_hundred(row, abs(end)))


def _of_a_hundred(row: Row, share: float) -> str:
    """A share as a number of whole people, as HTML."""
    return span(row, numbers.fixed(100 * share, 0))


def _shared(row: Row, rows: Sequence[Row]) -> bool:
    """Whether the comparison shares its error with others, and has no p-value below it."""
    own = [r for r in rows if r.statistic == "p_value_adjusted" and r.analysis_id == row.analysis_id]
    pair = pair_of(row)
    return any(pair_of(r) == pair and (r.value is None or r.value > _ALPHA) for r in own)


def _safe(rows: Sequence[Row], lay: Lay, study: Study) -> Paragraphs:
    """Who died over all of follow-up, and who had a health problem."""
    primary, died = study.protocol.primary, ""
    by_day = any(row.statistic == "dead" for row in of_primary(rows, study))
    if primary.endpoint and is_death(study.protocol.endpoint(primary.endpoint)) and by_day:
        died = message("lay.died", groups=ever) if (ever := _ever(rows)) else ""
    own = [row for row in rows if row.chapter == SAFETY and named(row) == ADVERSE_EVENTS and row.n]
    any_problem = [row for row in own if row.statistic == "any"]
    if not any_problem:
        return [[died], [message("lay.safe.none")]]
    serious = [row for row in own if row.statistic == "serious"]
    either = [row for row in own if row.statistic == "serious_or_clinical"]
    said = [*_treated(rows), message("lay.any", groups=_problems(any_problem))]
    if either or serious:
        key = "lay.serious.either" if either else "lay.serious"
        said.append(message(key, groups=_problems(either or serious)))
        said += [seriousness_words(study, "lay.serious.left")] if either else []
        said.append(message("lay.serious.means"))
    if often := commonest_reaction(rows):
        term = escape(lay.names.get(often[0].statistic, in_prose(often[0].statistic)))
        said.append(message("lay.reaction", term=term, groups=_problems(often)))
    return [[died], said, [message("lay.safe.cause")]]


def _problems(own: Sequence[Row]) -> str:
    return _groups((span(row, str(row.events)), row) for row in own)


def _treated(rows: Sequence[Row]) -> list[str]:
    """Whom the numbers on safety are of, where that is not everybody."""
    own = {row.statistic: row for row in rows if named(row) == FLOW and row.arm == ALL}
    safe, every = own.get("safety"), own.get("randomised")
    if safe is None or every is None or safe.value == every.value:
        return []
    return [message("lay.treated", n=whole(safe), people=noun("person", safe.value or 0))]


def _limits(rows: Sequence[Row], lay: Lay) -> Paragraphs:
    """What a trial of so many people, and of this design, cannot tell."""
    every = next((r for r in rows if named(r) == FLOW and (r.statistic, r.arm) == ("randomised", ALL)), None)
    size = [message("lay.size", n=whole(every), people=noun("person", every.value or 0))] if every else []
    return [[*size, message("lay.size.means")], [*map(escape, lay.cannot_say)]]
