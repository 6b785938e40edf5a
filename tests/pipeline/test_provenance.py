"""Hashes that hold on any machine, and the record beside a report."""

import hashlib
import json
from dataclasses import replace

import pytest

import esld
from esld.data.cutfile import EXAMPLE, read_cut
from esld.data.fingerprint import canonical, sha256
from esld.data.pseudonyms import KEY_FILE
from esld.data.reading import read_export
from esld.errors import InputError
from esld.pipeline import provenance
from esld.pipeline.chapters import read_chapters


@pytest.fixture
def file(working_copy):
    return read_cut(working_copy / "params" / "tiny.yaml")


def hashes(file):
    return provenance.input_hashes(file, read_chapters(file))


class TestInputs:
    def test_every_file_that_a_report_depends_on_has_a_name_without_a_machine(self, file, working_copy):
        found = hashes(file)
        data = sorted(p.name for p in (working_copy / "data" / "tiny").iterdir() if p.name != KEY_FILE)
        assert "lb.csv" in data
        assert set(found) == {
            "params/tiny.yaml",
            "params/protocols/trial.yaml",
            "notebooks/01_one.py",
            "notebooks/02_two.py",
            *(f"data/tiny/{name}" for name in data),
        }

    def test_they_are_sha256_of_the_text(self, file, working_copy):
        lines = (working_copy / "data" / "tiny" / "dm.csv").read_bytes().splitlines()
        text = b"".join(line + b"\n" for line in lines)
        assert hashes(file)["data/tiny/dm.csv"] == hashlib.sha256(text).hexdigest()

    @pytest.mark.parametrize(
        "name", ["params/tiny.yaml", "params/protocols/trial.yaml", "notebooks/01_one.py", "data/tiny/lb.csv"]
    )
    def test_one_byte_changes_one_hash(self, file, working_copy, name):
        before = hashes(file)
        with (working_copy / name).open("a", encoding="utf-8") as changed:
            changed.write("\n")
        after = hashes(read_cut(file.path))
        assert {key for key in before if before[key] != after[key]} == {name}

    @pytest.mark.parametrize("end", [b"\r\n", b"\r"])
    @pytest.mark.parametrize("view", ["unblinded", "masked"])
    def test_a_changed_line_end_is_no_changed_input(self, file, working_copy, view, end):
        """In every text that goes in: cuts, protocol, chapters, tables (in a cell too), corrections, ledger, earlier
        results. What is read from it is the same as well.
        """
        tables, params = working_copy / "data" / "tiny", working_copy / "params"
        text = file.path.read_text(encoding="utf-8").replace("view: unblinded", f"view: {view}")
        (params / "before.yaml").write_bytes(text.replace(file.cut.cutoff, "2025-03-31").encode())
        (params / "before.json").write_bytes(b"[]\n")
        file.path.write_bytes(f"{text}previous: before\nprevious_results: before.json\n".encode())
        (tables / "ledger.json").write_bytes(b'{"x":\n1}\n')
        (tables / "ae.csv").write_bytes(b'USUBJID,AETERM\n001,"two\nlines"\n')
        (tables / "overrides.yaml").write_bytes(b"overrides: []\n")

        def seen():
            cells = [[cell.source for cell in c.notebook.cells] for c in read_chapters(file)]
            terms = list(read_export(tables, ["AE"]).tables["AE"]["AETERM"])
            return hashes(read_cut(file.path)), cells, terms

        texts = [p for p in working_copy.rglob("*") if p.suffix in (".yaml", ".json", ".py", ".csv")]
        for path in texts:
            path.write_bytes(canonical(path.read_bytes()))
        before = seen()
        assert before[-1] == ["two\nlines"]
        for path in texts:
            path.write_bytes(path.read_bytes().replace(b"\n", end))
        assert seen() == before

    def test_a_table_more_is_an_input_more(self, file, working_copy):
        (working_copy / "data" / "tiny" / "XX.CSV").write_text("a\n1\n", encoding="utf-8")
        assert "data/tiny/XX.CSV" in hashes(file)

    def test_the_previous_cut_and_its_kept_results_are_inputs(self, file, working_copy):
        """Under names of their own: an earlier export may bear the name of the later one."""
        params = working_copy / "params"
        text = file.path.read_text(encoding="utf-8")
        earlier = text.replace(file.cut.cutoff, "2025-03-31")
        (params / "before.yaml").write_text(earlier, encoding="utf-8")
        (params / "before.json").write_text("[]\n", encoding="utf-8")
        alone = hashes(file)
        file.path.write_text(f"{text}previous: before\nprevious_results: before.json\n", encoding="utf-8")
        found = hashes(read_cut(file.path))
        data = {f"previous/{name}": value for name, value in alone.items() if name.startswith("data/")}
        assert data
        assert found == alone | data | {
            "params/tiny.yaml": sha256(file.path),
            "previous/params/before.yaml": sha256(params / "before.yaml"),
            "previous/params/protocols/trial.yaml": alone["params/protocols/trial.yaml"],
            "params/before.json": sha256(params / "before.json"),
        }

    def test_recorded_corrections_are_an_input_wherever_they_lie(self, file, working_copy):
        alone = hashes(file)
        beside = working_copy / "data" / "tiny" / "overrides.yaml"
        beside.write_text("overrides: []\n", encoding="utf-8")
        assert hashes(file) == alone | {"data/tiny/overrides.yaml": sha256(beside)}
        named = working_copy / "data" / "mine.yaml"
        named.write_text("overrides: [ ]\n", encoding="utf-8")
        cut = file.cut.model_copy(update={"overrides": "data/mine.yaml"})
        assert hashes(replace(file, cut=cut)) == alone | {"data/mine.yaml": sha256(named)}

    def test_a_workbook_is_one_input(self, file, working_copy):
        (working_copy / "data" / "tiny.xlsx").write_bytes(b"sheets\r\n\r")  # no text: every byte counts
        found = hashes(replace(file, cut=file.cut.model_copy(update={"data": "data/tiny.xlsx"})))
        assert found["data/tiny.xlsx"] == hashlib.sha256(b"sheets\r\n\r").hexdigest()

    def test_absolute_paths_keep_their_last_part(self, file, working_copy):
        away = {
            "data": str(working_copy / "data" / "tiny"),
            "protocol": str(working_copy / "params" / "protocols" / "trial.yaml"),
        }
        found = hashes(replace(file, cut=file.cut.model_copy(update=away)))
        assert {"tiny/dm.csv", "params/trial.yaml"} < set(found)
        assert str(working_copy) not in " ".join(found)

    def test_an_example_is_named_as_the_cut_names_it(self, file):
        found = hashes(replace(file, cut=file.cut.model_copy(update={"data": f"{EXAMPLE}demo"})))
        assert "example:demo/dm.csv" in found


class TestEnvironment:
    def test_it_names_versions_and_the_lock(self, tmp_path):
        assert provenance.environment(tmp_path)["requirements_lock_sha256"] is None
        (tmp_path / "requirements.lock").write_text("pandas==1\n", encoding="utf-8")
        found = provenance.environment(tmp_path)
        assert found["requirements_lock_sha256"] == hashlib.sha256(b"pandas==1\n").hexdigest()
        assert found["esld"] == esld.__version__
        assert {"pandas", "lifelines", "papermill", "nbconvert"} <= set(found["packages"])


class TestOutputs:
    def test_every_file_but_the_record_itself_and_the_facts_of_the_run(self, tmp_path):
        for name in ("provenance.json", "run.json", "tables/provenance.json", "tables/a.csv"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(b"")
        assert list(provenance.output_hashes(tmp_path)) == ["tables/a.csv", "tables/provenance.json"]


class TestRecord:
    def test_it_is_read_as_written(self, tmp_path):
        record = {"cut": "é", "inputs": {}, "outputs": {"a": "1"}}
        provenance.write(record, tmp_path)
        assert provenance.read(tmp_path) == record

    @pytest.mark.parametrize("text", [None, "{", "[]"])
    def test_facts_of_a_run_that_are_gone_are_none(self, tmp_path, text):
        if text is not None:
            (tmp_path / "run.json").write_text(text, encoding="utf-8")
        assert provenance.read_run(tmp_path) == {}

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            (None, "must be a report with provenance.json"),
            ("{", "must be JSON"),
            (json.dumps({"cut": "a", "inputs": {}}), "must name outputs"),
            ("[]", "must name cut, inputs, outputs"),
        ],
    )
    def test_no_report_or_a_damaged_one_is_a_users_mistake(self, tmp_path, text, complaint):
        folder = tmp_path / "tiny"
        folder.mkdir()
        if text is not None:
            (folder / "provenance.json").write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=f"{complaint}.*esld run params/tiny.yaml"):
            provenance.read(folder)

    def test_a_folder_of_reports_is_told_from_one(self, tmp_path):
        for name in ("tiny", "other"):
            (tmp_path / name).mkdir()
            provenance.write({}, tmp_path / name)
        with pytest.raises(InputError, match=rf"Did you mean {tmp_path}/other or {tmp_path}/tiny\?"):
            provenance.read(tmp_path)
