"""The flow diagram on the index: both drawings in the page itself, the words beside them, and nothing without it."""

import base64

import pytest
from bs4 import BeautifulSoup

from esld.pipeline.render import Diagram, Masthead, Report, render

WIDE, NARROW = '<svg id="wide">\N{EN DASH}</svg>', '<svg id="narrow"/>'


def index_of(folder, diagram):
    mast = Masthead("T", "Title", "cut", "Cut", "2026-03-31", "draft", "unblinded", simulated=True)
    render(Report(mast, "Question?", "Answer.", (), (), (), (), diagram=diagram), folder)
    return BeautifulSoup((folder / "index.html").read_text(encoding="utf-8"), "html.parser")


def svg_in(address: str) -> str:
    start, content = address.split(",", 1)
    assert start == "data:image/svg+xml;base64"
    return base64.b64decode(content).decode()


def test_page_and_paper_get_the_wide_one_and_a_phone_the_narrow_one(tmp_path):
    soup = index_of(tmp_path, Diagram(WIDE, NARROW, 'Of 27 & "five"', "A note <not markup>."))
    section = soup.select_one("#participants")
    assert svg_in(section.img["src"]) == WIDE
    assert section.img["alt"] == 'Of 27 & "five"'
    assert svg_in(section.source["srcset"]) == NARROW
    assert section.source["media"] == "screen and (max-width: 699px)"
    assert section.select_one("p").get_text() == "A note <not markup>."


def test_without_a_note_there_is_no_empty_paragraph(tmp_path):
    assert index_of(tmp_path, Diagram(WIDE, NARROW, "Alt")).select_one("#participants p") is None


@pytest.mark.parametrize("page", ["index", "report"])
def test_without_counts_there_is_no_section(tmp_path, page):
    index_of(tmp_path, None)
    assert "participants" not in (tmp_path / f"{page}.html").read_text(encoding="utf-8").split("</style>")[1]
