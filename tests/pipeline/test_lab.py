"""JupyterLab opens chapters as notebooks, writes to scratch, and saving a chapter makes no noise in git."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jupytext
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from esld.data.cutfile import read_cut
from esld.errors import InputError, RefusedError
from esld.pipeline import lab
from esld.pipeline.kernels import CAN_FORK, KernelParent
from esld.pipeline.lab import OVERRIDES, assigns_cut, cut_folders, cut_parameters, lab_environment, not_used
from esld.report.roles import RUN_VARIABLE

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))


@pytest.fixture
def working_copy(tmp_path):
    for part in ("params", "notebooks"):
        shutil.copytree(ROOT / part, tmp_path / "copy" / part)
    return tmp_path / "copy"


def test_one_folder_per_cut_with_links_to_the_one_source(working_copy, tmp_path):
    shown = tmp_path / "cuts"
    for _ in range(2):  # again over the first: brought up to date
        folders, faults = cut_folders(working_copy, shown)
    assert faults == []
    assert [f.name for f in folders] == sorted(p.stem for p in (working_copy / "params").glob("*.yaml"))
    for folder in folders:
        chapters = read_cut(working_copy / "params" / f"{folder.name}.yaml").cut.chapters
        assert [p.stem for p in sorted(folder.glob("*.py"))] == sorted(chapters)
        assert all(p.resolve().parent == (working_copy / "notebooks").resolve() for p in folder.glob("*.py"))


def test_a_faulty_cut_is_told_and_does_not_stop_the_others(working_copy, tmp_path):
    params, shown = working_copy / "params", tmp_path / "cuts"
    (params / "mayo-pbc.yaml").write_text("title: x\n", encoding="utf-8")
    text = (params / "demo-interim.yaml").read_text(encoding="utf-8")
    (params / "demo-interim.yaml").write_text(text.replace("02_baseline", "02_base"), encoding="utf-8")
    folders, faults = cut_folders(working_copy, shown)
    others = {path.stem for path in params.glob("*.yaml")} - {"mayo-pbc"}
    assert [f.name for f in folders] == sorted(others)
    assert not list(shown.glob("*/02_base.py"))  # no link to nowhere
    assert "demo-interim.yaml: no chapter notebooks/02_base.py" in faults
    assert any(fault.startswith("mayo-pbc.yaml: left out: ") for fault in faults)
    assert all("\n" not in fault for fault in faults)


def test_the_folder_of_a_cut_that_is_gone_goes_unless_it_holds_work(working_copy, tmp_path):
    shown = tmp_path / "cuts"
    cut_folders(working_copy, shown)
    (shown / "mayo-pbc" / "tables").mkdir()
    for name in ("mayo-pbc", "demo-interim"):
        (working_copy / "params" / f"{name}.yaml").unlink()
    cut_folders(working_copy, shown)
    assert not (shown / "demo-interim").exists()
    assert sorted(p.name for p in (shown / "mayo-pbc").iterdir()) == ["run.json", "tables"]


def test_new_cuts_and_chapters_come_those_removed_go_and_all_else_stays(working_copy, tmp_path):
    params, shown = working_copy / "params", tmp_path / "cuts"
    cut_folders(working_copy, shown)
    before = {path: path.lstat().st_ino for path in shown.rglob("*")}
    text = (params / "mayo-pbc.yaml").read_text(encoding="utf-8")
    shutil.copy(params / "mayo-pbc.yaml", params / "mayo-later.yaml")
    shutil.copy(working_copy / "notebooks" / "02_baseline.py", working_copy / "notebooks" / "11_mine.py")
    (params / "mayo-pbc.yaml").write_text(text.replace("02_baseline,", "11_mine,", 1), encoding="utf-8")
    (params / "demo-final.yaml").write_text("half writ", encoding="utf-8")
    (params / "demo-interim.yaml").unlink()
    for _ in range(2):
        folders, faults = cut_folders(working_copy, shown)
    assert [fault.partition(":")[0] for fault in faults] == ["demo-final.yaml"]
    assert shown / "mayo-later" in folders
    added = {path.relative_to(shown).as_posix() for path in shown.rglob("*")} - {
        path.relative_to(shown).as_posix() for path in before
    }
    assert {name for name in added if not name.startswith("mayo-later")} == {"mayo-pbc/11_mine.py"}
    gone = {path.relative_to(shown).as_posix() for path in before if not os.path.lexists(path)}
    assert {name for name in gone if not name.startswith("demo-interim/")} == {
        "mayo-pbc/02_baseline.py",
        "demo-interim",
    }
    left = {path: inode for path, inode in before.items() if os.path.lexists(path)}
    assert {path: path.lstat().st_ino for path in left} == left


def test_somebody_s_copy_of_a_chapter_is_not_removed(working_copy, tmp_path):
    shown = tmp_path / "cuts"
    own = shown / "mayo-pbc" / "03_survival.py"
    own.parent.mkdir(parents=True)
    own.write_text("mine", encoding="utf-8")
    _, faults = cut_folders(working_copy, shown)
    assert own.read_text(encoding="utf-8") == "mine"
    assert any("is not a link to notebooks/" in fault for fault in faults)


def test_somebody_s_link_and_somebody_s_report_are_left_alone(working_copy, tmp_path):
    shown = tmp_path / "cuts"
    (tmp_path / "mine.py").write_text("mine", encoding="utf-8")
    (shown / "demo-final").mkdir(parents=True)
    for name in ("03_survival.py", "my_own.py"):
        (shown / "demo-final" / name).symlink_to(tmp_path / "mine.py")
    (shown / "demo-interim").symlink_to(working_copy / "params")
    report = shown / "mayo-pbc"
    report.mkdir()
    record = {"cut": "mayo-pbc", "inputs": {}, "outputs": {}}
    (report / "provenance.json").write_text(json.dumps(record), encoding="utf-8")
    (report / "run.json").write_text("the facts of the run", encoding="utf-8")
    folders, faults = cut_folders(working_copy, shown)
    assert {f.name for f in folders}.isdisjoint({"demo-interim", "mayo-pbc"})
    assert len([fault for fault in faults if "is somebody's link or report" in fault]) == 2
    assert [fault for fault in faults if "03_survival.py is not a link to notebooks/" in fault]
    assert sorted(p.name for p in report.iterdir()) == ["provenance.json", "run.json"]
    assert (report / "run.json").read_text(encoding="utf-8") == "the facts of the run"
    assert not (working_copy / "params" / "run.json").exists()
    for name in ("03_survival.py", "my_own.py"):
        assert (shown / "demo-final" / name).resolve() == (tmp_path / "mine.py").resolve()


def test_links_of_a_working_copy_that_was_moved_are_made_anew(working_copy, tmp_path):
    cut_folders(working_copy, working_copy / "outputs" / "lab")
    moved = working_copy.rename(tmp_path / "moved")
    _, faults = cut_folders(moved, moved / "outputs" / "lab")
    assert faults == []
    link = moved / "outputs" / "lab" / "demo-final" / "03_survival.py"
    assert link.resolve() == (moved / "notebooks" / "03_survival.py").resolve()


def test_a_report_where_the_folders_go_stops_the_lab(working_copy, monkeypatch):
    """As an earlier version published a cut named lab."""
    report = working_copy / "outputs" / "lab"
    report.mkdir(parents=True)
    record = json.dumps({"cut": "lab", "inputs": {}, "outputs": {}})
    (report / "provenance.json").write_text(record, encoding="utf-8")
    monkeypatch.chdir(working_copy)
    monkeypatch.delenv(RUN_VARIABLE, raising=False)
    with pytest.raises(RefusedError, match="lies in the published report"):
        lab.main([])
    assert [p.name for p in report.iterdir()] == ["provenance.json"]


def test_a_kernel_elsewhere_is_left_alone(tmp_path, monkeypatch):
    """A notebook of somebody's own, outside the cuts' folders."""
    environment = os.environ | lab_environment(tmp_path / "lab", tmp_path / "cuts")
    environment |= {"PYTHONPATH": str(ROOT)}
    environment.pop(RUN_VARIABLE, None)
    cells = [
        new_code_cell('cut: str = "a"'),
        new_code_cell("import os; print([cut, os.environ.get('ESLD_RUN')])"),
    ]
    notebook = new_notebook(cells=cells)
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}}).execute(
        env=environment
    )
    assert ast.literal_eval(notebook.cells[-1].outputs[0]["text"]) == ["a", None]


@pytest.mark.slow
@pytest.mark.parametrize("cut", ["mayo-pbc", "demo-interim"])
def test_a_kernel_in_a_cuts_folder_has_the_cuts_parameters(working_copy, tmp_path, cut):
    shown = tmp_path / "cuts"
    cut_folders(working_copy, shown)
    environment = os.environ | lab_environment(tmp_path / "lab", shown)
    environment |= {"JPY_SESSION_NAME": "05_events.py", "PYTHONPATH": str(ROOT)}
    environment.pop(RUN_VARIABLE, None)
    notebook = jupytext.read(working_copy / "notebooks" / "05_events.py")
    cells = [c for c in notebook.cells if c.cell_type == "code"][:2]
    show = "print([cut, ticks, chapter.study.cut.title, str(chapter.scratch)])"
    notebook.cells = [*cells, new_code_cell(show)]
    client = NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(shown / cut)}})
    client.execute(env=environment)
    found = ast.literal_eval(notebook.cells[-1].outputs[0]["text"])
    expected = read_cut(working_copy / "params" / f"{cut}.yaml").cut
    ticks = expected.parameters.get("05_events", {}).get("ticks", [])
    assert found == [cut, ticks, expected.title, str(shown / cut)]


@pytest.mark.skipif(not CAN_FORK, reason="kernels are ordinary processes here")
def test_a_forked_kernel_has_them_too_and_shows_figures_in_place(working_copy, tmp_path, monkeypatch):
    """As `make lab` starts them; a plot that is not handed over is shown by IPython's own backend."""
    shown = tmp_path / "cuts"
    cut_folders(working_copy, shown)
    monkeypatch.delenv("MPLBACKEND", raising=False)
    monkeypatch.delenv(RUN_VARIABLE, raising=False)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("JPY_SESSION_NAME", "05_events.py")
    for name, value in lab_environment(tmp_path / "lab", shown).items():
        monkeypatch.setenv(name, value)
    notebook = jupytext.read(working_copy / "notebooks" / "05_events.py")
    code = [cell for cell in notebook.cells if cell.cell_type == "code"][:2]
    plot = "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"
    asked = "import esld.pipeline.provisioner, os; print([cut, ticks, os.environ.get('ESLD_KERNEL_PARENT')])"
    notebook.cells = [*code, new_code_cell(plot), new_code_cell(asked)]
    with KernelParent(os.environ) as parent:
        client = NotebookClient(
            notebook,
            kernel_name="python3",
            timeout=60,
            resources={"metadata": {"path": str(shown / "mayo-pbc")}},
        )
        client.execute(env=os.environ | parent.variables)
    ticks = read_cut(working_copy / "params" / "mayo-pbc.yaml").cut.parameters["05_events"]["ticks"]
    assert ast.literal_eval(notebook.cells[-1].outputs[0]["text"]) == ["mayo-pbc", ticks, None]
    assert "image/png" in notebook.cells[-2].outputs[0]["data"]


@pytest.mark.parametrize(
    ("source", "is_one"),
    [
        ('cut: str = "a"', True),
        ('x: int = 1\ncut: str = "a"', True),
        ('cut = "a"', True),
        ('x = cut = "a"', True),
        ("print(cut)", False),
        ("cuts = [cut]", False),
        ("x[cut] = 1", False),
        ("%time x", False),
    ],
)
def test_a_cell_that_sets_the_cut_is_known(source, is_one):
    assert assigns_cut(source) is is_one


class TestWhatACutSets:
    """The parameters cell is read as ``esld run`` reads it, and what that refuses is told where the cell was run."""

    CELL = 'cut: str = "demo-final"\nticks: list[float] = []'

    @pytest.fixture
    def folder(self, working_copy, monkeypatch):
        (folder,) = [f for f in cut_folders(working_copy, working_copy / "lab")[0] if f.name == "mayo-pbc"]
        monkeypatch.setenv(RUN_VARIABLE, str(folder))
        return folder

    def test_its_values_and_its_id(self, folder):
        values = cut_parameters(folder, Path("05_events.py"), self.CELL)
        cut = read_cut(ROOT / "params" / "mayo-pbc.yaml").cut
        assert values == {"cut": "mayo-pbc", **cut.parameters["05_events"]}

    @pytest.mark.parametrize(
        ("cell", "own", "fault"),
        [
            ('cut = "demo-final"', "05_events.py", "parameters cell must hold only parameters, got cut = "),
            (f"{CELL}\nprint(cut)", "05_events.py", "parameters cell must hold only parameters"),
            ('cut: str = "demo-final"', "05_events.py", "ticks' is not a parameter of the chapter"),
            (CELL.replace("list[float] = []", 'str = ""'), "05_events.py", "ticks' must be str"),
            (CELL, None, "the chapter's file must be known to its kernel"),
        ],
    )
    def test_faults_are_told(self, folder, cell, own, fault):
        with pytest.raises(InputError) as told:
            cut_parameters(folder, own and Path(own), cell)
        assert fault in str(told.value)

    @pytest.mark.parametrize(("cut", "said"), [
        ("mayo-pbc", ""), ("demo-final", "Open the chapter in the folder demo-final for that cut."),
        ("nowhere", "No cut nowhere is in params/."),
    ])  # fmt: skip
    def test_what_the_cell_sets_in_vain_is_told(self, folder, cut, said):
        cell = self.CELL.replace("demo-final", cut)
        values = cut_parameters(folder, Path("05_events.py"), cell)
        told = not_used({"cut": "mayo-pbc"}, cell, folder)
        assert told == (f"Not used here: cut = {cut!r} of the cell. {said}" if said else "")
        assert not_used(values, cell, folder).endswith("Change params/mayo-pbc.yaml instead.")

    def test_a_kernel_tells_them_and_no_chapter_of_another_cut_opens(self, folder, tmp_path):
        """Without its annotation the cell sets what it says, and that is refused before anything is written."""
        environment = os.environ | lab_environment(tmp_path / "settings", folder.parent)
        environment |= {"JPY_SESSION_NAME": "03_survival.py", "PYTHONPATH": str(ROOT)}
        environment.pop(RUN_VARIABLE)
        opens = "from esld.report.chapter import open_chapter\nopen_chapter('03_survival', cut=cut)"
        notebook = new_notebook(cells=[new_code_cell('cut = "demo-final"'), new_code_cell(opens)])
        before = sorted(folder.iterdir())
        client = NotebookClient(
            notebook, timeout=60, allow_errors=True, resources={"metadata": {"path": str(folder)}}
        )
        client.execute(env=environment)
        assert "must hold only parameters" in notebook.cells[0].outputs[0]["text"]
        assert "must be 'mayo-pbc'" in notebook.cells[1].outputs[-1]["evalue"]
        assert sorted(folder.iterdir()) == before


@pytest.mark.slow
def test_jupyterlab_itself_reads_the_overrides(tmp_path):
    """Asked in a fresh process, as the server does: the default viewer of a Python file is the notebook."""
    environment = os.environ | lab_environment(tmp_path / "scratch", tmp_path / "shown")
    code = (
        "import json; from jupyterlab_server.settings_utils import _get_overrides;"
        "from jupyterlab.labapp import LabApp; print(json.dumps(_get_overrides(LabApp().app_settings_dir)[0]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    for plugin, settings in OVERRIDES.items():
        assert found[plugin].items() >= settings.items()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_saving_a_chapter_unchanged_gives_the_same_bytes(path):
    text = path.read_text(encoding="utf-8")
    notebook = jupytext.reads(text, fmt="py:percent")
    notebook.metadata["language_info"] = {"name": "python", "version": "3.11.7"}  # what a kernel adds
    for cell in notebook.cells:
        cell.metadata["execution"] = {"iopub.status.busy": "2026-01-01T00:00:00Z"}
    assert jupytext.writes(notebook, fmt="py:percent") == text
