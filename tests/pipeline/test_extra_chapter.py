"""An analyst's own chapter runs with the others, and the report says that nobody had planned it."""

import shutil

import pytest
from bs4 import BeautifulSoup

from esld.data.cutfile import read_cut
from esld.errors import InputError
from esld.pipeline.run import run_cut
from tests.pipeline.conftest import ROOT


@pytest.fixture
def with_own_chapter(working_copy):
    """The tiny trial with the real summary and a chapter whose analysis the protocol does not know."""
    notebooks = working_copy / "notebooks"
    shutil.copy(ROOT / "notebooks" / "08_summary.py", notebooks)
    text = (notebooks / "01_one.py").read_text(encoding="utf-8")
    text = (
        text.replace("01_one", "50_mine")
        .replace('"one"', '"mine"')
        .replace("Chapter one", "Infusions and weather")
    )
    assert 'analysis="FLOW"' in text
    (notebooks / "50_mine.py").write_text(
        text.replace('analysis="FLOW"', 'analysis="WEATHER"'), encoding="utf-8"
    )
    cut = working_copy / "params" / "tiny.yaml"
    chapters = cut.read_text(encoding="utf-8").replace("[01_one, 02_two]", "[01_one, 08_summary, 50_mine]")
    cut.write_text(chapters, encoding="utf-8")
    return cut


def test_it_runs_and_is_listed_as_not_planned(with_own_chapter):
    folder = run_cut(read_cut(with_own_chapter)).index.parent
    index, summary = (
        BeautifulSoup((folder / f"{name}.html").read_text(encoding="utf-8"), "html.parser").main.get_text(" ")
        for name in ("index", "08_summary")
    )
    assert "Infusions and weather" in index
    assert "mine" in (folder / "tables" / "mine.csv").name
    (said,) = {line for line in summary.splitlines() if "WEATHER" in line}
    assert "does not list" in said


@pytest.mark.slow
def test_a_planned_one_is_not(with_own_chapter):
    cut = with_own_chapter
    own = cut.parent.parent / "notebooks" / "50_mine.py"
    own.write_text(own.read_text(encoding="utf-8").replace("WEATHER", "FLOW"), encoding="utf-8")
    folder = run_cut(read_cut(cut)).index.parent
    page = BeautifulSoup((folder / "08_summary.html").read_text(encoding="utf-8"), "html.parser")
    assert "no analysis of the trial that the protocol file does not list" in " ".join(
        page.main.get_text(" ").split()
    )


def test_one_that_is_not_there_is_a_users_mistake(with_own_chapter):
    (with_own_chapter.parent.parent / "notebooks" / "50_mine.py").unlink()
    with pytest.raises(InputError, match="chapters must name files of notebooks/, got 50_mine"):
        run_cut(read_cut(with_own_chapter))
