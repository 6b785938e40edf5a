"""The report in a minute: what was found, what it does not show, whether it was safe, and whose plan it follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from esld.data.cutfile import ALL
from esld.data.study import Study
from esld.report import numbers, trial_size
from esld.report.event import event_of
from esld.report.headlines import of_primary
from esld.report.looks import looks_of
from esld.report.needs import why_not
from esld.report.phrases import as_told, is_of_the_end, open_queries, span, standing, whole
from esld.report.planned import is_death, planned_by
from esld.report.results import Reported, Row, named
from esld.report.roles import SUMMARY
from esld.report.stand import where
from esld.report.words.catalogue import message
from esld.report.words.grammar import as_prose, in_prose, joined, noun, of_group, on_day, period

SAFETY = "06_safety"
FLOW, FOLLOW_UP, QUERIES = "flow", "follow_up", "queries"
REACTIONS, CAUSES, BESIDE = "reactions", "causes_of_death", "_milestone_beside"
SILENCE = "silence"
MONITORING = "monitoring"
NOT_STATED = "not stated"  # the cause of a death of which no fatal event tells
_POWER = "fewest_deaths_against_none"  # the statistic of a result that is of a trial's size


@dataclass(frozen=True)
class Point:
    """A part of the answer: which, what a reader calls it, and its sentences as HTML."""

    code: str
    head: str
    html: str


def brief(rows: Sequence[Row], answers: Mapping[str, str], study: Study) -> tuple[Point, ...]:
    """The parts of the answer that have something to say, in their order.

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
    tuple of Point
        ``found``, ``secondary``, ``not_shown``, ``safe``, ``interim`` before the final analysis, ``trial`` and ``plan``.
    """
    said = {
        "found": found(rows, answers, study),
        "secondary": [answers.get(chapter, "") for chapter in secondary(study)],
        "not_shown": [*sizes(rows, study), *map(escape, study.protocol.cannot_say)],
        "safe": safe(rows, answers, study),
        "interim": interim(rows, study),
        "trial": design(rows, study),
        "plan": [planned_by(study.protocol), _chosen(study)],
    }
    texts = {code: as_prose(own) for code, own in said.items()}
    return tuple(Point(code, message(f"brief.{code}"), text) for code, text in texts.items() if text)


def answered(study: Study) -> tuple[str, ...]:
    """Chapters whose answers are parts of this one."""
    return (study.protocol.primary.chapter, SAFETY, SUMMARY, *secondary(study))


def secondary(study: Study) -> list[str]:
    """The chapters of secondary analyses beside that of the primary one, in the order of the report."""
    own = {analysis.chapter for analysis in study.protocol.analyses if analysis.role == "secondary"}
    return sorted(own & set(study.cut.chapters) - {study.protocol.primary.chapter})


def found(rows: Sequence[Row], answers: Mapping[str, str], study: Study) -> list[str]:
    """How many had the event, then what the chapter of the primary analysis answers, and what an interim analysis must say."""
    answer = answers.get(study.protocol.primary.chapter, "")
    said = [*by_then(rows, study), answer or message("front.no_primary"), standing(study)]
    said += [_asked(rows), *_critical(study)]
    locked = study.cut.status != "final" or open_queries(study).empty
    return said if locked else [*said, message("brief.unlocked")]


def _critical(study: Study) -> list[str]:
    """The open queries that touch the outcome, each with its record; nothing where single patients are not shown."""
    if why_not(study, "single_patients"):
        return []
    own = open_queries(study)
    return [
        message(
            "brief.query",
            record=_record(f"{q['USUBJID']}, {q['record']}"),
            what=_record(as_told(q["message"])),
        )
        for q in own[own["severity"].eq("critical")].to_dict("records")
    ]


def _record(text: str) -> str:
    """What a record says: it holds digits that are no result."""
    return f'<span class="record">{escape(text)}</span>'


def _asked(rows: Sequence[Row]) -> str:
    """How many data queries were open: an answer to one may change what was found."""
    counts = {row.statistic: row for row in rows if named(row) == QUERIES}
    still = counts.get("queries open")
    if still is None or not still.value:
        return ""
    critical = counts["queries critical"]
    return message("brief.queries", count=int(still.value), open=whole(still), critical=whole(critical))


def by_then(rows: Sequence[Row], study: Study) -> list[str]:
    """How many had the event by the day of the primary outcome, and how many were not followed so long, by group, in counts."""
    own = of_primary(rows, study)
    had = [row for row in own if row.statistic == "dead"]
    endpoint = study.protocol.primary.endpoint
    if not had or endpoint is None:
        return []
    event = event_of(study, endpoint).html
    groups = joined(_of_all(row, whole(row)) for row in had)
    said = [message("brief.had", horizon=period(had[0].time or 0), groups=groups, **event)]
    if unknown := [row for row in own if row.statistic == "unknown" and row.value]:
        said.append(message("brief.unknown", groups=joined(map(_some, unknown))))
    return said


def _of_all(row: Row, x: str) -> str:
    """How many of a group."""
    return message("brief.group", x=x, n=span(row, str(row.n)), count=row.n or 0, arm=of_group(row.arm))


def _some(row: Row) -> str:
    """How many patients there are in a group of whom this is said."""
    about = {"patients": noun("patient", row.value or 0), "arm": of_group(row.arm)}
    return message("brief.group.few", x=whole(row), **about)


def sizes(rows: Sequence[Row], study: Study) -> list[str]:
    """What a trial of this size can and cannot show of its primary outcome, if that is a time to an event: of each comparison."""
    by_name: dict[str, list[Row]] = {}
    for row in rows:
        by_name.setdefault(named(row), []).append(row)
    own = [each for each in by_name.values() if any(row.statistic == _POWER for row in each)]
    primary = study.protocol.primary
    if primary.chapter != "03_survival" or primary.endpoint is None:
        return []
    event = event_of(study, primary.endpoint)
    pairs = zip(study.pairs, own, strict=False)
    return [trial_size.what_this_size_shows(pair, Reported(tuple(each)), event) for pair, each in pairs]


def safe(rows: Sequence[Row], answers: Mapping[str, str], study: Study) -> list[str]:
    """Deaths, what the chapter on safety answers, and why it counts fewer patients than were randomised."""
    causes = cause_words([row for row in rows if named(row) == CAUSES])
    return [
        *_died(rows, study),
        *filter(None, (causes, answers.get(SAFETY, ""), reaction_words(rows))),
        *_denominator(rows, study),
    ]


def cause_words(rows: Sequence[Row]) -> str:
    """What those who died, died of: each cause with its number; nothing without a death."""
    each = joined(
        message("brief.cause", cause=_cause(row.statistic), count=whole(row)) for row in rows if row.value
    )
    return message("brief.causes", causes=each) if each else ""


def _cause(name: str) -> str:
    return message("brief.cause.none") if name == NOT_STATED else escape(in_prose(name))


def reaction_words(rows: Sequence[Row]) -> str:
    """The commonest reaction to an administration by its term: in how many patients and after how many administrations."""
    often = commonest_reaction(rows)
    if not often:
        return ""
    term = often[0].statistic
    after = [r for r in rows if named(r) == REACTIONS and r.statistic == f"{term}.administrations" and r.n]
    groups = joined(_of_all(row, span(row, str(row.events))) for row in often)
    doses = joined(
        message(
            "brief.reaction.given",
            count=row.n or 0,
            x=span(row, str(row.events)),
            n=span(row, str(row.n)),
            arm=of_group(row.arm),
        )
        for row in after
    )
    return message("brief.reaction", term=escape(in_prose(term)), groups=groups, given=doses)


def commonest_reaction(rows: Sequence[Row]) -> list[Row]:
    """Patients with the reaction that most of them had, by group; none where there was no reaction."""
    by_term: dict[str, list[Row]] = {}
    for row in rows:
        if named(row) == REACTIONS and row.n and row.unit == "patients":
            by_term.setdefault(row.statistic, []).append(row)
    often = max(by_term.values(), key=lambda own: sum(row.events or 0 for row in own), default=[])
    return often if any(row.events for row in often) else []


def _died(rows: Sequence[Row], study: Study) -> list[str]:
    """Deaths over all of follow-up, by group."""
    endpoint = study.protocol.primary.endpoint
    if endpoint is None or not is_death(study.protocol.endpoint(endpoint)):
        return []
    own = [
        row
        for row in rows
        if named(row) in (f"{FOLLOW_UP}_by_arm", FOLLOW_UP) and row.statistic == "complete"
    ]
    own = [row for row in own if row.arm != ALL] or own
    groups = joined(_of_all(row, span(row, str(row.events))) for row in own)
    return [message("brief.died", groups=groups)] if own else []


def _denominator(rows: Sequence[Row], study: Study) -> list[str]:
    """Why safety counts fewer patients than were randomised; nothing where it counts all."""
    own = {(row.statistic, row.arm): row for row in rows if named(row) == FLOW}
    safe, every = own.get(("safety", ALL)), own.get(("randomised", ALL))
    if safe is None or every is None or safe.value == every.value:
        return []
    untreated = [row for arm in study.arms if (row := own.get(("untreated", arm))) and row.value]
    if not untreated or not safe.value:  # of whom no group is known, or all: the chapter on safety says it
        return []
    return [
        message("brief.denominator", safe=whole(safe), n=whole(every), groups=joined(map(_some, untreated)))
    ]


def design(rows: Sequence[Row], study: Study) -> list[str]:
    """What kind of trial it is: how many were randomised and when, and who knew the group; nothing where nobody counted them."""
    every = next((r for r in rows if (named(r), r.statistic, r.arm) == (FLOW, "randomised", ALL)), None)
    days = study.randomised["RANDDT"]
    if every is None or days.empty:
        return []
    about = {"first": on_day(days.min()), "last": on_day(days.max()), "count": int(every.value or 0)}
    masking = study.protocol.masking
    masked = message("assumed", what=masking.value) if masking.assumed else masking.value
    key = "brief.trial.said.public" if study.cut.published else "brief.trial.said"
    return [message(key, n=whole(every), masking=escape(masked), **about)]


def interim(rows: Sequence[Row], study: Study) -> list[str]:
    """What a board asks before the final analysis: what would stop the trial, how far it is, and the longest silence."""
    if is_of_the_end(study, study.cut):
        return []
    stopping = study.protocol.conduct.stopping
    said = [message("brief.interim.no_guidance")] if stopping is None or stopping.assumed else []
    own = {(named(row), row.statistic, row.arm): row for row in rows}
    looks, monitored = looks_of(study), Reported(tuple(row for row in rows if named(row) == MONITORING))
    if looks and monitored.rows:
        event = event_of(study, str(study.protocol.primary.endpoint))
        told = {"numbers": looks.told, "reached": whole(monitored.row("reached"))}
        said.append(
            where(looks, monitored, event, study) if study.pairs else message("brief.interim.looks", **told)
        )
    if every := own.get((FLOW, "randomised", ALL)):
        said.append(
            message(
                "brief.interim.enrolled",
                count=int(every.value or 0),
                n=whole(every),
                planned=study.protocol.target_enrolment,
            )
        )
    given = [
        message("brief.interim.group", x=whole(row), n=whole(due), arm=of_group(row.arm))
        for arm in study.arms
        if (row := own.get(("exposure", "all_given", arm)))
        and (due := own.get(("exposure", "all_due", arm)))
        and due.value
    ]
    years = [
        message("brief.interim.years", years=span(row, numbers.positive(row.value, 1)), arm=of_group(arm))
        for arm in study.arms
        if (row := own.get(("adverse_events", "patient_years", arm)))
    ]
    said += [message("brief.interim.given", groups=joined(given))] if given else []
    said += [message("brief.interim.followed", groups=joined(years))] if years else []
    if silent := own.get((SILENCE, "longest", "")):
        days = message("counted", count=whole(silent), noun=noun("day", silent.value or 0))
        said.append(message("brief.interim.silent", days=days))
    if study.cut.snapshot > study.cut.cutoff:
        said.append(_cut(study))
    return said


def _cut(study: Study) -> str:
    """What the cut took from the export: whole records, and parts of others; that it took nothing where it did not."""
    records = study.cut_report.records
    gone = {"whole": records["after"] + records["undecided"], "parts": records["blanked"]}
    counts = {key: int(number.sum()) for key, number in gone.items() if number.sum()}
    what = [
        message(
            f"brief.interim.cut.{key}",
            count=message("counted", count=_record(str(n)), noun=noun("record", n)),
        )
        for key, n in counts.items()
    ]
    about = {"cutoff": _record(study.cut.cutoff), "snapshot": _record(study.cut.snapshot)}
    return (
        message("brief.interim.cut", what=joined(what), **about)
        if what
        else message("brief.interim.uncut", **about)
    )


def _chosen(study: Study) -> str:
    """How much the authors chose, with a link to each choice."""
    chosen = len(study.protocol.assumed())
    return message("brief.chosen", count=chosen) if chosen else ""
