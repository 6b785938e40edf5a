"""What a passport names, tried by deletion: nothing else changes the number, and what is named changes it or is told not to."""

from collections import defaultdict
from functools import cache

import numpy as np
import pandas as pd
import pytest

from esld.data.influence import TWIN, derived_without
from esld.data.study import FRAMES
from esld.report.headlines import headline_rows
from esld.report.passport.influence import influential, marks
from esld.report.passport.reads import Reading, Readings
from esld.report.passport.records import Sources
from esld.report.results import Row, read_rows
from tests.report.builders import ROOT
from tests.report.in_process import cut_at, demo, rows_handed_over, run

RECORD = ROOT / "outputs" / "demo-final" / "results.json"
CARDS = (
    "complete",
    "any_incidence",
    "incidence",
    "serious_or_clinical",
)  # of the front page, beside those of the primary analysis


@cache
def results() -> dict[str, Row]:
    return {row.result_id: row for row in read_rows(RECORD)}


@pytest.fixture(scope="module")
def cut(study):
    return study("demo-final")


@pytest.fixture(scope="module")
def headlines(cut) -> list[Row]:
    rows = list(results().values())
    return [*headline_rows(rows, cut), *(row for row in rows if row.statistic in CARDS)]


@pytest.fixture(scope="module")
def readings(cut) -> dict[Reading, Row]:
    """Everything that is read of the cut but all of it, with one of the results that do."""
    every, found = Readings(cut), {}
    for row in results().values():
        found.setdefault(every.of(row), row)
    return {reading: row for reading, row in found.items() if reading.who and not reading.whole}


def every_record(study) -> pd.DataFrame:
    return Sources(study).of(Reading(frozenset(study.adsl["USUBJID"]), whole=True))


def unnamed_but_read(study, readings, asked: pd.DataFrame) -> list[str]:
    """Of some records those without one of which what a result reads is another, and which its passport does not name."""
    own, sources, found = {name: getattr(study, name) for name in FRAMES}, Sources(study), []
    named_by = {
        r: {(d, row): went for d, row, went in sources.of(r)[["domain", "row", "went_in"]].to_numpy()}
        for r in readings
    }
    before = {r: marks(own, r, own, ["USUBJID"]) for r in readings}
    for frames in derived_without(study, asked):
        twins = frames["adsl"][["USUBJID", TWIN]]
        for reading, row in readings.items():
            after, changed = marks(frames, reading, own, ["USUBJID", TWIN]), np.zeros(len(twins), dtype=bool)
            for name, was in before[reading].items():
                now = after[name].reindex(pd.MultiIndex.from_frame(twins), fill_value=0).to_numpy()
                changed |= now != was.reindex(twins["USUBJID"], fill_value=0).to_numpy()
            changed &= twins["USUBJID"].isin(reading.who).to_numpy()
            for label in twins.loc[changed, TWIN]:
                record = (asked.loc[label, "domain"], asked.loc[label, "row"])
                if not named_by[reading].get(record):  # unnamed, or named as looked at without influence
                    found.append(f"{row.result_id}: {asked.loc[label, 'USUBJID']} {record}")
    return found


class TestAnalysisData:
    """By deletion on the analysis data, a record at a time."""

    def test_no_other_record_is_read_for_a_headline(self, cut, readings, headlines):
        every = Readings(cut)
        own = {every.of(row): row for row in headlines}
        assert not [row.result_id for reading, row in own.items() if reading.whole]
        assert not unnamed_but_read(cut, own, every_record(cut).sample(150, random_state=7))

    @pytest.mark.slow
    def test_no_other_record_is_read_for_any_result(self, cut, readings):
        """Every record of the trial, every result whose reading is declared."""
        assert len(readings) > 100
        assert not unnamed_but_read(cut, readings, every_record(cut))


# --- on the numbers themselves, from the export on ------------------------------------------------------------------


def without(gone: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The export of the demonstration trial without some records."""
    tables = dict(demo()[1])
    for domain, own in gone.groupby("domain"):
        table = tables[domain]
        if domain == "DM":
            chosen = table["USUBJID"].isin(own["USUBJID"])
        else:
            keys = own["USUBJID"] + "/" + own["seq"]
            chosen = (table["USUBJID"] + "/" + table[f"{domain}SEQ"].astype(str)).isin(keys)
        kept = table[~chosen]
        kept.attrs = table.attrs
        tables[domain] = kept
    return tables


def numbers_of(tables, chapter: str) -> dict[str, tuple]:
    """What a chapter hands over, of an export."""
    report = run(cut_at("2026-03-31", tables=tables, status="final"), [chapter])
    rows = rows_handed_over(report.chapters[chapter])
    return {row.result_id: told(row) for row in rows}


def told(row: Row) -> tuple:
    return (row.value, row.lower, row.upper, row.n, row.events)


def close(one: tuple, other: tuple) -> bool:
    return all(
        a == b or (a is not None and b is not None and np.isclose(a, b, rtol=1e-7, atol=1e-10))
        for a, b in zip(one, other, strict=True)
    )


def changed_without(gone: pd.DataFrame, rows: list[Row]) -> list[str]:
    """Results of one chapter that are others without some records."""
    found = numbers_of(without(gone), rows[0].chapter)
    return [r.result_id for r in rows if r.result_id not in found or not close(found[r.result_id], told(r))]


def unnamed(cut, reading: Reading) -> pd.DataFrame:
    every, own = every_record(cut), Sources(cut).of(reading)
    there = set(zip(own["domain"], own["row"], strict=True))
    kept = [(d, row) not in there for d, row in zip(every["domain"], every["row"], strict=True)]
    found = every[kept]
    ds = cut.tables["DS"]
    consents = ds.index[ds["DSDECOD"].eq("INFORMED CONSENT OBTAINED")]
    needed = found["domain"].eq("DM") | (found["domain"].eq("DS") & found["row"].isin(consents))
    return found[~needed]  # without these there is no patient


class TestNumbers:
    def test_the_primary_answer_needs_nothing_else(self, cut, headlines):
        """All records at once that no passport of it names."""
        gap = headlines[2]
        assert not changed_without(unnamed(cut, Readings(cut).of(gap)), [gap])

    @pytest.mark.slow
    def test_no_declared_result_needs_anything_else(self, cut, readings):
        """All records at once that the passport does not name."""
        every, by_reading, failed = Readings(cut), defaultdict(list), []
        for row in results().values():
            by_reading[every.of(row), row.chapter].append(row)
        for (reading, _), rows in by_reading.items():
            if reading in readings:
                failed += changed_without(unnamed(cut, reading), rows)
        assert not failed

    @pytest.mark.slow
    def test_what_is_named_changes_the_headline_or_is_told_not_to(self, cut, headlines):
        readings, failed = Readings(cut), []
        for row in headlines:
            reading = readings.of(row)
            records = Sources(cut).of(reading)
            influence = influential(reading, records, cut)
            for label, record in records.iterrows():
                if record["domain"] == "DM":
                    continue  # the patient as a whole
                try:
                    changed = bool(changed_without(records.loc[[label]], [row]))
                except Exception:
                    changed = True  # the export is refused without it
                if changed and not influence[label]:
                    failed.append(f"{row.result_id} changes without {record.to_dict()}")
                if not changed and influence[label]:
                    failed.append(f"{row.result_id} stays without {record.to_dict()}")
        assert not failed
