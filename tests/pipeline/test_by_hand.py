"""A chapter alone: by `esld run --chapter`, by `esld verify --chapter`, and by hand, where what differs is said."""

import os
from types import SimpleNamespace

import pytest

from esld.data.cutfile import read_cut
from esld.errors import InputError, RefusedError, RunError
from esld.pipeline import desk, verify
from esld.pipeline.chapters import needed_for
from esld.pipeline.reexecution import Again
from esld.pipeline.run import run_chapters
from esld.pipeline.verify import verify_report
from esld.report import by_hand
from esld.report.chapter import open_chapter
from esld.report.roles import WORK
from esld.report.run_folder import prepare_run_folder

ALL = ["00_data_cut", "03_survival", "08_summary", "50_mine", "90_validation"]


@pytest.mark.parametrize(("asked", "needed"), [
    (["03_survival"], ["03_survival"]), (["50_mine", "00_data_cut"], ["00_data_cut", "50_mine"]),
    (["90_validation"], ["00_data_cut", "03_survival", "50_mine", "90_validation"]), (["08_summary"], ALL[:-1]),
    (["08_summary", "90_validation"], ALL),
])  # fmt: skip
def test_a_chapter_needs_those_that_it_reads(asked, needed):
    assert needed_for(asked, ALL) == needed


class TestRun:
    def test_it_shows_pages_and_publishes_nothing(self, working_copy, no_kernels):
        file = read_cut(working_copy / "params" / "tiny.yaml")
        shown = run_chapters(file, ["02_two"])
        assert shown.pages == (working_copy / "outputs" / "lab" / "tiny" / "pages" / "02_two.html",)
        page = shown.pages[0].read_text(encoding="utf-8")
        assert "Chapter two" in page
        assert "index.html" not in page
        assert not (working_copy / "outputs" / "tiny").exists()
        assert not (shown.pages[0].parent / "01_one.html").exists()
        run_chapters(file, ["01_one"])  # again in the same place

    def test_one_that_fails_leaves_nothing_but_what_an_editor_reads(
        self, working_copy, no_kernels, monkeypatch
    ):
        def fails(*_, out, work, **__):
            work.mkdir(parents=True)
            out.touch()
            raise RunError("it failed")

        monkeypatch.setattr(desk, "execute", fails)
        with pytest.raises(RunError, match="it failed"):
            run_chapters(read_cut(working_copy / "params" / "tiny.yaml"), ["02_two"])
        left = {path.name for path in (working_copy / "outputs" / "lab" / "tiny").iterdir()}
        assert left == {"run.json", "pages", "chapters", "tables", "figures"}

    def test_a_chapter_that_the_cut_has_not_is_a_mistake(self, working_copy, no_kernels):
        file = read_cut(working_copy / "params" / "tiny.yaml")
        with pytest.raises(
            InputError, match=r"--chapter must be a chapter of the cut, got 02_tow .*'02_two'\?"
        ):
            run_chapters(file, ["02_tow"])

    def test_nobody_s_link_is_written_through(self, working_copy, no_kernels, tmp_path):
        (working_copy / "outputs" / "lab").mkdir(parents=True)
        (working_copy / "outputs" / "lab" / "tiny").symlink_to(tmp_path)
        with pytest.raises(RefusedError, match="somebody's link"):
            run_chapters(read_cut(working_copy / "params" / "tiny.yaml"), ["01_one"])


class TestVerify:
    def test_only_what_was_asked_for_is_executed(self, working_copy, no_kernels, monkeypatch):
        from esld.pipeline.run import run_cut

        folder = run_cut(read_cut(working_copy / "params" / "tiny.yaml")).index.parent
        executed = []
        failed = Again((), {})
        monkeypatch.setattr(verify, "reexecute", lambda chapters, *_: executed.extend(chapters) or failed)
        verdict = verify_report(folder, chapters=["02_two"])
        assert [chapter.slug for chapter in executed] == ["02_two"]
        assert verdict.chapters == 1
        with pytest.raises(InputError, match="--chapter must be a chapter of the report, got 02_tow"):
            verify_report(folder, chapters=["02_tow"])


class TestByHand:
    @pytest.fixture
    def opened(self, working_copy, monkeypatch):
        """Open a chapter as a kernel in the working copy does."""
        monkeypatch.chdir(working_copy)
        monkeypatch.delenv("ESLD_RUN", raising=False)
        return lambda name: open_chapter(name, cut="tiny")

    def test_what_others_have_not_handed_over_or_long_ago_is_not_read(self, working_copy, opened):
        opened("01_one").answer("Once.")
        with pytest.raises(InputError, match="got nothing of 02_two") as missing:
            opened("01_one").others()
        assert "--chapter 01_one" in str(missing.value)
        opened("02_two").answer("Twice.")
        assert opened("01_one").others().answers == {"02_two": "Twice."}
        source = working_copy / "notebooks" / "02_two.py"
        source.write_text(source.read_text(encoding="utf-8") + "\n# more\n", encoding="utf-8")
        with pytest.raises(InputError) as stale:
            opened("01_one").others()
        data = working_copy / "data" / "tiny" / "dm.csv"
        os.utime(data, ns=(1, 1))
        opened("02_two").answer("Thrice.")
        assert opened("01_one").others().answers == {"02_two": "Thrice."}
        assert "got what was made before the last change of 02_two (" in str(stale.value)
        assert str(stale.value).endswith("Run esld run params/tiny.yaml --chapter 01_one, which makes them.")

    def test_in_a_run_nothing_tells_from_what_it_was_made(self, working_copy, monkeypatch):
        """So another word of prose, or a file that was touched, runs no chapter again that reads what was handed over."""
        scratch = working_copy / "outputs" / "run"
        prepare_run_folder(scratch, read_cut(working_copy / "params" / "tiny.yaml"))
        (scratch / WORK / "01_one").mkdir(parents=True)
        monkeypatch.setenv("ESLD_RUN", str(scratch))
        monkeypatch.chdir(scratch / WORK / "01_one")
        handed = []
        for words in ("", "\n# more\n"):
            source = working_copy / "notebooks" / "01_one.py"
            source.write_text(source.read_text(encoding="utf-8") + words, encoding="utf-8")
            open_chapter("01_one", cut="tiny").answer("Once.")
            handed.append([(path.name, path.read_bytes()) for path in (scratch / "chapters").iterdir()])
        assert handed[0] == handed[1]
        assert [name for name, _ in handed[0]] == ["01_one.json"]

    def test_after_a_run_of_one_chapter_another_reads_by_hand(self, working_copy, no_kernels, opened):
        run_chapters(read_cut(working_copy / "params" / "tiny.yaml"), ["01_one", "02_two"])
        assert set(opened("01_one").others().answers) == {"02_two"}

    def test_parameters_that_are_not_the_cuts_are_said(self, capsys):
        cut = SimpleNamespace(parameters={"01_one": {"scale": 2.0, "ticks": [1], "other": 3}})
        file = SimpleNamespace(cut=cut, path=SimpleNamespace(name="tiny.yaml"))
        by_hand.say_other_values("01_one", file, {"scale": 1.0, "ticks": [1]})
        by_hand.say_other_values("02_two", file, {"scale": 1.0})
        assert capsys.readouterr().err == (
            "01_one: scale is 1.0 here; params/tiny.yaml sets 2.0, and so does esld run params/tiny.yaml --chapter 01_one\n"
        )
