"""Tables and figures have one number each, the same on every page and in Word, and what the appendix has stands there."""

import base64
import re
from dataclasses import replace

import nbformat.v4 as nbf
import pytest
from bs4 import BeautifulSoup
from docx import Document
from hypothesis import given
from hypothesis import strategies as st

from esld.pipeline.exhibits import Shown, called, filled, linked, numbered
from esld.pipeline.render import Card, Chapter, Masthead, Report, body_of, render
from esld.pipeline.word import Figure, write_word
from esld.report import glossary
from esld.report.cells import Number, several
from esld.report.tables import Table
from esld.report.told import shown_in
from tests.pipeline.test_render import code, png, shown

MAST = Masthead("NCT1", "A trial", "final", "Final analysis", "2026-03-31", "final", "unblinded", False)


def table(id: str, result: str = "") -> Table:
    cell = several("{} ({})", mean=Number(1, id=result), SD=Number(2))
    return Table(id, f"Table of {id}", [{"what": "Mean", "value": cell}])


def shows(*names: str, tags: tuple[str, ...] = (), result: str = ""):
    """A cell that shows tables and figures, as a chapter records them."""
    outputs = []
    for name in names:
        kind, _, id = name.partition("/")
        if kind == "tables":
            outputs.append(shown({"text/html": table(id, result).to_html()}))
        else:
            about = {"image/png": {"alt": f"Picture of {id}", "exhibit": id}}
            outputs.append(shown({"image/png": png(20, 10)}, about))
    return code(f"show({', '.join(names)})", *outputs, tags=tags)


def words(source: str, *tags: str):
    return nbf.new_markdown_cell(source, metadata={"tags": list(tags)})


FIRST = [
    words("# One\n\n## Question\n\nWhat?"),
    words("## Result\n\nThe <abbr>LS means</abbr> and a <dfn title='as we say'>thing</dfn>; see [](#t-1)."),
    code(
        "say()", shown({"text/markdown": 'It was <span class="result" data-result="os.low.mean">1</span>.'})
    ),
    shows("tables/t_1", "figures/t_1", result="os.low.mean"),
    shows("tables/t_2", tags=("appendix",)),
    words("### Courses", "appendix"),
    words("One line is one patient."),
    shows("figures/c_1", "figures/c_2"),
    shows("figures/c_3"),
    words("### In words", "appendix"),
    words("Nothing to see."),
    words("### At length", "appendix"),
    words("Much is told.\n\nAnd more."),
    words("## Limits\n\nMuch."),
    shows("tables/t_3"),
]
LAST = [
    words("# Validation", "appendix"),
    words("## Result"),
    shows("tables/v_1", "figures/v_1"),
    shows("tables/v_2", tags=("appendix",)),
]
IDS = ["t_1", "t_2", "t_3", "v_1", "v_2"]


@pytest.fixture(scope="module")
def report() -> Report:
    chapters = (
        Chapter("01_one", "One", "What?", "", nbf.new_notebook(cells=FIRST)),
        Chapter("90_last", "Validation", "Right?", "", nbf.new_notebook(cells=LAST)),
    )
    slugs = [chapter.slug for chapter in chapters]
    bodies = {chapter.slug: body_of(chapter, slugs).shown for chapter in chapters}
    titles = {f"tables/{id}": f"Table of {id}" for id in IDS}
    titles |= {f"figures/{id}": f"Picture of {id}" for id in ("t_1", "c_1", "c_2", "c_3", "v_1")}
    return Report(
        MAST,
        "Does it?",
        "",
        (
            Card("Mean, low dose", "1", "n = 11", "os.low.mean", "01_one"),
            Card("Other", "2", "n", "none.x", "90_last"),
        ),
        chapters,
        (),
        (("esld", "1"),),
        exhibits=numbered(bodies, titles, ["90_last"]),
        results=shown_in([table("t_1", "os.low.mean")]),
        told={"os.low.mean": 'Change; "low"; n = 11'},
    )


@pytest.fixture(scope="module")
def pages(report, tmp_path_factory) -> dict[str, BeautifulSoup]:
    folder = tmp_path_factory.mktemp("pages")
    return {
        path.stem: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in render(report, folder)
    }


def numbers(page: BeautifulSoup) -> dict[str, str]:
    """What each table or figure is called, by its name."""
    return {f["data-exhibit"]: f.b.get_text() for f in page.select("figure[data-exhibit]")}


EXPECTED = {
    "tables/t_1": "Table 1.",
    "figures/t_1": "Figure 1.",
    "tables/t_2": "Table A1.",
    "figures/c_1": "Figure A1.",
    "figures/c_2": "Figure A2.",
    "figures/c_3": "Figure A3.",
    "tables/t_3": "Table 2.",
    "tables/v_1": "Table A2.",
    "figures/v_1": "Figure A4.",
    "tables/v_2": "Table A3.",
}


def test_a_table_has_the_same_number_on_its_page_on_the_whole_report_and_in_word(report, pages, tmp_path):
    assert numbers(pages["01_one"]) | numbers(pages["90_last"]) == EXPECTED
    assert numbers(pages["report"]) == EXPECTED
    picture = Figure("x", "", "", tmp_path / "x.png")
    picture.png.write_bytes(base64.b64decode(png(20, 10)))
    recorded = {n: table(n.partition("/")[2]) if n.startswith("tables/") else picture for n in EXPECTED}
    write_word(report, recorded, tmp_path / "r.docx")
    captions = [p.text for p in Document(str(tmp_path / "r.docx")).paragraphs if p.style.name == "Caption"]
    assert sorted(re.match(r"\w+ A?\d+\.", c)[0] for c in captions) == sorted(EXPECTED.values())
    assert all(report.exhibits[n].headed in captions for n in EXPECTED)


def test_on_its_own_page_the_appendix_is_folded_where_it_belongs_and_a_paragraph_alone_is_not(pages):
    page = pages["01_one"]
    folds = [fold.summary.get_text() for fold in page.select("details.appendix")]
    assert folds == ["Table A1. Table of t_2", "Figures A1 to A3", "Details"]
    assert "One line is one patient." in page.select("details.appendix")[1].get_text()
    for said in ("Nothing to see.", "Much."):
        assert not any(said in fold.get_text() for fold in page.select("details.appendix"))
    assert page.find(id="courses").find_parent("details") is None
    assert not pages["90_last"].select('details.appendix figure[data-exhibit="tables/v_1"]')


def test_on_the_whole_report_it_comes_after_every_chapter_of_the_text(pages):
    page = pages["report"]
    assert not page.select("details.appendix")
    apart = page.find(id="appendix")
    assert {f["data-exhibit"] for f in apart.select("figure[data-exhibit]")} == {
        name for name, number in EXPECTED.items() if " A" in number
    }
    assert [a["id"] for a in apart.select("article")] == ["90_last"]
    pointers = [p.get_text() for p in page.select("#\\30 1_one p.pointer")]
    there = ["Table A1. Table of t_2", "Figures A1 to A3", "Details, part A1"]
    assert pointers == [f"In the appendix: {one}" for one in there]
    assert "One line is one patient." in apart.get_text()
    assert "And more." in apart.get_text()


def test_every_link_arrives_and_each_number_and_reference_leads_to_its_table(pages):
    for name, page in pages.items():
        ids = {tag["id"] for tag in page.find_all(id=True)}
        for link in page.select("a[href]"):
            target, _, anchor = link["href"].partition("#")
            if not target:
                assert anchor in ids, (name, link)
            elif target.endswith(".html") and anchor:
                assert pages[target.removesuffix(".html")].find(id=anchor), (name, link)
        assert not page.select("[data-exhibits], [data-results], a[data-exhibit], b[data-exhibit]")
    one = pages["01_one"]
    refers = [(a.get_text(), a["href"]) for a in one.select(".refer a")]
    assert refers == [("Table 1", "#t-1")]
    assert [a.get_text() for a in one.select('p > a[href="#t-1"]')] == ["Table 1"]  # the link without words
    assert [a["href"] for a in pages["report"].select("article .refer a")] == ["#01_one--t-1"]
    assert [a["href"] for a in pages["index"].select(".cards a")] == ["01_one.html#t-1", "90_last.html"]
    assert [a["href"] for a in pages["report"].select(".cards a")] == ["#01_one--t-1", "#90_last"]


def test_each_table_has_its_file_beside_it_but_on_the_page_that_is_mailed_alone(pages):
    files = {a["href"]: a["aria-label"] for a in pages["01_one"].select("a.csv")}
    assert files == {
        f"tables/{n}.csv": f"{EXPECTED[f'tables/{n}'][:-1]} as CSV" for n in ("t_1", "t_2", "t_3")
    }
    assert not pages["report"].select("a.csv")


def test_a_number_in_prose_says_what_it_is_to_a_pointer_and_to_the_tab_key(pages):
    for name in ("index", "01_one", "report"):
        spans = pages[name].select('span.result[data-result="os.low.mean"]')
        assert spans
        assert {(s["title"], s["tabindex"]) for s in spans} == {('Change; "low"; n = 11', "0")}
    assert not pages["index"].select_one('span.result[data-result="none.x"]').has_attr("tabindex")


def test_a_term_is_explained_once_for_all_and_the_glossary_has_it(pages):
    terms = pages["01_one"].select("abbr, dfn")
    assert [t["title"] for t in terms] == [glossary.explained("LS mean")[1], "as we say"]
    for name in ("index", "report"):
        found = {d.get_text(): d.find_next("dd").get_text() for d in pages[name].select("dl.glossary dt")}
        assert found == {"LS mean": glossary.explained("ls means")[1], "thing": "as we say"}
    assert pages["01_one"].select_one('nav a[href="index.html#glossary"]')


def test_what_was_not_recorded_has_no_number_and_no_place_is_left(report, tmp_path):
    (path, *_) = render(replace(report, exhibits={}, results={}), tmp_path)
    page = BeautifulSoup((path.parent / "01_one.html").read_text(encoding="utf-8"), "html.parser")
    assert not page.select("b, a.csv, .refer, [data-exhibits]")
    assert [fold.summary.get_text() for fold in page.select("details.appendix")] == ["Details"] * 3


@given(
    st.lists(
        st.tuples(st.sampled_from(["tables", "figures"]), st.integers(0, 2), st.booleans(), st.booleans()),
        max_size=12,
    )
)
def test_each_kind_is_counted_from_one_without_a_gap_in_the_text_and_in_the_appendix(given_):
    chapters: dict[str, list[Shown]] = {f"c{n}": [] for n in range(3)}
    titles = {}
    for place, (kind, chapter, apart, recorded) in enumerate(given_):
        name = f"{kind}/x{place}"
        chapters[f"c{chapter}"].append(Shown(name, f"x{place}", apart))
        if recorded:
            titles[name] = "Title"
    found = numbered(chapters, titles, ["c2"])
    assert set(found) == set(titles)
    for kind in ("table", "figure"):
        for apart in (False, True):
            own = [one for one in found.values() if one.kind == kind and one.appendix is apart]
            assert [one.count for one in own] == [*range(1, len(own) + 1)]
            assert all(one.number.startswith("A") is apart for one in own)
            read = [name for slug in ("c0", "c1", "c2") for name, *_ in chapters[slug]]
            assert [one.name for one in own] == sorted((one.name for one in own), key=read.index)


def test_several_are_called_by_their_kinds():
    shown = {"c": [Shown(f"{kind}/{n}", "a", True) for kind in ("tables", "figures") for n in "ab"]}
    found = numbered(shown, dict.fromkeys((one.name for one in shown["c"]), "T"))
    assert called([*found.values()]) == "Figures A1 to A2, Tables A1 to A2"
    assert called([found["tables/b"]]) == "Table A2. T"


def test_a_title_with_signs_of_markup_stays_text():
    found = numbered({"c": [Shown("tables/a", "a", True)]}, {"tables/a": "<b>&"})
    place = '<span class="called" data-exhibits="tables/a"></span>'
    assert filled(place, found, {}, {}, "c") == "Table A1. &lt;b&gt;&amp;"


def test_a_number_leads_to_its_passport_and_one_without_stays():
    prose = (
        '<p><span class="result" data-result="a.b@1" tabindex="0" title="n">5 %</span> and '
        '<span class="result" data-result="x">6</span></p>'
    )
    table = '<tr><th scope="row">A</th><td class="number" data-result="a.b@1">5</td><td data-result="a.b@1"></td></tr>'
    page = BeautifulSoup(
        linked(f"{prose}<table>{table}</table>", {"a.b@1": "03.records.html#a.b%401"}), "html.parser"
    )
    links = page.select("a.passport")
    assert [(a["href"], a.parent.name, a.get("tabindex"), a.get_text()) for a in links] == [
        ("03.records.html#a.b%401", "span", None, "5 %"),
        ("03.records.html#a.b%401", "td", "-1", "5"),
    ]
    assert not links[0].parent.has_attr("tabindex")  # what the Tab key reaches is the link
    assert page.select_one('[data-result="x"]').get_text() == "6"
