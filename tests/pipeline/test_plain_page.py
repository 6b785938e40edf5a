"""The page in plain language of whole reports, and what their Word file and paper say that no result can show."""

import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from docx import Document

from esld.data.cutfile import read_cut
from esld.protocol import read_protocol
from esld.report.passport.leaves import ENDING
from tests.pipeline.conftest import ROOT
from tests.report.readability import easy
from tests.reports import REAL_CUTS

OTHERS = [pytest.param("freireich-6mp", marks=pytest.mark.slow)]
LIMITS = "section.is-what-it-cannot-say"


@pytest.fixture(scope="module", params=(*REAL_CUTS, *OTHERS))
def report(request, published) -> Path:
    """The published folder of a cut; read it only."""
    return published(request.param)


@pytest.fixture(scope="module")
def protocol(report):
    return read_protocol(read_cut(ROOT / "params" / f"{report.name}.yaml").protocol_path)


@pytest.fixture
def lay(report) -> BeautifulSoup:
    """The page of a final analysis; any other has none, and says why."""
    if read_cut(ROOT / "params" / f"{report.name}.yaml").cut.status == "final":
        return main_of(report / "plain.html")
    assert not (report / "plain.html").exists()
    assert "made of the final analysis alone" in words(main_of(report / "index.html").get_text())
    pytest.skip("no final analysis")


def main_of(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").main


def words(text: str) -> str:
    return " ".join(text.split())


def test_it_is_easy_to_read(lay):
    """The whole of it: grade 8 at most by Flesch and Kincaid, and no term of art."""
    texts = [words(one.get_text()) for one in lay.select("article p")]
    assert len(texts) > 8
    easy(texts)


def test_each_section_is_under_one_heading_and_says_something(lay):
    sections = lay.select("article > section")
    assert [one["id"] for one in sections] == ["asked", "who", "found", "safe", "limits", "after"]
    for one in sections:
        assert one.h2.get_text().endswith("?")
        assert one.p.get_text(strip=True)
    assert len(lay.select("h1")) == 1


def test_open_queries_are_told_as_on_the_front_page(report, lay):
    front = words(main_of(report / "index.html").get_text())
    assert ("points to check" in words(lay.get_text())) == ("before database lock" in front)


def test_a_view_that_hides_the_arms_names_none_of_them(report, lay, protocol):
    """But in the trial's own words, which the front page has too."""
    view = read_cut(ROOT / "params" / f"{report.name}.yaml").cut.view
    parts = lay.select("#who p, #found p, #safe p")
    said = " ".join(words(one.get_text()) for one in parts).replace("-", " ").casefold()
    labels = set(protocol.lay.groups.values())
    named = {label for label in labels if f"{label.replace('-', ' ').casefold()} group" in said}
    assert named == (labels if view == "unblinded" else set())


def test_what_no_result_can_show_is_in_word_and_on_the_page_that_is_printed(report, protocol):
    """The protocol's own sentences, and each chapter's end."""
    word = words(" ".join(p.text for p in Document(str(report / "report.docx")).paragraphs))
    whole = main_of(report / "report.html")
    for fold in whole.select("details"):
        fold.decompose()  # paper has none
    paper = words(whole.get_text(" "))
    slugs = [
        path.stem for path in report.glob("*.html") if re.match(r"\d", path.stem) and ENDING not in path.stem
    ]
    sentences = [
        *protocol.cannot_say,
        *(note for slug in slugs for note in protocol.chapter_notes.get(slug, ())),
    ]
    assert sentences
    for slug in slugs:
        own = main_of(report / f"{slug}.html").select(f"{LIMITS} > p")
        assert own, slug
        sentences.append(own[0].find(string=True))
    for sentence in map(words, sentences):
        assert sentence in word, sentence
        assert sentence in paper, sentence


@pytest.mark.slow
def test_on_paper_it_is_not_hidden(browser, demo_report):
    page = browser.new_page()
    page.emulate_media(media="print")
    page.goto((demo_report.folder / "report.html").as_uri())
    shown = page.locator(LIMITS).evaluate_all("all => all.map(e => e.getClientRects().length > 0)")
    assert len(shown) == 12  # chapters
    assert all(shown)
    page.close()
