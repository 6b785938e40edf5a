"""The report as pages: an index, one page for each chapter, and one page that holds everything, to mail.

Every page stands alone: no script, no font, no request. The same report gives the same bytes.
"""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from esld.pipeline.theme import PAGE_IDS, THEME
from esld.report.words.catalogue import message, reader

if TYPE_CHECKING:
    from jinja2 import Environment
    from nbformat import NotebookNode

_TAKEN = PAGE_IDS | {"index", "report"}  # a slug is a file's name and, on the whole report, an anchor


@dataclass(frozen=True)
class Masthead:
    """The banner of every page.

    Attributes
    ----------
    trial_id, trial_title : str
        As registered.
    cut_id, cut_title : str
        Id and title of the data cut.
    cutoff : str
        ISO date after which nothing is known.
    status : {"draft", "final"}
    view : {"unblinded", "masked", "blinded"}
    simulated : bool
        True shows "SIMULATED DATA" on every screen and every printed sheet.
    notice : str
        One sentence below the banner, plain text; empty for none.
    """

    trial_id: str
    trial_title: str
    cut_id: str
    cut_title: str
    cutoff: str
    status: str
    view: str
    simulated: bool
    notice: str = ""

    def __post_init__(self) -> None:
        for name, allowed in (("status", ("draft", "final")), ("view", ("unblinded", "masked", "blinded"))):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {list(allowed)}, got {getattr(self, name)!r}")
        date.fromisoformat(self.cutoff)


@dataclass(frozen=True)
class Chapter:
    """A chapter: an executed notebook with its place in the story.

    Attributes
    ----------
    slug : str
        File name without ending: letters, digits, ``_`` and single ``-``.
    title, question : str
        Plain text.
    answer : str
        HTML, one or two sentences whose numbers are ``<span class="result" data-result="id">``.
    notebook : NotebookNode
        As papermill returned it; it is not modified.
    """

    slug: str
    title: str
    question: str
    answer: str
    notebook: "NotebookNode"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\w+(-\w+)*", self.slug, re.ASCII):
            raise ValueError(f"slug must be letters, digits, '_' and single '-', got {self.slug!r}")
        if self.slug.casefold() in _TAKEN:
            raise ValueError(f"slug must not be one of {sorted(_TAKEN)}, got {self.slug!r}")


@dataclass(frozen=True)
class Card:
    """One of the headline numbers on the index; plain text throughout."""

    label: str
    value: str
    detail: str
    result_id: str


@dataclass(frozen=True)
class Diagram:
    """The flow of the participants on the index: SVG for a page and for a phone, the same in words, and a note."""

    wide: str
    narrow: str
    alt: str
    note: str = ""


@dataclass(frozen=True)
class Report:
    """Everything that the pages show.

    Attributes
    ----------
    masthead : Masthead
    question : str
        Plain text, one sentence.
    answer : str
        HTML, one or two sentences.
    cards : tuple of Card
    chapters : tuple of Chapter
        In reading order, slugs unique.
    downloads : tuple of (str, str)
        Path relative to the pages' folder, and description.
    made_with : tuple of (str, str)
        What, and hash or version. No clock, no path of a machine.
    assumptions : tuple of (str, str, str)
        What the protocol leaves open, the choice made, the reason.
    diagram : Diagram, optional
        Flow of the participants.
    points : tuple of (str, str)
        What else belongs to the answer: a heading in plain text, and HTML.
    told : tuple of str
        Slugs of chapters whose answers stand in these: the list of chapters has their questions.
    """

    masthead: Masthead
    question: str
    answer: str
    cards: tuple[Card, ...]
    chapters: tuple[Chapter, ...]
    downloads: tuple[tuple[str, str], ...]
    made_with: tuple[tuple[str, str], ...]
    assumptions: tuple[tuple[str, str, str], ...] = ()
    diagram: Diagram | None = None
    points: tuple[tuple[str, str], ...] = ()
    told: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        slugs = [chapter.slug for chapter in self.chapters]
        if len(set(slugs)) < len(slugs):
            raise ValueError(f"slugs of chapters must be unique, got {slugs!r}")


@dataclass(frozen=True)
class Body:
    """A chapter as HTML.

    Attributes
    ----------
    page, whole : str
        For its own page, and for the one that holds all chapters.
    sections : sequence of (str, str)
        Anchor and plain text of each section.
    """

    page: str
    whole: str
    sections: Sequence[tuple[str, str]]


def body_of(chapter: Chapter, slugs: Sequence[str]) -> Body:
    """The body of a chapter, which can be made as soon as the chapter has been executed.

    Parameters
    ----------
    chapter : Chapter
        The chapter.
    slugs : sequence of str
        All chapters of the report, in order.
    """
    from esld.pipeline.theme import fragment

    made = fragment.from_notebook(
        chapter.notebook, question=chapter.question, answer=chapter.answer, slugs=slugs
    )
    return Body(made.html(), fragment.for_one_page(made, slug=chapter.slug, slugs=slugs), made.sections)


def render(report: Report, folder: Path, *, bodies: Mapping[str, Body] | None = None) -> list[Path]:
    """Write the report's pages.

    Parameters
    ----------
    report : Report
    folder : Path
        Created where missing; files of the same names are overwritten.
    bodies : dict of str to Body, optional
        What :func:`body_of` gave for a chapter, where that was asked before.

    Returns
    -------
    list of Path
        ``index.html``, ``<slug>.html`` for each chapter in order, ``report.html``.

    Raises
    ------
    ValueError
        A notebook holds an error output.
    """
    from esld.pipeline.theme import fragment

    slugs = [chapter.slug for chapter in report.chapters]
    made = dict(bodies or {})
    bodies_in_order = [made.get(c.slug) or body_of(c, slugs) for c in report.chapters]
    mast = report.masthead
    lines = {c.slug: escape(c.question) if c.slug in report.told else c.answer for c in report.chapters}
    answers = {slug: fragment.inline(line) for slug, line in lines.items()}
    common: dict[str, Any] = {
        "report": report,
        "mast": mast,
        "status": message(f"status.{mast.status}"),
        "view": message(f"view.{mast.view}"),
        "cutoff": f'<time datetime="{mast.cutoff}">{mast.cutoff}</time>',
        "language": reader().language,
        "answer": fragment.inline(report.answer),
        "answers": answers,
        "points": [(head, fragment.inline(text)) for head, text in report.points],
    }
    pages = {"index": _page("index", **common, heading=message("pages.overview"))}
    for place, (chapter, body) in enumerate(zip(report.chapters, bodies_in_order, strict=True)):
        pages[chapter.slug] = _page(
            "chapter",
            **common,
            heading=chapter.title,
            chapter=chapter,
            sections=body.sections,
            body=body.page,
            before=report.chapters[place - 1] if place else None,
            after=report.chapters[place + 1] if place + 1 < len(slugs) else None,
        )
    whole = {slug: body.whole for slug, body in zip(slugs, bodies_in_order, strict=True)}
    pages["report"] = _page("report", **common, heading=message("pages.whole"), bodies=whole)

    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / f"{name}.html" for name in pages]
    for path, html in zip(written, pages.values(), strict=True):
        path.write_text(html, encoding="utf-8", newline="\n")
    return written


def _page(template: str, **values: Any) -> str:
    return _templates().get_template(f"{template}.html.j2").render(**values)


@cache
def _templates() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    from esld.pipeline.theme.fragment import bind

    environment = Environment(
        loader=FileSystemLoader(THEME / "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals["css"] = Markup((THEME / "style.css").read_text(encoding="utf-8"))
    environment.globals["words"] = message
    environment.filters["bind"] = bind
    environment.filters["svg_address"] = lambda svg: (
        f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"
    )
    environment.filters["css_string"] = lambda text: Markup(_css_string(text))
    return environment


def _css_string(text: str) -> str:
    """Text as a quoted CSS string that can end neither the string nor the style element."""
    return '"' + "".join(c if c.isalnum() or c in " .,:;·_-" else f"\\{ord(c):x} " for c in text) + '"'
