"""The Word document is read back with python-docx."""

import base64
import io
import re
import time
import zipfile
from dataclasses import replace
from datetime import datetime

import nbformat.v4 as nbf
import pandas as pd
import pytest
from docx import Document
from docx.enum.section import WD_ORIENT
from docx.oxml.ns import qn

from esld.pipeline.exhibits import Shown, numbered
from esld.pipeline.render import Chapter, Masthead, Report
from esld.pipeline.word import Figure, settled, write_word
from esld.report.tables import Table
from esld.report.words.catalogue import Reader, read_by
from tests.pipeline.test_render import png

MAST = Masthead(
    "NCT1",
    "A trial & <its> title",
    "final",
    "Final analysis",
    "2026-03-31",
    "draft",
    "unblinded",
    True,
    "Notice.",
)
ANSWER = 'At one year <span class="result" data-result="r">10 of 11 (91 %)</span> of <em>all</em> 3×10<sup>6</sup>.'


def chapter(slug: str, answer: str = ANSWER) -> Chapter:
    return Chapter(slug, f"Title of {slug}", f"Question of {slug}?", answer, nbf.new_notebook())


def table(id: str, columns: int = 2) -> Table:
    frame = pd.DataFrame({f"Column{i}": ["unbreakable", "b"] for i in range(columns)})
    return Table(id, f"Table of {id}", frame, footnotes=(f"First note of {id}.", "Second."))


REPORT = Report(
    MAST, "Who lives longer?", ANSWER, (), (chapter("01_one"), chapter("02_two")), (), (("esld", "1"),)
)


def counted(report: Report, own, appendix=()):
    """The report that counts tables and figures of its chapters, and what was recorded of them, by name."""
    shown, recorded = {}, {}
    for slug, exhibits in own.items():
        shown[slug] = []
        for one in exhibits:
            name = f"{'tables' if isinstance(one, Table) else 'figures'}/{one.id}"
            name += "-2" if name in recorded else ""
            recorded[name] = one
            shown[slug].append(Shown(name, name.partition("/")[2], name in appendix))
    titles = {name: one.title or one.alt for name, one in recorded.items()}
    appended = [c.slug for c in report.chapters if c.appended]
    return replace(report, exhibits=numbered(shown, titles, appended)), recorded


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "km.png"
    path.write_bytes(base64.b64decode(png(1400, 700)))  # seven inches wide
    return Figure("km", "Ten of eleven alive", "Two curves & their <ends>.", path)


@pytest.fixture
def exhibits(picture):
    return {
        "01_one": [table("a"), picture, table("b")],
        "02_two": [table("wide", 16), replace(picture, title="")],
    }


@pytest.fixture
def written(tmp_path, exhibits):
    def write(report: Report = REPORT, own=exhibits, appendix=(), **how):
        write_word(*counted(report, own, appendix), tmp_path / "report.docx", **how)
        return Document(str(tmp_path / "report.docx"))

    return write


def told(document) -> list[str]:
    """The paragraphs and tables in order: style and text, or the table's first cell."""
    return [
        f"{item.style.name}: {item.text}" if hasattr(item, "style") and hasattr(item, "text") else "table"
        for item in document.iter_inner_content()
    ]


def test_the_first_page_says_what_report_this_is(written):
    lines = told(written())
    assert lines[:3] == [
        "Title: A trial & <its> title",
        "Subtitle: Final analysis",
        "Alarm: SIMULATED DATA. No patient is described here.",
    ]
    facts = [line.removeprefix("Fact: ").split("\t") for line in lines if line.startswith("Fact: ")]
    assert facts == [
        ["Trial", "NCT1"],
        ["Data cut", "final"],
        ["Data to", "2026-03-31"],
        ["Status", "DRAFT · CONFIDENTIAL"],
        ["View", "unblinded"],
        ["esld", "1"],
    ]
    assert "Notice: Notice." in lines
    assert "Question: Who lives longer?" in lines


def test_the_head_of_every_page_says_so_too(written):
    document = written()
    heads = {s.header.paragraphs[0].text for s in document.sections}
    feet = {s.footer.paragraphs[0].text for s in document.sections}
    assert heads == {
        "NCT1 · Final analysis · data to 2026-03-31 · DRAFT · CONFIDENTIAL · unblinded · SIMULATED DATA"
    }
    assert feet == {"final · page 1 of 1"}


def test_real_data_are_not_called_simulated(written):
    document = written(replace(REPORT, masthead=replace(MAST, simulated=False, notice="")))
    text = "\n".join(told(document)) + document.sections[0].header.paragraphs[0].text
    assert "simulated" not in text.casefold()
    assert "Notice" not in text


def test_a_chapter_ends_with_what_it_cannot_say(written):
    """After its tables, before the next chapter and the appendix; with the number of the table that a paragraph refers to."""
    refer = '<a class="refer" data-exhibit="tables/b"></a>'
    limits = {"01_one": ("Of <em>harm</em> nothing.", f"See {refer}."), "02_two": ()}
    lines = told(written(appendix=("tables/b",), limits=limits))
    begin = lines.index("Contents Head: What it cannot say")
    assert lines[begin + 1 : begin + 3] == ["Normal: Of harm nothing.", "Normal: See Table A1."]
    assert (
        lines.index("Caption: Figure 1. Ten of eleven alive")
        < begin
        < lines.index("Heading 1: Title of 02_two")
    )
    assert sum("cannot say" in line for line in lines) == 1
    assert not any("cannot say" in line for line in told(written()))


def test_chapters_come_in_order_with_answer_tables_and_figures_as_shown(written):
    lines = told(written())
    begin = lines.index("Heading 1: Title of 01_one")
    answer = "Answer: At one year 10 of 11 (91\u00a0%) of all 3×106."
    assert [line for line in lines[begin:] if line not in ("Normal: ", "Fact: esld\t1")] == [
        "Heading 1: Title of 01_one",
        "Question: Question of 01_one?",
        answer,
        "Caption: Table 1. Table of a",
        "table",
        "Table Note: First note of a.",
        "Table Note: Second.",
        "Figure: ",
        "Caption: Figure 1. Ten of eleven alive",
        "Caption: Table 2. Table of b",
        "table",
        "Table Note: First note of b.",
        "Table Note: Second.",
        "Heading 1: Title of 02_two",
        "Question: Question of 02_two?",
        answer,
        "Caption: Table 3. Table of wide",
        "table",
        "Table Note: First note of wide.",
        "Table Note: Second.",
        "Figure: ",
        "Caption: Figure 2. Two curves & their <ends>.",
        "Heading 1: Appendix",
        "Heading 1: How this report was made",
    ]


def test_a_chapter_that_shows_nothing_and_answers_nothing_has_its_heading(written):
    lines = told(written(replace(REPORT, chapters=(replace(chapter("03_x", ""), question=""),)), {}))
    assert lines[lines.index("Heading 1: Title of 03_x") + 1] == "Heading 1: Appendix"


def test_numbers_of_captions_are_fields(written):
    codes = [i.text.split()[:2] for i in written().element.body.iter(qn("w:instrText"))]
    assert codes == [["SEQ", kind] for kind in ("Table", "Figure", "Table", "Table", "Figure")]


def test_raised_text_stays_raised(written):
    answer = next(p for p in written().paragraphs if p.style.name == "Answer")
    assert [r.text for r in answer.runs if r.font.superscript] == ["6"]
    assert [r.text for r in answer.runs if r.italic] == ["all"]


def test_figures_have_words_for_those_who_do_not_see_them_and_fit_the_page(written):
    document = written()
    about = [shape._inline.docPr for shape in document.inline_shapes]
    assert [a.get("descr") for a in about] == ["Two curves & their <ends>."] * 2
    assert len({a.get("id") for a in about}) == 2
    section = document.sections[0]
    room = section.page_width - section.left_margin - section.right_margin
    for shape in document.inline_shapes:
        assert 0.999 * room < shape.width <= room
        assert shape.height == pytest.approx(shape.width / 2, rel=1e-3)


def test_a_high_figure_leaves_room_for_its_caption(written, picture, tmp_path):
    picture.png.write_bytes(base64.b64decode(png(200, 4000)))
    document = written(REPORT, {"01_one": [picture]})
    (shape,) = document.inline_shapes
    assert shape.height.cm == pytest.approx(20.1, abs=0.1)
    assert shape.width == pytest.approx(shape.height / 20, rel=1e-3)


def test_a_wide_table_lies_across_and_the_next_page_is_upright(written):
    sections = written().sections
    assert [s.orientation for s in sections] == [WD_ORIENT.PORTRAIT, WD_ORIENT.LANDSCAPE, WD_ORIENT.PORTRAIT]
    assert [round(s.page_width.cm) for s in sections] == [21, 30, 21]


def test_a_table_wider_than_any_page_is_squeezed_into_it(written):
    document = written(REPORT, {"01_one": [table("huge", 60)]})
    (own,) = document.tables
    widths = [int(c.get(qn("w:w"))) for c in own._tbl.tblGrid.iter(qn("w:gridCol"))]
    section = document.sections[1]
    assert 635 * sum(widths) <= section.page_width - section.left_margin - section.right_margin


def test_the_contents_lead_to_the_chapters(written):
    body = written().element.body
    links = [link.get(qn("w:anchor")) for link in body.iter(qn("w:hyperlink"))]
    marks = [mark.get(qn("w:name")) for mark in body.iter(qn("w:bookmarkStart"))]
    assert links == marks
    assert len(links) == 4


def test_control_characters_do_not_make_the_file_unreadable(written):
    bad = "a\x0bb\x00"
    mast = replace(MAST, trial_title=bad, cut_title=bad, notice=bad)
    own = replace(chapter("01_one", f"{bad}<b>c\x01</b>"), title=bad, question=bad)
    lines = told(written(replace(REPORT, masthead=mast, question=bad, chapters=(own,)), {}))
    assert lines[0] == "Title: a\ufffdb\ufffd"


def test_the_same_report_gives_the_same_bytes_whenever_it_is_made(exhibits, tmp_path, monkeypatch):
    write_word(*counted(REPORT, exhibits), tmp_path / "one.docx")
    now = time.localtime(1_000_000_000)
    monkeypatch.setattr(time, "localtime", lambda *_: now)  # what zipfile takes the time from
    write_word(*counted(REPORT, exhibits), tmp_path / "two.docx")
    assert (tmp_path / "one.docx").read_bytes() == (tmp_path / "two.docx").read_bytes()


def test_its_only_date_is_that_of_the_data(written, tmp_path):
    properties = written().core_properties
    assert (
        properties.created
        == properties.modified
        == datetime.fromisoformat("2026-03-31T00:00:00+00:00").replace(tzinfo=properties.created.tzinfo)
    )
    assert (properties.author, properties.last_modified_by, properties.title) == (
        "",
        "",
        "NCT1: Final analysis",
    )
    with zipfile.ZipFile(tmp_path / "report.docx") as archive:
        text = b" ".join(
            archive.read(name) for name in archive.namelist() if name.endswith((".xml", ".rels"))
        )
        assert not any("thumbnail" in name for name in archive.namelist())
    assert b"python-docx" not in text
    assert set(re.findall(rb"\b20\d\d-\d\d-\d\dT[\d:]+Z", text)) == {b"2026-03-31T00:00:00Z"}


def test_an_archive_keeps_its_members_and_loses_its_clock():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in (("b.xml", b"<b/>" * 99), ("a.png", b"\x89PNG")):
            archive.writestr(zipfile.ZipInfo(name, (2026, 3, 31, 12, 0, 0)), data)
    with zipfile.ZipFile(io.BytesIO(settled(buffer.getvalue()))) as archive:
        assert [m.filename for m in archive.infolist()] == ["b.xml", "a.png"]
        assert {m.date_time for m in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.read("b.xml") == b"<b/>" * 99
        assert archive.testzip() is None


def test_what_the_appendix_has_comes_after_all_chapters_under_numbers_of_its_own(written):
    lines = told(written(appendix=("tables/a", "figures/km")))
    apart = lines[lines.index("Heading 1: Appendix") :]
    assert [line for line in lines if line.startswith("Caption")] == [
        "Caption: Table 1. Table of b",
        "Caption: Table 2. Table of wide",
        "Caption: Figure 1. Two curves & their <ends>.",
        "Caption: Table A1. Table of a",
        "Caption: Figure A1. Ten of eleven alive",
    ]
    assert apart[1] == "Heading 2: Title of 01_one"
    assert "Caption: Table A1. Table of a" in apart
    assert not any(line.startswith("Question") for line in apart)


def test_a_chapter_of_the_appendix_stands_there_whole(written):
    title = nbf.new_markdown_cell("# Title", metadata={"tags": ["appendix"]})
    apart = replace(chapter("02_two"), notebook=nbf.new_notebook(cells=[title]))
    lines = told(written(replace(REPORT, chapters=(chapter("01_one"), apart))))
    assert "Heading 1: Title of 02_two" not in lines
    assert lines.index("Heading 1: Appendix") < lines.index("Heading 2: Title of 02_two")
    assert "Question: Question of 02_two?" in lines
    assert "Caption: Table A1. Table of wide" in lines


def test_east_asian_text_has_a_font_of_its_own_and_no_style_one_of_a_theme(written):
    styles = written().styles.element
    for name in ("Normal", "Heading1", "TableText", "Caption", "Title"):
        (fonts,) = styles.xpath(f'w:style[@w:styleId="{name}"]/w:rPr/w:rFonts')
        assert fonts.get(qn("w:eastAsia")) == "Microsoft YaHei"
        assert fonts.get(qn("w:ascii")) == fonts.get(qn("w:hAnsi")) == fonts.get(qn("w:cs")) == "Arial"
        assert not [key for key in fonts.attrib if key.endswith("Theme")]


def test_latin_words_in_a_chinese_document_are_broken_as_latin_ones(written):
    """Said to be Chinese, LibreOffice breaks a number behind its point."""
    with read_by(Reader("zh")):
        (language,) = written().styles.element.iter(qn("w:lang"))
    assert (language.get(qn("w:val")), language.get(qn("w:eastAsia"))) == ("en-GB", "zh-CN")
