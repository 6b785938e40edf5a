"""The report of demo-final under a reader's hands: keyboard, paper, mail, a very small phone, the checklist's links."""

import os
import re
import shutil
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag
from docx import Document

from esld.report.dress import bound as bind
from esld.report.passport.leaves import ENDING
from tests.examples import some

FOLD = "details.code > summary"
OPEN_APPENDIX = "document.querySelectorAll('details.appendix').forEach(fold => { fold.open = true })"
# One stop of the Tab key: where it is among all elements, and whether a ring shows around it.
STOP = """() => {
  const here = document.activeElement, style = getComputedStyle(here);
  return {
    place: here === document.body ? -1 : [...document.querySelectorAll("*")].indexOf(here),
    fold: here.matches("details.code > summary"),
    ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    html: here.outerHTML.slice(0, 100),
  };
}"""


@pytest.fixture(scope="module")
def folder(demo_report) -> Path:
    """The published folder; read it only."""
    return demo_report.folder


def soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


class TestKeyboard:
    @pytest.mark.parametrize("name", some(["index", "03_survival", "08_summary"], 3))
    def test_tab_reaches_every_fold_and_the_ring_is_seen(self, browser, folder, name):
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto((folder / f"{name}.html").as_uri())
        page.evaluate(OPEN_APPENDIX)
        stops = {}
        for _ in range(1000):
            page.keyboard.press("Tab")
            stop = page.evaluate(STOP)
            if stop["place"] < 0 or stop["place"] in stops:
                break
            stops[stop["place"]] = stop
        assert [s["html"] for s in stops.values() if not s["ring"]] == []
        assert sum(s["fold"] for s in stops.values()) == page.locator(FOLD).count()
        assert len(stops) > 10
        page.close()

    def test_a_fold_reached_by_tab_says_whether_it_is_open(self, browser, folder):
        """Chromium tells a screen reader so from ``details`` itself; here by what it shows."""
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto((folder / "03_survival.html").as_uri())
        for _ in range(200):
            page.keyboard.press("Tab")
            if page.evaluate(STOP)["fold"]:
                break
        opened = "() => document.activeElement.parentElement.open"
        assert page.evaluate(opened) is False
        page.keyboard.press("Enter")
        assert page.evaluate(opened) is True
        page.keyboard.press("Tab")
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Space")
        assert page.evaluate(opened) is False
        page.close()


def printed(folder: Path) -> list[Path]:
    """Pages that are printed: the whole report, which holds each of them, and under `make soak` each by itself too."""
    return sorted(folder.glob("*.html" if os.environ.get("ESLD_SOAK") else "report.html"))


class TestSmallPhone:
    def test_nothing_scrolls_sideways_at_320_with_every_fold_open(self, browser, folder):
        page = browser.new_page(viewport={"width": 320, "height": 640})
        for path in sorted(folder.glob("*.html")):
            page.goto(path.as_uri())
            page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
            assert page.evaluate("document.documentElement.scrollWidth") <= 320, path.name
        page.close()

    def test_the_checklist_shows_where(self, browser, folder):
        """Its first column holds "1a": it must not take the room of a name."""
        page = browser.new_page(viewport={"width": 360, "height": 800})
        page.goto((folder / "08_summary.html").as_uri())
        page.evaluate(OPEN_APPENDIX)
        first = page.locator("#consort tbody tr:not(.block) > :first-child").first
        assert first.bounding_box()["width"] < 70
        page.close()


class TestPaper:
    def test_no_code_is_printed(self, browser, folder):
        page = browser.new_page()
        page.emulate_media(media="print")
        for path in printed(folder):
            page.goto(path.as_uri())
            hidden = page.locator("details.code, .rail, .turn")
            assert hidden.count() > 0
            assert hidden.evaluate_all("all => all.filter(e => e.getClientRects().length).length") == 0, (
                path.name
            )
        page.close()

    def test_no_table_runs_off_the_sheet_and_no_interval_is_broken(self, browser, folder):
        """A4 less its margins is 170 mm, 642 px wide."""
        page = browser.new_page(viewport={"width": 642, "height": 900})
        page.emulate_media(media="print")
        wide = "all => all.filter(e => e.scrollWidth > e.parentElement.clientWidth + 1).length"
        lines = "all => all.map(e => getComputedStyle(e).whiteSpace)"
        for path in printed(folder):
            page.goto(path.as_uri())
            assert page.locator(".scroll > *").evaluate_all(wide) == 0, path.name
            assert set(page.locator("td.number").evaluate_all(lines)) <= {"nowrap"}, path.name
        page.close()

    def test_a_heading_stays_with_its_rows_and_a_short_table_whole(self, browser, folder):
        page = browser.new_page()
        page.emulate_media(media="print")
        page.goto((folder / "06_safety.html").as_uri())
        after = "e => getComputedStyle(e).breakAfter"
        assert page.locator(".block").first.evaluate(after) == "avoid"
        assert page.locator("tbody:last-child tr:nth-last-child(2)").first.evaluate(after) == "avoid"
        inside = (
            "all => all.map(e => [e.querySelectorAll('tbody tr').length, getComputedStyle(e).breakInside])"
        )
        tables = page.locator("figure.table").evaluate_all(inside)
        assert {rows <= 12 for rows, _ in tables} == {True, False}
        assert all((kept == "avoid") == (rows <= 12) for rows, kept in tables)
        page.close()

    def test_no_figure_is_squashed(self, browser, folder):
        """Each is as high as it is wide by the ratio of its own pixels, within one per cent."""
        page = browser.new_page(viewport={"width": 680, "height": 1000})
        page.emulate_media(media="print")
        ratios = "all => all.map(i => (i.width / i.height) / (i.naturalWidth / i.naturalHeight))"
        for path in printed(folder):
            page.goto(path.as_uri())
            found = page.locator(".picture img").evaluate_all(ratios)
            assert len(found) > 10 or path.name != "report.html"
            assert all(abs(ratio - 1) < 0.01 for ratio in found), path.name
        page.close()


def plain(tag: Tag) -> str:
    return tag.get_text().replace("\N{NO-BREAK SPACE}", " ")


def in_word(folder: Path) -> list[str]:
    paragraphs = Document(folder / "report.docx").paragraphs
    return [paragraph.text.replace("\N{NO-BREAK SPACE}", " ") for paragraph in paragraphs]


class TestCaptions:
    def test_title_and_legend_of_every_figure_stand_beside_it_on_the_page_and_in_word(self, folder):
        """The title is no part of the picture: it stands once."""
        figures = soup(folder / "report.html").select('figure[data-exhibit^="figures/"]')
        said = in_word(folder)
        assert len(figures) > 15
        for figure in figures:
            title = plain(figure.select_one("figcaption .title"))
            assert re.match(r"Figure A?\d+\. \S", title)
            assert title in said
            note = figure.select_one(".notes")
            assert figure["data-exhibit"] == "figures/participant_flow" or plain(note) in said, title

    def test_what_is_not_for_publication_is_said_at_the_head(self, folder):
        (warning,) = (plain(p) for p in soup(folder / "report.html").select("main > p.warning"))
        assert re.search(r"“Patient by patient” \(Figure 1\d, Tables .*not for publication", warning)
        said = in_word(folder)
        assert said.index(warning) < 10


# What of a table cannot be seen without scrolling, and columns whose words touch: of neighbours in a row, the gap in pixels.
HIDDEN = "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.closest('figure').id)"
GAPS = """all => all.flatMap(row => [...row.cells].slice(1).map((cell, n) => {
  const [left, right] = [row.cells[n], cell].map(e => {
    const range = document.createRange(); range.selectNodeContents(e); return range.getBoundingClientRect();
  });
  return left.width && right.width ? right.left - left.right : 99;
}))"""


class TestTables:
    def test_at_a_desk_none_is_cut_and_no_columns_touch(self, browser, folder):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        for name in ("03_survival", "06_safety", "07_patients"):
            page.goto((folder / f"{name}.html").as_uri())
            page.evaluate(OPEN_APPENDIX)
            assert page.locator(".scroll").evaluate_all(HIDDEN) == [], name
            assert min(page.locator(".scroll tbody tr").evaluate_all(GAPS)) >= 5, name
        page.close()

    def test_on_a_phone_every_group_is_seen_and_no_short_table_scrolls(self, browser, folder):
        page = browser.new_page(viewport={"width": 360, "height": 800})
        cut = "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.innerText)"
        for name in ("03_survival", "05_events", "06_safety"):
            page.goto((folder / f"{name}.html").as_uri())
            page.evaluate(OPEN_APPENDIX)
            for table in page.locator(".scroll").evaluate_all(HIDDEN):
                assert page.locator(f"#{table} tbody tr:not(.block)").count() > 40, (name, table)
            assert page.locator("table:is(.stacked, .by-line) :is(td, tbody th)").evaluate_all(cut) == [], (
                name
            )
        page.close()


class TestMail:
    def test_the_whole_report_works_alone_in_an_empty_folder(self, browser, folder, tmp_path):
        alone = Path(shutil.copy(folder / "report.html", tmp_path / "report.html"))
        context = browser.new_context()
        asked: list[str] = []

        def refuse(route):
            if route.request.url == alone.as_uri():
                route.continue_()
            else:
                asked.append(route.request.url)
                route.abort()

        context.route(lambda url: not url.startswith("data:"), refuse)
        page = context.new_page()
        page.goto(alone.as_uri())
        assert page.locator("img").count() > 10
        assert page.evaluate("[...document.images].filter(image => !image.naturalWidth).length") == 0
        assert asked == []
        context.close()


@pytest.fixture(scope="module")
def titles(folder) -> dict[str, str]:
    """Chapters by their titles, as the checklist names them."""
    pages = (path for path in folder.glob("[0-9]*.html") if ENDING not in path.name)
    return {soup(path).h1.get_text(strip=True): path.stem for path in pages}


class TestChecklist:
    def test_each_chapter_named_in_a_table_leads_to_its_page(self, folder, titles):
        page = soup(folder / "08_summary.html")
        named = [(a.get_text(), a["href"]) for a in page.select("#consort td a")]
        assert len(named) > 20
        assert all(href == f"{titles[name]}.html" for name, href in named)

    def test_in_the_whole_report_they_lead_to_the_chapter_on_the_same_page(self, folder, titles):
        page = soup(folder / "report.html")
        links = page.select('[id$="--consort"] td a')
        assert len(links) > 20
        for link in links:
            assert link["href"] == f"#{titles[link.get_text()]}"
            assert page.find(id=titles[link.get_text()]).name == "article"

    def test_a_click_opens_the_chapter(self, browser, folder):
        page = browser.new_page()
        page.goto((folder / "08_summary.html").as_uri())
        page.evaluate(OPEN_APPENDIX)
        page.locator("#consort td a", has_text="Safety").first.click()
        assert page.url == (folder / "06_safety.html").as_uri()
        assert page.locator("h1").inner_text() == "Safety"
        page.close()


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("(95 % CI 1 to 2; p = 0.46)", "(95_%_CI 1 to 2; p_=_0.46)"),
        ("p < 0.001", "p_<_0.001"),
        ("is 2 × 10⁻⁹.", "is 2_×_10⁻⁹."),
        ("n = 9 and map = 3", "n_=_9 and map = 3"),
        ("the mean (n = ", "the mean (n_=_"),
    ],
)
def test_a_line_never_parts_what_belongs_together(text, bound):
    assert bind(text).replace("\N{NO-BREAK SPACE}", "_") == bound
