"""Page, styles, head and foot of a Word document: those of the house, or those of the sponsor's own template."""

import re
import zipfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from esld.errors import InputError
from esld.pipeline.render import Masthead
from esld.report.dress import word as word_table
from esld.report.dress.word import legal
from esld.report.words.catalogue import message, reader, tag

if TYPE_CHECKING:
    from docx.document import Document
    from docx.section import _Footer, _Header
    from docx.styles.style import BaseStyle, ParagraphStyle
    from docx.text.paragraph import Paragraph

# Arial, or what has its widths (Liberation Sans, Arimo, Helvetica), is on every machine: columns are as wide as it needs.
FONTS = {"ascii": "Arial", "hAnsi": "Arial", "cs": "Arial", "eastAsia": "Microsoft YaHei"}
_EAST_ASIA = {"zh": "SimSun"}  # of a report in that language: a report of a study is set in Song
_A4 = (11906, 16838)  # twips
_MARGIN = 1050
_INK, _GREY = "222222", "595959"
_LEAST = 6800  # twips between the margins, 12 cm: what a table of two groups needs
_OPTION = "option --template"


def prepared(mast: Masthead, template: Path | None = None) -> "Document":
    """A document without text: ours, or with the styles, the page, the head and the foot of a template.

    What a template has at the head and foot of its pages stays; what every page of a report must say stands below it.
    """
    from docx import Document as new_document

    document = opened(template) if template else new_document()
    if template is None:
        _set_page(document)
    _set_up(document, mast, own=template is None)
    return document


def require_template(path: Path) -> None:
    """Check that a report can be written on a template.

    Parameters
    ----------
    path : Path
        A ``.docx`` file.

    Raises
    ------
    esld.errors.InputError
        It is not there, is no Word document, fetches something from elsewhere, or its page is too narrow.
    """
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.opc.exceptions import OpcError

    remedy = "Give a document saved as .docx."
    if not path.is_file():
        raise InputError(_OPTION, "must name a file that is there", str(path), remedy=remedy)
    try:
        document = opened(path)
        sections = list(document.sections)
    except (OpcError, zipfile.BadZipFile, ValueError, KeyError, SyntaxError, OSError, AttributeError):
        raise InputError(_OPTION, "must be a Word document (.docx)", str(path), remedy=remedy) from None
    for part in document.part.package.iter_parts():
        for one in part.rels.values():
            if one.is_external and one.reltype != RELATIONSHIP_TYPE.HYPERLINK:
                rule, cure = "must hold all that it shows", "Embed what it links to, and save it again."
                raise InputError(_OPTION, rule, str(one.target_ref), str(path), cure)
    if not sections or room_of(document, across=False) < _LEAST:
        rule, cure = (
            "must have a page with 12 cm between its margins",
            "Use a larger page or narrower margins.",
        )
        raise InputError(_OPTION, rule, None, str(path), cure)


def opened(path: Path) -> "Document":
    """A document with the styles, the page, the head and the foot of a template, and no text.

    Raises
    ------
    docx.opc.exceptions.OpcError, zipfile.BadZipFile, ValueError, KeyError, SyntaxError, OSError
        It cannot be read.
    """
    from docx import Document as read_document
    from docx.oxml.ns import qn

    document = read_document(str(path))
    body = document.element.body
    for child in list(body):
        if child is not body.sectPr or child.tag != qn("w:sectPr"):
            body.remove(child)
    return document


def room_of(document: "Document", *, across: bool) -> int:
    """Twips between the margins of the last page, upright or laid across."""
    section = document.sections[-1]
    sides = sorted(int(side.twips) for side in (section.page_width, section.page_height) if side is not None)
    margins = sum(int(m.twips) for m in (section.left_margin, section.right_margin) if m is not None)
    return (sides[across] if len(sides) == 2 else 0) - margins


def _set_page(document: "Document") -> None:
    """A4 with the margins of the house."""
    from docx.shared import Twips

    section = document.sections[0]
    section.page_width, section.page_height = (Twips(length) for length in _A4)
    section.left_margin = section.right_margin = Twips(_MARGIN)
    section.bottom_margin = Twips(_MARGIN + 150)
    section.top_margin = Twips(_MARGIN + 350)
    section.header_distance = section.footer_distance = Twips(600)


def _set_up(document: "Document", mast: Masthead, *, own: bool) -> None:
    """Styles, running head and foot, and properties without a clock."""
    from docx.opc.constants import RELATIONSHIP_TYPE

    _styles(document, own=own)
    facts = [mast.trial_id, mast.cut_title, message("pages.data_to", cutoff=mast.cutoff)]
    facts += [mast.standing, message(f"view.{mast.view}")]
    facts += [message("pages.simulated.loud")] if mast.simulated else []
    page = {"page": ("PAGE", "1"), "pages": ("NUMPAGES", "1")}
    for head, foot in _heads_and_feet(document):
        _last(head, "Header").add_run(legal(" · ".join(facts)))
        add_words(_last(foot, "Footer"), message("pages.page", cut=mast.cut_id, **marks(page)), page)
    properties, at = document.core_properties, datetime.fromisoformat(mast.cutoff)
    properties.title = legal(f"{mast.trial_id}: {mast.cut_title}")
    properties.subject = legal(mast.trial_title)
    properties.author = properties.last_modified_by = properties.comments = properties.keywords = ""
    properties.created = properties.modified = at  # the day after which nothing is known: no clock
    properties.revision, properties.language = 1, _language()
    related = document.part.package.rels
    for name in [n for n, r in related.items() if r.reltype == RELATIONSHIP_TYPE.THUMBNAIL]:
        del related[name]  # the picture of an empty page


def _heads_and_feet(document: "Document") -> "Iterator[tuple[_Header, _Footer]]":
    """Every running head of the first section with its foot: a template may have others on the first and on even pages."""
    section = document.sections[0]
    yield section.header, section.footer
    if section.different_first_page_header_footer:
        yield section.first_page_header, section.first_page_footer
    if document.settings.odd_and_even_pages_header_footer:
        yield section.even_page_header, section.even_page_footer


def _last(story: "_Header | _Footer", style: str) -> "Paragraph":
    """An empty paragraph at the end of a head or foot, below what a template has there."""
    last = story.paragraphs[-1] if story.paragraphs else story.add_paragraph()
    if last.text or last.runs:
        last = story.add_paragraph()
    last._p.style = style
    return last


def _styles(document: "Document", *, own: bool) -> None:
    """Paragraph styles; those that a template has are the sponsor's, and the others are made of its body text."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml.ns import qn

    there = {
        style.name: style for style in document.styles
    }  # asked for one by one, all of them are read each time
    style = partial(_style, document, there, own)
    style("Normal", 10.5, after=6)
    title = style("Title", 22, before=4, after=6, bold=True)
    if own:
        title.element.pPr.remove(title.element.pPr.find(qn("w:pBdr")))
    style("Subtitle", 13, after=10, colour=_GREY)
    style("Heading 1", 17, before=18, after=8, bold=True).paragraph_format.keep_with_next = True
    style("Heading 2", 13, before=14, after=6, bold=True).paragraph_format.keep_with_next = True
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
    footer = style("Footer", 8, colour=_GREY)
    if own:
        footer.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    style(word_table.TEXT, word_table.SIZES[0], before=1.2, after=1.2)
    style(word_table.HEAD, word_table.SIZES[0], before=1.5, after=1.5, bold=True)
    style(word_table.GROUP, word_table.SIZES[0], before=4, after=1.2, bold=True)
    style(word_table.NOTE, 7.5, before=2, colour=_GREY)
    for language in document.styles.element.iter(qn("w:lang")):
        if east := reader().language in _EAST_ASIA:
            language.set(qn("w:eastAsia"), _language())
        # Of Latin letters: by the rules of Chinese a word or a number would be broken anywhere.
        language.set(qn("w:val"), "en-GB" if east else _language())


def _language() -> str:
    """Of the text, as a program that checks spelling knows it."""
    return {"en": "en-GB"}.get(reader().language, tag(reader().language))


def _style(
    document: "Document",
    there: "Mapping[str | None, BaseStyle]",
    ours: bool,
    name: str,
    size: float,
    *,
    before: float = 0,
    after: float = 0,
    colour: str = _INK,
    bold: bool = False,
) -> "ParagraphStyle":
    """A paragraph style of that name, made where there is none; points. One of a template is left as it is."""
    from docx.enum.style import WD_STYLE_TYPE
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    if not ours and name in there:
        return cast("ParagraphStyle", there[name])
    own: Any = there.get(name) or document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    own.font.size, own.font.bold, own.font.italic = Pt(size), bold, False
    own.font.color.rgb = RGBColor.from_string(colour)
    if not ours:
        own.base_style = document.styles["Normal"]  # whose font it has
    else:
        fonts = own.element.get_or_add_rPr().get_or_add_rFonts()
        for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            fonts.attrib.pop(qn(f"w:{theme}"), None)  # a theme's font would win over the named one
        for script, font in {
            **FONTS,
            "eastAsia": _EAST_ASIA.get(reader().language, FONTS["eastAsia"]),
        }.items():
            fonts.set(qn(f"w:{script}"), font)
    own.paragraph_format.space_before, own.paragraph_format.space_after = Pt(before), Pt(after)
    own.paragraph_format.line_spacing = 1.15 if size > 9 else 1.0
    return cast("ParagraphStyle", own)


def marks(fields: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """What stands for a field in a text until it is added."""
    return {name: f"\0{name}\0" for name in fields}


def add_words(paragraph: "Paragraph", said: str, fields: Mapping[str, tuple[str, str]]) -> None:
    """A text with marks of fields of Word, each an instruction and what it shows."""
    for place, text in enumerate(re.split(f"\0({'|'.join(fields)})\0", said)):
        if place % 2:
            _add_field(paragraph, *fields[text])
        elif text:
            paragraph.add_run(legal(text))


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
