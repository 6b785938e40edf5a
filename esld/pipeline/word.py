"""The report as a Word document: what each chapter answers, and its tables and figures in the order it shows them.

The same report gives the same bytes.
"""

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from esld.pipeline.render import Masthead, Report
from esld.report.dress import word as word_table
from esld.report.tables import Table
from esld.report.words.catalogue import message, reader

if TYPE_CHECKING:
    from docx.document import Document
    from docx.styles.style import ParagraphStyle
    from docx.text.paragraph import Paragraph

WORD = "report.docx"
FONT = "Calibri"
_A4 = (11906, 16838)  # twips
_MARGIN = 1050
_ROOM = _A4[0] - 2 * _MARGIN
_ROOM_ACROSS = _A4[1] - 2 * _MARGIN
_HIGHEST = 11400  # twips of a figure, so that its caption stays on its page
_EMU = 635  # per twip
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_INK, _GREY = "222222", "595959"


@dataclass(frozen=True)
class Figure:
    """A figure on file: the finding, the words for those who do not see it, and its PNG."""

    id: str
    title: str
    alt: str
    png: Path


Exhibit = Table | Figure


def write_word(report: Report, exhibits: Mapping[str, Sequence[Exhibit]], path: Path) -> None:
    """Write the report as a Word document.

    Parameters
    ----------
    report : Report
        As it is rendered to HTML; of the chapters titles, questions and answers are taken.
    exhibits : dict of str to sequence of Table or Figure
        By chapter slug, in the order shown; numbered "Table 1", "Figure 1" through the whole report.
    path : Path
        The ``.docx`` file; overwritten.
    """
    from docx import Document as new_document

    document = new_document()
    _set_up(document, report.masthead)
    _front(document, report)
    counts = {Table: 0, Figure: 0}
    for number, chapter in enumerate(report.chapters, 1):
        _turn(document, across=False)
        heading = _paragraph(document, "Heading 1")
        heading.paragraph_format.page_break_before = True
        _bookmarked(heading, chapter.title, number)
        if chapter.question:
            _paragraph(document, "Question", chapter.question)
        if chapter.answer:
            _add_html(_paragraph(document, "Answer"), chapter.answer)
        for exhibit in exhibits.get(chapter.slug, ()):
            counts[type(exhibit)] += 1
            if isinstance(exhibit, Table):
                _add_table(document, exhibit, counts[Table])
            else:
                _add_figure(document, exhibit, counts[Figure])
    _turn(document, across=False)
    heading = _paragraph(document, "Heading 1")
    _bookmarked(heading, message("pages.made"), len(report.chapters) + 1)
    _facts(document, report.made_with)
    buffer = io.BytesIO()
    document.save(buffer)
    path.write_bytes(settled(buffer.getvalue()))


def settled(archive: bytes) -> bytes:
    """A zip archive with the same members and no clock in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(buffer, "w") as new:
        for member in old.infolist():
            info = zipfile.ZipInfo(member.filename, _ZIP_TIME)
            info.create_system = 0  # the same on every system
            kind = zipfile.ZIP_STORED if member.filename.endswith(".png") else zipfile.ZIP_DEFLATED
            new.writestr(info, old.read(member), compress_type=kind, compresslevel=6)
    return buffer.getvalue()


def _set_up(document: "Document", mast: Masthead) -> None:
    """Page, styles, running head and foot, and properties without a clock."""
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.shared import Twips

    section = document.sections[0]
    section.page_width, section.page_height = (Twips(length) for length in _A4)
    section.left_margin = section.right_margin = Twips(_MARGIN)
    section.bottom_margin = Twips(_MARGIN + 150)
    section.top_margin = Twips(_MARGIN + 350)
    section.header_distance = section.footer_distance = Twips(600)
    _styles(document)
    facts = [mast.trial_id, mast.cut_title, message("pages.data_to", cutoff=mast.cutoff)]
    facts += [message(f"status.{mast.status}"), message(f"view.{mast.view}")]
    facts += [message("pages.simulated.loud")] if mast.simulated else []
    section.header.paragraphs[0].text = word_table.legal(" · ".join(facts))
    page = {"page": ("PAGE", "1"), "pages": ("NUMPAGES", "1")}
    _add_words(section.footer.paragraphs[0], "word.page", page, cut=mast.cut_id)
    properties, at = document.core_properties, datetime.fromisoformat(mast.cutoff)
    properties.title = word_table.legal(f"{mast.trial_id}: {mast.cut_title}")
    properties.subject = word_table.legal(mast.trial_title)
    properties.author = properties.last_modified_by = properties.comments = properties.keywords = ""
    properties.created = properties.modified = at  # the day after which nothing is known: no clock
    properties.revision, properties.language = 1, _language()
    related = document.part.package.rels
    for name in [n for n, r in related.items() if r.reltype == RELATIONSHIP_TYPE.THUMBNAIL]:
        del related[name]  # the picture of an empty page


def _styles(document: "Document") -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml.ns import qn

    style = partial(_style, document)
    style("Normal", 10.5, after=6)
    style("Title", 22, before=4, after=6, bold=True)
    borders = document.styles["Title"].element.pPr.find(qn("w:pBdr"))
    document.styles["Title"].element.pPr.remove(borders)
    style("Subtitle", 13, after=10, colour=_GREY)
    style("Heading 1", 17, before=18, after=8, bold=True).paragraph_format.keep_with_next = True
    style("Alarm", 12, before=4, after=6, bold=True)
    style("Notice", 10.5, after=8)
    style("Question", 11.5, after=6, colour=_GREY)
    style("Answer", 11.5, after=10)
    style("Fact", 9.5, after=2)
    style("Contents Line", 10.5, after=2)
    style("Contents Head", 12, before=16, after=4, bold=True)
    style("Caption", 9.5, before=14, after=4, bold=True)
    style("Figure", 10, before=12, after=0).paragraph_format.keep_with_next = True
    style("Header", 8, colour=_GREY)
    style("Footer", 8, colour=_GREY).paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    style(word_table.TEXT, word_table.SIZES[0], before=1.2, after=1.2)
    style(word_table.HEAD, word_table.SIZES[0], before=1.5, after=1.5, bold=True)
    style(word_table.GROUP, word_table.SIZES[0], before=4, after=1.2, bold=True)
    style(word_table.NOTE, 7.5, before=2, colour=_GREY)
    for language in document.styles.element.iter(qn("w:lang")):
        language.set(qn("w:val"), _language())


def _language() -> str:
    """Of the text, as a program that checks spelling knows it."""
    return {"en": "en-GB"}.get(reader().language, reader().language)


def _style(
    document: "Document",
    name: str,
    size: float,
    *,
    before: float = 0,
    after: float = 0,
    colour: str = _INK,
    bold: bool = False,
) -> "ParagraphStyle":
    """A paragraph style of that name, made where there is none; points."""
    from docx.enum.style import WD_STYLE_TYPE
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    known = any(s.name == name for s in document.styles)
    own: Any = document.styles[name] if known else document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    own.font.name, own.font.size, own.font.bold, own.font.italic = FONT, Pt(size), bold, False
    own.font.color.rgb = RGBColor.from_string(colour)
    fonts = own.element.get_or_add_rPr().get_or_add_rFonts()
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{theme}"), None)  # a theme's font would win over the named one
    own.paragraph_format.space_before, own.paragraph_format.space_after = Pt(before), Pt(after)
    own.paragraph_format.line_spacing = 1.15 if size > 9 else 1.0
    return cast("ParagraphStyle", own)


def _front(document: "Document", report: Report) -> None:
    """The first page: what report this is, its question and answer, and the chapters."""
    mast = report.masthead
    _paragraph(document, "Title", mast.trial_title)
    _paragraph(document, "Subtitle", mast.cut_title)
    if mast.simulated:
        _paragraph(document, "Alarm", message("word.alarm"))
    if mast.notice:
        _paragraph(document, "Notice", mast.notice)
    facts = {"trial": mast.trial_id, "cut": mast.cut_id, "cutoff": mast.cutoff}
    facts |= {"status": message(f"status.{mast.status}"), "view": message(f"view.{mast.view}")}
    _facts(document, [(message(f"word.{what}"), which) for what, which in facts.items()])
    _paragraph(document, "Contents Head", message("word.question"))
    _paragraph(document, "Question", report.question)
    _add_html(_paragraph(document, "Answer"), report.answer)
    for head, text in report.points:
        paragraph = _paragraph(document, "Normal")
        paragraph.paragraph_format.keep_together = True
        _add_html(paragraph, f"<strong>{head}</strong> {text}")
    _paragraph(document, "Contents Head", message("pages.contents"))
    titles = [*(chapter.title for chapter in report.chapters), message("pages.made")]
    for number, title in enumerate(titles, 1):
        _add_link(_paragraph(document, "Contents Line"), title, number)


def _paragraph(document: "Document", style: str, text: str = "") -> "Paragraph":
    """A paragraph at the end. Its style is set by its id: to look it up by its name takes longer than all the rest."""
    paragraph = document.add_paragraph(word_table.legal(text))
    paragraph._p.style = style.replace(" ", "")
    return paragraph


def _facts(document: "Document", facts: Sequence[tuple[str, str]]) -> None:
    from docx.shared import Twips

    for what, which in facts:
        line = _paragraph(document, "Fact", f"{what}\t{which}")
        line.paragraph_format.tab_stops.add_tab_stop(Twips(1900))
        line.paragraph_format.left_indent, line.paragraph_format.first_line_indent = Twips(1900), Twips(-1900)


def _add_table(document: "Document", table: Table, number: int) -> None:
    """Caption, table and notes; on a page laid across where it would not fit otherwise."""
    fits = (
        (across, size, word_table.column_widths(table, room, size))
        for across, room in ((False, _ROOM), (True, _ROOM_ACROSS))
        for size in word_table.SIZES
    )
    across, size, widths = next((f for f in fits if f[2]), (True, word_table.SIZES[-1], None))
    widths = widths or word_table.squeezed_widths(table, _ROOM_ACROSS, size)
    _turn(document, across=across)
    _add_caption(document, "table", number, table.title).paragraph_format.keep_with_next = True
    document.element.body.insert_element_before(word_table.table_element(table, widths, size), "w:sectPr")
    for position, note in enumerate(table.footnotes, 1):
        below = _paragraph(document, word_table.NOTE, note)
        below.paragraph_format.keep_with_next = position < len(table.footnotes)


def _add_figure(document: "Document", figure: Figure, number: int) -> None:
    from docx.shared import Emu, Pt

    _turn(document, across=False)
    paragraph = _paragraph(document, "Figure")
    shape = paragraph.add_run().add_picture(str(figure.png))
    scale = min(1.0, _ROOM * _EMU / shape.width, _HIGHEST * _EMU / shape.height)
    shape.width, shape.height = Emu(int(shape.width * scale)), Emu(int(shape.height * scale))
    about = shape._inline.docPr
    about.set("name", message("word.figure.name", number=number))
    about.set("descr", word_table.legal(figure.alt))
    about.set("id", str(number))
    caption = _add_caption(document, "figure", number, figure.title or figure.alt)
    caption.paragraph_format.space_before, caption.paragraph_format.space_after = Pt(4), Pt(10)


def _add_caption(document: "Document", kind: str, number: int, text: str) -> "Paragraph":
    caption = _paragraph(document, "Caption")
    counter = {"number": (f"SEQ {kind.capitalize()} \\* ARABIC", str(number))}
    _add_words(caption, f"word.{kind}", counter, title=text)
    return caption


def _turn(document: "Document", *, across: bool) -> None:
    """A new section where the page must be laid across, or upright again."""
    from docx.enum.section import WD_ORIENT, WD_SECTION

    last = document.sections[-1]
    if (last.orientation == WD_ORIENT.LANDSCAPE) is across:
        return
    section = document.add_section(WD_SECTION.NEW_PAGE)
    section.orientation = WD_ORIENT.LANDSCAPE if across else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = last.page_height, last.page_width


def _add_html(paragraph: "Paragraph", html: str) -> None:
    """Words of a sentence with its spans; bold, italic, raised and lowered text stay so."""
    from bs4 import BeautifulSoup

    from esld.pipeline.theme.fragment import bind

    soup = BeautifulSoup(html, "html.parser")
    for text in soup.find_all(string=True):
        run = paragraph.add_run(word_table.legal(bind(re.sub(r"\s+", " ", text))))
        around = {parent.name for parent in text.parents}
        run.bold = bool(around & {"strong", "b"}) or None
        run.italic = bool(around & {"em", "i"}) or None
        if "sup" in around:  # set to none, the one would unset the other
            run.font.superscript = True
        elif "sub" in around:
            run.font.subscript = True


def _add_words(
    paragraph: "Paragraph", key: str, fields: Mapping[str, tuple[str, str]], **values: str
) -> None:
    """An entry of the catalogue some parameters of which are fields of Word, each an instruction and what it shows."""
    said = message(key, **values, **{name: f"\0{name}\0" for name in fields})
    for place, text in enumerate(re.split(f"\0({'|'.join(fields)})\0", said)):
        if place % 2:
            _add_field(paragraph, *fields[text])
        elif text:
            paragraph.add_run(word_table.legal(text))


def _add_field(paragraph: "Paragraph", instruction: str, shown: str) -> None:
    """A field that Word can update, with what it shows until then."""
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    def run(content: str) -> None:
        paragraph._p.append(parse_xml(f"<w:r {nsdecls('w')}>{content}</w:r>"))

    run('<w:fldChar w:fldCharType="begin"/>')
    run(f'<w:instrText xml:space="preserve"> {instruction} </w:instrText>')
    run('<w:fldChar w:fldCharType="separate"/>')
    run(f"<w:t>{shown}</w:t>")
    run('<w:fldChar w:fldCharType="end"/>')


def _bookmarked(paragraph: "Paragraph", text: str, number: int) -> None:
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    mark = f'w:id="{number}"'
    start = f'<w:bookmarkStart {nsdecls("w")} {mark} w:name="chapter_{number}"/>'
    paragraph._p.append(parse_xml(start))
    paragraph.add_run(word_table.legal(text))
    paragraph._p.append(parse_xml(f"<w:bookmarkEnd {nsdecls('w')} {mark}/>"))


def _add_link(paragraph: "Paragraph", text: str, number: int) -> None:
    """A line of the contents that leads to its chapter."""
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    link = parse_xml(f'<w:hyperlink {nsdecls("w")} w:anchor="chapter_{number}" w:history="1"/>')
    run = paragraph.add_run(word_table.legal(text))._r
    link.append(run)
    paragraph._p.append(link)
