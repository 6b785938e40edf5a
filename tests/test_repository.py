"""The house keeps its own rules: what is committed, what is imported, what can be made."""

import ast
import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from tests import repository
from tests.conftest import FIRST
from tests.examples import COSTLY, OF_MAKE_TEST, few

ROOT = Path(__file__).parents[1]
TESTS = [
    path for path in (ROOT / "tests").rglob("*.py") if "bench" not in path.parts and path != Path(__file__)
]


@pytest.mark.parametrize(
    "path",
    [
        "notebooks/03_survival.ipynb",
        "outputs/our-trial/notebooks/03_survival.ipynb",
        "outputs/demo-final/index.html",
        "outputs/demo-final/tables/os_km.csv",
        "data/lb.csv",
        "params/patients.xlsx",
        "esld/data/LB.XPT",
    ],
)
def test_patients_and_executed_notebooks_are_refused(path):
    assert list(repository.refused([path]))


@pytest.mark.parametrize(
    "path",
    [
        "notebooks/03_survival.py",
        "outputs/demo-final/notebooks/03_survival.ipynb",
        "outputs/demo-final/results.json",
        "esld/data/examples/demo/lb.csv",
        "tests/reference/data/pbc.csv",
    ],
)
def test_chapters_examples_and_the_record_may_be_committed(path):
    assert list(repository.refused([path])) == []


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git checkout")
def test_nothing_tracked_is_refused():
    assert list(repository.refused(repository.tracked())) == []


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git checkout")
def test_a_checkout_has_the_same_bytes_whatever_git_thinks_of_line_ends(tmp_path):
    """What is hashed as an input, the record and the locks; with core.autocrlf=true as Git for Windows sets it."""
    copies = []
    for setting in ("true", "false"):
        copy = tmp_path / setting
        clone = [
            "git",
            "clone",
            "--quiet",
            "--shared",
            "-c",
            f"core.autocrlf={setting}",
            str(ROOT),
            str(copy),
        ]
        subprocess.run(clone, check=True, capture_output=True)
        status = ["git", "-C", str(copy), "status", "--porcelain"]
        assert subprocess.run(status, check=True, capture_output=True, text=True).stdout == ""
        copies.append({p: hashlib.sha256((copy / p).read_bytes()).hexdigest() for p in repository.tracked()})
    assert copies[0] == copies[1]


def test_import_is_cheap():
    """``import esld`` loads none of the heavy libraries; they belong to the modules that need them."""
    heavy = "pandas numpy scipy lifelines seaborn matplotlib papermill jupytext nbconvert pydantic"
    code = f"import sys, esld; print(*[m for m in {heavy!r}.split() if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_makefile_has_the_promised_targets_and_no_other():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    makefile = re.sub(r"^define .*?^endef", "", makefile, flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"^([a-z]+):", makefile, flags=re.MULTILINE)
    assert sorted(targets) == sorted(
        ["report", "test", "lint", "typecheck", "docs", "lab", "bench", "sbom", "soak", "lock"]
    )


def test_the_import_contract_holds():
    """The layers of the house, held by import-linter; here too, so that `make test` alone shows a breach."""
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


class TestTheTests:
    """So that `make test` stays quick and `make soak` whole."""

    def test_the_files_that_come_first_are_there(self):
        assert [name for name in FIRST if not (ROOT / "tests" / name).is_file()] == []

    def test_none_waits_by_sleeping(self):
        """What a chapter under test does, in a text, is its own affair."""
        calls = {
            (path.name, getattr(call.func, "attr", getattr(call.func, "id", "")))
            for path in TESTS
            for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(call, ast.Call)
        }
        assert [name for name, called in calls if called == "sleep"] == []

    def test_none_has_its_own_number_of_examples(self):
        """What `few` does not know of, `make soak` would try on no more than `make test`."""
        naming = {path.name for path in TESTS if "max_examples" in path.read_text(encoding="utf-8")}
        assert naming == {"conftest.py", "examples.py"}

    def test_few_examples_are_forty_times_as_many_in_the_soak(self):
        if settings.default.max_examples == OF_MAKE_TEST:
            assert [few(number).max_examples for number in (4, 60)] == [4, COSTLY]
        with_soak = (
            "from hypothesis import settings; settings.register_profile('soak', max_examples=2000);"
            "settings.load_profile('soak'); from tests.examples import COSTLY, OF_MAKE_TEST, few; print(few(60).max_examples)"
        )
        done = subprocess.run(
            [sys.executable, "-c", with_soak], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert done.stdout == "2400\n"
