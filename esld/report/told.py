"""What a number of the prose is, for who points at it or reaches it with the Tab key."""

from collections.abc import Iterable, Mapping, Sequence

from esld.data.study import Study
from esld.protocol import Analysis
from esld.report import cells
from esld.report.labels import arms_of
from esld.report.phrases import method
from esld.report.planned import title_at
from esld.report.results import Row
from esld.report.tables import Table
from esld.report.words.catalogue import message


def told(rows: Iterable[Row], study: Study) -> dict[str, str]:
    """By id of a result its analysis, arm, n, events, method and limits, as far as it has them, as plain text."""
    rows = list(rows)
    plans = {analysis.id: analysis for analysis in study.protocol.analyses}
    arms = arms_of(rows, study)
    return {row.result_id: said for row in rows if (said := _of(row, plans, arms))}


def _of(row: Row, plans: Mapping[str, Analysis], arms: Mapping[str, str]) -> str:
    plan = plans.get(row.analysis_id)
    parts = [title_at(plan, row.time) if plan else "", arms.get(row.arm, "")]
    if row.n is not None:
        parts.append(message("told.n", n=row.n))
    if row.events is not None:
        parts.append(message("told.events", count=row.events))
    if row.method:
        parts.append(method(row))
    if row.lower is not None and row.upper is not None:
        lower, upper = (cells.of_value(limit).text for limit in (row.lower, row.upper))
        parts.append(message("told.limits", lower=lower, upper=upper))
    return message("told.list").join(filter(None, parts))


def shown_in(tables: Iterable[Table]) -> Mapping[str, Sequence[str]]:
    """By name of a result (``os_1y``) the names of the tables that show a number of it."""
    found: dict[str, list[str]] = {}
    for table in tables:
        ids = (id for row in table.rows for cell in row for id in cells.result_ids(cell))
        for result in dict.fromkeys(id.partition(".")[0] for id in ids):
            found.setdefault(result, []).append(f"tables/{table.id}")
    return found
