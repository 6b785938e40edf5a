"""The reports of the real cuts, as a reader meets them: whole, offline, on a phone, by keyboard, for who cannot see."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from docx import Document
from docx.oxml.ns import qn

from esld.report.passport.leaves import ENDING
from tests.reports import REAL_CUTS, pages_of


@pytest.fixture(scope="module", params=REAL_CUTS)
def report(request, published) -> Path:
    """The published folder of a cut; read it only."""
    return published(request.param)


@pytest.fixture(scope="module")
def pages(report) -> dict[str, BeautifulSoup]:
    return {
        path.name: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in sorted(report.glob("*.html"))
    }


class TestWhole:
    @pytest.mark.always
    def test_every_chapter_has_its_page_and_its_answer(self, pages, report):
        assert set(pages) == {f"{name}.html" for name in pages_of(report)}
        listed = pages["index.html"].select("#chapters li, #chapters article, #chapters > *")
        assert listed
        for name, page in pages.items():
            if name not in ("index.html", "plain.html", "report.html") and ENDING not in name:
                assert page.select_one(".answer").get_text(strip=True), name

    def test_nothing_is_empty(self, pages):
        """A heading is followed by something, a table has rows, a figure a picture with words, a paragraph text."""
        for name, page in pages.items():
            main = page.main
            for heading in main.find_all(["h1", "h2", "h3"]):
                after = heading.find_next(
                    ["h1", "h2", "h3", "p", "table", "figure", "ul", "ol", "dl", "details"]
                )
                deeper = after is not None and after.name in ("h2", "h3") and after.name > heading.name
                said = f"{name}: {heading.get_text(strip=True)}"
                assert after is not None, said
                assert deeper or after.name not in ("h1", "h2", "h3"), said
            for table in main.find_all("table"):
                assert len(table.select("tbody tr")) > 0, name
            for image in main.find_all("img"):
                assert len(image.get("alt", "")) > 20, name
            for paragraph in main.find_all("p"):
                assert paragraph.get_text(strip=True) or paragraph.find("img"), (
                    name,
                    str(paragraph.parent)[:200],
                )

    def test_no_placeholder_shows(self, pages):
        for name, page in pages.items():
            for code in page.select("pre, style, script"):
                code.decompose()
            text = page.get_text(" ")
            for trace in (
                r"\bnan\b",
                r"\bNaN\b",
                r"\bNone of None\b",
                r"<NA>",
                r"\bNaT\b",
                r"Traceback",
                r"\{[a-z_]+\}",
            ):
                assert not re.search(trace, text), (name, trace, re.search(f".{{40}}{trace}.{{40}}", text))

    def test_word_names_a_chapter_by_its_title(self, report):
        cells = Document(str(report / "report.docx")).element.body.iter(qn("w:tc"))
        slugs = {path.stem for path in (report / "notebooks").glob("*.ipynb")}
        assert not slugs & {"".join(text.text or "" for text in cell.iter(qn("w:t"))) for cell in cells}


class TestOffline:
    @pytest.mark.always
    def test_every_link_and_download_arrives(self, report, pages):
        there = {name: {tag["id"] for tag in page.find_all(id=True)} for name, page in pages.items()}
        for name, page in pages.items():
            addresses = {tag.get("href") or tag.get("src") for tag in page.select("[href], [src]")}
            for address in (a for a in addresses if not a.startswith("data:")):
                parts = urlsplit(address)
                assert not parts.scheme and not parts.netloc, (name, address)
                target = report / (unquote(parts.path) or name)
                assert target.is_file(), (name, address)
                if parts.fragment and target.suffix == ".html":
                    assert unquote(parts.fragment) in there[target.name], (name, address)

    def test_the_whole_report_stands_alone(self, pages):
        """It is sent by mail, without the folder."""
        for tag in pages["report.html"].select("[href], [src]"):
            assert (tag.get("href") or tag.get("src")).startswith(("#", "data:"))

    def test_every_published_file_can_be_reached(self, report, pages):
        """What is handed out is linked; the record of the run and the chapters' notebooks are named by the pages."""
        linked = {
            unquote(urlsplit(tag["href"]).path) for page in pages.values() for tag in page.select("[href]")
        }
        for path in (p for p in report.rglob("*") if p.is_file()):
            name = path.relative_to(report).as_posix()
            if name.startswith("tables/") or path.suffix in (".html", ".docx"):
                assert name in linked, name


# Marks every element of which an earlier one has the same colours, sizes and place, as all that it holds has, and hides it.
HIDE_THE_LIKE = """() => {
  const seen = new Map(), kind = new Map();
  const like = (element) => {
    const look = getComputedStyle(element);
    const own = ["color", "backgroundColor", "backgroundImage", "opacity", "fontSize", "fontWeight", "textShadow",
      "display", "visibility", "position", "overflowX"].map((name) => look[name]);
    const path = [kind.get(element.parentElement), element.tagName, element.getAttribute("class"), ...own].join("|");
    const before = seen.has(path);
    if (!before) seen.set(path, seen.size);
    kind.set(element, seen.get(path));
    const all = before & [...element.children].map(like).every(Boolean);
    if (all) element.classList.add("like-another");
    return all;
  };
  like(document.body);
  document.head.insertAdjacentHTML("beforeend", "<style>.like-another { display: none !important }</style>");
}"""
COLOURS = "color-contrast"


def violations(page, *, but: str = "", only: str = "") -> list[str]:
    """What axe finds, by all of its rules, all but one, or one."""
    from axe_playwright_python.sync_playwright import Axe

    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    options = {"resultTypes": ["violations"], "rules": {but: {"enabled": False}} if but else {}}
    options |= {"runOnly": [only]} if only else {}  # what passes is not written down
    found = page.evaluate("options => axe.run(document, options)", options)
    assert found["testEngine"]["name"] == "axe-core"
    return [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in found["violations"]]


PHONE, DESK = 360, 1280
SOAKING = bool(os.environ.get("ESLD_SOAK"))
# What axe looks at in `make test`, and of that what on a phone too; the other pages are of the same parts, and `make soak`
# has it see them all.
LOOKED_AT = ("index.html", "plain.html", "03_survival.html", f"03_survival{ENDING}.html")
ON_A_PHONE = ("index.html", "03_survival.html")


@dataclass
class Seen:
    """What a browser met in the pages of a report: their widths, what axe found in them and what they asked for."""

    across: dict[tuple[str, int], int] = field(default_factory=dict)
    faults: dict[tuple[str, int], list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def seen(browser, report) -> Seen:
    """Every page, opened once and seen at both widths; colours, and a phone, of elements that are like one another once."""
    found = Seen()
    context = browser.new_context()
    page = context.new_page()
    page.on("request", lambda request: found.asked.append(request.url))

    def across(width: int) -> None:
        page.set_viewport_size({"width": width, "height": 800})
        found.across[path.name, width] = page.evaluate("document.documentElement.scrollWidth")

    for path in sorted(report.glob("*.html")):
        page.goto(path.as_uri())
        across(DESK)
        across(PHONE)
        if path.name == "report.html":  # holds the chapters again; looking at it on a phone is enough
            if SOAKING and report.name == "demo-final":
                found.faults[path.name, PHONE] = violations(page, but=COLOURS)
            continue
        if not (path.name in LOOKED_AT or SOAKING):
            continue
        page.set_viewport_size({"width": DESK, "height": 800})
        found.faults[path.name, DESK] = violations(page, but=COLOURS)
        page.evaluate(HIDE_THE_LIKE)
        found.faults[path.name, DESK] += violations(page, only=COLOURS)
        if path.name in ON_A_PHONE or SOAKING:
            page.set_viewport_size({"width": PHONE, "height": 800})
            found.faults[path.name, PHONE] = violations(page, but=COLOURS)
    context.close()
    return found


class TestBrowser:
    @pytest.mark.always
    @pytest.mark.parametrize("width", [PHONE, DESK])
    def test_it_fits_asks_for_nothing_and_axe_finds_nothing(self, seen, report, width):
        names = [path.name for path in report.glob("*.html")]
        assert {name: seen.across[name, width] for name in names if seen.across[name, width] > width} == {}
        looked_at = {name: faults for (name, at), faults in seen.faults.items() if at == width}
        assert SOAKING or looked_at.keys() == {*(LOOKED_AT if width == DESK else ON_A_PHONE)}
        assert {name: faults for name, faults in looked_at.items() if faults} == {}
        assert [url for url in seen.asked if not url.startswith(("file:", "data:"))] == []

    def test_every_fold_opens_and_closes_by_keyboard(self, browser, report):
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        found = report.glob("0[03]_*.html" if SOAKING else "03_*.html")
        for path in sorted(path for path in found if ENDING not in path.name):
            page.goto(path.as_uri())
            folds = page.locator("details.code:not(details.appendix details) > summary")
            assert folds.count() > 3
            for position in range(folds.count()):
                fold = folds.nth(position)
                source = fold.locator("xpath=..").locator("pre").first
                fold.focus()
                page.keyboard.press("Enter")
                assert source.is_visible()
                page.keyboard.press("Space")
                assert not source.is_visible()
        page.close()

    def test_a_download_is_the_file(self, browser, report):
        page = browser.new_page()
        page.goto((report / "index.html").as_uri())
        names = [a.get_attribute("href") for a in page.locator("#files a").all()]
        assert {"report.html", "report.docx", "results.json"} <= set(names)
        page.close()


def test_axe_would_find_something(browser, tmp_path):
    """An image without words and pale letters: a check that finds nothing must be able to, of what is hidden too."""
    bad = tmp_path / "bad.html"
    text = "<html><body><img src='data:,'><p>dark</p><p>dark</p><p style='color:#ccc'>pale</p><p style='color:#ccc'>pale</p>"
    bad.write_text(text, encoding="utf-8")
    page = browser.new_page()
    page.goto(bad.as_uri())
    assert "image-alt" in " ".join(violations(page, but=COLOURS))
    page.evaluate(HIDE_THE_LIKE)
    assert page.locator("p:visible").all_inner_texts() == ["dark", "pale"]
    (found,) = violations(page, only=COLOURS)
    assert COLOURS in found
    page.close()
