"""`esld verify` passes on a report that its inputs give, and names chapter and cell where one figure was altered.

Here too: the recorded outputs of demo-final are what a run gives, words by nbval and values within a tolerance.
"""

import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest

from esld.data.cutfile import read_cut
from esld.errors import InputError
from esld.pipeline import provenance, verify
from esld.pipeline.agreement import row_differences
from esld.pipeline.chapters import cell_id, read_chapter
from esld.pipeline.handed_over import HandedOver
from esld.pipeline.kernels import kernels
from esld.pipeline.verify import reexecute, verify_report
from esld.report.results import read_rows

ROOT = Path(__file__).parents[2]
UNALTERED = (
    "01_randomisation",
    "03_survival",
)  # what they show is their own: others read what was handed over


def alter(notebook: Path, mime: str, pattern: str) -> int:
    """Add one to the last digit that a pattern's group finds in the first output that has it; the cell's position."""
    content = nbformat.read(notebook, as_version=4)
    for position, cell in enumerate(content.cells, 1):
        for output in cell.get("outputs", ()):
            text = output.text if mime == "stdout" else output.get("data", {}).get(mime, "")
            if found := re.search(pattern, text):
                at = found.end(1) - 1
                changed = f"{text[:at]}{(int(text[at]) + 1) % 10}{text[at + 1 :]}"
                output.update(
                    {"text": changed} if mime == "stdout" else {"data": {**output.data, mime: changed}}
                )
                nbformat.write(content, notebook)
                return position
    raise AssertionError(f"no {mime} output matches {pattern}")


@pytest.fixture
def by_hash_alone(monkeypatch):
    """Nothing is re-executed."""
    monkeypatch.setattr(verify, "reexecute", lambda *_: [])
    monkeypatch.setattr(verify, "gather", lambda scratch, chapters: HandedOver([], {}, {}, {}))
    monkeypatch.setattr(verify, "row_differences", lambda recorded, found: iter(()))


class TestAReport:
    def test_it_passes_and_nothing_is_written_beside_it(self, published_copy, contents):
        before = contents(published_copy)
        verdict = verify_report(published_copy / "outputs" / "tiny")
        assert verdict == verify.Verdict((), 2, 2)
        assert contents(published_copy) == before

    def test_every_altered_figure_is_found_by_execution_and_by_hash(self, own_published_copy):
        """A digit in a printed line, in a table, in a sentence and in results.json; a cell that fails."""
        folder = own_published_copy / "outputs" / "tiny"
        one, two = (folder / "notebooks" / f"{name}.ipynb" for name in ("01_one", "02_two"))
        assert alter(one, "stdout", r"patients (\d)") == 6
        assert alter(one, "text/html", r">(\d)</td>") == 7
        assert alter(one, "text/markdown", r"are <span[^>]*>(\d)</span> patients") == 8
        two.write_text(
            two.read_text(encoding="utf-8").replace('"value = scale', '"1 / 0\\n",\n    "value = scale')
        )
        rows = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        rows[0]["value"] = 4.0001
        (folder / "results.json").write_text(json.dumps(rows), encoding="utf-8")
        faults = verify_report(folder).faults
        assert [re.sub(r"`.*`: ", "", fault) for fault in faults[:7]] == [
            "published file notebooks/01_one.ipynb has changed since the report was made",
            "published file notebooks/02_two.ipynb has changed since the report was made",
            "published file results.json has changed since the report was made",
            "01_one: notebooks/01_one.py:26: recorded 'step 5.0', found 'step 4.0'",
            "01_one: notebooks/01_one.py:31: recorded 'er short\">5</td></tr', found 'er short\">4</td></tr'",
            "01_one: notebooks/01_one.py:34: recorded 'patients\">5</span> patients.', found 'patients\">4</span> patients.'",
            "02_two: notebooks/02_two.py:26: ZeroDivisionError: division by zero",
        ]
        assert faults[-1] == "chapter 02_two handed over no result and no answer."

    def test_a_value_in_results_alone_is_found_beyond_the_tolerance(self, published_copy, monkeypatch):
        """What the chapters hand over again is compared, not only the file's hash."""
        rows = read_rows(published_copy / "outputs" / "tiny" / "results.json")
        changed = [type(rows[0])(**{**vars(rows[0]), "value": 4.0001}), rows[1]]
        monkeypatch.setattr(verify, "reexecute", lambda *_: [])
        monkeypatch.setattr(verify, "gather", lambda scratch, chapters: HandedOver(changed, {}, {}, {}))
        faults = verify_report(published_copy / "outputs" / "tiny").faults
        assert faults == ("result one.patients: value recorded 4.0, found 4.0001",)

    @pytest.mark.parametrize(
        ("name", "fault"),
        [
            ("data/tiny/dm.csv", "input data/tiny/dm.csv has changed since the report was made"),
            ("params/tiny.yaml", "input params/tiny.yaml has changed since the report was made"),
            ("notebooks/01_one.py", "input notebooks/01_one.py has changed since the report was made"),
            ("outputs/tiny/index.html", "published file index.html has changed since the report was made"),
        ],
    )
    def test_a_changed_file_is_a_fault(self, own_published_copy, by_hash_alone, name, fault):
        with (own_published_copy / name).open("a", encoding="utf-8") as changed:
            changed.write("\n")
        assert verify_report(own_published_copy / "outputs" / "tiny").faults == (fault,)

    def test_a_missing_or_added_file_is_a_fault(self, own_published_copy, by_hash_alone):
        (own_published_copy / "data" / "tiny" / "mh.csv").unlink()
        (own_published_copy / "data" / "tiny" / "xx.csv").write_text("a\n", encoding="utf-8")
        folder = own_published_copy / "outputs" / "tiny"
        (folder / "notebooks" / "02_two.ipynb").rename(folder / "notebooks" / "03_three.ipynb")
        assert verify_report(folder).faults == (
            "input data/tiny/mh.csv is missing",
            "input data/tiny/xx.csv was not there when the report was made",
            "published file notebooks/02_two.ipynb is missing",
            "published file notebooks/03_three.ipynb was not there when the report was made",
        )

    @pytest.mark.parametrize("damage", [None, b"{", b"[1]", b"\xff"])
    def test_results_that_cannot_be_read_are_a_fault(self, own_published_copy, by_hash_alone, damage):
        results = own_published_copy / "outputs" / "tiny" / "results.json"
        if damage is None:
            results.unlink()
        else:
            results.write_bytes(damage)
        assert "results.json cannot be read" in verify_report(results.parent).faults

    def test_a_notebook_that_cannot_be_read_is_a_fault(self, published_copy, tmp_path):
        (tmp_path / "01_one.ipynb").write_text("{", encoding="utf-8")
        (tmp_path / "empty").mkdir()
        file = read_cut(published_copy / "params" / "tiny.yaml")
        (fault,) = reexecute([tmp_path / "01_one.ipynb"], file, tmp_path / "empty", tmp_path / "run")
        assert "01_one" in fault


class TestWhereItsCutIs:
    def test_a_report_made_elsewhere_remembers_it(self, published_copy, by_hash_alone, tmp_path):
        """As with ``esld run -o``: no working copy around the report."""
        moved = shutil.copytree(published_copy / "outputs" / "tiny", tmp_path / "elsewhere" / "tiny")
        assert verify_report(moved).faults == ()

    def test_a_working_copy_around_it_comes_first(self, own_published_copy, by_hash_alone):
        """The whole copy was moved, and what it remembers is another one's."""
        with (own_published_copy / "params" / "tiny.yaml").open("a", encoding="utf-8") as changed:
            changed.write("\n")
        (fault,) = verify_report(own_published_copy / "outputs" / "tiny").faults
        assert fault.startswith("input params/tiny.yaml")

    def test_without_one_it_is_a_users_mistake(self, published_copy, tmp_path):
        moved = shutil.copytree(published_copy / "outputs" / "tiny", tmp_path / "tiny")
        provenance.write({"cut_file": str(tmp_path / "gone.yaml")}, moved, name=provenance.RUN)
        with pytest.raises(InputError, match="cut tiny must still have its file in params/"):
            verify_report(moved)
        (moved / provenance.RUN).unlink()
        with pytest.raises(InputError, match="cut tiny must still have its file in params/"):
            verify_report(moved)

    def test_a_folder_without_a_report_is_a_users_mistake(self, tmp_path):
        with pytest.raises(InputError, match=r"must be a report with provenance\.json.*esld run params/"):
            verify_report(tmp_path)


class TestDemoFinal:
    """The real report: one run for everybody, re-executed once under `make soak`, and three of its chapters here.

    That every chapter gives again what is recorded of it, to the letter, is what `test_the_record_is_what_a_run_gives` asks.
    """

    @pytest.mark.slow
    def test_it_is_verified(self, demo_report, monkeypatch):
        monkeypatch.setattr(verify, "kernels", kernels)  # with a parent of its own, as the command has
        verdict = verify_report(demo_report.folder)
        assert verdict.faults == ()
        assert (verdict.chapters, verdict.results > 500) == (10, True)

    def test_its_inputs_and_files_are_what_they_were(self, demo_report, by_hash_alone):
        assert verify_report(demo_report.folder).faults == ()

    def test_altered_figures_in_a_table_and_in_a_sentence_are_found(self, demo_report, tmp_path):
        """By nbval itself, and in other chapters nothing: no hash is looked at here."""
        copy = Path(shutil.copy(demo_report.folder / "notebooks" / "02_baseline.ipynb", tmp_path))
        table = alter(copy, "text/html", r"<td[^>]*>\s*(\d+)")
        sentence = alter(copy, "text/markdown", r'class="result"[^>]*>(\d+)')
        (tmp_path / "empty").mkdir()
        file = read_cut(ROOT / "params" / "demo-final.yaml")
        notebooks = [demo_report.folder / "notebooks" / f"{name}.ipynb" for name in UNALTERED]
        faults = reexecute([copy, *notebooks], file, tmp_path / "empty", tmp_path / "run")
        lines = read_chapter(ROOT / "notebooks" / "02_baseline.py").lines
        assert {fault.split(": `")[0] for fault in faults} == {
            f"02_baseline: notebooks/02_baseline.py:{lines[cell_id(number)]}" for number in (table, sentence)
        }
        assert len(faults) == 2

    def test_the_record_is_what_a_run_gives(self, demo_report):
        """``demo_report`` was made over the record: what agrees keeps its bytes, and is what was verified above."""
        record, folder = demo_report.record, demo_report.folder
        how = "record it: make report, then commit outputs/demo-final/notebooks and results.json"
        assert (record / "results.json").is_file(), how
        differences = row_differences(read_rows(record / "results.json"), read_rows(folder / "results.json"))
        assert list(differences) == [], how
        names = sorted(p.relative_to(folder).as_posix() for p in folder.glob("notebooks/*.ipynb"))
        assert sorted(p.relative_to(record).as_posix() for p in record.glob("notebooks/*.ipynb")) == names, (
            how
        )
        assert provenance.read_run(folder)["kept_from_record"] == [*names, "results.json"], how
        for name in (*names, "results.json"):
            assert (folder / name).read_bytes() == (record / name).read_bytes()
