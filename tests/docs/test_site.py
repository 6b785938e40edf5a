"""The site as `make docs` builds it: whole by itself, without a network, at a desk and on a phone."""

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

from tests.pipeline.conftest import browser  # noqa: F401  # a fixture
from tests.pipeline.test_real_reports import COLOURS, DESK, PHONE, violations
from tests.reports import ROOT

pytestmark = pytest.mark.slow  # half a minute; `.ci/run` runs it after `make docs`

LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "video": "src"}
# A page of each kind, and those with the widest tables.
LOOKED_AT = (
    *("index", "how-to/cut", "reference/generated/survival", "reference/generated/survival/kaplan_meier"),
    *("reference/generated/files", "from-elsewhere", "contributing", "search"),
)


# How far the page, or a name in a sentence, which a page would cut off, goes beyond the window.
BEYOND = """Math.max(0, document.documentElement.scrollWidth - innerWidth,
  ...[...document.querySelectorAll("article p > code")].filter(code => !code.closest("table"))
    .map(code => Math.floor(code.getBoundingClientRect().right) - innerWidth))"""


@pytest.fixture(scope="module")
def site() -> Path:
    """The site; only what has changed since it was last built is built."""
    folder = ROOT / "docs" / "_build"
    command = [sys.executable, "-m", "sphinx", "-q", "-n", "-W", "--keep-going", "docs", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@cache
def soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def pages(site: Path) -> list[Path]:
    """Of what was built last; a page whose source has gone stays in the folder."""
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    names = json.loads(re.search(r'"docnames":(\[.*?\])', index)[1])
    return sorted(site / f"{name}.html" for name in names)


def test_every_link_inside_leads_somewhere(site):
    ids = {path: {tag["id"] for tag in soup(path).select("[id]")} for path in pages(site)}
    lost = []
    for path in ids:
        for tag in soup(path).select("a[href], img[src], script[src], link[href]"):
            parts = urlsplit(tag.get("href") or tag.get("src"))
            if parts.scheme or parts.netloc:
                continue
            there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            if not there.is_file() or (anchor and there in ids and anchor not in ids[there]):
                lost.append((path.name, tag.get("href") or tag.get("src")))
    assert len(ids) > 80
    assert lost == []


def test_nothing_is_loaded_from_elsewhere(site):
    for path in pages(site):
        for name, attribute in LOADED.items():
            for tag in soup(path).select(f"{name}[{attribute}]"):
                assert not re.match(r"(https?:)?//", tag[attribute]), (path.name, tag)
    for path in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import )['\"]?(https?:)?//", path.read_text(encoding="utf-8")), path


@pytest.fixture(scope="module")
def seen(browser, site):  # noqa: F811
    """Faults of axe and widths of pages, with the network refused, and what was asked for."""
    context = browser.new_context(offline=True)
    page = context.new_page()
    asked, faults, wide = [], {}, {}
    page.on("request", lambda request: asked.append(request.url))
    for width in (DESK, PHONE):  # colours are the same on both
        page.set_viewport_size({"width": width, "height": 900})
        for name in LOOKED_AT:
            page.goto((site / f"{name}.html").as_uri())
            if across := page.evaluate(BEYOND):
                wide[name, width] = across
            if found := violations(page, but=COLOURS if width == PHONE else ""):
                faults[name, width] = found
    page.goto((site / "search.html").as_uri() + "?q=kaplan")
    results = page.locator("#search-results li a")
    results.first.wait_for()
    yield faults, wide, asked, results.all_inner_texts()
    context.close()


class TestBrowser:
    def test_axe_finds_nothing_at_a_desk_and_on_a_phone(self, seen):
        assert seen[0] == {}

    def test_no_page_is_wider_than_its_window(self, seen):
        assert seen[1] == {}

    def test_it_asks_for_nothing(self, seen):
        assert [url for url in seen[2] if not url.startswith(("file:", "data:", "blob:"))] == []

    def test_the_search_finds_without_a_network(self, seen):
        assert any("kaplan_meier" in text for text in seen[3])
