"""Two published reports compared: what is matched, what is refused, and how it is told."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from esld.data.cutfile import ALL, read_cut
from esld.errors import InputError, RefusedError
from esld.pipeline import provenance
from esld.pipeline.diff import CSV_COLUMNS, compare_reports, report_text, write_csv
from esld.report.results import Row, write_rows
from esld.targets import file_target
from tests.report.builders import SURVIVED

ROOT = Path(__file__).parents[2]
ROW = replace(SURVIVED, value=0.9, upper=1.0, n=11, events=1)


def flow(*counts: tuple[str, float]) -> list[Row]:
    about = {"lower": None, "upper": None, "statistic": "randomised", "chapter": "00_data_cut"}
    return [replace(ROW, result_id=f"flow.{arm}.randomised", arm=arm, value=n, **about) for arm, n in counts]


@pytest.fixture
def report(tmp_path):
    """A published report of given rows; `record` is its provenance, or none at all."""

    def make(name: str, rows: list[Row], **record: object) -> Path:
        folder = tmp_path / "outputs" / name
        folder.mkdir(parents=True)
        write_rows(rows, folder / "results.json")
        if "cut_file" in record:
            provenance.write({"cut_file": record.pop("cut_file")}, folder, name=provenance.RUN)
        if record:
            content = {"cut": name, "inputs": {}, "outputs": {}} | record
            (folder / "provenance.json").write_text(json.dumps(content), encoding="utf-8")
        return folder

    return make


def of_demo(name: str) -> dict[str, object]:
    file = read_cut(ROOT / "params" / f"{name}.yaml")
    inputs = provenance.input_hashes(file, []) | {"notebooks/03_survival.py": name}
    return {"cut": name, "cut_file": str(file.path), "inputs": inputs}


class TestResults:
    def test_a_folder_and_its_results_are_the_same(self, report):
        one, other = report("a", [ROW]), report("b", [replace(ROW, value=0.8)])
        by_folder = compare_reports(one, other)
        by_file = compare_reports(one / "results.json", other / "results.json")
        assert by_folder.facts() == by_file.facts()
        (change,) = by_folder.results.notable
        assert (change.status, change.absolute) == ("changed", pytest.approx(-0.1))

    def test_the_report_without_its_record_says_what_it_does_not_know(self, report):
        found = compare_reports(report("a", [ROW]), report("b", [ROW]))
        assert found.records is None
        assert found.notes == (
            "a: no provenance.json, so its data are not known",
            "b: no provenance.json, so its data are not known",
        )

    def test_text_is_short_and_by_chapter(self, report):
        about = {"arm": ROW.analysis_id, "statistic": "results", "method": "primary", "chapter": "08_summary"}
        planned = replace(ROW, result_id="planned.os_1y.results", analysis_id="SUMMARY", **about)
        other = replace(ROW, chapter="04_x", analysis_id="LFT")
        before, after = ([replace(row, analysis_id="FLOW") for row in flow((ALL, n))] for n in (20, 22))
        old = [*before, ROW, replace(other, result_id="x.b", method="cox"), planned]
        new = [
            *after,
            replace(ROW, value=0.8),
            replace(other, result_id="x.b", method="firth"),
            replace(other, result_id="x.c"),
            planned,
        ]
        lines = report_text(compare_reports(report("a", old), report("b", new))).splitlines()
        assert lines == [
            "a -> b: 4 results compared, 2 changed, 1 new, 0 gone; 1 by another method",
            "patients: randomised 20 -> 22",
            "03_survival:",
            "  os_milestone.low_dose.survival@365  0.900 (0.600 to 1.000) -> 0.800 (0.600 to 1.000)",
            "00_data_cut:",
            "  flow.ALL.randomised  20 -> 22",
            "04_x:",
            "  x.b  0.900 (0.600 to 1.000) -> 0.900 (0.600 to 1.000) [cox -> firth]",
            "  x.c  new: 0.900 (0.600 to 1.000)",
            "not compared: a: no provenance.json, so its data are not known",
            "not compared: b: no provenance.json, so its data are not known",
        ]

    def test_many_changes_of_a_chapter_are_counted(self, report):
        old, new = ([replace(ROW, result_id=f"r{i}", value=v) for i in range(11)] for v in (0.8, 0.7))
        lines = report_text(compare_reports(report("a", old), report("b", new))).splitlines()
        assert "  and 3 more" in lines


class TestRefusals:
    ARMS = (("LOW", 10), (ALL, 20))

    @pytest.mark.parametrize("text", [None, "", "{", '[{"result_id": "a"}]', "[1]"])
    def test_no_report(self, report, tmp_path, text):
        one = report("a", [ROW])
        if text is None:
            other = tmp_path / "outputs" / "none"
        else:
            other = report("b", [])
            (other / "results.json").write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=r"must (be a published report|hold results)"):
            compare_reports(one, other)

    def test_results_of_before_reasons_had_codes(self, report):
        one, other = report("a", [ROW]), report("b", [ROW])
        results = one / "results.json"
        results.write_text(results.read_text("utf-8").replace('"reason": null', '"reason": ""'), "utf-8")
        with pytest.raises(InputError, match=r"writes them now\. Make the report again: esld run"):
            compare_reports(one, other)

    def test_an_id_twice(self, report):
        with pytest.raises(InputError, match="must hold results as 'esld run' writes them"):
            compare_reports(report("a", [ROW, ROW]), report("b", [ROW]))

    def test_other_trials(self, report):
        one, other = (report(t, [ROW], trial=t, view="unblinded") for t in ("NCT1", "NCT2"))
        with pytest.raises(InputError, match="NCT1 and NCT2 must be of one trial, got NCT1 and NCT2"):
            compare_reports(one, other)

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_other_views(self, report, order):
        folders = [report(v, [ROW], trial="T", view=v) for v in ("blinded", "unblinded")]
        with pytest.raises(RefusedError, match="different views"):
            compare_reports(*(folders[i] for i in order))

    def test_of_one_trial_and_one_view(self, report):
        one, other = (report(name, [ROW], trial="T", view="masked") for name in "ab")
        assert compare_reports(one, other).results.notable == ()

    @pytest.mark.parametrize(
        "groups", [((ALL, 20),), (("A", 10), (ALL, 20)), (("LOW", 1), ("HIGH", 2), (ALL, 3))]
    )
    def test_other_groups_where_no_view_is_recorded(self, report, groups):
        one, other = report("a", flow(*self.ARMS)), report("b", flow(*groups))
        with pytest.raises(RefusedError, match="different views"):
            compare_reports(one, other)
        with pytest.raises(RefusedError, match="different views"):
            compare_reports(other, one)

    def test_one_recorded_view_does_not_stand_for_both(self, report):
        one = report("a", flow(*self.ARMS), trial="T", view="unblinded")
        with pytest.raises(RefusedError, match=r"unblinded; groups: none\)"):
            compare_reports(one, report("b", flow((ALL, 20))))


class TestData:
    """The demonstration's own cuts: their data are at hand, whatever the results are."""

    @pytest.fixture
    def found(self, report):
        one = report("demo-interim", [ROW], **of_demo("demo-interim"))
        other = report("demo-final", [replace(ROW, value=0.5)], **of_demo("demo-final"))
        return compare_reports(one, other)

    def test_records_are_compared_and_told(self, found, tmp_path):
        assert found.notes == ()
        assert (found.before, found.after) == (
            "demo-interim (cut-off 2025-06-30)",
            "demo-final (cut-off 2026-03-31)",
        )
        assert set(found.records["change"]) == {"new record", "value filled"}
        lines = report_text(found).splitlines()
        new, filled = (int(found.records["change"].eq(k).sum()) for k in ("new record", "value filled"))
        assert f"records: {new} new record, {filled} value filled" in lines
        assert "not the same: notebooks/03_survival.py was changed" in lines
        write_csv(found, file_target(tmp_path / "o.csv", command="esld diff"))
        text = (tmp_path / "o.csv").read_text(encoding="utf-8-sig")
        rows = list(csv.DictReader(text.splitlines()))
        assert list(rows[0]) == list(CSV_COLUMNS)
        assert [r["part"] for r in rows] == ["result", *["data"] * (new + filled)]
        assert (rows[0]["record"], rows[0]["before"], rows[0]["after"]) == (ROW.result_id, "0.9", "0.5")
        assert rows[1]["patient"] and rows[1]["chapter"] and rows[1]["change"] == "new record"
        facts = json.loads(json.dumps(found.facts()))
        assert len(facts["records"]) == new + filled
        assert facts["summary"]["results_changed"] == 1

    def test_data_that_changed_since_are_not_compared(self, report):
        record = of_demo("demo-final")
        record["inputs"] = record["inputs"] | {"example:demo/lb.csv": "0"}
        found = compare_reports(
            report("demo-interim", [ROW], **of_demo("demo-interim")), report("demo-final", [ROW], **record)
        )
        assert found.records is None
        assert found.notes == ("demo-final: example:demo/lb.csv has changed since its report was made",)

    def test_another_trial_by_its_protocol(self, report):
        one = report("demo-interim", [ROW], **of_demo("demo-interim"))
        with pytest.raises(InputError, match="got NCT06167473 and "):
            compare_reports(one, report("mayo-pbc", [ROW], **of_demo("mayo-pbc")))


def test_nothing_changed_is_a_heading_alone(report, tmp_path):
    target = file_target(tmp_path / "o.csv", command="esld diff")
    write_csv(compare_reports(report("a", [ROW]), report("b", [ROW])), target)
    text = (tmp_path / "o.csv").read_text(encoding="utf-8-sig")
    assert text == ",".join(CSV_COLUMNS) + "\n"
