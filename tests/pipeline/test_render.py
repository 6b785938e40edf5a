"""The pages are read back with a parser and, where Chromium is there, opened in it."""

import base64
import re
import struct
import zlib
from dataclasses import replace
from itertools import pairwise

import hypothesis.strategies as st
import nbformat.v4 as nbf
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from bs4.element import PreformattedString
from hypothesis import given

from esld.pipeline.render import Card, Chapter, Masthead, Plain, Report, body_of, render
from esld.pipeline.theme import fragment
from esld.pipeline.theme.export import picture_size
from esld.report.cells import Count, Number
from esld.report.tables import Table
from esld.report.words.catalogue import PSEUDO, Reader, marked, read_by
from tests.examples import some

HOSTILE = "A <b>\"trial\"</b> & 'more' </title></style><script>alert(1)</script>"
KAPLAN_MEIER = "import numpy as np\n\n# 0 < x & y\nx = \"<b>\" if 1 < 2 else '&amp;'\n  \nshow(x)"
ANSWER = 'At one year <span class="result" data-result="os.low">10 of 11 (91 %, 95 % CI 59 % to 100 %)</span> were alive.'


# Pieces of HTML that browsers and parsers are known to read in different ways.
PIECES = (
    *(
        "<p>",
        "</p>",
        "<b>plain text</b>",
        "<svg>",
        "</svg>",
        "<math>",
        "</math>",
        "<style>",
        "</style>",
        "<!--",
        "-->",
        "--!>",
        "<!-->",
    ),
    *(
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<![CDATA[",
        "]]>",
        "<?xml ",
        "?>",
        "<title>",
        "</title>",
    ),
    *(
        "<noscript>",
        "<textarea>",
        "<xmp>",
        "<plaintext>",
        "<template>",
        "<select>",
        "<table>",
        "<td>",
        "<desc>",
        "<mi>",
        "<mglyph>",
    ),
    *(
        '<a href="java&#10;script:x">',
        "<a href=' data:text/html,x'>",
        "<a href=//e.org>",
        "<a href=\\\\e.org>",
        "<a xlink:href=x:y>",
    ),
    *(
        '<img srcset="data:image/png;base64,AA, https://e.org/x 2x">',
        "<img src=data:text/html,x>",
        "<input formaction=x:y type=image>",
    ),
    *(
        '<p style="background:url(//e.org)">',
        "<p style='width:1px;x:expression(1)'>",
        "<form action=x:y>",
        "<base href=//e.org>",
    ),
    *(
        "<div onclick=x>",
        "<DIV ONCLICK=x>",
        "<div/onclick=x>",
        "<isindex>",
        "<image src=x>",
        "<meta http-equiv=refresh>",
        "\x00",
        "`'\"",
    ),
)
HIDING = re.compile(r"<(?:svg|math|style|noscript|textarea|xmp|plaintext|template|select|title|!|\?)")
# Of HTML's and SVG's what runs, loads or is sent, whatever the list of the product says.
NEVER = re.compile(
    r"script|style|link|meta|base|i?frame|frameset|object|embed|applet|form|button|textarea|select|svg|math|template|noscript|"
    r"audio|video|animate|portal"
)
NEVER_GIVEN = re.compile(
    r"on.*|srcdoc|action|formaction|ping|target|background|data|xlink:.*|xmlns.*|http-equiv|autofocus|name"
)
SAFE = re.compile(r"[^:/\\][^:\\]*|#.*|data:image/[^,]*,[^, ]*|")


def hides(parts: list[str]) -> bool:
    """Whether some part may rightly take the text after it away."""
    return any(HIDING.match(part) or part in ("<!--", "<![CDATA[") for part in parts)


def only_listed(html: str) -> bool:
    """Whether two parsers find no element, attribute or address but harmless ones, and no comment."""
    for parser in ("html.parser", "lxml"):
        soup = BeautifulSoup(html, parser)
        assert not soup.find_all(string=lambda text: isinstance(text, PreformattedString))
        for tag in soup.find_all(True):
            assert tag.name in fragment._TAGS | {"html", "body"}, (parser, tag.name)
            assert not NEVER.fullmatch(tag.name), (parser, tag.name)
            for name, value in tag.attrs.items():
                assert not NEVER_GIVEN.fullmatch(name), (parser, name)
                assert name in fragment._ATTRIBUTES or name.startswith(("aria-", "data-")), (parser, name)
                if name in ("src", "srcset", "href"):
                    assert SAFE.fullmatch(str(value)), (parser, name, value)
                if name == "style":
                    assert not re.search(r"url|expression|@|\\", str(value)), (parser, value)
    return True


def png(width: int, height: int, *, dpi: int | None = 200) -> str:
    """A white PNG as the notebook keeps it, with matplotlib's note of its resolution."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    parts = [chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))]
    if dpi is not None:
        parts.append(chunk(b"pHYs", struct.pack(">IIB", round(dpi / 0.0254), round(dpi / 0.0254), 1)))
    parts += [chunk(b"IDAT", zlib.compress((b"\0" + b"\xff" * width) * height)), chunk(b"IEND", b"")]
    return base64.encodebytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts)).decode()


def shown(
    data: dict[str, str], metadata: dict[str, dict[str, str]] | None = None, kind: str = "display_data"
):
    extra = {"execution_count": 1} if kind == "execute_result" else {}
    return nbf.new_output(kind, data=data, metadata=metadata or {}, **extra)


def code(source: str, *outputs, tags: tuple[str, ...] = ()):
    return nbf.new_code_cell(source, outputs=list(outputs), metadata={"tags": list(tags)})


def table(id: str = "t1") -> str:
    lines = [
        {"part": "Survival", "what": "Alive, n/N (%)", "est": Count(10, 11)},
        {"part": "Survival", "what": "Difference", "est": Number(-9)},
    ]
    notes = ("Clopper–Pearson.", "Intention to treat.")
    return Table(id, "One year by arm", lines, footnotes=notes, group="part").to_html()


def wide_table() -> str:
    columns = [f"Analyte {number}" for number in range(10)]
    return Table("wide", "Wide", [{"Visit": "Week 1", **dict.fromkeys(columns, Count(22, 22))}]).to_html()


# Made by another hand: its cells name the headings that they belong to.
FOREIGN = (
    "<table border='1'><caption>By <i>another</i></caption><thead><tr><th id='x-a'>a</th><th id='x-b'>b</th></tr></thead>"
    "<tbody><tr><td headers='x-a'>1</td><td headers='x-a x-b'>2</td></tr></tbody></table>"
)


def survival_notebook():
    return nbf.new_notebook(
        metadata={"language_info": {"name": "python", "pygments_lexer": "ipython3"}},
        cells=[
            code('cut: str = "x"  # id', tags=("parameters",)),
            code('# Parameters\ncut = "demo-final"', tags=("injected-parameters",)),
            code("import os"),
            nbf.new_markdown_cell("# Survival\n\n## Question\n\nWho lives longer?"),
            nbf.new_markdown_cell(
                "## Who is counted\n\nAll in the <dfn title='as randomised'>ITT</dfn> set, see [below](#result)."
            ),
            code("first = 1"),
            code("second = 2"),
            nbf.new_markdown_cell("## Result\n\n### Low dose"),
            code(
                "sentence()",
                shown({"text/markdown": ANSWER, "text/plain": "<Markdown object>"}),
                tags=("hide-input",),
            ),
            code(
                KAPLAN_MEIER,
                nbf.new_output("stream", name="stderr", text="a warning nobody should see"),
                shown(
                    {"image/png": png(1400, 920), "text/plain": "<Figure size 700x460>"},
                    {"image/png": {"alt": 'Two curves, "low" & <high>'}},
                ),
                shown({"text/plain": "Text(0.5, 1.0, 'an artist')"}, kind="execute_result"),
            ),
            code("table()", shown({"text/html": table(), "text/plain": "Table t1"}, kind="execute_result")),
            code("wide()", shown({"text/html": wide_table()})),
            code("foreign()", shown({"text/html": FOREIGN})),
            nbf.new_markdown_cell(
                "### Low dose\n\nAgain. See [the data](00_data_cut.html#result), [home](index.html)."
            ),
            code("6, 5", shown({"text/plain": "(6, 5)"}, kind="execute_result")),
            code("secret = 'REMOVED'", shown({"text/plain": "REMOVED"}), tags=("remove-cell",)),
            code("print('line')", nbf.new_output("stream", name="stdout", text="printed line\n")),
            nbf.new_markdown_cell("## What it cannot say\n\nMuch."),
            code("last = 3"),
        ],
    )


def data_cut_notebook():
    prose = (
        "# Data cut\n\n## Who is counted\n\nRegistered at https://clinicaltrials.gov/study/NCT06167473, "
        "[protocol](https://example.org/p.pdf), [listing](tables/listing.csv).\n\n## Result\n\nAs planned."
    )
    hostile = (
        '<div onclick="steal()"><img src="https://example.org/x.png" alt="gone"><script>steal()</script>'
        '<style>@import "https://example.org/x.css";</style><iframe src="//example.org"></iframe>'
        '<p style="background:url(https://example.org/y)">kept</p><a href="java\tscript:steal()">a link</a></div>'
    )
    return nbf.new_notebook(
        cells=[
            nbf.new_markdown_cell(prose),
            code("flow()", shown({"text/html": table()})),
            code("again()", shown({"text/html": table()})),
            code("foreign()", shown({"text/html": FOREIGN})),
            code("foreign()", shown({"text/html": FOREIGN})),
            code("hostile()", shown({"text/html": hostile})),
            code("frame", shown({"text/html": pd.DataFrame({"a": [1]}).to_html(), "text/plain": "a"})),
        ]
    )


@pytest.fixture(scope="module")
def report() -> Report:
    return Report(
        masthead=Masthead(
            trial_id="NCT06167473",
            trial_title="Two doses of cells in end-stage liver disease",
            cut_id="demo-final",
            cut_title="Demonstration, final",
            cutoff="2026-06-30",
            status="draft",
            view="unblinded",
            simulated=True,
            notice="Calendar dates are fictitious.",
        ),
        question="Does the higher dose lengthen life?",
        answer=ANSWER,
        cards=(Card("Alive at one year", "10/11", "91 % (95 % CI 59 % to 100 %)", "os.low"),) * 4,
        chapters=(
            Chapter("00_data_cut", "Data cut", "What is here?", "22 patients.", data_cut_notebook()),
            Chapter("03_survival", "Survival", "Who lives longer?", ANSWER, survival_notebook()),
        ),
        downloads=(("results.json", "every number"), ("tables/a b.csv", "a table")),
        made_with=(("Data", "sha256 " + "9f2c41d0" * 8), ("Python", "3.11.2")),
        assumptions=(("Infusions", "three", "The record does not say."),),
    )


@pytest.fixture(scope="module")
def folder(report, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    assert [path.name for path in render(report, folder)] == [
        "index.html",
        "00_data_cut.html",
        "03_survival.html",
        "report.html",
    ]
    return folder


@pytest.fixture(scope="module")
def pages(folder) -> dict[str, BeautifulSoup]:
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.html"))}
    return {name: BeautifulSoup(text, "html.parser") for name, text in texts.items()}


def words(tag) -> str:
    return " ".join(tag.get_text().split())


def test_each_reader_has_the_words_of_its_own_language(report):
    """In one process one after the other, and again: no template keeps the words of the first."""
    chapter = next(own for own in report.chapters if own.slug == "03_survival")
    pages = []
    for language in ("en", PSEUDO, "en", PSEUDO):
        with read_by(Reader(language)):
            body = body_of(chapter, [chapter.slug])
            pages.append(BeautifulSoup(body.page, "html.parser"))
    folds = [page.select_one("details.code > summary").get_text() for page in pages]
    assert folds == ["Code", marked("Code")] * 2
    labels = [page.select_one("figure.picture input")["aria-label"] for page in pages]
    assert labels == ["Enlarge the figure", marked("Enlarge the figure")] * 2


def test_a_body_tells_what_the_chapter_cannot_say(report):
    assert [body_of(chapter, []).limits for chapter in report.chapters] == [(), ("Much.",)]


def test_the_page_in_plain_language_is_linked_and_without_it_the_index_says_so(report, pages, tmp_path):
    assert "made of the final analysis alone" in words(pages["index"].select_one("#files"))
    number = '<p>So <span class="result" data-result="os.low">10</span> lived.</p>'
    lay = Plain(
        "Two doses & <a liver>",
        (("asked", "What was asked?", "<p>Who lives longer?</p>"), ("found", "What happened?", number)),
    )
    folder = tmp_path / "plain"
    written = render(replace(report, lay=lay, told={"os.low": "Clopper\u2013Pearson"}), folder)
    assert "plain.html" in [path.name for path in written]
    index, page = (
        BeautifulSoup((folder / name).read_text(encoding="utf-8"), "html.parser")
        for name in ("index.html", "plain.html")
    )
    assert words(index.select_one('nav a[href="plain.html"]')) == "In plain words"
    assert "made of the final analysis alone" not in words(index)
    assert words(page.h1) == "Two doses & <a liver>"
    assert [words(heading) for heading in page.select("main h2")] == ["What was asked?", "What happened?"]
    assert [link["href"] for link in page.select("nav li li a")] == ["#asked", "#found"]
    assert page.select_one("span.result").attrs == {
        "class": ["result"],
        "data-result": "os.low",
    }  # no method on hover


class TestCode:
    def test_every_shown_cell_is_folded_and_equals_what_ran(self, pages):
        sources = [pre.get_text() for pre in pages["03_survival"].select("details.code pre")]
        ran = [
            c.source for c in survival_notebook().cells if c.cell_type == "code" and "REMOVED" not in c.source
        ]
        assert sources == ran

    def test_code_without_output_joins_the_next_output_or_closes_its_section(self, pages):
        folds = [
            [p.get_text() for p in d.find_all("pre")] for d in pages["03_survival"].select("details.code")
        ]
        assert folds[0] == [
            'cut: str = "x"  # id',
            '# Parameters\ncut = "demo-final"',
            "import os",
            "first = 1",
            "second = 2",
        ]
        assert folds[1] == ["sentence()"]
        assert folds[-1] == ["last = 3"]

    def test_folds_are_closed_and_say_code(self, pages):
        for fold in pages["03_survival"].select("details.code"):
            assert not fold.has_attr("open")
            assert words(fold.summary) == "Code"

    def test_code_is_coloured_by_classes(self, pages):
        assert "import" in [span.get_text() for span in pages["03_survival"].select("pre.source span.kn")]

    def test_removed_cells_stderr_and_poorer_outputs_are_absent(self, pages):
        for name in ("03_survival", "report"):
            text = pages[name].get_text()
            for absent in ("REMOVED", "a warning nobody", "Figure size", "GT(...)", "an artist"):
                assert absent not in text
            assert "(6, 5)" in text
            assert "printed line" in text

    def test_a_failed_notebook_is_refused(self, report, tmp_path):
        failed = nbf.new_notebook(
            cells=[
                code("1/0", nbf.new_output("error", ename="ZeroDivisionError", evalue="007", traceback=["x"]))
            ]
        )
        bad = replace(report, chapters=(replace(report.chapters[0], notebook=failed),))
        with pytest.raises(
            ValueError, match=r"^notebook must have run without an error, got ZeroDivisionError$"
        ):
            render(bad, tmp_path)
        assert not list(tmp_path.iterdir())

    def test_notebooks_are_not_modified(self, report, tmp_path):
        before = [str(c.notebook) for c in report.chapters]
        render(report, tmp_path)
        assert [str(c.notebook) for c in report.chapters] == before


class TestFigures:
    def test_alt_text_is_kept(self, pages):
        for name in ("03_survival", "report"):
            image = pages[name].select_one("figure.picture img")
            assert image["alt"] == 'Two curves, "low" & <high>'
            assert image["src"].startswith("data:image/png;base64,iVBOR")
            assert "\n" not in image["src"]

    @pytest.mark.parametrize(
        ("dpi", "expected"),
        # 7.00 in × 4.60 in at 200 dpi is 700 × 460 on the page; without a resolution a pixel is a pixel
        [(200, (700, 460)), (100, (1400, 920)), (None, (1400, 920))],
    )
    def test_a_figure_keeps_its_size_in_inches(self, dpi, expected):
        assert picture_size(png(1400, 920, dpi=dpi)) == expected

    def test_the_size_of_another_format_is_unknown(self):
        assert picture_size(base64.b64encode(b"GIF89a" + bytes(60)).decode()) is None


class TestTables:
    def test_title_and_notes_stand_outside_the_box_that_scrolls(self, pages):
        figure = pages["03_survival"].select_one("figure.table#t1")
        assert [words(p) for p in figure.figcaption.find_all("p")] == ["One year by arm"]
        assert [words(p) for p in figure.select(".notes p")] == ["Clopper–Pearson.", "Intention to treat."]
        scroll = figure.select_one("div.scroll")
        assert scroll["tabindex"] == "0"
        assert scroll["aria-label"] == "Table: One year by arm"
        assert "One year" not in words(scroll.table)
        assert figure.find(id=scroll.table["aria-labelledby"]) is figure.figcaption.p

    def test_a_table_of_another_hand_gets_the_same_box(self, pages):
        (figure,) = (f for f in pages["03_survival"].select("figure.table") if not f.get("id"))
        assert str(figure.figcaption) == '<figcaption><p class="title">By <i>another</i></p></figcaption>'
        assert figure.select_one("div.scroll > table").caption is None
        assert figure.div["aria-label"] == "Table: By another"
        assert "border" not in figure.table.attrs

    def test_only_our_stylesheet_is_left(self, pages):
        for page in pages.values():
            assert len(page.find_all("style")) == 1

    def test_headers_still_point_at_their_cells(self, pages):
        for name in ("00_data_cut", "03_survival", "report"):
            page = pages[name]
            cells = page.select("td[headers]")
            assert cells
            for cell in cells:
                for anchor in cell["headers"]:
                    assert cell.find_parent("table").find(id=anchor) is not None


class TestStructure:
    def test_anchors_are_unique_and_every_internal_link_arrives(self, pages):
        for name, page in pages.items():
            ids = [tag["id"] for tag in page.find_all(id=True)]
            assert len(ids) == len(set(ids)), name
            for link in page.select("a[href]"):
                target, _, anchor = link["href"].partition("#")
                if not target:
                    assert anchor in ids, (name, anchor)
                elif target.endswith(".html"):
                    other = pages[target.removesuffix(".html")]
                    assert not anchor or other.find(id=anchor) is not None, (name, link["href"])

    def test_headings_descend_without_a_gap_from_one_h1(self, pages):
        for name, page in pages.items():
            levels = [int(tag.name[1]) for tag in page.find_all(re.compile(r"^h[1-6]$"))]
            assert levels.count(1) == 1, name
            assert levels[0] == 1, name
            assert all(after <= before + 1 for before, after in pairwise(levels)), name

    def test_contents_name_the_sections_of_this_chapter(self, pages):
        rail = pages["03_survival"].select_one("nav[aria-label=Contents]")
        sections = rail.select_one("[aria-current=page]").find_next_sibling("ul")
        found = [words(a) for li in sections.find_all("li", recursive=False) for a in li.find_all("a")]
        assert found == ["Question", "Who is counted", "Result", "Low dose", "Low dose", "What it cannot say"]
        assert [words(a) for a in sections.select("li li li a")] == ["Low dose", "Low dose"]
        assert words(rail.select_one("[aria-current=page]")) == "Survival"

    def test_question_and_answer_open_the_chapter(self, pages):
        section = pages["03_survival"].select_one("section.is-question")
        assert words(section.select_one("p.question")) == "Who lives longer?"
        assert section.select_one("p.answer .result")["data-result"] == "os.low"
        # a notebook without the section gets the chapter's own question
        assert words(pages["00_data_cut"].select_one("section.is-question p.question")) == "What is here?"
        assert words(pages["00_data_cut"].select_one("section.is-question p.answer")) == "22 patients."

    def test_an_answer_that_the_notebook_already_shows_is_not_repeated(self, report, tmp_path):
        notebook = nbf.new_notebook(
            cells=[
                nbf.new_markdown_cell("# Survival\n\n## Question\n\nWho lives longer?"),
                code("sentence()", shown({"text/markdown": ANSWER})),
                nbf.new_markdown_cell("## Result"),
                code("sentence()", shown({"text/markdown": ANSWER})),
            ]
        )
        render(replace(report, chapters=(replace(report.chapters[1], notebook=notebook),)), tmp_path)
        page = BeautifulSoup((tmp_path / "03_survival.html").read_text(encoding="utf-8"), "html.parser")
        assert len(page.select("main .result")) == 1
        assert words(page.select_one("p.answer")).startswith("At one year 10 of 11")

    def test_number_and_unit_are_not_parted(self, pages):
        assert (
            "91\N{NO-BREAK SPACE}%, 95\N{NO-BREAK SPACE}%\N{NO-BREAK SPACE}CI 59" in pages["index"].get_text()
        )

    def test_chapters_lead_to_their_neighbours(self, pages):
        turns = {name: pages[name].select("nav.turn a") for name in ("00_data_cut", "03_survival")}
        assert [(a["rel"], a["href"]) for a in turns["00_data_cut"]] == [
            (["prev"], "index.html"),
            (["next"], "03_survival.html"),
        ]
        assert [(a["rel"], a["href"]) for a in turns["03_survival"]] == [(["prev"], "00_data_cut.html")]

    def test_index_holds_every_part(self, pages):
        main = pages["index"].main
        assert words(main.select_one("p.question")) == "Does the higher dose lengthen life?"
        assert len(main.select(".cards li")) == 4
        assert main.select_one(".cards .value .result")["data-result"] == "os.low"
        assert [a["href"] for a in main.select(".chapters a")] == ["00_data_cut.html", "03_survival.html"]
        assert [words(p) for p in main.select(".chapters li:first-child p")][1:] == ["22 patients."]
        assert all(words(own.select_one("p.asked")).endswith("?") for own in main.select(".chapters li"))
        assert [words(part) for part in main.select("details.more :is(dt, dd)")] == [
            "Infusions",
            "three",
            "The record does not say.",
        ]
        assert not main.select_one("details.more").has_attr("open")
        assert [a["href"] for a in main.select(".files a")] == ["results.json", "tables/a%20b.csv"]
        assert [words(dt) for dt in main.select(".made dt")] == ["Data", "Python"]

    def test_whole_report_holds_every_chapter_and_leads_nowhere_else(self, pages):
        page = pages["report"]
        assert [a["id"] for a in page.select("article.chapter")] == ["00_data_cut", "03_survival"]
        assert all(a["href"].startswith("#") for a in page.select("a[href]"))
        assert {"#00_data_cut--result", "#top", "#03_survival--result"} <= {
            a["href"] for a in page.select("article a")
        }
        assert "listing (tables/listing.csv)" in words(page)

    def test_terms_can_be_reached_without_a_mouse(self, pages):
        assert pages["03_survival"].select_one("dfn[title='as randomised']")["tabindex"] == "0"

    def test_page_has_language_landmarks_and_skip_link(self, pages):
        for page in pages.values():
            assert page.html["lang"] == "en"
            assert page.body.find("a")["href"] == "#main"
            assert (
                len(page.select("main"))
                == len(page.select("body > header"))
                == len(page.select("body > footer"))
                == 1
            )


class TestBanner:
    def test_every_field_is_there(self, pages):
        for page in pages.values():
            assert [words(li) for li in page.select("header.banner li")] == [
                "NCT06167473",
                "Demonstration, final",
                "data to 2026-06-30",
                "DRAFT · CONFIDENTIAL",
                "unblinded",
                "simulated data",
            ]
            assert words(page.select_one(".notice")) == "Calendar dates are fictitious."

    def test_simulated_data_cannot_be_missed(self, pages, report, tmp_path):
        for page in pages.values():
            assert words(page.select_one("aside.alarm strong")).upper() == "SIMULATED DATA"
            assert "SIMULATED DATA" in re.search(r"@top-right \{ content: (.*);", page.style.string)[1]
        real = replace(report, masthead=replace(report.masthead, simulated=False, status="final", notice=""))
        for path in render(real, tmp_path):
            page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
            assert "simulated" not in page.body.get_text().lower()
            assert "SIMULATED" not in page.style.string
            assert page.select_one(".alarm") is None
            assert page.select_one(".notice") is None
            assert "FINAL" in words(page.select_one("header.banner"))

    def test_title_and_printed_footer(self, pages):
        titles = {name: page.title.string for name, page in pages.items()}
        assert titles["03_survival"] == "Survival – Demonstration, final – NCT06167473"
        assert len(set(titles.values())) == len(titles)
        for page in pages.values():
            assert (
                '@bottom-center { content: "demo-final · page " counter(page) " of " counter(pages); }'
                in page.style.string
            )

    @pytest.mark.parametrize(
        ("field", "value"), [("status", "Final"), ("view", "open"), ("cutoff", "30 June 2026")]
    )
    def test_unknown_values_are_refused(self, report, field, value):
        with pytest.raises(ValueError, match=value):
            replace(report.masthead, **{field: value})


class TestSafety:
    def test_nothing_is_fetched_and_nothing_runs(self, pages):
        for name, page in pages.items():
            assert not page.select("script, link:not([href='data:,']), iframe, object, embed, base"), name
            for tag in page.find_all(True):
                for attribute, value in tag.attrs.items():
                    assert not attribute.startswith("on"), (name, tag.name, attribute)
                    if attribute in ("src", "href", "srcset", "action", "poster", "data", "xlink:href"):
                        local = not re.match(r"[a-z][a-z0-9+.-]*:|//", value.strip(), re.IGNORECASE)
                        assert local or value.startswith("data:"), (name, tag.name, value)
            assert "url(" not in page.style.string
            assert "@import" not in page.style.string

    def test_the_browser_is_told_so(self, pages):
        for page in pages.values():
            policy = page.select_one("meta[http-equiv=Content-Security-Policy]")["content"]
            assert policy.startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'")

    def test_addresses_stay_readable(self, pages):
        text = words(pages["00_data_cut"].main)
        assert (
            "Registered at https://clinicaltrials.gov/study/NCT06167473, protocol (https://example.org/p.pdf)"
            in text
        )
        assert "kept" in text
        assert "a link" in text

    def test_plain_text_is_escaped_everywhere(self, report, tmp_path):
        hostile = Report(
            masthead=Masthead(
                HOSTILE, HOSTILE, HOSTILE, HOSTILE, "2026-06-30", "final", "blinded", True, HOSTILE
            ),
            question=HOSTILE,
            answer="Plain.",
            cards=(Card(HOSTILE, HOSTILE, HOSTILE, HOSTILE),),
            chapters=tuple(replace(chapter, title=HOSTILE, question=HOSTILE) for chapter in report.chapters),
            downloads=((HOSTILE, HOSTILE),),
            made_with=((HOSTILE, HOSTILE),),
            assumptions=((HOSTILE, HOSTILE, HOSTILE),),
        )
        for path in render(hostile, tmp_path):
            page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
            assert not page.select("script")
            assert not page.select("b")
            assert len(page.find_all("style")) == len(page.find_all("title")) == 1
            assert "counter(page)" in page.style.string
            assert HOSTILE in page.title.string
            assert words(page.select_one("header.banner .cut")) == HOSTILE
        index = BeautifulSoup((tmp_path / "index.html").read_text(encoding="utf-8"), "html.parser")
        assert index.get_text().count(HOSTILE) >= 12
        assert index.select_one(".cards .result")["data-result"] == HOSTILE

    def test_answers_bring_no_scripts(self, report, tmp_path):
        render(replace(report, answer='Fine.<script>x</script><img src="https://example.org/">'), tmp_path)
        text = (tmp_path / "index.html").read_text(encoding="utf-8")
        assert "<script" not in text
        assert "example.org" not in text

    @pytest.mark.parametrize(
        "html",
        [
            "<!--><img src=x onerror=alert(1)>-->",
            "<svg><a><animate attributeName=href values=javascript:alert(1)><text>x</text></a></svg>",
            "<!--[if IE]><script>alert(1)</script><![endif]-->",
        ],
    )
    def test_what_another_parser_would_run_is_not_there(self, html):
        assert only_listed(fragment._cleaned(html).decode())

    def test_what_runs_loads_or_is_sent_is_not_listed(self):
        assert not [name for name in fragment._TAGS if NEVER.fullmatch(name)]
        assert not [name for name in fragment._ATTRIBUTES if NEVER_GIVEN.fullmatch(name)]

    @given(parts=st.lists(st.sampled_from(PIECES), max_size=12))
    def test_of_any_html_only_what_is_listed_stays(self, parts):
        """Read back by two parsers that mend broken HTML in different ways."""
        cleaned = fragment._cleaned("".join(parts)).decode()
        assert only_listed(cleaned)
        assert (
            "plain text" not in "".join(parts)
            or "plain text" in BeautifulSoup(cleaned, "lxml").get_text()
            or hides(parts)
        )

    def test_a_drawing_among_the_text_is_a_picture(self):
        picture = fragment._cleaned('<svg aria-label="A line"><path d="M0 0"/></svg>').img
        assert picture["alt"] == "A line"
        assert b'<path d="M0 0"' in base64.b64decode(picture["src"].partition(",")[2])

    @pytest.mark.parametrize(
        "slug", ["../x", "a/b", "a b", "", "index", "report", "Main", "a--b", "é", "x.html"]
    )
    def test_a_slug_is_a_plain_file_name(self, report, slug):
        with pytest.raises(ValueError, match="slug must"):
            replace(report.chapters[0], slug=slug)

    def test_slugs_are_unique(self, report):
        with pytest.raises(ValueError, match="slugs of chapters must be unique"):
            replace(report, chapters=report.chapters[:1] * 2)


class TestSameBytes:
    def test_second_render_gives_the_same_bytes(self, report, folder, tmp_path):
        for path in render(report, tmp_path / "new" / "folder"):
            assert path.read_bytes() == (folder / path.name).read_bytes()

    def test_ids_of_cells_and_time_do_not_show(self, report, folder, tmp_path):
        """Jupytext gives new cell ids at each read, papermill writes clocks into the metadata."""
        chapters = []
        for chapter in report.chapters:
            notebook = nbf.new_notebook(
                **{**chapter.notebook, "metadata": {"papermill": {"start_time": "now"}}}
            )
            notebook.cells = [
                type(cell)({**cell, "id": f"other-{n}"}) for n, cell in enumerate(notebook.cells)
            ]
            chapters.append(replace(chapter, notebook=notebook))
        for path in render(replace(report, chapters=tuple(chapters)), tmp_path):
            assert path.read_bytes() == (folder / path.name).read_bytes()

    def test_the_folder_where_it_is_called_does_not_matter(self, report, folder, tmp_path, monkeypatch):
        """nbconvert looks for templates in the working directory unless told otherwise."""
        from esld.pipeline import render as module
        from esld.pipeline.theme import export

        stray = tmp_path / "stray"
        (stray / "cells").mkdir(parents=True)
        for name in ("index.html.j2", "cells/index.html.j2", "basic.html.j2"):
            (stray / name).write_text("stray", encoding="utf-8")
        (stray / "cells" / "conf.json").write_text("{}", encoding="utf-8")
        monkeypatch.chdir(stray)
        export._exporter.cache_clear()
        module._templates.cache_clear()
        for path in render(report, tmp_path / "out"):
            assert path.read_bytes() == (folder / path.name).read_bytes()


NAMES = ["index", "00_data_cut", "03_survival", "report"]


class TestBrowser:
    @pytest.mark.parametrize("width", some([360, 899, 900, 1280], 2))
    def test_no_page_scrolls_sideways_and_none_asks_for_anything(self, browser, folder, width):
        context = browser.new_context(viewport={"width": width, "height": 800})
        page = context.new_page()
        asked, said = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        for name in NAMES:
            page.goto((folder / f"{name}.html").as_uri())
            for fold in page.locator("main details > summary").all():
                fold.click()
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
        assert said == []
        context.close()

    def test_the_wide_table_scrolls_in_its_own_box(self, browser, folder):
        page = browser.new_page(viewport={"width": 720, "height": 800})
        page.goto((folder / "03_survival.html").as_uri())
        box = page.locator("#wide .scroll")
        assert box.evaluate("e => e.scrollWidth > e.clientWidth")
        box.focus()
        page.keyboard.press("ArrowRight")
        for _ in range(100):  # it scrolls smoothly; the page's own policy forbids playwright's polling
            if box.evaluate("e => e.scrollLeft") > 0:
                break
            page.wait_for_timeout(50)
        assert box.evaluate("e => e.scrollLeft") > 0
        page.close()

    def test_code_opens_by_keyboard_and_by_pointer(self, browser, folder):
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto((folder / "03_survival.html").as_uri())
        source, fold = page.locator("details.code pre").first, page.locator("details.code > summary").first
        assert not source.is_visible()
        fold.focus()
        page.keyboard.press("Enter")
        assert source.is_visible()
        page.keyboard.press("Space")
        assert not source.is_visible()
        fold.click()
        assert source.is_visible()
        page.close()

    def test_contents_are_a_rail_on_a_desk_and_folded_on_a_phone(self, browser, folder):
        page = browser.new_page(viewport={"width": 900, "height": 800})
        page.goto((folder / "03_survival.html").as_uri())
        link = page.locator("nav[aria-label=Contents] a[href='#result']")
        assert link.is_visible()
        page.set_viewport_size({"width": 899, "height": 800})
        assert not link.is_visible()
        page.locator("#contents > summary").focus()
        page.keyboard.press("Enter")
        assert link.is_visible()
        page.close()

    def test_the_first_tab_skips_to_the_text(self, browser, folder):
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto((folder / "index.html").as_uri())
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        page.close()

    def test_a_figure_can_be_enlarged_on_a_phone(self, browser, folder):
        page = browser.new_page(viewport={"width": 360, "height": 800})
        page.goto((folder / "03_survival.html").as_uri())
        image = page.locator("figure.picture img")
        small = image.evaluate("e => e.width")
        image.click()
        assert small <= 360 < image.evaluate("e => e.width")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.close()

    def test_on_paper_code_and_rail_are_gone_and_assumptions_are_open(self, browser, folder):
        page = browser.new_page()
        page.emulate_media(media="print")
        page.goto((folder / "report.html").as_uri())
        for selector in (".rail", "details.code", ".skip"):
            assert not page.locator(selector).first.is_visible()
        assert page.locator("dl.assumptions dt").first.is_visible()
        page.close()
