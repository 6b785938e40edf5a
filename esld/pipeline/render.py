"""The report as pages: an index, one page for each chapter, and one page that holds everything, to mail.

Every page stands alone: no script, no font, no request. The same report gives the same bytes.
"""

import re
from base64 import b64encode
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from esld.pipeline.chapters import LAY, TAKEN
from esld.pipeline.exhibits import Exhibits, Shown, address, called, filled, linked, numbered
from esld.pipeline.theme import THEME
from esld.report.dress import bound
from esld.report.passport.leaves import COLUMNS, ENDING, Leaf
from esld.report.words.catalogue import NAMES, message, reader, tag

if TYPE_CHECKING:
    from jinja2 import Environment
    from nbformat import NotebookNode

    from esld.pipeline.theme.fragment import Section


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
    open_queries : bool
        Whether a data query is open, so that a final analysis comes before the database lock.
    editions : tuple of (str, str)
        The same report in other languages: the language, and the address of its front page.
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
    open_queries: bool = False
    editions: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for name, allowed in (
            ("status", ("draft", "final")),
            ("view", ("unblinded", "masked", "blinded", "public")),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {list(allowed)}, got {getattr(self, name)!r}")
        date.fromisoformat(self.cutoff)

    @property
    def standing(self) -> str:
        """The status in words: of a draft that tells groups apart that it is confidential, of a final one with queries so."""
        if self.status == "final":
            return message("status.final.unlocked" if self.open_queries else "status.final")
        return message("status.draft" if self.view == "blinded" else "status.draft.confidential")


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

    @property
    def appended(self) -> bool:
        """Whether it stands in the appendix as a whole."""
        from esld.pipeline.theme.export import is_appended

        return is_appended(self.notebook)

    @property
    def team_only(self) -> bool:
        """Whether it says, in a cell tagged so, that it is not for publication: a report that holds it says so at its head."""
        return any("team-only" in cell.metadata.get("tags", ()) for cell in self.notebook.cells)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\w+(-\w+)*", self.slug, re.ASCII):
            raise ValueError(f"slug must be letters, digits, '_' and single '-', got {self.slug!r}")
        if self.slug.casefold() in TAKEN:
            raise ValueError(f"slug must not be one of {sorted(TAKEN)}, got {self.slug!r}")


@dataclass(frozen=True)
class Card:
    """One of the headline numbers on the index, and the chapter that it is of; plain text throughout."""

    label: str
    value: str
    detail: str
    result_id: str
    chapter: str = ""


@dataclass(frozen=True)
class Diagram:
    """The flow of the participants on the index: SVG for a page and for a phone, the same in words, and a note."""

    wide: str
    narrow: str
    alt: str
    note: str = ""


@dataclass(frozen=True)
class Plain:
    """The page in plain language: its heading as plain text; of each section an anchor, a heading in plain text, and HTML."""

    title: str
    sections: tuple[tuple[str, str, str], ...]


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
    exhibits : dict of str to Exhibit
        Tables and figures by name, as :func:`esld.pipeline.exhibits.numbered` counts them.
    results : dict of str to sequence of str
        By name of a result the tables that show it.
    told : dict of str to str
        By id of a number what it is, plain text.
    points : tuple of (str, str)
        What else belongs to the answer: a heading in plain text, and HTML.
    answered : tuple of str
        Slugs of chapters whose answers stand in these: the list of chapters has their questions.
    lay : Plain, optional
        The page in plain language.
    passports : dict of str to str
        By id of a number the address of its passport.
    leaves : dict of str to Leaf
        By chapter the page of its passports.
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
    exhibits: Exhibits = field(default_factory=dict)
    results: Mapping[str, Sequence[str]] = field(default_factory=dict)
    told: Mapping[str, str] = field(default_factory=dict)
    points: tuple[tuple[str, str], ...] = ()
    answered: tuple[str, ...] = ()
    lay: Plain | None = None
    passports: Mapping[str, str] = field(default_factory=dict)
    leaves: Mapping[str, Leaf] = field(default_factory=dict)

    def parts(self, bodies: Mapping[str, "Body"]) -> list[str]:
        """Slugs of the chapters of which the appendix has something, in its order; its parts are numbered by it."""
        some = [chapter for chapter in self.chapters if bodies[chapter.slug].apart or chapter.appended]
        return [chapter.slug for chapter in sorted(some, key=lambda chapter: chapter.appended)]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a document that holds every chapter says at its head: what of it is not for publication; plain text."""
        said = []
        for chapter in (chapter for chapter in self.chapters if chapter.team_only):
            own = [one for one in self.exhibits.values() if one.slug == chapter.slug]
            parts = ([one for one in own if one.appendix is apart] for apart in (False, True))
            if shown := message("list.comma").join(called(part) for part in parts if part):
                said.append(message("pages.team_only", chapter=chapter.title, exhibits=shown))
        return tuple(said)

    def __post_init__(self) -> None:
        slugs = [chapter.slug for chapter in self.chapters]
        if len(set(slugs)) < len(slugs):
            raise ValueError(f"slugs of chapters must be unique, got {slugs!r}")


@dataclass(frozen=True)
class Body:
    """A chapter as HTML, with places that :func:`esld.pipeline.exhibits.filled` fills.

    Attributes
    ----------
    page, whole, apart : str
        For its own page; for the one that holds all chapters; and what the appendix of that one has of it.
    sections : sequence of Section
        See :class:`esld.pipeline.theme.fragment.Fragment`.
    shown : sequence of Shown
        Tables and figures that it recorded, in order.
    terms : dict of str to str
        Terms that it uses, with what they mean.
    limits : sequence of str
        Paragraphs that say what it cannot.
    """

    page: str
    whole: str
    apart: str
    sections: "Sequence[Section]"
    shown: Sequence[Shown]
    terms: Mapping[str, str]
    limits: Sequence[str] = ()

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Body":
        """The body from what ``dataclasses.asdict`` makes of it, by way of JSON."""
        from esld.pipeline.theme.fragment import Section

        sections, shown = ([*map(Section._make, record["sections"])], [*map(Shown._make, record["shown"])])
        return cls(**{**record, "sections": sections, "shown": shown})


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
        chapter.notebook, question=chapter.question, answer=chapter.answer, slug=chapter.slug, slugs=slugs
    )
    whole, apart = fragment.for_one_page(made, slug=chapter.slug, slugs=slugs)
    return Body(made.html(), whole, apart, made.sections, made.shown, made.terms, made.limits)


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
        ``index.html``, ``<slug>.html`` for each chapter in order, ``plain.html`` if there is one, the pages of passports,
        ``report.html``.

    Raises
    ------
    ValueError
        A notebook holds an error output.
    """
    from esld.pipeline.theme import fragment

    slugs = [chapter.slug for chapter in report.chapters]
    made = dict(bodies or {})
    bodies_in_order = [made.get(c.slug) or body_of(c, slugs) for c in report.chapters]
    titles = {chapter.slug: escape(chapter.title) for chapter in report.chapters}
    named = re.compile(rf'(<a href="#?({"|".join(titles)})(?:\.html)?">)\2(?=</a>)')
    common: dict[str, Any] = _banner(report.masthead) | {
        "report": report,
        "answer": fragment.inline(report.answer),
        "answers": {
            c.slug: "" if c.slug in report.answered else fragment.inline(c.answer) for c in report.chapters
        },
        "points": [(head, fragment.inline(text)) for head, text in report.points],
    }
    terms = {term: said for body in bodies_in_order for term, said in body.terms.items()}
    common["terms"] = sorted(terms.items(), key=lambda one: one[0].casefold())

    def fill(html: str, page: str) -> str:
        html = named.sub(
            lambda found: found[1] + titles[found[2]], html
        )  # a table names a chapter by its slug
        return filled(html, report.exhibits, report.results, report.told, page)

    pages = {
        "index": _page("index", **common, heading=message("pages.overview"), cards=_cards(report, "index")),
        **_chapter_pages(
            report.masthead, report.chapters, bodies_in_order, terms=common["terms"], leaves=report.leaves
        ),
    }
    pages = {name: linked(fill(html, name), report.passports) for name, html in pages.items()}
    if report.lay:  # what a number is in the words of the trade is not told on hover there
        pages[LAY] = _page(LAY, **common, heading=report.lay.title, page=report.lay)
    whole = dict(zip(slugs, bodies_in_order, strict=True))
    made_whole = _page(
        "report",
        **common,
        heading=message("pages.whole"),
        bodies=whole,
        order=report.parts(whole),
        cards=_cards(report, ""),
    )
    pages |= {f"{slug}{ENDING}": _records_page(report, slug) for slug in slugs if slug in report.leaves}
    return _written(pages | {"report": fill(_with_parts(made_whole, report, whole), "")}, folder)


def _records_page(report: Report, slug: str) -> str:
    title = next(chapter.title for chapter in report.chapters if chapter.slug == slug)
    heading, leaf = message("passport.title", chapter=title), report.leaves[slug]
    about = {"heading": heading, "slug": slug, "title": title, "leaf": leaf, "columns": COLUMNS}
    return _page("records", **_banner(report.masthead), **about)


def _with_parts(html: str, report: Report, bodies: Mapping[str, Body]) -> str:
    """The page that holds everything, where whatever leads to a part of the appendix says its number."""
    for number, slug in enumerate(report.parts(bodies), 1):
        said = escape(message("pages.in_part", number=number))
        html = html.replace(
            f'<span class="part" data-slug="{slug}"></span>', f'<span class="part">{said}</span>'
        )
    return html


def render_alone(
    masthead: Masthead,
    chapters: Sequence[Chapter],
    bodies: Mapping[str, Body],
    folder: Path,
    *,
    titles: Mapping[str, str],
) -> list[Path]:
    """Write pages of chapters without a report around them, in their order; parameters as of :func:`render`.

    `titles` are those of the tables and figures that the chapters recorded, by name: they are numbered among themselves.
    """
    own = [bodies[chapter.slug] for chapter in chapters]
    counted = numbered({c.slug: body.shown for c, body in zip(chapters, own, strict=True)}, titles)
    pages = _chapter_pages(masthead, chapters, own, alone=True)
    return _written(
        {page: filled(html, counted, {}, {}, page, files=False) for page, html in pages.items()}, folder
    )


def _banner(mast: Masthead) -> dict[str, Any]:
    return {
        "mast": mast,
        "status": mast.standing,
        "view": message(f"view.{mast.view}"),
        "cutoff": f'<time datetime="{mast.cutoff}">{mast.cutoff}</time>',
        "language": tag(reader().language),
    }


def _chapter_pages(
    mast: Masthead,
    chapters: Sequence[Chapter],
    bodies: Sequence[Body],
    *,
    terms: Sequence[tuple[str, str]] = (),
    alone: bool = False,
    leaves: Container[str] = (),
) -> dict[str, str]:
    around = [None, *chapters, None]
    return {
        chapter.slug: _page(
            "chapter",
            **_banner(mast),
            chapters=chapters,
            terms=terms,
            alone=alone,
            heading=chapter.title,
            chapter=chapter,
            sections=body.sections,
            body=body.page,
            records=f"{chapter.slug}{ENDING}.html" if chapter.slug in leaves else "",
            before=before,
            after=after,
        )
        for before, chapter, after, body in zip(around, chapters, around[2:], bodies, strict=False)
    }


def _written(pages: Mapping[str, str], folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.html" for name in pages]
    for path, html in zip(paths, pages.values(), strict=True):
        path.write_text(html, encoding="utf-8", newline="\n")
    return paths


def _cards(report: Report, page: str) -> list[tuple[Card, str]]:
    """Each card, and where its number is shown: the first table of its own chapter that has it, or the chapter."""
    slugs = {chapter.slug for chapter in report.chapters}
    found = []
    for card in report.cards:
        tables = (
            report.exhibits.get(name) for name in report.results.get(card.result_id.partition(".")[0], ())
        )
        own = next((one for one in tables if one and one.slug == card.chapter), None)
        chapter = f"{card.chapter}.html" if page else f"#{card.chapter}"
        found.append((card, address(own, page) if own else chapter if card.chapter in slugs else ""))
    return found


def _page(template: str, **values: Any) -> str:
    return _templates().get_template(f"{template}.html.j2").render(**values)


@cache
def _templates() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(THEME / "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals["css"] = Markup((THEME / "style.css").read_text(encoding="utf-8"))
    environment.globals["css_of"] = lambda language: Markup(_css_of(language))
    environment.globals["words"] = message
    environment.globals["names"] = NAMES
    environment.filters["bind"] = bound
    environment.filters["svg_address"] = lambda svg: (
        f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"
    )
    environment.filters["css_string"] = lambda text: Markup(_css_string(text))
    environment.globals["page_of"] = lambda cut: Markup(_page_of(cut))
    return environment


def _css_of(language: str) -> str:
    """What the stylesheet has for a language alone."""
    own = THEME / f"style.{language}.css"
    return own.read_text(encoding="utf-8") if own.is_file() else ""


def _page_of(cut: str) -> str:
    """What stands at the foot of a printed page: text, with the counters of the stylesheet in their places."""
    said = message("pages.page", cut=cut, page="\0page\0", pages="\0pages\0")
    parts = (f"counter({t})" if i % 2 else _css_string(t) for i, t in enumerate(said.split("\0")) if t)
    return " ".join(parts)


def _css_string(text: str) -> str:
    """Text as a quoted CSS string that can end neither the string nor the style element."""
    return '"' + "".join(c if c.isalnum() or c in " .,:;·_-" else f"\\{ord(c):x} " for c in text) + '"'
