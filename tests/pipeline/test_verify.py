"""`esld verify` passes on a report that its inputs give, and names each file that was altered, whatever was hashed anew.

A report is made again once for all tests of this file; that the chapters are executed for it, and through nbval, is shown by
those that do so. Here too: the recorded outputs of demo-final are what a run gives, words by nbval and values within a
tolerance.
"""

import re
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data.cutfile import read_cut
from esld.data.store import CACHE, cache_folder
from esld.data.study import load_study
from esld.errors import InputError
from esld.pipeline import provenance, verify
from esld.pipeline.agreement import files_agree, row_differences
from esld.pipeline.chapters import cell_id, read_chapter, read_chapters
from esld.pipeline.kernels import kernels
from esld.pipeline.reexecution import reexecute
from esld.pipeline.sections import fitted
from esld.pipeline.signature import new_key, sign, signature_of
from esld.pipeline.verify import Remade, Verdict, compare, verify_report
from esld.report.results import read_rows
from tests.examples import few
from tests.loaded import loaded_once

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


def hashed_anew(folder: Path, **changes: object) -> None:
    """What a forger does: the record says what is there."""
    record = provenance.read(folder) | {"outputs": provenance.output_hashes(folder)} | changes
    provenance.write(record, folder)


@pytest.fixture
def by_hash_alone(monkeypatch, published_copy):
    """Nothing is executed: what is made again is the report as it was published."""
    made = published_copy / "outputs" / "tiny"
    again = Remade(made, True, ("01_one", "02_two"), read_rows(made / "results.json"))
    monkeypatch.setattr(verify, "remake", lambda *_, **__: again)
    monkeypatch.setattr(verify, "load_study", loaded_once)


class TestAReport:
    @pytest.mark.always
    def test_it_passes_and_nothing_is_written_beside_it(self, published_copy, contents):
        before = contents(published_copy)
        verdict = verify_report(published_copy / "outputs" / "tiny")
        assert verdict == Verdict((), 2, 2, 13)
        assert contents(published_copy) == before

    def test_every_altered_figure_is_found_and_no_code_of_the_report_is_executed(
        self, own_published_copy, tmp_path
    ):
        """A digit in a printed line, in a table, in a sentence, in results.json and on a page, and hashed anew."""
        folder = own_published_copy / "outputs" / "tiny"
        one, two = (folder / "notebooks" / f"{name}.ipynb" for name in ("01_one", "02_two"))
        assert alter(one, "stdout", r"step (\d)") == 6
        assert alter(one, "text/html", r">(\d)</td>") == 7
        assert alter(one, "text/markdown", r"are <span[^>]*>(\d)</span> patients") == 8
        code = f"open({str(tmp_path / 'begun')!r}, 'w'); value = scale"
        two.write_text(two.read_text(encoding="utf-8").replace("value = scale", code), encoding="utf-8")
        rows = (
            (folder / "results.json")
            .read_text(encoding="utf-8")
            .replace('"value": 4.0', '"value": 4.0001', 1)
        )
        (folder / "results.json").write_text(rows, encoding="utf-8")
        page = folder / "index.html"
        text = page.read_text(encoding="utf-8")
        altered = text.replace("4</a></span> patients", "5</a></span> patients")
        assert altered != text
        page.write_text(altered, encoding="utf-8")
        hashed_anew(folder)
        faults = verify_report(folder).faults
        assert [re.sub(r"`.*`: ", "", fault) for fault in faults] == [
            "01_one: notebooks/01_one.py:26: recorded 'step 5.0', found 'step 4.0'",
            "01_one: notebooks/01_one.py:31: recorded 'er short\">5</td></tr', found 'er short\">4</td></tr'",
            "01_one: notebooks/01_one.py:34: recorded 'patients\">5</span> patients.', found 'patients\">4</span> patients.'",
            "result one.patients: value recorded 4.0001, found 4.0",
            *(fault for fault in faults if "is not what its inputs give: recorded" in fault),
        ]
        named = [fault.partition(" is not what")[0] for fault in faults[4:]]
        assert named == ["index.html", "notebooks/01_one.ipynb", "notebooks/02_two.ipynb", "results.json"]
        assert not (tmp_path / "begun").exists()

    def test_a_chapter_that_fails_is_named_and_nothing_is_compared(self, own_published_copy):
        source = own_published_copy / "notebooks" / "02_two.py"
        source.write_text(source.read_text(encoding="utf-8").replace("value = scale", "1 / 0\nvalue = scale"))
        faults = verify_report(own_published_copy / "outputs" / "tiny").faults
        assert faults[0] == "input notebooks/02_two.py has changed since the report was made"
        assert any("02_two.py:26: `1 / 0`: ZeroDivisionError: division by zero" in fault for fault in faults)
        assert faults[-1] == "the files were not compared: chapter 02_two did not come to its end"

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

    def test_by_the_key_that_is_given_it_is_signed_and_not_once_it_is_forged(
        self, own_published_copy, by_hash_alone, tmp_path
    ):
        """Whatever was hashed anew: the record of the forger is not the one that was signed."""
        folder = own_published_copy / "outputs" / "tiny"
        one, other = (new_key(tmp_path / name) for name in ("one.key", "other.key"))
        sign(folder, tmp_path / "one.key")
        verdict = verify_report(folder, key=one)
        assert (verdict.faults, verdict.signed) == ((), signature_of(folder, one))
        (fault,) = verify_report(folder, key=other).faults
        assert fault.startswith("provenance.json.minisig is signed by key ") and ", not by key " in fault
        with (folder / "index.html").open("a", encoding="utf-8") as page:
            page.write(" ")
        hashed_anew(folder)
        assert (
            "provenance.json.minisig does not hold for provenance.json"
            in verify_report(folder, key=one).faults
        )

    def test_a_missing_or_added_file_is_a_fault_hashed_anew_or_not(
        self, published_copy, own_published_copy, by_hash_alone
    ):
        (own_published_copy / "data" / "tiny" / "xx.csv").write_text("a\n", encoding="utf-8")
        folder = own_published_copy / "outputs" / "tiny"
        (folder / "notebooks" / "02_two.ipynb").rename(folder / "notebooks" / "03_three.ipynb")
        added = "input data/tiny/xx.csv was not there when the report was made"
        hashed = (
            "published file notebooks/02_two.ipynb is missing",
            "published file notebooks/03_three.ipynb was not there when the report was made",
        )
        assert verify_report(folder).faults == (added, *hashed)
        (own_published_copy / "data" / "tiny" / "mh.csv").unlink()
        *faults, refused = verify_report(folder).faults
        assert faults == ["input data/tiny/mh.csv is missing", added, *hashed]
        assert refused.startswith("domain MH must be present")
        shutil.copy(published_copy / "data" / "tiny" / "mh.csv", own_published_copy / "data" / "tiny")
        hashed_anew(folder)
        assert verify_report(folder).faults == (
            added,
            "notebooks/02_two.ipynb is missing, and is part of this report",
            "notebooks/03_three.ipynb is no file of this report",
        )

    @pytest.mark.parametrize("damage", [None, b"{", b"[1]", b"\xff", b"[" * 100_000])
    def test_results_that_cannot_be_read_are_a_fault(self, own_published_copy, by_hash_alone, damage):
        results = own_published_copy / "outputs" / "tiny" / "results.json"
        if damage is None:
            results.unlink()
        else:
            results.write_bytes(damage)
        assert "results.json cannot be read" in verify_report(results.parent).faults

    def test_a_notebook_that_cannot_be_read_is_a_fault(self, own_published_copy, tmp_path):
        """Its chapter is executed all the same; no cell of it has anything to be compared with."""
        published = own_published_copy / "outputs" / "tiny" / "notebooks"
        (published / "01_one.ipynb").write_text("{", encoding="utf-8")
        hashed_anew(published.parent)
        (fault,) = verify_report(published.parent, chapters=["01_one"]).faults
        assert fault.startswith("notebooks/01_one.ipynb is not what its inputs give: recorded '{'")

    def test_what_an_earlier_run_kept_is_not_believed(self, own_published_copy, by_hash_alone):
        """Whoever can write there can mark what is written: the study that chapters read is the one that was just made."""
        file = read_cut(own_published_copy / "params" / "tiny.yaml")
        assert verify_report(own_published_copy / "outputs" / "tiny").faults == ()
        from esld.data import store

        study = load_study(file)
        forged = replace(study, adsl=study.adsl.assign(ARMCD=study.adsl["ARMCD"].iloc[0]))
        store._keep(store._place(file), store.study_key(file), store._content(forged), cache_folder(file))
        (fault,) = verify_report(own_published_copy / "outputs" / "tiny").faults
        assert (
            fault == f"what outputs/{CACHE} keeps of cut tiny is not what its inputs give; delete that folder"
        )


class TestWhatTheRecordSays:
    @pytest.mark.parametrize(
        ("key", "value", "told"),
        [
            ("view", "blinded", "view recorded 'blinded', found 'unblinded'"),
            ("cut", "other", "cut recorded 'other', found 'tiny'"),
            ("trial", "NCT00000000", "trial recorded 'NCT00000000', found 'NCT06167473'"),
            ("approved", "yes", "approved recorded 'yes', found None"),
            ("environment", {}, "made with .*esld none, here"),
            ("environment", None, "made with .*python none, here"),
        ],
    )
    def test_is_compared_with_what_is(self, own_published_copy, by_hash_alone, key, value, told):
        folder = own_published_copy / "outputs" / "tiny"
        hashed_anew(folder, **{key: value})
        (fault,) = verify_report(folder).faults
        assert re.match(rf"provenance\.json: {told}", fault)

    @pytest.mark.parametrize(
        "name", ["python", "requirements_lock_sha256", "esld_sha256", "pandas", "platform"]
    )
    def test_other_versions_are_a_line_with_the_remedy(self, own_published_copy, by_hash_alone, name):
        folder = own_published_copy / "outputs" / "tiny"
        environment = provenance.read(folder)["environment"]
        (environment["packages"] if name == "pandas" else environment)[name] = "1.2.3"
        hashed_anew(folder, environment=environment)
        (fault,) = verify_report(folder).faults
        assert re.fullmatch(
            rf"provenance\.json: made with {name} 1\.2\.3, here .+: bytes may differ for that alone\. Verify .*",
            fault,
        )

    def test_it_is_written_as_a_run_writes_it(self, own_published_copy, by_hash_alone):
        """A name that stands there twice is read as one or the other."""
        record = own_published_copy / "outputs" / "tiny" / "provenance.json"
        record.write_text(record.read_text().replace("{", '{\n "view": "blinded",', 1), encoding="utf-8")
        assert verify_report(record.parent).faults == ("provenance.json is not written as a run writes it",)

    @pytest.mark.parametrize("text", ["[]", '{"cut": 1, "inputs": [], "outputs": {}}', "[" * 100_000])
    def test_a_record_that_is_none_is_a_users_mistake(self, own_published_copy, text):
        record = own_published_copy / "outputs" / "tiny" / "provenance.json"
        record.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=r"must be JSON|must name cut, inputs"):
            verify_report(record.parent)


class TestAForgedReport:
    """Any one file of a real report, hashed anew: the report as it was published stands for the one that is made again."""

    @pytest.fixture(scope="class")
    @classmethod
    def forged(cls, demo_report, tmp_path_factory):
        folder = Path(shutil.copytree(demo_report.folder, tmp_path_factory.mktemp("forged") / "demo-final"))
        record = provenance.read(folder)
        file = read_cut(ROOT / "params" / "demo-final.yaml")
        study = SimpleNamespace(file=file, protocol=SimpleNamespace(id=record["trial"]))
        rows = read_rows(folder / "results.json")
        again = Remade(demo_report.folder, True, file.cut.chapters, rows)
        names = {}
        for name in sorted(record["outputs"]):
            names.setdefault(Path(name).suffix, []).append(name)
        assert set(names) == {".html", ".docx", ".json", ".csv", ".svg", ".png", ".ipynb"}
        assert compare(folder, study, record["inputs"], again).faults == ()
        return SimpleNamespace(
            folder=folder, names=names, compare=lambda: compare(folder, study, record["inputs"], again)
        )

    @pytest.mark.always
    @few(20)
    @given(data=st.data())
    def test_the_altered_file_is_named(self, forged, data):
        kind = data.draw(st.sampled_from(sorted(forged.names)))
        name = data.draw(st.sampled_from(forged.names[kind]))
        path = forged.folder / name
        before, record = path.read_bytes(), (forged.folder / "provenance.json").read_bytes()
        at = data.draw(st.integers(0, len(before) - 1))
        path.write_bytes(before[:at] + bytes([before[at] ^ 1]) + before[at + 1 :])
        hashed_anew(forged.folder)
        try:
            found = forged.compare()
        finally:
            path.write_bytes(before)
            (forged.folder / "provenance.json").write_bytes(record)
        told = [fault for fault in found.faults if fault.startswith(f"{name} is not what its inputs give: ")]
        within = [note for note in found.notes if note.startswith(f"{name} differs, within")]
        assert len(told) + len(within) == 1
        assert not within or kind in (".json", ".ipynb")
        assert [fault for fault in found.faults if fault not in told and not fault.startswith("result")] == []

    def test_a_word_in_word_is_shown(self, forged):
        path = forged.folder / "report.docx"
        before, record = path.read_bytes(), (forged.folder / "provenance.json").read_bytes()
        with zipfile.ZipFile(path) as old:
            parts = {member: old.read(member) for member in old.namelist()}
        parts["word/document.xml"] = parts["word/document.xml"].replace(b"SIMULATED", b"ORIGINAL")
        with zipfile.ZipFile(path, "w") as new:
            for member, content in parts.items():
                new.writestr(member, content)
        hashed_anew(forged.folder)
        (fault,) = forged.compare().faults
        path.write_bytes(before)
        (forged.folder / "provenance.json").write_bytes(record)
        assert re.match(
            r"report\.docx is not what its inputs give: recorded '.*ORIGINAL.*', found '.*SIMULATED.*'", fault
        )


class TestWhereItsCutIs:
    def test_a_report_made_elsewhere_remembers_it(self, published_copy, by_hash_alone, tmp_path):
        """As with ``esld run -o``: no working copy around the report."""
        moved = Path(shutil.copytree(published_copy / "outputs" / "tiny", tmp_path / "elsewhere" / "tiny"))
        file = published_copy / "params" / "tiny.yaml"
        told = provenance.seen_from(moved, published_copy, file)
        assert told == str(file)
        provenance.write({"cut_file": told}, moved, name=provenance.RUN)
        assert verify_report(moved).faults == ()

    def test_in_its_working_copy_it_tells_no_path_of_a_machine(self, published_copy):
        folder = published_copy / "outputs" / "tiny"
        assert provenance.read_run(folder)["cut_file"] == "params/tiny.yaml"
        assert str(published_copy) not in (folder / provenance.RUN).read_text(encoding="utf-8")

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
        monkeypatch.setattr(
            "esld.pipeline.reexecution.kernels", kernels
        )  # with a parent of its own, as the command has
        verdict = verify_report(demo_report.folder)
        assert verdict.faults == ()
        chapters = len(read_cut(ROOT / "params" / "demo-final.yaml").cut.chapters)
        assert (verdict.chapters, verdict.results > 500, verdict.files > 60) == (chapters, True, True)

    @pytest.mark.always
    def test_its_inputs_and_files_are_what_they_were(self, demo_report, monkeypatch):
        rows = read_rows(demo_report.folder / "results.json")
        monkeypatch.setattr(verify, "remake", lambda *_, **__: Remade(demo_report.folder, True, (), rows))
        assert verify_report(demo_report.folder).faults == ()

    @pytest.mark.slow
    def test_altered_figures_in_a_table_and_in_a_sentence_are_found(self, demo_report, tmp_path):
        """By nbval itself, and in other chapters nothing; what they give is what is published."""
        published = demo_report.folder / "notebooks"
        copies = tmp_path / "notebooks"
        copies.mkdir()
        for name in ("02_baseline", *UNALTERED):
            shutil.copy(published / f"{name}.ipynb", copies)
        table = alter(copies / "02_baseline.ipynb", "text/html", r"<td[^>]*>\s*(\d+)")
        sentence = alter(copies / "02_baseline.ipynb", "text/markdown", r'class="result"[^>]*>(\d+)')
        (tmp_path / "empty").mkdir()
        file = read_cut(ROOT / "params" / "demo-final.yaml")
        study = load_study(file)
        sources = [fitted(c, study) for c in read_chapters(file) if c.slug in ("02_baseline", *UNALTERED)]
        again = reexecute(sources, copies, file, tmp_path / "empty", tmp_path / "run")
        lines = read_chapter(ROOT / "notebooks" / "02_baseline.py").lines
        assert {fault.split(": `")[0] for fault in again.faults} == {
            f"02_baseline: notebooks/02_baseline.py:{lines[cell_id(number)]}" for number in (table, sentence)
        }
        assert len(again.faults) == 2
        for name, content in again.notebooks.items():
            (copies / f"{name}.ipynb").write_bytes(content)
            assert files_agree(published / f"{name}.ipynb", copies / f"{name}.ipynb")
        assert set(again.notebooks) == {"02_baseline", *UNALTERED}

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
