"""What the codes of ``results.json`` say to a person, in the language of the report: ``labels.json``, written beside it."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from esld.data.study import Study
from esld.report import numbers
from esld.report.phrases import method_words, worded
from esld.report.results import Row
from esld.report.words.catalogue import arm_label
from esld.report.words.grammar import capitalised

LABELS = "labels.json"
Labels = dict[str, dict[str, str]]


def labels_of(rows: Iterable[Row], study: Study, chapters: Mapping[str, str]) -> Labels:
    """The words of every code that the rows have.

    Parameters
    ----------
    rows : iterable of Row
        All results of a report.
    study : Study
        The cut.
    chapters : dict of str to str
        Titles by chapter.

    Returns
    -------
    dict of str to dict of str to str
        By field of a row, ``arm``, ``analysis_id``, ``method``, ``unit``, ``reason`` and ``chapter``: the words by code, in order
        of the codes. An arm's field may hold what else a number is told apart by, such as a domain; that has no words.
    """
    rows = list(rows)
    titles = {analysis.id: analysis.title for analysis in study.protocol.analyses}
    arms = {arm: arm_label(arm) for arm in study.groups}
    reasons = {one.code: capitalised(worded(one)) for row in rows if row.reason for one in row.reason.each}
    found: Labels = {
        "arm": arms,
        "analysis_id": {id: titles[id] for id in {row.analysis_id for row in rows} & set(titles)},
        "method": {code: method_words(code) for code in {row.method for row in rows} if code},
        "unit": {code: numbers.unit(code) for code in {row.unit for row in rows} if code},
        "reason": {str(code): said for code, said in reasons.items()},
        "chapter": dict(chapters),
    }
    return {field: dict(sorted(words.items())) for field, words in found.items()}


def write_labels(labels: Labels, path: Path) -> None:
    """Write labels as JSON, a line each."""
    path.write_text(json.dumps(labels, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
