"""One chapter through a real kernel: what it sees, what it leaves, and how it fails. No chapter here loads a study."""

import functools
import json
import os
import sys
from pathlib import Path

import nbformat
import pytest

from esld.errors import RunError
from esld.identifying import HIDDEN
from esld.pipeline import provisioner
from esld.pipeline.chapters import read_chapter
from esld.pipeline.execution import execute, notebook_bytes, published_form
from esld.pipeline.kernels import kernels
from tests.kernels import lean

PARAMETERS = '# %% tags=["parameters"]\ncut: str = "default"\nticks: list[float] = [1.0]\n'

LOOKING = """
# %%
import html, json, os, sys
import matplotlib

print("first", flush=True)  # sent at once
print("last")

# %%
seen = dict(
    cut=cut,
    ticks=ticks,
    folder=os.listdir(),
    escape=html.escape("<"),
    python=sys.executable,
    run=os.environ["ESLD_RUN"],
    started="started_by_the_user" in globals(),
    size=matplotlib.rcParams["font.size"],
    backend=os.environ["MPLBACKEND"],
    threads=os.environ["OPENBLAS_NUM_THREADS"],
)
with open(os.path.join(os.environ["ESLD_RUN"], "seen.json"), "w") as file:
    json.dump(seen, file)
print("Traceback of /home/somebody", file=sys.stderr)
"over"
"""


def notebook_of(executed):
    return nbformat.reads(executed.content.decode(), as_version=4)


def executed_by(started, folder: Path, code: str, name: str = "01_look", **options):
    path = folder / f"{name}.py"
    path.write_text(f"{PARAMETERS}\n{code}", encoding="utf-8")
    scratch = folder / "run"
    scratch.mkdir(exist_ok=True)
    return execute(
        read_chapter(path),
        {"cut": "tiny", "ticks": [0, 0.5]},
        kernel=started.of_run(scratch),
        out=scratch / "out {0} {cut}.ipynb",
        work=scratch / "work",
        **options,
    )


@pytest.fixture(scope="class")
def run():
    """Execute a chapter; the kernels of a class are forked from one parent, as those of a run are."""
    with lean(), kernels() as started:
        yield functools.partial(executed_by, started)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("looking {0}")


@pytest.fixture(scope="module")
def executed(folder):
    """One kernel on a hostile machine: a start-up file, a matplotlibrc, a kernelspec, modules beside it."""
    hostile = folder / "hostile"
    broken = hostile / "jupyter" / "kernels" / "python3"
    broken.mkdir(parents=True)
    spec = {"argv": ["/nowhere/python"], "display_name": "Broken", "language": "python"}
    (broken / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    (hostile / "startup.py").write_text("started_by_the_user = True\n", encoding="utf-8")
    (hostile / "matplotlibrc").write_text("font.size: 99\n", encoding="utf-8")
    for module in ("html", "json"):
        (folder / f"{module}.py").write_text("raise RuntimeError('a stray module')\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_DATA_DIR", str(hostile / "jupyter"))
        patch.setenv("JUPYTER_PATH", str(hostile / "jupyter"))
        patch.setenv("PYTHONSTARTUP", str(hostile / "startup.py"))
        patch.setenv("MATPLOTLIBRC", str(hostile / "matplotlibrc"))
        patch.setenv("OPENBLAS_NUM_THREADS", "7")
        patch.setenv("ESLD_RUN", str(hostile))
        patch.chdir(folder)
        with kernels() as started:
            return executed_by(started, folder, LOOKING)


class TestAKernel:
    def test_it_sees_the_run_and_nothing_of_the_user(self, folder, executed):
        seen = json.loads((folder / "run" / "seen.json").read_text(encoding="utf-8"))
        assert seen == {
            "cut": "tiny",
            "ticks": [0, 0.5],
            "folder": [],
            "escape": "&lt;",
            "python": sys.executable,
            "run": str(folder / "run"),
            "started": False,
            "size": 10.0,  # matplotlib's own
            "backend": "agg",
            "threads": "1",
        }

    def test_stderr_is_kept_apart(self, executed):
        assert executed.stderr == "Traceback of /home/somebody\n"
        assert all("somebody" not in json.dumps(c.outputs) for c in notebook_of(executed).cells)

    def test_stdout_is_one_piece_whenever_it_was_flushed(self, executed):
        printed = next(c for c in notebook_of(executed).cells if "import html" in c.source)
        assert [output.text for output in printed.outputs] == ["first\nlast\n"]

    def test_the_notebook_says_nothing_of_time_and_place(self, folder, executed):
        text = executed.content.decode()
        for trace in (
            str(folder),
            str(Path.home()),
            sys.prefix,
            os.uname().nodename,
            "duration",
            "start_time",
        ):
            assert trace not in text

    def test_the_notebook_says_what_ran(self, folder, executed):
        notebook = notebook_of(executed)
        nbformat.validate(notebook)
        assert notebook.metadata.esld.source == "notebooks/01_look.py"
        assert notebook.metadata.esld.sha256 == executed.source.sha256
        assert notebook.metadata.esld.parameters == {"cut": "tiny", "ticks": [0, 0.5]}
        assert [c.id for c in notebook.cells] == ["cell-001", "cell-002", "cell-003", "cell-004"]
        assert [c.execution_count for c in notebook.cells] == [1, 2, 3, 4]
        assert [c.metadata.tags for c in notebook.cells] == [["parameters"], ["injected-parameters"], [], []]
        assert notebook.cells[3].outputs[0].data["text/plain"] == "'over'"
        assert notebook.cells[3].outputs[0].execution_count == 4

    def test_the_files_beside_the_kernel_are_the_runs_own(self, folder, executed):
        assert (folder / "run" / "out {0} {cut}.ipynb").is_file()


class TestFailure:
    def test_a_failing_cell_is_named_and_the_notebook_kept(self, run, tmp_path):
        with pytest.raises(
            RunError, match=r"^chapter 05_ae: notebooks/05_ae\.py:9: `\{\}\['AVAL'\]`: KeyError: 'AVAL'$"
        ):
            run(tmp_path, "# %% [markdown]\n# Prose.\n\n# %%\n{}['AVAL']\n\n# %%\n1 + 1\n", "05_ae")
        kept = nbformat.read(tmp_path / "run" / "out {0} {cut}.ipynb", as_version=4)
        assert kept.metadata.papermill.input_path == "notebooks/05_ae.py"
        assert "KeyError" in nbformat.writes(kept)

    def test_what_a_chapter_met_is_not_quoted(self, run, tmp_path):
        """Neither where the run tells why it failed nor in the notebook that is kept, though it be coloured."""
        with pytest.raises(RunError, match=f"ValueError: invalid literal .*{HIDDEN}") as caught:
            run(
                tmp_path,
                "# %%\nimport sys\nmet = f'{13812:d}345678?'\nprint(met, file=sys.stderr)\nint(met)\n",
            )
        kept = nbformat.writes(nbformat.read(tmp_path / "run" / "out {0} {cut}.ipynb", as_version=4))
        assert HIDDEN in kept
        assert "13812345678" not in kept + str(caught.value)

    def test_an_error_of_many_lines_is_told_in_one(self, run, tmp_path):
        with pytest.raises(RunError, match=r"py:6: `raise ValueError.*`: ValueError: one two$"):
            run(tmp_path, "# %%\nraise ValueError('one\\n   two')\n")

    @pytest.mark.parametrize(
        ("code", "told"),
        [
            ("import json\n\njson.loads('{')", r"8: `json\.loads\('\{'\)`: JSONDecodeError: Expecting"),
            ("x = 1\ny = (", r"7: `y = \(`: .*SyntaxError: "),
            ("z = dict(\n    a=1,\n    b=1 / 0,\n)", "8: `b=1 / 0,`: ZeroDivisionError: "),
            (
                "def f(a):\n    return a['q']\n\n# %% [markdown]\n# 1\n\n# %%\n2\nf({})",
                r"7: `return a\['q'\]`: KeyError",
            ),
            ("# %%time\ny = 1\n1 / 0", "8: `1 / 0`: ZeroDivisionError"),
            ("# %%capture\ny = 1\n\n1 / 0", "9: `1 / 0`: ZeroDivisionError"),
            ("y = 1\n# %time 1 / 0", "7: `%time 1 / 0`: ZeroDivisionError"),
            ("y = 1\n# %nosuch", "6: `y = 1`: UsageError: Line magic function `%nosuch` not found"),
            ("raise ExceptionGroup('several', [KeyError(1)])", "6: `raise Exc.*`: KeyError: 1"),
            (
                "from esld.errors import InputError\nraise InputError('a', 'must be b')",
                "7: `raise .*`: InputError: a must be b",
            ),
        ],
    )
    def test_the_line_of_the_chapter_that_led_there_is_told(self, run, tmp_path, code, told):
        """Through modules, functions of earlier cells and magics; cells are nowhere counted."""
        with pytest.raises(RunError, match=rf"^chapter 01_look: notebooks/01_look\.py:{told}"):
            run(tmp_path, f"# %%\n{code}\n\n# %%\n1 + 1\n")

    @pytest.mark.parametrize("code", ["raise SystemExit(0)", "raise SystemExit"])
    def test_a_chapter_that_leaves_early_has_failed(self, run, tmp_path, code):
        """For papermill this is success, and the report would lack its end."""
        with pytest.raises(
            RunError, match=r"py:6: `raise SystemExit.*`: the chapter ended before its last cell"
        ):
            run(tmp_path, f"# %%\n{code}\n\n# %%\n1 + 1\n")

    def test_a_tolerated_exception_is_no_result(self, run, tmp_path):
        with pytest.raises(RunError, match="py:6: `1 / 0`: Zero"):
            run(tmp_path, '# %% tags=["raises-exception"]\n1 / 0\n\n# %%\n1 + 1\n')

    def test_a_dying_kernel_is_named(self, run, tmp_path):
        with pytest.raises(RunError, match=r"^chapter 01_look: notebooks/01_look\.py:9: `import os`: .*died"):
            run(tmp_path, "# %%\n1 + 1\n\n# %%\nimport os\nos.kill(os.getpid(), 9)\n")

    def test_a_cell_without_end_is_named(self, run, tmp_path):
        with pytest.raises(
            RunError,
            match=r"^chapter 01_look: notebooks/01_look\.py:9: `while True:`: it took longer than 1 s; --timeout",
        ):
            run(tmp_path, "# %%\n1 + 1\n\n# %%\nwhile True:\n    pass\n", timeout=1)

    def test_a_kernel_that_does_not_start_is_tried_once_more(self, run, tmp_path, monkeypatch):
        start, tried = provisioner.ChapterProvisioner.launch_kernel, []

        async def fails_once(self, cmd, **kwargs):
            tried.append(cmd)
            if len(tried) == 1:
                raise RuntimeError("no port was free")
            return await start(self, cmd, **kwargs)

        monkeypatch.setattr(provisioner.ChapterProvisioner, "launch_kernel", fails_once)
        assert notebook_of(run(tmp_path, "# %%\n1 + 1\n")).cells[2].outputs[0].data["text/plain"] == "2"
        assert len(tried) == 2

    def test_one_that_never_starts_is_told(self, run, tmp_path, monkeypatch):
        async def fails(self, cmd, **kwargs):
            raise RuntimeError("no port\nwas free")

        monkeypatch.setattr(provisioner.ChapterProvisioner, "launch_kernel", fails)
        with pytest.raises(
            RunError, match=r"^the kernel of chapter 01_look did not start: no port was free$"
        ):
            run(tmp_path, "# %%\n1 + 1\n")


class TestEnvironment:
    def test_it_is_restored_whatever_happens_and_nothing_is_left(self, monkeypatch):
        monkeypatch.setenv("PYTHONSTARTUP", "before")
        monkeypatch.delenv("MATPLOTLIBRC", raising=False)
        before = dict(os.environ)
        with pytest.raises(KeyError), lean(), kernels() as started:
            assert os.environ["MATPLOTLIBRC"] == str(started.folder / "matplotlibrc")
            assert os.environ["PYTHONSTARTUP"] == ""
            raise KeyError
        assert dict(os.environ) == before
        assert not started.folder.exists()


class TestPublishedForm:
    @pytest.fixture
    def source(self, tmp_path):
        path = tmp_path / "01_look.py"
        path.write_text(PARAMETERS, encoding="utf-8")
        return read_chapter(path)

    @staticmethod
    def stream(text, name="stdout"):
        return nbformat.v4.new_output("stream", text=text, name=name)

    def test_the_same_content_gives_the_same_bytes(self, source, tmp_path):
        """New ids, clocks and splits of stdout on each execution."""
        written = []
        for pieces in (["a", "b"], ["ab"]):
            cell = nbformat.v4.new_code_cell("print()", outputs=[self.stream(t) for t in pieces])
            cell.metadata["papermill"] = {"start_time": str(written)}
            notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"papermill": {"environment": "x"}})
            notebook, _ = published_form(notebook, source, {"cut": "tiny"})
            written.append(notebook_bytes(notebook))
        assert written[0] == written[1]
        assert b"\r" not in written[0]

    def test_pieces_of_stdout_join_across_stderr_but_not_across_a_figure(self, source):
        figure = nbformat.v4.new_output("display_data", data={"text/plain": "figure"})
        outputs = [
            self.stream("a"),
            self.stream("warning", "stderr"),
            self.stream("b"),
            figure,
            self.stream("c"),
        ]
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=outputs)])
        notebook, stderr = published_form(notebook, source, {})
        kept = [o.get("text") or o.data["text/plain"] for o in notebook.cells[0].outputs]
        assert kept == ["ab", "figure", "c"]
        assert stderr == "warning"

    def test_an_invalid_notebook_is_not_written(self, tmp_path):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
        notebook.cells[0]["outputs"] = [{"output_type": "nonsense"}]
        with pytest.raises(nbformat.ValidationError):
            notebook_bytes(notebook)
