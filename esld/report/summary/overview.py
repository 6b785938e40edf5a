"""The summary: what was found and what that does not show, what was planned and is absent, what is here unplanned."""

from math import isnan, nan

import pandas as pd

from esld.data.study import Study
from esld.protocol import ROLES, Analysis
from esld.report import additional
from esld.report.brief import answered, safe, secondary, sizes
from esld.report.cells import Cell, Label
from esld.report.chapter import Others
from esld.report.headlines import HEADLINES
from esld.report.phrases import Sentence, span, view_name, whole
from esld.report.results import Reported, Row
from esld.report.roles import DESIGN
from esld.report.tables import Table
from esld.report.words.catalogue import message
from esld.report.words.grammar import as_prose, joined


def primary_sentence(study: Study) -> str:
    """What the protocol says of its primary analysis."""
    primary = study.protocol.primary
    about = {"title": primary.title, "variable": primary.estimand.variable, "method": primary.method}
    return message("summary.primary", **about)


def findings(study: Study, others: Others) -> list[str]:
    """What secondary analyses found, what a trial of this size can tell, and what was seen of safety: a paragraph each.

    What no trial of this design can show stands once, below the answer of the overview.
    """
    said = {
        "secondary": [others.answers.get(chapter, "") for chapter in secondary(study)],
        "not_shown": sizes(others.rows.rows, study),
        "safe": safe(others.rows.rows, others.answers, study),
    }
    texts = {code: as_prose(own) for code, own in said.items()}
    return [
        message("summary.point", head=message(f"brief.{code}"), text=text)
        for code, text in texts.items()
        if text
    ]


def other_lines(study: Study, others: Others) -> list[str]:
    """The answers of the chapters that are not among the findings, in their order; what a trial could show is no finding."""
    left = (*answered(study), DESIGN)
    return [answer for slug, answer in others.answers.items() if answer and slug not in left]


def planned_rows(study: Study, others: Others) -> pd.DataFrame:
    """How many results each planned analysis has in this report, and those of analyses that are not planned.

    Not estimable of an analysis of which nothing can be estimated.
    """
    rows: dict[str, list[Row]] = {}
    for row in others.rows.rows:
        rows.setdefault(row.analysis_id, []).append(row)
    counts: dict[str, float] = {name: len(own) for name, own in rows.items()}
    planned = [analysis.id for analysis in study.protocol.analyses]
    for plan in study.protocol.analyses:
        if plan.id in rows and not _estimated(plan, rows[plan.id]):
            counts[plan.id] = nan
    held = sum(counts.get(name, 0) > 0 for name in planned)
    about = {"statistic": "planned_analyses_held", "unit": "analyses", "method": "count", "n": len(planned)}
    every = [
        {
            "group": name,
            "statistic": "results",
            "value": counts.get(name, 0),
            "unit": "results",
            "method": "count",
        }
        for name in dict.fromkeys([*planned, *counts])
    ]
    missing = about | {"statistic": "planned_analyses_not_estimable"}
    unknown = sum(isnan(counts.get(name, 0)) for name in planned)
    return pd.DataFrame([{"value": held, **about}, {"value": unknown, **missing}, *every])


def _estimated(plan: Analysis, rows: list[Row]) -> bool:
    """Whether an analysis has a number of what it estimates, or the p-value of what it tests; of one that only counts, any."""
    headlines = HEADLINES.get(plan.kind) if plan.kind else None
    own = {s for line in headlines or () if not line.of or plan.kind in line.of for s in line.statistics}
    told = [row.statistic for row in rows if row.value is not None]
    if headlines is None:
        return bool(told)
    return any(name in own if own else name.endswith("p_value") for name in told)


def planned_table(study: Study, planned: Reported) -> Table | Sentence:
    """The planned analyses of which the report holds no result, each with the reason; a sentence where it holds all."""
    lines = []
    for analysis in study.protocol.analyses:
        results = planned.row("results", analysis.id).value
        if results:
            continue
        here = analysis.chapter in study.cut.chapters
        held = "no_result" if results is None else _why_none(study) if here else "no_chapter"
        about = {"chapter": analysis.chapter, "view": view_name(study)}
        line: dict[str, Cell | str] = {
            "role": Label(message(f"estimands.role.{analysis.role}"), analysis.role),
            "id": analysis.id,
            "analysis": analysis.title,
            "why": Label(message(f"planned.{held}", **about), held),
        }
        lines.append((ROLES.index(analysis.role), line))
    lines.sort(key=lambda placed: placed[0])
    if not lines:
        return Sentence(message("planned.all"))
    return Table("planned", message("planned.title"), [line for _, line in lines], group="role")


def _why_none(study: Study) -> str:
    """Why a chapter of the cut gives no result of an analysis that the protocol plans for it."""
    if study.cut.published:
        return "public"
    if not study.shows_arms:
        return "no_arms"
    return "no_patients" if study.vacant else "no_result"


def held_sentence(study: Study, planned: Reported) -> str:
    """Of how many of the planned analyses the report holds a result."""
    row = planned.row("planned_analyses_held")
    said = message("summary.held", held=span(row, f"{row.value or 0:.0f}"), planned=span(row, str(row.n)))
    unknown = planned.row("planned_analyses_not_estimable")
    return as_prose([said, message("summary.held.none", count=whole(unknown)) if unknown.value else ""])


def unplanned_sentence(study: Study, planned: Reported) -> str:
    """The analyses that the protocol does not plan, by their chapters' ids; design is none of the trial's."""
    known = {analysis.id for analysis in study.protocol.analyses} | {"DESIGN"}
    found = [row.arm for row in planned.rows if row.arm and row.arm not in known]
    return message("summary.unplanned", analyses=joined(found)) if found else ""


def additional_sentence(others: Others, unplanned: str) -> str:
    """What the report holds beyond the analyses that the protocol file lists; that it holds nothing, where it does not."""
    names = additional.additional(others.rows.rows)
    if not names:
        return unplanned or message("summary.unplanned.none")
    said = message("summary.additional", what=message("told.list").join(map(additional.words, names)))
    return as_prose((unplanned, said))
