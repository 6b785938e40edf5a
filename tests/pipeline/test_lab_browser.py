"""JupyterLab in a real browser: a source changes by what was typed, the cut is seen, no data go to another cut."""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from esld.pipeline.lab import OVERRIDES, SHOWN, cut_folders, lab_environment
from esld.report.roles import RUN_VARIABLE

pytestmark = pytest.mark.slow
PlaywrightError = pytest.importorskip("playwright.sync_api").Error

ROOT = Path(__file__).parents[2]
INTERVAL = 2  # seconds, in place of two minutes, if somebody switches autosave on
SOURCE = "notebooks/03_survival.py"
WORK = "Of these 37 fared well."


@pytest.fixture(scope="module")
def working_copy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab") / "copy"
    for part in ("params", "notebooks"):
        shutil.copytree(ROOT / part, folder / part)
    return folder


@pytest.fixture(scope="module")
def server(working_copy):
    """JupyterLab as `make lab` starts it, with settings of its own; address of a place in the lab by workspace."""
    shown, tmp_path = working_copy / SHOWN, working_copy.parent
    cut_folders(working_copy, shown)
    own = {
        name: str(tmp_path / name.lower())
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")
    }
    environment = os.environ | lab_environment(tmp_path / "lab", shown) | own | {"PYTHONPATH": str(ROOT)}
    environment.pop(RUN_VARIABLE, None)
    environment.pop("MPLBACKEND", None)  # that of the tests shows nothing
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
        start = f"http://127.0.0.1:{port}/lab/workspaces"
        yield lambda space, place: f"{start}/{space}/tree/{SHOWN}/{place}?token={token}"
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


def save(page):
    """Save the notebook; what JupyterLab keeps of its own windows is sent in the same way."""
    with page.expect_response(
        lambda answer: answer.request.method == "PUT" and "/api/contents/" in answer.url, timeout=60_000
    ):
        page.keyboard.press("Control+s")


def is_clean(page) -> bool:
    """No mark of a change at any tab, and no dialog."""
    return page.locator(".jp-mod-dirty").count() == 0 and page.locator(".jp-Dialog").count() == 0


def test_a_second_tab_is_clean_and_what_the_first_one_saves_stays(browser, server, working_copy):
    source = working_copy / SOURCE
    before = source.read_text(encoding="utf-8")
    first, second = (opened(browser, server(space, "demo-final/03_survival.py")) for space in ("one", "two"))
    second.wait_for_timeout(1000)  # here and below: what must not happen can only be waited for
    assert is_clean(first)
    assert is_clean(second)
    first.bring_to_front()
    cell = first.locator(".jp-Notebook .jp-MarkdownCell").nth(1)  # the first one is in no source
    cell.dblclick()
    cell.locator(".cm-content").click()  # waits for the editor: keys before it are commands
    first.keyboard.type(WORK)
    save(first)
    saved = source.read_text(encoding="utf-8")
    assert saved != before
    assert saved.replace(WORK, "") == before
    first.wait_for_timeout(2500 * INTERVAL)
    assert source.read_text(encoding="utf-8") == saved
    assert is_clean(first)
    assert is_clean(second)
    command = [sys.executable, "-m", "esld.cli", "run", "params/demo-final.yaml", "--chapter", "03_survival"]
    done = subprocess.run(
        command,
        cwd=working_copy,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    line = saved[: saved.index(WORK)].count("\n") + 1
    assert re.search(rf"notebooks/03_survival\.py:{line}: .*\b37 is tied to no result", done.stderr), (
        done.stderr
    )


PLOT = 'import seaborn as sns\n\nsns.stripplot(data=chapter.study.adsl, x="TRT01P", y="AGE", hue="TRT01P")'


def code_cell(page, number):
    return page.locator(".jp-Notebook .jp-CodeCell").nth(number)


def run(page, number, shows):
    """Run a code cell and wait for what it shows; the next cell is selected."""
    cell = code_cell(page, number)
    begin(page, cell)
    try:
        cell.locator(".jp-OutputArea-output", has_text=shows).first.wait_for(timeout=120_000)
    except PlaywrightError as error:  # what it shows instead says why
        error.add_note(f"the cell shows: {cell.inner_text()}")
        raise


def begin(page, cell):
    """Run a cell that has not run: a key that JupyterLab does not hear yet, while it is still loading, is pressed again."""
    for _ in range(12):
        cell.locator(".cm-content").click()
        page.keyboard.press("Shift+Enter")
        with suppress(PlaywrightError):
            cell.locator(".jp-InputPrompt", has_text=re.compile(r"\[(\*|\d+)\]")).first.wait_for(
                timeout=10_000
            )
            return


def first_cell(page, says):
    """The first cell, as soon as it says something."""
    cell = page.locator(".jp-Notebook .jp-Cell").first
    cell.locator("p", has_text=says).first.wait_for(timeout=60_000)
    return cell


def test_a_plain_figure_is_shown_and_its_cell_is_all_that_the_source_gains(browser, server, working_copy):
    """Under a cut whose name the cell of parameters does not hold."""
    source = working_copy / "notebooks" / "02_baseline.py"
    before = source.read_text(encoding="utf-8")
    page = opened(browser, server("figure", "mayo-pbc/02_baseline.py"))
    first_cell(page, "mayo-pbc · ")
    run(page, 0, "From mayo-pbc.yaml: cut = 'mayo-pbc'")
    page.keyboard.press("b")  # below the cell that opens the chapter
    opens, plot = code_cell(page, 1), code_cell(page, 2)
    begin(page, opens)
    plot.locator(".cm-content").click()
    page.keyboard.insert_text(PLOT)
    page.keyboard.press("Shift+Enter")
    plot.locator(".jp-OutputArea-output img").wait_for(timeout=120_000)
    save(page)
    saved = source.read_text(encoding="utf-8")
    assert saved != before
    assert saved.replace(f"# %%\n{PLOT}\n\n", "", 1) == before
    assert {path.name for path in (working_copy / SHOWN / "mayo-pbc").iterdir()} >= {"tables", "figures"}


def test_no_data_of_another_cut_go_into_a_cut_s_folder(browser, server, working_copy):
    """A cell of parameters that lost its annotation; a notebook of another cut is open beside it."""
    folder = working_copy / SHOWN / "freireich-6mp"
    before = {path.name for path in folder.iterdir()}
    page = opened(browser, server("refused", "freireich-6mp/03_survival.py"))
    first_cell(page, "freireich-6mp · ")
    code_cell(page, 0).locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text('cut = "demo-final"')
    run(page, 0, "parameters cell must hold only parameters")
    run(page, 1, "cut of open_chapter must be 'freireich-6mp'")
    assert {path.name for path in folder.iterdir()} - {".ipynb_checkpoints"} == before


def test_the_cut_file_is_a_click_away_and_new_cuts_are_listed_without_a_restart(
    browser, server, working_copy
):
    page = opened(browser, server("list", "mayo-pbc/03_survival.py"))
    first_cell(page, "mayo-pbc").locator("a", has_text="params/mayo-pbc.yaml").first.click()
    page.locator(".jp-FileEditor", has_text="mayo").first.wait_for(timeout=20_000)
    page.goto(server("list", ""))
    items = page.locator(".jp-DirListing-item")
    items.filter(has_text="mayo-pbc").first.wait_for(timeout=60_000)
    assert items.filter(has_text="mayo-later").count() == 0
    shutil.copy(working_copy / "params" / "mayo-pbc.yaml", working_copy / "params" / "mayo-later.yaml")
    page.locator('[data-command="filebrowser:refresh"]').first.click()
    items.filter(has_text="mayo-later").first.wait_for(timeout=20_000)
