"""One executed notebook as a clean piece of HTML: sections, dressed tables and figures, folded code, nothing fetched."""

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from bs4 import BeautifulSoup, Tag
from bs4.element import PreformattedString

from esld.pipeline.exhibits import APPENDIX, Shown
from esld.pipeline.prose import anchor_of
from esld.pipeline.theme import PAGE_IDS, places
from esld.pipeline.theme.export import coloured, exported
from esld.pipeline.theme.places import words_of
from esld.report import glossary
from esld.report.dress import bound
from esld.report.words.catalogue import message

if TYPE_CHECKING:
    from nbformat import NotebookNode


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What a chapter may bring to its page. Whatever is not listed goes: an element that is only unknown leaves its text, one whose
# content is no text goes with it.
_TAGS = _words(
    "a abbr article b blockquote br caption cite code col colgroup dd del details dfn div dl dt em figcaption figure "
    "h1 h2 h3 h4 h5 h6 hr i img input ins kbd label li mark ol p picture pre q s samp section small source span "
    "strong sub summary sup table tbody td tfoot th thead time tr u ul var wbr"
)
_NO_TEXT = _words(
    "script style link meta base iframe frame frameset object embed applet param template noscript noembed noframes "
    "math audio video canvas textarea title select option head xml plaintext xmp listing portal slot"
)
_ATTRIBUTES = _words(
    "alt checked class colspan datetime dir disabled for headers height href id lang media open role rowspan scope "
    "span src srcset start style tabindex title type value width"
)
_PICTURE = re.compile(r"data:image/[\w.+-]+(?:;base64)?,[\w+/=%.~-]*")  # one, and in itself
_STYLE = re.compile(
    r"(?:\s*(?:--[\w-]+|text-align|vertical-align|white-space|font-weight|font-style|color|background-color|(?:min-|max-)?(?:width|height))"
    r"\s*:\s*['\"#.%\w\s,()-]*;?)*\s*"
)
_REFERENCES = ("headers", "aria-labelledby", "aria-describedby", "aria-controls", "aria-details", "for")
_QUESTION = "question"  # anchor of the section of a chapter that asks
_LIMITS = "what-it-cannot-say"  # and of that which says what it cannot
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


class Section(NamedTuple):
    """A heading for the contents: anchor, plain text, and the headings one level below, likewise."""

    anchor: str
    title: str
    parts: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Fragment:
    """A chapter's body, ready to be set into a page.

    Attributes
    ----------
    soup : BeautifulSoup
        The body: ``section`` elements, one for each second-level heading.
    sections : tuple of Section
        Each second-level heading, in order.
    shown : tuple of Shown
        Tables and figures that the chapter recorded, in order.
    terms : dict of str to str
        What it explains: terms with their explanations, as plain text.
    limits : tuple of str
        HTML of each paragraph that says what the chapter cannot.
    """

    soup: BeautifulSoup
    sections: "tuple[Section, ...]"
    shown: tuple[Shown, ...] = ()
    terms: Mapping[str, str] = field(default_factory=dict)
    limits: tuple[str, ...] = ()

    def html(self) -> str:
        """The body as text, its code coloured."""
        return coloured(self.soup.decode())


def from_notebook(
    notebook: "NotebookNode", *, question: str, answer: str, slug: str = "", slugs: Iterable[str] = ()
) -> Fragment:
    """Body of a chapter page.

    Parameters
    ----------
    notebook : NotebookNode
        Executed; it is not modified. An error output raises: a failed run must not look like a report.
    question : str
        Plain text; opens the chapter where the notebook has no section "Question".
    answer : str
        HTML; stands under the question, unless the notebook already shows the same words there.
    slug : str
        Of the chapter.
    slugs : iterable of str
        Chapters of the report: a table cell that names one leads to its page.
    """
    soup = _cleaned(exported(notebook))
    _tell_language(soup)
    for number, heading in enumerate(soup.find_all("h1")):
        if number:
            heading.name = "h2"
        else:
            heading.decompose()  # the page's own heading is the chapter's title
    if not any((h.get("id") or anchor_of(h.get_text())) == _QUESTION for h in soup.find_all("h2")):
        heading, paragraph = soup.new_tag("h2"), soup.new_tag("p")
        heading.string, paragraph.string = message("pages.question"), question
        heading["id"] = _QUESTION
        soup.insert(0, heading, paragraph)
    for table in soup.select("table:not(figure.table table)"):
        _dress_table(soup, table)
    _link_chapters(soup, frozenset(slugs))
    for heading in soup.find_all(_HEADINGS):
        heading["id"] = heading.get("id") or anchor_of(heading.get_text())
    _make_ids_unique(soup)
    terms = places.explain(soup)
    for box in soup.select("div.prose"):
        box.unwrap()
    places.number(soup)
    places.fold(soup)
    _divide(soup)
    _lead(soup, answer)
    places.refer(soup, slug)
    shown = (
        Shown(str(e["data-exhibit"]), str(e["id"]), e.find_parent("details", class_=APPENDIX) is not None)
        for e in soup.select("figure[data-exhibit][id]")
    )
    prose = " ".join(text for text in soup.find_all(string=True) if text.find_parent("pre") is None)
    said = soup.select(f"section.is-{_LIMITS} :is(p, li)")
    limits = tuple(own.decode_contents() for own in said if not own.find_parent(("figure", "details")))
    return Fragment(soup, sections_of(soup), tuple(shown), glossary.used_in(prose) | terms, limits)


def inline(html: str) -> str:
    """A sentence with its spans, cleaned like a chapter's body."""
    return _cleaned(html).decode()


def for_one_page(fragment: Fragment, *, slug: str, slugs: Iterable[str]) -> tuple[str, str]:
    """HTML of the same chapter for the page that holds them all, and of what its appendix has of the chapter.

    Anchors become ``slug--anchor``, headings go down one level, and links lead to where the target now is; a link
    to a file beside the report becomes text, because the page is made to be mailed alone.
    """
    soup = copy(fragment.soup)
    for level in range(5, 0, -1):
        for heading in soup.find_all(f"h{level}"):
            heading.name = f"h{level + 1}"
    own = {str(tag["id"]): f"{slug}--{tag['id']}" for tag in soup.find_all(id=True)}
    for tag in soup.find_all(id=True):
        tag["id"] = own[str(tag["id"])]
    for tag in soup.find_all(True):
        _redirect(tag, own)
    known = set(slugs)
    for link in soup.find_all("a", href=True):
        address = str(link["href"])
        page, _, anchor = address.partition("#")
        chapter = page.removesuffix(".html")
        if chapter in known:
            link["href"] = f"#{chapter}--{anchor}" if anchor else f"#{chapter}"
        elif page == "index.html":
            link["href"] = "#top"
        elif page:
            _unlink(link)
    apart = places.moved_apart(soup, slug)
    return coloured(soup.decode()), coloured(apart.decode())


def sections_of(soup: BeautifulSoup) -> tuple[Section, ...]:
    found: list[tuple[str, str, list[tuple[str, str]]]] = []
    for heading in soup.find_all(("h2", "h3")):
        anchor, title = str(heading["id"]), heading.get_text().strip()
        if heading.name == "h2":
            found.append((anchor, title, []))
        elif found and heading.find_parent("details") is None:
            found[-1][2].append((anchor, title))
    return tuple(Section(*one) for one in found)


def _cleaned(html: str) -> BeautifulSoup:
    """Parsed HTML that fetches nothing, runs nothing and brings no styles but harmless ones: only what is listed stays."""
    soup = BeautifulSoup(html, "html.parser")
    for apart in soup.find_all(string=lambda text: isinstance(text, PreformattedString)):
        apart.extract()  # comments and declarations, in which a browser may see elements
    for drawing in soup.find_all("svg"):
        _as_picture(soup, drawing)
    for tag in soup.find_all(_NO_TEXT):
        tag.decompose()
    for tag in soup.find_all(True):
        if tag.name not in _TAGS:
            tag.unwrap()
            continue
        tag.attrs = {name: value for name, value in tag.attrs.items() if _may_stay(name, str(value))}
        if not _leads_on(str(tag.get("href", ""))):
            _unlink(tag)
    for text in soup.find_all(string=re.compile(" [%C=<>×]")):
        if text.find_parent(["pre", "code"]) is None:
            text.replace_with(bound(text))
    return soup


def _as_picture(soup: BeautifulSoup, drawing: Tag) -> None:
    """A drawing among the text is shown as a picture, in which nothing runs."""
    if drawing.find_parent("svg") is None:
        title = drawing.find("title")
        alt = str(drawing.get("aria-label", "")) or (title.get_text() if title else "")
        drawing["xmlns"] = "http://www.w3.org/2000/svg"
        coded = b64encode(str(drawing).encode()).decode()
        drawing.replace_with(
            soup.new_tag("img", attrs={"src": f"data:image/svg+xml;base64,{coded}", "alt": alt})
        )


def _may_stay(name: str, value: str) -> bool:
    if name == "style":
        return _STYLE.fullmatch(value) is not None and "url" not in value.lower()
    if name in ("src", "srcset"):
        return _PICTURE.fullmatch(value) is not None
    return name in _ATTRIBUTES or name.startswith(("aria-", "data-"))


def _leads_on(address: str) -> bool:
    """Whether a link stays in the report: no scheme and no place on a machine, as a browser reads it."""
    return not re.match(r"[a-z][a-z0-9+.-]*:|[/\\]", re.sub(r"[\x00-\x20]", "", address), re.IGNORECASE)


def _unlink(link: Tag) -> None:
    """A link that leads nowhere offline becomes its text, with the address readable."""
    address, text = str(link.get("href", "")), link.get_text().strip()
    link.attrs.clear()
    link.name = "span"
    if re.match(r"https?:|mailto:|[\w./-]+$", address) and address not in (text, f"mailto:{text}"):
        link.append(f" ({address})")


def _dress_table(soup: BeautifulSoup, table: Tag) -> None:
    """A box of its own for a table that is none of ours, such as a DataFrame: it scrolls, its caption does not."""
    figure = soup.new_tag("figure", attrs={"class": "table"})
    table.replace_with(figure)
    name = message("pages.table")
    if own := table.caption:
        caption, title = soup.new_tag("figcaption"), soup.new_tag("p", attrs={"class": "title"})
        name = message("pages.table.titled", title=" ".join(own.get_text(" ").split()))
        title.extend(list(own.contents))
        own.decompose()
        caption.append(title)
        figure.append(caption)
    box = soup.new_tag("div", attrs={"class": "scroll", "role": "group", "tabindex": "0", "aria-label": name})
    figure.append(box)
    box.append(table)
    table.attrs.pop("border", None)


def _tell_language(soup: BeautifulSoup) -> None:
    """Headings of translated prose have the addresses of those that they translate; what is not translated says its language."""
    for box in soup.select("div.prose[data-anchors]"):
        for heading, anchor in zip(
            box.find_all(_HEADINGS), words_of(box, "data-anchors").split(), strict=False
        ):
            heading["id"] = anchor
    for box in soup.select("div.prose[data-lang]"):
        for own in box.find_all(True, recursive=False):
            own["lang"] = str(box["data-lang"])


def _link_chapters(soup: BeautifulSoup, slugs: frozenset[str]) -> None:
    """Where a table cell lists chapters, each name leads to its page; the words of the cell stay as they are."""
    comma = message("list.comma")
    for cell in soup.select("tbody td"):
        names = cell.get_text().strip().split(comma)
        if not slugs.intersection(names) or cell.find(True) is not None:
            continue
        cell.clear()
        for place, name in enumerate(names):
            if place:
                cell.append(comma)
            if name in slugs:
                link = soup.new_tag("a", href=f"{name}.html")
                link.string = name
                cell.append(link)
            else:
                cell.append(name)


def _make_ids_unique(soup: BeautifulSoup) -> None:
    """Number repeated anchors; a reference follows the anchor of its own cell first."""
    taken, anywhere = set(PAGE_IDS), dict[str, str]()
    cells = soup.find_all(True, recursive=False)
    for cell in cells:
        own: dict[str, str] = {}
        for tag in [cell, *cell.find_all(True)]:
            if (old := str(tag.get("id", ""))) == "":
                continue
            new, number = old, 2
            while new in taken:
                new, number = f"{old}-{number}", number + 1
            taken.add(new)
            tag["id"] = own[old] = new
        for tag in cell.find_all(True):
            _redirect(tag, own, local_only=True)
        for old, new in own.items():
            anywhere.setdefault(old, new)
    for link in soup.select('a[href^="#"]'):
        link["href"] = "#" + anywhere.get(str(link["href"])[1:], str(link["href"])[1:])


def _redirect(tag: Tag, ids: Mapping[str, str], *, local_only: bool = False) -> None:
    """Point a tag's references at the new anchors."""
    for name in _REFERENCES:
        if name in tag.attrs:
            tag[name] = " ".join(ids.get(word, word) for word in words_of(tag, name).split())
    address = str(tag.get("href", ""))
    if not local_only and address.startswith("#"):
        tag["href"] = "#" + ids.get(address[1:], address[1:])


def _divide(soup: BeautifulSoup) -> None:
    """Each second-level heading with what follows it becomes a section."""
    section: Tag | None = None
    for node in list(soup.contents):
        if isinstance(node, Tag) and node.name == "h2":
            section = soup.new_tag("section", attrs={"class": f"is-{node.get('id')}"})
            node.insert_before(section)
        if section is not None and node is not section:
            section.append(node)


def _says(paragraph: Tag, words: BeautifulSoup) -> bool:
    return paragraph.get_text().split() == words.get_text().split()


def _lead(soup: BeautifulSoup, answer: str) -> None:
    """Question and answer open the chapter, larger than the rest; where it was made the answer does not stand again."""
    section = soup.select_one("section.is-question")
    words = _cleaned(answer)
    if section is None:
        return
    elsewhere = (p for p in soup.find_all("p") if p.find_parent("section") is not section)
    for paragraph in elsewhere if answer.strip() else ():
        if _says(paragraph, words):
            paragraph.decompose()
    paragraphs = section.find_all("p", recursive=False)
    for paragraph in paragraphs[:1]:
        paragraph["class"] = "question"
    for paragraph in paragraphs[1:]:
        if _says(paragraph, words):
            paragraph["class"] = "answer"
            return
    if words.get_text().strip():
        lead = soup.new_tag("p", attrs={"class": "answer"})
        lead.extend(list(words.contents))
        code = section.find("details", class_="code", recursive=False)
        section.insert(section.index(code) if isinstance(code, Tag) else len(section.contents), lead)
