"""What the chapters of a run have handed over, gathered in their order."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from esld import jsonfile
from esld.errors import RunError
from esld.report.results import Row


@dataclass(frozen=True)
class HandedOver:
    """What chapters handed over: results, answers by chapter, what each recorded file shows, and by chapter the
    records of its tables and figures in the order it showed them.
    """

    rows: list[Row]
    answers: dict[str, str]
    files: dict[str, str]
    exhibits: dict[str, dict[str, Any]]


def gather(scratch: Path, chapters: Sequence[str]) -> HandedOver:
    """What chapters handed over, in their order.

    Raises
    ------
    esld.errors.RunError
        Two chapters handed over a result, a table or a figure of the same id, or a chapter nothing at all.
    """
    rows: list[Row] = []
    answers: dict[str, str] = {}
    owners: dict[str, str] = {}
    files: dict[str, str] = {}
    exhibits: dict[str, dict[str, Any]] = {}
    for slug in chapters:
        path = scratch / "chapters" / f"{slug}.json"
        if not path.exists():
            raise RunError(f"chapter {slug} handed over no result and no answer.")
        content: Mapping[str, Any] = jsonfile.loads(path.read_text(encoding="utf-8"))
        answers[slug] = content["answer"]
        for name in content["files"]:
            if name in owners:
                raise RunError(f"chapters {owners[name]} and {slug} both write {name}; give one another id.")
            owners[name] = slug
        files |= content["files"]
        exhibits[slug] = content["exhibits"]
        rows += [Row.from_record(record) for record in content["rows"]]
    ids = Counter(row.result_id for row in rows)
    if twice := sorted(id for id, count in ids.items() if count > 1):
        raise RunError(f"results must have one id each; twice: {', '.join(twice[:5])}.")
    return HandedOver(rows, answers, files, exhibits)
