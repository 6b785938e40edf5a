"""The passports of a chapter's numbers as one page: its results by analysis, and below them the lists of records, each once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple
from urllib.parse import quote

from esld.report.passport.passports import (
    Kept,
    Passports,
    correction_said,
    grouped_records,
    grouped_rows,
    limits_said,
    query_said,
    value_said,
)
from esld.report.results import Row, named
from esld.report.words.catalogue import message

ENDING = ".records"  # of the name of a page; no slug of a chapter has a dot


class Number(NamedTuple):
    """A result: its id, which is its anchor; what it is of, in words or as a code; its other cells as plain text; its list."""

    id: str
    arm: str
    coded: bool
    cells: Sequence[str]
    anchor: str
    list: str


class Block(NamedTuple):
    """Results of one name, analysis and method: heading, what they share, and each of them."""

    head: str
    facts: Sequence[tuple[str, str]]
    numbers: Sequence[Number]


class Records(NamedTuple):
    """A list of records: anchor and heading, a note, a line a patient, and what is asked of them; plain text."""

    anchor: str
    head: str
    note: str
    lines: Sequence[Sequence[str]]
    corrections: Sequence[str]
    queries: Sequence[str]


@dataclass(frozen=True)
class Leaf:
    """The page of a chapter: its blocks by analysis, each with a heading and the facts of its analysis; and its lists."""

    analyses: Sequence[tuple[str, Sequence[tuple[str, str]], Sequence[Block]]]
    lists: Sequence[Records]

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Leaf":
        """The page from what JSON makes of it."""
        analyses = [
            (
                head,
                facts,
                [Block(name, own, [Number(*one) for one in numbers]) for name, own, numbers in blocks],
            )
            for head, facts, blocks in record["analyses"]
        ]
        return cls(analyses, [Records(*one) for one in record["lists"]])


COLUMNS = ("result", "arm", "time", "value", "limits", "unit", "n", "events", "records")


def leaf(rows: Sequence[Row], passports: Passports) -> Leaf | None:
    """The page of a chapter's results; none where there are none, or the view may not name patients and arms together.

    A report shows the same lists to everybody who reads it: they are for the team, whose view is the unblinded one.
    """
    return _leaf(rows, passports) if rows and passports.study.cut.view == "unblinded" else None


def addresses(rows: Sequence[Row], pages: Mapping[str, Leaf]) -> dict[str, str]:
    """By id of a result where its passport is."""
    return {
        row.result_id: f"{row.chapter}{ENDING}.html#{quote(row.result_id)}"
        for row in rows
        if row.chapter in pages
    }


def _leaf(rows: Sequence[Row], passports: Passports) -> Leaf:
    lists: dict[str, Records] = {}
    analyses = []
    order = list(dict.fromkeys(row.analysis_id for row in rows))
    ordered = sorted(rows, key=lambda row: order.index(row.analysis_id))
    for _, of_analysis in groupby(ordered, lambda row: row.analysis_id):
        own = list(of_analysis)
        head, facts = passports.analysis_facts(own[0])
        by_method: dict[tuple[str, str], list[Row]] = {}
        for row in own:
            by_method.setdefault((named(row), row.method), []).append(row)
        blocks = [
            Block(name, passports.method_facts(alike[0]), [_number(row, passports, lists) for row in alike])
            for (name, _), alike in by_method.items()
        ]
        analyses.append((head, facts, blocks))
    return Leaf(analyses, [*lists.values()])


def _number(row: Row, passports: Passports, lists: dict[str, Records]) -> Number:
    key, said = passports.told(row, _said)
    if key not in lists:
        head = message("passport.list", number=len(lists) + 1)
        lists[key] = Records(f"records-{key}", head, *said)
    own = lists[key]
    told = passports.cells(row)
    cells = (told["time"], value_said(row.value), limits_said(row), told["unit"], told["n"], told["events"])
    return Number(row.result_id, told["arm"], told["arm"] == row.arm, cells, own.anchor, own.head)


def _said(kept: Kept) -> tuple[str, list[list[str]], list[str], list[str]]:
    """A list without its anchor and heading."""
    whole = kept.reading.whole
    note = "" if kept.reading.who else message("passport.nothing")
    if whole and not kept.reading.stem:
        note = message("passport.everything")
    went = kept.records["went_in"].astype(bool)
    parts = (grouped_rows(kept), grouped_records(kept.records[went]), grouped_records(kept.records[~went]))
    lines = [
        [who, *(part.get(who, "") for part in parts)] for who in sorted({*parts[0], *parts[1], *parts[2]})
    ]
    corrections = [correction_said(*one) for one in kept.corrections]
    return note, lines, corrections, [query_said(query) for query in kept.queries.itertuples()]
