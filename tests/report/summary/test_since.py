"""What changed since the last cut: counts that add up, key estimates then and now, methods, and what is refused."""

from dataclasses import replace
from functools import cache

import pandas as pd
import pytest

from esld.data.changes import COLUMNS
from esld.data.cutfile import ALL, CutFile, read_cut
from esld.data.study import Study
from esld.errors import InputError, RefusedError
from esld.protocol import Protocol
from esld.report.chapter import Others
from esld.report.difference import difference
from esld.report.needs import UnmetNeedError
from esld.report.results import Reported, Row, rows_of, write_rows
from esld.report.roles import SUMMARY
from esld.report.summary import since
from esld.report.summary.since import SinceLastCut
from esld.report.words.grammar import capitalised
from tests.report.builders import (
    HIGH,
    LOW,
    ROOT,
    SURVIVED,
    patient,
    plain,
    protocol,
    spans,
    study_of,
    unspanned_numbers,
)

BASE = SURVIVED
BOTH = f"{HIGH} - {LOW}"


def row(id: str, **values: object) -> Row:
    return replace(BASE, result_id=id, **values)


def change_of(code: str, visit: float, *, arm: str = BOTH, analysis: str = "LFT", **values: object) -> Row:
    id = f"change_{code}.{arm}.ls_mean_difference@{visit:g}"
    about = {"analysis_id": analysis, "arm": arm, "time": visit, "statistic": "ls_mean_difference"}
    return row(id, **about, unit="U/L", chapter="04_change", **values)


def records(*changes: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame([dict.fromkeys(COLUMNS, "") | c for c in changes], columns=list(COLUMNS))


@cache
def trial() -> Protocol:
    return protocol()


def small() -> Study:
    return study_of([patient(1)], trial=trial())


def compared(before=None, after=(), *, changes=(), then=2, now=3, tables=None, old=None) -> SinceLastCut:
    previous, study = (
        study_of(
            [patient(i, LOW if i % 2 else HIGH, dead=i == 1) for i in range(1, n + 1)],
            cutoff=day,
            tables=own,
            trial=trial(),
        )
        for n, day, own in ((then, "2025-06-30", old), (now, "2026-03-31", tables))
    )
    found = None if before is None else difference(before, after)
    return SinceLastCut(previous=previous, study=study, records=records(*changes), estimates=found)


def reported(found: SinceLastCut) -> Reported:
    return rows_of("since", found, analysis="SUMMARY", chapter=SUMMARY)


@pytest.fixture(scope="module")
def found(study, tmp_path_factory):
    own = study("demo-final")
    kept = tmp_path_factory.mktemp("kept") / "kept.json"
    write_rows([row("a"), row("b"), row("c", chapter=SUMMARY)], kept)
    cut = own.cut.model_copy(update={"previous": "demo-interim", "previous_results": str(kept)})
    own = replace(own, file=replace(own.file, cut=cut))
    return since.since_last_cut(own, Others(Reported((row("a", value=0.5),)), {}))


class TestDemo:
    """The two cuts of the demonstration, each loaded from its own file."""

    def test_records_add_up_in_every_domain(self, found, study):
        """Now is then, and what is new or late, without what is gone: each side is counted by itself."""
        own = reported(found)
        for name, table in study("demo-final").tables.items():
            then, now, new, late, gone = (
                own.row(key, name).value for key in ("then", "now", "new", "late", "gone")
            )
            assert now == len(table)
            assert then == len(study("demo-interim").tables[name])
            assert then + new + late - gone == now
        assert own.row("new", "LB").value > 0

    def test_patients(self, found, study):
        own = reported(found)
        assert own.row("randomised").value == len(study("demo-final").randomised)
        assert own.row("died_then").value == study("demo-interim").randomised["DTHDT"].notna().sum()

    def test_the_summary_of_then_is_not_compared(self, found):
        """Kept are a, b and one of the summary; now there is a: a changed, b is gone."""
        assert [(c.row.result_id, c.status) for c in found.estimates.changes] == [
            ("a", "changed"),
            ("b", "gone"),
        ]

    def test_every_number_in_prose_is_one_of_the_results(self, found):
        own = reported(found)
        said = f"{since.data_sentence(found, own)} {since.estimate_sentence(found, own)}"
        assert unspanned_numbers(said, "30 June 2025") == []
        values = {r.result_id: r.value for r in own.rows}
        assert all(float(text) == values[name] for name, text in spans(said))
        assert len(spans(said)) == 10

    def test_nothing_was_recoded_between_two_cuts_of_one_export(self, found):
        assert since.recoded_table(found) is None
        assert since.recoded_sentence(found).startswith("No value and no record")


class TestRecords:
    def domain(self, *subjects: str) -> pd.DataFrame:
        return pd.DataFrame({"USUBJID": subjects})

    def test_records_of_patients_who_came_and_went_are_counted(self):
        """Of S-1 (stays) two records became one, S-2 went with three, S-3 came with two; one entered late."""
        old = {"DM": self.domain("S-1", "S-2"), "AE": self.domain("S-1", "S-1", "S-2", "S-2", "S-2")}
        new = {"DM": self.domain("S-1", "S-3"), "AE": self.domain("S-1", "S-1", "S-3", "S-3")}
        changes = [
            {"domain": "AE", "change": "gone record"},
            {"domain": "AE", "change": "late record"},
            {"domain": "AE", "change": "value changed"},
            {"domain": "LB", "change": "new record"},
        ]
        own = reported(compared(changes=changes, old=old, tables=new))
        got = {
            key: own.row(key, "AE").value
            for key in ("then", "now", "new", "late", "gone", "changed", "emptied")
        }
        assert got == {"then": 5, "now": 4, "new": 2, "late": 1, "gone": 4, "changed": 1, "emptied": 0}
        assert got["then"] + got["new"] + got["late"] - got["gone"] == got["now"]
        table = since.records_table(own)
        assert table.frame.iloc[1].tolist() == ["Adverse events (AE)", "5", "4", "2", "1", "4", "0", "1", "0"]

    def test_a_domain_that_one_cut_lacks(self):
        new = {"DM": self.domain("S-1"), "PR": self.domain("S-1")}
        own = reported(compared(old={"DM": self.domain("S-1")}, tables=new))
        assert (own.row("then", "PR").value, own.row("now", "PR").value) == (0, 1)

    def test_recoded_values_are_listed_and_filled_ones_are_not(self):
        about = {"domain": "AE", "USUBJID": "S-1", "record": "AE 1", "variable": "AETOXGR"}
        changes = [
            about | {"change": "value filled", "after": "2"},
            about | {"change": "value changed", "before": "2", "after": "3"},
        ]
        found = compared(changes=changes)
        table = since.recoded_table(found)
        assert list(table.frame) == ["Patient", "Record", "About", "Variable", "Then", "Now", "Change"]
        assert table.frame.to_numpy().tolist() == [["S-1", "AE 1", "", "AETOXGR", "2", "3", "value changed"]]
        assert since.recoded_sentence(found) == ""

    @pytest.mark.parametrize(
        ("count", "notes"), [(40, ()), (41, ("1 further line",)), (43, ("3 further lines",))]
    )
    def test_what_is_not_shown_is_counted(self, count, notes):
        found = compared(changes=[{"change": "value changed", "domain": "AE"}] * count)
        table = since.recoded_table(found)
        assert len(table.frame) == 40
        assert len(table.footnotes) == len(notes)
        assert all(text.startswith(note) for text, note in zip(table.footnotes, notes, strict=True))


class TestEstimates:
    def test_then_and_now_in_words(self):
        found = compared(
            [BASE, change_of("bili", 7, value=1.0)], [replace(BASE, value=0.6), change_of("bili", 7)]
        )
        lines = since.estimate_table(found).frame.to_numpy().tolist()
        title = found.study.protocol.analysis("OS-1Y").title
        assert lines[0][:2] == [title, "Survival at one year, low dose"]
        assert lines[0][2:] == ["0.800 (0.600 to 0.900)", "0.600 (0.600 to 0.900)", "−0.200"]
        assert lines[1][1] == "Total bilirubin (µmol/L): adjusted mean difference, Week 48"
        assert lines[1][4] == "−0.20"

    @pytest.mark.parametrize(("arms", "words"), [(1, "hazard ratio"), (2, "hazard ratio, low dose")])
    def test_an_arm_is_named_where_there_is_another(self, arms, words):
        own = small()
        plan = own.protocol.model_copy(update={"arms": own.protocol.arms[:arms]})
        plan.__dict__.pop("arm_labels", None)
        rows = [row("os_cox.x", analysis_id="OS-COX", statistic="hazard_ratio", time=None)]
        found = difference(rows, rows).changes[0]
        assert since._line(found, replace(own, protocol=plan))[1] == capitalised(words)

    def test_what_is_key(self):
        """Primary headlines, serious events, comparisons of secondary analyses at their latest time."""
        rows = [
            BASE,
            row("os_milestone.x", statistic="proportion_worst_case"),
            row("os_milestone_cutoff.x", analysis_id="CUTOFF"),
            change_of("alt", 6),
            change_of("alt", 7),
            change_of("ast", 5),
            change_of("alt", 7, arm=LOW),
            row("adverse_events.x", analysis_id="SAFETY", statistic="serious", time=None),
            row("adverse_events.y", analysis_id="SAFETY", statistic="any", time=None),
            row("other.x", analysis_id="MY-OWN"),
            row("os_firth.x", analysis_id="OS-FIRTH", arm=BOTH),
            row("os_cox.x", analysis_id="OS-COX", arm=BOTH, time=None, lower=None, upper=None),
        ]
        key = since._key(difference(rows, rows), small())
        names = [c.row.result_id for c in key]
        assert names == [BASE.result_id, rows[4].result_id, rows[5].result_id, "adverse_events.x"]

    def test_one_group_alone_has_its_own_estimates(self):
        two = small()
        pooled = replace(two, protocol=two.protocol.model_copy(update={"arms": two.protocol.arms[:1]}))
        pooled.protocol.__dict__.pop("arm_labels", None)
        rows = [change_of("alt", 7, arm=LOW)]
        assert since._key(difference(rows, rows), two) == []
        assert len(since._key(difference(rows, rows), pooled)) == 1

    @pytest.mark.parametrize(
        ("before", "after", "mark"),
        [
            ([BASE], [BASE], "none"),
            ([], [BASE], "new"),
            ([BASE], [], "gone"),
            ([BASE], [replace(BASE, value=None)], ""),
            ([BASE], [replace(BASE, method="other", value=0.5)], "method changed"),
        ],
    )
    def test_the_mark(self, before, after, mark):
        table = since.estimate_table(compared(before, after))
        assert table.frame["Change"].tolist() == [mark]
        assert any(note.startswith("Method changed") for note in table.footnotes) is (
            mark == "method changed"
        )

    def test_no_key_estimate_is_no_table(self):
        assert since.estimate_table(compared([], [])) is None

    def test_methods_by_result(self):
        before = [row("x.a"), row("x.b"), row("any_incidence.a"), row("z.a")]
        after = [
            row("x.a", method="m"),
            row("x.b", method="m"),
            row("any_incidence.a", ties="efron"),
            row("z.a", value=0.1),
        ]
        found = compared(before, after)
        assert since.method_table(found).frame.to_numpy().tolist() == [
            ["Survival at one year", "2", "Kaplan–Meier", "m"],
            ["Incidence of a first event of any kind", "1", "Kaplan–Meier", "Kaplan–Meier, Efron ties"],
        ]
        said = plain(since.estimate_sentence(found, reported(found)))
        assert "Another method than then made 3 numbers: there" in said

    def test_no_method_changed(self):
        found = compared([BASE], [replace(BASE, value=0.1)])
        assert since.method_table(found) is None
        said = plain(since.estimate_sentence(found, reported(found)))
        assert said.startswith(
            "Of the 1 numbers that both reports hold, 1 changed; 0 are new and 0 are no longer given"
        )
        assert said.endswith("None was made by another method than then.")

    def test_without_kept_results_one_sentence_says_so(self):
        found = compared()
        assert since.estimate_table(found) is None
        assert since.method_table(found) is None
        assert since.estimate_sentence(found, reported(found)).startswith(
            "Estimates are not compared, because"
        )
        assert not any(r.unit == "results" for r in reported(found).rows)


class TestWithout:
    def test_a_cut_without_a_previous_one(self):
        with pytest.raises(UnmetNeedError, match=r"^The cut file names no previous cut"):
            since.since_last_cut(small(), Others(Reported(()), {}))


def test_what_is_late_is_counted_from_the_previous_cut_off(monkeypatch):
    asked = []
    earlier = replace(
        small(), file=replace(small().file, cut=small().cut.model_copy(update={"cutoff": "2025-06-30"}))
    )
    monkeypatch.setattr(since, "previous_cut", lambda file: earlier.file)
    monkeypatch.setattr(since, "stored_study", lambda file: earlier)
    monkeypatch.setattr(since, "record_changes", lambda *tables, since: asked.append(since) or records())
    found = since.since_last_cut(small(), Others(Reported(()), {}))
    assert asked == [pd.Timestamp("2025-06-30")]
    assert (found.previous, found.estimates) == (earlier, None)


class TestKept:
    def test_results_of_groups_that_the_view_does_not_show_are_refused(self, tmp_path):
        """Where the groups are called A and B, results by dose would tell them."""
        write_rows(
            [row("flow.x", arm=LOW), row("flow.y", arm="Placebo"), row("flow.z", arm=ALL)], tmp_path / "k"
        )
        with pytest.raises(
            RefusedError, match=r"view 'unblinded' of cut by-hand does not show: 1 of 3\."
        ) as caught:
            since.kept_results(tmp_path / "k", small())
        assert "Placebo" not in str(caught.value)

    def test_groups_of_the_view_are_not(self, tmp_path):
        rows = [row("flow.x", arm=LOW), row("flow.z", arm=ALL), row("planned.x", arm="LFT")]
        write_rows(rows, tmp_path / "k")
        assert since.kept_results(tmp_path / "k", small()) == rows

    @pytest.mark.parametrize("text", ["", "{", '{"a": 1}', '[{"result_id": "a"}]', "[1]"])
    def test_no_results(self, tmp_path, text):
        (tmp_path / "k").write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match="previous_results must hold results as 'esld run' writes them"):
            since.kept_results(tmp_path / "k", small())


def test_the_kept_results_of_the_demo_are_readable_and_of_its_groups(study):
    file: CutFile = read_cut(ROOT / "params" / "demo-final.yaml")
    assert file.previous_results_path is not None
    rows = since.kept_results(file.previous_results_path, study("demo-final"))
    assert {r.result_id for r in rows} >= {"flow.all.randomised", "os_milestone.low.survival@365"}
