"""The sponsor's own template: what is refused, what is taken from it, and what every page says all the same."""

import zipfile

import pytest
from docx import Document
from docx.enum.section import WD_ORIENT
from docx.oxml.ns import qn
from docx.shared import Cm, Pt

from esld.errors import InputError
from esld.pipeline.how import How
from esld.pipeline.reuse import report_key
from esld.pipeline.word import write_word
from esld.pipeline.word_style import require_template, room_of
from tests.pipeline.test_word import MAST, REPORT, counted, table

_RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


@pytest.fixture
def template(tmp_path):
    """A template with a look, a page and a head of its own, and a text that is no part of a report."""

    def make(width: float = 22, name: str = "sponsor.docx"):
        document = Document()
        section = document.sections[0]
        section.page_width, section.page_height = Cm(width), Cm(28)
        section.left_margin = section.right_margin = Cm(3)
        section.header.paragraphs[0].text = "SPONSOR LTD"
        section.different_first_page_header_footer = True
        document.settings.odd_and_even_pages_header_footer = True
        document.styles["Normal"].font.name, document.styles["Normal"].font.size = "Georgia", Pt(12)
        document.add_paragraph("Write your report here.")
        document.save(str(tmp_path / name))
        return tmp_path / name

    return make


@pytest.fixture
def written(template, tmp_path):
    write_word(*counted(REPORT, {"01_one": [table("a"), table("wide", 16)]}), tmp_path / "r.docx", template())
    return Document(str(tmp_path / "r.docx"))


def test_the_look_is_the_sponsor_s_and_what_it_lacks_is_made_of_its_body_text(written):
    normal = written.styles["Normal"]
    assert (normal.font.name, normal.font.size) == ("Georgia", Pt(12))
    own = written.styles["Table Text"]
    assert own.base_style.name == "Normal"
    assert own.font.name is None  # inherited


def test_page_and_margins_are_the_sponsor_s_also_where_a_table_lies_across(written):
    for section in written.sections:
        sides = [round(side.cm) for side in (section.page_width, section.page_height)]
        assert sides == ([28, 22] if section.orientation == WD_ORIENT.LANDSCAPE else [22, 28])
        assert round(section.left_margin.cm) == 3
    assert len(written.sections) == 3


def test_no_table_is_wider_than_the_sponsor_s_page(written):
    widths = [
        sum(int(c.get(qn("w:w"))) for c in own._tbl.tblGrid.iter(qn("w:gridCol"))) for own in written.tables
    ]
    assert widths[0] <= room_of(written, across=False)
    assert widths[1] <= room_of(written, across=True)


def test_the_sponsor_s_head_stays_and_every_page_says_what_it_is(written):
    section = written.sections[0]
    heads = [section.header, section.first_page_header, section.even_page_header]
    assert section.header.paragraphs[0].text == "SPONSOR LTD"
    for head in heads:
        assert "SIMULATED DATA" in head.paragraphs[-1].text
        assert MAST.trial_id in head.paragraphs[-1].text
    for foot in (section.footer, section.first_page_footer, section.even_page_footer):
        assert foot.paragraphs[-1].text == "final · page 1 of 1"


def test_the_template_s_own_text_is_not_in_the_report(written):
    assert "Write your report here." not in [p.text for p in written.paragraphs]


def test_a_template_that_fits_is_accepted(template):
    require_template(template())


def test_what_is_no_template_is_told_in_one_line(template, tmp_path):
    (tmp_path / "words.docx").write_text("not a zip", encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "zip.docx", "w") as archive:
        archive.writestr("a.txt", "nothing")
    cases = {
        "none.docx": "must name a file that is there",
        "words.docx": "must be a Word document",
        "zip.docx": "must be a Word document",
        template(width=15, name="narrow.docx").name: "must have a page with 12 cm between its margins",
    }
    for name, rule in cases.items():
        with pytest.raises(InputError, match=rule) as caught:
            require_template(tmp_path / name)
        assert "option --template" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_template_that_fetches_a_picture_is_refused_and_one_with_a_link_is_not(template):
    path = template()
    document = Document(str(path))
    document.part.relate_to("https://example.org", f"{_RELATED}/hyperlink", True)
    document.save(str(path))
    require_template(path)
    document.part.relate_to("https://example.org/logo.png", f"{_RELATED}/image", True)
    document.save(str(path))
    with pytest.raises(InputError, match=r"must hold all that it shows, got https://example\.org/logo\.png"):
        require_template(path)


def test_another_template_makes_another_report(template):
    one, other = template(), template(width=20, name="other.docx")
    keys = {report_key({}, How(template=path)) for path in (None, one, other)}
    assert len(keys) == 3
    assert report_key({}, How(template=one)) in keys
