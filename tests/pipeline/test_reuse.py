"""Nothing twice and nothing stale: what has not changed is not executed again, and any change is."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

from esld.data import fingerprint, store
from esld.data.cutfile import read_cut
from esld.errors import RefusedError, RunError
from esld.pipeline import desk, provenance, run
from esld.pipeline.how import How
from esld.pipeline.reuse import KEPT, Shelf
from tests.pipeline import dying_run

BOTH = {"01_one", "02_two"}
READER = "08_summary"


@pytest.fixture
def executed(monkeypatch, no_kernels):
    """Chapters that were executed, without kernels, in the order of their names."""
    done: list[str] = []

    def execute(chapter, *how, **options):
        done.append(chapter.slug)
        return dying_run.fake_execute(chapter, *how, **options)

    monkeypatch.setattr(desk, "execute", execute)

    def take() -> set[str]:
        found, done[:] = set(done), []
        return found

    return take


@pytest.fixture
def make(working_copy, executed):
    """Run the tiny cut; which chapters were executed, and what was published."""

    def made(**how):
        published = run.run_cut(read_cut(working_copy / "params" / "tiny.yaml"), How(**how))
        return executed(), published

    return made


def append(path: Path, text: str = "\n# changed\n") -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


class TestNothingChanged:
    def test_the_report_stands_and_not_a_byte_is_written(self, working_copy, make):
        assert make()[0] == BOTH
        folder = working_copy / "outputs" / "tiny"
        before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()}
        ran, published = make()
        assert (ran, published.stands, set(published.reused)) == (set(), True, BOTH)
        assert published.index == folder / "index.html"
        assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()} == before

    @pytest.mark.always
    def test_force_executes_all_and_gives_the_same_record(self, working_copy, make):
        make()
        record = (working_copy / "outputs" / "tiny" / "provenance.json").read_bytes()
        assert make(force=True)[0] == BOTH
        assert (working_copy / "outputs" / "tiny" / "provenance.json").read_bytes() == record

    def test_a_report_made_of_kept_chapters_is_the_same_to_the_byte(
        self, working_copy, make, contents, tmp_path
    ):
        make()
        ran, published = make(outputs=tmp_path / "elsewhere")
        assert (ran, published.stands, set(published.reused)) == (set(), False, BOTH)
        assert contents(tmp_path / "elsewhere" / "tiny") == contents(working_copy / "outputs" / "tiny")
        assert provenance.read_run(tmp_path / "elsewhere" / "tiny")["reused"] == sorted(BOTH)

    def test_a_published_file_that_is_gone_is_made_again_from_what_is_kept(self, working_copy, make):
        make()
        page = working_copy / "outputs" / "tiny" / "01_one.html"
        page.unlink()
        ran, published = make()
        assert (ran, published.stands, page.is_file()) == (set(), False, True)

    def test_what_was_kept_of_another_view_is_not_used_and_the_run_says_so(
        self, working_copy, make, tmp_path
    ):
        make()
        path = working_copy / "params" / "tiny.yaml"
        path.write_text(
            path.read_text(encoding="utf-8").replace("view: unblinded", "view: blinded"), encoding="utf-8"
        )
        ran, published = make(outputs=tmp_path / "blinded")
        assert (ran, published.warnings) == (
            BOTH,
            (
                "cut tiny is blinded now: what was kept of its unblinded chapters was not used, they were executed again",
            ),
        )
        for warnings in (
            make(outputs=tmp_path / "blinded")[1].warnings,
            make(outputs=tmp_path / "other")[1].warnings,
        ):
            assert warnings == ()

    def test_a_file_that_was_put_into_it_is_refused_as_ever(self, working_copy, make):
        make()
        (working_copy / "outputs" / "tiny" / "mine.txt").write_text("mine")
        with pytest.raises(RefusedError, match="was put into a report"):
            make()

    @pytest.mark.slow
    def test_the_real_chapters_too(self, published_copy, contents, tmp_path):
        """Through kernels: chapters that hand over results, tables and answers."""
        copy = Path(shutil.copytree(published_copy, tmp_path / "copy"))
        published = run.run_cut(read_cut(copy / "params" / "tiny.yaml"))
        assert (published.stands, set(published.reused)) == (False, BOTH)  # it lies elsewhere
        assert contents(copy / "outputs" / "tiny") == contents(published_copy / "outputs" / "tiny")
        assert run.run_cut(read_cut(copy / "params" / "tiny.yaml")).stands


class TestChanges:
    """One byte of each input, and exactly the right chapters."""

    @pytest.mark.always
    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ("notebooks/01_one.py", {"01_one"}),
            pytest.param("data/tiny/lb.csv", BOTH, marks=pytest.mark.slow),
            ("data/tiny/dm.csv", BOTH),
            ("data/tiny/note.txt", BOTH),  # whatever lies in an export may be looked at
            ("params/tiny.yaml", BOTH),
            ("params/protocols/trial.yaml", BOTH),
            ("requirements.lock", BOTH),
        ],
    )
    def test_a_file(self, working_copy, make, change, expected):
        make()
        append(working_copy / change, "\n")
        assert make()[0] == expected
        assert make()[0] == set()

    def test_a_parameter_of_one_chapter(self, working_copy, make):
        """The cut file is read by every chapter."""
        make()
        append(working_copy / "params" / "tiny.yaml", "parameters: {02_two: {scale: 2.0}}\n")
        assert make()[0] == BOTH

    def test_a_correction(self, working_copy, make):
        make()
        (working_copy / "data" / "tiny" / "overrides.yaml").write_text("overrides: []\n", encoding="utf-8")
        assert make()[0] == BOTH

    def test_the_package(self, make, monkeypatch):
        make()
        monkeypatch.setattr(store, "code_digest", lambda root: "another")
        assert make()[0] == BOTH

    def test_an_installed_package(self, make, monkeypatch):
        make()
        monkeypatch.setattr(fingerprint, "_installed", lambda: iter(["numpy-0.dist-info"]))
        assert make()[0] == BOTH

    def test_back_again_needs_nothing(self, working_copy, make):
        """The key is of bytes, not of dates."""
        make()
        path = working_copy / "notebooks" / "01_one.py"
        before = path.read_bytes()
        append(path)
        make()
        path.write_bytes(before)
        os.utime(path)
        assert make()[0] == set()

    def test_line_ends_are_no_change(self, working_copy, make):
        make()
        path = working_copy / "notebooks" / "01_one.py"
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        assert make()[0] == set()

    @pytest.mark.slow
    def test_a_pdf_that_was_not_there_needs_no_chapter(self, working_copy, make):
        pytest.importorskip("weasyprint", exc_type=ImportError)
        make()
        ran, published = make(pdf=True)
        assert (ran, published.stands) == (set(), False)
        assert (working_copy / "outputs" / "tiny" / "report.pdf").is_file()


class TestReaders:
    """A chapter that reads what others handed over runs again when, and only when, that has changed."""

    @pytest.fixture
    def with_reader(self, working_copy, make):
        text = (working_copy / "notebooks" / "01_one.py").read_text(encoding="utf-8")
        text = text.replace('open_chapter("01_one"', f'open_chapter("{READER}"')
        (working_copy / "notebooks" / f"{READER}.py").write_text(text, encoding="utf-8")
        cut = working_copy / "params" / "tiny.yaml"
        cut.write_text(cut.read_text().replace("02_two]", f"02_two, {READER}]"), encoding="utf-8")
        assert make()[0] == BOTH | {READER}
        return make

    def test_other_prose_and_the_same_results(self, working_copy, with_reader):
        append(working_copy / "notebooks" / "01_one.py")
        assert with_reader()[0] == {"01_one"}

    def test_another_answer(self, working_copy, with_reader, monkeypatch):
        fake = dying_run.fake_execute

        def other(chapter, values, **how):
            done = fake(chapter, values, **how)
            path = how["out"].parent / "chapters" / f"{chapter.slug}.json"
            path.write_text(path.read_text().replace("Answer", "Another answer"), encoding="utf-8")
            return done

        monkeypatch.setattr(dying_run, "fake_execute", other)
        append(working_copy / "notebooks" / "01_one.py")
        assert with_reader()[0] == {"01_one", READER}


class TestTheShelf:
    @pytest.fixture
    def entries(self, working_copy, make):
        make()
        shelf = Shelf.of(read_cut(working_copy / "params" / "tiny.yaml"))
        return {slug: next(path for path in (shelf.folder / slug).iterdir()) for slug in BOTH}

    @pytest.mark.parametrize(
        ("name", "way"),
        [  # each file and each way; all of both under `make soak`
            pytest.param(name, way, marks=() if (i - j) % 3 == 0 else pytest.mark.slow)
            for i, name in enumerate(
                ("kept.json", "notebook.ipynb", "chapters/01_one.json", "tables/01_one.csv")
            )
            for j, way in enumerate(("altered", "cut short", "gone"))
        ],
    )
    def test_what_is_damaged_is_not_believed(self, working_copy, entries, make, name, way):
        path = entries["01_one"] / name
        content = path.read_bytes()
        if way == "gone":
            path.unlink()
        else:
            other = content[:-4] + bytes([content[-4] ^ 1]) + content[-3:]
            path.write_bytes(other if way == "altered" else content[: len(content) // 2])
        shutil.rmtree(working_copy / "outputs" / "tiny")
        assert make()[0] == {"01_one"}

    def test_a_name_that_leads_out_is_not_followed(self, working_copy, entries, make):
        path = entries["01_one"] / "kept.json"
        manifest = json.loads(path.read_text().partition("\n")[2])
        manifest["files"]["../../outside"] = next(iter(manifest["files"].values()))
        text = json.dumps(manifest)
        path.write_text(f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}")
        shutil.rmtree(working_copy / "outputs" / "tiny")
        assert make()[0] == {"01_one"}

    def test_it_may_be_deleted(self, working_copy, entries, make):
        shutil.rmtree(working_copy / "outputs" / ".cache")
        assert make()[0] == BOTH

    def test_it_stays_small(self, working_copy, make):
        for number in range(KEPT + 2):
            append(working_copy / "notebooks" / "01_one.py", f"# {number}\n")
            make()
        shelf = Shelf.of(read_cut(working_copy / "params" / "tiny.yaml"))
        assert len(list((shelf.folder / "01_one").iterdir())) == KEPT

    def test_a_folder_that_cannot_be_written_to_is_gone_without(self, working_copy, make, monkeypatch):
        (working_copy / "outputs").mkdir()
        (working_copy / "outputs" / ".cache").write_text("no folder")
        assert make()[0] == BOTH
        assert make()[0] == BOTH

    def test_of_a_run_that_failed_what_went_well_is_kept(self, working_copy, executed, make, monkeypatch):
        fake = dying_run.fake_execute

        def fails(chapter, values, **how):
            if chapter.slug == "02_two":
                raise RunError("chapter 02_two: notebooks/02_two.py:9: `x`: KeyError: 'AVAL'")
            return fake(chapter, values, **how)

        with monkeypatch.context() as patch:
            patch.setattr(dying_run, "fake_execute", fails)
            with pytest.raises(RunError, match="chapter 02_two: "):
                make()
        executed()
        assert make()[0] == {"02_two"}

    def test_a_chapter_that_hands_nothing_over_is_told_and_not_kept(self, working_copy, make, monkeypatch):
        fake = dying_run.fake_execute

        def silent(chapter, values, **how):
            done = fake(chapter, values, **how)
            (how["out"].parent / "chapters" / f"{chapter.slug}.json").unlink()
            return done

        monkeypatch.setattr(dying_run, "fake_execute", silent)
        with pytest.raises(RunError, match="chapter 01_one handed over no result"):
            make()
        assert not list((working_copy / "outputs" / ".cache" / "chapters").rglob("kept.json"))

    def test_nothing_is_kept_of_inputs_that_changed_while_it_ran(self, working_copy, executed, make):
        def spoil(event):
            append(working_copy / "data" / "tiny" / "dm.csv", "\n")

        with pytest.raises(RunError, match="changed while it ran"):
            run.run_cut(read_cut(working_copy / "params" / "tiny.yaml"), listen=spoil)
        assert executed() == BOTH
        assert not list((working_copy / "outputs" / ".cache" / "chapters").rglob("kept.json"))
