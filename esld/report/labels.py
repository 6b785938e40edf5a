"""What the codes of ``results.json`` and of the tables say to a person, in the language of the report: ``labels.json``."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from esld.data.study import Study
from esld.report import numbers
from esld.report.cells import Label
from esld.report.phrases import method_words, ties, worded
from esld.report.results import Row
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import capitalised

LABELS = "labels.json"
Labels = dict[str, dict[str, Any]]
_COMPARED = {" - ": "minus", " / ": "over", " v ": "against"}  # between the codes of two arms


def labels_of(
    rows: Iterable[Row], study: Study, chapters: Mapping[str, str], tables: Iterable[Table] = ()
) -> Labels:
    """The words of the codes that the rows and the tables have.

    Parameters
    ----------
    rows : iterable of Row
        All results of a report.
    study : Study
        The cut.
    chapters : dict of str to str
        Titles by chapter.
    tables : iterable of Table
        As they were shown.

    Returns
    -------
    dict of str to dict
        By field of a row, ``arm``, ``analysis_id``, ``method``, ``ties``, ``unit``, ``reason``, ``chapter``: words by code, in
        order of the codes. An arm's field may hold what else a number is told apart by, such as a domain; that has no words.
        ``analysis_kind``: by id of an analysis of which kind it is.
        ``table``: by id the title, the headings by key, and the words of the codes in the cells.
    """
    rows = list(rows)
    analyses = {analysis.id: analysis for analysis in study.protocol.analyses}
    ids = {row.analysis_id for row in rows} & set(analyses)
    arms = arms_of(rows, study)
    reasons = {one.code: capitalised(worded(one)) for row in rows if row.reason for one in row.reason.each}
    found: Labels = {
        "arm": arms,
        "analysis_id": {id: analyses[id].title for id in ids},
        "analysis_kind": {id: message(f"needs.kind.{kind}") for id in ids if (kind := analyses[id].kind)},
        "method": {code: method_words(code) for code in {row.method for row in rows} if code},
        "ties": {row.ties: ties(row) for row in rows if row.ties},
        "unit": {code: said for code in {row.unit for row in rows} if (said := numbers.unit(code))},
        "reason": {str(code): said for code, said in reasons.items()},
        "chapter": dict(chapters),
    }
    found = {field: dict(sorted(words.items())) for field, words in found.items()}
    return found | {"table": {table.id: _of_table(table) for table in tables}}


def arms_of(rows: Iterable[Row], study: Study) -> dict[str, str]:
    """What the arms and the pairs of arms of some rows are called, by code."""
    arms = {arm: arm_label(arm) for arm in study.groups}
    return arms | {row.arm: said for row in rows if (said := _compared(row.arm, study.arms))}


def arm_called(code: str, study: Study) -> str:
    """What an arm or a pair of arms is called; the code of anything else."""
    return arm_label(code) if code in study.groups else _compared(code, study.arms) or code


def _compared(code: str, arms: Sequence[str]) -> str:
    """Two arms that are compared: ``MEDHIGH - LOW``; empty for anything else."""
    for sign, how in _COMPARED.items():
        one, found, other = code.partition(sign)
        if found and {one, other} <= {*arms}:
            return message(f"labels.{how}", one=arm_label(one), other=arm_label(other))
    return ""


def _of_table(table: Table) -> dict[str, Any]:
    labels = {
        cell.code: cell.said for row in table.rows for cell in row if isinstance(cell, Label) and cell.code
    }
    columns = {column.key: column.title for column in table.columns}
    return {"title": table.title, "columns": columns, "labels": labels}


def write_labels(labels: Labels, path: Path) -> None:
    """Write labels as JSON, a line each."""
    path.write_text(json.dumps(labels, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")
