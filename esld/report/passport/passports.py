"""The passport of a result: what it is, by which plan and method, from which rows and records, and what is asked of these."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from html import unescape
from itertools import groupby
from typing import Any, TypeVar

import pandas as pd

from esld.data.fingerprint import digest
from esld.data.overrides import Override
from esld.data.queries.answers import with_status
from esld.data.study import Study
from esld.report import additional, numbers
from esld.report.labels import arm_called
from esld.report.passport.influence import influential
from esld.report.passport.reads import Reading, Readings
from esld.report.passport.records import Sources
from esld.report.passport.sources import sources_of
from esld.report.phrases import as_told, method, worded
from esld.report.planned import estimand_of
from esld.report.results import Row, named
from esld.report.words.catalogue import message

_Said = TypeVar("_Said")
SHOWING = (
    "unblinded",
    "blinded",
)  # the views that may name patients and records: the one knows the arms, the other none
_RECORD = re.compile(r"\b([A-Z]{2})(?: (\d[\w.]*))?(?![\w-])")  # of a query: "DM / DS 3"


@dataclass(frozen=True)
class Kept:
    """What all results have that read the same.

    Attributes
    ----------
    reading : Reading
        What they read.
    rows : DataFrame
        See :func:`esld.report.passport.records.Sources.rows_of`.
    records : DataFrame
        See :meth:`esld.report.passport.records.Sources.of`.
    corrections : tuple of (str, Override)
        The record of each correction (``LB 3``), with its patient before it.
    queries : DataFrame
        The data queries on these records, with their status.
    """

    reading: Reading
    rows: pd.DataFrame
    records: pd.DataFrame
    corrections: tuple[tuple[str, Override], ...]
    queries: pd.DataFrame


class Passports:
    """The passports of a cut's results."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self._analyses = {analysis.id: analysis for analysis in study.protocol.analyses}
        self._readings = Readings(study)
        self._kept: dict[Reading, Kept] = {}
        self._told: dict[Reading, Any] = {}

    @property
    def shown(self) -> bool:
        """Whether the view may name the patients and records of a result."""
        return self.study.cut.view in SHOWING

    def of(self, row: Row) -> Kept:
        """What a result was made from; the same object for results that read the same."""
        reading = self._readings.of(row)
        if reading not in self._kept:
            records = self._sources.of(reading)
            own = (reading, self._sources.rows_of(reading), records)
            self._kept[reading] = Kept(*own, self._corrections(records), self._queries(reading, records))
        return self._kept[reading]

    @cached_property
    def _sources(self) -> Sources:
        return Sources(self.study)

    def told(self, row: Row, said: Callable[[Kept], _Said]) -> tuple[str, _Said]:
        """What is said of the records of a result, with a hash of it; made once for results that read the same."""
        kept = self.of(row)
        if kept.reading not in self._told:
            made = said(kept)
            self._told[kept.reading] = (digest({"said": repr(made)})[:12], made)
        found: tuple[str, _Said] = self._told[kept.reading]
        return found

    def facts(self, row: Row) -> list[tuple[str, str]]:
        """What is known of a result without its records: heading and plain text, in the order in which it is shown."""
        about = {
            "result": row.result_id,
            "value": value_said(row.value),
            "limits": limits_said(row),
            **self.cells(row),
        }
        about["reason"] = unescape(worded(row.reason)) if row.reason else ""
        head, estimand = self.analysis_facts(row)
        return [
            *((message(f"passport.{name}"), said) for name, said in about.items() if said),
            (message("passport.analysis"), head),
            *estimand,
            *self.method_facts(row),
            (message("passport.read"), str(len(self.of(row).reading.who))),
        ]

    def cells(self, row: Row) -> dict[str, str]:
        """What tells a result apart, and of how many it is."""
        time = "" if row.time is None else f"{row.time:g}"
        n, events = ("" if number is None else str(number) for number in (row.n, row.events))
        arm = unescape(arm_called(row.arm, self.study))
        return {"unit": numbers.unit(row.unit), "arm": arm, "time": time, "n": n, "events": events}

    def analysis_facts(self, row: Row) -> tuple[str, list[tuple[str, str]]]:
        """What an analysis is called, and its estimand."""
        plan = self._analyses.get(row.analysis_id)
        if plan is None:
            return message("passport.analysis.none"), []
        estimand = estimand_of(self.study, plan)
        heads = {
            name: message("passport.estimand", attribute=message(f"estimands.{name}")) for name in estimand
        }
        said = message("passport.analysis.titled", title=plan.title, id=plan.id)
        return said, [(heads[name], str(own)) for name, own in estimand.items()]

    def method_facts(self, row: Row) -> list[tuple[str, str]]:
        """The method with its source; and that no analysis of the protocol file asks for it, where none does."""
        sources = message("told.list").join(sources_of(row.method)) or message("passport.sources.none")
        found = [
            (
                message("passport.method"),
                unescape(method(row)) if row.method else message("passport.method.none"),
            ),
            (message("passport.sources"), sources),
        ]
        if additional.name_of(named(row)):
            found.append((message("passport.asked"), message("passport.additional")))
        return found

    def influence(self, row: Row) -> "pd.Series[bool]":
        """Of each record of a result, whether it has an influence by itself; see :func:`.influence.influential`."""
        kept = self.of(row)
        return influential(kept.reading, kept.records, self.study)

    def _corrections(self, records: pd.DataFrame) -> tuple[tuple[str, Override], ...]:
        found = []
        for override in self.study.overrides.shown:
            table = self.study.tables.get(override.domain, pd.DataFrame())
            chosen = pd.Series(bool(len(table)), table.index, dtype=bool)
            for name, value in override.key_after.items():
                chosen &= table[name].eq(value) if name in table else False
            own = records[records["domain"].eq(override.domain) & records["row"].isin(table.index[chosen])]
            found += [
                (f"{who} {said}", override) for who, said in zip(own["USUBJID"], _called(own), strict=True)
            ]
        return tuple(found)

    def _queries(self, reading: Reading, records: pd.DataFrame) -> pd.DataFrame:
        """The queries that name one of the records, or of one of the patients no record at all."""
        there = set(zip(records["USUBJID"], _called(records), strict=True)) | set(
            zip(records["USUBJID"], records["domain"], strict=True)
        )
        queries, records_named = self._asked
        chosen = [
            who in reading.who and (not named or any((who, one) in there for one in named))
            for who, named in zip(queries["USUBJID"], records_named, strict=True)
        ]
        return queries[pd.Series(chosen, queries.index, dtype=bool)]

    @cached_property
    def _asked(self) -> tuple[pd.DataFrame, list[list[str]]]:
        """All queries, and the records that each names."""
        queries = with_status(self.study.queries, self.study.answers, None)
        return queries, [
            [" ".join(one).strip() for one in _RECORD.findall(str(record))] for record in queries["record"]
        ]


def _called(records: pd.DataFrame) -> list[str]:
    return [f"{domain} {seq}".strip() for domain, seq in zip(records["domain"], records["seq"], strict=True)]


def value_said(value: float | None) -> str:
    """A number with the digits that ``results.json`` has."""
    return numbers.not_estimable() if value is None else f"{value:.12g}"


def limits_said(row: Row) -> str:
    """The limits of a result, if it has any."""
    if row.lower is None and row.upper is None:
        return ""
    return message("passport.to", lower=value_said(row.lower), upper=value_said(row.upper))


def correction_said(record: str, override: Override) -> str:
    """A correction as plain text."""
    empty = message("passport.corrections.empty")
    old, new = (empty if cell is None else cell for cell in (override.old, override.new))
    about = {"variable": override.variable, "who": override.who, "when": override.when, "why": override.why}
    return message("passport.corrections.one", record=record, old=old, new=new, **about)


def query_said(query: Any) -> str:
    """A data query as plain text."""
    record = f"{query.USUBJID} {query.record}".strip()
    status = message(f"queries.status.{query.status}")
    return message(
        "passport.queries.one",
        id=query.id, severity=message(f"queries.severity.{query.severity}"), status=status, record=record,
        message=as_told(query.message),
    )  # fmt: skip


def grouped_records(records: pd.DataFrame) -> dict[str, str]:
    """Records by patient, as text: ``DM; DS 1–3; LB 4, 7``."""
    found: dict[str, dict[str, list[str]]] = {}
    for who, domain, seq in zip(records["USUBJID"], records["domain"], records["seq"], strict=True):
        found.setdefault(who, {}).setdefault(domain, []).append(seq)
    return {
        who: "; ".join(f"{domain} {runs(own)}".strip() for domain, own in of_patient.items())
        for who, of_patient in sorted(found.items())
    }


def grouped_rows(kept: Kept) -> dict[str, str]:
    """Rows of analysis data by patient, as text: ``ADSL; ADTTE OS; ADLB ALT (Baseline, Week 4)``."""
    found: dict[str, dict[str, dict[str, list[str]]]] = {}
    for who, dataset, code, visit, seq in kept.rows[
        ["USUBJID", "dataset", "PARAMCD", "AVISIT", "seq"]
    ].to_numpy():
        found.setdefault(who, {}).setdefault(dataset, {}).setdefault(code, []).append(visit or seq)
    if kept.reading.whole:
        return {
            who: message("passport.rows.all", datasets=", ".join(own)) for who, own in sorted(found.items())
        }
    return {
        who: "; ".join(f"{dataset} {_parameters(own)}".strip() for dataset, own in of_patient.items())
        for who, of_patient in sorted(found.items())
    }


def _parameters(found: dict[str, list[str]]) -> str:
    inside = {code: runs(own) for code, own in found.items()}
    return ", ".join(f"{code} ({own})" if code and own else code or own for code, own in inside.items())


def runs(found: Iterable[str]) -> str:
    """Numbers as text, those that follow each other as one: ``1–3, 7``; what is no number stands as it is."""
    found = list(dict.fromkeys(found))
    whole = sorted(int(one) for one in found if one.isdecimal())
    parts = []
    for _, run in groupby(enumerate(whole), lambda pair: pair[1] - pair[0]):
        own = [number for _, number in run]
        parts.append(str(own[0]) if len(own) == 1 else f"{own[0]}{'–' if len(own) > 2 else ', '}{own[-1]}")
    return ", ".join([*parts, *(one for one in found if one and not one.isdecimal())])
