"""From cut file to published report: all or nothing, the same bytes, and every mistake before the first kernel."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from docx import Document
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from esld.data.cutfile import read_cut
from esld.data.fingerprint import sha256, text_sha256
from esld.errors import InputError, RefusedError, RunError
from esld.pipeline import assemble, making, provenance, run
from esld.pipeline.chapters import read_chapters
from esld.pipeline.handed_over import gather
from esld.pipeline.how import How
from esld.pipeline.publish import locked
from esld.report.chapter import Chapter, open_chapter
from esld.report.drawing.figures import Picture, new_figure
from esld.report.results import Row
from esld.report.run_folder import prepare_run_folder
from esld.report.tables import Table
from tests.examples import few, some
from tests.full_disk import no_space
from tests.kernels import OF_TINY, leanly
from tests.pipeline import dying_run

KILLS = pytest.mark.skipif(not hasattr(os, "fork"), reason="no kill and no fork here")


def cut_of(copy: Path):
    return read_cut(copy / "params" / "tiny.yaml")


def run_one(file, how):
    return run.run_chapters(file, ["01_one"], how)


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


class TestReport:
    def test_it_holds_what_was_promised(self, published_copy):
        folder = published_copy / "outputs" / "tiny"
        files = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
        assert files == {
            *(
                "index.html",
                "01_one.html",
                "02_two.html",
                "01_one.records.html",
                "02_two.records.html",
                "report.html",
                "results.json",
                "labels.json",
                "provenance.json",
                "run.json",
                "report.docx",
            ),
            *("notebooks/01_one.ipynb", "notebooks/02_two.ipynb", "tables/one.csv", "tables/two.csv"),
        }
        rows = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        assert [(r["result_id"], r["value"], r["chapter"]) for r in rows] == [
            ("one.patients", 4.0, "01_one"),
            ("two.patients", 4.0, "02_two"),
        ]
        page = BeautifulSoup((folder / "index.html").read_text(encoding="utf-8"), "html.parser")
        assert "There are 4 patients." in page.get_text()

    def test_nothing_is_left_beside_it(self, published_copy):
        visible = [p.name for p in (published_copy / "outputs").iterdir() if not p.name.startswith(".")]
        assert visible == ["tiny"]
        assert [p for p in (published_copy / "outputs" / ".staging").rglob("*") if p.is_file()] == []

    def test_provenance_says_what_went_in_and_what_came_out(self, published_copy):
        folder = published_copy / "outputs" / "tiny"
        record = provenance.read(folder)
        lb = published_copy / "data" / "tiny" / "lb.csv"
        assert record["cut"] == "tiny"
        assert record["view"] == "unblinded"
        assert record["inputs"]["data/tiny/lb.csv"] == text_sha256(lb)
        assert record["outputs"] == provenance.output_hashes(folder)

    def test_the_facts_of_one_run_stand_apart(self, published_copy):
        facts = provenance.read_run(published_copy / "outputs" / "tiny")
        assert facts["cut_file"] == "params/tiny.yaml"  # of the working copy that it lies in
        assert set(facts["chapters"]) == {"01_one", "02_two"}
        assert facts["started"] <= facts["ended"]

    def test_no_clock_and_no_machine_outside_them(self, published_copy, contents):
        folder = published_copy / "outputs" / "tiny"
        today = provenance.read_run(folder)["started"][:10]
        traces = [str(published_copy), str(published_copy.parent.parent), str(Path.home()), sys.prefix, today]
        traces += [socket.gethostname()] if len(socket.gethostname()) > 5 else []
        for name, content in contents(folder).items():
            found = [trace for trace in traces if re.search(rf"{re.escape(trace)}\b".encode(), content)]
            assert found == [], name


class TestSameBytes:
    @pytest.fixture(scope="class")
    @classmethod
    def elsewhere(cls, tiny_template, tmp_path_factory):
        """The command itself, elsewhere, one ordinary kernel at a time, stray modules beside the notebooks."""
        copy = tmp_path_factory.mktemp("other") / "the {cut} {0} é"
        shutil.copytree(tiny_template, copy)
        for module in ("html", "json"):
            (copy / "notebooks" / f"{module}.py").write_text(
                "raise RuntimeError('stray')\n", encoding="utf-8"
            )
        code = (
            "from esld.pipeline import kernels; kernels.CAN_FORK = False; from esld.cli import main; main()"
        )
        command = [sys.executable, "-P", "-c", code, "run", "--json", "--jobs=1", "../params/tiny.yaml"]
        done = subprocess.run(
            [*command, "-o", "../made {1}"],
            cwd=copy / "notebooks",
            env=os.environ | {"ESLD_RUN": "/nowhere", "PYTHONHASHSEED": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        return copy / "made {1}" / "tiny", done

    @pytest.mark.always
    def test_two_runs_differ_in_nothing_but_the_clock(self, elsewhere, published_copy, contents):
        folder, done = elsewhere
        assert done.returncode == 0, done.stderr
        assert contents(folder) == contents(published_copy / "outputs" / "tiny")

    def test_a_machine_reads_a_line_a_chapter_and_one_for_the_cut(self, elsewhere):
        folder, done = elsewhere
        *chapters, said = map(json.loads, done.stdout.splitlines())
        told = [(c["chapter"], c["state"]) for c in chapters]
        assert told[0] == ("01_one", "runs")
        for slug in ("01_one", "02_two"):  # the next may begin before it is told that one has ended
            assert [state for chapter, state in told if chapter == slug] == ["runs", "done"]
        assert all(c["cells"] == c["of"] == 6 and c["seconds"] > 0 for c in chapters if c["state"] == "done")
        assert (said["cut"], said["reused"], said["unchanged"]) == ("tiny", [], False)
        assert Path(said["index"]).samefile(folder / "index.html")
        assert done.stderr == ""

    def test_a_run_that_agrees_keeps_the_recorded_bytes(self, published_copy, own_published_copy, no_kernels):
        """As on a machine that differs in a last digit; here the notebooks hold nothing and so are replaced."""
        assert provenance.read_run(published_copy / "outputs" / "tiny")["kept_from_record"] == []
        run.run_cut(cut_of(own_published_copy), How(force=True))
        run.run_cut(cut_of(own_published_copy), How(force=True))
        assert provenance.read_run(own_published_copy / "outputs" / "tiny")["kept_from_record"] == [
            "notebooks/01_one.ipynb",
            "notebooks/02_two.ipynb",
            "results.json",
        ]


class TestFailure:
    @pytest.fixture
    def full_copy(self, own_published_copy, no_kernels):
        """A report of the same run without kernels that is tried again."""
        run.run_cut(cut_of(own_published_copy), How(force=True))
        return own_published_copy

    @pytest.mark.always
    def test_a_failing_cell_is_named_and_nothing_is_published(self, own_published_copy, contents):
        """Both chapters fail, the second one sooner: they are told in their order, not in time's."""
        one, two = (own_published_copy / "notebooks" / f"{n}.py" for n in ("01_one", "02_two"))
        os.mkfifo(gate := own_published_copy / "gate")  # one waits here until two has come
        change(one, "value = scale", f"open({str(gate)!r}).close(); value = {{}}['AVAL'] + scale")
        change(two, "from pandas import DataFrame", f"open({str(gate)!r}, 'w').close(); 1 / 0")
        outputs = own_published_copy / "outputs"
        before = contents(outputs / "tiny")
        with pytest.raises(
            RunError,
            match=r"^chapter 01_one: notebooks/01_one\.py:26: `open\(.*`: KeyError: 'AVAL'; "
            r"chapter 02_two: notebooks/02_two\.py:13: `open\(.*`: ZeroDivisionError: division by zero\. The run",
        ) as caught:
            run.run_cut(cut_of(own_published_copy))
        assert str(outputs / ".failed" / "tiny") in str(caught.value)
        assert contents(outputs / "tiny") == before
        failed = outputs / ".failed" / "tiny"
        reason = (failed / "failure.txt").read_text(encoding="utf-8")
        assert reason.startswith("chapter 01_one: notebooks/01_one.py:26: `open(")
        assert "ZeroDivisionError" in (failed / ".run" / "02_two.ipynb").read_text(encoding="utf-8")
        assert not any((outputs / ".staging" / "tiny").iterdir())

    def test_inputs_that_change_while_it_runs_are_no_inputs(self, working_copy, no_kernels):
        for name in ("params/tiny.yaml", "params/protocols/trial.yaml", "data/tiny/dm.csv"):
            path = working_copy / name
            before = path.read_bytes()

            def spoil(event, path=path):
                if (event.state, event.chapter) == ("waits", "01_one"):
                    path.write_bytes(path.read_bytes() + b"\n")

            with pytest.raises(RunError, match="the inputs of cut tiny changed while it ran"):
                run.run_cut(cut_of(working_copy), listen=spoil)
            path.write_bytes(before)
        assert not (working_copy / "outputs" / "tiny").exists()

    def test_a_cut_that_changed_before_the_hashes_were_taken_is_found_too(self, working_copy, no_kernels):
        """Chapters would be given the parameters of the old file and read the new one."""
        file = cut_of(working_copy)
        change(working_copy / "params" / "tiny.yaml", "title: Tiny cut", "title: Another title")
        with pytest.raises(RunError, match="changed while it ran"):
            run.run_cut(file)

    def test_a_vanished_input_is_a_change(self, working_copy, no_kernels):
        def remove(event):
            shutil.rmtree(working_copy / "data", ignore_errors=True)

        with pytest.raises(RunError, match="changed while it ran"):
            run.run_cut(cut_of(working_copy), listen=remove)

    def test_a_disk_that_is_full_is_told_in_one_line(
        self, own_published_copy, contents, no_kernels, monkeypatch
    ):
        def full(*_):
            raise OSError(28, "No space left on device")

        before = contents(own_published_copy / "outputs" / "tiny")
        monkeypatch.setattr(making, "publish", full)
        with pytest.raises(
            RunError,
            match=r"No space left on device: .*/\w+\.\w+\. The run is kept in .*nothing was published\.$",
        ):
            run.run_cut(cut_of(own_published_copy))
        assert contents(own_published_copy / "outputs" / "tiny") == before

    @pytest.mark.skipif(os.name != "posix", reason="no limits of files here")
    def test_a_file_that_the_disk_does_not_take_is_named(self, own_published_copy, contents, no_kernels):
        """A real one: no file may be larger than some bytes, and a failed write does not say which it was."""
        import resource

        before = contents(own_published_copy / "outputs" / "tiny")
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
        try:
            with pytest.raises(RunError, match=r"^File too large: .*\.html\. The run is kept in .*\.$"):
                run.run_cut(cut_of(own_published_copy), How(force=True))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert contents(own_published_copy / "outputs" / "tiny") == before

    @pytest.mark.always
    @settings(few(10), suppress_health_check=[HealthCheck.function_scoped_fixture])  # it must stay as it is
    @given(moment=st.integers(0, 150), alone=st.booleans())
    def test_a_full_disk_at_any_moment_is_one_line_with_the_file_and_the_report_stands(
        self, full_copy, contents, moment, alone
    ):
        """Whatever is opened, made or renamed first after that moment, and all that is after it."""
        outputs = full_copy / "outputs"
        before = contents(outputs / "tiny")
        with no_space(outputs, moment // 4 if alone else moment) as refused:
            try:
                work = run_one if alone else run.run_cut
                made = work(cut_of(full_copy), How(force=True))
            except (RunError, InputError) as error:
                made = error
        assert contents(outputs / "tiny") == before
        if isinstance(made, Exception):
            assert "\n" not in str(made)
            assert "No space left on device" in str(made)
            assert str(outputs) in str(made)
        else:
            passed_over = (".cache", ".failed", ".staging")
            assert all(any(part in path for part in passed_over) for path in refused)

    def test_a_failed_run_goes_when_the_cut_is_made_or_found_to_stand(self, own_published_copy, no_kernels):
        failed, path = (own_published_copy / name for name in ("outputs/.failed", "params/tiny.yaml"))
        run.run_cut(cut_of(own_published_copy))
        for other in ("other", "tiny"):
            (failed / other).mkdir(parents=True)
            (failed / other / "failure.txt").write_text("failed\n", encoding="utf-8")
        assert run.run_cut(cut_of(own_published_copy)).stands
        assert [p.name for p in failed.iterdir()] == ["other"]
        shutil.move(failed / "other", failed / "tiny")
        change(path, "Tiny cut", "Another title")
        assert not run.run_cut(cut_of(own_published_copy)).stands
        assert not failed.exists()

    @pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
    def test_our_own_error_or_an_interrupt_publishes_nothing(
        self, own_published_copy, contents, no_kernels, monkeypatch, error
    ):
        def broken(*_, **__):
            raise error

        outputs = own_published_copy / "outputs"
        before = contents(outputs / "tiny")
        monkeypatch.setattr(assemble.render, "render", broken)
        with pytest.raises(error):
            run.run_cut(cut_of(own_published_copy))
        assert contents(outputs / "tiny") == before
        assert (outputs / ".failed" / "tiny").exists() is (error is ZeroDivisionError)
        assert not any((outputs / ".staging" / "tiny").iterdir())

    def test_a_damaged_record_does_not_stop_the_next_run(self, own_published_copy, no_kernels):
        folder = own_published_copy / "outputs" / "tiny"
        for path in (folder / "results.json", *(folder / "notebooks").glob("*.ipynb")):
            path.write_bytes(b"\xff{")
        run.run_cut(cut_of(own_published_copy))
        assert dying_run.state(folder) == "first"


class TestOtherForms:
    def test_the_word_file_is_offered_recorded_and_holds_what_chapters_showed(self, published_copy):
        folder = published_copy / "outputs" / "tiny"
        document = Document(str(folder / "report.docx"))
        captions = [p.text for p in document.paragraphs if p.style.name == "Caption"]
        assert captions == ["Table 1. Patients", "Table 2. Patients"]
        assert [[c.text for c in row.cells] for row in document.tables[0].rows] == [
            ["What", "n"],
            ["patients", "4"],
        ]
        assert "There are 4 patients." in [p.text for p in document.paragraphs]
        assert 'href="report.docx"' in (folder / "index.html").read_text(encoding="utf-8")
        assert "report.docx" in provenance.read(folder)["outputs"]
        assert 'href="report.pdf"' not in (folder / "index.html").read_text(encoding="utf-8")

    def test_a_word_file_that_cannot_be_made_publishes_nothing(
        self, own_published_copy, contents, no_kernels, monkeypatch
    ):
        def broken(*_, **_named):
            raise ValueError("no")

        before = contents(own_published_copy / "outputs" / "tiny")
        monkeypatch.setattr(assemble.word, "write_word", broken)
        with pytest.raises(ValueError, match="no"):
            run.run_cut(cut_of(own_published_copy))
        assert contents(own_published_copy / "outputs" / "tiny") == before

    def test_a_pdf_is_made_where_it_is_asked_for(self, working_copy, no_kernels):
        pytest.importorskip("weasyprint", exc_type=ImportError)
        folder = run.run_cut(cut_of(working_copy), How(pdf=True)).index.parent
        assert (folder / "report.pdf").read_bytes().startswith(b"%PDF-")
        assert 'href="report.pdf"' in (folder / "index.html").read_text(encoding="utf-8")
        assert "report.pdf" in provenance.read(folder)["outputs"]
        run.run_cut(cut_of(working_copy))
        assert not (folder / "report.pdf").exists()

    def test_a_template_is_an_input_and_another_one_makes_the_report_anew(self, working_copy, no_kernels):
        template, cut = working_copy / "sponsor.docx", cut_of(working_copy)
        document = Document()
        document.sections[0].header.paragraphs[0].text = "SPONSOR LTD"
        document.save(str(template))
        folder = run.run_cut(cut, How(template=template)).index.parent
        assert Document(str(folder / "report.docx")).sections[0].header.paragraphs[0].text == "SPONSOR LTD"
        inputs = provenance.read(folder)["inputs"]
        assert inputs["template/sponsor.docx"] == sha256(template)
        assert provenance.template_of(folder, inputs) == template.resolve()
        assert provenance.input_hashes(cut, read_chapters(cut), template) == inputs  # as 'esld verify' asks
        assert run.run_cut(cut, How(template=template)).stands
        document.sections[0].header.paragraphs[0].text = "OTHER LTD"
        document.save(str(template))
        assert not run.run_cut(cut, How(template=template)).stands
        assert "template/sponsor.docx" not in provenance.read(run.run_cut(cut).index.parent)["inputs"]


class TestBeforeAnyKernel:
    @pytest.fixture(autouse=True)
    def no_kernel_starts(self, monkeypatch):
        def started(*_, **__):
            raise AssertionError("a kernel started")

        monkeypatch.setattr(making.Making, "_execute", started)
        monkeypatch.setattr(run, "kernels", dying_run.no_kernels)

    @pytest.mark.parametrize(
        ("old", "new", "complaint"),
        [
            ("chapters:", "parameters: {02_two: {skale: 2}}\nchapters:", "Did you mean 'scale'"),
            ("chapters:", "parameters: {02_two: {scale: two}}\nchapters:", "must be float, got 'two'"),
            ("[01_one, 02_two]", "[01_one, 02_too]", "Did you mean '02_two'"),
            ('cutoff: "2026-03-31"', 'cutoff: "2020-01-01"', "first consent"),
            ("data/tiny", "data/tinny", "must be an existing folder or file"),
            ("trial.yaml", "trail.yaml", "must be an existing file"),
        ],
    )
    def test_a_mistake_is_told(self, working_copy, old, new, complaint):
        change(working_copy / "params" / "tiny.yaml", old, new)
        with pytest.raises(InputError, match=complaint):
            run.run_cut(cut_of(working_copy))
        assert not (working_copy / "outputs").exists()

    def test_a_pdf_that_cannot_be_made_is_told(self, working_copy, monkeypatch):
        monkeypatch.setitem(sys.modules, "weasyprint", None)
        with pytest.raises(InputError, match="option --pdf needs the extra 'pdf'"):
            run.run_cut(cut_of(working_copy), How(pdf=True))
        assert not (working_copy / "outputs").exists()

    def test_a_template_that_does_not_fit_is_told(self, working_copy):
        with pytest.raises(InputError, match="option --template must name a file that is there"):
            run.run_cut(cut_of(working_copy), How(template=working_copy / "none.docx"))
        assert not (working_copy / "outputs").exists()

    def test_a_template_is_not_lost_where_the_report_goes(self, working_copy):
        template = working_copy / "outputs" / "tiny" / "sponsor.docx"
        template.parent.mkdir(parents=True)
        Document().save(str(template))
        with pytest.raises(RefusedError, match="what cut tiny is made from"):
            run.run_cut(cut_of(working_copy), How(template=template))
        assert template.is_file()

    @pytest.mark.parametrize("name", ["tiny.yml", ".staging.yaml"])
    def test_a_cut_file_is_named_as_chapters_look_for_it(self, working_copy, name):
        path = (working_copy / "params" / "tiny.yaml").rename(working_copy / "params" / name)
        with pytest.raises(InputError, match=r"cut file must be named <cut>\.yaml"):
            run.run_cut(read_cut(path))


class TestLock:
    def test_the_same_cut_is_refused_and_another_one_runs(self, working_copy, no_kernels):
        shutil.copy(working_copy / "params" / "tiny.yaml", working_copy / "params" / "other.yaml")
        with locked(making.place_of(cut_of(working_copy))):
            with pytest.raises(RefusedError, match="cut tiny is being run by another process"):
                run.run_cut(cut_of(working_copy))
            published = run.run_cut(read_cut(working_copy / "params" / "other.yaml"))
        assert published.index == working_copy / "outputs" / "other" / "index.html"
        assert not (working_copy / "outputs" / "tiny").exists()


class TestListening:
    def test_a_chapter_waits_runs_cell_by_cell_and_is_done(self, working_copy, no_kernels):
        seen = []
        run.run_cut(cut_of(working_copy), listen=seen.append)
        for slug in ("01_one", "02_two"):
            own = [(e.state, e.cells) for e in seen if e.chapter == slug]
            # five code cells and the injected one
            assert own == [("waits", 0), ("runs", 0), *(("runs", n) for n in range(1, 7)), ("done", 6)]
        assert {(e.cut, e.of) for e in seen} == {("tiny", 6)}


class TestGather:
    def chapters(self, folder, **contents):
        (folder / "chapters").mkdir()
        for slug, content in contents.items():
            empty = dict.fromkeys(field.name for field in fields(Row))
            rows = [{**empty, "result_id": name} for name in content.pop("ids", ())]
            record = {
                "answer": f"Answer of {slug}.",
                "files": {},
                "exhibits": {},
                "appendix": [],
                "rows": rows,
                **content,
            }
            (folder / "chapters" / f"{slug}.json").write_text(json.dumps(record), encoding="utf-8")

    def test_rows_come_in_the_order_of_the_chapters_not_of_time(self, tmp_path):
        self.chapters(tmp_path, b={"ids": ["late"]}, a={"ids": ["early", "second"]})
        handed = gather(tmp_path, ["a", "b"])
        rows, answers = handed.rows, handed.answers
        assert [row.result_id for row in rows] == ["early", "second", "late"]
        assert list(answers.items()) == [("a", "Answer of a."), ("b", "Answer of b.")]

    def test_a_result_has_one_owner(self, tmp_path):
        self.chapters(tmp_path, a={"ids": ["x", "y"]}, b={"ids": ["y"]})
        with pytest.raises(RunError, match=r"results must have one id each; twice: y\."):
            gather(tmp_path, ["a", "b"])

    def test_a_file_has_one_owner(self, tmp_path):
        """Which of two chapters wrote it last would depend on the order in time."""
        self.chapters(
            tmp_path, a={"files": {"tables/x": "X"}}, b={"files": {"figures/x": "X", "tables/x": "X"}}
        )
        with pytest.raises(RunError, match="chapters a and b both write tables/x"):
            gather(tmp_path, ["a", "b"])

    def test_a_chapter_must_hand_something_over(self, tmp_path):
        self.chapters(tmp_path, a={})
        with pytest.raises(RunError, match="chapter b handed over no result and no answer"):
            gather(tmp_path, ["a", "b"])


class TestHandingOver:
    @pytest.fixture
    def chapter(self, tmp_path):
        for part in ("chapters", "tables", "figures"):
            (tmp_path / part).mkdir()
        trial = SimpleNamespace(arm_labels={"LOW": "Low dose"})
        cut = SimpleNamespace(published=None)
        return Chapter("01_one", SimpleNamespace(protocol=trial, cut=cut), tmp_path)

    def test_a_cell_run_twice_leaves_nothing_of_its_first_run(self, chapter):
        """An analyst asked for two times first, then for one; what other cells handed over stays."""
        points = pd.DataFrame({"statistic": "survival", "time": [365, 730], "value": [0.9, 0.8]})
        chapter.hand_over("os_km", points, analysis="OS-KM")
        chapter.hand_over("os", points.head(1), analysis="OS-1Y")
        chapter.hand_over("os_km", points.head(1), analysis="OS-KM")
        rows = gather(chapter.scratch, ["01_one"]).rows
        assert [row.result_id for row in rows] == ["os_km.survival@365", "os.survival@365"]

    def test_tables_are_known_by_their_chapter(self, chapter):
        chapter.table(Table("ends", "Ends", pd.DataFrame({"what": ["deaths"], "n": ["3"]})))
        record = json.loads((chapter.scratch / "chapters" / "01_one.json").read_text(encoding="utf-8"))
        assert record["files"] == {"tables/ends": "Ends"}
        assert Table.from_record(record["exhibits"]["tables/ends"]).title == "Ends"
        assert (chapter.scratch / "tables" / "ends.csv").read_bytes() == b"what,n\ndeaths,3\n"

    def test_tables_and_figures_are_recorded_in_the_order_in_which_they_were_first_shown(self, chapter):
        for column in ("deaths", "transplants"):  # a cell run twice
            chapter.table(Table("ends", "Ends", pd.DataFrame({"what": [column], "n": ["3"]})))
            if column == "deaths":
                chapter.figure(Picture("km", new_figure(), "Words.", "Survival", "Band: limits."))
        chapter.answer("Yes.")
        handed = gather(chapter.scratch, ["01_one"])
        assert list(handed.exhibits["01_one"]) == ["tables/ends", "figures/km"]
        assert handed.exhibits["01_one"]["tables/ends"]["rows"] == [
            [["label", "transplants", ""], ["label", "3", ""]]
        ]
        own = {"title": "Survival", "alt": "Words.", "legend": "Band: limits."}
        assert handed.exhibits["01_one"]["figures/km"] == own


class TestRootAndScratch:
    @pytest.fixture(autouse=True)
    def own_settings(self):
        """Opening a chapter sets display options and the style of figures."""
        import matplotlib as mpl

        with pd.option_context("display.width", 80), mpl.rc_context():
            yield

    def test_without_a_run_a_chapter_writes_to_the_scratch_of_its_working_copy(
        self, working_copy, monkeypatch
    ):
        for unset in (
            lambda: monkeypatch.delenv("ESLD_RUN", raising=False),
            lambda: monkeypatch.setenv("ESLD_RUN", ""),
        ):
            unset()
            monkeypatch.chdir(working_copy / "notebooks")
            chapter = open_chapter("01_one", cut="tiny")
            chapter.answer("Yes.")
            assert chapter.scratch == working_copy / "outputs" / "lab" / "tiny"
            assert json.loads((chapter.scratch / "chapters" / "01_one.json").read_text())["answer"] == "Yes."
            assert len(chapter.study.randomised) == 4

    def test_a_run_decides_both_wherever_the_chapter_is(self, working_copy, tmp_path, monkeypatch):
        prepare_run_folder(tmp_path / "scratch {0}", read_cut(working_copy / "params" / "tiny.yaml"))
        monkeypatch.setenv("ESLD_RUN", str(tmp_path / "scratch {0}"))
        monkeypatch.chdir(tmp_path)
        chapter = open_chapter("01_one", cut="tiny")
        assert chapter.study.file.root == working_copy
        assert chapter.scratch == tmp_path / "scratch {0}"

    def test_elsewhere_it_is_a_users_mistake(self, tmp_path, monkeypatch):
        monkeypatch.delenv("ESLD_RUN", raising=False)
        monkeypatch.chdir(tmp_path)
        with pytest.raises(InputError, match="must lie in a working copy"):
            open_chapter("01_one", cut="tiny")
        monkeypatch.setenv("ESLD_RUN", str(tmp_path))
        with pytest.raises(InputError, match=r"ESLD_RUN must name a folder with run\.json"):
            open_chapter("01_one", cut="tiny")


@KILLS
@pytest.mark.parametrize("way", some(["exchange", "fallback"], 2))
def test_killed_at_any_change_of_the_file_system_the_report_is_the_old_or_the_new(
    tiny_template, tmp_path, way
):
    """Without kernels, so that the moments are many: see ``dying_run.py``, which also runs again after each.

    Where two folders can change places in one step the report is never missing; elsewhere it is between two
    renames, and the next run puts it back.
    """
    copy = shutil.copytree(tiny_template, tmp_path / "copy")
    command = [sys.executable, dying_run.__file__, str(copy), way]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    moments = [line.split("\t") for line in done.stdout.splitlines()]
    seen = [(found, after) for found, after, _ in moments]
    assert {"old", "new"} <= {found for found, _ in seen}
    missing = [what for found, after, what in moments if (found, after) == ("missing", "old")]
    assert len(missing) == (way == "fallback"), moments
    assert all(found == after for found, after in seen if found != "missing"), moments


# What a run does when it is killed: an audit event and its first two arguments.
MOMENTS = {
    "imports": r"import esld\.pipeline\.run ",
    "checks": r"open .*/dm\.csv ",
    "starts a kernel": r"(subprocess\.Popen|os\.fork)",
    "executes": r"open .*/01_one\.ipynb w",
    "renders": r"open .*/index\.html w",
}
if not os.environ.get("ESLD_SOAK"):  # before these nothing is written, and the test above dies there too
    MOMENTS = {name: MOMENTS[name] for name in ("executes", "renders")}
DYING = """
import os, re, signal, sys
moment = re.compile(sys.argv.pop(1))
def die(event, arguments):
    if moment.match(" ".join(map(str, (event, *arguments[:2])))):
        os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(die)
LEANLY
from esld.cli import main
main()
""".replace("LEANLY", leanly(OF_TINY))


@pytest.mark.slow
@KILLS
def test_a_real_run_killed_at_any_time_leaves_the_report(own_published_copy, contents):
    """`esld run` with its kernels, killed while it executes or renders; under `make soak` also before."""
    outputs = own_published_copy / "outputs"
    arguments = ["run", own_published_copy / "params" / "tiny.yaml"]
    before = contents(outputs / "tiny")
    change(own_published_copy / "params" / "tiny.yaml", "title: Tiny cut", "title: Title second")
    for moment in MOMENTS.values():
        killed = subprocess.run(
            [sys.executable, "-c", DYING, moment, *arguments], capture_output=True, check=False
        )
        assert killed.returncode == -signal.SIGKILL, (moment, killed.stderr)
        assert contents(outputs / "tiny") == before, moment
    run.run_cut(cut_of(own_published_copy))
    assert dying_run.state(outputs / "tiny") == "second"
    assert json.loads((outputs / "tiny" / "results.json").read_text())[0]["value"] == 4.0
