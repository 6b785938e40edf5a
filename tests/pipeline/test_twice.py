"""Double programming in a run: asked of every cut, whether or not the chapter that shows it is one of its chapters."""

import json
from types import SimpleNamespace

import pytest

from esld.data.cutfile import read_cut
from esld.data.study import load_study
from esld.errors import RunError
from esld.pipeline import making
from tests.report.builders import ROOT

RECORD = json.loads((ROOT / "outputs" / "demo-final" / "results.json").read_text(encoding="utf-8"))
SURVIVAL = [row for row in RECORD if row["chapter"] == "03_survival"]


@pytest.fixture(scope="module")
def study():
    return load_study(read_cut(ROOT / "params" / "demo-final.yaml"))


@pytest.fixture
def scratch(tmp_path):
    """``scratch(rows)``: a run's folder in which the survival chapter handed over these rows."""
    (tmp_path / "chapters").mkdir()

    def write(rows):
        content = {"answer": "", "files": {}, "exhibits": {}, "appendix": [], "rows": rows}
        (tmp_path / "chapters" / "03_survival.json").write_text(json.dumps(content), encoding="utf-8")
        return tmp_path

    return write


def chapters(*slugs):
    return [SimpleNamespace(slug=slug) for slug in slugs]


def test_what_agrees_passes(study, scratch):
    making._check_twice(scratch(SURVIVAL), study, chapters("03_survival"))


def test_a_wrong_number_fails_the_run_by_name(study, scratch):
    wrong = [
        r | {"value": r["value"] + 0.001} if r["result_id"] == "os_logrank.chisq" else r for r in SURVIVAL
    ]
    with pytest.raises(RunError, match=r"os_logrank\.chisq"):
        making._check_twice(scratch(wrong), study, chapters("03_survival"))


def test_the_chapter_that_shows_it_asks_itself(study, scratch):
    wrong = [r | {"value": 0.5} if r["result_id"] == "os_logrank.chisq" else r for r in SURVIVAL]
    making._check_twice(scratch(wrong), study, chapters("03_survival", "90_validation"))
