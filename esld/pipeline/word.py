"""The report as a Word document: what each chapter answers, and its tables and figures in the order it shows them.

The same report gives the same bytes.
"""

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from esld.pipeline.exhibits import Exhibit, filled
from esld.pipeline.render import Chapter, Report
from esld.pipeline.word_style import add_words, marks, prepared, room_of
from esld.report.dress import bound
from esld.report.dress import word as word_table
from esld.report.tables import Table
from esld.report.words.catalogue import message

if TYPE_CHECKING:
    from docx.document import Document
    from docx.text.paragraph import Paragraph

WORD = "report.docx"
_HIGHEST = 11400  # twips of a figure, so that its caption stays on its page
_EMU = 635  # per twip
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Figure:
    """A figure on file: what it shows, the words for those who do not see it, its PNG, and what its marks are."""

    id: str
    title: str
    alt: str
    png: Path
    legend: str = ""


Recorded = Table | Figure


def write_word(
    report: Report,
    recorded: Mapping[str, Recorded],
    path: Path,
    template: Path | None = None,
    *,
    limits: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Write the report as a Word document.

    Parameters
    ----------
    report : Report
        As it is rendered to HTML; of the chapters titles, questions and answers are taken, and the tables and figures
        that their pages show, under the same numbers.
    recorded : dict of str to Table or Figure
        By the name under which the report counts them.
    path : Path
        The ``.docx`` file; overwritten.
    template : Path, optional
        A document whose styles, page, head and foot are taken; see :mod:`esld.pipeline.word_style`.
    limits : dict of str to sequence of str, optional
        By chapter the paragraphs, as HTML, that say what it cannot; they end its part of the text.
    """
    document = prepared(report.masthead, template)
    limits = limits or {}
    _front(document, report)
    text = [chapter for chapter in report.chapters if not chapter.appended]
    for number, chapter in enumerate(text, 1):
        _add_chapter(document, report, chapter, recorded, number, appendix=False)
        _add_limits(document, report, limits.get(chapter.slug, ()))
    _turn(document, across=False)
    last = len(text) + 1
    heading = _paragraph(document, "Heading 1")
    heading.paragraph_format.page_break_before = True
    _bookmarked(heading, message("pages.appendix"), last)
    for chapter in report.chapters:
        shown = any(one.appendix and one.slug == chapter.slug for one in report.exhibits.values())
        if chapter.appended or shown:
            _add_chapter(document, report, chapter, recorded, 0, appendix=True)
            _add_limits(document, report, limits.get(chapter.slug, ()) if chapter.appended else ())
    _turn(document, across=False)
    heading = _paragraph(document, "Heading 1")
    _bookmarked(heading, message("pages.made"), last + 1)
    _facts(document, report.made_with)
    buffer = io.BytesIO()
    document.save(buffer)
    path.write_bytes(settled(buffer.getvalue()))


def _add_chapter(
    document: "Document",
    report: Report,
    chapter: Chapter,
    recorded: Mapping[str, Recorded],
    number: int,
    *,
    appendix: bool,
) -> None:
    """A chapter with its tables and figures of the text, or of the appendix, where it has no number of its own."""
    _turn(document, across=False)
    if appendix:
        _paragraph(document, "Heading 2", chapter.title)
    else:
        _bookmarked(_paragraph(document, "Heading 1"), chapter.title, number)
    if chapter.appended or not appendix:
        if chapter.question:
            _paragraph(document, "Question", chapter.question)
        if chapter.answer:
            _add_html(_paragraph(document, "Answer"), chapter.answer)
    titles = {one.slug: one.title for one in report.chapters}
    for name, exhibit in report.exhibits.items():
        if exhibit.slug != chapter.slug or exhibit.appendix is not appendix:
            continue
        shown = recorded[name]
        if isinstance(shown, Table):
            _add_table(document, shown.saying(titles), exhibit)
        else:
            _add_figure(document, shown, exhibit)


def _add_limits(document: "Document", report: Report, paragraphs: Sequence[str]) -> None:
    """What a chapter cannot say, under a heading of its own."""
    if not paragraphs:
        return
    _turn(document, across=False)
    _paragraph(document, "Contents Head", message("word.limits")).paragraph_format.keep_with_next = True
    for html in paragraphs:
        _add_html(_paragraph(document, "Normal"), filled(html, report.exhibits, report.results, {}, ""))


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


def _front(document: "Document", report: Report) -> None:
    """The first page: what report this is, its question and answer, and the chapters."""
    mast = report.masthead
    _paragraph(document, "Title", mast.trial_title)
    _paragraph(document, "Subtitle", mast.cut_title)
    if mast.simulated:
        _paragraph(document, "Alarm", message("word.alarm"))
    if mast.notice:
        _paragraph(document, "Notice", mast.notice)
    for warning in report.warnings:
        _paragraph(document, "Alarm", warning)
    facts = {"trial": mast.trial_id, "cut": mast.cut_id, "cutoff": mast.cutoff}
    facts |= {"status": mast.standing, "view": message(f"view.{mast.view}")}
    _facts(document, [(message(f"word.{what}"), which) for what, which in facts.items()])
    _paragraph(document, "Contents Head", message("word.question"))
    _paragraph(document, "Question", report.question)
    _add_html(_paragraph(document, "Answer"), report.answer)
    for head, text in report.points:
        paragraph = _paragraph(document, "Normal")
        paragraph.paragraph_format.keep_together = True
        _add_html(paragraph, message("summary.point", head=head, text=text))
    _paragraph(document, "Contents Head", message("pages.contents"))
    titles = [chapter.title for chapter in report.chapters if not chapter.appended]
    titles += [message("pages.appendix"), message("pages.made")]
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


def _add_table(document: "Document", table: Table, exhibit: Exhibit) -> None:
    """Caption, table and notes; on a page laid across where it would not fit otherwise."""
    upright, wide = (room_of(document, across=across) for across in (False, True))
    fits = (
        (across, size, word_table.column_widths(table, room, size))
        for across, room in ((False, upright), (True, wide))
        for size in word_table.SIZES
    )
    across, size, widths = next((f for f in fits if f[2]), (True, word_table.SIZES[-1], None))
    widths = widths or word_table.squeezed_widths(table, wide, size)
    _turn(document, across=across)
    _add_caption(document, exhibit).paragraph_format.keep_with_next = True
    document.element.body.insert_element_before(word_table.table_element(table, widths, size), "w:sectPr")
    for position, note in enumerate(table.footnotes, 1):
        below = _paragraph(document, word_table.NOTE, bound(note))
        below.paragraph_format.keep_with_next = position < len(table.footnotes)


def _add_figure(document: "Document", figure: Figure, exhibit: Exhibit) -> None:
    from docx.shared import Emu, Pt

    _turn(document, across=False)
    paragraph = _paragraph(document, "Figure")
    shape = paragraph.add_run().add_picture(str(figure.png))
    room = room_of(document, across=False)
    scale = min(1.0, room * _EMU / shape.width, _HIGHEST * _EMU / shape.height)
    shape.width, shape.height = Emu(int(shape.width * scale)), Emu(int(shape.height * scale))
    about = shape._inline.docPr
    about.set("name", exhibit.called)
    about.set("descr", word_table.legal(figure.alt))
    about.set("id", str(len(document.inline_shapes)))
    caption = _add_caption(document, exhibit)
    caption.paragraph_format.space_before, caption.paragraph_format.space_after = Pt(4), Pt(10)
    if figure.legend:
        caption.paragraph_format.keep_with_next, caption.paragraph_format.space_after = True, Pt(2)
        _paragraph(document, word_table.NOTE, bound(figure.legend)).paragraph_format.space_after = Pt(10)


def _add_caption(document: "Document", exhibit: Exhibit) -> "Paragraph":
    """Number and title; the number is a field, so that a list of tables can be made of them, and shows ours until updated."""
    caption = _paragraph(document, "Caption")
    label = f"{exhibit.kind.capitalize()}{'_A' if exhibit.appendix else ''}"
    fields = {"number": (f"SEQ {label} \\* ARABIC", str(exhibit.count))}
    add_words(caption, replace(exhibit, count=marks(fields)["number"]).headed, fields)
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

    soup = BeautifulSoup(html, "html.parser")
    for text in soup.find_all(string=True):
        run = paragraph.add_run(word_table.legal(bound(re.sub(r"\s+", " ", text))))
        around = {parent.name for parent in text.parents}
        run.bold = bool(around & {"strong", "b"}) or None
        run.italic = bool(around & {"em", "i"}) or None
        if "sup" in around:  # set to none, the one would unset the other
            run.font.superscript = True
        elif "sub" in around:
            run.font.subscript = True


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
