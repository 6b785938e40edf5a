"""The PDF: fixed bytes, A4, nothing fetched, and one line where it cannot be made."""

import base64
import builtins
import re
import zlib
from contextlib import suppress

import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from esld.errors import InputError
from esld.pipeline import paper
from esld.pipeline.render import Chapter, Masthead, Report, render
from tests.pipeline.test_render import png

HTML = """<!DOCTYPE html><html lang="en"><head><title>A report</title><style>@page {{ size: A4 }}</style></head>
<body><p>Words.</p>{}</body></html>"""


@pytest.fixture
def made(tmp_path):
    pytest.importorskip("weasyprint", exc_type=ImportError)

    def make(name: str = "report", more: str = "") -> bytes:
        (tmp_path / "report.html").write_text(HTML.format(more), encoding="utf-8")
        paper.write_pdf(tmp_path / "report.html", tmp_path / f"{name}.pdf")
        return (tmp_path / f"{name}.pdf").read_bytes()

    return make


def opened(pdf: bytes) -> bytes:
    """A PDF with its streams inflated beside it: most objects lie in compressed ones."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    inflated = []
    for stream in streams:
        with suppress(zlib.error):
            inflated.append(zlib.decompress(stream))
    assert inflated
    return b"\n".join([pdf, *inflated])


def test_the_same_page_gives_the_same_bytes_without_a_date(made):
    one, two = made("one"), made("two")
    assert one == two
    assert one.startswith(b"%PDF-")
    assert b"WeasyPrint" in opened(one)  # where a date would stand
    assert b"CreationDate" not in opened(one)
    assert b"ModDate" not in opened(one)


def test_it_is_a4(made):
    width, height = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", opened(made())).groups()
    assert float(width) / 72 * 25.4 == pytest.approx(210, abs=0.1)
    assert float(height) / 72 * 25.4 == pytest.approx(297, abs=0.1)


def test_nothing_is_read_but_the_page_itself(made, tmp_path):
    """A picture beside the page, as a hostile verbatim text might name one, is not taken in."""
    inside = made("inside", f'<img alt="" src="data:image/png;base64,{"".join(png(40, 40).split())}">')
    (tmp_path / "secret.png").write_bytes(base64.b64decode(png(40, 40)))
    assert b"/Subtype /Image" in opened(inside)
    assert b"/Subtype /Image" not in opened(made("beside", '<img alt="" src="secret.png">'))


def test_what_a_chapter_cannot_say_is_on_paper(tmp_path):
    """A heading of the PDF's own contents."""
    pytest.importorskip("weasyprint", exc_type=ImportError)
    cell = new_markdown_cell("# Harm\n\n## Question\n\nWho?\n\n## What it cannot say\n\nMuch.")
    mast = Masthead("T", "A trial", "final", "Final", "2026-03-31", "final", "unblinded", False)
    chapter = Chapter("06_safety", "Harm", "Who?", "Some.", new_notebook(cells=[cell]))
    render(Report(mast, "Who?", "Some.", (), (chapter,), (), ()), tmp_path)
    paper.write_pdf(tmp_path / "report.html", tmp_path / "report.pdf")
    assert b"What it cannot say" in opened((tmp_path / "report.pdf").read_bytes())


@pytest.mark.parametrize(
    "error", [ImportError("No module named 'weasyprint'"), OSError("cannot load pango\nSee")]
)
def test_a_missing_extra_is_told_in_one_line(monkeypatch, error):
    real = builtins.__import__

    def broken(name, *rest):
        if name == "weasyprint":
            raise error
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", broken)
    with pytest.raises(
        InputError, match=r"option --pdf needs the extra 'pdf'.*pip install 'esld\[pdf\]'"
    ) as caught:
        paper.require_pdf("en")
    assert "\n" not in str(caught.value)


def test_a_pdf_in_chinese_needs_a_font(monkeypatch):
    paper.require_pdf("zh")  # CI installs one
    monkeypatch.setattr(paper.shutil, "which", lambda _: "/bin/true")  # which lists nothing
    paper.require_pdf("en")
    with pytest.raises(InputError, match=r"needs a font that has the letters of zh.*fonts-noto-cjk"):
        paper.require_pdf("zh")
