"""A run's folder holds one cut's results, and a chapter opens itself: nothing is written where it does not belong."""

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from esld.data.cutfile import read_cut
from esld.errors import InputError
from esld.pipeline.kernels import kernels
from esld.report.chapter import open_chapter
from esld.report.roles import RUN_FILE, RUN_VARIABLE, SESSION_VARIABLE, WORK
from esld.report.run_folder import own_file, prepare_run_folder, refuse_another_chapter, run_folder

ROOT = Path(__file__).parents[2]
CUT = "demo-final"
CUTS = sorted(path.stem for path in (ROOT / "params").glob("*.yaml"))
SLUGS = st.sampled_from(
    [*(path.stem for path in (ROOT / "notebooks").glob("*.py")), "11_mine", "03_survival-Copy1", "mine"]
)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The folder of a run of demo-final, which ``ESLD_RUN`` names."""
    folder = tmp_path / "run"
    prepare_run_folder(folder, read_cut(ROOT / "params" / f"{CUT}.yaml"))
    monkeypatch.setenv(RUN_VARIABLE, str(folder))
    monkeypatch.delenv(SESSION_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    return folder


def test_the_record_of_a_run_names_its_cut(run):
    assert json.loads((run / RUN_FILE).read_text(encoding="utf-8"))["cut"] == CUT
    assert (run_folder().cut, run_folder().params, run_folder().of_cut(CUT)) == (CUT, ROOT / "params", run)


@pytest.mark.parametrize("cut", [*sorted(set(CUTS) - {CUT}), "", "demo-Final", "no-such-cut"])
def test_another_cut_is_refused_before_anything_is_written(run, cut):
    with pytest.raises(InputError, match=rf"^cut of open_chapter must be '{CUT}', .*parameters cell"):
        open_chapter("03_survival", cut=cut)
    assert [path.name for path in run.iterdir()] == [RUN_FILE]


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{}", '{"params": "params"}', '{"params": 1, "cut": "a"}']
)
def test_a_record_that_names_no_cut_is_none(run, text):
    (run / RUN_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"ESLD_RUN must name a folder with run\.json"):
        run_folder()


def test_of_another_cut_its_place_is_told_or_that_there_is_none(run):
    with pytest.raises(InputError, match=r"of 'mayo-pbc': open it in outputs/lab/mayo-pbc\."):
        run_folder().of_cut("mayo-pbc")
    with pytest.raises(InputError, match=r"of 'mayo': there is no such cut in params/\."):
        run_folder().of_cut("mayo")


@pytest.mark.parametrize("cut", ["nowhere", "params/mayo-pbc.yaml", "", "../mayo-pbc"])
def test_outside_a_run_a_cut_that_is_none_is_refused_before_anything_is_made(tmp_path, monkeypatch, cut):
    monkeypatch.delenv(RUN_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    for name in ("params", "notebooks"):
        (tmp_path / name).mkdir()
    (tmp_path / "params" / "mayo-pbc.yaml").touch()
    with pytest.raises(InputError, match=r"^cut of open_chapter must be a cut of params/, got .*mayo-pbc"):
        open_chapter("11_mine", cut=cut)
    assert not (tmp_path / "outputs").exists()


def test_a_chapter_of_plain_python_finds_its_own_working_copy(tmp_path, monkeypatch):
    """Wherever it is started, another working copy included."""
    monkeypatch.delenv(RUN_VARIABLE, raising=False)
    monkeypatch.chdir(ROOT)
    for name in ("params", "notebooks"):
        (tmp_path / name).mkdir()
    _as_a_program(tmp_path, "11_mine", monkeypatch)
    assert run_folder().params == tmp_path.resolve() / "params"


def test_outside_a_run_each_cut_has_a_folder_of_its_own(monkeypatch):
    monkeypatch.delenv(RUN_VARIABLE, raising=False)
    monkeypatch.chdir(ROOT)
    assert [run_folder().of_cut(cut).name for cut in CUTS] == CUTS


def _in_a_kernel_of_the_pipeline(folder, slug, patch):
    (folder / WORK / slug).mkdir(parents=True, exist_ok=True)
    patch.chdir(folder / WORK / slug)


def _in_a_kernel_of_jupyter(folder, slug, patch):
    (folder / f"{slug}.py").touch()
    patch.setenv(SESSION_VARIABLE, str(folder / f"{slug}.py"))


def _in_a_kernel_started_beside_it(folder, slug, patch):
    (folder / f"{slug}.ipynb").touch()
    patch.chdir(folder)
    patch.setenv(SESSION_VARIABLE, f"{slug}.ipynb")


def _as_a_program(folder, slug, patch):
    patch.setitem(sys.modules, "__main__", SimpleNamespace(__file__=str(folder / "notebooks" / f"{slug}.py")))


@pytest.mark.parametrize(
    "way",
    [
        _in_a_kernel_of_the_pipeline,
        _in_a_kernel_of_jupyter,
        _in_a_kernel_started_beside_it,
        _as_a_program,
    ],
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(own=SLUGS, name=SLUGS)
def test_a_chapter_is_opened_by_the_name_of_its_file_and_by_no_other(run, way, own, name):
    with pytest.MonkeyPatch.context() as patch:
        way(run, own, patch)
        refuse_another_chapter(own, run)
        if name != own:
            with pytest.raises(InputError, match=rf"must be '{own}'.*Write open_chapter\('{own}', cut=cut\)"):
                refuse_another_chapter(name, run)


@pytest.mark.parametrize(
    "session", ["", "Console 1", "/gone/03_survival.py", "03_renamed.ipynb", ".", "notes.txt"]
)
def test_a_kernel_that_is_not_told_its_notebook_does_not_guess(run, monkeypatch, session):
    Path("notes.txt").touch()
    monkeypatch.setenv(SESSION_VARIABLE, session)
    assert own_file(run) is None


def test_kernels_of_a_command_are_not_for_the_notebook_that_gave_it(run, monkeypatch):
    """As ``!esld run`` in a cell."""
    _in_a_kernel_of_jupyter(run, "03_survival", monkeypatch)
    monkeypatch.setattr("esld.pipeline.kernels.KernelParent.__enter__", lambda parent: parent)
    assert own_file(run) is not None
    with kernels():
        assert (os.environ[SESSION_VARIABLE], own_file(run)) == ("", None)
