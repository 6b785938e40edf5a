"""Tables and figures as a report counts them: numbered here and nowhere else, alike on the pages, on paper and in Word.

A page is made before the numbers are known, since chapters end in any order. It holds places (``data-exhibit``,
``data-exhibits``, ``data-results``) that :func:`filled` fills once every chapter is there.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape, unescape
from typing import NamedTuple
from urllib.parse import quote

from esld.report.words.catalogue import message

TABLE, FIGURE = "table", "figure"
APPENDIX = "appendix"  # tag of a cell, class of a fold, anchor of the part


class Shown(NamedTuple):
    """A table or figure on the page of its chapter: name (``tables/milestone``), anchor, and whether the appendix has it."""

    name: str
    anchor: str
    appendix: bool


@dataclass(frozen=True)
class Exhibit:
    """A table or figure with its number.

    Attributes
    ----------
    name : str
        ``tables/<id>`` or ``figures/<id>``.
    slug, anchor : str
        Chapter that shows it, and where on its page.
    count : int or str
        The how-manieth it is of its kind, in the text or in the appendix; or what stands for that.
    title : str
        What it shows, as plain text.
    appendix : bool
        Whether it stands in the appendix.
    """

    name: str
    slug: str
    anchor: str
    count: int | str
    title: str
    appendix: bool

    @property
    def number(self) -> str:
        """``3``, or ``A3`` in the appendix."""
        return message("exhibit.appended", number=self.count) if self.appendix else str(self.count)

    @property
    def headed(self) -> str:
        """``Table 3. Survival by a fixed day``."""
        return message("exhibit.titled", called=self.called, title=self.title)

    @property
    def kind(self) -> str:
        """``table`` or ``figure``."""
        return TABLE if self.name.startswith("tables/") else FIGURE

    @property
    def called(self) -> str:
        """``Table 3``."""
        return message(f"exhibit.{self.kind}", number=self.number)

    @property
    def whole_anchor(self) -> str:
        """Where it stands on the page that holds everything."""
        return f"{self.slug}--{self.anchor}"


Exhibits = Mapping[str, Exhibit]


def numbered(
    shown: Mapping[str, Sequence[Shown]], titles: Mapping[str, str], appended: Iterable[str] = ()
) -> dict[str, Exhibit]:
    """Tables and figures by name, in reading order: first those of the text, then those of the appendix.

    Parameters
    ----------
    shown : dict of str to sequence of Shown
        By chapter, in order, what its page shows.
    titles : dict of str to str
        By name, of what was recorded; what was not is no exhibit.
    appended : iterable of str
        Chapters that stand in the appendix as a whole.
    """
    whole = set(appended)
    each = [(slug, one, one.appendix or slug in whole) for slug, own in shown.items() for one in own]
    counts: dict[tuple[str, bool], int] = {}
    found: dict[str, Exhibit] = {}
    for slug, one, apart in sorted(each, key=lambda e: (e[2], e[0] in whole)):
        if one.name not in titles or one.name in found:
            continue
        kind = one.name.partition("/")[0]
        counts[kind, apart] = count = counts.get((kind, apart), 0) + 1
        found[one.name] = Exhibit(one.name, slug, one.anchor, count, titles[one.name], apart)
    return found


def called(some: Sequence[Exhibit]) -> str:
    """What several are called: ``Tables A1 to A3``, or with the title where it is one alone."""
    if len(some) == 1:
        return some[0].headed
    runs = []
    for kind in (FIGURE, TABLE):
        own = [one for one in some if one.kind == kind]
        if len(own) == 1:
            runs.append(own[0].called)
        elif own:
            runs.append(message(f"exhibit.{kind}s", first=own[0].number, last=own[-1].number))
    return message("list.comma").join(runs)


def filled(
    html: str,
    exhibits: Exhibits,
    results: Mapping[str, Sequence[str]],
    told: Mapping[str, str],
    page: str,
    *,
    files: bool = True,
) -> str:
    """A page with its numbers, the links to tables and figures, and what each number of its prose is.

    Parameters
    ----------
    html : str
        With places.
    exhibits : dict of str to Exhibit
        By name.
    results : dict of str to sequence of str
        By name of a result the tables that show it.
    told : dict of str to str
        By id of a number what it is, as plain text.
    page : str
        Slug of the chapter; empty for the page that holds everything, beside which there are no files.
    files : bool
        Whether the files of the tables lie beside the page.
    """

    def number(found: re.Match[str]) -> str:
        one = exhibits.get(unescape(found[1]))
        return f'<b class="number">{escape(message("exhibit.heads", called=one.called))}</b> ' if one else ""

    def file(found: re.Match[str]) -> str:
        one = exhibits.get(unescape(found[1]))
        if one is None or not page or not files:
            return ""
        label = escape(message("exhibit.csv.of", called=one.called))
        return (
            f'<a class="csv" href="{quote(one.name)}.csv" aria-label="{label}">{message("exhibit.csv")}</a>'
        )

    def refer(found: re.Match[str]) -> str:
        one = exhibits.get(unescape(found[1]))
        return _link(one, page) if one else ""

    def of_its_chapter(result: str) -> list[Exhibit]:
        shown = [exhibits[name] for name in results.get(result, ()) if name in exhibits]
        return [one for one in shown if one.slug == shown[0].slug]  # the chapter that made it comes first

    def shown_in(found: re.Match[str]) -> str:
        every = [*dict.fromkeys(one for result in found[1].split() for one in of_its_chapter(result))]
        own = [one for one in every if one.slug == unescape(found[2])]  # else of the text, if there is one
        own = own or [one for one in every if not one.appendix] or every
        links = message("list.comma").join(_link(one, page) for one in own)
        if not own:
            return ""
        return (
            f'{message("list.sentence")}<span class="refer">{message("exhibit.refer", exhibits=links)}</span>'
        )

    def several(found: re.Match[str]) -> str:
        own = [exhibits[name] for name in unescape(found[1]).split() if name in exhibits]
        return escape(called(own)) if own else message("exhibit.more")

    def hint(found: re.Match[str]) -> str:
        said = told.get(unescape(found[2]))
        return f'{found[1]} tabindex="0" title="{escape(said)}">' if said else found[0]

    places: Sequence[tuple[str, Callable[[re.Match[str]], str]]] = (
        (r'<b class="number" data-exhibit="([^"]*)"></b>', number),
        (r'<a class="csv" data-exhibit="([^"]*)"></a>', file),
        (r'<a class="refer" data-exhibit="([^"]*)"></a>', refer),
        (r'<span class="refer" data-results="([^"]*)" data-slug="([^"]*)"></span>', shown_in),
        (r'<span class="called" data-exhibits="([^"]*)"></span>', several),
        (r'(<span class="result" data-result="([^"]*)")>', hint),
    )
    for pattern, fill in places:
        html = re.sub(pattern, fill, html)
    return html


def linked(html: str, passports: Mapping[str, str]) -> str:
    """A page on which each number leads to its passport; in a table by a click alone, since the Tab key has many cells to pass.

    Parameters
    ----------
    html : str
        As :func:`filled` gives it.
    passports : dict of str to str
        By id of a number the address of its passport.
    """

    def lead(found: re.Match[str]) -> str:
        where, cell = passports.get(unescape(found["id"])), found["tag"] != "span"
        if not where or not found["said"]:
            return found[0]
        begin = found["begin"].replace(' tabindex="0"', "")
        reach = ' tabindex="-1"' if cell else ""
        return (
            f'{begin}<a class="passport" href="{escape(where)}"{reach}>{found["said"]}</a></{found["tag"]}>'
        )

    tag = (
        r'(?P<begin><(?P<tag>span|td|th)\b[^>]* data-result="(?P<id>[^"]*)"[^>]*>)(?P<said>[^<]*)</(?P=tag)>'
    )
    return re.sub(tag, lead, html)


def address(one: Exhibit, page: str) -> str:
    """Where a table or figure stands, seen from the page of a chapter, or from the one that holds everything."""
    if not page:
        return f"#{one.whole_anchor}"
    return f"#{one.anchor}" if one.slug == page else f"{one.slug}.html#{one.anchor}"


def _link(one: Exhibit, page: str) -> str:
    return f'<a href="{escape(address(one, page))}">{escape(one.called)}</a>'
