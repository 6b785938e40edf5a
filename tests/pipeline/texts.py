"""What a reader of a published report reads, hears and meets on paper, in pieces."""

import re
import zipfile
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from bs4 import BeautifulSoup

# Elements in which a text goes on; any other begins a new one.
_INLINE = frozenset({"a", "abbr", "b", "dfn", "em", "i", "span", "strong", "sub", "sup", "time"})


def texts_of_page(path: Path) -> Iterator[str]:
    """What a reader of a page reads, hears and meets on paper, in pieces."""
    soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    yield from re.findall(
        r'(?:content|--\w+): "((?:[^"\\]|\\.)*)"', soup.head.style.get_text().rpartition("@page {")[2]
    )
    for block in soup.select(
        "style, pre.source, code, .is-question > h2, .is-question > h3, dl.assumptions dt, a[href$='#question']"
    ):
        block.decompose()
    for tag in soup.find_all(True):
        yield from (str(tag.get(name, "")) for name in ("alt", "aria-label"))
        for name in ("src", "srcset"):
            kind, _, content = str(tag.get(name, "")).partition(";base64,")
            if kind == "data:image/svg+xml":
                yield from texts_of_svg(b64decode(content).decode())
        if tag.name not in _INLINE:
            tag.insert(0, "\0")
            tag.append("\0")
    yield from soup.get_text().split("\0")


def texts_of_svg(content: str) -> Iterator[str]:
    """Title and texts of a drawing; the lines of one text stand one after the other."""
    own = (
        tag
        for tag in ElementTree.fromstring(content).iter()
        if tag.tag.rpartition("}")[2] in ("title", "desc", "text")
    )
    yield " ".join("".join(tag.itertext()) for tag in own)


def texts_of_word(path: Path) -> Iterator[str]:
    """Every paragraph of every part, and what describes its pictures, its tables and the file."""
    with zipfile.ZipFile(path) as archive:
        parts = [
            name
            for name in archive.namelist()
            if re.match(r"word/(document|header|footer)|docProps/core", name)
        ]
        roots = [ElementTree.fromstring(archive.read(name)) for name in parts]
    for root in roots:
        for paragraph in root.iterfind(".//{*}p"):
            yield "".join(
                " " if own.tag.endswith("}tab") else own.text or ""
                for own in paragraph.iter()
                if own.tag.endswith(("}t", "}tab"))
            )
        for about in root.iterfind(".//{*}docPr"):
            yield from (about.get("name", ""), about.get("descr", ""))
        for caption in root.iterfind(".//{*}tblCaption"):
            yield from caption.attrib.values()
        for name in ("title", "subject", "description", "keywords"):
            yield from (own.text or "" for own in root.iterfind(f".//{{*}}{name}"))


READ = {
    "pages": ("*.html", texts_of_page),
    "figures": ("figures/*.svg", lambda path: texts_of_svg(path.read_text(encoding="utf-8"))),
    "word": ("*.docx", texts_of_word),
}
