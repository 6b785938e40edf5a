"""JupyterLab in a real browser: a chapter opened in two tabs, edited and saved in the first, loses nothing."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from esld.pipeline.lab import OVERRIDES, cut_folders, lab_environment
from esld.report.roles import RUN_VARIABLE

ROOT = Path(__file__).parents[2]
INTERVAL = 2  # seconds, in place of two minutes, if somebody switches autosave on
SOURCE = "notebooks/03_survival.py"
WORK = "Work of the first tab."


@pytest.fixture
def working_copy(tmp_path):
    for part in ("params", "notebooks"):
        shutil.copytree(ROOT / part, tmp_path / "copy" / part)
    return tmp_path / "copy"


@pytest.fixture
def server(working_copy, tmp_path):
    """JupyterLab as `make lab` starts it, with settings of its own; address of a chapter by workspace."""
    shown = working_copy / "outputs" / "lab"
    cut_folders(working_copy, shown)
    own = {
        name: str(tmp_path / name.lower())
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")
    }
    environment = os.environ | lab_environment(tmp_path / "lab", shown) | own | {"PYTHONPATH": str(ROOT)}
    environment.pop(RUN_VARIABLE, None)
    plugin = "@jupyterlab/docmanager-extension:plugin"
    settings = OVERRIDES | {plugin: {**OVERRIDES[plugin], "autosaveInterval": INTERVAL}}
    file = tmp_path / "lab" / "jupyter-config" / "labconfig" / "default_setting_overrides.json"
    file.write_text(json.dumps(settings), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(8)
    command = [sys.executable, "-m", "jupyter", "lab", f"--ServerApp.root_dir={working_copy}", "--no-browser"]
    command += ["--allow-root", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    running = subprocess.Popen(
        [*command, f"--IdentityProvider.token={token}"], env=environment, stderr=subprocess.PIPE, text=True
    )
    ready = threading.Event()
    reading = threading.Thread(target=_follow, args=(running.stderr, ready))
    reading.start()
    try:
        assert ready.wait(timeout=60), "JupyterLab must answer within a minute"
        tree = "tree/outputs/lab/demo-final/03_survival.py"
        yield lambda space: f"http://127.0.0.1:{port}/lab/workspaces/{space}/{tree}?token={token}"
    finally:
        running.terminate()
        running.wait(timeout=30)
        reading.join(timeout=30)
        running.stderr.close()


def _follow(lines, ready) -> None:
    """Read what the server says to its end, so that it never waits for a reader."""
    for line in lines:
        if "is running at" in line:
            ready.set()


def opened(browser, address):
    page = browser.new_page()
    page.goto(address)
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    idle = "document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status === 'idle'"
    page.wait_for_function(idle, timeout=60_000)  # the kernel has said what it is
    return page


def is_clean(page) -> bool:
    """No mark of a change at any tab, and no dialog."""
    return page.locator(".jp-mod-dirty").count() == 0 and page.locator(".jp-Dialog").count() == 0


@pytest.mark.slow
def test_a_second_tab_is_clean_and_what_the_first_one_saves_stays(browser, server, working_copy):
    source = working_copy / SOURCE
    before = source.read_text(encoding="utf-8")
    first, second = (opened(browser, server(space)) for space in ("one", "two"))
    second.wait_for_timeout(1000)  # here and below: what must not happen can only be waited for
    assert is_clean(first)
    assert is_clean(second)
    first.bring_to_front()
    cell = first.locator(".jp-Notebook .jp-MarkdownCell").first
    cell.dblclick()
    cell.locator(".cm-content").click()  # waits for the editor: keys before it are commands
    first.keyboard.type(WORK)
    with first.expect_response(lambda answer: answer.request.method == "PUT", timeout=20_000):
        first.keyboard.press("Control+s")
    saved = source.read_text(encoding="utf-8")
    assert saved != before
    assert saved.replace(WORK, "") == before
    first.wait_for_timeout(2500 * INTERVAL)
    assert source.read_text(encoding="utf-8") == saved
    assert is_clean(first)
    assert is_clean(second)
