"""JupyterLab opens chapters as notebooks, writes to scratch, and saving a chapter makes no noise in git."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jupytext
import pytest

from esld.pipeline.lab import OVERRIDES, lab_environment
from esld.report.chapter import RUN_VARIABLE, run_folder

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.py"))


def test_the_environment_points_chapters_and_settings_at_scratch(tmp_path, monkeypatch):
    params = tmp_path / "params"
    environment = lab_environment(tmp_path / "scratch", params)
    monkeypatch.setenv(RUN_VARIABLE, environment[RUN_VARIABLE])
    assert run_folder().scratch == tmp_path / "scratch"
    assert run_folder().params == params
    assert Path(environment["JUPYTER_CONFIG_PATH"]).is_relative_to(tmp_path / "scratch")


def test_jupyterlab_itself_reads_the_overrides(tmp_path):
    """Asked in a fresh process, as the server does: the default viewer of a Python file is the notebook."""
    environment = os.environ | lab_environment(tmp_path / "scratch", tmp_path / "params")
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
