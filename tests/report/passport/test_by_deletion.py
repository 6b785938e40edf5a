"""What a passport names, tried by deletion: nothing else changes the number, and what is named changes it or is told not to."""

import json
import re
from collections import defaultdict
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from esld.data.influence import TWIN, derived_without
from esld.data.study import FRAMES, Study
from esld.report.front import front_page
from esld.report.passport.influence import influential, marks
from esld.report.passport.reads import Reading, Readings
from esld.report.passport.records import Sources
from esld.report.phrases import reader_of
from esld.report.results import Row, read_rows
from esld.report.words.catalogue import read_by
from tests.report.builders import ROOT
from tests.report.in_process import cut_at, demo, handed_over

RECORD = ROOT / "outputs" / "demo-final"
WHOLE = {  # headlines that rest on the whole export by what they are: queries on it, and how many numbers were compared
    "queries.queries_critical", "queries.queries_open", "double.numbers_compared",
}  # fmt: skip


CHAPTERS = sorted(
    path.stem for path in (ROOT / "notebooks").glob("[01]*.py") if not path.stem.startswith("08")
)
# Headlines that stay as they are without some of the records that are said to go in: what is read of the patient is another, and
# yet counts alike, as with a second event by the day, or the patient does not count in this one of several numbers read together.
COARSE = re.compile(
    r"first_|any_incidence|courses|adverse_events|reactions|causes_of_death|\w+_milestone_beside|\w+belief"
)


@cache
def results() -> dict[str, Row]:
    return {row.result_id: row for row in read_rows(RECORD / "results.json")}


@pytest.fixture(scope="module")
def cut(study):
    return study("demo-final")


@pytest.fixture(scope="module")
def headlines(cut) -> list[Row]:
    """Every number in the answer of a chapter, on the first page, and in plain words."""
    said = []
    for path in sorted((RECORD / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        said += [json.dumps(c["outputs"]) for c in cells if "chapter.answer(" in "".join(c["source"])]
    with read_by(reader_of(cut)):
        page = front_page(list(results().values()), {}, cut)
    said += [page.answer, *(own.html for own in (*page.points, *page.lay.sections))]
    found = re.findall(r'data-result=\\?"([^"\\]+)', " ".join(said))
    return [results()[id] for id in dict.fromkeys([*found, *(card.result_id for card in page.cards)])]


@pytest.fixture(scope="module")
def readings(cut) -> dict[Reading, Row]:
    """Everything that is read of the cut but all of it, with one of the results that do."""
    every, found = Readings(cut), {}
    for row in results().values():
        found.setdefault(every.of(row), row)
    return {reading: row for reading, row in found.items() if reading.who and not reading.whole}


def every_record(study: Study) -> pd.DataFrame:
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

    def test_no_other_record_is_read_for_a_headline(self, cut, headlines):
        every = Readings(cut)
        own = {every.of(row): row for row in headlines}
        assert len(headlines) > 80
        assert {row.result_id for row in headlines if every.of(row).whole} == WHOLE
        own = {reading: row for reading, row in own.items() if reading.who and not reading.whole}
        assert not unnamed_but_read(cut, own, every_record(cut).sample(150, random_state=7))

    @pytest.mark.slow
    def test_no_other_record_is_read_for_any_result(self, cut, readings):
        """Every record of the trial, every result whose reading is declared."""
        assert len(readings) > 100
        assert not unnamed_but_read(cut, readings, every_record(cut))


# --- on the numbers themselves, from the export on ------------------------------------------------------------------


def without(gone: pd.DataFrame) -> Study:
    """The demonstration trial, of an export without some records."""
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
    return cut_at("2026-03-31", tables=tables, status="final")


class Twins:
    """The study without some of its records, none of DM: the twins of patients in the place of the patients.

    That an export without a record gives the same is tried by :class:`TestTwins`.
    """

    def __init__(self, study: Study, asked: pd.DataFrame) -> None:
        self.study, self.asked = study, asked
        every = list(derived_without(study, asked))
        self.frames = {name: pd.concat([own[name] for own in every], ignore_index=True) for name in FRAMES}

    def without(self, labels: list[int]) -> Study:
        """Without one record each of some patients."""
        gone, tables = self.asked.loc[labels], dict(self.study.tables)
        assert gone["USUBJID"].is_unique
        for domain, own in gone.groupby("domain"):
            table = tables[domain]
            tables[domain] = table.drop(own["row"])
            tables[domain].attrs = table.attrs
        made = {}
        for name in FRAMES:
            frame, twins = getattr(self.study, name), self.frames[name]
            parts = (
                frame[~frame["USUBJID"].isin(gone["USUBJID"])],
                twins[twins[TWIN].isin(labels)][frame.columns],
            )
            made[name] = pd.concat([part for part in parts if len(part)], ignore_index=True)
            made[name].attrs = frame.attrs
        return replace(self.study, tables=tables, **made)


def told(row: Row) -> tuple:
    return (row.value, row.lower, row.upper, row.n, row.events)


def close(one: tuple, other: tuple) -> bool:
    return all(
        a == b or (a is not None and b is not None and np.isclose(a, b, rtol=1e-7, atol=1e-10))
        for a, b in zip(one, other, strict=True)
    )


def changed_in(study: Study, rows: list[Row]) -> list[str]:
    """Results of one chapter that are others in another study."""
    found = handed_over(study, rows[0].chapter, {row.result_id for row in rows})
    return [
        r.result_id for r in rows if r.result_id not in found or not close(told(found[r.result_id]), told(r))
    ]


def by_chapter_and_reading(cut: Study, rows: list[Row]) -> dict[tuple[str, Reading], list[Row]]:
    """Results that read something, and not everything."""
    every, found = Readings(cut), defaultdict(list)
    for row in rows:
        found[row.chapter, every.of(row)].append(row)
    return {key: own for key, own in found.items() if key[1].who and not key[1].whole}


def unnamed(cut: Study, reading: Reading) -> pd.DataFrame:
    every, own = every_record(cut), Sources(cut).of(reading)
    there = set(zip(own["domain"], own["row"], strict=True))
    kept = [(d, row) not in there for d, row in zip(every["domain"], every["row"], strict=True)]
    found = every[kept]
    ds = cut.tables["DS"]
    entries = ds.index[ds["DSDECOD"].isin(["INFORMED CONSENT OBTAINED", "RANDOMIZED"])]
    needed = found["domain"].eq("DM") | (found["domain"].eq("DS") & found["row"].isin(entries))
    return found[~needed]  # without these there is no patient, or the export is refused


def culprits(gone: pd.DataFrame, rows: list[Row]) -> list[str]:
    """Results that are others without some records, each with one of the records that is enough for it, found by halving."""
    found = changed_in(without(gone), rows)
    while found and len(gone) > 1:
        first, second = gone.iloc[: len(gone) // 2], gone.iloc[len(gone) // 2 :]
        gone = first if changed_in(without(first), rows) else second
    return [f"{id} changes without {gone.iloc[0].to_dict()}" for id in found]


class TestTwins:
    @pytest.mark.parametrize("n", [2, pytest.param(40, marks=pytest.mark.slow)])
    def test_each_is_what_the_export_without_it_gives(self, cut, n):
        """The analysis data of a patient without a record are the same by either way, and those of the others stay."""
        asked = unnamed(cut, Reading(frozenset())).sample(n, random_state=11)
        twins = Twins(cut, asked)
        for label, who in asked["USUBJID"].items():
            one, other = twins.without([label]), without(asked.loc[[label]])
            for name in FRAMES:
                frames = [getattr(study, name) for study in (one, other, cut)]
                mine = [frame[frame["USUBJID"].eq(who)].reset_index(drop=True) for frame in frames]
                rest = [frame[frame["USUBJID"].ne(who)].reset_index(drop=True) for frame in frames]
                pd.testing.assert_frame_equal(mine[0], mine[1], check_dtype=False)
                pd.testing.assert_frame_equal(rest[1], rest[2], check_dtype=False)


class TestNumbers:
    def test_the_primary_answer_needs_nothing_else(self, cut):
        """All records at once that no passport of it names."""
        gap = results()["os_milestone.medhigh_low.survival_difference@365"]
        assert not culprits(unnamed(cut, Readings(cut).of(gap)), [gap])

    @pytest.mark.slow
    def test_no_headline_needs_anything_else(self, cut, headlines):
        """All records at once that the passport does not name; what a single one does is tried on the analysis data."""
        every = by_chapter_and_reading(cut, headlines)
        assert not [
            one for (_, reading), own in every.items() for one in culprits(unnamed(cut, reading), own)
        ]

    @pytest.mark.slow
    def test_no_declared_result_needs_anything_else(self, cut):
        """All records at once that the passport does not name."""
        every = by_chapter_and_reading(cut, list(results().values()))
        assert not [
            one for (_, reading), own in every.items() for one in culprits(unnamed(cut, reading), own)
        ]

    @pytest.mark.slow
    @pytest.mark.parametrize("chapter", CHAPTERS)
    def test_what_is_named_changes_the_headline_or_is_told_not_to(self, cut, headlines, chapter):
        """Each record by itself, but those of DM, which are the patient as a whole.

        The analysis data are derived patient by patient, so that what is told to be without influence is tried with one record of
        every patient at once.
        """
        own = by_chapter_and_reading(cut, [row for row in headlines if row.chapter == chapter])
        rows, said, named = [row for group in own.values() for row in group], {}, []
        for (_, reading), group in own.items():
            records = Sources(cut).of(reading)
            named.append(records)
            keys = zip(records["domain"], records["row"], influential(reading, records, cut), strict=True)
            said |= {(row.result_id, d, label): has for d, label, has in keys for row in group}
        asked = (
            pd.concat(named).drop_duplicates(["domain", "row"]).query("domain != 'DM'").reset_index(drop=True)
        )
        keys = list(zip(asked["domain"], asked["row"], strict=True))
        moves = [{row.result_id for row in rows if said.get((row.result_id, *key))} for key in keys]
        none = asked[[not ids for ids in moves]]
        twins = Twins(cut, asked)
        at_once = none.groupby(none.groupby("USUBJID").cumcount()).groups.values()
        failed = [
            (id, "changes", list(labels))
            for labels in at_once
            for id in changed_in(twins.without(list(labels)), rows)
        ]
        for label in asked.index.difference(none.index):
            changed = set(changed_in(twins.without([label]), rows))
            failed += [(id, "changes", label) for id in changed - moves[label]]
            failed += [(id, "stays", label) for id in moves[label] - changed if not COARSE.match(id)]
        said = [(*one, asked.loc[one[2], ["domain", "USUBJID", "seq"]].to_numpy().tolist()) for one in failed]
        assert not said, "\n".join(map(str, said))
