"""A tiny working copy that runs in seconds, and the real report of demo-final."""

import csv
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from esld.data.pseudonyms import KEY_FILE
from esld.pipeline import desk, making, reexecution, run
from tests.kernels import end, kernels_once
from tests.loaded import loaded_once
from tests.pipeline import dying_run

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "esld" / "data" / "examples" / "demo"
SUBJECTS = ("001", "002", "004", "005", "006")  # two patients an arm, and 004 who failed screening

CUT = """\
protocol: protocols/trial.yaml
data: data/tiny
cutoff: "2026-03-31"
snapshot: "2026-03-31"
title: Tiny cut
status: draft
view: unblinded
simulated: true
chapters: [01_one, 02_two]
"""

CHAPTER = """\
# %% [markdown]
# # Chapter {name}
#
# ## Question
#
# How many patients?

# %% tags=["parameters"]
cut: str = "tiny"  # id of the data cut
scale: float = 1.0  # factor

# %%
from pandas import DataFrame

from esld.report.cells import Number
from esld.report.chapter import open_chapter
from esld.report.phrases import span
from esld.report.tables import Table

chapter = open_chapter("{slug}", cut=cut)

# %% [markdown]
# ## Result

# %%
value = scale * len(chapter.study.randomised)
counted = chapter.hand_over("{name}", DataFrame([dict(statistic="patients", value=value)]), analysis="FLOW")
print("step", value)

# %%
chapter.table(Table("{name}", "Patients", DataFrame(dict(what=["patients"], n=[Number(value)]))))

# %%
chapter.answer(f"There are {{span(counted.rows[0], f'{{value:.0f}}')}} patients.")
"""


@pytest.fixture(scope="session")
def tiny_template(tmp_path_factory) -> Path:
    """Cut ``tiny``: five subjects of the demonstration trial, the screening visit alone, two small chapters."""
    root = tmp_path_factory.mktemp("tiny-template")
    for folder in ("params/protocols", "notebooks", "data/tiny"):
        (root / folder).mkdir(parents=True)
    shutil.copy(
        ROOT / "params" / "protocols" / "nct06167473.yaml", root / "params" / "protocols" / "trial.yaml"
    )
    (root / "params" / "tiny.yaml").write_text(CUT, encoding="utf-8")
    for slug, name in (("01_one", "one"), ("02_two", "two")):
        text = CHAPTER.format(slug=slug, name=name)
        (root / "notebooks" / f"{slug}.py").write_text(text, encoding="utf-8")
    shutil.copy(EXAMPLE / KEY_FILE, root / "data" / "tiny")
    for source in sorted(EXAMPLE.glob("*.csv")):
        with source.open(encoding="utf-8-sig", newline="") as lines:
            table = csv.DictReader(lines)
            rows = [r for r in table if r["USUBJID"][-3:] in SUBJECTS and float(r.get("VISITNUM") or 0) < 2]
        with (root / "data" / "tiny" / source.name).open("w", encoding="utf-8", newline="") as lines:
            writer = csv.DictWriter(lines, table.fieldnames or [])
            writer.writeheader()
            writer.writerows(rows)
    return root


@pytest.fixture
def working_copy(tiny_template, tmp_path) -> Path:
    """A fresh copy of the tiny working copy, in a folder whose name nobody expects."""
    return Path(shutil.copytree(tiny_template, tmp_path / "our {trial} {0} é"))


@pytest.fixture
def no_kernels(monkeypatch):
    """Chapters hand over an answer without being executed; a study is loaded once from the same inputs."""
    monkeypatch.setattr(desk, "execute", dying_run.fake_execute)
    monkeypatch.setattr(run, "kernels", dying_run.no_kernels)
    monkeypatch.setattr("esld.data.study.load_study", loaded_once)
    monkeypatch.setattr(making, "_check_twice", lambda *_: None)  # of no results, and half of such a run


@pytest.fixture(scope="session", autouse=True)
def one_parent():
    """Runs in this process share the parent of their kernels; a test of its life starts its own."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (run, reexecution):
            patch.setattr(module, "kernels", kernels_once)
        yield
    end()


@pytest.fixture(scope="session")
def published_copy(tiny_template, tmp_path_factory) -> Path:
    """A tiny working copy with its report published; read it, or copy it before changing it."""
    from esld.data.cutfile import read_cut
    from esld.pipeline.run import run_cut

    root = Path(shutil.copytree(tiny_template, tmp_path_factory.mktemp("tiny-published") / "copy"))
    run_cut(read_cut(root / "params" / "tiny.yaml"))
    return root


@pytest.fixture
def own_published_copy(published_copy, tmp_path) -> Path:
    """A published tiny working copy to spoil."""
    return Path(shutil.copytree(published_copy, tmp_path / "published"))


@pytest.fixture(scope="session")
def contents() -> Callable[[Path], dict[str, bytes]]:
    """Every file below a folder, by name, but the one that holds the clock."""

    def read(folder: Path) -> dict[str, bytes]:
        files = (p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "run.json")
        return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}

    return read


@pytest.fixture(scope="session")
def demo_report(published) -> SimpleNamespace:
    """One real run of demo-final.

    Attributes
    ----------
    folder : Path
        The published report; do not change it.
    record : Path
        ``outputs/demo-final`` of the checkout, which may be missing.
    """
    return SimpleNamespace(folder=published("demo-final"), record=ROOT / "outputs" / "demo-final")


@pytest.fixture(scope="module")
def browser():
    """Chromium. One a module: the sync API holds an event loop, which a later run of chapters in the same worker needs."""
    chromium = shutil.which("chromium")
    if chromium is None:
        if os.environ.get("CI"):
            pytest.fail("chromium must be installed where CI is set, got no such program on the path")
        pytest.skip("no chromium on the path")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()
